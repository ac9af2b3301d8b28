"""A turn as a short text, the same in a button, a request, a script line and the log.

`brain_metastases:active`, `safety:lvef+platelets`, `/back`, `/edit hr_status`.
"""

from __future__ import annotations

import sys

from flows.questionnaire import QUESTION_OF, QUESTIONS
from flows.turns import Answer, Command, Turn


class NotATurn(ValueError):
    """The text is not a turn on the wire."""


def to_wire(turn: Turn) -> str:
    """The short text of a turn. Raises NotATurn for a turn that has none (a text that was not understood)."""
    if isinstance(turn, Answer):
        return f"{turn.question}:{'+'.join(turn.chosen)}"
    if isinstance(turn, Command):
        return f"/{turn.name} {turn.argument}".rstrip()
    raise NotATurn("a text that was not understood is not kept")


def from_wire(text: str) -> Turn:
    """The turn of a short text. Raises NotATurn."""
    if text.startswith("/"):
        name, _, argument = text[1:].partition(" ")
        return Command(name, argument if argument in QUESTIONS or argument in QUESTION_OF else "")
    question, colon, chosen = text.partition(":")
    if not colon or not question or not chosen:
        raise NotATurn("expected question:option")
    # each id once in memory, however many conversations hold it
    return Answer(sys.intern(question), tuple(map(sys.intern, dict.fromkeys(chosen.split("+")))))
