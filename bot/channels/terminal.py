"""The conversation in a terminal: numbered options, typed words and ids too; plain text where it is piped."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from typing import TextIO

import click

from bot.app import App, Incoming, Tap, Text
from bot.plain import WIDTH, message_lines, wrapped
from bot.wire import to_wire
from flows.questionnaire import QUESTIONS
from flows.turns import Answer
from messages.message import Block, Button, Message

NARROWEST = 40


def run(app: App, conversation: str, source: TextIO, target: TextIO) -> None:
    """Hold the conversation until the input ends or the user quits. Resumes where the log says it stands."""
    terminal = Terminal(app, conversation, target, styled=target.isatty())
    with asyncio.Runner() as runner:
        terminal.show(runner.run(app.opening(conversation)))
        while True:
            if source.isatty():
                target.write("> ")
                target.flush()
            line = source.readline()
            if not line or line.strip() in ("/quit", "/exit"):
                break
            if line.strip():
                terminal.show(runner.run(app.handle(conversation, terminal.incoming(line.strip()))))
    if source.isatty():
        terminal.say("Your answers are kept; the conversation goes on from here next time. /forget erases them.")


class Terminal:
    """What was shown last, so that a number means the option it stood beside."""

    def __init__(self, app: App, conversation: str, target: TextIO, *, styled: bool) -> None:
        self._app = app
        self._conversation = conversation
        self._target = target
        self._styled = styled
        self._buttons: tuple[Button, ...] = ()
        self._numbered = True

    def show(self, messages: Iterable[Message]) -> None:
        """Print messages; the buttons of the last one that has any can be chosen by number.

        Those of an earlier one stand without a number, which would mean something else; they are typed by their words.
        """
        shown = list(messages)
        last = max((place for place, message in enumerate(shown) if message.buttons), default=-1)
        for place, message in enumerate(shown):
            for line, block in message_lines(message, self._width()):
                self._target.write(self._style(line, block) + "\n")
            self._target.write("\n")
            if message.buttons and place != last:
                for button in message.buttons:
                    self._target.write(f"     {button.label}\n")
            elif message.buttons:
                self._buttons = message.buttons
                first = message.buttons[0].turn
                self._numbered = not (isinstance(first, Answer) and QUESTIONS[first.question].kind == "number")
                for mark, button in self._marked():
                    for number, line in enumerate(wrapped(button.label, self._width() - 5)):
                        self._target.write(f"{mark if number == 0 else '':>3}  {line}\n")
                if message.several:
                    self._target.write("     Several: numbers or words with commas between, for example 1, 3\n")
            if message.asks:
                self._target.write("\n     /back  /why  /help  /restart  /cancel\n")
            self._target.write("\n")
        self._target.flush()

    def _style(self, line: str, block: Block | None) -> str:
        if not self._styled or block is None:
            return line
        if block.kind in ("heading", "subheading"):
            return click.style(line, bold=True)
        return click.style(line, dim=True) if block.kind == "note" else line

    def say(self, text: str) -> None:
        """Print one sentence of the channel's own."""
        for line in wrapped(text, self._width()):
            self._target.write(line + "\n")

    def incoming(self, line: str) -> Incoming:
        """What a typed line means: option marks become taps, anything else is text."""
        marks = {mark.rstrip("."): button for mark, button in self._marked()}
        chosen = [part.strip().lower() for part in line.replace(",", " ").split()]
        if not chosen or not all(part in marks for part in chosen):
            return Text(line)
        turns = [marks[part].turn for part in chosen]
        if len(turns) == 1:
            return Tap(to_wire(turns[0]))
        answers = [turn for turn in turns if isinstance(turn, Answer)]
        if len(answers) != len(turns) or len({answer.question for answer in answers}) != 1:
            return Text(line)
        options = tuple(option for answer in answers for option in answer.chosen)
        return Tap(to_wire(Answer(answers[0].question, options)))

    def _marked(self) -> list[tuple[str, Button]]:
        """Options are numbered; where a number can be the answer itself they have letters."""
        if self._numbered:
            return [(f"{number}.", button) for number, button in enumerate(self._buttons, 1)]
        return [(f"{chr(ord('a') + number)}.", button) for number, button in enumerate(self._buttons)]

    def _width(self) -> int:
        if not self._target.isatty():
            return WIDTH
        return max(NARROWEST, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))
