# ruff: noqa: E501
"""How words are meant: of this patient now, or denied, past, a relative's, only thought of. Pure.

A scope rule in the spirit of NegEx (Chapman et al. 2001): a trigger before the words covers
them unless something between the two ends its reach. Where English is ambiguous the words
count as present, since a rule that fires for nothing costs less than one that stays silent.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Standing(Enum):
    PRESENT = "present"
    DENIED = "denied"
    PAST = "past"
    RELATIVE = "relative"
    SUPPOSED = "supposed"


_NUMBER: Final = r"(?:\d+|a|an|one|two|three|four|five|six|ten|few|several|many|couple of|some)"
_NOW: Final = re.compile(
    r"\b(?:today|now|currently|tonight|this (?:morning|afternoon|evening|am|pm)|since|just|sudden|"
    r"suddenly|ongoing|still|again|at the moment|acute|acutely|yesterday|last night|new|worse|"
    rf"worsening|{_NUMBER} (?:seconds?|minutes?|hours?|days?) ago|"
    rf"(?:for|x) (?:the (?:last|past) )?(?:about )?{_NUMBER} ?(?:minutes?|hours?|days?))\b"
)
# What ends the reach of a denial or of a history.
_ENDS_REACH: Final = re.compile(
    r"\b(?:but|however|although|though|yet|except|apart|then|now|because|since|until|who|which|has|"
    r"is|are|reports?|reporting|complains?|complaining|presents?|presented|presenting|developed|"
    r"started|became|began|came|he|she|they|i|still|with|today|feels|feeling|woke|"
    r"sudden|suddenly|severe|crushing|worst|acute|new|admits|endorses|positive)\b"
)
_STRONG_DENIAL: Final = re.compile(
    r"\b(?:denies|denied|deny|denying|without|negative for|absence of|free of|no evidence of|"
    r"no signs? of|no (?:known )?history of|no complaints? of|rules out|ruled out|neither)\b"
)
_WEAK_DENIAL: Final = re.compile(
    r"\b(?:no|(?<!can )(?<!will )(?<!would )(?<!should )not|can not (?=see|feel|find|hear|be pregnant)|never|nor)\b"
    r"(?! (?:relief|relieved|better|improvement|improving|improved|change|longer|doubt|idea|"
    r"matter|way|only|just|sure|certain|known|response|responding|stop|stopping|,))"
)
_DENIED_AFTER: Final = re.compile(
    r"^ ?(?:\( ?- ?\)|\( ?(?:no|neg|negative|none) ?\)|(?:[:=-] ?)?(?:none|nil|negative|denied|absent|"
    r"no(?= ?(?:[.,;)]|$)))|(?:is|was|has been|have been|are|were) (?:absent|denied|negative|"
    r"excluded|ruled out)|ruled out|excluded|not present|unlikely)"
)
_HISTORY: Final = re.compile(
    r"(?<!day )(?<!days )(?<!hour )(?<!hours )(?<!week )(?<!weeks )(?<!minutes )"
    r"\b(?:history(?: of|:)?|past medical history(?: of)?|known|status post|medical history|previous|previously|"
    r"prior|remote|(?<!year )(?<!years )(?<!month )(?<!months )(?<!week )(?<!weeks )(?<!day )(?<!days )old)\b"
)
_NEAR_HISTORY: Final = frozenset(
    {"previous", "previously", "prior", "remote", "old", "known", "status post"}
)
_PAST_AFTER: Final = re.compile(
    r"^(?: [\w'/-]+){0,5}? \(?(?:in (?:the )?(?:19|20)\d\d|(?:19|20)\d\d|in the past|in childhood|"
    r"as a (?:child|kid|baby|teenager)|last year|years (?:ago|back|before)|"
    rf"{_NUMBER} ?(?:years?|months?) (?:ago|back|before)|at age|at the age|"
    r"when (?:he|she|i|they) (?:was|were) (?:young|little|a child|\d+))\b"
)
_KIN: Final = (
    r"(?:mother|father|parents?|brother|sister|grandmother|grandfather|grandma|grandpa|aunt|uncle|"
    r"cousin|sibling|relative)"
)
_FAMILY: Final = re.compile(
    r"\b(?:family history|fam history|family hx|familial|runs in (?:the |his |her |my )?family)\b|"
    rf"\b{_KIN}(?:'s)? (?:also |both )?(?:had|died|has had|have had|passed away|suffered|with|has a history|"
    r"was diagnosed|history)\b"
)
_FAMILY_AFTER: Final = re.compile(
    rf"^(?: [\w'/-]+){{0,2}} (?:in (?:the |his |her |my )?(?:family|{_KIN})|\( ?{_KIN})\b"
)
_OWN_PATIENT: Final = re.compile(
    rf"^(?:hello |hi |help |please |[,] )*(?:it's |it is )?(?:my|our) {_KIN}\b"
)
_LONG_AGO: Final = re.compile(
    r"\bat (?:age|the age)|\bdied|\bpassed away|\bin (?:his|her|their) \d0"
)
_SUPPOSED: Final = re.compile(
    r"\b(?:rule out|query|worried about|worry about|afraid of|fears?|fear of|scared of|anxious about|"
    r"risk of|in case|(?<!sure )(?<!know )(?<!tell )(?<!see )(?<!as )if|should|return for|watch for|"
    r"watch out for|screening for|screen for|to exclude|excluding|prevent|prevention of|vaccine|"
    r"vaccination|precautions?|could get|might get|evaluate for|check for|checked for|instead of|"
    r"read about|asks about|asking about|training|course|googled)\b"
)
_MAX_ITEM_WORDS: Final = 5
_MAX_NEAR_WORDS: Final = 3
_MAX_BARE_ITEM_WORDS: Final = 3
_MIN_BARE_ITEMS: Final = 3


def standing(*, before: str, words: str, after: str, opens_note: bool) -> Standing:
    """`before` and `after`: the rest of the sentence, in standard spelling."""
    if _is_denied(before, words, after):
        return Standing.DENIED
    current = bool(_NOW.search(_last_item(before) + words + " " + _first_item(after)))
    if not current and _is_relative(before, after, opens_note):
        return Standing.RELATIVE
    if not current and _is_past(before, after):
        return Standing.PAST
    if _is_supposed(before):
        return Standing.SUPPOSED
    return Standing.PRESENT


def _is_denied(before: str, words: str, after: str) -> bool:
    if _DENIED_AFTER.search(after):
        return True
    strong = _last(_STRONG_DENIAL, before)
    if strong is not None and _reaches(before[strong.end() :], lists=True):
        return True
    weak = _last(_WEAK_DENIAL, before)
    if weak is None:
        return False
    gap = before[weak.end() :]
    if "," not in gap:
        return " and " not in gap and _reaches(gap, lists=False)
    return _is_denied_list(gap, words, after)


def _is_denied_list(gap: str, words: str, after: str) -> bool:
    """ "no fever, cough or rash" and "no fever, cough, rash", but not "no fever, chest pain"."""
    if not _reaches(gap, lists=True):
        return False
    following = re.split(r"[.;!?]", after, maxsplit=1)[0]
    if re.search(r"\b(?:or|nor)\b", gap + words + " " + following):
        return True
    items = [item.split() for item in (gap + words + following).split(",")]
    bare = all(len(item) <= _MAX_BARE_ITEM_WORDS for item in items)
    return bare and len(items) >= _MIN_BARE_ITEMS and not _ENDS_REACH.search(following)


def _reaches(gap: str, *, lists: bool) -> bool:
    if _ENDS_REACH.search(gap):
        return False
    items = gap.split(",")
    if len(items) > 1 and not lists:
        return False
    return all(len(item.split()) <= _MAX_ITEM_WORDS for item in items)


def _is_past(before: str, after: str) -> bool:
    if _PAST_AFTER.search(after):
        return True
    trigger = _last(_HISTORY, before)
    if trigger is None:
        return False
    gap = before[trigger.end() :]
    if trigger.group().split(":")[0] in _NEAR_HISTORY:
        return "," not in gap and len(gap.split()) <= _MAX_NEAR_WORDS
    return _reaches(gap, lists=True)


def _is_relative(before: str, after: str, opens_note: bool) -> bool:
    if _FAMILY_AFTER.search(after):
        return True
    trigger = _last(_FAMILY, before)
    if trigger is None or re.search(r"\b(?:but|however|now|patient)\b", before[trigger.end() :]):
        return False
    caller_for_kin = opens_note and _OWN_PATIENT.search(before)
    return not caller_for_kin or bool(_LONG_AGO.search(before + after))


def _is_supposed(before: str) -> bool:
    trigger = _last(_SUPPOSED, before)
    if trigger is None:
        return False
    gap = before[trigger.end() :]
    return (
        "," not in gap
        and len(gap.split()) <= _MAX_ITEM_WORDS
        and not re.search(r"\b(?:but|because|and now|has|with|since)\b", gap)
    )


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return found[-1] if found else None


def _last_item(before: str) -> str:
    return before.rsplit(",", 1)[-1]


def _first_item(after: str) -> str:
    return after.split(",", 1)[0]
