"""The preview while typing: fast, escaped, unrecorded, and not to be asked without end."""

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
from django.test import Client
from structlog.testing import capture_logs

from tests.factories import make_user
from triage_site.cases import preview as preview_module
from triage_site.cases import preview_limit
from triage_site.cases import views as views_module
from triage_site.cases.calls import load_calls
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.preview_limit import RateLimit
from triage_site.triage.facts import CaseFacts
from triage_site.triage.vitals import VITAL_RANGES

pytestmark = pytest.mark.django_db

CALLS = Path(__file__).parents[2] / "fixtures" / "calls"
NUM_TIMED = 200
P95_SECONDS = 0.150
CANARY = "zebrafish"
HOSTILE = (
    "<script>alert(1)</script> crushing chest pain <img src=x onerror=alert(2)> "
    '" onfocus=alert(3) x=" unconscious </mark><svg/onload=alert(4)>'
)


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Signed in, with a limit of its own."""
    monkeypatch.setattr(views_module, "previews", RateLimit(burst=1000))
    client = Client()
    client.force_login(user)
    return client


def form_of(facts: CaseFacts) -> dict[str, str]:
    """What the browser sends for these facts."""
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


def test_two_hundred_previews_are_fast(client: Client) -> None:
    """By the time of the processor, so that a busy machine is no reason to fail."""
    forms = fixture_forms()
    client.post("/preview/", forms[0])  # loads the weights
    seconds = []
    for form in forms:
        begun = time.process_time()
        response = client.post("/preview/", form)
        seconds.append(time.process_time() - begun)
        assert response.status_code == 200
    p50, p95 = np.percentile(seconds, (50, 95))
    print(f"preview, server time of {len(forms)}: p50 {p50 * 1e3:.1f} ms, p95 {p95 * 1e3:.1f} ms")
    assert p95 <= P95_SECONDS


def test_hostile_words_come_back_as_text(client: Client) -> None:
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


def test_news2_says_what_it_lacks(client: Client) -> None:
    vitals = {"rr_bpm": "18", "spo2_percent": "97", "sbp_mmhg": "120", "hr_bpm": "80"}
    form = {"text": "cough", "age": "40", "age_unit": "years", **vitals}
    text = client.post("/preview/", form).content.decode()
    assert "incomplete" in text
    assert "NEWS2 lacks" in text
    form |= {"temp_c": "37", "consciousness": "alert", "on_oxygen": "air"}
    assert "incomplete" not in client.post("/preview/", form).content.decode()


def test_nothing_typed_is_kept_or_logged(
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


def test_a_script_that_asks_without_end_is_told_to_wait(
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


def test_the_limit_forgets_whoever_is_long_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    limit = RateLimit(1, burst=1, clock=lambda: now[0])
    monkeypatch.setattr(preview_limit, "_MAX_PEOPLE", 3)
    assert all(limit.allows(person) for person in range(3))
    now[0] = 10.0
    assert limit.allows(3)
    assert list(limit._due) == [3]


def test_typing_never_meets_the_limit() -> None:
    """The page asks 300 ms after the last key, so at most every 300 ms."""
    now = [0.0]
    limit = RateLimit(clock=lambda: now[0])
    for _ in range(1000):
        assert limit.allows(1)
        now[0] += 0.3
