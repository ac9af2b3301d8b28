"""Hazard ratios: as data of the fact they stand in, and as a plot that says what it shows."""

from __future__ import annotations

import math
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bot.channels.web.plot import NO_INTERVAL, PENDING, forest
from flows.knowledge.load import SHIPPED, KnowledgeError, load, shipped
from messages.card import ForestRow

KNOWLEDGE = shipped()
FACTS = "evidence/facts"
ROW = ForestRow("x-01", "PFS", "TRIAL, n=10", "control drug", "0.50", "0.25", "1.00", pending=False)
BOUNDARY = {("tdm1-20", "0.617")}
"""Hazard ratios in a fact's value that are no result: the boundary a trial had to cross."""
ESTIMATE = "  - {measure: HR, endpoint: 'PFS, final', value: '0.57', interval: ['0.47', '0.70']}"


# --- estimates of a fact -------------------------------------------------------------------------------------


def with_estimate(folder: Path, replacement: str, *, file: str = "tucatinib.yaml", old: str = ESTIMATE) -> Path:
    """A copy of the knowledge in which an estimate of tuc-03 (or another text) was changed."""
    there = folder / "knowledge"
    shutil.copytree(SHIPPED, there, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    path = there / FACTS / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, replacement), "utf-8")
    return there


@pytest.mark.parametrize(
    ("replacement", "problem"),
    [
        ("  - {measure: HR, endpoint: PFS, value: '0.58'}", "estimates.0.value: the figure 0.58"),
        ("  - {measure: HR, endpoint: PFS, value: '7.6'}", "estimates.0.value: the fact's value does not call 7.6"),
        (
            "  - {measure: HR, endpoint: PFS, value: '0.57', interval: ['0.47', '0.71']}",
            "estimates.0.interval: the figure 0.71",
        ),
        (
            "  - {measure: HR, endpoint: PFS, value: '0.57', interval: ['0.47', '4.9']}",
            "estimates.0.interval: does not follow 0.57",
        ),
        (
            "  - {measure: HR, endpoint: PFS, value: '0.57', interval: ['0.70', '0.47']}",
            "estimates.0: Value error, interval: does not hold the value",
        ),
        ("  - {measure: HR, endpoint: PFS at 3 years, value: '0.57'}", "estimates.0.endpoint: the figure 3"),
        ("  - {measure: HR, endpoint: PFS, value: 0.57}", "estimates.0.value: Input should be a valid string"),
        ("  - {measure: OR, endpoint: PFS, value: '0.57'}", "estimates.0.measure: Input should be 'HR'"),
        (f"{ESTIMATE}\n{ESTIMATE}", "estimates: two of them have the same endpoint"),
    ],
    ids=["value", "not_called_hr", "bound", "of_another", "order", "endpoint", "number", "measure", "twice"],
)
def test_an_estimate_that_is_not_in_its_fact_is_refused(tmp_path: Path, replacement: str, problem: str) -> None:
    """S8: were it to fail, a plot could draw a figure that no fact holds, or that belongs to another result."""
    with pytest.raises(KnowledgeError) as refused:
        load(with_estimate(tmp_path, replacement))
    assert str(refused.value).startswith(f"{FACTS}/tucatinib.yaml: tuc-03: {problem}")


def test_a_contradicted_fact_holds_no_estimate(tmp_path: Path) -> None:
    """S9: were it to fail, a figure judged contradicted could be drawn."""
    text = (SHIPPED / FACTS / "source_article.yaml").read_text("utf-8")
    assert KNOWLEDGE.facts["seed-34"].verification == "contradicted"
    old = next(part for part in re.findall(r"  arms: .*\n  sources: .*\n", text.partition("id: seed-34")[2]))
    new = old.replace("  sources:", "  estimates:\n  - {measure: HR, endpoint: PFS, value: '0.64'}\n  sources:")
    with pytest.raises(KnowledgeError, match=r"seed-34: estimates: a fact that is contradicted"):
        load(with_estimate(tmp_path, new, file="source_article.yaml", old=old))


def test_every_hazard_ratio_of_a_fact_is_an_estimate() -> None:
    """Were it to fail: a plot leaves out a result that the table beside it has, or a fact's boundary became one."""
    for fact in KNOWLEDGE.facts.values():
        said = set(re.findall(r"\bHR (\d+\.\d+)", fact.value))
        if "hazard ratio" in fact.endpoint:
            said |= set(re.findall(r"(\d+\.\d+) \(\d+\.\d+-\d+\.\d+\)", fact.value))
        wanted = {figure for figure in said if (fact.id, figure) not in BOUNDARY}
        held = {estimate.value for estimate in fact.estimates}
        assert held == (set() if fact.verification == "contradicted" else wanted), fact.id
        intervals = len(re.findall(r"\d+\.\d+(?: \(|, )\d+\.\d+-\d+\.\d+\)", fact.value)) if held else 0
        assert sum(estimate.interval is not None for estimate in fact.estimates) == intervals, fact.id


# --- the plot ------------------------------------------------------------------------------------------------


def drawn(*rows: ForestRow) -> ET.Element:
    return ET.fromstring(str(forest(rows, label="the regimen")))


def texts(part: ET.Element) -> str:
    """What it says, line for line."""
    return "\n".join(text.strip() for text in part.itertext() if text.strip())


def kind(part: ET.Element, name: str) -> list[ET.Element]:
    """The parts of a class, in their order."""
    return [one for one in part.iter() if name in one.get("class", "").split()]


def at(plot: ET.Element, figure: float) -> float:
    """Where a figure should be drawn, from the ticks the plot itself draws."""
    ticks = {float(text.text or 0): float(text.attrib["x"].rstrip("%")) for text in plot.iter("text")}
    (low, left), (high, right) = min(ticks.items()), max(ticks.items())
    return left + (right - left) * math.log(figure / low) / math.log(high / low)


def test_a_row_stands_where_its_figures_say() -> None:
    """Were it to fail: a bar shows another ratio or interval than the text above it."""
    svg = drawn(ROW)
    (bar,) = kind(svg, "fp-bar")
    (point,) = svg.iter("circle")
    for drawn_at, figure in ((bar.attrib["x1"], 0.25), (bar.attrib["x2"], 1.0), (point.attrib["cx"], 0.5)):
        assert float(drawn_at.rstrip("%")) == pytest.approx(at(svg, figure), abs=0.2)
    (one,) = kind(svg, "fp-one")
    assert float(one.attrib["x1"].rstrip("%")) == pytest.approx(at(svg, 1.0), abs=0.1)


@pytest.mark.parametrize("value", ["0.07", "0.15", "1.9", "2.5", "9.0"])
def test_every_figure_has_room_on_the_axis(value: str) -> None:
    """Were it to fail: a result outside the usual range is drawn at the edge, as if it were smaller."""
    svg = drawn(ROW._replace(value=value, low=None, high=None))
    (point,) = svg.iter("circle")
    where = float(point.attrib["cx"].rstrip("%"))
    assert 2 <= where <= 98
    assert where == pytest.approx(at(svg, float(value)), abs=0.3)


def test_a_row_says_what_it_is() -> None:
    """Were it to fail: a bar without its trial, endpoint, comparator or figures, or without its side of the line."""
    said = texts(drawn(ROW, ROW._replace(endpoint="OS", comparator="another control")))
    for part in ("PFS 0.50 (0.25-1.00)", "OS 0.50", "TRIAL, n=10", "versus control drug", "versus another control",
                 "favours regimen", "favours control"):  # fmt: skip
        assert part in said.replace("\n", " "), part


def test_a_control_that_all_rows_share_is_said_once() -> None:
    """Were it to fail: the comparator is missing, or repeated on every row."""
    assert texts(drawn(ROW, ROW._replace(endpoint="OS"))).count("versus control drug") == 1


def test_every_row_names_its_population() -> None:
    """S8: were it to fail, a reader takes a row for the population of the row above it."""
    rows = kind(drawn(ROW, ROW._replace(endpoint="OS")), "fp-what")
    assert ["TRIAL, n=10" in texts(row) for row in rows] == [True, True]


def test_parts_of_a_trial_stand_apart() -> None:
    """Were it to fail: a subset reads like the population the trial was made for."""
    said = texts(drawn(ROW, ROW._replace(endpoint="CNS-PFS", subset=True), ROW._replace(endpoint="OS")))
    places = [said.index(part) for part in ("Main populations", "PFS", "OS", "Subsets", "CNS-PFS")]
    assert places == sorted(places)
    assert "Subsets" not in texts(drawn(ROW))


def test_the_axis_says_what_it_shows() -> None:
    """Were it to fail: bars on an axis without a name, or a hidden one."""
    (axis,) = kind(drawn(ROW), "fp-axis")
    assert "hazard ratio, logarithmic scale" in texts(axis)
    assert "favours regimen" in texts(axis)


def test_no_line_runs_through_words() -> None:
    """Were it to fail: the grid is drawn where the labels are, and neither can be read."""
    for row in kind(drawn(ROW, ROW), "fp-row")[:-1]:
        what, picture = row
        assert not list(what.iter("line"))
        assert not list(picture.iter("text"))


def test_what_is_from_memory_and_what_has_no_interval_say_so() -> None:
    """S9: were it to fail, a recalled figure looks like one that was read, or a point like a certain result."""
    svg = drawn(ROW._replace(low=None, high=None, pending=True), ROW._replace(low=None, high=None), ROW)
    recalled, loose, read, _ = kind(svg, "fp-row")
    assert recalled.get("class") == "fp-row fp-recalled fp-open"
    assert loose.get("class") == "fp-row fp-open"
    assert read.get("class") == "fp-row"
    assert PENDING in texts(recalled)
    for row in (recalled, loose):
        assert NO_INTERVAL in texts(row)
        assert not kind(row, "fp-bar")
        assert float(kind(row, "fp-point")[0].attrib["r"]) < float(kind(read, "fp-point")[0].attrib["r"])
    assert PENDING not in texts(read)
    assert NO_INTERVAL not in texts(read)


def test_it_is_an_image_with_a_name_and_no_styles_of_its_own() -> None:
    """Were it to fail: a screen reader meets loose numbers, or the security policy of the page breaks the plot."""
    plot = drawn(ROW)
    assert plot.attrib["role"] == "img"
    assert "the regimen" in plot.attrib["aria-label"]
    assert "table" in plot.attrib["aria-label"]
    assert not [part for part in plot.iter() if "style" in part.attrib or part.tag == "style"]


def test_what_it_says_is_escaped() -> None:
    """S34: were it to fail, a text of the knowledge could become markup."""
    hostile = "<script>&\"'"
    source = str(forest([ROW._replace(endpoint=hostile, population=hostile)], label=hostile))
    assert "<script" not in source
    assert hostile in texts(ET.fromstring(source))


def test_without_rows_nothing_is_drawn() -> None:
    """Were it to fail: an empty frame suggests a result."""
    assert forest([], label="the regimen") == ""
