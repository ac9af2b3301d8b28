"""Text set on A4 pages: lines broken, what belongs together kept together, pages drawn with fpdf2.

Nothing in a text is markup: it is measured, broken and drawn as it stands. The fonts are those every PDF reader has
(Helvetica), so nothing is embedded; they cover Windows-1252, and any other character is written as REPLACED says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from fpdf import FPDF
from fpdf.fonts import CORE_FONTS_CHARWIDTHS
from fpdf.prefs import ViewerPreferences

Colour = tuple[int, int, int]
Tag = Literal["H1", "H2", "H3", "P"]
INK: Colour = (26, 26, 26)
GREY: Colour = (90, 90, 90)
AMBER: Colour = (122, 78, 0)
INNER: Colour = (62, 84, 112)
OUTER: Colour = (11, 74, 130)
_BAR: Colour = (178, 120, 20)
_HAIR: Colour = (196, 196, 196)
_SHADE: Colour = (255, 247, 232)

LEFT, RIGHT = 22.0, 194.0
"""Where text begins and ends, in mm: the left margin leaves room for holes."""
WIDTH = RIGHT - LEFT
TOP, BOTTOM = 19.0, 272.0
"""Where the text of a page begins and ends."""
FIRST = 14.0
"""Where it begins on a first page, which has no line above it."""
FRAME = BOTTOM - TOP
LEADING = 1.25
_MM = 25.4 / 72
_SPACE = 278
_BREAKS = re.compile(r"(?<=[/?&=_.,:;%)+-])")

REPLACED = {
    "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2264": "<=", "\u2265": ">=", "\u2192": "->", "\u2248": "~",
    "\u03b1": "alpha", "\u03b2": "beta", "\u03b3": "gamma", "\u03bc": "\u00b5", "\u2009": " ", "\u202f": " ",
    "\u00a0": " ", "\u00ad": "", "\n": " ", "\t": " ", "\r": " ",
}  # fmt: skip
"""What stands for characters the fonts lack; any other is written as its code, [U+4E2D]."""


class Run(NamedTuple):
    """Some text in one style. `link`: `#` and an anchor of the document, or an address."""

    text: str
    bold: bool = False
    colour: Colour = INK
    link: str | None = None


class Cell(NamedTuple):
    """Text in a column: how far from the left margin, how wide, in which size (points)."""

    runs: Sequence[Run]
    x: float = 0.0
    width: float = WIDTH
    size: float = 9.0


class Row(NamedTuple):
    """What stands side by side and is not cut by the end of a page, unless it is longer than one."""

    cells: Sequence[Cell]
    before: float = 1.0
    """Space above it, not at the top of a page."""
    tag: Tag = "P"
    keep: bool = False
    """Whether it may not end a page: headings."""
    anchors: tuple[str, ...] = ()
    """What links here: they are spelled `#` and one of these."""
    outline: tuple[int, str] | None = None
    """Level and title of the bookmark that leads here."""
    look: Literal["plain", "note", "ruled"] = "plain"
    again: bool = False
    """Whether the first cell says what the row above said: it is shown at the top of a page only."""


class Segment(NamedTuple):
    """A part of a line in one style, so far from where the line begins."""

    x: float
    width: float
    text: str
    run: Run


class Placed(NamedTuple):
    """A row on a page: where its top is, its height, and each cell's lines."""

    row: Row
    y: float
    height: float
    lines: Sequence[Sequence[Sequence[Segment]]]


Page = list[Placed]


def replaced(text: str) -> str:
    """The text in the characters of the fonts, as REPLACED says."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if (kept := REPLACED.get(sign)) is None else kept for sign in map(_known, text))


def _known(sign: str) -> str:
    if sign in REPLACED or (sign.isprintable() and sign.encode("cp1252", "ignore")):
        return sign
    return f"[U+{ord(sign):04X}]"


# --- lines ------------------------------------------------------------------------------------------------


class _Unit(NamedTuple):
    """What is not broken: a word, or a part of one too long for a line. Widths are in thousandths of the size."""

    pieces: Sequence[tuple[str, Run, int]]
    width: int
    spaced: bool
    """Whether a space stands before it."""


@lru_cache(maxsize=4096)
def _width(text: str, bold: bool) -> int:
    known = CORE_FONTS_CHARWIDTHS["helveticaB" if bold else "helvetica"]
    return sum(map(known.__getitem__, text))


def _units(runs: Iterable[Run], room: float) -> Iterator[_Unit]:
    """The words of a cell that has so much room. A word may have parts in several styles."""
    word: list[tuple[str, Run, int]] = []
    spaced = False
    for run in runs:
        drawn = replaced(run.text).encode("cp1252").decode("latin-1")  # as the fonts number their characters
        for position, part in enumerate(drawn.split(" ")):
            if position:
                if word:
                    yield from _parted(word, room, spaced)
                word, spaced = [], True
            if part:
                word.append((part, run, _width(part, run.bold)))
    if word:
        yield from _parted(word, room, spaced)


def _parted(word: list[tuple[str, Run, int]], room: float, spaced: bool) -> Iterator[_Unit]:
    """The word; where it takes much of a line (an address), its parts."""
    width = sum(piece[2] for piece in word)
    if width < 0.45 * room:
        yield _Unit(word, width, spaced)
        return
    for text, run, _ in word:
        for part in _BREAKS.split(text):
            rest = part
            while rest:
                fitting = len(rest)
                while fitting > 1 and _width(rest[:fitting], run.bold) > room:
                    fitting -= 1
                width = _width(rest[:fitting], run.bold)
                yield _Unit([(rest[:fitting], run, width)], width, spaced)
                rest, spaced = rest[fitting:], False


def lines_of(cell: Cell) -> list[list[Segment]]:
    """The lines of a cell; none is wider than the cell."""
    scale = cell.size * _MM / 1000
    room = cell.width / scale
    lines: list[list[_Part]] = []
    end = 0
    for unit in _units(cell.runs, room):
        space = _SPACE if unit.spaced and end else 0
        if not lines or (end and end + space + unit.width > room):
            lines.append([])
            end = space = 0
        line = lines[-1]
        for text, run, width in unit.pieces:
            if line and (space and line[-1].run.link is None):  # a space is no part of a link
                line[-1].add(" ", space)
                end, space = end + space, 0
            if line and line[-1].run is run:
                line[-1].add(" " + text if space else text, space + width)
            else:
                line.append(_Part(run, " " + text if space else text, end, space + width))
            end, space = end + space + width, 0
    return [[Segment(part.x * scale, part.width * scale, part.text, part.run) for part in line] for line in lines]


@dataclass(slots=True)
class _Part:
    """A segment while its line is filled."""

    run: Run
    text: str
    x: int
    width: int

    def add(self, text: str, width: int) -> None:
        """More of the same style."""
        self.text += text
        self.width += width


# --- pages ------------------------------------------------------------------------------------------------


def _leading(cell: Cell) -> float:
    return cell.size * _MM * LEADING


def _set(row: Row) -> list[Placed]:
    """The row as what is not cut: itself, or, where it is longer than a page, pieces of it."""
    lines = [lines_of(cell) for cell in row.cells]
    most = min((int((FRAME - 6) / _leading(cell)) for cell in row.cells), default=1)
    pieces = []
    for start in range(0, max((len(cell) for cell in lines), default=0) or 1, most):
        part = [cell[start : start + most] for cell in lines]
        height = max((len(said) * _leading(cell) for said, cell in zip(part, row.cells, strict=True)), default=0.0)
        piece = row if start == 0 else row._replace(anchors=(), outline=None, before=0.0)
        pieces.append(Placed(piece, 0.0, height + (2.4 if row.look == "note" else 0.0), part))
    return pieces


def paged(rows: Iterable[Row], top: float = TOP) -> list[Page]:
    """The rows on pages, the first from `top` on. What must not end a page moves on with what follows it."""
    placed = [piece for row in rows for piece in _set(row)]
    pages: list[Page] = [[]]
    y = top
    at = 0
    while at < len(placed):
        until = at + 1
        while until < len(placed) and placed[until - 1].row.keep:
            until += 1
        group = placed[at:until]
        needed = sum(piece.height + piece.row.before for piece in group) - group[0].row.before
        if pages[-1] and y + group[0].row.before + needed > BOTTOM:
            pages.append([])
            y = TOP
        for piece in group:
            if y + piece.row.before + piece.height > BOTTOM and pages[-1]:  # a group longer than a page
                pages.append([])
                y = TOP
            y += piece.row.before if pages[-1] else 0.0
            pages[-1].append(piece._replace(y=y))
            y += piece.height
        at = until
    return pages


# --- drawing ----------------------------------------------------------------------------------------------


class Document(NamedTuple):
    """What a PDF says of itself, and what stands on each of its pages."""

    title: str
    subject: str
    creator: str
    date: datetime
    footer: Sequence[str]
    """The disclaimer, and below it, beside the page's number, what the document is."""


class _Drawn(FPDF):
    """An A4 document whose text is tagged: headings and paragraphs in reading order, the rest an artifact."""

    def __init__(self, document: Document) -> None:
        super().__init__(unit="mm", format="A4")
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.set_title(document.title)
        self.set_subject(document.subject)
        self.set_creator(document.creator)
        self.set_lang("en")
        self.set_creation_date(document.date)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.page_mode = "USE_OUTLINES"
        self._marked = 0
        """Tagged parts on this page so far."""
        self._font = ("", 0.0)

    def begin_page(self) -> None:
        """A new page."""
        self.add_page()
        self._marked = 0

    def begin(self, tag: Tag | None) -> None:
        """What follows is a heading or paragraph; without a tag, nothing that is to be read out."""
        if tag is None:
            self._out("/Artifact BMC")
            return
        self._out(f"/{tag} <</MCID {self._marked}>> BDC")
        self._add_marked_content(struct_type=f"/{tag}", mcid=self._marked)
        self._marked += 1

    def end(self) -> None:
        """The end of what was begun."""
        self._out("EMC")

    def write_line(self, line: Sequence[Segment], x: float, baseline: float, size: float) -> None:
        """One line, on its baseline."""
        for segment in line:
            font = ("B" if segment.run.bold else "", size)
            if font != self._font:
                self.set_font("helvetica", *font)
                self._font = font
            self.set_text_color(*segment.run.colour)
            self.text(x + segment.x, baseline, segment.text)


def drawn(pages: Sequence[Page], document: Document, headers: Sequence[tuple[str, str]]) -> bytes:
    """The PDF. `headers`: what stands above each page, left and right."""
    pdf = _Drawn(document)
    anchors = {
        anchor: pdf.add_link(page=number, y=max(placed.y - 2, 0))
        for number, page in enumerate(pages, 1)
        for placed in page
        for anchor in placed.row.anchors
    }
    for number, (page, header) in enumerate(zip(pages, headers, strict=True), 1):
        pdf.begin_page()
        for position, placed in enumerate(page):
            _draw(pdf, placed, anchors, top=position == 0)
        pdf.begin(None)
        _around(pdf, header, document.footer, f"{number} of {len(pages)}")
        pdf.end()
    return bytes(pdf.output())


def _draw(pdf: _Drawn, placed: Placed, anchors: dict[str, int], *, top: bool) -> None:
    row, y = placed.row, placed.y
    if row.outline is not None:
        pdf.set_y(max(y - 3, 0))
        pdf.start_section(row.outline[1], row.outline[0])
    if row.look != "plain":
        pdf.begin(None)
        if row.look == "note":
            pdf.set_fill_color(*_SHADE)
            pdf.rect(LEFT, y, WIDTH, placed.height, "F")
            pdf.set_fill_color(*_BAR)
            pdf.rect(LEFT, y, 1.1, placed.height, "F")
        elif not top:
            pdf.set_draw_color(*_HAIR)
            pdf.set_line_width(0.2)
            pdf.line(LEFT, y - row.before / 2, RIGHT, y - row.before / 2)
        pdf.end()
    pdf.begin(row.tag)
    inset = 1.2 if row.look == "note" else 0.0
    for position, (cell, lines) in enumerate(zip(row.cells, placed.lines, strict=True)):
        if row.again and position == 0 and not top:
            continue
        leading = _leading(cell)
        for number, line in enumerate(lines):
            line_top = y + inset + number * leading
            pdf.write_line(line, LEFT + cell.x, line_top + 0.5 * leading + 0.36 * cell.size * _MM, cell.size)
            for segment in line:
                link = segment.run.link
                to: str | int | None = anchors.get(link[1:]) if link and link[0] == "#" else link
                if to is not None:
                    pdf.link(LEFT + cell.x + segment.x, line_top, segment.width, leading, to)
    pdf.end()


def _around(pdf: _Drawn, header: tuple[str, str], footer: Sequence[str], number: str) -> None:
    """What stands above and below the text of a page. The right part above it is cut where there is no room."""
    size = 7.0
    if any(header):
        left = _only(Cell([Run(header[0], colour=GREY)], size=size))
        taken = sum(segment.width for segment in left)
        right = _only(Cell([Run(header[1], colour=GREY)], width=WIDTH - taken - 6, size=size))
        pdf.write_line(left, LEFT, 12.5, size)
        pdf.write_line(right, RIGHT - sum(segment.width for segment in right), 12.5, size)
    pdf.set_draw_color(*_HAIR)
    pdf.set_line_width(0.2)
    pdf.line(LEFT, BOTTOM + 3, RIGHT, BOTTOM + 3)
    y = BOTTOM + 6.6
    for text in footer:
        cell = Cell([Run(text, colour=GREY)], width=WIDTH - 22, size=size)
        for line in lines_of(cell):
            pdf.write_line(line, LEFT, y, size)
            y += _leading(cell)
    line = _only(Cell([Run(number, bold=True)], size=8.0))
    pdf.write_line(line, RIGHT - line[0].width, BOTTOM + 6.6, 8.0)


def _only(cell: Cell) -> list[Segment]:
    return (lines_of(cell) or [[]])[0]
