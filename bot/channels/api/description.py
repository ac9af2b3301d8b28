"""The description of the API: OpenAPI 3.1, with examples that were computed by what they describe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.channels.api.examples import examples, parameters
from bot.channels.api.operations import V1
from bot.channels.api.problems import ANYWHERE, Problem, may_refuse
from bot.channels.api.unchanged import fresh, tag_of_content
from flows import VERSION
from messages.words import Words

PATH = f"{V1}/openapi.json"
_ABOUT = """Decision support for health-care professionals who treat HER2-positive metastatic breast cancer: a profile
or a conversation in, a ranked, graded and sourced list of options for the next line out. Not a medical device, not for
patients, not for emergencies. Every answer states its review status; show it with the options.

Errors are `application/problem+json` (RFC 9457). Any path answers 404 where there is none, 405 with `Allow` for another
method, `OPTIONS` with `Allow`, and `HEAD` where it answers `GET`."""
_TAGS = [
    {"name": "recommendations", "description": "One profile or one typed case in, the advice out; nothing is stored."},
    {"name": "conversations", "description": "The dialogue, for any chat front end."},
    {"name": "knowledge", "description": "What the answers rest on, and what is asked."},
]
_IDENTIFIER = {"identifier": "$response.body#/conversation"}
_LINKS = {
    name: {"operationId": name, "parameters": _IDENTIFIER}
    for name in ("takeTurn", "getConversation", "getAnswer", "eraseConversation")
}


def describe(routes: Sequence[BaseRoute], words: Words) -> dict[str, Any]:
    """The OpenAPI document of some routes."""
    document: dict[str, Any] = get_openapi(
        title="HER2 triage", version=VERSION, description=_ABOUT,
        routes=routes, tags=_TAGS, license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )  # fmt: skip
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # what FastAPI would answer: it never reads a request here
        schemas.pop(name, None)
    for name, schema in schemas["Profile"]["properties"].items():
        schema["description"] = words.label(name)
    schemas["Problem"] = Problem.model_json_schema()
    # a line whose agents are not known may say so; the type alone does not show it
    agents = schemas["Line"]["properties"]["agents"]
    schemas["Line"]["properties"]["agents"] = {
        "anyOf": [{key: agents.pop(key) for key in ("type", "items", "maxItems")}, {"const": "unknown"}], **agents
    }  # fmt: skip
    anywhere = {str(status): said for status, said in may_refuse(*ANYWHERE).items()}
    given, named = examples(words), parameters(words.knowledge)
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["example"] = named[parameter["name"]]
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]  # the same
            operation["responses"].update(anywhere)
            requests, responses = given.get(operation["operationId"], ({}, {}))
            if requests:
                operation["requestBody"]["content"]["application/json"]["examples"] = requests
            done = operation["responses"].get("201") or operation["responses"]["200"]
            if responses:
                done["content"]["application/json"]["examples"] = responses
            if operation["operationId"] == "beginConversation":
                done["links"] = _LINKS
    document["components"]["securitySchemes"] = {
        "accessToken": {"type": "http", "scheme": "bearer", "description": "TRIAGE_WEB_ACCESS_TOKEN, where it is set"}
    }
    document["security"] = [{"accessToken": []}, {}]
    return document


def route(api: FastAPI, words: Words) -> BaseRoute:
    """The path the description is read at. It describes what the application has now: what other channels add to it
    later (CDS Hooks) is described as their own specifications ask."""
    described = [*api.routes]

    @cache
    def content() -> bytes:
        return json.dumps(describe(described, words), separators=(",", ":")).encode()

    async def read(request: Request) -> Response:
        said = await asyncio.to_thread(content)  # made once, which takes a tenth of a second
        return fresh(request, said, tag_of_content(said))

    return Route(PATH, read)
