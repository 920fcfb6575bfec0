"""A finished answer beside the brief that it was written from, cut up for the checks. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from scheduling.core.brief import CHECK_LABEL, Brief, read_brief

QUOTATION: Final = re.compile(r'"([^"\n]*)"|“([^”\n]*)”|«([^»\n]*)»')
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_MARKS: Final = str.maketrans(
    dict.fromkeys("‘’‚‛´`", "'") | dict.fromkeys('“”„«»"', "'") | dict.fromkeys("‐‑‒–—―−", "-")
)
# The patient's story, or what is not so now: such a sentence makes no claim about now.
_CAUTIOUS: Final = re.compile(
    r"\b(?:if|should|unless|until|in case|whether|becom\w+|develops?|worsens?|(?:watch|look|check"
    r"|screen|monitor)\w* for|rule out|exclude|risk of|signs? of|possib\w+|may|might|could|ask"
    r"|think of|consider|history|known|report\w*|says?|said|told|feels?|felt|states?|complain\w*"
    r"|describe\w*|coach\w*|encourag\w*|guide|earlier|previous\w*|avoid|prevent|before|suggests?)\b",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Lower case, single spaces, ASCII quotation marks and dashes: for comparison."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold().split())


@dataclass(frozen=True)
class Answer:
    """`text` as it was written, and `brief_text`, its prompt."""

    text: str
    brief_text: str

    @cached_property
    def brief(self) -> Brief:
        return read_brief(self.brief_text)

    @cached_property
    def quotations(self) -> list[str]:
        return ["".join(found) for found in QUOTATION.findall(self.text)]

    @cached_property
    def own(self) -> str:
        """The text without quotations, in lower case: what the model says itself."""
        return QUOTATION.sub('""', self.text).lower()

    @cached_property
    def claims(self) -> list[str]:
        """The sentences of `own` without the names of danger signs and of the complaint, and
        without the lines of the history and of what to check again, which quote the note."""
        own = self.own
        labels = ("Complaint", "Medicines", "Allergies", CHECK_LABEL)
        quoted = [self.brief.line(label) for label in labels]
        for name in (*self.brief.danger_signs, *quoted):
            if name:
                own = own.replace(name.lower(), " ")
        return [sentence for sentence in _SENTENCE_END.split(own) if sentence.strip()]


def is_cautious(sentence: str) -> bool:
    """Whether a sentence speaks of what may be, was, or was said."""
    return _CAUTIOUS.search(sentence) is not None
