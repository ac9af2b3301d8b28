"""What tests of the log share: an empty log on each engine, opened as often as a test likes."""

from __future__ import annotations

import gc
import os
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.app import App
from bot.log import Keys, Log
from bot.log.model import Engine
from bot.log.postgresql import PostgreSQL
from bot.log.sqlite import SQLite
from flows.knowledge import load as loading
from flows.knowledge.load import shipped
from flows.plain_yaml import read_yaml
from tests import postgres
from tests.understanding import corpus

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
KEY = "a key of the tests that is long enough"
TABLES = ("conversation", "turn", "delivery", "outbox", "record", "erasure")


class Place:
    """Where a log is kept: opened again and again, as after restarts, and read past the program."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder = folder
        self.url = url
        self.now = NOW
        self._logs: list[Log] = []
        self._db: psycopg.Connection[Any] | None = None

    @property
    def file(self) -> Path:
        return self.folder / "data" / "triage.sqlite3"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a process that uses this log."""
        there = {"TRIAGE_DATA_DIR": str(self.folder / "data"), "TRIAGE_SECRET_KEY": KEY}
        return {**there, "TRIAGE_DATABASE_URL": self.url} if self.url else there

    def engine(self, key: str = KEY) -> Engine:
        keys = Keys(key)
        return PostgreSQL(self.url, keys) if self.url else SQLite(self.file, keys)

    def open(self, key: str = KEY) -> Log:
        log = Log(self.engine(key), self._seconds)
        self._logs.append(log)
        return log

    def _seconds(self) -> float:
        return self.now.timestamp()

    def app(self, log: Log | None = None, today: date = TODAY, **options: Any) -> App:
        return App(shipped(), log or self.open(), today=lambda: today, **options)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """A statement past the program; `?` marks values."""
        if self.url:
            try:
                return self._ask(self.url, statement, values)
            except psycopg.OperationalError:
                if self._db is None or not self._db.closed:
                    raise
                return self._ask(self.url, statement, values)  # the server was started anew since
        with closing(sqlite3.connect(self.file, isolation_level=None)) as db:
            return db.execute(statement, values).fetchall()

    def _ask(self, url: str, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._db is None or self._db.closed:
            self._db = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        cursor = self._db.execute(statement.replace("?", "%s").encode(), values or None)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []

    def turns(self) -> list[str]:
        """The turns of all current cases, in order."""
        return [turn for (turn,) in self.execute(
            "SELECT turn FROM turn ORDER BY conversation, case_number, sequence"
        )]  # fmt: skip

    def everything(self) -> str:
        """Every table's content, and every byte of every file."""
        tables = "".join(repr(self.execute(f"SELECT * FROM {table}")) for table in TABLES)
        files = b"".join(file.read_bytes() for file in self.folder.rglob("*") if file.is_file())
        return tables + files.decode("latin-1")

    def close(self) -> None:
        for log in self._logs:
            log.close()
        if self._db is not None:
            self._db.close()


LONGEST = (
    "telegram_trouble", "understanding", "faults", "web_browser", "crash", "web", "messages", "web_conversations",
    "serve", "impact", "log", "cli", "sequencing_properties", "questions", "pdf", "card", "web_accessibility", "admin",
    "fhir", "knowledge", "telegram_conversations", "telegram_limits", "terminal", "print", "outbox", "verification",
    "postgres", "records", "explanation", "share", "api", "use",
)  # fmt: skip
"""What takes longest begins first, so that no worker is left alone with it in the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@cache
def _parsed(text: str) -> bytes:
    return pickle.dumps(read_yaml(text))


@pytest.fixture(scope="session", autouse=True)
def _parse_once() -> Iterator[None]:
    """A knowledge with one file changed is loaded a hundred times: each text is parsed once, each load gets its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "read_yaml", lambda text: pickle.loads(_parsed(text)))
        yield


@pytest.fixture(scope="session", autouse=True)
def _read_anew() -> None:
    """Several runs in one process, as of mutants, each read the corpus with the rules they have."""
    corpus.forget()


def pytest_collection_finish() -> None:
    """Whatever is imported by now stays: the garbage collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    postgres.need_postgres()
    with postgres.Server() as server:
        yield server


@pytest.fixture
def make_place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Place]]:
    places: list[Place] = []
    databases: list[str] = []

    def make(engine: str) -> Place:
        url = None
        if engine == "postgresql":
            server = request.getfixturevalue("postgres_server")
            databases.append(f"test_{os.urandom(6).hex()}")
            server.revive()
            url = server.create_database(databases[-1])
        places.append(Place(tmp_path / f"{engine}-{len(places)}", url))
        places[-1].folder.mkdir()
        return places[-1]

    yield make
    for place in places:
        place.close()
    if databases:
        server = request.getfixturevalue("postgres_server")
        server.revive()
        for name in databases:
            server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, make_place: Callable[[str], Place]) -> Place:
    """An empty log, on each engine in turn."""
    return make_place(request.param)


@pytest.fixture
def log(place: Place) -> Log:
    return place.open()
