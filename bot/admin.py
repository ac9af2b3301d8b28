"""What an operator does to the log from the command line, also while the service runs."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bot.log.model import Engine, LogError
from bot.log.sqlite import SQLite, said


def forget(engine: Engine, conversation: str) -> None:
    """Erase a conversation by its name. Raises LogError."""
    keys = engine.keys
    engine.forget(keys.all_conversations(conversation), keys.owners(conversation), None, int(time.time()))


def restore(engine: Engine, backup: Path) -> int:
    """Bring a backup's content into an empty log; how many conversations. Raises LogError, and changes nothing then.

    A backup of an older version is brought up to date on a copy first.
    """
    counted = engine.stats()
    if counted.conversations or counted.records:
        raise LogError("the log is not empty: a backup is restored into a new one only")
    try:
        with tempfile.TemporaryDirectory(prefix="triage-restore-") as folder:
            copy = Path(folder) / "backup.sqlite3"
            with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as given:
                if given.execute("PRAGMA quick_check").fetchone() != ("ok",):
                    raise LogError(f"{backup}: is damaged")
                if not given.execute("PRAGMA user_version").fetchone()[0]:
                    raise LogError(f"{backup}: is no backup of this program")
                with closing(sqlite3.connect(copy)) as whole:
                    given.backup(whole)  # also what is still in its write-ahead log, where it is a log itself
            try:
                SQLite(copy, engine.keys).close()  # brings it up to date, and refuses another key
            except LogError as error:
                raise LogError(f"{backup}: {str(error).removeprefix(f'{copy}: ')}") from None
            with closing(sqlite3.connect(copy)) as source:
                engine.restore(source)
    except (OSError, sqlite3.Error) as error:
        raise LogError(f"{backup}: {said(error)}") from error
    return engine.stats().conversations
