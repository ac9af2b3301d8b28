"""Typed words on their way into a case: what they mean where they are typed, and that they are kept nowhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from test_dialogue_properties import answered, check_step, one_of_each
from test_statement import WHOLE, at_the_checklist, at_the_lines, attested, take, told

from bot.app import App, Tap, Text
from bot.log import Keys, Log
from bot.log.sqlite import SQLite
from bot.wire import from_wire, to_wire
from flows.dialogue import begin, step
from flows.knowledge.load import shipped
from flows.plain_yaml import read_yaml
from flows.questionnaire import LINE_SHORTCUTS, NONE, QUESTIONS, UNDERSTOOD
from flows.statement import Choice, Statement
from flows.turns import Answer, Command, Compare, State, Turn, Unclear, Understood
from messages.message import Message
from messages.render import render
from messages.understanding import Typed, Understanding, read, turn_of, understand, words_after
from messages.words import english

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
KEY = "a key of the tests that is long enough"
CASE = "44F ER-/PR+ HER2 3+ MBC, THP x8 -> PD liver, T-DM1 x5 PD, EF 58, frobnicated"
CANARY = ("44F", "x8", "frobnicated", "ER-/PR+", "EF 58")
OPEN = Path(__file__).parent / "understanding" / "open"


@cache
def texts() -> list[str]:
    """Every text of the open corpus."""
    return [str(entry["text"]) for path in sorted(OPEN.glob("*.yaml")) for entry in read_yaml(path.read_text("utf-8"))]


def waiting(statement: Statement) -> State:
    """A case at the lines' question, where a statement waits."""
    return take(at_the_lines(), Understood(statement))


def stated(text: str, state: State) -> Statement:
    """What a text states where it is typed."""
    turn = turn_of(text, state, WORDS)
    assert isinstance(turn, Understood), turn
    return turn.statement


# --- anything a clinician types -----------------------------------------------------------------------------


@pytest.mark.parametrize("here", ["role", "prior_lines", "safety", UNDERSTOOD, "advice"])
def test_every_text_is_a_turn_that_can_be_kept(here: str) -> None:
    """S24, S25: the turn of each text of the open corpus is written and read back, and taking it raises nothing.

    Were it to fail: a sentence some clinician types ends the conversation, or cannot be replayed after a restart.
    """
    state = one_of_each()[here]
    for text in texts()[len(here) :: 10]:  # others at each question
        turn = turn_of(text, state, WORDS)
        if not isinstance(turn, Unclear):
            assert from_wire(to_wire(turn)) == turn, text
        check_step(state, turn)


# --- at what waits to be confirmed --------------------------------------------------------------------------

LINE = Statement(dict(WHOLE), (Choice("line_1", ("t_dm1", "t_dxd")),))
ONE = Statement(dict(WHOLE), (Choice("line_1", ("t_dm1",)),))
HR = Statement({"lvef": "normal"}, (Choice("hr_status", ("positive", "negative")),))


@pytest.mark.parametrize(
    ("statement", "text", "chosen"),
    [
        (Statement(dict(WHOLE)), "yes", "accept"),
        (Statement(dict(WHOLE)), "OK.", "accept"),
        (Statement(dict(WHOLE)), "no", "discard"),
        (Statement(dict(WHOLE)), "wrong", "discard"),
        (LINE, "Kadcyla", "t_dm1"),
        (LINE, "it was T-DXd", "t_dxd"),
        (LINE, "none of these", "neither"),
        (LINE, "no", "neither"),
        (LINE, "discard", "discard"),
        (ONE, "yes", "t_dm1"),
        (ONE, "no", "neither"),
        (HR, "negative", "negative"),
        (HR, "ER positive", "positive"),
    ],
)
def test_a_word_decides(statement: Statement, text: str, chosen: str) -> None:
    """What stands there, its usual names, yes and no are understood. Were it to fail: a keyboard user is stuck."""
    assert turn_of(text, waiting(statement), WORDS) == Answer(UNDERSTOOD, (chosen,))


@pytest.mark.parametrize("text", ["yes", "confirm", "ok"])
def test_nothing_is_accepted_while_something_is_unclear(text: str) -> None:
    """S11: "yes" to "which of two?" chooses neither. Were it to fail: a drug is entered that nobody chose."""
    assert turn_of(text, waiting(LINE), WORDS) == Unclear()


def test_more_facts_are_added_to_what_waits() -> None:
    """What is typed while something waits waits with it. Were it to fail: the second text replaces the first."""
    state = waiting(Statement({"hr_status": "positive", "lvef": "normal"}))
    after = take(state, turn_of("HER2 low", state, WORDS))
    assert after.statement is not None
    assert after.statement.values == {"hr_status": "positive", "lvef": "normal", "her2_status": "low"}


# --- where it is typed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["My patient is 52, HER2+ MBC, PD on THP", "seen by her oncologist: HER2+ MBC, THP PD"]
)
def test_a_case_typed_first_is_no_role(text: str) -> None:
    """S1: "patient" and "oncologist" within a case are nobody's attestation.

    Were it to fail: a clinician is turned away as a patient, or a text attests what its writer did not.
    """
    assert isinstance(turn_of(text, begin(), WORDS), Understood)


def test_where_a_line_failed_belongs_to_how_it_ended() -> None:
    """Typed "PD in liver" answers how the line ended, and says where. Were it to fail: one of both is dropped."""
    open_line = answered(at_the_lines(), "thp")
    after = take(open_line, turn_of("PD in liver", open_line, WORDS))
    assert after.here == "prior_lines"
    assert after.profile.extracranial_disease == "progressing"
    assert [line.outcome for line in after.profile.prior_lines or ()] == ["progression"]


def test_none_behind_entered_lines_takes_none_away() -> None:
    """Typed "none, T-DXd is planned" behind a line that is entered. Were it to fail: that line is gone."""
    open_line = answered(at_the_lines(), "thp")
    entered = take(open_line, turn_of("PD", open_line, WORDS))
    assert entered.profile.prior_lines
    turn = turn_of("none, T-DXd is planned", entered, WORDS)
    assert not (isinstance(turn, Understood) and "prior_lines" in turn.statement.values)


def test_an_answer_with_words_left_over_says_so() -> None:
    """S14: words that nothing was made of are given back, also beside an answer to the open question.

    Were it to fail: "endocrine + trastuzumab" is entered as trastuzumab alone, without a word.
    """
    reading = read("endocrine + trastuzumab", at_the_lines(), WORDS)
    after, replies = step(at_the_lines(), reading.turn, KNOWLEDGE)
    assert "Not used: endocrine" in render(replies[0], WORDS, reading.typed).text
    assert after.here == "line_outcome"


def test_a_shorthand_is_its_agents_with_more_behind_it() -> None:
    """A regimen's shorthand is an option of the question about early-stage treatment, and no agent of a profile.

    Were it to fail: "TCHP, later T-DM1" ends in an error, or its drugs are taken for lines of metastatic disease.
    """
    state = State(here="early_stage_agents")
    tchp = ("taxane", "carboplatin", "trastuzumab", "pertuzumab")
    later = turn_of("TCHP, later T-DM1", state, WORDS)
    assert isinstance(later, Answer)
    assert set(later.chosen) == {*tchp, "t_dm1"}
    assert stated("TCHP, ER positive", state).values == {"early_stage_agents": tchp, "hr_status": "positive"}
    assert stated("none, ER positive", state).values == {"early_stage_agents": (), "hr_status": "positive"}
    for shorthand in LINE_SHORTCUTS:
        for here in ("prior_lines", "line_agents"):
            turn_of(f"{shorthand}, EF 60", State(here=here), WORDS)  # raises nothing


def test_findings_named_at_the_checklist_leave_the_rest_open() -> None:
    """S11: a finding named in words of one's own answers its line; options as they stand there are the answer.

    Were it to fail: somebody types "pneumonitis" and nine other lines are recorded as checked and absent.
    """
    state = at_the_checklist()
    assert stated("pneumonitis", state).values == {"ild_history": "present"}
    assert stated("heart failure, bleeding", state).values == {"lvef": "reduced", "platelets": "low"}
    assert [choice.target for choice in stated("dpyd", state).choices] == ["dpd_deficiency"]
    whole = Answer("safety", ("ild_history", "renal_impairment"))
    assert turn_of("ild_history, renal_impairment", state, WORDS) == whole
    assert turn_of("none", state, WORDS) == Answer("safety", ("none",))
    partly = told(state, ild_history="absent")
    assert not isinstance(turn_of("ild_history", partly, WORDS), Answer), "it is no option any more"


# --- the words, shown and forgotten -------------------------------------------------------------------------


def said(state: State, *texts: str) -> tuple[State, Typed | None]:
    """A case after some texts and commands, with the words that are kept in memory."""
    typed: Typed | None = None
    for text in texts:
        turn, new = read(text, state, WORDS)
        after, _ = step(state, turn, KNOWLEDGE)
        typed = words_after(typed, new, state, after)
        state = after
    return state, typed


def test_words_stand_beside_their_value_only() -> None:
    """A value shows the words it came from until it is changed. Were it to fail: words vouch for another answer."""
    state, typed = said(attested(), "ER negative and EF 62", "yes", "actually ER positive")
    assert typed is not None
    assert typed.words("lvef", "normal") == "EF 62"
    assert (typed.words("hr_status", "positive"), typed.words("hr_status", "negative")) == ("ER positive", "")
    assert state.profile.hr_status == "positive"


def test_words_taken_back_or_discarded_are_forgotten() -> None:
    """With a statement go its words. Were it to fail: a value tapped later claims to come from discarded words."""
    _, typed = said(attested(), "ER negative", "actually ER positive", "/undo")
    assert typed is not None
    assert typed.words("hr_status", "negative") == "ER negative"
    _, discarded = said(attested(), "ER negative and EF 62", "platelets 80", "no")
    assert discarded is None or not discarded.sources
    _, kept = said(attested(), "ER negative", "HER2 low, platelets 80", "discard")
    assert kept is not None
    assert kept.sources.keys() == {"hr_status"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the log of a test stands."""
    return tmp_path


def application(folder: Path) -> tuple[App, Log]:
    log = Log(SQLite(folder / "log.sqlite3", Keys(KEY)))
    return App(KNOWLEDGE, log), log


def files(folder: Path) -> bytes:
    """Everything on the disk."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def shown(messages: list[Message]) -> str:
    return "\n".join(message.text for message in messages)


async def test_what_waits_survives_a_restart_and_the_words_do_not(folder: Path) -> None:
    """S24, S30: after a restart the same statement waits, without a typed word; none stands in a file or a log line.

    Were it to fail: a typed case is lost with the process, or a sentence about a patient is found on the disk.
    """
    with structlog.testing.capture_logs() as logged:
        app, log = application(folder)
        before = shown(await app.handle("web:1", Text(CASE)))
        assert "THP" in before
        assert "Not used: " in before
        await app.handle("web:1", Text("platelets 80"))
        state = await app.state_of("web:1")
        log.close()
        again, log = application(folder)
        after = shown(await again.opening("web:1"))
        assert await again.state_of("web:1") == state
        assert state.here == UNDERSTOOD
        for word in CANARY:
            assert word not in after
        assert "T-DM1 (progression)" in after
        await again.handle("web:1", Tap(f"{UNDERSTOOD}:accept"))
        assert (await again.state_of("web:1")).profile.lvef == "normal"
        log.close()
    for word in CANARY:
        assert word.encode() not in files(folder), word
        assert word not in repr(logged), word
    assert all(word not in repr(read(CASE, begin(), WORDS).typed) for word in CANARY), "a traceback would show it"


async def test_the_review_shows_the_words_and_undo_takes_them_away(folder: Path) -> None:
    """S10: on the review a typed value shows its words. Were it to fail: nobody can tell what was read from what."""
    app, log = application(folder)
    texts = ("oncologist", "in_scope", "none", "done", "none", "none", "ER is negative", "available", "none")
    for text in texts:
        review = shown(await app.handle("web:2", Text(text)))
    assert "HR status: negative" in review
    changed = shown(await app.handle("web:2", Text("LVEF 45%")))
    assert "reduced" in changed
    assert "LVEF 45" in changed
    undone = shown(await app.handle("web:2", Text("/undo")))
    assert "LVEF 45" not in undone
    log.close()


@pytest.mark.parametrize("turn", [Command("forget"), Command("restart"), Command("cancel")])
async def test_a_new_case_knows_no_words_of_the_one_before(turn: Turn, folder: Path) -> None:
    """S30, S32: /forget, /restart and /cancel drop the words too. Were it to fail: one patient's words stand beside
    another's values."""
    app, log = application(folder)
    await app.handle("web:3", Text("oncologist"))
    await app.handle("web:3", Text("ER negative"))
    assert (await app.standing("web:3")).typed is not None
    await app.handle("web:3", Text(to_wire(turn)))
    assert (await app.standing("web:3")).typed is None
    log.close()


def test_a_long_reading_fits_a_button() -> None:
    """A reading of many agents is said by its place. Were it to fail: a chat refuses the button, and the case stops."""
    reading = "docetaxel+carboplatin+trastuzumab+pertuzumab"
    state = waiting(Statement({}, (Choice("early", (reading, "trastuzumab")),)))
    message = render(step(state, Command("here"), KNOWLEDGE)[1][0], WORDS)
    turns: list[Any] = [button.turn for button in message.buttons]
    assert turns[0] == Answer(UNDERSTOOD, ("reading_1",))
    assert all(len(to_wire(turn)) <= 48 for turn in turns)
    after = take(state, turns[0])
    assert after.statement is not None
    assert after.statement.values["early_stage_agents"] == tuple(reading.split("+"))
    assert QUESTIONS[UNDERSTOOD].offered is False


@pytest.mark.parametrize(
    "text",
    [
        "I am not an oncologist", "doctor gave me Enhertu", "nurse with breast cancer", "neither doctor nor I",
        "nurse, and I am on Enhertu myself", "nurse, my oncologist told me to look", "doctor looking after me",
        "no doctor", "resident in a nursing home", "oncologist, HER2+ MBC on THP", "retired nurse",
    ],
)  # fmt: skip
def test_a_sentence_with_a_role_in_it_attests_nothing(text: str) -> None:
    """S1: a denial or a patient's sentence is taken for the professional attestation."""
    assert not isinstance(turn_of(text, begin(), WORDS), Answer)


@pytest.mark.parametrize("text", ["HER2+ MBC? unsure", "is HER2+ MBC covered?", "was HER2+ MBC"])
def test_nothing_doubtful_passes_the_gate_unseen(text: str) -> None:
    """S3: a question about the patient group is taken for its answer, and nobody sees it."""
    assert not isinstance(turn_of(text, one_of_each()["gate"], WORDS), Answer)


@pytest.mark.parametrize("here", sorted(set(QUESTIONS) - {UNDERSTOOD}))
def test_signs_alone_are_no_answer(here: str) -> None:
    """S11: an emoji, a stray bracket or an empty line is taken for "not known", and the question is passed."""
    for text in ("\N{MICROSCOPE}", "...", "<b>&amp;", "\n", "\x00", "\u202e\u200b", "&!", "'; DROP TABLE turn; --"):
        assert isinstance(turn_of(text, State(here=here), WORDS), Unclear), (text, here)


@pytest.mark.parametrize("here", ["gate", "red_flags", "safety"])
@pytest.mark.parametrize(
    "text", ["something odd with her, not sure", "feels funny. no idea", "hmm, unknown, twitching"]
)
def test_emergencies_are_not_passed_in_passing(here: str, text: str) -> None:
    """S4: "not sure" beside what was not understood passes the emergencies, and what was said is lost."""
    assert not isinstance(turn_of(text, State(here=here), WORDS), Answer)


def test_no_emergency_is_said_of_what_was_shown_only() -> None:
    """S4: the emergencies are passed by two words typed before they were shown, or with one of them beside "none"."""
    gate = one_of_each()["gate"]
    turn = turn_of("HER2+ MBC, no red flags", gate, WORDS)
    assert isinstance(turn, Answer | Understood)
    assert not isinstance(turn, Understood) or "red_flags" not in turn.statement.values
    here = one_of_each()["red_flags"]
    for text in ("none of these, dyspnoea", "no red flags but short of breath"):
        turn = turn_of(text, here, WORDS)
        chosen = turn.chosen if isinstance(turn, Answer) else ()
        values = turn.statement.values if isinstance(turn, Understood) else {}
        assert NONE not in chosen, text
        assert values.get("red_flags") != (), text


@pytest.mark.parametrize("text", ["none, but not imaged", "none known, never scanned"])
def test_a_brain_nobody_looked_at_is_not_clear(text: str) -> None:
    """S19: not imaged is recorded as none."""
    turn = turn_of(text, one_of_each()["brain_metastases"], WORDS)
    assert not (isinstance(turn, Answer) and turn.chosen == ("none",)), turn


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("back", "back"),
        ("can we go back one question?", "back"),
        ("sorry, wrong button", "back"),
        ("undo that", "undo"),
        ("let's start over", "restart"),
        ("new patient", "restart"),
        ("cancel this case", "cancel"),
        ("why?", "why"),
        ("why would you need to know that", "why"),
        ("I need help", "help"),
    ],
)
def test_a_command_may_be_asked_for_in_words(text: str, command: str) -> None:
    """Were it to fail: who types "go back" instead of tapping Back is told that it was not understood."""
    for here in ("safety", "hr_status", "line_outcome"):
        assert turn_of(text, State(here=here), WORDS) == Command(command)


@pytest.mark.parametrize(
    "text", ["it's back", "back pain", "why was it stopped", "do not start over", "new patient, 52"]
)
def test_words_of_a_command_within_a_sentence_ask_for_none(text: str) -> None:
    """Were it to fail: "it's back", said of the disease, takes the last answer away; a sentence ends the case."""
    assert not isinstance(turn_of(text, State(here="line_outcome"), WORDS), Command)


def test_an_option_of_that_name_is_no_command() -> None:
    """Were it to fail: "undo" at the lines' question does something else than its button."""
    assert turn_of("undo", at_the_lines(), WORDS) == Answer("prior_lines", ("undo",))


@pytest.mark.parametrize("text", ["", " ", "\n", "\u0301"])
def test_a_text_without_a_word_says_nothing(text: str) -> None:
    """An empty message ends in an error."""
    found = understand(text, shipped())
    assert isinstance(found, Understanding)
    assert not found.fields
    assert found.scope == "unclear"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("what if the LVEF is reduced?", "lvef=reduced"),
        ("and if the brain MRI shows active metastases?", "brain_metastases=active"),
        ("if T-DXd were not available", "tdxd_access=unavailable"),
        ("suppose platelets are low", "platelets=low"),
        ("what if she is pregnant", "pregnancy=present"),
        ("/whatif LVEF reduced", "lvef=reduced"),
        ("/whatif lvef = reduced", "lvef=reduced"),
        ("/whatif lvef=reduced", "lvef=reduced"),
    ],
)
def test_what_is_supposed_is_looked_at_and_never_taken_down(text: str, asked: str) -> None:
    """Were it to fail: "what if the LVEF is reduced?" makes it a fact of this patient."""
    finished = one_of_each()["advice"]
    assert turn_of(text, finished, WORDS) == Command("whatif", asked)
    after, replies = step(finished, turn_of(text, finished, WORDS), KNOWLEDGE)
    assert after == finished
    assert isinstance(replies[-1], Compare)
    if not text.startswith(("/", "if")):
        at_a_question = one_of_each()["prior_lines"]
        assert turn_of(text, at_a_question, WORDS) == Unclear()


@pytest.mark.parametrize(
    "text", ["/whatif Mrs Jane Miller, LVEF reduced", "/whatif born 12/03/1971, LVEF reduced", "/safety LVEF reduced"]
)
def test_a_supposition_that_names_a_person_is_not_read(text: str) -> None:
    """A name behind the command is processed; or another command supposes something."""
    assert turn_of(text, one_of_each()["advice"], WORDS) == Command(text[1:].split(maxsplit=1)[0])
