"""Keeps what was read and checked beside the bytecode, so that a command does not read it all again.

The same trust as a .pyc file: written to __pycache__ where that is possible, keyed by the hash of every file
it was made from, the software version and the interpreter; never by a time stamp. A changed file is another
key. Where it cannot be written or read, everything is simply read anew.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from flows import VERSION

T = TypeVar("T")
_CODE = Path(__file__).resolve().parents[2]


def kept(folder: Path, name: str, key: str, make: Callable[[], T]) -> T:
    """What `make` returns, from the folder's __pycache__ where it was kept under this key before."""
    path = folder / "__pycache__" / f"{name}.{_fingerprint(key)}.{sys.implementation.cache_tag}.pickle"
    with suppress(Exception):  # missing, damaged or written by other code: read anew, whatever it was
        return pickle.loads(path.read_bytes())  # type: ignore[no-any-return]
    made = make()
    if not sys.dont_write_bytecode:
        _write(path, made, name)
    return made


def _fingerprint(key: str) -> str:
    """The key with the code that reads it: changed models must not meet what older ones wrote."""
    total = hashlib.sha256(f"{VERSION}\0{key}".encode())
    for part in sorted((*_CODE.glob("flows/**/*.py"), *_CODE.glob("messages/*.py"))):
        with suppress(OSError):
            total.update(part.read_bytes())
    return total.hexdigest()[:20]


def _write(path: Path, made: Any, name: str) -> None:
    import tempfile  # noqa: PLC0415  (only where something is written, which is once)

    with suppress(OSError, pickle.PickleError):
        path.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(pickle.dumps(made, protocol=5))
        Path(file.name).chmod(0o644)  # as bytecode is: another user may run what was installed
        Path(file.name).replace(path)
        for old in path.parent.glob(f"{name}.*.pickle"):
            if old != path:
                os.unlink(old)  # noqa: PTH108
