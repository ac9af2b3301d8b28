"""Scripted conversations on Telegram: the channel as it runs, against the stand-in Bot API server, over real HTTP.

What the script expects is compared with what the person at the phone sees: a message counts as said where its words
stand in the chat, or in the short notice over it.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.app import App
from bot.channels.replay import Stage
from bot.channels.telegram import service
from bot.channels.telegram.channel import CHANNEL, Telegram, conversation_of
from bot.outbox import Outbox
from bot.settings import Settings
from bot.standin import Chat, Shown, StandIn
from flows.dialogue import FINALS, present
from flows.knowledge.load import Knowledge
from flows.questionnaire import QUESTIONS, options_now
from messages.message import Block, Message
from messages.render import render

USER = 4_711
PATIENCE = 10.0
"""Seconds a turn may take until all it brings has arrived."""


class _Heard(App):
    """The application, with what it said since it was last asked."""

    heard: list[Message]

    async def handle(self, *arguments: Any, **more: Any) -> list[Message]:
        """As always, and remembered."""
        messages = await super().handle(*arguments, **more)
        self.heard = [*getattr(self, "heard", []), *messages]
        return messages


class TelegramStage(Stage):
    """One chat under a script. The bot fetches its updates from the stand-in server and answers there."""

    conversation = conversation_of(USER)
    app: _Heard

    def __init__(self, knowledge: Knowledge, folder: Path, clock: datetime) -> None:
        super().__init__(knowledge, folder, clock)
        self._folder = folder
        self._runner.run(self._begin())

    def _application(self) -> App:
        return _Heard(self.knowledge, self._log, today=self._today)

    async def _begin(self) -> None:
        self.server = StandIn()
        await self.server.start()
        self.phone: Chat = self.server.chat(USER)
        await self._start_bot()

    async def _start_bot(self) -> None:
        settings = Settings(
            data_dir=self._folder, telegram_token=self.server.token, telegram_base_url=self.server.url,
            _env_file=None,
        )  # fmt: skip
        self.bot: Telegram = service.create(self.app, settings, burst=100_000)
        self._outbox = Outbox(self._log, {CHANNEL: self.bot})
        self.app.on_posted = self._outbox.wake
        self.app.lease = self._outbox.lease_now
        self._parts = [
            asyncio.create_task(self._outbox.run()),
            asyncio.create_task(service.run(self.bot, settings, "not called from outside")),
        ]
        async with asyncio.timeout(PATIENCE):
            while not self.bot.ready:  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def _stop_bot(self) -> None:
        await self._outbox.stop(1.0)
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        await self.bot.shutdown()

    def close(self) -> None:
        """Stop bot and server."""
        self._runner.run(self._end())
        super().close()

    async def _end(self) -> None:
        await self._stop_bot()
        await self.server.stop()

    def do(self, verb: str, what: Any) -> list[Message]:
        """One action of a script, on the phone."""
        return self._runner.run(self._done(verb, what))

    async def _done(self, verb: str, what: Any) -> list[Message]:
        before = {shown.message_id: shown.text for shown in self.phone.messages}
        toasts = len(self.phone.toasts)
        self.app.heard = []
        await getattr(self, f"_on_{verb}")(what)
        await self._arrived()
        said = [_as_on_the_core(message) for message in self.app.heard]
        new = [shown for shown in self.phone.messages if shown.from_bot and before.get(shown.message_id) != shown.text]
        pages = [await self._leafed(shown) for shown in new]
        seen = _words(" ".join([*pages, *(text for text, _ in self.phone.toasts[toasts:])]))
        standing = _words(" ".join(shown.text for shown in self.phone.messages if shown.from_bot and not shown.deleted))
        return [
            Message(message.id, (Block("paragraph", "\n".join(block.text for block in message.blocks)),))
            for message in said
            if _is_in(message, standing if message.asks or message.id in FINALS else seen)
        ]

    async def _arrived(self) -> None:
        """Wait until all that was sent is taken, and all that was said is there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.server.settled(PATIENCE)
                if not any((await self._log.depth()).values()) and not self.bot.busy:
                    return
                await asyncio.sleep(0.002)

    async def _leafed(self, shown: Shown) -> str:
        """A message with all its pages, as a reader leafs through them."""
        text = [shown.text]
        while more := next((button for button in shown.buttons if button.text.startswith("More (")), None):
            heard = list(self.app.heard)
            await self.phone.press(more, shown.message_id)
            await self._arrived()
            self.app.heard = heard
            text.append(shown.text)
        return " ".join(text)

    # What a person does

    async def _on_user(self, said: str) -> None:
        for data, message in await self._buttons(said):
            await self.phone.press_data(data, message)
            await self._arrived()
            self.app.heard = self.app.heard[-1:] if _is_tick(data) else self.app.heard
        if not self._tapped:
            await self.phone.say(said)

    async def _on_double_tap(self, said: str) -> None:
        buttons = await self._buttons(said)
        for data, message in buttons:
            await self.phone.press_data(data, message)
        await self.phone.press_data(*buttons[-1])

    async def _on_stale_tap(self, wire: str) -> None:
        self._standing = await self.app.state_of(self.conversation)
        shown, prefix = self._open()
        question = re.match(r"[a-z0-9_]*", wire)
        if question is not None and question.group() in QUESTIONS and question.group() != self._here:
            await self.phone.press_data(*self._earlier(wire))
        else:
            await self.phone.press_data(prefix + wire, shown.message_id)

    async def _on_redeliver(self, _: bool) -> None:
        await self.phone.redeliver()
        await asyncio.sleep(0.02)

    async def _on_restart(self, _: bool) -> None:
        if not any(shown.from_bot for shown in self.phone.messages):
            await self.phone.say("/start")
            await self._arrived()
        await self._stop_bot()
        self._log.close()
        self.app = self._open_app()  # type: ignore[assignment]
        await self._start_bot()
        self.app.heard = [render(present(await self.app.state_of(self.conversation), self.knowledge), self.app.words)]

    async def _on_edit_message(self, text: str) -> None:
        own = next((shown for shown in reversed(self.phone.messages) if not shown.from_bot), None)
        if own is None:
            await self.phone.say("/here")
            await self._arrived()
            self.app.heard = []
            own = self.phone.messages[-2] if self.phone.messages[-1].from_bot else self.phone.messages[-1]
        await self.phone.edit(own.message_id, text)

    async def _on_send(self, kind: str) -> None:
        await self.phone.send(kind)

    async def _on_advance_clock(self, by: str) -> None:
        self._advance_clock(by)

    # The phone's keyboard

    @property
    def _here(self) -> str:
        return self._standing.here

    async def _buttons(self, said: str) -> list[tuple[str, int]]:
        """The buttons that say it, in the order they are pressed; none where it has to be typed."""
        self._tapped: list[tuple[str, int]] = []
        self._standing = await self.app.state_of(self.conversation)
        here = self._here
        if said.startswith("/") or here not in QUESTIONS:
            return []
        if not self._asks(here):  # nothing was shown yet, or it was erased
            await self.phone.say("/start")
            await self._arrived()
            self.app.heard = []
        shown, prefix = self._open()
        there = {button.data for button in shown.buttons}
        chosen = said.split("+")
        if not set(chosen) <= set(options_now(here, self._standing.answers)):
            return []
        whole = [f"{prefix}{here}:{said}"]
        ticks = [f"{prefix}{here}+{option}" for option in chosen]
        if QUESTIONS[here].kind == "several" and set(ticks) <= there:
            whole = [*ticks, f"{prefix}{here}="]
        elif not set(whole) <= there:
            return []
        self._tapped = [(data, shown.message_id) for data in whole]
        return self._tapped

    def _asks(self, question: str) -> bool:
        """Whether a message with that question can be seen."""
        wires = [button.data.split(".", 4)[-1] for m in self.phone.messages for button in m.buttons if button.data]
        return any(re.match(rf"{question}[:+=-]", wire) for wire in wires)

    def _open(self) -> tuple[Shown, str]:
        """The message whose keyboard is the newest, and how its buttons' data begins."""
        for shown in reversed(self.phone.messages):
            data = [button.data for button in shown.buttons if button.data is not None]
            if shown.from_bot and data:
                return shown, data[0].rpartition(".")[0] + "."
        raise LookupError("there is no button to press")

    def _earlier(self, wire: str) -> tuple[str, int]:
        """A button of a message as it once was."""
        for call in self.server.calls:
            for row in call.params.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    data = button.get("callback_data", "")
                    if data.split(".", 4)[-1] in (wire, wire.replace(":", "+")):
                        return data, call.params.get("message_id", self._message_of(call.params["text"]))
        raise LookupError(f"there never was a button {wire}")

    def _message_of(self, html: str) -> int:
        return next((s.message_id for s in self.phone.messages if s.from_bot and s.html == html), 1)


def _as_on_the_core(message: Message) -> Message:
    """A press that came twice is told that it was taken, where the core can only say that it is out of date."""
    return message._replace(id="notice.stale") if message.id == "notice.taken" else message


def _is_tick(data: str) -> bool:
    return bool(re.search(r"\.[a-z0-9_]+[+-][a-z0-9_]+$", data))


def _words(text: str) -> str:
    return " ".join(text.split())


def _is_in(message: Message, seen: str) -> bool:
    """Whether every block of a message can be read there."""
    return all(
        _words(block.text)[: 200 if message.id.startswith("notice.") else None] in seen
        for block in message.blocks
        if block.text.strip()
    )
