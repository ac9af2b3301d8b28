"""Hazard ratios as a forest plot: words beside or above small drawings, by presentation attributes and classes only.

Words are text of the page, which breaks them into lines where the page is narrow. Each row has a drawing of its own,
with positions across as percentages, so that nothing is scaled and no line of the grid runs through words. The table
after it holds the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from messages.card import ForestRow

NO_INTERVAL = "interval not in this knowledge"
PENDING = "pending review"
AXIS = "hazard ratio, logarithmic scale"
MAIN, SUBSETS = "Main populations", "Subsets"
TICKS = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LOW, HIGH = 0.2, 2.0
"""The ends of the axis where all figures lie between them: the same for every plot, so that lengths mean the same."""
FIRM, LIGHT = 5, 3.5
"""The radius of a point with an interval, and without one: it is less sure and looks it."""

_Across = Callable[[float], str]


def forest(rows: Sequence[ForestRow], *, label: str) -> Markup:
    """The plot of a regimen's hazard ratios against their controls; nothing where there are none.

    Log axis with a line at 1; each row has its endpoint, figures, population and comparator; rows on parts of a trial
    stand after the others, under a heading. What is from memory has a hollow mark and a dashed bar and says so; a
    ratio without an interval is a small open point and says so. `label` names the regimen.
    """
    if not rows:
        return Markup("")
    figures = [float(figure) for row in rows for figure in (row.value, row.low, row.high) if figure is not None]
    low = LOW if min(figures) >= LOW else max(tick for tick in TICKS if tick <= max(min(figures), TICKS[0])) * 0.9
    high = HIGH if max(figures) <= HIGH else min(tick for tick in TICKS if tick >= min(max(figures), TICKS[-1])) * 1.1

    def across(figure: float) -> str:
        share = (math.log(figure) - math.log(low)) / (math.log(high) - math.log(low))
        return f"{2 + 96 * min(max(share, 0.0), 1.0):.1f}%"

    ticks = [tick for tick in TICKS if low <= tick <= high]
    grid = Markup("").join(
        Markup('<line class="{}" x1="{x}" x2="{x}" y1="0" y2="100%"/>').format(
            "fp-one" if tick == 1 else "fp-grid", x=across(tick)
        )
        for tick in ticks
    )
    shared = len(rows) > 1 and len({row.comparator for row in rows}) == 1
    parts = [Markup('<p class="fp-all">All rows: versus {}</p>').format(rows[0].comparator)] if shared else []
    groups = [(MAIN, [row for row in rows if not row.subset]), (SUBSETS, [row for row in rows if row.subset])]
    for heading, group in groups:
        if group and groups[1][1]:
            parts.append(Markup('<p class="fp-group">{}</p>').format(heading))
        parts += [_row(row, across, grid, shared=shared) for row in group]
    parts.append(_axis(ticks, across))
    count = f"{len(rows)} ratio{'' if len(rows) == 1 else 's'}"
    title = f"Hazard ratios of {label} against the control of each trial"
    described = f"{count} on a log axis, below 1 in favour of the regimen. The table after it holds the same figures."
    return Markup('<div class="forest" role="img" aria-label="{}: {}">{}</div>').format(
        title, described, Markup("").join(parts)
    )


def _row(row: ForestRow, across: _Across, grid: Markup, *, shared: bool) -> Markup:
    """What a row is, and its drawing."""
    interval = f" ({row.low}-{row.high})" if row.low is not None and row.high is not None else ""
    where = row.population if shared else f"{row.population}, versus {row.comparator}"
    notes = [where, *([] if interval else [NO_INTERVAL]), *([PENDING] if row.pending else [])]
    said = Markup('<div class="fp-what">{} <b>{}</b>{}</div>').format(
        row.endpoint,
        f"{row.value}{interval}",
        Markup("").join(Markup("<small>{}</small>").format(note) for note in notes),
    )
    drawn = Markup("")
    if row.low is not None and row.high is not None:
        bar = Markup('<line class="fp-bar" x1="{}" x2="{}" y1="50%" y2="50%"/>')
        drawn = bar.format(across(float(row.low)), across(float(row.high)))
    drawn += Markup('<circle class="fp-point" cx="{}" cy="50%" r="{}"/>').format(
        across(float(row.value)), FIRM if interval else LIGHT
    )
    classes = ["fp-row", *(["fp-recalled"] if row.pending else []), *([] if interval else ["fp-open"])]
    return Markup('<div class="{}">{}<svg width="100%" height="24">{}{}</svg></div>').format(
        " ".join(classes), said, grid, drawn
    )


def _axis(ticks: Sequence[float], across: _Across) -> Markup:
    """The figures under the axis, what it shows, and whom each side favours."""
    figures = Markup("").join(
        Markup('<line class="fp-grid" x1="{x}" x2="{x}" y1="0" y2="4"/><text x="{x}" y="17">{}</text>').format(
            f"{tick:g}", x=across(tick)
        )
        for tick in ticks
    )
    return Markup(
        '<div class="fp-row fp-axis"><div></div><div><svg width="100%" height="20">{}</svg><p class="fp-title">{}</p>'
        '<p class="fp-sides"><span>← favours regimen</span> <span>favours control →</span></p></div></div>'
    ).format(figures, AXIS)


__all__ = ["forest"]
