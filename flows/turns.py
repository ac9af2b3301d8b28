"""What goes in and out of the dialogue: turns, the state of a conversation, replies. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.explanation.changes import Changed
from flows.profile import Profile
from flows.questionnaire import NOT_PROFESSIONAL, ORDER, UNDERSTOOD, Answers, profile_of
from flows.sequencing.advice import Advice
from flows.statement import Statement

START = ORDER[0]
FINALS = ("advice", "referred", "declined", "needs_information", "not_professional", "cancelled")
STATES: tuple[str, ...] = (*ORDER, "region", UNDERSTOOD, *FINALS)

TOPICS = ("help", "about", "privacy")
SECTIONS = (
    "why", "evidence", "safety", "excluded", "pitfalls", "whatif", "not_assessed", "sources", "summary",
)  # fmt: skip
NOTICES = (
    "stale", "not_understood", "ask_back", "identifier", "unknown_option", "alone", "one_only", "number",
    "too_many_lines", "nothing_ticked", "nothing_before", "not_editable", "does_not_arise", "no_answer_yet",
    "finished", "under_way", "shared", "link_unreadable", "expired", "late", "taken", "unknown_command", "unsupported",
    "edited", "too_long", "unavailable", "error", "understood", "taken_back", "confirm_first", "out_of_scope",
    "nothing_understood", "nothing_to_undo", "no_such_change",
)  # fmt: skip
COMMANDS = ("start", "here", "back", "undo", "edit", "restart", "cancel", "forget", *TOPICS, *SECTIONS, "export")
FORMATS = ("html", "json")
"""What /export can write the whole answer as."""
SHARED = "p_"
"""How the argument of /start begins that carries a shared profile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn: one or more options of a question. The question says which screen it was given on."""

    question: str
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A turn: one option of a question that allows several is ticked or no longer ticked. Nothing is answered yet."""

    question: str
    option: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class Finish:
    """A turn: the options ticked are the answer."""

    question: str


@dataclass(frozen=True, slots=True)
class Command:
    """A turn: /name. Its argument: what to edit, the form of an export, the page of a section, which change to look at,
    a shared profile."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A turn that named no option. The text itself stays outside; `readings` are options it may have meant.

    `outside`: why it is nothing this tool answers, a reason of the understanding (`dosing`, `other_tumour`).
    """

    readings: tuple[str, ...] = ()
    identifier: bool = False
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """A turn: a typed text that states more than one answer, or another than the one asked for."""

    statement: Statement


Turn = Answer | Tick | Finish | Command | Unclear | Understood


@dataclass(frozen=True)
class State:
    """One conversation: the answers of its current case, where it stands, and what is being edited."""

    answers: Answers = field(default_factory=dict)
    here: str = START
    editing: bool = False
    region: str | None = None
    ticked: tuple[str, ...] = ()
    """Options ticked at the question it stands at, which is not answered yet."""
    before: Answers | None = None
    """The answers before the last typed statement was taken down, as long as nothing else was answered."""

    @property
    def role(self) -> str | None:
        """The reader's role: it changes wording and detail only."""
        role = self.answers.get("role")
        return None if role == NOT_PROFESSIONAL else role

    @property
    def attested(self) -> bool:
        """Whether the professional attestation was given and the disclaimer accepted in this case."""
        return self.role is not None

    @property
    def statement(self) -> Statement | None:
        """What a typed text was understood as and is not confirmed yet."""
        return self.answers.get(UNDERSTOOD)

    @property
    def profile(self) -> Profile:
        """The profile the answers amount to."""
        return profile_of(self.answers, self.region)


@dataclass(frozen=True, slots=True)
class Ask:
    """A reply: the question the case stands at."""

    question: str
    state: State


@dataclass(frozen=True, slots=True)
class Advise:
    """A reply: the answer, or the reason why no drug is ranked."""

    final: str
    advice: Advice
    state: State


@dataclass(frozen=True, slots=True)
class Inform:
    """A reply that changes nothing: a topic, a section of the answer, why a question is asked."""

    topic: str
    state: State
    advice: Advice | None = None
    form: str = ""
    """For an export: what the answer is to be written as."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A reply that changes nothing: the answer, and what it would be were these answers given otherwise."""

    advice: Advice
    then: Advice
    answers: tuple[Changed, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Notice:
    """A short reply on the turn itself: stale, not understood, nothing to go back to."""

    code: str
    state: State
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A reply: the case ended without an answer (cancelled, or not a professional)."""

    final: str
    state: State


Reply = Ask | Advise | Inform | Compare | Notice | Ended
