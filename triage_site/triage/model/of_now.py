"""Which words of danger count: told of this patient now, by the cues and by the encoder. Pure.

The encoder takes back what the cues let pass: a job, a film, a past illness, a plan. Both of its
answers must agree: these words are not of now, and the note as a whole is not that urgent; for
words of level 0, not of level 1 either. It takes back nothing that is suspected ("?meningitis")
and nothing with a figure in it, since it knows no figures. What it took back is shown.
"""

from __future__ import annotations

from typing import Final

from triage_site.triage.model.encoder import Encoded
from triage_site.triage.reading.note import Assertion, Mention

# Log odds below which words are taken back: that they are of now, and that the note is as urgent
# as their sign. docs/MODEL_CARD.md says how they were chosen.
NOT_NOW: Final = -2.0
NOT_URGENT: Final = -2.0
_GRAVE: Final = 1


class OfNow:
    """Judges the mentions of one note; `set_aside` are those that the encoder took back."""

    def __init__(self, encoded: Encoded) -> None:
        self._encoded = encoded
        self.set_aside: set[Mention] = set()

    def counts(self, level: int, mention: Mention) -> bool:
        """Whether words of a sign of this level count."""
        if not mention.is_present:
            return False
        if not self._is_taken_back(level, mention):
            return True
        self.set_aside.add(mention)
        return False

    def _is_taken_back(self, level: int, mention: Mention) -> bool:
        return (
            mention.assertion is not Assertion.UNCERTAIN
            and not any(character.isdigit() for character in mention.words)
            and self._encoded.is_now(mention.first, mention.last) < NOT_NOW
            and float(self._encoded.at_most[max(level, _GRAVE)]) < NOT_URGENT
        )
