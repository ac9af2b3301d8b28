"""A text cut into tokens: words, numbers, signs, each with the place it came from.

One pass with one pattern of plain alternatives, so the time grows with the length and with nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

_TOKEN = re.compile(
    r"[+\-\u2212\u2013]ve\b"  # +ve, -ve
    r"|[iIsSpP]\.[vVmMcCoO]\b(?:\.(?=\s*[^\sA-Z]))?"  # i.v., s.c., p.o.
    r"|[-=\u2013\u2014]{1,3}>|[\u2192\u21d2\u2794\u279c\u27a1\u2b95\u21e8\u2799]|>{2,3}"  # arrows
    r"|[xX\u00d7](?=\d)"  # x8
    r"|[wW]/(?:[oO](?:[uU][tT])?\b)?"  # w/, w/o, w/out
    r"|[^\W\d_][^\W_]*"  # a word, digits inside it
    r"|\d+(?:[.,]\d+)*"
    r"|\S"
)
_ARROWS = frozenset("\u2192\u21d2\u2794\u279c\u27a1\u2b95\u21e8\u2799")
_SAME = {
    **dict.fromkeys("\u2212\u2013\u2014\u2010\u2011", "-"),
    **dict.fromkeys("\u201c\u201d", '"'),
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\uff1b\u2022", ";"),
    "\u00d7": "x",
    "\u2265": ">",
    "\u2264": "<",
    "\uff0b": "+",
    "\uff1f": "?",
    "\uff0c": ",",
}
"""Signs that are typed in more than one way, to one."""
_WORDS = {
    "&": "and",
    **dict.fromkeys("\u2191\u2b06", "increased"),
    **dict.fromkeys("\u2193\u2b07", "decreased"),
}
"""Signs that stand for a word."""
_BACK = frozenset("\u2190\u21d0\u2b05")
"""Arrows that lead to what was before; between numbers they are left as they are: 'EF 45 <- 62'."""
_PLAIN = frozenset(",.;:()-+/?!'%")
"""The most frequent signs, which are typed in one way and stand for themselves."""
_DIGITS = "0123456789"
_SPLIT = re.compile(r"([a-z]+)([0-9]+)")
_TNM = re.compile(r"(y?[cp]?t[0-4x][a-d]?)([cp]?n[0-3x][a-c]?)([cp]?m[01])")
_STAGED, _M = "ycpt", ("m0", "m1")
"""How a TNM stage begins, and how it ends."""
_COUNTED = re.compile(r"([a-z0-9]{2,})(x)([0-9]{1,2})")
_OPENING, _CLOSING = "[(", "])"
_TICKS = frozenset(("x", "\u2713", "\u2714", "\u2717", "\u2718"))
_BOXES = {"\u2610": False, "\u25a1": False, "\u2611": True, "\u2612": True, "\u25a0": True}
"""Boxes in one sign, and whether each is ticked."""
_EMPTY_BOX = re.compile(r"\[ ?\]|\( ?\)|[\u2610\u25a1]")
_ENDS_AN_OPTION = frozenset((".", ";", ":", "|"))
_MOST_SIGNS = 8
"""Signs in one run that are read; nobody means more by more."""
_NOTHING: frozenset[str] = frozenset()


class Token(NamedTuple):
    """One token: its key (lower case, without accents), what it is, and where it stands in the text."""

    key: str
    kind: str
    """`word`, `number`, `arrow` or `sign`."""
    start: int
    end: int
    glued: bool
    """Whether it follows the token before it without a blank."""


_token: Callable[[tuple[str, str, int, int, bool]], Token] = partial(tuple.__new__, Token)
"""A token from all its parts, made at once: a text has some hundred."""


def tokens_of(text: str, splits: frozenset[str] = _NOTHING, whole: frozenset[str] | None = None) -> list[Token]:
    """The tokens of a text, in order. `splits`: words a number may be glued to ("ef58"); `whole`: known words, which
    are never cut: where it is given, "THPx6" is cut before its cycles."""
    found: list[Token] = []
    append = found.append
    last = -1
    signs = 0
    lower = text.lower() if text.isascii() else None
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        raw = text[start:end]
        glued = start == last
        last = end
        if lower is not None and raw.isalpha():  # most are plain words
            signs = 0
            append(_token((lower[start:end], "word", start, end, glued)))
            continue
        if raw in _PLAIN:
            if not glued:
                signs = 0
            if signs < _MOST_SIGNS:
                signs += 1
                append(_token((raw, "sign", start, end, glued)))
            continue
        first = raw[0]
        if first.isalpha():
            signs = 0
            key = lower[start:end] if lower is not None else raw.lower() if raw.isascii() else plain(raw)
            if not key:
                continue
            if key[-1].isdigit() and (cut := _cut(key, splits, whole)):
                for part, kind, first_letter, end_letter in cut:
                    append(_token((part, kind, start + first_letter, start + end_letter, glued or first_letter > 0)))
                continue
            append(_token((_spelt_out(key, raw), "word", start, end, glued)))
        elif first.isdigit():
            signs = 0
            if raw.isascii():
                append(_token((raw, "number", start, end, glued)))
        elif raw in _ARROWS or (len(raw) > 1 and raw[-1] == ">"):
            append(_token(("->", "arrow", start, end, glued)))
        elif len(raw) > 1:  # +ve, -ve
            append(_token((("+" if first == "+" else "-") + "ve", "word", start, end, glued)))
        elif raw in _WORDS:
            append(_token((_WORDS[raw], "word", start, end, glued)))
        elif raw in _BACK and not text[end : end + 2].strip()[:1].isdigit():
            append(_token(("after", "word", start, end, glued)))
        elif glued and signs >= _MOST_SIGNS:
            continue
        else:
            signs = signs + 1 if glued else 1
            append(_token((_SAME.get(raw, raw), "sign", start, end, glued)))
    return without_unticked(found, text) if _EMPTY_BOX.search(text) else found


def without_unticked(tokens: list[Token], text: str) -> list[Token]:
    """The tokens of a form without its boxes, and without what stands behind, or before, a box that is not ticked:
    'brain mets: [ ] yes [x] no', 'LMD: no [x] yes [ ]'."""
    boxes = _boxes(tokens)
    if not any(ticked for _, _, ticked in boxes):
        return tokens
    dropped: set[int] = set()
    behind_options = _behind_their_options(tokens, boxes, text)
    for number, (first, last, ticked) in enumerate(boxes):
        dropped.update(range(first, last + 1))
        if ticked:
            continue
        if behind_options[number]:
            begins = boxes[number - 1][1] + 1 if number else 0
            option, edge = range(first - 1, begins - 1, -1), 1
        else:
            stop = boxes[number + 1][0] if number + 1 < len(boxes) else len(tokens)
            option, edge = range(last + 1, stop), 0
        for at in option:
            if tokens[at].key in _ENDS_AN_OPTION or _begins_a_line(tokens, at + edge, text):
                break
            dropped.add(at)
    return [token for at, token in enumerate(tokens) if at not in dropped]


def _boxes(tokens: list[Token]) -> list[tuple[int, int, bool]]:
    """Where each box begins and ends, and whether it is ticked."""
    found = []
    for at, token in enumerate(tokens):
        if token.key in _BOXES:
            found.append((at, at, _BOXES[token.key]))
        elif token.key in _OPENING:
            last = at + 1 + (at + 1 < len(tokens) and tokens[at + 1].key in _TICKS)
            if last < len(tokens) and tokens[last].key in _CLOSING:
                found.append((at, last, last > at + 1))
    return found


def _behind_their_options(tokens: list[Token], boxes: list[tuple[int, int, bool]], text: str) -> list[bool]:
    """Whether each box stands behind what it is of: its row ends in a box."""
    found: list[bool] = []
    for number in range(len(boxes) - 1, -1, -1):
        behind = boxes[number][1] + 1
        following = boxes[number + 1][0] if number + 1 < len(boxes) else None
        if following is not None and not any(_begins_a_line(tokens, at, text) for at in range(behind, following + 1)):
            found.append(found[-1])
            continue
        ends = behind == len(tokens) or tokens[behind].key in _ENDS_AN_OPTION
        found.append(ends or _begins_a_line(tokens, behind, text))
    return found[::-1]


def _begins_a_line(tokens: list[Token], at: int, text: str) -> bool:
    return 0 < at < len(tokens) and "\n" in text[tokens[at - 1].end : tokens[at].start]


def _spelt_out(key: str, raw: str) -> str:
    """What a word with a sign or a digit in it stands for: w/, w/o, w/out, s.c., b4."""
    if raw[1:2] == "/":
        return "with" if raw[-1] == "/" else "without"
    if raw[1:2] == ".":
        return key.replace(".", "")
    return "before" if key == "b4" else key


def _cut(key: str, splits: frozenset[str], whole: frozenset[str] | None) -> list[tuple[str, str, int, int]]:
    """The parts of a word that ends in a number, what each is, and where it begins and ends; none where it is one."""
    if key.rstrip(_DIGITS) in splits and (parts := _SPLIT.fullmatch(key)) is not None:
        kinds: tuple[str, ...] = ("word", "number")
    elif key[0] in _STAGED and key[-2:] in _M and (parts := _TNM.fullmatch(key)) is not None:
        kinds = ("word", "word", "word")
    elif whole is not None and "x" in key and key not in whole and (parts := _COUNTED.fullmatch(key)) is not None:
        kinds = ("word", "word", "number")
    else:
        return []
    return [(parts[group], kind, *parts.span(group)) for group, kind in enumerate(kinds, 1)]


def plain(word: str) -> str:
    """A word in lower case and without its accents."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(character for character in parts if character.isalnum())
