"""Lists of answers: what is answered with "no" is denied, whatever the notation."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_site.triage.classify import look_by_cues
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.checklist import plain_answers
from triage_site.triage.reading.cleaning import clean
from triage_site.triage.reading.note import read
from triage_site.triage.reading.terms import TermIndex
from triage_site.triage.signs.rules import most_urgent
from triage_site.triage.types import LEAST_URGENT, MOST_URGENT

_FEVER, _COUGH = TermIndex(["fever"]), TermIndex(["cough"])
# How "no fever, and a cough" is written.
_NOTATIONS = (
    "fever: N  cough: Y", "Fever: no, cough: yes", "fever=0 cough=1", "fever N / cough Y",
    "fever [N] cough [Y]", "fever (n) cough (y)", "fever 0, rash 0, cough 1", "fever- rash- cough+",
    "fever\u2013  cough+", "(-) fever (+) cough", "fever (-) cough (+)", "[ ] fever [x] cough",
    "[] fever [X] cough", "\u2610 fever \u2611 cough", "fever \u2610 cough \u2612",
    "\u2298 fever \u2295 cough", "neg: fever, rash. cough since Monday",
    "ROS neg: rash/fever. Cough",
    "| fever | no |\n| cough | yes |", "sign | yes | no\nfever | | x\ncough | x |",
    "Sign | No | Yes\nfever | x | \ncough | | x", "fever neg; cough pos",
    "Here for a sick note. (-) fever (-) rash (+) cough",
)  # fmt: skip


@pytest.mark.parametrize("text", _NOTATIONS)
def test_what_is_answered_with_no_is_denied_and_the_rest_is_present(text: str) -> None:
    note = read(text)
    assert [one.is_present for _, one in note.find(_FEVER)] == [False]
    assert [one.is_present for _, one in note.find(_COUGH)] == [True]


@pytest.mark.parametrize("text", _NOTATIONS)
def test_the_other_way_round_the_danger_is_present(text: str) -> None:
    swapped = text.replace("fever", "#").replace("cough", "fever").replace("#", "cough")
    swapped = swapped.replace("Fever", "#").replace("Cough", "fever").replace("#", "cough")
    assert [one.is_present for _, one in read(swapped).find(_FEVER)] == [True]
    assert [one.is_present for _, one in read(swapped).find(_COUGH)] == [False]


@pytest.mark.parametrize(
    "text",
    [
        "Breathing: N  Conscious: N", "conscious N / breathing N",
        "breathing [ ] pulse [ ] rash [x]",
        "Pulse: absent, breathing: absent", "(+) unresponsive (-) trauma",
        "\u2611 Unconscious \u2610 Seizure",
    ],
)  # fmt: skip
def test_a_vital_function_that_is_answered_with_no_is_a_danger(text: str) -> None:
    assert most_urgent(look_by_cues(CaseFacts(text=text)).fired) == MOST_URGENT


@pytest.mark.parametrize(
    "text",
    [
        "CP: N / SOB: N / Syncope: N / earache: Y",
        "Chest pain \u2610  Seizure \u2610  Fainting \u2610  blocked nose \u2612",
        "stridor\u2013  drooling\u2013  trismus\u2013  mouth ulcer+",
        "facial droop [N] arm drift [N] slurred speech [N] dry skin on elbows [Y]",
        "fits 0, neck stiffness 0, non-blanching rash 0, earache 1",
        "Chest pain......No\nStroke sx......No\nBleeding......No\nReason: splinter R thumb",
        "Unresponsive Y/[N] Seizure Y/[N] hangnail L index",
        "Collapse: Y / (N); fits: Y / (N); blister",
        "ROS: neg x CP, SOB, syncope. C/C: poison ivy both forearms",
        "neg: stridor, drooling, cyanosis. pos: coryza",
        "Symptom | Yes | No\nChest pain | | X\nUnresponsive | | X\nVerruca | X |",
    ],
)
def test_a_list_of_denied_dangers_is_none(text: str) -> None:
    assert most_urgent(look_by_cues(CaseFacts(text=text)).fired) == LEAST_URGENT


@pytest.mark.parametrize(
    "text",
    [
        "pain 0, temp 37, GCS 15", "K+ 3.1, Na- normal, glucose 5", "took 1, then 1 more",
        "pre- and post-op, mid- to late", "Homans (-) and UPT (+) today",
        "pain: no better, breathing: no worse", "no fever, no cough, no rash",
        "chest pain - yes, since 9", "seen at 9 a.m.",
    ],
)  # fmt: skip
def test_other_figures_signs_and_sentences_stay_as_they_are(text: str) -> None:
    assert plain_answers(text, range(len(text))) == (text, tuple(range(len(text))))


def test_the_words_are_quoted_as_they_stand() -> None:
    text = "c/o Fever: N  dry Cough: Y  (seen by GP)"
    quoted = [one.words for index in (_FEVER, _COUGH) for _, one in read(text).find(index)]
    assert quoted == ["Fever", "Cough"]


@settings(max_examples=300, deadline=None)
@given(st.text("ab N0Y1:=[](|)-+x,/.\n", max_size=60))
def test_each_character_has_a_place_in_the_note_and_places_do_not_go_back(text: str) -> None:
    chars, source = plain_answers(text, range(len(text)))
    assert len(chars) == len(source)
    assert list(source) == sorted(source)
    assert all(0 <= place < len(text) for place in source)


@pytest.mark.parametrize(
    "piece", ["a-", "CP: N ", "[ ] a ", "neg: a, ", "A: ", "a N /", "|\n", "| a "]
)
def test_time_grows_with_the_length_of_the_note(piece: str) -> None:
    def seconds(length: int) -> float:
        begun = time.process_time()
        clean((piece * length)[:length])
        return time.process_time() - begun

    assert seconds(10_000) < 40 * max(seconds(1_000), 0.002)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c.p.r. in progress", "cpr in progress"),
        ("G.C.S.-7/15", "GCS-7/15"),
        ("b.p. 64 palp", "bp 64 palp"),
        ("S.T.E.M.I.", "STEMI"),
        ("due to M.V.A. Now well", "due to MVA. Now well"),
        ("1 tab p.o. b.d. for 2 days", "1 tab po bd for 2 days"),
        ("Un-conscious", "Unconscious"),
        ("can\u00e2\u20ac\u2122t breathe", "can't breathe"),
        ("caf\u00c3\u00a9", "cafe"),
        ("n\u00e3o respira", "nao respira"),
    ],
)
def test_abbreviations_with_dots_and_damaged_characters_are_plain(text: str, expected: str) -> None:
    assert clean(text).chars == expected
