"""The words of a case as a search compares them, kept in columns of the case.

Letters have no case, no accent and no invisible mark there, on every database alike. The columns
are filled when a row is added; a note that is added later joins them (`CaseNote.save`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from django.db import models

from triage_site.triage.reading.cleaning import APOSTROPHES, DASHES, with_plain_signs

MAX_LABEL_CHARACTERS: Final = 200  # a normal form can be longer; an index takes no long value
_VANISH: Final = frozenset({"Mn", "Me", "Cf", "Cc"})
_LETTERS: Final = str.maketrans(
    # Letters that have no normal form without their stroke.
    {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
    | dict.fromkeys(APOSTROPHES + "`", "'")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys(DASHES, "-")
)
_INNER: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")  # "O'Neil" is found as "oneil"
_APART: Final = re.compile(r"[^\w]+|_+")
_BED: Final = re.compile(r"bed\s*(?:no|nr|number)?\s*(?=\d|[a-z]{1,2}\d|[a-z]$)")


def folded(text: str) -> str:
    """`text` in small letters without accents, invisible marks and apostrophes within words, with
    single blanks."""
    text = " ".join(with_plain_signs(text).split())
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    text = unicodedata.normalize("NFKD", text)
    kept = "".join(char for char in text if unicodedata.category(char) not in _VANISH)
    return " ".join(_INNER.sub("", kept).split())


def label_words(label: str) -> str:
    """The words of a name or bed, each between blanks; nothing where it has none.

    A bed without the word is the same bed: "Bed 12", "bed no. 12" and "12" are " 12 ".
    """
    words = " ".join(_APART.sub(" ", folded(label)).split())
    words = _BED.sub("", words, count=1) if _BED.match(words) else words
    return f" {words} "[:MAX_LABEL_CHARACTERS] if words else ""


def case_words(label: str, *texts: str) -> str:
    """What a search looks through: the label and each text on a line of its own."""
    return "\n".join(filter(None, map(folded, (label, *texts))))


class SearchLabelField(models.CharField):
    """`label_words` of a new case."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add:
            case: Any = model_instance
            setattr(case, self.attname, label_words(case.label))
        return super().pre_save(model_instance, add)


class SearchTextField(models.TextField):
    """`case_words` of a new case."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add:
            case: Any = model_instance
            text = str(case.facts.get("text", ""))
            setattr(case, self.attname, case_words(case.label, text))
        return super().pre_save(model_instance, add)
