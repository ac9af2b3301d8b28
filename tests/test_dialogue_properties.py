"""Properties of the dialogue: whatever is typed or tapped in whatever order, the case stays whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from flows.dialogue import (
    COMMANDS,
    FINALS,
    SECTIONS,
    STATES,
    TOPICS,
    Advise,
    Answer,
    Ask,
    Command,
    Inform,
    Notice,
    Reply,
    State,
    Turn,
    Unclear,
    Understood,
    advice_of,
    begin,
    follow,
    path,
    present,
    resume,
    router,
    step,
    view_of,
)
from flows.findings import GATE
from flows.knowledge.load import shipped
from flows.profile import AGENTS, FIELDS, MOST_LINES, OPTIONS, OUTCOMES, Line, Profile
from flows.questionnaire import (
    ALL,
    DONE,
    EARLIER,
    FOLLOW_UPS,
    LINE_SHORTCUTS,
    NONE,
    NOT_KNOWN,
    NOT_PROFESSIONAL,
    OTHER,
    QUESTION_OF,
    QUESTIONS,
    REMOVE,
    ROLES,
    TAKE_BACK,
    UNDERSTOOD,
    UNDO,
    Lines,
    beyond_profile,
    is_asked,
    on_a_line,
    options_now,
    profile_of,
)
from flows.sequencing.recommend import recommend
from flows.statement import EARLY, Choice, Statement
from messages.render import render
from messages.words import english

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
CALM = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NOT_EDITABLE = ("review", "line_agents", "line_outcome", "safety_unknown", UNDERSTOOD)
EDITABLE = [name for name in QUESTIONS if name not in NOT_EDITABLE]
STANDS_ALONE = (NONE, ALL, NOT_KNOWN)


# --- walking the dialogue ---------------------------------------------------------------------------------


def choices(draw: random.Random, state: State) -> tuple[str, ...]:
    """A valid answer to the question a case stands at, on the long road more often than on the short."""
    name = state.here
    question = QUESTIONS[name]
    options = options_now(name, state.answers)
    if name in (UNDERSTOOD, "role"):
        return tuple(draw.choice(options if name == UNDERSTOOD or draw.random() < 0.1 else ROLES).split("+"))
    if name in ("gate", "red_flags") and draw.random() < 0.95:
        return ("in_scope",) if name == "gate" else (NONE,)
    if name == "leptomeningeal" and draw.random() < 0.9:
        return (draw.choice(("absent", NOT_KNOWN)),)
    if question.kind == "number" and draw.random() < 0.5:
        return (str(draw.randint(0, 720)),)
    if question.kind == "lines":
        lines = state.answers.get(name, Lines()).lines
        if lines and draw.random() < 0.1:
            number = draw.randint(1, len(lines))
            return (on_a_line(number, draw.choice((REMOVE, *OUTCOMES, *((EARLIER,) if number > 1 else ())))),)
        if len(lines) < MOST_LINES and draw.random() < 0.1:
            return tuple(draw.sample(AGENTS, draw.randint(1, 3)))
        return (DONE,) if draw.random() < 0.25 + 0.15 * len(lines) else (draw.choice(options),)
    if question.kind != "several" or draw.random() < 0.4:
        return (draw.choice([option for option in options if option not in ("pregnancy", "performance_status")]),)
    plain = [option for option in options if option not in (*STANDS_ALONE, "pregnancy", "performance_status")]
    chosen = draw.sample(plain, min(len(plain), draw.randint(1, 3)))
    if name == "safety" and draw.random() < 0.3:
        chosen.append(NOT_KNOWN)
    return tuple(chosen)


def answered(state: State, *chosen: str) -> State:
    """The state after a valid answer to the question shown."""
    after, replies = step(state, Answer(state.here, chosen), KNOWLEDGE)
    assert not any(isinstance(reply, Notice) for reply in replies), (state.here, chosen, replies)
    return after


@cache
def walk(seed: int) -> tuple[State, ...]:
    """Every state of one random case, from the start to its end."""
    draw = random.Random(seed)
    states = [begin()]
    while states[-1].here not in FINALS:
        states.append(answered(states[-1], *choices(draw, states[-1])))
    return tuple(states)


def walk_to_review(seed: int) -> State | None:
    """The state of one random case on its review screen, where it gets that far."""
    return next((state for state in walk(seed) if state.here == "review"), None)


def any_statement(draw: random.Random, most: int = 8) -> Statement:
    """Anything a typed text may state: some fields, a few of them to be asked back, some that only follow."""
    values = {name: any_value(name, draw) for name in draw.sample(FIELDS, draw.randint(0, most))}
    if draw.random() < 0.1:
        values["gate"] = draw.choice(GATE)
    choices = [any_choice(values, draw) for _ in range(draw.choice((0, 0, 0, 1, 2)))]
    if not values and not choices:
        values["hr_status"] = "positive"
    implied = {name for name in ("her2_status", "setting") if name in values and draw.random() < 0.3}
    return Statement(values, tuple(choices), frozenset(implied), "prior_lines" in values and draw.random() < 0.4)


def any_value(name: str, draw: random.Random) -> Any:
    """A value of a profile field, the long road more often than a stop."""
    if name == "prior_lines":
        return tuple(
            Line(
                agents=tuple(draw.sample(AGENTS, draw.choice((0, 1, 2, 3)))),
                outcome=draw.choice((None, "progression", *OUTCOMES)),
            )
            for _ in range(draw.choice((0, 1, 1, 2, 3, MOST_LINES)))
        )
    if name == "early_stage_agents":
        return draw.choice((NOT_KNOWN, (), tuple(draw.sample(AGENTS, 2))))
    if name == "months_since_adjuvant_her2":
        return draw.choice((NOT_KNOWN, draw.randint(0, 720)))
    if name in ("red_flags", "interacting_medicines"):
        members = [option for option in OPTIONS[name] if option != NOT_KNOWN]
        return draw.choice((NOT_KNOWN, (), (), tuple(draw.sample(members, 2))))
    return draw.choice(OPTIONS[name])


def any_choice(values: dict[str, Any], draw: random.Random) -> Choice:
    """Words with several readings, for something there is."""
    line = [f"line_{number}" for number in range(1, len(values.get("prior_lines", ())) + 1)]
    target = draw.choice((EARLY, "hr_status", "brain_metastases", *line))
    if target in OPTIONS:
        return Choice(target, OPTIONS[target][:2])
    return Choice(target, tuple(f"{agent}+docetaxel" for agent in draw.sample(AGENTS[:9], draw.choice((1, 2)))))


seeds = st.integers(min_value=0, max_value=2_000)


def any_state(seed: int, position: int) -> State:
    """One state of one random case."""
    states = walk(seed)
    return states[position % len(states)]


# --- any sequence of turns --------------------------------------------------------------------------------


def check_step(before: State, turn: Turn) -> tuple[State, tuple[Reply, ...]]:
    """Take a turn and check everything that must hold of it."""
    kept = deepcopy((before.answers, before.here, before.editing, before.region))
    after, replies = step(before, turn, KNOWLEDGE)
    assert (before.answers, before.here, before.editing, before.region) == kept, "the given state was changed"
    assert replies, "nothing was replied"
    assert after.here in STATES
    if after.editing:
        assert after.here in QUESTIONS
    elif after.here not in ("cancelled", "region"):
        assert after.here == follow(after.answers, KNOWLEDGE), "where it stands is not where its answers lead"
        assert resume(after.answers, KNOWLEDGE, after.region).here == after.here
    if after.here == "cancelled":
        assert not after.answers
    assert isinstance(profile_of(after.answers, after.region), Profile)
    for reply in replies:
        assert reply.state == after
        if isinstance(reply, Advise) or (isinstance(reply, Inform) and reply.advice is not None):
            assert after.attested, "advice without attestation"
        if isinstance(reply, Ask):
            assert reply.question == after.here
        if isinstance(reply, Advise):
            assert reply.final == after.here
            assert bool(reply.advice.options) == (reply.final == "advice")
    assert all(render(reply, WORDS).blocks for reply in replies if not isinstance(reply, Advise))
    assert not passed_over(after)
    informs = (*TOPICS, *SECTIONS, *(("start",) if before.here != "cancelled" else ()))
    nothing = isinstance(turn, Unclear) or (isinstance(turn, Command) and turn.name in informs)
    refused = any(isinstance(reply, Notice) and reply.code not in TAKEN for reply in replies)
    if nothing or refused:
        assert after == before, "a turn that was refused or only informs changed the case"
    return after, replies


TAKEN = ("understood", "taken_back")
"""Notices that say what a turn did."""


def passed_over(state: State) -> list[str]:
    """The questions that no case with an answer to rank may have passed unanswered (S1, S4)."""
    ends = state.here in ("review", "advice") and not state.editing
    return [name for name in ("role", "gate", "red_flags", "safety") if ends and name not in state.answers]


class AnyConversation(RuleBasedStateMachine):
    """Valid, invalid and stale answers, commands, edits and unclear texts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = begin()
        self.draw = random.Random(0)

    def take(self, turn: Turn) -> None:
        self.state, _ = check_step(self.state, turn)

    @precondition(lambda self: self.state.here in QUESTIONS)
    @rule(seed=st.integers(min_value=0, max_value=10_000), many=st.integers(min_value=1, max_value=12))
    def answer_validly(self, seed: int, many: int) -> None:
        draw = random.Random(seed)
        for _ in range(many):
            if self.state.here in QUESTIONS:
                chosen = choices(draw, self.state)
                before = self.state
                self.take(Answer(before.here, chosen))

    @rule(
        question=st.sampled_from((*STATES, "nonsense", "")),
        chosen=st.lists(
            st.sampled_from((*FIELDS, *AGENTS, NONE, ALL, DONE, UNDO, NOT_KNOWN, "5", "-1", "٣", "999", "", "x:y+z")),
            max_size=3,
        ),
    )
    def answer_invalidly(self, question: str, chosen: list[str]) -> None:
        self.take(Answer(question, tuple(chosen)))

    @precondition(lambda self: self.state.here in QUESTIONS)
    @rule(text=st.text(max_size=12), several=st.booleans())
    def answer_with_any_text(self, text: str, several: bool) -> None:
        self.take(Answer(self.state.here, (text, text) if several else (text,)))

    @rule(seed=st.integers(min_value=0, max_value=10_000))
    def answer_stalely(self, seed: int) -> None:
        draw = random.Random(seed)
        name = draw.choice([name for name in QUESTIONS if name not in (self.state.here, UNDERSTOOD)])
        turn = Answer(name, (draw.choice(QUESTIONS[name].options),))
        before = self.state
        self.take(turn)
        assert self.state == before, "a stale answer changed the case"

    @rule(seed=st.integers(min_value=0, max_value=10_000))
    def state_something(self, seed: int) -> None:
        self.take(Understood(any_statement(random.Random(seed))))

    @rule(chosen=st.sampled_from(("accept", "accept", "neither", "discard", TAKE_BACK, "reading_1", "x")))
    def decide(self, chosen: str) -> None:
        self.take(Answer(UNDERSTOOD, (chosen,)))

    @rule(name=st.sampled_from((*COMMANDS, "nonsense", "")), argument=st.sampled_from(("", "gate", "x")))
    def command(self, name: str, argument: str) -> None:
        if name not in ("restart", "cancel", "forget"):
            self.take(Command(name, argument))

    @rule(name=st.sampled_from(("restart", "cancel")), seldom=st.integers(min_value=0, max_value=5))
    def begin_again(self, name: str, seldom: int) -> None:
        if seldom == 0:
            self.take(Command(name))
            assert not self.state.answers

    @rule(name=st.sampled_from((*FIELDS, *QUESTIONS, "nonsense")))
    def edit(self, name: str) -> None:
        self.take(Command("edit", name))

    @rule(readings=st.lists(st.sampled_from(AGENTS), max_size=3), identifier=st.booleans())
    def unclear(self, readings: list[str], identifier: bool) -> None:
        here = self.state.here
        options = options_now(here, self.state.answers) if here in QUESTIONS and here != UNDERSTOOD else ()
        near = tuple(reading for reading in readings if reading in options) or tuple(options[:2])
        self.take(Unclear(() if identifier else near, identifier))


AnyConversation.TestCase.settings = settings(CALM, max_examples=60, stateful_step_count=30)


class TestAnyConversation(AnyConversation.TestCase):  # type: ignore[misc, name-defined]
    """S1, S15, S25: any sequence of turns leaves a valid case, and nothing raises.

    Were it to fail: some order of taps, typed words, edits and commands loses answers, shows a question the
    answers do not lead to, ranks drugs without attestation, or ends the conversation with an exception.
    """


@CALM
@given(seeds, st.integers(min_value=0, max_value=60))
def test_no_advice_without_attestation(seed: int, position: int) -> None:
    """S1: no reply holds advice unless the attestation was given. Were it to fail: a patient is shown drugs."""
    reached = any_state(seed, position)
    state = State({name: value for name, value in reached.answers.items() if name != "role"}, reached.here)
    with pytest.raises(ValueError, match="attestation"):
        advice_of(state, KNOWLEDGE)
    turned_away = answered(begin(), NOT_PROFESSIONAL)
    for name in (*COMMANDS, *SECTIONS):
        _, replies = step(turned_away, Command(name), KNOWLEDGE)
        assert not any(isinstance(reply, Advise) for reply in replies)
        assert not any(isinstance(reply, Inform) and reply.advice is not None for reply in replies)


# --- back and edit ----------------------------------------------------------------------------------------


def value_before(before: State, shown: State) -> tuple[str, ...]:
    """The answer that the question shown after /back had before it."""
    name = shown.here
    lines: Lines = before.answers.get("prior_lines", Lines())
    if name == "prior_lines":
        if lines.done:
            return (DONE,)
        last = lines.lines[-1]
        tapped = last.asks is not None or (last.shortcut in LINE_SHORTCUTS and last.shortcut != OTHER)
        return (last.shortcut,) if tapped else last.agents
    if name == "line_outcome":
        return (str(lines.lines[-1].outcome),)
    if name == "line_agents":
        last = lines.lines[-1]
        added = last.agents[len(LINE_SHORTCUTS[last.shortcut].agents) :]
        return added or last.agents or (NOT_KNOWN,)
    value = before.answers[name]
    return value if isinstance(value, tuple) else (str(value),)


def same_case(one: State, other: State) -> bool:
    """Whether two states are the same case (an empty list of lines is no list)."""

    def plain(state: State) -> dict[str, Any]:
        return {name: value for name, value in state.answers.items() if value != Lines()}

    return plain(one) == plain(other) and (one.here, one.editing) == (other.here, other.editing)


@CALM
@given(seeds, st.integers(min_value=1, max_value=60))
def test_back_then_the_same_answer_is_the_identity(seed: int, position: int) -> None:
    """S15, S24: after /back, the answer the question had restores the case.

    Were it to fail: going back loses or changes an answer the clinician gave.
    """
    before = any_state(seed, position)
    assume(before.here != "role")
    shown, replies = step(before, Command("back"), KNOWLEDGE)
    assert not any(isinstance(reply, Notice) for reply in replies), f"{before.here}: nothing to go back to"
    again, _ = step(shown, Answer(shown.here, value_before(before, shown)), KNOWLEDGE)
    assert same_case(again, before), f"{before.here}: back showed {shown.here}, and answering it did not return"


@CALM
@given(seeds, st.integers(min_value=0, max_value=60))
def test_back_shows_the_question_that_was_answered(seed: int, position: int) -> None:
    """S15: /back takes back the last answer and shows its question, as /help promises.

    Were it to fail: going back shows a question that was never asked, or takes back more than one answer.
    """
    states = walk(seed)
    position = 1 + position % (len(states) - 1)
    before, now = states[position - 1], states[position]
    assume(not before.here == now.here == "prior_lines")  # a line removed or changed is entered again, not brought back
    shown, _ = step(now, Command("back"), KNOWLEDGE)
    assert shown.here == before.here, f"after {before.here}, back from {now.here} shows {shown.here}"
    assert same_case(shown, before)


@CALM
@given(seeds)
def test_every_answer_can_be_changed_by_edit(seed: int) -> None:
    """S11: each answer on the review screen has an Edit that asks its question again.

    Were it to fail: a kind chosen by mistake (moderate instead of severe) stays, whatever is edited.
    """
    review = walk_to_review(seed)
    assume(review is not None)
    assert review is not None
    for name in review.answers:
        editing, _ = step(review, Command("edit", name), KNOWLEDGE)
        if editing.here == name:
            continue
        editing, _ = step(review, Command("edit", "safety"), KNOWLEDGE)
        value = review.answers["safety"]  # the checklist opens: ticking the same again must ask for the kinds
        again = answered(editing, *value)
        while again.here in ("safety_unknown", *FOLLOW_UPS) and again.here != name:
            again = answered(again, *review.answers[again.here])
        assert again.here == name, f"{name} is {review.answers[name]!r} and cannot be changed by Edit"


@CALM
@given(seeds)
def test_back_leads_to_the_beginning(seed: int) -> None:
    """S15: /back, repeated, reaches the first question. Were it to fail: a clinician is caught in a loop."""
    state = walk(seed)[-1]
    for _ in range(150):
        state, replies = step(state, Command("back"), KNOWLEDGE)
        if isinstance(replies[0], Notice):
            break
    assert state.here == "role"
    assert not any(value != Lines() for value in state.answers.values())


@CALM
@given(seeds, st.sampled_from(EDITABLE), seeds)
def test_edit_keeps_what_still_holds_and_drops_the_rest(seed: int, name: str, other: int) -> None:
    """S11, S21: an edit changes one answer; later answers go only where their question no longer arises.

    Were it to fail: an edit silently drops an answer, or keeps one to a question that no longer applies.
    """
    before = walk_to_review(seed)
    assume(before is not None and name != "prior_lines")
    assert before is not None
    editing, replies = step(before, Command("edit", name), KNOWLEDGE)
    if isinstance(replies[0], Notice):
        assert replies[0].code == "does_not_arise"
        assert name not in before.answers
        return
    assume(editing.here == name)  # a kind of the checklist is reached through the checklist
    after = answered(editing, *choices(random.Random(other), editing))
    view = view_of(after.answers, KNOWLEDGE)
    for question, value in before.answers.items():
        if question == name:
            continue
        if question in after.answers:
            assert after.answers[question] == value
        else:
            gone = not is_asked(question, after.answers, view)
            assert gone or question == "safety_unknown", f"editing {name} dropped {question}, which still holds"
    for question in after.answers:
        assert question == "region" or is_asked(question, after.answers, view), f"{question} does not apply"


@CALM
@given(seeds, st.sampled_from(EDITABLE))
def test_editing_to_the_same_answer_changes_nothing(seed: int, name: str) -> None:
    """S21: an edit that gives the answer already there is no change, and so is /back out of an edit.

    Were it to fail: looking at a line of the review screen alters the case.
    """
    before = walk_to_review(seed)
    assume(before is not None and name in before.answers and name != "prior_lines")
    assert before is not None
    editing, _ = step(before, Command("edit", name), KNOWLEDGE)
    value = before.answers.get(editing.here)
    assume(value is not None)
    assume(editing.here != "safety" or not set(before.answers) & {"safety_unknown", *FOLLOW_UPS})
    assert answered(editing, *(value if isinstance(value, tuple) else (str(value),))) == before
    assert step(editing, Command("back"), KNOWLEDGE)[0] == before


@CALM
@given(seeds)
def test_editing_the_lines_and_leaving_them_changes_nothing(seed: int) -> None:
    """S21: opening the lines on the review screen and choosing "that is all" is no change.

    Were it to fail: looking at the lines of therapy alters the case.
    """
    before = walk_to_review(seed)
    assume(before is not None)
    assert before is not None
    editing, _ = step(before, Command("edit", "prior_lines"), KNOWLEDGE)
    assert answered(editing, DONE) == before


# --- the machine ------------------------------------------------------------------------------------------


@CALM
@given(seeds, st.integers(min_value=0, max_value=60))
def test_the_machine_and_follow_agree(seed: int, position: int) -> None:
    """S15, S22: every step of a path is the first edge whose guard holds, and triggering leads to it.

    Were it to fail: a case replayed from its answers stands elsewhere than the conversation did.
    """
    state = any_state(seed, position)
    passed = path(state.answers, KNOWLEDGE)
    edges = {(edge.source, edge.target) for onward in router(KNOWLEDGE).edges.values() for edge in onward}
    assert set(pairwise(passed)) <= edges
    assert passed[-1] == state.here
    assert len(set(passed) - {"prior_lines", "line_agents", "line_outcome"}) == len(
        [name for name in passed if name not in ("prior_lines", "line_agents", "line_outcome")]
    )


def test_the_screens_are_at_most_eight() -> None:
    """S2: "question n of at most 8" is true. Were it to fail: the intake promises fewer screens than it shows."""
    for seed in range(150):
        numbers = [QUESTIONS[state.here].number for state in walk(seed) if state.here in QUESTIONS]
        assert numbers == sorted(numbers)
        assert max(numbers) <= 8


# --- the order of answers, and the reader's role ----------------------------------------------------------


def facts_of(state: State) -> dict[str, Any]:
    """The answers of a case; a line is its agents and outcome, however it was entered."""
    facts = dict(state.answers)
    if "prior_lines" in facts:
        facts["prior_lines"] = [(line.agents, line.outcome) for line in facts["prior_lines"].lines]
    return facts


def lead_to(start: State, goal: State, draw: random.Random) -> State:
    """Turn one case into another by answering and editing in random order."""
    state = start
    for _ in range(200):
        if facts_of(state) == facts_of(goal) and state.here == "review":
            return state
        turn = _towards(state, goal, draw)
        state, replies = step(state, turn, KNOWLEDGE)
        assert not isinstance(replies[0], Notice), (turn, replies)
    raise AssertionError(f"not reached: {state.answers} instead of {goal.answers}")


def _towards(state: State, goal: State, draw: random.Random) -> Turn:
    here, wanted = state.here, goal.answers.get(state.here)
    now, then = facts_of(state), facts_of(goal)
    differ = [name for name in now if name in EDITABLE and now[name] != then.get(name)]
    if here in FINALS or here == "review":
        direct = [name for name in differ if name not in FOLLOW_UPS and name in goal.answers]
        return Command("edit", draw.choice(direct or ["safety"]))
    if here == "prior_lines":
        lines, entered = goal.answers[here].lines, state.answers.get(here, Lines()).lines
        if now.get(here, []) != then[here][: len(entered)]:
            return Answer(here, (UNDO,))
        if len(entered) == len(lines):
            return Answer(here, (DONE,))
        line = lines[len(entered)]
        typed = line.agents and (line.shortcut == OTHER or line.shortcut not in LINE_SHORTCUTS)
        return Answer(here, line.agents if typed else (line.shortcut,))
    if here in ("line_agents", "line_outcome"):
        line = goal.answers["prior_lines"].lines[len(state.answers["prior_lines"].lines) - 1]
        known = LINE_SHORTCUTS.get(line.shortcut, LINE_SHORTCUTS[OTHER]).agents
        added = line.agents[len(known) :] or (NOT_KNOWN,)
        return Answer(here, (str(line.outcome),) if here == "line_outcome" else added)
    if here == "safety" and state.answers.get(here) == wanted:
        return Answer(here, (NONE,) if wanted != (NONE,) else (NOT_KNOWN,))  # so that the kinds are asked again
    if wanted is None:
        return Answer(here, choices(draw, state))
    return Answer(here, wanted if isinstance(wanted, tuple) else (str(wanted),))


@settings(CALM, max_examples=60)
@given(seeds, seeds, seeds)
def test_the_order_of_answers_never_changes_advice(seed: int, other: int, order: int) -> None:
    """S21, S22: two routes to the same answers (straight, or through another case by edits) give equal advice.

    Were it to fail: what was answered first, or edited on the way, alters what is recommended.
    """
    goal, start = walk_to_review(seed), walk_to_review(other)
    assume(goal is not None and start is not None)
    assert goal is not None
    assert start is not None
    reached = lead_to(start, goal, random.Random(order))
    one, two = answered(goal, "confirm"), answered(reached, "confirm")
    first, second = advice_of(one, KNOWLEDGE), advice_of(two, KNOWLEDGE)
    assert facts_of(one) == facts_of(two)
    assert (first.status, first.regimens, first.record_id) == (second.status, second.regimens, second.record_id)
    assert first == second


@settings(CALM, max_examples=40)
@given(seeds)
def test_the_role_never_changes_the_options(seed: int) -> None:
    """S21: an oncologist, a pharmacist and a trainee get the same options in the same order.

    Were it to fail: who asks alters what is recommended.
    """
    state = walk(seed)[-1]
    assume(state.attested)
    told = set()
    for role in ROLES:
        same = State({**state.answers, "role": role}, state.here)
        advice = advice_of(same, KNOWLEDGE)
        excluded = tuple(exclusion.regimen.id for exclusion in advice.excluded)
        told.add((advice.status, advice.regimens, excluded, advice.record_id))
        assert advice == recommend(profile_of(same.answers), KNOWLEDGE, beyond_profile(same.answers))
    assert len(told) == 1


@CALM
@given(seeds)
def test_typed_agents_and_the_shortcut_are_the_same_line(seed: int) -> None:
    """S21: a line tapped as a regimen or typed by its agents gives the same advice.

    Were it to fail: tapping and typing the same therapy lead to different drugs.
    """
    draw = random.Random(seed)
    shortcut = draw.choice([name for name, known in LINE_SHORTCUTS.items() if known.agents and not known.then])
    outcome = draw.choice(("progression", "toxicity", "completed", "ongoing"))
    told = []
    for first in (
        (shortcut,),
        tuple(draw.sample(LINE_SHORTCUTS[shortcut].agents, len(LINE_SHORTCUTS[shortcut].agents))),
    ):
        state = begin()
        for chosen in (("oncologist",), ("in_scope",), (NONE,), first, (outcome,), (DONE,), (NONE,), (NONE,)):
            state = answered(state, *chosen)
        state = answered(state, "negative")
        if state.here == "tdxd_access":
            state = answered(state, "unavailable")
        state = answered(answered(state, NONE), "confirm")
        told.append((advice_of(state, KNOWLEDGE).status, advice_of(state, KNOWLEDGE).regimens))
    assert told[0] == told[1]


# --- no dead end, and what answers everywhere -------------------------------------------------------------


@cache
def one_of_each() -> dict[str, State]:
    """One reachable state for every state of the machine, and one in the middle of an edit."""
    typed = Understood(Statement({"hr_status": "negative", "lvef": "normal"}))
    found: dict[str, State] = {
        "cancelled": step(begin(), Command("cancel"), KNOWLEDGE)[0],
        UNDERSTOOD: step(answered(begin(), "oncologist"), typed, KNOWLEDGE)[0],
    }
    for seed in range(2_000):
        for state in walk(seed):
            found.setdefault(state.here, state)
            if state.here == "review" and "region" not in found:
                found["region"] = step(state, Command("edit", "region"), KNOWLEDGE)[0]
        if len(found) == len(STATES):
            break
    turned_away = answered(begin(), NOT_PROFESSIONAL)
    found.setdefault("not_professional", turned_away)
    gate = answered(begin(), "oncologist")
    for option in ("other_tumour", "stage_unknown", "her2_unknown", "her2_low"):
        state = answered(gate, option)
        found.setdefault(state.here, state)
    return found


def test_every_state_is_reachable() -> None:
    """S15: answers lead to every state of the machine. Were it to fail: a question can never be asked."""
    assert set(one_of_each()) == set(STATES)


@pytest.mark.parametrize("name", STATES)
def test_help_back_and_cancel_answer_in_every_state(name: str) -> None:
    """S15: every state offers help, back and cancel. Were it to fail: a clinician cannot leave or ask."""
    state = one_of_each()[name]
    after, replies = check_step(state, Command("help"))
    assert isinstance(replies[0], Inform)
    assert replies[0].topic == "help"
    assert after == state
    after, replies = check_step(state, Command("cancel"))
    assert after.here == "cancelled"
    assert not after.answers
    after, replies = check_step(state, Command("back"))
    if name not in ("role", "cancelled"):
        assert after != state, f"{name}: /back did nothing"


@pytest.mark.parametrize("name", STATES)
def test_privacy_and_about_answer_in_every_state(name: str) -> None:
    """S2, S32: /privacy and /about answer everywhere, before consent too, and change nothing.

    Were it to fail: someone cannot find out what is kept before agreeing to anything.
    """
    state = one_of_each()[name]
    for topic in ("privacy", "about"):
        after, replies = check_step(state, Command(topic))
        assert after == state
        assert isinstance(replies[0], Inform)
        assert replies[0].topic == topic
        assert render(replies[0], WORDS).text
        if name in QUESTIONS:
            assert isinstance(replies[-1], Ask), "the question is not shown again"


def first_options(state: State) -> Iterator[State]:
    """The states that first options lead through, to a final state."""
    while state.here not in FINALS:
        name = state.here
        state = answered(state, DONE if name == "prior_lines" else options_now(name, state.answers)[0])
        yield state


@CALM
@given(seeds, st.integers(min_value=0, max_value=60))
def test_there_is_no_dead_end(seed: int, position: int) -> None:
    """S15: from every reachable state first options lead to an end with an answer or an explicit reason.

    Were it to fail: a clinician is stuck in a question, or arrives at an end that says nothing.
    """
    state = any_state(seed, position)
    onward = list(zip(range(60), first_options(state), strict=False))
    last = onward[-1][1] if onward else state
    assert last.here in FINALS
    reply = present(last, KNOWLEDGE)
    if isinstance(reply, Advise):
        assert reply.advice.options or reply.advice.reasons or reply.advice.steps


@pytest.mark.parametrize("name", [name for name in STATES if name not in FINALS])
def test_an_edit_can_be_left(name: str) -> None:
    """S15: a question opened by Edit is left by /back or by an answer. Were it to fail: editing is a trap."""
    review = one_of_each()["review"]
    field = QUESTION_OF.get(name, name)
    editing, replies = step(review, Command("edit", field), KNOWLEDGE)
    if isinstance(replies[0], Notice):
        assert editing == review
        return
    left = editing
    for _ in range(3 * MOST_LINES):
        if left.here in ("review", "role"):
            break
        left, _ = step(left, Command("back"), KNOWLEDGE)
    assert left.here in ("review", "role")
    assert list(first_options(editing))[-1].here in FINALS


async def test_forget_erases_a_conversation_in_every_state(tmp_path: Path) -> None:
    """S32: /forget works everywhere, before consent too, and leaves nothing in memory or in the log.

    Were it to fail: what a clinician asked to erase is still there.
    """
    from bot.app import App, Tap, Text
    from bot.log import Keys, Log
    from bot.log.sqlite import SQLite
    from bot.wire import to_wire

    log = Log(SQLite(tmp_path / "log.sqlite3", Keys("a key of the tests that is long enough")))
    app = App(KNOWLEDGE, log)
    for seed in range(25):
        for length in (0, 1, 2, 5, 9, 40):
            state, draw = begin(), random.Random(seed)
            for _ in range(length):
                if state.here in FINALS:
                    break
                turn = Answer(state.here, choices(draw, state))
                await app.handle("c", Tap(to_wire(turn)))
                state, _ = step(state, turn, KNOWLEDGE)
            assert await app.state_of("c") == state
            (message,) = await app.handle("c", Text("/forget"))
            assert message.id == "forgotten"
            assert (await log.current("c")).turns == ()
            assert await app.state_of("c") == begin()
    log.close()


# --- changing one line of several ---------------------------------------------------------------------------------

LINE_1_UP = on_a_line(1, EARLIER)
ENTERED = (("t_dxd", "progression"), ("t_dm1", "progression"), ("tucatinib_triplet", "ongoing"))


def with_lines(*entered: tuple[str, str]) -> State:
    """A case at the question of the lines, with these entered."""
    state = resume({"role": "oncologist", "gate": "in_scope", "red_flags": (NONE,)}, KNOWLEDGE)
    for shortcut, outcome in entered:
        state = answered(answered(state, shortcut), outcome)
    return state


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_line_changed_is_the_line_entered_so(number: int) -> None:
    """A clinician who mends one line would be answered for another case than the one shown."""
    for outcome in OUTCOMES:
        entered = [*ENTERED]
        entered[number - 1] = (entered[number - 1][0], outcome)
        assert answered(with_lines(*ENTERED), on_a_line(number, outcome)) == with_lines(*entered)
    if number > 1:
        moved = [*ENTERED]
        moved[number - 2 : number] = reversed(moved[number - 2 : number])
        assert answered(with_lines(*ENTERED), on_a_line(number, EARLIER)) == with_lines(*moved)
    left = [line for place, line in enumerate(ENTERED, 1) if place != number]
    assert answered(with_lines(*ENTERED), on_a_line(number, REMOVE)) == with_lines(*left)


@pytest.mark.parametrize(
    "option", ["line_0_remove", "line_4_remove", "line_4_toxicity", "line_1_", "line_1_none", LINE_1_UP]
)
def test_a_line_that_is_not_there_is_not_changed(option: str) -> None:
    """A button of an earlier page would change another line, or end the conversation with an error."""
    state = with_lines(*ENTERED)
    after, replies = step(state, Answer("prior_lines", (option,)), KNOWLEDGE)
    assert after == state
    assert [reply.code for reply in replies if isinstance(reply, Notice)] == ["unknown_option"]
