"""Words for people and animals beside the patient (`people.toml`). Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# The groups of the language of terms, by their names.
GROUPS: Final = {
    name: tuple(words.split())
    for name, words in tomllib.loads(
        Path(__file__).with_name("people.toml").read_text(encoding="utf-8")
    ).items()
}
ADULTS: Final = GROUPS["adults"]
CHILDREN: Final = GROUPS["children"]
COMPANIONS: Final = GROUPS["companions"]
ANIMALS: Final = GROUPS["animals"]


def one_of(words: Iterable[str]) -> str:
    """Returns a regular expression for one of the words. It tries the longest first."""
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"
