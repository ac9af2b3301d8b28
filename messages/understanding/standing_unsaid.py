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
_AT_GIVING = frozenset(("at_giving", "harmless"))
"""The parts of words that may stand beside a drug that was given."""
_UNDER = frozenset(("on", "during", "up_to"))
"""The parts of words that lead to a drug that something happened under."""
_WAS = ("was", "were")
_HEADS = (":", "-", "=")
"""What may part a heading from its drugs."""


class Unsaid:
    """Knows of the drugs of one sentence beside which nobody says that they were given."""

    def __init__(self, outline: Outline, first: int, end: int) -> None:
        self.outline, self.first, self.end = outline, first, end
        self._strange: dict[tuple[int, int], bool] = {}
        self._headed_until: int | None = None
        self._tells_a_course: bool | None = None

    def holds(self, at: int) -> bool:
        """Whether a word that is no part of telling what was given stands beside a drug, and nothing tells that it was:
        'Votes: T-DXd', 'someone crossed out T-DXd', 'T-DXd through a lawsuit'."""
        outline, pieces = self.outline, self.outline.pieces
        first = outline.first_of_list(at)
        begins, ends = outline.stretch_start[first], outline.stretch_end[outline.last_of_list(at)]
        led = pieces[first - 1] if first > self.first else None
        if led is not None and (led.key in _WAS or not led.roles.isdisjoint(_UNDER)):
            return False  # hair loss on Taxol, moved abroad during THP; I think it was T-DM1
        if begins > self.first and pieces[begins - 1].key in _HEADS:
            begins = outline.stretch_start[begins - 1]
        strange = self._strange.get((begins, ends))
        if strange is None:
            strange = self._strange[begins, ends] = self._is_strange(range(begins, ends))
        if self._headed_until is None:
            self._headed_until = self._end_under_a_strange_heading()
        strange = strange or (at < self._headed_until and not self._says_when(range(begins, ends)))
        if strange and self._tells_a_course is None:
            self._tells_a_course = outline.has(range(self.first, self.end), *_COURSE)
        return strange and not self._tells_a_course

    def _end_under_a_strange_heading(self) -> int:
        """Where the list ends that such a word heads: 'Votes: T-DXd 5, T-DM1 2, lapatinib 0'."""
        outline = self.outline
        drug = self.first if outline.is_drug[self.first] else outline.next_drug[self.first]
        if drug is None or drug >= self.end or drug - 1 <= self.first or outline.pieces[drug - 1].key != ":":
            return self.first
        heading = range(outline.stretch_start[drug - 2], drug - 1)
        if not self._is_strange(heading) or self._says_when(heading):
            return self.first
        while drug < self.end and (outline.is_drug[drug] or outline.pieces[drug].kind in ("sign", "number")):
            drug += 1
        return drug

    def _says_when(self, places: range) -> bool:
        """Whether a part of a sentence says of its drugs what is said of those that are given."""
        outline = self.outline
        return any(outline.pieces[at].kind in _TIMED or not outline.cues[at].isdisjoint(_GIVING) for at in places)

    def _is_strange(self, places: range) -> bool:
        """Whether such a word stands in a part of the sentence, and nothing that is said of drugs that are given."""
        outline, strange = self.outline, False
        for at in places:
            piece, cues = outline.pieces[at], outline.cues[at]
            if piece.kind in _TIMED or not cues.isdisjoint(_GIVING):
                return False
            spoken = piece.kind in ("silent", "word") and piece.key.isalpha() and len(piece.key) > 1
            strange = strange or (
                spoken and not cues and not outline.is_drug[at] and piece.roles.isdisjoint(_AT_GIVING)
            )
        return strange
