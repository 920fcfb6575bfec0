"""Allergies that a note names. Pure.

What is read here is shown to people and told to a language model; it sets no priority. What is
denied, or said of another person, does not count. "None known" is only told where the note says
so and names no exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from triage_site.triage.history.names import ALLERGEN, MEDICINE, SHORT_IN_ALLERGIES, whole_words
from triage_site.triage.history.plain_words import PlainWords, Spans
from triage_site.triage.history.quoting import (
    MILD,
    Quote,
    is_mild,
    lines_below,
    sentence,
    whole_sentence,
)
from triage_site.triage.reading.context import is_about_relative
from triage_site.triage.reading.words import is_clinical, is_english, one_letter_away

INTOLERANCE: Final = "(intolerance)"
_BETWEEN: Final = r"(?: (?!and |but |on )[^\W\d_][\w'/-]*){0,2} $"
_DENIED: Final = re.compile(
    r"\b(?:no|not|denies|without|never|isn't|nie|bez|sin|ohne|keine?|nessuna|pas d')" + _BETWEEN
)
_OF_ANOTHER: Final = re.compile(
    r"\b(?:mother|father|mum|mom|dad|son|daughter|wife|husband|brother|sister|partner|friend|aunt"
    r"|uncle|grandmother|grandfather|grandad|grandpa|grandma|granny|nan|gran|neighbour|family"
    r"|cousin|boyfriend|girlfriend|flatmate|cat|dog|horse)(?:'s)?"
    r"(?: , who)?(?: (?:who|is|was|has|also|an?|his|her|their|allergic|allergy|to))* $"
)
# What a thing is called that one can be allergic to: a few words, up to where the clause ends.
_STOP: Final = (
    r"(?!(?:anything|any|nothing|none|nil|some|something|reactions?|and|or|with|but|on|takes?"
    r"|taking|took|ate|eaten|given|has|have|had|is|was|in|since|who|so|he|she|they|no|not|i|as|when"
    r"|at|by|after|before|during|for|of|from|until|makes?|made|causes?|gives?|gave|brings?|unsure"
    r"|never|yet|still|only|now|today|which|that|because|if|although|came|comes|says|said)\b)"
)
_THING: Final = rf"{_STOP}[^\W\d_][\w'/-]*(?: i(?= \())?"
_SHORT: Final = whole_words("|".join(SHORT_IN_ALLERGIES))
_KNOWN: Final = re.compile(rf"(?:{MEDICINE.pattern}|{ALLERGEN.pattern}|{_SHORT.pattern})")
_ITEM: Final = re.compile(
    rf"(?:(?:the|a|an|some|his|her|my|severely|known) )?"
    rf"(?:(?P<known>{_KNOWN.pattern})(?: {_THING}){{0,2}}|(?P<thing>{_THING}(?: {_THING})?))"
)
_HARM: Final = (
    r"rash|hives?|urticari|itch|swell|swoll|anaphyl|angio-?o?edema|wheez|bronchosp|sjs"
    r"|stevens(?:.johnson)?|blister|welt|collapse"
)
# Which reaction: in brackets, after a mark, or after a verb.
REACTION: Final = re.compile(rf"{_HARM}|facial|throat|\blips?\b|tongue|breath", re.IGNORECASE)
REACTED: Final = re.compile(
    rf"(?:(?:facial|face|throat|lips?|tongue)(?: \w+)? )?\b(?:{_HARM})\w*", re.IGNORECASE
)
_OF_DRUGS: Final = re.compile(r"\bn\.?k\.?d|drug|medic", re.IGNORECASE)
_WORD: Final = r"[^\s.,;:!?()\n/|]+"
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
# A medicine that is taken, behind a list of allergies.
_IS_MEDICATION: Final = re.compile(
    r" (?:\d|given|taken|started|prescribed|stopped|today|yesterday|[bot]d\b|qds|daily|nocte|prn)"
)
_NEXT: Final = re.compile(r" ?(?:[,/;&+]|and|or)(?: and| or)?(?: also)?(?: to)? ")
_ENDS: Final = re.compile(r" ?(?:$|[.,;:!?()\n/&+|=>-]|(?:and|or|but|on|with|takes?|has|have)\b)")
# "Alergia a la", "Allergie gegen", "allergique aux", "allergia alla".
_FOREIGN_TO: Final = (
    r"(?:al+ergi\w*|al+érgic[oa]) (?:a la|a los|a las|a el|al|a|gegen|auf|à la|à l'|à|aux|alla|ao)"
    rf"|uczul\w+ na(?= (?:{_KNOWN.pattern}))"
)
_HEAD: Final = whole_words(
    r"(?:allergic|al+er[gj](?:y|ys|ies|ie)|allgs?|anaphyla\w+|intoleran\w+|hypersensitiv\w+"
    r"|sensitivit\w+) (?:to|of|with|:|-|=|\|)(?: known)?"
    r"|allerg(?:y|ies) (?:status|hx|history|list|known) [:=-]"
    rf"|(?:adrs?|ka|(?:drug|adverse) reactions?) [:=-]|{_FOREIGN_TO}"
    rf"|(?:foods?|drugs?|others?) [:-](?= (?:{_KNOWN.pattern}))"
    r"|(?<=allergies , )mine (?:is|are)|(?<=allergy , )mine (?:is|are)"
)
_KINDS: Final = ("food", "drug :", "drugs", "other")  # of allergies, in a list of them
_OF_ONE: Final = ("allergy -", "allergy :", "intolerance -", "intolerance :")
_NAMED: Final = re.compile(rf"(?:{_KNOWN.pattern}) $")
_LINE: Final = re.compile(r" ?\n (?:[*>-] |\d+ [.)] )?")
_IS_INTOLERANCE: Final = re.compile("intoleran|adr|drug reaction|adverse")
_NOT_TAKEN: Final = r"(?<!\bon )(?<!\btakes )(?<!\btaking )(?<!\busing )(?<!\buses )(?<!: )"
_ALLERGY_OF: Final = whole_words(
    # "nut, egg and milk", but not "on ramipril, penicillin".
    rf"(?P<list>{_NOT_TAKEN}(?:{_KNOWN.pattern} , ){{0,4}}+{_KNOWN.pattern} (?:and|&|/) (?:a )?)?"
    rf"(?:(?P<thing>{_KNOWN.pattern}|{_THING}) (?:allergy|allergies|allergic(?! to\b)|anaphylaxis)"
    # Of what is known only: "cold intolerance", "that is all".
    rf"|(?P<known>{_KNOWN.pattern}) (?:(?P<less>intoleran(?:ce|t))|all(?= [.,;)\n]|$)))"
)
_ALLERGEN_AFTER: Final = re.compile(
    rf"(?:^|(?<=[.,;:!?|(\n] )|(?<=known )|(?<=pt )|(?<=patient ))"
    rf"(?:allerg(?:y|ies|ic)|allgs?|alls? :|alls [-=]) (?={_KNOWN.pattern})"
)
_SAID_TO_REACT: Final = re.compile(
    rf"\b({_THING}) (?:=|-|- >|>|\(|:) (?:severe )?(?:anaphyla\w+|angioedema|hives|urticaria"
    r"|rash|sjs|bronchospasm|stevens|blister\w*|swell\w*|swollen)\b"
)
_OTHER_WORDS: Final = """
several numerous various lots
no nil none nkda any known drug drugs food severe the an a his her my their bad is was am are
be not and or of has have had possible mild other multiple many new seasonal skin some
post recurrent idiopathic koi kisi ninguna keine keinen sin sans ohne senza nessuna
possibly think thinks know very highly badly also for by denies medication medicine s im he she
gp doctor nurse crew paramedic paramedics hospital been being become gets get got always still too
unknown uncertain unclear yes y n see tbc date history hx see ask check tbc
mum mother dad father mom parent parents son daughter husband wife partner brother sister baby
child boy girl pt patient who gran granny nan grandad grandpa grandma
friend family uncle aunt cousin they we you
"""
_NOT_A_THING: Final = frozenset(_OTHER_WORDS.split())
NONE_KNOWN: Final = re.compile(
    r"\bn\.?k\.?(?:[df]\.?)?a\b"
    r"|\b(?:no|nil|denies|denied|denying|without|negative for)(?: history of| hx of)?"
    r"(?: any| known| drug| food| medication| medicine| or| and| environmental| other)*"
    r" (?:allerg(?:y|ies|ys))\b(?! (?:to|against) (?!drugs?\b|med|any|food))"
    r"|\ballerg(?:ies|ys|y) ?(?:to date ?)?(?:[:=-]|are)? ?(?:none|nil|no|nkda)\b"
    r"|\bnot allergic to (?:anything|any)\b|\ballergic to ?: ?(?:none|nil|nothing)\b"
    r"|\balls? ?[:=] ?(?:none|nil|no)\b|\bnever had (?:an |any )allerg(?:y|ies)\b"
    r"|\b(?:(?:keine (?:bekannten )?allergien?|pas d['’ ]?allergies?|sin alergias?"
    r"|nessuna allergia)\b(?! (?:a|à|al|alla|aux?|gegen|auf)\b)|alergias? no\b)",
    re.IGNORECASE,
)
_SAID_BESIDE: Final = (
    r"(?: known| at all| that (?:i|he|she|they) knows? of| (?:i|he|she) knows? of| that i know)?"
)
_EXCEPT: Final = re.compile(
    rf"{_SAID_BESIDE}[ ,;:(-]*(?:ex+c?epts?(?: for)?|excluding|apart from|a part from|other than"
    r"|besides|aside from|bar|save for|barring|only|just) [ '\":]*",
    re.IGNORECASE,
)
_BUT: Final = re.compile(rf"{_SAID_BESIDE}[ ,;.:(-]*(?:but|however|although|though)\b[^.;]*", re.I)
_BUT_TO: Final = re.compile(r"\bnot allergic to [^.;\n]{1,40}? but (?:is |am )?(?:allergic )?to ")
# Words for allergies that are read nowhere else; `now`: they may name the complaint.
_SPEAKS: Final = re.compile(
    r"\ballerg(?:y|ies|ys|ic)\b"
    r"(?! (?:clinic|nurse|test|tests|testing|specialist|jabs?|tablets?|medicine|season|rhinitis"
    r"|conjunctivitis|asthma|eczema|dermatitis|symptoms|reactions?\b))"
    r"|(?P<now>\ballergic reactions?\b|\banaphyla\w+)",
    re.IGNORECASE,
)
_LONG_KNOWN: Final = re.compile(
    r"\b(?:known|previous(?:ly)?|past|history|hx|pmh|(?:19|20)\d\d|years? ago"
    r"|as a (?:child|baby|kid)|epi-?pens?|jext|emerade|carries)\b",
    re.IGNORECASE,
)
_MOST_AHEAD: Final = 11  # characters of "medication "
_MOST_SPOKEN: Final = 20
_MAX_CHARACTERS: Final = 40
_MOST_FOLLOWS: Final = 300  # characters from "allergies" to an exception or a reaction
_MOST_ITEMS: Final = 10
_LEAST_LETTERS: Final = 4
_MOST_OF_ARTICLE: Final = 2  # letters, as in "pas de allergy"
_IS_ALLERGEN: Final = ALLERGEN.fullmatch
# What it did, as it is told: all that brackets hold, or up to the last word for a reaction.
_DID: Final = re.compile(
    r"(?: (?:allerg(?:y|ies|ic)|anaphylaxis)(?= yyyy| [(=>:-]))?(?: yyyy)?"
    rf"(?: ?\( (?P<held>.*) \)|[ =>:-]*(?P<did>.*(?:{_HARM}|\b(?:{MILD})\b)[^\W\d_]*))",
    re.IGNORECASE,
)
_YEAR: Final = " yyyy"
_ANAPHYLAXIS: Final = "( anaphylaxis )"
# No name of a thing: a reaction, a year, or words for whom or how.
_IS_ODD: Final = re.compile(
    rf"{REACTION.pattern}|vomit|\bsick|\d"
    r"|\b(?:it|them|that|this|say|ok|fine|true|went|doctor|paediatrician)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Thing:
    """Where a thing begins and ends in `PlainWords.plain`; where the words for what it did begin
    and end, and whether it is no more than an intolerance."""

    start: int
    end: int
    is_intolerance: bool = False
    how: str = ""
    last: int = 0


@dataclass(frozen=True, slots=True)
class _Mention:
    """Where a note speaks of allergies in `PlainWords.plain`, and the things there."""

    start: int
    end: int
    things: tuple[_Thing, ...]
    is_exception: bool = False


def says_none_known(note: PlainWords) -> bool:
    """Whether the note says that the patient has no allergy, and names no exception."""
    said = [*_said_none(note)]
    return bool(said) and not any(_has_exception(after) for *_, after in said)


@dataclass(frozen=True, slots=True)
class Allergy:
    """A thing as it is told, and where in the note it stands. `is_sure`: its name is known, or it
    is neither a reaction nor a word that names nothing. `is_mild`: it is told as an intolerance,
    or with what it did. `mention`: the characters that speak of it."""

    told: str
    start: int
    end: int
    is_sure: bool
    is_mild: bool
    mention: tuple[int, int]


def find_allergies(note: PlainWords, spans: Spans) -> Iterator[Allergy]:
    """Each place once; those of all mentions, meant or not, go into `spans`."""
    seen = Spans(note.plain)
    for one in _mentions(note):
        spans.add(one.start, one.end)
        if not one.is_exception and _is_not_meant(note, one.start):
            continue  # but "not allergic to penicillin but to codeine" is a mention of its own
        for thing in one.things:
            if seen.add(thing.start, thing.end):
                yield _told(note, one, thing)


def _told(note: PlainWords, mention: _Mention, thing: _Thing) -> Allergy:
    """With what it did."""
    written = note.plain[thing.start : thing.end]
    meant = _allergen_meant(written)
    told = (meant or note.written(thing.start, thing.end))[:_MAX_CHARACTERS]
    start, end = _characters(note, thing.start, thing.end)
    where = _characters(note, mention.start, max(thing.end, thing.last))
    is_upset = not thing.is_intolerance and is_mild(thing.how)
    if thing.is_intolerance:
        told += f" {INTOLERANCE}"
    elif did := _DID.match(note.plain, thing.end, max(thing.end, thing.last)):
        told += f" ({note.written(*did.span(did.lastgroup or 0))})"
    elif thing.how == _ANAPHYLAXIS:
        told += " (anaphylaxis)"
    if is_upset:
        where = (start, where[1])
    is_known = bool(meant) or _KNOWN.match(written) is not None
    return Allergy(
        told,
        start,
        end,
        is_sure=is_known or not _IS_ODD.search(written),
        is_mild=thing.is_intolerance or is_upset,
        mention=where,
    )


def _characters(note: PlainWords, start: int, end: int) -> tuple[int, int]:
    first, last = note.place(start, end)
    return note.note.words[first].start, note.note.words[last - 1].end


def not_read(note: PlainWords, found: Sequence[Allergy]) -> Iterator[Quote]:
    """The sentences that speak of allergies and of which nothing was read: no allergy, none
    known, nothing denied and nothing of another person."""
    text = note.note.text
    read = [one.start for one in found]
    read += [end - 1 for _, end, after in _said_none(note) if not _has_exception(after)]
    quotes: list[Quote] = []
    for match in islice(_SPEAKS.finditer(text), _MOST_SPOKEN):
        first, last = sentence(text, *match.span())
        told = any(first <= at < last for at in read)
        before = note.at(match.start())
        if told or _is_not_meant(note, before):
            continue
        if len(text[first:last].split()) == 1:
            below = lines_below(text, first, last)
            if below and sum(below.start <= at < below.end for at in read) < below.lines:
                quotes.append(below)
            continue
        is_past = match["now"] is None or _LONG_KNOWN.search(text, first, last)
        if is_past and not any(one.start <= match.start() < one.end for one in quotes):
            quotes.append(whole_sentence(text, *match.span()))
    yield from quotes


def _is_not_meant(note: PlainWords, start: int) -> bool:
    """Whether it is denied, or said of another person."""
    before = note.before(start)
    return (
        _DENIED.search(before) is not None
        or _OF_ANOTHER.search(before) is not None
        or is_about_relative(note.note, note.place(start, start + 1)[0])
    )


def _allergen_meant(thing: str) -> str:
    """What shorthand or one slip of the pen stands for; empty where the thing is as written."""
    if thing in SHORT_IN_ALLERGIES or len(thing) < _LEAST_LETTERS or is_english(thing):
        return SHORT_IN_ALLERGIES.get(thing, "")
    near = {one for one in one_letter_away(thing) if one[0] == thing[0] and _IS_ALLERGEN(one)}
    return near.pop() if len(near) == 1 and not _IS_ALLERGEN(thing) else ""


def once(told: Sequence[str]) -> Iterator[str]:
    """Each thing once, with all that it did."""
    did: dict[str, dict[str, str]] = {}
    named: dict[str, str] = {}
    for one in told:
        name, _, how = one.partition(" (")
        key = name.lower().removesuffix("s") if one[0] != "'" else one
        named.setdefault(key, name)
        if one[0] == "'":
            named[key] = one
        elif how:
            did.setdefault(key, {}).setdefault(how.lower(), how.removesuffix(")"))
    for key, name in named.items():
        yield f"{name} ({'; '.join(did[key].values())})" if key in did else name


def contradicted(note: PlainWords, found: Sequence[Allergy]) -> Iterator[str]:
    """Where the note says of a named allergy, or of all, that there is none."""
    of_medicine = [one for one in found if one.is_sure and MEDICINE.search(one.told.lower())]
    is_allergy = any(one.is_sure and INTOLERANCE not in one.told for one in found)
    text = note.note.text
    for start, end, after in _said_none(note):
        words = text[start:end]
        is_of_all = not _OF_DRUGS.search(text, max(0, start - _MOST_AHEAD), end)
        against = is_allergy if is_of_all else any(INTOLERANCE not in o.told for o in of_medicine)
        if against and not (_EXCEPT.match(after) or _BUT.match(after)):
            yield f"contradicted by '{words}'"
            return


def _said_none(note: PlainWords) -> Iterator[tuple[int, int, str]]:
    """From where to where the note says that the patient has none; and what follows."""
    text = note.note.text
    for match in islice(NONE_KNOWN.finditer(text), _MOST_ITEMS):
        at = note.word_at(match.start())
        before = note.before(note.at(match.start()))
        if not (is_about_relative(note.note, at) or _OF_ANOTHER.search(before)):
            yield *match.span(), text[match.end() : match.end() + _MOST_FOLLOWS].partition("\n")[0]


def _has_exception(after: str) -> bool:
    if _EXCEPT.match(after):
        return True
    but = _BUT.match(after)
    return but is not None and REACTION.search(but.group()) is not None


def _mentions(note: PlainWords) -> Iterator[_Mention]:
    for _, end, after in _said_none(note):
        if exception := _EXCEPT.match(after):
            begin = note.at(end + exception.end())
            last, things = _items(note, begin, is_intolerance=False)
            yield _Mention(note.at(end), last, things, is_exception=True)
    for head in _HEAD.finditer(note.plain):
        if head.group().startswith(_KINDS) and "allerg" not in note.before(head.start()):
            continue
        if head.group().startswith(_OF_ONE) and _NAMED.search(note.before(head.start())):
            continue  # "penicillin allergy - chest pain"
        is_intolerance = _IS_INTOLERANCE.match(head.group()) is not None
        begin = head.end() + 1
        last, things = _items(note, begin, is_intolerance=is_intolerance)
        if head.group().startswith("anaphyla"):
            things = tuple(replace(one, how=one.how or _ANAPHYLAXIS) for one in things)
        if things or note.plain[head.end() - 1].isalpha():
            yield _Mention(head.start(), last, things)
    for match in _BUT_TO.finditer(note.plain):
        last, things = _items(note, match.end(), is_intolerance=False)
        yield _Mention(match.start(), last, things, is_exception=True)
    for match in _ALLERGY_OF.finditer(note.plain):
        if match["known"] or _is_named(note, match["thing"]):
            listed = _KNOWN.finditer(note.plain, *match.span("list")) if match["list"] else ()
            spans = [one.span() for one in listed]
            spans.append(match.span("known" if match["known"] else "thing"))
            behind = match.end() + len(_YEAR) * note.plain.startswith(_YEAR, match.end())
            how = _HOW.match(note.plain, behind) if len(spans) == 1 else None
            last = how.end() if how else match.end()
            is_less = match["less"] is not None
            did = how.group() if how else ""
            things = tuple(_Thing(*span, is_less, did, last) for span in spans)
            yield _Mention(match.start(), last, things)
    for match in _ALLERGEN_AFTER.finditer(note.plain):
        last, things = _items(note, match.end(), is_intolerance=False)
        yield _Mention(match.start(), last, things)
    for match in _SAID_TO_REACT.finditer(note.plain):
        before = note.plain[max(0, match.start() - _MOST_FOLLOWS) : match.start()]
        told = "allerg" in before.rpartition(" . ")[2]
        if told and ":" not in match.group():  # "no drug allergies but latex = anaphylaxis"
            yield _Mention(*match.span(), (_Thing(*match.span(1)),))
        elif _stands_alone(note, match):
            last, things = _items(note, match.start(), is_intolerance=False)
            yield _Mention(match.start(), max(last, match.end()), things)


def _items(note: PlainWords, begin: int, *, is_intolerance: bool) -> tuple[int, tuple[_Thing, ...]]:
    """The end of a list that begins there, or in the line below, and its things."""
    plain, last = note.plain, begin
    lines = _LINE.match(plain, begin)
    at = lines.end() if lines else begin
    found: list[_Thing] = []
    while len(found) < _MOST_ITEMS and (item := _ITEM.match(plain, at)):
        name = "known" if item["known"] else "thing"
        how = _HOW.match(plain, item.end())
        if how and name == "thing" and how.group().lstrip()[0].isalpha():
            break  # "penicillin, GP gave ..."
        ended = how is not None or _ENDS.match(plain, item.end()) is not None
        is_first = not found and lines is None
        if name == "thing" and not (ended and _is_thing(item["thing"], first=is_first)):
            break
        if not is_first and _IS_MEDICATION.match(plain, item.end(name)):
            break  # "penicillin, ramipril 5 mg"
        told = how.group() if how else ""
        mild = bool(told) and not REACTION.search(told)
        verb = told.lstrip()[:1].isalpha()
        is_less = (is_intolerance and not REACTION.search(told)) or (mild and verb)
        last = how.end() if how else item.end()
        found.append(_Thing(*item.span(name), is_less, told, last))
        following = _NEXT.match(plain, last) or (lines and _LINE.match(plain, last))
        if following is None:
            break
        at = following.end()
    return last, tuple(found)


def _is_named(note: PlainWords, words: str) -> bool:
    """In a note in another language, only what is known: "koi allergy" is no allergy at all."""
    may_be = len(words) > _MOST_OF_ARTICLE and not note.note.foreign_sentences
    return _is_thing(words) and (may_be or _KNOWN.match(words) is not None)


def _is_thing(words: str, *, first: bool = True) -> bool:
    """`first`: after the word "allergic" itself; a complaint may follow in the same list."""
    begins = words.split()[0]
    if begins in _NOT_A_THING or begins.endswith("ly"):
        return False
    return first or _KNOWN.match(words) is not None or not any(map(is_clinical, words.split()))


def _stands_alone(note: PlainWords, match: re.Match[str]) -> bool:
    """ "Penicillin - anaphylaxis." as a sentence of its own."""
    is_medicine = MEDICINE.fullmatch(match.group(1)) is not None
    return is_medicine and not note.before(match.start()).strip()
