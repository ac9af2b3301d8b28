"""The whole answer as a file to hand over: JSON, a page, a PDF, FHIR. The same answer gives the same bytes."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from flows.sequencing.advice import Advice
from messages.words import Words

Form = Literal["json", "html", "pdf", "fhir"]
FORMS: tuple[Form, ...] = ("json", "html", "pdf", "fhir")


class Export(NamedTuple):
    """A file: its content, its media type, and a name that says which answer it is."""

    content: bytes
    media_type: str
    name: str


def export(form: Form, advice: Advice, words: Words, role: str | None = None, banner: str | None = None) -> Export:
    """The answer in one of the forms, disclaimer and record id in each (S13).

    `banner`: what an answer says first where its rules are past their review-by date (S27); the documents for
    programs carry dates of their own.
    """
    name = f"her2-options-{advice.record_id}"
    if form == "json":
        from messages.document import advice_document  # noqa: PLC0415  (each form loads only what it needs)

        content = advice_document(advice, words).model_dump_json(indent=2).encode()
        return Export(content, "application/json", f"{name}.json")
    if form == "html":
        from bot.page import page  # noqa: PLC0415
        from messages.render import full_answer  # noqa: PLC0415

        content = page(full_answer(advice, words, role), banner).encode()
        return Export(content, "text/html; charset=utf-8", f"{name}.html")
    if form == "pdf":
        from bot.pdf import pdf  # noqa: PLC0415

        return Export(pdf(advice, words, role, banner), "application/pdf", f"{name}.pdf")
    from messages.fhir import bundle  # noqa: PLC0415

    content = json.dumps(bundle(advice, words), separators=(",", ":")).encode()
    return Export(content, "application/fhir+json", f"{name}.fhir.json")
