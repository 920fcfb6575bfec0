"""Every grave danger sign has a first action in the guidance, and none beside what says it."""

from __future__ import annotations

import re

import pytest

from llm_worker.engine.local import sbar_fit, sbar_lines
from llm_worker.engine.local.sbar_form import Fixed, sbar_form
from llm_worker.engine.local.sbar_lines import learned, sign_lines
from triage_site.triage.brief import build_brief
from triage_site.triage.facts import CaseFacts, Consciousness
from triage_site.triage.signs.tables import signs
from triage_site.triage.signs.vital_rules import VITAL_RULES

# The vital actions say it, or nothing is said that a line could add.
_SAID_ELSEWHERE = {"chemical in the eye", "fever with weak immune defence", "seizing now"}
_SAID_ELSEWHERE |= {"dispatch code or team alert"}


def told(text: str, sign: str, complaint: str | None = None, **facts: object) -> str:
    """The recommendation, as far as it is fixed."""
    known = CaseFacts(text=text, age_years=40, **facts)  # type: ignore[arg-type]
    brief = build_brief(known, priority=1, danger_signs=[sign], complaint=complaint)
    fixed = "".join(piece.text for piece in sbar_form(brief) if isinstance(piece, Fixed))
    return fixed.partition("Recommendation:")[2]


def test_every_sign_of_level_0_and_1_has_a_first_action() -> None:
    grave = {sign.name for sign in signs() if sign.level <= 1}
    assert grave - sign_lines().keys() == _SAID_ELSEWHERE


def test_what_the_form_asks_for_is_the_beginning_of_a_sign_that_there_is() -> None:
    names = {sign.name for sign in signs()} | {rule.label for rule in VITAL_RULES}
    asked = {*sbar_fit._ANAPHYLAXIS, *sbar_fit._FOR_SURGEON, sbar_fit._CHEMICAL_IN_EYE}
    asked |= {"seizing now", "cardiac or breathing arrest", sbar_lines._WEAK_DEFENCE}
    assert {one for one in asked if not any(name.startswith(one) for name in names)} == set()
    assert {one for one in sbar_fit._OF_HEART if not any(one in name for name in names)} == set()


def test_every_row_is_of_a_sign_that_there_is() -> None:
    names = {sign.name for sign in signs()} | {rule.label for rule in VITAL_RULES}
    assert sign_lines().keys() <= names
    rows = [row for rows in sign_lines().values() for row in rows]
    assert {row.said_by for row in rows} - {""} <= learned().keys()
    assert not [row.action for row in rows if re.search(r"\d|\.$|^[a-z]", row.action)]


@pytest.mark.parametrize(
    ("text", "sign", "action"),
    [
        ("Addison's, vomiting, weak", "adrenal, thyroid, kidney or salt crisis", "Hydrocortisone"),
        ("thyroid storm", "adrenal, thyroid, kidney or salt crisis", "thyroid treatment"),
        ("missed dialysis", "adrenal, thyroid, kidney or salt crisis", "measure the salts again"),
        ("on prednisolone, vomiting", "steroid-dependent patient who is ill", "Hydrocortisone"),
        ("haemophilia, fell", "injury or bleed with a bleeding disorder", "Clotting factor"),
        (
            "known aneurysm, faint",
            "pain or faintness with a known aneurysm or weak vessels",
            "vascular surgeon",
        ),
        ("cannot move his arm", "possible stroke", "Call the stroke team"),
        ("fits, pregnant", "fit in pregnancy or after birth", "magnesium"),
    ],
)
def test_a_grave_sign_names_its_first_action(text: str, sign: str, action: str) -> None:
    assert action in told(text, sign)


def test_a_first_action_is_left_out_where_the_complaint_or_the_form_says_otherwise() -> None:
    sign = "loss of or reduced consciousness"
    assert "recovery position" in told("found on the floor", sign)
    assert "recovery position" not in told("woke up", sign, consciousness=Consciousness.ALERT)
    assert "recovery position" not in told("woke up", f"{sign} by the note")
    allergic = told("lips swell", "possible anaphylaxis", "allergic reaction")
    assert allergic.count("Adrenaline into the muscle") == 1
    assert "Adrenaline into the muscle now" in told("lips swell", "possible anaphylaxis")


def _about(text: str, complaint: str, words: str) -> str:
    facts = CaseFacts(text=text, age_years=40)
    brief = build_brief(
        facts, priority=1, danger_signs=[words], complaint=complaint, complaint_words=(words,)
    )
    pieces = sbar_form(brief)
    return "\n".join(
        one.text if isinstance(one, Fixed) else "\n".join(one.choices) for one in pieces
    )


@pytest.mark.parametrize("before", ["was fully alert", "fully alert until noon"])
def test_the_airway_of_somebody_who_was_awake_before_is_opened(before: str) -> None:
    text = f"unresponsive, {before}"
    assert "Open the airway" in _about(text, "reduced consciousness", "unresponsive")


def test_somebody_who_choked_and_is_well_now_gets_no_back_blows() -> None:
    for text, is_slapped in (("choking on meat", True), ("choking on meat, now fine", False)):
        told_text = _about(text, "choking or airway trouble", "choking")
        assert ("back blows" in told_text) is is_slapped
