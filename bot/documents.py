"""Reads documents from outside: profiles, in YAML or JSON. What cannot be used is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.plain_yaml import PlainYamlError, read_yaml
from flows.profile import FIELDS, OPTIONS, Profile

LARGEST = 256 * 1024
"""Bytes a document may have. A profile is a few hundred."""

LARGEST_TEXT = 32 * 1024
"""Bytes of standard input that are looked at where a typed text is expected."""

LONGEST_PATH = 200
"""Signs of a field's name that are said back."""

OTHER_NAMES = {
    "metastatic_lines": "prior_lines", "lines": "prior_lines", "prior_therapies": "prior_lines",
    "previous_lines": "prior_lines", "therapies": "prior_lines", "brain_mets": "brain_metastases",
    "brain": "brain_metastases", "hormone_receptor_status": "hr_status", "hr": "hr_status", "er_status": "hr_status",
    "her2": "her2_status", "stage": "setting", "tdxd": "tdxd_access", "t_dxd_access": "tdxd_access",
    "ild": "ild_history", "ef": "lvef", "dpd": "dpd_deficiency", "dpyd": "dpd_deficiency",
    "ecog": "performance_status", "pregnant": "pregnancy", "medicines": "interacting_medicines",
    "renal": "renal_impairment", "hepatic": "hepatic_impairment", "country": "region",
    "adjuvant_agents": "early_stage_agents",
}  # fmt: skip
"""Names people use for fields that have another name here."""


class UnusableInput(ValueError):
    """The input cannot be used. The message names document, entry and field on one line."""


def read_text(name: str, largest: int = LARGEST) -> str:
    """The text of a file, or of standard input for `-`. Raises UnusableInput."""
    said = "standard input" if name == "-" else name
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(largest + 1)
        else:
            path = Path(name)
            if path.is_dir():
                raise UnusableInput(f"{said}: is a folder, expected a file")
            with path.open("rb") as file:
                raw = file.read(largest + 1)
    except OSError as error:
        raise UnusableInput(f"{said}: {error.strerror or error}") from None
    if len(raw) > largest:
        raise UnusableInput(f"{said}: larger than {largest // 1024} KiB")
    if b"\0" in raw:
        raise UnusableInput(f"{said}: is not text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableInput(f"{said}: is not UTF-8 text") from None


def read_typed(given: str, longest: int) -> str:
    """What somebody typed, or standard input for `-`. Raises UnusableInput, which repeats nothing of it."""
    text = read_text(given, LARGEST_TEXT) if given == "-" else given
    text = text.rstrip()
    if not text:
        raise UnusableInput("the text is empty")
    if len(text) > longest:
        raise UnusableInput(f"the text is longer than {longest} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableInput("the text is not UTF-8") from None
    return text


def read_document(name: str) -> Any:
    """The one YAML or JSON document of a file or standard input. Raises UnusableInput."""
    said = "standard input" if name == "-" else name
    try:
        return read_yaml(read_text(name))
    except PlainYamlError as error:
        raise UnusableInput(f"{said}: {error}") from None


def read_profile(name: str) -> Profile:
    """The profile in a file or on standard input. Raises UnusableInput."""
    said = "standard input" if name == "-" else name
    document = read_document(name)
    if document is None:
        raise UnusableInput(f"{said}: is empty, expected a profile document")
    if not isinstance(document, dict):
        raise UnusableInput(f"{said}: expected a mapping of profile fields, got {_kind(document)}")
    return profile_from(document, said)


def profile_from(document: dict[str, Any], said: str) -> Profile:
    """The profile of a mapping. Raises UnusableInput naming the field and what it allows."""
    try:
        return Profile.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "extra_forbidden":
            where = list(first["loc"])
            unknown = str(where[-1])
            allowed = FIELDS if len(where) == 1 else ("agents", "outcome")
            raise UnusableInput(
                f"{said}: {_path(where)}: there is no such field{_suggestion(unknown, allowed)}"
            ) from None
        where = [part for part in first["loc"] if isinstance(part, int) or part in (*FIELDS, "agents", "outcome")]
        field = str(where[0]) if where else "profile"
        raise UnusableInput(f"{said}: {_path(where)}: {_expected(field, first)}") from None


def _path(where: list[Any]) -> str:
    path = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in where)
    return "".join(
        sign if sign.isprintable() else "?" for sign in path[:LONGEST_PATH]
    )  # it must not steer the terminal


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", int: "a number", bool: "true or false"}.get(type(value), "something else")


def _expected(field: str, error: Any) -> str:
    given = error["input"]
    shown = f"{given!r}"[:60] if isinstance(given, str | int | float | bool) else _kind(given)
    if field == "months_since_adjuvant_her2":
        return f"{shown} is not a whole number of months from 0 to 720, or unknown"
    if error["type"] == "tuple_type" and (field == "early_stage_agents" or "agents" in error["loc"]):
        return f"expected a list of agents, or unknown, got {shown}"
    if field == "prior_lines" and error["type"] in ("model_type", "tuple_type"):
        return f"expected a list of lines, each with agents and outcome, got {shown}"
    if error["type"] == "too_long":
        return f"too many entries (at most {error['ctx']['max_length']})"
    if field in OPTIONS and error["type"] in ("literal_error", "tuple_type"):
        return f"{shown} is not one of {', '.join(OPTIONS[field])}{_suggestion(str(given), OPTIONS[field])}"
    expected = error.get("ctx", {}).get("expected")
    if expected:
        options = tuple(part.strip(" '") for part in expected.replace(" or ", ", ").split(","))
        listed = f"not one of {expected}" if len(options) < 8 else "not an agent this tool knows"
        return f"{shown} is {listed}{_suggestion(str(given), options)}"
    return str(error["msg"])


def _suggestion(given: str, allowed: tuple[str, ...]) -> str:
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (only where something is wrong)

    if OTHER_NAMES.get(given.lower()) in allowed:
        return f"; did you mean {OTHER_NAMES[given.lower()]}?"
    best = process.extractOne(given.lower(), allowed, scorer=fuzz.ratio, score_cutoff=70)
    return f"; did you mean {best[0]}?" if best else ""
