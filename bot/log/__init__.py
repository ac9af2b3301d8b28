"""The durable log: turns, deliveries, letters to be sent. One front, two engines (SQLite, PostgreSQL).

Concurrent turns share a commit: one thread drains what has gathered while the last commit was under way, so that
fifty conversations cost one flush of the disk, not fifty. Nothing is acknowledged before it is on the disk.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from bot.log.keys import Keys, delivery_hash, erasure_token
from bot.log.model import (
    Case,
    ConnectionLost,
    Engine,
    Entry,
    Letter,
    Locked,
    LogError,
    Outcome,
    Outstanding,
    Posted,
    Record,
    Settled,
    Version,
)

T = TypeVar("T")
BATCH = 256
"""Turns that share one commit at the most."""
WAITING = 5_000
"""Turns that may wait for the writer; more are refused at once."""
PATIENCE = 5.0
"""Seconds a turn waits for the database before its sender is told."""


class Unavailable(LogError):
    """The database did not answer in time, or too much waits for it already."""


class _Job:
    """Something the writer does: an entry, or a function of the engine; and where its result goes."""

    __slots__ = ("alone", "entry", "future", "loop", "work")

    def __init__(self, entry: Entry | None, work: Callable[[Engine], Any] | None, *, alone: bool = False) -> None:
        self.entry = entry
        self.work = work
        self.alone = alone
        """Whether the function opens its own transactions."""
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


class Log:
    """The log of one process. `now`: Unix seconds, injected."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.keys = engine.keys
        self._now = now
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._batch: list[_Job] = []
        self._busy_since: float | None = None
        self._closed = False
        self._readers = ThreadPoolExecutor(3, thread_name_prefix="log-reader")
        self._writer = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._writer.start()
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._watchdog, name="log-watchdog", daemon=True)
        self._watch.start()

    # What callers await

    async def current(self, conversation: str) -> Case:
        """The current case of a conversation. Raises LogError."""
        first, *earlier = self.keys.all_conversations(conversation)
        return await self._reading(self.engine.read, first, tuple(earlier))

    async def version(self, conversation: bytes) -> Version:
        """The version of the current case, by the conversation's hash. Raises LogError."""
        return await self._reading(self.engine.version, conversation)

    async def outstanding(self, conversation: str) -> Outstanding:
        """Whether letters of a conversation are still to arrive, and what its courier noted last. Raises LogError."""
        return await self._reading(self.engine.outstanding, self.keys.conversation(conversation))

    async def append(self, entry: Entry) -> Outcome:
        """Keep an entry. It is on the disk when this returns; raises LogError where it could not be kept.

        After `Unavailable` it may have been kept all the same; the same delivery again shows which.
        """
        job = _Job(entry, None)
        self._put(job)
        outcome: Outcome = await job.future
        return outcome

    async def forget(self, conversation: str, delivery: str | None = None) -> bool:
        """Erase everything of a conversation. False where this very delivery erased it before."""
        hashes = self.keys.all_conversations(conversation)
        token = erasure_token(hashes[0], delivery) if delivery is not None else None
        owners = self.keys.owners(conversation)
        return await self._alone(lambda engine: engine.forget(hashes, owners, token, self.at()))

    async def sweep(self, before: int, limit: int) -> int:
        """Erase at most `limit` conversations not seen since `before`; how many."""
        return await self._alone(lambda engine: engine.sweep(before, limit))

    async def claim(self, lease: int, limit: int) -> list[Posted]:
        """Letters to be sent now, each marked so first."""
        return await self._within(lambda engine: engine.claim(self.at(), lease, limit))

    async def settle(self, number: int, state: Settled, after: float = 0, noted: str | None = None) -> bool:
        """What became of a letter; one that waits again does so for `after` seconds. `noted`: by its courier.

        Whether more letters of its conversation can follow now.
        """
        due = self.at() + int(after + 0.999)
        return await self._within(lambda engine: engine.settle(number, state, due, noted))

    async def lapse(self) -> int:
        """Take letters from senders that have not been heard of."""
        return await self._within(lambda engine: engine.lapse(self.at()))

    async def probe(self) -> None:
        """Raises LogError where a turn could not be kept now."""
        await self._alone(lambda engine: engine.probe(self.at()))

    async def depth(self) -> dict[str, int]:
        """Letters in the outbox, by state."""
        return await self._reading(self.engine.depth)

    def at(self) -> int:
        """Now, in Unix seconds."""
        return int(self._now())

    @property
    def waiting(self) -> int:
        """Jobs that wait for the writer."""
        return self._jobs.qsize()

    # How it is done

    async def _reading(self, read: Callable[..., T], *arguments: object) -> T:
        if self._closed:
            raise LogError("the log is closed")
        reading = asyncio.get_running_loop().run_in_executor(self._readers, _read_again, read, arguments)
        try:
            return await asyncio.wait_for(reading, PATIENCE)
        except TimeoutError:
            raise Unavailable("the database does not answer") from None

    async def _within(self, work: Callable[[Engine], T]) -> T:
        job = _Job(None, work)
        self._put(job)
        result: T = await job.future
        return result

    async def _alone(self, work: Callable[[Engine], T]) -> T:
        job = _Job(None, work, alone=True)
        self._put(job)
        result: T = await job.future
        return result

    def _put(self, job: _Job) -> None:
        if self._closed:
            raise LogError("the log is closed")
        if self._jobs.qsize() >= WAITING:
            raise Unavailable("too many turns wait for the database")
        self._jobs.put(job)

    def _write(self) -> None:
        """The writer thread: take what has gathered, commit it at once, tell everyone."""
        held: _Job | None = None
        while True:
            first = held or self._jobs.get()
            held = None
            if first is None:
                return
            batch = [first]
            while not first.alone and len(batch) < BATCH:
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
                if job is None:
                    self._jobs.put(None)
                    break
                if job.alone:
                    held = job
                    break
                batch.append(job)
            batch = [job for job in batch if not job.future.done()]  # whoever waited was told, or left
            if batch:
                self._batch, self._busy_since = batch, time.monotonic()
                results = self._done(batch)
                self._batch, self._busy_since = [], None
                _tell(batch, results)

    def _done(self, batch: list[_Job]) -> list[Any]:
        """The results of a batch, one for each job; an exception is a result."""
        try:
            try:
                return self._commit(batch)
            except ConnectionLost:
                return self._commit(batch, again=True)
            except Locked:
                return self._commit(batch, patient=False)
        except LogError as error:
            return [error] * len(batch)
        except Exception as error:  # one job that cannot be done must not fail the others
            if len(batch) == 1:
                return [error]
            return [result for job in batch for result in self._done([job])]

    def _commit(self, batch: Sequence[_Job], *, again: bool = False, patient: bool = True) -> list[Any]:
        """One transaction for all. `again`: the first try may have been committed before the connection broke.

        Not `patient`: what another session holds fails, and the others are kept.
        """
        if batch[0].alone:
            assert batch[0].work is not None
            return [batch[0].work(self.engine)]
        entries = [job.entry for job in batch if job.entry is not None]
        with self.engine.transaction():
            # letters are settled before turns are taken: the next letter of a conversation has its way free then
            done = [None if job.work is None else job.work(self.engine) for job in batch]
            outcomes = iter(self.engine.take(entries, self.at(), patient=patient) if entries else ())
            results = [next(outcomes) if job.work is None else one for job, one in zip(batch, done, strict=True)]
        if not patient:
            locked = Locked("another session holds the conversation")
            return [locked if isinstance(result, Outcome) and result.kind == "locked" else result for result in results]
        if again:
            results = [
                Outcome("kept", result.serial)
                if isinstance(result, Outcome)
                and result.kind == "duplicate"
                and job.entry is not None
                and result.place == (job.entry.case_number, job.entry.sequence)
                else result
                for job, result in zip(batch, results, strict=True)
            ]
        return results

    def _watchdog(self) -> None:
        """Tells whoever waits when the database does not answer, and breaks off what hangs."""
        while not self._stopped.wait(PATIENCE / 10):
            self.engine.interrupt(PATIENCE)
            since = self._busy_since
            if since is not None and time.monotonic() - since > PATIENCE * 1.2:
                stuck = self._batch
                waiting = _drained(self._jobs)
                error = Unavailable("the database does not answer")
                _tell([*stuck, *waiting], [error] * (len(stuck) + len(waiting)))

    def close(self) -> None:
        """Finish what was accepted, then release everything. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join(timeout=2 * PATIENCE)
        self._stopped.set()
        # a connection closed under a thread that reads with it would take the process down
        readers = threading.Thread(target=partial(self._readers.shutdown, cancel_futures=True), daemon=True)
        readers.start()
        readers.join(timeout=PATIENCE)
        self.engine.close()
        self._watch.join(timeout=PATIENCE)


def _read_again(read: Callable[..., T], arguments: Sequence[object]) -> T:
    """Reading changes nothing: where the connection broke, it is simply done again on a new one."""
    try:
        return read(*arguments)
    except ConnectionLost:
        return read(*arguments)


def _drained(jobs: SimpleQueue[_Job | None]) -> list[_Job]:
    found: list[_Job] = []
    while True:
        try:
            job = jobs.get_nowait()
        except Empty:
            return found
        if job is None:
            jobs.put(None)  # the sign to stop stays for the writer
            return found
        found.append(job)


def _tell(batch: Sequence[_Job], results: Sequence[Any]) -> None:
    """Hand results to the event loops that wait, one call for each loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, result in zip(batch, results, strict=True):
        loops.setdefault(job.loop, []).append((job.future, result))
    for loop, pairs in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _resolve(pairs: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in pairs:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


__all__ = [
    "Case", "Engine", "Entry", "Keys", "Letter", "Log", "LogError", "Outcome", "Posted", "Record",
    "Unavailable", "Version", "delivery_hash",
]  # fmt: skip
