"""The chat in a terminal, through a pipe and as a process of its own: what is shown, what is kept, what is erased."""

from __future__ import annotations

import asyncio
import io
import os
import re
import selectors
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.channels import terminal
from bot.log import Keys, Log
from bot.log.keys import kept_secret
from bot.log.migrations import migrations
from bot.log.sqlite import SQLite
from flows.knowledge.load import shipped
from flows.questionnaire import QUESTIONS
from messages.words import english
from tests import forks

CANARY = "zzcanaryzz"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TO_THE_ANSWER = ("oncologist", "in_scope", "none", "tch", "progression", "done", "none", "none", "negative",
                 "unavailable", "none", "confirm")  # fmt: skip
"""Options from the first question to the answer: second line without access to T-DXd, T-DM1 first."""


def environment(data: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return {**kept, "TRIAGE_DATA_DIR": str(data), "PYTHONIOENCODING": "utf-8", **settings}


def chat(data: Path, said: str | bytes, *, afresh: bool = False, **settings: str) -> subprocess.CompletedProcess[str]:
    """A whole conversation through a pipe, started where the data folder stands or would stand; `afresh`: in an
    interpreter that has nothing imported yet."""
    typed = said.encode() if isinstance(said, str) else said
    there: dict[str, Any] = {
        "env": environment(data, **settings), "cwd": next(folder for folder in data.parents if folder.is_dir()),
    }  # fmt: skip
    done: subprocess.CompletedProcess[bytes]
    if afresh:
        command = [sys.executable, "-m", "bot", "chat"]
        done = subprocess.run(command, input=typed, capture_output=True, timeout=60, check=False, **there)
    else:
        done = forks.run("chat", given=typed, **there)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def opened(data: Path) -> Log:
    """The log of a data folder, with the key kept in it."""
    return Log(SQLite(data / "triage.sqlite3", Keys(kept_secret(data))))


def kept_turns(data: Path) -> tuple[str, ...]:
    """The turns of the terminal's current case."""
    log = opened(data)
    try:
        return asyncio.run(log.current("terminal")).turns
    finally:
        log.close()


def within(data: Path, said: str) -> str:
    """The same conversation in this process: for what needs no process of its own."""
    log = opened(data)
    shown = io.StringIO()
    try:
        terminal.run(App(shipped(), log), "terminal", io.StringIO(said), shown)
    finally:
        log.close()
    return shown.getvalue()


def flowing(text: str) -> str:
    return " ".join(text.split())


@cache
def ask(question: str) -> str:
    """The words of a question."""
    return flowing(english(shipped()).questions[question].ask)


def standing_at(output: str) -> str:
    """The question shown last."""
    said = flowing(output)
    shown = [(said.rfind(ask(name)), name) for name in QUESTIONS if name not in ("review", "region")]
    place, name = max(shown)
    assert place >= 0, "no question was shown"
    return name


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """One line on standard error, exit code 2."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for part in said:
        assert part in done.stderr


def contents(folder: Path) -> bytes:
    """Every byte of every file, names too."""
    return b"\n".join(
        str(path.relative_to(folder)).encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    )


class Child:
    """A chat that runs, read as it writes, so that it can be killed at any moment."""

    def __init__(self, data: Path) -> None:
        self._process = forks.Fork(
            "chat", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(data),
            cwd=data.parent,
        )  # fmt: skip
        self.seen = ""

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def read_until(self, text: str) -> None:
        """Read until `text` is shown; what was read before is forgotten."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        raw = b""
        deadline = time.monotonic() + 60
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while text not in flowing(raw.decode("utf-8", "replace")):
                assert selector.select(max(0, deadline - time.monotonic())), f"never shown: {text}"
                chunk = os.read(descriptor, 65536)
                assert chunk, f"ended before it showed: {text}"
                raw += chunk
        self.seen = raw.decode("utf-8", "replace")

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(60)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


# What is shown and typed


def test_a_whole_conversation_through_a_pipe_is_plain_and_narrow(tmp_path: Path) -> None:
    """S1, S13: were it to fail, a screen reader or a log gets escape codes, prompts or lines that do not fit."""
    done = chat(tmp_path / "data", "\n".join(TO_THE_ANSWER) + "\n", afresh=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert not CONTROL.search(done.stdout)
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert not re.search(r"^> ", done.stdout, re.M), "a pipe is no terminal: there is no prompt"
    assert "Draft: not clinically reviewed" in flowing(done.stdout)
    assert "not a medical device" in flowing(done.stdout)


def test_every_message_fits_eighty_columns(tmp_path: Path) -> None:
    """Were it to fail: one of the longer screens does not fit a terminal."""
    sections = ("/help", "/about", "/privacy", "/why", "/evidence", "/safety", "/excluded", "/pitfalls", "/whatif",
                "/not_assessed", "/sources", "/summary", "/nonsense", CANARY)  # fmt: skip
    said = within(tmp_path, "\n".join(("/why", *TO_THE_ANSWER[:3], "other", "/back", *TO_THE_ANSWER[3:], *sections)))
    long = [line for line in said.splitlines() if len(line) > 80 and " " in line.strip()]
    assert long == []
    assert not CONTROL.search(said)


def test_numbers_ids_labels_and_other_words_mean_the_same(tmp_path: Path) -> None:
    """S21: were it to fail, the way an option is named changes the case, or the number beside it means another."""
    words = english(shipped()).questions
    by_number = {
        "role": "1", "gate": "1", "red_flags": "6", "prior_lines": "3", "line_outcome": "1",
    }  # fmt: skip
    by_label = {
        "role": words["role"].options["oncologist"],
        "gate": words["gate"].options["in_scope"].upper(),
        "red_flags": words["red_flags"].options["none"],
        "prior_lines": words["prior_lines"].options["tch"],
        "line_outcome": "  progression ",
    }
    by_id = dict(zip(by_number, TO_THE_ANSWER, strict=False))
    by_word = {"role": "Oncologist", "gate": "yes", "red_flags": "no", "prior_lines": "TCH", "line_outcome": "pd"}
    ends = []
    for number, way in enumerate((by_number, by_label, by_id, by_word)):
        folder = tmp_path / str(number)
        said = within(folder, "\n".join(way.values()))
        assert standing_at(said) == "prior_lines"
        ends.append(kept_turns(folder))
    assert ends[0] == (
        "role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
    )  # fmt: skip
    assert len(set(ends)) == 1


def test_several_numbers_and_words_choose_together(tmp_path: Path) -> None:
    """Were it to fail: of two ticked contraindications one is lost."""
    for number, typed in enumerate(("1, 3", "1 3", "3,1", "seizure_or_raised_icp, acute_dyspnoea")):
        folder = tmp_path / str(number)
        within(folder, f"oncologist\nin_scope\n{typed}\n")
        _, _, kept = kept_turns(folder)
        assert set(kept.removeprefix("red_flags:").split("+")) == {"seizure_or_raised_icp", "acute_dyspnoea"}


@pytest.mark.parametrize("typed", ["0", "99", "1, 99", "-1", "1.", "²", "one", "1;DROP", "\\", "%s", "{}", "\x1b[2J"])
def test_a_number_that_stands_beside_nothing_changes_nothing(typed: str, tmp_path: Path) -> None:
    """S25: were it to fail, a slip of the finger answers a question."""
    said = within(tmp_path, f"oncologist\n{typed}\n")
    assert standing_at(said) == "gate"
    assert not CONTROL.search(said)


def test_a_number_that_is_the_answer_is_not_an_options_number(tmp_path: Path) -> None:
    """Were it to fail: "1" month since the last dose is taken for the first option, six months."""
    within(tmp_path, "oncologist\nin_scope\nnone\ndone\ntrastuzumab\n1\n")
    assert kept_turns(tmp_path)[-1] == "months_since_adjuvant_her2:1"


def test_quit_and_the_end_of_input_leave_the_case(tmp_path: Path) -> None:
    """S24: were it to fail, leaving the chat loses or answers something."""
    assert standing_at(within(tmp_path, "oncologist\n/quit\nin_scope\n")) == "gate"
    assert standing_at(within(tmp_path, "")) == "gate"
    assert standing_at(within(tmp_path, "\n\n   \nin_scope")) == "red_flags"


def test_bytes_that_are_no_text_do_not_end_the_chat(tmp_path: Path) -> None:
    """S25: were it to fail, a pasted binary ends the conversation with a traceback."""
    done = chat(tmp_path / "data", b"oncologist\n\xff\xfe\x00\nin_scope\n")
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
    assert standing_at(done.stdout) == "red_flags"


# Resuming and erasing


@pytest.mark.parametrize("answered", [0, 9])
def test_kill_minus_nine_resumes_at_the_same_question(answered: int, tmp_path: Path) -> None:
    """S24: were it to fail, a crash loses an acknowledged answer or asks another question."""
    data = tmp_path / "data"
    expected = ("role", "gate", "red_flags", "prior_lines", "line_outcome", "prior_lines", "early_stage_agents",
                "brain_metastases", "hr_status", "tdxd_access")  # fmt: skip
    child = Child(data)
    child.read_until(ask("role"))
    for option, question in zip(TO_THE_ANSWER[:answered], expected[1:], strict=False):
        child.say(option)
        child.read_until(ask(question))
    child.kill()
    if answered:
        kept = kept_turns(data)
        assert [turn.split(":")[1] for turn in kept] == list(TO_THE_ANSWER[:answered])
    again = Child(data)
    again.read_until(ask(expected[answered]))
    shown = standing_at(again.seen)
    again.kill()
    assert shown == expected[answered]
    assert "T-DM1" in within(data, "\n".join(TO_THE_ANSWER[answered:]) + "\n")


def test_the_answer_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """S22, S24: were it to fail, the same answers give another text once the process is another."""
    first = within(tmp_path, "\n".join(TO_THE_ANSWER) + "\n")
    again = within(tmp_path, "")
    assert again in first


@pytest.mark.parametrize("answered", [2, len(TO_THE_ANSWER)])
def test_forget_erases_every_trace(answered: int, tmp_path: Path) -> None:
    """S32: were it to fail, answers a clinician erased still stand in a file of the data folder."""
    data = tmp_path / "data"
    options = TO_THE_ANSWER[:answered]
    within(data, "\n".join(options) + "\n")
    traces = [b"oncologist", b"role:", b"gate:", b"in_scope"]
    assert all(trace in contents(data) for trace in traces), "the test looks in the wrong place"
    done = chat(data, "/forget\n")
    assert done.returncode == 0
    left = contents(data)
    assert [trace for trace in traces if trace in left] == []
    assert standing_at(within(data, "")) == "role"


def test_what_nobody_touched_for_some_days_is_erased_at_the_next_start(tmp_path: Path) -> None:
    """S32: were it to fail, what a clinician answered in a terminal is kept for ever, where nothing serves."""
    data = tmp_path / "data"
    within(data, "oncologist\nin_scope\n")
    with sqlite3.connect(data / "triage.sqlite3") as database:
        database.execute("UPDATE conversation SET seen_hour = seen_hour - 71")
    database.close()
    assert standing_at(chat(data, "").stdout) == "red_flags"
    with sqlite3.connect(data / "triage.sqlite3") as database:
        database.execute("UPDATE conversation SET seen_hour = seen_hour - 3")
    database.close()
    assert standing_at(chat(data, "").stdout) == "role"
    assert b"role:oncologist" not in contents(data)


def test_forget_erases_while_the_process_still_runs(tmp_path: Path) -> None:
    """S32: were it to fail, the write-ahead log keeps what was erased until the process ends, or is killed."""
    data = tmp_path / "data"
    child = Child(data)
    child.read_until(ask("role"))
    child.say("oncologist")
    child.read_until(ask("gate"))
    child.say("/forget")
    child.read_until("was erased")
    left = contents(data)
    child.kill()
    assert b"role:oncologist" not in left
    assert b"role:oncologist" not in contents(data)
    assert standing_at(within(data, "")) == "role"


def test_forget_and_privacy_work_before_consent(tmp_path: Path) -> None:
    """S32: were it to fail, someone who never accepted the terms cannot erase or read what is kept."""
    said = flowing(within(tmp_path, "/privacy\n/forget\n/start\n"))
    assert "Privacy" in said
    assert "was erased" in said


# Privacy of what is typed


def test_typed_text_is_never_kept_or_logged(tmp_path: Path) -> None:
    """S30, S31: were it to fail, a patient's name typed by mistake stands in a file or in a log line."""
    data = tmp_path / "data"
    said = (
        CANARY, f"Mrs {CANARY} born 01.02.1950", f"/{CANARY}", f"/edit {CANARY}", f"/help {CANARY}",
        "oncologist", f"{CANARY} metastases", f"in_scope {CANARY}", f"/restrat {CANARY}", f"1, {CANARY}",
    )  # fmt: skip
    done = chat(data, "\n".join(said) + "\n", TRIAGE_LOG_LEVEL="debug", TRIAGE_LOG_FORMAT="json")
    assert done.returncode == 0
    assert CANARY not in done.stderr.lower()
    assert CANARY.encode() not in contents(data).lower()
    assert b"1950" not in contents(data)
    shown = [line for line in done.stdout.lower().splitlines() if CANARY in line]
    assert all("not used: " in line for line in shown), "shown back only as a word that nothing was made of"
    assert "1950" not in done.stdout


@pytest.mark.parametrize("command", ["restart", "cancel", "back"])
def test_words_after_a_command_are_never_kept(command: str, tmp_path: Path) -> None:
    """S30: were it to fail, "/restart Mrs Smith, 01.02.1950" writes the name into the log of turns."""
    within(tmp_path, f"oncologist\n/{command} Mrs {CANARY} 01.02.1950\n")
    assert CANARY.encode() not in contents(tmp_path).lower()


def test_digits_are_kept_as_the_number_they_mean(tmp_path: Path) -> None:
    """S30: were it to fail, a record number with leading zeros typed for the months is kept as it was typed."""
    within(tmp_path, "oncologist\nin_scope\nnone\ndone\ntrastuzumab\n0000000412\n")
    assert b"0000000412" not in contents(tmp_path)


def test_the_log_is_for_its_owner_only(tmp_path: Path) -> None:
    """S31: were it to fail, another user of the machine reads the answers."""
    data = tmp_path / "data"
    child = Child(data)
    child.read_until(ask("role"))
    child.say("oncologist")
    child.read_until(ask("gate"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    child.kill()
    assert modes["triage.sqlite3"] == 0o600
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


# Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRIAGE_REGION", "mars"), ("TRIAGE_LOG_LEVEL", "loud"), ("TRIAGE_LOG_FORMAT", "xml")],
)
def test_a_wrong_setting_stops_the_start(name: str, value: str, tmp_path: Path) -> None:
    """The contract's settings. Were it to fail: a misspelt setting is ignored, and nobody notices."""
    refused(chat(tmp_path / "data", "oncologist\n", **{name: value}), name)
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_in_the_env_file_stops_the_start(tmp_path: Path) -> None:
    """Were it to fail: `.env` is not read, or a file in another encoding is a traceback."""
    (tmp_path / ".env").write_text("TRIAGE_LOG_LEVEL=loud\n")
    refused(chat(tmp_path / "data", "oncologist\n"), "TRIAGE_LOG_LEVEL")
    (tmp_path / ".env").write_bytes(b"TRIAGE_REGION=\xff\xe9\n")
    refused(chat(tmp_path / "data", "oncologist\n"))


def test_an_empty_setting_is_no_setting(tmp_path: Path) -> None:
    """Were it to fail: `TRIAGE_REGION=` in a compose file stops the start."""
    assert standing_at(chat(tmp_path / "data", "", TRIAGE_REGION="", TRIAGE_LOG_LEVEL="").stdout) == "role"


def test_a_data_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    """S25: were it to fail, the chat starts and loses every answer, or shows a traceback."""
    (tmp_path / "file").write_text("not a folder")
    refused(chat(tmp_path / "file" / "below", "oncologist\n"), str(tmp_path / "file"))
    (tmp_path / "data" / "triage.sqlite3").mkdir(parents=True)
    refused(chat(tmp_path / "data", "oncologist\n"), "triage.sqlite3")


def test_a_damaged_log_stops_the_start(tmp_path: Path) -> None:
    """S25: were it to fail, a damaged file is overwritten or is a traceback."""
    file = tmp_path / "data" / "triage.sqlite3"
    file.parent.mkdir()
    file.write_bytes(b"this is no database " * 500)
    before = file.read_bytes()
    refused(chat(tmp_path / "data", "oncologist\n"), "triage.sqlite3")
    assert file.read_bytes() == before


def test_a_log_of_a_newer_version_stops_the_start(tmp_path: Path) -> None:
    """S24: were it to fail, an older program writes into a newer file and spoils it."""
    file = tmp_path / "data" / "triage.sqlite3"
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.execute(f"PRAGMA user_version={len(migrations('sqlite')) + 1}")
    database.close()
    refused(chat(tmp_path / "data", "oncologist\n"), "triage.sqlite3", "newer")
