"""What tests of the Telegram channel share: the bot on a log, against the stand-in for Telegram's server.

It runs in the test's own loop as `triage serve` runs it, part by part, and is stopped, killed and started again on the
same log as a test likes. The log's clock stands still until a test says `later`, so no retry is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvicorn
from aiolimiter import AsyncLimiter

import bot as program
from bot.app import App
from bot.channels.telegram import service
from bot.channels.telegram.channel import Telegram, conversation_of
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.serve import HEAD, _Http, _Server, application
from bot.settings import Settings
from bot.standin import Button, Chat, Fault, Json, Shown, StandIn
from tests.conftest import KEY, Place

assert HEAD  # the bounds of the real server apply here too
PROGRAM = str(Path(program.__file__).parent)
USER, OTHER = 4711, 4712
CONSULT = ("role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
           "prior_lines:done", "early_stage_agents:none", "brain_metastases:none", "hr_status:negative",
           "tdxd_access:unavailable", "safety+ild_history", "safety+lvef", "safety-ild_history", "safety=",
           "review:confirm")  # fmt: skip
"""A whole consult, button by button."""
ADVICE = "Options for the next line"
TWICE = "answerCallbackQuery: a press is answered twice"
"""What the stand-in finds wrong where an update came twice to a bot that cannot know; the real server lets it pass."""


class Bot:
    """The channel on a log: what one worker runs."""

    def __init__(self, place: Place, server: StandIn, *, mode: str = "polling", allowed: str | None = None,
                 paced: bool = False, **settings: Any) -> None:  # fmt: skip
        self.place = place
        self.server = server
        self.mode = mode
        self._allowed = allowed
        self._paced = paced
        self._more = settings
        self._port = 0
        self.sends = True
        """Whether its outbox runs: another worker may do that."""
        self._parts: list[asyncio.Task[None]] = []
        self.running = False

    async def start(self) -> Bot:
        """Start on whatever stands in the log, and wait until updates are taken."""
        self.app: App = self.place.app()
        web = await self._listen() if self.mode == "webhook" else None
        self.settings = Settings(
            _env_file=None, data_dir=self.place.folder / "data", secret_key=KEY, telegram_token=self.server.token,
            telegram_base_url=self.server.url, telegram_mode=self.mode, telegram_allowed_users=self._allowed,
            public_url=f"http://127.0.0.1:{self._port}" if web else None, **self._more,
        )  # fmt: skip
        self.telegram: Telegram = service.create(self.app, self.settings)
        if not self._paced:
            self.telegram._pace = AsyncLimiter(10_000, 1.0)
            self.telegram._in_pace = lambda user: True  # type: ignore[method-assign]
        self.secret = service.secret_of(self.app, self.settings)
        self.outbox = Outbox(self.app.log, {"telegram": self.telegram})
        self.app.on_posted = self.outbox.wake
        loop = asyncio.get_running_loop()
        if web is not None:
            routes = service.routes(self.telegram, self.secret)
            config = uvicorn.Config(
                application(self.app, self.settings, Metrics(), routes=routes, elsewhere=(service.WEBHOOK,)),
                loop="none", lifespan="off", log_config=None, access_log=False, http=_Http,
            )  # fmt: skip
            self._web = _Server(config)
            self._serving = loop.create_task(self._web.serve(sockets=[web]))
            await eventually(lambda: self._web.started)
        self._parts = [loop.create_task(service.run(self.telegram, self.settings, self.secret))]
        if self.sends:
            self._parts.append(loop.create_task(self.outbox.run()))
        self.running = True
        await eventually(lambda: self.telegram.ready or self._parts[0].done())
        if self._parts[0].done():
            await self._parts[0]
        return self

    async def _listen(self) -> Any:

        listening = socket.create_server(("127.0.0.1", self._port), backlog=256)
        self._port = listening.getsockname()[1]
        return listening

    async def stop(self) -> None:
        """Stop as `triage serve` does."""
        if not self.running:
            return
        self._parts[0].cancel()
        await asyncio.wait([self._parts[0]], timeout=2.5)
        if self.mode == "webhook" and self.place.url is None:
            await service.remove_webhook(self.telegram)
        await self.app.stop(2.0)
        await self.outbox.stop(1.0)
        await self._end()

    async def kill(self) -> None:
        """End it as kill -9 does: whatever is under way is left as it is, nothing is finished, confirmed or said.

        Its leases are let run out, so that the next one need not wait for that.
        """
        with patch.object(service.Poller, "_confirm", _nothing):
            while mine := [task for task in asyncio.all_tasks() if _is_of_the_bot(task)]:
                for task in mine:
                    task.cancel()
                await asyncio.wait(mine, timeout=0.1)  # before Python 3.12 a wait_for may swallow it
        await self._end()
        self.place.execute("UPDATE outbox SET due = 0 WHERE state = 'sending'")

    async def _end(self) -> None:
        self.running = False
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        if self.mode == "webhook":
            self._web.should_exit = True
            await asyncio.wait_for(self._serving, 5)
        await self.telegram.shutdown()
        await asyncio.to_thread(self.app.log.close)

    async def restart(self, *, kill: bool = False) -> None:
        """Stop, or kill, and start again on the same log."""
        await (self.kill() if kill else self.stop())
        await self.start()

    async def quiet(self, timeout: float = 10) -> None:  # noqa: ASYNC109
        """Wait until every update was taken and every letter that is due has been sent. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while True:
                await self.server.settled(timeout)
                busy = self.telegram._tasks or self.outbox._under_way or self.server._active
                if not busy and not (self.sends and self._due()):
                    return
                await asyncio.sleep(0.005)

    def _due(self) -> int:
        now = int(self.place.now.timestamp())
        ((due,),) = self.place.execute(
            "SELECT count(*) FROM outbox AS letter WHERE state = 'sending' OR (state = 'waiting' AND due <= ? "
            "AND NOT EXISTS (SELECT 1 FROM outbox AS before WHERE before.conversation = letter.conversation "
            "AND before.number < letter.number AND before.state <> 'unsure'))",
            now,
        )
        return int(due)

    async def later(self, seconds: float = 400) -> None:
        """Let the log's clock go on, so that what was to be tried again is tried."""
        self.place.now += timedelta(seconds=seconds)
        self.outbox.wake()
        await self.quiet()

    async def all_sent(self) -> None:
        """Let the clock go on until nothing waits in the outbox; what is unsure stays there until the next touch."""
        for _ in range(200):
            await self.quiet()
            if set(self.letters()) <= {"unsure"}:
                return
            await self.later()
        raise AssertionError(self.letters())

    def letters(self) -> list[str]:
        """The states of the letters in the outbox."""
        return [state for (state,) in self.place.execute("SELECT state FROM outbox ORDER BY number")]

    async def stands(self, user: int = USER) -> str:
        """Where the conversation stands, by the log."""
        case = await self.app.log.current(conversation_of(user))
        return self.app.replay(case.turns).here

    async def ticked(self, user: int = USER) -> tuple[str, ...]:
        """What is ticked there."""
        case = await self.app.log.current(conversation_of(user))
        return self.app.replay(case.turns).ticked


def _is_of_the_bot(task: asyncio.Task[Any]) -> bool:
    coroutine: Any = task.get_coro()
    file: str = getattr(getattr(coroutine, "cr_code", None), "co_filename", "")
    return file.startswith(PROGRAM) and not file.endswith("standin.py")


async def eventually(holds: Callable[[], bool], within: float = 20) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def _nothing(_: Any) -> None:
    """Nothing."""


@contextlib.asynccontextmanager
async def bot_on(place: Place, server: StandIn, **options: Any) -> AsyncIterator[Bot]:
    """The bot on this log, running; stopped at the end where it still runs."""
    bot = Bot(place, server, **options)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


class Faults:
    """What goes wrong: the first call of a method meets the first fault listed for it, and so on."""

    def __init__(self, **listed: Iterable[Fault | None]) -> None:
        self.left = {method: deque(faults) for method, faults in listed.items()}
        self.met = 0

    def __call__(self, method: str, _: Json) -> Fault | None:
        waiting = self.left.get(method)
        fault = waiting.popleft() if waiting else None
        self.met += fault is not None
        return fault


def too_many(seconds: int = 1) -> Fault:
    """Flood control."""
    return Fault.refuse(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def refused(description: str, code: int = 400) -> Fault:
    return Fault.refuse(code, description)


# The other side


def wire_of(button: Button) -> str:
    """The turn a button stands for; empty for one that is a link."""
    return (button.data or "").split(".", 4)[-1]


def find(chat: Chat, wire: str) -> tuple[Button, Shown]:
    """The newest button with this turn, and the message it stands under. Raises LookupError."""
    for shown in reversed(chat.messages):
        for button in () if shown.deleted else shown.buttons:
            if button.data and wire_of(button) == wire:
                return button, shown
    raise LookupError(f"no button {wire}:\n{chat.screen()}")


def shows(chat: Chat, wire: str) -> bool:
    """Whether such a button is to be seen anywhere."""
    return any(wire_of(button) == wire for one in chat.messages if not one.deleted for button in one.buttons)


async def tap(chat: Chat, wire: str) -> Shown:
    """Press the newest button with this turn. Returns the message it stood under."""
    button, shown = find(chat, wire)
    assert button.data is not None
    await chat.press_data(button.data, shown.message_id)
    return shown


async def go(bot: Bot, chat: Chat, *turns: str) -> None:
    """Turns one after another, each once the one before is answered: `say ...` types, anything else is a button."""
    for turn in turns:
        await do(chat, turn)
        await bot.quiet()


async def do(chat: Chat, turn: str) -> None:
    if turn.startswith(("say ", "/start")):
        await chat.say(turn.removeprefix("say "))
    else:
        await tap(chat, turn)


def until(turn: str, turns: Sequence[str] = CONSULT) -> tuple[str, ...]:
    """/start and the turns of a consult before this one."""
    return ("/start", *turns[: turns.index(turn)])


def of_bot(chat: Chat) -> list[Shown]:
    """What the bot has in the chat now."""
    return [shown for shown in chat.messages if shown.from_bot and not shown.deleted]


def texts(chat: Chat) -> list[str]:
    return [shown.text for shown in of_bot(chat)]


def count(chat: Chat, words: str) -> int:
    """How many of the bot's messages hold these words."""
    return sum(words in text for text in texts(chat))


def final(chat: Chat) -> list[tuple[str, tuple[str, ...]]]:
    """The chat as it looks in the end: the bot's messages, with the turns of their buttons."""
    return [(shown.text, tuple(map(wire_of, shown.buttons))) for shown in of_bot(chat)]


def open_questions(chat: Chat) -> list[str]:
    """The messages that offer a way on: a question that can be answered."""
    return [
        shown.text.partition("\n")[0]
        for shown in of_bot(chat)
        if any(wire_of(b) == "/back" or wire_of(b).startswith("role:") for b in shown.buttons)
    ]


def sent(server: StandIn, method: str = "sendMessage", chat: int | None = None) -> list[Json]:
    """The parameters of all calls of a method, to one chat where it is named."""
    return [
        call.params for call in server.calls if call.method == method and chat in (None, call.params.get("chat_id"))
    ]


def forgive_twice(server: StandIn) -> None:
    """Updates came twice: that a press was answered twice then is no fault."""
    server.violations[:] = [one for one in server.violations if one != TWICE]
