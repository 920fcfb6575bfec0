"""Text of the pages: no character is lost, and no text becomes markup."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from triage_site.cases.guidance_text import sections
from triage_site.cases.highlight import highlighted
from triage_site.cases.panel import render_token
from triage_site.cases.patient import age_text, patient_summary
from triage_site.triage.facts import CaseFacts, Sex

SBAR = "Situation: man, 70.\nBackground: none known.\n**Assessment:** pale.\nRecommendation: ECG."


def without_tags(markup: str) -> str:
    return html.unescape(re.sub(r'<mark title="[^"]*">|</mark>', "", markup))


def test_guidance_is_split_at_its_headings() -> None:
    assert [(part.heading, part.text) for part in sections(SBAR)] == [
        ("Situation", "man, 70."),
        ("Background", "none known."),
        ("Assessment", "pale."),
        ("Recommendation", "ECG."),
    ]


def test_text_without_headings_is_shown_whole() -> None:
    assert [(part.heading, part.text) for part in sections("Call a doctor.")] == [
        ("", "Call a doctor.")
    ]
    assert sections("") == []


def test_a_heading_inside_a_sentence_is_text() -> None:
    (only,) = sections("Situation: the Assessment: is pending")
    assert only.text == "the Assessment: is pending"


@given(st.text(max_size=300))
def test_no_word_of_guidance_is_lost(text: str) -> None:
    kept = "".join(part.heading + part.text for part in sections(text)).split()
    assert "".join(kept).lower().replace(":", "") in "".join(text.split()).lower().replace(":", "")
    assert not text.strip() or sections(text)


def test_words_of_a_reason_are_marked_with_the_reason() -> None:
    markup = highlighted("Chest pain, chest pain!", [{"words": ["hest pain"], "text": "cardiac"}])
    assert markup == (
        'C<mark title="cardiac">hest pain</mark>, c<mark title="cardiac">hest pain</mark>!'
    )


def test_words_and_reasons_are_escaped() -> None:
    reasons = [{"words": ["<b>"], "text": '" onmouseover="alert(1)'}]
    markup = highlighted("<script>alert(1)</script> <b>", reasons)
    assert "<script>" not in markup
    assert 'onmouseover="' not in markup
    assert "&lt;b&gt;</mark>" in markup


@given(st.text(max_size=80), st.lists(st.text(max_size=6), max_size=5))
def test_marking_changes_no_character_of_the_text(text: str, words: list[str]) -> None:
    assert without_tags(highlighted(text, [{"words": words, "text": "why"}])) == text


@given(st.text(max_size=60))
def test_a_token_cannot_become_markup(text: str) -> None:
    markup = render_token(text)
    inner = markup.removeprefix('<span class="token">').removesuffix("</span>")
    assert "<" not in inner
    assert html.unescape(inner) == text


def test_an_age_has_a_fitting_unit() -> None:
    assert [
        age_text(years) for years in (None, 10 / 365, 42 / 365.25, 0.25, 0.5, 1.99, 2, 71.9)
    ] == [
        "Age unknown",
        "10 d",
        "6 wk",
        "3 mo",
        "6 mo",
        "24 mo",
        "2 y",
        "71 y",
    ]


def test_a_patient_is_named_by_age_and_sex() -> None:
    facts = [
        CaseFacts(text="x", age_years=71, sex=Sex.FEMALE),
        CaseFacts(text="x", sex=Sex.MALE),
        CaseFacts(text="x"),
    ]
    assert [patient_summary(one) for one in facts] == ["71 y F", "Age unknown, M", "Age unknown"]
