"""The rules of CDS Hooks 2.0 for what a service sends and takes, each with the section of the specification it is from.

Written from the text of the specification (https://cds-hooks.hl7.org/2.0/), which has no schema of its own for 2.0. A
document is checked into a list of faults; an empty list means that no rule here is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

INDICATORS = ("info", "warning", "critical")
TOKENS = {
    "patient-view": ("userId", "patientId", "encounterId"),
    "order-select": ("userId", "patientId", "encounterId"),
}
"""Fields of a hook's context that may stand in a prefetch template (the hooks' own pages)."""
USERS = ("userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId")
SERVICE = {
    "hook": True, "title": False, "description": True, "id": True, "prefetch": False, "usageRequirements": False,
}  # fmt: skip
CARD = {
    "uuid": False, "summary": True, "detail": False, "indicator": True, "source": True, "suggestions": False,
    "selectionBehavior": False, "overrideReasons": False, "links": False,
}  # fmt: skip
SOURCE = {"label": True, "url": False, "icon": False, "topic": False}
SUGGESTION = {"label": True, "uuid": False, "isRecommended": False, "actions": False}
ACTION = {"type": True, "description": True, "resource": False, "resourceId": False}
LINK = {"label": True, "url": True, "type": True, "appContext": False, "autolaunchable": False}
CODING = {"code": True, "system": True, "display": False}
FEEDBACK = {
    "card": True, "outcome": True, "acceptedSuggestions": False, "overrideReason": False, "outcomeTimestamp": True,
}  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def discovery_faults(document: Any) -> list[str]:
    """What is wrong with the answer of `GET {baseUrl}/cds-services` (Discovery, Response)."""
    return list(_discovery(document))


def response_faults(document: Any) -> list[str]:
    """What is wrong with the answer of a service (CDS Service Response)."""
    return list(_response(document))


def request_faults(document: Any) -> list[str]:
    """What is wrong with a call of a service (Calling a CDS Service, HTTP Request)."""
    return list(_request(document))


def feedback_faults(document: Any) -> list[str]:
    """What is wrong with feedback (Feedback)."""
    return list(_feedback(document))


def _discovery(document: Any) -> Iterator[str]:
    yield from _empty(document, "$", allowed=("$.services",))
    if not isinstance(document, dict) or not isinstance(document.get("services"), list):
        yield "Discovery, Response: an object with an array `services`"
        return
    yield from _attributes(document, {"services": True}, "$", "Discovery, Response")
    seen = set()
    for number, service in enumerate(document["services"]):
        where = f"$.services[{number}]"
        yield from _attributes(service, SERVICE, where, "Discovery, Response")
        if not isinstance(service, dict):
            continue
        for name in ("hook", "title", "description", "id", "usageRequirements"):
            yield from _string(service, name, where, "Discovery, Response")
        named = (service.get("hook"), service.get("id"))
        if named in seen:
            yield f"{where}: Discovery, Response: the same id twice for one hook"
        seen.add(named)
        yield from _prefetch(service, where)


def _prefetch(service: dict[str, Any], where: str) -> Iterator[str]:
    templates = service.get("prefetch", {})
    if not isinstance(templates, dict) or not all(isinstance(text, str) for text in templates.values()):
        yield f"{where}.prefetch: Prefetch Template: keys with FHIR queries as strings"
        return
    for key, text in templates.items():
        for token in re.findall(r"\{\{(.*?)\}\}", text):
            field = token.removeprefix("context.")
            if token not in USERS and (field == token or field not in TOKENS.get(str(service.get("hook")), (field,))):
                yield f"{where}.prefetch.{key}: Prefetch tokens: {token} is no field of the hook's context"
        if not re.fullmatch(r"[A-Z][A-Za-z]+(\?[^?]+|/[^?]+)|\{\{context\.\w+\}\}", text):
            yield f"{where}.prefetch.{key}: Prefetch query restrictions: a read, or a search of one type"


def _response(document: Any) -> Iterator[str]:
    yield from _empty(document, "$", allowed=("$.cards",))
    if not isinstance(document, dict) or not isinstance(document.get("cards"), list):
        yield "HTTP Response: an object with an array `cards`"
        return
    yield from _attributes(document, {"cards": True, "systemActions": False}, "$", "HTTP Response")
    identifiers: list[Any] = []
    for number, card in enumerate(document["cards"]):
        where = f"$.cards[{number}]"
        yield from _card(card, where)
        if isinstance(card, dict):
            identifiers += [card.get("uuid"), *(_get(part, "uuid") for part in _list(card.get("suggestions")))]
    known = [identifier for identifier in identifiers if identifier is not None]
    if len(set(map(str, known))) < len(known):
        yield "$.cards: Card Attributes: uuid is unique"
    for number, action in enumerate(_list(document.get("systemActions"))):
        yield from _action(action, f"$.systemActions[{number}]")


def _card(card: Any, where: str) -> Iterator[str]:
    yield from _attributes(card, CARD, where, "Card Attributes")
    if not isinstance(card, dict):
        return
    for name in ("uuid", "summary", "detail"):
        yield from _string(card, name, where, "Card Attributes")
    summary = str(card.get("summary", ""))
    if len(summary) >= 140 or "\n" in summary:
        yield f"{where}.summary: Card Attributes: one sentence of fewer than 140 characters"
    if card.get("indicator") not in INDICATORS:
        yield f"{where}.indicator: Card Attributes: one of {', '.join(INDICATORS)}"
    yield from _source(card.get("source"), f"{where}.source")
    suggestions = _list(card.get("suggestions"))
    behaviour = card.get("selectionBehavior")
    if suggestions and behaviour is None:
        yield f"{where}.selectionBehavior: Card Attributes: is needed with suggestions"
    if behaviour not in (None, "at-most-one", "any"):
        yield f"{where}.selectionBehavior: Card Attributes: at-most-one or any"
    recommended = sum(_get(suggestion, "isRecommended") is True for suggestion in suggestions)
    if behaviour == "at-most-one" and recommended > 1:
        yield f"{where}.suggestions: Suggestion: several recommended of which at most one may be chosen"
    for number, suggestion in enumerate(suggestions):
        yield from _suggestion(suggestion, f"{where}.suggestions[{number}]")
    for number, reason in enumerate(_list(card.get("overrideReasons"))):
        yield from _coding(reason, f"{where}.overrideReasons[{number}]", display=True)
    for number, link in enumerate(_list(card.get("links"))):
        yield from _link(link, f"{where}.links[{number}]")


def _source(source: Any, where: str) -> Iterator[str]:
    yield from _attributes(source, SOURCE, where, "Source")
    if isinstance(source, dict):
        yield from _string(source, "label", where, "Source")
        for name in ("url", "icon"):
            if name in source and not _absolute(source[name]):
                yield f"{where}.{name}: Source: an absolute URL"
        if "topic" in source:
            yield from _coding(source["topic"], f"{where}.topic")


def _suggestion(suggestion: Any, where: str) -> Iterator[str]:
    yield from _attributes(suggestion, SUGGESTION, where, "Suggestion")
    if isinstance(suggestion, dict):
        yield from _string(suggestion, "label", where, "Suggestion")
        if not isinstance(suggestion.get("isRecommended", False), bool):
            yield f"{where}.isRecommended: Suggestion: true or false"
        for number, action in enumerate(_list(suggestion.get("actions"))):
            yield from _action(action, f"{where}.actions[{number}]")


def _action(action: Any, where: str) -> Iterator[str]:
    yield from _attributes(action, ACTION, where, "Action")
    if not isinstance(action, dict):
        return
    kind = action.get("type")
    if kind not in ("create", "update", "delete"):
        yield f"{where}.type: Action: create, update or delete"
    if kind in ("create", "update") and not isinstance(_get(action.get("resource"), "resourceType"), str):
        yield f"{where}.resource: Action: {kind} needs the FHIR resource"
    if kind == "delete" and ("resource" in action or not isinstance(action.get("resourceId"), str)):
        yield f"{where}.resourceId: Action: delete names the resource, and holds none"


def _link(link: Any, where: str) -> Iterator[str]:
    yield from _attributes(link, LINK, where, "Link")
    if not isinstance(link, dict):
        return
    yield from _string(link, "label", where, "Link")
    if link.get("type") not in ("absolute", "smart"):
        yield f"{where}.type: Link: absolute or smart"
    if not _absolute(link.get("url")):
        yield f"{where}.url: Link: an absolute URL"
    if "appContext" in link and link.get("type") != "smart":
        yield f"{where}.appContext: Link: only where the type is smart"
    if not isinstance(link.get("autolaunchable", False), bool):
        yield f"{where}.autolaunchable: Link: true or false"


def _coding(coding: Any, where: str, *, display: bool = False) -> Iterator[str]:
    yield from _attributes(coding, CODING | {"display": display}, where, "Coding")
    if isinstance(coding, dict):
        for name in CODING:
            yield from _string(coding, name, where, "Coding")


def _request(document: Any) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "HTTP Request: an object"
        return
    known = {"hook": True, "hookInstance": True, "fhirServer": False, "fhirAuthorization": False, "context": True,
             "prefetch": False}  # fmt: skip
    yield from _attributes(document, known, "$", "HTTP Request")
    if not _uuid(document.get("hookInstance")):
        yield "$.hookInstance: HTTP Request: a UUID"
    if "fhirAuthorization" in document and not _absolute(document.get("fhirServer")):
        yield "$.fhirServer: HTTP Request: is needed with fhirAuthorization"
    context = document.get("context")
    if not isinstance(context, dict):
        yield "$.context: HTTP Request: an object"
        return
    wanted = ("userId", "patientId", *(("selections", "draftOrders") if document.get("hook") == "order-select" else ()))
    for name in wanted:
        if not context.get(name):
            yield f"$.context.{name}: the hook's context: required"
    if not re.fullmatch(r"[A-Z][A-Za-z]+/.+", str(context.get("userId", ""))):
        yield "$.context.userId: the hook's context: [ResourceType]/[id]"


def _feedback(document: Any) -> Iterator[str]:
    yield from _empty(document, "$")
    if not isinstance(document, dict) or not isinstance(document.get("feedback"), list):
        yield "Feedback: an object with an array `feedback`"
        return
    for number, entry in enumerate(document["feedback"]):
        where = f"$.feedback[{number}]"
        yield from _attributes(entry, FEEDBACK, where, "Feedback")
        if not isinstance(entry, dict):
            continue
        if entry.get("outcome") not in ("accepted", "overridden"):
            yield f"{where}.outcome: Feedback: accepted or overridden"
        if entry.get("outcome") == "accepted" and not all(
            isinstance(_get(part, "id"), str) for part in _list(entry.get("acceptedSuggestions")) or [None]
        ):
            yield f"{where}.acceptedSuggestions: Suggestion accepted: the ids of the suggestions"
        if not _TIME.fullmatch(str(entry.get("outcomeTimestamp", ""))):
            yield f"{where}.outcomeTimestamp: Feedback: a time in UTC (RFC 3339, 5.6)"
        reason = entry.get("overrideReason")
        if isinstance(reason, dict) and "reason" in reason:
            yield from _coding(reason["reason"], f"{where}.overrideReason.reason")


def _attributes(part: Any, known: dict[str, bool], where: str, section: str) -> Iterator[str]:
    """Required ones are there; others than the specification's only under `extension` (Extensions)."""
    if not isinstance(part, dict):
        yield f"{where}: {section}: an object"
        return
    for name, required in known.items():
        if required and name not in part:
            yield f"{where}.{name}: {section}: required"
    for name in part:
        if name not in known and name != "extension":
            yield f"{where}.{name}: Extensions: other attributes stand under `extension`"
    if not isinstance(part.get("extension", {}), dict):
        yield f"{where}.extension: Extensions: an object"


def _empty(part: Any, where: str, allowed: tuple[str, ...] = ()) -> Iterator[str]:
    """Null and empty JSON elements: an attribute without a value is left out."""
    if part is None or (part in ("", [], {}) and not isinstance(part, bool | int) and where not in allowed):
        yield f"{where}: Use of JSON: null or empty"
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from _empty(value, f"{where}.{name}", allowed)
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from _empty(value, f"{where}[{number}]", allowed)


def _string(part: dict[str, Any], name: str, where: str, section: str) -> Iterator[str]:
    if name in part and not isinstance(part[name], str):
        yield f"{where}.{name}: {section}: a string"


def _absolute(url: Any) -> bool:
    parts = urlsplit(url) if isinstance(url, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)


def _uuid(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(UUID(text))
    except ValueError:
        return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _get(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, dict) else None
