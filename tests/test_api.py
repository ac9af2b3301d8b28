"""The API as programs call it: advice for a profile, a conversation's answer, the knowledge, and what is refused."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from bot.app import OVERDUE, App, Tap
from bot.channels import api
from bot.channels.api import forms
from bot.channels.api.examples import PROFILES
from bot.exports import Form, export
from bot.log import Log
from bot.metrics import Metrics
from bot.serve import application
from bot.settings import Settings
from flows import VERSION
from flows.dialogue import advice_of
from flows.knowledge.load import shipped
from flows.profile import AGENTS, FIELDS, OPTIONS, Profile
from flows.questionnaire import ORDER, QUESTIONS, is_asked
from flows.sequencing.recommend import recommend
from flows.when import When
from messages.render import disclaimer
from messages.words import english
from tests.conftest import KEY, TABLES, Place
from tests.test_log import CASE
from tests.test_serve import CANARY, Service, problem

PROFILE: dict[str, Any] = PROFILES["second_line"][1]
ADVISE, CONVERSATIONS, KNOWLEDGE = "/api/v1/recommendations", "/api/v1/conversations", "/api/v1/knowledge"
FILES: tuple[Form, ...] = ("json", "html", "pdf", "fhir")
SOMEBODY = "x" * 32


def client_of(app: App, metrics: Metrics | None = None, token: str | None = None) -> httpx.AsyncClient:
    """A client of all that is served, with its guard: no port, no process."""
    settings = Settings(web_access_token=token, web_rate_limit=0, _env_file=None)
    transport = httpx.ASGITransport(application(app, settings, metrics or Metrics()))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    """One engine is enough here: what differs between them is tested with the log."""
    return make_place("sqlite")


@pytest.fixture
async def client(place: Place, log: Log) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(place.app(log)) as client:
        yield client


async def converse(client: httpx.AsyncClient, turns: Sequence[str], identifier: str = SOMEBODY) -> str:
    for turn in turns:
        taken = await client.post(f"{CONVERSATIONS}/{identifier}/turns", json={"turn": turn})
        assert taken.status_code == 200
    return f"{CONVERSATIONS}/{identifier}/answer"


def advice(profile: dict[str, Any], **more: Any) -> Any:
    return recommend(Profile.model_validate({**profile, **more}), shipped())


# One profile


async def test_a_profile_gets_its_advice_and_nothing_is_kept(client: httpx.AsyncClient, place: Place, log: Log) -> None:
    """S13, S22, S32: were it to fail, a program gets another answer than the command line, or a profile is kept."""
    answers = [await client.post(ADVISE, json=PROFILE) for _ in range(2)]
    expected = export("json", advice(PROFILE), english(shipped())).content
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.content for answer in answers] == [expected, expected]
    assert answers[0].headers["cache-control"] == "no-store"
    document = answers[0].json()
    assert document["disclaimer"] == disclaimer()
    assert document["record"]["profile"] == PROFILE
    assert document["record"]["review"] == "draft"
    assert [place.execute(f"SELECT * FROM {table}") for table in TABLES] == [[]] * len(TABLES)


async def test_a_region_counts_where_the_profile_names_none(place: Place, log: Log) -> None:
    """Were it to fail: authorisations are shown for another place than the patient's."""

    async def region(client: httpx.AsyncClient, query: str, **profile: str) -> Any:
        answer = await client.post(ADVISE + query, json={"her2_status": "positive", **profile})
        return answer.json()["record"]["profile"].get("region")

    async with client_of(place.app(log)) as client:
        assert await region(client, "") is None
        assert await region(client, "?region=us") == "us"
        assert await region(client, "?region=us", region="china") == "china"
        assert await region(client, "?region=us", region="unknown") == "unknown", "known not to be known"
    async with client_of(place.app(log, region="eu")) as client:
        assert await region(client, "") == "eu", "the setting's"
        assert await region(client, "?region=us") == "us"


@pytest.mark.parametrize("form", FILES)
async def test_the_advice_comes_in_the_form_asked_for(form: Form, client: httpx.AsyncClient) -> None:
    """S13: were it to fail, a form is another answer, or lacks what every export carries."""
    expected = export(form, advice(PROFILE), english(shipped()))
    by_name = await client.post(f"{ADVISE}?format={form}", json=PROFILE)
    by_type = await client.post(ADVISE, json=PROFILE, headers={"Accept": forms.MEDIA_TYPES[form]})
    for answer in (by_name, by_type):
        assert (answer.status_code, answer.content) == (200, expected.content)
        assert answer.headers["content-type"].partition(";")[0] == forms.MEDIA_TYPES[form]
        assert answer.headers["content-disposition"] == f'attachment; filename="{expected.name}"'
        assert answer.headers["vary"] == "Accept"


async def test_plain_text_says_all_that_the_page_says(client: httpx.AsyncClient) -> None:
    """S13, S26: were it to fail, whoever reads the text misses the disclaimer, the review status or the record."""
    answer = await client.post(f"{ADVISE}?format=text", json=PROFILE)
    text = " ".join(answer.text.split())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert disclaimer() in text
    assert "not clinically reviewed" in text
    assert advice(PROFILE).record_id in text


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "json"), ("", "json"), ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("application/*", "json"), ("text/*", "html"), ("text/html;q=0.5, text/plain", "text"),
        ("application/pdf;q=0.9, application/json;q=0.8", "pdf"), ("*/*, application/json;q=0", "html"),
        ("APPLICATION/FHIR+JSON ; Q=1", "fhir"), ("image/png", None), ("*/*;q=0", None), ("*/*;q=nan", None),
        ("*/*;q=inf", None), ("text/html;q=x", None),
        ("application/json;q=0.2, application/json;q=0.1, text/html;q=0.15", "json"), (",,;,", None),
    ],
)  # fmt: skip
def test_the_form_a_client_likes_best_is_taken(accept: str, form: str | None) -> None:
    """Were it to fail: a browser gets JSON, or a program a page it cannot read."""
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})
    if form is not None:
        assert forms.form_of(request, None) == form
    else:
        with pytest.raises(api.problems.Refused) as refused:
            forms.form_of(request, None)
        assert refused.value.status_code == 406
    assert forms.form_of(request, "pdf") == "pdf", "what is asked for by name wins"


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        ({"her2_status": "postive"}, "her2_status", "did you mean positive?"),
        ({"her2_status": 1}, "her2_status", "1 is not one of positive"),
        ({"her2_status": ["positive"]}, "her2_status", "a list is not one of"),
        ({"brain_mets": "none"}, "brain_mets", "did you mean brain_metastases?"),
        ({"prior_lines": [{"agents": ["t_dxd"], "outcome": "progresed"}]}, "prior_lines.1.outcome", "did you mean"),
        ({"prior_lines": [{}, {"agents": ["t_dxd", "t_dm2"]}]}, "prior_lines.2.agents.2", "did you mean t_dm1?"),
        ({"prior_lines": [{"agent": []}]}, "prior_lines.1.agent", "did you mean agents?"),
        ({"prior_lines": ["t_dxd"]}, "prior_lines.1", "each with agents and outcome"),
        ({"prior_lines": "none"}, "prior_lines", "expected a list of lines"),
        ({"prior_lines": [{}] * 16}, "prior_lines", "at most 15"),
        ({"early_stage_agents": ["taxol"]}, "early_stage_agents.1", "not an agent"),
        ({"months_since_adjuvant_her2": "6"}, "months_since_adjuvant_her2", "whole number of months"),
        ({"months_since_adjuvant_her2": 6.5}, "months_since_adjuvant_her2", "whole number of months"),
        ({"months_since_adjuvant_her2": True}, "months_since_adjuvant_her2", "whole number of months"),
        ({"months_since_adjuvant_her2": 1e300}, "months_since_adjuvant_her2", "whole number of months"),
        ({"red_flags": ["sepsis"]}, "red_flags.1", "not one of"),
        ({"x" * 5000: 1}, "x" * 300, "x"),
        ({"\u202e\n\x1b[2J": 1}, "???[2J", "there is no such field"),
        ({"her2_status": [[[[]]]] * 2000}, None, "no profile has so many"),
        ([PROFILE], None, "expected an object"),
        ([], None, "expected an object"),
        ("positive", None, "expected an object"),
    ],
)
async def test_a_profile_that_cannot_be_used_names_the_field(
    document: Any, field: str | None, said: str, client: httpx.AsyncClient
) -> None:
    """Were it to fail: an integrator has to guess what is wrong, or a wrong field counts as one that is not there."""
    answer = await client.post(ADVISE, json=document)
    problem(answer, 422, said)
    assert answer.json().get("field") == field
    assert answer.json()["title"] == "Unprocessable Content"
    assert len(answer.text) < 1000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"), (b"{", "line 1, column 2"), (b"her2_status: positive", "not JSON"), (b"\xff\xfe", "UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"), ('{"her2_status": "positive"}'.encode("utf-16"), "UTF-8"), (b"{} {}", "Extra"),
        (b'{"months_since_adjuvant_her2": NaN}', "NaN"), (b'{"months_since_adjuvant_her2": -Infinity}', "-Infinity"),
        (b'{"months_since_adjuvant_her2": 1e999}', "months_since_adjuvant_her2"), (b"9" * 5000, "too long"),
        (b"[" * 100_000, "too deeply"), (b'{"prior_lines":' * 16_000, "too deeply"),
        (b"[" * 800 + b"]" * 800, "object"), (b"null", "object"), (b"1", "object"),
        (b'{"prior_lines":' + b"[" * 800 + b"]" * 800 + b"}", "prior_lines"), (b'{"her2_status": "\\ud800"}', "her2"),
        (b'{"region": "eu", "region": "us"}', "region: given twice"), (b'{"zzcanaryzz": 1, "zzcanaryzz": 1}', "twice"),
        (b'{"prior_lines": [{"agents": [], "agents": ["t_dxd"]}]}', "agents: given twice"),
    ],
)  # fmt: skip
async def test_what_is_no_json_is_no_profile(body: bytes, said: str, client: httpx.AsyncClient) -> None:
    """S25: were it to fail, a broken document is an error on our side, or of two values one is taken in silence."""
    problem(await client.post(ADVISE, content=body, headers={"Content-Type": "application/json"}), 422, said)


async def test_numbers_and_lists_are_read_as_json_writes_them(client: httpx.AsyncClient) -> None:
    """Were it to fail: a profile that is right by the description is refused, because of how its language writes it."""
    profile = {"her2_status": "positive", "setting": "metastatic", "prior_lines": [], "early_stage_agents": ["t_dm1"]}
    body = json.dumps({**profile, "months_since_adjuvant_her2": 60})
    answers = [
        await client.post(ADVISE, content=text, headers={"Content-Type": "application/json"})
        for text in (body, body.replace("60", "60.0"), body.replace("60", "6e1"))
    ]
    assert [answer.json()["record"]["profile"]["months_since_adjuvant_her2"] for answer in answers] == [60] * 3
    unknown = await client.post(ADVISE, json={**profile, "prior_lines": [{"agents": "unknown", "outcome": "unknown"}]})
    assert unknown.json()["record"]["profile"]["prior_lines"] == [{"agents": [], "outcome": "unknown"}]


@pytest.mark.parametrize(
    ("query", "field"),
    [("regoin=us", None), ("region=", "region"), ("region=uk", "region"), ("region=us&region=us", "region"),
     ("format=xml", "format"), ("region=us&format=JSON", "format"), (f"{CANARY}={CANARY}", None)],
)  # fmt: skip
async def test_a_parameter_that_is_wrong_is_refused(query: str, field: str | None, client: httpx.AsyncClient) -> None:
    """Were it to fail: a misspelt region is no region, and the authorisations shown are another place's."""
    answer = await client.post(f"{ADVISE}?{query}", json=PROFILE)
    problem(answer, 422, field or "format or region")
    assert answer.json().get("field") == field


async def test_what_is_too_large_or_no_json_by_its_type_is_refused_after_it_was_read(
    client: httpx.AsyncClient, place: Place, log: Log
) -> None:
    """S33: were it to fail, sizes are unbounded, or each refusal costs the client its connection."""
    as_json = {"Content-Type": "application/json"}
    room = 256 * 1024
    assert (await client.post(ADVISE, content=b"{}" + b" " * (room - 2), headers=as_json)).status_code == 200
    problem(await client.post(ADVISE, content=b"{}" + b" " * (room - 1), headers=as_json), 413, "256 KiB")
    problem(await client.post(ADVISE, content=b"{}", headers={"Content-Type": "application/yaml"}), 415)
    answered, read = await by_hand(place, log, [b"{", b'"region":', b'"eu"', b"}"], "text/plain")
    assert (answered, read) == (415, 4), "read to its end first"


async def test_a_profile_that_comes_too_slowly_or_not_whole_is_given_up(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S33: were it to fail, a few idle clients hold every connection for ever."""
    monkeypatch.setattr(api, "SLOWEST", 0.05)
    assert await by_hand(place, log, [b'{"region":', None], "application/json") == (408, 1)
    assert await by_hand(place, log, [b'{"region":', b"", "gone"], "application/json") == (400, 3)


async def by_hand(place: Place, log: Log, parts: list[bytes | str | None], media_type: str) -> tuple[int, int]:
    """The status of a request whose body comes in parts (None: no more comes, text: the client is gone), and how many
    of them were read."""
    left, said = list(parts), list[Message]()

    async def receive() -> Message:
        part = left[0]
        if part is None:
            await asyncio.sleep(60)
        left.pop(0)
        if isinstance(part, str):
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"content-type", media_type.encode())]
    await api.create(place.app(log), Metrics())(
        {"type": "http", "method": "POST", "path": ADVISE, "query_string": b"", "headers": headers}, receive, send
    )
    return said[0]["status"], len(parts) - len(left)


async def test_answers_are_written_beside_the_event_loop_and_not_too_many_wait(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S33: were it to fail, a long document holds up every conversation, or requests pile up until memory is gone."""
    monkeypatch.setattr(forms, "MOST_WAITING", 2)
    going_on, written = threading.Event(), forms.export

    def slow(*arguments: Any) -> Any:
        assert going_on.wait(20)
        return written(*arguments)

    monkeypatch.setattr(forms, "export", slow)
    metrics = Metrics()
    async with client_of(place.app(log, meter=metrics), metrics) as client:
        waiting = [asyncio.create_task(client.post(ADVISE, json=PROFILE)) for _ in range(2)]
        await asyncio.sleep(0.05)
        turn = await client.post(f"{CONVERSATIONS}/{SOMEBODY}/turns", json={"turn": CASE[0]})
        assert turn.status_code == 200, "turns go on"
        refused = await client.post(ADVISE, json=PROFILE)
        problem(refused, 503, "too many")
        assert refused.headers["retry-after"] == "1"
        going_on.set()
        assert [(await answer).status_code for answer in waiting] == [200, 200]
        counted = (await client.get("/metrics")).text
    assert 'triage_answers_total{status="recommend"} 2.0' in counted


async def test_advice_past_its_review_date_says_so(place: Place, log: Log) -> None:
    """S27: were it to fail, a document for people hides that the rules behind it are overdue."""
    async with client_of(place.app(log, today=date(2999, 1, 1))) as client:
        answer = await client.post(f"{ADVISE}?format=text", json=PROFILE)
        assert answer.text.startswith(OVERDUE)
        told = await client.get(await converse(client, CASE), params={"format": "text"})
        assert told.text.startswith(OVERDUE)
    async with client_of(place.app(log)) as client:
        assert OVERDUE not in (await client.post(f"{ADVISE}?format=text", json=PROFILE)).text


# The answer of a conversation


@pytest.mark.parametrize("form", FILES)
async def test_a_finished_conversation_gives_its_answer(
    form: Form, client: httpx.AsyncClient, place: Place, log: Log
) -> None:
    """S13: were it to fail, what is kept of a conversation is another answer than it showed."""
    where = await converse(client, CASE)
    answers = [await client.get(where, params={"format": form}) for _ in range(2)]
    state = await place.app(log).state_of(f"web:{SOMEBODY}")
    expected = export(form, advice_of(state, shipped()), english(shipped()), state.role)
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, expected.content)] * 2
    assert answers[0].headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("turns", "stands_at"),
    [
        ((), "role"), (CASE[:1], "gate"), (CASE[:-1], "review"), ((*CASE, "/back"), "review"),
        ((*CASE, "/restart"), "role"), ((*CASE, "/forget"), "role"), ((*CASE, "/edit hr_status"), "hr_status"),
        (("role:not_professional",), "not_professional"), ((*CASE[:3], "/cancel"), "cancelled"),
    ],
)  # fmt: skip
async def test_before_there_is_an_answer_it_says_where_the_case_stands(
    turns: tuple[str, ...], stands_at: str, client: httpx.AsyncClient
) -> None:
    """S1: were it to fail, an answer is given without the attestation, or to a case that is still being changed."""
    answer = await client.get(await converse(client, turns))
    problem(answer, 409, "no answer yet", stands_at)
    assert "rank" not in answer.text


@pytest.mark.parametrize(
    ("turns", "status"),
    [(("role:trainee", "gate:other_tumour"), "decline"), ((*CASE[:2], "red_flags:cord_compression"), "refer")],
)
async def test_a_referral_or_refusal_is_an_answer_too(
    turns: tuple[str, ...], status: str, client: httpx.AsyncClient
) -> None:
    """S3, S4: were it to fail, the reason why nothing is ranked cannot be kept, or drugs stand beside it."""
    document = (await client.get(await converse(client, turns))).json()
    assert document["status"] == status
    assert document["reasons"]
    assert document["options"] == []


async def test_an_answer_is_that_of_the_case_as_other_workers_left_it(place: Place, log: Log) -> None:
    """S24: were it to fail, a worker hands out the answer of a case that was changed elsewhere."""
    async with client_of(place.app(log)) as one, client_of(place.app(log)) as other:
        where = await converse(one, CASE)
        assert (await one.get(where)).json()["record"]["profile"]["hr_status"] == "negative"
        await converse(other, ("/edit hr_status", "hr_status:positive", "review:confirm"))
        assert (await one.get(where)).json()["record"]["profile"]["hr_status"] == "positive"
        await converse(other, ("/restart",))
        problem(await one.get(where), 409, "role")


async def test_an_answer_that_cannot_be_read_now_is_to_be_asked_for_again(place: Place, log: Log) -> None:
    """S25: were it to fail, a stop or a lost database looks like a case without an answer."""
    app = place.app(log)
    async with client_of(app) as client:
        where = await converse(client, CASE)
        assert await app.stop(1)
        answer = await client.get(where)
        problem(answer, 503, "ask again")
        assert answer.headers["retry-after"] == "1"
        for wrong in (f"{CONVERSATIONS}/short/answer", f"{CONVERSATIONS}/{'x' * 33}/answer"):
            problem(await client.get(wrong), 404)


# The knowledge


async def pages(client: httpx.AsyncClient, kind: str, limit: int) -> list[dict[str, Any]]:
    """Every entry of a kind, page by page."""
    path: str | None = f"{KNOWLEDGE}/{kind}?limit={limit}"
    found: list[dict[str, Any]] = []
    while path is not None:
        page = (await client.get(path)).json()
        assert len(page["items"]) <= limit
        assert page["digest"] == shipped().digest
        found += page["items"]
        path = page["next"]
    assert page["total"] == len(found)
    return found


async def test_the_knowledge_says_what_it_is(client: httpx.AsyncClient) -> None:
    """S23, S26: were it to fail, nobody can tell which knowledge answers, and how far it was reviewed."""
    document, knowledge = (await client.get(KNOWLEDGE)).json(), shipped()
    assert document["digest"] == knowledge.digest
    assert (document["date"], document["software"]) == (knowledge.manifest.date.isoformat(), VERSION)
    assert (document["review"], document["reviewed"].keys()) == ("draft", {"draft"})
    assert document["counts"]["facts"] == sum(fact.shown for fact in knowledge.facts.values())
    assert document["counts"]["safety_rules"] == len(knowledge.rules)


async def test_every_entry_can_be_read_and_no_reference_dangles(client: httpx.AsyncClient) -> None:
    """S9, S10: were it to fail, the basis of a line cannot be reached, what could not be read is shown, or what was
    recalled is shown without its mark."""
    knowledge = shipped()
    hidden = {name for name, fact in knowledge.facts.items() if not fact.shown}
    assert hidden
    recalled = {name for name, fact in knowledge.facts.items() if fact.verification == "recalled"}
    counts = (await client.get(KNOWLEDGE)).json()["counts"]
    assert counts.keys() == set(api.knowledge.KINDS)
    for kind, count in counts.items():
        items = await pages(client, kind, 100)
        assert len({item["id"] for item in items}) == len(items) == count
        for item in items:
            answer = await client.get(f"{KNOWLEDGE}/{kind}/{item['id']}")
            assert answer.status_code == 200
            entry = answer.json()
            assert {name: entry[name] for name in item} == item
            assert 0 < len(item["title"]) <= 200
            assert hidden.isdisjoint(re.findall(r'"([^"]+)"', answer.text)), entry["id"]
            for name, fact in entry["facts"].items():
                assert fact["pending_review"] == (name in recalled)
                assert set(fact["sources"]) <= entry["sources"].keys()
            if kind == "facts":
                assert item["pending_review"] == (item["id"] in recalled)
                assert set(entry["entry"]["sources"]) == entry["sources"].keys()
                assert "article_claim" not in entry["entry"]
            cited = [name for name in entry["entry"].get("facts", ()) if kind != "facts"]
            assert set(cited) <= entry["facts"].keys()
    for name in hidden:
        problem(await client.get(f"{KNOWLEDGE}/facts/{name}"), 404)


async def test_lists_are_paged(client: httpx.AsyncClient) -> None:
    """S33: were it to fail, pages overlap or leave entries out, or one request gets without bounds."""
    whole = [item["id"] for item in await pages(client, "facts", 200)]
    for limit in (1, 7, 199):
        assert [item["id"] for item in await pages(client, "facts", limit)] == whole
    assert len((await client.get(f"{KNOWLEDGE}/facts")).json()["items"]) == 50
    beyond = (await client.get(f"{KNOWLEDGE}/facts?offset=100000")).json()
    assert (beyond["items"], beyond["next"], beyond["total"]) == ([], None, len(whole))
    for query in ("limit=0", "limit=201", "limit=-1", "limit=ten", "limit=1_0", "limit=5.0", "limit=+5", "limit=",
                  "limit=٣", f"limit={'9' * 5000}", "offset=100001", "offset=-1", "limit=1&limit=1",
                  "page=2"):  # fmt: skip
        problem(await client.get(f"{KNOWLEDGE}/facts?{query}"), 422)
    for path in ("nothing", "Facts", "facts/nothing", "nothing/cap-01", "facts/...", "facts/%2e%2e%2fmanifest",
                 "regimens/cap-01", "facts/" + "a" * 5000, "facts/cap-01%00"):  # fmt: skip
        problem(await client.get(f"{KNOWLEDGE}/{path}"), 404)


@pytest.mark.parametrize(
    "path",
    [KNOWLEDGE, f"{KNOWLEDGE}/facts", f"{KNOWLEDGE}/facts/cap-01", "/api/v1/questionnaire", "/api/v1/openapi.json"],
)
async def test_who_has_it_already_is_told_so(path: str, client: httpx.AsyncClient) -> None:
    """Were it to fail: a program fetches all of it each time, or goes on with yesterday's knowledge."""
    first = await client.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    if path.startswith(KNOWLEDGE):
        assert shipped().digest in tag
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for other in ('"other"', "", tag[:-2] + '"', tag.strip('"')):
        assert (await client.get(path, headers={"If-None-Match": other})).content == first.content
    head = await client.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert head.headers["content-length"] == str(len(first.content))
    problem(await client.get(f"{KNOWLEDGE}/facts/nothing", headers={"If-None-Match": "*"}), 404)


async def test_the_questionnaire_is_that_of_the_dialogue(client: httpx.AsyncClient) -> None:
    """Were it to fail: a form built from it asks other questions, or offers other answers, than the dialogue does."""
    document, words = (await client.get("/api/v1/questionnaire")).json(), english(shipped())
    questions = {question["name"]: question for question in document["questions"]}
    assert list(questions) == list(QUESTIONS)
    for name, question in questions.items():
        assert [option["value"] for option in question["options"]] == list(QUESTIONS[name].options)
        assert all(option["label"] == words.option(name, option["value"]) for option in question["options"])
        assert question["ask"] == words.questions[name].ask
    assert [field["name"] for field in document["fields"]] == list(FIELDS)
    for field in document["fields"]:
        if field["name"] in OPTIONS:
            assert [value["value"] for value in field["values"]] == list(OPTIONS[field["name"]])
        assert field["question"] in questions
    assert [agent["value"] for agent in document["agents"]] == list(AGENTS)
    assert {option["value"]: option["alone"] for option in questions["red_flags"]["options"]}["none"]


async def test_the_questionnaire_says_when_a_question_is_asked(client: httpx.AsyncClient) -> None:
    """Were it to fail: a form built from it asks what does not arise, or leaves out what does."""
    document = (await client.get("/api/v1/questionnaire")).json()
    asked = {question["name"]: question["asked"] for question in document["questions"]}
    for name in ORDER:
        rule, when = asked[name]["rule"], asked[name]["when"]
        if rule == "always":
            assert is_asked(name, {}, {})
        elif rule == "condition" and "safety" not in when:
            assert When(when) == QUESTIONS[name].when
            assert len(asked[name]["because"]) == len(When(when).atoms)
        elif rule == "condition":
            (ticked,) = when["safety"]["includes_any"]
            assert is_asked(name, {"safety": (ticked, "lvef")}, {})
            assert not is_asked(name, {"safety": ("lvef",)}, {})
        else:
            assert (rule, name in ("line_agents", "line_outcome")) == ("while_entering_a_line", True)
    assert asked["region"]["rule"] == "on_request"


# Paths and methods


async def test_every_path_says_which_methods_it_takes(client: httpx.AsyncClient) -> None:
    """Were it to fail: a client cannot find out what a path is asked with, or a wrong method is an error here."""
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    assert len(paths) == 10
    for template, operations in paths.items():
        path = template.replace("{identifier}", SOMEBODY).replace("{kind}", "facts").replace("{entry}", "cap-01")
        methods = {method.upper() for method in operations} | ({"HEAD"} if "get" in operations else set())
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "FIND"):
            if method not in methods:
                answer = await client.request(method, path)
                assert answer.headers["allow"] == ", ".join(sorted(methods))
                if method == "OPTIONS":
                    assert (answer.status_code, answer.content) == (204, b"")
                elif method == "HEAD":
                    assert (answer.status_code, answer.content) == (405, b"")
                else:
                    problem(answer, 405, "Allow")
    problem(await client.options("/api/v1/nothing"), 404)
    problem(await client.get("/api/v1/"), 404)
    problem(await client.get(KNOWLEDGE + "/"), 404)


async def test_odd_paths_are_not_found_and_lead_nowhere(client: httpx.AsyncClient) -> None:
    """S33, S34: were it to fail, a path nobody thought of is an error on our side, or reaches a file."""
    chance = random.Random(20261126)
    pieces = ["v1", "v2", "conversations", "turns", "knowledge", "facts", "answer", "openapi.json", "recommendations",
              "..", ".", "%2e%2e", "%2f", "..%2f..%2fetc%2fpasswd", "%5c..", "%00", "%ff%fe", "~root", "docs", "redoc",
              "static", "{identifier}", "*", ";x=1", "x" * 32, "é", "%F0%9F%92%8A", "a" * 3000, "", "manifest.yaml",
              "<script>"]  # fmt: skip
    statuses = set[int]()
    for _ in range(1000):
        path = "/api/" + "/".join(chance.choices(pieces, k=chance.randint(0, 6)))
        query = chance.choice(["", "", "?x=1", "?format=../../etc/passwd", "?limit=%00"])
        method = chance.choice(["GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
        answer = await client.request(method, path + query, content=b"{" if method == "POST" else None)
        assert answer.status_code < 500
        if answer.url.raw_path[:5] not in (b"/api/", b"/api"):  # the client leaves `/api/..` by itself
            continue
        statuses.add(answer.status_code)
        if answer.status_code >= 400 and method != "HEAD":
            problem(answer, answer.status_code)
        assert "root:" not in answer.text
    assert {404, 405} <= statuses <= {200, 201, 204, 404, 405, 409, 415, 422}, statuses


async def test_with_a_token_nothing_of_the_api_is_open(place: Place, log: Log) -> None:
    """S33: were it to fail, whoever reaches the port reads the knowledge, or has profiles answered."""
    async with client_of(place.app(log), token="a token of the tests") as client:
        for path in (
            KNOWLEDGE,
            "/api/v1/questionnaire",
            "/api/v1/openapi.json",
            "/api/v1/nothing",
            f"{KNOWLEDGE}/facts",
        ):
            problem(await client.get(path), 401)
        problem(await client.post(ADVISE, json=PROFILE), 401)
        client.headers["Authorization"] = "Bearer a token of the tests"
        assert (await client.post(ADVISE, json=PROFILE)).status_code == 200


async def test_what_fails_unforeseen_is_said_without_its_text(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S25, S31: were it to fail, a defect is a traceback to the caller, or says what was sent."""

    def broken(*_: Any) -> Any:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(api.recommendations, "recommend", broken)
    metrics = Metrics()
    async with client_of(place.app(log, meter=metrics), metrics) as client:
        answer = await client.post(ADVISE, json=PROFILE)
        problem(answer, 500, "not at fault")
        assert answer.headers["connection"] == "close"
        assert 'triage_errors_total{kind="RuntimeError"} 1.0' in (await client.get("/metrics")).text
        assert (await client.get(KNOWLEDGE)).status_code == 200


async def test_a_profile_is_neither_kept_nor_logged(
    place: Place, log: Log, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """S30, S31: were it to fail, something of a profile stands in a log, a table or a metric."""
    app = place.app(log)
    await app.handle("web:other", Tap(CASE[0]))
    async with client_of(app) as client:
        for document in ({CANARY: CANARY}, {"her2_status": CANARY}, {**PROFILE, "region": CANARY}):
            assert (await client.post(ADVISE, json=document)).status_code == 422
        assert (await client.post(f"{ADVISE}?{CANARY}={CANARY}", json=PROFILE)).status_code == 422
        metrics = (await client.get("/metrics")).text
    said = capsys.readouterr()
    assert CANARY not in place.everything() + metrics + said.out + said.err + caplog.text


# The document


def contains(whole: Any, part: Any) -> bool:
    """Whether all of `part` stands in `whole`, at the same places."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and contains(whole[name], value) for name, value in part.items() if name != "conversation"
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(contains(one, value) for one, value in zip(whole, part, strict=False))
    return bool(whole == part)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_of_the_document_run_as_written(tmp_path: Path) -> None:
    """Were it to fail: whoever follows docs/how-to/use-the-api.md gets something else than it shows."""
    page = (Path(__file__).parent.parent / "docs/how-to/use-the-api.md").read_text("utf-8")
    blocks = re.findall(r"```(json|sh)\n(.*?)```", page, re.S)
    (_, case), *rest = blocks
    (tmp_path / "case.json").write_text(case, "utf-8")
    commands = [text for kind, text in rest if kind == "sh"]
    promised = [
        json.loads(text) if kind == "json" else None
        for (before, _), (kind, text) in zip(rest, [*rest[1:], ("", "")], strict=True)
        if before == "sh"
    ]
    with Service({"TRIAGE_DATA_DIR": str(tmp_path / "data"), "TRIAGE_SECRET_KEY": KEY}, tmp_path) as service:
        script = "set -eu\n" + "\necho; echo =====\n".join(commands).replace("http://127.0.0.1:8000", service.url)
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    printed = [text.strip() for text in done.stdout.split("=====")]
    assert len(printed) == len(promised) == len(commands) > 6
    for command, text, wanted in zip(commands, printed, promised, strict=True):
        assert wanted is None or contains(json.loads(text), wanted), f"{command}\n{text[:1000]}"
    assert (tmp_path / "case.pdf").read_bytes().startswith(b"%PDF-")
    assert printed[-1] == "304"
    for kind in api.knowledge.KINDS:
        assert f"`{kind}`" in page
