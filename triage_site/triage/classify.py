"""A case in, a suggestion out: signs and model together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import numpy as np

from triage_site.triage.decision import DEFAULT_COSTS, Costs, decide, level_sets
from triage_site.triage.facts import CaseFacts, Consciousness
from triage_site.triage.model.asides import asides
from triage_site.triage.model.complaints import find_groups
from triage_site.triage.model.encoder import (
    NUM_BOUNDARIES,
    Encoded,
    encoder,
    nothing_read,
    words_to_read,
)
from triage_site.triage.model.explain import gravest_words, model_reasons
from triage_site.triage.model.features import CaseView, apart_from_requests, view
from triage_site.triage.model.naming import (
    REQUEST,
    Complaint,
    complaint,
    resembles_a_complaint,
    words_without_a_name,
)
from triage_site.triage.model.of_now import OfNow
from triage_site.triage.model.scoring import Floats, Model, load
from triage_site.triage.news2 import news2
from triage_site.triage.reading.awareness import is_awake_after
from triage_site.triage.reading.disagreement import disagreements, state_words
from triage_site.triage.reading.measured import Measured, measure
from triage_site.triage.reading.note import Mention, Note, Word, is_told, read
from triage_site.triage.reading.several import tells_of_several
from triage_site.triage.reading.tokens import is_known
from triage_site.triage.reading.words import TABLES
from triage_site.triage.signs.matching import longest
from triage_site.triage.signs.rules import (
    EARLIER,
    RULES_VERSION,
    Fired,
    fire,
    most_urgent,
    to_reason,
)
from triage_site.triage.signs.tables import COMA_SIGN, NOT_ALERT_SIGNS
from triage_site.triage.types import (
    CONTRADICTION,
    LEAST_URGENT,
    NOT_OF_NOW,
    NUM_PRIORITIES,
    Classification,
    Reason,
)
from triage_site.triage.vitals import VITAL_RANGES

NO_MODEL: Final = "none"
# What is not understood is not mild.
DOUBTFUL_PRIORITY: Final = 2
BY_THE_NOTE: Final = "by the note"
SERIOUS_WORDS: Final = "serious words"  # of the note, where no table has them
_SERIOUS_CODE: Final = "serious_words"
NOT_NOW_TEXT: Final = "not counted, read as not of this patient now"
_GRAVE: Final = 1  # from this priority on a case needs a sign that says why
_ENTERED: Final = frozenset(VITAL_RANGES)
_RESPONDS: Final = frozenset({Consciousness.CONFUSED, Consciousness.VOICE})
_SCORE: Final = "gcs"
_SETTLES: Final = {"V0-NO-PULSE": "arrest"}  # what is `_unclear`, beside the clear sign
_BODY: Final = frozenset(TABLES["sets"]["body"].split())
_VITALS_USUAL: Final = "vital:vital-signs-in-the-usual-range"
# Groups that tell how it is or what is wanted, not what is wrong.
_SAY_NO_COMPLAINT: Final = frozenset({"severe", "sudden", "worsening", "mild", "chronic", "advice"})
_NOTHING_RECOGNISED: Final = "nothing_recognised"
_MOST_URGENT_OF_ERRAND: Final = 0.1  # P(priority <= 2)
_LEAST_OF_ERRAND: Final = 3  # words
# No errand: it may be written for a machine.
_SPEAKS_OF_TRIAGE: Final = re.compile(
    r"[{}<>\[\]]|\b(?:priorit\w*|level|urgen\w*|triage|instructions?|system)\b", re.IGNORECASE
)
_MOST_VIEWS: Final = 4  # statements of danger that are read alone
_MIN_CONFIDENCE: Final = 0.45
_MAX_LEVELS: Final = 2
_MAX_GAP: Final = 2
_MOST_CONFIDENT: Final = 0.98
_CONFIDENT_IN_DOUBT: Final = 0.6


@dataclass(frozen=True, slots=True)
class Seen:
    """A case with what signs and features make of it."""

    facts: CaseFacts  # with what the note tells of what was not entered
    entered: CaseFacts
    note: Note
    measured: Measured
    fired: tuple[Fired, ...]
    named: tuple[Mention, ...]  # complaints, however they are meant
    view: CaseView
    set_aside: tuple[Mention, ...] = ()  # words of danger that the encoder reads as not of now


def look(facts: CaseFacts) -> Seen:
    """Raises FileNotFoundError where the encoder or the words of asides are missing."""
    return _look(facts, _encode)


def look_by_cues(facts: CaseFacts) -> Seen:
    """Without the encoder: what fires by the cues alone."""
    return _look(facts, lambda _facts, note, _fired, _named: nothing_read(note))


def _encode(
    facts: CaseFacts, note: Note, fired: Sequence[Fired], named: Sequence[Mention]
) -> Encoded:
    """What the encoder says of the words that are of the patient.

    Where the worst sign is of level 2 or milder, it is at the boundaries that no sign decides the
    most urgent of the whole, of the rest without the sentences that tell a danger, and of each of
    those alone: so words of a danger take nothing away, whatever is said beside them. Nor do words
    that may be an aside: the note without them is read as well.
    """
    dangers = [mention for item in fired for mention in item.mentions]
    apart, doubtful = asides().words_of(note, [*dangers, *named])
    said: dict[tuple[str, ...], Encoded] = {}

    def read_without(unread: frozenset[int]) -> Encoded:
        words = tuple(words_to_read(note, unread))
        if words not in said:
            said[words] = encoder().read(note, facts.age_years, unread)
        return said[words]

    whole = read_without(apart).at_least([read_without(doubtful)], below=NUM_BOUNDARIES)
    telling = [*_sentences_of(note, dangers)]
    decided = most_urgent(fired)
    if not telling or decided <= _GRAVE:
        return whole
    every = frozenset(range(len(note.words)))
    views = [apart.union(*telling), doubtful.union(*telling)]
    views += [every.difference(span) for span in telling[:_MOST_VIEWS]]
    return whole.at_least([read_without(unread) for unread in views], below=decided)


def _sentences_of(note: Note, told: Sequence[Mention]) -> Iterator[range]:
    """The words of each sentence that tells one of these."""
    for _, group in groupby(note.statements, key=lambda said: said.sentence):
        said = [*group]
        words = range(said[0].first, said[-1].last)
        if any(one.first < words.stop and words.start < one.last for one in told):
            yield words


_Encode = Callable[[CaseFacts, Note, Sequence[Fired], Sequence[Mention]], Encoded]


def _look(facts: CaseFacts, encode: _Encode) -> Seen:
    note = read(facts.text)
    measured = measure(facts, note)
    by_cues = fire(measured, note)
    groups = apart_from_requests(find_groups(note))
    named = tuple(mention for group, mention in groups if group.names_complaint)
    dangers = [mention for item in by_cues for mention in item.mentions]
    encoded = encode(measured.facts, note, by_cues, named)
    of_now = OfNow(note, encoded)
    told = fired = fire(measured, note, of_now.is_told)
    set_aside: tuple[Mention, ...] = ()
    if _has_other_reason(dangers, [mention for _, mention in groups]):
        fired = tuple(item for item in told if of_now.counts(item))
        lost = [mention for item in told if item not in fired for mention in item.mentions]
        set_aside = tuple(longest(lost))
    return Seen(
        facts=measured.facts,
        entered=facts,
        note=note,
        measured=measured,
        fired=fired,
        named=named,
        view=view(measured, note, fired, groups, encoded),
        set_aside=set_aside,
    )


def _has_other_reason(dangers: Sequence[Mention], told: Sequence[Mention]) -> bool:
    """Whether the note tells a complaint or a request beside its dangers: where it does not, "no
    pain. STROKE", the danger is what somebody came for."""
    taken = {at for one in dangers for at in range(one.first, one.last)}
    return any(one.is_present and taken.isdisjoint(range(one.first, one.last)) for one in told)


def classify(
    facts: CaseFacts, *, costs: Costs = DEFAULT_COSTS, model: Model | None = None
) -> Classification:
    """The whole classifier. Raises FileNotFoundError or ModelMismatch when weights are missing."""
    return classify_many([facts], costs=costs, model=model)[0]


def classify_many(
    cases: Sequence[CaseFacts],
    *,
    costs: Costs = DEFAULT_COSTS,
    explain: bool = True,
    model: Model | None = None,
) -> list[Classification]:
    """Many cases at once: the model runs once over all. Reasons of the model only on demand.

    Without a `model`, the shipped one speaks.
    """
    if not cases:
        return []
    model = load() if model is None else model
    seen = [look(facts) for facts in cases]
    judged = model.judge([case.view for case in seen])
    said = suggest(
        seen,
        judged.chances,
        version=model.version,
        set_threshold=judged.thresholds,
        costs=costs,
        caution=judged.caution,
    )
    if not explain:
        return said
    return [
        replace(one, reasons=_with_model(case, one, model))
        for one, case in zip(said, seen, strict=True)
    ]


def suggest(
    seen: Sequence[Seen],
    probabilities: Floats,
    *,
    version: str,
    set_threshold: Floats | float,
    costs: Costs = DEFAULT_COSTS,
    caution: Floats | float = 1.0,
) -> list[Classification]:
    """Signs and decision around any model's `probabilities` [cases, 5], without its reasons."""
    decided = decide(probabilities, costs, caution)
    sets = level_sets(probabilities, set_threshold)
    return [
        _suggestion(case, chances, int(decision), levels, version)
        for case, chances, decision, levels in zip(seen, probabilities, decided, sets, strict=True)
    ]


def screen(facts: CaseFacts) -> Classification:
    """Signs and NEWS2 alone, for when model or encoder fail: without a sign nothing is said."""
    case = look_by_cues(facts)
    priority = most_urgent(case.fired)
    if _doubts(case):
        priority = min(priority, DOUBTFUL_PRIORITY)
    even = 1.0 / NUM_PRIORITIES
    named = _complaint(replace(case, view=replace(case.view, named=())))
    return Classification(
        priority=priority,
        model_priority=priority,
        probabilities=(even, even, even, even, even),
        confidence=0.0,
        level_set=tuple(range(priority + 1)),
        needs_person=True,
        reasons=(*_contradictions(case), *_rule_reasons(case)),
        danger_signs=_danger_signs(case),
        rules_version=RULES_VERSION,
        model_version=NO_MODEL,
        news2=news2(case.facts),
        complaint=named.label or None,
        complaint_words=named.words,
        person_reasons=(*_doubts(case), "no_model"),
    )


def _suggestion(
    case: Seen, chances: Floats, decided: int, levels: tuple[int, ...], version: str
) -> Classification:
    floor = most_urgent(case.fired)
    doubts = _doubts(case)
    is_errand = _NOTHING_RECOGNISED in doubts and _is_an_errand(case, chances)
    if set(doubts) - ({_NOTHING_RECOGNISED} if is_errand else set()):
        floor = min(floor, DOUBTFUL_PRIORITY)
    priority = min(decided, floor)
    unsure = _unsure(case, float(chances.max()), levels, decided)
    why = tuple(dict.fromkeys((*doubts, *unsure)))
    named = _complaint(case)
    if named.label == REQUEST and priority <= DOUBTFUL_PRIORITY:  # there is more to it
        named = Complaint("", words_without_a_name(case.fired, case.view.named, case.note))
    serious = _by_its_words(case, priority)
    p0, p1, p2, p3, p4 = (round(float(chance), 4) for chance in chances)
    return Classification(
        priority=priority,
        model_priority=int(np.argmax(chances)),
        probabilities=(p0, p1, p2, p3, p4),
        confidence=_confidence(float(chances.max()), why),
        level_set=_with(levels, priority) if doubts else levels,
        needs_person=bool(why),
        reasons=(*_contradictions(case), *serious, *_rule_reasons(case), *_not_counted(case)),
        danger_signs=(*_labels(serious), *_danger_signs(case)),
        rules_version=RULES_VERSION,
        model_version=version,
        news2=news2(case.facts),
        complaint=named.label or None,
        complaint_words=named.words,
        person_reasons=why,
    )


def _contradictions(case: Seen) -> tuple[Reason, ...]:
    """What form and note say differently, so that a person can set it right."""
    told = disagreements(case.measured, case.entered)
    words = [
        word
        for item in case.fired
        if item.code in NOT_ALERT_SIGNS and _speaks_against(case, item)
        for word in item.words
        if not is_awake_after(case.facts.text, word)
    ]
    found = [Reason(kind="vital", code=CONTRADICTION, text=text) for text in told.values()]
    if words and "consciousness" not in told:
        text = state_words(case.entered, f"'{max(words, key=len)}'")
        found.append(Reason(kind="vital", code=CONTRADICTION, text=text, words=tuple(words)))
    return tuple(found)


def _not_counted(case: Seen) -> tuple[Reason, ...]:
    """Words of danger that stand in the note and fired nothing, so that a person can object."""
    words = dict.fromkeys(mention.words for mention in case.set_aside)
    if not words:
        return ()
    return (Reason(kind="word", code=NOT_OF_NOW, text=NOT_NOW_TEXT, words=tuple(words)),)


def _with(levels: tuple[int, ...], level: int) -> tuple[int, ...]:
    return tuple(range(min(*levels, level), max(*levels, level) + 1))


def _confidence(chance: float, why: Sequence[str]) -> float:
    """Never certain, least of all where a person should decide."""
    return round(min(chance, _CONFIDENT_IN_DOUBT if why else _MOST_CONFIDENT), 4)


def _doubts(case: Seen) -> tuple[str, ...]:
    """Why the text itself cannot be relied on."""
    found = {
        "not_understood": bool(case.facts.text.strip()) and not _is_understood(case),
        CONTRADICTION: bool(_contradictions(case)),
        _NOTHING_RECOGNISED: _tells_nothing(case),
    }
    return tuple(code for code, holds in found.items() if holds)


def _is_understood(case: Seen) -> bool:
    """Whether the words are known, or something was recognised in a sentence whose words are."""
    if not case.note.foreign_sentences:
        return not case.note.is_empty
    told = (*case.named, *(mention for item in case.fired for mention in item.mentions))
    return any(
        said.first <= mention.first < said.last and said.sentence not in case.note.foreign_sentences
        for mention in told
        for said in case.note.statements
    )


def _tells_nothing(case: Seen) -> bool:
    """Whether a few words say neither complaint nor danger: "pt won't say". Words of the body say
    something where all words beside them are known."""
    told = case.view.is_story or case.fired or case.view.concepts.keys() - _SAY_NO_COMPLAINT
    return bool(case.facts.text.strip()) and not (told or _is_of_the_body(case.note.words))


def _is_an_errand(case: Seen, chances: Floats) -> bool:
    """Whether a few known words without a complaint that the tables have ("printout for GP") are
    surely mild and resemble what people come for. A person looks at them all the same."""
    told = [word for word in case.note.words if is_told(word)]
    return (
        not _SPEAKS_OF_TRIAGE.search(case.facts.text)
        and float(chances[: DOUBTFUL_PRIORITY + 1].sum()) <= _MOST_URGENT_OF_ERRAND
        and len(told) >= _LEAST_OF_ERRAND
        and all(map(is_known, told))
        and resembles_a_complaint(case.fired, case.view.named, case.facts, case.note)
    )


def _is_of_the_body(words: Sequence[Word]) -> bool:
    told = [word for word in words if is_told(word)]
    return all(map(is_known, told)) and any(
        word.form in _BODY or word.stem in _BODY for word in told
    )


def _unsure(
    case: Seen, confidence: float, levels: tuple[int, ...], decided: int
) -> tuple[str, ...]:
    """Too little known, too many levels likely, or signs and model far apart."""
    floor = most_urgent(case.fired)
    foreign = bool(case.note.foreign_sentences) and _is_understood(case)
    found = {
        "partly_not_understood": foreign,
        "several_patients": tells_of_several(case.facts.text),
        _NOTHING_RECOGNISED: not case.view.concepts and not case.fired,
        "unsure": confidence < _MIN_CONFIDENCE or len(levels) > _MAX_LEVELS,
        "rules_against_model": floor < LEAST_URGENT and decided - floor >= _MAX_GAP,
    }
    return tuple(code for code, holds in found.items() if holds)


def _complaint(case: Seen) -> Complaint:
    return complaint(case.fired, case.view.named, case.facts, case.note)


def _danger_signs(case: Seen) -> tuple[str, ...]:
    """Labels, most urgent first; one that a longer, more urgent label already says is left out.

    A label says so where only the note has it and another value was entered.
    """
    signs: list[str] = []
    for item in _told(case):
        if not any(item.label in sign for sign in signs if EARLIER not in sign):
            signs.append(item.label + _whose(case, item))
    return tuple(signs)


def _rule_reasons(case: Seen) -> list[Reason]:
    return [
        replace(reason, text=reason.text + _whose(case, item))
        for item in _told(case)
        for reason in [to_reason(item)]
    ]


def _told(case: Seen) -> list[Fired]:
    """What fired, without what is called unclear where another sign makes it clear."""
    clear = {f"{_SETTLES.get(item.code, item.code)}_unclear" for item in case.fired}
    return [item for item in case.fired if item.code not in clear]


def _whose(case: Seen, item: Fired) -> str:
    if item.is_earlier:
        return f", {BY_THE_NOTE}"
    return f" {BY_THE_NOTE}" if _is_of_the_note(case, item) else ""


def _by_its_words(case: Seen, priority: int) -> tuple[Reason, ...]:
    """For a grave case without a sign that explains it: the words that made the model so sure."""
    if priority > _GRAVE or most_urgent(case.fired) <= _GRAVE:
        return ()
    words = gravest_words(case.view, case.note, _GRAVE)
    if not words:
        return ()
    return (Reason(kind="word", code=_SERIOUS_CODE, text=SERIOUS_WORDS, words=(words,)),)


def _labels(serious: Sequence[Reason]) -> tuple[str, ...]:
    return tuple(f"{one.text} '{one.words[0]}'" for one in serious)


def _with_model(case: Seen, said: Classification, model: Model) -> tuple[Reason, ...]:
    """Without what only quotes the serious words once more, or calls usual what is not."""
    found = model_reasons(case.view, case.note, case.fired, said.priority, model)
    serious = [one.words for one in said.reasons if one.code == _SERIOUS_CODE]
    far = any(not item.mentions for item in case.fired) or any(map(case.facts.band, VITAL_RANGES))
    new = [one for one in found if one.words not in serious]
    return (*said.reasons, *(one for one in new if not (far and one.code == _VITALS_USUAL)))


def _is_of_the_note(case: Seen, item: Fired) -> bool:
    """Whether a value of the note fired, and not the one of the form that people see beside it."""
    entered = item.shows in _ENTERED and case.facts.value(item.shows) is not None
    return _speaks_against(case, item) or (entered and item.shows in case.measured.extra)


def _speaks_against(case: Seen, item: Fired) -> bool:
    """Whether the note alone has what fired, and the form says another thing."""
    if item.code in NOT_ALERT_SIGNS:
        told = re.search(NOT_ALERT_SIGNS[item.code], " ".join(item.words), re.IGNORECASE)
        is_awake = item.code == COMA_SIGN and case.entered.consciousness in _RESPONDS
        return told is not None and (is_awake or case.facts.consciousness is Consciousness.ALERT)
    if item.shows == _SCORE:
        return case.measured.is_worse_in_the_note
    return item.shows in case.measured.contradicted and item.shows in case.measured.extra
