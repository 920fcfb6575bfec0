# ruff: noqa: E501
"""Text rules of the safety net that demand priority 0: life-saving action now."""

from __future__ import annotations

from typing import Final

from triage_site.triage.signs.rule_types import ESI, MTS, TextRule, text_rule

_PASSED: Final = (
    r"briefly|for (?:about )?(?:a|one|two|\d+|some|few|several|a few|a couple of) (?:few |couple of )?"
    r"(?:seconds?|minutes?|moments?)|came (?:round|around|to)|woke up|regained|recovered|"
    r"(?:is|are|was|seems|am) (?:now )?(?:awake|alert|fine|ok|okay|back to normal)|"
    r"now (?:awake|alert|fine|ok|okay|back to normal|breathing|talking)"
)
_BREATHS_BADLY: Final = (
    r"(?:can't|difficulty|struggling to|trouble|hard to|unable to|not able to) breath(?:e|ing)?|"
    r"short(?:ness)? of breath|breathless|dyspnea|wheez(?:e|es|ing|y)|stridor|hoarse|"
    r"(?:tongue|throat|lips?|face|airway|mouth) (?:is |are )?(?:now |very |badly |all )?swell\w*|"
    r"(?:tongue|throat|lips?|face|airway|mouth) (?:is |are )?(?:now |very |badly |all )?swollen|"
    r"swollen (?:tongue|throat|lips?|face|airway|mouth)|"
    r"swelling of (?:the |his |her |my )?(?:tongue|throat|lips?|face|airway|mouth)|"
    r"throat (?:is |feels )?(?:closing|tight)|faint(?:ed|ing|s)?|collapsed?|passed out|hypotensi\w+"
)
_ALLERGEN: Final = (
    r"allerg(?:y|ic|ies)|anaphyla\w+|(?:bee|wasp|hornet) sting|stung|epi-?pens?|hives|urticaria\w*|"
    r"(?:ate|eating|eaten|after) (?:a |some )?(?:peanuts?|nuts?|shellfish|prawns?|shrimps?|cashews?|sesame)"
)

IMMEDIATE: Final[tuple[TextRule, ...]] = (
    text_rule(
        "T0-ARREST", "cardiac arrest", 0,
        r"(?:cardiac|cardiopulmonary|respiratory|heart) arrest|arrest(?:ed)?(?= ?$| ?[.,;])|"
        r"in arrest|post arrest|cpr|rosc|resuscitat(?:ed|ion)|defibrillat(?:ed|ion)|aed (?:shock|fired)|"
        r"no (?:palpable |carotid |central )?pulse|pulseless|without a pulse|can't (?:find|feel) (?:a |his |her |any )?pulse|"
        r"asystole|lifeless|ventricular fibrillation|vf arrest|(?:heart|pulse) (?:has |is )?stopped|paro cardiaco|심정지",
        unless=r"arrested by|under arrest|police|custody|cpr (?:training|class|course|certif\w+)|no pulse (?:oximeter|ox)|pulseless (?:\w+ )?(?:and )?(?:\w+ )?(?:foot|leg|limb|hand|arm)|(?:no|feel a|find a|feel any|find any|feel the|find the) pulse in (?:the |his |her |my )?(?:\w+ )?(?:foot|feet|ankle|leg|toes?|hand|arm|fingers?|limb)|no pulse in",
        source=ESI,
        fires=("Arrest", "post-CPR state", "no pulse, neighbour doing CPR", "witnessed cardiac arrest, ROSC after 8 min"),
        silent=("arrested by police, cut on hand", "denies cardiac arrest", "father had a cardiac arrest at age 50",
                "h/o cardiac arrest 2015, here for a dressing change", "took a CPR course last week"),
    ),
    text_rule(
        "T0-NOT-BREATHING", "not breathing", 0,
        r"(?:not|isn't|wasn't|never|hardly|barely|stopped|stops|no longer|quit) (?:really |properly )?breathing|doesn't breathe|"
        r"not taking (?:any |a )?breaths?|no breathing(?! (?:trouble|problem|difficult|issue|discomfort)\w*)|no respirations?|no respiratory effort|apno?e(?:a|ic)|gasping|agonal|respiratory failure|"
        r"(?:he|she|it|i|they|him|her|baby|child|boy|girl|man|woman|patient|son|daughter|skin) (?:is |was |has |had )?(?:turned|turning|gone|going|went|is|was|looks?) (?:very )?blue|blue (?:lips|in the face|around the (?:mouth|lips))|"
        r"(?:lips|face|tongue|mouth) (?:is |are |has |have |went |going |turned |turning |gone |look |looks |a )*(?:blue|bluish|purple|grey|gray)|"
        r"cyano\w+|(?:can't|no) (?:cry or cough|cough or cry|sound comes out|air (?:goes|gets|going|getting) in)|chest is (?:hardly|barely|not) moving|no respira|숨을 안|(?:not sure|do not know|no idea|not certain) (?:if|whether) (?:he|she|it|baby|they) (?:is|are) (?:still |even )?breathing",
        unless=r"sleep apnea|breath ?holding|for a bit|and then starts|counted to|when (?:he|she) coughed|blue about|blue (?:eyes?|toe|finger|nail|bruise)|" + _PASSED,
        source=ESI,
        fires=("baby not breathing", "He is gasping and his lips are blue", "cyanosis", "She stopped breathing"),
        silent=("h/o sleep apnea", "no cyanosis", "denies gasping", "uses cpap for sleep apnoea, mask broken"),
    ),
    text_rule(
        "T0-UNRESPONSIVE", "unresponsive", 0,
        r"unresponsive|unrouseable|unrousable|unarousable|unconscious|comatose|in a coma|not (?:really |been |even )?(?:responding|responsive|reacting)"
        r"(?! to (?:the )?(?:antibiotics?|treatment|medication|tablets|paracetamol|ibuprofen|painkillers?|inhalers?|creams?))|"
        r"(?:will|can|could|does|do|is|are|did|would|has|have|had) not (?:be |even |really )?(?:wake|woke|waking|woken|rouse|roused|respond|responding|react|reacting)(?: up)?(?! to (?:antibiotics|treatment))|"
        r"(?:can't|(?:nobody|no one|none of us) (?:can|could|is able to|was able to|has been able to|managed to)) (?:wake|rouse|waken|revive) (?:him|her|them|it|my \w+)|(?:barely|hardly|scarcely) (?:rousable|rouseable|arousable|responsive|responding)|respon(?:ds?|sive|ding) only to (?:deep |painful )?(?:pain\w*|stimul\w+)|hardly (?:responds|reacts|awake)|no response to (?:voice|pain|shaking)|only responds? to pain|"
        r"gcs (?:of |is |: ?)?[3-8]|inconsciente|no responde|no despierta|의식 ?없\w*|의식불명",
        unless=_PASSED + r"|was (?:briefly |knocked )unconscious|knocked unconscious|got unconscious",
        source=ESI,
        fires=("nobody can wake her", "responds only to painful stimulus", "found unresponsive on the floor", "My father won't wake up", "Unconcious, GCS 6", "she is not responding"),
        silent=("cellulitis not responding to antibiotics", "was unconscious for a few seconds, now alert",
                "never unconscious", "denies being unconscious"),
    ),
    text_rule(
        "T0-SEIZING", "seizing now", 0,
        r"(?:is|are|still|actively|currently|keeps|been|started|starts|now) (?:having (?:a |another )?)?(?:seizing|fitting|convulsing)|"
        r"(?:is|are|was|still|and|now|been) having (?:a |another |an )?(?:seizure|fit|convulsion)|having (?:a |another |an )?(?:seizure|fit|convulsion) (?:right )?now|seizing|convulsing|status epilepticus|(?:body|arms and legs|limbs) (?:is |are )(?:jerking|shaking|twitching)|"
        r"(?:shaking|jerking|twitching) (?:all over|violently|and (?:foaming|drooling))(?: \w+){0,4}|foam\w* (?:at|from) (?:the |his |her )?mouth|"
        r"(?:seizure|fit|fitting|convulsion|shaking|jerking) (?:that )?(?:won't|will not|not|hasn't|has not|doesn't|isn't) (?:stop\w*|end\w*)|"
        r"(?:ongoing|continuous|prolonged) (?:seizure|fit|convulsion)s?|seizure (?:is )?(?:ongoing|continu\w+)|"
        r"(?:won't|not|hasn't) stop(?:ped)? (?:fitting|seizing|convulsing)|convulsionando|발작 중",
        unless=r"was (?:seizing|fitting|convulsing)(?: ~ )?(?:but|and) ~ stopped|has stopped|is over|stopped (?:by itself|on its own|after)|"
        r"dress(?:es)? ~ fitting|fitting (?:room|appointment)",
        source=MTS,
        fires=("he is seizing", "my son is having a fit right now", "still fitting after ten minutes", "status epilepticus"),
        silent=("h/o status epilepticus", "not seizing now", "had a seizure last year", "mother is not convulsing"),
    ),
    text_rule(
        "T0-AIRWAY", "airway in danger", 0,
        r"airway (?:is )?(?:obstruct\w+|compromis\w+|block\w+|clos\w+)|obstruct\w+ airway|(?:is|was|are|been|now|still) choking|choking (?:on|now)|"
        r"throat (?:is |feels like it is |feels like its )?(?:closing|closed|swelling|swollen) (?:shut|up|fast|and can't)|"
        r"severe respiratory distress|silent chest|too breathless to (?:speak|talk)|can't (?:say|get out|speak) (?:a (?:single )?word|any words|at all)|"
        r"jaw thrust|guedel|oropharyngeal airway|bag[- ]valve|airway (?:is )?(?:noisy|soiled|full)|stridor|se ahoga|기도 ?폐쇄",
        unless=r"(?:stridor|choking) (?:has )?(?:resolved|stopped)|no longer choking|coughed it (?:out|up)|it came out|only when (?:crying|upset)|"
        r"dislodged|" + _PASSED,
        source=MTS,
        fires=("is choking on a grape", "airway obstruction", "severe respiratory distress", "inspiratory stridor at rest, drooling"),
        silent=("no stridor", "choking episode, it came out, now fine", "no choking"),
    ),
    text_rule(
        "T0-ANAPHYLAXIS", "anaphylaxis", 0, r"anaphyla(?:xis|ctic\w*)",
        unless=r"risk of|plan|epipen (?:expired|prescription)",
        fires=("anaphylaxis after penicillin", "anaphylactic shock"),
        silent=("h/o anaphylaxis to nuts", "no anaphylaxis", "rule out anaphylaxis"),
    ),
    text_rule(
        "T0-ALLERGY-ABC", "allergic reaction with airway, breathing or circulation signs", 0, _ALLERGEN, _BREATHS_BADLY,
        fires=("stung by a wasp, tongue swelling", "hives all over and difficulty breathing", "ate peanuts and is now wheezing"),
        silent=("bee sting, local swelling of the hand", "hives, no difficulty breathing", "no allergies, short of breath"),
        unless=r"allergic rhinitis|hay fever|(?:no|any|known|drug|nil) (?:known )?(?:drug )?allerg\w+|allergies? (?::|none|to (?:penicillin|latex|codeine))|"
        r"allergic to (?:penicillin|latex|codeine|aspirin|sulfa)",
    ),
    text_rule(
        "T0-BLEEDING", "massive bleeding", 0,
        r"(?:massive|catastrophic|torrential) (?:\w+ ){0,2}(?:bleed\w*|hemorrhag\w+|hematemesis|blood loss)|exsanguinat\w+|blood (?:is )?(?:spurting|pumping|pouring|gushing|squirting)|"
        r"(?:spurting|gushing|pumping|squirting|pouring) (?:out )?(?:with )?blood|bleeding (?:to death|out)|(?:spurting|arterial) bleed\w*|"
        r"(?:bucket\w*|(?:basin|bowl)(?:s|fuls?)|(?:basin|bowl) after (?:basin|bowl)|pints?|lit(?:er|re)s?) of (?:\w+ ){0,2}blood|(?:bleed\w*|blood loss|hemorrhag\w+|hematemesis) (?:\w+ ){0,3}(?:\d(?:\.\d)?|two|three|four) ?(?:lit(?:er|re)s?|l)|"
        r"puls(?:atile|ating) (?:bleed\w*|hemorrhag\w+)|bleed\w* (?:\w+ )?not controlled by|towel after (?:\w+ )?towel|uncontroll\w+ (?:massive |heavy )?(?:bleed\w*|hemorrhag\w+)|soaked (?:through )?~ (?:towels|sheets)|"
        r"(?:huge )?pool of blood|hemorrhagic shock|sangrado masivo|대량 ?출혈",
        source=MTS,
        fires=("blood spurting from the thigh", "vomiting bucketfuls of blood", "massive PV bleed", "massive hematemesis", "exsanguinating", "there is a pool of blood"),
        silent=("no massive bleeding", "small nosebleed", "denies massive bleeding"),
    ),
    text_rule(
        "T0-SHOCK", "shock", 0,
        r"(?:septic|hypovolemic|cardiogenic|obstructive|neurogenic|circulatory|decompensated) shock|signs of shock|shock state|"
        r"(?:mottled|grey|gray|ashen)(?: and|,)? (?:skin|cold|clammy|sweaty|floppy|limp)|(?:floppy|limp)(?: and|,)? (?:very )?(?:pale|grey|gray|blue|mottled|lifeless)|"
        r"(?:cold|clammy|mottled|gr[ae]y) ~~ pulse (?:is )?(?:so |very |too |really )?(?:weak|thready|faint|feeble)|cold(?: and| ,)? (?:clammy|mottled)(?: and| ,)? (?:drowsy|confused|grey|gray|barely \w+)",
        fires=("septic shock", "cold, clammy, and his pulse is so weak", "baby is floppy and grey", "signs of shock"),
        silent=("electric shock from a toaster", "in shock about the news", "no signs of shock"),
    ),
    text_rule(
        "T0-HANGING-DROWNING", "hanging or drowning", 0,
        r"hang(?:ed|ing) (?:himself|herself|attempt|from (?:a|the) (?:rope|beam|tree|ceiling|door))|found (?:\w+ ){0,2}hanging|hanged|strangulat\w+ by|pulled (?:out )?(?:of|from) ~ (?:water|pool|river|lake|sea|bath)|"
        r"(?:near )?drown(?:ed|ing)|submersion|hanging , (?:\w+ )?cut down|(?:attempted|suspected|near) hanging",
        unless=r"hernia|hanging (?:out|up|the|around|about)|drowning in (?:work|debt)|strangulated hernia",
        fires=("found hanging in the garage", "Submersion 5 min, apnoeic", "pulled out of the pool, coughing", "near drowning"),
        silent=("no drowning", "skin tag hanging from neck", "found her hanging up the washing", "strangulated hernia?"),
    ),
    text_rule(
        "T0-CORD", "cord prolapse or birth in trouble", 0,
        r"cord prolapse|prolapsed cord|(?:cord|umbilical cord) (?:is )?(?:out|visible|coming out|hanging)|shoulder dystocia|(?:feet|foot|bottom|arm) (?:is |are )?coming (?:out )?first",
        fires=("cord prolapse", "waters broke and the cord is visible"),
        silent=("no cord prolapse", "cord blood question"),
    ),
)  # fmt: skip
