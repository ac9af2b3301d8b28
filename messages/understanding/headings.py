"""Headings before drugs that end in a dash or in the bar of a table: read as the colon they stand for.

'Idea - T-DXd', '| Alternative | T-DM1 |' say what 'Idea: T-DXd' does. A dash after what was given parts it only: there
it stays one.
"""

from __future__ import annotations

from collections.abc import Callable

from messages.understanding.lexicon import Lexicon, Node
from messages.understanding.pieces import NAMING
from messages.understanding.tokens import Token

_LONGEST = 5
"""Words of a heading, at most."""
_TIMES = frozenset(("until_now", "month"))
"""Parts of words that say up to when: 'to date', 'to May'."""
_PARTING = frozenset(("|", "=", "->"))
"""Signs besides the dash that may end a heading."""
_MARKS = frozenset(("-", "*", ";", "\u2022"))
"""What may begin an item of a list."""
_OPENING = frozenset(".;:!?,(")
"""Signs behind which a heading may begin."""
_DENYING = frozenset(
    ("not", "never", "naive", "untried", "unused", "contraindicated", "excluded", "out", "cancelled", "canceled")
)
"""Words that deny the drugs they head."""
_JOINTS = frozenset(("+", "/", ",", "-", "and", "or", "&", "nor"))
"""What may stand between the drugs of a list."""
_LONGEST_LIST = 12
"""Tokens of such a list, at most."""

Named = Callable[[int], tuple[int, bool]]
"""Where what is named at a place ends, and whether it is a drug."""


def read_headings(tokens: list[Token], text: str, lexicon: Lexicon, named: Named) -> None:
    """Make colons of the signs that part such headings from their drugs, and set one behind a heading that is a line of
    its own."""
    for place in range(1, len(tokens) - 1):
        sign = tokens[place]
        if sign.key == "-":
            if sign.glued or tokens[place + 1].glued:
                continue
        elif sign.key not in _PARTING:
            continue
        if _is_a_name(lexicon, tokens[place - 1].key):
            continue  # THP -> T-DM1
        first = _begins(tokens, place, text)
        if first is None or tokens[first].kind == "sign":
            continue
        if _is_heading(tokens, first, place, place + 1, text, lexicon, named) and named(place + 1)[1]:
            tokens[place] = sign._replace(key=":", kind="sign")
    if "\n" in text:
        _part_lines(tokens, text, lexicon, named)


def _is_a_name(lexicon: Lexicon, word: str) -> bool:
    """Whether a word by itself names drugs: no heading ends in one."""
    node = lexicon.root.get(word)
    return node is not None and any(concept[0] in ("agents", "regimen") for concept in node.get("", ()))


def _part_lines(tokens: list[Token], text: str, lexicon: Lexicon, named: Named) -> None:
    """Let a heading that is a line of its own head the line below it, which begins with a drug: 'Plan', '- T-DXd' below
    it; 'Not given:', '- T-DM1' below it."""
    begins = 0
    place = 1
    while place < len(tokens):
        if tokens[place].glued or "\n" not in text[tokens[place - 1].end : tokens[place].start]:
            place += 1
            continue
        first, begins = begins, place
        parted = tokens[place - 1].key == ":"
        stop, drug = place - parted, place + (tokens[place].key in _MARKS)
        place += 1
        if not 0 < stop - first <= _LONGEST or tokens[stop - 1].kind == "sign" or tokens[first].kind == "sign":
            continue
        if drug >= len(tokens) or any(named(at)[1] for at in range(first, stop)):
            continue
        leads = named(drug)[1]
        if not leads and drug == place and not parted and _announces(tokens, first, stop, lexicon):
            end = tokens[stop - 1].end  # Plan / - echo / - T-DXd
            tokens.insert(stop, Token(":", "sign", end, end, glued=True))
            begins, place = begins + 1, place + 1
            continue
        if leads and _is_heading(tokens, first, stop, drug, text, lexicon, named):
            start = tokens[stop].start if parted else tokens[stop - 1].end
            tokens[stop:drug] = [Token(":", "sign", start, tokens[drug].start, glued=True)]
            begins, place = stop + 1, stop + 2


def _announces(tokens: list[Token], first: int, stop: int, lexicon: Lexicon) -> bool:
    """Whether a line is nothing but the heading of a list: 'Plan', 'Next steps'."""
    return _is_known_with_a_colon(lexicon, [token.key for token in tokens[first:stop]])


def _is_heading(
    tokens: list[Token], first: int, stop: int, drug: int, text: str, lexicon: Lexicon, named: Named
) -> bool:
    """Whether words head drugs that were not given."""
    words = [token.key for token in tokens[first:stop] if token.kind != "sign"]
    if not words:
        return False
    return (
        _is_known_with_a_colon(lexicon, words)
        or _plays_part(lexicon, words, "heads_plans")
        or _is_to_be_done(lexicon, words)
        or (_only_denies(lexicon, words) and _ends_in_drugs(tokens, drug, text, named))
    )


def names_a_drug(concepts: tuple[tuple[str, str, object], ...]) -> bool:
    """Whether what a phrase stands for is a drug, a regimen or a class."""
    return any(concept[0] in NAMING for concept in concepts)


def _begins(tokens: list[Token], sign: int, text: str) -> int | None:
    """Where the heading before a sign begins: with its sentence, its line, or the cell that opens its row."""
    for first in range(sign - 1, max(-1, sign - 1 - _LONGEST), -1):
        if tokens[first].kind == "sign" and not (
            tokens[first].key in ("'", "?") or (tokens[first].key == "-" and tokens[first].glued)
        ):
            return None
        if first == 0 or "\n" in text[tokens[first - 1].end : tokens[first].start]:
            return first
        before = tokens[first - 1].key
        if tokens[sign].key != "|" and before in _OPENING:
            return first
        if before == "|" and (first == 1 or "\n" in text[tokens[first - 2].end : tokens[first - 1].start]):
            return first
    return None


def _is_known_with_a_colon(lexicon: Lexicon, words: list[str]) -> bool:
    """Whether words and a colon behind them are a phrase, behind words of no weight: 'to do:', 'our second choice:'."""
    for start in range(len(words)):
        if start and not _is_light(lexicon, words[start - 1]):
            return False
        nodes: list[Node] = [lexicon.root]
        for word in (*words[start:], ":"):
            keys = (word, *lexicon.groups.get(word, ()))
            nodes = [node[key] for node in nodes for key in keys if key in node]
        if any("" in node for node in nodes):
            return True
    return False


def _is_light(lexicon: Lexicon, word: str) -> bool:
    """Whether a word says nothing of a drug, or which of several: 'my', 'second'; not 'scan'."""
    roles = lexicon.roles.get(word, frozenset())
    return (word in lexicon.silent or word in lexicon.ordinals) and "examination" not in roles


def _plays_part(lexicon: Lexicon, words: list[str], role: str) -> bool:
    """Whether the first or the last word of a heading says what its drugs are, and the others nothing else: 'ESMO
    says', 'to come'; not 'declined surgery', 'next CT'."""
    return any(role in lexicon.roles.get(word, ()) for word in (words[0], words[-1])) and all(
        _is_light(lexicon, word)
        or not lexicon.roles.get(word, frozenset()).isdisjoint((role, "heads_denials", "trial"))
        for word in words
    )


def _is_to_be_done(lexicon: Lexicon, words: list[str]) -> bool:
    """Whether a heading is what is still to be done: 'to order', 'to request'; not 'to date', 'to Feb 2022'."""
    if words[0] != "to" or len(words) == 1:
        return False
    return all(word.isalpha() and lexicon.roles.get(word, frozenset()).isdisjoint(_TIMES) for word in words[1:])


def _only_denies(lexicon: Lexicon, words: list[str]) -> bool:
    """Whether a heading is nothing but a denial: 'never', 'not had', 'naive to'."""
    denies = not _DENYING.isdisjoint(words)
    return denies and all("heads_denials" in lexicon.roles.get(word, ()) for word in words)


def _ends_in_drugs(tokens: list[Token], at: int, text: str, named: Named) -> bool:
    """Whether nothing but drugs stands from here to the end of the sentence, the line or the cell."""
    last = min(len(tokens), at + _LONGEST_LIST)
    while at < last:
        end, drug = named(at)
        if drug:
            at = end
        elif tokens[at].key in _JOINTS:
            at += 1
        else:
            return tokens[at].key in (".", ";", "|", ")") or "\n" in text[tokens[at - 1].end : tokens[at].start]
        if at < len(tokens) and "\n" in text[tokens[at - 1].end : tokens[at].start]:
            return True
    return at >= len(tokens)
