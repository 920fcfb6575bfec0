"""What a sentence encoder makes of a note: how urgent its words are, and what is of now.
Pure but for reading its weights.

A small pretrained encoder (MiniLM, six layers) was trained further on notes of many authors
(`training/train_encoder.py`). One pass gives the log odds of P(priority <= k) of the words alone,
and for each word the log odds that it tells of the patient's state now, and not of the past, of
others, of what is denied, feared, planned or only a name. It never sees a vital sign, a sex or
who somebody is: figures are taken out, and such words are replaced before it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from triage_site.triage.model.clauses import ANYBODY, OPINIONS
from triage_site.triage.reading.note import Note

Floats = NDArray[np.float64]
FOLDER: Final = Path(__file__).resolve().parent.parent / "weights" / "encoder"
NUM_BOUNDARIES: Final = 4
MAX_PIECES: Final = 200  # of one pass; a longer note is read in parts
_UNKNOWN_AGE: Final = "unknown age"
_MONTHS_BELOW: Final = 2  # years
# Log odds of P(priority <= k) of a note that tells nothing.
PRIOR: Final = np.array([-3.0, -1.0, 0.5, 2.0])


@dataclass(frozen=True, slots=True)
class Encoded:
    """`at_most` [4]: log odds of P(priority <= k) by the words alone. `now` [words of the note]:
    log odds that a word tells of the patient's state now; NaN where nothing was read."""

    at_most: Floats
    now: Floats

    def is_now(self, first: int, last: int) -> float:
        """Of the words `first` to before `last`: the mean log odds, 0 where nothing was read."""
        read = self.now[first:last]
        read = read[~np.isnan(read)]
        return float(read.mean()) if len(read) else 0.0


def nothing_read(note: Note) -> Encoded:
    return Encoded(PRIOR, np.full(len(note.words), np.nan))


def words_to_read(note: Note) -> list[str]:
    """For each word of the note what the encoder reads, or nothing: no figure, and nothing of a
    statement that tells what others think of the patient."""
    words = [_readable(word.form) if not word.is_figure else "" for word in note.words]
    for said in note.statements:
        span = slice(said.first, said.last)
        if any(word.form in OPINIONS for word in note.words[span]):
            words[span] = [""] * (said.last - said.first)
    return words


def _readable(form: str) -> str:
    return "" if form == "|" else ANYBODY.get(form, form)


def age_words(age_years: float | None) -> list[str]:
    if age_years is None:
        return _UNKNOWN_AGE.split()
    if age_years < _MONTHS_BELOW:
        return f"{round(age_years * 12)} months old".split()
    return f"{round(age_years)} years old".split()


class Encoder:
    """The network with its tokenizer. One note at a time: what it says of a note depends on
    nothing else."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises FileNotFoundError."""
        network, pieces = folder / "encoder.onnx", folder / "tokenizer.json"
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

    def read(self, note: Note, age_years: float | None) -> Encoded:
        """Of a long note, each part is read; the most urgent one counts."""
        words = words_to_read(note)
        now = np.full(len(words), np.nan)
        levels = []
        for part in _parts(note, words):
            told, at_most = self._read_part([words[at] for at in part], age_words(age_years))
            now[part] = told
            levels.append(at_most)
        return Encoded(np.max(levels, axis=0), now) if levels else nothing_read(note)

    def _read_part(self, words: list[str], age: list[str]) -> tuple[Floats, Floats]:
        """[words], NaN for those beyond what one pass takes, and [4]."""
        pieces = self._pieces.encode(age, words, is_pretokenized=True)
        ids = np.array([pieces.ids[: 2 * MAX_PIECES]], dtype=np.int64)
        kinds = np.array([pieces.type_ids[: 2 * MAX_PIECES]], dtype=np.int64)
        told, at_most = self._network.run(
            None,
            {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": kinds},
        )
        now = by_word(told[0], pieces.sequence_ids, pieces.word_ids, len(words))
        return now, at_most[0].astype(np.float64)


def by_word(
    odds: Sequence[float],
    sequences: Sequence[int | None],
    places: Sequence[int | None],
    num_words: int,
) -> Floats:
    """[num_words]: the mean of the pieces of each word of the second sequence, the note; NaN for a
    word without one."""
    totals, counts = np.zeros(num_words), np.zeros(num_words)
    for value, sequence, place in zip(odds, sequences, places, strict=False):
        if sequence == 1 and place is not None:
            totals[place] += value
            counts[place] += 1
    with np.errstate(invalid="ignore"):
        return totals / counts


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


@lru_cache(maxsize=1)
def encoder() -> Encoder:
    """The shipped one, loaded at the first note. Raises FileNotFoundError."""
    return Encoder()
