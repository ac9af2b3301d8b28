"""What a change of the knowledge does to advice, in words: the report of `triage knowledge diff`, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bot.documents import UnusableInput, profile_from
from bot.revisions import Version
from bot.verification import LIMIT, in_words
from flows.explanation.edits import Edit, Key
from flows.explanation.impact import Group, Impact, Moves, Share, Why
from flows.explanation.moves import HOLDS, Move, between
from flows.findings import GATE
from flows.plain_yaml import PlainYamlError, read_yaml
from flows.profile import Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from messages.words import Words, english

SHOWN = 10
"""Groups of classes that are written out, unless another number is asked for."""
STATUS: Mapping[str, str] = {
    "recommend": "a ranking", "conditional": "a ranking that rests on assumptions", "ask": "a question back",
    "refer": "a referral", "decline": "out of scope",
}  # fmt: skip
HOW: Mapping[str, str] = {"holds": "holds", "no longer": "no longer holds", "edited": "edited"}


class Case(NamedTuple):
    """One example case."""

    name: str
    profile: Profile
    gate: str | None


def read_cases(text: str, said: str) -> tuple[Case, ...]:
    """The cases of a document in the form of tests/examples.yaml. Raises UnusableInput."""
    try:
        document = read_yaml(text)
    except PlainYamlError as error:
        raise UnusableInput(f"{said}: {error}") from None
    listed = document.get("cases") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(case, dict) and "profile" in case for case in listed):
        raise UnusableInput(f"{said}: expected `cases`, a list of cases with id and profile")
    if wrong := next((case["gate"] for case in listed if case.get("gate") not in (None, *GATE)), None):
        raise UnusableInput(f"{said}: gate: {wrong!r} is not one of {', '.join(GATE)}")
    return tuple(
        Case(name := str(case.get("id", f"case {number}")), profile_from(case["profile"], f"{said}: {name}"),
             case.get("gate"))
        for number, case in enumerate(listed, 1)
    )  # fmt: skip


def unchanged(old: Version, new: Version) -> str:
    """What is said where both are the same knowledge."""
    return (
        f"`{old.named}` and `{new.named}` are the same knowledge ({new.knowledge.manifest.date}, "
        f"{new.knowledge.digest}): nothing changes.\n"
    )


def report(
    old: Version, new: Version, impact: Impact, cases: Iterable[Case] = (), shares: Iterable[Share] = (),
    shown: int = SHOWN,
) -> str:  # fmt: skip
    """The report of a change, in Markdown."""
    told = _Telling(old, new, impact)
    lines = [*told.head(tuple(shares)), *told.invariants(), *told.cases(tuple(cases)), *told.groups(shown)]
    lines += told.entries()
    return "".join(f"{line}\n" for line in lines)


class _Telling:
    """One report while it is written."""

    def __init__(self, old: Version, new: Version, impact: Impact) -> None:
        self.old, self.new, self.impact = old, new, impact
        self.words: tuple[Words, Words] = english(old.knowledge), english(new.knowledge)

    def head(self, shares: tuple[Share, ...]) -> Iterator[str]:
        yield "# What this change of the knowledge does to advice"
        yield ""
        yield "| | version | dated | digest |"
        yield "|---|---|---|---|"
        for side, version in (("old", self.old), ("new", self.new)):
            yield f"| {side} | `{version.named}` | {version.knowledge.manifest.date} | `{version.knowledge.digest}` |"
        yield ""
        impact = self.impact
        yield (
            f"**{impact.changed:,} of {impact.classes:,} classes of profiles get other advice.** "
            "These are classes, not patients: how many patients are in one, nobody has counted."
        )
        yield ""
        part = next((share.every for share in shares if len(shares) == 1 and share.every > 1), 0)
        if part:
            yield (
                f"Looked at is a sample: the short treatment histories only, one in {part} of them. "
                "A class that is not in it may change too."
            )
            yield ""
        yield (
            f"{impact.histories:,} treatment histories, over the same space as `triage verify`, told apart by every "
            "condition of either version that decides and by every condition of an edited entry. Compared are status "
            "and reasons, options, order, tiers, decision rows, steps, exclusions, whether anything is assumed, "
            "cautions, verdicts of fit, principles and pitfalls; wording, facts and grades are listed under entries."
        )
        yield ""
        yield LIMIT

    def invariants(self) -> Iterator[str]:
        if self.impact.broken:
            yield ""
            yield "## Invariants that held and do not hold any more"
            yield ""
            for (invariant, what), (count, answers) in sorted(self.impact.broken.items()):
                yield f"- **{invariant}**: {what}. {_classes(count)}; the simplest: {self._profile(answers)}."
        else:
            yield ""
            yield "No invariant is broken that held before."

    def cases(self, cases: tuple[Case, ...]) -> Iterator[str]:
        if not cases:
            return
        found = []
        for case in cases:
            advice = self._advice(case.profile, case.gate)
            if moves := between(*advice):
                found.append((case, moves, advice))
        yield ""
        yield "## Example cases"
        yield ""
        if not found:
            yield f"None of the {len(cases)} example cases gets other advice."
        else:
            yield f"{len(found)} of {len(cases)} example cases get{'s' if len(found) == 1 else ''} other advice."
        for case, moves, advice in found:
            yield ""
            yield f"### {case.name}"
            yield ""
            yield from (f"- {line}" for line in self.said(moves))
            yield from self._rankings(*advice)

    def groups(self, shown: int) -> Iterator[str]:
        largest = self.impact.largest()
        if not largest:
            return
        counted: Counter[str] = Counter()
        for moves, group in largest:
            counted.update(dict.fromkeys(self.said(moves), group.classes))
        yield ""
        yield "## In all"
        yield ""
        yield "| classes | what changes |"
        yield "|---:|---|"
        most = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
        yield from (f"| {count:,} | {said} |" for said, count in most[:shown])
        if len(most) > shown:
            yield f"| | and {len(most) - shown} more |"
        yield ""
        yield "## What changes together, the most classes first"
        for moves, group in largest[:shown]:
            yield from self._group(moves, group)
        if len(largest) > shown:
            rest = sum(group.classes for _, group in largest[shown:])
            yield ""
            yield f"{len(largest) - shown} more groups, {_classes(rest)}, are not written out (`--groups`)."

    def _group(self, moves: Moves, group: Group) -> Iterator[str]:
        yield ""
        yield f"### {_classes(group.classes)}"
        yield ""
        yield from (f"- {line}" for line in self.said(moves))
        yield ""
        yield f"Because of: {'; '.join(self._why(group)) or 'agents or fields that no single entry stands for'}."
        yield ""
        yield f"The simplest of them: {self._profile(group.example)}."
        yield from self._rankings(*self._advice(Profile.model_validate(group.example), None))

    def _why(self, group: Group) -> list[str]:
        """The entries behind a group: those that were edited first, then those that follow."""
        touched = self.impact.edits.touched

        def weight(one: tuple[Why, int]) -> tuple[bool, int, Why]:
            return ((one[0].kind, one[0].entry) not in touched, -one[1], one[0])

        said = []
        for why, count in sorted(group.why.items(), key=weight):
            share = "" if count == group.classes else f" ({count:,} classes)"
            said.append(f"{self._entry((why.kind, why.entry))} {HOW[why.how]}{share}")
        return said

    # ---- entries

    def entries(self) -> Iterator[str]:
        found = self.impact.edits
        yield ""
        yield "## Entries"
        if not found.touched:
            yield ""
            yield "No entry differs; the manifest, or how the files are written, does."
        listed = [
            f"- {title}: {key[0]} `{key[1]}`{self._used(key) if title == 'added' else ''}"
            for title, keys in (("added", found.added), ("retired", found.retired), ("removed", found.removed))
            for key in keys
        ]
        yield from ["", *listed] if listed else ()
        behind = {(why.kind, why.entry) for group in self.impact.groups.values() for why in group.why}
        titles = {True: "Edited, and behind a change above:", False: "Edited, without any such effect:"}
        for effect, title in titles.items():
            listed = [
                f"- {key[0]} `{key[1]}`: {'; '.join(map(_edit, found.changed[key]))}{self._used(key)}"
                for key in found.changed
                if (key in behind) == effect
            ]
            yield from ["", title, "", *listed] if listed else ()

    def _used(self, key: Key) -> str:
        if key in self.impact.used:
            return f" (used for {_classes(self.impact.used[key])})"
        return " (its classes are not counted)"

    def _entry(self, key: Key) -> str:
        found = self.impact.edits
        how = next((f" ({title})" for title, keys in (("added", found.added), ("retired", found.retired),
                    ("removed", found.removed)) if key in keys), "")  # fmt: skip
        return f"{key[0]} `{key[1]}`{how}"

    # ---- answers

    def _advice(self, profile: Profile, gate: str | None) -> tuple[Advice, Advice]:
        return recommend(profile, self.old.knowledge, gate), recommend(profile, self.new.knowledge, gate)

    def _profile(self, answers: dict[str, Any]) -> str:
        return in_words(answers, self.words[1])

    def _rankings(self, old: Advice, new: Advice) -> Iterator[str]:
        """Both answers side by side, down to the last option that differs."""
        most = max(len(old.options), len(new.options))
        pairs = [(self._option(old, place, 0), self._option(new, place, 1)) for place in range(most)]
        last = max((place for place, (was, now) in enumerate(pairs, 1) if was != now), default=0)
        yield ""
        if not last and old.status == new.status:
            yield f"The ranking is as it was ({most} options)." if most else "Nothing is ranked, as before."
            return
        yield "| | was | is |"
        yield "|---|---|---|"
        yield f"| status | {STATUS[old.status]} | {STATUS[new.status]} |"
        for place, (was, now) in enumerate(pairs[:last], 1):
            yield f"| {place} | {was} | {now} |"
        if last < most:
            yield f"| {last + 1}{f' to {most}' if last + 1 < most else ''} | as is | unchanged |"

    def _option(self, advice: Advice, place: int, side: int) -> str:
        if place >= len(advice.options):
            return ""
        option = advice.options[place]
        return f"{option.regimen.short} ({self.words[side].vocabulary.tiers[option.tier]}, {option.row.id})"

    def said(self, moves: Iterable[Move]) -> list[str]:
        """What changes, a sentence each, in a fixed order."""
        lines: list[str] = []
        by_kind: dict[str, list[Move]] = {}
        for move in sorted(moves):
            by_kind.setdefault(move.kind, []).append(move)
        for move in by_kind.get("status", ()):
            lines.append(f"the answer is {STATUS[move.now]}; it was {STATUS[move.was]}")
        lines += [f"stop `{move.subject}` {_held(move, 'holds')}" for move in by_kind.get("reason", ())]
        lines += [f"{self.name(move.subject)} {_held(move, 'is an option')}" for move in by_kind.get("option", ())]
        for move in by_kind.get("first", ()):
            lines.append(f"{self.name(move.now)} is first; it was {self.name(move.was)}")
        lines += self._order(by_kind.get("order", ()))
        for move in by_kind.get("tier", ()):
            tiers = self.words[1].vocabulary.tiers
            lines.append(f"{self.name(move.subject)}: {tiers[move.now]}; it was {tiers[move.was]}")
        for move in by_kind.get("row", ()):
            lines.append(f"{self.name(move.subject)} is placed by `{move.now}`; it was by `{move.was}`")
        lines += [f"step {self.name(move.subject)} {_held(move, 'is named')}" for move in by_kind.get("step", ())]
        lines += self._excluded(by_kind.get("excluded", ()))
        lines += self._cautions(by_kind.get("caution", ()))
        for move in by_kind.get("fit", ()):
            was, now = move.was or "not stated", move.now or "not stated"
            lines.append(f"{self.name(move.subject)}, fit to the trial population: {now}; it was {was}")
        for kind in ("principle", "pitfall"):
            lines += [f"{kind} `{move.subject}` {_held(move, 'is shown')}" for move in by_kind.get(kind, ())]
        return lines

    def _order(self, moves: Iterable[Move]) -> Iterator[str]:
        """Changes of order, each as the one that moved past the others."""
        pairs = {(move.subject, move.was) for move in moves}
        while pairs:
            counted: Counter[tuple[str, int]] = Counter()
            for sooner, later in pairs:
                counted.update(((sooner, 0), (later, 1)))
            (name, side), _ = min(counted.items(), key=lambda one: (-one[1], one[0]))
            passed = sorted(pair for pair in pairs if pair[side] == name)
            others = ", ".join(self.name(pair[1 - side]) for pair in passed)
            where = ("after", "before") if side == 0 else ("before", "after")
            yield f"{self.name(name)} comes {where[0]} {others}; it came {where[1]}"
            pairs -= set(passed)

    def _excluded(self, moves: Iterable[Move]) -> Iterator[str]:
        ruled: dict[tuple[str, bool], list[str]] = {}
        for move in moves:
            ruled.setdefault((move.was or move.now, bool(move.now)), []).append(self.name(move.subject))
        for (rule, now), names in ruled.items():
            yield f"`{rule}` {'excludes' if now else 'no longer excludes'} {', '.join(names)}"

    def _cautions(self, moves: Iterable[Move]) -> Iterator[str]:
        given: dict[tuple[str, str, str], list[str]] = {}
        for move in moves:
            regimen, rule = move.subject.split(": ", 1)
            given.setdefault((rule, move.was, move.now), []).append(self.name(regimen))
        for (rule, was, now), names in given.items():
            how = "is shown" if not was else "is no longer shown" if not now else f"is {now}, it was {was}"
            yield f"caution `{rule}` {how} on {', '.join(names)}"

    def name(self, regimen: str) -> str:
        """A regimen's name in either knowledge."""
        for words in reversed(self.words):
            if regimen in words.knowledge.regimens:
                return words.knowledge.regimens[regimen].short
        return regimen


def _held(move: Move, what: str) -> str:
    verb, _, rest = what.partition(" ")
    if move.now == HOLDS:
        return f"{verb} {rest}".rstrip() + " now"
    return f"no longer {what}" if not rest else f"{verb} no longer {rest}"


def _classes(count: int) -> str:
    return f"{count:,} class{'' if count == 1 else 'es'}"


def _edit(edit: Edit) -> str:
    if edit.was and edit.now:
        return f"`{edit.path}`: {edit.was} → {edit.now}"
    return f"`{edit.path}`"
