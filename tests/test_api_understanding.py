"""Typed text over HTTP: understood, answered, refused; and never kept, logged or said back where it is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bot.app import Tap
from bot.channels import api
from bot.channels.api import forms
from bot.channels.api.examples import TEXTS
from bot.documents import LARGEST_TEXT
from bot.log import Log
from bot.metrics import Metrics
from flows.knowledge.load import shipped
from messages.document import text_advice_document, understanding_document
from messages.free_text import LONGEST, answer_to, text_words, understand
from messages.render import disclaimer
from messages.words import english
from tests.conftest import TABLES, Place
from tests.test_api import ADVISE, client_of
from tests.test_log import CASE as TURNS
from tests.test_serve import CANARY, problem

UNDERSTAND = "/api/v1/understanding"
CASE = TEXTS["case"][1]["text"]
PERSON = f"Mrs {CANARY}, HER2+ MBC"


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    return make_place("sqlite")


@pytest.fixture
async def client(place: Place, log: Log) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(place.app(log)) as client:
        yield client


async def test_a_text_is_understood_as_the_command_understands_it(client: httpx.AsyncClient) -> None:
    """Were it to fail: a program is told something else than a clinician in a terminal."""
    for document in (TEXTS["case"][1], TEXTS["asked_back"][1], TEXTS["answer"][1], {"text": ""}, {"text": " \n"}):
        answer = await client.post(UNDERSTAND, json=document)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        found = understand(document["text"], shipped(), question=document.get("question"))
        assert answer.json() == json.loads(understanding_document(found).model_dump_json())
    assert answer.json()["profile"] == {}


async def test_a_case_gets_its_advice_and_nothing_is_kept(client: httpx.AsyncClient, place: Place, log: Log) -> None:
    """S13, S22, S32: were it to fail, the answer to a text differs from the command's, or something of it is kept."""
    answers = [await client.post(f"{ADVISE}?region=eu", json={"text": CASE}) for _ in range(2)]
    words = english(shipped())
    expected = text_advice_document(answer_to(CASE, shipped(), words, "eu"), words)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].json() == json.loads(expected.model_dump_json())
    assert answers[0].headers["cache-control"] == "no-store"
    assert answers[0].json()["options"][0]["regimen"] == "t_dm1"
    assert [place.execute(f"SELECT * FROM {table}") for table in TABLES] == [[]] * len(TABLES)


@pytest.mark.parametrize("form", forms.TEXT_FORMS)
async def test_each_form_says_what_was_understood(form: forms.Form, client: httpx.AsyncClient) -> None:
    """S11, S13: were it to fail, a form of the answer hides what it was made from, or lacks the disclaimer."""
    by_name = await client.post(f"{ADVISE}?format={form}", json={"text": CASE})
    by_type = await client.post(ADVISE, json={"text": CASE}, headers={"Accept": forms.MEDIA_TYPES[form]})
    assert by_name.content == by_type.content
    said = " ".join(by_name.text.split())
    assert disclaimer() in said
    assert ("understanding" if form == "json" else text_words().heading) in said
    assert "THP" in said


@pytest.mark.parametrize("form", sorted(set(forms.FORMS) - set(forms.TEXT_FORMS)))
async def test_a_form_that_cannot_say_it_is_refused(form: forms.Form, client: httpx.AsyncClient) -> None:
    """S11: were it to fail, a file is handed out that does not say from which words it was made."""
    problem(await client.post(f"{ADVISE}?format={form}", json={"text": CASE}), 406, "json, html, text")
    accept = {"Accept": forms.MEDIA_TYPES[form]}
    problem(await client.post(ADVISE, json={"text": CASE}, headers=accept), 406, "text/plain")


@pytest.mark.parametrize("path", [UNDERSTAND, ADVISE])
async def test_a_text_that_could_identify_a_person_is_refused(path: str, client: httpx.AsyncClient) -> None:
    """S30: were it to fail, a name is read, answered with, or said back."""
    answer = await client.post(path, json={"text": PERSON})
    problem(answer, 422, "could identify a person")
    assert answer.json()["field"] == "text"


@pytest.mark.parametrize(
    ("path", "document", "said"),
    [
        (UNDERSTAND, {}, "text: "), (UNDERSTAND, [CANARY], "expected an object"), (UNDERSTAND, CANARY, "expected"),
        (UNDERSTAND, {"text": 17}, "text: "), (UNDERSTAND, {"text": None}, "text: "),
        (UNDERSTAND, {"text": CANARY * LONGEST}, "text: "), (UNDERSTAND, {"text": CANARY, CANARY: 1}, "other than"),
        (UNDERSTAND, {"text": CANARY, "question": CANARY}, "question: "),
        (ADVISE, {"text": [CANARY]}, "text: "), (ADVISE, {"text": "x" * (LONGEST + 1)}, "text: "),
        (ADVISE, {"text": CANARY, "her2_status": "positive"}, "not both"),
        (ADVISE, {"text": CANARY, CANARY: 1}, "not both"),
        (ADVISE, {"profile": {"her2_status": "positive"}}, "profile: there is no such field"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_refused_and_not_said_back(
    path: str, document: Any, said: str, client: httpx.AsyncClient
) -> None:
    """S31: were it to fail, a profile and a text are mixed, or an error page holds what was typed."""
    problem(await client.post(path, json=document), 422, said)


async def test_a_text_is_bounded(client: httpx.AsyncClient) -> None:
    """S33: were it to fail, one request can hold as much of the service as it likes."""
    assert (await client.post(UNDERSTAND, json={"text": "\u00b5\U0001f600" * (LONGEST // 2)})).status_code == 200
    problem(await client.post(UNDERSTAND, json={"text": "x" * LARGEST_TEXT}), 413, "KiB")
    for text in ("THP then " * 222, "1" * LONGEST, "(" * LONGEST, "HER2" * 500, "no " * 666):
        started = asyncio.get_running_loop().time()
        assert (await client.post(UNDERSTAND, json={"text": text})).status_code in (200, 422)
        assert asyncio.get_running_loop().time() - started < 2


async def test_texts_wait_for_their_turn_and_not_too_many(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it to fail: texts sent at once keep every conversation waiting."""
    monkeypatch.setattr(forms, "MOST_WAITING", 3)
    asked = (client.post(path, json={"text": CASE}) for path in (UNDERSTAND, ADVISE) * 4)
    answers = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert set(answers) == {200, 503}
    assert (await client.post(UNDERSTAND, json={"text": CASE})).status_code == 200


async def test_a_text_is_neither_kept_nor_logged(
    place: Place, log: Log, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """S30, S31: were it to fail, a typed word stands in a log, a table, a metric or an error."""
    caplog.set_level("DEBUG")
    metrics = Metrics()
    app = place.app(log, meter=metrics)
    await app.handle("web:other", Tap(TURNS[0]))
    text = f"{CASE} {CANARY}"
    async with client_of(app, metrics) as client:
        for path in (UNDERSTAND, ADVISE):
            assert CANARY in (await client.post(path, json={"text": text})).text
            for document in ({"text": PERSON}, {"text": text, CANARY: CANARY}, {"text": CANARY * LONGEST}):
                problem(await client.post(path, json=document), 422)

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError(CANARY)

        monkeypatch.setattr(api.recommendations, "answer_to", broken)
        monkeypatch.setattr(api.understanding, "understand", broken)
        for path in (UNDERSTAND, ADVISE):
            problem(await client.post(path, json={"text": text}), 500, "not at fault")
        told = (await client.get("/metrics")).text
    said = capsys.readouterr()
    assert CANARY not in place.everything() + told + said.out + said.err + caplog.text
    assert 'triage_answers_total{status="conditional"} 1.0' in told


async def test_the_region_of_the_setting_counts_where_the_text_names_none(place: Place, log: Log) -> None:
    """Were it to fail: a text's region is another than the setting's, or the text's own is overruled."""
    async with client_of(place.app(log, region="us")) as client:
        for text, region in ((CASE, "us"), (f"{CASE} We are in China.", "china")):
            answer = (await client.post(ADVISE, json={"text": text})).json()
            assert answer["record"]["profile"]["region"] == region
