"""What the encoder learns from: notes with their levels, and words of now or not of now. Pure.

Notes of `mentions/*.jsonl` name both themselves. Of the other notes only the level is known; there
a danger that a cue takes back is not of now, nor is a grave one in a note of a mild level. Texts by
which a danger sign shows what it fires on tell how urgent a note is at least. A level that figures
may have made teaches nothing: the encoder sees no figures. No encoder is asked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage_site.triage.classify import Seen, look_by_cues
from triage_site.triage.facts import CaseFacts, Sex
from triage_site.triage.model.encoder import NUM_BOUNDARIES, age_words, words_to_read
from triage_site.triage.reading.note import Note
from triage_site.triage.signs.matching import matcher
from triage_site.triage.signs.tables import signs
from triage_site.triage.training.classifier_text import OF_ENCODER, read_asides, read_vignettes
from triage_site.triage.types import LEAST_URGENT

MENTIONS: Final = Path(__file__).parent / "mentions"
FRAMES: Final = Path(__file__).parent / "frames.json"
_AGE_OF_FRAMES: Final = 40.0
UNKNOWN: Final = -1  # a target that nobody knows
_GRAVE: Final = 1  # level of a sign
_MILD: Final = 3


@dataclass(frozen=True, slots=True)
class Example:
    """`at_most` [4]: 1 where the priority is at most k, else 0; `now` for each of `words`: 1 or 0.
    `UNKNOWN` in both."""

    age: tuple[str, ...]
    words: tuple[str, ...]
    at_most: tuple[int, ...]
    now: tuple[int, ...]


def read_examples(*, with_all: bool) -> list[Example]:
    """`with_all`: with the vignettes that the classifier is fitted on."""
    vignettes = [
        case
        for source, cases in read_vignettes().items()
        if with_all or source in OF_ENCODER
        for case in cases
    ]
    return [*_of_mentions(), *_of_vignettes(vignettes), *_of_signs(), *_of_frames()]


def read_aside_words() -> list[tuple[str, ...]]:
    """What is said to a queue or to a machine, as the encoder reads it."""
    return [tuple(filter(None, words_to_read(look_by_cues(facts).note))) for facts in read_asides()]


def read_mentions() -> list[CaseFacts]:
    return [facts for facts, _, _ in _mention_rows()]


def _mention_rows() -> Iterator[tuple[CaseFacts, int, list[tuple[int, int, int]]]]:
    """Facts, priority, and (first character, the one after the last, of now or not)."""
    for path in sorted(MENTIONS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text, sex = row["text"], row.get("sex")
            facts = CaseFacts(text=text, age_years=row["age_years"], sex=Sex(sex or "unknown"))
            pieces = [
                (text.find(piece), text.find(piece) + len(piece), value)
                for name, value in (("now", 1), ("not_now", 0))
                for piece in row[name]
            ]
            yield facts, row["level"] - 1, [one for one in pieces if one[0] >= 0]


def _of_mentions() -> Iterator[Example]:
    for facts, priority, pieces in _mention_rows():
        seen = look_by_cues(facts)
        now = [UNKNOWN] * len(seen.note.words)
        for begin, stop, value in pieces:
            for at, word in enumerate(seen.note.words):
                if word.start < stop and word.end > begin:
                    now[at] = value
        yield _example(seen, _targets(priority, seen), now)


def _of_vignettes(cases: Sequence[tuple[CaseFacts, int]]) -> Iterator[Example]:
    for facts, priority in cases:
        seen = look_by_cues(facts)
        yield _example(seen, _targets(priority, seen), _weak(seen.note, priority))


def _weak(note: Note, priority: int) -> list[int]:
    """What the level and the cues tell of the words of dangers."""
    index, now = matcher(), [UNKNOWN] * len(note.words)
    for sign, mention in index.mentions(note):
        if sign.level > _GRAVE:
            continue
        if not mention.is_present or priority >= _MILD:
            value = 0
        elif priority <= _GRAVE:
            value = 1
        else:
            continue
        now[mention.first : mention.last] = [value] * (mention.last - mention.first)
    return now


def _of_signs() -> Iterator[Example]:
    for sign in signs():
        for text in sign.fires:
            age = None if sign.fits_age(None) else sign.from_years
            facts = CaseFacts(text=text, age_years=age)
            seen = look_by_cues(facts)
            now = [UNKNOWN] * len(seen.note.words)
            for item in seen.fired:
                for mention in item.mentions:
                    now[mention.first : mention.last] = [1] * (mention.last - mention.first)
            at_least = [1 if k >= sign.level else UNKNOWN for k in range(NUM_BOUNDARIES)]
            yield _example(seen, at_least, now)


def _of_frames() -> Iterator[Example]:
    """Short texts with the same frightening words, of a danger (`firing`) and of none."""
    told = json.loads(FRAMES.read_text(encoding="utf-8"))
    for name, value in (("silent", 0), ("firing", 1)):
        for text in (text for texts in told[name].values() for text in texts):
            facts = CaseFacts(text=text, age_years=_AGE_OF_FRAMES)
            seen = look_by_cues(facts)
            now = [UNKNOWN] * len(seen.note.words)
            for sign, mention in matcher().mentions(seen.note):
                if sign.level <= _GRAVE and (mention.is_present or not value):
                    now[mention.first : mention.last] = [value] * (mention.last - mention.first)
            at_most = [UNKNOWN, 1, 1, 1] if value else [0, 0, UNKNOWN, UNKNOWN]
            yield _example(seen, at_most, now)


def _targets(priority: int, seen: Seen) -> list[int]:
    """Nothing is known where a rule on figures may have made the level."""
    by_figures = any(not item.mentions for item in seen.fired)
    if by_figures and priority < LEAST_URGENT:
        return [UNKNOWN] * NUM_BOUNDARIES
    return [int(priority <= k) for k in range(NUM_BOUNDARIES)]


def _example(seen: Seen, at_most: Sequence[int], now: Sequence[int]) -> Example:
    words = words_to_read(seen.note)
    kept = [at for at, word in enumerate(words) if word]
    return Example(
        age=tuple(age_words(seen.facts.age_years)),
        words=tuple(words[at] for at in kept),
        at_most=tuple(at_most),
        now=tuple(now[at] for at in kept),
    )
