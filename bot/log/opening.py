"""Opens the log the settings name: SQLite in the data folder, or PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.log import Log
from bot.log.model import Engine
from bot.settings import Settings


def open_engine(settings: Settings, *, alone: bool = True) -> Engine:
    """The engine. Raises LogError where it cannot be used, SettingsError where its key cannot.

    `alone`: take an SQLite file for this process, as everything that serves must.
    """
    keys = settings.keys()
    if settings.postgresql is not None:
        from bot.log.postgresql import PostgreSQL  # noqa: PLC0415  (its driver is loaded only where it is used)

        password = settings.database_password
        return PostgreSQL(settings.postgresql, keys, password=password.get_secret_value() if password else None)
    from bot.log.sqlite import SQLite  # noqa: PLC0415

    return SQLite(settings.log_file, keys, alone=alone)


def open_log(settings: Settings, now: Callable[[], float] = time.time) -> Log:
    """The log on that engine. Raises as `open_engine` does."""
    return Log(open_engine(settings), now)
