# ruff: noqa: E501
"""Parts that patterns of lay speech are put together from, in the notation of `compile_pattern`."""

from __future__ import annotations

from typing import Final

# "his", "the poor", or nothing.
DET: Final = r"(?:(?:the|his|her|my|their|our|your|its|a|an|one|both|this|that|some|all|whole|left|right|poor) )*"
# "is", "has gone all", "feels so", or nothing.
IS: Final = (
    r"(?:(?:is|was|are|were|has|have|had|been|be|goes|gone|went|going|go|got|gets|getting|turned|turning|turns|turn|"
    r"looks|looked|look|looking|feels|felt|feel|feeling|seems|now|all|very|so|really|quite|rather|just|completely|"
    r"totally|still|suddenly|become|became|becoming|started|keeps|kept|a bit|a little|sort of|kind of|gradually) )*"
)
WHO: Final = (
    r"(?:he|she|they|it|i|him|her|them|me|baby|child|boy|girl|man|woman|lad|lady|patient|son|daughter|wife|"
    r"husband|mother|father|brother|sister|toddler|rider|driver)"
)
TRUNK: Final = r"(?:abdomen|stomach|chest|breast|neck|throat|back|groin|side|ribs?|flank|pelvis|bottom|heart|lung)"
VEHICLE: Final = (
    r"(?:cars?|vans?|lorry|lorries|trucks?|bus|buses|coach|trams?|trains?|tractors?|motor ?bikes?|motorcycles?|mopeds?|"
    r"scooters?|taxis?|cabs?|forklifts?|quad ?bikes?|vehicles?|jeep|suv|pickup|minibus|bin lorry|bicycle|cyclist|bike)"
)
THINNERS: Final = (
    r"blood ?-?thinn\w+|thinners?|anticoagula\w+|warfarin|coumadin|apixaban|eliquis|rivaroxaban|xarelto|edoxaban|"
    r"dabigatran|clopidogrel|heparin|thins? (?:my|his|her|the) blood|hemophil\w+"
)
WHITE: Final = (
    r"pale|white as|as white|gone white|went white|very white|color of (?:paper|chalk|ash|putty)|ashen|gr[ae]y|clammy|wringing|drenched|soaked (?:in|with|through his|through her) ~ ?sweat|"
    r"cold sweat|sweat\w*|(?:horrible|terrible|awful|bad|funny|strange) color"
)
FAINTISH: Final = (
    r"dizz\w+|faint\w*|light ?-?headed\w*|light in the head|swimmy|woozy|giddy|syncop\w+|keel\w* over|pass\w* out|black\w* out|collaps\w+|"
    r"(?:hall|room|floor|world) (?:tilted|tipped|went|spun|swam)|had to sit|nearly went|weak at the knees|wobbly|can't stand up|"
    rf"{WHITE}"
)
SICK: Final = r"vomit\w*|throw\w* up|threw up|been sick|being sick|sick (?:once|twice|\w+ times)|nausea\w*|(?:feels?|feeling|felt|and|so|very|really) sick(?! (?:note|leave|pay|day|line))|heav(?:es|ed|ing)|puk\w+|retch\w*|bring\w* (?:it |everything )?up"
SLEEPY: Final = (
    r"drows\w+|doz(?:y|ing|ed)|dopey|sleepy|sleepier|letharg\w+|listless|hard to (?:wake|rouse|keep awake)|hardly keep ~ awake|can't (?:keep ~ awake|stay awake)|"
    r"nodding (?:off|forward)|head is nodding|drift\w* off|drops? off|glazed|not with it|out of it|"
    r"mumbl\w+|muddled|confus\w+|rambling|gibberish|not making (?:any )?sense|stopped making ~ sense|delirious"
)
BURNED: Final = r"burn(?:s|t|ed)?|scald\w*|fire|flames?|explosion|exploded|went up|blew up|smoke|petrol|gas bottle|fumes|steam"
HURTS: Final = r"pains?|painful|hurts?|hurting|ach(?:e|es|ed|ing)|agony|sore|cramps?|cramping|stabb\w+|sharp|doubled"
