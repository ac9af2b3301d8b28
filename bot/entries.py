"""Entries of the knowledge as text, for `triage knowledge show` and `sources`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from flows.explanation.edits import entries, plain
from flows.knowledge.load import Knowledge


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
    return plain(entry)  # type: ignore[no-any-return]


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
