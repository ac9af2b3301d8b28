"""The lines that something is said of by their place: 'PD on the first two', 'the middle one stopped for rash'."""

from __future__ import annotations

from messages.understanding.courses import Course, Courses
from messages.understanding.outline import Outline

_NEAR = 7
"""Pieces between an outcome and what points at its line, at most."""
_TOLD = frozenset(
    ("progression", "at_progression", "toxicity", "a_toxicity", "stopped", "completed", "ongoing", "no_progression")
)
"""Cues of a line's course."""
_LEADING = ("only", "the", "and", "but", "with", "on", "for", "under")
"""What may stand before a word that points, in its stretch."""
_GOING_ON = (
    "caused",
    "gave",
    "led",
    "was",
    "were",
    "is",
    "by",
    "for",
    "with",
    "due",
    "because",
    "had",
    "has",
    "did",
    "in",
    "after",
    "until",
)
"""What may stand between a word that points and what is said of the line."""
_NOUNS = ("pd", "pod", "progression", "progressions", "relapse", "relapses", "toxicity")
"""What an ordinal counts that stands right before it: 'second progression'."""
_BESIDE = ("one", "ones", "line", "lines", "of", "these", "those", "them", "only", "in", "the", "and", "as", "well")
"""What may stand behind a word that points, at the end of its stretch."""
_COUNTED = ("one", "ones", "line", "lines", "each", "all", "both")
"""What may stand behind a word that points, before what is said."""
_OTHERS = ("other", "others", "rest", "remaining", "remainder")
_BOTH = 2


class Pointing:
    """Finds lines by the words that point at them."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.pointed: list[Course] = []
        """The lines pointed at so far: 'the others' are the rest."""

    def lines_at(self, place: int, courses: Courses) -> list[Course]:
        """The lines that what is said at a place is said of; none where no word points at any."""
        outline, drug = self.outline, self.outline.last_drug[place]
        if outline.drug_in_stretch_after(place) is not None:
            return []
        begins = self._begins(place)
        if drug is not None and drug >= begins:
            return []
        lines = courses.metastatic()
        if len(lines) < _BOTH:
            return []
        if lines[0].number and all(course.number for course in lines) and (found := self._numbered_at(place, lines)):
            return found
        if several := self._several_behind(place):
            found = [course for at in several for course in self._meant(at, lines)]
            for at in several:
                outline.pieces[at].used = True
            if len(found) == len(several):
                self.pointed += found
                return found
        for at in (*self._before(begins, place), *self._behind(place)):
            found = self._meant(at, lines)
            if found:
                self.pointed += found
                outline.pieces[at].used = True
                return found
        return []

    def _numbered_at(self, place: int, lines: list[Course]) -> list[Course]:
        """The lines that bare numbers mean: '1) THP 2) T-DXd 3) TCT. PD on 2; 3 not tolerated', '1 and 2 failed'."""
        pieces, stretch = self.outline.pieces, self.outline.in_stretch(place)
        near = range(max(stretch.start, place - _NEAR), min(stretch.stop, place + _NEAR))
        named = [at for at in near if pieces[at].kind == "number" and self._stands_for_a_line(at)]
        for at in named:
            pieces[at].used = True
        return [course for course in lines if any(pieces[at].value == course.number for at in named)]

    def _stands_for_a_line(self, place: int) -> bool:
        """Whether a bare number stands where the drugs of a line might: behind 'on', or before what is said."""
        outline, behind = self.outline, place + 1
        before = outline.pieces[place - 1] if place > outline.stretch_start[place] else None
        if not (before is None or before.key == "and" or before.roles & {"on", "during"}):
            return False
        if behind == outline.stretch_end[place]:
            return True
        piece = outline.pieces[behind]
        told = piece.kind == "sign" or piece.key in ("and", "in") or bool(piece.roles & {"is", "so"})
        return told or not outline.cues[behind].isdisjoint(_TOLD)

    def _begins(self, place: int) -> int:
        """Where what is told at a place begins: its stretch, or behind a colon: 'A, B: the first failed'."""
        start = self.outline.stretch_start[place]
        if ":" not in self.outline.typed:
            return start
        back = range(place - 1, max(start, place - _NEAR) - 1, -1)
        return next((at + 1 for at in back if self.outline.pieces[at].key == ":"), start)

    def _before(self, begins: int, place: int) -> range:
        """The place of the word that begins a stretch, where it may point: 'the second ended with rash'."""
        outline, pieces = self.outline, self.outline.pieces
        at = begins
        while at < place and (pieces[at].kind == "sign" or pieces[at].key in _LEADING):
            at += 1
        behind = at + 1
        while behind < place and (pieces[behind].kind == "number" or pieces[behind].key in _COUNTED):
            behind += 1
        if not at < behind <= place < at + _NEAR:
            return range(0)
        goes_on = pieces[behind].key in _GOING_ON or not outline.cues[behind].isdisjoint(_TOLD)
        counts = behind == at + 1 == place and pieces[place].key in _NOUNS
        return range(at, at + 1) if goes_on and not counts else range(0)

    def _behind(self, place: int) -> list[int]:
        """The places of words that may point at the end of the stretch: 'PD on the first two in the liver'."""
        outline, pieces = self.outline, self.outline.pieces
        end = min(outline.stretch_end[place], place + _NEAR)
        found = [at for at in range(place + 2, end) if pieces[at - 1].key in _LEADING]
        return [at for at in found if all(self._says_where(each) for each in outline.rest_of_stretch(at))]

    def _several_behind(self, place: int) -> list[int]:
        """The places of ordinals that 'and in ... on the' joins: 'PD in lung on the first, in liver on the second'."""
        outline, pieces = self.outline, self.outline.pieces
        rest = outline.rest_of_stretch(place)
        found = [
            at
            for at in rest
            if pieces[at].key in ("first", "second", "third", "fourth")
            and [pieces[back].key for back in range(at - 2, at)] == ["on", "the"]
        ]
        said = all(
            at in found or self._says_where(at) or "joined" in outline.cues[at] or pieces[at].key in _LEADING
            for at in rest
        )
        return found if len(found) > 1 and said else []

    def _says_where(self, place: int) -> bool:
        piece = self.outline.pieces[place]
        return piece.kind in ("sign", "number") or piece.key in _BESIDE or piece.is_("noun", "organ")

    def _meant(self, at: int, lines: list[Course]) -> list[Course]:
        """The lines that a word means with the number behind it; 'the former' is the last but one that was told."""
        piece, following = self.outline.pieces[at], self.outline.pieces[at + 1 : at + 2]
        if piece.roles & {"former", "latter"}:
            told = sorted(lines, key=lambda course: course.pieces[0].start if course.pieces else 0)[-_BOTH:]
            return told[:1] if "former" in piece.roles else told[1:]
        numbers = [course.number for course in lines]
        if None in numbers and any(numbers):
            return []
        lines = sorted(lines, key=lambda course: course.number or 0)
        counted = bool(following) and following[0].kind == "number"
        many = min(int(following[0].value), len(lines)) if counted else 1
        if counted and 0 < many < len(lines):
            following[0].used = True
        if piece.key in ("last", "latest"):
            return lines[-many:] if many else []
        if piece.key in _OTHERS:
            rest = [course for course in lines if course not in self.pointed]
            return rest if self.pointed and (not counted or many == len(rest)) else []
        if piece.key == "middle":
            return lines[len(lines) // 2 : len(lines) // 2 + 1] if len(lines) % 2 else []
        ordinal = piece.kind == "ordinal" or (piece.kind in ("silent", "word") and piece.value is not None)
        if not ordinal or piece.value > len(lines):
            return []
        first = int(piece.value) - 1
        return lines[first : first + (many if first == 0 else 1)]
