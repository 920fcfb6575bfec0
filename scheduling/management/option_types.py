"""Types of command-line options: what they refuse is said with the name of the option.

argparse names the option in front of the words of an ArgumentTypeError.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

MAX_CHARACTERS: Final = 500
MAX_COUNT: Final = 1_000_000
_MAX_DIGITS: Final = 30


def text(value: str) -> str:
    """One line of printable characters."""
    if not value.strip():
        raise ArgumentTypeError("must not be empty")
    if len(value) > MAX_CHARACTERS:
        raise ArgumentTypeError(f"must have at most {MAX_CHARACTERS} characters")
    if not value.isprintable():
        raise ArgumentTypeError("must be one line of printable characters")
    return value


def ascii_text(value: str) -> str:
    if not text(value).isascii():
        raise ArgumentTypeError("must be of ASCII characters")
    return value


def path(value: str) -> Path:
    """A name that a file may have. Whether there is one is said by what opens it."""
    if not value.strip() or "\0" in value:
        raise ArgumentTypeError("must be the name of a file")
    if any(len(part.encode(errors="surrogateescape")) > 255 for part in Path(value).parts):
        raise ArgumentTypeError("must be the name of a file, which has at most 255 bytes")
    return Path(value)


def output(value: str) -> Path:
    """The name of a file to write."""
    return path(value)


def whole(least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    """A whole number within limits; None stands for 18 digits."""
    low = -(10**18) if least is None else least
    high = 10**18 if most is None else most

    def read(value: str) -> int:
        try:
            number = int(value) if len(value) <= _MAX_DIGITS else None
        except ValueError:
            number = None
        if number is None:
            raise ArgumentTypeError(f"must be a whole number, not {shown(value)}")
        if number < low:
            raise ArgumentTypeError(f"must be at least {low}, not {number}")
        if number > high:
            raise ArgumentTypeError(f"must be at most {high}, not {number}")
        return number

    return read


count: Final = whole(1, MAX_COUNT)


def number(
    least: float, most: float, *, above: bool = False, words: str = ""
) -> Callable[[str], float]:
    """A finite number from `least` (or above it) to `most`; `words` say so to people."""
    said = words or f"between {least:g} and {most:g}"

    def read(value: str) -> float:
        try:
            found = float(value)
        except ValueError:
            raise ArgumentTypeError(f"must be a number, not {shown(value)}") from None
        if not least <= found <= most or (above and found == least):
            raise ArgumentTypeError(f"must be {said}, not {shown(value)}")
        return found

    return read


share: Final = number(0, 1)
seconds: Final = number(0, 1e9, words="finite and not negative, at most 1e+09")


def moment(value: str) -> datetime:
    """A date and time with its zone."""
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError("must be a date and time") from None
    raise ArgumentTypeError("needs a time zone, such as +00:00")


def web_address(value: str) -> str:
    try:
        parts = urlsplit(ascii_text(value))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or " " in value:
        raise ArgumentTypeError("must be an address such as http://127.0.0.1:8000")
    return value


def shown(value: str) -> str:
    """A value as a message repeats it: escaped and short."""
    return repr(value if len(value) <= 60 else f"{value[:60]}...")
