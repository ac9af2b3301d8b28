"""The web chat as a person meets it: a real Chromium, and the service it talks to, started here and ended here.

One browser serves the tests of a process; each visit has a context of its own, so that nothing is shared but the
program. Whatever goes wrong on a page during a visit is noted, and fails the test at its end.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    Locator,
    Page,
    Request,
    async_playwright,
)
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bot.app import App
from bot.log import Keys, Log
from bot.log.sqlite import SQLite
from bot.metrics import Metrics
from bot.serve import application
from bot.settings import Settings
from flows.knowledge.load import shipped
from tests.conftest import KEY, TODAY

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What the program is called, by whoever packaged it."""
PATIENCE = 30_000.0
"""Milliseconds for anything a page does: what is quick alone is slow beside other tests."""


def need_chromium() -> None:
    """Skips the test where no Chromium can be had. Where everything is checked, that is a failure."""
    if find_chromium() is None:
        reason = "No Chromium was found: the system's package `chromium` has it."
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@cache
def find_chromium() -> str | None:
    """The program, if the system has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """A browser of its own, with nothing in it. Its sandbox needs a user that is not root."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=[*arguments, *sandbox])
        try:
            yield browser
        finally:
            await browser.close()


_open: list[Browser] = []


@pytest_asyncio.fixture(name="browser", scope="session", loop_scope="session")
async def a_browser() -> AsyncIterator[Browser]:
    """One for all tests of this process, whichever module asks first."""
    need_chromium()
    if _open:
        yield _open[0]
        return
    async with chromium() as found:
        _open.append(found)
        yield found


class Site:
    """An application on a loopback port, which it has again after it was stopped. `tls`: certificate and key."""

    def __init__(self, host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None) -> None:
        self.host = host
        self.port = 0
        self._tls: ssl.SSLContext | None = None
        if tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    @property
    def origin(self) -> str:
        """The origin its pages have."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def serve(self, app: ASGIApp) -> None:
        """Take the port, and answer."""
        config = uvicorn.Config(
            app, interface="asgi3", loop="none", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False,
        )  # fmt: skip
        config.load()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(config, self._state, {}), "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def show(self, app: ASGIApp) -> None:
        """Serve something else under the same address."""
        await self.stop()
        await self.serve(app)

    async def stop(self) -> None:
        """Close the port, and with it every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=1.0)
        await self._server.wait_closed()
        self._server = None
        await asyncio.sleep(0)  # connections notice that they are gone


class Service(Site):
    """The service as it runs, over one file: stopped and started, it goes on where it stood."""

    def __init__(
        self, folder: Path, *, host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None, **settings: Any
    ) -> None:
        super().__init__(host, tls)
        self._file = folder / "triage.sqlite3"
        self._settings = Settings(_env_file=None, web_rate_limit=0, **settings)  # type: ignore[call-arg]
        self._log: Log | None = None

    async def start(self) -> None:
        """Open the log and serve."""
        self._log = Log(SQLite(self._file, Keys(KEY)))
        app = App(shipped(), self._log, today=lambda: TODAY)
        await self.serve(application(app, self._settings, Metrics()))

    async def stop(self) -> None:
        """As by a signal."""
        await super().stop()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def restart(self) -> None:
        """Everything in memory is gone."""
        await self.stop()
        await self.start()

    def turns(self) -> list[str]:
        """What was taken, in order: of one case after the other, where there are several."""
        with closing(sqlite3.connect(self._file)) as db:
            rows = db.execute("SELECT turn FROM turn ORDER BY conversation, case_number, sequence").fetchall()
        return [turn for (turn,) in rows]


@pytest_asyncio.fixture(name="service", loop_scope="session")
async def a_service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with nothing in it."""
    made = Service(tmp_path)
    await made.start()
    yield made
    await made.stop()


_NOTES = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by the policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));"""


class Visit:
    """One browser at the chat: its page, and what went wrong on it."""

    def __init__(self, context: BrowserContext, page: Page, service: Service, origins: Collection[str]) -> None:
        self.context = context
        self.page = page
        self.service = service
        self.scripted = True
        """Whether the page's own script runs."""
        self.requests: list[Request] = []
        self.troubles: list[str] = []
        self.origins = {service.origin, *origins}
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.troubles.append(f"error: {error.error}"))
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)

    def in_tab(self, page: Page | Frame) -> Visit:
        """The same browser in another tab, or in a frame: what goes wrong there counts too."""
        other = copy(self)
        other.page = page
        return other

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith(tuple(f"{origin}/" for origin in self.origins)):
            self.troubles.append(f"request elsewhere: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # left for another page, or saved as a file
            self.troubles.append(f"request failed: {request.url} {request.failure}")

    def expect(self, *patterns: str) -> None:
        """Trouble that belongs to the test: there has to be some of each kind; it is taken off the list."""
        for pattern in patterns:
            expected = [trouble for trouble in self.troubles if re.search(pattern, trouble)]
            assert expected, f"no trouble with {pattern}: {self.troubles}"
            self.troubles = [trouble for trouble in self.troubles if trouble not in expected]

    # What is on the page

    async def open(self, path: str = "/") -> None:
        """Go to a page of the service."""
        await self.page.goto(f"{self.service.origin}{path}")
        await self.fits()

    async def here(self) -> str:
        """Where the case stands on this page: the question that is asked, or what its end is called."""
        key = await self.page.locator("#log .lines > li[data-key]").last.get_attribute("data-key")
        assert key is not None
        kind, _, name = key.partition(":")
        return "answer" if kind == "answer" else name.partition(":")[0]

    async def shows(self, question: str) -> None:
        """Wait until this question is asked."""
        await self.page.locator(f'#log li.asked[data-key^="asked:{question}:"]').wait_for()

    def button(self, value: str) -> Locator:
        """The button that sends this."""
        return self.page.locator(f'button[value="{value}"]')

    def link(self, part: str) -> Locator:
        """The first link whose address has this in it."""
        return self.page.locator(f'a[href*="{part}"]').first

    def box(self, option: str) -> Locator:
        """The box of an option."""
        return self.page.locator(f'input[name="option"][value="{option}"]')

    async def token(self) -> str:
        """What no two pages have the same of."""
        return await self.page.locator('input[name="token"]').first.get_attribute("value") or ""

    async def turned(self, before: str) -> None:
        """Wait until another page is shown than the one with this token; it has to be one that can be gone on with."""
        await self.page.locator(f'main:not(:has(input[value="{before}"]))').wait_for(state="attached")
        await self.fits()
        if self.scripted:
            assert not await self.page.evaluate("document.activeElement === document.body"), "the focus is lost"

    async def fits(self) -> None:
        """Nothing has to be scrolled sideways."""
        assert await self.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, self.page.url

    async def open_all(self) -> None:
        """Open whatever can be."""
        await self.page.locator("details").evaluate_all("parts => parts.forEach((part) => { part.open = true; })")

    # What is done with the mouse

    async def click(self, what: str | Locator) -> None:
        """Press something that leads to another page of the case, and wait for it."""
        before = await self.token()
        await (self.button(what) if isinstance(what, str) else what).click()
        await self.turned(before)

    async def answer(self, *answers: str) -> None:
        """Answer what is asked, one question after the other: `tch`, and where several are ticked `lvef+platelets`."""
        for said in answers:
            name = await self.here()
            one = self.button(f"{name}:{said}")
            if await one.count():
                await self.click(one)
            else:
                for option in said.split("+"):
                    await self.box(option).check()
                await self.click(self.page.locator("fieldset button"))

    async def on_line(self, number: int, what: str) -> None:
        """Change a line of the list: why it stopped, `earlier`, `remove`."""
        await self.page.locator(f".entered > li:nth-child({number}) summary").click()
        await self.click(f"prior_lines:line_{number}_{what}")

    async def type(self, text: str) -> None:
        """Type into the box, and send it with Enter."""
        await self.page.locator("#text").focus()
        await self.type_here(text)

    async def type_here(self, text: str) -> None:
        """Type where the focus is, and send it with Enter; without the page's script, on the button after it."""
        before = await self.token()
        await self.page.keyboard.insert_text(text)
        if not self.scripted:
            await self.page.keyboard.press("Tab")
        await self.page.keyboard.press("Enter")
        await self.turned(before)


@asynccontextmanager
async def visit(
    browser: Browser, service: Service, *, width: int = 1280, height: int = 800, scripted: bool = True,
    origins: Collection[str] = (), **options: Any,
) -> AsyncIterator[Visit]:  # fmt: skip
    """A visit of the chat, in a context of its own. Fails at its end where something went wrong on a page.

    Nothing moves by itself, so that what is looked at stands still. `scripted`: whether JavaScript is on. `origins`:
    other sites that may be asked for something.
    """
    options = {"reduced_motion": "reduce", "java_script_enabled": scripted, **options}
    context = await browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(PATIENCE)
    try:
        await context.add_init_script(_NOTES)
        at = Visit(context, await context.new_page(), service, origins)
        at.scripted = scripted
        yield at
        assert not at.troubles, at.troubles
    finally:
        await context.close()


# Every kind of page, one after the other: whoever looks at each leaves it as it is


async def intake(at: Visit) -> AsyncIterator[str]:
    """A consult from the attestation to the review, and what is said beside its questions."""
    await at.open()
    yield "attestation"
    await at.answer("oncologist")
    yield "gate"
    await at.answer("in_scope")
    yield "boxes"
    await at.answer("none")
    yield "lines-empty"
    await at.type("Kadcila")
    yield "ask-back"
    await at.answer("tch")
    yield "outcome"
    await at.answer("progression", "other")
    yield "agents"
    await at.answer("eribulin", "toxicity", "t_dm1", "progression")
    await at.page.locator(".entered summary").first.click()
    yield "lines-filled"
    await at.click(at.link("/show/help"))
    yield "help"
    await at.click(at.link("/show/privacy"))
    yield "privacy"
    await at.answer("done", "none")
    yield "brain"
    await at.type("no such thing")
    yield "notice"
    await at.answer("active", "absent", "progressing", "negative", "unavailable")
    yield "safety"
    await at.answer("lvef+hepatic_impairment", "moderate")
    yield "review"
    await at.click(at.link("/at/prior_lines"))
    yield "edit-view"


async def typed(at: Visit) -> AsyncIterator[str]:
    """A case that is typed: what has to be asked back, what was understood, a correction, what is said already."""
    await at.open()
    await at.type(
        "HER2 3+ MBC, aromatase inhibitor + trastuzumab PD, then T-DM1 PD, ER+, EF 55, no pertuzumab, likes tea"
    )
    yield "reading"
    await at.page.locator("details.read summary").click()
    yield "reading-open"
    await at.click("understood:letrozole")
    yield "understood"
    await at.click("understood:accept")
    await at.answer("oncologist")
    await at.type("actually ER negative, PR negative")
    yield "taken-down"
    await at.answer("none", "none", "none", "available")
    yield "said-already"


async def answers(at: Visit) -> AsyncIterator[str]:
    """Answers of each kind: ranked, resting on assumptions, referred, declined."""
    await at.open()
    await at.answer("oncologist", "in_scope", "none", "done", "trastuzumab")
    yield "months"
    await at.type("20")
    await at.answer(
        "active", "absent", "progressing", "negative", "available", "lvef+unknown", "ild_history", "confirm"
    )
    yield "answer"
    await at.open_all()
    long_lists = at.page.locator(".facts > li:nth-child(n + 13), .sources > li:nth-child(n + 13)")
    await long_lists.evaluate_all("items => items.forEach((item) => item.remove())")  # all are written alike
    yield "answer-open"
    await at.click(at.page.locator("#a-change a.go").first)
    yield "what-if"
    await at.click(at.page.get_by_role("link", name="Return to the answer"))
    await at.click(at.link("/at/brain_metastases"))
    yield "edit-from-answer"
    await at.type("/restart")
    await at.answer("oncologist", "in_scope", "cord_compression")
    yield "referred"
    await at.type("/restart")
    await at.answer("trainee", "her2_negative")
    yield "declined"
    await at.type("/sources")
    yield "section"


async def ends(at: Visit) -> AsyncIterator[str]:
    """How a case ends otherwise, and the pages around the chat."""
    await at.open()
    await at.answer("not_professional")
    yield "not-professional"
    await at.click("/restart")
    await at.type("/cancel")
    yield "cancelled"
    await at.page.goto(f"{at.service.origin}/case/1/forget")
    yield "forget"
    await at.page.locator('button[value="all"]').click()
    await at.page.locator("[role=status]").wait_for()
    yield "forgotten"
    await at.open("/no/such/page")
    at.expect("404")
    yield "not-found"
