"""A browser without JavaScript, and scripted conversations on the web chat as it runs, over real HTTP.

What a script expects is compared with what the person in front of the page sees: a message counts as said where its
words, and the controls for its options, are on the page. Nothing here knows how a page is written but its markup.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bot.app import App, Unsupported
from bot.channels.replay import Stage
from bot.channels.web.sessions import Session, cookie_name
from bot.metrics import Metrics
from bot.serve import application
from bot.settings import Settings
from bot.wire import to_wire
from flows.dialogue import FINALS, State, advice_of, present
from flows.knowledge.load import Knowledge
from flows.questionnaire import UNDO
from flows.turns import Answer, Command
from messages.card import in_words
from messages.comparison import Comparison
from messages.message import Button, Message
from messages.render import disclaimer, render
from messages.words import Words

PATIENCE = 10.0
"""Seconds a request may take."""
HOPS = 3
"""Redirects that are followed for one page."""
ENDED = ("cancelled", "not_professional")

_EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "caption", "details", "div", "dl", "fieldset", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "p",
    "pre", "section", "summary", "table", "tbody", "thead", "tr", "ul",
})  # fmt: skip
_APART = _BLOCKS | {"br", "button", "dd", "dt", "small", "td", "text", "th"}
"""What parts words."""
_NOT_READ = frozenset({"head", "script", "style", "template"})
_NOT_SEEN = ("unseen", "board")
"""Classes of what is not seen on a screen: said by screen readers only, and the page that is only printed."""


class Misnested(ValueError):
    """Markup that every browser would put right in its own way."""


class Element:
    """An element of a page, with what it holds."""

    def __init__(self, tag: str, attributes: dict[str, str], everything: list[Element]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.held: list[Element | str] = []
        self._everything = everything
        self._first = len(everything) + 1
        everything.append(self)
        self._end = self._first
        """Where those after it begin, among all of the page."""
        hidden = tag in _NOT_READ or "hidden" in attributes
        self.seen = not hidden and not ("class" in attributes and any(map(self.has_class, _NOT_SEEN)))
        """Whether a sighted person sees it on a screen, as far as that is for itself to say."""

    def __getitem__(self, attribute: str) -> str:
        return self.attributes.get(attribute, "")

    def close(self) -> None:
        """What comes now is not in it any more."""
        self._end = len(self._everything)

    def all(self, *tags: str, **attributes: str) -> Iterator[Element]:
        """The elements in it, in order, that have one of the tags (any where none is given) and these attributes."""
        for element in self._everything[self._first : self._end]:
            if (not tags or element.tag in tags) and all(element[name] == attributes[name] for name in attributes):
                yield element

    def has_class(self, name: str) -> bool:
        """Whether it is of that class."""
        return name in self["class"].split()

    @cached_property
    def text(self) -> str:
        """Its words on one line."""
        return self._text(spoken=False)

    @cached_property
    def spoken(self) -> str:
        """Its words on one line, with those that only a screen reader says."""
        return self._text(spoken=True)

    def _text(self, *, spoken: bool) -> str:
        words: list[str] = []
        self._gather(words, spoken=spoken)
        return " ".join("".join(words).split())

    def _gather(self, words: list[str], *, spoken: bool) -> None:
        if not self.seen and not (spoken and self.has_class("unseen")):
            return
        apart = self.tag in _APART
        if apart or self.tag == "span":
            words.append(" ")
        for part in self.held:
            if isinstance(part, str):
                words.append(part)
            else:
                part._gather(words, spoken=spoken)
        if apart:
            words.append(" ")


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.everything: list[Element] = []
        self.open = [Element("", {}, self.everything)]
        self._in_paragraph = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._in_paragraph and tag in _BLOCKS:
            raise Misnested(f"{self.address}: <{tag}> within <p>")
        attributes = {name: value or "" for name, value in attrs}
        if len(attributes) != len(attrs):
            raise Misnested(f"{self.address}: <{tag}> has an attribute twice")
        element = Element(tag, attributes, self.everything)
        self.open[-1].held.append(element)
        if tag not in _EMPTY:
            self.open.append(element)
            self._in_paragraph |= tag == "p"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].held.append(Element(tag, {name: value or "" for name, value in attrs}, self.everything))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            raise Misnested(f"{self.address}: </{tag}> where <{self.open[-1].tag}> is open")
        self._in_paragraph &= tag != "p"
        self.open.pop().close()

    def handle_data(self, data: str) -> None:
        self.open[-1].held.append(data)


class Field(NamedTuple):
    """A part of a form. `value` is what it sends; of a text field, what it holds now."""

    kind: Literal["hidden", "button", "box", "text"]
    name: str
    value: str
    label: str
    on: bool = False
    """Whether a box is ticked."""


Pairs = list[tuple[str, str]]


class Form(NamedTuple):
    """A form: where it is sent, and what it holds, in the order of the page."""

    address: str
    method: str
    fields: tuple[Field, ...]

    def of_kind(self, kind: str) -> tuple[Field, ...]:
        """Its fields of one kind."""
        return tuple(field for field in self.fields if field.kind == kind)

    def sent(
        self, press: Field | None = None, *, ticked: Collection[str] | None = None, text: str | None = None
    ) -> Pairs:
        """What a browser sends: `press` is the button, `ticked` the values of all boxes that are on."""
        pairs: Pairs = []
        for field in self.fields:
            if field.kind == "box":
                on = field.on if ticked is None else field.value in ticked
                pairs += [(field.name, field.value)] if on else []
            elif field.kind == "text":
                pairs.append((field.name, field.value if text is None else text))
            elif field.kind == "hidden" or (field == press and field.name):
                pairs.append((field.name, field.value))
        return pairs


class Link(NamedTuple):
    """A link: what it says, and where it leads."""

    label: str
    address: str


class Item(NamedTuple):
    """An entry of the conversation's log: `answered`, `said`, `asked`, `ended` or `answer`, and of what."""

    kind: str
    name: str
    element: Element

    @property
    def text(self) -> str:
        """Its words, on one line."""
        return self.element.text


class Page:
    """What a browser shows: a page as read from its markup."""

    def __init__(self, address: str, status: int, markup: str) -> None:
        reader = _Reader(address)
        reader.feed(markup)
        reader.close()
        if len(reader.open) > 1:
            raise Misnested(f"{address}: <{reader.open[-1].tag}> is never closed")
        reader.open[0].close()
        self.address = address
        """Where it stands: what a reload asks for."""
        self.status = status
        self.markup = markup
        self.root = reader.open[0]

    def within(self, *tags: str, **attributes: str) -> Element:
        """The first element of that kind. Raises LookupError."""
        found = next(self.root.all(*tags, **attributes), None)
        if found is None:
            raise LookupError(f"{self.address}: has no {tags} {attributes}")
        return found

    @cached_property
    def title(self) -> str:
        """What stands over the page."""
        return next((element.text for head in self.root.all("head") for element in _titles(head)), "")

    @cached_property
    def main(self) -> Element:
        """The page without what stands around it."""
        return self.within("main")

    @cached_property
    def text(self) -> str:
        """The words of the page's main part, on one line."""
        return self.main.text

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """Its headings, in order."""
        return tuple(element.text for element in self.root.all("h1", "h2", "h3", "h4"))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Its links, in order."""
        return tuple(Link(element.spoken, element["href"]) for element in self.root.all("a"))

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """Its forms, in order."""
        labels = {element["for"]: element.spoken for element in self.root.all("label") if element["for"]}
        return tuple(
            Form(form["action"], form["method"] or "get", tuple(_fields(form, labels, "")))
            for form in self.root.all("form")
        )

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The entries of the conversation's log, in order."""
        found = []
        for element in self.root.all("li"):
            if element["data-key"]:
                kind, _, name = element["data-key"].partition(":")
                if element.has_class("answered"):
                    kind, name = "answered", element["data-key"]
                found.append(Item(kind, name.partition(":")[0], element))
        return tuple(found)

    @property
    def asked(self) -> str | None:
        """The question that is open, if one is."""
        return next((item.name for item in self.items if item.kind == "asked"), None)

    def buttons(self) -> Iterator[tuple[Form, Field]]:
        """Every button with its form."""
        return ((form, field) for form in self.forms for field in form.of_kind("button"))

    def button(self, value: str) -> tuple[Form, Field]:
        """The button that sends this, with its form. Raises LookupError."""
        found = next(((form, field) for form, field in self.buttons() if field.value == value), None)
        if found is None:
            raise LookupError(f"{self.address}: has no button {value}")
        return found

    def form_with(self, kind: str) -> Form | None:
        """The first form that has a field of this kind, if one has."""
        return next((form for form in self.forms if form.of_kind(kind)), None)

    def lines(self, part: Element | None = None) -> list[str]:
        """A part of the page as lines, the main one where none is given: for people to compare.

        What is folded away stands there as the line by which it is opened.
        """
        lines = _Lines()
        lines.read(part or self.main)
        lines.flush()
        return lines.lines


def _titles(head: Element) -> Iterator[Element]:
    return head.all("title")


def _fields(element: Element, labels: dict[str, str], label: str) -> Iterator[Field]:
    for part in element.held:
        if not isinstance(part, Element):
            continue
        said = labels.get(part["id"], "") or label
        if part.tag == "button" and part["type"] != "button":
            yield Field("button", part["name"], part["value"], part.spoken)
        elif part.tag == "input" and part["type"] == "hidden":
            yield Field("hidden", part["name"], part["value"], "")
        elif part.tag == "input" and part["type"] == "checkbox":
            yield Field("box", part["name"], part["value"], said, "checked" in part.attributes)
        elif part.tag in ("input", "textarea"):
            yield Field("text", part["name"], part["value"], said)
        else:
            yield from _fields(part, labels, part.spoken if part.tag == "label" else label)


class _Lines:
    """A page as lines: one for each block, marked by what it is; controls in brackets, links with where they lead."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._line = ""
        self._mark = ""

    def flush(self) -> None:
        line = " ".join(self._line.split())
        if line:
            self.lines.append(self._mark + line)
            self._mark = ""
        self._line = ""

    def read(self, element: Element) -> None:
        if not element.seen:
            return
        tag = element.tag
        if tag in _BLOCKS:
            self.flush()
        elif tag == "span":
            self._line += " "
        if tag in ("h1", "h2", "h3", "h4"):
            self._mark = "#" * int(tag[1]) + " "
        elif tag == "li":
            self._mark = "- "
        elif tag == "summary":
            self._mark = "+ "
        said = _LINE_OF[tag](element) if tag in _LINE_OF else None
        if said is not None:
            self._line += said
        else:
            closed = tag == "details" and "open" not in element.attributes
            for part in element.held[: 1 if closed else None]:
                if isinstance(part, str):
                    self._line += part
                else:
                    self.read(part)
            self._line += _AFTER.get(tag, "")
        if tag in _BLOCKS:
            self.flush()
            if tag in ("li", "summary"):
                self._mark = ""


_AFTER = {"td": " | ", "th": " | ", "dt": ": ", "dd": " ", "text": " ", "small": " "}


def _input_line(element: Element) -> str | None:
    if element["type"] == "hidden":
        return ""
    if element["type"] == "checkbox":
        return "(x) " if "checked" in element.attributes else "( ) "
    return " ______ "


def _link_line(element: Element) -> str | None:
    at = element["href"]
    return None if at.startswith("#") else f" {element.text} <{at}> "


_LINE_OF: dict[str, Callable[[Element], str | None]] = {
    "input": _input_line,
    "textarea": lambda element: None if "readonly" in element.attributes else " ______ ",
    "a": _link_line,
    "summary": lambda element: element.text,
    "button": lambda element: f" [ {element.text} ] ",
}


# Browsing


class Request(NamedTuple):
    """A form as it was sent."""

    address: str
    pairs: Pairs


def new_client(url: str) -> httpx.AsyncClient:
    """A client for one service without TLS: it loads no certificates."""
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def said_on(page: Page, said: str) -> Request:
    """How something is said on a page: an option (`tch`, `lvef+platelets`) by its button or its boxes; anything
    else is typed."""
    wire = f"{page.asked}:{said}"
    if said == UNDO and page.asked == "prior_lines":
        removes = [one for one in page.buttons() if one[1].value.endswith("_remove")]
        if removes:
            form, button = removes[-1]
            return Request(form.address, form.sent(button))
    for form, button in page.buttons():
        if button.value == wire:
            return Request(form.address, form.sent(button, ticked=()))
    for form in page.forms:
        if set(said.split("+")) <= {box.value for box in form.of_kind("box")}:
            done = next(button for button in form.of_kind("button") if not button.name)
            return Request(form.address, form.sent(done, ticked=said.split("+")))
    typed = page.form_with("text")
    if typed is not None:
        return Request(typed.address, typed.sent(text=said))
    for form, button in page.buttons():
        if button.value == said:  # a command that stands there to be pressed
            return Request(form.address, form.sent(button))
    form = _of_the_case(page)
    return Request(form.address, [*form.sent(), ("text", said)])  # there is nothing to type into: sent all the same


def _of_the_case(page: Page) -> Form:
    """A form that sends turns of the case."""
    return next(form for form in page.forms if re.fullmatch(r"(/embed)?/case/[0-9]+", form.address))


class Browser:
    """A person's browser: it keeps cookies, says where a form comes from, and follows where it is led."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.page: Page
        """What it shows."""
        self.last: Request | None = None
        """The last form it sent."""

    @property
    def cookies(self) -> httpx.Cookies:
        """What it keeps for this service."""
        return self._client.cookies

    async def open(self, address: str) -> Page:
        """Open an address, in the tab that is shown."""
        return await self.follow(await self.get(address))

    async def get(self, address: str) -> httpx.Response:
        """Ask for an address, and go nowhere yet."""
        return await self._client.get(address, headers=_says("none"))

    async def tab(self, address: str) -> Page:
        """Open an address in another tab: what is shown here stays."""
        shown = self.page
        try:
            return await self.open(address)
        finally:
            self.page = shown

    async def press(self, value: str, page: Page | None = None) -> Page:
        """Press the button that sends this. Raises LookupError."""
        form, button = (page or self.page).button(value)
        return await self.send(form.address, form.sent(button))

    async def say(self, said: str) -> Page:
        """Say something on the page shown: an option or typed words."""
        return await self.send(*said_on(self.page, said))

    async def press_plain(self, address: str) -> Page:
        """Press the only button of the form that is sent there. Raises LookupError."""
        form = next((form for form in self.page.forms if form.address == address), None)
        if form is None:
            raise LookupError(f"{self.page.address}: has no form for {address}")
        return await self.send(address, form.sent())

    async def type(self, text: str, page: Page | None = None) -> Page:
        """Send typed text. Raises LookupError."""
        form = (page or self.page).form_with("text")
        if form is None:
            raise LookupError("there is nothing to type into")
        return await self.send(form.address, form.sent(text=text))

    async def send(self, address: str, pairs: Pairs) -> Page:
        """Send a form, and go where it leads."""
        return await self.follow(await self.post(address, pairs))

    async def post(self, address: str, pairs: Pairs) -> httpx.Response:
        """Send a form, and go nowhere yet."""
        self.last = Request(address, pairs)
        origin = str(self._client.base_url).rstrip("/")
        headers = {**_says("same-origin"), "Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
        return await self._client.post(address, content=urlencode(pairs), headers=headers)

    async def follow(self, response: httpx.Response) -> Page:
        """The page a response leads to. Raises LookupError where it leads round and round."""
        for _ in range(HOPS):
            if response.status_code != 303:
                path = urlsplit(str(response.url)).path
                self.page = Page(response.headers.get("content-location", path), response.status_code, response.text)
                return self.page
            response = await self._client.get(response.headers["location"], headers=_says("same-origin"))
        raise LookupError("it leads round and round")


def _says(site: str) -> dict[str, str]:
    return {"Accept": "text/html", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Served:
    """An application on a loopback port of its own, which it has again after a restart."""

    def __init__(self) -> None:
        self._port = 0
        self._state = ServerState()
        self._server: asyncio.Server

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self, app: ASGIApp) -> None:
        """Listen."""
        config = uvicorn.Config(
            app, interface="asgi3", loop="none", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False,
        )  # fmt: skip
        config.load()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(config, self._state, {}), "127.0.0.1", self._port
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close, and with it every connection."""
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=1.0)
        await self._server.wait_closed()
        await asyncio.sleep(0)  # connections notice that they are gone


# Scripted conversations


class _Heard(App):
    """The application, with what it said since it was last asked."""

    heard: list[Message]

    async def handle(self, *arguments: Any, **more: Any) -> list[Message]:
        """As always, and remembered."""
        messages = await super().handle(*arguments, **more)
        self.heard = [*getattr(self, "heard", []), *messages]
        return messages


@dataclass
class Seen:
    """What a page is looked through for: the words of messages, as far as the page says them in other places."""

    page: Page
    state: State
    words: Words
    banner: str | None

    def among(self, messages: Iterable[Message]) -> list[Message]:
        """Of these messages those that can be read on the page, as far as they stand there in the same order."""
        places = {item.name: place for place, item in enumerate(self.page.items) if item.kind != "answered"}
        found: list[Message] = []
        at = -1
        for message in messages:
            place = len(self.page.items) if message.id in FINALS else places.get(message.id, -1)
            if place >= at and self._is_there(message):
                found.append(message)
                at = place
        return found

    def _is_there(self, message: Message) -> bool:
        if self.page.status != 200:
            return False
        if message.id in FINALS and message.id not in ENDED:
            return self._answer(message)
        if message.asks:
            return self.page.asked == message.id and self._question(message)
        said = (item for item in self.page.items if item.kind in ("said", "ended"))
        item = next((item for item in said if item.name == message.id), None)
        if item is None or not all(map(self._offers, message.buttons)):
            return False
        if message.compared is not None:
            return self._compared(message, message.compared, item)
        return all(_line(block.text) in item.text for block in message.blocks)

    def _compared(self, message: Message, compared: Comparison, item: Item) -> bool:
        """Two answers stand side by side: a row for each option, with its place in both and what rules it out."""
        heading, note, *_, limits = message.blocks
        rows = [" ".join(cell.text for cell in row.all("th", "td")) for row in item.element.all("tr")]
        wanted = [
            [row.name, row.why, *(f"{side.rank}. {side.tier}" for side in (row.now, row.then) if side is not None)]
            for row in compared.rows
        ]
        steps = [[*compared.now_steps, *compared.then_steps], [compared.now_status, compared.then_status]]
        title = heading.text.replace("->", "\N{RIGHTWARDS ARROW}")
        whole = (title, note.text, limits.text, *compared.stopped, *compared.cautions, compared.assumed)
        there = all(any(all(part in row for part in parts) for row in rows) for parts in (*wanted, *steps))
        return there and all(_line(text) in item.text for text in whole)

    @cached_property
    def _controls(self) -> dict[str, list[str]]:
        """What is said on buttons and boxes, by what they send, and on links."""
        controls: dict[str, list[str]] = {}
        for form in self.page.forms:
            for field in form.fields:
                if field.kind == "button":
                    controls.setdefault(field.value, []).append(field.label)
                elif field.kind == "box":
                    controls.setdefault(f"{self.page.asked}:{field.value}", []).append(field.label)
        controls["links"] = [link.label for link in self.page.links]
        return controls

    def _offers(self, button: Button) -> bool:
        """Whether it can be pressed, ticked or followed, under its name; a mark (`your answer now`) may follow."""
        links = isinstance(button.turn, Command)
        said = [*self._controls.get(to_wire(button.turn), []), *(self._controls["links"] if links else [])]
        return any(label == button.label or label.startswith(f"{button.label} ") for label in said)

    def _question(self, message: Message) -> bool:
        """Its words, and a control for each of its options: buttons and boxes, or its place in a list of its own."""
        asked = self.page.within("li", **{"class": "asked"})
        listed = _LISTED[message.id](self) if message.id in _LISTED else None
        for block in message.blocks:
            if listed is not None and (block.kind == "item" or block.text.startswith(_LISTED_BESIDE)):
                if _line(block.text).casefold() not in listed:
                    return False
            elif _line(block.text) not in asked.text:
                return False
        if message.id == "review":
            return "review:confirm" in {field.value for _, field in self.page.buttons()}
        options = [button for button in message.buttons if isinstance(button.turn, Answer)]
        # a line of therapy is removed where it stands, the last one too
        return all(self._offers(option) or option.turn == Answer("prior_lines", (UNDO,)) for option in options)

    def _review(self) -> set[str]:
        listed = self.page.within("dl", **{"class": "review"})
        return {
            f"{label.text}: {self._value(said)}".casefold()
            for label, said in zip(listed.all("dt"), listed.all("dd", **{"class": ""}), strict=True)
        }

    def _value(self, said: Element) -> str:
        """A value with its mark and the words it was understood from, as a message says them."""
        texts = self.words.vocabulary.understood
        value = "; ".join(part.text for part in said.all("span") if part.has_class("value"))
        value += "".join(f" ({part.text})" for part in said.all("span", **{"class": "was"}))
        value += f" ({texts['implied']})" if any(said.all("span", **{"class": "mark"})) else ""
        source = f" ({texts['from']} \N{LEFT DOUBLE QUOTATION MARK}{{}}\N{RIGHT DOUBLE QUOTATION MARK})"
        return value + "".join(source.replace("{}", quoted.text) for quoted in said.all("q"))

    def _facts(self) -> set[str]:
        """What a typed text was understood as, and what of it was not used; at the checklist, what was stated."""
        facts, lines = [], set()
        for listed in self.page.root.all("dl"):
            for label, said in zip(listed.all("dt"), listed.all("dd"), strict=False):
                if listed.has_class("beside"):
                    lines.add(f"{label.text}: {said.text}".casefold())
                elif listed.has_class("facts-read"):
                    facts.append(f"{label.text}: {self._value(said)}")
        stated = "; ".join(fact.partition(" (from ")[0] for fact in facts)
        return {*(fact.casefold() for fact in facts), *lines, f"stated before: {stated}".casefold()}

    def _lines(self) -> set[str]:
        """The lines of therapy entered, as a message says them."""
        lines = set()
        listed = list(self.page.root.all("ol", **{"class": "entered"}))
        for number, line in enumerate(listed[0].all("li") if listed else (), 1):
            agents = next(line.all("span", **{"class": "agents"})).text
            now = [button["value"] for button in line.all("button") if any(button.all("span", **{"class": "mark"}))]
            outcomes = [value.removeprefix(f"prior_lines:line_{number}_") for value in now]
            said = ", ".join(self.words.vocabulary.outcomes[outcome] for outcome in outcomes)
            lines.add(f"Line {number}: {agents} ({said})".casefold())
        return lines

    def _answer(self, message: Message) -> bool:
        """The answer is laid out in another way than a message: all that a message must hold stands there."""
        if message.id != self.state.here:
            return False
        advice = advice_of(self.state, self.words.knowledge)
        vocabulary, role = self.words.vocabulary, self.state.role
        text = self.page.text
        options = [option for option in self.page.root.all("li") if option["id"].startswith("o-")]
        if [option["id"] for option in options] != [f"o-{option.regimen.id}" for option in advice.options]:
            return False
        for shown, option in zip(options, advice.options, strict=True):
            name = f"{option.rank}. {self.words.regimen(option.regimen.id, role)} {vocabulary.tiers[option.tier]}"
            if not shown.text.startswith(name) or _line(option.text).casefold() not in shown.text.casefold():
                return False
        said = [
            vocabulary.status[advice.status], vocabulary.review[advice.review], disclaimer(), advice.record_id,
            *(line for reason in advice.reasons for line in (reason.stop.text, reason.stop.nearest)),
            *(step.regimen.name for step in advice.steps),
            *in_words(advice.assumptions, self.words),
            *([] if advice.options else ["No drug is ranked."]),
            *([self.words.label(name) for name in advice.ask_next] if advice.status == "ask" else []),
            *([self.banner] if self.banner else []),
        ]  # fmt: skip
        listed = [name for part in self.page.root.all("section", id="a-excluded") for name in part.all("b")]
        excluded = {name for names in listed for name in names.text.split(", ")}
        return all(_line(part).casefold() in text.casefold() for part in said) and all(
            self.words.regimen(exclusion.regimen.id, role) in excluded for exclusion in advice.excluded
        )


_LISTED: dict[str, Callable[[Seen], set[str]]] = {
    "review": Seen._review, "prior_lines": Seen._lines, "understood": Seen._facts, "safety": Seen._facts,
}  # fmt: skip
"""Messages whose items a page shows as a list of its own."""
_LISTED_BESIDE = ("Stated before: ", "Not received: ", "Asked about: ", "Not used: ")


def _line(text: str) -> str:
    return " ".join(text.split())


class WebStage(Stage):
    """One browser under a script, in front of the service as it is composed for the web port."""

    app: _Heard

    def __init__(self, knowledge: Knowledge, folder: Path, clock: datetime) -> None:
        super().__init__(knowledge, folder, clock)
        self._settings = Settings(data_dir=folder, web_rate_limit=0, _env_file=None)
        self._served = Served()
        self._shown: dict[str, Page] = {}
        """The page each question was last seen on."""
        self._runner.run(self._begin())

    def _application(self) -> App:
        return _Heard(self.knowledge, self._log, today=self._today)

    async def _begin(self) -> None:
        await self._serve()
        self._client = new_client(self._served.url)
        self.browser = Browser(self._client)
        await self.browser.open("/")
        name = self.browser.cookies[cookie_name(secure=False)].partition(".")[0]
        self.conversation = Session(name).conversation(1)

    async def _serve(self) -> None:
        await self._served.start(application(self.app, self._settings, Metrics()))

    def close(self) -> None:
        """Close the browser, stop the service."""
        self._runner.run(self._end())
        super().close()

    async def _end(self) -> None:
        await self._client.aclose()
        await self._served.stop()

    def do(self, verb: str, what: Any) -> list[Message]:
        """One action of a script, in the browser."""
        messages: list[Message] = self._runner.run(getattr(self, f"_on_{verb}")(what))
        return messages

    # What a person does

    async def _on_user(self, said: str) -> list[Message]:
        return await self._sent(*said_on(self.browser.page, said))

    async def _on_double_tap(self, said: str) -> list[Message]:
        """The same is pressed in two tabs that show the same."""
        other = await self.browser.tab(self.browser.page.address)
        first = await self._sent(*said_on(self.browser.page, said))
        return [*first, *await self._sent(*said_on(other, said))]

    async def _on_stale_tap(self, wire: str) -> list[Message]:
        """Pressed on a page kept from then; what no page ever offered is written into the form of the present one."""
        question, _, said = wire.partition(":")
        page, kept = self.browser.page, self._shown.get(question)
        if kept is None or kept.asked == page.asked:
            form = _of_the_case(page)
            return await self._sent(form.address, [*form.sent(ticked=()), ("turn", wire)])
        return await self._sent(*said_on(kept, said))

    async def _on_redeliver(self, _: bool) -> list[Message]:
        if self.browser.last is None:
            raise LookupError("nothing was delivered yet")
        return await self._sent(*self.browser.last)

    async def _on_restart(self, _: bool) -> list[Message]:
        await self._served.stop()
        self._log.close()
        self.app = self._open_app()  # type: ignore[assignment]
        await self._serve()
        return await self._reloaded()

    async def _on_edit_message(self, _: str) -> list[Message]:
        return await self._beside_the_page("edited")

    async def _on_send(self, _: str) -> list[Message]:
        return await self._beside_the_page("unsupported")

    async def _beside_the_page(self, code: str) -> list[Message]:
        """A page offers neither to edit what was sent nor to send a file: put to the application as a channel would
        that can; on the page nothing may change."""
        before = self.browser.page.text
        said = await self.app.handle(self.conversation, Unsupported(code))
        await self._reloaded()
        return said if self.browser.page.text == before else []

    async def _on_advance_clock(self, by: str) -> list[Message]:
        return self._advance_clock(by)

    # The browser

    async def _sent(self, address: str, pairs: Pairs) -> list[Message]:
        self.app.heard = []
        response = await self.browser.post(address, pairs)
        said = self.app.heard
        await self.browser.follow(response)
        return await self._seen(said)

    async def _reloaded(self) -> list[Message]:
        await self.browser.open(self.browser.page.address)
        return await self._seen([render(present(await self._state(), self.knowledge), self.app.words)])

    async def _state(self) -> State:
        return await self.app.state_of(self.conversation)

    async def _seen(self, said: Sequence[Message]) -> list[Message]:
        page = self.browser.page
        if page.asked is not None:
            self._shown[page.asked] = page
        seen = Seen(page, await self._state(), self.app.words, self.app.banner)
        return [_as_on_the_core(message) for message in seen.among(said)]


def _as_on_the_core(message: Message) -> Message:
    """A press that came twice is told that it was taken, where the core can only say that it is out of date."""
    return message._replace(id="notice.stale") if message.id == "notice.taken" else message
