"""What is understood of a typed text: for programs that show it before they use it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from bot.app import App
from bot.channels.api.forms import Writer
from bot.channels.api.operations import V1, Body
from bot.channels.api.problems import Refused, may_refuse
from bot.documents import LARGEST_TEXT
from messages.document import UnderstandingDocument, understanding_document
from messages.free_text import ASKED_AT, LONGEST, understand
from messages.words import Words

TypedText = Annotated[str, Field(max_length=LONGEST, description="In the words of a clinician. Read and dropped.")]


class TextDocument(BaseModel):
    """A typed text, and what it was typed at."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    text: TypedText
    question: Literal[ASKED_AT] | None = Field(  # type: ignore[valid-type]
        None, description="The field that was asked for, where it is an answer to one question."
    )

    @classmethod
    def read(cls, document: Any) -> Self:
        """The text of a JSON value. Raises Refused; what was typed is not said back."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise refusal(error, cls) from None


def refusal(error: ValidationError, model: type[BaseModel]) -> Refused:
    """What is wrong with a document that holds a text, without anything of what was sent."""
    first = error.errors(include_input=False, include_url=False)[0]
    if first["type"] == "extra_forbidden":
        return Refused(422, f"there is a field other than {' and '.join(model.model_fields)}")
    where = str(first["loc"][0]) if first["loc"] else ""
    if where not in model.model_fields:
        return Refused(422, f"expected an object with {' and '.join(model.model_fields)}")
    return Refused(422, f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}", where)


def identifying(words: Words) -> Refused:
    """What is said of a text that could identify a person: nothing of it."""
    return Refused(422, words.vocabulary.notices["identifier"], "text")


def add(api: FastAPI, app: App, writer: Writer) -> None:
    """Add the operation."""

    @api.post(
        f"{V1}/understanding",
        operation_id="understand",
        summary="Have a typed text understood",
        tags=["recommendations"],
        response_model=UnderstandingDocument,
        response_description="What the text states, the words each part came from, and what it leaves open.",
        responses=may_refuse(408, 413, 415, 422, 503),
    )
    async def read(
        document: Annotated[TextDocument, Body(TextDocument.read, LARGEST_TEXT, tuple(TextDocument.model_fields))],
    ) -> Response:
        """What is understood of a text: the profile fields it states, with the words each came from.

        Nothing is guessed: words that may mean several things are in `ambiguous`, to be asked back, and words that were
        not used in `leftover`, to be shown. The text is neither kept nor logged. A text that could identify a person is
        refused, and nothing of it is said back.
        """
        found = await writer.beside(lambda: understand(document.text, app.knowledge, question=document.question))
        if found.identifier:
            raise identifying(app.words)
        content = understanding_document(found).model_dump_json()
        return Response(content, headers={"Cache-Control": "no-store"}, media_type="application/json")
