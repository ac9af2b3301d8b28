"""Variations of the corpus's texts that do not change what they say: other names, other spelling, other punctuation.

    python -m tests.understanding.variations [name ...]

prints the variations of open entries that are read otherwise than their label, where the entry itself is read rightly.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.understanding.corpus import Entry, Judged, entries, judge

SAME: dict[str, tuple[tuple[str, ...], ...]] = {
    "drug": (
        ("T-DXd", "Enhertu", "trastuzumab deruxtecan", "DS-8201", "TDXd"),
        ("T-DM1", "Kadcyla", "trastuzumab emtansine", "TDM1", "ado-trastuzumab emtansine"),
        ("trastuzumab", "Herceptin"),
        ("pertuzumab", "Perjeta"),
        ("tucatinib", "Tukysa"),
        ("lapatinib", "Tykerb", "Tyverb"),
        ("neratinib", "Nerlynx"),
        ("margetuximab", "Margenza"),
        ("capecitabine", "Xeloda", "cape"),
        ("vinorelbine", "Navelbine"),
        ("eribulin", "Halaven"),
        ("gemcitabine", "Gemzar"),
        ("docetaxel", "Taxotere"),
        ("paclitaxel", "Taxol"),
        ("nab-paclitaxel", "Abraxane"),
        ("carboplatin", "carbo"),
        ("letrozole", "Femara"),
        ("anastrozole", "Arimidex"),
        ("exemestane", "Aromasin"),
        ("fulvestrant", "Faslodex"),
        ("palbociclib", "Ibrance"),
    ),
    "her2": (("HER2+", "HER2-positive", "HER2 positive", "HER2 pos", "HER2 +ve"),),
    "metastatic": (("MBC", "metastatic breast cancer"), ("stage IV", "stage 4")),
    "metastases": (("mets", "metastases"), ("met", "metastasis"), ("LMD", "leptomeningeal disease")),
    "progression": (
        ("PD", "progression", "progressive disease"), ("progressed on", "PD on"), ("progressing", "in progression"),
    ),
    "imaging": (("brain MRI", "MRI brain", "MRI of the brain", "cranial MRI"),),
    "cycles": (
        ("x6", "x 6", "6 cycles", "six cycles"), ("x4", "x 4", "4 cycles", "four cycles"),
        ("x8", "x 8", "8 cycles", "eight cycles"), ("x3", "x 3", "3 cycles", "three cycles"),
    ),
    "line": (
        ("1st line", "first line", "first-line", "1L", "1st-line"), ("2nd line", "second line", "second-line", "2L"),
        ("3rd line", "third line", "third-line", "3L"), ("4th line", "fourth line", "fourth-line"),
    ),
    "spelling": (
        ("tumour", "tumor"), ("oestrogen", "estrogen"), ("diarrhoea", "diarrhea"), ("haemoglobin", "hemoglobin"),
        ("oedema", "edema"), ("dyspnoea", "dyspnea"), ("stabilised", "stabilized"), ("metastasised", "metastasized"),
        ("colour", "color"), ("programme", "program"), ("paediatric", "pediatric"), ("favour", "favor"),
    ),
    "number": (
        ("2 lesions", "two lesions"), ("3 lesions", "three lesions"), ("6 months", "six months", "6 mo", "6 mths"),
        ("12 months", "twelve months", "12 mo"), ("2 years", "two years", "2 yrs"),
        ("8 months", "eight months", "8 mo"),
        ("3 months", "three months", "3 mo"), ("18 months", "eighteen months", "18 mo"), ("4 months", "four months"),
    ),
    "organ": (("LVEF", "EF", "ejection fraction"), ("platelets", "plts", "plt", "platelet count"),
              ("ECOG", "PS", "performance status"), ("eGFR", "GFR"), ("neoadjuvant", "neoadj", "preoperative"),
              ("adjuvant", "postoperative"), ("DPYD", "DPD"), ("ILD", "interstitial lung disease")),
    "words": (
        ("because of", "due to"), ("followed by", "then"), ("never had", "has not had", "did not receive"),
        ("not reimbursed", "not funded", "not available"), ("currently on", "now on"), ("w/", "with"), ("&", "and"),
        ("stopped", "discontinued"), ("was given", "was used"), ("received", "had"),
    ),
}  # fmt: skip
"""Wordings that mean the same, by family: each is put in the place of each other."""
_NO_NAMES = ("US", "WHO")
_BROKEN = re.compile(r"(?<=[a-z)\d%+])(?<!adj)(?<!neither)\. (?=[A-Z])")
_SENTENCE = "She lives alone."
_REFERS = re.compile(
    r"(?:it|this|that|then|these|they|both|all|not|no|none|never|yes|since|after|before|now|also|but|and|same|stopped"
    r"|given|progress|still|because|actually|sorry|correction|i mean|pd\b|with|until|on it)",
    re.IGNORECASE,
)
"""How a sentence begins that goes on from the one before."""


class Variation(NamedTuple):
    """A text that says the same, and the family of the change."""

    family: str
    text: str


def variations(text: str, *, answer: bool) -> Iterator[Variation]:
    """Texts that say what a text says. `answer`: it answers a question, so nothing is put around it."""
    seen = {text}
    for family, changed in _all(text, answer=answer):
        if changed not in seen:
            seen.add(changed)
            yield Variation(family, changed)


def _all(text: str, *, answer: bool) -> Iterator[tuple[str, str]]:
    for family, groups in SAME.items():
        for group in groups:
            for changed in _other_names(text, group):
                yield family, changed
    for family, change in _WHOLE.items():
        if not (answer and family in ("around", "neutral")):
            yield family, change(text)


def _other_names(text: str, group: tuple[str, ...]) -> Iterator[str]:
    """The text with each member of a group in the place of another that stands in it."""
    longer = sorted((name for name in group), key=len, reverse=True)
    for name in longer:
        pattern = _pattern(name)
        if pattern.search(text) is None:
            continue
        for other in group:
            if other != name:
                yield pattern.sub(lambda found, other=other: _like(found[0], other), text)  # type: ignore[misc]


_PATTERNS: dict[str, re.Pattern[str]] = {}
_AROUND = {
    "trastuzumab": (
        r"(?<![\w-])(?<!ado-)(?<!fam-)",
        r"(?![\w-]| deruxtecan| emtansine| duo| rez| biosim| SC| IV| dur| \(?SC)",
    ),
    "paclitaxel": (r"(?<![\w-])(?<!nab )(?<!bound )(?<!liposomal )(?<!particle )", r"(?![\w-]| alb| prot)"),
    "HER2+": (r"(?<![\w-])", r"(?![\w+/])"),
    "had": (r"(?<![\w-])", r"(?![\w-]| been\b| \w+ed\b)"),
    "met": (r"(?<![\w-])", r"(?![\w-]| breast| bc| :|:)"),
    "mets": (r"(?<![\w-])", r"(?![\w-]| ?:)"),
    "cape": (r"(?<![\w-])", r"(?![\w-])"),
    "PD": (r"(?<![\w-])(?<!SD/)", r"(?![\w-]| ?on\b| ?to\b)"),
    "progression": (r"(?<![\w-])(?<!no )(?<!on )(?<!at )(?<!upon )", r"(?![\w-]|[ -]free| on\b| under\b)"),
}
"""What stands before and behind a name where it is not a part of another, for names that often are."""


def _pattern(name: str) -> re.Pattern[str]:
    if name not in _PATTERNS:
        before, behind = _AROUND.get(name, (r"(?<![\w-])(?<![\w]/)", r"(?![\w-])"))
        _PATTERNS[name] = re.compile(before + re.escape(name) + behind, re.IGNORECASE)
    return _PATTERNS[name]


def _like(typed: str, name: str) -> str:
    """A name typed as the one it replaces: with a capital where a sentence begins with it."""
    return name[0].upper() + name[1:] if typed[0].isupper() and typed[1:].islower() else name


def _around(text: str) -> str:
    return f"Dear colleague, {text}{'' if text[-1] in '.?!' else '.'} Thanks."


def _neutral(text: str) -> str:
    """The text with a sentence between two that says nothing of treatment, where the next stands for itself."""
    for found in _BROKEN.finditer(text):
        if not _REFERS.match(text, found.end()):
            return f"{text[: found.start()]}. {_SENTENCE} {text[found.end() :]}"
    return text


def _lower(text: str) -> str:
    return text if any(re.search(rf"\b{name}\b", text) for name in _NO_NAMES) else text.lower()


_WHOLE: dict[str, Callable[[str], str]] = {
    "around": _around,
    "neutral": _neutral,
    "lower": _lower,
    "upper": str.upper,
    "lines": lambda text: _BROKEN.sub("\n", text),
    "listed": lambda text: _BROKEN.sub(".\n- ", text),
    "one line": lambda text: text.replace("\n", ". ").replace("?. ", "? ").replace(".. ", ". "),
    "semicolons": lambda text: _BROKEN.sub("; ", text),
    "stop": lambda text: text[:-1] if text.endswith(".") else text if text[-1] in "?!" else text + ".",
    "arrows": lambda text: text.replace("->", "\u2192").replace(" > ", " -> "),
    "dashes": lambda text: text.replace(" - ", " \u2013 "),
    "quotes": lambda text: text.replace("'", "\u2019"),
    "blanks": lambda text: re.sub(r" (?=\w)", "  ", text),
    "plus": lambda text: re.sub(r"(?<=\w)\+(?=[a-z])", " + ", text),
}


def varied(entry: Entry) -> Iterator[Variation]:
    """The variations of an entry that its label holds for."""
    if entry.get("identifier") or "turn" in entry:
        return
    for variation in variations(entry["text"], answer="question" in entry):
        if all(words.lower() in variation.text.lower() for words in entry.get("leftover", ())):
            yield variation


def judged_variations(kind: str, part: int = 1) -> Iterator[tuple[Variation, Judged]]:
    """Every variation of the open entries that are read rightly. `part`: of each so many entries, one is taken."""
    for number, (name, entry) in enumerate(entries("open", kind)):
        if number % part or judge(name, entry).differences:
            continue
        for variation in varied(entry):
            yield variation, judge(name, {**entry, "text": variation.text})


def main(families: list[str]) -> None:
    """Print what is read otherwise, and the share that is read the same."""
    for kind in ("phrases", "cases"):
        counted: dict[str, list[int]] = {}
        for variation, found in judged_variations(kind):
            count = counted.setdefault(variation.family, [0, 0])
            count[0] += 1
            count[1] += bool(found.differences)
            if found.differences and (not families or variation.family in families):
                wrong = "WRONG AGENT" if found.wrong_agents else ""
                print(
                    f"- {found.name} {variation.family}: {variation.text!r} @{found.entry.get('question', '')} {wrong}"
                )
                for name, (wanted, got) in found.differences.items():
                    print(f"      {name}: {wanted} but {got}")
        whole = sum(count[0] for count in counted.values())
        wrong_ones = sum(count[1] for count in counted.values())
        print(kind, whole, f"{1 - wrong_ones / max(whole, 1):.4f}", {k: f"{v[1]}/{v[0]}" for k, v in counted.items()})


if __name__ == "__main__":
    main(sys.argv[1:])
