"""The HTTP interface: advice for programs, conversations for any chat front end, the knowledge, health.

`POST /api/v1/recommendations`, `/api/v1/understanding`, `/api/v1/conversations`, `/api/v1/knowledge`,
`/api/v1/questionnaire`, described in `/api/v1/openapi.json` (docs/how-to/use-the-api.md). `/healthz`, `/readyz` and
`/metrics` are for operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bot.app import App
from bot.channels.api import (
    conversations,
    description,
    health,
    knowledge,
    questionnaire,
    recommendations,
    understanding,
)
from bot.channels.api.conversations import LARGEST
from bot.channels.api.forms import Writer
from bot.channels.api.health import Readiness
from bot.channels.api.methods import Heads
from bot.channels.api.operations import Operation
from bot.channels.api.problems import problem, refused
from bot.metrics import Metrics

SLOWEST = 10.0
"""Seconds a client may take to send a body."""


def create(app: App, metrics: Metrics, *, routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """What is for programs. Who may call is decided before (`bot.access`). `routes`: further ones of other channels."""

    async def failed(_: Request, error: Exception) -> Response:
        metrics.error(type(error).__name__)
        response = problem(500, "Something failed here; the request is not at fault.")
        response.headers["Connection"] = "close"  # the server closes it after an exception, and the client has to know
        return response

    handlers: dict[Any, Callable[..., Any]] = {HTTPException: refused, Exception: failed}
    api = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, exception_handlers=handlers,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    api.router.route_class = Operation
    api.state.slowest = SLOWEST
    writer = Writer(app.words)
    recommendations.add(api, app, writer, metrics)
    understanding.add(api, app, writer)
    conversations.add(api, app, writer)
    knowledge.add(api, app)
    questionnaire.add(api, app)
    own = [description.route(api, app.words), *health.routes(app, metrics)]
    api.router.routes.extend([*own, *routes])
    return Heads(api)


__all__ = ["LARGEST", "SLOWEST", "Readiness", "create"]
