"""The preview of a case while it is typed: fast, escaped, not stored, and rate-limited."""

from __future__ import annotations

import logging
import re
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.template.loader import render_to_string
from django.test import Client
from structlog.testing import capture_logs

from tests.factories import make_user
from triage_site.cases import preview as preview_module
from triage_site.cases import preview_limit
from triage_site.cases import views as views_module
from triage_site.cases.calls import load_calls
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.preview import MAX_CHARACTERS, bounded, preview_context
from triage_site.cases.preview_limit import RateLimit
from triage_site.triage import classify
from triage_site.triage.facts import CaseFacts
from triage_site.triage.vitals import VITAL_RANGES

pytestmark = pytest.mark.django_db

CALLS = Path(__file__).parents[2] / "fixtures" / "calls"
NUM_TIMED = 200
P95_SECONDS = 0.150
CANARY = "zebrafish"
MANY_SIGNS = (
    "collapsed, not breathing, no pulse, blue lips, sudden severe headache, seizure, "
    "facial droop, stab wound to the chest, heavy bleeding, unresponsive, took an overdose"
)
HOSTILE = (
    "<script>alert(1)</script> crushing chest pain <img src=x onerror=alert(2)> "
    '" onfocus=alert(3) x=" unconscious </mark><svg/onload=alert(4)>'
)


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A signed-in client with a high limit."""
    monkeypatch.setattr(views_module, "previews", RateLimit(burst=1000))
    client = Client()
    client.force_login(user)
    return client


def form_of(facts: CaseFacts) -> dict[str, str]:
    """Returns the form data that the browser sends for these facts."""
    data = {"text": facts.text, "sex": facts.sex.value, "arrival_mode": facts.arrival_mode.value}
    if facts.age_years is not None:
        data["age"] = f"{facts.age_years:g}"
    for name in VITAL_RANGES:
        value = facts.value(name)
        if value is not None:
            data[name] = f"{value:g}"
    return data


def fixture_forms() -> list[dict[str, str]]:
    calls = (call for path in sorted(CALLS.glob("*.jsonl")) for call in load_calls(path))
    return [form_of(call.facts) for call in islice(calls, NUM_TIMED)]


@pytest.mark.one_database  # a preview writes and reads no row
@pytest.mark.usefixtures("encoder_without_memory")
def test_two_hundred_previews_are_fast(client: Client) -> None:
    """Measures processor time, so that a busy machine does not fail the test."""
    forms = fixture_forms()
    client.post("/preview/", forms[0])  # loads the weights
    seconds = []
    for form in forms:
        started = time.process_time()
        response = client.post("/preview/", form)
        seconds.append(time.process_time() - started)
        assert response.status_code == 200
    p50, p95 = np.percentile(seconds, (50, 95))
    print(f"preview, server time of {len(forms)}: p50 {p50 * 1e3:.1f} ms, p95 {p95 * 1e3:.1f} ms")
    assert p95 <= P95_SECONDS


def test_hostile_text_is_escaped(client: Client) -> None:
    text = client.post("/preview/", {"text": HOSTILE, "hr_bpm": "<b>1"}).content.decode()
    assert "<mark>" in text
    tags = set(re.findall(r"<(\w+)", text))
    assert tags <= {
        "div",
        "h2",
        "h3",
        "p",
        "span",
        "strong",
        "b",
        "svg",
        "use",
        "ul",
        "li",
        "mark",
        "a",
    }
    assert "onerror" not in re.sub(r">[^<]*<", "><", text)


def test_no_flag_is_shown_twice(client: Client) -> None:
    text = client.post("/preview/", {"text": "crushing chest pain, sweating"}).content.decode()
    flags = re.findall(r"<li>([^<]+?)\s*<", text)
    assert len(flags) > 1
    assert len(flags) == len(set(flags))


def flags_of(client: Client, text: str) -> list[str]:
    shown = client.post("/preview/", {"text": text}).content.decode()
    return [re.sub(r"<[^>]+>", "", flag) for flag in re.findall(r"<li>(.*?)</li>", shown)]


def test_a_grave_note_without_a_danger_sign_shows_its_serious_words(client: Client) -> None:
    flags = flags_of(client, "Gutter came off the ladder and went through his neck")
    assert flags[0].startswith("serious words ")
    assert "neck" in flags[0]


def test_all_danger_signs_are_shown_the_most_urgent_first(client: Client) -> None:
    signs = classify(CaseFacts(text=MANY_SIGNS)).danger_signs
    assert len(signs) > 10
    shown = flags_of(client, MANY_SIGNS)
    places = [next(at for at, flag in enumerate(shown) if flag.startswith(sign)) for sign in signs]
    assert places == sorted(places)


def test_a_figure_that_a_danger_sign_names_is_not_shown_again(client: Client) -> None:
    form = {"text": "cough", "spo2_percent": "85", "on_oxygen": "air", "sbp_mmhg": "u"}
    shown = client.post("/preview/", form).content.decode()
    assert shown.count("low oxygen saturation") == 1
    assert shown.count("vital sign could not be measured") == 1
    assert "<li>oxygen saturation</li>" not in shown


def test_what_speaks_for_a_milder_level_says_so() -> None:
    mild = {"text": "mild cold for weeks", "words": ["mild"], "weight": -0.3}
    shown = render_to_string("cases/_preview.html", {"preview": {"flags": [mild]}})
    assert "less urgent" in shown


def test_missing_values_of_news2_are_named(client: Client) -> None:
    vitals = {"rr_bpm": "18", "spo2_percent": "97", "sbp_mmhg": "120", "hr_bpm": "80"}
    form = {"text": "cough", "age": "40", "age_unit": "years", **vitals}
    text = client.post("/preview/", form).content.decode()
    assert "incomplete" in text
    assert "Missing for NEWS2" in text
    form |= {"temp_c": "37", "consciousness": "alert", "on_oxygen": "air"}
    assert "incomplete" not in client.post("/preview/", form).content.decode()


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"text": "cough", "age": "5", "age_unit": "years"}, "not used under 16 years"),
        ({"text": "cough", "age": "40", "age_unit": "years"}, "no vital sign measured"),
    ],
)
def test_the_reason_for_no_news2(client: Client, form: dict[str, str], reason: str) -> None:
    text = client.post("/preview/", form).content.decode()
    assert f'<strong>NEWS2</strong> <span class="muted">{reason}</span>' in text


def test_typed_text_is_neither_stored_nor_logged(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(facts: CaseFacts) -> None:
        raise RuntimeError(facts.text)

    with caplog.at_level(logging.DEBUG), capture_logs() as lines:
        client.post("/preview/", {"text": f"{CANARY} chest pain", "label": CANARY, "age": CANARY})
        monkeypatch.setattr(preview_module, "classify", broken)
        client.post("/preview/", {"text": CANARY})
        monkeypatch.setattr(preview_module, "screen", broken)
        client.post("/preview/", {"text": CANARY})
    assert [line["event"] for line in lines] == [
        "preview_without_model",
        "preview_without_model",
        "preview_failed",
    ]
    assert CANARY not in str(lines) + caplog.text
    assert not Case.objects.exists()
    assert not CaseEvent.objects.exists()
    assert all(CANARY not in str(one.get_decoded()) for one in Session.objects.all())


def test_too_many_requests_of_a_user_are_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(views_module, "previews", RateLimit(2, burst=3, clock=lambda: now[0]))
    answers = [client.post("/preview/", {"text": ""}) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1]["Retry-After"] == "1"
    other = Client()
    other.force_login(make_user())
    assert other.post("/preview/", {"text": ""}).status_code == 200
    now[0] = 0.5
    assert client.post("/preview/", {"text": ""}).status_code == 200
    assert client.post("/preview/", {"text": ""}).status_code == 429


def test_old_entries_of_the_limit_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    limit = RateLimit(1, burst=1, clock=lambda: now[0])
    monkeypatch.setattr(preview_limit, "_MAX_USERS", 3)
    assert all(limit.allows(user_id) for user_id in range(3))
    now[0] = 10.0
    assert limit.allows(3)
    assert list(limit._due) == [3]


def test_typing_never_reaches_the_limit() -> None:
    """The page sends a request 300 ms after the last key, so at most every 300 ms."""
    now = [0.0]
    limit = RateLimit(clock=lambda: now[0])
    for _ in range(1000):
        assert limit.allows(1)
        now[0] += 0.3


def test_a_long_note_costs_no_more_and_the_page_says_so() -> None:
    text = "chest pain since noon. " + "walked the dog and had lunch. " * 300 + "now cannot breathe"
    facts, is_cut = bounded(CaseFacts(text=text))
    assert is_cut
    assert len(facts.text) <= MAX_CHARACTERS
    assert facts.text.startswith("chest pain since noon.")
    assert facts.text.endswith("now cannot breathe")
    assert bounded(CaseFacts(text="short")) == (CaseFacts(text="short"), False)
    page = render_to_string("cases/_preview.html", preview_context({"text": text}))
    assert "only the begin and the end of this long text are read" in page
    page = render_to_string("cases/_preview.html", preview_context({"text": "chest pain"}))
    assert "only the begin" not in page
