"""HTTP to the Bot API: connections are kept, and what certainly did not arrive is told from what may have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

import bot.channels.telegram  # noqa: F401  (before the library: it says which durations are wanted)
from bot.channels.telegram.request import KeptAlive, NotConnected, Prepared
from bot.standin import Fault, StandIn

USER = 77


@asynccontextmanager
async def speaking(**more: Any) -> AsyncIterator[tuple[StandIn, KeptAlive, Bot]]:
    """A server, our request, and the library's bot on it."""
    async with StandIn() as server:
        request = KeptAlive(**more)
        server.chat(USER)
        bot = Bot(server.token, base_url=f"{server.url}/bot", request=request, get_updates_request=request)
        try:
            yield server, request, bot
        finally:
            await request.shutdown()


async def say(server: StandIn, request: KeptAlive, text: str = "a word") -> Any:
    body: Any = Prepared(json.dumps({"chat_id": USER, "text": text}).encode())
    return await request.post(f"{server.url}/bot{server.token}/sendMessage", request_data=body)


async def test_one_connection_serves_many_calls() -> None:
    """Were it to fail: each message costs a connection, and with TLS a handshake."""
    opened = 0
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def counted(*arguments: Any, **more: Any) -> Any:
        nonlocal opened
        opened += 1
        return await connect(*arguments, **more)

    loop.create_connection = counted  # type: ignore[method-assign]
    async with speaking() as (server, request, _):
        for number in range(20):
            assert (await say(server, request, f"{number}"))["text"] == f"{number}"
        assert opened == 1
        await asyncio.gather(*(say(server, request) for _ in range(200)))
        assert opened <= 64


async def test_the_librarys_own_calls_go_through_it() -> None:
    """Were it to fail: documents, menus and webhooks of the library are sent in a form the server cannot read."""
    async with speaking() as (server, _, bot):
        me = await bot.get_me()
        assert me.username == "stand_in_bot"
        await bot.set_my_commands([("help", "How this works")])
        sent = await bot.send_document(USER, b"<p>a page</p>" * 10_000, filename="answer.html", caption="<b>x</b>",
                                       parse_mode="HTML")  # fmt: skip
        assert sent.document is not None
        (shown,) = server.chat(USER).messages
        assert shown.document == ("answer.html", b"<p>a page</p>" * 10_000)
        assert shown.text == "x"
        assert server.violations == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.refuse(429, "Too Many Requests: retry after 3", {"retry_after": 3}), RetryAfter),
        (Fault.refuse(403, "Forbidden: bot was blocked by the user"), Forbidden),
        (Fault.refuse(401, "Unauthorized"), InvalidToken),
        (Fault.refuse(400, "Bad Request: message is too long"), BadRequest),
        (Fault.garbage(), NetworkError),
        (Fault.drop_before(), NetworkError),
        (Fault.drop_after(), NetworkError),
        (Fault.hang(5), TimedOut),
    ],
)
async def test_what_the_server_says_is_the_librarys_error(fault: Fault, error: type[Exception]) -> None:
    """Were it to fail: a blocked chat is written to for ever, or what may have arrived is sent twice."""
    async with speaking(answer=0.3) as (server, request, _):
        server.fault = lambda method, params: fault
        with pytest.raises(error) as raised:
            await say(server, request)
        assert not isinstance(raised.value, NotConnected), "it may have arrived"
        assert server.token not in str(raised.value)
        server.fault = None
        assert (await say(server, request))["text"] == "a word", "and the next call goes on"


async def test_no_connection_means_not_sent() -> None:
    """T10: were it to fail, a message that nobody received counts as one that may have arrived."""
    async with speaking() as (server, request, _):
        await say(server, request)
        await server.stop()
        await asyncio.sleep(0.05)
        with pytest.raises(NotConnected) as raised:
            await say(server, request)
        assert server.token not in str(raised.value)
        await server.start()
        assert (await say(server, request))["text"] == "a word"


async def test_a_prepared_call_can_go_through_the_librarys_request_too() -> None:
    """Were it to fail: behind a proxy, where the library's own request is used, nothing can be sent."""
    from telegram.request import HTTPXRequest

    async with StandIn() as server, HTTPXRequest() as request:
        server.chat(USER)
        markup = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
        data: Any = Prepared(json.dumps({"chat_id": USER, "text": "über", "reply_markup": markup}).encode())
        await request.post(f"{server.url}/bot{server.token}/sendMessage", request_data=data)
        (shown,) = server.chat(USER).messages
        assert (shown.text, shown.buttons[0].data) == ("über", "b")


async def test_an_answer_that_is_not_http_is_an_error() -> None:
    """Were it to fail: something else on that port hangs the outbox."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"SSH-2.0-something\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    request = KeptAlive()
    data: Any = Prepared(b"{}")
    with pytest.raises(NetworkError):
        await request.post(f"http://127.0.0.1:{port}/botx/sendMessage", request_data=data)
    server.close()
