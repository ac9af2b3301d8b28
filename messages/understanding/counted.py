"""Lines that a text only counts: 'four prior lines, the last was T-DM1' tells of three more than it names.

Nothing may rest on the named ones being all there were: those that are only counted stand as lines without drugs.
"""

from __future__ import annotations

from typing import NamedTuple

from messages.understanding.courses import Course, Told
from messages.understanding.outline import Outline

_MOST = 9
"""Lines that a text counts, at most: a larger number is of something else."""
_BETWEEN = 5
"""Pieces between a number and the word for lines, at most: 'four prior anti-HER2 lines'."""


class Counted(NamedTuple):
    """The lines of a text in order, and the words that count them: the first character and the one behind the last."""

    lines: list[Course]
    words: tuple[int, int] | None = None


def with_those_counted(outline: Outline, told: Told) -> Counted:
    """The lines of a text in order, those among them that it counts and does not name."""
    if not told.lines or told.numbered or "several_lines" not in outline.said:
        return Counted(told.lines)
    for place in range(len(outline.pieces)):
        counted = _counted_at(outline, place)
        if counted is not None:
            return _filled(outline, told, place, counted)
    return Counted(told.lines)


def _counted_at(outline: Outline, place: int) -> int | None:
    """The place of the word for the lines that a number counts all of: '3 prior lines', 'two lines of therapy'.

    Of '2-3 lines' and '3+ lines' it is the number there are at least.
    """
    pieces = outline.pieces
    piece = pieces[place]
    if piece.kind != "number" or piece.asked or piece.value not in range(2, _MOST + 1):
        return None
    if place and (pieces[place - 1].value is not None or "not_all" in pieces[place - 1].roles):
        return None  # the first two lines, the last two
    if outline.plays(range(outline.sentence_start[place], place), "trial"):
        return None  # what a trial asks for
    for at in range(place + 1, min(place + 1 + _BETWEEN, outline.sentence_end[place])):
        if "several_lines" in outline.cues[at]:
            ago = at + 1 < len(pieces) and pieces[at + 1].key in ("ago", "back", "earlier")  # T-DM1 two lines ago
            return None if ago else at
        parted = pieces[at].kind == "sign" and (not pieces[at].glued or pieces[at].key == ":")
        if outline.is_drug[at] or parted or "not_all" in pieces[at].roles:
            return None
    return None


def _filled(outline: Outline, told: Told, place: int, counted: int) -> Counted:
    """The lines with as many without drugs as are missing: in front, or behind those only said to be among them."""
    lines = told.lines
    missing = int(outline.pieces[place].value) - _those_meant(outline, lines, place, counted) - len(told.early)
    if missing < 0:
        return Counted(lines)
    outline.pieces[place].used = True
    not_named = [Course() for _ in range(missing)]
    following = outline.drug_in_sentence_after(counted)
    among = following is not None and outline.has(range(counted + 1, following), "listing")
    words = (outline.pieces[place].start, outline.pieces[counted].end)
    return Counted([*lines, *not_named] if among else [*not_named, *lines], words if missing else None)


def _those_meant(outline: Outline, lines: list[Course], place: int, counted: int) -> int:
    """How many of the named lines the number is of: not the one they came before, nor the one that goes on."""
    following = outline.drug_in_sentence_after(counted)
    last = following - 1 if following is not None else counted
    if following is not None and (outline.pieces[last].key == "before" or "lines_before" in outline.cues[last]):
        drug = outline.pieces[following]
        return next((number for number, course in enumerate(lines) if drug in course.pieces), len(lines))
    earlier = outline.has(range(place, counted + 1), "previous")
    return len(lines) - (earlier and lines[-1].outcome == "ongoing")
