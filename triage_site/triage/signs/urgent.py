# ruff: noqa: E501
"""Text rules of the safety net that demand priority 2, mostly moderate forms of the others."""

from __future__ import annotations

from typing import Final

from triage_site.triage.signs.emergent import BREATHLESS, CHEST_PAIN, FAINT
from triage_site.triage.signs.rule_types import CTAS, ESI, MTS, TextRule, text_rule

URGENT: Final[tuple[TextRule, ...]] = (
    text_rule("T2-BREATHLESS", "breathlessness", 2, rf"{BREATHLESS}|orthopnea|wheez\w+|asthma (?:attack|exacerbation|flare)", source=CTAS,
        unless=r"through (?:my|his|her|the) nose|blocked nose",
        fires=("dyspnea", "SOB", "shortness of breath", "wheezing"), silent=("no SOB", "denies shortness of breath", "h/o asthma")),
    text_rule("T2-FAINT", "fainting", 2, FAINT, source=MTS, unless=r"almost|nearly|near",
        fires=("syncope", "she passed out", "LOC"), silent=("no LOC", "never fainted", "denies syncope")),
    text_rule("T2-SEIZURE", "recent seizure", 2, r"post ?-?seizure|seizures?|convulsions?|epilep\w+ (?:fit|attack)|(?:had|having) (?:a |another |an )?fit|fits(?= )|post ?-?ictal", source=MTS, unless=r"(?:sneez|cough|laugh|giggl)\w+ fits?",
        fires=("post seizure", "convulsion", "had a seizure this morning"), silent=("h/o seizure 2015", "no seizure", "denies convulsions")),
    text_rule("T2-CHEST-YOUNG", "chest pain", 2, CHEST_PAIN, unless=r"chest wall|when (?:i |he |she )?(?:press|touch)\w*|pulled (?:a )?muscle|bruis\w+|heartburn",
        fires=("chest pain",), silent=("no chest pain", "chest wall pain")),
    text_rule("T2-GI-BLEED", "black or bloody stool", 2, r"melena|hematochezia|rectal bleeding|(?:black|tarry)(?: ,| and)?(?: tarry| sticky)? (?:stools?|poo\w*)|blood(?:y)? (?:in )?(?:the |his |her |my )?(?:stools?|poo|diarrhea)",
        fires=("melena", "black tarry stools"), silent=("no melena", "denies black stools"), unless=r"iron tablets|streaks?|on (?:the )?(?:paper|wiping)|hemorrhoids?|piles"),
    text_rule("T2-HEMOPTYSIS", "coughing blood", 2, r"hemoptysis|cough\w* (?:up )?(?:\w+ ){0,2}blood\w*|blood[ -]tinged sputum", fires=("hemoptysis", "coughing up blood"), silent=("cough, no hemoptysis", "denies coughing blood")),
    text_rule("T2-APPENDIX", "abdominal pain with an alarm sign", 2,
        r"(?:abdom\w+|stomach|belly|quadrant) (?:\w+ ){0,2}(?:pains?|cramps?|ache)|pains? (?:\w+ ){0,5}(?:abdomen|stomach|belly|side)|epigastric pain",
        r"vomit\w*|fever\w*|(?:can't|unable to|won't) (?:walk|stand|straighten|jump|eat)|hurts? (?:to (?:walk|jump|move)|when (?:he|she|i) (?:walks?|jumps?))|moved to the right|right lower|doubled over|severe\w*|pregnan\w+|blood|distended|swollen|rebound|guarding",
        fires=("abdominal pain with vomiting", "severe pain in the abdomen"), silent=("abdominal pain, no vomiting, no fever", "vomiting, no abdominal pain")),
    text_rule("T2-PALPITATION", "palpitations", 2, r"palpitation\w*|heart (?:is |was |keeps )?(?:racing|pounding|fluttering|skipping)|irregular heart ?-?beat|svt|atrial fibrillation", source=CTAS,
        unless=r"atrial fibrillation (?:on|since|well)|known", fires=("palpitation", "heart is racing"), silent=("no palpitations", "h/o SVT")),
    text_rule("T2-RETENTION-KIDNEY", "kidney colic", 2, r"kidney stones?|renal colic|ureteric colic|flank pain (?:\w+ ){0,3}(?:severe|vomit\w*|fever|blood)", fires=("renal colic",), silent=("h/o kidney stones 2011", "no renal colic")),
    text_rule("T2-DEEP-INFECTION", "spreading infection", 2, r"cellulitis|spreading redness|red(?:ness)? (?:is )?(?:spreading|streak\w*)|abscess (?:\w+ ){0,4}fever|pyelonephritis|pneumonia|quinsy|(?:can't|unable to) (?:open (?:his|her|my|the) mouth|swallow)", fires=("cellulitis of the leg", "pneumonia"), silent=("no cellulitis", "h/o pneumonia 2017")),
    text_rule("T2-DVT", "possible clot in a leg", 2, r"dvt|deep vein|(?:calf|leg) (?:is |was |has been )?(?:\w+ ){0,2}(?:swollen|swelling)(?: ,| and)? (?:\w+ )*(?:painful|tender|red|hot|sore|pain)", fires=("DVT suspected", "calf is swollen and painful"), silent=("no DVT", "h/o DVT 2013")),
    text_rule("T2-FRACTURE", "deformed or useless limb", 2, r"deform\w+|bent (?:at an|the wrong|out of)|(?:looks?|is) (?:bent|crooked|out of place|out of shape)|dislocat\w+|hip fracture|broken hip|can't (?:bear (?:any )?weight|stand on|walk on|put (?:any )?weight)", source=MTS,
        unless=r"jaw|finger|toe", fires=("deformed forearm", "can't bear weight after a fall", "dislocated shoulder"), silent=("no deformity", "not dislocated", "can bear weight")),
    text_rule("T2-DEHYDRATED", "cannot keep fluids down", 2, r"(?:can't|unable to|not able to|isn't|not|won't|couldn't) (?:keep|keeping|hold) (?:\w+ ){0,2}(?:down|fluids?|water)|dehydrat\w+|(?:no|not|hasn't) (?:\w+ )?(?:urine|passed urine|peed|pee|wee)(?: \w+){0,3}|vomit\w* everything", source=ESI,
        fires=("can't keep anything down", "dehydrated"), silent=("keeps fluids down", "not dehydrated")),
    text_rule("T2-PSYCH", "acute mental crisis", 2, r"hallucinat\w+|psychosis|psychotic|paranoi\w+|manic|delusion\w*|panic attack|hearing voices", fires=("hearing voices", "psychotic"), silent=("no hallucinations", "denies hearing voices")),
    text_rule("T2-ASSAULT", "assault or abuse", 2, r"sexual (?:violence|abuse|assault)|raped?|domestic violence|beaten (?:up )?by|assaulted", fires=("sexual violence",), silent=("no assault", "denies being assaulted")),
)  # fmt: skip
