"""Allergens that a note names, and where it says that there are none. Pure.

What stands behind a heading ("allergic to", "Allergies:") is a list: names that are known, or a few
words up to where the clause ends, each with what it did. What is denied, or said of another
person, does not count. "None known" is told where the note says so and names no exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from triage_site.triage.history.names import (
    ALLERGEN,
    KINDS,
    KNOWN,
    MEDICINE,
    RELATIVES,
    SHORT_IN_ALLERGIES,
    TABLE,
    whole_words,
)
from triage_site.triage.history.persons import is_of_another, is_of_another_behind
from triage_site.triage.history.plain_words import (
    INTOLERANCE,
    Mention,
    PlainWords,
    Quote,
    Spans,
)
from triage_site.triage.history.quoting import (
    MILD,
    is_mild,
    lines_below,
    sentence,
    whole_sentence,
)
from triage_site.triage.reading.words import TABLES, is_clinical, is_english, one_letter_away

ALLERGY: Final = "allergy"
ALLERGIC: Final = frozenset({ALLERGY, INTOLERANCE})
_WORDS: Final = TABLE["allergy"]
_KNOWN: Final = KNOWN.pattern
_BETWEEN: Final = r"(?: (?!and |but |on )[^\W\d_][\w'/-]*){0,2} $"
_DENIED: Final = re.compile(
    r"\b(?:no|not|denies|without|never|isn't|nie|bez|sin|ohne|keine?|nessuna|pas d')" + _BETWEEN
)
# What a thing is called that one can be allergic to: a few words, up to where the clause ends.
_STOP: Final = rf"(?!(?:{'|'.join(_WORDS['not_in_name'].split())})\b)"
_THING: Final = rf"{_STOP}[^\W\d_][\w'/-]*(?: i(?= \())?"
_ITEM: Final = re.compile(
    rf"(?:(?:the|a|an|some|his|her|my|severely|known) )?"
    rf"(?:(?P<known>{_KNOWN})(?: {_THING}){{0,2}}|(?P<thing>{_THING}(?: {_THING})?))"
)
_HARM: Final = "|".join(_WORDS["harm"])
_WHERE: Final = "|".join(_WORDS["part"])
REACTION: Final = re.compile(rf"{_HARM}|{_WHERE}", re.IGNORECASE)
REACTED: Final = re.compile(
    rf"(?:(?:facial|face|throat|lips?|tongue)(?: \w+)? )?\b(?:{_HARM})\w*", re.IGNORECASE
)
_OF_DRUGS: Final = re.compile(r"\bn\.?k\.?d|drug|medic", re.IGNORECASE)
_WORD: Final = r"[^\s.,;:!?()\n/|]+"
# What a thing did: in brackets, after a mark, or after a verb.
_HOW: Final = re.compile(
    r" ?(?:\( [^()]{1,60} \)"
    rf"|(?:- >|=|>)(?: (?!on |takes? ){_WORD}){{1,6}}"
    rf"|[-:](?= (?:{_WORD} ){{0,4}}"
    rf"(?:{REACTION.pattern}|jaundice|unwell|\bill\b|\b(?:{MILD})\b))"
    rf"(?: {_WORD}){{1,6}}"
    rf"|(?:makes?|made|causes?|caused|brings?|brought|upsets?)(?: {_WORD}){{1,6}}"
    rf"|(?:gives?|gave) (?:me|him|her|them|us|an?|bad|severe)(?: {_WORD}){{1,5}})",
    re.IGNORECASE,
)
# As it is told: all that brackets hold, or up to the last word for a reaction.
_DID: Final = re.compile(
    r"(?: (?:allerg(?:y|ies|ic)|anaphylaxis)(?= yyyy| [(=>:-]))?(?: yyyy)?"
    rf"(?: ?\( (?P<held>.*) \)|[ =>:-]*(?P<did>.*(?:{_HARM}|\b(?:{MILD})\b)[^\W\d_]*))",
    re.IGNORECASE,
)
# A medicine that is taken, behind a list of allergies.
_IS_MEDICATION: Final = re.compile(
    r" (?:\d|given|taken|started|prescribed|stopped|today|yesterday|[bot]d\b|qds|daily|nocte|prn)"
)
_NEXT: Final = re.compile(r" ?(?:[,/;&+]|and|or|und|et|e|y|i)(?: and| or)?(?: also)?(?: to)? ")
_ENDS: Final = re.compile(r" ?(?:$|[.,;:!?()\n/&+|=>-]|(?:and|or|but|on|with|takes?|has|have)\b)")
_LINE: Final = re.compile(r" ?\n (?:[*>-] |\d+ [.)] )?")
# "Alergia a la", "Allergie gegen", "allergique aux", "allergia alla".
_FOREIGN_TO: Final = (
    r"(?:al+ergi\w*|al+érgic[oa]) (?:a la|a los|a las|a el|al|a|gegen|auf|à la|à l'|à|aux|alla|ao)"
    rf"|uczul\w+ na(?= (?:{_KNOWN}))"
)
_FOR_TO: Final = (
    r"(?:(?!(?:but|not|nor|no|and|or|on|so|has|had|is|was|take|took|uses?|use|gave|now)\b)"
    r"[^\W_]{1,4}|[(\[])"
)
_HEAD: Final = whole_words(
    r"(?:allergic|al+er[gj](?:y|ys|ies|ie|ia|ias|ien|ique)|alérgic[oa]|uczulen\w+|allgs?|anaphyla\w+|intoleran\w+|hypersensitiv\w+"
    r"|sensitivit\w+) (?:to|of|with|:|-|=|\|)(?: known)?"
    # "allergic too", "allergic 2", "allergic (": whatever stands there for "to".
    rf"|allergic(?: {_FOR_TO}){{1,2}}(?: [:=-])?(?= (?:{_KNOWN}))"
    r"|allerg(?:y|ies) (?:status|hx|history|list|known) [:=-]"
    rf"|(?:adrs?|ka|(?:drug|adverse) reactions?) [:=-]|{_FOREIGN_TO}"
    # "food:" and the like in a list of allergies, which has to be spoken of before.
    rf"|(?P<kind>foods?|drugs?|others?) [:-](?= (?:{_KNOWN}))"
    r"|(?<=allergies , )mine (?:is|are)|(?<=allergy , )mine (?:is|are)"
    r"|(?:^|(?<=[.,;:!?|(\n] )|(?<=known )|(?<=pt )|(?<=patient )"
    r"|(?<=true )|(?<=real )|(?<=proper ))"
    rf"(?:allerg(?:y|ies|ic)|allgs?|alls? :|alls [-=])(?= (?:{_KNOWN}))"
)
_BADGE: Final = re.compile(r"medicalert|bracelet|wristband|necklace|pendant")
_TELLS_ALLERGY: Final = re.compile(rf"allerg|{_BADGE.pattern}")
_OF_ONE: Final = ("allergy -", "allergy :", "intolerance -", "intolerance :")
_NAMED: Final = re.compile(rf"(?:{_KNOWN}) $")
_IS_LESS: Final = re.compile("intoleran|adr|drug reaction|adverse")
_NOT_TAKEN: Final = r"(?<!\bon )(?<!\btakes )(?<!\btaking )(?<!\busing )(?<!\buses )(?<!: )"
_ALLERGY_OF: Final = whole_words(
    # "nut, egg and milk", but not "on ramipril, penicillin".
    rf"(?P<list>{_NOT_TAKEN}(?:{_KNOWN} , ){{0,4}}+{_KNOWN} (?:and|&|/) (?:a )?)?"
    rf"(?:(?P<thing>{_KNOWN}|{_THING}) (?:allergy|allergies|allergic(?! to\b)|anaphylaxis)"
    # Of what is known only: "cold intolerance", "that is all".
    rf"|(?P<known>{_KNOWN}) (?:(?P<less>intoleran(?:ce|t))|all(?= [.,;)\n]|$)))"
)
_DOES: Final = (
    r"anaphyla\w+|angioedema|hives|urticaria|rash|sjs|bronchospasm|stevens|blister\w*|swell\w*"
    r"|swollen|dystoni\w+"
)
_SAID_TO_REACT: Final = re.compile(
    rf"\b({_THING}) (?:(?:=|-|- >|>|\(|:) (?:severe )?(?:{_DOES})"
    rf"|(?:- )?> (?:(?:{_WORD}|\() ){{0,5}}?(?:{_DOES}|reaction|jaundice|collapse|wheez\w+))\b"
)
NONE_KNOWN: Final = re.compile("|".join(_WORDS["none_known"]), re.IGNORECASE)
_SAID_BESIDE: Final = (
    r"(?: known| at all| regularly| that (?:i|he|she|they) knows? of| (?:i|he|she) knows? of"
    r"| that i know)?"
)
EXCEPT: Final = re.compile(
    rf"{_SAID_BESIDE}[ ,;:(-]*(?:ex+c?epts?(?: for)?|excluding|apart from|a part from|other than"
    r"|besides|aside from|bar|save for|barring|only|just) [ '\":]*",
    re.IGNORECASE,
)
BUT: Final = re.compile(rf"{_SAID_BESIDE}[ ,;.:(-]*(?:but|however|although|though)\b[^.;]*", re.I)
_NOT_TO: Final = whole_words(rf"(?:not|no longer) allergic to ({_KNOWN})")
_BUT_TO: Final = re.compile(r"\bnot allergic to [^.;\n]{1,40}? but (?:is |am )?(?:allergic )?to ")
# Words for allergies that are read nowhere else; `now`: they may name the complaint.
_SPEAKS: Final = re.compile(
    r"\ballerg(?:y|ies|ys|ic)\b"
    r"(?! (?:clinic|nurse|test|tests|testing|specialist|jabs?|tablets?|medicine|season|rhinitis"
    r"|conjunctivitis|asthma|eczema|dermatitis|symptoms|reactions?\b))"
    r"|(?P<now>\ballergic reactions?\b|\banaphyla\w+)",
    re.IGNORECASE,
)
# "I don't know allergies" denies none.
_UNKNOWN: Final = re.compile(r"\bnot (?:\w+ )?(?:know|known)\b[^.;]*$")
_LONG_KNOWN: Final = re.compile(
    r"\b(?:known|previous(?:ly)?|past|history|hx|pmh|(?:19|20)\d\d|years? ago"
    r"|as a (?:child|baby|kid)|epi-?pens?|jext|emerade|carries)\b",
    re.IGNORECASE,
)
_NOT_A_THING: Final = frozenset((*_WORDS["no_name"].split(), *RELATIVES))
# No name of a thing: a reaction, a year, or words for whom or how.
_IS_ODD: Final = re.compile(
    rf"{REACTION.pattern}|vomit|\bsick|\d|\b(?:{'|'.join(_WORDS['odd'])})\b", re.IGNORECASE
)
_BODY: Final = frozenset(TABLES["sets"]["body"].split())
_IS_ALLERGEN: Final = ALLERGEN.fullmatch
_YEAR: Final = " yyyy"
_ANAPHYLAXIS: Final = "( anaphylaxis )"
_MOST_AHEAD: Final = 11  # characters of "medication "
_MOST_SPOKEN: Final = 20
_MAX_CHARACTERS: Final = 40
_MOST_FOLLOWS: Final = 300  # characters from "allergies" to an exception or a reaction
_MOST_ITEMS: Final = 10
_LEAST_LETTERS: Final = 4
_MOST_OF_ARTICLE: Final = 2  # letters, as in "pas de allergy"


def find_allergens(note: PlainWords, spans: Spans) -> Iterator[Mention]:
    """Each place once; those of all lists, meant or not, go into `spans`."""
    seen = Spans(note.plain)
    for start, last, things, is_exception in _lists(note):
        spans.add(start, last)
        if not is_exception and (_is_not_meant(note, start) or is_of_another_behind(note, last)):
            continue  # but "not allergic to penicillin but to codeine" is a list of its own
        for thing in things:
            if seen.add(thing.at, thing.at + len(thing.name)):
                yield thing


def _lists(note: PlainWords) -> Iterator[tuple[int, int, Sequence[Mention], bool]]:
    """From where to where in `plain` a note speaks of allergens, those there, and whether they
    are the exception to what is denied."""
    for _, end, after in _said_none(note):
        if exception := EXCEPT.match(after):
            yield note.at(end), *_items(note, note.at(end), note.at(end + exception.end())), True
    for match in _BUT_TO.finditer(note.plain):
        yield match.start(), *_items(note, match.start(), match.end()), True
    for head in _HEAD.finditer(note.plain):
        before = note.before(head.start())
        # "drugs: codeine" may be a list of medicines; "penicillin allergy - chest pain" names it.
        is_list = "allerg" in before if head["kind"] else not head.group().startswith(_OF_ONE)
        if is_list or not (head["kind"] or _NAMED.search(before)):
            how = _ANAPHYLAXIS if head.group().startswith("anaphyla") else ""
            is_less = _IS_LESS.match(head.group()) is not None
            begin = head.end() + 1
            yield head.start(), *_items(note, head.start(), begin, is_less=is_less, how=how), False
    for match in _ALLERGY_OF.finditer(note.plain):
        if match["known"] or _is_named(note, match["thing"]):
            yield _before_allergy(note, match)
    for match in _SAID_TO_REACT.finditer(note.plain):
        before = note.plain[max(0, match.start() - _MOST_FOLLOWS) : match.start()]
        told = _TELLS_ALLERGY.search(before.rpartition(" . ")[2])
        if told and ":" not in match.group():  # "no drug allergies but latex = anaphylaxis"
            yield *match.span(), [_thing(note, match.span(1), match.start())], False
        elif MEDICINE.fullmatch(match[1]) and note.before(match.start()).strip() in ("", "also"):
            last, things = _items(note, match.start(), match.start())
            yield match.start(), max(last, match.end()), things, False


def _before_allergy(
    note: PlainWords, match: re.Match[str]
) -> tuple[int, int, Sequence[Mention], bool]:
    """The things before the word "allergy", and what the only one did."""
    listed = _KNOWN_NAMES(note.plain, *match.span("list")) if match["list"] else ()
    spans = [*(one.span() for one in listed), match.span("known" if match["known"] else "thing")]
    behind = match.end() + len(_YEAR) * note.plain.startswith(_YEAR, match.end())
    how = _HOW.match(note.plain, behind) if len(spans) == 1 else None
    last = how.end() if how else match.end()
    did, is_less = how.group() if how else "", match["less"] is not None
    things = [_thing(note, one, match.start(), did, last, is_less=is_less) for one in spans]
    return match.start(), last, things, False


_KNOWN_NAMES: Final = KNOWN.finditer


def _items(
    note: PlainWords, start: int, begin: int, *, is_less: bool = False, how: str = ""
) -> tuple[int, Sequence[Mention]]:
    """The end of a list that begins there, or in the line below, and its things. `start`: where
    its heading begins; `is_less`: it is one of intolerances; `how`: what they did, unless told."""
    plain, last = note.plain, begin
    lines = _LINE.match(plain, begin)
    at = lines.end() if lines else begin
    found: list[Mention] = []
    while len(found) < _MOST_ITEMS and (item := _ITEM.match(plain, at)):
        name = "known" if item["known"] else "thing"
        did = _HOW.match(plain, item.end())
        told = did.group() if did else ""
        is_verb = told.lstrip()[:1].isalpha()
        is_first = not found and lines is None
        is_reaction = name == "thing" and found and REACTION.match(item["thing"])
        if is_reaction and (following := _NEXT.match(plain, item.end())):
            at = following.end()  # "penicillin; rash, codeine; hives"
            continue
        if name == "thing" and (
            is_verb  # "penicillin, GP gave ..."
            or not (did or _ENDS.match(plain, item.end()))
            or not _is_thing(item["thing"], first=is_first)
        ):
            break
        if not is_first and _IS_MEDICATION.match(plain, item.end(name)):
            break  # "penicillin, ramipril 5 mg"
        last = did.end() if did else item.end()
        mild = bool(told) and not REACTION.search(told)
        less = (is_less and (mild or not told)) or (mild and is_verb)
        found.append(_thing(note, item.span(name), start, told or how, last, is_less=less))
        following = _NEXT.match(plain, last) or (lines and _LINE.match(plain, last))
        if following is None:
            break
        at = following.end()
    return last, found


def _thing(
    note: PlainWords,
    place: tuple[int, int],
    start: int,
    how: str = "",
    last: int = 0,
    *,
    is_less: bool = False,
) -> Mention:
    """What stands at `place` of `plain`, in a list whose heading begins at `start`; the words for
    what it did end at `last`."""
    written = note.plain[slice(*place)]
    meant = _allergen_meant(written)
    last = max(place[1], last)
    did = _DID.match(note.plain, place[1], last)
    told = note.written(*did.span(did.lastgroup or 0)) if did else ""
    is_upset = not is_less and is_mild(how)
    return replace(
        note.named(*place),
        written=(meant or note.written(*place))[:_MAX_CHARACTERS],
        role=INTOLERANCE if is_less else ALLERGY,
        mark=INTOLERANCE if is_less else told or "anaphylaxis" * (how == _ANAPHYLAXIS),
        is_sure=bool(meant or KNOWN.match(written)) or not _IS_ODD.search(written),
        is_mild=is_less or is_upset,
        span=note.characters(place[0] if is_upset else start, last),
    )


def not_read(note: PlainWords, found: Sequence[Mention]) -> Iterator[Quote]:
    """The sentences that speak of allergies and of which nothing was read: no allergy, none
    known, nothing denied and nothing of another person."""
    text = note.text
    read = [one.start for one in found]
    read += [end - 1 for _, end, after in _said_none(note) if not _has_exception(after)]
    quotes: list[Quote] = []
    for match in islice(_SPEAKS.finditer(text), _MOST_SPOKEN):
        first, last = sentence(text, *match.span())
        told = any(first <= at < last for at in read)
        at = note.at(match.start())
        is_unknown = _UNKNOWN.search(note.before(at)) is not None
        if told or (_is_not_meant(note, at) and not is_unknown):
            continue
        if len(text[first:last].split()) == 1:
            below, lines = lines_below(text, first, last) or (None, 0)
            if below and sum(below.start <= at < below.end for at in read) < lines:
                quotes.append(below)
            continue
        is_past = match["now"] is None or _LONG_KNOWN.search(text, first, last)
        if is_past and not any(one.start <= match.start() < one.end for one in quotes):
            quotes.append(whole_sentence(text, *match.span()))
    yield from quotes


def _is_not_meant(note: PlainWords, start: int) -> bool:
    """Whether it is denied, or said of another person."""
    return _DENIED.search(note.before(start)) is not None or is_of_another(note, start)


def _allergen_meant(thing: str) -> str:
    """What shorthand or one slip of the pen stands for; empty where the thing is as written."""
    if thing in SHORT_IN_ALLERGIES or len(thing) < _LEAST_LETTERS or is_english(thing):
        return SHORT_IN_ALLERGIES.get(thing, "")
    near = {one for one in one_letter_away(thing) if one[0] == thing[0] and _IS_ALLERGEN(one)}
    return near.pop() if len(near) == 1 and not _IS_ALLERGEN(thing) else ""


def says_none_known(note: PlainWords) -> bool:
    """Whether the note says that the patient has no allergy, and names no exception."""
    said = [*_said_none(note)]
    return bool(said) and not any(_has_exception(after) for *_, after in said)


def contradicted(note: PlainWords, found: Sequence[Mention]) -> Iterator[str]:
    """Where the note says of a named allergy, or of all, that there is none."""
    allergies = [one for one in found if one.is_sure and one.role != INTOLERANCE]
    names = {one.name for one in allergies}
    for match in _NOT_TO.finditer(note.plain):
        if match[1] in names and not is_of_another(note, match.start()):
            yield f"contradicted by '{note.text[slice(*note.characters(*match.span()))]}'"
            return
    for start, end, after in _said_none(note):
        is_of_drugs = _OF_DRUGS.search(note.text, max(0, start - _MOST_AHEAD), end)
        against = any(map(_is_of_drug, allergies)) if is_of_drugs else allergies
        but = BUT.match(after)
        is_other_source = but is not None and _BADGE.search(but.group().lower())
        if against and not (EXCEPT.match(after) or (but and not is_other_source)):
            yield f"contradicted by '{note.text[start:end]}'"
            return


def _is_of_drug(one: Mention) -> bool:
    kind = one.name.lower()
    return bool(MEDICINE.search(one.name)) or any(kind in allergens for _, allergens in KINDS)


def _said_none(note: PlainWords) -> Iterator[tuple[int, int, str]]:
    """From where to where the note says that the patient has none; and what follows."""
    text = note.text
    for match in islice(NONE_KNOWN.finditer(text), _MOST_ITEMS):
        if not is_of_another(note, note.at(match.start())):
            yield *match.span(), text[match.end() : match.end() + _MOST_FOLLOWS].partition("\n")[0]


def _has_exception(after: str) -> bool:
    if EXCEPT.match(after):
        return True
    but = BUT.match(after)
    return but is not None and REACTION.search(but.group()) is not None


def _is_named(note: PlainWords, words: str) -> bool:
    """In a note in another language, only what is known: "koi allergy" is no allergy at all."""
    may_be = len(words) > _MOST_OF_ARTICLE and not note.note.foreign_sentences
    return _is_thing(words) and (may_be or KNOWN.match(words) is not None)


def _is_thing(words: str, *, first: bool = True) -> bool:
    """`first`: after the word "allergic" itself; a complaint may follow in the same list."""
    begins = words.split()[0]
    if begins in _NOT_A_THING or begins.endswith("ly"):
        return False
    return first or KNOWN.match(words) is not None or not any(map(_is_complaint, words.split()))


def _is_complaint(word: str) -> bool:
    return is_clinical(word) or word in _BODY or REACTION.match(word) is not None
