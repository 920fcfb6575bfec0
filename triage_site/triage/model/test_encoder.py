"""The encoder of notes: what it may see, that it reads a note alone, and what it may take back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from triage_site.triage.classify import classify, look, look_by_cues
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.encoder import (
    MAX_PIECES,
    PRIOR,
    Encoded,
    Encoder,
    age_words,
    encoder,
    encoder_version,
    nothing_read,
    places_of,
    sum_by_word,
    words_to_read,
)
from triage_site.triage.model.scoring import load
from triage_site.triage.reading.note import read
from triage_site.triage.signs.tables import signs
from triage_site.triage.types import NOT_OF_NOW

pytestmark = pytest.mark.usefixtures("encoder_without_memory")

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
        ("Came from room 84, bed 36, wart.", "Came from room 2, bed 1, wart."),
        ("weighs 32 kg, wart", "weighs 68 kg, wart"),
        ("Flat 3, 12 Dagger Street. Wart.", "Flat 9, 44 Rose Lane. Wart."),
    ],
)
def test_figures_sex_and_who_somebody_is_are_not_seen(one: str, other: str) -> None:
    seen = [" ".join(filter(None, words_to_read(read(text)))) for text in (one, other)]
    if "chest" in one.lower():
        seen = [words.strip(", .") for words in seen]
    assert seen[0] == seen[1]


def test_only_what_is_written_like_an_address_is_none_of_the_words() -> None:
    for text in ("2 CARS CRASHED ON ROAD", "fell 3 metres in Garden Street", "3 stabbed, High St"):
        assert "" not in [
            read_word
            for word, read_word in zip(read(text).words, words_to_read(read(text)), strict=True)
            if word.form.isalpha()
        ]


def test_what_stands_beside_an_opinion_is_read() -> None:
    assert {"chest", "pain"} <= set(words_to_read(read("pt anxious and sweaty chest pain")))
    told = read("62M wants bloods done His brother says he always exaggerates.")
    words = " ".join(filter(None, words_to_read(told)))
    assert "bloods done" in words
    assert "says" not in words


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
    assert age_words(None) == age_words(50)  # an adult
    assert age_words(0.5) == ["6", "months", "old"]
    assert age_words(1.99) == ["24", "months", "old"]
    assert age_words(2.0) == ["2", "years", "old"]
    assert age_words(17.4) == ["17", "years", "old"]


@pytest.mark.parametrize("ages", [(18, 25, 39.4), (40, 52, 64), (65, 71.4, 99)])
def test_an_adult_is_read_as_the_middle_of_a_band_of_ages(ages: tuple[float, ...]) -> None:
    assert len({tuple(age_words(age)) for age in ages}) == 1


def test_adults_of_other_bands_are_read_as_of_other_ages() -> None:
    assert len({tuple(age_words(age)) for age in (30, 50, 80)}) == 3


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
    seen = look_by_cues(facts)
    assert "chest_pain" in {item.code for item in seen.fired}
    assert np.array_equal(seen.view.encoded.at_most, PRIOR)


def test_the_words_and_what_stands_before_them_make_up_the_whole() -> None:
    told = encoder().read(read(GRAVE), 50)
    assert (told.shares >= 0).all()
    assert (told.shares.sum(axis=0) <= 1 + 1e-6).all()
    # Little weight is left to the marks and the age.
    assert told.shares.sum(axis=0)[1] > 0.3


def test_without_its_grave_words_a_note_is_less_urgent() -> None:
    text = f"{GRAVE} His knee aches a little."
    note = read(text)
    told = encoder().read(note, 50)
    knee = [word.form for word in note.words].index("knee")
    assert told.without(0, knee - 1)[1] < told.without(knee - 1, len(note.words))[1]
    assert told.without(3, 3) == pytest.approx(told.at_most, abs=2.0)


def test_the_most_urgent_of_several_readings_counts_below_a_boundary() -> None:
    note = read("one two")
    one = replace(nothing_read(note), at_most=np.array([1.0, 2.0, 3.0, 4.0]))
    other = replace(nothing_read(note), at_most=np.array([0.0, 5.0, 3.0, 0.0]))
    assert other.at_least([one], below=4).at_most.tolist() == [1.0, 5.0, 3.0, 4.0]
    assert other.at_least([one], below=1).at_most.tolist() == [1.0, 5.0, 3.0, 0.0]
    assert one.at_least([], below=4).at_most.tolist() == one.at_most.tolist()


def test_what_has_no_weight_left_is_as_a_note_that_tells_nothing() -> None:
    note = read("chest pain")
    whole = np.full((2, 4), 0.5)
    told = Encoded(np.full(4, 9.0), np.zeros(2), whole, whole * 9.0)
    assert told.without(0, 2) == pytest.approx(PRIOR)
    assert nothing_read(note).without(0, 2)[1] < 0


def test_of_a_long_note_the_most_urgent_part_is_the_one_that_is_shown() -> None:
    filler = "He came by bus and talked about his garden and his neighbours. " * 30
    note = read(f"{filler}{GRAVE} {filler}")
    told = encoder().read(note, 50)
    grave = [word.form for word in note.words].index("clammy")
    assert told.shares[grave, 1] > 0
    assert (told.shares.sum(axis=0) <= 1 + 1e-6).all()


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
        ([None, 0, 1, 1, None], [None, 0, 0, 1, None], [0.0, 2.0, 0.0, 3.0]),
        ([None, 1, 1, 1, None], [None, 0, 0, 0, None], [0.0, 6.0, 0.0, 0.0]),
        ([None, 0, 0, 0, None], [None, 0, 0, 1, None], [0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_a_word_has_the_sum_of_its_pieces(
    sequences: list[int | None], places: list[int | None], expected: list[float]
) -> None:
    found = places_of(sequences, places, [1, 3])
    assert sum_by_word(np.array([9.0, 1.0, 2.0, 3.0, 9.0]), found, 4).tolist() == expected


def test_pieces_beyond_one_pass_have_no_say() -> None:
    assert sum_by_word(np.array([1.0]), np.array([0, 0, 1]), 2).tolist() == [1.0, 0.0]


def test_the_version_names_the_network() -> None:
    assert len(encoder_version()) == 8
    assert encoder_version() == load().card["encoder"]


def test_every_text_that_a_table_says_fires_still_fires() -> None:
    missed = []
    for sign in signs():
        age = None if sign.fits_age(None) else sign.from_years
        for text in sign.fires:
            fired = look(CaseFacts(text=text, age_years=age)).fired
            if sign.code not in {item.code for item in fired}:
                missed.append((sign.code, text))
    assert missed == []


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("Takes metformn, ramiprill. Foot ulcer", "takes . foot ulcer"),
        ("on Ventolin and Fostair, cough", "on and , cough"),
        ("uses Ozempic, vomiting", "uses , vomiting"),
        ("44 y headache", "headache"),
        ("45M headache", "headache"),
        ("chest pain, 45 years old", "chest pain"),
        # What may be grave by itself is read, and what is not simply taken.
        ("on eliqis, nosebleed", "on apixaban , nosebleed"),
        ("on insulin and prednisolone, vomiting", "on insulin and prednisolone , vomiting"),
        ("took 40 paracetamol", "took 40 paracetamol"),
        ("overdose of amlodipine", "overdose of amlodipine"),
        ("given naloxone", "given naloxone"),
        ("missed levetiracetam", "missed levetiracetam"),
        ("all the paracetamol in the house", "all the paracetamol in the house"),
        ("smokes 20 years, fell 3 years ago", "smokes 20 years , fell 3 years ago"),
    ],
)
def test_names_of_daily_medicines_and_ages_are_not_read(text: str, is_read: str) -> None:
    assert " ".join(filter(None, words_to_read(read(text)))) == is_read
