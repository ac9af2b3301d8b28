"""Every scripted conversation on Telegram, against the stand-in server: the same meaning as on the core.

And what a consult looks like on the phone: golden files, refreshed with `make generated`, read as a person sees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.channels.replay import START_OF_TIME, Stage, describe, read_script, read_scripts, replay
from bot.channels.telegram.rendering import Piece
from bot.rehearsal import TelegramStage
from bot.standin import Shown
from flows.knowledge.load import Knowledge, shipped
from messages.message import Message
from tests.oracle import consult_oracle, lines_of
from tests.test_transcripts import Transcript, undated

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "conversations").rglob("*.yaml"))
CONSULTS = (
    "source_article_question",
    "hepatic_interactions_and_more",
    "edit_on_review_drops_what_no_longer_applies",
    "trouble_double_tap_and_stale_tap",
    "refusal_her2_low",
)


class Watched(TelegramStage):
    """A stage that is looked at after it was played."""

    last: Watched

    def __init__(self, knowledge: Knowledge, folder: Path, clock: datetime) -> None:
        super().__init__(knowledge, folder, clock)
        Watched.last = self
        self.most_messages = self.most_edits = 0

    def do(self, verb: str, what: Any) -> list[Message]:
        before = len(self.server.calls)
        updates = len(self.server.updates)
        messages = super().do(verb, what)
        calls = [call.method for call in self.server.calls[before:]]
        if len(self.server.updates) - updates == 1:  # one turn, not several taps
            self.most_messages = max(self.most_messages, sum(name.startswith("send") for name in calls))
            self.most_edits = max(self.most_edits, sum(name.startswith("edit") for name in calls))
        return messages


@pytest.fixture(scope="module")
def asked_of_the_oracle() -> Iterator[list[dict[str, Any]]]:
    """The calls of all the module's conversations, put to the independent oracle at its end."""
    lines: list[dict[str, Any]] = []
    yield lines
    consult_oracle(lines)


@pytest.mark.parametrize("name", [script.stem for script in SCRIPTS])
def test_script(name: str, asked_of_the_oracle: list[dict[str, Any]]) -> None:
    """S21, T1-T9: were it to fail, a clinician on Telegram is asked, told or offered something else than elsewhere."""
    path = HERE / "conversations" / f"{name}.yaml"
    for script in read_scripts(str(path)):
        report = replay(str(path), script, shipped(), Watched)
        stage = Watched.last
        asked_of_the_oracle += lines_of(stage.server)
        assert not report.failed, "\n" + describe(report) + "\n" + stage.phone.screen()
        again = any(turn.redeliver for turn in script.turns)  # whether the first answer to a press arrived is not known
        assert [said for said in stage.server.violations if not (again and "answered twice" in said)] == []
        assert stage.phone.unanswered == set(), "T6: a button goes on spinning"
        assert stage.most_messages <= 3, "T9"
        assert stage.most_edits <= 1, "T9"
        assert not _edited_answers(stage), "the final answer is never edited"


def _edited_answers(stage: Watched) -> list[Shown]:
    sent = {call.params["text"] for call in stage.server.calls if call.method == "sendMessage"}
    return [
        shown
        for shown in stage.phone.messages
        if shown.from_bot and shown.edits and "Options for the next line" in shown.text and shown.html not in sent
    ]


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ("{user: oncologist, bot: red_flags}", "expected red_flags"),
        ("{user: oncologist, bot: gate, text: [nothing of the kind]}", "is not said"),
        ("{user: /help, bot: role}", "got      help"),
    ],
)
def test_a_script_that_expects_something_else_fails(turn: str, reason: str, tmp_path: Path) -> None:
    """Were it to fail: the phone is not looked at, and every script would pass."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(f"title: A script that expects something else\nturns:\n  - {turn}\n")
    assert reason in describe(replay(str(wrong), read_script(str(wrong)), shipped(), TelegramStage))


def test_what_does_not_reach_the_phone_was_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it to fail: a channel that sends nothing, or half of a message, passes every script."""
    monkeypatch.setattr("bot.channels.telegram.rendering._shown", lambda block, text, close: Piece("else", 4, 0, close))
    path = HERE / "conversations" / "refusal_her2_low.yaml"
    report = replay(str(path), read_script(str(path)), shipped(), TelegramStage)
    assert report.failed
    assert all(outcome.said == () for outcome in report.outcomes)


def test_stages_agree_on_what_a_script_ends_in() -> None:
    """S21: were it to fail, the same answers give other options on Telegram than on the core."""
    path = HERE / "conversations" / "source_article_brain_active.yaml"
    ends = [replay(str(path), read_script(str(path)), shipped(), on).outcomes[-1].advice for on in (Stage, Watched)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].record_id == ends[1].record_id
    assert ends[0].regimens == ends[1].regimens


def looked_at(name: str, folder: Path) -> str:
    """A consult as it goes by on the phone: what was done, then each message that came or changed."""
    stage = TelegramStage(shipped(), folder, START_OF_TIME)
    parts = []
    try:
        for turn in read_script(str(HERE / "conversations" / f"{name}.yaml")).turns:
            verb, what = turn.action
            before = {shown.message_id: (shown.text, shown.keyboard) for shown in stage.phone.messages}
            toasts = len(stage.phone.toasts)
            stage.do(verb, what)
            parts.append(f"> {'' if verb == 'user' else verb + ' '}{what}")
            parts += [f"(over the chat: {text})" for text, _ in stage.phone.toasts[toasts:] if text]
            for shown in stage.phone.messages:
                if shown.from_bot and before.get(shown.message_id) != (shown.text, shown.keyboard):
                    mark = f"(message {shown.message_id} becomes)\n" if shown.message_id in before else ""
                    parts.append(mark + "\n".join(shown.lines()))
    finally:
        stage.close()
    return undated("\n\n".join(parts) + "\n")


@pytest.mark.parametrize("name", CONSULTS)
def test_consult(name: str, snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    """Were it to fail: what a clinician sees on the phone changed, and nobody looked."""
    assert looked_at(name, tmp_path) == snapshot(extension_class=Transcript)
