"""Entries of the knowledge as text, for `triage knowledge show` and `sources`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from flows.knowledge.load import Knowledge
from flows.when import When


def entries(knowledge: Knowledge) -> Iterator[tuple[str, Any]]:
    """Every entry with its kind. An id may name a decision row and a rule."""
    groups: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("fact", knowledge.facts), ("source", knowledge.sources), ("agent", knowledge.agents),
        ("regimen", knowledge.regimens), ("threshold", knowledge.thresholds),
    )  # fmt: skip
    for kind, group in groups:
        for entry in group.values():
            yield kind, entry
    lists: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("safety rule", knowledge.rules), ("stop", knowledge.stops), ("decision row", knowledge.recommendations),
        ("principle", knowledge.principles), ("pitfall", knowledge.pitfalls),
        ("not assessed", knowledge.not_assessed), ("gap", knowledge.gaps), ("article statement", knowledge.article),
    )  # fmt: skip
    for kind, listed in lists:
        for entry in listed:
            yield kind, entry


def names_in(value: Any) -> Iterator[str]:
    """Every text in an entry's data: what it may cite."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from names_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from names_in(part)


def data_of(entry: Any) -> dict[str, Any]:
    """An entry as plain data, conditions as they are written."""
    return _plain(entry.model_dump(mode="python"))  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, When):
        return dict(value.source)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def describe_entry(name: str, knowledge: Knowledge) -> str | None:
    """An entry, the sources of its facts, and who cites it; None where there is no such id."""
    found = [
        (kind, entry) for kind, entry in entries(knowledge) if entry.id == name or getattr(entry, "row", None) == name
    ]
    if not found:
        return None
    parts = []
    for kind, entry in found:
        data = data_of(entry)
        cited = dict.fromkeys(text for text in names_in(data) if text in knowledge.facts and text != name)
        sources = dict.fromkeys(source for fact in cited for source in knowledge.facts[fact].sources) | dict.fromkeys(
            getattr(entry, "sources", ())
        )
        citing = [f"{other_kind} {other.id}" for other_kind, other in entries(knowledge)
                  if other.id != entry.id and entry.id in set(names_in(data_of(other)))]  # fmt: skip
        parts.append(f"# {kind} {entry.id}\n" + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100))
        for title, listed in (
            ("facts cited", [f"{fact}: {knowledge.facts[fact].value}" for fact in cited]),
            ("sources", [f"{source}: {knowledge.sources[source].title}" for source in sources]),
            ("cited by", citing),
        ):
            if listed:
                parts.append(f"{title}:\n" + "".join(f"  {line}\n" for line in listed))
    return "\n".join(parts)


def describe_sources(knowledge: Knowledge) -> str:
    """Every source on a line, with the facts read in it."""
    lines = []
    for source in knowledge.sources.values():
        read_in = [fact.id for fact in knowledge.facts.values() if source.id in fact.sources]
        lines.append(f"{source.id} ({source.kind}, {source.year}): {source.title}\n    {', '.join(read_in)}\n")
    return "".join(lines)
