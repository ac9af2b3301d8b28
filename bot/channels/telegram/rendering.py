"""Messages as Telegram shows them: HTML within its limits, split on block borders, and keyboards.

Lengths are UTF-16 units after the tags are taken out: what Telegram counts (https://core.telegram.org/bots/api).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from telegram.constants import InlineKeyboardMarkupLimit, MessageLimit

from bot.channels.telegram.codec import button_data
from flows.questionnaire import ALL, NONE, UNDERSTOOD
from flows.turns import SECTIONS, START, Answer, Command, Finish, Tick
from flows.when import NOT_KNOWN
from messages.message import LISTED, Block, Button, Message
from messages.words import chat_words

LONGEST = int(MessageLimit.MAX_TEXT_LENGTH)
ENTITIES = int(MessageLimit.MESSAGE_ENTITIES) - 10
"""Entities one message may have; the rest would be ignored in silence."""
HALF = 20
"""Characters a label may have for two in a row: what a narrow phone shows of half a row."""
WIDEST = 34
"""Characters of a label a narrow phone shows of a whole row."""
FEWEST_FOLDED = 3
"""Blocks under a subheading from which they are folded away."""
TICK = "\N{CHECK MARK} "
_HEAD = re.compile(r"\d+\. [^(:]*(?:\([^)]*\))?")
_TAG = re.compile(r"<[^>]*>")

Row = list[dict[str, Any]]


class Piece(NamedTuple):
    """A stretch of a message that stays together: its HTML, its length as Telegram counts, its entities."""

    html: str
    units: int
    entities: int
    close: bool
    """Whether it stands close to the piece before it, as an item of a list does."""


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def plain_of(text: str) -> str:
    """The text of HTML that `texts_of` wrote, for a server that cannot parse it."""
    return html.unescape(_TAG.sub("", text))


def texts_of(message: Message) -> list[str]:
    """A message's blocks as the HTML texts of one or more messages, none longer than Telegram takes."""
    return packed(_pieces(message))


def pages_of(message: Message) -> list[str]:
    """A message as pages to leaf through, the note at its end (the disclaimer) on each of them."""
    *body, last = _pieces(message)
    if message.blocks[-1].kind != "note":
        return texts_of(message)
    room = LONGEST - last.units - 2
    return [f"{text}\n\n{last.html}" for text in packed(body, room, ENTITIES - last.entities)]


def packed(pieces: Iterable[Piece], longest: int = LONGEST, most: int = ENTITIES) -> list[str]:
    """Pieces put together, as many into one text as Telegram takes."""
    texts: list[str] = []
    parts: list[str] = []
    length = entities = 0
    for piece in pieces:
        gap = ("\n" if piece.close else "\n\n") if parts else ""
        if parts and (length + len(gap) + piece.units > longest or entities + piece.entities > most):
            texts.append("".join(parts))
            parts, length, entities, gap = [], 0, 0, ""
        parts += (gap, piece.html)
        length += len(gap) + piece.units
        entities += piece.entities
    if parts:
        texts.append("".join(parts))
    return texts


def folds(message: Message) -> bool:
    """Whether detail is folded away in it: in sections of the answer, but for the summary, which is to be copied."""
    return message.id in SECTIONS and message.id != "summary" and not message.asks


def joined(messages: Sequence[Message]) -> list[str]:
    """Several messages as the texts of as few as possible, parted by a blank line."""
    return packed(piece for message in messages for piece in _pieces(message))


def _pieces(message: Message) -> Iterable[Piece]:
    quoting = folds(message)
    before: Block | None = None
    blocks = list(message.blocks)
    held: Piece | None = None
    place = 0
    while place < len(blocks):
        block = blocks[place]
        if quoting and before is not None and before.kind == "subheading":
            end = place
            while end < len(blocks) and blocks[end].kind not in ("subheading", "heading", "note"):
                end += 1
            if end - place >= FEWEST_FOLDED:
                yield from _folded(held, blocks[place:end])
                before, place, held = blocks[end - 1], end, None
                continue
        if held is not None:
            yield held
            held = None
        close = before is not None and (
            (block.kind in LISTED and block.kind == before.kind) or before.kind in ("heading", "subheading")
        )
        for number, text in enumerate(_within(_line(block), LONGEST // 2)):
            piece = _shown(block, text, close=close or number > 0)
            if quoting and block.kind == "subheading":
                held = piece  # stays with what it stands over
            else:
                yield piece
        before, place = block, place + 1
    if held is not None:
        yield held


def _folded(over: Piece | None, blocks: Sequence[Block]) -> Iterable[Piece]:
    """Blocks in quotes that open when they are tapped, the first one under its subheading."""
    lines: list[str] = []
    length = 0
    continued = False
    for text in (part for block in blocks for part in _within(_line(block), LONGEST // 2)):
        if lines and length + units(text) + 1 > LONGEST // 2:
            yield _under(over, _quote(lines))
            lines, length = [], 0
            over = None if over is None else over if continued else _continued(over)
            continued = True
        lines.append(text)
        length += units(text) + 1
    yield _under(over, _quote(lines))


def _continued(over: Piece) -> Piece:
    """The subheading once more, for what stands on the next page."""
    more = " (continued)"
    return Piece(over.html.replace("</b>", f"{more}</b>"), over.units + len(more), over.entities, over.close)


def _under(over: Piece | None, piece: Piece) -> Piece:
    if over is None:
        return piece
    return Piece(f"{over.html}\n{piece.html}", over.units + 1 + piece.units, over.entities + piece.entities, over.close)


def _quote(lines: Sequence[str]) -> Piece:
    text = "\n".join(lines)
    return Piece(f"<blockquote expandable>{html.escape(text, quote=False)}</blockquote>", units(text), 1, close=True)


def _line(block: Block) -> str:
    return f"\N{BULLET} {block.text}" if block.kind == "item" else block.text


def _within(text: str, most: int) -> list[str]:
    """A text in parts of at most `most` units, broken at spaces."""
    parts: list[str] = []
    while units(text) > most:
        end = text.rfind(" ", 0, most // 2) + 1 or most // 2
        while (further := text.find(" ", end) + 1) and units(text[:further]) <= most:
            end = further
        parts.append(text[:end].rstrip())
        text = text[end:]
    return [*parts, text]


def _shown(block: Block, text: str, *, close: bool) -> Piece:
    said = html.escape(text, quote=False)
    entities = 1
    if block.kind in ("heading", "subheading"):
        said = f"<b>{said}</b>"
    elif block.kind == "note":
        said = f"<i>{said}</i>"
    elif block.kind == "ranked" and (head := _HEAD.match(text)):
        cut = len(html.escape(head.group(), quote=False))
        said = f"<b>{said[:cut]}</b>{said[cut:]}"
    else:
        entities = 0
    return Piece(said, units(text), entities, close)


# Keyboards


def keyboard_of(message: Message, prefix: str) -> list[Row]:
    """A message's buttons in rows, two in a row where their labels are short. `prefix`: of their data (codec)."""
    if message.several:
        return _ticks(message, prefix)
    rows = rows_of([_key(button, prefix) for button in _short(message).buttons])
    return [*rows, *_ways(message, prefix)]


def _short(message: Message) -> Message:
    """Readings that a narrow phone would cut off get numbers for labels, and the legend says what they stand for."""
    if message.id != UNDERSTOOD:
        return message
    label = chat_words().buttons["reading"]
    buttons = (
        button._replace(short=label.format(number=number)) if len(button.label) > WIDEST else button
        for number, button in enumerate(message.buttons, 1)
    )
    return message._replace(buttons=tuple(buttons))


def _ticks(message: Message, prefix: str) -> list[Row]:
    """Options to tick, those that stand alone, and Done."""
    ticked, alone = [], []
    for button in message.buttons:
        assert isinstance(button.turn, Answer)
        question, (option,) = button.turn.question, button.turn.chosen
        if option in (NONE, ALL) or (option == NOT_KNOWN and question != "safety"):
            alone.append(_key(button, prefix))
            continue
        on = option in message.ticked
        label = (TICK if on else "") + (button.short or button.label)
        ticked.append(_key(Button(label, Tick(question, option, not on)), prefix))
    words = chat_words().buttons
    label = words["chosen"].format(count=len(message.ticked)) if message.ticked else words["done"]
    done = _key(Button(label, Finish(question)), prefix)
    return [*rows_of(ticked), *rows_of(alone), [done], *_ways(message, prefix)]


def _ways(message: Message, prefix: str) -> list[Row]:
    """Back, and why this is asked."""
    if not message.asks or message.id in (START, UNDERSTOOD):  # what was understood is confirmed or discarded
        return []
    words = chat_words().buttons
    ways = (Button(words["back"], Command("back")), Button(words["why"], Command("why")))
    return [[_key(way, prefix) for way in ways]]


def _key(button: Button, prefix: str) -> dict[str, Any]:
    return {"text": button.short or button.label, "callback_data": button_data(button.turn, prefix)}


def rows_of(keys: Sequence[dict[str, Any]]) -> list[Row]:
    """Keys in rows of one or two."""
    rows: list[Row] = []
    for key in keys:
        last = rows[-1] if rows else None
        if last and len(last) == 1 and max(len(last[0]["text"]), len(key["text"])) <= HALF:
            last.append(key)
        else:
            rows.append([key])
    assert sum(map(len, rows)) <= int(InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER)
    return rows


def legend(message: Message) -> Message:
    """The message with what its short labels stand for, where a button has no room for the whole."""
    if not message.asks or message.id == "review":
        return message
    named = [
        button.label if button.short.lower() in button.label.lower() else f"{button.short}: {button.label}"
        for button in _short(message).buttons
        if button.short not in ("", button.label)
    ]
    return message._replace(blocks=(*message.blocks, *(Block("item", text) for text in named)))
