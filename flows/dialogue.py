"""The dialogue: one shared `transitions` machine, and one pure step.

A case is its answers. Where it stands is found by following them through the machine: `follow` walks the
machine's edges over the answers, `step` moves one turn on. Nothing is remembered per user but the answers,
so back, edit, resume and replay are operations on answers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

from transitions import Machine

from flows.explanation.changes import answers_of as answers_of_change
from flows.explanation.changes import changed
from flows.explanation.questions import matters, may_be_passed_over
from flows.findings import findings
from flows.knowledge.load import Knowledge
from flows.knowledge.model import Stop
from flows.profile import FIELDS, OPTIONS
from flows.questionnaire import (
    ACCEPT,
    CONFIRM,
    DISCARD,
    FOLLOW_UPS,
    NEITHER,
    NOT_PROFESSIONAL,
    ORDER,
    QUESTION_OF,
    QUESTIONS,
    STATED,
    TAKE_BACK,
    UNDERSTOOD,
    Answers,
    Lines,
    NotAnOption,
    beyond_profile,
    checklist_of,
    is_asked,
    is_open,
    options_now,
    profile_of,
    read_answer,
    reading_place,
    still_holding,
    with_answer,
)
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from flows.share import NotShared, answers_of, decode
from flows.statement import Statement, TooManyLines, answers_with, question_of
from flows.turns import (
    COMMANDS,
    FINALS,
    FORMATS,
    SECTIONS,
    SHARED,
    START,
    STATES,
    TOPICS,
    Advise,
    Answer,
    Ask,
    Command,
    Compare,
    Ended,
    Finish,
    Inform,
    Notice,
    Reply,
    State,
    Tick,
    Turn,
    Unclear,
    Understood,
)
from flows.when import NOT_KNOWN, View

logging.getLogger("transitions").setLevel(logging.WARNING)

_PAGE = re.compile(r"[1-9][0-9]?")
_CHANGE = re.compile(r"change_[1-9]|[a-z0-9_]+=[a-z0-9_]+(?:\+[a-z0-9_]+=[a-z0-9_]+)?")
MATTERS = "an answer can change the outcome"
"""How an edge says that its question is passed over where there is proof that no answer to it changes anything."""
FINAL_OF = {"refer": "referred", "decline": "declined", "ask": "needs_information"}


class _Case:
    """What the machine is driven with: a state name and the answers its conditions look at."""

    __slots__ = ("answers", "state", "view")

    def __init__(self, state: str, answers: Answers, view: View) -> None:
        self.state = state
        self.answers = answers
        self.view = view


Guard = Callable[..., bool]


@dataclass(frozen=True)
class Edge:
    """One way on from a question: to the next question, or to a final state."""

    source: str
    target: str
    guard: Guard
    label: str
    """Which answers take this way, as codes; empty where it is the only one left."""


@dataclass(frozen=True, eq=False)
class Router:
    """The machine of one knowledge, with its edges for reading."""

    machine: Machine
    edges: Mapping[str, tuple[Edge, ...]]


def _asks(name: str, knowledge: Knowledge) -> Guard:
    """Whether a question is asked: it arises, and an answer was given or could change something."""
    if not may_be_passed_over(name, knowledge):
        return lambda case: is_asked(name, case.answers, case.view)

    def asked(case: _Case) -> bool:
        answers, view = case.answers, case.view
        return is_asked(name, answers, view) and (name in answers or matters(name, answers, view, knowledge))

    return asked


def _stops(outcome: str, stops: list[Stop]) -> Guard:
    """Whether the first stop that holds has this outcome: it decides, others are only further reasons."""

    def stopped(case: _Case) -> bool:
        first = next((stop for stop in stops if stop.when.holds(case.view) is True), None)
        return first is not None and first.outcome == outcome

    return stopped


def _answered(question: str, *values: str) -> Guard:
    def answered(case: _Case) -> bool:
        return case.answers.get(question) in values

    return answered


def _lines(test: Callable[[Lines], bool]) -> Guard:
    def entered(case: _Case) -> bool:
        return test(case.answers.get("prior_lines", Lines()))

    return entered


def _may_be_skipped(name: str, knowledge: Knowledge) -> bool:
    may_not_arise = QUESTIONS[name].when is not None or name in FOLLOW_UPS or name == "safety_unknown"
    return may_not_arise or may_be_passed_over(name, knowledge)


def _can_follow(skipped: list[str], target: str, knowledge: Knowledge) -> bool:
    """Whether some answers ask `target` but none of `skipped`: an edge nobody can take is not drawn."""
    decided = {
        name: when
        for name in (*(name for name in skipped if not may_be_passed_over(name, knowledge)), target)
        if (when := QUESTIONS[name].when) is not None and when.fields <= OPTIONS.keys()
    }
    names = sorted({name for when in decided.values() for name in when.fields})
    for values in product(*(OPTIONS[name] for name in names)):
        view = {name: None if value == NOT_KNOWN else value for name, value in zip(names, values, strict=True)}
        if all((when.holds(view) is not False) == (name == target) for name, when in decided.items()):
            return True
    return False


def _onward(source: str, knowledge: Knowledge) -> Iterator[Edge]:
    """The questions that may come after `source`, nearest first."""
    skipped: list[str] = []
    for name in ORDER[ORDER.index(source) + 1 :]:
        if name in ("line_agents", "line_outcome"):
            continue
        if _can_follow(skipped, name, knowledge):
            yield Edge(source, name, _asks(name, knowledge), _label(name, knowledge))
        if not _may_be_skipped(name, knowledge):
            return
        skipped.append(name)


def _label(name: str, knowledge: Knowledge) -> str:
    when = QUESTIONS[name].when
    parts = [str(atom) for atom in when.atoms] if when else []
    return "; ".join([*parts, *([MATTERS] if may_be_passed_over(name, knowledge) else [])])


@lru_cache(maxsize=8)
def router(knowledge: Knowledge) -> Router:
    """The shared machine for a knowledge: its stops decide which questions lead to a final state."""
    stops: dict[str, list[Stop]] = {}
    for stop in knowledge.stops:
        for name in stop.when.fields - {"absent"}:  # what was not given yet is asked, it is no reason to stop
            stops.setdefault(QUESTION_OF.get(name, name), []).append(stop)
    edges: dict[str, tuple[Edge, ...]] = {}
    for name in ORDER:
        found: list[Edge] = []
        for status, final in FINAL_OF.items():
            here = tuple(stop for stop in stops.get(name, ()) if stop.outcome == status)
            if here:
                found.append(Edge(name, final, _stops(status, stops[name]), ", ".join(stop.id for stop in here)))
        if name == "role":
            found.append(Edge(name, "not_professional", _answered("role", NOT_PROFESSIONAL), NOT_PROFESSIONAL))
        if name == "prior_lines":
            pending = _lines(lambda lines: lines.pending is not None and lines.pending.asks is not None)
            outcome = _lines(lambda lines: lines.pending is not None and lines.pending.asks is None)
            found.append(Edge(name, "line_agents", pending, "other agents"))
            found.append(Edge(name, "line_outcome", outcome, "a common regimen"))
            found.append(Edge(name, "prior_lines", _lines(lambda lines: not lines.done), "a line changed or removed"))
        if name == "line_agents":
            found.append(Edge(name, "line_outcome", _asks("line_outcome", knowledge), ""))
        elif name == "line_outcome":
            found.append(Edge(name, "prior_lines", _asks("prior_lines", knowledge), ""))
        elif name == "review":
            found.append(Edge(name, "advice", _answered("review", CONFIRM), "confirmed"))
        else:
            found.extend(_onward(name, knowledge))
        edges[name] = tuple(found)
    edges["region"] = (Edge("region", "review", lambda case: True, ""),)
    machine = Machine(model=None, states=list(STATES), initial=START, auto_transitions=False, send_event=False)
    for source, onward in edges.items():
        for edge in onward:
            machine.add_transition("answer", source, edge.target, conditions=edge.guard)
    return Router(machine, edges)


def _passed(name: str, answers: Answers) -> bool:
    if name == "prior_lines":
        lines: Lines = answers.get("prior_lines", Lines())
        return lines.done or lines.pending is not None
    return name in ORDER and name not in ("line_agents", "line_outcome") and not is_open(name, answers)


def follow(answers: Answers, knowledge: Knowledge, view: View | None = None) -> str:
    """Where a case with these answers stands: the end of its path, or what waits to be confirmed."""
    return UNDERSTOOD if UNDERSTOOD in answers else path(answers, knowledge, view)[-1]


def path(answers: Answers, knowledge: Knowledge, view: View | None = None) -> tuple[str, ...]:
    """The states a case with these answers passes, in order; the last is where it stands."""
    edges = router(knowledge).edges
    case = _Case(START, answers, view if view is not None else view_of(answers, knowledge))
    passed = [START]
    while _passed(passed[-1], answers):
        for edge in edges[passed[-1]]:
            if edge.guard(case):
                passed.append(edge.target)
                break
        else:
            raise AssertionError(f"{passed[-1]}: no way on")
    return tuple(passed)


def view_of(answers: Answers, knowledge: Knowledge, region: str | None = None) -> dict[str, object]:
    """What conditions see of the answers so far."""
    return findings(profile_of(answers, region), knowledge.classes, beyond_profile(answers))


def begin(region: str | None = None) -> State:
    """A conversation before its first answer."""
    return State(region=region)


def resume(answers: Answers, knowledge: Knowledge, region: str | None = None) -> State:
    """A conversation from its answers alone."""
    return State(answers, follow(answers, knowledge), region=region)


def fold(turns: Iterable[Turn], knowledge: Knowledge, region: str | None = None) -> State:
    """The state that accepted turns lead to: the answers are gathered first, the path is walked once at the end.

    Gives what `step` gives turn by turn; only turns that went back or edited need the path in between.
    """
    state = begin(region)
    walked = True  # whether state.here is where the answers stand
    for turn in turns:
        between = state.editing or state.ticked
        if isinstance(turn, Answer) and not between and _is_newest(turn.question, state.answers):
            with suppress(NotAnOption):
                state = replace(state, answers=with_answer(turn.question, turn.chosen, state.answers), before=None)
                walked = False
            continue
        if not walked:
            state, walked = _walked(state, knowledge), True
        state, _ = step(state, turn, knowledge)
    return state if walked else _walked(state, knowledge)


_PLACE = {name: place for place, name in enumerate(QUESTIONS)}
_LINES = ("prior_lines", "line_agents", "line_outcome")


def _is_newest(question: str, answers: Answers) -> bool:
    """Whether no question after this one is answered yet: then its answer can make none fall away."""
    place = _PLACE.get(question)
    if place is None or question == UNDERSTOOD or (question in answers and question != "prior_lines"):
        return False
    if question in _LINES:
        place = _PLACE["line_outcome"]
        if answers.get("prior_lines", Lines()).done:
            return False
    return all(_PLACE.get(name, 0) <= place for name in answers)


def _walked(state: State, knowledge: Knowledge) -> State:
    view = view_of(state.answers, knowledge, state.region)
    kept = still_holding(state.answers, view)
    if len(kept) != len(state.answers):
        view = view_of(kept, knowledge, state.region)
    return replace(state, answers=kept, here=follow(kept, knowledge, view))


def present(state: State, knowledge: Knowledge) -> Reply:
    """What a conversation shows where it stands."""
    if state.here in QUESTIONS:
        return Ask(state.here, state)
    if state.here in ("cancelled", "not_professional"):
        return Ended(state.here, state)
    return Advise(state.here, advice_of(state, knowledge), state)


def advice_of(state: State, knowledge: Knowledge) -> Advice:
    """The advice on the answers of a case. Raises ValueError without attestation (S1)."""
    if not state.attested:
        raise ValueError("no advice without the professional attestation")
    return recommend(state.profile, knowledge, beyond_profile(state.answers))


def step(state: State, turn: Turn, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """One turn: the state after it and what is replied. Pure; the state given is never changed.

    Never raises for anything a user can send: what does not fit is answered with a notice and the
    question the case stands at.
    """
    if isinstance(turn, Unclear):
        code = "identifier" if turn.identifier else "ask_back" if turn.readings else "not_understood"
        if turn.outside:
            return state, (Notice("out_of_scope", state, (turn.outside,)), *_again(state, knowledge))
        return state, (Notice(code, state, turn.readings), *_again(state, knowledge))
    if isinstance(turn, Understood):
        return _understood(state, turn.statement, knowledge)
    if isinstance(turn, Answer) and turn.question == UNDERSTOOD:
        return _decided(state, turn.chosen, knowledge)
    if isinstance(turn, Command):
        return _command(state, turn, knowledge)
    if isinstance(turn, Tick):
        return _tick(state, turn, knowledge)
    if isinstance(turn, Finish):
        if turn.question == state.here and not state.ticked:
            return state, (Notice("nothing_ticked", state), present(state, knowledge))
        return _answer(state, Answer(turn.question, ()), knowledge)
    return _answer(state, turn, knowledge)


def _again(state: State, knowledge: Knowledge) -> tuple[Reply, ...]:
    """The question again; the final answer is never repeated unasked."""
    return (present(state, knowledge),) if state.here in QUESTIONS else (Notice("finished", state),)


def _understood(state: State, statement: Statement, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """What a text states: one answer is taken down at once and can be taken back, more wait to be confirmed."""
    if state.here == NOT_PROFESSIONAL:
        return state, (present(state, knowledge),)
    pending = state.statement
    if pending is not None:
        statement = pending.merged(statement)
    answers = _unconfirmed(state)
    try:
        after = answers_with(statement, answers)
    except TooManyLines:
        return state, (Notice("too_many_lines", state), *_again(state, knowledge))
    if pending is None and not statement.choices and after == answers:
        return state, (Notice("nothing_understood", state), *_again(state, knowledge))
    if pending is None and state.attested and _is_one_answer(statement, state):
        return _taken_down(state, statement, knowledge)
    waits = replace(state, answers={**answers, UNDERSTOOD: statement}, here=UNDERSTOOD, editing=False)
    if state.editing:
        waits = replace(waits, ticked=())
    return waits, (present(waits, knowledge),)


def _is_one_answer(statement: Statement, state: State) -> bool:
    """Whether a text states something new about one question only, and nothing has to be asked back.

    Where the latest line failed belongs to how it ended. The gate is never passed without being shown.
    """
    if statement.choices or statement.implied:
        return False
    known = state.profile
    told = {
        question_of(name)
        for name, value in statement.values.items()
        if name not in FIELDS or getattr(known, name) != value
    }
    if "prior_lines" in told:
        told.discard("extracranial_disease")
    return len(told) == 1 and "gate" not in told


def _unconfirmed(state: State) -> dict[str, Any]:
    """The answers without what still waits to be confirmed."""
    return {name: value for name, value in state.answers.items() if name != UNDERSTOOD}


def _taken_down(
    state: State, statement: Statement, knowledge: Knowledge, *, confirmed: bool = False
) -> tuple[State, tuple[Reply, ...]]:
    """The answers with what is stated; the ones before stay at hand. What no question asks for here is named."""
    before = _unconfirmed(state)
    answers = answers_with(statement, before)
    kept = still_holding(answers, view_of(answers, knowledge, state.region))
    after = replace(state, answers=kept, here=follow(kept, knowledge), editing=False, before=before)
    after = replace(after, ticked=() if state.editing else _still_ticked(after, follow(before, knowledge)))
    known, profile = replace(state, answers=before).profile, after.profile
    idle = {name for name in statement.stated & set(FIELDS) if getattr(profile, name) is None}
    new = {name for name in statement.stated & set(FIELDS) if getattr(profile, name) != getattr(known, name)}
    said = tuple(name for name in FIELDS if name in (idle if confirmed else idle | new))
    return after, (Notice("understood", after, said), present(after, knowledge))


def _still_ticked(state: State, question: str) -> tuple[str, ...]:
    """What is ticked stays so where the case stands at the question it was ticked at."""
    if state.here != question or question not in QUESTIONS:
        return ()
    options = options_now(question, state.answers)
    return tuple(option for option in state.ticked if option in options)


def _decided(state: State, chosen: tuple[str, ...], knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """What is said to a text that was understood: which reading, that it is right, that it is not, to take it back."""
    statement = state.statement
    if statement is None:
        if chosen == (TAKE_BACK,) and state.before is not None:
            return _taken_back(state, knowledge)
        return state, (Notice("stale", state), *_again(state, knowledge))
    if chosen == (DISCARD,):
        return _discarded(state, knowledge)
    reading = _reading("+".join(chosen), statement)
    if reading is None:
        return state, (Notice("unknown_option", state), present(state, knowledge))
    if reading == ACCEPT:
        return _taken_down(state, statement, knowledge, confirmed=True)
    statement = statement.with_reading(None if reading == NEITHER else reading)
    if not statement.values and not statement.choices:
        return _discarded(state, knowledge)
    after = replace(state, answers={**_unconfirmed(state), UNDERSTOOD: statement})
    return after, (present(after, knowledge),)


def _reading(chosen: str, statement: Statement) -> str | None:
    """What is chosen at a statement: a reading of its first choice, by itself or its place; without one, to accept."""
    if not statement.choices:
        return ACCEPT if chosen == ACCEPT else None
    readings = statement.choices[0].readings
    by_place = {reading_place(place): reading for place, reading in enumerate(readings, 1)}
    return chosen if chosen in (*readings, NEITHER) else by_place.get(chosen)


def _discarded(state: State, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """The case without what waited to be confirmed: where it stood before."""
    rest = _unconfirmed(state)
    after = replace(state, answers=rest, here=follow(rest, knowledge))
    return after, (present(after, knowledge),)


def _undo(state: State, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    if state.statement is not None:
        return _discarded(state, knowledge)
    if state.before is None:
        return state, (Notice("nothing_to_undo", state), *_again(state, knowledge))
    return _taken_back(state, knowledge)


def _taken_back(state: State, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """The answers as they were before what was last typed."""
    assert state.before is not None
    after = replace(state, answers=state.before, here=follow(state.before, knowledge), before=None, editing=False)
    after = replace(after, ticked=() if state.editing else _still_ticked(after, state.here))
    return after, (Notice("taken_back", after), present(after, knowledge))


def _answer(state: State, turn: Answer, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    if state.here == UNDERSTOOD:
        return state, (Notice("confirm_first", state), present(state, knowledge))
    if state.here in FINALS:
        return state, (Notice("finished" if turn.question == state.here else "stale", state),
                       *(() if state.here == "advice" else (present(state, knowledge),)))  # fmt: skip
    if turn.question != state.here:
        return state, (Notice("stale", state), present(state, knowledge))
    chosen = tuple(dict.fromkeys((*state.ticked, *turn.chosen)))  # what is ticked is never dropped in silence
    try:
        answers = with_answer(turn.question, chosen, state.answers)
    except NotAnOption as error:
        code, choice = error.args
        return state, (Notice(code, state, (choice,) if code == "alone" else ()), present(state, knowledge))
    after = _settle(state, turn.question, answers, knowledge)
    return after, (present(after, knowledge),)


def _tick(state: State, turn: Tick, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """Tick an option, or take the tick away; a second tap on the same changes nothing."""
    if state.here in (*FINALS, UNDERSTOOD) or turn.question != state.here:
        return _answer(state, Answer(turn.question, ()), knowledge)  # stale: said as for an answer
    question = QUESTIONS[state.here]
    others = tuple(option for option in state.ticked if option != turn.option)
    ticked = (*others, turn.option) if turn.on else others
    try:
        if question.kind != "several":
            raise NotAnOption("unknown_option", turn.option)
        if turn.on:
            read_answer(turn.question, ticked, state.answers)
    except NotAnOption as error:
        code, choice = error.args
        return state, (Notice(code, state, (choice,) if code == "alone" else ()), present(state, knowledge))
    after = replace(state, ticked=tuple(sorted(ticked, key=question.options.index)))
    return after, (present(after, knowledge),)


def _settle(state: State, question: str, answers: dict[str, Any], knowledge: Knowledge) -> State:
    """Move on from `question`: one trigger of the machine, more while what follows is answered already."""
    view = view_of(answers, knowledge, state.region)
    if not _is_newest(question, state.answers):  # given again it may make later ones fall away, earlier ones matter
        kept = still_holding(answers, view)
        if len(kept) != len(answers):
            view = view_of(kept, knowledge, state.region)
        return replace(state, answers=kept, here=follow(kept, knowledge, view), editing=False, ticked=(), before=None)
    event = router(knowledge).machine.events["answer"]
    case = _Case(question, answers, view)
    event.trigger(case, case)
    while _passed(case.state, answers):
        event.trigger(case, case)
    return replace(state, answers=answers, here=case.state, editing=False, ticked=(), before=None)


def _command(state: State, turn: Command, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    if turn.name in (*TOPICS, *SECTIONS, "export"):
        return state, _inform(state, turn, knowledge)
    if turn.name == "here":
        return state, (present(state, knowledge),)
    if turn.name == "start":
        return _start(state, turn.argument, knowledge)
    if turn.name == "restart":
        after = begin(state.region)
        return after, (present(after, knowledge),)
    if turn.name == "cancel":
        after = replace(begin(state.region), here="cancelled")
        return after, (present(after, knowledge),)
    if turn.name == "undo":
        return _undo(state, knowledge)
    if turn.name == "back":
        return _back(state, knowledge)
    if turn.name == "edit":
        return _edit(state, turn.argument, knowledge)
    return state, (Notice("unknown_command", state, (turn.name,)), *_again(state, knowledge))


def _start(state: State, argument: str, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    """Begin, go on with the case under way, or open a shared profile: a case of its own, to be attested anew."""
    if argument:
        try:
            answers = answers_of(decode(argument.removeprefix(SHARED)), knowledge)
        except NotShared:
            return state, (Notice("link_unreadable", state), *_again(state, knowledge))
        after = resume(answers, knowledge, state.region)
        return after, (Notice("shared", after), present(after, knowledge))
    if state.here in QUESTIONS and state.answers:
        return state, (Notice("under_way", state), present(state, knowledge))
    if state.here == "cancelled":
        state = begin(state.region)
    return state, (present(state, knowledge),)


def _inform(state: State, turn: Command, knowledge: Knowledge) -> tuple[Reply, ...]:
    topic = turn.name
    finished = state.here in FINALS and state.here not in ("cancelled", "not_professional")
    if topic in TOPICS:
        asked = (present(state, knowledge),) if state.here in QUESTIONS else ()
        return (Inform(topic, state), *asked)
    if finished:
        advice = advice_of(state, knowledge)
        if topic == "whatif" and turn.argument and not _PAGE.fullmatch(turn.argument):
            return _compared(state, advice, turn.argument, knowledge)
        return (Inform(topic, state, advice, turn.argument),)
    if topic == "why" and state.here in QUESTIONS:
        return (Inform("why_question", state), present(state, knowledge))
    return (Notice("no_answer_yet", state), *_again(state, knowledge))


def _compared(state: State, advice: Advice, code: str, knowledge: Knowledge) -> tuple[Reply, ...]:
    """The answer beside what it would be under a change; what cannot change, or is no answer, is said so."""
    answers = answers_of_change(advice, code)
    if not answers:
        return (Notice("no_such_change", state), Inform("whatif", state, advice))
    then = recommend(changed(advice.profile, answers), knowledge, advice.gate)
    return (Compare(advice, then, answers, state),)


def _back(state: State, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    if state.here == UNDERSTOOD:
        return _discarded(state, knowledge)
    if state.editing or state.here == "region":
        after = replace(state, here=follow(state.answers, knowledge), editing=False, ticked=())
        return after, (present(after, knowledge),)
    opened = state.here in ("line_agents", "line_outcome") and state.before is not None
    if opened and state.answers.get("prior_lines") != (state.before or {}).get("prior_lines"):
        return _taken_back(state, knowledge)  # the line that is asked about was typed just now
    answers = _without_last(state, knowledge)
    if answers is None:
        return state, (Notice("nothing_before", state), *_again(state, knowledge))
    after = replace(state, answers=answers, here=follow(answers, knowledge), ticked=(), before=None)
    return after, (present(after, knowledge),)


def _without_last(state: State, knowledge: Knowledge) -> dict[str, Any] | None:
    """The answers without the one given last on their path; None where there is none."""
    answers = dict(state.answers)
    passed = path(answers, knowledge)[:-1] if state.here != "cancelled" else ()
    last = passed[-1] if passed else None
    lines: Lines = answers.get("prior_lines", Lines())
    at = lines.pending_at if last == "prior_lines" else None
    if at is not None and (lines.done or at < len(lines.lines) - 1):  # lines that were typed at once
        if at > 0:
            asked = replace(lines.lines[at - 1], outcome=None)
            answers["prior_lines"] = replace(lines, lines=(*lines.lines[: at - 1], asked, *lines.lines[at:]))
            return answers
        last = passed[-2]
    elif state.here == "prior_lines" or last == "prior_lines":
        if lines.done:
            answers["prior_lines"] = replace(lines, done=False)
            return answers
        if lines.lines:
            newest = lines.lines[-1]
            if newest.outcome is not None:
                newest = replace(newest, outcome=None)
            else:
                reopened = newest.reopened()
                if newest.asks is None and reopened.asks is not None:
                    newest = reopened
                else:
                    answers["prior_lines"] = Lines(lines.lines[:-1])
                    return answers
            answers["prior_lines"] = Lines((*lines.lines[:-1], newest))
            return answers
        answers.pop("prior_lines", None)
    if last is None:
        return None
    answers.pop(last, None)
    return answers


def _edit(state: State, field_or_question: str, knowledge: Knowledge) -> tuple[State, tuple[Reply, ...]]:
    name = field_or_question if field_or_question in state.answers else QUESTION_OF.get(field_or_question, "")
    if state.here == UNDERSTOOD:
        return state, (Notice("confirm_first", state), present(state, knowledge))
    if state.here == "cancelled" or name not in QUESTIONS or name in ("review", "line_agents", "line_outcome"):
        return state, (Notice("not_editable", state), *_again(state, knowledge))
    passed = path(state.answers, knowledge)  # only what was asked on the way here: an edit never jumps over a stop
    if ("review" if name == "region" else name) not in passed or (name != "region" and name not in state.answers):
        return state, (Notice("does_not_arise", state), *_again(state, knowledge))
    answers = {key: value for key, value in state.answers.items() if key != "review"}
    if name == "safety":
        answers = _whole_checklist(state, answers)
    if name == "prior_lines" and answers["prior_lines"].pending is not None:
        after = replace(state, here=follow(answers, knowledge), editing=False, ticked=())  # it is being entered
    elif name == "prior_lines":
        answers["prior_lines"] = replace(answers["prior_lines"], done=False)
        after = replace(state, answers=answers, here="prior_lines", editing=False, ticked=())
    else:
        after = replace(state, answers=answers, here=name, editing=True, ticked=())
    return after, (present(after, knowledge),)


def _whole_checklist(state: State, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers with the checklist as if every line of it had been ticked by hand, where ticks can say the same."""
    whole = checklist_of(state.profile) if STATED in answers else {}
    if not whole:
        return answers
    kept = {name: value for name, value in answers.items() if name not in (STATED, "safety_unknown", *FOLLOW_UPS)}
    answers = {**kept, **whole}
    return {name: answers[name] for name in (*QUESTIONS, *answers) if name in answers}


def argument_of(name: str, argument: str) -> str:
    """What is kept of a command's argument: a question, a format, a page, a shared profile that can be read."""
    if name == "edit":
        return argument if argument in QUESTIONS or argument in QUESTION_OF else ""
    if name == "export":
        return argument if argument in FORMATS else ""
    if name == "whatif" and _CHANGE.fullmatch(argument):
        return argument
    if name in SECTIONS:
        return argument if _PAGE.fullmatch(argument) else ""
    if name == "start" and argument.startswith(SHARED):
        try:
            decode(argument.removeprefix(SHARED))
        except NotShared:
            return SHARED  # it says that there was one; what it held is dropped
        return argument
    return ""


__all__ = [
    "COMMANDS", "FINALS", "SECTIONS", "START", "STATES", "TOPICS", "Advise", "Answer", "Ask", "Command", "Compare",
    "Ended", "Inform", "Notice", "Reply", "State", "Turn", "Unclear", "advice_of", "argument_of", "begin", "fold",
    "follow", "path", "present", "resume", "router", "step", "view_of",
]  # fmt: skip
