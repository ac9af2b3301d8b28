"""One stretch of a text: what it stands for, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from messages.understanding.lexicon import Concept
from messages.understanding.named import Cue, Kind

_Names = frozenset[str]
NO_ROLES: _Names = frozenset()
NAMING = frozenset(("agents", "regimen", "class", "misspelt"))
"""The kinds of what names drugs."""
ITEM = "item"
"""The key of a line's number that only counts an enumeration: 1), 2)."""


@lru_cache(maxsize=4096)
def cues_and_kinds(concepts: tuple[Concept, ...]) -> tuple[_Names, _Names]:
    """The names of the cues among concepts, and the kinds of all of them: the same few are met again and again."""
    cues = frozenset(concept.name for concept in concepts if concept.kind == "cue")
    return cues, frozenset(concept.kind for concept in concepts)


@dataclass(slots=True, eq=False)
class Piece:
    """One stretch of the text. `concepts` is empty for a word nobody knows."""

    kind: str
    """`known`, `number`, `line`, `date`, `duration`, `cycles`, `age`, `fuzzy`, `sign`, `word`, `silent`."""
    start: int
    end: int
    key: str = ""
    concepts: tuple[Concept, ...] = ()
    """What it stands for; `stand_for` changes it."""
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

    cues: frozenset[str] = NO_ROLES
    """The names of its cues."""
    kinds: frozenset[str] = NO_ROLES
    """The kinds of its concepts."""

    def stand_for(self, *concepts: Concept) -> None:
        """Give it other concepts than those its words have by themselves."""
        self.concepts = concepts
        self.cues, self.kinds = cues_and_kinds(concepts)

    def is_(self, kind: Kind, *names: str) -> bool:
        """Whether one of its concepts is of this kind, and of one of these names where any are given."""
        if kind not in self.kinds:
            return False
        for concept in self.concepts:  # noqa: SIM110  (asked some thousand times for one text)
            if concept.kind == kind and (not names or concept.name in names):
                return True
        return False

    def cue(self, *names: Cue) -> bool:
        """Whether it is one of these cues."""
        return not self.cues.isdisjoint(names)

    def names_drugs_by_name(self) -> bool:
        """Whether it names drugs by a name the lexicon has: exactly, as a class or as a known misspelling."""
        return not self.kinds.isdisjoint(NAMING)
