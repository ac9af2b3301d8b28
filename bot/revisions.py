"""A version of the knowledge by the name of a folder, or of a git revision of the repository one stands in."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bot.documents import UnusableInput
from flows.knowledge.load import Knowledge, KnowledgeError, load

IN_REPOSITORY = "flows/knowledge"
CASES = "tests/examples.yaml"


class Version(NamedTuple):
    """One version of the knowledge: what it was called, and the example cases that stand beside it, as text."""

    named: str
    knowledge: Knowledge
    cases: str | None


def read_version(name: str) -> Version:
    """The knowledge of a folder, or of a git revision where there is no such folder. Raises UnusableInput."""
    if not name.strip():
        raise UnusableInput("a folder of knowledge or a git revision is expected, not an empty name")
    folder = Path(name)
    if _is_folder(folder):
        beside = folder.resolve().parent.parent / CASES
        cases = beside.read_bytes().decode("utf-8", "replace") if beside.is_file() else None
        return Version(name, _loaded(folder, name), cases)
    root = _root(name)
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", at=root)
    if commit is None:
        raise UnusableInput(f"{name}: neither a folder nor a revision of the repository {root.name}")
    revision = commit.decode().strip()
    if not _git("ls-tree", "-d", revision, IN_REPOSITORY, at=root):
        raise UnusableInput(f"{name}: this revision holds no knowledge ({IN_REPOSITORY})")
    archive = _git("archive", "--format=tar", revision, IN_REPOSITORY, at=root)
    if archive is None:
        raise UnusableInput(f"{name}: git cannot read this revision")
    with TemporaryDirectory() as folder_of_it, tarfile.open(fileobj=io.BytesIO(archive)) as files:
        try:
            files.extractall(folder_of_it, filter="data")
        except (tarfile.TarError, OSError) as error:  # a link that leads out of it, for one
            raise UnusableInput(f"{name}: this revision cannot be unpacked: {error}") from None
        knowledge = _loaded(Path(folder_of_it) / IN_REPOSITORY, name)
    found = _git("show", f"{revision}:{CASES}", at=root)
    return Version(
        f"{name} ({revision[:10]})", knowledge, found.decode("utf-8", "replace") if found is not None else None
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name
        return False


def _loaded(folder: Path, name: str) -> Knowledge:
    if not (folder / "manifest.yaml").is_file():
        raise UnusableInput(f"{name}/manifest.yaml: there is no such file")
    try:
        return load(folder)
    except KnowledgeError as error:
        raise UnusableInput(f"{name}: {error}") from None


def _root(name: str) -> Path:
    top = _git("rev-parse", "--show-toplevel", at=Path.cwd())
    if top is None:
        raise UnusableInput(f"{name}: there is no such folder, and no git repository here to look for a revision in")
    return Path(top.decode().rstrip("\n"))


def _git(*arguments: str, at: Path) -> bytes | None:
    """What git prints; None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=at, capture_output=True, check=False)
    except FileNotFoundError:
        raise UnusableInput("git is not installed: only folders can be read") from None
    return done.stdout if done.returncode == 0 else None
