"""Durable turns: how many, how fast, at what cost. Run with `python -m benchmarks.durable`, `--quick` for a look.

Each row is the median of several repetitions, with the lowest beside it. What is compared is measured in turns, the
order reversed each time, and a ratio is the median of the ratios of neighbours: what else the machine does then falls
on both. Stored conversations are filled in by SQL, past the program; those measured are new ones, in the middle of a
case, where an answer and /back alternate, so that every turn changes the case.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import resource
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import psycopg
import structlog
import uvloop
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from benchmarks.core import CONSULT
from bot.app import App, Post, Tap
from bot.log import Case, Entry, Keys, Letter, Log, Outcome, Version, delivery_hash
from bot.log.model import HOUR, Engine
from bot.log.postgresql import PostgreSQL
from bot.log.sqlite import SQLite
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.retention import sweep_always
from flows.knowledge.load import shipped
from tests.postgres import Server, why_not

SECRET = "a key of the benchmarks that is long enough"
KEYS = Keys(SECRET)
MIDDLE = CONSULT[:8]
REVIEW = CONSULT[:11]
ASKED = {len(MIDDLE): "hr_status", len(REVIEW): "review"}
"""What is asked after so many turns of a case."""
BACK_AND_FORTH = ("hr_status:negative", "/back")
SHOWN = ("tdxd_access", "hr_status")
"""What is asked after each of these."""
STRETCH = 100
"""Turns a measured conversation takes before another takes its place: no case of a patient is longer."""
FEW = 1_000
AT_ONCE = (1, 50, 1_000)
CROWD = 50
"""Conversations at once where only one number is measured."""
TICKS = os.sysconf("SC_CLK_TCK")
PARTS = ("turns", "earlier", "outbox", "retention", "backup", "memory")


class Extent(NamedTuple):
    """How much is measured."""

    stored: int
    repetitions: int
    seconds: float
    """Of one repetition."""
    earlier: int
    standing: int
    expired: int
    bites: int
    """Sweeps that erase these between them."""


FULL = Extent(1_000_000, 7, 0.6, 10_000, 10_000, 20_000, 4)
QUICK = Extent(20_000, 3, 0.12, 300, 1_000, 800, 2)


# What is measured, and how it is said


class Sample(NamedTuple):
    """One repetition."""

    turns: int
    seconds: float
    process: float
    """CPU seconds of this process, all threads."""
    server: float
    """CPU seconds of the database server."""
    waits: list[float]
    """Seconds each turn took, sorted."""

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds

    @property
    def figures(self) -> tuple[float, ...]:
        """Turns a second; latency in ms, median and 99th percentile; CPU of a turn in us, here and in the server."""
        p50, p99 = (self.waits[int(len(self.waits) * part)] * 1e3 for part in (0.5, 0.99))
        return self.rate, p50, p99, self.process / self.turns * 1e6, self.server / self.turns * 1e6


class Stopwatch:
    """Time and CPU from here on."""

    def __init__(self, server: Server | None) -> None:
        self._place = server
        self._server = spent(server)
        self._process, self._began = time.process_time(), time.perf_counter()

    def stopped(self, waits: list[float]) -> Sample:
        """What so many turns took, one wait for each."""
        seconds, process = time.perf_counter() - self._began, time.process_time() - self._process
        return Sample(len(waits), seconds, process, spent(self._place) - self._server, sorted(waits))


def spent(server: Server | None) -> float:
    """CPU seconds of a database server: of its processes, and of those that have ended."""
    if server is None:
        return 0.0
    first, *_ = pids = server.pids()
    ended = Path(f"/proc/{first}/stat").read_text("utf-8").rpartition(")")[2].split()[13:15]
    nanoseconds = 0
    for pid in pids:
        with suppress(OSError):
            nanoseconds += int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0])
    return nanoseconds / 1e9 + sum(map(int, ended)) / TICKS


class Measured(Protocol):
    """Something that takes turns."""

    step: int
    """Its count of turns is a multiple of this."""
    server: Server | None

    async def take(self, turns: int) -> Sample:
        """So many turns, measured."""


async def alternate(
    extent: Extent, variants: Mapping[str, Measured], alike: Sequence[str] = ("few", "many")
) -> dict[str, list[Sample]]:
    """Each of them measured several times, one after another; every other time the other way round.

    `alike`: those that take as many turns as one another.
    """
    counts = {}
    for name, variant in variants.items():
        warm = await variant.take(variant.step * max(1, 200 // variant.step))
        counts[name] = max(1, round(warm.rate * extent.seconds / variant.step)) * variant.step
    shared = max((counts[name] for name in alike if name in counts), default=0)
    counts |= {name: shared for name in alike if name in counts}
    found: dict[str, list[Sample]] = {name: [] for name in variants}
    for repetition in range(extent.repetitions):
        for name in reversed(list(variants)) if repetition % 2 else variants:
            gc.collect()  # what one left in memory is not cleared away at the cost of the next
            found[name].append(await variants[name].take(counts[name]))
    return found


def heading(text: str) -> None:
    """The head of a table."""
    units = ("turns/s", "p50 ms", "p99 ms", "CPU us", "server us")
    print(f"\n{text:<64}" + "".join(f"{unit:>16}" for unit in units))
    print(f"{'':<64}" + f"{'median':>8}{'lowest':>8}" * len(units), flush=True)


def shown(value: float) -> str:
    """A figure in at most seven characters."""
    return "-" if value == 0 else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def line(name: str, columns: Sequence[Sequence[float]], aim: str = "") -> None:
    """One row: of each column the median and the lowest."""
    cells = "".join(f"{shown(statistics.median(column)):>8}{shown(min(column)):>8}" for column in columns)
    print(f"{name:<64}{cells}  {aim}".rstrip(), flush=True)


def absolute(name: str, samples: Sequence[Sample], aim: str = "") -> None:
    """A row of figures."""
    line(name, list(zip(*(sample.figures for sample in samples), strict=True)), aim)


def beside(name: str, samples: Sequence[Sample], peers: Sequence[Sample], aim: str = "") -> None:
    """A row of ratios, over 1 where it is slower or costs more than its peer; the first is of the seconds a turn."""
    ratios = []
    for sample, peer in zip(samples, peers, strict=True):
        (rate, *ours), (other, *theirs) = sample.figures, peer.figures
        ratios.append((other / rate, *(one / two if two else 0.0 for one, two in zip(ours, theirs, strict=True))))
    line(f"  {name}", list(zip(*ratios, strict=True)), aim)


def row(name: str, values: Sequence[float], unit: str, aim: str = "") -> None:
    """A row of one figure."""
    print(f"{name:<64}{shown(statistics.median(values)):>8}{shown(min(values)):>8} {unit}  {aim}".rstrip(), flush=True)


# Turns


class Crowd:
    """Conversations going on side by side; each takes its next turn when it has the answer to the last."""

    def __init__(self, app: App, size: int, server: Server | None = None, post: Post | None = None) -> None:
        self.app = app
        self.size = size
        self.server = server
        self.post = post
        self.step = 2 * size
        self._standing: list[tuple[str, int]] = [("", STRETCH)] * size

    async def take(self, turns: int) -> Sample:
        """So many turns, measured; what conversations it needs are begun before."""
        plans = await asyncio.gather(*(self._planned(lane, turns // self.size) for lane in range(self.size)))
        await self.settled()
        waits: list[float] = []
        watch = Stopwatch(self.server)
        await asyncio.gather(*(self._lane(plan, waits) for plan in plans))
        await self.settled()
        return watch.stopped(waits)

    async def settled(self) -> None:
        """Wait for what the turns left behind to be done."""

    async def _planned(self, lane: int, turns: int) -> list[tuple[str, int, int]]:
        """Which conversations take the turns of a lane: the one it stands at, then new ones."""
        plan = []
        name, taken = self._standing[lane]
        while turns:
            if taken == STRETCH:
                name, taken = await self.begun(), 0
            after = min(STRETCH, taken + turns)
            plan.append((name, taken, after))
            turns -= after - taken
            taken = after
        self._standing[lane] = name, taken
        return plan

    async def begun(self, turns: Sequence[str] = MIDDLE) -> str:
        """A conversation that has taken these turns."""
        name = new_name()
        messages = []
        for wire in turns:
            messages = await self.app.handle(name, Tap(wire), wire, self.post)
        if messages[0].id != ASKED[len(turns)]:
            raise RuntimeError(f"a conversation was not begun: {messages[0].id}")
        return name

    async def _lane(self, plan: list[tuple[str, int, int]], waits: list[float]) -> None:
        for name, first, after in plan:
            for number in range(first, after):
                await self.turn(name, number, waits)

    async def turn(self, name: str, number: int, waits: list[float]) -> None:
        """One turn, and how long it took."""
        began = time.perf_counter()
        messages = await self.app.handle(name, Tap(BACK_AND_FORTH[number % 2]), str(number), self.post)
        waits.append(time.perf_counter() - began)
        if messages[0].id != SHOWN[number % 2]:
            raise RuntimeError(f"a turn was not taken: {messages[0].id}")

    async def go_on(self, over: asyncio.Event) -> Sample:
        """Turns until it is over, measured; those that begin a conversation too."""
        waits: list[float] = []

        async def lane() -> None:
            while not over.is_set():
                name = new_name()
                for place, wire in enumerate((*MIDDLE, *BACK_AND_FORTH * (STRETCH // 2))):
                    began = time.perf_counter()
                    messages = await self.app.handle(name, Tap(wire), str(place))
                    waits.append(time.perf_counter() - began)
                    if messages[0].id.startswith("notice"):
                        raise RuntimeError(f"a turn was not taken: {messages[0].id}")
                    if over.is_set():
                        return

        watch = Stopwatch(self.server)
        await asyncio.gather(*(lane() for _ in range(self.size)))
        return watch.stopped(waits)

    async def quiet(self, seconds: float) -> Sample:
        """Turns for so long, with nothing beside them."""
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, over.set)
        return await self.go_on(over)


class Beginning(Crowd):
    """The same with first turns only: each begins a conversation."""

    async def take(self, turns: int) -> Sample:
        """So many first turns, measured."""
        waits: list[float] = []

        async def lane() -> None:
            for _ in range(turns // self.size):
                began = time.perf_counter()
                await self.app.handle(new_name(), Tap(CONSULT[0]), "first")
                waits.append(time.perf_counter() - began)

        watch = Stopwatch(self.server)
        await asyncio.gather(*(lane() for _ in range(self.size)))
        return watch.stopped(waits)


class Posting(Crowd):
    """The same with a letter for each turn, sent by a courier that returns at once; ends when the last one is gone."""

    async def settled(self) -> None:
        """Until the outbox is empty."""
        while await self.app.log.depth():  # noqa: ASYNC110  (nobody would set an event)
            await asyncio.sleep(0.002)


class AtOnce:
    """A courier that has delivered before it was asked."""

    async def send(self, address: str, payload: str, noted: str) -> None:
        """Nothing."""


def new_name() -> str:
    """A conversation's name as the HTTP interface makes them."""
    return f"web:{secrets.token_urlsafe(24)}"


class Unlogged:
    """In the place of the log: keeps nothing and returns at once."""

    keys = KEYS

    def __init__(self) -> None:
        self._serial = 0

    def at(self) -> int:
        """Now."""
        return int(time.time())

    async def append(self, entry: Entry) -> Outcome:
        """Kept, it says."""
        if not (serial := entry.read.serial):
            serial = self._serial = self._serial + 1
        return Outcome("kept", serial)

    async def current(self, conversation: str) -> Case:
        """Nothing is known of anyone."""
        return Case()


class Watched(Log):
    """The log, saying when a sweep has found no more."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.swept = asyncio.Event()
        self.erased = 0

    async def sweep(self, before: int, limit: int) -> int:
        """Erase, and count."""
        erased = await super().sweep(before, limit)
        self.erased += erased
        if erased < limit:
            self.swept.set()
        return erased


class Place:
    """The program on a database with so many conversations in it."""

    def __init__(self, again: Callable[[bool], Engine], stored: int, server: Server | None = None) -> None:
        self.again = again
        """Opens the database once more; for hasty filling where asked."""
        self.stored = stored
        self.server = server
        self.log = Watched(again(False))
        self.app = App(shipped(), self.log, meter=Metrics())

    def crowd(self, size: int = CROWD) -> Crowd:
        """New conversations in it."""
        return Crowd(self.app, size, self.server)


class Appending:
    """Entries kept by the log alone, with no dialogue and no words around them."""

    def __init__(self, place: Place, size: int) -> None:
        self.step = self.size = size
        self.server = place.server
        self._log = place.log

    async def take(self, turns: int) -> Sample:
        """So many entries, of new conversations."""
        waits: list[float] = []

        async def lane() -> None:
            name, serial = KEYS.conversation(new_name()), 0
            for number in range(turns // self.size):
                began = time.perf_counter()
                read = Version(serial, 1, number)
                entry = Entry(name, read, 1, BACK_AND_FORTH[0], delivery_hash(str(number)), "sha256:benchmark")
                serial = (await self._log.append(entry)).serial
                waits.append(time.perf_counter() - began)

        watch = Stopwatch(self.server)
        await asyncio.gather(*(lane() for _ in range(self.size)))
        return watch.stopped(waits)


class Reading:
    """Stored conversations, read one after another as after a restart."""

    step = 1

    def __init__(self, place: Place) -> None:
        self.server = place.server
        self._read = place.log.engine.read
        numbers = [1 + secrets.randbelow(place.stored) for _ in range(5_000)]
        self._ids = fetched(place, "SELECT id FROM conversation WHERE number IN ({})", numbers)

    async def take(self, turns: int) -> Sample:
        """So many of them."""
        waits = []
        watch = Stopwatch(self.server)
        for _ in range(turns):
            began = time.perf_counter()
            case = self._read(secrets.choice(self._ids))
            waits.append(time.perf_counter() - began)
            if len(case.turns) < 8:
                raise RuntimeError("a stored conversation was not found")
        return watch.stopped(waits)


def fetched(place: Place, query: str, numbers: Sequence[int]) -> list[bytes]:
    """The first column for these numbers, past the program."""
    text = query.format(", ".join(map(str, numbers)))
    engine = place.log.engine
    if isinstance(engine, SQLite):
        with closing(sqlite3.connect(engine.path)) as db:
            return [value for (value,) in db.execute(text)]
    assert isinstance(engine, PostgreSQL)
    with engine._pool.connection() as pooled:
        return [value for (value,) in pooled.execute(text.encode())]


# Stored conversations


def hours(extent: Extent, stored: int) -> str:
    """An expression for the hour a conversation was last seen in: the first ones have expired, bite by bite."""
    now, bite = int(time.time()) // HOUR, extent.expired // extent.bites
    if stored <= FEW:
        return str(now - 1)
    gone = f"{now - 100 * extent.bites} + 100 * ((number - 1) / {bite})"
    living = f"{now - 70} + 70 * (number - {extent.expired}) / {stored - extent.expired + 1}"
    return f"CASE WHEN number <= {extent.expired} THEN {gone} ELSE {living} END"


def fill_sqlite(path: Path, stored: int, extent: Extent) -> float:
    """So many conversations in a new file; the seconds it took."""
    SQLite(path, KEYS).close()  # the schema
    began = time.perf_counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=OFF")
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA cache_size=-400000")
        db.execute("BEGIN")
        db.execute("INSERT INTO knowledge (number, digest) VALUES (1, ?)", (shipped().digest,))
        db.execute("CREATE TEMP TABLE place (sequence INTEGER PRIMARY KEY, turn TEXT)")
        db.executemany("INSERT INTO place VALUES (?, ?)", list(enumerate(CONSULT, 1)))
        db.execute(
            "WITH RECURSIVE n (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < ?) "
            "INSERT INTO conversation (number, id, case_number, sequence, seen_hour) "
            f"SELECT number, randomblob(16), 1, 8 + number * 7 % 5, {hours(extent, stored)} FROM n",
            (stored,),
        )
        db.execute(
            f"INSERT INTO turn SELECT number, 1, place.sequence, place.turn, 1, seen_hour * {HOUR} FROM conversation "
            "CROSS JOIN place ON place.sequence <= conversation.sequence"
        )
        db.execute(
            "INSERT INTO delivery SELECT number, randomblob(16), 1, place.sequence, seen_hour FROM conversation "
            "CROSS JOIN place ON place.sequence <= conversation.sequence"
        )
        db.execute("COMMIT")
    return time.perf_counter() - began


def fill_postgresql(server: Server, name: str, stored: int, extent: Extent) -> float:
    """So many conversations in a new database; the seconds it took. Indexes are taken away first and built again."""
    url = server.create_database(name)
    PostgreSQL(url, KEYS).close()  # the schema
    began = time.perf_counter()
    tables = ["conversation", "turn", "delivery"]
    with psycopg.connect(url, autocommit=True) as db:
        with db.transaction():
            db.execute("TRUNCATE conversation, turn, delivery")  # what is filled in the same transaction needs no log
            keys = db.execute(
                "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE contype IN ('p', 'u') AND conrelid::regclass::text = ANY(%s)",
                (tables,),
            ).fetchall()
            for table, key, _ in keys:
                db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}".encode())
            indexes = db.execute(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
                "WHERE indrelid::regclass::text = ANY(%s)",
                (tables,),
            ).fetchall()
            for index, _ in indexes:
                db.execute(f"DROP INDEX {index}".encode())
            db.execute("INSERT INTO knowledge (digest) VALUES (%s)", (shipped().digest,))
            db.execute(
                "INSERT INTO conversation (number, id, case_number, sequence, seen_hour) "
                f"SELECT number, uuid_send(gen_random_uuid()), 1, 8 + number * 7 %% 5, {hours(extent, stored)} "
                "FROM generate_series(1, %s) AS number".encode(),
                (stored,),
            )
            db.execute(
                f"INSERT INTO turn SELECT number, 1, place, (%s::text[])[place], 1, seen_hour * {HOUR}::bigint "
                "FROM conversation, generate_series(1, sequence) AS place".encode(),
                (list(CONSULT),),
            )
            db.execute(
                "INSERT INTO delivery SELECT number, uuid_send(gen_random_uuid()), 1, place, seen_hour "
                "FROM conversation, generate_series(1, sequence) AS place"
            )
            for table, key, definition in keys:
                db.execute(f"ALTER TABLE {table} ADD CONSTRAINT {key} {definition}".encode())
            for _, definition in indexes:
                db.execute(definition.encode())
            db.execute("SELECT setval(pg_get_serial_sequence('conversation', 'number'), max(number)) FROM conversation")
        db.execute("VACUUM (ANALYZE)")
        db.execute("CHECKPOINT")
    return time.perf_counter() - began


FILLING = {
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB", "checkpoint_timeout": "1h",
    "maintenance_work_mem": "1GB", "autovacuum": "off",
}  # fmt: skip
"""How the server runs while it is filled; afterwards it starts again as PostgreSQL ships it."""


# Floors


class RawSQLite:
    """One row after another into a file of its own, `together` of them a commit: what this disk does for SQLite."""

    server: Server | None = None

    def __init__(self, path: Path, together: int) -> None:
        self.step = self._together = together
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS raw (conversation TEXT, turn TEXT)")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    async def take(self, turns: int) -> Sample:
        """So many rows. Each waits as long as its commit takes."""
        execute = self._db.execute
        waits = []
        watch = Stopwatch(None)
        for _ in range(turns // self._together):
            began = time.perf_counter()
            execute("BEGIN IMMEDIATE")
            for _ in range(self._together):
                execute("INSERT INTO raw VALUES (?, ?)", ("a conversation", BACK_AND_FORTH[0]))
            execute("COMMIT")
            waits += [time.perf_counter() - began] * self._together
        return watch.stopped(waits)


INSERT = "INSERT INTO raw VALUES (%s, %s)"
RAW_ROW = ("a conversation", BACK_AND_FORTH[0])


class RawPool(Measured, Protocol):
    """One row a commit, over a pool of connections."""

    name: str

    async def open(self) -> None:
        """With every connection."""

    async def close(self) -> None:
        """Without one."""


class RawThreads(RawPool):
    """A thread for each connection."""

    def __init__(self, url: str, server: Server, size: int) -> None:
        self.server = server
        self.step = self.size = size
        self.name = f"{size} thread{'s' * (size > 1)} on a pool"
        self._pool = ConnectionPool(url, min_size=size, max_size=size, kwargs={"autocommit": True}, open=False)

    async def open(self) -> None:
        """With every connection."""
        self._pool.open(wait=True)

    async def close(self) -> None:
        """Without one."""
        self._pool.close()

    async def take(self, turns: int) -> Sample:
        """So many commits."""
        waits: list[float] = []

        def some() -> None:
            for _ in range(turns // self.size):
                began = time.perf_counter()
                with self._pool.connection() as db:
                    db.execute(INSERT, RAW_ROW)
                waits.append(time.perf_counter() - began)

        threads = [threading.Thread(target=some) for _ in range(self.size)]
        watch = Stopwatch(self.server)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return watch.stopped(waits)


class RawTasks(RawPool):
    """An asynchronous pool, a task for each connection."""

    def __init__(self, url: str, server: Server, size: int) -> None:
        self.server = server
        self.step = self.size = size
        self.name = f"{size} task{'s' * (size > 1)} on an asynchronous pool"
        self._pool = AsyncConnectionPool(url, min_size=size, max_size=size, kwargs={"autocommit": True}, open=False)

    async def open(self) -> None:
        """With every connection."""
        await self._pool.open(wait=True)

    async def close(self) -> None:
        """Without one."""
        await self._pool.close()

    async def take(self, turns: int) -> Sample:
        """So many commits."""
        waits: list[float] = []

        async def some() -> None:
            for _ in range(turns // self.size):
                began = time.perf_counter()
                async with self._pool.connection() as db:
                    await db.execute(INSERT, RAW_ROW)
                waits.append(time.perf_counter() - began)

        watch = Stopwatch(self.server)
        await asyncio.gather(*(some() for _ in range(self.size)))
        return watch.stopped(waits)


@asynccontextmanager
async def fastest_pool(url: str, server: Server, at_once: int, extent: Extent) -> AsyncIterator[RawPool]:
    """The pool that commits most rows a second for so many at once, found by trying."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE IF NOT EXISTS raw (conversation text, turn text)")
    rates: dict[tuple[Callable[[str, Server, int], RawPool], int], float] = {}
    sizes = sorted({min(size, at_once) for size in (8, 50)})
    for kind, size in [*product((RawThreads, RawTasks), sizes)] * 2:
        pool = kind(url, server, size)
        await pool.open()
        warm = await pool.take(size * max(10, 200 // size))
        some = size * max(1, round(warm.rate * extent.seconds / 2 / size))
        rates[kind, size] = max((await pool.take(some)).rate, rates.get((kind, size), 0.0))
        await pool.close()
    fastest, size = max(rates, key=rates.__getitem__)
    best = fastest(url, server, size)
    await best.open()
    try:
        yield best
    finally:
        await best.close()


# Tables


async def turns(engine: str, few: Place, many: Place, floor: Callable[[int], Any], extent: Extent) -> None:
    """Turns at 1, 50 and 1,000 at once with few and with many conversations stored, beside the floors."""
    server = few.server
    for at_once in AT_ONCE:
        heading(f"{engine}: {at_once:,} conversation{'s' * (at_once > 1)} at once")
        unlogged = App(shipped(), cast(Log, Unlogged()), meter=Metrics())
        async with floor(at_once) as floors:
            variants: dict[str, Measured] = {
                "few": few.crowd(at_once), "many": many.crowd(at_once),
                "log": Appending(few, at_once), "unlogged": Crowd(unlogged, at_once), **floors,
            }  # fmt: skip
            found = await alternate(extent, variants)
        absolute(f"durable turns, {few.stored:,} stored", found["few"])
        absolute(f"durable turns, {many.stored:,} stored", found["many"])
        beside(f"{many.stored:,} stored beside {few.stored:,}", found["many"], found["few"], "aim: at most 1.1")
        absolute(f"the log alone, {few.stored:,} stored", found["log"])
        absolute("floor: the same turns without durability, one by one", found["unlogged"])
        pairs = list(zip(found["few"], found["unlogged"], strict=True))
        adds = [ours.figures[3] - floor.figures[3] for ours, floor in pairs]
        row("  durability adds, CPU of this process", adds, "us", "aim: at most 60 us" if at_once == CROWD else "")
        if server is not None:
            both = [add + ours.figures[4] for add, ours in zip(adds, found["few"], strict=True)]
            row("  durability adds, CPU of the server included", both, "us")
        for name in floors:
            absolute(f"floor: {name}", found[name])
            ratios = [ours.rate / floor.rate for ours, floor in zip(found["few"], found[name], strict=True)]
            aim = "aim: at least 0.6" if server is not None else ""
            row(f"  durable turns beside it, {few.stored:,} stored", ratios, "times", aim)
            ratios = [log.rate / floor.rate for log, floor in zip(found["log"], found[name], strict=True)]
            row(f"  the log alone beside it, {few.stored:,} stored", ratios, "times", aim)
    heading(f"{engine}: what touches the store at random places")
    found = await alternate(extent, {
        name: Beginning(place.app, CROWD, server) for name, place in (("few", few), ("many", many))
    })  # fmt: skip
    for name, place in (("few", few), ("many", many)):
        absolute(f"first turns of {CROWD} at once, {place.stored:,} stored", found[name])
    beside(f"{many.stored:,} stored beside {few.stored:,}", found["many"], found["few"], "aim: at most 1.1")
    found = await alternate(extent, {name: Reading(place) for name, place in (("few", few), ("many", many))})
    for name, place in (("few", few), ("many", many)):
        absolute(f"reading a stored conversation, {place.stored:,} stored", found[name])
    beside(f"{many.stored:,} stored beside {few.stored:,}", found["many"], found["few"])


@asynccontextmanager
async def on_sqlite(folder: Path, at_once: int) -> AsyncIterator[dict[str, Measured]]:
    """The floors of SQLite."""
    with (
        closing(RawSQLite(folder / "single.sqlite3", 1)) as single,
        closing(RawSQLite(folder / "group.sqlite3", CROWD)) as group,
    ):
        floors: dict[str, Measured] = {"one row a commit": single}
        yield floors if at_once == 1 else {**floors, f"{CROWD} rows a commit": group}


@asynccontextmanager
async def on_postgresql(url: str, server: Server, at_once: int, extent: Extent) -> AsyncIterator[dict[str, Measured]]:
    """The floor of PostgreSQL."""
    async with fastest_pool(url, server, min(at_once, CROWD), extent) as pool:
        yield {f"raw commits of one row, {pool.name}": pool}


async def earlier(engine: str, place: Place, extent: Extent) -> None:
    """A user's earlier cases: what they cost the next turn. Those are made through the program, in haste."""
    heading(f"{engine}: one user's earlier cases, {place.stored:,} stored")
    name = new_name()
    hasty = Log(place.again(True))
    app = App(shipped(), hasty)
    began = time.perf_counter()
    for number in range(extent.earlier):
        await app.handle(name, Tap(CONSULT[0]), f"{number}")
        await app.handle(name, Tap("/restart"), f"{number} over")
    case = await hasty.current(name)
    deliveries(hasty.engine, case.serial, extent.earlier)
    hasty.close()
    seconds = time.perf_counter() - began
    if case.number != extent.earlier + 1:
        raise RuntimeError("the earlier cases were not made")
    found: dict[tuple[str, bool], list[Sample]] = {}
    for cycle in range(max(2 * extent.repetitions, 4)):
        for many in (False, True) if cycle % 2 else (True, False):
            for what, sample in (await one_case(place, name if many else new_name(), f"cycle {cycle}")).items():
                found.setdefault((what, many), []).append(sample)
    aims = {"a turn": "aim: at most 1.1"}
    for what in ("a turn", "a turn after a restart (read, replay)", "/restart"):
        absolute(f"{what}, 0 earlier cases", found[what, False])
        absolute(f"{what}, {extent.earlier:,} earlier cases", found[what, True])
        beside("the second beside the first", found[what, True], found[what, False], aims.get(what, ""))
    row(f"(making {extent.earlier:,} cases took)", [seconds], "s")


async def one_case(place: Place, name: str, mark: str) -> dict[str, Sample]:
    """One case of a user up to its middle, turns there, and its end."""
    crowd = Crowd(place.app, 1, place.server)
    for wire in MIDDLE:
        await place.app.handle(name, Tap(wire), f"{mark} {wire}")
    found = {}
    waits: list[float] = []
    watch = Stopwatch(None)
    for number in range(10):
        place.app.drop_idle(place.log.at() + 1)
        await marked(crowd, name, number, mark, waits)
    found["a turn after a restart (read, replay)"] = watch.stopped(waits)
    waits = []
    watch = Stopwatch(place.server)
    for number in range(10, 110):
        await marked(crowd, name, number, mark, waits)
    found["a turn"] = watch.stopped(waits)
    watch = Stopwatch(None)
    began = time.perf_counter()
    await place.app.handle(name, Tap("/restart"), f"{mark} over")
    found["/restart"] = watch.stopped([time.perf_counter() - began])
    return found


async def marked(crowd: Crowd, name: str, number: int, mark: str, waits: list[float]) -> None:
    """One turn whose delivery is told from those of earlier cases."""
    began = time.perf_counter()
    messages = await crowd.app.handle(name, Tap(BACK_AND_FORTH[number % 2]), f"{mark} {number}")
    waits.append(time.perf_counter() - began)
    if messages[0].id != SHOWN[number % 2]:
        raise RuntimeError(f"a turn was not taken: {messages[0].id}")


def deliveries(engine: Engine, serial: int, cases: int) -> None:
    """The other deliveries of so many cases, ten each: all that is left of a case that is over."""
    hour = int(time.time()) // HOUR
    rows = [(serial, secrets.token_bytes(16), case, place, hour) for case in range(1, cases + 1) for place in range(10)]
    with engine.transaction():
        if isinstance(engine, SQLite):
            engine._db.executemany("INSERT INTO delivery VALUES (?, ?, ?, ?, ?)", rows)
        else:
            assert isinstance(engine, PostgreSQL)
            with engine._db.cursor() as cursor, cursor.copy("COPY delivery FROM STDIN") as copy:
                for values in rows:
                    copy.write_row(values)


async def outbox(engine: str, place: Place, extent: Extent) -> None:
    """Turns with a letter each beside turns without."""
    heading(f"{engine}: {CROWD} at once, a letter for each turn, {place.stored:,} stored")
    sender = Outbox(place.log, {"bench": AtOnce()})
    place.app.on_posted = sender.wake
    sending = asyncio.create_task(sender.run())
    payload = json.dumps({"chat": 123456789, "text": "x" * 600, "buttons": [["y" * 20, "z" * 30]] * 5})
    post = Post("bench", "123456789", lambda said: (Letter(payload),))
    found = await alternate(extent, {
        "without": place.crowd(), "with": Posting(place.app, CROWD, place.server, post),
    })  # fmt: skip
    await sender.stop(5.0)
    await sending
    absolute("turns without letters", found["without"])
    absolute("turns with a letter each, until the last one is sent", found["with"])
    beside("with beside without", found["with"], found["without"])
    pairs = zip(found["with"], found["without"], strict=True)
    adds = [sum(ours.figures[3:]) - sum(peer.figures[3:]) for ours, peer in pairs]
    row("  a letter adds, CPU of this process and the server", adds, "us")


async def retention(engine: str, place: Place, extent: Extent) -> None:
    """Turns while expired conversations are erased, as the service does it, beside turns without."""
    heading(f"{engine}: {CROWD} at once, {extent.expired:,} expired ones are erased, {place.stored:,} stored")
    crowd = place.crowd()
    await crowd.quiet(extent.seconds)
    without, during = [], []
    for bite in range(extent.bites):
        if bite % 2 == 0:
            without.append(await crowd.quiet(4 * extent.seconds))
        place.log.swept.clear()
        sweeping = asyncio.create_task(sweep_always(place.app, 100 * (extent.bites - bite) - 15))
        during.append(await crowd.go_on(place.log.swept))
        sweeping.cancel()
        if bite % 2 == 1:
            without.append(await crowd.quiet(4 * extent.seconds))
    if place.log.erased != extent.expired:
        raise RuntimeError(f"{place.log.erased} conversations were erased")
    absolute("turns without a sweep", without)
    absolute("turns during a sweep", during)
    beside("during beside without", during, without)
    longest(without, during)
    row(f"  seconds for {extent.expired:,}", [sum(sample.seconds for sample in during)], "s")


async def backup(place: Place, folder: Path, extent: Extent) -> None:
    """Turns while a copy is made beside turns without, and how long the copy takes meanwhile."""
    heading(f"SQLite: {CROWD} at once, {place.stored:,} stored ones are backed up")
    crowd = place.crowd()
    await crowd.quiet(extent.seconds)
    without, during, sizes = [], [], []
    seconds: list[float] = []
    target = folder / "backup.sqlite3"
    for again in range(2):
        if again:
            during.append(await copied(crowd, place, target, seconds))
        without.append(await crowd.quiet(4 * extent.seconds))
        if not again:
            during.append(await copied(crowd, place, target, seconds))
        sizes.append(target.stat().st_size / 1e6)
        target.unlink()
    absolute("turns without a backup", without)
    absolute("turns during a backup", during)
    beside("during beside without", during, without)
    longest(without, during)
    row(f"  seconds for {statistics.median(sizes):,.0f} MB", seconds, "s")
    row("  seconds with nothing beside", [await copy(place, target)], "s")
    target.unlink()


async def copied(crowd: Crowd, place: Place, target: Path, seconds: list[float]) -> Sample:
    """Turns until a backup is done."""
    over = asyncio.Event()
    copying = asyncio.create_task(copy(place, target))
    copying.add_done_callback(lambda _: over.set())
    sample = await crowd.go_on(over)
    seconds.append(await copying)
    return sample


async def copy(place: Place, target: Path) -> float:
    """Make a backup as operators do, by a command of its own; the seconds it took."""
    engine = place.log.engine
    assert isinstance(engine, SQLite)
    settings = {"TRIAGE_DATABASE_URL": f"sqlite://{engine.path}", "TRIAGE_SECRET_KEY": SECRET}
    began = time.perf_counter()
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "admin", "backup", target, env=settings, stdout=asyncio.subprocess.DEVNULL
    )
    if await command.wait():
        raise RuntimeError("no backup was made")
    return time.perf_counter() - began


def longest(without: Sequence[Sample], during: Sequence[Sample]) -> None:
    """The longest waits."""
    row("  longest wait without, of each repetition", [sample.waits[-1] * 1e3 for sample in without], "ms")
    row("  longest wait during, of each repetition", [sample.waits[-1] * 1e3 for sample in during], "ms")


# Memory


def memory(extent: Extent) -> None:
    """What open conversations take, each measurement in a process of its own."""
    print(f"\n{'Memory of 10,000 open conversations that stand at the review':<64}{'median':>8}{'lowest':>8}")
    traced = min(2_000, extent.standing)
    runs = [json.loads(started(f"print_memory({extent.standing}, False)")) for _ in range(2)]
    traces = json.loads(started(f"print_memory({traced}, True)"))
    row(f"resident memory, {extent.standing:,} of them", runs, "MB", "aim: under 20 MB")
    row(f"traced allocations, {traced:,} of them", [traces], "MB")


def started(call: str) -> str:
    """What a call of this module prints in a new process."""
    command = [sys.executable, "-c", f"from benchmarks.durable import print_memory; {call}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def print_memory(count: int, traced: bool) -> None:
    """Megabytes 10,000 conversations would take, from so many. The log beside them keeps nothing."""
    app = App(shipped(), cast(Log, Unlogged()))
    crowd = Crowd(app, CROWD)

    async def begin(some: int) -> None:
        async def lane() -> None:
            for _ in range(some // CROWD):
                await crowd.begun(REVIEW)

        await asyncio.gather(*(lane() for _ in range(CROWD)))
        gc.collect()

    async def both() -> float:
        warm = 2 * CROWD
        await begin(warm)
        if traced:
            tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0] if traced else resident()
        await begin(count - warm)
        after = tracemalloc.get_traced_memory()[0] if traced else resident()
        return (after - before) / (count - warm) * 10_000 / 1e6

    print(uvloop.run(both()))


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


# All of it


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description="Durable turns beside their floors.")
    parser.add_argument("--quick", action="store_true", help="fewer stored conversations, shorter repetitions")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; all of it where none is named")
    given = parser.parse_args()
    extent = QUICK if given.quick else FULL
    parts = given.parts or PARTS
    began = time.perf_counter()
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores; ", end="")
    print(f"{extent.repetitions} repetitions of about {extent.seconds} s each", flush=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if set(parts) - {"memory"}:
        with tempfile.TemporaryDirectory(prefix="triage-durable-") as folder:
            databases(Path(folder), extent, parts)
    if "memory" in parts:
        memory(extent)
    print(f"\n{time.perf_counter() - began:.0f} s all in all")


def databases(folder: Path, extent: Extent, parts: Sequence[str]) -> None:
    """What needs stored conversations: both engines are filled at the same time, then measured one after another."""
    few_file, many_file = folder / "few.sqlite3", folder / "many.sqlite3"
    with ExitStack() as stack:
        server = None
        if set(parts) - {"backup", "memory"}:
            if reason := why_not():
                print(f"{reason} Its rows are left out.")
            else:
                server = stack.enter_context(Server(FILLING))
        with ThreadPoolExecutor(2) as pool:
            filling = [pool.submit(fill_sqlite, many_file, extent.stored, extent)]
            if server is not None:
                filling.append(pool.submit(fill_postgresql, server, "many", extent.stored, extent))
            seconds = [future.result() for future in filling]
        fill_sqlite(few_file, FEW, extent)
        print(f"\n{'':<64}{'median':>8}{'lowest':>8}")
        row(f"filling SQLite with {extent.stored:,}, {many_file.stat().st_size / 1e6:,.0f} MB", seconds[:1], "s")
        if server is not None:
            fill_postgresql(server, "few", FEW, extent)
            with psycopg.connect(server.url("many")) as db:
                ((size,),) = db.execute("SELECT pg_database_size(current_database()) / 1e6").fetchall()
            row(f"filling PostgreSQL with {extent.stored:,}, {size:,.0f} MB (at the same time)", seconds[1:], "s")
            server.stop("fast")
            server.settings.clear()
            server.start()
        os.sync()
        uvloop.run(sqlite_tables(few_file, many_file, extent, parts))
        if server is not None:
            uvloop.run(postgresql_tables(server, extent, parts))


async def sqlite_tables(few_file: Path, many_file: Path, extent: Extent, parts: Sequence[str]) -> None:
    """Every table of SQLite."""

    def opening(path: Path) -> Callable[[bool], Engine]:
        def again(hasty: bool) -> Engine:
            engine = SQLite(path, KEYS, alone=not hasty)
            if hasty:
                engine._db.execute("PRAGMA synchronous=OFF")
            return engine

        return again

    few, many = Place(opening(few_file), FEW), Place(opening(many_file), extent.stored)
    if "turns" in parts:
        await turns("SQLite", few, many, lambda at_once: on_sqlite(few_file.parent, at_once), extent)
    if "earlier" in parts:
        await earlier("SQLite", many, extent)
    if "outbox" in parts:
        await outbox("SQLite", many, extent)
    if "retention" in parts:
        await retention("SQLite", many, extent)
    if "backup" in parts:
        await backup(many, many_file.parent, extent)
    few.log.close()
    many.log.close()


async def postgresql_tables(server: Server, extent: Extent, parts: Sequence[str]) -> None:
    """Every table of PostgreSQL."""

    def opening(name: str) -> Callable[[bool], Engine]:
        def again(hasty: bool) -> Engine:
            return PostgreSQL(server.url(name) + "?options=-csynchronous_commit%3Doff" * hasty, KEYS)

        return again

    few = Place(opening("few"), FEW, server)
    many = Place(opening("many"), extent.stored, server)
    raw = server.create_database("raw")
    if "turns" in parts:
        await turns("PostgreSQL", few, many, lambda at_once: on_postgresql(raw, server, at_once, extent), extent)
    if "earlier" in parts:
        await earlier("PostgreSQL", many, extent)
    if "outbox" in parts:
        await outbox("PostgreSQL", many, extent)
    if "retention" in parts:
        await retention("PostgreSQL", many, extent)
    few.log.close()
    many.log.close()


if __name__ == "__main__":
    main()
