"""The guard on numbers: every number in the guidance must appear in the brief. Pure.

A wrong number can look like a measurement or a dose, so guidance with one is withheld.
Some numbers are not claims and pass: names with a digit (SpO2), list numbers that count up
from one, small ordinals, and numbers in words. The check also works on a growing text after
each whole word: no prefix of a supported text is unsupported.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NAMES_WITH_DIGITS: Final = re.compile(
    r"(?<![a-z0-9])(?:(?:sp|sa|p|et|pa|fi|c)?o2|(?:p|et|pa)co2|news2?|covid-?19|12-lead)(?![a-z0-9])",
)
_LIST_MARK: Final = re.compile(r"^[ \t>*#-]*(\d{1,2})[.)](?=[ \t*]|$)", re.MULTILINE)
_SMALL_ORDINAL: Final = re.compile(r"(?<![\d.,/])(?:1st|2nd|3rd)\b")
_PAIR_WORDS: Final = re.compile(r"(?<=\d)\s+(?:over|out of|of)\s+(?=\d)")
_THOUSANDS: Final = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_NUMBER: Final = r"\d+(?:[.,:]\d+)*"
_CLAIM: Final = re.compile(rf"{_NUMBER}(?:\s*/\s*{_NUMBER})*")


def unsupported_numbers(guidance: str, brief: str) -> list[str]:
    """The numbers of `guidance` that do not appear in `brief`, in order and as written.

    `140/80` in the brief supports itself and each part; `7/10` supports itself and `7`.
    `38,4` equals `38.4` and `38.40`. `12-20` is two numbers. An empty list means that all
    numbers are supported.
    """
    allowed = _allowed(_claims(_plain(brief)))
    text = _without_list_marks(_plain(guidance))
    found = [claim for claim in _claims(text) if not _supported(claim, allowed)]
    return list(dict.fromkeys(found))


def _plain(text: str) -> str:
    """Lower case, NFKC form and ASCII digits, so that all scripts compare equal."""
    text = unicodedata.normalize("NFKC", text).replace("\u2044", "/").lower()
    text = "".join(_ascii_digit(character) for character in text)
    text = _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
    text = _SMALL_ORDINAL.sub(" ", _NAMES_WITH_DIGITS.sub(" ", text))
    return _PAIR_WORDS.sub("/", text)


def _ascii_digit(character: str) -> str:
    value = unicodedata.digit(character, -1)
    return character if value < 0 else str(value)


def _without_list_marks(text: str) -> str:
    """Removes `1.`, `2.`, `3.` at line starts while they count up from one."""
    expected = 1

    def replace(match: re.Match[str]) -> str:
        nonlocal expected
        number = int(match.group(1))
        if number not in (1, expected):
            return match.group()
        expected = number + 1
        return " "

    return _LIST_MARK.sub(replace, text)


def _claims(text: str) -> list[str]:
    return [re.sub(r"\s", "", match.group()) for match in _CLAIM.finditer(text)]


def _allowed(claims: list[str]) -> set[str]:
    allowed: set[str] = set()
    for claim in claims:
        parts = [_normal(part) for part in claim.split("/")]
        allowed.add("/".join(parts))
        is_score = len(parts) == 2 and parts[1] == "10"
        allowed.update(parts[:1] if is_score else parts)
    return allowed


def _supported(claim: str, allowed: set[str]) -> bool:
    return "/".join(_normal(part) for part in claim.split("/")) in allowed


def _normal(number: str) -> str:
    """One spelling per value: a decimal point, no leading and no trailing zeros."""
    whole, point, fraction = number.replace(",", ".").partition(".")
    whole = whole.lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if point and fraction else whole
