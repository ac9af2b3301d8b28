"""What an operator does to the log beside a running service: counting, saving, moving, erasing, changing its key."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.app import App, Tap, Text
from bot.cli import main
from bot.log import Keys, LogError, delivery_hash
from bot.log.keys import kept_secret
from tests.conftest import KEY, Place
from tests.small_disk import need_small_disk, small_disk
from tests.test_cli import refused, succeeded
from tests.test_faults import POST, Courier, insist, kept, say, sending, sent
from tests.test_log import CASE, ids
from tests.test_serve import STANDS_AT, environment

OLD = "the key the log was first written with"
NEW = "the key the log is written with later"
WRONG = "a key that has nothing to do with it"
WHO = "web:someone"
ENGINES = ("sqlite", "postgresql")
COUNTED = ("conversations", "turns", "deliveries", "records", "waiting", "sending", "unsure")


@pytest.fixture(autouse=True)
def _no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def admin(place: Place, *arguments: object, **settings: str | None) -> Result:
    """`triage admin ...` on this log."""
    nothing = {name: None for name in os.environ if name.startswith("TRIAGE_")}
    given = {**nothing, **place.settings, **settings}
    return CliRunner().invoke(main, ["admin", *map(str, arguments)], env=given)


async def admin_process(place: Place, *arguments: object) -> tuple[int | None, str]:
    """The same as a process of its own, while this one goes on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "admin", *map(str, arguments), env=environment(place.settings),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    return process.returncode, said.decode()


def counts(place: Place) -> dict[str, Any]:
    counted: dict[str, Any] = json.loads(succeeded(admin(place, "stats", "--format", "json")))
    return counted


def content(place: Place) -> str:
    tables = ("conversation", "turn", "delivery", "outbox", "record", "erasure", "knowledge", "key_check")
    return repr([sorted(place.execute(f"SELECT * FROM {table}"), key=repr) for table in tables])


async def play(app: App, name: str, turns: int, first: int = 0) -> None:
    for number in range(first, turns):
        await insist(app, name, number)


def written(place: Place, *conversations: tuple[str, int], key: str = KEY, **options: Any) -> Place:
    """A log with these conversations, each so many turns of CASE long; closed."""
    log = place.open(key)

    async def write() -> None:
        app = place.app(log, **options)
        for name, turns in conversations:
            await play(app, name, turns)

    asyncio.run(write())
    log.close()
    return place


def within(place: Place, work: Callable[[App], Coroutine[Any, Any, Any]], key: str = KEY, **options: Any) -> Any:
    """Something done with this log, opened for it."""
    log = place.open(key)
    try:
        return asyncio.run(work(place.app(log, **options)))
    finally:
        log.close()


# Counting and erasing


async def test_counts_are_told_while_the_service_runs(place: Place) -> None:
    """Were it to fail: an operator has to stop the service, or to read the tables, to learn how full the log is."""
    log = place.open()
    app = place.app(log, keep_records=True)
    await play(app, WHO, 12)
    await play(app, "web:other", 3)
    await app.handle("web:letters", Tap(CASE[0]), "d0", POST)
    counted = counts(place)
    assert [counted[name] for name in COUNTED] == [3, 16, 16, 1, 1, 0, 0]
    assert counted["engine"] == ("postgresql" if place.url else "sqlite")
    assert counted["bytes"] > 4096
    text = succeeded(admin(place, "stats"))
    assert dict(line.split() for line in text.splitlines()).keys() == counted.keys()
    await play(app, "web:other", 4, 3)
    assert counts(place)["turns"] == 17


async def test_a_conversation_is_erased_beside_the_service(place: Place) -> None:
    """S32: were it to fail, what an operator erased stands in the file, or goes on in the service's memory."""
    log = place.open()
    app = place.app(log, keep_records=True)
    await play(app, WHO, 12)
    await play(app, "web:other", 1)
    succeeded(admin(place, "forget", WHO))
    assert place.turns() == [CASE[0]]
    left = place.everything()
    for trace in (CASE[3], CASE[10], repr(log.keys.conversation(WHO)), repr(log.keys.owners(WHO)[0])):
        assert trace not in left
    assert counts(place)["records"] == 0
    assert ids(await app.opening(WHO)) == ["role"]
    await play(app, WHO, 2)
    await play(app, "web:other", 2, 1)
    succeeded(admin(place, "forget", "web:nobody"))
    assert len(place.turns()) == 4


# Backup


async def test_a_backup_taken_under_load_holds_whole_turns(place: Place, tmp_path: Path) -> None:
    """S24: were it to fail, a backup of a busy log holds half a turn, or misses one that was acknowledged before."""
    log = place.open()
    app = place.app(log)
    acknowledged: dict[str, int] = {}
    finished = False

    async def user(own: int) -> None:
        case = 0
        while not finished:
            case += 1
            for number in range(8):
                await insist(app, f"web:{own}-{case}", number)
                acknowledged[f"web:{own}-{case}"] = number + 1

    users = [asyncio.create_task(user(own)) for own in range(10)]
    copies = []
    for number in range(2):
        before = dict(acknowledged)
        target = tmp_path / f"backup-{number}.sqlite3"
        assert await admin_process(place, "backup", target) == (0, "")
        copies.append((target, before, dict(acknowledged)))
    finished = True
    await asyncio.gather(*users)
    for target, before, after in copies:
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        with closing(sqlite3.connect(target)) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",), "one file, also on a read-only disk"
            held = dict(copy.execute("SELECT id, sequence FROM conversation"))
            turns: dict[bytes, list[str]] = {}
            for key, turn in copy.execute(
                "SELECT id, turn FROM conversation JOIN turn ON conversation = number ORDER BY number, turn.sequence"
            ):
                turns.setdefault(key, []).append(turn)
            deliveries = dict(copy.execute("SELECT c.id, count(*) FROM delivery JOIN conversation c "
                                           "ON c.number = delivery.conversation GROUP BY c.id"))  # fmt: skip
        assert turns == {key: list(CASE[:count]) for key, count in held.items()}, "each a prefix of its turns"
        assert deliveries == held
        for name, count in before.items():
            assert held[log.keys.conversation(name)] >= count, "what was acknowledged before is in it"
        assert len(held) <= len(after) + 10
    assert beside(tmp_path) == [target.name for target, _, _ in copies], "and nothing beside them"


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("backup*"))


def test_a_backup_does_not_overwrite(place: Place, tmp_path: Path) -> None:
    """Were it to fail: a second backup destroys the first one, or something that only bears its name."""
    written(place, (WHO, 3))
    target = tmp_path / "backup.sqlite3"
    target.write_bytes(b"the only backup")
    refused(admin(place, "backup", target), str(target))
    assert target.read_bytes() == b"the only backup"
    nowhere = tmp_path / "nowhere" / "backup.sqlite3"
    refused(admin(place, "backup", nowhere), str(nowhere))


def test_a_backup_that_finds_no_room_leaves_nothing_behind(place: Place) -> None:
    """S24: were it to fail, half a backup looks like a whole one, and is found empty when it is needed."""
    need_small_disk()
    written(place, *((f"web:{number}", 8) for number in range(20)))
    with small_disk(100) as disk:
        target = disk / "backup.sqlite3"
        refused(admin(place, "backup", target), str(target))
        assert list(disk.iterdir()) == []


# Restoring


@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("source", ENGINES)
async def test_what_was_restored_goes_on_where_it_stood(
    source: str, target: str, make_place: Callable[[str], Place], tmp_path: Path
) -> None:
    """S24: were it to fail, a log moved to another machine or engine loses answers, or takes deliveries twice."""
    before, after = make_place(source), make_place(target)
    log = before.open()
    app = before.app(log, keep_records=True)
    await play(app, WHO, 5)
    await play(app, "web:finished", 12)
    await play(app, "web:erased", 2)
    await app.handle("web:erased", Text("/forget"), "d-forget")
    await app.handle("web:letters", Tap(CASE[0]), "d0", POST)
    await app.handle(WHO, Text("nonsense"), "d-nonsense")
    file = tmp_path / "backup ?#%20.sqlite3"
    succeeded(admin(before, "backup", file))
    expected = counts(before)
    log.close()

    assert "3 conversations" in succeeded(admin(after, "restore", file))
    assert {name: counts(after)[name] for name in COUNTED} == {name: expected[name] for name in COUNTED}
    moved = after.open()
    again = after.app(moved)
    assert ids(await again.opening(WHO)) == [STANDS_AT[5]]
    assert ids(await again.opening("web:finished")) == ["advice"]
    for number in range(5):
        assert await say(again, WHO, number) == [STANDS_AT[5]], "its delivery is known"
    assert ids(await again.handle(WHO, Tap(CASE[5]), "d-nonsense")) == [STANDS_AT[5]]
    await play(again, WHO, 12, 5)
    assert await say(again, "web:erased", 0) == ["gate"], "at once: its number is not one that was restored"
    assert ids(await again.handle("web:erased", Text("/forget"), "d-forget")) == ["gate"], "and so is the erasure"
    assert await say(again, "web:new", 0) == ["gate"]
    assert len({row[0] for row in after.execute("SELECT number FROM conversation")}) == 5
    courier = Courier()
    async with sending(moved, courier):
        await sent(moved)
    assert courier.sent == ["gate"], "what was waiting to be sent is sent"
    succeeded(admin(after, "forget", "web:finished"))
    assert counts(after)["records"] == 0


def test_a_log_itself_is_restored_with_all_it_holds(make_place: Callable[[str], Place], tmp_path: Path) -> None:
    """S24: were it to fail, a log file moved after a crash silently loses the answers of its last minutes."""
    before, after = make_place("sqlite"), make_place("sqlite")
    log = before.open()
    asyncio.run(play(before.app(log), WHO, 5))
    for file in before.file.parent.iterdir():  # as a crash left them
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert (tmp_path / "triage.sqlite3-wal").stat().st_size > 0
    succeeded(admin(after, "restore", tmp_path / "triage.sqlite3"))
    assert after.turns() == list(CASE[:5])


def _other_database(file: Path, version: int) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(f"CREATE TABLE turn (x); INSERT INTO turn VALUES (1); PRAGMA user_version={version}")


def _truncated(file: Path, backup: bytes) -> None:
    file.write_bytes(backup[: len(backup) // 2 // 4096 * 4096])


def _noise(file: Path, backup: bytes) -> None:
    file.write_bytes(backup[:4096] + b"\xa5" * (len(backup) - 4096))


def _one_page_damaged(file: Path, backup: bytes, name: str) -> None:
    file.write_bytes(backup)
    with closing(sqlite3.connect(file)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    file.write_bytes(backup[: (page - 1) * 4096] + b"\xa5" * 4096 + backup[page * 4096 :])


UNUSABLE: dict[str, Callable[[Path, bytes], object]] = {
    "not there": lambda file, backup: None,
    "empty": lambda file, backup: file.write_bytes(b""),
    "a text": lambda file, backup: file.write_bytes(b"no database " * 500),
    "truncated": _truncated,
    "noise in it": _noise,
    "one page damaged": partial(_one_page_damaged, name="turn"),
    "one page of an index damaged": partial(_one_page_damaged, name="sqlite_autoindex_conversation_1"),
    "another program's": lambda file, backup: _other_database(file, 0),
    "another program's of version 1": lambda file, backup: _other_database(file, 1),
    "another program's of version 2": lambda file, backup: _other_database(file, 2),
    "of a newer version": lambda file, backup: _other_database(file, 99),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_is_no_backup_is_refused_and_changes_nothing(what: str, place: Place, tmp_path: Path) -> None:
    """S24, S25: were it to fail, a wrong file is a traceback, or leaves half of itself in the log."""
    source = written(Place(tmp_path / "source", None), (WHO, 8), ("web:other", 2))
    file, whole = tmp_path / "backup.sqlite3", tmp_path / "whole.sqlite3"
    succeeded(admin(source, "backup", whole))
    UNUSABLE[what](file, whole.read_bytes())
    place.open().close()
    before = content(place)
    line = refused(admin(place, "restore", file), str(file))
    assert "triage-restore" not in line
    assert content(place) == before
    succeeded(admin(place, "restore", whole))
    assert len(place.turns()) == 10, "a good one is still taken"


def test_another_key_or_a_log_in_use_is_refused_and_nothing_changes(
    make_place: Callable[[str], Place], place: Place, tmp_path: Path
) -> None:
    """S24: were it to fail, a backup is mixed with what is kept already, or brings conversations nobody finds."""
    source = written(make_place("sqlite"), (WHO, 12), keep_records=True)
    file = tmp_path / "backup.sqlite3"
    succeeded(admin(source, "backup", file))
    other = make_place("postgresql" if place.url else "sqlite")
    refused(admin(other, "restore", file, TRIAGE_SECRET_KEY=WRONG), str(file), "TRIAGE_SECRET_KEY")
    assert other.execute("SELECT * FROM conversation") == []
    within(place, lambda app: play(app, "web:mine", 3))
    before = content(place)
    refused(admin(place, "restore", file), "not empty")
    assert content(place) == before
    within(place, lambda app: play(app, "web:mine", 12, 3), keep_records=True)
    place.execute("DELETE FROM conversation")  # as after some days: the records of answers stay
    before = content(place)
    refused(admin(place, "restore", file), "not empty")
    assert content(place) == before


def test_a_log_that_serves_is_not_restored_into(make_place: Callable[[str], Place], tmp_path: Path) -> None:
    """S24: were it to fail, a restore changes the file under a service that is about to take turns."""
    source, place = written(make_place("sqlite"), (WHO, 3)), make_place("sqlite")
    file = tmp_path / "backup.sqlite3"
    succeeded(admin(source, "backup", file))
    log = place.open()
    refused(admin(place, "restore", file), "in use by another process")
    log.close()
    succeeded(admin(place, "restore", file))


# Keys


def test_a_log_that_holds_nothing_belongs_to_no_key(place: Place) -> None:
    """Were it to fail: a database that was tried out once with a mistyped key can never be used with the right one."""
    place.open(WRONG).close()
    assert within(place, lambda app: say(app, WHO, 0), OLD) == ["gate"]
    with pytest.raises(LogError, match="another TRIAGE_SECRET_KEY"):
        place.engine(WRONG)


def test_a_key_is_changed_while_conversations_go_on(place: Place) -> None:
    """S24, S31: were it to fail, changing the key loses conversations, or a lost one can never be changed."""
    written(place, ("web:touched", 5), ("web:untouched", 3), key=OLD)
    with pytest.raises(LogError, match="another TRIAGE_SECRET_KEY"):
        place.engine(NEW)

    async def changed(app: App) -> None:
        assert ids(await app.opening("web:touched")) == [STANDS_AT[5]]
        assert await say(app, "web:touched", 3) == [STANDS_AT[5]], "its deliveries are known"
        await play(app, "web:touched", 7, 5)
        await play(app, "web:begun", 1)

    within(place, changed, f"{NEW},{OLD}")
    assert set(kept(place)) == {Keys(NEW).conversation("web:touched"), Keys(NEW).conversation("web:begun"),
                                Keys(OLD).conversation("web:untouched")}  # fmt: skip

    async def after(app: App) -> None:
        for name, turns in (("web:touched", 7), ("web:begun", 1)):
            assert ids(await app.opening(name)) == [STANDS_AT[turns]]
            await play(app, name, turns + 1, turns)
        assert ids(await app.opening("web:untouched")) == ["role"]

    within(place, after, NEW)
    for key in (WRONG, OLD, f"{WRONG},{WRONG}2"):
        with pytest.raises(LogError, match="another TRIAGE_SECRET_KEY") as refusal:
            place.engine(key)
        assert key not in str(refusal.value)
    assert ids(within(place, lambda app: app.opening("web:untouched"), f"{NEW}, {OLD}")) == [STANDS_AT[3]]


async def test_workers_change_the_key_one_after_another(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, workers restarted one by one with the new key begin each other's cases anew."""
    place = make_place("postgresql")
    first, other = place.app(place.open(OLD)), place.app(place.open(OLD))
    steps = (f"{OLD},{NEW}", f"{NEW},{OLD}", NEW)
    number = 0
    for key in steps:
        for turn in range(2):
            await insist((first, other)[turn], WHO, number)
            number += 1
        first = place.app(place.open(key))
        await insist(first, WHO, number)
        assert await say(other, WHO, number) == [STANDS_AT[number + 1]]
        number += 1
        other = place.app(place.open(key))
    assert number == 9
    assert kept(place) == {Keys(NEW).conversation(WHO): list(CASE[:9])}


def test_an_erasure_reaches_what_was_kept_under_older_keys(place: Place) -> None:
    """S32: were it to fail, after a change of the key "everything was erased" is said of answers and records kept."""
    written(place, ("web:a", 12), ("web:b", 12), ("web:c", 12), key=OLD, keep_records=True)
    both = f"{NEW},{OLD}"

    async def another_answer(app: App) -> None:
        await app.handle("web:a", Tap("/edit brain_metastases"))
        for turn in ("brain_metastases:stable", "leptomeningeal:absent", "extracranial_disease:progressing",
                     "review:confirm"):  # fmt: skip
            said = await app.handle("web:a", Tap(turn))
        assert ids(said) == ["advice"]

    within(place, another_answer, both, keep_records=True)
    assert owners(place) > {Keys(OLD).owners("web:a")[0], Keys(NEW).owners("web:a")[0]}

    async def erased(app: App) -> None:
        for name in ("web:a", "web:b"):
            assert ids(await app.handle(name, Text("/forget"))) == ["forgotten"]

    within(place, erased, both)
    assert set(kept(place)) == {Keys(OLD).conversation("web:c")}
    assert owners(place) == {Keys(OLD).owners("web:c")[0]}
    succeeded(admin(place, "forget", "web:c", TRIAGE_SECRET_KEY=both))
    assert (counts_with(place, both)["conversations"], counts_with(place, both)["records"]) == (0, 0)


def owners(place: Place) -> set[bytes]:
    return {bytes(owner) for (owner,) in place.execute("SELECT owner FROM record")}


def counts_with(place: Place, key: str) -> dict[str, Any]:
    told = succeeded(admin(place, "stats", "--format", "json", TRIAGE_SECRET_KEY=key))
    counted: dict[str, Any] = json.loads(told)
    return counted


def test_who_was_spoken_to_while_the_key_changed_still_gets_letters(place: Place) -> None:
    """S24: were it to fail, a user of a messenger hears nothing more once the old key is taken away."""

    async def talk(app: App, number: int) -> list[str]:
        courier = Courier()
        async with sending(app.log, courier) as outbox:
            await app.handle(WHO, Tap(CASE[number]), f"d{number}", POST)
            outbox.wake()
            await sent(app.log)
        return courier.sent

    assert within(place, lambda app: talk(app, 0), OLD) == [STANDS_AT[1]]
    assert within(place, lambda app: talk(app, 1), f"{NEW},{OLD}") == [STANDS_AT[2]]
    assert within(place, lambda app: talk(app, 2), NEW) == [STANDS_AT[3]]


def test_the_kept_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    """S31: were it to fail, the key of the hashes is readable by all, or another one after every start."""
    folder = tmp_path / "new" / "data"
    secret = kept_secret(folder)
    assert len(secret) >= 24
    assert kept_secret(folder) == secret
    assert [path.name for path in folder.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert kept_secret(tmp_path / "other") != secret


FIRST_START = """
import sys
from pathlib import Path
from bot.log.keys import kept_secret
print("ready", flush=True)
sys.stdin.read(1)
print(kept_secret(Path(sys.argv[1])))
"""


def test_first_starts_at_the_same_moment_end_up_with_one_secret(tmp_path: Path) -> None:
    """S24: were it to fail, of two first starts one hashes with a key that is gone, and its users are lost."""
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_START, tmp_path / "data"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(6)
    ]
    for start in starts:
        assert start.stdout is not None
        assert start.stdout.readline() == b"ready\n"
    for start in starts:
        assert start.stdin is not None
        start.stdin.write(b"x")
        start.stdin.flush()
    secrets = {start.communicate()[0] for start in starts}
    assert [start.returncode for start in starts] == [0] * 6
    assert secrets == {(tmp_path / "data" / "secret.key").read_bytes()}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]


# Records


def test_a_record_reproduces_its_answer_and_leads_to_nobody(place: Place) -> None:
    """S23, S31: were it to fail, an answer cannot be explained afterwards, or its record says whose it was."""
    written(place, (WHO, 12), keep_records=True)
    ((identifier, owner, document, _),) = place.execute("SELECT id, owner, document, hour FROM record")
    record = json.loads(document)
    assert record["id"] == identifier
    advised = CliRunner().invoke(main, ["recommend", "-", "--format", "json"], input=json.dumps(record["profile"]),
                                 env={"TRIAGE_REGION": None})  # fmt: skip
    again = json.loads(succeeded(advised))
    assert again["record"] == record
    assert again["options"][0]["regimen"] == "t_dm1"
    ((conversation, number),) = place.execute("SELECT id, number FROM conversation")
    assert bytes(owner) == Keys(KEY).owners(WHO)[0]
    assert bytes(owner) != bytes(conversation)
    for trace in (WHO, "someone", bytes(conversation).hex(), delivery_hash("d11").hex()):
        assert trace not in document
    assert record.keys() == {"id", "software", "knowledge", "knowledge_date", "review", "profile"}
    assert number == 1
    within(place, lambda app: app.handle(WHO, Text("/forget")))
    assert place.execute("SELECT * FROM record") == []


def test_no_record_is_kept_unless_it_was_asked_for(place: Place) -> None:
    """S30: were it to fail, profiles pile up in a log whose operator never wanted them."""
    written(place, (WHO, 12))
    assert place.execute("SELECT * FROM record") == []


def test_each_answer_has_its_record_and_the_same_one_only_one(place: Place) -> None:
    """S23: were it to fail, the answer before a correction cannot be explained any more."""

    async def corrected(app: App) -> None:
        await play(app, WHO, 12)
        for turn in ("/edit hr_status", "hr_status:positive", "review:confirm", "/edit hr_status",
                     "hr_status:negative", "review:confirm"):  # fmt: skip
            said = await app.handle(WHO, Tap(turn))
        assert ids(said) == ["advice"]

    within(place, corrected, keep_records=True)
    profiles = [json.loads(row[0])["profile"]["hr_status"] for row in place.execute("SELECT document FROM record")]
    assert sorted(profiles) == ["negative", "positive"]
