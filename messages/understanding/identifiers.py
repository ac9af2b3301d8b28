"""What could identify a person in a typed text: then nothing of it is processed (S30).

Names introduced as such, dates of birth and full dates, record and telephone numbers, e-mail and postal addresses. Not
ages, doses, months and years of treatment, percentages, laboratory values. When in doubt, a text is held to identify.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_NUMBERED = (
    "hospital hosp patient pat pt record chart case file insurance policy passport unit identity admission"
    " fallnummer account"
)
_ANY_NUMBERED = f"(?:{_NUMBERED.replace(' ', '|')})"
_PERSON = r"(?:pt|patient|lady|woman|man|girl|boy|gentleman|she|he|who|name)"
_SCAN = (
    r"(?:brain|head|liver|spine|abdomen|breast|pelvis|imaging|scan|angio|shows?|showed|of|the|is|was|and|neg|clear"
    r"|normal)"
)
"""What follows 'mr' where it is magnetic resonance."""

_MONTHS = (
    "jan january feb february mar march apr april may jun june jul july aug august sep sept september oct october nov"
    " november dec december"
)
PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("@", (r"[\w.+-]@[\w-]{1,64}\.\w",)),
    ("dot", (r"\w (?:at|@) ?[\w-]{2,64} dot \w{2}",)),
    # records
    (
        "mrn nhs ssn nhi chi",
        (
            r"\b(?:mrn|nhs|ssn|nhi|chi)\b(?: ?(?:no|nr|number|num|id))?[^\w\n]{0,4}\w{0,3}\d{3}",
            r"\bmrn\b[^\w\n]{0,4}[a-z]{0,3}[-/]?\d{1,4}[-/]\d{2}",
        ),
    ),
    (
        _NUMBERED,
        (
            rf"\b{_ANY_NUMBERED}\.? ?(?:no|nr|number|num|id)\b[^\w\n]{{0,4}}(?:is )?\w{{0,3}}\d{{2}}",
            rf"\b{_ANY_NUMBERED} ?#[^\w\n]{{0,2}}\w{{0,3}}\d{{2}}",
        ),
    ),
    ("record chart file id", (r"\b(?:record|chart|file|id)\b[^\w\n]{0,3}(?:is )?[a-z]{0,3}\d{4}",)),
    ("fall akte pesel dni cpf nif ahv", (r"\b(?:fall|akte|pesel|dni|cpf|nif|ahv)(?:-?nr)?\b[^\w\n]{0,3}\d{4}",)),
    # birth
    (
        "dob d birth birthdate birthday geb geboren born",
        (
            r"\b(?:dob|d\.o\.b\.?|birth ?date|birthday|date of birth|geb|geboren|born)\b[^\w\n]{0,4}(?:is |on |in )?"
            rf"(?:{_DAY}\b|{_YEAR}|{_MONTH})",
        ),
    ),
    (
        "né née nata nato nacida nacido nascida nascido geboren",
        (r"\b(?:née?|nata|nato|nacid[ao]|nascid[ao]|geboren)\b[^\d\n]{0,8}\d{1,2}\b",),
    ),
    # names
    (
        "mr mrs ms miss mme sra mlle frau herr signora",
        (
            rf"(?-i:\bM(?:R|RS|S)\.? (?=[A-Z]{{3,}}\b))(?!{_SCAN}\b)",
            r"(?-i:\b(?:Mr|Ms|Miss|Sra|Mlle)\b\.? {1,3}[A-Z][a-z])",
            rf"(?-i:\bmr\b\.? {{1,3}})(?!{_SCAN}\b)[a-z]{{3}}",
            r"\b(?:mrs|mme|frau|herr|signora)\b\.? {1,3}"
            r"(?!(?:with|who|has|is|was|on|and|had|mit|hat|ist|war|nach)\b)[a-z]",
        ),
    ),
    ("mr mrs ms miss", (r"(?-i:\b(?:Mr|Mrs|Ms|Miss)\b\.? {0,2}[A-Z]\b)",)),
    (
        "dr prof professor",
        (r"(?-i:\b(?:[Dd]r|[Pp]rof|[Pp]rofessor)\b\.? {1,2}[A-Z][a-z]{1,30}\b)(?! ?[:?])",),
    ),
    (
        "nurse sister doctor oncologist pharmacist consultant surgeon colleague",
        (
            r"\b(?:nurse|sister|doctor|oncologist|pharmacist|consultant|surgeon|colleague),? (?-i:[A-Z][a-z]{2,30})"
            r" (?:says?|said|told|thinks?|reports?|reported|called|noted|writes|wrote|asks?|asked|wants|suggests?"
            r"|recommends?|saw)\b",
        ),
    ),
    (
        "madame monsieur signor dna senhora señor señora senora senor fru pani",
        (
            r"(?-i:\b(?:Madame|Monsieur|Signor|Dna|Senhora)\b\.? [A-Z][a-z])",
            r"\b(?:señor|señora|senora|senor|fru|pani)\b\.? {1,3}(?-i:[A-Z][a-z])",
        ),
    ),
    (
        "name surname",
        (
            r"(?<!brand )(?<!drug )(?<!trade )(?<!generic )(?<!trial )\b(?:sur)?name(?: is|:| =) {0,3}[a-z]",
            r"\bsurname:? (?-i:[A-Z][a-z])",
            r"\bpatient(?:'s)? name:? (?-i:[A-Z][a-z])",
        ),
    ),
    (
        "called named",
        (
            rf"\b{_PERSON}(?: is| was|'s|,)? (?:called|named) (?-i:[A-Z][a-z])",
            r"(?:\A|[,.;(] ?)(?:called|named) (?-i:[A-Z][a-z])",
        ),
    ),
    (
        "patient pt",
        (
            r"\bpatient: {0,2}(?-i:[A-Z][a-z]{2,} [A-Z][a-z]{2,}\b)",
            r"\bpatient (?-i:[A-Z][a-z]{2,}) (?:is|has|was|had)\b",
            r"\b(?:pt|patient),? (?-i:[A-Z][a-z]{2,} [A-Z]\.)",
            r"\b(?:pt|patient),? (?-i:[A-Z]\. ?[A-Z]\.)",
            r"\bpatient,? {1,2}(?!(?:brain|liver|lung|bone|her|with|has|is|was|on|after|mets|pd|progress))"
            r"(?-i:[A-Z][a-z]{2,} [A-Z][a-z]{2,}\b)",
        ),
    ),
    ("initials", (r"\binitials\b:? (?-i:[A-Z]\.? ?[A-Z]\b)",)),
    # where somebody lives, and telephones
    ("live lives", (r"\blives? (?:at|in) \d{1,4} (?-i:[A-Z])",)),
    ("address", (r"\baddress\b(?: is)?[: ]{1,3}\d{1,4}[a-z]? [a-z]",)),
    ("st rd ave blvd", (r"\b\d{1,4} (?-i:[A-Z][a-z]{2,30} (?:St|Rd|Ave|Blvd)\b)",)),
    ("street road avenue lane", (r"\b\d{1,4} (?-i:[A-Z][a-z]+) (?:street|road|avenue|lane)\b",)),
    (
        "phone tel telephone mobile cell call ring fax",
        (
            r"\b(?:phone|tel|telephone|mobile|cell|call|ring|fax)\b[^\w\n]{0,3}(?:me |us |on |at |is |no |number ){0,2}"
            r"\+?\d[\d /()-]{5,20}",
        ),
    ),
    # dates with a month's name
    (
        _MONTHS,
        (
            rf"\b{_DAY}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}[ ,-]{{1,2}}{_YEAR}\b",
            rf"\b{_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}\b",
            rf"\b{_DAY}\.? {_MONTH} \d\d\b(?! ?(?:%|mg|cycles|months|weeks|x|/))",
        ),
    ),
)
"""Words, and the patterns that hold one of them: a pattern is looked for only where one of its words is."""
NUMBERS = (
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"(?<![\d.,])\d{9,}(?![\d.,])",  # a record's or a person's number, written without blanks
    r"(?<![\d.,/])0\d(?:[ .]\d\d){4}\b",
    r"(?<!\w)(?:\+|00)\d[\d /()-]{7,20}\d",
    r"(?<![\d.,/])\(?0\d{2,4}\)?[ /-]?\d{3,4}[ /-]?\d{3,4}\b",
    r"\b\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}\b",
    rf"(?<!day )(?<!days )\b{_DAY}([./-]){_DAY}\1(?:{_YEAR}|\d\d)\b(?![./-]\d)",
    rf"\b{_YEAR}[./-](?:0?[1-9]|1[0-2])[./-]{_DAY}\b",
    rf"(?<![\d./-])\b{_DAY}[. ] ?(?:0?[1-9]|1[0-2])[. ] ?(?:19|20)\d\d\b",
)
"""Numbers and dates in digits: looked for only where digits follow one another with nothing but separators between."""
_RUN = re.compile(r"[+(]?\d[\d ./()-]{4,}")
"""Such a run: nothing of what is looked for reaches beyond it."""
_BESIDE = 8
"""Characters behind it that the patterns ask for, at most: 'cycles', 'months'."""
AGED = re.compile(
    r"(?-i:\A[A-Z][a-zäöüßéèñç]{2,} [A-Z][a-zäöüßéèñç]{2,}), ?\d\d ?(?:f|m|yo|y|years?|j)\b"
    r"|(?-i:\b[A-Z][a-z]{2,} [A-Z]\.),? {0,2}\d\d ?(?:yo|y|f|years?)\b",
    re.IGNORECASE,
)
"""A name before an age."""
_WORD = re.compile(r"[^\W\d_]+|@")


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_WORDED = tuple((frozenset(words.split()), _compiled(patterns)) for words, patterns in PATTERNS)
_NUMBERED_OR_DATED = _compiled(NUMBERS)
_OPENERS = frozenset().union(*(words for words, _ in _WORDED))
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_SCHEDULE = re.compile(r"\b(?:d ?|day ?|days ?)?1[/,]8(?:[/,]15(?:[/,]22)?)?\b")
"""Days of a cycle: no date."""


def normal(text: str) -> str:
    """A text as the patterns are looked for in it: one kind of dash and of digits, without the days of a cycle."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_DASHES)
    return _SCHEDULE.sub(" ", plain) if "1/8" in plain or "1,8" in plain else plain


def _identifies(text: str, run: re.Match[str]) -> bool:
    found = _NUMBERED_OR_DATED.search(text, run.start(), run.end() + _BESIDE)
    return found is not None and found.end() <= run.end()  # behind it the text seems to end where it does not


def holds_identifier(text: str) -> bool:
    """Whether a text holds something that looks like a name, a date, a number or an address of a person."""
    plain = normal(text)
    if AGED.search(plain) or any(_identifies(plain, run) for run in _RUN.finditer(plain)):
        return True
    found = _OPENERS.intersection(_WORD.findall(plain.lower()))
    return bool(found) and any(pattern.search(plain) for words, pattern in _WORDED if not words.isdisjoint(found))
