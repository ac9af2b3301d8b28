"""Why a question is asked, and why another was not: what hangs on it, in words."""

from __future__ import annotations

from collections.abc import Iterable

from flows.explanation.questions import Bearing, NotAsked, bearing, not_asked
from flows.findings import findings
from flows.profile import Profile
from flows.questionnaire import ITEMS, QUESTIONS, beyond_profile
from flows.turns import State
from messages.words import Words

NAMED = 4
"""Regimens or rows that are named before the others are only counted: /why stays on one phone screen."""
EFFECTS = ("rules_out", "places", "steps", "cautions", "fits")
DRUGS = ("rules_out", "steps", "cautions")
"""What is said of each line of the safety checklist."""


def bearing_in_words(state: State, words: Words) -> list[str]:
    """What hangs on the question a case stands at, a line for each kind; for the safety checklist, for each of it."""
    question = state.here
    if question == "gate":  # all else hangs on it: only what ends here is news
        found = [_found(field, state, words) for field in QUESTIONS[question].fields]
        together = found[0]._replace(stops=tuple(dict.fromkeys(name for one in found for name in one.stops)))
        return [_capital(effect) for effect in _effects(together, words, ())]
    if question in ("safety", "safety_unknown"):
        left = [name for name in ITEMS if question == "safety" or name not in state.answers.get("safety", ())]
        return [
            f"{words.label(name)}: {'; '.join(_effects(_found(name, state, words), words, DRUGS))}" for name in left
        ]
    if question == "line_outcome":  # how one line ended: what hangs on the whole history is said where lines are asked
        return []
    fields = QUESTIONS["prior_lines" if question == "line_agents" else question].fields
    said = [effect for field in fields for effect in _effects(_found(field, state, words), words, EFFECTS)]
    return list(dict.fromkeys(_capital(effect) for effect in said))


def _found(field: str, state: State, words: Words) -> Bearing:
    return bearing(field, state.answers, words.knowledge)


def _effects(found: Bearing, words: Words, effects: Iterable[str]) -> list[str]:
    """What hangs on a field, most far-reaching first."""
    texts = words.vocabulary.asking
    stops = {stop.id: words.vocabulary.status[stop.outcome] for stop in words.knowledge.stops}
    said = []
    if found.stops:
        outcomes = dict.fromkeys(stops[name] for name in found.stops)
        said.append(f"{texts['stops']}: {_listed((outcome.lower() for outcome in outcomes), words)}")
    for effect in effects:
        names = _foremost(getattr(found, effect), words)
        if names:
            rows = f" ({_listed(found.rows, words)})" if effect == "places" and found.rows else ""
            said.append(f"{texts[effect]} {_listed(map(words.regimen, names), words)}{rows}")
    return said or [texts["advice"]]


def _foremost(names: Iterable[str], words: Words) -> list[str]:
    """Regimens with the strongest evidence first: they are missed most where the rest is only counted."""
    regimens = words.knowledge.regimens
    return sorted(names, key=lambda name: regimens[name].strength.level != "strong_randomised")


def _listed(names: Iterable[str], words: Words) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = len(every) - NAMED
    named = every if more <= 1 else every[:NAMED]
    return ", ".join(named) + (f" {words.vocabulary.asking['more'].format(more)}" if more > 1 else "")


def not_asked_in_words(state: State, profile: Profile, words: Words) -> list[str]:
    """Each question that was passed over, with the answers because of which; those with the same reason together.

    `profile`: what the state's answers amount to.
    """
    texts = words.vocabulary.asking
    view = findings(profile, words.knowledge.classes, beyond_profile(state.answers))
    together: dict[str, list[str]] = {}
    for entry in not_asked(state.answers, view, words.knowledge):
        together.setdefault(_reason(entry, words), []).append(words.label(entry.question))
    return [f"{texts['not_asked']}: {', '.join(labels)} ({reason})" for reason, labels in together.items()]


def _reason(entry: NotAsked, words: Words) -> str:
    texts = words.vocabulary.asking
    because = _listed(words.atoms(entry.because), words)
    return f"{texts['because']} {because}" + (f": {texts['changes_nothing']}" if entry.proved else "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


__all__ = ["bearing_in_words", "not_asked_in_words"]
