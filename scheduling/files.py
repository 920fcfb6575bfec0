"""Files that people name: read whole after a check, written atomically.

Whatever is wrong with a file is a CannotUse, whose message names the file and the reason.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 256 * 2**20


class CannotUse(ValueError):
    """A file that cannot be read or written; `reason` is the message without the name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def read_bytes(path: Path) -> bytes:
    """The content of a regular file. A pipe or a device could wait or go on for ever."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise CannotUse(path, "is a folder")
        if not stat.S_ISREG(found.st_mode):
            raise CannotUse(path, "is not a regular file")
        if found.st_size > MAX_BYTES:
            raise CannotUse(path, f"is larger than {MAX_BYTES // 2**20} MB")
        return path.read_bytes()
    except OSError as error:
        raise CannotUse(path, f"cannot be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """The text of a regular file in UTF-8, with or without a byte order mark."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CannotUse(path, "not UTF-8 text") from None


class NotJson(ValueError):
    """`line` counts from 1; None where the decoder does not say it."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def parse_json(text: str) -> Any:
    """As json.loads, but with one exception for everything that can be wrong."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at column {error.colno}", error.lineno) from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError:
        raise NotJson("holds a number of too many digits") from None


def write_whole(path: Path, text: str) -> None:
    """Writes a text file atomically: an interrupted write leaves the old file unchanged."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what goes wrong while `path` is written into CannotUse.

    Refuses what is there and is no regular file: an atomic write would replace a device, and a
    pipe could wait for ever.
    """
    try:
        if path.exists() and not path.is_file():
            raise CannotUse(path, "is a folder" if path.is_dir() else "is not a regular file")
        yield
    except OSError as error:
        raise CannotUse(path, f"cannot be written: {error.strerror}") from None
