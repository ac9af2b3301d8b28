"""The web channel: turns, pages, a first visit. Run with `python -m benchmarks.web`, `--quick` for a look.

    turns     durable turns a second through the API and the page, beside bare routes of the same server
    growth    the same page with many stored conversations, cases of one browser, known clients
    pages     the CPU of one page, part by part, and of what an answer can be had as
    browser   a first visit and a press in Chromium; the start of `triage serve`

The service runs in a process of its own as `triage serve` runs it (SQLite, flushed at every turn), whoever asks in
another, over loopback. Each row is the median of several repetitions, with the lowest beside it. What is compared is
measured in turns, the order reversed each time, and a ratio is the median of the ratios of neighbours. Of the two CPU
columns the first is of the clients, the second of the service, all threads.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop

from benchmarks.core import CONSULT
from benchmarks.durable import Extent, Sample, absolute, alternate, beside, fill_sqlite, line, row
from benchmarks.durable import Stopwatch as Clock
from benchmarks.web_clients import (
    QUESTIONS,
    ROUND,
    Browser,
    Client,
    Clients,
    Connection,
    Echo,
    Program,
    connected,
    follows,
)
from benchmarks.web_service import AMONG, BARE, GUARDED, Service
from tests.postgres import Server

PARTS = ("turns", "growth", "pages", "browser")
AT_ONCE = (1, 50, 500)
KNOWN = 10_000
"""Clients the rate limiter knows."""
CASES = 9
JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
SENT = b'{"turn":"brain_metastases:none","delivery":"8"}'
POSTED = (
    b"token=Ws0tCrTtC0mRM1gz.0123456789abcdef0123456789abcdef&screen=123.1.7&question=brain_metastases&"
    b"turn=brain_metastases%3Anone"
)
"""A turn as it is sent to the API, and as the page's form sends it."""
NOBODY = Extent(0, 0, 0.0, 0, 0, 0, 1)
FULL = NOBODY._replace(repetitions=7, seconds=1.5, stored=100_000)
QUICK = NOBODY._replace(repetitions=3, seconds=0.3, stored=20_000)


def heading(text: str, unit: str = "turns/s") -> None:
    """The head of a table."""
    units = (unit, "p50 ms", "p99 ms", "client us", "service us")
    print(f"\n{text:<64}" + "".join(f"{unit:>16}" for unit in units))
    print(f"{'':<64}" + f"{'median':>8}{'lowest':>8}" * len(units), flush=True)


# Turns


async def turns(service: Service, extent: Extent) -> None:
    """The API and the page beside bare routes, and what is on the disk afterwards."""
    taken = 0
    for at_once in AT_ONCE:

        async def clients(
            made: Callable[[Connection], Client], course: Sequence[str] = ROUND, at_once: int = at_once
        ) -> Clients:
            return Clients(service, [made(await connected(service)) for _ in range(at_once)], course)

        echoes = {
            "bare": await clients(lambda to: Echo(to, BARE, SENT, JSON)),
            "guarded": await clients(lambda to: Echo(to, GUARDED, SENT, JSON)),
            "among": await clients(lambda to: Echo(to, AMONG, SENT, JSON)),
            "bare form": await clients(lambda to: Echo(to, BARE, POSTED, FORM)),
        }
        real = {
            "api": await clients(Program),
            "questions": await clients(Browser, QUESTIONS),
            "page": await clients(Browser),
            "plain": await clients(lambda to: Browser(to, script=False)),
        }
        for variant in real.values():
            await variant.begin()
        found = await alternate(extent, {**echoes, **real}, alike=())
        heading(f"{at_once} client{'s' if at_once > 1 else ''}, each in a consult of its own")
        absolute("floor: a bare route", found["bare"])
        absolute("  the same behind the guard", found["guarded"])
        beside("guarded beside bare", found["guarded"], found["bare"])
        absolute("  the same as a route of the API, behind the guard", found["among"])
        absolute("API (POST .../turns): whole consults", found["api"])
        beside("beside the bare route", found["api"], found["bare"])
        beside("beside a route of the API", found["api"], found["among"])
        absolute("floor: a bare route sent the page's form", found["bare form"])
        absolute("page with script (POST, answered with the page): questions only", found["questions"])
        beside("beside the bare route", found["questions"], found["bare form"])
        absolute("page with script: whole consults", found["page"])
        beside("beside the bare route", found["page"], found["bare form"])
        absolute("page without script (POST, 303, GET): whole consults", found["plain"])
        beside("beside the bare route", found["plain"], found["bare form"])
        for name, said in (("api", "API"), ("page", "page with script"), ("plain", "page without script")):
            waits = sorted(real[name].answers)
            row(f"  of these, a turn that brings the answer: {said}", [wait * 1e3 for wait in waits], "ms")
        taken += sum(variant.turns for variant in real.values())
        for variant in (*echoes.values(), *real.values()):
            variant.close()
        if service.kept != taken:
            raise RuntimeError(f"{taken:,} turns were acknowledged, {service.kept:,} are in the log")
    taken += await files(service, extent)
    service.kill()
    kept = service.kept
    print(f"\n{taken:,} turns were acknowledged; after a kill, {kept:,} are in the log")
    if kept != taken:
        raise RuntimeError("not the same")


class BesideFiles(Clients):
    """The same, while somebody has an answer written as a file again and again."""

    def __init__(self, service: Service, clients: Sequence[Client], reader: Browser) -> None:
        super().__init__(service, clients, QUESTIONS)
        self._reader = reader
        self.files = 0

    async def take(self, turns: int) -> Sample:
        """So many turns, measured; files go on being written until the last one."""
        over = asyncio.Event()

        async def reading() -> None:
            await self._reader.connection.open()
            while not over.is_set():
                answer = await self._reader.get(b"/case/1/answer.pdf")
                if not answer.body.startswith(b"%PDF"):
                    raise RuntimeError(f"{answer.status} is no PDF")
                self.files += 1

        going = asyncio.create_task(reading())
        sample = await super().take(turns)
        over.set()
        await going
        return sample


async def files(service: Service, extent: Extent) -> int:
    """Turns while somebody else's answer is written as PDF; how many were taken in all."""
    reader = Browser(await connected(service))
    await reader.begin()
    for place, wire in enumerate(CONSULT):
        await reader.turn(wire, follows(ROUND, place))
    alone = Clients(service, [Browser(await connected(service))], QUESTIONS)
    beside_files = BesideFiles(service, [Browser(await connected(service))], reader)
    await alone.begin()
    await beside_files.begin()
    found = await alternate(extent, {"alone": alone, "beside": beside_files}, alike=("alone", "beside"))
    heading("1 client's question turns, while another has PDFs written")
    absolute("alone", found["alone"])
    absolute(f"beside ({beside_files.files} files)", found["beside"])
    beside("beside alone", found["beside"], found["alone"])
    row("  the longest wait of a turn, alone", [sample.waits[-1] * 1e3 for sample in found["alone"]], "ms")
    row("  the longest wait of a turn, beside", [sample.waits[-1] * 1e3 for sample in found["beside"]], "ms")
    return len(CONSULT) + alone.turns + beside_files.turns


# Growth


class Reading:
    """One browser, or several in turn, that ask for the page of one question again and again."""

    server: Server | None = None
    step = 1

    def __init__(self, service: Service, browser: Browser, clients: Sequence[bytes] = (b"",)) -> None:
        self._service = service
        self.browser = browser
        self._clients = clients
        """Header lines: of each request those that come next."""
        self._asked = 0

    async def take(self, turns: int) -> Sample:
        """So many pages."""
        waits = []
        path = b"/case/%d" % self.browser.case
        await self.browser.connection.open()
        before, watch = self._service.spent, Clock(None)
        for _ in range(turns):
            began = time.perf_counter()
            answer = await self.browser.get(path, self._clients[self._asked % len(self._clients)])
            self._asked += 1
            if b'data-key="asked:hr_status:' not in answer.body:
                raise RuntimeError(f"{answer.status} is not the page of the question")
            waits.append(answer.at - began)
        return watch.stopped(waits)._replace(server=self._service.spent - before)


async def at_the_question(service: Service, cases: int = 1, client: bytes = b"") -> Browser:
    """A browser in the middle of a consult, in the last of so many cases."""
    browser = Browser(await connected(service), headers=client)
    await browser.begin()
    for case in range(cases):
        if case:
            await browser.another()
        for place in range(8):
            await browser.turn(CONSULT[place], follows(CONSULT, place))
    return browser


def forwarded(number: int) -> bytes:
    """What a proxy says of a client."""
    return b"x-forwarded-for: 10.%d.%d.%d\r\n" % (number >> 16, number >> 8 & 255, number & 255)


async def growth(folder: Path, extent: Extent) -> None:
    """The page of the same question, with more and more around it."""
    assert CONSULT[8].startswith("hr_status:")
    stored = (0, extent.stored // 10, extent.stored)
    with ExitStack() as stack:
        variants: dict[str, Reading] = {}
        for many in stored:
            place = folder / f"{many}"
            place.mkdir()
            if many:
                fill_sqlite(place / "triage.sqlite3", many, extent)
            service = stack.enter_context(Service(place))
            variants[f"{many:,} conversations stored"] = Reading(service, await at_the_question(service))
            if not many:
                variants[f"{CASES} cases in the session"] = Reading(service, await at_the_question(service, CASES))
        for name, known in (("1 client", 1), (f"{KNOWN:,} clients", KNOWN)):
            place = folder / name
            place.mkdir()
            service = stack.enter_context(
                Service(place, WEB_RATE_LIMIT="1000000", WEB_TRUSTED_PROXIES="127.0.0.1")
            )  # fmt: skip
            clients = [forwarded(number) for number in range(known)]
            browser = await at_the_question(service, client=clients[0] if known == 1 else b"")
            everybody = Reading(service, browser, clients)
            await everybody.take(known)
            if known == 1:
                variants[f"{name} known to the rate limiter"] = Reading(service, browser, clients)
            else:
                variants[f"{name} known, one of them asks"] = Reading(service, browser, clients[-1:])
                variants[f"{name} known, each asks in turn"] = everybody
        found = await alternate(extent, variants, alike=tuple(variants))
        heading("The page of one question, one client", "pages/s")
        first = f"{0:,} conversations stored"
        alone = "1 client known to the rate limiter"
        absolute(f"{first}, 1 case", found[first])
        for many in stored[1:]:
            versus(f"{many:,} conversations stored", found, first, most=1.1)
        versus(f"{CASES} cases in the session", found, first)
        absolute(alone, found[alone])
        versus(f"{KNOWN:,} clients known, one of them asks", found, alone, most=1.1)
        versus(f"{KNOWN:,} clients known, each asks in turn", found, alone)
        row("bytes of the page, 1 case (compressed)", [variants[first].browser.size], "B")
        row(
            f"bytes of the page, {CASES} cases (compressed)",
            [variants[f"{CASES} cases in the session"].browser.size],
            "B",
        )


def versus(name: str, found: Mapping[str, Sequence[Sample]], peer: str, most: float = 0.0) -> None:
    """A row, and beside another by the CPU of the service: it says more than the time where the machine is shared."""
    absolute(name, found[name])
    ratios = [ours.figures[4] / theirs.figures[4] for ours, theirs in zip(found[name], found[peer], strict=True)]
    median = statistics.median(ratios)
    met = f"aim: at most {most}: {'met' if median <= most else 'missed'}" if most else ""
    line(f"  CPU of the service beside {peer}", [ratios], met)


# All of it


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description="The web channel beside its floors.")
    parser.add_argument("--quick", action="store_true", help="fewer stored conversations, shorter repetitions")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; all of it where none is named")
    given = parser.parse_args()
    extent = QUICK if given.quick else FULL
    parts = given.parts or PARTS
    began = time.perf_counter()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; ", end="")
    print(f"{extent.repetitions} repetitions of about {extent.seconds} s each", flush=True)
    with tempfile.TemporaryDirectory(prefix="triage-web-") as name:
        folder = Path(name)
        if "turns" in parts:
            (folder / "turns").mkdir()
            with Service(folder / "turns") as service:
                uvloop.run(turns(service, extent))
        if "growth" in parts:
            uvloop.run(growth(folder, extent))
        if "pages" in parts:
            from benchmarks.web_pages import pages  # noqa: PLC0415  (it loads what writes PDF)

            pages(folder)
        if "browser" in parts:
            from benchmarks.web_browser import visits  # noqa: PLC0415  (it needs a browser)

            asyncio.run(visits(folder, extent))
    print(f"\n{time.perf_counter() - began:.0f} s all in all")


if __name__ == "__main__":
    main()
