"""The lexicon: names of drugs, shorthand of regimens, phrases for findings, and the words that say how they are meant.

Read from messages/en/lexicon and the knowledge's agents, checked, and laid out as one tree of tokens: a text is
matched against all of it at once, the longest phrase first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flows.knowledge.cache import kept
from flows.knowledge.load import Knowledge, KnowledgeError
from flows.plain_yaml import PlainYamlError, read_yaml
from flows.profile import AGENTS, OPTIONS
from messages.understanding.near import SHORTEST
from messages.understanding.tokens import tokens_of

FOLDER = Path(__file__).parent.parent / "en" / "lexicon"
FILES = ("agents", "regimens", "phrases", "words", "states", "ordinary")


class Concept(NamedTuple):
    """What a phrase stands for: a kind (`agents`, `regimen`, `class`, `cue`, `noun`, `say`, `find`, `scope`, `other`)
    and what of that kind."""

    kind: str
    name: str
    value: Any = None


class Finding(NamedTuple):
    """A finding that the words around it affirm, deny or leave open. A value None: nothing is said by it."""

    field: str
    affirmed: str | None
    denied: str | None
    uncertain: str | None
    readings: tuple[str, ...]


Node = dict[str, Any]
"""A token (or a group, as `<name>`) to the next node; "" to the concepts of the phrase that ends here."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Everything typed text is read with."""

    root: Node = field(repr=False)
    groups: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Word to the groups it belongs to."""
    opened: Mapping[str, tuple[Node, ...]] = field(repr=False)
    """Word to where the phrases go on that begin with one of its groups."""
    fillers: frozenset[str]
    silent: frozenset[str]
    ordinary: frozenset[str]
    findings: Mapping[str, Finding]
    names: Mapping[str, tuple[tuple[str, ...], ...]]
    """A drug's name of one word and at least five letters, to the agents it stands for."""
    by_length: Mapping[int, tuple[str, ...]]
    regimen_names: tuple[str, ...]
    roles: Mapping[str, frozenset[str]]
    """Word to the parts it plays between others."""
    numbers: Mapping[str, int]
    ordinals: Mapping[str, int]
    number_glued: frozenset[str]
    """Words that a number may follow without a blank."""
    short_names: frozenset[str]
    """Names of drugs so short that they are read only with treatment around them."""
    single_letters: Mapping[str, str]
    """A letter that is a drug beside other drugs, to its agent."""
    abbreviations: frozenset[str]
    """Words whose full stop ends no sentence."""
    often_mistyped: tuple[str, ...]
    """Words of weight that are known with one wrong letter, too."""
    payloads: Mapping[str, str]
    """A stem of a conjugate's second name, to the conjugate."""
    toxicity_endings: tuple[str, ...]
    """How words for a toxicity end."""


def lexicon(knowledge: Knowledge) -> Lexicon:
    """The lexicon for a knowledge, read once. Raises KnowledgeError naming file and entry."""
    return _lexicon(knowledge)


@lru_cache(maxsize=2)
def _lexicon(knowledge: Knowledge) -> Lexicon:
    texts = texts_of(FOLDER)
    code = Path(__file__).read_text("utf-8")  # what reads them: another form must not meet what an older one kept
    key = hashlib.sha256("\0".join((knowledge.digest, code, *texts.values())).encode()).hexdigest()
    return kept(FOLDER, "lexicon", key, lambda: read_lexicon(texts, knowledge))


def texts_of(folder: Path) -> dict[str, str]:
    """The files of a lexicon, by name."""
    return {name: (folder / f"{name}.yaml").read_text("utf-8") for name in FILES}


def read_lexicon(texts: Mapping[str, str], knowledge: Knowledge) -> Lexicon:
    """A lexicon from its files. Raises KnowledgeError naming file and entry."""
    data: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            data[name] = read_yaml(text)
        except PlainYamlError as error:
            raise KnowledgeError(f"lexicon/{name}.yaml", "", str(error)) from error
    phrases, words, states = data["phrases"], data["words"], data["states"]
    builder = _Builder(phrases["groups"])
    names = _agents(builder, data["agents"], knowledge)
    shorthand: list[str] = []
    for regimen in data["regimens"]:
        _agents_exist(regimen["agents"], "regimens.yaml", regimen["names"][0])
        for name in regimen["names"]:
            builder.add(name, Concept("regimen", name, tuple(regimen["agents"])))
            shorthand.append(name)
    for class_id, names_of_class in phrases["classes"].items():
        members = tuple(agent for agent in AGENTS if class_id in knowledge.classes[agent])
        for name in names_of_class:
            builder.add(name, Concept("class", class_id, members))
    for kind, section in (("cue", phrases["cues"]), ("noun", phrases["nouns"]), ("scope", states["scope"])):
        for name, entries in section.items():
            for entry in entries:
                builder.add(entry, Concept(kind, name))
    for name, values in states["says"].items():
        for value, entries in values.items():
            _value_exists(name, value)
            for entry in entries:
                builder.add(entry, Concept("say", name, value))
    findings = {}
    for name, entry in states["findings"].items():
        findings[name] = Finding(
            entry["field"], entry["affirmed"], entry["denied"], entry["uncertain"], tuple(entry.get("readings", ()))
        )
        for phrase in entry["phrases"]:
            builder.add(phrase, Concept("find", name))
    for name in phrases["asides"]:
        builder.add(name, Concept("aside", name))
    for name in phrases["noise"]:
        builder.add(name, Concept("other", name))
    for name in data["ordinary"]["other_medicines"]:
        builder.add(name, Concept("other", name))
    for word, meant in words["same_as"].items():
        builder.same(word, meant)
    by_length: dict[int, list[str]] = {}
    for name in sorted(names):
        by_length.setdefault(len(name), []).append(name)
    return Lexicon(
        root=builder.root,
        groups={word: tuple(found) for word, found in builder.groups.items()},
        opened={
            word: tuple(builder.root[group] for group in found if group in builder.root)
            for word, found in builder.groups.items()
            if not builder.root.keys().isdisjoint(found)
        },
        fillers=frozenset(phrases["fillers"]),
        silent=frozenset(phrases["silent"]) | frozenset(phrases["fillers"]),
        ordinary=frozenset(data["ordinary"]["words"]) | builder.words,
        findings=findings,
        names={name: tuple(sorted(agents)) for name, agents in names.items()},
        by_length={length: tuple(found) for length, found in by_length.items()},
        regimen_names=tuple(shorthand),
        roles=_roles({**words["roles"], **{group: phrases["groups"][group] for group in ("month", "local")}}),
        numbers=words["numbers"],
        ordinals=words["ordinals"],
        number_glued=frozenset(words["number_glued"]),
        short_names=frozenset(words["short_names"]),
        single_letters=words["single_letters"],
        abbreviations=frozenset(words["abbreviations"]),
        often_mistyped=tuple(words["often_mistyped"]),
        payloads=words["payloads"],
        toxicity_endings=tuple(words["toxicity_endings"]),
    )


def _roles(data: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Each word with all the parts it plays."""
    found: dict[str, set[str]] = {}
    for role, words in data.items():
        for word in words:
            found.setdefault(word, set()).add(role)
    return {word: frozenset(roles) for word, roles in found.items()}


class _Builder:
    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self.root: Node = {}
        self.groups: dict[str, list[str]] = {}
        self.words: set[str] = set()
        self.known = {f"<{group}>" for group in groups}
        for group, members in groups.items():
            for member in members:
                (token,) = tokens_of(member)
                self.groups.setdefault(token.key, []).append(f"<{group}>")
                self.words.add(token.key)

    def add(self, phrase: str, concept: Concept) -> None:
        """Add a phrase, `<group>` standing for any word of the group."""
        node = self.root
        for part in _parts(phrase):
            if part.startswith("<") and part not in self.known:
                raise KnowledgeError("lexicon", phrase, f"there is no group {part}")
            node = node.setdefault(part, {})
            self.words.add(part)
        known: tuple[Concept, ...] = node.get("", ())
        if concept not in known:
            node[""] = (*known, concept)

    def same(self, word: str, meant: str) -> None:
        """Read a word as another wherever that stands in a phrase or a group."""
        self.words.add(word)
        if meant in self.groups:
            self.groups[word] = [*self.groups.get(word, ()), *self.groups[meant]]
        nodes = [self.root]
        while nodes:
            node = nodes.pop()
            nodes.extend(following for key, following in node.items() if key)
            if meant in node and node.get(word) is not node[meant]:
                node[word] = _both(node[word], node[meant]) if word in node else node[meant]


def _both(one: Node, other: Node) -> Node:
    """What follows one word or the other: concepts joined, phrases of both."""
    joined: Node = dict(one)
    for key, following in other.items():
        if key not in joined:
            joined[key] = following
        elif key:
            joined[key] = _both(joined[key], following)
        else:
            joined[key] = (*joined[key], *(concept for concept in following if concept not in joined[key]))
    return joined


def _parts(phrase: str) -> Iterator[str]:
    for piece in phrase.split():
        if piece.startswith("<") and piece.endswith(">"):
            yield piece
        else:
            yield from (token.key for token in tokens_of(piece) if token.key not in ("-", "'"))


def _agents(
    builder: _Builder, data: Mapping[str, Mapping[str, list[str]]], knowledge: Knowledge
) -> dict[str, set[tuple[str, ...]]]:
    """Every name of every agent: into the tree, and those of one long word by themselves."""
    agents_of: dict[str, list[str]] = {}
    exact: set[str] = set()  # abbreviations and codes are matched as they are, never nearly
    for agent in AGENTS:
        if agent not in data:
            raise KnowledgeError("lexicon/agents.yaml", agent, "no names")
        known = knowledge.agents[agent]
        named = [known.name, known.short, *known.brands, agent.replace("_", " ")]
        for kind, entries in data[agent].items():
            if kind == "misspelt":
                for name in entries:
                    builder.add(name, Concept("misspelt", agent, ((agent,),)))
                continue
            named += entries
            if kind in ("short", "codes"):
                exact.update(" ".join(_parts(name)) for name in entries)
        for name in named:
            agents_of.setdefault(" ".join(_parts(name)), []).append(agent)
    names: dict[str, set[tuple[str, ...]]] = {}
    for name, agents in agents_of.items():
        meant = tuple(dict.fromkeys(agents))
        builder.add(name, Concept("agents", "+".join(meant), meant))
        if " " not in name and len(name) >= SHORTEST and name.isalpha() and name not in exact:
            names.setdefault(name, set()).add(meant)
    return names


def _agents_exist(agents: Iterable[str], file: str, entry: str) -> None:
    for agent in agents:
        if agent not in AGENTS:
            raise KnowledgeError(f"lexicon/{file}", entry, f"there is no agent {agent}")


def _value_exists(name: str, value: str) -> None:
    known = OPTIONS.get(name, ())
    apart = name in ("early_stage_agents", "prior_lines", "treatment") or value in ("none", "unknown")
    if value not in known and not apart:
        raise KnowledgeError("lexicon/states.yaml", name, f"{value} is no value of it")
