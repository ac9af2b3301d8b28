"""CDS Hooks: what is sent is what the specification says, from the first call to the last, and says it is a draft."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import OVERDUE, App
from bot.channels import cds_hooks
from flows.knowledge import shipped
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from flows.turns import SECTIONS
from messages.fhir import QUESTIONNAIRE, profile_of_response, questionnaire_response
from messages.message import Block
from messages.render import disclaimer
from messages.words import DIRECTIVES, english
from tests.cds_hooks_rules import discovery_faults, feedback_faults, request_faults, response_faults
from tests.conftest import TODAY, Place
from tests.test_examples import CASES
from tests.test_profiles import Row, all_rows

CHAT = "https://triage.example.org"
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
CANARY = "Erika Mustermann 1957-08-12"
HOW_TO = Path(__file__).parent.parent / "docs" / "how-to" / "fhir-and-cds-hooks.md"
VIEW, SELECT = "/cds-services/her2-next-line", "/cds-services/her2-next-line-order-select"


def response_of(document: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The answers of a profile document as a record system would send them."""
    advice = recommend(Profile.model_validate(document), shipped())
    return {**questionnaire_response(advice, english(shipped())), **changed}


def call_of(prefetched: Any = "left out", hook: str = "patient-view", **changed: Any) -> dict[str, Any]:
    """A call as a client makes it."""
    orders = {"selections": ["MedicationRequest/1"], "draftOrders": {"resourceType": "Bundle", "type": "collection"}}
    context = {"userId": "Practitioner/abc", "patientId": "1288992", **(orders if hook == "order-select" else {})}
    prefetch = {} if prefetched == "left out" else {"prefetch": {"profile": prefetched}}
    call = {"hook": hook, "hookInstance": INSTANCE, "context": context, **prefetch, **changed}
    assert request_faults(call) == []
    return call


def served(app: App, public_url: str | None = CHAT, **options: Any) -> httpx.AsyncClient:
    """A client of the service, by itself in an application."""
    api = FastAPI()
    api.include_router(cds_hooks.router(app, public_url, **options))
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://testserver")


@pytest.fixture(scope="module")
def app() -> App:
    """An application whose log is never reached: nothing of a call is kept."""
    return App(shipped(), Unreachable(), today=lambda: TODAY)  # type: ignore[arg-type]


class Unreachable:
    """In place of a log: whoever reaches for it fails."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the log was reached: {name}")


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


async def cards_for(client: httpx.AsyncClient, document: dict[str, Any]) -> list[dict[str, Any]]:
    """The cards for a profile; what breaks the specification fails at once."""
    said = await client.post(VIEW, json=call_of(response_of(document)))
    assert said.status_code == 200, said.text
    assert response_faults(said.json()) == []
    return list(said.json()["cards"])


# The rules themselves

GOOD: dict[str, Any] = {
    "cards": [
        {
            "uuid": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
            "summary": "An example",
            "detail": "*An example*",
            "indicator": "warning",
            "source": {
                "label": "An example",
                "url": "https://example.org",
                "topic": {"system": "urn:example", "code": "1", "display": "One"},
            },
            "suggestions": [
                {
                    "label": "Take it",
                    "uuid": "e56e1945-20b3-4393-8503-a1a20fd73152",
                    "isRecommended": True,
                    "actions": [
                        {"type": "create", "description": "Make it", "resource": {"resourceType": "ServiceRequest"}},
                        {"type": "delete", "description": "Drop it", "resourceId": "ServiceRequest/1"},
                    ],
                }
            ],
            "selectionBehavior": "at-most-one",
            "overrideReasons": [{"system": "urn:example", "code": "1", "display": "Considered"}],
            "links": [
                {"label": "A page", "url": "https://example.org", "type": "absolute"},
                {"label": "An app", "url": "https://example.org/launch", "type": "smart", "appContext": "x"},
            ],
        }
    ]
}


def changed(document: Any, path: str, value: Any) -> Any:
    """A copy with one part set, or taken out where the value is `...`."""
    copy = deepcopy(document)
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    at = copy
    for part in way:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("cards", ..., "HTTP Response"),
        ("cards", {}, "HTTP Response"),
        ("cards.0.summary", ..., "summary: Card Attributes: required"),
        ("cards.0.summary", "x" * 140, "fewer than 140"),
        ("cards.0.summary", "one\ntwo", "one sentence"),
        ("cards.0.summary", "", "null or empty"),
        ("cards.0.detail", None, "null or empty"),
        ("cards.0.indicator", "hard-stop", "one of info, warning, critical"),
        ("cards.0.indicator", ..., "indicator: Card Attributes: required"),
        ("cards.0.source", ..., "source: Card Attributes: required"),
        ("cards.0.source.label", ..., "source.label: Source: required"),
        ("cards.0.source.url", "/about", "source.url: Source: an absolute URL"),
        ("cards.0.source.topic.system", ..., "topic.system: Coding: required"),
        ("cards.0.urgency", "high", "Extensions"),
        ("cards.0.extension", [1], "extension: Extensions: an object"),
        ("cards.0.links", [], "null or empty"),
        ("cards.0.links.0.url", "relative", "url: Link: an absolute URL"),
        ("cards.0.links.0.type", "relative", "type: Link"),
        ("cards.0.links.0.appContext", "x", "only where the type is smart"),
        ("cards.0.links.0.label", ..., "label: Link: required"),
        ("cards.0.selectionBehavior", ..., "needed with suggestions"),
        ("cards.0.selectionBehavior", "all", "at-most-one or any"),
        ("cards.0.suggestions.0.label", ..., "label: Suggestion: required"),
        ("cards.0.suggestions.0.uuid", "4e0a3a1e-3283-4575-ab82-028d55fe2719", "uuid is unique"),
        ("cards.0.suggestions.0.actions.0.type", "order", "create, update or delete"),
        ("cards.0.suggestions.0.actions.0.description", ..., "description: Action: required"),
        ("cards.0.suggestions.0.actions.0.resource", ..., "needs the FHIR resource"),
        ("cards.0.suggestions.0.actions.1.resourceId", ..., "delete names the resource"),
        ("cards.0.suggestions", [{"label": "1", "isRecommended": True}] * 2, "at most one may be chosen"),
        ("cards.0.overrideReasons.0.display", ..., "display: Coding: required"),
        ("systemActions", [{"type": "create"}], "systemActions[0].description"),
    ],
)
def test_the_rules_find_a_broken_response(path: str, value: Any, fault: str) -> None:
    """Were it to fail: the checks of this file could not tell a card that a client refuses."""
    assert response_faults(GOOD) == []
    assert any(fault in found for found in response_faults(changed(GOOD, path, value)))


SERVICES: dict[str, Any] = {
    "services": [
        {
            "hook": "patient-view",
            "id": "one",
            "title": "One",
            "description": "The first",
            "prefetch": {"patient": "Patient/{{context.patientId}}", "user": "{{context.userId}}"},
        }
    ]
}


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("services", ..., "an array `services`"),
        ("services.0.hook", ..., "hook: Discovery, Response: required"),
        ("services.0.id", ..., "id: Discovery, Response: required"),
        ("services.0.description", ..., "description: Discovery, Response: required"),
        ("services.0.description", 3, "a string"),
        ("services.0.prefetch", ["Patient"], "Prefetch Template"),
        ("services.0.prefetch.patient", "Patient/{{patientId}}", "Prefetch tokens"),
        ("services.0.prefetch.patient", "Patient/{{context.draftOrders}}", "Prefetch tokens"),
        ("services.0.prefetch.patient", "http://example.org/Patient?x=1", "Prefetch query restrictions"),
        ("services.0.priority", 1, "Extensions"),
        ("services", SERVICES["services"] * 2, "the same id twice"),
    ],
)
def test_the_rules_find_a_broken_discovery(path: str, value: Any, fault: str) -> None:
    """Were it to fail: the checks of this file could not tell a service that no client can set up."""
    assert discovery_faults(SERVICES) == []
    assert any(fault in found for found in discovery_faults(changed(SERVICES, path, value)))


# Discovery


async def test_discovery_names_a_service_for_each_hook(client: httpx.AsyncClient) -> None:
    """Were it to fail: a client could not set the service up, or would not ask for the answers it needs."""
    said = await client.get("/cds-services")
    assert said.status_code == 200
    assert discovery_faults(said.json()) == []
    services = {service["id"]: service for service in said.json()["services"]}
    assert {service["hook"] for service in services.values()} == {"patient-view", "order-select"}
    assert len(services) == 2
    for service in services.values():
        assert f"questionnaire={QUESTIONNAIRE}&patient={{{{context.patientId}}}}" in service["prefetch"]["profile"]
        assert disclaimer() in service["description"]
        assert "draft: not clinically reviewed" in service["description"]


async def test_the_questionnaire_can_be_had(client: httpx.AsyncClient) -> None:
    """Were it to fail: nobody could fill in the questionnaire whose answers the services ask for."""
    said = await client.get("/api/v1/questionnaire.fhir.json")
    assert said.headers["content-type"] == "application/fhir+json"
    assert said.json()["url"] == QUESTIONNAIRE


# Cards


@pytest.mark.parametrize("case", CASES)
async def test_cards_of_the_examples(client: httpx.AsyncClient, case: str) -> None:
    """S13, S23, S26: were it to fail, a card breaks the specification, or lacks disclaimer, status or record."""
    document = CASES[case]["profile"]
    advice = recommend(Profile.model_validate(document), shipped())
    cards = await cards_for(client, document)
    assert len(cards) == (3 if advice.options else 1)
    for card in cards:
        assert disclaimer() in plain(card["detail"])
        assert card["detail"].startswith("> Draft: not clinically reviewed.")
        assert f"Record {advice.record_id}, software " in card["detail"]
        assert shipped().digest in card["detail"]
        assert "draft: not clinically reviewed" in card["summary"]
        assert card["links"][0]["url"] == CHAT
        assert "suggestions" not in card
    for option in advice.options:
        assert f"{option.rank}. {english(shipped()).regimen(option.regimen.id)} (" in plain(cards[0]["detail"])


@pytest.mark.parametrize("row", [row for row in all_rows() if row.gate is None][::8], ids=lambda row: row.name)
async def test_cards_say_how_urgent_they_are(client: httpx.AsyncClient, row: Row) -> None:
    """S4: were it to fail, an emergency would look like any other note, or an answer under assumptions like a plain
    one."""
    document = row.profile.model_dump(mode="json", exclude_none=True)
    advice = recommend(row.profile, shipped())
    urgency = {"recommend": "info", "conditional": "warning", "ask": "info", "refer": "warning", "decline": "info"}
    expected = "critical" if any(reason.stop.time_critical for reason in advice.reasons) else urgency[advice.status]
    cards = await cards_for(client, document)
    assert [card["indicator"] for card in cards] == [expected, *["info"] * (len(cards) - 1)]


async def test_an_emergency_says_so_in_its_summary(client: httpx.AsyncClient) -> None:
    """S3, S4: were it to fail, a clinician would have to open the card to learn that this is an emergency, or would see
    drugs ranked."""
    [card] = await cards_for(client, {"red_flags": ["cord_compression"]})
    assert card["summary"].startswith("Time-critical: act by your local pathway")
    assert card["indicator"] == "critical"
    assert "No drug is ranked." in card["detail"]


@pytest.mark.parametrize("stop", shipped().stops, ids=lambda stop: stop.id)
async def test_summaries_of_stops_are_whole(app: App, stop: Any) -> None:
    """Were it to fail: a summary would end in the middle of a clinical sentence."""
    row = next(row for row in all_rows() if stop.id in row.expect.get("reasons", ())[:1])
    summary = cds_hooks._summary(recommend(row.profile, shipped(), row.gate), app.words)
    said = summary.removesuffix(" (draft: not clinically reviewed)")
    assert said != summary
    assert len(summary) < 140
    title = english(shipped()).vocabulary.status[stop.outcome]
    assert stop.text.startswith((f"{said}. ", f"{said}:")) or stop.text.removesuffix(".") == said or said == title


@pytest.mark.parametrize("case", ["ex-03", "ex-08"])
async def test_cards_hold_no_directive(client: httpx.AsyncClient, case: str) -> None:
    """S6: were it to fail, a card would tell a clinician what to do instead of listing what there is."""
    for card in await cards_for(client, CASES[case]["profile"]):
        assert not DIRECTIVES.search(card["summary"])
    [ranked, *_] = await cards_for(client, CASES[case]["profile"])
    lines = [line for line in ranked["detail"].splitlines() if re.match(r"\d+\. ", line)]
    assert lines
    assert not any(DIRECTIVES.search(line) for line in lines)


async def test_the_basis_of_every_line_is_on_a_card(client: httpx.AsyncClient) -> None:
    """S10: were it to fail, a figure on a card could not be traced to its source from the record."""
    cards = await cards_for(client, CASES["ex-03"]["profile"])
    advice = recommend(Profile.model_validate(CASES["ex-03"]["profile"]), shipped())
    details = "\n".join(card["detail"] for card in cards)
    listed = set(re.findall(r"^- ([a-z0-9-]+): (?:confirmed|imprecise|contradicted|recalled)", details, re.M))
    cited = {fact.id for fact in shipped().facts.values() if re.search(rf"[\[ ,]{fact.id}[\],\\ ]", details)}
    assert cited
    assert cited <= listed
    assert {fact.id for fact in advice.facts() if fact.shown} <= listed
    assert not re.search(rf"(?<![\w/.])/({'|'.join(SECTIONS)})\b", details)  # no command of a conversation


async def test_without_an_address_there_is_no_link(app: App) -> None:
    """Were it to fail: a card would lead nowhere, or hold an empty link that a client refuses."""
    async with served(app, None) as client:
        for card in await cards_for(client, CASES["ex-03"]["profile"]):
            assert "links" not in card
            assert "url" not in card["source"]


async def test_the_same_call_gives_the_same_bytes(client: httpx.AsyncClient) -> None:
    """S22: were it to fail, a card could not be told from a changed one."""
    call = call_of(response_of(CASES["ex-03"]["profile"]))
    first, second = await client.post(VIEW, json=call), await client.post(VIEW, json=call)
    assert first.content == second.content
    other = await client.post(VIEW, json={**call, "hookInstance": "00000000-0000-4000-8000-000000000000"})
    uuids = [{card["uuid"] for card in said.json()["cards"]} for said in (first, other)]
    assert not uuids[0] & uuids[1]


async def test_both_hooks_answer_alike(client: httpx.AsyncClient) -> None:
    """S21: were it to fail, the options would depend on where in the record they are asked for."""
    response = response_of(CASES["ex-03"]["profile"])
    view = await client.post(VIEW, json=call_of(response))
    select = await client.post(SELECT, json=call_of(response, "order-select"))
    assert view.json() == select.json()


async def test_a_profile_document_does_as_well(client: httpx.AsyncClient) -> None:
    """S21: were it to fail, the form in which the answers come would change the advice."""
    document = CASES["ex-03"]["profile"]
    expected = await cards_for(client, document)
    call = call_of(extension={"her2-triage.profile": document})
    assert (await client.post(VIEW, json=call)).json()["cards"] == expected
    call = call_of()
    call["context"]["profile"] = document
    assert (await client.post(VIEW, json=call)).json()["cards"] == expected


async def test_a_search_result_does_as_well(client: httpx.AsyncClient) -> None:
    """Were it to fail: a client that searches, as the template asks it to, would get no cards."""
    response = response_of(CASES["ex-03"]["profile"], subject={"reference": "Patient/1288992"})
    outcome = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": response}, outcome]}
    said = await client.post(VIEW, json=call_of(bundle))
    assert said.json()["cards"] == await cards_for(client, CASES["ex-03"]["profile"])


async def test_the_day_of_the_answers_is_shown(client: httpx.AsyncClient) -> None:
    """Were it to fail: advice on answers of last year would look like advice on today's."""
    said = await client.post(VIEW, json=call_of(response_of({}, authored="2026-10-03T09:15:00+02:00")))
    assert "Answers of 2026-10-03." in said.json()["cards"][0]["detail"]
    said = await client.post(VIEW, json=call_of(response_of({}, authored=f"<b>{CANARY}</b>")))
    assert "Answers of" not in said.text
    assert "Mustermann" not in said.text


async def test_knowledge_past_its_date_says_so_on_every_card() -> None:
    """S27: were it to fail, overdue knowledge would look current in a record."""
    late = App(shipped(), Unreachable(), today=lambda: TODAY + timedelta(days=4000))  # type: ignore[arg-type]
    async with served(late) as client:
        for card in await cards_for(client, CASES["ex-03"]["profile"]):
            assert card["detail"].startswith(f"> {OVERDUE}")


async def test_the_region_of_the_service_holds_where_the_answers_name_none(make_place: Callable[[str], Place]) -> None:
    """Were it to fail: the same service would answer for another region here than in its chat."""
    app = make_place("sqlite").app(region="china")
    profile = {**CASES["ex-03"]["profile"]}
    expected = recommend(Profile.model_validate({**profile, "region": "china"}), shipped()).record_id
    async with served(app) as client:
        assert all(expected in card["detail"] for card in await cards_for(client, profile))


# No answers, or none that can be read


@pytest.mark.parametrize("nothing", [None, {"resourceType": "Bundle", "type": "searchset"}], ids=["null", "empty"])
async def test_without_answers_it_says_what_is_missing(app: App, client: httpx.AsyncClient, nothing: Any) -> None:
    """Were it to fail: a clinician would not learn that answers are missing, or that drugs are not ranked without."""
    said = await client.post(VIEW, json=call_of(nothing))
    assert response_faults(said.json()) == []
    [card] = said.json()["cards"]
    assert card["indicator"] == "info"
    assert "Needed next: HER2 status" in card["detail"]
    assert card["links"][0]["url"] == CHAT
    async with served(app, None) as elsewhere:  # nothing to be done about it here: no card
        assert (await elsewhere.post(VIEW, json=call_of(nothing))).json() == {"cards": []}


@pytest.mark.parametrize("user", ["Patient/1288992", "RelatedPerson/7"])
async def test_nothing_is_shown_to_patients(client: httpx.AsyncClient, user: str) -> None:
    """S2: were it to fail, a patient who looks at the own record would be shown ranked drugs."""
    call = call_of(response_of(CASES["ex-03"]["profile"]))
    call["context"]["userId"] = user
    assert (await client.post(VIEW, json=call)).json() == {"cards": []}


def searched(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": found} for found in resources]}


FINE = response_of({"hr_status": "positive"})


@pytest.mark.parametrize(
    ("prefetched", "status", "said"),
    [
        ("left out", 412, "prefetch.profile: is missing"),
        ({"resourceType": "OperationOutcome"}, 412, "prefetch.profile: the client could not read it"),
        (searched({"resourceType": "OperationOutcome"}), 412, "prefetch.profile: the client could not read it"),
        ("a text", 400, "prefetch.profile: expected a resource"),
        (searched(FINE, FINE), 400, "prefetch.profile: expected one response"),
        ({"resourceType": "Bundle", "entry": {}}, 400, "prefetch.profile: entry is not a list"),
        (searched("a text"), 400, "prefetch.profile: expected a resource in each entry"),
        ({"resourceType": "Patient"}, 400, "prefetch.profile: resourceType: expected a QuestionnaireResponse"),
        (changed(FINE, "status", "entered-in-error"), 400, "prefetch.profile: status"),
        (changed(FINE, "questionnaire", "urn:other"), 400, "prefetch.profile: questionnaire"),
        (changed(FINE, "item.0.linkId", CANARY), 400, "prefetch.profile: item: there is no such item"),
        (changed(FINE, "item.0.answer.0.valueCoding.code", CANARY), 400, "prefetch.profile: hr_status: expected"),
        ({**FINE, "subject": {"reference": "Patient/7"}}, 400, "prefetch.profile: subject: these are the answers of"),
        (
            {**FINE, "subject": {"reference": "https://ehr.example.org/fhir/Patient/7/_history/2"}},
            400,
            "prefetch.profile: subject: these are the answers of another patient",
        ),
    ],
)
async def test_what_cannot_be_read_is_named(client: httpx.AsyncClient, prefetched: Any, status: int, said: str) -> None:
    """S25: were it to fail, advice would rest on answers that were not understood, or on another patient's."""
    refused = await client.post(VIEW, json=call_of(prefetched))
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"].startswith(said)
    assert refused.json()["status"] == status
    assert "Mustermann" not in refused.text


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("hook", ..., "hook: Field required"),
        ("hook", "order-sign", "hook: her2-next-line is called by patient-view"),
        ("hookInstance", "not a uuid", "hookInstance: "),
        ("context", ..., "context: Field required"),
        ("context.userId", ..., "context.userId: Field required"),
        ("context.userId", "Erika Mustermann", "context.userId: "),
        ("context.userId", "Device/1", "context.userId: expected one of Practitioner"),
        ("context.patientId", ..., "context.patientId: Field required"),
        ("prefetch", [], "prefetch: "),
        ("context.profile", "HER2-positive", "context.profile: "),
        ("context.profile", {"hr": "positive"}, "extension"),
        ("extension", {"her2-triage.profile": {"hr_status": "?"}}, "context"),
    ],
)
async def test_a_broken_call_names_the_field(client: httpx.AsyncClient, path: str, value: Any, said: str) -> None:
    """S25: were it to fail, whoever sets the service up would not learn what to change."""
    call = call_of(FINE)
    if said in ("extension", "context"):
        call.pop("prefetch")
        said = "context.profile: hr" if said == "extension" else "extension.her2-triage.profile: hr_status"
    refused = await client.post(VIEW, json=changed(call, path, value))
    assert refused.status_code == 400, refused.text
    assert refused.json()["detail"].startswith(said), refused.json()
    assert "Mustermann" not in refused.text


async def test_answers_that_come_twice_are_refused(client: httpx.AsyncClient) -> None:
    """Were it to fail: of two different answers, one would be dropped in silence."""
    call = call_of(FINE, extension={"her2-triage.profile": {"hr_status": "negative"}})
    refused = await client.post(VIEW, json=call)
    assert refused.status_code == 400
    assert "more than once" in refused.json()["detail"]


async def test_what_is_no_call_at_all(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it to fail: something unreadable would end in an error of the service, or fill its memory."""
    assert (await client.post("/cds-services/other", json=call_of(FINE))).status_code == 404
    assert (await client.post("/cds-services/other/feedback", json={"feedback": []})).status_code == 404
    assert (await client.post(VIEW, content=b"hook=patient-view")).status_code == 415
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    for content in (b"", b"{", b"[1]", b"null", b"\xff", b"[" * 100_000, b'{"hook": NaN}'):
        assert (await client.post(VIEW, content=content, headers=json_type)).status_code == 400, content[:10]
    large = json.dumps(call_of(FINE, extension={"com.example.drafts": "x" * cds_hooks.LARGEST})).encode()
    assert (await client.post(VIEW, content=large, headers=json_type)).status_code == 413
    monkeypatch.setattr(cds_hooks, "SLOWEST", 0.01)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(0.2)
        yield b"}"

    assert (await client.post(VIEW, content=slowly(), headers=json_type)).status_code == 408


async def test_too_many_calls_are_told_to_come_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it to fail: calls would pile up until those who wait have given up."""
    monkeypatch.setattr(cds_hooks, "MOST_WAITING", 0)
    refused = await client.post(VIEW, json=call_of(FINE))
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    monkeypatch.undo()
    answered = await asyncio.gather(*(client.post(VIEW, json=call_of(FINE)) for _ in range(5)))
    assert [said.status_code for said in answered] == [200] * 5


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prefetched=st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["QuestionnaireResponse", "Bundle", "hr_status"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["resourceType", "entry", "resource", "item", "answer", "linkId", "status", "subject"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
async def test_whatever_is_prefetched_is_answered(client: httpx.AsyncClient, prefetched: Any) -> None:
    """S25: were it to fail, some input would end in an error of the service."""
    said = await client.post(VIEW, json=call_of(prefetched))
    assert said.status_code in (200, 400, 412)


# Privacy, feedback, browsers


async def test_nothing_of_a_call_is_kept_or_said_back(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """S30, S31: were it to fail, a name, a token or a comment would stand in the log or leave again on a card."""
    caplog.set_level(logging.DEBUG)
    response = response_of(
        CASES["ex-03"]["profile"], author={"display": CANARY}, text={"status": "generated", "div": f"<p>{CANARY}</p>"}
    )
    response["item"][0]["text"] = CANARY
    call = call_of(
        response,
        fhirServer="https://ehr.example.org/fhir",
        fhirAuthorization={
            "access_token": CANARY, "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "x",
        },
    )  # fmt: skip
    call["context"] |= {"encounterId": CANARY}
    comment = {
        "feedback": [
            {
                "card": INSTANCE,
                "outcome": "overridden",
                "overrideReason": {"userComment": CANARY},
                "outcomeTimestamp": "2026-11-23T10:00:00Z",
            }
        ]
    }
    assert feedback_faults(comment) == []
    told = [await client.post(VIEW, json=call), await client.post(f"{VIEW}/feedback", json=comment)]
    assert [said.status_code for said in told] == [200, 200]
    assert told[0].headers["cache-control"] == "no-store"
    printed = capsys.readouterr()
    for text in (caplog.text.replace("httpx", ""), printed.out, printed.err, *(said.text for said in told)):
        assert "Mustermann" not in text


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("feedback", ..., "feedback: Field required"),
        ("feedback.0.card", ..., "feedback.0.card: Field required"),
        ("feedback.0.outcome", "ignored", "feedback.0.outcome: "),
        ("feedback.0.outcomeTimestamp", ..., "feedback.0.outcomeTimestamp: Field required"),
    ],
)
async def test_broken_feedback_names_the_field(client: httpx.AsyncClient, path: str, value: Any, said: str) -> None:
    """Were it to fail: a client could not tell that its feedback does not arrive."""
    fine = {"feedback": [{"card": INSTANCE, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T10:00:00Z"}]}
    assert feedback_faults(fine) == []
    assert (await client.post(f"{SELECT}/feedback", json=fine)).status_code == 200
    refused = await client.post(f"{SELECT}/feedback", json=changed(fine, path, value))
    assert refused.status_code == 400
    assert refused.json()["detail"].startswith(said)


async def test_a_page_may_call_only_where_its_origin_is_named(app: App) -> None:
    """S34: were it to fail, any page a clinician has open could have advice computed, or a named one could not."""
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    async with served(app, origins=["https://ehr.example.org"]) as client:
        allowed = await client.options(VIEW, headers={"Origin": "https://ehr.example.org", **asks})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == "https://ehr.example.org"
        assert "POST" in allowed.headers["access-control-allow-methods"]
        assert "Authorization" in allowed.headers["access-control-allow-headers"]
        called = await client.post(VIEW, json=call_of(FINE), headers={"Origin": "https://ehr.example.org"})
        assert called.headers["access-control-allow-origin"] == "https://ehr.example.org"
        assert called.headers["vary"] == "Origin"
        refused = await client.post(VIEW, json={}, headers={"Origin": "https://ehr.example.org"})
        assert refused.headers["access-control-allow-origin"] == "https://ehr.example.org"
        other = await client.options(VIEW, headers={"Origin": "https://other.example.org", **asks})
        assert "access-control-allow-origin" not in other.headers
    async with served(app) as client:
        for said in (
            await client.options(VIEW, headers={"Origin": "https://ehr.example.org", **asks}),
            await client.get("/cds-services", headers={"Origin": "https://ehr.example.org"}),
        ):
            assert "access-control-allow-origin" not in said.headers


def test_the_description_is_whole() -> None:
    """Were it to fail: a program could not be written from the description of the service."""
    api = FastAPI()
    api.include_router(cds_hooks.router(App(shipped(), Unreachable()), CHAT))  # type: ignore[arg-type]
    document = api.openapi()
    operations = {
        operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()
    }
    assert set(operations) == {"discoverServices", "callService", "giveFeedback", "readQuestionnaire"}
    body = operations["callService"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["required"]) == {"hook", "hookInstance", "context"}
    assert set(body["properties"]["context"]["required"]) == {"userId", "patientId"}
    assert {"400", "404", "412", "413"} <= set(operations["callService"]["responses"])
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert all(reference.rpartition("/")[2] in document["components"]["schemas"] for reference in references)


# Markdown


def plain(detail: str) -> str:
    """The text of a detail as a reader sees it."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(detail)
    parts: list[str] = []
    number = 0
    for token in tokens:
        if token.type == "ordered_list_open":
            number = int(token.attrs.get("start", 1)) - 1
        elif token.type == "list_item_open" and token.markup in (".", ")"):
            number += 1
            parts.append(f"{number}. ")
        elif token.type == "inline":
            parts.append("".join(_text(child) for child in token.children or ()) + "\n")
        assert token.type not in ("html_block", "fence", "code_block", "table_open", "hr")
    return "".join(parts)


def _text(token: Any) -> str:
    assert token.type in ("text", "softbreak", "text_special"), token.type  # no emphasis, link, code, HTML
    return "\n" if token.type == "softbreak" else str(token.content)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heading", "subheading", "paragraph", "item", "note"]),
            st.text("ab1._*`<>[]()#-+~|\\ :&;", min_size=1, max_size=12).map(str.strip).filter(bool),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_text_stays_text_in_markdown(pairs: list[tuple[Any, str]]) -> None:
    """Were it to fail: a sign in a clinical text would be taken for markup and vanish, or bring a link or HTML."""
    blocks = [Block(kind, text) for kind, text in pairs]
    assert plain(cds_hooks.markdown(blocks)).split() == " ".join(text for _, text in pairs).split()


def test_details_say_what_the_blocks_say() -> None:
    """Were it to fail: what a card shows would not be what the answer says."""
    from messages.fhir import answer_blocks

    blocks = answer_blocks(recommend(Profile.model_validate(CASES["ex-03"]["profile"]), shipped()), english(shipped()))
    assert plain(cds_hooks.markdown(blocks)).split() == " ".join(block.text for block in blocks).split()


# The document


async def test_the_examples_of_the_how_to_are_taken(client: httpx.AsyncClient) -> None:
    """Were it to fail: what the page shows is not what the service takes or says."""
    text = HOW_TO.read_text("utf-8")
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    calls = [example for example in examples if "hookInstance" in example]
    assert len(calls) >= 2
    for call in calls:
        assert request_faults(call) == []
        said = await client.post(VIEW, json=call)
        assert said.status_code == 200
        assert response_faults(said.json()) == []
    [shown] = [example for example in examples if "cards" in example]
    card = (await client.post(VIEW, json=calls[0])).json()["cards"][0]
    assert shown["cards"][0]["summary"] == card["summary"]
    assert shown["cards"][0]["indicator"] == card["indicator"]
    assert set(shown["cards"][0]) <= set(card)
    [response] = [example for example in examples if example.get("resourceType") == "QuestionnaireResponse"]
    assert Profile.model_validate(profile_of_response(response))
    paths = re.findall(r"http://127\.0\.0\.1:8000(/\S*)", text)
    assert {"/cds-services", VIEW, cds_hooks.QUESTIONS_AT} <= set(paths)
    for path in paths:
        assert (await client.request("POST" if "next-line" in path else "GET", path)).status_code != 404
