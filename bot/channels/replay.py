"""Scripted conversations, checked turn by turn: the tests' language, a demo, and a bug report's form.

A script says what the user does and what is expected, by id; wording is matched only where a turn asks for it.
Trouble is a verb of the script (double_tap, stale_tap, redeliver, restart, edit_message, send, advance_clock).
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.app import App, Incoming, Tap, Text, Unsupported
from bot.documents import UnusableInput, read_text
from bot.log import Keys, Log
from bot.log.sqlite import SQLite
from flows.dialogue import FINALS, State, advice_of
from flows.knowledge.load import Knowledge
from flows.plain_yaml import PlainYamlError, read_yaml
from flows.questionnaire import QUESTIONS, options_now
from flows.sequencing.advice import Advice
from messages.message import Message

CONVERSATION = "script"
KEY = "scripts run on a log of their own"
START_OF_TIME = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class ScriptTurn(BaseModel):
    """One exchange: what the user does, and what is expected to be said, by id."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    user: str | None = None
    double_tap: str | None = None
    stale_tap: str | None = None
    redeliver: bool | None = None
    restart: bool | None = None
    edit_message: str | None = None
    send: Literal["photo", "voice", "document", "sticker", "location", "contact"] | None = None
    advance_clock: Annotated[str, Field(pattern=r"^\d+[mhd]$")] | None = None
    bot: Names | None = None
    text: Names = ()
    options: Names | None = None
    excludes: Names = ()
    status: str | None = None

    @property
    def action(self) -> tuple[str, Any]:
        """The verb of the turn and its object."""
        verbs = (
            "user",
            "double_tap",
            "stale_tap",
            "redeliver",
            "restart",
            "edit_message",
            "send",
            "advance_clock",
        )
        done = [(verb, getattr(self, verb)) for verb in verbs if getattr(self, verb) is not None]
        if len(done) != 1:
            raise ValueError(f"a turn does exactly one of {', '.join(verbs)}")
        return done[0]


class Script(BaseModel):
    """A scripted conversation."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    channel: Literal["core", "web", "telegram"] | None = None
    clock: str | None = None
    turns: Annotated[tuple[ScriptTurn, ...], BeforeValidator(_names), Field(min_length=1)]


@dataclass
class Outcome:
    """What one turn brought: the ids said, and everything that was not as expected."""

    number: int
    action: str
    expected: tuple[str, ...] | None
    said: tuple[str, ...]
    failures: list[str] = field(default_factory=list)
    advice: Advice | None = None


@dataclass
class Report:
    """One script's outcomes, turn by turn."""

    path: str
    script: Script
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any turn was not as expected."""
        return any(outcome.failures for outcome in self.outcomes)


def read_scripts(path: str) -> list[Script]:
    """The scripts in a file (several are parted by `---`). Raises UnusableInput naming the turn and field."""
    parts = [part for part in re.split(r"(?m)^---[ \t]*$", read_text(path)) if part.strip()]
    if not parts:
        raise UnusableInput(f"{path}: is empty, expected a script with title and turns")
    return [_script(path, part) for part in parts]


def read_script(path: str) -> Script:
    """The one script in a file."""
    return read_scripts(path)[0]


def _script(path: str, text: str) -> Script:
    try:
        document = read_yaml(text)
        if not isinstance(document, dict):
            raise UnusableInput(f"{path}: expected a script with title and turns")
        script = Script.model_validate(document)
        _clock(script)
        for turn in script.turns:
            _ = turn.action
            for pattern in turn.text:
                re.compile(pattern)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        said = "missing" if first["type"] == "missing" else first["msg"]
        raise UnusableInput(f"{path}: {where}: {said}") from None
    except PlainYamlError as error:
        raise UnusableInput(f"{path}: {error}") from None
    except re.error as error:
        raise UnusableInput(f"{path}: text: {error.pattern!r} is not a pattern: {error.msg}") from None
    except UnusableInput:
        raise
    except ValueError as error:
        raise UnusableInput(f"{path}: {error}") from None
    return script


def _clock(script: Script) -> datetime:
    if script.clock is None:
        return START_OF_TIME
    try:
        clock = datetime.fromisoformat(script.clock)
    except ValueError:
        raise ValueError(f"clock: {script.clock!r} is not a date and time") from None
    return clock if clock.tzinfo else clock.replace(tzinfo=UTC)


def find_scripts(paths: Iterable[str]) -> list[str]:
    """The scripts in files and folders, in order. Raises UnusableInput where there is none."""
    found: list[str] = []
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found += sorted(str(script) for script in path.rglob("*.yaml"))
        elif path.exists():
            found.append(name)
        else:
            raise UnusableInput(f"{name}: there is no such file or folder")
    if not found:
        raise UnusableInput(f"{', '.join(paths)}: holds no script")
    return found


class Stage:
    """One conversation under a script: an application on a log of its own, a clock, and trouble."""

    conversation = CONVERSATION

    def __init__(self, knowledge: Knowledge, folder: Path, clock: datetime) -> None:
        self.knowledge = knowledge
        self.now = clock
        self._file = folder / "script.sqlite3"
        self._runner = asyncio.Runner()
        self._deliveries = 0
        self._last: tuple[Incoming, str] | None = None
        self._answered: list[str] = []
        self.app = self._open_app()

    def _open_app(self) -> App:
        self._log = Log(SQLite(self._file, Keys(KEY)), self._seconds)
        return self._application()

    def _application(self) -> App:
        return App(self.knowledge, self._log, today=self._today)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _today(self) -> date:
        return self.now.date()

    def close(self) -> None:
        """Close the log for good."""
        self._log.close()
        self._runner.close()

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._runner.run(self.app.state_of(self.conversation))

    def send(self, incoming: Incoming) -> list[Message]:
        """Deliver something new."""
        self._deliveries += 1
        self._last = (incoming, f"delivery-{self._deliveries}")
        return self._runner.run(self.app.handle(self.conversation, incoming, self._last[1]))

    def do(self, verb: str, what: Any) -> list[Message]:
        """One action of a script."""
        if verb == "user":
            return self.send(self.incoming(what))
        return getattr(self, f"_{verb}")(what)  # type: ignore[no-any-return]

    def incoming(self, said: str) -> Incoming:
        """An option of the question shown is tapped; anything else is typed."""
        if said.startswith("/"):
            return Text(said)
        here = self.state.here
        options = set(options_now(here, self.state.answers)) if here in QUESTIONS else set()
        if here in QUESTIONS and set(said.split("+")) <= options:
            self._answered.append(f"{here}:{said}")
            return Tap(self._answered[-1])
        return Text(said)

    def _double_tap(self, what: str) -> list[Message]:
        first = self.incoming(what)
        return [*self.send(first), *self.send(first)]

    def _stale_tap(self, what: str) -> list[Message]:
        return self.send(Tap(what))

    def _redeliver(self, _: bool) -> list[Message]:
        if self._last is None:
            raise LookupError("nothing was delivered yet")
        return self._runner.run(self.app.handle(self.conversation, *self._last))

    def _restart(self, _: bool) -> list[Message]:
        self._log.close()
        self.app = self._open_app()
        return self._runner.run(self.app.opening(self.conversation))

    def _edit_message(self, _: str) -> list[Message]:
        return self.send(Unsupported("edited"))

    def _send(self, _: str) -> list[Message]:
        return self.send(Unsupported())

    def _advance_clock(self, by: str) -> list[Message]:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[by[-1]]
        self.now += timedelta(**{unit: int(by[:-1])})
        return []


def replay(
    path: str, script: Script, knowledge: Knowledge, on: Callable[[Knowledge, Path, datetime], Stage] | None = None
) -> Report:
    """Run a script, on the core or on a channel's stage, and compare turn by turn."""
    report = Report(path, script)
    with TemporaryDirectory(prefix="triage-replay-") as folder:
        stage = (on or Stage)(knowledge, Path(folder), _clock(script))
        try:
            for number, turn in enumerate(script.turns, 1):
                verb, what = turn.action
                try:
                    messages = stage.do(verb, what)
                except (OverflowError, LookupError) as error:
                    raise UnusableInput(f"{path}: turn {number} ({verb}): {error}") from None
                after = stage.state
                outcome = _compare(number, f"{verb}: {what}", turn, messages, after, knowledge)
                report.outcomes.append(outcome)
        finally:
            stage.close()
    return report


def _compare(
    number: int, action: str, turn: ScriptTurn, messages: list[Message], state: State, knowledge: Knowledge
) -> Outcome:
    said = tuple(message.id for message in messages)
    outcome = Outcome(number, action, turn.bot, said)
    if turn.bot is not None and said != turn.bot:
        outcome.failures += list(_differences(turn.bot, said))
    text = "\n".join(message.text for message in messages)
    outcome.failures += [
        f"text: /{pattern}/ is not said" for pattern in turn.text if not re.search(pattern, text, re.IGNORECASE)
    ]
    answered = state.here in FINALS and state.attested
    advice = advice_of(state, knowledge) if answered else None
    outcome.advice = advice if any(name in FINALS for name in said) else None
    if turn.status is not None and (advice is None or advice.status != turn.status):
        outcome.failures.append(f"status: expected {turn.status}, got {advice.status if advice else 'no answer'}")
    if turn.options is not None:
        ranked = advice.regimens if advice else ()
        if ranked[: len(turn.options)] != turn.options:
            outcome.failures += ["options:", *_differences(turn.options, ranked[: max(len(turn.options), 4)])]
    excluded = {exclusion.regimen.id for exclusion in advice.excluded} if advice else set()
    outcome.failures += [f"excludes: {name} is not excluded" for name in turn.excludes if name not in excluded]
    return outcome


def _differences(expected: Iterable[str], got: Iterable[str]) -> Iterator[str]:
    for line in difflib.ndiff(list(expected), list(got)):
        if not line.startswith("?"):
            yield {"-": "  expected ", "+": "  got      "}.get(line[0], "           ") + line[2:]


def describe(report: Report) -> str:
    """A report a tester can read: one line for a script that passed, the differing turns for one that did not."""
    turns = len(report.outcomes)
    if not report.failed:
        return f"ok    {report.path}: {report.script.title} ({turns} turns)"
    lines = [f"FAIL  {report.path}: {report.script.title}"]
    for outcome in report.outcomes:
        if outcome.failures:
            lines.append(f"  turn {outcome.number} ({outcome.action}):")
            lines += [f"    {failure}" for failure in outcome.failures]
    return "\n".join(lines)


def junit(reports: Iterable[Report]) -> Any:
    """The reports as a JUnit document."""
    from junitparser import Failure, JUnitXml, TestCase, TestSuite  # noqa: PLC0415

    document = JUnitXml("replay")
    for report in reports:
        suite = TestSuite(report.script.title)
        for outcome in report.outcomes:
            case = TestCase(f"turn {outcome.number} ({outcome.action})", classname=report.path)
            if outcome.failures:
                case.result = [Failure("\n".join(outcome.failures))]
            suite.add_testcase(case)
        document.add_testsuite(suite)
    return document


def recorded(reports: Iterable[Report]) -> str:
    """The scripts with what was said filled in: a recording to check in."""
    documents = []
    for report in reports:
        turns = []
        for turn, outcome in zip(report.script.turns, report.outcomes, strict=True):
            verb, what = turn.action
            entry: dict[str, Any] = {verb: what}
            for key in ("text", "excludes"):
                if getattr(turn, key):
                    entry[key] = list(getattr(turn, key))
            if outcome.said:
                entry["bot"] = outcome.said[0] if len(outcome.said) == 1 else list(outcome.said)
            if outcome.advice is not None:
                entry["status"] = outcome.advice.status
                if outcome.advice.regimens:
                    entry["options"] = list(outcome.advice.regimens)
            turns.append(entry)
        head = report.script.model_dump(include={"title", "channel", "clock"}, exclude_none=True)
        documents.append({**head, "turns": turns})
    return "---\n".join(yaml.safe_dump(document, sort_keys=False, width=110) for document in documents)
