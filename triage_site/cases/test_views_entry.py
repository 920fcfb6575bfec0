"""Entry of a case in the browser: typed text is kept, and a case is created once."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user
from triage_site.cases import preview as preview_module
from triage_site.cases.models import Case
from triage_site.triage.facts import CaseFacts
from triage_site.triage.types import Classification, News2, Reason

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def key_of(client: Client) -> str:
    found = re.search(
        r'name="submission_key" value="(\w+)"', client.get("/cases/new/").content.decode()
    )
    assert found is not None
    return found.group(1)


def test_a_case_is_created_and_opened(client: Client, user: User) -> None:
    response = client.post("/cases/new/", {"text": "cough", "hr_bpm": "90", "label": "Bed 1"})
    case = Case.objects.get()
    assert response["Location"] == f"/cases/{case.id}/"
    assert case.case_facts == CaseFacts(text="cough", hr_bpm=90)
    assert (case.label, case.created_by) == ("Bed 1", user)


def test_submitting_twice_makes_one_case(client: Client) -> None:
    data = {"text": "cough", "submission_key": key_of(client)}
    addresses = {client.post("/cases/new/", data)["Location"] for _ in range(2)}
    assert len(addresses) == Case.objects.count() == 1


def test_each_form_has_a_new_key(client: Client) -> None:
    assert key_of(client) != key_of(client)


def test_changed_contents_with_an_old_key_are_kept(client: Client) -> None:
    data = {"text": "cough", "submission_key": key_of(client)}
    client.post("/cases/new/", data)
    response = client.post("/cases/new/", {**data, "text": "chest pain"})
    text = response.content.decode()
    assert response.status_code == 409
    assert "already submitted as" in text
    assert "chest pain" in text
    assert data["submission_key"] not in text
    assert Case.objects.count() == 1


def test_a_bad_entry_returns_the_filled_form_with_links_to_its_fields(client: Client) -> None:
    data = {
        "text": "cough </textarea><script>",
        "hr_bpm": "999",
        "sex": "female",
        "sbp_mmhg_unmeasurable": "1",
        "submission_key": "k1",
    }
    response = client.post("/cases/new/", data)
    text = response.content.decode()
    assert response.status_code == 422
    assert 'href="#f-hr_bpm"' in text
    assert "Heart rate must be 0 to 350" in text
    assert 'value="999"' in text
    assert 'value="female" selected' in text
    assert re.search(r'name="sbp_mmhg_unmeasurable" value="1" checked', text)
    assert "cough &lt;/textarea&gt;&lt;script&gt;" in text
    assert 'name="submission_key" value="k1"' in text
    assert not Case.objects.exists()


def test_unusual_values_are_saved_once_confirmed(client: Client) -> None:
    data = {"text": "palpitations", "hr_bpm": "240"}
    text = client.post("/cases/new/", data).content.decode()
    assert "Are these values correct?" in text
    assert not Case.objects.exists()
    token = re.search(r'name="confirm_values" value="([^"]+)"', text)
    assert token is not None
    client.post("/cases/new/", {**data, "confirm_values": token.group(1)})
    assert Case.objects.get().facts["hr_bpm"] == 240


def test_the_converted_temperature_is_filled_in_but_not_saved(client: Client) -> None:
    data = {"text": "hot", "temp_c": "101"}
    offer = client.post("/cases/new/", data).content.decode()
    assert "Use 38.3 °C" in offer
    shown = client.post("/cases/new/", {**data, "convert_temp": "1"}).content.decode()
    assert 'value="38.3"' in shown
    assert not Case.objects.exists()


def test_after_submit_and_another_the_next_form_is_empty(client: Client) -> None:
    response = client.post("/cases/new/", {"text": "cough", "another": "1"}, follow=True)
    text = response.content.decode()
    assert f"Case {Case.objects.get().number} was received." in text
    assert "cough" not in text


def test_received_submissions_are_in_the_cookie_newest_first(client: Client) -> None:
    for key in ("first", "second", "second"):
        client.post("/cases/new/", {"text": "cough", "submission_key": key})
    assert client.cookies["received"].value == "second.first"


# -- the preview

CLASSIFICATION = Classification(
    priority=1,
    model_priority=2,
    probabilities=(0.0, 0.3, 0.5, 0.1, 0.1),
    confidence=0.5,
    level_set=(1, 2),
    needs_person=False,
    reasons=(
        Reason(kind="rule", code="cp", text="cardiac pain", words=("<b>pain",), min_priority=1),
    ),
    danger_signs=("cardiac pain",),
    rules_version="r",
    model_version="m",
    news2=News2(score=3, complete=False, missing=("temperature",), single_three=True),
)


def test_the_preview_shows_level_news2_and_reasons(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[CaseFacts] = []

    def classify(facts: CaseFacts) -> Classification:
        seen.append(facts)
        return CLASSIFICATION

    monkeypatch.setattr(preview_module, "classify", classify)
    text = client.post(
        "/preview/", {"text": "<b>pain", "hr_bpm": "88", "temp_c": "999"}
    ).content.decode()
    assert seen == [CaseFacts(text="<b>pain", hr_bpm=88)]
    for words in (
        "<b>1</b> Emergent",
        "1–2",
        "incomplete",
        "temperature",
        "cardiac pain",
        "<mark>&lt;b&gt;pain</mark>",
        "Temperature must be 20 to 46",
    ):
        assert words in text
    assert not Case.objects.exists()


def test_an_empty_form_has_no_preview(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_module, "classify", lambda facts: pytest.fail("nothing to judge"))
    assert "Appears while you type" in client.post("/preview/", {"text": ""}).content.decode()


def _broken(facts: CaseFacts) -> Classification:
    raise RuntimeError("model file is gone")


def test_without_the_model_the_preview_shows_the_rules(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "classify", _broken)
    monkeypatch.setattr(preview_module, "screen", lambda facts: CLASSIFICATION)
    assert "Rules only" in client.post("/preview/", {"text": "x"}).content.decode()
    monkeypatch.setattr(preview_module, "screen", _broken)
    text = client.post("/preview/", {"text": "x"}).content.decode()
    assert "The preview is not available" in text
    assert "model file" not in text
