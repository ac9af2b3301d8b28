"""The advice document of the contract: the same answer as data, for programs and for the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from flows import VERSION
from flows.explanation.changes import Change, changes
from flows.explanation.missing import Missing, ask_next, missing
from flows.knowledge.model import ReviewStatus, Tier
from flows.profile import Line, Profile
from flows.sequencing.advice import Advice, Option, Status
from messages.comparison import change_in_words
from messages.open_answers import OpenAnswers, in_words
from messages.render import disclaimer, excluded_in_words, unknowns_in_words
from messages.words import Words

if TYPE_CHECKING:
    from messages.free_text import TextAnswer
    from messages.understanding import Understanding


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GradeDocument(_Part):
    """A guideline's grade and where it was read."""

    system: str
    grade: str
    status: Literal["read", "secondary_only", "pending_review"]
    evidence: list[str]


class FitDocument(_Part):
    """How the profile compares with the trial population."""

    trial: str
    verdict: Literal["match", "extrapolated", "unknown"]
    criteria: list[dict[str, str]]


class StatementDocument(_Part):
    """A sentence with its facts."""

    text: str
    evidence: list[str]
    pending_review: bool


class OptionDocument(_Part):
    """One ranked option."""

    rank: int
    regimen: str
    name: str
    tier: Tier
    summary: str
    row: str
    because: list[str]
    assumes: list[str]
    grades: list[GradeDocument]
    strength: dict[str, str]
    fit: FitDocument | None
    authorisation: dict[str, str] | None
    partners: list[str]
    evidence: list[str]
    harms: list[str]
    harms_gap: str | None
    monitoring: list[StatementDocument]
    cautions: list[dict[str, Any]]
    not_assessed: list[str]


class RecordDocument(_Part):
    """What reproduces the answer: profile, software and knowledge."""

    id: str
    software: str
    knowledge: str
    knowledge_date: str
    review: ReviewStatus
    profile: dict[str, Any]


class HoldsDocument(_Part):
    """What is so in every case, for the cases in which drugs are ranked."""

    open: Annotated[list[str], Field(description="Fields that are not known and bear on the ranking.")]
    ends: Annotated[list[str], Field(description="Those of which an answer would end the ranking.")]
    first: Annotated[str | None, Field(description="The option that is first in every case.")]
    options: Annotated[list[str], Field(description="Options in every case.")]
    steps: list[str]
    text: str


class BranchDocument(_Part):
    """What follows from some answers to one open field."""

    field: str
    values: Annotated[list[Any], Field(description="Answers to the field, as in a profile document.")]
    status: Status
    first: Annotated[list[str], Field(description="What can be first: several where other open answers decide it.")]
    options: Annotated[list[str], Field(description="Options under all these answers, best first.")]
    steps: list[str]
    text: str


class ChangedDocument(_Part):
    """One answer given otherwise."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_alias=True, validate_by_name=True)

    field: str
    before: Annotated[str | None, Field(alias="from")]
    after: Annotated[str, Field(alias="to")]


class ChangeDocument(ChangedDocument):
    """A minimal change and what it would alter. `also`: what has to be given otherwise with it."""

    also: list[ChangedDocument]
    code: Annotated[str, Field(description="How /whatif names it.")]
    effect: str


class AdviceDocument(_Part):
    """The advice document of the contract."""

    status: Status
    reasons: list[dict[str, Any]]
    steps: list[str]
    step_notes: dict[str, str]
    options: list[OptionDocument]
    excluded: list[dict[str, Any]]
    principles: list[StatementDocument]
    pitfalls: list[StatementDocument]
    assumptions: list[str]
    unknowns: list[str]
    would_change: list[ChangeDocument]
    holds: Annotated[
        HoldsDocument | None, Field(description="Of a conditional answer: what is so whatever the open answers are.")
    ]
    branches: Annotated[
        list[BranchDocument],
        Field(description="What follows from the answers to the first field of `ask_next` that parts the ways."),
    ]
    ask_next: Annotated[list[str], Field(description="Fields worth asking for, what would settle most first.")]
    not_assessed: list[str]
    facts: dict[str, dict[str, Any]]
    sources: dict[str, dict[str, Any]]
    disclaimer: str
    record: RecordDocument


class SpanDocument(_Part):
    """Words of a text, and what they were read as. `start` and `end` count characters."""

    field: Annotated[str, Field(description="A profile field, `denied_agents` or `focus`.")]
    value: str
    text: str
    start: int
    end: int


class AmbiguityDocument(_Part):
    """Words that may mean more than one thing: whoever wrote them is to be asked."""

    text: str
    readings: Annotated[list[str], Field(description="Values of the field; agents joined with `+`.")]
    field: str
    line: Annotated[int | None, Field(description="For a drug in `prior_lines`: the line, counted from one.")]
    start: int
    end: int


class UnderstandingDocument(_Part):
    """The understanding document of the contract: what a text states, and what it leaves open."""

    profile: Annotated[dict[str, Any], Field(description="Only what the text states, as in a profile document.")]
    denied_agents: Annotated[list[str], Field(description="Agents it says were not given.")]
    focus: Annotated[list[str], Field(description="Agents planned or asked about: neither given nor ruled out.")]
    implied: Annotated[dict[str, str], Field(description="Fields not stated that follow from the treatment.")]
    spans: list[SpanDocument]
    leftover: Annotated[list[str], Field(description="Words that were not used; show them back.")]
    ambiguous: list[AmbiguityDocument]
    scope: Literal["in", "out", "unclear"]
    reason: Annotated[str | None, Field(description="Why it is out of scope.")]
    identifier: Annotated[bool, Field(description="Whether it could identify a person: then nothing of it was read.")]


class AssumedDocument(_Part):
    """A field that the text does not state and the answer rests on."""

    field: str
    value: Any
    because: str


class ReadingDocument(_Part):
    """One thing that words may mean."""

    value: str
    label: str


class AskedBackDocument(_Part):
    """Something to ask. With `readings` it is which of them `text` means; without, the field is not known."""

    field: str
    label: str
    text: str
    readings: list[ReadingDocument]


class TextUnderstandingDocument(UnderstandingDocument):
    """What was understood of the text an answer was given to."""

    assumed: list[AssumedDocument]
    questions: Annotated[list[AskedBackDocument], Field(description="What to ask, most useful first.")]


class TextAdviceDocument(AdviceDocument):
    """The advice document for a text, with what was understood of it."""

    understanding: TextUnderstandingDocument


def _holds(found: Missing | None, shown: OpenAnswers | None) -> HoldsDocument | None:
    if found is None or shown is None:
        return None
    return HoldsDocument(
        open=list(found.open), ends=list(found.ends), first=found.first, options=list(found.always),
        steps=list(found.steps), text=shown.holds,
    )  # fmt: skip


def _branches(found: Missing | None, shown: OpenAnswers | None) -> list[BranchDocument]:
    if found is None or shown is None or found.field is None:
        return []
    return [
        BranchDocument(
            field=found.field,
            values=[_plain(value) for value in branch.values],
            status=branch.status,
            first=list(branch.first),
            options=[name for name, _ in branch.order],
            steps=list(branch.steps),
            text=said.text,
        )
        for branch, said in zip(found.branches, shown.branches, strict=True)
    ]


def _plain(value: Any) -> Any:
    """A profile's value as its document has it."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, Line) else value


def _would_change(change: Change, words: Words) -> ChangeDocument:
    first, *also = (ChangedDocument(field=one.field, before=one.before, after=one.after) for one in change.answers)
    return ChangeDocument(
        field=first.field, before=first.before, after=first.after, also=also, code=change.code,
        effect=change_in_words(change, words),
    )  # fmt: skip


def profile_document(profile: Profile) -> dict[str, Any]:
    """The profile as its document: absent fields left out."""
    return profile.model_dump(mode="json", exclude_none=True)


def advice_document(advice: Advice, words: Words) -> AdviceDocument:
    """The document of an advice. Pure: equal advice gives an equal document."""
    knowledge = advice.knowledge
    facts = [fact for fact in advice.facts() if fact.shown]
    sources = dict.fromkeys(name for fact in facts for name in fact.sources)
    found = missing(advice)
    shown = in_words(found, words)
    return AdviceDocument(
        status=advice.status,
        reasons=[
            {
                "code": reason.stop.id,
                "text": reason.stop.text,
                "nearest": reason.stop.nearest,
                "because": words.atoms(reason.because),
                "time_critical": reason.stop.time_critical,
                "row": reason.stop.row,
                "evidence": list(reason.stop.facts),
            }
            for reason in advice.reasons
        ],
        steps=[step.regimen.id for step in advice.steps],
        step_notes={step.regimen.id: step.text for step in advice.steps},
        options=[_option(option, words) for option in advice.options],
        excluded=[
            {
                "regimen": exclusion.regimen.id,
                "because": said["because"],
                "rule": exclusion.rule,
                "row": exclusion.row,
                "text": exclusion.text,
                "evidence": list(exclusion.facts),
                "pending_review": exclusion.pending_review,
            }
            for exclusion, said in zip(advice.excluded, excluded_in_words(advice, words), strict=True)
        ],
        principles=[_statement(entry) for entry in advice.principles],
        pitfalls=[_statement(entry) for entry in advice.pitfalls],
        assumptions=words.atoms(advice.assumptions),
        unknowns=unknowns_in_words(advice, words),
        would_change=[_would_change(change, words) for change in changes(advice)],
        holds=_holds(found, shown),
        branches=_branches(found, shown),
        ask_next=list(ask_next(advice, found)),
        not_assessed=[note.text for note in knowledge.not_assessed],
        facts={
            fact.id: {
                "subject": fact.subject,
                "endpoint": fact.endpoint,
                "value": fact.value,
                "population": fact.population,
                "arms": list(fact.arms),
                "verification": fact.verification,
                "pending_review": fact.pending_review,
                "sources": list(fact.sources),
            }
            for fact in facts
        },
        sources={
            name: {
                "title": source.title,
                "authors": source.authors_short,
                "journal": source.journal,
                "year": source.year,
                "doi": source.doi,
                "pmid": source.pmid,
                "read_at": source.seen_at,
            }
            for name in sources
            for source in (knowledge.sources[name],)
        },
        disclaimer=disclaimer(),
        record=record_document(advice),
    )


def understanding_document(found: Understanding) -> UnderstandingDocument:
    """The document of what was understood of a text."""
    return UnderstandingDocument(**_understanding(found))


def _understanding(found: Understanding) -> dict[str, Any]:
    return {
        "profile": profile_document(found.profile),
        "denied_agents": list(found.denied_agents),
        "focus": list(found.focus),
        "implied": dict(found.implied),
        "spans": [
            SpanDocument(field=span.field, value=span.value, text=span.text, start=span.start, end=span.end)
            for span in found.spans
        ],
        "leftover": list(found.leftover),
        "ambiguous": [
            AmbiguityDocument(
                text=entry.text,
                readings=list(entry.readings),
                field=entry.field,
                line=entry.place + 1 if entry.place is not None else None,
                start=entry.start,
                end=entry.end,
            )
            for entry in found.ambiguous
        ],
        "scope": found.scope,
        "reason": found.reason,
        "identifier": found.identifier,
    }


def text_advice_document(answer: TextAnswer, words: Words) -> TextAdviceDocument:
    """The document of an answer to a text."""
    understanding = TextUnderstandingDocument(
        **_understanding(answer.found),
        assumed=[
            AssumedDocument(
                field=entry.field,
                value=list(entry.value) if isinstance(entry.value, tuple) else entry.value,
                because=entry.because,
            )
            for entry in answer.assumed
        ],
        questions=[
            AskedBackDocument(
                field=question.field,
                label=question.label,
                text=question.text,
                readings=[ReadingDocument(value=value, label=label) for value, label in question.readings],
            )
            for question in answer.questions
        ],
    )
    advice = advice_document(answer.advice, words)
    return TextAdviceDocument(**dict(advice), understanding=understanding)


def record_document(advice: Advice) -> RecordDocument:
    """The record of an advice: what reproduces it, byte for byte, with the same software and knowledge."""
    return RecordDocument(
        id=advice.record_id,
        software=VERSION,
        knowledge=advice.knowledge.digest,
        knowledge_date=advice.knowledge.manifest.date.isoformat(),
        review=advice.review,
        profile=profile_document(advice.profile),
    )


def _statement(entry: Any) -> StatementDocument:
    return StatementDocument(text=entry.text, evidence=list(entry.facts), pending_review=entry.pending_review)


def _option(option: Option, words: Words) -> OptionDocument:
    regimen, where = option.regimen, option.regimen.authorisation
    status_codes = {said: code for code, said in words.vocabulary.grade_status.items()}
    return OptionDocument(
        rank=option.rank,
        regimen=regimen.id,
        name=regimen.name,
        tier=option.tier,
        summary=option.text,
        row=option.row.row,
        because=words.atoms(option.because),
        assumes=words.atoms(option.assumes),
        grades=[
            GradeDocument(
                system=grade.system,
                grade=grade.grade,
                status=status_codes[words.grade_status(grade)],  # type: ignore[arg-type]
                evidence=list(grade.facts),
            )
            for grade in option.grades
        ],
        strength={"level": option.strength, "text": regimen.strength.text},
        fit=FitDocument(
            trial=regimen.fit.trial,
            verdict=option.fit.verdict,
            criteria=[
                {"text": criterion.text, "verdict": words.vocabulary.truth[str(truth).lower()]}
                for criterion, truth in option.fit.criteria
            ],
        )
        if option.fit and regimen.fit
        else None,
        authorisation={
            region: statement.text + (" [pending review]" if statement.pending_review else "")
            for region, statement in (("us", where.us), ("eu", where.eu), ("china", where.china))
            if statement is not None
        }
        if where
        else None,
        partners=list(option.partners),
        evidence=list(dict.fromkeys((*option.facts, *regimen.efficacy, *regimen.cns))),
        harms=list(dict.fromkeys((*regimen.harms, *regimen.boxed_warnings))),
        harms_gap=regimen.harms_gap,
        monitoring=[
            StatementDocument(text=entry.text, evidence=list(entry.facts), pending_review=entry.pending_review)
            for entry in regimen.monitoring
        ],
        cautions=[
            {
                "rule": caution.rule.id,
                "text": caution.rule.text,
                "certain": caution.certain,
                "evidence": list(caution.rule.facts),
                "pending_review": caution.rule.pending_review,
            }
            for caution in option.cautions
        ],
        not_assessed=list(regimen.not_assessed),
    )
