"""Trouble from outside: the database, the disk, the file, the clock. What the user is told, and what is kept.

Whatever happens, a turn is kept once or not at all, the same delivery again shows which, and it ends by itself.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

import bot.log
import bot.log.postgresql
import bot.log.sqlite
from bot.app import App, Post, Said, Tap, Text
from bot.channels.api import Readiness
from bot.log import Keys, Letter, Log, LogError, Posted
from bot.log.model import HOUR
from bot.log.sqlite import SQLite
from bot.outbox import Outbox
from flows.knowledge.load import shipped
from messages.words import english
from tests.conftest import KEY, NOW, Place
from tests.postgres import Server
from tests.small_disk import need_small_disk, small_disk
from tests.test_log import CASE, append, ids
from tests.test_serve import BEGUN, LOUD, STANDS_AT, Service, logged, refusal, started
from tests.test_serve import ids as ids_of

WHO = "web:someone"
UNAVAILABLE = ["notice.unavailable"]
TOLD = 9.0
"""Seconds within which a user is told that a turn could not be taken."""


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits a fifth of what is waited otherwise."""
    monkeypatch.setattr(bot.log, "PATIENCE", 1.0)
    monkeypatch.setattr(bot.log.postgresql, "WAIT", 0.4)
    monkeypatch.setattr(bot.log.sqlite, "BUSY", 0.2)


@pytest.fixture
def here(make_place: Callable[[str], Place]) -> Iterator[Place]:
    """A log in PostgreSQL."""
    yield make_place("postgresql")
    gc.collect()  # connections given up while nobody answered: the server would wait a minute for their passwords


@pytest.fixture
def file(make_place: Callable[[str], Place]) -> Place:
    """A log in an SQLite file."""
    return make_place("sqlite")


async def say(app: App, name: str, number: int) -> list[str]:
    """The delivery of turn `number` of CASE, which may have been sent before."""
    return ids(await app.handle(name, Tap(CASE[number]), f"d{number}"))


async def until(holds: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """Waits for something to hold."""
    async with asyncio.timeout(within):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


async def insist(app: App, name: str, number: int) -> None:
    """Send it until it is taken, as a front end does; it must then stand at the next question."""

    async def taken() -> bool:
        said = await say(app, name, number)
        assert said in (UNAVAILABLE, [STANDS_AT[number + 1]]), "once, and at its place"
        return said != UNAVAILABLE

    await until(taken, 30)


async def green(app: App) -> None:
    """Waits until readiness shows that turns can be kept again."""
    ready = Readiness(app)

    async def can_be_kept() -> bool:
        return await ready.reason() is None

    await until(can_be_kept)


async def sent(log: Log, within: float = 5.0) -> None:
    """Waits until no letter is left."""

    async def none_left() -> bool:
        return not await log.depth()

    await until(none_left, within)


def kept(place: Place) -> dict[bytes, list[str]]:
    """The turns of every conversation, by the hash it is kept under."""
    found: dict[bytes, list[str]] = {}
    for key, turn in place.execute(
        "SELECT id, turn FROM conversation JOIN turn ON conversation = number ORDER BY conversation, turn.sequence"
    ):
        found.setdefault(bytes(key), []).append(turn)
    return found


# PostgreSQL: down, hung, restarted, locked


def test_a_service_waits_for_its_database_and_serves_once_it_is_up(here: Place, postgres_server: Server) -> None:
    """Were it to fail: after a power cut whichever comes up first decides whether there is a service."""
    postgres_server.stop()
    with started({**here.settings, **LOUD}, here.folder) as service:
        assert service.says('.*"database_awaited"')
        assert not any(map(BEGUN.match, service.lines))
        postgres_server.start()
        assert service.says(BEGUN)
        service.connect()
        assert service.client.get("/readyz").status_code == 200
        assert ids_of(service.turn(service.begin(), turn=CASE[0])) == ["gate"]
        service.stop()
    assert {line["event"] for line in logged(service)} == {"database_awaited", "stopped"}


def test_a_database_that_does_not_come_is_said_in_one_line(here: Place, postgres_server: Server) -> None:
    """Were it to fail: a service without its database is a traceback, or hangs for ever."""
    postgres_server.stop()
    before = "from bot import serve; serve.DATABASE_COMES = 0.2"
    quiet = {**here.settings, "TRIAGE_LOG_LEVEL": "error"}
    line = refusal(quiet, here.folder, "TRIAGE_DATABASE_URL: 127.0.0.1", "refused", before=before)
    assert postgres_server.password not in line


def test_a_stop_while_the_database_is_awaited_is_a_clean_end(here: Place, postgres_server: Server) -> None:
    """Were it to fail: a service that never came up has to be killed."""
    postgres_server.stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with started({**here.settings, **LOUD}, here.folder) as service:
            assert service.says('.*"database_awaited"')
            service.signal(number)
            assert service.ended(10) == 0
            assert {line["event"] for line in logged(service)} == {"database_awaited"}


@pytest.mark.usefixtures("hasty")
async def test_a_database_that_goes_away_in_the_middle_and_comes_back(here: Place, postgres_server: Server) -> None:
    """S24, S25: were it to fail, a turn is said to be kept without a database, or the service has to be restarted."""
    log = here.open()
    app = here.app(log)
    for number in range(4):
        await insist(app, WHO, number)
    await asyncio.to_thread(postgres_server.stop)
    for _ in range(2):
        said = await app.handle(WHO, Tap(CASE[4]), "d4")
        assert ids(said) == UNAVAILABLE
        assert english(shipped()).vocabulary.notices["unavailable"] in said[0].text
    assert ids(await app.opening("web:other")) == UNAVAILABLE, "not as if it had not begun"
    assert await Readiness(app).reason() == "the log cannot be written"
    await asyncio.to_thread(postgres_server.start)
    began = time.monotonic()
    await insist(app, WHO, 4)
    assert time.monotonic() - began < 5
    await green(app)
    assert here.turns() == list(CASE[:5])


async def test_a_database_that_hangs_is_told_of_and_goes_on_by_itself(here: Place, postgres_server: Server) -> None:
    """S24, S25: were it to fail, a user waits for ever, or what was told as not taken is taken twice."""
    log = here.open()
    app = here.app(log)
    await insist(app, "web:known", 0)
    await insist(app, "web:forgotten", 0)
    app._states.pop("web:forgotten")
    await asyncio.to_thread(postgres_server.suspend)
    began = time.monotonic()

    async def told(name: str) -> None:
        assert await say(app, name, 1) == UNAVAILABLE
        assert time.monotonic() - began < TOLD, name

    await asyncio.gather(told("web:known"), told("web:forgotten"), told("web:new"))
    assert await Readiness(app).reason() == "the log cannot be written"
    await asyncio.to_thread(postgres_server.resume)
    await green(app)
    for name in ("web:known", "web:forgotten"):
        await insist(app, name, 1)
        await insist(app, name, 1)
    assert kept(here) == {log.keys.conversation(name): list(CASE[:2]) for name in ("web:known", "web:forgotten")}


@pytest.mark.usefixtures("hasty")
async def test_all_who_wait_for_a_hung_database_are_told_in_time(here: Place, postgres_server: Server) -> None:
    """S25: were it to fail, the thirtieth user waits ten times as long as the first one."""
    app = here.app()
    names = [f"web:{number}" for number in range(30)]
    for name in names:
        await insist(app, name, 0)
    app._states.clear()
    await asyncio.to_thread(postgres_server.suspend)
    began = time.monotonic()
    told: list[float] = []

    async def ask(name: str) -> None:
        assert await say(app, name, 1) == UNAVAILABLE
        told.append(time.monotonic() - began)

    await asyncio.gather(*map(ask, names))
    await asyncio.to_thread(postgres_server.resume)
    assert max(told) < 3, "patience and one wait for a connection, twice over"


@pytest.mark.usefixtures("hasty")
async def test_a_hung_database_is_told_of_also_with_several_connections_open(
    here: Place, postgres_server: Server
) -> None:
    """S25: were it to fail, after an hour of load a user waits for a hung database as long as it hangs."""
    app = here.app()
    names = [f"web:{number}" for number in range(40)]
    await asyncio.gather(*(insist(app, name, 0) for name in names))
    await asyncio.gather(*map(app.log.current, names))
    app._states.clear()
    await asyncio.to_thread(postgres_server.suspend)
    try:
        said = asyncio.gather(*(say(app, name, 1) for name in names[:3]))
        done, _ = await asyncio.wait([said], timeout=6)
    finally:
        await asyncio.to_thread(postgres_server.resume)
    await said
    assert done, "they were told only when the database answered again"
    assert await said == [UNAVAILABLE] * 3


@pytest.mark.usefixtures("hasty")
async def test_what_was_under_way_when_the_database_hung_is_kept_once(here: Place, postgres_server: Server) -> None:
    """S24: were it to fail, a turn that was committed while nobody answered is taken a second time, or lost."""
    log = here.open()
    app = here.app(log)
    names = [f"web:{number}" for number in range(20)]
    for number in range(3):
        sent = [asyncio.create_task(say(app, name, number)) for name in names]
        await asyncio.wait(sent[number * 7 : number * 7 + 1], timeout=0.001 * number)
        await asyncio.to_thread(postgres_server.suspend)
        said = await asyncio.gather(*sent)
        assert all(message in (UNAVAILABLE, [STANDS_AT[number + 1]]) for message in said)
        await asyncio.to_thread(postgres_server.resume)
        await asyncio.gather(*(insist(app, name, number) for name in names))
        assert kept(here) == {log.keys.conversation(name): list(CASE[: number + 1]) for name in names}


async def test_restarts_under_load_lose_and_double_nothing(here: Place, postgres_server: Server) -> None:
    """S24: were it to fail, a restart of the database costs answers, or one counts twice."""
    log = here.open()
    app = here.app(log)
    acknowledged: dict[str, int] = {}
    counts = dict.fromkeys(range(20), 0)
    finished = False

    async def user(own: int) -> None:
        while not finished:
            name = f"web:{own}-{counts[own]}"
            for number in range(4):
                await insist(app, name, number)
                acknowledged[name] = number + 1
                counts[own] += 1

    users = [asyncio.create_task(user(own)) for own in counts]
    for _ in range(10):
        await asyncio.to_thread(postgres_server.restart, "immediate")
        wanted = {own: count + 5 for own, count in counts.items()}

        async def went_on(wanted: dict[int, int] = wanted) -> bool:
            return all(counts[own] >= count for own, count in wanted.items())

        await until(went_on, 5)  # every user, and soon
    finished = True
    await asyncio.gather(*users)
    assert kept(here) == {log.keys.conversation(name): list(CASE[:count]) for name, count in acknowledged.items()}
    assert len(acknowledged) > 60


@pytest.mark.usefixtures("hasty")
async def test_a_conversation_locked_elsewhere_is_refused_and_goes_on(here: Place) -> None:
    """S24, S25: were it to fail, a worker that hangs in the middle of a turn makes the others hang."""
    log = here.open()
    app = here.app(log)
    await insist(app, WHO, 0)
    with psycopg.connect(here.url or "") as other:
        other.execute("SELECT * FROM conversation FOR UPDATE")
        began = time.monotonic()
        assert await say(app, WHO, 1) == UNAVAILABLE
        assert time.monotonic() - began < TOLD
        await insist(app, "web:other", 0)
    await insist(app, WHO, 1)
    assert kept(here)[log.keys.conversation(WHO)] == list(CASE[:2])


@pytest.mark.usefixtures("hasty")
async def test_a_conversation_locked_elsewhere_does_not_fail_the_others(here: Place) -> None:
    """S25: were it to fail, one conversation that hangs elsewhere refuses every turn that shares its commit."""
    app = here.app()
    names = [f"web:{number}" for number in range(20)]
    await asyncio.gather(*(insist(app, name, 0) for name in names))
    with psycopg.connect(here.url or "") as other:
        other.execute("SELECT * FROM conversation WHERE id = %s FOR UPDATE", (app.log.keys.conversation(names[7]),))
        said = await asyncio.gather(*(say(app, name, 1) for name in names))
    refused = [name for name, messages in zip(names, said, strict=True) if messages == UNAVAILABLE]
    assert refused == [names[7]]


def test_a_stop_does_not_wait_for_a_hung_database(here: Place, postgres_server: Server) -> None:
    """Were it to fail: a service whose database hangs cannot be stopped but by a kill."""
    before = "from bot import serve; serve.STOPPING = 3.0; serve.TURNS_FINISH = 1.0"
    with Service(here.settings, here.folder, before=before) as service:
        identifier = service.begin()
        service.turn(identifier, turn=CASE[0], delivery="d0")
        postgres_server.suspend()
        turn = threading.Thread(target=lambda: _tries(lambda: service.turn(identifier, turn=CASE[1], delivery="d1")))
        turn.start()
        reading = service.new_client()
        asked = threading.Thread(target=lambda: _tries(lambda: reading.get(f"/api/v1/conversations/{'x' * 32}")))
        asked.start()
        service.signal(signal.SIGTERM)
        assert service.ended(8) in (0, 1)
        turn.join()
        asked.join()
        reading.close()


def _tries(ask: Callable[[], object]) -> None:
    import httpx

    with suppress(httpx.TransportError):
        ask()


# The disk


def fill(disk: Path) -> Path:
    """Takes all that is free on a small disk."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


@contextmanager
def place_on(size_kib: int) -> Iterator[Place]:
    need_small_disk()
    with small_disk(size_kib) as disk:
        place = Place(disk, None)
        try:
            yield place
        finally:
            place.close()


def test_a_full_disk_is_told_of_and_ends_by_itself() -> None:
    """S24, S25: were it to fail, a full disk loses answers, half-writes them, or needs a restart when it is freed."""
    with place_on(8192) as place, Service(place.settings, place.folder) as service:
        identifiers = [f"{number:032}" for number in range(80)]
        for identifier in identifiers[:2]:
            service.turn(identifier, turn=CASE[0], delivery="d0")
        ballast = fill(place.folder)
        answers = [service.turn(identifier, turn=CASE[1], delivery="d1") for identifier in identifiers[:2]]
        answers += [service.turn(identifier, turn=CASE[0], delivery="d0") for identifier in identifiers[2:]]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) > 20, "it is full: only what had room already was taken"
        assert {tuple(ids_of(answer)) for answer in refused} == {tuple(UNAVAILABLE)}
        assert service.client.get("/readyz").status_code == 503
        assert service.metrics()["triage_ready"] == 0
        known = dict(zip(identifiers, answers, strict=True))
        for identifier, answer in known.items():
            stands = service.stands(identifier)
            if answer.status_code == 200:
                assert stands.json() == answer.json(), "reading works, and shows what was acknowledged"
            else:
                assert ids_of(stands) == (["gate"] if identifier in identifiers[:2] else ["role"])
        ballast.unlink()
        until = time.monotonic() + 10
        while service.client.get("/readyz").status_code != 200 and time.monotonic() < until:
            time.sleep(0.05)
        for number, identifier in enumerate(identifiers):
            place_in_case = 1 if number < 2 else 0
            again = service.turn(identifier, turn=CASE[place_in_case], delivery=f"d{place_in_case}")
            assert (again.status_code, ids_of(again)) == (200, [STANDS_AT[place_in_case + 1]])
        service.stop()
        assert sorted(place.turns()) == sorted([CASE[0]] * 80 + [CASE[1]] * 2)
        assert place.execute("PRAGMA integrity_check") == [("ok",)]


def test_a_disk_that_is_full_at_the_start_is_named() -> None:
    """S25: were it to fail, the start on a full disk is a traceback, or leaves a key that no start can use."""
    with place_on(256) as place:
        place.file.parent.mkdir()
        ballast = fill(place.folder)
        line = refusal(place.settings, place.folder, str(place.file))
        assert "disk is full" in line or "No space left" in line
        without = {name: value for name, value in place.settings.items() if name != "TRIAGE_SECRET_KEY"}
        refusal(without, place.folder, "TRIAGE_DATA_DIR", "No space left")
        assert not (place.file.parent / "secret.key").exists()
        ballast.unlink()
        with Service(place.settings, place.folder) as service:
            assert ids_of(service.turn(service.begin(), turn=CASE[0])) == ["gate"]


def test_a_disk_that_cannot_be_written_is_named() -> None:
    """S25: were it to fail, a read-only volume is a traceback, or a service that takes turns it cannot keep."""
    with place_on(1024) as place:
        app = place.app()
        asyncio.run(say(app, WHO, 0))
        app.log.close()
        subprocess.run(["mount", "-o", "remount,ro", place.folder], check=True)
        refusal(place.settings, place.folder, str(place.file), "Read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", place.folder], check=True)
        assert asyncio.run(say(place.app(), WHO, 0)) == ["gate"]


async def test_a_file_that_becomes_read_only_refuses_turns_until_it_is_not(file: Place) -> None:
    """S25: were it to fail, a turn is acknowledged that the file did not take."""
    log = file.open()
    app = file.app(log)
    await insist(app, WHO, 0)
    assert isinstance(log.engine, SQLite)
    log.engine._db.execute("PRAGMA query_only=ON")
    assert await say(app, WHO, 1) == UNAVAILABLE
    assert await Readiness(app).reason() == "the log cannot be written"
    assert ids(await app.opening(WHO)) == ["gate"], "reading works"
    log.engine._db.execute("PRAGMA query_only=OFF")
    await insist(app, WHO, 1)
    await green(app)
    assert file.turns() == list(CASE[:2])


# The file


@pytest.mark.parametrize("damage", ["all of it", "its beginning", "its tables", "its end"])
def test_a_damaged_file_is_named_at_the_start_and_left_as_it_is(damage: str, file: Place) -> None:
    """S24, S25: were it to fail, a damaged log is a traceback, or is overwritten before anybody could save it."""
    app = file.app()
    asyncio.run(say(app, WHO, 0))
    app.log.close()
    whole = file.file.read_bytes()
    noise = b"\xa5\x5a" * len(whole)
    broken = {
        "all of it": noise[: len(whole)],
        "its beginning": noise[:100] + whole[100:],
        "its tables": whole[:100] + noise[: 4096 - 100] + whole[4096:],
        "its end": whole[:4096],
    }[damage]
    file.file.write_bytes(broken)
    refusal(file.settings, file.folder, str(file.file))
    assert file.file.read_bytes() == broken


async def test_a_damaged_page_is_never_taken_for_a_new_conversation(file: Place) -> None:
    """S24, S25: were it to fail, a damaged sector lets a case begin anew over its answers, or shows half of one."""
    log = file.open()
    app = file.app(log)
    for number in range(12):
        await insist(app, WHO, number)
    log.close()
    pages = len(file.file.read_bytes()) // 4096
    seen: set[str] = set()
    for page in range(1, pages):
        whole = file.file.read_bytes()
        file.file.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        try:
            again = Log(SQLite(file.file, Keys(KEY)), NOW.timestamp)
        except LogError:
            seen.add("refused")
        else:
            said = tuple(ids(await file.app(again).opening(WHO)))
            seen.add(said[0])
            assert said in (("advice",), tuple(UNAVAILABLE)), page
            again.close()
        file.file.write_bytes(whole)
    assert {"advice", "notice.unavailable"} <= seen, "some pages matter, some do not"


async def test_a_file_damaged_under_a_running_service_lets_nothing_wrong_out(file: Place) -> None:
    """S25: were it to fail, a disk that dies is a traceback, or a partial answer."""
    log = file.open()
    app = file.app(log)
    for number in range(11):
        await insist(app, WHO, number)
    assert isinstance(log.engine, SQLite)
    log.engine._truncate(must=True)
    with file.file.open("r+b") as damaged:
        damaged.seek(100)
        damaged.write(b"\xa5" * (file.file.stat().st_size - 100))
    fresh = file.app(log)
    for one in (app, fresh):
        for number in (11, 11):
            said = await say(one, WHO, number)
            assert said in (UNAVAILABLE, ["advice"])
        assert ids(await one.opening(WHO)) in (UNAVAILABLE, ["advice"], ["review"])
    assert ids(await fresh.handle(WHO, Text("/forget"))) in (UNAVAILABLE, ["forgotten"])


async def test_a_file_that_was_removed_takes_no_turns(file: Place) -> None:
    """S24: were it to fail, turns are acknowledged into a file that nobody will ever find again."""
    log = file.open()
    app = file.app(log)
    await insist(app, WHO, 0)
    away = file.file.with_name("away")
    file.file.rename(away)
    assert await say(app, WHO, 1) == UNAVAILABLE
    assert await say(app, "web:new", 0) == UNAVAILABLE
    for _ in range(3):
        assert ids(await file.app(log).opening(WHO)) in (["gate"], UNAVAILABLE), "never as if it had not begun"
    assert await Readiness(app).reason() == "the log cannot be written"
    assert not file.file.exists(), "and makes no empty file where the log was"
    away.rename(file.file)
    await insist(app, WHO, 1)
    await green(app)
    assert file.turns() == list(CASE[:2])


async def test_a_file_that_was_replaced_takes_no_turns(file: Place, make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, a backup put back under a running service takes turns that are lost with the old file."""
    other = make_place("sqlite")
    theirs = other.app()
    await insist(theirs, WHO, 0)
    theirs.log.close()
    app = file.app()
    await insist(app, WHO, 0)
    await insist(app, WHO, 1)
    put_back = other.file.read_bytes()
    other.file.replace(file.file)
    assert await say(app, WHO, 2) == UNAVAILABLE
    assert ids(await app.handle(WHO, Text("/forget"))) == UNAVAILABLE, "nothing is said to be erased that is not"
    assert await Readiness(app).reason() == "the log cannot be written"
    assert file.file.read_bytes() == put_back


@pytest.mark.usefixtures("hasty")
async def test_a_lock_that_somebody_else_holds_is_waited_for_and_then_told_of(file: Place) -> None:
    """S25: were it to fail, a look into the file with another program makes the service hang or fail."""
    app = file.app()
    await insist(app, WHO, 0)
    with closing(sqlite3.connect(file.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert await say(app, WHO, 1) == UNAVAILABLE
        assert time.monotonic() - began < TOLD
        assert await Readiness(app).reason() == "the log cannot be written"
        assert ids(await app.opening(WHO)) == ["gate"], "reading works"
        other.execute("ROLLBACK")
        await insist(app, WHO, 1)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(say(app, WHO, 2))
        await asyncio.sleep(0)
        other.execute("COMMIT")
        assert await waiting == [STANDS_AT[3]], "a short one is only waited for"
    await green(app)
    assert file.turns() == list(CASE[:3])


# The clock


async def test_a_clock_that_jumps_back_erases_nothing_early(place: Place, log: Log) -> None:
    """S24, S32: were it to fail, a clock put right at night erases conversations that go on, or keeps them for ever."""
    app = place.app(log)
    for number, hours in enumerate((0, -100, -500, 1, -1000)):
        place.now = NOW + timedelta(hours=hours)
        await insist(app, WHO, number)
        (seen,) = place.execute("SELECT seen_hour FROM conversation")
        assert seen[0] == int(NOW.timestamp()) // HOUR + (hours > 0 or number > 3), "it never goes down"
        assert await log.sweep(log.at() - 72 * HOUR, 100) == 0
    for hours, left in ((72, 1), (73, 1), (74, 0)):
        place.now = NOW + timedelta(hours=hours)
        await log.sweep(log.at() - 72 * HOUR, 100)
        assert log.engine.stats().conversations == left, hours


async def test_a_delivery_taken_while_the_clock_was_behind_is_still_known(place: Place, log: Log) -> None:
    """S24: were it to fail, what arrived while the clock was wrong is taken again once it is right."""
    app = place.app(log)
    await insist(app, WHO, 0)
    place.now = NOW - timedelta(hours=100)
    await insist(app, WHO, 1)
    place.now = NOW + timedelta(hours=1)
    await log.sweep(log.at() - 72 * HOUR, 100)
    assert (await append(log, CASE[1], "d1", WHO)).kind == "duplicate"


class Courier:
    """Takes letters; holds each up until it is told to go on."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.came = asyncio.Event()

    async def send(self, address: str, payload: str, noted: str) -> None:
        self.sent.append(payload)
        self.came.set()
        await self.go_on.wait()


def letters(said: Said) -> list[Letter]:
    return [Letter(message.id) for message in said.messages]


POST = Post("web", "an address", letters)


@asynccontextmanager
async def sending(log: Log, courier: Courier, lease: int = 60) -> AsyncIterator[Outbox]:
    outbox = Outbox(log, {"web": courier}, lease=lease)
    running = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        await outbox.stop(1)
        await asyncio.wait_for(running, 5)


async def test_a_clock_that_jumps_forward_sends_no_letter_twice(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S24: were it to fail, a result is sent twice because a clock was put right while it was being sent."""
    app, courier, claim, looks = place.app(log), Courier(), log.claim, 0

    async def counted(lease: int, limit: int) -> list[Posted]:
        nonlocal looks
        posted = await claim(lease, limit)
        looks += 1
        return posted

    monkeypatch.setattr(log, "claim", counted)
    courier.go_on.clear()
    async with sending(log, courier, lease=1) as outbox:  # it looks for lapsed ones four times a second
        await app.handle(WHO, Tap(CASE[0]), "d0", POST)
        outbox.wake()
        await asyncio.wait_for(courier.came.wait(), 5)
        place.now = NOW + timedelta(hours=5)
        assert await log.lapse() + await log.lapse() <= 1
        await app.handle(WHO, Tap(CASE[1]), "d1", POST)
        looks = 0

        async def looked_again() -> bool:
            outbox.wake()
            return looks > 2

        await until(looked_again)
        courier.go_on.set()
        await sent(log)
    assert courier.sent == ["gate", "red_flags"]


async def test_a_letter_posted_while_the_clock_was_ahead_does_not_wait_for_it(place: Place, log: Log) -> None:
    """S24: were it to fail, a user gets no message for as long as the clock had been ahead."""
    app, courier = place.app(log), Courier()
    place.now = NOW + timedelta(hours=5)
    await app.handle(WHO, Tap(CASE[0]), "d0", POST)
    place.now = NOW
    async with sending(log, courier) as outbox:
        await app.handle(WHO, Tap(CASE[1]), "d1", POST)
        outbox.wake()
        with suppress(TimeoutError):
            await sent(log, 3)
    assert courier.sent == ["gate", "red_flags"]
