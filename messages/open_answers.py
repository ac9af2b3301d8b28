"""What a conditional answer holds and where its ways part, in words: nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from flows.explanation.missing import CONTINUED, Branch, Missing
from flows.knowledge.model import Tier
from flows.questionnaire import QUESTION_OF, QUESTIONS
from flows.space.histories import MONTHS
from flows.when import NOT_KNOWN
from messages.words import Words

MOST_NAMED = 4
"""Regimens named in a list before the rest is counted."""
FEW_NAMED = 2
"""The same where there is little room."""


class BranchInWords(NamedTuple):
    """What follows from some answers. `option`: the answer, where there is one that its question offers as such."""

    answers: str
    first: str
    """The steps that not all branches bring, and what is first, with its tier; or that nothing is ranked."""
    rest: str
    """The options other branches have and this one has not; may be empty."""
    option: str

    @property
    def text(self) -> str:
        """All of it on one line."""
        return f"{self.answers}: {self.first}" + (f"; {self.rest}" if self.rest else "")


class OpenAnswers(NamedTuple):
    """What is certain whatever the open answers are, and what each way would bring."""

    holds: str
    holds_short: str
    """The same with fewer options named."""
    label: str
    """What would settle most; empty where no single answer parts the ways."""
    question: str
    branches: tuple[BranchInWords, ...]

    @property
    def short(self) -> tuple[str, ...]:
        """The branches with what tells them apart: steps and the first option, or else the options they have not."""
        same = len({way.first for way in self.branches}) < len(self.branches)
        return tuple(way.text if same else f"{way.answers}: {way.first}" for way in self.branches)


def in_words(found: Missing | None, words: Words, role: str | None = None) -> OpenAnswers | None:
    """What `missing` found, in words; None where it found nothing."""
    if found is None:
        return None
    field = found.field or ""
    return OpenAnswers(
        _holds(found, words, role, MOST_NAMED),
        _holds(found, words, role, FEW_NAMED),
        words.label(field) if field else "",
        QUESTION_OF[field] if field else "",
        tuple(_branch(found, branch, words, role) for branch in found.branches),
    )


def _holds(found: Missing, words: Words, role: str | None, most: int) -> str:
    """One sentence on what is so in every case."""
    others = [words.regimen(name, role) for name in found.always if name != found.first]
    parts = [f"{words.regimen(found.first, role)} is first"] if found.first else []
    if others:
        parts.append(f"{_named(others, most)} {'is an option' if len(others) == 1 else 'are options'}")
    if found.steps:
        parts.append(f"before or beside drugs, {', '.join(words.regimen(name) for name in found.steps)}")
    if not (found.first or others):
        parts.insert(0, "no option holds")
    said = f"in every case {'; '.join(parts)}."
    ends = _listed([words.label(name) for name in found.ends], "or")
    return f"Unless {ends} ends the ranking, {said}" if ends else f"I{said[1:]}"


def _branch(found: Missing, branch: Branch, words: Words, role: str | None) -> BranchInWords:
    assert found.field is not None
    values = _values(found, branch, words)
    single = branch.values[0] if len(branch.values) == 1 else None
    offered = isinstance(single, str) and single in QUESTIONS[QUESTION_OF[found.field]].options
    option = str(single) if offered else ""
    if not branch.order:
        return BranchInWords(values, words.vocabulary.status[branch.status].lower(), "", option)
    tiers = dict(branch.order)
    first, *others = (_with_tier(name, tiers.get(name), words, role) for name in branch.first)
    also = f", or {' or '.join(others)} depending on what else is open" if others else ""
    leads = f"first {first}{also}"
    if CONTINUED in branch.steps:
        leads = f"if systemic therapy is changed, {leads}"
    return BranchInWords(
        values, f"{_own_steps(found, branch, words)}{leads}", _rest(found, branch, words, role), option
    )


def _with_tier(name: str, tier: Tier | None, words: Words, role: str | None) -> str:
    return words.regimen(name, role) + (f" ({words.vocabulary.tiers[tier]})" if tier else "")


def _own_steps(found: Missing, branch: Branch, words: Words) -> str:
    """The steps this way brings and not all others do: they come before drugs."""
    ranked = [other for other in found.branches if other.order]
    own = [words.regimen(name) for name in branch.steps if not all(name in other.steps for other in ranked)]
    return f"{', '.join(own)}; " if own else ""


def _rest(found: Missing, branch: Branch, words: Words, role: str | None) -> str:
    """The options this way has not and others have."""
    elsewhere = dict.fromkeys(name for other in found.branches for name, _ in other.order)
    lacking = [words.regimen(name, role) for name in elsewhere if name not in branch.options]
    return f"not an option: {_named(lacking)}" if lacking else ""


def _values(found: Missing, branch: Branch, words: Words) -> str:
    field = found.field or ""
    if field == "prior_lines":
        return _either(_outcomes(lines, found, words) for lines in branch.values)
    if field == "early_stage_agents":
        return _early(found, branch, words)
    values = branch.values
    if field == "months_since_adjuvant_her2" and set(values) > {MONTHS[0]}:
        values = tuple(value for value in values if value != MONTHS[0])  # within the longer time
    return _either(words.value(field, value) for value in values)


def _outcomes(lines: Sequence[Any], found: Missing, words: Words) -> str:
    """What tells one history from the others: how a line ended."""
    every = [other for branch in found.branches for other in branch.values]
    differs = [at for at in range(len(lines)) if len({other[at].outcome for other in every}) > 1]
    return ", ".join(f"line {at + 1} {words.vocabulary.outcomes[lines[at].outcome or NOT_KNOWN]}" for at in differs)


def _early(found: Missing, branch: Branch, words: Words) -> str:
    """What the treatments of a branch have in common, or lack; each of them where that would be said of another too."""
    said = [_shared(found, other, words) for other in found.branches]
    own = said[found.branches.index(branch)]
    if said.count(own) == 1:
        return own
    return _either(" + ".join(words.agent(name) for name in agents) or "none" for agents in branch.values)


def _shared(found: Missing, branch: Branch, words: Words) -> str:
    if shared := _common(branch):
        return f"with {_listed([words.agent(name) for name in shared], 'and')}"
    others = dict.fromkeys(name for other in found.branches if other is not branch for name in _common(other))
    return f"without {_listed([words.agent(name) for name in others], 'or')}"


def _common(branch: Branch) -> tuple[str, ...]:
    first, *rest = branch.values
    return tuple(name for name in first if all(name in agents for agents in rest))


def _either(values: Iterable[str]) -> str:
    """Answers that lead to the same; some of them have commas."""
    return " / ".join(dict.fromkeys(values))


def _named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _listed(names: Iterable[str], last: str) -> str:
    *before, end = [*names] or [""]
    return f"{', '.join(before)} {last} {end}" if before else end
