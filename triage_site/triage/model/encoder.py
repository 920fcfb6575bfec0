"""What a sentence encoder makes of a note: how urgent its words are, and what is of now.
Pure but for reading its weights.

A small pretrained encoder (MiniLM, six layers) was trained further on notes of many authors
(`training/train_encoder.py`). One pass gives the log odds of P(priority <= k) of the words alone:
a mean over the words, each weighed by how much it tells (attention pooling, Yang et al. 2016,
doi:10.18653/v1/N16-1174). It also gives for each word the log odds that it tells of the patient's
state now, and not of the past, of others, of what is denied, feared, planned or only a name. It
never sees a vital sign, a sex or who somebody is: figures are taken out, and such words are
replaced before it reads.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from triage_site.triage.model.anybody import ANYBODY, OPINIONS, REPORTS
from triage_site.triage.model.digest import digest
from triage_site.triage.model.not_urgent import plain_words
from triage_site.triage.reading.note import Assertion, Note, Statement, Word, is_told
from triage_site.triage.reading.statements import is_listed_as_absent

Floats = NDArray[np.float64]
FOLDER: Final = Path(__file__).resolve().parent.parent / "weights" / "encoder"
NETWORK: Final = "encoder.onnx"
NUM_BOUNDARIES: Final = 4
MAX_PIECES: Final = 200  # of one pass; a longer note is read in parts
_USUAL_AGE: Final = 50.0  # years
_MONTHS_BELOW: Final = 2  # years
_ADULT: Final = 18  # years
_ADULTS: Final = ((40, 30), (65, 52), (inf, 78))  # up to an age: the one that stands for all
_ENDS: Final = frozenset(".;!?")
# A statement of nothing else tells only who somebody is.
_OF_THE_PERSON: Final = frozenset({"", "patient", "pt", *ANYBODY.values()})
_LONG_NUMBER: Final = 5  # digits
# What a number may name or measure, as stems: nothing that is urgent.
_NUMBERED: Final = frozenset(
    {"room", "bed", "ward", "bay", "cubicl", "weigh", "weight", "height"}
)  # fmt: skip
_LISTS: Final = frozenset(",/")
_OR: Final = frozenset({"or", "nor"})
_MOST_OF_ITEM: Final = 3  # words, as they are written: "chest pain or collapse"
_STATE: Final = re.compile(r"(?:ed|less|[bdfglmnpstwz]y)$")
# "30 Gunpowder Rd": a number, one or two names and the kind of a street. Not "2 CARS ON ROAD".
_ADDRESS: Final = re.compile(
    r"\b(?:(?:[Ff]lat|[Uu]nit|[Aa]pt\.?|[Rr]oom) \w{1,4},? )?\d{1,4}[a-zA-Z]?,? "
    r"(?:[A-Z][a-z'\u2019]+ ){1,2}"
    r"(?:R(?:oa)?d|St(?:reet)?|Ave(?:nue)?|Lane|Ln|Drive|Close|Crescent|Terrace|Cottages|Gardens)\b"
)
_SIZES: Final = frozenset({"kg", "kgs", "kilos", "stone", "lb", "lbs", "pounds", "cm", "m"})
_LEAST_SHARE: Final = 0.1  # what a note without any weight left counts, as one that tells nothing
# Log odds of P(priority <= k) of a note that tells nothing.
PRIOR: Final = np.array([-3.0, -1.0, 0.5, 2.0])


@dataclass(frozen=True, slots=True)
class Encoded:
    """`at_most` [4]: log odds of P(priority <= k) by the words alone. `now` [words of the note]:
    log odds that a word tells of the patient's state now; NaN where nothing was read. `at_most` is
    a weighted mean over the words: `shares` and `parts` [words, 4] are the weight of each word,
    and the weight times what it says."""

    at_most: Floats
    now: Floats
    shares: Floats
    parts: Floats

    def is_now(self, first: int, last: int) -> float:
        """Of the words `first` to before `last`: the mean log odds, 0 where nothing was read."""
        return float(self._read(first, last).mean())

    def least_now(self, first: int, last: int) -> float:
        """Of the words `first` to before `last`: the lowest log odds, 0 where nothing was read."""
        return float(self._read(first, last).min())

    def _read(self, first: int, last: int) -> Floats:
        odds = self.now[first:last]
        read = odds[~np.isnan(odds)]
        return read if len(read) else np.zeros(1)

    @property
    def num_read(self) -> int:
        return int((~np.isnan(self.now)).sum())

    def without(self, first: int, last: int) -> Floats:
        """[4]: `at_most` if the words `first` to before `last` had no weight."""
        rest = self.at_most - self.parts[first:last].sum(axis=0)
        share = 1.0 - self.shares[first:last].sum(axis=0)
        return (rest + _LEAST_SHARE * PRIOR) / (share + _LEAST_SHARE)

    def at_least(self, others: Sequence[Encoded], below: int) -> Encoded:
        """At each of the boundaries `below` one the highest of all; the words keep what they are
        here."""
        highest = np.max([one.at_most for one in (self, *others)], axis=0)
        return replace(
            self, at_most=np.where(np.arange(NUM_BOUNDARIES) < below, highest, self.at_most)
        )


def nothing_read(note: Note) -> Encoded:
    nothing = np.zeros((len(note.words), NUM_BOUNDARIES))
    return Encoded(PRIOR, np.full(len(note.words), np.nan), nothing, nothing)


def words_to_read(note: Note, apart: Container[int] = ()) -> list[str]:
    """For each word of the note what the encoder reads, or nothing: no figure, no long number and
    none of a room or of a weight, no age and no medicine that is simply taken, nothing of a
    statement that tells what others think of the patient, and no word that stands `apart`."""
    words = [
        "" if word.is_mark or at in apart or _is_number(word) else _readable(word.form)
        for at, word in enumerate(note.words)
    ]
    for at in _numbers_of_things(note):
        words[at] = ""
    for at in _addresses(note):
        words[at] = ""
    for at, read in plain_words(note).items():
        words[at] = read if words[at] else ""
    for at in _denied_items(note):
        words[at] = f"no {words[at]}".rstrip()
    for said in note.statements:
        begin = _first_opinion(note, said)
        words[begin : said.last] = [""] * (said.last - begin)
        if _OF_THE_PERSON.issuperset(words[said.first : said.last]):
            words[said.first : said.last] = [""] * (said.last - said.first)
    return _with_marks_between(note, words)


def _denied_items(note: Note) -> Iterator[int]:
    """Where the further items of a list of denials begin, "no pain, numbness, swelling": the
    encoder forgets the "no" over some commas. The list ends at the first one that says more."""
    goes_on = False
    for said in note.statements:
        is_item = goes_on and _is_denied_item(note, said)
        if is_item:
            yield said.first
        denied = {note.assertion(at, at + 1) is Assertion.DENIED for at in _told(note, said)}
        goes_on = is_item or denied == {True, False}  # what is denied, and its cue


def _told(note: Note, said: Statement) -> list[int]:
    return [at for at in range(said.first, said.last) if is_told(note.words[at])]


def _is_denied_item(note: Note, said: Statement) -> bool:
    """Whether all of a few words are denied by what stands before them. A
    state ("confused") and what somebody does ("plays") are no items."""
    told = _told(note, said)
    is_listed = said.first > 0 and note.words[said.first - 1].form in _LISTS
    written = {note.words[at].start for at in told if note.words[at].form not in _OR}
    is_short = 0 < len(written) <= _MOST_OF_ITEM
    return (
        is_listed
        and is_short
        and is_listed_as_absent(note.words[told[-1]])
        and _STATE.search(note.words[told[-1]].form) is None
        and all(note.assertion(at, at + 1) is Assertion.DENIED for at in told)
    )


def _numbers_of_things(note: Note) -> Iterator[int]:
    """Places of "84" in "room 84" and of "weighs 32 kg"."""
    for at, (word, number) in enumerate(pairwise(note.words), start=1):
        if number.form.isdigit() and word.stem in _NUMBERED:
            yield at
            if at + 1 < len(note.words) and note.words[at + 1].form in _SIZES:
                yield from (at - 1, at + 1)


def _addresses(note: Note) -> Iterator[int]:
    """Places of the words of an address: a street may have any name."""
    for found in _ADDRESS.finditer(note.text):
        for at, word in enumerate(note.words):
            if found.start() <= word.start < found.end():
                yield at


def _is_number(word: Word) -> bool:
    """A figure, a number with a decimal point, or one that is long or begins with zero: of a file,
    a person or a telephone. The encoder reads short ones ("took 40 tablets")."""
    is_name = word.form.isdigit() and (len(word.form) >= _LONG_NUMBER or word.form[0] == "0")
    is_decimal = word.form[:1].isdigit() and ("." in word.form or "," in word.form)
    return word.is_figure or is_name or is_decimal


def _first_opinion(note: Note, said: Statement) -> int:
    """Where a statement begins to tell what others think of the patient ("her brother says that she
    exaggerates"); its end where it does not."""
    forms = [word.form for word in note.words[said.first : said.last]]
    reports = [at for at, form in enumerate(forms) if form in REPORTS]
    if not reports or OPINIONS.isdisjoint(forms):
        return said.last
    at = reports[0]
    while at and (ANYBODY.get(forms[at - 1]) or forms[at - 1] == "the"):
        at -= 1
    return said.first + at


def _with_marks_between(note: Note, words: list[str]) -> list[str]:
    """Of the marks between two words that are read, the last one that ends a sentence, else the
    last one: what is not read leaves no mark behind."""
    between: list[int] = []
    has_begun = False
    for at, word in enumerate(note.words):
        if word.is_mark and word.form != "|":
            between.append(at)
        elif words[at]:
            if between and has_begun:
                ends = [mark for mark in between if note.words[mark].form in _ENDS]
                mark = (ends or between)[-1]
                words[mark] = note.words[mark].form
            between, has_begun = [], True
    return words


def _readable(form: str) -> str:
    return ANYBODY.get(form, form)


def age_words(age_years: float | None) -> list[str]:
    """In months below two years, in years for children, for adults one age of each band: there
    a few years tell nothing. An unknown age is read as that of an adult: notes without one are
    graver than others where they were written, and that is no finding of the patient."""
    if age_years is None:
        age_years = _USUAL_AGE
    if age_years < _MONTHS_BELOW:
        return f"{round(age_years * 12)} months old".split()
    age = round(age_years)
    if age >= _ADULT:
        age = next(middle for until, middle in _ADULTS if age < until)
    return f"{age} years old".split()


class Encoder:
    """The network with its tokenizer. One note at a time: what it says of a note depends on
    nothing else."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises FileNotFoundError."""
        network, pieces = folder / NETWORK, folder / "tokenizer.json"
        for file in (network, pieces):
            if not file.is_file():
                raise FileNotFoundError(2, "the encoder has no such file", str(file))
        self._pieces = Tokenizer.from_file(str(pieces))
        self._pieces.no_padding()
        self._pieces.no_truncation()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._network: Any = onnxruntime.InferenceSession(
            str(network), options, providers=["CPUExecutionProvider"]
        )

    def read(self, note: Note, age_years: float | None, apart: Container[int] = ()) -> Encoded:
        """Of a long note, each part is read; for each boundary the most urgent one counts."""
        words = words_to_read(note, apart)
        best = nothing_read(note)
        for number, part in enumerate(_parts(note, words)):
            found = self._read_part(words, part, age_words(age_years))
            best = _more_urgent(best, found) if number else found
        return best

    def _read_part(self, words: Sequence[str], part: Sequence[int], age: list[str]) -> Encoded:
        """Words beyond what one pass takes have no say."""
        pieces = self._pieces.encode(age, [words[at] for at in part], is_pretokenized=True)
        ids = np.array([pieces.ids[: 2 * MAX_PIECES]], dtype=np.int64)
        kinds = np.array([pieces.type_ids[: 2 * MAX_PIECES]], dtype=np.int64)
        now, shares, parts = self._network.run(
            ["now", "shares", "parts"],
            {"input_ids": ids, "token_type_ids": kinds},
        )
        places = places_of(pieces.sequence_ids, pieces.word_ids, part)
        with np.errstate(invalid="ignore"):  # words that were not read have no mean
            mean_now = sum_by_word(now[0], places, len(words)) / sum_by_word(
                np.ones_like(now[0]), places, len(words)
            )
        return Encoded(
            at_most=parts[0].sum(axis=0, dtype=np.float64),
            now=mean_now,
            shares=sum_by_word(shares[0], places, len(words)),
            parts=sum_by_word(parts[0], places, len(words)),
        )


def places_of(
    sequences: Sequence[int | None], places: Sequence[int | None], part: Sequence[int]
) -> NDArray[np.int64]:
    """Of each piece: the place of its word in the note; -1 where it is of no word of it."""
    return np.array(
        [
            part[place] if sequence == 1 and place is not None else -1
            for sequence, place in zip(sequences, places, strict=True)
        ],
        dtype=np.int64,
    )


def sum_by_word(values: Floats, places: NDArray[np.int64], num_words: int) -> Floats:
    """[num_words, ...]: the sum of `values` [pieces, ...] of each word. Pieces beyond the first
    `len(values)` were not read."""
    places = places[: len(values)]
    totals = np.zeros((num_words, *values.shape[1:]))
    np.add.at(totals, places[places >= 0], values[places >= 0])
    return totals


def _more_urgent(one: Encoded, other: Encoded) -> Encoded:
    """Two parts of a note, which share no word."""
    chosen = other.at_most > one.at_most
    return Encoded(
        at_most=np.maximum(one.at_most, other.at_most),
        now=np.where(np.isnan(other.now), one.now, other.now),
        shares=np.where(chosen, other.shares, one.shares),
        parts=np.where(chosen, other.parts, one.parts),
    )


def _parts(note: Note, words: Sequence[str]) -> Iterator[list[int]]:
    """The places of words to read in one pass: whole sentences, as many as fit."""
    part: list[int] = []
    for _, group in groupby(_with_sentence(note), key=lambda one: one[1]):
        sentence = [at for at, _ in group if words[at]]
        for begin in range(0, len(sentence), MAX_PIECES // 2):
            more = sentence[begin : begin + MAX_PIECES // 2]
            if part and _size(words, part) + _size(words, more) > MAX_PIECES:
                yield part
                part = []
            part = part + more
    if part:
        yield part


def _size(words: Sequence[str], part: Sequence[int]) -> int:
    """About how many pieces: a long word has several."""
    return sum(1 + len(words[at]) // 7 for at in part)


def _with_sentence(note: Note) -> Iterator[tuple[int, int]]:
    """Each word with its sentence; a mark belongs to the one before it."""
    sentence_of = {
        at: said.sentence for said in note.statements for at in range(said.first, said.last)
    }
    sentence = 0
    for at in range(len(note.words)):
        sentence = sentence_of.get(at, sentence)
        yield at, sentence


@cache
def encoder_version() -> str:
    """Names the contents of the shipped network. Raises FileNotFoundError."""
    return digest(FOLDER, [NETWORK])


@cache
def encoder() -> Encoder:
    """The shipped one, loaded at the first note. Raises FileNotFoundError."""
    return Encoder()
