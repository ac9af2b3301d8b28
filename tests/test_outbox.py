"""The outbox: what is certainly not sent is sent, what may have arrived is shown again at the next touch, no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

import bot.outbox
from bot.app import App, Incoming, Post, Said, Tap, Text
from bot.log import Letter, Log
from bot.outbox import NotSent, Outbox, Undeliverable
from tests.conftest import NOW, Place

WHO = "chat:55512345"
ADDRESS = "55512345"


class Phone:
    """A courier that keeps what arrives, and fails as it is told to."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str]] = []
        self.trouble: list[Exception | None] = []
        """What happens to the next letters: None is a delivery."""
        self.then_arrives = False
        """Whether a letter arrives although its sender hears of trouble."""
        self.noted: list[str] = []
        """What was noted of the conversation when each arrived."""
        self.hold = asyncio.Event()
        self.hold.set()
        self.at_once = self.most_at_once = 0

    async def send(self, address: str, payload: str, noted: str) -> str | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.hold.wait()
            trouble = self.trouble.pop(0) if self.trouble else None
            if trouble is None or self.then_arrives:
                self.arrived.append((address, payload))
            if trouble is not None:
                raise trouble
            self.noted.append(noted)
            return payload
        finally:
            self.at_once -= 1

    @property
    def shown(self) -> list[str]:
        return [payload for _, payload in self.arrived]


@contextlib.asynccontextmanager
async def sending(log: Log, phone: Phone, app: App | None = None, lease: int = 60) -> AsyncIterator[Outbox]:
    outbox = Outbox(log, {"chat": phone}, lease=lease)
    if app is not None:
        app.on_posted = outbox.wake
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        await outbox.stop(1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def ids(said: Said) -> list[Letter]:
    return [Letter(message.id) for message in said.messages]


async def say(app: App, incoming: Incoming, delivery: str | None = None) -> list[str]:
    said = await app.handle(WHO, incoming, delivery, Post("chat", ADDRESS, ids))
    return [message.id for message in said]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for happens in a database)
            await asyncio.sleep(0.01)


def states(place: Place) -> list[str]:
    return [state for (state,) in place.execute("SELECT state FROM outbox ORDER BY number")]


async def test_messages_leave_in_order_and_nothing_stays(place: Place, log: Log) -> None:
    """S24: were it to fail, questions arrive in another order than they were asked, or a result stands in the log."""
    app, phone = place.app(log), Phone()
    async with sending(log, phone, app):
        for turn in ("role:oncologist", "gate:in_scope", "red_flags:none"):
            await say(app, Tap(turn))
        await say(app, Text("/help"))
        await until(lambda: len(phone.arrived) == 5)
        await until(lambda: states(place) == [])
    assert phone.shown == ["gate", "red_flags", "prior_lines", "help", "prior_lines"]
    assert {address for address, _ in phone.arrived} == {ADDRESS}
    assert phone.noted == ["", "gate", "red_flags", "prior_lines", "help"], "what was noted of the one before"


async def test_conversations_do_not_wait_for_one_another(place: Place, log: Log) -> None:
    """Were it to fail: one slow phone holds up every other."""
    app, phone = place.app(log), Phone()
    phone.hold.clear()
    async with sending(log, phone, app):
        for number in range(8):
            await app.handle(f"chat:{number}", Tap("role:oncologist"), None, Post("chat", str(number), ids))
            await app.handle(f"chat:{number}", Tap("gate:in_scope"), None, Post("chat", str(number), ids))
        await until(lambda: phone.at_once == 8)
        assert phone.arrived == []
        phone.hold.set()
        await until(lambda: len(phone.arrived) == 16)
    assert phone.most_at_once == 8, "and the letters of one conversation do"


async def test_the_address_stands_nowhere_in_the_clear(place: Place, log: Log) -> None:
    """S31: were it to fail, whoever reads the database knows who asked."""
    app = place.app(log)
    await say(app, Tap("role:oncologist"), "d1")
    assert ADDRESS not in place.everything()
    assert WHO not in place.everything()
    (letter,) = await log.claim(60, 10)
    assert log.keys.unseal(letter.address) == ADDRESS


async def test_an_address_is_sealed_once_after_a_start(place: Place, log: Log) -> None:
    """Were it to fail: every turn pays for an encryption, or a new key never reaches the addresses."""
    app = place.app(log)
    await say(app, Tap("role:oncologist"))
    first = place.execute("SELECT address FROM conversation")
    await say(app, Tap("gate:in_scope"))
    assert place.execute("SELECT address FROM conversation") == first
    await say(place.app(log), Tap("red_flags:none"))
    assert place.execute("SELECT address FROM conversation") != first


async def test_what_was_certainly_not_sent_is_sent_later(place: Place, log: Log) -> None:
    """S24: were it to fail, a refused connection or flood control costs the clinician a question."""
    app, phone = place.app(log), Phone()
    phone.trouble = [NotSent(0.0), NotSent(), NotSent(1.0)]
    async with sending(log, phone, app):
        await say(app, Tap("role:oncologist"))
        await until(lambda: _later(place, phone))
    assert phone.shown == ["gate"]


def _later(place: Place, phone: Phone) -> bool:
    place.now += timedelta(seconds=1)
    return bool(phone.arrived)


async def test_a_letter_waits_as_long_as_the_other_side_asks(place: Place, log: Log) -> None:
    """T9: were it to fail, flood control is answered with more floods."""
    app, phone = place.app(log), Phone()
    phone.trouble = [NotSent(30.0)]
    async with sending(log, phone, app):
        await say(app, Tap("role:oncologist"))
        await until(lambda: place.execute("SELECT attempts FROM outbox") == [(1,)])
    assert place.execute("SELECT state, due FROM outbox") == [("waiting", int(NOW.timestamp()) + 30)]


@pytest.mark.parametrize("arrives", [True, False])
async def test_what_may_have_arrived_is_shown_again_at_the_next_touch_and_not_before(
    arrives: bool, place: Place, log: Log
) -> None:
    """T10: were it to fail, a result is sent twice, or one that was lost is never seen."""
    app, phone = place.app(log), Phone()
    phone.trouble, phone.then_arrives = [TimeoutError()], arrives
    async with sending(log, phone, app) as outbox:
        await say(app, Tap("role:oncologist"))
        await until(lambda: states(place) == ["unsure"])
        outbox.wake()
        await say(place.app(log), Text("/here"))
        await until(lambda: states(place) == [])
    assert phone.shown == (["gate", "gate"] if arrives else ["gate"])


async def test_a_touch_that_shows_something_else_shows_where_it_stands_too(place: Place, log: Log) -> None:
    """T10: were it to fail, somebody whose last question was lost gets a notice and still no question."""
    app, phone = place.app(log), Phone()
    for turn in ("role:oncologist", "gate:early_stage"):
        await say(app, Tap(turn))
    async with sending(log, phone, app):
        await until(lambda: states(place) == [])
        phone.trouble = [TimeoutError()]
        await say(app, Text("/excluded"))
        await until(lambda: states(place) == ["unsure"])
        assert await say(app, Tap("declined:again")) == ["notice.finished", "declined"]
        await until(lambda: states(place) == [])
        assert await say(app, Text("/about")) == ["about"], "and only once"


async def test_an_edit_that_may_have_arrived_is_repeated(place: Place, log: Log) -> None:
    """T10: were it to fail, the answered question keeps its buttons."""
    app, phone = place.app(log), Phone()
    phone.trouble, phone.then_arrives = [TimeoutError(), TimeoutError()], True

    def edit(said: Said) -> list[Letter]:
        return [Letter("edit", repeatable=True)]

    async with sending(log, phone, app):
        await app.handle(WHO, Tap("role:oncologist"), None, Post("chat", ADDRESS, edit))
        await until(lambda: _later(place, phone) and len(phone.arrived) == 3)
        await until(lambda: states(place) == [])


async def test_a_letter_nobody_can_deliver_is_dropped(place: Place, log: Log) -> None:
    """T8: were it to fail, a user who blocked the bot is written to for ever, and blocks the letters behind."""
    app, phone = place.app(log), Phone()
    phone.trouble = [Undeliverable()]
    async with sending(log, phone, app):
        await say(app, Tap("role:oncologist"))
        await say(app, Tap("gate:in_scope"))
        await until(lambda: states(place) == [])
    assert phone.shown == ["red_flags"]


async def test_after_a_crash_the_mark_decides(place: Place) -> None:
    """S24: were it to fail, a result is sent again after a crash, or a question that never left stays unsent."""
    log = place.open()
    app = place.app(log)
    for number in range(3):
        await app.handle(f"chat:{number}", Tap("role:oncologist"), None, Post("chat", str(number), ids))
    claimed = await log.claim(60, 2)
    assert len(claimed) == 2
    log.close()  # as after a kill: two were in somebody's hands, one was not
    place.execute("UPDATE outbox SET repeatable = 1 WHERE number = ?", claimed[0].number)
    place.execute("UPDATE outbox SET due = 0 WHERE state = 'sending'")
    phone = Phone()
    log = place.open()
    async with sending(log, phone):
        await until(lambda: states(place) == ["unsure"])
    assert sorted(address for address, _ in phone.arrived) == ["0", "2"], "the edit, and what was not sent"


async def test_another_workers_letters_are_left_to_it_until_its_lease_ends(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, two workers send the same letter."""
    place = make_place("postgresql")
    one, other = place.open(), place.open()
    app = place.app(one)
    await say(app, Tap("role:oncologist"))
    (mine,) = await one.claim(60, 10)
    assert await other.claim(60, 10) == []
    assert await other.lapse() == 0
    place.execute("UPDATE outbox SET due = 0")
    assert await other.lapse() == 1
    assert states(place) == ["unsure"]
    assert mine.payload == "gate"


async def test_a_letter_is_given_up_in_the_end(place: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it to fail: a letter nobody takes is tried for ever, and holds up those behind it."""
    monkeypatch.setattr(bot.outbox, "ATTEMPTS", 3)
    app, phone = place.app(log), Phone()
    phone.trouble = [NotSent(0.0)] * 3
    async with sending(log, phone, app):
        await say(app, Tap("role:oncologist"))
        await until(lambda: _later(place, phone) or states(place) == [])
    assert phone.arrived == []


async def test_forget_takes_letters_along(place: Place, log: Log) -> None:
    """S32: were it to fail, a result is sent to somebody who had everything erased."""
    app, phone = place.app(log), Phone()
    await say(app, Tap("role:oncologist"))
    assert await say(app, Text("/forget")) == ["forgotten"]
    assert states(place) == []
    async with sending(log, phone):
        await asyncio.sleep(0.05)
    assert phone.arrived == []
