# ruff: noqa: E501
"""The words by which a note denies, dates, supposes, or speaks of somebody else. Pure.

Read by `guards`, which decides how far each of them reaches.
"""

from __future__ import annotations

import re
from typing import Final

NUMBER: Final = (
    r"(?:\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|few|several|many|"
    r"couple of|some)"
)
MONTH: Final = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"spring|summer|autumn|winter)"
)
NOW: Final = re.compile(
    r"\b(?:today|now|currently|tonight|this (?:morning|afternoon|evening|am|pm)|since|just|sudden|"
    r"suddenly|ongoing|still|again|at the moment|acute|acutely|yesterday|last night|new|worse|"
    rf"worsening|{NUMBER} (?:seconds?|minutes?|hours?|days?) ago|"
    rf"(?:for|x) (?:the (?:last|past) )?(?:about )?{NUMBER} ?(?:minutes?|hours?|days?))\b"
)
# What ends the reach of a denial or of a history.
ENDS_REACH: Final = re.compile(
    r"\b(?:but|however|although|though|yet|except|apart|then|now|because|since|until|who|which|has|"
    r"is|are|reports?|reporting|complains?|complaining|presents?|presented|presenting|developed|"
    r"started|became|began|came|he|she|they|i|still|with|today|feels|feeling|woke|"
    r"sudden|suddenly|severe|crushing|worst|acute|new|admits|endorses|positive)\b"
)
# How strong or new a sign is, right after a denial, is denied with it.
HOW: Final = re.compile(
    r"^ ?(?:(?:any|new|sudden|acute|severe|crushing|worst)(?:,? (?:or|and))? )+"
)
# What ends the reach of a denial only: what follows is the setting, which is not denied.
ENDS_DENIAL: Final = re.compile(
    r"\b(?:again|after|despite|while|whilst|when|instead|only|this time|following|once)\b|(?<!^) : | - "
)
STRONG_DENIAL: Final = re.compile(
    r"\b(?:denies|denied|deny|denying|(?<!not )(?<!never )without|negative for|absence of|lack of|lacks|free of|free from|"
    r"no evidence (?:of|for)|no signs? of|no (?:known )?history of|no complaints? of|no indication of|no suggestion of|"
    r"no features of|no symptoms of|nothing to suggest|not suggestive of|not consistent with|at no (?:time|point)|"
    r"rules out|ruling out|excludes|disproved|neither|"
    r"(?<!not )(?<!was )(?<!were )(?<!been )(?<!be )(?<!is )(?:ruled out|excluded)(?! from| by))\b(?! ?,)"
)
CLAUSE_DENIAL: Final = (
    r"(?:denies|denied|denying)(?: that)? (?:he|she|they|i) (?:has|had|have|is|was|took|ever)(?: ever)?|"
    r"(?:nobody|no one|none of (?:them|us|those))(?: else)? (?:was|were|is|are|has|had|have|got|lost)|"
    r"not once(?: has| have| had)?(?: he| she| i| they)?|nil(?! by)|ø"
)
# "no relief", "not only", "never such": words of denial that deny no sign.
DENIES_NO_SIGN: Final = (
    r"(?:relief|relieved|reliev\w+|better|improvement|improving|improved|change|changed|different|difference|longer|less|doubt|"
    r"idea|matter|way|only|just|merely|simply|sure|certain|clear|convinced|known|response|responding|reply|answer|"
    r"answering|reacting|stop|stopped|stopping|ending|end|settling|settled|easing|eased|ease|respite|let-?up|letting|"
    r"pause|break|help|helped|helping|effect|use|good|luck|work|working|worked|going|gone|coming|touching|able|been able|"
    r"been (?:responding|reacting|breathing|relieved|eased|better|well|right|himself|herself)|"
    r"manag\w+|because|due|like (?:him|her)|well|right|himself|herself|myself|feeling|feel well|"
    r"eating|drinking|sleeping|such|so|one (?:can|could|is able|knows|noticed|saw)|"
    r"(?:had|felt|known|experienced|seen) (?:such|anything|so)|true|denying|denied|deny|excluded|ruled|rule|exclude|"
    r"without|much|the (?:first|same)|,)"
)
WEAK_DENIAL: Final = re.compile(
    rf"\b(?:{CLAUSE_DENIAL}|(?:no|(?<!can )(?<!could )(?<!will )(?<!would )(?<!should )(?<!must )(?<!or )not|"
    rf"(?:can|could) not (?=see|feel|find|hear|be pregnant)|never|nor)\b(?! {DENIES_NO_SIGN}))"
)
# "not denying", "it is not true that she has no": a denial denied.
DENIAL_UNDONE: Final = re.compile(
    r"\b(?:(?:not|never|nobody|hardly|no) (?:true|denying|denied|deny|denies|without|free (?:of|from)|negative for|the case)|(?:can|could) not say|"
    r"untrue|no way|no denying|wrong (?:to say|that)|(?:not|never) (?:be )?(?:rule|ruled|ruling|exclude|excluded|excluding)(?: out)?)\b"
)
# "no sign of the bleeding stopping", "no chest pain until today", "never had chest pain like this".
GOES_ON_AFTER: Final = re.compile(
    r"^(?: \w+)? (?:stopping|easing|improving|ending|settling|letting up|slowing|getting better|going away|subsiding)\b|"
    r"^ until (?:now|today|tonight|this|yesterday|last night|\w+ (?:minutes?|hours?|days?)|about|recently)\b"
)
FIRST_EVER_AFTER: Final = re.compile(
    r"^(?: [\w'-]+){0,4} (?:like (?:this|that|it)|(?:as|so|this|that) (?:bad|badly|severe|strong|much|intense)|before)\b"
)
NEW_CLAUSE: Final = re.compile(r"^(?:he|she|they|i) ")  # "without oxygen he turns blue"
TEST: Final = (
    r"(?:screen|screening|tests?|swab|scan|work-?up|score|panel|markers?|enzymes|cultures?)"
)
DENIED_AFTER: Final = re.compile(
    r"^ ?(?:\( ?- ?\)|\( ?(?:no|neg|negative|none) ?\)|(?:[:=-] ?)?(?:none|nil|negative|denied|absent|"
    r"no(?= ?(?:[.,;)]|$)))|(?:is|was|has been|have been|are|were) (?:absent|denied|negative|"
    r"excluded|ruled out)|ruled out|excluded|not (?:present|detected|suspected|found|seen(?! by))|unlikely|"
    r"(?:came|come|comes|was|is) back (?:negative|normal|clear)|turned out (?:to be )?(?:faulty|false|nothing|negative|harmless|fine|a false)|"
    rf"pathway (?:complete\w*|done|negative)|{TEST} (?:[:=-] |is |was |were |came back |has been |returned )?(?:negative|normal|clear|excluded))"
)
ASKS: Final = re.compile(
    r"^(?:and |so |, )?(?:$|(?:any|do|does|did|have|has|is|are|was|were|ever)\b)"
)
ANSWERED_NO: Final = re.compile(
    r"^[^.;!?]{0,60}\? (?:no|none|nope|never|nil|not at all|denied|denies)(?= ?(?:[.,;)]|$))"
)
HISTORY: Final = re.compile(
    r"(?<!day )(?<!days )(?<!hour )(?<!hours )(?<!week )(?<!weeks )(?<!minutes )"
    r"\b(?:history(?: of|:)?|past medical history(?: of)?|known|status post|medical history|previous|previously|"
    r"prior(?! to)|remote|survived|survivor of|recovered from|(?<!year )(?<!years )(?<!month )(?<!months )(?<!week )(?<!weeks )(?<!day )(?<!days )(?<!-)old(?! (?:man|woman|lady|gentleman|person|boy|girl|people|chap|age))(?! ?-))\b"
)
NEAR_HISTORY: Final = frozenset(
    {
        "previous",
        "previously",
        "prior",
        "remote",
        "old",
        "known",
        "status post",
        "survived",
        "survivor of",
        "recovered from",
    }
)
YOUNG: Final = (
    r"(?:child|kid|baby|toddler|boy|girl|teenager|teen|student|youngster|young (?:man|woman|adult))"
)
WHEN_YOUNG: Final = (
    rf"when (?:he|she|i|they) (?:was|were) (?:young|little|small|at school|at university|an? {YOUNG}|"
    r"(?:\d+|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen)(?! ?(?:weeks|minutes|hours|days|months)))"
)
LONG_SINCE: Final = (
    rf"in the past|in childhood|(?:in|during) (?:his|her|my|their) (?:childhood|youth|teens|(?:twen|thir|for|fif|six|seven|eigh|nine)ties|\d0s?)|as an? {YOUNG}|"
    rf"last (?:year|month|{MONTH}|christmas|easter)|(?:long|ages|years|decades) (?:ago|back)|some time ago|"
    rf"{NUMBER} ?(?:years?|months?|decades?) (?:ago|back|before|earlier)|{WHEN_YOUNG}"
)
PAST_AFTER: Final = re.compile(
    rf"^(?: [\w'/-]+){{0,5}}? \(?(?:in (?:the )?(?:19|20)\d\d|(?:19|20)\d\d|{LONG_SINCE}|in {MONTH}|years before|"
    r"at age|at the age)\b"
)
# "Last year he had a stroke", "long ago turned out to be", "2019 (septic shock)".
PAST_BEFORE: Final = re.compile(
    rf"(?:^|[,:] |\band |\bbut )(?:back |already |once |nearly |almost |about |over )?(?:in (?:19|20)\d\d|{LONG_SINCE})\b|"
    rf"\b(?:(?:19|20)\d\d|{LONG_SINCE}) (?:turned out|proved|it was|was found|led to)\b|\b(?:19|20)\d\d (?=\()"
)
BACK_TO_NOW: Final = re.compile(
    r"\b(?:but|now|today|tonight|since|still|again|has|is|are|this|because|until|woke|yesterday)\b"
)
# "like the one he had in 2015": a sign of today, likened to an old one.
ALIKE: Final = re.compile(r"^(?: \w+){0,3} (?:like|same as|similar to|as bad as|worse than)\b")
ALIKE_BEFORE: Final = re.compile(r"\b(?:like|same as|similar to) (?:\w+ ){0,2}$")
KIN: Final = (
    r"(?:mother|father|parents?|brother|sister|grandmother|grandfather|grandma|grandpa|aunt|uncle|"
    r"cousin|sibling|relative)"
)
PERSON: Final = (
    rf"(?:{KIN}|(?:step|half)-?(?:mother|father|brother|sister|son)|(?:mother|father|brother|sister|son|daughter)-in-law|"
    r"wife|husband|partner|spouse|boyfriend|girlfriend|ex(?:-\w+)?|fiancee?|son|daughter|twin|nephew|niece|gran|granny|nan|nana|granddad|"
    r"grandad|grandson|granddaughter|grandchild|friends?|neighbou?rs?|colleagues?|co-?workers?|workmates?|classmates?|schoolmate|"
    r"team-?mates?|flatmate|room-?mate|housemate|teacher|boss|manager|landlord|pupil|client|carer|trainer|coach)"
)
STRANGER: Final = (
    rf"(?:{PERSON}|man|woman|boy|girl|person|child|kid|patient|passenger|driver|rider|cyclist|student|player|guest|"
    r"customer|resident|lady|guy)"
)
PET: Final = r"(?:cat|dog|puppy|kitten|hamster|rabbit|budgie|parrot|guinea pig|gerbil|goldfish|horse|pony|pet)"
WHERE: Final = r"(?: (?:at|in|on|from|of|across|next) (?:(?:the|his|her|my|a) )?(?:\w+ )??\w+)??"
HAD: Final = (
    r"(?:also |both |once |recently |sadly )*(?:had|died|has had|have had|passed away|suffered|survived|"
    r"was diagnosed|history|was|were|took|got|lost|went|collapsed|fainted|overdosed|splashed|burned|burnt|injured)"
)
ILL: Final = re.compile(r"(?:had|died|away|suffered|survived|diagnosed)$")
HAS: Final = (
    r"(?:also |both |now |just )*(?:has|have|is|are|suffers|can not|could not)(?: (?:a )?history)?"
)
FAMILY: Final = re.compile(
    r"\b(?:family history|fam history|family hx|familial|runs in (?:the |his |her |my )?family)\b|"
    rf"\b{KIN}(?:'s)? (?:also |both )?(?:had|died|has had|have had|passed away|suffered|with|has a history|"
    r"was diagnosed|history)\b"
)
DEAD: Final = re.compile(r"\b(?:late|died|passed away)\b")
# Of these a caller speaks as "her son had", too.
NEAREST: Final = re.compile(
    r"\b(?:wife|husband|partner|spouse|boyfriend|girlfriend|son|daughter|child|friend|grandson|granddaughter)\b"
)
# Whose relative it is -> what the patient is called then.
PRONOUN: Final = {
    "his": "he",
    "her": "she",
    "their": "he",
    "patient's": "he",
    "my": "i",
    "our": "i",
}
# Somebody else as the subject; what follows is said of them.
OTHER: Final = re.compile(
    rf"\b(?P<whose>his|her|their|patient's|my|our|a|an|another|the other|one|^)(?: |(?<=^))(?:best |close |good |other |old |late |car |elder |"
    rf"older |younger |twin |great |school |female |male )*{STRANGER}\b{WHERE} ?(?:(?P<had>{HAD})|(?P<has>{HAS})|(?P<bare>$))"
)
PET_SUBJECT: Final = re.compile(
    rf"\b(?:the|my|our|his|her|their|a|\w+'s) (?:\w+ )?{PET} (?:(?:had|has|is|was|died|got|ate)\b|$)"
)
PET_HURTS: Final = re.compile(
    r"\b(?:him|her|his|my|me|them|bit|bitten|attacked|kicked|thrown|threw|rolled|fell|fallen|dragged|crush\w*|trampl\w*)\b"
)
# What a bare "her grandmother" can be the subject of: nothing that is done to another person.
DOES_ALONE: Final = re.compile(
    r"^(?:can not|could not|collaps|faint|pass(?:ed|ing) out|stopp|overdos|drown|hanged|unconscious|"
    r"los[te]|seiz|fits|had|took|swallow|splash|chok)"
)
NEW_SUBJECT: Final = re.compile(
    r"\b(?:but|however|now|patient|he|she|i|we|this)\b|\bfound (?:him|her|me|them)\b"
)
# The note is about somebody of their own beside the one named.
THE_PATIENT: Final = re.compile(
    r"\b(?:he|she|girl|boy|man|woman|lady|child|patient|baby|teenager) (?:himself|herself)\b|"
    r"\bour patient\b|\bthis (?:patient|man|woman|lady|boy|girl|child|gentleman|teenager)\b|"
    r"\b(?:he|she|patient) (?:only|just) (?:wants|needs|has|asks|came|comes|would like)\b|"
    r"\b(?:he|she|patient) is (?:here|back) (?:for|to|only)\b|\b(?:and|is|are) here (?:only )?for\b"
)
ALSO_THE_PATIENT: Final = re.compile(
    r"\b(?P<who>he|she|patient) (?:wants|asks|comes|came|would like|has never|has no|is worried|is nervous|has slept)\b|"
    r"\b(?:unhurt|uninjured|unharmed)\b|\b(?P<me>i) (?:myself|have no|only (?:want|came|have))\b"
)
FAMILY_AFTER: Final = re.compile(
    rf"^(?: [\w'/-]+){{0,2}} (?:in (?:the |his |her |my )?(?:family|{KIN})|\( ?{KIN})\b"
)
OWN_PATIENT: Final = re.compile(
    rf"^(?:hello |hi |help |please |[,] )*(?:it's |it is )?(?:my|our) {PERSON}\b"
)
LONG_AGO: Final = re.compile(
    r"\bat (?:age|the age)|\bdied|\bpassed away|\bin (?:his|her|their) \d0"
)
FEAR: Final = r"(?:worr\w+|fear\w*|afraid|scared|anxious|concerned|nervous|frightened|wonder\w*)"
SUPPOSED: Final = re.compile(
    r"\b(?:(?<!not )rule out|query|worried about|worry about|worries about|concerned about|nervous about|afraid of|fears?|fear of|"
    r"scared of|frightened of|anxious about|paranoid about|risk of|in case|(?<!sure )(?<!know )(?<!tell )(?<!see )(?<!as )if|"
    r"should|return for|watch for|watch out for|screening for|screen for|(?<!not )to exclude|excluding|prevent|prevention of|"
    r"vaccin(?:e|ation) (?:against|for)|precautions?|could get|might get|evaluate for|check for|checked for|instead of|"
    r"read about|asks about|asking about|talks? about|(?<!during )(?<!while )(?<!after )(?<!in )training|(?<!of )course|googled|"
    r"(?:might|may|can|could) (?:turn (?:in)?to|become|lead to|cause|trigger|bring on|mean|result in|give (?:him|her|me|you))|"
    rf"{FEAR}(?: \w+){{0,5}} (?:might|could|may) (?:be|have|get|mean|develop)(?! (?:been|had|taken|having|\w+ed|\w+en)\b))\b"
)
# Further reach: questions, things read or seen, advice for another day.
SUPPOSED_FAR: Final = re.compile(
    r"\b(?:wonders?|wondering|want(?:s|ed)? to know|would like to know|curious|"
    r"ask(?:s|ed|ing)? (?:\w+ )?(?:what|how|whether|if|which)|what (?:are|is|would be) the (?:signs|symptoms|risks?|chances?)|"
    r"how (?:\w+ ){0,3}know (?:if|whether|when)|side effects? (?:\w+ ){0,3}(?:include|are|can be|may be)|(?:prescription|refill|renewal|replacement|script) (?:of|for)|"
    r"(?:leaflet|article|poster|website|internet|advert\w*|programme|documentary|film|movie|novel|book|song|series|podcast|"
    r"lecture|talk|course|class|training|lesson|drill|exam|essay|video) (?:about|on|of|says|said|is about|mentions?|lists?|warns?)|"
    r"(?:leaflet|label|box|packet) (?:\w+ )?(?:says?|said)|(?:leaflet|poster|article|film|programme)(?: \w+){0,5} about|"
    r"(?:can|could|may|might|does) (?:\w+ ){1,5}(?:cause|lead to|turn into|give (?:me|you|him|her))|(?:possible|likely) to (?:get|catch)|"
    r"(?:band|song|film|movie|game|book|show|episode|album|drink|cocktail|ride|horse) (?:is |was )?(?:called|named|titled)|"
    r"(?:song|film|movie|game|book|novel) called|"
    r"(?:come back|return\w*|call|ring|advised|told|seek help|attend|phone|safety ?-?net\w*)(?: \w+){0,5} if)\b"
)
SUPPOSED_ENDS: Final = re.compile(
    r"\b(?:but|because|and now|has|with|since|why|who|which|how|realised|realized|noticed|(?:is|am|are|was|be) having|took|used|and is)\b|(?<!^) : | - |(?<=\w )(?:he|she|i|it|they) (?:gets|get|feels|starts|was)\b"
)
FAR_ENDS: Final = re.compile(
    r"\b(?:but|because|since|why|now|took|used|and (?:is|has|he|she|they|i|it))\b|(?<=\w )(?:he|she|i|they) (?:did|does|was|is|has|can)\b|(?<!^) : "
)
# "stroke ward", "heart attack charity".
NAMED_AFTER: Final = re.compile(
    r"^ (?:unit|ward|clinic|(?:centre|center)(?! of| chest| left| right)|charit\w+|awareness|survivors?|course|class|training|lecture|leaflet|booklet|poster|"
    r"article|support group|fund-?raiser|fundraising|campaign|foundation|society|association|helpline|"
    r"prevention|lesson|drill|research|rehab\w*|me stuck|grill|burger|of (?:luck|genius)|in (?:work|debt|paperwork|homework|emails))\b"
)
# "thought it was", then what it was instead.
BELIEVED: Final = re.compile(
    r"\b(?:thought|seemed|looked|appeared|feared|afraid|worried|panicked|suspected|assumed|believed|convinced)\b(?: [\w']+){0,7} $"
)
PROVED_OTHERWISE: Final = re.compile(
    r"^[^.;!?]{0,60}\b(?:but|turned out|luckily|fortunately)\b[^.;!?]{0,60}\b(?:none (?:is|are|was|were) missing|"
    r"nothing (?:is|was|wrong|missing|found)|(?:he|she|they|that) (?:was|were) (?:only|just|actually|merely)|it was (?:only|just|a|an|the|flu|wind|nothing)|was wrong|all (?:there|accounted)|"
    r"turned out|found (?:it|them)|to be (?:only|just|a|an|fine))\b"
)
# "nearly had a heart attack laughing": said of no illness.
FIGURE_BEFORE: Final = re.compile(
    r"\b(?:nearly|almost|practically|virtually|about) (?:had|has|have|having|gave \w+|give \w+|get|got)(?: (?:a|an|another))? $|"
    r"\b(?:gave|give|gives|giving) (?:me|us|everyone)(?: (?:a|an|such a|half a))? $"
)
FIGURE_AFTER: Final = re.compile(
    r"^ ?(?:from |with )?(?:laughing|laughter|when (?:i|he|she|they) (?:saw|heard|got|opened) the|(?:at|over) the (?:price|bill|cost|news))\b"
)
FIGURE_WORDS: Final = re.compile(
    r"^(?:heart attack|stroke|fit|seizure|cardiac arrest|having a fit|(?:heart|pulse) (?:has |is )?stopped)$"
)
LIKENED: Final = re.compile(r"\b(?:feels?|felt|feeling) (?:like|as if|as though) (?:\w+ ){0,4}$")
BLOW: Final = re.compile(
    r"^(?:been |was |got |being )?(?:run (?:over|down)|knocked (?:over|down)|hit by|struck by|shot(?! in)|kicked by|trampled)"
)
NEXT_ITEM: Final = re.compile(r",| and (?:he|she|i|they) ")
