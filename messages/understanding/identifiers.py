"""What could identify a person in a typed text: then nothing of it is processed (S30).

Names introduced as such, dates of birth and full dates, record and telephone numbers, e-mail and postal addresses. Not
ages, doses, months and years of treatment, percentages, laboratory values. When in doubt, a text is held to identify.
"""

from __future__ import annotations

import re
import unicodedata

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_NUMBERED = (
    r"(?:hospital|hosp|patient|pat|pt|record|chart|case|file|insurance|policy|passport|unit|identity|admission"
    r"|fallnummer|account)"
)
_PERSON = r"(?:pt|patient|lady|woman|man|girl|boy|gentleman|she|he|who|name)"
_SCAN = (
    r"(?:brain|head|liver|spine|abdomen|breast|pelvis|imaging|scan|angio|shows?|showed|of|the|is|was|and|neg|clear"
    r"|normal)"
)
"""What follows 'mr' where it is magnetic resonance."""

_ADDRESSES = r"[\w.+-]@[\w-]{1,64}\.\w"
_RECORDS = (
    r"\b(?:mrn|nhs|ssn|nhi|chi)\b(?: ?(?:no|nr|number|num|id))?[^\w\n]{0,4}\w{0,3}\d{3}",
    rf"\b{_NUMBERED} ?(?:no|nr|number|num|id)\b[^\w\n]{{0,4}}(?:is )?\w{{0,3}}\d{{2}}",
    rf"\b{_NUMBERED} ?#[^\w\n]{{0,2}}\w{{0,3}}\d{{2}}",
    r"\b(?:record|chart|file|id)\b[^\w\n]{0,3}(?:is )?[a-z]{0,3}\d{4}",
    r"\b\d{3}-\d{2}-\d{4}\b",
)
_BIRTH = (
    r"\b(?:dob|d\.o\.b\.?|birth ?date|birthday|date of birth|geb|geboren|born)\b[^\w\n]{0,4}(?:is |on |in )?"
    rf"(?:{_DAY}\b|{_YEAR}|{_MONTH})",
)
_BORN = (
    r"\b(?:née?|nata|nato|nacid[ao]|nascid[ao]|geboren)\b[^\d\n]{0,8}\d{1,2}\b",
)  # fmt: skip
_RUNS = (
    r"(?<![\d.,])\d{9,}(?![\d.,])",  # a record's or a person's number, written without blanks
    r"\b(?:fall|akte|pesel|dni|cpf|nif|ahv)(?:-?nr)?\b[^\w\n]{0,3}\d{4}",
    r"(?<![\d.,/])0\d(?:[ .]\d\d){4}\b",
)
_TELEPHONES = (
    r"(?<!\w)(?:\+|00)\d[\d /()-]{7,20}\d",
    r"(?<![\d.,/])\(?0\d{2,4}\)?[ /-]?\d{3,4}[ /-]?\d{3,4}\b",
    r"\b\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}\b",
    r"\b(?:phone|tel|telephone|mobile|cell|call|ring|fax)\b[^\w\n]{0,3}(?:me |us |on |at |is |no |number ){0,2}"
    r"\+?\d[\d /()-]{5,20}",
)
_DATES = (
    rf"(?<!day )(?<!days )\b{_DAY}([./-]){_DAY}\1(?:{_YEAR}|\d\d)\b(?![./-]\d)",
    rf"\b{_YEAR}[./-](?:0?[1-9]|1[0-2])[./-]{_DAY}\b",
    rf"\b{_DAY}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}[ ,-]{{1,2}}{_YEAR}\b",
    rf"\b{_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}\b",
    rf"\b{_DAY}\.? {_MONTH} \d\d\b(?! ?(?:%|mg|cycles|months|weeks|x|/))",
    rf"(?<![\d./-])\b{_DAY}[. ] ?(?:0?[1-9]|1[0-2])[. ] ?(?:19|20)\d\d\b",
)
_NAMES = (
    rf"(?-i:\bM(?:R|RS|S)\.? (?=[A-Z]{{3,}}\b))(?!{_SCAN}\b)",
    r"(?-i:\b(?:Madame|Monsieur|Signor|Dna|Senhora)\b\.? [A-Z][a-z])",
    r"\bpatient: {0,2}(?-i:[A-Z][a-z]{2,} [A-Z][a-z]{2,}\b)",
    r"(?-i:\A[A-Z][a-zäöüßéèñç]{2,} [A-Z][a-zäöüßéèñç]{2,}), ?\d\d ?(?:f|m|yo|y|years?|j)\b",
    r"\b(?:mrs|mme|frau|herr|signora)\b\.? {1,3}(?!(?:with|who|has|is|was|on|and|had|mit|hat|ist|war|nach)\b)[a-z]",
    r"(?-i:\b(?:Mr|Ms|Miss|Sra|Mlle)\b\.? {1,3}[A-Z][a-z])",
    rf"(?-i:\bmr\b\.? {{1,3}})(?!{_SCAN}\b)[a-z]{{3}}",
    r"(?<!brand )(?<!drug )(?<!trade )(?<!generic )(?<!trial )\b(?:sur)?name(?: is|:| =) {0,3}[a-z]",
    rf"\b{_PERSON}(?: is| was|'s|,)? (?:called|named) (?-i:[A-Z][a-z])",
    r"(?:\A|[,.;(] ?)(?:called|named) (?-i:[A-Z][a-z])",
    r"\b(?:señor|señora|senora|senor|fru|pani)\b\.? {1,3}(?-i:[A-Z][a-z])",
    r"\bsurname:? (?-i:[A-Z][a-z])",
    r"\bpatient(?:'s)? name:? (?-i:[A-Z][a-z])",
    r"\bpatient (?-i:[A-Z][a-z]{2,}) (?:is|has|was|had)\b",
    r"\b(?:pt|patient),? (?-i:[A-Z][a-z]{2,} [A-Z]\.)",
    r"(?-i:\b[A-Z][a-z]{2,} [A-Z]\.),? {0,2}\d\d ?(?:yo|y|f|years?)\b",
    r"\blives? (?:at|in) \d{1,4} (?-i:[A-Z])",
    r"\b\d{1,4} (?-i:[A-Z][a-z]+) (?:street|road|avenue|lane)\b",
    r"\binitials\b:? (?-i:[A-Z]\.? ?[A-Z]\b)",
    r"\bpatient,? {1,2}(?!(?:brain|liver|lung|bone|her|with|has|is|was|on|after|mets|pd|progress))"
    r"(?-i:[A-Z][a-z]{2,} [A-Z][a-z]{2,}\b)",
)
_IDENTIFIERS = re.compile(
    "|".join((_ADDRESSES, *_RECORDS, *_BIRTH, *_BORN, *_RUNS, *_TELEPHONES, *_DATES, *_NAMES)), re.IGNORECASE
)
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_SCHEDULE = re.compile(r"\b(?:d ?|day ?|days ?)?1[/,]8(?:[/,]15(?:[/,]22)?)?\b")
"""Days of a cycle: no date."""


def holds_identifier(text: str) -> bool:
    """Whether a text holds something that looks like a name, a date, a number or an address of a person."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_DASHES)
    return _IDENTIFIERS.search(_SCHEDULE.sub(" ", plain)) is not None
