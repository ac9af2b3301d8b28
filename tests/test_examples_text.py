"""The fifteen cases of tests/examples.yaml as their clinicians typed them, through `triage recommend --text`.

tests/test_examples.py asks the same of profiles written by hand; here the profile is what was understood of the text.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from flows.profile import Profile
from tests.test_cli import succeeded, triage
from tests.test_examples import ASKED_AS, CASES, LEPTOMENINGEAL, NO_TREATMENT

TAKEN_AS = {
    "ex-03": {"her2_status"}, "ex-04": {"her2_status"}, "ex-05": {"her2_status"}, "ex-06": {"her2_status"},
    "ex-07": {"prior_lines"}, "ex-08": {"her2_status", "prior_lines"}, "ex-12": {"setting"},
}  # fmt: skip
"""What a case does not state and its answer rests on: it has to be said, and to be a question."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Each command switches the collector off for its process; here the process goes on."""
    yield
    gc.enable()


@cache
def answer(case: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(succeeded(triage("recommend", "--text", CASES[case]["text"], "--format", "json")))
    return said


def treatments(document: dict[str, Any]) -> list[str]:
    steps = [name for name in document["steps"] if name not in NO_TREATMENT]
    return [*steps, *(option["regimen"] for option in document["options"])]


@pytest.mark.parametrize("case", CASES)
def test_behaviour(case: str) -> None:
    """S3, S15: were it to fail, a typed case gets drugs where it is out of scope, or none where it is in."""
    document = answer(case)
    wanted = "refer" if case == LEPTOMENINGEAL else CASES[case]["expected"]["behaviour"]
    status = "recommend" if document["status"] == "conditional" else document["status"]
    assert status == wanted, document["reasons"]
    assert bool(document["options"]) == (wanted == "recommend")


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"]["acceptable_first"]])
def test_acceptable_first(case: str) -> None:
    """S4, S16: were it to fail, the text's answer leads with a treatment that the guidelines do not accept."""
    acceptable = set(CASES[case]["expected"]["acceptable_first"])
    if CASES[case]["profile"]["prior_lines"] == [] and "t_dxd" in acceptable:
        acceptable.add("t_dxd_pertuzumab")
    assert treatments(answer(case))[0] in acceptable


@pytest.mark.parametrize("case", CASES)
def test_must_not_be_first(case: str) -> None:
    """S16: were it to fail, a misread text puts a treatment first that failed before, or that harms."""
    forbidden = set(CASES[case]["expected"]["must_not_be_first"])
    document = answer(case)
    leading = {*document["steps"][:1], *(option["regimen"] for option in document["options"] if option["rank"] == 1)}
    assert not leading & forbidden


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"]["must_exclude"]])
def test_must_exclude(case: str) -> None:
    """S5: were it to fail, what the text rules out is offered, or is missing without a reason."""
    document = answer(case)
    wanted = {entry["regimen"] for entry in CASES[case]["expected"]["must_exclude"]}
    assert wanted <= {exclusion["regimen"] for exclusion in document["excluded"] if exclusion["text"]}
    assert not wanted & set(treatments(document))


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"].get("must_ask")])
def test_must_ask(case: str) -> None:
    """S11: were it to fail, what the text leaves open is passed over in silence."""
    document = answer(case)
    asked = {question["field"] for question in document["understanding"]["questions"]}
    stated = document["understanding"]["profile"]
    for phrase in CASES[case]["expected"]["must_ask"]:
        for name in ASKED_AS[phrase]:
            open_lines = name == "prior_lines" and any(
                not line.get("agents") or line.get("outcome") in (None, "unknown") for line in stated.get(name, ())
            )
            if name not in stated or open_lines:
                assert name in asked, (phrase, name)


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_stated_is_said_to_be_assumed(case: str) -> None:
    """S11: were it to fail, an answer rests on something the clinician never wrote, and does not say so."""
    document = answer(case)
    understanding = document["understanding"]
    assumed = {entry["field"]: entry["value"] for entry in understanding["assumed"]}
    assert assumed.keys() == TAKEN_AS.get(case, set())
    assert not assumed.keys() & understanding["profile"].keys()
    if assumed and document["options"]:
        assert document["status"] == "conditional"
        assert len(document["assumptions"]) > len(assumed)
        if "her2_status" in assumed:
            assert "HER2 status: positive" in document["assumptions"]
        if "prior_lines" in assumed:
            assert "Lines for metastatic disease: none yet" in document["assumptions"]
    used = document["record"]["profile"]
    assert (
        used
        == Profile.model_validate({**understanding["profile"], **assumed}).model_dump(mode="json", exclude_none=True)
        or document["status"] == "decline"
    )


@pytest.mark.parametrize("case", CASES)
def test_the_words_stand_in_the_text(case: str) -> None:
    """The contract: were it to fail, a clinician cannot see which words a field came from."""
    text, understanding = CASES[case]["text"], answer(case)["understanding"]
    for span in understanding["spans"]:
        assert text[span["start"] : span["end"]] == span["text"]
    assert all(words in text for words in understanding["leftover"])
    without = {"prior_lines", "setting"}  # none yet, and a number of the line asked about, have no words of their own
    assert {span["field"] for span in understanding["spans"]} >= understanding["profile"].keys() - without


def test_a_drug_named_alone_states_no_her2_status() -> None:
    """T-DXd is given in HER2-low disease, too. Were it to fail, options for HER2-positive disease are ranked for a
    patient who, by the lines named, may as well have HER2-low disease."""
    for text in (
        "Palbociclib + letrozole, then capecitabine, then Enhertu, now liver PD",
        "Enhertu, then liver PD",
        "third-line Enhertu, liver PD",
    ):
        document = json.loads(succeeded(triage("recommend", "--text", text, "--format", "json")))
        assert (document["status"], document["options"]) == ("ask", [])
        assert document["understanding"]["questions"][0]["field"] == "her2_status"
