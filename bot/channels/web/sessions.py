"""Who a browser is: a random name in a signed cookie, and the cases it holds side by side.

The name is all there is: it is made here, shown to no script (HttpOnly) and to no other site (SameSite), and what is
kept of its cases stands in the log under keyed hashes. A name this service did not sign is not taken up, so nobody can
be given one to use.
"""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from bot.log import Keys

CASES = 9
"""Cases one browser may hold side by side."""
_COOKIE = re.compile(r"(?P<name>[A-Za-z0-9_-]{32})\.(?P<cases>[1-9])\.(?P<signature>[0-9a-f]{32})")
_SESSION = b"web session"
_FORM = b"web form"


class Session(NamedTuple):
    """One browser's name and how many cases it opened. `fresh`: it does not hold it yet."""

    name: str
    cases: int = 1
    fresh: bool = False

    def conversation(self, case: int) -> str:
        """The name of the conversation a case is."""
        return f"web:{self.name}.{case}"


def fresh_session() -> Session:
    """A browser that was not here before."""
    return Session(secrets.token_urlsafe(24), fresh=True)


def cookie_name(*, secure: bool, embedded: bool = False) -> str:
    """The cookie's name. Behind TLS its prefix keeps other hosts from setting it; another where another site frames
    the page: browsers keep such cookies apart."""
    name = "triage_embedded" if embedded else "triage_session"
    return f"__Host-{name}" if secure else name


def session_of(request: Request, keys: Keys, *, secure: bool, embedded: bool = False) -> Session:
    """The session a request shows, or a fresh one."""
    found = _COOKIE.fullmatch(request.cookies.get(cookie_name(secure=secure, embedded=embedded), ""))
    if found is None or not keys.is_signed(_SESSION, f"{found['name']}.{found['cases']}", found["signature"]):
        return fresh_session()
    return Session(found["name"], int(found["cases"]))


def keep_session(
    response: Response, session: Session, keys: Keys, *, secure: bool, hours: int, embedded: bool = False
) -> None:
    """Have the browser hold the session for as long as its cases are kept."""
    signed = f"{session.name}.{session.cases}"
    _set(response, f"{signed}.{keys.sign(_SESSION, signed)}", hours * 3600, secure=secure, embedded=embedded)


def forget_session(response: Response, *, secure: bool, embedded: bool = False) -> None:
    """Have the browser let go of its session: whoever uses it next does not see the cases before."""
    _set(response, "", 0, secure=secure, embedded=embedded)


def _set(response: Response, value: str, seconds: int, *, secure: bool, embedded: bool) -> None:
    # written out: the standard library knows Partitioned only from Python 3.14 on
    reach = "SameSite=None; Partitioned" if embedded and secure else "SameSite=Lax"
    name = cookie_name(secure=secure, embedded=embedded)
    response.headers.append(
        "set-cookie", f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; {reach}{'; Secure' if secure else ''}"
    )


def form_token(session: Session, keys: Keys) -> str:
    """What a form of this session carries: other sites cannot know it, and no two pages have the same.

    It also names the delivery: what is sent twice from one page is taken once.
    """
    nonce = secrets.token_urlsafe(12)
    return f"{nonce}.{keys.sign(_FORM, f'{session.name}.{nonce}')}"


def delivery_of(token: str, session: Session, keys: Keys) -> str | None:
    """The delivery a form's token names; None where it is not one of this session."""
    nonce, _, signature = token.partition(".")
    return nonce if nonce and keys.is_signed(_FORM, f"{session.name}.{nonce}", signature) else None
