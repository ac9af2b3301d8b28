"""Numbers with what they count: lines of therapy, cycles, durations, dates, ages."""

from __future__ import annotations

from messages.understanding.lexicon import Concept
from messages.understanding.named import Cue
from messages.understanding.scan import ITEM, Piece

FIRST_YEAR, LAST_YEAR = 1950, 2099
_MOST_LINES = 9
_MOST_YEARS = 15
"""Years that a course lasts, at most."""
_PER_UNIT = {"y": 12.0, "w": 12 / 52, "m": 1.0, "d": 12 / 365, "j": 12.0, "s": 12 / 52}
"""Months in a unit of time, by its first letter."""
_PER_FRACTION = {"12": 1.0, "52": 12 / 52}
"""Months in a unit written as a fraction: 18/12 is months, 6/52 weeks."""
_ROMAN_LINES = {"i": 1, "ii": 2, "iii": 3}
"""Roman numbers that count lines; IV is a way to give drugs, too."""
_BEGINNINGS = frozenset(("a", "an", "one", "x", "line", *_ROMAN_LINES))
_GETS = ("had", "has", "got", "gets", "getting", "get", "received", "receives", "due", "before", "for", "today")
"""What stands before a dose that is counted: 'just got her third Enhertu'."""
_MILLIMETRES = {"mm": 1.0, "cm": 10.0}
"""Millimetres in a unit of size."""
_TO_A_SIZE = frozenset((*_MILLIMETRES, "to", "->"))
"""What stands behind the first of two sizes."""
_GROWN, _SHRUNK = 1.2, 0.7
"""A lesion has grown from this ratio on, and shrunk down to this one (RECIST)."""
_NOT_GIVEN = Concept("cue", "negated_after")
"""What no cycles say: 'T-DM1 x0'."""
_BEFORE_MAY = ("in", "since", "until", "till", "of", "from", "early", "mid", "late", "last", "by", "to")
"""What shows that 'May' is a month, and no verb."""
Taken = tuple[Piece, int]
"""A composed piece, and the place to go on at."""
_THORACIC = frozenset(f"{letter}{number}" for letter in ("t", "th") for number in range(1, 13))
"""The thoracic vertebrae, as they are written."""


def compose(pieces: list[Piece], text: str) -> list[Piece]:
    """The pieces with numbers and their units put together; nothing is lost."""
    found: list[Piece] = []
    at, count = 0, len(pieces)
    while at < count:
        piece = pieces[at]
        taken = None
        if _may_begin(piece):
            taken = _line(pieces, at) or _time(pieces, at)
            if taken is None and piece.key in ("x", "#"):
                taken = _cycles(pieces, at)
            if taken is None and piece.kind == "number":
                taken = _number(pieces, at, found, text)
        if taken is None:
            found.append(piece)
            at += 1
            continue
        first = at
        piece, at = taken
        if piece.kind == "cycles" and piece.value == 0:
            piece.stand_for(_NOT_GIVEN)
        last = pieces[first] if piece.kind == "known" else pieces[at - 1]  # an arrow parts no sizes
        piece.sentence, piece.clause, piece.asked = last.sentence, last.clause, last.asked
        found.append(piece)
    return found


def _may_begin(piece: Piece) -> bool:
    """Whether a number, a date or a duration may begin with a piece: most words are passed over with this."""
    if piece.kind == "sign":
        return piece.key == "#"
    if piece.kind == "known" and piece.value is None and not piece.roles:
        return piece.key in _BEGINNINGS or "line_word" in piece.cues
    return piece.kind != "silent" or piece.value is not None or bool(piece.roles) or piece.key in _BEGINNINGS


def _key(pieces: list[Piece], at: int) -> str:
    return pieces[at].key if 0 <= at < len(pieces) else ""


def _is_number(pieces: list[Piece], at: int) -> bool:
    return 0 <= at < len(pieces) and pieces[at].kind == "number"


def _is_cue(pieces: list[Piece], at: int, name: Cue) -> bool:
    return 0 <= at < len(pieces) and pieces[at].cue(name)


def _join(pieces: list[Piece], first: int, last: int, kind: str, value: object) -> Taken:
    piece = Piece(
        kind, pieces[first].start, pieces[last].end, pieces[first].key, value=value, glued=pieces[first].glued
    )
    return piece, last + 1


def _skip(pieces: list[Piece], at: int) -> int:
    """The place after a hyphen."""
    return at + 1 if at < len(pieces) and pieces[at].kind == "sign" and pieces[at].key == "-" else at


# ---- lines of therapy ------------------------------------------------------------------------------------------------


def _line(pieces: list[Piece], at: int) -> Taken | None:
    """The number of a line of therapy: 1L, 2nd line, third-line, line 2, 2nd and 3rd line, L2."""
    piece = pieces[at]
    if piece.kind == "line":
        return piece, at + 1
    ordinal = _ordinal(pieces, at) if piece.value is not None else None
    if ordinal is not None:
        return _ordinal_line(pieces, at, ordinal)
    if piece.key == "lines" and _is_range(pieces, at + 1):
        first, last = int(pieces[at + 1].value), int(pieces[at + 3].value)
        joined, after = _join(pieces, at, at + 3, "line", first)
        joined.key = f"{first}-{last}"
        return joined, after
    if piece.kind == "number" and _is_count(piece):
        after = _skip(pieces, at + 1)
        glued = _is_line_word(pieces, after) and (pieces[after].key != "l" or pieces[after].glued)
        if glued and not _is_per_litre(pieces, after) and not piece.key.isalpha():  # 'one line' counts, '1L' numbers
            return _join(pieces, at, after, "line", int(piece.value))
    named = "line_word" in piece.cues and piece.key != "l" and _is_line_word(pieces, at)
    if named and _is_number(pieces, at + 1) and _is_count(pieces[at + 1]):
        return _join(pieces, at, at + 1, "line", int(pieces[at + 1].value))
    if piece.key in _ROMAN_LINES and _is_roman_line(pieces, at):
        return _join(pieces, at, at + 1, "line", _ROMAN_LINES[piece.key])
    if _is_short_for_a_line(piece) and not _is_a_vertebra(pieces, at):
        return _join(pieces, at, at, "line", int(piece.key[1]))
    return None


def _is_roman_line(pieces: list[Piece], at: int) -> bool:
    """Whether a Roman number counts a line whose drugs follow: 'I line THP, II line: T-DM1'; not 'I line up T-DXd'."""
    following = _skip(pieces, at + 2)
    if pieces[at].end - pieces[at].start != len(pieces[at].key) or not _is_line_word(pieces, at + 1):
        return False
    return _key(pieces, following) in (":", "=", "-", "(") or _names_drugs(pieces, following)


def _is_short_for_a_line(piece: Piece) -> bool:
    """Whether a word is an l with a digit: L2."""
    return piece.kind == "word" and len(piece.key) == 2 and piece.key[0] == "l" and piece.key[1] in "123456789"


def _is_a_vertebra(pieces: list[Piece], at: int) -> bool:
    """Whether L2 is a lumbar vertebra: 'cord compression at L2', 'L2 vertebra', 'uptake in L3', 'T12 and L1'."""
    within = _key(pieces, at - 1) in ("in", "of")
    near = pieces[max(0, at - (5 if within else 2)) : at + 3]
    beside = (*pieces[max(0, at - 1) : at], *pieces[at + 1 : at + 2])
    return (
        _key(pieces, at - 1) == "at"
        or any("spinal" in piece.roles or _is_of_the_cord(piece) for piece in beside)
        or (within and any("bony" in piece.roles or piece.is_("noun", "organ", "organ_mets") for piece in near))
        or any(piece.key in _THORACIC for piece in near)
    )


def _is_of_the_cord(piece: Piece) -> bool:
    return any(concept.value == "cord_compression" for concept in piece.concepts)


def _is_range(pieces: list[Piece], at: int) -> bool:
    """Whether '1-3', '1 to 3', '1 and 2' stands at a place."""
    if at + 2 >= len(pieces):
        return False
    first, link, last = pieces[at], _key(pieces, at + 1), pieces[at + 2]
    if not (_is_count(first) and _is_count(last)):
        return False
    follows = link in ("and", "&", "+", ",", "/") and last.value == first.value + 1
    return follows or (link in ("-", "to") and first.value < last.value)


def last_of_range(line: Piece) -> int:
    """The last number of a line's mark: 3 of 'lines 1-3', 2 of '2nd line'."""
    return int(line.key.rpartition("-")[2]) if "-" in line.key else int(line.value)


def _ordinal(pieces: list[Piece], at: int) -> int | None:
    """The value of 2nd or second."""
    if not 0 <= at < len(pieces):
        return None
    piece = pieces[at]
    if piece.kind in ("ordinal", "silent", "known", "word") and isinstance(piece.value, int | float):
        return int(piece.value) if 1 <= piece.value <= _MOST_LINES else None
    return None


def _ordinal_line(pieces: list[Piece], at: int, value: int) -> Taken | None:
    after = _skip(pieces, at + 1)
    if _is_line_word(pieces, after) or _key(pieces, after) == "lines":
        return _join(pieces, at, after, "line", value)
    to = _skip(pieces, at + 1) + (_key(pieces, at + 1) == "to")
    to_line = _skip(pieces, to + 1)
    ranges = to > at + 1 and (_ordinal(pieces, to) or 0) > value and _key(pieces, at - 1) != "from"
    if ranges and (_is_line_word(pieces, to_line) or _key(pieces, to_line) == "lines"):
        joined, after = _join(pieces, at, to_line, "line", value)  # first to third line
        joined.key = f"{value}-{_ordinal(pieces, to)}"
        return joined, after
    if ranges and _key(pieces, to + 1) == ":" and _names_drugs(pieces, to + 2):  # 1st-4th: THP, T-DM1, T-DXd, TCT
        joined, after = _join(pieces, at, to, "line", value)
        joined.key = f"{ITEM}-{_ordinal(pieces, to)}"
        return joined, after
    if _key(pieces, at + 1) in ("and", "/", ",", "or") and at + 2 < len(pieces):
        counted = _ordinal(pieces, at + 2) is not None or _is_count(pieces[at + 2])
        last = _skip(pieces, at + 3)
        if counted and (_is_line_word(pieces, last) or _key(pieces, last) == "lines"):
            return _join(pieces, at, at, "line", value)
    named = _behind_a_copula(pieces, at + 1)
    dated = at > 1 and pieces[at - 1].key == "the" and _is_cue(pieces, at - 2, "after")  # after the second docetaxel
    dated = dated or (at > 1 and pieces[at - 1].key == "her" and pieces[at - 2].key in _GETS)  # got her third Enhertu
    dated = dated or (at > 0 and _is_cue(pieces, at - 1, "upcoming"))  # tomorrow first TCT
    dated = dated or (named + 1 < len(pieces) and _is_cue(pieces, named + 1, "upcoming"))  # first TCT tomorrow
    if (
        _names_drugs(pieces, named) and not _is_cue(pieces, named + 1, "cycles") and not dated
    ):  # first THP, second T-DXd
        piece, after = _join(pieces, at, at, "line", value)
        piece.key = ITEM
        return piece, after
    return None


def _behind_a_copula(pieces: list[Piece], at: int) -> int:
    """The place behind what may link an ordinal to its drugs: 'first: THP', 'the first was THP', 'the first (THP)'."""
    if at + 1 < len(pieces) and ("is" in pieces[at].roles or pieces[at].key in (":", "=", "(", "being")):
        return at + 1
    perfect = _key(pieces, at) in ("had", "has") and _key(pieces, at + 1) == "been"
    return at + 2 if perfect else at


def _names_drugs(pieces: list[Piece], at: int) -> bool:
    return at < len(pieces) and (pieces[at].is_("agents") or pieces[at].is_("regimen") or pieces[at].is_("class"))


def _is_count(piece: Piece) -> bool:
    return piece.kind == "number" and 1 <= piece.value <= _MOST_LINES and piece.value == int(piece.value)


def _is_line_word(pieces: list[Piece], at: int) -> bool:
    return _is_cue(pieces, at, "line_word") and pieces[at].key != "lines" and not pieces[at].is_("agents")


def _is_per_litre(pieces: list[Piece], at: int) -> bool:
    """Whether an l is litres: 80 x 10^9/l."""
    return pieces[at].key == "l" and "/" in (_key(pieces, at - 1), _key(pieces, at - 2))


# ---- dates and durations ---------------------------------------------------------------------------------------------


def _is_year(pieces: list[Piece], at: int) -> bool:
    if not _is_number(pieces, at):
        return False
    piece = pieces[at]
    return len(piece.key) == 4 and piece.key.isdigit() and FIRST_YEAR <= piece.value <= LAST_YEAR


def _time(pieces: list[Piece], at: int) -> Taken | None:
    """A date, whose value is its year, or a duration that begins with a word: May 2021, a year and a half."""
    piece = pieces[at]
    if piece.kind != "number" and "month" in piece.roles:
        return _month(pieces, at)
    if piece.key in ("a", "an", "one"):
        return _single(pieces, at)
    if "half" in piece.roles:
        unit = at + 1 + (_key(pieces, at + 1) in ("a", "-"))  # half a year, half-year
        if _is_cue(pieces, unit, "duration"):
            return _join(pieces, at, unit, "duration", _months_of(pieces[unit]) / 2)
    return None


def _month(pieces: list[Piece], at: int) -> Taken | None:
    piece = pieces[at]
    after = at + 1
    if _key(pieces, after) in ("'", "-", ",", "/"):
        after += 1
    if _is_year(pieces, after):
        return _join(pieces, at, after, "date", pieces[after].value)
    shortened = _is_number(pieces, after) and pieces[after].value > 19
    if piece.key == "may" and _key(pieces, at - 1) in _BEFORE_MAY:  # no verb: 'in May', 'since May'
        return _join(pieces, at, at, "date", None)
    if piece.key == "may" and not shortened:
        return None
    return _join(pieces, at, at, "date", None) if piece.kind in ("word", "silent") else None


def _single(pieces: list[Piece], at: int) -> Taken | None:
    """A year, a month, a year and a half, one and a half years."""
    if _is_cue(pieces, at + 1, "duration") and _key(pieces, at + 1)[0] in "ym" and len(_key(pieces, at + 1)) > 1:
        months = _months_of(pieces[at + 1])
        if [_key(pieces, at + step) for step in (2, 3, 4)] == ["and", "a", "half"]:
            return _join(pieces, at, at + 4, "duration", months * 1.5)
        if _key(pieces, at + 1) in ("year", "month"):
            more, last = _months_beside_years(pieces, at + 1)
            return _join(pieces, at, last, "duration", months + more)
    return None


def _months_of(unit: Piece) -> float:
    return _PER_UNIT.get(unit.key[0], 1.0)


def _cycles(pieces: list[Piece], at: int) -> Taken | None:
    """x8, x 8 cycles, #6."""
    if not _is_number(pieces, at + 1):
        return None
    if _key(pieces, at + 2) in ("uln", "10") or (_key(pieces, at + 1) == "10" and _is_power(pieces, at + 2)):
        return None
    if _is_cue(pieces, at + 2, "duration"):
        return _join(pieces, at, at + 2, "cycles", None)
    last = at + 2 if _is_cue(pieces, at + 2, "cycles") else at + 1
    return _join(pieces, at, last, "cycles", pieces[at + 1].value)


def _is_power(pieces: list[Piece], at: int) -> bool:
    """Whether a power of ten goes on there: x 10^9."""
    return _key(pieces, at) in ("^", "9", "*") or _key(pieces, at).startswith("e9")


def _number(pieces: list[Piece], at: int, before: list[Piece], text: str) -> Taken | None:
    """What a number counts: a date, an age, a duration, cycles."""
    if _key(pieces, at + 1) in _TO_A_SIZE and (sized := _size_change(pieces, at)) is not None:
        return sized
    if _is_year(pieces, at):
        if _key(pieces, at + 1) in ("-", "/") and _is_number(pieces, at + 2):
            return _join(pieces, at, at + 2, "date", pieces[at].value)
        return _join(pieces, at, at, "date", pieces[at].value)
    if _key(pieces, at + 1) == "/" and _is_year(pieces, at + 2) and pieces[at].value <= 12:
        return _join(pieces, at, at + 2, "date", pieces[at + 2].value)
    if _is_month_and_year(pieces, at) and (_is_dated_by(before) or _begins_a_span(pieces, at + 3)):
        return _join(pieces, at, at + 2, "date", None)
    return _age(pieces, at, before, text) or _counted(pieces, at)


def _size_change(pieces: list[Piece], at: int) -> Taken | None:
    """A lesion that grew or shrank by its size: 'from 12 to 31 mm', '2 cm -> 5 cm'."""
    unit = _key(pieces, at + 1) if _key(pieces, at + 1) in _MILLIMETRES else ""
    link = at + 2 if unit else at + 1
    leads = _key(pieces, link) == "->" or (
        _key(pieces, link) == "to" and (_key(pieces, at - 1) == "from" or bool(unit))
    )
    last, last_unit = link + 1, _key(pieces, link + 2)
    if not leads or not _is_number(pieces, last) or last_unit not in _MILLIMETRES or not pieces[at].value:
        return None
    grown = pieces[last].value * _MILLIMETRES[last_unit] / (pieces[at].value * _MILLIMETRES[unit or last_unit])
    if _SHRUNK < grown < _GROWN:
        return None
    names = ("weak_progression", "progression") if grown >= _GROWN else ("responding",)
    taken = _join(pieces, at, link + 2, "known", None)
    taken[0].stand_for(*(Concept("cue", name) for name in names))
    return taken


def _is_dated_by(before: list[Piece]) -> bool:
    """Whether what stands before leads to a date: 'since 4/25', '1/22-6/23'."""
    if before and before[-1].key in ("since", "until", "till"):
        return True
    return len(before) > 1 and before[-1].key in ("-", "to") and before[-2].kind == "date"


def _begins_a_span(pieces: list[Piece], at: int) -> bool:
    """Whether a span of time goes on there to its end: '7/23-now', '1/22-6/23'."""
    if _key(pieces, at) not in ("-", "to"):
        return False
    return _key(pieces, at + 1) in ("now", "present", "today", "ongoing") or (
        _is_number(pieces, at + 1) and _is_month_and_year(pieces, at + 1)
    )


def _is_month_and_year(pieces: list[Piece], at: int) -> bool:
    """Whether two numbers are a month and a year of two digits: since 4/25."""
    if _key(pieces, at + 1) != "/" or not _is_number(pieces, at + 2) or not pieces[at + 2].glued:
        return False
    return 1 <= pieces[at].value <= 12 and len(_key(pieces, at + 2)) == len("25")


def _age(pieces: list[Piece], at: int, before: list[Piece], text: str) -> Taken | None:
    """An age: 44F, 44 y/o, 62-year-old, aged 44."""
    value = pieces[at].value
    if not 1 <= value <= 110 or value != int(value):
        return None
    after = _skip(pieces, at + 1)
    key = _key(pieces, after)
    if key == "y" and _key(pieces, after + 1) in ("/", ".") and _key(pieces, after + 2) == "o":
        return _join(pieces, at, after + 2, "age", int(value))
    if _is_cue(pieces, after, "duration") and key.startswith("y"):
        last = _skip(pieces, after + 1)
        if _key(pieces, last) in ("old", "o"):
            return _join(pieces, at, last, "age", int(value))
        if last < len(pieces) and (pieces[last].roles & {"woman"} or _key(pieces, last) in ("patient", "f")):
            return _join(pieces, at, after, "age", int(value))
    if after < len(pieces) and (pieces[after].is_("noun", "age") or "woman" in pieces[after].roles):
        return _join(pieces, at, after, "age", int(value))
    headed = before[-2:-1] if before and before[-1].key in (":", "=") else before[-1:]  # age: 14
    if headed and headed[0].is_("noun", "age"):
        return _join(pieces, at, at, "age", int(value))
    if len(before) > 1 and before[-1].key == "of" and before[-2].roles & {"person", "woman"}:  # a lady of 51
        return _join(pieces, at, at, "age", int(value))
    if after < len(pieces) and "sex" in pieces[after].roles:
        typed = text[pieces[after].start]
        if (pieces[after].glued or typed.isupper()) and value >= 15 and (key != "m" or typed == "M"):
            return _join(pieces, at, after, "age", int(value))
    return None


def _counted(pieces: list[Piece], at: int) -> Taken | None:
    """A duration in months, or cycles."""
    if at + 1 == len(pieces):
        return None
    value = pieces[at].value
    if _key(pieces, at + 1) == "/" and _key(pieces, at + 2) in _PER_FRACTION and pieces[at + 2].glued:
        return _join(pieces, at, at + 2, "duration", value * _PER_FRACTION[_key(pieces, at + 2)])
    if [_key(pieces, at + step) for step in (1, 2, 3)] == ["1", "/", "2"] and _is_cue(pieces, at + 4, "duration"):
        return _join(pieces, at, at + 4, "duration", (value + 0.5) * _months_of(pieces[at + 4]))  # 1 1/2 years
    after = _skip(pieces, at + 1)
    if after > at + 1 and _is_number(pieces, after):  # 8-10 months
        value, after = pieces[after].value, _skip(pieces, after + 1)
    if [_key(pieces, after + step) for step in (0, 1, 2)] == ["and", "a", "half"]:
        value, after = value + 0.5, after + 3
    if _is_cue(pieces, after, "duration") or _counts_years(pieces, after, value):
        more, last = _months_beside_years(pieces, after)
        if last == after and [_key(pieces, after + step) for step in (1, 2, 3)] == ["and", "a", "half"]:
            more, last = _months_of(pieces[after]) / 2, after + 3  # 2 years and a half
        return _join(pieces, at, last, "duration", value * _months_of(pieces[after]) + more)
    if _is_cue(pieces, after, "cycles"):
        return _join(pieces, at, after, "cycles", value)
    return None


def _counts_years(pieces: list[Piece], at: int, value: float) -> bool:
    """Whether a y that ends what is told stands for years, too few to be an age: 'ongoing 2 y', 'stable 3y,'."""
    if _key(pieces, at) != "y" or value > _MOST_YEARS:
        return False
    if at + 1 == len(pieces) or pieces[at + 1].key in ("later", "on", "after", "ago"):
        return True
    return pieces[at + 1].kind == "sign" and pieces[at + 1].key != "/"


def _months_beside_years(pieces: list[Piece], years: int) -> tuple[float, int]:
    """The months that are told with years, and the last place of what is counted: '1 year and 3 months'."""
    number = years + 1 + (_key(pieces, years + 1) == "and")
    if _months_of(pieces[years]) != _PER_UNIT["y"] or not _is_number(pieces, number):
        return 0, years
    if not _is_cue(pieces, number + 1, "duration") or _months_of(pieces[number + 1]) != 1:
        return 0, years
    return pieces[number].value, number + 1
