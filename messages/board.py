"""The answer on one printed page for a tumour board, and as text to copy: both are made of the card alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from string import ascii_lowercase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from messages.card import Card, Excluded, GradeBadge, OptionCard, RuledOut, UnknownShown

SUBJECT = "HER2-positive metastatic breast cancer, next line"
MORE = "more in the whole answer"
PENDING = " [pending review]"
_ROOM = {"wide": (57, 107), "medium": (63, 120), "tight": (71, 134)}
"""Lines of one page and characters of a line at each density, with room to spare for wider fonts."""
_FRAME = 11.0
"""Lines taken by the title, the places to write on, the record and the disclaimer."""
_BLOCK = 1.6
"""Lines that a heading takes, the space around it included."""
_RULED = 2.1
"""Lines that one line to write on takes."""
_CLAUSE = re.compile(r"; |\. (?=[A-Z])")
"""Where a statement on an authorisation goes on to something else."""


class Board(NamedTuple):
    """What one printed page for a tumour board holds. Where something was left out, it says how much."""

    density: str
    """How small the print is: `wide`, `medium` or `tight`."""
    noted: tuple[str, ...]
    not_known: str
    inputs: tuple[tuple[str, str], ...]
    options: tuple[BoardOption, ...]
    holds_if: str
    """The conditions all options share; those of one option stand with it."""
    lettered: str
    """Where room is short, the conditions of the safety checklist: said once with a letter that options name."""
    excluded: str
    assumptions: str
    """What else was taken to be so, of which no option says that it hangs on it."""
    unknowns: str
    cautions: tuple[str, ...]
    changes: tuple[str, ...]
    left_out: str
    """The parts of which nothing is printed, each with how much of it the whole answer has."""
    lines: tuple[int, ...]
    """The lines to write the decision on."""
    turns_on: str
    """What is so in every case, and what follows from each answer to what would settle most."""


class BoardOption(NamedTuple):
    """One option on the printed page. `notes`: why it is extrapolated, what is boxed, where it is authorised."""

    rank: int
    name: str
    tier: str
    headline: str
    grade: str
    fit: str
    cautioned: bool
    holds_if: str
    notes: tuple[tuple[str, str], ...]


NO_BOARD = Board("", (), "", (), (), "", "", "", "", "", (), (), "", (), "")


class _Shown(NamedTuple):
    """How much of each part is shown. Conditions, what is not normal and what is not known are always whole.

    `cautions`: on this patient; fewer than all only where a page of the smallest print has no room for them, and
    never without one on the patient's organs, tests or medicines.
    """

    excluded: int = 99
    assumptions: int = 99
    unknowns: int = 99
    changes: int = 99
    headlines: bool = True
    authorised: bool = True
    boxed: bool = True
    criteria: bool = True
    because: bool = True
    effects: bool = True
    letters: bool = False
    cautions: int = 99
    usual: bool = True
    lines: int = 4
    branches: bool = True


_LESS = _Shown(lines=2, authorised=False, changes=2, unknowns=6, effects=False, letters=True)
_LEAST = _LESS._replace(lines=1, changes=0, unknowns=0, boxed=False, headlines=False, because=False)
_LAST = _LEAST._replace(excluded=0, criteria=False, usual=False, assumptions=0, branches=False)
_ATTEMPTS: tuple[tuple[str, _Shown], ...] = (
    ("wide", _Shown()),
    ("wide", _Shown(lines=2)),
    ("medium", _Shown(lines=3)),
    ("medium", _Shown(lines=2, effects=False)),
    ("medium", _Shown(lines=2, effects=False, authorised=False)),
    ("tight", _Shown(lines=3)),
    ("tight", _Shown(lines=2, effects=False, letters=True)),
    ("tight", _Shown(lines=2, effects=False, letters=True, authorised=False)),
    ("tight", _LESS),
    ("tight", _LESS._replace(boxed=False)),
    ("tight", _LESS._replace(boxed=False, excluded=6, unknowns=3, lines=1)),
    ("tight", _LEAST._replace(changes=1, excluded=6)),
    ("tight", _LEAST._replace(excluded=4)),
    ("tight", _LEAST._replace(excluded=4, criteria=False)),
    ("tight", _LEAST._replace(excluded=4, criteria=False, usual=False, assumptions=8)),
    ("tight", _LEAST._replace(excluded=0, criteria=False, usual=False, assumptions=0)),
    ("tight", _LAST),
    *(("tight", _LAST._replace(cautions=most)) for most in (16, 12, 9, 6, 3, 0)),
)
"""From all of it to what decides; the first that fits is printed, with what of _MORE there is still room for."""
_MORE: tuple[tuple[str, int], ...] = (
    ("usual", True), ("criteria", True), ("excluded", 4), ("assumptions", 99), ("headlines", True), ("because", True),
    ("excluded", 99), ("boxed", True), ("authorised", True), ("changes", 2), ("unknowns", 6), ("lines", 2),
    ("changes", 5), ("unknowns", 99), ("lines", 4),
)  # fmt: skip


def board_of(card: Card) -> Board:
    """As much as one page holds, in the largest print it fits in; what gives way first is what decides least."""
    density, shown = _ATTEMPTS[-1]
    for density, shown in _ATTEMPTS:  # the last stands where none fits
        if _fits(card, density, shown):
            break
    for part, much in _MORE:
        more = _Shown(**{**shown._asdict(), part: much})
        if getattr(shown, part) < much and _fits(card, density, more):
            shown = more
    return _board(card, density, shown)


def _fits(card: Card, density: str, shown: _Shown) -> bool:
    return _height(_board(card, density, shown), card) <= _ROOM[density][0]


def _board(card: Card, density: str, shown: _Shown) -> Board:
    options = card.options
    shared = shared_conditions(options)
    stated = {condition for option in options for condition in option.assumes}
    letters = _letters(card, shared) if shown.letters else {}
    named = {line.field for line in (*card.noted, *card.not_known)}
    rest = [entry.text for entry in card.assumptions if entry.text not in stated]
    usual = [line for line in card.inputs if line.field not in named and (shown.usual or line.kind == "context")]
    return Board(
        density,
        tuple(f"{line.label}: {line.value}" for line in card.noted),
        "; ".join(line.label for line in card.not_known),
        tuple((line.label, _cut(line.value, 400)) for line in usual),
        tuple(_option(option, shared, letters, shown) for option in options),
        "; ".join(shared),
        "; ".join(f"({letter}) {condition}" for condition, letter in letters.items()),
        _some([_excluded(entry, because=shown.because) for entry in card.excluded], shown.excluded),
        _some(rest, shown.assumptions),
        _some([_unknown(entry, effects=shown.effects) for entry in card.unknowns], shown.unknowns),
        cautions(options, because=shown.because, most=shown.cautions),
        _first(
            [f"{entry.answers}: {entry.effect}" for entry in card.would_change],
            shown.changes,
        ),
        "; ".join(
            f"{name}: {len(parts)}"
            for name, parts, most in (
                ("excluded", card.excluded, shown.excluded),
                ("also assumed", rest, shown.assumptions),
                ("not known, and how it matters", card.unknowns, shown.unknowns),
                ("what would change this", card.would_change, shown.changes),
            )
            if parts and not most
        ),
        tuple(range(shown.lines)),
        _turns_on(card) if shown.branches else "",
    )


def _turns_on(card: Card) -> str:
    found = card.open_answers
    if found is None:
        return ""
    ways = f" It turns on {found.label}. {'. '.join(found.short)}." if found.branches else ""
    return found.holds + ways


def shared_conditions(options: Iterable[OptionCard]) -> list[str]:
    """The conditions that each of several options hangs on: said once, above them."""
    several = [option.assumes for option in options]
    return [condition for condition in several[0] if all(condition in own for own in several)] if several[1:] else []


def _letters(card: Card, shared: list[str]) -> dict[str, str]:
    """What the safety checklist would settle and several options hang on, each with a letter.

    What decides between options (brain, receptors, lines, access) is never among them: it stands with each in words.
    """
    listed = {entry.text for entry in card.assumptions if entry.question == "safety"}
    uses = [condition for option in card.options for condition in option.assumes]
    found = [one for one in dict.fromkeys(uses) if one in listed and one not in shared and uses.count(one) > 1]
    return dict(zip(found, ascii_lowercase, strict=False))


def _unknown(entry: UnknownShown, *, effects: bool) -> str:
    return f"{entry.label}: {entry.effect}" if effects else entry.label


def _option(option: OptionCard, shared: list[str], letters: dict[str, str], shown: _Shown) -> BoardOption:
    notes = []
    fit = option.fit
    if fit and shown.criteria:
        notes += [("Not met", "; ".join(fit.unmet)), ("Not known", "; ".join(fit.open))]
    if shown.boxed:
        said = "; ".join(f"{fact.subject}: {fact.value}{PENDING if fact.pending else ''}" for fact in option.warned)
        notes.append(("US boxed warning", said))
    if shown.authorised:
        where = [entry for entry in option.authorised if entry.here] or option.authorised
        notes += [
            (f"Authorised, {entry.region}", _clause(entry.text) + (PENDING if entry.pending else "")) for entry in where
        ]
    own = [condition for condition in option.assumes if condition not in shared and condition not in letters]
    lettered = [f"({letters[condition]})" for condition in option.assumes if condition in letters]
    own += [" ".join(lettered)] if lettered else []
    return BoardOption(
        option.rank,
        option.name,
        option.tier_label,
        option.headline if shown.headlines else "",
        _grades(option),
        f"{fit.label} ({fit.trial})" if fit else "",
        bool(option.foremost),
        "; ".join(own),
        tuple((label, text) for label, text in notes if text),
    )


def _grades(option: OptionCard) -> str:
    if not option.grades and option.drug:
        return f"no guideline grade; own summary: {option.strength.label}"
    return "; ".join(_grade(grade) for grade in option.grades)


def _grade(grade: GradeBadge) -> str:
    return f"{grade.system}: {grade.grade}{f' [{grade.status}]' if grade.status else ''}"


def _excluded(entry: Excluded, *, because: bool = True) -> str:
    names = ", ".join(entry.names)
    return f"{names} ({_why(entry.rules[0])})" if because else names


def _why(rule: RuledOut) -> str:
    return "; ".join(rule.because) or rule.text.rstrip(".")


def cautions(options: Iterable[OptionCard], *, because: bool = True, most: int = 99) -> tuple[str, ...]:
    """The patient's certain cautions, each once, with the ranks of the options it belongs to and what brings it.

    Those on organs, tests and medicines first, and all of them; those on what is not known last.
    """
    found = [(caution, option.rank) for option in options for caution in option.foremost]
    each = {caution.rule: caution for caution, _ in found}
    said, organs = [], 0
    for caution in sorted(each.values(), key=lambda one: (one.open, not one.organs)):
        ranks = ", ".join(str(rank) for other, rank in found if other.rule == caution.rule)
        why = f" ({'; '.join(caution.answers)})" if because and not caution.open else ""
        said.append(f"Option {ranks}: {caution.text}{why}{PENDING if caution.pending else ''}")
        organs += caution.organs and not caution.open
    return _first(said, max(most, organs))


def _clause(text: str) -> str:
    """The first clause of a statement, and that it goes on where it does."""
    first, *rest = _CLAUSE.split(text, maxsplit=1)
    return f"{first} ..." if rest else first


def _some(parts: list[str], most: int) -> str:
    """The first few, and how many more the whole answer has; nothing where none is shown."""
    return "; ".join(_first(parts, most))


def _first(parts: list[str], most: int) -> tuple[str, ...]:
    rest = len(parts) - most
    return (*parts[:most], *((f"{rest} {MORE}",) if rest > 0 else ())) if most else ()


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... (in full in the whole answer)"


def _height(board: Board, card: Card) -> float:
    """The lines the page will take, by the length of what it says."""
    _, width = _ROOM[board.density]

    def lines(text: str, share: float = 1.0) -> int:
        return math.ceil(len(text) / (width * share))

    height = _FRAME + _RULED * len(board.lines) + (lines(card.banner) if card.banner else 0)
    height += sum(lines(f"{reason.text} {reason.nearest}") for reason in card.reasons)
    height += lines("Before or beside drugs: " + "; ".join(f"{step.name} ({step.text})" for step in card.steps))
    height += lines(card.printed_title, 0.9) - 1
    inputs = "; ".join(f"{label}: {value}" for label, value in board.inputs)
    settle = "; ".join(entry.label for entry in card.settle_first)
    for text in (
        inputs,
        "; ".join(board.noted),
        board.not_known,
        settle,
        board.turns_on,
        board.holds_if,
        board.lettered,
    ):
        height += lines(f"Not known, and to be settled first: {text}") + 0.2 if text else 0
    for option in board.options:
        said = [
            f"{option.rank}. {option.name}, {option.tier}. {option.headline}.",
            f"{option.grade}. Trial fit: {option.fit}. {'Caution below.' if option.cautioned else ''}",
            f"Holds if: {option.holds_if}." if option.holds_if else "",
        ]
        rows = [" ".join(said)] if board.density == "tight" else said
        rows.append(" ".join(f"{label}: {text}." for label, text in option.notes))
        height += sum(lines(text, 0.97) for text in rows if text) + 0.25
    for text in (board.excluded, board.assumptions, board.unknowns):
        height += _BLOCK + lines(text) if text else 0
    height += _BLOCK + sum(lines(text, 0.97) for text in board.changes) if board.changes else 0
    run_on = [" ".join(board.cautions)] if board.density == "tight" else board.cautions
    height += _BLOCK + sum(lines(text, 0.97) for text in run_on) if board.cautions else 0
    height += 1 + lines(board.left_out) if board.left_out else 0
    return height


# --- text to copy --------------------------------------------------------------------------------------------


def text_of(card: Card) -> str:
    """The answer as plain text: its standing first, its limits and its record last. No document in it."""
    standing = f"{card.review}. Knowledge of {card.record.date}."
    title = f"{SUBJECT}: {card.printed_title}."
    parts = [
        " ".join(part for part in (standing, card.banner) if part),
        title,
        *(f"{reason.text} {reason.nearest}" for reason in card.reasons),
        "" if card.options else "No drug is ranked.",
        f"Needed next: {', '.join(entry.label for entry in card.needed)}." if card.needed else "",
        "\n".join(
            ("Not known, and to be settled first:", *(f"- {one.label}: {one.effect}" for one in card.settle_first))
        )
        if card.settle_first
        else "",
        _turns_on(card),
        "\n".join(_inputs(card)),
        "" if card.steps_lead or not card.steps else "Before or beside drugs:" if card.options else "Steps:",
        "\n".join(f"- {_step(step.name, step.text, card)}" for step in card.steps),
        f"{card.list_title}:" if card.list_title and card.options else "",
        "\n\n".join(_option_text(option) for option in card.options),
        "\n".join(
            f"Excluded: {', '.join(entry.names)} ({' / '.join(_why(rule) for rule in entry.rules)})"
            for entry in card.excluded
        ),
        f"Assumed, not known: {'; '.join(entry.text for entry in card.assumptions)}." if card.assumptions else "",
        card.record.text,
        card.disclaimer,
    ]
    return "\n\n".join(part for part in parts if part)


def _step(name: str, text: str, card: Card) -> str:
    return f"{name}: {text}" if card.options else name


def _inputs(card: Card) -> list[str]:
    named = {line.field for line in (*card.noted, *card.not_known)}
    return [
        *(f"- To note: {line.label}: {line.value}" for line in card.noted),
        *(
            f"- {what}: {'; '.join(line.label for line in lines)}"
            for what, lines in (("Not known", card.asked_and_open), ("Not asked", card.not_asked_but_open))
            if lines
        ),
        *(f"- {line.label}: {line.value}" for line in card.inputs if line.field not in named),
    ]


def _option_text(option: OptionCard) -> str:
    lines = [f"{option.rank}. {option.name} ({option.tier_label}). {option.headline}."]
    if option.assumes:
        lines.append(f"Holds if: {'; '.join(option.assumes)}.")
    if _grades(option):
        lines.append(f"Grade: {_grades(option)}.")
    if option.fit:
        lines.append(f"Trial fit: {option.fit.label} ({option.fit.trial}).")
        lines += [f"Not met: {'; '.join(option.fit.unmet)}."] if option.fit.unmet else []
        lines += [f"Not known: {'; '.join(option.fit.open)}."] if option.fit.open else []
    lines += [
        f"For this patient: {one.text} ({'; '.join(one.answers)}){PENDING if one.pending else ''}"
        for one in option.foremost
    ]
    return "\n   ".join(lines)


__all__ = ["NO_BOARD", "SUBJECT", "Board", "BoardOption", "board_of", "cautions", "shared_conditions", "text_of"]
