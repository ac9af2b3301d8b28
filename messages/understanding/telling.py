"""What is being told while a text is read: the line it is about, and what was said since its last drug."""

from __future__ import annotations

from messages.understanding.courses import Course, Courses
from messages.understanding.outcomes import Outcomes
from messages.understanding.outline import Outline
from messages.understanding.scan import Piece
from messages.understanding.standing import Mention, mentions_of


class Telling:
    """The state of the reading, for all that read treatment."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        self.outline = Outline(pieces)
        self.courses = Courses()
        self.outcomes = Outcomes(self.outline, self.courses)
        self.mentions: dict[int, Mention] = mentions_of(self.outline)
        self.sentence = 0
        self.described_until = -1
        """Where a bracket ends that says again what the drugs before it are."""
        self.early = False
        """Whether the drugs that follow are early-stage treatment."""
        self.stays_early = False
        """Whether what follows surgery still is."""
        self.until_relapse = False
        """Whether the drugs that follow were given until the disease came back."""
        self.operated = False
        self.metastatic = False
        self.relapsed = False
        """Whether a relapse was told since the last drug."""
        self.refers = False
        """Whether a sentence began with 'it': what is said in it is of the line told before."""
        self.numbers: list[int] = []
        """The numbers of the lines that are told next."""
        self.counting = False
        """Whether these numbers only count an enumeration."""
        self.maintenance = False
        self.leading: Course | None = None
        """The line that 'after' put first, while the one that followed it is awaited."""
        self.leads = False
        """Whether the next drug is such a line."""

    def then(self) -> None:
        self.courses.separate("then")
        self.outcomes.next_list()
        if self.early and not self.courses.before_a_taxane():
            self.early = False
        if not self.courses.insert_stays:
            self.courses.insert = None

    def drug_ahead(self, place: int) -> bool:
        """Whether a received drug follows before another line's number, 'then' or the end of the sentence."""
        outline = self.outline
        following = outline.drug_in_sentence_after(place)
        if following is None or following - place > 14 or not self._is_received(following):
            return False
        return all(
            self.pieces[at].kind != "line" and self.pieces[at].key != "->" and "then" not in outline.cues[at]
            for at in range(place + 1, following)
        )

    def _is_received(self, place: int) -> bool:
        mention = self.mentions.get(place)
        return mention is not None and mention.standing == "received"

    def is_told_here(self, course: Course | None) -> bool:
        return course is not None and (course.sentence == self.sentence or self.refers)

    def is_relapse(self, place: int) -> bool:
        """Whether a piece says that what follows is of metastatic disease."""
        cues = self.outline.cues[place]
        stated = any(
            each.kind == "say" and each.name == "setting" and each.value == "metastatic"
            for each in self.pieces[place].concepts
        )
        return ("relapse" in cues or stated) and "progression" not in cues

    def is_for_metastases(self, place: int) -> bool:
        """Whether a drug is said to be for metastatic disease: 'adjuvant Herceptin, THP for mets'."""
        outline = self.outline
        end = outline.drug_in_stretch_after(place) or outline.stretch_end[place]
        for at in range(place + 1, end):
            if self.is_relapse(at):
                return "for" in self.pieces[at - 1].roles or self.pieces[at].key in ("for", "in")
        return False
