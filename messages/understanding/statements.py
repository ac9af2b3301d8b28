"""What has been stated so far: values of fields with the words they came from, and what has to be asked back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from messages.understanding.scan import Piece


@dataclass(slots=True)
class Statement:
    """One value of one field, and where it is said."""

    field: str
    value: object
    start: int
    end: int
    corrected: bool = False
    """Whether it is said as a correction: it takes the place of what was said before."""


@dataclass(slots=True)
class Stated:
    """Everything stated, and what has to be asked back: a field with the values it may have."""

    statements: list[Statement] = field(default_factory=list)
    open: list[tuple[str, tuple[str, ...], int, int]] = field(default_factory=list)

    def note(self, name: str, value: object, pieces: Iterable[Piece], *, corrected: bool = False) -> None:
        """A field has a value, by these pieces."""
        start, end = _use(pieces)
        self.statements.append(Statement(name, value, start, end, corrected))

    def ask(self, name: str, readings: tuple[str, ...], pieces: Iterable[Piece]) -> None:
        """A field may have one of these values: to be asked back."""
        start, end = _use(pieces)
        self.open.append((name, readings, start, end))

    def take_back_last(self, name: str, value: object) -> None:
        """Drop the last statement where it is this one: it was said of another time, or as a reason only."""
        if self.statements and (self.statements[-1].field, self.statements[-1].value) == (name, value):
            self.statements.pop()

    def take_back(self, name: str, value: object) -> None:
        """Drop every statement that a field has this value: it was true of another time."""
        self.statements = [said for said in self.statements if (said.field, said.value) != (name, value)]

    def __len__(self) -> int:
        return len(self.statements) + len(self.open)


def _use(pieces: Iterable[Piece]) -> tuple[int, int]:
    """Mark pieces as used. Returns where they begin and end."""
    start, end = -1, 0
    for piece in pieces:
        piece.used = True
        start = piece.start if start < 0 else min(start, piece.start)
        end = max(end, piece.end)
    return start, end
