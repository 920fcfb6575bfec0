"""What the encoder may take back, and what never."""

from __future__ import annotations

import numpy as np
import pytest

from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.encoder import PRIOR, Encoded
from triage_site.triage.model.of_now import NOT_NOW, NOT_URGENT, OfNow
from triage_site.triage.reading.note import read

FAR = NOT_NOW - 1
CALM = np.full(4, NOT_URGENT - 1)
TEXT = "Sore throat. Stroke, said the poster."


def judged(text: str, odds: float, level: int, at_most: np.ndarray = CALM) -> tuple[bool, OfNow]:
    note = read(text)
    nothing = np.zeros((len(note.words), 4))
    judge = OfNow(Encoded(at_most, np.full(len(note.words), odds), nothing, nothing))
    at = [one.form for one in note.words].index("stroke")
    return judge.counts(level, note.mention(at, at + 1)), judge


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("odds", [FAR, NOT_NOW - 0.1, NOT_NOW + 0.1, 0.0, 5.0])
def test_words_are_taken_back_below_the_threshold(level: int, odds: float) -> None:
    counts, judge = judged(TEXT, odds, level)
    assert counts == (odds >= NOT_NOW)
    assert [mention.words for mention in judge.set_aside] == ([] if counts else ["Stroke"])


@pytest.mark.parametrize("at", [0, 1])
def test_words_of_level_0_count_where_the_note_may_be_of_level_0_or_1(at: int) -> None:
    at_most = CALM.copy()
    at_most[at:] = 0.0
    assert judged(TEXT, FAR, 0, at_most)[0]
    at_most[at:] = NOT_URGENT - 0.1
    assert not judged(TEXT, FAR, 0, at_most)[0]


@pytest.mark.parametrize("text", ["Sore throat. stroke 3", "Stroke score 12 sore throat"])
def test_words_with_a_figure_are_never_taken_back(text: str) -> None:
    note = read(text)
    nothing = np.zeros((len(note.words), 4))
    judge = OfNow(Encoded(CALM, np.full(len(note.words), FAR), nothing, nothing))
    assert judge.counts(1, note.mention(0, len(note.words)))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_nothing_is_taken_back_where_the_note_as_a_whole_may_be_urgent(level: int) -> None:
    assert judged(TEXT, FAR, level, np.full(4, NOT_URGENT + 0.1))[0]
    assert judged(TEXT, FAR, level, PRIOR)[0]


@pytest.mark.parametrize("boundary", [0, 1, 2, 3])
def test_the_boundary_of_the_level_of_the_sign_decides(boundary: int) -> None:
    at_most = CALM.copy()
    at_most[boundary:] = 0.0
    for level in (1, 2):
        assert judged(TEXT, FAR, level, at_most)[0] == (boundary <= level)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_is_suspected_is_never_taken_back(level: int) -> None:
    assert judged("Sore throat, ?stroke", FAR, level)[0]


@pytest.mark.parametrize("odds", [FAR, 0.0, 9.0])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_a_cue_takes_back_stays_so_and_is_not_shown(level: int, odds: float) -> None:
    counts, judge = judged("Sore throat, denies stroke.", odds, level)
    assert not counts
    assert judge.set_aside == set()


@pytest.mark.parametrize(
    "text",
    [
        "Detective, stabbed in the neck.",
        "Suicide line call handler, has taken an overdose of her tablets.",
        "The dog was poisoned, and the boy ate the rat poison too.",
        "Was watching a soap when her face drooped on one side.",
        "Drank poison in the museum cafe, swallowed a bottle of bleach.",
        "Husband choked her until she passed out, bruised neck, walking, wants a check.",
        "chest pain, denies headache",
        "chest pain, no cough, had a cold last week",
        "Fever since yesterday, denies headache. ?meningitis",
        "GP is worried that he is having a stroke",
    ],
)
def test_a_frame_or_something_mild_takes_no_danger_back(text: str) -> None:
    fired = look(CaseFacts(text=text, age_years=40)).fired
    assert min(item.min_priority for item in fired) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Sprained ankle. Works as a nurse on the stroke unit.",
        "Cough for a week. Her father died of a heart attack last year and she worries.",
        "Suture removal, day 7. Stabbed in the arm last week, healed well.",
    ],
)
def test_what_is_not_of_now_raises_no_grave_sign(text: str) -> None:
    fired = look(CaseFacts(text=text, age_years=40)).fired
    assert min((item.min_priority for item in fired), default=4) >= 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # Not "saw a", which stands beside a danger in a sign that does not fire.
        (
            "Fit note for a new job. Nurse on the cardiac arrest team, saw a stroke yesterday.",
            set(),
        ),
        ("Sprained thumb. Sister in labour, she wants to be quick.", {"in labour"}),
        ("Crushing chest pain now", set()),
    ],
)
def test_only_words_for_which_a_sign_fires_no_more_are_shown(text: str, shown: set[str]) -> None:
    seen = look(CaseFacts(text=text, age_years=34))
    assert {mention.words for mention in seen.set_aside} == shown
