"""The answer as one card: all that a clinician sees at the end, in words and in the order shown. No HTML in it.

A page only lays it out. Whatever the advice document holds stands here too, so that nothing is lost between the
answer as data and the answer as seen; a test compares the two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from flows import VERSION
from flows.findings import SOURCE_OF
from flows.knowledge.model import Fact, Regimen, Source
from flows.profile import FIELDS
from flows.questionnaire import QUESTION_OF
from flows.sequencing.advice import Advice, Caution, Option
from flows.sequencing.changes import changes
from flows.when import Atom
from messages.render import (
    PATIENT_ROWS,
    answer_message,
    changes_in_words,
    disclaimer,
    excluded_in_words,
    section_message,
    unknowns_in_words,
)
from messages.words import Words

FOR_WHOM = ("prior_lines", "early_stage_agents", "brain_metastases", "hr_status", "tdxd_access")
"""The inputs that stand above the options: what the order turns on first."""
NO_WARNING = "none"
"""The value of a boxed-warning fact that says a label has none."""
ACROSS_TRIALS = "cross_trial_brain"
"""The pitfall that warns of comparing trials with one another: it stands beside the plots it concerns."""


class Cited(NamedTuple):
    """A fact a line rests on, by id; `pending` where it is from memory (S9)."""

    fact: str
    pending: bool


class Sentence(NamedTuple):
    """A sentence of the knowledge with its facts."""

    text: str
    facts: tuple[Cited, ...] = ()
    pending: bool = False


class Evidence(NamedTuple):
    """A fact in full. `sources` are the numbers of the card's sources; `first`: it is shown here first."""

    id: str
    subject: str
    endpoint: str
    value: str
    population: str
    arms: tuple[str, ...]
    sources: tuple[int, ...]
    verification: str
    pending: bool
    first: bool = True


class ForestRow(NamedTuple):
    """A hazard ratio to draw, figures as written in its fact. `low` is None where the fact gives no interval."""

    fact: str
    endpoint: str
    population: str
    comparator: str
    value: str
    low: str | None
    high: str | None
    pending: bool


class GradeBadge(NamedTuple):
    """A guideline's grade, its system, and what must be said of where it was read."""

    system: str
    grade: str
    status: str
    facts: tuple[Cited, ...]


class CriterionShown(NamedTuple):
    """One criterion of a trial population, and whether this patient meets it (`true`, `false`, `none`)."""

    text: str
    truth: str
    verdict: str
    facts: tuple[Cited, ...]


class FitBadge(NamedTuple):
    """How the patient compares with the trial population. `unmet` and `open`: the criteria not met, not known."""

    trial: str
    verdict: str
    label: str
    criteria: tuple[CriterionShown, ...]
    unmet: tuple[str, ...]
    open: tuple[str, ...]


class Strength(NamedTuple):
    """The project's own summary of the evidence; no guideline's letters."""

    label: str
    text: str
    facts: tuple[Cited, ...]


class Authorised(NamedTuple):
    """What a region's authorisation says. `here`: it is the region of this case."""

    region: str
    text: str
    facts: tuple[Cited, ...]
    pending: bool
    here: bool


class CautionShown(NamedTuple):
    """A caution. `patient`: an answer on this patient's organs, tests or medicines brings it, not the drug as such."""

    text: str
    rule: str
    facts: tuple[Cited, ...]
    pending: bool
    certain: bool
    patient: bool


class OptionCard(NamedTuple):
    """One ranked option with everything it must show (S7)."""

    rank: int
    regimen: str
    name: str
    full_name: str
    tier: str
    tier_label: str
    headline: str
    grades: tuple[GradeBadge, ...]
    fit: FitBadge | None
    strength: Strength
    row: Sentence
    row_id: str
    because: tuple[str, ...]
    assumes: tuple[str, ...]
    authorised: tuple[Authorised, ...]
    partners: tuple[str, ...]
    basis: tuple[Cited, ...]
    evidence: tuple[Evidence, ...]
    evidence_arms: tuple[str, ...]
    """The arms most of the evidence compares: said once, above it."""
    forest: tuple[ForestRow, ...]
    across_trials: tuple[Sentence, ...]
    harms: tuple[Evidence, ...]
    harms_arms: tuple[str, ...]
    harms_gap: str
    boxed: tuple[Evidence, ...]
    warned: tuple[Evidence, ...]
    """Of the boxed warnings, those that warn of something."""
    monitoring: tuple[Sentence, ...]
    doses: tuple[Evidence, ...]
    contraception: tuple[Evidence, ...]
    cautions: tuple[CautionShown, ...]
    """The patient's own first, and of these the certain before those that hang on an answer not known."""
    not_assessed: tuple[str, ...]
    drug: bool

    @property
    def foremost(self) -> tuple[CautionShown, ...]:
        """The cautions that answers on this patient bring for certain."""
        return tuple(caution for caution in self.cautions if caution.patient and caution.certain)


class Step(NamedTuple):
    """A step before or beside drugs."""

    name: str
    text: str
    row: str
    facts: tuple[Cited, ...]


class ReasonShown(NamedTuple):
    """Why no drug is ranked, and the nearest thing covered (S3, S4)."""

    code: str
    text: str
    nearest: str
    because: tuple[str, ...]
    time_critical: bool
    row: str
    facts: tuple[Cited, ...]


class RuledOut(NamedTuple):
    """One rule that excludes a regimen, and the answers that made it hold."""

    text: str
    because: tuple[str, ...]
    rule: str
    row: str
    facts: tuple[Cited, ...]
    pending: bool


class Excluded(NamedTuple):
    """Regimens that the same rules exclude, and each of these rules (S5)."""

    regimens: tuple[str, ...]
    names: tuple[str, ...]
    rules: tuple[RuledOut, ...]


class Assumption(NamedTuple):
    """Something taken to be so without being known. `question`: the one whose answer would settle it."""

    text: str
    question: str


class UnknownShown(NamedTuple):
    """An answer that is not known, and how it would matter (S11)."""

    label: str
    effect: str
    question: str


class WouldChange(NamedTuple):
    """A change of one answer that would alter the order (S12)."""

    label: str
    before: str
    after: str
    effect: str
    question: str


class AgentNote(NamedTuple):
    """An agent that is investigational, regional or withdrawn, and why it is no option."""

    name: str
    status: str
    text: str
    facts: tuple[Cited, ...]


class Link(NamedTuple):
    """Where a source can be found: what the link is called, and its address."""

    label: str
    url: str


class SourceShown(NamedTuple):
    """A source by its number. `read_at`: the site it was read on; `recalled`: its identifier was not seen."""

    number: int
    id: str
    text: str
    links: tuple[Link, ...]
    recalled: bool
    read_at: str


class Input(NamedTuple):
    """An answer the advice rests on. `source_words`: the words of a text it was read from, where it was."""

    field: str
    label: str
    value: str
    question: str
    source_words: str | None = None


class Needed(NamedTuple):
    """An answer without which nothing can be ranked."""

    label: str
    question: str


class RecordLine(NamedTuple):
    """What the answer can be reproduced from (S23)."""

    id: str
    software: str
    knowledge: str
    date: str
    text: str


class Board(NamedTuple):
    """What one printed page for a tumour board holds. Where something was left out, it says how much."""

    density: str
    """How small the print is: `wide`, `medium` or `tight`."""
    inputs: tuple[tuple[str, str], ...]
    options: tuple[BoardOption, ...]
    excluded: str
    assumptions: str
    unknowns: str
    cautions: tuple[str, ...]
    changes: tuple[str, ...]


class BoardOption(NamedTuple):
    """One option on the printed page."""

    rank: int
    name: str
    tier: str
    headline: str
    grade: str
    fit: str
    cautioned: bool


class Card(NamedTuple):
    """The answer as it is shown."""

    status: str
    title: str
    review: str
    banner: str | None
    time_critical: bool
    reasons: tuple[ReasonShown, ...]
    needed: tuple[Needed, ...]
    steps: tuple[Step, ...]
    options: tuple[OptionCard, ...]
    excluded: tuple[Excluded, ...]
    agents: tuple[AgentNote, ...]
    assumptions: tuple[Assumption, ...]
    unknowns: tuple[UnknownShown, ...]
    would_change: tuple[WouldChange, ...]
    principles: tuple[Sentence, ...]
    pitfalls: tuple[Sentence, ...]
    not_assessed: tuple[Sentence, ...]
    not_asked: tuple[str, ...]
    gaps: tuple[Sentence, ...]
    facts: tuple[Evidence, ...]
    """Facts that lines rest on without showing them: each fact of the answer stands here or with an option."""
    sources: tuple[SourceShown, ...]
    inputs: tuple[Input, ...]
    glossary: tuple[tuple[str, str], ...]
    safety_first: bool
    """Whether this reader is shown safety before the reasons. The order of options never depends on it (S21)."""
    record: RecordLine
    disclaimer: str
    summary: str
    board: Board

    @property
    def record_id(self) -> str:
        """Which answer it is."""
        return self.record.id

    @property
    def for_whom(self) -> tuple[Input, ...]:
        """The inputs that say in one line whom the answer is for."""
        return tuple(line for line in self.inputs if line.field in FOR_WHOM)


def card(advice: Advice, words: Words, role: str | None = None, *, banner: str | None = None) -> Card:
    """The card of an advice for a reader. Pure: the same advice, words and role give the same card.

    `banner`: what is said first where rules are past their review-by date (S27).
    """
    numbers = _source_numbers(advice)
    shown: set[str] = set()
    options = tuple(_option(option, advice, words, role, numbers, shown) for option in advice.options)
    excluded = _excluded(advice, words, role)
    inputs = _inputs(advice, words)
    assumptions = tuple(Assumption(text, _question_of(atom)) for atom, text in _each_once(advice.assumptions, words))
    unknowns = tuple(
        UnknownShown(label, said.removeprefix(f"{label}: "), QUESTION_OF[unknown.field])
        for unknown, said in zip(advice.unknowns, unknowns_in_words(advice, words), strict=True)
        for label in (words.label(unknown.field),)
    )
    would_change = _would_change(advice, words)
    reasons = _reasons(advice, words)
    steps = tuple(Step(step.regimen.name, step.text, step.row, _cited(step.facts, advice)) for step in advice.steps)
    beside = [f"{reason.text} {reason.nearest}" for reason in reasons] + [banner or ""]
    beside.append("; ".join(f"{step.name} ({step.text})" for step in steps))
    return Card(
        status=advice.status,
        title=words.vocabulary.status[advice.status],
        review=_sentence_case(words.vocabulary.review[advice.review]),
        banner=banner,
        time_critical=any(reason.stop.time_critical for reason in advice.reasons),
        reasons=reasons,
        needed=tuple(Needed(words.label(name), QUESTION_OF[name]) for name in advice.ask_next)
        if advice.status == "ask"
        else (),
        steps=steps,
        options=options,
        excluded=excluded,
        agents=tuple(
            AgentNote(_sentence_case(agent.name), agent.status, agent.text or "", _cited(agent.facts, advice))
            for agent in advice.knowledge.agents.values()
            if agent.status != "authorised"
        )
        if advice.options
        else (),
        assumptions=assumptions,
        unknowns=unknowns,
        would_change=would_change,
        principles=_sentences(advice.principles, advice),
        pitfalls=_sentences(advice.pitfalls, advice),
        not_assessed=_sentences(advice.knowledge.not_assessed, advice, hidden=not advice.options),
        not_asked=tuple(words.label(name) for name in FIELDS if getattr(advice.profile, name) is None),
        gaps=tuple(Sentence(note.text, (), note.pending_review) for note in advice.knowledge.gaps),
        facts=tuple(_evidence(fact, numbers) for fact in advice.facts() if fact.shown and fact.id not in shown),
        sources=tuple(_source(number, advice.knowledge.sources[name]) for name, number in numbers.items()),
        inputs=inputs,
        glossary=tuple(words.vocabulary.glossary.items()) if role in ("trainee", "other_clinician") else (),
        safety_first=role == "pharmacist_or_nurse",
        record=_record(advice, words),
        disclaimer=disclaimer(),
        summary=_summary(advice, words, role, inputs),
        board=_board(options, excluded, assumptions, unknowns, would_change, inputs, beside),
    )


# --- parts of an answer --------------------------------------------------------------------------------------


def _source_numbers(advice: Advice) -> dict[str, int]:
    """Sources by number, in the order in which the answer's facts name them."""
    names = dict.fromkeys(name for fact in advice.facts() if fact.shown for name in fact.sources)
    return {name: number for number, name in enumerate(names, 1)}


def _cited(names: Iterable[str], advice: Advice) -> tuple[Cited, ...]:
    facts = advice.knowledge.facts
    return tuple(Cited(name, facts[name].pending_review) for name in dict.fromkeys(names) if facts[name].shown)


def _sentences(entries: Iterable[Any], advice: Advice, *, hidden: bool = False) -> tuple[Sentence, ...]:
    """`hidden`: without their facts, which belong to no line of this answer."""
    return tuple(
        Sentence(entry.text, () if hidden else _cited(entry.facts, advice), entry.pending_review) for entry in entries
    )


def _evidence(fact: Fact, numbers: dict[str, int], *, first: bool = True) -> Evidence:
    return Evidence(
        fact.id, fact.subject, _sentence_case(fact.endpoint), fact.value, fact.population, fact.arms,
        tuple(numbers[name] for name in fact.sources), fact.verification, fact.pending_review, first,
    )  # fmt: skip


def _option(
    option: Option, advice: Advice, words: Words, role: str | None, numbers: dict[str, int], shown: set[str]
) -> OptionCard:
    """`shown`: the facts that options before show in full; this one's are added."""
    regimen, facts = option.regimen, advice.knowledge.facts

    def in_full(names: Iterable[str]) -> tuple[Evidence, ...]:
        found = tuple(_evidence(facts[name], numbers, first=name not in shown) for name in dict.fromkeys(names))
        shown.update(fact.id for fact in found)
        return found

    efficacy = (*regimen.efficacy, *regimen.cns)
    evidence, harms, boxed = in_full(efficacy), in_full(regimen.harms), in_full(regimen.boxed_warnings)
    return OptionCard(
        rank=option.rank,
        regimen=regimen.id,
        name=words.regimen(regimen.id, role),
        full_name=regimen.name,
        tier=option.tier,
        tier_label=words.vocabulary.tiers[option.tier],
        headline=_sentence_case(option.text),
        grades=tuple(
            GradeBadge(grade.system, grade.grade, words.grade_status(grade), _cited(grade.facts, advice))
            for grade in option.grades
        ),
        fit=_fit(option, advice, words),
        strength=Strength(
            words.vocabulary.strength[option.strength], regimen.strength.text, _cited(regimen.strength.facts, advice)
        ),
        row=Sentence(option.row.text),
        row_id=option.row.row,
        because=tuple(words.atoms(option.because)),
        assumes=tuple(words.atoms(option.assumes)),
        authorised=_authorised(regimen, advice, words),
        partners=tuple(words.agent(agent) for agent in option.partners),
        basis=_cited(option.facts, advice),
        evidence=evidence,
        evidence_arms=_usual_arms(evidence),
        forest=tuple(row for name in dict.fromkeys(efficacy) for row in _forest(facts[name])),
        across_trials=_across_trials(regimen, advice),
        harms=harms,
        harms_arms=_usual_arms(harms),
        harms_gap=regimen.harms_gap or "",
        boxed=boxed,
        warned=tuple(fact for fact in boxed if fact.value != NO_WARNING),
        monitoring=_sentences(regimen.monitoring, advice),
        doses=in_full(regimen.dose),
        contraception=in_full(regimen.contraception),
        cautions=tuple(
            sorted(
                (_caution(caution, advice) for caution in option.cautions),
                key=lambda caution: (not caution.patient, not caution.certain),
            )
        ),
        not_assessed=regimen.not_assessed,
        drug=regimen.kind == "drug",
    )


def _usual_arms(facts: tuple[Evidence, ...]) -> tuple[str, ...]:
    """The arms that most of the facts compare, the first such where several do; none where they differ."""
    count = Counter(fact.arms for fact in facts if len(fact.arms) > 1)
    arms, most = max(count.items(), key=lambda item: item[1], default=((), 0))
    return arms if most > 1 else ()


def _fit(option: Option, advice: Advice, words: Words) -> FitBadge | None:
    fit = option.fit
    if fit is None or option.regimen.fit is None:
        return None
    criteria = tuple(
        CriterionShown(
            criterion.text,
            str(truth).lower(),
            words.vocabulary.truth[str(truth).lower()],
            _cited(criterion.facts, advice),
        )
        for criterion, truth in fit.criteria
    )
    unmet, undecided = (tuple(c.text for c in criteria if c.truth == truth) for truth in ("false", "none"))
    label = words.vocabulary.fit[fit.verdict]
    return FitBadge(option.regimen.fit.trial, fit.verdict, label, criteria, unmet, undecided)


def _authorised(regimen: Regimen, advice: Advice, words: Words) -> tuple[Authorised, ...]:
    """US and EU always; China where the knowledge states it."""
    where = regimen.authorisation
    if where is None:
        return ()
    regions = words.vocabulary.fields["region"].values
    return tuple(
        Authorised(
            regions[name],
            statement.text,
            _cited(statement.facts, advice),
            statement.pending_review,
            name == advice.profile.region,
        )
        for name, statement in (("us", where.us), ("eu", where.eu), ("china", where.china))
        if statement is not None
    )


def _forest(fact: Fact) -> tuple[ForestRow, ...]:
    """The hazard ratios of a fact: its first arm against its second."""
    return tuple(
        ForestRow(
            fact.id,
            estimate.endpoint,
            fact.population,
            fact.arms[1],
            estimate.value,
            estimate.interval[0] if estimate.interval else None,
            estimate.interval[1] if estimate.interval else None,
            fact.pending_review,
        )
        for estimate in fact.estimates
    )


def _across_trials(regimen: Regimen, advice: Advice) -> tuple[Sentence, ...]:
    """What the knowledge says against comparing this regimen's trials with others."""
    facts = advice.knowledge.facts
    return _sentences(
        (
            entry
            for entry in advice.pitfalls
            if entry.id == ACROSS_TRIALS and any(regimen.id in facts[name].regimens for name in entry.facts)
        ),
        advice,
    )


def _caution(caution: Caution, advice: Advice) -> CautionShown:
    rule = caution.rule
    return CautionShown(
        rule.text, rule.id, _cited(rule.facts, advice), rule.pending_review, caution.certain, rule.row in PATIENT_ROWS
    )


def _reasons(advice: Advice, words: Words) -> tuple[ReasonShown, ...]:
    """What is time-critical first."""
    reasons = sorted(advice.reasons, key=lambda reason: not reason.stop.time_critical)
    return tuple(
        ReasonShown(
            reason.stop.id,
            reason.stop.text,
            reason.stop.nearest,
            tuple(words.atoms(reason.because)),
            reason.stop.time_critical,
            reason.stop.row or "",
            _cited(reason.stop.facts, advice),
        )
        for reason in reasons
    )


def _excluded(advice: Advice, words: Words, role: str | None) -> tuple[Excluded, ...]:
    """Regimens that the same rules exclude stand together; those with the strongest evidence, missed most, first."""
    said = zip(advice.excluded, excluded_in_words(advice, words, role), strict=True)
    rules: dict[str, tuple[RuledOut, ...]] = {}
    for exclusion, words_of_it in said:
        rule = RuledOut(
            exclusion.text,
            tuple(words_of_it["because"]),
            exclusion.rule,
            exclusion.row or "",
            _cited(exclusion.facts, advice),
            exclusion.pending_review,
        )
        rules[exclusion.regimen.id] = (*rules.get(exclusion.regimen.id, ()), rule)
    together: dict[tuple[RuledOut, ...], list[str]] = {}
    strongest = {exclusion.regimen.id: exclusion.regimen.strength.level for exclusion in advice.excluded}
    for name, found in sorted(rules.items(), key=lambda item: strongest[item[0]] != "strong_randomised"):
        together.setdefault(found, []).append(name)
    return tuple(
        Excluded(tuple(names), tuple(words.regimen(name, role) for name in names), found)
        for found, names in together.items()
    )


def _each_once(atoms: Iterable[Atom], words: Words) -> tuple[tuple[Atom, str], ...]:
    said: dict[str, Atom] = {}
    for atom in atoms:
        said.setdefault(words.atom(atom), atom)
    return tuple((atom, text) for text, atom in said.items())


def _question_of(atom: Atom) -> str:
    """The question whose answer a comparison reads; empty where it reads none."""
    return QUESTION_OF.get(SOURCE_OF.get(atom.field, (atom.field,))[0], "")


def _would_change(advice: Advice, words: Words) -> tuple[WouldChange, ...]:
    found = []
    for change, said in zip(changes(advice), changes_in_words(advice, words), strict=True):
        label = words.label(change.field)
        before, after = words.value(change.field, change.from_value), words.value(change.field, change.to_value)
        effect = said.removeprefix(f"{label}: {before} -> {after}: ")
        found.append(WouldChange(label, before, after, effect, QUESTION_OF[change.field]))
    return tuple(found)


def _inputs(advice: Advice, words: Words) -> tuple[Input, ...]:
    said = [Input(name, label, value, QUESTION_OF[name]) for name, label, value in words.profile_lines(advice.profile)]
    if advice.gate is not None:  # the profile cannot hold it: another tumour, not an adult
        gate = words.vocabulary.findings["gate"]
        said.insert(0, Input("gate", gate.label, gate.values[advice.gate], "gate"))
    return tuple(said)


def _source(number: int, source: Source) -> SourceShown:
    """Identifiers that are present become links; the site of reading is named, not linked: many are copies."""
    text = f"{source.authors_short.removesuffix('.')}. {source.title}. {source.journal} {source.year}."
    links = []
    if source.doi:
        links.append(Link(f"doi:{source.doi}", f"https://doi.org/{source.doi}"))
    if source.pmid:
        links.append(Link(f"PMID {source.pmid}", f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/"))
    site = (source.seen_at or "").partition("://")[2].partition("/")[0].removeprefix("www.")
    recalled = source.id_basis == "recalled_certain"
    return SourceShown(number, source.id, text, tuple(links), recalled, site or source.seen_at or "")


def _record(advice: Advice, words: Words) -> RecordLine:
    knowledge = advice.knowledge
    date = knowledge.manifest.date.isoformat()
    review = words.vocabulary.review[advice.review]
    text = f"Record {advice.record_id}, software {VERSION}, knowledge {knowledge.digest} of {date}, {review}."
    return RecordLine(advice.record_id, VERSION, knowledge.digest, date, text)


def _summary(advice: Advice, words: Words, role: str | None, inputs: tuple[Input, ...]) -> str:
    """The summary section as plain text, to copy; the reason where no drug is ranked. The disclaimer ends it."""
    if advice.options:
        return section_message("summary", advice, words, role).text
    blocks = answer_message(advice, words, role=role).blocks
    said = "\n\n".join(block.text for block in blocks[:-1])
    listed = "\n".join(f"- {line.label}: {line.value}" for line in inputs)
    return "\n\n".join(part for part in (said, listed, _record(advice, words).text, disclaimer()) if part)


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the printed page ----------------------------------------------------------------------------------------

_ROOM = {"wide": (55, 107), "medium": (61, 120), "tight": (69, 134)}
"""Lines of one page and characters of a line at each density, with room to spare for wider fonts."""
_FRAME = 13.0
"""Lines taken by the title, the places to write on, the record and the disclaimer."""
_BLOCK = 1.6
"""Lines that a heading takes, the space around it included."""


def _board(
    options: tuple[OptionCard, ...],
    excluded: tuple[Excluded, ...],
    assumptions: tuple[Assumption, ...],
    unknowns: tuple[UnknownShown, ...],
    would_change: tuple[WouldChange, ...],
    inputs: tuple[Input, ...],
    beside: list[str],
) -> Board:
    """As much as one page holds, in the largest print it fits in; what gives way first is what decides least.

    `beside`: what else stands on the page and never gives way.
    """
    cautions = _board_cautions(options)
    ruled_out = [
        f"{', '.join(entry.names)} ({'; '.join(entry.rules[0].because) or entry.rules[0].text.rstrip('.')})"
        for entry in excluded
    ]
    assumed = [entry.text for entry in assumptions]
    unknown = list(dict.fromkeys(entry.label for entry in unknowns))
    changed = [f"{entry.label}: {entry.before} -> {entry.after}: {entry.effect}" for entry in would_change]
    board = Board("", (), (), "", "", "", (), ())
    for density, shown in _ATTEMPTS:
        board = Board(
            density,
            tuple((line.label, _cut(line.value, 400)) for line in inputs),
            tuple(_board_option(option, headline=shown.headlines) for option in options),
            _some(ruled_out, shown.excluded),
            _some(assumed, shown.assumptions),
            _some(unknown, shown.unknowns),
            _first(cautions, shown.cautions),
            _first(changed, shown.changes),
        )
        lines, _ = _ROOM[density]
        if _height(board, beside) <= lines:
            return board
    return board


class _Shown(NamedTuple):
    excluded: int = 99
    assumptions: int = 99
    unknowns: int = 99
    cautions: int = 99
    changes: int = 99
    headlines: bool = True


_ATTEMPTS: tuple[tuple[str, _Shown], ...] = (
    ("wide", _Shown()),
    ("medium", _Shown()),
    ("tight", _Shown()),
    ("tight", _Shown(unknowns=8)),
    ("tight", _Shown(unknowns=8, changes=2, cautions=6)),
    ("tight", _Shown(unknowns=8, changes=2, cautions=6, excluded=8)),
    ("tight", _Shown(unknowns=6, changes=2, cautions=6, excluded=8, assumptions=12)),
    ("tight", _Shown(unknowns=6, changes=1, cautions=5, excluded=6, assumptions=8)),
    ("tight", _Shown(unknowns=4, changes=0, cautions=4, excluded=6, assumptions=6, headlines=False)),
)


def _board_option(option: OptionCard, *, headline: bool) -> BoardOption:
    grade = "; ".join(
        f"{grade.system}: {grade.grade}{f' [{grade.status}]' if grade.status else ''}" for grade in option.grades
    )
    if not grade and option.drug:
        grade = f"no guideline grade; own summary: {option.strength.label}"
    fit = f"{option.fit.label} ({option.fit.trial})" if option.fit else ""
    said = option.headline if headline else ""
    return BoardOption(option.rank, option.name, option.tier_label, said, grade, fit, bool(option.foremost))


def _board_cautions(options: tuple[OptionCard, ...]) -> list[str]:
    """The patient's certain cautions, each once, with the ranks of the options it belongs to."""
    ranks: dict[str, list[str]] = {}
    marks: dict[str, str] = {}
    for option in options:
        for caution in option.foremost:
            ranks.setdefault(caution.text, []).append(str(option.rank))
            marks[caution.text] = " [pending review]" if caution.pending else ""
    return [f"Option {', '.join(found)}: {text}{marks[text]}" for text, found in ranks.items()]


def _some(parts: list[str], most: int) -> str:
    """The first few, and how many more the whole answer has."""
    rest = len(parts) - most
    return "; ".join(parts[:most]) + (f"; and {rest} more in the whole answer" if rest > 0 else "")


def _first(parts: list[str], most: int) -> tuple[str, ...]:
    rest = len(parts) - most
    return (*parts[:most], *((f"{rest} more in the whole answer",) if rest > 0 else ()))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... (in full in the whole answer)"


def _height(board: Board, beside: list[str]) -> float:
    """The lines the page will take, by the length of what it says."""
    _, width = _ROOM[board.density]

    def lines(text: str, share: float = 1.0) -> int:
        return math.ceil(len(text) / (width * share))

    height = _FRAME + sum(map(lines, beside))
    height += _BLOCK + lines("; ".join(f"{label}: {value}" for label, value in board.inputs))
    for option in board.options:
        what = f"{option.rank}. {option.name}, {option.tier}. {option.headline}."
        fit = f"{option.fit} {'Caution below' if option.cautioned else ''}"
        height += max(lines(what, 0.48), lines(option.grade, 0.295), lines(fit, 0.19)) + 0.25
    for text in (board.excluded, board.assumptions, board.unknowns):
        height += _BLOCK + lines(text) if text else 0
    for listed in (board.cautions, board.changes):
        height += _BLOCK + sum(map(lines, listed)) if listed else 0
    return height


__all__ = ["Board", "Card", "Evidence", "ForestRow", "OptionCard", "card"]
