"""Numbered SQL migrations, a folder for each engine: `0001_name.sql`. A number is used once and never changed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Migration(NamedTuple):
    """One step from the schema before it."""

    number: int
    name: str
    sql: str


def migrations(engine: str) -> list[Migration]:
    """An engine's steps in order. Raises ValueError where the numbers have a gap."""
    found = [
        Migration(int(file.stem.split("_")[0]), file.stem, file.read_text("utf-8"))
        for file in sorted((FOLDER / engine).glob("*.sql"))
    ]
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{engine}: migrations are not numbered 1, 2, 3 ...")
    return found


def pending(engine: str, version: int) -> list[Migration]:
    """The steps a schema of `version` still needs. Raises ValueError where it is newer than this program."""
    known = migrations(engine)
    if version > len(known):
        raise ValueError(f"written by a newer version (schema {version}, this program knows {len(known)})")
    return known[version:]
