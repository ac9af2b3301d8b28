"""Entries of the knowledge as text, for `triage knowledge show` and `sources`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from bot.verification import in_words
from flows.explanation.edits import Key, entries, plain
from flows.explanation.use import ANY, KINDS, SEVERAL, Use, depends_on, use
from flows.knowledge.load import Knowledge
from flows.questionnaire import QUESTION_OF
from messages.words import Words, english


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


def describe_use(name: str, knowledge: Knowledge) -> str:
    """The questions the entries of this id hang on, and for how many classes of profiles they decide something."""
    words = english(knowledge)
    parts = []
    for kind, entry in entries(knowledge):
        if entry.id != name and getattr(entry, "row", None) != name:
            continue
        key = (kind, entry.id)
        if kind in KINDS:
            parts.append(_questions(key, knowledge, words) + _classes(f"{kind} {entry.id}", [key], knowledge, words))
        else:
            through = list(dict.fromkeys(_deciding_citers(entry.id, knowledge)))
            if through:
                said = ", ".join(f"{of} {other}" for of, other in through)
                parts.append(f"through the entries that cite it: {said}\n")
                parts.append(_classes(f"{kind} {entry.id}", through, knowledge, words))
    return "\n".join(part for part in parts if part)


def _questions(key: Key, knowledge: Knowledge, words: Words) -> str:
    """The questions an entry hangs on, a line each."""
    found = depends_on(key, knowledge)
    said = []
    for title, fields in (("asks", found.own), ("asks, for what may rule out another regimen", found.through_others)):
        if fields:
            said.append(f"{key[0]} {key[1]} {title}:\n")
            said += [f"  {words.label(field)} (question {QUESTION_OF.get(field, field)})\n" for field in fields]
    return "".join(said)


def _classes(entry: str, keys: list[Key], knowledge: Knowledge, words: Words) -> str:
    found: Use = use(knowledge, keys)
    lines = [
        f"{entry}, of {found.classes:,} classes of profiles (classes, not patients; a part of the space: the shorter "
        "treatment histories, other answers one at a time):\n"
    ]
    for (key, what), counted in found.counted.items():
        said = "is used" if key == SEVERAL and what == ANY else what
        lines.append(f"  {said} for {counted.classes:,}; the simplest: {in_words(counted.example, words)}\n")
    if not found.counted:
        lines.append("  decides nothing for any of them\n")
    return "".join(lines)


def _deciding_citers(name: str, knowledge: Knowledge) -> Iterator[Key]:
    """The entries with conditions of their own that cite an entry, or cite a fact that does."""
    for kind, entry in entries(knowledge):
        if entry.id != name and name in set(names_in(data_of(entry))):
            if kind in KINDS:
                yield kind, entry.id
            elif kind == "fact":
                yield from _deciding_citers(entry.id, knowledge)


def describe_sources(knowledge: Knowledge) -> str:
    """Every source on a line, with the facts read in it."""
    lines = []
    for source in knowledge.sources.values():
        read_in = [fact.id for fact in knowledge.facts.values() if source.id in fact.sources]
        lines.append(f"{source.id} ({source.kind}, {source.year}): {source.title}\n    {', '.join(read_in)}\n")
    return "".join(lines)
