"""The core: recommend, a turn, the final answer, loading, cold start. Run with `make bench`.

Each row is the median of repeated batches, with the lowest beside it: on a shared machine the lowest says more
about the code, the median more about the machine.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from transitions import Machine

from bot.app import App, Tap
from bot.log import Keys, Log
from bot.log.model import Engine
from bot.log.sqlite import SQLite
from bot.wire import from_wire
from flows.dialogue import begin, present, router, step
from flows.knowledge.load import SHIPPED, load, shipped
from flows.profile import Profile
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
KEYS = Keys("a key of the benchmarks that is long enough")
DURABLE = 50
"""Durable turns of one batch."""
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
    said(name, *measure(action, batch, batches), aim)


def said(name: str, median: float, lowest: float, aim: str = "") -> None:
    """Print one row."""
    scale, unit = (1e6, "us") if median < 1e-3 else (1e3, "ms")
    print(f"{name:<58} {median * scale:>9.1f} {lowest * scale:>9.1f} {unit}  {aim}", flush=True)


def replayed(engine: Engine, app: App) -> object:
    """One turn as after a restart: replay from the log, step, render; nothing written."""
    case = engine.read(KEYS.conversation("user"))
    state = app.replay(case.turns)
    _, replies = step(state, from_wire("hr_status:negative"), app.knowledge)
    return [render(reply, app.words) for reply in replies]


async def with_cases(folder: Path, earlier: int) -> App:
    """An application in which one user has finished `earlier` cases and stands in the middle of another."""
    engine = SQLite(folder / f"{earlier}.sqlite3", KEYS)
    engine._db.execute("PRAGMA synchronous=OFF")  # filling only
    app = App(shipped(), Log(engine))
    for _ in range(earlier):
        for turn in (*CONSULT, "/restart"):
            await app.handle("user", Tap(turn), secrets.token_hex(8))
    for turn in CONSULT[:8]:
        await app.handle("user", Tap(turn), secrets.token_hex(8))
    engine._db.execute("PRAGMA synchronous=FULL")
    return app


def back_and_forth(app: App, runner: asyncio.Runner) -> Callable[[], object]:
    """Durable turns through App.handle, forwards and back in turn; so many that starting the loop costs nothing."""

    async def some() -> None:
        for wire in ("hr_status:negative", "/back") * (DURABLE // 2):
            await app.handle("user", Tap(wire))

    return lambda: runner.run(some())


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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with asyncio.Runner() as runner:
            for earlier in (0, 1000):
                app = runner.run(with_cases(folder, earlier))
                turn = partial(replayed, app.log.engine, app)
                row(
                    f"question turn: replay 8 turns, step, render; {earlier} cases",
                    turn,
                    300,
                    "aim: at most 150 us, flat",
                )
                median, lowest = measure(back_and_forth(app, runner), 1)
                said(f"question turn in App.handle, durable; {earlier} cases", median / DURABLE, lowest / DURABLE)
                app.log.close()
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
