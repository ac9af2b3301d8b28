"""Reads a folder of knowledge and refuses what does not resolve, naming file, entry and field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from flows.findings import CLASSES, FINDINGS
from flows.knowledge.cache import kept
from flows.knowledge.model import (
    WEAKEST_FIRST,
    Advisory,
    Agent,
    ArticleStatement,
    Entry,
    Fact,
    Governance,
    Governed,
    Manifest,
    Note,
    Recommendation,
    Regimen,
    ReviewStatus,
    SafetyRule,
    Source,
    Stop,
    Threshold,
)
from flows.plain_yaml import PlainYamlError, read_yaml
from flows.profile import AGENTS, FIELDS
from flows.when import Several, When

SHIPPED = Path(__file__).parent


class KnowledgeError(ValueError):
    """The knowledge cannot be used. The message names file, entry and field on one line."""

    def __init__(self, file: str, entry: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (file, entry, problem) if part))
        self.file = file
        self.entry = entry


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Everything the sequencing and the words may draw on, validated. Compared and hashed by identity."""

    manifest: Manifest
    digest: str
    sources: Mapping[str, Source]
    facts: Mapping[str, Fact]
    agents: Mapping[str, Agent]
    regimens: Mapping[str, Regimen]
    rules: tuple[SafetyRule, ...]
    thresholds: Mapping[str, Threshold]
    stops: tuple[Stop, ...]
    recommendations: tuple[Recommendation, ...]
    principles: tuple[Advisory, ...]
    pitfalls: tuple[Advisory, ...]
    not_assessed: tuple[Note, ...]
    gaps: tuple[Note, ...]
    article: tuple[ArticleStatement, ...]
    classes: Mapping[str, frozenset[str]] = field(repr=False)
    retired: tuple[str, ...] = ()

    def weakest(self, entries: Iterable[Governed]) -> ReviewStatus:
        """The weakest review status among the entries: the one an answer shows."""
        statuses = {entry.governance.status for entry in entries}
        return next((status for status in WEAKEST_FIRST if status in statuses), "draft")

    def governed(self) -> Iterator[Governed]:
        """Every entry under governance."""
        for group in (self.facts, self.regimens, self.thresholds):
            yield from group.values()
        yield from (*self.rules, *self.stops, *self.recommendations, *self.principles, *self.pitfalls)
        yield from (*self.not_assessed, *self.gaps)

    def overdue(self, today: date) -> tuple[str, ...]:
        """Ids of the rules whose review-by date has passed."""
        return tuple(entry.id for entry in self.governed() if entry.governance.review_by < today)


@cache
def shipped() -> Knowledge:
    """The knowledge this version ships."""
    return kept(SHIPPED, "knowledge", digest(SHIPPED), lambda: load(SHIPPED))


def digest(folder: Path) -> str:
    """The hash of the knowledge: every file's name and bytes, so that no change can keep it."""
    total = hashlib.sha256()
    for path in _files(folder):
        content = path.read_bytes()
        total.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return f"sha256:{total.hexdigest()}"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.yaml") if path.is_file())


def load(folder: Path) -> Knowledge:
    """Read and check the knowledge in `folder`. Raises KnowledgeError at the first defect."""
    return _Reading(folder).knowledge()


class _Reading:
    """One reading of a folder: what was found where, so that a defect can be named."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "manifest.yaml").is_file():
            raise KnowledgeError(str(folder / "manifest.yaml"), "", "there is no such file")
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and "__pycache__" not in inside.parts and path.suffix not in (".yaml", ".py"):
                raise KnowledgeError(inside.as_posix(), "", "no part of the knowledge is read from this file")
        self.documents = {path.relative_to(folder).as_posix(): self._read(path) for path in _files(folder)}
        self.place: dict[int, tuple[str, str]] = {}
        self.cited: set[str] = set()
        manifest = self.documents.pop("manifest.yaml")
        self.manifest = self._entry(Manifest, manifest, "manifest.yaml", "manifest", None)
        self.defaults = self.manifest.governance.model_dump()
        self.retired: list[str] = []

    def _read(self, path: Path) -> Any:
        name = path.relative_to(self.folder).as_posix()
        try:
            return read_yaml(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise KnowledgeError(name, "", f"not readable: {error}") from None
        except PlainYamlError as error:
            raise KnowledgeError(name, "", str(error)) from None

    def _entry(self, model: type[E], value: Any, file: str, name: str, defaults: Any) -> E:
        if defaults is not None and isinstance(value, dict):
            value = {"governance": defaults, **value}
        try:
            entry = model.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise KnowledgeError(file, name, f"{where}: {first['msg']}".removeprefix(": ")) from None
        self.place[id(entry)] = (file, name)
        return entry

    def _take(self, model: type[E], pattern: str) -> list[E]:
        """All entries of a kind: every file that matches holds a list, or one mapping for a regimen."""
        found: list[E] = []
        for file in [name for name in self.documents if re.fullmatch(pattern, name)]:
            document = self.documents.pop(file)
            listed = [document] if isinstance(document, dict) else document
            if not isinstance(listed, list):
                raise KnowledgeError(file, "", "expected a list of entries")
            for number, value in enumerate(listed, 1):
                name = str(value.get("id", f"entry {number}")) if isinstance(value, dict) else f"entry {number}"
                defaults = self.defaults if issubclass(model, Governed) else None
                found.append(self._entry(model, value, file, name, defaults))
        return self._in_force(found)

    def _in_force(self, entries: list[E]) -> list[E]:
        kept: dict[str, E] = {}
        for entry in entries:
            name = getattr(entry, "id", "")
            if isinstance(entry, Governed):
                start, end = entry.governance.valid_from, entry.governance.valid_until
                over = end is not None and end <= self.manifest.date
                if start > self.manifest.date or over or entry.governance.status == "retired":
                    self.retired.append(name)
                    continue
            if name in kept:
                raise self._defect(entry, "id: two entries in force have this id")
            kept[name] = entry
        return list(kept.values())

    def _defect(self, entry: Entry, problem: str) -> KnowledgeError:
        return KnowledgeError(*self.place[id(entry)], problem)

    def knowledge(self) -> Knowledge:
        sources = {entry.id: entry for entry in self._take(Source, r"evidence/sources\.yaml")}
        facts = {entry.id: entry for entry in self._take(Fact, r"evidence/facts/.*\.yaml")}
        article = tuple(self._take(ArticleStatement, r"evidence/source_article\.yaml"))
        gaps = tuple(self._take(Note, r"evidence/gaps\.yaml"))
        agents = {entry.id: entry for entry in self._take(Agent, r"agents\.yaml")}
        regimens = {entry.id: entry for entry in self._take(Regimen, r"regimens/.*\.yaml")}
        thresholds = {entry.id: entry for entry in self._take(Threshold, r"safety/thresholds\.yaml")}
        stops = tuple(self._take(Stop, r"safety/stops\.yaml"))
        rules = tuple(self._take(SafetyRule, r"safety/.*\.yaml"))
        recommendations = tuple(self._take(Recommendation, r"recommendations/.*\.yaml"))
        principles = tuple(self._take(Advisory, r"principles\.yaml"))
        pitfalls = tuple(self._take(Advisory, r"pitfalls\.yaml"))
        not_assessed = tuple(self._take(Note, r"not_assessed\.yaml"))
        for file in self.documents:
            raise KnowledgeError(file, "", "no part of the knowledge is read from this file")
        self.facts, self.regimens = facts, regimens
        vocabulary = {**FINDINGS, "out": Several(regimens)}
        for fact in facts.values():
            self._known(fact, "sources", fact.sources, sources)
            self._known(fact, "regimens", fact.regimens, regimens)
            self._estimates(fact)
        for agent in agents.values():
            self._known(agent, "classes", agent.classes, CLASSES)
            self._cites(agent, agent.facts, agent.text or "")
        for missing in set(AGENTS) ^ set(agents):
            raise KnowledgeError("agents.yaml", missing, "id: the agents are not those of the profile document")
        for regimen in regimens.values():
            self._regimen(regimen, agents)
        for rule in rules:
            self._known(rule, "concerns.agents", rule.concerns.agents, agents)
            self._known(rule, "concerns.classes", rule.concerns.classes, CLASSES)
            self._known(rule, "concerns.regimens", rule.concerns.regimens, regimens)
            self._condition(rule, rule.when, FINDINGS)
            self._cites(rule, rule.facts, rule.text, marked=rule.pending_review)
        for threshold in thresholds.values():
            self._cites(threshold, threshold.facts, threshold.text)
        for stop in stops:
            self._known(stop, "fields", stop.fields, FIELDS)
            self._known(stop, "steps", stop.steps, regimens)
            self._condition(stop, stop.when, FINDINGS)
            self._cites(stop, stop.facts, f"{stop.text} {stop.nearest}")
        for row in recommendations:
            self._row(row, vocabulary)
        for advisory in (*principles, *pitfalls):
            if advisory.when is not None:
                self._condition(advisory, advisory.when, FINDINGS)
            self._cites(advisory, advisory.facts, advisory.text, marked=advisory.pending_review)
            self._known(advisory, "article", advisory.article, {entry.id for entry in article})
        for note in (*not_assessed, *gaps):
            self._cites(note, note.facts, note.text, hidden=note in gaps, marked=note.pending_review)
        for statement in article:
            self._cites(statement, statement.facts, statement.says or "")
        for fact in facts.values():
            if fact.id not in self.cited:
                raise self._defect(fact, "id: no entry cites this fact")
        classes = {agent.id: frozenset((agent.id, *agent.classes)) for agent in agents.values()}
        return Knowledge(
            manifest=self.manifest, digest=digest(self.folder), sources=sources, facts=facts, agents=agents,
            regimens=regimens, rules=rules, thresholds=thresholds, stops=stops,
            recommendations=recommendations, principles=principles, pitfalls=pitfalls,
            not_assessed=not_assessed, gaps=gaps, article=article, classes=classes,
            retired=tuple(self.retired),
        )  # fmt: skip

    def _known(self, entry: Entry, key: str, names: Iterable[str], known: Any) -> None:
        for name in names:
            if name not in known:
                raise self._defect(entry, f"{key}: there is no {name!r}")

    def _condition(self, entry: Entry, when: When, vocabulary: Mapping[str, frozenset[str] | None]) -> None:
        try:
            when.check(vocabulary)
        except ValueError as error:
            raise self._defect(entry, f"when: {error}") from None

    def _cites(
        self,
        entry: Entry,
        facts: Iterable[str],
        text: str,
        *,
        hidden: bool = False,
        marked: bool | None = None,
    ) -> None:
        """Facts exist and may be shown; every figure in the text stands in one of them; memory is marked."""
        cited = list(facts)
        self._known(entry, "facts", cited, self.facts)
        self.cited.update(cited)
        for name in cited:
            if not hidden and not self.facts[name].shown:
                raise self._defect(entry, f"facts: {name} could not be read and is never shown")
        if marked is False and cited and all(self.facts[name].verification == "recalled" for name in cited):
            raise self._defect(entry, "pending_review: rests only on recalled facts and does not say so")
        for figure in untraced_figures(text, [self.facts[name] for name in cited]):
            raise self._defect(entry, f"text: the figure {figure} stands in none of the facts cited")

    def _estimates(self, fact: Fact) -> None:
        """Hazard ratios as data are those of the fact's own value, never from elsewhere (S8)."""
        if not fact.estimates:
            return
        if fact.verification in ("not_found", "contradicted"):
            raise self._defect(fact, f"estimates: a fact that is {fact.verification} holds no estimate")
        if len(fact.arms) < 2:
            raise self._defect(fact, "estimates: a ratio compares two arms, and the fact does not name them")
        standing = _FIGURE.findall(fact.value)
        for number, estimate in enumerate(fact.estimates):
            key, wanted = f"estimates.{number}", list(estimate.figures)
            for figure, part in zip(wanted, ("value", "interval", "interval"), strict=False):
                if figure not in standing:
                    raise self._defect(fact, f"{key}.{part}: the figure {figure} does not stand in the fact's value")
            said = re.search(rf"\bHR {re.escape(estimate.value)}(?!\d)", fact.value)
            if not said and "hazard ratio" not in fact.endpoint:
                raise self._defect(fact, f"{key}.value: the fact's value does not call {estimate.value} an HR")
            if not any(standing[at : at + len(wanted)] == wanted for at in range(len(standing))):
                raise self._defect(fact, f"{key}.interval: does not follow {estimate.value} in the fact's value")
            for figure in sorted(figures(estimate.endpoint) - {*standing, *_FIGURE.findall(fact.endpoint)}):
                raise self._defect(fact, f"{key}.endpoint: the figure {figure} does not stand in the fact")
        endpoints = [estimate.endpoint for estimate in fact.estimates]
        if len(set(endpoints)) < len(endpoints):
            raise self._defect(fact, "estimates: two of them have the same endpoint")

    def _regimen(self, regimen: Regimen, agents: Mapping[str, Agent]) -> None:
        for key in ("agents", "partners"):
            self._known(regimen, key, getattr(regimen, key), agents)
        for key in ("dose", "efficacy", "cns", "harms", "boxed_warnings", "contraception"):
            self._cites(regimen, getattr(regimen, key), "")
            for name in getattr(regimen, key):
                if regimen.id not in self.facts[name].regimens:
                    raise self._defect(regimen, f"{key}: {name} is not about this regimen")
        statements = list(regimen.monitoring)
        if regimen.authorisation is not None:
            where = regimen.authorisation
            statements += [statement for statement in (where.us, where.eu, where.china) if statement]
        for statement in statements:
            self._cites(regimen, statement.facts, statement.text, marked=statement.pending_review)
        self._cites(regimen, regimen.strength.facts, regimen.strength.text)
        for criterion in regimen.fit.criteria if regimen.fit else ():
            self._condition(regimen, criterion.when, FINDINGS)
            self._cites(regimen, criterion.facts, criterion.text)
        for text in (*regimen.not_assessed, regimen.harms_gap or ""):
            self._cites(regimen, (), text)

    def _kind(self, entry: Entry, key: str, name: str, *, step: bool) -> None:
        if (self.regimens[name].kind == "step") != step:
            raise self._defect(entry, f"{key}: {name} is {'not ' if step else ''}a step")

    def _row(self, row: Recommendation, vocabulary: Mapping[str, frozenset[str] | None]) -> None:
        self._condition(row, row.when, vocabulary)
        if row.assumes is not None:
            self._condition(row, row.assumes, FINDINGS)
        self._cites(row, row.facts, row.text)
        for option in row.options:
            self._known(row, "options", [option.regimen], self.regimens)
            self._kind(row, "options", option.regimen, step=False)
            if option.when is not None:
                self._condition(row, option.when, vocabulary)
            self._cites(row, (*option.facts, *row.facts), option.text)
            for grade in option.grades:
                self._cites(row, grade.facts, grade.grade)
        for step in row.steps:
            self._known(row, "steps", [step.step], self.regimens)
            self._kind(row, "steps", step.step, step=True)
            self._cites(row, (*step.facts, *row.facts), step.text)
        for avoided in row.avoid:
            self._known(row, "avoid", [avoided.regimen], self.regimens)
            if avoided.when is not None:
                self._condition(row, avoided.when, vocabulary)
            self._cites(row, (*avoided.facts, *row.facts), avoided.text)


_NAMES_WITH_FIGURES = re.compile(
    r"HER2CLIMB-\d+|DESTINY-Breast\d+|EmpowHER-\d+|HORIZON-Breast\d+|BIG \d+-\d+|GBG ?26|TUXEDO-1|RC48-C006"
    r"|EGF\d+|HER2|T-DM1|SHR-A1811|CYP\w*\d\w*|ECOG \d-\d|IHC \d\+|CDK4/6|CD16A(?: \w+)?|TH3RESA|ABC \d"
    r"|R\d\d|P-gp|phase \d\w?|ESMO(?: guideline)? \d{4}|ASCO \d{4}|NCCN \d\.\d{4}"
    r"|grade \d(?:-\d)?(?!\d)(?: or (?:worse|more))?"
)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


def figures(text: str) -> set[str]:
    """The figures in a text, names that contain digits apart."""
    return set(_FIGURE.findall(_NAMES_WITH_FIGURES.sub(" ", text)))


def untraced_figures(text: str, facts: Iterable[Fact]) -> list[str]:
    """Figures of `text` that stand in no value, note, population or endpoint of `facts`."""
    wanted = figures(text)
    if not wanted:
        return []
    held: set[str] = set()
    for fact in facts:
        for part in (fact.value, fact.note or "", fact.population, fact.endpoint):
            held |= set(_FIGURE.findall(part))
    return sorted(wanted - held)


__all__ = [
    "SHIPPED", "Governance", "Knowledge", "KnowledgeError", "digest", "figures", "load", "shipped",
    "untraced_figures",
]  # fmt: skip
