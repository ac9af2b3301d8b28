"""The corpus read, and one entry judged: what differs between what was understood and what is labelled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bot.wire import to_wire
from flows.knowledge.load import shipped
from flows.plain_yaml import read_yaml
from flows.profile import Profile
from flows.questionnaire import ITEMS, QUESTIONS, profile_of, with_answer
from flows.turns import Answer, Command, State, Turn, Unclear, Understood
from messages.understanding import Understanding, turn_of, understand
from messages.words import english

HERE = Path(__file__).parent
HALVES = ("open", "blind")
LATER = "later"
"""Texts written when most rules were there, by people who had not seen these: kept apart as the blind half is."""
WAITING = "waiting"
"""Texts written for the open half that are not read rightly yet: counted by themselves."""
KINDS = ("phrases", "cases")
KEYS = frozenset(
    ("text", "question", "profile", "denied", "ambiguous", "leftover", "scope", "reason", "identifier", "turn")
)
Entry = dict[str, Any]
Differences = dict[str, tuple[Any, Any]]


class Judged(NamedTuple):
    """One entry, what is wrong with how it was read, and the agents read as given that were not."""

    name: str
    entry: Entry
    differences: Differences
    wrong_agents: frozenset[str]


def entries(half: str, kind: str) -> Iterator[tuple[str, Entry]]:
    """Each entry of a half with its name; of what is kept apart, those that do not stand in the open half, too.

    Raises ValueError where one has another form.
    """
    seen = frozenset(_key(entry) for _, entry in _read("open", kind)) if half != "open" else frozenset()
    for name, entry in _read(half, kind):
        if _key(entry) not in seen:
            yield name, entry


def _key(entry: Entry) -> tuple[str, str | None]:
    return " ".join(entry["text"].casefold().split()), entry.get("question")


@cache
def _read(half: str, kind: str) -> tuple[tuple[str, Entry], ...]:
    return tuple(_parsed(half, kind))


def _parsed(half: str, kind: str) -> Iterator[tuple[str, Entry]]:
    for path in sorted((HERE / half).glob(f"{kind}*.yaml")):
        for number, entry in enumerate(read_yaml(path.read_text("utf-8")), 1):
            if not entry.keys() <= KEYS or "text" not in entry:
                raise ValueError(f"{path.name} {number}: unexpected keys")
            if entry.get("question") is not None and entry["question"] not in QUESTIONS:
                raise ValueError(f"{path.name} {number}: there is no question {entry['question']}")
            yield f"{half}/{path.stem}/{number}", entry


def judged(half: str, kind: str) -> list[Judged]:
    """Every entry of a half, read and compared with its label."""
    return [judge(name, entry) for name, entry in entries(half, kind)]


def judge(name: str, entry: Entry) -> Judged:
    """One entry, read as the dialogue reads it, and compared with its label."""
    question = entry.get("question")
    found = understood(entry["text"], question)
    turn = _turn(entry["text"], question) if question is not None else None
    if "turn" in entry:
        said = _wire(turn)
        return Judged(name, entry, {} if said == entry["turn"] else {"turn": (entry["turn"], said)}, frozenset())
    profile = _profile_of(turn, found)
    wrong = differences(entry, found, profile)
    if "ambiguous" in wrong and isinstance(turn, Unclear):
        asked = [sorted(turn.readings)]
        if asked == [sorted(readings) for readings in entry.get("ambiguous", ())]:
            del wrong["ambiguous"]
    labelled = Profile.model_validate(entry.get("profile", {}))
    return Judged(name, entry, wrong, frozenset(given(profile) - given(labelled)))


@cache
def understood(text: str, question: str | None = None) -> Understanding:
    """A text read with the shipped knowledge: once, however often it is asked for."""
    return understand(text, shipped(), question)


@cache
def _turn(text: str, question: str) -> Turn:
    return turn_of(text, State(here=question), english(shipped()))


def forget() -> None:
    """Read everything anew: the rules may be others by now, as they are where mutants of them are run."""
    understood.cache_clear()
    _turn.cache_clear()


def turn_at(text: str, question: str | None) -> str:
    """The turn a text is at a question, on the wire; empty where it was typed first."""
    return "" if question is None else _wire(_turn(text, question))


def _wire(turn: Turn | None) -> str:
    return to_wire(turn) if isinstance(turn, Answer | Understood | Command) else type(turn).__name__


def _profile_of(turn: Turn | None, found: Understanding) -> Profile:
    """What an answer at a question says of the profile; without one, what the text says by itself."""
    if isinstance(turn, Unclear) and turn.readings:
        return Profile()
    if isinstance(turn, Understood):
        values = {name: value for name, value in turn.statement.values.items() if name not in turn.statement.implied}
        return Profile.model_validate({name: value for name, value in values.items() if name != "gate"})
    if not isinstance(turn, Answer):
        return found.profile
    if turn.question in ITEMS:
        value = turn.chosen if turn.question == "interacting_medicines" else turn.chosen[0]
        return Profile.model_validate({turn.question: value})
    profile = profile_of(with_answer(turn.question, turn.chosen, {}))
    stated = {name: getattr(profile, name) for name in QUESTIONS[turn.question].fields}
    return Profile.model_validate({name: value for name, value in stated.items() if value is not None})


def differences(entry: Entry, found: Understanding, profile: Profile) -> Differences:
    """What is labelled and what was found, for everything that is not the same."""
    if found.identifier != bool(entry.get("identifier", False)):
        return {"identifier": (entry.get("identifier", False), found.identifier)}
    if found.identifier:
        return {}
    wrong: Differences = {}
    labelled = Profile.model_validate(entry.get("profile", {}))
    for name in sorted(labelled.model_fields_set | profile.model_fields_set):
        wanted, got = _plain(labelled, name), _plain(profile, name)
        if wanted != got:
            wrong[name] = (wanted, got)
    if sorted(entry.get("denied", ())) != sorted(found.denied_agents):
        wrong["denied"] = (sorted(entry.get("denied", ())), sorted(found.denied_agents))
    asked = sorted(sorted(readings) for readings in entry.get("ambiguous", ()))
    back = sorted(sorted(one for reading in each.readings for one in reading.split("+")) for each in found.ambiguous)
    if asked != back:
        wrong["ambiguous"] = (asked, back)
    left = " ".join(found.leftover).lower()
    missing = [words for words in entry.get("leftover", ()) if words.lower() not in left]
    if missing:
        wrong["leftover"] = (missing, list(found.leftover))
    for name in ("scope", "reason"):
        if name in entry and entry[name] != getattr(found, name):
            wrong[name] = (entry[name], getattr(found, name))
    return wrong


def _plain(profile: Profile, name: str) -> Any:
    if name not in profile.model_fields_set:
        return "-"
    value = getattr(profile, name)
    if name == "prior_lines":
        return [(sorted(line.agents), line.outcome) for line in value]
    return sorted(value) if isinstance(value, tuple) else value


def given(profile: Profile) -> set[str]:
    """Every agent of a profile's treatment."""
    early = profile.early_stage_agents if isinstance(profile.early_stage_agents, tuple) else ()
    return {agent for line in profile.prior_lines or () for agent in line.agents} | set(early)


__all__ = [
    "HALVES", "HERE", "KINDS", "LATER", "WAITING", "Entry", "Judged", "differences", "entries", "forget", "given",
    "judge", "judged", "turn_at", "understood",
]  # fmt: skip
