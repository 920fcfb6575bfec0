"""The page of replays: who may start, stop and remove, what it says, and the marks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_case, make_user
from triage_site.cases import services
from triage_site.cases.models import Case, Replay
from triage_site.cases.replay_runner import turn
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE
from triage_site.ops.replays import render_replays, replay_is_running

pytestmark = pytest.mark.django_db

GOOD = {"fixture": "mass_casualty", "speed": "60"}


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def test_a_charge_nurse_starts_watches_stops_and_removes() -> None:
    nurse = client_of(CHARGE_NURSE)
    assert nurse.post("/ops/replays/", GOOD).status_code == 302
    replay = Replay.objects.get()
    turn(replay.started_at + timedelta(seconds=2))
    num = Case.objects.count()
    assert 0 < num < 60
    assert replay_is_running()
    text = nurse.get("/ops/replays/").content.decode()
    assert f"{num} of 60 calls sent" in text
    assert "replay</span>" in nurse.get("/").content.decode()
    case = Case.objects.first()
    assert case is not None
    assert "not a real patient" in nurse.get(f"/cases/{case.id}/").content.decode()
    text = nurse.post(f"/ops/replays/{replay.id}/remove/", follow=True).content.decode()
    assert "Stop the replay first" in text
    nurse.post(f"/ops/replays/{replay.id}/stop/")
    asks = nurse.get(f"/ops/replays/{replay.id}/remove/").content.decode()
    assert f"Remove {num} cases" in asks
    assert Case.objects.count() == num
    text = nurse.post(f"/ops/replays/{replay.id}/remove/", follow=True).content.decode()
    assert f"{num} replayed cases removed." in text
    assert "Its cases were removed." in text
    assert not Case.objects.exists()
    assert not replay_is_running()


def test_the_newest_replay_stands_first() -> None:
    nurse = make_user(CHARGE_NURSE)
    for number in range(8):  # ids are random, so an order by id would show
        at = timezone.now() + timedelta(minutes=number)
        replay = services.start_replay("quiet_evening", 10.0 + number, actor=nurse, now=at)
        services.stop_replay(replay.id, actor=nurse, now=at)
    text = render_replays(timezone.now())
    places = [text.index(f"at speed {10 + number} ") for number in range(8)]
    assert places == sorted(places, reverse=True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"speed": "60"}, "Choose a fixture"),
        ({**GOOD, "speed": "fast"}, "Enter a number, such as 60"),
        ({**GOOD, "speed": "0"}, "Enter a number from 0.1 to 600"),
        ({**GOOD, "fixture": "x"}, "not one of the available choices"),
    ],
)
def test_a_bad_form_says_what_is_wrong_and_keeps_the_rest(data: dict[str, str], words: str) -> None:
    response = client_of(CHARGE_NURSE).post("/ops/replays/", data)
    assert response.status_code == 422
    text = response.content.decode()
    assert words in text
    assert f'value="{data["speed"]}"' in text
    assert not Replay.objects.exists()


def test_waiting_real_cases_ask_for_a_confirmation() -> None:
    make_case("chest pain")
    nurse = client_of(CHARGE_NURSE)
    response = nurse.post("/ops/replays/", GOOD)
    assert response.status_code == 422
    assert "Confirm that real cases may wait" in response.content.decode()
    assert nurse.post("/ops/replays/", {**GOOD, "confirmed": "1"}).status_code == 302


def test_an_auditor_reads_and_changes_nothing() -> None:
    nurse = make_user(CHARGE_NURSE)
    replay = services.start_replay("city_day", 60, actor=nurse, now=timezone.now())
    auditor = client_of(AUDITOR)
    text = auditor.get("/ops/replays/").content.decode()
    assert "city_day" in text
    assert "Start the replay" not in text
    paths = ("", f"{replay.id}/stop/", f"{replay.id}/remove/")
    assert [auditor.post(f"/ops/replays/{p}", GOOD).status_code for p in paths] == [403] * 3
    assert Replay.objects.get().status == "sending"


def test_a_silent_sender_is_named() -> None:
    now = timezone.now()
    started = now - timedelta(seconds=40)
    services.start_replay("city_day", 60, actor=make_user(CHARGE_NURSE), now=started)
    assert "No call was sent for 40 s" in render_replays(now)


def test_a_replay_is_stopped_with_a_plain_form() -> None:
    """Without scripts: the button belongs to a form of the page and names its own address."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(CHARGE_NURSE))
    replay = services.start_replay(
        "mass_casualty", 60.0, actor=make_user(CHARGE_NURSE), now=timezone.now()
    )
    text = client.get("/ops/replays/").content.decode()
    address = f"/ops/replays/{replay.id}/stop/"
    assert f'<button class="button" form="stop-replay" formaction="{address}"' in text
    form = re.search(r'<form method="post" id="stop-replay" hidden>(.*?)</form>', text)
    assert form
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form[1])
    assert token
    data = {"csrfmiddlewaretoken": token[1]}
    assert "The replay was stopped." in client.post(address, data, follow=True).content.decode()
    assert not replay_is_running()
    assert "had ended already" in client.post(address, data, follow=True).content.decode()
