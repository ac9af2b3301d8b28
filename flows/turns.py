"""What goes in and out of the dialogue: turns, the state of a conversation, replies. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.profile import Profile
from flows.questionnaire import NOT_PROFESSIONAL, ORDER, Answers, profile_of
from flows.sequencing.advice import Advice

START = ORDER[0]
FINALS = ("advice", "referred", "declined", "needs_information", "not_professional", "cancelled")
STATES: tuple[str, ...] = (*ORDER, "region", *FINALS)

TOPICS = ("help", "about", "privacy")
SECTIONS = (
    "why", "evidence", "safety", "excluded", "pitfalls", "whatif", "not_assessed", "sources", "summary",
)  # fmt: skip
NOTICES = (
    "stale", "not_understood", "ask_back", "identifier", "unknown_option", "alone", "one_only", "number",
    "too_many_lines", "nothing_before", "not_editable", "does_not_arise", "no_answer_yet", "finished",
    "unknown_command", "unsupported", "edited", "too_long", "unavailable", "error",
)  # fmt: skip
COMMANDS = ("start", "back", "edit", "restart", "cancel", "forget", *TOPICS, *SECTIONS)


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn: one or more options of a question. The question says which screen it was given on."""

    question: str
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A turn: /name, with an argument for edit."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A turn that named no option. The text itself stays outside; `readings` are options it may have meant."""

    readings: tuple[str, ...] = ()
    identifier: bool = False


Turn = Answer | Command | Unclear


@dataclass(frozen=True)
class State:
    """One conversation: the answers of its current case, where it stands, and what is being edited."""

    answers: Answers = field(default_factory=dict)
    here: str = START
    editing: bool = False
    region: str | None = None

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


Reply = Ask | Advise | Inform | Notice | Ended
