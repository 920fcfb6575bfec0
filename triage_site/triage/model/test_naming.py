"""What a complaint is called: laws, and right names beside the notes that look like them."""

from __future__ import annotations

from importlib import import_module

import pytest

from triage_site.triage import classify
from triage_site.triage.classify import classify_many
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model import naming
from triage_site.triage.model.naming import Complaint, labels


def named(text: str, **facts: object) -> str | None:
    return classify(CaseFacts.from_dict({"text": text, "age_years": 40, **facts})).complaint


SURE = [
    ("itchy rash on both arms", "skin rash"),
    ("spreading cellulitis of the shin", "abscess or skin infection"),
    ("sprained ankle", "limb injury"),
    ("burning when she passes water", "urinary symptoms"),
    ("earache since Monday", "ear, nose or throat problem"),
    ("back pain after lifting", "back pain"),
]


@pytest.mark.parametrize(("text", "name"), SURE)
@pytest.mark.parametrize(
    "aside",
    [
        "Her late husband lost a leg to sepsis.",
        "Dad had a big stroke at 56.",
        "Older brother has epilepsy.",
        "Her mother died of a heart attack.",
        "Wife also diabetic.",
        "Seen last week for migraine.",
        "Has asthma.",
        "Allergic to penicillin.",
        "Worried.",
        "Cold to touch.",
        "Insurance form in bag.",
    ],
)
def test_what_is_beside_the_complaint_changes_no_name(text: str, name: str, aside: str) -> None:
    assert named(f"{text}. {aside}") == name


@pytest.mark.parametrize(
    "text",
    [
        "Wife also diabetic.",
        "cold",
        "can bend it",
        "allergic to latex",
        "glued",
        "dentist said come",
        "swollen",
        "passing urine as usual",
        "here with his wife who has a broken hip",
        "Seen yesterday for migraine, now clear.",
    ],
)
def test_words_that_mislead_by_themselves_name_nothing(text: str) -> None:
    assert named(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("DIABETIC PROBLEM", "blood sugar problem"),
        ("bad cold", "cough and cold symptoms"),
        ("can bend it but left arm weak", "possible stroke"),
        ("allergic reaction to latex", "allergic reaction"),
        ("both eyes sticky, glued shut on waking", "eye problem"),
        ("dentist said come, toothache", "toothache or mouth problem"),
        ("my wife has a broken hip", "limb injury"),
        ("cannot pass urine", "urinary symptoms"),
        ("my wife collapsed. My wife has chest pain.", "chest pain"),
    ],
)
def test_their_neighbours_name_it(text: str, name: str) -> None:
    assert named(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # A cause says more than what it led to.
        ("Ludwig's angina, cannot lie flat", "throat infection with a narrow airway"),
        ("cannot lie flat, breathless since Monday", "breathlessness"),
        ("stab wound R chest, trachea shifted, sats falling", "stab or gunshot wound"),
        ("collapsed lung, trachea shifted", "breathlessness"),
        ("squeezed her neck till it went black, fell down stairs", "assault"),
        ("fell from a roof, back pain", "serious injury"),
        ("fell down stairs, back pain", "fall"),
        ("eyes rolled, arms and legs jerking, lips bluish", "seizure"),
        # The head is named where it was hit.
        ("fell, on apixaban, hip pain", "fall"),
        ("fell and hit head, on apixaban", "head injury"),
        # A measured value.
        ("potassium 7.1 on bloods, passing urine as usual", "blood test result"),
        ("potassium 4.2, burning on passing urine", "urinary symptoms"),
        ("Here for toe. Ingrown nail. Sats 88 today", "abscess or skin infection"),
        ("Breathless. Sats 88 today", "breathlessness"),
        ("glucose 1.9, type 1 diabetic, sweaty", "low blood sugar"),
        # Where the foreign body is.
        ("?FB R eye since grinding metal", "eye problem"),
        ("swallowed a coin", "foreign body"),
        # What the note begins with.
        ("Planned recheck. Leg lac sutured here Sunday.", "paperwork or medicine request"),
        ("Leg lac since Sunday. Recheck asked for.", "cut or wound"),
        ("needlestick off a patient", "needlestick or blood exposure"),
        ("constipated, passing wind", "bowel or rectal problem"),
        ("tingling in both hands", "numbness or tingling"),
        ("last drink 36 h ago, picking at spiders", "alcohol or drug withdrawal"),
        ("stabbing pain below the ribs", "abdominal pain"),
        ("pressure behind the breastbone", "chest pain"),
        ("breathes four times a minute, pinpoint pupils", "overdose or poisoning"),
        ("not breathing, pinpoint pupils", "cardiac arrest"),
    ],
)
def test_the_best_evidence_names_it(text: str, name: str) -> None:
    assert named(text) == name


@pytest.mark.parametrize(
    ("text", "facts", "name"),
    [
        ("pelvic pain, came off his bike", {"sex": "male"}, "abdominal pain"),
        ("pelvic pain", {"sex": "female"}, "abdominal pain"),
        ("passing clots", {"sex": "male"}, None),
        ("vaginal bleeding since Monday", {"sex": "female"}, "vaginal bleeding"),
        ("28/40, fewer movements", {"sex": "male"}, None),
        ("testicle pain", {"sex": "female"}, None),
        ("testicle pain", {"sex": "male"}, "testicular pain"),
    ],
)
def test_nobody_gets_a_name_that_cannot_be_theirs(
    text: str, facts: dict[str, str], name: str | None
) -> None:
    assert named(text, **facts) == name


def test_a_figure_in_a_note_that_was_not_read_names_nothing() -> None:
    assert (
        named("Embarazada, dolor de cabeza fuerte desde anoche. Tensión en casa 165/110.") is None
    )
    assert named("blood pressure at home 165/110") == "high blood pressure reading"


def test_names_move_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [CaseFacts(text=text) for text, _ in SURE]
    before = classify_many(facts)
    module = import_module("triage_site.triage.classify")
    monkeypatch.setattr(module, "complaint", lambda *_: Complaint("hiccups"))
    after = classify_many(facts)
    assert {one.complaint for one in after} == {"hiccups"}
    assert [one.probabilities for one in after] == [one.probabilities for one in before]
    assert [one.priority for one in after] == [one.priority for one in before]


def test_every_name_of_the_table_is_one_that_can_be_given() -> None:
    table = naming._TABLE
    lists = ("first", "states", "vague", "causes", "effects", "by_figure", "companions")
    known = labels()
    assert known >= naming.ONLY_NAMED
    for name in lists:
        assert set(table[name]) <= known, name
    assert {row["of"] for row in table["wording"]} <= known
    assert {*table["of_women"]["names"], *table["of_men"]["names"]} <= known
