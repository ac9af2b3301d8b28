"""A turn as a short text, the same in a button, a request, a script line and the log.

`brain_metastases:active`, `safety:lvef+platelets`, `safety+lvef` (ticked), `safety-lvef` (no longer), `safety=` (what
is ticked is the answer), `/back`, `/edit hr_status`, `/start p_...` (a shared profile),
`understood:hr_status=positive;lvef=normal` (what a typed text states).
"""

from __future__ import annotations

import re
import sys

from flows.dialogue import argument_of
from flows.questionnaire import UNDERSTOOD
from flows.statement import NotAStatement, decode, encode
from flows.turns import Answer, Command, Finish, Tick, Turn, Understood

_TURN = re.compile(r"(?P<question>[a-z0-9_]+)(?P<sign>[:+=-])(?P<chosen>.*)", re.DOTALL)


class NotATurn(ValueError):
    """The text is not a turn on the wire."""


def to_wire(turn: Turn) -> str:
    """The short text of a turn. Raises NotATurn for a turn that has none (a text that was not understood)."""
    if isinstance(turn, Answer):
        return f"{turn.question}:{'+'.join(turn.chosen)}"
    if isinstance(turn, Tick):
        return f"{turn.question}{'+' if turn.on else '-'}{turn.option}"
    if isinstance(turn, Finish):
        return f"{turn.question}="
    if isinstance(turn, Command):
        return f"/{turn.name} {turn.argument}".rstrip()
    if isinstance(turn, Understood):
        return f"{UNDERSTOOD}:{encode(turn.statement)}"
    raise NotATurn("a text that was not understood is not kept")


def from_wire(text: str) -> Turn:
    """The turn of a short text. Raises NotATurn."""
    if text.startswith("/"):
        name, _, argument = text[1:].partition(" ")
        return Command(name, argument_of(name, argument))
    parts = _TURN.fullmatch(text)
    if parts is None or (parts["sign"] != "=") != bool(parts["chosen"]):
        raise NotATurn("expected question:option")
    # each id once in memory, however many conversations hold it
    question, chosen = sys.intern(parts["question"]), parts["chosen"]
    if question == UNDERSTOOD and "=" in chosen:
        try:
            return Understood(decode(chosen))
        except NotAStatement as error:
            raise NotATurn(str(error)) from None
    if parts["sign"] == ":":
        return Answer(question, tuple(map(sys.intern, dict.fromkeys(chosen.split("+")))))
    if parts["sign"] == "=":
        return Finish(question)
    return Tick(question, sys.intern(chosen), parts["sign"] == "+")


def is_tick(text: str) -> bool:
    """Whether a turn only ticks an option, or takes a tick away."""
    parts = _TURN.fullmatch(text)
    return parts is not None and parts["sign"] in "+-"
