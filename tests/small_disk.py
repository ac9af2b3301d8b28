"""A file system of a few KiB, for tests of a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

UNMOUNT = 'cat; { umount "$0" || umount -l "$0"; } 2>/dev/null; rmdir "$0"'
"""Waits until the pipe is closed, which the kernel does for a test process that was killed. A disk still in use is
taken out of the tree all the same, and goes with its last open file."""


def need_small_disk() -> None:
    """Skips the test where nothing can be mounted. Where everything is checked, that is a failure."""
    import pytest

    if reason := why_no_small_disk():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@cache
def why_no_small_disk() -> str | None:
    """Why there is no small disk here, as one sentence; None where there is one."""
    if sys.platform != "linux" or not shutil.which("mount"):
        return "A small disk is mounted on Linux only."
    if os.geteuid() != 0:
        return "A small disk is mounted by root only."
    try:
        with small_disk(64):
            return None
    except RuntimeError as error:
        return f"A small disk could not be mounted here: {error}."


@contextmanager
def small_disk(size_kib: int) -> Iterator[Path]:
    """A folder that holds so many KiB, in pages of 4, open to every user. Beyond them a write fails with ENOSPC."""
    folder = Path(tempfile.mkdtemp(prefix="triage-disk-")).resolve()
    with subprocess.Popen(["sh", "-c", UNMOUNT, folder], stdin=subprocess.PIPE, start_new_session=True) as watch:
        options = f"size={size_kib}k,mode=1777"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "triage-disk", folder], capture_output=True, text=True, check=False
        )
        if mounted.returncode != 0:
            raise RuntimeError(mounted.stderr.partition("\n")[0].rstrip("."))
        yield folder
    if watch.returncode != 0:
        raise RuntimeError(f"The small disk {folder} could not be taken away")
