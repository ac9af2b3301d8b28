"""A worker of the crash test: the real service, with a channel that is called from outside and sends by itself.

Run as a process it waits for lines on standard input, each the settings of a worker, and forks one: with everything
imported once, a killed worker is back within milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import serve
from bot.app import NOT_KEPT, App, Post, Said, Tap
from bot.channels.web.pages import load_pages
from bot.log import Entry, Letter, delivery_hash
from bot.log.postgresql import PostgreSQL
from bot.log.sqlite import SQLite
from bot.logs import configure
from bot.outbox import NotSent, Outbox
from bot.settings import Settings
from flows.knowledge.load import shipped

LEASE = 3
"""Seconds after which a killed worker's letters are taken over: short, so that the test need not wait."""


class Messenger:
    """The worker's side of the stand-in messenger: one letter is one request."""

    def __init__(self, port: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5)

    async def send(self, address: str, payload: str, noted: str) -> None:
        try:
            answer = await self._client.post("/", content=json.dumps({"to": address, "letter": json.loads(payload)}))
        except httpx.ConnectError:
            raise NotSent from None
        if answer.status_code == 429:
            raise NotSent(0.01)
        answer.raise_for_status()


def letters(delivery: str) -> Callable[[Said], list[Letter]]:
    """An edit of the question answered, and a letter for each message, as a chat channel would send them."""

    def written(said: Said) -> list[Letter]:
        edit = Letter(json.dumps({"of": delivery, "place": 0, "id": "edit"}), repeatable=True)
        rest = [
            Letter(json.dumps({"of": delivery, "place": place, "id": message.id}))
            for place, message in enumerate(said.messages, 1)
        ]
        return [edit, *rest]

    return written


def chat_routes(app: App) -> list[Route]:
    """Where the stand-in messenger delivers what users do."""

    async def delivered(request: Request) -> Response:
        document = json.loads(await request.body())
        user, delivery = request.path_params["user"], document["delivery"]
        post = Post("chat", user, letters(delivery))
        said = await app.handle(f"chat:{user}", Tap(document["turn"]), delivery, post)
        ids = [message.id for message in said]
        return JSONResponse(ids, 503 if set(ids) & set(NOT_KEPT) else 200)

    return [Route("/chat/{user}", delivered, methods=["POST"])]


def run_worker(settings: dict[str, Any], messenger_port: int, without: str | None) -> None:
    """The process that is killed. `without`: leave out one of what keeps it right, to see the test fail."""
    configure("error", "json")
    leave_out(without)
    serve.Outbox = functools.partial(Outbox, lease=LEASE)  # type: ignore[misc,assignment]
    couriers = {"chat": Messenger(messenger_port)}
    with asyncio.Runner() as runner:
        runner.run(
            serve.serve(
                Settings(**settings, web_rate_limit=0),
                shipped(),
                couriers=couriers,
                routes=chat_routes,
                said=lambda line: None,
            )
        )


def leave_out(without: str | None) -> None:
    """Switch off the dedupe row, the transaction (SQLite) or the lock (PostgreSQL)."""
    if without == "dedupe":
        for engine in (SQLite, PostgreSQL):
            take = engine.take

            def forgetful(self: Any, entries: list[Entry], at: int, *, take: Any = take, **options: Any) -> Any:
                return take(self, [replace(entry, delivery=delivery_hash(None)) for entry in entries], at, **options)

            engine.take = forgetful  # type: ignore[method-assign,assignment]
    elif without == "transaction":

        @contextlib.contextmanager
        def piecemeal(self: SQLite) -> Iterator[None]:
            yield  # every statement commits by itself

        SQLite.transaction = piecemeal  # type: ignore[method-assign]


def main() -> None:
    """Fork a worker for each line, and say its process id."""
    shipped()
    load_pages()  # read once for all workers
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed are not waited for
    workers = set()
    for line in sys.stdin:
        settings, messenger, without = json.loads(line)
        worker = os.fork()
        workers.add(worker)
        if not worker:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            quiet = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(quiet, descriptor)
            try:
                run_worker(settings, messenger, without)
            finally:
                os._exit(1)
        print(worker, flush=True)
    for worker in workers:  # whoever asked for them is gone
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


if __name__ == "__main__":
    main()
