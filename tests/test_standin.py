"""The stand-in for Telegram: what it finds wrong it says, what a person would see it shows, and it fails as asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bot.standin import LARGEST_FILE, Button, Chat, Fault, StandIn, parse_html

ME = 7
QUIET = {"is_disabled": True}


class Bot:
    """A bot that says what it is told to."""

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.client = httpx.AsyncClient(timeout=5)

    async def ask(self, method: str, /, **params: Any) -> tuple[int, dict[str, Any]]:
        reply = await self.client.post(f"{self.server.url}/bot{self.server.token}/{method}", json=params)
        return reply.status_code, reply.json()

    async def do(self, method: str, /, **params: Any) -> Any:
        status, document = await self.ask(method, **params)
        assert status == 200, document
        assert document["ok"]
        return document["result"]

    async def refused(self, method: str, /, **params: Any) -> str:
        status, document = await self.ask(method, **params)
        assert status == document["error_code"] >= 400
        assert document["ok"] is False
        return str(document["description"])


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn() as server:
        yield server


@pytest.fixture
async def bot(server: StandIn) -> AsyncIterator[Bot]:
    bot = Bot(server)
    yield bot
    await bot.client.aclose()


@pytest.fixture
def chat(server: StandIn) -> Chat:
    return server.chat(ME)


def keyboard(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"inline_keyboard": list(rows)}


def key(text: str, data: str) -> dict[str, str]:
    return {"text": text, "callback_data": data}


class Hook:
    """Where a webhook points to: answers with the statuses given, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[int, str | None]] = []
        self.statuses: list[int] = []
        self.slow: set[int] = set()
        """Chats whose updates are not answered before `go`."""
        self.go = asyncio.Event()
        self.url = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        update = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.got.append((update["update_id"], headers.get("x-telegram-bot-api-secret-token")))
        if update.get("message", {}).get("chat", {}).get("id") in self.slow:
            await self.go.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()

    @property
    def ids(self) -> list[int]:
        return [update_id for update_id, _ in self.got]


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    listening = await asyncio.start_server(hook, "127.0.0.1", 0)
    hook.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/hook"
    yield hook
    hook.go.set()
    listening.close()
    await listening.wait_closed()


# Formatted text.


@pytest.mark.parametrize(
    ("html", "plain", "entities"),
    [
        ("a &lt;b&gt; &amp;amp; &quot;&#8364;&#x1F600;", 'a <b> &amp; "€😀', []),
        ("<b>x</b>", "x", [("bold", 0, 1)]),
        ("😀<i>x</i>", "😀x", [("italic", 2, 1)]),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ("<strong>a</strong><em>b</em><u>c</u><ins>d</ins>", "abcd",
         [("bold", 0, 1), ("italic", 1, 1), ("underline", 2, 1), ("underline", 3, 1)]),
        ("<s>a</s><strike>b</strike><del>c</del>", "abc", [("strikethrough", at, 1) for at in range(3)]),
        ('<span class="tg-spoiler">a</span><tg-spoiler>b</tg-spoiler>', "ab", [("spoiler", 0, 1), ("spoiler", 1, 1)]),
        ("<blockquote expandable>a\nb</blockquote>", "a\nb", [("expandable_blockquote", 0, 3)]),
        ("<blockquote>a <b>c</b></blockquote>", "a c", [("blockquote", 0, 3), ("bold", 2, 1)]),
        ('<pre><code class="language-python">x</code></pre>', "x", [("pre", 0, 1)]),
        ("<b></b>x", "x", []),
    ],
)  # fmt: skip
def test_html_is_read(html: str, plain: str, entities: list[tuple[str, int, int]]) -> None:
    """Otherwise offsets, which count UTF-16 units, mark the wrong words."""
    issues: list[str] = []
    text, found = parse_html(html, issues)
    assert text == plain
    assert [(one["type"], one["offset"], one["length"]) for one in found] == entities
    assert issues == []


def test_html_keeps_what_tags_carry() -> None:
    _, found = parse_html('<a href="https://a.org/?x=1&amp;y=2">x</a><tg-emoji emoji-id="5">👍</tg-emoji>')
    assert found[0]["url"] == "https://a.org/?x=1&y=2"
    assert found[1]["custom_emoji_id"] == "5"
    assert parse_html('<pre><code class="language-c">x</code></pre>')[1][0]["language"] == "c"


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("é<p>x</p>", 'Unsupported start tag "p" at byte offset 2'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<br/>", 'Unsupported start tag "br"'),
        ("<b x", 'Unclosed start tag "b"'),
        ("<b>x</b", "Unclosed end tag"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler"'),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "can't be nested"),
    ],
)
async def test_html_that_is_refused(server: StandIn, bot: Bot, chat: Chat, html: str, why: str) -> None:
    said = await bot.refused("sendMessage", chat_id=ME, text=html, parse_mode="HTML")
    assert said.startswith("Bad Request: can't parse entities: ")
    assert why in said
    assert len(server.violations) == 1
    assert chat.messages == []


@pytest.mark.parametrize(
    "html",
    [
        "a & b",
        "a > b",
        "&nbsp;",
        "<b class='x'>x</b>",
        "<a>x</a>",
        "<b><code>x</code></b>",
        "<code><b>x</b></code>",
        '<code class="language-c">x</code>',
        "<b>x</b>" * 101,
    ],
)
async def test_html_that_is_only_taken(server: StandIn, bot: Bot, chat: Chat, html: str) -> None:
    """The documentation forbids it; the real server is kinder."""
    await bot.do("sendMessage", chat_id=ME, text=html, parse_mode="HTML")
    assert server.violations


# Limits. Each call is one step beyond what is allowed; the one beside it is not.

SEND = {"chat_id": ME, "text": "x"}


def buttons(*each: dict[str, Any]) -> dict[str, Any]:
    return {**SEND, "reply_markup": keyboard(list(each))}


@pytest.mark.parametrize(
    ("method", "allowed", "beyond", "why"),
    [
        ("sendMessage", SEND, {"chat_id": ME}, "message text is empty"),
        ("sendMessage", SEND, {"text": "x"}, "chat_id is empty"),
        ("sendMessage", SEND, {**SEND, "chat_id": 8}, "chat not found"),
        ("sendMessage", SEND, {**SEND, "text": " \n"}, "message text is empty"),
        ("sendMessage", SEND, {**SEND, "text": "<b></b>", "parse_mode": "HTML"}, "message text is empty"),
        ("sendMessage", {**SEND, "text": "x" * 4096}, {**SEND, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {**SEND, "text": "😀" * 2048}, {**SEND, "text": "😀" * 2048 + "x"}, "message is too long"),
        ("sendMessage", {**SEND, "text": "<b>" + "x" * 4096 + "</b>", "parse_mode": "html"},
         {**SEND, "text": "<b>" + "x" * 4097 + "</b>", "parse_mode": "html"}, "message is too long"),
        ("sendMessage", SEND, {**SEND, "parse_mode": "XML"}, "unsupported parse_mode"),
        ("sendMessage", SEND, {**SEND, "message_thread_id": "x"}, "not an integer"),
        ("sendMessage", SEND, {**SEND, "reply_markup": "{"}, "can't parse reply_markup"),
        ("sendMessage", SEND, {**SEND, "reply_markup": {"rows": []}}, "inline keyboard expected"),
        ("sendMessage", SEND, {**SEND, "reply_markup": {"inline_keyboard": [{}]}}, "can't parse inline keyboard"),
        ("sendMessage", buttons(key("x", "é" * 32)), buttons(key("x", "é" * 32 + "x")), "BUTTON_DATA_INVALID"),
        ("sendMessage", buttons(key("x", "x")), buttons(key("x", "")), "BUTTON_DATA_INVALID"),
        ("sendMessage", buttons(key("x", "x")), buttons(key("", "x")), "Button text must be non-empty"),
        ("sendMessage", buttons(key("x", "x")), buttons({"callback_data": "x"}), "Button text must be non-empty"),
        ("sendMessage", buttons(key("x", "x")), buttons({"text": "x"}), "Text buttons are unallowed"),
        ("sendMessage", buttons(key("x", "x")), buttons({**key("x", "x"), "url": "https://a.org"}), "exactly one"),
        ("sendMessage", buttons({"text": "x", "url": "tg://user?id=1"}), buttons({"text": "x", "url": "a"}),
         "Wrong HTTP URL"),
        ("sendMessage", buttons({"text": "x", "copy_text": {"text": "x" * 256}}),
         buttons({"text": "x", "copy_text": {"text": "x" * 257}}), "BUTTON_COPY_TEXT_INVALID"),
        ("sendMessage", SEND, buttons({"text": "x", "copy_text": {"text": ""}}), "BUTTON_COPY_TEXT_INVALID"),
        ("sendMessage", buttons(*[key("x", "x")] * 8), buttons(*[key("x", "x")] * 9), "more than 8"),
        ("sendMessage", {**SEND, "reply_markup": keyboard(*[[key("x", "x")] * 2] * 50)},
         {**SEND, "reply_markup": keyboard(*[[key("x", "x")]] * 101)}, "more than 100"),
        ("editMessageText", {**SEND, "text": "y", "message_id": 2}, {"text": "y", "chat_id": ME}, "identifier"),
        ("editMessageText", {**SEND, "text": "y", "message_id": 2}, {"text": "y", "message_id": 2}, "chat_id"),
        ("editMessageText", {**SEND, "text": "y", "message_id": 2}, {**SEND, "text": "", "message_id": 2}, "empty"),
        ("editMessageText", {**SEND, "text": "y", "message_id": 2}, {**SEND, "message_id": 1}, "can't be edited"),
        ("editMessageText", {**SEND, "text": "y", "message_id": 2},
         {**SEND, "message_id": 2, "reply_markup": {"force_reply": True}}, "inline keyboard expected"),
        ("editMessageText", {**SEND, "text": "y", "message_id": 2}, {"inline_message_id": "1", "text": "x"}, "inline"),
        ("deleteMessage", {"chat_id": ME, "message_id": 2}, {"chat_id": ME}, "identifier"),
        ("setMyCommands", {"commands": [{"command": "a_1", "description": "x" * 256}]},
         {"commands": [{"command": "a", "description": "x" * 257}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ("setMyCommands", {"commands": []}, {"commands": [{"command": "a", "description": ""}]}, "DESCRIPTION"),
        ("setMyCommands", {"commands": [{"command": "a" * 32, "description": "x"}]},
         {"commands": [{"command": "a" * 33, "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ("setMyCommands", {"commands": []}, {"commands": [{"command": "A", "description": "x"}]}, "COMMAND_INVALID"),
        ("setMyCommands", {"commands": [{"command": "a", "description": "x"}] * 100},
         {"commands": [{"command": "a", "description": "x"}] * 101}, "BOT_COMMANDS_TOO_MUCH"),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat", "chat_id": 1}},
         {"commands": [], "scope": {"type": "chat"}}, "BotCommandScope"),
        ("setMyCommands", {"commands": [], "language_code": "cs"}, {"commands": [], "language_code": "cs-CZ"},
         "language code"),
        ("setMyName", {"name": "x" * 64}, {"name": "x" * 65}, "name is too long"),
        ("setMyDescription", {"description": "x" * 512}, {"description": "x" * 513}, "description is too long"),
        ("setMyShortDescription", {"short_description": "x" * 120}, {"short_description": "x" * 121}, "too long"),
        ("setChatMenuButton", {"menu_button": {"type": "commands"}}, {"menu_button": {"type": "x"}}, "menu button"),
        ("sendChatAction", {"chat_id": ME, "action": "typing"}, {"chat_id": ME, "action": "x"}, "action"),
        ("setWebhook", {"url": ""}, {"url": "http://a.org/hook"}, "HTTPS URL"),
        ("setWebhook", {"url": "https://a.org/hook", "secret_token": "aA_-" * 64},
         {"url": "https://a.org/hook", "secret_token": "aA_-" * 64 + "x"}, "secret token"),
        ("setWebhook", {"url": "https://a.org"}, {"url": "https://a.org", "secret_token": "a b"}, "secret token"),
        ("setWebhook", {"url": ""}, {}, "url"),
        ("answerCallbackQuery", None, {"text": "x"}, "callback_query_id"),
        ("leaveChat", None, {"chat_id": ME}, "private chats"),
        ("sendDocument", None, {"chat_id": ME}, "no document"),
        ("sendDocument", None, {"chat_id": ME, "document": "nonsense"}, "wrong file identifier"),
    ],
)  # fmt: skip
async def test_limits(
    server: StandIn, bot: Bot, chat: Chat, method: str, allowed: dict[str, Any] | None, beyond: dict[str, Any], why: str
) -> None:
    """Otherwise a message that Telegram refuses would pass here, and a clinician would wait for it."""
    await chat.say("mine")
    await bot.do("sendMessage", chat_id=ME, text="the bot's")
    assert why in await bot.refused(method, **beyond)
    assert len(server.violations) == 1
    assert server.violations[0].startswith(f"{method}: ")
    if allowed is not None:
        await bot.do(method, **allowed)
        assert len(server.violations) == 1


@pytest.mark.parametrize(
    ("method", "params", "why"),
    [
        ("sendMessage", {**SEND, "disable_web_page_preview": True}, "no such parameter: disable_web_page_preview"),
        ("sendMessage", {**SEND, "text": "see https://a.org."}, "link preview not switched off"),
        ("sendMessage", {**SEND, "text": "see nejm.org"}, "link preview not switched off"),
        ("sendMessage", {**SEND, "text": "<a href='https://a.org'>a</a>", "parse_mode": "HTML"}, "link preview"),
        ("sendMessage", buttons({**key("x", "x"), "colour": "red"}), "no colour"),
        ("sendMessage", buttons({**key("x", "x"), "style": "red"}), "no style"),
        ("getUpdates", {"limit": 101}, "limit of 101"),
        ("getUpdates", {"allowed_updates": ["messages"]}, "no such update: messages"),
        ("setWebhook", {"url": "https://a.org", "max_connections": 101}, "max_connections"),
    ],
)
async def test_what_is_taken_and_still_wrong(
    server: StandIn, bot: Bot, chat: Chat, method: str, params: dict[str, Any], why: str
) -> None:
    await bot.do(method, **params)
    assert len(server.violations) == 1
    assert why in server.violations[0]


@pytest.mark.parametrize(
    ("field", "most", "why"), [("caption", 1024, "message caption is too long"), ("text", 200, "MESSAGE_TOO_LONG")]
)
async def test_limits_of_small_texts(server: StandIn, bot: Bot, chat: Chat, field: str, most: int, why: str) -> None:
    await bot.do("sendMessage", **buttons(key("x", "x")))
    if field == "text":
        method, params = "answerCallbackQuery", {"callback_query_id": await chat.press("x")}
    else:
        shown = await _document(bot, b"x")
        method, params = "sendDocument", {"chat_id": ME, "document": shown["document"]["file_id"]}
    assert why in await bot.refused(method, **params, **{field: "x" * (most + 1)})
    await bot.do(method, **params, **{field: "x" * most})
    assert len(server.violations) == 1


async def _document(bot: Bot, content: bytes, **params: Any) -> Any:
    url = f"{bot.server.url}/bot{bot.server.token}/sendDocument"
    reply = await bot.client.post(url, data={"chat_id": ME, **params}, files={"document": ("a b.pdf", content)})
    return reply.json().get("result", reply.json())


async def test_long_labels_are_noted(server: StandIn, bot: Bot, chat: Chat) -> None:
    await bot.do("sendMessage", **buttons(*(key("x" * most, "x") for most in (30, 31, 40, 41))))
    assert [note.partition(" is ")[2].partition(":")[0] for note in server.notes] == ["over 30", "over 30", "over 40"]
    assert server.violations == []


async def test_a_file_may_be_too_large(server: StandIn, bot: Bot, chat: Chat) -> None:
    assert (await _document(bot, b"x" * (LARGEST_FILE + 1)))["error_code"] == 413
    assert (await _document(bot, b""))["description"] == "Bad Request: file must be non-empty"
    assert len(server.violations) == 2
    assert chat.messages == []


async def test_unknown_methods_and_tokens(server: StandIn, bot: Bot) -> None:
    assert await bot.ask("sendPidgeon") == (404, {"ok": False, "error_code": 404, "description": "Not Found"})
    assert len(server.violations) == 1
    for token, status in (("1:" + "x" * 40, 401), ("nonsense", 404)):
        reply = await bot.client.get(f"{server.url}/bot{token}/getMe")
        assert (reply.status_code, reply.json()["error_code"]) == (status, status)
    assert (await bot.do("GETME"))["username"] == "stand_in_bot"


# How parameters come.


async def test_parameters_come_in_four_ways(server: StandIn, bot: Bot, chat: Chat) -> None:
    url = f"{server.url}/bot{server.token}/sendMessage"
    markup = keyboard([key("é", "x")])
    texts = {"chat_id": "7", "text": "é", "reply_markup": json.dumps(markup), "protect_content": "true"}
    await bot.client.get(url, params=texts)
    await bot.client.post(url, data=texts)
    await bot.client.post(url, json={**texts, "chat_id": 7, "reply_markup": markup, "protect_content": True})
    await bot.client.post(url, data=texts, files={"unused": ("x", b"x")})
    assert [call.status for call in server.calls] == [200] * 4
    assert [one.keyboard for one in chat.messages] == [[[Button("é", "x")]]] * 4
    read = {"chat_id": 7, "text": "é", "reply_markup": markup, "protect_content": True}
    assert [call.params for call in server.calls[:3]] == [read] * 3
    assert server.violations == ["sendMessage: no such parameter: unused"]


@pytest.mark.parametrize("attached", [False, True])
async def test_a_document(server: StandIn, bot: Bot, chat: Chat, attached: bool) -> None:
    content = bytes(range(256)) + b"\r\n--\r\n"
    name = "letter" if attached else "document"
    given = {"chat_id": "7", "caption": "<b>c</b>", "parse_mode": "HTML"}
    reply = await bot.client.post(
        f"{server.url}/bot{server.token}/sendDocument",
        data={**given, **({"document": "attach://letter"} if attached else {})},
        files={name: ("příbalový leták.pdf", content)},
    )
    shown = chat.messages[0]
    assert shown.document == ("příbalový leták.pdf", content)
    assert (shown.text, shown.html) == ("c", "<b>c</b>")
    assert reply.json()["result"]["document"]["mime_type"] == "application/pdf"
    assert chat.screen() == "bot:\nc\n[document: příbalový leták.pdf]"
    assert server.violations == []
    assert "no text in the message" in await bot.refused("editMessageText", chat_id=ME, message_id=1, text="x")
    await bot.do("editMessageReplyMarkup", chat_id=ME, message_id=1, reply_markup=keyboard([key("x", "x")]))
    assert shown.raw["caption"] == "c"


# A chat, from its user's side.


async def test_a_conversation_as_it_is_read(server: StandIn, bot: Bot, chat: Chat) -> None:
    await chat.say("/start")
    await bot.do(
        "sendMessage", chat_id=ME, parse_mode="HTML", link_preview_options=QUIET, message_thread_id=5,
        text="<b>Which?</b>\n<blockquote expandable>one\ntwo</blockquote>\nAsk /why",
        reply_markup=keyboard([key("One", "a"), key("Two", "b")], [{"text": "Copy", "copy_text": {"text": "c"}}]),
    )  # fmt: skip
    query = await chat.press("Two")
    assert chat.unanswered == {query}
    await bot.do("answerCallbackQuery", callback_query_id=query, text="Saved", show_alert=True)
    assert chat.unanswered == set()
    assert chat.toasts == [("Saved", True)]
    await chat.send("photo")
    shown = chat.messages[1]
    assert (shown.message_id, shown.from_bot, shown.thread) == (2, True, 5)
    assert [one["type"] for one in shown.entities] == ["bold", "expandable_blockquote", "bot_command"]
    assert shown.keyboard[1] == [Button("Copy", copy_text="c")]
    assert chat.screen().split("\n\n") == [
        "you:\n/start",
        "bot:\nWhich?\n│ one\n│ two\nAsk /why\n[One] [Two]\n[Copy]",
        "(toast: Saved)",
        "you:\n[photo]",
    ]
    assert server.violations == []


async def test_edits(server: StandIn, bot: Bot, chat: Chat) -> None:
    await bot.do("sendMessage", **buttons(key("x", "x")))
    same = {"chat_id": ME, "message_id": 1}
    assert "message is not modified" in await bot.refused("editMessageText", **buttons(key("x", "x")), message_id=1)
    assert "reply_markup" not in await bot.do("editMessageText", text="x", **same)
    assert "message is not modified" in await bot.refused("editMessageText", text=" x ", **same)
    assert "message is not modified" in await bot.refused("editMessageReplyMarkup", **same)
    await bot.do("editMessageText", text="<b>x</b>", parse_mode="HTML", **same)
    edited = await bot.do("editMessageReplyMarkup", reply_markup=keyboard([key("y", "y")]), **same)
    assert (edited["text"], edited["entities"][0]["type"]) == ("x", "bold")
    assert chat.messages[0].edits == 3
    chat.delete(1)
    assert "message to edit not found" in await bot.refused("editMessageText", text="z", **same)
    assert "message to delete not found" in await bot.refused("deleteMessage", **same)
    assert chat.screen() == ""
    assert server.violations == []
    assert len(server.refusals) == 5


async def test_presses(server: StandIn, bot: Bot, chat: Chat) -> None:
    for text in ("old", "new"):
        await bot.do("sendMessage", chat_id=ME, text=text, reply_markup=keyboard([key("Yes", "y")]))
    await chat.press("y")
    asked = server.updates[-1]["callback_query"]
    assert (asked["message"]["text"], asked["data"], asked["from"]["id"]) == ("new", "y", ME)
    assert "reply_markup" in asked["message"]
    await chat.press(Button("Yes", "y"), message_id=1, by=9)
    assert server.updates[-1]["callback_query"]["message"]["text"] == "old"
    assert server.updates[-1]["callback_query"]["from"]["id"] == 9
    await bot.do("deleteMessage", chat_id=ME, message_id=2)
    await chat.press_data("gone", 2)
    assert server.updates[-1]["callback_query"]["message"]["date"] == 0
    with pytest.raises(LookupError, match="there is no button 'No'"):
        await chat.press("No")


async def test_a_press_is_answered_once_and_in_time(server: StandIn, bot: Bot, chat: Chat) -> None:
    await bot.do("sendMessage", **buttons(key("x", "x")))
    query = await chat.press("x")
    await bot.do("answerCallbackQuery", callback_query_id=query)
    assert chat.toasts == []
    assert "query is too old" in await bot.refused("answerCallbackQuery", callback_query_id=query)
    assert server.violations == ["answerCallbackQuery: a press is answered twice"]
    assert "query is too old" in await bot.refused("answerCallbackQuery", callback_query_id="1")
    server.query_lives = 0
    assert "query is too old" in await bot.refused("answerCallbackQuery", callback_query_id=await chat.press("x"))
    assert len(server.violations) == 1


async def test_replies(server: StandIn, bot: Bot, chat: Chat) -> None:
    await chat.say("mine")
    sent = await bot.do("sendMessage", **SEND, reply_parameters={"message_id": 1})
    assert sent["reply_to_message"]["text"] == "mine"
    assert chat.messages[1].reply_to == 1
    assert "replied not found" in await bot.refused("sendMessage", **SEND, reply_parameters={"message_id": 99})
    await bot.do("sendMessage", **SEND, reply_parameters={"message_id": 99, "allow_sending_without_reply": True})


async def test_a_blocked_bot(server: StandIn, bot: Bot, chat: Chat) -> None:
    await chat.block()
    changed = server.updates[-1]["my_chat_member"]
    assert (changed["old_chat_member"]["status"], changed["new_chat_member"]["status"]) == ("member", "kicked")
    assert await bot.refused("sendMessage", **SEND) == "Forbidden: bot was blocked by the user"
    await chat.unblock()
    await bot.do("sendMessage", **SEND)
    assert server.violations == []


async def test_groups(server: StandIn, bot: Bot) -> None:
    group = server.chat(ME, kind="group", chat_id=-5)
    await group.join()
    await group.say("/start@stand_in_bot", by=8)
    message = server.updates[-1]["message"]
    assert (message["from"]["id"], message["chat"]["type"], message["entities"][0]["length"]) == (8, "group", 19)
    new = await group.migrate(-1005)
    assert server.updates[-2]["message"]["migrate_to_chat_id"] == -1005
    _, document = await bot.ask("sendMessage", chat_id=-5, text="x")
    assert document["parameters"] == {"migrate_to_chat_id": -1005}
    await bot.do("sendMessage", chat_id=-1005, text="x")
    assert "can't be deleted" in await bot.refused("deleteMessage", chat_id=-1005, message_id=1)
    await new.leave()
    assert await bot.refused("sendMessage", chat_id=-1005, text="x") == (
        "Forbidden: bot was kicked from the supergroup chat"
    )
    await new.join()
    await bot.do("leaveChat", chat_id=-1005)
    assert "Forbidden" in await bot.refused("sendMessage", chat_id=-1005, text="x")


async def test_channels(server: StandIn, bot: Bot) -> None:
    channel = server.chat(ME, kind="channel")
    await channel.say("x")
    assert server.updates[-1]["channel_post"]["sender_chat"]["id"] == channel.id
    assert "from" not in await bot.do("sendMessage", chat_id=channel.id, text="x")
    await channel.edit(1, "y")
    assert server.updates[-1]["edited_channel_post"]["text"] == "y"


@pytest.mark.parametrize(
    "kind",
    ["photo", "voice", "document", "sticker", "location", "contact", "poll", "video", "audio", "animation",
     "video_note", "dice", "venue", "story"],
)  # fmt: skip
async def test_what_a_person_sends(server: StandIn, chat: Chat, kind: str) -> None:
    await chat.send(kind, media_group_id="1")
    message = server.updates[-1]["message"]
    assert message[kind]
    assert message["media_group_id"] == "1"
    assert f"[{kind}]" in chat.screen()


async def test_what_is_set(server: StandIn, bot: Bot, chat: Chat) -> None:
    commands = [{"command": "start", "description": "Begin"}]
    scope = {"type": "chat", "chat_id": ME}
    await bot.do("setMyCommands", commands=commands, scope=scope, language_code="en")
    assert server.settings["commands"] == {(f"chat:{ME}", "en"): commands}
    assert await bot.do("getMyCommands", scope=scope, language_code="en") == commands
    assert await bot.do("getMyCommands") == []
    await bot.do("deleteMyCommands", scope=scope, language_code="en")
    assert server.settings["commands"] == {}
    assert await bot.do("getMyName") == {"name": "Stand-in"}
    await bot.do("setMyName", name="N")
    assert await bot.do("getMyName", language_code="cs") == {"name": "N"}
    await bot.do("setMyDescription", description="D", language_code="cs")
    assert await bot.do("getMyDescription") == {"description": ""}
    await bot.do("setMyShortDescription", short_description="S")
    assert await bot.do("getMyShortDescription") == {"short_description": "S"}
    await bot.do("setChatMenuButton", chat_id=ME, menu_button={"type": "commands"})
    assert server.settings["menu_button"] == {ME: {"type": "commands"}}
    assert await bot.do("sendChatAction", chat_id=ME, action="typing") is True
    assert (await bot.do("getChat", chat_id=ME))["type"] == "private"
    assert server.violations == []


# Polling.


async def test_polling_confirms(server: StandIn, bot: Bot, chat: Chat) -> None:
    ids = [await chat.say(text) for text in "abc"]
    assert [one["update_id"] for one in await bot.do("getUpdates", limit=2)] == ids[:2]
    assert [one["update_id"] for one in await bot.do("getUpdates", offset=ids[1] + 1)] == ids[2:]
    with pytest.raises(TimeoutError):
        await server.settled(timeout=0.05)
    assert await bot.do("getUpdates", offset=ids[2] + 1) == []
    await server.settled()
    assert server.polls == 3
    assert server.calls == []
    again = [await chat.say(text) for text in "de"]
    assert [one["update_id"] for one in await bot.do("getUpdates", offset=-1)] == again[1:]


async def test_a_long_poll_ends_with_an_update(server: StandIn, bot: Bot, chat: Chat) -> None:
    began = time.monotonic()
    polling = asyncio.create_task(bot.do("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    await chat.say("a")
    assert len(await polling) == 1
    assert await bot.do("getUpdates", offset=2, timeout=0) == []
    assert time.monotonic() - began < 5


async def test_the_earlier_of_two_polls_is_ended(server: StandIn, bot: Bot, chat: Chat) -> None:
    first = asyncio.create_task(bot.ask("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(bot.do("getUpdates", timeout=30))
    status, document = await first
    assert status == 409
    assert document["description"] == (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    await chat.say("a")
    assert len(await second) == 1
    assert server.conflicts == 1


async def test_no_poll_beside_a_webhook(server: StandIn, bot: Bot, hook: Hook) -> None:
    polling = asyncio.create_task(bot.refused("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    await bot.do("setWebhook", url=hook.url)
    assert "terminated by setWebhook" in await polling
    assert "can't use getUpdates method while webhook is active" in await bot.refused("getUpdates")
    await bot.do("deleteWebhook")
    assert await bot.do("getUpdates") == []


async def test_a_poll_whose_bot_has_gone_is_no_conflict(server: StandIn, bot: Bot, chat: Chat) -> None:
    polling = asyncio.create_task(bot.do("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    await asyncio.sleep(0.05)
    await chat.say("a")
    assert len(await bot.do("getUpdates", timeout=1)) == 1
    assert server.conflicts == 0


async def test_only_what_is_asked_for_arrives(server: StandIn, bot: Bot, chat: Chat) -> None:
    async def kinds(**params: Any) -> list[str]:
        await chat.say("a")
        await chat.block()
        await server.deliver({"message_reaction": {"chat": {"id": ME}}})
        got = await bot.do("getUpdates", **params)
        await bot.do("getUpdates", offset=server.updates[-1]["update_id"] + 1)
        return [kind for one in got for kind in one if kind != "update_id"]

    assert await kinds() == ["message", "my_chat_member"]
    await bot.do("getUpdates", allowed_updates=["message_reaction", "message"])
    assert await kinds() == ["message", "message_reaction"]
    assert await kinds(allowed_updates=[]) == ["message", "message_reaction"]
    assert await kinds() == ["message", "my_chat_member"]


async def test_trouble_on_the_way(server: StandIn, bot: Bot, chat: Chat) -> None:
    server.reverse_next = 2
    a, b = await chat.say("a"), await chat.say("b")
    server.duplicate = True
    c = await chat.say("c")
    assert [one["update_id"] for one in await bot.do("getUpdates")] == [b, a, c, c]
    assert await bot.do("getUpdates", offset=c + 1) == []
    server.duplicate = False
    assert await chat.redeliver() == c
    assert [one["update_id"] for one in await bot.do("getUpdates", offset=c + 1)] == [c]
    assert await chat.redeliver(a) == a
    assert [one["update_id"] for one in await bot.do("getUpdates", offset=c + 1)] == [a]
    assert await bot.do("getUpdates", offset=c + 1) == []
    await server.settled()


# The webhook.


async def test_a_webhook_is_posted_to_until_it_takes(server: StandIn, bot: Bot, chat: Chat, hook: Hook) -> None:
    server.retry_every = 0.01
    hook.statuses = [500, 403]
    earlier = await chat.say("before")
    await bot.do("setWebhook", url=hook.url, secret_token="s3cret", max_connections=2)
    later = await chat.say("after")
    await server.settled()
    assert hook.got == [(earlier, "s3cret")] * 3 + [(later, "s3cret")]
    assert server.webhook_posts == [(earlier, 500), (earlier, 403), (earlier, 200), (later, 200)]
    info = await bot.do("getWebhookInfo")
    assert (info["url"], info["pending_update_count"], info["max_connections"]) == (hook.url, 0, 2)
    assert server.settings["webhook"]["secret_token"] == "s3cret"
    assert server.violations == []


async def test_a_webhook_is_given_up(server: StandIn, bot: Bot, chat: Chat, hook: Hook) -> None:
    server.retry_every, server.max_attempts = 0.01, 2
    hook.statuses = [500, 500]
    await bot.do("setWebhook", url=hook.url)
    lost, kept = await chat.say("a"), await chat.say("b")
    await server.settled()
    assert server.gave_up == [lost]
    assert hook.ids == [lost, lost, kept]


async def test_chats_do_not_wait_for_one_another(server: StandIn, bot: Bot, hook: Hook) -> None:
    await bot.do("setWebhook", url=hook.url)
    hook.slow = {1}
    one, other = server.chat(1), server.chat(2)
    first, second = await one.say("a"), await one.say("b")
    third = await other.say("c")
    await asyncio.sleep(0.1)
    assert sorted(hook.ids) == [first, third]
    hook.go.set()
    await server.settled()
    assert hook.ids.index(first) < hook.ids.index(second)


async def test_trouble_on_the_way_to_a_webhook(server: StandIn, bot: Bot, chat: Chat, hook: Hook) -> None:
    await bot.do("setWebhook", url=hook.url)
    server.reverse_next = 2
    a, b = await chat.say("a"), await chat.say("b")
    await server.settled()
    server.duplicate = True
    c = await chat.say("c")
    await server.settled()
    await chat.redeliver(a)
    await server.settled()
    assert hook.ids == [b, a, c, c, a]


async def test_an_https_webhook_is_posted_to_what_is_behind_it(
    server: StandIn, bot: Bot, chat: Chat, hook: Hook
) -> None:
    server.behind = hook.url.removesuffix("/hook")
    await bot.do("setWebhook", url="https://triage.example/hook")
    await chat.say("a")
    await server.settled()
    assert hook.ids == [1]


async def test_pending_updates_can_be_dropped(server: StandIn, bot: Bot, chat: Chat, hook: Hook) -> None:
    await chat.say("a")
    await bot.do("setWebhook", url=hook.url, drop_pending_updates=True)
    await server.settled()
    await bot.do("deleteWebhook")
    await chat.say("b")
    await bot.do("deleteWebhook", drop_pending_updates=True)
    assert await bot.do("getUpdates") == []
    assert hook.got == []


# Faults, and the server itself.


@pytest.mark.parametrize(
    ("fault", "processed", "status"),
    [
        (Fault.refuse(429, "Too Many Requests: retry after 3", {"retry_after": 3}), False, 429),
        (Fault.refuse(403, "Forbidden: bot was blocked by the user"), False, 403),
        (Fault.drop_before(), False, 0),
        (Fault.drop_after(), True, 0),
        (Fault.garbage(), False, 502),
        (Fault.garbage_after(), True, 502),
        (Fault.hang(0.1), True, 200),
        (Fault.stall(0.1), True, 200),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else None,
)
async def test_faults(server: StandIn, bot: Bot, chat: Chat, fault: Fault, processed: bool, status: int) -> None:
    faults = iter([fault])
    server.fault = lambda method, params: next(faults, None) if method == "sendMessage" and params["text"] else None
    url = f"{server.url}/bot{server.token}/sendMessage"
    began = time.monotonic()
    if status:
        reply = await bot.client.post(url, json=SEND)
        assert reply.status_code == status
        assert ("Bad Gateway" in reply.text) == (status == 502)
        if status == 429:
            assert reply.json()["parameters"] == {"retry_after": 3}
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            await bot.client.post(url, json=SEND)
    assert (time.monotonic() - began >= 0.1) == (fault.seconds > 0)
    assert len(chat.messages) == processed
    assert server.calls[0].status == status
    await bot.do("sendMessage", **SEND)
    assert server.violations == server.refusals == []


@pytest.mark.parametrize(("make", "processed"), [(Fault.hang, True), (Fault.stall, False)])
async def test_a_bot_that_does_not_wait(
    server: StandIn, bot: Bot, chat: Chat, make: Callable[[float], Fault], processed: bool
) -> None:
    server.fault = lambda method, params: make(30)
    with pytest.raises(httpx.ReadTimeout):
        await bot.client.post(f"{server.url}/bot{server.token}/sendMessage", json=SEND, timeout=0.1)
    await server.quiet()
    assert len(chat.messages) == processed


async def test_a_stop_ends_what_waits_and_a_start_goes_on(server: StandIn, bot: Bot, chat: Chat) -> None:
    server.fault = lambda method, params: Fault.hang(30) if method == "sendMessage" else None
    waiting = [
        asyncio.create_task(bot.ask("getUpdates", timeout=30)),
        asyncio.create_task(bot.ask("sendMessage", **SEND)),
    ]
    await asyncio.sleep(0.05)
    url, began = server.url, time.monotonic()
    await server.stop()
    assert all(isinstance(end, httpx.TransportError) for end in await asyncio.gather(*waiting, return_exceptions=True))
    assert time.monotonic() - began < 1
    with pytest.raises(httpx.ConnectError):
        await bot.ask("getMe")
    await server.start()
    assert server.url == url
    await bot.do("getMe")
    assert len(chat.messages) == 1


async def test_quiet_waits_for_calls(server: StandIn, bot: Bot, chat: Chat) -> None:
    async def slowly() -> None:
        for _ in range(3):
            await asyncio.sleep(0.03)
            await bot.do("sendMessage", **SEND)

    calling = asyncio.create_task(slowly())
    await server.quiet(0.1)
    assert len(chat.messages) == 3
    await calling


async def test_connections_are_kept(server: StandIn, bot: Bot, chat: Chat) -> None:
    """Thousands of calls would otherwise be slow, and ports run out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    for _ in range(100):
        body = json.dumps(SEND).encode()
        head = f"POST /bot{server.token}/sendMessage HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].split()[0]))
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert len(chat.messages) == 100
