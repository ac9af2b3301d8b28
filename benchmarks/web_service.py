"""The service as the benchmarks of the web ask it: `triage serve` in a process of its own, bare routes beside it.

The bare routes stand in the same process, on the same port, event loop and protocol; one of them behind the guard, one
among the routes of the API. What they cost is the floor of whatever is asked there.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import bot.serve
from benchmarks.durable import SECRET
from bot.access import guarded
from bot.app import App
from bot.cli import run
from bot.metrics import Metrics
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
BARE, GUARDED, AMONG, PAGE = "/bare", "/guarded", "/api/bare", "/bare-page"
"""A route that says back what it was sent: alone, behind the guard, among the routes of the API; and a page."""
_SERVING = re.compile(r"Serving on (http://\S+) ")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title></head>
<body><h2 id="asked">%d</h2><form method="post"><button name="turn" value="next">Next</button></form></body></html>
"""


class Service:
    """`triage serve` on a data folder, until it is left. Settings are given without their prefix."""

    def __init__(self, folder: Path, *, command: Sequence[str] = (), **settings: str) -> None:
        self.file = folder / "triage.sqlite3"
        given = {"DATA_DIR": str(folder), "WEB_PORT": "0", "SECRET_KEY": SECRET, "WEB_RATE_LIMIT": "0", **settings}
        self._process = subprocess.Popen(
            command or (sys.executable, "-c", "from benchmarks.web_service import serve; serve()", "serve"),
            cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **{f"TRIAGE_{k}": v for k, v in given.items()}},
        )  # fmt: skip
        assert self._process.stderr is not None
        said = self._process.stderr.readline()
        found = _SERVING.match(said)
        if found is None:
            raise RuntimeError(f"the service did not start: {said}{self._process.stderr.read()}")
        self.url = found[1]
        self.port = int(self.url.rpartition(":")[2])

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._process.kill()
        self._process.wait()

    @property
    def spent(self) -> float:
        """CPU seconds of it so far, all threads."""
        nanoseconds = 0
        for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
            with suppress(OSError):
                nanoseconds += int((thread / "schedstat").read_text("ascii").split()[0])
        return nanoseconds / 1e9

    @property
    def resident(self) -> int:
        """Bytes of it in memory."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def kept(self) -> int:
        """Turns in its log: read from the file, past the service."""
        with closing(sqlite3.connect(f"{self.file.as_uri()}?mode=ro", uri=True)) as db:
            (count,) = db.execute("SELECT count(*) FROM delivery").fetchone()
        return int(count)


# In its process


def serve() -> None:
    """`triage serve`, with the bare routes beside it."""
    made: Any = bot.serve.application

    def beside(
        app: App,
        settings: Settings,
        metrics: Metrics,
        *,
        routes: Sequence[BaseRoute] = (),
        elsewhere: Sequence[str] = (),
    ) -> ASGIApp:
        whole = made(
            app, settings, metrics, routes=[*routes, Route(AMONG, _said_back, methods=["POST"])], elsewhere=elsewhere
        )
        bare = Starlette(routes=[
            Route(BARE, _said_back, methods=["POST"]), Route(PAGE, _page), Route(PAGE, _posted, methods=["POST"])
        ])  # fmt: skip
        behind = guarded(Starlette(routes=[Route(GUARDED, _said_back, methods=["POST"])]), settings, app.log.keys)
        by_path: dict[str, ASGIApp] = {BARE: bare, PAGE: bare, GUARDED: behind}

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            await by_path.get(scope.get("path", ""), whole)(scope, receive, send)

        return asked

    bot.serve.application = beside
    run()


async def _said_back(request: Request) -> Response:
    return JSONResponse({"said": (await request.body()).decode()})


async def _page(request: Request) -> Response:
    return HTMLResponse(_PAGE % int(request.query_params.get("at", "0")), headers={"Cache-Control": "no-store"})


async def _posted(request: Request) -> Response:
    await request.body()
    return RedirectResponse(f"{PAGE}?at={int(request.query_params.get('at', '0')) + 1}", 303)
