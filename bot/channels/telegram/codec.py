"""What a button carries: the turn it means and the screen it stands on, in at most 64 bytes.

`1.2s.1.5.brain_metastases:active`: the codec's version, the conversation's serial (in base 36), the case, how many
screens it had (`-`: any), and the turn as `bot.wire` writes it. A press on an old message is told from an answer by it,
without anything being remembered for buttons.
"""

from __future__ import annotations

from bot.app import Screen, Tap
from bot.wire import to_wire
from flows.turns import TOPICS, Command, Turn

VERSION = "1"
LONGEST = 64
"""Bytes Telegram takes."""
ANY_SCREEN = ("start", "here", *TOPICS)
"""Commands whose buttons are never out of date."""
ANYWHERE = Screen(0, 0, None)
"""Where those stand."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class NotOurs(ValueError):
    """The data of a button that this version did not write."""


def prefix_of(screen: Screen) -> str:
    """How the data of a screen's buttons begins."""
    sequence = "-" if screen.sequence is None else _base36(screen.sequence)
    return f"{VERSION}.{_base36(screen.serial)}.{_base36(screen.number)}.{sequence}."


def button_data(turn: Turn, prefix: str) -> str:
    """The data of a button. Raises ValueError where it does not fit: a test goes through all of them."""
    if isinstance(turn, Command) and turn.name in ANY_SCREEN:
        prefix = prefix_of(ANYWHERE)
    data = prefix + to_wire(turn)
    if len(data) > LONGEST:
        raise ValueError(f"{data}: longer than {LONGEST} bytes")
    return data


def tap_of(data: str) -> Tap:
    """The press on a button. Raises NotOurs."""
    version, *place = data.split(".", 4)
    if version != VERSION or len(place) != 4 or len(data) > LONGEST:
        raise NotOurs("not a button of this version")
    serial, number, sequence, wire = place
    try:
        screen = Screen(int(serial, 36), int(number, 36), None if sequence == "-" else int(sequence, 36))
    except ValueError:
        raise NotOurs("not a button of this version") from None
    return Tap(wire) if screen == ANYWHERE else Tap(wire, screen)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
