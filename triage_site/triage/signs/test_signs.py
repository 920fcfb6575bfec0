"""Every sign of the tables against its own texts."""

from __future__ import annotations

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import read
from triage_site.triage.signs.matching import find_signs
from triage_site.triage.signs.tables import FOLDER, Sign, signs

FIRES = [(sign, text) for sign in signs() for text in sign.fires]
SILENT = [(sign, text) for sign in signs() for text in sign.silent]


def _codes(sign: Sign, text: str) -> set[str]:
    """The signs of a text, for a patient whose age fits unless the text tells another."""
    note = read(text)
    age = measure(CaseFacts(text=text), note).facts.age_years
    if age is None and not sign.fits_age(None):
        age = sign.from_years + 0.01
    return {found.sign.code for found in find_signs(note, age)}


@pytest.mark.parametrize(("sign", "text"), FIRES, ids=[f"{s.code}-{t[:40]}" for s, t in FIRES])
def test_a_sign_fires_on_its_texts(sign: Sign, text: str) -> None:
    assert sign.code in _codes(sign, text)


@pytest.mark.parametrize(("sign", "text"), SILENT, ids=[f"{s.code}-{t[:40]}" for s, t in SILENT])
def test_a_sign_stays_silent_on_other_texts(sign: Sign, text: str) -> None:
    assert sign.code not in _codes(sign, text)


def test_every_sign_names_its_source_and_version() -> None:
    assert all(sign.source and sign.version for sign in signs())


def test_no_line_of_a_table_is_too_long_to_read() -> None:
    tables = [*FOLDER.parent.glob("*/*.toml")]
    assert len(tables) >= 10
    long = [
        f"{path.name}:{number}"
        for path in tables
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > 100 and path.parent.name != "training"
    ]
    assert long == []
