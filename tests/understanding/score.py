"""Prints how both halves of the corpus are understood: `python -m tests.understanding.score`. Fails below the aims.

The halves are never shown beside what was understood of them: the blind one is there to be measured, not read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from flows.plain_yaml import read_yaml
from tests.understanding.corpus import HALVES, HERE, KINDS, Judged, judged

AIMS: Mapping[str, float] = {"phrases": 0.97, "cases": 0.90}
"""The share of entries that must be exactly right, by kind."""


def known_failures() -> dict[str, str]:
    """Entries that are not understood yet, by name, with what is missing."""
    found: dict[str, str] = read_yaml((HERE / "known_failures.yaml").read_text("utf-8"))["entries"] or {}
    return found


def all_judged() -> dict[tuple[str, str], list[Judged]]:
    """Every entry of both halves, by half and kind."""
    return {(half, kind): judged(half, kind) for half in HALVES for kind in KINDS}


def share(entries: list[Judged]) -> float:
    """The share of entries that are right in everything."""
    return sum(not entry.differences for entry in entries) / len(entries)


def main() -> int:
    """Print one line per half and kind."""
    below = False
    for (half, kind), found in all_judged().items():
        right = sum(not entry.differences for entry in found)
        wrong = sum(bool(entry.wrong_agents) for entry in found)
        print(f"{half:>5} {kind:<8} {right:>4} of {len(found):>4} right ({share(found):.1%}), wrong agents in {wrong}")
        below = below or share(found) < AIMS[kind] or bool(wrong)
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
