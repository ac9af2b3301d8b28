"""FHIR: every bundle is valid R4, says what the answer says and nothing else, and its answers give the answer again.

`fhir.resources` has models of R4B and not of R4. Of what is used here nothing differs between the two: R4B adds other
resources and data types, and renames none of these elements. The models check types, cardinality and unknown elements;
what they leave to others (required codes, targets of references, the specification's invariants) is checked below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from fhir.resources import R4B
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.questionnaire import Questionnaire
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from flows import VERSION
from flows.findings import findings
from flows.knowledge import shipped
from flows.profile import AGENTS, FIELDS, OPTIONS, OUTCOMES, Asked, Profile, asked_as
from flows.questionnaire import QUESTIONS
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from messages import fhir
from messages.document import advice_document, profile_document
from messages.fhir_questionnaire import (
    ANY_LINES,
    EARLY,
    LINE_AGENTS,
    LINE_OUTCOME,
    LINES,
    MONTHS,
    MONTHS_NOT_KNOWN,
    QUESTIONNAIRE,
    URN,
    UnreadableResponse,
    codes_of,
)
from messages.message import Block
from messages.render import disclaimer
from messages.words import DIRECTIVES, english
from tests import test_examples, test_profiles
from tests.test_examples import CASES
from tests.test_profiles import all_rows

WORDS = english(shipped())
HOW_TO = Path(__file__).parent.parent / "docs" / "how-to" / "fhir-and-cds-hooks.md"
DECISION = Path(__file__).parent.parent / "docs" / "decisions" / "0017-fhir-without-invented-codes.md"
VALUES = {"choice": "valueCoding", "boolean": "valueBoolean", "integer": "valueInteger"}
HL7 = ("http://terminology.hl7.org/CodeSystem/data-absent-reason",)
"""Code systems of FHIR itself that a bundle may use. No clinical terminology is among them."""
NAMES = [*CASES, *(row.name for row in all_rows())]


def advice_for(name: str) -> Advice:
    return test_examples.advice_for(name) if name in CASES else test_profiles.advice_for(name)


@cache
def bundle_for(name: str) -> dict[str, Any]:
    return fhir.bundle(advice_for(name), WORDS)


@cache
def questions() -> dict[str, Any]:
    return fhir.questionnaire(WORDS)


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def walk(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with its path, in order; list entries have no part of their own."""
    open_ends = [(path, document)]
    while open_ends:
        path, part = open_ends.pop()
        yield path, part
        if isinstance(part, dict):
            open_ends += [(f"{path}.{name}", value) for name, value in reversed(part.items())]
        elif isinstance(part, list):
            open_ends += [(path, value) for value in reversed(part)]


@cache
def without_evidence(name: str) -> dict[str, Any]:
    """A bundle without its list of facts and sources, which is most of it and much the same in each."""
    bundle = bundle_for(name)
    *entries, last = bundle["entry"]
    guidance = last["resource"]
    parameters = [part for part in guidance["contained"][0]["parameter"] if part["name"] not in ("fact", "source")]
    contained = [{**guidance["contained"][0], "parameter": parameters}]
    return {**bundle, "entry": [*entries, {**last, "resource": {**guidance, "contained": contained}}]}


# What the models leave to others


def code_faults(model: BaseModel, targets: dict[str, str], where: str = "") -> Iterator[str]:
    """Codes and references against what the models know of them: required value sets, types of targets."""
    where = where or type(model).__name__
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                reference = getattr(one, "reference", None)
                kinds = extra.get("enum_reference_types")
                if isinstance(reference, str) and isinstance(kinds, list) and "Resource" not in kinds:
                    target = targets.get(reference, "nothing")
                    if target not in kinds:
                        yield f"{where}.{name}: refers to {target}, expected {kinds}"
                yield from code_faults(one, targets, f"{where}.{name}")
            else:
                codes = extra.get("enum_values")
                known = isinstance(codes, list) and "+" not in codes  # the models break long lists off with a plus
                if one is not None and known and one not in codes:
                    yield f"{where}.{name}: {one} is not one of {codes}"


def bundle_faults(bundle: dict[str, Any]) -> list[str]:
    """The invariants of R4 that concern these resources, by their names in the specification."""
    return [*_bundle(bundle), *(fault for entry in bundle["entry"] for fault in _resource(entry["resource"]))]


def _bundle(bundle: dict[str, Any]) -> Iterator[str]:
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    if len(set(urls)) < len(urls):
        yield "bdl-7: fullUrl is unique"
    for entry in bundle["entry"]:
        if str(UUID(entry["fullUrl"].removeprefix("urn:uuid:"))) != entry["fullUrl"].removeprefix("urn:uuid:"):
            yield "bdl-8: fullUrl is a plain URL"
    if "total" in bundle or any("search" in entry or "request" in entry for entry in bundle["entry"]):
        yield "bdl-1, bdl-2, bdl-3: no search and no request in a collection"
    for path, value in walk(bundle):
        if path.endswith(".reference") and isinstance(value, str) and value[0] != "#" and value not in urls:
            yield f"references: {path} resolves to nothing in the bundle"
        if value is None or value in ("", [], {}):
            yield f"ele-1: {path} is empty"
        if isinstance(value, str) and value != value.strip():
            yield f"string: {path} begins or ends with a space"


def _resource(resource: dict[str, Any]) -> Iterator[str]:
    kind = resource["resourceType"]
    contained = [inner["id"] for inner in resource.get("contained", [])]
    strings = [(path, value) for path, value in walk(resource) if isinstance(value, str)]
    inside = {value for path, value in strings if path.endswith(".reference") and value[0] == "#"}
    if {f"#{name}" for name in contained} != inside:
        yield f"dom-3, ref-1: {kind} refers to what it contains, and contains what it refers to"
    if any("contained" in inner or "meta" in inner for inner in resource.get("contained", [])):
        yield f"dom-2, dom-4: {kind}: nothing is contained in what is contained"
    if "text" in resource:
        yield from _narrative(resource["text"])
    yield from {
        "QuestionnaireResponse": _response, "Observation": _observation, "Condition": _condition, "CarePlan": _plan,
        "RequestGroup": _group, "GuidanceResponse": _guidance,
    }.get(kind, lambda resource: iter(()))(resource)  # fmt: skip


def _narrative(text: dict[str, Any]) -> Iterator[str]:
    root = ElementTree.fromstring(text["div"])
    space = "{http://www.w3.org/1999/xhtml}"
    if root.tag != f"{space}div" or {element.tag for element in root.iter()} - {
        f"{space}{tag}" for tag in ("div", "h1", "h2", "p")
    }:
        yield "txt-1: a div of plain elements"
    if not "".join(root.itertext()).strip():
        yield "txt-2: a narrative says something"


def _response(resource: dict[str, Any]) -> Iterator[str]:
    asked = {item["linkId"]: item for item in questions()["item"]}
    if resource["questionnaire"] != f"{questions()['url']}|{questions()['version']}":
        yield "questionnaire: another one"
    yield from _items(resource.get("item", []), asked)


def _items(items: list[dict[str, Any]], asked: dict[str, Any]) -> Iterator[str]:
    order = [item["linkId"] for item in items]
    if [link for link in asked if link in order] != list(dict.fromkeys(order)):
        yield f"item: not in the order of the questionnaire: {order}"
    for item in items:
        question = asked.get(item["linkId"])
        if question is None:
            yield f"linkId: {item['linkId']} is not in the questionnaire"
            continue
        if item["text"] != question["text"]:
            yield f"text: {item['linkId']} says something else"
        if order.count(item["linkId"]) > 1 and question["type"] != "group":
            yield f"qrs-2: {item['linkId']} stands there twice"
        if question["type"] == "group":
            if "answer" in item or not question.get("repeats"):
                yield f"qrs-1: {item['linkId']} is a group"
            yield from _items(item["item"], {inner["linkId"]: inner for inner in question["item"]})
            continue
        if "item" in item or (len(item["answer"]) > 1 and not question.get("repeats")):
            yield f"answer: {item['linkId']} has one"
        options = [option["valueCoding"] for option in question.get("answerOption", [])]
        for answer in item["answer"]:
            if list(answer) != [VALUES[question["type"]]]:
                yield f"answer: {item['linkId']} is a {question['type']}, not {list(answer)}"
            elif options and answer["valueCoding"] not in options:
                yield f"answerOption: {answer['valueCoding']} is no option of {item['linkId']}"


def _observation(resource: dict[str, Any]) -> Iterator[str]:
    values = [name for name in resource if name.startswith("value")]
    if "dataAbsentReason" in resource and values:
        yield "obs-6: no reason for the absence of what is there"
    components = resource.get("component", [])
    if any(component["code"] == resource["code"] for component in components) and values:
        yield "obs-7: the same code has its value once"
    if len(values) + ("dataAbsentReason" in resource) + bool(components) != 1:
        yield "an observation has a value, components, or the reason why not"


def _condition(resource: dict[str, Any]) -> Iterator[str]:
    for stage in resource.get("stage", []):
        if not stage.keys() & {"summary", "assessment"}:
            yield "con-1: a stage has a summary or an assessment"


def _plan(resource: dict[str, Any]) -> Iterator[str]:
    for activity in resource.get("activity", []):
        if ("detail" in activity) == ("reference" in activity):
            yield "cpl-3: a detail or a reference"


def _group(resource: dict[str, Any]) -> Iterator[str]:
    for path, value in walk(resource["action"], ".action"):
        if path.endswith(".action") and isinstance(value, dict) and ("resource" in value) == ("action" in value):
            yield "rqg-1: a resource or actions, and not both"


def _guidance(resource: dict[str, Any]) -> Iterator[str]:
    if sum(name.startswith("module") for name in resource) != 1:
        yield "module[x]: one"
    for inner in resource["contained"]:
        for path, value in walk(inner["parameter"], ".parameter"):
            if path.endswith((".parameter", ".part")) and isinstance(value, dict):
                held = [name for name in value if name.startswith("value") or name in ("part", "resource")]
                if len(held) != 1:
                    yield f"inv-1: {value['name']} has one value, or parts"


def coding_faults(documents: list[dict[str, Any]]) -> list[str]:
    """Codes of systems that are not ours or FHIR's, and a code that has two displays."""
    said: dict[tuple[str, str], str] = {}
    faults = []
    for document in documents:
        for _, value in walk(document):
            if isinstance(value, dict) and "system" in value and "code" in value:
                system, code = value["system"], value["code"]
                if not system.startswith(f"{URN}:code:") and system not in HL7:
                    faults.append(f"{system}: not a system of this project")
                display = value.get("display")
                if display is not None and said.setdefault((system, code), display) != display:
                    faults.append(f"{system} {code}: {display}, and {said[system, code]}")
    return faults


@cache
def validated(kind: str, text: str) -> None:
    R4B.get_fhir_model_class(kind).model_validate_json(text)


# Bundles


@pytest.mark.parametrize("case", CASES)
def test_bundles_of_the_examples_are_valid(case: str) -> None:
    """S23: were it to fail, a receiving system would refuse the export, or read a code as something else."""
    bundle = bundle_for(case)
    model = Bundle.model_validate(deepcopy(bundle))
    kinds = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]} | {
        "#outputs": "Parameters"
    }
    assert list(code_faults(model, kinds)) == []
    assert bundle_faults(bundle) == []


@pytest.mark.parametrize("name", [row.name for row in all_rows()])
def test_bundles_of_the_profiles_are_valid(name: str) -> None:
    """S23: were it to fail, the export of some patient would be refused, or say less than the answer."""
    bundle = without_evidence(name)
    for entry in bundle["entry"]:
        validated(entry["resource"]["resourceType"], json.dumps(entry["resource"]))
    for part in resources(bundle_for(name), "GuidanceResponse")[0]["contained"][0]["parameter"]:
        if part["name"] in ("fact", "source"):
            validated("Parameters", json.dumps({"resourceType": "Parameters", "parameter": [part]}))
    assert bundle_faults(bundle) == []


def test_codes_are_this_projects_or_fhirs_own() -> None:
    """Were it to fail: a code of a clinical terminology, or one code with two meanings, would leave in an export."""
    assert coding_faults([*map(without_evidence, NAMES), questions()]) == []


def test_the_checks_find_what_is_broken() -> None:
    """Were it to fail: the checks above would pass whatever an export holds."""
    whole = without_evidence("ex-03")
    place = {entry["resource"]["resourceType"]: number for number, entry in enumerate(whole["entry"])}

    def broken(kind: str, change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        copy = deepcopy(whole)
        change(copy["entry"][place[kind]]["resource"])
        return copy

    def swap(resource: dict[str, Any]) -> None:
        resource["item"].reverse()

    reference = {"reference": "urn:uuid:00000000-0000-0000-0000-000000000000"}
    quantity = {"valueInteger": 1}
    for fault, copy in {
        "references": broken("Condition", lambda found: found.update(subject=reference)),
        "ele-1": broken("Condition", lambda found: found.update(code={})),
        "linkId": broken("QuestionnaireResponse", lambda found: found["item"][0].update(linkId="other")),
        "item: not in the order": broken("QuestionnaireResponse", swap),
        "answer: her2_status is a choice": broken(
            "QuestionnaireResponse", lambda found: found["item"][0].update(answer=[quantity])
        ),
        "answer: her2_status has one": broken(
            "QuestionnaireResponse", lambda found: found["item"][0]["answer"].append(found["item"][0]["answer"][0])
        ),
        "answerOption": broken(
            "QuestionnaireResponse", lambda found: found["item"][0]["answer"][0]["valueCoding"].update(code="x")
        ),
        "obs-6": broken("Observation", lambda found: found.update(dataAbsentReason={"text": "x"})),
        "con-1": broken("Condition", lambda found: found.update(stage=[{"type": {"text": "x"}}])),
        "cpl-3": broken("CarePlan", lambda found: found["activity"][0].update(reference=reference)),
        "rqg-1": broken("RequestGroup", lambda found: found["action"][0].update(resource=reference)),
        "dom-3": broken("GuidanceResponse", lambda found: found.pop("outputParameters")),
        "inv-1": broken(
            "GuidanceResponse", lambda found: found["contained"][0]["parameter"][0].update(valueString="x")
        ),
        "txt-1": broken(
            "GuidanceResponse", lambda found: found["text"].update(div=found["text"]["div"].replace("p>", "script>"))
        ),
    }.items():
        assert any(found.startswith(fault) for found in bundle_faults(copy)), fault
    twice = deepcopy(whole)
    twice["entry"].append(twice["entry"][0])
    assert "bdl-7: fullUrl is unique" in bundle_faults(twice)
    foreign = {"system": "http://snomed.info/sct", "code": "1"}
    two = [{"system": f"{URN}:code:x", "code": "1", "display": display} for display in ("one", "two")]
    assert len(coding_faults([foreign, *two])) == 2
    wrong = deepcopy(whole)
    wrong["entry"][place["RequestGroup"]]["resource"]["intent"] = "wish"
    wrong["entry"][place["Condition"]]["resource"]["subject"] = {"reference": wrong["entry"][1]["fullUrl"]}
    kinds = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in wrong["entry"]} | {
        "#outputs": "Parameters"
    }
    faults = list(code_faults(Bundle.model_validate(wrong), kinds))
    assert [fault.partition(":")[0].rpartition(".")[2] for fault in faults] == ["subject", "intent"]
    with pytest.raises(ValidationError):
        validated("Condition", json.dumps({"resourceType": "Condition", "subject": reference, "colour": "red"}))


@pytest.mark.parametrize("name", NAMES[::4])
def test_a_bundle_says_what_the_answer_says(name: str) -> None:
    """S5, S9, S11: were it to fail, the export would rank otherwise, or hide an exclusion, an assumption or a mark."""
    advice, bundle = advice_for(name), bundle_for(name)
    document = advice_document(advice, WORDS)
    [guidance] = resources(bundle, "GuidanceResponse")
    groups = resources(bundle, "RequestGroup")
    notes = [note["text"] for note in guidance["note"]]
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    actions = [action for group in groups for action in group["action"]]
    ranked = [action for action in actions if "selectionBehavior" in action]
    shown = [inner for action in ranked for inner in action["action"]]
    assert [inner["prefix"] for inner in shown] == [str(option.rank) for option in document.options]
    assert [inner["code"][0]["coding"][0]["code"] for inner in shown] == [option.regimen for option in document.options]
    for inner, option in zip(shown, document.options, strict=True):
        plan = by_url[inner["resource"]["reference"]]
        said = [note["text"] for note in plan["note"]]
        for grade in option.grades:
            assert any(text.startswith(f"Grade: {grade.system}: {grade.grade}") for text in said)
            assert f"{grade.system}: {grade.grade}" in inner["description"]
        for reason in option.assumes:
            assert f"Assumed, not known: {reason}" in said
        for caution in option.cautions:
            assert any(text.startswith("Caution") and caution["text"] in text for text in said)
        assert plan["title"] == option.name == inner["title"]
    excluded = [(exclusion["regimen"], exclusion["rule"]) for exclusion in document.excluded]
    outputs = guidance["contained"][0]["parameter"]
    parts = [part["part"] for part in outputs if part["name"] == "excluded"]
    assert [(part[0]["valueCoding"]["code"], part[1]["valueString"]) for part in parts] == excluded
    assert sum(note.startswith("Excluded: ") for note in notes) == len(excluded)
    for assumption in document.assumptions:
        assert f"Assumed, not known: {assumption}" in notes
    for reason in advice.reasons:
        assert any(note.startswith(f"{reason.stop.text} {reason.stop.nearest}") for note in notes)
    steps = [action for action in actions if "selectionBehavior" not in action]
    assert [inner["title"] for action in steps for inner in action["action"]] == [
        step.regimen.name for step in advice.steps
    ]
    listed = {part["part"][0]["valueString"] for part in outputs if part["name"] == "fact"}
    mentioned = re.findall(r"(?<![\w-])([a-z0-9]+(?:-[a-z0-9]+)+)(?![\w-])(.{18})", json.dumps(bundle))
    facts = [(shipped().facts[name], after) for name, after in mentioned if name in shipped().facts]
    assert not advice.options or facts
    for fact, after in facts:
        assert fact.id in listed
        if fact.pending_review:
            assert after.startswith(('"', "] [pending review]", " [pending review]")), (fact.id, after)
    sources = {part["part"][0]["valueString"] for part in outputs if part["name"] == "source"}
    assert {
        inner["valueString"]
        for part in outputs
        if part["name"] == "fact"
        for inner in part["part"]
        if inner["name"] == "source"
    } <= sources


@pytest.mark.parametrize("name", NAMES[::4])
def test_every_part_of_the_advice_says_what_it_is(name: str) -> None:
    """S13, S23, S26: were it to fail, an option could be carried off without disclaimer, record or review status."""
    advice, bundle = advice_for(name), bundle_for(name)
    parts = [part for kind in ("CarePlan", "RequestGroup", "GuidanceResponse") for part in resources(bundle, kind)]
    for part in parts:
        signature, said = (note["text"] for note in part["note"][-2:])
        assert said == disclaimer()
        assert signature.startswith(f"Record {advice.record_id}, software {VERSION}, knowledge {shipped().digest} of ")
        assert signature.endswith("draft: not clinically reviewed.")
        assert part["identifier"] == [bundle["identifier"]]
        assert part["status"] == "draft" or part["resourceType"] == "GuidanceResponse"
    assert disclaimer() in parts[-1]["text"]["div"]
    assert bundle["identifier"]["value"] == advice.record_id


def test_nothing_in_a_bundle_orders_or_directs() -> None:
    """S6: were it to fail, an option would arrive as an order, chosen beforehand or worded as one."""
    for name in NAMES:
        bundle = bundle_for(name)
        for entry in bundle["entry"]:
            kind = entry["resource"]["resourceType"]
            assert kind not in ("MedicationRequest", "ServiceRequest", "MedicationAdministration", "Device")
        for group in resources(bundle, "RequestGroup"):
            assert (group["status"], group["intent"]) == ("draft", "proposal")
            for path, value in walk(group["action"]):
                assert not path.endswith("precheckBehavior") or value == "no"
                if path.endswith((".title", ".description", ".prefix")):
                    assert not DIRECTIVES.search(value), value
        for plan in resources(bundle, "CarePlan"):
            assert (plan["status"], plan["intent"]) == ("draft", "option")
            assert not DIRECTIVES.search(f"{plan['title']} {plan['description']}")


def test_the_only_option_is_said_to_be_the_only_one() -> None:
    """S5: were it to fail, a single option would look like the whole of what there is."""
    several = advice_for("ex-03")
    for number in (1, 2):
        advice = replace(several, options=several.options[:number])
        [group] = resources(fhir.bundle(advice, WORDS), "RequestGroup")
        assert (group["action"][-1].get("description") == fhir.ONLY) == (number == 1)
        said = [block.text for block in fhir.answer_blocks(advice, WORDS)]
        assert (fhir.ONLY in said) == (number == 1)


def test_stops_rank_nothing() -> None:
    """S3: were it to fail, drugs would be ranked in the export of a patient who is referred or out of scope."""
    stopped = [name for name in NAMES if advice_for(name).reasons]
    assert stopped
    for name in stopped:
        advice = advice_for(name)
        [guidance] = resources(bundle_for(name), "GuidanceResponse")
        assert guidance["status"] == {"ask": "data-required"}.get(advice.status, "success")
        assert ("result" in guidance) == bool(advice.steps)
        for group in resources(bundle_for(name), "RequestGroup"):
            assert all("selectionBehavior" not in action for action in group["action"])


def test_a_patient_of_another_group_has_no_breast_cancer() -> None:
    """S3: were it to fail, the export would state a diagnosis that the answers rule out."""
    other = [row.name for row in all_rows() if row.gate is not None]
    assert other
    for name in other:
        assert resources(bundle_for(name), "Condition") == []


def test_the_answers_are_observed_as_given() -> None:
    """S11, S19: were it to fail, unknown would be exported as a value or as no, or none as unknown."""
    profile = Profile.model_validate(
        {
            "her2_status": "positive", "brain_metastases": "not_imaged", "lvef": "unknown", "red_flags": [],
            "interacting_medicines": ["warfarin"], "prior_lines": [{"agents": ["t_dm1"], "outcome": "toxicity"},
            {"agents": [], "outcome": "ongoing"}], "early_stage_agents": "unknown",
        }
    )  # fmt: skip
    bundle = fhir.bundle(recommend(profile, shipped()), WORDS)
    seen = {found["code"]["coding"][0]["code"]: found for found in resources(bundle, "Observation")}
    assert seen.keys() == {"her2_status", "brain_metastases", "lvef", "red_flags", "interacting_medicines"}
    assert seen["brain_metastases"]["valueCodeableConcept"]["text"] == "not imaged"
    assert seen["lvef"]["dataAbsentReason"]["coding"][0]["code"] == "asked-unknown"
    assert not any(component["valueBoolean"] for component in seen["red_flags"]["component"])
    assert len(seen["red_flags"]["component"]) == 5
    ticked = {part["code"]["text"]: part["valueBoolean"] for part in seen["interacting_medicines"]["component"]}
    assert ticked["warfarin"] is True
    assert list(ticked.values()).count(True) == 1
    taken = [
        (found["medicationCodeableConcept"]["text"], found["status"], found["note"][0]["text"])
        for found in resources(bundle, "MedicationStatement")
    ]
    assert taken == [
        ("trastuzumab emtansine", "stopped", "Line 1 for metastatic disease"),
        ("agents not known", "active", "Line 2 for metastatic disease"),
        ("agents not known", "unknown", "Early-stage treatment"),
    ]


def test_nothing_of_a_person_is_in_a_bundle() -> None:
    """S30: were it to fail, an export could name a patient, or a date of one."""
    allowed = {shipped().manifest.date.isoformat()} | {
        entry.governance.review_by.isoformat() for entry in shipped().governed()
    }
    for name in NAMES:
        bundle = without_evidence(name)
        assert resources(bundle, "Patient") == [{"resourceType": "Patient"}]
        for entry in bundle["entry"]:
            assert "id" not in entry["resource"]
        for path, value in walk(bundle):
            if "date" in path.lower() or "time" in path.lower() or path.endswith("Date"):
                assert value in allowed, path


def test_a_text_stays_text_in_a_narrative() -> None:
    """Were it to fail: a sign in a clinical text would break the export, or bring markup into a record system."""
    text = "below 50% < normal & <script>alert(1)</script> > 1"
    div = fhir._narrative([Block("heading", text), Block("item", text)])
    assert list(_narrative({"div": div})) == []
    assert "".join(ElementTree.fromstring(div).itertext()) == f"{text}- {text}"


def test_the_same_answer_gives_the_same_bytes() -> None:
    """S22: were it to fail, an export could not be compared with the one made before."""
    advice = advice_for("ex-03")
    again = recommend(advice.profile, shipped())
    assert json.dumps(fhir.bundle(again, WORDS)) == json.dumps(bundle_for("ex-03"))
    assert bundle_for("ex-03")["entry"][0] != bundle_for("ex-01")["entry"][0]


# The questionnaire


def questionnaire_faults(document: dict[str, Any]) -> Iterator[str]:
    """The invariants of R4 on a Questionnaire that concern this one."""
    links: list[str] = []
    items = [(path, value) for path, value in walk(document["item"], ".item") if isinstance(value, dict)]
    for path, item in items:
        if not path.endswith(".item"):
            continue
        links.append(item["linkId"])
        if item["type"] not in ("group", *VALUES):
            yield f"item.type: {item['linkId']} is of no type used here"
        if (item["type"] == "group") != ("item" in item):
            yield f"que-1: {item['linkId']} is a group, or has no items"
        if "answerOption" in item and item["type"] != "choice":
            yield f"que-5: {item['linkId']} has options, and is no choice"
        if len(item.get("enableWhen", [])) > 1 and "enableBehavior" not in item:
            yield f"que-12: {item['linkId']} has no enableBehavior"
        codes = [
            (option["valueCoding"]["system"], option["valueCoding"]["code"]) for option in item.get("answerOption", [])
        ]
        if len(set(codes)) < len(codes):
            yield f"answerOption: {item['linkId']} has an option twice"
        for condition in item.get("enableWhen", []):
            if condition["question"] not in links:
                yield f"enableWhen: {item['linkId']} hangs on a question that comes later"
    if len(set(links)) < len(links):
        yield "que-2: linkId is unique"


def test_the_questionnaire_is_valid() -> None:
    """Were it to fail: a record system could not show the questionnaire."""
    model = Questionnaire.model_validate(deepcopy(questions()))
    assert list(code_faults(model, {})) == []
    assert list(questionnaire_faults(questions())) == []
    twice = deepcopy(questions())
    twice["item"].append(twice["item"][0])
    assert list(questionnaire_faults(twice)) == ["que-2: linkId is unique"]


def test_every_field_can_be_answered_with_every_value() -> None:
    """Were it to fail: something the profile can say could not be said in the questionnaire, or unknown would not be
    an answer to some question (S11)."""
    items = {item["linkId"]: item for item in questions()["item"]}
    assert items.keys() == {*FIELDS, ANY_LINES, MONTHS_NOT_KNOWN}
    for field in FIELDS:
        if field in OPTIONS:
            offered = [option["valueCoding"]["code"] for option in items[field]["answerOption"]]
            extra = {"none"} if items[field].get("repeats") else set()
            assert set(offered) == {*OPTIONS[field], *extra}
            assert "unknown" in offered
    inner = {item["linkId"]: item for item in items[LINES]["item"]}
    for link, expected in ((LINE_AGENTS, {*AGENTS, "unknown"}), (LINE_OUTCOME, {*OUTCOMES})):
        assert {option["valueCoding"]["code"] for option in inner[link]["answerOption"]} == expected
    assert set(codes_of(EARLY)) == {*AGENTS, "none", "unknown"}


# Answers, read back

agents = st.lists(st.sampled_from(AGENTS), max_size=5)
lines = st.lists(
    st.fixed_dictionaries({"agents": agents}, optional={"outcome": st.sampled_from(OUTCOMES)}), max_size=15
)


def values_of(field: str) -> st.SearchStrategy[Any]:
    if field == LINES:
        return lines
    if field == EARLY:
        return agents | st.just("unknown")
    if field == MONTHS:
        return st.integers(0, 720) | st.just("unknown")
    known = [option for option in OPTIONS[field] if option != "unknown"]
    if field in QUESTIONS and QUESTIONS[field].kind == "several":
        return st.lists(st.sampled_from(known), unique=True) | st.just("unknown")
    return st.sampled_from(OPTIONS[field])


profiles = st.fixed_dictionaries({}, optional={field: values_of(field) for field in FIELDS}).map(Profile.model_validate)


@settings(max_examples=120, deadline=None)
@given(profiles)
def test_answers_are_read_back_to_the_same_profile(profile: Profile) -> None:
    """S21, S23: were it to fail, a record system would get advice for another patient than the one it described."""
    advice = Advice("ask", profile, shipped())
    response = json.loads(json.dumps(fhir.questionnaire_response(advice, WORDS)))
    document = fhir.profile_of_response(response)
    assert document == profile_document(profile)
    assert Profile.model_validate(document) == profile
    assert list(_response(response)) == []


@pytest.mark.parametrize("name", NAMES[::5])
def test_a_bundle_holds_what_gives_the_answer_again(name: str) -> None:
    """S23: were it to fail, an export could not be replayed to the answer it holds."""
    advice = advice_for(name)
    [response] = resources(bundle_for(name), "QuestionnaireResponse")
    again = recommend(Profile.model_validate(fhir.profile_of_response(response)), shipped(), advice.gate)
    assert again.record_id == advice.record_id


def enabled(item: dict[str, Any], answers: dict[str, list[Any]]) -> bool:
    """Whether a form shows an item: R4's enableWhen with the one operator used here, joined by `all`."""
    assert all(condition["operator"] == "!=" for condition in item.get("enableWhen", []))
    for condition in item.get("enableWhen", []):
        [refused] = [value for name, value in condition.items() if name.startswith("answer")]
        if refused in answers.get(condition["question"], []):
            return False
    return True


@settings(max_examples=150, deadline=None)
@given(profiles)
def test_a_form_never_hides_what_would_be_asked(profile: Profile) -> None:
    """S4, S11: were it to fail, a form in a record system would leave out a question that the conversation asks."""
    view = findings(profile, shipped().classes)
    response = fhir.questionnaire_response(Advice("ask", profile, shipped()), WORDS)
    answers: dict[str, list[Any]] = {}
    for item in response.get("item", []):
        for inner in item.get("item", [item]):  # of several lines, the last one is the nearest to what follows
            answers[inner["linkId"]] = [next(iter(answer.values())) for answer in inner["answer"]]
    items = {item["linkId"]: item for item in questions()["item"]}
    for field in set(FIELDS) - {LINES}:
        asked = asked_as(field)
        condition = asked.when.holds(view) if isinstance(asked, Asked) and asked.when is not None else True
        shown = enabled(items[field], answers)
        assert shown or condition is False, field
        if field in ("leptomeningeal", "extracranial_disease"):  # what can be said exactly, is
            assert shown == (condition is not False), field
    assert enabled(items[MONTHS_NOT_KNOWN], answers) == enabled(items[MONTHS], answers)
    assert enabled(items[LINES], answers) == (profile.prior_lines != ())


def coded(link: str, *codes: str, **more: Any) -> dict[str, Any]:
    """An item with answers as the questionnaire offers them."""
    items = {item["linkId"]: item for item in questions()["item"]}
    items |= {item["linkId"]: item for item in items[LINES]["item"]}
    offered = {option["valueCoding"]["code"]: option["valueCoding"] for option in items[link]["answerOption"]}
    return {"linkId": link, "answer": [{"valueCoding": offered[code]} for code in codes], **more}


def response_with(*items: Any, **changed: Any) -> dict[str, Any]:
    head = {"resourceType": "QuestionnaireResponse", "questionnaire": QUESTIONNAIRE, "status": "completed"}
    return {**head, "item": list(items), **changed}


def given_code(coding: dict[str, Any]) -> dict[str, Any]:
    return {"linkId": "hr_status", "answer": [{"valueCoding": coding}]}


LINE = {"linkId": LINES, "item": [coded(LINE_AGENTS, "t_dm1")]}
YES, NO = {"valueBoolean": True}, {"valueBoolean": False}


def test_what_may_be_left_out_may_be_left_out() -> None:
    """Were it to fail: a response that a form writes in another way than this program would be refused."""
    read = fhir.profile_of_response
    assert read(response_with(questionnaire=f"{QUESTIONNAIRE}|9.9.9", status="amended")) == {}
    assert read({name: value for name, value in response_with().items() if name != "item"}) == {}
    assert read(response_with(LINE, LINE)) == {"prior_lines": [{"agents": ["t_dm1"]}] * 2}
    assert read(response_with({"linkId": LINES})) == {}
    assert read(response_with({"linkId": ANY_LINES, "answer": [NO]}, {"linkId": LINES})) == {"prior_lines": []}
    ended = {"linkId": LINES, "item": [coded(LINE_OUTCOME, "toxicity")]}
    assert read(response_with(ended)) == {"prior_lines": [{"agents": [], "outcome": "toxicity"}]}
    assert read(response_with({"linkId": ANY_LINES, "answer": [NO]})) == {"prior_lines": []}
    assert read(response_with({"linkId": "hr_status"})) == {}
    assert read(response_with({"linkId": MONTHS_NOT_KNOWN, "answer": [NO]})) == {}
    written = coded("hr_status", "positive", text="Other words", extension=[{"url": "urn:x", "valueString": "x"}])
    del written["answer"][0]["valueCoding"]["display"]
    assert read(response_with(written, text={"status": "generated", "div": "<div/>"})) == {"hr_status": "positive"}


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (None, "resourceType"),
        ([], "resourceType"),
        ({"resourceType": "Patient"}, "resourceType"),
        (response_with(questionnaire="http://example.org/other"), "questionnaire"),
        (response_with(questionnaire=None), "questionnaire"),
        (response_with(status="in-progress"), "status"),
        (response_with(status="entered-in-error"), "status"),
        (response_with(implicitRules="http://example.org/rules"), "QuestionnaireResponse: implicitRules"),
        (response_with(modifierExtension=[{"url": "urn:x"}]), "QuestionnaireResponse: modifierExtension"),
        (response_with(item=None), "item"),
        (response_with("a text"), "item"),
        (response_with({"linkId": 7}), "item"),
        (response_with({"linkId": "name"}), "name: there is no such item"),
        (response_with({"linkId": "Erika Mustermann"}), "item: there is no such item"),
        (response_with(*[coded("hr_status", "positive")] * 2), "hr_status: stands there twice"),
        (response_with(coded("hr_status", "positive", "negative")), "hr_status: expected one answer"),
        (response_with(coded("hr_status", "positive", item=[])), "hr_status: nothing is asked beneath it"),
        (response_with(coded("hr_status", "positive", modifierExtension=[])), "hr_status: modifierExtension"),
        (response_with({"linkId": "hr_status", "answer": "positive"}), "hr_status: answer is not a list"),
        (response_with({"linkId": "hr_status", "answer": [{"valueString": "positive"}]}), "hr_status: expected"),
        (response_with({"linkId": "hr_status", "answer": [{}]}), "hr_status: expected one value"),
        (response_with(given_code({"code": "positive"})), "hr_status: expected"),
        (
            response_with(given_code({"system": "", "code": "x"})),
            "hr_status: expected a valueCoding of positive, negative, unknown",
        ),
        (response_with(given_code({"system": {}, "code": []})), "hr_status: expected"),
        (response_with({"linkId": "hr_status", "answer": coded("lvef", "normal")["answer"]}), "hr_status: expected"),
        (response_with(coded("red_flags", "none", "cord_compression")), "red_flags: none and unknown stand alone"),
        (response_with(coded("red_flags", "unknown", "cord_compression")), "red_flags: none and unknown stand alone"),
        (response_with(coded(EARLY, "none", "t_dm1")), f"{EARLY}: none and unknown stand alone"),
        (response_with({"linkId": MONTHS, "answer": [{"valueInteger": -1}]}), MONTHS),
        (response_with({"linkId": MONTHS, "answer": [{"valueInteger": 721}]}), MONTHS),
        (response_with({"linkId": MONTHS, "answer": [{"valueInteger": True}]}), f"{MONTHS}: expected one valueInteger"),
        (response_with({"linkId": MONTHS, "answer": [{"valueDecimal": 4.0}]}), f"{MONTHS}: expected one valueInteger"),
        (
            response_with(
                {"linkId": MONTHS, "answer": [{"valueInteger": 4}]}, {"linkId": MONTHS_NOT_KNOWN, "answer": [YES]}
            ),
            f"{MONTHS}: a number, and not known",
        ),
        (response_with({"linkId": ANY_LINES, "answer": [NO]}, LINE), f"{ANY_LINES}: no line, but"),
        (response_with({"linkId": ANY_LINES, "answer": [YES]}), f"{LINES}: expected at least one line"),
        (response_with({"linkId": ANY_LINES, "answer": [YES]}, {"linkId": LINES}), f"{LINES}: expected at least one"),
        (response_with(*[LINE] * 16), LINES),
        (response_with({"linkId": LINES, "answer": [YES]}), f"{LINES}: is a group"),
        (response_with({"linkId": LINES, "item": [coded("lvef", "normal")]}), "lvef: there is no such item"),
        (response_with({"linkId": LINES, "item": [coded(LINE_AGENTS, "unknown", "t_dm1")]}), f"{LINE_AGENTS}: none"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(response: Any, said: str) -> None:
    """S25: were it to fail, an answer would be guessed, dropped or taken for another, and advice given on it."""
    with pytest.raises(UnreadableResponse) as refused:
        fhir.profile_of_response(response)
    assert str(refused.value).startswith(said), refused.value
    assert "Mustermann" not in str(refused.value)
    assert isinstance(refused.value, ValueError)


@settings(max_examples=100, deadline=None)
@given(profiles, st.data())
def test_a_damaged_response_is_read_or_refused(profile: Profile, data: st.DataObject) -> None:
    """S25: were it to fail, some damaged input would end in an error of the program, or in no valid profile."""
    response = fhir.questionnaire_response(Advice("ask", profile, shipped()), WORDS)
    places = [(holder, name) for _, holder in walk(response) if isinstance(holder, dict) for name in holder]
    holder, name = data.draw(st.sampled_from(places))
    junk = st.sampled_from([None, True, 7, "", "unknown", [], {}, [{}], [None], {"linkId": "hr_status"}])
    holder[name] = data.draw(junk)
    try:
        document = fhir.profile_of_response(response)
    except UnreadableResponse:
        return
    Profile.model_validate(document)


# The documents


def test_the_documents_say_what_is_done() -> None:
    """Were it to fail: the pages speak of other systems, statuses or paths than the program has."""
    page, decision = HOW_TO.read_text("utf-8"), DECISION.read_text("utf-8")
    assert QUESTIONNAIRE in page
    for outcome, status in fhir.STATUS_OF_OUTCOME.items():
        assert f"| `{outcome}` | `{status}` |" in page
    for status, guidance in fhir.STATUS_OF_ADVICE.items():
        assert f"| `{status}` | `{guidance}` |" in page
    kinds = {entry["resource"]["resourceType"] for name in CASES for entry in bundle_for(name)["entry"]}
    for kind in kinds:
        assert kind in page, kind
    for text in (page, decision):
        assert "mCODE-shaped" in text
        for terminology in ("SNOMED", "LOINC", "RxNorm"):
            assert terminology in text


def test_the_responses_of_the_how_to_are_read() -> None:
    """Were it to fail: a reader's first response, copied from the page, is refused."""
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", HOW_TO.read_text("utf-8"), re.S)]
    [response] = [block for block in blocks if block.get("resourceType") == "QuestionnaireResponse"]
    profile = Profile.model_validate(fhir.profile_of_response(response))
    assert recommend(profile, shipped()).options
    R4B.get_fhir_model_class("QuestionnaireResponse").model_validate(response)
