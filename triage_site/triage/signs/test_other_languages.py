"""Words of other languages stand in the table as the reader reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from triage_site.triage.reading.note import read
from triage_site.triage.signs.matching import find_signs
from triage_site.triage.signs.tables import signs

_PIECE = re.compile(r"\[[^\]]*\]|\S+")
_LEFT_OUT = ("[", "$", "_")
_SHORT = 3  # a short word in small letters is not read in a sentence of another language


def _phrases() -> Iterator[tuple[str, str]]:
    """(code, phrase) for each word that a term of the table names, the first of the others; of
    signs that need no other term."""
    for sign in signs():
        if sign.group != "other_languages" or sign.with_any:
            continue
        for term in sign.terms:
            pieces = [p for p in _PIECE.findall(term) if not p.startswith(_LEFT_OUT)]
            ways = [[one.strip("=*") for one in p.split("/")] for p in pieces]
            for place, way in enumerate(ways):
                for word in way:
                    said = [w[0] for w in ways]
                    said[place] = word
                    yield sign.code, " ".join(said)


PHRASES = sorted({(code, phrase) for code, phrase in _phrases() if len(phrase) > _SHORT})


def test_each_phrase_of_another_language_is_read() -> None:
    unread = [
        phrase
        for code, phrase in PHRASES
        if code not in {found.sign.code for found in find_signs(read(phrase), 40)}
    ]
    assert unread == []


@pytest.mark.parametrize(
    "text",
    [
        "geen hersenbloeding, hoest", "sem enfarte, tosse", "ingen hjärtinfarkt, hosta",
        "keine Vergiftung, Husten", "без инсульта, кашель",
    ],
)  # fmt: skip
def test_what_another_language_denies_is_no_danger(text: str) -> None:
    assert not find_signs(read(text), 40)


@pytest.mark.parametrize(
    "text",
    [
        "arrêt cardiaque", "arresto cardiaco", "hartstilstand", "остановка сердца", "hjärtstopp",
        "henti jantung", "hindi na humihinga", "hapumui",
    ],
)  # fmt: skip
def test_an_arrest_in_another_language_is_most_urgent(text: str) -> None:
    assert min(found.sign.level for found in find_signs(read(text), 40)) == 0
