"""Witnesses that a question matters: two answers to it, the rest alike, and another advice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from flows.findings import findings
from flows.knowledge.load import Knowledge
from flows.profile import AGENTS, FIELDS, OPTIONS, OUTCOMES, Asked, Item, Line, Profile, asked_as
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from flows.when import NOT_KNOWN

MONTHS = (6, 12, 13, NOT_KNOWN)
"""Months since adjuvant therapy: one on each side of what the findings tell apart."""
TRIES = 40
"""Completions of a case that are tried before it is said that none was found."""
PARTS = ("status", "options", "steps", "excluded", "reasons", "principles", "pitfalls", "assumptions", "unknowns")


class Witness(NamedTuple):
    """Two answers to a field of the same case for which the advice differs, and in which part of it."""

    field: str
    profile: Profile
    """The case with the first answer."""
    first: Any
    second: Any
    differs: str


def outcome(advice: Advice) -> tuple[Any, ...]:
    """What an advice says, without the answers it repeats."""
    return (*(getattr(advice, part) for part in PARTS), advice.ask_next)


def answers_to(field: str) -> tuple[Any, ...]:
    """The answers to a field that may differ in effect; sets one member at a time."""
    if field == "early_stage_agents":
        return ((), *((agent,) for agent in AGENTS), NOT_KNOWN)
    if field == "months_since_adjuvant_her2":
        return MONTHS
    if field in ("red_flags", "interacting_medicines"):
        return ((), *((option,) for option in OPTIONS[field] if option != NOT_KNOWN), NOT_KNOWN)
    return OPTIONS[field]


def witness(field: str, known: Profile, knowledge: Knowledge, gate: str | None = None) -> Witness | None:
    """A witness that the answer to `field` matters to a case of which `known` is known; None where none was found.

    Tried are completions of what is not known: the plain one first, then random ones, always the same.
    """
    draw = random.Random(0)
    for attempt in range(TRIES):
        rest = completion(draw if attempt else None)
        first: tuple[Profile, Advice, Any] | None = None
        for answer in answers_to(field):
            profile = completed(known.model_copy(update={field: answer}), rest, knowledge)
            advice = recommend(profile, knowledge, gate)
            if first is None:
                first = profile, advice, answer
            elif outcome(advice) != outcome(first[1]):
                return Witness(field, first[0], first[2], answer, _differs(first[1], advice))
    return None


def _differs(one: Advice, other: Advice) -> str:
    """The first part that differs; `order` where other regimens are offered, or in another order."""
    if one.status == other.status and one.regimens != other.regimens:
        return "order"
    return next((part for part in PARTS if getattr(one, part) != getattr(other, part)), "ask_next")


def completion(draw: random.Random | None) -> dict[str, Any]:
    """An answer to every field: a random one, or without `draw` the plain one."""
    return {field: _plain(field) if draw is None else drawn(field, draw) for field in FIELDS}


def completed(known: Profile, rest: dict[str, Any], knowledge: Knowledge) -> Profile:
    """The case with everything answered that is not yet, but for questions that do not arise."""
    profile = known
    for field in FIELDS:
        if getattr(profile, field) is not None:
            continue
        asked = asked_as(field)
        view = findings(profile, knowledge.classes)
        if isinstance(asked, Asked) and asked.when is not None and asked.when.holds(view) is False:
            continue
        profile = profile.model_copy(update={field: rest[field]})
    return profile


def _plain(field: str) -> Any:
    asked = asked_as(field)
    if isinstance(asked, Item):
        return asked.clear
    if field == "prior_lines":
        return ()
    return "absent" if field == "leptomeningeal" else answers_to(field)[0]


def drawn(field: str, draw: random.Random, rare: float | None = None) -> Any:
    """A random answer to a field: each as likely as any other, or what speaks against drugs `rare`."""
    asked = asked_as(field)
    if field == "prior_lines":
        return tuple(_line(draw) for _ in range(draw.choice((0, 1, 1, 2, 3))))
    clear = _plain(field) if isinstance(asked, Item) or field in ("leptomeningeal", "red_flags") else None
    if rare is not None and clear is not None and draw.random() >= rare:
        return clear
    if field == "early_stage_agents":
        agents = tuple(draw.sample(AGENTS, draw.choice((1, 2, 3))))
        return draw.choice(((), agents, agents, NOT_KNOWN))
    if field in ("her2_status", "setting"):
        return OPTIONS[field][0]  # in scope: elsewhere the gate ends the case
    return draw.choice(answers_to(field))


def _line(draw: random.Random) -> Line:
    agents = tuple(draw.sample(AGENTS, draw.choice((1, 2, 3))))
    return Line.model_validate({"agents": agents, "outcome": draw.choice(OUTCOMES)})


def profiles(number: int, knowledge: Knowledge, rare: float | None = None) -> Iterator[Profile]:
    """So many random cases in scope with every question that arises answered, always the same."""
    draw = random.Random(1)
    for _ in range(number):
        yield completed(Profile(), {field: drawn(field, draw, rare) for field in FIELDS}, knowledge)


__all__ = [
    "TRIES", "Witness", "answers_to", "completed", "completion", "drawn", "outcome", "profiles", "witness",
]  # fmt: skip
