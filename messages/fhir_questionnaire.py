"""The questionnaire in FHIR R4: its questions, the answers of a profile, and a profile read back from answers.

A linkId is the name of a profile field, and an answer is the profile's own value, in a code system of this project.
What FHIR cannot say with one item has a second one beside it: whether there is any line yet, that months are not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from flows import VERSION
from flows.profile import AGENTS, FIELDS, OPTIONS, OUTCOMES, Asked, Line, Profile, asked_as
from flows.questionnaire import NONE, QUESTIONS
from flows.sequencing.advice import Advice
from flows.when import NOT_KNOWN, Atom
from messages.render import disclaimer
from messages.words import Words

Resource = dict[str, Any]

URN = "urn:her2-triage"
QUESTIONNAIRE = f"{URN}:questionnaire:next-line"
"""The questionnaire, whatever its version. An identifier: nothing is to be found at it."""
RECORD = f"{URN}:record"
"""The system of record ids."""

LINES = "prior_lines"
ANY_LINES = "prior_lines.any"
LINE_AGENTS = "prior_lines.agents"
LINE_OUTCOME = "prior_lines.outcome"
EARLY = "early_stage_agents"
MONTHS = "months_since_adjuvant_her2"
MONTHS_NOT_KNOWN = "months_since_adjuvant_her2.unknown"

FINISHED = ("completed", "amended")
"""Statuses of a response that may be read; one in progress or entered in error may not."""


def system(name: str) -> str:
    """The code system of a profile field, or of agents, regimens, outcomes, tiers, stops, fields."""
    return f"{URN}:code:{name.replace('_', '-')}"


# What may be answered


def codes_of(link: str) -> tuple[str, ...]:
    """The codes a choice may have, in the order shown."""
    if link == LINE_AGENTS:
        return (*AGENTS, NOT_KNOWN)
    if link == LINE_OUTCOME:
        return OUTCOMES
    if link == EARLY:
        return (*AGENTS, NONE, NOT_KNOWN)
    known = tuple(option for option in OPTIONS[link] if option != NOT_KNOWN)
    return (*known, *((NONE,) if _kind(link) == "several" else ()), NOT_KNOWN)


def _kind(link: str) -> str:
    """choice, several, number or lines, as the questionnaire has it."""
    if link == LINE_AGENTS:
        return "several"
    return QUESTIONS[link].kind if link in QUESTIONS else "choice"


def _system_of(link: str, code: str) -> str:
    if code in AGENTS and link in (LINE_AGENTS, EARLY):
        return system("agent")
    return system({LINE_AGENTS: LINES, LINE_OUTCOME: "outcome"}.get(link, link))


def answer_coding(link: str, code: str, words: Words) -> dict[str, str]:
    """An answer as a Coding: the same code of the same system always has the same words."""
    if link == LINE_OUTCOME:
        display = words.vocabulary.outcomes[code]
    elif link in (LINE_AGENTS, EARLY) and code in AGENTS:
        display = words.knowledge.agents[code].name
    elif link == LINE_AGENTS:
        display = "agents not known"
    elif code == NONE and _kind(link) == "several":
        display = words.value(link, ())
    else:
        display = words.value(link, code)
    return {"system": _system_of(link, code), "code": code, "display": display}


def own_coding(name: str, code: str, display: str) -> dict[str, str]:
    """A code of one of this project's systems."""
    return {"system": system(name), "code": code, "display": display}


def field_coding(name: str, words: Words) -> dict[str, str]:
    """A profile field as a Coding."""
    return own_coding("field", name, words.label(name))


def concept(coding: dict[str, str]) -> Resource:
    """A CodeableConcept of one code and its words."""
    return {"coding": [coding], "text": coding["display"]}


# The questionnaire


def questionnaire(words: Words) -> Resource:
    """The questions as a Questionnaire. An item's linkId is the name of the profile field it answers."""
    manifest = words.knowledge.manifest
    return {
        "resourceType": "Questionnaire",
        "url": QUESTIONNAIRE,
        "version": _version(words),
        "name": "HER2NextLine",
        "title": manifest.title,
        "status": "draft",
        "subjectType": ["Patient"],
        "date": manifest.date.isoformat(),
        "description": disclaimer(),
        "copyright": manifest.licence,
        "item": [item for field in FIELDS for item in _items(field, words)],
    }


def _version(words: Words) -> str:
    """Of software and knowledge: both have a say in what is asked, and in which words."""
    return f"{VERSION}+{words.knowledge.digest[7:15]}"


def _items(field: str, words: Words) -> Iterator[Resource]:
    kind = _kind(field)
    if kind == "lines":
        yield _item(ANY_LINES, "boolean", words)
        yield _item(LINES, "group", words) | {
            "enableWhen": [{"question": ANY_LINES, "operator": "!=", "answerBoolean": False}],
            "repeats": True,
            "item": [_choice(LINE_AGENTS, words), _choice(LINE_OUTCOME, words)],
        }
        return
    condition = _enable_when(field, words)
    if kind == "number":
        yield _item(field, "integer", words) | condition
        yield _item(MONTHS_NOT_KNOWN, "boolean", words) | condition
    else:
        yield _choice(field, words, condition)


def _item(link: str, kind: str, words: Words) -> Resource:
    return {"linkId": link, "text": _text(link, words), "type": kind}


def _text(link: str, words: Words) -> str:
    """What an item asks: the question where it is one of its own, the field's name otherwise."""
    if link == ANY_LINES:
        return f"{words.label(LINES)}: any so far?"
    if link == LINE_AGENTS:
        return words.questions["line_agents"].ask
    if link == LINE_OUTCOME:
        return words.questions["line_outcome"].ask
    if link == MONTHS_NOT_KNOWN:
        return f"{words.label(MONTHS)}: {words.value(MONTHS, NOT_KNOWN)}"
    return words.questions[link].ask if isinstance(asked_as(link), Asked) else words.label(link)


def _choice(link: str, words: Words, condition: Mapping[str, Any] | None = None) -> Resource:
    several = _kind(link) == "several"
    return {
        **_item(link, "choice", words),
        **(condition or {}),
        **({"repeats": True} if several else {}),
        "answerOption": [_answer_option(link, code, words, alone=several) for code in codes_of(link)],
    }


def _answer_option(link: str, code: str, words: Words, *, alone: bool) -> Resource:
    option: Resource = {"valueCoding": answer_coding(link, code, words)}
    if alone and code in (NONE, NOT_KNOWN):
        exclusive = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive"
        return {"extension": [{"url": exclusive, "valueBoolean": True}], **option}
    return option


def _enable_when(field: str, words: Words) -> Resource:
    """When a field is asked, as far as `enableWhen` can say it: it never hides what the dialogue would ask."""
    asked = asked_as(field)
    if not isinstance(asked, Asked) or asked.when is None:
        return {}
    conditions = [condition for atom in asked.when.atoms for condition in _hiding(atom, words)]
    return {"enableWhen": conditions, **({"enableBehavior": "all"} if len(conditions) > 1 else {})}


def _hiding(atom: Atom, words: Words) -> Iterator[Resource]:
    """What must not be answered elsewhere for a comparison to be possible; nothing where that cannot be said."""
    if atom.operator == "is" and atom.field in OPTIONS:
        for option in OPTIONS[atom.field]:
            if option not in (*atom.values, NOT_KNOWN):
                yield _unless(atom.field, option, words)
    elif atom.field == "line" and atom.values == ("first",):
        yield {"question": ANY_LINES, "operator": "!=", "answerBoolean": True}
    elif atom.field == "received" and atom.operator == "includes_none":
        for agent in atom.values:
            yield _unless(LINE_AGENTS, str(agent), words)
    elif atom.field == "received_early" and atom.operator == "includes_any":
        yield _unless(EARLY, NONE, words)


def _unless(link: str, code: str, words: Words) -> Resource:
    return {"question": link, "operator": "!=", "answerCoding": answer_coding(link, code, words)}


# Its answers


def identifier(advice: Advice) -> dict[str, str]:
    """What names the answer: the record."""
    return {"system": RECORD, "value": advice.record_id}


def questionnaire_response(advice: Advice, words: Words) -> Resource:
    """The answers that an advice rests on. `profile_of_response` reads them back to the same profile."""
    items = [item for field in FIELDS for item in _answered(field, advice.profile, words)]
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": identifier(advice),
        "questionnaire": f"{QUESTIONNAIRE}|{_version(words)}",
        "status": "completed",
        **({"item": items} if items else {}),
    }


def _answered(field: str, profile: Profile, words: Words) -> Iterator[Resource]:
    value = getattr(profile, field)
    kind = _kind(field)
    if value is None:
        return
    if kind == "lines":
        yield _answer(ANY_LINES, [{"valueBoolean": bool(value)}], words)
        for line in value:
            yield {"linkId": LINES, "text": _text(LINES, words), "item": list(_line(line, words))}
    elif kind == "number" and value == NOT_KNOWN:
        yield _answer(MONTHS_NOT_KNOWN, [{"valueBoolean": True}], words)
    elif kind == "number":
        yield _answer(field, [{"valueInteger": value}], words)
    else:
        yield _coded(field, (value or (NONE,)) if isinstance(value, tuple) else (value,), words)


def _line(line: Line, words: Words) -> Iterator[Resource]:
    yield _coded(LINE_AGENTS, line.agents or (NOT_KNOWN,), words)
    if line.outcome is not None:
        yield _coded(LINE_OUTCOME, (line.outcome,), words)


def _coded(link: str, codes: Iterable[str], words: Words) -> Resource:
    return _answer(link, [{"valueCoding": answer_coding(link, code, words)} for code in codes], words)


def _answer(link: str, answers: list[Resource], words: Words) -> Resource:
    return {"linkId": link, "text": _text(link, words), "answer": answers}


# Reading answers


class UnreadableResponse(ValueError):
    """A response that is not one to this questionnaire. The message begins with the linkId or element at fault."""


def profile_of_response(resource: Any) -> dict[str, Any]:
    """The profile document of a QuestionnaireResponse. Raises UnreadableResponse.

    Read are linkIds and codes, and nothing else: no text, display or extension has a say.
    """
    if not isinstance(resource, dict) or resource.get("resourceType") != "QuestionnaireResponse":
        raise UnreadableResponse("resourceType: expected a QuestionnaireResponse")
    if str(resource.get("questionnaire", "")).partition("|")[0] != QUESTIONNAIRE:
        raise UnreadableResponse(f"questionnaire: expected {QUESTIONNAIRE}")
    if resource.get("status") not in FINISHED:
        raise UnreadableResponse(f"status: expected {' or '.join(FINISHED)}")
    _check_meaning(resource, "QuestionnaireResponse")
    found = _by_link(resource.get("item", []), (*FIELDS, ANY_LINES, MONTHS_NOT_KNOWN), "item")
    document = {}
    for field in FIELDS:
        value = _read(field, found)
        if value is not None:
            document[field] = value
    try:
        Profile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise UnreadableResponse(f"{first['loc'][0]}: {first['msg']}") from None
    return document


def _check_meaning(element: Mapping[str, Any], where: str) -> None:
    """FHIR: what changes the meaning of an element and is not understood forbids reading it."""
    for name in ("modifierExtension", "implicitRules"):
        if name in element:
            raise UnreadableResponse(f"{where}: {name} is not understood here")


def _by_link(items: Any, known: Sequence[str], where: str) -> dict[str, list[Resource]]:
    """Items by linkId; only the group of lines may stand there more than once."""
    if not isinstance(items, list):
        raise UnreadableResponse(f"{where}: expected a list")
    found: dict[str, list[Resource]] = {}
    for item in items:
        link = item.get("linkId") if isinstance(item, dict) else None
        if not isinstance(link, str) or link not in known:
            named = link if isinstance(link, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", link) else where
            raise UnreadableResponse(f"{named}: there is no such item in this questionnaire")
        _check_meaning(item, link)
        if link in found and link != LINES:
            raise UnreadableResponse(f"{link}: stands there twice")
        found.setdefault(link, []).append(item)
    return found


def _read(field: str, found: Mapping[str, list[Resource]]) -> Any:
    """The value of a field; None where it was not answered."""
    kind = _kind(field)
    if kind == "lines":
        return _read_lines(found)
    if kind == "number":
        number = _single(field, found, "valueInteger", int)
        not_known = _single(MONTHS_NOT_KNOWN, found, "valueBoolean", bool)
        if number is not None and not_known:
            raise UnreadableResponse(f"{field}: a number, and not known")
        return NOT_KNOWN if not_known else number
    return _read_codes(field, found)


def _read_lines(found: Mapping[str, list[Resource]]) -> Any:
    any_lines = _single(ANY_LINES, found, "valueBoolean", bool)
    lines = [line for group in found.get(LINES, []) if (line := _read_line(group)) is not None]
    if any_lines is False and lines:
        raise UnreadableResponse(f"{ANY_LINES}: no line, but lines are given")
    if any_lines and not lines:
        raise UnreadableResponse(f"{LINES}: expected at least one line")
    return None if any_lines is None and not lines else lines


def _read_line(group: Resource) -> dict[str, Any] | None:
    """One line; None where a form sends the group along with nothing answered in it."""
    if "answer" in group:
        raise UnreadableResponse(f"{LINES}: is a group, and has no answer of its own")
    found = _by_link(group.get("item", []), (LINE_AGENTS, LINE_OUTCOME), LINES)
    agents = _read_codes(LINE_AGENTS, found)
    outcome = _read_codes(LINE_OUTCOME, found)
    if agents is None and outcome is None:
        return None
    line: dict[str, Any] = {"agents": [] if agents in (None, NOT_KNOWN) else agents}
    return line if outcome is None else {**line, "outcome": outcome}


def _read_codes(link: str, found: Mapping[str, list[Resource]]) -> Any:
    """The code of a choice, the list of several (empty: none of them), `unknown`, or None."""
    allowed = [(_system_of(link, code), code) for code in codes_of(link)]
    codes: list[str] = []
    for answer in _answers(link, found):
        coding = answer.get("valueCoding")
        given = (coding.get("system"), coding.get("code")) if isinstance(coding, dict) else None
        if given not in allowed:
            listed = ", ".join(codes_of(link)) if len(allowed) < 12 else "an agent of the questionnaire"
            raise UnreadableResponse(f"{link}: expected a valueCoding of {listed}, with its system")
        codes.append(allowed[allowed.index(given)][1])
    if not codes:
        return None
    if len(codes) > 1 and (_kind(link) != "several" or NONE in codes or NOT_KNOWN in codes):
        alone = f"{NONE} and {NOT_KNOWN} stand alone" if _kind(link) == "several" else "expected one answer"
        raise UnreadableResponse(f"{link}: {alone}")
    if codes == [NOT_KNOWN] or _kind(link) != "several":
        return codes[0]
    return [] if codes == [NONE] else codes


def _single(link: str, found: Mapping[str, list[Resource]], key: str, kind: type) -> Any:
    answers = _answers(link, found)
    if not answers:
        return None
    if len(answers) > 1 or type(answers[0].get(key)) is not kind:
        raise UnreadableResponse(f"{link}: expected one {key}")
    return answers[0][key]


def _answers(link: str, found: Mapping[str, list[Resource]]) -> list[Resource]:
    item = found.get(link, [{}])[0]
    answers = item.get("answer", [])
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise UnreadableResponse(f"{link}: answer is not a list of answers")
    if "item" in item or any("item" in answer for answer in answers):
        raise UnreadableResponse(f"{link}: nothing is asked beneath it")
    for answer in answers:
        _check_meaning(answer, link)
        if sum(key.startswith("value") for key in answer) != 1:
            raise UnreadableResponse(f"{link}: expected one value in an answer")
    return answers
