"""Messages as one self-contained HTML document: no script, nothing fetched, everything escaped.

What a text refers to is a link: a section of the document, a fact or source listed in it, a DOI, a PubMed entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup, escape

from messages.message import Block, Message

TITLE = "Options for the next line: HER2-positive metastatic breast cancer"
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem}h2{font-size:1.2rem}h3{font-size:1.05rem}a{color:#0b4a82}"
    ".note{border-left:.3rem solid #8a5a00;padding:.3rem .8rem;background:#fff6e5}"
    "section{margin-top:1.5rem}section~section{border-top:1px solid #767676}"
    "@page{size:A4;margin:18mm 16mm;@bottom-right{content:counter(page) ' of ' counter(pages)}}"
    "@media print{body{font-size:9pt;line-height:1.35;margin:0;padding:0;max-width:none}nav{display:none}"
    "a{color:inherit;text-decoration:none}h1,h2,h3{break-after:avoid}li,.ranked,.note{break-inside:avoid}"
    ".note{background:none}}"
)
_REFERENCE = re.compile(
    r"doi:(?P<doi>10\.\d{4,9}/\S*[^\s.,;])|PMID (?P<pmid>\d+)|(?<![\w/.])/(?P<section>[a-z_]+)"
    r"|(?<![\w/.-])(?P<entry>[a-z0-9]+(?:-[a-z0-9]+)+)(?![\w/-])"
)


class Target(NamedTuple):
    """What a text of the document can refer to: the place in it, and what to say there instead of a command."""

    anchor: str
    label: str


def targets(messages: Sequence[Message]) -> dict[str, Target]:
    """The places of a document by what refers to them: `/why` to a section, an id to a fact or source it lists."""
    places = {}
    for message in messages:
        title = next((block.text for block in message.blocks if block.kind == "heading"), message.id)
        places[f"/{message.id}"] = Target(message.id, title)
        if message.id == "sources":
            names = [entry for block in message.blocks if (entry := listed(block)) is not None]
            places |= {name: Target(name, name) for name in names}
    return places


def listed(block: Block) -> str | None:
    """The id of the fact or source that an item of the sources begins with."""
    entry, colon, _ = block.text.partition(": ")
    return entry if block.kind == "item" and colon and " " not in entry else None


def linked(text: str, places: Mapping[str, Target]) -> Iterator[tuple[str, str | None]]:
    """The text in parts, each with the address it links to: `#...` inside the document, doi.org, PubMed, or None.

    A command (`/why`) means nothing on paper: the section it would show is named instead.
    """
    at = 0
    for found in _REFERENCE.finditer(text):
        said = found.group()
        if found["doi"]:
            address = f"https://doi.org/{quote(found['doi'], safe='/():;-._')}"
        elif found["pmid"]:
            address = f"https://pubmed.ncbi.nlm.nih.gov/{found['pmid']}/"
        elif said in places:
            address = f"#{places[said].anchor}"
            said = places[said].label
        else:
            continue
        if at < found.start():
            yield text[at : found.start()], None
        yield said, address
        at = found.end()
    if at < len(text):
        yield text[at:], None


def page(messages: Iterable[Message], banner: str | None = None) -> str:
    """The document. A content security policy in it forbids scripts and any request. `banner`: a note said first."""
    messages = list(messages)
    places = targets(messages)
    parts: list[Markup] = [] if banner is None else [Markup("<p class='note'>{}</p>").format(banner)]
    for position, message in enumerate(messages):
        if position == 1 and len(messages) > 2:
            parts.append(_contents([places[f"/{later.id}"] for later in messages[1:]]))
        section = _section(message, places, first=position == 0)
        parts.append(Markup("<section id='{}'>\n{}</section>").format(message.id, section))
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta name='referrer' content='no-referrer'>\n"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{TITLE}</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def _contents(sections: Iterable[Target]) -> Markup:
    items = Markup("").join(Markup("<li><a href='#{}'>{}</a></li>\n").format(*section) for section in sections)
    return Markup("<nav aria-label='Contents'>\n<ul>\n{}</ul>\n</nav>").format(items)


def _section(message: Message, places: Mapping[str, Target], *, first: bool) -> Markup:
    """A message. The first heading of the document is its `h1`; each section has an `h2` and its parts `h3`."""
    heading, subheading = ("h1", "h2") if first else ("h2", "h3")
    parts: list[str] = []
    listing = False
    for block in message.blocks:
        if (block.kind == "item") != listing:
            listing = not listing
            parts.append("<ul>\n" if listing else "</ul>\n")
        tag = {"heading": heading, "subheading": subheading, "item": "li"}.get(block.kind, "p")
        marks = f" class='{block.kind}'" if block.kind in ("note", "ranked") else ""
        entry = listed(block) if message.id == "sources" else None
        if entry is not None:
            marks += Markup(" id='{}'").format(entry)
        parts.append(f"<{tag}{marks}>{_text(block.text, places, entry)}</{tag}>\n")
    if listing:
        parts.append("</ul>\n")
    return Markup("".join(parts))


def _text(text: str, places: Mapping[str, Target], entry: str | None) -> Markup:
    """The text with its links; an entry does not link to itself."""
    return Markup("").join(
        escape(said) if address in (None, f"#{entry}") else Markup("<a href='{}'>{}</a>").format(address, said)
        for said, address in linked(text, places)
    )
