"""The operations page: rights, and policy changes that need a reason and are recorded."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone

from scheduling import forecast_store, forecasting, receipts, switch_preview
from scheduling import services as scheduling
from scheduling.core.status import JobStatus
from scheduling.minutes import LevelMinutes
from scheduling.models import Job, PolicyChange, QueueMove, SwitchOutcome, WorkerMinute
from scheduling.queue import events
from scheduling.selectors import active_policy_name
from scheduling.switch_preview import preview_switch
from tests.factories import at, make_case, make_job, make_user
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.cases.standing import wait_lines
from triage_site.ops import seen_preview, today
from triage_site.ops.live import render_live
from triage_site.ops.today import today_lines

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_figures_of_other_tests() -> None:
    today._closed.cache_clear()


@pytest.fixture
def nurse() -> Client:
    client = Client()
    client.force_login(make_user(CHARGE_NURSE, username="ines"))
    return client


def end_job(reason: str, now: datetime) -> None:
    job = make_job(2, 0)
    Job.objects.filter(id=job.id).update(status="done", finish_reason=reason, finished_at=now)


def test_withheld_guidance_is_counted_by_reason(nurse: Client) -> None:
    now = timezone.now()
    reasons = ["direction", "direction", "withheld", "eos", "eos"]
    for reason in reasons:
        end_job(reason, now)
    end_job("urgency", now - timedelta(hours=25))
    end_job("urgency", now)
    Job.objects.filter(finish_reason="urgency").update(replayed=True)
    text = " ".join(nurse.get("/ops/state/").content.decode().split())
    assert "3 of 5" in text
    assert 'The text contradicted a vital sign.</td><td class="right num">2</td>' in text
    assert "contained a number" in text
    assert "contradicted the level" not in text


def test_every_policy_is_described(nurse: Client) -> None:
    text = nurse.get("/ops/").content.decode()
    for words in (
        "Most urgent level first; within a level, cases that were not understood",
        "First come, first served",
        '<span class="chip">active</span>',
        "No change yet",
    ):
        assert words in text
    assert text.count('<span class="chip">active</span>') == 1


def test_a_switch_is_active_and_recorded(nurse: Client) -> None:
    response = nurse.post(
        "/ops/", {"policy": "fcfs", "reason": "<b>drill</b>", "confirmed": "1"}, follow=True
    )
    text = response.content.decode()
    assert active_policy_name() == "fcfs"
    assert "First come is active now." in text
    assert "ines" in text
    assert "&lt;b&gt;drill&lt;/b&gt;" in text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"policy": "fcfs", "reason": "  "}, "Enter a reason"),
        ({"policy": "fcfs"}, "Enter a reason"),
        ({"policy": "lifo", "reason": "why not"}, "not one of the available choices"),
        ({"reason": "why not"}, "Choose a policy"),
    ],
)
def test_a_bad_switch_changes_nothing_and_shows_the_error(
    data: dict[str, str], words: str, nurse: Client
) -> None:
    response = nurse.post("/ops/", data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not PolicyChange.objects.exists()


@pytest.mark.parametrize("role", [CLINICIAN, AUDITOR])
def test_other_roles_read_and_cannot_switch(role: str) -> None:
    client = Client()
    client.force_login(make_user(role))
    text = client.get("/ops/").content.decode()
    assert "Wait for guidance today" in text
    assert "Switch policy" not in text
    assert client.get("/ops/state/").status_code == 200
    assert client.get("/ops/series/").status_code == 200
    response = client.post("/ops/", {"policy": "fcfs", "reason": "x", "confirmed": "1"})
    assert response.status_code == 403
    assert b"You don't have access to this page" in response.content
    assert active_policy_name() == "semantic"


def test_an_account_without_a_role_reads_nothing() -> None:
    client = Client()
    client.force_login(make_user(None))
    for path in ("/ops/", "/ops/state/", "/ops/series/"):
        assert client.get(path).status_code == 403


def test_the_state_shows_numbers_of_jobs_and_missing_workers(nurse: Client) -> None:
    make_job(0)
    make_job(0)
    text = nurse.get("/ops/state/").content.decode()
    assert '<span class="figure num">2</span> waiting' in text
    assert "No guidance worker is ready" in text


def started(priority: int, seconds_ago: float, waited: float, *, replayed: bool = False) -> None:
    now = timezone.now()
    arrived = now - timedelta(seconds=seconds_ago)
    job = make_job(priority, arrival_at=arrived, now=arrived, replayed=replayed)
    Job.objects.filter(id=job.id).update(started_at=arrived + timedelta(seconds=waited))


def series_of(client: Client, query: str) -> dict[str, Any]:
    answer = client.get(f"/ops/series/?{query}").json()
    return {**answer, **{one["id"]: one for one in answer["series"]}}


def test_the_charts_show_the_last_minutes_until_there_is_more(nurse: Client) -> None:
    now = timezone.now()
    make_job(1, arrival_at=now - timedelta(minutes=2), now=now)
    assert "Last 10 minutes" in nurse.get("/ops/").content.decode()
    make_job(1, arrival_at=now - timedelta(hours=2), now=now)
    assert "Last 6 hours" in nurse.get("/ops/").content.decode()


@pytest.mark.parametrize("span", ["10m", "6h", "24h", "7d", "x"])
def test_the_charts_show_each_wait_once_in_its_level(nurse: Client, span: str) -> None:
    started(0, 100, waited=4)
    started(3, 100, waited=40)
    LevelMinutes().write(timezone.now())
    found = series_of(nurse, f"span={span}")
    assert found["words"] == "Real cases"
    means = [[v for v in values if v is not None] for values in found["waits"]["values"]]
    assert means == [[4], [], [], [40], []]
    in_time = [[v for v in values if v is not None] for values in found["in-time"]["values"]]
    assert in_time == [[0], [], [], [100], []]  # the deadlines are 2 s and 60 s
    for one in found["series"]:
        assert all(len(values) == len(one["times"]) for values in one["values"])


@pytest.mark.parametrize("span", ["10m", "6h", "24h", "7d"])
def test_a_wait_falls_to_zero_once_nobody_of_the_level_waits(nurse: Client, span: str) -> None:
    now = timezone.now()
    started(0, 400, waited=250)
    make_job(2, arrival_at=now - timedelta(seconds=400), now=now - timedelta(seconds=400))
    LevelMinutes().write(now)
    values = series_of(nurse, f"span={span}")["longest"]["values"]
    assert max(values[0]) >= 180  # the end of its last whole minute
    if span == "10m":
        assert values[0][-1] == 0
    assert 399 <= values[2][-1] <= 420
    assert max(values[4]) == 0


def test_charts_and_figures_keep_replayed_cases_apart(nurse: Client) -> None:
    started(1, 60, waited=33.3, replayed=True)
    assert "no real case" in series_of(nurse, "span=10m")["words"]
    assert series_of(nurse, "span=10m&of=real")["words"].startswith("Real cases")
    started(1, 60, waited=5)
    found = series_of(nurse, "span=10m")
    assert [v for v in found["waits"]["values"][1] if v is not None] == [5]
    replay = series_of(nurse, "span=10m&of=replay")
    assert [v for v in replay["waits"]["values"][1] if v is not None] == [33.3]


def test_the_figures_of_today_join_the_minutes_that_are_over_with_the_present_one() -> None:
    for seconds, waited in ((60, 10), (400, 20), (3590, 30)):
        job = make_job(1, seconds)
        Job.objects.filter(id=job.id).update(started_at=at(seconds + waited))
    yesterday = make_job(1, -86_400)
    Job.objects.filter(id=yesterday.id).update(started_at=at(-86_000))
    LevelMinutes().write(at(3600))
    line = today_lines(at(3640), replayed=False)[1]
    assert (line.started, line.mean, line.p50, line.longest) == (3, 20, 20, 30)
    assert line.percent_in_time == 33
    assert not today_lines(at(3640), replayed=True)[1].started
    assert "replayed cases" not in render_live(at(3640))
    Job.objects.update(replayed=True)
    assert "Wait for guidance today, replayed cases" in render_live(at(3640))


def test_a_worker_that_falls_silent_is_named_with_its_last_heartbeat(
    nurse: Client, redis_client: redis.Redis
) -> None:
    now = timezone.now()
    WorkerMinute.objects.create(
        minute=now - timedelta(minutes=12), worker="host-a", reported_at=now - timedelta(minutes=12)
    )
    state = {"slots": 8, "slots_used": 5, "tokens_per_second": 312.0, "at": now.timestamp() - 14}
    events.set_worker_state(redis_client, "host-b", state)
    text = nurse.get("/ops/state/").content.decode()
    assert "last heartbeat 14 s ago, probably down" in text
    assert "last heartbeat 12 min ago, stopped or down" in text
    events.set_worker_state(redis_client, "host-b", {**state, "at": now.timestamp()})
    assert "works: 5 of 8 slots, 312 tokens/s" in nurse.get("/ops/state/").content.decode()


def test_a_worker_that_was_restarted_is_no_alarm(nurse: Client, redis_client: redis.Redis) -> None:
    now = timezone.now()

    def reported(worker: str, minutes_ago: int) -> None:
        moment = now - timedelta(minutes=minutes_ago)
        minute = moment.replace(second=0, microsecond=0)
        WorkerMinute.objects.create(minute=minute, worker=worker, reported_at=moment)

    reported("a:1", 9)
    reported("a:2", 9)  # its successor, in the same minute
    reported("b:1", 9)
    reported("b:2", 12)  # began before b:1 ended, so b:1 has no successor
    for worker in ("a:2", "b:2"):
        events.set_worker_state(redis_client, worker, {"slots": 8, "at": now.timestamp()})
    text = nurse.get("/ops/state/").content.decode()
    assert "a:1" not in text
    assert "<code>b:1</code></strong> last heartbeat 9 min ago, stopped or down" in text


def test_tokens_of_a_worker_that_started_again_count_from_zero(nurse: Client) -> None:
    begin = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=4)
    for number, (num, num_again) in enumerate(((1000, 50), (1600, 80), (300, 10))):
        WorkerMinute.objects.create(
            minute=begin + timedelta(minutes=number),
            worker="w",
            reported_at=begin,
            slots=8,
            slots_used=4,
            tokens=num,
            tokens_again=num_again,
        )
    found = series_of(nurse, "span=10m")
    written, again = ([v for v in row if v is not None] for row in found["tokens"]["values"])
    assert written == [0, 10, 5]
    assert again == [0, 0.5, 0.17]
    assert [v for v in found["slots"]["values"][0] if v is not None] == [4, 4, 4]


@pytest.mark.parametrize(("earlier", "slots"), [(2, 16.0), (40, 8.0)])
def test_slots_of_a_worker_that_started_again_count_once(
    nurse: Client, earlier: int, slots: float
) -> None:
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=4)
    for worker, second in (("w:1", 55 - earlier), ("w:2", 55)):
        reported_at = minute + timedelta(seconds=second)
        WorkerMinute.objects.create(
            minute=minute, worker=worker, reported_at=reported_at, slots=8, slots_used=4
        )
    used, all_ = series_of(nurse, "span=10m")["slots"]["values"]
    assert [v for v in used if v is not None] == [slots / 2]
    assert [v for v in all_ if v is not None] == [slots]


def test_a_switch_shows_its_forecast_beside_what_happened(nurse: Client) -> None:
    change = PolicyChange.objects.create(old="fcfs", new="semantic", reason="surge")
    line = {"cases": 3, "forecast": 20.0, "low": 15.0, "high": 25.0, "actual": 31.0}
    SwitchOutcome.objects.create(change=change, judged_at=timezone.now(), levels={"2": line})
    text = nurse.get("/ops/").content.decode()
    assert "15.0–25.0 s" in text
    assert "<strong>31.0 s</strong> outside" in text
    assert 'median error <strong class="num">11.0 s</strong>' in text


def test_waits_to_be_seen_are_counted_until_the_patient_is_seen(nurse: Client) -> None:
    now = timezone.now()
    user = make_user(CLINICIAN)
    for minutes in (30, 20):
        case = make_case("cough", actor=user)
        services.classify_without_model(case.id, why="test", now=now)
        Case.objects.filter(id=case.id).update(arrived_at=now - timedelta(minutes=minutes))
    (first, _) = Case.objects.order_by("arrived_at")
    line = wait_lines(now)[1]
    assert (line.num_waiting, line.num_overdue, line.num_seen) == (2, 2, 0)
    services.see_patient(first.id, actor=user, now=now)
    line = wait_lines(now)[1]
    assert (line.num_waiting, line.num_overdue, line.longest_seconds) == (1, 1, 20 * 60)
    assert (line.num_seen, line.median_seconds) == (1, 30 * 60)
    assert "30 min" in nurse.get("/ops/").content.decode()


def test_a_policy_that_ignores_urgency_asks_again(nurse: Client) -> None:
    response = nurse.post("/ops/", {"policy": "sjf", "reason": "calm night"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "Confirm that urgent cases may wait behind others" in text
    assert 'name="confirmed"' in text
    assert "calm night" in text
    assert active_policy_name() == "semantic"
    assert nurse.post("/ops/", {"policy": "pjf", "reason": "x"}).status_code == 302


def test_the_preview_says_who_moves_before_anything_changes(nurse: Client) -> None:
    for seconds, priority in enumerate((4, 3, 0, 0)):
        make_job(priority, seconds)
    text = nurse.get("/ops/preview/?policy=fcfs").content.decode()
    assert "<strong>2</strong> of 4 waiting cases move up, <strong>2</strong> move down" in text
    assert "Waiting times are not known" in text
    assert "ignores urgency" in text
    assert "ignores urgency" not in nurse.get("/ops/preview/?policy=pjf").content.decode()
    assert nurse.get("/ops/preview/?policy=lifo").status_code == 400
    assert active_policy_name() == "semantic"


def test_the_record_of_a_switch_holds_its_preview_and_one_click_undoes_it(nurse: Client) -> None:
    for seconds, priority in enumerate((4, 0)):
        make_job(priority, seconds)
    nurse.post("/ops/", {"policy": "fcfs", "reason": "drill", "confirmed": "1"})
    change = PolicyChange.objects.get()
    assert change.preview["0"] == {
        "waiting": 1,
        "up": 0,
        "down": 1,
        "starts_before": None,
        "starts_after": None,
        "starts_low": None,
        "starts_high": None,
    }
    text = nurse.post(f"/ops/undo/{change.id}/", follow=True).content.decode()
    assert "Undone. Semantic is active again." in text
    assert active_policy_name() == "semantic"
    again = nurse.post(f"/ops/undo/{change.id}/", follow=True).content.decode()
    assert "Nothing was undone" in again
    assert active_policy_name() == "semantic"


def seen_by(client: Client, policy: str) -> str:
    """The preview that the form carries after a person chose a policy."""
    text = client.get(f"/ops/preview/?policy={policy}").content.decode()
    found = re.search(r'name="seen" value="([^"]+)"', text)
    assert found
    return found[1]


def switched(client: Client, policy: str, seen: str) -> dict[str, Any]:
    """Switches with this preview in the form, and returns the one that was recorded."""
    data = {"policy": policy, "reason": "surge", "confirmed": "1", "seen": seen}
    assert client.post("/ops/", data).status_code == 302
    change = PolicyChange.objects.first()
    assert change is not None
    recorded: dict[str, Any] = change.preview
    return recorded


def test_a_switch_records_the_preview_that_was_seen_and_makes_no_other(
    nurse: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds, priority in enumerate((4, 0)):
        make_job(priority, seconds)
    seen = seen_by(nurse, "fcfs")
    make_job(0, 5)  # arrives after the person looked

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("the switch waited for a second preview")

    monkeypatch.setattr(seen_preview, "preview_switch", refused)
    assert switched(nurse, "fcfs", seen)["0"]["waiting"] == 1


@pytest.mark.parametrize("case", ["other person", "other policy", "old", "changed", "since", ""])
def test_a_preview_of_something_else_is_made_again(
    case: str, nurse: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job(0, 0)
    seen = seen_by(nurse, "serial" if case == "other policy" else "fcfs")
    if case == "other person":
        other = Client()
        other.force_login(make_user(CHARGE_NURSE))
        seen = seen_by(other, "fcfs")
    elif case == "changed":
        seen = "A" + seen
    elif case == "since":
        nurse.post("/ops/", {"policy": "pjf", "reason": "x"})
    elif not case:
        seen = ""
    make_job(0, 5)
    if case == "old":
        monkeypatch.setattr(seen_preview, "FRESH", timedelta(0))
    assert switched(nurse, "fcfs", seen)["0"]["waiting"] == 2


def test_without_a_preview_that_was_seen_a_long_queue_is_not_simulated(
    nurse: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_preview, "_MAX_HURRIED", 1)
    monkeypatch.setattr(forecasting, "live_states", lambda _: [{"slots": 8.0}])
    simulated: list[Any] = []
    monkeypatch.setattr(switch_preview, "_outlook", lambda *_: simulated.append(1))
    for seconds in range(2):
        make_job(0, seconds)
    assert switched(nurse, "fcfs", "")["0"]["waiting"] == 2
    assert not simulated
    switched(nurse, "pjf", seen_by(nurse, "pjf"))
    assert simulated


def test_the_preview_knows_times_from_what_is_being_written_now(
    nurse: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a young site too few cases are recorded; the running ones tell how fast it writes."""
    now = timezone.now()
    running = make_job(1, -20)
    Job.objects.filter(id=running.id).update(
        status="running", attempt=1, first_token_at=now - timedelta(seconds=10)
    )
    for seconds in range(3):
        make_job(seconds, seconds)
    monkeypatch.setattr(forecasting, "live_states", lambda _: [{"slots": 1.0}])
    written = {str(running.id): 100}
    monkeypatch.setattr(forecast_store, "num_tokens_of", lambda _: written)
    assert preview_switch("fcfs", now).times_known
    written.clear()
    assert not preview_switch("fcfs", now).times_known


def test_a_change_without_a_forecast_says_why(nurse: Client) -> None:
    switched(nurse, "pjf", "")
    assert "No forecast: no one waited." in nurse.get("/ops/").content.decode()
    make_job(0, 0)
    switched(nurse, "semantic", "")
    text = nurse.get("/ops/").content.decode()
    assert "No forecast: how fast guidance is written was not known." in text


def test_policy_changes_are_marked_in_the_charts_and_pushed(nurse: Client) -> None:
    switched(nurse, "pjf", "")
    found = nurse.get("/ops/series/?span=10m").json()
    assert [mark["words"] for mark in found["marks"]] == ["Priority first"]
    assert "Upright lines are policy changes" in found["words"]
    live = render_live(timezone.now())
    assert "Policy: Priority first" in live
    assert "ines: surge" in live


def test_a_change_to_the_same_policy_offers_no_undo(nurse: Client) -> None:
    """The API takes such a change, as it is harmless."""
    switched(nurse, "pjf", "")
    assert "Undo: back to Semantic" in nurse.get("/ops/").content.decode()
    scheduling.switch_policy("pjf", actor=None, reason="again", now=timezone.now())
    assert "Undo: back" not in nurse.get("/ops/").content.decode()


def test_a_switch_to_the_active_policy_is_no_change(nurse: Client) -> None:
    response = nurse.post("/ops/", {"policy": "semantic", "reason": "sure"})
    assert response.status_code == 422
    assert "Semantic is active already" in response.content.decode()
    assert not PolicyChange.objects.exists()


def test_only_those_who_switch_may_preview_or_undo() -> None:
    client = Client()
    client.force_login(make_user(CLINICIAN))
    assert client.get("/ops/preview/?policy=fcfs").status_code == 403
    assert client.post("/ops/undo/1/").status_code == 403


def test_the_audit_says_who_moved_and_no_figure_that_is_unknown(nurse: Client) -> None:
    for seconds, priority in enumerate((4, 0)):
        make_job(priority, seconds)
    switched(nurse, "fcfs", "")
    job = Job.objects.earliest("arrival_at")
    kind, running = QueueMove.Kind.STARTED, JobStatus.RUNNING
    receipts.record(job.id, kind, running, now=timezone.now())
    text = nurse.get("/ops/audit/").content.decode()
    assert "Of 2 waiting cases 1 moved up, 1 down" in text
    assert "place 1, policy First come" in text
    assert "None" not in text
