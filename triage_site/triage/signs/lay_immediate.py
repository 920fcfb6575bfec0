# ruff: noqa: E501
"""Priority 0 in the words of people who are no clinicians."""

from __future__ import annotations

from typing import Final

from triage_site.triage.signs.lay_words import BURNED, DET, FAINTISH, IS, SLEEPY, WHO
from triage_site.triage.signs.rule_types import ESI, MTS, TextRule, text_rule

_OVER: Final = (
    r"it came (?:out|up)|coughed it|now (?:fine|ok|okay|breathing|playing|well)|is fine now|back to normal|"
    r"has stopped now|it has stopped|it stopped after|stopped by itself|all right now"
)
_BLEEDS: Final = r"bleed\w*|blood|artery|wound|gash|cut|knife|stab\w*|chain ?saw|blade|glass|neck|thigh|leg|arm|wrist|throat"
_AIR_HUNGER: Final = (
    r"whistl\w+|squeak\w*|crowing|wheez\w*|rasping|stridor|croak\w*|hoarse|high (?:noise|sound)|fighting (?:for|us|to)|"
    r"can't (?:breathe|swallow|speak|talk|get ~ (?:air|breath))|struggl\w+|gasp\w*|throat (?:(?:is|feels|getting|so|very) )*(?:closing|tight\w*|swelling|swollen|full)|"
    r"(?:tongue|throat|lips?) (?:is |are |has |have )?(?:\w+ )?(?:swell\w*|swollen|huge|fat|thick|big)|lump in ~ throat|drooling|dribbling|voice ~ (?:gone|changed|funny|hoarse|squeaky)"
)

LAY_IMMEDIATE: Final[tuple[TextRule, ...]] = (
    text_rule("L0-FADING", "losing consciousness with an alarm sign", 0,
        r"(?:barely|hardly|only just) (?:conscious|awake|alive)|in and out of consciousness|(?:losing|lose) consciousness|can't stay awake|slipping away|(?:can )?only moans?|fading (?:away|fast)",
        r"gr[ae]y|white|pale|cold|clammy|sweat\w*|blood|bleed\w*|crush\w*|mottled|blotchy|blue|breath\w*|pills|tablets|overdose|seizure|pulse", source=ESI,
        unless=r"not (?:lose|losing)|(?:did|does|didn't) not? lose|no loss|never lost|briefly|came round|awake now|fine now|tired",
        fires=("he is barely conscious, pale and sweating after the crash", "vomits blood and can't stay awake"), silent=("did not lose consciousness, pale", "he is awake, pale")),
    text_rule("L0-SWELLING-AIRWAY", "swelling that closes the airway", 0,
        r"(?:face|tongue|throat|lips?|neck) (?:\w+ ){0,4}(?:balloon\w*|swell\w*|swollen|puffed|blown|closing)|swollen (?:face|tongue|throat|lips|neck)",
        r"high[- ]?pitched|inhales?|stridor|hardly (?:speak|talk|breathe|swallow)|can't (?:breathe|speak|talk|swallow ~ saliva)|gasp\w*|wheez\w*|drool\w*|fighting for|collapsed|(?:lips|face) (?:\w+ ){0,3}blue", source=ESI,
        unless=r"(?:not|isn't|no) (?:\w+ )?(?:swollen|swelling)|gland\w*|tonsil\w*|tooth|dentist|breathe (?:normally|fine|well)|mumps",
        fires=("his face ballooned and there is a high-pitched noise when he inhales",), silent=("swollen face from a tooth, breathing fine", "no swollen tongue, wheezing")),
    text_rule("L0-NECK-WOUND", "bleeding wound of the neck", 0, r"(?:slash\w*|cut|gash\w*|wound|stab\w*) (?:\w+ ){0,4}(?:throat|neck)|(?:throat|neck) (?:\w+ ){0,3}(?:slashed|cut|slit)", r"heav\w+|bubbl\w*|spurt\w*|pour\w*|pump\w*|gush\w*|can't (?:breathe|speak)|lots of blood|blood everywhere", source=MTS, unless=r"shaving|small|scratch",
        fires=("a deep slash across his throat with heavy bleeding",), silent=("cut his neck shaving, heavy sleeper", "no wound on the neck")),
    text_rule("L0-BIRTH-BLEEDING", "massive bleeding around birth", 0, r"gave birth|delivered|placenta|after (?:the )?birth|weeks pregnan\w+|miscarr\w+", r"bleed\w*|blood|towels?", r"faint\w*|collaps\w*|cold|ice|gr[ae]y|pale|white|confus\w*|unconscious|non-?stop|pouring", r"faint\w*|collaps\w*|ice|gr[ae]y|(?:very|deathly) pale|white as|confus\w*|unconscious", r"soaked|pouring|non-?stop|pool|gush\w*|floods?|flooding|heav\w+|so much", source=MTS, unless=r"spotting|no (?:bleeding|blood)|feel(?:s|ing)? faint|a bit",
        fires=("gave birth an hour ago, bleeding non-stop, soaked five towels, fainting, skin like ice",), silent=("gave birth a month ago, spotting", "placenta low, no bleeding")),
    text_rule("L0-SNORING", "snoring breath in a person who does not answer", 0, r"snor(?:ing|es)", r"(?:not|doesn't|n't) (?:answer|respond|react|wake|talk)\w*|no (?:answer|response)|staring|limp|unconscious|unresponsive", source=ESI, unless=r"at night|asleep|sleep ap\w*|keeps me awake",
        fires=("he is staring, doesn't answer and makes snoring noises",), silent=("snoring at night, doesn't answer the phone", "no snoring")),
    text_rule("L0-RESUSCITATION", "being resuscitated", 0,
        r"(?:pump\w+|push\w+|press\w+|compress\w+|pounding) (?:up and down )?(?:hard )?(?:on |at )?(?:the |his |her |their )chest|(?:doing|started|giving|did) (?:the |chest )?compressions|chest compressions?|"
        r"(?:doing|does|on|with) the (?:pumping|compressions|pushing) on|mouth[- ](?:to|2)[- ]mouth|kiss of life|rescue breaths?|breathing for (?:him|her|them)|bagging (?:him|her)|"
        r"(?:sent|gone|running|went|fetch\w*|get\w*|got) (?:for )?the (?:defib\w*|aed)|(?:machine|box|defib\w*|aed) (?:\w+ ){0,8}(?:stand clear|jolt|shock(?:ed)? (?:him|her)|shock advised)|told us to stand clear|shock advised|"
        r"no heart ?beat|heart ?(?:beat)? (?:has |is )?(?:stopped|not beating)|no signs? of life|(?:think|believe|sure) (?:he|she|they) (?:is|has|have|are) (?:dead|died|gone|passed)|stone cold and stiff",
        unless=r"pacemaker|implant\w*|stress test|training|massage gun|" + _OVER, source=ESI,
        fires=("A nurse is pushing on his chest", "the machine told us to stand clear", "there is no heartbeat", "they are giving mouth-to-mouth"),
        silent=("no chest compressions were needed", "pressing on my chest makes the rib hurt")),
    text_rule("L0-HARDLY-BREATHES", "hardly breathing", 0,
        rf"{DET}(?:chest|stomach|abdomen) (?:is )?(?:hardly|barely|not) (?:moving|moves?|goes|going|rising|rises)|(?:hardly|barely) goes up and down|(?:long|big) (?:pauses|gaps) (?:between|in|when)|(?:with|has) (?:\w+ )?long (?:pauses|gaps)|"
        r"snor(?:ing|es?) (?:\w+ )?(?:gasps?|breaths?|noises?|sounds?) (?:\w+ ){0,3}(?:when|breath\w*|every)|odd (?:snoring )?(?:gasps?|breaths?)|gurgl\w+|(?:takes|taking|takes only) (?:a |one |an odd )?(?:breath|gasp|gulp) (?:\w+ ){0,3}(?:every|now and)|breath\w* (?:\w+ ){0,3}every (?:now and then|ten|20|30|half)|"
        r"(?:two|three|four|five|six|2|3|4|5|6) (?:times|breaths|gasps) (?:a|per|every) minute|can't tell (?:whether|if) (?:he|she) is breathing|breathing (?:has )?(?:stopped|stops)|(?:stops|stopped) taking breaths?|no (?:air|breath) (?:is )?(?:coming|going|goes|comes)",
        unless=r"snores? at night|sleep ap|stomach gurgl\w*|gurgling (?:stomach|abdomen)|abdomen ~ gurgl\w+|baby gurgl\w+|hold\w* ~ breath|" + _OVER, source=ESI,
        fires=("her chest is hardly moving", "he breathes with long pauses", "grunts four times a minute"), silent=("no gurgling", "my stomach gurgling after lunch")),
    text_rule("L0-COLOUR", "blue or dusky", 0,
        rf"(?:lips?|face|tongue|mouth|skin|he|she|him|her|baby|it) {IS}(?:a |dark |bluish |deep |horrible |funny )*(?:blue|bluish|blue-?gr[ae]y|dusky|purple|violet|navy|slate|lilac)(?! (?:spots?|rash|bruis\w*|mark\w*|blotch\w*|top|shirt|coat|jumper|hair|and yellow))|(?:lips?|face|tongue|mouth) {IS}(?:dark|black)(?! (?:with|from) (?:ink|soot|food|chocolate))|(?:turning|turned|going|gone|went) (?:all |completely |very )?blue(?! (?:spots?|rash|bruis\w*))|still blue|dusky (?:color|skin|face|lips)|(?:blue|purple|violet|dusky) (?:lips?|face)",
        unless=r"inhalers?|puffers?|jeans|dye|bruis\w*|blue about|black eye|nail|toe|finger|foot|hands?|ankle|leg|limb|arm|swollen|eyebrow|scalp|birth ?mark|cold hands|berries|ink|rash|spots?|toes?|it is (?:\w+ ){0,2}(?:purple|dark)|when (?:he|she) (?:cough|cri|cries)\w*|blotch\w*|blister|shin|scratch\w*|knees?", source=ESI,
        fires=("his lips are dark blue", "she has gone a dusky purple", "he is going blue"), silent=("no blue lips", "her eye is purple, a bruise")),
    text_rule("L0-NO-REACTION", "does not react", 0,
        r"can't (?:get|make) (?:him|her|them|my \w+) to (?:wake|open|respond|stir|react|answer|come round)|(?:does|do|did|will|would|is|are) not (?:\w+ )?(?:open\w* (?:his|her|their) eyes|stir\w*|flinch\w*|budge|com(?:e|ing) round|responding|answer\w*(?: me| us)? when|squeeze)|"
        r"(?:did|does|do) not (?:react|respond|answer|notice) ~ (?:pinch\w*|shak\w*|shout\w*|rub\w*|slap\w*)|(?:pinch\w*|shook|shaking|shouting|slapp\w*|dug|rubbed|rub) (?:[^.;!?\s]+ ){0,12}(?:nothing|no (?:reaction|response|answer)|did not|does not|doesn't|not a (?:flicker|thing))|"
        r"only (?:groans|moans|grunts)|(?:groans?|moans?|grunts?) (?:only )?(?:when|if) (?:you|we|i) (?:pinch|press|squeeze|rub|shake)|out cold|dead to the world|lights are on but|no (?:reaction|response) (?:at all|from (?:him|her))|hardly moves? (?:his|her) (?:arms|legs|limbs)|(?:he|she) is not moving(?: at all)?",
        unless=r"for (?:a |about )?(?:\w+ )?(?:seconds?|minutes?|moments?) (?:but|and|then|,)|came round|woke up|awake now|was out cold|knocked out cold|question\w*|phone|letter|(?:door|phone|calls?|bell|text) |cream|treatment|slept|out cold for|leg|toes?|finger|bowels", source=ESI,
        fires=("I can't get her to open her eyes", "I shook him and he did not do anything", "only groans when you pinch him"),
        silent=("he did not answer the phone", "was out cold for ten seconds but awake now")),
    text_rule("L0-STILL-FITTING", "seizure that goes on", 0,
        r"(?:still|been|keeps?|kept|has been|is|are) (?:\w+ )?(?:fitting|seizing|convulsing)|still (?:shaking|jerking|twitching|going|at it)|(?:shaking|jerking|twitching|fitting|stiff) (?:\w+ ){0,4}(?:for )?(?:about |over |at least )?(?:five|six|seven|eight|nine|ten|twelve|fifteen|20|\d+|a quarter)(?: of an)? ?(?:minutes|mins|hour)|(?:begins|starts) (?:all over )?again|(?:two|three|four|five|\d) in a row|(?:has|have|will|does|is) not stop(?:ped|ping)? (?:\w+ ){0,3}minutes|(?:in a row|back to back) without|one (?:fit|seizure) after (?:another|the other)|eyes are to the side|medicine in (?:the|his|her) cheek|(?:buccal|rectal) (?:midazolam|diazepam)|(?:midazolam|diazepam) (?:did|has|had|does)",
        r"fit|fits|fitting|seizures?|seizing|convuls\w+|epilep\w+|shaking|jerking|twitching|jerks?|stiff",
        unless=r"chills|shiver\w*|rigors?|with (?:cold|nerves|fear|laughter|anger)|hands? (?:is|are|keeps?) shak\w*|" + _OVER, source=MTS,
        fires=("Epileptic. Still shaking after the medicine in the cheek", "the fit stops for a second and then it begins again", "shaking for six minutes and her eyes are to the side", "fits, three in a row without waking up"),
        silent=("fit this morning, it stopped by itself", "still shaking with cold", "no fits")),
    text_rule("L0-NOISY-AIRWAY", "noisy breath of a closing airway", 0,
        r"stridor|crowing|(?:harsh|high[- ]pitched|rasping|squeaking|whooping|musical) (?:\w+ )?(?:noise|sound|breath\w*)|muffled voice|hot potato", r"fighting (?:for|to)|struggling|gasping|drool\w*|(?:lips|face) (?:\w+ )?blue|can't (?:speak|talk|swallow|breathe|cry)|exhausted|sitting (?:bolt )?upright|leaning forward", source=MTS,
        unless=r"teeth\w*|only when (?:he|she) (?:cries|is upset)",
        fires=("every breath in makes a harsh crowing noise and he is fighting for air", "drooling, muffled voice, can't swallow"), silent=("no stridor, not drooling", "harsh cough sound, plays")),
    text_rule("L0-CHOKING", "choking", 0,
        r"chok\w+|(?:swallowed|inhaled) (?:a|an|some)|(?:stuck|lodged|caught) in (?:his|her|my|the) (?:throat|windpipe|airway)|(?:grabb\w*|clutch\w*|hold\w*|claw\w*) (?:at )?(?:his|her) (?:throat|neck)|back (?:slaps?|blows?)|(?:slapp\w*|hit\w*|thump\w*|bang\w*|smack\w*) (?:him|her|his|her)? ?(?:on )?(?:the |his |her )?back|heimlich|abdominal thrusts?|went down the wrong way",
        rf"no (?:sound|noise|air)|nothing (?:flew|came|comes|has come|is coming) (?:out|up)|not a sound|can't (?:breathe|cough|speak|talk|cry|make a (?:sound|noise)|get ~ air)|(?:could|can) not (?:cry|cough|breathe|speak)|not taking ~ breaths?|{WHO} {IS}(?:floppy|limp|blue|purple|dark|weak|unconscious)|(?:lips|face) {IS}(?:dark )?(?:blue|purple|dark|red and)|silent",
        unless=_OVER + r"|fishbone|fish bone|can (?:breathe|talk|speak)", source=MTS,
        fires=("He choked on a sausage and can't breathe", "grabbing at his throat, no sound", "back slaps did not help, he is going purple"),
        silent=("choked on a sweet, it came up, she is fine now", "fish bone stuck in my throat, can talk")),
    text_rule("L0-ALLERGY-AIRWAY", "allergic reaction with airway, breathing or circulation signs", 0,
        r"nuts?|cashews?|peanuts?|almonds?|walnuts?|hazelnuts?|pistachios?|sesame|shellfish|prawns?|shrimps?|allerg\w+|wasps?|bees?|hornet|stung|sting|hives|welts|epi ?-?pens?|(?:adrenaline|injector) pen|(?:used|have|got|given) (?:one|a|the|his|her) pen|antibiotic|(?:dose|tablet|injection) of (?:\w+ )?antibiotics?|(?:after|took|taking|started) (?:\w+ ){0,3}antibiotics?|penicillin|amoxicillin|(?:after|had|given) ~ (?:jab|injection|vaccine|contrast)",
        rf"{_AIR_HUNGER}|blown up and|breath\w* (?:badly|noisy|hard)|floppy|collaps\w+|unconscious|keeled over(?! \w+ had)",
        unless=r"allergic rhinitis|hay fever|(?:no|any|known|nil) (?:known )?allerg\w+|allergic to (?:penicillin|latex|codeine|aspirin|sulfa)|bee ?keeper|(?:on|finished|taking|course of|the) antibiotics? (?:from|for|since|and)|inspite of|in spite of|dough ?nuts?|nuts and bolts|(?:spelling )?bee |breath\w* (?:is )?(?:ok|okay|fine|normal\w*)|can (?:breathe|swallow)|nose|asthma inhaler|nearly keeled", source=ESI,
        fires=("ate a cashew and now her breath is whistling and she has welts", "Stung by a wasp, throat feels so tight", "used one pen, she can't swallow"),
        silent=("bee sting, breathing is fine", "hives, denies trouble breathing", "sting on the hand, no wheeze")),
    text_rule("L0-SPURTING", "massive bleeding", 0,
        r"spurt\w*|squirt\w*|(?:in|comes? (?:out )?in|with|through ~ in) (?:jets|pulses|spurts|jumps|bursts)|(?:pump|gush|pour|hos|stream)\w* (?:out )?(?:of|from|down|through|with)|gushing|jets|puls(?:ing|es) out|pumping out|shooting (?:out|from)|fountain|(?:between|through) (?:my|his|her|our) fingers|(?:leg|arm|hand|foot) (?:is |has |was |been |got |come |came |clean )+(?:gone(?! (?:blue|white|cold|numb|dead|heavy|weak|limp|to|red|purple|grey|gray|stiff|all))|torn off|ripped off|off|cut off)|(?:torn|ripped|sliced|taken) off (?:above|below|at)|tourniquet|belt (?:a)?round (?:it|the (?:leg|arm|thigh|top)|his (?:leg|arm|thigh)|her (?:leg|arm|thigh))|(?:pool|puddle|lake) of (?:it|blood)|(?:so|too) much blood|blood (?:is )?(?:everywhere|all over (?:the|his|her))|soak\w+ (?:right )?through|can't (?:stop|stem) (?:it|the (?:blood|bleeding))",
        r"bleed\w*|blood|artery|gash|cut|knife|stab\w*|chain ?saw|blade|glass|neck|thigh", rf"spurt\w*|jets|pulses|pulsing|pumping|shooting out|fountain|jumps|gush\w*|squirt\w*|torn|ripped|tourniquet|belt (?:a)?round|so much blood|{SLEEPY}|{FAINTISH}|white|cold|weak pulse|going quiet|gone quiet",
        unless=r"water(?:s)? (?:went|broke|gush\w*|came)|nose ?-?bleed\w*|epistaxis|from (?:the |his |her |my )?nose|period|clots?|pads?|pouring (?:rain|with rain|tea|water|the)|pus|smoke pouring|sweat pouring|amputat\w+ (?:in|years)|(?:mother|father|wife|she|he) (?:is|has) gone (?:to|into|for)|finger|thumb|tip of|scab\w*", source=MTS,
        fires=("the blood comes in jets from his thigh", "his leg has been torn off and there is so much blood", "cut his neck, spurting"), silent=("nosebleed, gushing this morning", "small cut, no blood everywhere")),
    text_rule("L0-SHOCK-LAY", "looks like shock", 0,
        r"mottled|marble[ds]?|marbling|blotchy|(?:can't|cannot) (?:find|feel) (?:a |any |his |her |the )?pulse|pulse (?:is |keeps )?(?:so |very |too |really |getting )*(?:weak\w*|thready|faint\w*)|(?:ice|stone|freezing) cold|(?:hands|feet|fingers) (?:are )?(?:like ice|freezing|icy)|gr[ae]y (?:and|,) (?:clammy|sweaty|cold|floppy)",
        r"can't (?:get ~ to open|wake|rouse)|(?:not|doesn't|does not) (?:open ~ eyes|answer\w*|respond\w*|react)|stopped making ~ sense|only (?:groans|moans|mumbles|mumbling)|mumbl\w+|barely (?:awake|conscious)|hardly (?:awake|conscious|responds)|unconscious|slipping away|losing (?:him|her)|eyes (?:are )?(?:rolling|closing)",
        unless=r"hands are always|cold weather|marbles", source=MTS,
        fires=("legs blotchy like marble and she does not open her eyes", "he is ice cold, only mumbles and I can't find a pulse"), silent=("blotchy rash, feels well", "no mottled skin")),
    text_rule("L0-FROTH", "drowning in fluid on the lungs", 0, r"(?:pink|bloody|white)?[ ,]*froth\w*|foam\w*|drowning in (?:his|her|my|their) own", r"breath\w*|mouth|lips|lungs?|gurgl\w+|fluid", unless=r"urine|pee|wee|shaving|soap|bath|beer|coffee|toothpaste|foam (?:roller|mattress|dressing)", source=ESI,
        fires=("pink froth at the mouth, can't breathe", "drowning in her own fluid, breathing 44"), silent=("frothy urine, breathing fine", "no froth at the mouth")),
    text_rule("L0-TIRING", "tiring from the work of breathing", 0,
        r"can't (?:manage|get out|say|speak) (?:even )?(?:a |one )?(?:single )?word|can't (?:talk|speak) at all|too breathless to|one word|fighting for (?:air|breath|every)|laboured breathing|breath\w*|inhalers?",
        r"too (?:tired|exhausted|weak) to (?:breathe|talk|speak)|chest is silent|silent chest|getting (?:very )?(?:tired|sleepy|drowsy|limp|quiet|exhausted)|(?:is|are) tiring|giving up|head is nodding|nodding (?:off|forward)|eyes (?:are )?closing|can only nod|(?:fingers?|fingertips|lips|face) ~ (?:blue|violet|purple|gr[ae]y)|gr[ae]y (?:in the face|and sweating)|not answering (?:us|me)|drowsy|no(?:t| longer) (?:making|moving) ~ (?:sound|air)",
        r"can't (?:manage|get out|say|speak|talk) ~ ?(?:word|all|anything)|struggl\w+|fighting|lips|blue|violet|asthma\w*|emphysema|copd|heart failure|sats?|oxygen|silent|suck\w*|terribly",
        unless=r"can ~ (?:sentences|talk)|breath\w* (?:is )?(?:normal\w*|fine|easily)", source=ESI,
        fires=("asthma attack, can't say a word and getting sleepy", "emphysema, fighting for air, her head is nodding"), silent=("asthma, breathing normally, getting tired of the cough", "no struggle with breathing, sleepy")),
    text_rule("L0-BURNED-AIRWAY", "burned or smoked airway", 0, BURNED,
        r"whistl\w+|stridor|squeak\w*|crowing|can't (?:breathe|speak|get ~ (?:air|breath))|fighting (?:us|for|to)|struggl\w+|gasp\w*|(?:lips|tongue|throat) ~ swell\w*|voice (?:\w+ ){0,2}(?:gone(?! (?:all |very )?(?:croaky|hoarse))|nothing|disappear\w*|going)|from croaky to",
        r"face|neck|mouth|nostrils?|nose|soot|singed|eyebrows|smoke|house fire|lips|front|body|voice", unless=r"chest is whistling|breath\w* (?:ok|okay|fine|normal\w*)|voice ~ (?:ok|okay|fine|normal|all right)|heartburn|burning (?:when|pain)|fireplace|smoke alarm", source=ESI,
        fires=("burns on the face, her voice has gone squeaky", "house fire, soot in the nose and he is struggling to breathe"), silent=("burn on the hand, breathing fine", "no smoke, whistling tinnitus")),
    text_rule("L0-OPIOID", "opioid poisoning with slow breathing", 0,
        r"syringe|needle|heroin|fentanyl|methadone|opioid\w*|opiate\w*|morphine|oxycod\w+|codeine|pain ?killer patch\w*|slow-release|drugs?|pipe|foil|shot up|injected|user", r"tiny pupils|pupils (?:are )?(?:tiny|small|like pin\w*|pin\w*)|pin ?-?point|pinprick pupils|blue|gr[ae]y|won't wake|can't wake|unconscious|not (?:waking|breathing|responding|reacting)|slow(?:ly)? breath\w*|breath\w* (?:\w+ )?(?:slow\w*|shallow|noisily)|snoring|grunts|did not do anything",
        unless=r"needle ?-?stick|blue (?:inhaler|puffer)|acupuncture|insulin|sewing|knitting|blood test", source=ESI,
        fires=("found with a syringe, tiny pupils", "took heroin, breathing slowly and won't wake"), silent=("stood on a needle, fine", "no heroin")),
    text_rule("L0-NEWBORN", "newborn in trouble", 0, r"(?:had|gave birth to|delivered|birth of) (?:the |my |her |a )?baby|baby (?:was |has been |has |is |just )*(?:born|out|arrived|here|delivered|came)|just (?:gave birth|been born|born)|newborn|born (?:\w+ )?(?:minutes?|hour|now)",
        rf"(?:not|doesn't|won't|isn't|stopped) (?:cry\w*|breath\w*|mov\w+)|hardly (?:moves?|breathes?|cries)|{WHO} {IS}(?:floppy|limp|blue|gr[ae]y|dusky|white|lifeless)|dusky|floppy|limp|blue|can't tell", source=ESI, unless=r"jaundice|cord stump|(?:weeks?|months?|years?) (?:old|ago)",
        fires=("the baby was born a minute ago and isn't crying", "I had the baby minutes ago and he doesn't cry", "just born, floppy"), silent=("newborn, not floppy", "my newborn has a sticky eye")),
    text_rule("L0-CORD-LAY", "cord prolapse", 0, r"(?:loop|bit|piece|length|part) of (?:the )?(?:umbilical )?cord|cord (?:is |has )?(?:hanging|out|came|coming|between|showing|dangling|fell|slipped)", unless=r"cord (?:stump|blood|fell off)|spinal|phone|power", source=ESI,
        fires=("a loop of cord is hanging out", "the cord came out with the waters"), silent=("no cord hanging out", "the cord stump fell off")),
    text_rule("L0-TRAUMA-COMA", "severe injury with failing brain or breath", 0,
        r"(?:fell|fall|fallen|crash\w*|hit|struck|thrown|rolled|crush\w*|trapped|shot|gunshot|stab\w*|run over|accident|collision|ejected|load)", r"unconscious|not (?:responding|waking|reacting|moving)|won't wake|does not (?:react|wake|respond)|pupils? (?:is |are )?(?:bigger|blown|unequal|larger|different)|one pupil|(?:r|right|left|l) pupil (?:is )?(?:bigger|blown|larger|dilated)|snor\w+ (?:noises?|when|breath\w*)|gurgl\w+|mumbles|can't find a pulse|swollen up hard|hard like a drum|opens eyes to (?:voice|pain)|fluid from ~ ear",
        r"unconscious|pupils?|snor\w+|gurgl\w+|white|ice cold|cold|pulse|lips|gr[ae]y|does not (?:react|wake|respond)|won't wake|not (?:waking|responding|reacting|moving)|breathing badly|rr down|drum", source=MTS,
        unless=r"(?:was|been|knocked) (?:\w+ )?unconscious(?: ~)? (?:for|but|and (?:is|now))|awake|never unconscious|came round|briefly|fall(?:ing)? asleep|fell asleep|fell ill|hit his stride|heart attack",
        fires=("thrown off his bike, unconscious, snoring noises", "crushed by a tractor, ice cold, only mumbles"), silent=("fell, was knocked unconscious briefly but is awake now", "hit his head, not unconscious")),
)  # fmt: skip
