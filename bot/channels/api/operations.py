"""An operation of the API: FastAPI describes it, this module reads its request.

A request is read here, and not by FastAPI, because its body has to be bounded in size and time and read whole before
anything is refused (the connection goes on), because what was typed is never said back, and because a turn is to cost
little more than its own work: reading and checking one by FastAPI would cost another tenth of it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, NamedTuple, get_type_hints

from fastapi import params
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bot.body import TooLarge, body_of
from bot.channels.api.problems import Refused

V1 = "/api/v1"


class Body(NamedTuple):
    """Marks the parameter of an endpoint that is the request's body: how it is read, and how large it may be.

    `names`: the fields that may be named where one is given twice.
    """

    read: Callable[[Any], Any]
    largest: int
    names: Collection[str]


class Operation(APIRoute):
    """A route whose endpoint is given what its signature says: path, query (a model), body (see Body), the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request: reads what the endpoint takes, and calls it."""
        endpoint: Callable[..., Awaitable[Response]] = self.endpoint
        body: tuple[str, Body] | None = None
        query: tuple[str, type[BaseModel]] | None = None
        itself: str | None = None
        for name, hint in get_type_hints(endpoint, include_extras=True).items():
            marks = getattr(hint, "__metadata__", ())
            found = next((mark for mark in marks if isinstance(mark, Body)), None)
            if found is not None:
                body = name, found
            elif any(isinstance(mark, params.Query) for mark in marks):
                query = name, hint.__origin__
            elif hint is Request:
                itself = name

        async def handle(request: Request) -> Response:
            values: dict[str, Any] = dict(request.path_params)
            if body is not None:
                name, how = body
                values[name] = how.read(json_of(await _content(request, how.largest), how.names))
            if query is not None:
                name, model = query
                values[name] = _query(request, model)
            if itself is not None:
                values[itself] = request
            return await endpoint(**values)

        return handle


async def _content(request: Request, largest: int) -> bytes:
    try:
        content = await body_of(request, largest, request.app.state.slowest)
    except TooLarge:
        raise Refused(413, f"larger than {largest // 1024} KiB") from None
    except TimeoutError:
        raise Refused(408, "the request took too long to arrive") from None
    except ClientDisconnect:
        raise Refused(400, "the request did not arrive whole") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "expected application/json")  # after the body: one unread would end the connection
    return content


class _Twice(ValueError):
    """A field is given twice in one object."""


class _NotJson(ValueError):
    """A number JSON does not know."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _no_number(name: str) -> Any:
    raise _NotJson(f"{name} is no number in JSON")


def _number(text: str) -> int | float:
    """A number with a point or an exponent: 60.0 is the whole number 60, as in JSON Schema."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def json_of(content: bytes, names: Collection[str] = ()) -> Any:
    """The value of a JSON text (RFC 8259). Raises Refused; of the text only fields in `names` are said back."""
    try:
        return json.loads(content.decode(), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_number)
    except _Twice as error:
        name = str(error)
        if name in names:
            raise Refused(422, f"{name}: given twice", name) from None
        raise Refused(422, "a field is given twice in one object") from None
    except _NotJson as error:
        raise Refused(422, f"not JSON: {error}") from None
    except json.JSONDecodeError as error:
        raise Refused(422, f"not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise Refused(422, "not JSON: not UTF-8 text") from None
    except RecursionError:
        raise Refused(422, "nested too deeply") from None
    except ValueError:  # a whole number of thousands of digits
        raise Refused(422, "not JSON that can be read: a number is too long") from None


def _query(request: Request, model: type[BaseModel]) -> BaseModel:
    """What the address asks for after the question mark. A misspelt name is refused: it would change the answer."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in model.model_fields:
            raise Refused(422, f"there is no such parameter; expected {' or '.join(model.model_fields)}")
        if name in given:
            raise Refused(422, f"{name}: given twice", name)
        given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        raise Refused(422, f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}", name) from None
