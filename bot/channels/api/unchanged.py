"""Documents that change only with the knowledge: a program that has one already is told so (RFC 9110, 8.8 and 13)."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flows import VERSION
from flows.knowledge.load import Knowledge

_ETAG = {"headers": {"ETag": {"description": "Names what came back.", "schema": {"type": "string"}}}}
TAGGED: dict[int | str, dict[str, Any]] = {
    200: _ETAG,
    304: {"description": "The caller's `If-None-Match` names the current `ETag`: nothing has changed.", **_ETAG},
}
"""What the description says of an operation that is answered by `fresh`."""


def tag_of(knowledge: Knowledge) -> str:
    """The entity tag of what is said of a knowledge: its digest, and the software that says it."""
    return f'"{knowledge.digest}+{VERSION}"'


def tag_of_content(content: bytes) -> str:
    """The entity tag of a document that rests on more than the knowledge."""
    return f'"sha256:{hashlib.sha256(content).hexdigest()}"'


def fresh(request: Request, content: bytes, tag: str) -> Response:
    """The document, or 304 where the caller has it. It may be kept, and has to be asked for again each time."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


def _has(known: str, tag: str) -> bool:
    return known.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in known.split(","))
