"""What a request that cannot be answered is told: application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.api.methods import methods_of

MEDIA_TYPE = "application/problem+json"
_NOTHING = {404: "There is nothing at this path.", 405: "This path is not asked so; Allow names the methods."}
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Where Python's names of statuses are older than RFC 9110."""


class Problem(BaseModel):
    """Why a request could not be answered, for programs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    type: Annotated[str, Field(description="Always about:blank: the status says what kind of problem it is.")]
    title: Annotated[str | None, Field(description="What the status means.")] = None
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What is wrong with this request, on one line.")]
    field: Annotated[str | None, Field(description="The field or parameter at fault; list entries count from one.")] = (
        None
    )


class Refused(HTTPException):
    """A request that cannot be used, and where it names one, the field at fault."""

    def __init__(
        self, status: int, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.field = field


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem(status: int, detail: str, field: str | None = None) -> Response:
    """The response that says a problem."""
    said = Problem(type="about:blank", title=_title(status), status=status, detail=detail, field=field)
    headers = {"Cache-Control": "no-store"}
    return Response(said.model_dump_json(exclude_none=True), status, headers, media_type=MEDIA_TYPE)


async def refused(request: Request, error: Exception) -> Response:
    """What became of a request that was refused: by an operation, or because there is none at its path."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(methods_of(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:  # nothing was said: no operation was reached
        detail = _NOTHING.get(error.status_code, detail)
    response = problem(error.status_code, detail, getattr(error, "field", None))
    response.headers.update(headers)
    return response


ANYWHERE = (400, 401, 403, 421, 429, 500)
"""Problems that any operation may be answered with, most of them by what guards the port (bot/access.py)."""
MAY_HAPPEN = {
    400: "the request did not arrive whole",
    401: "An access token is needed: Authorization: Bearer ...",
    403: "This did not come from a page of this service.",
    404: "There is no such entry.",
    406: "none of the forms asked for; there are application/json, text/html, ...",
    408: "the request took too long to arrive",
    409: "there is no answer yet: the conversation stands at gate",
    413: "larger than 16 KiB",
    415: "expected application/json",
    422: "prior_lines.1.outcome: 'progresed' is not one of progression, toxicity, completed; did you mean progression?",
    421: "This service is not reached under that name (TRIAGE_PUBLIC_URL says which it has).",
    429: "Too many requests at once; go on in 1 s.",
    500: "Something failed here; the request is not at fault.",
    503: "too many answers are being written; ask again",
}
"""The problems an operation may answer with, each with an example of its detail."""
_RETRY = {"Retry-After": {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}}}


def may_refuse(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the description says of the problems an operation may answer with."""
    said: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        example = Problem(
            type="about:blank", title=_title(status), status=status, detail=MAY_HAPPEN[status],
            field="prior_lines.1.outcome" if status == 422 else None,
        )  # fmt: skip
        said[status] = {
            "description": _title(status),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": example.model_dump(exclude_none=True),
                }
            },
            **({"headers": _RETRY} if status in (429, 503) else {}),
        }
    return said
