"""The outbox: messages leave exactly as often as they must.

A letter is marked as being sent, durably, before it is sent. So after a crash it is known which were certainly not
sent (they are sent) and which may have been (an edit is repeated; anything else is shown again at the next touch,
never sent blindly).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Protocol

import structlog

from bot.log import Log, Posted

logger = structlog.get_logger()
LEASE = 60
"""Seconds a letter may be in somebody's hands before its sender counts as gone."""
SENDING = 20.0
"""Seconds one sending may take; well within the lease."""
AT_ONCE = 128
"""Letters under way at once, over all conversations."""
POLL = 1.0
"""Seconds between looks for letters that became due, or that another worker left."""
LONGEST_WAIT = 300.0
ATTEMPTS = 30
"""Certain failures after which a letter is given up: with the waits between them, some two hours."""


class NotSent(Exception):
    """Certainly not delivered, and may be tried again: refused connection, flood control."""

    def __init__(self, after: float | None = None) -> None:
        super().__init__("not sent")
        self.after = after
        """Seconds the other side asked to wait."""


class Undeliverable(Exception):
    """Certainly not delivered, and never will be: the user blocked the channel, the address is gone."""


class Unsure(Exception):
    """It may have arrived, and sending it again would show it twice, although its letter was repeatable."""


class Courier(Protocol):
    """A channel's way of sending one letter."""

    async def send(self, address: str, payload: str, noted: str) -> str | None:
        """Returns when it was delivered. Raises NotSent or Undeliverable; anything else means: not known.

        `noted` is what it noted of this conversation last; what it returns is noted instead, None leaves it.
        """


class Outbox:
    """Takes letters out of the log and sends them, in order within a conversation, side by side otherwise."""

    def __init__(self, log: Log, couriers: Mapping[str, Courier], *, lease: int = LEASE) -> None:
        self._log = log
        self._couriers = couriers
        self._lease = lease
        self._woken = asyncio.Event()
        self._under_way: set[asyncio.Task[bool]] = set()
        self._full = False
        """Whether letters may be waiting because too many were under way."""
        self._stopping = False

    def wake(self, posted: Posted | None = None) -> None:
        """There is something to send. `posted`: a letter that was marked as being sent and handed over."""
        if posted is None:
            self._woken.set()
        else:
            self._start(posted)

    def lease_now(self) -> int:
        """Seconds for which a letter may be handed over at once; 0 where there is no room for it."""
        self._full = self._stopping or len(self._under_way) >= AT_ONCE
        return 0 if self._full else self._lease

    def _start(self, letter: Posted) -> None:
        task = asyncio.get_running_loop().create_task(self._send(letter))
        self._under_way.add(task)
        task.add_done_callback(self._sent)

    async def run(self) -> None:
        """Send until stopped. Raises LogError where the log fails; whoever supervises starts it again."""
        lapsed = -float("inf")
        loop = asyncio.get_running_loop()
        while not self._stopping:
            if loop.time() - lapsed > self._lease / 4:
                lapsed = loop.time()
                await self._log.lapse()
            self._woken.clear()
            room = AT_ONCE - len(self._under_way)
            posted = await self._log.claim(self._lease, room) if room > 0 else []
            for letter in posted:
                self._start(letter)
            self._full = len(posted) >= room
            if not posted:
                try:
                    await asyncio.wait_for(self._woken.wait(), POLL)
                except TimeoutError:
                    continue

    def _sent(self, task: asyncio.Task[bool]) -> None:
        self._under_way.discard(task)
        more = True
        if not task.cancelled():
            if task.exception() is not None:
                logger.error("letter_not_settled", kind=type(task.exception()).__name__)  # its lease will lapse
            else:
                more = task.result()
        if more or self._full or self._stopping:
            self.wake()

    async def _send(self, letter: Posted) -> bool:
        """Whether more letters may be waiting for this one."""
        if letter.needless:
            return await self._log.settle(letter.number, "sent")
        try:
            address = self._log.keys.unseal(letter.address)
            courier = self._couriers[letter.channel]
        except (KeyError, ValueError, TypeError) as error:  # another worker may have that courier, or that key
            logger.error("letter_without_way", kind=type(error).__name__)
            return await self._later(letter, LONGEST_WAIT)
        try:
            async with asyncio.timeout(min(SENDING, self._lease / 2)):
                noted = await courier.send(address, letter.payload, letter.noted)
        except NotSent as refused:
            return await self._later(letter, refused.after)
        except Undeliverable:
            return await self._log.settle(letter.number, "sent")
        except Exception as error:
            logger.warning("letter_unsure", kind=type(error).__name__)
            if letter.repeatable and not isinstance(error, Unsure):
                return await self._later(letter, None)
            # what the conversation shows last is not known any more
            return await self._log.settle(letter.number, "unsure", noted="")
        return await self._log.settle(letter.number, "sent", noted=noted)

    async def _later(self, letter: Posted, after: float | None) -> bool:
        if letter.attempts + 1 >= ATTEMPTS:
            logger.error("letter_given_up", count=letter.attempts + 1)
            return await self._log.settle(letter.number, "sent")
        wait = after if after is not None else _spread(min(0.5 * 2.0**letter.attempts, LONGEST_WAIT))
        return await self._log.settle(letter.number, "waiting", wait)

    async def stop(self, within: float) -> None:
        """Take no more letters, and wait at most `within` seconds for those under way. The rest lapses."""
        self._stopping = True
        self.wake()
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=within)
            for task in late:
                task.cancel()


def _spread(wait: float) -> float:
    """A wait, a little longer or shorter, so that what failed together is not tried together again."""
    return wait * random.uniform(0.8, 1.2)
