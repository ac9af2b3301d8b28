"""The worked example of docs/how-to/change-a-recommendation.md, made again: `python -m tests.worked_change`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from bot.cli import main as triage

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "how-to" / "change-a-recommendation.md"
PRINTED = re.compile(r"(```text\n\$ triage ([^\n]+)\n)(.*?)(```\n)", re.S)
"""A command that is shown with what it prints."""
LEFT_OUT = "[...]"
"""Marks where something was left out; what is left out is not compared."""


def page() -> str:
    return PAGE.read_text("utf-8")


def edit(text: str) -> tuple[str, str, str]:
    """The edit the page makes: the file below the knowledge, the lines as they are, and as they are to be."""
    shown = re.findall(r"```diff\n(.*?)```", text, re.S)[0]
    file = re.findall(r"^\+\+\+ draft/(\S+)", shown, re.M)[0]
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++", "@@"))]
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    return file, old, new


@contextmanager
def draft(text: str) -> Iterator[Path]:
    """A folder in which the commands of the page run: the knowledge as it is, and edited as `draft`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flows").symlink_to(ROOT / "flows")
        file, old, new = edit(text)
        for path in sorted((ROOT / "flows" / "knowledge").rglob("*.yaml")):
            copy = folder / "draft" / path.relative_to(ROOT / "flows" / "knowledge")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        edited = (folder / "draft" / file).read_text("utf-8")
        if edited.count(old) != 1:
            raise ValueError(f"the edit of the page does not fit {file}")
        (folder / "draft" / file).write_text(edited.replace(old, new), "utf-8")
        before = Path.cwd()
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def printed(command: str) -> str:
    """What a command prints, its hashes shortened."""
    done = CliRunner().invoke(triage, shlex.split(command))
    if done.exit_code:
        raise ValueError(f"triage {command}: {done.output}")
    return re.sub(r"(sha256:[0-9a-f]{8})[0-9a-f]+", rf"\1{LEFT_OUT}", done.stdout)


def main() -> None:
    """Write what the commands print now into the page, where nothing was left out by hand."""
    text = page()
    with draft(text):
        for whole, head, command, body, end in [(one[0], *one.groups()) for one in PRINTED.finditer(text)]:
            if f"\n{LEFT_OUT}\n" not in f"\n{body}":
                text = text.replace(whole, head + printed(command) + end)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
