"""Promotion: needs answers and a reason, is recorded, needs no restart, never blocks a case."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from threading import Event as Flag

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.factories import at, make_user
from triage_site.classifiers import active, selectors, services
from triage_site.classifiers.classifier_testing import other_weights, record_shadow
from triage_site.classifiers.models import ClassifierChange, ShadowAnswer
from triage_site.classifiers.selectors import CONFIGURED, Choice
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.candidate import CannotOpen, open_candidate, version_of
from triage_site.triage.model.scoring import WEIGHTS_DIR

FACTS = CaseFacts(text="twisted ankle, can walk", age_years=30)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take more than the half second that a case waits for new weights."""
    monkeypatch.setattr(active, "WAIT_SECONDS", 30.0)


@pytest.fixture
def nurse(db: None) -> User:
    return make_user()


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The folder of another classifier, which is the shadow."""
    settings.TRIAGE_SHADOW_CLASSIFIER = str(tmp_path / "other")
    return other_weights(tmp_path / "other")


@pytest.fixture
def version(folder: Path, db: None) -> str:
    """The version of the shadow, which has answered one case."""
    found = version_of(folder)
    record_shadow(uuid.uuid4(), found, 2, at(0))
    return found


def test_a_version_identifies_the_weights(tmp_path: Path) -> None:
    one, other = other_weights(tmp_path / "1", "v"), other_weights(tmp_path / "2", "v")
    assert version_of(one) == version_of(other)
    card = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps({**card, "coverage": 0.5}))
    assert version_of(one) != version_of(other)
    assert version_of(one).startswith("v+")
    classification = open_candidate(one).classify(FACTS)
    assert classification.model_version == version_of(one)


def test_a_folder_without_a_classifier_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match=r"there is no model\.json"):
        version_of(tmp_path)
    folder = other_weights(tmp_path / "cut")
    (folder / "model.npz").write_bytes(b"PK")
    with pytest.raises(CannotOpen, match="cut"):
        open_candidate(folder)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "features": ["x"]}))
    with pytest.raises(CannotOpen, match="other features"):
        version_of(folder)


@pytest.mark.django_db
def test_without_a_promotion_the_shipped_classifier_answers() -> None:
    assert selectors.active_choice() == Choice(CONFIGURED)
    assert selectors.shadow_choice() is None
    assert active.classify(FACTS).model_version == version_of(Choice(CONFIGURED).path)


def test_a_promotion_is_active_at_once_and_recorded(
    nurse: User, version: str, folder: Path
) -> None:
    change = services.promote(version, actor=nurse, reason=" nearer to us ", now=at(1))
    assert (change.actor, change.reason, change.new_version) == (nurse, "nearer to us", version)
    assert change.old_version == version_of(Choice(CONFIGURED).path)
    assert active.classify(FACTS).model_version == version
    assert selectors.shadow_choice() == Choice(CONFIGURED)


def test_a_promotion_can_be_undone_once(nurse: User, version: str) -> None:
    change = services.promote(version, actor=nurse, reason="try", now=at(1))
    services.undo(change.id, actor=nurse, reason="worse", now=at(2))
    assert active.classify(FACTS).model_version == version_of(Choice(CONFIGURED).path)
    with pytest.raises(ValueError, match="another change since"):
        services.undo(change.id, actor=nurse, reason="again", now=at(3))
    assert ClassifierChange.objects.count() == 2


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [("", " ", "Enter a reason"), ("other-1+00000000", "why not", "answered no case")],
)
def test_a_bad_promotion_changes_nothing(
    nurse: User, version: str, given: str, reason: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        services.promote(given or version, actor=nurse, reason=reason, now=at(1))
    assert not ClassifierChange.objects.exists()


def test_weights_that_changed_after_the_comparison_are_not_promoted(
    nurse: User, version: str, folder: Path
) -> None:
    other_weights(folder, "other-2")
    with pytest.raises(ValueError, match="holds other-2"):
        services.promote(version, actor=nurse, reason="why not", now=at(1))


def test_the_shipped_classifier_answers_when_the_promoted_folder_was_replaced(
    nurse: User, version: str, folder: Path
) -> None:
    services.promote(version, actor=nurse, reason="try", now=at(1))
    other_weights(folder, "other-2")
    active._loading = None  # as in a new process
    assert active.classify(FACTS).model_version == version_of(Choice(CONFIGURED).path)
    assert selectors.shadow_choice() == Choice(str(folder))  # it is compared again


def test_slow_weights_do_not_delay_a_case(
    nurse: User, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.promote(version, actor=nurse, reason="try", now=at(1))
    monkeypatch.setattr(active, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(active, "_loading", active._Loading(selectors.active_choice()))
    assert active.classify(FACTS).model_version == version_of(Choice(CONFIGURED).path)


@pytest.mark.django_db
def test_only_the_first_answer_of_a_version_counts() -> None:
    case_id = uuid.uuid4()
    record_shadow(case_id, "v", 1, at(0))
    record_shadow(case_id, "v", 4, at(1))
    record_shadow(case_id, "w", 4, at(1))
    answers = ShadowAnswer.objects.order_by("id").values_list("version", "priority")
    assert list(answers) == [("v", 1), ("w", 4)]


@pytest.mark.parametrize("promoted", [True, False])
def test_a_worker_loads_a_promoted_classifier_before_the_next_case(
    nurse: User, version: str, promoted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if promoted:
        services.promote(version, actor=nurse, reason="try", now=at(1))
    stop = Flag()
    monkeypatch.setattr(active, "_loading", None)
    monkeypatch.setattr(active, "WATCH_SECONDS", 0.0)
    monkeypatch.setattr(active, "close_old_connections", stop.set)
    active.watch(stop)
    assert (active._loading is not None) is promoted


@pytest.mark.django_db
def test_the_settings_can_name_another_classifier(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRIAGE_CLASSIFIER = str(folder)
    monkeypatch.setattr(active, "_loading", None)
    active.warm_up()
    assert active.classify(FACTS).model_version == version_of(folder)
    settings.TRIAGE_CLASSIFIER = "/nowhere"
    monkeypatch.setattr(active, "_loading", None)
    assert active.classify(FACTS).model_version == version_of(WEIGHTS_DIR)


def test_the_evaluation_command_uses_the_classifier_of_the_settings(
    folder: Path, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("text,age_years,expert_level\ntwisted ankle,30,4\nno pulse,60,1\n")
    call_command("evaluate_triage", str(table), "--json")
    shipped = json.loads(capsys.readouterr().out)
    settings.TRIAGE_CLASSIFIER = str(folder)
    call_command("evaluate_triage", str(table), "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["operating_point"] == shipped["operating_point"]
    settings.TRIAGE_CLASSIFIER = str(tmp_path)
    with pytest.raises(CommandError, match="TRIAGE_CLASSIFIER"):
        call_command("evaluate_triage", str(table))
