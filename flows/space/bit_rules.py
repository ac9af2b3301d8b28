"""The sequencing on all classes of a block at once: the same rules as `rule_on`, on sets of classes.

The conditions are those of the knowledge, taken apart here into comparisons and put together with `&` and `|`; what
comes of them follows `flows.sequencing.recommend` step by step, and is held against it profile by profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache, reduce
from typing import Any, NamedTuple

from flows.findings import NOT_APPLICABLE
from flows.knowledge.load import Knowledge
from flows.knowledge.model import TIERS, Recommendation
from flows.profile import FIELDS, OPTIONS, Asked, asked_as
from flows.sequencing.recommend import ASSUMED, rulebook
from flows.space.blocks import Block, Kleene, pattern_of
from flows.space.distinctions import SETS, Distinctions, conditions
from flows.space.histories import OF_EARLY, OF_LINES, History, stands_for
from flows.when import NOT_KNOWN, Atom, Members, Node, When

_TIER = {tier: rank for rank, tier in enumerate(TIERS)}
_OF_HISTORY = frozenset((*OF_LINES, *OF_EARLY))
_BRANCHED = {
    field: note.when
    for field in FIELDS
    if isinstance(note := asked_as(field), Asked) and note.when is not None and field in OPTIONS
}
Reading = Callable[[Atom], Kleene]


class Placed(NamedTuple):
    """Where a regimen stands by one row: its tier, the row's and its own place; and for which classes."""

    tier: int
    row: int
    position: int
    classes: int


class Decided(NamedTuple):
    """What the rules decide, for every class of a block."""

    stops: dict[str, int]
    """Stop to the classes it holds for, in the order of the knowledge."""
    open_stops: int
    excluded: dict[str, Kleene]
    """Exclusion rule to where it holds and where it does not."""
    out: dict[str, Kleene]
    """Regimen to where it is ruled out, and where it is known not to be."""
    rows: dict[str, Kleene]
    """Row to where it holds once what is not known is assumed."""
    avoided: dict[str, int]
    places: dict[str, tuple[Placed, ...]]
    """Regimen to its places, best first, each for the classes it really stands there for."""
    used: dict[str, int]
    """Row and regimen to the classes for which that position is the one that counts."""
    assumes: int
    """Where the answer rests on something that is assumed: it is conditional."""
    skipped: dict[str, int]
    """Field to the classes for which its question does not arise."""

    @property
    def stopped(self) -> int:
        """Where nothing is ranked."""
        return reduce(int.__or__, self.stops.values(), 0)

    def offered(self, regimen: str) -> int:
        """Where a regimen is an option."""
        return reduce(int.__or__, (place.classes for place in self.places.get(regimen, ())), 0) & ~self.stopped


class BitRules:
    """The rules of a knowledge, ready to be evaluated on blocks that end in the same histories."""

    def __init__(self, distinctions: Distinctions, histories: tuple[History, ...]) -> None:
        self.distinctions, self.histories = distinctions, histories
        self.knowledge: Knowledge = distinctions.knowledge
        self.book = rulebook(self.knowledge)
        self._of_history: dict[Atom, tuple[bytes, bytes]] = {}
        count = len(histories)
        for name in _OF_HISTORY:
            atoms = distinctions.atoms.get(name, ())
            truths = [distinctions.seen(name, history.view[name]) for history in histories]
            for number, atom in enumerate(atoms):
                holds = [place for place, seen in enumerate(truths) if seen[number] is True]
                fails = [place for place, seen in enumerate(truths) if seen[number] is False]
                self._of_history[atom] = (pattern_of(holds, count), pattern_of(fails, count))
        self._untold = pattern_of([place for place, one in enumerate(histories) if one.lines is None], count)

    @cached_property
    def with_out(self) -> frozenset[int]:
        """The conditions, and parts of them, that hang on which regimens are ruled out, by identity."""
        return _with_out(self.knowledge)

    @cached_property
    def stand_for(self) -> int:
        """How many histories these stand for, at least."""
        return sum(stands_for(history, self.distinctions) for history in self.histories)

    def decide(self, block: Block) -> Decided:
        """What is decided for every class of a block. Its last axis has to be `history`."""
        return self.deciding(block).decided()

    def deciding(self, block: Block) -> Deciding:
        """A block whose conditions can be looked at one by one; `decided` of it is what `decide` returns."""
        return Deciding(self, block)

    def comparison(self, block: Block, atom: Atom) -> Kleene:
        """A comparison of the history; also one that no condition makes."""
        found = self._of_history.get(atom)
        if found is None:
            test, count = Node.leaf(atom).test, len(self.histories)
            seen = [test(history.view) for history in self.histories]
            holds = pattern_of([place for place, truth in enumerate(seen) if truth is True], count)
            fails = pattern_of([place for place, truth in enumerate(seen) if truth is False], count)
            found = self._of_history[atom] = (holds, fails)
        return Kleene(block.repeat(found[0]), block.repeat(found[1]))

    def absent(self, block: Block, field: str) -> int:
        """Where a field was not answered."""
        if field == "prior_lines":
            return block.repeat(self._untold)
        for axis in block.axes[:-1]:
            if field in axis.values[0]:
                return block.lift(axis.name, [at for at, value in enumerate(axis.values) if value[field] is None])
        return block.full if block.fixed.get(field) is None else 0


class Deciding:
    """One block while it is decided."""

    def __init__(self, rules: BitRules, block: Block) -> None:
        self.rules, self.block, self.full = rules, block, block.full
        self.known: dict[Atom, Kleene] = {}
        self.supposed: dict[Atom, Kleene] = {}
        self.out: dict[str, Kleene] = {}
        self.out_supposed: dict[str, Kleene] = {}
        self._conditions: dict[tuple[int, bool], Kleene] = {}
        self._answers: dict[str, list[tuple[Any, int]]] = {}

    # ---- comparisons -------------------------------------------------------------------------------------------------

    def view(self, atom: Atom) -> Kleene:
        """A comparison of what is known."""
        if atom.field == "out":
            return _of_set(atom, self.out, self.full)
        found = self.known.get(atom)
        if found is None:
            found = self.known[atom] = self._compare(atom, assume=False)
        return found

    def assumed(self, atom: Atom) -> Kleene:
        """A comparison where what is not known of contraindications and access is taken to be clear."""
        if atom.field == "out":
            return _of_set(atom, self.out_supposed, self.full)
        if atom.field not in ASSUMED:
            return self.view(atom)
        found = self.supposed.get(atom)
        if found is None:
            found = self.supposed[atom] = self._compare(atom, assume=True)
        return found

    def _compare(self, atom: Atom, *, assume: bool) -> Kleene:
        field = atom.field
        if field in _OF_HISTORY:
            return self.rules.comparison(self.block, atom)
        if field == "absent":
            missing = [self.rules.absent(self.block, str(name)) for name in atom.values]
            some = reduce(Kleene.either, [Kleene(where, self.full & ~where) for where in missing])
            return some if atom.operator == "includes_any" else ~some
        if field == "gate":
            return self._told(atom, self.block.fixed.get("gate") or NOT_APPLICABLE, self.full)
        found = Kleene(0, 0)
        for value, classes in self._answered(field):
            shown = _shown(field, value)
            if assume and shown is None:
                shown = ASSUMED[field]
            found = _joined(found, self._told(atom, shown, classes))
        when = _BRANCHED.get(field)
        if when is not None:
            stated = self._stated(field) if field == "leptomeningeal" else 0
            skipped = self.condition(when.tree).false & ~stated
            there = self._told(atom, NOT_APPLICABLE, skipped)
            found = Kleene(found.true & ~skipped | there.true, found.false & ~skipped | there.false)
        return found

    def _answered(self, field: str) -> list[tuple[Any, int]]:
        """The answers to a field, each with the classes that gave it."""
        found = self._answers.get(field)
        if found is None:
            found = self._answers[field] = self._look_up(field)
        return found

    def _look_up(self, field: str) -> list[tuple[Any, int]]:
        for axis in self.block.axes[:-1]:
            if field in axis.values[0]:
                places: dict[Any, list[int]] = {}
                for at, answers in enumerate(axis.values):
                    places.setdefault(answers[field], []).append(at)
                return [(value, self.block.lift(axis.name, where)) for value, where in places.items()]
        return [(self.block.fixed.get(field), self.full)]

    def _stated(self, field: str) -> int:
        stated = [where for value, where in self._answered(field) if _shown(field, value) is not None]
        return reduce(int.__or__, stated, 0)

    def _told(self, atom: Atom, value: Any, classes: int) -> Kleene:
        truth = Node.leaf(atom).test({atom.field: value})
        return Kleene(classes if truth is True else 0, classes if truth is False else 0)

    # ---- conditions --------------------------------------------------------------------------------------------------

    def condition(self, node: Node, *, assume: bool = False) -> Kleene:
        """Where a condition holds and where it does not."""
        key = (id(node), assume)
        found = self._conditions.get(key)
        if found is None:
            found = self._evaluate(node, assume=assume)
            if id(node) not in self.rules.with_out:
                self._conditions[key] = found
        return found

    def _evaluate(self, node: Node, *, assume: bool) -> Kleene:
        if node.atom is not None:
            return (self.assumed if assume else self.view)(node.atom)
        parts = [self.condition(part, assume=assume) for part in node.parts]
        if node.kind == "not":
            return ~parts[0]
        if not parts:
            return Kleene(self.full, 0)
        return reduce(Kleene.both if node.kind == "all" else Kleene.either, parts)

    def when(self, when: When, *, assume: bool = False) -> Kleene:
        """Where a condition of the knowledge holds and where it does not."""
        return self.condition(when.tree, assume=assume)

    def open(self, found: Kleene) -> int:
        """Where something is not known."""
        return self.full & ~(found.true | found.false)

    def needs_more(self, node: Node) -> int:
        """Where a condition is not known because of something else than what may rule another regimen out."""
        if node.atom is not None:
            return 0 if node.atom.field == "out" else self.open(self.view(node.atom))
        needed = [self.needs_more(part) for part in node.parts]
        return self.open(self.condition(node)) & reduce(int.__or__, needed, 0)

    # ---- what is decided ---------------------------------------------------------------------------------------------

    def decided(self) -> Decided:
        """What the rules decide of it; only after it are conditions on what is ruled out known."""
        stops, open_stops = {}, 0
        for stop in self.rules.knowledge.stops:
            found = self.when(stop.when)
            stops[stop.id] = found.true
            open_stops |= self.open(found)
        excluded = self._exclude()
        return self._place(stops, open_stops, excluded)

    def _exclude(self) -> dict[str, Kleene]:
        book = self.rules.book
        excluded = {rule.id: self.when(rule.when) for _, rule, _ in book.exclusions}
        known: dict[str, int] = {}
        perhaps: dict[str, int] = {}
        for _, rule, reach in book.exclusions:
            for regimen in reach:
                known[regimen] = known.get(regimen, 0) | excluded[rule.id].true
                perhaps[regimen] = perhaps.get(regimen, 0) | self.open(excluded[rule.id])
        for regimen, partners in book.partners.items():
            left = 0
            for partner in partners:
                used = self.view(Atom("received", "includes_any", tuple(sorted(partner.used_if)))).true
                barred = reduce(int.__or__, (excluded[rule.id].true for rule in partner.excluded_by), 0)
                left |= self.full & ~(used | barred)
            known[regimen] = known.get(regimen, 0) | (self.full & ~left)
        for regimen in self.rules.knowledge.regimens:
            ruled_out, open_out = known.get(regimen, 0), perhaps.get(regimen, 0) & ~known.get(regimen, 0)
            self.out[regimen] = Kleene(ruled_out, self.full & ~(ruled_out | open_out))
            self.out_supposed[regimen] = Kleene(ruled_out, self.full & ~ruled_out)
        self.perhaps = perhaps
        return excluded

    def _place(self, stops: dict[str, int], open_stops: int, excluded: dict[str, Kleene]) -> Decided:
        rows = [row for _, row in self.rules.book.rows]
        truths = [self.when(row.when, assume=True) for row in rows]
        found: dict[str, list[Placed]] = {}
        avoided: dict[str, int] = {}
        open_avoided: dict[str, int] = {}
        limits = self._limits(rows, truths)
        for order, (row, truth) in enumerate(zip(rows, truths, strict=True)):
            possible = self.full & ~truth.false
            for avoid in row.avoid:
                own = self.when(avoid.when, assume=True) if avoid.when is not None else Kleene(self.full, 0)
                certain = truth.true & own.true
                avoided[avoid.regimen] = avoided.get(avoid.regimen, 0) | certain
                doubtful = possible & ~own.false & ~certain
                open_avoided[avoid.regimen] = open_avoided.get(avoid.regimen, 0) | doubtful
            for position, option in enumerate(row.options):
                classes = possible & ~self.out[option.regimen].true
                if option.when is not None:
                    classes &= ~self.when(option.when, assume=True).false
                for limit, where in limits.items():
                    placed = Placed(max(_TIER[option.tier], limit), order, position, classes & where)
                    found.setdefault(option.regimen, []).append(placed)
        places, used = self._best(found, rows)
        assumes = self._assumptions(rows, truths, places, used, avoided, open_avoided) | open_stops
        for regimen, where in avoided.items():
            if regimen not in places:  # no row offers it
                continue
            places[regimen] = tuple(place._replace(classes=place.classes & ~where) for place in places[regimen])
        return Decided(
            stops, open_stops, excluded, self.out, {row.id: truth for row, truth in zip(rows, truths, strict=True)},
            avoided, places, used, assumes, {name: self.condition(when.tree).false for name, when in _BRANCHED.items()},
        )  # fmt: skip

    def _limits(self, rows: list[Recommendation], truths: list[Kleene]) -> dict[int, int]:
        """The tier above which no option may stand, to the classes it is the limit for."""
        limits: dict[int, int] = {}
        rest = self.full
        bounds = sorted({_TIER[row.at_best] for row in rows if row.at_best}, reverse=True)
        for bound in bounds:
            bounding = [
                truth.true
                for row, truth in zip(rows, truths, strict=True)
                if row.at_best and _TIER[row.at_best] == bound
            ]
            where = limits[bound] = rest & reduce(int.__or__, bounding, 0)
            rest &= ~where
        limits[0] = limits.get(0, 0) | rest
        return limits

    @staticmethod
    def _best(
        found: Mapping[str, list[Placed]], rows: list[Recommendation]
    ) -> tuple[dict[str, tuple[Placed, ...]], dict[str, int]]:
        """Each regimen's best place for every class, and where each position of a row is the one that counts."""
        places: dict[str, tuple[Placed, ...]] = {}
        used: dict[str, int] = {}
        for regimen, candidates in found.items():
            taken = 0
            kept = []
            for place in sorted(candidates):
                classes = place.classes & ~taken
                if classes:
                    kept.append(place._replace(classes=classes))
                    taken |= classes
                name = f"{rows[place.row].id}: {regimen}"
                used[name] = used.get(name, 0) | classes
            places[regimen] = tuple(kept)
        return places, used

    def _assumptions(
        self,
        rows: list[Recommendation],
        truths: list[Kleene],
        places: Mapping[str, tuple[Placed, ...]],
        used: Mapping[str, int],
        avoided: Mapping[str, int],
        open_avoided: Mapping[str, int],
    ) -> int:
        """Where an option, or the order of the options, rests on something that is not known."""
        found = 0
        for row in rows:
            for option in row.options:
                stands = used.get(f"{row.id}: {option.regimen}", 0) & ~avoided.get(option.regimen, 0)
                if not stands:
                    continue
                needed = self.needs_more(row.when.tree)
                if option.when is not None:
                    needed |= self.needs_more(option.when.tree)
                needed |= self.perhaps.get(option.regimen, 0) | self._open_avoid(option.regimen, rows, open_avoided)
                found |= stands & needed
        for order, (row, truth) in enumerate(zip(rows, truths, strict=True)):
            if row.assumes is not None:
                found |= truth.true
            if row.at_best is not None:
                found |= self._needs_anything(row.when.tree) & ~truth.false
            found |= truth.false & self.open(self.when(row.when)) & self._raised(row, order, places, avoided)
        return found

    def _open_avoid(self, regimen: str, rows: list[Recommendation], open_avoided: Mapping[str, int]) -> int:
        """Where it is not known whether a regimen is to be avoided, by what is known and not by what is assumed."""
        doubt = 0
        for row in rows:
            for avoid in row.avoid:
                if avoid.regimen == regimen:
                    doubt |= self._needs_anything(row.when.tree)
                    doubt |= self._needs_anything(avoid.when.tree) if avoid.when is not None else 0
        return open_avoided.get(regimen, 0) & doubt

    def _needs_anything(self, node: Node) -> int:
        return self.open(self.condition(node))

    def _raised(
        self, row: Recommendation, order: int, places: Mapping[str, tuple[Placed, ...]], avoided: Mapping[str, int]
    ) -> int:
        """Where a row that only an assumption keeps out would place something better than it stands."""
        better = 0
        for position, option in enumerate(row.options):
            mine = (_TIER[option.tier], order, position)
            gone = avoided.get(option.regimen, 0)
            stands = 0
            for place in places.get(option.regimen, ()):
                if place[:3] <= mine:
                    stands |= place.classes
            better |= self.full & ~self.out[option.regimen].true & (~stands | gone)
        return better & self.needs_more(row.when.tree)


def _shown(field: str, value: Any) -> Any:
    """An answer as a condition sees it."""
    if field in SETS:
        return Members(frozenset(), None) if value in (None, NOT_KNOWN) else Members(frozenset(value))
    return None if value == NOT_KNOWN else value


def _joined(one: Kleene, other: Kleene) -> Kleene:
    return Kleene(one.true | other.true, one.false | other.false)


def _of_set(atom: Atom, members: Mapping[str, Kleene], full: int) -> Kleene:
    """A comparison of a set, of each possible member of which it is known where it is in it and where it is not."""
    nothing = Kleene(0, full)
    named = [members.get(str(name), nothing) for name in atom.values]
    if atom.operator == "includes_all":
        return reduce(Kleene.both, named)
    some = reduce(Kleene.either, named)
    return some if atom.operator == "includes_any" else ~some


@lru_cache(maxsize=16)
def _with_out(knowledge: Knowledge) -> frozenset[int]:
    whens = [condition.when for condition in conditions(knowledge)]
    return frozenset(number for when in (*whens, *_BRANCHED.values()) for number in _names_out(when.tree))


def _names_out(node: Node) -> Iterator[int]:
    """The parts of a condition that hang on which regimens are ruled out, by identity; the whole last."""
    below = [number for part in node.parts for number in _names_out(part)]
    yield from below
    if below or (node.atom is not None and node.atom.field == "out"):
        yield id(node)
