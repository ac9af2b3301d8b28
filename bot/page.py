"""Messages as one self-contained HTML document: no script, nothing fetched, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from messages.message import Message

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem}.note{border-left:.3rem solid #8a5a00;"
    "padding:.3rem .8rem;background:#fff6e5}section{border-top:1px solid #767676;margin-top:1.5rem}"
    "@media print{section{break-inside:auto}body{margin:0;max-width:none}}"
)


def page(messages: Iterable[Message]) -> str:
    """The document. A content security policy in it forbids scripts and any request."""
    sections = [Markup("<section id='{}'>\n{}</section>").format(message.id, _section(message)) for message in messages]
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<title>Options for the next line: HER2-positive metastatic breast cancer</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n"
    )


def _section(message: Message) -> Markup:
    parts: list[str] = []
    listing = False
    for block in message.blocks:
        if (block.kind == "item") != listing:
            listing = not listing
            parts.append("<ul>\n" if listing else "</ul>\n")
        tag = {"heading": "h1", "subheading": "h2", "item": "li"}.get(block.kind, "p")
        note = f" class='{block.kind}'" if block.kind in ("note", "ranked") else ""
        parts.append(f"<{tag}{note}>{escape(block.text)}</{tag}>\n")
    if listing:
        parts.append("</ul>\n")
    return Markup("".join(parts))
