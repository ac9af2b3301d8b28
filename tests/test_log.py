"""The log of turns, and the application around it: what survives trouble, and what trouble may not do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import bot.app
from bot.app import App, Incoming, Tap, Text, Unsupported
from bot.log import SCHEMA_VERSION, Case, Log, LogError
from bot.wire import NotATurn, from_wire, to_wire
from flows.dialogue import Answer, Command, Unclear
from flows.knowledge.load import shipped
from messages.message import Message
from messages.understanding import LONGEST
from messages.words import english

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
WHO = "someone"
CASE = ("role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
        "prior_lines:done", "early_stage_agents:none", "brain_metastases:none", "hr_status:negative",
        "tdxd_access:unavailable", "safety:none", "review:confirm")  # fmt: skip
"""A whole case on the wire, from the first question to the answer."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "triage.sqlite3"


@pytest.fixture
def log(file: Path) -> Iterator[Log]:
    opened = Log(file, lambda: NOW)
    yield opened
    opened.close()


def app_on(log: Log, today: date = TODAY, region: str | None = None) -> App:
    return App(shipped(), log, today=lambda: today, region=region)


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


def rows(file: Path) -> list[tuple[Any, ...]]:
    """What stands in the file, read past the program."""
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT * FROM turn ORDER BY conversation, case_number, sequence").fetchall()


def plan(log: Log, call: str) -> list[str]:
    """How SQLite finds what the statements of `current` or `delivered` ask for."""
    said: list[str] = []
    log._db.set_trace_callback(said.append)
    log.current(WHO) if call == "current" else log.delivered(WHO, "d1")
    log._db.set_trace_callback(None)
    (statement,) = said
    return [detail for *_, detail in log._db.execute(f"EXPLAIN QUERY PLAN {statement}")]


# The log


def test_what_is_appended_is_current_also_in_another_process(file: Path) -> None:
    """S24: were it to fail, an acknowledged answer is lost with the process."""
    log = Log(file, lambda: NOW)
    assert log.current(WHO) == Case(1, ())
    case = log.append(WHO, log.current(WHO), "role:oncologist", "sha256:x", "d1")
    case = log.append(WHO, case, "gate:in_scope", "sha256:x")
    assert case == Case(1, ("role:oncologist", "gate:in_scope")) == log.current(WHO)
    with closing(sqlite3.connect(file)) as database:  # the first connection is still open: as after a kill
        assert database.execute("SELECT count(*) FROM turn").fetchone() == (2,)
    log.close()
    again = Log(file, lambda: NOW)
    assert again.current(WHO) == case
    again.close()
    assert rows(file)[0] == (WHO, 1, 1, "role:oncologist", "d1", "sha256:x", NOW.isoformat())


def test_conversations_do_not_see_one_another(log: Log) -> None:
    """S32, S33: were it to fail, one clinician reads or erases another's case."""
    for name in ("a", "b", "a'", "a%", "a_"):
        log.append(name, Case(1, ()), f"role:{name}", "sha256:x", "d1")
    log.forget("a")
    assert log.current("a") == Case(1, ())
    assert not log.delivered("a", "d1")
    for name in ("b", "a'", "a%", "a_"):
        assert log.current(name).turns == (f"role:{name}",)
        assert log.delivered(name, "d1")


def test_a_second_case_hides_the_first(log: Log, file: Path) -> None:
    """Were it to fail: a new patient's case starts with the answers of the patient before."""
    first = log.append(WHO, Case(1, ()), "role:oncologist", "sha256:x", "d1")
    log.append(WHO, first, "gate:in_scope", "sha256:x")
    second = log.append(WHO, Case(2, ()), "/restart", "sha256:x", "d2")
    assert log.current(WHO) == second == Case(2, ("/restart",))
    assert log.delivered(WHO, "d1"), "a delivery of the case before still counts"
    assert len(rows(file)) == 3


def test_a_turn_cannot_take_the_place_of_another(log: Log) -> None:
    """S24: were it to fail, two processes on one file overwrite each other's answers."""
    log.append(WHO, Case(1, ()), "role:oncologist", "sha256:x", "d1")
    with pytest.raises(LogError):
        log.append(WHO, Case(1, ()), "role:trainee", "sha256:x")
    with pytest.raises(LogError):
        log.append(WHO, Case(1, ("role:oncologist",)), "gate:in_scope", "sha256:x", "d1")
    assert log.current(WHO).turns == ("role:oncologist",)


@pytest.mark.parametrize("call", ["current", "delivered"])
def test_reading_costs_the_same_however_long_the_history(call: str, log: Log) -> None:
    """Were it to fail: a conversation of a thousand cases makes every turn read all of them."""
    details = plan(log, call)
    assert details
    for detail in details:
        assert "SCAN turn" not in detail, details
        if "turn" in detail:
            assert detail.startswith("SEARCH turn USING"), details
            assert "conversation=?" in detail
    assert not any("TEMP B-TREE" in detail for detail in details), details
    used = "turn_delivery" if call == "delivered" else "PRIMARY KEY"
    assert any(used in detail for detail in details), details


def test_forget_leaves_no_byte(log: Log, file: Path) -> None:
    """S32: were it to fail, erased answers stand in a free page or in the write-ahead log."""
    app = app_on(log)
    for number, turn in enumerate(CASE):
        app.handle(WHO, Tap(turn), f"delivery-{number}")
    app.handle("other", Tap("role:trainee"), "delivery-of-another")
    app.forget(WHO)
    left = b"".join(path.read_bytes() for path in file.parent.iterdir())
    for trace in (*CASE, "delivery-0", WHO):
        assert trace.encode() not in left, trace
    assert b"role:trainee" in left
    assert rows(file) == [("other", 1, 1, "role:trainee", "delivery-of-another", shipped().digest, NOW.isoformat())]


def test_forget_does_not_claim_what_it_could_not_do(log: Log, file: Path) -> None:
    """S32: were it to fail, "everything was erased" is said while another reader keeps the old pages in the file."""
    log._db.execute("PRAGMA busy_timeout=0")
    app = app_on(log)
    app.handle(WHO, Tap("role:oncologist"))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM turn").fetchall()
        said = ids(app.handle(WHO, Text("/forget")))
        left = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert said == ["notice.error"] or b"role:oncologist" not in left


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """S25: were it to fail, a damaged or newer file is a traceback, or is overwritten."""
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_bytes(b"no database " * 200)
    newer = tmp_path / "newer.sqlite3"
    with closing(sqlite3.connect(newer)) as database:
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    (tmp_path / "file").write_text("")
    for path, said in (
        (damaged, "not a database"), (newer, "newer version"), (tmp_path / "file" / "x.sqlite3", "exists"),
        (tmp_path, "unable to open"),
    ):  # fmt: skip
        with pytest.raises(LogError, match=said) as refusal:
            Log(path, lambda: NOW)
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert damaged.read_bytes() == b"no database " * 200


def test_opening_again_changes_nothing(file: Path) -> None:
    """S24: were it to fail, a second start empties or refuses the file of the first."""
    first, second = Log(file, lambda: NOW), Log(file, lambda: NOW)
    first.append(WHO, Case(1, ()), "role:oncologist", "sha256:x")
    assert second.current(WHO).turns == ("role:oncologist",)
    first.close()
    second.close()
    first.close()


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


def test_the_same_delivery_twice_changes_nothing(log: Log, file: Path) -> None:
    """S24: were it to fail, a delivery that a messenger repeats answers the next question, or a line counts twice."""
    app = app_on(log)
    for number, turn in enumerate(CASE):
        app.handle(WHO, Tap(turn), f"d{number}")
        state, kept = app.state_of(WHO), rows(file)
        for _ in range(2):
            again = app.handle(WHO, Tap(turn), f"d{number}")
            assert ids(again) == [state.here]
        assert app.state_of(WHO) == state
        assert rows(file) == kept
    again = app_on(log)
    again.handle(WHO, Tap(CASE[3]), "d3")
    assert again.state_of(WHO) == app.state_of(WHO), "after a restart too"


def test_a_delivery_that_changed_nothing_changes_nothing_later_either(log: Log) -> None:
    """S24: were it to fail, a tap told "nothing was changed" is taken once it is delivered a second time."""
    app = app_on(log)
    assert ids(app.handle(WHO, Tap("gate:in_scope"), "d1")) == ["notice.stale", "role"]
    app.handle(WHO, Tap("role:oncologist"), "d2")
    app.handle(WHO, Tap("gate:in_scope"), "d1")
    assert app.state_of(WHO).here == "gate"


def test_deliveries_of_different_conversations_are_different(log: Log) -> None:
    """S33: were it to fail, one user's message number 7 swallows another's."""
    app = app_on(log)
    app.handle("a", Tap("role:oncologist"), "7")
    app.handle("b", Tap("role:trainee"), "7")
    assert (app.state_of("a").role, app.state_of("b").role) == ("oncologist", "trainee")


def test_a_restart_between_any_two_turns_changes_nothing(file: Path) -> None:
    """S22, S24: were it to fail, the conversation stands elsewhere after a restart, or an answer is lost."""
    turns = (*CASE[:6], "/back", "prior_lines:done", *CASE[6:11], "/edit hr_status", "hr_status:unknown",
             "review:confirm", "/edit brain_metastases", "brain_metastases:stable", "leptomeningeal:absent",
             "/restart", *CASE[:2], "/cancel", "/restart", *CASE)  # fmt: skip
    log = Log(file, lambda: NOW)
    whole = app_on(log)
    for turn in turns:
        said = whole.handle("whole", Tap(turn))
        before = Log(file, lambda: NOW)
        fresh = app_on(before)
        assert fresh.state_of("restarted") == fresh.state_of("restarted")
        assert fresh.handle("restarted", Tap(turn)) == said, turn
        before.close()
        after = Log(file, lambda: NOW)
        assert app_on(after).state_of("restarted") == whole.state_of("whole"), turn
        after.close()
    assert whole.state_of("whole").here == "advice"
    log.close()


def test_a_conversation_out_of_memory_is_read_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """S24: were it to fail, the ten thousand and first conversation makes another lose its place."""
    monkeypatch.setattr(bot.app, "REMEMBERED", 2)
    app = app_on(log)
    names = ("a", "b", "c", "d")
    for turn in CASE[:5]:
        for name in names:
            app.handle(name, Tap(turn))
    assert len(app._states) == 2
    assert {app.state_of(name).here for name in names} == {"prior_lines"}
    assert {log.current(name).turns for name in names} == {CASE[:5]}


def test_a_turn_that_changes_nothing_is_not_written(log: Log, file: Path) -> None:
    """S30: were it to fail, what was typed or asked leaves a trace."""
    app = app_on(log)
    app.handle(WHO, Tap("role:oncologist"))
    kept = rows(file)
    for incoming in (Text("/help"), Text("/privacy"), Text("nonsense"), Text("/nonsense"), Tap("gate:nonsense"),
                     Tap("role:trainee"), Tap("nonsense"), Tap(""), Unsupported(), Text("/evidence")):  # fmt: skip
        app.handle(WHO, incoming)
    assert rows(file) == kept
    app.handle(WHO, Text("nonsense"), "d-nonsense")
    assert [row[3] for row in rows(file)] == ["role:oncologist", ""], "of a delivery, only that it was taken"


@pytest.mark.parametrize("incoming", [Text("/restart zzcanaryzz"), Tap("/restart zzcanaryzz"), Tap("/back zzcanaryzz")])
def test_words_after_a_command_are_not_written(incoming: Incoming, log: Log, file: Path) -> None:
    """S30: were it to fail, a name typed after a command stands in the log until it is erased."""
    app = app_on(log)
    app.handle(WHO, Tap("role:oncologist"))
    app.handle(WHO, incoming)
    assert "zzcanaryzz" not in str(rows(file))


def test_an_answer_given_many_times_over_is_written_once(log: Log, file: Path) -> None:
    """S33: were it to fail, one tap of a web client writes megabytes that every later reading reads again."""
    app = app_on(log)
    for turn in CASE[:6]:
        app.handle(WHO, Tap(turn))
    app.handle(WHO, Tap("early_stage_agents:" + "+".join(["taxane"] * 100_000)))
    assert max(len(row[3]) for row in rows(file)) < 4000


# The application: what goes wrong


@pytest.mark.parametrize("part", ["step", "render", "to_wire"])
@pytest.mark.parametrize("answered", [3, 11])
def test_an_exception_leaves_the_state_and_is_said(
    part: str, answered: int, log: Log, file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S25, S31: were it to fail, a defect moves the case on, shows half an answer, or logs what it was about."""
    app = app_on(log)
    for turn in CASE[:answered]:
        app.handle(WHO, Tap(turn))
    state, kept = app.state_of(WHO), rows(file)

    def fails(*_: object) -> Any:
        raise RuntimeError("zzcanaryzz is what was typed")

    with monkeypatch.context() as broken:
        broken.setattr(bot.app, part, fails)
        said = app.handle(WHO, Tap(CASE[answered]), "d1")
    assert ids(said) == ["notice.error"]
    assert english(shipped()).vocabulary.notices["error"] in said[0].text
    assert "zzcanaryzz" not in said[0].text
    assert "zzcanaryzz" not in "".join(capfd.readouterr())
    assert app.state_of(WHO) == state
    assert rows(file) == kept
    assert ids(app.handle(WHO, Tap(CASE[answered]), "d1")) != ["notice.error"], "the same delivery may be tried again"
    assert rows(file)[:-1] == kept


class FailingLog(Log):
    """A log whose disk is full, or whose file is locked, whenever `fails` is set."""

    fails: tuple[str, ...] = ()

    def append(self, *arguments: Any) -> Case:
        if "append" in self.fails:
            raise LogError("disk full")
        return super().append(*arguments)

    def current(self, conversation: str) -> Case:
        if "current" in self.fails:
            raise sqlite3.OperationalError("database is locked")
        return super().current(conversation)

    def delivered(self, conversation: str, delivery: str) -> bool:
        if "delivered" in self.fails:
            raise sqlite3.OperationalError("disk I/O error")
        return super().delivered(conversation, delivery)

    def forget(self, conversation: str) -> None:
        if "forget" in self.fails:
            raise LogError("disk full")
        super().forget(conversation)


@pytest.mark.parametrize("fails", ["append", "delivered", "append delivered"])
@pytest.mark.parametrize("answered", [0, 3, 11])
def test_a_log_that_fails_lets_nothing_out(fails: str, answered: int, file: Path) -> None:
    """S24, S25: were it to fail, an answer is acknowledged, or a recommendation shown, that is not kept."""
    log = FailingLog(file, lambda: NOW)
    app = app_on(log)
    for turn in CASE[:answered]:
        app.handle(WHO, Tap(turn))
    state, kept = app.state_of(WHO), rows(file)
    log.fails = tuple(fails.split())
    for _ in range(2):
        assert ids(app.handle(WHO, Tap(CASE[answered]), "d1")) == ["notice.error"]
    log.fails = ()
    assert app.state_of(WHO) == state
    assert rows(file) == kept
    assert "notice.error" not in ids(app.handle(WHO, Tap(CASE[answered]), "d1"))
    assert log.current(WHO).turns == CASE[: answered + 1]
    log.close()


def test_a_log_that_cannot_be_read_is_not_taken_for_an_empty_one(file: Path) -> None:
    """S24: were it to fail, a locked file starts the case anew, over the answers given."""
    log = FailingLog(file, lambda: NOW)
    for turn in CASE[:5]:
        app_on(log).handle(WHO, Tap(turn))
    fresh = app_on(log)
    log.fails = ("current",)
    assert ids(fresh.handle(WHO, Tap("/start"))) == ["notice.error"]
    assert ids(fresh.opening(WHO)) == ["notice.error"]
    log.fails = ()
    assert ids(fresh.opening(WHO)) == ["prior_lines"]
    assert len(rows(file)) == 5
    log.close()


def test_an_erasure_that_fails_is_not_claimed(file: Path) -> None:
    """S25, S32: were it to fail, "everything was erased" is said of answers that are still there."""
    log = FailingLog(file, lambda: NOW)
    app = app_on(log)
    app.handle(WHO, Tap(CASE[0]))
    log.fails = ("forget",)
    assert ids(app.handle(WHO, Text("/forget"))) == ["notice.error"]
    log.fails = ()
    assert app.state_of(WHO).here == "gate"
    assert ids(app.handle(WHO, Text("/forget"))) == ["forgotten"]
    assert app.state_of(WHO).here == "role"
    assert rows(file) == []
    log.close()


def test_two_processes_on_one_file_do_not_spoil_the_case(file: Path) -> None:
    """S24: were it to fail, two windows on one conversation overwrite or double an answer."""
    logs = [Log(file, lambda: NOW) for _ in range(2)]
    one, other = map(app_on, logs)
    one.opening(WHO)
    other.opening(WHO)
    one.handle(WHO, Tap("role:oncologist"))
    assert ids(other.handle(WHO, Tap("role:trainee"))) == ["notice.elsewhere", "gate"]
    assert ids(other.handle(WHO, Tap("gate:in_scope"))) == ["red_flags"], "after the trouble it has read again"
    assert logs[0].current(WHO).turns == ("role:oncologist", "gate:in_scope")
    for log in logs:
        log.close()


def test_a_log_of_turns_that_no_longer_exist_is_still_a_conversation(file: Path) -> None:
    """S25: were it to fail, a question renamed in a new version leaves a clinician without any way on."""
    log = Log(file, lambda: NOW)
    case = Case(1, ())
    for turn in ("role:oncologist", "gate:in_scope", "no_such_question:yes", "red_flags:no_such_option", "/no_such",
                 "red_flags:none"):  # fmt: skip
        case = log.append(WHO, case, turn, "sha256:older")
    app = app_on(log)
    assert ids(app.opening(WHO)) == ["prior_lines"]
    log.close()


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
def test_what_cannot_be_read_is_said_and_changes_nothing(incoming: Incoming, notice: str, log: Log, file: Path) -> None:
    """S25, S33: were it to fail, a photo, an edited message or a flood of text answers a question or is silence."""
    app = app_on(log)
    app.handle(WHO, Tap("role:oncologist"))
    state, kept = app.state_of(WHO), rows(file)
    said = app.handle(WHO, incoming, "d1")
    assert ids(said) == [notice]
    assert english(shipped()).vocabulary.notices[notice.removeprefix("notice.")] in said[0].text
    assert app.state_of(WHO) == state
    assert rows(file) == kept


def test_the_longest_text_is_still_read(log: Log) -> None:
    """Were it to fail: the bound cuts off what it should let in."""
    app = app_on(log)
    assert ids(app.handle(WHO, Text("oncologist".ljust(LONGEST)))) == ["gate"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "\x00", "\ud800", "é" * 100, "/", "//", "/ /", "/edit", "/edit :", ":", "a:b+c", "+", "💊" * 400],
)
def test_odd_texts_are_answered(text: str, log: Log) -> None:
    """S25: were it to fail, an odd text is an error on our side, and every tester finds it within a minute."""
    app = app_on(log)
    for turn in ("role:oncologist", "gate:in_scope", "red_flags:none"):
        assert "notice.error" not in ids(app.handle(WHO, Text(text), "d1"))
        assert "notice.error" not in ids(app.handle(WHO, Tap(text), "d2"))
        app.handle(WHO, Tap(turn))
    assert app.state_of(WHO).here == "prior_lines"


def test_one_case_takes_only_so_many_turns(log: Log, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S33: were it to fail, one conversation fills the disk by going back and forth."""
    monkeypatch.setattr(bot.app, "TURNS_OF_A_CASE", 6)
    app = app_on(log)
    app.handle(WHO, Tap("role:oncologist"))
    for _ in range(10):
        app.handle(WHO, Tap("gate:in_scope"))
        app.handle(WHO, Tap("/back"))
    assert len(rows(file)) == 6
    assert app.state_of(WHO).here == app_on(log).state_of(WHO).here


@pytest.mark.parametrize("command", ["restart", "cancel", "forget"])
def test_a_full_case_can_be_left(command: str, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """S15, S32: were it to fail, a case at its bound is a dead end: no new case, no way to cancel it."""
    monkeypatch.setattr(bot.app, "TURNS_OF_A_CASE", 2)
    app = app_on(log)
    for turn in CASE[:4]:
        app.handle(WHO, Tap(turn))
    wanted = {"restart": ["role"], "cancel": ["cancelled"], "forget": ["forgotten"]}
    assert ids(app.handle(WHO, Text(f"/{command}"))) == wanted[command]
    assert ids(app.handle(WHO, Text("/restart")))[-1] == "role"
    assert ids(app.handle(WHO, Tap("role:oncologist"))) == ["gate"]


def test_a_restart_opens_a_case_of_its_own(log: Log, file: Path) -> None:
    """Were it to fail: the turns of a finished case count and cost with every case after it."""
    app = app_on(log)
    for turn in (*CASE, "/restart", *CASE[:2], "/cancel", "/restart", *CASE[:1]):
        app.handle(WHO, Tap(turn))
    assert sorted({row[1] for row in rows(file)}) == [1, 2, 3, 4]
    assert log.current(WHO).turns == ("/restart", "role:oncologist")


def test_the_setting_of_the_region_reaches_the_profile(log: Log) -> None:
    """Were it to fail: TRIAGE_REGION is read and then forgotten."""
    app = app_on(log, region="china")
    for turn in CASE[:3]:
        app.handle(WHO, Tap(turn))
    assert app.state_of(WHO).profile.region == "china"
    app.handle(WHO, Tap("/restart"))
    assert app.state_of(WHO).profile.region == "china"


# The review-by date

REVIEW_BY = shipped().manifest.governance.review_by
FINALS = {
    "advice": CASE,
    "referred": ("role:oncologist", "gate:in_scope", "red_flags:cord_compression"),
    "declined": ("role:oncologist", "gate:early_stage"),
    "needs_information": ("role:oncologist", "gate:stage_unknown"),
}


def last_said(app: App, turns: tuple[str, ...]) -> Message:
    said: list[Message] = []
    for turn in turns:
        said = app.handle(WHO, Tap(turn))
    return said[0]


@pytest.mark.parametrize("final", FINALS)
def test_past_the_review_by_date_an_answer_says_so(final: str, log: Log) -> None:
    """S27: were it to fail, an answer or a refusal drawn from overdue rules looks like a current one."""
    app = app_on(log, REVIEW_BY + timedelta(days=1))
    said = last_said(app, FINALS[final])
    assert said.id == final
    assert "review-by date" in said.text


@pytest.mark.parametrize("today", [NOW.date(), REVIEW_BY - timedelta(days=1), REVIEW_BY])
def test_until_the_review_by_date_there_is_no_banner(today: date, log: Log) -> None:
    """S27: were it to fail, every answer carries a warning, and nobody reads it any more."""
    app = app_on(log, today)
    for turn in CASE:
        for message in app.handle(WHO, Tap(turn)):
            assert "review-by date" not in message.text


def test_the_clock_is_asked_at_every_answer(log: Log) -> None:
    """S27: were it to fail, a server that runs past the date never shows the banner."""
    days = [NOW.date()]
    app = App(shipped(), log, today=lambda: days[-1])
    assert "review-by" not in last_said(app, CASE).text
    days.append(REVIEW_BY + timedelta(days=1))
    (said,) = app.opening(WHO)
    assert "review-by date" in said.blocks[0].text
    assert said.id == "advice"


def test_the_banner_does_not_change_the_answer(log: Log) -> None:
    """S22: were it to fail, the day of asking changes what is recommended."""
    (before,) = [message for message in _play(app_on(log), "before") if message.id == "advice"]
    (after,) = [message for message in _play(app_on(log, date(2099, 1, 1)), "after") if message.id == "advice"]
    assert after.blocks[1:] == before.blocks
    assert after.buttons == before.buttons


def _play(app: App, conversation: str) -> list[Message]:
    return [message for turn in CASE for message in app.handle(conversation, Tap(turn))]
