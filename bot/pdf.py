"""The whole answer as a PDF: an A4 document for a patient file or a tumour board.

The first page is what matters: status, inputs, ranked options, what was excluded and assumed. The sections follow in
the order of the HTML export. The same answer gives the same bytes (S22).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from itertools import groupby
from typing import NamedTuple

from bot.page import Target, linked, listed, targets
from bot.typeset import (
    AMBER,
    FIRST,
    GREY,
    INK,
    INNER,
    OUTER,
    WIDTH,
    Cell,
    Document,
    Page,
    Row,
    Run,
    drawn,
    lines_of,
    paged,
)
from flows import VERSION
from flows.sequencing.advice import Advice, Option
from messages.message import Block, Message
from messages.render import PATIENT_ROWS, disclaimer, excluded_in_words, full_answer, section_message
from messages.words import Words

SUBJECT = "HER2-positive metastatic breast cancer"
SIZES = ((1.0, 1.0), (0.96, 0.85), (0.92, 0.7), (0.9, 0.5))
"""How far the text of the first page and the space in it are made smaller where it would not be one page."""
_TABLES = ("why", "safety", "evidence", "excluded", "whatif", "sources")
"""Sections whose items are a label and what is said of it."""
_LABELS = 50.0
"""The width of the column of labels, in mm."""
_LONGEST_LABEL = 90
_IDS = 20.0
"""The same for the ids of facts, which are short."""
_PENDING = re.compile(r"(\[pending review\]|\(identifier recalled, pending review\))")


def pdf(advice: Advice, words: Words, role: str | None = None, banner: str | None = None) -> bytes:
    """The document. `banner`: a note said before anything else (rules past their review-by date, S27)."""
    messages = full_answer(advice, words, role)
    places = targets(messages)
    sections = [row for message in messages[1:] for row in _section(message, places)]
    top = _top(messages[0], advice, banner)
    if advice.options:
        inner = paged(sections)
        pages = [*_first_pages([*top, *_overview(advice, words, role, messages[0])], inner), *inner]
    else:
        pages = paged([*top, *_stopped(messages[0], places), *_inputs(advice, words), *sections], FIRST)
    date, status = advice.knowledge.manifest.date, words.vocabulary.status[advice.status]
    review = words.vocabulary.review[advice.review]
    document = Document(
        title=f"{status}: {SUBJECT}",
        subject=f"Record {advice.record_id}; {review}",
        creator=f"her2-triage {VERSION}",
        date=datetime.combine(date, time(), UTC),
        footer=(
            disclaimer(),
            f"Record {advice.record_id}. Knowledge of {date}, {advice.knowledge.digest[:19]}. {_capital(review)}.",
        ),
    )
    return drawn(pages, document, list(_headers(pages, f"{SUBJECT}. {status}")))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the first page ---------------------------------------------------------------------------------------


def _top(message: Message, advice: Advice, banner: str | None) -> list[Row]:
    """The title, and in a box what must be known before reading on: the review, the disclaimer."""
    heading = next(block.text for block in message.blocks if block.kind == "heading")
    review = next(block.text for block in message.blocks if block.kind == "note")
    rows = [] if banner is None else [Row([_noted(banner, bold=True)], look="note")]
    return [
        *rows,
        Row([Cell([Run(f"{SUBJECT}. Record {advice.record_id}", colour=GREY)], size=8.5)], before=4.0),
        Row([Cell([Run(heading, bold=True)], size=17)], 1.0, "H1", anchors=(message.id,), outline=(0, heading)),
        Row([_noted(review, bold=True)], 3.0, look="note"),
        Row([_noted(disclaimer())], 0.0, look="note"),
    ]


def _noted(text: str, *, bold: bool = False) -> Cell:
    return Cell([Run(text, bold)], 4.0, WIDTH - 6.0, 8.5)


def _overview(advice: Advice, words: Words, role: str | None, message: Message) -> Iterator[Row]:
    """Inputs, steps, ranked options, excluded, assumed: each complete, where a chat's first message has no room."""
    yield from _inputs(advice, words)
    yield _part("Ranked options")
    before = [block for block in message.blocks if block.kind == "paragraph"][: len(advice.steps)]
    for block in before:
        yield Row([Cell([Run(block.text)])], 1.4)
    summary = [block.text for block in section_message("summary", advice, words, role).blocks if block.kind == "ranked"]
    for option, said in zip(advice.options, summary, strict=True):
        yield _option(option, said, words, role)
    excluded = excluded_in_words(advice, words, role)
    if excluded:
        yield _part("Excluded")
    for name in dict.fromkeys(exclusion["name"] for exclusion in excluded):
        because = [
            "; ".join(exclusion["because"]) or exclusion["text"] for exclusion in excluded if exclusion["name"] == name
        ]
        why = Run(f"{_capital('; '.join(dict.fromkeys(because)))}.")
        yield Row([Cell([Run(name)], 0.0, 60.0, 8.5), Cell([why], 64.0, WIDTH - 64.0, 8.5)], 0.6)
    if advice.assumptions:
        yield _part("Assumed, not known")
        yield Row([Cell([Run("; ".join(words.atoms(advice.assumptions)) + ".")], size=8.5)], 0.8)


def _part(title: str) -> Row:
    return Row([Cell([Run(title, bold=True)], size=11)], 3.6, "H2", keep=True)


def _inputs(advice: Advice, words: Words) -> list[Row]:
    """What the answer was worked out from."""
    pairs = [
        _Pair([Run(label, colour=GREY)], [Run(value)], "") for _, label, value in words.profile_lines(advice.profile)
    ]
    return [_part("Inputs used"), *_paired(pairs, 40.0)]


class _Pair(NamedTuple):
    """A label and what is said of it; `anchor`: what links here."""

    label: Sequence[Run]
    said: Sequence[Run]
    anchor: str


def _paired(pairs: Iterable[_Pair], label: float) -> Iterator[Row]:
    """Short pairs two to a row; a pair that needs more room has a row of its own."""
    waiting: list[_Pair] = []
    for pair in pairs:
        short = len(lines_of(_halves(pair, label)[1])) == 1
        if waiting and short:
            left, right = _halves(waiting[0], label), _halves(pair, label, WIDTH / 2 + 1)
            yield Row([*left, *right], 0.6, anchors=_anchors(waiting[0], pair))
            waiting = []
        else:
            for single in (*waiting, *(() if short else (pair,))):
                yield Row(_halves(single, label, width=WIDTH), 0.6, anchors=_anchors(single))
            waiting = [pair] if short else []
    for single in waiting:
        yield Row(_halves(single, label, width=WIDTH), 0.6, anchors=_anchors(single))


def _halves(pair: _Pair, label: float, x: float = 0.0, width: float = WIDTH / 2 - 3) -> list[Cell]:
    return [Cell(pair.label, x, label - 1.5, 8.5), Cell(pair.said, x + label, width - label, 8.5)]


def _anchors(*pairs: _Pair) -> tuple[str, ...]:
    return tuple(pair.anchor for pair in pairs if pair.anchor)


def _option(option: Option, said: str, words: Words, role: str | None) -> Row:
    """An option: rank, name and tier; why it stands there and its grade; whether an answer brings a caution."""
    name, tier = words.regimen(option.regimen.id, role), words.vocabulary.tiers[option.tier]
    grade = said.removeprefix(f"{option.rank}. {name} ({tier}).").strip()
    runs = [Run(f"{_capital(option.text)}.")]
    if grade:
        runs.append(Run(f" {grade}", colour=GREY))
    if any(caution.certain and caution.rule.row in PATIENT_ROWS for caution in option.cautions):
        section = words.vocabulary.sections["safety"]
        runs += [
            Run(" Caution:", bold=True, colour=AMBER),
            Run(" "),
            Run(section, colour=INNER, link=f"#safety-{option.rank}"),
        ]
    cells = [
        Cell([Run(f"{option.rank}.", bold=True)], 0.0, 6.0),
        Cell([Run(name, bold=True), Run(f" ({tier})", colour=GREY)], 6.0, 55.0),
        Cell(runs, 64.0, WIDTH - 64.0, 8.5),
    ]
    return Row(cells, 1.8, look="ruled")


def _first_pages(rows: Sequence[Row], inner: Sequence[Page]) -> list[Page]:
    """What matters, on one page wherever it can be; the contents last."""
    for text, space in SIZES:
        pages = paged([_scaled(row, text, space) for row in (*rows, *_contents(inner, 1))], FIRST)
        if len(pages) == 1:
            return pages
    before = len(paged([*rows, *_contents(inner, 1)], FIRST))
    return paged([*rows, *_contents(inner, before)], FIRST)


def _scaled(row: Row, text: float, space: float) -> Row:
    return row._replace(before=row.before * space, cells=[cell._replace(size=cell.size * text) for cell in row.cells])


def _contents(pages: Sequence[Page], after: int) -> Iterator[Row]:
    """The sections and the pages they begin on."""
    runs = [Run("Contents: ", bold=True)]
    for number, page in enumerate(pages, after + 1):
        for placed in page:
            if placed.row.outline is not None and placed.row.outline[0] == 0:
                link = f"#{placed.row.anchors[0]}"
                runs += [
                    Run("; " if len(runs) > 1 else ""),
                    Run(f"{placed.row.outline[1]} {number}", colour=INNER, link=link),
                ]
    yield Row([Cell(runs, size=8.5)], 5.0)


def _stopped(message: Message, places: Mapping[str, Target]) -> Iterator[Row]:
    """Why nothing is ranked, and what comes next."""
    for block in message.blocks:
        if block.kind not in ("note", "heading"):
            runs = _runs(block.text, places)
            yield _bullet(runs, 1.0) if block.kind == "item" else Row([Cell(runs, size=10)], 2.0)


# --- the sections -----------------------------------------------------------------------------------------


def _section(message: Message, places: Mapping[str, Target]) -> Iterator[Row]:
    """A section as rows: its heading, and under it what the blocks say."""
    previous = ""
    for listing, blocks in groupby(message.blocks, key=lambda block: _label(block, message.id) is not None):
        if listing and message.id == "sources":
            entries = [_entry(block, places) for block in blocks]
            short = all(len(entry.anchor) < 14 for entry in entries)
            yield from _paired(entries, _IDS if short else _LABELS)
            continue
        for block in blocks:
            label = _label(block, message.id) or ""
            row = _labelled(block, label, places) if listing else _row(block, message.id, places)
            yield row._replace(again=listing and label == previous)
            previous = label


def _label(block: Block, section: str) -> str | None:
    """The label of an item that has one."""
    label, colon, _ = block.text.partition(": ")
    fits = section in _TABLES and block.kind == "item" and colon and len(label) <= _LONGEST_LABEL and "[" not in label
    return label if fits else None


def _labelled(block: Block, label: str, places: Mapping[str, Target]) -> Row:
    said = _runs(block.text[len(label) + 2 :], places)
    cells = [
        Cell([Run(f"{_capital(label)}:", colour=GREY)], 0.0, _LABELS - 2.0, 8.5),
        Cell(said, _LABELS, WIDTH - _LABELS, 8.5),
    ]
    return Row(cells, 0.6)


def _entry(block: Block, places: Mapping[str, Target]) -> _Pair:
    """A fact or source in the list of them: its id, which what cites it links to."""
    entry = listed(block) or ""
    return _Pair([Run(f"{entry}:", colour=GREY)], _runs(block.text[len(entry) + 2 :], places), entry)


def _row(block: Block, section: str, places: Mapping[str, Target]) -> Row:
    if block.kind == "heading":
        cell = Cell([Run(block.text, bold=True)], size=13)
        return Row([cell], 8.0, "H2", keep=True, anchors=(section,), outline=(0, block.text), look="ruled")
    if block.kind == "subheading":
        rank = block.text.partition(".")[0]
        anchors = (f"{section}-{rank}",) if rank.isdigit() else ()
        cell = Cell([Run(block.text, bold=True)], size=10)
        return Row([cell], 4.0, "H3", keep=True, anchors=anchors, outline=(1, block.text))
    if block.kind == "note":
        return Row([_noted(block.text)], 3.0, look="note")
    runs = _runs(block.text, places)
    return _bullet(runs, 0.8) if block.kind == "item" else Row([Cell(runs)], 1.4)


def _bullet(runs: Sequence[Run], before: float) -> Row:
    return Row([Cell([Run("\u2022")], 0.0, 3.0), Cell(runs, 4.0, WIDTH - 4.0)], before)


def _runs(text: str, places: Mapping[str, Target]) -> list[Run]:
    """The text with its links, and what is pending review in a colour of its own."""
    runs = []
    for said, address in linked(text, places):
        if address is not None:
            runs.append(Run(said, colour=INNER if address[0] == "#" else OUTER, link=address))
            continue
        for part in _PENDING.split(said):
            if part:
                runs.append(Run(part, colour=AMBER if _PENDING.fullmatch(part) else INK))
    return runs


def _headers(pages: Sequence[Page], left: str) -> Iterator[tuple[str, str]]:
    """What stands above each page: the document, and the section the page begins in. Above the first, nothing."""
    at = ["", ""]
    for number, page in enumerate(pages):
        for position, placed in enumerate(page):
            if placed.row.outline is not None:
                level, title = placed.row.outline
                at[level:] = [title, ""][: 2 - level]
            if position == 0:
                right = ": ".join(part for part in at if part)
        yield (left, right) if number else ("", "")
