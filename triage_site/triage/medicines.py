"""Allergies and medicines that a note names. Pure.

What is read here is shown to people and told to a language model; it sets no priority. What is
denied, or said of another person, does not count. A medicine that the patient stopped, or has no
more of, is kept and marked: that can matter as much.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from triage_site.triage.reading.note import read

_SENTENCE_ENDS: Final = frozenset(".;!?\n")


class _Plain:
    """The words of a note in standard form, separated by single spaces, and its sentences."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = read(text).words
        self._starts: list[int] = []
        self._sentence_starts = [0]
        length = 0
        for word in self._words:
            self._starts.append(length)
            length += len(word.form) + 1
            if word.form in _SENTENCE_ENDS:
                self._sentence_starts.append(length)
        self.plain = " ".join(word.form for word in self._words)

    def original(self, start: int, end: int) -> str:
        """Returns the words of the text behind a span of `plain`."""
        first = max(0, bisect_right(self._starts, start) - 1)
        last = max(first, bisect_right(self._starts, max(start, end - 1)) - 1)
        return self._text[self._words[first].start : self._words[last].end]

    def written(self, start: int, end: int) -> str:
        """As it stands in the note, with what is glued to it by hyphens; in lower case but for
        names with capitals of their own, such as HRT and EpiPen."""
        words = self.original(start, end)
        glued = _GLUED.match(self._text, self._end(start, end))
        words += glued.group() if glued else ""
        own = any(letter.isupper() for word in words.split() for letter in word[1:])
        return words if own and not self._text.isupper() else words.lower()

    def _end(self, start: int, end: int) -> int:
        last = bisect_right(self._starts, max(start, end - 1)) - 1
        return self._words[max(0, last)].end

    def before(self, offset: int) -> str:
        """Returns the sentence of `offset` up to there."""
        start = self._sentence_starts[bisect_right(self._sentence_starts, offset) - 1]
        return self.plain[start:offset]


_GLUED: Final = re.compile(r"(?:-[^\W\d_]+)+")


def _whole_words(source: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{source})(?![^\W_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """In the words of the note, in its order. `none_known`: it says that there is no allergy;
    `none_taken`: that the patient takes no medicine."""

    allergies: tuple[str, ...] = ()
    none_known: bool = False
    medicines: tuple[str, ...] = ()
    none_taken: bool = False

    @property
    def allergy_words(self) -> str:
        """Empty where the note says nothing."""
        return ", ".join(self.allergies) or ("none known" if self.none_known else "")

    @property
    def medicine_words(self) -> str:
        return ", ".join(self.medicines) or ("none taken" if self.none_taken else "")


# Generic names, common brands and words for kinds, as notes and callers use them.
_NAMES: Final = """
abilify acarbose aciclovir adalimumab adcal adrenaline alendronate alendronic allopurinol
alprazolam amiodarone amitriptyline amlodipine amoxicillin anticoagulants? antidepressants?
antihistamines? apixaban aripiprazole aspirin atenolol atorvastatin azathioprine azithromycin
baclofen beclomethasone bendroflumethiazide beta blockers? bisoprolol blood thinn?ers?
bumetanide buprenorphine candesartan carbamazepine carbimazole carvedilol cefalexin celecoxib
cetirizine chemotherapy chemo chlorphenamine ciclosporin ciprofloxacin citalopram clarithromycin
clonazepam clopidogrel clozapine co-amoxiclav co-codamol codeine colchicine contraceptive pill
coumadin cyclizine dabigatran dapagliflozin denosumab depakote diazepam diclofenac digoxin
diltiazem dipyridamole donepezil doxazosin doxycycline dulaglutide duloxetine edoxaban eliquis
empagliflozin enalapril enoxaparin entresto epilim epipen eplerenone erythromycin escitalopram
esomeprazole estradiol etanercept ezetimibe felodipine fentanyl ferrous sul(?:f|ph)ate
finasteride flecainide flucloxacillin fludrocortisone fluoxetine folic acid furosemide frusemide
gabapentin gliclazide glimepiride glipizide gtn haloperidol heparin hrt humalog hydralazine
hydrochlorothiazide hydrocortisone hydroxychloroquine ibuprofen indapamide infliximab inhalers?
insulin irbesartan isosorbide mononitrate ivabradine keppra lamotrigine lansoprazole lantus
leflunomide levetiracetam levodopa levothyroxine linagliptin lisinopril lithium loperamide
loratadine lorazepam losartan madopar mebeverine memantine metformin methadone methotrexate
metoclopramide metoprolol metronidazole mirtazapine midazolam montelukast morphine
mycophenolate naproxen nicorandil nifedipine nitrofurantoin nitroglycerin
novorapid olanzapine omeprazole ondansetron oramorph oxycodone ozempic pantoprazole paracetamol
acetaminophen paroxetine penicillin perindopril phenytoin pioglitazone pravastatin pred
prednisolone prednisone pregabalin prochlorperazine
promethazine propranolol quetiapine quinine ramipril ranitidine risperidone rivaroxaban
rosuvastatin sacubitril salbutamol salmeterol semaglutide seretide sertraline sildenafil
labetalol phenprocoumon marcumar plavix sintrom acenocoumarol nitrazepam nebivolol atomoxetine
methylphenidate lacosamide brivaracetam liraglutide tirzepatide dapsone mesalazine budesonide
fostair clenil mometasone hyoscine buscopan cefuroxime co-trimoxazole teicoplanin rifampicin
isoniazid ethambutol tenofovir dalteparin tinzaparin fondaparinux alfacalcidol calcitriol
sevelamer calcium acetate nurofen calpol panadol tylenol advil voltarol
simvastatin sinemet sitagliptin sodium valproate solifenacin sotalol spironolactone statins?
steroids? sulfasalazine sumatriptan symbicort tacrolimus tamoxifen tamsulosin temazepam
the pill thyroxine ticagrelor tiotropium topiramate tramadol trazodone trimethoprim valproate
valsartan venlafaxine ventolin verapamil warfarin xarelto zopiclone
"""
_SEVERAL_WORDS: Final = (
    "beta blockers?", "blood thinn?ers?", "contraceptive pill", "ferrous sul(?:f|ph)ate",
    "calcium acetate", "folic acid", "isosorbide mononitrate", "sodium valproate", "the pill",
)  # fmt: skip


def _names() -> Iterator[str]:
    rest = " ".join(_NAMES.split())
    for several in _SEVERAL_WORDS:
        rest = rest.replace(several, "")
        yield several
    yield from rest.split()


_MEDICINE: Final = _whole_words("|".join(sorted(_names(), key=len, reverse=True)))
# Guards look at what stands before the name in its sentence, in the spelling of `_Plain.plain`.
_BETWEEN: Final = r"(?: (?!and |but |on )[^\W\d_][\w'/-]*){0,2} $"
_STOPPED: Final = re.compile(
    r"\b(?:stopped|came off|come off|taken off|now off|no longer (?:on|takes|taking)"
    rf"|finished|was on|used to (?:take|be on))(?: taking)?{_BETWEEN}"
)
_RAN_OUT: Final = re.compile(rf"\b(?:ran|run|runs|running) out(?: of)?{_BETWEEN}")
_STOPPED_AFTER: Final = re.compile(
    r"^(?: \( [^()]{1,20} \))? (?:\( )?(?:was |has been |been |now |already )*"
    r"(?:stopped|discontinued|ceased|held|withheld|withdrawn)\b(?! (?:breathing|working|eating))"
)
_DENIED: Final = re.compile(
    r"\b(?:no|not (?:currently |now |been )?(?:on|taking|prescribed|using)|denies(?: taking)?"
    r"|without|never (?:taken|took|been on|had)|is not|isn't|not"
    rf"|sin|ohne|keine?|nessuna|pas d'){_BETWEEN}"
)
_NOT_TAKEN_TODAY: Final = re.compile(r"\bnot (?:take|taken|had|have|got|get|been taking)\b[^,]*$")
_OF_ANOTHER: Final = re.compile(
    r"\b(?:mother|father|mum|mom|dad|son|daughter|wife|husband|brother|sister|partner|friend|aunt"
    r"|uncle|grandmother|grandfather|nan|gran|neighbour|family|cousin)(?:'s)?"
    r"(?: (?:is|was|has|also|takes?|took|taking|on|uses?|an?|his|her|their|allergic|allergy|to))+ $"
)
# What a thing is called that one can be allergic to: a few words, up to where the clause ends.
_STOP: Final = (
    r"(?!(?:anything|any|nothing|none|nil|some|something|reactions?|and|or|with|but|on|takes?"
    r"|taking|took|ate|eaten|given|has|have|had|is|was|in|since|who|so|he|she|they|no|not|i)\b)"
)
_THING: Final = rf"{_STOP}[^\W\d_][\w'/-]*(?: i(?= \())?"
_LIST: Final = rf"{_THING}(?: {_THING})?"
_HOW: Final = r"(?: \( [^()]{1,40} \)| (?:=|- >|>) [^\W\d_]+)"  # which reaction
# "Alergia a la", "Allergie gegen", "allergique aux", "allergia alla".
_FOREIGN_TO: Final = (
    r"(?:al+ergi\w*|al+érgic[oa]) (?:a la|a los|a las|a el|al|a|gegen|auf|à la|à l'|à|aux|alla|ao)"
)
_ALLERGIC: Final = _whole_words(
    rf"(?:(?:allergic|allergy|allergies|anaphyla\w+|intoleran\w+|hypersensitiv\w+) (?:to|:|-|=)"
    rf"(?: the| a)?|{_FOREIGN_TO})"
    rf" ({_LIST}(?:{_HOW})?(?: ?(?:,|/|and|or|&) (?:and )?{_LIST}(?:{_HOW})?){{0,9}})"
)
_BETWEEN_THINGS: Final = re.compile(
    rf"(?:{_HOW})?(?: ?[,/] (?:and |or )?| (?:and|or) | ?& ?)|{_HOW}$"
)
_ALLERGY_OF: Final = _whole_words(rf"({_THING}) (?:allergy|allergies|allergic)")
_ALLERGEN_AFTER: Final = re.compile(
    rf"(?:^|(?<=[.,;:!?|(\n] ))allerg(?:y|ies|ic) ((?:{_MEDICINE.pattern})"
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
_NONE_TAKEN: Final = re.compile(
    r"\b(?:no|nil|denies|without) (?:any |regular |current |known |daily |usual )*"
    r"(?:meds|medications?|medicines?|tablets)\b(?! (?:for|was|were|since|today|left|helps?))"
    r"|\b(?:meds|medications?|medicines?) ?[:=-] ?(?:none|nil)\b"
    r"|\b(?:not on|takes?|taking) (?:any|no) (?:regular |daily )?(?:meds|medications?|medicines?)\b"
    r"|\b(?:pt|patient|he|she|i) takes? (?:nothing|no tablets)\b",
    re.IGNORECASE,
)
_REACTS: Final = re.compile(
    r"^ (?:makes?|made|making|gives?|gave|upsets?|causes?|caused) (?:her|him|me|them|patient)\b"
)
INTOLERANCE: Final = "(intolerance)"
_MAX_NAMED: Final = 12
_MAX_CHARACTERS: Final = 40


def read_history(text: str) -> History:
    """What `text` says of allergies and medicines of this patient."""
    note = _Plain(text)
    spans: list[tuple[int, int]] = []
    allergies = tuple(dict.fromkeys((*_allergies(note, spans), *_not_tolerated(note))))
    medicines = tuple(_medicines(note, spans))[:_MAX_NAMED]
    return History(
        allergies=allergies[:_MAX_NAMED],
        none_known=not allergies and _NONE_KNOWN.search(text) is not None,
        medicines=medicines,
        none_taken=not medicines and _NONE_TAKEN.search(text) is not None,
    )


def _allergies(note: _Plain, spans: list[tuple[int, int]]) -> Iterator[str]:
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


def _allergy_mentions(note: _Plain) -> Iterator[tuple[re.Match[str], list[tuple[int, str]]]]:
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


def _in_list(note: _Plain) -> Iterator[re.Match[str]]:
    """ "no drug allergies but latex = anaphylaxis": only where allergies are spoken of."""
    for match in _SAID_TO_REACT.finditer(note.plain):
        told = "allerg" in note.plain[: match.start()].rpartition(" . ")[2]
        if (told and ":" not in match.group()) or _stands_alone(note, match):
            yield match


def _stands_alone(note: _Plain, match: re.Match[str]) -> bool:
    """ "Penicillin - anaphylaxis." as a sentence of its own."""
    is_medicine = _MEDICINE.fullmatch(match.group(1)) is not None
    return is_medicine and not note.before(match.start()).strip()


def _not_tolerated(note: _Plain) -> Iterator[str]:
    for match in _MEDICINE.finditer(note.plain):
        if _REACTS.match(note.plain[match.end() :]):
            yield f"{note.written(*match.span())} {INTOLERANCE}"


def _medicines(note: _Plain, allergy_spans: list[tuple[int, int]]) -> Iterator[str]:
    seen: set[str] = set()
    for match in _MEDICINE.finditer(note.plain):
        if any(start < match.end() and match.start() < end for start, end in allergy_spans):
            continue
        before = note.before(match.start())
        after = note.plain[match.end() :]
        stopped = bool(_STOPPED.search(before) or _STOPPED_AFTER.match(after))
        if _OF_ANOTHER.search(before) or (not stopped and _is_denied(before)):
            continue
        name = note.written(*match.span())
        ran_out = _RAN_OUT.search(before) is not None
        if name.lower() not in seen and not _REACTS.match(after):
            seen.add(name.lower())
            yield f"{name} (stopped)" if stopped else f"{name} (ran out)" if ran_out else name


def _is_denied(before: str) -> bool:
    """ "not on warfarin", but not "did not take his insulin today"."""
    return _DENIED.search(before) is not None and _NOT_TAKEN_TODAY.search(before) is None
