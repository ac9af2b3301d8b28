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
EVERY = 300.0
"""Seconds between looks."""


async def sweep(app: App, hours: int, *, every: float = EVERY) -> None:
    """Erase what is older than `hours`, for ever. Raises LogError where the log fails."""
    while True:
        before = app.log.at() - hours * HOUR
        app.drop_idle(before)
        erased = await app.log.sweep(before, BITE)
        if erased:
            logger.info("swept", count=erased)
        await asyncio.sleep(0.05 if erased == BITE else every)
