"""The channel: updates in, calls out. The library parses and carries; the dialogue, its log and its outbox do the rest.

What Telegram may do at any time is met here: an update twice, late or out of order, a press on an old button or by
somebody else, an edited message, a file, a group, a blocked bot, flood control, a second poller.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any
from urllib.request import getproxies

import structlog
from aiolimiter import AsyncLimiter
from telegram import CallbackQuery, ChatMemberUpdated, Message, Update
from telegram.constants import ChatMemberStatus, ChatType, FloodLimit
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import Application, ApplicationBuilder, ContextTypes, ExtBot, TypeHandler, filters
from telegram.request import BaseRequest, HTTPXRequest

from bot.app import NOT_KEPT, App, Incoming, Locks, Post, Said, Screen, Tap, Text, Unsupported
from bot.channels.telegram.codec import ANYWHERE, NotOurs, button_data, prefix_of, tap_of
from bot.channels.telegram.letters import PREVIEW_OFF, Call, Pressed, Writer, calls_of, is_toast
from bot.channels.telegram.quotes import Quotes
from bot.channels.telegram.rendering import keyboard_of, plain_of
from bot.channels.telegram.request import KeptAlive, NotConnected, Prepared
from bot.log import Letter, LogError
from bot.outbox import NotSent, Undeliverable, Unsure
from bot.page import page
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from flows.turns import Command
from messages import message as said_message
from messages.document import advice_document
from messages.render import full_answer
from messages.words import chat_words

logger = structlog.get_logger()
CHANNEL = "telegram"
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""Kinds of update that are asked for."""
ALLOWED_ANYBODY = ("/privacy", "/forget")
"""What is answered to whoever is not invited too."""
BURST, BURST_SECONDS = 30, 30.0
"""Updates one user may send in so many seconds."""
USERS = 10_000
"""Users whose pace is remembered."""
GROUP_PAUSE = 60.0
"""Seconds in which a group is answered once."""
SHOWN_WITHIN, IMPATIENT = 1.5, 15.0
"""Seconds a typed text waits for the question before it to go out, and for which none does after one waited in vain."""
OFFERED = (0.5, 2.0, 8.0)
"""Seconds before each try to offer what may not have arrived."""
TRIED = (0.5, 2.0, 8.0)
"""Seconds before a call beside the outbox is tried again, where it certainly did nothing."""
LONGEST_PAUSE = 60.0
"""Seconds such a call waits at most where the server asks for a pause."""
PACED = 5.0
"""Seconds a call waits for its turn among all of the bot's; then it counts as not sent, and is sent later."""
BESIDE = 1_000
"""Calls beside the outbox at once."""
TOAST = 200
"""Characters of the short notice a press is answered with."""
_NOWHERE = Screen(-1, -1, -1)
"""The screen of a button this version cannot read: never the current one."""
PRESSED = "pressed_message"
"""The name under which the message whose button was pressed is handed through the library."""
_IGNORED = ("reply_to_message", "external_reply", "quote", "entities", "link_preview_options")


def conversation_of(user: int) -> str:
    """The name of a user's conversation, as in `triage admin forget telegram:12345`."""
    return f"{CHANNEL}:{user}"


def update_of(raw: Mapping[str, Any], bot: ExtBot[Any] | None) -> Update:
    """An update as the library reads it, without what nobody looks at.

    Of the message whose button was pressed, chat and number are wanted, not its text and keyboard again. The library
    would build all of it, at most of an update's cost; what has a name it does not know it leaves alone (`api_kwargs`).
    """
    update = dict(raw)
    query = update.get("callback_query")
    if query is not None:
        query = dict(query)
        query[PRESSED] = query.pop("message", None)
        update["callback_query"] = query
    elif "message" in update:
        update["message"] = {name: value for name, value in update["message"].items() if name not in _IGNORED}
    return Update.de_json(update, bot)


class Pace:
    """A leaky bucket: `most` at once, as many again in `BURST_SECONDS`."""

    __slots__ = ("_at", "_level", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._level = 0.0
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether there is room for one more at `now` (seconds); takes it."""
        self._level = max(0.0, self._level - (now - self._at) * self._most / BURST_SECONDS)
        self._at = now
        if self._level > self._most - 1:
            return False
        self._level += 1
        return True


class Telegram:
    """One bot: takes its updates and is the courier of its letters."""

    def __init__(
        self,
        app: App,
        token: str,
        *,
        base_url: str = "https://api.telegram.org",
        allowed: frozenset[int] | None = None,
        request: BaseRequest | None = None,
        burst: int = BURST,
    ) -> None:
        self.app = app
        self.chat = chat_words()
        self.request = request or _request()
        self.poll_request = _request()
        self.bot: ExtBot[Any] = ExtBot(
            token, base_url=f"{base_url}/bot", base_file_url=f"{base_url}/file/bot", request=self.request,
            get_updates_request=self.poll_request,
        )  # fmt: skip
        self.application: Application[Any, Any, Any, Any, Any, Any] = (
            ApplicationBuilder().bot(self.bot).updater(None).job_queue(None).build()
        )
        self.application.add_handler(TypeHandler(Update, self._handle))
        self._url = f"{base_url}/bot{token}/"
        self._allowed = allowed
        self._burst = burst
        self._pace = AsyncLimiter(FloodLimit.MESSAGES_PER_SECOND, 1.0)
        self._users: OrderedDict[int, Pace] = OrderedDict()
        self._groups: OrderedDict[int, float] = OrderedDict()
        self._impatient: OrderedDict[int, float] = OrderedDict()
        self._locks = Locks()
        """Updates of a chat are taken one after another, in the order they came."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self.quotes = Quotes()
        self.writer = Writer(app.words, self.chat, "", self.quotes)
        self.ready = False
        """Whether the bot is known and updates can be taken."""

    async def initialize(self) -> None:
        """Ask who the bot is. Raises telegram.error.TelegramError."""
        await self.application.initialize()
        self.writer = Writer(self.app.words, self.chat, self.bot.username, self.quotes)

    async def shutdown(self) -> None:
        """Finish what is under way and close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)
        await self.application.shutdown()
        await self.request.shutdown()
        await self.poll_request.shutdown()

    @property
    def busy(self) -> bool:
        """Whether calls beside the outbox are under way."""
        return bool(self._tasks)

    def url_of(self, method: str) -> str:
        """Where a method is called. It holds the token: never logged, never said."""
        return self._url + method

    # Updates

    async def process(self, raw: Mapping[str, Any]) -> None:
        """Take one update. What fails is said to whoever sent it; never raises for anything in an update."""
        try:
            update = update_of(raw, self.bot)
        except Exception as error:  # of a kind this library does not know
            logger.warning("update_unreadable", kind=type(error).__name__)
            return
        await self.application.process_update(update)

    async def _handle(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            if update.callback_query is not None:
                await self._press(update.callback_query, update.update_id)
            elif update.message is not None:
                await self._message(update.message, update.update_id, edited=False)
            elif update.edited_message is not None:
                await self._message(update.edited_message, update.update_id, edited=True)
            elif update.my_chat_member is not None:
                await self._membership(update.my_chat_member, update.update_id)
        except Exception as error:
            self.app.failed(type(error).__name__)
            logger.error("update_failed", kind=type(error).__name__)

    async def _press(self, query: CallbackQuery, update_id: int) -> None:
        user, pressed = query.from_user.id, query.api_kwargs.get(PRESSED)
        if pressed is None or pressed["chat"]["type"] != ChatType.PRIVATE or pressed["chat"]["id"] != user:
            self._spawn(self._answer(query.id, self.chat.says["not_yours"]))
            return
        if not self._invited(user):
            self._spawn(self._answer(query.id, self._refusal(user)))
            return
        if not self._in_pace(user):
            self._spawn(self._answer(query.id, self.chat.says["too_fast"]))
            return
        try:
            incoming = tap_of(query.data or "")
        except NotOurs:
            incoming = Tap("", _NOWHERE)
        thread = pressed.get("message_thread_id")
        async with self._locks.of(user):
            answered = incoming.screen is not None and incoming.screen.sequence is None
            button = Pressed(pressed["message_id"], answered)
            messages = await self._taken(user, incoming, update_id, button, thread)
        notices = [message for message in messages if is_toast(message)]
        self._spawn(self._answer(query.id, notices[0].text[:TOAST] if notices else ""))

    async def _message(self, message: Message, update_id: int, *, edited: bool) -> None:
        if message.chat.type != ChatType.PRIVATE:
            if not edited and message.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP):
                self._in_group(message)
            return
        user = message.chat.id
        incoming = self._incoming(message, edited=edited)
        if incoming is None:
            return
        text = incoming.text if isinstance(incoming, Text) else ""
        if not self._invited(user) and text.strip().lower() not in ALLOWED_ANYBODY:
            if self._in_pace(user):
                self._spawn(self._say(user, self._refusal(user)))
            return
        if not self._in_pace(user):
            if self._in_pace(-user):  # said once in a while, not once a message
                self._spawn(self._say(user, self.chat.says["too_fast"]))
            return
        thread = message.message_thread_id if message.is_topic_message else None
        delivery: int | str = f"album {message.media_group_id}" if message.media_group_id else update_id
        async with self._locks.of(user):
            if not self._invited(user):
                await self._uninvited(user, text)
                return
            if text and not text.startswith("/"):
                incoming = Text(text, await self._has_seen(user, message.message_id))
            await self._taken(user, incoming, delivery, None, thread)

    def _incoming(self, message: Message, *, edited: bool) -> Incoming | None:
        """What a message brings; None for what Telegram itself says in a chat."""
        if edited:
            return Unsupported("edited") if message.location is None else None  # a live location moves by itself
        if message.text is not None and message.forward_origin is None and message.via_bot is None:
            return Text(self._addressed(message.text))
        if filters.StatusUpdate.ALL.check_update(Update(0, message=message)):
            return None
        return Unsupported()

    def _addressed(self, text: str) -> str:
        """A command without the bot's name: /help@name."""
        if text.startswith("/"):
            command, space, rest = text.partition(" ")
            name, _, bot = command.partition("@")
            if bot.lower() == self.bot.username.lower():
                return name + space + rest
        return text

    async def _taken(
        self, user: int, incoming: Incoming, delivery: int | str, pressed: Pressed | None, thread: int | None
    ) -> list[said_message.Message]:
        """Have the dialogue take it. Its messages leave through the outbox; what was not kept is said at once."""

        def letters(said: Said) -> list[Letter]:
            return self.writer.letters(said, pressed, thread, user)

        messages = await self.app.handle(
            conversation_of(user), incoming, self._delivery(delivery), Post(CHANNEL, str(user), letters)
        )
        direct = [message for message in messages if message.id in NOT_KEPT or message.id == "forgotten"]
        if any(message.id == "forgotten" for message in direct):
            self.quotes.forget(user)
        if direct and not (pressed and is_toast(direct[0])):
            keys = keyboard_of(direct[0], prefix_of(ANYWHERE))
            more: dict[str, Any] = {"reply_markup": {"inline_keyboard": keys}} if keys else {}
            if thread is not None:
                more["message_thread_id"] = thread
            self._spawn(self._say(user, direct[0].text, **more))
        return messages

    def _delivery(self, number: int | str) -> str:
        return f"{self.bot.id}:{number}"

    async def _has_seen(self, user: int, message_id: int) -> bool:
        """Whether who typed this was shown the question before: noted is its message, and that is the older one.

        A letter that is on its way is waited for, once in a while. What it brings counts if it is a message of its own;
        of a message that changed under the text nobody knows whether it was read.
        """
        loop = asyncio.get_running_loop()
        conversation = conversation_of(user)
        try:
            before = now = await self.app.log.outstanding(conversation)
            if before.letters and loop.time() >= self._impatient.get(user, 0.0):
                until = loop.time() + SHOWN_WITHIN
                while now.letters and loop.time() < until:
                    await asyncio.sleep(0.02)
                    now = await self.app.log.outstanding(conversation)
                if now.letters:
                    _remember(self._impatient, user, loop.time() + IMPATIENT)
        except LogError:
            return True  # the turn itself will say so
        if now.letters or (before.letters and now.noted == before.noted):
            return False
        return now.noted.isdigit() and int(now.noted) < message_id

    async def _uninvited(self, user: int, text: str) -> None:
        """/privacy and /forget work for everybody; nothing is kept of it."""
        messages = await self.app.handle(conversation_of(user), Text(text))
        self._spawn(self._say(user, messages[0].text))

    async def _membership(self, change: ChatMemberUpdated, update_id: int) -> None:
        """The bot was added, removed, blocked."""
        status = change.new_chat_member.status
        if change.chat.type == ChatType.PRIVATE and status == ChatMemberStatus.BANNED:
            async with self._locks.of(change.chat.id):  # blocked: nobody will come back to these answers
                await self.app.forget(conversation_of(change.chat.id), self._delivery(update_id))
                self.quotes.forget(change.chat.id)
        joined = status in (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR)
        if change.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP) and joined:
            self._point_to_private(change.chat.id)

    def _in_group(self, message: Message) -> None:
        """No intake and no result in a group: whoever calls the bot there is pointed to a private chat."""
        text = (message.text or "").lower()
        name = f"@{self.bot.username.lower()}"
        command = text.partition(" ")[0] if text.startswith("/") else ""
        if name in text or (command and "@" not in command):
            self._point_to_private(message.chat.id)

    def _point_to_private(self, group: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._groups.get(group, -GROUP_PAUSE) < GROUP_PAUSE:
            return
        _remember(self._groups, group, now)
        button = {"text": self.chat.buttons["private"], "url": f"https://t.me/{self.bot.username}?start=group"}
        markup = {"inline_keyboard": [[button]]}
        self._spawn(self._say(group, self.chat.says["group"], reply_markup=markup))

    def _invited(self, user: int) -> bool:
        return self._allowed is None or user in self._allowed

    def _refusal(self, user: int) -> str:
        return self.chat.says["refused"].format(user=user)

    def _in_pace(self, user: int) -> bool:
        """Whether a user's pace leaves room for one more; takes it. The negative id: for what is said of it."""
        pace = self._users.get(user)
        if pace is None:
            pace = Pace(self._burst if user > 0 else 1)
            _remember(self._users, user, pace)
        else:
            self._users.move_to_end(user)
        return pace.take(asyncio.get_running_loop().time())

    # Calls

    async def send(self, address: str, payload: str, noted: str) -> str | None:
        """Send one letter (bot.outbox.Courier). What is noted: the message that shows the open question."""
        note = await self._send(address, payload, noted)
        self.quotes.drop(payload)
        return note

    async def _send(self, address: str, payload: str, noted: str) -> str | None:
        notes: str | None = None
        calls = [call._replace(parameters=self.quotes.filled(call.parameters)) for call in calls_of(payload)]
        for place, call in enumerate(calls):
            try:
                note = await self._sent(address, call, noted if notes is None else notes)
            except (RetryAfter, NotConnected, Forbidden, InvalidToken) as error:
                raise await self._refused(address, error) from None
            except BadRequest as error:
                raise self._unsendable(call, error) from None
            except NetworkError:
                if place == len(calls) - 1:  # it may have arrived
                    if place and call.purpose in ("ask", "end"):
                        self._spawn(self._offer_to_show(int(address), calls[0], noted))
                    raise
                continue  # an edit that may not have: what follows matters more
            notes = note if note is not None else notes
        return notes

    async def _offer_to_show(self, user: int, closed: Call, noted: str) -> None:
        """Where a question may not have arrived, it is not sent again unasked; the line above it gets a button for it.

        That is an edit, which may be repeated. Without it, whoever sees no question would have to know to write.
        """
        parameters = json.loads(closed.parameters)
        data = button_data(Command("here"), "")
        key = {"text": self.chat.buttons["next"], "callback_data": data}
        rows = [*parameters["reply_markup"]["inline_keyboard"], [key]]
        target = closed.target or noted
        if not target:
            return
        markup = {"chat_id": user, "message_id": int(target), "reply_markup": {"inline_keyboard": rows}}
        for wait in OFFERED:
            await asyncio.sleep(wait)
            async with self._locks.of(user):
                try:
                    if not (await self.app.log.current(conversation_of(user))).unsure:
                        return  # the conversation went on, and showed it
                    await self._post("editMessageReplyMarkup", json.dumps(markup))
                    return
                except (LogError, RetryAfter, NotConnected, TimedOut):
                    continue
                except NetworkError as error:
                    if isinstance(error, BadRequest):
                        return  # it is gone, or has it already
                except TelegramError:
                    return

    async def _sent(self, chat: str, call: Call, noted: str) -> str | None:
        if call.method == "sendDocument":
            await self._document(int(chat), json.loads(call.parameters))
            return None
        rest = call.parameters[1:]
        if not call.method.startswith("edit"):
            return _note(call, await self._post_or_plain(call.method, f'{{"chat_id":{chat},{rest}'))
        target = call.target or noted
        if not target:
            return None
        try:
            await self._post_or_plain(call.method, f'{{"chat_id":{chat},"message_id":{target},{rest}')
        except BadRequest as error:
            if _says(error, "not modified"):
                pass  # it is as it should be
            elif call.purpose == "close":
                return None  # the message is gone, or too old: nothing to close
            else:
                return await self._anew(call, f'{{"chat_id":{chat},{rest}')
        return target if call.purpose == "place" else None

    async def _anew(self, call: Call, body: str) -> str | None:
        """Send what would have taken the place of a message that is gone. Unlike an edit it cannot be repeated."""
        try:
            return _note(call, await self._post_or_plain("sendMessage", body))
        except (RetryAfter, NotConnected, BadRequest):
            raise
        except NetworkError as error:
            raise Unsure from error

    async def _post_or_plain(self, method: str, body: str) -> Any:
        """Send or edit; as plain text where the server cannot read the tags, outside a topic that is gone."""
        try:
            return await self._post(method, body)
        except BadRequest as error:
            if not _says(error, "can't parse entities", "thread not found"):
                raise
            logger.error("call_changed", kind="BadRequest", part=method)
            parameters = json.loads(body)
            if _says(error, "thread not found"):
                parameters.pop("message_thread_id", None)
            else:
                parameters["text"] = plain_of(parameters["text"])
                parameters.pop("parse_mode", None)
        return await self._post(method, json.dumps(parameters))

    async def _document(self, chat: int, wanted: dict[str, Any]) -> None:
        """The whole answer as a file. Written when it is sent: only the profile waited in the outbox."""
        knowledge, words = self.app.knowledge, self.app.words
        advice = recommend(Profile.model_validate(wanted["profile"]), knowledge, wanted["beyond"])
        if wanted["form"] == "json":
            content = advice_document(advice, words).model_dump_json(indent=2)
        else:
            content = page(full_answer(advice, words, wanted["role"]))
        await self._pace.acquire()
        await self.bot.send_document(
            chat, content.encode(), filename=f"triage-{advice.record_id[:8]}.{wanted['form']}",
            caption=wanted["caption"] or None, parse_mode="HTML", message_thread_id=wanted["thread"],
        )  # fmt: skip

    async def _post(self, method: str, body: str) -> Any:
        """One call, within the pace Telegram allows a bot. Raises telegram.error.TelegramError."""
        if method != "answerCallbackQuery":  # which shows nothing, and is not counted
            try:
                async with asyncio.timeout(PACED):
                    await self._pace.acquire()
            except TimeoutError:
                raise NotConnected("more is to be sent than may be") from None
        data: Any = Prepared(body.encode())
        return await self.request.post(self._url + method, request_data=data)

    async def _refused(self, address: str, error: TelegramError) -> Exception:
        """What a call that certainly did nothing means for its letter."""
        if isinstance(error, RetryAfter):
            return NotSent(seconds_of(error) + random.uniform(0.1, 0.5))
        if isinstance(error, Forbidden):
            logger.info("chat_closed", kind="Forbidden")
            async with self._locks.of(int(address)):
                await self.app.forget(conversation_of(int(address)))
            self.quotes.forget(int(address))
            return Undeliverable()
        if isinstance(error, InvalidToken):
            logger.error("token_refused", kind="InvalidToken")
        return NotSent()

    def _unsendable(self, call: Call, error: BadRequest) -> Exception:
        if _says(error, "chat not found"):
            return Undeliverable()
        self.app.failed("BadRequest")
        logger.error("call_refused", kind="BadRequest", part=call.method)
        return Unsure() if call.purpose in ("ask", "place", "end") else Undeliverable()  # to be shown at the next touch

    async def _answer(self, query: str, text: str) -> None:
        """Answer a press, so that the button stops spinning. Too late is no harm: the press was taken."""
        shown = f',"text":{json.dumps(text)}' if text else ""
        try:
            await self._tried("answerCallbackQuery", f'{{"callback_query_id":{json.dumps(query)}{shown}}}')
        except TelegramError as error:
            logger.debug("press_unanswered", kind=type(error).__name__)

    async def _say(self, chat: int, text: str, **more: Any) -> None:
        """Say something outside the conversation: nothing of it is kept."""
        parameters = {"chat_id": chat, "text": text, "link_preview_options": PREVIEW_OFF, **more}
        try:
            await self._tried("sendMessage", json.dumps(parameters))
        except ChatMigrated as moved:
            await self._say(moved.new_chat_id, text, **more)  # the group became a supergroup
        except TelegramError as error:
            logger.info("not_said", kind=type(error).__name__)

    async def _tried(self, method: str, body: str) -> None:
        """A call beside the outbox: again where it certainly did nothing and a wait helps, else once."""
        for wait in TRIED:
            try:
                await self._post_or_plain(method, body)
                return
            except RetryAfter as error:
                await asyncio.sleep(min(seconds_of(error), LONGEST_PAUSE) + random.uniform(0.1, 0.5))
            except NotConnected:
                await asyncio.sleep(wait)
        await self._post_or_plain(method, body)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside the conversation; what is too much is left out, for nothing hangs on it."""
        if len(self._tasks) >= BESIDE:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _request() -> BaseRequest:
    """Connections to the server; through a proxy where the environment names one."""
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    return HTTPXRequest(connection_pool_size=64, proxy=proxy) if proxy else KeptAlive()


def _says(error: BadRequest, *words: str) -> bool:
    """Whether the server's words hold any of these. The library writes the first letter large."""
    said = error.message.lower()
    return any(word in said for word in words)


def _note(call: Call, sent: Mapping[str, Any]) -> str | None:
    """What is noted once a message was sent: that it shows the open question, or that none is open."""
    if call.purpose in ("ask", "place"):
        return str(sent["message_id"])
    return "" if call.purpose == "end" else None


def seconds_of(error: RetryAfter) -> float:
    """How long the server asks to wait."""
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


def _remember(kept: OrderedDict[Any, Any], name: Any, value: Any) -> None:
    kept[name] = value
    while len(kept) > USERS:
        kept.popitem(last=False)
