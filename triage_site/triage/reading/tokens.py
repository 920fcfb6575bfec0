"""A cleaned text cut into words and marks, figures left out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from triage_site.triage.reading.cleaning import Cleaned
from triage_site.triage.reading.figures import Figure, told_by
from triage_site.triage.reading.words import CAPITALS, TABLES, forms, is_english, stem

_TOKEN: Final = re.compile(
    r"x(?=\d+/\d)|d/?c'd\b|hba1c\b|[+-]ve\b|\([+-]\)|\d+/(?:7|52|12|24|40)\b|\d+(?:[.,]\d+)*"
    r"|[\u3400-\u9fff]"  # written without blanks: each is a word
    r"|[a-z]/[a-z](?:/[a-z])?(?![a-z])|[nd][+&]v(?![a-z])|w/o?(?![a-z])"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*(?:\d+(?![\d.]|(?:mg|mcg|ug|ml|iu|units?)\b))?"
    r"|[.,;:!?()\[\]/+=&\n|>*-]",
    re.IGNORECASE,
)
# A full stop after these ends no sentence.
_STOP_BELONGS: Final = frozenset(TABLES["sets"]["before_full_stop"].split())
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH = "\u3400", "\u9fff"
_FIGURE: Final = "|"
_BRACKETED: Final = 3  # letters of "(-)"
_BEFORE_BIT: Final = frozenset(TABLES["sets"]["before_bit"].split())
_AFTER_BIT: Final = frozenset(TABLES["sets"]["after_bit"].split())
_WAYS: Final = frozenset(
    ("unable to", "not able to", "no longer able to", "can no longer", "could not", "never able to",
     "not been able to", "barely able to", "could no longer")
)  # fmt: skip
_YEAR: Final = re.compile(r"(?:19[3-9]|20[0-3])\d$")
_CLOCK: Final = re.compile(r"\s*(?:h|hrs?|hours)\b", re.IGNORECASE)
_SPANS: Final = {"7": "days", "52": "weeks", "12": "months", "24": "hours", "40": "gestation"}
_AWAKE: Final = frozenset({"alert", "awake", "normal", "oriented", "intact", "a"})
_OF_LEVEL: Final = frozenset(TABLES["sets"]["of_level"].split())
_GERMAN: Final = frozenset(TABLES["sets"]["beside_german_i"].split())
_AROUND: Final = 80  # characters beside shorthand that tell what it means


@dataclass(frozen=True, slots=True)
class OtherMeaning:
    """A row of `other_meaning`: where shorthand is no danger. Every pattern that is given fits.
    `reads`: the words that are meant."""

    reads: tuple[str, ...]
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None
    note: re.Pattern[str] | None
    unless: re.Pattern[str] | None

    def fits(self, chars: str, start: int, end: int) -> bool:
        before, after = chars[max(0, start - _AROUND) : start], chars[end : end + _AROUND]
        return (
            (self.before is None or bool(self.before.search(before)))
            and (self.after is None or bool(self.after.match(after)))
            and (self.note is None or bool(self.note.search(chars)))
            and not (self.unless and self.unless.search(chars))
        )


def _other_meanings() -> dict[str, list[OtherMeaning]]:
    found: dict[str, list[OtherMeaning]] = {}
    for row in TABLES["other_meaning"]:
        one_of = {
            part: "|".join(row.get(part, ())) for part in ("before", "after", "note", "unless")
        }
        meaning = OtherMeaning(
            reads=tuple(row.get("reads", "").split()),
            before=_pattern(rf"(?:{one_of['before']})\s*$", one_of["before"]),
            after=_pattern(rf"\s*(?:{one_of['after']})", one_of["after"]),
            note=_pattern(rf"\b(?:{one_of['note']})\b", one_of["note"]),
            unless=_pattern(rf"\b(?:{one_of['unless']})\b", one_of["unless"]),
        )
        for shorthand in row["of"]:
            found.setdefault(shorthand, []).append(meaning)
    return found


def _pattern(pattern: str, told: str) -> re.Pattern[str] | None:
    return re.compile(pattern, re.IGNORECASE) if told else None


_OTHER_MEANINGS: Final = _other_meanings()


@dataclass(frozen=True, slots=True)
class Word:
    """A standard word or a mark; `start` and `end` are places in the note."""

    form: str
    stem: str  # empty for a mark
    start: int
    end: int
    is_expanded: bool = False  # one of several words that shorthand stands for
    is_figure: bool = False  # what a figure says in a word: no wording of the note

    @property
    def is_mark(self) -> bool:
        return not self.stem


@dataclass(frozen=True, slots=True)
class _Token:
    written: str
    start: int  # in the cleaned text
    end: int


def tokenize(cleaned: Cleaned, figures: Sequence[Figure]) -> list[Word]:
    tokens = list(_tokens(cleaned.chars, figures))
    told = {figure.begin: told_by(figure) for figure in reversed(figures) if told_by(figure)}
    words: list[Word] = []
    for index, token in enumerate(tokens):
        start = cleaned.source[token.start]
        end = max(cleaned.source[token.end - 1] + 1, start + 1)
        found = _forms(tokens, index, cleaned.chars)
        found = tuple(filter(None, found))  # a letter may have no standard form
        many = len(found) > 1 and token.written.isalpha()
        words += [_word(form, start, end, many) for form in found]
        if token.written == _FIGURE and token.start in told:
            form = told[token.start]
            words += [Word(form, stem(form), start, end, is_figure=True), Word("|", "", start, end)]
    return _some(_can_not(words))


def _word(form: str, start: int, end: int, is_expanded: bool) -> Word:
    return Word(form, stem(form) if form[:1].isalnum() else "", start, end, is_expanded)


def _can_not(words: list[Word]) -> list[Word]:
    """ "unable to", "not able to", "can no longer": all ways to say "can not"."""
    out: list[Word] = []
    at = 0
    while at < len(words):
        most = len(words) - at
        lengths = (n for n in (4, 3, 2) if n <= most and _told(words[at : at + n]) in _WAYS)
        length = next(lengths, 0)
        if length:
            first, last = words[at], words[at + length - 1]
            out += [_word(form, first.start, last.end, False) for form in ("can", "not")]
        else:
            out.append(words[at])
        at += length or 1
    return out


def _some(words: list[Word]) -> list[Word]:
    """ "a bit better", "bit dizzy": there "bit" is an amount, not of "bite"."""
    forms_ = [word.form for word in words]
    around = zip(words, ["", *forms_[:-1]], [*forms_[1:], ""], strict=True) if words else ()
    return [
        replace(word, stem="bit")
        if word.form == "bit" and (before in _BEFORE_BIT or after in _AFTER_BIT)
        else word
        for word, before, after in around
    ]


def _told(words: Sequence[Word]) -> str:
    return " ".join(word.form for word in words)


def is_ideograph(word: Word) -> bool:
    """Whether one character is a word of its own."""
    return len(word.form) == 1 and _FIRST_IDEOGRAPH <= word.form <= _LAST_IDEOGRAPH


def is_known(word: Word) -> bool:
    if is_ideograph(word):
        return False
    return not word.form.isalpha() or len(word.form) < 2 or is_english(word.form)


def _tokens(chars: str, figures: Sequence[Figure]) -> Iterator[_Token]:
    taken = sorted((figure.begin, figure.stop) for figure in figures)
    for match in _TOKEN.finditer(chars):
        while taken and taken[0][1] <= match.start():
            taken.pop(0)
        if not (taken and taken[0][0] <= match.start() < taken[0][1]):
            yield _Token(match.group(), *match.span())
        elif match.start() == taken[0][0]:
            yield _Token(_FIGURE, taken[0][0], taken[0][1])


_HEADINGS: Final = frozenset({"sh"})  # "SH: lives alone" is the social history, no self-harm


def _forms(tokens: Sequence[_Token], index: int, chars: str) -> tuple[str, ...]:
    token = tokens[index]
    written = token.written
    if not written[0].isalpha():
        return _mark_or_number(tokens, index, chars)
    glossed = _is_glossed(tokens, index)
    if written.lower() == "pulse" and _next(tokens, index).startswith("ox"):
        return ()
    if written.upper() == "LOC":
        return _consciousness(tokens, index)
    plural = written[:-1] if written.endswith("s") else written
    meanings = _OTHER_MEANINGS.get(written.lower(), ())
    for meaning in meanings:
        if meaning.fits(chars, token.start, token.end):
            return meaning.reads
    if plural in CAPITALS and not glossed:
        return tuple(CAPITALS[plural].split())
    if glossed:
        return ()
    is_heading = written.lower() in _HEADINGS and _next(tokens, index) == ":"
    is_itself = is_heading or _is_german(tokens, index)
    return (written.lower(),) if is_itself else forms(written.lower())


def _is_german(tokens: Sequence[_Token], index: int) -> bool:
    """ "Ich habe", "da bin ich": no bleeding inside the skull."""
    written = tokens[index].written
    if written.lower() != "ich":
        return False
    before = tokens[index - 1].written.lower() if index else ""
    return written == "Ich" or not {before, _next(tokens, index)}.isdisjoint(_GERMAN)


def _consciousness(tokens: Sequence[_Token], index: int) -> tuple[str, ...]:
    """ "LOC: drowsy" names the level of consciousness, "LOC: alert" is a heading, elsewhere its
    loss is meant."""
    if _next(tokens, index + 1) in _AWAKE and _next(tokens, index) in (":", "="):
        return ()
    before = tokens[index - 1].written.lower() if index else ""
    named = _next(tokens, index) in (":", "=") or before in _OF_LEVEL
    return ("level" if named else "loss", "of", "consciousness")


def _next(tokens: Sequence[_Token], index: int) -> str:
    return tokens[index + 1].written.lower() if index + 1 < len(tokens) else ""


def _is_glossed(tokens: Sequence[_Token], index: int) -> bool:
    """Whether brackets after the shorthand say what it means here."""
    letters = tokens[index].written.lower()
    inside = [token.written.lower() for token in tokens[index + 2 : index + 2 + len(letters)]]
    opens = index + 1 < len(tokens) and tokens[index + 1].written == "("
    return opens and len(letters) > 1 and letters == "".join(word[0] for word in inside)


def _mark_or_number(tokens: Sequence[_Token], index: int, chars: str) -> tuple[str, ...]:
    token = tokens[index]
    written = token.written
    glued = chars[token.end : token.end + 1].isalpha()
    before = chars[token.start - 1 : token.start]
    apart = not before or before.isspace() or before in ",;(/?"
    if written[0].isdigit():
        return _number(token, glued, chars)
    if written[1:].lower() == "ve" or (len(written) == _BRACKETED and written[0] == "("):
        return ("positive" if "+" in written else "negative",)
    if written == "?" and (glued or chars[token.end : token.end + 1] == "?"):
        return ("query",)
    if written == "?" and apart and chars[token.end : token.end + 2].strip():
        return ("query",)
    if written == "-" and glued and apart:
        return (",", "no")
    if written == "+" and glued and apart:
        return (",",)
    if written == "-" and not apart and glued:
        return ()
    if written == "." and _belongs(tokens, index, chars):
        return ()
    return (written,)


def _number(token: _Token, glued: bool, chars: str) -> tuple[str, ...]:
    written = token.written
    amount, _, unit = written.partition("/")
    if unit:
        return (amount, _SPANS[unit])
    if _YEAR.match(written) and not _CLOCK.match(chars, token.end) and not glued:
        return ("yyyy",)
    if written == "0" and not glued and chars[token.end : token.end + 2].strip().isalpha():
        return ("zero",)
    return (written,)


def _belongs(tokens: Sequence[_Token], index: int, chars: str) -> bool:
    token = tokens[index]
    before = tokens[index - 1].written.lower() if index else ""
    return before in _STOP_BELONGS or chars[token.end : token.end + 1].isalnum()
