"""Hazard ratios as a forest plot: one inline SVG, drawn by presentation attributes and classes only.

Positions across are percentages and text has the size of the page around it, so that the plot is as readable on a
narrow phone as on a desk: labels stand above their bars, nothing is scaled. The table beside it holds the same figures.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

from markupsafe import Markup

from messages.card import ForestRow

NO_INTERVAL = "interval not in this knowledge"
PENDING = "pending review"
TICKS = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LOW, HIGH = 0.2, 2.0
"""The ends of the axis where all figures lie between them: the same for every plot, so that lengths mean the same."""
_ENDPOINT, _DETAIL = 33, 38
"""Characters of a line of each kind that a width of 264 pixels holds in a wide font."""
_TOGETHER = "\N{NO-BREAK SPACE}"
_STEP, _SMALL, _GAP = 17, 15, 10
"""Heights in pixels: a line of an endpoint, a line of a detail, and the space after a row."""
_FOOT = 38


def forest(rows: Sequence[ForestRow], *, label: str) -> Markup:
    """The plot of a regimen's hazard ratios against their controls; nothing where there are none.

    Log axis with a line at 1; each row has its trial, endpoint and comparator. What is from memory has a hollow mark
    and a dashed bar and says so; a ratio without an interval is a point and says so. `label` names the regimen.
    """
    if not rows:
        return Markup("")
    figures = [float(figure) for row in rows for figure in (row.value, row.low, row.high) if figure is not None]
    low = LOW if min(figures) >= LOW else max(tick for tick in TICKS if tick <= max(min(figures), TICKS[0])) * 0.9
    high = HIGH if max(figures) <= HIGH else min(tick for tick in TICKS if tick >= min(max(figures), TICKS[-1])) * 1.1

    def across(figure: float) -> str:
        share = (math.log(figure) - math.log(low)) / (math.log(high) - math.log(low))
        return f"{2 + 96 * min(max(share, 0.0), 1.0):.1f}%"

    shared = len(rows) > 1 and len({row.comparator for row in rows}) == 1
    drawn = []
    top = _SMALL // 2
    for line in textwrap.wrap(f"All rows: versus {rows[0].comparator}", _DETAIL) if shared else ():
        drawn.append(Markup('<text class="fp-detail" y="{}">{}</text>').format(top + _SMALL // 2, line))
        top += _SMALL
    before = ""
    for row in rows:
        where = row.population if shared else f"{row.population}, versus {row.comparator}"
        part, height = _row(row, across, "" if where == before else where)
        before = where
        drawn.append(Markup('<g transform="translate(0 {})"{}>{}</g>').format(
            top, Markup(' class="fp-recalled"') if row.pending else "", part
        ))  # fmt: skip
        top += height
    ticks = [tick for tick in TICKS if low <= tick <= high]
    grid = Markup("").join(
        Markup('<line class="{}" x1="{x}" x2="{x}" y2="{}"/><text class="fp-tick" x="{x}" y="{}">{}</text>').format(
            "fp-one" if tick == 1 else "fp-grid", top, top + 14, f"{tick:g}", x=across(tick)
        )
        for tick in ticks
    )
    foot = Markup(
        '<text class="fp-side" y="{y}">← favours regimen</text>'
        '<text class="fp-side fp-end" x="100%" y="{y}">favours control →</text>'
    ).format(y=top + 32)
    title = f"Hazard ratios of {label} against the control of each trial"
    count = f"{len(rows)} ratio{'' if len(rows) == 1 else 's'}"
    described = f"{count} on a log axis, below 1 in favour of the regimen. The table after it holds the same figures."
    return Markup(
        '<svg class="forest" role="img" width="100%" height="{}"><title>{}</title><desc>{}</desc>{}{}{}</svg>'
    ).format(top + _FOOT, title, described, grid, Markup("").join(drawn), foot)


def _row(row: ForestRow, across: Callable[[float], str], where: str) -> tuple[Markup, int]:
    """One row: the bar under what it is, and the height they take. `where`: its trial; empty where it is as above."""
    interval = f" ({row.low}-{row.high})" if row.low is not None and row.high is not None else ""
    notes = [*([] if interval else [NO_INTERVAL]), *([PENDING] if row.pending else [])]
    parts = []
    y = _SMALL
    for line in textwrap.wrap(where, _DETAIL):
        parts.append(Markup('<text class="fp-detail" y="{}">{}</text>').format(y, line))
        y += _SMALL
    y += 2
    figures = f"{row.value}{interval}"
    *lines, last = textwrap.wrap(f"{row.endpoint} {figures.replace(' ', _TOGETHER)}", _ENDPOINT)
    for line in lines:
        parts.append(Markup('<text y="{}">{}</text>').format(y, line))
        y += _STEP
    said = last.removesuffix(figures.replace(" ", _TOGETHER))
    parts.append(Markup('<text y="{}">{}<tspan class="fp-value">{}</tspan></text>').format(y, said, figures))
    y += _STEP
    for line in notes:
        parts.append(Markup('<text class="fp-detail" y="{}">{}</text>').format(y, line))
        y += _SMALL
    y -= 4
    if row.low is not None and row.high is not None:
        bar = Markup('<line class="fp-bar" x1="{}" x2="{}" y1="{y}" y2="{y}"/>')
        parts.append(bar.format(across(float(row.low)), across(float(row.high)), y=y))
    parts.append(Markup('<circle class="fp-point" cx="{}" cy="{}" r="5"/>').format(across(float(row.value)), y))
    return Markup("").join(parts), y + _GAP


__all__ = ["forest"]
