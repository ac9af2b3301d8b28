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


def _check(root: yaml.Node) -> None:
    seen: set[int] = set()
    waiting: list[tuple[yaml.Node, int]] = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        if id(node) in seen:
            raise PlainYamlError(f"line {node.start_mark.line + 1}: aliases are not read")
        seen.add(id(node))
        if depth > DEEPEST:
            raise PlainYamlError(f"line {node.start_mark.line + 1}: nested deeper than {DEEPEST}")
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    raise PlainYamlError(f"line {key.start_mark.line + 1}: a key must be a plain word")
                if key.value in keys:
                    raise PlainYamlError(f"line {key.start_mark.line + 1}: the key {key.value!r} stands twice")
                keys.add(key.value)
                waiting.append((value, depth + 1))
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend((item, depth + 1) for item in node.value)


def read_yaml(text: str) -> Any:
    """The one document in `text`. Raises PlainYamlError."""
    try:
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
