"""Whether anything tells that a drug was given which stands beside words that are no part of telling so.

Most ways to say that a drug was not given are known by their words. There are always others; what is not understood of
a drug is no line, and is shown back as not used.
"""

from __future__ import annotations

from messages.understanding.outline import Outline
from messages.understanding.standing_before import TOLD

_GIVING = TOLD | {
    "ongoing", "started", "maintenance", "early", "has_had", "then", "responding", "stable", "took_effect",
    "had_effect", "current", "restarted", "changed", "exchange", "treated", "relapse", "cycles", "up_to_now", "had_it",
    "no_progression", "kept_going", "carried_on", "went_on", "instead", "dose",
}  # fmt: skip
"""Cues beside a drug of what tells that it was given."""
_COURSE = ("progression", "then", "toxicity", "stopped", "ongoing", "after")
"""Cues of a sentence that tells how treatment went."""
_TIMED = ("date", "cycles", "duration", "line")
"""Kinds of what says when a drug was given, or for how long."""
_COUNTED = ("cycles", "duration")
"""Kinds of what says for how long."""
_AT_GIVING = frozenset(("at_giving", "harmless"))
"""The parts of words that may stand beside a drug that was given."""
_UNDER = frozenset(("on", "during", "up_to"))
"""The parts of words that lead to a drug that something happened under."""
_WAS = ("was", "were")
_LIGHT = ("also", "too", "and", "or", "one", "two", "three", "for")
"""What may stand beside a drug of a list that says of each what it says of the first."""
_HEADS = (":", "-", "=")
"""What may part a heading from its drugs."""


class Unsaid:
    """Knows of the drugs of one sentence beside which nobody says that they were given."""

    def __init__(self, outline: Outline, first: int, end: int) -> None:
        self.outline, self.first, self.end = outline, first, end
        self._strange: dict[tuple[int, int], bool | None] = {}
        """Of each part of it whether such a word stands there; None where nothing is said at all."""
        self._tells_a_course: bool | None = None
        self._held: set[int] = set()
        self.given: set[int] = set()
        """The drugs before that count as given."""

    def holds(self, at: int) -> bool:
        """Whether nothing says of a drug that it was given; asked of one after the other."""
        held = self._is_unsaid(at)
        if held:
            self._held.add(at)
        return held

    def _is_unsaid(self, at: int) -> bool:
        """Whether a word that is no part of telling what was given stands beside a drug, and nothing tells that it was:
        'Votes: T-DXd', 'someone crossed out T-DXd', 'T-DXd through a lawsuit'."""
        outline, pieces = self.outline, self.outline.pieces
        first = outline.first_of_list(at)
        last = outline.last_drug[first]
        joined = last is not None and last >= self.first and outline.joins(last, first)
        if joined and (last in self.given or last in self._held):
            return last in self._held  # of drugs that are named together all were given, or none
        begins, ends = outline.stretch_start[first], outline.stretch_end[outline.last_of_list(at)]
        led = pieces[first - 1] if first > self.first else None
        if led is not None and (led.key in _WAS or not led.roles.isdisjoint(_UNDER)):
            return False  # hair loss on Taxol, moved abroad during THP; I think it was T-DM1
        if begins > self.first and pieces[begins - 1].key in _HEADS:
            begins = outline.stretch_start[begins - 1]
        if ends < self.end and pieces[ends - 1].key == "," and pieces[ends].kind in _COUNTED:
            return False  # row 1: A, 14 months
        if (begins, ends) not in self._strange:
            strange = self._is_strange(range(begins, ends))
            if strange is None and begins == outline.stretch_start[first]:  # votes: T-DXd 4, T-DM1 3
                last = begins if last is None else last
                strange = self._strange.get((outline.stretch_start[last], outline.stretch_end[last]))
            self._strange[begins, ends] = strange
        if not self._strange[begins, ends]:
            return False
        if self._tells_a_course is None:
            self._tells_a_course = outline.has(range(self.first, self.end), *_COURSE)
        return not self._tells_a_course

    def _is_strange(self, places: range) -> bool | None:
        """Whether such a word stands in a part of the sentence, and nothing that is said of drugs that are given; None
        where nothing but its drugs does."""
        outline, strange = self.outline, None
        for at in places:
            piece, cues = outline.pieces[at], outline.cues[at]
            if piece.kind in _TIMED or not cues.isdisjoint(_GIVING):
                return False
            if cues or outline.is_drug[at] or piece.kind not in ("silent", "word"):
                continue
            spoken = piece.key.isalpha() and len(piece.key) > 1
            if spoken and piece.key not in _LIGHT:
                strange = strange or piece.roles.isdisjoint(_AT_GIVING)
        return strange
