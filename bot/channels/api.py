"""The HTTP interface: conversations for any chat front end, and what operators ask.

`POST /api/v1/conversations` begins one; `POST /api/v1/conversations/{id}/turns` takes a turn and returns messages
(docs/how-to/use-the-api.md). `/healthz`, `/readyz` and `/metrics` say how the service does.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import NOT_KEPT, App, Incoming, Tap, Text
from bot.body import TooLarge, body_of
from bot.log import LogError
from bot.metrics import Metrics
from bot.wire import NotATurn, to_wire
from messages.message import Message

logger = structlog.get_logger()
LARGEST = 16 * 1024
"""Bytes a request may have: the longest text that is read, several times over."""
SLOWEST = 10.0
"""Seconds a client may take to send them."""
PROBED = 1.0
"""Seconds for which what was found out about readiness is taken to hold."""
_ID = re.compile(r"[A-Za-z0-9_-]{32}")


class TurnDocument(BaseModel):
    """A turn: an option chosen (`turn`, as a button carries it) or a text typed, and what names this delivery."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    turn: Annotated[str, Field(max_length=2000)] | None = None
    text: Annotated[str, Field(max_length=4000)] | None = None
    delivery: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @property
    def incoming(self) -> Incoming | None:
        """What it brings; None where it is neither or both."""
        if (self.turn is None) == (self.text is None):
            return None
        return Tap(self.turn) if self.turn is not None else Text(self.text or "")


class Readiness:
    """Whether a turn could be kept now: something is written to find out, at most once a second."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked = -PROBED
        self._reason: str | None = None
        self._asking = asyncio.Lock()

    async def reason(self) -> str | None:
        """Why no turn can be taken; None where it can."""
        if self._app.stopping:
            return "stopping"
        async with self._asking:
            if time.monotonic() - self._asked >= PROBED:
                try:
                    async with asyncio.timeout(2.0):
                        await self._app.log.probe()
                    self._reason = None
                except (LogError, TimeoutError):
                    self._reason = "the log cannot be written"
                self._asked = time.monotonic()
        return self._reason


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
                refusal = _problem(401, "An access token is needed: Authorization: Bearer ...")
                refusal.headers["WWW-Authenticate"] = "Bearer"
                await refusal(scope, receive, send)
                return
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            logger.error("request_failed", kind=type(error).__name__)


def create(
    app: App,
    metrics: Metrics,
    *,
    token: str | None = None,
    routes: Sequence[BaseRoute] = (),
    elsewhere: Sequence[str] = (),
) -> ASGIApp:
    """The application of one process.

    `routes`: those of channels that are called from outside; `elsewhere`: of their paths, those that ask for a secret
    of their own instead of the access token.
    """
    readiness = Readiness(app)

    async def begin(_: Request) -> Response:
        identifier = secrets.token_urlsafe(24)
        return _said(identifier, await app.opening(_conversation(identifier)), 201)

    async def turn(request: Request) -> Response:
        identifier = _identifier(request)
        document = await _document(request)
        incoming = document.incoming
        if incoming is None:
            return _problem(422, "turn, text: expected one of the two")
        return _said(identifier, await app.handle(_conversation(identifier), incoming, document.delivery))

    async def stands(request: Request) -> Response:
        identifier = _identifier(request)
        return _said(identifier, await app.opening(_conversation(identifier)))

    async def erase(request: Request) -> Response:
        identifier = _identifier(request)
        return _said(identifier, await app.handle(_conversation(identifier), Text("/forget")))

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        reason = await readiness.reason()
        return JSONResponse({"status": "ready"}) if reason is None else _problem(503, reason)

    async def measured(_: Request) -> Response:
        try:
            depth = await app.log.depth()
        except LogError:
            depth = None
        text = metrics.exposition(app, depth, ready=await readiness.reason() is None)
        return Response(text, media_type="text/plain; version=0.0.4")

    async def failed(_: Request, error: Exception) -> Response:
        metrics.error(type(error).__name__)
        response = _problem(500, "Something failed here; the request is not at fault.")
        response.headers["Connection"] = "close"  # the server closes it after an exception, and the client has to know
        return response

    own = [
        Route("/api/v1/conversations", begin, methods=["POST"]),
        Route("/api/v1/conversations/{identifier}", stands, methods=["GET"]),
        Route("/api/v1/conversations/{identifier}", erase, methods=["DELETE"]),
        Route("/api/v1/conversations/{identifier}/turns", turn, methods=["POST"]),
        Route("/healthz", health),
        Route("/readyz", ready),
        Route("/metrics", measured),
    ]
    handlers: dict[Any, Callable[..., Any]] = {HTTPException: _refused, Exception: failed}
    return Access(Starlette(routes=[*own, *routes], exception_handlers=handlers), token, elsewhere)


def _conversation(identifier: str) -> str:
    return f"web:{identifier}"


def _identifier(request: Request) -> str:
    identifier: str = request.path_params["identifier"]
    if not _ID.fullmatch(identifier):
        raise HTTPException(404, "There is no such conversation.")
    return identifier


async def _document(request: Request) -> TurnDocument:
    try:
        body = await body_of(request, LARGEST, SLOWEST)
    except TooLarge:
        raise HTTPException(413, f"larger than {LARGEST // 1024} KiB") from None
    except TimeoutError:
        raise HTTPException(408, "the request took too long to arrive") from None
    except ClientDisconnect:
        raise HTTPException(400, "the request did not arrive whole") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected application/json")  # after the body: one unread would end the connection
    try:
        return TurnDocument.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]  # what was typed is not said back
        where = ".".join(str(part) for part in first["loc"] if part in TurnDocument.model_fields)
        if first["type"] == "extra_forbidden":
            raise HTTPException(422, "there is a field other than turn, text and delivery") from None
        raise HTTPException(422, f"{where}: {first['msg']}" if where else str(first["msg"])) from None


def _said(identifier: str, messages: list[Message], status: int = 200) -> Response:
    """The answer to a turn; 503 where it was not taken, so that whoever sent it sends it again."""
    if any(message.id in NOT_KEPT for message in messages):
        status = 503
    body = {"conversation": identifier, "messages": [message_document(message) for message in messages]}
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **headers})


def message_document(message: Message) -> dict[str, Any]:
    """A message as data: blocks of text, and buttons with the turn each means."""
    return {
        "id": message.id,
        "blocks": [{"kind": block.kind, "text": block.text} for block in message.blocks],
        "buttons": [{"label": button.label, "turn": _wire(button.turn)} for button in message.buttons],
        "several": message.several,
    }


def _wire(turn: Any) -> str:
    try:
        return to_wire(turn)
    except NotATurn:
        return ""


def _problem(status: int, detail: str) -> Response:
    """An error as application/problem+json (RFC 9457)."""
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail})
    return Response(body, status, {"Cache-Control": "no-store"}, media_type="application/problem+json")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _problem(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response
