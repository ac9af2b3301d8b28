"""The knowledge behind the answers, to read: what it is, its entries by kind, one entry with its sources."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from textwrap import shorten
from typing import Annotated, Any, Literal, get_args

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from bot.app import App
from bot.channels.api.operations import V1
from bot.channels.api.problems import Refused, may_refuse
from bot.channels.api.unchanged import TAGGED, fresh, tag_of
from bot.entries import data_of, names_in
from flows import VERSION
from flows.knowledge.load import Knowledge
from flows.knowledge.model import Fact, Governed, Recommendation, ReviewStatus, Source, Verification

KindName = Literal[
    "facts", "sources", "agents", "regimens", "recommendations", "safety_rules", "stops", "thresholds", "principles",
    "pitfalls", "not_assessed", "gaps",
]  # fmt: skip
KINDS: tuple[KindName, ...] = get_args(KindName)
_MOST = 200
_SHORT = 120
_ARTICLE = ("article", "article_claim")
"""What the source article claims is not said here: parts of it are contradicted (docs/source-article.md)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KnowledgeDocument(_Part):
    """The knowledge as a whole. One digest is one knowledge, byte for byte."""

    title: str
    date: datetime.date
    licence: str
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    software: Annotated[str, Field(description="The version of the software that serves it.")]
    review: Annotated[ReviewStatus, Field(description="The weakest review status of all entries.")]
    reviewed: Annotated[dict[ReviewStatus, int], Field(description="How many entries have which review status.")]
    review_by: Annotated[datetime.date, Field(description="The first date by which an entry is to be reviewed again.")]
    counts: Annotated[dict[KindName, int], Field(description="How many entries of each kind can be listed.")]


class ItemDocument(_Part):
    """An entry on a list."""

    id: str
    title: Annotated[str, Field(description="Its name, or the beginning of its text.")]
    review: Annotated[ReviewStatus | None, Field(description="Sources and agents have none of their own.")]
    pending_review: Annotated[bool, Field(description="Whether it was recalled, not read: it may be wrong.")]


class ListDocument(_Part):
    """A page of the entries of one kind, in the order of the knowledge."""

    kind: KindName
    digest: str
    total: Annotated[int, Field(ge=0)]
    items: list[ItemDocument]
    next: Annotated[str | None, Field(description="The path of the next page; null on the last.")]


class FactDocument(_Part):
    """A fact: every figure of this knowledge stands in one, with its population and where it was read."""

    subject: str
    endpoint: str
    value: str
    population: str
    arms: list[str]
    verification: Annotated[Verification, Field(description="What became of it when it was checked at its sources.")]
    pending_review: bool
    sources: list[str]


class SourceDocument(_Part):
    """Where facts were read."""

    title: str
    authors: str
    journal: str
    year: int
    doi: str | None
    pmid: str | None
    read_at: str | None


class EntryDocument(_Part):
    """One entry, the facts it cites, and the sources of these."""

    kind: KindName
    digest: str
    id: str
    title: str
    review: ReviewStatus | None
    pending_review: bool
    entry: Annotated[dict[str, Any], Field(description="The entry as it is written, conditions included.")]
    facts: Annotated[dict[str, FactDocument], Field(description="The facts it cites, by id.")]
    sources: Annotated[dict[str, SourceDocument], Field(description="The sources of these, by id.")]


def _digits(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9 else value


class PageQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    limit: Annotated[int, Field(ge=1, le=_MOST, description="How many entries at most."), BeforeValidator(_digits)] = 50
    offset: Annotated[
        int, Field(ge=0, le=100_000, description="How many entries to pass over."), BeforeValidator(_digits)
    ] = 0


Kind = Annotated[KindName, Path(description="Which entries.")]
EntryId = Annotated[
    str,
    Path(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100, description="The id of an entry, as lists give it."),
]


def entries(knowledge: Knowledge) -> dict[KindName, dict[str, Any]]:
    """The entries that are shown, by kind and id. Facts that could not be read are not among them (S9)."""
    lists: dict[KindName, Iterable[Any]] = {
        "facts": (fact for fact in knowledge.facts.values() if fact.shown),
        "sources": knowledge.sources.values(),
        "agents": knowledge.agents.values(),
        "regimens": knowledge.regimens.values(),
        "recommendations": knowledge.recommendations,
        "safety_rules": knowledge.rules,
        "stops": knowledge.stops,
        "thresholds": knowledge.thresholds.values(),
        "principles": knowledge.principles,
        "pitfalls": knowledge.pitfalls,
        "not_assessed": knowledge.not_assessed,
        "gaps": knowledge.gaps,
    }
    return {kind: {entry.id: entry for entry in lists[kind]} for kind in KINDS}


def knowledge_document(knowledge: Knowledge, listed: Mapping[KindName, Mapping[str, Any]]) -> KnowledgeDocument:
    """What the knowledge is."""
    shown = [entry for group in listed.values() for entry in group.values() if isinstance(entry, Governed)]
    statuses = [entry.governance.status for entry in shown]
    return KnowledgeDocument(
        title=knowledge.manifest.title,
        date=knowledge.manifest.date,
        licence=knowledge.manifest.licence,
        digest=knowledge.digest,
        software=VERSION,
        review=knowledge.weakest(shown),
        reviewed={status: statuses.count(status) for status in dict.fromkeys(statuses)},
        review_by=min(entry.governance.review_by for entry in shown),
        counts={kind: len(group) for kind, group in listed.items()},
    )


def item_document(entry: Any) -> ItemDocument:
    """An entry as lists show it."""
    return ItemDocument(
        id=entry.id,
        title=_title(entry),
        review=entry.governance.status if isinstance(entry, Governed) else None,
        pending_review=getattr(entry, "pending_review", False),
    )


def entry_document(kind: KindName, entry: Any, knowledge: Knowledge) -> EntryDocument:
    """An entry as data, with the facts it cites and their sources; nothing of what could not be read (S9)."""
    data = {name: _shown(value, knowledge) for name, value in data_of(entry).items() if name not in _ARTICLE}
    cited = dict.fromkeys(name for name in names_in(data) if name in knowledge.facts and name != entry.id)
    facts = {name: knowledge.facts[name] for name in cited}
    read = dict.fromkeys(
        source for fact in (*facts.values(), *((entry,) if isinstance(entry, Fact) else ())) for source in fact.sources
    )
    item = item_document(entry)
    return EntryDocument(
        kind=kind,
        digest=knowledge.digest,
        id=item.id,
        title=item.title,
        review=item.review,
        pending_review=item.pending_review,
        entry=json.loads(to_json(data)),
        facts={name: fact_document(fact) for name, fact in facts.items()},
        sources={name: source_document(knowledge.sources[name]) for name in read},
    )


def fact_document(fact: Fact) -> FactDocument:
    """A fact, marked where it was recalled."""
    return FactDocument(
        subject=fact.subject, endpoint=fact.endpoint, value=fact.value, population=fact.population,
        arms=list(fact.arms), verification=fact.verification, pending_review=fact.pending_review,
        sources=list(fact.sources),
    )  # fmt: skip


def source_document(source: Source) -> SourceDocument:
    """A source."""
    return SourceDocument(
        title=source.title, authors=source.authors_short, journal=source.journal, year=source.year, doi=source.doi,
        pmid=source.pmid, read_at=source.seen_at,
    )  # fmt: skip


def _title(entry: Any) -> str:
    if isinstance(entry, Source):
        return entry.title
    if isinstance(entry, Fact):
        return f"{entry.subject}: {entry.endpoint}"
    name: str | None = getattr(entry, "name", None)
    if name is not None:
        return name
    said = f"{entry.row}: {entry.text}" if isinstance(entry, Recommendation) else entry.text
    return shorten(said, _SHORT, placeholder=" ...")


def _shown(value: Any, knowledge: Knowledge) -> Any:
    """Data without the ids of facts that are never shown: what notes on gaps cite."""
    if isinstance(value, dict):
        return {key: _shown(part, knowledge) for key, part in value.items()}
    if isinstance(value, list):
        hidden = {name for name in value if isinstance(name, str) and _is_hidden(name, knowledge)}
        return [_shown(part, knowledge) for part in value if not isinstance(part, str) or part not in hidden]
    return value


def _is_hidden(name: str, knowledge: Knowledge) -> bool:
    fact = knowledge.facts.get(name)
    return fact is not None and not fact.shown


def add(api: FastAPI, app: App) -> None:
    """Add the operations on the knowledge."""
    knowledge, tag = app.knowledge, tag_of(app.knowledge)
    listed = entries(knowledge)

    @api.get(
        f"{V1}/knowledge",
        operation_id="getKnowledge",
        summary="See which knowledge answers",
        tags=["knowledge"],
        response_model=KnowledgeDocument,
        response_description="Title, date, digest, review status and counts.",
        responses=TAGGED,
    )
    async def about(request: Request) -> Response:
        """The knowledge that answers here: its date, its digest, how far it was reviewed, how much there is of it."""
        return fresh(request, knowledge_document(knowledge, listed).model_dump_json().encode(), tag)

    @api.get(
        f"{V1}/knowledge/{{kind}}",
        operation_id="listKnowledge",
        summary="List the entries of a kind",
        tags=["knowledge"],
        response_model=ListDocument,
        response_description="A page of them.",
        responses={**TAGGED, **may_refuse(404, 422)},
    )
    async def listing(kind: Kind, query: Annotated[PageQuery, Query()], request: Request) -> Response:
        """The entries of one kind by id and short title, page by page. Facts that could not be read are left out."""
        group = _group(kind, listed)
        end = query.offset + query.limit
        document = ListDocument(
            kind=kind,
            digest=knowledge.digest,
            total=len(group),
            items=[item_document(entry) for entry in list(group.values())[query.offset : end]],
            next=f"{V1}/knowledge/{kind}?limit={query.limit}&offset={end}" if end < len(group) else None,
        )
        return fresh(request, document.model_dump_json().encode(), tag)

    @api.get(
        f"{V1}/knowledge/{{kind}}/{{entry}}",
        operation_id="getKnowledgeEntry",
        summary="Read one entry",
        tags=["knowledge"],
        response_model=EntryDocument,
        response_description="The entry, the facts it cites, and their sources.",
        responses={**TAGGED, **may_refuse(404)},
    )
    async def read(kind: Kind, entry: EntryId, request: Request) -> Response:
        """One entry as data, with the facts it cites and where these were read. Recalled facts say so."""
        found = _group(kind, listed).get(entry)
        if found is None:
            raise Refused(404, "There is no such entry.", "entry")
        return fresh(request, entry_document(kind, found, knowledge).model_dump_json().encode(), tag)


def _group(kind: str, listed: Mapping[KindName, Mapping[str, Any]]) -> Mapping[str, Any]:
    for name, group in listed.items():
        if name == kind:
            return group
    raise Refused(404, f"There is no such kind of entry; there are {', '.join(KINDS)}.", "kind")
