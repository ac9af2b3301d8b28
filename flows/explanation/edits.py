"""What was edited between two versions of the knowledge: entries added, removed, retired, and fields changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flows.knowledge.load import Knowledge
from flows.knowledge.model import Entry, Governed
from flows.when import When

KINDS: Mapping[str, str] = {
    "facts": "fact", "sources": "source", "agents": "agent", "regimens": "regimen", "thresholds": "threshold",
    "rules": "safety rule", "stops": "stop", "recommendations": "decision row", "principles": "principle",
    "pitfalls": "pitfall", "not_assessed": "not assessed", "gaps": "gap", "article": "article statement",
}  # fmt: skip
"""Part of the knowledge to what one entry of it is called, in the order entries are listed."""
NAMED_BY = ("id", "regimen", "step", "endpoint", "system")
"""What tells the entries of a list inside an entry apart, where they have it."""
LONGEST = 60
"""Signs of a value that are shown; a longer one is only said to have changed."""

Key = tuple[str, str]
"""Kind and id of an entry: an id may name a decision row and a rule."""


class Edit(NamedTuple):
    """One field of an entry that is not what it was: the path to it, and both values where they are short."""

    path: str
    was: str
    now: str

    @property
    def deciding(self) -> bool:
        """Whether the field can decide which answers an entry has a part in."""
        return self.path.split(".")[-1].split("[")[0] in _DECIDING or "when" in self.path.split(".")


_DECIDING = frozenset((
    "tier", "order", "options", "steps", "avoid", "at_best", "assumes", "when", "concerns", "kind", "outcome",
    "partners", "agents", "classes", "regimens", "regimen", "row", "step", "criteria", "fit",
))  # fmt: skip


class Edits(NamedTuple):
    """Everything that was edited."""

    added: tuple[Key, ...]
    removed: tuple[Key, ...]
    retired: tuple[Key, ...]
    changed: Mapping[Key, tuple[Edit, ...]]

    @property
    def touched(self) -> frozenset[Key]:
        """The entries there is any difference of."""
        return frozenset((*self.added, *self.removed, *self.retired, *self.changed))

    @property
    def deciding(self) -> frozenset[Key]:
        """The entries that differ in what decides."""
        edited = (key for key, edits in self.changed.items() if any(edit.deciding for edit in edits))
        return frozenset((*self.added, *self.removed, *self.retired, *edited))


def entries(knowledge: Knowledge) -> Iterator[tuple[str, Any]]:
    """Every entry with its kind, in the order they are listed."""
    for part, kind in KINDS.items():
        group = getattr(knowledge, part)
        for entry in group.values() if isinstance(group, Mapping) else group:
            yield kind, entry


def plain(value: Any) -> Any:
    """An entry, or a part of one, as plain data; conditions as they are written."""
    if isinstance(value, Entry):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, When):
        return plain(dict(value.source))
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def edits(old: Knowledge, new: Knowledge) -> Edits:
    """What was edited from one knowledge to another."""
    before = {(kind, entry.id): entry for kind, entry in entries(old)}
    after = {(kind, entry.id): entry for kind, entry in entries(new)}
    changed = {}
    for key, entry in before.items():
        other = after.get(key)
        if other is not None and other != entry:
            found = tuple(_edited(_own(entry, old), _own(other, new), ""))
            if found:
                changed[key] = found
    gone = [key for key in before if key not in after]
    return Edits(
        added=tuple(key for key in after if key not in before),
        removed=tuple(key for key in gone if key[1] not in new.retired),
        retired=tuple(key for key in gone if key[1] in new.retired),
        changed=changed,
    )


def _own(entry: Any, knowledge: Knowledge) -> dict[str, Any]:
    """What an entry says itself: of its governance only what is not the manifest's."""
    data: dict[str, Any] = plain(entry)
    if isinstance(entry, Governed):
        general = plain(knowledge.manifest.governance)
        data["governance"] = {name: value for name, value in data["governance"].items() if value != general[name]}
    return data


def _edited(was: Any, now: Any, path: str) -> Iterator[Edit]:
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict) and not path.endswith("when"):
        for name in dict.fromkeys((*was, *now)):
            yield from _edited(was.get(name), now.get(name), f"{path}.{name}" if path else str(name))
        return
    named = _named(was), _named(now)
    if named[0] is not None and named[1] is not None:
        if named[0].keys() != named[1].keys() or list(named[0]) != list(named[1]):
            yield Edit(path, ", ".join(named[0]), ", ".join(named[1]))
        for name in named[0].keys() & named[1].keys():
            yield from _edited(named[0][name], named[1][name], f"{path}.{name}")
        return
    yield Edit(path, _shown(was), _shown(now))


def _named(value: Any) -> dict[str, Any] | None:
    """The parts of a list by what tells them apart; None where nothing does."""
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        return None
    for name in NAMED_BY:
        names = [str(part.get(name)) for part in value]
        if all(name in part for part in value) and len(set(names)) == len(names):
            return dict(zip(names, value, strict=True))
    return None


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        said = ", ".join(map(str, value)) or "nothing"
    elif isinstance(value, dict):
        said = ", ".join(f"{key}: {part}" for key, part in value.items()) or "nothing"
    else:
        said = str(value)
    return said if len(said) <= LONGEST else ""
