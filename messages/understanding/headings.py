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
_OPENING = frozenset(".;:!?,(")
"""Signs behind which a heading may begin."""
_DENYING = frozenset(("not", "never", "naive", "untried", "unused", "contraindicated", "excluded", "out"))
"""Words that deny the drugs they head."""
_JOINTS = frozenset(("+", "/", ",", "-", "and", "or", "&", "nor"))
"""What may stand between the drugs of a list."""
_LONGEST_LIST = 12
"""Tokens of such a list, at most."""

Named = Callable[[int], tuple[int, bool]]
"""Where what is named at a place ends, and whether it is a drug."""


def read_headings(tokens: list[Token], text: str, lexicon: Lexicon, named: Named) -> None:
    """Make colons of the signs that part such headings from their drugs."""
    for place in range(1, len(tokens) - 1):
        sign = tokens[place]
        if sign.key == "-":
            if sign.glued or tokens[place + 1].glued:
                continue
        elif sign.key != "|":
            continue
        first = _begins(tokens, place, text)
        if first is None or not named(place + 1)[1]:
            continue
        if tokens[first].kind == "sign":
            continue
        words = [token.key for token in tokens[first:place] if token.kind != "sign"]
        if (
            _is_known_with_a_colon(lexicon, words)
            or _plays_part(lexicon, words, "heads_plans")
            or _is_to_be_done(lexicon, words)
            or (_only_denies(lexicon, words) and _ends_in_drugs(tokens, place + 1, text, named))
        ):
            tokens[place] = sign._replace(key=":", kind="sign")


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
        if tokens[sign].key == "-" and before in _OPENING:
            return first
        if before == "|" and (first == 1 or "\n" in text[tokens[first - 2].end : tokens[first - 1].start]):
            return first
    return None


def _is_known_with_a_colon(lexicon: Lexicon, words: list[str]) -> bool:
    """Whether words and a colon behind them are a phrase: 'to do:', 'options:'."""
    nodes: list[Node] = [lexicon.root]
    for word in (*words, ":"):
        keys = (word, *lexicon.groups.get(word, ()))
        nodes = [node[key] for node in nodes for key in keys if key in node]
    return any("" in node for node in nodes)


def _plays_part(lexicon: Lexicon, words: list[str], role: str) -> bool:
    """Whether the first or the last word of a heading says what its drugs are: 'ESMO says', 'to come'."""
    return any(role in lexicon.roles.get(word, ()) for word in (words[0], words[-1]))


def _is_to_be_done(lexicon: Lexicon, words: list[str]) -> bool:
    """Whether a heading is what is still to be done: 'to order', 'to request'; not 'to date'."""
    return words[0] == "to" and len(words) > 1 and "until_now" not in lexicon.roles.get(words[-1], ())


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
