"""Whether what stands beside a drug says that it is still given: "T-DXd now", "2022 - present", "from May"."""

from __future__ import annotations

from messages.understanding.outline import Outline

_NEAR = 4
"""Pieces between a drug or a date and the word of the present that is said of it, at most."""


def is_said_of_its_drug(outline: Outline, place: int) -> bool:
    """Whether 'now' ends what is told of the drug right before it: 'TCT now, THP before', 'T-DXd (now, C4)'."""
    if outline.pieces[place].asked or not _ends(outline, place):
        return False
    for at in range(place - 1, max(-1, place - _NEAR), -1):
        if outline.is_drug[at]:
            return outline.sentence[at] == outline.sentence[place]
        passed = outline.pieces[at].key == "(" or "up_to" in outline.pieces[at].roles  # THP until now
        passed = passed or "carried_on" in outline.cues[at]  # Phesgo carried on to date
        if outline.pieces[at].kind not in ("cycles", "line", "date") and not passed:
            return False
    return False


def ends_at_present(outline: Outline, place: int) -> bool:
    """Whether a span of time reaches up to a word of the present: 'Jan 2022 - present', "'22 to now"."""
    pieces = outline.pieces
    leads = place > 1 and (pieces[place - 1].key == "-" or "up_to" in pieces[place - 1].roles)
    return leads and pieces[place - 2].kind in ("date", "number") and _ends(outline, place)


def is_left_open(outline: Outline, place: int) -> bool:
    """Whether a dash behind a date leads to no other: 'T-DXd (Aug 23 - )', 'since closed: 2022-'."""
    before, last = outline.pieces[place - 1] if place else None, outline.last_drug[place]
    dated = before is not None and (before.kind == "date" or _is_a_year(outline, place - 1))
    return dated and last is not None and place - last <= 2 * _NEAR and _ends(outline, place)


def begins_and_goes_on(outline: Outline, place: int) -> bool:
    """Whether 'from' leads to a date that no other follows: 'Enhertu from Dec 2023'; not 'from 2019 to 2021', nor
    'given from 2022', which is past."""
    behind = outline.pieces[place + 1 : place + 3]
    past = place > 0 and outline.pieces[place - 1].key in ("given", "received", "had")
    return not past and bool(behind) and behind[0].kind == "date" and (len(behind) == 1 or _ends(outline, place + 1))


def _is_a_year(outline: Outline, place: int) -> bool:
    """Whether a number is the short form of a year, behind its month: Aug 23."""
    return place > 0 and outline.pieces[place].kind == "number" and outline.pieces[place - 1].kind == "date"


def _ends(outline: Outline, place: int) -> bool:
    """Whether a piece is the last before a sign that ends what is told."""
    following = place + 1
    return (
        following == len(outline.pieces)
        or (outline.pieces[following].kind == "sign" and outline.pieces[following].key in ",.;):(]-")
        or outline.sentence[following] != outline.sentence[place]
    )
