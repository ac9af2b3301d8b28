"""What an entry of the knowledge hangs on, and for which classes of profiles it decides something."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from multiprocessing import get_context
from typing import Any, NamedTuple

from flows.explanation.edits import Key
from flows.explanation.moves import Side, reach_of
from flows.findings import SOURCE_OF
from flows.knowledge.load import Knowledge
from flows.sequencing.recommend import rulebook
from flows.space.bit_rules import BitRules
from flows.space.distinctions import DECIDING, Condition, Distinctions, conditions
from flows.verification.verify import (
    CHUNK,
    SEEN_APART,
    bases,
    block_of,
    close,
    is_clear,
    simplest,
    simplicity,
    steps,
)
from flows.when import Atom

KINDS = {
    "stop": ("stop",), "safety rule": ("exclusion", "caution"), "decision row": ("row", "assumes", "avoid", "option"),
    "principle": ("principle",), "pitfall": ("pitfall",), "regimen": ("fit",),
}  # fmt: skip
"""Kind of entry to the kinds of conditions it has."""
ANY = "used"
"""What is counted of several entries together."""
STEPPED = 3
"""Every so-manieth of the answers that are combined is taken with its steps: the counting is to be quick."""
SEVERAL = ("", "")
"""Stands for several entries together."""


# ---- which questions ---------------------------------------------------------------------------------------------


class DependsOn(NamedTuple):
    """Profile fields: those its own conditions look at, and those that others' do on which it hangs."""

    own: tuple[str, ...]
    through_others: tuple[str, ...]


def depends_on(key: Key, knowledge: Knowledge) -> DependsOn:
    """The fields an entry hangs on: by its conditions, and by what may rule out or place the regimens they name."""
    own = [one for one in conditions(knowledge) if _is_of(one, key)]
    if key[0] == "regimen":
        own += _about(key[1], knowledge)
    out = {str(value) for one in own for atom in one.when.atoms if atom.field == "out" for value in atom.values}
    others = [
        Condition("exclusion", rule.id, rule.when)
        for _, rule, reach in rulebook(knowledge).exclusions
        if out.intersection(reach)
    ]
    named = dict.fromkeys(_fields(own))
    return DependsOn(tuple(named), tuple(name for name in dict.fromkeys(_fields(others)) if name not in named))


def _is_of(one: Condition, key: Key) -> bool:
    return one.kind in KINDS.get(key[0], ()) and one.entry.split(": ")[0] == key[1]


def _about(regimen: str, knowledge: Knowledge) -> Iterator[Condition]:
    """The conditions that place a regimen, rule it out or caution."""
    book = rulebook(knowledge)
    for row in knowledge.recommendations:
        if any(option.regimen == regimen for option in row.options) or any(step.step == regimen for step in row.steps):
            yield Condition("row", row.id, row.when)
    for one in conditions(knowledge):
        if one.kind in ("option", "avoid") and one.entry.endswith(f": {regimen}"):
            yield one
    for _, rule, reach in book.exclusions:
        if regimen in reach:
            yield Condition("exclusion", rule.id, rule.when)
    for number in book.cautions_on.get(regimen, ()):
        yield Condition("caution", book.cautions[number].id, book.cautions[number].when)


def _fields(listed: Sequence[Condition]) -> Iterator[str]:
    for one in listed:
        for atom in one.when.atoms:
            if atom.field == "absent":
                yield from map(str, atom.values)
            elif atom.field != "out":
                yield from SOURCE_OF.get(atom.field, (atom.field,))


# ---- which classes -----------------------------------------------------------------------------------------------


@dataclass
class Counted:
    """So many classes of a part of the space, and the answers of the simplest of them."""

    classes: int
    example: dict[str, Any]


@dataclass
class Use:
    """What entries decide: the entry and what is counted of it, to the classes for which it does."""

    classes: int = 0
    counted: dict[tuple[Key, str], Counted] = field(default_factory=dict)

    def add(self, other: Use) -> None:
        """Take in what another part of the space gave."""
        self.classes += other.classes
        for key, counted in other.counted.items():
            known = self.counted.get(key)
            if known is None:
                self.counted[key] = counted
            else:
                example = min(known.example, counted.example, key=simplicity)
                self.counted[key] = Counted(known.classes + counted.classes, example)


def where_used(side: Side, key: Key) -> Iterator[tuple[str, int]]:
    """What is decided by an entry, with the classes of a block it is decided for."""
    kind, name = key
    decided, ranked = side.decided, side.ranked
    if kind == "stop" and name in decided.stops:
        yield "holds", decided.stops[name]
        yield "is given as the reason", side.reasons[name]
    elif kind == "safety rule" and name in decided.excluded:
        yield "rules out", decided.excluded[name].true & ranked
    elif kind == "safety rule":
        yield "is shown on an option", _cautioned(side, name)
    elif kind == "decision row":
        yield "holds", decided.rows[name].true & ranked
        yield "places an option", reduce(int.__or__, (side.by(regimen, 1).get(name, 0) for regimen in side.places), 0)
    elif kind == "regimen" and side.knowledge.regimens[name].kind == "step":
        yield "is a step", side.steps.get(name, 0)
    elif kind == "regimen":
        yield "is an option", side.offered(name)
        yield "is first", side.firsts.get(name, 0)
    elif kind in ("principle", "pitfall"):
        listed = side.knowledge.principles if kind == "principle" else side.knowledge.pitfalls
        yield "is shown", side.shown(listed)[name]


def _cautioned(side: Side, name: str) -> int:
    rule = next(one for one in side.book.cautions if one.id == name)
    offered = reduce(int.__or__, map(side.offered, reach_of(side.book, name)), 0)
    return side.full & ~side.deciding.when(rule.when).false & offered


_ASKED: tuple[Knowledge, tuple[Key, ...], tuple[Atom, ...]] | None = None


def use(knowledge: Knowledge, keys: Sequence[Key], halves: int = 2, every: int = 1) -> Use:
    """What entries decide over a part of the space: the shorter treatment histories, a third of the steps.

    Of more than one entry only together. Uses as many processes as there are `halves`; `every`: only every so-manieth
    history.
    """
    global _ASKED  # noqa: PLW0603  (read by the processes that are forked from this one)
    atoms = dict.fromkeys(
        atom for one in conditions(knowledge) if any(_is_of(one, key) for key in keys) for atom in one.when.atoms
    )
    _ASKED = (knowledge, tuple(keys), tuple(atoms))
    rulebook(knowledge)
    found = Use()
    with ProcessPoolExecutor(min(halves, os.cpu_count() or 1), mp_context=get_context("fork")) as pool:
        for part in pool.map(_use_of_half, [(number * every, halves * every) for number in range(halves)]):
            found.add(part)
    return found


def _use_of_half(share: tuple[int, int]) -> Use:
    """Every so-manieth history, in a process of its own."""
    assert _ASKED is not None
    knowledge, keys, atoms = _ASKED
    distinctions = Distinctions(knowledge, DECIDING, atoms)
    told = close(distinctions)[share[0] :: share[1]]
    every = tuple(bases(distinctions))
    found = Use()
    for first in range(0, len(told), CHUNK):
        mine = told[first : first + CHUNK]
        rules = BitRules(distinctions, mine)
        block = block_of(every, mine)
        _count(found, Side(rules, block), block.full, keys)
        for base in list(filter(is_clear, every))[::STEPPED]:
            changed = steps(distinctions, base)
            block = block_of([base, *({**base, name: value} for name, value in changed)], mine)
            apart = [place for place, (name, _) in enumerate(changed, 1) if name not in SEEN_APART]
            _count(found, Side(rules, block), block.lift("answers", apart), keys)
    return found


def _count(found: Use, side: Side, fresh: int, keys: Sequence[Key]) -> None:
    part = Use(fresh.bit_count())
    used: dict[tuple[Key, str], int] = {}
    for key in keys:
        for what, classes in where_used(side, key):
            of_it = (key, what) if len(keys) == 1 else (SEVERAL, ANY)
            used[of_it] = used.get(of_it, 0) | classes & fresh
    for of_it, classes in used.items():
        if classes:
            known = found.counted.get(of_it)
            example = known.example if known is not None else simplest(side.block, classes)
            part.counted[of_it] = Counted(classes.bit_count(), example)
    found.add(part)


__all__ = ["ANY", "KINDS", "SEVERAL", "Counted", "DependsOn", "Use", "depends_on", "use", "where_used"]
