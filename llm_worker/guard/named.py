"""What the text names against what the brief names. Pure.

Quotations, danger signs, medicines and allergies, the sex of the patient, and which number
belongs to which vital sign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from llm_worker.guard.answer import Answer, is_cautious, plain

_SHARE_NAMED: Final = 0.6  # of the words of a danger sign: other models use their own words
_SMALL_WORDS: Final = frozenset(("and", "the", "for", "with", "that", "from", "after"))
_CLAUSE_END: Final = re.compile(r"[.;\n]")
_LISTED: Final = re.compile(r"\bdanger signs?: ([^.\n]*)")
_NO_SIGN: Final = re.compile(r"\bno (?:\w+ )?danger signs?\b|\bdanger signs?:? none\b")
_NOT_STATED: Final = (
    r"[^.;\n]{0,40}\b(?:not|un)\s?(?:stated|known|listed|mentioned|recorded|given)\b"
)
_NO_MEDICINES: Final = re.compile(
    rf"\b(?:medicines?|medications?|drugs?)\b{_NOT_STATED}"
    r"|\b(?:no|not on any|takes no) (?:regular |current |known )?(?:medicines?|medications?)\b"
    r"(?![^.;\n]{0,60}\b(?:was|were|is|are) missed\b)"
)
_ALLERGIES_UNKNOWN: Final = re.compile(rf"\ballerg(?:y|ies)\b{_NOT_STATED}")
_NO_ALLERGIES: Final = re.compile(r"\b(?:no (?:known )?(?:drug )?allerg(?:y|ies)|nkda)\b")
_QUOTED: Final = re.compile(r"'(?:[^']|(?<=\w)'(?=\w)){3,}'")
_NONE_KNOWN: Final = "none known"
_GIVEN: Final = r"\b(?:give|start|administer|prescribe|offer)\b[^.\n]{0,40}\b"
_SEX_WORDS: Final = {
    "female": re.compile(r"-old (?:man|boy|gentleman|male)\b"),
    "male": re.compile(r"-old (?:woman|girl|lady|female)\b"),
}
_NAMES_OF: Final = {
    "Heart rate": r"heart rate|pulse|hr",
    "Respiratory rate": r"respiratory rate|resp rate|rr|breathing rate",
    "Oxygen saturation": r"oxygen saturation|saturation|spo2|sats",
    "Temperature": r"temperature|temp",
    "Blood pressure": r"blood pressure|bp",
    "Pain": r"pain",
}
_VALUE: Final = r")(?:\W{1,3}(?:is|was|of|at|score))?\W{1,3}(\d[\d./]*\d|\d)"


def misquotes(answer: Answer) -> bool:
    """Whether a quotation has words that the brief does not have. `...` marks an omission."""
    source = plain(answer.brief_text)
    parts = (part for quote in answer.quotations for part in re.split(r"\.\.\.|…", quote))
    return any(plain(part).strip(" .,;:!?'-") not in source for part in parts)


def omits_danger_sign(answer: Answer) -> bool:
    """Whether a danger sign of the brief is not named, denied, or one is invented."""
    signs = answer.brief.danger_signs
    if signs and _NO_SIGN.search(answer.own):
        return True
    clauses = [_stems(clause) for clause in _CLAUSE_END.split(answer.own)]
    if any(
        sign.lower() not in answer.own and not any(_named(sign, clause) for clause in clauses)
        for sign in signs
    ):
        return True
    if not answer.brief.text:
        return False
    known = _stems(answer.brief.text.lower())
    listed = [item for items in _LISTED.findall(answer.own) for item in items.split(";")]
    return any(not _named(item, known) for item in listed if "none" not in item)


def _named(sign: str, stems: frozenset[str]) -> bool:
    own = _stems(sign.lower())
    return len(own & stems) >= _SHARE_NAMED * len(own)


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]{3,}", text)
    return frozenset(word[:5] for word in words if word not in _SMALL_WORDS)


def contradicts_history(answer: Answer) -> bool:
    """Whether the text says that nothing is known of medicines or allergies that the brief
    names, or gives what the patient is allergic to."""
    medicines, allergies = answer.brief.line("Medicines"), answer.brief.line("Allergies")
    own = _without_quotes(answer.own, (medicines, allergies))
    if medicines and _NO_MEDICINES.search(own):
        return True
    if not allergies:
        return False
    if _ALLERGIES_UNKNOWN.search(own):
        return True
    if allergies == _NONE_KNOWN:
        return False
    names = [name.partition(" (")[0].lower() for name in allergies.split(", ")]
    given = any(re.search(_GIVEN + re.escape(name), answer.own) for name in names)
    return given or _NO_ALLERGIES.search(own) is not None


def _without_quotes(own: str, lines: Sequence[str]) -> str:
    """Without what these lines of the brief hold, and quote of the note: "'NKDA, penicillin allergy
    removed'" is said by the note."""
    for line in filter(None, lines):
        for told in (line, *_QUOTED.findall(line)):
            own = own.replace(told.lower(), " ")  # with its quotation marks
    return own


def contradicts_patient(answer: Answer) -> bool:
    wrong = _SEX_WORDS.get(answer.brief.line("Sex"))
    return wrong is not None and wrong.search(answer.own) is not None


def misplaces_number(answer: Answer) -> bool:
    """Whether a vital sign has a number that is not its reading."""
    for label, names in _NAMES_OF.items():
        known = [r.value for r in answer.brief.readings if label.lower() in r.label.lower()]
        if known and _has_other_number(answer, names, known):
            return True
    return False


def _has_other_number(answer: Answer, names: str, known: list[str]) -> bool:
    values = {part for value in known for part in (value, *value.split("/"))}
    values |= {value.removesuffix(".0") for value in values}
    return any(
        number not in values
        for sentence in answer.claims
        if not is_cautious(sentence)
        for number in re.findall(rf"\b(?:{names}{_VALUE}", sentence)
    )
