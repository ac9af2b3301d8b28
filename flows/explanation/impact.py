"""What another version of the knowledge does to advice: every class of profiles whose answer changes.

The classes are those of `flows.verification.verify`, told apart by the conditions of both versions that decide, and by
those of every entry that was edited: what no such condition tells apart gets the same change. Both versions decide the
same blocks, each with its own view of the treatment histories, and what they say is compared set by set.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, compress
from multiprocessing import get_context
from typing import Any, Literal, NamedTuple

from flows.explanation.edits import Edits, Key, edits
from flows.explanation.moves import Compared, Move, Side, reach_of
from flows.findings import early_seen, lines_seen
from flows.knowledge.load import Knowledge
from flows.sequencing.recommend import rulebook
from flows.space.bit_rules import BitRules
from flows.space.blocks import Answers, Block
from flows.space.distinctions import DECIDING, Distinctions, conditions
from flows.space.histories import History, histories
from flows.verification.invariants import COMPARED, Checked
from flows.verification.verify import (
    CHUNK,
    SEEN_APART,
    bases,
    block_of,
    broken_in,
    close,
    is_clear,
    simplest,
    simplicity,
    steps,
)
from flows.when import Atom, When

Moves = frozenset[Move]
Broken = tuple[str, str]
"""An invariant, and what is wrong."""
LOOKED_AT = 20
"""Classes of a group in one block of which the simplest is taken as its example: the first that are found."""
BLOCKS_LOOKED_AT = 4
"""Blocks in which an example of a group is looked for: the histories come shortest first."""


class Why(NamedTuple):
    """An entry behind a change: which, and that it `holds` now, `no longer` does, or holds and was `edited`."""

    kind: str
    entry: str
    how: Literal["holds", "no longer", "edited"]


@dataclass
class Group:
    """The classes whose answers change in the same way."""

    classes: int
    example: dict[str, Any]
    """The answers of the simplest of them."""
    why: Counter[Why] = field(default_factory=Counter)
    """The entries behind it, each with the number of the classes."""
    blocks: int = 1

    def add(self, other: Group) -> None:
        """Take in the same change in another part of the space."""
        self.classes += other.classes
        self.why.update(other.why)
        self.blocks += other.blocks
        self.example = min(self.example, other.example, key=simplicity)


@dataclass
class Impact:
    """What changes between two versions of the knowledge."""

    edits: Edits
    classes: int = 0
    histories: int = 0
    groups: dict[Moves, Group] = field(default_factory=dict)
    broken: dict[Broken, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """What is broken now and was not, to the number of classes and the answers of the simplest."""
    used: Counter[Key] = field(default_factory=Counter)
    """An edited entry to the number of classes it is used for now; those that can be counted."""
    seconds: float = 0.0

    @property
    def changed(self) -> int:
        """The number of classes whose answer changes."""
        return sum(group.classes for group in self.groups.values())

    def largest(self) -> list[tuple[Moves, Group]]:
        """The groups, those of most classes first."""
        return sorted(self.groups.items(), key=lambda one: (-one[1].classes, sorted(one[0])))

    def add(self, other: Impact) -> None:
        """Take in what another part of the space gave."""
        self.classes += other.classes
        self.histories += other.histories
        self.used.update(other.used)
        for moves, group in other.groups.items():
            self.put(moves, group)
        for key, (count, answers) in other.broken.items():
            known = self.broken.get(key)
            example = answers if known is None else min(known[1], answers, key=simplicity)
            self.broken[key] = (count + (known[0] if known else 0), example)

    def put(self, moves: Moves, group: Group) -> None:
        """Count classes that change in this way."""
        known = self.groups.get(moves)
        if known is None:
            self.groups[moves] = group
        else:
            known.add(group)


# ---- the space both are compared on ------------------------------------------------------------------------------


class Joint(Distinctions):
    """What the conditions of either of two knowledges tell apart, for the first of them to be decided with."""

    def __init__(self, knowledge: Knowledge, other: Knowledge, also: Sequence[Atom]) -> None:
        self.other = other
        theirs = Distinctions(other, DECIDING).atoms.values()
        super().__init__(knowledge, DECIDING, (*COMPARED, *chain.from_iterable(theirs), *also))

    @cached_property
    def kinds_of_agents(self) -> tuple[tuple[str, ...], ...]:
        """The agents that no condition of either tells apart, by what each knowledge says they are."""
        of_other = Distinctions(self.other, frozenset())
        of_other.atoms = self.atoms
        kinds: dict[tuple[int, int], tuple[str, ...]] = {}
        places = [{agent: number for number, kind in enumerate(kinds_of) for agent in kind}
                  for kinds_of in (super().kinds_of_agents, of_other.kinds_of_agents)]  # fmt: skip
        for agent in self.knowledge.classes:
            key = (places[0][agent], places[1][agent])
            kinds[key] = (*kinds.get(key, ()), agent)
        return tuple(kinds.values())


class Space:
    """The classes two knowledges are compared on."""

    def __init__(self, old: Knowledge, new: Knowledge) -> None:
        self.old, self.new = old, new
        self.edits = edits(old, new)
        also = tuple(dict.fromkeys(_edited_atoms(old, new, self.edits)))
        self.distinctions = Joint(old, new, also), Joint(new, old, also)
        self.same_findings = old.classes == new.classes

    def histories(self, named: str) -> tuple[History, ...]:
        """The treatment histories of a part of the space, shortest first."""
        if named == "close":
            return self.close
        known = {one.told for one in self.close}
        if named == "early":
            found = self._listed(lambda distinctions: histories(distinctions, 2))
        else:
            found = self._listed(lambda distinctions: histories(distinctions, 3, early=False))
        return tuple(one for one in found if one.told not in known)

    @cached_property
    def close(self) -> tuple[History, ...]:
        """The histories that are held against every step."""
        return self._listed(close)

    def _listed(self, listed: Callable[[Distinctions], tuple[History, ...]]) -> tuple[History, ...]:
        drugs = [{one.agents for one in knowledge.regimens.values() if one.kind == "drug"}
                 for knowledge in (self.old, self.new)]  # fmt: skip
        if self.same_findings and drugs[0] == drugs[1]:
            return listed(self.distinctions[0])
        found: dict[tuple[Any, ...], History] = {}
        for distinctions in sorted(self.distinctions, key=lambda one: one.knowledge.digest):
            for one in listed(distinctions):
                found.setdefault(one.told, one)
        return tuple(sorted(found.values(), key=lambda one: len(one.lines or ())))

    def rules(self, told: tuple[History, ...]) -> tuple[BitRules, BitRules]:
        """The rules of both knowledges for blocks that end in these histories, each with its own view of them."""
        views = (told, told)
        if not self.same_findings:
            views = (tuple(_view(one, self.old) for one in told), tuple(_view(one, self.new) for one in told))
        return BitRules(self.distinctions[0], views[0]), BitRules(self.distinctions[1], views[1])


def _view(history: History, knowledge: Knowledge) -> History:
    """A history as a knowledge with its own classes of agents sees it."""
    seen = lines_seen(history.lines, knowledge.classes)
    return history._replace(view={**seen, **early_seen(seen, history.early, history.months, knowledge.classes)})


def _edited_atoms(old: Knowledge, new: Knowledge, edited: Edits) -> Iterator[Atom]:
    """The comparisons that conditions of edited entries make, and those of entries that mean others than they did.

    Where agents are of other classes, every condition may come out otherwise; where a regimen has other agents, it may
    be another caution that is about it.
    """
    touched = {name for _, name in edited.touched}
    reach = [{rule.id: reach_of(rulebook(knowledge), rule.id) for rule in knowledge.rules} for knowledge in (old, new)]
    touched |= {name for name in reach[0] if reach[0][name] != reach[1].get(name)}
    for knowledge in (old, new):
        for one in conditions(knowledge):
            if old.classes != new.classes or one.entry.split(": ")[0] in touched:
                yield from one.when.atoms


# ---- the comparing -----------------------------------------------------------------------------------------------


class Share(NamedTuple):
    """A share of the space: of these histories every so-manieth, from one on."""

    histories: Literal["close", "early", "long"]
    """`close`: those held against every step; `early`, `long`: see `flows.verification.verify.Part`."""
    first: int = 0
    every: int = 1
    stepped: int = 1
    """Every so-manieth of the answers that are taken with their steps."""


SHARES = (Share("long"), Share("early"), *(Share("close", number, 4) for number in range(4)))
"""The longest first, so that no process waits for another at the end."""

_SPACE: Space | None = None


def _compare_share(share: Share) -> Impact:
    """One share, in a process of its own."""
    assert _SPACE is not None
    return _Comparing(_SPACE, share).compared()


class _Comparing:
    """One share while it is compared."""

    def __init__(self, space: Space, share: Share) -> None:
        self.space, self.share = space, share
        self.found = Impact(space.edits)

    def compared(self) -> Impact:
        space = self.space
        told = space.histories(self.share.histories)[self.share.first :: self.share.every]
        every = tuple(bases(space.distinctions[0]))
        stepped = [base for base in every if is_clear(base)][:: self.share.stepped]
        self.found.histories = len(told)
        for first in range(0, len(told), CHUNK):
            mine = told[first : first + CHUNK]
            rules = space.rules(mine)
            self._block(rules, every, mine, ())
            for base in stepped if self.share.histories == "close" else ():
                changed = steps(space.distinctions[0], base)
                answers = [base, *({**base, name: value} for name, value in changed)]
                self._block(rules, answers, mine, changed)
        return self.found

    def _block(
        self,
        rules: tuple[BitRules, BitRules],
        answers: Sequence[Answers],
        told: tuple[History, ...],
        changed: tuple[tuple[str, Any], ...],
    ) -> None:
        """These answers with these histories; `changed`: what each after the first changes of it."""
        block = block_of(answers, told)
        old = Side(rules[0], block)
        compared = Compared(old, Side(rules[1], block, like=old if self.space.same_findings else None))
        fresh = block.full
        if changed:  # the base, and what is combined with everything anyway, are counted elsewhere
            apart = [place for place, (name, _) in enumerate(changed, 1) if name not in SEEN_APART]
            fresh = block.lift("answers", apart)
        self.found.classes += fresh.bit_count()
        self._invariants(compared, block, answers, changed)
        for key, classes in used(compared, self.space.edits).items():
            self.found.used[key] += (classes & fresh).bit_count()
        moves = {move: classes & fresh for move, classes in compared.moves().items() if classes & fresh}
        if moves:
            self._group(compared, block, moves)

    def _invariants(
        self, compared: Compared, block: Block, answers: Sequence[Answers], changed: tuple[tuple[str, Any], ...]
    ) -> None:
        """What is broken now and was not."""
        now = broken_in(Checked(compared.new.rules, block, compared.new.decided, answers, changed))
        if not now:
            return
        was = broken_in(Checked(compared.old.rules, block, compared.old.decided, answers, changed))
        for key, classes in now.items():
            newly = classes & ~was.get(key, 0)
            if newly:
                found = Impact(self.space.edits, broken={key: (newly.bit_count(), simplest(block, newly))})
                self.found.add(found)

    def _group(self, compared: Compared, block: Block, moves: Mapping[Move, int]) -> None:
        """The classes that change, by how and why they do."""
        anywhere = 0
        for classes in moves.values():
            anywhere |= classes
        why = {name: classes & anywhere for name, classes in causes(compared, self.space.edits).items()}
        why = {name: classes for name, classes in why.items() if classes}
        names: list[Move | Why] = [*moves, *why]
        groups: dict[Moves, tuple[int, list[int], Counter[Why]]] = {}
        for held, alike in combinations_in([*moves.values(), *why.values()], anywhere).items():
            found = frozenset(name for place in held if isinstance(name := names[place], Move))
            count, examples, reasons = groups.get(found, (0, [], Counter()))
            reasons.update({name: alike.count for place in held if isinstance(name := names[place], Why)})
            groups[found] = (count + alike.count, [*examples, *alike.some][:LOOKED_AT], reasons)
        for found, (count, examples, reasons) in groups.items():
            seen = self.found.groups.get(found)
            if seen is not None and seen.blocks >= BLOCKS_LOOKED_AT:
                example = seen.example
            else:
                example = min((block.answers(number) for number in examples), key=simplicity)
            self.found.put(found, Group(count, example, reasons))


@dataclass(slots=True)
class Alike:
    """Classes that are in the same sets: how many, and the numbers of some of the first."""

    count: int = 0
    some: list[int] = field(default_factory=list)


def combinations_in(sets: Sequence[int], among: int) -> dict[tuple[int, ...], Alike]:
    """How many of some classes are in which of the sets, by the places of these sets.

    Eight classes that stand side by side are looked at together, and eight that are alike once.
    """
    lowest = (among & -among).bit_length() - 1 >> 3
    highest = among.bit_length() + 7 >> 3

    def eights(classes: int) -> bytes:
        return (classes >> 8 * lowest & (1 << 8 * (highest - lowest)) - 1).to_bytes(highest - lowest, "little")

    wanted = eights(among)
    columns = [wanted, *map(eights, sets)]
    counted: dict[tuple[int, ...], list[int]] = {}
    for place, eight in compress(enumerate(zip(*columns, strict=True), lowest), wanted):
        known = counted.get(eight)
        if known is None:
            counted[eight] = [1, place]
        else:
            known[0] += 1
    found: dict[tuple[int, ...], Alike] = {}
    for (some, *bytes_), (count, place) in counted.items():
        there = [(number, byte) for number, byte in enumerate(bytes_) if byte]
        for bit in range(8):
            if some >> bit & 1:
                held = found.setdefault(tuple(number for number, byte in there if byte >> bit & 1), Alike())
                held.count += count
                if len(held.some) < LOOKED_AT:
                    held.some.append(8 * place + bit)
    return found


# ---- which entries are behind it ---------------------------------------------------------------------------------


def causes(compared: Compared, edited: Edits) -> dict[Why, int]:
    """The entries that hold now or no longer do, or were edited in what decides and hold, each with its classes."""
    found: dict[Why, int] = {}
    old, new = _holding(compared.old), _holding(compared.new)
    for kind, name in dict.fromkeys((*old, *new)):
        was, now = old.get((kind, name), 0), new.get((kind, name), 0)
        if was != now and kind != "regimen":  # that an option is one is what changed, not why
            found[Why(kind, name, "no longer")] = was & ~now
            found[Why(kind, name, "holds")] = now & ~was
        if (kind, name) in edited.deciding:
            found[Why(kind, name, "edited")] = was & now
    for kind, name in edited.deciding:
        if kind == "agent":  # what its classes are decides how every history is seen
            found[Why(kind, name, "edited")] = compared.old.full
    return found


def _holding(side: Side) -> dict[Key, int]:
    """The entries that decide something to the classes for which they do, or may."""
    decided = side.decided
    found: dict[Key, int] = {("stop", name): where for name, where in decided.stops.items()}
    found.update({("safety rule", name): truth.true for name, truth in decided.excluded.items()})
    found.update({("decision row", name): side.full & ~truth.false for name, truth in decided.rows.items()})
    found.update({("regimen", name): side.offered(name) for name in side.places})
    return found


def used(compared: Compared, edited: Edits) -> dict[Key, int]:
    """The edited entries that profiles decide the use of, to the classes they are used for by the new knowledge."""
    side, found = compared.new, {}
    holding = _holding(side)
    others: dict[Key, When | None] = {("safety rule", rule.id): rule.when for rule in side.book.cautions}
    for kind, listed in (("principle", side.knowledge.principles), ("pitfall", side.knowledge.pitfalls)):
        others.update({(kind, entry.id): entry.when for entry in listed})
    for key in chain(edited.added, edited.changed):
        if key in others:
            when = others[key]
            shown = side.full & ~side.deciding.when(when).false if when is not None else side.full
            found[key] = shown & side.ranked
        elif key in holding:
            found[key] = holding[key] if key[0] == "stop" else holding[key] & side.ranked
        elif key[0] == "regimen":
            found[key] = 0
    return found


# ---- over both cores ---------------------------------------------------------------------------------------------


def compare(
    old: Knowledge,
    new: Knowledge,
    progress: Callable[[int, int], None] | None = None,
    shares: Sequence[Share] = SHARES,
) -> Impact:
    """What changes from one knowledge to another, over every class. Uses as many processes as there are processors."""
    global _SPACE  # noqa: PLW0603  (read by the processes that are forked from this one)
    began = time.perf_counter()
    _SPACE = Space(old, new)
    for knowledge in (old, new):
        rulebook(knowledge)
    found = Impact(_SPACE.edits)
    assert _SPACE.close  # listed once, for all processes
    if len(shares) == 1:
        found.add(_compare_share(shares[0]))
    else:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
            for done, future in enumerate(as_completed([pool.submit(_compare_share, share) for share in shares]), 1):
                found.add(future.result())
                if progress is not None:
                    progress(done, len(shares))
    found.seconds = time.perf_counter() - began
    return found


__all__ = ["SHARES", "Group", "Impact", "Joint", "Share", "Space", "Why", "causes", "combinations_in", "compare"]
