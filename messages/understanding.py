"""Typed words to the turn they mean: a command, an option by id, label or other name, agents by name.

Nothing is guessed: words that name no option are `Unclear`, with what they may have meant where a word is
one or two letters away from one. The text itself goes no further than this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

from flows.dialogue import argument_of
from flows.questionnaire import LINE_SHORTCUTS, QUESTIONS
from flows.turns import COMMANDS, Answer, Command, State, Turn, Unclear
from messages.words import Words

LONGEST = 2000
"""Characters of typed text that are looked at."""

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_IDENTIFIERS = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+"  # an e-mail address
    r"|\b(?:mrn|nhs|ssn|dob|born|hospital|patient) ?(?:no|number|id)?\b[^\w\n]{0,8}(?:no|number|id)?"
    r"[^\w\n]{0,8}\w{0,3}\d{2}"
    r"|(?:\+|\b00)\d[\d /-]{7,}"  # a telephone number, international
    r"|(?<![\d.])\(?0\d{2,4}\)?[ /-]?\d{3,4}[ /-]?\d{3,4}\b"  # and national
    r"|\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d\b"  # a full date
    r"|\b(?:19|20)\d\d-\d{1,2}-\d{1,2}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTH},? (?:19|20)\d\d\b"
    r"|\b(?:mr|mrs|ms)\b\.? +[a-z]+|\bname(?: is|:) *[a-z]+|\b(?i:called) (?-i:[A-Z][a-z]+)",
    re.IGNORECASE,
)
_MONTHS = re.compile(r"(\d{1,3})\s*(?:m|mo|mos|mths?|months?)?\.?(?: ago)?", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*(?:[,;+&/\n]|\band\b)\s*", re.IGNORECASE)


def turn_of(text: str, state: State, words: Words) -> Turn:
    """The turn a typed text means at the question the conversation stands at."""
    said = re.sub(r"[^\S\n]{2,}", " ", text.strip())  # long runs of blanks would be gone over again and again
    if said.startswith("/"):
        name, _, argument = said[1:].partition(" ")
        name = _normal(name).replace(" ", "_")
        if name != "start":  # a shared profile is taken letter by letter
            argument = _normal(argument).replace(" ", "_")
        return Command(name, argument_of(name, argument.strip()))
    if _IDENTIFIERS.search(said):
        return Unclear(identifier=True)
    question = QUESTIONS.get(state.here)
    if question is None:
        return Unclear()
    if question.kind == "number" and (months := _MONTHS.fullmatch(said)):
        return Answer(question.name, (months.group(1),))
    names = _names(question.name, words)
    whole = names.get(_normal(said))
    if whole is not None:
        return Answer(question.name, whole)
    parts = [_normal(part) for part in _SEPARATORS.split(said) if part.strip()]
    found = [names.get(part) for part in parts]
    if parts and all(found) and (question.kind == "several" or question.name == "prior_lines"):
        return Answer(question.name, tuple(dict.fromkeys(option for options in found for option in options or ())))
    unmatched = [part for part, option in zip(parts, found, strict=True) if option is None]
    return Unclear(_near(unmatched, names))


@lru_cache(maxsize=256)
def _names(question: str, words: Words) -> Mapping[str, tuple[str, ...]]:
    """Everything that may be typed for an option, normalised, to the option; a brand of two agents, to both."""
    names: dict[str, tuple[str, ...]] = {}
    said = words.questions[question]
    options = list(QUESTIONS[question].options)
    if question == "prior_lines":
        options += [agent for agent in words.knowledge.agents if agent not in LINE_SHORTCUTS]
    for option in options:
        known: list[str] = [option, *said.also.get(option, ())]
        if option in words.knowledge.agents:
            agent = words.knowledge.agents[option]
            known += [agent.name, agent.short, *agent.brands, words.agent(option)]
        elif option not in said.options:
            known.append(words.option(question, option))
        if option in said.options:
            known.append(said.options[option])
            if option in words.vocabulary.fields.get(question, said).__dict__.get("values", {}):
                known.append(words.vocabulary.fields[question].values[option])
        brands = words.knowledge.agents[option].brands if option in words.knowledge.agents else ()
        for name in known:
            others = names.get(_normal(name), ())
            if not others or (name in brands and all(other in words.knowledge.agents for other in others)):
                names[_normal(name)] = tuple(dict.fromkeys((*others, option)))
    return names


def _normal(text: str) -> str:
    return re.sub(r"[^\w+<>]+", " ", text.casefold().replace("_", " ")).strip()


def _near(parts: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Options a misspelt word may have meant: whole words of five letters or more, one or two edits away."""
    readings: dict[str, int] = {}
    for part in parts:
        if len(part) < 5:
            continue
        most = 1 if len(part) < 8 else 2
        for name, options in names.items():
            if len(name) >= 5 and abs(len(name) - len(part)) <= most:
                distance = OSA.distance(part, name, score_cutoff=most)
                if distance <= most:
                    readings |= {option: min(distance, readings.get(option, most)) for option in options}
    best = min(readings.values(), default=0)
    return tuple(option for option, distance in readings.items() if distance == best)[:4]


def nearest_command(name: str) -> str | None:
    """The command a mistyped one probably meant: one letter away, two in a long name."""
    ranked = sorted((OSA.distance(name, command), command) for command in COMMANDS)
    return ranked[0][1] if ranked[0][0] <= (1 if len(name) < 6 else 2) else None
