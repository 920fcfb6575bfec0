"""Words that look like a danger and are none, and those beside them that are one."""

from __future__ import annotations

import pytest

from triage_site.triage import classify
from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts


def said(text: str, age_years: float | None = 40) -> tuple[int, str | None, tuple[str, ...]]:
    found = classify(CaseFacts(text=text, age_years=age_years))
    return found.priority, found.complaint, found.danger_signs


@pytest.mark.parametrize(
    "text",
    [
        "he had a stroke of luck and then a stroke, face drooping",
        "drowned in the pool while doing paperwork, grey",
        "hay fever for years, now fever of 39.5, stiff neck and a rash that does not fade",
        "shot in the chest after a shot of whisky",
        "cannot see him breathing",
        "N/V x10, vomiting blood",
        "food poisoning he thinks, swallowed antifreeze poison",
        "finger hanging on by skin",
        "cut down from the rope by police, hanging",
        "electric shock at the socket, burnt hand, collapsed",
    ],
)
def test_the_same_word_beside_an_expression_is_a_danger(text: str) -> None:
    priority, _, signs = said(text)
    assert signs
    assert priority <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Mi hija tiene tos desde ayer",
        "Mon ami a mal au genou depuis hier",
        "Ich habe Schmerzen im Knie seit gestern",
    ],
)
def test_a_short_word_of_another_language_is_no_shorthand(text: str) -> None:
    priority, _, signs = said(text)
    assert signs == ()
    assert priority == 2  # not understood


@pytest.mark.parametrize("text", ["?MI", "acute mi, grey", "CT head: ich", "Dolor de pecho, ?MI"])
def test_shorthand_stays_what_it_is(text: str) -> None:
    assert said(text)[0] <= 1


@pytest.mark.parametrize(
    "text",
    [
        "needs a repeat of his amlodipine, feels well",
        "ran out of citalopram, no other problem",
        "7 stitches to be taken out of the shin, healed",
    ],
)
def test_what_needs_nothing_is_not_urgent(text: str) -> None:
    assert said(text)[0] == 4


@pytest.mark.parametrize(
    "text", ["tick removal from the neck, feels fine", "clips to be removed, wound dry"]
)
def test_what_needs_a_hand_alone_is_less_urgent_at_most(text: str) -> None:
    assert said(text)[0] >= 3


@pytest.mark.parametrize(
    "text",
    [
        "ran out of insulin, vomiting and breathing fast",
        "ran out of levetiracetam, seizing now",
        "needs a repeat of her GTN, crushing chest pain since noon",
        "stitches out today, wound hot, rigors and confused",
        "tick bite last week, face drooping on one side",
    ],
)
def test_a_request_beside_a_danger_stays_urgent(text: str) -> None:
    assert said(text)[0] <= 1


@pytest.mark.parametrize(
    ("text", "is_present"),
    [
        ("Sprained thumb. Anaphylaxis to penicillin and codeine.", False),
        ("Anaphylaxis to latex. Stitches out.", False),
        ("Anaphylaxis to penicillin", True),
        ("Anaphylaxis to penicillin. 34 F, wheezy and grey", True),
        ("Cut finger. Anaphylaxis to penicillin, took one an hour ago", True),
        ("Cut finger, lips swelling. Anaphylaxis to penicillin.", True),
    ],
)
def test_anaphylaxis_to_a_medicine_is_history_only_beside_something_small(
    text: str, *, is_present: bool
) -> None:
    assert (said(text)[0] == 0) is is_present


@pytest.mark.parametrize(
    "text",
    ["stable angina letter lost, feels fine", "painless lump in the neck", "phone number changed"],
)
def test_a_word_that_only_begins_like_a_danger_is_none(text: str) -> None:
    assert said(text)[2] == ()


@pytest.mark.parametrize(
    "text",
    [
        "no breath sounds on the left after stab wound to the chest",
        "no movement in the legs following a gunshot to the back",
        "no drink since, no vomiting after swallowing drain cleaner",
    ],
)
def test_a_denial_ends_where_the_event_before_it_is_told(text: str) -> None:
    assert said(text)[0] <= 1


def test_not_is_no_note() -> None:
    assert said("earwax for weeks and I can't hear")[1] == "ear, nose or throat problem"
    assert said("wants a note for work")[1] == "paperwork or medicine request"


@pytest.mark.parametrize(
    "text",
    [
        "Asthma. Ran out of her brown inhaler, breathing fast, sats 93, RR 26",
        "needs a repeat of insulin, vomiting since yesterday, glucose 24",
    ],
)
def test_a_request_of_somebody_ill_is_not_what_it_is_about(text: str) -> None:
    found = classify(CaseFacts(text=text))
    assert found.priority <= 2
    assert found.complaint != "paperwork or medicine request"


@pytest.mark.parametrize(
    "text",
    [
        "not breathing through his left nostril since the winter",
        "blue tongue from a slushy, sore toe",
        "took so much blood, 6 tubes, small bruise in the elbow",
        "hardly breathed a word about it, sore toe",
    ],
)
def test_an_expression_fires_no_sign(text: str) -> None:
    assert look(CaseFacts(text=text, age_years=40)).fired == ()


@pytest.mark.parametrize(
    "text",
    [
        "not breathing, blood from his nose",
        "blue lips after eating nuts",
        "blue lips, had a lolly before",
        "took so much blood thinner, bleeding from everywhere",
    ],
)
def test_words_near_an_expression_are_a_danger(text: str) -> None:
    assert said(text)[0] <= 1
