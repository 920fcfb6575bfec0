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


def test_a_plain_reason_without_a_name_leaves_the_words_of_the_note() -> None:
    said = classify(CaseFacts(text="Some cough in winter. Here about the thing on his nose bridge"))
    assert said.complaint is None
    assert said.complaint_words[0].startswith("Here about the thing")


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
        ("baby not feeding well since yesterday", 4, ""),
        ("redness has gone 3 cm past the line", 7, ""),
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mum says she was fine. Had her tea. At 2 am she woke with noisy breathing", "noisy"),
        ("Hello? It's number 14. The blue door. He fell and he's not making sense", "not making"),
        ("Lives alone. Carer found her. Hip pain, leg shortened and rotated", "Hip pain"),
        ("DH: nil. Fully vaccinated. Headache since 6 am, worst ever", "Headache"),
        ("34 weeks pregnant, scan normal. Since this morning baby has not moved", "baby has not"),
        ("chest pain two years ago with a stent, chest pain again today", "chest pain again"),
        ("Retired driver with COPD who now presents with a swollen left calf", "presents with a"),
        ("SH: lives with wife. PC: short of breath lying flat for 3 days", "short of breath"),
    ],
)
def test_the_words_that_are_quoted_hold_the_complaint(text: str, words: str) -> None:
    said = classify(CaseFacts(text=text, age_years=40))
    assert any(told.startswith(words) for told in said.complaint_words)
    assert said.complaint != "suicidal thoughts or self-harm"


def test_a_wish_for_self_harm_in_shorthand_is_still_read() -> None:
    assert classify(CaseFacts(text="thoughts of SH, low mood", age_years=20)).priority <= 1
