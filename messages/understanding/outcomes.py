"""How a line ended: progression, toxicity, completed, ongoing or not known, and which line that is said of."""

from __future__ import annotations

from messages.understanding.courses import Course, Courses
from messages.understanding.outline import Outline

_OPEN = (None, "ongoing")
_GRADE = 5
"""Letters of the longest word that only says how severe a toxicity was: 'grade', 'g2'."""
_REASONS = ("lvef", "platelets", "liver_function", "bilirubin")
"""Measurements that are why a drug is stopped."""


class Outcomes:
    """Gives each line the outcome that is said of it."""

    def __init__(self, outline: Outline, courses: Courses) -> None:
        self.outline, self.courses = outline, courses
        self.pending: str | None = None
        """An outcome said of the drugs that follow."""
        self.holder: Course | None = None
        self.of_the_last = False
        """Whether the pending outcome is of the last of a list: 'progression after A, B and C'."""
        self.named_toxicity: int | None = None
        self._named: dict[int, frozenset[str]] = {}
        self.given = False
        """Whether the pending outcome was given to drugs already."""
        self.pending_ongoing = False
        self.stopped_at: int | None = None
        self.partial = False
        """Whether only a part of a line was named last: what ends then is not the line."""
        self.unclaimed: int | None = None
        """Where progression was told before any drug."""

    def forget(self) -> None:
        """Begin a new sentence."""
        self.pending = self.stopped_at = self.named_toxicity = self.holder = None
        self.of_the_last = False
        self.given = self.pending_ongoing = False

    def next_list(self) -> None:
        """Go on to what is another line: an outcome that was given is not said of it."""
        if self.given:
            self.pending = self.holder = None

    def next_member(self) -> None:
        """Go on behind a comma: what is said of a whole list goes on to its end."""
        if not self.of_the_last:
            self.next_list()

    def receive(self, course: Course, *, present: bool) -> None:
        """Give a drug's line the outcome that was said before the drug."""
        if self.pending is not None:
            if course.outcome in _OPEN:
                if self.of_the_last and self.holder is not None and self.holder is not course:
                    self.holder.outcome = None
                course.outcome, course.ongoing = self.pending, False
                self.given, self.holder = True, course
        elif self.pending_ongoing or present:
            course.ongoing = True

    def take(self, place: int) -> bool:
        """Read a piece that says how a line goes or ended; False where it says nothing of that."""
        cues, piece = self.outline.cues[place], self.outline.pieces[place]
        if "no_progression" in cues:
            return True
        if "progression" in cues or ("extracranial_disease", "progressing") in self._says(place):
            self._progression(place)
        elif "stopped" in cues:
            self.stopped_at = place
            self.courses.separate("other")
            if self._is_a_consequence(place):
                self._said(place, "toxicity")
        elif "toxicity" in cues or self._is_reason(place):
            if not self._is_negated(place):
                if self._is_why_changed(place):
                    self._end_the_line_before(place, "toxicity")
                else:
                    self._said(place, "toxicity")
        elif "restarted" in cues:
            self._restarted(place)
        elif "at_progression" in cues:
            self._at_progression(place)
        elif "outcome_unknown" in cues:
            target = self.courses.latest(piece.sentence)
            if target is not None and target.outcome is None:
                target.outcome = "unknown"
                piece.used = True
        elif "completed" in cues:
            self._said(place, "completed")
        elif "ongoing" in cues or ("current" in cues and self._stands_alone(place)):
            self._ongoing(place)
        elif "ever_since" in piece.roles:
            self._since(place)
        elif "likewise" in cues:
            self._likewise(place)
        else:
            return False
        return True

    def _stands_alone(self, place: int) -> bool:
        """Whether 'current' is said by itself: 'TCT (current)', 'Current: TCT'."""
        following = place + 1
        return following == len(self.outline.pieces) or self.outline.pieces[following].kind == "sign"

    def _says(self, place: int) -> list[tuple[str, object]]:
        return [(each.name, each.value) for each in self.outline.pieces[place].concepts if each.kind == "say"]

    def lesion(self, place: int) -> None:
        """New lesions outside the brain are progression of the latest line."""
        outline = self.outline
        new = any("new" in outline.cues[at] for at in outline.before_in_stretch(place, 3))
        if new and not self._is_negated(place) and (self.courses.all or self._governs(place)):
            self._said(place, "progression")

    def finish(self) -> None:
        """What no line had when it was said belongs to the latest line."""
        lines = self.courses.order()
        if not lines:
            return
        latest = lines[-1]
        if self.unclaimed is not None and latest.outcome is None:
            here = latest.sentence == self.outline.sentence[self.unclaimed]
            if here or not latest.ongoing:
                latest.outcome = "progression"
        if latest.ongoing and latest.outcome is None:
            latest.outcome = "ongoing"

    # ---- progression ---------------------------------------------------------------------------------------------

    def _progression(self, place: int) -> None:
        outline = self.outline
        if self._is_negated(place) or self._of_the_brain(place) or self._of_something_else(place):
            return
        if self._of_every_line(place):
            return
        if self._is_why_changed(place):
            self._end_the_line_before(place, "progression")
            self.courses.grew_before.add(outline.pieces[place].start)
            return
        if not self.courses.all and not self._governs(place) and (self._of_the_body(place) or self._of_a_line(place)):
            self.unclaimed = place
        self._said(place, "progression")
        outline.pieces[place].used = outline.pieces[place].used or bool(self.courses.all)

    def _is_changed(self, place: int) -> bool:
        return self.outline.has(self.outline.near(place), "then", "started", "changed")

    def _end_the_line_before(self, place: int, outcome: str) -> None:
        lines = self.courses.metastatic()
        if len(lines) > 1 and lines[-2].outcome in _OPEN:
            lines[-2].outcome, lines[-2].ongoing = outcome, False
        self.outline.pieces[place].used = True

    def _is_why_changed(self, place: int) -> bool:
        """Whether a drug was changed because of growth: 'switched from Kadcyla to Enhertu when liver lesions grew'."""
        outline, lines = self.outline, self.courses.metastatic()
        drug = outline.drug_in_stretch_before(place)
        if drug is None or not lines or self.courses.current is not lines[-1]:
            return False
        if outline.drug_in_stretch_after(place) is not None or not self._is_changed(drug):
            return False
        return "at_which" in outline.pieces[drug + 1].roles

    def _of_every_line(self, place: int) -> bool:
        """'both failed', 'PD on all': the outcome of each line told so far."""
        outline = self.outline
        stretch = outline.near(place)
        every = next((at for at in stretch if "every" in outline.pieces[at].roles), None)
        if every is None or not self.courses.metastatic() or outline.drug_in_stretch_after(place) is not None:
            return False
        following = outline.next_meaning(every)
        if following is not None and outline.has(range(following, following + 1), "previous"):
            following = outline.next_meaning(following)
        if following is not None and (outline.pieces[following].is_("noun") or outline.is_drug[following]):
            return False
        earlier = outline.has(stretch, "previous", "before_it")
        for course in self.courses.metastatic()[: -1 if earlier else None]:
            if course.outcome in (*_OPEN, "completed"):
                course.outcome, course.ongoing = "progression", False
        self.courses.separate("then")
        outline.pieces[place].used = True
        return True

    def _of_the_body(self, place: int) -> bool:
        """Whether the stretch of a piece names an organ, or disease outside the brain."""
        return "body" in self._named_in_stretch(place)

    def _named_in_stretch(self, place: int) -> frozenset[str]:
        """Whether the stretch of a piece names the `body`, the `brain`, or says `only`; looked up once a stretch."""
        outline = self.outline
        stretch = outline.stretch[place]
        if stretch not in self._named:
            found = set()
            for at in outline.in_stretch(place):
                piece = outline.pieces[at]
                if piece.is_("noun", "organ", "organ_mets") or piece.is_("say", "extracranial_disease"):
                    found.add("body")
                elif piece.is_("noun", "brain", "brain_mets", "brain_imaging"):
                    found.add("brain")
                if "only" in piece.roles:
                    found.add("only")
            self._named[stretch] = frozenset(found)
        return self._named[stretch]

    def _of_a_line(self, place: int) -> bool:
        return any(self.outline.pieces[at].kind == "line" for at in self.outline.rest_of_stretch(place, 5))

    def _of_the_brain(self, place: int) -> bool:
        """Whether growth is said of the brain only: no word of the line of therapy."""
        cues, named = self.outline.cues[place], self._named_in_stretch(place)
        if "weak_progression" in cues and self._goes_on_of_the_brain(place):
            return True
        if "brain" not in named or "body" in named:
            return False
        return "only" in named or "strong_progression" not in cues

    def _goes_on_of_the_brain(self, place: int) -> bool:
        """Whether the brain is what a stretch without a subject goes on about: 'brain mets, five, growing'."""
        outline = self.outline
        if outline.drug_in_stretch_after(place) is not None or self._of_the_body(place):
            return False
        for at in range(place - 1, max(outline.sentence_start[place], place - 8) - 1, -1):
            piece = outline.pieces[at]
            if piece.is_("noun", "brain", "brain_mets", "brain_imaging"):
                return outline.stretch[at] != outline.stretch[place]
            if outline.is_drug[at] or piece.is_("noun") or "new_word" in outline.cues[at]:
                return False
        return False

    def _of_something_else(self, place: int) -> bool:
        """Whether a word such as 'worse' is said of a symptom or a value, not of the disease."""
        outline = self.outline
        if "weak_progression" not in outline.cues[place] or self._of_the_body(place):
            return False
        of_a_drug = outline.drug_in_stretch_before(place) is not None or self._governs(place)
        near = outline.before_in_stretch(place, 2) if of_a_drug else outline.near(place)
        return any(
            outline.pieces[at].kind == "word"
            or outline.pieces[at].is_("find")
            or outline.cues[at] & {"symptomatic", "a_toxicity"}
            for at in near
        )

    def _at_progression(self, place: int) -> None:
        """'switched on progression to T-DM1': the line before ended with progression, whichever is named first."""
        outline, courses = self.outline, self.courses
        outline.pieces[place].used = True
        lines = courses.metastatic()
        if not lines:
            return
        target = lines[-1]
        changed = self._is_changed(place)
        after_the_new = courses.current is target and courses.between == "none" and len(lines) > 1 and changed
        if after_the_new:
            target = lines[-2]
        if target.outcome in _OPEN:
            target.outcome, target.ongoing = "progression", False
        if not after_the_new:
            courses.separate("then")
            self.next_list()

    # ---- toxicity ------------------------------------------------------------------------------------------------

    def _is_reason(self, place: int) -> bool:
        """Whether a named toxicity, or a measurement, is why a line was stopped."""
        outline = self.outline
        piece = outline.pieces[place]
        toxic = "a_toxicity" in outline.cues[place] or "toxicity_word" in piece.roles
        if toxic and not self._is_negated(place):
            self.named_toxicity = place
        named = "a_toxicity" in outline.cues[place] or piece.is_("noun", *_REASONS) or piece.is_("find")
        ending = "toxicity_word" in piece.roles
        pointing = "pronoun" in piece.roles
        if not (named or ending or pointing):
            return False
        because = any("because" in outline.pieces[at].roles for at in outline.before_in_stretch(place, 5))
        stopped = self.stopped_at is not None and outline.sentence[self.stopped_at] == piece.sentence
        if piece.is_("find") and "a_toxicity" in outline.cues[place] and self._is_all_that_is_said(place):
            return not self._is_negated(place)
        if stopped and piece.is_("noun", *_REASONS) and self._follows_the_stop(place):
            return True
        if pointing or not (named and "a_toxicity" in outline.cues[place]):
            return stopped and because and not outline.has(outline.in_stretch(place), "ongoing")
        later = any(
            "stopped" in outline.cues[at] for at in range(place + 1, min(outline.sentence_end[place], place + 6))
        )
        changed = because and outline.has(range(outline.sentence_start[place], outline.sentence_end[place]), "then")
        return stopped or (self.courses.current is not None and (changed or later))

    def _is_all_that_is_said(self, place: int) -> bool:
        """Whether pneumonitis is all that is said of a drug: 'T-DXd (ILD g2)', 'third line Enhertu, ILD.'"""
        outline = self.outline
        first, end = outline.stretch_start[place], outline.stretch_end[place]
        if first == 0 or outline.pieces[first - 1].key not in ("(", ","):
            return False
        if outline.pieces[first - 1].key == "," and end != outline.sentence_end[place]:
            return False
        alone = all(
            at == place or piece.kind in ("silent", "sign", "number") or len(piece.key) <= _GRADE
            for at, piece in enumerate(outline.pieces[first:end], first)
        )
        return alone and outline.drug_in_stretch_before(first - 1) is not None

    def _follows_the_stop(self, place: int) -> bool:
        """Whether a measurement begins what follows a stop, as its reason: 'abandoned, platelets 40 every cycle'."""
        outline = self.outline
        assert self.stopped_at is not None
        heads = (at + 1 for at in outline.before_in_stretch(place, 4) if outline.pieces[at].key == ":")
        first = next(heads, outline.stretch_start[place])
        begins = all(outline.pieces[at].kind == "silent" for at in range(first, place))
        fell = any("fell" in outline.pieces[at].roles for at in outline.rest_of_stretch(place, 5))
        given_as_reason = first > 0 and outline.pieces[first - 1].key in ("-", ":", "(")
        return (
            first > 0 and begins and (fell or given_as_reason) and outline.drug_in_stretch_before(first - 1) is not None
        )

    def _is_a_consequence(self, place: int) -> bool:
        """Whether a toxicity named first is why a drug was stopped: 'G3 diarrhoea, so TCT was stopped'."""
        if self.named_toxicity is None:
            return False
        between = self.outline.pieces[self.named_toxicity : place]
        return any("so" in piece.roles or piece.key in ("->", "and") for piece in between)

    def _restarted(self, place: int) -> None:
        """A drug that was given again was not ended by what interrupted it."""
        if self._is_negated(place):
            return
        target = self.courses.latest(self.outline.pieces[place].sentence)
        if target is not None and target.outcome == "toxicity":
            target.outcome = None
        self.stopped_at = None

    # ---- what is said, and of which line -------------------------------------------------------------------------

    def _is_negated(self, place: int) -> bool:
        outline = self.outline
        if any("negation" in outline.cues[at] for at in outline.before_in_stretch(place, 4)):
            return True
        return any("excluded" in outline.cues[at] for at in outline.rest_of_stretch(place, 3))

    def _said(self, place: int, outcome: str) -> None:
        outline, courses = self.outline, self.courses
        piece = outline.pieces[place]
        if self._governs(place):
            self.pending, self.given, self.holder = outcome, False, None
            self.of_the_last = self._is_after_a_list(place)
            courses.separate("then")
            piece.used = True
            return
        target = courses.latest(piece.sentence)
        courses.separate("other" if outcome == "completed" else "then")
        if target is None or (self.partial and outcome in ("toxicity", "completed")):
            return
        if outcome == "completed" and outline.has(outline.in_stretch(place), "unknown"):
            outcome = "unknown"
        if outcome == "completed" and (target.early or target.outcome is not None):
            piece.used = target.early
            return
        if target.outcome in (*_OPEN, "completed"):
            target.outcome, target.ongoing = outcome, False
            piece.used = True

    def _governs(self, place: int) -> bool:
        """Whether an outcome's word is followed by the drugs it is said of: 'progressed on', 'failed', 'completed'."""
        outline = self.outline
        linked = "governing" in outline.cues[place]
        beside = outline.drug_in_stretch_before(place)
        told = beside is not None and self._is_said_of(beside, place)
        bracket = False
        if told and outline.pieces[outline.stretch_start[place]].roles & {"at_which", "once"}:
            return False  # as THP failed T-DM1 was given
        for at in range(place + 1, min(outline.sentence_end[place], place + 14)):
            piece, cues = outline.pieces[at], outline.cues[at]
            if piece.key in ("(", ")") and at > place + 1 - (piece.key == "("):
                bracket = piece.key == "("
                continue
            if bracket and not outline.is_drug[at]:
                continue
            if piece.key == ":" and at == place + 1 and linked:  # 'Failed: THP, T-DM1'
                continue
            if piece.kind == "sign" or piece.key == "->" or "then" in cues or (piece.kind == "line" and not linked):
                return False
            if outline.is_drug[at]:
                return not piece.asked and (linked or beside is None)
            if told and cues & {"after", "started", "previously"}:
                return False
            if "linking" in piece.roles or cues & {"after", "ongoing"}:
                linked = linked or "in" not in piece.roles
            elif cues & {
                "planned",
                "started",
                "maintenance",
                "early",
                "previously",
                "joined",
                "cycles",
                "duration",
                "new",
            } or piece.is_("noun", "organ", "organ_mets", "imaging", "her2"):
                continue
            elif piece.kind not in ("cycles", "number", "duration", "silent", "date", "line"):
                return False
        return False

    def _is_said_of(self, drug: int, place: int) -> bool:
        """Whether an outcome's word stands right behind its drug: 'T-DXd PD after THP', 'after THP failed we gave'."""
        passed = ("silent", "sign", "cycles", "duration")
        between = range(drug + 1, place)
        return all(self.outline.pieces[at].kind in passed or "stopped" in self.outline.cues[at] for at in between)

    def _is_after_a_list(self, place: int) -> bool:
        """Whether 'after' leads to a list that ends in 'and': it came after the last of them."""
        outline = self.outline
        first = outline.next_drug[place]
        if first is None or not any("after" in outline.cues[at] for at in range(place, first)):
            return False
        at, ended = first, False
        while (following := outline.drug_in_sentence_after(at)) is not None and outline.joins(at, following):
            ended = any(outline.pieces[each].key == "and" for each in range(at, following))
            at = following
        return ended

    def _ongoing(self, place: int) -> None:
        outline, courses = self.outline, self.courses
        piece = outline.pieces[place]
        following = place + 1
        if following < len(outline.pieces) and outline.pieces[following].kind == "number":
            return  # currently 48
        heads = following < len(outline.pieces) and outline.pieces[following].key == ":"
        toxic = outline.has(range(max(outline.stretch_start[place], place - 2), place), "a_toxicity", "toxicity")
        if toxic and piece.key == "under":
            return  # pneumonitis under T-DM1
        if self._governs_now(place) or (heads and outline.drug_in_sentence_after(place) is not None):
            self.pending_ongoing = True
            courses.separate("then")
            piece.used = True
        elif courses.all and not ("present" in piece.roles and outline.drug_in_stretch_after(place) is not None):
            target = courses.latest(piece.sentence)
            if target is not None and target.outcome is None and piece.key != "under":
                target.ongoing = True
                piece.used = True

    def _likewise(self, place: int) -> None:
        """'T-DM1 failed in 2021, T-DXd as well': the outcome of the line told before it in the sentence."""
        course, lines = self.courses.current, self.courses.metastatic()
        if course is None or len(lines) < 2 or course is not lines[-1] or course.outcome is not None:
            return
        before = lines[-2]
        if before.sentence == course.sentence == self.outline.sentence[place] and before.outcome == "progression":
            course.outcome = before.outcome

    def _since(self, place: int) -> None:
        """'TCT since May': it goes on."""
        outline = self.outline
        following = place + 1
        timed = following == len(outline.pieces) or outline.pieces[following].kind in ("date", "duration", "sign")
        beside = outline.drug_in_stretch_before(place)
        course = self.courses.current
        if not timed or beside is None or course is None or outline.pieces[beside] not in course.pieces:
            return
        if not outline.has(range(beside + 1, place), "stopped", "completed", "progression"):
            course.ongoing = True

    def _governs_now(self, place: int) -> bool:
        """Whether a word of the present is followed by its drugs: 'currently third-line TCT'."""
        outline = self.outline
        following = outline.drug_in_stretch_after(place)
        if following is None or outline.pieces[following].asked:
            return False
        for at in range(place + 1, following):
            piece, cues = outline.pieces[at], outline.cues[at]
            passed = (
                piece.kind in ("cycles", "number", "duration", "silent", "date", "line") or "linking" in piece.roles
            )
            if (
                not passed
                and not cues & {"maintenance", "joined", "ongoing", "cycles", "current"}
                and piece.key not in ("(", "-", ":")
            ):
                return False
        return True
