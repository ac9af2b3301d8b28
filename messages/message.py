"""A message for any channel: text blocks and buttons. Nothing of Telegram, HTML or a terminal in it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from flows.dialogue import Turn

BlockKind = Literal["heading", "subheading", "paragraph", "item", "note"]
_PREFIXES: tuple[tuple[str, BlockKind], ...] = (
    ("## ", "subheading"),
    ("# ", "heading"),
    ("- ", "item"),
    ("> ", "note"),
)


class Block(NamedTuple):
    """One block of text. `note` is what must stand out: status, disclaimer."""

    kind: BlockKind
    text: str


class Button(NamedTuple):
    """Something that can be chosen: its label, and the turn it means."""

    label: str
    turn: Turn


class Message(NamedTuple):
    """What is said at once. `id` is the question, final state, section or notice it is."""

    id: str
    blocks: tuple[Block, ...]
    buttons: tuple[Button, ...] = ()
    several: bool = False
    """Whether several buttons may be chosen together (their turns share a question)."""

    @property
    def text(self) -> str:
        """The blocks as plain text, a blank line between them but not between items."""
        lines: list[str] = []
        for previous, block in zip((None, *self.blocks), self.blocks, strict=False):
            if lines and not (block.kind == "item" and previous is not None and previous.kind == "item"):
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
