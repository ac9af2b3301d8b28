"""Advice for one profile document, or one case typed as a text: for programs, stateless."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from bot.app import App
from bot.channels.api.forms import CONTENT, TEXT_FORMS, FormQuery, Writer, form_of
from bot.channels.api.operations import V1, Body
from bot.channels.api.problems import Refused, may_refuse
from bot.channels.api.understanding import TypedText, identifying, refusal
from bot.documents import LARGEST, UnusableInput, profile_from
from bot.metrics import Metrics
from flows.profile import FIELDS, Line, Profile
from flows.sequencing.recommend import recommend
from messages.document import AdviceDocument, TextAdviceDocument
from messages.free_text import HoldsIdentifier, answer_to

_SAID = "profile"
_LONGEST = 300
"""Characters of what was sent that are said back at most."""
_MOST_VALUES = 1000
"""Values a profile may hold: above what fits into its fields, and few enough to be checked at once."""


class TypedCase(BaseModel):
    """A whole case in the words of a clinician, instead of a profile."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    text: TypedText


class RecommendationQuery(FormQuery):
    """Which form the advice is to have, and where the patient is treated."""

    region: Literal["us", "eu", "china", "other", "unknown"] | SkipJsonSchema[None] = Field(
        None, description="Where the patient is treated; used where the profile or text names no region."
    )


def read_profile(document: Any) -> Profile:
    """The profile of a JSON value. Raises Refused naming the field and what it allows, with a suggestion."""
    if not isinstance(document, dict):
        raise Refused(422, "expected an object of profile fields")
    if not _is_small(document):
        raise Refused(422, f"more than {_MOST_VALUES} values: no profile has so many")
    try:
        return Profile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    try:
        return profile_from(document, _SAID)
    except UnusableInput as error:
        said = str(error).removeprefix(f"{_SAID}: ")
        raise Refused(422, said[:_LONGEST], _field(first["loc"], whole=first["type"] == "extra_forbidden")) from None


def read_case(document: Any) -> Profile | TypedCase:
    """The profile of a JSON value, or its text where it has one. Raises Refused."""
    if not isinstance(document, dict) or "text" not in document:
        return read_profile(document)
    if len(document) > 1:
        raise Refused(422, "text: stands alone; it is a text or the fields of a profile, not both", "text")
    try:
        return TypedCase.model_validate(document)
    except ValidationError as error:
        raise refusal(error, TypedCase) from None


def _is_small(document: dict[str, Any]) -> bool:
    """Whether a value holds few others, however they are nested."""
    counted = 0
    left: list[Any] = [document]
    while left and counted <= _MOST_VALUES:
        value = left.pop()
        parts = value.values() if isinstance(value, dict) else value
        counted += len(parts)
        left += [part for part in parts if isinstance(part, dict | list)] if counted <= _MOST_VALUES else []
    return counted <= _MOST_VALUES


def _field(where: tuple[int | str, ...], *, whole: bool) -> str | None:
    """The path of a field as it is said: list entries count from one. `whole`: its last part is no field we know."""
    names = (*FIELDS, *Line.model_fields)
    parts = [part for part in where if whole or isinstance(part, int) or part in names]  # the others name types
    path = ".".join(str(part + 1) if isinstance(part, int) else part for part in parts)[:_LONGEST]
    return "".join(sign if sign.isprintable() else "?" for sign in path) or None


CaseBody = Annotated[Profile | TypedCase, Body(read_case, LARGEST, (*FIELDS, *Line.model_fields, "text"))]


def add(api: FastAPI, app: App, writer: Writer, metrics: Metrics) -> None:
    """Add the operation."""
    region = app.replay(()).region  # the setting's

    @api.post(
        f"{V1}/recommendations",
        operation_id="recommend",
        summary="Have advice for one profile or one typed case",
        tags=["recommendations"],
        response_model=AdviceDocument | TextAdviceDocument,
        response_description="The advice, with its disclaimer and its record; for a text, what was understood of it.",
        responses={200: {"content": CONTENT}, **may_refuse(406, 408, 413, 415, 422, 503)},
    )
    async def advise(case: CaseBody, query: Annotated[RecommendationQuery, Query()], request: Request) -> Response:
        """The ranked options for the next line, or the reason why none is ranked, for one profile document.

        Nothing is stored, and equal profiles get equal answers. Every field may be left out: absent means not asked,
        `unknown` means asked and not known. The caller is a program: whoever puts the advice before people sees to it
        that they are health-care professionals who accept the disclaimer, and shows disclaimer and review status.

        Instead of a profile it takes a `text`: a whole case in the words of a clinician. The answer then says what was
        understood, what it was assumed to rest on and what has to be asked back, all of it to be shown; nothing is
        ranked on a guess. Such an answer comes as JSON, HTML or plain text. The text is neither kept nor logged, and
        one that could identify a person is refused.
        """
        if isinstance(case, TypedCase):
            form = form_of(request, query.format, TEXT_FORMS)
            try:
                response, advice = await writer.text_response(
                    form, lambda: answer_to(case.text, app.knowledge, app.words, query.region or region), app.banner
                )
            except HoldsIdentifier:
                raise identifying(app.words) from None
        else:
            form = form_of(request, query.format)
            asked = case.model_copy(update={"region": case.region or query.region or region})
            response, advice = await writer.response(form, lambda: recommend(asked, app.knowledge), banner=app.banner)
        metrics.answer(advice.status)
        return response
