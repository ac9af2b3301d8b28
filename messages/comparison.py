"""What would change an answer, in words; and the answer as it is beside the one under a change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from flows.explanation.changes import Change, Changed
from flows.sequencing.advice import Advice
from messages.words import Words

MOST_ASSUMED = 4
"""Assumptions named before the rest is counted."""
NARROW = 32
"""Characters of a label that a narrow button shows."""
_ASIDE = re.compile(r" \([^()]*\)")


def change_in_words(change: Change, words: Words) -> str:
    """A change and what it would alter, on one line."""
    return f"{answers_in_words(change.answers, words)}: {effect_in_words(change, words)}"


def answers_in_words(answers: Sequence[Changed], words: Words) -> str:
    """The answers given otherwise: `LVEF: normal -> reduced`."""
    return "; ".join(
        f"{words.label(answer.field)}: {words.value(answer.field, answer.before)} -> "
        f"{words.value(answer.field, answer.after)}"
        for answer in answers
    )


def label_of(change: Change, words: Words, number: int, *, short: bool = False) -> str:
    """What a change would make of its answers, as a button says it; its number where that is too long for a narrow one.

    `number`: its place among the changes, counted from one.
    """
    label = words.short_label if short else words.label
    said = " and ".join(f"{label(one.field)}: {words.value(one.field, one.after)}" for one in change.answers)
    if not short:
        return f"What if {said}"
    plain = _ASIDE.sub("", said)
    return plain if len(plain) <= NARROW else f"Change {number}"


def effect_in_words(change: Change, words: Words) -> str:
    """What a change would alter."""
    effects = []
    if change.first is not None:
        effects.append(f"first becomes {words.regimen(change.first)}")
    elif change.status in ("refer", "decline", "ask"):
        effects.append(words.vocabulary.status[change.status].lower())
    if change.added:
        effects.append(f"adds {', '.join(words.regimen(name) for name in change.added)}")
    if change.removed:
        effects.append(f"removes {', '.join(words.regimen(name) for name in change.removed)}")
    return "; ".join(effects)


class Side(NamedTuple):
    """Where a regimen stands in one of the two answers."""

    rank: int
    tier: str


Moved = Literal["same", "up", "down", "tier", "added", "removed"]


class Compared(NamedTuple):
    """A regimen in both answers; None where it is no option. `why`: what the one or the other says of that."""

    regimen: str
    name: str
    now: Side | None
    then: Side | None
    moved: Moved
    """`up`, `down`: past another option that both answers have; what only makes room for a new one stays the same."""
    why: str


class Comparison(NamedTuple):
    """An answer beside what it would be under a change."""

    answers: str
    now_status: str
    then_status: str
    rows: tuple[Compared, ...]
    """In the order of the answer under the change, then what is no option in it."""
    now_steps: tuple[str, ...]
    then_steps: tuple[str, ...]
    stopped: tuple[str, ...]
    """Why nothing is ranked under the change."""
    cautions: tuple[str, ...]
    """Cautions that hold for certain under the change, and not as answered."""
    assumed: str
    """What the answer under the change takes to be so, and the one as answered does not; the first of it."""

    @property
    def nothing(self) -> bool:
        """Whether both answers are the same in all that is compared."""
        alike = all(row.now == row.then for row in self.rows) and self.now_steps == self.then_steps
        return alike and self.now_status == self.then_status and not self.cautions


def comparison(
    now: Advice, then: Advice, answers: Sequence[Changed], words: Words, role: str | None = None
) -> Comparison:
    """Two answers side by side. `answers`: what is given otherwise in the second."""
    before, after = _sides(now, words), _sides(then, words)
    names = dict.fromkeys((*after, *before))
    return Comparison(
        answers_in_words(answers, words),
        words.vocabulary.status[now.status],
        words.vocabulary.status[then.status],
        tuple(
            Compared(
                name,
                words.regimen(name, role),
                before.get(name),
                after.get(name),
                _moved(name, before, after),
                _why(name, now, then, words),
            )
            for name in names
        ),
        tuple(step.regimen.name for step in now.steps),
        tuple(step.regimen.name for step in then.steps),
        tuple(reason.stop.text for reason in then.reasons),
        tuple(text for text in _cautions(then) if text not in _cautions(now)),
        _new(words.atoms(then.assumptions), words.atoms(now.assumptions)),
    )


def _cautions(advice: Advice) -> tuple[str, ...]:
    """The cautions of an answer that hold for certain, each once."""
    held = (caution for option in advice.options for caution in option.cautions if caution.certain)
    return tuple(dict.fromkeys(f"{caution.rule.text.rstrip('.')}." for caution in held))


def _new(then: Sequence[str], now: Sequence[str]) -> str:
    """What is said in one list and not in the other: the first few, and how many more."""
    found = [said for said in dict.fromkeys(then) if said not in now]
    more = len(found) - MOST_ASSUMED
    return "; ".join(found[:MOST_ASSUMED]) + (f"; and {more} more" if more > 0 else "")


def _sides(advice: Advice, words: Words) -> dict[str, Side]:
    return {option.regimen.id: Side(option.rank, words.vocabulary.tiers[option.tier]) for option in advice.options}


def _moved(name: str, before: dict[str, Side], after: dict[str, Side]) -> Moved:
    if name not in before or name not in after:
        return "added" if name in after else "removed"
    both = [other for other in before if other in after]
    above = {other for other in both if before[other].rank < before[name].rank}
    above_then = {other for other in both if after[other].rank < after[name].rank}
    if above != above_then:
        return "up" if len(above_then) < len(above) or above - above_then else "down"
    return "same" if before[name].tier == after[name].tier else "tier"


def _why(name: str, now: Advice, then: Advice, words: Words) -> str:
    """Why a regimen is an option in one answer only: what rules it out in the other, or what places it in the one."""
    if (name in now.regimens) == (name in then.regimens):
        return ""
    without, having = (then, now) if name in now.regimens else (now, then)
    ruled_out = [words.atoms(exclusion.because) or [exclusion.text]
                 for exclusion in without.excluded if exclusion.regimen.id == name]  # fmt: skip
    if ruled_out:
        return "; ".join(dict.fromkeys(said for because in ruled_out for said in because))
    placed = next(option for option in having.options if option.regimen.id == name)
    return "; ".join(words.atoms(placed.because)) if having is then else ""
