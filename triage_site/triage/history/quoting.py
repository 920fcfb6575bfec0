"""The words around a medicine or an allergy, where they may say more than is read of them. Pure.

A name is told by itself only where the words around it are those of a plain list. Elsewhere the
note is quoted beside it: who takes what, and whether, is then as the note has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from triage_site.triage.history.names import RELATIVES, TABLE, any_of
from triage_site.triage.history.plain_words import Mention, Quote
from triage_site.triage.reading.people import ANIMALS, one_of

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
_NOTS: Final = (
    r"(?:\w+n['\u2019]t|(?:ca|did|does|do|has|have|had|is|was|wo|would|could)nt)\b"
    r"(?! (?:help|work|touch|settle))"
)
# "Can't tolerate" is what is said of an allergy.
_BEARS_NOT: Final = r"(?:can|ca|could)n?['\u2019]?t (?:tolerate|have|take|use|be|wear|go|touch)"
_PERSON: Final = (
    r"(?:(?:step|grand|great|god|half|house|flat|room|team|class|work)-?){0,2}"
    rf"{one_of(RELATIVES)}s?"
)
_OTHER: Final = rf"(?:{_PERSON}|{one_of(ANIMALS)}s?)"
_TO_ANOTHER: Final = (
    rf"{_OTHER} (?:(?:was|were|is|(?:has|had) been) )?(?:given|received|had)(?! given)"
)
_OWNER: Final = (
    rf"{_OTHER}['\u2019]s?"
    rf"|(?:for|from|belong\w* to) (?:(?:his|her|my|the|their|an?) )?{_OTHER}"
)


def _any_of(*sources: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'])(?:{any_of(sources)})(?!\w)|\?", re.IGNORECASE)


_TAKEN: Final = (
    _any_of(*_DOUBT["any"], *_DOUBT["refusal"], _NOTS, rf"{_OTHER}(?:['\u2019]s?)?"),
    _any_of(*_DOUBT["any_around"], *_DOUBT["refusal"], _OWNER),
)
_MARKED: Final = (
    _any_of(*_DOUBT["marked"], _NOTS, _TO_ANOTHER), _any_of(*_DOUBT["marked_around"])
)  # fmt: skip
_STOPPED: Final = (_any_of(*_DOUBT["stopped"], _NOTS), _any_of(*_DOUBT["stopped_around"]))
_REFUSED: Final = (
    _any_of(*_DOUBT["any"], _NOTS), _any_of(*_DOUBT["any_around"], *_DOUBT["refused_around"])
)  # fmt: skip
# Of each role: what leaves it in doubt in its part of the sentence, and around that.
_OF_ROLE: Final = {
    "given": _MARKED, "taken": _MARKED, "stopped": _STOPPED, "ran out": _STOPPED,
    "refused": _REFUSED, "offered": _REFUSED,
}  # fmt: skip
_ALLERGY: Final = _any_of(*_DOUBT["allergy"], rf"(?!{_BEARS_NOT}){_NOTS}")
_OF_WHOM: Final = _any_of(rf"{_PERSON}(?:['\u2019]s?)?")
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


def beside_medicine(text: str, one: Mention) -> Quote | None:
    """What to quote beside a medicine; None where its part of the sentence, and what stands
    around that, leave no doubt. The words that told its role are no doubt."""
    in_part, around = _OF_ROLE.get(one.role, _TAKEN)
    start, end = one.listed
    first, last = sentence(text, start, end)
    begin, lead, is_heading = _before(text, first, start)
    lead = begin if one.after > lead else lead
    close = _part_end(text, end, last)
    until = max(close, min(one.until, last))
    found = (
        in_part.search(text, begin, start)
        or (in_part if is_heading else around).search(text, lead, begin)
        or _in_rest(in_part, text, one, close)
        or around.search(text, close, until)
        or (_listed_as_allergy(text, start, end) if one.role not in _OF_ROLE else None)
    )
    is_asked = text[last : last + 1] == "?"
    if not (found or is_asked):
        return None
    if found and found.start() < begin:
        begin = min(lead, found.start())
    elif found and "(" in text[end : found.start()]:
        begin = start = one.start
    last = _with_answer(text, last) if is_asked else last
    return _quote(text, begin, start, last, found.span() if found else None)


def _listed_as_allergy(text: str, start: int, end: int) -> re.Match[str] | None:
    """The words for allergies ahead of a list that has no dose, with nothing between them that
    begins something else."""
    if _DOSE.match(text, end):
        return None
    found = [*_ALLERGIES.finditer(text, max(0, start - _FARTHEST), start)]
    return found[-1] if found and found[-1]["of"] else None


def _in_rest(words: re.Pattern[str], text: str, one: Mention, close: int) -> re.Match[str] | None:
    """What stands in brackets behind a list is said of its last name, or of "all" or "both"."""
    end = one.listed[1]
    found = words.search(text, end, close)
    opens = text.find("(", end, found.start()) if found else -1
    return found if opens < 0 or one.end == end or _ALL.match(text, opens + 1) else None


def beside_allergy(
    text: str, one: Mention, understood: Sequence[tuple[int, int]] = ()
) -> Quote | None:
    """The sentence that speaks of an allergy, where it may take it back or its name is not sure.
    `understood`: where the words for an upset stomach and the like are told with their thing."""
    first, last = sentence(text, one.start, one.end)
    is_asked = text[last : last + 1] == "?"
    mild = (
        match
        for match in _MILD.finditer(text, first, last)
        if not any(begin <= match.start() < end for begin, end in understood)
    )
    found = (
        _ALLERGY.search(text, first, last)
        or _OF_WHOM.search(text, first, _part_end(text, one.end, last))
        or next(mild, None)
    )
    if one.is_sure and not (found or is_asked):
        return None
    last = _with_answer(text, last) if is_asked else last
    return _quote(text, first, one.start, last, found.span() if found else None)


def is_mild(words: str) -> bool:
    """Whether `words` tell of an upset stomach or the like, which is no allergy."""
    return _MILD.search(words) is not None


def whole_sentence(text: str, start: int, end: int) -> Quote:
    """The sentence of characters `start` to `end`."""
    first, last = sentence(text, start, end)
    return _quote(text, first, start, last)


def lines_below(text: str, start: int, end: int) -> tuple[Quote, int] | None:
    """The line at characters `start` to `end`, and those below it up to an empty one, with their
    number; None where nothing stands there."""
    if text[end : end + 1] != "\n":
        return None
    blank = _BLANK.search(text, end, end + _FARTHEST)
    last = blank.start() if blank else min(len(text), end + _FARTHEST)
    below = text[end:last].strip()
    return (_quote(text, start, start, last), below.count("\n") + 1) if below else None


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


def _before(text: str, first: int, start: int) -> tuple[int, int, bool]:
    """Where the part of a sentence begins that a list stands in; where the part before that
    begins, if the list opens its own; and whether that is a heading."""
    borders = [first, *(m.end() for m in _PART_ENDS.finditer(text, first, start))]
    begin = borders[-1]
    opens = len(borders) > 1 and not text[begin:start].strip()
    return begin, borders[-2] if opens else begin, opens and text[begin - 1] == ":"


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
