"""The answer in the form that was asked for: which one, and written beside the event loop, one at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.api.problems import Refused
from bot.exports import Export, export
from bot.page import page
from bot.plain import plain_text
from flows.sequencing.advice import Advice
from messages.document import text_advice_document
from messages.free_text import TextAnswer, answer_messages
from messages.message import Message
from messages.render import full_answer
from messages.words import Words

T = TypeVar("T")
Form = Literal["json", "html", "text", "pdf", "fhir"]
FORMS: tuple[Form, ...] = get_args(Form)
TEXT_FORMS: tuple[Form, ...] = ("json", "html", "text")
"""Those that say what was understood of a typed text; the others are for a profile."""
MEDIA_TYPES: dict[Form, str] = {
    "json": "application/json",
    "html": "text/html",
    "text": "text/plain",
    "pdf": "application/pdf",
    "fhir": "application/fhir+json",
}
MOST_WAITING = 50
"""Answers that may wait to be written; more are told to come again."""
CONTENT: dict[str, Any] = {
    MEDIA_TYPES["json"]: {},  # FastAPI puts the schema of the response model here
    MEDIA_TYPES["html"]: {"schema": {"type": "string"}},
    MEDIA_TYPES["text"]: {"schema": {"type": "string"}},
    MEDIA_TYPES["pdf"]: {"schema": {"type": "string", "contentMediaType": "application/pdf"}},
    MEDIA_TYPES["fhir"]: {
        "schema": {
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": {"const": "Bundle"}},
        }
    },
}
"""What the description says of a response that comes in these forms."""
_WEIGHT = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}


class FormQuery(BaseModel):
    """Which form an answer is to have."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Form | SkipJsonSchema[None] = Field(
        None, description="The form of the answer. Without it the `Accept` header decides, and JSON where that is open."
    )


def form_of(request: Request, asked: Form | None, forms: tuple[Form, ...] = FORMS) -> Form:
    """The form asked for by name, or else the one the Accept header likes best. Raises Refused."""
    if asked is not None:
        if asked not in forms:
            raise Refused(406, f"format: a text is answered as {', '.join(forms)}", "format")
        return asked
    accepted = request.headers.get("accept", "*/*")
    ranges = [_range(part) for part in accepted.split(",") if part.strip()] or [("*/*", 1.0)]
    liked = {form: _liking(media_type, ranges) for form, media_type in MEDIA_TYPES.items()}
    best = max(forms, key=lambda form: liked[form])  # of equals the first
    if liked[best] <= 0:
        there = ", ".join(MEDIA_TYPES[form] for form in forms)
        raise Refused(406, f"none of the forms asked for; there are {there}", "Accept")
    return best


def _range(part: str) -> tuple[str, float]:
    """A media range and its weight (RFC 9110, 12.5.1); what cannot be read weighs nothing."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, float(value) if _WEIGHT.fullmatch(value.strip()) else 0.0
    return name, 1.0


def _liking(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """The weight of a media type: the range that names it most closely decides."""
    weights = dict(reversed(ranges))
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        if name in weights:
            return weights[name]
    return 0.0


class Writer:
    """Writes answers one at a time in a thread: a PDF takes a fifth of a second, and turns go on meanwhile."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._one = asyncio.Lock()
        self._waiting = 0

    async def response(
        self, form: Form, advice: Callable[[], Advice], role: str | None = None, banner: str | None = None
    ) -> tuple[Response, Advice]:
        """The response that holds an answer, and the answer. Raises Refused where too many wait."""
        written, answer = await self.beside(lambda: self._written(form, advice, role, banner))
        return _response(written), answer

    async def text_response(
        self, form: Form, answer: Callable[[], TextAnswer], banner: str | None = None
    ) -> tuple[Response, Advice]:
        """The same for the answer to a typed case. Raises Refused, and whatever `answer` raises."""
        written, given = await self.beside(lambda: self._written_for_text(form, answer, banner))
        return _response(written), given.advice

    async def beside(self, work: Callable[[], T]) -> T:
        """What some work comes to, done in a thread when its turn comes. Raises Refused where too many wait."""
        if self._waiting >= MOST_WAITING:
            raise Refused(503, "too many answers are being written; ask again", headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            async with self._one:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1

    def _written(
        self, form: Form, advice: Callable[[], Advice], role: str | None, banner: str | None
    ) -> tuple[Export, Advice]:
        answer = advice()
        if form != "text":
            return export(form, answer, self._words, role, banner), answer
        return _as_text(full_answer(answer, self._words, role), answer, banner), answer

    def _written_for_text(
        self, form: Form, answer: Callable[[], TextAnswer], banner: str | None
    ) -> tuple[Export, TextAnswer]:
        given = answer()
        if form == "json":
            content = text_advice_document(given, self._words).model_dump_json(indent=2).encode()
            return Export(content, MEDIA_TYPES[form], f"{_name(given.advice)}.json"), given
        messages = answer_messages(given, self._words)
        if form == "html":
            content = page(messages, banner).encode()
            return Export(content, "text/html; charset=utf-8", f"{_name(given.advice)}.html"), given
        return _as_text(messages, given.advice, banner), given


def _name(advice: Advice) -> str:
    return f"her2-options-{advice.record_id}"


def _as_text(messages: Iterable[Message], advice: Advice, banner: str | None) -> Export:
    text = plain_text(messages)
    said = f"{banner}\n\n{text}" if banner is not None else text
    return Export(said.encode(), "text/plain; charset=utf-8", f"{_name(advice)}.txt")


def _response(written: Export) -> Response:
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{written.name}"'}
    return Response(written.content, headers=headers, media_type=written.media_type)
