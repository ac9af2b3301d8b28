"""Which of some mutants the type checker notices, as `make types` does.

A mutated function is set behind the one it was made of, and mypy reads all of them at once: a tenth of a second each,
where all the texts that such a mutant does not change take a minute.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from pathlib import Path

_ERROR = re.compile(r"^(?P<path>[^:]+\.py):(?P<line>\d+): error: ")
_MUTANT = re.compile("x(_|\u01c1(?P<owner>.*)\u01c1)(?P<name>.*)__mutmut_\\d+")
"""How mutmut names a mutant, after the class and the function."""


def caught_by_types(names: list[str], package: str, project: Path, mutated: Path, python: Path) -> set[str]:
    """Those among mutants in whose lines mypy finds an error.

    `project` is a copy of the project whose modules are overwritten, `mutated` the same as mutmut wrote it.
    A SystemExit tells that mypy failed, or complains of what is no mutant.
    """
    by_module: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        module, _, function = name.rpartition(".")
        by_module[module].append(function)
    lines: dict[tuple[str, int], str] = {}
    for module, functions in by_module.items():
        path = Path(*module.split(".")).with_suffix(".py")
        text, found = _with_mutants((project / path).read_text("utf-8"), (mutated / path).read_text("utf-8"), functions)
        (project / path).write_text(text, "utf-8")
        lines |= {(str(path), line): f"{module}.{function}" for line, function in found.items()}
    command = [python, "-m", "mypy", "--no-pretty", "--hide-error-context", "-p", Path(package).parts[0]]
    ran = subprocess.run(command, cwd=project, text=True, capture_output=True, check=False)
    caught: set[str] = set()
    for line in ran.stdout.splitlines():
        if error := _ERROR.match(line):
            mutant = lines.get((error["path"], int(error["line"])))
            if mutant is None:
                raise SystemExit(f"not of a mutant: {line}")
            caught.add(mutant)
    if ran.returncode and not caught:
        raise SystemExit(f"mypy failed: {ran.stdout}{ran.stderr}")
    return caught


def _with_mutants(written: str, mutated: str, functions: list[str]) -> tuple[str, dict[int, str]]:
    """A module with mutants of its functions, each right behind the function; and of which mutant each such line is."""
    theirs = mutated.splitlines()
    places = {name: (node.lineno - 1, node.end_lineno or 0) for (_, name), node in _functions(mutated).items()}
    ends = {name: node.end_lineno or 0 for name, node in _functions(written).items()}
    behind: defaultdict[int, list[str]] = defaultdict(list)
    for function in functions:
        _, owner, name = _MUTANT.fullmatch(function).groups()  # type: ignore[union-attr]
        behind[ends[owner or "", name]].append(function)
    lines: list[str] = []
    found: dict[int, str] = {}
    for number, line in enumerate(written.splitlines(), 1):
        lines.append(line)
        for function in behind[number]:
            start, end = places[function]
            found |= dict.fromkeys(range(len(lines) + 1, len(lines) + 1 + end - start), function)
            lines += theirs[start:end]
    return "\n".join((*lines, "")), found


def _functions(text: str) -> dict[tuple[str, str], ast.FunctionDef]:
    """Every function and method of a module by its class and name."""
    found = {}
    for node in ast.parse(text).body:
        for each in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(each, ast.FunctionDef):
                found[node.name if isinstance(node, ast.ClassDef) else "", each.name] = each
    return found
