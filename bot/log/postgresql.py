"""The log in PostgreSQL, for several workers on one or more machines. psycopg 3 with a pool.

A turn locks its conversation's row, so that whichever worker takes a delivery first is the only one. Times that
several workers must agree on (leases) are the database's.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from bot.log.keys import Keys
from bot.log.migrations import migrations, pending
from bot.log.model import (
    KEPT_TABLES,
    NOTHING_KEPT,
    Case,
    ConnectionLost,
    Entry,
    Locked,
    LogError,
    Outcome,
    Outstanding,
    Posted,
    Settled,
    Stats,
    Version,
    hour_of,
)
from bot.log.sqlite import remove, said

WAIT = 2
"""Seconds to wait for a connection."""
STATEMENT = 4
"""Seconds one statement may take, where the server still answers."""
MIGRATING = 7_215_034_911
"""The advisory lock workers take in turn while they bring the schema up to date."""
KINDS = ("kept", "duplicate", "elsewhere", "locked")

logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # it would log addresses; errors are raised anyway


class PostgreSQL:
    """The engine on one database. Raises LogError where it cannot be reached or used."""

    def __init__(self, url: str, keys: Keys, *, password: str | None = None, pool_size: int = 4) -> None:
        self.keys = keys
        self._local = threading.local()
        self._knowledges: dict[str, int] = {}
        self._using: dict[int, tuple[psycopg.Connection, float]] = {}
        try:
            given: dict[str, Any] = conninfo_to_dict(url)
            if password is not None:
                given["password"] = password
            # every query has its index: a plan made while a table was empty must not stay a scan of it once it is full
            settings = f"-c enable_seqscan=off -c statement_timeout={STATEMENT}s -c lock_timeout={WAIT}s "
            given["options"] = settings + str(given.get("options", ""))
            conninfo = make_conninfo(**{"application_name": "triage", "connect_timeout": 2, **given})
        except psycopg.Error:  # what is wrong with it is not said: it may hold a password
            raise LogError("TRIAGE_DATABASE_URL: is not an address PostgreSQL understands") from None
        self._where = f"TRIAGE_DATABASE_URL: {given.get('host', '')}/{given.get('dbname', '')}"
        self._pool = ConnectionPool(
            conninfo, min_size=1, max_size=pool_size, open=False, timeout=WAIT, kwargs={"autocommit": True},
            reconnect_timeout=1.0,  # afterwards the next turn asks for a connection at once: no long back-off
            name="triage",
        )  # fmt: skip
        try:
            with psycopg.connect(conninfo, autocommit=True) as db:
                self._migrate(db)
                self._check_keys(db)
            self._pool.open()
        except psycopg.Error as error:
            self.close()
            raise LogError(f"{self._where}: {said(error)}") from None
        except (ValueError, LogError) as error:
            self.close()
            raise LogError(f"{self._where}: {said(error)}") from None

    def _migrate(self, db: psycopg.Connection) -> None:
        db.execute("SET lock_timeout = '60s'; SET statement_timeout = 0")
        db.execute("SELECT pg_advisory_lock(%s)", (MIGRATING,))
        try:
            with db.transaction():
                db.execute("CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)")
                row = db.execute("SELECT version FROM schema_version").fetchone()
                if row is None:
                    db.execute("INSERT INTO schema_version VALUES (0)")
                for step in pending("postgresql", row[0] if row else 0):
                    db.execute(step.sql.encode())
                    db.execute("UPDATE schema_version SET version = %s", (step.number,))
        finally:
            with suppress(psycopg.Error):
                db.execute("SELECT pg_advisory_unlock(%s)", (MIGRATING,))

    def _check_keys(self, db: psycopg.Connection) -> None:
        with db.transaction():
            db.execute("LOCK TABLE key_check IN EXCLUSIVE MODE")
            row = db.execute("SELECT fingerprint FROM key_check").fetchone()
            if row is not None and row[0] not in self.keys.fingerprints and self._holds_anything(db):
                raise LogError(
                    "written with another TRIAGE_SECRET_KEY; every worker needs that key, or the new one and that one"
                )
            if row is None or row[0] != self.keys.fingerprints[0]:
                db.execute("DELETE FROM key_check")
                db.execute("INSERT INTO key_check VALUES (%s)", (self.keys.fingerprints[0],))

    def _holds_anything(self, db: psycopg.Connection) -> bool:
        row = db.execute("SELECT EXISTS (SELECT 1 FROM conversation) OR EXISTS (SELECT 1 FROM record)").fetchone()
        return row is not None and bool(row[0])

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        """A connection of the pool, watched so that a server that no longer answers can be let go."""
        thread = threading.get_ident()
        began = False
        try:
            with self._pool.connection() as db:
                self._using[thread] = (db, time.monotonic())
                began = True
                try:
                    yield db
                finally:
                    del self._using[thread]
        except PoolTimeout as error:
            raise LogError("the database cannot be reached", error) from error
        except PoolClosed as error:
            raise LogError("the log is closed", error) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if began and (error.sqlstate is None or error.sqlstate.startswith(("57P", "08"))):
                self._pool.drain()  # the others that a restart broke go too, not one a turn
                raise ConnectionLost(f"the connection to the database broke: {said(error)}", error) from error
            kind = Locked if error.sqlstate == "55P03" else LogError  # lock_not_available
            raise kind(f"the log cannot be used: {said(error)}", error) from error
        except psycopg.Error as error:
            raise LogError(f"the log cannot be used: {said(error)}", error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One durable transaction on a connection of this thread."""
        with self._connection() as db:
            try:
                with db.transaction():
                    self._local.db = db
                    yield
            except BaseException:
                self._knowledges.clear()  # what this transaction named may have been rolled back
                raise
            finally:
                self._local.db = None

    @property
    def _db(self) -> psycopg.Connection:
        db: psycopg.Connection = self._local.db
        return db

    def _execute(self, query: LiteralString, values: Sequence[Any] = ()) -> psycopg.Cursor:
        return self._db.execute(query, values)

    def take(self, entries: Sequence[Entry], at: int, *, patient: bool = True) -> list[Outcome]:
        """Keep entries, each where its delivery is new and its version holds: one round trip for all of them."""
        letters = [
            (place, letter.payload, int(letter.repeatable))
            for place, entry in enumerate(entries, 1)
            for letter in entry.letters
        ]
        row = self._db.execute(
            "SELECT outcomes, kept_serials, place_cases, place_sequences FROM take_turns("
            "%s, %s::bigint[], %s::int[], %s::int[], %s::int[], %s::text[], %s, %s::int[], %s::text[], %s::bytea[], "
            "%s, %s, %s, %s::int[], %s::text[], %s::int[])",
            (
                [entry.conversation for entry in entries],
                [entry.read.serial for entry in entries],
                [entry.read.number for entry in entries],
                [entry.read.sequence for entry in entries],
                [entry.case_number for entry in entries],
                [entry.turn for entry in entries],
                [entry.delivery for entry in entries],
                [self._knowledge(entry.knowledge) for entry in entries],
                [entry.channel for entry in entries],
                [entry.address for entry in entries],
                [entry.shows_again for entry in entries],
                patient,
                at,
                [place for place, _, _ in letters],
                [payload for _, payload, _ in letters],
                [repeatable for _, _, repeatable in letters],
            ),
            binary=True,
        ).fetchone()
        assert row is not None
        outcomes = [
            Outcome(KINDS[kind], serial, (case, sequence))  # type: ignore[arg-type]
            for kind, serial, case, sequence in zip(*row, strict=True)
        ]
        records = [
            (*entry.record, hour_of(at))
            for entry, outcome in zip(entries, outcomes, strict=True)
            if entry.record is not None and outcome.kind == "kept"
        ]
        if records:
            with self._db.cursor() as cursor:
                cursor.executemany("INSERT INTO record VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING", records)
        return outcomes

    def _knowledge(self, digest: str) -> int:
        number = self._knowledges.get(digest)
        if number is None:
            self._execute("INSERT INTO knowledge (digest) VALUES (%s) ON CONFLICT DO NOTHING", (digest,))
            row = self._execute("SELECT number FROM knowledge WHERE digest = %s", (digest,)).fetchone()
            assert row is not None
            number = self._knowledges[digest] = row[0]
        return number

    def read(self, conversation: bytes, earlier: Sequence[bytes] = ()) -> Case:
        """The current case; one that is not begun where the conversation is new."""
        with self._connection() as db:
            for place, key in enumerate((conversation, *earlier)):
                row = db.execute(
                    "SELECT kept.number, kept.case_number, ARRAY(SELECT turn FROM turn "
                    "WHERE turn.conversation = kept.number AND turn.case_number = kept.case_number "
                    "ORDER BY turn.sequence), EXISTS (SELECT 1 FROM outbox "
                    "WHERE outbox.conversation = kept.number AND outbox.state = 'unsure') "
                    "FROM conversation AS kept WHERE kept.id = %s",
                    (key,),
                ).fetchone()
                if row is not None:
                    if place:
                        db.execute("UPDATE conversation SET id = %s WHERE id = %s", (conversation, key))
                    return Case(row[0], row[1], tuple(row[2]), row[3])
        return Case()

    def version(self, conversation: bytes) -> Version:
        """The version of the current case."""
        with self._connection() as db:
            row = db.execute(
                "SELECT number, case_number, sequence FROM conversation WHERE id = %s", (conversation,)
            ).fetchone()
        return Version(*row) if row else NOTHING_KEPT

    def outstanding(self, conversation: bytes) -> Outstanding:
        """Whether letters are still to arrive, and what was noted last."""
        with self._connection() as db:
            row = db.execute(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE outbox.conversation = kept.number "
                "AND state <> 'unsure'), noted FROM conversation AS kept WHERE id = %s",
                (conversation,),
            ).fetchone()
        return Outstanding(*row) if row else Outstanding()

    def forget(self, conversations: Sequence[bytes], owners: Sequence[bytes], token: bytes | None, at: int) -> bool:
        """Erase everything under these hashes."""
        with self.transaction():
            if token is not None:
                fresh = self._execute(
                    "INSERT INTO erasure VALUES (%s, %s) ON CONFLICT DO NOTHING", (token, hour_of(at))
                ).rowcount
                if not fresh:
                    return False
            rows = self._execute(
                "SELECT number FROM conversation WHERE id = ANY(%s) FOR UPDATE", (list(conversations),)
            ).fetchall()
            numbers = [number for (number,) in rows]
            self._execute(
                "INSERT INTO erasure SELECT DISTINCT sha256(conversation.id || delivery.id), %s "
                "FROM delivery JOIN conversation ON conversation.number = delivery.conversation "
                "WHERE conversation.number = ANY(%s) ON CONFLICT DO NOTHING",
                (hour_of(at), numbers),
            )
            self._erase(numbers)
            self._execute("DELETE FROM record WHERE owner = ANY(%s)", (list(owners),))
        return True

    def _erase(self, numbers: list[int]) -> None:
        for query in (
            "DELETE FROM turn WHERE conversation = ANY(%s)", "DELETE FROM delivery WHERE conversation = ANY(%s)",
            "DELETE FROM outbox WHERE conversation = ANY(%s)", "DELETE FROM conversation WHERE number = ANY(%s)",
        ):  # fmt: skip
            self._db.execute(query, (numbers,))

    def sweep(self, before: int, limit: int) -> int:
        """Erase at most `limit` conversations not seen since `before`, and deliveries and erasures that old."""
        hour = hour_of(before)
        with self.transaction():
            rows = self._execute(
                "SELECT number FROM conversation WHERE seen_hour < %s LIMIT %s FOR UPDATE SKIP LOCKED", (hour, limit)
            ).fetchall()
            self._erase([number for (number,) in rows])
            self._execute(
                "DELETE FROM delivery WHERE (conversation, id) IN "
                "(SELECT conversation, id FROM delivery WHERE hour < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
                (hour, limit),
            )
            self._execute("DELETE FROM erasure WHERE hour < %s", (hour,))
        return len(rows)

    def claim(self, at: int, lease: int, limit: int) -> list[Posted]:
        """Mark the first waiting letter of each conversation as being sent; letters others claim are passed over."""
        rows = self._execute(
            "WITH claimed AS (SELECT number FROM outbox AS letter WHERE state = 'waiting' AND due <= %s "
            "AND NOT EXISTS (SELECT 1 FROM outbox AS before WHERE before.conversation = letter.conversation "
            "AND before.number < letter.number AND before.state <> 'unsure') "
            "ORDER BY number LIMIT %s FOR UPDATE SKIP LOCKED) "
            "UPDATE outbox SET state = 'sending', "
            "due = extract(epoch FROM now())::bigint + %s FROM claimed WHERE outbox.number = claimed.number "
            "RETURNING outbox.number, channel, "
            "(SELECT address FROM conversation WHERE conversation.number = outbox.conversation), payload, repeatable, "
            "attempts, (SELECT noted FROM conversation WHERE conversation.number = outbox.conversation), "
            "repeatable = 1 AND strpos(payload, '{') > 1 AND EXISTS (SELECT 1 FROM outbox AS after "
            "WHERE after.conversation = outbox.conversation "
            "AND after.number > outbox.number AND after.repeatable = 1 "
            "AND split_part(after.payload, '{', 1) = split_part(outbox.payload, '{', 1))",
            (at, limit, lease),
        ).fetchall()
        return [Posted._make(row)._replace(repeatable=bool(row[4])) for row in sorted(rows)]

    def settle(self, number: int, state: Settled, due: int, noted: str | None = None) -> bool:
        """What became of a letter that was being sent."""
        if noted is not None:
            self._execute(
                "UPDATE conversation SET noted = %s WHERE number = "
                "(SELECT conversation FROM outbox WHERE outbox.number = %s)",
                (noted, number),
            )
        settled: LiteralString = (
            "DELETE FROM outbox WHERE number = %s RETURNING conversation"
            if state == "sent"
            else "UPDATE outbox SET attempts = attempts + 1, state = %s, due = %s WHERE number = %s "
            "RETURNING conversation"
        )
        values = (number,) if state == "sent" else (state, due, number)
        row = self._execute(
            f"WITH settled AS ({settled}) SELECT EXISTS (SELECT 1 FROM outbox "
            "WHERE outbox.conversation = settled.conversation AND number > %s) FROM settled",
            (*values, number),
        ).fetchone()
        return row is not None and state != "waiting" and bool(row[0])

    def lapse(self, at: int) -> int:
        """Letters whose sender's lease is over, by the database's clock."""
        self._execute(  # what a conversation shows last is not known any more
            "UPDATE conversation SET noted = '' WHERE noted <> '' AND number IN (SELECT conversation FROM outbox "
            "WHERE state = 'sending' AND repeatable = 0 AND due < extract(epoch FROM now()))"
        )
        return self._execute(
            "UPDATE outbox SET state = CASE repeatable WHEN 1 THEN 'waiting' ELSE 'unsure' END, due = 0 "
            "WHERE state = 'sending' AND due < extract(epoch FROM now())"
        ).rowcount

    def probe(self, at: int) -> None:
        """Write something durable."""
        with self.transaction():
            self._execute("UPDATE probe SET at = %s WHERE id = 1", (at,))

    def depth(self) -> dict[str, int]:
        """Letters in the outbox, by state."""
        with self._connection() as db:
            return dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())

    def stats(self) -> Stats:
        """Counts over the whole log."""
        with self._connection() as db:
            row = db.execute(
                "SELECT (SELECT version FROM schema_version), (SELECT count(*) FROM conversation), "
                "(SELECT count(*) FROM turn), (SELECT count(*) FROM delivery), (SELECT count(*) FROM record), "
                "(SELECT count(*) FROM outbox WHERE state = 'waiting'), "
                "(SELECT count(*) FROM outbox WHERE state = 'sending'), "
                "(SELECT count(*) FROM outbox WHERE state = 'unsure'), pg_database_size(current_database())"
            ).fetchone()
        assert row is not None
        return Stats("postgresql", *row)

    def backup(self, target: Path) -> None:
        """A consistent copy as an SQLite file, for its owner only, read in one snapshot."""
        try:
            target.touch(mode=0o600, exist_ok=False)
            with closing(sqlite3.connect(target, isolation_level=None)) as copy, self._connection() as db:
                for step in migrations("sqlite"):
                    copy.create_function("keyed", 1, self.keys.conversation)
                    copy.create_function("delivery_hash", 1, lambda text: None)
                    copy.executescript(step.sql)
                copy.execute(f"PRAGMA user_version={len(migrations('sqlite'))}")
                copy.execute("BEGIN")
                with db.transaction():
                    db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    db.execute("SET LOCAL statement_timeout = 0")
                    for table in KEPT_TABLES:
                        names = [name for _, name, *_ in copy.execute(f"PRAGMA table_info({table})")]
                        with db.cursor("backup") as cursor:
                            cursor.itersize = 5000
                            cursor.execute(f"SELECT {', '.join(names)} FROM {table}".encode())
                            marks = ", ".join("?" * len(names))
                            copy.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", cursor)
                copy.execute("COMMIT")
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
            self._execute("SET LOCAL statement_timeout = 0")
            for table in KEPT_TABLES:
                self._db.execute(f"DELETE FROM {table}".encode())
                names = [name for _, name, *_ in source.execute(f"PRAGMA table_info({table})")]
                copying = f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()
                with self._db.cursor() as cursor, cursor.copy(copying) as rows:
                    for row in source.execute(f"SELECT {', '.join(names)} FROM {table}"):
                        rows.write_row(row)
                if "number" in names:
                    self._db.execute(
                        f"SELECT setval(pg_get_serial_sequence('{table}', 'number'), "
                        f"greatest((SELECT max(number) FROM {table}), 1))".encode()
                    )
        self._knowledges.clear()

    def interrupt(self, after: float) -> None:
        """Let go of connections on which nothing has come back for `after` seconds."""
        late = time.monotonic() - after
        for db, since in list(self._using.values()):
            if since < late and not db.closed:
                with suppress(OSError), socket.socket(fileno=os.dup(db.fileno())) as wire:
                    wire.shutdown(socket.SHUT_RDWR)  # the thread that waits on it sees the connection end

    def close(self) -> None:
        """Close every connection."""
        self._pool.close(timeout=1.0)
