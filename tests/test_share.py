"""A shared profile: what a link holds is what was shared, and a case opened from it asks for the rest."""

from __future__ import annotations

import json
import random
import string
from base64 import urlsafe_b64encode
from contextlib import suppress
from functools import cache
from hashlib import sha256
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels import replay as replay_module
from bot.channels.replay import Stage, read_script, replay
from flows.dialogue import FINALS, Command, State, follow, resume, step, view_of
from flows.knowledge import shipped
from flows.profile import AGENTS, FIELDS, MOST_LINES, OPTIONS, OUTCOMES, Profile
from flows.questionnaire import (
    DONE,
    FOLLOW_UPS,
    ITEMS,
    NONE,
    NOT_KNOWN,
    QUESTIONS,
    Lines,
    beyond_profile,
    is_asked,
    options_now,
    profile_of,
    read_answer,
)
from flows.sequencing.recommend import recommend
from flows.share import ALPHABETS, LAYOUT, LONGEST, VERSION, NotShared, TooLong, answers_of, decode, encode
from tests.test_dialogue_properties import CALM, EDITABLE, answered, choices, seeds, walk, walk_to_review
from tests.test_profiles import all_rows
from tests.test_sequencing_properties import anything, documents

KNOWLEDGE = shipped()
CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
ROWS = {row.name: row.profile for row in all_rows()}
SCRIPTS = sorted((Path(__file__).parent / "conversations").rglob("*.yaml"))

FINGERPRINTS = {"1": "7efd0a0d7124ccc0"}
"""Version to the fingerprint of what its characters mean. A version that was handed on keeps its own for ever."""
WRITTEN: dict[str, dict[str, Any]] = {
    "1CoRL7GS6nEncc5h": {},
    "1By0vGHMJkg9rgELiBog0fL": {
        "red_flags": ["acute_heart_failure", "cord_compression"],
        "prior_lines": [{"agents": ["t_dm1", "lapatinib"]}, {"outcome": "unknown"}],
        "early_stage_agents": ["abemaciclib", "neratinib"],
        "months_since_adjuvant_her2": 13,
        "interacting_medicines": "unknown",
        "region": "china",
    },
    "1D69tQjYYu9um3ubRxR": {
        "her2_status": "positive", "setting": "metastatic", "red_flags": ["seizure_or_raised_icp"],
        "prior_lines": [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}],
        "early_stage_agents": [], "brain_metastases": "symptomatic", "leptomeningeal": "absent",
        "extracranial_disease": "progressing", "hr_status": "negative", "tdxd_access": "available",
        "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
        "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": [],
        "chemotherapy": "suitable", "performance_status": "ecog_0_2", "region": "us",
    },
}  # fmt: skip
"""Links as version 1 wrote them."""


# --- any profile ------------------------------------------------------------------------------------------


def lists(options: tuple[str, ...], most: int) -> st.SearchStrategy[list[str]]:
    """Options in any order; now and then one is repeated, which a document may do."""
    unique = st.lists(st.sampled_from(options), max_size=most, unique=True)
    return st.one_of(unique, unique, unique, st.lists(st.sampled_from(options), max_size=most))


def several(field: str, most: int) -> st.SearchStrategy[Any]:
    known = tuple(option for option in OPTIONS[field] if option != NOT_KNOWN)
    return st.one_of(st.none(), st.just(NOT_KNOWN), lists(known, most))


lines = st.fixed_dictionaries(
    {"agents": lists(AGENTS, 4)}, optional={"outcome": st.sampled_from((None, *OUTCOMES))}
)  # fmt: skip
any_document = st.fixed_dictionaries(
    {},
    optional={
        **{field: st.sampled_from((None, *options)) for field, options in OPTIONS.items()},
        "red_flags": several("red_flags", 5),
        "interacting_medicines": several("interacting_medicines", 4),
        "prior_lines": st.one_of(st.none(), st.lists(lines, max_size=5), st.lists(lines, max_size=MOST_LINES)),
        "early_stage_agents": st.one_of(st.none(), st.just(NOT_KNOWN), lists(AGENTS, 6), lists(AGENTS, len(AGENTS))),
        "months_since_adjuvant_her2": st.one_of(st.none(), st.just(NOT_KNOWN), st.integers(0, 720)),
    },
)
any_profile = any_document.map(Profile.model_validate)


@settings(CALM, max_examples=150)
@given(any_profile)
def test_a_link_gives_back_the_profile(profile: Profile) -> None:
    """What is opened is what was shared, in the same order, or there is no link at all.

    Were it to fail: a colleague opens another patient's history, or one in another order.
    """
    try:
        text = encode(profile)
    except TooLong:
        assert len(profile.prior_lines or ()) > 5 or len(profile.early_stage_agents or ()) > 6, "an ordinary history"
        return
    assert 5 <= len(text) <= LONGEST
    assert set(text) <= set(CHARACTERS)
    assert decode(text) == profile


def test_every_patient_of_the_profiles_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """Every row of tests/profiles has a link. Were it to fail: a usual case can not be shared."""
    lengths = {}
    too_long = 0
    for name, profile in ROWS.items():
        try:
            text = encode(profile)
        except TooLong:
            too_long += 1
            continue
        assert decode(text) == profile, name
        lengths[name] = len(text)
    longest = max(lengths, key=lengths.__getitem__)
    with capsys.disabled():
        print(
            f"\nshared profiles: {len(lengths)} fit, {too_long} do not; {median(lengths.values()):g} characters in the "
            f"median, {lengths[longest]} at most ({longest})"
        )
    assert too_long == 0


def test_a_long_history_fits_and_the_longest_does_not() -> None:
    """Ten lines of three agents fit, whatever else is answered; what does not fit is said by its own error.

    Were it to fail: a history that a real patient can have is refused, or one is shared cut short.
    """
    unusual: dict[str, Any] = {field: options[-1] for field, options in OPTIONS.items()}
    unusual |= {"red_flags": OPTIONS["red_flags"][:-1], "interacting_medicines": OPTIONS["interacting_medicines"][:-1]}
    unusual |= {"months_since_adjuvant_her2": 720, "early_stage_agents": AGENTS[-4:]}
    line = {"agents": AGENTS[-3:], "outcome": "unknown"}
    for other in ({}, unusual):
        profile = Profile.model_validate({**other, "prior_lines": [line] * 10})
        assert decode(encode(profile)) == profile
    full = Profile.model_validate({"prior_lines": [{"agents": AGENTS}] * MOST_LINES, "early_stage_agents": AGENTS})
    with pytest.raises(TooLong):
        encode(full)


def test_agents_named_twice_stay_named_twice() -> None:
    """A document may name an agent twice in a line. Were it to fail: such a profile raises, or comes back changed."""
    profile = Profile.model_validate(
        {
            "prior_lines": [{"agents": ["t_dxd", "t_dxd", "t_dm1"]}],
            "early_stage_agents": ["taxane", "taxane"],
            "red_flags": ["cord_compression", "cord_compression"],
        }
    )
    assert decode(encode(profile)) == profile
    assert answers_of(profile)["prior_lines"].lines[0].agents == ("t_dxd", "t_dm1")


def test_what_is_usual_costs_nothing() -> None:
    """A profile where nothing is unusual is short. Were it to fail: every link is as long as the longest."""
    usual = {field: alphabet[0] for field, alphabet in ALPHABETS.items() if field in FIELDS and field != "prior_lines"}
    assert encode(Profile.model_validate({**usual, "prior_lines": []})) == VERSION + checksum(VERSION)
    second = [{"agents": ["taxane", "trastuzumab", "pertuzumab"], "outcome": "progression"}]
    assert len(encode(Profile.model_validate({**usual, "prior_lines": second}))) <= 12


# --- what is no link --------------------------------------------------------------------------------------


def checksum(content: str) -> str:
    return urlsafe_b64encode(sha256(content.encode()).digest()[:3]).decode()


def forged(payload: str, version: str = VERSION) -> str:
    return version + payload + checksum(version + payload)


def base64(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 64)
        digits = CHARACTERS[digit] + digits
    return digits


def refused(text: str) -> bool:
    try:
        decode(text)
    except NotShared:
        return True
    return False


def sample() -> list[str]:
    """Links of every length that the profiles have."""
    return list({len(text): text for text in map(encode, ROWS.values())}.values())


def test_every_changed_character_is_noticed() -> None:
    """Any one character typed wrongly makes a link unreadable, in every place.

    Were it to fail: a mistyped link opens a case that nobody entered, and drugs are ranked for it.
    """
    for text in sample():
        for place, character in enumerate(text):
            for other in (*CHARACTERS, " ", "=", "+", "/", ".", "\n", "é", "А", "٣"):
                if other != character:
                    assert refused(text[:place] + other + text[place + 1 :]), (text, place, other)


def test_cut_and_longer_texts_are_noticed() -> None:
    """A link that was cut, joined, turned round or given in capitals is unreadable.

    Were it to fail: what a message or a browser did to a link goes unnoticed.
    """
    for text in sample():
        for length in range(len(text)):
            assert refused(text[:length])
            assert refused(text[len(text) - length :])
        for other in (text + "A", "A" + text, text + "\n", f" {text}", text + text, f"p_{text}", f"{text}="):
            assert refused(other), other
        for other in (text.upper(), text.lower(), text.swapcase(), text[::-1]):
            assert other == text or refused(other), other
        for place in range(len(text) - 1):
            other = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
            assert other == text or refused(other), other


@settings(CALM, max_examples=200)
@given(st.one_of(st.text(max_size=80), st.text(alphabet=CHARACTERS, max_size=70), st.text(CHARACTERS).map("1".__add__)))
def test_any_text_is_a_link_or_refused(text: str) -> None:
    """Any text at all is read or refused by one error. Were it to fail: what a stranger types raises."""
    with suppress(NotShared):
        assert encode(decode(text)) == text


@settings(CALM, max_examples=300)
@given(st.text(alphabet=CHARACTERS, max_size=LONGEST - 5))
def test_a_link_with_a_right_checksum_is_a_profile_or_refused(payload: str) -> None:
    """A checksum can be made by anyone: what it covers still is one profile, written in the one way, or refused.

    Were it to fail: a forged link raises, or two links hold the same case.
    """
    text = forged(payload)
    try:
        profile = decode(text)
    except NotShared:
        return
    assert encode(profile) == text
    assert Profile.model_validate(profile.model_dump()) == profile


def test_forged_links_are_refused() -> None:
    """A zero in front, more than there are fields, too many agents, another version: none is read.

    Were it to fail: a link says more than it shows, or one of another version is read as other answers.
    """

    payload = encode(next(iter(ROWS.values())))[1:-4]
    assert not refused(forged(payload))
    assert refused(forged("A" + payload))
    for version in CHARACTERS.replace(VERSION, ""):
        assert refused(forged(payload, version))
    beyond = prod(len(ALPHABETS[field]) for field in LAYOUT)
    assert not refused(forged(base64(beyond - 1 - (beyond - 1) % 17)))
    assert refused(forged(base64(beyond)))
    for many in (len(AGENTS), len(AGENTS) + 1):
        early = [(3, 40), *((1, 38),) * (many - 1)]  # the first of them, and what follows until the end
        number = 0
        for digit, base in reversed([(0, 17), (0, 7), (0, 4), (0, 5), *early]):
            number = number * base + digit
        assert refused(forged(base64(number))) == (many > len(AGENTS))


# --- versions ---------------------------------------------------------------------------------------------


def test_the_alphabets_belong_to_the_version() -> None:
    """A new agent or option, or another order, is a new version.

    Were it to fail: links handed on before the change are read as other agents and other answers.
    """
    found = sha256(json.dumps([LAYOUT, ALPHABETS]).encode()).hexdigest()[:16]
    assert FINGERPRINTS.get(VERSION) == found, (
        f"what the digits of a shared profile mean has changed (an agent, an option, a field or their order), so links "
        f"of version {VERSION} would be read as other answers. Give flows.share.VERSION a character not used before "
        f"and add it here with the fingerprint {found}; old links are then refused instead of misread"
    )
    assert set(LAYOUT) == set(FIELDS)
    assert set(VERSION) <= set(CHARACTERS)
    assert len(VERSION) == 1


def test_links_of_this_version_are_still_read() -> None:
    """Links written when the version began are read as they were meant. Were it to fail: as in the test above."""
    for text, document in WRITTEN.items():
        assert decode(text) == Profile.model_validate(document), text
        assert encode(Profile.model_validate(document)) == text, text


# --- the answers a profile amounts to ---------------------------------------------------------------------


def opened(profile: Profile) -> State:
    """A case opened from a profile, with the attestation given."""
    return answered(resume(answers_of(profile, KNOWLEDGE), KNOWLEDGE), "oncologist")


def check_opened(state: State) -> None:
    """A complete case, shared and opened, is the same case, to be attested and reviewed."""
    profile = profile_of(state.answers)
    answers = answers_of(profile, KNOWLEDGE)
    if beyond_profile(state.answers):
        assert opened(profile).here == "gate", "another tumour, or an age, is in no profile: it is asked"
        return
    assert not {"role", "review"} & answers.keys()
    assert list(answers) == [name for name in QUESTIONS if name in answers]
    if not answers:
        assert "gate" not in state.answers
        return
    assert profile_of(answers) == profile
    assert profile_of(answers_of(profile_of(answers), KNOWLEDGE)) == profile
    reached = "review" if state.here == "advice" else state.here
    assert follow({**answers, "role": "oncologist"}, KNOWLEDGE) == reached
    assert resume(answers, KNOWLEDGE).here == "role"
    assert opened(profile).here == reached
    assert decode(encode(profile)) == profile


@settings(CALM, max_examples=150)
@given(seeds)
def test_a_case_shared_is_the_same_case(seed: int) -> None:
    """However a case was answered, its profile gives answers that amount to it and stand where it stood.

    Were it to fail: a colleague who opens a shared case sees other answers, or is asked for what was answered.
    """
    check_opened(walk(seed)[-1])
    review = walk_to_review(seed)
    if review is not None:
        check_opened(review)


@settings(CALM, max_examples=150)
@given(seeds, st.sampled_from(EDITABLE), seeds)
def test_an_edited_case_shared_is_the_same_case(seed: int, name: str, other: int) -> None:
    """So is a case that was edited, even to an end before its last answers. Were it to fail: as in the test above."""
    state = walk_to_review(seed)
    if state is None:
        return
    state, _ = step(state, Command("edit", name), KNOWLEDGE)
    draw = random.Random(other)
    while state.here not in FINALS and state.here != "review":
        state = answered(state, *choices(draw, state))
    check_opened(state)


@cache
def scripted() -> dict[str, State]:
    """Every complete case that a scripted conversation passes."""
    found: dict[str, State] = {}

    class Watched(Stage):
        def do(self, verb: str, what: Any) -> list[Any]:
            messages = super().do(verb, what)
            if self.state.here in ("review", *FINALS):
                found[f"{script.stem}-{len(found)}"] = self.state
            return messages

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(replay_module, "Stage", Watched)
        for script in SCRIPTS:
            replay(str(script), read_script(str(script)), KNOWLEDGE)
    return found


def test_scripted_cases_shared_are_the_same_cases() -> None:
    """The cases of tests/conversations, as clinicians would play them. Were it to fail: as in the tests above."""
    ends = {state.here for state in scripted().values()}
    assert {"review", "advice", "referred", "declined", "needs_information"} <= ends
    for state in scripted().values():
        check_opened(state)


@settings(CALM, max_examples=150)
@given(st.one_of(anything().map(Profile.model_validate), any_profile))
def test_any_profile_opens_to_a_case(profile: Profile) -> None:
    """Whatever a document says or leaves out, the answers are ones the dialogue keeps and say nothing beyond it.

    Were it to fail: opening a link raises, invents an answer, or leaves one that no question asked for.
    """
    answers = answers_of(profile, KNOWLEDGE)
    again = profile_of(answers)
    for field in FIELDS:
        said, value = getattr(profile, field), getattr(again, field)
        if isinstance(value, tuple) and field == "prior_lines":
            assert [line.outcome for line in value] == [line.outcome for line in said]
            assert [line.agents for line in value] == [tuple(dict.fromkeys(line.agents)) for line in said]
        elif isinstance(value, tuple):
            assert value == tuple(dict.fromkeys(said)), field
        else:
            assert value in (said, None), field
    view = view_of(answers, KNOWLEDGE)
    for name, answer in answers.items():
        assert name == "region" or is_asked(name, answers, view), name
        if name != "prior_lines":
            chosen = answer if isinstance(answer, tuple) else (str(answer),)
            kept = read_answer(name, chosen, answers)
            assert set(kept) == set(answer) if isinstance(answer, tuple) else kept == answer, name
    state = opened(profile)
    for _ in range(40):
        if state.here in FINALS or state.here == "review":
            break
        state = answered(state, DONE if state.here == "prior_lines" else options_now(state.here, state.answers)[0])
    assert state.here in FINALS or state.here == "review"


@settings(CALM, max_examples=150)
@given(st.one_of(documents(known=True), documents(known=False)).map(Profile.model_validate))
def test_a_case_that_asks_for_nothing_more_has_the_same_answer(profile: Profile) -> None:
    """Where an opened case needs no further answer, its advice is that on the profile shared.

    Were it to fail: sharing a case changes what is recommended, or ranks drugs for a case that was referred.
    """
    check_same_advice(profile)


@pytest.mark.parametrize("name", ROWS)
def test_a_patient_of_the_profiles_has_the_same_answer(name: str) -> None:
    """So it is for every row of tests/profiles. Were it to fail: as in the test above."""
    check_same_advice(ROWS[name])


def check_same_advice(profile: Profile) -> None:
    state = opened(profile)
    if state.here in QUESTIONS and state.here != "review":
        return  # more is asked first
    shared, own = recommend(state.profile, KNOWLEDGE), recommend(profile, KNOWLEDGE)
    assert (shared.status, shared.regimens) == (own.status, own.regimens)
    assert {reason.stop.id for reason in shared.reasons[:1]} <= {reason.stop.id for reason in own.reasons}


COMPLETE = ROWS["safety/lvef-reduced-second-line"]


def with_(**changed: Any) -> Profile:
    """A complete profile with some fields changed; None leaves one out."""
    document = {**COMPLETE.model_dump(), **changed}
    return Profile.model_validate({field: value for field, value in document.items() if value is not None})


@pytest.mark.parametrize("field", [field for field in FIELDS if field not in ("region", "setting")])
def test_what_was_left_out_is_asked(field: str) -> None:
    """A field that a profile leaves out is asked for, and nothing else is lost.

    Were it to fail: "not asked" is taken as an answer, for example as "not present".
    """
    left_out = with_(**{field: None})
    state = opened(left_out)
    assert field not in state.profile.model_dump(exclude_none=True)
    if field in ("months_since_adjuvant_her2", "leptomeningeal", "extracranial_disease"):
        assert state.here == "review", "it does not arise for this patient"
    else:
        assert state.here in QUESTIONS
        assert field in QUESTIONS[state.here].fields or QUESTIONS[state.here].name == field


@pytest.mark.parametrize(
    "sets",
    [
        {"her2_status": "positive", "setting": None},
        {"her2_status": None, "setting": "metastatic"},
        {"her2_status": "low", "setting": "metastatic"},
        {"her2_status": "negative", "setting": "early"},
        {"her2_status": "unknown", "setting": "unknown"},
        {"her2_status": None, "setting": None},
    ],
)
def test_a_gate_that_no_option_means_is_asked(sets: dict[str, str | None]) -> None:
    """Where HER2 status and setting are not what one option means, the gate is asked again.

    Were it to fail: a patient counts as one with metastatic disease, or another tumour, that nobody stated.
    """
    assert opened(with_(**sets)).here == "gate"


def test_lines_without_an_outcome_are_asked() -> None:
    """Each missing outcome is asked for, line by line, and nothing else of the lines is.

    Were it to fail: a line nobody gave an outcome for is passed over.
    """
    whole = {"agents": ["t_dxd"], "outcome": "toxicity"}
    bare = {"agents": ["t_dm1"]}
    for lines, outcomes in (([whole, bare], ["toxicity", "progression"]), ([bare, whole], ["progression", "toxicity"])):
        asked = opened(with_(prior_lines=lines))
        assert asked.here == "line_outcome"
        after = answered(asked, "progression")
        assert after.here == "review"
        assert [line.outcome for line in after.answers["prior_lines"].lines] == outcomes
    both = opened(with_(prior_lines=[bare, bare]))
    assert both.here == "line_outcome"
    second = answered(both, "unknown")
    assert second.here == "line_outcome"
    assert answered(second, "progression").here == "review"
    assert opened(with_(prior_lines=[])).answers["prior_lines"] == Lines(done=True)
    unknown = opened(with_(prior_lines=[{"outcome": "progression"}]))
    assert unknown.here == "review"
    assert unknown.profile.prior_lines == with_(prior_lines=[{"outcome": "progression"}]).prior_lines


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"safety": (NONE,)}),
        (dict.fromkeys(ITEMS, NOT_KNOWN), {"safety": (NOT_KNOWN,)}),
        ({"lvef": NOT_KNOWN}, {}),
        ({"lvef": NOT_KNOWN, "platelets": NOT_KNOWN}, {}),
        ({"dpd_deficiency": NOT_KNOWN}, {"safety": ("dpd_deficiency",), "dpd_deficiency": NOT_KNOWN}),
        (
            {"interacting_medicines": NOT_KNOWN},
            {"safety": ("interacting_medicines",), "interacting_medicines": (NOT_KNOWN,)},
        ),
        (
            {"lvef": NOT_KNOWN, "hepatic_impairment": NOT_KNOWN},
            {
                "safety": ("hepatic_impairment", NOT_KNOWN),
                "safety_unknown": ("lvef",),
                "hepatic_impairment": NOT_KNOWN,
            },
        ),
        (
            {"platelets": "low", "hepatic_impairment": NOT_KNOWN},
            {"safety": ("platelets", NOT_KNOWN), "safety_unknown": ("hepatic_impairment",)},
        ),
        (
            {"interacting_medicines": ["warfarin"], "dpd_deficiency": "partial", "pregnancy": NOT_KNOWN},
            {
                "safety": ("dpd_deficiency", "interacting_medicines", NOT_KNOWN),
                "safety_unknown": ("pregnancy",),
                "dpd_deficiency": "partial",
                "interacting_medicines": ("warfarin",),
            },
        ),
    ],
)
def test_the_checklist_says_what_the_profile_says(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    """The checklist's answer says of every line what the profile does, or it is asked again as a whole.

    Were it to fail: a contraindication shared as "not known" opens as absent, or "normal" as "not known".
    """
    profile = with_(**{"lvef": "normal", **changed})
    answers = answers_of(profile, KNOWLEDGE)
    assert {name: answers[name] for name in ("safety", "safety_unknown", *FOLLOW_UPS) if name in answers} == expected
    assert opened(profile).here == ("review" if expected else "safety")


def test_leptomeningeal_disease_is_not_lost() -> None:
    """A document may state leptomeningeal disease beside "no brain metastases": opened, the case is referred.

    Were it to fail: the question does not arise, its answer is dropped, and drugs are ranked for a referred case.
    """
    stated = with_(brain_metastases="none", leptomeningeal="present")
    assert recommend(stated, KNOWLEDGE).status == "refer"
    assert opened(stated).here == "referred"
    assert opened(with_(brain_metastases="none", leptomeningeal="absent")).here == "review"


def test_nothing_of_the_reader_is_shared() -> None:
    """The attestation and the review are given anew by whoever opens a case.

    Were it to fail: someone is shown drugs who never said that they treat patients.
    """
    state = walk(next(seed for seed in range(100) if walk(seed)[-1].here == "advice"))[-1]
    assert {"role", "review"} <= state.answers.keys()
    profile = decode(encode(state.profile))
    assert resume(answers_of(profile, KNOWLEDGE), KNOWLEDGE).here == "role"
    assert not resume(answers_of(profile, KNOWLEDGE), KNOWLEDGE).attested
    assert opened(profile).here == "review"
