"""The encoder of notes: what it may see, that it reads a note alone, and what it may take back."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from triage_site.triage.classify import classify, look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.encoder import (
    MAX_PIECES,
    PRIOR,
    Encoder,
    age_words,
    by_word,
    encoder,
    nothing_read,
    words_to_read,
)
from triage_site.triage.reading.note import read
from triage_site.triage.signs.tables import signs
from triage_site.triage.types import NOT_OF_NOW

CALM = (
    "Walked in for a repeat of her inhaler. Feels well. Her brother had a cardiac arrest last year."
)
GRAVE = "Suddenly collapsed, grey and clammy, crushing pain across the chest."


def at_most(text: str, age_years: float | None = 50) -> np.ndarray:
    return encoder().read(read(text), age_years).at_most


def test_a_grave_note_is_more_urgent_than_a_calm_one_at_every_boundary() -> None:
    assert (at_most(GRAVE) > at_most(CALM)).all()
    assert at_most(GRAVE)[1] > 0 > at_most(CALM)[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("He has a sore knee.", "She has a sore knee."),
        ("BP 70/40, HR 140. Feels unwell.", "BP 120/80, HR 70. Feels unwell."),
        ("Sats 82%, wheezy.", "Sats 98%, wheezy."),
        ("Homeless man with a cough.", "Woman with a cough."),
        ("Anxious, chest pain.", "chest pain."),
        ("Chest pain. The daughter says she is being dramatic.", "Chest pain."),
        ("His wife says he fell.", "Her husband says she fell."),
    ],
)
def test_figures_sex_and_who_somebody_is_are_not_seen(one: str, other: str) -> None:
    seen = [" ".join(filter(None, words_to_read(read(text)))) for text in (one, other)]
    if "chest" in one.lower():
        seen = [words.strip(", .") for words in seen]
    assert seen[0] == seen[1]


def test_shorthand_is_read_as_the_words_that_it_stands_for() -> None:
    assert "breath" in words_to_read(read("SOB"))


def test_every_read_word_has_its_own_odds_and_others_have_none() -> None:
    note = read("HR 130, crushing chest pain. Denies syncope.")
    told = encoder().read(note, 60)
    words = words_to_read(note)
    assert len(told.now) == len(note.words)
    assert [bool(word) for word in words] == [not np.isnan(value) for value in told.now]


def test_what_is_of_now_and_what_is_not() -> None:
    note = read("Crushing chest pain for an hour. Her mother had a stroke in 2015.")
    forms = [word.form for word in note.words]
    told = encoder().read(note, 60)
    pain, stroke = forms.index("chest"), forms.index("stroke")
    assert told.is_now(pain, pain + 1) > 1
    assert told.is_now(stroke, stroke + 1) < -1


def test_a_note_is_read_alone() -> None:
    alone = at_most(GRAVE)
    for _ in range(3):
        at_most(CALM * 3)
        assert np.array_equal(at_most(GRAVE), alone)


def test_the_age_is_told_in_months_below_two_years() -> None:
    assert age_words(None) == ["unknown", "age"]
    assert age_words(0.5) == ["6", "months", "old"]
    assert age_words(1.99) == ["24", "months", "old"]
    assert age_words(2.0) == ["2", "years", "old"]
    assert age_words(71.4) == ["71", "years", "old"]


@pytest.mark.parametrize("text", ["", "   ", "...", "BP 120/80 HR 70", "\u200b"])
def test_where_nothing_is_to_read_the_odds_are_those_of_no_note(text: str) -> None:
    note = read(text)
    told = encoder().read(note, 50)
    if any(words_to_read(note)):
        assert np.isfinite(told.at_most).all()
    else:
        assert np.array_equal(told.at_most, PRIOR)
        assert told.is_now(0, len(note.words)) == 0.0


def test_a_danger_in_a_long_note_is_as_urgent_as_alone() -> None:
    filler = "He came by bus and talked about his garden and his neighbours. " * 60
    assert len(words_to_read(read(filler))) > 3 * MAX_PIECES
    long = at_most(f"{filler}{GRAVE} {filler}")
    assert long[1] > at_most(filler)[1] + 1
    assert np.isfinite(long).all()


def test_one_long_sentence_without_a_mark_is_read_in_parts() -> None:
    note = read("pain " * 1_500)
    told = encoder().read(note, 50)
    assert not np.isnan(told.now).any()


@pytest.mark.parametrize(
    "text", ["שלום כאב", "胸が痛い", "😀😀😀", "a" * 9_000, "é" * 500, "#" * 9_999]
)
def test_whatever_is_written_has_finite_odds(text: str) -> None:
    assert np.isfinite(at_most(text)).all()


def test_ten_thousand_characters_are_read_within_two_seconds() -> None:
    note = read("He walked in with pain in the left knee, no fall. " * 200)
    encoder()
    begun = time.process_time()
    encoder().read(note, 50)
    assert time.process_time() - begun < 2.0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"encoder\.onnx"):
        Encoder(tmp_path)


def test_without_an_encoder_the_cues_alone_decide() -> None:
    facts = CaseFacts(text="Her mother had a stroke. Chest pain now.", age_years=60)
    note = read(facts.text)
    codes = {item.code for item in look(facts, nothing_read(note)).fired}
    assert "chest_pain" in codes


def test_a_sign_that_was_set_aside_is_told_with_its_words() -> None:
    text = "Sprained thumb. Sister in labour, she wants to be quick."
    said = classify(CaseFacts(text=text, age_years=34))
    (told,) = [reason for reason in said.reasons if reason.code == NOT_OF_NOW]
    assert told.words == ("in labour",)
    assert told.min_priority is None
    assert told.weight is None
    assert said.danger_signs == ()
    assert said.priority >= 3


@pytest.mark.parametrize(
    ("sequences", "places", "expected"),
    [
        ([None, 0, 1, 1, None], [None, 0, 0, 1, None], [2.0, 3.0]),
        ([None, 1, 1, 1, None], [None, 0, 0, 0, None], [2.0, np.nan]),
        ([None, 0, 0, 0, None], [None, 0, 0, 1, None], [np.nan, np.nan]),
    ],
)
def test_a_word_has_the_mean_of_its_pieces(
    sequences: list[int | None], places: list[int | None], expected: list[float]
) -> None:
    found = by_word([9.0, 1.0, 2.0, 3.0, 9.0], sequences, places, 2)
    assert np.array_equal(found, expected, equal_nan=True)


def test_every_text_that_a_table_says_fires_still_fires() -> None:
    missed = []
    for sign in signs():
        age = None if sign.fits_age(None) else sign.from_years
        for text in sign.fires:
            fired = look(CaseFacts(text=text, age_years=age)).fired
            if sign.code not in {item.code for item in fired}:
                missed.append((sign.code, text))
    assert missed == []
