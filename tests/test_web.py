"""The web chat from outside: its addresses, forms and cookies, and whatever somebody may send there instead."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import pytest_asyncio
from pypdf import PdfReader
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

import bot.channels.web.view
from bot.app import App
from bot.browsing import Browser, Form, Page, Pairs
from bot.channels.web import channel
from bot.channels.web.pages import static_address
from bot.channels.web.sessions import CASES, Session, cookie_name, form_token
from bot.channels.web.view import Answered, Asked, Choice, Control
from bot.exports import export
from bot.log import Keys, Log, LogError
from bot.metrics import Metrics
from bot.retention import sweep
from bot.serve import application
from bot.settings import Settings
from flows.dialogue import FINALS, State, advice_of
from flows.questionnaire import QUESTIONS
from flows.turns import SECTIONS, TOPICS
from messages.message import Block
from messages.render import disclaimer
from messages.understanding import LONGEST
from messages.words import web_words
from tests.conftest import KEY, NOW, TODAY, Place
from tests.test_log import CASE

CANARY = "zzcanaryzz"
HERE = "http://127.0.0.1:8000"
PUBLIC = "https://triage.example.org"
FORM = "application/x-www-form-urlencoded"
WIRES = [wire.partition(":")[2] for wire in CASE]
"""What is pressed for a whole case, in order."""
REVIEWED = WIRES[:-1]
POSTED = ("/case/1", "/case/new", "/case/1/forget")
"""Where forms are sent."""
READ = (
    "/", "/case/1", *(f"/case/1/at/{name}" for name in (*QUESTIONS, *FINALS)),
    *(f"/case/1/show/{name}" for name in (*TOPICS, *SECTIONS)),
    *(f"/case/1/answer.{form}" for form in channel.FILES), "/case/1/forget",
)  # fmt: skip
"""Every address that can be read."""


class Service:
    """The web port as it is composed, on a log that can be opened anew, and the browsers before it."""

    def __init__(self, place: Place, url: str = HERE, **given: Any) -> None:
        self.place = place
        self.url = url
        self.given = given
        self.today = TODAY
        self.clients: list[httpx.AsyncClient] = []
        self.start()

    def start(self, **options: Any) -> None:
        """Open the log and serve: also after what was open before ended."""
        settings = {"public_url": PUBLIC} if self.url == PUBLIC else {}
        self.log: Log = self.place.open()
        self.app: App = self.place.app(self.log, today=self.today, **options)
        self.settings = Settings(
            data_dir=self.place.folder / "data", web_rate_limit=0, _env_file=None, **{**settings, **self.given}
        )
        self.serves: ASGIApp = application(self.app, self.settings, Metrics())

    def restart(self) -> None:
        """Stop, and start again on the same log."""
        self.log.close()
        self.start()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.serves(scope, receive, send)

    def client(self) -> httpx.AsyncClient:
        """A client that holds nothing yet."""
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self._serve), base_url=self.url)
        self.clients.append(client)
        return client

    async def browser(self, *said: str) -> Browser:
        """A browser that was never here before, and says this."""
        browser = Browser(self.client())
        await browser.open("/")
        for one in said:
            await browser.say(one)
        return browser

    def session(self, browser: Browser) -> Session:
        """What the browser's cookie says."""
        value = browser.cookies[cookie_name(secure=self.url == PUBLIC)]
        name, cases, _ = value.split(".")
        return Session(name, int(cases))

    async def state(self, browser: Browser, case: int = 1) -> State:
        """Where the browser's case stands."""
        return await self.app.state_of(self.session(browser).conversation(case))

    def kept(self) -> str:
        """All that is in the log."""
        tables = ("conversation", "turn", "delivery", "record")
        return "".join(repr(self.place.execute(f"SELECT * FROM {table}")) for table in tables)


@pytest_asyncio.fixture
async def service(make_place: Callable[[str], Place]) -> AsyncIterator[Service]:
    """The service on an empty log in a file."""
    async for one in served(make_place("sqlite")):
        yield one


@pytest_asyncio.fixture
async def on_each(place: Place) -> AsyncIterator[Service]:
    """The service on an empty log, on each engine in turn."""
    async for one in served(place):
        yield one


async def served(place: Place, url: str = HERE, **given: Any) -> AsyncIterator[Service]:
    service = Service(place, url, **given)
    try:
        yield service
    finally:
        for client in service.clients:
            await client.aclose()


@pytest_asyncio.fixture
async def behind_tls(make_place: Callable[[str], Place]) -> AsyncIterator[Service]:
    """The service under a public address, which other sites may embed."""
    async for one in served(make_place("sqlite"), PUBLIC, web_embed_origins="https://portal.example.org"):
        yield one


def notices(page: Page) -> list[str]:
    """What is said about the turn itself."""
    return [item.name.removeprefix("notice.") for item in page.items if item.name.startswith("notice.")]


def shows_answer(page: Page) -> bool:
    return "record" in page.text.lower() and any(page.root.all("article", **{"class": "answer"}))


def turns_form(page: Page) -> Form:
    """The form with the question's buttons."""
    return next(form for form in page.forms if any(field.name == "question" for field in form.fields))


def with_values(pairs: Pairs, **values: str) -> Pairs:
    """A form's fields, some of them forged."""
    return [*((name, value) for name, value in pairs if name not in values), *values.items()]


# Whose case it is


async def test_the_cookie_is_for_this_service_alone(service: Service, behind_tls: Service) -> None:
    """S34: were it to fail, a script or another site can read or use a browser's cases."""
    response = await service.client().get("/", headers={"Accept": "text/html"})
    (cookie,) = response.headers.get_list("set-cookie")
    assert re.fullmatch(
        r"triage_session=[\w-]{32}\.1\.[0-9a-f]{32}; Max-Age=259200; Path=/; HttpOnly; SameSite=Lax", cookie
    )
    response = await behind_tls.client().get("/")
    (cookie,) = response.headers.get_list("set-cookie")
    assert re.fullmatch(r"__Host-triage_session=\S+; Max-Age=\d+; Path=/; HttpOnly; SameSite=Lax; Secure", cookie)
    response = await behind_tls.client().get("/embed")
    (cookie,) = response.headers.get_list("set-cookie")
    assert re.fullmatch(
        r"__Host-triage_embedded=\S+; Max-Age=\d+; Path=/; HttpOnly; SameSite=None; Partitioned; Secure", cookie
    )


async def test_a_session_cannot_be_guessed(service: Service) -> None:
    """S34: were it to fail, somebody else's case is found by trying."""
    names = {service.session(await service.browser()).name for _ in range(50)}
    assert len(names) == 50
    assert len(set("".join(names))) >= 60, "of 64 letters, all occur"


async def test_a_session_lasts_as_long_as_its_cases(service: Service) -> None:
    """Were it to fail: a case that is still kept cannot be reached any more, because its cookie ran out first."""
    browser = await service.browser()
    (form, button) = browser.page.button(CASE[0])
    response = await browser.post(form.address, form.sent(button))
    assert "Max-Age=259200" in response.headers["set-cookie"]
    assert service.session(browser).name in response.headers["set-cookie"]
    response = await browser.get("/case/1")
    assert "set-cookie" not in response.headers, "looking keeps nothing longer"


FORGED: tuple[Callable[[str], str], ...] = (
    lambda value: value.replace(value[0], "A" if value[0] != "A" else "B", 1),
    lambda value: value.replace(".1.", ".9."),
    lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
    lambda value: _signed(value, Keys("another key that is long enough"), b"web session"),
    lambda value: _signed(value, Keys(KEY), b"web form"),
    lambda value: "A" * 32 + ".1." + "0" * 32,
    lambda value: "",
    lambda value: value * 2,
    lambda value: "\x00" + value,
)


def _signed(value: str, keys: Keys, purpose: bytes) -> str:
    name = value.rpartition(".")[0]
    return f"{name}.{keys.sign(purpose, name)}"


async def test_a_name_that_was_not_given_here_is_not_taken_up(service: Service) -> None:
    """S34: were it to fail, a person can be made to enter a case where somebody else reads it."""
    browser = await service.browser(*REVIEWED[:3])
    value = browser.cookies[cookie_name(secure=False)]
    for forge in FORGED:
        cookie = f"{cookie_name(secure=False)}={forge(value)}".encode()
        response = await service.client().get("/case/1", headers=[(b"cookie", cookie)])
        assert Page("/", response.status_code, response.text).asked == "role", forge(value)
        given = response.headers["set-cookie"].partition("=")[2]
        assert given[:32] not in (value[:32], forge(value)[:32])
    assert Page("/", 200, (await browser.get("/case/1")).text).asked == "prior_lines", "as it was given, it holds"


async def test_a_key_can_be_changed_under_a_session(service: Service) -> None:
    """Were it to fail: changing the key throws everybody out of their cases."""
    browser = await service.browser(*REVIEWED[:3])
    old = browser.page
    service.log.close()
    service.log = service.place.open(f"a newer key of the tests that is long enough,{KEY}")
    service.app = service.place.app(service.log)
    service.serves = application(service.app, service.settings, Metrics())
    assert (await browser.open("/case/1")).asked == "prior_lines"
    browser.page = old
    assert (await browser.say("tch")).asked == "line_outcome", "a form from before the change"


async def test_another_browser_sees_nothing_of_a_case(service: Service) -> None:
    """S34: were it to fail, the number in an address opens somebody else's case."""
    one = await service.browser(*WIRES)
    await one.press_plain("/case/new")
    other = await service.browser()
    assert (await other.open("/case/1")).asked == "role"
    assert (await other.open("/case/2")).asked == "role"
    assert (await other.open("/case/1/at/advice")).asked == "role"
    assert (await other.open("/case/1/answer.json")).status == 404


async def test_embedded_it_is_a_session_of_its_own(behind_tls: Service, service: Service) -> None:
    """S34: were it to fail, a page that frames the chat shows what the person does in a window of its own."""
    browser = await behind_tls.browser(*REVIEWED[:3])
    assert (await browser.open("/embed")).asked == "role"
    for said in WIRES:
        page = await browser.say(said)
        assert page.address.startswith("/embed/case/1"), "it stays in the frame"
        inner = [link.address for link in page.links if link.address.startswith("/")]
        assert all(address.startswith("/embed") for address in (*inner, *(form.address for form in page.forms)))
    assert shows_answer(page)
    assert (await browser.get("/embed/case/1/answer.json")).status_code == 200
    assert (await browser.open("/")).asked == "prior_lines"
    assert (await (await service.browser()).open("/embed")).status == 404, "unless other sites are named, there is none"


async def test_with_a_token_the_chat_is_behind_the_door(make_place: Callable[[str], Place]) -> None:
    """S33: were it to fail, the token guards the API and not the chat, or a browser cannot come in at all."""
    async for service in served(make_place("sqlite"), web_access_token="a token of the tests " + CANARY):
        browser = Browser(service.client())
        for path in ("/", "/case/1", "/case/1/answer.json", "/case/1/forget"):
            response = await browser.get(path)
            assert response.status_code == 303, path
            assert response.headers["location"].startswith("/sign-in"), path
            assert "set-cookie" not in response.headers, path
        page = await browser.open("/")
        (form,) = page.forms
        page = await browser.send(form.address, [*form.sent(), ("token", "a token of the tests " + CANARY)])
        assert page.asked == "role"
        assert (await browser.say("oncologist")).asked == "gate"


# Forms of others


def forged(keys: Keys, own: Session) -> dict[str, str | None]:
    token = form_token(own, keys)
    nonce, _, signature = token.partition(".")
    return {
        "missing": None,
        "empty": "",
        "half": f"{nonce}.",
        "no nonce": f".{signature}",
        "altered": f"{nonce}A.{signature}",
        "of another session": form_token(Session("B" * 32), keys),
        "of another key": form_token(own, Keys("another key that is long enough")),
        "signed for something else": f"{nonce}.{keys.sign(b'web session', f'{own.name}.{nonce}')}",
        "not letters": "\ud800\x00é.\U0001f600",
    }


@pytest.mark.parametrize("path", POSTED)
async def test_a_form_that_is_not_of_this_session_changes_nothing(service: Service, path: str) -> None:
    """S34: were it to fail, another site answers, opens or erases a case in a clinician's name."""
    browser = await service.browser(*REVIEWED[:3])
    before, cookies = service.kept(), dict(browser.cookies)
    for name, token in forged(service.app.log.keys, service.session(browser)).items():
        pairs = [("turn", "prior_lines:tch"), ("what", "all"), ("screen", "1.1.3")]
        if token is not None:
            pairs.append(("token", token.encode("utf-8", "replace").decode()))
        response = await browser.post(path, pairs)
        assert response.status_code == 403, name
        assert web_words().errors["forbidden"] in Page(path, 403, response.text).text
        assert "set-cookie" not in response.headers, name
    assert service.kept() == before
    assert dict(browser.cookies) == cookies


ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{HERE}.evil.example"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
    {"Origin": HERE, "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {},
)


@pytest.mark.parametrize("path", POSTED)
async def test_a_form_from_another_site_changes_nothing(service: Service, path: str) -> None:
    """S34: were it to fail, the token is all that stands between a case and another site."""
    browser = await service.browser(*REVIEWED[:3])
    before = service.kept()
    form, button = browser.page.button("prior_lines:tch")
    for headers in ELSEWHERE:
        asked = {**headers, "Accept": "text/html", "Content-Type": FORM}
        body = urlencode([*form.sent(button), ("what", "all")])
        response = await service.clients[-1].post(path, content=body, headers=asked)
        assert response.status_code == 403, headers
        assert "set-cookie" not in response.headers, headers
    assert service.kept() == before
    assert (await browser.press("prior_lines:tch")).asked == "line_outcome", "from its own page it is taken"


# Coming back


async def test_a_case_goes_on_after_a_reload_a_restart_and_in_another_tab(on_each: Service) -> None:
    """S24: were it to fail, a clinician who comes back begins anew, or answers twice."""
    service = on_each
    browser = await service.browser(*REVIEWED[:4])
    tab = await browser.tab("/case/1")
    assert tab.asked == browser.page.asked == "line_outcome"
    service.restart()
    assert (await browser.open(browser.page.address)).asked == "line_outcome"
    assert (await browser.press("line_outcome:progression", tab)).asked == "prior_lines", (
        "a form from before the restart"
    )
    before = service.kept()
    await browser.press("line_outcome:toxicity", tab)
    assert notices(browser.page) == ["stale"]
    assert service.kept().count("line_outcome") == before.count("line_outcome") == 1
    for said in WIRES[5:]:
        await browser.say(said)
    assert shows_answer(browser.page)
    answer = browser.page.text
    service.restart()
    assert (await browser.open("/")).text == answer
    assert service.place.turns() == list(CASE)


async def test_cases_stand_side_by_side(service: Service) -> None:
    """Were it to fail: a clinician with two patients answers for the wrong one, or loses one."""
    browser = await service.browser(*REVIEWED[:3])
    for number in range(2, CASES + 1):
        page = await browser.press_plain("/case/new")
        assert page.address == f"/case/{number}"
        assert page.asked == "role"
        assert service.session(browser).cases == number
    await browser.say("trainee")
    token = next(field.value for form in page.forms for field in form.of_kind("hidden") if field.name == "token")
    assert not any(form.address == "/case/new" for form in page.forms), "there is no room for a tenth"
    assert (await browser.send("/case/new", [("token", token)])).address == f"/case/{CASES}"
    assert service.session(browser).cases == CASES
    assert (await browser.open(f"/case/{CASES}")).asked == "gate"
    assert (await browser.open("/case/1")).asked == "prior_lines"
    assert (await browser.open("/case/2")).asked == "role"
    for none in ("0", "10", "11", "99999999999999999999", "-1", "1x"):
        assert (await browser.open(f"/case/{none}")).status == 404, none


# Looking


async def everything_looked_at(service: Service, browser: Browser) -> None:
    """Read every address of a case; nothing may be another afterwards."""
    before, stood = service.kept(), await service.state(browser)
    for path in READ:
        response = await browser.get(path)
        assert response.status_code in (200, 303, 404), path
    assert service.kept() == before
    assert await service.state(browser) == stood
    service.restart()
    assert await service.state(browser) == stood


@pytest.mark.parametrize("said", [(), REVIEWED[:6], REVIEWED], ids=["begun", "midway", "reviewed"])
async def test_looking_changes_nothing(on_each: Service, said: list[str]) -> None:
    """Were it to fail: a reload, a prefetch or the Back button answers, edits or erases."""
    await everything_looked_at(on_each, await on_each.browser(*said))


async def test_looking_at_an_answer_changes_nothing(service: Service) -> None:
    """Were it to fail: an answer is another one, or gone, after its evidence was read or its file was saved."""
    await everything_looked_at(service, await service.browser(*WIRES))


async def test_whoever_asks_for_the_head_alone_gets_it(service: Service) -> None:
    """Were it to fail: a link checker, or a proxy, takes a page for missing."""
    browser = await service.browser(*REVIEWED[:3])
    for path in READ:
        whole, head = await browser.get(path), await service.clients[-1].head(path)
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        assert head.headers.get("content-type") == whole.headers.get("content-type"), path
        assert head.headers["content-security-policy"] == whole.headers["content-security-policy"], path


async def test_an_earlier_question_is_looked_at_and_left(service: Service) -> None:
    """Were it to fail: whoever only looks at an answer has opened it, and the case stands somewhere else."""
    browser = await service.browser(*REVIEWED)
    before = service.kept()
    page = await browser.open("/case/1/at/brain_metastases")
    assert page.asked == "brain_metastases"
    assert web_words().says["editing"] in page.text
    assert (await service.state(browser)).here == "review"
    leave = next(link for link in page.links if link.label == web_words().says["keep"])
    assert (await browser.open(leave.address)).asked == "review"
    assert service.kept() == before


async def test_an_earlier_answer_is_changed_with_one_press(on_each: Service) -> None:
    """Were it to fail: Edit changes something else than what was pressed, or needs a second press."""
    service = on_each
    browser = await service.browser(*REVIEWED)
    await browser.open("/case/1/at/brain_metastases")
    assert (await browser.press("brain_metastases:stable")).asked == "leptomeningeal"
    assert service.place.turns()[-2:] == ["/edit brain_metastases", "brain_metastases:stable"]
    assert (await browser.say("absent")).asked == "review"
    assert (await service.state(browser)).profile.brain_metastases == "stable"


@pytest.mark.parametrize("said", [REVIEWED, WIRES], ids=["reviewed", "answered"])
async def test_an_edit_from_a_tab_that_is_behind_is_refused(service: Service, said: list[str]) -> None:
    """Were it to fail: an old tab overwrites what was answered since."""
    browser = await service.browser(*said)
    old = await browser.tab("/case/1/at/brain_metastases")
    await browser.open("/case/1/at/hr_status")
    await browser.press("hr_status:positive")
    before, stood = service.place.turns(), await service.state(browser)
    page = await browser.press("brain_metastases:active", old)
    assert notices(page) == ["stale"]
    assert (service.place.turns(), await service.state(browser)) == (before, stood)


async def test_what_is_sent_twice_is_taken_once(on_each: Service) -> None:
    """S24: were it to fail, an impatient double click answers the next question too, or enters a line twice."""
    service = on_each
    browser = await service.browser(*REVIEWED[:3])
    form, button = browser.page.button("prior_lines:tch")
    responses = await asyncio.gather(*(browser.post(form.address, form.sent(button)) for _ in range(8)))
    assert {response.headers.get("location") for response in responses} == {"/case/1/at/line_outcome#asked"}
    await browser.follow(responses[0])
    await browser.say("progression")
    again = await browser.send(form.address, form.sent(button))
    assert (again.asked, notices(again)) == ("prior_lines", []), "the same form, much later"
    assert service.place.turns() == list(CASE[:5])
    await browser.open("/case/1/at/red_flags")
    form, button = browser.page.button("red_flags:unknown")
    for _ in range(3):
        await browser.send(form.address, form.sent(button))
    assert service.place.turns()[5:] == ["/edit red_flags", "red_flags:unknown"]


async def test_of_two_answers_at_once_one_is_taken(on_each: Service) -> None:
    """Were it to fail: two tabs answer one question, and the second answer goes to the next one."""
    browser = await on_each.browser(*REVIEWED[:8])
    tabs = [browser.page, *[await browser.tab("/case/1") for _ in range(2)]]
    forms = [
        tab.button(f"hr_status:{option}") for tab, option in zip(tabs, ("positive", "negative", "unknown"), strict=True)
    ]
    answers = await asyncio.gather(*(browser.post(form.address, form.sent(button)) for form, button in forms))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 303]
    refused = [Page("/", 200, answer.text) for answer in answers if answer.status_code == 200]
    assert [(notices(page), page.asked) for page in refused] == [(["stale"], "tdxd_access")] * 2
    assert sum(turn.startswith("hr_status") for turn in on_each.place.turns()) == 1


async def test_another_answer_from_a_page_that_was_answered_is_refused_aloud(service: Service) -> None:
    """Were it to fail: a red flag that is pressed on a page the browser still held is dropped without a word."""
    browser = await service.browser(*REVIEWED[:2])
    held = browser.page
    await browser.say("none")
    stood = service.place.turns()
    form = turns_form(held)
    page = await browser.send(form.address, form.sent(ticked=["cord_compression"]))
    assert (notices(page), page.asked) == (["stale"], "prior_lines")
    page = await browser.type("cord compression", held)
    assert (notices(page), page.asked) == (["late"], "prior_lines")
    assert service.place.turns() == stood


async def test_a_screen_that_is_not_shown_answers_nothing(service: Service) -> None:
    """Were it to fail: an answer that was meant for another question is taken for this one."""
    browser = await service.browser(*REVIEWED[:3])
    before = service.place.turns()
    form, button = browser.page.button("prior_lines:tch")
    for screen in ("", "1", "0.0.0", "1.1.99", "9.9.9", "-1.-1.-1", "1.1.3\n", "٣.1.1", "9" * 40, "a.b.c"):
        page = await browser.send(form.address, with_values(form.sent(button), screen=screen))
        assert notices(page) == ["stale"], screen
        assert (page.status, page.asked, service.place.turns()) == (200, "prior_lines", before)
        form, button = page.button("prior_lines:tch")


# Controls of their own


async def test_a_second_press_from_the_page_of_an_edit_is_refused(on_each: Service) -> None:
    """Were it to fail: two lines are removed where one was meant, and the answer offers what was given already."""
    browser = await on_each.browser(
        *REVIEWED[:3], "tch", "progression", "t_dm1", "toxicity", "t_dxd", "progression", "done"
    )
    edit = await browser.tab("/case/1/at/prior_lines")
    await browser.press("prior_lines:line_1_remove", edit)
    before = on_each.place.turns()
    page = await browser.press("prior_lines:line_2_remove", edit)
    assert notices(page) == ["stale"]
    assert on_each.place.turns() == before
    lines = (await on_each.state(browser)).profile.prior_lines
    assert lines is not None
    assert [line.agents for line in lines] == [("t_dm1",), ("t_dxd",)]


@pytest.mark.parametrize("ended", ["/restart", "/forget"])
async def test_an_edit_left_open_does_not_answer_the_next_case(ended: str, service: Service) -> None:
    """Were it to fail: what was meant for one patient becomes the answer of another."""
    browser = await service.browser(*REVIEWED)
    left = await browser.tab("/case/1/at/hr_status")
    await browser.type(ended)
    await browser.open("/case/1")
    for said in REVIEWED:
        if browser.page.asked != "hr_status":
            await browser.say(said)
    assert browser.page.asked == "hr_status"
    before = service.place.turns()
    page = await browser.press("hr_status:positive", left)
    assert service.place.turns() == before
    assert page.asked == "hr_status"
    assert notices(page), "nobody is told that it was not taken"


async def test_lines_are_changed_and_removed_one_by_one(service: Service) -> None:
    """Were it to fail: of three lines another one than the one named is changed, or the last one goes."""
    browser = await service.browser(*REVIEWED[:3], "tch", "progression", "t_dm1", "toxicity", "t_dxd", "progression")
    await browser.say("line_2_completed")
    lines = (await service.state(browser)).profile.prior_lines
    assert lines is not None
    assert [(line.agents[-1], line.outcome) for line in lines] == [
        ("trastuzumab", "progression"), ("t_dm1", "completed"), ("t_dxd", "progression"),
    ]  # fmt: skip
    await browser.press("prior_lines:line_1_remove")
    lines = (await service.state(browser)).profile.prior_lines
    assert lines is not None
    assert [line.agents for line in lines] == [("t_dm1",), ("t_dxd",)]
    listed = browser.page.within("ol", **{"class": "entered"})
    assert [line.spoken for line in listed.all("summary")] == [
        "Line 1: Completed as planned Change", "Line 2: Progression Change",
    ]  # fmt: skip
    await browser.press("prior_lines:line_2_earlier")
    lines = (await service.state(browser)).profile.prior_lines
    assert lines is not None
    assert [(line.agents, line.outcome) for line in lines] == [(("t_dxd",), "progression"), (("t_dm1",), "completed")]


async def test_a_line_is_changed_from_the_review(service: Service) -> None:
    """Were it to fail: the list of lines can be seen from the review and not be changed there."""
    browser = await service.browser(*REVIEWED)
    page = await browser.open("/case/1/at/prior_lines")
    assert page.asked == "prior_lines"
    await browser.say("line_1_toxicity")
    assert service.place.turns()[-2:] == ["/edit prior_lines", "prior_lines:line_1_toxicity"]
    assert (await browser.say("done")).asked == "review"
    lines = (await service.state(browser)).profile.prior_lines
    assert lines is not None
    assert [line.outcome for line in lines] == ["toxicity"]


async def test_boxes_beside_what_stands_alone_are_not_dropped(service: Service) -> None:
    """Were it to fail: somebody ticks spinal cord compression, presses None, and the case goes on without it."""
    browser = await service.browser(*REVIEWED[:2])
    before = service.place.turns()
    form, none = browser.page.button("red_flags:none")
    page = await browser.send(form.address, form.sent(none, ticked=["cord_compression", "acute_dyspnoea"]))
    assert (notices(page), page.asked) == (["alone"], "red_flags")
    ticked = [box.value for box in turns_form(page).of_kind("box") if box.on]
    assert ticked == ["cord_compression", "acute_dyspnoea"], "and they are still ticked"
    assert service.place.turns() == before
    form = turns_form(page)
    done = next(button for button in form.of_kind("button") if not button.name)
    page = await browser.send(form.address, form.sent(done))
    assert "time-critical" in page.text.lower(), "S4"


async def test_done_with_nothing_ticked_answers_nothing(service: Service) -> None:
    """S19: were it to fail, an empty form counts as None."""
    browser = await service.browser(*REVIEWED[:2])
    form = turns_form(browser.page)
    page = await browser.send(form.address, form.sent(ticked=()))
    assert (notices(page), page.asked) == (["nothing_ticked"], "red_flags")
    assert "red_flags" not in (await service.state(browser)).answers


# Forgetting


@pytest.mark.parametrize("what", ["case", "all"])
async def test_what_is_forgotten_is_nowhere(on_each: Service, what: str) -> None:
    """S32: were it to fail, something of a case stays behind after a clinician had it erased."""
    service = on_each
    service.log.close()
    service.start(keep_records=True)
    browser = await service.browser(*WIRES)
    session = service.session(browser)
    record = advice_of(await service.state(browser), service.app.knowledge).record_id
    await browser.press_plain("/case/new")
    await browser.say("trainee")
    assert record in service.place.everything()
    assert session.name not in service.place.everything(), "S31: whose it is never stands there"
    page = await browser.open("/case/1/forget")
    assert web_words().forget["text"] in page.text
    form = page.forms[0]
    button = next(field for field in form.of_kind("button") if field.value == what)
    page = await browser.send(form.address, form.sent(button))
    assert web_words().forget["done" if what == "case" else "done_all"] in page.text
    assert service.place.turns() == (["role:trainee"] if what == "case" else [])
    service.log.close()
    left = service.place.everything()
    assert record not in left
    assert "t_dm1" not in left
    service.start()
    for case in (1, 2) if what == "all" else (1,):
        assert (await service.app.state_of(session.conversation(case))).answers == {}
    if what == "all":
        assert service.session(browser).name != session.name
        assert (await browser.open("/case/2")).asked == "role"
        keys = service.log.keys
        for case in (1, 2):
            assert keys.conversation(session.conversation(case)).decode("latin-1") not in left
    assert (await browser.open("/case/1")).asked == "role"


async def test_a_cookie_that_lags_behind_hides_no_case(service: Service) -> None:
    """S32: were it to fail, two tabs make the browser forget that there is a second case, and it is never erased."""
    browser = await service.browser(*REVIEWED[:3])
    old = httpx.Cookies(browser.cookies)
    await browser.press_plain("/case/new")
    await browser.say("oncologist")
    await browser.say("in_scope")
    browser.cookies.clear()
    browser.cookies.update(old)
    assert (await browser.open("/case/2")).asked == "red_flags"
    browser.cookies.clear()
    browser.cookies.update(old)
    await browser.open("/case/1/forget")
    await browser.press("all")
    assert service.place.turns() == []


async def test_what_could_not_be_forgotten_is_not_said_to_be(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """S32: were it to fail, a clinician is told that a case was erased which is still kept."""
    browser = await service.browser(*WIRES)
    form = (await browser.open("/case/1/forget")).forms[0]
    all_of_it = form.of_kind("button")[1]
    with monkeypatch.context() as broken:
        broken.setattr(service.log, "forget", _failing)
        page = await browser.send(form.address, form.sent(all_of_it))
        assert page.status == 503
        assert web_words().errors["failed"] in page.text
        assert "erased" not in page.text
    assert service.place.turns() == list(CASE)
    page = await browser.send(form.address, form.sent(all_of_it))
    assert web_words().forget["done_all"] in page.text
    assert service.place.turns() == []


async def _failing(*_: object, **__: object) -> Any:
    raise LogError("the disk is full")


@pytest.mark.parametrize("what", ["append", "current"])
async def test_while_the_log_fails_nothing_is_taken_and_the_page_can_be_used_again(
    service: Service, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """S25: were it to fail, an answer is lost in silence, or the page it was given on is of no use any more."""
    browser = await service.browser(*REVIEWED[:3])
    shown = browser.page
    with monkeypatch.context() as broken:
        broken.setattr(service.log, what, _failing)
        service.app.drop_idle(2**40)
        page = await browser.press("prior_lines:tch")
        assert (page.status, shows_answer(page)) == (503, False)
        response = await browser.get("/case/1")
        assert response.status_code == (200 if what == "append" else 503)
    if what == "append":
        assert notices(page) == ["unavailable"]
        assert (await browser.press("prior_lines:tch", page)).asked == "line_outcome", "on the page that said so"
    else:
        assert (await browser.press("prior_lines:tch", shown)).asked == "line_outcome", "on the page before"
    assert service.place.turns() == list(CASE[:4])


async def test_what_is_kept_no_longer_is_said_to_be(on_each: Service) -> None:
    """S32: were it to fail, whoever comes back after the time of keeping is told nothing, or shown what is gone."""
    service = on_each
    browser = await service.browser(*REVIEWED[:4])
    service.place.now = NOW + timedelta(hours=service.settings.retention_hours + 1)
    assert await sweep(service.app, service.settings.retention_hours) == 1
    page = await browser.press("line_outcome:progression")
    assert (notices(page), page.asked, page.status) == (["expired"], "role", 200)
    assert service.place.turns() == []
    assert (await browser.say("oncologist")).asked == "gate"


# What else may be sent


async def raw(service: Service, browser: Browser, body: Any, kind: str | None = FORM, path: str = "/case/1") -> Page:
    """A body as it is, from the browser's own page."""
    headers = {"Accept": "text/html", "Origin": HERE, "Sec-Fetch-Site": "same-origin"}
    client = next(client for client in service.clients if client.cookies is browser.cookies)
    if kind is not None:
        headers["Content-Type"] = kind
    response = await client.post(path, content=body, headers=headers)
    return Page(path, response.status_code, response.text)


def plain_form(page: Page) -> Pairs:
    form, button = page.button("prior_lines:tch")
    return form.sent(button)


@pytest.mark.parametrize("path", POSTED)
async def test_bodies_have_bounds(service: Service, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """S33: were it to fail, one request fills the memory, or holds a connection for ever."""
    browser = await service.browser(*REVIEWED[:3])
    before = service.kept()
    good = urlencode(plain_form(browser.page)).encode()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"text=" + b"a" * 1000

    async def slow() -> AsyncIterator[bytes]:
        yield good[:10]
        await asyncio.sleep(5)
        yield good[10:]

    assert (await raw(service, browser, good + b"&text=" + b"a" * channel.LARGEST, path=path)).status == 413
    assert (await raw(service, browser, endless(), path=path)).status == 413
    monkeypatch.setattr(channel, "SLOWEST", 0.05)
    page = await raw(service, browser, slow(), path=path)
    assert (page.status, web_words().errors["slow"] in page.text) == (408, True)
    assert service.kept() == before


@pytest.mark.parametrize("path", POSTED)
async def test_bodies_that_are_no_form_are_refused(service: Service, path: str) -> None:
    """S25: were it to fail, what cannot be read is guessed at, or ends in an error page of the server's."""
    browser = await service.browser(*REVIEWED[:3])
    before = service.kept()
    pairs = plain_form(browser.page)
    good = urlencode(pairs).encode()
    for kind in (None, "", "text/plain", "application/json", "multipart/form-data; boundary=x", "text/html", FORM[:-1]):
        assert (await raw(service, browser, good, kind, path)).status == 400, kind
    many = [*pairs, *((f"field{number}", "") for number in range(channel.FIELDS + 1 - len(pairs)))]
    for body in (good + b"&text=\xff\xfe", good + b"&text=%FF%FE", urlencode(many).encode(), good + b"&text=%C3"):
        page = await raw(service, browser, body, path=path)
        assert (page.status, web_words().errors["unreadable"] in page.text) == (400, True), body
    assert service.kept() == before
    page = await raw(service, browser, urlencode(many[:-1]).encode(), f"{FORM}; charset=utf-8")
    assert page.status == 303 or page.asked == "line_outcome", "as many fields as are read"


HOSTILE = (
    f"<script>alert('{CANARY}')</script>",
    f"\"><img src=x onerror=alert('{CANARY}')>",
    f"' autofocus onfocus='alert({CANARY})' x='",
    f"</textarea></select></title><svg onload=alert(1)>{CANARY}",
    f"{{{{1234*9876}}}}{CANARY}",
    f"{{% for x in ().__class__.__base__.__subclasses__() %}}{{{{x}}}}{{% endfor %}}{CANARY}",
    f"${{1234*9876}}#{{1234*9876}}<%= 1234*9876 %>{CANARY}",
    f"\u202e{CANARY}\u2066\u200f\u2028",
    f"{CANARY}\r\nX-Injected: yes\r\n\r\n<script>",
    f"javascript:alert('{CANARY}')",
    f"data:text/html,<script>{CANARY}</script>",
    f"'; DROP TABLE turn; -- {CANARY}",
    f"../../../../etc/passwd\x00{CANARY}",
    f"&lt;script&gt;{CANARY}&#60;script&#62;",
    f"\x1b[31m{CANARY}\x07\x7f",
    f"%0d%0aSet-Cookie:%20{CANARY}=1",
)
NAMES = ("token", "screen", "edit", "question", "option", "turn", "text", "what", "next", CANARY)


def inert(response: httpx.Response, page: Page, what: str) -> None:
    """Nothing of what was sent comes back, in whatever form."""
    assert CANARY not in response.text, what
    assert "12186984" not in response.text, what
    assert not set(response.text) & set("\u202e\u2066\u200f\u2028\x00\x1b"), what
    headers = " ".join(f"{name}: {value}" for name, value in response.headers.items()).lower()
    assert "x-injected" not in headers, what
    assert CANARY not in headers, what
    sources = {script["src"].partition("?")[0] for script in page.root.all("script")}
    assert sources <= {"/static/chat.js", "/static/embedded.js"}, what
    for element in page.root.all():
        assert not any(name.startswith("on") for name in element.attributes), what


async def hostile_forms(service: Service, browser: Browser, names: tuple[str, ...], values: tuple[str, ...]) -> None:
    """Send each value in each field: nothing of it may come back, and nothing may change."""
    stood = await service.state(browser)
    form = next(form for form in browser.page.forms if form.address == "/case/1")
    for name in names:
        for value in values:
            response = await browser.post("/case/1", with_values(form.sent(), **{name: value}))
            assert response.status_code in (200, 303, 403), value
            inert(response, await browser.follow(response), f"{name}: {value}")
    assert await service.state(browser) == stood


@pytest.mark.parametrize("said", [(), REVIEWED[:2]], ids=["begun", "midway"])
async def test_whatever_is_sent_in_a_field_is_inert(on_each: Service, said: list[str]) -> None:
    """S31, S34: were it to fail, what somebody sends runs in a clinician's browser, in the service, or stays there."""
    with capture_logs() as logged:
        await hostile_forms(on_each, await on_each.browser(*said), NAMES, HOSTILE)
    assert CANARY not in repr(logged)
    assert CANARY not in on_each.place.everything()


async def test_beside_an_answer_whatever_is_sent_is_inert(service: Service) -> None:
    """S34: were it to fail, the page with the answer says what somebody else wrote."""
    await hostile_forms(service, await service.browser(*WIRES), ("turn", "text"), HOSTILE[:6])


async def test_whatever_a_page_has_to_say_is_escaped(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """S34: were it to fail, words that came from outside (of a text that was read, of a knowledge) are markup."""
    browser = await service.browser(*REVIEWED[:2])
    whole = bot.channels.web.view._asked

    async def with_words(words: str) -> Page:
        def asked(*given: Any) -> Asked:
            button = Control(words, f"red_flags:{words}")
            answered = Answered(words, words, words, f"/case/1/at/{words}", words)
            return whole(*given)._replace(
                heading=words, blocks=(Block("item", words), Block("note", words)), buttons=(button,),
                choices=(Choice(words, words, True),), review=(answered,), edit=words,
            )  # fmt: skip

        monkeypatch.setattr("bot.channels.web.view._asked", asked)
        return await browser.open("/case/1/at/gate")

    plain = [element.tag for element in (await with_words("plain")).root.all()]
    for words in HOSTILE:
        page = await with_words(words)
        assert [element.tag for element in page.root.all()] == plain, words
        assert page.text.count(" ".join(words.split())) >= 5, words
        assert not any(name.startswith("on") for element in page.root.all() for name in element.attributes), words


async def test_whatever_is_sent_in_an_address_is_inert(service: Service) -> None:
    """S34: were it to fail, a link can make a page say or do what its sender wants."""
    browser = await service.browser(*REVIEWED[:3])
    for value in HOSTILE:
        part = quote(value, safe="")
        for path in (f"/{part}", f"/case/{part}", f"/case/1/at/{part}", f"/case/1/show/{part}",
                     f"/case/1/answer.{part}", f"/case/1?next={part}", f"/case/1/at/gate?try={part}",
                     f"/static/{part}", f"/embed/{part}", f"/case/1/show/why?q={part}",
                     f"/sign-in?next={part}"):  # fmt: skip
            response = await browser.get(path)
            assert response.status_code in (200, 303, 404), path
            if response.status_code == 303:
                assert response.headers["location"] == "/case/1", path
            if "html" in response.headers.get("content-type", ""):
                inert(response, Page(path, response.status_code, response.text), path)


@pytest.mark.parametrize(
    "typed",
    [
        f"Mrs {CANARY}",
        f"called {CANARY.title()}",
        f"{CANARY}@example.org",
        f"MRN 1234567 {CANARY}",
        f"{CANARY} 12.03.1961",
    ],
)
async def test_an_identifier_is_warned_of_and_goes_nowhere(on_each: Service, typed: str) -> None:
    """S30, S31: were it to fail, a patient's name stands in the log, in the metrics, or on the next page."""
    service = on_each
    with capture_logs() as logged:
        browser = await service.browser(*REVIEWED[:3])
        before = service.place.turns()
        page = await browser.type(typed)
        assert (notices(page), page.asked) == (["identifier"], "prior_lines")
        pages = [page.markup, (await browser.open("/case/1")).markup]
        metrics = (await service.client().get("/metrics")).text
    for place in (*pages, metrics, repr(logged), service.place.everything()):
        assert CANARY not in place.lower()
        assert typed not in place
    assert service.place.turns() == before


async def test_what_is_typed_is_matched_and_dropped(on_each: Service) -> None:
    """S30: were it to fail, somebody's own words are kept."""
    service = on_each
    with capture_logs() as logged:
        browser = await service.browser(*REVIEWED[:3])
        for typed in (f"{CANARY} and more", f"/{CANARY}", f"/start {CANARY}", f"/edit {CANARY}", f"/start p_{CANARY}"):
            page = await browser.type(typed)
            assert page.asked == "prior_lines"
            assert CANARY not in page.markup
        page = await browser.type("Phesgo, docetaxel")
        assert page.asked == "line_outcome"
        await browser.type("x" * (LONGEST + 1))
        assert notices(browser.page) == ["too_long"]
    left = service.place.everything()
    assert CANARY not in left + repr(logged)
    assert "Phesgo" not in left


async def test_what_was_understood_stands_on_the_page_and_nowhere_else(on_each: Service) -> None:
    """S30, S34: were it to fail, typed words are kept, stand in an address, are not escaped, or survive the process."""
    service = on_each
    said = f"ER negative,\r\nkAdCyLa pRoGrEsSiOn, EF 55, {CANARY} <b>&"
    with capture_logs() as logged:
        browser = await service.browser("oncologist")
        page = await browser.type(said)
        assert page.asked == "understood"
        facts, beside = page.root.all("dl")
        read = dict(zip((term.text for term in facts.all("dt")), facts.all("dd"), strict=True))
        assert [quoted.text for quoted in read["HR status"].all("q")] == ["ER negative"]
        assert [quoted.text for quoted in read["Lines for metastatic disease"].all("q")] == ["kAdCyLa"]
        assert CANARY in beside.text
        assert not any(element.tag == "b" for element in beside.all())
        assert not list(page.root.all("i"))  # how far the case is: no question of the intake is asked here
        pages = [page, await browser.press("understood:accept"), await browser.open("/case/1")]
        assert "EF 55" in {quoted.text for quoted in pages[2].root.all("q")}
        corrected = await browser.type("actually ER positive")
        assert "(was negative)" in corrected.text
        assert corrected.button("understood:undo")
        undone = await browser.press("understood:undo")
        assert notices(undone) == ["taken_back"]
        assert (await browser.get("/case/1")).headers["cache-control"] == "no-store"
    left = service.place.everything() + repr(logged)
    assert not any(word in left for word in ("kAdCyLa", "pRoGrEsSiOn", CANARY))
    assert not any(word in page.address for page in pages for word in ("kAdCyLa", CANARY))
    service.restart()
    assert "kAdCyLa" not in (await browser.open("/case/1")).markup


async def test_a_thousand_addresses_that_are_none(service: Service) -> None:
    """S25: were it to fail, a mistyped address is an error of the service's."""
    await service.browser(*REVIEWED[:3])
    client = service.clients[-1]
    chosen = random.Random(20261123)
    parts = ("case", "1", "2", "10", "at", "show", "answer.pdf", "answer.", "forget", "new", "role", "gate", "static",
             "chat.js", "embed", "..", ".", "%2e%2e", "", "why", "%00", "%ff", "api", "v1", "sign-in", "é", "a" * 300,
             "-1", "case;1", "case\\1", "{case}", "*", "~", "+", "%2f", "index.php", ".env", "healthz")  # fmt: skip
    before = service.kept()
    met: dict[int, int] = {}
    for _ in range(1000):
        path = "/" + "/".join(chosen.choice(parts) for _ in range(chosen.randint(1, 6)))
        if chosen.random() < 0.2:
            path += "?" + chosen.choice(parts) + "=" + chosen.choice(parts)
        method = chosen.choice(("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"))
        headers = {"Accept": "text/html", "Origin": HERE, "Sec-Fetch-Site": "same-origin"}
        response = await client.request(method, path, headers=headers)
        met[response.status_code] = met.get(response.status_code, 0) + 1
        assert response.status_code in (200, 204, 303, 307, 400, 403, 404, 405), f"{method} {path}"
        if method == "GET" and response.status_code == 404 and "html" in response.headers["content-type"]:
            assert web_words().errors["title"] in response.text
    assert service.kept() == before
    assert met[404] > 400
    assert met[405] > 5
    assert met.get(200, 0) > 5


TRAVERSING = (
    "../channel.py", "..%2fchannel.py", "%2e%2e/channel.py", "%2e%2e%2fchannel.py", "..\\channel.py",
    "..%5cchannel.py", "....//channel.py", "%252e%252e%252fchannel.py", "/etc/passwd", "%2fetc%2fpasswd",
    "../templates/chat.html", "chat.js/../../channel.py", "chat.js%00.css", ".", "", "../static/../channel.py",
    "../../../../data/triage.sqlite3", "__init__.py", "CHAT.JS", "~", "c:/windows/win.ini",
)  # fmt: skip


async def test_static_files_are_those_and_no_others(service: Service) -> None:
    """S34: were it to fail, whoever asks is handed the service's own files."""
    client = service.client()
    for path in TRAVERSING:
        response = await client.get(httpx.URL(HERE).copy_with(raw_path=f"/static/{path}".encode()))
        assert response.status_code in (307, 404), path
        assert response.headers.get("location", f"{HERE}/static/") == f"{HERE}/static/", path
        assert b"import" not in response.content, path
        assert b"root:" not in response.content, path
    assert (await client.get("/static/chat.js")).status_code == 200


async def test_a_file_is_kept_only_under_the_address_of_its_content(service: Service) -> None:
    """Were it to fail: while workers are replaced, a browser keeps an old script under a new name, for a year."""
    client = service.client()
    kept = await client.get(static_address("chat.js"))
    assert "immutable" in kept.headers["cache-control"]
    for other in ("/static/chat.js", "/static/chat.js?v=another", f"{static_address('chat.js')}&x=1"):
        assert (await client.get(other)).headers["cache-control"] == "no-cache", other


# The answer


async def test_the_answer_is_handed_over_as_it_is_given_elsewhere(service: Service) -> None:
    """S13, S22, S23: were it to fail, the file in a record is not the answer that was seen."""
    browser = await service.browser(*WIRES)
    state = await service.state(browser)
    advice = advice_of(state, service.app.knowledge)
    offered = dict(link.address.partition("answer.")[2].partition("?")[::2] for link in browser.page.links)
    assert dict.fromkeys(channel.FILES, f"record={advice.record_id}").items() <= offered.items()
    for name, form in channel.FILES.items():
        response = await browser.get(f"/case/1/answer.{name}?record={advice.record_id}")
        file = export(form, advice, service.app.words, state.role)
        assert response.content == file.content, name
        assert response.content == (await browser.get(f"/case/1/answer.{name}")).content, name
        assert response.headers["content-type"] == file.media_type
        assert response.headers["content-disposition"] == f'attachment; filename="{file.name}"'
        assert advice.record_id in file.name
        assert response.headers["cache-control"] == "no-store"
        text = response.text if form != "pdf" else _read(response.content)
        said = re.sub(r"\W+", "", disclaimer())
        assert said in re.sub(r"\W+", "", re.sub(r"<[^>]+>", "", text)), f"{name}: S13"
        assert advice.record_id in re.sub(r"\s", "", text), f"{name}: S23"
    old = await browser.get(f"/case/1/answer.pdf?record={'0' * 16}")
    assert old.status_code == 409, "a page that shows another answer is not handed this one"
    assert "content-disposition" not in old.headers
    assert json.loads((await browser.get("/case/1/answer.json")).text)["record"]["id"] == advice.record_id
    for name in ("xml", "exe", "json.bak", "PDF", "fhir", "", "json;"):
        assert (await browser.get(f"/case/1/answer.{name}")).status_code == 404, name


def _read(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def without_answer(response: httpx.Response, what: str) -> None:
    assert "o-t_dm1" not in response.text, what
    assert not re.search(r"[Rr]ecord [0-9a-f]{16}", response.text), what
    assert "content-disposition" not in response.headers, what


async def test_there_is_no_answer_before_the_attestation(service: Service) -> None:
    """S1: were it to fail, somebody who is no professional, or accepted nothing, is shown options."""
    keys = service.app
    assert keys.words is not None
    refused = ["/summary", "/export json", "/export", "/why", "/evidence", "review:confirm", "/edit review", "/here"]
    for said in ((), ("not_professional",), ("/start p_1MeplnfEqi2",)):
        browser = await service.browser(*said)
        for path in READ:
            response = await browser.get(path)
            without_answer(response, path)
            assert response.status_code in (200, 303, 404), path
        form = next(form for form in browser.page.forms if form.address == "/case/1")
        for name in ("turn", "text"):
            for what in refused:
                response = await browser.post("/case/1", with_values(form.sent(), **{name: what}))
                without_answer(response, what)
        assert not (await service.state(browser)).attested


async def test_before_consent_privacy_is_told_and_forgetting_works(service: Service) -> None:
    """S2, S32: were it to fail, one has to accept terms to read what is kept, or to have it erased."""
    browser = await service.browser()
    page = await browser.open("/case/1/show/privacy")
    assert "Not kept: what was typed" in page.text
    assert page.asked == "role"
    assert "not for emergencies" in (await browser.open("/")).text
    form = (await browser.open("/case/1/forget")).forms[0]
    page = await browser.send(form.address, form.sent(form.of_kind("button")[0]))
    assert web_words().forget["done"] in page.text


async def test_every_page_of_an_answer_has_the_disclaimer(service: Service) -> None:
    """S13: were it to fail, a section is read, or printed, without what must stand beside it."""
    browser = await service.browser(*WIRES)
    for path in ("/case/1", "/case/1/at/advice", *(f"/case/1/show/{name}" for name in SECTIONS)):
        page = await browser.open(path)
        assert shows_answer(page), path
        (answer,) = page.root.all("article")
        assert disclaimer() in answer.text, path
    section = next(item for item in page.items if item.kind == "said")
    assert disclaimer() in section.text


async def test_what_is_overdue_says_so_first(make_place: Callable[[str], Place]) -> None:
    """S27: were it to fail, an answer from old knowledge looks like one from yesterday's."""
    async for service in served(make_place("sqlite")):
        service.log.close()
        service.today = date(2036, 1, 1)
        service.start()
        browser = await service.browser(*WIRES)
        (banner,) = browser.page.root.all("p", **{"class": "banner"})
        assert banner.text == service.app.banner
        assert browser.page.text.index(banner.text) < browser.page.text.index("T-DM1")
        for path in ("/case/1/show/why", "/case/1"):
            assert banner.text in (await browser.open(path)).text
        file = (await browser.get("/case/1/answer.pdf")).content
        assert re.sub(r"\W", "", banner.text) in re.sub(r"\W", "", _read(file)), "and so does what is printed"
    assert not list((await _fresh_answer(make_place)).root.all("p", **{"class": "banner"}))


async def _fresh_answer(make_place: Callable[[str], Place]) -> Page:
    async for service in served(make_place("sqlite")):
        return (await service.browser(*WIRES)).page
    raise AssertionError


async def test_an_export_that_is_typed_for_leads_to_its_file(service: Service) -> None:
    """Were it to fail: the command that hands over the answer hands over nothing."""
    browser = await service.browser(*WIRES)
    for name in ("json", "html"):
        page = await browser.type(f"/export {name}")
        item = next(item for item in page.items if item.name == "export")
        assert [link["href"] for link in item.element.all("a")] == [f"/case/1/answer.{name}"]


async def test_a_page_is_not_kept_by_anybody_else(service: Service) -> None:
    """S34: were it to fail, a case is read from a browser's or a proxy's memory after it was forgotten."""
    browser = await service.browser(*WIRES)
    for path in READ:
        response = await browser.get(path)
        assert response.headers["cache-control"] == "no-store", path
    page = browser.page
    for element in page.root.all("link", "script"):
        address = element["href"] or element["src"]
        assert address.startswith("/static/"), "S34: nothing from elsewhere"
        response = await service.client().get(address)
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "set-cookie" not in response.headers
