"""The CPU of one page of the web channel, part by part, and of what an answer can be had as. In this process alone."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from benchmarks.core import CONSULT, DURABLE, back_and_forth, measure, row, said
from benchmarks.durable import KEYS, Unlogged
from benchmarks.web_clients import ROUND
from bot.app import App, Standing, Tap
from bot.channels.web.channel import COMPRESSION, Seat
from bot.channels.web.pages import render_page
from bot.channels.web.plot import forest
from bot.channels.web.sessions import CASES, Session, form_token
from bot.channels.web.view import View, view_of
from bot.exports import FORMS, Form, export
from bot.log import Log
from bot.log.sqlite import SQLite
from flows.dialogue import State, advice_of
from flows.knowledge.load import shipped
from flows.profile import OPTIONS, Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from messages.card import card

GIVEN = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [],
    "prior_lines": [{"agents": ["taxane", "trastuzumab", "pertuzumab"], "outcome": "ongoing"}],
}  # fmt: skip
LARGEST = {**{field: "unknown" for field in OPTIONS if field not in GIVEN}, **GIVEN}
"""The longest answer found among some thousand profiles: twelve options, and nothing else is known."""
SEAT = Seat(Session(secrets.token_urlsafe(24)), 1, "", secure=False)
USER = "user"
"""The conversation that core.back_and_forth plays."""


def pages(folder: Path) -> None:
    """Every row."""
    print(f"\n{'The CPU of one page':<58} {'median':>9} {'lowest':>9}", flush=True)
    with asyncio.Runner() as runner:
        app = App(shipped(), cast(Log, Unlogged()))
        kept = App(shipped(), Log(SQLite(folder / "pages.sqlite3", KEYS)))
        standing = runner.run(consult(app))
        for name, one in (("nothing kept", app), ("on the disk", kept)):
            median, lowest = measure(lambda one=one: runner.run(consult(one)), 1)  # type: ignore[misc]
            said(f"floor: App.handle, turns of a consult, {name}", median / len(ROUND), lowest / len(ROUND))
            runner.run(at_hr_status(one))
            median, lowest = measure(back_and_forth(one, runner), 1)
            said(f"floor: App.handle, a question turn, {name}", median / DURABLE, lowest / DURABLE)
        kept.log.close()
    for place, name in (
        (8, "a question"),
        (5, "prior lines, one entered"),
        (11, "the review"),
        (12, "a typical answer"),
    ):
        made = partial(view_of, app, standing[place], SEAT.url)
        parts(name, cast(Callable[[], View], made), app, 5 if place == 12 else 50)
    typical = advice_of(standing[12].state, app.knowledge)
    parts("the longest answer", partial(of_advice, app, standing[12].state, LARGEST), app, 3)
    largest = recommend(Profile.model_validate(LARGEST), app.knowledge)
    plot = max(card(largest, app.words).options, key=lambda option: len(option.forest))
    row(f"a forest plot of {len(plot.forest)} ratios", partial(forest, plot.forest, label=plot.name), 50)
    for form in FORMS:
        exported(form, "a typical answer", typical, app)
        exported(form, "the longest", largest, app)


async def consult(app: App) -> list[Standing]:
    """A whole consult: where the case stands before each of its turns."""
    standing = []
    for wire in ROUND:
        standing.append(await app.standing("web:somebody"))
        await app.handle("web:somebody", Tap(wire))
    return standing


async def at_hr_status(app: App) -> None:
    """Bring the conversation of core.back_and_forth to its question."""
    for wire in CONSULT[:8]:
        await app.handle(USER, Tap(wire))


def of_advice(app: App, state: State, profile: Mapping[str, object]) -> View:
    """The page of another answer: decided, and put into words."""
    advice = recommend(Profile.model_validate(profile), app.knowledge)
    return View((), (), None, None, card(advice, app.words, state.role), "advice")


def parts(name: str, made: Callable[[], View], app: App, batch: int) -> None:
    """A page: what it shows, written as a page, and compressed."""
    view = made()

    def written() -> str:
        return render_page(
            "chat.html", seat=SEAT, view=view, token=form_token(SEAT.session, app.log.keys), screen="1.1.8", most=CASES
        )

    page = written().encode()
    compressed = len(gzip.compress(page, COMPRESSION))
    row(f"{name}: what the page shows", made, batch)
    row("  written as a page", written, batch)
    row(f"  compressed, {len(page):,} B to {compressed:,}", partial(gzip.compress, page, COMPRESSION), batch)


def exported(form: Form, name: str, advice: Advice, app: App) -> None:
    """One answer as a file."""
    made = partial(export, form, advice, app.words, "oncologist")
    row(f"{form.upper()} of {name}, {len(made().content):,} B", made, 2, batches=9)
