"""The Telegram channel: a turn, many chats, one call. Run with `python -m benchmarks.telegram`, `--quick` for a look.

Each row is the median of several repetitions, with the lowest beside it. What is compared is measured in turns, the
order reversed each time, and a ratio is the median of the ratios of neighbours: what else the machine does then falls
on both. CPU is that of the process, all threads; where the machine is shared it says more than the time.

Everybody plays the same intake again and again, pressing the buttons they were shown. Calls are answered at once by a
request that sends nothing but reads the parameters as any must; what sending costs is measured alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httptools
import structlog
import uvloop
from aiolimiter import AsyncLimiter
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Update
from telegram.ext import (
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ConversationHandler,
    ExtBot,
    MessageHandler,
    PicklePersistence,
    TypeHandler,
    filters,
)
from telegram.request import BaseRequest, HTTPXRequest, RequestData
from telegram.request._requestparameter import RequestParameter

import benchmarks.core
from benchmarks.core import CONSULT
from benchmarks.durable import KEYS, MIDDLE, Extent, Sample, Stopwatch, alternate, line, resident, row
from bot.app import App, Said, Screen, Tap
from bot.channels.telegram.channel import Telegram, conversation_of, update_of
from bot.channels.telegram.codec import button_data, prefix_of, tap_of
from bot.channels.telegram.letters import Writer, calls_of
from bot.channels.telegram.request import KeptAlive, Prepared
from bot.log import Letter, Log
from bot.log.sqlite import SQLite
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.standin import parse_html
from flows.knowledge.load import Knowledge, shipped
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from flows.turns import Answer
from messages.render import answer_message
from messages.words import Words
from tests.postgres import Server

TOKEN = "123456789:a-token-of-the-benchmarks-that-is-no-secret"
ROUND = (*CONSULT, "/restart")
"""The buttons pressed, again and again."""
CROWD = 100
MANY = 1_000
OPEN = 10_000
TICK = 0.002
PACE = 200
"""Updates a second while the event loop is watched."""
DATE = 1_790_000_000
ANSWER = (
    b'{"ok":true,"result":{"message_id":%d,"from":{"id":123456789,"is_bot":true,"first_name":"B","username":"bench_bot"},'
    b'"chat":{"id":%d,"first_name":"A","type":"private"},"date":1790000000,"text":"..."}}'
)
TEXT = "<b>Question 4 of at most 8</b>\n\n" + "Are there brain metastases now, and are they stable? " * 8
_BODY = json.dumps({"ok": True, "result": {
    "message_id": 4711, "from": {"id": 123456789, "is_bot": True, "first_name": "B", "username": "bench_bot"},
    "chat": {"id": 123456789, "first_name": "A", "type": "private"}, "date": DATE, "text": parse_html(TEXT)[0],
    "entities": parse_html(TEXT)[1],
    "reply_markup": {"inline_keyboard": [[{"text": "IHC 3+, ISH-positive", "callback_data": f"1.2s.1.5.hr_status:{n}"}]
        for n in range(6)]},
}}).encode()  # fmt: skip
CANNED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
"""What the server says of a message that was sent: all of it, as it does."""
PERSON_CHAT = {"id": 0, "first_name": "A", "type": "private"}
DIGITS = 6
"""Of the number of a press, in its id."""
PARTS = ("turns", "crowds", "calls", "parts")
SHOWING = {"sendMessage", "editMessageText"}
QUIET = 0.06
"""Seconds without a call after which a turn has made all of its calls: only where they are counted beforehand."""
NOBODY = Extent(0, 0, 0.0, 0, 0, 0, 0)
FULL = NOBODY._replace(repetitions=9, seconds=1.0, standing=OPEN)
QUICK = NOBODY._replace(repetitions=3, seconds=0.4, standing=1_000)

Json = dict[str, Any]
Process = Callable[[Json], Awaitable[object]]


# Chats


class Chat:
    """A private chat as its user has it: what was shown last, and the calls that are still to come."""

    __slots__ = ("left", "message", "out", "place", "presses", "shown", "user")

    def __init__(self, user: int) -> None:
        self.user = user
        self.shown: bytes | dict[str, str] = b""
        """The parameters of the call that showed something last."""
        self.message = 0
        self.left = 0
        """Calls this turn has still to make."""
        self.out: asyncio.Future[None] | None = None
        """Done when it has made them."""
        self.place = 0
        """Of the button to press, in the round."""
        self.presses = 0

    def parameters(self) -> Json:
        """What was shown last."""
        if isinstance(self.shown, bytes):
            found: Json = json.loads(self.shown)
            return found
        return {**self.shown, "reply_markup": json.loads(self.shown["reply_markup"])}

    def data(self, wire: str) -> str:
        """The data of the button that means this, among those shown. Raises LookupError."""
        shown = self.shown.decode() if isinstance(self.shown, bytes) else self.shown.get("reply_markup", "")
        end = shown.find(f'{wire}"')
        if end < 0:
            raise LookupError(f"{wire}: nothing to press in {shown}")
        return shown[shown.rindex('"', 0, end) + 1 : end] + wire

    def called(self) -> None:
        """A call was made for this chat."""
        self.left -= 1
        if self.left == 0 and self.out is not None and not self.out.done():
            self.out.set_result(None)


class Null(BaseRequest):
    """Answers every call at once, and notes what its chat was shown. Reads the parameters, as any request must."""

    def __init__(self) -> None:
        self.chats: dict[int, Chat] = {}
        self.methods: list[str] = []
        """What was called while somebody counts."""
        self.counts = False
        self._number = 0

    @property
    def read_timeout(self) -> float | None:
        """Nothing is waited for."""
        return 1.0

    async def initialize(self) -> None:
        """Nothing."""

    async def shutdown(self) -> None:
        """Nothing."""

    async def do_request(
        self, url: str, method: str, request_data: Any = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """What the server would say, in as few words as it may."""
        name = url.rpartition("/")[2]
        if name == "getMe":
            return 200, b'{"ok":true,"result":{"id":123456789,"is_bot":true,"first_name":"B","username":"bench_bot"}}'
        if self.counts:
            self.methods.append(name)
        chat, shown = self._read(name, request_data)
        try:
            if name == "answerCallbackQuery":
                return 200, b'{"ok":true,"result":true}'
            if name == "sendMessage":
                self._number += 1
                chat.message = self._number
            if name != "editMessageReplyMarkup":
                chat.shown = shown
            return 200, ANSWER % (chat.message, chat.user)
        finally:
            chat.called()

    def _read(self, name: str, data: Any) -> tuple[Chat, Any]:
        """Whose call it is, and its parameters. The id of a press begins with its chat."""
        if isinstance(data, Prepared):
            body = data.body
            if name == "answerCallbackQuery":
                return self.chats[int(body[22 : body.index(b'"', 22) - DIGITS])], body
            return self.chats[int(body[11 : body.index(b",", 11)])], body
        parameters = data.json_parameters
        if name == "answerCallbackQuery":
            return self.chats[int(parameters["callback_query_id"][:-DIGITS])], parameters
        return self.chats[int(parameters["chat_id"])], parameters


class Shown(NamedTuple):
    """A message with buttons as the server describes it in the update of a press, and how it was sent."""

    message: Json
    text: str
    keys: list[list[Json]]


class Press(NamedTuple):
    """A place of the round: the button pressed, on which message, and the calls that follow."""

    wire: str
    on: Shown
    methods: tuple[str, ...]


def shown_by(chat: Chat) -> Shown:
    """What a chat shows, described as the server does."""
    parameters = chat.parameters()
    keys = parameters["reply_markup"]["inline_keyboard"]
    text, entities = parse_html(parameters["text"])
    message = {
        "from": {"id": 123456789, "is_bot": True, "first_name": "B", "username": "bench_bot"}, "chat": PERSON_CHAT,
        "date": DATE, "text": text, "entities": entities, "reply_markup": {"inline_keyboard": keys},
    }  # fmt: skip
    return Shown(message, parameters["text"], keys)


def said_in(chat: Chat, text: str) -> Json:
    """The update of a text."""
    chat.presses += 1
    person = {"id": chat.user, "is_bot": False, "first_name": "A", "language_code": "en"}
    message = {"message_id": chat.message + 1, "from": person, "chat": {**PERSON_CHAT, "id": chat.user}, "date": DATE,
        "text": text}  # fmt: skip
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return {"update_id": chat.user * 10**DIGITS + chat.presses, "message": message}


def pressed_in(chat: Chat, press: Press, data: str) -> Json:
    """The update of a press."""
    chat.presses += 1
    number = chat.user * 10**DIGITS + chat.presses
    message = {"message_id": chat.message, **press.on.message, "chat": {**PERSON_CHAT, "id": chat.user}}
    person = {"id": chat.user, "is_bot": False, "first_name": "A", "language_code": "en"}
    query = {
        "id": str(number),
        "from": person,
        "message": message,
        "chat_instance": "-1234567890123456789",
        "data": data,
    }
    return {"update_id": number, "callback_query": query}


class Playing:
    """Chats going on side by side; in each the next button is pressed when the calls of the last are out."""

    server: Server | None = None

    def __init__(
        self, process: Process, null: Null, presses: Sequence[Press], users: Sequence[int], at_once: int
    ) -> None:
        self.process = process
        self.presses = presses
        self.size = self.step = at_once
        self.chats = [null.chats.setdefault(user, Chat(user)) for user in users]
        self._taken = 0

    async def open(self) -> None:
        """Every chat says /start."""
        for chat in self.chats:
            await self.begin(chat)

    async def begin(self, chat: Chat, text: str = "/start") -> None:
        """A chat says /start, and is shown the first question."""
        chat.left, chat.out = 1, asyncio.get_running_loop().create_future()
        await self.process(said_in(chat, text))
        async with asyncio.timeout(5):
            await chat.out

    async def take(self, turns: int) -> Sample:
        """So many turns, measured. Where more chats are open than play at once, each turn is another chat's."""
        waits: list[float] = []
        each, first = turns // self.size, self._taken
        self._taken += each
        watch = Stopwatch(None)
        await asyncio.gather(*(self._lane(lane, first, each, waits) for lane in range(self.size)))
        await self.settled()
        return watch.stopped(waits)

    async def settled(self) -> None:
        """Wait for what the turns left behind to be done."""

    async def _lane(self, lane: int, first: int, turns: int, waits: list[float]) -> None:
        chats = self.chats[lane :: self.size]
        for number in range(first, first + turns):
            await self.turn(chats[number % len(chats)], waits)

    async def turn(self, chat: Chat, waits: list[float]) -> None:
        """One turn, and how long it took until its last call."""
        press = self.presses[chat.place]
        chat.place = (chat.place + 1) % len(self.presses)
        update = pressed_in(chat, press, self.data(chat, press))
        chat.left, chat.out = len(press.methods), None
        began = time.perf_counter()
        await self.process(update)
        if chat.left > 0:
            chat.out = asyncio.get_running_loop().create_future()
            await chat.out
        waits.append(time.perf_counter() - began)

    def data(self, chat: Chat, press: Press) -> str:
        """What the button carries."""
        return chat.data(press.wire)


async def rehearsed(process: Process, null: Null, user: int = 1) -> list[Press]:
    """A round played by one chat: what is shown and called at each place of it."""
    null.counts = True
    chat = null.chats[user] = Chat(user)

    async def calls(update: Json) -> tuple[str, ...]:
        null.methods.clear()
        await process(update)
        count = -1
        async with asyncio.timeout(10):
            while count != len(null.methods) or not SHOWING.intersection(null.methods):
                count = len(null.methods)
                await asyncio.sleep(QUIET)
        return tuple(null.methods)

    await calls(said_in(chat, "/start"))
    presses = []
    for wire in ROUND:
        press = Press(wire, shown_by(chat), ())
        presses.append(press._replace(methods=await calls(pressed_in(chat, press, chat.data(wire)))))
    null.counts = False
    del null.chats[user]
    return presses


# What is measured: the channel, and beside it the library


class Unpaced(Telegram):
    """The channel, taking updates of a user as fast as they come."""

    def _in_pace(self, user: int) -> bool:
        super()._in_pace(user)  # at its cost
        return True


class Ours(NamedTuple):
    """The channel with all that is behind it."""

    app: App
    telegram: Telegram
    null: Null
    presses: list[Press]

    async def settled(self) -> None:
        """Until the outbox is empty."""
        while await self.app.log.depth():  # noqa: ASYNC110  (nobody would set an event)
            await asyncio.sleep(0.002)

    def playing(self, users: Sequence[int], at_once: int) -> Playing:
        """Chats of it."""
        playing = Playing(self.telegram.process, self.null, self.presses, users, at_once)
        playing.settled = self.settled  # type: ignore[method-assign]
        return playing


@asynccontextmanager
async def channel(file: Path) -> AsyncIterator[Ours]:
    """The channel as `triage serve` runs it, on a durable log; its calls are answered at once."""
    app = App(shipped(), Log(SQLite(file, KEYS)), meter=Metrics())
    null = Null()
    telegram = Unpaced(app, TOKEN, request=null)
    telegram._pace = AsyncLimiter(1e9, 1.0)  # what a call may wait for it is no cost
    await telegram.initialize()
    outbox = Outbox(app.log, {"telegram": telegram})
    app.on_posted = outbox.wake
    app.lease = outbox.lease_now
    sending = asyncio.create_task(outbox.run())
    try:
        yield Ours(app, telegram, null, await rehearsed(telegram.process, null))
    finally:
        await outbox.stop(5.0)
        await sending
        await telegram.shutdown()
        app.log.close()


class Known(Playing):
    """The same updates where nobody looks at what they mean."""

    def data(self, chat: Chat, press: Press) -> str:
        """Some data of that length."""
        return f"1.2s.1.5.{press.wire}"


def application(null: Null, persistence: PicklePersistence[Any, Any, Any] | None = None) -> tuple[ExtBot[Any], Any]:
    """The library's application, as it comes."""
    bot: ExtBot[Any] = ExtBot(TOKEN, request=null, get_updates_request=null)
    builder: Any = ApplicationBuilder().bot(bot).updater(None).job_queue(None)
    return bot, (builder.persistence(persistence) if persistence else builder).build()


@asynccontextmanager
async def running(
    null: Null, handler: Any, persistence: PicklePersistence[Any, Any, Any] | None = None
) -> AsyncIterator[tuple[Any, Process]]:
    """An application with this handler, and how it takes an update."""
    bot, made = application(null, persistence)
    made.add_handler(handler)
    await made.initialize()
    await made.start()

    async def process(raw: Json) -> None:
        await made.process_update(Update.de_json(raw, bot))

    try:
        yield made, process
    finally:
        await made.stop()
        await made.shutdown()


async def nothing(update: Update, context: Any) -> None:
    """A handler that does nothing."""


async def send_one(update: Update, context: Any) -> None:
    """A handler that sends one message."""
    await context.bot.send_message(update.effective_chat.id, "Thank you.")  # type: ignore[union-attr]


async def echo(update: Update, context: Any) -> None:
    """The library's own example, echobot.py."""
    await update.message.reply_text(update.message.text)  # type: ignore[union-attr,arg-type]


class Typing(Playing):
    """A text instead of a press."""

    async def turn(self, chat: Chat, waits: list[float]) -> None:
        """One text, and how long it took until its answer."""
        chat.left, chat.out = 1, None
        began = time.perf_counter()
        await self.process(said_in(chat, "Brain metastases, stable"))
        waits.append(time.perf_counter() - began)


def intake(presses: Sequence[Press], profile: Json, knowledge: Knowledge, words: Words) -> Any:
    """The same conversation as the library's examples are written: a state for each question, all of it in handlers.

    The words and the keyboards stand ready; only the answer at the end is decided and worded, by the same functions.
    """
    rows = [
        [
            [InlineKeyboardButton(key["text"], callback_data=wire_of(key["callback_data"])) for key in row]
            for row in press.on.keys
        ]
        for press in presses
    ]
    markups = [InlineKeyboardMarkup(keys) for keys in rows]
    labels = {key.callback_data: key.text for keys in rows for row in keys for key in row}
    preview = LinkPreviewOptions(is_disabled=True)

    async def start(update: Update, context: Any) -> int:
        context.user_data["answers"] = {}
        await update.effective_message.reply_text(  # type: ignore[union-attr]
            presses[0].on.text, parse_mode="HTML", reply_markup=markups[0], link_preview_options=preview
        )
        return 0

    def answered(place: int) -> Callable[[Update, Any], Coroutine[Any, Any, int]]:
        press, after = presses[place], (place + 1) % len(presses)
        question = press.wire.partition(":")[0]
        in_place = "sendMessage" not in press.methods

        async def handler(update: Update, context: Any) -> int:
            query = update.callback_query
            assert query is not None
            assert query.data is not None
            await query.answer()
            answers = context.user_data["answers"]
            answers[question] = query.data.partition(":")[2]
            text = presses[after].on.text
            if press.wire == "review:confirm":
                advice = recommend(Profile.model_validate(profile), knowledge)
                text = "\n\n".join(block.text for block in answer_message(advice, words).blocks)
                await query.edit_message_reply_markup(None)
            elif press.wire == "/restart":
                answers.clear()
            elif in_place:
                await query.edit_message_text(
                    text, parse_mode="HTML", reply_markup=markups[after], link_preview_options=preview
                )
                return after
            else:
                change = InlineKeyboardMarkup([[InlineKeyboardButton("Change", callback_data=f"/edit {question}")]])
                await query.edit_message_text(
                    f"<b>{question}</b>\n{labels[query.data]}", parse_mode="HTML", reply_markup=change,
                    link_preview_options=preview,
                )  # fmt: skip
            await query.message.reply_text(  # type: ignore[union-attr]
                text, parse_mode="HTML", reply_markup=markups[after], link_preview_options=preview
            )
            return after

        return handler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that presses are told apart by chat: they are to be
        return ConversationHandler(
            [CommandHandler("start", start)],
            {
                place: [CallbackQueryHandler(answered(place), pattern=f"^{press.wire.partition(':')[0]}")]
                for place, press in enumerate(presses)
            },
            [CommandHandler("start", start)], name="intake", persistent=True,
        )  # fmt: skip


def wire_of(data: str) -> str:
    """The turn in the data of one of our buttons."""
    return tap_of(data).wire


# How it is said


def heading(text: str) -> None:
    """The head of a table."""
    units = ("time us", "CPU us", "p50 ms", "p99 ms")
    print(f"\n{text:<64}" + "".join(f"{unit:>16}" for unit in units))
    print(f"{'':<64}" + f"{'median':>8}{'lowest':>8}" * len(units), flush=True)


def costs(sample: Sample) -> tuple[float, float, float, float]:
    """Time and CPU of a turn in us, latency in ms: median and 99th percentile."""
    _, p50, p99, process, _ = sample.figures
    return 1e6 / sample.rate, process, p50, p99


def absolute(name: str, samples: Sequence[Sample], aim: str = "") -> None:
    """A row of figures."""
    line(name, list(zip(*map(costs, samples), strict=True)), aim)


def beside(name: str, samples: Sequence[Sample], peers: Sequence[Sample], most: float = 0, least: float = 0) -> None:
    """A row of ratios, of time and of CPU, and whether the aim is met by both."""
    pairs = [
        [one / two for one, two in zip(costs(sample)[:2], costs(peer)[:2], strict=True)]
        for sample, peer in zip(samples, peers, strict=True)
    ]
    columns = list(zip(*pairs, strict=True))
    aim = ""
    if most or least:
        medians = [statistics.median(column) for column in columns]
        met = all(median <= most for median in medians) if most else all(median >= least for median in medians)
        aim = f"aim: at {f'most {most}' if most else f'least {least}'}: {'met' if met else 'missed'}"
    line(f"  {name}", columns, aim)


# Tables


async def turns(folder: Path, extent: Extent) -> None:
    """A turn of the channel beside the library's own, one hundred chats side by side."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(channel(folder / "turns.sqlite3"))
        users = range(1_000, 1_000 + CROWD)
        profile = await decided_on(ours.app)

        async def beside_it(kind: type[Playing], handler: Any, presses: Sequence[Press]) -> Playing:
            null = Null()
            _, process = await stack.enter_async_context(running(null, handler))
            return kind(process, null, presses, users, CROWD)

        async def kept(name: str, each: bool) -> Playing:
            null = Null()
            handler = intake(ours.presses, profile, ours.app.knowledge, ours.app.words)
            store: PicklePersistence[Any, Any, Any] = PicklePersistence(folder / name)
            made, process = await stack.enter_async_context(running(null, handler, store))
            if each:

                async def and_kept(raw: Json) -> None:
                    await process(raw)
                    await made.update_persistence()

                presses = await rehearsed(process, null)
                playing = Playing(and_kept, null, presses, users, CROWD)
            else:
                playing = Playing(process, null, await rehearsed(process, null), users, CROWD)
            if [len(press.methods) for press in playing.presses] != [len(press.methods) for press in ours.presses]:
                raise RuntimeError("the same conversation makes other calls")
            return playing

        one = [press._replace(methods=("sendMessage",)) for press in ours.presses]
        none = [press._replace(methods=()) for press in ours.presses]
        variants: Mapping[str, Playing] = {
            "ours": ours.playing(users, CROWD),
            "floor": await beside_it(Known, TypeHandler(Update, nothing), none),
            "echo": await beside_it(Known, TypeHandler(Update, send_one), one),
            "typed": await beside_it(Typing, MessageHandler(filters.TEXT & ~filters.COMMAND, echo), one),
            "idiomatic": await kept("sometimes.pickle", each=False),
            "each": await kept("each.pickle", each=True),
        }
        for name in ("ours", "idiomatic", "each"):
            await variants[name].open()
        found = await alternate(extent, variants, alike=())
    calls = sum(len(press.methods) for press in ours.presses) / len(ours.presses)
    heading(f"A turn, {CROWD} chats side by side; {calls:.1f} calls each")
    absolute("ours: kept on disk before it is answered, then out of the outbox", found["ours"])
    absolute("floor: the library reads the same update and does nothing", found["floor"])
    absolute("peer: it reads the same update and sends one message", found["echo"])
    absolute("peer: its echobot: reads a text and sends it back", found["typed"])
    absolute("peer: the intake as its ConversationHandler, kept once a minute", found["idiomatic"])
    absolute("peer: the same, kept after each update (pickle, not flushed)", found["each"])
    beside("ours beside the floor", found["ours"], found["floor"])
    beside("ours beside one message sent", found["ours"], found["echo"], most=1.15)
    beside("ours beside the echobot", found["ours"], found["typed"])
    beside("ours beside the ConversationHandler", found["ours"], found["idiomatic"], most=1.05)
    beside("the ConversationHandler kept after each update beside ours", found["each"], found["ours"], least=3.5)


async def decided_on(app: App) -> Json:
    """The profile a round leads to."""
    for wire in CONSULT:
        await app.handle("web:profile", Tap(wire))
    state = await app.state_of("web:profile")
    return state.profile.model_dump(mode="json", exclude_none=True)


# Many chats


async def fill(ours: Ours, playing: Playing, some: Sequence[Chat]) -> None:
    """Chats in the middle of an intake: brought there past the channel, then opened in it."""

    async def lane(chats: Sequence[Chat]) -> None:
        for chat in chats:
            for wire in MIDDLE:
                await ours.app.handle(conversation_of(chat.user), Tap(wire))
            await playing.begin(chat, "/here")
            chat.place = len(MIDDLE)

    await asyncio.gather(*(lane(some[place::CROWD]) for place in range(CROWD)))


def memory_of(chats: Sequence[Chat]) -> int:
    """Bytes resident, without what the chats of this benchmark take themselves."""
    gc.collect()
    return resident() - sum(sys.getsizeof(chat) + sys.getsizeof(chat.shown) + 64 for chat in chats)


def collected() -> float:
    """Milliseconds of a whole collection of garbage, as one may come at any time."""
    began = time.perf_counter()
    gc.collect()
    return (time.perf_counter() - began) * 1e3


async def late(playing: Playing, seconds: float) -> Json:
    """How late the event loop was for a ticker, while updates come in at a steady pace; and the longest collection."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    lates: list[float] = []
    pauses = [0.0]
    began = 0.0

    def collecting(phase: str, _: Any) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        else:
            pauses.append(time.perf_counter() - began)

    async def tick() -> None:
        while loop.time() < until:
            due = time.perf_counter() + TICK  # the loop's own clock tells milliseconds only
            await asyncio.sleep(TICK)
            lates.append(time.perf_counter() - due)

    waits: list[float] = []
    gc.callbacks.append(collecting)
    ticker = loop.create_task(tick())
    under_way: set[asyncio.Task[None]] = set()
    due = loop.time()
    number = 0
    while (due := due + random.expovariate(PACE)) < until:
        await asyncio.sleep(max(0.0, due - loop.time()))
        task = loop.create_task(playing.turn(playing.chats[number % len(playing.chats)], waits))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    await asyncio.gather(ticker, *under_way)
    gc.callbacks.remove(collecting)
    lates.sort()
    waits.sort()
    return {
        "longest": lates[-1] * 1e3, "p99": lates[int(len(lates) * 0.99)] * 1e3, "pause": max(pauses) * 1e3,
        "turn p50": waits[len(waits) // 2] * 1e3, "turn p99": waits[int(len(waits) * 0.99)] * 1e3,
    }  # fmt: skip


async def open_chats(folder: str, count: int, extent: Extent) -> None:
    """A process with so many open chats: says what it found on its way, then takes turns when it is told to."""
    async with channel(Path(folder) / f"{count}.sqlite3") as ours:
        few = ours.playing(range(1_000, 1_000 + CROWD), CROWD)
        await fill(ours, few, few.chats)
        await few.take(len(ROUND) * CROWD)
        playing = few
        found: Json = {}
        if count > CROWD:
            found["collection before"] = collected()
            before = memory_of(few.chats)
            some = min(MANY, count)
            crowd = ours.playing(range(1_000, 1_000 + some), some)
            await fill(ours, crowd, crowd.chats[CROWD:])
            samples = [await crowd.take(3 * some) for _ in range(extent.repetitions)]
            found["crowd"] = [costs(sample) for sample in samples]
            found["memory of a crowd"] = (memory_of(crowd.chats) - before) / (some - CROWD)
            playing = ours.playing(range(1_000, 1_000 + count), CROWD)
            await fill(ours, playing, playing.chats[some:])
            found["memory"] = (memory_of(playing.chats) - before) / (count - CROWD)
            found["late"] = await late(playing, 8 * extent.seconds)
            found["collection"] = collected()
            gc.freeze()
            found["late, frozen"] = await late(playing, 8 * extent.seconds)
            gc.unfreeze()
        await playing.take(CROWD * 5)
        print(json.dumps(found), flush=True)
        while told := await asyncio.to_thread(sys.stdin.readline):
            gc.collect()
            print(json.dumps(await playing.take(int(told))), flush=True)


def crowds(folder: Path, extent: Extent) -> None:
    """Many chats: at once, and open."""
    open_ = extent.standing
    children = []
    for count in (CROWD, open_):
        call = f"open_chats({str(folder)!r}, {count}, {extent})"
        command = [sys.executable, "-c", f"from benchmarks.telegram import *; uvloop.run(quietly({call}))"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin is not None
        assert child.stdout is not None
        children.append((child, child.stdin, child.stdout))
        found = json.loads(child.stdout.readline())
    told: list[list[Sample]] = [[], []]
    for repetition in range(extent.repetitions):
        for place in (1, 0) if repetition % 2 else (0, 1):
            _, asks, says = children[place]
            asks.write(f"{10 * CROWD}\n")
            asks.flush()
            told[place].append(Sample(*json.loads(says.readline())))
    for child, asks, _ in children:
        asks.close()
        child.wait()
    heading("Many chats (each from update in to last call out)")
    some = min(MANY, open_)
    line(f"{some:,} chats at once", list(zip(*found["crowd"], strict=True)))
    absolute(f"{CROWD} at once, {CROWD} chats remembered", told[0])
    absolute(f"{CROWD} at once, {open_:,} chats remembered", told[1])
    beside("the second beside the first", told[1], told[0], most=1.1)
    print()
    row(f"resident memory of a chat, {some:,} at once", [found["memory of a crowd"] / 1e3], "kB")
    row(f"resident memory of a chat, {open_:,} open", [found["memory"] / 1e3], "kB")
    row(f"a whole collection of garbage, {CROWD} chats open", [found["collection before"]], "ms")
    row(f"a whole collection of garbage, {open_:,} chats open", [found["collection"]], "ms")
    for name, what in (("late", "nothing frozen"), ("late, frozen", "what lives long frozen, as it is served")):
        figures = found[name]
        print(f"\nevent loop, {open_:,} open chats, {PACE} updates a second, {what}")
        met = "met" if figures["longest"] <= 10 else "missed"
        row("  longest a ticker waited too long", [figures["longest"]], "ms", f"aim: at most 10 ms: {met}")
        row("  99th percentile of that", [figures["p99"]], "ms")
        row("  longest collection of garbage", [figures["pause"]], "ms")
        row("  a turn, median", [figures["turn p50"]], "ms")
        row("  a turn, 99th percentile", [figures["turn p99"]], "ms")


async def quietly(work: Awaitable[None]) -> None:
    """Without the log lines of what goes well."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    await work


# One call


class Canned(asyncio.Protocol):
    """A server of one answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first request comes."""
        self._transport: Any = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """More of it."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._transport.write(CANNED)


async def canned_server() -> None:
    """Answer until ended."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Calls:
    """Calls one after another, in several lanes."""

    server: Server | None = None

    def __init__(self, call: Callable[[], Awaitable[object]], at_once: int) -> None:
        self._call = call
        self.step = self._at_once = at_once

    async def take(self, turns: int) -> Sample:
        """So many calls."""
        waits: list[float] = []

        async def lane() -> None:
            for _ in range(turns // self._at_once):
                began = time.perf_counter()
                await self._call()
                waits.append(time.perf_counter() - began)

        watch = Stopwatch(None)
        await asyncio.gather(*(lane() for _ in range(self._at_once)))
        return watch.stopped(waits)


def sent_by(request: KeptAlive, url: str, body: str) -> Awaitable[object]:
    """One call as the channel makes it."""
    data: Any = Prepared(body.encode())
    return request.post(url, data)


def called(extent: Extent) -> None:
    """A call of sendMessage over loopback: the CPU is the client's alone, the server is another process."""
    command = [sys.executable, "-c", "from benchmarks.telegram import *; uvloop.run(canned_server())"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            uvloop.run(calls(f"http://127.0.0.1:{server.stdout.readline().strip()}/bot", extent))
        finally:
            server.terminate()


async def calls(url: str, extent: Extent) -> None:
    """The library's way and ours."""
    keys = [[("IHC 3+ or ISH-positive", f"1.2s.1.5.option:{number}")] for number in range(6)]
    markup = InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data) for text, data in row] for row in keys]
    )
    parameters = {"chat_id": 123456789, "text": TEXT, "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True}, "reply_markup": markup.to_dict()}  # fmt: skip
    body = json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))
    data = RequestData([RequestParameter.from_input(name, value) for name, value in parameters.items()])
    preview = LinkPreviewOptions(is_disabled=True)
    target = f"{url}{TOKEN}/sendMessage"
    for at_once in (1, 32):
        library, alone, ours = HTTPXRequest(max(1, at_once)), HTTPXRequest(max(1, at_once)), KeptAlive()
        bot: ExtBot[Any] = ExtBot(TOKEN, base_url=url, request=library, get_updates_request=Null())
        await library.initialize()
        await alone.initialize()

        by_library = partial(
            bot.send_message, 123456789, TEXT, "HTML", link_preview_options=preview, reply_markup=markup
        )
        ways: Mapping[str, Calls] = {
            "library": Calls(by_library, at_once),
            "request": Calls(partial(alone.post, target, data), at_once),
            "ours": Calls(partial(sent_by, ours, target, body), at_once),
        }
        found = await alternate(extent, ways, alike=())
        heading(f"One call of sendMessage over loopback, {at_once} at once")
        absolute("peer: bot.send_message with the library's own request", found["library"])
        absolute("peer: the library's own request alone (HTTPXRequest.post)", found["request"])
        absolute("ours: KeptAlive.post, the parameters as JSON already", found["ours"])
        beside("ours beside bot.send_message", found["ours"], found["library"], most=0.25)
        beside("ours beside the library's own request alone", found["ours"], found["request"])
        for request in (library, alone, ours):
            await request.shutdown()


# Parts of a turn


class Listening:
    """In the place of the writer: keeps what it was given."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.given: dict[str, tuple[Any, ...]] = {}
        """By the question or answer that is shown."""

    def letters(self, said: Said, *more: Any) -> list[Letter]:
        """The letters of a turn."""
        self.given[said.after.here] = (said, *more)
        return self._writer.letters(said, *more)


async def parts_of_a_turn(folder: Path) -> None:
    """What single parts take."""
    async with channel(folder / "parts.sqlite3") as ours:
        writer, bot = ours.telegram.writer, ours.telegram.bot
        listening: Any = Listening(writer)
        ours.telegram.writer = listening
        await rehearsed(ours.telegram.process, ours.null, 2)
        question, answer = listening.given["hr_status"], listening.given["advice"]
        payload = writer.letters(*question)[0].payload
        press = ours.presses[CONSULT.index("hr_status:negative")]
        update = pressed_in(Chat(3), press, f"1.2s.1.5.{press.wire}")
        turn, screen = Answer("brain_metastases", ("active",)), Screen(123_456, 1, 8)
        data = button_data(turn, prefix_of(screen))
        measured = benchmarks.core.row
        print(f"\n{'Parts of a turn':<58} {'median':>9} {'lowest':>9}")
        measured("an answer closed, the next question put into a letter", lambda: writer.letters(*question), 500)
        measured("the final answer put into a letter", lambda: writer.letters(*answer), 100)
        measured("a letter read", lambda: calls_of(payload), 5_000)
        measured("the data of a button written", lambda: button_data(turn, prefix_of(screen)), 5_000)
        measured("the data of a button read", lambda: tap_of(data), 5_000)
        measured("a press read, without what nobody looks at", lambda: update_of(update, bot), 500)
        measured("  peer: all of it (Update.de_json)", lambda: Update.de_json(update, bot), 500)


# All of it


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description="The Telegram channel beside its library.")
    parser.add_argument("--quick", action="store_true", help="fewer chats, shorter repetitions")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; all of it where none is named")
    given = parser.parse_args()
    extent = QUICK if given.quick else FULL
    parts = given.parts or PARTS
    began = time.perf_counter()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; ", end="")
    print(f"{extent.repetitions} repetitions of about {extent.seconds} s each", flush=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="triage-telegram-") as folder:
        if "turns" in parts:
            uvloop.run(turns(Path(folder), extent))
        if "crowds" in parts:
            crowds(Path(folder), extent)
        if "parts" in parts:
            uvloop.run(parts_of_a_turn(Path(folder)))
    if "calls" in parts:
        called(extent)
    print(f"\n{time.perf_counter() - began:.0f} s all in all")


if __name__ == "__main__":
    main()
