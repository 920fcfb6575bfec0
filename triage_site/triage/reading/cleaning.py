"""The characters of a note in one typography, each with its place in the note. Pure.

Markup, HTML entities, invisible marks, typographic quotes and dashes, spaced capitals, words
cut at a line end and numbers in words are brought to plain text. `source` says for every
character of `chars` where it stood, so that reasons can quote the note.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from triage_site.triage.reading.checklist import plain_answers
from triage_site.triage.reading.numbers import in_digits

# Only tags of HTML: "sats <90, RR >30" is none.
MARKUP: Final = (
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|img|input"
    r"|label|li|link|meta|ol|p|pre|s|script|small|span|strike|strong|style|sub|sup|table|tbody|td"
    r"|textarea|tfoot|th|thead|title|tr|tt|u|ul|iframe|svg|form|button|body|video|audio|object)"
    r"(?:\s+[a-z:@-]+\s*(?:=[^<>\n]{0,200})?)?\s*/?>|<!--[^<>\n]{0,200}-->"
)
ENTITY: Final = r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,8});"
# "c.p.r. in progress", "G.C.S.-7"; a stop before a new sentence stays.
DOTTED: Final = (
    r"(?<![^\W_])(?:[a-z]\.){2,}(?=-?\d|[,;)]|\s(?!\s*(?-i:[A-Z]))|$)"
    r"|(?<![^\W_])(?:[a-z]\.)+[a-z]\b(?=\.|\W)"
)  # fmt: skip
# Of UTF-8 that was read as Windows-1252.
MOJIBAKE: Final = (
    "\u00e2\u20ac[\u2122\u02dc\u0153\u009d\u201c\u201d\u00a6]?|[\u00c2\u00c3][\u0080-\u00bf]"
)
_MOJIBAKE: Final = re.compile(MOJIBAKE)
# What somebody has struck out.
STRUCK: Final = r"~~[^~\n]{1,80}~~|<(?P<how>s|strike|del)>[^<\n]{1,200}</(?P=how)>"
_SPECIAL: Final = re.compile(
    rf"{STRUCK}|{MARKUP}|{ENTITY}" + r"|(?<=[^\W\d_])[-\u00ad\u2010\u2011]\s*\n\s*(?=[^\W\d_])"
    r"|(?<![^\W_])(?:[A-Z] ){3,}[A-Z](?![^\W_])"
    rf"|{DOTTED}|(?<![^\W_])un-(?=[a-z])|{MOJIBAKE}"
    r"|(?<=[^\W\d_])[`\u00b4\u2018\u2019\u02bc\u2032](?=[^\W\d_])|[^\x00-\x7f]",
    re.IGNORECASE,
)
DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
APOSTROPHES: Final = "\u2018\u2019\u201a\u201b\u02bc\u00b4"  # single quotation marks, too
_PLAIN: Final = {
    **dict.fromkeys(DASHES, "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\u2032\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u00ab\u00bb\u2033", '"'),
    "\u00b0": "°", "\u00ba": "°", "\u2026": ".",
    **dict.fromkeys("\u2718\u2717\u2716\u274c\u2296\u2298\u2205", "(-)"),
    **dict.fromkeys("\u2713\u2714\u2705\u2295", "(+)"),
    "\u2610": "[ ]", **dict.fromkeys("\u2611\u2612", "[x]"),  # boxes of a form
    **dict.fromkeys("\u3002\uff61\u0964\u06d4", ". "),  # full stops of other scripts
    **dict.fromkeys("\u3001\u060c", ","), "\u061f": "?", "\u2192": "->", "\u21d2": "->",
    "\u00bd": ".5", "\u2265": ">", "\u2264": "<",
    **dict.fromkeys("\u2248\u2243\u223c\uff5e", "~"), **dict.fromkeys("\u2044\u2215", "/"),
}  # fmt: skip
_LOOKALIKES: Final = dict(zip("аеорсухіѕ", "aeopcyxis", strict=True))
_MARKS_THAT_VANISH: Final = frozenset({"Cf", "Mn", "Me"})
_MARKS_OF_NAMES: Final = "\u2122\u2120\u00ae\u00a9"  # "Zyrtec\u2122": no words
# A word processor makes them of "(R) knee" and "(c) chest pain": between blanks they stay.
_LONE_MARKS: Final = "\u00ae\u00a9"
_ORDINAL: Final = "\u00ba"  # typed for a degree sign, which the normal form would make an "o"
_BEFORE_DEGREE: Final = re.compile(r"\d\s?\Z")
_BEHIND_DEGREE: Final = re.compile(r"\s?[CF](?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`chars` keeps the case of letters; `source[i]` is the place of `chars[i]` in the note."""

    chars: str
    source: tuple[int, ...]


def clean(text: str) -> Cleaned:
    chars: list[str] = []
    source: list[int] = []
    at = 0
    for match in _SPECIAL.finditer(text):
        _add(chars, source, text[at : match.start()], range(at, match.start()))
        plain = _replacement(match.group(), text, match.start())
        _add(chars, source, plain, [match.start()] * len(plain))
        at = match.end()
    _add(chars, source, text[at:], range(at, len(text)))
    return Cleaned(*in_digits(*plain_answers("".join(chars), source)))


def mended(text: str) -> str:
    """`text` with the characters that UTF-8 had before it was read as Windows-1252."""
    return _MOJIBAKE.sub(lambda found: _decoded(found[0]), text)


def with_plain_signs(text: str) -> str:
    """`text` without the marks of trade names, and with degree signs for ordinals of degrees.

    For who quotes a note or compares its words by a normal form, which would spell these signs
    with letters.
    """
    return "".join(
        char if (plain := _plain_sign(char, text, at)) is None else plain
        for at, char in enumerate(text)
    )


def _plain_sign(char: str, text: str, at: int) -> str | None:
    """What a sign at this place stands for; None where the character stays as it is."""
    before, behind = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    if char in _LONE_MARKS and not (before.strip() or behind.strip()):
        return None
    if char in _MARKS_OF_NAMES:
        return " " if before.isalnum() and behind.isalnum() else ""
    if char == _ORDINAL and (
        _BEFORE_DEGREE.search(text, max(0, at - 2), at) or _BEHIND_DEGREE.match(text, at + 1)
    ):
        return "\u00b0"
    return None


def _add(chars: list[str], source: list[int], text: str, places: range | list[int]) -> None:
    chars.append(text)
    source.extend(places)


def _replacement(found: str, text: str, at: int) -> str:
    if found[0] in "<~":
        return " . "
    if found[0] == "&":
        plain = html.unescape(found)
        return "".join(_character(char, text, at) for char in plain) if plain != found else "and"
    if "\n" in found:
        return ""
    if found.lower() == "un-":
        return found[:-1]
    if "." in found:
        return found.replace(".", "")
    if len(found) > 1 and not found.isascii():
        return _character(_decoded(found), text, at)
    if len(found) > 1:
        return found.replace(" ", "")
    return "'" if found == "`" else _character(found, text, at)


def _decoded(found: str) -> str:
    try:
        return found.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return "'" if found.startswith("\u00e2\u20ac") else " "


def _character(char: str, text: str, at: int) -> str:
    if char.isascii():
        return char
    if char == "\u00b7" and text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit():
        return "."  # the decimal point of handwriting: 37·8
    if char in "\u00d8\u00f8":
        return _crossed(text, at)
    if (plain := _plain_sign(char, text, at)) is not None:
        return plain
    if char in _PLAIN:
        return _PLAIN[char]
    if char.lower() in _LOOKALIKES and _beside_latin(text, at):
        return _LOOKALIKES[char.lower()]
    return _folded(char)


def _crossed(text: str, at: int) -> str:
    """A letter inside a word, "no" before a word ("\u00d8 fever"), else a zero."""
    if text[at - 1 : at].isalpha():
        return "o"
    return "(-)" if text[at + 1 : at + 2] == " " else "0"


def _beside_latin(text: str, at: int) -> bool:
    """Whether a letter of another alphabet stands inside a Latin word."""
    around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    return any(char.isascii() and char.isalpha() for char in around)


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    """Without accent, in plain width; invisible marks vanish, odd spaces become plain ones."""
    if unicodedata.category(char) in _MARKS_THAT_VANISH:
        return ""
    if char.isspace():
        return " "
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", char) if unicodedata.category(part) != "Mn"
    )
    return plain if plain.isascii() and plain else char
