"""How every text of the corpus is read today, as one short digest a line: `python -m tests.understanding.readings`.

The labels say what a text states; this says that nothing else of a reading (spans, what is asked back, what is left
over, what follows, the turn at a question) changed without anybody meaning it. Beside the texts themselves it holds
what comes of them where they are torn apart and joined otherwise, and of words of the lexicon in any order: rules that
look a few words ahead or back meet there what no single text has. Then come the texts again with words put in, left
out or exchanged: what is said at the very edge of what a rule looks at. Refresh it after a change of the rules, and
look at which entries changed.
"""

from __future__ import annotations

import ast
import hashlib
import os
import random
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from flows.knowledge.load import shipped
from flows.plain_yaml import read_yaml
from flows.questionnaire import QUESTIONS
from messages import understanding as rules
from messages.understanding.lexicon import FOLDER, lexicon
from messages.understanding.scan import scan
from tests.understanding.corpus import HALVES, HERE, KINDS, entries, turn_at, understood

RECORD = HERE / "readings.txt"
WORDINGS = HERE / "wordings.txt"
"""The wordings that rules are there for, one a line; a break is written `\\n`, an answer's question stands behind @."""
DECIDED = HERE / "decided.txt"
"""Texts in which one word that a rule names decides what is read, written likewise. They are made of the other texts by
exchanging a word or putting one in, for words that no text showed: few of them make sense."""
_TOLD_BEFORE = "HER2+, adjuvant TCH, MBC, THP x6"
"""What each wording is read behind, too: many only say how what stands before them is meant."""
PLACES = tuple(QUESTIONS)
_GROUP = re.compile(r"<(\w+)>")
JOINED = 1_000
"""Texts made of the beginning of one and the end of another."""
SHUFFLED = 1_500
"""Texts made of words of the lexicon."""
VARIED = int(os.environ.get("VARIED", "5000"))
"""Texts of the open half with words put in, left out or exchanged; `make mutants` reads 30,000."""
EXCHANGED = int(os.environ.get("EXCHANGED", "0"))
"""Texts of the open half with a word exchanged for another that a rule names beside it: `make mutants` reads 40,000."""
RULES = Path(os.environ.get("RULES", Path(rules.__file__).parent))
"""Where the modules of the rules stand; as they are written, where mutants of them are read."""
TOGETHER = 20
"""Such texts that share one line of the record."""
_FILLING = ("the", "very", "then", "also", "her", "in", "of", "well", "quite", "somewhat", "indeed", "patient")
"""Words that say nothing, most of them known to the lexicon."""
_BETWEEN = (",", ".", ";", ":", "(", ")", "-", "->", "?", "+", "/", "\n", "and", "but", "or", "no", "not", "on")


def reading(text: str, question: str | None = None, *elsewhere: str) -> str:
    """Everything that is read from a text at its question, and the turns it is there and at others."""
    found = understood(text, question)
    said = (
        found.fields, found.denied_agents, found.focus, sorted(found.implied.items()), found.spans, found.leftover,
        found.ambiguous, found.scope, found.reason, found.identifier,
    )  # fmt: skip
    return repr((said, [turn_at(text, place) for place in (question, *elsewhere)]))


def units() -> Iterator[tuple[str, str, str | None, *tuple[str, ...]]]:
    """Every text with its line of the record, its question and where else it is typed: each entry of both halves, then
    what is made of them."""
    count = 0
    for half in HALVES:
        for kind in KINDS:
            for name, entry in entries(half, kind):
                count += 1
                yield name, entry["text"], entry.get("question"), PLACES[count % len(PLACES)]
    for number, (text, question) in enumerate(_written(WORDINGS)):
        name = f"wordings/{number // TOGETHER}"
        yield name, text, question, PLACES[len(text) % len(PLACES)]
        yield name, f"{_TOLD_BEFORE}, {text}", None
    for number, (text, question) in enumerate(_written(DECIDED)):
        yield f"decided/{number // TOGETHER}", text, question
    for kind, made, texts in (
        ("joined", JOINED, _joined()), ("shuffled", SHUFFLED, shuffled()), ("varied", VARIED, _varied()),
        ("exchanged", EXCHANGED, _exchanged()),
    ):  # fmt: skip
        for number, text in enumerate(islice(texts, made // TOGETHER * TOGETHER)):
            yield f"{kind}/{number // TOGETHER}", text, None


def lines() -> Iterator[str]:
    """Each line of the record: its name and the digest of how its texts are read."""
    for name, found in groupby(units(), key=itemgetter(0)):
        yield f"{name} {_digest(reading(*unit[1:]) for unit in found)}"


def _written(path: Path) -> Iterator[tuple[str, str | None]]:
    """The texts of a file with one on each line, and the question each answers."""
    for line in path.read_text("utf-8").splitlines():
        text, _, question = line.replace("\\n", "\n").partition(" @")
        yield text, question or None


def _joined() -> Iterator[str]:
    """The beginning of one text of the open half with the end of another, the same ones every time."""
    chance = random.Random(20)
    texts = [entry["text"].split(" ") for kind in KINDS for _, entry in entries("open", kind)]
    while True:
        first, second = chance.choice(texts), chance.choice(texts)
        begins, ends = first[: chance.randint(1, len(first))], second[chance.randrange(len(second)) :]
        yield " ".join((*begins, chance.choice(("", ",", ".", "and", "then", "->", "but", "no", "on", "after")), *ends))


def _varied() -> Iterator[str]:
    """Texts of the open half, each with one thing changed, the same ones every time."""
    chance = random.Random(23)
    texts = [entry["text"].split(" ") for kind in KINDS for _, entry in entries("open", kind)]
    while True:
        words = [*chance.choice(texts)]
        at = chance.randrange(len(words))
        change = chance.random()
        if change < 0.6:  # the distance between two words, up to where nothing looks any more
            words[at:at] = [chance.choice(_FILLING) for _ in range(chance.randint(1, 9))]
        elif change < 0.75:
            words[at:at] = [chance.choice(_BETWEEN)]
        elif change < 0.85:
            del words[at]
        elif change < 0.95:
            other = min(at + chance.randint(1, 3), len(words) - 1)
            words[at], words[other] = words[other], words[at]
        else:
            words[at] = chance.choice(chance.choice(texts))
        yield " ".join(words)


def _exchanged() -> Iterator[str]:
    """Texts of the open half with one word, or what it says, exchanged for another that the same rule looks for."""
    chance = random.Random(24)
    words, beside, said = lexicon(shipped()), _named_together(), _said_by()
    texts = [entry["text"] for kind in KINDS for _, entry in entries("open", kind)]
    while True:
        text = chance.choice(texts)
        places = [
            (piece, name)
            for piece in scan(text, words)
            for name in (piece.key, *sorted(piece.cues), *sorted(piece.roles))
            if name in beside
        ]
        if places:
            piece, name = chance.choice(places)
            other = chance.choice(beside[name])
            yield f"{text[: piece.start]}{chance.choice(said.get(other, [other]))}{text[piece.end :]}"


def _named_together() -> dict[str, list[str]]:
    """Each word, cue or part of a word to those that a rule names in one list with it."""
    found: dict[str, set[str]] = {}
    for path in sorted(RULES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            listed = node.elts if isinstance(node, ast.Tuple | ast.Set) else getattr(node, "args", None)
            if isinstance(listed, list):
                names = [
                    each.value for each in listed if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                for name in names:
                    found.setdefault(name, set()).update(names)
    return {name: sorted(others - {name}) for name, others in found.items() if len(others) > 1}


def _said_by() -> dict[str, list[str]]:
    """How each cue and each part is said; without the phrases that hold a group."""
    phrases, words = (read_yaml((FOLDER / f"{file}.yaml").read_text("utf-8")) for file in ("phrases", "words"))
    said = {name: [str(word) for word in found] for name, found in words["roles"].items()}
    for name, found in phrases["cues"].items():
        said[name] = [str(phrase) for phrase in found if "<" not in str(phrase)] or said.get(name, [name])
    return said


def shuffled() -> Iterator[str]:
    """A few phrases of the lexicon with a drug or two among them, the same ones every time."""
    chance = random.Random(21)
    phrases = _phrases()
    drugs = sorted(name for name in lexicon(shipped()).names if len(name) > 2)
    signs = ("", "", "", "", ",", ".", ";", ":", "(", ")", "-", "->", "?", "+", "/", "\n")
    while True:
        said = [chance.choice(drugs) if chance.random() < 0.25 else chance.choice(phrases) for _ in range(7)]
        yield " ".join(f"{phrase}{chance.choice(signs)}" for phrase in said[: chance.randint(2, 7)])


def torn() -> Iterator[str]:
    """Parts of texts, with a phrase or two of the lexicon put in, mostly where they begin or end."""
    chance = random.Random(25)
    phrases = _phrases()
    texts = [entry["text"].split(" ") for kind in KINDS for _, entry in entries("open", kind)]
    while True:
        words = chance.choice(texts)
        first = chance.randrange(len(words))
        part = words[first : chance.randint(first, len(words)) + 1]
        for _ in range(chance.randint(1, 2)):
            part.insert(chance.choice((0, len(part), chance.randint(0, len(part)))), chance.choice(phrases))
        yield " ".join(part)


def _phrases() -> list[str]:
    """The phrases of the lexicon as they are written, groups by one of their words; numbers and units among them."""
    words = {
        name: [str(word) for word in group]
        for file in ("phrases", "words")
        for name, group in read_yaml((FOLDER / f"{file}.yaml").read_text("utf-8")).get("groups", {}).items()
    }
    chance = random.Random(22)
    found = [*("58", "2019", "3 months", "10%", "x6", "2nd line", "44F", "60 x10^9/L", "1.5 x ULN") * 4]
    for file in ("phrases", "states", "words"):
        for text in _texts(read_yaml((FOLDER / f"{file}.yaml").read_text("utf-8"))):
            found.append(_GROUP.sub(lambda match: chance.choice(words.get(match[1], [""])), text))
    return sorted(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _digest(said: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


if __name__ == "__main__":
    RECORD.write_text("".join(f"{line}\n" for line in lines()), "utf-8")
