"""The append-only log of turns that changed a conversation, in SQLite.

A conversation has cases, a case has turns in order. Reading the current case costs the same however many
earlier cases there are: one index range. No text that was typed is ever written, only options' ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE turn (
    conversation TEXT NOT NULL,
    case_number  INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    turn         TEXT NOT NULL,
    delivery     TEXT,
    knowledge    TEXT NOT NULL,
    at           TEXT NOT NULL,
    PRIMARY KEY (conversation, case_number, sequence)
) WITHOUT ROWID;
CREATE UNIQUE INDEX turn_delivery ON turn (conversation, delivery) WHERE delivery IS NOT NULL;
"""


class LogError(RuntimeError):
    """The log cannot be used: the file is damaged, not writable, or of a newer version."""


class WentOnElsewhere(LogError):
    """The conversation has turns that this process has not read: another one wrote or erased meanwhile."""


@dataclass(frozen=True, slots=True)
class Case:
    """The current case of a conversation: its number, its turns (oldest first), and the next free place."""

    number: int
    turns: tuple[str, ...]
    next_sequence: int = field(default=1, compare=False)


class Log:
    """The log of one process. Every append is durable when it returns."""

    def __init__(self, path: Path | str, now: Callable[[], datetime]) -> None:
        self._now = now
        try:
            if isinstance(path, Path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise LogError(f"{path}: {error}") from error

    def _migrate(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")  # two first starts at once: the second finds the first one's tables
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"written by a newer version (schema {version})")
        if version == 0:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._db.execute("COMMIT")

    def current(self, conversation: str) -> Case:
        """The current case; an empty case 1 where the conversation is new."""
        rows = self._db.execute(
            "SELECT case_number, turn, sequence FROM turn WHERE conversation = ?1 AND case_number = "
            "(SELECT case_number FROM turn WHERE conversation = ?1 ORDER BY case_number DESC LIMIT 1) "
            "ORDER BY sequence",
            (conversation,),
        ).fetchall()
        if not rows:
            return Case(1, ())
        return Case(rows[0][0], tuple(turn for _, turn, _ in rows if turn), rows[-1][2] + 1)

    def append(self, conversation: str, case: Case, turn: str, knowledge: str, delivery: str | None = None) -> Case:
        """Append a turn to the case that was read and make it durable. Raises LogError where it cannot.

        An empty turn keeps only that a delivery was taken and changed nothing.
        """
        values = (conversation, case.number, case.next_sequence, turn, delivery, knowledge, self._now().isoformat())
        try:
            with self._transaction():
                self._expect(conversation, case)
                self._db.execute("INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        except sqlite3.Error as error:
            raise LogError(f"the turn could not be kept: {error}") from error
        return Case(case.number, (*case.turns, turn) if turn else case.turns, case.next_sequence + 1)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        within = self._db.in_transaction
        if not within:
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if not within:
                self._db.execute("ROLLBACK")
            raise
        if not within:
            self._db.execute("COMMIT")

    def _expect(self, conversation: str, case: Case) -> None:
        """Refuse a turn that does not follow what stands in the log now."""
        newest = self._db.execute(
            "SELECT case_number, sequence FROM turn WHERE conversation = ? "
            "ORDER BY case_number DESC, sequence DESC LIMIT 1",
            (conversation,),
        ).fetchone()
        if case.next_sequence > 1:
            follows = newest == (case.number, case.next_sequence - 1)
        else:
            follows = newest is None or newest[0] < case.number
        if not follows:
            raise WentOnElsewhere("the conversation went on elsewhere")

    def delivered(self, conversation: str, delivery: str) -> bool:
        """Whether a delivery was already taken."""
        row = self._db.execute(
            "SELECT 1 FROM turn WHERE conversation = ? AND delivery = ?", (conversation, delivery)
        ).fetchone()
        return row is not None

    def forget(self, conversation: str) -> None:
        """Erase everything of a conversation, from the file too."""
        try:
            self._db.execute("DELETE FROM turn WHERE conversation = ?", (conversation,))
            (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise LogError("erased from the log, but another reader still keeps the file's old pages")
        except sqlite3.Error as error:
            raise LogError(f"nothing could be erased: {error}") from error

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):
            self._db.close()
