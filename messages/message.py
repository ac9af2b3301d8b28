"""A message for any channel: text blocks and buttons. Nothing of Telegram, HTML or a terminal in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from flows.turns import Answer, Turn

if TYPE_CHECKING:
    from messages.comparison import Comparison

BlockKind = Literal["heading", "subheading", "paragraph", "item", "ranked", "note"]
_PREFIXES: tuple[tuple[str, BlockKind], ...] = (
    ("## ", "subheading"),
    ("# ", "heading"),
    ("- ", "item"),
    ("= ", "ranked"),
    ("> ", "note"),
)


LISTED: tuple[BlockKind, ...] = ("item", "ranked")
"""Kinds that stand close together where several follow one another."""


class Block(NamedTuple):
    """One block of text. `ranked` is an option with its rank; `note` must stand out: status, disclaimer."""

    kind: BlockKind
    text: str


class Button(NamedTuple):
    """Something that can be chosen: its label, the turn it means, and a label for where there is little room."""

    label: str
    turn: Turn
    short: str = ""


class Message(NamedTuple):
    """What is said at once. `id` is the question, final state, section or notice it is."""

    id: str
    blocks: tuple[Block, ...]
    buttons: tuple[Button, ...] = ()
    several: bool = False
    """Whether several buttons may be chosen together (their turns share a question)."""
    ticked: tuple[str, ...] = ()
    """Of these, the options chosen so far, where the conversation keeps them."""
    export: str = ""
    """What the whole answer is to be handed over as, where the channel can (`html`, `json`)."""
    compared: Comparison | None = None
    """The two answers it sets side by side, for a channel that can show them so."""

    @property
    def asks(self) -> bool:
        """Whether it is a question (one of which has the name of a section)."""
        first = self.buttons[0].turn if self.buttons else None
        return isinstance(first, Answer) and first.question == self.id

    @property
    def text(self) -> str:
        """The blocks as plain text, a blank line between them but not between items."""
        lines: list[str] = []
        for previous, block in zip((None, *self.blocks), self.blocks, strict=False):
            if previous is not None and not (block.kind in LISTED and block.kind == previous.kind):
                lines.append("")
            lines.append(f"- {block.text}" if block.kind == "item" else block.text)
        return "\n".join(lines)


def blocks_of(source: str) -> tuple[Block, ...]:
    """The blocks of a rendered template: a line's prefix is its kind, other lines flow into paragraphs."""
    blocks: list[Block] = []
    paragraph: list[str] = []

    def close() -> None:
        if paragraph:
            blocks.append(Block("paragraph", " ".join(paragraph)))
            paragraph.clear()

    for raw in source.splitlines():
        line = raw.strip()
        kind = next(((prefix, kind) for prefix, kind in _PREFIXES if line.startswith(prefix)), None)
        if kind is not None:
            close()
            blocks.append(Block(kind[1], line[len(kind[0]) :]))
        elif line:
            paragraph.append(line)
        else:
            close()
    close()
    return tuple(blocks)
