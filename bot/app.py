"""The application: one turn in, messages out. Replays the case, steps, renders, and logs what changed it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import structlog

from bot.log import Case, Log, LogError, WentOnElsewhere
from bot.wire import NotATurn, from_wire, to_wire
from flows.dialogue import FINAL_OF, Command, State, Turn, Unclear, fold, present, step
from flows.knowledge.load import Knowledge
from messages.message import Block, Message
from messages.render import forgotten_message, notice_message, render
from messages.understanding import LONGEST, nearest_command, turn_of
from messages.words import english

logger = structlog.get_logger()
REMEMBERED = 10_000
"""Conversations whose current state is kept in memory; any other is replayed from the log."""
TURNS_OF_A_CASE = 2_000
"""Turns one case may take: a bound on what one conversation can write."""


@dataclass(frozen=True, slots=True)
class Text:
    """Something typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Tap:
    """A button pressed: the short text it carries."""

    wire: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Anything else a chat can bring: a file, a picture (`unsupported`), an edited message (`edited`)."""

    code: str = "unsupported"


ANSWERS = ("advice", *FINAL_OF.values())
"""Messages that rest on rules of the knowledge."""

Incoming = Text | Tap | Unsupported


@dataclass(slots=True)
class _Remembered:
    state: State
    case: Case


class App:
    """One knowledge, one log, any number of conversations. Channels call `handle` and nothing else."""

    def __init__(
        self,
        knowledge: Knowledge,
        log: Log,
        *,
        region: str | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.knowledge = knowledge
        self.words = english(knowledge)
        self._log = log
        self._region = region
        self._today = today
        self._states: OrderedDict[str, _Remembered] = OrderedDict()

    def handle(self, conversation: str, incoming: Incoming, delivery: str | None = None) -> list[Message]:
        """The messages that answer one incoming thing.

        `conversation` names the conversation within its channel. `delivery` names this very delivery, where
        the channel can deliver twice: a second one changes nothing and is answered with where things stand.
        Never raises for anything incoming: what fails is said in plain words and changes nothing (S25).
        """
        try:
            return self._handle(conversation, incoming, delivery)
        except WentOnElsewhere:
            self._states.pop(conversation, None)
            return [notice_message("elsewhere", self.words), self._render(self._current(conversation).state)]
        except Exception as error:
            self._states.pop(conversation, None)
            logger.error("turn_failed", kind=type(error).__name__)
            return [notice_message("error", self.words)]

    def _handle(self, conversation: str, incoming: Incoming, delivery: str | None) -> list[Message]:
        if isinstance(incoming, Unsupported):
            return [notice_message(incoming.code, self.words)]
        if (incoming.text if isinstance(incoming, Text) else incoming.wire).strip().lower() == "/forget":
            self.forget(conversation)  # before anything is read: it must work whatever stands in the log
            return [forgotten_message(self.words)]
        known = self._current(conversation)
        if delivery is not None and self._log.delivered(conversation, delivery):
            return [self._render(known.state)]
        if len(incoming.text if isinstance(incoming, Text) else incoming.wire) > LONGEST:
            return [notice_message("too_long", self.words)]
        turn = self._turn(incoming, known.state)
        after, replies = step(known.state, turn, self.knowledge)
        messages = [self._dated(render(reply, self.words)) for reply in replies]
        if after != known.state:
            self._keep(conversation, known, turn, after, delivery)
        elif delivery is not None:
            case = self._log.append(conversation, known.case, "", self.knowledge.digest, delivery)
            self._remember(conversation, _Remembered(after, case))
        return messages

    def _turn(self, incoming: Text | Tap, state: State) -> Turn:
        if isinstance(incoming, Text):
            turn = turn_of(incoming.text, state, self.words)
            if isinstance(turn, Command) and (nearest := nearest_command(turn.name)) not in (None, turn.name):
                logger.info("command_unknown", nearest=nearest)
            return turn
        try:
            return from_wire(incoming.wire)
        except NotATurn:
            return Unclear()

    def _keep(self, conversation: str, known: _Remembered, turn: Turn, after: State, delivery: str | None) -> None:
        case = known.case
        if isinstance(turn, Command) and turn.name in ("restart", "cancel"):
            case = Case(case.number + 1, ())
        elif len(case.turns) >= TURNS_OF_A_CASE:
            raise LogError("the case has too many turns")
        case = self._log.append(conversation, case, to_wire(turn), self.knowledge.digest, delivery)
        self._remember(conversation, _Remembered(after, case))

    def _current(self, conversation: str) -> _Remembered:
        known = self._states.get(conversation)
        if known is None:
            case = self._log.current(conversation)
            try:
                known = _Remembered(self.replay(case.turns), case)
            except Exception as error:  # turns of another questionnaire: a new case, rather than none ever again
                logger.error("replay_failed", kind=type(error).__name__)
                known = _Remembered(self.replay(()), Case(case.number + 1, ()))
            self._remember(conversation, known)
        else:
            self._states.move_to_end(conversation)
        return known

    def _remember(self, conversation: str, known: _Remembered) -> None:
        self._states[conversation] = known
        self._states.move_to_end(conversation)
        while len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    def replay(self, turns: tuple[str, ...]) -> State:
        """The state a case's turns lead to."""
        return fold(map(from_wire, turns), self.knowledge, self._region)

    def opening(self, conversation: str) -> list[Message]:
        """What a conversation shows when a channel opens it: the question it stands at."""
        return self.handle(conversation, Tap("/start"))

    def forget(self, conversation: str) -> None:
        """Erase a conversation from memory and log."""
        self._states.pop(conversation, None)
        self._log.forget(conversation)

    def state_of(self, conversation: str) -> State:
        """Where a conversation stands."""
        return self._current(conversation).state

    def _render(self, state: State) -> Message:
        return self._dated(render(present(state, self.knowledge), self.words))

    def _dated(self, message: Message) -> Message:
        """A banner where rules are past their review-by date (S27); the answer itself never knows the date."""
        if message.id not in ANSWERS or not self.knowledge.overdue(self._today()):
            return message
        banner = Block("note", "Past its review-by date: parts of this knowledge are overdue for review.")
        return message._replace(blocks=(banner, *message.blocks))
