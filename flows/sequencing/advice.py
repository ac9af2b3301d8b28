"""Advice: what the sequencing says of a profile. Codes and entries only; messages/ holds the words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from flows import VERSION
from flows.knowledge.load import Knowledge
from flows.knowledge.model import (
    Advisory,
    Criterion,
    Fact,
    Governed,
    Grade,
    Recommendation,
    Regimen,
    ReviewStatus,
    SafetyRule,
    Stop,
    StrengthLevel,
    Tier,
)
from flows.profile import Profile
from flows.when import Atom, Truth

Status = Literal["recommend", "conditional", "ask", "refer", "decline"]


class Reason(NamedTuple):
    """A stop that holds, and the answers that made it hold."""

    stop: Stop
    because: tuple[Atom, ...]


class StepGiven(NamedTuple):
    """A step before or beside drugs, with the row it comes from."""

    regimen: Regimen
    text: str
    row: str
    facts: tuple[str, ...]


class Caution(NamedTuple):
    """A caution on an option. `certain` is False where it hangs on an answer that is not known."""

    rule: SafetyRule
    certain: bool


class FitVerdict(NamedTuple):
    """How the profile compares with the trial population."""

    verdict: Literal["match", "extrapolated", "unknown"]
    criteria: tuple[tuple[Criterion, Truth], ...]


class Option(NamedTuple):
    """One ranked option with everything it must show."""

    rank: int
    regimen: Regimen
    tier: Tier
    text: str
    row: Recommendation
    because: tuple[Atom, ...]
    assumes: tuple[Atom, ...]
    grades: tuple[Grade, ...]
    strength: StrengthLevel
    fit: FitVerdict | None
    cautions: tuple[Caution, ...]
    partners: tuple[str, ...]
    facts: tuple[str, ...]


class Exclusion(NamedTuple):
    """A regimen ruled out, by which rule and because of which answers."""

    regimen: Regimen
    rule: str
    row: str | None
    text: str
    because: tuple[Atom, ...]
    facts: tuple[str, ...]
    pending_review: bool = False


class Unknown(NamedTuple):
    """A profile field that is not known and would matter: what it could rule out, place, or caution."""

    field: str
    rules_out: tuple[str, ...]
    places: tuple[str, ...]
    cautions: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """The answer to one profile. Equal profiles and equal knowledge give equal advice."""

    status: Status
    profile: Profile
    knowledge: Knowledge = field(repr=False)
    reasons: tuple[Reason, ...] = ()
    steps: tuple[StepGiven, ...] = ()
    options: tuple[Option, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    principles: tuple[Advisory, ...] = ()
    pitfalls: tuple[Advisory, ...] = ()
    assumptions: tuple[Atom, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    ask_next: tuple[str, ...] = ()
    gate: str | None = None

    @property
    def regimens(self) -> tuple[str, ...]:
        """The ranked options by id."""
        return tuple(option.regimen.id for option in self.options)

    @cached_property
    def record_id(self) -> str:
        """Identifies profile, knowledge and software together: the same id is the same answer."""
        profile = self.profile.model_dump(mode="json", exclude_none=True)
        for line in profile.get("prior_lines", ()):
            line["agents"] = sorted(line["agents"])  # agents of one line have no order
        content = {
            "profile": profile,
            "gate": self.gate,
            "knowledge": self.knowledge.digest,
            "software": VERSION,
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @cached_property
    def review(self) -> ReviewStatus:
        """The weakest review status of the entries used: the only one the answer shows."""
        used: list[Governed] = [reason.stop for reason in self.reasons]
        used += [option.row for option in self.options] + [option.regimen for option in self.options]
        used += [caution.rule for option in self.options for caution in option.cautions]
        used += [*self.principles, *self.pitfalls]
        return self.knowledge.weakest(used)

    def facts(self) -> tuple[Fact, ...]:
        """Every fact the answer rests on, in the order first used."""
        names: list[str] = []
        for reason in self.reasons:
            names += reason.stop.facts
        for step in self.steps:
            names += step.facts
        for option in self.options:
            names += (*option.facts, *option.regimen.facts)
            names += [name for grade in option.grades for name in grade.facts]
            names += [name for caution in option.cautions for name in caution.rule.facts]
            for statement in option.regimen.monitoring:
                names += statement.facts
            if option.regimen.authorisation is not None:
                where = option.regimen.authorisation
                names += (*where.us.facts, *where.eu.facts, *(where.china.facts if where.china else ()))
            names += option.regimen.strength.facts
            names += [name for criterion, _ in (option.fit.criteria if option.fit else ()) for name in criterion.facts]
        for exclusion in self.excluded:
            names += exclusion.facts
        for advisory in (*self.principles, *self.pitfalls):
            names += advisory.facts
        if self.options:
            for note in self.knowledge.not_assessed:
                names += note.facts
            for agent in self.knowledge.agents.values():
                names += agent.facts
        return tuple(self.knowledge.facts[name] for name in dict.fromkeys(names))


__all__ = [
    "Advice", "Caution", "Exclusion", "FitVerdict", "Option", "Reason", "Status", "StepGiven",
    "Unknown",
]  # fmt: skip
