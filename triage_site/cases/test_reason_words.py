"""Reasons for a level are in words for people, on every page and in the API."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import at, make_case, make_user
from triage_site.cases import services
from triage_site.cases.reason_words import GROUP_WORDS, reason_text, reasons_shown
from triage_site.triage import classify
from triage_site.triage.model.complaints import GROUPS

CODES = {group.code for group in GROUPS}


def test_the_words_are_of_groups_that_exist() -> None:
    assert GROUP_WORDS.keys() <= CODES
    assert "cough" in CODES


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("admin", "form, prescription or follow-up"),
        ("psych", "mental health"),
        ("cough", "cough"),
        ("head_injury", "head injury"),
    ],
)
def test_a_group_has_plain_words(code: str, words: str) -> None:
    assert reason_text(f"word:{code}", code.replace("_", " ")) == words


def test_other_reasons_keep_their_text() -> None:
    stored = {"kind": "rule", "code": "admin", "text": "chest pain", "words": ["chest pain"]}
    (shown,) = reasons_shown([stored])
    assert (shown["text"], shown["kind_words"]) == ("chest pain", "sign")


def test_what_the_note_tells_differently_is_called_so_whatever_field_it_is_of() -> None:
    stored = {"kind": "vital", "code": "contradiction", "text": "another age", "words": []}
    (shown,) = reasons_shown([stored])
    assert (shown["text"], shown["kind_words"]) == ("another age", "differs")


@pytest.mark.django_db
def test_the_case_page_marks_serious_words_in_the_complaint(client: Client) -> None:
    clinician = make_user()
    text = "Gutter came off the ladder and went through his neck"
    case = make_case(text, actor=clinician)
    services.begin_classification(case.id, now=at(1))
    services.record_classification(case.id, classify(case.case_facts), now=at(1))
    client.force_login(clinician)
    page = client.get(f"/cases/{case.id}/").content.decode()
    assert '<mark title="serious words">' in page
    assert page.count("serious words") == 2  # the mark, and one reason


@pytest.mark.django_db
def test_the_guidance_says_where_it_was_not_given_all_danger_signs(client: Client) -> None:
    clinician = make_user()
    case = make_case("chest pain", actor=clinician)
    case.status, case.guidance = "done", "Situation: chest pain."
    case.classification["danger_signs"] = [f"sign {number}" for number in range(11)]
    case.save()
    client.force_login(clinician)
    page = client.get(f"/cases/{case.id}/").content.decode()
    assert "given the 8 most urgent of 11 danger signs" in page
