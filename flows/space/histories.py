"""The treatment histories that conditions can tell apart: one for each class, found by adding lines to lines.

A line is made of what no condition tells apart: one agent of each kind, the regimens of the knowledge, a line whose
agents are not known; each with every outcome. Two histories that every comparison sees the same are one class, and only
its first is kept and lengthened. Longer ones are found as long as they bring classes that shorter ones do not, up to
`LONGEST` lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from math import prod
from typing import Any, NamedTuple

from flows.findings import early_seen, lines_seen
from flows.profile import Line, Profile
from flows.space.distinctions import Distinctions
from flows.when import Atom

LONGEST = 3
"""Lines; the third and later ones are one to every condition, but for what they add to what was received."""
OF_LINES = ("line", "received", "progressed_on", "not_tolerated", "last_line", "last_outcome", "her2_lines")
OF_EARLY = ("received_early", "received_ever", "relapse")
OF_HISTORY = ("prior_lines", "early_stage_agents", "months_since_adjuvant_her2")
"""The profile fields a history stands in."""
MOST_MONTHS = 720
"""The most a profile may state."""
MONTHS = (6, 12, 13)
"""Months since adjuvant anti-HER2 therapy: one on each side of what `early_seen` tells apart."""


class History(NamedTuple):
    """The answers that a class of histories stands on, and what a condition sees of them."""

    lines: tuple[Line, ...] | None
    early: tuple[str, ...] | str | None
    months: int | str | None
    view: dict[str, Any]

    @property
    def told(self) -> tuple[Any, ...]:
        """The answers, to know it by."""
        return self[:3]

    @property
    def answers(self) -> dict[str, Any]:
        """The profile fields, those that were answered."""
        said = {
            "prior_lines": self.lines, "early_stage_agents": self.early, "months_since_adjuvant_her2": self.months
        }  # fmt: skip
        return {field: value for field, value in said.items() if value is not None}


def histories(distinctions: Distinctions, longest: int = LONGEST, *, early: bool = True) -> tuple[History, ...]:
    """One history of every class, shortest first. `early`: with every kind of early-stage treatment before it."""
    return _histories(_apart(distinctions), longest, early)


@dataclass(frozen=True)
class _Apart:
    """What histories are told apart by: two knowledges that differ only in what they say of them have the same."""

    classes: tuple[tuple[str, frozenset[str]], ...]
    atoms: tuple[tuple[Atom, ...], ...]
    given: tuple[tuple[str, ...], ...]
    """What is added as a line: agents of one kind each, then those of regimens."""
    distinctions: Distinctions = field(compare=False)


def _apart(distinctions: Distinctions) -> _Apart:
    classes = tuple(distinctions.knowledge.classes.items())
    atoms = tuple(distinctions.atoms.get(name, ()) for name in (*OF_LINES, *OF_EARLY))
    return _Apart(classes, atoms, tuple(_given(distinctions)), distinctions)


@lru_cache(maxsize=4)
def _histories(apart: _Apart, longest: int, early: bool) -> tuple[History, ...]:
    distinctions = apart.distinctions
    classes = distinctions.knowledge.classes
    kept: dict[tuple[Any, ...], History] = {}
    before = tuple(early_treatments(distinctions)) if early else ((None, None),)
    for lines, view, seen in _line_histories(distinctions, longest):
        for agents, months in before:
            told = early_seen(view, agents, months, classes)
            key = (*seen, *(distinctions.seen(name, told[name]) for name in OF_EARLY), told["relapse"])
            if key not in kept:
                kept[key] = History(lines, agents, months, {**view, **told})
    return tuple(kept.values())


def as_told(profile: Profile, distinctions: Distinctions) -> History:
    """The history of a profile as it is known, open where it is open."""
    classes = distinctions.knowledge.classes
    view = lines_seen(profile.prior_lines, classes)
    agents, months = profile.early_stage_agents, profile.months_since_adjuvant_her2
    return History(profile.prior_lines, agents, months, {**view, **early_seen(view, agents, months, classes)})


def stands_for(history: History, distinctions: Distinctions) -> int:
    """How many histories of the same shape its class has at least: other agents of the same kinds, other months.

    Histories of another shape that conditions see the same are not counted.
    """
    size = {agent: len(kind) for kind in distinctions.kinds_of_agents for agent in kind}
    early = history.early if isinstance(history.early, tuple) else ()
    given = [agent for line in history.lines or () for agent in line.agents] + list(early)
    months = _MONTHS_ALIKE.get(history.months, 1) if isinstance(history.months, int) else 1
    return prod(size[agent] for agent in given) * months


_MONTHS_ALIKE = {6: 7, 12: 6, 13: MOST_MONTHS - 12}
"""A number of months to how many, from none on, `early_seen` takes for the same."""


_LineHistory = tuple[tuple[Line, ...] | None, dict[str, Any], tuple[Any, ...]]


def _line_histories(distinctions: Distinctions, longest: int) -> Iterator[_LineHistory]:
    classes = distinctions.knowledge.classes
    kinds = tuple(_lines(distinctions))
    found: dict[tuple[Any, ...], _LineHistory] = {}
    no_lines: tuple[tuple[Line, ...] | None, ...] = (None, ())
    for lines in no_lines:
        view = lines_seen(lines, classes)
        seen = _seen(distinctions, view, told=lines is not None)
        found[seen] = (lines, view, seen)
    newest = [entry for entry in found.values() if entry[0] is not None]
    for length in range(1, longest + 1):
        longer: list[_LineHistory] = []
        added = kinds if length < LONGEST else [line for line in kinds if line.outcome == "progression"]
        for lines, _view, _seen_of in newest:
            for line in added:
                more = (*(lines or ()), line)
                view = lines_seen(more, classes)
                seen = _seen(distinctions, view, told=True)
                if seen not in found:
                    found[seen] = (more, view, seen)
                    longer.append(found[seen])
        newest = longer
    yield from found.values()


def _seen(distinctions: Distinctions, view: dict[str, Any], *, told: bool) -> tuple[Any, ...]:
    return (told, *(distinctions.seen(name, view[name]) for name in OF_LINES))


def _given(distinctions: Distinctions) -> Iterator[tuple[str, ...]]:
    regimens = distinctions.knowledge.regimens.values()
    yield from ((kind[0],) for kind in distinctions.kinds_of_agents)
    yield from (regimen.agents for regimen in regimens if regimen.kind == "drug" and len(regimen.agents) > 1)


def _lines(distinctions: Distinctions) -> Iterator[Line]:
    """Every line that is worth adding: of one kind of agent, of a regimen's agents, of none that is known."""
    for agents in (*dict.fromkeys(_given(distinctions)), ()):
        for outcome in ("progression", "toxicity", "completed", None):
            yield Line.model_validate({"agents": agents, "outcome": outcome})


def early_treatments(distinctions: Distinctions) -> Iterator[tuple[tuple[str, ...] | str | None, int | str | None]]:
    """Early-stage treatments that conditions tell apart by themselves, and the times since they ended."""
    kinds = [kind[0] for kind in distinctions.kinds_of_agents]
    classes = distinctions.knowledge.classes
    nothing = lines_seen((), classes)
    kept: dict[tuple[Any, ...], tuple[str, ...] | None] = {}
    tried: tuple[tuple[str, ...] | None, ...] = (None, (), *((kind,) for kind in kinds), *combinations(kinds, 2))
    for agents in tried:
        told = early_seen(nothing, agents, None, classes)
        kept.setdefault(tuple(distinctions.seen(name, told[name]) for name in OF_EARLY), agents)
    for agents in kept.values():
        told = early_seen(nothing, agents, None, classes)
        for months in (*MONTHS, None) if told["relapse"] is None else (None,):
            yield agents, months
