"""One spelling and one typography, with places in the note; what is not understood is known."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_site.triage.reading.note import Assertion, read
from triage_site.triage.reading.terms import TermIndex, may_stand, parse, spans, steps_of
from triage_site.triage.reading.words import stem


def _words(text: str) -> str:
    return " ".join(word.form for word in read(text).words if not word.is_mark)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("can&#39;t breathe", "can not breathe"),
        ("can´t breathe", "can not breathe"),
        ("un\u200bresponsive", "unresponsive"),
        ("unrespon-\nsive", "unresponsive"),
        ("S T R O K E now", "stroke now"),
        ("chest\u00a0pain", "chest pain"),
        ("chest-pain", "chest pain"),
        ("chestpain", "chest pain"),
        ("cardiac arest", "cardiac arrest"),
        ("haemorrhage", "hemorrhage"),
        ("pt c/o SOB", "patient complains of shortness of breath"),
        ("unable to stand", "can not stand"),
        ("?PE", "query pulmonary embolism"),
        ("CP (cerebral palsy)", "cerebral palsy"),
        ("LOC: alert", "alert"),
        ("LOC: drowsy", "level of consciousness drowsy"),
        ("red eye OD", "red eye od"),
        ("bisoprolol 2.5 OD", "bisoprolol 2.5 od"),
        ("amitriptyline OD", "amitriptyline overdose"),
        ("fever x2/7", "fever x 2 days"),
        ("facial drop", "facial drop"),
    ],
)
def test_words_come_to_one_form(text: str, expected: str) -> None:
    assert _words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("vomits", "vomiting"), ("choke", "choking"), ("fell", "falling"), ("bleeding", "bled"),
     ("localised", "localized"), ("swollen", "swell"), ("breathing", "breathe")],
)  # fmt: skip
def test_inflections_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("slur* speech", "slurring speech", True),
        ("facial/face droop", "face drooping", True),
        ("arm _ weak", "arm is suddenly weak", True),
        ("arm _ weak", "arm is not weak", False),
        ("arm weak", "arm, weak", False),
        ("=fit", "fitting", False),
        ("stop [the] bleed", "stop bleeding", True),
        ("chok* $", "choking on fish bone", False),
        ("chok* $", "found choking. Blue", True),
        ("can not breathe", "unable to breathe", True),
    ],
)
def test_the_language_of_terms(term: str, text: str, found: bool) -> None:
    assert bool(list(read(text).find(TermIndex([term])))) is found


def test_a_term_without_a_word_or_with_an_unknown_group_is_refused() -> None:
    for term in ("_", "[the]", "@nowhere"):
        with pytest.raises(ValueError, match=r"term|group"):
            parse(term, {})


@pytest.mark.parametrize(
    "text", ["Муж без сознания, хрипит", "כאב חזק בחזה", "dolor fuerte en el pecho desde ayer"]
)
def test_another_language_is_known_as_one(text: str) -> None:
    assert read(text).foreign_sentences
    assert not read("strong chest pain since yesterday").foreign_sentences


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_every_text_is_read_and_quotes_are_parts_of_it(text: str) -> None:
    note = read(text)
    for at, word in enumerate(note.words):
        assert 0 <= word.start < word.end <= max(1, len(text))
        assert note.quote(at, at + 1) in text


@pytest.mark.parametrize("text", ["unable to", "not able to", "he can no longer", "can't"])
def test_a_note_may_end_with_a_way_to_say_can_not(text: str) -> None:
    assert [word.form for word in read(text).words][-2:] == ["can", "not"]


_WORDS = st.sampled_from(
    [
        *("no", "pain", "in", "the", "chest", "now", ",", "not", "can", "breathe", "very"),
        *("sudden", "weak", "left", "arm", "since", "speech", ".", "a"),
    ]
)
_TERMS = (
    "chest pain", "pain _ chest", "sudden* [left] arm/speech", "can not breathe", "=now $",
    "weak _2 arm", "[no] pain in chest", "not/no _ breath*", "left arm , speech",
    "@side arm/speech",
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(_WORDS, max_size=14))
def test_the_search_at_all_places_and_the_spans_agree(words: list[str]) -> None:
    line = read(" ".join(words)).line
    groups = {"side": ["left", "very sudden"]}
    for term in _TERMS:
        steps = steps_of(term, groups)
        found = list(spans(steps, line))
        assert may_stand(steps, line) == bool(found), term
        assert all(first < last <= line.size for first, last in found)
        assert all(before[1] <= after[0] for before, after in pairwise(found))


@pytest.mark.parametrize(
    "text", ["sats <90 on air, RR >30", "BP <80, HR >130 and unwell", "SpO2 <88 -> O2, RR >32"]
)
def test_a_comparison_is_no_markup(text: str) -> None:
    kinds = {figure.kind for figure in read(text).figures}
    assert len(kinds & {"spo2_percent", "rr_bpm", "sbp_mmhg", "hr_bpm"}) == 2


def test_markup_is_no_word_of_the_note() -> None:
    words = [word.form for word in read('<p class="x"><b>Tooth</b><br/>ache &amp; fever').words]
    assert [word for word in words if word.isalpha()] == ["tooth", "ache", "fever"]


@pytest.mark.parametrize(
    "text",
    [
        "\u53f3\u811a\u8e1d\u626d\u4f24\uff0c\u80fd\u8d70\u8def\u3002 ankle sprain, weight bearing",
        "ankle sprain, weight bearing, walks well, \u0431\u043e\u043b\u044c",
    ],
)
def test_words_of_another_script_are_never_taken_for_understood(text: str) -> None:
    assert read(text).foreign_sentences


@pytest.mark.parametrize("text", ["temp 38 °C, 5 µg", "café worker, naïve, ½ pack a day"])
def test_a_letter_of_a_unit_or_an_accent_is_no_other_script(text: str) -> None:
    assert not read(text).foreign_sentences


@pytest.mark.parametrize(
    ("text", "is_bite"),
    [
        ("a bit better", False),
        ("bit dizzy", False),
        ("dog bit him", True),
        ("snake bit 2 h ago", True),
    ],
)
def test_a_bit_is_no_bite(text: str, is_bite: bool) -> None:
    assert any(word.stem == "bite" for word in read(text).words) is is_bite


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        # Names of medicines are of no language.
        ("Takes Plavix and Lipitor. Sudden severe headache", False),
        ("Rx: Symbicort, Spiriva, Seretide; wheezy", False),
        ("Meds: Lipitor, Zestril, Glucophage, Synthroid. Back ache", False),
        ("takes metformn, ramiprill, atorvastatine", False), ("Crestor, Norvasc, Lasix", False),
        ("Toma Plavix y Lipitor. Dolor de cabeza", True),
        ("Nimmt Marcumar und Bisoprolol, Kopfschmerzen", True),
        ("Prend Xarelto et Lasix, mal de tête", True),
        ("Bierze Xarelto, Lasix i Metformax, boli brzuch", True),
        ("Umiinom ng Plavix at Lipitor, masakit ang ulo", True),
        ("Ich bin in der achten Woche und habe starke Schmerzen im Bauch", True),
        ("Me duele mucho la barriga desde ayer por la noche", True),
        ("J'ai mal au ventre depuis deux jours et je vomis tout", True),
        ("Sinto uma dor forte nas costas. Started yesterday.", True),
        ("SOB x3/7, PMH COPD, sats 91 RA, ?LRTI, on pred + doxy", False),
        ("pt c/o abdo pain, N+V, PR bleed", False),
        ("She said 'mamma mia' and fell off the chair onto her wrist", False),
        ("ok", False), ("", False), ("hola", False),
    ],
)  # fmt: skip
def test_a_note_in_another_language_is_known_as_a_whole(text: str, is_foreign: bool) -> None:
    assert read(text).is_foreign is is_foreign


@pytest.mark.parametrize(
    ("text", "read_as_bleed"),
    [("ICH on CT", True), ("?ich on warfarin", True), ("Ich bin krank", False),
     ("heute bin ich gefallen", False)],
)  # fmt: skip
def test_german_for_i_is_no_shorthand(text: str, read_as_bleed: bool) -> None:
    assert ("intracranial" in [word.form for word in read(text).words]) is read_as_bleed


# (of a danger, of something harmless) for one piece of shorthand each.
_MEANINGS = [
    ("pulmonary embolism", "PE on CTPA, sent across", "twisted ankle in PE"),
    ("pulmonary embolism", "PE: sudden SOB, on the pill", "PE: wart on thumb"),
    ("pulmonary embolism", "off apixaban, PE", "wants a note to skip PE, sore heel"),
    ("aortic", "AAA 7 cm, back pain", "opened a pack of AAA batteries"),
    ("overdose", "OD 20 paracetamol", "OD -2.00 OS -1.75, glasses snapped"),
    ("overdose", "tabs OD, drowsy", "Tab Telma OD, strip over"),
    ("overdose", "OD of tramadol", "omeprazole OD before breakfast"),
    ("fibrillation", "VF x2 shocks", "VF to confrontation full"),
    ("tachycardia", "lives alone, VT on the monitor", "VT at animal clinic, scratch"),
    ("tachycardia", "in VT", "lives in Rutland, VT, sore throat"),
    ("heart attack", "lives in Leeds, MI 2 hrs ago", "visiting from Grand Rapids MI, bite"),
    ("heart attack", "MI (inferior)", "MI (Michigan) licence form"),
    ("transient", "letter from GP: TIA, arm weak", "can I have my sick note emailed, TIA!"),
    ("stroke", "CVA 2 hrs ago", "CVA non-tender, burning urine"),
    ("dead on arrival", "DOA", "DOA 04/05, stitches out"),
    ("monoxide", "CO: alarm at home", "CO: ear wax"),
    ("suicidal", "SI with plan", "SI joint sore"),
    ("homicidal", "HI with plan", "HI there, need a repeat script"),
    ("homicidal", "HI with plan", "glucometer reads HI"),
    ("homicidal", "HI with plan", "the meter says 'HI', thirsty"),
    ("homicidal", "HI with plan", "sugar was HI at home"),
    ("heart attack", "MI 2 hrs ago", "watched a film about MI 5, sore toe"),
    ("pulmonary embolism", "CTPA shows PE at RLL", "PE tubes in ears, discharge"),
    ("overdose", "OD on 30 tabs tonight", "red eye OD since yesterday"),
    ("overdose", "took 20 tablets, OD", "ibuprofen 400 mg OD, knee pain"),
    ("gunshot", "GSW to thigh", "jammed finger at the GSW game"),
    ("rsi", "RSI with ketamine and roc", "RSI both wrists from typing"),
    ("transient", "TIA, arm weak, Dr Patel", "Please see re plantar wart. TIA, Dr Patel"),
    ("saturation", "sats dropping, wheezy", "sat 40 minutes at the GP, ear wax"),
    ("temperature", "high temp, shivering", "temp filling fell out"),
    ("nb", "NB, not feeding", "NB: needs an interpreter, sore throat"),
    ("collision", "RTA, sore neck", "RTA type 4, potassium checked monthly"),
    ("review", "review of systems clear", "ROS today, clean wound"),
]


@pytest.mark.parametrize(("danger", "told", "harmless"), _MEANINGS)
def test_shorthand_with_two_meanings_is_read_by_what_stands_beside_it(
    danger: str, told: str, harmless: str
) -> None:
    assert danger in _words(told)
    assert danger not in _words(harmless)


@pytest.mark.parametrize("text", ["non-traumatic headache", "nontraumatic headache"])
def test_non_before_a_kind_denies_nothing(text: str) -> None:
    note = read(text)
    mentions = [mention for _, mention in note.find(TermIndex(["headache"]))]
    assert [mention.is_present for mention in mentions] == [True]


@pytest.mark.parametrize(
    "piece", ["no: ", "no - ", "(no ", "if a, ", "denies ", "without, ", "? ", "hx of asthma, "]
)
def test_ten_thousand_characters_of_cues_are_read_in_time(piece: str) -> None:
    """1,000 characters took 25 seconds of a processor once, then 10,000 took 44."""
    begun = time.process_time()
    read((piece * 10_000)[:10_000])
    assert time.process_time() - begun < 6


def test_a_cue_ends_after_the_longest_list() -> None:
    items = " ".join(f"word{number}" for number in range(400))
    note = read(f"denies {items}")
    assert note.assertion(100, 101) is Assertion.DENIED
    assert note.assertion(300, 301) is Assertion.PRESENT
