"""How many questions a case is asked, and what passing some over saves: counted, in words, as docs/questions.md."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from flows.dialogue import FINALS, path, view_of
from flows.explanation.questions import CANDIDATES, matters, may_be_passed_over, readings
from flows.explanation.witnesses import TRIES, Witness, completed, profiles, witness
from flows.knowledge.load import Knowledge
from flows.profile import FIELDS, Profile
from flows.questionnaire import ITEMS, QUESTIONS, ROLES, STATED, beyond_profile, profile_of
from flows.share import answers_of
from flows.space.distinctions import DECIDING
from flows.statement import Statement, answers_with
from flows.verification.verify import bases, close, told_apart
from flows.when import NOT_KNOWN
from messages.words import Words, english

CASES = 1_000
"""Random cases of each kind."""
SITUATIONS = 40
"""Situations a question is asked in, for each of which a witness is looked for."""
RARE, OFTEN = 0.05, 0.3
"""How often an emergency or a contraindication is present."""
STATED_BEFORE = 3
"""Facts a typed text states before the questions begin."""
_LINES = ("line_agents", "line_outcome")
_TAKEN_APART = ("brain_metastases", "hr_status", "tdxd_access")
_OPEN = dict.fromkeys(FIELDS, NOT_KNOWN)


class Counted(NamedTuple):
    """One case: its questions with nothing passed over, and those passed over with proof."""

    asked: tuple[str, ...]
    passed_over: tuple[str, ...]


def counted(profile: Profile, stated: Iterable[str], knowledge: Knowledge) -> Counted:
    """The questions of a case whose answers are a profile's; what is `stated` was typed before the first of them."""
    told = {name: value for name in stated if (value := getattr(profile, name)) is not None}
    before = answers_with(Statement(told), {}) if told else {}
    answers = {"role": ROLES[0], **answers_of(profile, knowledge), **before}
    answers = {name: answers[name] for name in (*QUESTIONS, STATED) if name in answers}
    way = [name for name in path(answers, knowledge) if name not in (*FINALS, *_LINES)]
    over: list[str] = []
    for name in way:
        if name in before or not may_be_passed_over(name, knowledge):
            continue
        earlier = set(way[: way.index(name)]) - set(over)
        known = {key: value for key, value in answers.items() if key in earlier or key in before}
        if not matters(name, known, view_of(known, knowledge), knowledge):
            over.append(name)
    return Counted(tuple(name for name in way if name not in before), tuple(over))


def typed(cases: Iterable[Profile], fields: tuple[str, ...]) -> Iterator[tuple[Profile, tuple[str, ...]]]:
    """Cases with facts that a typed text states first, each as likely as any other."""
    draw = random.Random(2)
    for profile in cases:
        yield profile, tuple(draw.sample(fields, STATED_BEFORE))


def of_classes(knowledge: Knowledge) -> Iterator[Profile]:
    """Classes of the profile space in which every question that arises is answered, drawn evenly."""
    distinctions = told_apart(knowledge)
    told = [one.answers for one in close(distinctions) if one.lines is not None and one.early is not None]
    every = [base for base in bases(distinctions) if None not in (base[name] for name in _TAKEN_APART)]
    draw = random.Random(3)
    for _ in range(CASES):
        answers = {**draw.choice(every), **draw.choice(told)}
        lines = [line.model_copy(update={"outcome": line.outcome or NOT_KNOWN}) for line in answers["prior_lines"]]
        answers = {name: value for name, value in answers.items() if value is not None} | {"prior_lines": lines}
        yield completed(Profile.model_validate(answers), _OPEN, knowledge)


def kinds_of_cases(knowledge: Knowledge) -> Iterator[tuple[str, list[Counted]]]:
    """Every kind of case that is counted, with what it is."""
    nothing: tuple[str, ...] = ()
    rare, often = list(profiles(CASES, knowledge, RARE)), list(profiles(CASES, knowledge, OFTEN))
    facts = tuple(name for name in FIELDS if name not in ("her2_status", "setting", "region"))

    def tapped(cases: Iterable[Profile]) -> list[Counted]:
        return [counted(profile, nothing, knowledge) for profile in cases]

    yield f"A. tapped; emergencies and contraindications in {RARE:.0%} each", tapped(rare)
    yield f"B. tapped; emergencies and contraindications in {OFTEN:.0%} each", tapped(often)
    yield "C. tapped; classes of the profile space", tapped(of_classes(knowledge))
    said = [counted(profile, stated, knowledge) for profile, stated in typed(rare, facts)]
    yield f"D. as A, any {STATED_BEFORE} facts typed first", said
    said = [counted(profile, stated, knowledge) for profile, stated in typed(often, ITEMS)]
    yield f"E. as B, any {STATED_BEFORE} lines of the safety checklist typed first", said


def situations(name: str, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    """Answers with which a case stands at a question: those of random cases up to there."""
    for profile in profiles(50 * SITUATIONS, knowledge, RARE):
        answers = {"role": ROLES[0], **answers_of(profile, knowledge)}
        way = path(answers, knowledge)
        if name in way:
            earlier = set(way[: way.index(name)])
            yield {key: value for key, value in answers.items() if key in earlier}


def witnessed(name: str, knowledge: Knowledge) -> tuple[int, int, Witness | None]:
    """In how many situations a question was asked, for how many of them a witness was found, and the first of these."""
    found = []
    every = list(islice(situations(name, knowledge), SITUATIONS))
    for answers in every:
        found.append(witness(name, profile_of(answers), knowledge, beyond_profile(answers)))
    some = [one for one in found if one is not None]
    best = min(some, key=_tellingness, default=None)
    return len(every), len(some), best


def _tellingness(found: Witness) -> tuple[bool, int, str]:
    lines = found.profile.prior_lines or ()
    return (found.differs != "order", sum(len(line.agents) for line in lines), found.differs)


def report(knowledge: Knowledge) -> str:
    """docs/questions.md: which questions may be passed over, what that saves, and the witnesses for the others."""
    words = english(knowledge)
    return "\n".join([*_opening(knowledge), *_readers(knowledge, words), *_counts(knowledge),
                      *_witnesses(knowledge, words)]) + "\n"  # fmt: skip


def _opening(knowledge: Knowledge) -> list[str]:
    return [
        "# Which questions matter",
        "",
        f"Generated from the knowledge of {knowledge.manifest.date}; refresh with `make generated`.",
        "",
        "A question is passed over only with a proof that no answer to it can change the advice, whatever is answered",
        "to all later questions: status, reasons, steps, options with all that is said of them, exclusions,",
        "principles, pitfalls, assumptions, what is not known and what would change. The attestation, the gate,",
        "emergencies, the lines of therapy, the whole safety checklist and the review are always asked. How it is",
        "proved stands in [decision 0024](decisions/0024-questions-are-skipped-by-proof.md).",
        "",
        "With this knowledge little is passed over. Nearly every question is read by a statement that stands beside",
        "the options for its own sake (a principle, a pitfall, a reason why a drug is out), and that counts. What is",
        "left: once a typed text has said something that ends the ranking (pregnancy, ECOG 3-4), the months since",
        "adjuvant therapy and the access to T-DXd change nothing any more.",
    ]


def _readers(knowledge: Knowledge, words: Words) -> list[str]:
    lines = [
        "",
        "## What reads a question",
        "",
        "A condition on the question alone is one that no other answer can settle: with one the question always",
        "matters where what it belongs to is shown. Stops and principles are shown in every advice; the others where",
        "drugs are ranked.",
        "",
        "| question | conditions | of these decide options | a condition on it alone | |",
        "|---|---|---|---|---|",
    ]
    for name in CANDIDATES:
        reading = readings(knowledge)[name]
        deciding = sum(reader.condition.kind in DECIDING for reader in reading.readers)
        alone = "in every advice" if reading.always else "where drugs are ranked" if reading.always_ranked else "none"
        over = "may be passed over" if may_be_passed_over(name, knowledge) else "always asked where it arises"
        lines.append(f"| {words.label(name)} | {len(reading.readers)} | {deciding} | {alone} | {over} |")
    return lines


def _counts(knowledge: Knowledge) -> list[str]:
    every = list(kinds_of_cases(knowledge))
    lines = [
        "",
        "## How many questions a case is asked",
        "",
        f"{CASES:,} random cases of each kind, always the same; but for what is said of a kind each answer is as",
        "likely as any other. The lines of therapy count as one question; what was typed first is not asked. A case",
        "that ends in a referral ends there. In C no emergency and no contraindication is present.",
        "",
        "| cases | questions without | with proof | screens without | with proof | cases with a question passed over |",
        "|---|---|---|---|---|---|",
    ]
    for said, cases in every:
        before, after = [len(case.asked) for case in cases], [len(case.asked) - len(case.passed_over) for case in cases]
        screens = [len(_screens(case.asked)) for case in cases]
        left = [len(_screens(name for name in case.asked if name not in case.passed_over)) for case in cases]
        some = sum(bool(case.passed_over) for case in cases) / len(cases)
        figures = (f"{sum(counts) / len(cases):.2f}" for counts in (before, after, screens, left))
        lines.append(f"| {said} | {' | '.join(figures)} | {some:.1%} |")
    lines += ["", "How often each question that arose was passed over:", ""]
    names = [name for name in CANDIDATES if may_be_passed_over(name, knowledge)]
    lines += [f"| cases | {' | '.join(map(english(knowledge).label, names))} |", "|---|" + "---|" * len(names)]
    for said, cases in every:
        arose = {name: sum(name in case.asked for case in cases) for name in names}
        over = {name: sum(name in case.passed_over for case in cases) for name in names}
        lines.append(f"| {said[0]} | {' | '.join(f'{over[name]} of {arose[name]}' for name in names)} |")
    return [*lines, *_distribution(every)]


def _screens(names: Iterable[str]) -> set[str]:
    return {QUESTIONS[name].screen for name in names}


def _distribution(every: list[tuple[str, list[Counted]]]) -> list[str]:
    counts: list[tuple[str, Mapping[int, int]]] = []
    for said, cases in every:
        without = Counter(len(case.asked) for case in cases)
        with_proof = Counter(len(case.asked) - len(case.passed_over) for case in cases)
        if without == with_proof:
            counts.append((f"{said[0]}, without and with proof", without))
        else:
            counts += [(f"{said[0]}, without", without), (f"{said[0]}, with proof", with_proof)]
    numbers = sorted({number for _, found in counts for number in found})
    lines = ["", "Cases by the number of questions:", "", f"| cases | {' | '.join(map(str, numbers))} |"]
    lines.append("|---|" + "---|" * len(numbers))
    lines += [f"| {said} | {' | '.join(str(found.get(number, 0)) for number in numbers)} |" for said, found in counts]
    return lines


def _witnesses(knowledge: Knowledge, words: Words) -> list[str]:
    lines = [
        "",
        "## Witnesses",
        "",
        "For a question that is asked there should be two answers that, with the rest of the case alike, lead to",
        f"another advice. Looked for in {SITUATIONS} random situations each, over up to {TRIES} ways of answering the",
        "rest; where none is found although the question is asked, the proof proves too little.",
        "",
        "| question | situations | with a witness | for example | between | what differs |",
        "|---|---|---|---|---|---|",
    ]
    for name in CANDIDATES:
        asked, found, example = witnessed(name, knowledge)
        said = _example(example, words) if example is not None else "none | | "
        lines.append(f"| {words.label(name)} | {asked} | {found} | {said} |")
    return lines


def _example(found: Witness, words: Words) -> str:
    history = ("prior_lines", "early_stage_agents", "brain_metastases")
    case = "; ".join(
        f"{words.label(name)}: {words.value(name, value)}"
        for name in history
        if name != found.field and (value := getattr(found.profile, name)) is not None
    )
    pair = " / ".join(words.value(found.field, value) for value in (found.first, found.second))
    return f"{case} | {pair} | {found.differs}"
