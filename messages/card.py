"""The answer as one card: all that a clinician sees at the end, in words and in the order shown. No HTML in it.

A page only lays it out. Whatever the advice document holds stands here too, so that nothing is lost between the
answer as data and the answer as seen; a test compares the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from flows import VERSION
from flows.explanation.changes import changes
from flows.explanation.missing import CONTINUED, missing
from flows.findings import SOURCE_OF
from flows.knowledge.model import TIERS, Fact, Regimen, Source
from flows.profile import FIELDS, Item, asked_as
from flows.questionnaire import QUESTION_OF, QUESTIONS
from flows.sequencing.advice import Advice, Caution, Option
from flows.sequencing.recommend import Ruling, rule_on
from flows.when import NOT_KNOWN, Atom
from messages import open_answers
from messages.board import NO_BOARD, Board, board_of, text_of
from messages.comparison import answers_in_words, effect_in_words
from messages.render import PATIENT_ROWS, disclaimer, unknowns_in_words
from messages.words import Words

FOR_WHOM = ("prior_lines", "early_stage_agents", "months_since_adjuvant_her2", "brain_metastases",
            "extracranial_disease", "hr_status", "tdxd_access", "region")  # fmt: skip
"""The inputs that stand above the options whatever was answered: what the order turns on first."""
USUAL: dict[str, object] = {
    "gate": "in_scope", "her2_status": "positive", "setting": "metastatic", "red_flags": (),
    "brain_metastases": "none", "leptomeningeal": "absent", "tdxd_access": "available",
    **{name: asked.clear for name in FIELDS if isinstance(asked := asked_as(name), Item)},
}  # fmt: skip
"""Input to its normal, none or absent value: any other is named above the options. Other inputs have no such value."""
NOT_THE_PATIENT = ("gate", "her2_status", "setting", "region")
"""The same for every patient this covers, or where and not who: by itself it brings no caution of the patient."""
SUBSETS = frozenset({
    ("mar-03", "OS, CD16A 158F carriers"),
    ("seed-07", "OS, brain metastases, final"),
    ("tbp-03", "post-progression survival"),
})  # fmt: skip
"""Estimates, by fact and endpoint, on a part of a trial only, though their fact is not of the kind `cns`."""
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
    """A hazard ratio to draw, figures as written in its fact. `low` is None where the fact gives no interval.

    `subset`: it is of a part of a trial, which its fact's kind (`cns`) or SUBSETS says.
    """

    fact: str
    endpoint: str
    population: str
    comparator: str
    value: str
    low: str | None
    high: str | None
    pending: bool
    subset: bool = False


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
    """A caution. `patient`: answers on this patient bring it, not the drug as such; `answers`: which, in words.

    `organs`: it is on the patient's organs, tests or medicines. `open`: the answers are that it is not known.
    """

    text: str
    rule: str
    facts: tuple[Cited, ...]
    pending: bool
    certain: bool
    patient: bool
    organs: bool
    answers: tuple[str, ...]
    open: bool


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


class Unsettled(NamedTuple):
    """An answer that is not known and could end the ranking, or decides which order holds: to be settled first."""

    label: str
    effect: str
    question: str


class UnknownShown(NamedTuple):
    """An answer that is not known, and how it would matter (S11)."""

    label: str
    effect: str
    question: str


class WouldChange(NamedTuple):
    """A change that would alter the order (S12). `option`: the answer, where its question offers it as such."""

    answers: str
    effect: str
    question: str
    option: str
    code: str
    """How it is chosen, to see both answers side by side."""


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
    """An answer the advice rests on. `source_words`: the words of a text it was read from, where it was.

    `kind`: `noted` (not its normal value), `open` (not known, or not asked though it would matter), `context` (what
    the order turns on first) or `usual`.
    """

    field: str
    label: str
    value: str
    question: str
    source_words: str | None = None
    kind: str = "usual"


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


class Card(NamedTuple):
    """The answer as it is shown."""

    status: str
    status_label: str
    title: str
    """What decides: the emergency, the reason nothing is ranked, the steps that are the answer, or the status."""
    printed_title: str
    """The title where it stands alone: with the number of assumptions the order rests on."""
    steps_lead: bool
    """Whether the steps are the answer and drugs come after them."""
    list_title: str
    """What stands above the options where the title does not."""
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
    open_answers: open_answers.OpenAnswers | None
    """Of a conditional answer: what is so in every case, and where the ways part."""
    settle_first: tuple[Unsettled, ...]
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
    not_known: tuple[Input, ...]
    """What is not known and would matter, or was answered so; most useful first."""
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
    def noted(self) -> tuple[Input, ...]:
        """The inputs that have another than their normal value."""
        return tuple(line for line in self.inputs if line.kind == "noted")

    @property
    def for_whom(self) -> tuple[Input, ...]:
        """The other inputs that say whom the answer is for."""
        return tuple(line for line in self.inputs if line.kind == "context")

    @property
    def not_asked_but_open(self) -> tuple[Input, ...]:
        """Of what is not known, what was not asked."""
        given = {line.field for line in self.inputs}
        return tuple(line for line in self.not_known if line.field not in given)

    @property
    def asked_and_open(self) -> tuple[Input, ...]:
        """Of what is not known, what was answered so."""
        return tuple(line for line in self.inputs if line.kind == "open")


def card(advice: Advice, words: Words, role: str | None = None, *, banner: str | None = None) -> Card:
    """The card of an advice for a reader. Pure: the same advice, words and role give the same card.

    `banner`: what is said first where rules are past their review-by date (S27).
    """
    numbers = _source_numbers(advice)
    ruling = rule_on(advice.profile, advice.knowledge, advice.gate)
    found = missing(advice)
    shown: set[str] = set()
    options = tuple(_option(option, advice, words, role, numbers, shown, ruling) for option in advice.options)
    inputs = _inputs(advice, words)
    unknowns = tuple(
        UnknownShown(label, said.removeprefix(f"{label}: "), QUESTION_OF[unknown.field])
        for unknown, said in zip(advice.unknowns, unknowns_in_words(advice, words), strict=True)
        for label in (words.label(unknown.field),)
    )
    steps_lead = any(step.regimen.id == CONTINUED for step in advice.steps)
    bare = Card(
        status=advice.status,
        status_label=words.vocabulary.status[advice.status],
        title=_title(advice, words, steps_lead=steps_lead),
        printed_title=_printed_title(advice, words, steps_lead=steps_lead),
        steps_lead=steps_lead,
        list_title=_list_title(advice, words) if steps_lead else "",
        review=_sentence_case(words.vocabulary.review[advice.review]),
        banner=banner,
        time_critical=any(reason.stop.time_critical for reason in advice.reasons),
        reasons=_reasons(advice, words),
        needed=tuple(Needed(words.label(name), QUESTION_OF[name]) for name in advice.ask_next)
        if advice.status == "ask"
        else (),
        steps=tuple(Step(step.regimen.name, step.text, step.row, _cited(step.facts, advice)) for step in advice.steps),
        options=options,
        excluded=_excluded(advice, words, role),
        agents=tuple(
            AgentNote(_sentence_case(agent.name), agent.status, agent.text or "", _cited(agent.facts, advice))
            for agent in advice.knowledge.agents.values()
            if agent.status != "authorised"
        )
        if advice.options
        else (),
        assumptions=tuple(Assumption(text, _question_of(atom)) for atom, text in _each_once(advice.assumptions, words)),
        open_answers=open_answers.in_words(found, words, role),
        settle_first=_unsettled(advice, words, ruling, found.field if found else None),
        unknowns=unknowns,
        would_change=_would_change(advice, words),
        principles=_sentences(advice.principles, advice),
        pitfalls=_sentences(advice.pitfalls, advice),
        not_assessed=_sentences(advice.knowledge.not_assessed, advice, hidden=not advice.options),
        not_asked=tuple(words.label(name) for name in FIELDS if getattr(advice.profile, name) is None),
        gaps=tuple(Sentence(note.text, (), note.pending_review) for note in advice.knowledge.gaps),
        facts=tuple(_evidence(fact, numbers) for fact in advice.facts() if fact.shown and fact.id not in shown),
        sources=tuple(_source(number, advice.knowledge.sources[name]) for name, number in numbers.items()),
        inputs=inputs,
        not_known=_not_known(advice, words, inputs),
        glossary=tuple(words.vocabulary.glossary.items()) if role in ("trainee", "other_clinician") else (),
        safety_first=role == "pharmacist_or_nurse",
        record=_record(advice, words),
        disclaimer=disclaimer(),
        summary="",
        board=NO_BOARD,
    )
    return bare._replace(summary=text_of(bare), board=board_of(bare))


def in_words(atoms: Iterable[Atom], words: Words) -> list[str]:
    """Reasons in words, each once, as the card says them: a negated list as "none of" its members."""
    return list(dict.fromkeys(_atom(atom, words) for atom in atoms))


def _atom(atom: Atom, words: Words) -> str:
    """A comparison in words. "Not A or B" can be read both ways, so a list that is denied says what it means."""
    denied = atom.negated != (atom.operator == "includes_none")
    if len(atom.values) < 2 or not denied or atom.operator in ("at_least", "at_most"):
        return words.atom(atom)
    label, one = words.label(atom.field), "is" if atom.operator in ("is", "known") else "includes_any"
    said = [words.atom(Atom(atom.field, one, (value,))) for value in atom.values]
    members = ", ".join(text.removeprefix(f"{label}: ") for text in said)
    if atom.operator == "known":
        return f"{label}, not known to be any of: {members}"
    return f"{label}, {'not all' if atom.operator == 'includes_all' else 'none'} of: {members}"


# --- what stands first ---------------------------------------------------------------------------------------


def _title(advice: Advice, words: Words, *, steps_lead: bool) -> str:
    """What decides, in a line: the emergency, why nothing is ranked, the steps that are the answer, or the status."""
    label = words.vocabulary.status[advice.status]
    if steps_lead:
        return "; ".join(step.regimen.name for step in advice.steps)
    urgent = [atom for reason in advice.reasons if reason.stop.time_critical for atom in reason.because]
    if urgent:
        named = [words.vocabulary.fields[atom.field].values[str(value)] for atom in urgent for value in atom.values]
        return f"Time-critical: {', '.join(dict.fromkeys(named))}"
    if advice.status in ("refer", "decline"):
        because = [atom for reason in advice.reasons for atom in reason.because if atom.field != "absent"]
        return ". ".join(part for part in (label, "; ".join(in_words(because, words))) if part)
    return label


def _printed_title(advice: Advice, words: Words, *, steps_lead: bool) -> str:
    title, count = _title(advice, words, steps_lead=steps_lead), len(in_words(advice.assumptions, words))
    if not (count and advice.options):
        return title
    plain = title if steps_lead else words.vocabulary.status["recommend"]
    return f"{plain}, under {count} assumption{'' if count == 1 else 's'}"


def _list_title(advice: Advice, words: Words) -> str:
    """The heading of drugs that come after the steps, where their own tiers say that they come later."""
    later = all(TIERS.index(option.tier) >= TIERS.index("later_line") for option in advice.options)
    return "If systemic therapy is changed" if later else words.vocabulary.status[advice.status]


def _unsettled(advice: Advice, words: Words, ruling: Ruling, turns_on: str | None) -> tuple[Unsettled, ...]:
    """What is not known and could end the ranking, the time-critical first, in the words of its stop; then the brain.

    Only for a ranked list: a stop that holds says itself what it rests on.
    """
    if not advice.options:
        return ()
    stops = sorted(ruling.open_stops, key=lambda stop: not stop.time_critical)
    found = {
        name: Unsettled(words.label(name), f"If so: {stop.text}", QUESTION_OF[name])
        for stop in stops
        for name in stop.fields
        if name in stop.when.open_fields(ruling.view)
    }
    brain = "brain_metastases"
    if ruling.view[brain] is None and turns_on != brain:  # what the answer turns on is said with its branches
        label = words.label(brain)
        said = [text.removeprefix(f"{label}: ") for text in unknowns_in_words(advice, words) if text.startswith(label)]
        found[brain] = Unsettled(label, "".join(said[:1]), QUESTION_OF[brain])
    return tuple(found.values())


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
    option: Option,
    advice: Advice,
    words: Words,
    role: str | None,
    numbers: dict[str, int],
    shown: set[str],
    ruling: Ruling,
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
        because=tuple(in_words(option.because, words)),
        assumes=tuple(in_words(option.assumes, words)),
        authorised=_authorised(regimen, advice, words),
        partners=tuple(words.agent(agent) for agent in option.partners),
        basis=_cited(option.facts, advice),
        evidence=evidence,
        evidence_arms=_usual_arms(evidence),
        forest=_forest([facts[name] for name in dict.fromkeys(efficacy)]),
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
                (_caution(caution, advice, words, ruling) for caution in option.cautions),
                key=lambda caution: (not caution.patient, not caution.certain, caution.open, not caution.organs),
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


def _forest(facts: Iterable[Fact]) -> tuple[ForestRow, ...]:
    """The hazard ratios of facts, each of its first arm against its second: of whole trials first, then of parts.

    A part of a trial is what a fact of the kind `cns` is on, and what SUBSETS names.
    """
    rows = tuple(
        ForestRow(
            fact.id,
            estimate.endpoint,
            fact.population,
            fact.arms[1],
            estimate.value,
            estimate.interval[0] if estimate.interval else None,
            estimate.interval[1] if estimate.interval else None,
            fact.pending_review,
            fact.kind == "cns" or (fact.id, estimate.endpoint) in SUBSETS,
        )
        for fact in facts
        for estimate in fact.estimates
    )
    return tuple(sorted(rows, key=lambda row: row.subset))


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


def _caution(caution: Caution, advice: Advice, words: Words, ruling: Ruling) -> CautionShown:
    rule = caution.rule
    behind = rule.when.because(ruling.view) if caution.certain else rule.when.needed(ruling.view)
    if caution.certain:  # a question that was not asked has no answer that could bring anything
        behind = tuple(atom for atom in behind if _answered(atom, advice))
    own = [atom for atom in behind if atom.field not in NOT_THE_PATIENT]
    answers = [atom for atom in behind if atom in own or atom.field == "region"] if own else []
    return CautionShown(
        rule.text,
        rule.id,
        _cited(rule.facts, advice),
        rule.pending_review,
        caution.certain,
        bool(answers),
        rule.row in PATIENT_ROWS,
        tuple(in_words(answers, words)),
        all(atom.operator == "is" and atom.values == (NOT_KNOWN,) for atom in own),
    )


def _answered(atom: Atom, advice: Advice) -> bool:
    """Whether the patient's answers say something on what a comparison reads."""
    fields = SOURCE_OF.get(atom.field, (atom.field,))
    return any(getattr(advice.profile, name, None) is not None for name in fields)


def _reasons(advice: Advice, words: Words) -> tuple[ReasonShown, ...]:
    """What is time-critical first."""
    reasons = sorted(advice.reasons, key=lambda reason: not reason.stop.time_critical)
    return tuple(
        ReasonShown(
            reason.stop.id,
            reason.stop.text,
            reason.stop.nearest,
            tuple(in_words(reason.because, words)),
            reason.stop.time_critical,
            reason.stop.row or "",
            _cited(reason.stop.facts, advice),
        )
        for reason in reasons
    )


def _excluded(advice: Advice, words: Words, role: str | None) -> tuple[Excluded, ...]:
    """Regimens that the same rules exclude stand together; those with the strongest evidence, missed most, first."""
    rules: dict[str, tuple[RuledOut, ...]] = {}
    for exclusion in advice.excluded:
        rule = RuledOut(
            exclusion.text,
            tuple(in_words(exclusion.because, words)),
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
        said.setdefault(_atom(atom, words), atom)
    return tuple((atom, text) for text, atom in said.items())


def _question_of(atom: Atom) -> str:
    """The question whose answer a comparison reads; empty where it reads none."""
    return QUESTION_OF.get(SOURCE_OF.get(atom.field, (atom.field,))[0], "")


def _would_change(advice: Advice, words: Words) -> tuple[WouldChange, ...]:
    found = []
    for change in changes(advice):
        first = change.answers[0]
        question = QUESTION_OF[first.field]
        offered = len(change.answers) == 1 and first.after in QUESTIONS[question].options
        said, effect = answers_in_words(change.answers, words), effect_in_words(change, words)
        found.append(WouldChange(said, effect, question, first.after if offered else "", change.code))
    return tuple(found)


def _inputs(advice: Advice, words: Words) -> tuple[Input, ...]:
    profile = advice.profile
    said = [
        Input(name, label, value, QUESTION_OF[name], kind=_kind(name, getattr(profile, name)))
        for name, label, value in words.profile_lines(profile)
    ]
    if advice.gate is not None:  # the profile cannot hold it: another tumour, not an adult
        gate = words.vocabulary.findings["gate"]
        said.insert(0, Input("gate", gate.label, gate.values[advice.gate], "gate", kind=_kind("gate", advice.gate)))
    return tuple(said)


def _kind(name: str, value: object) -> str:
    if value == NOT_KNOWN:
        return "open"
    if name in USUAL and value != USUAL[name]:
        return "noted"
    return "context" if name in FOR_WHOM else "usual"


def _not_known(advice: Advice, words: Words, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """What would matter first, in the order of its use, asked or not; then what was answered as not known."""
    given = {line.field: line for line in inputs}
    found: dict[str, Input] = {}
    for unknown in advice.unknowns:
        name = unknown.field
        if name not in given and name != "region":  # the order does not rest on the region
            label, value = words.label(name), words.value(name, None)
            given[name] = Input(name, label, value, QUESTION_OF[name], kind="open")
        if name in given and given[name].kind == "open":
            found[name] = given[name]
    found.update({name: line for name, line in given.items() if line.kind == "open"})
    return tuple(found.values())


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


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


__all__ = ["Board", "Card", "Evidence", "ForestRow", "OptionCard", "card", "in_words"]
