"""What an answer rests on where something is not known: what holds whatever it is, where the ways part, what to ask.

Every way in which the open answers can turn out is looked at, as one bit each (`flows.space`); answers that end the
ranking are told apart from it. Where there are too many ways, what holds is read from the rules in three values:
that claims less, and never too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from itertools import product
from typing import Any, NamedTuple

from flows.findings import SOURCE_OF, early_seen, findings, lines_seen
from flows.knowledge.load import Knowledge
from flows.knowledge.model import TIERS, Tier
from flows.profile import FIELDS, OPTIONS, OUTCOMES, Item, Profile, asked_as
from flows.sequencing.advice import Advice, Status
from flows.sequencing.recommend import ASSUMED, Ruling, in_order, rule_on, rulebook
from flows.space.bit_rules import BitRules, Decided
from flows.space.blocks import Axis, Block
from flows.space.distinctions import DECIDING, SETS, Distinctions
from flows.space.histories import MONTHS, OF_HISTORY, History, as_told, early_treatments
from flows.when import NOT_KNOWN, Members

KEPT = 64
"""Answers, the latest looked at, of which what was worked out is kept."""
MOST_BRANCHES = 3
MOST_WAYS = 16_384
"""Ways in which the open answers can turn out, up to which each is looked at."""
MOST_HISTORIES = 64
"""Ways in which an open history can turn out, up to which each is looked at."""
USUAL: dict[str, Any] = {
    **{name: None for name in FIELDS if isinstance(asked_as(name), Item)},
    **ASSUMED,
}
"""What an answer takes what it does not know to be, field by field; None where it takes it for nothing, though the
checklist asks for it. Brain, receptors and history it never does."""
CONTINUED = "same_systemic_therapy"
"""The step with which drugs come after what is given now."""
NOT_BY_ORDER = "region"
"""The field that bears on authorisation and not on the order, as far as it is not known."""


class Branch(NamedTuple):
    """What follows from some answers to the field that would settle most."""

    values: tuple[Any, ...]
    """Answers to the field, as the profile holds them."""
    status: Status
    order: tuple[tuple[str, Tier | None], ...]
    """The options under all these answers, best first by the first of them, what else is open taken as the answer takes
    it; without a tier where it differs. Empty where nothing is ranked."""
    options: frozenset[str]
    """The options under some of these answers."""
    first: tuple[str, ...]
    """Which of them can be first: several where the rest of what is open decides it."""
    steps: tuple[str, ...]


class Missing(NamedTuple):
    """What open answers leave certain, and what they decide."""

    open: tuple[str, ...]
    """Fields that are not known and bear on the ranking, in the order of the profile."""
    ends: tuple[str, ...]
    """Fields of which an answer ends the ranking: what is said here is for the other answers."""
    always: tuple[str, ...]
    """Options in every case, in their present order."""
    first: str | None
    """The option that is first in every case."""
    steps: tuple[str, ...]
    """Steps in every case."""
    settles: tuple[str, ...]
    """The open fields, what leaves the fewest different answers first."""
    field: str | None
    """The first of these whose answers part the ways."""
    branches: tuple[Branch, ...]
    """What follows from the answers to it, two to `MOST_BRANCHES`; none without such a field."""


@lru_cache(maxsize=8)
def deciding(knowledge: Knowledge) -> Distinctions:
    """What decides an answer of a knowledge."""
    return Distinctions(knowledge, DECIDING)


def missing(advice: Advice) -> Missing | None:
    """What holds of a conditional answer whatever the open answers are; None where nothing open bears on the ranking.

    Pure: equal advice gives an equal result.
    """
    if advice.status != "conditional":
        return None
    return missing_of(advice.profile, advice.gate, advice.knowledge)


@lru_cache(maxsize=KEPT)
def missing_of(profile: Profile, gate: str | None, knowledge: Knowledge) -> Missing | None:
    """Kept, because each page, section and document of an answer asks for it again."""
    return _Missing(profile, gate, knowledge).found()


def ask_next(advice: Advice, open_answers: Missing | None) -> tuple[str, ...]:
    """The fields worth asking for, what would settle most first."""
    if open_answers is None:
        return advice.ask_next
    settles = tuple(field for field in open_answers.settles if field in advice.ask_next)
    return tuple(dict.fromkeys((*settles, *advice.ask_next)))


class _Ways(NamedTuple):
    """Ways in which the open answers can turn out, and what is decided for each."""

    block: Block
    decided: Decided
    ranked: int
    """Those with a ranking."""
    leading: dict[str, int]
    """The options that are first somewhere, each with where."""


class _Missing:
    """One answer while it is looked at."""

    def __init__(self, profile: Profile, gate: str | None, knowledge: Knowledge) -> None:
        self.profile, self.gate, self.knowledge = profile, gate, knowledge
        self.distinctions = deciding(self.knowledge)
        self.ruling = rule_on(self.profile, self.knowledge, gate)
        self.open = _open_fields(self.profile, self.ruling, self.distinctions)
        self.stopping: dict[str, frozenset[Any]] = {}
        self.values: dict[str, tuple[Any, ...]] = {}
        for field in self.open:
            if field not in OF_HISTORY:
                self._tell_apart(field)
        every = tuple(_completions(self.profile, self.open, self.distinctions))
        self.all_told = bool(every)
        self.histories = every or (as_told(self.profile, self.distinctions),)
        self.free = tuple(field for field in self.open if field not in USUAL and field not in OF_HISTORY)
        usual = {field: USUAL[field] for field in self.values if field in USUAL}
        self.variants: list[dict[str, Any]] = [usual]
        for field, clear in usual.items():
            self.variants += [{**usual, field: value} for value in self.values[field] if value != clear]

    def _tell_apart(self, field: str) -> None:
        """The answers to a field that conditions tell apart, those that end the ranking aside."""
        named = [value for value in self.distinctions.answers(field) if value not in (None, NOT_KNOWN)]
        stopping = [value for value in named if self._stops(field, value)]
        self.stopping[field] = frozenset(stopping)
        self.values[field] = tuple(value for value in named if value not in stopping)

    def _stops(self, field: str, value: Any) -> bool:
        view = findings(_with(self.profile, field, value), self.knowledge.classes, self.gate)
        return any(test(view) for test, _ in rulebook(self.knowledge).stops)

    def _rule(self, field: str, value: Any) -> Ruling:
        return rule_on(_with(self.profile, field, value), self.knowledge, self.gate)

    def found(self) -> Missing | None:
        if not self.open:
            return None
        near = self._decide([Axis("variant", self.variants), *self._axes(self.free)])
        always, first, steps = self._certain(near)
        settles = self._settling(near)
        field, branches = next(
            (
                (name, parted)
                for name in (settles if self.all_told else ())  # else what was given decides more than any answer
                if not self.stopping.get(name) and len(parted := self._branches(name, near)) > 1
            ),
            (None, ()),
        )
        return Missing(
            open=self.open,
            ends=tuple(name for name in self.open if self.stopping.get(name)),
            always=tuple(name for name in self.ruling.order if name in always),
            first=first,
            steps=steps,
            settles=settles,
            field=field,
            branches=branches,
        )

    # ---- what holds in every case ------------------------------------------------------------------------------------

    def _certain(self, near: _Ways) -> tuple[frozenset[str], str | None, tuple[str, ...]]:
        """Options in every case, the one that is first in every case, steps in every case."""
        axes = self._axes(self.open)
        ways = reduce(int.__mul__, (len(axis.values) for axis in axes), 8 * -(-len(self.histories) // 8))
        if not self.all_told or ways > MOST_WAYS:
            return self._certain_by_rule()
        _, decided, ranked, leading = near if len(self.variants) == 1 else self._decide(axes)
        always = frozenset(name for name in decided.places if decided.offered(name) == ranked)
        given = {step: where & ranked for step, where in _steps(decided, self.knowledge).items()}
        steps = tuple(step for step in in_order(given) if given[step] == ranked)
        goes_on = given.get(CONTINUED, 0)  # in some ways only: then drugs are not what comes first in all of them
        first = next(iter(leading)) if len(leading) == 1 and goes_on in (0, ranked) else None
        return always, first, steps

    def _certain_by_rule(self) -> tuple[frozenset[str], str | None, tuple[str, ...]]:
        """The same where there are too many ways: what the rules say of what is known alone."""
        view = self.ruling.view
        out: Members = view["out"]
        certain: set[str] = set()
        steps: list[str] = []
        for row in self.knowledge.recommendations:
            # what holds because it is open may not once it is told
            of_open = any(NOT_KNOWN in atom.values and atom.field in self.open for atom in row.when.atoms)
            if row.when.holds(view) is True and not of_open:
                steps += [step.step for step in row.steps]
                certain.update(
                    option.regimen for option in row.options if option.when is None or option.when.holds(view) is True
                )
        certain -= {*out.known, *(out.possible or ()), *self.ruling.avoided, *self.ruling.open_avoided}
        if any(not line.agents for line in self.profile.prior_lines or ()):
            certain -= set(self.ruling.partners)  # each partner may have been used
        return frozenset(certain), None, in_order(dict.fromkeys(steps))

    # ---- what would settle most --------------------------------------------------------------------------------------

    def _settling(self, near: _Ways) -> tuple[str, ...]:
        """The open fields: what could end the ranking, then what can change the first option, then the rest.

        Within these, what leaves the fewest different first options in its worst case comes first, then rankings; what
        the checklist asks for comes after what is never taken to be clear, and is looked at one answer at a time.
        """
        rankings = _different(near, self.knowledge)

        def weight(field: str) -> tuple[bool, bool, bool, bool, int, int, int]:
            parts = self._parts(field, near.block)
            firsts = max((_count(near.leading.values(), part) for part in parts), default=len(near.leading))
            left = max((_count(rankings, part) for part in parts), default=len(rankings))
            any_agents = not self.all_told and field in OF_HISTORY
            on_checklist = isinstance(asked_as(field), Item)
            decides = self._changes_first(field, near)
            return (
                not self.stopping.get(field), not any_agents, not decides, on_checklist, firsts, left,
                FIELDS.index(field),
            )  # fmt: skip

        return tuple(sorted(self.open, key=weight))

    def _changes_first(self, field: str, near: _Ways) -> bool:
        """Whether other options can be first under one answer than under another, what is assumed clear being so."""
        led = {frozenset(self._led(field, value, near)) for value in self._told_apart(field)}
        return len(led) > 1

    def _parts(self, field: str, block: Block) -> list[int]:
        """The ways that are left once a field is answered, for each answer."""
        return [self._at(field, value, block) for value in self._told_apart(field)]

    def _told_apart(self, field: str) -> tuple[Any, ...]:
        if field not in OF_HISTORY:
            return self.values[field]
        return tuple(dict.fromkeys(history.answers.get(field) for history in self.histories))

    def _at(self, field: str, value: Any, block: Block) -> int:
        """Where a field has an answer, of those that are told apart."""
        if field in OF_HISTORY:
            places = [at for at, history in enumerate(self.histories) if history.answers.get(field) == value]
            return block.lift("history", places)
        if field in USUAL:
            return block.lift("variant", [at for at, answers in enumerate(self.variants) if answers[field] == value])
        return block.lift(field, [self.values[field].index(value)])

    # ---- branches ----------------------------------------------------------------------------------------------------

    def _branches(self, field: str, near: _Ways) -> tuple[Branch, ...]:
        """What follows from each answer to a field: answers with the same outcome together, at most `MOST_BRANCHES`."""
        found = [self._branch(field, value, near) for value in self._answers_to(field)]
        while len(found) > 1:
            pairs = ((_apart(one, two), at, at + 1 + beyond) for at, one in enumerate(found)
                     for beyond, two in enumerate(found[at + 1 :]))  # fmt: skip
            apart, first, second = min(pairs)
            if any(apart) and len(found) <= MOST_BRANCHES:
                break
            found[first] = _as_one((found[first], found.pop(second)))
        return tuple(found)

    def _answers_to(self, field: str) -> tuple[Any, ...]:
        if field in OF_HISTORY:
            told = self._told_apart(field) if self.all_told else ()
            return tuple(value for value in told if value is not None)
        if field in SETS:
            return self.values[field]
        return tuple(value for value in OPTIONS[field] if value != NOT_KNOWN)

    def _branch(self, field: str, value: Any, near: _Ways) -> Branch:
        ruling = self._rule(field, value)
        if ruling.stops:
            return Branch((value,), ruling.stops[0].outcome, (), frozenset(), (), ())
        steps = in_order(dict.fromkeys(step.step for row, truth in ruling.rows if truth for step in row.steps))
        order = tuple((place.option.regimen, TIERS[place.tier]) for place in ruling.places)
        leaders = self._leaders(field, value, ruling, near)
        return Branch((value,), "recommend", order, frozenset(ruling.order), leaders, steps)

    def _leaders(self, field: str, value: Any, ruling: Ruling, near: _Ways) -> tuple[str, ...]:
        """Which options can be first under an answer, whatever else that is open and not assumed turns out to be."""
        told_apart = value
        if field not in OF_HISTORY and value not in self.values[field]:  # no condition tells it from another answer
            seen = self.distinctions.seen(field, value)
            told_apart = next(one for one in self.values[field] if self.distinctions.seen(field, one) == seen)
        found = self._led(field, told_apart, near)
        led = dict.fromkeys((*ruling.order[:1], *found))
        return tuple(sorted(led, key=lambda name: (name not in ruling.order[:1], -found.get(name, 0), name)))

    def _led(self, field: str, value: Any, near: _Ways) -> dict[str, int]:
        """The options that are first somewhere under an answer that is told apart, each with in how many ways."""
        usual = self.variants[0] | ({field: value} if field in USUAL else {})
        where = self._at(field, value, near.block) & near.block.lift("variant", [self.variants.index(usual)])
        found = {name: (classes & where).bit_count() for name, classes in near.leading.items()}
        return {name: count for name, count in found.items() if count}

    # ---- blocks ------------------------------------------------------------------------------------------------------

    def _axes(self, fields: Iterable[str]) -> list[Axis]:
        return [Axis(name, [{name: value} for value in self.values[name]]) for name in fields if self.values.get(name)]

    def _decide(self, axes: Sequence[Axis]) -> _Ways:
        """What is decided where the axes vary, with every history there may be."""
        varied = {field for axis in axes for field in axis.values[0]}
        fixed = {field: getattr(self.profile, field) for field in OPTIONS if field not in varied}
        empty = dict.fromkeys(OF_HISTORY)
        told = Axis("history", [{**empty, **history.answers} for history in self.histories])
        block = Block({**fixed, "gate": self.gate}, [*axes, told])
        decided = BitRules(self.distinctions, self.histories).decide(block)
        ranked = block.full & ~decided.stopped
        return _Ways(block, decided, ranked, _leading(decided, ranked))


def _with(profile: Profile, field: str, value: Any) -> Profile:
    return profile.model_copy(update={field: value})


def _open_fields(profile: Profile, ruling: Ruling, distinctions: Distinctions) -> tuple[str, ...]:
    """The fields that are not known and keep a condition that decides something from being decided."""
    found = {
        field
        for condition in distinctions.conditions
        if condition.when.holds(ruling.view) is None
        for name in condition.when.open_fields(ruling.view)
        for field in SOURCE_OF.get(name, (name,))
    }
    return tuple(field for field in FIELDS if field in found and field != NOT_BY_ORDER and _is_open(profile, field))


def _is_open(profile: Profile, field: str) -> bool:
    if field == "prior_lines":
        lines = profile.prior_lines
        return lines is None or any(not line.agents or line.outcome in (None, NOT_KNOWN) for line in lines)
    return getattr(profile, field) in (None, NOT_KNOWN)


def _completions(profile: Profile, open_fields: Sequence[str], distinctions: Distinctions) -> Iterator[History]:
    """Every way an open history can turn out; none where there are more than `MOST_HISTORIES`."""
    classes = distinctions.knowledge.classes
    told = profile.prior_lines or ()
    if "prior_lines" in open_fields and any(not line.agents for line in told):
        return  # what was given could be anything
    outcomes = [
        tuple(outcome for outcome in OUTCOMES if outcome not in (NOT_KNOWN, "ongoing"))
        if "prior_lines" in open_fields and line.outcome in (None, NOT_KNOWN)
        else (line.outcome,)
        for line in told
    ]
    before = tuple(_before(profile, open_fields, distinctions))
    if reduce(int.__mul__, map(len, outcomes), len(before)) > MOST_HISTORIES:
        return
    for ended in product(*outcomes):
        lines = tuple(line.model_copy(update={"outcome": outcome}) for line, outcome in zip(told, ended, strict=True))
        view = lines_seen(lines, classes)
        for agents, months in before:
            yield History(lines, agents, months, {**view, **early_seen(view, agents, months, classes)})


def _before(
    profile: Profile, open_fields: Sequence[str], distinctions: Distinctions
) -> Iterator[tuple[tuple[str, ...] | str | None, int | str | None]]:
    agents, months = profile.early_stage_agents, profile.months_since_adjuvant_her2
    relapsed = not profile.prior_lines  # later, when early-stage treatment ended decides nothing
    if "early_stage_agents" in open_fields:
        for early, since in early_treatments(distinctions):
            if early is None:
                continue
            if since is None and not (relapsed and not isinstance(months, int) and _is_her2(early, distinctions)):
                yield early, months
            elif since is not None and relapsed and not isinstance(months, int):
                yield early, since
    elif "months_since_adjuvant_her2" in open_fields:
        yield from ((agents, since) for since in MONTHS)
    else:
        yield agents, months


def _is_her2(agents: Iterable[str], distinctions: Distinctions) -> bool:
    return any("anti_her2" in distinctions.knowledge.classes[agent] for agent in agents)


def _leading(decided: Decided, ranked: int) -> dict[str, int]:
    """The regimens that are first somewhere, each with the classes it is first for."""
    found: dict[str, int] = {}
    rest = ranked
    for _, name, classes in sorted(
        (place[:3], name, place.classes) for name, places in decided.places.items() for place in places
    ):
        if here := classes & rest:
            found[name] = found.get(name, 0) | here
            rest &= ~here
    return found


def _steps(decided: Decided, knowledge: Knowledge) -> dict[str, int]:
    """Steps, each with the classes it is given for."""
    found: dict[str, int] = {}
    for row in knowledge.recommendations:
        for step in row.steps:
            found[step.step] = found.get(step.step, 0) | decided.rows[row.id].true
    return found


def _different(ways: _Ways, knowledge: Knowledge) -> list[int]:
    """The ways apart by their answer: which option is first, in which tier each stands, which steps there are."""
    columns = [*ways.leading.values(), *_steps(ways.decided, knowledge).values()]
    for places in ways.decided.places.values():
        tiers: dict[int, int] = {}
        for place in places:
            tiers[place.tier] = tiers.get(place.tier, 0) | place.classes
        columns += tiers.values()
    found = [ways.ranked] if ways.ranked else []
    for column in columns:
        found = [part for known in found for part in (known & column, known & ~column) if part]
    return found


def _count(kinds: Iterable[int], classes: int) -> int:
    """How many kinds there are among some classes."""
    return sum(1 for kind in kinds if kind & classes)


def _apart(one: Branch, two: Branch) -> tuple[bool, int]:
    """How far two branches are from one another: whether they begin alike, in how much they differ."""
    if not (one.order and two.order):
        return one.status != two.status, 0
    tiers, others = dict(one.order), dict(two.order)
    moved = sum(tiers[name] != others[name] for name in tiers if name in others)
    ranks = [name for name, _ in one.order if name in others] != [name for name, _ in two.order if name in tiers]
    differs = len(one.options ^ two.options) + len({*one.steps} ^ {*two.steps}) + len({*one.first} ^ {*two.first})
    return one.order[0][0] != two.order[0][0], differs + moved + ranks


def _as_one(alike: tuple[Branch, Branch]) -> Branch:
    """Branches as one: of their options and steps what all of them share, of what can be first all."""
    head = alike[0]
    tiers = [dict(branch.order) for branch in alike]
    shared = [name for name, _ in head.order if all(name in own for own in tiers)]
    return Branch(
        tuple(value for branch in alike for value in branch.values),
        head.status,
        tuple(
            (name, tier if all(own[name] == tier for own in tiers) else None)
            for name, tier in head.order
            if name in shared
        ),
        frozenset().union(*(branch.options for branch in alike)),
        tuple(dict.fromkeys(name for branch in alike for name in branch.first)),
        tuple(name for name in head.steps if all(name in branch.steps for branch in alike)),
    )
