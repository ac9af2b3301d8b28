"""Conversations for any chat front end: begin one, take turns, see where it stands, have its answer, erase it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Self

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.app import ANSWERS, NOT_KEPT, App, Incoming, Tap, Text
from bot.channels.api.forms import CONTENT, FormQuery, Writer, form_of
from bot.channels.api.operations import V1, Body
from bot.channels.api.problems import Refused, may_refuse
from bot.wire import NotATurn, to_wire
from flows.dialogue import advice_of
from messages.document import AdviceDocument
from messages.message import BlockKind, Message

LARGEST = 16 * 1024
"""Bytes a turn may have: the longest text that is read, several times over."""
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_NO_STORE = {"Cache-Control": "no-store"}


def _one_of_the_two(schema: dict[str, Any]) -> None:
    schema["oneOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}}} for name in ("turn", "text")
    ]  # fmt: skip


class TurnDocument(BaseModel):
    """A turn: an option chosen (`turn`, as a button carries it) or a text typed, and what names this delivery."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra=_one_of_the_two)

    turn: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="What a button carries: an option, or a command."
    )
    text: Annotated[str, Field(max_length=4000)] | None = Field(
        None, description="Something typed. It is read and dropped."
    )
    delivery: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="A name of this very delivery: sent again, it changes nothing."
    )

    @classmethod
    def read(cls, document: Any) -> Self:
        """The turn of a JSON value. Raises Refused; what was typed is not said back."""
        try:
            turn = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            if first["type"] == "extra_forbidden":
                raise Refused(422, "there is a field other than turn, text and delivery") from None
            where = ".".join(str(part) for part in first["loc"] if part in cls.model_fields)
            if not where:
                raise Refused(422, "expected an object with turn or text") from None
            raise Refused(422, f"{where}: {first['msg']}", where) from None
        if turn.incoming is None:
            raise Refused(422, "turn, text: expected one of the two", "turn")
        return turn

    @property
    def incoming(self) -> Incoming | None:
        """What it brings; None where it is neither or both."""
        if (self.turn is None) == (self.text is None):
            return None
        return Tap(self.turn) if self.turn is not None else Text(self.text or "")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BlockDocument(_Part):
    """A block of text. A `note` must stand out: it carries the review status and the disclaimer."""

    kind: BlockKind
    text: str


class ButtonDocument(_Part):
    """Something that can be chosen."""

    label: str
    turn: Annotated[str, Field(description="What to send as `turn` where it is chosen.")]


class MessageDocument(_Part):
    """What is said at once."""

    id: Annotated[str, Field(description="The question, final state, section or notice (`notice....`) it is.")]
    blocks: list[BlockDocument]
    buttons: list[ButtonDocument]
    several: Annotated[bool, Field(description="Whether several options may be chosen: `safety:lvef+platelets`.")]


class ConversationDocument(_Part):
    """A conversation's id and what it says now."""

    conversation: Annotated[str, Field(pattern=f"^{_ID.pattern}$", description="Keep it as you would a password.")]
    messages: list[MessageDocument]


_NOT_TAKEN: dict[int | str, dict[str, Any]] = {
    503: {
        "model": ConversationDocument,
        "description": "It was not taken, and one message says so in plain words: send it again, as the same delivery.",
        "headers": {
            "Retry-After": {"description": "Seconds after which to send it again.", "schema": {"type": "integer"}}
        },
    }
}
Identifier = Annotated[
    str,
    Path(pattern=f"^{_ID.pattern}$", description="The id the conversation was begun with, or any other of its form."),
]
Turn = Annotated[TurnDocument, Body(TurnDocument.read, LARGEST, tuple(TurnDocument.model_fields))]


def message_document(message: Message) -> dict[str, Any]:
    """A message as data, the form of MessageDocument; without a model in between, for it is on every turn's way."""
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


def conversation_of(identifier: str) -> str:
    """The name under which a conversation is kept. Raises Refused where no conversation has such an id."""
    if not _ID.fullmatch(identifier):
        raise Refused(404, "There is no such conversation.", "identifier")
    return f"web:{identifier}"


def _said(identifier: str, messages: Sequence[Message], status: int = 200) -> Response:
    """The answer to a turn; 503 where it was not taken, so that whoever sent it sends it again."""
    headers = _NO_STORE
    if any(message.id in NOT_KEPT for message in messages):
        status, headers = 503, {**_NO_STORE, "Retry-After": "1"}
    body = {"conversation": identifier, "messages": [message_document(message) for message in messages]}
    return JSONResponse(body, status, headers)


def add(api: FastAPI, app: App, writer: Writer) -> None:
    """Add the operations on conversations."""

    @api.post(
        f"{V1}/conversations",
        operation_id="beginConversation",
        summary="Begin a conversation",
        tags=["conversations"],
        status_code=201,
        response_model=ConversationDocument,
        response_description="It has begun: its id, and the first question.",
        responses=_NOT_TAKEN,
    )
    async def begin() -> Response:
        """Begins a conversation and answers with its id and the first message. Nothing is kept before the first turn.

        The id is all it takes to go on with the conversation.
        """
        identifier = secrets.token_urlsafe(24)
        return _said(identifier, await app.opening(conversation_of(identifier)), 201)

    @api.post(
        f"{V1}/conversations/{{identifier}}/turns",
        operation_id="takeTurn",
        summary="Take a turn",
        tags=["conversations"],
        response_model=ConversationDocument,
        response_description="The turn was taken: what it changed is on the disk.",
        responses={**may_refuse(404, 408, 413, 415, 422), **_NOT_TAKEN},
    )
    async def turn(identifier: Identifier, document: Turn) -> Response:
        """Takes a turn (an option chosen, a text typed, a command) and answers with what is said next.

        What does not fit is answered too, with a notice and the question again. What was typed is read and dropped; it
        is never said back. Where a turn may be sent twice, name each delivery: the same one again changes nothing.
        """
        conversation, incoming = conversation_of(identifier), document.incoming
        assert incoming is not None
        return _said(identifier, await app.handle(conversation, incoming, document.delivery))

    @api.get(
        f"{V1}/conversations/{{identifier}}",
        operation_id="getConversation",
        summary="See where a conversation stands",
        tags=["conversations"],
        response_model=ConversationDocument,
        response_description="The question it stands at, or its answer.",
        responses={**may_refuse(404), **_NOT_TAKEN},
    )
    async def stands(identifier: Identifier) -> Response:
        """Answers with what the conversation shows now, and changes nothing.

        An id nobody has begun stands at the beginning: it cannot be found out which exist.
        """
        return _said(identifier, await app.opening(conversation_of(identifier)))

    @api.delete(
        f"{V1}/conversations/{{identifier}}",
        operation_id="eraseConversation",
        summary="Erase a conversation",
        tags=["conversations"],
        response_model=ConversationDocument,
        response_description="Nothing of it is kept any more.",
        responses={**may_refuse(404), **_NOT_TAKEN},
    )
    async def erase(identifier: Identifier) -> Response:
        """Erases everything kept of the conversation. Its id then stands at the beginning again."""
        return _said(identifier, await app.handle(conversation_of(identifier), Text("/forget")))

    @api.get(
        f"{V1}/conversations/{{identifier}}/answer",
        operation_id="getAnswer",
        summary="Have the whole answer of a conversation",
        tags=["conversations"],
        response_model=AdviceDocument,
        response_description="The whole answer, with its disclaimer and its record.",
        responses={200: {"content": CONTENT}, **may_refuse(404, 406, 409, 422, 503)},
    )
    async def answer(identifier: Identifier, query: Annotated[FormQuery, Query()], request: Request) -> Response:
        """The answer of a finished case, as a document to keep. Before there is one, the status is 409.

        The attestation and the acceptance of the disclaimer were part of the conversation.
        """
        conversation, form = conversation_of(identifier), form_of(request, query.format)
        shown = await app.opening(conversation)  # has the log asked: another worker may have taken turns meanwhile
        if any(message.id in NOT_KEPT for message in shown):
            raise Refused(503, "the conversation cannot be read now; ask again", headers={"Retry-After": "1"})
        state = await app.state_of(conversation)
        if state.here not in ANSWERS or not state.attested:
            raise Refused(409, f"there is no answer yet: the conversation stands at {state.here}")
        response, _ = await writer.response(
            form, lambda: advice_of(state, app.knowledge), role=state.role, banner=app.banner
        )
        return response
