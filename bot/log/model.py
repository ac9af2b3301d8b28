"""What goes into the log and comes out of it, and what an engine has to do. Data only, no database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from bot.log.keys import Keys

Settled = Literal["sent", "waiting", "unsure"]
"""What became of a letter: gone, to be tried again, not known."""
KEPT_TABLES = ("conversation", "turn", "delivery", "outbox", "record", "erasure", "knowledge", "key_check")
"""What a backup holds and a restore brings back."""
HOUR = 3600
"""Seconds. Times that decide on retention are kept by the hour."""


class LogError(RuntimeError):
    """The log cannot be used now: damaged, not writable, full, not reachable, or of a newer version."""

    code: str = ""
    """The database's own name for it (`SQLITE_FULL`, `57P01`), for log lines: it holds nothing of what was kept."""

    def __init__(self, said: str, cause: BaseException | None = None) -> None:
        super().__init__(said)
        self.code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or type(cause).__name__


class ConnectionLost(LogError):
    """The connection broke in mid-transaction: whether it was committed is not known."""


class Locked(LogError):
    """Another session holds a conversation and does not let go."""


class Case(NamedTuple):
    """The current case of a conversation.

    `serial` is unique for each conversation ever begun (0: not begun), so that one begun again after an erasure
    is never taken for the one before. `number` counts its cases from 1; `turns` are the case's own, oldest first.
    """

    serial: int = 0
    number: int = 1
    turns: tuple[str, ...] = ()
    unsure: bool = False
    """Whether a message of this conversation may or may not have arrived."""

    @property
    def version(self) -> Version:
        """What has to hold still for a turn to follow this case."""
        return Version(self.serial, self.number, len(self.turns))


class Version(NamedTuple):
    """Which conversation, which of its cases, how many turns."""

    serial: int
    number: int
    sequence: int


NOTHING_KEPT = Version(0, 1, 0)
"""The version of a conversation that is not in the log."""


class Letter(NamedTuple):
    """One message to be sent by a channel's courier, as it goes into the outbox.

    `repeatable`: sending it twice shows nothing twice (an edit), so it may be repeated when in doubt.
    """

    payload: str
    repeatable: bool = False


class Posted(NamedTuple):
    """A letter taken out of the outbox to be sent: where to, how often that was tried before, and what is noted there.

    `noted` is whatever the courier noted when the conversation's letters before this one arrived.
    """

    number: int
    channel: str
    address: bytes
    payload: str
    repeatable: bool
    attempts: int
    noted: str = ""
    needless: bool = False
    """Whether a later letter shows the same again: both are repeatable, and the same stands before their data."""


class Outstanding(NamedTuple):
    """Whether letters of a conversation are waiting or being sent, and what its courier noted last."""

    letters: bool = False
    noted: str = ""


class Record(NamedTuple):
    """The record of one answer: enough to reproduce it, nothing of who asked but a hash for erasing it."""

    id: str
    owner: bytes
    document: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn to be kept, in one transaction with its delivery, its letters and its record."""

    conversation: bytes
    """The keyed hash of the conversation's name."""
    read: Version
    """What the turn was decided on; another version in the log refuses it."""
    case_number: int
    turn: str
    """Empty where the delivery changed nothing and only counts as taken."""
    delivery: bytes
    knowledge: str
    channel: str = ""
    letters: tuple[Letter, ...] = ()
    address: bytes | None = None
    record: Record | None = None
    shows_again: bool = False
    """Whether its messages show what an unsure letter may have failed to show."""
    lease: int = 0
    """Seconds for which its first letter may be handed over at once, marked as being sent; 0: it waits for a claim."""

    @property
    def sequence(self) -> int:
        """The turns of the case once this entry is kept."""
        before = self.read.sequence if self.case_number == self.read.number else 0
        return before + bool(self.turn)


class Outcome(NamedTuple):
    """What became of an entry: `kept`; `duplicate`, its delivery was taken before; `elsewhere`, another turn came.

    `locked`: another session holds the conversation; only where the caller was not patient.
    """

    kind: Literal["kept", "duplicate", "elsewhere", "locked"]
    serial: int
    place: tuple[int, int] = (0, 0)
    """Case number and sequence a duplicate's delivery was taken at."""
    posted: Posted | None = None
    """The letter that was handed over at once; an engine that does not do so leaves it to be claimed."""


class Stats(NamedTuple):
    """Counts over the whole log; nothing of any conversation."""

    engine: str
    schema: int
    conversations: int
    turns: int
    deliveries: int
    records: int
    waiting: int
    sending: int
    unsure: int
    bytes: int


class Engine(Protocol):
    """A database that keeps the log. Blocking; every method raises LogError, and nothing else, where it fails.

    `take` and the outbox's writes run within `transaction()`, on one thread. Reads may come from other threads.
    """

    keys: Keys
    """The keys the log is written with."""

    def transaction(self) -> AbstractContextManager[None]:
        """One durable transaction: committed when it is left, rolled back where it raises."""

    def take(self, entries: Sequence[Entry], at: int, *, patient: bool = True) -> list[Outcome]:
        """Keep entries, each where its delivery is new and its version holds. `at`: Unix seconds.

        `patient`: wait for conversations that another session holds, and fail where it does not let go.
        """

    def read(self, conversation: bytes, earlier: Sequence[bytes] = ()) -> Case:
        """The current case. `earlier`: the conversation's hashes by older keys; where found it moves to the first."""

    def version(self, conversation: bytes) -> Version:
        """The version of the current case."""

    def outstanding(self, conversation: bytes) -> Outstanding:
        """Whether letters of a conversation are still to arrive, and what its courier noted last."""

    def forget(self, conversations: Sequence[bytes], owners: Sequence[bytes], token: bytes | None, at: int) -> bool:
        """Erase all that is kept under these hashes. False where this erasure (`token`) was carried out before."""

    def sweep(self, before: int, limit: int) -> int:
        """Erase at most `limit` conversations not seen since `before` (Unix seconds), and what else is that old."""

    def claim(self, at: int, lease: int, limit: int) -> list[Posted]:
        """Mark letters as being sent, the first of each conversation, and return them."""

    def settle(self, number: int, state: Settled, due: int, noted: str | None = None) -> bool:
        """What became of a letter that was being sent: gone, to be tried again from `due` on, or not known.

        `noted`: what the courier notes of the conversation; None leaves what was. Returns whether more letters of
        the conversation can follow now.
        """

    def lapse(self, at: int) -> int:
        """Letters whose sender has not been heard of: repeatable ones wait again, others are unsure. How many."""

    def probe(self, at: int) -> None:
        """Write something durable: whether a turn could be kept now."""

    def depth(self) -> dict[str, int]:
        """Letters in the outbox, by state."""

    def stats(self) -> Stats:
        """Counts over the whole log. Costs one pass over it."""

    def backup(self, target: Path) -> None:
        """A consistent copy of the whole log as an SQLite file, while it is in use."""

    def restore(self, source: sqlite3.Connection) -> None:
        """Bring back what a backup of the newest schema holds, into an empty log, in one transaction."""

    def interrupt(self, after: float) -> None:
        """Break off what has been running for `after` seconds; from any thread."""

    def close(self) -> None:
        """Release everything. May be called twice."""


def hour_of(at: int) -> int:
    """The hour a time (Unix seconds) falls in."""
    return at // HOUR
