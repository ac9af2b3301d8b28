"""A text read at the question it was typed at: what it states by itself, and what its words mean as an answer there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from flows.knowledge.load import Knowledge, KnowledgeError
from flows.plain_yaml import read_yaml
from flows.profile import Line, Outcome, Profile
from flows.questionnaire import QUESTIONS
from messages.understanding.brain import SCAN_DENIED
from messages.understanding.lexicon import FOLDER, lexicon
from messages.understanding.scan import scan
from messages.understanding.understand import LONGEST, Ambiguity, Span, Understanding
from messages.understanding.understand import understand as understand_text

_OUTCOME = "line_outcome"
_BRAIN = "brain_metastases"
_PLACES = {"setting", "extracranial_disease"}
"""What the place of a progression says: it belongs to how the line ended."""
_NAME_AND_ANSWER = 2
"""Pieces of an answer that only names the drug asked about."""
_SHORT = 80
"""Signs of a text in which one answer may be denied beside another, at most."""
_PARTS = re.compile(r"[,;:]|\s[-\u2013\u2014]\s|\bbut\b")
_DENIAL = re.compile(
    r"(?:(?:so|and|it is|it's|definitely|certainly) )*(?:not|no longer|no|isn't|wasn't) (?:in )?(?:the |an? )?",
    re.IGNORECASE,
)
_PLAIN_NO = re.compile(r"^(\s*(?:no|nope))[.!;](?=\s)", re.IGNORECASE)
"""A plain no that is a sentence of its own before the rest of an answer."""
_NO_BUT = re.compile(r"^\s*(no|nope)\s*[,;.-]?\s+(?:but|however|only|though)\b", re.IGNORECASE)
"""A plain no, with what is so instead."""
_REASONS = {"platelets", "lvef", "ild_history"}
"""What may be why a line was stopped, and stands beside how it ended: 'EF fell to 40 so we stopped it'."""


@lru_cache(maxsize=1)
def contexts() -> Mapping[str, str]:
    """Question to the words its short answers are read after. Raises KnowledgeError where a question is unknown."""
    found: dict[str, str] = read_yaml((FOLDER / "contexts.yaml").read_text("utf-8"))
    for name in found:
        if name not in QUESTIONS:
            raise KnowledgeError("lexicon/contexts.yaml", name, "there is no such question")
    return found


def understand(text: str, knowledge: Knowledge, question: str | None = None) -> Understanding:
    """What a text says, typed first or at a question.

    Never raises; of a text longer than LONGEST only the beginning is read. A text that could identify a person is not
    read: `identifier` says so and nothing else is there.
    """
    return _understand(without_denied(text, knowledge, question), knowledge, question)


def without_denied(
    text: str, knowledge: Knowledge, question: str | None, named: Callable[[str], object] = lambda _: None
) -> str:
    """A short answer without the other answer that it denies: 'not partial, complete', 'UK, so not the EU'.

    `named`: the answer that words name where nothing is understood of them: 'no PD, it was the neuropathy'.
    """
    if question not in QUESTIONS or QUESTIONS[question].kind != "choice" or len(text) > _SHORT or "." in text:
        return text
    parts = [part.strip() for part in _PARTS.split(text)]
    for at, part in enumerate(parts if len(parts) > 1 else ()):
        denial = _DENIAL.match(part)
        if denial is None:
            continue
        rest = ", ".join((*parts[:at], *parts[at + 1 :]))
        denied = _answer(part[denial.end() :], knowledge, question)
        held = denied and (_answer(rest, knowledge, question) or named(rest))
        if denied is not None and held not in (None, denied):
            return rest
    return text


def _answer(text: str, knowledge: Knowledge, question: str) -> object:
    """What a text answers at a question; None where it says nothing."""
    found = _understand(text, knowledge, question)
    if found.identifier or found.ambiguous:
        return None
    if question == _OUTCOME:
        lines = found.profile.prior_lines or ()
        return lines[0].outcome if len(lines) == 1 and not lines[0].agents else None
    return found.fields.get(question)


def _understand(text: str, knowledge: Knowledge, question: str | None) -> Understanding:
    """What a text says at a question, but for answers it denies."""
    found = understand_text(text, knowledge)
    if question == "prior_lines" and not found.identifier and _begins_with_none(text[:LONGEST], found, knowledge):
        return replace(found, profile=Profile.model_validate({**found.fields, question: ()}))
    field = "prior_lines" if question == _OUTCOME else question
    words = contexts().get(question or "")
    if words is None or field is None or found.identifier:
        return found
    if field == "tdxd_access" and (access := _access_by_name(text[:LONGEST], knowledge)) is not None:
        return Understanding(Profile(tdxd_access=access), spans=(Span(field, access, text, 0, len(text)),))
    if field == "tdxd_access":
        text = _PLAIN_NO.sub(r"\1,", text)  # 'No. Not funded.': it is the access that is denied, not the drug
    if found.corrects and found.fields:  # 'actually no, it was ER negative': of another question
        return found
    if (
        found.profile.setting == "early"
        and not _states_setting(found)
        and _only_names_treatment(text, question, knowledge)
    ):
        values = {name: value for name, value in found.fields.items() if name != "setting"}
        found = replace(found, profile=Profile.model_validate(values))  # it is what the question is about
    if field == "early_stage_agents" and _is_history(found):
        return _after(f"{words} ", text[:LONGEST], field, found, knowledge)
    if question == _BRAIN:
        found = _without_setting_of_the_brain(found)
        if _denies_a_scan(text[:LONGEST], knowledge):
            asked = Ambiguity(text[:LONGEST], _BRAIN, SCAN_DENIED, 0, len(text[:LONGEST]))
            return replace(found, profile=Profile(), spans=(), ambiguous=(asked,))
    if field in found.profile.model_fields_set:
        return _ended_first(f"{words} ", text[:LONGEST], found, knowledge) if question == _OUTCOME else found
    found = _after(f"{words} ", text[:LONGEST], field, found, knowledge)
    if field == "tdxd_access" and field not in found.fields and (no := _NO_BUT.match(text)) is not None:
        values = {**found.fields, field: "unavailable"}  # no, but tucatinib can be had
        spans = (Span(field, "unavailable", no[1], no.start(1), no.end(1)), *found.spans)
        return replace(found, profile=Profile.model_validate(values), spans=spans)
    return _without_setting_of_the_brain(found) if question == _BRAIN else found


def _only_names_treatment(text: str, question: str | None, knowledge: Knowledge) -> bool:
    """Whether a text says early only by its treatment, at a question that is not of the disease: 'had it then,
    adjuvantly'."""
    if question == "early_stage_agents":
        return True
    return question != "gate" and not any("early_stage" in piece.cues for piece in scan(text, lexicon(knowledge)))


def _access_by_name(text: str, knowledge: Knowledge) -> Literal["available", "unavailable"] | None:
    """What a plain yes or no beside the name of T-DXd says of the access to it: 'Enhertu yes', 'T-DXd: no'."""
    pieces = [piece for piece in scan(text, lexicon(knowledge)) if piece.key not in (":", ",", "-", "=", ".", "!")]
    if len(pieces) != _NAME_AND_ANSWER or not pieces[0].is_("agents", "t_dxd"):
        return None
    if "affirmed" in pieces[1].roles:
        return "available"
    return "unavailable" if pieces[1].key in ("no", "nope") and pieces[1].end - pieces[1].start <= len("nope") else None


def _denies_a_scan(text: str, knowledge: Knowledge) -> bool:
    """Whether an answer is nothing but a scan and a plain no, which may be of it or of what it shows: 'MRI: no'."""
    pieces = [piece for piece in scan(text, lexicon(knowledge)) if piece.kind != "sign"]
    if len(pieces) != _NAME_AND_ANSWER or pieces[1].key not in ("no", "none", "nil"):
        return False
    plain = pieces[1].end - pieces[1].start == len(pieces[1].key)
    return plain and pieces[0].is_("noun", "imaging", "brain_imaging")


def _states_setting(found: Understanding) -> bool:
    """Whether words of the text say early or metastatic, and not only that early-stage treatment is asked about."""
    return any(span.field == "setting" for span in found.spans)


def _begins_with_none(text: str, found: Understanding, knowledge: Knowledge) -> bool:
    """Whether a text says first that there was no line, and names no drug of one: 'none, but adjuvant TCH'."""
    if "prior_lines" in found.fields:
        return False
    pieces = [piece for piece in scan(text, lexicon(knowledge)) if piece.kind != "silent"]
    if len(pieces) < 2 or not (pieces[0].cue("negation", "untreated") or pieces[0].key == "zero"):
        return False
    if pieces[0].key == "no" and "line_word" in pieces[1].cues:  # no line so far, and ER is negative
        pieces = pieces[1:]
    elif pieces[0].key not in ("none", "nil", "nothing", "zero"):
        return False
    return len(pieces) > 1 and (pieces[1].kind == "sign" or pieces[1].cue("so_far", "new_word"))


def _without_setting_of_the_brain(found: Understanding) -> Understanding:
    """What was found, without metastatic disease where only the metastases asked about say it."""
    said: tuple[Span | Ambiguity, ...] = (*found.spans, *found.ambiguous)
    brain = [entry for entry in said if entry.field == _BRAIN]
    setting = [span for span in found.spans if span.field == "setting"]
    inside = all(any(span.start < of.end and of.start < span.end for of in brain) for span in setting)
    if "setting" not in found.fields or not setting or not inside:
        return found
    values = {name: value for name, value in found.fields.items() if name != "setting"}
    spans = tuple(span for span in found.spans if span.field != "setting")
    return replace(found, profile=Profile.model_validate(values), spans=spans)


def _after(words: str, text: str, field: str, found: Understanding, knowledge: Knowledge) -> Understanding:
    """The text as it reads after the question's own words, without what those words state by themselves."""
    again = understand_text(words + text, knowledge)
    shift = len(words)
    spans = tuple(_moved(span, text, shift) for span in again.spans if span.end > shift)
    asked = tuple(_moved(entry, text, shift) for entry in again.ambiguous if entry.end > shift)
    alone = _alone(words, knowledge)
    kept = {field, *found.fields}
    if field == "early_stage_agents":
        kept.add("months_since_adjuvant_her2")  # 'docetaxel + trastuzumab, ended 9 months before relapse'
    own = {"early_stage_agents": found.fields.get("early_stage_agents")} if field != "early_stage_agents" else {}
    values: dict[str, Any] = {
        name: own.get(name) or value  # not the drug of the question's words: '9 mo, the adjuvant drug was T-DM1'
        for name, value in again.fields.items()
        if name in kept and (alone.fields.get(name) != value or name in found.fields)
    }
    implied = found.implied
    history = field == "early_stage_agents" and _is_history(found)
    if history:
        implied = {name: value for name, value in implied.items() if name != "setting"}
        agents = [agent for line in found.profile.prior_lines or () for agent in line.agents]
        early = values.get(field, ())
        named = tuple(dict.fromkeys((*(() if isinstance(early, str) else early), *agents)))
        values.pop(field, None)
        if named:  # else it is a class, or misspelt, and asked back
            values[field] = named
        values.pop("prior_lines", None)
        spans = tuple(replace(span, field=field) if span.field == "prior_lines" else span for span in spans)
    if field == "prior_lines":
        lines = again.profile.prior_lines or ()
        if not found.fields.keys() <= _PLACES | _REASONS or len(lines) != 1:
            return found
        outcome = lines[0].outcome or _stopped_for(text, found, knowledge)
        if outcome is None:
            return found
        values = {**found.fields, "prior_lines": (Line(outcome=outcome),)}
    elif field not in values and not history:
        # what is asked back for the question's words alone, or for the text by itself
        before = {entry.readings for entry in (*alone.ambiguous, *found.ambiguous)}
        mine = tuple(entry for entry in asked if entry.field == field and entry.readings not in before)
        untreated = found.fields.keys() <= {"prior_lines", "early_stage_agents"} and not found.profile.prior_lines
        if mine and field == _BRAIN and untreated:  # 'none untreated': of the metastases, not of the patient
            return replace(found, profile=Profile(), spans=(), ambiguous=mine)
        return replace(found, ambiguous=(*found.ambiguous, *mine)) if mine and not found.fields else found
    left = tuple(said for said in again.leftover if said in text)
    return replace(
        again,
        profile=Profile.model_validate(values),
        implied=implied,
        spans=spans,
        ambiguous=asked,
        leftover=left,
    )


def _stopped_for(text: str, found: Understanding, knowledge: Knowledge) -> Outcome | None:
    """Toxicity, where a measurement is told and that the line was stopped: 'platelets fell to 40, so we stopped'."""
    bad = {"low", "reduced", "present"} & {found.fields.get(name) for name in _REASONS}
    words = lexicon(knowledge)
    pieces = scan(text, words)
    ends = [piece for piece in pieces if "stopped" in piece.cues]
    stopped = any("<changed>" not in words.groups.get(piece.key, ()) for piece in ends)  # 'dropped to 40' is no end
    if found.fields.keys() <= _REASONS:  # 'EF fell to 40': it is all that is answered
        stopped = stopped or any("fell" in piece.roles and piece.key not in ("every", "each") for piece in pieces)
    stopped = stopped or found.fields == {"ild_history": "present"}  # 'pneumonitis': it is all that is answered
    return "toxicity" if bad and stopped else None


def _ended_first(words: str, text: str, found: Understanding, knowledge: Knowledge) -> Understanding:
    """What was found, after how the line asked about ended where the text begins with it: "PD, then T-DXd, ongoing"."""
    told = understand_text(words + text, knowledge).profile.prior_lines or ()
    lines = found.profile.prior_lines or ()
    if not told or told[0].outcome is None or told[1:] != lines:
        return found
    values = {**found.fields, "prior_lines": (Line(outcome=told[0].outcome), *lines)}
    asked = tuple(entry if entry.place is None else replace(entry, place=entry.place + 1) for entry in found.ambiguous)
    return replace(found, profile=Profile.model_validate(values), ambiguous=asked)


def _is_history(found: Understanding) -> bool:
    """Whether a text names drugs one after another and nothing of metastatic disease: at the question about early-stage
    treatment they are all of it."""
    return bool(found.profile.prior_lines) and found.profile.setting != "metastatic"


@lru_cache(maxsize=32)
def _alone(words: str, knowledge: Knowledge) -> Understanding:
    """What the words of the question state by themselves."""
    return understand_text(words, knowledge)


def _moved(entry: Any, text: str, shift: int) -> Any:
    """A span or an ambiguity at its place in the text itself."""
    assert isinstance(entry, Span | Ambiguity)
    start, end = max(0, entry.start - shift), entry.end - shift
    return replace(entry, start=start, end=end, text=text[start:end])
