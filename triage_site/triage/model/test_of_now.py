"""Which signs the encoder may take back, and which never."""

from __future__ import annotations

import numpy as np
import pytest

from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.encoder import PRIOR, Encoded
from triage_site.triage.model.of_now import NOT_NOW, NOT_URGENT, SURELY_NOW, OfNow
from triage_site.triage.reading.note import Assertion, read
from triage_site.triage.signs.rules import Fired

FAR = NOT_NOW - 1
CALM = np.full(4, NOT_URGENT - 1)
TEXT = "Sore throat. Stroke, said the big poster at the door."


def judge(text: str, odds: float, level: int, *phrases: str, at_most: np.ndarray = CALM) -> bool:
    """Whether a sign of these `phrases` of the text counts. The words have `odds` that they are of
    now; those of a phrase with a `!` before it are as likely of now as not."""
    note = read(text)
    forms = [one.form for one in note.words]
    now = np.full(len(forms), odds)
    mentions = []
    for phrase in phrases:
        words = phrase.removeprefix("!").split()
        at = next(n for n in range(len(forms)) if forms[n : n + len(words)] == words)
        mentions.append(note.mention(at, at + len(words)))
        if phrase.startswith("!"):
            now[at : at + len(words)] = 0.0
    nothing = np.zeros((len(forms), 4))
    item = Fired(code="x", label="x", min_priority=level, source="", mentions=tuple(mentions))
    return OfNow(note, Encoded(at_most, now, nothing, nothing)).counts(item)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("odds", [FAR, NOT_NOW - 0.1, NOT_NOW + 0.1, 0.0, 5.0])
def test_a_sign_is_taken_back_below_the_threshold(level: int, odds: float) -> None:
    assert judge(TEXT, odds, level, "stroke") == (odds >= NOT_NOW)


@pytest.mark.parametrize("at", [0, 1])
def test_words_of_level_0_count_where_the_note_may_be_of_level_0_or_1(at: int) -> None:
    at_most = CALM.copy()
    at_most[at:] = 0.0
    assert judge(TEXT, FAR, 0, "stroke", at_most=at_most)
    at_most[at:] = NOT_URGENT - 0.1
    assert not judge(TEXT, FAR, 0, "stroke", at_most=at_most)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_rule_on_figures_is_never_taken_back(level: int) -> None:
    assert judge(TEXT, FAR, level)


@pytest.mark.parametrize(
    "text", ["Cough. stroke 3 told by the leaflet at home", "Stroke 12 sore throat"]
)
def test_words_with_a_figure_are_never_taken_back(text: str) -> None:
    words = read(text).words
    at = next(n for n, word in enumerate(words) if word.form.isdigit())
    assert judge(text, FAR, 1, f"stroke {words[at].form}")


@pytest.mark.parametrize("words", ["dor forte no peito", "nie oddycha", "atmet nicht"])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_words_of_another_language_are_never_taken_back(level: int, words: str) -> None:
    assert judge(f"Sore throat for two days. {words}", FAR, level, words)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_sign_of_two_kinds_of_words_counts_where_one_of_them_is_of_now(level: int) -> None:
    text = "carbimazole since May for her thyroid gland, sore throat"
    assert judge(text, FAR, level, "carbimazole", "!sore throat")
    assert judge(text, FAR, level, "!carbimazole", "sore throat")
    assert not judge(text, FAR, level, "carbimazole", "sore throat")


@pytest.mark.parametrize("level", [0, 1, 2])
def test_nothing_is_taken_back_where_the_note_as_a_whole_may_be_urgent(level: int) -> None:
    assert judge(TEXT, FAR, level, "stroke", at_most=np.full(4, NOT_URGENT + 0.1))
    assert judge(TEXT, FAR, level, "stroke", at_most=PRIOR)


@pytest.mark.parametrize("boundary", [0, 1, 2, 3])
def test_the_boundary_of_the_level_of_the_sign_decides(boundary: int) -> None:
    at_most = CALM.copy()
    at_most[boundary:] = 0.0
    for level in (1, 2):
        assert judge(TEXT, FAR, level, "stroke", at_most=at_most) == (boundary <= level)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Sore throat for two days. STROKE", True),
        ("Sore throat for two days. adult stroke call", True),
        ("Sore throat for two days. He saw a stroke in a film on the train", False),
    ],
)
def test_what_stands_alone_in_its_sentence_is_never_taken_back(
    level: int, text: str, *, counts: bool
) -> None:
    assert judge(text, FAR, level, "stroke") == counts


@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_is_suspected_is_never_taken_back(level: int) -> None:
    assert judge("Sore throat, ?stroke", FAR, level, "stroke")


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
        ("no pain. carbimazole since May, sore throat", set()),
        ("sore throat for two days. dor forte no peito", set()),
    ],
)
def test_only_words_for_which_a_sign_fires_no_more_are_shown(text: str, shown: set[str]) -> None:
    seen = look(CaseFacts(text=text, age_years=34))
    assert {mention.words for mention in seen.set_aside} == shown


def is_told(text: str, phrase: str, odds: float) -> bool:
    """Whether the encoder gives back a phrase of the text; its words have `odds` to be of now."""
    note = read(text)
    forms, words = [one.form for one in note.words], phrase.split()
    at = next(n for n in range(len(forms)) if forms[n : n + len(words)] == words)
    mention = note.mention(at, at + len(words))
    nothing = np.zeros((len(forms), 4))
    encoded = Encoded(CALM, np.full(len(forms), odds), nothing, nothing)
    return OfNow(note, encoded).is_told(mention)


@pytest.mark.parametrize("odds", [SURELY_NOW - 0.1, SURELY_NOW, SURELY_NOW + 3])
def test_what_cues_deny_is_given_back_where_it_is_surely_of_now(odds: float) -> None:
    text = "Denies allergies, throat closing up after shrimp"
    assert is_told(text, "throat closing", odds) == (odds >= SURELY_NOW)


@pytest.mark.parametrize(
    ("text", "phrase", "assertion"),
    [
        ("Denies pain, collapse, rigors.", "collapse", Assertion.DENIED),
        ("denies chest pain", "chest pain", Assertion.DENIED),
        ("History of stroke with weak arm", "stroke", Assertion.HISTORICAL),
        ("Her mother had a stroke at home last year", "stroke", Assertion.FAMILY),
    ],
)
def test_a_bare_item_of_a_list_and_what_is_past_or_of_others_is_never_given_back(
    text: str, phrase: str, assertion: Assertion
) -> None:
    note = read(text)
    at = [one.form for one in note.words].index(phrase.split()[0])
    assert note.assertion(at, at + len(phrase.split())) == assertion
    assert not is_told(text, phrase, 9.0)


@pytest.mark.parametrize(
    "text",
    [
        "Pt denies allergies, throat closing up after shrimp",
        "No known trauma, decerebrate posturing on scene",
        "no known allergies, stung by a bee, tongue swelling",
    ],
)
def test_a_danger_behind_a_denial_of_something_else_fires(text: str) -> None:
    fired = look(CaseFacts(text=text, age_years=40.0)).fired
    assert fired[0].min_priority == 0


@pytest.mark.parametrize(
    "text",
    ["Please come, she's not breathing, she only had a cold.",
     "rash, did the glass and it stayed. sore throat for two days"],
)  # fmt: skip
def test_a_danger_in_plain_words_is_not_taken_back(text: str) -> None:
    fired = look(CaseFacts(text=text, age_years=2.0)).fired
    assert fired
    assert fired[0].min_priority <= 1
