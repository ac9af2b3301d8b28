"""Typed words in letters. A letter waits in the database until it is sent, and typed words are never stored.

So a letter holds signs in their place. The words are kept in memory, and put in just before the letter is sent. Where
this process does not know them (it was started anew, another worker wrote the letter), the letter reads without them.
"""

from __future__ import annotations

import html
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.channels.telegram.rendering import units
from messages.understanding import Typed
from messages.words import chat_words

SOURCE, LEFT = 160, 600
"""Characters shown of the words of one field, and of those that were not used."""
KEPT = 5_000
"""Letters whose words are kept at most."""
LASTS = 3 * 3600.0
"""Seconds for which they are kept: longer than the outbox tries to send a letter."""
_OPEN, _CLOSE, _FILL = "\ue001", "\ue002", "\ue003"
"""Private signs: no message holds them."""
_SIGN = f"{_OPEN}(?P<key>[0-9a-f]{{12}})(?P<kind>[sl])(?P<number>[0-9]+){_FILL}*{_CLOSE}"
_BEGIN, _END = "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"
_AROUND = re.compile(f"(?P<before> \\([^(){_BEGIN}]* {_BEGIN}|, {_BEGIN})?{_SIGN}(?P<after>{_END}\\)|{_END})?")
"""A sign with what makes no sense without it: ` (from "...")`, `, "..."`."""


@dataclass(slots=True)
class _Words:
    owner: int
    since: float
    said: Sequence[str]
    letters: int = 0
    """Letters on their way that hold signs for them."""


class Quotes:
    """The words of letters on their way, of one process."""

    def __init__(self) -> None:
        self._left = chat_words().says["words_gone"]
        self._kept: OrderedDict[str, _Words] = OrderedDict()

    def signed(self, typed: Typed, owner: int) -> Typed:
        """Signs instead of the words; the words are kept for the letter that will hold the signs."""
        key = secrets.token_hex(6)
        said: list[str] = []

        def sign(words: str, kind: str, most: int) -> str:
            shown = " ".join(words.split())
            shown = shown if len(shown) <= most else shown[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
            mark = f"{_OPEN}{key}{kind}{len(said)}{_CLOSE}"
            said.append(shown)
            # no shorter than the words: what was put into messages by length still fits once they are there
            return mark[:-1] + _FILL * (units(shown) - len(mark)) + _CLOSE

        sources = {name: (value, sign(words, "s", SOURCE)) for name, (value, words) in typed.sources.items()}
        choices = {readings: sign(words, "s", SOURCE) for readings, words in typed.choices.items()}
        left = (sign("; ".join(typed.leftover), "l", LEFT),) if typed.leftover else ()
        self._keep(key, _Words(owner, time.monotonic(), said))
        return replace(typed, sources=sources, choices=choices, leftover=left, earlier=None)

    def filled(self, parameters: str) -> str:
        """The parameters of a call, JSON, with the words where their signs stood."""
        return _AROUND.sub(self._put, parameters) if _OPEN in parameters else parameters

    def _put(self, found: re.Match[str]) -> str:
        kept = self._kept.get(found["key"])
        before, after = found["before"] or "", found["after"] or ""
        if kept is not None:
            words = html.escape(kept.said[int(found["number"])], quote=False)
            return f"{before}{json.dumps(words, ensure_ascii=False)[1:-1]}{after}"
        return f"{before}{self._left}{after}" if found["kind"] == "l" else ""

    def expect(self, payload: str) -> None:
        """A letter was written: a turn may bring several, with the same words."""
        for key in _keys(payload):
            if key in self._kept:
                self._kept[key].letters += 1

    def drop(self, payload: str) -> None:
        """A letter was sent: after the last one the words are not needed any more."""
        for key in _keys(payload):
            if key in self._kept:
                self._kept[key].letters -= 1
                if self._kept[key].letters <= 0:
                    del self._kept[key]

    def forget(self, owner: int) -> None:
        """Everything somebody typed."""
        for key in [key for key, kept in self._kept.items() if kept.owner == owner]:
            del self._kept[key]

    def _keep(self, key: str, words: _Words) -> None:
        self._kept[key] = words
        while len(self._kept) > KEPT or next(iter(self._kept.values())).since < words.since - LASTS:
            self._kept.popitem(last=False)


def _keys(payload: str) -> set[str]:
    return {found["key"] for found in re.finditer(_SIGN, payload)} if _OPEN in payload else set()
