"""The log of turns, and the application around it: what survives trouble, and what trouble may not do.

Each test runs on both engines, unless it says which.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import bot.app
from bot.app import App, Incoming, Tap, Text, Unsupported
from bot.log import Case, Entry, Keys, Log, LogError, Outcome, delivery_hash
from bot.log.migrations import migrations, pending
from bot.log.postgresql import PostgreSQL
from bot.log.sqlite import SQLite
from bot.wire import NotATurn, from_wire, to_wire
from flows.dialogue import Answer, Command, Unclear
from flows.knowledge.load import shipped
from messages.message import Message
from messages.understanding import LONGEST
from messages.words import english
from tests.conftest import KEY, NOW, Place

TODAY = NOW.date()
WHO = "terminal:someone"
CASE = ("role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
        "prior_lines:done", "early_stage_agents:none", "brain_metastases:none", "hr_status:negative",
        "tdxd_access:unavailable", "safety:none", "review:confirm")  # fmt: skip
"""A whole case on the wire, from the first question to the answer."""


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


async def append(log: Log, turn: str, delivery: str | None = None, name: str = WHO, case: int = 0) -> Outcome:
    """Keep a turn after whatever stands in the log; `case`: in a case that many further on."""
    current = await log.current(name)
    hashed = log.keys.conversation(name)
    number = current.number + case
    return await log.append(Entry(hashed, current.version, number, turn, delivery_hash(delivery), "sha256:x"))


# The log


async def test_what_is_appended_is_current_also_in_another_process(place: Place) -> None:
    """S24: were it to fail, an acknowledged answer is lost with the process."""
    log = place.open()
    assert await log.current(WHO) == Case()
    await append(log, "role:oncologist", "d1")
    await append(log, "gate:in_scope")
    case = await log.current(WHO)
    assert case == Case(1, 1, ("role:oncologist", "gate:in_scope"))
    assert place.turns() == list(case.turns), "also past the program, with its connection still open: as after a kill"
    log.close()
    assert await place.open().current(WHO) == case


async def test_conversations_do_not_see_one_another(place: Place, log: Log) -> None:
    """S32, S33: were it to fail, one clinician reads or erases another's case."""
    for name in ("a", "b", "a'", "a%", "a_"):
        await append(log, f"role:{name}", "d1", name)
    await log.forget("a")
    assert (await log.current("a")).turns == ()
    for name in ("b", "a'", "a%", "a_"):
        assert (await log.current(name)).turns == (f"role:{name}",)
        assert (await append(log, "gate:in_scope", "d1", name)).kind == "duplicate"
    assert (await append(log, "role:a", "d1", "a")).kind == "kept"


async def test_a_second_case_ends_the_first(place: Place, log: Log) -> None:
    """Were it to fail: a new patient's case starts with the answers of the patient before, or keeps them."""
    await append(log, "role:oncologist", "d1")
    await append(log, "gate:in_scope")
    await append(log, "/restart", "d2", case=1)
    assert await log.current(WHO) == Case(1, 2, ("/restart",))
    assert place.turns() == ["/restart"]
    assert (await append(log, "gate:in_scope", "d1")).kind == "duplicate", "a delivery of the case before still counts"


async def test_a_turn_cannot_take_the_place_of_another(place: Place, log: Log) -> None:
    """S24: were it to fail, two processes on one log overwrite each other's answers."""
    hashed = log.keys.conversation(WHO)
    first = Entry(hashed, Case().version, 1, "role:oncologist", delivery_hash("d1"), "sha256:x")
    assert (await log.append(first)).kind == "kept"
    late = Entry(hashed, Case().version, 1, "role:trainee", delivery_hash("d2"), "sha256:x")
    assert (await log.append(late)).kind == "elsewhere"
    again = Entry(hashed, Case().version, 1, "role:oncologist", delivery_hash("d1"), "sha256:x")
    assert (await log.append(again)).kind == "duplicate"
    assert place.turns() == ["role:oncologist"]
    assert len(place.execute("SELECT * FROM delivery")) == 1, "what was refused leaves nothing"


async def test_one_entry_that_cannot_be_kept_fails_alone(place: Place, log: Log) -> None:
    """S25: were it to fail, one conversation's defect fails every turn that shares its commit."""
    names = [f"terminal:{number}" for number in range(20)]
    read = Case().version
    entries = [Entry(log.keys.conversation(name), read, 1, "role:x", delivery_hash("d"), "sha256:x") for name in names]
    entries[7] = Entry(entries[7].conversation, entries[7].read, 1, "\ud800", b"d" * 16, "sha256:x")
    outcomes = await asyncio.gather(*map(log.append, entries), return_exceptions=True)
    kept = [isinstance(outcome, Outcome) and outcome.kind == "kept" for outcome in outcomes]
    assert kept == [number != 7 for number in range(20)]
    assert len(place.turns()) == 19


async def test_reading_costs_the_same_however_long_the_history(tmp_path: Path) -> None:
    """Were it to fail: a million conversations, or a thousand cases of one, make every turn read them."""
    engine = SQLite(tmp_path / "log.sqlite3", Keys(KEY))
    said: list[str] = []
    with engine._reading() as db:
        db.set_trace_callback(said.append)
        engine.read(b"x")
        engine.version(b"x")
        db.set_trace_callback(None)
    engine._db.set_trace_callback(said.append)
    entry = Entry(b"x", Case().version, 1, "role:oncologist", b"d", "sha256:x")
    with engine.transaction():
        (outcome,) = engine.take([entry], 0)
    later = Entry(b"x", Case(outcome.serial, 1, ("role:oncologist",)).version, 1, "gate:in_scope", b"e", "sha256:x")
    with engine.transaction():
        engine.take([later], 0)
        engine.claim(0, 60, 10)
    engine._db.set_trace_callback(None)
    details = []
    for statement in said:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            details += [detail for *_, detail in engine._db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert len(details) > 8
    assert not [detail for detail in details if detail.startswith("SCAN") and "CONSTANT" not in detail], details
    engine.close()


async def test_postgresql_reads_by_index_too(make_place: Callable[[str], Place]) -> None:
    """Were it to fail: the same, with several workers waiting for one another."""
    place = make_place("postgresql")
    log = place.open()
    await append(log, "role:oncologist", "d1")
    assert isinstance(log.engine, PostgreSQL)
    with log.engine._connection() as db:  # a plan made while the outbox was empty would stay a scan of it
        assert db.execute("SHOW enable_seqscan").fetchone() == ("off",)
    for query in (
        "SELECT number FROM conversation WHERE id = 'x'",
        "SELECT turn FROM turn WHERE conversation = 1 AND case_number = 1 ORDER BY sequence",
        "SELECT 1 FROM delivery WHERE conversation = 1 AND id = 'x'",
        "SELECT number FROM conversation WHERE seen_hour < 5 LIMIT 10",
    ):
        plan = str(place.execute(f"SET enable_seqscan = off; EXPLAIN {query}"))
        assert "Index" in plan, plan


async def test_forget_leaves_no_byte(place: Place, log: Log) -> None:
    """S32: were it to fail, erased answers stand in a free page, in the write-ahead log, or in another table."""
    app = place.app(log, keep_records=True)
    for number, turn in enumerate(CASE):
        await app.handle(WHO, Tap(turn), f"delivery-{number}")
    assert len(place.execute("SELECT * FROM record")) == 1
    await app.handle("terminal:other", Tap("role:trainee"), "delivery-of-another")
    await app.forget(WHO)
    left = place.everything()
    traces = [*CASE, "delivery-0", WHO, "someone", "t_dm1"]
    hashes = [log.keys.conversation(WHO), *log.keys.owners(WHO), delivery_hash("delivery-0")]
    for trace in (*traces, *(part for name in hashes for part in (name.decode("latin-1"), repr(name), name.hex()))):
        assert trace not in left, trace
    assert "role:trainee" in left
    assert place.turns() == ["role:trainee"]


async def test_forget_does_not_claim_what_it_could_not_do(make_place: Callable[[str], Place]) -> None:
    """S32: were it to fail, "everything was erased" is said while another reader keeps the old pages in the file."""
    place = make_place("sqlite")
    log = place.open()
    assert isinstance(log.engine, SQLite)
    log.engine._db.execute("PRAGMA busy_timeout=0")
    app = place.app(log)
    await app.handle(WHO, Tap("role:oncologist"))
    with closing(sqlite3.connect(place.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM turn").fetchall()
        said = ids(await app.handle(WHO, Text("/forget")))
        left = b"".join(path.read_bytes() for path in place.file.parent.iterdir())
    assert said == ["notice.unavailable"] or b"role:oncologist" not in left
    assert ids(await app.handle(WHO, Text("/forget"))) == ["forgotten"]


async def test_an_erasure_delivered_twice_erases_once(place: Place, log: Log) -> None:
    """S24, S32: were it to fail, a late copy of /forget erases the case begun after it."""
    app = place.app(log)
    await app.handle(WHO, Tap("role:oncologist"), "d1")
    assert ids(await app.handle(WHO, Text("/forget"), "d2")) == ["forgotten"]
    await app.handle(WHO, Tap("role:trainee"), "d3")
    assert ids(await app.handle(WHO, Text("/forget"), "d2")) == ["gate"]
    assert place.turns() == ["role:trainee"]
    assert ids(await app.handle(WHO, Text("/forget"), "d4")) == ["forgotten"]


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """S25: were it to fail, a damaged or newer file is a traceback, or is overwritten."""
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_bytes(b"no database " * 200)
    newer = tmp_path / "newer.sqlite3"
    with closing(sqlite3.connect(newer)) as database:
        database.execute(f"PRAGMA user_version={len(migrations('sqlite')) + 1}")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path, said in (
        (damaged, "not a database"), (newer, "newer version"), (tmp_path / "file" / "x.sqlite3", "exists"),
        (tmp_path / "folder", "unable to open"),
    ):  # fmt: skip
        with pytest.raises(LogError, match=said) as refusal:
            SQLite(path, Keys(KEY))
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert damaged.read_bytes() == b"no database " * 200


def test_a_second_process_is_refused_and_told_why(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, two processes share one SQLite file, each with its own idea of where a case stands."""
    place = make_place("sqlite")
    first = place.engine()
    with pytest.raises(LogError, match=r"in use by another process .*PostgreSQL"):
        place.engine()
    first.close()
    place.engine().close()


def test_opening_again_changes_nothing(place: Place) -> None:
    """S24: were it to fail, a second start empties or refuses the log of the first."""
    for _ in range(3):
        log = place.open()
        log.close()
        log.close()


def test_a_database_newer_than_the_program_is_refused(place: Place) -> None:
    """S24: were it to fail, an old program writes into tables it does not know."""
    place.open().close()
    statement = "UPDATE schema_version SET version = version + 1" if place.url else "PRAGMA user_version=99"
    place.execute(statement)
    with pytest.raises(LogError, match="newer version"):
        place.engine()


def test_migrations_are_numbered_without_a_gap() -> None:
    """Were it to fail: a step is passed over, or taken twice."""
    for engine in ("sqlite", "postgresql"):
        assert [step.number for step in migrations(engine)] == list(range(1, len(migrations(engine)) + 1))
        assert pending(engine, len(migrations(engine))) == []


async def test_a_file_of_the_first_schema_keeps_its_current_case(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, an upgrade loses the answers of a case that is open."""
    place = make_place("sqlite")
    place.file.parent.mkdir()
    with closing(sqlite3.connect(place.file, isolation_level=None)) as old:
        old.executescript(migrations("sqlite")[0].sql)
        old.execute("PRAGMA user_version=1")
        rows = [
            (WHO, 1, 1, "role:trainee", "d0"), (WHO, 2, 1, "/restart", "d1"), (WHO, 2, 2, "", "d2"),
            (WHO, 2, 3, "role:oncologist", "d3"), (WHO, 2, 4, "gate:in_scope", None),
            ("other", 1, 1, "role:other", None),
        ]  # fmt: skip
        for name, case, sequence, turn, delivery in rows:
            old.execute(
                "INSERT INTO turn VALUES (?, ?, ?, ?, ?, 'sha256:x', ?)",
                (name, case, sequence, turn, delivery, NOW.isoformat()),
            )
    app = place.app()
    assert ids(await app.opening(WHO)) == ["red_flags"]
    for delivery in ("d0", "d2", "d3"):
        assert ids(await app.handle(WHO, Tap("red_flags:none"), delivery)) == ["red_flags"], "taken before the upgrade"
    assert ids(await app.handle(WHO, Tap("red_flags:none"), "d4")) == ["prior_lines"]
    assert b"someone" not in place.file.read_bytes()


def test_a_turn_is_the_same_text_everywhere() -> None:
    """S24: were it to fail, a turn read back from the log is another than the one taken."""
    for turn in (Answer("safety", ("lvef", "platelets")), Answer("gate", ("in_scope",)), Command("back"),
                 Command("edit", "hr_status")):  # fmt: skip
        assert from_wire(to_wire(turn)) == turn
    for text in ("", ":", "gate", "gate:", ":in_scope", " "):
        with pytest.raises(NotATurn):
            from_wire(text)
    with pytest.raises(NotATurn):
        to_wire(Unclear())


# The application: deliveries and restarts


async def test_the_same_delivery_twice_changes_nothing(place: Place, log: Log) -> None:
    """S24: were it to fail, a delivery that a messenger repeats answers the next question, or a line counts twice."""
    app = place.app(log)
    for number, turn in enumerate(CASE):
        await app.handle(WHO, Tap(turn), f"d{number}")
        state, kept = await app.state_of(WHO), place.turns()
        for _ in range(2):
            again = await app.handle(WHO, Tap(turn), f"d{number}")
            assert ids(again) == [state.here]
        assert await app.state_of(WHO) == state
        assert place.turns() == kept
    again = place.app(log)
    await again.handle(WHO, Tap(CASE[3]), "d3")
    assert await again.state_of(WHO) == await app.state_of(WHO), "after a restart too"


async def test_a_delivery_that_changed_nothing_changes_nothing_later_either(place: Place, log: Log) -> None:
    """S24: were it to fail, a tap told "nothing was changed" is taken once it is delivered a second time."""
    app = place.app(log)
    assert ids(await app.handle(WHO, Tap("gate:in_scope"), "d1")) == ["notice.stale", "role"]
    await app.handle(WHO, Tap("role:oncologist"), "d2")
    await app.handle(WHO, Tap("gate:in_scope"), "d1")
    assert (await app.state_of(WHO)).here == "gate"


async def test_deliveries_of_different_conversations_are_different(place: Place, log: Log) -> None:
    """S33: were it to fail, one user's message number 7 swallows another's."""
    app = place.app(log)
    await app.handle("a", Tap("role:oncologist"), "7")
    await app.handle("b", Tap("role:trainee"), "7")
    assert ((await app.state_of("a")).role, (await app.state_of("b")).role) == ("oncologist", "trainee")


async def test_a_restart_between_any_two_turns_changes_nothing(
    place: Place, make_place: Callable[[str], Place]
) -> None:
    """S22, S24: were it to fail, the conversation stands elsewhere after a restart, or an answer is lost."""
    turns = (*CASE[:6], "/back", "prior_lines:done", *CASE[6:11], "/edit hr_status", "hr_status:unknown",
             "review:confirm", "/edit brain_metastases", "brain_metastases:stable", "leptomeningeal:absent",
             "/restart", *CASE[:2], "/cancel", "/restart", *CASE)  # fmt: skip
    other = make_place("sqlite")
    whole = other.app()
    for turn in turns:
        said = await whole.handle("whole", Tap(turn))
        before = place.open()
        assert await place.app(before).handle("restarted", Tap(turn)) == said, turn
        before.close()
        after = place.open()
        assert await place.app(after).state_of("restarted") == await whole.state_of("whole"), turn
        after.close()
    assert (await whole.state_of("whole")).here == "advice"


async def test_a_conversation_out_of_memory_is_read_again(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S24: were it to fail, the ten thousand and first conversation makes another lose its place."""
    monkeypatch.setattr(bot.app, "REMEMBERED", 2)
    app = place.app(log)
    names = ("a", "b", "c", "d")
    for turn in CASE[:5]:
        for name in names:
            await app.handle(name, Tap(turn))
    assert len(app._states) == 2
    assert {(await app.state_of(name)).here for name in names} == {"prior_lines"}
    assert {(await log.current(name)).turns for name in names} == {CASE[:5]}


async def test_a_turn_that_changes_nothing_is_not_written(place: Place, log: Log) -> None:
    """S30: were it to fail, what was typed or asked leaves a trace."""
    app = place.app(log)
    await app.handle(WHO, Tap("role:oncologist"))
    kept = place.turns()
    for incoming in (Text("/help"), Text("/privacy"), Text("nonsense"), Text("/nonsense"), Tap("gate:nonsense"),
                     Tap("role:trainee"), Tap("nonsense"), Tap(""), Unsupported(), Text("/evidence")):  # fmt: skip
        await app.handle(WHO, incoming)
    assert place.turns() == kept
    await app.handle(WHO, Text("nonsense"), "d-nonsense")
    assert place.turns() == kept, "of a delivery, only that it was taken"
    assert len(place.execute("SELECT * FROM delivery")) == 2


@pytest.mark.parametrize("incoming", [Text("/restart zzcanaryzz"), Tap("/restart zzcanaryzz"), Tap("/back zzcanaryzz")])
async def test_words_after_a_command_are_not_written(incoming: Incoming, place: Place, log: Log) -> None:
    """S30: were it to fail, a name typed after a command stands in the log until it is erased."""
    app = place.app(log)
    await app.handle(WHO, Tap("role:oncologist"))
    await app.handle(WHO, incoming)
    assert "zzcanaryzz" not in str(place.turns())


async def test_an_answer_given_many_times_over_is_written_once(place: Place, log: Log) -> None:
    """S33: were it to fail, one tap of a web client writes megabytes that every later reading reads again."""
    app = place.app(log)
    for turn in CASE[:6]:
        await app.handle(WHO, Tap(turn))
    await app.handle(WHO, Tap("early_stage_agents:" + "+".join(["taxane"] * 100_000)))
    assert max(map(len, place.turns())) < 4000


# The application: what goes wrong


@pytest.mark.parametrize("part", ["step", "render", "to_wire"])
@pytest.mark.parametrize("answered", [3, 11])
async def test_an_exception_leaves_the_state_and_is_said(
    part: str, answered: int, place: Place, log: Log, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S25, S31: were it to fail, a defect moves the case on, shows half an answer, or logs what it was about."""
    app = place.app(log)
    for turn in CASE[:answered]:
        await app.handle(WHO, Tap(turn))
    state, kept = await app.state_of(WHO), place.turns()

    def fails(*_: object) -> Any:
        raise RuntimeError("zzcanaryzz is what was typed")

    with monkeypatch.context() as trouble:
        trouble.setattr(bot.app, part, fails)
        said = await app.handle(WHO, Tap(CASE[answered]), "d1")
    assert ids(said) == ["notice.error"]
    assert english(shipped()).vocabulary.notices["error"] in said[0].text
    assert "zzcanaryzz" not in said[0].text
    assert "zzcanaryzz" not in "".join(capfd.readouterr())
    assert await app.state_of(WHO) == state
    assert place.turns() == kept
    assert ids(await app.handle(WHO, Tap(CASE[answered]), "d1")) != ["notice.error"], (
        "the same delivery may be tried again"
    )
    assert place.turns()[:-1] == kept


def broken(log: Log, monkeypatch: pytest.MonkeyPatch, *methods: str) -> None:
    """Let methods of the engine fail as where the disk is full or the database is gone."""

    def fails(*_: object, **__: object) -> Any:
        raise LogError("disk full")

    for method in methods:
        monkeypatch.setattr(log.engine, method, fails)


@pytest.mark.parametrize("method", ["take", "transaction"])
@pytest.mark.parametrize("answered", [0, 3, 11])
async def test_a_log_that_fails_lets_nothing_out(
    method: str, answered: int, place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S24, S25: were it to fail, an answer is acknowledged, or a recommendation shown, that is not kept."""
    app = place.app(log)
    for turn in CASE[:answered]:
        await app.handle(WHO, Tap(turn))
    state, kept = await app.state_of(WHO), place.turns()
    with monkeypatch.context() as trouble:
        broken(log, trouble, method)
        for _ in range(2):
            assert ids(await app.handle(WHO, Tap(CASE[answered]), "d1")) == ["notice.unavailable"]
    assert await app.state_of(WHO) == state
    assert place.turns() == kept
    assert "notice.unavailable" not in ids(await app.handle(WHO, Tap(CASE[answered]), "d1"))
    assert (await log.current(WHO)).turns == CASE[: answered + 1]


async def test_a_log_that_cannot_be_read_is_not_taken_for_an_empty_one(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S24: were it to fail, a locked file starts the case anew, over the answers given."""
    for turn in CASE[:5]:
        await place.app(log).handle(WHO, Tap(turn))
    fresh = place.app(log)
    with monkeypatch.context() as trouble:
        broken(log, trouble, "read")
        assert ids(await fresh.handle(WHO, Tap("/start"))) == ["notice.unavailable"]
        assert ids(await fresh.opening(WHO)) == ["notice.unavailable"]
    assert ids(await fresh.opening(WHO)) == ["prior_lines"]
    assert len(place.turns()) == 5


async def test_an_erasure_that_fails_is_not_claimed(place: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """S25, S32: were it to fail, "everything was erased" is said of answers that are still there."""
    app = place.app(log)
    await app.handle(WHO, Tap(CASE[0]))
    with monkeypatch.context() as trouble:
        broken(log, trouble, "forget")
        assert ids(await app.handle(WHO, Text("/forget"))) == ["notice.unavailable"]
    assert (await app.state_of(WHO)).here == "gate"
    assert ids(await app.handle(WHO, Text("/forget"))) == ["forgotten"]
    assert (await app.state_of(WHO)).here == "role"
    assert place.turns() == []


async def test_out_of_memory_is_said_and_changes_nothing(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S25: were it to fail, a worker out of memory keeps half a turn or answers nobody any more."""
    app = place.app(log)
    await app.handle(WHO, Tap(CASE[0]))

    def exhausted(*_: object) -> Any:
        raise MemoryError

    with monkeypatch.context() as trouble:
        trouble.setattr(log.engine, "take", exhausted)
        assert ids(await app.handle(WHO, Tap(CASE[1]), "d1")) == ["notice.error"]
    with monkeypatch.context() as trouble:
        trouble.setattr(bot.app, "render", exhausted)
        assert ids(await app.handle(WHO, Tap(CASE[1]), "d1")) == ["notice.error"]
    assert place.turns() == [CASE[0]]
    assert ids(await app.handle(WHO, Tap(CASE[1]), "d1")) == ["red_flags"]


async def test_two_workers_do_not_spoil_the_case(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, two workers on one conversation overwrite or double an answer, or show an old question."""
    place = make_place("postgresql")
    one, other = place.app(), place.app()
    await one.opening(WHO)
    await other.opening(WHO)
    await one.handle(WHO, Tap("role:oncologist"))
    assert ids(await other.opening(WHO)) == ["gate"]
    assert ids(await one.handle(WHO, Tap("gate:in_scope"))) == ["red_flags"]
    assert ids(await other.handle(WHO, Tap("role:trainee"))) == ["notice.stale", "red_flags"]
    assert ids(await other.handle(WHO, Tap("red_flags:none"))) == ["prior_lines"]
    assert ids(await one.handle(WHO, Tap("prior_lines:tch"))) == ["line_outcome"], "it reads what the other left"
    assert place.turns() == ["role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch"]


async def test_a_conversation_begun_again_elsewhere_is_another(make_place: Callable[[str], Place]) -> None:
    """S32: were it to fail, a worker goes on with answers that were erased, because as many were given since."""
    place = make_place("postgresql")
    one, other = place.app(), place.app()
    for turn in ("role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch"):
        await one.handle(WHO, Tap(turn))
    await other.handle(WHO, Text("/forget"))
    for turn in ("role:trainee", "gate:in_scope", "red_flags:none", "prior_lines:thp"):
        await other.handle(WHO, Tap(turn))
    await one.handle(WHO, Tap("line_outcome:progression"))
    assert (await one.state_of(WHO)).role == "trainee"
    assert (await one.state_of(WHO)).answers == (await place.app().state_of(WHO)).answers


async def test_a_log_of_turns_that_no_longer_exist_is_still_a_conversation(place: Place, log: Log) -> None:
    """S25: were it to fail, a question renamed in a new version leaves a clinician without any way on."""
    for turn in ("role:oncologist", "gate:in_scope", "no_such_question:yes", "red_flags:no_such_option", "/no_such",
                 "red_flags:none"):  # fmt: skip
        await append(log, turn)
    app = place.app(log)
    assert ids(await app.opening(WHO)) == ["prior_lines"]


async def test_a_case_that_cannot_be_read_any_more_ends_and_the_next_one_is_kept(place: Place, log: Log) -> None:
    """S24, S25: were it to fail, answers given after an upgrade are lost at every restart, or none is taken."""
    for turn in ("role:oncologist", "no turn of any version"):
        await append(log, turn)
    assert ids(await place.app(log).opening(WHO)) == ["role"]
    assert ids(await place.app(log).handle(WHO, Text("nonsense"), "d0"))[-1] == "role"
    app = place.app(log)
    assert ids(await app.handle(WHO, Tap("role:trainee"), "d1")) == ["gate"]
    assert ids(await app.handle(WHO, Tap("gate:in_scope"), "d2")) == ["red_flags"]
    assert ids(await place.app(log).opening(WHO)) == ["red_flags"]
    assert place.turns() == ["role:trainee", "gate:in_scope"]


# The application: bounds and notices


@pytest.mark.parametrize(
    ("incoming", "notice"),
    [
        (Unsupported(), "notice.unsupported"),
        (Unsupported("edited"), "notice.edited"),
        (Text("x" * (LONGEST + 1)), "notice.too_long"),
        (Text("in_scope" + " " * LONGEST), "notice.too_long"),
    ],
    ids=["unsupported", "edited", "too long", "too long with an answer"],
)
async def test_what_cannot_be_read_is_said_and_changes_nothing(
    incoming: Incoming, notice: str, place: Place, log: Log
) -> None:
    """S25, S33: were it to fail, a photo, an edited message or a flood of text answers a question or is silence."""
    app = place.app(log)
    await app.handle(WHO, Tap("role:oncologist"))
    state, kept = await app.state_of(WHO), place.turns()
    said = await app.handle(WHO, incoming, "d1")
    assert ids(said) == [notice]
    assert english(shipped()).vocabulary.notices[notice.removeprefix("notice.")] in said[0].text
    assert await app.state_of(WHO) == state
    assert place.turns() == kept


async def test_the_longest_text_is_still_read(place: Place, log: Log) -> None:
    """Were it to fail: the bound cuts off what it should let in."""
    app = place.app(log)
    assert ids(await app.handle(WHO, Text("oncologist".ljust(LONGEST)))) == ["gate"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "\x00", "\ud800", "é" * 100, "/", "//", "/ /", "/edit", "/edit :", ":", "a:b+c", "+", "💊" * 400],
)
async def test_odd_texts_are_answered(text: str, place: Place, log: Log) -> None:
    """S25: were it to fail, an odd text is an error on our side, and every tester finds it within a minute."""
    app = place.app(log)
    for turn in ("role:oncologist", "gate:in_scope", "red_flags:none"):
        assert "notice.error" not in ids(await app.handle(WHO, Text(text), "d1"))
        assert "notice.error" not in ids(await app.handle(WHO, Tap(text), "d2"))
        await app.handle(WHO, Tap(turn))
    assert (await app.state_of(WHO)).here == "prior_lines"


async def test_one_case_takes_only_so_many_turns(place: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """S33: were it to fail, one conversation fills the disk by going back and forth."""
    monkeypatch.setattr(bot.app, "TURNS_OF_A_CASE", 6)
    app = place.app(log)
    await app.handle(WHO, Tap("role:oncologist"))
    for _ in range(10):
        await app.handle(WHO, Tap("gate:in_scope"))
        await app.handle(WHO, Tap("/back"))
    assert len(place.turns()) == 6
    assert (await app.state_of(WHO)).here == (await place.app(log).state_of(WHO)).here


@pytest.mark.parametrize("command", ["restart", "cancel", "forget"])
async def test_a_full_case_can_be_left(command: str, place: Place, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """S15, S32: were it to fail, a case at its bound is a dead end: no new case, no way to cancel it."""
    monkeypatch.setattr(bot.app, "TURNS_OF_A_CASE", 2)
    app = place.app(log)
    for turn in CASE[:4]:
        await app.handle(WHO, Tap(turn))
    wanted = {"restart": ["role"], "cancel": ["cancelled"], "forget": ["forgotten"]}
    assert ids(await app.handle(WHO, Text(f"/{command}"))) == wanted[command]
    assert ids(await app.handle(WHO, Text("/restart")))[-1] == "role"
    assert ids(await app.handle(WHO, Tap("role:oncologist"))) == ["gate"]


async def test_a_restart_opens_a_case_of_its_own(place: Place, log: Log) -> None:
    """Were it to fail: the turns of a finished case count and cost with every case after it."""
    app = place.app(log)
    for turn in (*CASE, "/restart", *CASE[:2], "/cancel", "/restart", *CASE[:1]):
        await app.handle(WHO, Tap(turn))
    assert await log.current(WHO) == Case(1, 4, ("/restart", "role:oncologist"))
    assert place.turns() == ["/restart", "role:oncologist"], "of finished cases nothing is kept"


async def test_the_setting_of_the_region_reaches_the_profile(place: Place, log: Log) -> None:
    """Were it to fail: TRIAGE_REGION is read and then forgotten."""
    app = place.app(log, region="china")
    for turn in CASE[:3]:
        await app.handle(WHO, Tap(turn))
    assert (await app.state_of(WHO)).profile.region == "china"
    await app.handle(WHO, Tap("/restart"))
    assert (await app.state_of(WHO)).profile.region == "china"


# The review-by date

REVIEW_BY = shipped().manifest.governance.review_by
FINALS = {
    "advice": CASE,
    "referred": ("role:oncologist", "gate:in_scope", "red_flags:cord_compression"),
    "declined": ("role:oncologist", "gate:early_stage"),
    "needs_information": ("role:oncologist", "gate:stage_unknown"),
}


async def last_said(app: App, turns: tuple[str, ...]) -> Message:
    said: list[Message] = []
    for turn in turns:
        said = await app.handle(WHO, Tap(turn))
    return said[0]


@pytest.mark.parametrize("final", FINALS)
async def test_past_the_review_by_date_an_answer_says_so(final: str, place: Place, log: Log) -> None:
    """S27: were it to fail, an answer or a refusal drawn from overdue rules looks like a current one."""
    app = place.app(log, REVIEW_BY + timedelta(days=1))
    said = await last_said(app, FINALS[final])
    assert said.id == final
    assert "review-by date" in said.text


@pytest.mark.parametrize("today", [NOW.date(), REVIEW_BY - timedelta(days=1), REVIEW_BY])
async def test_until_the_review_by_date_there_is_no_banner(today: date, place: Place, log: Log) -> None:
    """S27: were it to fail, every answer carries a warning, and nobody reads it any more."""
    app = place.app(log, today)
    for turn in CASE:
        for message in await app.handle(WHO, Tap(turn)):
            assert "review-by date" not in message.text


async def test_the_clock_is_asked_at_every_answer(place: Place, log: Log) -> None:
    """S27: were it to fail, a server that runs past the date never shows the banner."""
    days = [NOW.date()]
    app = App(shipped(), log, today=lambda: days[-1])
    assert "review-by" not in (await last_said(app, CASE)).text
    days.append(REVIEW_BY + timedelta(days=1))
    (said,) = await app.opening(WHO)
    assert "review-by date" in said.blocks[0].text
    assert said.id == "advice"


async def test_the_banner_does_not_change_the_answer(place: Place, log: Log) -> None:
    """S22: were it to fail, the day of asking changes what is recommended."""
    (before,) = [message for message in await _play(place.app(log), "before") if message.id == "advice"]
    late = place.app(log, date(2099, 1, 1))
    (after,) = [message for message in await _play(late, "after") if message.id == "advice"]
    assert after.blocks[1:] == before.blocks
    assert after.buttons == before.buttons


async def _play(app: App, conversation: str) -> list[Message]:
    return [message for turn in CASE for message in await app.handle(conversation, Tap(turn))]
