"""The answer on paper: complete, in order, on pages that can be filed; the same bytes each time. And its HTML twin."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import Destination
from test_examples import CASES, advice_for

from bot import pdf as pdf_module
from bot import typeset
from bot.page import linked, page, targets
from bot.pdf import pdf
from bot.typeset import Cell, Page, Row, Run, lines_of, paged, replaced
from flows.knowledge.load import shipped
from flows.profile import Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from messages.message import Block, Message
from messages.render import disclaimer, full_answer
from messages.words import english

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
ROOT = Path(__file__).parent.parent
RANKED = [case for case in CASES if advice_for(case).options]
LONGEST = "ex-04"
OVERDUE = "Past its review-by date: parts of this knowledge are overdue for review."
FOLLOWED = re.compile(r"https://doi\.org/10\.\d{4,9}/[\w.()/;:-]+|https://pubmed\.ncbi\.nlm\.nih\.gov/\d+/")
FULL: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [], "early_stage_agents": [],
    "prior_lines": [{"agents": [], "outcome": "unknown"}], "brain_metastases": "active", "leptomeningeal": "absent",
    "extracranial_disease": "progressing", "hr_status": "positive", "tdxd_access": "unavailable", "region": "china",
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": [],
    "chemotherapy": "suitable", "performance_status": "ecog_0_2",
}  # fmt: skip
"""Everything was asked, and nearly every regimen is open: as long as an answer gets."""


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """Each example case; of the module, so that tests of one case follow one another and write it once."""
    return str(request.param)


@cache
def written(case: str) -> bytes:
    return pdf(advice_for(case), WORDS)


@cache
def reader(case: str) -> PdfReader:
    return PdfReader(io.BytesIO(written(case)))


@cache
def texts(case: str) -> tuple[str, ...]:
    """The text of each page."""
    return tuple(sheet.extract_text() for sheet in reader(case).pages)


@cache
def document(case: str) -> str:
    return page(full_answer(advice_for(case), WORDS))


def flat(text: str) -> str:
    """The text without what breaking lines changes."""
    return "".join(text.split()).casefold()


@cache
def annotations(case: str) -> list[Any]:
    return [note.get_object() for sheet in reader(case).pages for note in sheet.get("/Annots", ())]


def followed(case: str) -> set[str]:
    """The addresses the PDF links to."""
    return {note["/A"]["/URI"] for note in annotations(case) if "/A" in note}


@cache
def outline(case: str) -> list[tuple[int, str]]:
    """Level and title of each bookmark."""

    def walk(entries: list[Any], level: int) -> list[tuple[int, str]]:
        return list(
            chain.from_iterable(
                walk(entry, level + 1) if isinstance(entry, list) else [(level, str(entry.title))] for entry in entries
            )
        )

    return walk(reader(case).outline, 0)


def laid_out(monkeypatch: pytest.MonkeyPatch, advice: Advice, role: str | None = None) -> list[Page]:
    """The pages before they are drawn, with a banner: as full as they get."""
    seen: list[Page] = []

    def keep(pages: list[Page], *_: object) -> bytes:
        seen.extend(pages)
        return b""

    monkeypatch.setattr(pdf_module, "drawn", keep)
    pdf(advice, WORDS, role, OVERDUE)
    return seen


# --- what it says -----------------------------------------------------------------------------------------


def test_every_status_is_here() -> None:
    """Were it to fail: the tests below pass for want of a referral or a refusal to look at."""
    assert {advice_for(case).status for case in CASES} >= {"conditional", "ask", "refer", "decline"}
    assert recommend(Profile.model_validate(FULL), KNOWLEDGE).options


def test_each_page_says_what_it_belongs_to(case: str) -> None:
    """S13, S23, S26: were it to fail, a sheet taken out of the file has lost disclaimer, record, date or review."""
    advice = advice_for(case)
    for number, text in enumerate(texts(case), 1):
        said = flat(text)
        assert flat(disclaimer()) in said
        assert flat(f"Record {advice.record_id}. Knowledge of {KNOWLEDGE.manifest.date}") in said
        assert flat(WORDS.vocabulary.review[advice.review]) in said
        assert f"{number} of {len(texts(case))}" in text


def test_the_first_page_is_what_matters(case: str) -> None:
    """S5, S11: were it to fail, a board that reads one page misses an option, their order, an exclusion, an
    assumption or an input."""
    advice, first = advice_for(case), flat(texts(case)[0])
    assert flat(WORDS.vocabulary.status[advice.status]) in first
    for _, label, value in WORDS.profile_lines(advice.profile):
        assert flat(label + value) in first
    at = first.find(flat("Ranked options"))
    for option in advice.options:
        name = WORDS.regimen(option.regimen.id)
        at = first.find(flat(f"{option.rank}. {name} ({WORDS.vocabulary.tiers[option.tier]}) {option.text}"), at)
        assert at > 0, f"{option.rank}. {name}"
    for reason in advice.reasons:
        assert flat(reason.stop.text) in first
    if advice.options:
        for exclusion in advice.excluded:
            at = first.find(flat(WORDS.regimen(exclusion.regimen.id)), first.find(flat("Excluded")))
            assert at > 0, exclusion.regimen.id
        for assumption in WORDS.atoms(advice.assumptions):
            assert flat(assumption) in first


def test_everything_of_the_page_is_on_paper(case: str) -> None:
    """S7, S10: were it to fail, the PDF drops a reason, a harm, an exclusion, a fact or a source that the HTML has,
    or shows it under another heading."""
    messages = full_answer(advice_for(case), WORDS)
    places = targets(messages)
    whole = flat("".join(texts(case)))
    at = 0 if len(texts(case)) < 3 else len(flat(texts(case)[0]))
    for message in messages[1:]:
        at = whole.find(flat(next(block.text for block in message.blocks if block.kind == "heading")), at)
        assert at > 0, message.id
        for block in message.blocks:
            said = flat("".join(part for part, _ in linked(block.text, places)))
            label, _, rest = said.partition(":")
            found = whole.find(said, at)
            if found < 0 and block.kind == "item" and label in whole:  # its label stands above, for the item before
                found = whole.find(rest, at)
            assert found >= 0, block.text
    ids = re.findall(r"id='([a-z0-9]+(?:-[a-z0-9]+)+)'", document(case))
    assert all(name in whole for name in ids)
    assert bool(ids) == bool(advice_for(case).options)


def test_a_banner_comes_first() -> None:
    """S27: were it to fail, an answer of overdue rules is filed as if they were current."""
    advice = advice_for("ex-13")
    text = PdfReader(io.BytesIO(pdf(advice, WORDS, banner=OVERDUE))).pages[0].extract_text()
    assert flat(text).startswith(flat(OVERDUE))
    assert OVERDUE not in texts("ex-13")[0]
    assert f"<main>\n<p class='note'>{OVERDUE}</p>" in page(full_answer(advice, WORDS), OVERDUE)
    assert OVERDUE not in document("ex-13")


def test_the_role_changes_words_only() -> None:
    """S21: were it to fail, a pharmacist's copy ranks otherwise than an oncologist's."""
    advice = advice_for("ex-07")
    text = flat("".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf(advice, WORDS, "trainee"))).pages))
    at = 0
    for option in advice.options:
        at = text.find(flat(f"{option.rank}. {WORDS.regimen(option.regimen.id, 'trainee')} ("), at + 1)
        assert at > 0
    assert flat(next(iter(WORDS.vocabulary.glossary.values()))) in text


# --- links, bookmarks, what it says of itself -------------------------------------------------------------


def test_links_lead_to_the_sources(case: str) -> None:
    """S10: were it to fail, a DOI or PubMed entry cannot be followed, or a link leads anywhere else."""
    facts = [fact for fact in advice_for(case).facts() if fact.shown]
    cited = [KNOWLEDGE.sources[name] for fact in facts for name in fact.sources] if case in RANKED else []
    wanted = {f"https://doi.org/{source.doi}" for source in cited if source.doi}
    wanted |= {f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/" for source in cited if source.pmid}
    assert followed(case) == wanted
    assert all(FOLLOWED.fullmatch(address) for address in wanted)
    assert set(re.findall(r"href='(h[^']*)'", document(case))) == wanted
    width, height = (float(side) for side in reader(case).pages[0].mediabox[2:])
    for note in annotations(case):
        left, bottom, right, top = (float(side) for side in note["/Rect"])
        assert 0 <= left < right <= width
        assert 0 <= bottom < top <= height


def test_every_fact_is_one_tap_away(case: str) -> None:
    """S10: were it to fail, the id behind a figure leads nowhere, and whoever doubts the figure has to search."""
    inside = [note for note in annotations(case) if "/Dest" in note]
    numbers = {sheet.indirect_reference.idnum for sheet in reader(case).pages if sheet.indirect_reference is not None}
    assert all(note["/Dest"][0].idnum in numbers for note in inside)
    places = targets(full_answer(advice_for(case), WORDS))
    if case in RANKED:
        assert len(inside) > len(places), "more is cited than there are places"
    assert set(re.findall(r"href='#([^']*)'", document(case))) <= set(re.findall(r" id='([^']*)'", document(case)))


def test_every_identifier_of_the_knowledge_is_linked() -> None:
    """S10: were it to fail, one DOI is cut at a bracket or a full stop and leads to an error page."""
    for source in KNOWLEDGE.sources.values():
        if source.doi:
            assert list(linked(f"2020. doi:{source.doi} Read", {}))[1][1] == f"https://doi.org/{source.doi}"
        if source.pmid:
            assert ("PMID " + source.pmid, f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/") in linked(
                f"PMID {source.pmid}.", {}
            )
    assert list(linked("Read at: https://a.org/doi/why, tuc-05", {})) == [
        ("Read at: https://a.org/doi/why, tuc-05", None)
    ]


def test_bookmarks_are_the_headings(case: str) -> None:
    """Were it to fail: thirty pages can only be leafed through, or a bookmark leads to another page."""
    wanted = []
    for position, message in enumerate(full_answer(advice_for(case), WORDS)):
        wanted += [
            (0 if block.kind == "heading" else 1, block.text)
            for block in message.blocks
            if block.kind == "heading" or (position and block.kind == "subheading")
        ]
    assert outline(case) == wanted
    for entry in reader(case).outline:
        if isinstance(entry, Destination):
            number = reader(case).get_destination_page_number(entry)
            assert number is not None
            assert flat(str(entry.title)) in flat(texts(case)[number])


def test_contents_name_the_pages(case: str) -> None:
    """Were it to fail: the first page sends a reader to the wrong one."""
    contents = flat("".join(texts(case)[0].split("Contents: ")[1:]))
    assert bool(contents) == (case in RANKED)
    for entry in reader(case).outline[1:]:
        if contents and isinstance(entry, Destination):
            number = reader(case).get_destination_page_number(entry)
            assert number is not None
            assert flat(f"{entry.title} {number + 1}") in contents


def test_it_says_what_it_is() -> None:
    """Were it to fail: a reader shows a file name for a title, a screen reader takes the wrong language, or it names
    an author."""
    found = reader("ex-02")
    root: Any = found.trailer["/Root"]
    assert found.metadata is not None
    assert (
        found.metadata.title == "Options for the next line, under assumptions: HER2-positive metastatic breast cancer"
    )
    assert found.metadata.author is None
    assert found.metadata.creation_date is not None
    assert found.metadata.creation_date.date() == KNOWLEDGE.manifest.date
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "/Metadata" not in root


def test_it_is_tagged() -> None:
    """S34: were it to fail, a screen reader finds no headings, or reads the foot of every page out."""
    root: Any = reader("ex-02").trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    parts = [part.get_object()["/S"] for part in root["/StructTreeRoot"]["/K"][0].get_object()["/K"]]
    messages = full_answer(advice_for("ex-02"), WORDS)
    subheadings = sum(block.kind == "subheading" for message in messages[1:] for block in message.blocks)
    assert parts.count("/H1") == 1
    assert parts.index("/H1") < parts.index("/H2") < parts.index("/H3")
    assert parts.count("/H3") == subheadings
    assert parts.count("/H2") > len(messages)
    for sheet in reader("ex-02").pages:
        content = sheet.get_contents()
        assert content is not None
        drawing = content.get_data()
        assert drawing.count(b"BDC") + drawing.count(b"BMC") == drawing.count(b"EMC")
        assert b"/Artifact BMC" in drawing


# --- pages and lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, "pharmacist_or_nurse"])
@pytest.mark.parametrize("fields", [FULL, FULL | {"hr_status": "unknown", "ild_history": "unknown"}, None])
def test_pages_are_well_made(monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any] | None, role: str | None) -> None:
    """Were it to fail: a heading stands alone at the end of a page, a line runs over the edge, two lie on each other,
    the first page runs over, or it is set too small to read."""
    advice = recommend(Profile.model_validate(fields), KNOWLEDGE) if fields else advice_for(LONGEST)
    pages = laid_out(monkeypatch, advice, role)
    assert len(advice.options) > 9
    assert 10 < len(pages) < 40
    begins = [sheet[0].row.cells[0].runs[0].text for sheet in pages].index(WORDS.vocabulary.sections["why"])
    assert begins == 1 or (fields != FULL and begins == 2), "only where next to nothing is known"
    assert f"{len(advice.options)}." in [placed.row.cells[0].runs[0].text for placed in pages[0]]
    assert min(cell.size for placed in pages[0] for cell in placed.row.cells) >= 7.5
    for sheet in pages:
        assert not sheet[-1].row.keep
        end = typeset.FIRST if sheet is pages[0] else typeset.TOP
        for placed in sheet:
            assert placed.y >= end - 0.01
            end = placed.y + placed.height
            for cell, lines in zip(placed.row.cells, placed.lines, strict=True):
                assert cell.x + cell.width <= typeset.WIDTH + 0.01
                for line in lines:
                    assert line[-1].x + line[-1].width <= cell.width + 0.01, line
        assert end <= typeset.BOTTOM + 0.01


def test_a_stop_is_short(case: str) -> None:
    """Were it to fail: a refusal of two sentences is filed as a booklet."""
    assert (len(reader(case).pages) > 2) == (case in RANKED)


def test_what_is_longer_than_a_page_goes_on() -> None:
    """Were it to fail: text beyond the end of a page is lost, or setting it never ends."""
    long = Row([Cell([Run("word " * 12_000)])])
    pages = paged([Row([Cell([Run("Title", bold=True)])], keep=True), long, Row([Cell([Run("end")])])])
    assert len(pages) > 3
    said = "".join(part.text for sheet in pages for placed in sheet for line in placed.lines[0] for part in line)
    assert said.count("word") == 12_000
    assert all(placed.y + placed.height <= typeset.BOTTOM + 0.01 for sheet in pages for placed in sheet)
    assert not pages[0][-1].row.keep
    assert paged([]) == [[]]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(
        st.tuples(st.text(max_size=60) | st.from_regex(r"https?://[a-z./?=&-]{20,120}", fullmatch=True), st.booleans())
    ),
    st.floats(8, 172),
)
def test_lines_lose_nothing_and_fit(parts: list[tuple[str, bool]], width: float) -> None:
    """Were it to fail: a word is dropped where a line breaks, or a long address runs over the edge."""
    cell = Cell([Run(text, bold) for text, bold in parts], width=width)
    lines = lines_of(cell)
    said = "".join(part.text for line in lines for part in line)
    wanted = "".join(replaced(text) for text, _ in parts).encode("cp1252").decode("latin-1")
    assert said.replace(" ", "") == wanted.replace(" ", "")
    for line in lines:
        assert line[-1].x + line[-1].width <= width + 0.01
        assert all(left.x + left.width <= right.x + 0.01 for left, right in pairwise(line))


# --- characters -------------------------------------------------------------------------------------------


def test_all_words_fit_the_fonts() -> None:
    """Were it to fail: a character of the knowledge or the words is not on paper as it was written. Give the fonts'
    nearest form in the text, or a replacement in bot/typeset.py."""
    unfit = []
    for folder in ("flows/knowledge", "messages/en"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix not in (".yaml", ".j2"):
                continue
            for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
                unfit += [f"{file.relative_to(ROOT)}:{number}: {sign!r}" for sign in line if replaced(sign) != sign]
    assert not unfit


def test_other_characters_are_replaced_as_stated() -> None:
    """Were it to fail: one sign the fonts lack stops the export, or vanishes and turns a bound round."""
    assert replaced("HR ≤0.5, ≥3 → 4 μg, α, 中") == "HR <=0.5, >=3 -> 4 µg, alpha, [U+4E2D]"
    assert replaced("Müller – 5 € “x” ² ½") == "Müller – 5 € “x” ² ½"
    assert replaced("\x00\x07\u200b\ud800") == "[U+0000][U+0007][U+200B][U+D800]"
    for sign, instead in typeset.REPLACED.items():
        assert replaced(sign) == instead
        assert replaced(instead) == instead


def test_nothing_is_markup() -> None:
    """S34: were it to fail, two asterisks, a tag or a bracket of a text changes what is drawn after it."""
    said = r"**bold** __u__ --s-- <b>x</b> [a](b) {nb} (open \) ( BT /F1 ET %comment [pending review"
    made = typeset.Document("t", "s", "c", datetime(2026, 1, 1, tzinfo=UTC), (said,))
    content = typeset.drawn([paged([Row([Cell([Run(said)])], outline=(0, said))])[0]], made, [(said, "")])
    found = PdfReader(io.BytesIO(content))
    text = found.pages[0].extract_text()
    assert flat(text).count(flat(said)) == 3
    assert found.outline[0].title == said  # type: ignore[union-attr]


# --- the same bytes ---------------------------------------------------------------------------------------

_PRINT = """
import hashlib, sys
sys.path[:0] = ["tests"]
from test_examples import advice_for
from bot.exports import export
from messages.words import english
assert "fpdf" not in sys.modules
for case in ("ex-02", "ex-13"):
    advice = advice_for(case)
    for form in ("pdf", "html"):
        print(hashlib.sha256(export(form, advice, english(advice.knowledge)).content).hexdigest())
"""


def test_the_same_answer_is_the_same_bytes() -> None:
    """S22: were it to fail, a filed copy cannot be told from a changed one: bytes hang on hash seed, zone or locale.

    And where a program that only could write PDFs loads the library for it, every start pays for that.
    """
    assert written("ex-02") == pdf(advice_for("ex-02"), WORDS)
    said = set()
    for seed, zone, locale in (("0", "Pacific/Auckland", "C"), ("4711", "America/New_York", "tr_TR.UTF-8")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "LANG": locale}
        done = subprocess.run(
            [sys.executable, "-c", _PRINT], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True
        )
        said.add(done.stdout)
    here = [
        hashlib.sha256(content).hexdigest()
        for case in ("ex-02", "ex-13")
        for content in (written(case), document(case).encode())
    ]
    assert said == {"\n".join(here) + "\n"}


def test_other_answers_are_other_bytes() -> None:
    """S23: were it to fail, two answers share an identifier, and an archive keeps one of them."""
    stops = [case for case in CASES if case not in RANKED]
    identifiers = {str(reader(case).trailer["/ID"]) for case in stops}
    assert len(identifiers) == len(stops) > 3
    one, other = (pdf(advice_for("ex-13"), WORDS, banner=banner) for banner in (None, OVERDUE))
    assert one[-80:] != other[-80:]


# --- the HTML twin ----------------------------------------------------------------------------------------


class _Outline(HTMLParser):
    """A page's headings, ids, and whether each tag is closed where it was opened."""

    VOID = ("meta", "br", "hr", "img", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.language = ""
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [str(named["id"])] if "id" in named else []
        self.language += str(named.get("lang", ""))
        parent = self.open[-1] if self.open else ""
        if (tag == "li") != (parent == "ul") or (parent == "p" and tag != "a"):
            self.problems.append(f"{tag} in {parent}")
        if re.fullmatch(r"h\d", tag):
            self.headings.append((tag, ""))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self.open and re.fullmatch(r"h\d", self.open[-1]):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)


def test_the_page_is_in_the_same_order(case: str) -> None:
    """Were it to fail: page and paper of one answer differ in order, a level of heading is skipped, or an id names
    two places."""
    found = _Outline()
    found.feed(document(case))
    found.close()
    assert found.problems == []
    assert found.open == []
    assert found.language == "en"
    assert len(set(found.ids)) == len(found.ids)
    levels = {"h1": 0, "h2": 0, "h3": 1}
    assert [(levels[tag], title) for tag, title in found.headings] == outline(case)
    assert [tag for tag, _ in found.headings].count("h1") == 1
    assert found.headings[0][0] == "h1"


def test_the_page_stays_small() -> None:
    """Were it to fail: a page meant for a chat or a mail outgrows what it says."""
    messages = full_answer(advice_for(LONGEST), WORDS)
    assert len(document(LONGEST)) < 1.5 * sum(len(message.text) for message in messages)


def test_a_page_of_any_messages() -> None:
    """Were it to fail: messages without a heading, or with ids from elsewhere, cannot be written or break out."""
    said = page([Message("a", (Block("paragraph", "see /b, tuc-05"),)), Message("b'<", (Block("item", "x"),))])
    assert "<section id='a'>" in said
    assert "<section id='b&#39;&lt;'>" in said
    assert "see /b, tuc-05" in said
    assert page([]).count("<section") == 0
