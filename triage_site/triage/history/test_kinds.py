"""Kinds of notes whose medicines or allergies were once read wrongly, several of each."""

from __future__ import annotations

import pytest

from triage_site.triage.history.medicines import read_history

# What is told, the allergies and the medicines; empty where nothing is.
NO_LONGER_TAKEN = [
    ("cough. doxycycline (stopped)", "", "doxycycline (stopped)"),
    ("Meds: metformin - discontinued, ramipril 5", "", "metformin (stopped), ramipril"),
    ("DH: amlodipine stopped, bisoprolol 2.5, statin", "",
     "amlodipine (stopped), bisoprolol, statin"),
    ("no longer taking apixaban or digoxin", "", "apixaban (stopped), digoxin (stopped)"),
    ("completed a course of nitrofurantoin yesterday", "", "nitrofurantoin (stopped)"),
    ("just finished a 7 day course of flucloxacillin", "", "flucloxacillin (stopped)"),
    ("quit taking fluoxetine in May, previously on lithium", "",
     "fluoxetine (stopped), lithium (stopped)"),
    ("not taking warfarin anymore", "", "warfarin ('not taking warfarin anymore')"),
    ("apixaban paused for surgery, edoxaban on hold", "",
     "apixaban (stopped), edoxaban (stopped)"),
    ("ran out of levothyroxine 2 weeks ago", "", "levothyroxine (ran out)"),
]  # fmt: skip
NOT_ACCEPTED = [
    ("refused aspirin from crew", "", "aspirin (refused)"),
    ("declined paracetamol at triage", "", "paracetamol (refused)"),
    ("offered ibuprofen, will think about it", "", "ibuprofen (offered)"),
    ("ibuprofen offered but refused", "", "ibuprofen (refused)"),
    ("crew offered morphine, declined. takes ramipril", "", "morphine (refused), ramipril"),
    ("GTN x2 and aspirin 300mg given, morphine refused", "",
     "GTN (given), aspirin (given), morphine (refused)"),
    ("aspirin refused, GTN given by crew", "", "aspirin (refused), GTN (given)"),
    ("given aspirin by crew", "", "aspirin (given)"),
    ("refused aspirin then accepted aspirin", "",
     "aspirin ('refused aspirin then accepted aspirin')"),
    ("crew offered lorazepam, he spat it out", "",
     "lorazepam ('crew offered lorazepam, he spat it out')"),
    ("offered an adrenaline pen years ago, declined it", "",
     "adrenaline ('offered an adrenaline pen years ago, declined it')"),
    ("refused to stop her apixaban", "", "apixaban ('refused to stop her apixaban')"),
]  # fmt: skip
NOT_TOLERATED = [
    ("codeine intolerance", "codeine (intolerance)", ""),
    ("statin intolerant, takes ezetimibe", "statin (intolerance)", "ezetimibe"),
    ("intolerant of tramadol", "tramadol (intolerance)", ""),
    ("vomits with codeine", "codeine (intolerance)", ""),
    ("nauseated by tramadol in the past", "tramadol (intolerance)", ""),
    ("gets a rash with penicillin", "penicillin (rash)", ""),
    ("swells up with aspirin", "aspirin (swells)", ""),
    ("penicillin - rash, codeine - nausea", "penicillin (rash), codeine (nausea)", ""),
    ("Allergies: ibuprofen - upset stomach, codeine: makes me sick",
     "ibuprofen (upset stomach), codeine (makes me sick)", ""),
    ("Allergies:\nibuprofen - upset stomach\n- codeine: gastritis\n\nMeds: ramipril",
     "ibuprofen (upset stomach), codeine (gastritis)", "ramipril"),
    ("Allergies:\nRamipril 5 mg", "'Allergies: Ramipril 5 mg'", "ramipril"),
    ("Allergies/intolerances: ibuprofen - upset stomach", "ibuprofen (intolerance)", ""),
    ("Intolerances: codeine - nausea, tramadol - drowsy",
     "codeine (intolerance), tramadol (intolerance)", ""),
    ("statin intolerance - muscle pains", "statin (intolerance)", ""),
    ("lactose intolerant, peanut and egg intolerance",
     "lactose (intolerance), peanut (intolerance), egg (intolerance)", ""),
    ("cold intolerance, exercise intolerance", "", ""),
    ("insulin resistance", "", ""),
    ("gets diarrhoea with metformin", "metformin (intolerance)", ""),
    ("metformin not tolerated", "'metformin not tolerated'", ""),
    ("doesn't tolerate statins", "'doesn't tolerate statins'", ""),
    ("Adverse reactions: trimethoprim", "trimethoprim (intolerance)", ""),
]  # fmt: skip
IN_SHORT = [
    ("PEN ALLERGY", "penicillin", ""),
    ("6 yo boy, cough, PEN ALLERGY", "penicillin", ""),
    ("Sore throat. Pen all.", "penicillin", ""),
    ("Cough. All: pcn, sulfa", "penicillin, sulfa", ""),
    ("cough, allergic pcn", "penicillin", ""),
    ("Pt allergic penicillin", "penicillin", ""),
    ("Allg pen", "penicillin", ""),
    ("Alls - penicillin", "penicillin", ""),
    ("Hx: asthma; all: nil", "none known", ""),
    ("N.K.D.A.", "none known", ""),
    ("took the ibuprofen all day, that is all", "", "ibuprofen (taken)"),
    ("fell on a playpen, allergic to nuts", "nuts", ""),
]  # fmt: skip
LISTED_BEFORE = [
    ("penicillin, codeine and latex allergy", "penicillin, codeine, latex", ""),
    ("nut, egg and milk allergy", "nut, egg, milk", ""),
    ("on ramipril, penicillin allergy", "penicillin", "ramipril"),
    ("DH: ramipril and aspirin, latex allergy", "latex", "ramipril, aspirin"),
    ("warfarin, bisoprolol, pen allergy", "penicillin", "warfarin, bisoprolol"),
]  # fmt: skip
MISSPELT = [
    ("on rivaroxiban and warferin", "", "rivaroxaban, warfarin; more than one anticoagulant"),
    ("apixiban, clopidegrel, metotrexate", "", "apixaban, clopidogrel, methotrexate"),
    ("xeralto 20", "", "xarelto"),
    ("on insuline and metformine, was on warfarine", "",
     "insuline, metformine, warfarine (stopped)"),
    ("pradaxia 150 bd, lixianna 60", "", "pradaxa, lixiana; more than one anticoagulant"),
    ("takes litium, digoxon and amioderone", "", "lithium, digoxin, amiodarone"),
    ("morphing into a bear, an insulated cup", "", ""),
]  # fmt: skip
OF_RELATIVES = [
    ("Baby 3 weeks, mum takes lithium", "", ""),
    ("baby 2 weeks with bruising, mother on warfarin while breastfeeding", "", ""),
    ("baby jittery, maternal sertraline", "", ""),
    ("Breast-fed. Maternal meds: sertraline", "", ""),
    ("2 month old, mum's medication: lithium, quetiapine", "", ""),
    ("baby girl 5 days, exposed to methadone in pregnancy", "", ""),
    ("his mother was given pethidine in labour", "", ""),
    ("infant drowsy; breast feeding mother is using codeine", "", ""),
    ("sister is allergic to nuts, sore ear", "", ""),
    ("brother has nut allergy", "'brother has nut allergy'", ""),
    ("6 week old not feeding. Mum is on methadone", "", ""),
    ("my mum fell. Mum is on warfarin", "", "warfarin ('Mum is on warfarin')"),
    ("Dad collapsed at home. Dad takes apixaban", "", "apixaban ('Dad takes apixaban')"),
]  # fmt: skip
NOTHING_OF_IT = [
    ("Aspirin stopped in May, now nil antiplatelets or warfarin", "", "aspirin (stopped)"),
    ("takes ramipril, nil anticoagulants", "", "ramipril"),
    ("nil regular inhalers, cough for a week", "", ""),
    ("Nil anticoagulants", "", "anticoagulants ('Nil anticoagulants')"),
    ("Steroids: nil", "", ""),
    ("anticoagulants - none", "", ""),
    ("Fell. Blood thinners: no", "", ""),
    ("blood thinners \u2013 none. On ramipril", "", "ramipril"),
    ("warfarin: yes, aspirin: no", "", "warfarin"),
    ("ibuprofen - no relief", "", "ibuprofen"),
    ("PMH nil DH ramipril", "", "ramipril"),
    ("PC: cut hand\nAllergies:\tnil\r\nMeds:\tnil", "none known", "none taken"),
    ("drug history: no", "", "none taken"),
    ("nil aspirin given", "", "aspirin ('nil aspirin given')"),
    ("GTN x2 nil effect, nil relief from codeine", "", "GTN (taken), codeine (taken)"),
    ("DH: nil. Allergies:  none", "none known", "none taken"),
    ("Fall. nil meds, no longer on thinners", "", "none taken"),
]  # fmt: skip
NOT_TOUCHED = [
    ("Took paracetamol. Wife's diazepam not touched.", "", "paracetamol (taken)"),
    ("her brother's methadone not touched", "", ""),
    ("his own zopiclone not touched", "", "zopiclone ('his own zopiclone not touched')"),
    ("codeine not touching it", "", "codeine (taken)"),
    ("ibuprofen has not touched the pain", "", "ibuprofen (taken)"),
]  # fmt: skip
IN_ANOTHER_LANGUAGE = [
    ("sujan hai, chal nahi pa raha. Koi allergy nahi.",
     "'Koi allergy nahi', not read: 'sujan hai, chal nahi pa raha' – ask",
     "not read: 'sujan hai, chal nahi pa raha' – ask"),
    ("Nie mam allergy zadnej, boli mnie brzuch",
     "not read: 'Nie mam allergy zadnej, boli mnie brzuch' – ask",
     "not read: 'Nie mam allergy zadnej, boli mnie brzuch' – ask"),
    ("Пьет варфарин. NKDA. On ramipril",
     "none known, not read: 'Пьет варфарин' – ask",
     "ramipril, not read: 'Пьет варфарин' – ask"),
    ("胸痛，服用华法林",
     "not read: '胸痛，服用华法林' – ask",
     "not read: '胸痛，服用华法林' – ask"),
    ("Fostair bd. Apix 5 bd, bisop 2.5 od", "", "fostair, apixaban, bisoprolol"),
    ("Ból brzucha od wczoraj, gorączka, uczulenie na ketonal. Speaks Polish.", "ketonal", ""),
    ("nie ma uczulenia na ketonal", "not read: 'nie ma uczulenia na ketonal' – ask",
     "not read: 'nie ma uczulenia na ketonal' – ask"),
    ("Pas de allergy", "'Pas de allergy'", ""),
    ("Mujhe bukhar hai aur sir dard. Penicillin allergy hai.",
     "penicillin, not read: 'Mujhe bukhar hai aur sir dard' – ask",
     "not read: 'Mujhe bukhar hai aur sir dard' – ask"),
    ("Me duele la barriga desde ayer. Alergia a los cacahuetes.",
     "cacahuetes, not read: 'Me duele la barriga desde ayer' – ask",
     "not read: 'Me duele la barriga desde ayer' – ask"),
    ("fell today, damson allergy", "damson", ""),
]  # fmt: skip
WITH_THE_REACTION = [
    ("ALLERGIES: CEFALEXIN (ANAPHYLAXIS), LATEX (CONTACT DERMATITIS)",
     "cefalexin (anaphylaxis), latex (contact dermatitis)", ""),
    ("allergic to lamotrigine - Stevens Johnson syndrome", "lamotrigine (stevens johnson)", ""),
    ("peanut anaphylaxis", "peanut (anaphylaxis)", ""),
    ("Allergy: Tazocin - hives; ramipril - angioedema", "tazocin (hives), ramipril (angioedema)",
     ""),
    ("allergic to aspirin -> facial swelling 2019, nuts", "aspirin (facial swelling), nuts", ""),
    ("allergic to penicillin - anaphylaxis. Given Augmentin", "penicillin (anaphylaxis)",
     "augmentin (given); augmentin despite allergy to penicillin (anaphylaxis)"),
    ("Penicillin allergy - rash", "penicillin (rash)", ""),
    ("penicillin allergy - comes out in a rash", "penicillin (comes out in a rash)", ""),
    ("Penicillin allergy - Chest pain", "penicillin", ""),
    ("anaphylaxis to penicillin 2019", "penicillin (anaphylaxis)", ""),
    ("contrast allergy 2015 - collapse", "contrast (collapse)", ""),
    ("nut allergy: anaphylaxis as a child, on ramipril", "nut (anaphylaxis)", "ramipril"),
]  # fmt: skip
ONCE = [
    ("allergic to penicillin. Penicillin allergy. PENICILLIN - rash", "penicillin (rash)", ""),
    ("Nut allergy (rash). Allergies: nuts - anaphylaxis", "nuts (anaphylaxis; rash)", ""),
    ("NKDA. Allergic to penicillin", "penicillin, contradicted by 'NKDA'", ""),
    ("NKDA, nut allergy", "nut", ""),
    ("NKA. Nut allergy", "nut, contradicted by 'NKA'", ""),
    ("NKDA but allergic to penicillin", "penicillin", ""),
    ("no known drug allergies except codeine", "codeine", ""),
    ("NKDA, codeine intolerance", "codeine (intolerance)", ""),
    ("drug allergies: none known, food: peanuts", "peanuts", ""),
]  # fmt: skip
OF_A_BIRTH = [
    ("newborn, mum given morphine in labour", "",
     "morphine ('mum given morphine in labour')"),
    ("baby 3 h old, pethidine given during labour. Vitamin K given at birth", "",
     "pethidine ('pethidine given during labour'), Vitamin K (given)"),
    ("his mum gave him calpol at 4", "", "calpol (given)"),
    ("calpol given by mum", "", "calpol (given)"),
]  # fmt: skip
MORE_OF_SHORTHAND = [
    ("metformin500mg,amlodipine5mg; insulin10units", "", "metformin, amlodipine, insulin"),
    ("Rx: Lipitor 40, Jardiance; d/c'd glipizide", "",
     "lipitor, jardiance, glipizide (stopped)"),
    ("rivaroxaban - paused", "", "rivaroxaban (stopped)"),
    ("warfarin \u2717, apixaban \u2713", "", "apixaban"),
    ("Meds - see list", "", "'Meds - see list'"),
    ("penicillin ok", "", "penicillin ('penicillin ok')"),
    ("on blood thining tablets", "", "blood thining tablets"),
]  # fmt: skip
WITHOUT_A_NAME = [
    ("Meds: see list. Off food.", "", "'Meds: see list'"),
    ("DH: as per GP letter", "", "'DH: as per GP letter'"),
    ("Current medication: unknown, lives alone", "",
     "'Current medication: unknown, lives alone'"),
    ("meds as per list, fell", "", "'meds as per list, fell'"),
    ("Meds: ramipril. Meds: ", "", "ramipril"),
    ("DH: Allergies: nil", "none known", ""),
]  # fmt: skip
ANTIBIOTICS = [
    ("finished chemo, declined by pt to take antibiotics from 111", "",
     "chemo (stopped), antibiotics (refused)"),
    ("refused antibiotics from the GP", "", "antibiotics (refused)"),
    ("taking antibiotics from the dentist", "", "antibiotics"),
    ("needs antibiotics", "", ""),
]  # fmt: skip
LAST_TIME = [
    ("loin pain again, naproxen PR worked last time", "",
     "naproxen ('naproxen PR worked last time')"),
    ("morphine helped last time", "", "morphine ('morphine helped last time')"),
    ("last time given tramadol", "", "tramadol ('last time given tramadol')"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "allergies", "medicines"),
    [
        *NO_LONGER_TAKEN, *NOT_ACCEPTED, *NOT_TOLERATED, *IN_SHORT, *LISTED_BEFORE, *MISSPELT,
        *OF_RELATIVES, *NOTHING_OF_IT, *NOT_TOUCHED, *IN_ANOTHER_LANGUAGE, *WITH_THE_REACTION,
        *ONCE, *OF_A_BIRTH, *MORE_OF_SHORTHAND, *WITHOUT_A_NAME, *ANTIBIOTICS, *LAST_TIME,
    ],
)  # fmt: skip
def test_what_is_told(text: str, allergies: str, medicines: str) -> None:
    history = read_history(text)
    assert (history.allergy_words, history.medicine_words) == (allergies, medicines)
