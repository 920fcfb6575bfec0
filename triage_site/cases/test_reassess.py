"""The patient again: what worsens moves the case, what improves is proposed, guidance follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User

from scheduling import connection
from scheduling import services as scheduling
from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import at, make_case, make_user
from triage_site.cases import selectors, services
from triage_site.cases.level_story import level_story
from triage_site.cases.models import Case, CaseEvent, CaseStatus
from triage_site.cases.panel import render_guidance
from triage_site.cases.services import Conflict, reassess
from triage_site.cases.told_facts import measured_told
from triage_site.cases.vitals_shown import vital_rows
from triage_site.classifiers import active
from triage_site.triage import Classification, screen
from triage_site.triage.facts import CaseFacts
from triage_site.triage.signs.rules import names_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test has a real and empty Redis."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the classifier will say: `priority`. It keeps the facts that it was asked about."""
    answer: dict[str, Any] = {"priority": 3, "asked": []}

    def classify(facts: CaseFacts) -> Classification:
        answer["asked"].append(facts)
        said = replace(screen(facts), priority=answer["priority"], needs_person=False)
        return replace(said, model_version="m")

    monkeypatch.setattr(active, "classify", classify)
    return answer


@pytest.fixture
def nurse() -> User:
    return make_user(username="nurse")


def classified(priority: int = 3, text: str = "cough", **facts: Any) -> Case:
    case = make_case(text, **facts)
    services.begin_classification(case.id, now=at(1))
    said = replace(screen(case.case_facts), priority=priority, needs_person=False)
    services.record_classification(case.id, said, now=at(1))
    case.refresh_from_db()
    return case


def again(case: Case, nurse: User, seconds: float = 600, **readings: Any) -> Case:
    return services.record_vitals(case.id, readings=readings, actor=nurse, now=at(seconds))


def claim() -> scheduling.ClaimedJob:
    (one,) = scheduling.claim_jobs("w", 1, now=at(2), model_name="m")
    return one


def finish(one: scheduling.ClaimedJob, text: str, seconds: float = 5) -> None:
    scheduling.finish_job(
        one.job.id, token=one.token, output=text, num_tokens=3, finish_reason="eos",
        now=at(seconds),
    )  # fmt: skip


def kinds(case: Case) -> list[str]:
    return list(case.events.values_list("kind", flat=True))


# -- the level


def test_a_worse_patient_moves_at_once(said: dict[str, Any], nurse: User) -> None:
    other, case = classified(2, "other"), classified(3)
    said["priority"] = 1
    case = again(case, nurse, hr_bpm=150, rr_bpm=32)
    assert (case.priority, case.suggested_priority, case.proposed_priority) == (1, 1, None)
    order = [request.id for request in connection.queue().waiting(at(600).timestamp())]
    assert order == [str(Job.objects.get(case_id=one.id).id) for one in (case, other)]
    event = case.events.get(kind=CaseEvent.Kind.RAISED)
    assert (event.actor, event.data["from"], event.data["to"]) == (None, 3, 1)


def test_words_before_a_repeated_vital_sign_are_older_and_a_later_note_is_not(
    said: dict[str, Any], nurse: User
) -> None:
    case = classified(1, text="HR 38, feels faint", hr_bpm=70)
    assert measured_told(case.case_facts).contradicted == ("hr_bpm",)
    case = again(case, nurse, hr_bpm=80)
    case.refresh_from_db()
    assert not measured_told(case.case_facts).contradicted
    (row,) = [row for row in vital_rows(case.case_facts) if row.label == "Heart rate"]
    assert row.differs == "the note, earlier: 38"
    assert (case.priority, case.proposed_priority) == (1, 3)
    case = services.add_note(case.id, text="now HR 36", actor=nurse, now=at(700))
    assert measured_told(case.case_facts).contradicted == ("hr_bpm",)


def test_a_better_patient_is_proposed_to_a_person(said: dict[str, Any], nurse: User) -> None:
    case = classified(1)
    case = again(case, nurse, hr_bpm=80)
    assert (case.priority, case.proposed_priority) == (1, 3)
    case = services.decide_proposal(case.id, accept=True, actor=nurse, now=at(700))
    assert (case.priority, case.suggested_priority, case.proposed_priority) == (3, 3, None)
    assert not case.overridden
    assert Job.objects.get(case_id=case.id).priority == 3
    with pytest.raises(Conflict, match=r"^proposal: "):
        services.decide_proposal(case.id, accept=True, actor=nurse, now=at(701))


def test_a_proposal_that_is_dismissed_changes_nothing(said: dict[str, Any], nurse: User) -> None:
    case = again(classified(1), nurse, hr_bpm=80)
    case = services.decide_proposal(case.id, accept=False, actor=nurse, now=at(700))
    assert (case.priority, case.proposed_priority) == (1, None)
    assert kinds(case)[-1] == "dismissed"


def test_a_later_worse_answer_takes_the_proposal_back(said: dict[str, Any], nurse: User) -> None:
    case = again(classified(1), nurse, hr_bpm=80)
    said["priority"] = 0
    case = again(case, nurse, 900, hr_bpm=190)
    assert (case.priority, case.proposed_priority) == (0, None)


def test_a_persons_level_is_raised_but_not_questioned(said: dict[str, Any], nurse: User) -> None:
    case = classified(3)
    services.override_priority(
        case.id, priority=1, reason="clinical_judgement", note="", actor=nurse, now=at(9)
    )
    case = again(case, nurse, hr_bpm=80)
    assert (case.priority, case.proposed_priority) == (1, None), "3 was said before"
    said["priority"] = 0
    assert again(case, nurse, 900, hr_bpm=190).priority == 0


# What happens: the classifier's answer to new vital signs, a person's level, or a decision about a
# proposal. Then (by a person, what the classifier said then, says now), and words of the story.
STORIES: list[tuple[list[int | str], tuple[str, int | None, int | None], list[str]]] = [
    ([3], ("", None, 3), []),
    ([1], ("", None, 1), []),
    ([0, 2], ("", None, 2), ["0 Resus since", "The classifier says 2 Urgent now", "only when"]),
    ([0, 2, 0], ("", None, 0), []),
    ([0, 2, "set 1"], ("nurse", 2, 2), ["Set to 1", "by nurse", "said 2 Urgent then and still"]),
    (["set 1"], ("nurse", 3, 3), ["Set to 1 Emergent by nurse", "said 3 Less urgent then"]),
    (["set 1", 1], ("nurse", 3, 1), ["said 3 Less urgent then. It says 1 Emergent now."]),
    (["set 1", 4], ("nurse", 3, 4), ["It says 4 Non-urgent now"]),
    (["set 1", 0], ("", None, 0), []),
    (["set 1", 0, 2], ("", None, 2), ["0 Resus since", "says 2 Urgent now"]),
    (["set 3"], ("nurse", 3, 3), ["Set to 3", "still says so"]),
    ([0, 2, "dismiss"], ("nurse", 2, 2), ["Kept at 0 Resus by nurse", "said 2 Urgent then"]),
    ([0, 2, "accept"], ("nurse", 2, 2), ["Lowered to 2 Urgent by nurse", "still says so"]),
    ([0, 2, "accept", 4], ("nurse", 2, 4), ["said 2 Urgent then. It says 4 Non-urgent now."]),
]


@pytest.mark.parametrize(("steps", "expected", "words"), STORIES)
def test_what_the_classifier_said_then_and_says_now_are_told_apart(
    steps: list[int | str],
    expected: tuple[str, int | None, int | None],
    words: list[str],
    said: dict[str, Any],
    nurse: User,
) -> None:
    case = classified(3)
    for number, step in enumerate(steps):
        now = at(600 + number)
        if isinstance(step, int):
            said["priority"] = step
            case = again(case, nurse, 600 + number, hr_bpm=80 + number)
        elif step.startswith("set"):
            services.override_priority(
                case.id, priority=int(step[-1]), reason="clinical_judgement", note="",
                actor=nurse, now=now,
            )  # fmt: skip
        else:
            services.decide_proposal(case.id, accept=step == "accept", actor=nurse, now=now)
    case.refresh_from_db()
    story = level_story(case)
    assert (story.by, story.then, story.now) == expected
    assert all(one in story.words for one in words), story.words
    assert bool(story.words) == bool(words)


def test_a_level_that_only_rises_names_the_signs_that_raised_it(nurse: User) -> None:
    case = classified(4, "fever", age_years=62)
    worse = {"rr_bpm": 30, "spo2_percent": 86, "sbp_mmhg": 84, "dbp_mmhg": 50, "hr_bpm": 134}
    better = {"rr_bpm": 16, "spo2_percent": 97, "sbp_mmhg": 124, "dbp_mmhg": 76, "hr_bpm": 80}
    case = again(case, nurse, 600, **worse)
    raised_to = case.priority
    case = again(case, nurse, 900, **better)
    story = level_story(case)
    names = names_of(case.events.get(kind=CaseEvent.Kind.RAISED).data["rules"], raised_to or 0)
    assert names
    assert names[0] in story.words
    assert story.is_apart


def test_what_was_not_taken_again_keeps_its_last_value(said: dict[str, Any], nurse: User) -> None:
    case = classified(3, age_years=50, rr_bpm=30, sbp_mmhg=140, dbp_mmhg=80)
    again(case, nurse, hr_bpm=90)
    facts = said["asked"][-1]
    assert (facts.value("rr_bpm"), facts.value("hr_bpm")) == (30, 90)
    assert (facts.value("sbp_mmhg"), facts.value("dbp_mmhg")) == (140, 80)
    case.refresh_from_db()
    assert case.case_facts == facts
    assert case.facts["sbp_mmhg"] == 140, "what was submitted stays on record"


# Blood pressure on record, new readings, and what is on record then.
HALVES: list[tuple[tuple[Any, Any], dict[str, Any], tuple[Any, Any]]] = [
    ((125, 80), {"sbp_mmhg": 84}, (84, "not_taken")),
    ((125, 80), {"sbp_mmhg": 84, "dbp_mmhg": 50}, (84, 50)),
    ((125, 80), {"sbp_mmhg": 84, "dbp_mmhg": "unmeasurable"}, (84, "unmeasurable")),
    ((125, 80), {"sbp_mmhg": "unmeasurable", "hr_bpm": 90}, ("unmeasurable", "not_taken")),
    ((60, "unmeasurable"), {"sbp_mmhg": 90}, (90, "not_taken")),
    ((125, 80), {"sbp_mmhg": 70, "rr_bpm": 30}, (70, "not_taken")),
    (("unmeasurable", "not_taken"), {"sbp_mmhg": 70}, (70, "not_taken")),
    ((125, 80), {"hr_bpm": 90}, (125, 80)),
]


@pytest.mark.parametrize(("before", "readings", "after"), HALVES)
def test_a_new_systolic_never_stands_beside_an_old_diastolic(
    before: tuple[Any, Any],
    readings: dict[str, Any],
    after: tuple[Any, Any],
    said: dict[str, Any],
    nurse: User,
) -> None:
    case = classified(3, age_years=50, sbp_mmhg=before[0], dbp_mmhg=before[1])
    case = again(case, nurse, **readings)
    case.refresh_from_db()
    assert (case.case_facts.sbp_mmhg, case.case_facts.dbp_mmhg) == after
    (row,) = [row for row in vital_rows(case.case_facts) if row.label.startswith("Diastolic")]
    assert (row.absent == "not measured this time") == (after[1] == "not_taken")
    assert case.vital_sets.order_by("taken_at").last().readings == readings  # type: ignore[union-attr]


def test_the_words_give_no_diastolic_to_a_systolic_that_was_measured_again(
    said: dict[str, Any], nurse: User
) -> None:
    case = again(classified(3, "BP 124/76"), nurse, sbp_mmhg=110)
    assert measured_told(case.case_facts).facts.value("dbp_mmhg") is None


def test_a_diastolic_needs_the_systolic_that_was_measured_with_it(
    said: dict[str, Any], nurse: User
) -> None:
    case = classified(3, sbp_mmhg=84, dbp_mmhg=50)
    with pytest.raises(ValueError, match=r"^sbp_mmhg: Enter the systolic"):
        again(case, nurse, dbp_mmhg=80)
    case.refresh_from_db()
    assert case.case_facts.value("sbp_mmhg") == 84
    assert not case.vital_sets.exists()


def test_half_a_blood_pressure_is_enough_where_nothing_would_be_lost(
    said: dict[str, Any], nurse: User
) -> None:
    case = again(classified(3), nurse, sbp_mmhg=110)
    case = again(case, nurse, 900, sbp_mmhg=112)
    assert (case.case_facts.value("sbp_mmhg"), case.case_facts.value("dbp_mmhg")) == (112, None)


def test_each_set_is_kept_with_its_score(said: dict[str, Any], nurse: User) -> None:
    case = classified(3, age_years=50, rr_bpm=16, hr_bpm=80)
    again(case, nurse, 600, rr_bpm=30)
    again(case, nurse, 1200, hr_bpm=140)
    sets = selectors.vitals_over_time(case)
    assert [(one.taken_at, one.news2) for one in sets] == [(at(0), 0), (at(600), 3), (at(1200), 6)]
    assert [dict(one.readings) for one in sets][1:] == [{"rr_bpm": 30}, {"hr_bpm": 140}]
    assert sets[1].taken_by == "nurse"


def test_vital_signs_of_the_arrival_are_the_first_set() -> None:
    case = classified(3, hr_bpm=80)
    (only,) = selectors.vitals_over_time(case)
    assert (only.taken_at, dict(only.readings)) == (at(0), {"hr_bpm": 80})
    assert selectors.vitals_over_time(classified(3)) == []


@pytest.mark.parametrize(
    ("readings", "field"),
    [
        ({}, "vitals"),
        ({"hr_bpm": 900}, "hr_bpm"),
        ({"sbp_mmhg": 80, "dbp_mmhg": 90}, "dbp_mmhg"),
        ({"text": "x"}, "text"),
        ({"consciousness": "asleep"}, "consciousness"),
    ],
)
def test_bad_readings_name_the_field_and_change_nothing(
    readings: dict[str, Any], field: str, said: dict[str, Any], nurse: User
) -> None:
    case = classified(3)
    with pytest.raises(ValueError, match=f"^{field}: "):
        again(case, nurse, **readings)
    case.refresh_from_db()
    assert (case.version, case.changed_facts) == (0, {})


def test_rules_answer_where_the_classifier_fails(
    monkeypatch: pytest.MonkeyPatch, nurse: User
) -> None:
    def broken(facts: CaseFacts) -> Classification:
        raise RuntimeError("clinical words")

    monkeypatch.setattr(active, "classify", broken)
    case = again(classified(3, age_years=50), nurse, rr_bpm=0)
    assert case.priority == 0
    assert case.needs_person


def test_rules_that_do_not_fire_leave_the_level_to_a_person(
    monkeypatch: pytest.MonkeyPatch, nurse: User
) -> None:
    monkeypatch.setattr(active, "classify", lambda facts: 1 / 0)
    case = again(classified(2, age_years=50), nurse, hr_bpm=80)
    assert (case.priority, case.proposed_priority, case.needs_person) == (2, None, True)


def test_a_slow_classifier_does_not_hold_the_nurse(
    monkeypatch: pytest.MonkeyPatch, settings: Any, nurse: User
) -> None:
    import time

    settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS = 0.1
    monkeypatch.setattr(active, "classify", lambda facts: time.sleep(3))
    started = time.monotonic()
    case = again(classified(3), nurse, hr_bpm=80)
    assert time.monotonic() - started < 2.5
    assert (case.priority, case.needs_person) == (3, True)


def test_vital_signs_before_the_classification_classify(said: dict[str, Any], nurse: User) -> None:
    case = make_case("cough")
    said["priority"] = 2
    case = again(case, nurse, 1, hr_bpm=120)
    assert (case.status, case.priority) == (CaseStatus.QUEUED, 2)
    assert "120" in Job.objects.get(case_id=case.id).prompt


# -- words


def test_a_note_counts_like_the_first_words(said: dict[str, Any], nurse: User) -> None:
    case = classified(3, "cough")
    said["priority"] = 1
    case = services.add_note(case.id, text="now chest pain, on warfarin", actor=nurse, now=at(60))
    assert said["asked"][-1].text == "cough.\nnow chest pain, on warfarin"
    assert case.priority == 1
    assert [(note.author, note.text) for note in case.notes.all()] == [
        (nurse, "now chest pain, on warfarin")
    ]
    prompt = Job.objects.get(case_id=case.id).prompt
    assert "chest pain" in prompt
    assert "Medicines: warfarin" in prompt


def test_notes_and_vital_sets_cannot_be_changed(said: dict[str, Any], nurse: User) -> None:
    case = again(classified(3), nurse, hr_bpm=80)
    services.add_note(case.id, text="x", actor=nurse, now=at(700))
    for row in (case.notes.get(), case.vital_sets.get()):
        with pytest.raises(TypeError, match="append-only"):
            row.save()


def test_no_event_holds_what_was_said(said: dict[str, Any], nurse: User) -> None:
    case = classified(3)
    services.add_note(case.id, text="zyxcanarywort", actor=nurse, now=at(60))
    assert "zyxcanarywort" not in str(list(case.events.values_list("data", flat=True)))


# -- guidance follows the facts


def test_a_job_that_waits_is_told_the_new_facts(said: dict[str, Any], nurse: User) -> None:
    case = classified(3, hr_bpm=80)
    said["priority"] = 2
    again(case, nurse, hr_bpm=131)
    job = Job.objects.get(case_id=case.id)
    assert (job.status, job.priority) == (JobStatus.WAITING, 2)
    assert "Heart rate: 131" in job.prompt
    assert "Priority: urgent" in job.prompt
    (request,) = connection.queue().waiting(at(600).timestamp())
    assert request == job.to_request()
    assert claim().job.prompt == job.prompt


def test_text_that_is_written_is_marked_and_written_again(
    said: dict[str, Any], nurse: User
) -> None:
    case = classified(3)
    finish(claim(), "Situation: old.")
    said["priority"] = 1
    case = again(case, nurse, hr_bpm=150)
    assert (case.status, case.guidance, case.guidance_stale_at) == (
        CaseStatus.QUEUED, "Situation: old.", at(600),
    )  # fmt: skip
    assert "Out of date" in render_guidance(case.id)
    new = Job.objects.get(case_id=case.id, status=JobStatus.WAITING)
    assert (new.arrival_at, new.priority) == (at(0), 1), "in its turn"
    finish(claim(), "Situation: new.", 700)
    case.refresh_from_db()
    assert (case.guidance, case.guidance_stale_at) == ("Situation: new.", None)
    (old,) = selectors.earlier_guidance(case)
    assert old.output == "Situation: old."
    shown = render_guidance(case.id)
    assert "before new vital signs at 08:10" in shown
    assert shown.index("new.") < shown.index("old.")


def test_text_that_is_being_written_is_begun_again(said: dict[str, Any], nurse: User) -> None:
    case = classified(3)
    old = claim()
    said["priority"] = 1
    case = again(case, nurse, hr_bpm=150)
    assert connection.queue().renew("w", {str(old.job.id): old.token}, 0, 9) == {str(old.job.id)}
    assert not scheduling.finish_job(
        old.job.id, token=old.token, output="old", num_tokens=1, finish_reason="eos", now=at(601)
    )
    case.refresh_from_db()
    assert (case.status, case.guidance) == (CaseStatus.QUEUED, "")
    assert "Heart rate: 150" in claim().job.prompt


def test_a_new_level_makes_guidance_old(nurse: User) -> None:
    case = classified(3)
    finish(claim(), "Situation: may wait.")
    case = services.override_priority(
        case.id, priority=0, reason="worse", note="", actor=nurse, now=at(60)
    )
    assert case.guidance_stale_at == at(60)
    assert "Priority: resuscitation" in claim().job.prompt


def test_what_a_model_is_not_told_makes_no_guidance_old(said: dict[str, Any], nurse: User) -> None:
    case = classified(3, hr_bpm=80)
    finish(claim(), "Situation: fine.")
    case = again(case, nurse, hr_bpm=80)
    assert case.guidance_stale_at is None
    assert Job.objects.filter(case_id=case.id).count() == 1


def test_withheld_guidance_is_asked_for_again_with_new_facts(
    said: dict[str, Any], nurse: User
) -> None:
    case = classified(3)
    one = claim()
    scheduling.finish_job(
        one.job.id, token=one.token, output="Give 450 mg.", num_tokens=3, finish_reason="withheld",
        now=at(5),
    )  # fmt: skip
    case = again(case, nurse, hr_bpm=130)
    assert (case.status, case.guidance_withheld) == (CaseStatus.QUEUED, False)
    assert selectors.earlier_guidance(case) == [], "withheld text is never shown"


def test_two_changes_at_once_lose_neither(said: dict[str, Any], nurse: User) -> None:
    """The second one finds another version than it judged, and judges again."""
    case = classified(3)
    raced: list[bool] = []
    real = reassess.judge

    def judge(facts: CaseFacts) -> Classification | None:
        if not raced:
            raced.append(True)
            again(case, make_user(), 599, rr_bpm=22)
        return real(facts)

    reassess.judge = judge
    try:
        again(case, nurse, hr_bpm=111)
    finally:
        reassess.judge = real
    case.refresh_from_db()
    facts = case.case_facts
    assert (facts.value("hr_bpm"), facts.value("rr_bpm")) == (111, 22)
