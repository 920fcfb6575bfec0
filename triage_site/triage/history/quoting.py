"""The words around a medicine or an allergy, where they may say more than is read of them. Pure.

A name is told by itself only where the words around it are those of a plain list. Elsewhere the
note is quoted beside it: who takes what, and whether, is then as the note has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from triage_site.triage.history.names import TABLE, any_of

Kind = Literal["regular", "marked", "stopped", "refused"]

_DOUBT: Final[dict[str, Any]] = TABLE["doubt"]
_MOST_WORDS: Final = 16
_MOST_BEFORE: Final = 7  # words before the name
_MOST_CHARACTERS: Final = 200
_FARTHEST: Final = 600  # characters from a name to the border of its sentence
_SENTENCE_ENDS: Final = re.compile(
    r"\.(?<!\bapprox\.)(?<!\bincl\.)(?<!\binc\.)(?<!\beg\.)(?<!\bDr\.)(?=\s|$)|[;!?](?=\s|$)|\n"
)
_MARKS: Final = re.compile(r"[?!]*")
_PART_ENDS: Final = re.compile(r"[,:()|\[\]]|(?<=\s)[-\u2013\u2014](?=\s)")
_NOT: Final = r"(?:ca|did|does|do|has|have|had|is|was|wo|would|could)nt"  # "didnt"
_NOTS: Final = rf"(?:\w+n['\u2019]t|{_NOT})\b(?! (?:help|work|touch|settle))"
# "Can't tolerate" is what is said of an allergy.
_BEARS_NOT: Final = r"(?:can|ca|could)n?['\u2019]?t (?:tolerate|have|take|use|be|wear|go|touch)"
_PERSON: Final = (
    r"(?:(?:step|grand|great|god|half|house|flat|room|team|class|work)-?){0,2}"
    rf"(?:{_DOUBT['relative']})s?"
)
_OTHER: Final = rf"(?:{_PERSON}|(?:{_DOUBT['pet']})s?)"
_RELATIVE: Final = rf"{_PERSON}(?:['\u2019]s?)?"
_TO_ANOTHER: Final = (
    rf"{_OTHER} (?:(?:was|were|is|(?:has|had) been) )?(?:given|received|had)(?! given)"
)
_OWNER: Final = (
    rf"{_OTHER}['\u2019]s?"
    rf"|(?:for|from|belong\w* to) (?:(?:his|her|my|the|their|an?) )?{_OTHER}"
)


def _besides_refusals(*sources: str) -> Iterator[str]:
    return (one for one in sources if not one.startswith(("refus", "declin", "offer")))


def _any_of(*sources: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'])(?:{any_of(sources)})(?!\w)|\?", re.IGNORECASE)


_IN_PART: Final = _any_of(*_DOUBT["in_part"], _NOTS, rf"{_OTHER}(?:['\u2019]s?)?")
_AFTER: Final = _any_of(*_DOUBT["after"], _OWNER)
# Of each kind: what leaves it in doubt in its part of the sentence, and around that.
_OF_KIND: Final[dict[Kind, tuple[re.Pattern[str], re.Pattern[str]]]] = {
    "regular": (_IN_PART, _AFTER),
    "marked": (_any_of(*_DOUBT["marked"], _NOTS, _TO_ANOTHER), _any_of(*_DOUBT["marked_after"])),
    "stopped": (_any_of(*_DOUBT["stopped"], _NOTS), _any_of(*_DOUBT["stopped_after"])),
    "refused": (
        _any_of(*_besides_refusals(*_DOUBT["in_part"]), _NOTS),
        _any_of(*_besides_refusals(*_DOUBT["after"]), *_DOUBT["refused_after"]),
    ),
}
_ALLERGY: Final = _any_of(*_DOUBT["allergy"], rf"(?!{_BEARS_NOT}){_NOTS}")
_OF_WHOM: Final = _any_of(_RELATIVE)
MILD: Final = "|".join(_DOUBT["mild"])
_MILD: Final = _any_of(*_DOUBT["mild"])


# What is listed behind "allergies" up to where something else begins.
_ALLERGIES: Final = re.compile(
    r"\b(?:no|nil|denies|without) (?:\w+ ){0,3}?allerg\w*|\ballerg\w*\W{0,3}(?:none|nil|no|nkda)\b"
    r"|\ballerg\w* ?(?=[,)])|(?P<of>\b(?:allerg\w*|anaphyla\w*|intoleran\w*|adrs?)\b)"
    r"|\b(?:on|takes?|taking|took|uses?|using|has|had|carries|needs?|given|gave|started|prescribed"
    r"|mine|meds?|medications?|medicines|dh|dhx|rx|drugs|pmh)\b|[.;!?](?=\s)|\n\s*\n",
    re.IGNORECASE,
)
_DOSE: Final = re.compile(r"\s*(?:\d|[bot]d\b|qds\b|prn\b|nocte\b|daily\b)", re.IGNORECASE)
_BLANK: Final = re.compile(r"\n[ \t]*(?:\n|(?:meds|medications?|dh|pmh)\b)", re.IGNORECASE)
_ALL: Final = re.compile(r" ?(?:all|both)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quote:
    """Characters `start` to before `end` of a note, and what is told of them."""

    start: int
    end: int
    words: str
    lines: int = 0  # below a heading


@dataclass(frozen=True, slots=True)
class Listed:
    """A medicine in a note, as characters: where its list begins and ends, where the name before
    the list ends, where the name behind it begins of which something else is said, and where
    the medicine itself begins. `is_last`: it is the last one of its list."""

    start: int
    end: int
    after: int
    until: int
    name: int
    is_last: bool


def beside_medicine(text: str, one: Listed, *, kind: Kind) -> Quote | None:
    """What to quote beside a medicine; None where its part of the sentence, and what stands
    around that, leave no doubt. `kind`: what was read of it, whose own words are no doubt."""
    start, end = one.start, one.end
    first, last = sentence(text, start, end)
    in_part, around = _OF_KIND[kind]
    begin, lead, is_heading = _before(text, first, start)
    lead = begin if one.after > lead else lead
    close = _part_end(text, end, last)
    until = max(close, min(one.until, last))
    found = (
        in_part.search(text, begin, start)
        or (in_part if is_heading else around).search(text, lead, begin)
        or _in_rest(in_part, text, one, close)
        or around.search(text, close, until)
        or (_listed_as_allergy(text, one) if kind == "regular" else None)
    )
    if found:
        if found.start() < begin:
            begin = min(lead, found.start())
        elif "(" in text[end : found.start()]:
            begin = start = one.name
        end = _with_answer(text, last) if text[last : last + 1] == "?" else last
        return _quote(text, begin, start, end, found.span())
    if text[last : last + 1] == "?":
        return _quote(text, begin, start, _with_answer(text, last))
    return None


def _listed_as_allergy(text: str, one: Listed) -> re.Match[str] | None:
    """The words for allergies ahead of a list that has no dose, with nothing between them that
    begins something else."""
    if _DOSE.match(text, one.end):
        return None
    found = [*_ALLERGIES.finditer(text, max(0, one.start - _FARTHEST), one.start)]
    return found[-1] if found and found[-1]["of"] else None


def _in_rest(words: re.Pattern[str], text: str, one: Listed, close: int) -> re.Match[str] | None:
    """What stands in brackets behind a list is said of its last name, or of "all" or "both"."""
    found = words.search(text, one.end, close)
    opens = text.find("(", one.end, found.start()) if found else -1
    if opens < 0 or one.is_last or _ALL.match(text, opens + 1):
        return found
    return None


def beside_allergy(
    text: str, start: int, end: int, *, is_sure: bool, understood: Sequence[tuple[int, int]] = ()
) -> Quote | None:
    """The sentence that speaks of an allergy, where it may take it back or its name is not sure.
    `understood`: where the words for an upset stomach and the like are told with their thing."""
    first, last = sentence(text, start, end)
    asked = text[last : last + 1] == "?"
    found = (
        _ALLERGY.search(text, first, last)
        or _OF_WHOM.search(text, first, _part_end(text, end, last))
        or _mild(text, first, last, understood)
    )
    if is_sure and not asked and found is None:
        return None
    if asked:
        last = _with_answer(text, last)
    return _quote(text, first, start, last, found.span() if found else None)


def is_mild(words: str) -> bool:
    """Whether `words` tell of an upset stomach or the like, which is no allergy."""
    return _MILD.search(words) is not None


def whole_sentence(text: str, start: int, end: int) -> Quote:
    """The sentence of characters `start` to `end`."""
    first, last = sentence(text, start, end)
    return _quote(text, first, start, last)


def lines_below(text: str, start: int, end: int) -> Quote | None:
    """The line at characters `start` to `end`, and those below it up to an empty one; None where
    nothing stands there."""
    if text[end : end + 1] != "\n":
        return None
    blank = _BLANK.search(text, end, end + _FARTHEST)
    last = blank.start() if blank else min(len(text), end + _FARTHEST)
    below = text[end:last].strip()
    return replace(_quote(text, start, start, last), lines=below.count("\n") + 1) if below else None


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence of characters `start` to `end`, without the mark that ends it."""
    first, last = max(0, start - _FARTHEST), min(len(text), end + _FARTHEST)
    first = max([first, *(m.end() for m in _SENTENCE_ENDS.finditer(text, first, start))])
    found = _SENTENCE_ENDS.search(text, end, last)
    return first, found.start() if found else last


def _with_answer(text: str, last: int) -> int:
    """The end of the sentence behind a question, which may have several marks."""
    last += len(_MARKS.match(text, last)[0])  # type: ignore[index]
    return sentence(text, last, last)[1]


def _mild(
    text: str, first: int, last: int, understood: Sequence[tuple[int, int]]
) -> re.Match[str] | None:
    for found in _MILD.finditer(text, first, last):
        if not any(begin <= found.start() < end for begin, end in understood):
            return found
    return None


def _before(text: str, first: int, start: int) -> tuple[int, int, bool]:
    """Where the part of a sentence begins that a list stands in; where the part before that
    begins, if the list opens its own; and whether that is a heading."""
    borders = [first, *(m.end() for m in _PART_ENDS.finditer(text, first, start))]
    begin = borders[-1]
    opens = len(borders) > 1 and not text[begin:start].strip()
    lead = borders[-2] if opens else begin
    return begin, lead, opens and text[begin - 1] == ":"


def _part_end(text: str, end: int, last: int) -> int:
    """Where the part of a sentence ends that a list stands in, with what follows in brackets."""
    found = _PART_ENDS.search(text, end, last)
    is_colon = found and found.group() == ":" and not text[end : found.start()].strip()
    if found and (found.group() == "(" or is_colon):
        found = _PART_ENDS.search(text, found.end(), last)
    return found.start() if found else last


def _quote(
    text: str, begin: int, at: int, last: int, doubt: tuple[int, int] | None = None
) -> Quote:
    """From at most `_MOST_BEFORE` words before a name, or from further back or on where the words
    that leave it in doubt would be cut off."""
    words = [word.span() for word in re.finditer(r"\S+", text[begin:last])]
    first = max(0, sum(start < at - begin for start, _ in words) - _MOST_BEFORE)
    if doubt:
        first = min(first, sum(end <= doubt[0] - begin for _, end in words))
        through = sum(start < doubt[1] - begin for start, _ in words)
        first = max(first, through - _MOST_WORDS)
    told = words[first : first + _MOST_WORDS] or [(at - begin, at - begin)]
    start, end = begin + told[0][0], begin + told[-1][1]
    end = min(end, start + _MOST_CHARACTERS)
    more = "..." if text[end:last].strip() else ""
    return Quote(start, end, " ".join(text[start:end].split()) + more)
