"""The log in an SQLite file: the default. One process at a time; one writer thread, and readers beside it.

Write-ahead log with synchronous=FULL: a transaction is on the disk when it returns. Erased content is overwritten.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bot.log.keys import Keys, delivery_hash, erased_delivery
from bot.log.migrations import pending
from bot.log.model import (
    KEPT_TABLES,
    NOTHING_KEPT,
    Case,
    Entry,
    LogError,
    Outcome,
    Outstanding,
    Posted,
    Settled,
    Stats,
    Version,
    hour_of,
)

BUSY = 2.0
"""Seconds to wait for a lock that somebody else holds on the file."""


def said(error: Exception) -> str:
    """A database's error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def remove(file: Path) -> None:
    """Take away an SQLite file and what stands beside it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


class SQLite:
    """The engine on one file. Raises LogError where the file cannot be used, or another process uses it.

    `alone`: take the file for this process. Administration goes without, beside a process that serves.
    """

    def __init__(self, path: Path, keys: Keys, *, alone: bool = True) -> None:
        self.path = path
        self.keys = keys
        self._lock = -1
        self._readers = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._knowledges: dict[str, int] = {}
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if alone:
                self._take_lock()
            if not path.exists():
                path.touch(mode=0o600)
            self._inode = path.stat().st_ino
            self._db = self._connect()
            self._migrate()
            self._check_keys()
            if alone:
                with self.transaction():
                    self._lapse("")  # whoever was sending is gone
        except (OSError, sqlite3.Error, ValueError) as error:
            self.close()
            raise LogError(f"{path}: {said(error)}", error) from error
        except LogError:
            self.close()
            raise

    def _take_lock(self) -> None:
        self._lock = os.open(
            self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            self._lock = -1
            raise LogError(
                f"{self.path}: in use by another process{f' ({holder})' if holder else ''}. "
                "An SQLite log serves one process; several need PostgreSQL (TRIAGE_DATABASE_URL)"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _connect(self) -> sqlite3.Connection:
        where = f"{self.path.absolute().as_uri()}?mode=rw"  # never makes a file where the log was
        db = sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY)
        self._opened.append(db)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")
        db.execute("PRAGMA cache_size=-16384")
        return db

    def _migrate(self) -> None:
        self._db.create_function("keyed", 1, self.keys.conversation, deterministic=True)
        self._db.create_function("delivery_hash", 1, delivery_hash, deterministic=True)
        with self.transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            steps = pending("sqlite", version)
            for step in steps:
                statement = ""
                for line in step.sql.splitlines(keepends=True):
                    statement += line
                    if sqlite3.complete_statement(statement):
                        self._db.execute(statement)
                        statement = ""
                self._db.execute(f"PRAGMA user_version={step.number}")
        if version and steps:
            self._truncate(must=False)  # what a step took out is not left in old pages either

    def _check_keys(self) -> None:
        with self.transaction():
            kept = self._db.execute("SELECT fingerprint FROM key_check").fetchone()
            if kept is not None and kept[0] not in self.keys.fingerprints and self._holds_anything():
                raise LogError(
                    f"{self.path}: written with another TRIAGE_SECRET_KEY; give that key, or the new one and that one"
                )
            if kept is None or kept[0] != self.keys.fingerprints[0]:
                self._db.execute("DELETE FROM key_check")
                self._db.execute("INSERT INTO key_check VALUES (?)", (self.keys.fingerprints[0],))

    def _check_place(self) -> None:
        """Refuse to go on with a file that was moved away or replaced: nobody would ever find it again."""
        if os.stat(self.path).st_ino != self._inode:  # noqa: PTH116  (at every transaction: half the time of Path.stat)
            raise LogError(f"{self.path}: was replaced while it was open")

    def _holds_anything(self) -> bool:
        (found,) = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM conversation) OR EXISTS (SELECT 1 FROM record)"
        ).fetchone()
        return bool(found)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One durable transaction on the writer's connection."""
        try:
            self._check_place()
            self._db.execute("BEGIN IMMEDIATE")
        except (OSError, sqlite3.Error) as error:
            raise LogError(f"the log cannot be written: {said(error)}", error) from error
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                self._knowledges.clear()
                raise LogError(f"the log cannot be written: {said(error)}", error) from error
            raise

    def take(self, entries: Sequence[Entry], at: int, *, patient: bool = True) -> list[Outcome]:
        """Keep entries, each where its delivery is new and its version holds."""
        return [self._take(entry, at, hour_of(at)) for entry in entries]

    def _take(self, entry: Entry, at: int, hour: int) -> Outcome:
        execute = self._db.execute
        serial, number, sequence = entry.read
        after = entry.sequence
        if serial == 0:
            token = erased_delivery(entry.conversation, entry.delivery)
            if entry.channel and execute("SELECT 1 FROM erasure WHERE token = ?", (token,)).fetchone() is not None:
                return Outcome("duplicate", 0)  # it came before an erasure: nothing is begun with it
            row = execute(
                "INSERT INTO conversation (id, case_number, sequence, seen_hour) VALUES (?, ?, 0, ?) "
                "ON CONFLICT (id) DO NOTHING RETURNING number",
                (entry.conversation, number, hour),
            ).fetchone()
            if row is None:
                (serial,) = execute("SELECT number FROM conversation WHERE id = ?", (entry.conversation,)).fetchone()
        else:
            row = None
        if row is None:
            taken = execute(
                "SELECT case_number, sequence FROM delivery WHERE conversation = ? AND id = ?", (serial, entry.delivery)
            ).fetchone()
            if taken is not None:
                return Outcome("duplicate", serial, taken)
            if entry.read.serial == 0:
                return Outcome("elsewhere", serial)
        else:
            (serial,) = row
        if entry.letters and not entry.shows_again and self._is_unsure(serial):
            return Outcome("elsewhere", serial)  # to be decided again, with what may not have arrived shown again
        changed = execute(
            "UPDATE conversation SET case_number = ?, sequence = ?, seen_hour = max(seen_hour, ?) "
            "WHERE number = ? AND case_number = ? AND sequence = ?",
            (entry.case_number, after, hour, serial, number, sequence),
        ).rowcount
        if not changed:
            return Outcome("elsewhere", serial)
        if entry.turn:
            execute(
                "INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?)",
                (serial, entry.case_number, after, entry.turn, self._knowledge(entry.knowledge), at),
            )
        if entry.case_number != number:
            execute("DELETE FROM turn WHERE conversation = ? AND case_number < ?", (serial, entry.case_number))
        execute(  # by the latest hour it was seen in: a clock that was behind does not make it older than it is
            "INSERT INTO delivery SELECT ?, ?, ?, ?, seen_hour FROM conversation WHERE number = ?1",
            (serial, entry.delivery, entry.case_number, after),
        )
        posted = None
        if entry.letters or entry.address is not None or entry.shows_again:
            posted = self._post(entry, serial, at)
        if entry.record is not None:
            execute("INSERT INTO record VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (*entry.record, hour))
        return Outcome("kept", serial, posted=posted)

    def _is_unsure(self, serial: int) -> bool:
        found = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE conversation = ? AND state = 'unsure')", (serial,)
        ).fetchone()
        return bool(found[0])

    def _post(self, entry: Entry, serial: int, at: int) -> Posted | None:
        """Put letters into the outbox; the first is handed over at once where nothing goes before it."""
        if entry.address is not None:
            self._db.execute("UPDATE conversation SET address = ? WHERE number = ?", (entry.address, serial))
        if entry.shows_again:
            self._db.execute("DELETE FROM outbox WHERE conversation = ? AND state = 'unsure'", (serial,))
        posted = self._handed_over(entry, serial, at) if entry.lease and entry.letters else None
        letters = entry.letters[1:] if posted else entry.letters
        self._db.executemany(
            "INSERT INTO outbox (conversation, channel, payload, repeatable, state, attempts, due) "
            "VALUES (?, ?, ?, ?, 'waiting', 0, 0)",
            [(serial, entry.channel, letter.payload, letter.repeatable) for letter in letters],
        )
        return posted

    def _handed_over(self, entry: Entry, serial: int, at: int) -> Posted | None:
        execute = self._db.execute
        letter = entry.letters[0]
        if execute("SELECT EXISTS (SELECT 1 FROM outbox WHERE conversation = ?)", (serial,)).fetchone()[0]:
            return None
        number = execute(
            "INSERT INTO outbox (conversation, channel, payload, repeatable, state, attempts, due) "
            "VALUES (?, ?, ?, ?, 'sending', 0, ?)",
            (serial, entry.channel, letter.payload, letter.repeatable, at + entry.lease),
        ).lastrowid
        address, noted = execute("SELECT address, noted FROM conversation WHERE number = ?", (serial,)).fetchone()
        return Posted(number or 0, entry.channel, address, letter.payload, letter.repeatable, 0, noted)

    def _knowledge(self, digest: str) -> int:
        number = self._knowledges.get(digest)
        if number is None:
            self._db.execute("INSERT INTO knowledge (digest) VALUES (?) ON CONFLICT DO NOTHING", (digest,))
            (number,) = self._db.execute("SELECT number FROM knowledge WHERE digest = ?", (digest,)).fetchone()
            self._knowledges[digest] = number
        return number

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of this thread, so that reading never waits for the writer."""
        try:
            self._check_place()
            db: sqlite3.Connection | None = getattr(self._readers, "db", None)
            if db is None:
                db = self._readers.db = self._connect()
            yield db
        except (OSError, sqlite3.Error) as error:
            raise LogError(f"the log cannot be read: {said(error)}", error) from error

    def read(self, conversation: bytes, earlier: Sequence[bytes] = ()) -> Case:
        """The current case; one that is not begun where the conversation is new."""
        with self._reading() as db:
            for place, key in enumerate((conversation, *earlier)):
                rows = db.execute(
                    "SELECT conversation.number, conversation.case_number, turn, EXISTS (SELECT 1 FROM outbox "
                    "WHERE outbox.conversation = conversation.number AND state = 'unsure') "
                    "FROM conversation LEFT JOIN turn ON turn.conversation = conversation.number "
                    "AND turn.case_number = conversation.case_number WHERE id = ? ORDER BY turn.sequence",
                    (key,),
                ).fetchall()
                if rows:
                    if place:
                        db.execute("UPDATE conversation SET id = ? WHERE id = ?", (conversation, key))
                    serial, number, _, unsure = rows[0]
                    return Case(serial, number, tuple(row[2] for row in rows if row[2] is not None), bool(unsure))
        return Case()

    def version(self, conversation: bytes) -> Version:
        """The version of the current case."""
        with self._reading() as db:
            row = db.execute(
                "SELECT number, case_number, sequence FROM conversation WHERE id = ?", (conversation,)
            ).fetchone()
        return Version(*row) if row else NOTHING_KEPT

    def outstanding(self, conversation: bytes) -> Outstanding:
        """Whether letters are still to arrive, and what was noted last."""
        with self._reading() as db:
            row = db.execute(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE outbox.conversation = conversation.number "
                "AND state <> 'unsure'), noted FROM conversation WHERE id = ?",
                (conversation,),
            ).fetchone()
        return Outstanding(bool(row[0]), row[1]) if row else Outstanding()

    def forget(self, conversations: Sequence[bytes], owners: Sequence[bytes], token: bytes | None, at: int) -> bool:
        """Erase everything under these hashes, from the file and its write-ahead log too."""
        with self.transaction():
            fresh = token is None or bool(
                self._db.execute(
                    "INSERT INTO erasure VALUES (?, ?) ON CONFLICT DO NOTHING", (token, hour_of(at))
                ).rowcount
            )
            if fresh:
                for conversation in conversations:
                    taken = self._db.execute(
                        "SELECT delivery.id FROM delivery JOIN conversation "
                        "ON conversation.number = delivery.conversation WHERE conversation.id = ?",
                        (conversation,),
                    )
                    self._db.executemany(
                        "INSERT INTO erasure VALUES (?, ?) ON CONFLICT DO NOTHING",
                        [(erased_delivery(conversation, delivery), hour_of(at)) for (delivery,) in taken.fetchall()],
                    )
                    self._erase("SELECT number FROM conversation WHERE id = ?", (conversation,))
                for owner in owners:
                    self._db.execute("DELETE FROM record WHERE owner = ?", (owner,))
        self._truncate(must=True)  # also for one delivered again: the first may have come only so far
        return fresh

    def _erase(self, which: str, values: tuple[object, ...]) -> int:
        numbers = self._db.execute(which, values).fetchall()
        for table in ("turn", "delivery", "outbox"):
            self._db.executemany(f"DELETE FROM {table} WHERE conversation = ?", numbers)
        self._db.executemany("DELETE FROM conversation WHERE number = ?", numbers)
        return len(numbers)

    def _truncate(self, *, must: bool) -> None:
        """Write the write-ahead log's pages back and empty it: the old pages in it are gone then."""
        try:
            (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise LogError(f"erased from the log, but not yet from its old pages: {said(error)}", error) from error
        if busy and must:
            raise LogError("erased from the log, but another reader still keeps the file's old pages")

    def sweep(self, before: int, limit: int) -> int:
        """Erase at most `limit` conversations not seen since `before`, and deliveries and erasures that old."""
        hour = hour_of(before)
        with self.transaction():
            gone = self._erase("SELECT number FROM conversation WHERE seen_hour < ? LIMIT ?", (hour, limit))
            old = self._db.execute(
                "DELETE FROM delivery WHERE (conversation, id) IN "
                "(SELECT conversation, id FROM delivery WHERE hour < ? LIMIT ?)",
                (hour, limit),
            ).rowcount
            self._db.execute("DELETE FROM erasure WHERE hour < ?", (hour,))
        if gone or old:
            self._truncate(must=False)
        return gone

    def claim(self, at: int, lease: int, limit: int) -> list[Posted]:
        """Mark the first waiting letter of each conversation as being sent."""
        rows = self._db.execute(
            "UPDATE outbox SET state = 'sending', due = ?1 + ?2 WHERE number IN ("
            "SELECT number FROM outbox AS letter WHERE state = 'waiting' AND due <= ?1 AND NOT EXISTS ("
            "SELECT 1 FROM outbox AS before WHERE before.conversation = letter.conversation "
            "AND before.number < letter.number AND before.state <> 'unsure') ORDER BY number LIMIT ?3) "
            "RETURNING number, channel, "
            "(SELECT address FROM conversation WHERE conversation.number = outbox.conversation), payload, repeatable, "
            "attempts, (SELECT noted FROM conversation WHERE conversation.number = outbox.conversation), "
            "repeatable AND instr(payload, '{') > 1 AND EXISTS (SELECT 1 FROM outbox AS after "
            "WHERE after.conversation = outbox.conversation "
            "AND after.number > outbox.number AND after.repeatable "
            "AND substr(after.payload, 1, instr(after.payload, '{')) "
            "= substr(outbox.payload, 1, instr(outbox.payload, '{')))",
            (at, lease, limit),
        ).fetchall()
        return [Posted._make(row)._replace(repeatable=bool(row[4]), needless=bool(row[7])) for row in sorted(rows)]

    def settle(self, number: int, state: Settled, due: int, noted: str | None = None) -> bool:
        """What became of a letter that was being sent."""
        if noted is not None:
            self._db.execute(
                "UPDATE conversation SET noted = ? WHERE number = "
                "(SELECT conversation FROM outbox WHERE outbox.number = ?)",
                (noted, number),
            )
        if state == "sent":
            gone = self._db.execute("DELETE FROM outbox WHERE number = ? RETURNING conversation", (number,)).fetchone()
        else:
            gone = self._db.execute(
                "UPDATE outbox SET state = ?, due = ?, attempts = attempts + 1 WHERE number = ? RETURNING conversation",
                (state, due, number),
            ).fetchone()
        if gone is None or state == "waiting":
            return False
        (more,) = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE conversation = ? AND number > ?)", (gone[0], number)
        ).fetchone()
        return bool(more)

    def lapse(self, at: int) -> int:
        """Letters whose sender's lease is over."""
        return self._lapse(" AND due < ?", at)

    def _lapse(self, condition: str, *values: int) -> int:
        self._db.execute(  # what a conversation shows last is not known any more
            "UPDATE conversation SET noted = '' WHERE noted <> '' AND number IN "
            f"(SELECT conversation FROM outbox WHERE state = 'sending' AND NOT repeatable{condition})",
            values,
        )
        return self._db.execute(
            "UPDATE outbox SET state = CASE repeatable WHEN 1 THEN 'waiting' ELSE 'unsure' END, due = 0 "
            f"WHERE state = 'sending'{condition}",
            values,
        ).rowcount

    def probe(self, at: int) -> None:
        """Write something durable."""
        with self.transaction():
            self._db.execute("UPDATE probe SET at = ? WHERE id = 1", (at,))

    def depth(self) -> dict[str, int]:
        """Letters in the outbox, by state."""
        with self._reading() as db:
            return dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state"))

    def stats(self) -> Stats:
        """Counts over the whole log."""
        with self._reading() as db:
            (schema,) = db.execute("PRAGMA user_version").fetchone()
            counts = [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("conversation", "turn", "delivery", "record")
            ]
        states = self.depth()
        size = sum(file.stat().st_size for suffix in ("", "-wal") if (file := Path(f"{self.path}{suffix}")).exists())
        letters = (states.get(state, 0) for state in ("waiting", "sending", "unsure"))
        return Stats._make(("sqlite", schema, *counts, *letters, size))

    def backup(self, target: Path) -> None:
        """A consistent copy as an SQLite file, for its owner only."""
        try:
            target.touch(mode=0o600, exist_ok=False)
            with self._reading() as db, closing(sqlite3.connect(target)) as copy:
                db.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
        except FileExistsError:
            raise LogError(f"{target}: exists already") from None
        except (OSError, sqlite3.Error) as error:
            remove(target)
            raise LogError(f"{target}: {said(error)}", error) from error
        except LogError as error:
            remove(target)
            raise LogError(f"{target}: {error}", error) from error

    def restore(self, source: sqlite3.Connection) -> None:
        """Bring back what a backup holds, into an empty log, in one transaction."""
        with self.transaction():
            for table in KEPT_TABLES:
                self._db.execute(f"DELETE FROM {table}")
                names = [name for _, name, *_ in source.execute(f"PRAGMA table_info({table})")]
                rows = source.execute(f"SELECT {', '.join(names)} FROM {table}")
                marks = ", ".join("?" * len(names))
                self._db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
        self._knowledges.clear()

    def interrupt(self, after: float) -> None:
        """Nothing: a lock is waited for two seconds at the most, and waiting for a disk cannot be broken off."""

    def close(self) -> None:
        """Close the file and leave it to others."""
        for db in self._opened:
            with suppress(sqlite3.Error):
                db.close()
        self._opened.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
