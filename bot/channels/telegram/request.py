"""HTTP to the Bot API: a `telegram.request.BaseRequest` over kept-alive connections, with little between them.

The library's own request goes through httpx, which costs several times as much for each call (docs/performance.md).
Raises the library's errors; one of its own tells what certainly did not arrive from what may have.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections import deque
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httptools
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

CONNECTIONS = 64
"""Connections at once."""
IDLE = 30.0
"""Seconds a connection is kept without use: less than the server keeps it."""
CONNECT = 5.0
ANSWER = 8.0
"""Seconds to wait for a connection, and for an answer: two of them within what the outbox gives a letter."""


class NotConnected(NetworkError):
    """No connection could be had: nothing was sent."""


class Prepared:
    """The parameters of a call that are JSON already. What `BaseRequest.post` needs of a `RequestData`."""

    contains_files = False
    multipart_data: dict[str, Any] = {}  # noqa: RUF012  (never written to)

    def __init__(self, body: bytes) -> None:
        self.body = body

    @property
    def json_parameters(self) -> dict[str, str]:
        """As form fields, for a request that sends those."""
        values: dict[str, Any] = json.loads(self.body)
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


class _Connection(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser: Any = None
        self._parts: list[bytes] = []
        self.used = 0.0
        """When it was last used, by the loop's clock."""
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended: whoever waits for an answer does not know what became of the request."""
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NetworkError("the connection ended before the answer"))

    def data_received(self, data: bytes) -> None:
        """More of the answer came."""
        if self._parser is None:
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(NetworkError("the answer is not HTTP"))

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        parser, self._parser = self._parser, None
        if not parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((parser.get_status_code(), b"".join(self._parts)))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and wait for the answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._parts = []
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """End it."""
        self.open = False
        if self._transport is not None:
            self._transport.close()


class KeptAlive(BaseRequest):
    """Requests to one server over connections that are kept."""

    def __init__(self, *, answer: float = ANSWER) -> None:
        self._idle: deque[_Connection] = deque()
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._wait = answer

    @property
    def read_timeout(self) -> float | None:
        """Seconds an answer may take."""
        return self._wait

    async def initialize(self) -> None:
        """Nothing: a connection is made when it is needed."""

    async def shutdown(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """The status and the body of the answer. Raises NotConnected, TimedOut, NetworkError."""
        wait = read_timeout if isinstance(read_timeout, int | float) else self._wait
        request = _request(url, method, request_data)
        async with self._room:
            connection = await self._connection(url)
            try:
                async with asyncio.timeout(wait):
                    answer = await connection.ask(request)
            except TimeoutError:
                connection.close()
                raise TimedOut from None
            except BaseException:
                connection.close()
                raise
            if connection.open:
                connection.used = asyncio.get_running_loop().time()
                self._idle.append(connection)
            return answer

    async def _connection(self, url: str) -> _Connection:
        loop = asyncio.get_running_loop()
        while self._idle:
            connection = self._idle.pop()
            if connection.open and loop.time() - connection.used < IDLE:
                return connection
            connection.close()
        host, port, secure = _server(url)
        try:
            async with asyncio.timeout(CONNECT):
                _, connection = await loop.create_connection(_Connection, host, port, ssl=_tls() if secure else None)
        except (OSError, TimeoutError) as error:
            raise NotConnected(f"no connection: {type(error).__name__}") from None
        return connection


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@lru_cache(maxsize=64)
def _server(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if secure else 80), secure


@lru_cache(maxsize=64)
def _head(url: str, method: str) -> str:
    parts = urlsplit(url)
    return f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"


def _request(url: str, method: str, data: RequestData | Prepared | None) -> bytes:
    """A request as bytes. Parameters that are JSON already go as they are, others as form fields."""
    if data is None:
        return (_head(url, method) + "\r\n").encode()
    if isinstance(data, Prepared):
        kind, body = "application/json", data.body
    elif data.contains_files:
        kind, body = _multipart(data)
    else:
        kind, body = "application/json", json.dumps(data.parameters).encode()
    return f"{_head(url, method)}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _multipart(data: RequestData) -> tuple[str, bytes]:
    """Parameters and files as multipart/form-data (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in data.json_parameters.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, (filename, given, kind) in (data.multipart_data or {}).items():
        content = given if isinstance(given, bytes) else given.read()
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    mark = f"--{boundary}".encode()
    return f"multipart/form-data; boundary={boundary}", b"".join(
        mark + b"\r\n" + part for part in parts
    ) + mark + b"--\r\n"
