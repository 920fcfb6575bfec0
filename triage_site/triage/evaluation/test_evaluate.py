"""The figures against hand-counted ones, the file reader, and the command's contract."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triage_site.triage.evaluation import confusion, evaluate, figures
from triage_site.triage.evaluation.columns import to_facts
from triage_site.triage.facts import NOT_TAKEN, UNMEASURABLE, Consciousness, Sex

_HEADER = (
    "sex,age_years,arrival_mode,injury,chief_complaint,mental,pain,pain_score,"
    "sbp_mmhg,dbp_mmhg,hr_bpm,rr_bpm,temp_c,spo2_percent,nurse_level,expert_level"
)
_ROWS = (
    "1,70,2,1,ant. chest pain,1,1,6,140,80,92,20,36.5,97,2,2",
    "2,25,3,2,finger laceration,1,1,3,120,80,80,18,36.6,,4,4",
    "2,60,2,1,arrest,4,0,,unmeasurable,unmeasurable,unmeasurable,unmeasurable,,,1,1",
)


def _write(path: Path, header: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def _agreement(labels: list[int], decided: list[int]) -> dict[str, Any]:
    return figures.agreement(np.array(labels), np.array(decided), np.random.default_rng(0))


def test_figures_against_hand_counts() -> None:
    found = _agreement([0, 1, 1, 3, 4], [0, 0, 3, 3, 3])
    assert found["exact"] == pytest.approx(2 / 5)
    assert found["under"] == pytest.approx(1 / 5)
    assert found["over"] == pytest.approx(2 / 5)
    assert found["level1_recall"] == 1.0
    assert found["level12_recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["level12_to_45"] == pytest.approx(1 / 3, abs=1e-4)


def test_kappa_of_perfect_reversed_and_constant() -> None:
    labels = np.array([0, 1, 2, 3, 4])
    assert figures.kappa(labels, labels) == 1.0
    assert figures.kappa(labels, labels[::-1]) == pytest.approx(-1.0)
    assert figures.kappa(labels, np.full(5, 2)) == 0.0


def test_calibration_error_of_known_rows() -> None:
    chances = np.array([[0.85, 0.15, 0, 0, 0]] * 10)
    labels = np.array([0] * 6 + [1] * 4)
    assert figures.calibration_error(labels, chances) == pytest.approx(0.25)


def test_nothing_to_find_is_null_not_zero() -> None:
    found = _agreement([3, 4], [3, 4])
    assert found["level1_recall"] is None
    assert found["intervals"]["level1_recall"] == [None, None]


def test_rows_of_the_study_become_facts() -> None:
    row = next(csv.DictReader([_HEADER, _ROWS[2]]))
    facts = to_facts(row)
    assert (facts.sex, facts.consciousness) == (Sex.MALE, Consciousness.UNRESPONSIVE)
    assert facts.sbp_mmhg is UNMEASURABLE
    assert facts.temp_c is NOT_TAKEN
    assert facts.pain_score == 0.0


def test_report_has_the_promised_keys(tmp_path: Path) -> None:
    cases = evaluate.read_csv(_write(tmp_path / "cases.csv", _HEADER, _ROWS))
    found = evaluate.report(cases, evaluate.run(cases))
    assert {"best_guess", "operating_point", "nurse", "ece", "conformal"} <= set(found)
    assert {"cases_per_second", "p95_ms"} <= set(found)
    for head in ("best_guess", "operating_point", "nurse"):
        assert {"exact", "qwk", "under", "over", "level1_recall", "level12_recall"} <= set(
            found[head]
        )
        assert "level12_to_45" in found[head]
    assert set(found["conformal"]) == {"coverage", "mean_size"}
    assert found["nurse"]["exact"] == 1.0
    assert "operating point" in evaluate.as_text(found)


def test_labels_are_optional_and_levels_can_be_written(tmp_path: Path) -> None:
    rows = ['"My father is not breathing, we do CPR",70', "needs a repeat prescription,30"]
    cases = evaluate.read_csv(_write(tmp_path / "text.csv", "text,age_years", rows))
    outcome = evaluate.run(cases)
    evaluate.write_cases(tmp_path / "levels.csv", [(cases, outcome)])
    assert "best_guess" not in evaluate.report(cases, outcome)
    with (tmp_path / "levels.csv").open(encoding="utf-8") as handle:
        written = list(csv.DictReader(handle))
    assert list(written[0]) == ["id", "priority", "best_guess", "needs_person", "signs"]
    assert [row["id"] for row in written] == ["1", "2"]
    assert written[0]["priority"] == "0"
    assert written[0]["signs"]
    assert int(written[1]["priority"]) >= 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([_ROWS[0], _ROWS[1].replace("25", "old")], "line 3: age_years: 'old' is not a number"),
        (
            [_ROWS[0].replace(",2,2", ",2,7")],
            "line 2: expert_level: '7' is not a level from 1 to 5",
        ),
        (["9" + _ROWS[0][1:]], "line 2: sex: unknown code '9'"),
        ([_ROWS[0].replace("140", "1400")], "line 2: sbp_mmhg: 1400 is outside"),
        ([_ROWS[0].replace("140,80", "140,150")], "line 2: dbp_mmhg: 150 is not below"),
        ([_ROWS[0].replace("36.5", "52")], "line 2: temp_c: 52 is outside 20 to 46"),
        (["1,70"], "line 2: row: has not 16 fields"),
        ([], "line 2: file: has a header but no rows"),
    ],
)
def test_bad_file_says_line_field_and_reason(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(evaluate.BadFile) as caught:
        evaluate.read_csv(_write(tmp_path / "bad.csv", _HEADER, rows))
    assert str(caught.value).startswith(message)


def test_other_order_delimiter_decimals_and_encoding_are_read(tmp_path: Path) -> None:
    plain = evaluate.read_csv(_write(tmp_path / "plain.csv", _HEADER, _ROWS))
    lines = [line.split(",")[::-1] for line in (_HEADER.upper(), *_ROWS)]
    text = "\r\n".join(";".join(cell.replace(".", ",") for cell in line) for line in lines)
    turned = tmp_path / "turned.csv"
    turned.write_bytes(text.replace("ant, chest", "ant. chest").encode("utf-8-sig"))
    assert evaluate.read_csv(turned) == plain


def test_windows_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_bytes("text,age_years\ncan\u2019t breathe,70\n".encode("cp1252"))
    assert evaluate.read_csv(path).facts[0].text == "can\u2019t breathe"


def test_empty_label_column_is_no_label_and_a_gap_is_an_error(tmp_path: Path) -> None:
    rows = ["cough,30,", "arrest,60,"]
    header = "text,age_years,expert_level"
    assert evaluate.read_csv(_write(tmp_path / "none.csv", header, rows)).labels is None
    with pytest.raises(evaluate.BadFile, match="line 3: expert_level: is empty"):
        evaluate.read_csv(_write(tmp_path / "gap.csv", header, [rows[0] + "4", rows[1]]))


@pytest.mark.parametrize("data", [b"\0\1\2", b""])
def test_no_text_or_no_header_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(evaluate.BadFile, match="line 1"):
        evaluate.read_csv(path)


def test_unknown_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(evaluate.BadFile, match="line 1: text"):
        evaluate.read_csv(_write(tmp_path / "bad.csv", "a,b", ["1,2"]))


def test_the_headers_of_the_study_and_of_mimic_are_read(tmp_path: Path) -> None:
    study = "Group;Sex;Age;Arrival mode;Injury;Chief_complain;Mental;Pain;NRS_pain;SBP;DBP;HR;RR;BT"
    row = "2;2;71;3;2;right ocular pain;1;1;2;160;100;84;18;36.6"
    header = f"{study};Saturation;KTAS_RN;KTAS_expert"
    cases = evaluate.read_csv(_write(tmp_path / "study.csv", header, [f"{row};#BO\u00de!;2;4"]))
    assert (cases.facts[0].age_years, cases.facts[0].pain_score) == (71.0, 2.0)
    assert (cases.labels, cases.nurse) == ([3], [1])
    mimic = (
        "subject_id,stay_id,temperature,heartrate,resprate,o2sat,sbp,dbp,pain,acuity,chiefcomplaint"
    )
    cases = evaluate.read_csv(
        _write(tmp_path / "mimic.csv", mimic, ["1,77,98.6,80,16,99,120,70,13,3,Abd pain"])
    )
    assert cases.facts[0].temp_c == 37.0
    assert cases.facts[0].pain_score is NOT_TAKEN
    assert (cases.ids, cases.labels) == (["77"], [2])


def test_the_words_of_the_api_and_json_lines_are_read(tmp_path: Path) -> None:
    table = _write(
        tmp_path / "words.csv",
        "text,sex,arrival_mode,consciousness,injury,priority",
        ["fell,female,ambulance,alert,true,2"],
    )
    facts = evaluate.read_csv(table).facts[0]
    assert (facts.arrival_mode, facts.injury) == ("ambulance", True)
    lines = tmp_path / "cases.jsonl"
    lines.write_text(
        '{"text": "fell", "hr_bpm": 88, "arrival_mode": "call", "expected_priority": 3}\n', "utf-8"
    )
    cases = evaluate.read_file(lines)
    assert (cases.labels, cases.facts[0].hr_bpm) == ([3], 88)
    lines.write_text('{"text": "fell", "hr_bpm": 900}\n', encoding="utf-8")
    with pytest.raises(evaluate.BadFile, match="line 1: hr_bpm: 900 is outside"):
        evaluate.read_file(lines)


def test_lines_of_the_replay_of_calls_are_read(tmp_path: Path) -> None:
    lines = tmp_path / "calls.jsonl"
    call = {"id": "a", "offset_seconds": 1.5, "call_type": "FALL", "expected_priority": 3}
    lines.write_text(json.dumps({**call, "facts": {"text": "fell", "age_years": 70}}), "utf-8")
    cases = evaluate.read_file(lines)
    assert (cases.ids, cases.labels) == (["a"], [3])
    assert (cases.facts[0].text, cases.facts[0].age_years) == ("fell", 70)
    for facts, reason in (("fell", "facts: is no JSON object"), ({"call": 1}, "call: unknown")):
        lines.write_text(json.dumps({**call, "facts": facts}), "utf-8")
        with pytest.raises(evaluate.BadFile, match=f"line 1: {reason}"):
            evaluate.read_file(lines)


def test_a_folder_gives_its_sources_and_a_picture_is_drawn(tmp_path: Path) -> None:
    _write(tmp_path / "b.csv", "text,age_years", ["cough,30"])
    _write(tmp_path / "a.csv", "text,age_years", ["cough,30"])
    assert [file.name for file in evaluate.sources(tmp_path)] == ["a.csv", "b.csv"]
    confusion.draw([[1, 0, 0, 0, 0]] * 5, "a", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
