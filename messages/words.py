"""The words of a language: read, checked for completeness against the questions, and lent to the templates."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.findings import CLASSES, FINDINGS
from flows.knowledge.cache import kept
from flows.knowledge.load import Knowledge, KnowledgeError, figures
from flows.knowledge.model import TIERS, WEAKEST_FIRST, Fact, Grade
from flows.plain_yaml import PlainYamlError, read_yaml
from flows.profile import FIELDS, OUTCOMES, Line, Profile
from flows.questionnaire import QUESTIONS, ROLES
from flows.turns import COMMANDS, NOTICES, SECTIONS, TOPICS, State
from flows.when import NOT_KNOWN, Atom

ENGLISH = Path(__file__).parent / "en"
TEMPLATES = (
    *SECTIONS, *TOPICS, "_about", "_disclaimer", "advice", "ended", "export", "forgotten", "notice", "question",
    "record", "review", "stopped", "understood", "why_question",
)  # fmt: skip
DIRECTIVES = re.compile(r"\b(?:give|start|administer|prescribe|initiate|must be treated with|should receive)\b", re.I)


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class QuestionWords(_Words):
    """What a question says."""

    ask: str
    hint: str
    why: str
    options: dict[str, str]
    short: dict[str, str] = {}
    also: dict[str, list[str]] = {}
    unclear: dict[str, list[str]] = {}


class FieldWords(_Words):
    """How a profile field is said outside its question."""

    label: str
    short: str = ""
    values: dict[str, str] = {}
    label_not: str = ""


class Vocabulary(_Words):
    """Everything that is said of fields, findings and codes."""

    fields: dict[str, FieldWords]
    findings: dict[str, FieldWords]
    classes: dict[str, str]
    answered: dict[str, str]
    outcomes: dict[str, str]
    tiers: dict[str, str]
    roles: dict[str, str]
    fit: dict[str, str]
    truth: dict[str, str]
    strength: dict[str, str]
    grade_status: dict[str, str]
    review: dict[str, str]
    status: dict[str, str]
    sections: dict[str, str]
    glossary: dict[str, str]
    notices: dict[str, str]
    outside: dict[str, str]
    understood: dict[str, str]
    asking: dict[str, str]


class ChatWords(_Words):
    """What a bot on a chat platform says of itself, its menu, and what only a chat has to say."""

    name: str
    short_description: str
    description: str
    commands: dict[str, str]
    buttons: dict[str, str]
    says: dict[str, str]


@lru_cache(maxsize=1)
def chat_words() -> ChatWords:
    """The English words of chat platforms. Raises KnowledgeError where a command has none."""
    text = (ENGLISH / "chat.yaml").read_text("utf-8")
    words: ChatWords = _read(ChatWords, read_yaml(text), "chat.yaml", "")
    for name in COMMANDS:
        if name not in words.commands:
            raise KnowledgeError("chat.yaml", "commands", f"{name} has no words")
    return words


class WebWords(_Words):
    """What stands around the messages on a page."""

    language: str
    direction: Literal["ltr", "rtl"]
    title: str
    says: dict[str, str]
    forget: dict[str, str]
    errors: dict[str, str]


@lru_cache(maxsize=1)
def web_words() -> WebWords:
    """The English words of the web chat. Raises KnowledgeError where the file does not say what it must."""
    words: WebWords = _read(WebWords, read_yaml((ENGLISH / "web.yaml").read_text("utf-8")), "web.yaml", "")
    return words


@dataclass(frozen=True, eq=False)
class Words:
    """The words of one language for one knowledge."""

    knowledge: Knowledge = field(repr=False)
    questions: Mapping[str, QuestionWords]
    vocabulary: Vocabulary

    def label(self, name: str) -> str:
        """A field's or finding's name in words."""
        known = self.vocabulary.fields.get(name) or self.vocabulary.findings[name]
        return known.label

    def option(self, question: str, option: str) -> str:
        """An option's label."""
        words = self.questions.get(question)
        if words is not None and option in words.options:
            return words.options[option]
        if option in self.knowledge.agents:
            return _capital(self.agent(option))
        return _capital(self.questions["safety"].options[option])

    def understood_option(self, option: str, state: State) -> str:
        """The label of what may be said to a typed text that was understood: a reading, or the question's own words."""
        statement = state.statement
        if statement is None or not statement.choices or option in self.questions["understood"].options:
            return self.questions["understood"].options[option]
        choice = statement.choices[0]
        if choice.target in self.vocabulary.fields:
            return _capital(self.value(choice.target, option))
        return _capital(" + ".join(self.agent(agent) for agent in option.split("+")))

    def short_option(self, question: str, option: str) -> str:
        """An option's label for a narrow button."""
        words = self.questions.get(question)
        if words is not None and option in words.short:
            return words.short[option]
        return self.questions["safety"].short.get(option) or self.option(question, option)

    def short_label(self, name: str) -> str:
        """A question's name for a narrow button."""
        return self.vocabulary.answered.get(name) or self.vocabulary.fields[name].short or self.label(name)

    def agent(self, name: str) -> str:
        """An agent or class as clinicians write it."""
        agent = self.knowledge.agents.get(name)
        if agent is None:
            return self.vocabulary.classes[name]
        return self.vocabulary.classes.get(name, agent.short)

    def regimen(self, name: str, role: str | None = None) -> str:
        """A regimen's name: short for an oncologist, in full for the other roles."""
        regimen = self.knowledge.regimens[name]
        return regimen.short if role in (None, "oncologist") else regimen.name

    def value(self, name: str, value: Any) -> str:
        """A profile field's value in words."""
        if value is None:
            return "not asked"
        if isinstance(value, tuple):
            if name == "early_stage_agents":
                return ", ".join(self.agent(agent) for agent in value) or "none"
            if name == "prior_lines":
                return "; ".join(self.line(line) for line in value) or "none yet"
            known = self.vocabulary.fields[name].values
            return ", ".join(known[item] for item in value) or "none"
        if isinstance(value, int):
            return self.vocabulary.fields[name].values.get(str(value), str(value))
        return self.vocabulary.fields[name].values.get(value, "not known")

    def line(self, line: Line) -> str:
        """One line of therapy in words."""
        agents = " + ".join(self.agent(agent) for agent in line.agents) or "agents not known"
        return f"{agents} ({self.vocabulary.outcomes[line.outcome or NOT_KNOWN]})"

    def atom(self, atom: Atom) -> str:
        """One comparison of a condition in words: the reason as a clinician reads it."""
        name, operator, values, negated = atom
        if operator in ("is", "known"):
            known = self.vocabulary.fields.get(name) or self.vocabulary.findings[name]
            said = " or ".join(known.values.get(str(value), "does not apply") for value in values)
            if negated and operator == "known":
                return f"{known.label} not known to be {said}"
            return f"{known.label}: {'not ' if negated else ''}{said}"
        if operator in ("at_least", "at_most"):
            more = (operator == "at_least") != negated
            bound = int(values[0]) + (0 if not negated else (-1 if operator == "at_least" else 1))
            return f"{self.label(name)}: {bound} or {'more' if more else 'fewer'}"
        joint = " and " if operator == "includes_all" else " or "
        said = joint.join(self._member(name, str(value)) for value in values)
        if (operator == "includes_none") == negated:
            return f"{self.label(name)}: {said}"
        finding = self.vocabulary.findings.get(name)
        return f"{finding.label_not}: {said}" if finding and finding.label_not else f"{self.label(name)}: not {said}"

    def _member(self, name: str, value: str) -> str:
        if name == "out":
            return self.knowledge.regimens[value].short
        if name in self.vocabulary.fields:
            return self.vocabulary.fields[name].values[value]
        if name == "absent":
            return self.label(value)
        return self.agent(value)

    def atoms(self, atoms: Iterable[Atom]) -> list[str]:
        """Reasons in words, each once."""
        return list(dict.fromkeys(self.atom(atom) for atom in atoms))

    def grade_status(self, grade: Grade) -> str:
        """What must be said of where a grade was read; empty where nothing."""
        facts = [self.knowledge.facts[name] for name in grade.facts]
        if any(fact.verification == "recalled" for fact in facts):
            return self.vocabulary.grade_status["pending_review"]
        if any(fact.basis == "secondary_only" for fact in facts):
            return self.vocabulary.grade_status["secondary_only"]
        return self.vocabulary.grade_status["read"]

    def profile_lines(self, profile: Profile, *, all_fields: bool = False) -> list[tuple[str, str, str]]:
        """(field, label, value) of each profile field; those never asked only with `all_fields`."""
        return [
            (name, self.label(name), self.value(name, value))
            for name in FIELDS
            if (value := getattr(profile, name)) is not None or all_fields
        ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def fact_mark(fact: Fact) -> str:
    """The mark a fact carries wherever it is shown (S9)."""
    return " [pending review]" if fact.pending_review else ""


@lru_cache(maxsize=8)
def english(knowledge: Knowledge) -> Words:
    """The English words. Raises KnowledgeError where a word is missing or holds a figure of its own."""
    key = f"{knowledge.digest} {_digest(ENGLISH)}"
    questions, vocabulary = kept(ENGLISH, "words", key, lambda: _parts(read_words(ENGLISH, knowledge)))
    return Words(knowledge, questions, vocabulary)


def _parts(words: Words) -> tuple[Mapping[str, QuestionWords], Vocabulary]:
    return words.questions, words.vocabulary


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.j2"))):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def read_words(folder: Path, knowledge: Knowledge) -> Words:
    """The words in a folder, checked against the questions and the knowledge's thresholds."""
    questions = {
        name: _read(QuestionWords, value, "questions.yaml", name)
        for name, value in _document(folder, "questions.yaml", knowledge).items()
    }
    vocabulary = _read(Vocabulary, _document(folder, "vocabulary.yaml", knowledge), "vocabulary.yaml", "")
    for name in TEMPLATES:
        if not (folder / f"{name}.j2").is_file():
            raise KnowledgeError(f"{name}.j2", "", "this template is missing")
    for template in sorted(folder.glob("*.j2")):
        check_template(template)
    words = Words(knowledge, questions, vocabulary)
    _complete(words)
    return words


def _document(folder: Path, name: str, knowledge: Knowledge) -> dict[str, Any]:
    text = (folder / name).read_text("utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        said = re.sub(r'"\d+":', "", re.sub(r"\{\w+\}|#.*", "", line))
        said = re.sub(r"\b(?:\w*_\w*|her2|tdm1|cdk46)\b", "", said)  # identifiers are not said
        if loose := figures(said) - {"0"}:
            raise KnowledgeError(name, f"line {number}", f"the figure {sorted(loose)[0]} has no source here")
    for threshold in knowledge.thresholds.values():
        text = text.replace("{" + threshold.id + "}", threshold.text)
    if missing := re.search(r"\{(\w+)\}", text):
        raise KnowledgeError("safety/thresholds.yaml", missing.group(1), f"there is no such threshold; {name} shows it")
    try:
        document = read_yaml(text)
    except PlainYamlError as error:
        raise KnowledgeError(name, "", str(error)) from None
    if not isinstance(document, dict):
        raise KnowledgeError(name, "", "expected a mapping")
    return document


def _read(model: Any, value: Any, file: str, entry: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise KnowledgeError(file, entry, f"{where}: {first['msg']}") from None


def check_template(path: Path) -> None:
    """Refuse a figure or directive wording in a template (S6, S8)."""
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", path.read_text("utf-8"), flags=re.S)
    for number, line in enumerate(source.splitlines(), 1):
        if loose := figures(line):
            raise KnowledgeError(path.name, f"line {number}", f"the figure {sorted(loose)[0]} has no source here")
        if found := DIRECTIVES.search(re.sub(r"/\w+", "", line)):
            raise KnowledgeError(path.name, f"line {number}", f"directive wording: {found.group()!r}")


def _complete(words: Words) -> None:
    agents = set(words.knowledge.agents)
    items = set(words.questions["safety"].options) if "safety" in words.questions else set()
    for name, question in QUESTIONS.items():
        if name not in words.questions:
            raise KnowledgeError("questions.yaml", name, "this question has no words")
        said = words.questions[name].options
        for option in question.options:
            if option not in said and option not in agents and not (name == "safety_unknown" and option in items):
                raise KnowledgeError("questions.yaml", name, f"options: {option} has no label")
        unclear = (option for options in words.questions[name].unclear.values() for option in options)
        for option in (*said, *words.questions[name].short, *words.questions[name].also, *unclear):
            if option not in question.options:
                raise KnowledgeError("questions.yaml", name, f"options: there is no option {option}")
    vocabulary = words.vocabulary
    regimens = words.knowledge.regimens.values()
    for group, wanted in (
        ("tiers", set(TIERS)), ("review", set(WEAKEST_FIRST)), ("sections", set(SECTIONS)), ("notices", set(NOTICES)),
        ("status", {"recommend", "conditional", "ask", "refer", "decline"}),
        ("fit", {"match", "extrapolated", "unknown"}), ("truth", {"true", "false", "none"}),
        ("grade_status", {"read", "secondary_only", "pending_review"}),
        ("strength", {regimen.strength.level for regimen in regimens}),
        ("classes", set(CLASSES)),
        ("fields", set(FIELDS)), ("outcomes", set(OUTCOMES)), ("roles", set(ROLES)),
    ):  # fmt: skip
        for name in wanted - set(getattr(vocabulary, group)):
            raise KnowledgeError("vocabulary.yaml", group, f"{name} has no words")
    for name in set(FINDINGS) - set(vocabulary.fields) - set(vocabulary.findings):
        raise KnowledgeError("vocabulary.yaml", "findings", f"{name} has no words")
    for name, field_words in vocabulary.fields.items():
        for value in (FINDINGS.get(name) or frozenset()) - set(field_words.values):
            raise KnowledgeError("vocabulary.yaml", name, f"values: {value} has no words")
