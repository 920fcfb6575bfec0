# ruff: noqa: E501
"""Text rules of the safety net that demand priority 1: heart, brain, mind, breath and blood."""

from __future__ import annotations

from typing import Final

from triage_site.triage.signs.rule_types import ESI, MTS, TextRule, text_rule

CHEST_PAIN: Final = (
    r"chest (?:pain|discomfort|pressure|tightness|heaviness|ache)s?|(?:pain|pains|discomfort|pressure|tightness|heaviness|"
    r"squeezing|ache|weight|crushing|burning)(?: ,| feeling| sensation| pain| pressure)* (?:in|on|across|over|around|behind|to|of|inside) ~ (?:chest|breastbone|sternum)|"
    r"(?:pain|discomfort|pressure|tightness) , (?:\w+ )?chest|chest (?:is |feels |has been |has felt |feeling |was |still )+(?:very |really |so |a bit )?"
    r"(?:tight|heavy|painful|hurting|aching|sore|pressure|squeezed|crushed)|chest (?:hurts|aches|hurting)|(?:tight )?band (?:around|across|round) ~ chest|tight chest|angina|"
    r"heart attack|stemi|nstemi|acute coronary syndrome|dolor (?:de|en el) pecho|dolor toracico|가슴 ?통증|흉통"
)
FAINT: Final = r"syncop\w+|faint(?:ed|ing|s)|pass(?:ed|ing) out|black(?:ed|ing) ?out|collapsed?|loss of consciousness|lost consciousness"
BREATHLESS: Final = (
    r"short(?:ness)? of breath|dyspnea|dyspneic|breathless\w*|(?:can't|difficulty|trouble|struggling to|hard to|unable to|difficult to|"
    r"not able to|problems?|fighting to|labou?red) (?:catch (?:my |his |her |their )?breath|breath(?:e|ing)?)|(?:can't|hard to) (?:get|catch) ~ breath|"
    r"out of breath|disnea|dificultad (?:para )?respirar|호흡 ?곤란"
)
_SIDE: Final = (
    r"(?:left|right|one)(?:[- ]?(?:side(?:d)?|arm|leg|hand|face))?(?: of ~ (?:body|face))?"
)
_PREGNANT: Final = r"pregnan\w+|(?:\d+|several) weeks (?:gestation|gravid)|gravid\w*|gestation\w*|expecting (?:a |her |my )"
_IMMUNE: Final = r"chemo\w*|neutropeni\w+|transplant\w*|immunosuppress\w+|immunocompromi\w+|leuk(?:a)?emia|methotrexate|no spleen|asplen\w+|splenectomy"
FEVER: Final = r"fever(?:s|ish|ed)?|febrile|pyrexia|high temperature|temperature (?:of |is |was |: ?)?(?:38|39|40|41|10[0-6])(?:\.\d+)?|(?:38|39|40|41)(?:[.,]\d| point \w+)(?! ?(?:%|kg))|burning (?:hot|up)|boiling(?= ?[.,;]|$| hot| and)|(?:feels?|is|very|so|burning) (?:very |so |burning )?hot(?! (?:drink|tea|water|day|weather|pan|oil|bath))|rigors?|fiebre|발열"

EMERGENT: Final[tuple[TextRule, ...]] = (
    text_rule(
        "T1-CHEST-PAIN", "chest pain of possible cardiac origin", 1, CHEST_PAIN,
        unless=r"chest wall|(?:only )?(?:when|if) (?:i |he |she |you )?(?:press\w*|touch\w*|cough\w*|push\w*)|on palpation|tender to (?:touch|press)|with (?:the |every |each )?cough\w*|"
        r"after (?:a )?(?:fall|blow)|pulled (?:a )?muscle|costochondritis|reproduc\w+|bruis\w+|heartburn",
        from_years=25,
        fires=("ant. chest pain", "pain, chest", "CP", "crushing pressure on his chest", "chset pain", "dolor de pecho"),
        silent=("denies chest pain", "no CP", "r/o MI", "father had a heart attack", "chest wall pain left", "h/o MI 2015"),
    ),
    text_rule(
        "T1-STROKE", "new weakness, speech or face sign of stroke", 1,
        rf"(?:sudden |acute |new )?{_SIDE} (?:is |was |has |went |are |feels |gone |now |suddenly |motor )*(?:weak\w*|numb|paraly\w+|heavy and \w+|limp|dead)|"
        rf"(?:weak\w*|numb(?:ness|ed)?|paralysis|paralyzed|paresis|paraly\w+)(?: ,| motor)? (?:in|on|of|down|to|along) (?:the |his |her |my |one |their )*{_SIDE}|{_SIDE} (?:motor )?weakness|"
        r"(?:arm|leg|hand) (?:(?:is|has|went|was|been|gone|feels|suddenly|now|all) )+(?:numb and weak|weak and numb)|(?:arm|pronator|leg) drift|facial (?:asymmetry|weakness)|hemi(?:paresis|plegia|paresthesia)|monoparesis|monoplegia|paraparesis|facial droop\w*|(?:face|mouth|smile|lip|eyelid)(?: \w+){0,2} (?:is |has |was |are )?(?:droop\w*|hang\w*|crooked|lopsided|uneven|fallen|dropped|twisted|sagging)|(?:words|speech) (?:\w+ ){0,5}(?:jumbled|slurred|garbled|muddled|mixed up)|"
        r"(?:droop\w*|crooked|lopsided|sagging) (?:face|mouth|smile)|slurr\w+(?: ~)?|speech (?:is |was |has become |sounds |went )*(?:slurred|garbled|muddled|jumbled|unclear|strange|funny)|dysarthria|"
        r"aphasi\w+|(?:can't|unable to|couldn't|trouble|difficulty) (?:speak|talk|get (?:his |her |my |the )?words out|find (?:his |her |my |the )?words|finding words|speaking)|"
        r"(?:words|speech) (?:do not|don't|make|makes|are|is) (?:make )?(?:no |not )?(?:sense|wrong|jumbled)|(?:can't|unable to|couldn't|not able to) (?:lift|move|raise|use) (?:the |his |her |my |one )*(?:left|right|one)?\s?(?:arm|leg|side|hand)|"
        r"stroke|brain (?:attack|bleed)|(?:sudden|acute)\w* (?:\w+ ){0,2}(?:loss of (?:vision|sight)|blindness|visual loss|vision loss)|suddenly (?:blind|can't see|lost ~ (?:sight|vision))|"
        r"(?:can't see|blind|lost (?:all )?(?:vision|sight)|gone blind|vision (?:gone|loss)) ~ (?:one|left|right|eye)|derrame cerebral|paralisis|뇌졸중|편마비",
        unless=r"bell'?s palsy|(?:after|since) (?:a |the )?(?:fall|fracture|injury|cut|twist\w*)|laceration|heat stroke|breast ?stroke|strokes? (?:the|his|her) |"
        r"sore throat|braces|sciatica|slept on|for (?:many |several |the last )?(?:months|years)|hip|broken|fracture|sprain\w*|dislocat\w+|swollen (?:ankle|wrist|knee)",
        source=MTS,
        fires=("dysarthria", "Rt. side motor weakness", "face is drooping and speech slurred", "sudden blindness", "lt hemiparesis", "stroke", "New left arm drift", "sudden painless loss of vision", "he could not speak"),
        silent=("h/o stroke 2015", "mother had a stroke", "no weakness in the left arm", "denies slurred speech", "worried about stroke"),
    ),
    text_rule(
        "T1-HEADACHE-ALARM", "sudden or worst headache", 1,
        r"thunderclap|(?:worst|most severe|most terrible) (?:ever )?(?:headache|head pain)|headache (?:\w+ ){0,4}(?:worst|sudden\w*|thunderclap)|(?:sudden\w*|explosive|abrupt)(?: \w+){0,3} (?:headache|head pain)|"
        r"head (?:\w+ )?(?:exploded|burst) (?:with|in) (?:\w+ )?pain|(?:hit|struck|kicked|exploded) (?:\w+ ){0,5}(?:back of (?:the |my |his |her )?head)|subarachnoid hemorrhage",
        unless=r"gradual\w*|migraine as usual|not sudden",
        fires=("thunderclap headache", "worst headache of my life", "sudden severe headache", "headache that started suddenly"),
        silent=("no sudden headache", "headache for three weeks", "h/o thunderclap headache 2012"),
    ),
    text_rule(
        "T1-MENINGISM", "headache or fever with neck stiffness", 1,
        rf"headache|head (?:is )?(?:hurts|hurting|pain)|{FEVER}", r"(?:stiff|rigid) neck|neck (?:is |feels |was |very )*(?:stiff\w*|rigid\w*)|nuchal rigidity|meningism\w*|neck stiffness",
        fires=("headache, fever and neck stiffness", "fever with stiff neck"),
        silent=("headache, no neck stiffness", "stiff neck after sleeping badly", "fever, denies headache"),
    ),
    text_rule("T1-MENINGITIS", "suspected meningitis", 1, r"meningitis|meningococc\w+|encephalitis", unless=r"vaccin\w+|contact|(?:could|might) (?:be|it be) meningitis",
        fires=("suspected meningitis",), silent=("meningitis vaccine question", "h/o meningitis as a child")),
    text_rule(
        "T1-CONFUSION", "new confusion or altered mental state", 1,
        r"(?:acute(?:ly)? |new(?:ly)? |sudden(?:ly)? |more |very |increasingly )?confus(?:ed|ion|e)\w*|disorient\w+|deliri\w+|(?:mental|mentality) (?:change|status change)s?|"
        r"(?:altered|changed|decreased|abnormal) (?:mental\w*|mentation|consciousness|sensorium|conscious level|level of consciousness|alertness)|"
        r"(?:drows\w+|stupor\w*|obtund\w+|rambling|letharg\w+|semicoma\w*|listless)|not making (?:any )?sense|talking nonsense|(?:does|did) not (?:know|recogni[sz]e) (?:where|who|his|her|us|me|what day|the year)|talk\w* to people who are not there|"
        r"very sleepy (?:and|,) (?:hard|difficult)|(?:hard|difficult|impossible) to (?:wake|rouse|arouse)|gcs (?:of |is |: ?)?(?:9|10|11|12|13)|confundid[oa]|의식 ?저하|의식 ?변화|혼돈",
        unless=r"confused (?:about|by|over) (?:the|his|her|my|which|what) (?:dose|dosage|bill|letter|instructions|appointment|medication|prescription|tablets)|"
        r"(?:chronic|baseline|usual|known|longstanding|long-standing|her normal|his normal|pleasantly) (?:\w+ ){0,2}(?:confus\w+|muddled|dementia|state)|always (?:confused|muddled)|(?:confused|muddled|drowsy) (?:as always|then|for (?:\w+ )?(?:minutes|half an hour|a bit|a while))|was (?:then )?drowsy for|know who (?:to|else)|not drows\w*|drowsy from (?:antihistamine|hayfever)",
        source=ESI,
        fires=("mental change", "confusion mentality", "altered mentality", "she is confused since this morning", "drowsy mentality", "GCS 11"),
        silent=("not confused", "no confusion", "confused about the dose", "mother had delirium"),
    ),
    text_rule(
        "T1-SYNCOPE-ALARM", "fainting with chest pain, palpitations or on exertion", 1, FAINT,
        rf"{CHEST_PAIN}|palpitation\w*|heart (?:is |was )?(?:racing|pounding|fluttering)|racing heart|exertion\w*|(?:while|during|whilst|when|after|in) (?:\w+ ){{0,3}}(?:running|sprint\w*|race|match|exercis\w+|sports?|training|football|playing|climbing|cycling|swimming)",
        unless=r"near(?:ly)? (?:syncope|faint\w+)|almost (?:faint\w*|passed)",
        fires=("fainted while running", "syncope with palpitations", "collapsed during sports day"),
        silent=("syncope, no palpitation", "never fainted, palpitations", "palpitation"),
    ),
    text_rule(
        "T1-SYNCOPE-OLD", "fainting in an older person", 1, FAINT, from_years=65.001, unless=r"near (?:syncope|fainting)|almost (?:fainted|passed out)",
        fires=("syncope", "passed out in the kitchen"), silent=("no LOC", "denies loss of consciousness", "never fainted"),
    ),
    text_rule(
        "T1-BREATHLESS-SEVERE", "severe breathlessness", 1,
        rf"(?:severe\w*|extreme\w*|very|acute|sudden\w*|so|terrible|badly|really|worsening|increasing(?:ly)?|marked) (?:\w+ )?(?:{BREATHLESS})|(?:{BREATHLESS}) (?:\w+ ){{0,2}}(?:at rest|severe\w*|suddenly|getting worse|is (?:much |getting )?worse)|"
        r"not getting (?:enough |any )?air|can't (?:breathe|breath|catch (?:my|his|her|their) breath|get (?:enough )?(?:air|my breath|his breath|her breath)|lie (?:flat|down) (?:to|because of) breath\w*)|"
        r"(?:struggling|fighting|gasping|working hard) (?:to|for) (?:breath\w*|breathe|air)|(?:can't|unable to|can only|only) (?:speak|talk|complete|finish|say|manage|get out) (?:in )?(?:\w+ ){0,4}(?:sentences?|words?(?: at a time)?|few words)|"
        r"(?:sucks?|sucking|pulling|drawing) in (?:\w+ ){0,4}(?:ribs|chest|stomach|tummy|skin)|(?:ribs?|chest|stomach|abdomen|skin|intercostal|subcostal) (?:\w+ ){0,4}(?:sucks?|sucking|sucked|pulling|drawing|caving|retract\w+)(?: in)?|retractions?|"
        r"(?:rib|intercostal|subcostal) recession|nasal flaring|nostrils? flar\w+|flaring nostrils?|grunting|using accessory muscles|accessory muscle use|severe asthma\w*|status asthmaticus|pulmonary (?:edema|embolism)|tension pneumothorax|blood clot in ~ lung|no puede respirar",
        unless=r"through (?:my|his|her|the|one) nose|nose is (?:blocked|stuffed)|blocked nose|out of breath (?:when|after) (?:running|exercise)|thought i (?:could|can) not|school pe|(?:at|during|doing|school|note for|excused from|off) pulmonary embolism(?= ?$| ?[.,;)]| (?:and|note|at school))|pulmonary embolism (?:lesson|class|kit|teacher|note)",
        source=ESI,
        fires=("acute dyspnea", "can't breathe", "struggling to breathe", "can only speak in single words", "severe asthma", "chest sucking in between the ribs"),
        silent=("no SOB", "denies severe dyspnea", "can't breathe through his nose, a cold", "dyspnea", "twisted his knee at PE"),
    ),
    text_rule(
        "T1-HEMATEMESIS", "vomiting blood", 1,
        r"hematemesis|(?:vomit\w*|throw\w* up|threw up|bringing up|spitting up|puking|sick with) (?:\w+ ){0,3}(?:blood\w*|coffee ?-?grounds?)|coffee ?-?ground (?:vomit\w*|emesis)|blood in (?:the |his |her |my )?vomit\w*|vomito(?:s|ndo)? (?:con )?sangre|토혈",
        unless=r"(?:streaks?|specks?|tinge|after (?:a )?nosebleed)",
        fires=("hematemesis", "vomiting blood", "threw up coffee grounds"), silent=("vomiting, no blood in the vomit", "no haematemesis", "denies vomiting blood"),
    ),
    text_rule(
        "T1-GI-BLEED-DIZZY", "black or bloody stool with dizziness or weakness", 1,
        r"melena|(?:black|tarry|bloody|maroon)(?: ,| and)?(?: sticky| tarry| smelly| tar-like| runny| loose)* (?:stools?|poo\w*|motions?|bowel)|(?:stools?|poo) (?:is |are |was |were |has been |have been )?(?:black|tarry|bloody)|hematochezia|rectal bleeding|blood from (?:the |his |her |my )?(?:rectum|bottom|back passage|anus)|passing (?:\w+ ){0,2}blood",
        r"dizz\w+|faint\w*|light ?-?headed\w*|syncop\w+|pale|weak(?:ness)?|collapsed?|clammy|passed out",
        fires=("melena with dizziness", "black tarry stools, feels faint"), silent=("melena, no dizziness", "dizziness, denies melena", "melena"),
    ),
    text_rule(
        "T1-BLEEDING-WONT-STOP", "bleeding that will not stop", 1,
        r"(?:bleed\w*|hemorrhag\w+|blood) (?:\w+ ){0,3}(?:won't|will not|can't be|can't|doesn't|isn't|hasn't|not) (?:stop\w*|slow\w*|clot\w*|controlled)|(?:can't|unable to|couldn't) (?:stop|control) (?:\w+ ){0,2}bleeding|severe (?:bleed\w*|hemorrhag\w+|blood loss)|"
        r"cough\w* (?:up )?(?:\w+ ){0,3}(?:cup\w*|mug\w*|lots|mouthfuls|clots) (?:of )?(?:\w+ ){0,3}blood|(?:major|heavy|profuse|uncontrolled) (?:hemorrhag\w+|bleed\w*)|bleed\w* (?:very )?(?:heavily|profusely|badly)|lost (?:a lot|lots) of blood|soaking (?:through )?(?:a |one |two )?pads?|soaked (?:\w+ ){0,2}pads?|soaking (?:through )?(?:\w+ ){0,2}(?:towel|bandage|dressing)s?",
        unless=r"nose ?-?bleed\w*|epistaxis|gum|toenail|period (?:is )?(?:as usual|normal)", source=MTS,
        fires=("bleeding won't stop", "heavy bleeding from the thigh", "coughing up cupfuls of bright red blood", "soaking a pad every hour"), silent=("no heavy bleeding", "bleeding stopped", "small cut, bleeding has stopped"),
    ),
    text_rule(
        "T1-OVERDOSE", "overdose or poisoning", 1,
        r"overdos\w+|poison(?:ed|ing)|(?:drug|substance|pesticide|carbon monoxide|gas) intoxicat\w+|intoxication|"
        r"(?:took|taken|swallow\w*|drank|drunk|drinking|ate|eaten|ingest\w*|swallowing) (?:\w+ ){0,5}(?:pills|tablets|paracetamol|acetaminophen|bleach|cleaning fluid|cleaner|chemicals?|antifreeze|pesticide|weed ?-?killer|rat poison|drain cleaner|detergent|batter(?:y|ies)|methanol|his grandmother's|her grandmother's|mushrooms|magnets?)|"
        r"(?:button|disc|coin) battery|(?:took|taken) (?:\w+ ){0,2}too many|carbon monoxide|organophosphate|paraquat|snake ?bite|bitten by a snake|sobredosis|음독|약물 ?중독",
        unless=r"food poisoning|(?:took|taken) (?:\w+ ){0,2}(?:tablets|pills|paracetamol|acetaminophen|some|two|one)(?: \w+){0,4} (?:for (?:the |his |her |my )?(?:pain|fever|headache|it)|help\w*|without|no relief|before|earlier|at|this)|"
        r"(?:two|one|2|1) (?:\w+ )?(?:paracetamol|tablets|pills|acetaminophen)|paracetamol (?:and|helps|helped|for|with|at|before|earlier|didn't|without|has|did|brings|brought)|as prescribed|alcohol intoxicat\w+",
        fires=("drug intoxication", "took 40 paracetamol tablets", "child drank bleach", "overdose", "swallowed a button battery"),
        silent=("food poisoning since yesterday", "denies overdose", "h/o overdose 2018", "no OD"),
    ),
    text_rule(
        "T1-SUICIDE", "suicidal intent or self-harm", 1,
        r"suicid\w+|(?:hang|drown|shoot|gas|poison) (?:himself|herself|myself|themselves)|(?:plan\w*|intend\w*|going|threat\w*|wants?|wanted|about|trying|tried) to (?:jump|throw \w+) (?:from|off|in front of|under) (?:\w+ )?(?:bridge|building|roof|cliff|window|balcony|car|platform|train|lorry|bus)|(?:wants?|wanted|going|plans?|planning|tried|trying|threaten\w*|thoughts? of|thinking (?:of|about)) (?:to )?(?:kill\w*|end\w*|hurt\w*|harm\w*) (?:himself|herself|myself|themselves|his life|her life|my life|it all|their life)|(?:kill|end|harm|hurt|cut|cutting) (?:himself|herself|myself|themselves)(?: on purpose)?|"
        r"self ?-?harm\w*|wants? to die|doesn't want to live|better off dead|no reason to live|quiere morir|자살|자해",
        unless=r"with (?:a )?(?:kitchen )?knife (?:while|when)|while (?:cooking|chopping|cutting|shaving)|accident\w*|by mistake",
        source=MTS,
        fires=("suicidal attempt", "he wants to kill himself", "SI with plan", "he has a plan to hang himself", "plan to jump from a bridge", "cut herself on purpose"),
        silent=("no suicidal ideation", "denies SI", "uncle died by suicide", "no self-harm"),
    ),
)  # fmt: skip
