"""Which danger signs count: told of this patient now, by the cues and by the encoder. Pure.

The encoder takes back what the cues let pass: a job, a film, a past illness, a plan. Both of its
answers must agree: none of the words of the sign is of now, and the note as a whole is not that
urgent; for a sign of level 0, not of level 1 either. It takes back nothing that is suspected
("?meningitis"), nothing that stands alone in its sentence ("CODE BLUE"), since nothing there says
how it is meant, and nothing that it has not learned: a figure, a word of another language. What it
took back is shown.

It also gives back what the cues took away, where it is sure that every word is of now: "denies
allergies, throat closing up". The cues cannot tell where such a list ends.
"""

from __future__ import annotations

from typing import Final

from triage_site.triage.model.encoder import Encoded
from triage_site.triage.reading.note import Assertion, Mention, Note, Statement, is_told
from triage_site.triage.reading.words import is_english
from triage_site.triage.signs.rules import Fired

# Log odds below which words are taken back: that they are of now, and that the note is as urgent
# as their sign. docs/MODEL_CARD.md says how they were chosen.
NOT_NOW: Final = -3.3
NOT_URGENT: Final = -2.0
SURELY_NOW: Final = 4.0  # from here on words are given back
_SAYS_MORE: Final = 3  # words beside a danger, of a statement that is no item of a list
_GRAVE: Final = 1
_LEAST_BESIDE: Final = 3  # words of a sentence that may say how its danger is meant


class OfNow:
    """Judges what fired in one note."""

    def __init__(self, note: Note, encoded: Encoded) -> None:
        self._note = note
        self._encoded = encoded

    def counts(self, item: Fired) -> bool:
        """Whether any of the words of a sign count; a rule on figures always does."""
        at_most = float(self._encoded.at_most[max(item.min_priority, _GRAVE)])
        if not item.mentions or at_most >= NOT_URGENT:
            return True
        if self._num_beside(item) < _LEAST_BESIDE:
            return True
        return not all(self._is_taken_back(mention) for mention in item.mentions)

    def is_told(self, mention: Mention) -> bool:
        """Whether the words are of now by the cues, or denied in a statement of their own that
        the encoder takes for now. A bare item of a list of denials is denied."""
        if mention.is_present or mention.assertion is not Assertion.DENIED:
            return mention.is_present
        return (
            self._says_more(mention)
            and self._encoded.least_now(mention.first, mention.last) >= SURELY_NOW
        )

    def _says_more(self, mention: Mention) -> bool:
        """Whether its statement has a figure, or a few words, beside the mention."""
        said = next(one for one in self._note.statements if mention.first < one.last)
        beside = [
            self._note.words[at]
            for at in _places(said)
            if not mention.first <= at < mention.last and not self._note.words[at].is_mark
        ]
        return len(beside) >= _SAYS_MORE or any(word.is_figure for word in beside)

    def _num_beside(self, item: Fired) -> int:
        """How many words stand in the same sentences beside those of the sign."""
        told = {at for one in item.mentions for at in range(one.first, one.last)}
        sentences = {s.sentence for s in self._note.statements if not told.isdisjoint(_places(s))}
        places = (_places(s) for s in self._note.statements if s.sentence in sentences)
        return sum(
            at not in told and is_told(self._note.words[at]) for span in places for at in span
        )

    def _is_taken_back(self, mention: Mention) -> bool:
        words = self._note.words[mention.first : mention.last]
        return (
            mention.assertion is not Assertion.UNCERTAIN
            and all(word.is_mark or is_english(word.form) for word in words)
            and self._encoded.is_now(mention.first, mention.last) < NOT_NOW
        )


def _places(said: Statement) -> range:
    return range(said.first, said.last)
