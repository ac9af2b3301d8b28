"""A whole case typed as one text, to its answer: what is used, what follows from it, what has to be asked back.

Nothing is guessed. A line whose drug may be another one is not used until it is asked back, so nothing is ranked; any
other field that may mean two things stays open. What follows from the treatment is used, said as an assumption, and
leaves the answer conditional.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.knowledge.load import Knowledge, KnowledgeError
from flows.knowledge.model import Stop
from flows.plain_yaml import read_yaml
from flows.profile import FIELDS, Profile
from flows.questionnaire import NOT_PROFESSIONAL, QUESTIONS
from flows.sequencing.advice import Advice, Reason
from flows.sequencing.recommend import recommend
from flows.when import ALWAYS, Atom
from messages.message import Block, Message
from messages.understanding import LONGEST, Ambiguity, Understanding, understand
from messages.words import ENGLISH, Words

ASKED_AT = tuple(dict.fromkeys((*(name for name in QUESTIONS if name in FIELDS), *FIELDS, "line_outcome")))
"""What a text may have been typed at: the fields of a profile, and how a line ended."""
_GATES = ("other_tumour", "under_18")
_OUTSIDE = ("dosing", "symptom", "other_question", "not_professional")
_DRUGS = ("prior_lines", "early_stage_agents")
_SHOWN = 6
"""Fields needed next that are named in an answer for readers; programs are given all."""
_TREATMENT = re.compile(
    r"\b(?:lines?|chemo\w*|therap\w+|treat\w+|regimens?|trials?|study|drugs?|cycles?|agents?|endocrine|palliative)\b",
    re.I,
)
"""Words that were not used and speak of treatment: then it is not taken that there was none."""


class HoldsIdentifier(ValueError):
    """The text could identify a person: nothing of it is read, and nothing of it is said back."""


class TextWords(BaseModel):
    """What is said beside an answer to a text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    heading: str
    nothing: str
    asked: str
    more: str
    quoted: str
    not_ranked: str
    in_profile: str
    scope: dict[Literal["in", "out", "unclear"], str]
    referred: dict[Literal["in", "out", "unclear"], str]
    reasons: dict[str, str]
    assumed: dict[str, str]


class Assumed(NamedTuple):
    """A field the text does not state and the answer rests on: its value, and why it is taken so."""

    field: str
    value: Any
    because: str


class AskedBack(NamedTuple):
    """Something to be said before the answer is sure. `text`: the words with several readings, where it is about words.

    `readings`: each with its label; empty where the field is simply not known.
    """

    field: str
    label: str
    text: str = ""
    readings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TextAnswer:
    """The answer to a text, with everything it was made from. Holds typed words: it is handed back and never kept."""

    found: Understanding = field(repr=False)
    advice: Advice = field(repr=False)
    assumed: tuple[Assumed, ...] = field(repr=False)
    questions: tuple[AskedBack, ...] = field(repr=False)


@lru_cache(maxsize=1)
def text_words() -> TextWords:
    """The English words. Raises KnowledgeError where the file does not say what it must."""
    try:
        return TextWords.model_validate(read_yaml((ENGLISH / "free_text.yaml").read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise KnowledgeError("free_text.yaml", ".".join(map(str, first["loc"])), first["msg"]) from None


def answer_to(text: str, knowledge: Knowledge, words: Words, region: str | None = None) -> TextAnswer:
    """The answer to a whole case. `region`: where the text names none. Raises HoldsIdentifier."""
    found = understand(text, knowledge)
    if found.identifier:
        raise HoldsIdentifier
    gate = found.reason if found.reason in _GATES else None
    unclear = {entry.field for entry in found.ambiguous}
    assumed = () if found.scope == "out" else tuple(_assumed(found, unclear, knowledge))
    values: dict[str, Any] = {name: value for name, value in found.fields.items() if name not in unclear}
    if gate is not None:  # of another tumour these say nothing
        values = {name: value for name, value in values.items() if name not in ("her2_status", "setting")}
    values |= {entry.field: entry.value for entry in assumed}
    values.setdefault("region", region)
    profile = Profile.model_validate(values)
    if found.reason == NOT_PROFESSIONAL or (found.reason in _OUTSIDE and not _emergency(profile)):
        advice = _declined(str(found.reason), profile, knowledge, words)
    else:
        advice = _assuming(recommend(profile, knowledge, gate), assumed)
    return TextAnswer(found, advice, assumed, tuple(_questions(found, advice, assumed, words)))


def _emergency(profile: Profile) -> bool:
    return profile.red_flags not in (None, (), "unknown")


def _assumed(found: Understanding, unclear: set[str], knowledge: Knowledge) -> Iterator[Assumed]:
    """What follows from what is stated, or is taken so because the text goes on as if it were."""
    because = text_words().assumed
    known = {*found.fields, *unclear}
    implied = {name: value for name, value in found.implied.items() if name not in known}
    for name, value in implied.items():
        yield Assumed(name, value, because[name])
    if not known & {"her2_status"} and "her2_status" not in implied and _after_t_dxd(found.profile, knowledge):
        yield Assumed("her2_status", "positive", because["her2_after_t_dxd"])
    metastatic = found.fields.get("setting", implied.get("setting")) == "metastatic"
    early_only = "early_stage_agents" in found.fields and not known & {"prior_lines"}
    if metastatic and early_only and not unclear & {"early_stage_agents"} and not _speaks_of_treatment(found):
        yield Assumed("prior_lines", (), because["prior_lines"])


def _after_t_dxd(profile: Profile, knowledge: Knowledge) -> bool:
    """Whether T-DXd was the second line, after a line that is not named: where HER2-positive disease has it.

    Later, or after a line named without anti-HER2 therapy, HER2-low disease is as likely: then nothing is taken.
    """
    lines = profile.prior_lines or ()
    named = [line for line in lines if line.agents]
    return (
        len(lines) > 1
        and not lines[0].agents
        and "t_dxd" in lines[1].agents
        and all(any("anti_her2" in knowledge.classes[agent] for agent in line.agents) for line in named)
    )


def _speaks_of_treatment(found: Understanding) -> bool:
    return any(_TREATMENT.search(words) for words in found.leftover)


def _assuming(advice: Advice, assumed: tuple[Assumed, ...]) -> Advice:
    """The advice with what it was assumed to rest on: then it is conditional at most."""
    if not assumed or not advice.options:
        return advice
    atoms = [
        Atom("line", "is", ("first",)) if entry.field == "prior_lines" else Atom(entry.field, "is", (entry.value,))
        for entry in assumed
    ]
    return replace(advice, status="conditional", assumptions=tuple(dict.fromkeys((*atoms, *advice.assumptions))))


def _declined(reason: str, profile: Profile, knowledge: Knowledge, words: Words) -> Advice:
    """The advice where something else is asked than this project answers: its sentence, and no drug."""
    said = words.vocabulary.outside[reason]
    text, sentence_end, rest = said.partition(". ")
    stop = Stop(
        id=reason, governance=knowledge.manifest.governance, outcome="decline", when=ALWAYS,
        text=text + sentence_end.strip(), nearest=rest, facts=(), row=None,
    )  # fmt: skip
    return Advice("decline", profile, knowledge, (Reason(stop, ()),), gate=reason)


def _questions(found: Understanding, advice: Advice, assumed: tuple[Assumed, ...], words: Words) -> Iterator[AskedBack]:
    """Drugs first, then other words with several readings, then what was assumed, then what is not known."""
    if advice.status in ("refer", "decline"):
        yield from (AskedBack(name, words.label(name)) for name in advice.ask_next)
        return
    for entry in sorted(found.ambiguous, key=lambda entry: (entry.field not in _DRUGS, entry.start)):
        yield AskedBack(entry.field, place_of(entry, words), entry.text, readings_of(entry, words))
    doubted = [entry.field for entry in assumed if entry.field != "setting"]
    asked = {entry.field for entry in found.ambiguous}
    needed = (*advice.ask_next, *doubted) if advice.status == "ask" else (*doubted, *advice.ask_next)
    for name in dict.fromkeys(needed):
        if name not in asked:
            yield AskedBack(name, words.label(name))


def place_of(entry: Ambiguity, words: Words) -> str:
    """What the words are about: a line of therapy by its number, or a field."""
    texts = words.vocabulary.understood
    if entry.field == "prior_lines":
        return f"{_capital(texts['line'])} {(entry.place or 0) + 1}"
    return _capital(texts["early"]) if entry.field == "early_stage_agents" else words.label(entry.field)


def readings_of(entry: Ambiguity, words: Words) -> tuple[tuple[str, str], ...]:
    """What the words may mean, each as a value and in words."""
    if entry.field in _DRUGS:
        return tuple((each, " + ".join(words.agent(agent) for agent in each.split("+"))) for each in entry.readings)
    return tuple((each, words.value(entry.field, each)) for each in entry.readings)


# --- in words ---------------------------------------------------------------------------------------------


def answer_messages(answer: TextAnswer, words: Words) -> tuple[Message, ...]:
    """The whole answer as a document, what was understood after its first message."""
    from messages.render import full_answer  # noqa: PLC0415  (what a text states is said without it)

    first, *rest = full_answer(answer.advice, words)
    if answer.found.reason in _OUTSIDE and answer.advice.gate is not None:
        rest = []  # the record names a profile, and this answer does not rest on one
    blocks = [*understood_blocks(answer.found, words, answer.assumed), *_asked_blocks(answer.questions)]
    if any(entry.field == "prior_lines" for entry in answer.found.ambiguous) and answer.advice.status == "ask":
        blocks.append(Block("paragraph", text_words().not_ranked))
    if answer.assumed and answer.advice.options:
        blocks.append(Block("paragraph", text_words().in_profile))
    return (first, Message("understood", tuple(blocks)), *rest)


def understanding_message(found: Understanding, words: Words) -> Message:
    """What was understood of a text, by itself."""
    said = text_words()
    asked = [AskedBack(entry.field, place_of(entry, words), entry.text, readings_of(entry, words))
             for entry in found.ambiguous]  # fmt: skip
    because = [Assumed(name, value, said.assumed[name]) for name, value in found.implied.items()]
    reason = said.reasons[found.reason] if found.reason else ""
    sentences = said.referred if _is_referred(found, words.knowledge) else said.scope
    scope = Block("paragraph", sentences[found.scope].format(reason=reason))
    fields = understood_blocks(found, words, tuple(because))
    return Message("understood", (*fields, *_asked_blocks(tuple(asked)), scope))


def _is_referred(found: Understanding, knowledge: Knowledge) -> bool:
    """Whether what is stated is referred, whatever else may be said; out of scope, an emergency alone."""
    if found.scope == "out":
        return _emergency(found.profile)
    return recommend(found.profile, knowledge).status == "refer"


def understood_blocks(found: Understanding, words: Words, assumed: tuple[Assumed, ...] = ()) -> list[Block]:
    """The fields, each with the words it came from; what follows; what was read and is no field; what was not used."""
    said, texts = text_words(), words.vocabulary.understood
    blocks = [Block("heading", said.heading)]
    for name, value in ((name, found.fields[name]) for name in FIELDS if name in found.fields):
        source = _source(found, name)
        quoted = f" ({texts['from']} {source})" if source else ""
        blocks.append(Block("item", f"{words.label(name)}: {_value(name, value, words)}{quoted}"))
    for entry in assumed:
        blocks.append(
            Block("item", f"{words.label(entry.field)}: {_value(entry.field, entry.value, words)} ({entry.because})")
        )
    if len(blocks) == 1:
        blocks.append(Block("paragraph", said.nothing))
    if found.denied_agents:
        blocks.append(Block("paragraph", f"{texts['not_received']}: {_agents(found.denied_agents, words)}"))
    if found.focus:
        blocks.append(Block("paragraph", f"{texts['asked_about']}: {_agents(found.focus, words)}"))
    if found.leftover:
        blocks.append(Block("paragraph", f"{texts['not_used']}: {', '.join(map(_quoted, found.leftover))}"))
    return blocks


def _asked_blocks(questions: tuple[AskedBack, ...]) -> list[Block]:
    if not questions:
        return []
    said = text_words()
    blocks = [Block("subheading", said.asked)]
    for question in (question for question in questions if question.readings):
        readings = " / ".join(label for _, label in question.readings)
        blocks.append(Block("item", f"{question.label}, {_quoted(question.text)}: {readings}?"))
    plain = [question.label for question in questions if not question.readings]
    if plain:
        more = f", {said.more.format(more=len(plain) - _SHOWN)}" if len(plain) > _SHOWN else ""
        blocks.append(Block("item", f"{', '.join(plain[:_SHOWN])}{more}"))
    return blocks


def _value(name: str, value: Any, words: Words) -> str:
    if name == "prior_lines" and value:
        return "; ".join(f"{number}. {words.line(line)}" for number, line in enumerate(value, 1))
    return words.value(name, value)


def _agents(names: tuple[str, ...], words: Words) -> str:
    return ", ".join(words.agent(name) for name in names)


def _source(found: Understanding, name: str) -> str:
    return ", ".join(dict.fromkeys(_quoted(span.text) for span in found.spans if span.field == name))


def _quoted(text: str) -> str:
    """Words as they were typed; nothing in them may steer a terminal."""
    shown = "".join(sign if sign.isprintable() else " " if sign.isspace() else "?" for sign in text)
    return text_words().quoted.format(words=shown)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


__all__ = [
    "ASKED_AT", "LONGEST", "AskedBack", "Assumed", "HoldsIdentifier", "TextAnswer", "answer_messages", "answer_to",
    "text_words", "understand", "understanding_message",
]  # fmt: skip
