"""Retention: conversations not touched for so many hours are erased, without a scheduler.

Small bites, one after another, so that no turn waits for more than one of them. The clock is injected; one that
jumps back erases nothing early, because a conversation remembers the latest hour it was seen in.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.app import App
from bot.log.model import HOUR

logger = structlog.get_logger()
BITE = 100
"""Conversations erased in one transaction."""
PAUSE = 0.05
"""Seconds between bites, for the turns that wait."""
EVERY = 300.0
"""Seconds between looks."""


async def sweep(app: App, hours: int) -> int:
    """Erase one bite of what is older than `hours`; how many conversations. Raises LogError."""
    before = app.log.at() - hours * HOUR
    app.drop_idle(before)
    erased = await app.log.sweep(before, BITE)
    if erased:
        logger.info("swept", count=erased)
    return erased


async def sweep_all(app: App, hours: int) -> None:
    """Erase all of it, and return: for a process that does not run long. Raises LogError."""
    while await sweep(app, hours) == BITE:
        pass


async def sweep_always(app: App, hours: int, *, every: float = EVERY) -> None:
    """Erase it for ever, as it becomes due. Raises LogError where the log fails."""
    while True:
        erased = await sweep(app, hours)
        await asyncio.sleep(PAUSE if erased == BITE else every)
