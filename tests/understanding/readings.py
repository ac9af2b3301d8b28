"""How every text of the corpus is read today, as one short digest a line: `python -m tests.understanding.readings`.

The labels say what a text states; this says that nothing else of a reading (spans, what is asked back, what is left
over, what follows, the turn at a question) changed without anybody meaning it. Refresh it after a change of the
rules, and look at which entries changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tests.understanding.corpus import HALVES, HERE, KINDS, Entry, entries, turn_at, understood

RECORD = HERE / "readings.txt"


def digest(entry: Entry) -> str:
    """A short digest of everything that is read from an entry's text."""
    question = entry.get("question")
    found = understood(entry["text"], question)
    said = (
        found.fields, found.denied_agents, found.focus, sorted(found.implied.items()), found.spans, found.leftover,
        found.ambiguous, found.scope, found.reason, found.identifier, turn_at(entry["text"], question),
    )  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def lines() -> Iterator[str]:
    """One line for each entry of both halves: its name and the digest of its reading."""
    for half in HALVES:
        for kind in KINDS:
            for name, entry in entries(half, kind):
                yield f"{name} {digest(entry)}"


if __name__ == "__main__":
    RECORD.write_text("".join(f"{line}\n" for line in lines()), "utf-8")
