"""Plans that were carried out, as their end shows: 'THP was planned for 6 cycles, stopped after 3'."""

from __future__ import annotations

from collections.abc import Iterator

from messages.understanding.outline import Outline

_AFTER = ("after", "at", "in", "from", "since", "on", "during")
"""What leads from a stop to how much had been given."""
_COUNTS = ("cycles", "number", "duration", "date")
"""Kinds of what tells how much that was."""
_SUPPOSES = frozenset(("if", "modal", "whether", "future"))
_PATIENTS = ("patients", "pts", "subjects", "participants", "women")
"""What is counted of a trial that was stopped."""
_NEAR = 4
"""Pieces from the beginning of a sentence to its stop, at most."""


def stopped_after_some(outline: Outline, first: int, end: int) -> Iterator[int]:
    """The drugs of a sentence of which a stop is told, behind what was planned, with how much had been given: 'was
    meant to continue A but it was stopped at cycle 9'; not 'A planned, trial stopped', 'A stopped before it began'."""
    pieces = outline.pieces
    for at in range(first, min(end + _NEAR, len(pieces))):
        drug = outline.last_drug[at]
        if "stopped" not in outline.cues[at] or drug is None or not first <= drug < end or pieces[at].asked:
            continue
        if "negated_after" in outline.cues[at] or not _tells_how_much(outline, at):
            continue
        begins = max(drug + 1, outline.stretch_start[at])
        if at >= end and begins != end:
            continue
        between = range(drug + 1, at)
        light = all(pieces[on].kind in ("silent", "sign") or "new_word" in outline.cues[on] for on in range(begins, at))
        if not light or any(not pieces[on].roles.isdisjoint(_SUPPOSES) for on in between):
            continue
        if outline.has(between, "declined", "unavailable", "negation", "negated_after", "progression"):
            continue
        planned = range(outline.stretch_start[drug], drug + 1)
        last = max((on for on in planned if "then" in outline.cues[on] or pieces[on].key == "->"), default=first)
        yield from (on for on in planned if on >= last and outline.is_drug[on])


def _tells_how_much(outline: Outline, stop: int) -> bool:
    """Whether a stop is followed by how much of a drug had been given: 'stopped after 12', 'stopped at cycle 9'."""
    rest = outline.rest_of_stretch(stop, 3)
    if not rest or outline.pieces[rest.start].key not in _AFTER:
        return False
    counted = [outline.pieces[on] for on in rest[1:]]
    patients = any(piece.key in _PATIENTS for piece in outline.pieces[rest.start : rest.start + _NEAR])
    return not patients and any(piece.kind in _COUNTS and piece.value != 0 for piece in counted)
