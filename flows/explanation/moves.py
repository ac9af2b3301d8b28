"""How two answers to the same questions differ: of two advices, and of all classes of a block at once.

Compared are the status and its reasons, the options with their order, tier and decision row, the steps, what is
excluded by which rule, cautions, fit to the trial population, principles and pitfalls. Places are not compared by their
number: an option that another was put above has not moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, reduce
from typing import Any, NamedTuple

from flows.knowledge.load import Knowledge
from flows.knowledge.model import TIERS, Regimen
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import BRAIN, NOT_LOOKED_AT, Rulebook
from flows.space.bit_rules import BitRules, Placed
from flows.space.blocks import Block, Kleene
from flows.when import Atom

NOT_RANKED = ("ask", "refer", "decline")


class Move(NamedTuple):
    """One difference between two answers.

    `kind` is one of status, reason, option, first, order, tier, row, step, excluded, caution, fit, principle, pitfall.
    `was` and `now`: what was and is said of the subject, empty where nothing. An `order` move says that the subject
    stood before the option `was` and stands after the option `now`, which are the same.
    """

    kind: str
    subject: str
    was: str
    now: str


HOLDS = "holds"


# ---- of two advices ----------------------------------------------------------------------------------------------


def between(old: Advice, new: Advice) -> frozenset[Move]:
    """How the new advice differs from the old."""
    found = set()
    if old.status != new.status:
        found.add(Move("status", "", old.status, new.status))
    found |= _listed("reason", _reasons(old), _reasons(new))
    found |= _listed("step", {one.regimen.id for one in old.steps}, {one.regimen.id for one in new.steps})
    stopped = old.status in NOT_RANKED, new.status in NOT_RANKED
    if stopped[0] == stopped[1]:
        found |= _listed("principle", {one.id for one in old.principles}, {one.id for one in new.principles})
    if not any(stopped):
        found |= _listed("pitfall", {one.id for one in old.pitfalls}, {one.id for one in new.pitfalls})
        found |= _ranked(old, new)
    return frozenset(found)


def _listed(kind: str, was: set[str], now: set[str]) -> set[Move]:
    gone = {Move(kind, name, HOLDS, "") for name in was - now}
    return gone | {Move(kind, name, "", HOLDS) for name in now - was}


def _reasons(advice: Advice) -> set[str]:
    return {reason.stop.id for reason in advice.reasons}


def _ranked(old: Advice, new: Advice) -> set[Move]:
    """The differences of two rankings."""
    found = _listed("option", set(old.regimens), set(new.regimens))
    excluded = [{(one.regimen.id, one.rule) for one in advice.excluded} for advice in (old, new)]
    found |= {Move("excluded", regimen, rule, "") for regimen, rule in excluded[0] - excluded[1]}
    found |= {Move("excluded", regimen, "", rule) for regimen, rule in excluded[1] - excluded[0]}
    firsts = old.regimens[:1] + new.regimens[:1]
    if len(firsts) == 2 and firsts[0] != firsts[1]:
        found.add(Move("first", "", *firsts))
    after = {option.regimen.id: option for option in new.options}
    kept = [option.regimen.id for option in old.options if option.regimen.id in after]
    for place, one in enumerate(kept):
        found |= {
            Move("order", one, other, other) for other in kept[place + 1 :] if after[one].rank > after[other].rank
        }
    for was in old.options:
        now = after.get(was.regimen.id)
        if now is not None:
            found |= _of_option(was, now)
    return found


def _of_option(was: Any, now: Any) -> set[Move]:
    name = was.regimen.id
    pairs = [
        ("tier", name, was.tier, now.tier), ("row", name, was.row.id, now.row.id),
        ("fit", name, was.fit.verdict if was.fit else "", now.fit.verdict if now.fit else ""),
    ]  # fmt: skip
    cautions = [{one.rule.id: _certainty(one.certain) for one in option.cautions} for option in (was, now)]
    pairs += [("caution", f"{name}: {rule}", cautions[0].get(rule, ""), cautions[1].get(rule, ""))
              for rule in {*cautions[0], *cautions[1]}]  # fmt: skip
    return {Move(*pair) for pair in pairs if pair[2] != pair[3]}


def _certainty(certain: bool) -> str:
    return "certain" if certain else "possible"


# ---- of all classes of a block -----------------------------------------------------------------------------------


class Side:
    """One knowledge on one block: what it decides and says there."""

    def __init__(self, rules: BitRules, block: Block, like: Side | None = None) -> None:
        """`like`: another knowledge on this block for which every comparison of the answers comes out the same."""
        self.rules, self.block, self.full = rules, block, block.full
        self.knowledge: Knowledge = rules.knowledge
        self.book = rules.book
        self.deciding = rules.deciding(block)
        if like is not None:
            self.deciding.known, self.deciding.supposed = like.deciding.known, like.deciding.supposed
        self.decided = self.deciding.decided()
        self.ranked = self.full & ~self.decided.stopped

    @cached_property
    def reasons(self) -> dict[str, int]:
        """Stop to the classes it is given as a reason for: those of the first stop's outcome are."""
        return {
            stop.id: self.decided.stops[stop.id] & self.statuses.get(stop.outcome, 0) for stop in self.knowledge.stops
        }

    @cached_property
    def statuses(self) -> dict[str, int]:
        """Status to the classes whose answer has it."""
        found: dict[str, int] = {}
        rest = self.full
        for stop in self.knowledge.stops:
            found[stop.outcome] = found.get(stop.outcome, 0) | self.decided.stops[stop.id] & rest
            rest &= ~self.decided.stops[stop.id]
        found["conditional"] = rest & self.decided.assumes
        found["recommend"] = rest & ~self.decided.assumes
        return found

    @cached_property
    def steps(self) -> dict[str, int]:
        """Step to the classes it is named for."""
        found: dict[str, int] = {}
        for _, row in self.book.rows:
            for step in row.steps:
                found[step.step] = found.get(step.step, 0) | self.decided.rows[row.id].true & self.ranked
        for stop in self.knowledge.stops:
            for name in stop.steps:
                found[name] = found.get(name, 0) | self.reasons[stop.id]
        return found

    @cached_property
    def places(self) -> dict[str, dict[tuple[str, str, int], int]]:
        """Regimen to its tiers, decision rows and positions, each with its classes."""
        found: dict[str, dict[tuple[str, str, int], int]] = {}
        for regimen, places in self.decided.places.items():
            for place in places:
                classes = place.classes & self.ranked
                if classes:
                    key = (TIERS[place.tier], self.book.rows[place.row][1].id, place.position)
                    kept = found.setdefault(regimen, {})
                    kept[key] = kept.get(key, 0) | classes
        return found

    def by(self, regimen: str, part: int) -> dict[str, int]:
        """A regimen's tiers (0) or decision rows (1), each with its classes."""
        found: dict[str, int] = {}
        for key, classes in self.places.get(regimen, {}).items():
            name = str(key[part])
            found[name] = found.get(name, 0) | classes
        return found

    def offered(self, regimen: str) -> int:
        """Where a regimen is an option."""
        return reduce(int.__or__, self.places.get(regimen, {}).values(), 0)

    @cached_property
    def firsts(self) -> dict[str, int]:
        """Regimen to the classes it is ranked first for."""
        rest = self.ranked
        every = sorted((place[:3], name, place.classes) for name, places in self.decided.places.items()
                       for place in places)  # fmt: skip
        found: dict[str, int] = {}
        for _, name, classes in every:
            found[name] = found.get(name, 0) | classes & rest
            rest &= ~classes
        return found

    def before(self, one: str, other: str) -> int:
        """Where both are options and one stands before the other."""
        mine: Iterable[Placed] = self.decided.places.get(one, ())
        rivals = self.decided.places.get(other, ())
        found = 0
        for place in mine:
            for rival in rivals:
                if place[:3] < rival[:3]:
                    found |= place.classes & rival.classes
        return found & self.ranked

    @cached_property
    def excluded(self) -> dict[str, dict[str, int]]:
        """What rules out to the regimens listed as excluded by it, each with its classes."""
        drugs = {regimen.id for regimen in self.book.drugs}
        by_rule: dict[str, int] = {}
        found: dict[str, dict[str, int]] = {}
        for _, rule, reach in self.book.exclusions:
            holds = self.decided.excluded[rule.id].true
            found[rule.id] = {name: holds for name in reach if name in drugs}
            for name in reach:
                by_rule[name] = by_rule.get(name, 0) | holds
        for name in self.book.partners:
            left_out = self.decided.out[name].true & ~by_rule.get(name, 0)
            found.setdefault("no_partner_left", {})[name] = left_out
        taken: dict[str, int] = {}
        for _, row in self.book.rows:
            for avoid in row.avoid:
                name = avoid.regimen
                own = self.deciding.when(avoid.when, assume=True).true if avoid.when is not None else self.full
                holds = self.decided.rows[row.id].true & own & ~self.decided.out[name].true & ~taken.get(name, 0)
                taken[name] = taken.get(name, 0) | holds
                kept = found.setdefault(row.id, {})
                kept[name] = kept.get(name, 0) | holds
        return found

    def shown(self, entries: Iterable[Any]) -> dict[str, int]:
        """Principles or pitfalls to the classes they are shown for."""
        found = {}
        for entry in entries:
            when = self.deciding.when(entry.when) if entry.when is not None else Kleene(self.full, 0)
            stopped = when.true & ~self.ranked if entry.when is not None else 0
            found[entry.id] = self.ranked & ~when.false | stopped
        return found

    def fit(self, regimen: Regimen) -> dict[str, int]:
        """The verdicts of fit to the classes they are given for."""
        if regimen.fit is None:
            return {"": self.full}
        not_seen = self.deciding.view(Atom(BRAIN, "is", (NOT_LOOKED_AT,))).true
        truths = [self.deciding.when(criterion.when) for criterion in regimen.fit.criteria]
        truths = [
            Kleene(truth.true & ~not_seen, truth.false & ~not_seen) if BRAIN in criterion.when.fields else truth
            for criterion, truth in zip(regimen.fit.criteria, truths, strict=True)
        ]
        otherwise = reduce(int.__or__, (truth.false for truth in truths), 0)
        every = reduce(int.__and__, (truth.true for truth in truths), self.full)
        return {"extrapolated": otherwise, "match": every, "unknown": self.full & ~(otherwise | every)}


class Compared(NamedTuple):
    """Two knowledges on the same block."""

    old: Side
    new: Side

    @property
    def same_findings(self) -> bool:
        """Whether a condition that is written the same comes out the same: the classes of agents decide that."""
        return self.old.knowledge.classes == self.new.knowledge.classes

    def moves(self) -> dict[Move, int]:
        """Every difference to the classes whose answers differ in it."""
        found: dict[Move, int] = {}
        for move, classes in self._moves():
            if classes:
                found[move] = found.get(move, 0) | classes
        return found

    def _moves(self) -> Iterator[tuple[Move, int]]:
        old, new = self
        full = old.full
        for was, now, where in _pairs(old.statuses, new.statuses):
            yield Move("status", "", was, now), where
        yield from _appeared("reason", old.reasons, new.reasons, full)
        yield from _appeared("step", old.steps, new.steps, full)
        yield from self._options()
        yield from self._fits()
        yield from self._excluded()
        yield from self._cautions()
        yield from self._advisories()

    # ---- the ranking

    def _options(self) -> Iterator[tuple[Move, int]]:
        old, new = self
        both = old.ranked & new.ranked
        moved = []
        for name in dict.fromkeys((*old.places, *new.places)):
            if old.places.get(name) == new.places.get(name):
                continue
            moved.append(name)
            yield from _appeared("option", {name: old.offered(name)}, {name: new.offered(name)}, both)
            for part, kind in ((0, "tier"), (1, "row")):
                for was, now, where in _pairs(old.by(name, part), new.by(name, part)):
                    yield Move(kind, name, was, now), where
        if self._rows_reordered:
            moved = [*dict.fromkeys((*old.places, *new.places))]
        if not moved:
            return
        for was, now, where in _pairs(old.firsts, new.firsts):
            yield Move("first", "", was, now), where
        yield from self._order(moved)

    def _fits(self) -> Iterator[tuple[Move, int]]:
        old, new = self
        for name in old.places.keys() & new.places.keys():
            mine, other = old.knowledge.regimens[name], new.knowledge.regimens[name]
            if mine.fit != other.fit or not self.same_findings:
                both = old.offered(name) & new.offered(name)
                for was, now, where in _pairs(old.fit(mine), new.fit(other)):
                    yield Move("fit", name, was, now), where & both

    @property
    def _rows_reordered(self) -> bool:
        old, new = ([row.id for _, row in side.book.rows] for side in self)
        return [row for row in old if row in new] != [row for row in new if row in old]

    def _order(self, moved: Collection[str]) -> Iterator[tuple[Move, int]]:
        """Pairs of options that changed their order; one of the two has another place than before."""
        old, new = self
        done = set()
        for one in moved:
            for other in old.places.keys() & new.places.keys():
                if other == one or (other, one) in done:
                    continue
                done.add((one, other))
                was, now = old.before(one, other), new.before(one, other)
                both = old.offered(one) & old.offered(other) & new.offered(one) & new.offered(other)
                yield Move("order", one, other, other), was & ~now & both
                yield Move("order", other, one, one), now & ~was & both

    # ---- what stands beside it

    def _excluded(self) -> Iterator[tuple[Move, int]]:
        old, new = self
        both = old.ranked & new.ranked
        for rule in dict.fromkeys((*old.excluded, *new.excluded)):
            mine, other = old.excluded.get(rule, {}), new.excluded.get(rule, {})
            if mine != other:
                for name in dict.fromkeys((*mine, *other)):
                    was, now = mine.get(name, 0), other.get(name, 0)
                    yield Move("excluded", name, rule, ""), was & ~now & both
                    yield Move("excluded", name, "", rule), now & ~was & both

    def _cautions(self) -> Iterator[tuple[Move, int]]:
        rules = [{rule.id: rule for rule in side.book.cautions} for side in self]
        for name in dict.fromkeys((*rules[0], *rules[1])):
            one, other = rules[0].get(name), rules[1].get(name)
            alike = one is not None and other is not None and one.when == other.when and self.same_findings
            reach = [reach_of(side.book, name) for side in self]
            if alike and reach[0] == reach[1]:
                continue
            truths = [side.deciding.when(rule.when) if rule is not None else Kleene(0, side.full)
                      for side, rule in zip(self, (one, other), strict=True)]  # fmt: skip
            for regimen in reach[0] | reach[1]:
                both = self.old.offered(regimen) & self.new.offered(regimen)
                if both:
                    given = [_given(truth, side.full, there=regimen in reached)
                             for truth, side, reached in zip(truths, self, reach, strict=True)]  # fmt: skip
                    for was, now, where in _pairs(*given):
                        yield Move("caution", f"{regimen}: {name}", was, now), where & both

    def _advisories(self) -> Iterator[tuple[Move, int]]:
        old, new = self
        stopped = old.decided.stopped & new.decided.stopped
        both = old.ranked & new.ranked
        lists = (("principle", old.knowledge.principles, new.knowledge.principles, both | stopped),
                 ("pitfall", old.knowledge.pitfalls, new.knowledge.pitfalls, both))  # fmt: skip
        for kind, mine, other, where in lists:
            whens = [{entry.id: entry.when for entry in listed} for listed in (mine, other)]
            if whens[0] != whens[1] or not self.same_findings:
                yield from _appeared(kind, old.shown(mine), new.shown(other), where)


def _pairs(old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
    """What was one thing and is another, with the classes."""
    for was, before in old.items():
        rest = before & ~new.get(was, 0) if before else 0
        if rest:
            for now, after in new.items():
                if now != was and (where := rest & after):
                    yield was, now, where


def _appeared(kind: str, old: Mapping[str, int], new: Mapping[str, int], where: int) -> Iterator[tuple[Move, int]]:
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name, 0), new.get(name, 0)
        if was != now:
            yield Move(kind, name, HOLDS, ""), was & ~now & where
            yield Move(kind, name, "", HOLDS), now & ~was & where


def reach_of(book: Rulebook, rule: str) -> frozenset[str]:
    """The regimens a caution is about."""
    number = next((place for place, one in enumerate(book.cautions) if one.id == rule), None)
    return frozenset(name for name, those in book.cautions_on.items() if number in those)


def _given(truth: Kleene, full: int, *, there: bool) -> dict[str, int]:
    if not there:
        return {"": full}
    return {"certain": truth.true, "possible": full & ~(truth.true | truth.false), "": truth.false}


__all__ = ["HOLDS", "NOT_RANKED", "Compared", "Move", "Side", "between", "reach_of"]
