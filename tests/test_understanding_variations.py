"""Texts that say the same in other words, other spelling and other punctuation are read the same."""

from __future__ import annotations

import pytest

from tests.understanding.corpus import Judged
from tests.understanding.variations import Variation, judged_variations, variations

READ_THE_SAME = 0.985
"""The share of variations that are read as the label of their entry says."""
PARTS = {"phrases": 20, "cases": 18}
"""Of so many entries of a kind one is varied; the whole of them takes a minute."""


@pytest.fixture(scope="module", params=sorted(PARTS))
def judged(request: pytest.FixtureRequest) -> list[tuple[Variation, Judged]]:
    """The variations of a part of the open entries of one kind, each read once."""
    return list(judged_variations(request.param, PARTS[request.param]))


def test_a_variation_is_read_as_its_label_says(judged: list[tuple[Variation, Judged]]) -> None:
    """A brand for a generic name, a newline for a full stop, a greeting or small letters change what is understood."""
    wrong = [(found.name, variation.family, variation.text) for variation, found in judged if found.differences]
    assert len(judged) > 500
    assert 1 - len(wrong) / len(judged) >= READ_THE_SAME, wrong


def test_no_variation_adds_a_drug(judged: list[tuple[Variation, Judged]]) -> None:
    """Another wording of the same text puts a drug into a line that nobody gave."""
    assert [(found.name, variation.text) for variation, found in judged if found.wrong_agents] == []


def test_variations_differ_from_their_text() -> None:
    """The share is of texts that are the entry itself: nothing would be tested."""
    text = "HER2+ MBC, T-DXd x6. PD liver, brain MRI clear"
    made = list(variations(text, answer=False))
    assert len(made) > 15
    assert text not in {variation.text for variation in made}
    assert "HER2+ MBC, Enhertu x6. PD liver, brain MRI clear" in {variation.text for variation in made}
