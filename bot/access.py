"""Who may reach the web port, and under which headers: one layer around whatever serves there.

    the host asked for      against other sites that point their own name at this machine
    the client              behind proxies that are trusted, and only behind those
    how often               per client, in memory that does not grow
    access                  a token (programs), a cookie signed for it (browsers), or a proxy that signs people in
    the origin              of whatever changes something
    the headers             of every response

Nothing here is logged or kept: neither an address, nor a user, nor a token (docs/decisions/0019-who-may-come-in.md).
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import math
import re
import secrets
import time
from array import array
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from hashlib import blake2b
from html import escape
from http import HTTPStatus
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

import structlog
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.log.keys import Keys
from bot.settings import Settings, is_loopback

logger = structlog.get_logger()
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
HEALTH = ("/healthz", "/readyz")
"""Open to everybody under any name: whoever restarts the service knows its address and nothing else."""
METRICS = "/metrics"
STATIC, EMBED_SCRIPT = "/static/", "/embed.js"
"""Open to everybody: they hold nothing."""
EMBEDDED = "/embed"
"""Where the pages stand that other sites may frame; the one for signing in stands there once more."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LASTS = 12 * 3600
"""Seconds for which a browser stays signed in."""
HOPS = 16
"""Proxies looked back through for a client's address."""
LONGEST_PATH = 2000
"""Characters of a path that is come back to after signing in."""
SLOTS = 1 << 16
WRONG = 10
"""As many requests a wrong token counts for."""
TRIES, TRIES_WITHIN = 10, 300.0
"""Wrong tokens a client may type, and the seconds after which it may type as many again."""

Header = tuple[bytes, bytes]
By = Literal["token", "cookie", "proxy"]
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_HOP = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[A-Za-z0-9.]+)?\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_LOCAL = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")
_PASS = re.compile(rb"([0-9]{10,11})\.([0-9a-f]{32})")
_SIGNED = b"web access"
_NOBODY = (b"", b"-", b"(null)")
"""What proxies say of somebody who did not sign in."""


# What others ask about a request


class Caller(NamedTuple):
    """What the guard found out about a request: for the functions below."""

    by: By | None
    """What let it in; None where nothing had to."""
    public_origin: bytes | None
    """The origin browsers see this service under, where a setting says so."""


def is_tls(scope: Scope) -> bool:
    """Whether the browser speaks TLS: to this process, or to a proxy in front of it."""
    return bool(scope.get("scheme") == "https")


def client_of(scope: Scope) -> str | None:
    """The address of whoever asks, as far as trusted proxies tell; None where there is none (a Unix socket)."""
    client = scope.get("client")
    return str(client[0]) if client else None


def access_of(scope: Scope) -> By | None:
    """What let the request in: `token`, `cookie` (only then there is something to sign out of) or `proxy`."""
    caller: Caller | None = scope.get("state", {}).get("caller")
    return caller.by if caller is not None else None


def same_origin(request: HTTPConnection) -> bool:
    """Whether a browser says that one of this service's own pages sends this. False where nothing says so."""
    return _from_own_page(request.scope) is True


def local_path(text: str | None) -> str:
    """A path of this service that was asked for, to lead there; `/` for anything else, and for signing in itself."""
    if text is None or len(text) > LONGEST_PATH or not _LOCAL.fullmatch(text):
        return "/"
    return "/" if _unembedded(text.partition("?")[0]) in (SIGN_IN, SIGN_OUT) else text


def is_embedded(path: str) -> bool:
    """Whether a path is one of the pages that other sites may frame."""
    return path == EMBEDDED or path.startswith((f"{EMBEDDED}/", f"{EMBEDDED}?"))


def _unembedded(path: str) -> str:
    return path.removeprefix(EMBEDDED) if is_embedded(path) else path


def _from_own_page(scope: Scope) -> bool | None:
    """None: the request does not say. Whoever says it twice is not believed."""
    said: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in (b"sec-fetch-site", b"origin", b"host"):
            said[name] = b"twice" if name in said else value
    site, origin = said.get(b"sec-fetch-site"), said.get(b"origin")
    if site is None and origin is None:
        return None
    if site not in (None, b"same-origin", b"none"):
        return False
    if origin is None:
        return True
    caller: Caller | None = scope.get("state", {}).get("caller")
    host = said.get(b"host", b"").lower()
    own = {_origin(is_tls(scope), host)}
    if site == b"same-origin":  # the browser compared the schemes itself; a proxy may not have said that it ends TLS
        own.add(_origin(not is_tls(scope), host))
    if caller is not None and caller.public_origin is not None:
        own.add(caller.public_origin)
    return origin.lower() in own


def _origin(tls: bool, host: bytes) -> bytes:
    return b"https://" + host.removesuffix(b":443") if tls else b"http://" + host.removesuffix(b":80")


# The client


class _Hop(NamedTuple):
    address: str
    trusted: bool


@lru_cache(maxsize=4096)
def counted(address: str | None) -> str:
    """Who requests are counted for: an address; of IPv6 the network of 64 bits, which is one subscriber."""
    if address is None or ":" not in address:
        return address or "-"
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def _address(text: str) -> str | None:
    """An address as proxies write it, with or without a port, in one form; None where it is none."""
    found = _HOP.fullmatch(text) if len(text) <= 64 else None
    bare = (found[1] or found[2]) if found is not None else text.partition("%")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


# How often


class Limit:
    """Tokens that each client spends and that come back with time, for any number of clients in the same memory.

    A client is one of `SLOTS` places, drawn by chance at the start. None is ever emptied to make room, so that nobody
    gets a full one by crowding others out; who shares a place with another (one in 65,536) shares its tokens too.
    """

    def __init__(self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._each = 1 / per_second
        self._burst = burst * self._each
        self._full = array("d", bytes(8 * SLOTS))
        """When each place is full again."""
        self._now = now
        self._drawn = secrets.token_bytes(16)

    def wait(self, key: object) -> float:
        """Seconds until there is a token; 0 where there is one."""
        left = self._full[hash((self._drawn, key)) % SLOTS] + self._each - self._burst - self._now()
        return left if left > 0.001 else 0.0  # sums of fractions are not exact

    def spend(self, key: object, cost: int = 1) -> None:
        """Take tokens away: also more than there are, which is made up for later."""
        place = hash((self._drawn, key)) % SLOTS
        self._full[place] = max(self._full[place], self._now()) + cost * self._each


# Access


def is_token(given: bytes, token: bytes) -> bool:
    """Whether it is the access token; how long that takes does not tell how much of it was right."""
    return hmac.compare_digest(given, token)


class Passes:
    """What a browser shows once it is signed in: until when, signed. Any worker reads it; another token ends it."""

    def __init__(self, token: bytes, keys: Keys, now: Callable[[], float] = time.time) -> None:
        self._token = blake2b(token, digest_size=16).hexdigest()
        self._keys = keys
        self._now = now

    def issue(self) -> str:
        """A pass that holds from now on."""
        until = int(self._now()) + LASTS
        return f"{until}.{self._keys.sign(_SIGNED, f'{until}.{self._token}')}"

    def holds(self, value: bytes) -> bool:
        """Whether it was issued here, for this token, and has not run out."""
        found = _PASS.fullmatch(value)
        if found is None or int(found[1]) <= self._now():
            return False
        return self._keys.is_signed(_SIGNED, f"{found[1].decode()}.{self._token}", found[2].decode())


def cookie_name(*, tls: bool, embedded: bool = False) -> str:
    """The cookie of a pass. Behind TLS its prefix keeps other hosts from setting it; another in frames of other sites:
    browsers keep such cookies apart."""
    name = "triage_access_embedded" if embedded else "triage_access"
    return f"__Host-{name}" if tls else name


# The headers of every response

_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "
)
_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    # not no-referrer: browsers would then send `Origin: null` with the forms of these very pages
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", ", ".join((*(f"{name}=()" for name in _FEATURES), "clipboard-write=(self)")).encode()),
)
_NOT_KEPT = (b"cache-control", b"no-store")


def _headers(kind: str, ancestors: str, *, tls: bool, anywhere: bool) -> tuple[Header, ...]:
    """The headers of a page, a file to be saved or anything else."""
    policy = f"{_PAGE}{ancestors}" if kind == "page" else f"default-src 'none'; frame-ancestors {ancestors}"
    return (
        *_ALWAYS,
        (b"content-security-policy", (policy + ("; sandbox" if kind == "download" else "")).encode()),
        (b"cross-origin-resource-policy", b"cross-origin" if anywhere else b"same-origin"),
        *([(b"x-frame-options", b"DENY")] if ancestors == "'none'" else []),
        *([(b"strict-transport-security", b"max-age=31536000")] if tls else []),
    )


def _kind(headers: Sequence[Header]) -> str:
    kind = "other"
    for name, value in headers:
        if name == b"content-disposition" and value.lower().startswith(b"attachment"):
            return "download"
        if name == b"content-type" and value.lower().startswith(b"text/html"):
            kind = "page"
    return kind


# All of it


def plain_page(status: int, detail: str) -> str:
    """A refusal for a reader, where nothing better is given."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{status}</title>\n</head>\n<body>\n<main>\n<h1>This was refused</h1>\n<p>{escape(detail)}</p>\n"
        "</main>\n</body>\n</html>\n"
    )


class _Refusal(Exception):
    """A request that goes no further: status, what is said, further headers."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def guarded(
    app: ASGIApp,
    settings: Settings,
    keys: Keys,
    *,
    elsewhere: Collection[str] = (),
    page: Callable[[int, str], str] = plain_page,
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """The application with all of the above around it.

    `elsewhere`: paths that know their caller by other means. `page`: a refusal as a page, from a status and a sentence.
    """
    token = settings.access_token
    passes = Passes(token, keys, now) if token is not None else None
    rate = settings.web_rate_limit
    limits = _Limits(
        Limit(rate / 60, max(20, rate // 10), monotonic), Limit(rate / 240, max(10, rate // 30), monotonic)
    ) if rate else None  # fmt: skip
    return _Guard(app, settings, passes, limits, elsewhere, page)


class _Limits(NamedTuple):
    requests: Limit
    changes: Limit


class _Guard:
    def __init__(
        self, app: ASGIApp, settings: Settings, passes: Passes | None, limits: _Limits | None,
        elsewhere: Collection[str], page: Callable[[int, str], str],
    ) -> None:  # fmt: skip
        self._app = app
        self._passes = passes
        self._limits = limits
        self._page = page
        self._unguarded = frozenset((*HEALTH, *elsewhere))
        self._token = settings.access_token
        self._user = settings.web_user_header.lower().encode() if settings.web_user_header is not None else b""
        self._asks = self._token is not None or bool(self._user)
        self._origin = settings.public_origin.encode() if settings.public_origin is not None else None
        self._public_tls = (settings.public_origin or "").startswith("https:")
        self._proxies = settings.trusted_proxies
        self._known = lru_cache(maxsize=4096)(self._hop)
        name = urlsplit(settings.public_url).hostname if settings.public_url is not None else None
        self._names = frozenset({name} if name is not None else ())
        self._any_name = not settings.loopback and name is None
        self._expected = lru_cache(maxsize=1024)(self._name_expected)
        self._ancestors = " ".join(settings.embed_origins) or "'none'"
        self._dresses: dict[tuple[str, bool, bool, bool], tuple[Header, ...]] = {}
        self._read = frozenset({
            b"host", b"authorization", b"cookie", b"x-forwarded-for", b"x-forwarded-proto", b"accept",
            b"sec-fetch-mode", *([self._user] if self._user else []),
        })  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or refuse. What failed was answered already: the connection goes on."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name in self._read:
                found.setdefault(name, []).append(value)
        try:
            proxied = self._settle(scope, found)
            send = self._dressed(scope, send)
            try:
                self._check(scope, found, proxied)
            except _Refusal as refusal:
                await self._said(refusal, scope, found)(scope, receive, send)
                return
            await self._app(scope, receive, send)
        except Exception as error:
            logger.error("request_failed", kind=type(error).__name__)

    # The client

    def _settle(self, scope: Scope, found: dict[bytes, list[bytes]]) -> bool:
        """Put the client's address and the scheme it speaks into the scope. Whether a trusted proxy sends this."""
        peer = client_of(scope)
        nearest = self._known(peer) if peer is not None else None
        proxied = nearest is not None and nearest.trusted
        if nearest is not None and proxied and b"x-forwarded-for" in found:
            # from the end: each proxy appends whom it heard from, and what stands before may be anybody's invention
            for said in reversed(b",".join(found[b"x-forwarded-for"]).rsplit(b",", HOPS)):
                hop = self._known(said.strip().decode("latin-1")) if len(said) <= 100 else None
                if hop is None:
                    break
                nearest = hop
                if not hop.trusted:
                    break
        if nearest is not None and nearest.address != peer:
            scope["client"] = (nearest.address, 0)
        if self._public_tls or (proxied and _says_https(found.get(b"x-forwarded-proto", ()))):
            scope["scheme"] = "https"
        return proxied

    def _hop(self, text: str) -> _Hop | None:
        address = _address(text)
        if address is None:
            return None
        parsed = ipaddress.ip_address(address)
        return _Hop(address, any(parsed in network for network in self._proxies))

    # Whether it goes on

    def _check(self, scope: Scope, found: dict[bytes, list[bytes]], proxied: bool) -> None:
        """Raises _Refusal."""
        path: str = scope["path"]
        user = self._user_of(scope, found, proxied) if self._user else b""
        state = scope.setdefault("state", {})
        if path in self._unguarded:
            state["caller"] = Caller(None, self._origin)
            return
        client: object = (user,) if user else counted(client_of(scope))
        watched = (path, client) if path == METRICS else client  # whoever scrapes is not slowed down by anybody else
        if self._limits is not None and (wait := self._limits.requests.wait(watched)):
            raise _too_many(wait)  # before the token is looked at: otherwise a right one could still be found
        given = found.get(b"authorization", ())
        by: By | None = "token" if self._has_token(given) else "proxy" if user else None
        if by is None and self._passes is not None and b"cookie" in found and self._has_pass(scope, found[b"cookie"]):
            by = "cookie"
        state["caller"] = Caller(by, self._origin)
        if self._limits is not None:
            wrong = bool(given) and by is None and self._token is not None
            self._limits.requests.spend(watched, WRONG if wrong else 0 if path == METRICS else 1)
        if by != "token":
            self._check_host(found.get(b"host", ()))
        if self._asks and by is None and not _is_open(path):
            raise self._unknown(scope, found)
        if scope["method"] not in SAFE:
            self._check_change(scope, client, by)

    def _user_of(self, scope: Scope, found: dict[bytes, list[bytes]], proxied: bool) -> bytes:
        """Who a trusted proxy says it is; nothing where it says so twice. Goes no further than here."""
        values = found.get(self._user, ())
        if values:
            scope["headers"] = [header for header in scope["headers"] if header[0] != self._user]
        user = values[0].strip() if proxied and len(values) == 1 else b""
        return b"" if user.lower() in _NOBODY else user

    def _has_token(self, given: Sequence[bytes]) -> bool:
        if self._token is None or len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        return scheme.lower() == b"bearer" and is_token(token.strip(), self._token)

    def _has_pass(self, scope: Scope, cookies: Sequence[bytes]) -> bool:
        """Whether one of the cookies is a pass: another of the same name may have been set by a neighbouring host."""
        assert self._passes is not None
        wanted = cookie_name(tls=is_tls(scope), embedded=is_embedded(scope["path"])).encode()
        for header in cookies:
            if wanted in header:
                for cookie in header.split(b";")[:100]:
                    name, _, value = cookie.strip().partition(b"=")
                    if name == wanted and self._passes.holds(value):
                        return True
        return False

    def _check_host(self, hosts: Sequence[bytes]) -> None:
        if len(hosts) != 1 or len(hosts[0]) > 300 or (expected := self._expected(hosts[0])) is None:
            raise _Refusal(400, "The request does not say, or says in an odd way, which host it is for.")
        if not expected:
            raise _Refusal(421, "This service is not reached under that name (TRIAGE_PUBLIC_URL says which it has).")

    def _name_expected(self, host: bytes) -> bool | None:
        """None where it is no host at all."""
        found = _HOST.fullmatch(host)
        if found is None:
            return None
        name = found[1].decode().lower().removesuffix(".")
        return self._any_name or is_loopback(name) or name.strip("[]") in self._names

    def _unknown(self, scope: Scope, found: dict[bytes, list[bytes]]) -> _Refusal:
        """Nothing shows that this one may come in."""
        if self._token is None:
            return _Refusal(403, "The proxy in front of this service signs people in; it did not name anybody.")
        if not _is_for_a_reader(scope, found):
            return _Refusal(401, "An access token is needed: Authorization: Bearer ...", WWW_Authenticate="Bearer")
        asked = scope.get("raw_path") or scope["path"].encode()
        query = scope.get("query_string", b"")
        target = local_path((asked + (b"?" + query if query else b"")).decode("latin-1"))
        if scope["method"] not in SAFE:  # what was sent is not kept
            target = "/"
        page = EMBEDDED + SIGN_IN if is_embedded(scope["path"]) else SIGN_IN
        return _Refusal(303, "", Location=page if target == "/" else f"{page}?next={quote(target)}")

    def _check_change(self, scope: Scope, client: object, by: By | None) -> None:
        """What changes something: less often, and never for another site that a browser was led to."""
        if self._limits is not None:
            if wait := self._limits.changes.wait(client):
                raise _too_many(wait)
            self._limits.changes.spend(client)
        if by == "token":  # a browser does not add it by itself
            return
        own = _from_own_page(scope)
        if own is False or (own is None and by is not None):
            raise _Refusal(403, "This did not come from a page of this service.")

    # What is answered

    def _said(self, refusal: _Refusal, scope: Scope, found: dict[bytes, list[bytes]]) -> Response:
        if refusal.status == 303:
            return Response(status_code=303, headers=refusal.headers)
        if _is_for_a_reader(scope, found):
            text = self._page(refusal.status, refusal.detail)
            return Response(text, refusal.status, refusal.headers, media_type="text/html")
        title = HTTPStatus(refusal.status).phrase
        said = {"type": "about:blank", "title": title, "status": refusal.status, "detail": refusal.detail}
        body = json.dumps(said)
        return Response(body, refusal.status, refusal.headers, media_type="application/problem+json")

    def _dressed(self, scope: Scope, send: Send) -> Send:
        path: str = scope["path"]
        tls = is_tls(scope)
        framed = is_embedded(path)
        static = path.startswith(STATIC) or path == EMBED_SCRIPT

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name.lower(), value) for name, value in message.get("headers", ())]
                asked = (_kind(headers), tls, framed, path == EMBED_SCRIPT)
                own = self._dresses.get(asked) or self._dress(*asked)
                there = {name for name, _ in headers}
                headers += [header for header in own if header[0] not in there]
                if b"cache-control" not in there and not (static and message["status"] in (200, 206, 304)):
                    headers.append(_NOT_KEPT)
                message["headers"] = headers
            await send(message)

        return dressed

    def _dress(self, kind: str, tls: bool, framed: bool, anywhere: bool) -> tuple[Header, ...]:
        ancestors = self._ancestors if framed else "'none'"
        made = _headers(kind, ancestors, tls=tls, anywhere=anywhere)
        self._dresses[kind, tls, framed, anywhere] = made
        return made


def _says_https(values: Sequence[bytes]) -> bool:
    return any(said.strip().lower() == b"https" for value in values for said in value.split(b","))


def _is_open(path: str) -> bool:
    if path.startswith(STATIC):
        return ".." not in path
    return path == EMBED_SCRIPT or _unembedded(path) in (SIGN_IN, SIGN_OUT)


def _is_for_a_reader(scope: Scope, found: dict[bytes, list[bytes]]) -> bool:
    """Whether somebody reads what comes back: a page that is gone to, and not what a script or a program fetches."""
    if scope["path"].startswith("/api/") or found.get(b"sec-fetch-mode", [b"navigate"]) != [b"navigate"]:
        return False
    return any(b"text/html" in value for value in found.get(b"accept", ()))


def _too_many(wait: float) -> _Refusal:
    seconds = max(1, math.ceil(wait))
    return _Refusal(429, f"Too many requests at once; go on in {seconds} s.", Retry_After=str(seconds))
