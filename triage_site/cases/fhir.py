"""A case as a FHIR R4 Bundle: https://hl7.org/fhir/R4/. A read-only export.

The patient is a pseudonym: the case's own id and sex, no name. The age is an observation of its
own; a year of birth is given only where the age leaves one year alone, so mostly for babies.
Vital signs carry LOINC codes and UCUM units.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from triage_site.cases.clinical import ClinicalStatus, Disposition
from triage_site.cases.level_story import level_story
from triage_site.cases.levels import level_of
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.selectors import VitalsTaken
from triage_site.cases.typed import YEARS_PER
from triage_site.triage.facts import UNMEASURABLE, Consciousness, Sex

Json = dict[str, Any]

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
CODES: Final = "http://terminology.hl7.org/CodeSystem"
LOCAL: Final = "urn:semantic-triage"
_NAMESPACE: Final = uuid.UUID("6a0c3f0e-5b1d-4d55-9a0c-0c6a6f0d7a11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    code: str
    display: str
    unit: str
    ucum: str


_VITALS: Final[Mapping[str, Coded]] = {
    "rr_bpm": Coded(code="9279-1", display="Respiratory rate", unit="/min", ucum="/min"),
    "spo2_percent": Coded(
        code="59408-5",
        display="Oxygen saturation in Arterial blood by Pulse oximetry",
        unit="%",
        ucum="%",
    ),
    "sbp_mmhg": Coded(code="8480-6", display="Systolic blood pressure", unit="mmHg", ucum="mm[Hg]"),
    "dbp_mmhg": Coded(
        code="8462-4", display="Diastolic blood pressure", unit="mmHg", ucum="mm[Hg]"
    ),
    "hr_bpm": Coded(code="8867-4", display="Heart rate", unit="/min", ucum="/min"),
    "temp_c": Coded(code="8310-5", display="Body temperature", unit="°C", ucum="Cel"),
    "pain_score": Coded(
        code="72514-3",
        display="Pain severity - 0-10 verbal numeric rating [Score] - Reported",
        unit="{score}",
        ucum="{score}",
    ),
}
_CONSCIOUSNESS: Final = {
    Consciousness.ALERT: "Alert",
    Consciousness.CONFUSED: "New confusion",
    Consciousness.VOICE: "Responds to voice",
    Consciousness.PAIN: "Responds to pain",
    Consciousness.UNRESPONSIVE: "Unresponsive",
}
_GENDER: Final = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.OTHER: "other"}
# Encounter.status: https://hl7.org/fhir/R4/valueset-encounter-status.html
_STATUS: Final = {
    ClinicalStatus.WAITING: "arrived",
    ClinicalStatus.BEING_SEEN: "in-progress",
    ClinicalStatus.CLOSED: "finished",
}
# http://terminology.hl7.org/CodeSystem/v3-ActPriority
_PRIORITY: Final = (
    ("EM", "emergency"),
    ("EM", "emergency"),
    ("UR", "urgent"),
    ("R", "routine"),
    ("R", "routine"),
)
# http://terminology.hl7.org/CodeSystem/discharge-disposition
_DISPOSITION: Final = {
    Disposition.DISCHARGED: ("home", "Home"),
    Disposition.ADMITTED: ("oth", "Other"),
    Disposition.TRANSFERRED: ("other-hcf", "Other healthcare facility"),
    Disposition.LEFT_BEFORE_SEEN: ("aadvice", "Left against advice"),
    Disposition.DIED: ("exp", "Expired"),
}


def bundle(case: Case, vitals: Iterable[VitalsTaken], *, now: datetime) -> Json:
    """A Bundle of kind `collection` with everything on record about the case."""
    maker = _Maker(case)
    resources = [maker.patient(), maker.encounter(), *maker.age()]
    for at, taken in enumerate(vitals):
        resources += maker.observations(taken, at)
    resources += maker.level()
    resources += maker.guidance()
    resources.append(maker.provenance(resources, now))
    return {
        "resourceType": "Bundle",
        "id": maker.id_of("bundle"),
        **maker.meta(),
        "type": "collection",
        "timestamp": _instant(now),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }


class _Maker:
    """The resources of one case; ids are the same in each export."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.facts = case.case_facts

    def id_of(self, name: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.case.id}/{name}"))

    def _about(self) -> Json:
        return {"subject": self._ref("patient"), "encounter": self._ref("encounter")}

    def _ref(self, name: str) -> Json:
        return {"reference": f"urn:uuid:{self.id_of(name)}"}

    def meta(self) -> Json:
        """Says that words, names and figures were removed, where they were."""
        if self.case.anonymised_at is None:
            return {}
        label = _coding(f"{CODES}/v3-ObservationValue", "ANONYED", "anonymized")
        return {"meta": {"security": [label]}}

    def patient(self) -> Json:
        made: Json = {
            "resourceType": "Patient",
            "id": self.id_of("patient"),
            "identifier": [{"system": f"{LOCAL}:case", "value": str(self.case.id)}],
            "gender": _GENDER.get(self.facts.sex, "unknown"),
        }
        year = _year_of_birth(self.facts.age_years, self.case.arrived_at)
        return made if year is None else {**made, "birthDate": f"{year:04}"}

    def age(self) -> Iterator[Json]:
        """The age as it was entered, in years."""
        age = self.facts.age_years
        if age is not None:
            code = _concept(LOINC, "30525-0", "Age")
            made = self._observation("age", code, self.case.arrived_at, "social-history")
            value = {"value": round(age, 3), "unit": "years", "system": UCUM, "code": "a"}
            yield {**made, "valueQuantity": value}

    def encounter(self) -> Json:
        case, status = self.case, ClinicalStatus(self.case.clinical_status)
        made: Json = {
            "resourceType": "Encounter",
            "id": self.id_of("encounter"),
            "identifier": [{"system": f"{LOCAL}:number", "value": str(case.number)}],
            "status": _STATUS[status],
            "class": _coding(f"{CODES}/v3-ActCode", "EMER", "emergency"),
            "subject": self._ref("patient"),
            "period": {"start": _instant(case.arrived_at)},
        }
        if self.facts.text:
            made["reasonCode"] = [{"text": self.facts.text}]
        if case.priority is not None:
            code, display = _PRIORITY[case.priority]
            made["priority"] = _concept(f"{CODES}/v3-ActPriority", code, display)
        if case.disposition == Disposition.ENTERED_IN_ERROR:
            made["status"] = "entered-in-error"
        elif case.disposition:
            code, display = _DISPOSITION[Disposition(case.disposition)]
            disposition = _concept(f"{CODES}/discharge-disposition", code, display)
            disposition["text"] = case.get_disposition_display()
            made["hospitalization"] = {"dischargeDisposition": disposition}
        if case.closed_at is not None:
            made["period"]["end"] = _instant(case.closed_at)
        return made

    def observations(self, taken: VitalsTaken, at: int) -> Iterator[Json]:
        """One for each vital sign of one moment, and NEWS2."""
        for name, value in taken.readings.items():
            if name in _VITALS:
                yield self._vital(name, value, taken, at)
        if "consciousness" in taken.readings:
            words = _CONSCIOUSNESS[Consciousness(str(taken.readings["consciousness"]))]
            code = _concept(LOINC, "80288-4", "Level of consciousness")
            made = self._observation(f"consciousness/{at}", code, taken.taken_at, "vital-signs")
            yield {**made, "valueCodeableConcept": {"text": words}}
        if "on_oxygen" in taken.readings:
            code = {"text": "Breathes supplemental oxygen"}
            made = self._observation(f"on_oxygen/{at}", code, taken.taken_at, "vital-signs")
            yield {**made, "valueBoolean": bool(taken.readings["on_oxygen"])}
        if taken.news2 is not None:
            code = {"text": "National Early Warning Score 2"}
            made = self._observation(f"news2/{at}", code, taken.taken_at, "survey")
            note = [] if taken.news2_complete else [{"text": "Incomplete: not all was measured."}]
            yield {**made, "valueInteger": taken.news2, **({"note": note} if note else {})}

    def _vital(self, name: str, value: object, taken: VitalsTaken, at: int) -> Json:
        coded = _VITALS[name]
        code = _concept(LOINC, coded.code, coded.display)
        made = self._observation(f"{name}/{at}", code, taken.taken_at, "vital-signs")
        if value == UNMEASURABLE:
            reason = _concept(f"{CODES}/data-absent-reason", "error", "Error")
            return {**made, "dataAbsentReason": {**reason, "text": "could not be measured"}}
        quantity = {"value": value, "unit": coded.unit, "system": UCUM, "code": coded.ucum}
        return {**made, "valueQuantity": quantity}

    def _observation(self, name: str, code: Json, at: datetime, category: str) -> Json:
        return {
            "resourceType": "Observation",
            "id": self.id_of(name),
            "status": "final",
            "category": [_concept(f"{CODES}/observation-category", category, None)],
            "code": code,
            **self._about(),
            "effectiveDateTime": _instant(at),
        }

    def level(self) -> Iterator[Json]:
        """The triage level in force, as an Observation of its own."""
        level = level_of(self.case.priority)
        if level is None:
            return
        code = _concept(LOINC, "56839-6", "Acuity assessment [CARE]")
        code["text"] = "Triage level"
        at = self.case.classified_at or self.case.arrived_at
        made = self._observation("level", code, at, "survey")
        value = _concept(f"{LOCAL}:level", str(level.priority), level.word)
        story = level_story(self.case)
        who = "set by a person" if story.by else "suggested by the classifier"
        yield {
            **made,
            "valueCodeableConcept": value,
            "note": [{"text": f"{who}. {story.words}".rstrip(". ")}],
        }

    def guidance(self) -> Iterator[Json]:
        """What a language model wrote, marked as out of date where it is."""
        case = self.case
        if not case.guidance:
            return
        attachment = {
            "contentType": "text/plain; charset=utf-8",
            "language": "en",
            "data": base64.b64encode(case.guidance.encode()).decode(),
            "title": "Guidance of a language model, unverified",
        }
        yield {
            "resourceType": "DocumentReference",
            "id": self.id_of("guidance"),
            "status": "superseded" if case.guidance_stale_at else "current",
            "docStatus": "preliminary",
            "type": {"text": "Unverified guidance of a language model"},
            "subject": self._ref("patient"),
            **({"date": _instant(case.ended_at)} if case.ended_at else {}),
            "author": [{"display": case.guidance_model or "a language model"}],
            "content": [{"attachment": attachment}],
            "context": {"encounter": [self._ref("encounter")]},
        }

    def provenance(self, targets: Iterable[Json], now: datetime) -> Json:
        """Who changed the case, and which classifier suggested its level."""
        said = self.case.classification
        versions = f"rules {said.get('rules_version', '-')}, model {said.get('model_version', '-')}"
        agents = [_agent("assembler", f"Semantic Triage ({versions})")]
        agents += [_agent("performer", name) for name in self._people()]
        return {
            "resourceType": "Provenance",
            "id": self.id_of("provenance"),
            "target": [{"reference": f"urn:uuid:{one['id']}"} for one in targets],
            "recorded": _instant(now),
            "agent": agents,
        }

    def _people(self) -> list[str]:
        events = self.case.events.exclude(kind=CaseEvent.Kind.VIEWED).filter(actor__isnull=False)
        names = events.values_list("actor__username", flat=True)
        return list(dict.fromkeys(names))


def _year_of_birth(age_years: float | None, arrived_at: datetime) -> int | None:
    """The year of birth where all births that fit the age lie in it, else None.

    An age is a rough number. It counts as right to one unit of those that people tell it in: weeks
    below three months, months below two years, then years.
    """
    if age_years is None:
        return None
    unit = YEARS_PER["weeks" if age_years < 0.25 else "months" if age_years < 2 else "years"]
    first, last = (
        arrived_at - timedelta(days=years / YEARS_PER["days"])
        for years in (age_years + unit, max(0.0, age_years - unit))
    )
    return first.year if first.year == last.year else None


def _agent(kind: str, name: str) -> Json:
    concept = _concept(f"{CODES}/provenance-participant-type", kind, kind.capitalize())
    return {"type": concept, "who": {"display": name}}


def _concept(system: str, code: str, display: str | None) -> Json:
    return {"coding": [_coding(system, code, display)]}


def _coding(system: str, code: str, display: str | None) -> Json:
    made = {"system": system, "code": code}
    return made if display is None else {**made, "display": display}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
