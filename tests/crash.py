"""The crash test: workers are killed at random moments while many conversations go on, and nothing may be lost.

`python -m tests.crash --engine postgresql --kills 500` or `make crash`. Fifty conversations answer, go back, begin
anew; deliveries come twice, at once to two workers, late and out of order; two devices answer the same question. In the
end every conversation must equal the fold of its acknowledged turns, and no letter may have gone out twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx
import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.log import Keys
from bot.wire import from_wire, to_wire
from flows.dialogue import Answer, Command, State, begin, step
from flows.knowledge.load import shipped
from flows.questionnaire import QUESTIONS, options_now
from flows.turns import FINALS
from tests.postgres import Server

KEY = "the key of the crash test which nobody else uses"
PATIENCE = 60.0
"""Seconds a turn may take with all its repetitions, and the last letters to leave: more is stuck."""
FORWARD = {
    "role": "oncologist", "gate": "in_scope", "red_flags": "none", "line_outcome": "progression",
    "early_stage_agents": "none", "brain_metastases": "none", "review": "confirm",
}  # fmt: skip
"""What is answered mostly, so that conversations get somewhere."""
DISK = "/var/tmp"
"""Where the log is kept: in memory a write takes no time, and hardly ever is a worker killed in the middle of one."""
VARIANTS = ("dedupe", "transaction", "lock")


def without_lock(url: str) -> None:
    """Take the lock and the check of what was read out of the database's function."""
    from bot.log.migrations import migrations

    sql = [step.sql for step in migrations("postgresql") if "take_turns" in step.sql][-1]
    function = sql[sql.index("CREATE OR REPLACE FUNCTION take_turns") :]
    check = function[
        function.index("            CONTINUE WHEN (found_row.number") : function.index("            -- to be")
    ]
    function = function.replace(check, "sequences[i] := found_row.sequence; cases[i] := found_row.case_number;\n")
    function = function.replace("WHERE id = ids[i] FOR UPDATE;", "WHERE id = ids[i];")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(function.encode())


# The stand-in messenger: what arrives, and what may have arrived


class StandIn:
    """Receives letters. Now and then it drops the connection after taking one, or asks to come again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.received: Counter[tuple[str, int, str]] = Counter()
        self.last: dict[str, str] = {}
        self.calm = False

    async def take(self, request: Request) -> Response:
        document = json.loads(await request.body())
        chance = self._random.random()
        if not self.calm and chance < 0.01:
            return Response(status_code=429)
        letter = document["letter"]
        self.received[letter["of"], letter["place"], letter["id"]] += 1
        if letter["id"] != "edit":
            self.last[document["to"]] = letter["id"]
        if not self.calm and chance > 0.99:
            return Response(status_code=502)  # it arrived, and the sender cannot know
        return Response(status_code=204)


@dataclass
class Conversation:
    """One user with a phone, and what the user has seen acknowledged."""

    name: str
    random: random.Random
    state: State = field(default_factory=begin)
    turns: list[str] = field(default_factory=list)
    sent: int = 0
    old: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Deliveries that were kept, with the ids of the messages they were answered with."""


@dataclass
class Report:
    """What a run came to."""

    engine: str
    without: str | None = None
    kills: int = 0
    turns: int = 0
    duplicates: int = 0
    races: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    letters: int = 0
    letters_lost: int = 0
    letters_doubled: int = 0
    letters_unsure: int = 0
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return bool(self.lost or self.doubled or self.stuck or self.letters_lost or self.letters_doubled)

    def __str__(self) -> str:
        what = f" without {self.without}" if self.without else ""
        return (
            f"{self.engine}{what}: {self.kills} kills, {self.turns} turns acknowledged, {self.duplicates} delivered "
            f"again, {self.races} answered on two devices at once; {self.lost} lost, {self.doubled} doubled, "
            f"{self.stuck} stuck; {self.letters} letters, {self.letters_unsure} that may or may not have arrived, "
            f"{self.letters_lost} lost, {self.letters_doubled} sent twice; {self.seconds:.0f} s"
        )


class Crash:
    """One run on one engine."""

    def __init__(
        self, engine: str, folder: Path, url: str | None, *, kills: int, races: int = 0, users: int = 50,
        seed: int = 1, without: str | None = None, patience: float = PATIENCE,
    ) -> None:  # fmt: skip
        """It goes on for so many kills, and until there were so many races, however slow the machine is."""
        self.report = Report(engine, without)
        self._folder = folder
        self._url = url
        self._kills = kills
        self._races = races
        self._seed = seed
        self._random = random.Random(seed)
        self._count = 1 if url is None else 2
        self._patience = patience
        self._knowledge = shipped()
        self._keys = Keys(KEY)
        self._standin = StandIn(seed)
        self._users = [Conversation(f"user{number}", random.Random(seed * 1000 + number)) for number in range(users)]
        self._over = False
        self._workers: list[int] = []
        self._ports: list[int] = []

    async def run(self) -> Report:
        began = time.monotonic()
        self._forks = subprocess.Popen(  # noqa: ASYNC220  (nothing else goes on yet)
            [sys.executable, "-m", "tests.crash_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        server = uvicorn.Server(
            uvicorn.Config(
                Starlette(routes=[Route("/", self._standin.take, methods=["POST"])]), log_level="critical",
                lifespan="off", http="httptools",
            )
        )  # fmt: skip
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        listening = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        self._messenger = listening.getsockname()[1]
        self._client = httpx.AsyncClient(timeout=15, limits=httpx.Limits(max_connections=None))
        try:
            for number in range(self._count):
                self._ports.append(_free_port())
                self._workers.append(0)
                self._start(number)
                await self._up(number)  # the first makes the tables
                if self.report.without == "lock" and number == 0:
                    assert self._url is not None
                    without_lock(self._url)
            talking = [asyncio.create_task(self._talk(user)) for user in self._users]
            await self._kill()
            self._over = True
            for outcome in await asyncio.gather(*talking, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    self.report.stuck += 1
                    self._example(f"stuck: {type(outcome).__name__}: {outcome}")
            await self._settle()
            self._judge()
        finally:
            for worker in self._workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            self._forks.communicate()
            await self._client.aclose()
            server.should_exit = True
            await serving
        self.report.seconds = time.monotonic() - began
        return self.report

    def _start(self, number: int) -> None:
        settings = {
            "data_dir": str(self._folder), "secret_key": KEY, "web_port": self._ports[number],
            "database_url": self._url,
        }  # fmt: skip
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        self._forks.stdin.write(json.dumps([settings, self._messenger, self.report.without]).encode() + b"\n")
        self._forks.stdin.flush()
        self._workers[number] = int(self._forks.stdout.readline())

    async def _up(self, number: int) -> None:
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if (await self._client.get(f"http://127.0.0.1:{self._ports[number]}/healthz")).status_code == 200:
                    return
            if not _runs(self._workers[number]):
                self._start(number)
            await asyncio.sleep(0.02)
        raise TimeoutError("a worker did not come up")

    async def _kill(self) -> None:
        """Kill a worker at a random moment, start it again, and so on."""
        until = time.monotonic() + self._patience
        while self.report.kills < self._kills or (self.report.races < self._races and time.monotonic() < until):
            await asyncio.sleep(self._random.uniform(0.01, 0.4))
            number = self._random.randrange(self._count)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._workers[number], signal.SIGKILL)
            while _runs(self._workers[number]):  # noqa: ASYNC110  (nobody tells when another's child is gone)
                await asyncio.sleep(0.001)
            self.report.kills += 1
            self._start(number)
            if self._random.random() < 0.7:  # else it may be killed again while it starts
                await self._up(number)
        for number in range(self._count):
            await self._up(number)

    # A user

    async def _talk(self, user: Conversation) -> None:
        while not self._over:
            if user.old and user.random.random() < 0.15:
                turn, delivery = user.random.choice(user.old)
                self.report.duplicates += 1
                await self._deliver(user, turn, delivery)  # late, out of order: must change nothing
            if user.state.here == "hr_status" and user.random.random() < 0.7:
                await self._race(user)
                continue
            turn = self._next(user)
            delivery = self._named(user)
            said = await self._deliver(user, turn, delivery, twice=user.random.random() < 0.3)
            self._acknowledge(user, turn, delivery, said)

    def _next(self, user: Conversation) -> str:
        here = user.state.here
        if here in FINALS:
            return "/restart"
        chance = user.random.random()
        if chance < 0.15:
            return "/back"
        if chance < 0.18:
            return "/evidence"
        if chance < 0.2:
            return "gate:in_scope"
        options = options_now(here, user.state.answers)
        if here == "prior_lines" and (len(user.turns) > 25 or user.random.random() < 0.5):
            options = ("done",)
        if here in FORWARD and user.random.random() < 0.8:
            return f"{here}:{FORWARD[here]}"
        chosen = user.random.choice([option for option in options if option != "red_flags"])
        if here == "months_since_adjuvant_her2" or QUESTIONS[here].kind == "number":
            return f"{here}:{user.random.randrange(1, 30)}"
        return to_wire(Answer(here, (chosen,)))

    def _named(self, user: Conversation) -> str:
        user.sent += 1
        return f"{user.name}-{user.sent}"

    async def _deliver(self, user: Conversation, turn: str, delivery: str, *, twice: bool = False) -> tuple[str, ...]:
        """Deliver until it is acknowledged; `twice`: to two workers at once, or twice to the only one."""
        until = time.monotonic() + self._patience
        place = user.random.randrange(self._count)
        while time.monotonic() < until:
            ports = [self._ports[place]] + ([self._ports[(place + 1) % self._count]] if twice else [])
            self.report.duplicates += twice
            answers = await asyncio.gather(*(self._post(port, user, turn, delivery) for port in ports))
            for said in answers:
                if said is not None:
                    return said
            place = (place + 1) % self._count
            await asyncio.sleep(user.random.uniform(0.005, 0.03))
        raise TimeoutError(f"{user.name} was not answered")

    async def _post(self, port: int, user: Conversation, turn: str, delivery: str) -> tuple[str, ...] | None:
        try:
            answer = await self._client.post(
                f"http://127.0.0.1:{port}/chat/{user.name}", json={"turn": turn, "delivery": delivery}
            )
        except httpx.TransportError:
            return None
        return tuple(answer.json()) if answer.status_code == 200 else None

    def _acknowledge(self, user: Conversation, turn: str, delivery: str, said: tuple[str, ...]) -> None:
        self.report.turns += 1
        user.old = [*user.old[-20:], (turn, delivery)]
        meant = from_wire(turn)
        after, _ = step(user.state, meant, self._knowledge)
        if after != user.state:
            if isinstance(meant, Command) and meant.name == "restart":
                user.turns.clear()
            user.turns.append(turn)
            if said[-1] != after.here:
                self.report.lost += 1
                self._example(f"{user.name}: {turn} was answered with {said}, expected {after.here}")
        user.state = after
        user.kept.append((delivery, said))

    async def _race(self, user: Conversation) -> None:
        """Two devices answer the same question at the same time: one of the two answers counts, never both."""
        self.report.races += 1
        turns = ["hr_status:negative", "hr_status:positive"]
        deliveries = [self._named(user), self._named(user)]
        await asyncio.gather(
            *(self._deliver(user, turn, delivery) for turn, delivery in zip(turns, deliveries, strict=True))
        )
        self.report.turns += 2
        kept = await asyncio.to_thread(self._stored, user)
        for turn in turns:
            if kept == [*user.turns, turn]:
                user.turns.append(turn)
                user.state, _ = step(user.state, from_wire(turn), self._knowledge)
                user.kept += [(delivery, ()) for delivery in deliveries]
                return
        self.report.doubled += len(kept) > len(user.turns) + 1
        self.report.lost += len(kept) <= len(user.turns)
        self._example(f"{user.name}: after two answers at once the log ends with {kept[-3:]}")
        raise RuntimeError("the log is not what was acknowledged")

    # The end

    async def _settle(self) -> None:
        """Let the last letters leave; then touch every conversation once, so that what was unsure is shown again."""
        self._standin.calm = True
        await self._empty()
        await asyncio.gather(*map(self._touch, self._users))
        await self._empty()

    async def _touch(self, user: Conversation) -> None:
        delivery = self._named(user)
        with contextlib.suppress(TimeoutError):
            user.kept.append((delivery, await self._deliver(user, "/start", delivery)))

    async def _empty(self) -> None:
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            with contextlib.suppress(sqlite3.Error, psycopg.Error):
                rows = await asyncio.to_thread(self._read, "SELECT count(*) FROM outbox WHERE state <> 'unsure'", ())
                if rows == [(0,)]:
                    return
            await asyncio.sleep(0.1)
        self.report.stuck += 1
        self._example("the outbox did not become empty")

    def _judge(self) -> None:
        """Compare the log with what was acknowledged, and the letters with what they answer."""
        for user in self._users:
            kept = self._stored(user)
            if kept != user.turns:
                self.report.lost += len(kept) <= len(user.turns)
                self.report.doubled += len(kept) > len(user.turns)
                self._example(f"{user.name}: the log holds {kept[-4:]}, acknowledged were {user.turns[-4:]}")
            if self._standin.last.get(user.name) != user.state.here:
                self.report.stuck += 1
                self._example(f"{user.name} stands at {user.state.here}, last saw {self._standin.last.get(user.name)}")
            for delivery, said in user.kept:
                for place, name in enumerate(("edit", *said)):
                    self.report.letters += 1
                    times = self._standin.received[delivery, place, name]
                    self.report.letters_unsure += place > 0 and not times
                    self.report.letters_lost += place == 0 and not times and said != ()
        self.report.letters_doubled = sum(
            times > 1 for (_, place, _), times in self._standin.received.items() if place > 0
        )

    def _stored(self, user: Conversation) -> list[str]:
        """The turns of the current case, read past the program."""
        query = (
            "SELECT turn FROM turn JOIN conversation ON conversation.number = turn.conversation "
            "AND conversation.case_number = turn.case_number WHERE id = ? ORDER BY turn.sequence"
        )
        return [turn for (turn,) in self._read(query, (self._keys.conversation(f"chat:{user.name}"),))]

    def _read(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._url is not None:
            with psycopg.connect(self._url) as db:
                return db.execute(query.replace("?", "%s").encode(), values).fetchall()
        with contextlib.closing(sqlite3.connect(self._folder / "triage.sqlite3", timeout=30)) as db:
            return db.execute(query, values).fetchall()

    def _example(self, text: str) -> None:
        if len(self.report.examples) < 5:
            self.report.examples.append(text)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def crash(engine: str, **options: Any) -> Report:
    """One run on a log of its own."""
    with tempfile.TemporaryDirectory(prefix="triage-crash-", dir=DISK) as folder, contextlib.ExitStack() as stack:
        url = None
        if engine == "postgresql":
            url = stack.enter_context(Server()).create_database("crash")
        return asyncio.run(Crash(engine, Path(folder), url, **options).run())


@click.command()
@click.option("--engine", type=click.Choice(["sqlite", "postgresql", "both"]), default="both")
@click.option("--kills", default=500, show_default=True)
@click.option("--users", default=50, show_default=True)
@click.option("--seed", default=None, type=int, help="Another order of events; random where it is left out.")
@click.option("--without", type=click.Choice(VARIANTS), help="Switch off what keeps it right: the run must fail then.")
def main(engine: str, kills: int, users: int, seed: int | None, without: str | None) -> None:
    """Kill workers at random moments under load, and compare what is left with what was acknowledged."""
    seed = seed if seed is not None else random.SystemRandom().randrange(10**6)
    failed = False
    for name in ("sqlite", "postgresql") if engine == "both" else (engine,):
        patience = PATIENCE if without is None else 10.0
        report = crash(name, kills=kills, users=users, seed=seed, without=without, patience=patience)
        click.echo(f"{report} (seed {seed})")
        for example in report.examples:
            click.echo(f"  {example}")
        failed |= report.failed
    sys.exit(failed)


if __name__ == "__main__":
    main()
