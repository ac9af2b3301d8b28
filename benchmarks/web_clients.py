"""Clients over HTTP that keep their connection: programs on the API, browsers on the page. They cost little themselves.

Each plays the same consult again and again, and holds every answer against what must come next: a turn that was not
taken ends the run.
"""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

import httptools

from benchmarks.core import CONSULT
from benchmarks.durable import Sample
from benchmarks.durable import Stopwatch as Clock
from benchmarks.web_service import Service
from bot.channels.web.channel import PARTLY
from tests.postgres import Server

ROUND = (*CONSULT, "/restart")
"""The turns each takes, again and again."""
QUESTIONS = (*CONSULT[:-1], "/restart")
"""The same without the answer."""
CONFIRM = "review:confirm"
"""The turn that brings the answer."""
IDLE = 10.0
"""Seconds after which a connection is made anew before it is used: the service closes it after 20."""
_TOKEN = re.compile(rb'name="token" value="([^"]+)"')
_SCREEN = re.compile(rb'name="screen" value="([^"]+)"')


class Answer(NamedTuple):
    """What came back. `at`: when it was whole, by time.perf_counter; `bytes`: of its body as it came."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    at: float
    bytes: int


class Connection(asyncio.Protocol):
    """A connection that is kept: one request after another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._host = b"127.0.0.1:%d" % port
        self._used = -IDLE
        self._answered: asyncio.Future[Answer] | None = None
        self._transport: Any = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []

    async def open(self) -> None:
        """Make it, where it does not stand or was left alone for long."""
        if time.perf_counter() - self._used > IDLE:
            self.close()
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
            self._used = time.perf_counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = transport

    def ask(self, method: bytes, path: bytes, headers: bytes = b"", body: bytes = b"") -> asyncio.Future[Answer]:
        """One request; `headers` as lines."""
        length = b"content-length: %d\r\n" % len(body) if method == b"POST" else b""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(
            b"%b %b HTTP/1.1\r\nhost: %b\r\naccept-encoding: gzip\r\n%b%b\r\n%b"
            % (method, path, self._host, headers, length, body)
        )
        return self._answered

    def data_received(self, data: bytes) -> None:
        """More of an answer."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        at = self._used = time.perf_counter()
        status = self._parser.get_status_code()
        headers, body = self._headers, b"".join(self._parts)
        self._headers, self._parts = {}, []
        self._parser = httptools.HttpResponseParser(self)
        answered, self._answered = self._answered, None
        if answered is None:
            raise RuntimeError("an answer nobody asked for")
        size = len(body)
        if headers.get(b"content-encoding") == b"gzip":
            body = zlib.decompress(body, 31)
        answered.set_result(Answer(status, headers, body, at, size))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told, unless it was the connection before this one."""
        if self._transport.is_closing() and self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionError("the service closed the connection"))

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


async def connected(service: Service) -> Connection:
    """A new connection to a service."""
    connection = Connection(service.port)
    await connection.open()
    return connection


class Client(Protocol):
    """Somebody who takes turns, one after another."""

    connection: Connection

    async def begin(self) -> None:
        """Get ready: nothing of it is a turn."""

    async def turn(self, wire: str, shown: str) -> float:
        """A turn, and what must be shown after it; the seconds until its answer was there."""


class Echo:
    """Sends a body to a route that says it back."""

    def __init__(self, connection: Connection, path: str, body: bytes, kind: bytes) -> None:
        self.connection = connection
        self._path, self._body, self._headers = path.encode(), body, b"content-type: %b\r\n" % kind

    async def begin(self) -> None:
        """Nothing."""

    async def turn(self, wire: str, shown: str) -> float:
        """One request."""
        began = time.perf_counter()
        answer = await self.connection.ask(b"POST", self._path, self._headers, self._body)
        if answer.status != 200 or not answer.body.startswith(b'{"said":"'):
            raise RuntimeError(f"{self._path!r} said {answer.status} {answer.body[:200]!r}")
        return answer.at - began


class Program:
    """A chat front end on the API."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._path = b""
        self._number = 0

    async def begin(self) -> None:
        """Begin a conversation: nothing is kept of it before its first turn."""
        answer = await self.connection.ask(b"POST", b"/api/v1/conversations")
        identifier = answer.body.partition(b'"conversation":"')[2].partition(b'"')[0]
        self._path = b"/api/v1/conversations/%b/turns" % identifier

    async def turn(self, wire: str, shown: str) -> float:
        """One turn, as a delivery of its own."""
        self._number += 1
        body = b'{"turn":"%b","delivery":"%d"}' % (wire.encode(), self._number)
        began = time.perf_counter()
        answer = await self.connection.ask(b"POST", self._path, b"content-type: application/json\r\n", body)
        if answer.status != 200 or b'"messages":[{"id":"%b"' % shown.encode() not in answer.body:
            raise RuntimeError(f"{wire} was answered {answer.status} {answer.body[:400]!r}")
        return answer.at - began


class Browser:
    """A browser on the page. `script`: with the page's own script, which is answered with the next page at once;
    without, the browser is told where the next page is, and asks for it."""

    def __init__(self, connection: Connection, *, script: bool = True, headers: bytes = b"") -> None:
        self.connection = connection
        self._always = headers
        self._headers = headers
        self._script = script
        self._token = self._screen = self._question = b""
        self.case = 1
        self.size = 0
        """Bytes of the last page as it came."""

    async def begin(self) -> None:
        """Open the page."""
        answer = await self.connection.ask(b"GET", b"/", self._always)
        cookie = answer.headers[b"set-cookie"].partition(b";")[0]
        self._headers = b"%bcookie: %b\r\nsec-fetch-site: same-origin\r\n" % (self._always, cookie)
        self._read(answer)

    def _read(self, answer: Answer) -> None:
        token, screen = _TOKEN.search(answer.body), _SCREEN.search(answer.body)
        if answer.status != 200 or token is None or screen is None:
            raise RuntimeError(f"{answer.status} is no page of a case: {answer.body[:400]!r}")
        self._token, self._screen, self.size = token[1], screen[1], answer.bytes

    async def post(self, path: bytes, headers: bytes = b"", **fields: str) -> Answer:
        """Send a form of the page that is shown."""
        body = urlencode({"token": self._token, "screen": self._screen, **fields}).encode()
        kind = b"content-type: application/x-www-form-urlencoded\r\n"
        return await self.connection.ask(b"POST", path, self._headers + kind + headers, body)

    async def turn(self, wire: str, shown: str) -> float:
        """Press a button."""
        question = {} if wire.startswith("/") else {"question": wire.partition(":")[0]}
        script = b"%b: 1\r\n" % PARTLY.encode() if self._script else b""
        began = time.perf_counter()
        answer = await self.post(b"/case/%d" % self.case, script, **question, turn=wire)
        if not self._script:
            if answer.status != 303:
                raise RuntimeError(f"{wire} was answered {answer.status} {answer.body[:400]!r}")
            answer = await self.get(answer.headers[b"location"].partition(b"#")[0])
        self._read(answer)
        key = "answer:" if shown == "advice" else f"asked:{shown}:"
        if f'data-key="{key}'.encode() not in answer.body:
            raise RuntimeError(f"{wire} was answered {answer.body[-3000:]!r}")
        return answer.at - began

    async def get(self, path: bytes, more: bytes = b"") -> Answer:
        """Ask for a page."""
        return await self.connection.ask(b"GET", path, self._headers + more)

    async def another(self) -> None:
        """One more case beside the others, which is the one that goes on."""
        answer = await self.post(b"/case/new")
        cookie = answer.headers[b"set-cookie"].partition(b";")[0]
        self._headers = b"%bcookie: %b\r\nsec-fetch-site: same-origin\r\n" % (self._always, cookie)
        self.case += 1
        self._read(await self.get(answer.headers[b"location"]))


def follows(course: Sequence[str], place: int) -> str:
    """What is shown after the turn at a place of a round."""
    if course[place] == CONFIRM:
        return "advice"
    after = course[(place + 1) % len(course)]
    return "review" if after == "/restart" else after.partition(":")[0]


class Clients:
    """Many of them at once, each at another place of the round, so that the turns of a moment are a mixture."""

    server: Server | None = None

    def __init__(self, service: Service, clients: Sequence[Client], course: Sequence[str] = ROUND) -> None:
        self._service = service
        self._clients = clients
        self._course = course
        self._places = [number % len(course) for number in range(len(clients))]
        self.step = len(clients) * (1 if len(clients) >= 2 * len(course) else len(course))
        self.turns = 0
        """Turns taken so far, and all of them answered."""
        self.answers: list[float] = []
        """Seconds of those that brought an answer."""
        self.size = len(clients)

    async def begin(self) -> None:
        """All of them begin, and take the turns that lead to their place."""

        async def one(client: Client, until: int) -> None:
            await client.connection.open()
            await client.begin()
            for place in range(until):
                await client.turn(self._course[place], follows(self._course, place))
                self.turns += 1

        await asyncio.gather(*(one(client, place) for client, place in zip(self._clients, self._places, strict=True)))

    async def take(self, turns: int) -> Sample:
        """So many turns, measured. Of the two CPU figures the first is of the clients, the second of the service."""
        waits: list[float] = []

        async def one(number: int) -> None:
            client, place = self._clients[number], self._places[number]
            for _ in range(turns // self.size):
                wire = self._course[place]
                waits.append(await client.turn(wire, follows(self._course, place)))
                if wire == CONFIRM:
                    self.answers.append(waits[-1])
                place = (place + 1) % len(self._course)
            self._places[number] = place

        await asyncio.gather(*(client.connection.open() for client in self._clients))
        before, watch = self._service.spent, Clock(None)
        await asyncio.gather(*(one(number) for number in range(self.size)))
        taken = watch.stopped(waits)
        self.turns += len(waits)
        return taken._replace(server=self._service.spent - before)

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.connection.close()
