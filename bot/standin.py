"""A stand-in for Telegram's Bot API server, over real HTTP on loopback: for tests and for `triage replay`.

It serves one bot. `Chat` is the other side: what a person does there, and what that person sees. Every documented
limit that a call breaks is refused as the real server does, as far as that is known, and kept in `violations`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import mimetypes
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

Json = dict[str, Any]
TOKEN = "123456:STAND-IN-token-of-the-tests-0123456789"
BAD_GATEWAY = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>Bad Gateway</body>\r\n</html>\r\n"
LONGEST_TEXT, LONGEST_CAPTION, LONGEST_TOAST = 4096, 1024, 200
LARGEST_FILE = 50 * 1024 * 1024
LONGEST_POLL = 50
"""Seconds for which the real server holds a getUpdates at most."""
NARROW, WIDE = 30, 40
"""Characters of a label above which a phone may cut it, and surely does: noted, not refused."""

_SENT = (
    "business_connection_id message_thread_id direct_messages_topic_id disable_notification protect_content "
    "allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters reply_markup parse_mode"
)
_EDITED = "business_connection_id chat_id message_id inline_message_id reply_markup"
SIGNATURES = {
    "getMe": ("", ""),
    "getUpdates": ("", "offset limit timeout allowed_updates"),
    "setWebhook": (
        "url", "certificate ip_address max_connections allowed_updates drop_pending_updates secret_token"
    ),
    "deleteWebhook": ("", "drop_pending_updates"),
    "getWebhookInfo": ("", ""),
    "sendMessage": ("chat_id text", f"{_SENT} entities link_preview_options"),
    "sendDocument": (
        "chat_id document", f"{_SENT} thumbnail caption caption_entities disable_content_type_detection"
    ),
    "editMessageText": ("text", f"{_EDITED} parse_mode entities link_preview_options"),
    "editMessageReplyMarkup": ("", _EDITED),
    "deleteMessage": ("chat_id message_id", ""),
    "answerCallbackQuery": ("callback_query_id", "text show_alert url cache_time"),
    "setMyCommands": ("commands", "scope language_code"),
    "getMyCommands": ("", "scope language_code"),
    "deleteMyCommands": ("", "scope language_code"),
    "setMyName": ("", "name language_code"),
    "getMyName": ("", "language_code"),
    "setMyDescription": ("", "description language_code"),
    "getMyDescription": ("", "language_code"),
    "setMyShortDescription": ("", "short_description language_code"),
    "getMyShortDescription": ("", "language_code"),
    "setChatMenuButton": ("", "chat_id menu_button"),
    "sendChatAction": ("chat_id action", "business_connection_id message_thread_id"),
    "leaveChat": ("chat_id", ""),
    "getChat": ("chat_id", ""),
}  # fmt: skip
"""The methods there are: what each needs, and what else it knows."""
_METHODS = {name.lower(): name for name in SIGNATURES}
_EMPTY = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "document": "there is no document in the request",
}
_WHOLE = {"chat_id", "message_id", "message_thread_id", "direct_messages_topic_id", "offset", "limit", "timeout",
          "max_connections", "cache_time"}  # fmt: skip
_FLAGS = {"show_alert", "disable_notification", "protect_content", "allow_paid_broadcast", "drop_pending_updates",
          "disable_content_type_detection"}  # fmt: skip
_OBJECTS = {"reply_markup": dict, "link_preview_options": dict, "reply_parameters": dict, "scope": dict,
            "menu_button": dict, "suggested_post_parameters": dict, "entities": list, "caption_entities": list,
            "commands": list, "allowed_updates": list}  # fmt: skip
_ACTIONS = {"url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
            "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay"}  # fmt: skip
_DOING = {"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
          "choose_sticker", "find_location", "record_video_note", "upload_video_note"}  # fmt: skip
_ONLY_IF_ASKED = {"chat_member", "message_reaction", "message_reaction_count"}
_UPDATES = _ONLY_IF_ASKED | {
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "inline_query", "chosen_inline_result", "callback_query",
    "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "my_chat_member",
    "chat_join_request", "chat_boost", "removed_chat_boost",
}  # fmt: skip

# ---------------------------------------------------------------------------------------------------- formatted text

_TYPES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "tg-emoji": "custom_emoji", "code": "code", "pre": "pre",
    "blockquote": "blockquote",
}  # fmt: skip
_ATTRIBUTES = {"a": "href", "span": "class", "code": "class", "blockquote": "expandable", "tg-emoji": "emoji-id"}
_SIGNS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ATTRIBUTE = r"""\s+([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>]+)))?"""
_ANY_ATTRIBUTES = re.sub(r"\((?!\?)", "(?:", _ATTRIBUTE)
_PIECE = re.compile(
    rf"<(?P<name>[a-zA-Z][\w-]*)(?P<attributes>(?:{_ANY_ATTRIBUTES})*)\s*>|</(?P<end>[a-zA-Z][\w-]*)\s*>"
    r"|&(?P<sign>#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);|[<>&]"
)
_FOUND = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"]+(?<![.,;:!?)])|"
    r"(?<![@\w.])(?:[a-z0-9-]+\.)+(?:com|org|net|eu|gov|edu|io|int)\b(?:/[^\s<>\"]*(?<![.,;:!?)]))?)"
    r"|(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w+)?)"
)
_VERBATIM = ("code", "pre", "text_link")


def units(text: str) -> int:
    """The length of a text as Telegram counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(text: str, issues: list[str] | None = None) -> tuple[str, list[Json]]:
    """The plain text of a message in HTML style, and its entities, in order.

    Raises ValueError, in the server's words, where it would be refused. What the server takes although its
    documentation forbids it is added to `issues`.
    """
    reader = _HtmlReader(text, issues if issues is not None else [])
    return reader.read()


class _HtmlReader:
    """One text being read: what is open, and how far the plain text goes."""

    def __init__(self, text: str, issues: list[str]) -> None:
        self._text = text
        self._issues = issues
        self._plain: list[str] = []
        self._at = 0
        self._open: list[tuple[str, Json]] = []
        self._entities: list[Json] = []

    def read(self) -> tuple[str, list[Json]]:
        done = 0
        for piece in _PIECE.finditer(self._text):
            self._say(self._text[done : piece.start()])
            done = piece.end()
            if piece["name"]:
                self._begin(piece["name"].lower(), piece["attributes"], piece.start())
            elif piece["end"]:
                self._end(piece["end"].lower(), piece.start())
            elif piece["sign"]:
                self._say(self._sign(piece["sign"]))
            elif piece[0] == "<":
                self._not_a_tag(piece.start())
            else:
                self._issues.append(f"{piece[0]} is not written as an HTML entity")
                self._say(piece[0])
        self._say(self._text[done:])
        if self._open:
            raise ValueError(f'Can\'t find end tag corresponding to start tag "{self._open[-1][0]}"')
        self._entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._plain), self._entities

    def _say(self, text: str) -> None:
        self._plain.append(text)
        self._at += units(text)

    def _byte(self, index: int) -> int:
        return len(self._text[:index].encode())

    def _sign(self, name: str) -> str:
        if name in _SIGNS:
            return _SIGNS[name]
        if name.startswith("#"):
            code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
            if 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF:
                return chr(code)
        self._issues.append(f"&{name}; is not a supported HTML entity")
        return f"&{name};"

    def _not_a_tag(self, index: int) -> None:
        named = re.match(r"</?([^\s<>/]*)", self._text[index:])
        name = named[1].lower() if named else ""
        if self._text[index + 1 : index + 2] == "/":
            raise ValueError(f"Unclosed end tag at byte offset {self._byte(index)}")
        if name not in _TYPES:
            raise ValueError(f'Unsupported start tag "{name}" at byte offset {self._byte(index)}')
        raise ValueError(f'Unclosed start tag "{name}" at byte offset {self._byte(index)}')

    def _begin(self, name: str, written: str, index: int) -> None:
        if name not in _TYPES:
            raise ValueError(f'Unsupported start tag "{name}" at byte offset {self._byte(index)}')
        attributes = {key.lower(): one or two or three for key, one, two, three in re.findall(_ATTRIBUTE, written)}
        self._issues += [f"<{name}> has no attribute {key}" for key in attributes if key != _ATTRIBUTES.get(name)]
        entity: Json = {"type": _TYPES[name], "offset": self._at}
        if name == "a" and attributes.get("href"):
            entity["url"] = self._plainly(attributes["href"])
        elif name == "a":
            self._issues.append("<a> has no href")
        elif name == "tg-emoji":
            if not attributes.get("emoji-id", "").isdigit():
                raise ValueError("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = attributes["emoji-id"]
        elif name == "span" and attributes.get("class") != "tg-spoiler":
            raise ValueError(f'Tag "span" must have class "tg-spoiler" at byte offset {self._byte(index)}')
        elif name == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        elif name == "code" and "class" in attributes:
            if self._open and self._open[-1][0] == "pre" and attributes["class"].startswith("language-"):
                self._open[-1][1]["language"] = attributes["class"].removeprefix("language-")
            else:
                self._issues.append("a class of <code> is for a language, inside <pre>")
        self._fits(name)
        self._open.append((name, entity))

    def _plainly(self, value: str) -> str:
        return re.sub(r"&(#?\w+);", lambda sign: self._sign(sign[1]), value)

    def _fits(self, name: str) -> None:
        """Whether it may stand inside of what is open."""
        around = [outer for outer, _ in self._open]
        if name == "blockquote" and name in around:
            raise ValueError("Block quotes can't be nested")
        if name == "code" and around[-1:] == ["pre"]:
            around.pop()
        for outer in around:
            verbatim = "code" in (name, outer) or "pre" in (name, outer)
            if (verbatim and outer != "blockquote") or name == outer == "a":
                self._issues.append(f"<{name}> cannot be inside <{outer}>")

    def _end(self, name: str, index: int) -> None:
        if not self._open:
            raise ValueError(f"Unexpected end tag at byte offset {self._byte(index)}")
        expected, entity = self._open.pop()
        if name != expected:
            raise ValueError(
                f'Unmatched end tag at byte offset {self._byte(index)}, expected "</{expected}>", found "</{name}>"'
            )
        entity["length"] = self._at - entity["offset"]
        part_of_pre = name == "code" and self._open and self._open[-1][0] == "pre"
        if entity["length"] and not part_of_pre and not (name == "a" and "url" not in entity):
            self._entities.append(entity)


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Without space around it, as a message is shown."""
    before = units(text) - units(text.lstrip())
    text = text.strip()
    long = units(text)
    kept = []
    for entity in entities:
        start = max(0, entity["offset"] - before)
        end = min(long, entity["offset"] + entity["length"] - before)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


def _detected(text: str, entities: list[Json]) -> list[Json]:
    """The links and commands a client finds by itself."""
    verbatim = [(one["offset"], one["offset"] + one["length"]) for one in entities if one["type"] in _VERBATIM]
    found = []
    for match in _FOUND.finditer(text):
        start = units(text[: match.start()])
        if not any(begin <= start < end for begin, end in verbatim):
            found.append({"type": match.lastgroup, "offset": start, "length": units(match[0])})
    return found


# ------------------------------------------------------------------------------------------- calls, and what they get


class Refusal(Exception):
    """A call that is not done. `limit`: because it broke one, which nothing in the chat could excuse."""

    def __init__(self, code: int, description: str, parameters: Json | None = None, *, limit: bool = False) -> None:
        super().__init__(description)
        self.code = code
        self.limit = limit
        self.document: Json = {"ok": False, "error_code": code, "description": description}
        if parameters:
            self.document["parameters"] = parameters


def _bad(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}", limit=True)


def _not_so(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}")


@dataclass
class Call:
    """One call of the bot. `status` is what it was answered with: 0 where it got no answer (yet)."""

    method: str
    params: Json
    at: float
    status: int = 0
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call."""

    kind: str
    seconds: float = 0.0
    refusal: Refusal | None = None

    @classmethod
    def refuse(cls, code: int, description: str, parameters: Json | None = None) -> Fault:
        """Not processed, and answered so."""
        return cls("refuse", refusal=Refusal(code, description, parameters))

    @classmethod
    def drop_before(cls) -> Fault:
        """Not processed; the connection is closed."""
        return cls("drop_before")

    @classmethod
    def drop_after(cls) -> Fault:
        """Processed; the connection is closed instead of an answer."""
        return cls("drop_after")

    @classmethod
    def hang(cls, seconds: float) -> Fault:
        """Processed at once, and answered that much later."""
        return cls("hang", seconds)

    @classmethod
    def stall(cls, seconds: float) -> Fault:
        """Processed only that much later; not at all where the bot has gone by then."""
        return cls("stall", seconds)

    @classmethod
    def garbage(cls) -> Fault:
        """Not processed; a gateway's page instead of an answer."""
        return cls("garbage")

    @classmethod
    def garbage_after(cls) -> Fault:
        """Processed; a gateway's page instead of an answer."""
        return cls("garbage_after")


# -------------------------------------------------------------------------------------------------------- a chat


@dataclass(frozen=True)
class Button:
    """A button under a message; of the last three it has one, or an action that is not looked at here."""

    text: str
    data: str | None = None
    url: str | None = None
    copy_text: str | None = None


@dataclass
class Shown:
    """A message as the chat has it. `html` is the text as it was sent; `raw` the Message object."""

    message_id: int
    from_bot: bool
    text: str
    html: str
    entities: list[Json]
    keyboard: list[list[Button]]
    document: tuple[str, bytes] | None = None
    thread: int | None = None
    reply_to: int | None = None
    edits: int = 0
    deleted: bool = False
    raw: Json = field(default_factory=dict, repr=False)

    @property
    def buttons(self) -> list[Button]:
        """All of its buttons, in reading order."""
        return [button for row in self.keyboard for button in row]

    def lines(self) -> Iterator[str]:
        """What is read on a screen: quotes are marked."""
        quotes = [one for one in self.entities if one["type"].endswith("blockquote")]
        at = 0
        for line in self.text.split("\n") if self.text else ():
            quoted = any(one["offset"] <= at < one["offset"] + one["length"] for one in quotes)
            yield f"│ {line}" if quoted else line
            at += units(line) + 1
        if self.document is not None:
            yield f"[document: {self.document[0]}]"
        elif not self.text:
            yield f"[{next((kind for kind in _THINGS if kind in self.raw), 'something')}]"
        for row in self.keyboard:
            yield " ".join(f"[{button.text}]" for button in row)


def _file(**more: Any) -> Json:
    return {"file_id": "AgACAgIAAxkBAAM", "file_unique_id": "AQADM", "file_size": 1024, **more}


_PLACE = {"latitude": 50.08, "longitude": 14.42}
_CLIP = _file(width=320, height=240, duration=1)
_THINGS: dict[str, Json] = {
    "photo": {"photo": [_file(width=90, height=67), _file(width=320, height=240)]},
    "voice": {"voice": _file(duration=1, mime_type="audio/ogg")},
    "sticker": {
        "sticker": _file(type="regular", width=512, height=512, is_animated=False, is_video=False, emoji="👍")
    },
    "venue": {"venue": {"location": _PLACE, "title": "Clinic", "address": "1 Street"}, "location": _PLACE},
    "location": {"location": _PLACE},
    "contact": {"contact": {"phone_number": "+10000000000", "first_name": "A"}},
    "poll": {
        "poll": {
            "id": "5000000000000000001",
            "question": "Which?",
            "options": [{"text": word, "voter_count": 0, "persistent_id": word} for word in ("one", "two")],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
            "allows_revoting": True,
            "members_only": False,
        }
    },
    "video": {"video": _CLIP},
    "audio": {"audio": _file(duration=1)},
    "animation": {"animation": _CLIP, "document": _file(file_name="a.gif", mime_type="video/mp4")},
    "video_note": {"video_note": _file(length=240, duration=1)},
    "dice": {"dice": {"emoji": "🎲", "value": 4}},
    "story": {"story": {"chat": {"id": -1001000000001, "type": "channel", "title": "Channel"}, "id": 1}},
    "document": {"document": _file(file_name="letter.pdf", mime_type="application/pdf")},
}  # fmt: skip
"""What a person may send that is not text, each as small as its documentation allows."""


class Chat:
    """One chat, from its user's side: what the user does, and what the user sees."""

    def __init__(self, server: StandIn, user: int, kind: str, chat_id: int, first_name: str) -> None:
        self.id = chat_id
        self.user = user
        self.kind = kind
        self.messages: list[Shown] = []
        self.toasts: list[tuple[str, bool]] = []
        """What flashed over the chat, and whether it had to be closed by hand."""
        self.unanswered: set[str] = set()
        """Presses that still show a spinner."""
        self.blocked = False
        self.member = True
        """Whether the bot is in this group or channel."""
        self.migrated_to: int | None = None
        self._server = server
        self._first_name = first_name
        self._ids = itertools.count(1)
        self._shown: dict[int, Shown] = {}
        self._happened: list[Shown | str] = []

    @property
    def described(self) -> Json:
        """The chat as updates and messages carry it."""
        named = {"first_name": self._first_name} if self.kind == "private" else {"title": self._first_name}
        return {"id": self.id, "type": self.kind, **named}

    def person(self, by: int | None = None) -> Json:
        """Its user, or another one of a group."""
        return {"id": by or self.user, "is_bot": False, "first_name": self._first_name, "language_code": "en"}

    def find(self, message_id: object) -> Shown | None:
        """The message, unless it was deleted."""
        shown = self._shown.get(message_id) if isinstance(message_id, int) else None
        return None if shown is None or shown.deleted else shown

    async def say(self, text: str, *, by: int | None = None, **more: Any) -> int:
        """Send a text. `more` goes into the message. Returns the update's id, as all that follow."""
        commands = [one for one in _detected(text, []) if one["type"] == "bot_command"]
        fields: Json = {"text": text, **({"entities": commands} if commands else {}), **more}
        return self._arrives(self._from_person(fields, by))

    async def send(self, kind: str, *, by: int | None = None, **more: Any) -> int:
        """Send something else: photo, voice, document, sticker, location and so on."""
        return self._arrives(self._from_person({**_THINGS[kind], **more}, by))

    async def edit(self, message_id: int, text: str) -> int:
        """Change an own message."""
        shown = self._shown[message_id]
        shown.text = shown.html = text
        shown.edits += 1
        shown.raw = {**shown.raw, "text": text, "edit_date": int(time.time())}
        return self._arrives(shown.raw, "edited_")

    def delete(self, message_id: int) -> None:
        """Delete a message, on both sides. The bot is told nothing."""
        self._shown[message_id].deleted = True

    async def press(self, button: str | Button, message_id: int | None = None, by: int | None = None) -> str:
        """Press the newest such button, by its label or its data. Returns the id of the press.

        Raises LookupError where no message shows one that can be pressed.
        """
        for shown in reversed(self.messages):
            if shown.deleted or message_id not in (None, shown.message_id):
                continue
            for there in shown.buttons:
                if there.data is not None and button in (there, there.text, there.data):
                    return await self.press_data(there.data, shown.message_id, by)
        raise LookupError(f"there is no button {button!r} to press in:\n{self.screen()}")

    async def press_data(self, data: str, message_id: int, by: int | None = None) -> str:
        """Press what may no longer be shown, as a client that is behind does."""
        query = self._server.ask(self)
        gone = {"chat": self.described, "message_id": message_id, "date": 0}
        shown = self.find(message_id)
        self._server.send_update({
            "callback_query": {
                "id": query,
                "from": self.person(by),
                "message": gone if shown is None else shown.raw,
                "chat_instance": str(abs(self.id) * 7919),
                "data": data,
            }
        })  # fmt: skip
        return query

    async def join(self) -> int:
        """Add the bot to this group or channel."""
        if self.kind == "private":
            raise ValueError("a private chat is unblocked, not joined")
        self.member = True
        return self._changes("left", "administrator" if self.kind == "channel" else "member")

    async def leave(self) -> int:
        """Remove the bot from this group or channel."""
        if self.kind == "private":
            raise ValueError("a private chat is blocked, not left")
        self.member = False
        before = "administrator" if self.kind == "channel" else "member"
        return self._changes(before, "left" if self.kind == "group" else "kicked")

    async def block(self) -> int:
        """Block the bot."""
        self.blocked = True
        return self._changes("member", "kicked")

    async def unblock(self) -> int:
        """Take it back."""
        self.blocked = False
        return self._changes("kicked", "member")

    async def migrate(self, new_id: int) -> Chat:
        """Let this group become a supergroup, which has another id and is returned."""
        new = self._server.chat(self.user, kind="supergroup", chat_id=new_id, first_name=self._first_name)
        self._arrives(self._from_person({"migrate_to_chat_id": new_id}, None))
        new._arrives(new._from_person({"migrate_from_chat_id": self.id}, None))
        self.migrated_to = new_id
        return new

    async def redeliver(self, update_id: int | None = None) -> int:
        """Let an update arrive again: the last one of all, where none is named."""
        updates = self._server.updates
        update = next(one for one in reversed(updates) if update_id in (None, one["update_id"]))
        self._server.again(update)
        return int(update["update_id"])

    def screen(self) -> str:
        """All that can be read in the chat, from the first message to the last."""
        blocks = []
        for what in self._happened:
            if isinstance(what, str):
                blocks.append(f"(toast: {what})")
            elif not what.deleted:
                blocks.append("\n".join(("bot:" if what.from_bot else "you:", *what.lines())))
        return "\n\n".join(blocks)

    def toast(self, text: str, alert: bool) -> None:
        """Flash something."""
        self.toasts.append((text, alert))
        self._happened.append(text)

    def add(self, fields: Json, *, html: str | None = None, document: tuple[str, bytes] | None = None) -> Shown:
        """Show a new message; `html`: it is the bot's, and this is its text as it was sent."""
        from_bot = html is not None
        raw = {"message_id": next(self._ids), "date": int(time.time()), "chat": self.described, **fields}
        text = raw.get("text", raw.get("caption", ""))
        reply = raw.get("reply_to_message")
        shown = Shown(
            raw["message_id"], from_bot, text, html if html is not None else text,
            raw.get("entities", raw.get("caption_entities", [])), _buttons(raw.get("reply_markup")),
            document, raw.get("message_thread_id"), reply["message_id"] if reply else None, raw=raw,
        )  # fmt: skip
        self.messages.append(shown)
        self._shown[shown.message_id] = shown
        self._happened.append(shown)
        return shown

    def _from_person(self, fields: Json, by: int | None) -> Json:
        sender = {"sender_chat": self.described} if self.kind == "channel" else {"from": self.person(by)}
        return self.add({**sender, **fields}).raw

    def _arrives(self, raw: Json, edited: str = "") -> int:
        kind = "channel_post" if self.kind == "channel" else "message"
        return self._server.send_update({edited + kind: raw})

    def _changes(self, old: str, new: str) -> int:
        def member(status: str) -> Json:
            until = {"until_date": 0} if status == "kicked" else {}
            rights = dict.fromkeys(_RIGHTS, False) if status == "administrator" else {}
            return {"status": status, "user": self._server.me, **until, **rights}

        return self._server.send_update({
            "my_chat_member": {
                "chat": self.described, "from": self.person(), "date": int(time.time()),
                "old_chat_member": member(old), "new_chat_member": member(new),
            }
        })  # fmt: skip


_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
)  # fmt: skip
"""What an administrator of a chat may do."""


def _buttons(markup: Json | None) -> list[list[Button]]:
    rows = (markup or {}).get("inline_keyboard", [])
    return [
        [Button(one["text"], one.get("callback_data"), one.get("url"), one.get("copy_text", {}).get("text"))
         for one in row]
        for row in rows
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ the server


@dataclass
class _Waiting:
    """An update on its way. `again`: it has to arrive although its id was confirmed."""

    update: Json
    place: int
    again: bool
    fetched: bool = False
    attempts: int = 0


@dataclass
class _Press:
    chat: Chat
    at: float
    answered: bool = False


class _Http(HttpToolsProtocol):
    """HTTP as uvicorn reads it; a request knows its connection, to be able to drop it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class StandIn:
    """The server of one bot. `async with StandIn() as server` starts it on a port of its own."""

    fault: Callable[[str, Json], Fault | None] | None = None
    """Asked before each call, getUpdates too."""
    reverse_next = 0
    """How many of the next updates arrive in reverse order, once all of them are there."""
    duplicate = False
    """Whether every update arrives twice."""
    query_lives = 60.0
    """Seconds after which a press can no longer be answered."""
    behind: str | None = None
    """Where posts to an https address go, as if a proxy there took the TLS off: http://127.0.0.1:port."""
    retry_every = 0.2
    """Seconds between two attempts to post to the webhook."""
    max_attempts = 50
    post_timeout = 10.0
    """Seconds the webhook may take."""

    def __init__(self, token: str = TOKEN, username: str = "stand_in_bot") -> None:
        self.token = token
        self.me: Json = {
            "id": int(token.partition(":")[0]), "is_bot": True, "first_name": "Stand-in", "username": username
        }  # fmt: skip
        self.url = ""
        self.calls: list[Call] = []
        """Every call but getUpdates."""
        self.polls = 0
        self.conflicts = 0
        """Polls that another one, or a webhook, has ended."""
        self.violations: list[str] = []
        """Every documented limit that a call broke."""
        self.refusals: list[str] = []
        """What was refused because of how the chat stood: a message was gone, nothing was changed."""
        self.notes: list[str] = []
        """What is allowed, and still worth a look: labels a phone may cut."""
        self.settings: Json = {
            "commands": {}, "name": {}, "description": {}, "short_description": {}, "menu_button": {}, "webhook": None
        }  # fmt: skip
        """What was set; commands by scope and language, words by language, menu buttons by chat."""
        self.updates: list[Json] = []
        self.chats: dict[int, Chat] = {}
        self.webhook_posts: list[tuple[int, int]] = []
        """The update's id and the status of each post; 0 where there was no answer."""
        self.gave_up: list[int] = []
        self._allowed: set[str] | None = None
        self._held: list[Json] = []
        self._waiting: dict[int, _Waiting] = {}
        self._lines: dict[int, deque[int]] = {}
        self._walkers: dict[int, asyncio.Task[None]] = {}
        self._posts = asyncio.Semaphore(40)
        self._poll: asyncio.Future[str] | None = None
        self._presses: dict[str, _Press] = {}
        self._files: dict[str, tuple[str, bytes]] = {}
        self._next_update, self._serials, self._queries = 1, itertools.count(), itertools.count(10**18)
        self._active = 0
        self._last = time.monotonic()
        self._port = 0
        self._server: asyncio.Server | None = None
        self._state = ServerState()
        self._stopping = asyncio.Event()
        words = {"name": 64, "description": 512, "short_description": 120}
        self._do: dict[str, Callable[[Call], Any]] = {
            "getMe": lambda _: {**self.me, "can_join_groups": True, "can_read_all_group_messages": False,
                                "supports_inline_queries": False, "can_connect_to_business": False,
                                "has_main_web_app": False},
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
            "sendMessage": self._send_message,
            "sendDocument": self._send_document,
            "editMessageText": self._edit_text,
            "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete_message,
            "answerCallbackQuery": self._answer_query,
            "setMyCommands": self._set_commands,
            "getMyCommands": lambda call: self.settings["commands"].get(self._scope(call), []),
            "deleteMyCommands": self._delete_commands,
            "setChatMenuButton": self._set_menu_button,
            "sendChatAction": self._chat_action,
            "leaveChat": self._leave_chat,
            "getChat": self._get_chat,
        }  # fmt: skip
        for what, most in words.items():
            title = "".join(part.title() for part in what.split("_"))
            self._do[f"setMy{title}"] = partial(self._set_words, what, most)
            self._do[f"getMy{title}"] = partial(self._get_words, what)

    async def __aenter__(self) -> StandIn:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop, at the same address again, with all that was known."""
        config = uvicorn.Config(
            self._serve, interface="asgi3", loop="none", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75,
        )  # fmt: skip
        config.load()
        self._stopping.clear()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Http(config, self._state, {}), "127.0.0.1", self._port, backlog=2048
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._walk_all()

    async def stop(self) -> None:
        """Close everything; whoever still waits for an answer gets none."""
        self._stopping.set()
        if self._server is not None:
            self._server.close()
        await self._stop_walking()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result("stop")
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=1.0)
        for connection in list(self._state.connections):
            cast(_Http, connection).transport.abort()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0)  # connections notice that they are gone

    def chat(self, user: int, *, kind: str = "private", chat_id: int | None = None, first_name: str = "A") -> Chat:
        """The chat of that user with the bot, or a group or channel. It begins to exist when it is first asked for."""
        if kind == "private":
            chat_id = user
        elif chat_id is None:
            chat_id = -user if kind == "group" else -1_000_000_000_000 - user
        if chat_id not in self.chats:
            self.chats[chat_id] = Chat(self, user, kind, chat_id, first_name)
        elif self.chats[chat_id].kind != kind:
            raise ValueError(f"{chat_id} is a {self.chats[chat_id].kind} already")
        return self.chats[chat_id]

    # What arrives at the bot.

    async def deliver(self, update: Json) -> int:
        """Let an update arrive as it is; it gets an id where it has none, which is returned."""
        return self.send_update(update)

    def send_update(self, update: Json) -> int:
        """The same, for what is not awaited."""
        update = {"update_id": self._next_update, **update}
        self._next_update = max(self._next_update, update["update_id"]) + 1
        self.updates.append(update)
        kind = next(name for name in update if name != "update_id")
        if kind in _ONLY_IF_ASKED if self._allowed is None else kind not in self._allowed:
            return int(update["update_id"])
        self._held.append(update)
        self.reverse_next = max(0, self.reverse_next - 1)
        if not self.reverse_next:
            for one in reversed(self._held):
                self._queue(one, False)
                if self.duplicate:
                    self._queue(one, True)
            self._held = []
        return int(update["update_id"])

    def again(self, update: Json) -> None:
        """Let an update arrive that was delivered before."""
        self._queue(update, True)

    def ask(self, chat: Chat) -> str:
        """A press, which is to be answered."""
        query = str(next(self._queries))
        self._presses[query] = _Press(chat, time.monotonic())
        chat.unanswered.add(query)
        return query

    async def settled(self, timeout: float = 5) -> None:  # noqa: ASYNC109
        """Wait until the bot has confirmed all that was delivered. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while self._waiting or self._walkers:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def quiet(self, for_seconds: float = 0.05, timeout: float = 5) -> None:  # noqa: ASYNC109
        """Wait until that is so, and no call came for some time. Raises TimeoutError."""
        self._last = time.monotonic()
        async with asyncio.timeout(timeout):
            while (  # noqa: ASYNC110
                self._waiting or self._walkers or self._active or time.monotonic() - self._last < for_seconds
            ):
                await asyncio.sleep(0.005)

    def _queue(self, update: Json, again: bool) -> None:
        serial, waiting = next(self._serials), _Waiting(update, _place(update), again)
        self._waiting[serial] = waiting
        self._last = time.monotonic()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result("arrived")
        if self.settings["webhook"] is not None:
            self._line_up(serial, waiting)

    # Polling.

    async def _get_updates(self, call: Call, receive: Receive) -> list[Json]:
        params = call.params
        if self.settings["webhook"] is not None:
            self.conflicts += 1
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; "
                               "use deleteWebhook to delete the webhook first")  # fmt: skip
        if self._poll is not None and not self._poll.done():
            self._poll.set_result("terminated by other getUpdates request; make sure that only one bot instance is "
                                  "running")  # fmt: skip
        limit = params.get("limit", 100)
        if not 1 <= limit <= 100:
            self._broke(call, f"limit of {limit}")
        self._allow(call)
        self._confirm(params.get("offset", 0))
        batch = self._batch(limit)
        if batch or not params.get("timeout"):
            return batch
        poll = self._poll = asyncio.get_running_loop().create_future()
        await self._wait(min(params["timeout"], LONGEST_POLL), receive, poll)
        why = poll.result() if poll.done() else ""
        if self._poll is poll:
            self._poll = None
        if why == "stop":
            raise ConnectionAbortedError
        if why not in ("", "arrived"):
            self.conflicts += 1
            raise Refusal(409, f"Conflict: {why}")
        return self._batch(limit)

    def _confirm(self, offset: int) -> None:
        """Forget what came before; a negative offset keeps only so many of the last."""
        gone = [
            serial for serial, one in self._waiting.items()
            if one.update["update_id"] < offset and (one.fetched or not one.again)
        ] if offset >= 0 else list(self._waiting)[:offset]  # fmt: skip
        for serial in gone:
            del self._waiting[serial]

    def _batch(self, limit: int) -> list[Json]:
        batch = list(itertools.islice(self._waiting.values(), max(1, min(limit, 100))))
        for one in batch:
            one.fetched = True
        return [one.update for one in batch]

    def _allow(self, call: Call) -> None:
        if "allowed_updates" in call.params:
            named = set(call.params["allowed_updates"])
            if named - _UPDATES:
                self._broke(call, f"no such update: {', '.join(sorted(named - _UPDATES))}")
            self._allowed = named or None

    async def _wait(self, seconds: float, receive: Receive, until: asyncio.Future[str] | None = None) -> None:
        """Until so much time is over, something happened, the bot has gone, or the server stops."""
        ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(_gone(receive))]
        ends.append(until if until is not None else asyncio.ensure_future(self._stopping.wait()))
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end is not until:
                end.cancel()

    # The webhook.

    def _set_webhook(self, call: Call) -> bool:
        params = call.params
        url = urlsplit(params["url"])
        if params["url"] and url.scheme != "https" and url.hostname not in ("127.0.0.1", "localhost"):
            raise _bad("bad webhook: An HTTPS URL must be provided for webhook")
        if "secret_token" in params and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", params["secret_token"]):
            raise _bad("secret token contains unallowed characters")
        if not 1 <= params.get("max_connections", 40) <= 100:
            self._broke(call, f"max_connections of {params['max_connections']}")
        self._allow(call)
        if not params["url"]:
            return self._delete_webhook(call)
        if params.get("drop_pending_updates"):
            self._waiting.clear()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result("terminated by setWebhook request")
        self.settings["webhook"] = {key: value for key, value in params.items() if key != "drop_pending_updates"}
        self._posts = asyncio.Semaphore(max(1, min(params.get("max_connections", 40), 100)))
        self._walk_all()
        return True

    def _delete_webhook(self, call: Call) -> bool:
        if call.params.get("drop_pending_updates"):
            self._waiting.clear()
        self.settings["webhook"] = None
        return True

    def _webhook_info(self, _: Call) -> Json:
        hook = self.settings["webhook"] or {}
        given = {key: hook[key] for key in ("max_connections", "allowed_updates", "ip_address") if key in hook}
        return {"url": hook.get("url", ""), "has_custom_certificate": "certificate" in hook,
                "pending_update_count": len(self._waiting), **given}  # fmt: skip

    def _walk_all(self) -> None:
        self._lines = {}
        if self.settings["webhook"] is not None:
            for serial, waiting in self._waiting.items():
                self._line_up(serial, waiting)

    def _line_up(self, serial: int, waiting: _Waiting) -> None:
        """Updates of one chat are posted one after the other; chats do not wait for one another."""
        self._lines.setdefault(waiting.place, deque()).append(serial)
        if waiting.place not in self._walkers and not self._stopping.is_set():
            self._walkers[waiting.place] = asyncio.create_task(self._walk(waiting.place))

    async def _walk(self, place: int) -> None:
        try:
            while self.settings["webhook"] is not None and self._lines.get(place):
                serial = self._lines[place][0]
                waiting = self._waiting.get(serial)
                if waiting is not None:
                    async with self._posts:
                        status = await self._post(waiting.update)
                    self._last = time.monotonic()
                    self.webhook_posts.append((waiting.update["update_id"], status))
                    waiting.attempts += 1
                    if not 200 <= status < 300:
                        if waiting.attempts < self.max_attempts:
                            await asyncio.sleep(self.retry_every)
                            continue
                        self.gave_up.append(waiting.update["update_id"])
                    self._waiting.pop(serial, None)
                if self._lines.get(place) and self._lines[place][0] == serial:
                    self._lines[place].popleft()
        finally:
            del self._walkers[place]

    async def _stop_walking(self) -> None:
        walkers = list(self._walkers.values())
        for walker in walkers:
            walker.cancel()
        await asyncio.gather(*walkers, return_exceptions=True)
        self._walkers.clear()

    async def _post(self, update: Json) -> int:
        """Post an update to the webhook. Returns the status; 0 where there was none."""
        hook = self.settings["webhook"]
        if hook is None:
            return 0
        url = urlsplit(hook["url"])
        to = urlsplit(self.behind) if url.scheme == "https" and self.behind else url
        if to.hostname not in ("127.0.0.1", "localhost"):
            return 0  # nothing leaves this machine
        body = json.dumps(update).encode()
        head = [
            f"POST {url.path or '/'}{'?' + url.query if url.query else ''} HTTP/1.1", f"Host: {url.netloc}",
            "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close",
        ]  # fmt: skip
        if "secret_token" in hook:
            head.append(f"X-Telegram-Bot-Api-Secret-Token: {hook['secret_token']}")
        writer = None
        try:
            async with asyncio.timeout(self.post_timeout):
                reader, writer = await asyncio.open_connection(to.hostname, to.port or 80)
                writer.write("\r\n".join((*head, "", "")).encode() + body)
                status = (await reader.readline()).split()
                await reader.read()
                return int(status[1])
        except (OSError, TimeoutError, IndexError, ValueError):
            return 0
        finally:
            if writer is not None:
                writer.close()

    # Messages.

    def _chat(self, call: Call) -> Chat:
        """The chat of a call, where the bot may do something there."""
        chat = self.chats.get(call.params["chat_id"])
        if chat is None:
            raise _bad("chat not found")
        if chat.migrated_to is not None:
            raise Refusal(400, "Bad Request: group chat was upgraded to a supergroup chat",
                          {"migrate_to_chat_id": chat.migrated_to})  # fmt: skip
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not chat.member:
            raise Refusal(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
        return chat

    def _send_message(self, call: Call) -> Json:
        chat = self._chat(call)
        text, entities = self._text(call, "text", LONGEST_TEXT)
        self._preview(call, entities)
        return self._add(call, chat, {"text": text, **({"entities": entities} if entities else {})}, "text")

    def _send_document(self, call: Call) -> Json:
        chat = self._chat(call)
        given = call.params["document"]
        document = given if isinstance(given, tuple) else self._files.get(given)
        if document is None:
            raise _bad("wrong file identifier/HTTP URL specified")
        name, content = document
        if not content:
            raise _bad("file must be non-empty")
        if len(content) > LARGEST_FILE:
            raise Refusal(413, "Request Entity Too Large", limit=True)
        caption, entities = self._text(call, "caption", LONGEST_CAPTION)
        known = f"BQACAgIAAxkD{len(self._files):06}"
        self._files[known] = document
        fields: Json = {
            "document": {
                "file_id": known, "file_unique_id": known[-8:], "file_name": name, "file_size": len(content),
                "mime_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
            }
        }  # fmt: skip
        if caption:
            fields |= {"caption": caption, **({"caption_entities": entities} if entities else {})}
        return self._add(call, chat, fields, "caption", document)

    def _add(self, call: Call, chat: Chat, fields: Json, text: str, document: tuple[str, bytes] | None = None) -> Json:
        params = call.params
        sender = {"sender_chat": chat.described} if chat.kind == "channel" else {"from": self.me}
        fields = {**sender, **fields}
        reply = params.get("reply_parameters")
        if reply is not None:
            if "message_id" not in reply:
                raise _bad('parameter "message_id" is required in reply_parameters')
            to = self.chats.get(reply.get("chat_id", chat.id), chat).find(reply["message_id"])
            if to is not None:
                fields["reply_to_message"] = {key: one for key, one in to.raw.items() if key != "reply_to_message"}
            elif not reply.get("allow_sending_without_reply"):
                raise _not_so("message to be replied not found")
        if "message_thread_id" in params:
            fields |= {"message_thread_id": params["message_thread_id"], "is_topic_message": True}
        markup = self._markup(call)
        if markup:
            fields["reply_markup"] = markup
        return chat.add(fields, html=str(params.get(text, "")), document=document).raw

    def _edited(self, call: Call) -> Shown:
        if "inline_message_id" in call.params:
            raise _bad("inline messages are not known to the stand-in")
        for name in ("chat_id", "message_id"):
            if name not in call.params:
                raise _bad(_EMPTY[name])
        shown = self._chat(call).find(call.params["message_id"])
        if shown is None:
            raise _not_so("message to edit not found")
        if not shown.from_bot:
            raise _bad("message can't be edited")
        return shown

    def _edit_text(self, call: Call) -> Json:
        shown = self._edited(call)
        text, entities = self._text(call, "text", LONGEST_TEXT)
        self._preview(call, entities)
        if shown.document is not None:
            raise _bad("there is no text in the message to edit")
        return self._change(call, shown, text, entities, str(call.params["text"]))

    def _edit_markup(self, call: Call) -> Json:
        shown = self._edited(call)
        return self._change(call, shown, shown.text, shown.entities, shown.html)

    def _change(self, call: Call, shown: Shown, text: str, entities: list[Json], html: str) -> Json:
        markup = self._markup(call, inline=True)
        if (text, entities, markup) == (shown.text, shown.entities, shown.raw.get("reply_markup")):
            raise _not_so("message is not modified: specified new message content and reply markup are exactly the "
                          "same as a current content and reply markup of the message")  # fmt: skip
        old = {key: value for key, value in shown.raw.items() if key not in ("reply_markup", "entities")}
        new: Json = {"edit_date": int(time.time())}
        if shown.document is None:
            new |= {"text": text, **({"entities": entities} if entities else {})}
        if markup:
            new["reply_markup"] = markup
        shown.raw = {**old, **new}
        shown.text, shown.entities, shown.html, shown.keyboard = text, entities, html, _buttons(markup)
        shown.edits += 1
        return shown.raw

    def _delete_message(self, call: Call) -> bool:
        chat = self._chat(call)
        shown = chat.find(call.params["message_id"])
        if shown is None:
            raise _not_so("message to delete not found")
        if not shown.from_bot and chat.kind != "private":
            raise _bad("message can't be deleted")
        shown.deleted = True
        return True

    def _text(self, call: Call, name: str, most: int) -> tuple[str, list[Json]]:
        """The text of a call, as it will be shown."""
        text, mode = str(call.params.get(name, "")), str(call.params.get("parse_mode", ""))
        entities = call.params.get("entities" if name == "text" else "caption_entities", [])
        issues: list[str] = []
        if mode.lower() == "html":
            try:
                text, entities = parse_html(text, issues)
            except ValueError as error:
                raise _bad(f"can't parse entities: {error}") from None
        elif mode:
            raise _bad("unsupported parse_mode")
        for issue in issues:
            self._broke(call, issue)
        text, entities = _trimmed(text, entities)
        if name == "text" and not text:
            raise _bad("message text is empty")
        if units(text) > most:
            raise _bad("message is too long" if name == "text" else "message caption is too long")
        if len(entities) > 100:
            self._broke(call, f"{len(entities)} entities; those after 100 are not shown")
            entities = entities[:100]
        return text, sorted(entities + _detected(text, entities), key=lambda one: (one["offset"], -one["length"]))

    def _preview(self, call: Call, entities: list[Json]) -> None:
        linked = any(one["type"] in ("url", "text_link") for one in entities)
        if linked and not call.params.get("link_preview_options", {}).get("is_disabled"):
            self._broke(call, "link preview not switched off")

    def _markup(self, call: Call, *, inline: bool = False) -> Json | None:
        """The inline keyboard of a call, as it will be shown."""
        markup = call.params.get("reply_markup")
        if not markup:
            return None
        if "inline_keyboard" not in markup:
            if inline or not {"keyboard", "remove_keyboard", "force_reply"} & markup.keys():
                raise _bad("inline keyboard expected")
            return None
        rows = markup["inline_keyboard"]
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise _bad("can't parse inline keyboard: Expected an Array of Array of InlineKeyboardButton")
        rows = [row for row in rows if row]
        if any(len(row) > 8 for row in rows):
            raise _bad("BUTTON_ROW_TOO_LONG: more than 8 buttons in a row")
        if sum(map(len, rows)) > 100:
            raise _bad("REPLY_MARKUP_TOO_LONG: more than 100 buttons")
        for row in rows:
            for button in row:
                self._button(call, button)
        return {"inline_keyboard": rows} if rows else None

    def _button(self, call: Call, button: Json) -> None:
        wrong = "can't parse inline keyboard button: "
        label = button.get("text") if isinstance(button, dict) else None
        if not isinstance(label, str) or not label.strip():
            raise _bad(wrong + "Button text must be non-empty")
        actions = _ACTIONS & button.keys()
        if len(actions) != 1:
            raise _bad(wrong + ("Text buttons are unallowed in the inline keyboard" if not actions else
                                f"exactly one is expected of {', '.join(sorted(actions))}"))  # fmt: skip
        for key in button.keys() - _ACTIONS - {"text", "style", "icon_custom_emoji_id"}:
            self._broke(call, f"a button has no {key}")
        if button.get("style", "primary") not in ("primary", "success", "danger"):
            self._broke(call, f"a button has no style {button['style']}")
        data = button.get("callback_data", "-")
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= 64:
            raise _bad("BUTTON_DATA_INVALID")
        copied = button.get("copy_text", {"text": "-"})
        if not isinstance(copied, dict) or not 1 <= units(str(copied.get("text", ""))) <= 256:
            raise _bad("BUTTON_COPY_TEXT_INVALID")
        if not re.match(r"(https?|tg|ton)://\S", button.get("url", "tg://-")):
            raise _bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
        over = next((most for most in (WIDE, NARROW) if len(label) > most), None)
        if over is not None:
            self.notes.append(f"{call.method}: a label of {len(label)} characters is over {over}: {label}")

    def _answer_query(self, call: Call) -> bool:
        press = self._presses.get(call.params["callback_query_id"])
        text = str(call.params.get("text", ""))
        if units(text) > LONGEST_TOAST:
            raise _bad("MESSAGE_TOO_LONG")
        if press is not None and press.answered:
            self._broke(call, "a press is answered twice")
        if press is None or press.answered or time.monotonic() - press.at > self.query_lives:
            raise _not_so("query is too old and response timeout expired or query ID is invalid")
        press.answered = True
        press.chat.unanswered.discard(call.params["callback_query_id"])
        if text:
            press.chat.toast(text, call.params.get("show_alert", False))
        return True

    # What the bot says of itself.

    def _language(self, call: Call) -> str:
        code = str(call.params.get("language_code", ""))
        if code and not re.fullmatch("[a-z]{2}", code):
            raise _bad("invalid language code specified")
        return code

    def _scope(self, call: Call) -> tuple[str, str]:
        scope = call.params.get("scope", {"type": "default"})
        needs = {"chat": ["chat_id"], "chat_administrators": ["chat_id"], "chat_member": ["chat_id", "user_id"]}
        plain = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
        kind = scope.get("type")
        if (kind not in plain and kind not in needs) or any(key not in scope for key in needs.get(kind, [])):
            raise _bad("unsupported type specified: BotCommandScope")
        return ":".join((kind, *(str(scope[key]) for key in needs.get(kind, [])))), self._language(call)

    def _set_commands(self, call: Call) -> bool:
        commands, key = call.params["commands"], self._scope(call)
        if len(commands) > 100:
            raise _bad("BOT_COMMANDS_TOO_MUCH")
        for one in commands:
            if not re.fullmatch("[a-z0-9_]{1,32}", str(one.get("command", ""))):
                raise _bad("BOT_COMMAND_INVALID")
            if not 1 <= units(str(one.get("description", "")).strip()) <= 256:
                raise _bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.settings["commands"][key] = commands
        return True

    def _delete_commands(self, call: Call) -> bool:
        self.settings["commands"].pop(self._scope(call), None)
        return True

    def _set_words(self, what: str, most: int, call: Call) -> bool:
        words, language = str(call.params.get(what, "")), self._language(call)
        if units(words) > most:
            raise _bad(f"bot {what.replace('_', ' ')} is too long")
        self.settings[what].pop(language, None)
        if words:
            self.settings[what][language] = words
        return True

    def _get_words(self, what: str, call: Call) -> Json:
        said, language = self.settings[what], self._language(call)
        return {what: said.get(language, said.get("", self.me["first_name"] if what == "name" else ""))}

    def _set_menu_button(self, call: Call) -> bool:
        button = call.params.get("menu_button", {"type": "default"})
        if button.get("type") not in ("default", "commands", "web_app"):
            raise _bad("can't parse menu button: unsupported type")
        self.settings["menu_button"][call.params.get("chat_id")] = button
        return True

    def _chat_action(self, call: Call) -> bool:
        self._chat(call)
        if call.params["action"] not in _DOING:
            raise _bad("wrong parameter action in request")
        return True

    def _leave_chat(self, call: Call) -> bool:
        chat = self._chat(call)
        if chat.kind == "private":
            raise _bad("chat member status can't be changed in private chats")
        chat.member = False
        return True

    def _get_chat(self, call: Call) -> Json:
        gifts = dict.fromkeys(("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription",
                               "gifts_from_channels"), True)  # fmt: skip
        return {**self._chat(call).described, "accent_color_id": 0, "max_reaction_count": 11,
                "accepted_gift_types": gifts}  # fmt: skip

    # HTTP.

    def _broke(self, call: Call, why: str) -> None:
        self.violations.append(f"{call.method}: {why}")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _body(receive)
            status, answer = await self._answer(scope, body, receive)
        except ConnectionAbortedError:
            scope["state"]["transport"].close()
            await _gone(receive)
            return
        kind = b"application/json" if answer.startswith(b"{") else b"text/html"
        headers = [(b"content-type", kind), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, body: bytes, receive: Receive) -> tuple[int, bytes]:
        """Status and body. Raises ConnectionAbortedError where there is to be no answer."""
        path = re.fullmatch(r"/bot([^/]+)/(\w+)", scope["path"])
        name = _METHODS.get(path[2].lower()) if path else None
        if path is None or not re.fullmatch(r"\d+:[\w-]{30,}", path[1]):
            return _refused(Refusal(404, "Not Found"))
        if path[1] != self.token:
            return _refused(Refusal(401, "Unauthorized"))
        if name is None:
            self.violations.append(f"{path[2]}: no such method")
            return _refused(Refusal(404, "Not Found"))
        call = Call(name, {}, time.monotonic())
        counts = name != "getUpdates"
        self._active += counts
        if counts:
            self.calls.append(call)
            self._last = call.at
        else:
            self.polls += 1
        try:
            call.status, answer = await self._processed(call, scope, body, receive)
        finally:
            self._active -= counts
            if counts:
                self._last = time.monotonic()
        return call.status, answer

    async def _processed(self, call: Call, scope: Scope, body: bytes, receive: Receive) -> tuple[int, bytes]:
        """The same for one call, and whatever is to go wrong with it."""
        wrong: Refusal | None = None
        try:
            _read(call, scope, body)
        except Refusal as refusal:
            wrong = refusal
        fault = self.fault(call.method, call.params) if self.fault is not None else None
        kind = fault.kind if fault is not None else ""
        if fault is not None and fault.refusal is not None:
            return _refused(fault.refusal)
        if kind == "garbage":
            return 502, BAD_GATEWAY
        if fault is not None and kind == "stall":
            await self._wait(fault.seconds, receive)
            gone = scope["state"]["transport"].is_closing() or self._stopping.is_set()
        if kind == "drop_before" or (kind == "stall" and gone):
            raise ConnectionAbortedError
        status, answer = await self._done(call, receive, wrong)
        if fault is not None and kind == "hang":
            await self._wait(fault.seconds, receive)
        if kind == "drop_after" or (kind == "hang" and self._stopping.is_set()):
            raise ConnectionAbortedError
        return (502, BAD_GATEWAY) if kind == "garbage_after" else (status, answer)

    async def _done(self, call: Call, receive: Receive, wrong: Refusal | None) -> tuple[int, bytes]:
        try:
            if wrong is not None:
                raise wrong
            required, optional = SIGNATURES[call.method]
            unknown = set(call.params).difference(required.split(), optional.split())
            for name in sorted(unknown):
                self._broke(call, f"no such parameter: {name}")
            for name in required.split():
                if name not in call.params:
                    raise _bad(_EMPTY.get(name, f'parameter "{name}" is required'))
            if call.method == "getUpdates":
                result: Any = await self._get_updates(call, receive)
            else:
                result = self._do[call.method](call)
        except Refusal as refusal:
            (self.violations if refusal.limit else self.refusals).append(f"{call.method}: {refusal}")
            return _refused(refusal)
        return 200, json.dumps({"ok": True, "result": result}).encode()


def _refused(refusal: Refusal) -> tuple[int, bytes]:
    return refusal.code, json.dumps(refusal.document).encode()


def _place(update: Json) -> int:
    """The chat an update belongs to; 0 where it has none."""
    for value in update.values():
        if isinstance(value, dict):
            return int(value.get("message", value).get("chat", {}).get("id", 0))
    return 0


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _read(call: Call, scope: Scope, body: bytes) -> None:
    """Take the parameters out of a request, in each of the four ways in which they may come. Raises Refusal."""
    headers = dict(scope["headers"])
    kind = headers.get(b"content-type", b"").decode("latin-1")
    try:
        given: Json = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if kind.startswith("application/json"):
            given |= json.loads(body or b"{}")
        elif kind.startswith("multipart/form-data"):
            words, call.files = _parts(kind, body)
            given |= words
        elif body:
            given |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    except (UnicodeDecodeError, ValueError, TypeError):
        raise _bad("can't parse the request") from None
    attached = set()
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("attach://"):
            attached.add(value.removeprefix("attach://"))
            call.params[name] = call.files.get(value.removeprefix("attach://"), value)
        elif value is not None:
            call.params[name] = _typed(name, value)
    call.params |= {name: file for name, file in call.files.items() if name not in attached}


def _parts(kind: str, body: bytes) -> tuple[Json, dict[str, tuple[str, bytes]]]:
    words: Json = {}
    files: dict[str, tuple[str, bytes]] = {}
    boundary = kind.partition("boundary=")[2].partition(";")[0].strip().strip('"').encode()
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        named = re.search(r'[; ]name="([^"]*)"', head.decode())
        filed = re.search(r'filename="([^"]*)"', head.decode())
        if named is None:
            raise ValueError("a part without a name")
        if filed is not None:
            files[named[1]] = (filed[1].replace("%22", '"'), content)
        else:
            words[named[1]] = content.decode()
    return words, files


def _typed(name: str, value: Any) -> Any:
    """A parameter as what it is, where it came as text. Raises Refusal."""
    if name in _OBJECTS:
        try:
            value = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            value = None
        if not isinstance(value, _OBJECTS[name]):
            raise _bad(f"can't parse {name} JSON object")
    elif name in _FLAGS:
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes", "t", "y")
    elif name in _WHOLE:
        if re.fullmatch(r"-?\d+", str(value)):
            return int(value)
        if name != "chat_id":
            raise _bad(f'parameter "{name}" is not an integer')
    return value if isinstance(value, dict | list | tuple) else str(value)
