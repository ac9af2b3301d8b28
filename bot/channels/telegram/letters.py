"""What a turn sends: at most one edit and three messages, as letters for the outbox.

A letter is one or more calls, a line each: the method, what it is for, the message it edits, and its parameters as JSON
without the chat. The edit of an answered question comes before the message that follows it in the same letter: an edit
may be repeated, so the letter is as safe as its one message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from telegram.constants import MessageLimit

from bot.app import Said, Screen
from bot.channels.telegram.codec import button_data, prefix_of
from bot.channels.telegram.quotes import Quotes
from bot.channels.telegram.rendering import Row, folds, joined, keyboard_of, legend, pages_of, plain_of, texts_of, units
from bot.log import Letter
from flows.dialogue import FINALS, State, step
from flows.knowledge.load import Knowledge
from flows.questionnaire import QUESTIONS, UNDERSTOOD, beyond_profile, profile_of
from flows.share import TooLong, encode
from flows.turns import SHARED, Answer, Ask, Command, Finish, Notice, Reply, Tick
from messages.message import Block, Message
from messages.render import answered_message, render
from messages.words import ChatWords, Words

MESSAGES = 3
"""Messages a turn may send, beside one edit."""
IN_PLACE = ("prior_lines", "line_agents", "line_outcome")
"""Questions that follow one another in the same message: the lines are built tap by tap."""
QUOTING = (UNDERSTOOD, "review")
"""Questions that show typed words."""
PREVIEW_OFF = {"is_disabled": True}
QUESTIONS_KEPT = 256
"""Questions whose form is kept: more than there are."""
LINES_KEPT = 1_000
"""Answers whose line is kept: those of one option are far fewer."""
MARK = "\ue000"
"""Stands for the screen in what is kept: a sign that no text holds."""
CAPTION = int(MessageLimit.CAPTION_LENGTH)

Purpose = Literal["close", "place", "ask", "end", "say", "document"]
"""What a call is for. close: the question before is closed. place: the next question takes the place of the one tapped.
ask: a question is sent. end: what is sent leaves no question open. document: the answer as a file. say: all else."""


class Call(NamedTuple):
    """One call of the Bot API, without the chat. `target`: the message it edits; empty: the question shown last."""

    method: str
    purpose: Purpose
    target: str
    parameters: str

    def line(self) -> str:
        """The call as a line of a letter."""
        return "\t".join(self)


def calls_of(payload: str) -> list[Call]:
    """The calls of a letter."""
    calls = []
    for line in payload.split("\n"):
        method, purpose, target, parameters = line.split("\t", 3)
        calls.append(Call(method, purpose, target, parameters))  # type: ignore[arg-type]
    return calls


class Pressed(NamedTuple):
    """The message whose button was pressed, and whether it is the line of a question answered before."""

    message: int
    answered: bool


@dataclass(frozen=True)
class Writer:
    """Puts what a turn brought into letters. `username`: the bot's, for links. `quotes`: keeps what was typed."""

    words: Words
    chat: ChatWords
    username: str
    quotes: Quotes = field(default_factory=Quotes)
    _kept: dict[tuple[int, int], tuple[object, object, str]] = field(default_factory=dict)
    _lines: dict[tuple[str, object], str] = field(default_factory=dict)

    def letters(self, said: Said, pressed: Pressed | None, thread: int | None, user: int = 0) -> list[Letter]:
        """The letters of a turn. `pressed`: whose button was pressed; `thread`: the topic it was written in."""
        if said.repeated:
            return []
        letters = list(self._letters(self._signed(said, user), pressed, thread))
        for letter in letters:
            self.quotes.expect(letter.payload)
        return letters

    def _letters(self, said: Said, pressed: Pressed | None, thread: int | None) -> Iterator[Letter]:
        messages = [message for message in said.messages if not (pressed and is_toast(message))]
        shown = messages[-1] if messages else None
        if pressed and len(messages) == 1 and shown is not None and _stays(said, shown):
            call = self._in_place(shown, said, pressed)
            if call is not None:
                yield Letter(call.line(), repeatable=True)
                return
        calls = list(self._sends(messages, said, thread))
        if shown is not None and (shown.asks or said.changed):
            closing = self._closing(said, pressed)
            if closing is not None:
                calls.insert(0, closing)
        yield from _lettered(calls)

    def _signed(self, said: Said, user: int) -> Said:
        """What is said, without a typed word in it: where one would stand there is a sign (S30)."""
        if said.typed is None:
            return said
        replies = [_quoting(message, said, self.words.knowledge) for message in said.messages]
        if not any(replies):
            return said
        signs = self.quotes.signed(said.typed, user)
        messages = [
            render(reply, self.words, signs) if reply else message
            for message, reply in zip(said.messages, replies, strict=True)
        ]
        return said._replace(messages=messages, typed=None)

    def _in_place(self, shown: Message, said: Said, pressed: Pressed) -> Call | None:
        """What the message tapped becomes; None where that is more than one message holds."""
        if shown.asks:
            texts = texts_of(legend(shown))
            keys = keyboard_of(shown, prefix_of(said.screen))
            return self._edit("place", str(pressed.message), texts[0], keys) if len(texts) == 1 else None
        pages = pages_of(shown)
        page = min(_page(said), len(pages))
        return self._edit("say", str(pressed.message), pages[page - 1], self._leaves(shown, said, page, len(pages)))

    def _leaves(self, shown: Message, said: Said, page: int, pages: int) -> list[Row]:
        """The buttons of a page: to the pages beside it, and those of the section."""
        beside = [
            {
                "text": self.chat.buttons[label].format(page=other, pages=pages),
                "callback_data": button_data(turn, prefix_of(said.screen)),
            }
            for label, other in (("previous", page - 1), ("more", page + 1))
            if 1 <= other <= pages
            for turn in (Command(shown.id, str(other)),)
        ]
        return [*([beside] if beside else []), *keyboard_of(shown, prefix_of(said.screen))]

    def _sends(self, messages: Sequence[Message], said: Said, thread: int | None) -> Iterator[Call]:
        """The messages of a turn as calls. A notice stands above what follows it."""
        ahead: list[Message] = []
        for place, message in enumerate(messages):
            if is_toast(message) and place + 1 < len(messages):
                ahead.append(message)
                continue
            if ahead and (message.export or is_paged(message)):
                yield from (_message(text, [], "say", thread) for text in joined(ahead))
                ahead = []
            if message.export:
                yield _call("sendDocument", "document", "", _document(message, said.after, thread))
                continue
            if message.asks and not ahead and (kept := self._kept_question(message)):
                parameters = kept.replace(MARK, prefix_of(said.screen))
                if thread is not None:
                    parameters = f'{{"message_thread_id":{thread},{parameters[1:]}'
                yield Call("sendMessage", "ask", "", parameters)
                continue
            keys = keyboard_of(message, prefix_of(said.screen))
            if is_paged(message):
                pages = pages_of(message)
                page = min(_page(said), len(pages))
                texts, keys = [pages[page - 1]], self._leaves(message, said, page, len(pages))
            else:
                texts = joined([*ahead, self._linked(legend(message), said.after)])
            purpose: Purpose = "ask" if message.asks else "end" if message.id in FINALS else "say"
            ahead = []
            for number, text in enumerate(texts, 1):
                last = number == len(texts)
                yield _message(text, keys if last else [], purpose if last else "say", thread)

    def _kept_question(self, message: Message) -> str:
        """The parameters that send a question which is the same in every case, `MARK` for the screen; empty for others.

        Such a question comes with the same blocks and buttons each time, so they are known by identity.
        """
        if message.ticked or message.id in (*IN_PLACE, *QUOTING):
            return ""
        key = (id(message.blocks), id(message.buttons))
        kept = self._kept.get(key)
        if kept is None or kept[0] is not message.blocks or kept[1] is not message.buttons:
            texts = texts_of(legend(message))
            call = _message(texts[0], keyboard_of(message, MARK), "ask", None)
            if len(self._kept) >= QUESTIONS_KEPT:
                self._kept.clear()
            kept = self._kept[key] = (message.blocks, message.buttons, call.parameters if len(texts) == 1 else "")
        return kept[2]

    def _closing(self, said: Said, pressed: Pressed | None) -> Call | None:
        """The edit of the question that was open: what was answered, or that it is asked again below."""
        before = said.before.here
        target = str(pressed.message) if pressed and said.changed else ""
        if pressed and pressed.answered and said.changed and isinstance(said.turn, Command):
            return self._opened_again(said.turn.argument, said, target)
        if before not in QUESTIONS:
            return None
        if before == UNDERSTOOD:
            return _stripped(target)
        if isinstance(said.turn, Answer) and said.turn.question == UNDERSTOOD:
            return _stripped("")  # Undo stands under a notice: what is open is the question below it
        if (
            said.changed
            and isinstance(said.turn, Answer | Finish)
            and before in said.after.answers
            and before != "review"
        ):
            kept = self._kept_line(before, said.after)
            screen = Screen(said.screen.serial, said.screen.number, None)
            return Call("editMessageText", "close", target, kept.replace(MARK, prefix_of(screen)))
        return _stripped(target)

    def _opened_again(self, question: str, said: Said, target: str) -> Call:
        """The line of an answer that is being changed: what it says holds until another is given below."""
        message = answered_message(question, said.before, self.words)
        text = self.chat.says["again"].format(line=message.blocks[0].text)
        whole = Message("answered", (Block("paragraph", text),))
        text, *more = texts_of(whole)
        if more:
            return _stripped(target)
        anywhere = prefix_of(Screen(said.screen.serial, said.screen.number, None))
        return self._edit("close", target, text, keyboard_of(message, anywhere))

    def _kept_line(self, question: str, state: State) -> str:
        """The parameters of the line an answered question becomes, `MARK` for the case."""
        answer = state.answers[question]
        key = (question, answer) if isinstance(answer, str | tuple) else None
        kept = self._lines.get(key) if key is not None else None
        if kept is None:
            message = answered_message(question, state, self.words)
            first, *more = texts_of(message)
            text = first if not more else self.chat.says["long"].format(label=self.words.short_label(question))
            kept = self._edit("close", "", text, keyboard_of(message, MARK)).parameters
            if key is not None and len(self._lines) < LINES_KEPT:
                self._lines[key] = kept
        return kept

    def _edit(self, purpose: Purpose, target: str, text: str, keys: list[Row]) -> Call:
        parameters = {"text": text, "parse_mode": "HTML", "link_preview_options": PREVIEW_OFF}
        return _call("editMessageText", purpose, target, parameters | {"reply_markup": {"inline_keyboard": keys}})

    def _linked(self, message: Message, state: State) -> Message:
        """A summary with the link that opens its case again."""
        if message.id != "summary" or beyond_profile(state.answers):
            return message
        try:
            code = encode(profile_of(state.answers))
            said = f"{self.chat.says['link']} https://t.me/{self.username}?start={SHARED}{code}"
        except TooLong:
            said = self.chat.says["no_link"]
        *blocks, disclaimer = message.blocks
        return message._replace(blocks=(*blocks, Block("paragraph", said), disclaimer))


def _quoting(message: Message, said: Said, knowledge: Knowledge) -> Reply | None:
    """The reply behind a message that shows typed words; None for any other message."""
    if message.id == "notice.understood":
        replies = step(said.before, said.turn, knowledge)[1]  # once more: what was taken down stands only in the reply
        return next(reply for reply in replies if isinstance(reply, Notice) and reply.code == "understood")
    return Ask(message.id, said.after) if message.id in QUOTING else None


def is_toast(message: Message) -> bool:
    """Whether it is said where a press is answered, above the chat, rather than in it."""
    return message.id.startswith("notice.") and not message.buttons


def is_paged(message: Message) -> bool:
    """Whether it is leafed through: a section of the answer. The summary, which is to be copied, only if it must."""
    return folds(message) or (message.id == "summary" and len(texts_of(message)) > MESSAGES)


def _stays(said: Said, shown: Message) -> bool:
    """Whether the message tapped becomes what is said: ticks, lines as they are built, pages leafed through."""
    if shown.asks:
        lines = said.before.here in IN_PLACE and shown.id in IN_PLACE and isinstance(said.turn, Answer | Finish)
        read = said.before.here == shown.id == UNDERSTOOD and isinstance(said.turn, Answer)  # which reading was meant
        return isinstance(said.turn, Tick) or (said.changed and (lines or read))
    return is_paged(shown) and isinstance(said.turn, Command) and said.turn.argument.isdecimal()


def _page(said: Said) -> int:
    asked = said.turn.argument if isinstance(said.turn, Command) else ""
    return int(asked) if asked.isdecimal() else 1  # what else a section is asked for with is no page


def _document(message: Message, state: State, thread: int | None) -> dict[str, Any]:
    """What the courier needs to write the document: a profile, and whose words it is said in."""
    profile = state.profile.model_dump(mode="json", exclude_none=True)
    caption = texts_of(message)[0]
    if units(plain_of(caption)) > CAPTION:
        caption = ""
    beyond = beyond_profile(state.answers)
    return {
        "form": message.export, "profile": profile, "beyond": beyond, "role": state.role, "caption": caption,
        "thread": thread,
    }  # fmt: skip


def _lettered(calls: Sequence[Call]) -> Iterator[Letter]:
    """Calls as letters: edits go with the first message, each further message is a letter of its own."""
    lines: list[str] = []
    for place, call in enumerate(calls):
        lines.append(call.line())
        if not call.method.startswith("edit") or place == len(calls) - 1:
            yield Letter("\n".join(lines), repeatable=all(line.startswith("edit") for line in lines))
            lines = []


def _stripped(target: str) -> Call:
    """The message keeps its text and loses its buttons."""
    return _call("editMessageReplyMarkup", "close", target, {"reply_markup": {"inline_keyboard": []}})


def _message(text: str, keys: list[Row], purpose: Purpose, thread: int | None) -> Call:
    parameters: dict[str, Any] = {"text": text, "parse_mode": "HTML", "link_preview_options": PREVIEW_OFF}
    if keys:
        parameters["reply_markup"] = {"inline_keyboard": keys}
    if thread is not None:
        parameters["message_thread_id"] = thread
    return _call("sendMessage", purpose, "", parameters)


def _call(method: str, purpose: Purpose, target: str, parameters: dict[str, Any]) -> Call:
    return Call(method, purpose, target, json.dumps(parameters, ensure_ascii=False, separators=(",", ":")))
