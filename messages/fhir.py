"""An answer as a FHIR R4 bundle. Pure: the same answer gives the same resources.

The only codes are the profile's own values in systems of this project, and those that FHIR itself requires. Nothing is
coded in a clinical terminology: the knowledge holds no such codes, and none is added from memory
(docs/decisions/0017-fhir-without-invented-codes.md). There is no date but the knowledge's, and nothing of a person.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

from flows import VERSION
from flows.explanation.changes import changes
from flows.explanation.missing import ask_next, missing
from flows.knowledge.model import Advisory, Fact, Note
from flows.profile import AGENTS, FIELDS
from flows.questionnaire import NONE
from flows.sequencing.advice import Advice, Option
from flows.when import NOT_KNOWN
from messages.comparison import change_in_words
from messages.fhir_questionnaire import (
    EARLY,
    LINE_AGENTS,
    LINE_OUTCOME,
    LINES,
    MONTHS,
    QUESTIONNAIRE,
    RECORD,
    URN,
    Resource,
    UnreadableResponse,
    answer_coding,
    codes_of,
    concept,
    field_coding,
    identifier,
    own_coding,
    profile_of_response,
    questionnaire,
    questionnaire_response,
    system,
)
from messages.message import Block
from messages.open_answers import in_words
from messages.render import (
    PATIENT_ROWS,
    answer_message,
    authorisation_in_words,
    disclaimer,
    excluded_in_words,
    section_message,
    unknowns_in_words,
)
from messages.words import Words, fact_mark

__all__ = [
    "QUESTIONNAIRE", "UnreadableResponse", "answer_blocks", "bundle", "profile_of_response", "questionnaire",
    "questionnaire_response",
]  # fmt: skip

ABSENT = {
    "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "code": "asked-unknown",
    "display": "Asked But Unknown",
}
"""FHIR's own word for `unknown`: the source was asked and does not know."""
NOT_OBSERVED = (LINES, EARLY, MONTHS, "setting", "region")
"""Fields that are no observation: medication, the stage of the condition, the reader's region. Months can stand for a
bucket (decision 0007), so they stay in the response."""
STATUS_OF_OUTCOME = {
    "progression": "stopped", "toxicity": "stopped", "completed": "completed", "ongoing": "active",
    NOT_KNOWN: "unknown",
}  # fmt: skip
"""How a line ended, as FHIR says whether a medication is still taken."""
STATUS_OF_ADVICE = {
    "recommend": "success", "conditional": "data-requested", "ask": "data-required", "refer": "success",
    "decline": "success",
}  # fmt: skip
"""Whether the guidance is complete. `data-requested`: it is given, and more data may make it more complete."""
ONLY = "This is the only option this knowledge supports; every excluded option is listed with its rule."


# The bundle


def bundle(advice: Advice, words: Words) -> Resource:
    """The whole answer: the response, what it says of the patient, and the advice as a draft proposal.

    The ids name the answer. Two patients with the same answers have the same bundle, so no entry has an id of its own
    to be stored under, and nothing in it says who the patient is.
    """
    patient = _reference(advice, "patient")
    response = _reference(advice, "response")
    condition = None if advice.gate else _reference(advice, "condition")
    named: list[tuple[str, Resource]] = [
        ("patient", {"resourceType": "Patient"}),
        ("response", questionnaire_response(advice, words) | {"subject": patient}),
    ]
    if condition is not None:
        named.append(("condition", _condition(advice, words, patient)))
    for field in FIELDS:
        if field not in NOT_OBSERVED and getattr(advice.profile, field) is not None:
            named.append((f"observation/{field}", _observation(field, advice, words)))
    named += _medication(advice, words)
    plans = [*_steps(advice), *_options(advice, words)]
    for name, plan in plans:
        addresses = {} if condition is None else {"addresses": [condition]}
        signed = [*plan["note"], *({"text": text} for text in _signature(advice, words))]
        named.append((name, {**_plan_head(advice), **plan, "subject": patient, **addresses, "note": signed}))
    if plans:
        named.append(("group", _request_group(advice, words)))
    reason = {} if condition is None else {"reasonReference": [condition]}
    result = {"result": _reference(advice, "group")} if plans else {}
    named.append(("guidance", _guidance(advice, words, response, reason | result)))
    return {
        "resourceType": "Bundle",
        "identifier": identifier(advice),
        "type": "collection",
        "entry": [{"fullUrl": _urn(advice, name), "resource": resource} for name, resource in named],
    }


def answer_blocks(advice: Advice, words: Words) -> tuple[Block, ...]:
    """The answer as it stands outside a conversation: every option, record and disclaimer, and no command."""
    said = section_message("summary", advice, words).blocks
    first = answer_message(advice, words).blocks
    if not advice.options:
        return (*first[:-1], *said[-2:])
    blocks = []
    options = iter(advice.options)
    for block in said:
        if block.kind == "ranked":
            blocks.append(Block("ranked", _ranked(next(options), words)))
        elif not block.text.startswith("Profile as a document: "):
            blocks.append(block)
    if len(advice.options) == 1:
        at = next(index for index, block in enumerate(blocks) if block.kind == "ranked")
        blocks.insert(at + 1, Block("paragraph", ONLY))
    return (first[0], *blocks)


def _ranked(option: Option, words: Words) -> str:
    """One option on a line, with what this patient's answers caution of it."""
    name, tier = words.regimen(option.regimen.id), words.vocabulary.tiers[option.tier]
    cautions = "".join(
        f" Caution: {caution.rule.text}{' [pending review]' if caution.rule.pending_review else ''}"
        for caution in option.cautions
        if caution.certain and caution.rule.row in PATIENT_ROWS
    )
    return f"{option.rank}. {name} ({tier}): {option.text}.{_graded(option, words)}{cautions}"


def _graded(option: Option, words: Words) -> str:
    """The grades as the end of a sentence; a trial has none to show."""
    return "" if option.regimen.kind == "trial" else f" {'; '.join(_grades(option, words))}."


def _grades(option: Option, words: Words) -> list[str]:
    """Each grade with its system and where it was read, or that no guideline grades it."""
    if not option.grades:
        return [f"No guideline grade; evidence {words.vocabulary.strength[option.strength]}"]
    said = []
    for grade in option.grades:
        status = words.grade_status(grade)
        said.append(f"{grade.system}: {grade.grade}{f' ({status})' if status else ''}")
    return said


def _urn(advice: Advice, name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{RECORD}:{advice.record_id}/{name}')}"


def _reference(advice: Advice, name: str) -> dict[str, str]:
    return {"reference": _urn(advice, name)}


def _signature(advice: Advice, words: Words) -> tuple[str, str]:
    """What every part of the advice says of itself, wherever it is carried (S13, S23, S26)."""
    knowledge = advice.knowledge
    review = words.vocabulary.review[advice.review]
    of = f"Record {advice.record_id}, software {VERSION}, knowledge {knowledge.digest} of {knowledge.manifest.date}"
    return f"{of}, {review}.", disclaimer()


def _condition(advice: Advice, words: Words, patient: Resource) -> Resource:
    profile = advice.profile
    said = [
        f"{words.label(name)}: {words.value(name, getattr(profile, name))}"
        for name in ("her2_status", "setting", "hr_status")
        if getattr(profile, name) is not None
    ]
    stage: Resource = {}
    if profile.setting is not None:
        stage = {"stage": [{"summary": concept(answer_coding("setting", profile.setting, words))}]}
    text = "Breast cancer" + (f" ({'; '.join(said)})" if said else "")
    return {"resourceType": "Condition", "code": {"text": text}, "subject": patient, **stage}


def _observation(field: str, advice: Advice, words: Words) -> Resource:
    value = getattr(advice.profile, field)
    seen: Resource
    if value == NOT_KNOWN:
        seen = {"dataAbsentReason": {"coding": [dict(ABSENT)], "text": words.value(field, value)}}
    elif isinstance(value, tuple):  # each of them was asked: what is not in the answer was answered with no
        codes = [code for code in codes_of(field) if code not in (NONE, NOT_KNOWN)]
        seen = {
            "component": [
                {"code": concept(answer_coding(field, code, words)), "valueBoolean": code in value} for code in codes
            ]
        }
    else:
        seen = {"valueCodeableConcept": concept(answer_coding(field, value, words))}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(field_coding(field, words)),
        "subject": _reference(advice, "patient"),
        "derivedFrom": [_reference(advice, "response")],
        **seen,
    }


def _medication(advice: Advice, words: Words) -> Iterator[tuple[str, Resource]]:
    """One statement for each agent of each line; a line or treatment whose agents are not known is not dropped."""
    for number, line in enumerate(advice.profile.prior_lines or (), 1):
        outcome = answer_coding(LINE_OUTCOME, line.outcome or NOT_KNOWN, words)
        ended = {"statusReason": [concept(outcome)]}
        for place, agent in enumerate(line.agents or (NOT_KNOWN,), 1):
            taken = _statement(LINE_AGENTS, agent, advice, words, f"Line {number} for metastatic disease")
            status = {"status": STATUS_OF_OUTCOME[outcome["code"]]}
            yield f"medication/{number}/{place}", {**taken, **status, **ended}
    early = advice.profile.early_stage_agents
    for place, agent in enumerate((early,) if isinstance(early, str) else early or (), 1):
        yield f"medication/early/{place}", _statement(EARLY, agent, advice, words, words.label(EARLY))


def _statement(link: str, agent: str, advice: Advice, words: Words, note: str) -> Resource:
    coding = answer_coding(link, agent, words)
    text = coding["display"] if agent in AGENTS else "agents not known"
    return {
        "resourceType": "MedicationStatement",
        "status": "unknown",
        "medicationCodeableConcept": {"coding": [coding], "text": text},
        "subject": _reference(advice, "patient"),
        "derivedFrom": [_reference(advice, "response")],
        **({} if advice.gate else {"reasonReference": [_reference(advice, "condition")]}),
        "note": [{"text": note}],
    }


# The advice


def _plan_head(advice: Advice) -> Resource:
    return {
        "resourceType": "CarePlan",
        "identifier": [identifier(advice)],
        "status": "draft",
        "intent": "option",
    }


def _steps(advice: Advice) -> Iterator[tuple[str, Resource]]:
    for number, step in enumerate(advice.steps, 1):
        cited = _cited("Basis", step.facts, advice)
        text = step.text[:1].upper() + step.text[1:]
        plan = {"title": step.regimen.name, "description": text, "note": [{"text": note} for note in cited]}
        yield f"step/{number}", plan


def _options(advice: Advice, words: Words) -> Iterator[tuple[str, Resource]]:
    for option in advice.options:
        agents = (concept(answer_coding(LINE_AGENTS, agent, words)) for agent in option.regimen.agents)
        activity = [{"detail": {"status": "not-started", "productCodeableConcept": agent}} for agent in agents]
        plan = {
            "title": option.regimen.name,
            "description": f"{option.text[:1].upper()}{option.text[1:]}.",
            **({"activity": activity} if activity else {}),
            "note": [{"text": note} for note in _option_notes(option, advice, words)],
        }
        yield f"option/{option.rank}", plan


def _option_notes(option: Option, advice: Advice, words: Words) -> Iterator[str]:
    """Everything an option has to show (S7)."""
    regimen, facts = option.regimen, advice.knowledge.facts
    yield f"Row {option.row.row}: {option.row.text}"
    for reason in words.atoms(option.because):
        yield f"Because: {reason}"
    for reason in words.atoms(option.assumes):
        yield f"Assumed, not known: {reason}"
    for grade in _grades(option, words):
        yield f"Grade: {grade}"
    yield f"Strength of evidence, own summary ({words.vocabulary.strength[option.strength]}): {regimen.strength.text}"
    if option.fit is not None and regimen.fit is not None:
        yield f"Fit to the trial population ({regimen.fit.trial}): {words.vocabulary.fit[option.fit.verdict]}"
        for criterion, truth in option.fit.criteria:
            yield f"Fit, {criterion.text}: {words.vocabulary.truth[str(truth).lower()]}"
    else:
        yield "Fit to the trial population: not applicable"
    yield f"Authorisation: {authorisation_in_words(option, words)}"
    if option.partners:
        yield f"Partners not used before: {', '.join(words.agent(agent) for agent in option.partners)}"
    for caution in option.cautions:
        rule = caution.rule
        certain = "" if caution.certain else " if so (not known)"
        mark = " [pending review]" if rule.pending_review else ""
        yield from _cited(f"Caution{certain}: {rule.text} (rule {rule.id}){mark}", rule.facts, advice)
    for name in regimen.harms:
        yield f"Harm, {_stated(facts[name])}"
    if regimen.harms_gap:
        yield f"Harms: {regimen.harms_gap}"
    for name in regimen.boxed_warnings:
        yield f"Boxed warning, {_stated(facts[name])}"
    for statement in regimen.monitoring:
        yield from _cited(f"Monitoring: {statement.text}", statement.facts, advice)
    for label, names in (("Dose in the label or trials", regimen.dose), ("Contraception", regimen.contraception)):
        for name in names:
            yield f"{label}, {_stated(facts[name])}"
    if regimen.not_assessed:
        yield f"Not assessed for this regimen: {'; '.join(regimen.not_assessed)}"
    yield from _cited("Basis", tuple(dict.fromkeys((*option.facts, *regimen.efficacy, *regimen.cns))), advice)


def _stated(fact: Fact) -> str:
    """A fact with what it belongs to (S8)."""
    arms = f" Arms: {' versus '.join(fact.arms)}." if fact.arms else ""
    return f"{fact.endpoint}: {fact.value}. Population: {fact.population}.{arms} [{fact.id}]{fact_mark(fact)}"


def _cited(text: str, names: Sequence[str], advice: Advice) -> Iterator[str]:
    """A text and the facts it rests on, those from memory marked (S9); nothing where it has neither."""
    listed = ", ".join(f"{name}{fact_mark(advice.knowledge.facts[name])}" for name in names)
    if listed:
        yield f"{text} [{listed}]"
    elif text != "Basis":
        yield text


def _request_group(advice: Advice, words: Words) -> Resource:
    """The steps and the options, in order. Nothing is selected, and at most one option may be."""
    actions: list[Resource] = []
    if advice.steps:
        steps = [
            {"title": step.regimen.name, "description": step.text, "resource": _reference(advice, f"step/{number}")}
            for number, step in enumerate(advice.steps, 1)
        ]
        actions.append({"title": "Before or beside drugs", "precheckBehavior": "no", "action": steps})
    if advice.options:
        actions.append(
            {
                "title": words.vocabulary.status[advice.status],
                **({"description": ONLY} if len(advice.options) == 1 else {}),
                "selectionBehavior": "at-most-one",
                "requiredBehavior": "could",
                "precheckBehavior": "no",
                "action": [_option_action(option, advice, words) for option in advice.options],
            }
        )
    return {
        "resourceType": "RequestGroup",
        "identifier": [identifier(advice)],
        "status": "draft",
        "intent": "proposal",
        "subject": _reference(advice, "patient"),
        **({} if advice.gate else {"reasonReference": [_reference(advice, "condition")]}),
        "note": [{"text": text} for text in _signature(advice, words)],
        "action": actions,
    }


def _option_action(option: Option, advice: Advice, words: Words) -> Resource:
    knowledge, regimen = advice.knowledge, option.regimen
    facts = (knowledge.facts[name] for name in (*option.facts, *regimen.efficacy, *regimen.cns))
    sources = dict.fromkeys(name for fact in facts for name in fact.sources)
    cited = [{"type": "citation", "label": name, "citation": _citation(name, advice)} for name in sources]
    tier = own_coding("tier", option.tier, words.vocabulary.tiers[option.tier])
    return {
        "prefix": str(option.rank),
        "title": regimen.name,
        "description": f"{tier['display'].capitalize()}: {option.text}.{_graded(option, words)}",
        "code": [
            concept(own_coding("regimen", regimen.id, regimen.name)),
            concept(tier),
        ],
        **({"documentation": cited} if cited else {}),
        "precheckBehavior": "no",
        "resource": _reference(advice, f"option/{option.rank}"),
    }


def _citation(name: str, advice: Advice) -> str:
    source = advice.knowledge.sources[name]
    doi = f" doi:{source.doi}" if source.doi else ""
    pmid = f" PMID {source.pmid}" if source.pmid else ""
    recalled = " (identifier recalled, pending review)" if source.id_basis == "recalled_certain" else ""
    return f"{source.authors_short}. {source.title}. {source.journal} {source.year}.{doi}{pmid}{recalled}"


def _guidance(advice: Advice, words: Words, response: Resource, refers: Resource) -> Resource:
    notes = (*_guidance_notes(advice, words), *_signature(advice, words))
    return {
        "resourceType": "GuidanceResponse",
        "text": {"status": "additional", "div": _narrative(answer_blocks(advice, words))},
        "contained": [{"resourceType": "Parameters", "id": "outputs", "parameter": _outputs(advice, words, response)}],
        "identifier": [identifier(advice)],
        "moduleUri": f"{URN}:knowledge:{advice.knowledge.digest}",
        "status": STATUS_OF_ADVICE[advice.status],
        "subject": _reference(advice, "patient"),
        **refers,
        "note": [{"text": note} for note in notes],
        "outputParameters": {"reference": "#outputs"},
    }


def _guidance_notes(advice: Advice, words: Words) -> Iterator[str]:
    for reason in advice.reasons:
        because = "; ".join(words.atoms(reason.because))
        yield from _cited(f"{reason.stop.text} {reason.stop.nearest} ({because})", reason.stop.facts, advice)
    for said in excluded_in_words(advice, words, "other_clinician"):
        row = f", row {said['row']}" if said["row"] else ""
        because = "; ".join(said["because"])
        mark = " [pending review]" if said["pending_review"] else ""
        text = f"Excluded: {said['name']}: {said['text']} ({because}; rule {said['rule']}{row}){mark}"
        yield from _cited(text, said["facts"], advice)
    for label, texts in (
        *_open_answers(advice, words),
        ("Assumed, not known", words.atoms(advice.assumptions)),
        ("Not known, and how it would matter", unknowns_in_words(advice, words)),
        ("What would change this", [change_in_words(change, words) for change in changes(advice)]),
    ):
        for text in filter(None, texts):
            yield f"{label}: {text}"
    not_assessed = advice.knowledge.not_assessed if advice.options else ()
    entries: tuple[tuple[str, Sequence[Advisory | Note]], ...] = (
        ("Principle", advice.principles), ("Pitfall", advice.pitfalls), ("Not assessed", not_assessed),
    )  # fmt: skip
    for label, listed in entries:
        for entry in listed:
            mark = " [pending review]" if entry.pending_review else ""
            yield from _cited(f"{label}: {entry.text}{mark}", entry.facts, advice)


def _open_answers(advice: Advice, words: Words) -> Iterator[tuple[str, list[str]]]:
    found = in_words(missing(advice), words)
    if found is not None:
        yield "Whatever is not known", [found.holds]
        yield f"Turns on {found.label}", [way.text for way in found.branches]


def _outputs(advice: Advice, words: Words, response: Resource) -> list[Resource]:
    """The answer's codes, its record, and every fact and source it cites."""
    knowledge = advice.knowledge
    review_by = min(entry.governance.review_by for entry in knowledge.governed())
    facts = [fact for fact in advice.facts() if fact.shown]
    sources = dict.fromkeys(name for fact in facts for name in fact.sources)
    return [
        {"name": "status", "valueCode": advice.status},
        {"name": "review", "valueCode": advice.review},
        {"name": "record", "valueString": advice.record_id},
        {"name": "software", "valueString": VERSION},
        {"name": "knowledge", "valueString": knowledge.digest},
        {"name": "knowledge-date", "valueDate": knowledge.manifest.date.isoformat()},
        {"name": "review-by", "valueDate": review_by.isoformat()},
        {"name": "answers", "valueReference": response},
        *(
            {"name": "reason", "valueCoding": {"system": system("stop"), "code": reason.stop.id}}
            for reason in advice.reasons
        ),
        *({"name": "ask-next", "valueCoding": field_coding(name, words)} for name in ask_next(advice, missing(advice))),
        *(
            {
                "name": "excluded",
                "part": [
                    {
                        "name": "regimen",
                        "valueCoding": own_coding("regimen", exclusion.regimen.id, exclusion.regimen.name),
                    },
                    {"name": "rule", "valueString": exclusion.rule},
                ],
            }
            for exclusion in advice.excluded
        ),
        *(
            {
                "name": "fact",
                "part": [
                    {"name": "id", "valueString": fact.id},
                    {"name": "statement", "valueString": _stated(fact)},
                    {"name": "checked", "valueCode": fact.verification},
                    *({"name": "source", "valueString": name} for name in fact.sources),
                ],
            }
            for fact in facts
        ),
        *(
            {
                "name": "source",
                "part": [
                    {"name": "id", "valueString": name},
                    {"name": "citation", "valueString": _citation(name, advice)},
                ],
            }
            for name in sources
        ),
    ]


def _narrative(blocks: Iterable[Block]) -> str:
    """Blocks as the XHTML a narrative may hold."""
    tags = {"heading": "h1", "subheading": "h2"}
    said = []
    for block in blocks:
        tag = tags.get(block.kind, "p")
        text = f"- {block.text}" if block.kind == "item" else block.text
        said.append(f"<{tag}>{html.escape(text, quote=False)}</{tag}>")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(said)}</div>'
