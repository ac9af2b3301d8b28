"""Checks calls and updates of the Bot API, one JSON object a line, against the models aiogram generates from its docs.

{"method": "sendMessage", "params": {...}}: a call; "files": [...] names what was uploaded with it, each by its
parameter or by what follows attach://. {"update": {...}}: an update. Run by the Python of .venv-oracle, which has
what requirements.txt beside this file locks. Exit status: 0, all is right; 1, there are problems, or there was no call
to check; 2, the input cannot be used.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import aiogram
from aiogram import enums, methods, types
from aiogram.client.default import Default
from pydantic import BaseModel, ValidationError

Json = dict[str, Any]
Model = type[BaseModel]
ATTACHED = "attach://"
CALLS: dict[str, Model] = {
    found.__api_method__: found for name in methods.__all__ if name != "TelegramMethod"
    if "__api_method__" in vars(found := getattr(methods, name))
}  # fmt: skip
"""The methods there are, each by the name it is called with."""
NAMED: dict[tuple[str, str], type[Enum]] = {
    ("Chat", "type"): enums.ChatType,
    ("GetUpdates", "allowed_updates"): enums.UpdateType,
    ("InlineKeyboardButton", "style"): enums.ButtonStyle,
    ("MessageEntity", "type"): enums.MessageEntityType,
    ("Poll", "type"): enums.PollType,
    ("SendChatAction", "action"): enums.ChatAction,
    ("SetWebhook", "allowed_updates"): enums.UpdateType,
    ("Sticker", "type"): enums.StickerType,
}
"""Fields that the models leave as any text, although only some words may stand there."""


class Unusable(Exception):
    """The input is not what this program reads."""


class Field(NamedTuple):
    """What a model says of one key."""

    kind: Any
    required: bool
    deprecated: bool


@cache
def fields(model: Model) -> dict[str, Field]:
    """The keys of a model as they are sent, which is not always what aiogram calls them."""
    model.model_rebuild()
    return {
        info.alias or name: Field(
            _kind(model, name, info.annotation),
            info.is_required() or (get_origin(info.annotation) is Literal and info.default is not None),
            isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("deprecated")),
        )
        for name, info in model.model_fields.items()
    }


def _kind(model: Model, name: str, annotation: Any) -> Any:
    words = enums.ParseMode if name.endswith("parse_mode") else NAMED.get((model.__name__, name))
    if words is None:
        return annotation
    word: Any = Literal[tuple(one.value for one in words)]
    return list[word] if any(get_origin(one) is list for one in alternatives(annotation)) else word


def alternatives(kind: Any) -> list[Any]:
    """What a value may be, one by one. What only programs pass to aiogram, and nobody sends, is left out."""
    if hasattr(kind, "__value__"):
        return alternatives(kind.__value__)
    if get_origin(kind) is Annotated:
        return alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [one for part in get_args(kind) for one in alternatives(part)]
    if kind in (NoneType, Default, timedelta):
        return []
    return [int if kind is datetime else kind]


def wrong(value: Any, kind: Any, at: str, files: set[str]) -> list[str]:
    """What is wrong with a value, at every level, where it has to be of that kind."""
    kinds = alternatives(kind)
    if isinstance(value, dict) and (models := [one for one in kinds if _is_model(one)]):
        return wrong_with(value, _meant(value, models), at, files)
    if isinstance(value, list) and (lists := [one for one in kinds if get_origin(one) is list]):
        tries = [
            [problem for index, one in enumerate(value) for problem in wrong(one, part, f"{at}[{index}]", files)]
            for (part,) in map(get_args, lists)
        ]
        return min(tries, key=len)
    if any(_is(value, one, kinds, files) for one in kinds):
        return []
    return [f"{at}: {value!r:.80} is not {' or '.join(map(_called, kinds))}"]


def wrong_with(value: Json, model: Model | str, at: str, files: set[str]) -> list[str]:
    """What is wrong with an object that has to be such a one. `model` may be why it cannot be any."""
    if isinstance(model, str):
        return [f"{at}: {model}"]
    known = fields(model)
    place = f"{at}." if at else ""
    problems = [f"{place}{key}: missing, {model.__name__} needs it"
                for key, field in known.items() if field.required and key not in value]  # fmt: skip
    for key, one in value.items():
        if key not in known:
            problems.append(f"{place}{key}: not known to {model.__name__}")
        elif known[key].deprecated:
            problems.append(f"{place}{key}: deprecated in {model.__name__}")
        else:
            problems += wrong(one, known[key].kind, f"{place}{key}", files)
    return problems


def _meant(value: Json, models: list[Model]) -> Model | str:
    """Which of several models an object has to be: by its type, else by what it has the least wrong with."""
    if len(models) == 1:
        return models[0]
    fitting: list[tuple[int, int, Model]] = []
    signs: dict[str, Any] = {}
    for model in models:
        said = {key: field.kind for key, field in fields(model).items()
                if field.required and get_origin(field.kind) is Literal}  # fmt: skip
        signs |= {key: value.get(key) for key in said}
        if all(key in value and _is(value[key], kind, [kind], set()) for key, kind in said.items()):
            fitting.append((-len(said), len(wrong_with(value, model, "", set())), model))
    if fitting:
        return min(fitting, key=lambda one: one[:2])[2]
    has = ", ".join(f"{key} {one!r:.40}" for key, one in signs.items())
    return f"with {has} it is none of {', '.join(one.__name__ for one in models)}"


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is(value: Any, kind: Any, among: list[Any], files: set[str]) -> bool:
    """Whether a value that has no parts is of that kind, which is one of those there."""
    attached = isinstance(value, str) and value.startswith(ATTACHED)
    if kind is types.InputFile:
        return attached and value.removeprefix(ATTACHED) in files
    if kind is str and attached and (types.InputFile in among or value.removeprefix(ATTACHED) in files):
        return False  # a file, or no file at all: never a text
    if kind is str and int in among:
        return isinstance(value, str) and re.fullmatch(r"@\w+", value) is not None  # a chat, by its name
    if get_origin(kind) is Literal:
        plain = [one.value if isinstance(one, Enum) else one for one in get_args(kind)]
        return any(type(value) is type(one) and value == one for one in plain)
    if kind is float:
        return type(value) in (int, float)
    if kind in (int, bool, str):
        return type(value) is kind
    if _is_model(kind) or get_origin(kind) is list:
        return False
    raise TypeError(f"no rule says what is a {kind}")


def _called(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(repr(one.value if isinstance(one, Enum) else one) for one in get_args(kind))
    if kind is types.InputFile:
        return "an uploaded file"
    return "a list" if get_origin(kind) is list else kind.__name__


def wrong_call(method: str, params: Json, files: list[str]) -> list[str]:
    """What is wrong with a call."""
    model = CALLS.get(method)
    if model is None:
        return ["there is no such method"]
    params = {**{name: ATTACHED + name for name in files if name in fields(model)}, **params}
    referred = {one.removeprefix(ATTACHED) for one in _texts(params) if one.startswith(ATTACHED)}
    problems = wrong_with(params, model, "", set(files))
    problems += [f"nothing takes the uploaded file {name!r}" for name in files if name not in referred]
    return problems or ([] if files else _refused(model, params))


def wrong_update(update: Json) -> list[str]:
    """What is wrong with an update."""
    problems = wrong_with(update, types.Update, "", set())
    kinds = sorted(update.keys() - {"update_id"})
    if len(kinds) != 1:
        problems.append(f"one thing is expected to have happened, not {len(kinds)}: {', '.join(kinds)}")
    return problems or _refused(types.Update, update)


def _refused(model: Model, value: Json) -> list[str]:
    """What the model itself refuses: it may have rules beyond its fields."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return []


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def read(line: bytes) -> tuple[str, Json, list[str]]:
    """The method, "" for an update; what it carries; the files that came with it. Raises Unusable."""
    try:
        given = json.loads(line)
    except ValueError as error:
        raise Unusable(f"not JSON: {error}") from None
    match given:
        case {"method": str(method), "params": dict(params), **rest} if method and rest.keys() <= {"files"}:
            files = rest.get("files", [])
            if isinstance(files, list) and all(isinstance(name, str) for name in files):
                return method, params, files
            raise Unusable("files has to be a list of names")
        case {"update": dict(update), **rest} if not rest:
            return "", update, []
    raise Unusable('neither {"method": ..., "params": {...}} nor {"update": {...}}')


def check(lines: Iterable[bytes]) -> int:
    """Print what is wrong, and how much that is. Returns the exit status. Raises Unusable."""
    calls = updates = problems = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            method, carried, files = read(line)
        except Unusable as error:
            raise Unusable(f"line {number}: {error}") from None
        calls, updates = calls + bool(method), updates + (not method)
        found = wrong_call(method, carried, files) if method else wrong_update(carried)
        for problem in found:
            print(f"line {number}: {method or 'update'}: {problem}")
        problems += len(found)
    print(f"{calls} calls, {updates} updates checked against aiogram {aiogram.__version__} "
          f"(Bot API {aiogram.__api_version__}): {problems} problems")  # fmt: skip
    return 1 if problems or not calls else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        sys.exit(check(sys.stdin.buffer))
    except Unusable as unusable:
        print(unusable, file=sys.stderr)
        sys.exit(2)
