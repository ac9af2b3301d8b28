"""`triage understand` and `triage recommend --text`: what is said of a typed text, and what never is."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.knowledge.load import shipped
from flows.profile import FIELDS, OPTIONS, Profile
from messages.document import text_advice_document
from messages.free_text import ASKED_AT, LONGEST, HoldsIdentifier, answer_messages, answer_to, text_words
from messages.render import disclaimer
from messages.understanding.scope import Scope
from messages.words import english
from tests.test_cli import refused, succeeded, triage
from tests.test_serve import CANARY
from tests.understanding import corpus

CASE = "HER2+ ER- MBC: THP x8 -> liver PD. Brain MRI clear, EF 61. Never had T-DM1, zzcanaryzz."
UNCLEAR = "HER2+ MBC, progressed on docetaxel + herseptin"
PERSON = f"Mrs {CANARY}, HER2+ MBC"
CONTRACT_KEYS = {"profile", "denied_agents", "spans", "leftover", "ambiguous", "scope"}
FORMS = ("json", "text", "html")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Each command switches the collector off for its process; here the process goes on."""
    yield
    gc.enable()


def understood(text: str, *options: str) -> Any:
    return json.loads(succeeded(triage("understand", text, "--format", "json", *options)))


def advice(text: str, *options: str) -> Any:
    return json.loads(succeeded(triage("recommend", "--text", text, "--format", "json", *options)))


def flat(text: str) -> str:
    return " ".join(text.split())


# What was understood


def test_the_document_is_the_contracts() -> None:
    """Were it to fail: a program that reads the contract does not find what it says."""
    document = understood(CASE)
    assert document.keys() >= CONTRACT_KEYS
    assert document["profile"] == {
        "her2_status": "positive", "setting": "metastatic",
        "prior_lines": [{"agents": ["taxane", "trastuzumab", "pertuzumab"], "outcome": "progression"}],
        "brain_metastases": "none", "extracranial_disease": "progressing", "hr_status": "negative", "lvef": "normal",
    }  # fmt: skip
    assert document["denied_agents"] == ["t_dm1"]
    assert document["leftover"] == [CANARY]
    assert (document["scope"], document["reason"], document["ambiguous"]) == ("in", None, [])
    for span in document["spans"]:
        assert CASE[span["start"] : span["end"]] == span["text"]
    (entry,) = understood(UNCLEAR)["ambiguous"]
    assert entry.items() >= {"text": "herseptin", "readings": ["trastuzumab"], "line": 1}.items()


def test_in_words_every_field_has_the_words_it_came_from() -> None:
    """Were it to fail: a clinician cannot check what was made of the text, or something of it is gone."""
    said = flat(succeeded(triage("understand", CASE)))
    for part in (
        "HER2 status: positive (from “HER2+”)", "Brain metastases: none (from", "1. a taxane + trastuzumab",
        "Not received: T-DM1", f"Not used: “{CANARY}”", text_words().scope["in"],
    ):  # fmt: skip
        assert part in said
    assert "Line 1, “herseptin”: trastuzumab?" in flat(succeeded(triage("understand", UNCLEAR)))
    assert "HER2-low" in succeeded(triage("understand", "HER2 1+ MBC"))
    assert text_words().nothing in flat(succeeded(triage("understand", "xyzzy")))


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("pregnant 20 weeks HER2+ MBC", "in"), ("HER2+ MBC, ECOG 3", "in"), ("HER2+ MBC leptomeningeal disease", "in"),
        ("septic shock", "unclear"), ("gastric cancer, seizure now", "out"),
    ],
)  # fmt: skip
def test_in_words_a_case_that_is_referred_is_said_to_be(text: str, scope: Scope) -> None:
    """Were it to fail: a pregnant patient or an emergency reads as if options were ranked for her."""
    sentence = text_words().referred[scope].format(reason=text_words().reasons["other_tumour"])
    assert sentence in flat(succeeded(triage("understand", text)))


def test_standard_input_is_read_as_the_argument_is() -> None:
    """Were it to fail: a text in a pipe, which no list of processes shows, is read as another one."""
    for typed in (CASE, f"{CASE}\n", f"\ufeff{CASE}\r\n"):
        assert json.loads(succeeded(triage("understand", "-", "--format", "json", given=typed))) == understood(CASE)
    assert json.loads(
        succeeded(triage("recommend", "--text", "-", "--format", "json", given=CASE))
    ) == advice(CASE)  # fmt: skip


def test_a_field_says_what_the_text_answers() -> None:
    """Were it to fail: a short answer typed at one question is not understood, or is taken for another's."""
    assert understood("treated, quiet since")["profile"] == {}
    assert understood("treated, quiet since", "--field", "brain_metastases")["profile"] == {
        "brain_metastases": "stable"
    }
    line = refused(triage("understand", CASE, "--field", "brain"), "--field", "brain_metastases", "lvef")
    assert all(name in line for name in FIELDS)
    for name in ASKED_AT:
        understood("none", "--field", name)


@pytest.mark.parametrize("command", [["understand", "-"], ["recommend", "--text", "-"]], ids=lambda command: command[0])
def test_a_text_that_cannot_be_used_is_one_line_that_repeats_nothing(command: list[str]) -> None:
    """S30: were it to fail, a name typed by mistake is said back, or a traceback shows it."""
    for typed, said in (
        (PERSON.encode(), "could identify a person"), (b" \n", "empty"),
        (b"x" * (LONGEST + 1), f"{LONGEST} characters"),
        (b"x" * 40_000, "KiB"), (b"\xff\xfe" + CANARY.encode(), "UTF-8"), (CANARY.encode() + b"\0", "not text"),
    ):  # fmt: skip
        for form in ("json", "text"):
            assert CANARY not in refused(triage(*command, "--format", form, given=typed), said)
    for argument in (PERSON, f"{CANARY} \udcff"):
        assert CANARY not in refused(triage(*command[:-1], argument))


def test_nothing_typed_steers_the_terminal() -> None:
    """Were it to fail: a pasted text clears the screen or writes over the answer."""
    text = f"HER2+ MBC, THP PD \x1b[2J\x9b2J \u202e{CANARY}\x07"
    for command in (["understand", text], ["recommend", "--text", text]):
        for form in ("json", "text"):
            said = succeeded(triage(*command, "--format", form))
            assert CANARY in said
            assert not {sign for sign in said if not sign.isprintable()} - {"\n"}
    assert "<script>" not in succeeded(triage("recommend", "--text", "HER2+ <script>x</script>", "--format", "html"))


# The answer


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_what_was_understood_left_over_and_asked(form: str) -> None:
    """S11, S13: were it to fail, one form of an answer hides that a word was not used, or what it rests on."""
    said = flat(succeeded(triage("recommend", "--text", CASE, "--format", form)))
    for part in (CANARY, "THP", "her2_status" if form == "json" else "HER2 status: positive (from", "T-DXd"):
        assert part in said
    if form == "json":
        assert advice(CASE)["disclaimer"] == disclaimer()
    else:
        assert said.count(disclaimer()) >= 2
        assert text_words().asked in said
        at = said.rindex(text_words().heading)  # the page lists it among its contents, too
        assert said.index("Options for the next line") < at < said.rindex("Why this order")


def test_for_a_document_nothing_has_changed() -> None:
    """Were it to fail: programs that send profiles find a key they do not know."""
    document = json.loads(succeeded(triage("recommend", "-", "--format", "json", given="her2_status: positive")))
    assert "understanding" not in document
    with_text = advice(CASE)
    assert with_text.keys() == document.keys() | {"understanding"}
    refused(triage("recommend", "-", "--text", CASE), "not both")
    refused(triage("recommend"), "--text")


@pytest.mark.parametrize(
    ("text", "field", "readings"),
    [
        (UNCLEAR, "prior_lines", ["trastuzumab"]),
        ("HER2+ MBC, THP then a HER2 TKI, PD", "prior_lines", ["tucatinib", "lapatinib", "neratinib", "pyrotinib"]),
        ("HER2+ liver relapse, adjuvant herseptin", "early_stage_agents", ["trastuzumab"]),
    ],
)
def test_a_drug_that_is_not_clear_is_asked_back_and_nothing_is_ranked(
    text: str, field: str, readings: list[str]
) -> None:
    """S11: were it to fail, options are ranked for lines that may not be what was given. The record, too, is that of
    an answer without a ranked drug."""
    document = advice(text)
    assert (document["status"], document["options"]) == ("ask", [])
    first = document["understanding"]["questions"][0]
    assert (first["field"], [reading["value"] for reading in first["readings"]]) == (field, readings)
    assert field not in document["record"]["profile"]
    again = json.loads(
        succeeded(triage("recommend", "-", "--format", "json", given=json.dumps(document["record"]["profile"])))
    )
    assert again["record"]["id"] == document["record"]["id"]
    assert again["status"] == "ask"


@pytest.mark.parametrize(
    ("said", "field"),
    [("ER+ ER-", "hr_status"), ("brain mets", "brain_metastases"), ("ECOG 2-3", "performance_status"),
     ("cirrhosis", "hepatic_impairment"), ("frail", "chemotherapy")],
)  # fmt: skip
def test_another_field_with_two_readings_stays_open(said: str, field: str) -> None:
    """S11: were it to fail, one of two readings is taken, and the answer is not conditional on it."""
    document = advice(f"HER2+ MBC, THP PD, {said}")
    assert document["status"] == "conditional"
    assert field not in document["record"]["profile"]
    question = document["understanding"]["questions"][0]
    assert question["field"] == field
    assert question["text"]
    assert len(question["readings"]) >= 2
    assert all(reading["value"] in OPTIONS[field] for reading in question["readings"])


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("HER2+ MBC, what dose of Enhertu at 80 kg?", "decline", "dosing"),
        ("HER2+ MBC on T-DM1, how to treat nausea?", "decline", "symptom"),
        ("I am a patient with HER2+ MBC, what should I take after THP?", "decline", "not_professional"),
        ("HER2 3+ gastric cancer, failed trastuzumab, next line?", "decline", "other_tumour"),
        ("16 y/o, HER2+ MBC, THP PD", "decline", "under_18"),
        ("HER2 1+ MBC after capecitabine", "decline", "her2_low"),
        ("triple negative MBC after capecitabine", "decline", "her2_negative"),
        ("HER2+ early breast cancer, neoadjuvant TCHP, next?", "decline", "early_stage"),
        ("HER2+ MBC, THP PD, 12 weeks pregnant", "refer", "pregnancy"),
        ("HER2+ MBC, THP PD, ECOG 3", "refer", "poor_performance_status"),
        ("HER2+ MBC with LMD", "refer", "leptomeningeal_disease"),
        ("HER2+ MBC, THP PD, seizure now, what dose of dexamethasone?", "refer", "red_flag"),
        ("Mets, THP PD, HER2 negative, HER2+", "ask", "her2_not_given"),
        ("HER2+ MBC, after adjuvant TCH, now on chemo with PD", "ask", "lines_not_given"),
        ("What is the weather?", "ask", "her2_not_given"),
    ],
)
def test_outside_the_scope_no_drug_is_ranked(text: str, status: str, reason: str) -> None:
    """S3, S4: were it to fail, a typed text gets drugs where an answer to the same questions would get none."""
    document = advice(text)
    codes = [entry["code"] for entry in document["reasons"]]
    if codes == ["other_question"]:  # one that is recognised as another question is declined as such
        status, reason = "decline", "other_question"
    assert (document["status"], document["options"], codes[:1]) == (status, [], [reason])
    for form in ("text", "html"):
        assert "No drug is ranked." in flat(succeeded(triage("recommend", "--text", text, "--format", form)))


def test_the_region_counts_where_the_text_names_none() -> None:
    """Were it to fail: authorisations are shown for another place than the patient's."""
    assert "region" not in advice(CASE)["record"]["profile"]
    assert advice(CASE, "--region", "eu")["record"]["profile"]["region"] == "eu"
    assert advice(f"{CASE} We are in China.", "--region", "eu")["record"]["profile"]["region"] == "china"


def test_what_was_answered_is_a_profile_that_can_be_sent_again() -> None:
    """S23: were it to fail, the record of an answer to a text does not lead to the same options."""
    document = advice(CASE)
    Profile.model_validate(document["record"]["profile"])
    again = json.loads(
        succeeded(triage("recommend", "-", "--format", "json", given=json.dumps(document["record"]["profile"])))
    )
    assert again["options"] == document["options"]
    assert again["record"] == document["record"]


def test_a_text_is_answered_without_the_channels_and_leaves_no_trace(tmp_path: Path) -> None:
    """S30: were it to fail, a command waits for the web or Telegram to load, or a typed word is found on the disk."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    folders = {name: tmp_path / name for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TRIAGE_DATA_DIR", "cwd")}
    for folder in folders.values():
        folder.mkdir()
    environment = {name: str(folder) for name, folder in folders.items() if name != "cwd"}
    for command in (["understand", "-"], ["recommend", "--text", "-"]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "bot", *command],
            input=CASE.encode(), capture_output=True, timeout=60, check=False,
            cwd=folders["cwd"], env={**kept, **environment, "PYTHONPATH": str(Path(__file__).parent.parent)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-500:]
        assert CANARY in done.stdout.decode()
        assert CANARY not in done.stderr.decode()
        imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.decode().splitlines()}
        assert "rapidfuzz" in imported
        assert not imported & {"telegram", "starlette", "fastapi", "uvicorn", "httpx", "sqlite3", "psycopg", "asyncio"}
    assert [path for folder in folders.values() for path in folder.rglob("*")] == []


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/use-the-terminal.md"])
def test_the_pages_show_what_understand_prints(page: str) -> None:
    """Were it to fail: what a new user compares is not what the page promises."""
    text = (Path(__file__).parent.parent / page).read_text("utf-8")
    found = re.search(r"triage understand '([^']+)'\n(?:```\n\n```text\n)?(What was understood\n.*?)```", text, re.S)
    assert found is not None
    typed, promised = found.groups()
    said = succeeded(triage("understand", typed))
    assert said.startswith(promised.removesuffix("[...]\n"))
    assert said == promised or promised.endswith("[...]\n")


# Any text


def texts() -> list[str]:
    """Whole cases as they are typed, of the open half of the labelled corpus."""
    return [entry["text"] for _, entry in corpus.entries("open", "cases")]


def check(text: str, *, rendered: bool) -> None:
    words = english(shipped())
    try:
        answer = answer_to(text, shipped(), words)
    except HoldsIdentifier:
        return
    found, advice, profile = answer.found, answer.advice, answer.advice.profile
    unclear = {entry.field for entry in found.ambiguous}
    assumed = {entry.field for entry in answer.assumed}
    if found.scope == "out" or "prior_lines" in unclear:
        assert advice.options == (), "a drug is ranked out of scope, or for a line that is not clear"
    if advice.options:
        assert (profile.her2_status, profile.setting) == ("positive", "metastatic") or profile.setting is None
        assert profile.prior_lines is not None
        assert {entry.field for entry in answer.questions} >= unclear
        assert advice.status == "conditional" or not assumed
    for name in FIELDS:
        value = getattr(profile, name)
        assert value is None or name in assumed or value == found.fields.get(name), name
    assert all(getattr(profile, name) is None for name in unclear)
    if not rendered:
        return
    text_advice_document(answer, words)
    said = "".join(message.text for message in answer_messages(answer, words))
    assert all(" ".join(left.split()) in " ".join(said.split()) for left in found.leftover if left.isprintable())


def test_no_case_of_the_corpus_is_answered_on_a_guess() -> None:
    """S3, S11: were it to fail, options are ranked for a line that is not clear, out of scope, or on something the
    text neither states nor is said to be assumed from it."""
    for number, text in enumerate(texts()[::3]):
        check(text, rendered=number % 8 == 0)


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_no_mixture_of_cases_is_answered_on_a_guess(data: st.DataObject) -> None:
    """The same where texts contradict themselves, stop in mid-word or hold anything at all."""
    pieces = st.sampled_from(texts()).flatmap(
        lambda text: st.integers(0, len(text)).map(lambda at: text[at : at + 60])
    )  # fmt: skip
    check(
        "\n".join(data.draw(st.lists(st.one_of(pieces, st.text(max_size=10)), min_size=1, max_size=6))), rendered=False
    )
