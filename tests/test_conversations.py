"""The scripted conversations: each is replayed turn by turn, and together they pass the whole dialogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.channels import replay as replay_module
from bot.channels.replay import Report, Stage, describe, read_script, replay
from flows.dialogue import STATES, State, path, router
from flows.knowledge.load import shipped
from flows.profile import Profile
from flows.questionnaire import UNDERSTOOD
from flows.sequencing.recommend import recommend
from messages.message import Message

FOLDER = Path(__file__).parent / "conversations"
SCRIPTS = sorted(FOLDER.rglob("*.yaml"))
FEWEST = 28

Edges = set[tuple[str, str]]


@dataclass
class Played:
    """One script's report, with what it passed: states stood at, steps between them, stops that held first."""

    report: Report
    states: set[str] = field(default_factory=set)
    steps: Edges = field(default_factory=set)
    stops: set[str] = field(default_factory=set)


def steps_between(before: State, after: State) -> Edges:
    """The machine's steps of one answered question: one, or more where later answers already exist."""
    knowledge = shipped()
    passed = path(after.answers, knowledge)
    if passed[-1] != after.here or before.here not in passed:
        return {(before.here, after.here)}
    onward = passed[passed.index(before.here) :]
    return set(pairwise(onward)) | {(before.here, after.here)}


def by_words(before: State, after: State) -> bool:
    """Whether typed words that state something led on, or were taken back: that is no step of the machine."""
    waits = UNDERSTOOD in (before.here, after.here)
    return waits or after.before is not None or (before.before is not None and after.answers == before.before)


def play(script: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Replay a script through `bot.channels.replay`, noting each state before and after an answer."""
    seen: list[tuple[State, State]] = []
    states: set[str] = set()

    class Watched(Stage):
        def do(self, verb: str, what: Any) -> list[Message]:
            before = self.state
            messages = super().do(verb, what)
            states.update((before.here, self.state.here))
            answered = verb in ("user", "double_tap") and not str(what).startswith("/")
            if answered and self.state.answers != before.answers and not by_words(before, self.state):
                seen.append((before, self.state))
            return messages

    monkeypatch.setattr(replay_module, "Stage", Watched)
    played = Played(replay(str(script), read_script(str(script)), shipped()), states)
    for before, after in seen:
        played.steps |= steps_between(before, after)
    for outcome in played.report.outcomes:
        if outcome.advice is not None:
            played.stops |= {reason.stop.id for reason in outcome.advice.reasons[:1]}
    return played


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Played]]:
    """Every script, played once for the whole module."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield {script.stem: play(script, monkeypatch) for script in SCRIPTS}


@pytest.mark.parametrize("name", [script.stem for script in SCRIPTS])
def test_script(name: str, played: dict[str, Played]) -> None:
    """S1, S3, S4, S24, S25 and the dossier's rows: a clinician's conversation goes as a clinician expects.

    Were it to fail: a question, a refusal, a ranking or the handling of trouble is not what the script says.
    """
    report = played[name].report
    assert not report.failed, "\n" + describe(report)


def test_titles_are_readable_and_unique() -> None:
    """A reviewer reads titles, not ids. Were it to fail: a script has no title of its own, or too few exist."""
    titles = [read_script(str(script)).title for script in SCRIPTS]
    assert len(titles) >= FEWEST
    assert len(set(titles)) == len(titles)
    assert all(len(title.split()) >= 4 for title in titles)


def test_every_verb_of_trouble_is_played() -> None:
    """S24, S25: every kind of trouble a chat brings is played. Were it to fail: one of them is untested."""
    verbs = {turn.action[0] for script in SCRIPTS for turn in read_script(str(script)).turns}
    wanted = {"user", "double_tap", "stale_tap", "redeliver", "restart", "edit_message", "send", "advance_clock"}
    assert verbs == wanted


def test_dialogue_is_covered(played: dict[str, Played], capsys: pytest.CaptureFixture[str]) -> None:
    """S15: the scripts pass every state and every step of the machine that runs.

    Were it to fail: part of the dialogue is never exercised by a conversation, or can no longer be reached.
    """
    edges = {(edge.source, edge.target) for onward in router(shipped()).edges.values() for edge in onward}
    steps = set().union(*(one.steps for one in played.values()))
    states = set().union(*(one.states for one in played.values()))
    with capsys.disabled():
        print(
            f"\ndialogue coverage: {len(states & set(STATES))}/{len(STATES)} states, "
            f"{len(steps & edges)}/{len(edges)} transitions"
        )
    assert not set(STATES) - states, "states never stood at"
    assert not edges - steps, "steps never taken"


def test_replay_reports_no_step_the_machine_does_not_have(played: dict[str, Played]) -> None:
    """S15: every step an answer took is the machine's. Were it to fail: an answer led where no edge leads."""
    edges = {(edge.source, edge.target) for onward in router(shipped()).edges.values() for edge in onward}
    for name, one in played.items():
        for source, target in one.steps - edges:  # several steps at once, or the end of an edit
            assert source in STATES, name
            assert _connected(source, target, edges), f"{name}: {source} -> {target}"


def _connected(source: str, target: str, edges: Edges) -> bool:
    reached, fresh = {source}, {source}
    while fresh:
        fresh = {after for before, after in edges if before in fresh} - reached
        reached |= fresh
    return target in reached


def test_every_stop_is_reached(played: dict[str, Played]) -> None:
    """S3, S4: each refusal and referral is played as the first reason given.

    Were it to fail: a stop of the knowledge is never shown by a conversation, or hides behind another.
    Stops on what a document leaves out cannot arise in the dialogue, which asks; they are read from documents.
    """
    reached = set().union(*(one.stops for one in played.values()))
    knowledge = shipped()
    for_documents = {stop.id for stop in knowledge.stops if "absent" in stop.when.fields}
    for profile in (Profile(), Profile(her2_status="positive", setting="metastatic")):
        reached |= {reason.stop.id for reason in recommend(profile, knowledge).reasons[:1]} & for_documents
    assert not {stop.id for stop in knowledge.stops} - reached, "stops never reached"


def test_a_stop_says_its_own_reason_only(played: dict[str, Played]) -> None:
    """S3, S4: a refusal or referral names its reason and asks for nothing that would not change it.

    Were it to fail: an emergency, a minor or another tumour is told that lines of therapy are still needed.
    """
    for name, one in played.items():
        for outcome in one.report.outcomes:
            advice = outcome.advice
            if advice is not None and advice.status in ("refer", "decline"):
                asked = [reason.stop.id for reason in advice.reasons if reason.stop.outcome == "ask"]
                assert not asked, f"{name}, turn {outcome.number}: also says {', '.join(asked)}"
                unless = [reason.stop.id for reason in advice.reasons if reason.stop.outcome != advice.status]
                assert not unless, f"{name}, turn {outcome.number}: {advice.status}, and {', '.join(unless)}"


def test_the_final_state_is_the_status(played: dict[str, Played]) -> None:
    """S3: what the machine ends in and what the advice says agree (declined, referred, more needed).

    Were it to fail: a case that is declined is recorded and routed as a referral.
    """
    final_of = {"refer": "referred", "decline": "declined", "ask": "needs_information"}
    for name, one in played.items():
        for outcome in one.report.outcomes:
            if outcome.advice is not None:
                expected = final_of.get(outcome.advice.status, "advice")
                assert expected in outcome.said, f"{name}, turn {outcome.number}: {outcome.said}"
                if expected != "advice":
                    assert not outcome.advice.options
