"""What is being told while a text is read: the line it is about, and what was said since its last drug."""

from __future__ import annotations

from messages.understanding.courses import Course, Courses
from messages.understanding.outcomes import Outcomes
from messages.understanding.outline import Outline
from messages.understanding.standing import Mention, mentions_of


class Telling:
    """The state of the reading, for all that read treatment."""

    def __init__(self, outline: Outline) -> None:
        self.pieces, self.outline = outline.pieces, outline
        self.courses = Courses()
        self.mentions: dict[int, Mention] = mentions_of(self.outline)
        to_come = frozenset(at for at, mention in self.mentions.items() if mention.standing in ("planned", "asked"))
        not_given = frozenset(at for at, mention in self.mentions.items() if mention.standing != "received")
        self.outcomes = Outcomes(self.outline, self.courses, to_come, not_given)
        self.sentence = 0
        self.outside: Course | None = None
        """The line that was being told where a bracket opened."""
        self.described_until = -1
        """Where a bracket ends that says again what the drugs before it are."""
        self.early = False
        """Whether the drugs that follow are early-stage treatment."""
        self.stays_early = False
        """Whether what follows surgery still is."""
        self.until_relapse: int | None = None
        """Where the drugs that follow are told as given until the disease came back."""
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

    def then(self, place: int) -> None:
        """Go on to the next line."""
        self.courses.separate("then")
        following = place + 1
        drug = self.outline.next_drug[place]
        lead = None if drug is None else self.outcomes.lead_before(drug)
        again = lead is not None and lead <= following  # progressed on A and then on B
        last = drug if again and drug is not None else following
        named = last > following and any(
            self.pieces[at].is_("noun", "organ") for at in range(following, last)
        )  # then in bone on B
        following = last
        names_next = following < len(self.pieces) and self.outline.is_drug[following]
        aside = self.outline.is_in_an_aside(place)  # she failed A and, later, B
        is_object = aside or named or (names_next and self.pieces[place].key == "and")
        self.outcomes.next_line(is_object=is_object, names_next=names_next, again=again or aside)
        if place and "ever_since" in self.pieces[place - 1].roles and self._is_one_line(place):
            self.outcomes.pending_ongoing = True
        self.early = False
        if self.pieces[place].key == "followed" and place and self.pieces[place - 1].key == "and":
            self.courses.insert_stays = False  # TCT, preceded by THP and followed by T-DXd
        if not self.courses.insert_stays and not self.courses.leaves_room():
            self.courses.insert = None

    def _is_one_line(self, place: int) -> bool:
        """Whether what follows 'since then' is the line that goes on: not so in 'since then THP and T-DXd'."""
        outline = self.outline
        first, last = outline.drug_in_sentence_after(place), outline.last_drug[outline.sentence_end[place] - 1]
        if first is None or last is None:
            return False
        return not any(
            self.pieces[at].key in (",", "and", "->") or "then" in outline.cues[at] for at in range(first, last)
        )

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
        cues, piece = self.outline.cues[place], self.pieces[place]
        if "progression" in cues:
            return False
        return "relapse" in cues or (
            "say" in piece.kinds
            and any(
                each.kind == "say" and each.name == "setting" and each.value == "metastatic" for each in piece.concepts
            )
        )

    def _is_begun_at(self, relapse: int, drug: int) -> bool:
        """Whether 'at' leads from a drug to the relapse: 'THP at first relapse'; not 'on adjuvant HP at relapse'."""
        near = range(max(drug + 1, relapse - 2), relapse + 1)
        leads = any(self.pieces[at].key in ("at", "upon") for at in near)
        return leads and not self.outline.has(self.outline.before_in_stretch(drug), "early")

    def is_for_metastases(self, place: int) -> bool:
        """Whether a drug is said to be for metastatic disease: 'adjuvant Herceptin, THP for mets', 'THP once she was
        metastatic'."""
        outline = self.outline
        place = outline.last_of_list(place)
        end = outline.drug_in_stretch_after(place) or outline.stretch_end[place]
        if end < len(self.pieces) and self.pieces[end - 1].key == "(" and self.is_relapse(end):  # THP (mets)
            return True
        for at in range(place + 1, end):
            if self.is_relapse(at) or self.pieces[at].is_("noun", "organ_mets"):
                once = self.outline.plays(range(max(place, at - 3), at), "once")
                leads = "for" in self.pieces[at - 1].roles or self.pieces[at].key in ("for", "in")
                return once or leads or self._is_begun_at(at, place)
        return False
