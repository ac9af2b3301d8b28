"""The web channel in Chromium: a first visit, a press on an option; and how long `triage serve` takes to answer at all.

Times are those of the browser's own clock, from the start of the navigation or the press to the frame after the one in
which the heading of the question has its place on the page.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from benchmarks.durable import Extent, row
from benchmarks.web_clients import CONFIRM, ROUND
from benchmarks.web_service import PAGE, ROOT, Service

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PRESSES = ROUND[:11]
"""The buttons pressed one after another: every question up to the review."""
BYTES = 60_000
PATIENCE = 10_000
"""Milliseconds anything may take."""
_WATCH = """(() => {
  const now = () => performance.timeOrigin + performance.now();
  const shown = () => {
    const at = document.getElementById("asked") ?? document.getElementById("answer-title");
    return at && at.getClientRects().length ? at.textContent + " " + location.pathname + location.search : null;
  };
  const look = () => {
    const text = shown();
    if (text !== null && text !== window.benchShown) {
      window.benchShown = text;
      window.benchSeen = null;
      requestAnimationFrame(() => { window.benchSeen = now(); });
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const pressed = (event) => { sessionStorage.benchPressed = performance.timeOrigin + event.timeStamp; };
  addEventListener("click", pressed, true);
})()"""
"""Notes when another question is seen, and when something was pressed."""


class Visit(NamedTuple):
    """A page opened: milliseconds from the start of the navigation, and what came over the wire."""

    first_byte: float
    painted: float
    seen: float
    requests: int
    raw: int
    compressed: int


async def visits(folder: Path, extent: Extent) -> None:
    """Every row."""
    if CHROMIUM is None:
        print("\nThere is no Chromium (CHROMIUM says where one is). Its rows are left out.")
    else:
        (folder / "browser").mkdir()
        with Service(folder / "browser") as service:
            async with async_playwright() as player:
                browser = await player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                print(
                    f"\n{f'Chromium {browser.version}, a window of 1280 x 800':<64}{'median':>8}{'lowest':>8}",
                    flush=True,
                )
                await first_visits(browser, service, extent)
                await presses(browser, service, extent)
                await browser.close()
    starts(folder, extent)


@asynccontextmanager
async def window(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A person's browser that was never here."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(_WATCH)
    yield context
    await context.close()


async def opened(context: BrowserContext, url: str, *, refused: Sequence[str] = ()) -> Visit:
    """Open an address in a new tab; `refused`: what it is not given."""
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.setBlockedURLs", {"urls": list(refused)})
    sizes: dict[str, list[float]] = {}
    session.on("Network.dataReceived", lambda event: sizes.setdefault(event["requestId"], [0, 0]).__setitem__(
        0, sizes[event["requestId"]][0] + event["dataLength"]))  # fmt: skip
    session.on("Network.loadingFinished", lambda event: sizes.setdefault(event["requestId"], [0, 0]).__setitem__(
        1, event["encodedDataLength"]))  # fmt: skip
    await page.goto(url, wait_until="networkidle")
    told = await page.evaluate(
        "() => ({seen: window.benchSeen - performance.timeOrigin, "
        "painted: performance.getEntriesByName('first-contentful-paint')[0].startTime, "
        "first: performance.getEntriesByType('navigation')[0].responseStart})"
    )
    fetched = [size for size in sizes.values() if size[1]]
    await page.close()
    return Visit(
        told["first"], told["painted"], told["seen"], len(fetched),
        int(sum(size[0] for size in fetched)), int(sum(size[1] for size in fetched)),
    )  # fmt: skip


async def first_visits(browser: Browser, service: Service, extent: Extent) -> None:
    """The chat opened by somebody new, and once more; a bare page beside it."""
    found: dict[str, list[Visit]] = {"bare": [], "text": [], "cold": [], "warm": []}
    for repetition in range(extent.repetitions * 2 + 1):
        async with window(browser) as context:
            cold = await opened(context, service.url)
            warm = await opened(context, service.url)
        async with window(browser) as context:
            bare = await opened(context, service.url + PAGE)
        async with window(browser) as context:
            text = await opened(context, service.url, refused=("*.css*", "*.js*"))
        if repetition:  # the first one starts the browser's own processes
            found["cold"].append(cold)
            found["warm"].append(warm)
            found["bare"].append(bare)
            found["text"].append(text)
    for name, said in (
        ("bare", "floor: a bare page"),
        ("text", "floor: the page without its style and script"),
        ("cold", "first visit"),
        ("warm", "once more, files kept"),
    ):
        one = found[name]
        row(f"{said}: first byte", [visit.first_byte for visit in one], "ms")
        row("  first contentful paint", [visit.painted for visit in one], "ms")
        row("  the question is seen", [visit.seen for visit in one], "ms")
        row(f"  requests answered over the wire: {one[0].requests}; bytes, raw", [visit.raw for visit in one], "B")
        aim = ""
        if name == "cold":
            aim = f"aim: under {BYTES:,}: {'met' if max(visit.compressed for visit in one) < BYTES else 'missed'}"
        row("  bytes as they came, heads included", [visit.compressed for visit in one], "B", aim)


async def presses(browser: Browser, service: Service, extent: Extent) -> None:
    """A press on an option until the next question is seen, with the page's script and without."""
    found: dict[str, list[float]] = {"with": [], "without": [], "bare": []}
    answers: dict[str, list[float]] = {"with": [], "without": []}
    for repetition in range(extent.repetitions + 1):
        for script in (True, False) if repetition % 2 else (False, True):
            name = "with" if script else "without"
            async with window(browser) as context:
                page = await tab(context, script=script)
                await page.goto(service.url)
                times = [await pressed(page, wire) for wire in PRESSES]
                answer = await pressed(page, CONFIRM)
                if repetition:
                    found[name] += times
                    answers[name].append(answer)
        async with window(browser) as context:
            page = await tab(context, script=True)
            await page.goto(service.url + PAGE)
            times = [await pressed(page, "next") for _ in PRESSES]
            if repetition:
                found["bare"] += times
    row("floor: a press on a bare page (POST, 303, GET) until the next is seen", found["bare"], "ms")
    for name in ("with", "without"):
        row(f"a press {name} script until the next question is seen", found[name], "ms")
        row("  99th percentile", [quantile(found[name], 0.99)], "ms")
        row("  confirming the review until the answer's heading is seen", answers[name], "ms")


async def tab(context: BrowserContext, *, script: bool) -> Page:
    """A tab. Without the page's script that file is refused; the browser itself still tells the time."""
    page = await context.new_page()
    if not script:
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        await session.send("Network.setBlockedURLs", {"urls": ["*chat.js*"]})
    return page


async def pressed(page: Page, wire: str) -> float:
    """Press the button of an option; the milliseconds until what comes next is seen."""
    await page.wait_for_function("() => window.benchSeen")
    before = await page.evaluate("window.benchShown")
    await page.locator(f'button[value="{wire}"]').first.click()
    await page.wait_for_function(
        "before => window.benchSeen && window.benchShown !== before", arg=before
    )  # fmt: skip
    waited = float(await page.evaluate("window.benchSeen - Number(sessionStorage.benchPressed)"))
    if waited <= 0:
        raise RuntimeError(f"{wire}: what was seen was there before the press")
    return waited


# The start


def starts(folder: Path, extent: Extent) -> None:
    """From the start of the command to the first byte of the first page, beside a server with one route."""
    ours = (sys.executable, "-m", "bot", "serve")
    bare = (sys.executable, "-c", _BARE)
    first, again, floor = [], [], []
    for repetition in range(extent.repetitions):
        (data := folder / f"start {repetition}").mkdir()
        first.append(started(ours, data))
        again.append(started(ours, data))
        floor.append(started(bare, data))
    print(f"\n{'From the start of the command to the first byte of a page':<64}{'median':>8}{'lowest':>8}")
    row("triage serve, a new data folder", first, "ms")
    row("triage serve, a data folder that was there", again, "ms")
    row("  floor: uvicorn with one route of FastAPI", floor, "ms")


_BARE = """
import os, fastapi, uvicorn
app = fastapi.FastAPI()
app.get("/")(lambda: "hello")
uvicorn.run(app, port=int(os.environ["TRIAGE_WEB_PORT"]), log_level="warning")
"""


def started(command: Sequence[str], data: Path) -> float:
    """Milliseconds until it answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TRIAGE_DATA_DIR": str(data), "TRIAGE_WEB_PORT": str(port)}
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=data, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)) as asking:
                    asking.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
                    if asking.recv(1):
                        return (time.perf_counter() - began) * 1e3
                if process.poll() is not None:
                    raise RuntimeError("it did not start")
                time.sleep(0.002)
        finally:
            process.terminate()


def quantile(values: Sequence[float], part: float) -> float:
    """A quantile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
