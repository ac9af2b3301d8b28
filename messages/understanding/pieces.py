"""One stretch of a text: what it stands for, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from messages.understanding.lexicon import Concept

NO_ROLES: frozenset[str] = frozenset()
ITEM = "item"
"""The key of a line's number that only counts an enumeration: 1), 2)."""


@dataclass(slots=True)
class Piece:
    """One stretch of the text. `concepts` is empty for a word nobody knows."""

    kind: str
    """`known`, `number`, `line`, `date`, `duration`, `cycles`, `age`, `fuzzy`, `sign`, `word`, `silent`."""
    start: int
    end: int
    key: str = ""
    concepts: tuple[Concept, ...] = ()
    value: Any = None
    glued: bool = False
    sentence: int = 0
    clause: int = 0
    asked: bool = False
    """Whether it stands in what is asked, not in what is told."""
    used: bool = False
    """Whether something was made of it."""
    low: bool = False
    """Typed without capitals: 'us' is a pronoun then, 'US' is not."""
    roles: frozenset[str] = NO_ROLES
    """The parts a word plays between others, as the lexicon has them: `or`, `because`, `pronoun`, `linking`."""

    def is_(self, kind: str, *names: str) -> bool:
        """Whether one of its concepts is of this kind, and of one of these names where any are given."""
        for concept in self.concepts:  # noqa: SIM110  (asked some thousand times for one text)
            if concept.kind == kind and (not names or concept.name in names):
                return True
        return False

    def cue(self, *names: str) -> bool:
        """Whether it is one of these cues."""
        for concept in self.concepts:  # noqa: SIM110  (asked some thousand times for one text)
            if concept.kind == "cue" and concept.name in names:
                return True
        return False

    def names_drugs_by_name(self) -> bool:
        """Whether it names drugs by a name the lexicon has: exactly, as a class or as a known misspelling."""
        for concept in self.concepts:  # noqa: SIM110  (asked of every piece)
            if concept.kind in ("agents", "regimen", "class", "misspelt"):
                return True
        return False
