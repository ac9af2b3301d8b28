"""Names too short to stand alone, read by what stands around them: H and P, 'lap', shorthand typed without capitals."""

from __future__ import annotations

from messages.understanding.lexicon import Concept, Lexicon
from messages.understanding.named import Cue
from messages.understanding.pieces import Piece


def settle_short_names(pieces: list[Piece], text: str, lexicon: Lexicon) -> None:
    """Read what is short by what stands around it: H and P beside other drugs, 'lap', shorthand without capitals."""
    antibodies = {place for place, piece in enumerate(pieces) if piece.key[:4] == _ANTIBODY}
    single_letters = lexicon.single_letters
    for place, piece in enumerate(pieces):
        if piece.key in single_letters and piece.end - piece.start == 1 and not _left_out(pieces, place):
            small = text[piece.start].islower()
            if piece.key in _ADDED_ONLY:
                if not small and _is_added(pieces, place):
                    piece.kind = "known"
                    piece.stand_for(Concept("agents", piece.key, (single_letters[piece.key],)))
                continue
            listed = not small and any(
                told(pieces, place) for told in (_is_counted, _is_listed, _is_alone, _is_of_a_pair, _is_not_added)
            )
            if listed or _beside_a_drug(pieces, place, signs_only=small):
                agent = single_letters[piece.key]
                piece.kind = "known"
                piece.stand_for(Concept("agents", piece.key, (agent,)))
        elif piece.key in _LETTERS and not piece.names_drugs_by_name() and (left_out := _left_out(pieces, place)):
            piece.kind = "known"
            piece.stand_for(Concept("agents", left_out, (left_out,)))
        elif piece.key == "th" and _heads_treatment(pieces, place, text):
            piece.kind, piece.key = "silent", "tx"
            piece.stand_for()
        elif piece.kind == "known":
            if (
                piece.key in lexicon.short_names
                and piece.names_drugs_by_name()
                and not _stands_alone(piece, place, pieces, text)
            ):
                piece.kind = "word"
                piece.stand_for()
        elif piece.kind == "word" and _near_a_code(pieces, place):
            _read_as_either_conjugate(pieces, place)
        if not antibodies or (place - 1 not in antibodies and place - 2 not in antibodies):
            continue
        if piece.kind != "sign" and (readings := _payload(pieces, place, lexicon)):
            _read_with_its_antibody(pieces, place, readings)
        elif _is_named_by_its_payload(pieces, place, lexicon):
            _silence_its_antibody(pieces, place)


def _stands_alone(piece: Piece, place: int, pieces: list[Piece], text: str) -> bool:
    """Whether a short name means a drug: in capitals where it is a regimen, else with treatment around it."""
    typed = text[piece.start : piece.end]
    if piece.is_("regimen") and not typed.islower() and not _is_ordinal_ending(pieces, place):
        return True
    if len(typed) != len(piece.key):
        return True  # the short name is only the beginning of what was typed
    following = pieces[place + 1] if place + 1 < len(pieces) else None
    if following is not None and following.kind == "word":
        return False
    return _in_company(pieces, place) and not _is_ordinal_ending(pieces, place)


def _heads_treatment(pieces: list[Piece], place: int, text: str) -> bool:
    """Whether 'Th' stands for 'therapy' before its drugs, and for no regimen: 'Th: T-DM1', 'Th. with T-DXd'."""
    piece, behind = pieces[place], pieces[place + 1 : place + 4]
    if text[piece.start : piece.end] != "Th" or len(behind) < _HEADED or behind[0].key not in (":", ".", "="):
        return False
    led = behind[1 + (behind[1].key in ("with", "by")) :]
    return bool(led) and led[0].names_drugs_by_name()


def _is_ordinal_ending(pieces: list[Piece], place: int) -> bool:
    glued = place > 0 and (pieces[place].glued or pieces[place].low)
    return pieces[place].key == "th" and glued and pieces[place - 1].kind in ("number", "ordinal")


_HEADED = 2
"""Pieces behind a heading up to its first drug, at least."""
_ANTIBODY = "tras"
"""How the name of the antibody of every conjugate begins."""
_LONG = 5
"""Letters of a short name that is no other word: a number behind it is company enough: 'cleopatra 12 mo'."""
_COMPANY: tuple[Cue, ...] = (
    "early",
    "then",
    "cycles",
    "maintenance",
    "progression",
    "started",
    "previously",
    "completed",
    "joined",
    "after",
    "negated_after",
)


_BETWEEN = ("+", "/", "-", ",", "&", "(", ">", "and")
"""What may stand between a short name and the drug beside it."""


def _in_company(pieces: list[Piece], place: int) -> bool:
    """Whether a drug, or a word of treatment, stands next to a place."""
    for step in (-1, 1):
        at = place + step
        while 0 <= at < len(pieces) and abs(at - place) < 4 and pieces[at].key in _BETWEEN:
            at += step
        if not 0 <= at < len(pieces):
            continue
        piece = pieces[at]
        counted = (step == 1 and piece.key in ("x", "\u00d7")) or piece.key == "->"
        numbered = step == 1 and ("line_word" in piece.cues or isinstance(piece.value, int))
        dosed = at + 1 < len(pieces) and "dose_word" in pieces[at + 1].cues  # lap 1250 mg
        timed = step == 1 and piece.kind == "number" and (dosed or len(pieces[place].key) >= _LONG)
        if piece.names_drugs_by_name() or piece.kind == "fuzzy" or counted or numbered or timed or piece.cue(*_COMPANY):
            return True
    return False


def _beside_a_drug(pieces: list[Piece], place: int, *, signs_only: bool) -> bool:
    """Whether a single letter is joined to a drug: 'vino + H', 'weekly w/ H'; a small one only with + and /."""
    for step in (-1, 1):
        at, joined = place + step, False
        while 0 <= at < len(pieces) and abs(at - place) < 7:
            piece = pieces[at]
            if abs(at - place) >= 5 and not (piece.kind in ("silent", "number", "known") or "cycles" in piece.cues):
                break
            if piece.names_drugs_by_name() or piece.kind == "fuzzy":
                return joined and not (signs_only and abs(at - place) > 2)
            joined = joined or piece.key in ("+", "/") or (not signs_only and _joins(piece))
            if signs_only and not joined:
                break
            if not joined and "cycles" not in piece.cues and piece.kind != "silent":
                break
            at += step
    return False


_ADDED_ONLY = ("d",)
"""Letters that stand for a drug only where a plus joins them to others: 'FEC x3 + D x3'."""


def _is_added(pieces: list[Piece], place: int) -> bool:
    """Whether a plus, behind a count of cycles, joins a letter to a drug before it."""
    at = place - 1
    if at < 1 or pieces[at].key != "+" or pieces[place].glued:
        return False
    at -= 1
    while at > 0 and at > place - 5 and (pieces[at].kind in ("number", "cycles") or pieces[at].key == "x"):
        at -= 1
    return pieces[at].names_drugs_by_name()


_LETTERS = {
    "t": ("taxane", "docetaxel", "paclitaxel", "nab_paclitaxel"),
    "c": ("carboplatin", "capecitabine", "cyclophosphamide"),
    "h": ("trastuzumab",),
    "p": ("pertuzumab",),
}
"""What a letter of a regimen's name may stand for."""
_LESS = ("minus", "without", "sans", "no", "w", "not")
"""What says before a letter that it was left out."""
_FROM_REGIMEN = 5
"""Pieces from a regimen to the letter that was left out of it, at most."""


def _left_out(pieces: list[Piece], place: int) -> str | None:
    """The drug of the regimen before it that a letter stands for, where it was left out: 'TCHP minus the P', 'THP but
    no P', 'THP (P skipped)'; H and P may have been left out of any drugs: 'TH, no P'."""
    if pieces[place].end - pieces[place].start != 1:
        return None
    behind = place + 1
    behind += behind < len(pieces) and pieces[behind].kind == "silent"
    if behind < len(pieces) and pieces[behind].kind == "number":
        return None
    told = behind < len(pieces) and not pieces[behind].cues.isdisjoint(("negated_after", "declined", "unavailable"))
    for at in range(place - 1, max(-1, place - _FROM_REGIMEN), -1):
        piece = pieces[at]
        meant = _LETTERS.get(pieces[place].key, ())
        if piece.is_("regimen") and len(meant) > 1:
            members = next(concept.value for concept in piece.concepts if concept.kind == "regimen")
            meant = tuple(agent for agent in meant if agent in members)
        if piece.names_drugs_by_name():
            return meant[0] if told and len(meant) == 1 else None
        told = told or piece.key in _LESS
    return None


_FAR = 12
"""Pieces before a counted letter where another drug may stand."""


def _is_counted(pieces: list[Piece], place: int) -> bool:
    """Whether a letter behind drugs is followed by how long it was given: '..., RT, H x1y', 'then H for 1 year'."""
    if not place or place + 2 >= len(pieces):
        return False
    before = pieces[place - 1]
    marked = pieces[place - 2] if before.key == "." and place > 1 else before
    if "early" in marked.cues and (not pieces[place + 1].glued or pieces[place + 1].key in ",;"):  # adjuvant H, adj. H
        return True
    if not (before.kind == "sign" or "then" in before.cues):
        return False
    if pieces[place].glued or pieces[place + 1].glued:
        return False
    counted = pieces[place + 1].kind in ("cycles", "duration")
    counted = counted or (pieces[place + 1].key in ("x", "for") and pieces[place + 2].kind in ("number", "duration"))
    counted = counted or (pieces[place + 1].kind == "number" and "duration" in pieces[place + 2].cues)
    return counted and any(piece.names_drugs_by_name() for piece in pieces[max(0, place - _FAR) : place])


def _is_listed(pieces: list[Piece], place: int) -> bool:
    """Whether a letter stands behind a comma in a list of drugs: 'taxane, H, P then T-DM1'."""
    if place < 2 or pieces[place - 1].key != "," or not pieces[place - 2].names_drugs_by_name():
        return False
    if pieces[place].glued or place + 1 == len(pieces):
        return not pieces[place].glued
    following = pieces[place + 1]
    return following.key in (",", ";", "->", "+", "and", ")") or "then" in following.cues


def _is_of_a_pair(pieces: list[Piece], place: int) -> bool:
    """Whether H and P are told together behind a drug: 'docetaxel was stopped, H and P were kept'."""
    other = {"h": "p", "p": "h"}.get(pieces[place].key)
    if other is None:
        return False
    for step in (-1, 1):
        at = place + 2 * step
        if 0 <= at < len(pieces) and pieces[at].key == other and pieces[place + step].key in ("and", "+", "/"):
            return any(piece.names_drugs_by_name() for piece in pieces[max(0, place - _FAR) : place])
    return False


def _is_not_added(pieces: list[Piece], place: int) -> bool:
    """Whether a letter is said not to have been given with the drugs behind it: 'P not added to TH', 'P left out of
    TCHP'."""
    behind = place + 1
    behind += behind < len(pieces) and "is" in pieces[behind].roles
    if behind >= len(pieces) or pieces[behind].cues.isdisjoint(("negated_after", "went_on")):
        return False
    ahead = pieces[behind + 1 : behind + 4]
    drug = next((at for at, piece in enumerate(ahead) if piece.names_drugs_by_name()), None)
    return drug is not None and all(piece.kind == "silent" for piece in ahead[:drug])


def _is_alone(pieces: list[Piece], place: int) -> bool:
    """Whether a letter is said to be the only drug, or how it was given: 'H mono', 'H sc'."""
    following = pieces[place + 1] if place + 1 < len(pieces) else None
    return following is not None and (following.key in ("mono", "monotherapy") or "route" in following.roles)


def _joins(piece: Piece) -> bool:
    return "joined" in piece.cues or piece.key in ("-", "&")


def _read_as_either_conjugate(pieces: list[Piece], place: int) -> None:
    """Read a mistyped code of an antibody-drug conjugate as either, with the T- before it where one stands there."""
    piece = pieces[place]
    piece.kind, piece.value = "fuzzy", (("t_dm1",), ("t_dxd",))
    if not piece.key.startswith("t"):
        first, hyphen = pieces[place - 2], pieces[place - 1]
        piece.start = first.start
        first.kind = hyphen.kind = "silent"
        first.key = hyphen.key = ""


def _payload(pieces: list[Piece], place: int, lexicon: Lexicon) -> tuple[tuple[str, ...], ...]:
    """What a mistyped payload behind 'trastuzumab' may mean: 'trastuzumab deruxtecam', 'trastuzumab-deruxtansine'."""
    piece = pieces[place]
    if _antibody_before(pieces, place) is None:
        return ()
    misspelt = next((concept.value for concept in piece.concepts if concept.kind == "misspelt"), ())
    readings: tuple[tuple[str, ...], ...] = piece.value if piece.kind == "fuzzy" else misspelt
    if piece.kind == "word":
        found = {agent for stem, agent in lexicon.payloads.items() if stem in piece.key}
        readings = tuple((agent,) for agent in sorted(found))
    conjugates = {(agent,) for agent in lexicon.payloads.values()}
    return readings if set(readings) <= conjugates else ()


def _antibody_before(pieces: list[Piece], place: int) -> int | None:
    """Where 'trastuzumab' stands right before a piece, over a hyphen."""
    at = place - 2 if place > 1 and pieces[place - 1].key in ("-", "/") else place - 1
    antibody = at >= 0 and pieces[at].key.startswith(_ANTIBODY) and pieces[at].is_("agents", "trastuzumab")
    return at if antibody else None


def _read_with_its_antibody(pieces: list[Piece], place: int, readings: tuple[tuple[str, ...], ...]) -> None:
    """Make one name of 'trastuzumab' and the mistyped payload behind it: the antibody alone was not given."""
    _silence_its_antibody(pieces, place)
    piece = pieces[place]
    piece.kind, piece.value = "fuzzy", readings
    piece.stand_for()


def _is_named_by_its_payload(pieces: list[Piece], place: int, lexicon: Lexicon) -> bool:
    """Whether the second half of its name stands for a conjugate, behind its antibody: 'trastu-deruxtecan'."""
    piece = pieces[place]
    named = "agents" in piece.kinds and any(piece.key.startswith(stem) for stem in lexicon.payloads)
    return named and _antibody_before(pieces, place) is not None


def _silence_its_antibody(pieces: list[Piece], place: int) -> None:
    """Leave nothing of the antibody that begins the name of a conjugate: it alone was not given."""
    first = _antibody_before(pieces, place)
    assert first is not None
    pieces[place].start = pieces[first].start
    for each in pieces[first:place]:
        each.kind, each.key = "silent", ""
        each.stand_for()


def _near_a_code(pieces: list[Piece], place: int) -> bool:
    """Whether a word is like T-DM1 and T-DXd and neither: T-DX1, TDMd."""
    key = pieces[place].key
    if (len(key) == 4 and key.startswith("td") and key[2] in "mx1d") or key in ("tdm", "tdx"):
        return True
    hyphen = place > 1 and pieces[place - 1].key == "-" and pieces[place - 2].key == "t"
    return hyphen and len(key) in (2, 3) and key[0] == "d" and key[1] in "mx1d"
