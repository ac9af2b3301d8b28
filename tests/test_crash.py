"""The crash test in short: `make crash` is the long one. And that it can fail: three times with something left out."""

from __future__ import annotations

import pytest

from tests.crash import crash
from tests.postgres import need_postgres


@pytest.mark.parametrize(("engine", "kills"), [("sqlite", 10), ("postgresql", 8)])
def test_nothing_is_lost_doubled_or_stuck_when_workers_are_killed(engine: str, kills: int) -> None:
    """S24: were it to fail, an answer that was acknowledged is gone after a crash, counted twice, or blocks the way."""
    if engine == "postgresql":
        need_postgres()
    report = crash(engine, kills=kills, races=3, users=12, seed=7)
    assert not report.failed, f"{report}\n" + "\n".join(report.examples)
    assert report.kills >= kills
    assert report.turns > 60
    assert report.duplicates > 20
    assert report.races >= 3
    assert report.letters_unsure < report.letters / 3, (
        "most letters leave in spite of it all: it is killed twice a second"
    )


@pytest.mark.parametrize(
    ("engine", "without", "kills"), [("sqlite", "dedupe", 4), ("sqlite", "transaction", 8), ("postgresql", "lock", 4)]
)
def test_the_crash_test_sees_what_is_left_out(engine: str, without: str, kills: int) -> None:
    """Were it to fail: the test above would pass without the dedupe row, the transaction or the lock as well."""
    if engine == "postgresql":
        need_postgres()
    reports = []
    for seed in (7, 8, 9):
        users = 10 if without == "dedupe" else 20  # each of them that gets stuck is waited for
        report = crash(engine, kills=kills, users=users, seed=seed, without=without, patience=2.0)
        wrong = report.lost + report.doubled + report.letters_lost + report.letters_doubled
        if wrong or (report.stuck and report.turns > 10):  # a service that takes no turn at all shows nothing
            return
        reports.append(report)
    raise AssertionError("\n".join(map(str, reports)))
