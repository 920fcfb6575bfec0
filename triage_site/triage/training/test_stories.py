"""The shipped weights on what the project wrote: laws on whole stories, and how well they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from triage_site.triage import classify_many
from triage_site.triage.facts import ArrivalMode, CaseFacts
from triage_site.triage.signs.tables import signs
from triage_site.triage.training.classifier_text import (
    HELD_BACK,
    read_asides,
    read_vignette_file,
    read_vignettes,
)

_FILES = Path(__file__).resolve().parent / "vignettes"
JUDGED = _FILES / "fifth.csv"
_OTHER_ASIDES = _FILES.parent / "checks" / "asides.txt"
_NOTES = (
    "sore throat for two days", "Open Wound", "abd pain and vomiting", "dizziness", "????",
    "needs a repeat prescription", "mild rash, feels well", "vaginal bleeding", "anxiety",
    "Fever since yesterday, denies headache", "epigastric pain", "no pain", "",
)  # fmt: skip


def _picked(of: str, words: str, number: int) -> int:
    """Which of `number` belongs to these words: it depends on nothing else."""
    return crc32(f"{of}: {words}".encode()) % number


def test_no_example_of_any_rule_lowers_the_urgency_of_any_of_these_notes() -> None:
    """Each example beside one of the notes, with one arrival. A sign of level 2 may take a hair
    from a note that is level 1 by its words alone, once in 300.

    Power: about a thousand pairs, 957 of them of levels 0 and 1. A fault of one such example with
    every note is always found; one of 1 % of their pairs, or of 3 % of those with one arrival, in
    999 of 1000 samples."""
    modes = [ArrivalMode.CALL, ArrivalMode.WALKING, ArrivalMode.AMBULANCE]
    stories = [facts.text for facts, _ in read_vignette_file(JUDGED)][::8]
    notes = [*_NOTES, *stories]
    pairs = []
    for rule in signs():
        age = max(rule.from_years, min(40.0, rule.until_years - 0.01))
        for words in rule.fires:
            mode = modes[_picked("arrival", words, len(modes))]
            base = notes[_picked("note", words, len(notes))]
            facts = CaseFacts(text=base, age_years=age, arrival_mode=mode)
            pairs.append((rule.level, facts, replace(facts, text=f"{base}. {words}")))
    assert len(pairs) > 1_000
    before = classify_many([one for _, one, _ in pairs], explain=False)
    after = classify_many([other for _, _, other in pairs], explain=False)
    lowered = [
        (level, other.text)
        for (level, _, other), one, two in zip(pairs, before, after, strict=True)
        if two.priority > one.priority
    ]
    assert [one for one in lowered if one[0] < 2] == []
    assert len(lowered) <= len(pairs) / 300


@pytest.mark.parametrize("mode", [ArrivalMode.WALKING, ArrivalMode.AMBULANCE])
def test_a_recorded_arrival_takes_nothing_from_a_story(mode: ArrivalMode) -> None:
    stories = [facts for facts, _ in read_vignette_file(JUDGED)]
    arrived = [replace(facts, arrival_mode=mode) for facts in stories]
    pairs = zip(classify_many(stories), classify_many(arrived), strict=True)
    assert all(seen.priority <= told.priority for told, seen in pairs)


@pytest.mark.parametrize("lines", ["those of the training", "others"])
def test_talk_to_the_queue_or_to_a_machine_hardly_ever_moves_a_level(lines: str) -> None:
    """Each line behind every third of the stories, so that each story has a third of the lines.

    Power: of the known lines, a rate of 3 % fails in 95 of 100 samples (212 pairs, 2 may move);
    of the others, a rate of 5 % in 98 (320 pairs, 8 may move). Fewer moved while no sentence was
    read that is an aside by one chance in twenty; that left a quarter of the odd sentences of
    strangers' patients unread."""
    known = [facts.text for facts in read_asides()][::12]
    said = known if lines != "others" else _OTHER_ASIDES.read_text(encoding="utf-8").splitlines()
    stories = [facts for facts, _ in read_vignette_file(JUDGED)][::4]
    pairs = [
        (facts, replace(facts, text=f"{facts.text} {line}"))
        for number, line in enumerate(said)
        for facts in stories[number % 3 :: 3]
    ]
    assert len(pairs) > 200
    before = classify_many([facts for facts, _ in pairs], explain=False)
    after = classify_many([told for _, told in pairs], explain=False)
    moved = [one.priority != then.priority for one, then in zip(after, before, strict=True)]
    assert np.mean(moved) <= (0.025 if lines == "others" else 0.01)


def test_vignettes_that_no_weight_has_seen_keep_their_marks() -> None:
    """Far below what the model card reports: this catches a break, it measures nothing."""
    for name in sorted(HELD_BACK):
        cases = read_vignette_file(_FILES / name)
        said = classify_many([facts for facts, _ in cases], explain=False)
        labels = np.array([priority for _, priority in cases])
        final = np.array([one.priority for one in said])
        assert np.mean(final == labels) >= 0.65, name
        assert np.mean(np.abs(final - labels) <= 1) >= 0.90, name
        assert (final[labels == 0] <= 1).all(), name


def test_no_vignette_is_held_back_and_trained_on() -> None:
    judged = {facts.text for name in HELD_BACK for facts, _ in read_vignette_file(_FILES / name)}
    trained = {facts.text for cases in read_vignettes().values() for facts, _ in cases}
    assert judged
    assert not judged & trained
