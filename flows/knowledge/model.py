"""The knowledge as pydantic models: what an entry of each kind must say. The guideline is data; this is its form."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from flows.when import When

Tier = Literal["preferred", "alternative", "later_line", "selected_patients"]
TIERS: tuple[Tier, ...] = ("preferred", "alternative", "later_line", "selected_patients")
ReviewStatus = Literal["draft", "under_review", "approved", "retired"]
WEAKEST_FIRST: tuple[ReviewStatus, ...] = ("draft", "under_review", "approved", "retired")
Verification = Literal["confirmed", "imprecise", "contradicted", "recalled", "not_found"]

Text = Annotated[str, Field(min_length=1)]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Ids = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_tuple)]


class Entry(BaseModel):
    """Something the knowledge says. Unknown keys and coercions are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True, defer_build=True)


class Governance(Entry):
    """Who stands behind an entry and for how long. The manifest gives the defaults."""

    status: ReviewStatus
    reviewer: str | None
    review_by: date
    valid_from: date
    valid_until: date | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Governance:
        if self.status == "approved" and not self.reviewer:
            raise ValueError("reviewer: missing; nothing is approved by nobody")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until: not after valid_from")
        return self


class Governed(Entry):
    """An entry under governance: identified, in force over a period, with a review status."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    governance: Governance

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if isinstance(value, dict):
            keys = [key for key in Governance.model_fields if key in value]
            if keys:
                value = dict(value)
                own = {key: value.pop(key) for key in keys}
                known = value.get("governance", {})
                value["governance"] = {**known, **own} if isinstance(known, dict) else known
        return value


class Manifest(Entry):
    """The knowledge as a whole: its date, and the governance every entry has unless it says otherwise."""

    title: Text
    date: date
    licence: Text
    governance: Governance


class Source(Entry):
    """Where facts were read."""

    id: Text
    title: Text
    authors_short: Text
    journal: Text
    year: int
    pmid: str | None
    doi: str | None
    id_basis: Literal["seen", "recalled_certain"] | None
    kind: Literal["trial", "label", "guideline", "review"]
    seen_at: Text | None
    note: Text | None = None


Figure = Annotated[str, Field(pattern=r"^\d+\.\d+$")]


class Estimate(Entry):
    """A hazard ratio that stands in the value of its fact, as data: the first arm against the second.

    `interval`: its confidence interval, where the fact gives one.
    """

    measure: Literal["HR"]
    endpoint: Text
    value: Figure
    interval: Annotated[tuple[Figure, Figure] | None, BeforeValidator(_tuple)] = None

    @property
    def figures(self) -> tuple[str, ...]:
        """The value and the bounds, as written."""
        return (self.value, *(self.interval or ()))

    @model_validator(mode="after")
    def _ordered(self) -> Estimate:
        if not float(self.value) > 0:
            raise ValueError("value: not above zero, so that it has no place on a log axis")
        if self.interval is not None:
            low, high = map(float, self.interval)
            if not 0 < low <= float(self.value) <= high:
                raise ValueError("interval: does not hold the value")
        return self


class Fact(Governed):
    """One checked statement: a value, for a population, under an endpoint, from sources."""

    regimens: Ids
    kind: Literal[
        "efficacy", "cns", "harm", "dose", "monitoring", "boxed_warning", "contraindication", "interaction",
        "contraception", "authorisation", "grade", "guideline", "principle", "status",
    ]  # fmt: skip
    subject: Text
    endpoint: Text
    value: Text
    population: Text
    arms: Texts
    estimates: Annotated[tuple[Estimate, ...], BeforeValidator(_tuple)] = ()
    sources: Annotated[Ids, Field(min_length=1)]
    verification: Verification
    pending_review: bool = False
    value_status: Literal["read", "partly", "recalled", "none"]
    basis: Literal["abstract_label_or_report", "secondary_only", "none"]
    note: Text | None
    article_claim: Text | None

    @model_validator(mode="after")
    def _marked(self) -> Fact:
        if (self.verification == "recalled") != self.pending_review:
            raise ValueError("pending_review: a recalled fact, and only a recalled fact, carries this mark")
        return self

    @property
    def shown(self) -> bool:
        """Whether it may be shown at all: what could not be read never is."""
        return self.verification != "not_found"


class Agent(Entry):
    """A drug, with the names and classes clinicians use."""

    id: Text
    name: Text
    short: Text
    brands: Texts
    classes: Ids
    status: Literal["authorised", "regional", "investigational", "withdrawn"]
    facts: Ids
    text: Text | None = None

    @model_validator(mode="after")
    def _explained(self) -> Agent:
        if self.status != "authorised" and not (self.facts and self.text):
            raise ValueError(f"status: {self.status} needs a text and the facts that say so")
        return self


class Statement(Entry):
    """A sentence and the facts it rests on."""

    text: Text
    facts: Ids
    pending_review: bool = False


StrengthLevel = Literal["strong_randomised", "moderate", "weak", "extrapolated", "phase_2", "single_arm", "none"]


class Strength(Entry):
    """How strong the evidence is, in the project's own summary (no guideline's letters)."""

    level: StrengthLevel
    text: Text
    facts: Ids


class Authorisation(Entry):
    """Where it is authorised. Both regions are always stated."""

    us: Statement
    eu: Statement
    china: Statement | None = None


class Criterion(Entry):
    """What the trial population had in common: true matches it, false extrapolates from it."""

    id: Text
    text: Text
    when: When
    facts: Ids


class Fit(Entry):
    """The trial population a verdict of fit refers to."""

    trial: Text
    criteria: Annotated[tuple[Criterion, ...], BeforeValidator(_tuple), Field(min_length=1)]


class Regimen(Governed):
    """A treatment that can be an option, or a step before or beside drugs."""

    name: Text
    short: Text
    kind: Literal["drug", "trial", "step"]
    agents: Ids
    partners: Ids
    drug_class: Text
    strength: Strength
    dose: Ids
    efficacy: Ids
    cns: Ids
    harms: Ids
    harms_gap: Text | None
    boxed_warnings: Ids
    monitoring: Annotated[tuple[Statement, ...], BeforeValidator(_tuple)]
    contraception: Ids
    authorisation: Authorisation | None
    fit: Fit | None
    not_assessed: Texts

    @model_validator(mode="before")
    @classmethod
    def _no_authorisation(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("authorisation") == {"us": None, "eu": None, "china": None}:
            value = {**value, "authorisation": None}
        return value

    @model_validator(mode="after")
    def _complete(self) -> Regimen:
        if self.kind == "drug":
            for key in ("agents", "monitoring", "authorisation", "fit", "not_assessed"):
                if not getattr(self, key):
                    raise ValueError(f"{key}: missing; every drug option shows it")
            if not self.harms and not self.harms_gap:
                raise ValueError("harms: missing, and harms_gap does not say why")
        return self

    @property
    def facts(self) -> tuple[str, ...]:
        """Every fact shown under this regimen's heading."""
        return (*self.dose, *self.efficacy, *self.cns, *self.harms, *self.boxed_warnings, *self.contraception)


class Concerns(Entry):
    """Which regimens a safety rule is about: by agent, by class or by name."""

    agents: Ids = ()
    classes: Ids = ()
    regimens: Ids = ()

    @model_validator(mode="after")
    def _one(self) -> Concerns:
        if sum(map(bool, (self.agents, self.classes, self.regimens))) != 1:
            raise ValueError("concerns: exactly one of agents, classes, regimens")
        return self


class SafetyRule(Governed):
    """An exclusion (the regimen is ruled out) or a caution (it is shown with the sentence)."""

    kind: Literal["exclusion", "caution"]
    concerns: Concerns
    when: When
    text: Text
    facts: Ids
    row: str | None
    pending_review: bool = False


class Threshold(Governed):
    """A figure that questions and labels show, with the facts it stands on."""

    text: Text
    facts: Annotated[Ids, Field(min_length=1)]


class Stop(Governed):
    """A profile for which no drug is ranked: out of scope, a referral, or too little known."""

    outcome: Literal["ask", "refer", "decline"]
    when: When
    text: Text
    nearest: Text
    facts: Ids
    row: str | None
    time_critical: bool = False
    steps: Ids = ()
    fields: Ids = ()


class Grade(Entry):
    """A guideline's grade, with its system; its status follows from its facts."""

    system: Text
    grade: Text
    facts: Annotated[Ids, Field(min_length=1)]


class Position(Entry):
    """Where a decision row puts a regimen, and why in one line."""

    regimen: Text
    tier: Tier
    text: Text
    grades: Annotated[tuple[Grade, ...], BeforeValidator(_tuple)] = ()
    facts: Ids = ()
    when: When | None = None
    strength: StrengthLevel | None = None
    """How strong the evidence is in this situation, where that differs from the regimen's own."""


class Step(Entry):
    """A step before or beside drugs, in the order written."""

    step: Text
    text: Text
    facts: Ids = ()


class Avoided(Entry):
    """A regimen a decision row rules out, for some of its patients where `when` says so."""

    regimen: Text
    text: Text
    facts: Ids = ()
    when: When | None = None


class Recommendation(Governed):
    """A decision row: for whom, which steps, which regimens in which order, which not."""

    row: Text
    when: When
    text: Text
    facts: Ids
    at_best: Tier | None = None
    """Where the row holds, no option of any row stands above this tier."""
    assumes: When | None = None
    """What the row takes to be so without knowing it."""
    steps: Annotated[tuple[Step, ...], BeforeValidator(_tuple)] = ()
    options: Annotated[tuple[Position, ...], BeforeValidator(_tuple)] = ()
    avoid: Annotated[tuple[Avoided, ...], BeforeValidator(_tuple)] = ()


class Advisory(Governed):
    """A principle or a pitfall."""

    when: When | None
    text: Text
    facts: Ids
    article: Ids = ()
    pending_review: bool = False


class Note(Governed):
    """A sentence on the knowledge itself: a gap, or an input that is not assessed."""

    text: Text
    facts: Ids
    pending_review: bool = False


class ArticleStatement(Entry):
    """A statement of the source article and what this knowledge says of it."""

    id: Text
    section: Text
    statement: Text
    facts: Ids
    verdict: Literal["confirmed", "imprecise", "contradicted", "recalled", "not_clinical", "omitted"]
    says: Text | None
    why: Text | None
    offered_in: Text
