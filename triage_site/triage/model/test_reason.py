"""Which words name a complaint: the reason for coming, and not what is told beside it."""

from __future__ import annotations

import pytest

from triage_site.triage.brief import build_brief
from triage_site.triage.classify import classify
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.note import read
from triage_site.triage.reading.reason import over_words, reason, words_of_reason


def named(text: str, **facts: object) -> str | None:
    return classify(CaseFacts.from_dict({"text": text, "age_years": 40, **facts})).complaint


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Back pain, like I had been run over by a tram", "back pain"),
        ("Headache, as if somebody put a nail in my temple", "headache"),
        ("Tummy pain, as though she was stabbed", "abdominal pain"),
        # What it looks like is a suspicion.
        ("Looks like a burn on the hand", "burn"),
        ("stabbed in the arm, like last year", "stab or gunshot wound"),
    ],
)
def test_a_comparison_is_no_event(text: str, name: str) -> None:
    assert named(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fell in love with climbing, ankle twisted", "limb injury"),
        ("my heart sank at the letter. Earache since Monday", "ear, nose or throat problem"),
        ("teeth knocking, wee burns", "urinary symptoms"),
        ("bumped knee, ankle twisted", "limb injury"),
        ("a bit tired, sore throat", "ear, nose or throat problem"),
        ("a dog bit me on the hand", "bite or sting"),
    ],
)
def test_a_figure_of_speech_names_nothing(text: str, name: str) -> None:
    assert named(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fainted in church three weeks ago, all fine since. Here for an itchy rash", "skin rash"),
        (
            "On keppra until she had a baby. Here for a sick note",
            "paperwork or medicine request",
        ),
        ("Cough in May. Came about a lump on the wrist", "lump or swelling"),
        ("Had a headache. Complaint: earache", "ear, nose or throat problem"),
        # What is grave counts wherever it stands.
        ("Crushing chest pain now. Here for a sick note", "chest pain"),
        ("Here for my toe. Crushing chest pain since noon", "chest pain"),
    ],
)
def test_the_reason_for_coming_names_it(text: str, name: str) -> None:
    assert named(text) == name


def test_a_plain_reason_without_a_name_leaves_the_words_of_the_note() -> None:
    said = classify(CaseFacts(text="Some cough in winter. Here about the thing on his nose bridge"))
    assert said.complaint is None
    assert said.complaint_words[0].startswith("Here about the thing")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My workmate swallowed bleach. I can't sleep", "low mood or distress"),
        ("My friend took an overdose. I can't sleep since", "low mood or distress"),
        ("Our dog was run over by a van. I have a sore throat", "ear, nose or throat problem"),
        # A caller tells of somebody else.
        ("my wife took an overdose. I found her on the floor", "overdose or poisoning"),
        ("my dad has chest pain. I am with him", "chest pain"),
    ],
)
def test_what_happened_to_others_names_it_only_where_they_are_the_patient(
    text: str, name: str
) -> None:
    assert named(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "Also itchy at night.",
        "Used to get panic attacks as a child.",
        "Allergies: tramadol makes me vomit, peanuts (rash).",
        "Feeling cold.",
        "No difficulty with breath.",
        "Testicles themselves don't hurt.",
    ],
)
def test_what_is_told_beside_names_nothing(text: str) -> None:
    assert named(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ring stuck, finger blue", "stuck ring"),
        ("hiccups since Friday", "hiccups"),
        ("plaster too tight, fingers numb", "tight cast"),
        ("cast since Friday, much too tight, tingling", "tight cast"),
        ("fish hook in thumb", "object in the skin"),
        ("tick on the belly", "tick"),
        ("contact lens stuck in left eye", "contact lens problem"),
        ("scabies in the house, itching at night", "itch or scabies"),
        ("itchy rash", "skin rash"),
        ("cannot feel the coil threads", "coil problem"),
        ("catheter blocked since noon", "blocked catheter"),
        ("piles are out again", "piles"),
        ("run out of lamotrigine", "paperwork or medicine request"),
        ("needs a sick note", "paperwork or medicine request"),
        ("it burns when i wee, pain in my back", "urinary symptoms"),
        ("stinging when passing water, ache in the back", "urinary symptoms"),
    ],
)
def test_common_complaints_have_a_name_of_their_own(text: str, name: str) -> None:
    assert named(text) == name


@pytest.mark.parametrize(
    ("text", "place", "over"),
    [
        ("nose bled an hour, stopped an hour ago", 9, "stopped an hour ago"),
        ("fit at noon. Back to normal now", 3, "Back to normal now"),
        ("arm went dead for ten minutes, all gone now", 3, "all gone now"),
        ("chest pain, went off but came back at noon", 10, ""),
        ("chest pain, not gone now", 10, ""),
        ("chest pain since noon", 10, ""),
        ("tick on the leg, feel fine", 4, ""),
        ("all gone now. chest pain", 16, ""),
    ],
)
def test_what_is_over_is_told_by_the_note(text: str, place: int, over: str) -> None:
    assert over_words(read(text), place) == over


def test_the_brief_says_what_is_over() -> None:
    facts = CaseFacts(text="Fit at noon, back to normal now.")
    said = classify(facts)
    brief = build_brief(
        facts,
        priority=2,
        danger_signs=(),
        complaint=said.complaint,
        complaint_words=said.complaint_words,
    )
    assert "Said to be over: back to normal now" in brief


def test_a_note_without_words_has_no_reason() -> None:
    assert reason(read("")) is None
    assert words_of_reason(read("")) == ()
    assert words_of_reason(read("...")) == ()


def test_words_of_the_complaint_come_before_a_medicine() -> None:
    said = classify(CaseFacts(text="Takes clopidogrel. Bumped the top of his head"))
    assert said.complaint == "head injury"
    assert "head" in said.complaint_words[0]
