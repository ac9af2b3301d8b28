"""How pages are written: templates, and the static files they name. Everything that is said is escaped."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bot.channels.web.plot import forest
from messages.words import web_words

HERE = Path(__file__).parent
STATIC = HERE / "static"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of the pages, with the words that stand around the messages."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    words = web_words()
    drawn = lru_cache(maxsize=256)(forest)  # of facts alone: the same plots come again in every patient's answer
    made.globals |= {"words": words, "say": words.says, "static": static_address, "forest": drawn}
    return made


def load_pages() -> None:
    """Read every template and static file at the start: a page that says what failed must not fail for want of a file.

    Raises jinja2's TemplateError, OSError.
    """
    for name in environment().list_templates():
        environment().get_template(name)
    for file in STATIC.iterdir():
        static_address(file.name)


def render_page(template: str, **values: Any) -> str:
    """A page. Raises jinja2's UndefinedError where a template asks for what it was not given."""
    return environment().get_template(template).render(values)


@lru_cache(maxsize=32)
def static_address(name: str) -> str:
    """The address of a static file, another one whenever its content is another."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


class Static(StaticFiles):
    """Files that never change under one address: browsers keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; kept for a year where its address names this very content: another worker may have another."""
        response = await super().get_response(path, scope)
        named = (STATIC / path).is_file() and static_address(path).encode().endswith(b"?" + scope["query_string"])
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if named else "no-cache"
        return response
