"""How a line ended: progression, toxicity, completed, ongoing or not known, and which line that is said of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from messages.understanding.courses import Course, Courses
from messages.understanding.drugs import ANTI_HER2, CONJUGATES, GO_ON, agents_of, generic, readings_of
from messages.understanding.named import Cue
from messages.understanding.outline import BRAIN, Outline, is_new, tells_alike
from messages.understanding.pieces import ITEM
from messages.understanding.pointed import Pointing
from messages.understanding.present import begins_and_goes_on, ends_at_present, is_left_open, is_said_of_its_drug

_OPEN = (None, "ongoing")
_BODY = ("organ", "organ_mets", "extracranial")
"""Nouns of disease outside the brain."""
_GRADE = 5
"""Letters of the longest word that only says how severe a toxicity was: 'grade', 'g2'."""
_HISTORY = ("history", "so", "events", "sites", "pattern", "course")
"""What may stand behind a word that heads a list of lines with what it tells of: 'progression history: ...'."""
_BOTH = 2
_FAR = 14
"""Pieces between an outcome and the first of several lines it is said of, at most."""
_FROM_DRUG_TO_STOP = 16
"""Pieces from a drug over the measurement that ended it to its stop, at most."""
_POINTED: frozenset[Cue] = frozenset(("progression", "at_progression", "toxicity", "a_toxicity", "ongoing"))
"""Cues of what may be said of 'the first', 'the latter'."""
_TELLING = _POINTED | {
    "no_progression", "stopped", "restarted", "at_progression", "outcome_unknown", "completed", "ongoing", "current",
    "kept_going", "responding", "stable", "up_to_now", "likewise", "had_effect",
}  # fmt: skip
_TELLING_ROLES = frozenset(
    ("done", "still", "on", "until_now", "ever_since", "toxicity_word", "pronoun", "badly", "nor")
)
_TELLING_KEYS = ("from", "none")
_TELLING_KINDS = frozenset(("say", "find", "noun"))
"""What a piece has of which a line's course can be read."""
_LONGEST_LEAD = 7
"""Pieces of 'then in the liver (on', at most, with the drug behind it."""
_POINTS_NEAR = 5
"""Pieces between an outcome and 'the first', 'the latter', at most."""
_LISTED = (
    ("progression", frozenset(("progression",))),
    ("toxicity", frozenset(("toxicity", "a_toxicity"))),
    ("ongoing", frozenset(("ongoing", "current"))),
    ("completed", frozenset(("completed",))),
)
"""Outcomes that a list may be made of, and their cues."""
_ALIKE = ("nor", "neither", "none")
"""Words that say of a drug what was said of the one before it."""
_NO_LINE = ("neither", "none")
"""How an outcome begins that is said of several lines at once: 'neither worked', 'none held the disease'."""
_TELLING_OF_HER = ("she", "he", "who", "has", "already", "pt", "patient")
"""Words before 'failed', 'progressed' that show that it happened, in a question, too."""
_BORE = ("tolerated", "tolerates", "tolerating", "bore", "took")
_TIMES = ("time", "times", "x")
_ARROWS = ("->", ">")
_OTHER_OUTCOME = 5
"""Pieces between two outcomes of which it was one, at most."""
_HEADING = 9
"""Pieces between an outcome and the first drug of the list it heads, at most."""
_MOST_LISTED = 9
"""Lines in a list that an outcome heads, at most."""
_CANNOT = ("can", "cannot", "couldn", "couldnt", "cant", "could", "unable", "not", "hardly")
"""What begins what a patient is not able to do: 'can't', 'could hardly'."""
_WHY = ("on", "at", "upon", "for", "due", "by")
"""What may lead from a drug to why it was begun."""
_NOT_YET_SEEN = ("suspected", "possible", "questionable", "doubtful", "impending", "imminent", "threatening")
"""What says before growth that it is not there, or not for certain."""
_STAYS_LEADING = ("through", "thru", "despite")
"""What leads to drugs that did not hold the disease: 'progressed through A, then through B'."""
_AT_THE_TIME = ("at", "after")
"""What leads to when a drug failed."""
_EXPLAINING = ("why", "reason")
"""What leads from a reason to the stop: 'rash, which is why it was stopped', 'rash, the reason it was stopped'."""
_REASONS = ("lvef", "platelets", "liver_function", "bilirubin")
"""Measurements that are why a drug is stopped."""
_SENTENCES_BEHIND = 2
"""Sentences without a drug behind growth of the brain in which the body may be told to be controlled."""
_MANAGING = frozenset(("managing", "severity", "heading", "adjusted"))
"""The parts of words that only say how bad a toxicity was, or what was done for it."""
_PAUSED = ("held", "hold", "paused", "suspended", "interrupted")
"""How a stop is told that need not last."""
_LEAST = {"lvef": 50, "platelets": 100}
"""The least value of such a measurement that is no reason."""


def _is_a_cycle(key: str) -> bool:
    """Whether a word is the short form of a cycle's number: C5."""
    return len(key) > 1 and key[0] == "c" and key[1:].isdigit()


class Outcomes:
    """Gives each line the outcome that is said of it."""

    def __init__(self, outline: Outline, courses: Courses, to_come: frozenset[int], not_given: frozenset[int]) -> None:
        self.outline, self.courses = outline, courses
        self.to_come, self.not_given = to_come, not_given
        """Where drugs are named that are planned or asked about."""
        self.pointing = Pointing(outline)
        self._may_tell_of_all = (
            "every" in outline.played or "all_but" in outline.said or not outline.typed.isdisjoint(("first", "last"))
        )
        """Whether any word may say an outcome of every line."""
        self._may_be_of_now = "present" in outline.played or "current" in outline.said
        self.pending: str | None = None
        """An outcome said of the drugs that follow."""
        self.said_at = 0
        """Where it was said."""
        self.holder: Course | None = None
        self.of_objects = False
        """Whether a verb said it whose objects the drugs are: 'she failed A and then B'."""
        self.goes_on = False
        """Whether the next drug is another of these objects."""
        self.heads = False
        """Whether it heads a list with a colon: 'PD: on A, on B, on C'."""
        self.lists = False
        """Whether that colon stands right before the first drug: 'Progressed: A, then B'."""
        self.led_by: str | None = None
        """The word between what said it and its first drug: 'on', 'through'."""
        self.of_the_last = False
        """Whether the pending outcome is of the last of a list: 'progression after A, B and C'."""
        self.in_progression = False
        """Whether it is how the patient is by now, whatever 'then' leads to: 'in PD after A followed by B'."""
        self.passes = False
        """Whether it is not said of the drugs of this part of a list: 'none on B'."""
        self.awaited = 0
        """How many lines it is still said of: 'both failed: TH and then T-DM1'."""
        self.named_toxicity: int | None = None
        self.failed_alike: set[int] = set()
        """Where only when a drug failed is told, as of the one before it."""
        self._named: dict[int, frozenset[str]] = {}
        self.given = False
        """Whether the pending outcome was given to drugs already."""
        self.pending_ongoing = False
        self.paused_at: int | None = None
        """Where a line was told to be interrupted, and not yet to go on."""
        self.stopped_at: int | None = None
        self.partial = False
        """Whether only a part of a line was named last: what ends then is not the line."""
        self.unclaimed: int | None = None
        """Where progression was told before any drug."""

    def forget(self) -> None:
        """Begin a new sentence."""
        self.pending = self.stopped_at = self.named_toxicity = self.holder = self.paused_at = None
        self.passes = False
        self.of_the_last = self.heads = self.lists = self.of_objects = self.goes_on = self.in_progression = False
        self.awaited = 0
        self.given = self.pending_ongoing = False

    def next_line(self, *, is_object: bool, names_next: bool, again: bool = False) -> None:
        """Go on behind 'then'. `is_object`: of 'and then', right before a drug: 'she failed A and then B'.

        `names_next`: a drug follows at once: 'failed: A, then B'. `again`: the verb's preposition stands there once
        more: 'progressed on A and then on B'.
        """
        counted = self.heads and self.awaited > 0
        self.goes_on = (
            (is_object and (self.of_objects or again))
            or (names_next and self.lists)
            or (again and (counted or self.led_by in _STAYS_LEADING))
        )
        self.goes_on = self.goes_on or self.in_progression
        self.next_list()

    def next_list(self) -> None:
        """Go on to what is another line: an outcome that was given is not said of it."""
        if self.given and not self.goes_on and self.awaited <= 0:
            self.pending = self.holder = None

    def leads_again(self, drug: int) -> bool:
        """Whether the word that led to the drugs of an outcome leads to one more: 'PD on A, on B and on C', 'PD in
        liver on A and in bone on B'."""
        if self.pending is None or not self.given:
            return False
        at = self.lead_before(drug)
        return at is not None and at > 0 and self.outline.pieces[at - 1].key in (",", "and")

    def lead_before(self, drug: int) -> int | None:
        """Where what leads to a drug as to those before it begins: 'on B', 'in the liver on B'."""
        pieces = self.outline.pieces
        if not drug or pieces[drug - 1].key != self.led_by:
            return None
        at = drug - 1
        while at > drug - _LONGEST_LEAD and self._leads(at - 1):
            at -= 1
        return at

    def _leads(self, place: int) -> bool:
        """Whether a piece may stand in what leads to a drug: 'then in the liver (on B)'."""
        piece = self.outline.pieces[place]
        return piece.key in ("in", "the", "(", "then", "next", "now") or piece.is_("noun", "organ")

    def next_member(self) -> None:
        """Go on behind a comma: what is said of a whole list goes on to its end."""
        if not self.of_the_last and not self.heads:
            self.next_list()

    def except_from_all(self, course: Course) -> None:
        """Take back the outcome that was said of all lines: 'PD on all except T-DM1'."""
        course.outcome, self.pending = None, None
        self.courses.referred = course

    def receive(self, course: Course, *, present: bool) -> None:
        """Give a drug's line the outcome that was said before the drug."""
        self.goes_on = False
        if self.pending is not None and self.passes:
            return
        if self.pending is not None:
            if course.outcome in _OPEN:
                if self.of_the_last and self.holder is not None and self.holder is not course:
                    self.holder.outcome = None
                self._end(course, self.pending, self.said_at)
                self.awaited -= self.holder is not course
                self.given, self.holder = True, course
            elif course.outcome == self.pending:
                self._note(course, self.said_at)
                self.given, self.holder = True, course
        elif self.pending_ongoing or present:
            course.ongoing = course.present = True
            course.now = self.pending_ongoing

    def take(self, place: int) -> bool:
        """Read a piece that says how a line goes or ended; False where it says nothing of that."""
        cues, piece = self.outline.cues[place], self.outline.pieces[place]
        if self.paused_at is not None and "carried_on" in cues and self._resumes(place):
            return True
        if (
            cues.isdisjoint(_TELLING)
            and piece.roles.isdisjoint(_TELLING_ROLES)
            and piece.kinds.isdisjoint(_TELLING_KINDS)
            and piece.key not in _TELLING_KEYS
            and not (piece.key in _AT_THE_TIME and place and self.outline.is_drug[place - 1])
        ):
            return False
        if self.courses.all and "or" in self.outline.played and self._is_one_of_two(place):
            self.courses.separate("then")
            return True
        points = not cues.isdisjoint(_POINTED) or ("noun" in piece.kinds and piece.is_("noun", *_REASONS))
        lines = self.pointing.lines_at(place, self.courses) if points and len(self.courses.all) > 1 else []
        if not lines:
            return self._takes(place)
        self._say_of_those_pointed_at(lines, place)
        return True

    def _resumes(self, place: int) -> bool:
        """Whether a line that was only interrupted is told to go on: 'held for nausea but goes on', 'paused for
        neutropenia, continues'."""
        outline, target = self.outline, self.courses.latest(self.outline.sentence[place])
        between = range(self.paused_at or 0, place)
        if target is None or target.outcome != "toxicity" or self._is_negated(place) or outline.pieces[place].asked:
            return False
        led = next((at for at in range(place - 1, 0, -1) if outline.pieces[at].kind != "silent"), 0)
        if outline.pieces[led].kind != "sign" and outline.cues[led].isdisjoint(("then", "new_word", "joined")):
            return False  # steroids continue
        follows = outline.drug_in_stretch_after(place) is not None or any(outline.is_drug[at] for at in between)
        if follows or outline.plays(range(place + 1, min(place + 2, len(outline.pieces))), "pronoun"):
            return False
        target.outcome, target.ongoing = None, True
        self.paused_at, self.stopped_at, self.named_toxicity = None, None, None
        outline.pieces[place].used = True
        return True

    def _fails_like_the_last(self, place: int) -> bool:
        """Whether only when it failed is told of a drug, as of the one before it: 'Kadcyla failed at 3 months, Enhertu
        at 20'."""
        outline, pieces, drug = self.outline, self.outline.pieces, place - 1
        when = place + 1
        if drug < _BOTH or when >= len(pieces) or not outline.is_drug[drug]:
            return False
        ends = when + 1 == len(pieces) or pieces[when + 1].kind == "sign" or pieces[when + 1].key == "and"
        if not ends or pieces[when].kind not in ("number", "duration"):
            return False
        led = outline.first_of_list(drug) - 1
        last = led - 2
        if last < 1 or pieces[led].key not in (",", "and", ";") or pieces[last].key != pieces[place].key:
            return False
        if pieces[led - 1].kind not in ("number", "duration"):
            return False
        return last in self.failed_alike or "strong_progression" in outline.cues[last - 1]

    def _is_one_of_two(self, place: int) -> bool:
        """Whether 'or' leaves open which of two outcomes it was: 'stopped because of toxicity or PD'."""
        outline, own = self.outline, self._kind_of_outcome(place)
        if own is None:
            return False
        for step in (-1, 1):
            joined = False
            for at in range(place + step, place + step * _OTHER_OUTCOME, step):
                if not outline.stretch_start[place] <= at < outline.stretch_end[place] or outline.is_drug[at]:
                    break
                roles = outline.pieces[at].roles
                joined = joined or ("or" in roles and "nor" not in roles)
                other = self._kind_of_outcome(at)
                if other is not None:
                    if joined and other != own:
                        return True
                    break
        return False

    def _kind_of_outcome(self, at: int) -> str | None:
        cues = self.outline.cues[at]
        if cues & {"progression", "at_progression"}:
            return "progression"
        toxic = cues & {"toxicity", "a_toxicity"} or "toxicity_word" in self.outline.pieces[at].roles
        measured = ("platelets", "low") in self._says(at) or self.outline.pieces[at].is_("noun", *_REASONS)
        return "toxicity" if toxic or measured else None

    def _end(self, course: Course, outcome: str, place: int) -> None:
        """Give a line its outcome."""
        course.outcome, course.ongoing = outcome, False
        self._note(course, place)

    def _note(self, course: Course, place: int) -> None:
        """Note of which line it is that a place tells how it ended."""
        self.courses.ended_at.setdefault(self.outline.pieces[place].start, []).append(course)

    def _is_of_an_examination(self, place: int) -> bool:
        """Whether what is going on is no treatment: 'brain MRI in progress'."""
        return "pending" in self.outline.cues[place] and self.outline.last_drug[place] != place - 1

    def _goes_well_or_fails(self, place: int) -> bool:
        """Read words of no progression, and of when a drug failed as the one before it did."""
        piece = self.outline.pieces[place]
        if "no_progression" in self.outline.cues[place]:
            under = place + 1 < len(self.outline.pieces) and self.outline.pieces[place + 1].key in ("on", "under")
            if piece.key in ("beyond", "past") and under and self._leads_to_what_failed(place):
                self._await_what_failed(place)  # cape-H beyond progression on THP
            else:
                self._goes_well(place)
            return True
        if piece.key not in _AT_THE_TIME or not self._fails_like_the_last(place):
            return False
        self.failed_alike.add(place)
        self._said(place, "progression")
        return True

    def _takes(self, place: int) -> bool:
        """The same, of the line being told, or of those that follow."""
        cues, piece = self.outline.cues[place], self.outline.pieces[place]
        if self._goes_well_or_fails(place):
            return True
        if (piece.key in _ALIKE or "had_effect" in cues) and self._says_of_several(place):
            return True
        if "progression" in cues or ("extracranial_disease", "progressing") in self._says(place):
            self._progression(place)
        elif cues & {"completed", "stopped"} and (ended := self._why_it_ended(place)) is not None:
            self._said(place, ended)
        elif "stopped" in cues:
            if place and self.outline.denies_a_change(place - 1):
                return False
            self.stopped_at = place
            self.paused_at = place if piece.key in _PAUSED else None
            self._goes_on_no_more(place)
            self._note_the_stop(place)
            self.courses.separate("other")
            if self._is_a_consequence(place) and not ("forced" in cues and self._stops_a_part(place)):
                self._said(place, "toxicity")
        elif "toxicity" in cues or self._is_reason(place) or self._is_badly_borne(place):
            self._toxicity(place)
        elif "restarted" in cues:
            self._restarted(place)
        elif "at_progression" in cues:
            self._at_progression(place)
        elif "outcome_unknown" in cues:
            target = self.courses.latest(piece.sentence)
            if target is not None and target.outcome is None:
                target.outcome = "unknown"
                piece.used = True
        elif "completed" in cues and self._takes_the_end(place):
            pass
        elif "done" in piece.roles and self._is_done(place):
            self._said(place, "completed")
        elif ("ongoing" in cues and not self._is_of_an_examination(place)) or (
            "current" in cues and self._stands_alone(place)
        ):
            self._ongoing(place)
        elif self._is_held_with(place) or ("up_to_now" in cues and self._ends_a_span_before_a_drug(place)):
            self.pending_ongoing = True
        elif self._is_now(place) or self._stays(place) or ("on" in piece.roles and self._is_on_them(place)):
            self._goes_on(place)
        elif "ever_since" in piece.roles or (piece.key == "from" and begins_and_goes_on(self.outline, place)):
            self._since(place)
        elif "likewise" in cues:
            self._likewise(place)
        else:
            return False
        return True

    def _is_done(self, place: int) -> bool:
        """Whether 'done' is all that is said of the drugs before it: 'six cycles of THP done, not yet restaged'."""
        outline, pieces = self.outline, self.outline.pieces
        ends = place + 1 == outline.sentence_end[place] or pieces[place + 1].kind == "sign"  # not 'THP done before'
        behind = place - 1
        while behind > 0 and pieces[behind].kind in ("cycles", "number", "duration"):
            behind -= 1
        return ends and outline.is_drug[behind] and not pieces[place].asked

    def _takes_the_end(self, place: int) -> bool:
        """Read a word of the end of a line; False where only what it leads to tells how it ended."""
        if self._is_negated(place):
            return True  # she has not finished T-DM1
        if self._is_drawn_from_a_toxicity(place):
            self._said(place, "toxicity")
        elif self._has_a_reason(place):
            self.stopped_at = place
            self.courses.separate("other")
        elif not self._leads_to_how_it_ended(place):
            self._said(place, "completed")
        else:
            return False
        return True

    def _goes_on_no_more(self, place: int) -> None:
        """'No progression on THP, stopped by choice': a stop in a stretch of its own ends what was going on."""
        outline, course = self.outline, self.courses.current
        alone = outline.stretch_start[place] == place and outline.next_drug[place] is None
        alone = alone and not outline.pieces[place].asked
        alone = alone and not outline.plays(outline.rest_of_stretch(place, 3), "chemo")
        alone = alone or self._stops_all_of_it(place)
        if alone and course is not None and course.ongoing and course.outcome is None and not self.partial:
            course.ongoing = outline.has(outline.rest_of_stretch(place), "restarted")

    def _stops_all_of_it(self, place: int) -> bool:
        """Whether a sentence begins with what is left of the line being told, and that it was stopped: 'on HP for 6
        years. HP stopped in 2024'."""
        outline, course, drug = self.outline, self.courses.current, place - 1
        drug -= drug > 0 and outline.pieces[drug].key in ("was", "were")
        if course is None or drug < 0 or not outline.is_drug[drug] or outline.pieces[place].key in _PAUSED:
            return False
        opens = outline.first_of_list(drug) == outline.sentence_start[place]
        stopped = {
            agent for at in range(outline.first_of_list(drug), place) for agent in agents_of(outline.pieces[at]) or ()
        }
        return opens and set(course.agents) & ANTI_HER2 <= stopped

    def _note_the_stop(self, place: int) -> None:
        """Note which line was stopped, where nothing else was given since: 'HP stopped after 5 years'."""
        course = self.courses.current
        beside = self.outline.drug_in_stretch_before(place)
        if course is not None and not self.partial and beside is not None:
            course.stopped = self.outline.pieces[beside] in course.pieces

    def _say_of_those_pointed_at(self, lines: list[Course], place: int) -> None:
        """Give the lines that are pointed at what is said of them; a toxicity alone, without a stop, is no outcome."""
        cues, near = self.outline.cues[place], self.outline.near(place)
        if self._is_negated(place) or self._of_the_brain(place):
            return
        grew = not cues.isdisjoint(("progression", "at_progression"))
        goes_on = "ongoing" in cues and not grew
        ended = not cues.isdisjoint(("toxicity", "progression", "at_progression")) or self._follows_a_because(place)
        ended = ended or self.outline.has(near, "stopped", "completed") or self.outline.plays(near, "reason")
        ended = ended or self.outline.pieces[place - 1].key in ("until", "till")
        for course in lines:
            if goes_on and course.outcome is None:
                course.ongoing = True
            elif not goes_on and ended and course.outcome in (*_OPEN, "completed"):
                self._end(course, "progression" if grew else "toxicity", place)
        self.outline.pieces[place].used = True
        self.courses.separate("then")

    def _stands_alone(self, place: int) -> bool:
        """Whether 'current' is said by itself: 'TCT (current)', 'Current: TCT'."""
        outline, following = self.outline, place + 1
        if following == len(outline.pieces):
            return True
        heads = outline.pieces[following].key == ":" and outline.sentence_start[place] == place
        if heads and outline.drug_in_sentence_after(place) is None:  # Current: brain lesions growing
            return False
        return outline.pieces[following].kind == "sign"

    def _counts_cycles(self, place: int) -> bool:
        """Whether 'now' is said of a cycle, in what is told: 'T-DXd, cycle 5 now', 'fifth cycle now', 'now C3'."""
        outline = self.outline
        beside = (*outline.before_in_stretch(place, 2), *outline.rest_of_stretch(place, 2))
        counted = any(
            outline.pieces[at].kind == "cycles"
            or ("cycles" in outline.cues[at] and len(outline.pieces[at].key) > 1)
            or _is_a_cycle(outline.pieces[at].key)
            for at in beside
        )
        counted = counted or outline.is_in_a_later_cycle(outline.drug_in_stretch_before(place))
        return counted and not outline.pieces[place].asked and outline.drug_in_stretch_after(place) is None

    def _stays(self, place: int) -> bool:
        return self._still_responds(place) or self._was_kept(place) or self._is_still_given(place)

    def _is_still_given(self, place: int) -> bool:
        """Whether 'still' is the last that is said of a drug: 'Herceptin with letrozole, still', 'HP still'."""
        outline = self.outline
        if "still" not in outline.pieces[place].roles:
            return False
        drug = outline.last_drug[place]
        if outline.pieces[place].asked or drug is None:
            return False
        ends = place + 1 == outline.sentence_end[place] or outline.pieces[place + 1].kind == "sign"
        between = range(drug + 1, place)
        return (
            ends
            and drug >= outline.sentence_start[place]
            and all(
                outline.pieces[at].kind in ("silent", "sign", "cycles", "date", "duration", "line") for at in between
            )
        )

    def _is_bare_on(self, place: int) -> bool:
        """Whether 'on' is all that is said of a drug: 'T-DXd (on)', 'TCT: on.'"""
        outline, pieces = self.outline, self.outline.pieces
        if place < _BOTH or pieces[place - 1].key not in ("(", ":", "="):
            return False
        ends = place + 1 == outline.sentence_end[place] or pieces[place + 1].kind == "sign"
        return ends and outline.is_drug[place - 2]

    def _was_kept(self, place: int) -> bool:
        """Whether 'kept going' is the last that is said of a drug, none of whose partners was stopped."""
        outline = self.outline
        if "kept_going" not in outline.cues[place]:
            return False
        ends = place + 1 == outline.sentence_end[place] or outline.pieces[place + 1].kind == "sign"
        return ends and outline.is_drug[place - 1] and self.stopped_at is None

    def _still_responds(self, place: int) -> bool:
        """Whether a response is said to last: 'TCT x 10 months, still responding', 'still in remission'."""
        outline = self.outline
        if outline.cues[place].isdisjoint(("responding", "stable")):
            return False
        latest = self.courses.latest(outline.sentence[place])
        if latest is not None and latest.stopped:
            return False
        still = outline.plays(outline.before_in_stretch(place, 2), "still")
        return still and not outline.pieces[place].asked and "brain" not in self._named_in_stretch(place)

    def _is_on_them(self, place: int) -> bool:
        """Whether 'on' tells that the drugs before it go on."""
        return self._leads_to_a_cycle(place) or self._leads_to_all(place) or self._is_bare_on(place)

    def _leads_to_a_cycle(self, place: int) -> bool:
        """Whether 'on' begins a stretch that only counts the cycle that runs: 'T-DXd, on 4th cycle'."""
        outline = self.outline
        piece = outline.pieces[place]
        if outline.stretch_start[place] != place or piece.asked:
            return False
        rest = outline.rest_of_stretch(place, 6)
        counted = outline.has(rest, "cycles") or any(_is_a_cycle(outline.pieces[at].key) for at in rest)
        return counted and all(outline.pieces[at].kind != "word" and not outline.is_drug[at] for at in rest)

    def _leads_to_all(self, place: int) -> bool:
        """Whether 'on both', 'on all three' is all that a stretch says of the drugs before it: 'A and B, on both
        still'."""
        outline, end = self.outline, self.outline.stretch_end[place]
        begins = outline.stretch_start[place]
        if place - begins > 1 or outline.next_drug[place] is not None:
            return False
        if place + 1 >= end or outline.pieces[place + 1].key not in ("both", "all", "these"):
            return False
        rest = [at for at in (*range(begins, place), *range(place + 2, end)) if outline.pieces[at].kind != "sign"]
        return all(outline.pieces[at].kind in ("silent", "number") or "ongoing" in outline.cues[at] for at in rest)

    def _is_now(self, place: int) -> bool:
        """Whether a word of the present is said of the line being told."""
        outline = self.outline
        piece = outline.pieces[place]
        if "up_to_now" in outline.cues[place]:  # THP until now
            before = outline.before_in_stretch(place)
            only = outline.plays(before, "only") or outline.has(before, "than", "all_but")
            first = outline.sentence_start[place]
            excepts = any(piece.key == "but" for piece in outline.pieces[first + 1 : first + 4])
            only = only or (outline.pieces[first].key in ("nothing", "no") and excepts)  # no drug but HP until now
            return not only and is_said_of_its_drug(outline, place)
        if "until_now" not in piece.roles:
            return False
        if self._is_of_the_antibodies(place):
            return True
        if ends_at_present(outline, place):
            return True
        if piece.key == "today":  # cycle 15 today
            return self._counts_cycles(place)
        return piece.key == "now" and (self._counts_cycles(place) or is_said_of_its_drug(outline, place))

    def _is_of_the_antibodies(self, place: int) -> bool:
        """Whether a stretch says no more than that the antibodies of a line go on: 'THP, on just the antibodies
        now'."""
        outline, stretch = self.outline, self.outline.in_stretch(place)
        if not outline.plays(stretch, "antibodies") or outline.pieces[place].asked:
            return False
        return all(
            (outline.pieces[at].kind in ("silent", "sign") and "examination" not in outline.pieces[at].roles)
            or outline.pieces[at].roles & {"antibodies", "only", "until_now"}
            or outline.cues[at] & {"went_on", "maintenance", "ongoing"}
            for at in stretch
        )

    def _is_held_with(self, place: int) -> bool:
        """Whether a drug holds the body: 'body under control with Phesgo'."""
        outline = self.outline
        if ("extracranial_disease", "controlled") not in self._says(place):
            return False
        linked = place + 1 < len(outline.pieces) and outline.pieces[place + 1].key in ("with", "w")
        following = outline.drug_in_stretch_after(place)
        return linked and following is not None and following <= place + 3

    def _ends_a_span_before_a_drug(self, place: int) -> bool:
        """Whether a span of time reaches up to now right before its drug: 'Jan 2024 to date T-DM1'."""
        outline, following = self.outline, place + 1
        if not place or following == len(outline.pieces):
            return False
        return outline.pieces[place - 1].kind == "date" and outline.is_drug[following]

    def _goes_on(self, place: int) -> None:
        """The line being told goes on."""
        target = self.courses.latest(self.outline.sentence[place])
        if target is not None and target.outcome is None:
            target.ongoing = self.outline.pieces[place].used = True

    def _goes_well(self, place: int) -> None:
        """'no progression so far': the line being told goes on, or the one named next: 'no PD so far on THP'."""
        outline, following = self.outline, place + 1
        so_far = outline.has(outline.before_in_stretch(place, 3), "so_far") and not outline.pieces[place].asked
        ends = outline.drug_in_stretch_after(place) is None
        still = ends and outline.plays(outline.before_in_stretch(place, 2), "still")
        if so_far or (still and not outline.pieces[place].asked) or self._is_none_since(place):
            self._goes_on(place)
            return
        if following >= len(outline.pieces) or "so_far" not in outline.cues[following]:
            return
        if outline.drug_in_stretch_after(following) in (following + 1, following + 2):
            self.pending_ongoing = True
        else:
            self._goes_on(place)

    def _is_none_since(self, place: int) -> bool:
        """Whether 'no PD since', 'no PD since then' ends what is told of a line that was not stopped."""
        outline, end = self.outline, self.outline.sentence_end[place]
        since = outline.pieces[place + 1 : min(end, place + 4)]
        if (
            not since
            or since[0].key != "since"
            or not all(piece.key in ("since", "then") or piece.kind == "sign" for piece in since)
        ):
            return False
        latest = self.courses.latest(outline.sentence[place])
        return latest is not None and not latest.stopped

    def continues(self, place: int) -> bool:
        """Read 'continues', 'continuing' where it ends what is told: 'T-DXd, good PR, continues', 'HP continues'."""
        outline = self.outline
        if self.paused_at is not None and self._resumes(place):
            return True
        following = place + 1
        ends = following == outline.stretch_end[place] or outline.pieces[following].kind == "sign"
        ends = ends or (outline.last_drug[place] == place - 1 and outline.drug_in_stretch_after(place) is None)
        said = "continues" in outline.pieces[place].roles and not self._is_negated(place)
        if said and self._begins_to_tell(place):
            self.pending_ongoing = True
        said = said and ends
        if said:
            self._goes_on(place)
        return said

    def _begins_to_tell(self, place: int) -> bool:
        """Whether 'continues' stands between the patient, or nobody, and a drug: 'She continues T-DXd, second line';
        not of antibodies by themselves, which may be the maintenance of the line before."""
        outline = self.outline
        led = place + 1 + (place + 2 < len(outline.pieces) and outline.pieces[place + 1].key in ("on", "with"))
        if led >= outline.sentence_end[place] or not outline.is_drug[led]:
            return False
        heads = range(outline.sentence_start[place], place)
        if not all(outline.pieces[at].kind == "silent" or outline.cues[at] & {"the_patient", "then"} for at in heads):
            return False
        return bool(heads) or not set(agents_of(outline.pieces[led]) or ()) <= GO_ON

    def dash(self, place: int) -> None:
        """A dash that leaves a span of time open: 'T-DXd (Aug 23 - )'."""
        if is_left_open(self.outline, place):
            self._goes_on(place)

    def _says(self, place: int) -> Sequence[tuple[str, object]]:
        piece = self.outline.pieces[place]
        if "say" not in piece.kinds:
            return ()
        return [(each.name, each.value) for each in piece.concepts if each.kind == "say"]

    def lesion(self, place: int) -> None:
        """New lesions outside the brain are progression of the latest line."""
        outline = self.outline
        new = outline.has(outline.before_in_stretch(place, 3), "new") or is_new(outline.pieces, place)
        new = new or (self._follows_a_line(place) and outline.drug_in_stretch_after(place) is None)
        new = new or self._ended_a_line(place) or self._appeared_under_a_line(place) or self._was_found_under(place)
        if not new or self._is_negated(place):
            return
        if self._is_why_changed(place):
            self._end_the_line_before(place, "progression")
        elif self.courses.all or self._governs(place):
            if self.courses.metastatic() or self._was_found_under(place):
                self.courses.grew_under.add(outline.pieces[place].start)
            self._said(place, "progression")

    def _appeared_under_a_line(self, place: int) -> bool:
        """Whether metastases appeared while drugs were given: 'on THP when bone lesions appeared', 'THP until liver
        mets came'; not 'THP when bone lesions appeared', which tells why it was begun."""
        outline, pieces, following = self.outline, self.outline.pieces, place + 1
        if self._ends_a_span(place):
            return True
        drug = outline.drug_in_stretch_before(place)
        if drug is None or following >= outline.stretch_end[place] or "new" not in outline.cues[following]:
            return False
        links = [pieces[at].key for at in range(drug + 1, place)]
        first = outline.first_of_list(drug)
        under = first > 0 and ("on" in pieces[first - 1].roles or pieces[first - 1].key in ("under", "during"))
        begun = first > 1 and outline.has(range(max(0, first - 3), first), "started", "then", "changed")
        return "until" in links or "till" in links or ("when" in links and under and not begun)

    def _ends_a_span(self, place: int) -> bool:
        """Whether metastases end what a drug was given until: 'TH it was, until lung nodules', 'HP till liver mets'."""
        outline, pieces, leads = self.outline, self.outline.pieces, place - 1
        leads -= leads > 0 and pieces[leads].kind == "silent"
        told = outline.last_drug[place]
        if leads <= 0 or pieces[leads].key not in ("until", "till", "til") or told is None:
            return False
        return told >= outline.sentence_start[place] and outline.drug_in_stretch_after(place) is None

    def _was_found_under(self, place: int) -> bool:
        """Whether metastases were found under drugs that are no early-stage treatment: 'liver mets detected on THP'."""
        outline, pieces = self.outline, self.outline.pieces
        drug = outline.drug_in_stretch_after(place)
        if drug is None or drug > place + _LONGEST_LEAD or outline.has(range(place, drug), "early", "early_stage"):
            return False
        known = self.courses.known(agents_of(pieces[drug]) or ())
        found = next((at for at in range(place + 1, drug) if "detected" in pieces[at].roles), drug)
        led = any(not pieces[at].roles.isdisjoint(("on", "during")) for at in range(found + 1, drug))
        return led and not pieces[drug].asked and not (known is not None and known.early)

    def _ended_a_line(self, place: int) -> bool:
        """Whether a line is said to have ended by metastases: 'THP ended by liver mets', 'stopped for lung mets'."""
        outline = self.outline
        back = outline.before_in_stretch(place, 3)
        leads = any(outline.pieces[at].key in ("by", "for", "with") for at in back)
        return leads and outline.has(back, "completed", "stopped")

    def came_back(self, place: int) -> bool:
        """Read a relapse that is told to have happened under a line: 'THP, CR, relapse in liver during HP', 'T-DM1 2L,
        then relapse in lung during it'."""
        if not self._is_under_a_line(place):
            return False
        self._said(place, "progression")
        self.courses.grew_under.add(self.outline.pieces[place].start)
        return True

    def came_back_in(self, place: int) -> None:
        """An organ alone is where the latest line, or the one it leads to, ended: 'TCT for a year, now lung'."""
        if self.pending is None and not self._is_negated(place):
            self._said(place, "progression")
            self.courses.grew_under.add(self.outline.pieces[place].start)

    def _is_under_a_line(self, place: int) -> bool:
        """Whether 'during', 'on' leads from a relapse to drugs of a line, or to what points back at one."""
        outline, lines = self.outline, self.courses.metastatic()
        rest = outline.rest_of_stretch(place)
        if "during" not in outline.played or outline.has(rest, "early", "early_stage"):
            return False
        under = next((at for at in rest if "during" in outline.pieces[at].roles), None)
        if under is None:
            return False
        drug = outline.drug_in_stretch_after(under)
        named = next((at + 1 for at in outline.rest_of_stretch(under, 4) if outline.names_the_line(at)), None)
        drug = named if drug is None else drug
        if drug is None:
            behind = range(under + 1, min(outline.stretch_end[under], under + 3))
            pointed = outline.plays(behind, "pronoun") or outline.has(behind, "maintenance", "line_word")
            return bool(lines) and pointed
        numbered = any(outline.pieces[at].kind == "line" for at in range(under, drug))
        known = self.courses.known(agents_of(outline.pieces[drug]) or ())
        return (numbered or bool(lines)) and not (known is not None and known.early)

    def _follows_a_line(self, place: int) -> bool:
        """Whether 'then' leads from a line to metastases: 'kept HP, then liver mets -> T-DXd'."""
        leads = place > 0 and "then" in self.outline.cues[place - 1] and self.outline.pieces[place - 1].key != "->"
        return leads and self.courses.latest(self.outline.sentence[place]) is not None

    def finish(self) -> None:
        """What no line had when it was said belongs to the latest line."""
        lines = self.courses.order()
        if not lines:
            return
        self._one_by_one()
        latest = lines[-1]
        if self.unclaimed is not None and latest.outcome is None:
            here = latest.sentence == self.outline.sentence[self.unclaimed]
            if here or not latest.ongoing or self._is_of_this_scan(self.unclaimed):
                self._end(latest, "progression", self.unclaimed)
        if latest.ongoing and latest.outcome is None:
            latest.outcome = "ongoing"

    def _one_by_one(self) -> None:
        """Give each line of a list its own outcome, where as many are told behind it: 'THP, T-DXd, TCT: PD, ILD,
        ongoing', 'THP and T-DXd: PD and ILD respectively'."""
        outline, pieces = self.outline, self.outline.pieces
        if len(self.courses.all) < _BOTH or ":" not in outline.typed:
            return
        for colon in (at for at, piece in enumerate(pieces) if piece.key == ":"):
            start, end = outline.sentence_start[colon], outline.sentence_end[colon]
            if outline.last_drug[colon] is None or outline.drug_in_sentence_after(colon) is not None:
                continue
            named = {piece.start for piece in pieces[start:colon]}
            lines = [course for course in self.courses.metastatic() if any(of.start in named for of in course.pieces)]
            told = self._outcomes_listed(range(colon + 1, end), len(lines))
            for course, (outcome, at) in zip(lines, told, strict=False):
                course.ongoing = outcome == "ongoing"
                pieces[at].used = True
                if course.ongoing:
                    course.outcome = None
                else:
                    self._end(course, outcome, at)

    def _outcomes_listed(self, places: range, count: int) -> list[tuple[str, int]]:
        """The outcomes that a list is made of, and where each stands; none where it is no list of so many of them."""
        outline, parted = self.outline, True
        found: list[tuple[str, int]] = []
        for at in places:
            piece, cues = outline.pieces[at], outline.cues[at]
            said = next((name for name, told in _LISTED if not cues.isdisjoint(told)), None)
            if said is not None:
                if not parted or len(found) == count:
                    return []
                found.append((said, at))
                parted = False
            elif piece.key in (",", "/", "and", "&"):
                parted = True
            elif not (
                piece.kind in ("silent", "sign", "number") or piece.is_("noun", "organ") or "severity" in piece.roles
            ):
                return []
        return found if len(found) == count > 1 else []

    def points_back(self, place: int) -> None:
        """Where a sentence begins with 'this', and growth was told of no drug yet, it was under those that 'this' leads
        to: 'PD in liver. That is on T-DM1'."""
        outline, told = self.outline, self.unclaimed
        if told is None or "pronoun" not in outline.pieces[place].roles:
            return
        drug = outline.drug_in_stretch_after(place)
        if drug is None or outline.sentence[place] - outline.sentence[told] > _BOTH:
            return
        passed = ("silent", "cycles", "line", "date")
        leads = ("ongoing", "joined", "previously", "asked_weak")  # 'is' is one of these
        between = range(place, drug)
        if all(outline.pieces[at].kind in passed or not outline.cues[at].isdisjoint(leads) for at in between):
            self.pending, self.said_at, self.unclaimed = "progression", told, None

    def _is_of_this_scan(self, place: int) -> bool:
        """Whether a scan without a date heads a progression: 'CT: PD in liver. On lap/cape since May.'"""
        outline = self.outline
        before = outline.before_in_stretch(place, 7)
        headed = any(outline.pieces[at].key == ":" for at in before)
        heading = [outline.pieces[at] for at in before]
        scanned = any("examination" in each.roles or each.is_("noun", "imaging", "body_imaging") for each in heading)
        dated = any(outline.pieces[at].kind == "date" for at in (*before, *outline.rest_of_stretch(place)))
        return headed and scanned and not dated

    # ---- progression ---------------------------------------------------------------------------------------------

    def _progression(self, place: int) -> None:
        outline = self.outline
        cues = outline.cues[place]
        if self._is_negated(place) or (outline.names_brain and self._of_the_brain(place)):
            return
        if "weak_progression" in cues and self._of_something_else(place):
            return
        begun_after = place > 0 and "after" in outline.cues[place - 1]
        if begun_after and self._is_when_changed(place):
            self._at_progression(place)
            return
        if "all_failed" in cues and outline.drug_in_sentence_after(place) is not None:
            self._await_of_all(place)  # nothing worked: not A, not B
            return
        if self._is_supposed(place) or self._of_every_line(place, "progression") or self._is_of_as_many(place):
            return
        if self._is_why_changed(place):
            self._end_the_line_before(place, "progression")
            return
        if not self.courses.all and not self._governs(place) and self._is_told_before_its_drug(place):
            self.unclaimed = place
        given_up = outline.pieces[place].key == "gave" and self._is_given_up_for_a_toxicity(place)
        self._said(place, "toxicity" if given_up else "progression")
        outline.pieces[place].used = outline.pieces[place].used or bool(self.courses.all)

    def _is_of_as_many(self, place: int) -> bool:
        """Read growth that is counted as often as there are lines: 'A, then B, then C: three times growth'."""
        pieces, counted = self.outline.pieces, place - 1
        counted -= counted > 0 and pieces[counted].key in _TIMES
        if counted < 0 or pieces[counted].kind not in ("number", "cycles"):
            return False
        lines = self.courses.metastatic()
        if not pieces[counted].value == len(lines) > 1:
            return False
        for course in lines:
            if course.outcome in _OPEN:
                self._end(course, "progression", place)
        pieces[place].used = pieces[counted].used = True
        return True

    def _is_when_changed(self, place: int) -> bool:
        """Whether progression, behind 'after', leads at once to the next line: 'THP; after progression T-DM1'."""
        outline, behind = self.outline, place + 1
        if "governing" in outline.cues[place]:
            return False
        behind += behind < len(outline.pieces) and outline.pieces[behind].key in ("again", ",")
        return behind < outline.sentence_end[place] and outline.is_drug[behind] and bool(self.courses.metastatic())

    def _is_supposed(self, place: int) -> bool:
        """Whether growth is only suspected, past, or what may come: 'suspected progression', 'in case of PD'."""
        outline = self.outline
        if place and outline.pieces[place - 1].key in _NOT_YET_SEEN:
            return True
        if place and "stopped" in outline.cues[place - 1] and outline.pieces[place].key in ("progressing", "growing"):
            return True  # no longer progressing
        told = outline.pieces[place].asked and self._is_told_of_her(
            place
        )  # any sense in T-DM1 if she progressed on it?
        for at in outline.before_in_stretch(place, 3):
            if ("if" in outline.pieces[at].roles and not told) or "hypothetical" in outline.cues[at]:
                return True
            if outline.pieces[at].kind != "silent":
                return False
        return False

    def _is_changed(self, place: int) -> bool:
        to = place > 1 and self.outline.pieces[place - 1].key == "to" and self.outline.is_drug[place - 2]
        return to or self.outline.has(self.outline.near(place), "then", "started", "changed", "exchange")

    def _end_the_line_before(self, place: int, outcome: str) -> None:
        lines = self.courses.metastatic()
        if len(lines) > 1 and lines[-2].outcome in _OPEN:
            self._end(lines[-2], outcome, place)
        self.outline.pieces[place].used = True

    def _is_why_changed(self, place: int) -> bool:
        """Whether a drug was changed because of growth: 'switched from Kadcyla to Enhertu when liver lesions grew', 'TH
        in 2012 and lap/cape when that failed'."""
        outline = self.outline
        drug = outline.drug_in_stretch_before(place)
        if drug is None or outline.drug_in_stretch_after(place) is not None:
            return False
        stop = outline.first_of_list(drug) - 1
        if stop >= outline.stretch_start[drug] and "stopped" in outline.cues[stop]:
            return False  # then came off Kadcyla because of toxicity
        after = self._after_where_it_grew(place)
        if after is not None and self._was_begun_after(drug, after + 1):
            return True
        leads = drug + 1
        while leads < place and self._only_dates(leads):  # to T-DXd in March because of
            leads += 1
        link = outline.pieces[leads]
        if link.roles.isdisjoint(("at_which", "why", "once")) and link.key not in _WHY:
            return False
        if link.key == "since" and self._is_dated_from(drug + 1):
            return False
        between = [outline.pieces[at] for at in range(leads, place) if not self._only_dates(at)]
        lines = self.courses.metastatic()
        if not lines or self.courses.current is not lines[-1]:
            return False
        pointed = len(lines) > 1 and len(between) > 1 and "pronoun" in between[1].roles
        pointed = pointed and not outline.has(range(outline.stretch_start[drug], drug), "stopped", "completed")
        if not pointed and not self._is_changed(drug):
            return False
        # not 'changed to T-DM1 for a year until it grew'
        return outline.pieces[place].key not in ("until", "till") and not outline.plays(range(drug + 1, place), "up_to")

    def _after_where_it_grew(self, place: int) -> int | None:
        """Where 'after' leads to growth, over where it was: 'after PD', 'after liver PD', 'after new lung mets'."""
        outline, at = self.outline, place - 1
        while at > outline.stretch_start[place] and (
            outline.pieces[at].is_("noun", "organ", "organ_mets")
            or "new" in outline.cues[at]
            or (at < place - 1 and "joined" in outline.cues[at])  # liver and lung PD
        ):
            at -= 1
        return at if at >= 0 and "after" in outline.cues[at] else None

    def _only_dates(self, place: int) -> bool:
        """Whether a piece only says when: 'in March'."""
        piece = self.outline.pieces[place]
        return piece.kind == "date" or piece.key in ("date", "in") or "month" in piece.roles

    def _is_dated_from(self, since: int) -> bool:
        """Whether 'since' leads to when a drug was begun: 'changed to T-DXd since June, PD in the lung'."""
        behind = self.outline.pieces[since + 1 : since + 2]
        return any(piece.kind in ("date", "duration", "number") or "month" in piece.roles for piece in behind)

    def _was_begun_after(self, drug: int, place: int) -> bool:
        """Whether 'after' leads from a drug to the growth it was begun for: 'T-DM1; T-DXd was started after PD'."""
        outline, lines = self.outline, self.courses.metastatic()
        if len(lines) < _BOTH or self.courses.current is not lines[-1]:
            return False
        return all(
            outline.pieces[at].kind in ("silent", "date") or outline.cues[at] & {"started", "after", "then"}
            for at in range(drug + 1, place - 1)
        )

    def _is_of_several(self, place: int) -> bool:
        """Whether 'both', 'all', 'each' stands before what is said: 'T-DM1 and T-DXd, both stopped for ILD'."""
        pieces = self.outline.pieces
        return self._first_of_all(place) is not None or any(
            pieces[at].key in ("both", "all", "each") for at in self.outline.before_in_stretch(place)
        )

    def _of_every_line(self, place: int, outcome: str) -> bool:
        """'both failed', 'PD on all', 'both stopped for ILD', 'neither worked': the outcome of each line so far."""
        outline = self.outline
        none = outline.pieces[place].key in _NO_LINE
        if not (none or self._may_tell_of_all):
            return False
        counts = "every" in outline.played or not outline.typed.isdisjoint(("first", "last"))
        listed = self._first_of_all(place) if counts else None
        if not none and listed is None and "every" not in outline.played and "all_but" not in outline.said:
            return False
        stretch = outline.near(place)
        every = next(
            (at for at in stretch if "every" in outline.pieces[at].roles or "all_but" in outline.cues[at]), None
        )
        every = every if listed is None else outline.sentence_start[place]
        every = place if none else every
        kind = frozenset() if every is None else self._kind_named(every)
        drug = outline.drug_in_stretch_after(place) if not kind else None
        excepted = drug is not None and outline.is_excepted(drug)
        if every is None or not self.courses.metastatic() or (drug is not None and not excepted):
            return False
        following = listed or (outline.next_meaning(every) if not (excepted or none) else None)
        if following is not None and outline.has(range(following, following + 1), "previous"):
            following = outline.next_meaning(following)
        if following is not None and outline.pieces[following].is_("noun"):
            return False
        if following is not None and outline.pieces[following].kind == "word" and outline.pieces[every - 1].key == "in":
            return False  # PD in both adrenals
        earlier = outline.has(stretch, "previous", "before_it")
        lines = self.courses.metastatic()[: -1 if earlier else None]
        insert = self.courses.insert
        if insert is not None and insert < len(self.courses.all) and self._is_in_a_bracket_behind_drugs(every):
            told_after = self.courses.all[:insert]  # TCT 4th line, after A, B and C (all to progression)
            lines = [course for course in lines if course in told_after] or lines
        if kind:
            lines = [course for course in lines if kind & set(course.agents)]
        latest = max((course.sentence for course in lines), default=0)
        ended = [course for course in lines if not course.ongoing or course.sentence == latest]
        lines = ended or lines  # T-DXd goes on. Before it THP and T-DM1, each until PD.
        if outline.pieces[every].key in ("both", "neither"):
            lines = sorted(lines, key=lambda course: course.pieces[0].start if course.pieces else 0)[-_BOTH:]
        if following is not None and outline.is_drug[following] and not kind:  # both THP and T-DXd: PD
            named = {outline.pieces[at].start for at in range(following, place) if outline.is_drug[at]}
            lines = [course for course in lines if any(piece.start in named for piece in course.pieces)]
            if not lines:
                return False
        for course in lines:
            if course.outcome in (*_OPEN, "completed"):
                self._end(course, outcome, place)
        self.courses.separate("then")
        outline.pieces[place].used = True
        return True

    def _is_in_a_bracket_behind_drugs(self, place: int) -> bool:
        """Whether a word stands in a bracket behind a drug: 'A and B (all to progression)'."""
        outline, opened = self.outline, place
        while opened > outline.sentence_start[place] and place - opened < _FAR and outline.pieces[opened].key != "(":
            opened -= 1
        return opened > 0 and outline.pieces[opened].key == "(" and outline.is_drug[opened - 1]

    def _first_of_all(self, place: int) -> int | None:
        """The first drug of a list that a sentence begins with as a whole, and that ends right before a place: 'all
        three of A, B and C have failed', 'each of A, B and C ended in PD'."""
        outline, pieces = self.outline, self.outline.pieces
        start, last = self._begins_with_all(place), outline.last_drug[place]
        first = outline.next_drug[start]
        if not self._means_all(start) or first is None or last is None or not first < last < place:
            return None
        led = all(
            pieces[at].kind in ("silent", "number", "sign") or outline.cues[at] & {"previous", "line_word"}
            for at in range(start + 1, first)
        )
        sites = [at for at in range(first, place) if pieces[at].is_("noun", "organ")]
        inside = all(
            outline.is_drug[at]
            or outline.is_joining(at)
            or at in sites
            or pieces[at].key == ";"
            or "then" in outline.cues[at]
            for at in range(first, last)
        )
        ends = all(
            pieces[at].kind in ("silent", "sign")
            or at in sites
            or not outline.cues[at].isdisjoint(("stopped", "completed", "joined"))
            for at in range(last + 1, place)
        )
        if not (led and inside and ends):
            return None
        if "progression" in outline.cues[place]:
            self._grew_at(sites)
        for piece in pieces[start:first]:
            piece.used = True
        return first

    def _grew_at(self, sites: Iterable[int]) -> None:
        """Note of organs behind drugs, each in its bracket, that it grew there: 'both A (lung) and B (bone) failed'."""
        lines = self.courses.metastatic()
        for at in sites:
            drug = self.outline.last_drug[at]
            course = next(
                (each for each in lines if drug is not None and self.outline.pieces[drug] in each.pieces), None
            )
            if course is not None:
                self._note(course, at)
                self.courses.grew_under.add(self.outline.pieces[at].start)

    def _begins_with_all(self, place: int) -> int:
        """Where the sentence begins; or what heads the bracket that ends before a place: 'both lines (A; B) failed'."""
        outline, pieces = self.outline, self.outline.pieces
        closed = place - 1
        while closed > 0 and (pieces[closed].kind == "silent" or outline.cues[closed] & {"completed", "joined"}):
            closed -= 1
        if pieces[closed].key != ")":
            start = outline.sentence_start[place]
            return start + (pieces[start].kind == "silent" and self._means_all(start + 1))
        opened = next((at for at in range(closed, max(0, closed - _FAR), -1) if pieces[at].key == "("), closed)
        heads = range(max(outline.sentence_start[opened], opened - 4), opened)
        return next((at for at in heads if self._means_all(at)), outline.sentence_start[place])

    def _means_all(self, place: int) -> bool:
        """Whether a word heads a list as a whole: 'all of', 'both', 'the first two lines'."""
        piece, following = self.outline.pieces[place], self.outline.pieces[place + 1 : place + 2]
        counted = bool(following) and following[0].kind == "number"
        return "every" in piece.roles or (counted and piece.key in ("first", "last"))

    def _kind_named(self, every: int) -> frozenset[str]:
        """The drugs of the kind that 'both', 'all' is said of: 'both ADCs', 'both TKIs'; none where it names none."""
        pieces = self.outline.pieces
        if any("conjugate" in pieces[at].roles for at in self.outline.rest_of_stretch(every, 4)):
            return CONJUGATES
        following = every + 1
        readings = readings_of(pieces[following]) if following < len(pieces) else None
        return frozenset(agent for reading in readings or () for agent in reading)

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
                if not piece.kinds:
                    pass
                elif piece.is_("noun", "organ", "organ_mets") or piece.is_("say", "extracranial_disease"):
                    found.add("body")
                elif piece.is_("noun", *BRAIN):
                    found.add("brain")
                if "only" in piece.roles:
                    found.add("only")
            self._named[stretch] = frozenset(found)
        return self._named[stretch]

    def _of_a_line(self, place: int) -> bool:
        return any(self.outline.pieces[at].kind == "line" for at in self.outline.rest_of_stretch(place, 5))

    def _is_told_before_its_drug(self, place: int) -> bool:
        return self._of_the_body(place) or self._of_a_line(place) or self._leads_to_what_goes_on(place)

    def _leads_to_what_goes_on(self, place: int) -> bool:
        """Whether the drug it grew under is told behind a comma: 'progressing again, on T-DXd'."""
        outline = self.outline
        drug = outline.drug_in_sentence_after(place)
        if drug is None or "on" not in outline.pieces[drug - 1].roles:
            return False
        return all(outline.pieces[at].kind == "silent" for at in range(outline.sentence_start[place], place))

    def _of_the_brain(self, place: int) -> bool:
        """Whether growth is said of the brain only: no word of the line of therapy."""
        if not self.outline.names_brain:
            return False
        cues, named = self.outline.cues[place], self._named_in_stretch(place)
        first = self.outline.stretch_start[place]
        if first > 1 and self.outline.pieces[first - 1].key == "(" and not named:  # brain progression (one new lesion)
            before = self._named_in_stretch(first - 2)
            return "brain" in before and "body" not in before
        if not named and "strong_progression" not in cues and self._goes_on_behind_a_bracket(place):
            return True
        if "weak_progression" in cues and self._goes_on_of_the_brain(place):
            return True
        if not named and (self._is_where_it_grew(place) or self._held_before(place) or self._counts_what_grew(place)):
            return True
        if "brain" not in named or ("body" in named and not self._is_held_beside(place)):
            return False
        if self._holds_elsewhere(place):
            return True
        return "only" in named or "strong_progression" not in cues

    def _counts_what_grew(self, place: int) -> bool:
        """Whether new lesions only tell what the growth of the brain before them is: 'PD in brain, 6 new mets'."""
        outline, first = self.outline, self.outline.stretch_start[place]
        if first < 1 or outline.pieces[first - 1].key not in (",", ":", "-") or "new" not in outline.pieces[place].key:
            return False
        if first - 1 < outline.sentence_start[place] or outline.drug_in_stretch_after(place) is not None:
            return False
        before = self._named_in_stretch(first - 1)
        grew = outline.has(outline.in_stretch(first - 1), "progression")
        return grew and "brain" in before and "body" not in before

    def _goes_on_behind_a_bracket(self, place: int) -> bool:
        """Whether a bracket parts the brain from its growth: 'the lesion (SRS 2023) is growing'."""
        outline = self.outline
        closed = outline.stretch_start[place] - 1
        if closed < 0 or outline.pieces[closed].key != ")" or outline.drug_in_stretch_after(place) is not None:
            return False
        opened = outline.stretch_start[closed] - 1
        if opened < 0 or outline.pieces[opened].key != "(":
            return False
        named = self._named_in_stretch(opened)
        return "brain" in named and "body" not in named

    def _is_where_it_grew(self, place: int) -> bool:
        """Whether the next stretch says that it grew in the brain only: 'PD on T-DXd, but only in the brain'."""
        behind = self.outline.stretch_end[place]
        if behind >= self.outline.sentence_end[place]:
            return False
        named = self._named_in_stretch(behind)
        return {"brain", "only"} <= named and "body" not in named

    def _holds_elsewhere(self, place: int) -> bool:
        """Whether the sentence, or the next one, without a drug, says that the body is controlled: 'T-DM1: CNS PD, body
        stable', 'brain PD on T-DM1. Body stable.', 'T-DXd: body PR, brain PD'."""
        outline, end = self.outline, self.outline.sentence_end[place]
        following = outline.next_drug[end - 1]
        for _ in range(_SENTENCES_BEHIND):  # 'PD in brain; WBRT in August. Extracranial SD.'
            if end < len(outline.pieces) and (following is None or following >= outline.sentence_end[end]):
                end = outline.sentence_end[end]
        drug = outline.last_drug[place]
        told = max(outline.sentence_start[place], place - _FAR, 0 if drug is None else drug + 1)
        ahead = range(place + 1, min(end, place + _FAR))
        return any(self._is_held(at) for places in (range(told, place), ahead) for at in places)

    def _is_held_beside(self, place: int) -> bool:
        """Whether all of the body that the same stretch names is under control: 'the CNS progressed and the body is
        stable', 'the brain grew and the liver stayed stable'."""
        outline = self.outline
        named = [at for at in outline.near(place) if outline.pieces[at].is_("noun", *_BODY)]
        return all(any(self._is_held(on) for on in outline.rest_of_stretch(at, 4)) for at in named) or any(
            ("extracranial_disease", "controlled") in self._says(at) for at in outline.near(place)
        )

    def _is_held(self, place: int) -> bool:
        """Whether the body is said to be controlled: 'body stable', 'systemic disease controlled', 'liver stable'."""
        outline = self.outline
        held = outline.cues[place] & {"stable", "responding"} or outline.pieces[place].key.startswith("respond")
        if held:
            return any(outline.pieces[at].is_("noun", *_BODY) for at in outline.before_in_stretch(place, 3))
        return ("extracranial_disease", "controlled") in self._says(place)

    def _held_before(self, place: int) -> bool:
        """Whether new lesions are of the brain, told before the body that is controlled: 'brain PD, body stable, two
        new lesions'."""
        outline = self.outline
        if outline.drug_in_stretch_after(place) is not None:
            return False
        held = False
        for at in range(outline.stretch_start[place] - 1, max(outline.sentence_start[place], place - _FAR) - 1, -1):
            if outline.is_drug[at] and not held:
                return False
            held = held or self._is_held(at)
            if held and outline.pieces[at].is_("noun", *BRAIN):
                return True
        return False

    def _goes_on_of_the_brain(self, place: int) -> bool:
        """Whether the brain is what a stretch without a subject goes on about: 'brain mets, five, growing'."""
        outline = self.outline
        if outline.drug_in_stretch_after(place) is not None or self._of_the_body(place):
            return False
        for at in range(place - 1, max(outline.sentence_start[place], place - 8) - 1, -1):
            piece = outline.pieces[at]
            if piece.is_("noun", *BRAIN):
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
            (outline.pieces[at].kind == "word" and "antibodies" not in outline.pieces[at].roles)
            or outline.pieces[at].is_("find")
            or outline.pieces[at].is_("noun", *_REASONS)
            or outline.cues[at] & {"symptomatic", "a_toxicity"}
            for at in near
        )

    def _at_progression(self, place: int) -> None:
        """'switched on progression to T-DM1': the line before ended with progression, whichever is named first."""
        outline, courses = self.outline, self.courses
        outline.pieces[place].used = True
        lines = courses.metastatic()
        if self._is_negated(place) or outline.drug_in_stretch_before(place) in self.to_come:  # T-DM1 planned at PD
            return
        if self._leads_to_what_failed(place):
            self._await_what_failed(place)
            return
        if not lines or self._of_every_line(place, "progression"):
            return
        told_before = courses.insert is not None and courses.current in lines and courses.near()
        told_before = told_before or self._is_of_what_came_before(place)
        target = courses.current if told_before and courses.current is not None else lines[-1]
        begun = outline.drug_in_stretch_before(place)
        changed = self._is_changed(begun or place) or self._ends_its_drug(place)
        after_the_new = courses.current is target and courses.between == "none" and len(lines) > 1 and changed
        if after_the_new:
            target = lines[-2]
        if target.outcome in (*_OPEN, "completed"):  # ended in May because of PD
            self._end(target, "progression", place)
        if not after_the_new:
            courses.separate("then")
            self.next_list()

    def _leads_to_what_failed(self, place: int) -> bool:
        """Whether the line that ended follows at once: 'switched to T-DM1 at progression on THP'."""
        outline, leads = self.outline, place + 1
        if leads + 1 >= outline.sentence_end[place] or not outline.is_drug[leads + 1]:
            return False
        piece = outline.pieces[leads]
        begun, current = outline.drug_in_stretch_before(place), self.courses.current
        told = begun is None or (current is not None and outline.pieces[begun] in current.pieces)
        leads_back = piece.key == "under" or ("linking" in piece.roles and piece.key != "to")
        return told and leads_back and not outline.pieces[leads + 1].asked

    def _await_what_failed(self, place: int) -> None:
        """Put the line that ended with progression, which follows, before the one begun then."""
        courses, current = self.courses, self.courses.current
        if current in courses.all and self.outline.drug_in_stretch_before(place) is not None:
            courses.insert = courses.all.index(current)
        self.pending, self.given, self.holder, self.said_at = "progression", False, None, place
        courses.separate("then")

    def _is_of_what_came_before(self, place: int) -> bool:
        """Whether this sentence is of a line before the latest: 'T-DXd, off for PD; T-DM1 before that, off for PD'."""
        lines, current, sentence = self.courses.metastatic(), self.courses.current, self.outline.sentence[place]
        return current in lines[:-1] and current is not None and current.sentence == sentence != lines[-1].sentence

    def _ends_its_drug(self, place: int) -> bool:
        """Whether 'at PD' is all that stands behind a drug: when it was started: 'THP; Enhertu at PD'."""
        outline = self.outline
        ends = place + 1 == outline.stretch_end[place] or outline.pieces[place + 1].kind == "sign"
        first = outline.pieces[place].key in ("at", "on", "upon")
        return ends and first and outline.last_drug[place] == place - 1

    # ---- toxicity ------------------------------------------------------------------------------------------------

    def _toxicity(self, place: int) -> None:
        if self._is_negated(place) or (place and "progression" in self.outline.cues[place - 1]):
            return  # PD put an end to THP
        if self._is_why_changed(place):
            self._end_the_line_before(place, "toxicity")
        elif not (self._is_of_several(place) and self._of_every_line(place, "toxicity")):
            self._said(place, "toxicity")

    def _is_reason(self, place: int) -> bool:
        """Whether a named toxicity, or a measurement, is why a line was stopped."""
        outline = self.outline
        piece = outline.pieces[place]
        ending = "toxicity_word" in piece.roles
        pointing = "pronoun" in piece.roles and not outline.has(outline.rest_of_stretch(place, 4), "progression")
        named = "a_toxicity" in piece.cues or "find" in piece.kinds or piece.is_("noun", *_REASONS)
        if not (named or ending or pointing):
            return False
        if outline.plays(outline.before_in_stretch(place, 5)[1:], "adjusted"):  # halved for PPE; not 'reduced EF'
            return False
        toxic = "a_toxicity" in piece.cues or ending or piece.is_("find", "ild")
        if toxic and not self._is_negated(place):
            self.named_toxicity = place
        stopped = self.stopped_at is not None and outline.sentence[self.stopped_at] == piece.sentence
        if toxic and self._is_an_end(place):
            return not self._is_negated(place)
        effect = piece.is_("find") and "a_toxicity" in outline.cues[place]
        if effect and (self._is_all_that_is_said(place) or self._is_caused_by_a_drug(place)):
            return not self._is_negated(place)
        if stopped and ending and self._stands_behind_the_stop(place):
            return True
        if stopped and piece.is_("noun", *_REASONS) and self._follows_the_stop(place):
            return True
        if pointing or not ((named and "a_toxicity" in outline.cues[place]) or (ending and self._is_graded(place))):
            behind = range(max(self.stopped_at or 0, outline.stretch_start[place]), outline.stretch_end[place])
            return stopped and self._follows_a_because(place) and not outline.has(behind, "ongoing")
        later = any(
            "stopped" in outline.cues[at] and not self._stops_a_part(at)
            for at in range(place + 1, min(outline.sentence_end[place], place + 6))
        )
        sentence = range(outline.sentence_start[place], outline.sentence_end[place])
        changed = self._follows_a_because(place) and outline.has(sentence, "then")
        return stopped or (self.courses.current is not None and (changed or later))

    def _ends_what_lasted(self, place: int) -> bool:
        """Whether a toxicity is what drugs lasted up to: 'T-DXd until grade 2 ILD', 'three cycles of T-DM1
        before a rash'."""
        outline, leads = self.outline, place - 1
        while leads > outline.stretch_start[place] and self._says_how_severe(leads):
            leads -= 1
        leads -= leads > 0 and outline.pieces[leads].key == "the"
        drug = outline.last_drug[leads] if leads > 0 else None
        if drug is None or drug < outline.sentence_start[place]:
            return False
        if outline.pieces[leads].key == "before":  # it begins a clause of its own
            return outline.stretch_start[leads] == leads and outline.drug_in_sentence_after(place) is None
        return outline.pieces[leads].key in ("until", "till") and drug >= outline.stretch_start[leads]

    def _is_why_so_few(self, place: int) -> bool:
        """Whether a toxicity is all that stands behind how few cycles were given: 'one cycle of T-DM1 only,
        anaphylaxis', 'only 2 cycles of T-DXd: ILD'."""
        outline, pieces, first = self.outline, self.outline.pieces, place
        while first > outline.stretch_start[place] and self._says_how_severe(first - 1):
            first -= 1
        sign = first - 1
        if sign <= outline.sentence_start[place] or pieces[sign].key not in (",", "(", ":", "-"):
            return False
        told = range(outline.stretch_start[sign - 1], sign)
        ends = place + 1 == len(pieces) or pieces[place + 1].kind == "sign"
        few = outline.plays(told, "only") and any(
            pieces[at].kind == "cycles" or pieces[at].key == "once" for at in told
        )
        return ends and few and any(outline.is_drug[at] for at in told)

    def _is_an_end(self, place: int) -> bool:
        """Whether where a toxicity stands says that it ended a line: 'T-DXd until ILD', 'T-DM1 -> rash -> T-DXd'."""
        if "a_toxicity" in self.outline.cues[place] and self._is_a_cell_of_stops(place):
            return True
        if self._ends_what_lasted(place) or ("only" in self.outline.played and self._is_why_so_few(place)):
            return True
        return self.courses.current is not None and (self._is_headed_as_reason(place) or self._is_a_step(place))

    def _follows_a_because(self, place: int) -> bool:
        return self.outline.plays(self.outline.before_in_stretch(place, 5), "because")

    def _is_headed_as_reason(self, place: int) -> bool:
        """Whether a heading says that a toxicity is why a line ended: 'Stop 11/2022. Reason: thrombocytopenia.'"""
        pieces = self.outline.pieces
        return place > 1 and pieces[place - 1].key == ":" and "reason" in pieces[place - 2].roles

    def _is_a_step(self, place: int) -> bool:
        """Whether a toxicity stands by itself between two drugs: 'THP > PD > T-DXd > ILD > TCT', 'TCT -> rash -> ?'."""
        outline, pieces, behind = self.outline, self.outline.pieces, place + 1
        while behind < len(pieces) and self._says_how_severe(behind):
            behind += 1
        drug = outline.last_drug[place]
        if drug is None or behind + 1 >= len(pieces) or not pieces[place - 1].key == pieces[behind].key in _ARROWS:
            return False
        leads = outline.is_drug[behind + 1] or pieces[behind + 1].key == "?"
        return leads and all(pieces[at].key not in _ARROWS for at in range(drug + 1, place - 1))

    def _stands_behind_the_stop(self, place: int) -> bool:
        """Whether only a sign parts a toxicity from the stop it explains: 'stopped, transaminases', 'off: ALT'."""
        parted = self.outline.pieces[place - 1]
        return self.stopped_at == place - 2 and parted.kind == "sign" and parted.key in (",", ":", "-", "(")

    def _ends_what_follows(self, place: int) -> bool:
        """Whether a toxicity is the subject of what ended the drugs behind it: 'rash ended lap/cape', 'it was rash, not
        PD, that stopped T-DM1'."""
        outline, toxic = self.outline, self.named_toxicity
        if toxic is None or outline.cues[place].isdisjoint(("completed", "stopped")):
            return False
        drug = place + 1
        drug += drug < len(outline.pieces) and outline.pieces[drug].key in ("the", "her")
        if drug >= outline.stretch_end[place] or not outline.is_drug[drug] or self._stops_a_part(place):
            return False
        points = outline.pieces[place - 1].key in ("that", "which") and outline.stretch_start[place] == place - 1
        return points or all(outline.pieces[at].kind == "silent" for at in range(toxic + 1, place))

    def _is_badly_borne(self, place: int) -> bool:
        """Whether 'badly' is said of how drugs were tolerated: 'tolerated T-DXd badly', 'bore TCT poorly'."""
        outline = self.outline
        if "badly" not in outline.pieces[place].roles:
            return False
        return any(outline.pieces[at].key in _BORE for at in outline.before_in_stretch(place))

    def _stops_a_part(self, place: int) -> bool:
        """Whether only the chemotherapy of the line being told was stopped: 'neuropathy, stopped paclitaxel', 'made us
        drop the taxane', 'so paclitaxel was dropped'."""
        outline, course = self.outline, self.courses.current
        article = place + 1 < len(outline.pieces) and outline.pieces[place + 1].key == "the"
        beside = (place + 1 + article, *outline.before_in_stretch(place, 2))
        drug = next((at for at in beside if at < len(outline.pieces) and outline.is_drug[at]), None)
        if course is None or drug is None:
            return False
        stopped = set(agents_of(outline.pieces[drug]) or ())
        return generic(stopped) < generic(course.agents) and not stopped & ANTI_HER2

    def _has_a_reason(self, place: int) -> bool:
        """Whether a toxicity is why a line ended: 'line two ended in March for cardiotoxicity'."""
        outline = self.outline
        because = False
        for at in outline.rest_of_stretch(place, 9):
            if outline.is_drug[at] and outline.pieces[place].key != "ended":
                return False
            toxic = "toxicity_word" in outline.pieces[at].roles or outline.pieces[at].is_("noun", *_REASONS)
            if because and (toxic or outline.cues[at] & {"a_toxicity", "new"}):
                return True
            because = because or bool(outline.pieces[at].roles & {"reason", "for"}) or "joined" in outline.cues[at]
        return False

    def _is_given_up_for_a_toxicity(self, place: int) -> bool:
        """Whether a toxicity is why a drug was given up: 'gave up on it because of nausea', 'on THP for neuropathy'."""
        because = False
        for at in self.outline.rest_of_stretch(place, 9):
            piece, cues = self.outline.pieces[at], self.outline.cues[at]
            if because and "a_toxicity" in cues:
                return True
            if "progression" in cues:
                return False
            because = because or bool(piece.roles & {"reason", "for", "because"})
        return False

    def _why_it_ended(self, place: int) -> str | None:
        """How drugs ended of which only that is said, behind what it was: 'progression, that is why Kadcyla ended'."""
        outline = self.outline
        if self._ends_what_follows(place):
            return "toxicity"
        drug = outline.drug_in_stretch_before(place)
        if drug is None or any(outline.pieces[at].kind != "silent" for at in range(drug + 1, place)):
            return None
        led = outline.first_of_list(drug) - 1
        led -= led > 0 and outline.pieces[led].key in ("the", "her")
        start = outline.sentence_start[place]
        if led <= start or outline.pieces[led].key not in _EXPLAINING:
            return None
        for at in range(led - 1, max(start, led - _FAR) - 1, -1):
            told = self._kind_of_outcome(at)
            if told is not None and not (at > start and outline.has(range(at - 1, at), "negation")):
                return told
        return None

    def _is_drawn_from_a_toxicity(self, place: int) -> bool:
        """Whether a toxicity leads to the end of a line: 'then thrombopenia, therefore finished', 'veins wrecked,
        ended'."""
        if self.named_toxicity is None:
            return False
        so = self.outline.plays(range(self.outline.stretch_start[place], place), "so")
        return so or (self.outline.pieces[place].key == "ended" and self._is_a_consequence(place))

    def _leads_to_how_it_ended(self, place: int) -> bool:
        """Whether 'ended' leads to what a line ended with, or from it: 'both ended with lung PD', 'PD ended THP'."""
        outline = self.outline
        if not outline.pieces[place].key.startswith("end"):
            return False
        before = next((at for at in outline.before_in_stretch(place, 3) if outline.pieces[at].kind != "silent"), place)
        if "progression" in outline.cues[before]:
            return True
        for at in outline.rest_of_stretch(place, 5):
            if "progression" in outline.cues[at] or outline.pieces[at].is_("noun", "organ_mets"):
                return outline.pieces[place + 1].key in ("in", "with", "by", "at")
            if outline.is_drug[at]:
                break
        return False

    def _is_all_that_is_said(self, place: int) -> bool:
        """Whether pneumonitis is all that is said of a drug: 'T-DXd (ILD g2)', 'third line Enhertu, ILD.'"""
        outline = self.outline
        first, end = outline.stretch_start[place], outline.stretch_end[place]
        if first == 0 or outline.pieces[first - 1].key not in ("(", ",", "|"):
            return False
        if outline.pieces[first - 1].key == "," and end != outline.sentence_end[place]:
            return False
        if "uncertain" in outline.cues[place - 1] or self._ends_in_minus(place):  # T-DXd, ?ILD
            return False
        alone = all(
            at == place or piece.kind in ("silent", "sign", "number", "date") or len(piece.key) <= _GRADE
            for at, piece in enumerate(outline.pieces[first:end], first)
        )
        if outline.pieces[first - 1].key == "|":  # T-DXd | 7 mo | ILD
            return alone and (outline.last_drug[first] or -1) >= outline.sentence_start[place]
        return alone and outline.drug_in_stretch_before(first - 1) is not None

    def _is_a_cell_of_stops(self, place: int) -> bool:
        """Whether a toxicity is the last cell of a table's row, and the heading's last tells why lines ended: 'Rx |
        Stop'."""
        outline, pieces = self.outline, self.outline.pieces
        first, end = outline.stretch_start[place], outline.stretch_end[place]
        if first == 0 or pieces[first - 1].key != "|" or end != outline.sentence_end[place]:
            return False
        top = next(at for at in range(first) if pieces[at].key == "|")
        last = range(outline.stretch_start[outline.sentence_end[top] - 1], outline.sentence_end[top])
        if outline.sentence[top] == outline.sentence[place]:
            return False
        return outline.has(last, "stopped", "completed") or outline.plays(last, "reason")

    def _ends_in_minus(self, place: int) -> bool:
        """Whether pneumonitis is denied by a sign: 'TCT | ILD - | EF 55', 'T-DXd, ILD: -'."""
        outline = self.outline
        behind = [piece.key for piece in outline.pieces[place + 1 : outline.stretch_end[place]] if piece.key != ":"]
        return behind[:1] == ["-"] and (len(behind) == 1 or behind[1] in (",", ";", ".", "|", ")"))

    def _is_caused_by_a_drug(self, place: int) -> bool:
        """Whether a drug is said to have caused pneumonitis: 'T-DXd gave ILD grade 3'."""
        outline = self.outline
        if "caused" not in outline.played:
            return False
        back = [at for at in outline.before_in_stretch(place, 4) if outline.pieces[at].kind != "silent"]
        return len(back) > 1 and "caused" in outline.pieces[back[0]].roles and outline.is_drug[back[1]]

    def _follows_the_stop(self, place: int) -> bool:
        """Whether a measurement begins what follows a stop, as its reason: 'abandoned, platelets 40 every cycle'."""
        outline = self.outline
        assert self.stopped_at is not None
        heads = (at + 1 for at in outline.before_in_stretch(place, 4) if outline.pieces[at].key == ":")
        first = next(heads, outline.stretch_start[place])
        begins = all(outline.pieces[at].kind == "silent" for at in range(first, place))
        why = outline.plays(outline.before_in_stretch(place, 2), "why")
        fell = outline.plays(outline.rest_of_stretch(place, 5), "fell")
        given_as_reason = first > 0 and outline.pieces[first - 1].key in ("-", ":", "(")
        if why and fell:  # off Kadcyla since the platelets dropped
            return True
        told = outline.last_drug[place]
        of_a_drug = told is not None and outline.stretch[first - 1] - outline.stretch[told] <= 1
        return first > 0 and begins and (fell or given_as_reason) and of_a_drug

    def _is_a_consequence(self, place: int) -> bool:
        """Whether a toxicity named first is why a drug was stopped: 'G3 diarrhoea, so TCT was stopped', 'neuropathy
        made us stop'."""
        if "forced" in self.outline.cues[place]:
            before = self.outline.before_in_stretch(place)
            return self.outline.has(before, "a_toxicity", "toxicity") or any(
                "toxicity_word" in self.outline.pieces[at].roles or self.outline.pieces[at].is_("noun", *_REASONS)
                for at in before
            )
        if self.named_toxicity is None:
            return self._is_behind_a_measurement(place)
        between = self.outline.pieces[self.named_toxicity : place]
        if len(between) == _BOTH and between[1].key == ",":  # T-DM1, neuropathy, stopped
            return True
        if self._is_of_its_drug(self.named_toxicity, place) or self._is_only_managed(self.named_toxicity, place):
            return True
        return any("so" in piece.roles or piece.key in ("->", "and", *_EXPLAINING) for piece in between)

    def _is_only_managed(self, toxicity: int, stop: int) -> bool:
        """Whether only when a toxicity came, how bad it was and what was done for it stands up to the stop: 'grade 2
        pneumonitis after cycle 5, steroids, resolved, drug stopped'."""
        outline = self.outline
        if outline.sentence[toxicity] != outline.sentence[stop] or stop - toxicity > _FAR or self._stops_a_part(stop):
            return False
        return all(
            piece.kind in ("silent", "number", "cycles", "date", "duration")
            or piece.key in (",", "(", ")", "-", "after", "with", "treated")
            or not piece.roles.isdisjoint(_MANAGING)
            for piece in outline.pieces[toxicity + 1 : stop]
        )

    def _is_of_its_drug(self, toxicity: int, stop: int) -> bool:
        """Whether a toxicity is told of the drug that was stopped: 'ILD on T-DXd, stopped', 'shock to A (1st dose,
        stopped'."""
        outline, link = self.outline, toxicity + 1
        while link < stop and ("severity" in outline.pieces[link].roles or outline.pieces[link].kind == "number"):
            link += 1  # diarrhoea G3 on neratinib
        drug = link + 1
        if drug >= stop or "linking" not in outline.pieces[link].roles or not outline.is_drug[drug]:
            return False
        last = outline.last_of_list(drug)
        if outline.has(outline.rest_of_stretch(stop, 5), "progression", "at_progression"):
            return False
        return outline.last_drug[stop] == last and outline.pieces[last + 1].key in (",", "(", "-")

    def _is_behind_a_measurement(self, place: int) -> bool:
        """Whether a value that is why leads to the stop of a drug: 'Kadcyla -> plts 45 -> stopped', 'EF fell to 44 on
        THP, so all was stopped', 'because EF fell to 42 we stopped HP'."""
        outline, pieces = self.outline, self.outline.pieces
        first, last = outline.sentence_start[place], outline.last_drug[place]
        near = range(max(first, place - _FROM_DRUG_TO_STOP), place)
        measured = next((at for at in reversed(near) if pieces[at].is_("noun", *_REASONS)), None)
        told = last is not None and last >= near.start
        if measured is None or pieces[place].key in _PAUSED or not (told or outline.drug_in_stretch_after(place)):
            return False
        between = range(measured + 1, place)
        arrow = pieces[place - 1].key == "->"
        if arrow and told and last is not None and measured > last:
            return any(pieces[at].key in ("->", ",", "-", ":", "(") for at in range(last + 1, place - 1))
        behind = range(max(measured, last or 0, place - _POINTS_NEAR), place)
        concludes = arrow or outline.plays(between, "so") or any(pieces[at].key in _EXPLAINING for at in between)
        concludes = concludes or outline.plays(range(near.start, measured), "why")
        concludes = concludes or (told and any(pieces[at].key in ("and", ",") for at in behind))
        return concludes and (outline.plays(between[:5], "fell") or self._is_out_of_range(measured))

    def _is_out_of_range(self, place: int) -> bool:
        """Whether the value behind a measurement is one that a drug is stopped for: 'EF 42', 'bilirubin 3x ULN'."""
        pieces, behind = self.outline.pieces, self.outline.rest_of_stretch(place, 6)
        if any(pieces[at].is_("noun", "uln") for at in behind):
            return True
        least = next((least for name, least in _LEAST.items() if pieces[place].is_("noun", name)), 0)
        values = [pieces[at].value for at in behind if pieces[at].kind == "number"]
        return bool(values) and values[-1] < least

    def _restarted(self, place: int) -> None:
        """A drug that was given again was not ended by what interrupted it."""
        before = self.outline.before_in_stretch(place, 3)
        only_thought_of = any(
            self.outline.plays(range(at, at + 1), role) for at in before for role in ("cannot", "modal")
        )
        if self._is_negated(place) or only_thought_of or self.outline.pieces[place].asked:
            return  # wouldn't restart; could we restart?
        target = self.courses.latest(self.outline.pieces[place].sentence)
        ahead = range(place + 1, min(place + 4, len(self.outline.pieces)))
        ended = self.stopped_at is None and self.outline.has(ahead, "progression")  # stopped for ILD; rechallenged; PD
        if target is not None and target.outcome == "toxicity" and not ended:
            target.outcome = None
        self.stopped_at = self.named_toxicity = None

    # ---- what is said, and of which line -------------------------------------------------------------------------

    def _is_negated(self, place: int) -> bool:
        outline = self.outline
        if outline.said.isdisjoint(("negation", "excluded")):
            return False
        if outline.pieces[place].asked and self._is_answered_no(place):
            return True
        joined = False
        for at in outline.before_in_stretch(place, 4):
            finding = "progression" in outline.cues[place] and outline.pieces[at].is_("find")
            if joined and (outline.is_drug[at] or finding):  # never had T-DM1 and she progressed, no ILD and PD
                break
            if at == place - 1 and outline.pieces[at].key == "no" and "stopped" in outline.cues[at]:
                return True  # nodes no longer enlarged
            if "negation" in outline.cues[at] or outline.pieces[at].key == "not":
                return outline.pieces[at + 1].key != ":"  # only the disease is not: liver PD
            joined = joined or bool(outline.cues[at] & {"joined", "the_patient"})
        if self._is_none(place) or self._opens_with_neither(place):
            return True
        return outline.has(outline.rest_of_stretch(place, 3), "excluded")

    def _is_answered_no(self, place: int) -> bool:
        """Whether what is asked at a place is answered with no: 'Did T-DM1 fail? No, stopped for rash.'"""
        outline, behind = self.outline, self.outline.sentence_end[place]
        asked = behind < len(outline.pieces) and outline.pieces[behind - 1].key == "?"
        return asked and outline.pieces[behind].key in ("no", "not", "never")

    def _opens_with_neither(self, place: int) -> bool:
        """Whether an outcome is denied of the drugs of 'neither ... nor': 'neither A nor B was stopped for ILD'."""
        outline, start = self.outline, self.outline.sentence_start[place]
        drug = outline.last_drug[place]
        if outline.pieces[start].key != "neither" or drug is None or place - start > _FAR + _FAR:
            return False
        return drug > start and all(outline.pieces[at].key not in (",", ":") for at in range(drug, place))

    def _is_none(self, place: int) -> bool:
        """Whether 'none' is all that stands behind a word: 'toxicity none', 'progression: none'."""
        outline, end = self.outline, self.outline.stretch_end[place]
        denied = outline.has(range(place + 1, min(end, place + 3)), "negation")
        return denied and all(
            "negation" in outline.cues[at] or outline.pieces[at].kind == "sign" for at in range(place + 1, end)
        )

    def _said(self, place: int, outcome: str) -> None:
        outline, courses = self.outline, self.courses
        piece = outline.pieces[place]
        if "pronoun" not in piece.roles and self._governs(place):
            self._await(place, outcome)
            self.in_progression = self._is_in_progression(place)
            self.awaited = self._lines_counted(place)
            of_the_last = self.in_progression or self._is_after_a_list(place)
            self.of_the_last = self.awaited == 0 and of_the_last
            self.of_objects = "governing" in outline.cues[place]
            self.led_by = self._leads_to_its_drugs(place)
            colon = self._heading_colon(place)
            self.heads = colon is not None
            self.lists = colon is not None and outline.is_drug[colon + 1]
            return
        target = courses.latest(piece.sentence, now=self._may_be_of_now and self._is_of_now(place))
        courses.separate("other" if outcome == "completed" else "then")
        if target is None or (outcome in ("toxicity", "completed") and (self.partial or self._is_of_a_part(place))):
            return
        if outcome == "completed" and self._only_dates_the_rest(place):
            return
        if outcome == "completed" and outline.has(outline.in_stretch(place), "unknown"):
            outcome = "unknown"
        if outcome == "completed" and (target.early or target.outcome is not None):
            piece.used = target.early
            return
        if target.outcome in (*_OPEN, "completed"):
            self._end(target, outcome, place)
            piece.used = True
            for course in self._other_subjects(place):
                self._end(course, outcome, place)
        else:
            self._note(target, place)

    def _other_subjects(self, place: int) -> list[Course]:
        """The other lines that are subjects of what is said: 'THP and T-DM1 failed', 'A, B and C were not tolerated';
        not of 'A, B failed' or 'A, then B failed'."""
        outline, pieces, last = self.outline, self.outline.pieces, place - 1
        if outline.cues[place].isdisjoint(("governing", "toxicity")):
            return []
        while last > outline.stretch_start[place] and pieces[last].roles & {"auxiliary", "is"}:
            last -= 1
        if last < _BOTH or not outline.is_drug[last] or outline.stretch[last] != outline.stretch[place]:
            return []
        while last > _BOTH and pieces[last - 1].key in ("+", "/") and outline.is_drug[last - _BOTH]:
            last -= _BOTH
        first = last
        subjects: list[int] = []
        running = {
            of.start for course in self.courses.metastatic() if course.opens or course.now for of in course.pieces
        }
        apart = False
        for _ in range(_MOST_LISTED):
            before = outline.last_drug[first]
            if before is None or not outline.joins(before, first):
                break
            apart = pieces[before].start in running and pieces[first - 1].key == ","
            if apart:
                break  # on TCT, THP and T-DXd failed
            subjects.append(before)
            first = before
        if not subjects or pieces[last - 1].key not in ("and", "&"):
            return []
        opens = pieces[first - 1] if first > outline.sentence_start[place] else None
        if opens is not None and not apart and opens.key not in ("after", "as", "because", "once", "that", "when", ":"):
            return []
        named = {pieces[at].start for at in subjects}
        return [
            course
            for course in self.courses.metastatic()
            if course.outcome in _OPEN and any(of.start in named for of in course.pieces)
        ]

    def _leads_to_its_drugs(self, place: int) -> str | None:
        """The last word before the drugs that an outcome governs; it may be its own: 'progressed through'."""
        following = self.outline.next_drug[place]
        if following is None:
            return None
        before = self.outline.pieces[following - 1]
        return "through" if "governing" in before.cues and before.end - before.start > len(before.key) else before.key

    def _is_of_now(self, place: int) -> bool:
        """Whether a part of its own says how the latest line goes: 'T-DXd, previously THP, now PD'."""
        outline = self.outline
        return outline.drug_in_stretch_before(place) is None and any(
            "present" in outline.pieces[at].roles or "current" in outline.cues[at] for at in outline.near(place)
        )

    def _is_of_a_part(self, place: int) -> bool:
        """Whether what ended is one part of the line: 'the chemo part stopped for neuropathy'; 'tucatinib stopped for
        LFTs, the other two carried on', 'HP stopped for LVEF, docetaxel went on'."""
        outline = self.outline
        held = generic(self.courses.current.agents) if self.courses.current is not None else set()
        back = range(max(outline.sentence_start[place], place - _FAR), place + 1)
        ahead = range(place + 1, min(outline.sentence_end[place], place + _FAR))
        if any("a_part" in outline.pieces[at].roles and outline.has(range(at, place + 1), "stopped") for at in back):
            return True
        goes_on = (at for at in ahead if outline.has(range(at + 1, min(at + 5, ahead.stop)), "carried_on"))
        return any(
            "the_rest" in outline.pieces[at].roles
            or (outline.is_drug[at] and generic(agents_of(outline.pieces[at]) or ("",)) <= held)
            for at in goes_on
        )

    def _only_dates_the_rest(self, place: int) -> bool:
        """Whether the end of one drug only says since when the others went on: 'HP since the Taxol ended', 'still on HP
        (docetaxel finished)'."""
        outline, drug = self.outline, self.outline.last_drug[place]
        if drug is None or drug < place - _BOTH:
            return False
        course, first = self.courses.current, outline.first_of_list(drug)
        if course is not None and course.ongoing and first and outline.pieces[first - 1].key == "(":
            ended = set(agents_of(outline.pieces[drug]) or ())
            return generic(ended) < generic(course.agents) and not ended & ANTI_HER2
        return outline.plays(outline.before_in_stretch(drug, 2), "ever_since")

    def _says_when(self, place: int) -> bool:
        """Whether only when it was stands up to an 'and': 'THP failed at 14 months and T-DM1 at 5'."""
        behind = self.outline.pieces[place + 1 : place + 3]
        timed = len(behind) == _BOTH and behind[0].kind in ("number", "duration") and behind[1].key == "and"
        return timed and self.outline.pieces[place].key in _AT_THE_TIME

    def _governs(self, place: int) -> bool:  # noqa: PLR0911  (case after case)
        """Whether an outcome's word is followed by the drugs it is said of: 'progressed on', 'failed', 'completed'."""
        outline, following = self.outline, place + 1
        if "stopped" in outline.said and self._stops_what_follows(place):
            return True
        if following >= outline.sentence_end[place] or outline.pieces[following].key in (",", ";", ".", ITEM):
            return False
        makes_way = "stopped" in outline.cues[place] and following + 1 < len(outline.pieces)
        makes_way = makes_way and outline.pieces[following].key in ("for", "to") and outline.is_drug[following + 1]
        colon = self._heading_colon(place)
        if makes_way or (colon is None and self._leads_to_the_next(place)):
            return False
        linked = "governing" in outline.cues[place] or self._lines_counted(place) > 0
        linked = linked or (place > 0 and "after" in outline.cues[place - 1])  # after PD with THP
        beside = outline.drug_in_stretch_before(place)
        told = beside is not None and self._is_said_of(beside, place)
        bracket, in_bracket = False, self._is_in_a_drugs_bracket(place) or self._is_in_a_bracket(place)
        begins = outline.stretch_start[place]
        once = outline.pieces[begins].roles & {"at_which", "once"} or "after" in outline.cues[begins]
        if told and (once or (beside == place - 1 and self._says_when(following))):
            return False  # as THP failed T-DM1 was given
        for at in range(place + 1, min(outline.sentence_end[place], place + 14)):
            piece, cues = outline.pieces[at], outline.cues[at]
            if piece.key == ")" and not bracket and in_bracket:
                return False
            if piece.key in ("(", ")") and at > place + 1 - (piece.key == "("):
                bracket = piece.key == "("
                continue
            if bracket and not outline.is_drug[at]:
                continue
            if (at <= (colon or 0) and (linked or beside is None)) or (linked and outline.names_the_line(at)):
                continue
            if self._joins_sites(at):
                continue  # PD in liver/bone on THP
            if (
                piece.kind == "sign"
                or piece.key == "->"
                or "so" in piece.roles
                or "then" in cues
                or (piece.kind == "line" and not linked and not self._is_the_first_told(at))
            ):
                return False
            if outline.is_drug[at]:
                if bracket and at in self.not_given and outline.last_drug[place] is not None:
                    return False  # THP, PD (T-DXd next)
                asked = piece.asked and "after" not in outline.cues[place - 1]  # 'what after failure of THP?' tells it
                asked = asked and not self._is_told_of_her(place)
                return not asked and (linked or beside is None)
            if told and (cues & {"after", "started", "previously"} or "clausal" in piece.roles):
                return False
            if "linking" in piece.roles or cues & {"after", "ongoing"}:
                linked = linked or "in" not in piece.roles
            elif piece.key in ("ended", "end", "put") and all(
                outline.pieces[on].kind == "silent" for on in range(place + 1, at)
            ):
                linked = True  # PD ended THP
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
                "again",
                "at_first",
                "several_lines",
                "line_word",
            } or piece.is_("noun", "organ", "organ_mets", "imaging", "her2"):
                continue
            elif piece.is_("noun", *BRAIN) and self._of_the_body(place):
                continue  # PD in brain and liver on THP
            elif "detected" in piece.roles or "which_one" in piece.roles:
                continue  # liver mets found on THP; what she progressed on last month was THP
            elif piece.kind not in ("cycles", "number", "duration", "silent", "date", "line") and at > (colon or 0):
                return False
        return False

    def _joins_sites(self, at: int) -> bool:
        """Whether a sign stands between two sites of disease."""
        pieces = self.outline.pieces
        if pieces[at].kind != "sign" or pieces[at].key not in ("/", "+", "&", ",") or at + 1 >= len(pieces):
            return False
        return all(piece.is_("noun", "organ", "organ_mets", *BRAIN) for piece in (pieces[at - 1], pieces[at + 1]))

    def _is_the_first_told(self, at: int) -> bool:
        """Whether a line's number, with its drug, is the first of a text: 'PD liver 1L THP; 2L T-DM1'."""
        return not self.courses.all and at + 1 < len(self.outline.pieces) and self.outline.is_drug[at + 1]

    def _is_told_of_her(self, place: int) -> bool:
        """Whether a question tells what happened before it: 'would you use T-DM1 when she already failed THP?'"""
        pieces = self.outline.pieces
        before = (pieces[at].key for at in self.outline.before_in_stretch(place, 3))
        return pieces[place].key.endswith("ed") and any(key in _TELLING_OF_HER for key in before)

    def _stops_what_follows(self, place: int) -> bool:
        """Whether growth is told with the stop of the drug that follows: 'lung PD in May, T-DM1 stopped, T-DXd begun',
        'new bone mets -> THP off'."""
        outline, pieces = self.outline, self.outline.pieces
        if outline.drug_in_stretch_before(place) is not None:
            return False
        if "progression" not in outline.cues[place] and not pieces[place].is_("noun", "organ_mets"):
            return False
        drug = outline.drug_in_sentence_after(place)
        if drug is None or drug - place > _HEADING:
            return False
        between, last = range(place + 1, drug), outline.last_of_list(drug)
        if not all(self._may_stand_before_a_stop(at) for at in between):
            return False
        behind = range(last + 1, min(outline.stretch_end[last], last + 3))
        stops = outline.has(range(max(place, drug - 2), drug), "stopped") or outline.has(behind, "stopped")
        return stops and not outline.has(
            range(last + 1, outline.stretch_end[last]), "a_toxicity", "toxicity", "negation"
        )

    def _may_stand_before_a_stop(self, place: int) -> bool:
        """Whether a piece only says where and when it grew: 'in the lung in May', ', so', '->'."""
        piece = self.outline.pieces[place]
        passed = piece.kind in ("silent", "sign", "date", "duration") or piece.is_("noun", "organ", "organ_mets")
        passed = passed or not piece.roles.isdisjoint(("so", "month"))
        return passed or not self.outline.cues[place].isdisjoint(("stopped", "joined"))

    def _leads_to_the_next(self, place: int) -> bool:
        """Whether an outcome is of what was told before it: 'ended in toxicity, and T-DM1', 'then PD and T-DXd'."""
        outline, pieces, following = self.outline, self.outline.pieces, place + 1
        if place > 1 and pieces[place - 1].key in ("in", "with", "by") and "completed" in outline.cues[place - 2]:
            return True
        return pieces[following].key == "and" and following + 1 < len(pieces) and outline.is_drug[following + 1]

    def _heading_colon(self, place: int) -> int | None:
        """The colon of a heading: 'Failed: THP, T-DM1', 'PD: on THP', 'progressed on everything: THP, T-DM1'; or what
        ends one that counts."""
        outline = self.outline
        counted = self._counting_heading(place)
        if counted is not None:
            return counted[0]
        if ":" not in outline.typed or self._is_dated_behind_a_line(place):
            return None
        later = place + 1 < len(outline.pieces) and "then" in outline.cues[place + 1]  # Not tolerated after that: ...
        for at in range(place + 1, min(outline.stretch_end[place + later], place + 7)):
            piece = outline.pieces[at]
            if piece.key == ":":
                every = any("every" in each.roles for each in outline.pieces[place:at])
                leads = at == place + 2 and "linking" in outline.pieces[place + 1].roles  # progressed on: A, B
                leads = leads or (at == place + 2 and outline.pieces[place + 1].key in _HISTORY)
                return at if at == place + 1 + later or every or leads else None
            heads = piece.kind in ("silent", "number") or "every" in piece.roles or (later and at == place + 1)
            if not heads:
                return None
        return None

    def _counting_heading(self, place: int) -> tuple[int, int] | None:
        """The sign that ends a heading which counts the lines behind it, and how many these are: 'PD x3: ...', 'three
        progressions: ...', 'progressed twice (...', 'all three ended in PD - ...'."""
        outline, pieces = self.outline, self.outline.pieces
        first = outline.drug_in_sentence_after(place)
        if first is None or first - place > _HEADING or outline.cues[place].isdisjoint(("progression", "toxicity")):
            return None
        sign = first - 1 - ("on" in pieces[first - 1].roles or "during" in pieces[first - 1].roles)
        told_first = sign > place and (pieces[sign].key in ("first", "once") or "at_first" in outline.cues[sign])
        sign -= told_first  # PD x2: first under THP, later under T-DM1
        signs = (":", "(", "-", ",") if told_first else (":", "(", "-")
        if sign <= place or pieces[sign].key not in signs or pieces[sign].glued > (pieces[sign].key in (":", ",")):
            return None
        begins = max(outline.sentence_start[place], place - _POINTS_NEAR)
        last = outline.last_drug[place]
        heading = range(begins, sign)
        if (last is not None and last >= begins) or outline.has(heading, "negation", "planned"):
            return None
        for at in heading:
            piece, following = pieces[at], pieces[at + 1]
            if piece.kind == "cycles" and (piece.key == "x" or at == place + 1):
                return sign, int(piece.value or 0)
            if piece.kind == "number" and (following.key in _TIMES or "progression" in outline.cues[at + 1]):
                return sign, int(piece.value)
            if piece.key in ("twice", "double") or (piece.key == "both" and pieces[sign].key != "("):
                return sign, _BOTH
            kind = range(at + 1, sign)  # PD on all lines (A; B)
            named = outline.plays(kind, "heading") or outline.has(kind, "several_lines", "line_word")
            named = named and piece.key in ("all", "every")
            if "every" in piece.roles and (named or pieces[sign].key != "("):
                return sign, int(following.value) if following.kind == "number" else _MOST_LISTED
        return None

    def _is_dated_behind_a_line(self, place: int) -> bool:
        """Whether a date says when it was, after a line was told: '2020: THP. 2022 PD: T-DXd'."""
        dated = any(self.outline.pieces[at].kind == "date" for at in self.outline.before_in_stretch(place, 4))
        return dated and bool(self.courses.metastatic())

    def _is_in_a_bracket(self, place: int) -> bool:
        """Whether a bracket behind an outcome's word opens right before what is told: 'TCT failed (new lesions)'."""
        opened = self.outline.stretch_start[place] - 1
        before = self.outline.cues[opened - 1] if opened > 0 else frozenset()
        return opened > 0 and self.outline.pieces[opened].key == "(" and "progression" in before

    def _is_in_a_drugs_bracket(self, place: int) -> bool:
        """Whether an outcome stands in the bracket behind its drug: 'after T-DM1 (rash, stopped at 4 mo) and T-DXd'."""
        pieces, drug = self.outline.pieces, self.outline.last_drug[place]
        if drug is None or pieces[drug + 1].key != "(" or place - drug > _FAR:
            return False
        return all(pieces[at].key != ")" for at in range(drug + 2, place))

    def _is_said_of(self, drug: int, place: int) -> bool:
        """Whether an outcome's word stands right behind its drug: 'T-DXd PD after THP', 'after THP failed we gave'."""
        passed = ("silent", "sign", "cycles", "duration")
        between = range(drug + 1, place)
        return all(
            self.outline.pieces[at].kind in passed or "stopped" in self.outline.cues[at] or self._says_how_severe(at)
            for at in between
        )

    def _is_graded(self, place: int) -> bool:
        """Whether a grade stands right behind a word: 'transaminases G3'."""
        following = place + 1
        return following < self.outline.stretch_end[place] and "severity" in self.outline.pieces[following].roles

    def _says_how_severe(self, place: int) -> bool:
        """Whether a piece is a grade: 'grade 2', 'severe'."""
        pieces = self.outline.pieces
        graded = place > 0 and pieces[place].kind == "number" and "severity" in pieces[place - 1].roles
        return graded or "severity" in pieces[place].roles

    def _lines_counted(self, place: int) -> int:
        """How many lines an outcome is said of that follow it: 'both failed: ...', 'progressed on all three of ...'."""
        outline = self.outline
        counted_ahead = self._counting_heading(place)
        if counted_ahead is not None:
            return counted_ahead[1]
        first = outline.drug_in_sentence_after(place) if "every" in outline.played else None
        if first is None or first - place > _FAR:
            return 0
        if (behind := self._counted_behind(first)) > 0:
            return behind
        near = range(max(outline.stretch_start[place], place - 2), first)
        every = next((at for at in near if "every" in outline.pieces[at].roles), None)
        if every is None or any(outline.pieces[at].is_("noun") for at in range(every, first)):
            return 0
        if outline.drug_in_stretch_before(every) is not None:
            return 0
        if outline.pieces[every].key == "both":
            return _BOTH
        counted = outline.pieces[every + 1]
        if counted.key == "of" or outline.pieces[every].key == "each":  # on each of A, B, C
            return _MOST_LISTED
        return int(counted.value) if counted.kind == "number" else 0

    def _counted_behind(self, first: int) -> int:
        """How many lines a bracket behind a list says that an outcome is of: 'PD after A, B, C (all of them)'."""
        outline, pieces, last = self.outline, self.outline.pieces, first
        while (following := outline.drug_in_sentence_after(last)) is not None and outline.joins(last, following):
            last = following
        every = last + 2
        if every >= outline.sentence_end[last] or pieces[last + 1].key != "(" or "every" not in pieces[every].roles:
            return 0
        closed = next((at for at in range(every, min(every + 5, len(pieces))) if pieces[at].key == ")"), None)
        inside = range(every + 1, closed or every + 1)
        if closed is None or not all(pieces[at].kind in ("silent", "number") for at in inside):
            return 0
        if pieces[every].key == "both":
            return _BOTH
        return next((int(pieces[at].value) for at in inside if pieces[at].kind == "number"), _MOST_LISTED)

    def lists_more(self, place: int) -> bool:
        """Whether a semicolon leads to more of the lines that a heading counts: 'PD x3: A lung; B liver; C bone', or
        tells of one by one: 'progression: lung on A; none on B; liver on C'."""
        if not (self.heads and self.given and self.outline.pieces[place - 1].key == ";"):
            return False
        behind = self.outline.pieces[place + 1 : place + 2]
        leads = bool(behind) and bool(behind[0].roles & {"on", "during"})
        self.passes = leads and self.outline.pieces[place].key == "none"
        if leads and (self.passes or self.outline.pieces[place].is_("noun", "organ")):
            self.awaited = max(self.awaited, 1)
        return self.awaited > 0

    def site(self, place: int) -> None:
        """An organ behind a drug in a list that progression heads is where it grew: 'PD x2: THP lung, T-DXd liver'."""
        if self.heads and self.given and self.pending == "progression" and self.awaited >= 0 and self.holder:
            self._note(self.holder, place)
            self.courses.grew_under.add(self.outline.pieces[place].start)
        elif len(self.courses.all) > 1 and self._goes_on_elsewhere(place):
            for course in self.pointing.lines_at(place, self.courses):
                if course.outcome in _OPEN:
                    self._end(course, "progression", place)
                    self.courses.grew_under.add(self.outline.pieces[place].start)

    def _goes_on_elsewhere(self, place: int) -> bool:
        """Whether an organ goes on what grew under which line: 'PD in liver on the first, in bone on the second'."""
        outline, begins = self.outline, self.outline.stretch_start[place]
        if begins == outline.sentence_start[place] or outline.has(outline.in_stretch(place), *_POINTED, "negation"):
            return False
        leads = begins + (outline.pieces[begins].key == "and")
        article = outline.pieces[min(leads + 1, place)].key == "the"
        before = range(outline.sentence_start[place], begins)
        return leads + 1 + article == place and outline.pieces[leads].key == "in" and outline.has(before, "progression")

    def _is_in_progression(self, place: int) -> bool:
        """Whether progression is how the patient is now, behind lines that were given one after the other: 'in PD after
        THP followed by T-DM1'."""
        pieces, behind = self.outline.pieces, self.outline.pieces[place + 1 : place + 2]
        state = place > 0 and pieces[place - 1].key == "in" and "progression" in self.outline.cues[place]
        return state and bool(behind) and behind[0].key in ("after", "following", "despite", "post")

    def _is_after_a_list(self, place: int) -> bool:
        """Whether 'after' leads to a list that ends in 'and': it came after the last of them."""
        outline = self.outline
        first = outline.next_drug[place]
        if first is None or not outline.has(range(place, first), "after"):
            return False
        at, ended, commas = first, False, 0
        while (following := outline.drug_in_sentence_after(at)) is not None and outline.joins(at, following):
            ended = any(outline.pieces[each].key == "and" for each in range(at, following))
            commas += any(outline.pieces[each].key == "," for each in range(at, following))
            at = following
        closes = at + 1 >= outline.sentence_end[at] or outline.pieces[at + 1].kind == "sign"
        return ended or (commas > 1 and closes)  # progressed after A, B, C

    def _ongoing(self, place: int) -> None:
        outline, courses = self.outline, self.courses
        piece = outline.pieces[place]
        if piece.key == "on" and "on_it" in outline.cues[place] and self._is_behind_its_stop(place):
            if self._could_not(place):  # dropped, can't stay awake on it
                self._said(place, "toxicity")
            return
        following = place + 1
        if following < len(outline.pieces) and outline.pieces[following].kind == "number":
            return  # currently 48
        if following < len(outline.pieces) and outline.pieces[following].is_("other"):
            return  # now on carbamazepine
        if self._leads_to_none(following):
            return
        heads = following < len(outline.pieces) and outline.pieces[following].key in (":", "=")
        toxic = outline.has(range(max(outline.sentence_start[place], place - 7), place), "a_toxicity", "toxicity")
        grew = outline.has(outline.before_in_stretch(place), "progression", "new")
        if (toxic or grew or self.pending is not None or self._is_negated(place)) and piece.key == "under":
            return  # pneumonitis, new brain mets, no profit under T-DM1
        if piece.key in ("under", "on") and (self.is_dated_behind(place) or self.was_spent(place)):
            return  # LVEF 45 under trastuzumab in 2022; spent 2022 on T-DM1
        if self._governs_now(place) or (heads and outline.drug_in_sentence_after(place) is not None):
            self.pending_ongoing = True
            if self.given:
                self.pending, self.awaited = None, 0
            courses.separate("then")
            piece.used = True
        elif courses.all and not ("present" in piece.roles and outline.drug_in_stretch_after(place) is not None):
            target = courses.latest(piece.sentence)
            if target is not None and target.outcome is None and piece.key not in ("under", "takes"):
                target.ongoing = True
                piece.used = True

    def _leads_to_none(self, place: int) -> bool:
        """Whether what stands behind a word of the present is that nothing is given: 'currently untreated', 'now on
        nothing', 'currently off treatment', 'at present: none'."""
        outline = self.outline
        end = outline.stretch_end[place - 1]
        while place < end and (outline.pieces[place].key in (":", "-", "=") or "on" in outline.pieces[place].roles):
            place += 1
        if place >= end:
            return False
        if "untreated" in outline.cues[place]:
            return True
        last = place + 1 >= end or outline.pieces[place + 1].kind == "sign"
        if "negation" in outline.cues[place] and last:
            return True
        off = outline.pieces[place].key == "off"
        return off and (last or "treatment" in outline.pieces[place + 1].roles)

    def was_spent(self, place: int) -> bool:
        """Whether 'on' says what a time that is past was spent on: 'spent 2022 on T-DM1 and 2023-24 on T-DXd'."""
        before = range(max(self.outline.sentence_start[place], place - _FAR), place)
        return "spent" in self.outline.typed and any(self.outline.pieces[at].key == "spent" for at in before)

    def is_dated_behind(self, place: int) -> bool:
        """Whether the drug that 'on', 'under' leads to was given in a year that is told: 'on T-DM1 in 2022'."""
        outline = self.outline
        if place + 1 >= len(outline.pieces) or not outline.is_drug[place + 1]:
            return False
        dated = outline.pieces[outline.last_of_list(place + 1) + 1 : outline.stretch_end[place]][:2]
        return len(dated) > 1 and dated[0].key == "in" and dated[1].kind == "date"

    def _is_behind_its_stop(self, place: int) -> bool:
        """Whether 'on it' only says when something was, as the line was stopped: 'T-DM1 dropped, was unwell on it'."""
        outline, stopped = self.outline, self.stopped_at
        if stopped is None or outline.sentence[stopped] != outline.sentence[place]:
            return False
        near = range(outline.stretch_start[place], min(place + 2, outline.sentence_end[place]))
        return not outline.has(near, "again", "restarted") and not outline.plays(near, "until_now")

    def _could_not(self, place: int) -> bool:
        """Whether it is told what a patient could not do under a drug: 'can't stay awake on it'; not 'stay on it'."""
        pieces, back = self.outline.pieces, self.outline.before_in_stretch(place, 6)
        denied = any(pieces[at].key in _CANNOT for at in back)
        return denied and pieces[place - 1].key not in ("stay", "remain", "keep", "be", "go", "continue")

    def _likewise(self, place: int) -> None:
        """'T-DM1 failed in 2021, T-DXd as well': the outcome of the line told before it in the sentence."""
        course = self.courses.current
        if course is None or course.early or not course.pieces:
            return
        following = self.outline.next_meaning(place)
        if "likewise_of" in self.outline.cues[place]:
            if (
                following is not None
                and self.outline.is_drug[following]
                and course.outcome in ("progression", "toxicity")
            ):
                self.pending, self.said_at = course.outcome, place
                self.given, self.holder = False, None
                self.courses.separate("then")
            return
        if course.outcome is not None:
            return
        following = place + 1
        ends = following == len(self.outline.pieces) or self.outline.pieces[following].kind == "sign"
        if self.outline.pieces[place].key == "too" and not ends:  # too early to say
            return
        start = course.pieces[0].start
        told = [each for each in self.courses.metastatic() if each.pieces and each.pieces[0].start < start]
        before = max(told, key=lambda each: each.pieces[0].start, default=None)
        sentence = self.outline.sentence[place]
        if before is None or course.sentence != sentence or before.sentence < sentence - 1:
            return
        if before.outcome in ("progression", "toxicity"):
            self._end(course, before.outcome, place)

    def _says_of_several(self, place: int) -> bool:
        """Read what is said of a drug as of the one before it, or denied of several: 'nor did T-DM1', 'T-DXd neither',
        'neither THP nor T-DM1 worked', 'she responded neither to A nor to B'."""
        outline, piece = self.outline, self.outline.pieces[place]
        if self.passes and piece.key == "none":
            return True
        if "had_effect" in outline.cues[place]:
            return not outline.typed.isdisjoint(_NO_LINE) and self._ends_neither(place)
        if tells_alike(outline, place):
            self._await_the_same(place)
        elif piece.key != "neither" or not place:
            return False
        elif outline.is_drug[place - 1]:
            self._likewise(place)
        elif "responding" in outline.cues[place - 1] or outline.pieces[place - 1].key == "responded":
            self._await_of_all(place)
        else:
            return False
        return True

    def _await_the_same(self, place: int) -> None:
        """'THP did not work, nor did T-DM1': what is told next ended as the line told before it."""
        course = self.courses.current
        if course is not None and course.outcome in ("progression", "toxicity"):
            self._await(place, course.outcome)

    def _await_of_all(self, place: int) -> None:
        """Progression is said of each of the drugs that follow."""
        self._await(place, "progression")
        self.awaited = _MOST_LISTED

    def _await(self, place: int, outcome: str) -> None:
        """An outcome is said of the drugs that follow."""
        self.pending, self.given, self.holder, self.said_at = outcome, False, None, place
        self.courses.separate("then")
        self.outline.pieces[place].used = True

    def await_toxicity(self, place: int) -> None:
        """A toxicity is why the line of the drug that follows ended: 'lapatinib after rash on T-DM1'."""
        self._await(place, "toxicity")
        self.awaited, self.of_the_last, self.in_progression = 1, False, False

    def _ends_neither(self, place: int) -> bool:
        """Read what is denied of the lines told before it: 'neither THP nor T-DM1 worked'."""
        outline = self.outline
        before = range(place - 1, max(outline.sentence_start[place], place - _FAR) - 1, -1)
        opened = next((at for at in before if outline.pieces[at].key in _NO_LINE), place)
        named = {outline.pieces[at].start for at in range(opened, place) if outline.is_drug[at]}
        lines = [each for each in self.courses.metastatic() if any(piece.start in named for piece in each.pieces)]
        for course in lines:
            if course.outcome in _OPEN:
                self._end(course, "toxicity" if outline.pieces[place].key == "tolerated" else "progression", place)
        return bool(lines)

    def _since(self, place: int) -> None:
        """'TCT since May', 'since May TCT': it goes on."""
        outline = self.outline
        if self._opens_what_goes_on(place):
            self.pending_ongoing = True
            return
        following = place + 1
        if following < len(outline.pieces) and "which_one" in outline.pieces[following].roles:  # since last spring
            following += 1
        timed = following == len(outline.pieces) or outline.pieces[following].kind in ("date", "duration", "sign")
        timed = timed or "month" in outline.pieces[following].roles
        if timed and following < len(outline.pieces) and self._leads_to_its_drug(following):
            self.pending_ongoing = True
            return
        beside = outline.drug_in_stretch_before(self._behind_its_drugs(place))
        course = self.courses.current
        if not timed or beside is None or course is None or outline.pieces[beside] not in course.pieces:
            return
        left = outline.has(outline.before_in_stretch(beside, 2), "stopped")  # off Herceptin since 2023
        if not left and not outline.has(range(beside + 1, place), "stopped", "completed", "progression"):
            course.ongoing = True

    def _opens_what_goes_on(self, place: int) -> bool:
        """Whether 'since', or a span up to now, stands with its date right before the one line of its stretch: 'since
        May TCT', 'Jan 2024 to date TCT'."""
        outline, pieces = self.outline, self.outline.pieces
        drug = outline.drug_in_stretch_after(place)
        if drug is None or pieces[drug].asked or outline.stretch_start[place] != place:
            return False
        between = range(place + 1, drug)
        dated = bool(between) and all(
            pieces[at].kind == "date" or "month" in pieces[at].roles or pieces[at].key in (":", "on") for at in between
        )
        last = outline.last_of_list(drug)
        following = outline.drug_in_sentence_after(last)
        alone = following is None or not outline.joins(last, following)
        listed = any(pieces[at].key in ("and", ",") for at in range(drug, last))
        return dated and alone and not listed

    def _leads_to_its_drug(self, place: int) -> bool:
        """Whether a drug follows at once when it was begun: 'since six months the treatment with T-DXd'."""
        outline = self.outline
        drug = outline.drug_in_stretch_after(place)
        if drug is None or outline.has(outline.rest_of_stretch(drug), "stopped"):
            return False
        return all(outline.pieces[at].kind == "silent" or "joined" in outline.cues[at] for at in range(place + 1, drug))

    def _behind_its_drugs(self, place: int) -> int:
        """Where what dates drugs would stand without the commas before it: 'A, since June', 'A, 2nd line, since'."""
        outline = self.outline
        at = place
        while at > 1 and outline.stretch_start[at] == at and outline.pieces[at - 1].key in (",", "("):
            at -= 1
            if outline.pieces[at - 1].kind == "line" or "relapse" in outline.cues[at - 1]:  # A, metastatic, since 2021
                at -= 1
        return at

    def _governs_now(self, place: int) -> bool:
        """Whether a word of the present is followed by its drugs: 'currently third-line TCT'."""
        outline = self.outline
        following = outline.drug_in_stretch_after(place)
        if following is None or following in self.to_come or outline.pieces[following].asked:
            return False
        for at in range(place + 1, following):
            piece, cues = outline.pieces[at], outline.cues[at]
            if "after" in cues:  # T-DM1 ongoing after THP
                return False
            passed = (
                piece.kind in ("cycles", "number", "duration", "silent", "date", "line") or "linking" in piece.roles
            )
            passed = passed or "aside" in piece.kinds or piece.key in ("(", "-", ":", "=", "is")
            if not passed and not cues & {"maintenance", "joined", "ongoing", "cycles", "current"}:
                return False
        return True
