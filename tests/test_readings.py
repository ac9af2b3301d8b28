"""Every reading of a typed text as it was when the rules were last changed: what mutants of the rules are killed by."""

from __future__ import annotations

from dataclasses import fields
from itertools import zip_longest

from flows.knowledge import shipped
from messages.understanding.lexicon import FOLDER, Lexicon, lexicon, read_lexicon, texts_of
from tests.understanding.readings import RECORD, lines


def test_every_reading_is_as_recorded() -> None:
    """A text is read otherwise than before, and nobody meant it."""
    recorded = RECORD.read_text("utf-8").splitlines()
    for now, then in zip_longest(lines(), recorded):
        assert now == then, "readings changed; if meant: python -m tests.understanding.readings"


def test_the_lexicon_that_is_kept_is_the_one_that_is_read() -> None:
    """What is kept beside the code is another lexicon than the files hold."""
    anew, kept = read_lexicon(texts_of(FOLDER), shipped()), lexicon(shipped())
    for one in fields(Lexicon):
        assert getattr(anew, one.name) == getattr(kept, one.name), one.name
