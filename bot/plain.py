"""Messages as plain text of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from messages.message import LISTED, Block, Message

WIDTH = 80


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """The lines of a text at most `width` columns wide; a long address is not broken."""
    return wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    ) or [""]


def block_lines(block: Block, width: int = WIDTH) -> list[str]:
    """One block as lines: items and ranked options indented, the rest flowing."""
    if block.kind == "ranked":
        return wrapped(block.text, width, "", "   ")
    return wrapped(block.text, width, "- ", "  ") if block.kind == "item" else wrapped(block.text, width)


def message_lines(message: Message, width: int = WIDTH) -> list[tuple[str, Block | None]]:
    """A message's lines with the block each belongs to; blank lines between blocks, not between items."""
    lines: list[tuple[str, Block | None]] = []
    before = None
    for block in message.blocks:
        if lines and not (block.kind in LISTED and block.kind == before):
            lines.append(("", None))
        before = block.kind
        lines += [(line, block) for line in block_lines(block, width)]
    return lines


def plain_text(messages: Iterable[Message], width: int = WIDTH) -> str:
    """Messages one after another, two blank lines between them."""
    parts = ["\n".join(line for line, _ in message_lines(message, width)) for message in messages]
    return "\n\n\n".join(parts) + "\n"
