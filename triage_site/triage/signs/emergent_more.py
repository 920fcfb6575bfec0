# ruff: noqa: E501
"""Text rules of the safety net that demand priority 1: infection, pregnancy, child, injury."""

from __future__ import annotations

from typing import Final

from triage_site.triage.signs.emergent import FEVER
from triage_site.triage.signs.rule_types import CTAS, ESI, MTS, TextRule, text_rule

_PREGNANT: Final = r"pregnan\w+|(?:\d+|several) weeks (?:gestation|gravid)|gravid\w*|gestation\w*|expecting (?:a |her |my )|(?:[4-9]|[1-3]\d|4[0-2]) / 40"
_IMMUNE: Final = r"chemo\w*|neutropeni\w+|transplant\w*|immunosuppress\w+|immunocompromi\w+|leuk(?:a)?emia|methotrexate|asplen\w+|splenectomy"
_YOUNG: Final = 90 / 365.25

EMERGENT_2: Final[tuple[TextRule, ...]] = (
    text_rule(
        "T1-SEPSIS", "suspected sepsis", 1, r"sepsis|septic\w*|septicemia|urosepsis|necroti[sz]ing|gas gangrene",
        fires=("suspected sepsis", "looks septic"), silent=("no sepsis", "rule out sepsis", "h/o sepsis 2019", "septic tank cut, small"),
        unless=r"septic tank",
    ),
    text_rule("T1-FEVER-IMMUNE", "fever with weakened immunity", 1, FEVER, _IMMUNE, source=CTAS,
        fires=("fever, on chemotherapy", "neutropenic with high temperature"), silent=("chemotherapy, no fever", "fever, denies chemotherapy", "fever")),
    text_rule("T1-FEVER-INFANT", "fever in a young infant", 1, FEVER, source=ESI, until_years=_YOUNG,
        fires=("fever",), silent=("no fever", "denies fever")),
    text_rule("T1-FEVER-INFANT-TEXT", "fever in a young infant", 1, FEVER,
        r"newborn|neonate|(?:\d|1\d|2[0-8]|two|three|four|five|six|seven|eight|nine|ten)[ -](?:days?|weeks?)[ -]old|(?:1|2|one|two)[ -]months?[ -]old", source=ESI, until_years=0.5,
        fires=("my newborn has a fever", "5 week old with fever"), silent=("newborn, no fever", "fever", "newborn check")),
    text_rule("T1-RASH-FEVER", "fever with a rash that does not blanch", 1,
        r"non-?blanch\w*|(?:doesn't|don't|does not|do not|won't|not|isn't) (?:fade|blanch|disappear|go away|fading|blanching)(?: \w+){0,4}(?: (?:glass|press\w*|tumbler))?|petechia\w*|purpur\w+|purple (?:spots|rash|blotches|patches|marks)",
        rf"{FEVER}|unwell|sleepy|drows\w*|headache|vomit\w*",
        fires=("fever and a rash that doesn't fade under a glass", "purpuric rash, fever"), silent=("rash, no fever", "fever, no petechiae", "purpura for two years")),
    text_rule("T1-ECTOPIC", "pain or bleeding in early pregnancy", 1, rf"{_PREGNANT}|missed (?:a |her |my )?period|period (?:is )?(?:late|overdue)|positive (?:pregnancy )?test|embarazada|임신",
        r"(?:abdomen|abdominal|belly|stomach|pelvic|pelvis|lower|groin|shoulder(?: tip)?|side|quadrant) (?:\w+ ){0,2}(?:pains?|cramps?|cramping|ache|hurts)|pains? (?:\w+ ){0,4}(?:abdomen|belly|stomach|pelvis|side|shoulder)|bleed\w*|spotting|passing (?:blood|clots)|sangr\w+|ectopic",
        unless=r"not pregnant|pregnancy test negative",
        fires=("8 weeks pregnant with vaginal bleeding", "missed period and lower abdominal pain"), silent=("not pregnant, lower abdominal pain", "pregnant, no bleeding", "6 weeks pregnant, nausea")),
    text_rule("T1-ECTOPIC-NAMED", "suspected ectopic pregnancy", 1, r"ectopic(?: pregnancy)?|placental abruption|placenta pr[ae]+via|eclampsia|pre-?eclampsia|hellp",
        fires=("suspected ectopic", "eclampsia"), silent=("h/o ectopic 2016", "no pre-eclampsia")),
    text_rule("T1-PREGNANCY-LATE", "late pregnancy with an alarm sign", 1,
        r"antepartum|(?:2[0-9]|3[0-9]|4[0-2]) / 40|(?:2[0-9]|3[0-9]|4[0-2])[ -](?:weeks?|wks?)(?: ~)? ?(?:pregnan\w+|gestation|gravid)|pregnan\w+ (?:\w+ ){0,3}(?:2[0-9]|3[0-9]|4[0-2]) (?:weeks?|wks?)|third trimester|(?:five|six|seven|eight|nine|5|6|7|8|9) months pregnan\w+|heavily pregnan\w+|postpartum|gave birth",
        r"bleed\w*|hemorrhag\w+|headache|visual|vision|flashing lights|swollen face|seizure|fit|not (?:feeling|felt) (?:the )?baby|(?:baby|fetal) (?:\w+ ){0,2}(?:stopped|not|hasn't|isn't) mov\w+|(?:reduced|decreased|no) (?:fetal )?movements?|abdominal pain|pushing|waters? (?:have |has )?broke\w*|blurred",
        fires=("32 weeks pregnant with severe headache", "33/40, PV bleed", "pregnant 30 weeks, bleeding"), silent=("32 weeks pregnant, itchy", "30 weeks pregnant, no bleeding")),
    text_rule("T1-BIRTH", "birth about to happen", 1, r"crowning|baby (?:is |'s )?(?:coming|being born)|(?:head|baby) (?:is |'s )?(?:out|showing|visible)|contractions? every (?:1|2|3|one|two|three|couple of) ?(?:minutes?)|(?:needs?|wants?|urge) to push|in labou?r|imminent (?:birth|delivery)|pprom",
        unless=r"head (?:is )?(?:visible bruise)", fires=("the baby is coming", "contractions every 2 minutes"), silent=("not in labour", "no contractions")),
    text_rule("T1-TORSION", "possible testicular torsion", 1, r"torsion|test(?:is|icles?) ~~ (?:onset|vomit\w*|sudden\w*)|(?:testic\w+|testis|scrot\w+|\bballs?\b) (?:\w+ ){0,3}(?:pain\w*|hurts?|aches?|swollen|swelling|sore|tender)|(?:pain|hurts?|ache)(?: ,)? (?:\w+ ){0,3}(?:testic\w+|testis|testes|scrot\w+)", from_years=0, until_years=40,
        unless=r"for (?:\d+|several|two|three|many) (?:weeks|months|years)|torsion (?:of )?(?:knee|ankle)|themselves|(?:do|does|did) not hurt", fires=("sudden testicular pain", "pain in his testicle", "testis torsion"),
        silent=("no testicular pain", "testicular pain for 3 months", "denies scrotal pain")),
    text_rule("T1-INFANT-DANGER", "danger sign in a small child", 1,
        r"(?:floppy|limp(?!\w)|lifeless|listless|mottled|lethargic|won't (?:wake|feed)|(?:not|isn't|stopped|refus\w+) (?:feed\w*|drinking)|no wet (?:nappy|nappies|diapers?)|sunken (?:eyes|fontanel\w*)|bulging (?:soft spot|fontanel\w*)|inconsolabl\w+|high ?-?pitched cry\w*|green vomit\w*|vomit\w* green|bilious|head ?-?bobbing|dry nappies)",
        source=ESI, until_years=5.0, unless=r"limp(?:ing|s)|walks? with a limp|with a limp|green vegetables",
        fires=("baby is floppy", "won't feed, sunken eyes", "vomiting green"), silent=("not floppy", "walks with a limp", "no sunken eyes")),
    text_rule("T1-CHILD-BREATHING", "breathing trouble in a child", 1,
        r"(?:difficulty|trouble|struggling|hard|labou?red|noisy|fast|rapid) (?:to |with )?(?:breath\w*)|breath\w* (?:is |very |so |really |quite |too )*(?:fast|hard|noisy|heavy|heavily|difficult|labou?red)|short(?:ness)? of breath|dyspnea|breathless|can't breathe", source=ESI, until_years=8.0,
        unless=r"through (?:his|her|the) nose|blocked nose|when (?:he|she) (?:runs|cries|is upset)",
        fires=("breathing very fast", "difficulty breathing"), silent=("no difficulty breathing", "not breathless")),
    text_rule("T1-BURN", "severe, electrical or inhalation burn", 1,
        r"electrocut\w+|electric(?:al)? (?:shock|burns?|injury)|lightning|smoke inhalation|inhal\w+ (?:\w+ ){0,2}(?:smoke|fumes|chlorine|gas)|burn\w* (?:\w+ ){0,4}(?:airway|genital\w*|\d\d ?(?:%|percent))|\d\d ?(?:%|percent) (?:\w+ ){0,3}(?:burn|scald)\w*|full thickness|(?:severe|major|extensive|deep|third degree|full thickness|large) burns?|"
        r"(?:burn(?:s|ed|t)?|scald(?:s|ed)?) (?:\w+ ){0,3}(?:face|neck|chest|arms and|back and|whole|entire|much of|body|legs and)|house fire|chemical burn\w*|burn , (?:face|airway)|caustic",
        source=MTS, unless=r"sun ?burn\w*|burning (?:sensation|pain|when|on)|heartburn|small",
        fires=("smoke inhalation", "burns to the face and neck", "30% TBSA scald", "electrocuted at work", "chemical burn"), silent=("sunburn on the face", "no smoke inhalation", "small burn on the neck from tea")),
    text_rule("T1-EYE-CHEMICAL", "chemical in the eye", 1, r"eyes?|ocular|cornea\w*", r"chemical|bleach|acid|alkali|lime|ammonia|caustic|drain cleaner|oven cleaner|cement|solvent|detergent|splash\w*|penetrat\w+|globe",
        fires=("bleach splashed in his eye", "chemical in the eye"), silent=("eye pain", "no chemical in the eye", "chemical on hand"),
        unless=r"stomach acid|folic acid|acid reflux"),
    text_rule("T1-LIMB", "open fracture or limb in danger", 1,
        r"open (?:[\w/]+ ){0,3}fracture|compound fracture|fracture , open|bone (?:is |was )?(?:sticking|poking|coming|protruding|showing|visible|through)(?: \w+)*|(?:can|could) see (?:the |his |her |my )?bone|amputat\w+|(?:cut|sliced|severed|torn|chopped) (?:\w+ ){0,3}(?:finger|hand|thumb|arm|leg|foot|toe)s? off|severed|degloving|(?:no|absent|can't feel a|without|lack of|loss of) (?:distal |pedal )?pulse in|(?:no|absent|lost|without) (?:palpable )?(?:radial|distal|pedal|brachial|popliteal|femoral|foot|ankle) pulses?|"
        r"(?:foot|leg|hand|arm|limb|fingers|toes) (?:suddenly |is |are |has gone |went |gone |turned |looks? |became |become )+(?:very )?(?:cold|white|pale|blue|dusky)(?: and| ,)? ?(?:cold|numb|pale|white|blue|painful|pulseless)|(?:cold|pale|white)(?: ,| and)? (?:\w+ )?(?:pulseless|numb) (?:leg|foot|arm|hand|limb)|compartment syndrome|acute limb ischemia|cauda equina|saddle (?:numb(?:ness|ed)?|ana?esthesia)|(?:feel|feeling|numb(?:ness|ed)?) (?:\w+ ){0,2}between (?:my|his|her|the) legs",
        unless=r"(?:old|previous|healed|diabetic with|below knee|above knee) amputat\w+|amputee|in the cold",
        fires=("open fracture of the tibia", "bone sticking out", "foot is cold and white", "elbow deformed, no radial pulse", "finger amputation"), silent=("no open fracture", "h/o amputation 2010", "closed fracture")),
    text_rule("T1-HIGH-ENERGY", "high-energy injury", 1,
        r"(?:hit|struck|run over|knocked (?:down|over)|run down) by (?:a |the |an )?(?:\w+ )?(?:car|truck|bus|lorry|van|train|tram|vehicle|motorcycle|motorbike)|(?:car|motorbike|motorcycle|vehicle|truck|motor ?vehicle|high speed) (?:\w+ )?(?:crash|accident|collision|rollover)|traffic accident|"
        r"(?:thrown|ejected) from|rollover|rolled over|pedestrian (?:hit|struck|vs)|(?:fell|fall|fallen|jumped) (?:\w+ ){0,5}(?:roof|ladder|scaffold\w*|balcony|window|storey|story|stories|floors?(?= )|tree|horse|\d+ ?(?:m|meters?|metres?|feet|ft))|"
        r"(?:stab (?:to |in |injury )?(?:(?:the|his|her|l|r|left|right) )*(?:abdom\w+|chest|neck|groin|flank)|gunshot|gun shot|shot in|shot himself|stab(?:bed|bing| wound)|impaled|penetrating (?:trauma|injury|wound)|crush(?:ed)? (?:injury|under|by|between|chest|pelvis)|explosion|blast|trapped under)|polytrauma|multiple (?:injuries|trauma)",
        source=CTAS, unless=r"fell asleep|(?:low|slow|walking|parking) ?-?(?:speed)?|stabbing (?:pain|headache|sensation|feeling|in)|(?:minor|small) (?:collision|bump|crash|accident)|bumper|rear-?ended|parked|(?:fell|fall) (?:on|onto) the floor|to the (?:floor|ground)|(?:days?|weeks?) ago|(?:lawn|toy|finger) ",
        fires=("hit by a car", "fell from a roof", "stabbed in the abdomen", "thrown from a motorcycle"), silent=("stabbing pain in the ear", "fell to the floor", "no traffic accident", "traffic accident 3 years ago")),
    text_rule("T1-HEAD-INJURY", "head injury with an alarm sign", 1,
        r"head (?:injury|trauma|wound|bang|blow|hit|strike)|(?:hit|banged|bumped|struck|injured|knocked|landed on) (?:\w+ ){0,3}head|fell (?:\w+ ){0,5}head|skull",
        r"(?:repeated(?:ly)?|keeps?|persistent|times?|projectile) (?:\w+ )?vomit\w*|vomit\w* (?:\w+ ){0,2}(?:twice|times|repeatedly|again)|seizure|(?:warfarin|blood thinn\w+|anticoagula\w+|apixaban|rivaroxaban|eliquis|xarelto|coumadin)|unequal pupils?|(?:clear )?fluid (?:from|out of) (?:the |his |her |my )?(?:ear|nose)|depressed skull|drows\w*|loss of consciousness|knocked out|unconscious|confus\w+|very sleepy",
        fires=("hit his head and keeps vomiting", "head injury, on warfarin", "head injury with LOC"), silent=("head injury, no vomiting, no LOC", "warfarin check", "hit his head, not drowsy")),
    text_rule("T1-DKA", "signs of diabetic crisis or low sugar", 1,
        r"ketoacidosis|\bdka\b|hypoglyc\w+|(?:blood sugar|glucose|sugar) (?:level )?(?:is |of |was |: ?|reads? |reading )?(?:very |dangerously )?(?:low|high|hi|lo\b|1\.\d|2\.\d|[0-4]\d(?= ?mg))|diabet\w+ (?:[\w,]+ ){0,6}(?:vomit\w*|drows\w*|deep breath\w*|fruity|confus\w+|sweating|shaking)|fruity breath|blood sugar high|high blood sugar",
        source=CTAS, unless=r"(?:slightly|a bit|a little|mildly) (?:high|low)|borderline|check\w* (?:my|his|her|the)? ?blood sugar|(?:sugar|glucose) (?:is )?(?:normal|fine)",
        fires=("hypoglycemic symptom", "DKA", "diabetic, vomiting and drowsy", "blood sugar 2.1"), silent=("diabetes, foot check", "no hypoglycemia", "h/o DKA 2019")),
    text_rule("T1-DKA-BREATH", "signs of diabetic crisis", 1, r"diabet\w+", r"deep(?:ly)?(?: and| ,)? (?:fast|rapid) breath\w*|breath\w* (?:\w+ )?(?:deep|deeply)(?: and \w+)?|(?:breath (?:smells|smelling) (?:of|like)) (?:nail varnish|acetone|pear drops|fruit)", source=CTAS,
        fires=("She is diabetic. Breathing deep and fast.", "diabetic, breath smells of nail varnish"), silent=("diabetic, not breathing deeply", "diabetes, foot check")),
    text_rule("T1-AORTA", "possible aortic or vascular catastrophe", 1,
        r"(?:tearing|ripping) (?:\w+ ){0,3}(?:pain|chest|back)|(?:pain) (?:\w+ ){0,4}(?:tearing|ripping)|aortic (?:dissection|aneurysm|rupture)|\baaa\b|ruptur\w+ (?:\w+ )?aneurysm|mesenteric ischemia|rigid abdomen|abdomen (?:is |feels )?(?:rigid|board ?-?like|hard as a board)|board ?-?like abdomen|peritonit\w+",
        fires=("tearing pain between the shoulder blades", "rigid abdomen", "aortic dissection"), silent=("no tearing pain", "muscle tear", "h/o aortic aneurysm repair 2014")),
    text_rule("T1-COLLAPSED-SICK", "pale, clammy or collapsing", 1,
        r"pulse (?:is |keeps )?(?:so |very |too |getting )*(?:weak\w*|thready|faint\w*)|(?:cold |pale |sweaty |grey |gray )(?:and |, )?(?:sweat\w*|clammy|sweaty|pale|cold)|clammy|drenched in sweat|profuse(?:ly)? sweat\w*|diaphore\w+|(?:looks?|gone|turned|went|is) (?:very |really )?(?:ashen|grey|gray|deathly pale)|hypotensi(?:on|ve)|blood pressure (?:is |was )?(?:very )?(?:low|dropping)|blood pressure , low|low blood pressure|hypothermi\w+|heat ?-?stroke",
        source=CTAS, unless=r"history of low blood pressure|usual(?:ly)? low|night sweats?|cold sweats? at night|hot flush\w*",
        fires=("Blood Pressure, Low", "cold and clammy", "pale and sweaty"), silent=("not clammy", "no hypotension", "night sweats")),
    text_rule("T1-VIOLENT", "sexual assault today or violent agitation", 1, r"(?:sexual(?:ly)? assault\w*|raped?)(?: \w+){0,4} (?:today|tonight|last night|hours? ago)|(?:violent|aggressive)(?:ly)? (?:and |, )?(?:agitated|psychotic|threatening|out of control)|acutely psychotic|homicidal|command hallucinations|voices (?:\w+ ){0,4}(?:kill|hurt|harm)",
        source=MTS, fires=("acutely psychotic", "voices tell him to kill"), silent=("no homicidal ideation", "denies command hallucinations")),
    text_rule("T1-PAIN-EXTREME", "extreme pain with a worrying site", 1,
        r"(?:excruciating|unbearable|agoni[sz]ing|worst pain|10 ?/ ?10|10 out of 10|9 ?/ ?10|9 out of 10|screaming (?:in|with) pain|writhing)", r"abdom\w+|stomach|belly|back|flank|chest|head(?:ache)?|side|eye|kidney|groin",
        source=MTS, fires=("excruciating abdominal pain", "writhing with flank pain"), silent=("no unbearable pain in the abdomen", "abdominal pain, not excruciating")),
)  # fmt: skip
