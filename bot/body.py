"""The body of a request, within bounds: how large it may be, and how long it may take to arrive."""

from __future__ import annotations

import asyncio

from starlette.requests import Request


class TooLarge(ValueError):
    """More was sent than is read."""


async def body_of(request: Request, largest: int, slowest: float) -> bytes:
    """At most `largest` bytes within `slowest` seconds. Raises TooLarge, TimeoutError, starlette's ClientDisconnect."""
    parts, size = [], 0
    async with asyncio.timeout(slowest):
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > largest:
                raise TooLarge
    return b"".join(parts)
