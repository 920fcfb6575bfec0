"""Every place takes its words for other people and animals from one table."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.history.medicines import read_history
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import Assertion, read
from triage_site.triage.reading.people import ANIMALS, GROUPS, one_of
from triage_site.triage.signs.rules import fire

_PEOPLE = sorted({word for words in GROUPS.values() for word in words}.difference(ANIMALS))


def test_no_word_stands_twice() -> None:
    assert all(len(words) == len(set(words)) for words in GROUPS.values())
    assert all(set(a).isdisjoint(b) for a, b in combinations(GROUPS.values(), 2))


def test_the_longest_word_is_found_first() -> None:
    found = re.match(one_of(["gran", "grandma"]), "grandma")
    assert found is not None
    assert found.group() == "grandma"


@pytest.mark.parametrize("who", _PEOPLE)
def test_a_value_is_of_another_person(who: str) -> None:
    text = f"Patient well. Passenger was his {who}, sats 84%"
    assert measure(CaseFacts(text=text), read(text)).facts == CaseFacts(text=text)


@pytest.mark.parametrize("who", ["stepdad", "nana", "workmate", "boss"])
def test_a_value_after_his_or_her_is_of_another_person(who: str) -> None:
    text = f"Splinter in the thumb. Her {who}'s sats 84%"
    assert measure(CaseFacts(text=text), read(text)).facts == CaseFacts(text=text)


@pytest.mark.parametrize("who", [*_PEOPLE, *ANIMALS])
def test_a_medicine_is_of_another(who: str) -> None:
    assert read_history(f"Sore ear. His {who} takes warfarin").medicine_words == ""


@pytest.mark.parametrize("who", ["stepdad", "nana", "niece", "boss", "colleague", "kitten"])
def test_a_danger_is_of_another(who: str) -> None:
    assert _kind_of_seizure(f"his {who} had a seizure, sore toe") in (
        Assertion.FAMILY,
        Assertion.OTHER_PERSON,
    )


@pytest.mark.parametrize("whose", ["neighbour's", "friend's", "neighbor's", "her", "the"])
def test_a_danger_of_an_animal_is_none_of_the_patient(whose: str) -> None:
    assert _kind_of_seizure(f"{whose} dog had a seizure, sore toe") is Assertion.OTHER_PERSON


@pytest.mark.parametrize(
    "text",
    [
        "his dog has bitten his throat",
        "the horse had kicked his throat",
        "my cat has scratched my throat",
        "her pony is lying on her throat",
    ],
)
def test_what_an_animal_did_to_somebody_is_of_the_patient(text: str) -> None:
    note = read(text)
    assert note.assertion(len(note.words) - 1, len(note.words)) is Assertion.PRESENT


@pytest.mark.parametrize("who", ["auntie", "boyfriend", "my mate", "granddad"])
def test_a_danger_is_of_whom_a_caller_names_so(who: str) -> None:
    assert _kind_of_seizure(f"{who} had a seizure") is Assertion.PRESENT


@pytest.mark.parametrize("who", ["stepdad", "nana", "auntie", "partner"])
def test_a_medicine_of_a_relative_that_was_taken_is_a_danger(who: str) -> None:
    text = f"ate some of her {who}'s heart tablets"
    fired = fire(measure(CaseFacts(text=text), read(text)), read(text))
    assert "overdose" in {one.code for one in fired}


def _kind_of_seizure(text: str) -> Assertion:
    note = read(text)
    at = next(at for at, word in enumerate(note.words) if word.form == "seizure")
    return note.assertion(at, at + 1)


# Of whom the blood thinner is: of somebody beside the patient, of a relative who is the patient, or
# not told, which counts as the patient's.
@pytest.mark.parametrize(
    ("text", "is_patients"),
    [
        ("his mother takes insulin and warfarin, he fell off bike", False),
        ("father on apixaban. son fell off swing and hit head", False),
        ("Nosebleed, dry now. Wife takes warfarin, he himself takes nowt", False),
        ("husband takes rivaroxaban. patient has nosebleed", False),
        ("patient has nosebleed. husband takes rivaroxaban", False),
        ("grandmother takes warfarin; child fell from bunk bed, bumped head", False),
        ("my wife who is on apixaban called. I have fallen and hit my head", False),
        ("nosebleed. brother, who is on warfarin, drove him here", False),
        ("neighbour on warfarin drove him here, fell and hit his head", False),
        ("Her husband is on warfarin. She fell and hit her head", False),
        ("mum takes warfarin and fell, hit her head", True),
        ("mum on warfarin fell and hit her head", True),
        ("my dad is on apixaban, he fell and banged his head", True),
        ("Dad takes warfarin. He fell downstairs", True),
        ("wife takes warfarin, she fell in garden", True),
        ("Gran on warfarin, fell down stairs", True),
        ("his wife, who takes warfarin, fell and hit head", True),
        ("He hit his wife, who takes warfarin. She fell, head wound", True),
        ("mother and son both on warfarin, he fell and hit head", True),
        ("son found mum on floor. mum on warfarin, fell", True),
        ("Daughter has brought mum, on warfarin, fell and hit head", True),
    ],
)
def test_a_relatives_medicine_is_no_danger_of_the_patient(text: str, is_patients: bool) -> None:
    note = read(text)
    fired = fire(measure(CaseFacts(text=text, age_years=60), note), note)
    words = {word for item in fired for word in item.words}
    thinners = {"warfarin", "apixaban", "rivaroxaban"}
    assert bool(words & thinners) is is_patients
