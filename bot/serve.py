"""`triage serve`: one process that serves, supervised part by part, and stops without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import structlog
import uvicorn
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.access import guarded
from bot.app import App
from bot.channels import api, cds_hooks
from bot.channels.web import channel as web
from bot.channels.web import sign_in
from bot.log import Log, LogError
from bot.log.opening import open_log
from bot.metrics import Metrics
from bot.outbox import Courier, Outbox
from bot.retention import sweep_always
from bot.settings import Settings, SettingsError
from flows.knowledge.load import Knowledge

logger = structlog.get_logger()
STOPPING = 10.0
"""Seconds a stop may take, all in all."""
TURNS_FINISH = 6.0
"""Seconds of these for the turns in hand."""
SETTLED = 60.0
"""Seconds after which what lives then counts as living long."""
DATABASE_COMES = 30.0
"""Seconds to wait at the start for a database that is not up yet."""
HEAD = 32 * 1024
"""Bytes a request may have before its body."""
FRAMING = 8
"""Bytes around each byte of a body that comes in chunks, at the worst."""
PIPELINED = 16
"""Requests of one connection that may wait for their turn."""
COMING = ("refused", "starting up", "accepting connections", "in recovery", "timeout", "resolve", "shutting down",
          "closed")  # fmt: skip
"""What is said of a database that may yet come."""


class _Http(HttpToolsProtocol):
    """HTTP as uvicorn reads it, with bounds on what comes before a body: its size, and how long it takes.

    A token is looked for only after that; without the bounds, whoever reaches the port could fill the memory.
    """

    _loose = 0
    """Bytes since the last whole request that were no body: heads, the frames of chunks, trailers."""
    _body = 0
    """Bytes of its body."""
    _reads_head = False
    _overfull = False
    """Whether more requests came at once than wait for their turn: what follows is not read."""
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._late = self.loop.call_later(api.SLOWEST, transport.close)

    def data_received(self, data: bytes) -> None:
        """Close where too much has come, or nothing more comes, and the head of a request is still not whole."""
        self._loose += len(data)
        super().data_received(data)
        if self._overfull:
            self.transport.abort()
        elif self._loose > HEAD + FRAMING * self._body:
            if self._reads_head:
                self.transport.write(b"HTTP/1.1 431 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
        elif self._reads_head and self._late is None:
            self._late = self.loop.call_later(api.SLOWEST, self.transport.close)

    def on_message_begin(self) -> None:
        """A request's first byte came."""
        if len(self.pipeline) >= PIPELINED:
            self._overfull = True
        if not self._overfull:
            super().on_message_begin()
            self._reads_head = True

    def on_url(self, url: bytes) -> None:
        """A part of the address came."""
        if not self._overfull:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came; what comes under this name after the body is not one."""
        if self._reads_head and not self._overfull:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if not self._overfull:
            self._reads_head = False
            self._in_time()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._loose -= len(body)
        self._body += len(body)
        if not self._overfull:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """What follows is the next request."""
        if not self._overfull:
            super().on_message_complete()
            self._loose = self._body = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more, and nothing that waited is kept: a ring of it would outlive the collector."""
        self._in_time()
        super().connection_lost(exc)
        self.pipeline.clear()

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class _Server(uvicorn.Server):
    """uvicorn, which leaves signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: a signal means a stop of the whole service."""
        yield


def stop_at_signal() -> asyncio.Event:
    """Set by the first signal that asks for a stop. A second one ends the process at once, and so does a stop that
    hangs: nothing that was acknowledged is lost by it."""
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()
        last = threading.Timer(STOPPING, os._exit, (1,))
        last.daemon = True
        last.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    return stop


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on. Raises SettingsError where it cannot be had."""
    settings.check_reach()
    try:
        family = socket.AF_INET6 if ":" in settings.web_host else socket.AF_INET
        listening = socket.create_server((settings.web_host, settings.web_port), family=family, backlog=2048)
        # inherited by what is accepted: the standard loop leaves it off, and a page would wait for an acknowledgement
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise SettingsError(
            f"TRIAGE_WEB_HOST, TRIAGE_WEB_PORT: cannot listen on {settings.web_host} port {settings.web_port}: "
            f"{error.strerror or error}"
        ) from None


async def opened(settings: Settings, stop: asyncio.Event) -> Log | None:
    """The log; a database that is still starting is waited for. None where a stop was asked for meanwhile.

    Raises LogError or SettingsError.
    """
    until = time.monotonic() + DATABASE_COMES
    while not stop.is_set():
        try:
            return await asyncio.to_thread(open_log, settings)
        except LogError as error:
            if settings.postgresql is None or time.monotonic() > until or not _may_come(str(error)):
                raise
            logger.warning("database_awaited", kind="LogError")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.5)
    return None


def _may_come(said: str) -> bool:
    return any(words in said for words in COMING)


async def supervised(name: str, part: Callable[[], Awaitable[None]], failed: Callable[[str], None]) -> None:
    """Run a part for ever: one that fails is started again, later each time, and told of.

    Raises SettingsError where the part says that it never can.
    """
    wait = 0.1
    while True:
        began = time.monotonic()
        try:
            await part()
            return
        except SettingsError:
            raise  # another try would end the same way
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
    routes: Callable[[App], Sequence[BaseRoute]] = lambda app: (),
    said: Callable[[str], None] = print,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until a signal asks to stop. Raises SettingsError or LogError where it cannot begin.

    `couriers`, `routes`: of channels that send by themselves, and that are called from outside. `ready`: told the
    address of the chat once it can be opened.
    """
    stop = stop_at_signal()
    settings.check_telegram()
    listening = listen(settings)
    log = await opened(settings, stop)
    if log is None:
        return
    metrics = Metrics()
    app = App(knowledge, log, region=settings.region, keep_records=settings.keep_records, meter=metrics)
    bot = _telegram(app, settings, said)
    couriers = {**(couriers or {}), **(bot.couriers if bot else {})}
    outbox = Outbox(log, couriers)
    app.on_posted = outbox.wake
    app.lease = outbox.lease_now
    config = uvicorn.Config(
        application(
            app, settings, metrics, routes=[*routes(app), *(bot.routes if bot else ())],
            elsewhere=bot.paths if bot else (),
        ),
        loop="none", lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=20, timeout_graceful_shutdown=int(TURNS_FINISH), http=_Http,
    )  # fmt: skip
    server = _Server(config)
    retention = partial(sweep_always, app, settings.retention_hours)
    parts = [
        asyncio.create_task(supervised("retention", retention, metrics.error)),
        asyncio.create_task(supervised("memory", _settle_memory, metrics.error)),
    ]
    if couriers:
        parts.append(asyncio.create_task(supervised("outbox", outbox.run, metrics.error)))
    telegram = asyncio.create_task(supervised("telegram", bot.run, metrics.error)) if bot is not None else None
    if telegram is not None:
        parts.append(telegram)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    host, port = listening.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    engine = "sqlite" if settings.postgresql is None else "postgresql"
    said(f"Serving on http://{host}:{port} ({engine}); /healthz, /readyz, /metrics. Ctrl-C stops.")
    ready(f"http://{host}:{port}/")
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({asked, serving, *parts}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        until = time.monotonic() + STOPPING - 1
        server.should_exit = True  # no new connection: whoever balances the load asks another worker
        ended = [part for part in parts if part.done()]
        if bot is not None and telegram is not None:
            await bot.stop(telegram)
        finished = await app.stop(min(TURNS_FINISH, until - time.monotonic() - 1))
        await outbox.stop(max(0.0, min(2.0, until - time.monotonic())))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(serving), max(0.1, until - time.monotonic()))
        for part in (*parts, asked):
            part.cancel()
        await asyncio.gather(*parts, asked, return_exceptions=True)
        await asyncio.to_thread(log.close)
        logger.info("stopped", kind="finished" if finished else "turns_left")
        if bot is not None:
            await bot.close()
    for task in (serving, *ended):  # where one ended by itself, why
        await task


PROGRAMS = ("/api", "/cds-services", "/healthz", "/readyz", "/metrics", "/telegram")
"""Where paths begin that are for programs; every other one is a page."""


def application(
    app: App,
    settings: Settings,
    metrics: Metrics,
    *,
    routes: Sequence[BaseRoute] = (),
    elsewhere: Sequence[str] = (),
) -> ASGIApp:
    """All that is served on the web port, behind its guard: the web chat, the API, what operators ask.

    `routes`: those of channels that are called from outside; `elsewhere`: of their paths, those that know their caller
    by other means than the access token.
    """
    keys = app.log.keys
    starts = (*PROGRAMS, *(f"/{route.path.split('/')[1]}" for route in routes if isinstance(route, Route)))
    programs = api.create(app, metrics, routes=[*cds_hooks.router(app, settings.public_url).routes, *routes])
    pages = web.create(app, settings, extra=sign_in.routes(settings, keys))

    async def by_path(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        for_programs = any(path == start or path.startswith(f"{start}/") for start in starts)
        await (programs if for_programs else pages)(scope, receive, send)

    return guarded(by_path, settings, keys, elsewhere=elsewhere)


async def _settle_memory() -> None:
    """Take what lives long out of the garbage collector's sight, again and again.

    A collection of everything would stop the event loop for as long as it takes to walk all conversations in memory
    (docs/performance.md). What is dropped is freed all the same; only rings of objects that were whole at such a moment
    are not.
    """
    gc.collect()
    while True:
        gc.freeze()
        await asyncio.sleep(SETTLED)


class _Bot(NamedTuple):
    """What the service needs of a Telegram bot. The library is loaded only where a token is set."""

    couriers: Mapping[str, Courier]
    routes: Sequence[BaseRoute]
    paths: Sequence[str]
    run: Callable[[], Awaitable[None]]
    stop: Callable[[asyncio.Task[None]], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def _telegram(app: App, settings: Settings, said: Callable[[str], None]) -> _Bot | None:
    if settings.telegram_token is None:
        return None
    from bot.channels.telegram import service  # noqa: PLC0415  (loading the library takes most of a second)

    telegram = service.create(app, settings)
    secret = service.secret_of(app, settings)
    webhook = settings.telegram_mode == "webhook"

    async def stop(part: asyncio.Task[None]) -> None:
        part.cancel()  # what was fetched is finished, and confirmed
        await asyncio.wait([part], timeout=2.5)
        if webhook and settings.postgresql is None and telegram.ready:
            await service.remove_webhook(telegram)  # of several workers, the others go on

    return _Bot(
        {"telegram": telegram}, service.routes(telegram, secret) if webhook else (), (service.WEBHOOK,),
        partial(service.run, telegram, settings, secret, said), stop, telegram.shutdown,
    )  # fmt: skip
