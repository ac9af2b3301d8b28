"""The access token: nothing but health is open where one is set."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.api.problems import problem

logger = structlog.get_logger()


class Access:
    """Asks for the access token where one is set. Health is open: whoever restarts the service has no token.

    `elsewhere`: paths that know their caller by other means.
    """

    def __init__(self, app: ASGIApp, token: str | None, elsewhere: Sequence[str] = ()) -> None:
        self._app = app
        self._open = ("/healthz", "/readyz", *elsewhere)
        self._expected = f"Bearer {token}".encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer 401. What failed was answered already: the connection goes on."""
        if scope["type"] == "http" and self._expected is not None and scope["path"] not in self._open:
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not hmac.compare_digest(given, self._expected):
                refusal = problem(401, "An access token is needed: Authorization: Bearer ...")
                refusal.headers["WWW-Authenticate"] = "Bearer"
                await refusal(scope, receive, send)
                return
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            logger.error("request_failed", kind=type(error).__name__)
