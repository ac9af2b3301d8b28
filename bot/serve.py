"""`triage serve`: one process that serves, supervised part by part, and stops without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from types import FrameType

import structlog
import uvicorn

from bot.app import App
from bot.channels import api
from bot.log import Log, LogError
from bot.log.opening import open_log
from bot.metrics import Metrics
from bot.outbox import Courier, Outbox
from bot.retention import sweep
from bot.settings import Settings, SettingsError
from flows.knowledge.load import Knowledge

logger = structlog.get_logger()
STOPPING = 10.0
"""Seconds a stop may take, all in all."""
TURNS_FINISH = 6.0
"""Seconds of these for the turns in hand."""
DATABASE_COMES = 30.0
"""Seconds to wait at the start for a database that is not up yet."""


class _Server(uvicorn.Server):
    """uvicorn, with a signal meaning a stop of the whole service instead of its own."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self._stop = stop
        self._asked = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks for a stop; a second one ends the process at once."""
        if self._asked:
            os._exit(130)
        self._asked = True
        self._loop.call_soon_threadsafe(self._stop)


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on. Raises SettingsError where it cannot be had."""
    settings.check_reach()
    try:
        family = socket.AF_INET6 if ":" in settings.web_host else socket.AF_INET
        return socket.create_server((settings.web_host, settings.web_port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"TRIAGE_WEB_HOST, TRIAGE_WEB_PORT: cannot listen on {settings.web_host} port {settings.web_port}: "
            f"{error.strerror or error}"
        ) from None


def opened(settings: Settings) -> Log:
    """The log; a database that is still starting is waited for. Raises LogError or SettingsError."""
    until = time.monotonic() + DATABASE_COMES
    while True:
        try:
            return open_log(settings)
        except LogError as error:
            if settings.postgresql is None or time.monotonic() > until or not _may_come(str(error)):
                raise
            logger.warning("database_awaited", kind="LogError")
            time.sleep(0.5)


def _may_come(said: str) -> bool:
    return any(words in said for words in ("refused", "starting up", "timeout", "resolve", "shutting down", "closed"))


async def supervised(name: str, part: Callable[[], Awaitable[None]], failed: Callable[[str], None]) -> None:
    """Run a part for ever: one that fails is started again, later each time, and told of."""
    wait = 0.1
    while True:
        began = time.monotonic()
        try:
            await part()
            return
        except Exception as error:
            failed(type(error).__name__)
            logger.error("part_failed", part=name, kind=type(error).__name__)
        if time.monotonic() - began > 60:
            wait = 0.1
        await asyncio.sleep(wait * random.uniform(0.8, 1.2))
        wait = min(wait * 2, 15.0)


async def serve(
    settings: Settings,
    knowledge: Knowledge,
    *,
    couriers: Mapping[str, Courier] | None = None,
    said: Callable[[str], None] = print,
) -> None:
    """Serve until a signal asks to stop. Raises SettingsError or LogError where it cannot begin."""
    listening = listen(settings)
    log = await asyncio.to_thread(opened, settings)
    metrics = Metrics()
    app = App(knowledge, log, region=settings.region, keep_records=settings.keep_records, meter=metrics)
    outbox = Outbox(log, couriers or {})
    app.on_posted = outbox.wake
    token = settings.web_access_token
    stop = asyncio.Event()
    config = uvicorn.Config(
        api.create(app, metrics, token=token.get_secret_value() if token else None),
        loop="none", lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=20, timeout_graceful_shutdown=2, h11_max_incomplete_event_size=16 * 1024,
    )  # fmt: skip
    server = _Server(config, stop.set)
    parts = [asyncio.create_task(supervised("retention", lambda: sweep(app, settings.retention_hours), metrics.error))]
    if couriers:
        parts.append(asyncio.create_task(supervised("outbox", outbox.run, metrics.error)))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    host, port = listening.getsockname()[:2]
    said(f"Serving on http://{host}:{port} ({log.engine.stats().engine}); /healthz, /readyz, /metrics. Ctrl-C stops.")
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({asked, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        until = time.monotonic() + STOPPING - 1
        finished = await app.stop(TURNS_FINISH)
        await outbox.stop(max(0.0, min(2.0, until - time.monotonic())))
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(serving), max(0.1, until - time.monotonic()))
        for part in (*parts, asked):
            part.cancel()
        await asyncio.gather(*parts, asked, return_exceptions=True)
        await asyncio.to_thread(log.close)
        logger.info("stopped", kind="finished" if finished else "turns_left")
    await serving  # where it ended by itself, why
