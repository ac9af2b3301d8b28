"""Who may reach the web port, and under which headers: the guard around a small site, and a browser before it."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import string
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope
from structlog.testing import capture_logs

from bot import access
from bot.access import Limit, Passes, access_of, client_of, cookie_name, guarded, is_tls, local_path, same_origin
from bot.channels.web import sign_in
from bot.log import Keys
from bot.settings import Settings, SettingsError, read_settings
from tests.browser import Site, chromium, need_chromium
from tests.conftest import KEY

TOKEN = "a token of the tests zzcanaryzz"
USER = "x-forwarded-user"
NAME = "dr.zzcanaryzz"
PROXY = "10.0.0.5"
HTML = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
BASE = """<!doctype html>
<html lang="en"><head><title>{% block title %}{% endblock %}</title>{% block head %}{% endblock %}</head>
<body><main>{% block main %}{% endblock %}</main></body></html>
"""
"""The smallest frame that can hold the page for signing in."""


def set_up(**given: Any) -> Settings:
    """Settings that no environment and no file adds to. The limit is off unless a test is about it."""
    return Settings(_env_file=None, **{"web_rate_limit": 0, **given})


def behind(**given: Any) -> Settings:
    """Of a service behind a proxy that ends TLS."""
    return set_up(
        web_host="0.0.0.0", web_access_token=TOKEN, web_trusted_proxies="10.0.0.0/8",
        public_url="https://triage.example.org", **given,
    )  # fmt: skip


def with_proxy_user(**given: Any) -> Settings:
    return set_up(web_host="0.0.0.0", web_trusted_proxies="10.0.0.0/8", web_user_header="X-Forwarded-User", **given)


class Clock:
    """Seconds a test moves by itself."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: str

    def __getitem__(self, name: Any) -> Any:
        """The one header of a name; empty where there is none."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, values
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def problem(self) -> str:
        assert self["content-type"] == "application/problem+json", self
        document = json.loads(self.body)
        assert document.keys() == {"type", "title", "status", "detail"}
        assert document["status"] == self.status
        return str(document["detail"])


class Inside:
    """What is guarded: it says what it was told about the request, and remembers it."""

    def __init__(self, headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"text/plain"),)) -> None:
        self.scopes: list[Scope] = []
        self.headers = headers
        self.status = 200

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["path"] == "/fails":
            raise RuntimeError(TOKEN)
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": b"inside"})

    @property
    def scope(self) -> Scope:
        return self.scopes[-1]


def site(settings: Settings, **options: Any) -> tuple[ASGIApp, Inside]:
    inside = Inside()
    return guarded(inside, settings, Keys(KEY), elsewhere=("/telegram/webhook",), **options), inside


Headers = Sequence[tuple[str, str]]


async def ask(
    app: ASGIApp, path: str = "/", *headers: tuple[str, str], method: str = "GET", host: str | None = "127.0.0.1:8000",
    peer: str | None = "127.0.0.1", body: bytes = b"",
) -> Answer:  # fmt: skip
    """What is answered. `peer`: None for a Unix socket."""
    raw = [(b"host", host.encode("latin-1"))] if host is not None else []
    raw += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    bare, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": bare, "raw_path": bare.encode("latin-1"), "query_string": query.encode("latin-1"), "root_path": "",
        "headers": raw, "client": (peer, 50_000) if peer is not None else None, "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return Answer(start["status"], found, b"".join(part.get("body", b"") for part in parts).decode())


def bearer(token: str = TOKEN) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


# The host asked for


OWN = ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "127.8.9.1", "[::1]", "[::1]:8000", "localhost.",
       "triage.example.org", "Triage.Example.org:8443"]  # fmt: skip
OTHERS = ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0",
          "10.0.0.5", "[2001:db8::1]", "[::]", "triage.example.org.evil.example"]  # fmt: skip


@pytest.mark.parametrize("host", OWN)
async def test_on_loopback_its_own_names_are_answered(host: str) -> None:
    """S34: were it to fail, nobody gets in who opens the address that was printed."""
    app, _ = site(set_up(public_url="https://triage.example.org/chat"))
    assert (await ask(app, host=host)).status == 200


@pytest.mark.parametrize("host", OTHERS)
async def test_on_loopback_no_other_name_is_answered(host: str) -> None:
    """S34: were it to fail, a site that points its name at 127.0.0.1 reads the conversations of whoever opens it."""
    app, inside = site(set_up(public_url="https://triage.example.org"))
    answer = await ask(app, host=host)
    assert answer.status == 421
    assert "TRIAGE_PUBLIC_URL" in answer.problem
    assert (await ask(app, "/", HTML, host=host))["content-type"].startswith("text/html")
    assert not inside.scopes


async def test_elsewhere_the_public_address_is_the_only_name_where_it_is_known() -> None:
    """S34: were it to fail, a service that knows its name answers to any, or health checks by loopback fail."""
    app, _ = site(set_up(web_host="0.0.0.0", web_access_token=TOKEN, public_url="https://triage.example.org"))
    for host, status in (("triage.example.org", 401), ("localhost:8000", 401), ("10.0.0.5:8000", 421), ("x", 421)):
        assert (await ask(app, host=host)).status == status, host
    assert (await ask(app, "/metrics", bearer(), host="triage:8000")).status == 200, "a scraper inside, with the token"
    assert (await ask(app, "/metrics", bearer("x" * 20), host="triage:8000")).status == 421
    unnamed, _ = site(set_up(web_host="0.0.0.0", web_access_token=TOKEN))
    assert (await ask(unnamed, host="anything.example")).status == 401


@pytest.mark.parametrize("host", [None, "", ":8000", "local host", "localhost\r\nX: y", "localhost:port", "a@localhost",
                                  "localhost/x", "[::1", "[::1]x", "\xe9.example", "localhost,evil.example",
                                  "localhost:1:2", "a" * 254, "127.0.0.1:" + "0" * 40_000])  # fmt: skip
async def test_a_host_that_is_none_is_refused(host: str | None) -> None:
    """S33: were it to fail, an odd Host header is an exception, or is taken for a name."""
    for settings in (set_up(), set_up(web_host="0.0.0.0", web_access_token=TOKEN)):
        app, inside = site(settings)
        with capture_logs() as logs:
            answer = await ask(app, host=host)
        assert answer.status == 400
        assert host is None or len(host) < 5 or host not in answer.body
        assert (logs, inside.scopes) == ([], [])


async def test_a_second_host_is_refused() -> None:
    """S33: were it to fail, a proxy and this service may each believe another one of two Host headers."""
    app, _ = site(set_up())
    assert (await ask(app, "/", ("host", "127.0.0.1:8000"))).status == 400
    assert (await ask(app, "/", ("host", "evil.example"))).status == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/telegram/webhook"])
async def test_health_and_deliveries_are_open_under_any_name(path: str) -> None:
    """Were it to fail: an orchestrator that calls a worker by its address restarts it, or Telegram is shut out."""
    app, _ = site(behind(web_rate_limit=1))
    for host in ("10.0.0.5:8000", "evil.example", None):
        for _ in range(30):
            answer = await ask(app, path, host=host, peer="192.0.2.1", method="POST")
            assert answer.status == 200
    for other in ("/healthz/", "/readyz/x", "/Healthz", "//healthz", "/telegram/webhook/"):
        assert (await ask(app, other, host="10.0.0.5:8000")).status == 421, other


# The client


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # nobody trusted said so
        (PROXY, [], PROXY),
        (PROXY, ["203.0.113.9"], "203.0.113.9"),
        (PROXY, ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),  # what stands before is anybody's invention
        (PROXY, ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (PROXY, ["198.51.100.1, 203.0.113.9, 10.2.0.1"], "203.0.113.9"),
        (PROXY, ["127.0.0.1, 203.0.113.9,10.2.0.1 , 10.2.0.2"], "203.0.113.9"),
        (PROXY, ["10.9.9.9"], "10.9.9.9"),
        (PROXY, ["203.0.113.9:4711"], "203.0.113.9"),
        (PROXY, ["[2001:db8::9]:4711"], "2001:db8::9"),
        (PROXY, ["2001:DB8:0:0::9"], "2001:db8::9"),
        (PROXY, ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.5", ["203.0.113.9"], "203.0.113.9"),
        ("::ffff:192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
        (PROXY, ["unknown"], PROXY),
        (PROXY, ["203.0.113.9, unknown"], PROXY),
        (PROXY, ["203.0.113.9, "], PROXY),
        (PROXY, ["203.0.113.9, 10.2.0.1, nonsense, 10.2.0.2"], "10.2.0.2"),
        (PROXY, ["203.0.113.9\r\nX: y"], PROXY),
        (PROXY, ["203.0.113.999"], PROXY),
        (PROXY, [""], PROXY),
        (PROXY, ["x" * 30_000], PROXY),
        (PROXY, ["203.0.113.9" + ",10.2.0.1" * 3_000], "10.2.0.1"),
        (None, ["203.0.113.9"], None),
        ("testclient", ["203.0.113.9"], "testclient"),
    ],
)
async def test_the_client_is_the_last_one_trusted_proxies_do_not_vouch_for(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    """S33: were it to fail, a client chooses the address it is counted under, or all of a proxy count as one."""
    app, inside = site(set_up(web_host="0.0.0.0", web_trusted_proxies="10.0.0.0/8, fd00::1"))
    with capture_logs() as logs:
        assert (await ask(app, "/", *(("x-forwarded-for", value) for value in forwarded), peer=peer)).status == 200
    assert (client_of(inside.scope), logs) == (client, [])


@pytest.mark.parametrize(
    ("peer", "proto", "url", "tls"),
    [
        (PROXY, ["https"], None, True),
        (PROXY, ["HTTPS "], None, True),
        (PROXY, ["https, http"], None, True),
        (PROXY, ["http", "https"], None, True),
        (PROXY, ["http"], None, False),
        (PROXY, ["httpsx"], None, False),
        (PROXY, ["https\r\n"], None, True),
        (PROXY, [], None, False),
        ("192.0.2.1", ["https"], None, False),
        (None, ["https"], None, False),
        ("192.0.2.1", [], "https://triage.example.org", True),
        ("192.0.2.1", [], "http://triage.example.org", False),
    ],
)
async def test_tls_in_front_is_known(peer: str | None, proto: list[str], url: str | None, tls: bool) -> None:
    """S34: were it to fail, cookies behind TLS may be sent without it, or anybody can claim TLS."""
    settings = set_up(web_host="0.0.0.0", web_trusted_proxies="10.0.0.0/8", public_url=url)
    app, inside = site(settings)
    answer = await ask(app, "/", *(("x-forwarded-proto", value) for value in proto), peer=peer)
    assert is_tls(inside.scope) is tls
    assert bool(answer["strict-transport-security"]) is tls


# A token, a cookie


async def test_a_program_shows_the_token() -> None:
    """S33: were it to fail, whoever reaches the port reads conversations, or a program with the token does not."""
    app, inside = site(set_up(web_access_token=TOKEN))
    for scheme in ("Bearer", "bearer"):
        assert (await ask(app, "/api/v1/x", ("authorization", f"{scheme} {TOKEN}"))).status == 200
    assert access_of(inside.scope) == "token"
    taken = len(inside.scopes)
    wrong = ["", "Bearer", "Bearer ", bearer(TOKEN[:-1])[1], bearer(TOKEN + "x")[1], f"Basic {TOKEN}", TOKEN,
             f"Bearer {TOKEN}\r\nX: y", f"Bearer {TOKEN.upper()}", "Bearer \xff"]  # fmt: skip
    for shown in (*([("authorization", value)] for value in wrong), [], [bearer(), bearer()], [bearer("x"), bearer()]):
        answer = await ask(app, "/api/v1/x", *shown)
        assert answer.status == 401
        assert "Authorization: Bearer" in answer.problem
        assert answer["www-authenticate"] == "Bearer"
        assert "zzcanaryzz" not in answer.body
    assert len(inside.scopes) == taken


async def test_without_a_token_loopback_is_open() -> None:
    """Were it to fail: the default, which needs no settings, asks for a token nobody has."""
    app, inside = site(set_up())
    assert (await ask(app, "/", HTML)).status == 200
    assert access_of(inside.scope) is None
    assert (await ask(app, "/api/v1/conversations", method="POST")).status == 200


async def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """S33: were it to fail, how long a refusal takes tells how much of a guess was right."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    app, _ = signing()
    await ask(app, "/api/v1/x", bearer("a guess"))
    await sign_in_with(app, "another guess")
    assert compared == [(b"a guess", TOKEN.encode()), (b"another guess", TOKEN.encode())]


def render(name: str, **values: Any) -> str:
    """A page, in that frame."""
    source = (Path(sign_in.__file__).parent / "templates" / name).read_text("utf-8")
    templates = DictLoader({"base.html": BASE, name: source})
    page = Environment(loader=templates, autoescape=True, undefined=StrictUndefined).get_template(name)
    return page.render(values, static=lambda name: f"/static/{name}")


async def told(request: Request) -> Response:
    """What a page can ask about its request."""
    return JSONResponse({
        "by": access_of(request.scope), "own": same_origin(request), "tls": is_tls(request.scope),
        "client": client_of(request.scope),
    })  # fmt: skip


async def lead(request: Request) -> Response:
    return HTMLResponse(
        "<!doctype html><html lang='en'><title>Inside</title><main><h1>Inside</h1>"
        "<form method='post' action='/told'><button>Send</button></form><a href='/answer.html'>Save</a>"
        "<form method='post' action='/sign-out'><button>Sign out</button></form></main></html>"
    )


async def saved(request: Request) -> Response:
    return HTMLResponse("<b>an answer</b>", headers={"Content-Disposition": 'attachment; filename="answer.html"'})


def signing(
    settings: Settings | None = None, clock: Clock | None = None, key: str = KEY, limit_clock: Clock | None = None
) -> tuple[ASGIApp, Clock]:
    """A small site with the pages for signing in."""
    clock = clock or Clock()
    settings = settings or set_up(web_access_token=TOKEN)
    keys = Keys(key)
    pages = sign_in.routes(settings, keys, render=render, now=clock, monotonic=limit_clock or clock)
    inside = [Route("/told", told, methods=["GET", "POST"]), Route("/answer.html", saved), Route("/embed", lead)]
    app = Starlette(routes=[*pages, *inside, Route("/", lead), Route("/case/{rest:path}", lead)])
    return guarded(app, settings, keys, now=clock, monotonic=limit_clock or clock), clock


async def sign_in_with(
    app: ASGIApp, token: str, *headers: tuple[str, str], target: str = "/", path: str = "/sign-in", **more: Any
) -> Answer:
    """What is answered to the form."""
    form = urlencode({"token": token, "next": target}).encode()
    return await ask(app, path, *headers, HTML, method="POST", body=form, **more)


def cookie_of(answer: Answer) -> str:
    return str(answer["set-cookie"].partition(";")[0])


async def test_a_browser_signs_in_once() -> None:
    """S34: were it to fail, people cannot use a chat that has a token, or their cookie is within reach of others."""
    app, clock = signing()
    sent_away = await ask(app, "/case/2?a=b&c=%20d", HTML)
    assert sent_away.status == 303
    assert sent_away["location"] == "/sign-in?next=/case/2%3Fa%3Db%26c%3D%2520d"
    page = await ask(app, sent_away["location"], HTML)
    assert page.status == 200
    assert 'name="next" value="/case/2?a=b&amp;c=%20d"' in page.body
    answer = await sign_in_with(app, f" {TOKEN} ", target="/case/2?a=b&c=%20d")
    assert (answer.status, answer["location"]) == (303, "/case/2?a=b&c=%20d")
    cookie, *marks = answer["set-cookie"].split("; ")
    assert cookie.startswith("triage_access=")
    assert set(marks) == {"Max-Age=43200", "Path=/", "HttpOnly", "SameSite=Lax"}
    assert TOKEN not in str(answer.headers)
    inside = await ask(app, "/told", ("cookie", f"a=b; {cookie}; c=d"))
    assert (inside.status, json.loads(inside.body)["by"]) == (200, "cookie")
    other_worker, _ = signing(clock=clock)
    assert (await ask(other_worker, "/told", ("cookie", cookie))).status == 200
    clock.now += 12 * 3600 - 1
    assert (await ask(app, "/told", ("cookie", cookie))).status == 200
    clock.now += 1
    assert (await ask(app, "/told", ("cookie", cookie))).status == 401


async def test_behind_tls_the_cookie_goes_nowhere_else() -> None:
    """S34: were it to fail, the cookie is sent without TLS, or a neighbouring host can set it."""
    app, _ = signing(behind(web_embed_origins="https://portal.example.org"))
    there: dict[str, Any] = {"host": "triage.example.org", "peer": PROXY}
    answer = await sign_in_with(app, TOKEN, **there)
    cookie = cookie_of(answer)
    assert cookie.startswith("__Host-triage_access=")
    assert answer["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert (await ask(app, "/told", ("cookie", cookie), **there)).status == 200
    assert (await ask(app, "/told", ("cookie", cookie.removeprefix("__Host-")), **there)).status == 401
    assert (await ask(app, "/embed", ("cookie", cookie), **there)).status == 401, "a frame of another site has its own"
    framed = await sign_in_with(app, TOKEN, target="/embed?case=1", path="/embed/sign-in", **there)
    assert framed["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=None; Partitioned; Secure")
    assert (await ask(app, "/embed", ("cookie", cookie_of(framed)), **there)).status == 200
    assert (await ask(app, "/told", ("cookie", cookie_of(framed)), **there)).status == 401
    assert framed["location"] == "/embed?case=1"
    assert (await sign_in_with(app, TOKEN, target="/case/1", path="/embed/sign-in", **there))["location"] == "/embed"
    for base, name, session in (
        ("", "__Host-triage_access", "__Host-triage_session"),
        ("/embed", "__Host-triage_access_embedded", "__Host-triage_embedded"),
    ):
        gone = await ask(app, f"{base}/sign-out", ("origin", "https://triage.example.org"), method="POST", **there)
        assert (gone.status, gone["location"]) == (303, f"{base}/sign-in")
        access, cases = gone.all("set-cookie")
        assert access.startswith(f"{name}=; Max-Age=0; ")
        assert cases.startswith(f"{session}=; Max-Age=0; ")
        assert access.endswith("; Secure")
        assert cases.endswith("; Secure"), "whoever uses the browser next would see the cases before"


async def test_a_cookie_that_was_not_issued_here_opens_nothing() -> None:
    """S33: were it to fail, a cookie can be made up, prolonged, or outlives the token it was given for."""
    clock = Clock()
    keys = Keys(KEY)
    good = Passes(TOKEN.encode(), keys, clock).issue()
    until, _, signature = good.partition(".")
    app, _ = signing(clock=clock)
    forged = [
        "", ".", until, signature, f"{int(until) + 1}.{signature}", f"0{good}", f"{good}0", f" {good}x", good.upper(),
        f"{until}.{signature[:-1]}{'0' if signature[-1] != '0' else '1'}", f"{until}.{'0' * 32}", f"-{good}",
        Passes(b"another token of the tests", keys, clock).issue(),
        Passes(TOKEN.encode(), Keys("another key of the tests that is long"), clock).issue(),
        f"{until}.{keys.sign(b'web session', until)}", f"9{until}.{signature}", "\xff" * 40,
        "1" * 20_000, f"{until}.\xb2{signature[1:]}",
    ]  # fmt: skip
    with capture_logs() as logs:
        for value in forged:
            assert (await ask(app, "/told", ("cookie", f"triage_access={value}"))).status == 401, value
        assert (await ask(app, "/told", ("cookie", f"triage_access_embedded={good}"))).status == 401
        assert (await ask(app, "/told", ("cookie", f"Xtriage_access={good}"))).status == 401
    assert logs == []
    tossed = ("cookie", f"triage_access=set-by-a-neighbour; triage_access={good}")
    assert (await ask(app, "/told", tossed)).status == 200
    assert (await ask(app, "/told", ("cookie", "a=b"), ("cookie", f"triage_access={good}"))).status == 200


async def test_a_key_can_be_changed_while_people_are_signed_in() -> None:
    """Were it to fail: changing the key as documented signs everybody out, or a token that was changed still opens."""
    clock = Clock()
    app, _ = signing(clock=clock)
    cookie = ("cookie", cookie_of(await sign_in_with(app, TOKEN)))
    turned, _ = signing(clock=clock, key=f"a new key that is as long as it has to be, {KEY}")
    assert (await ask(turned, "/told", cookie)).status == 200
    alone, _ = signing(clock=clock, key="a new key that is as long as it has to be")
    assert (await ask(alone, "/told", cookie)).status == 401
    changed, _ = signing(set_up(web_access_token="another token of the tests"), clock)
    assert (await ask(changed, "/told", cookie)).status == 401


async def test_readers_are_led_to_the_form_and_programs_are_not() -> None:
    """Were it to fail: a person sees a JSON error, or a script reads a form where it expected an answer."""
    app, _ = signing()
    assert (await ask(app, "/", HTML))["location"] == "/sign-in"
    assert (await ask(app, "/told", HTML, method="POST"))["location"] == "/sign-in", "what was posted is not kept"
    assert (await ask(app, "/embed/case/1", HTML, method="POST"))["location"] == "/embed/sign-in"
    assert (await ask(app, "/embed?a=b", HTML))["location"] == "/embed/sign-in?next=/embed%3Fa%3Db"
    assert (await ask(app, "/", HTML, ("sec-fetch-mode", "navigate"))).status == 303
    for path, *headers in (
        ("/",), ("/", ("accept", "*/*")), ("/", ("accept", "application/json")), ("/api/v1/x", HTML),
        ("/", HTML, ("sec-fetch-mode", "cors")), ("/", HTML, ("sec-fetch-mode", "same-origin")),
    ):  # fmt: skip
        answer = await ask(app, path, *headers)
        assert answer.status == 401
        assert answer.problem


async def test_what_holds_nothing_is_open() -> None:
    """Were it to fail: the sign-in page has no style, or a path that looks like a static file opens the others."""
    app, _ = site(set_up(web_access_token=TOKEN))
    for path in ("/static/chat.css", "/static/a/b.js?v=1", "/embed.js", "/sign-in", "/embed/sign-in"):
        assert (await ask(app, path)).status == 200, path
    for path in ("/static", "/static/../api/v1/x", "/static/..", "/staticx", "/embed.js/", "/embed", "/sign-in/",
                 "/SIGN-IN", "//static/x", "/metrics", "/api/v1/conversations"):  # fmt: skip
        assert (await ask(app, path)).status == 401, path


LOCAL = ["/", "/case/1", "/case/1/at/hr_status?x=y#asked", "/%2f%2fevil.example", "/a//b", "/:80", "/@evil.example",
         "/?next=//evil.example", "/a?u=https://evil.example"]  # fmt: skip
FOREIGN = ["", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
           "\t//evil.example", " //evil.example", "/\r\nLocation: https://evil.example", "/a\r\nSet-Cookie: x=y",
           "/a\nb", "/a b", "/\x00", "/\x7f", "http://evil.example", "https:evil.example", "HTTPS://evil.example",
           "javascript:alert(1)", "data:text/html,x", "evil.example", ".evil.example", "@evil.example",
           "%2f%2fevil.example", "%2fcase", "/\xa0/evil.example", "/\u2215evil.example", "/\ud800", "/" + "a" * 2000,
           "/sign-in", "/sign-out", "/embed/sign-in?next=/", "/embed/sign-out",
           "/sign-in?next=/sign-in", "?a", "#a"]  # fmt: skip


@pytest.mark.parametrize("target", LOCAL)
async def test_after_signing_in_a_local_path_is_gone_back_to(target: str) -> None:
    """Were it to fail: whoever signs in loses where they were."""
    app, _ = signing()
    assert local_path(target) == target
    assert (await sign_in_with(app, TOKEN, target=target))["location"] == target
    assert urlsplit(urljoin("https://triage.example.org/sign-in", target)).netloc == "triage.example.org"


@pytest.mark.parametrize("target", FOREIGN)
async def test_signing_in_never_leads_elsewhere(target: str) -> None:
    """S34: were it to fail, a link to this service's own form sends whoever signed in to another site."""
    app, _ = signing()
    assert local_path(target) == "/"
    sent = quote(target, safe="", errors="surrogatepass")
    answer = await ask(
        app, "/sign-in", method="POST", body=f"token={quote(TOKEN)}&next=%2Fcase%2F1&next={sent}".encode()
    )
    assert (answer.status, answer["location"]) == (303, "/")
    assert len(answer.all("set-cookie")) == 1
    page = await ask(app, f"/sign-in?next={sent}")
    assert 'name="next" value="/"' in page.body
    assert local_path(None) == "/"


@given(st.text(alphabet=string.printable + "\\\xa0\u2028", max_size=40))
def test_no_text_at_all_leads_elsewhere(text: str) -> None:
    """S34: were it to fail, there is a way around the cases above."""
    found = local_path(text)
    assert found in ("/", text)
    led = urlsplit(urljoin("https://triage.example.org/sign-in", re.sub(r"[\t\r\n]", "", found).replace("\\", "/")))
    assert (led.scheme, led.netloc) == ("https", "triage.example.org")


async def test_a_path_that_cannot_be_led_back_to_is_left_out() -> None:
    """S34: were it to fail, a crafted address is carried through the form as it is."""
    app, _ = signing()
    for path in ("//evil.example", "/\\evil.example", "/a\r\nX: y", "/\xe9", "/" + "a" * 2001):
        assert (await ask(app, path, HTML))["location"] == "/sign-in", path


async def test_wrong_tokens_are_told_and_soon_refused() -> None:
    """S33: were it to fail, a token that somebody chose is found by trying."""
    app, clock = signing()
    for _ in range(10):
        answer = await sign_in_with(app, "not the token", ("x-forwarded-for", "198.51.100.1"))
        assert (answer.status, answer["www-authenticate"]) == (401, "Bearer")
        assert 'role="alert"' in answer.body
        assert "not the token" not in answer.body
        assert not answer.all("set-cookie")
    for token in ("not the token", TOKEN):  # the right one as well: what is answered tells nothing
        answer = await sign_in_with(app, token)
        assert answer.status == 429
        assert 0 < int(answer["retry-after"]) <= 300
        assert "Try again in" in answer.body
        assert not answer.all("set-cookie")
    assert (await sign_in_with(app, TOKEN, peer="192.0.2.1")).status == 303, "nobody else has to wait"
    assert (await ask(app, "/told", bearer())).status == 200, "nor a program on the same machine"
    clock.now += 300
    assert (await sign_in_with(app, TOKEN)).status == 303
    for _ in range(50):
        assert (await sign_in_with(app, TOKEN)).status == 303, "right ones are not counted"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 401), (b"token=", 401), (b"token", 401), (b"next=/", 401), (b"\xff\xfe", 400), (b"a=b&" * 50, 400),
     (b"token=" + b"x" * 9000, 413), (b"token=%ff%00", 401), (b"{}", 401)],
)  # fmt: skip
async def test_a_form_that_cannot_be_read_is_answered(body: bytes, status: int) -> None:
    """S25: were it to fail, an odd form ends in an exception."""
    app, _ = signing()
    with capture_logs() as logs:
        answer = await ask(app, "/sign-in", method="POST", body=body)
    assert (answer.status, logs) == (status, [])


def test_without_a_token_there_is_nothing_to_sign_in_with() -> None:
    """Were it to fail: a service without a token shows a form that takes anything, or nothing."""
    assert sign_in.routes(set_up(), Keys(KEY)) == []


# A proxy that signs people in


async def test_whom_a_trusted_proxy_names_is_let_in() -> None:
    """S33: were it to fail, single sign-on in front of the service is of no use, or the name goes further."""
    app, inside = site(with_proxy_user())
    answer = await ask(app, "/", (USER, NAME), ("x-forwarded-for", "203.0.113.9"), peer=PROXY, host="triage")
    assert answer.status == 200
    assert access_of(inside.scope) == "proxy"
    assert NAME not in repr(inside.scope)
    refused = await ask(app, "/", HTML, peer=PROXY, host="triage")
    assert refused.status == 403
    assert "signs people in" in refused.body


@pytest.mark.parametrize(
    ("peer", "named"),
    [
        ("192.0.2.1", [NAME]), ("127.0.0.1", [NAME]), (None, [NAME]), ("testclient", [NAME]), (PROXY, []),
        (PROXY, [""]), (PROXY, ["  "]), (PROXY, ["(null)"]), (PROXY, ["-"]), (PROXY, [NAME, NAME]), (PROXY, ["", NAME]),
    ],
)  # fmt: skip
async def test_anybody_else_names_nobody(peer: str | None, named: list[str]) -> None:
    """S33: were it to fail, a header lets in whoever sends it, or whoever slips in a second one."""
    app, inside = site(with_proxy_user(web_access_token=TOKEN))
    values = [(USER, value) for value in named]
    forwarded = ("x-forwarded-for", PROXY)
    assert (await ask(app, "/api/v1/x", *values, forwarded, peer=peer, host="triage")).status == 401
    assert not inside.scopes
    assert (await ask(app, "/api/v1/x", *values, bearer(), peer=peer, host="triage")).status == 200
    assert access_of(inside.scope) == "token"
    assert not [value for name, value in inside.scope["headers"] if name == USER.encode()]
    assert (await ask(app, "/healthz", *values, peer=peer)).status == 200
    assert not [value for name, value in inside.scope["headers"] if name == USER.encode()]


async def test_a_user_of_the_proxy_is_counted_apart() -> None:
    """S33: were it to fail, one user behind a proxy can use up what all others have."""
    clock = Clock()
    app, _ = site(with_proxy_user(web_rate_limit=60), monotonic=clock)
    for _ in range(20):
        assert (await ask(app, "/", (USER, "a"), peer=PROXY)).status == 200
    assert (await ask(app, "/", (USER, "a"), ("x-forwarded-for", "203.0.113.9"), peer=PROXY)).status == 429
    assert (await ask(app, "/", (USER, "b"), peer=PROXY)).status == 200
    assert (await ask(app, "/", (USER, "a"), peer="192.0.2.1")).status == 403, "counted as an address, not as that user"


# How often


async def test_a_client_that_asks_too_often_waits() -> None:
    """S33: were it to fail, one client takes the service from all others, or nobody is told when to go on."""
    clock = Clock()
    app, inside = site(set_up(web_rate_limit=1200), monotonic=clock)
    for _ in range(120):
        assert (await ask(app)).status == 200
    answer = await ask(app)
    assert (answer.status, answer["retry-after"], answer["cache-control"]) == (429, "1", "no-store")
    assert "Too many" in answer.problem
    page = await ask(app, "/", HTML)
    assert (page.status, page["retry-after"]) == (429, "1")
    assert page["content-type"].startswith("text/html")
    assert len(inside.scopes) == 120
    assert (await ask(app, peer="127.0.0.2")).status == 200
    clock.now += 0.5
    assert [(await ask(app)).status for _ in range(11)] == [200] * 10 + [429], "twenty a second come back"
    clock.now += 3600
    assert [(await ask(app)).status for _ in range(121)] == [200] * 120 + [429], "and no more than at first"


async def test_what_changes_something_is_limited_further() -> None:
    """S33: were it to fail, a script writes turns as fast as pages are read."""
    clock = Clock()
    app, _ = site(set_up(web_rate_limit=1200), monotonic=clock)
    methods = ["POST", "DELETE", "PUT", "PATCH"] * 10
    assert [(await ask(app, method=method)).status for method in methods] == [200] * 40
    assert (await ask(app, method="POST")).status == 429
    assert (await ask(app)).status == 200, "reading goes on"
    clock.now += 1
    assert [(await ask(app, method="POST")).status for _ in range(6)] == [200] * 5 + [429]


async def test_an_ipv6_subscriber_is_one_client() -> None:
    """S33: were it to fail, whoever has a /64 has as many allowances as it has addresses."""
    clock = Clock()
    app, _ = site(set_up(web_rate_limit=60), monotonic=clock)
    for number in range(20):
        assert (await ask(app, peer=f"2001:db8:0:1::{number:x}")).status == 200
    assert (await ask(app, peer="2001:db8:0:1:ffff::1")).status == 429
    assert (await ask(app, peer="2001:db8:0:2::1")).status == 200
    assert (await ask(app, peer="::ffff:192.0.2.1")).status == 200
    assert [(await ask(app, peer=None)).status for _ in range(21)] == [200] * 20 + [429], "a Unix socket is one client"


async def test_health_and_metrics_are_not_counted() -> None:
    """Were it to fail: a busy client makes an orchestrator restart the service, or blinds whoever watches it."""
    clock = Clock()
    app, _ = site(set_up(web_rate_limit=60, web_access_token=TOKEN), monotonic=clock)
    for _ in range(30):
        await ask(app, "/api/v1/x", bearer())
    assert (await ask(app, "/api/v1/x", bearer())).status == 429
    for path in ("/healthz", "/readyz", "/telegram/webhook", "/metrics"):
        assert {(await ask(app, path, bearer())).status for _ in range(50)} == {200}, path


@pytest.mark.parametrize("path", ["/api/v1/x", "/metrics"])
async def test_guessing_the_token_is_slow_and_tells_nothing_more(path: str) -> None:
    """S33: were it to fail, tokens can be tried where the sign-in page's own limit does not count."""
    clock = Clock()
    app, _ = site(set_up(web_rate_limit=1200, web_access_token=TOKEN), monotonic=clock)
    tried = [(await ask(app, path, bearer("a guess"))).status for _ in range(20)]
    assert tried == [401] * 12 + [429] * 8
    assert (await ask(app, path, bearer())).status == 429, "a right one shows itself no more than a wrong one"
    clock.now += 1
    assert [(await ask(app, path, bearer("a guess"))).status for _ in range(3)] == [401, 401, 429]
    clock.now += 60
    assert (await ask(app, path, bearer())).status == 200


async def test_no_limit_where_it_is_turned_off() -> None:
    """Were it to fail: a front end that speaks for many users cannot be let through."""
    app, _ = site(set_up(web_rate_limit=0))
    assert {(await ask(app, method="POST")).status for _ in range(300)} == {200}


def test_any_number_of_clients_is_counted_in_the_same_memory() -> None:
    """S33: were it to fail, addresses that come once fill the memory."""
    limit = Limit(1, 10)
    keys = [f"client {number}" for number in range(100_000)]
    tracemalloc.start()
    try:
        for key in keys:
            limit.wait(key)
            limit.spend(key)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_nobody_gets_a_fresh_allowance_by_crowding_others_out() -> None:
    """S33: were it to fail, whoever is refused sends from 10,000 other addresses first, and goes on."""
    clock = Clock()
    limit = Limit(20, 120, clock)
    for _ in range(120):
        assert limit.wait("attacker") == 0
        limit.spend("attacker")
    for number in range(10_000):
        limit.spend(f"another {number}")
    assert limit.wait("attacker") == pytest.approx(0.05, abs=1.0)
    assert limit.wait("attacker") > 0
    refused = sum(limit.wait(f"somebody {number}") > 0 for number in range(10_000))
    assert refused <= 5, "and hardly anybody else is refused for it"


# The origin of what changes something

HERE = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ([("origin", HERE)], True),
        ([("origin", HERE.upper())], True),
        ([("sec-fetch-site", "same-origin")], True),
        ([("sec-fetch-site", "none")], True),
        ([("sec-fetch-site", "same-origin"), ("origin", HERE)], True),
        # a proxy that ends TLS and does not say so: the browser has compared the schemes
        ([("sec-fetch-site", "same-origin"), ("origin", "https://127.0.0.1:8000")], True),
        ([("origin", "https://127.0.0.1:8000")], False),
        ([("sec-fetch-site", "none"), ("origin", "https://127.0.0.1:8000")], False),
        ([], False),
        ([("origin", "null")], False),
        ([("sec-fetch-site", "same-origin"), ("origin", "null")], False),
        ([("origin", "")], False),
        ([("origin", "http://127.0.0.1:8001")], False),
        ([("origin", "http://127.0.0.1")], False),
        ([("origin", "http://127.0.0.1:8000.evil.example")], False),
        ([("origin", "http://localhost:8000")], False),
        ([("origin", f"{HERE} {HERE}")], False),
        ([("origin", HERE), ("origin", HERE)], False),
        ([("origin", HERE), ("origin", "http://evil.example")], False),
        ([("sec-fetch-site", "same-site")], False),
        ([("sec-fetch-site", "cross-site")], False),
        ([("sec-fetch-site", "cross-site"), ("origin", HERE)], False),
        ([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], False),
        ([("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")], False),
        ([("sec-fetch-site", "")], False),
        ([("origin", f"{HERE}\r\nX: y")], False),
    ],
)
async def test_a_page_of_this_service_is_told_from_others(headers: list[tuple[str, str]], own: bool) -> None:
    """S34: were it to fail, another site can answer questions in the name of whoever opened it, or nobody can."""
    app, _ = signing(set_up())
    asked = await ask(app, "/told", *headers)
    assert json.loads(asked.body)["own"] is own
    posted = await ask(app, "/told", *headers, method="POST")
    assert posted.status == (200 if own or not headers else 403), "a program that says nothing may, without a token"


async def test_the_public_address_is_an_own_origin() -> None:
    """Were it to fail: behind a proxy that changes the host, every form is refused."""
    app, _ = signing(set_up(public_url="https://triage.example.org:443/"))
    for origin, status in (
        ("https://triage.example.org", 200), ("http://triage.example.org", 403),
        ("https://triage.example.org:444", 403), ("https://evil.example", 403),
    ):  # fmt: skip
        assert (await ask(app, "/told", ("origin", origin), method="POST")).status == status, origin
    other, _ = signing(behind())
    there = ("origin", "https://triage.example.org"), ("sec-fetch-site", "same-origin")
    answer = await ask(other, "/told", *there, bearer(), method="POST", host="triage.example.org:443", peer=PROXY)
    assert json.loads(answer.body) == {"by": "token", "own": True, "tls": True, "client": PROXY}


async def test_a_port_that_goes_without_saying_makes_no_other_origin() -> None:
    """Were it to fail: behind a proxy that names port 443 in the host, every form is refused."""
    app, _ = signing(set_up(web_host="0.0.0.0", web_trusted_proxies=PROXY))
    tls = ("x-forwarded-proto", "https")
    for host, origin, headers, status in (
        ("a.example:443", "https://a.example", [tls], 200), ("a.example:80", "http://a.example", [], 200),
        ("a.example:8443", "https://a.example", [tls], 403), ("a.example:443", "http://a.example", [], 403),
    ):  # fmt: skip
        answer = await ask(app, "/told", ("origin", origin), *headers, method="POST", host=host, peer=PROXY)
        assert answer.status == status, host


async def test_who_came_in_by_cookie_or_proxy_must_come_from_an_own_page() -> None:
    """S34: were it to fail, another site uses the cookie of whoever opened it, for pages or for the API."""
    app, clock = signing()
    cookie = ("cookie", f"{cookie_name(tls=False)}={Passes(TOKEN.encode(), Keys(KEY), clock).issue()}")
    behind_proxy, _ = site(with_proxy_user())
    for path in ("/told", "/api/v1/conversations"):
        for headers, status in (
            ([], 403), ([("origin", "http://evil.example")], 403), ([("sec-fetch-site", "cross-site")], 403),
            ([("origin", HERE)], 200),
        ):  # fmt: skip
            got = await ask(app, path, cookie, *headers, method="POST")
            assert (got.status == 403) == (status == 403), (path, headers)
            got = await ask(behind_proxy, path, (USER, NAME), *headers, method="DELETE", peer=PROXY)
            assert (got.status == 403) == (status == 403), (path, headers)
    assert (await ask(app, "/told", bearer(), ("origin", "http://evil.example"), method="POST")).status == 200
    assert (await ask(app, "/told", bearer(), cookie, method="POST")).status == 200
    assert (await ask(app, "/told", cookie)).status == 200, "reading needs no origin"


async def test_another_site_can_neither_sign_in_nor_out() -> None:
    """S33: were it to fail, a site that somebody opened uses up their tries, or signs them out."""
    app, _ = signing()
    foreign = ("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")
    for _ in range(30):
        assert (await sign_in_with(app, "x", *foreign)).status == 403
        assert (await ask(app, "/sign-out", *foreign, method="POST")).status == 403
    assert (await sign_in_with(app, TOKEN, ("origin", HERE))).status == 303
    assert (await ask(app, "/sign-out")).status == 405


# The headers of every response

PAGE = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
}  # fmt: skip
ALWAYS = {
    "x-content-type-options": "nosniff", "referrer-policy": "same-origin", "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}  # fmt: skip


def policy(answer: Answer) -> set[str]:
    return set(answer["content-security-policy"].split("; "))


def check_always(answer: Answer, **other: str) -> None:
    for name, value in {**ALWAYS, **other}.items():
        assert answer[name] == value, name
    allowed = dict(part.split("=", 1) for part in answer["permissions-policy"].split(", "))
    assert allowed.pop("clipboard-write") == "(self)"
    assert set(allowed.values()) == {"()"}
    assert {"camera", "microphone", "geolocation"} <= allowed.keys()


async def test_a_page_may_do_what_it_needs_and_nothing_else() -> None:
    """S34: were it to fail, a script that got into a page runs or sends what it reads, or the page is framed."""
    app, inside = site(set_up())
    inside.headers = [(b"Content-Type", b"TEXT/HTML; charset=utf-8")]
    answer = await ask(app)
    assert policy(answer) == PAGE | {"frame-ancestors 'none'"}
    assert (answer["x-frame-options"], answer["cache-control"]) == ("DENY", "no-store")
    assert not answer["strict-transport-security"]
    check_always(answer)


@pytest.mark.parametrize("kind", [b"application/json", b"application/problem+json", b"text/event-stream", b"text/plain",
                                  b"image/svg+xml", b"application/xhtml+xml", None])  # fmt: skip
async def test_what_is_no_page_may_do_nothing(kind: bytes | None) -> None:
    """S34: were it to fail, a response that a browser takes for a page could load or run something."""
    app, inside = site(set_up())
    inside.headers = [(b"content-type", kind)] if kind is not None else []
    answer = await ask(app, "/api/v1/x")
    assert policy(answer) == {"default-src 'none'", "frame-ancestors 'none'"}
    assert answer["cache-control"] == "no-store"
    check_always(answer)


@pytest.mark.parametrize("kind", [b"text/html", b"application/pdf", b"application/json"])
async def test_a_file_to_be_saved_is_shut_in(kind: bytes) -> None:
    """S34: were it to fail, a saved answer that is opened in place acts with this service's rights."""
    app, inside = site(set_up())
    inside.headers = [(b"content-type", kind), (b"content-disposition", b'attachment; filename="a.html"')]
    answer = await ask(app)
    assert policy(answer) == {"default-src 'none'", "frame-ancestors 'none'", "sandbox"}
    assert (answer["cache-control"], answer["x-frame-options"]) == ("no-store", "DENY")
    check_always(answer)


async def test_what_the_application_says_itself_holds() -> None:
    """Were it to fail: a header is there twice, and browsers take the stricter or the first."""
    app, inside = site(set_up())
    inside.headers = [(b"content-type", b"text/html"), (b"Cache-Control", b"private"), (b"set-cookie", b"a=b"),
                      (b"set-cookie", b"c=d"), (b"content-security-policy", b"default-src 'self'")]  # fmt: skip
    answer = await ask(app)
    assert (answer["cache-control"], answer["content-security-policy"]) == ("private", "default-src 'self'")
    assert answer.all("set-cookie") == ["a=b", "c=d"]


async def test_static_files_may_be_kept_and_errors_may_not() -> None:
    """Were it to fail: every page loads its style anew, or a browser keeps an error."""
    app, inside = site(set_up())
    inside.headers = [(b"content-type", b"text/css")]
    assert (await ask(app, "/static/chat.css"))["cache-control"] == ""
    script = await ask(app, "/embed.js")
    assert script["cache-control"] == ""
    check_always(script, **{"cross-origin-resource-policy": "cross-origin"})
    for status, kept in ((200, ""), (206, ""), (304, ""), (404, "no-store"), (405, "no-store"), (500, "no-store")):
        inside.status = status
        assert (await ask(app, "/static/x"))["cache-control"] == kept, status


async def test_tls_is_insisted_on_where_it_was_used() -> None:
    """S34: were it to fail, a first request of the next visit goes without TLS, or a service without it is lost."""
    app, _ = site(behind())
    answer = await ask(app, "/healthz", peer=PROXY)
    assert answer["strict-transport-security"] == "max-age=31536000"
    plain, _ = site(set_up())
    assert (await ask(plain, "/healthz", ("x-forwarded-proto", "https")))["strict-transport-security"] == ""


async def test_only_named_sites_frame_only_what_is_made_for_it() -> None:
    """S34: were it to fail, a site that was named cannot show the chat, or any can, or it can show the other pages."""
    origins = "https://Portal.example.org/ http://localhost:9000,https://b.example:8443"
    app, inside = site(set_up(web_embed_origins=origins))
    inside.headers = [(b"content-type", b"text/html")]
    named = "frame-ancestors https://portal.example.org http://localhost:9000 https://b.example:8443"
    for path in ("/embed", "/embed/case/1", "/embed/sign-in"):
        answer = await ask(app, path)
        assert policy(answer) == PAGE | {named}
        assert not answer["x-frame-options"]
        check_always(answer)
    for path in ("/", "/case/1", "/embedded", "/sign-in", "/api/v1/x"):
        answer = await ask(app, path)
        assert "frame-ancestors 'none'" in policy(answer)
        assert answer["x-frame-options"] == "DENY"
    alone, inside = site(set_up())
    inside.headers = [(b"content-type", b"text/html")]
    assert (await ask(alone, "/embed"))["x-frame-options"] == "DENY"


async def test_refusals_have_the_headers_too() -> None:
    """S34: were it to fail, the pages anybody can see are the ones without a policy."""
    app, _ = site(behind(web_rate_limit=1))
    answers = [await ask(app, "/", *headers, host=host, method=method, peer=PROXY)
               for headers in ((), (HTML,)) for host in ("triage.example.org", "evil.example", None)
               for method in ("GET", "POST")]  # fmt: skip
    answers += [await ask(app, "/", HTML, host="triage.example.org", peer=PROXY) for _ in range(20)]
    assert {answer.status for answer in answers} == {303, 400, 401, 421, 429}
    for answer in answers:
        check_always(answer)
        assert answer["cache-control"] == "no-store"
        assert answer["strict-transport-security"]
        page = answer["content-type"].startswith("text/html")
        assert policy(answer) == (PAGE if page else {"default-src 'none'"}) | {"frame-ancestors 'none'"}
        if page:
            assert '<html lang="en">' in answer.body


async def test_a_refusal_can_be_written_as_the_other_pages_are() -> None:
    """Were it to fail: a refusal looks like another site's, or what is said is not escaped."""
    app = guarded(Inside(), set_up(), Keys(KEY), page=lambda status, said: f"<h1>{status}</h1>{said}")
    assert (await ask(app, "/", HTML, host="evil.example")).body.startswith("<h1>421</h1>This service")
    assert "<b>" not in access.plain_page(400, "<b>")


# What must not happen at all


async def test_a_failure_inside_is_told_by_its_kind_alone() -> None:
    """S31: were it to fail, a token or a text of an exception is in the log, or one request ends the connection."""
    app, _ = site(set_up())
    with capture_logs() as logs, pytest.raises(ValueError, match="not enough values"):
        await ask(app, "/fails")  # nothing was answered
    assert logs == [{"event": "request_failed", "kind": "RuntimeError", "log_level": "error"}]


async def test_only_requests_are_let_through() -> None:
    """S33: were it to fail, a WebSocket goes past everything above, or the application never hears of its start."""
    app, inside = site(set_up(web_access_token=TOKEN))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await app({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert not inside.scopes
    began: list[str] = []

    async def starts(scope: Scope, receive: Any, send: Any) -> None:
        began.append(scope["type"])

    await guarded(starts, set_up(), Keys(KEY))({"type": "lifespan"}, receive, send)
    assert began == ["lifespan"]


NASTY = st.one_of(
    st.sampled_from([
        "", ",", "127.0.0.1", PROXY, "[::1", "[::1]:1", "https", "null", HERE, f"Bearer {TOKEN}", "Bearer", "=", ";",
        "triage_access=", "triage_access=1790000000.x", "text/html", "navigate", "same-origin", "\r\nX: y", NAME,
        "fe80::1%a",
    ]),
    st.text(st.characters(max_codepoint=255), max_size=30),
)  # fmt: skip
NAMES = st.sampled_from([
    "host", "origin", "sec-fetch-site", "sec-fetch-mode", "accept", "cookie", "authorization", "x-forwarded-for",
    "x-forwarded-proto", "x-forwarded-host", "forwarded", USER, "content-type",
])  # fmt: skip
EVERYTHING = with_proxy_user(
    web_access_token=TOKEN,
    web_rate_limit=60,
    web_embed_origins="https://a.example",
    public_url="https://triage.example",
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(NAMES, NASTY), max_size=8), st.sampled_from([None, "127.0.0.1", PROXY, "fe80::1%eth0", "", "x"]),
    st.sampled_from(["GET", "POST", "BREW", ""]),
    st.sampled_from(["/", "/sign-in", "/static/x", "/api/v1/x", "//", ""]),
)  # fmt: skip
def test_no_headers_make_it_fail(headers: list[tuple[str, str]], peer: str | None, method: str, path: str) -> None:
    """S33: were it to fail, a malformed header is an exception, or what it held goes into a header or the log."""

    async def once() -> None:
        app, _ = site(EVERYTHING)
        with capture_logs() as logs:
            answer = await ask(app, path, *headers, peer=peer, method=method, host=None)
        assert logs == []
        assert answer.status in (200, 303, 400, 401, 403, 421, 429)
        for name, value in answer.headers:
            assert not re.search(r"[\x00-\x1f\x7f-\xff]", name + value)

    asyncio.run(once())


async def test_it_costs_next_to_nothing() -> None:
    """Were it to fail: a request waits longer for the guard than for the rest. (Some 15 us; the bound is loose.)"""
    app, clock = signing(behind(web_rate_limit=1_000_000))
    bare = Inside([(b"content-type", b"text/html")])
    app = guarded(bare, behind(web_rate_limit=1_000_000), Keys(KEY), now=clock)
    cookie = ("cookie", f"{cookie_name(tls=True)}={Passes(TOKEN.encode(), Keys(KEY), clock).issue()}")
    headers = [cookie, HTML, ("x-forwarded-for", "203.0.113.9"), ("origin", "https://triage.example.org"),
               *((f"sec-ch-{number}", "x") for number in range(10))]  # fmt: skip

    async def takes(asked: ASGIApp) -> float:
        best = 1.0
        for _ in range(5):
            began = time.process_time()
            for _ in range(200):
                await ask(asked, "/", *headers, method="POST", host="triage.example.org", peer=PROXY)
            best = min(best, (time.process_time() - began) / 200)
        return best

    assert await takes(app) - await takes(bare) < 200e-6


# What can be set


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("web_trusted_proxies", "10.0.0.5, proxy", "addresses or networks"),
        ("web_trusted_proxies", "10.0.0.5/8", "addresses or networks"),
        ("web_trusted_proxies", "0.0.0.0/0", "anybody"),
        ("web_trusted_proxies", "10.0.0.5, ::/0", "anybody"),
        ("web_user_header", "X Forwarded User", "name of a header"),
        ("web_user_header", "X_User", "name of a header"),
        ("web_user_header", "X-User\r\n", "name of a header"),
        ("web_user_header", "Host", "only the proxy sets"),
        ("web_user_header", "x-forwarded-for", "only the proxy sets"),
        ("web_user_header", "Cookie", "only the proxy sets"),
        ("web_rate_limit", "-1", "greater than or equal to 0"),
        ("web_rate_limit", "many", "integer"),
        *(("web_embed_origins", value, "expected origins") for value in (
            "portal.example.org", "http://portal.example.org", "https://*.example.org", "*", "https://a.example/chat",
            "https://a.example; script-src *", "https://u:p@a.example", "https://a.example:0", "https://a.example:70000",
            "https://a.example?x", "https://a..example", "https://-a.example", "http://[::1]:9000", "'self'", "null",
            "data:", "http://localhost.evil.example", "https://b.example, javascript:x", "https://\xe9.example",
        )),
    ],
)  # fmt: skip
def test_a_wrong_value_stops_the_start(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Were it to fail: a slip in a setting opens the service, or ends in a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"TRIAGE_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"TRIAGE_{name.upper()}: .*{said}") as refused:
        read_settings()
    assert "\n" not in str(refused.value)


def test_lists_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Were it to fail: a list with other gaps, or an address written another way, is another list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIAGE_WEB_TRUSTED_PROXIES", " 10.0.0.5,10.1.0.0/16\t2001:db8::/32 ,")
    monkeypatch.setenv("TRIAGE_WEB_EMBED_ORIGINS", "https://A.example:443/ http://127.0.0.1:9000, http://localhost")
    monkeypatch.setenv("TRIAGE_PUBLIC_URL", "HTTPS://Triage.example.org:443/chat/")
    settings = read_settings()
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.5/32", "10.1.0.0/16", "2001:db8::/32"]
    assert settings.embed_origins == ("https://a.example", "http://127.0.0.1:9000", "http://localhost")
    assert settings.public_origin == "https://triage.example.org"
    for url, origin in (
        ("http://a.example:80", "http://a.example"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ):
        assert set_up(public_url=url).public_origin == origin


def test_nothing_is_trusted_unless_it_is_set() -> None:
    """S33: were it to fail, the default believes a proxy or a site nobody named."""
    assert (set_up().trusted_proxies, set_up().embed_origins, set_up().public_origin) == ((), (), None)


def test_from_elsewhere_there_are_two_ways_in() -> None:
    """S33: were it to fail, the port is open to the network, or the message names one way only."""
    with pytest.raises(SettingsError) as refused:
        set_up(web_host="0.0.0.0").check_reach()
    for name in ("TRIAGE_WEB_HOST", "TRIAGE_WEB_ACCESS_TOKEN", "TRIAGE_WEB_USER_HEADER", "TRIAGE_WEB_TRUSTED_PROXIES"):
        assert name in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(SettingsError, match="TRIAGE_WEB_HOST"):
        set_up(web_host="0.0.0.0", web_trusted_proxies=PROXY).check_reach()
    for host in ("0.0.0.0", "127.0.0.1"):
        with pytest.raises(SettingsError, match=r"TRIAGE_WEB_USER_HEADER: .*TRIAGE_WEB_TRUSTED_PROXIES"):
            set_up(web_host=host, web_user_header="X-User", web_access_token=TOKEN).check_reach()
        set_up(web_host=host, web_user_header="X-User", web_trusted_proxies=PROXY).check_reach()
        set_up(web_host=host, web_access_token=TOKEN).check_reach()
    for short in ("short", " " * 20, "a" * 15 + "   "):
        with pytest.raises(SettingsError, match="TRIAGE_WEB_ACCESS_TOKEN: needs at least 16"):
            set_up(web_access_token=short).check_reach()


# In a browser


async def test_a_browser_does_what_the_headers_ask() -> None:
    """S34: were it to fail, the headers are as meant, and a browser still shuts out its own page or lets in another."""
    need_chromium()
    own, other = Site(), Site()

    async def foreign(request: Request) -> Response:
        return HTMLResponse(
            "<!doctype html><html lang='en'><title>Foreign</title>"
            f"<form method='post' action='{own.origin}/told'></form>"
            f"<iframe name='pages' src='{own.origin}/'></iframe><iframe name='made' src='{own.origin}/embed'></iframe>"
        )

    await other.serve(Starlette(routes=[Route("/", foreign)]))
    app, clock = signing(set_up(web_access_token=TOKEN, web_embed_origins=other.origin))
    clock.now = time.time()
    await own.serve(app)
    here, said = own.origin, list[str]()
    async with chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(5_000)
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"{here}/case/1?a=b")
        assert page.url == f"{here}/sign-in?next=/case/1%3Fa%3Db"
        await page.get_by_label("Access token").fill("not the token")
        await page.get_by_role("button", name="Sign in").click()
        assert "not the access token" in await page.get_by_role("alert").inner_text()
        await page.get_by_label("Access token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{here}/case/1?a=b")
        assert await page.evaluate("document.cookie") == ""
        async with page.expect_download() as download:
            await page.get_by_text("Save").click()
        assert (await download.value).suggested_filename == "answer.html"
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url(f"{here}/told")
        assert json.loads(await page.inner_text("body")) == {
            "by": "cookie", "own": True, "tls": False, "client": "127.0.0.1",
        }  # fmt: skip
        complaints = [text for text in said if "401" not in text and "404" not in text]
        assert complaints == [], "a header that the browser does not understand"
        await page.goto(other.origin)  # another origin of the same site: the cookie comes along
        shown = {frame.name: frame.url for frame in page.frames}
        assert shown["pages"].startswith("chrome-error:"), "no page is framed but those made for it"
        assert shown["made"] == f"{here}/embed/sign-in?next=/embed"
        await page.evaluate("document.forms[0].submit()")
        await page.wait_for_url(f"{here}/told")
        assert "not come from a page of this service" in await page.inner_text("body")
        await page.goto(f"{here}/case/1")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url(f"{here}/sign-in")
        await page.goto(f"{here}/case/1")
        assert page.url.startswith(f"{here}/sign-in")
    await own.stop()
    await other.stop()
