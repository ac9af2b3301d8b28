"""Questions that matter: what is passed over changes nothing, what is asked can, and safety is always asked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.questions import SITUATIONS, counted, witnessed
from flows.dialogue import FINALS, Answer, Command, State, begin, fold, follow, path, resume, router, step, view_of
from flows.explanation import questions
from flows.explanation.questions import CANDIDATES, bearing, matters, may_be_passed_over, not_asked, readings
from flows.explanation.witnesses import answers_to, completed, completion, profiles
from flows.knowledge.load import Knowledge, shipped
from flows.profile import FIELDS, OPTIONS, Profile
from flows.questionnaire import FOLLOW_UPS, ITEMS, QUESTIONS, STATED, beyond_profile, is_asked, profile_of
from flows.sequencing.recommend import recommend
from flows.share import answers_of
from flows.statement import Statement, answers_with
from flows.turns import Turn, Understood
from flows.when import NOT_KNOWN, When
from messages.asking import bearing_in_words, not_asked_in_words
from messages.document import advice_document
from messages.words import english
from tests.test_dialogue_properties import any_statement, choices

KNOWLEDGE = shipped()
CALM = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SAFETY = ("role", "gate", "red_flags", "prior_lines", "safety", "review")
seeds = st.integers(min_value=0, max_value=2_000)
THINNER = 8
"""Kinds of knowledge with fewer entries: in each other questions are passed over."""


@cache
def thinner(number: int) -> Knowledge:
    """The knowledge shipped without most of what stands beside the options, and without some of what decides them."""
    draw = random.Random(number)

    def some(entries: tuple[Any, ...], share: float) -> tuple[Any, ...]:
        return tuple(entry for entry in entries if draw.random() < share)

    beside, deciding = draw.choice((0.0, 0.1, 0.3)), draw.choice((0.2, 0.4, 0.7))
    regimens = {
        name: regimen.model_copy(update={"fit": regimen.fit if draw.random() < beside else None})
        for name, regimen in KNOWLEDGE.regimens.items()
    }
    return replace(
        KNOWLEDGE,
        regimens=regimens,
        principles=some(KNOWLEDGE.principles, beside),
        pitfalls=some(KNOWLEDGE.pitfalls, beside),
        rules=some(KNOWLEDGE.rules, deciding),
        recommendations=some(KNOWLEDGE.recommendations, deciding),
        stops=some(KNOWLEDGE.stops, 0.9),
    )


def knowledge_of(seed: int) -> Knowledge:
    """The knowledge shipped as often as a thinner one."""
    return KNOWLEDGE if seed % 2 else thinner(seed // 2 % THINNER)


def turns_of(seed: int, knowledge: Knowledge) -> Iterator[tuple[Turn, State]]:
    """A random case with a typed text here and there: each turn and the state after it."""
    draw = random.Random(seed)
    state = begin()
    for _ in range(60):
        if state.here in FINALS:
            return
        turn: Turn
        if state.answers and state.here != "understood" and draw.random() < 0.1:
            turn = Understood(_stated(draw))
        elif state.answers and draw.random() < 0.05:
            turn = Command("edit", draw.choice(FIELDS))
        elif state.here == "understood":
            turn = Answer("understood", tuple(choices(draw, state)))
        else:
            turn = Answer(state.here, choices(draw, state))
        state, _ = step(state, turn, knowledge)
        yield turn, state


def _stated(draw: random.Random) -> Statement:
    """A typed text; often one that ends the ranking ahead of its question."""
    if draw.random() < 0.5:
        return any_statement(draw, most=3)
    return Statement(dict(draw.choice(({"pregnancy": "present"}, {"performance_status": "ecog_3_4"},
                                       {"leptomeningeal": "present"}, {"ild_history": "present"}))))  # fmt: skip


def passed_over(answers: Any, knowledge: Knowledge) -> list[str]:
    """The questions of a case that arise and are passed over, by the proof alone."""
    view = view_of(answers, knowledge)
    return [
        name
        for name in CANDIDATES
        if name not in answers and is_asked(name, answers, view) and not matters(name, answers, view, knowledge)
    ]


def document(profile: Profile, gate: str | None, knowledge: Knowledge) -> dict[str, Any]:
    """The advice document without what only repeats the answers."""
    whole = advice_document(recommend(profile, knowledge, gate), english(knowledge)).model_dump(mode="json")
    del whole["record"]
    return whole


# ---- the proof -------------------------------------------------------------------------------------------------------


@settings(CALM, max_examples=250)
@given(seeds)
def test_a_question_passed_over_changes_nothing(seed: int) -> None:
    """S11, S19: whatever a question passed over would have been answered with, the advice is the same to the letter.

    Were it to fail: a question is left out although its answer decides something.
    """
    knowledge, draw = knowledge_of(seed), random.Random(seed)
    seen: set[str] = set()
    for _, state in turns_of(seed, knowledge):
        over = passed_over(state.answers, knowledge)
        for name in set(over) - seen:  # once it is passed over, later answers are among the completions
            gate, known = beyond_profile(state.answers), profile_of(state.answers)
            for attempt in range(2):
                rest = completion(draw if attempt else None)
                full = completed(known.model_copy(update={name: rest[name]}), rest, knowledge)
                without = document(full.model_copy(update={name: None}), gate, knowledge)
                for answer in answers_to(name):
                    profile = full.model_copy(update={name: answer})
                    assert document(profile, gate, knowledge) == without, f"{name}: {answer}"
        seen = set(over)


def test_what_is_passed_over_in_the_cases_tested() -> None:
    """Were it to fail: the test above compares nothing, because nothing is passed over in it."""
    found: Counter[str] = Counter()
    for seed in range(250):
        knowledge = knowledge_of(seed)
        for _, state in turns_of(seed, knowledge):
            kind = "shipped" if knowledge is KNOWLEDGE else "thinner"
            found.update(f"{kind} {name}" for name in passed_over(state.answers, knowledge))
    assert {name for name in found if name.startswith("shipped")} == {
        "shipped months_since_adjuvant_her2", "shipped tdxd_access"
    }  # fmt: skip
    assert {name.partition(" ")[2] for name in found if name.startswith("thinner")} >= {
        "early_stage_agents", "months_since_adjuvant_her2", "extracranial_disease", "hr_status", "tdxd_access",
    }  # fmt: skip


NAMES = ("brain_metastases", "hr_status", "ild_history", "platelets", "extracranial_disease")


def any_condition(draw: random.Random, depth: int = 3) -> dict[str, Any]:
    """A condition of a few fields, as deep as one of the knowledge may be."""
    kind = draw.choice(("is", "is", "any", "all", "not", "received", "relapse")) if depth else "is"
    if kind == "is":
        name = draw.choice(NAMES)
        return {name: draw.sample(OPTIONS[name], draw.choice((1, 1, 2)))}
    if kind == "relapse":
        return {"relapse": draw.sample(("none", "within_6", "within_12", "over_12"), draw.choice((1, 2)))}
    if kind == "received":
        operator = draw.choice(("includes_any", "includes_none", "includes_all"))
        name = draw.choice(("received", "received_early", "received_ever"))
        return {name: {operator: draw.sample(("t_dxd", "t_dm1", "taxane"), draw.choice((1, 2)))}}
    if kind == "not":
        return {"not": any_condition(draw, depth - 1)}
    return {kind: [any_condition(draw, depth - 1) for _ in range(draw.choice((1, 2, 3)))]}


@settings(CALM, max_examples=1_500)
@given(st.integers(min_value=0, max_value=10**9))
def test_a_condition_that_is_not_turned_says_the_same(seed: int) -> None:
    """S11: where the proof says a field cannot turn a condition, truth and printed reason are the same for each value.

    Were it to fail: the proof is wrong for some form of condition, also for one no entry has today.
    """
    draw = random.Random(seed)
    when = When(any_condition(draw))
    history = ("early_stage_agents", "months_since_adjuvant_her2")
    field = draw.choice((*NAMES, *history))
    told = [name for name in (*NAMES, "prior_lines", *history) if draw.random() < 0.5]
    answered = {name: _few(draw)[name] for name in told if name != field}
    known = questions._known(Profile.model_validate(_dumped(answered | {field: None})), None, KNOWLEDGE)
    reading = replace(readings(KNOWLEDGE)["region"], field=field, names=questions.names_of(field))
    if questions._turned(when.tree, reading, known):
        return
    for _ in range(3):
        rest = _dumped(_few(draw) | answered)
        said = set()
        for value in (None, *(_few(draw)[field] for _ in range(4))):
            view = questions.findings(Profile.model_validate(rest | _dumped({field: value})), KNOWLEDGE.classes)
            holds = when.holds(view)
            open_now = holds is None
            said.add((holds, when.because(view), *((when.needed(view), when.holding(view)) if open_now else ())))
        assert len(said) == 1, (when.source, field, answered, said)


def _few(draw: random.Random) -> dict[str, Any]:
    """An answer to every field; of the agents only those the conditions above name, and one beside them."""
    agents = ("t_dxd", "t_dm1", "taxane", "trastuzumab")
    lines = [{"agents": draw.sample(agents, draw.choice((0, 1, 2))), "outcome": "progression"}] * draw.choice((0, 1, 2))
    early = draw.choice((NOT_KNOWN, (), tuple(draw.sample(agents, draw.choice((1, 2))))))
    return completion(draw) | {"prior_lines": lines, "early_stage_agents": early}


def _dumped(values: dict[str, Any]) -> dict[str, Any]:
    return Profile.model_validate(values).model_dump(exclude_none=True)


def access_matters_where(when: dict[str, Any], row: str | None = None) -> Knowledge:
    """The knowledge in which nothing reads the access to T-DXd but the rule on its being unavailable, in some cases."""
    rules = []
    for rule in KNOWLEDGE.rules:
        if rule.id == "t_dxd_unavailable":
            when = {"all": [when, rule.when.source]} if when else dict(rule.when.source)
            rules.append(rule.model_copy(update={"when": When(when), "row": row or rule.row}))
        elif "tdxd_access" not in rule.when.fields:
            rules.append(rule)
    return replace(KNOWLEDGE, rules=tuple(rules), pitfalls=())


def test_what_would_change_counts() -> None:
    """Were it to fail: "what would change" is said of a case without an answer that decides it.

    Access matters here only with active brain metastases. There are none, but that is one of the changes looked at.
    """
    knowledge = access_matters_where({"brain_metastases": "active"})
    answers = {name: value for name, value in stopped_by_pregnancy().items() if name != STATED}
    full = completed(profile_of(answers), completion(None), knowledge)
    available, unavailable = (
        document(full.model_copy(update={"tdxd_access": access}), None, knowledge)
        for access in ("available", "unavailable")
    )
    assert available.pop("would_change") != unavailable.pop("would_change")
    assert available == unavailable
    assert not passed_over(answers, knowledge)


def test_what_is_shown_beside_a_stop_counts() -> None:
    """Were it to fail: an exclusion that is shown with a referral is lost, because its question was passed over."""
    assert passed_over(stopped_by_pregnancy(), access_matters_where({})) == ["tdxd_access"]
    assert not passed_over(stopped_by_pregnancy(), access_matters_where({}, row="R31"))


def test_what_may_still_be_asked_is_open() -> None:
    """Were it to fail: a proof rests on "not known" while of which lines nothing is known is still asked."""
    answers = {**stopped_by_pregnancy(), "safety": ("lvef", NOT_KNOWN)}
    assert "performance_status" in questions._certain("tdxd_access", answers, KNOWLEDGE).open
    answers["safety_unknown"] = ("ild_history",)
    assert questions._certain("tdxd_access", answers, KNOWLEDGE).view["performance_status"] == "ecog_0_2"


@settings(CALM, max_examples=150)
@given(seeds)
def test_what_is_passed_over_stays_so(seed: int) -> None:
    """S21: answering later questions never brings back one that was passed over.

    Were it to fail: a clinician near the end is sent back to a question.
    """
    knowledge = thinner(seed % THINNER)
    draw, state, gone = random.Random(seed), begin(), set()
    if seed % 3 == 0:
        state, _ = step(state, Answer("role", ("oncologist",)), knowledge)
        state, _ = step(state, Understood(Statement({"pregnancy": "present"})), knowledge)
    while state.here not in FINALS:
        assert state.here not in gone
        gone |= set(passed_over(state.answers, knowledge)) - set(state.answers)
        state, _ = step(state, Answer(state.here, choices(draw, state)), knowledge)


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_question_that_is_asked_has_a_witness(name: str) -> None:
    """Were it to fail: a question is asked although no answer to it seems to change anything: the proof's slack."""
    asked, found, example = witnessed(name, KNOWLEDGE)
    assert (asked, found) == (SITUATIONS, SITUATIONS)
    assert example is not None
    one, other = (
        document(example.profile.model_copy(update={name: answer}), None, KNOWLEDGE)
        for answer in (example.first, example.second)
    )
    assert one != other


# ---- the dialogue ----------------------------------------------------------------------------------------------------


@settings(CALM, max_examples=120)
@given(seeds)
def test_safety_is_always_asked(seed: int) -> None:
    """S1, S4, S20: whatever the knowledge reads, no case is ranked without its safety questions.

    Were it to fail: a knowledge in which an entry is missing silently drops the question for it.
    """
    knowledge = thinner(seed % THINNER)
    for _, state in turns_of(seed, knowledge):
        if state.here in ("review", "advice") and not state.editing:
            wanted = [*SAFETY[:-1], *(name for name in FOLLOW_UPS if name in state.answers["safety"])]
            stated = dict(state.answers.get(STATED, ()))
            assert not [name for name in wanted if name not in state.answers and name not in stated]
    assert not set(SAFETY) & set(CANDIDATES)
    assert not set(ITEMS) & set(CANDIDATES)


def test_nothing_read_asks_only_what_is_always_asked() -> None:
    """Were it to fail: the machine does not follow the proof."""
    regimens = {name: one.model_copy(update={"fit": None}) for name, one in KNOWLEDGE.regimens.items()}
    empty = replace(
        KNOWLEDGE, rules=(), recommendations=(), principles=(), pitfalls=(), stops=(), regimens=regimens
    )  # fmt: skip
    state = begin()
    asked = []
    for chosen in ("oncologist", "in_scope", "none", "done", "none", "confirm"):
        asked.append(state.here)
        state, _ = step(state, Answer(state.here, (chosen,)), empty)
    assert asked == ["role", "gate", "red_flags", "prior_lines", "safety", "review"]
    assert state.here == "advice"


@settings(CALM, max_examples=150)
@given(seeds)
def test_folded_turns_stand_where_steps_do(seed: int) -> None:
    """S21, S25: a case read back from its turns, or from its answers, stands at the same question.

    Were it to fail: after a restart of the service a clinician is at another question than before.
    """
    knowledge = knowledge_of(seed)
    turns: list[Turn] = []
    for turn, state in turns_of(seed, knowledge):
        turns.append(turn)
        assert fold(turns, knowledge) == state
        if not state.editing and state.here != "region":
            for region in (None, "us", "china"):
                assert resume(state.answers, knowledge, region).here == state.here == follow(state.answers, knowledge)


@settings(CALM, max_examples=150)
@given(seeds)
def test_an_answer_that_was_given_is_never_bypassed(seed: int) -> None:
    """S21: an answered question stays on the way and can be edited, whatever the proof says of it.

    Were it to fail: an answer counts that a clinician cannot see among the questions, or change.
    """
    knowledge = thinner(seed % THINNER)
    for _, state in turns_of(seed, knowledge):
        if state.here not in ("review", "advice") or state.editing:
            continue
        way = path(state.answers, knowledge)
        for name in CANDIDATES:
            if name in state.answers:
                assert name in way
                editing, _ = step(state, Command("edit", name), knowledge)
                assert editing.here == name


def test_a_question_is_asked_once_it_matters_again() -> None:
    """Were it to fail: after a correction the case is ranked without an answer that decides it."""
    state = begin()
    for chosen in ("oncologist", "in_scope", "none"):
        state, _ = step(state, Answer(state.here, (chosen,)), KNOWLEDGE)
    state, _ = step(state, Understood(Statement({"performance_status": "ecog_3_4"})), KNOWLEDGE)
    for chosen in ("tch", "progression", "done", "none", "none", "negative"):
        state, _ = step(state, Answer(state.here, (chosen,)), KNOWLEDGE)
    assert state.here == "safety"
    assert "tdxd_access" not in state.answers
    state, _ = step(state, Answer("safety", ("none",)), KNOWLEDGE)
    assert state.here == "referred"
    state, _ = step(state, Command("edit", "safety"), KNOWLEDGE)
    state, _ = step(state, Answer("safety", ("lvef",)), KNOWLEDGE)
    assert state.here == "tdxd_access"
    state, _ = step(state, Answer("tdxd_access", ("available",)), KNOWLEDGE)
    assert state.here == "review"


def test_the_machine_says_what_may_be_passed_over() -> None:
    """Were it to fail: the diagram hides that a question may be left out."""
    marked = {edge.target for edges in router(KNOWLEDGE).edges.values() for edge in edges
              if "can change the outcome" in edge.label}  # fmt: skip
    assert marked == {name for name in CANDIDATES if may_be_passed_over(name, KNOWLEDGE)}
    assert marked == {"months_since_adjuvant_her2", "tdxd_access"}


# ---- words -----------------------------------------------------------------------------------------------------------


def stopped_by_pregnancy() -> dict[str, Any]:
    """The answers of a second-line case with pregnancy stated ahead."""
    state = begin()
    for chosen in ("oncologist", "in_scope", "none"):
        state, _ = step(state, Answer(state.here, (chosen,)), KNOWLEDGE)
    state, _ = step(state, Understood(Statement({"pregnancy": "present"})), KNOWLEDGE)
    for chosen in ("tch", "progression", "done", "none", "none", "negative"):
        state, _ = step(state, Answer(state.here, (chosen,)), KNOWLEDGE)
    return dict(state.answers)


def test_what_was_not_asked_says_why() -> None:
    """Were it to fail: a clinician wonders why a question never came, or reads a wrong reason."""
    state = State(stopped_by_pregnancy(), "review")
    assert not_asked_in_words(state, state.profile, english(KNOWLEDGE)) == [
        "Not asked: Months since the last adjuvant anti-HER2 dose (because of Lines for metastatic disease: one)",
        "Not asked: Leptomeningeal disease, Extracranial disease (because of Brain metastases: none)",
        "Not asked: T-DXd (because of Pregnancy: present: no answer to it can change the outcome)",
    ]


def test_the_reason_is_what_decided_the_rules() -> None:
    """Were it to fail: where no stop holds, what was passed over has no reason, or one that decided nothing."""
    rules = tuple(
        rule.model_copy(update={"when": When({"line": "first", **rule.when.source})})
        for rule in KNOWLEDGE.rules
        if rule.id in ("t_dxd_unavailable", "t_dxd_declined")
    )
    knowledge = replace(KNOWLEDGE, rules=rules, pitfalls=())
    answers = {name: value for name, value in stopped_by_pregnancy().items() if name != STATED}
    (found,) = [entry for entry in not_asked(answers, view_of(answers, knowledge), knowledge) if entry.proved]
    assert found.question == "tdxd_access"
    assert english(knowledge).atoms(found.because) == ["Lines for metastatic disease: one"]


@settings(CALM, max_examples=150)
@given(seeds)
def test_everything_passed_over_is_listed_on_the_review(seed: int) -> None:
    """S11: each question that was not asked is on the list with a reason, and none that was.

    Were it to fail: an answer is missing and nobody is told.
    """
    knowledge = knowledge_of(seed)
    for _, state in turns_of(seed, knowledge):
        if state.here == "review" and not state.editing:
            view = view_of(state.answers, knowledge)
            listed = {entry.question: entry.because for entry in not_asked(state.answers, view, knowledge)}
            assert set(listed) == set(CANDIDATES) - set(state.answers)
            if knowledge is KNOWLEDGE:
                assert all(listed.values())


def test_what_hangs_on_a_question_is_named() -> None:
    """Were it to fail: /why names rules that are settled already, or leaves out what could end the ranking."""
    answers = {name: value for name, value in stopped_by_pregnancy().items() if name not in (STATED, "hr_status")}
    brain = bearing("brain_metastases", answers, KNOWLEDGE)
    assert {"R03", "R08"} <= set(brain.rows)
    assert not {"R01", "R12", "R13"} & set(brain.rows)  # one line was given: the others are settled
    assert "brain_imaging" in brain.steps
    assert "R22" in bearing("hr_status", answers, KNOWLEDGE).rows  # it rests on what may be ruled out later
    active = {**answers, "brain_metastases": "active"}
    assert bearing("leptomeningeal", active, KNOWLEDGE).stops == ("leptomeningeal_disease",)
    assert bearing("leptomeningeal", answers, KNOWLEDGE).nothing  # it does not arise
    assert bearing("platelets", answers, KNOWLEDGE).rules_out == ("t_dm1",)
    after = {**answers, "tdxd_access": "unavailable"}
    assert "t_dxd" in bearing("ild_history", answers, KNOWLEDGE).rules_out
    assert "t_dxd" not in bearing("ild_history", after, KNOWLEDGE).rules_out  # it is out already


@settings(CALM, max_examples=100)
@given(seeds)
def test_why_is_short(seed: int) -> None:
    """Were it to fail: /why fills more than a screen, or fails at some question."""
    knowledge = knowledge_of(seed)
    for _, state in turns_of(seed, knowledge):
        if state.here in QUESTIONS:
            said = bearing_in_words(state, english(knowledge))
            assert len(said) <= (len(ITEMS) if state.here in ("safety", "safety_unknown") else 6)
            assert said == bearing_in_words(state, english(knowledge))


# ---- the page --------------------------------------------------------------------------------------------------------


def test_cases_are_counted_as_they_are_asked() -> None:
    """Were it to fail: the counts of docs/questions.md are not what a clinician is asked."""
    for number, profile in enumerate(profiles(60, KNOWLEDGE, 0.1)):
        stated = ("pregnancy", "lvef") if number % 2 else ()
        found = counted(profile, stated, KNOWLEDGE)
        assert len(found.asked) - len(found.passed_over) == len(_asked(profile, stated))


def _asked(profile: Profile, stated: tuple[str, ...]) -> set[str]:
    """The questions of a case, asked one after another."""
    given = {"role": "oncologist", **answers_of(profile, KNOWLEDGE)}
    answers: dict[str, Any] = answers_with(Statement({name: getattr(profile, name) for name in stated}), {})
    asked: set[str] = set()
    while (here := follow(answers, KNOWLEDGE)) not in FINALS and here in given:
        asked.add(here)
        answers[here] = given[here]
        if here == "safety":
            answers |= {name: given[name] for name in ("safety_unknown", *FOLLOW_UPS) if name in given}
            asked |= set(path(answers, KNOWLEDGE)) & {"safety_unknown", *FOLLOW_UPS}
    return asked | ({here} if here not in FINALS else set())
