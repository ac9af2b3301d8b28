"""Golden transcripts: the wording of whole conversations, as a terminal shows them. Meaning is asserted elsewhere.

Refresh with `make generated`, then read the difference as a clinician would.
"""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from bot.app import App, Tap, Text
from bot.channels.replay import read_script
from bot.channels.terminal import Terminal
from bot.log import Keys, Log
from bot.log.sqlite import SQLite
from bot.plain import plain_text
from flows.knowledge import shipped
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from messages.render import full_answer
from messages.words import english

HERE = Path(__file__).parent
SCRIPTS = (
    "source_article_question",
    "source_article_brain_active",
    "hr_positive_unfit_for_chemotherapy",
    "after_everything",
    "safety_some_not_known",
    "edit_on_review_drops_what_no_longer_applies",
    "referral_pregnancy",
    "referral_leptomeningeal",
    "refusal_her2_low",
    "trouble_double_tap_and_stale_tap",
    "typed_whole_case",
    "conditional_answer_parts_the_ways",
    "whatif_side_by_side",
    "question_passed_over_and_asked_again",
    "why_at_questions",
)


class Transcript(SingleFileSnapshotExtension):
    """One text file a transcript, in the module's folder of tests/transcripts."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(HERE / "transcripts" / Path(test_location.filepath).stem)


async def transcript(name: str, folder: Path) -> str:
    """A script's conversation, what the user did on lines that begin with >."""
    target = io.StringIO()
    log = Log(SQLite(folder / "log.sqlite3", Keys("a key of the tests that is long enough")))
    app = App(shipped(), log, today=lambda: date(2026, 11, 23))
    terminal = Terminal(app, "transcript", target, styled=False)
    terminal.show(await app.opening("transcript"))
    for turn in read_script(str(HERE / "conversations" / f"{name}.yaml")).turns:
        verb, said = turn.action
        if verb == "restart":
            continue
        taps = [said] * (2 if verb == "double_tap" else 1)
        for tap in taps:
            target.write(f"> {tap}\n\n")
            options = str(tap).replace("+", ", ") if " " not in str(tap) else tap
            pressed = Tap(str(tap)) if verb == "stale_tap" else Text(options)
            terminal.show(await app.handle("transcript", pressed))
    log.close()
    return undated(target.getvalue())


def undated(text: str) -> str:
    """The text without the knowledge's hash: a change elsewhere in the knowledge is not a change of wording."""
    digest = shipped().digest
    return text.replace(digest[7:15], "(hash)").replace(digest[:19], "(hash)")


@pytest.mark.parametrize("name", SCRIPTS)
async def test_transcript(name: str, snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    """A change of wording nobody meant would go unseen."""
    assert await transcript(name, tmp_path) == snapshot(extension_class=Transcript)


def test_the_whole_answer(snapshot: SnapshotAssertion) -> None:
    """A change in a section of the answer nobody meant would go unseen."""
    profile = Profile.model_validate(
        {
            "her2_status": "positive",
            "setting": "metastatic",
            "prior_lines": [{"agents": ["taxane", "carboplatin", "trastuzumab"], "outcome": "progression"}],
            "brain_metastases": "stable",
            "tdxd_access": "unavailable",
        }
    )
    knowledge = shipped()
    said = plain_text(full_answer(recommend(profile, knowledge), english(knowledge)))
    assert undated(said) == snapshot(extension_class=Transcript)
