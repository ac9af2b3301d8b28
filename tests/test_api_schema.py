"""The description of the API holds: requests of every kind are answered as it says, and its examples are real."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.checks import CHECKS
from schemathesis.engine import events, from_schema
from starlette.types import Receive, Scope, Send

from bot.app import Tap
from bot.channels.api.examples import CONVERSATION
from bot.log import Log
from bot.metrics import Metrics
from bot.serve import application
from bot.settings import Settings
from messages.understanding.identifiers import holds_identifier
from tests.conftest import Place
from tests.test_api import ADVISE, CONVERSATIONS, KNOWLEDGE, client_of
from tests.test_log import CASE

LONGER = os.environ.get("API_EXAMPLES")
"""Random requests for each operation: `API_EXAMPLES=1000 pytest tests/test_api_schema.py` tries others, for longer."""
TOKEN = "a token of the tests that is long enough"
NOT_RUN = {
    # An erased conversation's id stands at the beginning again, as any id does that nobody has begun: it cannot be
    # found out which exist (S33). test_serve.py tests that nothing of it is left.
    "use_after_free",
    # The test says itself how long all may take.
    "max_response_time",
}
SETTINGS: dict[str, Any] = {
    **({} if LONGER else {"seed": 20261126}),
    "continue-on-failure": True,
    "generation": {"max-examples": int(LONGER or 10), "deterministic": not LONGER, "database": "none"},
    "auth": {"openapi": {"accessToken": {"bearer": TOKEN}}},
    "checks": {
        "use_after_free": {"enabled": False},
        # 406: a typed case as PDF or FHIR; 409: a conversation without an answer; 413: a text that fits the schema, but
        # not the bytes a turn may have
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "404", "406", "409", "413"]},
        "negative_data_rejection": {"expected-statuses": ["401", "404", "413", "415", "422"]},
    },
    "phases": {"coverage": {"generate-duplicate-query-parameters": True}},
}


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    return make_place("sqlite")


@pytest.fixture
async def document(place: Place, log: Log) -> Any:
    async with client_of(place.app(log)) as client:
        return (await client.get("/api/v1/openapi.json")).json()


def test_every_request_is_answered_as_described(place: Place, log: Log) -> None:
    """Were it to fail: a client made from the description breaks on what really comes back, some input is an error on
    our side, what the description forbids is taken, or an operation is open without the token."""
    core = place.app(log)
    service = application(
        core,
        Settings(web_access_token=TOKEN, web_rate_limit=0, public_url="http://testserver", _env_file=None),
        Metrics(),
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == f"{CONVERSATIONS}/{CONVERSATION}/answer":  # the one of the examples has an answer
            for turn in ("/restart", *CASE):
                await core.handle(f"web:{CONVERSATION}", Tap(turn))
        await service(scope, receive, send)

    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", app, config=schemathesis.Config.from_dict(SETTINGS),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )  # fmt: skip
    schema.raw_schema["security"] = [{"accessToken": []}]  # here a token is set, so without it nothing may be answered
    ran, answered, failures = set[str](), defaultdict[str, set[int]](set), list[str]()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(getattr(event, "info", None) or getattr(event, "exception", event)))
        elif isinstance(event, events.ScenarioFinished):
            for case in event.recorder.cases.values():
                response = event.recorder.interactions[case.value.id].response
                if response is not None:
                    answered[case.value.operation.label].add(response.status_code)
            for name, checks in event.recorder.checks.items():
                refused = identifies(event.recorder.cases[name].value.body)
                for check in checks:
                    ran.add(check.name)
                    if check.failure_info is not None and not (refused and check.name == "positive_data_acceptance"):
                        failures.append(f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}")
    assert failures == [], "\n\n".join(failures[:5])
    assert ran == set(CHECKS.get_all_names()) - NOT_RUN
    assert len(answered) == 11
    assert [label for label, statuses in answered.items() if not statuses & {200, 201}] == []


def identifies(body: Any) -> bool:
    """Whether a random text looks like an identifier: no schema says that such a one is refused."""
    return isinstance(body, dict) and isinstance(body.get("text"), str) and holds_identifier(body["text"])


def operations(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            yield path, method, operation


def test_every_operation_is_described(document: Any) -> None:
    """Were it to fail: whoever reads the description, or a client made from it, has to guess."""
    assert document["openapi"].startswith("3.1.")
    assert not {"servers", "externalDocs"} & document.keys(), "nothing in it leads elsewhere"
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names) == 11
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert len(operation["description"]) > 40, path
        assert operation["tags"], path
        wanted = {"400", "401", "403", "421", "429", "500", "200" if operation["operationId"][:5] != "begin" else "201"}
        wanted |= {"408", "413", "415", "422"} if "requestBody" in operation else set()
        wanted |= {"404"} if "{" in path else set()
        wanted |= {"304"} if path.startswith((KNOWLEDGE, "/api/v1/questionnaire")) else {"503"}
        wanted |= {"409"} if path.endswith("/answer") else set()
        assert wanted <= operation["responses"].keys(), (path, method)
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (path, parameter["name"])
        for status, response in operation["responses"].items():
            assert response["description"]
            if status >= "400" and "application/json" not in response["content"]:
                assert response["content"].keys() == {"application/problem+json"}, (path, status)
    for name, schema in document["components"]["schemas"].items():
        assert "HTTPValidationError" not in name
        assert schema["additionalProperties"] is False, name


def test_every_reference_and_example_of_the_description_holds(document: Any) -> None:
    """Were it to fail: an example that is copied from the description is refused, or shows what never comes back."""
    found = 0

    def walk(value: Any) -> None:
        nonlocal found
        if isinstance(value, list):
            for part in value:
                walk(part)
        if not isinstance(value, dict):
            return
        if isinstance(reference := value.get("$ref"), str):
            assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
        examples = [example["value"] for example in value.get("examples", {}).values()] if "schema" in value else []
        examples += [value["example"]] if "schema" in value and "example" in value else []
        for example in examples:
            whole = {**value["schema"], "components": document["components"]}
            Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)
            found += 1
        for name, part in value.items():
            if name not in ("example", "examples"):
                walk(part)

    walk(document)
    assert found > 50


async def test_the_examples_are_what_really_comes_back(document: Any, place: Place, log: Log) -> None:
    """Were it to fail: the description shows another answer than the service gives."""

    def examples(operation: str, part: str = "response") -> dict[str, Any]:
        found = next(entry for _, _, entry in operations(document) if entry["operationId"] == operation)
        done = found["responses"].get("201") or found["responses"]["200"]
        content = (found["requestBody"] if part == "request" else done)["content"]["application/json"]
        return {name: example["value"] for name, example in content["examples"].items()}

    def messages(answer: httpx.Response) -> Any:
        return answer.json()["messages"]

    async with client_of(place.app(log)) as client:
        profiles, advice = examples("recommend", "request"), examples("recommend")
        assert profiles.keys() == advice.keys()
        texts, understood = examples("understand", "request"), examples("understand")
        assert texts.keys() == understood.keys()
        for name, text in texts.items():
            assert (await client.post("/api/v1/understanding", json=text)).json() == understood[name], name
        for name, profile in profiles.items():
            assert (await client.post(ADVISE, json=profile)).json() == advice[name], name
        begun = await client.post(CONVERSATIONS)
        assert messages(begun) == examples("beginConversation")["conversation"]["messages"]
        where = f"{CONVERSATIONS}/{begun.json()['conversation']}"
        turns = examples("takeTurn", "request")
        taken = await client.post(f"{where}/turns", json=turns["option"])
        assert messages(taken) == examples("takeTurn")["conversation"]["messages"]
        await client.post(f"{where}/turns", json={"turn": "gate:in_scope"})
        assert messages(await client.get(where)) == examples("getConversation")["conversation"]["messages"]
        for turn in ("red_flags:none", "prior_lines:done", "early_stage_agents:none"):
            await client.post(f"{where}/turns", json={"turn": turn})
        assert messages(await client.post(f"{where}/turns", json=turns["text"]))[0]["id"] == "hr_status"
        assert messages(await client.post(f"{where}/turns", json=turns["command"]))[0]["id"] == "brain_metastases"
        for turn in ("brain_metastases:none", "hr_status:negative", "tdxd_access:available"):
            await client.post(f"{where}/turns", json={"turn": turn})
        assert messages(await client.post(f"{where}/turns", json=turns["several"]))[0]["id"] == "review"
        assert messages(await client.delete(where)) == examples("eraseConversation")["conversation"]["messages"]
        for path, operation, name in (
            (KNOWLEDGE, "getKnowledge", "knowledge"),
            (f"{KNOWLEDGE}/facts?limit=2", "listKnowledge", "facts"),
            (f"{KNOWLEDGE}/facts/{examples('getKnowledgeEntry')['fact']['id']}", "getKnowledgeEntry", "fact"),
        ):
            assert (await client.get(path)).json() == examples(operation)[name]


async def test_links_lead_from_a_conversation_to_what_can_be_done_with_it(document: Any) -> None:
    """Were it to fail: a client made from the description does not know what to do with an id."""
    begin = next(entry for _, _, entry in operations(document) if entry["operationId"] == "beginConversation")
    names = {entry["operationId"] for _, _, entry in operations(document)}
    links = begin["responses"]["201"]["links"]
    assert {link["operationId"] for link in links.values()} <= names
    assert len(links) == 4
