"""Asks an independent reading of the Bot API, aiogram's generated models, about what was sent. It has an environment of
its own, since aiogram needs another pydantic than the program does: see .ci/oracle.

The import of aiogram takes some seconds: a process that has it is kept, and forks one for each question.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot.standin import Call, StandIn

Json = dict[str, Any]
ROOT = Path(__file__).parent.parent
CHECK = ROOT / ".ci" / "oracle" / "check.py"
MISSING = "the oracle's environment is missing: make .venv-oracle"


def need_oracle() -> Path:
    """The Python that has aiogram. Skips the test where there is none; where everything is checked, that fails."""
    python = Path(os.environ.get("TRIAGE_ORACLE_PYTHON") or ROOT / ".venv-oracle" / "bin" / "python")
    if not python.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    return python


_FORKS = """
import os, runpy, sys
from aiogram import enums, methods, types
for line in sys.stdin:
    if not (process := os.fork()):
        for number, name in enumerate(line.rstrip("\\n").split("\\0")):
            os.dup2(os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
        runpy.run_path(sys.argv[1], run_name="__main__")
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""
"""Runs check.py once for each line, which names the files its standard streams are to be."""


@cache
def _oracle(python: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [python, "-I", "-c", _FORKS, CHECK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    atexit.register(process.communicate)
    return process


def ask_oracle(lines: Iterable[Json | str]) -> subprocess.CompletedProcess[str]:
    """What it answers to these lines: problems, then the count of what was checked."""
    process = _oracle(need_oracle())
    assert process.stdin is not None
    assert process.stdout is not None
    with TemporaryDirectory() as folder:
        given, said, wrong = (Path(folder) / name for name in ("given", "said", "wrong"))
        given.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
        said.touch()
        wrong.touch()
        process.stdin.write("\0".join(map(str, (given, said, wrong))) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess([CHECK], code, said.read_text("utf-8"), wrong.read_text("utf-8"))


def consult_oracle(lines: Iterable[Json]) -> None:
    """Fails unless every one of these calls and updates is one of the Bot API, and there is a call among them."""
    answer = ask_oracle(lines)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def line_of(call: Call) -> Json:
    """A call as the oracle reads it: of its files only the names."""
    params = {name: value for name, value in call.params.items() if not isinstance(value, tuple)}
    inside = [name for name, file in call.files.items() if file not in call.params.values()]
    files = sorted(call.params.keys() - params.keys()) + inside
    return {"method": call.method, "params": params, **({"files": files} if files else {})}


def lines_of(server: StandIn) -> list[Json]:
    """All that went to and fro, but for polls, which the stand-in does not keep."""
    return [line_of(call) for call in server.calls] + [{"update": update} for update in server.updates]
