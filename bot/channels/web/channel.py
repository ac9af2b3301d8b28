"""The routes of the web chat. A page is read with GET and changes nothing; a turn is posted.

    /, /case/1                 the case where it stands
    /case/1/at/hr_status       a question: the open one, or an earlier one to be answered again
    /case/1/show/evidence      a section of the answer, a topic
    /case/1/show/whatif/lvef=reduced   the answer beside what it would be
    /case/1/answer.pdf         the answer as a file
    /case/1/forget             erase it

Where another site embeds the chat, the same pages stand under /embed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from bot.access import access_of, is_tls, same_origin
from bot.app import NOT_KEPT, App, Incoming, Screen, Standing, Tap, Text
from bot.body import TooLarge, body_of
from bot.channels.web.pages import STATIC, Static, load_pages, render_page
from bot.channels.web.sessions import (
    CASES,
    Session,
    delivery_of,
    form_token,
    fresh_session,
    keep_session,
    session_of,
)
from bot.channels.web.view import ENDED, View, view_of
from bot.exports import Form, export
from bot.log import LogError
from bot.settings import Settings
from flows.dialogue import FINALS, advice_of
from flows.questionnaire import QUESTIONS, stands_alone
from flows.turns import SECTIONS, TOPICS
from messages.message import Message
from messages.words import web_words

logger = structlog.get_logger()
LARGEST = 16 * 1024
"""Bytes a form may have: the longest text that is read, several times over."""
SLOWEST = 10.0
"""Seconds a client may take to send it."""
FIELDS = 64
"""Fields a form may have: every option of the longest question, and what goes with them."""
LONGEST_CHANGE = 100
"""Signs of a change that are looked at."""
PARTLY = "x-chat"
"""The header by which the page's own script asks for the next page itself, instead of where to find it."""
FILES: dict[str, Form] = {"json": "json", "html": "html", "pdf": "pdf", "fhir.json": "fhir"}
"""What an answer can be had as, by the end of the file's name."""
MOST_WAITING = 50
"""Files that may wait to be written; more are told to come again."""
COMPRESSION = 4
"""How hard pages are compressed: the hardest (9) takes three times as long for a sixteenth less."""
_SCREEN = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})\.([0-9]{1,9})")
_CASES = tuple(str(case) for case in range(1, CASES + 1))
_NAME = re.compile(r"[a-z0-9_]{1,40}")


class Sent(NamedTuple):
    """A form as it was sent: single fields, and the boxes ticked."""

    fields: dict[str, str]
    options: tuple[str, ...]

    @property
    def said(self) -> str:
        """What makes it another form than one with the same token: of one page, two answers are not the same twice."""
        return "+".join((self.fields.get("text", ""), self.fields.get("turn", ""), *self.options))


class Seat(NamedTuple):
    """Whose case a request is about, and under which address it stands."""

    session: Session
    case: int
    base: str
    secure: bool
    signed_in: bool = False
    """Whether there is something to sign out of."""

    @property
    def conversation(self) -> str:
        """The name of its conversation."""
        return self.session.conversation(self.case)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.base}/case/{self.case}"


class Refused(Exception):
    """A request that is not taken. `args`: the status, and which words say so."""


def create(app: App, settings: Settings, *, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The web chat as an application of its own: whatever it does not know is a page that says so.

    `extra`: further pages (signing in).
    """
    load_pages()
    pages = Pages(app, settings)
    bases = ("", "/embed") if settings.embed_origins else ("",)
    routes: list[BaseRoute] = [*extra, Mount("/static", Static(directory=STATIC))]
    if settings.embed_origins:
        routes.append(Route("/embed.js", _embed_script))
    for base in bases:
        routes += pages.routes(base)
    handlers: dict[Any, Callable[..., Any]] = {404: pages.not_found, 405: pages.not_found, Exception: pages.failed}
    compress = Middleware(GZipMiddleware, minimum_size=1500, compresslevel=COMPRESSION)
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[compress])


async def _embed_script(_: Request) -> Response:
    """The script of the tag on other pages, under an address that stays."""
    return FileResponse(STATIC / "embed.js", headers={"Cache-Control": "public, max-age=3600"})


class Pages:
    """The pages of one application."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._keys = app.log.keys
        self._hours = settings.retention_hours
        self._one = asyncio.Lock()
        self._waiting = 0

    def routes(self, base: str) -> list[BaseRoute]:
        """The routes under one base."""

        def at(path: str, page: Callable[[Request, Seat], Awaitable[Response]], *methods: str) -> Route:
            async def endpoint(request: Request) -> Response:
                return await self._answer(request, page, base)

            return Route(f"{base}{path}", endpoint, methods=list(methods) or ["GET"])

        return [
            at("/" if not base else "", self.case), at("/case/new", self.open_another, "POST"),
            at("/case/{case}", self.case), at("/case/{case}", self.turn, "POST"),
            at("/case/{case}/at/{question}", self.question),
            at("/case/{case}/show/{section}", self.section), at("/case/{case}/show/whatif/{change}", self.change),
            at("/case/{case}/answer.{form}", self.download),
            at("/case/{case}/forget", self.ask_forget), at("/case/{case}/forget", self.forget, "POST"),
        ]  # fmt: skip

    async def _answer(
        self, request: Request, page: Callable[[Request, Seat], Awaitable[Response]], base: str
    ) -> Response:
        """A page, or why there is none, in words."""
        secure = is_tls(request.scope)
        session = session_of(request, self._keys, secure=secure, embedded=bool(base))
        given = request.path_params.get("case", "1")
        case = int(given) if given in _CASES else 0
        # what a cookie counts may lag behind: two tabs renew it side by side
        session = session._replace(cases=max(session.cases, case))
        try:
            if not case:
                raise Refused(404, "not_found")
            signed_in = access_of(request.scope) == "cookie"
            response = await page(request, Seat(session, case, base, secure, signed_in))
        except Refused as refusal:
            status, code = refusal.args
            return self._error(status, code, base)
        except LogError as error:  # where the case stands cannot be read
            self._app.failed(type(error).__name__)
            logger.error("log_failed", kind=type(error).__name__, code=error.code)
            return self._error(503, "failed", base)
        new = session.fresh or request.method == "POST"  # what is answered is kept anew, and so is the way to it
        if new and response.status_code < 400 and "set-cookie" not in response.headers:
            self._keep(response, Seat(session, case, base, secure))
        return response

    def _keep(self, response: Response, seat: Seat) -> None:
        keep_session(
            response, seat.session, self._keys, secure=seat.secure, hours=self._hours, embedded=bool(seat.base)
        )

    # Reading

    async def case(self, _: Request, seat: Seat) -> Response:
        """The case where it stands."""
        await self._app.opening(seat.conversation)
        return await self._page(seat)

    async def question(self, request: Request, seat: Seat) -> Response:
        """A question: the open one, or an earlier one. One that does not stand there leads to where the case stands."""
        name = request.path_params["question"]
        if not _NAME.fullmatch(name):
            raise Refused(404, "not_found")
        await self._app.opening(seat.conversation)  # another worker may know more of it
        standing = await self._app.standing(seat.conversation)
        tried = request.query_params.get("try", "")
        view = view_of(self._app, standing, seat.url, edit="" if name in FINALS else name, tried=tried)
        if view is None or view.here != name:
            return RedirectResponse(seat.url, 303)
        return self._written(seat, standing, view)

    async def section(self, request: Request, seat: Seat) -> Response:
        """A section of the answer or a topic, beside where the case stands."""
        name = request.path_params["section"]
        if name not in (*SECTIONS, *TOPICS):
            raise Refused(404, "not_found")
        messages = await self._app.handle(seat.conversation, Tap(f"/{name}"))
        return await self._page(seat, messages)

    async def change(self, request: Request, seat: Seat) -> Response:
        """The answer beside what it would be under a change."""
        change = request.path_params["change"][:LONGEST_CHANGE]
        messages = await self._app.handle(seat.conversation, Tap(f"/whatif {change}"))
        return await self._page(seat, messages)

    async def download(self, request: Request, seat: Seat) -> Response:
        """The answer as a file."""
        form = FILES.get(request.path_params["form"])
        if form is None:
            raise Refused(404, "not_found")
        await self._app.opening(seat.conversation)
        state = (await self._app.standing(seat.conversation)).state
        if state.here not in FINALS or not state.attested:
            raise Refused(404, "no_answer")
        advice = advice_of(state, self._app.knowledge)
        if request.query_params.get("record", advice.record_id) != advice.record_id:
            raise Refused(409, "other_answer")  # the page asked from shows another: it must not be handed over for it
        if self._waiting >= MOST_WAITING:
            raise Refused(503, "failed")
        self._waiting += 1
        try:
            async with self._one:  # beside the event loop, one at a time: a PDF takes some tenths of a second
                file = await asyncio.to_thread(export, form, advice, self._app.words, state.role, self._app.banner)
        finally:
            self._waiting -= 1
        named = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.content, headers=named, media_type=file.media_type)

    # Turns

    async def turn(self, request: Request, seat: Seat) -> Response:
        """One turn, and then the page of where it led."""
        form = await self._form(request, seat)
        delivery = f"{delivery_of(form.fields.get('token', ''), seat.session, self._keys)}:{form.said}"
        screen = _screen_of(form.fields.get("screen", ""))
        edit = form.fields.get("edit", "")
        command = form.fields.get("text", "").lstrip().startswith("/")
        if edit in QUESTIONS and not command:  # a command typed under an earlier question does not open it
            opened = await self._app.handle(seat.conversation, Tap(f"/edit {edit}", screen), f"{delivery}:edit")
            standing = await self._app.standing(seat.conversation)
            # only where this very page opened it: not where another tab, or another case, came to the same question
            if standing.screen != screen._replace(sequence=(screen.sequence or 0) + 1) or standing.state.here != edit:
                return self._led(request, seat, standing, opened, form)
            screen = standing.screen
        messages = await self._app.handle(seat.conversation, _incoming(form, screen), delivery)
        standing = await self._app.standing(seat.conversation)
        return self._led(request, seat, standing, messages, form)

    def _led(
        self, request: Request, seat: Seat, standing: Standing, messages: Sequence[Message], form: Sent
    ) -> Response:
        """Where a turn led: its own address where nothing else is to be said, so that reloading sends nothing twice."""
        here = standing.state.here
        beside = [message for message in messages if message.id != here]
        address = f"{seat.url}/at/{here}"
        if not beside and PARTLY not in request.headers:
            place = "asked" if here in QUESTIONS or here in ENDED else "end"
            return RedirectResponse(f"{address}#{place}", 303)
        ticked = form.options if form.fields.get("question") == here else ()
        view = view_of(self._app, standing, seat.url, messages=beside, ticked=ticked)
        assert view is not None  # only an earlier question may be one that cannot be shown
        response = self._written(seat, standing, view)
        response.headers["Content-Location"] = address
        if any(message.id in NOT_KEPT for message in messages):
            response.status_code = 503
            response.headers["Retry-After"] = "1"
        return response

    async def open_another(self, request: Request, seat: Seat) -> Response:
        """One more case beside the others."""
        await self._form(request, seat)
        session = seat.session._replace(cases=min(seat.session.cases + 1, CASES))
        opened = seat._replace(session=session, case=session.cases)
        response = RedirectResponse(opened.url, 303)
        self._keep(response, opened)
        return response

    # Forgetting

    async def ask_forget(self, _: Request, seat: Seat) -> Response:
        """What erasing means, and the button that does it."""
        token = form_token(seat.session, self._keys)
        return HTMLResponse(render_page("forget.html", seat=seat, token=token, done=""))

    async def forget(self, request: Request, seat: Seat) -> Response:
        """Erase one case, or all of this browser; of all, its name too."""
        form = await self._form(request, seat)
        if form.fields.get("what") not in ("case", "all"):
            raise Refused(400, "unreadable")
        everything = form.fields["what"] == "all"
        cases = range(1, CASES + 1) if everything else (seat.case,)  # whatever this browser still knows of
        for case in cases:
            messages = await self._app.handle(seat.session.conversation(case), Text("/forget"))
            if any(message.id in NOT_KEPT for message in messages):
                raise Refused(503, "failed")
        left = seat._replace(session=fresh_session(), case=1) if everything else seat
        response = HTMLResponse(render_page("forget.html", seat=left, token="", done="all" if everything else "case"))
        if everything:
            self._keep(response, left)
        return response

    # What every page does

    async def _form(self, request: Request, seat: Seat) -> Sent:
        """The form of this session's own page. Raises Refused."""
        try:
            body = await body_of(request, LARGEST, SLOWEST)
        except TooLarge:
            raise Refused(413, "too_large") from None
        except TimeoutError:
            raise Refused(408, "slow") from None
        except ClientDisconnect:
            raise Refused(400, "unreadable") from None
        if not same_origin(request):
            raise Refused(403, "foreign")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if kind != "application/x-www-form-urlencoded":
                raise ValueError(kind)
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
        except ValueError:
            raise Refused(400, "unreadable") from None
        form = Sent(dict(pairs), tuple(value for name, value in pairs if name == "option"))
        if delivery_of(form.fields.get("token", ""), seat.session, self._keys) is None:
            raise Refused(403, "forbidden")
        return form

    async def _page(self, seat: Seat, messages: Sequence[Message] = ()) -> Response:
        standing = await self._app.standing(seat.conversation)
        view = view_of(self._app, standing, seat.url, messages=messages)
        assert view is not None
        return self._written(seat, standing, view)

    def _written(self, seat: Seat, standing: Standing, view: View) -> Response:
        screen = standing.screen
        return HTMLResponse(
            render_page(
                "chat.html", seat=seat, view=view, token=form_token(seat.session, self._keys),
                screen=f"{screen.serial}.{screen.number}.{screen.sequence or 0}", most=CASES,
            )
        )  # fmt: skip

    def _error(self, status: int, code: str, base: str = "") -> Response:
        said = web_words().errors[code]
        headers = {"Retry-After": "1"} if status == 503 else {}
        return HTMLResponse(render_page("error.html", said=said, base=base), status, headers)

    async def not_found(self, _: Request, error: Exception) -> Response:
        """A page that is not there."""
        assert isinstance(error, HTTPException)
        response = self._error(error.status_code, "not_found")
        response.headers.update(error.headers or {})
        return response

    async def failed(self, _: Request, error: Exception) -> Response:
        """Something failed that was not foreseen: said in plain words, counted, and nothing of it shown."""
        self._app.failed(type(error).__name__)
        logger.error("page_failed", kind=type(error).__name__)
        response = self._error(500, "failed")
        response.headers["Connection"] = "close"
        return response


def _screen_of(text: str) -> Screen:
    found = _SCREEN.fullmatch(text)
    if found is None:
        return Screen(-1, -1, -1)  # one that is never shown: what comes with it answers nothing
    return Screen(int(found[1]), int(found[2]), int(found[3]))


def _incoming(form: Sent, screen: Screen) -> Incoming:
    """What a form brings: a button pressed, boxes ticked, or something typed."""
    question, turn = form.fields.get("question", ""), form.fields.get("turn", "")
    if "text" in form.fields:
        return Text(form.fields["text"].replace("\r\n", "\n"), screen=screen)  # as a browser sends a line's end
    if form.options and turn and question in QUESTIONS and _alone(turn, question):
        turn = f"{turn}+{'+'.join(form.options)}"  # boxes beside what stands alone: said, never dropped in silence
    elif not turn:
        turn = f"{question}:{'+'.join(form.options)}" if form.options else f"{question}="
    return Tap(turn, screen)


def _alone(turn: str, question: str) -> bool:
    return turn.removeprefix(f"{question}:") in stands_alone(question)
