"""CDS Hooks 2.0: the answer as cards in a clinical record, for two hooks. Nothing is kept of a call.

The answers come as a QuestionnaireResponse (prefetch key `profile`) or as the profile document itself. What else a
client sends (who is asking, which patient, drafts, tokens for its server) is not used, not kept and not logged; the
client's server is never called. How to set it up: docs/how-to/fhir-and-cds-hooks.md.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from http import HTTPStatus
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from uuid import UUID, uuid5

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bot.app import App
from bot.body import TooLarge, body_of
from bot.documents import UnusableInput, profile_from
from flows.profile import Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from messages.fhir import QUESTIONNAIRE, UnreadableResponse, answer_blocks, profile_of_response, questionnaire
from messages.message import Block
from messages.render import disclaimer, section_message
from messages.words import Words

SERVICES = "/cds-services"
QUESTIONS_AT = "/api/v1/questionnaire.fhir.json"
FHIR = "application/fhir+json"
LARGEST = 256 * 1024
"""Bytes a call may have: a response is a few thousand, and a client may send drafts along."""
SLOWEST = 10.0
"""Seconds a client may take to send them."""
MOST_WAITING = 50
"""Calls that may wait for their cards; more are told to come again."""
SUMMARY = 139
"""Characters of a card's summary: the specification asks for fewer than 140."""
PROFILE = "profile"
"""The prefetch key, and the name of the profile document in the context."""
EXTENSION = "her2-triage.profile"
"""The name of the profile document among a request's extensions."""
PREFETCH = (
    f"QuestionnaireResponse?questionnaire={QUESTIONNAIRE}&patient={{{{context.patientId}}}}"
    "&status=completed,amended&_sort=-authored&_count=1"
)

Indicator = Literal["info", "warning", "critical"]
_Sent = TypeVar("_Sent", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Coding(_Part):
    """A code, its system and its words."""

    system: str
    code: str
    display: str


class Source(_Part):
    """Where the guidance on a card comes from."""

    label: str
    url: str | None = None
    topic: Coding | None = None


class Link(_Part):
    """A page to open."""

    label: str
    url: str
    type: Literal["absolute"] = "absolute"


class Card(_Part):
    """One card. It suggests nothing that a record system could carry out."""

    uuid: UUID
    summary: Annotated[str, Field(min_length=1, max_length=SUMMARY)]
    detail: Annotated[str, Field(min_length=1)]
    indicator: Indicator
    source: Source
    links: Annotated[list[Link], Field(min_length=1)] | None = None


class Cards(_Part):
    """What a call is answered with."""

    cards: list[Card]


class Service(_Part):
    """One service, as discovery tells of it."""

    hook: str
    id: str
    title: str
    description: str
    prefetch: dict[str, str]
    usageRequirements: str  # noqa: N815  (the specification's name)


class Services(_Part):
    """What discovery answers."""

    services: list[Service]


class Problem(_Part):
    """Why a call was not answered (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Context(BaseModel):
    """What both hooks say of where they were called."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    userId: Annotated[str, Field(pattern=r"^[A-Za-z]{1,64}/.{1,256}$")]  # noqa: N815
    patientId: Annotated[str, Field(min_length=1, max_length=256)]  # noqa: N815
    profile: dict[str, Any] | None = None


class Call(BaseModel):
    """A call of a service. What it holds beyond this is not read."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    hook: str
    hookInstance: UUID  # noqa: N815
    context: Context
    prefetch: dict[str, Any] = {}
    extension: dict[str, Any] = {}


class Outcome(BaseModel):
    """What became of a card. The comment and the reason a clinician may have given are not even looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    card: UUID
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815


class Feedback(BaseModel):
    """What became of cards."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    feedback: list[Outcome]


class _Hook(NamedTuple):
    id: str
    hook: str
    title: str


HOOKS = (
    _Hook("her2-next-line", "patient-view", "HER2-positive metastatic breast cancer: options for the next line"),
    _Hook(
        "her2-next-line-order-select", "order-select",
        "HER2-positive metastatic breast cancer: options for the next line, while ordering",
    ),
)  # fmt: skip
"""One entry for each hook: a service of the specification has exactly one."""
PROFESSIONALS = ("Practitioner", "PractitionerRole")
OTHERS = ("Patient", "RelatedPerson")
_URGENCY: dict[str, Indicator] = {"conditional": "warning", "refer": "warning"}
_COMMANDS = re.compile(r" \((?:/[a-z_]+(?:, )?)+\)")
"""Commands of a conversation, which a card has not."""
_MARKS = re.compile(r"[\\`*<~|_\]&#]")
_ENTITY = re.compile(r"#?\w+;")
_BEGINS = re.compile(r"^(\d+(?=[.)])|(?=[>+\[-]))")
"""What it would take for the begin of a list, a quotation or a tick box."""
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(?=$|T)")
_OF_PATIENT = re.compile(r"(?:^|/)Patient/([^/]+)(?:/_history/[^/]+)?$")


class Refused(Exception):
    """A call that is not answered with cards. `args`: the status, and why."""


class Given(NamedTuple):
    """The profile a call brought, and the day its answers were given where the response says so."""

    profile: Profile
    authored: str | None = None


def router(app: App, public_url: str | None, *, origins: Collection[str] = ()) -> APIRouter:
    """CDS Hooks, and the questionnaire whose answers it reads.

    `public_url`: where the chat can be opened, for the link on a card. `origins`: of pages in a browser that may call;
    none unless named. Who may call at all is decided before: by the access token of the service.
    """
    made = APIRouter(route_class=_allowing(frozenset(origins)), tags=["CDS Hooks"])
    services = Services(services=[_service(hook, app) for hook in HOOKS]).model_dump(mode="json")
    definition = json.dumps(questionnaire(app.words))
    writer = _Writer(app, public_url)

    @made.get(
        SERVICES,
        operation_id="discoverServices",
        summary="Which services there are",
        response_model=Services,
    )
    async def discover() -> Response:
        return JSONResponse(services)

    @made.post(
        f"{SERVICES}/{{service}}",
        operation_id="callService",
        summary="Cards for a patient",
        response_model=Cards,
        responses=_problems(400, 404, 408, 412, 413, 415, 503),
        openapi_extra=_body(Call),
    )
    async def call(service: str, request: Request) -> Response:
        async def answer() -> Response:
            hook = _hook(service)
            asked = await _read(request, Call)
            if asked.hook != hook.hook:
                raise Refused(400, f"hook: {hook.id} is called by {hook.hook}")
            return await writer.response(asked)

        return await _answered(answer)

    @made.post(
        f"{SERVICES}/{{service}}/feedback",
        operation_id="giveFeedback",
        summary="What became of cards; nothing is kept of it",
        responses={**_problems(400, 404, 408, 413, 415), 200: {"description": "Taken, and dropped"}},
        response_class=Response,
        openapi_extra=_body(Feedback),
    )
    async def feedback(service: str, request: Request) -> Response:
        async def answer() -> Response:
            _hook(service)
            await _read(request, Feedback)
            return Response()

        return await _answered(answer)

    @made.get(
        QUESTIONS_AT,
        operation_id="readQuestionnaire",
        summary="The questionnaire whose answers the services read (FHIR R4)",
        responses={200: {"description": "The Questionnaire", "content": {FHIR: {}}}},
        response_class=Response,
    )
    async def define() -> Response:
        return Response(definition, media_type=FHIR)

    if origins:
        for path, method in (
            (SERVICES, "GET"),
            (f"{SERVICES}/{{service}}", "POST"),
            (f"{SERVICES}/{{service}}/feedback", "POST"),
        ):
            made.add_api_route(path, _preflight(method), methods=["OPTIONS"], include_in_schema=False)
    return made


class _Writer:
    """Makes cards one call at a time in a thread: it takes some hundredths of a second, and turns go on meanwhile."""

    def __init__(self, app: App, public_url: str | None) -> None:
        self._app = app
        self._public_url = public_url
        self._one = asyncio.Lock()
        self._waiting = 0

    async def response(self, call: Call) -> Response:
        """The cards of a call. Raises Refused."""
        if self._waiting >= MOST_WAITING:
            raise Refused(503, "too many calls are being answered; call again")
        self._waiting += 1
        try:
            async with self._one:
                content = await asyncio.to_thread(self._written, call)
        finally:
            self._waiting -= 1
        return Response(content, headers={"Cache-Control": "no-store"}, media_type="application/json")

    def _written(self, call: Call) -> bytes:
        cards = Cards(cards=_cards(call, self._app, self._public_url))
        return cards.model_dump_json(exclude_none=True).encode()


def _service(hook: _Hook, app: App) -> Service:
    review = app.words.vocabulary.review[app.knowledge.weakest(app.knowledge.governed())]
    return Service(
        hook=hook.hook,
        id=hook.id,
        title=hook.title,
        description=(
            "Ranks the options for the next line of therapy in HER2-positive metastatic breast cancer, with grades, "
            f"reasons and exclusions ({review}). {disclaimer()}"
        ),
        prefetch={PROFILE: PREFETCH},
        usageRequirements=(
            "For adults with HER2-positive metastatic or unresectable breast cancer; for health-care professionals. "
            f"Needs their answers to the questionnaire {QUESTIONNAIRE}, by prefetch. No FHIR server is called."
        ),
    )


def _hook(service: str) -> _Hook:
    for hook in HOOKS:
        if hook.id == service:
            return hook
    raise Refused(404, "There is no such service.")


# What a call brings


async def _read(request: Request, model: type[_Sent]) -> _Sent:
    """The body as a document of the specification. Raises Refused; what was sent is not said back."""
    try:
        body = await body_of(request, LARGEST, SLOWEST)
    except TooLarge:
        raise Refused(413, f"larger than {LARGEST // 1024} KiB") from None
    except TimeoutError:
        raise Refused(408, "the request took too long to arrive") from None
    except ClientDisconnect:
        raise Refused(400, "the request did not arrive whole") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "expected application/json")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(400, f"{where}: {first['msg']}" if where else str(first["msg"])) from None


def _given(call: Call) -> Given | None:
    """The profile of a call; None where the client has no answers for this patient. Raises Refused."""
    documents = {
        f"extension.{EXTENSION}": call.extension.get(EXTENSION),
        f"context.{PROFILE}": call.context.profile,
    }
    stated = {said: document for said, document in documents.items() if document is not None}
    response = call.prefetch.get(PROFILE)
    if len(stated) + (response is not None) > 1:
        raise Refused(400, f"{', '.join(stated)}: the answers came more than once")
    for said, document in stated.items():
        if not isinstance(document, dict):
            raise Refused(400, f"{said}: expected a profile document")
        return Given(_profile(document, said))
    if PROFILE not in call.prefetch:
        raise Refused(412, f"prefetch.{PROFILE}: is missing, and without the answers nothing can be ranked")
    found = _response(response)
    if found is None:
        return None
    _check_patient(found, call.context.patientId)
    try:
        document = profile_of_response(found)
    except UnreadableResponse as error:
        raise Refused(400, f"prefetch.{PROFILE}: {error}") from None
    authored = _DATE.match(str(found.get("authored", "")))
    return Given(_profile(document, f"prefetch.{PROFILE}"), authored.group() if authored else None)


def _profile(document: dict[str, Any], said: str) -> Profile:
    try:
        return profile_from(document, said)
    except UnusableInput as error:
        raise Refused(400, str(error)) from None


def _response(prefetched: Any) -> dict[str, Any] | None:
    """The response among what was prefetched: itself, or the one entry of a search. Raises Refused."""
    where = f"prefetch.{PROFILE}"
    if not isinstance(prefetched, dict):
        if prefetched is None:
            return None
        raise Refused(400, f"{where}: expected a resource")
    kind = prefetched.get("resourceType")
    if kind == "OperationOutcome":
        raise Refused(412, f"{where}: the client could not read it")
    if kind != "Bundle":
        return prefetched
    entries = prefetched.get("entry", [])
    if not isinstance(entries, list):
        raise Refused(400, f"{where}: entry is not a list")
    resources: list[dict[str, Any]] = []
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            raise Refused(400, f"{where}: expected a resource in each entry")
        resources.append(resource)
    responses = [found for found in resources if found.get("resourceType") != "OperationOutcome"]
    if len(responses) > 1:
        raise Refused(400, f"{where}: expected one response, the newest")
    if resources and not responses:
        raise Refused(412, f"{where}: the client could not read it")
    return responses[0] if responses else None


def _check_patient(response: dict[str, Any], patient: str) -> None:
    """Answers of another patient must not be shown as this one's."""
    subject = response.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    named = _OF_PATIENT.search(reference) if isinstance(reference, str) else None
    unread = isinstance(reference, str) and named is None and "Patient" in reference
    if unread or (named and named[1] != patient):
        raise Refused(400, f"prefetch.{PROFILE}: subject: these are the answers of another patient")


# What it is answered with


def _cards(call: Call, app: App, public_url: str | None) -> list[Card]:
    kind = call.context.userId.partition("/")[0]
    if kind in OTHERS:
        return []  # nothing is shown to a patient, or to who reads for them
    if kind not in PROFESSIONALS:
        raise Refused(400, f"context.userId: expected one of {', '.join((*PROFESSIONALS, *OTHERS))}")
    given = _given(call)
    if given is None:
        return [_missing(call, app, public_url)] if public_url else []
    region = given.profile.region or app.replay(()).region  # the setting's, where the answers name none
    advice = recommend(given.profile.model_copy(update={"region": region}), app.knowledge)
    blocks = answer_blocks(advice, app.words)
    opening = [Block("note", app.banner)] if app.banner else []
    if given.authored:
        opening.append(Block("paragraph", f"Answers of {given.authored}."))
    made = _Making(call, advice, app.words, public_url)
    cards = [made.card("answer", _summary(advice, app.words), _indicator(advice), (*opening, *blocks))]
    if advice.options:
        closing = blocks[-2:]
        for topic, title, sections in _FURTHER:
            said = [section_message(section, advice, app.words).blocks[:-1] for section in sections]
            parts = [block._replace(text=_COMMANDS.sub("", block.text)) for section in said for block in section]
            review = app.words.vocabulary.review[advice.review]
            cards.append(made.card(topic, f"{title} ({review})", "info", (*opening, blocks[0], *parts, *closing)))
    return cards


_FURTHER = (
    ("why", "Why this order, what would change it, and what was not assessed",
     ("why", "whatif", "pitfalls", "not_assessed")),
    ("evidence", "Safety, monitoring, evidence and sources", ("safety", "evidence", "excluded", "sources")),
)  # fmt: skip
"""Further cards beside an answer, so that the basis of every line is at hand (S10): topic, summary, sections."""


class _Making(NamedTuple):
    call: Call
    advice: Advice
    words: Words
    public_url: str | None

    def card(self, topic: str, summary: str, indicator: Indicator, blocks: Iterable[Block]) -> Card:
        manifest, url = self.words.knowledge.manifest, self.public_url
        topic_coding = Coding(system="urn:her2-triage:code:topic", code=topic, display=_TOPICS[topic])
        return Card(
            uuid=uuid5(self.call.hookInstance, f"{self.advice.record_id}/{topic}"),
            summary=summary,
            detail=markdown(blocks),
            indicator=indicator,
            source=Source(label=f"{manifest.title}, {manifest.date}", url=url, topic=topic_coding),
            links=[Link(label="The chat: enter or change the answers", url=url)] if url else None,
        )


_TOPICS = {"answer": "Options", "why": "Why", "evidence": "Safety and evidence"}


def _missing(call: Call, app: App, public_url: str | None) -> Card:
    """There are no answers for this patient: what would be needed, and where to give them."""
    advice = recommend(Profile(), app.knowledge)
    made = _Making(call, advice, app.words, public_url)
    blocks = answer_blocks(advice, app.words)
    summary = f"No answers to the HER2 next-line questionnaire yet ({app.words.vocabulary.review[advice.review]})"
    return made.card("answer", summary, "info", blocks)


def _indicator(advice: Advice) -> Indicator:
    """An emergency is critical; what holds under assumptions only, or sends the patient elsewhere, is a warning."""
    if any(reason.stop.time_critical for reason in advice.reasons):
        return "critical"
    return _URGENCY.get(advice.status, "info")


def _summary(advice: Advice, words: Words) -> str:
    """The answer in fewer than 140 characters: as many options or as much of the reason as fit whole."""
    review = f" ({words.vocabulary.review[advice.review]})"
    title = words.vocabulary.status[advice.status]
    if advice.reasons:
        text = advice.reasons[0].stop.text
        sentence = text.partition(". ")[0].removesuffix(".")
        tries = (sentence, text.partition(":")[0], title)
        return next(said + review for said in tries if len(said + review) <= SUMMARY)
    names = [f"{option.rank}. {words.regimen(option.regimen.id)}" for option in advice.options]
    for shown in range(len(names), 0, -1):
        more = f"; and {len(names) - shown} more" if shown < len(names) else ""
        said = f"{title}: {'; '.join(names[:shown])}{more}{review}"
        if len(said) <= SUMMARY:
            return said
    return title + review


def markdown(blocks: Iterable[Block]) -> str:
    """Blocks in GitHub-flavoured Markdown. What stands in a text stays text."""
    lines: list[str] = []
    before: str | None = None
    for kind, text in blocks:
        if before is not None and not (kind == before and kind in ("item", "ranked")):
            lines.append("")
        said = _MARKS.sub(_as_text, text)
        if kind in ("paragraph", "item", "note"):
            said = _BEGINS.sub(r"\1\\", said)
        lines.append({"heading": "## ", "subheading": "### ", "item": "- ", "note": "> "}.get(kind, "") + said)
        before = kind
    return "\n".join(lines)


def _as_text(mark: re.Match[str]) -> str:
    """A sign that Markdown would take for markup where it stands, marked as text."""
    sign, before, after = mark.group(), mark.string[: mark.start()][-1:], mark.string[mark.end() :][:1]
    if sign == "_":
        plain = before.isalnum() and after.isalnum()
    elif sign == "]":
        plain = after not in ("(", ":", "[")
    elif sign == "&":
        plain = not _ENTITY.match(mark.string, mark.end())
    else:
        plain = sign == "#" and before.strip() != ""
    return sign if plain else f"\\{sign}"


# HTTP


async def _answered(answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, or application/problem+json."""
    try:
        return await answer()
    except Refused as refusal:
        status, detail = refusal.args
        title = HTTPStatus(status).phrase
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
        again = {"Retry-After": "1"} if status == 503 else {}
        return Response(body, status, {"Cache-Control": "no-store", **again}, media_type="application/problem+json")


def _preflight(method: str) -> Callable[[], Awaitable[Response]]:
    """A browser asks whether it may call. The headers that allow it are added to every answer."""

    async def may_call() -> Response:
        return Response(status_code=204, headers={"Allow": f"{method}, OPTIONS"})

    return may_call


def _allowing(origins: frozenset[str]) -> type[APIRoute]:
    """Routes whose answers a page of one of these origins may read."""

    class Allowing(APIRoute):
        """A route that says who may read its answers in a browser."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """The handler, with the headers added."""
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                response = await handler(request)
                origin = request.headers.get("origin", "")
                if origins:
                    response.headers["Vary"] = "Origin"
                if origin in origins:
                    response.headers["Access-Control-Allow-Origin"] = origin
                    if request.method == "OPTIONS":
                        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
                        response.headers["Access-Control-Max-Age"] = "600"
                return response

            return handle

    return Allowing


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    said = {
        400: "A field cannot be used; the problem names it",
        404: "There is no such service",
        408: "The request took too long to arrive",
        412: "The answers could not be had by prefetch",
        413: "The request is too large",
        415: "The request is not JSON",
        503: "Too many calls at once",
    }
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": said[status], "content": content} for status in statuses}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    """A body's schema, complete in itself: the body is read within bounds, and not by the framework."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return whole(definitions[part["$ref"].rpartition("/")[2]])
            return {name: whole(value) for name, value in part.items()}
        return [whole(value) for value in part] if isinstance(part, list) else part

    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole(schema)}}}}
