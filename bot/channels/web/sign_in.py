"""Signing in with the access token, in a browser; `bot.access` lets through whoever did."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.access import (
    EMBEDDED,
    LASTS,
    SIGN_IN,
    SIGN_OUT,
    TRIES,
    TRIES_WITHIN,
    Limit,
    Passes,
    client_of,
    cookie_name,
    counted,
    is_embedded,
    is_tls,
    is_token,
    local_path,
)
from bot.body import TooLarge, body_of
from bot.channels.web.pages import render_page
from bot.channels.web.sessions import forget_session
from bot.log.keys import Keys
from bot.settings import Settings

LARGEST = 8 * 1024
"""Bytes the form may have."""
SLOWEST = 10.0
"""Seconds a client may take to send it."""


def routes(
    settings: Settings,
    keys: Keys,
    *,
    render: Callable[..., str] = render_page,
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Route]:
    """The pages; none where no token is set: then there is nothing to sign in with."""
    token = settings.access_token
    if token is None:
        return []
    passes = Passes(token, keys, now)
    tries = Limit(TRIES / TRIES_WITHIN, TRIES, monotonic)

    def page(request: Request, status: int, target: str, problem: str = "", wait: float = 0.0) -> Response:
        action = request.url.path
        text = render(
            "sign_in.html", action=action, embedded=is_embedded(action), next=target, problem=problem,
            minutes=math.ceil(wait / 60),
        )  # fmt: skip
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if wait:
            headers["Retry-After"] = str(math.ceil(wait))
        return HTMLResponse(text, status, headers)

    async def ask(request: Request) -> Response:
        return page(request, 200, _target(request, request.query_params.get("next")))

    async def check(request: Request) -> Response:
        try:
            fields = parse_qs(
                (await body_of(request, LARGEST, SLOWEST)).decode(), keep_blank_values=True, max_num_fields=8
            )
        except TooLarge:
            return page(request, 413, _target(request, None), "unreadable")
        except TimeoutError:
            return page(request, 408, _target(request, None), "unreadable")
        except (ClientDisconnect, ValueError):
            return page(request, 400, _target(request, None), "unreadable")
        target = _target(request, fields.get("next", ["/"])[-1])
        client = counted(client_of(request.scope))
        if wait := tries.wait(client):  # before the token is looked at: otherwise a right one could still be found
            return page(request, 429, target, "wait", wait)
        if not is_token(fields.get("token", [""])[-1].strip().encode(), token):
            tries.spend(client)
            return page(request, 401, target, "wrong")
        return _led(request, target, passes.issue(), LASTS)

    async def leave(request: Request) -> Response:
        response = _led(request, request.url.path.replace(SIGN_OUT, SIGN_IN), "", 0)
        forget_session(response, secure=is_tls(request.scope), embedded=is_embedded(request.url.path))
        return response

    return [
        route
        for base in (("", EMBEDDED) if settings.embed_origins else ("",))
        for route in (
            Route(base + SIGN_IN, ask, methods=["GET"]),
            Route(base + SIGN_IN, check, methods=["POST"]),
            Route(base + SIGN_OUT, leave, methods=["POST"]),
        )
    ]


def _target(request: Request, text: str | None) -> str:
    """Where to go from here: a page of the frame where signing in is in one."""
    target = local_path(text)
    return EMBEDDED if is_embedded(request.url.path) and not is_embedded(target) else target


def _led(request: Request, target: str, value: str, seconds: int) -> Response:
    tls, embedded = is_tls(request.scope), is_embedded(request.url.path)
    # in a frame of another site a browser holds only what is kept apart for that site
    reach = "SameSite=None; Partitioned" if embedded and tls else "SameSite=Lax"
    name = cookie_name(tls=tls, embedded=embedded)
    cookie = f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; {reach}{'; Secure' if tls else ''}"
    return Response(status_code=303, headers={"Location": target, "Set-Cookie": cookie})
