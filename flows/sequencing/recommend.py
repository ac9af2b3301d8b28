"""The sequencing: a profile and the knowledge in, advice out. Pure; no clock, no file, no channel.

In order: stops (nothing is ranked), exclusions (which regimens are ruled out), decision rows (which place and
which tier), ranking. Conditions have three values throughout: a rule that is not known to hold neither
excludes nor is forgotten, it becomes an assumption and the answer conditional.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from flows.findings import SOURCE_OF, findings
from flows.knowledge.load import Knowledge
from flows.knowledge.model import TIERS, Advisory, Avoided, Position, Recommendation, Regimen, SafetyRule, Stop
from flows.profile import FIELDS, Item, Profile, asked_as
from flows.sequencing.advice import (
    Advice,
    Caution,
    Exclusion,
    FitVerdict,
    Option,
    Reason,
    StepGiven,
    Unknown,
)
from flows.when import ALWAYS, Atom, Members, Test, Truth, View, When

_TIER_RANK = {tier: rank for rank, tier in enumerate(TIERS)}
_NEVER_REUSED_CLASSES = frozenset({"taxane"})  # a partner of such a class is used once any of the class was


class _Rule(NamedTuple):
    test: Test
    rule: SafetyRule
    regimens: tuple[str, ...]


class _Partner(NamedTuple):
    agent: str
    used_if: frozenset[str]
    excluded_by: tuple[SafetyRule, ...]


@dataclass(frozen=True, eq=False)
class Rulebook:
    """The knowledge arranged for evaluation. Derived from it alone; built once per knowledge."""

    exclusions: tuple[_Rule, ...]
    cautions: tuple[SafetyRule, ...]
    caution_tests: tuple[Test, ...]
    cautions_on: dict[str, tuple[int, ...]]
    stops: tuple[tuple[Test, Stop], ...]
    principles: tuple[tuple[Test, Advisory], ...]
    pitfalls: tuple[tuple[Test, Advisory], ...]
    partners: dict[str, tuple[_Partner, ...]]
    rows: tuple[tuple[Test, Recommendation], ...]
    drugs: tuple[Regimen, ...]


@lru_cache(maxsize=8)
def rulebook(knowledge: Knowledge) -> Rulebook:
    """The rulebook of a knowledge."""
    reach = {
        rule.id: tuple(regimen.id for regimen in knowledge.regimens.values() if _concerned(rule, regimen, knowledge))
        for rule in knowledge.rules
    }
    exclusions = tuple(
        _Rule(rule.when.holds, rule, reach[rule.id]) for rule in knowledge.rules if rule.kind == "exclusion"
    )
    cautions = tuple(rule for rule in knowledge.rules if rule.kind == "caution")
    cautions_on = {
        name: tuple(index for index, rule in enumerate(cautions) if name in reach[rule.id])
        for name in knowledge.regimens
    }
    partners = {
        regimen.id: tuple(
            _Partner(
                agent,
                frozenset((agent,)) | (knowledge.classes[agent] & _NEVER_REUSED_CLASSES),
                tuple(rule for rule in knowledge.rules if rule.kind == "exclusion" and agent in rule.concerns.agents),
            )
            for agent in regimen.partners
        )
        for regimen in knowledge.regimens.values()
        if regimen.partners
    }
    order = {row.id: position for position, row in enumerate(knowledge.recommendations)}
    ordered = sorted(knowledge.recommendations, key=lambda row: (row.row, order[row.id]))
    rows = tuple((row.when.holds, row) for row in ordered)
    drugs = tuple(regimen for regimen in knowledge.regimens.values() if regimen.kind != "step")
    return Rulebook(
        exclusions=exclusions,
        cautions=cautions,
        caution_tests=tuple(rule.when.holds for rule in cautions),
        cautions_on=cautions_on,
        stops=tuple((stop.when.holds, stop) for stop in knowledge.stops),
        principles=tuple(((entry.when or ALWAYS).holds, entry) for entry in knowledge.principles),
        pitfalls=tuple(((entry.when or ALWAYS).holds, entry) for entry in knowledge.pitfalls),
        partners=partners,
        rows=rows,
        drugs=drugs,
    )


def _concerned(rule: SafetyRule, regimen: Regimen, knowledge: Knowledge) -> bool:
    concerns = rule.concerns
    if concerns.regimens:
        return regimen.id in concerns.regimens
    if concerns.agents:
        return not set(concerns.agents).isdisjoint(regimen.agents)
    return any(not knowledge.classes[agent].isdisjoint(concerns.classes) for agent in regimen.agents)


_STEP_ORDER = {
    name: place
    for place, name in enumerate(("brain_imaging", "local_cns_therapy", "same_systemic_therapy", "specialist_review"))
}
"""What is urgent first; a step the knowledge adds comes after these."""

ASSUMED = {
    **{name: asked.clear for name in FIELDS if isinstance(asked := asked_as(name), Item) and asked.clear != ()},
    "tdxd_access": "available",
}
"""What a contraindication or access that is not known is taken to be, for the order of the options only.

Every option that rests on it says so and the answer is conditional (S11). What biology or imaging would
settle (brain, receptors, lines, relapse) is never assumed: its branches stand side by side.
"""


BRAIN, NOT_LOOKED_AT = "brain_metastases", "not_imaged"
"""A brain that nobody imaged is none that fits a trial's population, or does not (S19)."""


class _Place(NamedTuple):
    """Where a row puts a regimen. Compares best first: tier, row, position."""

    tier: int
    row_order: int
    position: int
    row: Recommendation
    option: Position


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of a view, before anything is put into words or order of presentation."""

    view: View
    assumed: View
    stops: tuple[Stop, ...]
    open_stops: tuple[Stop, ...]
    excluded: dict[str, list[SafetyRule]]
    open_exclusions: dict[str, list[SafetyRule]]
    partners: dict[str, tuple[str, ...]]
    avoided: dict[str, tuple[Recommendation, Avoided]]
    open_avoided: dict[str, list[When]]
    rows: tuple[tuple[Recommendation, Truth], ...]
    places: tuple[_Place, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The options by id, best first; empty where a stop holds."""
        return () if self.stops else tuple(place.option.regimen for place in self.places)


def rule_on(profile: Profile, knowledge: Knowledge, gate: str | None = None) -> Ruling:
    """Evaluate every rule on a profile: the part of `recommend` that decides."""
    book = rulebook(knowledge)
    view = findings(profile, knowledge.classes, gate)
    stops, open_stops = [], []
    for test, stop in book.stops:
        truth = test(view)
        if truth:
            stops.append(stop)
        elif truth is None:
            open_stops.append(stop)
    excluded: dict[str, list[SafetyRule]] = {}
    open_exclusions: dict[str, list[SafetyRule]] = {}
    for test, rule, reach in book.exclusions:
        truth = test(view)
        if truth is not False:
            kept = excluded if truth else open_exclusions
            for regimen in reach:
                kept.setdefault(regimen, []).append(rule)
    received = view["received"].known
    partners = {
        name: tuple(
            [
                partner.agent
                for partner in candidates
                if partner.used_if.isdisjoint(received)
                and not any(rule.when.holds(view) for rule in partner.excluded_by)
            ]
        )
        for name, candidates in book.partners.items()
    }
    out = frozenset(excluded) | {name for name, left in partners.items() if not left}
    view["out"] = Members(out, frozenset(open_exclusions) - out)
    assumed = {**view, "out": Members(out)}
    for name, value in ASSUMED.items():
        if assumed[name] is None:
            assumed[name] = value
    rows: list[tuple[int, Recommendation, Truth]] = []
    best: dict[str, _Place] = {}
    avoided: dict[str, tuple[Recommendation, Avoided]] = {}
    open_avoided: dict[str, list[When]] = {}
    for row_order, (test, row) in enumerate(book.rows):
        truth = test(assumed)
        if truth is not False:
            rows.append((row_order, row, truth))
    at_best = max((_TIER_RANK[row.at_best] for _, row, truth in rows if truth and row.at_best), default=0)
    for row_order, row, truth in rows:
        for avoid in row.avoid:
            own = avoid.when.holds(assumed) if avoid.when is not None else True
            if own is False:
                continue
            if truth and own:
                avoided.setdefault(avoid.regimen, (row, avoid))
            else:
                open_avoided.setdefault(avoid.regimen, []).extend((row.when, avoid.when or ALWAYS))
        for position, option in enumerate(row.options):
            if option.regimen in out:
                continue
            if option.when is not None and option.when.holds(assumed) is False:
                continue
            place = _Place(max(_TIER_RANK[option.tier], at_best), row_order, position, row, option)
            known = best.get(option.regimen)
            if known is None or place[:3] < known[:3]:
                best[option.regimen] = place
    places = sorted((place for name, place in best.items() if name not in avoided), key=_best_first)
    return Ruling(
        view, assumed, tuple(stops), tuple(open_stops), excluded, open_exclusions, partners, avoided,
        open_avoided, tuple((row, truth) for _, row, truth in rows), tuple(places),
    )  # fmt: skip


def _best_first(place: _Place) -> tuple[int, int, int]:
    return place[:3]


def recommend(profile: Profile, knowledge: Knowledge, gate: str | None = None) -> Advice:
    """The advice for a profile.

    `gate` is the dialogue's answer where the profile cannot hold it (another tumour, under 18).
    Never raises on a valid profile: too little known is an answer too (status `ask`).
    """
    ruling = rule_on(profile, knowledge, gate)
    if ruling.stops:
        return _stopped(profile, knowledge, gate, ruling)
    view = ruling.view
    book = rulebook(knowledge)
    options = []
    assumptions: dict[Atom, None] = {}
    doubts = _Doubts(knowledge)
    reasoning = _Reasoning(ruling, book)
    for stop in ruling.open_stops:
        for atom in stop.when.needed(view):
            assumptions[atom._replace(negated=not atom.negated)] = None
            doubts.rules_out(atom.field, ())
    for rank, place in enumerate(ruling.places, 1):
        option = _option(rank, place, reasoning, knowledge, doubts)
        options.append(option)
        assumptions.update(dict.fromkeys(option.assumes))
    if any(ruling.assumed[name] is not view[name] for name in ASSUMED):
        assumptions.update(_dropped_rows(ruling, knowledge, doubts))
    for row, truth in ruling.rows:
        if truth and row.assumes is not None:
            assumptions.update(dict.fromkeys(row.assumes.atoms))
            for name in row.assumes.fields:
                doubts.note(name)
        elif row.at_best is not None and row.when.holds(view) is None:  # it puts every option later, or would
            for atom in row.when.needed(view):
                assumptions[atom if truth else atom._replace(negated=not atom.negated)] = None
                for regimen in ruling.order[:1]:
                    doubts.places(atom, regimen, ruling)
    steps = _steps(ruling, knowledge, doubts)
    if profile.region is None or profile.region == "unknown":
        doubts.note("region")
    unknowns = doubts.unknowns(ruling)
    return Advice(
        status="conditional" if assumptions else "recommend",
        profile=profile,
        knowledge=knowledge,
        steps=steps,
        options=tuple(options),
        excluded=_excluded(ruling, knowledge),
        principles=tuple([entry for test, entry in book.principles if test(view) is not False]),
        pitfalls=tuple([entry for test, entry in book.pitfalls if test(view) is not False]),
        assumptions=tuple(assumptions),
        unknowns=unknowns,
        ask_next=tuple(unknown.field for unknown in unknowns),
        gate=gate,
    )


def _dropped_rows(ruling: Ruling, knowledge: Knowledge, doubts: _Doubts) -> dict[Atom, None]:
    """Rows that only an assumption keeps out, where they would place something better: the assumptions made.

    A row that would merely repeat where a regimen stands already changes nothing and assumes nothing.
    """
    assumed: dict[Atom, None] = {}
    now = {place.option.regimen: place[:3] for place in ruling.places}
    out: Members = ruling.assumed["out"]
    for row_order, (test, row) in enumerate(rulebook(knowledge).rows):
        if test(ruling.assumed) is not False or test(ruling.view) is not None:
            continue
        raised = [
            option.regimen
            for position, option in enumerate(row.options)
            if option.regimen not in out.known
            and (option.regimen not in now or (_TIER_RANK[option.tier], row_order, position) < now[option.regimen])
        ]
        for atom in row.when.needed(ruling.view):
            if raised and atom.field != "out":
                assumed[atom._replace(negated=not atom.negated)] = None
            for regimen in raised:
                doubts.places(atom, regimen, ruling)
            for step in row.steps:
                doubts.steps(atom.field, step.step)
    return assumed


def _stopped(profile: Profile, knowledge: Knowledge, gate: str | None, ruling: Ruling) -> Advice:
    first = ruling.stops[0]
    shown = [stop for stop in ruling.stops if stop.outcome == first.outcome]
    steps = dict.fromkeys(name for stop in shown for name in stop.steps)
    fields = [name for stop in shown if stop.outcome == "ask" for name in stop.fields]
    if first.outcome == "ask":
        fields += [name for name in ("her2_status", "setting", "prior_lines", "hr_status", "brain_metastases")
                   if getattr(profile, name) is None]  # fmt: skip
    elif first.id == "leptomeningeal_disease" and ruling.view["brain_metastases"] is None:
        fields.append("brain_metastases")
    return Advice(
        status=first.outcome,
        profile=profile,
        knowledge=knowledge,
        reasons=tuple(Reason(stop, stop.when.support(ruling.view)) for stop in shown),
        steps=tuple(
            StepGiven(
                knowledge.regimens[name],
                knowledge.regimens[name].drug_class,
                first.row or first.id,
                first.facts,
            )
            for name in steps
        ),
        excluded=tuple(
            exclusion for exclusion in _excluded(ruling, knowledge) if first.row and exclusion.row == first.row
        ),
        principles=tuple(
            entry for entry in knowledge.principles if entry.when and entry.when.holds(ruling.view) is True
        ),
        ask_next=tuple(dict.fromkeys(fields)),
        gate=gate,
    )


class _Reasoning:
    """Reasons and cautions of one ruling, each worked out once: most options share their row."""

    def __init__(self, ruling: Ruling, book: Rulebook) -> None:
        self.ruling = ruling
        self.book = book
        self.cautions = [test(ruling.view) for test in book.caution_tests]
        self._because: dict[int, tuple[Atom, ...]] = {}

    def because(self, when: When) -> tuple[Atom, ...]:
        """Why a condition holds, as answers; what holds of it where the whole is open."""
        known = self._because.get(id(when))
        if known is None:
            view = self.ruling.view
            atoms = when.because(view) or when.holding(view)
            if "out" in when.fields:
                atoms = tuple(dict.fromkeys([reason for atom in atoms for reason in _expand(atom, self.ruling)]))
            known = atoms
            self._because[id(when)] = known
        return known


def _option(rank: int, place: _Place, reasoning: _Reasoning, knowledge: Knowledge, doubts: _Doubts) -> Option:
    ruling, view = reasoning.ruling, reasoning.ruling.view
    regimen = knowledge.regimens[place.option.regimen]
    assumes: dict[Atom, None] = {}
    conditions = (place.row.when, place.option.when) if place.option.when else (place.row.when,)
    for when in conditions:
        if when.holds(view) is None:
            for atom in when.needed(view):
                if atom.field != "out":  # what may rule another regimen out is assumed below, by that rule
                    assumes[atom] = None
                doubts.places(atom, regimen.id, ruling)
    for rule in ruling.open_exclusions.get(regimen.id, ()):
        for atom in rule.when.needed(view):
            assumes[atom._replace(negated=not atom.negated)] = None
            doubts.rules_out(atom.field, (regimen.id,))
    for when in ruling.open_avoided.get(regimen.id, ()):
        for atom in when.needed(view):
            assumes[atom._replace(negated=not atom.negated)] = None
            doubts.rules_out(atom.field, (regimen.id,))
    cautions = []
    for index in reasoning.book.cautions_on[regimen.id]:
        truth = reasoning.cautions[index]
        if truth is not False:
            rule = reasoning.book.cautions[index]
            cautions.append(Caution(rule, truth is True))
            if truth is None:
                for name in rule.when.open_fields(view):
                    doubts.cautions(name, regimen.id)
    because = reasoning.because(conditions[0])
    if len(conditions) > 1:
        because = tuple(dict.fromkeys((*because, *reasoning.because(conditions[1]))))
    return Option(
        rank=rank,
        regimen=regimen,
        tier=TIERS[place.tier],
        text=place.option.text,
        row=place.row,
        because=because,
        assumes=tuple(assumes),
        grades=place.option.grades,
        strength=place.option.strength or regimen.strength.level,
        fit=_fit(regimen, view),
        cautions=tuple(cautions),
        partners=ruling.partners.get(regimen.id, ()),
        facts=(*place.option.facts, *place.row.facts),
    )


def _expand(atom: Atom, ruling: Ruling) -> Iterable[Atom]:
    """ "T-DXd is out" becomes the answers that ruled it out: the reason a clinician can check."""
    if atom.field != "out" or atom.negated or atom.operator == "includes_none":
        return (atom,)
    return tuple(
        reason
        for name in atom.values
        for rule in ruling.excluded.get(str(name), ())[:1]
        for reason in rule.when.support(ruling.view)
    )


def _fit(regimen: Regimen, view: View) -> FitVerdict | None:
    if regimen.fit is None:
        return None
    seen = {**view, BRAIN: None} if view[BRAIN] == NOT_LOOKED_AT else view
    judged = tuple((criterion, criterion.when.holds(seen)) for criterion in regimen.fit.criteria)
    truths = [truth for _, truth in judged]
    if False in truths:
        return FitVerdict("extrapolated", judged)
    return FitVerdict("unknown" if None in truths else "match", judged)


def _steps(ruling: Ruling, knowledge: Knowledge, doubts: _Doubts) -> tuple[StepGiven, ...]:
    steps: dict[str, StepGiven] = {}
    for row, truth in ruling.rows:
        for step in row.steps:
            if truth:
                given = StepGiven(knowledge.regimens[step.step], step.text, row.row, (*step.facts, *row.facts))
                known = steps.get(step.step)
                if known is None:
                    steps[step.step] = given
                elif given.text not in known.text:
                    steps[step.step] = StepGiven(
                        known.regimen, f"{known.text}; {given.text}", known.row, known.facts + given.facts
                    )
            else:
                for name in row.when.open_fields(ruling.view):
                    doubts.steps(name, step.step)
    return tuple(steps[name] for name in in_order(steps))


def in_order(steps: Iterable[str]) -> tuple[str, ...]:
    """Steps by id, what is urgent first."""
    return tuple(sorted(steps, key=lambda step: _STEP_ORDER.get(step, len(_STEP_ORDER))))


def _excluded(ruling: Ruling, knowledge: Knowledge) -> tuple[Exclusion, ...]:
    found = []
    for regimen in rulebook(knowledge).drugs:
        rules = ruling.excluded.get(regimen.id)
        if rules:
            for rule in rules:
                found.append(
                    Exclusion(
                        regimen,
                        rule.id,
                        rule.row,
                        rule.text,
                        rule.when.support(ruling.view),
                        rule.facts,
                        rule.pending_review,
                    )
                )
        elif regimen.id in ruling.partners and not ruling.partners[regimen.id]:
            found.append(Exclusion(regimen, "no_partner_left", None, "every partner is used or ruled out", (), ()))
        elif regimen.id in ruling.avoided:
            row, avoid = ruling.avoided[regimen.id]
            found.append(Exclusion(regimen, row.id, row.row, avoid.text, row.when.because(ruling.view), avoid.facts))
    return tuple(found)


class _Doubts:
    """Collects which profile fields are not known and what hangs on each."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.found: dict[str, dict[str, dict[str, None]]] = {}

    def note(self, name: str, kind: str = "rules_out", what: Iterable[str] = ()) -> None:
        for field in SOURCE_OF.get(name, (name,)):
            kinds = self.found.setdefault(field, {"rules_out": {}, "places": {}, "cautions": {}, "steps": {}})
            kinds[kind].update(dict.fromkeys(what))

    def rules_out(self, name: str, regimens: Iterable[str]) -> None:
        self.note(name, "rules_out", regimens)

    def cautions(self, name: str, regimen: str) -> None:
        self.note(name, "cautions", (regimen,))

    def steps(self, name: str, step: str) -> None:
        if name != "out":
            self.note(name, "steps", (step,))

    def places(self, atom: Atom, regimen: str, ruling: Ruling) -> None:
        if atom.field != "out":
            self.note(atom.field, "places", (regimen,))
            return
        for name in atom.values:
            for rule in ruling.open_exclusions.get(str(name), ()):
                for field in rule.when.open_fields(ruling.view):
                    self.note(field, "places", (regimen,))

    def unknowns(self, ruling: Ruling) -> tuple[Unknown, ...]:
        """Most useful first: what bears on the first option, then on any order, then on cautions."""
        first = ruling.order[0] if ruling.order else ""

        def weight(field: str) -> tuple[bool, bool, int]:
            kinds = self.found[field]
            decides = {**kinds["rules_out"], **kinds["places"]}
            return (first not in decides, not decides, FIELDS.index(field))

        known = {"her2_status", "setting"}
        return tuple(
            Unknown(
                field,
                *(tuple(self.found[field][kind]) for kind in ("rules_out", "places", "cautions", "steps")),
            )
            for field in sorted(self.found, key=weight)
            if field not in known and _answerable(field, ruling.view)
        )


def _answerable(field: str, view: View) -> bool:
    """Whether asking for the field could still settle something (a known early-stage list settles itself)."""
    if field == "early_stage_agents":
        early: Members = view["received_early"]
        return early.possible is None
    if field == "months_since_adjuvant_her2":
        return view["relapse"] is None
    return True
