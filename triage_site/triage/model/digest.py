"""A short name for the contents of files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_NUM_DIGITS: Final = 8


def digest(folder: Path, names: Sequence[str]) -> str:
    """The first hexadecimal digits of the SHA-256 of these files. Raises OSError."""
    state = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as file:
            while chunk := file.read(1 << 20):
                state.update(chunk)
    return state.hexdigest()[:_NUM_DIGITS]
