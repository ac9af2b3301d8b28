"""The application: one turn in, messages out. Reads the case, steps, renders, and logs what changed it.

Every channel calls `App.handle` and nothing else. Turns of one conversation follow one another; conversations run
side by side and share the log's commits.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple, Protocol
from weakref import WeakValueDictionary

import structlog

from bot.log import Case, Entry, Letter, Log, LogError, Posted, Record, delivery_hash
from bot.wire import NotATurn, from_wire, is_tick, to_wire
from flows.dialogue import FINAL_OF, Command, State, Turn, Unclear, fold, present, step
from flows.knowledge.load import Knowledge
from flows.questionnaire import QUESTIONS
from flows.turns import SECTIONS, TOPICS, Advise, Notice, Reply, Tick
from messages.message import Block, Message
from messages.render import forgotten_message, notice_message, render
from messages.understanding import LONGEST, Reading, Typed, nearest_command, read, words_after
from messages.words import english

logger = structlog.get_logger()
REMEMBERED = 10_000
"""Conversations whose current state is kept in memory; any other is replayed from the log."""
TURNS_OF_A_CASE = 2_000
"""Turns one case may take: a bound on what one conversation can write."""
IN_HAND = 5_000
"""Turns that may be under way at once; more are told to come again."""
TRIES = 5
"""How often a turn is decided anew because another worker was faster."""


class Screen(NamedTuple):
    """What a button was shown on: which conversation, which of its cases, after how many turns.

    A channel whose old buttons stay in sight puts it into each, so that a press on an old one is told from an answer.
    `serial` is 0 where the conversation was only begun with it. `sequence` leaves out ticks, so that options ticked
    faster than they are shown are all taken; None: any screen of the case.
    """

    serial: int
    number: int
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """Something typed. `seen`: whether its sender was certainly shown the question it would answer.

    `screen`: what it was typed under, where the channel says so; under an earlier one it answers nothing.
    """

    text: str
    seen: bool = True
    screen: Screen | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """A button pressed: the short text it carries, and the screen it was shown on where the channel says so."""

    wire: str
    screen: Screen | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Anything else a chat can bring: a file, a picture (`unsupported`), an edited message (`edited`)."""

    code: str = "unsupported"


ANSWERS = ("advice", *FINAL_OF.values())
"""Messages that rest on rules of the knowledge."""
NOT_KEPT = ("notice.unavailable", "notice.error")
"""Messages that say a turn was not taken: nothing was acknowledged."""

OVERDUE = "Past its review-by date: parts of this knowledge are overdue for review."

Incoming = Text | Tap | Unsupported


class Said(NamedTuple):
    """What one turn brought, for a channel that puts it into letters."""

    messages: Sequence[Message]
    turn: Turn
    before: State
    after: State
    changed: bool
    """Whether the turn was an answer or a command that moved the case."""
    screen: Screen
    """What is shown now: for the buttons of these messages."""
    repeated: bool = False
    """Whether this is the last turn once more (a double tap): what it brought was said already."""
    typed: Typed | None = None
    """The words typed in this case: to be shown, and not to be stored."""


class Standing(NamedTuple):
    """Where a conversation stands, and the screen that shows it."""

    state: State
    screen: Screen
    typed: Typed | None = None
    """The words typed in this case, while this process knows them."""


class Post(NamedTuple):
    """How a channel that sends by itself has its messages sent: through the outbox, to an address it can read."""

    channel: str
    address: str
    letters: Callable[[Said], Sequence[Letter]]


class Meter(Protocol):
    """Who counts: `bot.metrics`, or nobody."""

    def turn(self, kind: str, seconds: float) -> None:
        """One thing taken: `kept`, `read`, `duplicate`, `refused` or `failed`, and how long it took."""

    def error(self, kind: str) -> None:
        """Something failed: the error's kind."""

    def answer(self, status: str) -> None:
        """An answer was given, with this status."""


class Locks:
    """A lock for each name, for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[object, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: object) -> asyncio.Lock:
        """The lock of a name."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


class Unmetered:
    """Counts nothing."""

    def turn(self, kind: str, seconds: float) -> None:
        """Nothing."""

    def error(self, kind: str) -> None:
        """Nothing."""

    def answer(self, status: str) -> None:
        """Nothing."""


@dataclass(slots=True)
class _Remembered:
    state: State
    case: Case
    touched: int
    """When it was last used, in Unix seconds."""
    screens: int = 0
    """Turns of the case that led to another screen: all but ticks."""
    addressed: bool = False
    """Whether this process wrote the address a channel sends to: anew after a start, so under the newest key."""
    unreadable: bool = False
    """Whether the case's turns lead nowhere any more: the next one begins a case of its own."""
    typed: Typed | None = None
    """The words that were typed in this case, to be shown beside what they were understood as: in memory only (S30)."""


class _Taken(NamedTuple):
    messages: list[Message]
    kind: str


class App:
    """One knowledge, one log, any number of conversations. Channels call `handle` and nothing else."""

    def __init__(
        self,
        knowledge: Knowledge,
        log: Log,
        *,
        region: str | None = None,
        today: Callable[[], date] = date.today,
        keep_records: bool = False,
        meter: Meter | None = None,
    ) -> None:
        self.knowledge = knowledge
        self.words = english(knowledge)
        self.log = log
        self._region = region
        self._today = today
        self._keep_records = keep_records
        self._meter = meter or Unmetered()
        self._states: OrderedDict[str, _Remembered] = OrderedDict()
        self._locks = Locks()
        self._overdue_on: tuple[date, bool] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.on_posted: Callable[[Posted | None], None] = _nothing
        """Told when letters went into the outbox, with the one that was handed over at once."""
        self.lease: Callable[[], int] = _no_lease
        """Seconds for which a letter may be handed over at once (the outbox's)."""
        self.in_hand = 0
        """Turns under way."""
        self.stopping = False
        """Whether new turns are refused."""

    async def handle(
        self, conversation: str, incoming: Incoming, delivery: str | None = None, post: Post | None = None
    ) -> list[Message]:
        """The messages that answer one incoming thing.

        `conversation` names the conversation, its channel first (`web:...`). `delivery` names this very delivery,
        where the channel can deliver twice: a second one changes nothing and is answered with where things stand.
        `post`: the messages also go into the outbox, in the same transaction as the turn.
        Never raises for anything incoming: what fails is said in plain words and changes nothing (S25).
        """
        began = time.perf_counter()
        if self.stopping or self.in_hand >= IN_HAND:
            self._meter.turn("refused", 0.0)
            return [notice_message("unavailable", self.words)]
        self.in_hand += 1
        self._idle.clear()
        try:
            messages, kind = await self._locked(conversation, incoming, delivery, post)
        except LogError as error:
            self._failed(conversation, type(error).__name__)
            logger.error("log_failed", kind=type(error).__name__, code=error.code)
            messages, kind = [notice_message("unavailable", self.words)], "failed"
        except Exception as error:
            self._failed(conversation, type(error).__name__)
            logger.error("turn_failed", kind=type(error).__name__)
            messages, kind = [notice_message("error", self.words)], "failed"
        finally:
            self.in_hand -= 1
            if not self.in_hand:
                self._idle.set()
        self._meter.turn(kind, time.perf_counter() - began)
        return messages

    def _failed(self, conversation: str, kind: str) -> None:
        self._states.pop(conversation, None)
        self._meter.error(kind)

    async def _locked(self, conversation: str, incoming: Incoming, delivery: str | None, post: Post | None) -> _Taken:
        async with self._locks.of(conversation):
            return await self._handle(conversation, incoming, delivery, post)

    async def _handle(self, conversation: str, incoming: Incoming, delivery: str | None, post: Post | None) -> _Taken:
        text = "" if isinstance(incoming, Unsupported) else _text(incoming)
        if text.strip().lower() == "/forget":  # before anything is read: it must work whatever stands in the log
            return await self._forget(conversation, delivery)
        shown_at: str | None = None
        for _ in range(TRIES):
            known = await self._current(conversation)
            if post is not None and isinstance(incoming, Text) and shown_at not in (None, known.state.here):
                incoming = replace(incoming, seen=False)  # another worker took an answer meanwhile
            shown_at = known.state.here
            repeated = _repeats(incoming, known)
            if repeated and post is not None:  # whether what it brought arrived stands in the log only
                self._states.pop(conversation, None)
                known = await self._current(conversation)
            (turn, new), after, replies = self._decide(incoming, text, known, returning=post is not None)
            typed = words_after(known.typed, new, known.state, after)
            messages = [self._dated(render(reply, self.words, typed)) for reply in replies]
            if isinstance(incoming, Unsupported):
                messages = [notice_message(incoming.code, self.words)]
            elif len(text) > LONGEST:
                messages = [notice_message("too_long", self.words)]
            again = post is not None and known.case.unsure
            if again and not any(message.id == after.here for message in messages):
                messages.append(self._render(after, typed))
            changed = after != known.state
            letters: Sequence[Letter] = ()
            if post is not None:
                screen = _screen(known, turn if changed else None)
                said = Said(messages, turn, known.state, after, changed, screen, repeated and not again, typed)
                letters = post.letters(said)
            if not changed and (post is not None or delivery is None) and not letters:
                if await self.log.version(self.log.keys.conversation(conversation)) == known.case.version:
                    return _Taken(messages, "read")
            else:
                entry = self._entry(conversation, known, turn if changed else None, replies, delivery)
                if post is not None:
                    entry = self._posted(entry, post, letters, known, again=again)
                outcome = await self.log.append(entry)
                if outcome.kind == "kept":
                    turns = known.case.turns if entry.case_number == known.case.number else ()
                    if entry.turn:
                        turns = (*turns, sys.intern(entry.turn))
                    case = Case(outcome.serial, entry.case_number, turns)
                    same = entry.case_number == known.case.number
                    screens = _screen(known, turn if changed else None).sequence or 0
                    self._remember(
                        conversation,
                        _Remembered(after, case, self.log.at(), screens, addressed=known.addressed or post is not None,
                            unreadable=known.unreadable and not changed,
                            typed=typed if same or known.case.serial == 0 else None,
                        ),
                    )  # fmt: skip
                    if letters:
                        self.on_posted(outcome.posted)
                    if changed and isinstance(replies[-1], Advise):
                        self._meter.answer(replies[-1].advice.status)
                    return _Taken(messages, "kept")
                if outcome.kind == "duplicate":
                    self._states.pop(conversation, None)
                    return _Taken(await self._again(conversation, turn), "duplicate")
            self._states.pop(conversation, None)  # another worker was faster: what it left decides
        raise LogError("the conversation went on elsewhere again and again")

    def _decide(
        self, incoming: Incoming, text: str, known: _Remembered, *, returning: bool
    ) -> tuple[Reading, State, tuple[Reply, ...]]:
        """`returning`: whoever writes may see a conversation that is no longer kept."""
        state, begun = known.state, known.case.serial != 0
        if isinstance(incoming, Unsupported) or len(text) > LONGEST:
            return Reading(Unclear()), state, ()
        if isinstance(incoming, Tap) and incoming.screen is not None and not _is_current(incoming.screen, known):
            code = "stale" if begun or incoming.screen.serial == 0 else "expired"
            if _repeats(incoming, known):
                code = "taken"
            return Reading(Unclear()), state, self._instead(code, state)
        if isinstance(incoming, Text) and state.here in QUESTIONS and _is_late(incoming, known):
            return Reading(Unclear()), state, self._instead("late" if begun else "expired", state)
        reading = self._turn(incoming, state)
        if returning and not begun and reading.turn == Unclear():
            return reading, state, self._instead("expired", state)
        return reading, *step(state, reading.turn, self.knowledge)

    def _instead(self, code: str, state: State) -> tuple[Reply, ...]:
        """A notice, and where the case stands; the answer itself is not repeated unasked."""
        shown = () if state.here == "advice" else (present(state, self.knowledge),)
        return (Notice(code, state), *shown)

    def _turn(self, incoming: Text | Tap, state: State) -> Reading:
        if isinstance(incoming, Text):
            reading = read(incoming.text, state, self.words)
            turn = reading.turn
            if isinstance(turn, Command) and (nearest := nearest_command(turn.name)) not in (None, turn.name):
                logger.info("command_unknown", nearest=nearest)
            return reading
        try:
            return Reading(from_wire(incoming.wire))
        except NotATurn:
            return Reading(Unclear())

    def _entry(
        self, conversation: str, known: _Remembered, turn: Turn | None, replies: tuple[Reply, ...], delivery: str | None
    ) -> Entry:
        """What is to be kept of a turn; without a turn, only that the delivery was taken."""
        case = known.case
        number = _number(known, turn)
        if number == case.number and turn is not None and len(case.turns) >= TURNS_OF_A_CASE:
            raise ValueError("the case has too many turns")
        record = None
        if self._keep_records and turn is not None and isinstance(replies[-1], Advise):
            record = self._record(conversation, replies[-1])
        return Entry(
            self.log.keys.conversation(conversation), case.version, number, to_wire(turn) if turn else "",
            delivery_hash(delivery), self.knowledge.digest, record=record,
        )  # fmt: skip

    def _record(self, conversation: str, reply: Advise) -> Record:
        from messages.document import record_document  # noqa: PLC0415  (only where records are kept)

        document = record_document(reply.advice).model_dump_json()
        return Record(reply.advice.record_id, self.log.keys.owners(conversation)[0], document)

    def _posted(self, entry: Entry, post: Post, letters: Sequence[Letter], known: _Remembered, *, again: bool) -> Entry:
        address = None if known.addressed else self.log.keys.seal(post.address)
        return replace(
            entry, channel=post.channel, letters=tuple(letters), address=address, shows_again=again, lease=self.lease()
        )

    async def _again(self, conversation: str, turn: Turn) -> list[Message]:
        """The answer to a delivery that was taken before: nothing moves, what only informs is said again."""
        known = await self._current(conversation)
        if isinstance(turn, Command) and turn.name in (*TOPICS, *SECTIONS):
            return [self._dated(render(reply, self.words)) for reply in step(known.state, turn, self.knowledge)[1]]
        return [self._render(known.state, known.typed)]

    async def _current(self, conversation: str) -> _Remembered:
        known = self._states.get(conversation)
        if known is None:
            case = await self.log.current(conversation)
            case = case._replace(turns=tuple(map(sys.intern, case.turns)))
            try:
                known = _Remembered(self.replay(case.turns), case, self.log.at(), _screens(case.turns))
            except Exception as error:  # turns of another questionnaire: a new case, rather than none ever again
                logger.error("replay_failed", kind=type(error).__name__)
                known = _Remembered(self.replay(()), case, self.log.at(), unreadable=True)
            self._remember(conversation, known)
        else:
            known.touched = self.log.at()
            self._states.move_to_end(conversation)
        return known

    def _remember(self, conversation: str, known: _Remembered) -> None:
        self._states[conversation] = known
        self._states.move_to_end(conversation)
        while len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    def drop_idle(self, before: int) -> None:
        """Drop from memory what was not used since `before` (Unix seconds)."""
        while self._states and next(iter(self._states.values())).touched < before:
            self._states.popitem(last=False)

    def replay(self, turns: tuple[str, ...]) -> State:
        """The state a case's turns lead to."""
        return fold(map(from_wire, turns), self.knowledge, self._region)

    async def opening(self, conversation: str) -> list[Message]:
        """What a conversation shows when a channel opens it: the question it stands at."""
        return await self.handle(conversation, Tap("/here"))

    async def forget(self, conversation: str, delivery: str | None = None) -> bool:
        """Erase a conversation from memory and log. False where this very delivery did so before."""
        self._states.pop(conversation, None)
        return await self.log.forget(conversation, delivery)

    async def _forget(self, conversation: str, delivery: str | None) -> _Taken:
        if await self.forget(conversation, delivery):
            return _Taken([forgotten_message(self.words)], "kept")
        known = await self._current(conversation)
        return _Taken([self._render(known.state, known.typed)], "duplicate")

    async def state_of(self, conversation: str) -> State:
        """Where a conversation stands."""
        return (await self._current(conversation)).state

    async def standing(self, conversation: str) -> Standing:
        """Where a conversation stands, and what to mark what is shown of it with."""
        known = await self._current(conversation)
        return Standing(known.state, _screen(known, None), known.typed)

    @property
    def banner(self) -> str | None:
        """What an answer says first today, where rules are past their review-by date (S27)."""
        return OVERDUE if self._is_overdue(self._today()) else None

    def _is_overdue(self, today: date) -> bool:
        """Asked once a day: it goes over the whole knowledge."""
        if self._overdue_on is None or self._overdue_on[0] != today:
            self._overdue_on = (today, bool(self.knowledge.overdue(today)))
        return self._overdue_on[1]

    def failed(self, kind: str) -> None:
        """A channel says that something failed on its side."""
        self._meter.error(kind)

    async def stop(self, within: float) -> bool:
        """Take no more turns, and wait at most `within` seconds for those in hand. Whether all were finished."""
        self.stopping = True
        try:
            await asyncio.wait_for(self._idle.wait(), within)
        except TimeoutError:
            return False
        return True

    def _render(self, state: State, typed: Typed | None) -> Message:
        return self._dated(render(present(state, self.knowledge), self.words, typed))

    def _dated(self, message: Message) -> Message:
        """A banner where rules are past their review-by date (S27); the answer itself never knows the date."""
        if message.id not in ANSWERS or self.banner is None:
            return message
        return message._replace(blocks=(Block("note", self.banner), *message.blocks))


def _nothing(posted: Posted | None) -> None:
    """Nobody is to be told."""


def _no_lease() -> int:
    """Letters wait to be claimed."""
    return 0


def _number(known: _Remembered, turn: Turn | None) -> int:
    """The case a turn belongs to. Some begin one of their own: the one before is over, nothing of it is read again."""
    begins = isinstance(turn, Command) and (
        turn.name in ("restart", "cancel") or (turn.name == "start" and turn.argument != "")
    )
    return known.case.number + (turn is not None and (begins or known.unreadable))


def _screens(turns: Sequence[str]) -> int:
    return sum(not is_tick(turn) for turn in turns)


def _screen(known: _Remembered, turn: Turn | None) -> Screen:
    """What is shown after a turn (None: after nothing changed)."""
    number = _number(known, turn)
    before = known.screens if number == known.case.number else 0
    return Screen(known.case.serial, number, before + (turn is not None and not isinstance(turn, Tick)))


def _is_current(screen: Screen, known: _Remembered) -> bool:
    """Whether a button belongs to what the case shows now."""
    begun_with_it = screen.serial == 0 and (screen.sequence or 0) <= 1  # its number was not known yet when it was shown
    return (
        (screen.serial == known.case.serial or begun_with_it)
        and screen.number == known.case.number
        and screen.sequence in (None, known.screens)
    )


def _is_late(incoming: Text, known: _Remembered) -> bool:
    """Whether a typed answer was meant for another question than the one shown now."""
    if incoming.text.startswith("/"):
        return False
    return not incoming.seen or (incoming.screen is not None and not _is_current(incoming.screen, known))


def _repeats(incoming: Incoming, known: _Remembered) -> bool:
    """Whether a press is the last turn once more: the same button of the screen before this one."""
    case = known.case
    if not isinstance(incoming, Tap) or incoming.screen is None or not case.turns or case.turns[-1] != incoming.wire:
        return False
    screen = incoming.screen
    if screen.serial not in (0, case.serial) or is_tick(incoming.wire):
        return False
    before = screen.number == case.number and screen.sequence in (None, known.screens - 1)
    return before or (screen.number == case.number - 1 and known.screens == 1)


def _text(incoming: Text | Tap) -> str:
    return incoming.text if isinstance(incoming, Text) else incoming.wire
