"""What typed words state, as data: written in one way, taken down whole, taken back whole, and never past a stop."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_dialogue_properties import (
    answered,
    any_state,
    any_statement,
    any_value,
    check_step,
    choices,
    one_of_each,
    seeds,
    walk_to_review,
)

from bot.wire import NotATurn, from_wire, to_wire
from flows.dialogue import FINALS, advice_of, begin, fold, step
from flows.knowledge.load import shipped
from flows.profile import AGENTS, FIELDS, MOST_LINES, Line, Profile
from flows.questionnaire import (
    ACCEPT,
    ALL,
    DISCARD,
    DONE,
    FOLLOW_UPS,
    ITEMS,
    NEITHER,
    NONE,
    NOT_KNOWN,
    QUESTIONS,
    TAKE_BACK,
    UNDERSTOOD,
    Lines,
    checklist_of,
    options_now,
    still_asked,
)
from flows.statement import EARLY, Choice, NotAStatement, Statement, answers_with, decode, encode, lines_with
from flows.turns import Answer, Command, Notice, State, Tick, Turn, Understood
from messages.render import render
from messages.words import english

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
CALM = settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck))
THP = Line(agents=("taxane", "trastuzumab", "pertuzumab"), outcome="progression")
T_DM1 = Line(agents=("t_dm1",), outcome="progression")
CLEAR: dict[str, Any] = {
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": (),
    "chemotherapy": "suitable", "performance_status": "ecog_0_2",
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": (), "prior_lines": (THP,),
    "early_stage_agents": (), "brain_metastases": "none", "hr_status": "negative", "tdxd_access": "unavailable",
    **CLEAR,
}  # fmt: skip
"""A case that leaves nothing to ask."""


def take(state: State, *turns: Turn) -> State:
    """The state after some turns."""
    for turn in turns:
        state, _ = check_step(state, turn)
    return state


def told(state: State, adds: bool = False, **values: Any) -> State:
    """The state after a typed text stated these values, and was confirmed where that is asked."""
    after = take(state, Understood(Statement(values, adds_lines=adds)))
    return take(after, Answer(UNDERSTOOD, (ACCEPT,))) if after.here == UNDERSTOOD else after


def attested() -> State:
    """A case at the gate."""
    return answered(begin(), "oncologist")


def at_the_lines() -> State:
    """A case at the question for lines of therapy."""
    return answered(answered(attested(), "in_scope"), NONE)


def at_the_checklist(**stated: Any) -> State:
    """A case at the safety checklist, some of whose lines were stated."""
    values = {name: value for name, value in WHOLE.items() if name not in CLEAR}
    return told(attested(), **values, **stated)


# --- its short text ---------------------------------------------------------------------------------------


@CALM
@given(seeds)
def test_a_statement_is_its_short_text(seed: int) -> None:
    """S22, S24: what is written into the log reads back as the same statement, however much it says.

    Were it to fail: after a restart a case says something else than was confirmed, or cannot be replayed at all.
    """
    statement = any_statement(random.Random(seed), most=len(FIELDS))
    assert decode(encode(statement)) == statement
    assert from_wire(to_wire(Understood(statement))) == Understood(statement)


@CALM
@given(seeds, st.text(alphabet="abcdefgh_+=;?|/~,0123456789é\x00", max_size=4), st.integers(0, 400), st.integers(0, 4))
def test_any_other_text_is_refused(seed: int, put: str, at: int, gone: int) -> None:
    """S25: a text that `encode` did not write is refused, or is one it would write.

    Were it to fail: a forged or spoilt turn holds what no typed text can state, or one statement has two texts.
    """
    text = encode(any_statement(random.Random(seed)))
    text = text[: at % (len(text) + 1)] + put + text[at % (len(text) + 1) + gone :]
    try:
        statement = decode(text)
    except NotAStatement:
        return
    assert encode(statement) == text
    Profile.model_validate({name: value for name, value in statement.values.items() if name != "gate"})


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "hr_status", "hr_status=", "=positive", "hr_status=maybe", "nonsense=1", "role=oncologist",
        "review=confirm", "hr_status=positive;hr_status=positive", "lvef=normal;hr_status=positive", "+lines",
        "+lines;hr_status=positive", "months_since_adjuvant_her2=07", "months_since_adjuvant_her2=-1",
        "months_since_adjuvant_her2=٣", "months_since_adjuvant_her2=999", "prior_lines=t_dxd", "gate=review",
        "prior_lines=t_dxd/cured", "prior_lines=enhertu/progression", "?line_1=t_dm1", "?line_0=t_dm1",
        "prior_lines=/;?line_2=t_dm1", "prior_lines=/;?line_1=accept", "prior_lines=/;?line_1=t_dm1|t_dm1",
        "?hr_status=positive|maybe", "?prior_lines=none", "?red_flags=none", "?gate=in_scope", "~", "~=positive",
        "hr_status=positive;", "safety=none", "stated=lvef", "prior_lines=" + "/," * MOST_LINES + "/",
    ],
)  # fmt: skip
def test_what_no_text_states_is_refused(text: str) -> None:
    """S1, S25: unknown fields, attestation and review, other values, places that do not exist.

    Were it to fail: a button or request of somebody's own making answers what only a person may.
    """
    with pytest.raises(NotAStatement):
        decode(text)
    with pytest.raises(NotATurn):
        raise NotATurn if "=" not in text else _refused(text)


def _refused(text: str) -> Exception:
    try:
        from_wire(f"{UNDERSTOOD}:{text}")
    except NotATurn as error:
        return error
    return AssertionError(f"{text} is a turn")


# --- taken down, and taken back ---------------------------------------------------------------------------


@CALM
@given(seeds, st.integers(0, 60), seeds)
def test_accepted_and_taken_back_is_as_before(seed: int, position: int, other: int) -> None:
    """What was typed and confirmed can be taken back as one step, and discarding it leaves no trace.

    Were it to fail: /undo leaves half of what was typed, or loses an answer that stood before it.
    """
    before = any_state(seed, position)
    assume(before.here != "not_professional")
    statement = any_statement(random.Random(other))
    waits, replies = step(before, Understood(statement), KNOWLEDGE)
    if isinstance(replies[0], Notice) and replies[0].code != "understood":
        assert waits == before
        return
    while waits.statement is not None and waits.statement.choices:
        waits = take(waits, Answer(UNDERSTOOD, tuple(waits.statement.choices[0].readings[0].split("+"))))
    if waits.statement is not None:
        assert take(waits, Answer(UNDERSTOOD, (DISCARD,))) == before
        assert take(waits, Command("undo")) == before
        assert take(waits, Command("back")) == before
        waits = take(waits, Answer(UNDERSTOOD, (ACCEPT,)))
    again = take(waits, Answer(UNDERSTOOD, (TAKE_BACK,)))
    assert (again.answers, again.here) == (before.answers, before.here)
    assert take(waits, Command("undo")) == again
    assert step(again, Answer(UNDERSTOOD, (TAKE_BACK,)), KNOWLEDGE)[0] == again


@CALM
@given(seeds, st.integers(0, 60), seeds)
def test_nothing_stated_is_lost(seed: int, position: int, other: int) -> None:
    """S14: after confirming, the profile says what was stated; what no question asks for here is named.

    Were it to fail: a contraindication somebody typed is dropped without a word.
    """
    before = any_state(seed, position)
    assume(before.here not in ("not_professional", "cancelled") and before.attested)
    draw = random.Random(other)
    values = {name: any_value(name, draw) for name in draw.sample(FIELDS, draw.randint(1, len(FIELDS)))}
    waits, replies = step(before, Understood(Statement(values)), KNOWLEDGE)
    if waits.here == UNDERSTOOD:
        waits, replies = step(waits, Answer(UNDERSTOOD, (ACCEPT,)), KNOWLEDGE)
    elif replies[0].code == "nothing_understood":  # type: ignore[union-attr]
        assert waits == before
        return
    notice = replies[0]
    assert isinstance(notice, Notice)
    said = render(notice, WORDS).text
    for name, value in values.items():
        known = getattr(waits.profile, name)
        if isinstance(value, tuple) and name != "prior_lines":
            assert set(known) == set(value), name
        elif name == "prior_lines":
            assert [(set(line.agents), line.outcome) for line in known] == [
                (set(line.agents), line.outcome) for line in value
            ]
        elif known != value:
            assert known is None, f"{name}: {value} became {known}"
            assert name in notice.details
            assert WORDS.label(name) in said


@CALM
@given(seeds, seeds)
def test_a_log_of_typed_and_tapped_turns_replays(seed: int, other: int) -> None:
    """S24: the turns that changed a case, folded at once, give what each of them gave in its time.

    Were it to fail: after a restart of the service a conversation stands elsewhere, or holds other answers.
    """
    draw = random.Random(seed * 5_000 + other)
    state, turns = begin(), list[Turn]()
    states = [state]
    for _ in range(25):
        turn = any_turn(state, draw)
        after, _ = step(state, turn, KNOWLEDGE)
        if after != state:
            turns.append(from_wire(to_wire(turn)))
            states.append(after)
            state = after
    for cut in (len(turns) // 2, len(turns) - 1):
        assert fold(turns[:cut], KNOWLEDGE) == states[cut], turns[:cut]
    assert fold(turns, KNOWLEDGE) == state, turns


def any_turn(state: State, draw: random.Random) -> Turn:
    """Something a person may do where a case stands: mostly answer, and type something every now and then."""
    kind = draw.random()
    if kind < 0.2:
        return Understood(any_statement(draw, 3))
    if kind < 0.4 or state.here not in QUESTIONS:
        return Command(*draw.choice((("undo",), ("back",), ("undo",), ("edit", draw.choice(FIELDS)), ("cancel",))))
    if kind < 0.5 and QUESTIONS[state.here].kind == "several":
        return Tick(state.here, draw.choice(options_now(state.here, state.answers)), draw.random() < 0.8)
    if state.here == UNDERSTOOD and not state.statement.choices and kind < 0.9:  # type: ignore[union-attr]
        return Answer(UNDERSTOOD, (ACCEPT,))
    return Answer(state.here, choices(draw, state))


@CALM
@given(seeds, st.integers(0, 12), seeds)
def test_typed_first_or_tapped_first_is_the_same_case(seed: int, position: int, other: int) -> None:
    """S21: some facts typed at any time, the rest tapped, in either order: one case, and one answer to it.

    Were it to fail: whether a clinician types or taps decides what is recommended.
    """
    goal = walk_to_review(seed)
    assume(goal is not None)
    assert goal is not None
    draw = random.Random(other)
    known = {name: value for name in FIELDS if (value := getattr(goal.profile, name)) is not None}
    typed = {name: known[name] for name in draw.sample(sorted(known), draw.randint(1, len(known)))}
    state = begin()
    for number in range(60):
        if state.here in FINALS or state.here == "review":
            break
        if number == position:
            state = told(state, **typed)
            continue
        state = answered(state, *as_in(goal, state))
    if position >= number:
        state = told(state, **typed)
    assert state.here == "review"
    one, two = answered(goal, "confirm"), answered(state, "confirm")
    assert sorted_lists(two.profile) == sorted_lists(one.profile)
    assert advice_of(one, KNOWLEDGE).regimens == advice_of(two, KNOWLEDGE).regimens


def as_in(goal: State, state: State) -> tuple[str, ...]:
    """What the case `goal` says to the question another one stands at."""
    here, profile = state.here, goal.profile
    if here == "prior_lines":
        lines, entered = goal.answers[here].lines, state.answers.get(here, Lines()).lines
        return lines[len(entered)].agents or (NOT_KNOWN,) if len(entered) < len(lines) else (DONE,)
    if here == "line_outcome":
        return (str(goal.answers["prior_lines"].lines[state.answers["prior_lines"].pending_at].outcome),)
    if here == "safety":
        ticked = [item for item in still_asked(state.answers) if item in goal.answers["safety"]]
        unknown = [item for item in still_asked(state.answers) if getattr(profile, item) == NOT_KNOWN]
        return (*ticked, *([NOT_KNOWN] if set(unknown) - set(ticked) else [])) or (NONE,)
    if here == "safety_unknown":
        offered = [item for item in options_now(here, state.answers) if item in ITEMS]
        return tuple(item for item in offered if getattr(profile, item) == NOT_KNOWN) or (NONE,)
    value = goal.answers[here] if here in goal.answers else getattr(profile, here)
    return value if isinstance(value, tuple) else (str(value),)


def sorted_lists(profile: Profile) -> dict[str, Any]:
    """A profile, the order within its lists left out."""
    document = profile.model_dump()
    for name in ("early_stage_agents", "interacting_medicines", "red_flags"):
        document[name] = sorted(document[name] or ())
    document["prior_lines"] = [(sorted(line["agents"]), line["outcome"]) for line in document["prior_lines"]]
    return document


# --- stops ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left_out", ["her2_status", "setting", "red_flags", *ITEMS, None])
def test_a_whole_case_typed_passes_no_stop(left_out: str | None) -> None:
    """S1, S4: attestation is asked whatever was typed; so are gate, emergencies and checklist where a part is missing.

    Were it to fail: a typed case is ranked for somebody who never said who they are, or with an emergency unasked.
    """
    values = {name: value for name, value in WHOLE.items() if name != left_out}
    waits = take(begin(), Understood(Statement(values)))
    assert waits.here == UNDERSTOOD
    asked = told(begin(), **values)
    assert asked.here == "role"
    wanted = {"her2_status": "gate", "setting": "gate", "red_flags": "red_flags", None: "review"}.get(
        left_out, "safety"
    )
    after = answered(asked, "oncologist")
    assert after.here == wanted
    if wanted == "safety":
        assert options_now("safety", after.answers) == (left_out, NONE, NOT_KNOWN)


def test_what_follows_from_the_treatment_waits() -> None:
    """S1: HER2 status that only follows from the drugs is shown before it answers the gate.

    Were it to fail: a drug name alone answers who the tool is for.
    """
    implied = Statement(
        {"her2_status": "positive", "setting": "metastatic", "prior_lines": (THP,)},
        implied=frozenset({"her2_status", "setting"}),
    )
    waits = take(attested(), Understood(implied))
    assert waits.here == UNDERSTOOD
    assert "follows from the treatment" in render(step(waits, Command("here"), KNOWLEDGE)[1][0], WORDS).text


@pytest.mark.parametrize(
    ("stated", "here"),
    [
        ({"pregnancy": "present"}, "safety"),
        ({"performance_status": "ecog_3_4"}, "safety"),
        ({"leptomeningeal": "present"}, "brain_metastases"),
        ({"red_flags": ("cord_compression",)}, "red_flags"),
    ],
)
def test_what_is_referred_is_referred_once_its_question_is_passed(stated: dict[str, Any], here: str) -> None:
    """S3, S4: pregnancy, ECOG 3-4, leptomeningeal disease, an emergency, typed first, end in the referral.

    Were it to fail: drugs are ranked for a patient whose stop was typed instead of tapped.
    """
    state = answered(told(begin(), **stated), "oncologist")
    for _ in range(12):
        if state.here in FINALS:
            break
        assert state.here != "review"
        answer = {"gate": "in_scope", "prior_lines": DONE, "brain_metastases": "none", "safety": NONE}
        last = state.here
        state = answered(state, answer.get(last, NONE if NONE in options_now(last, state.answers) else NOT_KNOWN))
    assert state.here == "referred"
    assert here in (last, "red_flags")


@pytest.mark.parametrize("state", [begin(), attested()], ids=["before attestation", "at the gate"])
def test_an_emergency_is_named_at_once(state: State) -> None:
    """S4: the time-critical sentence stands where an emergency was typed, whatever is still to be asked.

    Were it to fail: a clinician confirms a list, and taps through questions, with a patient who seizes.
    """
    flags: dict[str, Any] = {"red_flags": ("seizure_or_raised_icp",)}
    for values in (flags, {**flags, "hr_status": "negative"}):
        _, replies = step(state, Understood(Statement(values)), KNOWLEDGE)
        assert "Time-critical" in render(replies[0], WORDS).text
    choice = Choice("hr_status", ("positive", "negative"))
    _, replies = step(state, Understood(Statement(flags, (choice,))), KNOWLEDGE)
    assert "Time-critical" in render(replies[0], WORDS).text


# --- the checklist ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("chosen", [NONE, NOT_KNOWN])
def test_a_stated_line_is_not_asked_and_not_overruled(item: str, chosen: str) -> None:
    """S11: a line of the checklist that was stated is not offered, and no answer for the rest changes it.

    Were it to fail: "Some are not known" turns a measured value into an unknown one, or "None" clears a finding.
    """
    worst = {"interacting_medicines": ("warfarin",), "hepatic_impairment": "severe", "dpd_deficiency": "complete"}
    asked = {"ild_history": "present", "lvef": "reduced", "renal_impairment": "severe", "platelets": "low",
             "chemotherapy": "unsuitable", "pregnancy": "unknown", "performance_status": "unknown"}  # fmt: skip
    value = {**worst, **asked}[item]
    state = at_the_checklist(**{item: value})
    assert item not in options_now("safety", state.answers)
    message = render(step(state, Command("here"), KNOWLEDGE)[1][0], WORDS).text
    assert f"{WORDS.label(item)}: {WORDS.value(item, value)}" in message
    after = answered(state, chosen)
    if after.here == "safety_unknown":
        assert item not in options_now("safety_unknown", after.answers)
        after = answered(after, ALL)
    assert getattr(after.profile, item) == value
    others = [getattr(after.profile, name) for name in ITEMS if name != item]
    assert (others == [NOT_KNOWN] * len(others)) == (chosen == NOT_KNOWN)
    assert after.here == "review"


def test_edit_on_the_checklist_gives_every_line() -> None:
    """S11: Edit opens the whole checklist, stated lines too, as if ticked by hand; leaving it changes nothing.

    Were it to fail: what was typed once can never be unticked.
    """
    for stated in ({"lvef": "reduced"}, {"lvef": "unknown"}, {"hepatic_impairment": "moderate"}, CLEAR):
        review = at_the_checklist(**stated)
        review = review if review.here == "review" else answered(review, NONE)
        editing = take(review, Command("edit", "safety"))
        assert editing.here == "safety"
        assert set(ITEMS) <= set(options_now("safety", editing.answers))
        assert take(editing, Command("back")).profile == review.profile
        assert answered(editing, NONE).profile == at_the_checklist(**CLEAR).profile


def test_a_line_stated_in_the_middle_of_the_checklist_leaves_the_rest_open() -> None:
    """S11: a fact typed while the kinds or the unknown lines are asked answers only itself.

    Were it to fail: one typed value makes every other line "not known", or "checked and absent".
    """
    asked = answered(at_the_checklist(), "platelets", NOT_KNOWN)
    assert asked.here == "safety_unknown"
    after = told(asked, lvef="normal")
    assert after.here == "safety_unknown"
    assert "lvef" not in options_now("safety_unknown", after.answers)
    assert answered(after, "ild_history").profile.lvef == "normal"
    kinds = answered(at_the_checklist(), "hepatic_impairment", "dpd_deficiency")
    assert kinds.here == "hepatic_impairment"
    assert told(kinds, hepatic_impairment="moderate").here == "dpd_deficiency"
    assert told(kinds, hepatic_impairment="moderate").profile.hepatic_impairment == "moderate"
    assert told(kinds, hepatic_impairment="none", dpd_deficiency="partial").here == "review"


def test_a_line_stated_after_nothing_was_known_changes_that_line_only() -> None:
    """S11: with the whole checklist not known, a typed value answers its line. Were it to fail: all is asked again."""
    review = answered(at_the_checklist(), NOT_KNOWN)
    after = told(review, lvef="normal")
    assert after.here == "review"
    assert {getattr(after.profile, item) for item in ITEMS if item != "lvef"} == {NOT_KNOWN}
    assert take(after, Command("undo")).profile == review.profile


def test_ticks_are_kept_while_something_else_is_typed() -> None:
    """S11: what is ticked and not finished stays ticked through a typed fact, confirmed or discarded.

    Were it to fail: a contraindication is ticked, a number is typed, and the tick is gone.
    """
    ticked = take(at_the_checklist(), Tick("safety", "ild_history"), Tick("safety", "lvef"))
    assert told(ticked, hr_status="positive").ticked == ("ild_history", "lvef")
    assert told(ticked, lvef="normal").ticked == ("ild_history",)
    waits = take(ticked, Understood(Statement({"hr_status": "positive", "platelets": "low"})))
    assert take(waits, Answer(UNDERSTOOD, (DISCARD,))) == ticked
    assert take(waits, Answer(UNDERSTOOD, (ACCEPT,))).ticked == ("ild_history", "lvef")
    done = answered(answered(at_the_checklist(), "platelets", NOT_KNOWN), "lvef")
    assert take(take(done, Command("edit", "safety"), Tick("safety", "lvef")), Understood(
        Statement({"hr_status": "positive", "lvef": "normal"}))).ticked == ()  # fmt: skip


# --- lines of therapy -------------------------------------------------------------------------------------


def test_lines_come_after_those_entered_once() -> None:
    """A line typed at the lines' question comes after the others; the history told again is not entered twice.

    Were it to fail: a regimen counts as two lines, or the lines entered before are gone.
    """
    one = told(at_the_lines(), adds=True, prior_lines=(THP,))
    assert one.here == "prior_lines"
    two = told(one, adds=True, prior_lines=(T_DM1,))
    assert two.profile.prior_lines == (THP, T_DM1)
    again = told(one, adds=True, prior_lines=(THP, T_DM1))
    assert again.profile.prior_lines == (THP, T_DM1)
    assert told(two, prior_lines=(T_DM1,)).profile.prior_lines == (T_DM1,)
    assert step(one, Understood(Statement({"prior_lines": (THP,)}, adds_lines=True)), KNOWLEDGE)[0] == one


def test_an_open_line_is_completed() -> None:
    """Agents or outcome typed while a line is being entered belong to that line.

    Were it to fail: half a line stays open and a second one is made of its end.
    """
    tapped = answered(at_the_lines(), "trastuzumab_chemotherapy")
    assert tapped.here == "line_agents"
    both = told(tapped, adds=True, prior_lines=(Line(agents=("vinorelbine",), outcome="progression"),))
    assert both.profile.prior_lines == (Line(agents=("trastuzumab", "vinorelbine"), outcome="progression"),)
    how = told(answered(at_the_lines(), "t_dxd"), adds=True, prior_lines=(Line(outcome="toxicity"), T_DM1))
    assert how.profile.prior_lines == (Line(agents=("t_dxd",), outcome="toxicity"), T_DM1)
    other = told(answered(at_the_lines(), "t_dxd"), adds=True, prior_lines=(T_DM1,))
    assert other.here == "line_outcome"
    assert other.answers["prior_lines"].pending_at == 0


def test_lines_without_an_outcome_are_asked_one_by_one_and_back() -> None:
    """Each line typed without an outcome is asked for it, oldest first; /back leads through them again.

    Were it to fail: /back shows the same question for ever, or throws the whole history away.
    """
    state = told(at_the_lines(), prior_lines=(Line(agents=("t_dxd",)), Line(), THP), hr_status="negative")
    assert (state.here, state.answers["prior_lines"].pending_at) == ("line_outcome", 0)
    assert take(state, Command("back")).here == "prior_lines"  # nothing was answered since: it is taken back
    second = answered(state, "progression")
    assert (second.here, second.answers["prior_lines"].pending_at) == ("line_outcome", 1)
    assert take(second, Command("back")).answers["prior_lines"].pending_at == 0
    third = answered(second, NOT_KNOWN)
    assert third.here == "early_stage_agents"
    assert [line.outcome for line in third.profile.prior_lines or ()] == ["progression", "unknown", "progression"]
    before = take(second, Command("back"), Command("back"))
    assert before.here == "red_flags"
    assert len(before.answers["prior_lines"].lines) == 3


def test_more_lines_than_a_profile_holds_are_refused() -> None:
    """S33: nothing is cut off in silence. Were it to fail: the latest lines, which matter most, are dropped."""
    full = told(at_the_lines(), adds=True, prior_lines=(THP,) * MOST_LINES)
    assert len(full.profile.prior_lines or ()) == MOST_LINES
    after, replies = step(full, Understood(Statement({"prior_lines": (T_DM1,)}, adds_lines=True)), KNOWLEDGE)
    assert after == full
    assert replies[0].code == "too_many_lines"  # type: ignore[union-attr]


def test_the_longest_statement_fits() -> None:
    """S24, S33: the most a profile can hold, with every choice, is still a turn. Were it to fail: it cannot be kept."""
    lines = (Line(agents=AGENTS, outcome="progression"),) * MOST_LINES
    whole = {**WHOLE, "prior_lines": lines, "early_stage_agents": AGENTS}
    choices_ = tuple(Choice(EARLY, tuple("+".join((one, *AGENTS[:4])) for one in AGENTS[5:11])) for _ in range(12))
    statement = Statement(whole, choices_)
    assert decode(encode(statement)) == statement


# --- what is asked back, and merged -----------------------------------------------------------------------


def test_what_is_unclear_is_asked_first() -> None:
    """Readings are asked one after the other, then the whole is shown; none of them leaves the place open.

    Were it to fail: a list is confirmed in which a drug is guessed, or missing unnoticed.
    """
    line = Line(agents=(), outcome="progression")
    unclear = Statement(
        {"prior_lines": (THP, line)},
        (Choice("line_2", ("t_dm1", "t_dxd")), Choice(EARLY, ("trastuzumab+pertuzumab",))),
    )
    state = take(at_the_lines(), Understood(unclear))
    assert options_now(UNDERSTOOD, state.answers) == ("t_dm1", "t_dxd", NEITHER, DISCARD)
    assert step(state, Answer(UNDERSTOOD, (ACCEPT,)), KNOWLEDGE)[0] == state
    chosen = take(state, Answer(UNDERSTOOD, ("t_dxd",)))
    assert take(state, Answer(UNDERSTOOD, ("reading_2",))) == chosen
    assert options_now(UNDERSTOOD, chosen.answers)[0] == "trastuzumab+pertuzumab"
    done = take(chosen, Answer(UNDERSTOOD, (NEITHER,)), Answer(UNDERSTOOD, (ACCEPT,)))
    assert done.profile.prior_lines == (THP, Line(agents=("t_dxd",), outcome="progression"))
    assert done.here == "early_stage_agents", "what was said of early treatment is unclear: it is asked"
    alone = take(at_the_lines(), Understood(Statement({}, (Choice(EARLY, ("t_dm1",)),))))
    assert take(alone, Answer(UNDERSTOOD, (NEITHER,))) == at_the_lines()


def test_a_later_text_corrects_what_waits() -> None:
    """What is typed while something waits is added to it, and the later word counts, choices included.

    Were it to fail: a correction before confirming is ignored, or a reading lands on another line.
    """
    first = Statement(
        {"gate": "other_tumour", "hr_status": "positive", "prior_lines": (THP, Line())}, (Choice("line_2", ("t_dm1",)),)
    )
    later = Statement({"hr_status": "negative", "prior_lines": (THP,), "her2_status": "positive"})
    both = first.merged(later)
    assert both.values == {"hr_status": "negative", "prior_lines": (THP,), "her2_status": "positive"}
    assert both.choices == ()
    asks = first.merged(Statement({}, (Choice("hr_status", ("positive", "negative")),)))
    assert [choice.target for choice in asks.choices] == ["line_2", "hr_status"]
    implied = Statement({"her2_status": "positive"}, implied=frozenset({"her2_status"}))
    assert implied.merged(Statement({"her2_status": "low"})).stated == {"her2_status"}
    assert Statement({"her2_status": "low"}).merged(implied).values == {"her2_status": "low"}


def test_the_gate_in_parts() -> None:
    """HER2 status and setting, typed one after the other, answer the gate together; a tapped gate counts alone.

    Were it to fail: half the patient group is taken for the whole, or has to be said twice.
    """
    half = told(attested(), her2_status="positive")
    assert half.here == "gate"
    assert "HER2 status: positive" in render(step(half, Command("here"), KNOWLEDGE)[1][0], WORDS).text
    assert told(half, setting="metastatic").here == "red_flags"
    assert answered(half, "her2_low").here == "declined"
    assert told(answered(attested(), "her2_low"), her2_status="positive", setting="metastatic").here == "red_flags"
    assert told(answered(attested(), "her2_low"), gate="other_tumour").here == "declined"


def test_the_places_it_waits_at() -> None:
    """Where something waits, other answers, edits and ticks are refused by name, and nothing is changed.

    Were it to fail: a tap on an older screen slips in between a typed case and its confirmation.
    """
    waits = one_of_each()[UNDERSTOOD]
    for turn in (Answer("gate", ("in_scope",)), Tick("safety", "lvef"), Command("edit", "gate")):
        after, replies = step(waits, turn, KNOWLEDGE)
        assert after == waits
        assert [reply.code for reply in replies if isinstance(reply, Notice)] == ["confirm_first"]
    assert step(waits, Command("why"), KNOWLEDGE)[1][0].topic == "why_question"  # type: ignore[union-attr]
    assert take(waits, Command("cancel")).here == "cancelled"


def test_a_case_typed_after_the_end() -> None:
    """After an answer a fact changes the case and leads to its review; after /cancel a text begins a new one.

    Were it to fail: the only way on from an answer is to enter everything again, or an ended case goes on.
    """
    review = told(attested(), **WHOLE)
    end = answered(review, "confirm")
    assert end.here == "advice"
    changed = told(end, hr_status="positive")
    assert changed.here == "review"
    assert take(changed, Command("undo")).here == "advice"
    waits = take(end, Understood(Statement({"hr_status": "positive", "lvef": "reduced"})))
    assert take(waits, Answer(UNDERSTOOD, (DISCARD,))) == end
    cancelled = take(end, Command("cancel"))
    assert told(cancelled, **WHOLE).here == "role"
    turned_away = answered(begin(), "not_professional")
    assert step(turned_away, Understood(Statement(WHOLE)), KNOWLEDGE)[0] == turned_away


def test_answers_and_profile_agree() -> None:
    """The checklist typed in full is the checklist ticked in full. Were it to fail: they are two different cases."""
    for changed in ({}, {"lvef": "unknown"}, {"hepatic_impairment": "severe", "lvef": "unknown"}):
        profile = Profile.model_validate({**WHOLE, **changed})
        typed = answers_with(Statement({**WHOLE, **changed}), {"role": "oncologist"})
        assert "safety" in typed
        assert told(attested(), **{**WHOLE, **changed}).profile == profile
        ticks = checklist_of(profile)
        assert not ticks or set(ticks) <= {"safety", "safety_unknown", *FOLLOW_UPS}


def _lines(*said: str) -> tuple[Line, ...]:
    """Lines as `agents/outcome`."""
    return tuple(
        Line(agents=tuple(agents.split("+")) if agents else (), outcome=outcome or None)  # type: ignore[arg-type]
        for agents, _, outcome in (line.partition("/") for line in said)
    )


@pytest.mark.parametrize(
    ("known", "told", "together"),
    [
        (("taxane+trastuzumab/progression", "t_dm1/"), ("t_dxd/progression",),
         ("taxane+trastuzumab/progression", "t_dm1/", "t_dxd/progression")),
        (("taxane+trastuzumab/progression", "t_dm1/progression"), ("t_dm1/toxicity",),
         ("taxane+trastuzumab/progression", "t_dm1/toxicity")),
        (("taxane+trastuzumab/progression", "t_dm1/"), ("/progression",),
         ("taxane+trastuzumab/progression", "t_dm1/progression")),
        (("taxane+trastuzumab/",), ("trastuzumab+vinorelbine/progression", "docetaxel+trastuzumab/"),
         ("trastuzumab+vinorelbine/progression", "docetaxel+trastuzumab/")),
        (("tucatinib+capecitabine+trastuzumab/progression",), ("capecitabine+trastuzumab/progression",),
         ("tucatinib+capecitabine+trastuzumab/progression", "capecitabine+trastuzumab/progression")),
        (("tucatinib+capecitabine+trastuzumab/",), ("tucatinib/progression",),
         ("tucatinib+capecitabine+trastuzumab/progression",)),
        (("t_dm1/",), ("/", "t_dxd/progression"), ("t_dm1/", "t_dxd/progression")),
    ],
)  # fmt: skip
def test_no_line_is_dropped_because_it_was_not_said_again(
    known: tuple[str, ...], told: tuple[str, ...], together: tuple[str, ...]
) -> None:
    """What is typed later replaces the history: earlier lines vanish and the ranking changes."""
    assert lines_with(_lines(*known), _lines(*told))[0] == _lines(*together)


_KNOWN = st.sampled_from(("taxane+trastuzumab+pertuzumab", "t_dm1", "t_dxd", "capecitabine+trastuzumab"))
_TOLD = st.sampled_from(("t_dm1", "t_dxd", "eribulin", "lapatinib+capecitabine", ""))


@CALM
@given(st.lists(_KNOWN, max_size=4), st.lists(_TOLD, max_size=3))
def test_lines_said_beside_others_keep_them_all(known: list[str], told: list[str]) -> None:
    """An agent that was entered is gone after something was typed, or one that was typed is not there."""
    lines, places = lines_with(_lines(*known), _lines(*told))
    agents = {agent for line in lines for agent in line.agents}
    assert {agent for line in (*known, *told) if line for agent in line.split("+")} <= agents
    assert len(places) == len(told)
    for place, line in zip(places, _lines(*told), strict=True):
        assert set(line.agents) <= set(lines[place].agents)
