"""Which measured values of a note are of another day. Pure.

"Last week: BP 90/50, HR 120, today well": a day that stands before a value or directly behind it
dates it, and the values listed after it up to a word for now. "Fell last week, HR 120" dates the
fall. What a GP or a crew measured today counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from triage_site.triage.reading.figures import Figure

_WEEKDAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH: Final = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
)
_DAY: Final = (
    rf"(?:yesterday|last (?:week|weekend|month|year|{_WEEKDAY})|the (?:day|week) before"
    r"|(?:\d+|an?|few|several|couple of|some|many|the other) "
    r"(?:days?|weeks?|months?|years?) (?:ago|back)"
    rf"|the other day|on {_WEEKDAY}|(?:back )?in (?:{_MONTH}\b(?: \d{{4}})?|(?:19|20)\d\d)"
    r"|(?:at|on) discharge|before discharge|discharge (?=obs|vitals|readings)"
    r"|pre-?op(?:erative)?(?: (?:clinic|assessment|check))?)"
)
OF_OLD: Final = re.compile(rf"(?<!since )(?<!from )\b{_DAY}\b", re.IGNORECASE)
_USUAL: Final = (
    r"(?<!than )(?<!above )(?<!below )(?<!from )(?<!not )(?<!as )"
    r"\b(?:usual(?:ly)?|baseline|target|aim(?:ing)?)"
)
_NAMES: Final = (
    r"obs|observations|vitals?|signs|readings?|values?|b/?p|blood|pressure|hr|heart|rate|pulse|o2"
    r"|oxygen|sats?|saturations?|spo2|temp\w*|t|rr|resps?"
)
_AT: Final = (
    rf"{_NAMES}|in|at|by|for|the|from|a|his|her|my|their|home|gp|clinic|hospital|ward|ed|a&e"
    r"|pharmacy|nurse|doctor|midwife|school|checked|measured|taken|recorded"
)
_WAS: Final = (
    rf"{_AT}|with|was|were|is|are|had|has|been|it|he|she|they|i|showed|read|said|gave|about|around"
    r"|of|only|admitted with"
)
_HEAD: Final = rf"{_AT}|seen|was|were|had|admitted|discharged"
_BORDER: Final = r"(?:^|[,;.:(|\n-])\s*"
_YOUNGER: Final = (
    r"(?:as a (?:small |young )?(?:child|girl|boy|baby|kid|toddler|teenager|student)"
    r"|in (?:(?:his|her|my|their) )?(?:childhood|youth|teens|(?:twen|thir|for|fif)ties))"
)
# A day before a value, as a heading with a colon or without, or a word for usual.
_LEADS: Final = re.compile(
    rf"(?:{_BORDER}(?:(?:{_AT})\s+){{0,5}}{_DAY}(?:\s+(?:{_WAS})\b){{0,5}}"
    rf"|{_BORDER}(?:(?:{_HEAD})\s+){{0,5}}{_DAY}(?:\s+(?:{_WAS})\b){{0,5}}\s*(?P<heads>:[^.]*)"
    # "a pneumonia in 2021 with sats of", "as a girl with a fever of"
    rf"|\b(?:in (?:{_MONTH} )?(?:19|20)\d\d|{_YOUNGER})\b[^.;,:\n]{{0,40}}"
    rf"|(?P<usual>{_USUAL})(?:\s+(?:{_AT})\b){{0,3}}\s*(?P<heads_usual>:[^.]*)?)[\s=(-]*$",
    re.IGNORECASE,
)
# A day directly behind a value, with nothing that it may date instead.
_FOLLOWS: Final = re.compile(
    rf"\W{{0,2}}(?:(?:{_AT}|was)\s+){{0,3}}{_DAY}\b(?=\s*(?:$|[,;.)|\n\d]"
    r"|(?:in|at|by|when|and|now|but|today)\b))",
    re.IGNORECASE,
)
# "sats 91 = her normal": said behind a value.
_IS_USUAL: Final = re.compile(
    r"[\s,(=]*(?:(?:which|that|this) )?(?:is |are |being )?(?:about |at )?"
    r"(?:(?:his|her|their|my|its|pt'?s|patient'?s) (?:usual|normal|norm|baseline)\b"
    r"|(?:usual|normal|baseline) (?:for|in) (?:him|her|them|me|pt|patient)\b"
    r"|(?:at|on) baseline\b)(?! (?:is|was|[<>=~]|\d))",
    re.IGNORECASE,
)
_NOW_WORDS: Final = r"today|now|currently|tonight|this (?:morning|afternoon|evening|am|pm)"
_NOW: Final = re.compile(
    rf"\b(?:{_NOW_WORDS}|at present|still|on arrival|o/e|on exam\w*|at triage|here|crew|ambulance"
    r"|paramedics?|since|present(?:s|ing)|(?:hours?|hrs?|min(?:ute)?s?) ago)\b",
    re.IGNORECASE,
)
_FOLLOWS_NOW: Final = re.compile(rf"[ (]{{0,2}}(?:{_NOW_WORDS})\b", re.IGNORECASE)
_REACH: Final = 300  # characters before a value
_SENTENCE_END: Final = re.compile(r"\.(?=\s)|\n\s*\n")
_LISTED: Final = re.compile(r"[\s,;/&()|%+-]*(?:and\s+)?")
_JOINED: Final = re.compile(r"\s*(?:and\s+)?")


def with_days(chars: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    """`figures` of a cleaned text, with those marked that are of another day."""
    old = _old(chars, sorted({(one.begin, one.stop) for one in figures}))
    return (replace(one, is_old=True) if one.begin in old else one for one in figures)


def _old(chars: str, places: Sequence[tuple[int, int]]) -> frozenset[int]:
    """The places of values of another day. A list goes on over marks, a heading over words."""
    old: list[int] = []
    is_listed = is_headed = False
    at = 0
    for number, (begin, stop) in enumerate(places):
        *earlier, gap = _SENTENCE_END.split(chars[max(at, begin - _REACH) : begin])
        is_new = bool(earlier) or at == 0
        lead = _LEADS.search(gap if is_new else f",{gap}")
        until = places[number + 1][0] if number + 1 < len(places) else len(chars)
        is_now = bool(_NOW.search(gap) or _FOLLOWS_NOW.match(chars[stop:until]))
        heads = lead is not None and bool(lead["heads"] or lead["heads_usual"])
        is_headed = not is_now and ((is_headed and not is_new) or heads)
        goes_on = is_listed and not is_new and _LISTED.fullmatch(gap) is not None
        is_listed = not is_now and (goes_on or (lead is not None and not lead["usual"]))
        follows = _FOLLOWS.match(chars[stop:until])
        if follows and not (is_listed or is_headed):
            old += _joined(chars, places[: number + 1])
        elif is_listed or is_headed or (lead and not is_now) or _IS_USUAL.match(chars, stop, until):
            old.append(begin)
        at = stop + follows.end() if follows else stop
    return frozenset(old)


def _joined(chars: str, places: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The last place, and those that stand before it with nothing between: "HR 130 BP 80/40"."""
    following = places[-1][0]
    for begin, stop in reversed(places):
        if stop <= following and not _JOINED.fullmatch(chars[stop:following]):
            return
        yield begin
        following = begin
