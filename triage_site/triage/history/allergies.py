"""Allergies that a note names. Pure.

What is read here is shown to people and told to a language model; it sets no priority. What is
denied, or said of another person, does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from triage_site.triage.history.names import MEDICINE
from triage_site.triage.history.plain_words import PlainWords, whole_words

_BETWEEN: Final = r"(?: (?!and |but |on )[^\W\d_][\w'/-]*){0,2} $"
_DENIED: Final = re.compile(
    r"\b(?:no|not|denies|without|never|isn't|sin|ohne|keine?|nessuna|pas d')" + _BETWEEN
)
_OF_ANOTHER: Final = re.compile(
    r"\b(?:mother|father|mum|mom|dad|son|daughter|wife|husband|brother|sister|partner|friend|aunt"
    r"|uncle|grandmother|grandfather|nan|gran|neighbour|family|cousin)(?:'s)?"
    r"(?: (?:is|was|has|also|an?|his|her|their|allergic|allergy|to))+ $"
)
# What a thing is called that one can be allergic to: a few words, up to where the clause ends.
_STOP: Final = (
    r"(?!(?:anything|any|nothing|none|nil|some|something|reactions?|and|or|with|but|on|takes?"
    r"|taking|took|ate|eaten|given|has|have|had|is|was|in|since|who|so|he|she|they|no|not|i|as|when"
    r"|at|by|after|before|during|for|of|from|until)\b)"
)
_THING: Final = rf"{_STOP}[^\W\d_][\w'/-]*(?: i(?= \())?"
_LIST: Final = rf"{_THING}(?: {_THING})?"
_HOW: Final = r"(?: \( [^()]{1,40} \)| (?:=|- >|>) [^\W\d_]+)"  # which reaction
# "Alergia a la", "Allergie gegen", "allergique aux", "allergia alla".
_FOREIGN_TO: Final = (
    r"(?:al+ergi\w*|al+érgic[oa]) (?:a la|a los|a las|a el|al|a|gegen|auf|à la|à l'|à|aux|alla|ao)"
)
_ALLERGIC: Final = whole_words(
    rf"(?:(?:allergic|allergy|allergies|anaphyla\w+|intoleran\w+|hypersensitiv\w+) (?:to|:|-|=)"
    rf"(?: the| a)?|{_FOREIGN_TO})"
    rf" ({_LIST}(?:{_HOW})?(?: ?(?:,|/|and|or|&) (?:and )?{_LIST}(?:{_HOW})?){{0,9}})"
)
_BETWEEN_THINGS: Final = re.compile(
    rf"(?:{_HOW})?(?: ?[,/] (?:and |or )?| (?:and|or) | ?& ?)|{_HOW}$"
)
_ALLERGY_OF: Final = whole_words(rf"({_THING}) (?:allergy|allergies|allergic)")
_ALLERGEN_AFTER: Final = re.compile(
    rf"(?:^|(?<=[.,;:!?|(\n] ))allerg(?:y|ies|ic) ((?:{MEDICINE.pattern})"
    rf"|(?:latex|nuts?|peanuts?|eggs?|shellfish|plasters?|iodine|contrast|sulfa|nsaids?)\b)"
)
_SAID_TO_REACT: Final = re.compile(
    rf"({_THING}) (?:=|-|- >|>|\(|:) (?:severe )?(?:anaphyla\w+|angioedema|hives|urticaria|rash|sjs"
    r"|bronchospasm|stevens)\b"
)
_OTHER_WORDS: Final = """
no nil none nkda any known drug drugs food severe the an a his her my their bad is was am are
be not and or of has have had possible mild other multiple many new seasonal skin some
keine keinen sin sans ohne senza nessuna
possibly think thinks know very highly badly also for by denies medication medicine s im he she
"""
_NOT_A_THING: Final = frozenset(_OTHER_WORDS.split())
_NONE_KNOWN: Final = re.compile(
    r"\b(?:nkda|nka|nkfa)\b"
    r"|\b(?:no|nil|denies|denied|without|negative for)(?: any| known| drug| food| medication| or"
    r"| and| environmental| other)*(?: allerg(?:y|ies))\b"
    r"|\ballergies ?[:=-]? ?(?:none|nil|no|nkda)\b"
    r"|\bnot allergic to (?:anything|any)\b"
    r"|\b(?:(?:keine (?:bekannten )?allergien?|pas d['’ ]?allergies?|sin alergias?"
    r"|nessuna allergia)\b(?! (?:a|à|al|alla|aux?|gegen|auf)\b)|alergias? no\b)",
    re.IGNORECASE,
)
_MAX_CHARACTERS: Final = 40


def says_none_known(text: str) -> bool:
    """Whether the note says that there is no allergy."""
    return _NONE_KNOWN.search(text) is not None


def find_allergies(note: PlainWords, spans: list[tuple[int, int]]) -> Iterator[str]:
    """Each thing once; the places of all mentions, meant or not, go into `spans`."""
    seen: set[str] = set()
    for match, things in _allergy_mentions(note):
        spans.append(match.span())
        before = note.before(match.start())
        if _DENIED.search(before) or _OF_ANOTHER.search(before):
            continue
        for begin, thing in things:
            if thing not in seen and thing.split()[0] not in _NOT_A_THING:
                seen.add(thing)
                yield note.written(begin, begin + len(thing))[:_MAX_CHARACTERS]


def _allergy_mentions(note: PlainWords) -> Iterator[tuple[re.Match[str], list[tuple[int, str]]]]:
    """Each mention with its things and where they begin."""
    for match in _ALLERGIC.finditer(note.plain):
        ends = [*_BETWEEN_THINGS.finditer(match.group(1)), None]
        things, begin = [], 0
        for end in ends:
            thing = match.group(1)[begin : end.start() if end else None]
            things += [(match.start(1) + begin, thing)] if thing else []
            begin = end.end() if end else 0
        yield match, things
    for match in _ALLERGY_OF.finditer(note.plain):
        if match.group(1) not in _NOT_A_THING:
            yield match, [(match.start(1), match.group(1))]
    for match in (*_ALLERGEN_AFTER.finditer(note.plain), *_in_list(note)):
        yield match, [(match.start(1), match.group(1))]


def _in_list(note: PlainWords) -> Iterator[re.Match[str]]:
    """ "no drug allergies but latex = anaphylaxis": only where allergies are spoken of."""
    for match in _SAID_TO_REACT.finditer(note.plain):
        told = "allerg" in note.plain[: match.start()].rpartition(" . ")[2]
        if (told and ":" not in match.group()) or _stands_alone(note, match):
            yield match


def _stands_alone(note: PlainWords, match: re.Match[str]) -> bool:
    """ "Penicillin - anaphylaxis." as a sentence of its own."""
    is_medicine = MEDICINE.fullmatch(match.group(1)) is not None
    return is_medicine and not note.before(match.start()).strip()
