"""How the service does, for whoever runs it: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.app import App
from bot.channels.api.problems import problem
from bot.log import LogError
from bot.metrics import Metrics

PROBED = 1.0
"""Seconds for which what was found out about readiness is taken to hold."""


class Readiness:
    """Whether a turn could be kept now: something is written to find out, at most once a second."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked = -PROBED
        self._reason: str | None = None
        self._asking = asyncio.Lock()

    async def reason(self) -> str | None:
        """Why no turn can be taken; None where it can."""
        if self._app.stopping:
            return "stopping"
        async with self._asking:
            if time.monotonic() - self._asked >= PROBED:
                try:
                    async with asyncio.timeout(2.0):
                        await self._app.log.probe()
                    self._reason = None
                except (LogError, TimeoutError):
                    self._reason = "the log cannot be written"
                self._asked = time.monotonic()
        return self._reason


def routes(app: App, metrics: Metrics) -> list[BaseRoute]:
    """The three paths operators ask."""
    readiness = Readiness(app)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        reason = await readiness.reason()
        return JSONResponse({"status": "ready"}) if reason is None else problem(503, reason)

    async def measured(_: Request) -> Response:
        try:
            depth = await app.log.depth()
        except LogError:
            depth = None
        text = metrics.exposition(app, depth, ready=await readiness.reason() is None)
        return Response(text, media_type="text/plain; version=0.0.4")

    return [Route("/healthz", health), Route("/readyz", ready), Route("/metrics", measured)]
