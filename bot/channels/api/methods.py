"""HEAD, OPTIONS and the Allow header, for every path alike."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Answers HEAD as it would GET, without the body: an operation is written once, for GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, a HEAD as a GET of which only the head is sent."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


def methods_of(request: Request) -> list[str]:
    """The methods a path can be asked with, over all routes that have this path; GET brings HEAD."""
    allowed: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            allowed |= getattr(route, "methods", None) or set()
    return sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))
