"""The core: recommend, a turn, the final answer, loading, cold start. Run with `make bench`.

Each row is the median of repeated batches, with the lowest beside it: on a shared machine the lowest says more
about the code, the median more about the machine.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from transitions import Machine

from bot.app import App, Tap
from bot.log import Case, Log
from bot.wire import from_wire
from flows.dialogue import begin, present, router, step
from flows.knowledge.load import SHIPPED, load, shipped
from flows.profile import Profile
from flows.sequencing.changes import changes
from flows.sequencing.recommend import recommend, rule_on
from messages.render import answer_message, full_answer, render
from messages.words import english

FULL = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [],
    "prior_lines": [{"agents": ["taxane", "carboplatin", "trastuzumab"], "outcome": "progression"}],
    "early_stage_agents": [], "brain_metastases": "none", "hr_status": "negative", "tdxd_access": "unavailable",
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": [],
    "chemotherapy": "suitable", "performance_status": "ecog_0_2", "region": "us",
}  # fmt: skip
OPEN = {"her2_status": "positive", "setting": "metastatic", "prior_lines": FULL["prior_lines"]}
CONSULT = (
    "role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
    "prior_lines:done", "early_stage_agents:none", "brain_metastases:none", "hr_status:negative",
    "tdxd_access:unavailable", "safety:none", "review:confirm",
)  # fmt: skip


def measure(action: Callable[[], object], batch: int, batches: int = 15) -> tuple[float, float]:
    """Median and lowest seconds of one call."""
    action()
    seconds = []
    for _ in range(batches):
        began = time.perf_counter()
        for _ in range(batch):
            action()
        seconds.append((time.perf_counter() - began) / batch)
    return statistics.median(seconds), min(seconds)


def row(name: str, action: Callable[[], object], batch: int, aim: str = "", batches: int = 15) -> None:
    """Measure and print one row."""
    median, lowest = measure(action, batch, batches)
    scale, unit = (1e6, "us") if median < 1e-3 else (1e3, "ms")
    print(f"{name:<58} {median * scale:>9.1f} {lowest * scale:>9.1f} {unit}  {aim}", flush=True)


def replayed(log: Log, conversation: str, app: App) -> object:
    """One turn as after a restart: replay from the log, step, render; nothing written."""
    case = log.current(conversation)
    state = app.replay(case.turns)
    _, replies = step(state, from_wire("hr_status:negative"), app.knowledge)
    return [render(reply, app.words) for reply in replies]


def with_cases(folder: Path, earlier: int) -> tuple[Log, App]:
    """A log in which one user has finished `earlier` cases and stands in the middle of another."""
    log = Log(folder / f"{earlier}.sqlite3", lambda: datetime.now(UTC))
    knowledge = shipped()
    log._db.execute("PRAGMA synchronous=OFF")  # filling only
    log._db.execute("BEGIN")
    for number in range(1, earlier + 1):
        case = Case(number, ())
        for turn in CONSULT:
            case = log.append("user", case, turn, knowledge.digest)
    case = Case(earlier + 1, ())
    for turn in CONSULT[:8]:
        case = log.append("user", case, turn, knowledge.digest)
    log._db.execute("COMMIT")
    log._db.execute("PRAGMA synchronous=FULL")
    return log, App(knowledge, log)


def back_and_forth(app: App) -> Callable[[], object]:
    """One durable turn through App.handle, forwards and back in turn."""
    turns = iter(())

    def one() -> object:
        nonlocal turns
        wire = next(turns, None)
        if wire is None:
            turns = iter(("hr_status:negative", "/back") * 50)
            wire = next(turns)
        return app.handle("user", Tap(wire))

    return one


def started(*command: str) -> Callable[[], object]:
    """Run a command to its end."""

    def run() -> object:
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={"PATH": "/usr/bin:/bin"})

    return run


def main() -> None:
    """Print every row."""
    knowledge = shipped()
    words = english(knowledge)
    full, unknown = Profile.model_validate(FULL), Profile.model_validate(OPEN)
    advice = recommend(full, knowledge)
    print(f"{'':<58} {'median':>9} {'lowest':>9}")
    row("recommend, full profile", lambda: recommend(full, knowledge), 300, "aim: at most 150 us")
    row("recommend, everything else unknown", lambda: recommend(unknown, knowledge), 200)
    row("  of which the ruling alone, full profile", lambda: rule_on(full, knowledge), 500)
    row("what would change (single changes)", lambda: changes(advice), 50)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for earlier in (0, 1000):
            log, app = with_cases(folder, earlier)
            turn = partial(replayed, log, "user", app)
            row(f"question turn: replay 8 turns, step, render; {earlier} cases", turn, 300, "aim: at most 150 us, flat")
            log.close()
        for earlier in (0, 1000):
            log, app = with_cases(folder / "durable", earlier)
            row(f"question turn in App.handle, durable; {earlier} cases", back_and_forth(app), 50)
            log.close()
        raw = sqlite3.connect(folder / "raw.sqlite3", isolation_level=None)
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("CREATE TABLE t (a TEXT, b TEXT)")
        row("  floor: one raw durable insert", lambda: raw.execute("INSERT INTO t VALUES ('a', 'b')"), 50)
        raw.close()
    event = router(knowledge).machine.events["answer"]

    class Driven:
        state = "region"

    def trigger() -> object:
        driven = Driven()
        return event.trigger(driven, driven)

    row("  one trigger of the shared machine", trigger, 500)
    states = list(router(knowledge).edges)
    row("  peer: a machine per user, built once each", lambda: Machine(states=states, initial="role"), 5)
    state = begin()
    for wire in CONSULT:
        state, _ = step(state, from_wire(wire), knowledge)
    row("final answer: first message rendered", lambda: answer_message(advice, words), 50, "aim: at most 2 ms")
    row("final answer: decided and rendered", lambda: render(present(state, knowledge), words), 50)
    row("final answer: first message and every section", lambda: full_answer(advice, words), 10)
    row("knowledge: read and checked from YAML", lambda: load(SHIPPED), 1, "aim: at most 0.4 s", batches=5)
    cold_starts()


def cold_starts() -> None:
    """Whole commands beside the imports they cannot do without."""
    profile = "\n".join(f"{key}: {value}" for key, value in OPEN.items() if key != "prior_lines")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(profile + "\nprior_lines: [{agents: [taxane, trastuzumab], outcome: progression}]\n")
        file.flush()
        python = sys.executable
        bare = started(python, "-c", "import pydantic, yaml, jinja2")
        floor = started(python, "-c", "import click, yaml, jinja2, pydantic\nclass A(pydantic.BaseModel):\n    x: int")
        as_json = started(python, "-m", "bot", "recommend", file.name, "--format", "json")
        as_text = started(python, "-m", "bot", "recommend", file.name)
        row("cold start: triage recommend, json", as_json, 1, "aim: at most 1.6 times the bare imports", batches=11)
        row("cold start: triage recommend, text", as_text, 1, batches=11)
        row("  peer: python -c 'import pydantic, yaml, jinja2'", bare, 1, batches=11)
        row("  floor: the same, click and one pydantic model", floor, 1, batches=11)


if __name__ == "__main__":
    main()
