"""YAML as this project reads it: no duplicate keys, no aliases, no tags, bounded depth; `no` is a word.

Only true, false, null, whole numbers and ISO dates are anything but text. JSON is read the same way.
Built on libyaml where PyYAML brings it.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

DEEPEST = 24

_Base: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlainYamlError(ValueError):
    """The text is not YAML of this kind. The message names line and reason on one line."""


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("tag:yaml.org,2002:float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
    ("tag:yaml.org,2002:timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "bool", "null", "int", "float", "timestamp")
)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _bounded(text: str) -> None:
    """Refuse what is nested too deeply before it is composed: the C composer recurses, and ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise PlainYamlError(f"line {_line(event)}: nested deeper than {DEEPEST}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise PlainYamlError(f"line {_line(event)}: aliases are not read")


def _check(root: yaml.Node) -> None:
    waiting: list[yaml.Node] = [root]
    while waiting:
        node = waiting.pop()
        if node.tag not in _TAGS:
            raise PlainYamlError(f"line {node.start_mark.line + 1}: the tag {node.tag!r} is not read")
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    raise PlainYamlError(f"line {key.start_mark.line + 1}: a key must be a plain word")
                if key.value in keys:
                    raise PlainYamlError(f"line {key.start_mark.line + 1}: the key {key.value!r} stands twice")
                keys.add(key.value)
                waiting.append(value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def read_yaml(text: str) -> Any:
    """The one document in `text`. Raises PlainYamlError."""
    try:
        _bounded(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except PlainYamlError:
        raise
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise PlainYamlError(f"line {line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlainYamlError(f"not readable as YAML: {reason}") from None
