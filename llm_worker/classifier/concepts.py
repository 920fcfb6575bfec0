# ruff: noqa: E501
"""Complaint groups: what a note is about, as named features of the model. Pure.

`level` is where the group starts on the five-level scale for an adult with normal vital signs
(1 to 5, fractions allowed), from the standards the rules cite; the model learns how far to
move from it. Groups are found only where the words are said of this patient now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from llm_worker.classifier.dispatch import Dispatch, mentions_and_denials
from llm_worker.classifier.reading import Note, compile_pattern
from llm_worker.classifier.rules_text_emergent import BREATHLESS, CHEST_PAIN, FAINT, FEVER


@dataclass(frozen=True, slots=True)
class Concept:
    code: str
    level: float
    pattern: re.Pattern[str]


_PAIN: Final = (
    r"(?:pains?|painful|aches?|aching|hurts?|hurting|sore\w*|discomfort|cramps?|cramping|tender\w*)"
)


def _site(words: str) -> str:
    """Pain at a place, in either order."""
    return (
        rf"(?:{words}) (?:[\w,'-]+ ){{0,3}}?{_PAIN}|{_PAIN}(?: ,)? (?:[\w'-]+ ){{0,4}}?(?:{words})"
    )


_INJURY: Final = r"(?:injur\w+|trauma|fracture\w*|broken|broke|sprain\w*|twist\w*|crush\w*|fell|fall|hit|bang\w*|jammed|dislocat\w+|hurt|contusion|bruis\w+)"


def _hurt(words: str) -> str:
    return rf"(?:{words}) (?:[\w,'-]+ ){{0,3}}?{_INJURY}|{_INJURY}(?: ,)? (?:[\w'-]+ ){{0,4}}?(?:{words})"


_TABLE: Final[tuple[tuple[str, float, str], ...]] = (
    ("arrest", 1.0, r"doa|dead on arrival|arrest|cpr|pulseless|no pulse"),
    ("seizure", 2.4, r"seizures?|convuls\w+|epilep\w+|post ?ictal|having a fit|had a fit|fitting|involuntary mov\w+"),
    ("mental_change", 1.7, r"coma(?:tose)?|unconscious\w*|(?:mental|mentality) (?:change|confusion)|(?:altered|drowsy|stupor\w*|confus\w+|decreased) ?(?:mental\w*|mentality|consciousness)?|deliri\w+|disorient\w+|semicoma|lethargic|not making sense"),
    ("stroke_sign", 2.2, r"paraplegi\w+|quadriplegi\w+|tetraplegi\w+|ataxi\w+|gait (?:disturbance|problem|ataxia)|hemipar\w+|hemipleg\w+|monopar\w+|parapar\w+|motor weakness|(?:left|right|one)(?: side)?(?: arm| leg| motor)? ?weakness|weakness (?:in|of|on) (?:his |her |my |the )?(?:left|right|one)|dysarthria|slurr\w+|aphasi\w+|stroke|face droop\w*|droop\w+"),
    ("facial_palsy", 3.0, r"ptosis|facial palsy|bell'?s palsy|facial weakness"),
    ("numbness", 3.6, r"hyp(?:o)?esthesia|tremors?|cramping hand|numb\w*|paresthesia|tingling|sensory|pins and needles"),
    ("chest_pain", 2.1, CHEST_PAIN),
    ("chest_wall", 4.0, r"breast pain|chest wall|rib (?:pain|injury|fracture)|ribs?"),
    ("palpitation", 2.9, r"bradycardia|arrhythmia|irregular pulse|palpitation\w*|racing heart|heart (?:is )?(?:racing|pounding|fluttering)|irregular heart ?beat|tachycardia"),
    ("breathless", 2.4, rf"{BREATHLESS}|orthopnea|wheez\w+|asthma\w*|copd"),
    ("hyperventilation", 3.8, r"hyperventilat\w+|panic attack"),
    ("cough", 4.0, r"cough\w*|sputum|phlegm"),
    ("hemoptysis", 2.9, r"hemoptysis|blood[ -]tinged sputum|cough\w* (?:up )?blood"),
    ("cold_flu", 4.6, r"snott?y|snuff\w+|bunged up|tickle in (?:my|his|her|the) throat|tickly|(?:a |common |head )?cold(?= ?$| ?[.,;]| symptoms| and)|runny nose|rhinorrhea|nasal (?:congestion|stuffiness)|sneez\w+|flu|influenza|upper respiratory infection|stuffy nose|blocked nose|sniffles"),
    ("sore_throat", 4.3, r"(?:discomfort|pain|foreign body sensation) , throat|dysphagia|swallowing (?:difficulty|pain)|hurts? to swallow|swallowing hurts|throat (?:kills|on fire|scratchy|raw)|glands?|sore ?throat|throat (?:pain|discomfort|hurts|is sore|infection)|tonsil\w*|pharyng\w+|odynophagia|hoarse\w*|voice changes?"),
    ("ear", 4.4, r"otorrhea|hearing (?:difficulty|disturbance|impairment)|(?:tugg\w*|pull\w*|hold\w*|clutch\w*) (?:at )?(?:his|her) (?:\w+ )?ear|otalgia|ear ?ache|" + _site(r"ears?") + r"|ear (?:infection|wax|discharge|fullness)|tinnitus|hearing loss|otitis"),
    ("hearing_loss", 3.6, r"sudden hearing loss|suddenly deaf"),
    ("epistaxis", 3.6, r"epistaxis|nasal bleeding|nose ?-?bleed\w*|bleeding (?:from (?:the |his |her |my )?)?nose"),
    ("eye", 4.0, r"eye discharge|cornea\w*|hordeolum|lacrimation|photophobia|(?:gunky|gummy|glued|stuck shut|weepy|bloodshot) (?:eyes?|shut)|lenses|ocular (?:pain|discomfort|redness)|" + _site(r"eyes?|eyelids?") + r"|(?:red|pink|itchy|swollen|watery|sticky) eyes?|conjunctivitis|eyes? (?:is |are )?(?:red|swelling|swollen|discomfort|redness|itchy|sticky|infection)|stye|eyelid"),
    ("vision", 3.3, r"blurred vision|visual (?:acuity|disturbance|field|loss|change)\w*|diplopia|double vision|vision (?:loss|change)|floaters|flashes|(?:can't|couldn't) see"),
    ("headache", 3.4, r"headaches?|head pain|migraines?|cephalgia|" + _site(r"head|occipital area|temple")),
    ("dizziness", 3.1, r"room (?:swam|swims|spins|spun|spinning)|head swims|woozy|balance|dizz\w+|vertigo|light ?-?headed\w*|light headness|unsteady|giddy|whirling|spinning"),
    ("syncope", 2.9, rf"{FAINT}|near syncope|amnesia|memory loss"),
    ("weakness", 3.2, r"(?:poor|decreased) oral intake|weight loss|anorexia|appetite|knackered|washed out|worn out|wrecked|wiped out|no energy|drained|(?:general\w* )?weakness|feels? (?:very |so |really )?weak|fatigue|tired\w*|exhausted|malaise|lethargy|decreased activity|unwell|rundown|run down"),
    ("fever", 3.2, FEVER + r"|chill\w*|night sweats?|shivering|hot to (?:the )?touch"),
    ("abdominal", 3.3, r"gut ache|(?:abdomen|stomach) ?-?ache|colicky|(?:abdominal|abdomen) (?:pain|discomfort|cramp\w*|ache)|" + _site(r"abdomen|abdominal|stomach|belly|periumbilical|quadrant|navel|belly button|lower abdomen|low abdominal|llq|pelvi[cs]\w*|gut")),
    ("epigastric", 3.3, r"epigastric|upper abdomen|upper abdominal|heartburn|indigestion|reflux|dyspepsia"),
    ("right_lower", 3.2, r"right lower (?:quadrant|abdom\w+)|appendic\w+|lower right (?:side|belly|abdomen)"),
    ("right_upper", 3.2, r"right upper (?:quadrant|abdom\w+)|(?:under|below) (?:the |my |his |her )?(?:right )?ribs|gall ?bladder|gallstones?|biliary|jaundice\w*|yellow (?:eyes|skin)|cholecyst\w+"),
    ("distension", 3.6, r"disten\w+|bloat\w*|ascites"),
    ("flank", 3.4, r"small of (?:my|his|her|the) back|flank|renal colic|kidney stone\w*|" + _site(r"kidneys?|loin")),
    ("vomiting", 3.2, r"been sick|(?:feels?|felt|and|so) sick(?! (?:note|leave|pay))|sick (?:once|twice|\w+ times)|brings? (?:back|up)|heaving|retch\w*|vomit\w*|nausea\w*|nauseous|throw\w* up|threw up|being sick|puk\w+|emesis"),
    ("diarrhea", 3.6, r"runny (?:poos?|stools?|napp\w+)|gastro\w*|upset (?:stomach|abdomen)|diarrhea|loose stools?|watery stools?|gastroenteritis|stomach bug|food poisoning|the runs"),
    ("constipation", 4.5, r"anal pain|pain , anus|rectal (?:prolapse|pain)|an(?:al|us)|constipat\w+|hiccup\w*|hemorrhoid\w*|piles"),
    ("hematemesis", 2.2, r"hematemesis|vomit\w* (?:\w+ ){0,2}blood|coffee[ -]?ground"),
    ("gi_bleed", 2.8, r"blood from (?:the |his |her |my )?bottom|melena|hematochezia|rectal bleeding|anal bleeding|(?:black|tarry|bloody) stools?|blood in (?:\w+ )?stools?"),
    ("vaginal_bleeding", 3.0, r"vaginal (?:bleeding|spotting)|menorrhagia|heavy period|uterine bleeding|midmenstrual|period pain\w*|menstrual|painful periods?"),
    ("pregnancy", 2.9, r"p?prom(?= |$)|(?:ruptured|rupture of) membranes?|fetal movement|postpartum|preterm|pregnan\w+|gestation|labou?r pains?|contractions|pprom|miscarr\w+|trimester"),
    ("urinary", 4.0, r"vaginal discharge|amenorrhea|incontinence|polyuria|stings? (?:\w+ ){0,3}(?:end|wee|pee|go)|(?:need|run\w* to) the (?:loo|toilet) (?:every|all)|waterworks|water infection|cloudy|dysuria|urinary|voiding|urinat\w+|frequency|cystitis|burn(?:s|ing)? (?:when|on) (?:\w+ )?(?:pee\w*|urinat\w+|pass\w*)|pass(?:es|ing)? (?:urine|water)|bladder infection|peeing"),
    ("retention", 3.5, r"anuria|acute urinary retention|retention|(?:can't|unable to|difficulty) (?:pass urine|pee|urinate|void\w*)|oliguria|voiding (?:failure|difficulty)|difficulty in voiding"),
    ("hematuria", 3.3, r"hematuria|blood in (?:\w+ )?urine|bloody urine"),
    ("testis", 2.6, r"testi\w+|scrot\w+|penile|penis|priapism"),
    ("back", 3.9, r"(?:put|did|done|hurt|pulled) (?:my|his|her) back|back (?:is |has |'s )?(?:locked|out|gone|seized)|backache|" + _site(r"back|lumbar|coccy\w+|spine") + r"|lumbago|sciatica"),
    ("neck", 3.8, r"neck (?:stiff\w*|mass)|" + _site(r"neck") + r"|whiplash|crick|neck (?:is |'s )?(?:stiffen\w*|tighten\w*)"),
    ("shoulder_arm", 4.0, r"frozen shoulder|stiff shoulder|" + _site(r"shoulders?|arms?|elbows?|wrists?|hands?|forearms?|fingers?|thumbs?")),
    ("leg", 4.2, r"claudication|(?:dvt|deep vein)|limp(?:s|ing)?|hobbl\w*|gout|bunion|" + _site(r"legs?|hips?|knees?|ankles?|feet|foot|toes?|calf|thighs?|buttocks?|heels?")),
    ("joint_swelling", 4.0, r"(?:knee|ankle|elbow|wrist|leg|foot|hand|arm|finger|toe|joint)s? (?:painful )?swelling|swelling (?:of|in) (?:\w+ )?(?:leg|foot|ankle|knee|hand)s?|gout|swollen (?:knee|ankle|leg|foot|hand|wrist|finger|toe)s?|edema"),
    ("myalgia", 4.1, r"myalgia|muscle (?:ache|pain|soreness|cramp)\w*|body ache\w*|general ache|aches all over|aching all over"),
    ("open_wound", 3.9, r"amputat\w*|wrist cutting|bleeding , \w+|cutting|split (?:his|her|my|the) (?:chin|lip|head|eyebrow|forehead)|nicked|caught (?:the side of )?(?:my|his|her) (?:finger|thumb|hand) on|skin tear|nipp?ed|flap|open wound|lacerat\w+|cuts?(?! (?:back|down|off|out))|gash\w*|wounds?|sliced|skin defect|bite|bitten|puncture\w*|needle ?-?stick\w*|abrasions?|graze\w*|scrape\w*"),
    ("needs_stitches", 3.9, r"stitch|glue|opens? (?:up )?when|keeps opening|stitches|sutur\w+|gap\w+|edges|bleeding (?:has )?(?:stopped|controlled)"),
    ("limb_injury", 4.0, r"(?:slip\w*|fall|fell) down|contusion\w*|tendon|crush\w*|pulled elbow|(?:went|gone|go) over on (?:my|his|her) (?:ankle|foot)|bent back|jarred|stubbed|" + _hurt(r"arm|leg|hand|foot|finger|toe|thumb|wrist|ankle|knee|elbow|shoulder|hip|forearm|shin|heel|nail|limb") + r"|sprain\w*|twisted"),
    ("face_injury", 3.9, r"split (?:his|her|my|the) (?:chin|lip|eyebrow|forehead)|teeth loose|chipped|" + _hurt(r"face|facial|nose|nasal|eyebrow|chin|lip|jaw|mouth|forehead|cheek") + r"|dislocation of jaw"),
    ("eye_injury", 3.2, _hurt(r"eyes?|eyelid|ocular")),
    ("head_injury", 3.2, _hurt(r"head|scalp|skull") + r"|concussion|bump on (?:the |his |her |my )?(?:head|forehead)|scalp laceration"),
    ("multi_trauma", 2.4, r"traffic accident|multiple (?:trauma|injuries)|(?:car|motorcycle|motorbike) (?:crash|accident)|hit by a (?:car|truck|bus)|fell from|stab\w*|gunshot"),
    ("hip_fracture", 3.0, r"hip fracture|broken hip|leg (?:is )?(?:shortened|turned out)|shortened and (?:externally )?rotated"),
    ("deformity", 3.0, r"deform\w+|dislocat\w+|open fracture|can't (?:walk|bear|move|put|stand)|unable to (?:walk|bear|move|stand)"),
    ("burn", 3.6, r"(?:hot|boiling) (?:water|oil|tea|pan|iron)|burns?(?! when|ing)|burnt|burned|scald\w*|sunburn\w*|blister\w*"),
    ("foreign_body", 4.2, r"(?:pushed|stuck|put|shoved|poked) (?:\w+ ){0,4}(?:up|in|into) (?:his|her|the|my) (?:\w+ )?(?:nose|nostril|ear)|tick(?= ?[.,;]| on| in| bite)|foreign body\w*|(?:something|object|bead|splinter|fishbone|fish bone|speck|grit) (?:\w+ ){0,3}(?:in|stuck|up)|stuck in (?:\w+ )?(?:nose|ear|throat|eye|finger)|splinter"),
    ("foreign_body_ingested", 3.4, r"fish bones?|foreign body (?:in (?:throat|esophagus|pharynx)|ingestion)|swallowed (?:a |an )?\w+|fishbone"),
    ("rash", 4.5, r"gnats?|midges?|verruca\w*|corns?|callus\w*|hard (?:bit of )?skin|pink in the creases|dandruff|flaky|scalp|shingles|blistery|mole|psoriasis|scabies|head lice|nits|threadworm\w*|rash\w*|eruption|eczema|hives|urticari\w+|itch\w*|papules?|skin lesion|spots|bumps|ringworm|chicken ?pox|hand foot and mouth|redness|erythem\w+|athlete'?s foot|warts?|acne|nappy rash|diaper rash|insect bite\w*|mosquito bite\w*"),
    ("allergy", 3.3, r"allerg\w+|stung|sting|facial swelling|swelling , facial|swollen (?:face|lips?|eyes?)|angioedema|lip swelling"),
    ("swelling", 4.2, r"lymph node\w*|lymphadenopathy|mass|hernia|paronychia|skin lesion|\w+ lesion|swelling|swollen|lumps?|abscess\w*|boils?|cyst|cellulitis|infected|pus|edema|ingrown"),
    ("dental", 4.5, r"oral (?:ulcer|bleeding|pain)|stomatitis|mouth (?:pain|ulcer)|crown|dentist|braces|tooth\w*|teeth|dental|gum|gingiva\w*|tmj|filling (?:fell|came)|denture\w*|jaw (?:pain|ache)"),
    ("intoxication", 2.4, r"drug intoxication|intoxicat\w+|overdos\w+|poison\w+|took (?:\w+ ){0,4}(?:pills|tablets)|ingest\w+"),
    ("alcohol", 3.9, r"alcohol\w*|drunk\w*|hangover|hung over"),
    ("suicidal", 2.2, r"suicid\w+|self ?-?harm\w*|kill (?:himself|herself|myself)|wants? to die"),
    ("psych", 3.5, r"aggressi\w+|irritab\w+|violent|can't stop crying|(?:low|down) (?:in )?mood|feeling low|worried|hears? voices|hearing voices|anxi\w+|depress\w+|delusion\w*|hallucinat\w+|psycho\w+|panic\w*|insomnia|can't sleep|stress\w*|agitat\w+|mania|manic"),
    ("assault", 3.2, r"assault\w*|sexual (?:violence|abuse)|rape\w*|beaten"),
    ("sugar", 2.6, r"bst|glucose|hypoglyc\w+|hyperglyc\w+|blood sugar|diabetic|ketoacid\w+|high bsl"),
    ("low_pressure", 1.8, r"blood pressure , low|low blood pressure|hypotens\w+"),
    ("high_pressure", 3.6, r"high blood pressure|blood pressure , high|hypertens\w+|elevated blood pressure"),
    ("lab_result", 3.8, r"hyperkal\w+|hypokal\w+|hyponatr\w+|anemia|thrombocytop\w+|leukocyt\w+|leukop\w+|azotemia|creatinine|lab(?:oratory)? (?:abnormal\w*|finding)|(?:elevated|increased|decreased|low|high) (?:hb|hemoglobin|potassium|sodium|crp|enzymes?|bilirubin|platelets?)|ekg|electrolyte|abnormal (?:lab|blood|ecg|result|test)\w*|(?:lab|blood) results?|blood test"),
    ("device", 4.0, r"foley|cannula|tracheostomy|t-tube|l-tube|central line|picc|pendant|hearing aid|(?:peg|tube|catheter|ptbd|avf|perm ?cath\w*|drain|stoma|pacemaker|iv line|shunt|dialysis|colostomy|nasogastric|feeding tube) ?(?:\w+ ){0,2}(?:change|malfunction|leak\w*|removal|block\w*|fell|came|site|replacement|problem|out)?"),
    ("admin", 4.9, r"(?:ct|mri|further) evaluation|evaluation|admission|transfer(?:red)?|work ?-?up|(?:a|need\w*|want\w*|only|repeat|new|for|my|pill) (?:\w+ )?prescription|prescribe|(?:month|week|day)'?s? (?:\w+ )?(?:supply|worth)|forms? (?:\w+ )?(?:signed|filled)|sign (?:a|the|his|her|my) form|(?:want\w*|need\w*|for|asks? for|asking for|would like|write|insists on|could i have|get) (?:\w+ ){0,4}(?:letter|note|certificate|form|jab|vaccin\w*|referral|results?|test)|letter from a doctor|certificate|ring for the result|(?:for|about|get) (?:the|my|his|her) (?:\w+ )?results?|left (?:my|his|her) (?:\w+ )?(?:pills|tablets|medicine|medication|inhaler)|(?:stitches|sutures|staples) (?:\w+ ){0,4}(?:out|removed)|(?:have|had) (?:the |my |his |her )?stitches taken out|take out (?:my|his|her|the) (?:stitches|staples|sutures)|come for (?:my|his|her) (?:\w+ ){0,3}(?:tablets|pills|medicine|medication|prescription)|dressing (?:on \w+ \w+ )?changed|(?:the )?pill|sleeping pills|book (?:the|a|an)|employer|insurance|insurer|for work|for school|parking|vaccination|flu jab|(?:prescription|medication|medicine|tablets?|pills?|inhaler) (?:\w+ ){0,4}(?:refill\w*|renew\w*|repeat|ran out|run out|lost|ended|finished)|(?:refill|renew\w*|repeat|ran out of|run out of|lost) (?:\w+ ){0,4}(?:prescription|medication|medicine|tablets|pills|inhaler)|sick ?note|doctor'?s note|certificate|(?:work|school|medical|fitness) (?:note|form|certificate)|check ?-?up|(?:suture|stitch\w*|staple)s? (?:\w+ ){0,2}(?:removal|removed|out)|remov\w+ (?:of )?(?:\w+ )?(?:sutures?|stitches|staples)|dressing (?:change|changed)|change (?:of )?(?:\w+ )?(?:dressing|bandage)|(?:po |iv )?(?:medication|injection)(?= ?$)|for (?:medication|examination|iv injection|injection)|(?:for|needs?|wants?|about|asks?) (?:\w+ ){0,5}(?:vaccin\w+|tetanus)|blood pressure check|routine|follow[ -]?up|repeat prescription|test results?|paperwork|contraceptive|morning(?:-| )after pill|contracept\w+|pregnancy test|referral|sick leave"),
    ("procedure", 4.5, r"tapping|for (?:ascites|a/tapping)|paracentesis"),
    ("sore_minor", 4.7, r"too much sun|scrap(?:e|ed)|graz(?:e|ed)|skinned|scabb?\w*|bruised|nail|aftersun|(?:small|tiny|minor|superficial|shallow|little|mild) (?:\w+ )?(?:cut|graze|scratch|bump|bruise|burn|wound|rash|abrasion|scrape|splinter|sunburn|blister)|paper cut|scratch\w*|stubbed|splinter|sunburn\w*|blister"),
    ("severe", 2.6, r"severe\w*|excruciating|unbearable|terrible|intense|worst|extreme\w*|agon\w+|(?:7|8|9|10) ?(?:/|out of) ?(?:10|ten)|crying (?:in|with) pain|screaming|doubled over"),
    ("sudden", 2.8, r"sudden\w*|acute\w*|abrupt\w*|out of nowhere|all at once"),
    ("worsening", 3.0, r"(?:getting|become|becoming|is|much|gets|got) (?:much |a lot )?worse|worsening|spreading|progress\w+"),
    ("mild", 4.4, r"hardly (?:hurts|any|bleeding)|(?:does|did) not (?:really )?(?:bother|hurt)|only (?:hurts|sore|catches) (?:when|if)|easing|not an emergency|bothersome|nothing much|takes? the edge|paracetamol (?:helps|helped|brings|brought)|ibuprofen (?:helps|helped|takes|which)|mild\w*|slight\w*|a bit|a little|minor|not (?:too |very |that )?(?:bad|severe)|nothing serious|(?:1|2|3) ?(?:/|out of) ?(?:10|ten)|comfortable|manageable"),
    ("chronic", 4.2, r"since (?:about )?(?:easter|christmas|summer|winter|spring|autumn|january|february|march|april|may|june|july|august|september|october|november|december)|winters? ago|no different from|not changed|every (?:month|year|spring|winter|summer)|for ages|as (?:usual|always|every)|chronic\w*|(?:for|over|past|last|about) (?:\w+ ){0,3}(?:weeks|months|years)|long ?-?(?:standing|term)|on and off|recurr\w+|since last (?:week|month|year)|same as (?:always|usual|before)|weeks ago|months ago"),
    ("well", 4.6, r"well in (?:my|him|her)sel\w+|(?:perfectly|absolutely|quite|completely|otherwise|all) (?:well|fine|healthy|right)|(?:giggl|smil|laugh|babbl|danc|chatter)\w*|bright|happ(?:y|ily)|watch\w* (?:telly|tv|television|cartoons|football)|bouncing|eat(?:s|ing)? (?:like a horse|a biscuit|half|toast|soup|well)|(?:had|ate|eaten|drunk) (?:his|her|my|some) (?:lunch|milk|supper|tea|breakfast|dinner|soup)|drink(?:s|ing)? (?:plenty|fine|loads|lots|squash|water|tea|milk)|sips|ice cream|good health|cried (?:right|straight|at once)|in good|pink and warm|pink , |healed|(?:otherwise|feels?|feeling|seems|looks|is) (?:\w+ )?(?:well|fine|ok|okay|happy|playful|normal|comfortable)|playing|playful|running around|eating (?:and drinking )?(?:well|normally|fine)|drinking (?:well|normally|fine)|walk(?:s|ing|ed) (?:\w+ )?(?:normally|in|around|fine|on it|without)|can (?:walk|bear weight|move|put weight)|able to (?:walk|bear|move|eat|drink)|chatting|laughing|smiling|full sentences|alert and"),
    ("advice", 4.5, r"advice|wonder\w*|just (?:want\w*|need\w*|ask\w*|check\w*|would like)|i only (?:want|need)\w*|is (?:it|that|this) (?:ok|okay|normal|all right|just)|(?:can|should|shall|may|do|must) (?:i|we) (?:take|use|have|still|need|get|give|come|just|keep|let)|do i (?:need|take)|am i being|where (?:do|can) (?:i|we)|how (?:long|many days)|(?:have|had|take|taking|needs?) (?:a |another )?looke?d? at|have a look|look at (?:it|them|this|inside)|(?:would|i'd|i had) like (?:to know|somebody|someone|something|advice|to ask)|like to know|which cream|what (?:cream|can i)|over the counter|chemist|pharmac\w*|while we were passing|to be sure|checked|to ask|thought (?:that )?(?:we|i|you|someone|somebody) (?:ought|could|should|would|might)|somebody to (?:say|look|check)"),
    ("nobody_hurt", 4.9, r"(?:nobody|no ?one) (?:is )?(?:\w+ )?(?:hurt|ill|injured|bad|poorly)|(?<!does )(?<!did )(?<!do )not (?:hurt|ill|injured|poorly|unwell)|nothing (?:is )?(?:wrong|the matter)|all well|by (?:mistake|accident)|false alarm|wrong (?:number|option)|battery|no (?:symptoms|complaints)|sorry to bother|that is the emergency"),
    ("resolved", 4.4, r"gone now|is gone|(?:has|have|it|bleeding|is) (?:now |nearly |almost |since )?stopped|nearly gone|back to normal|eas(?:ed|ing) off|better now|cleared up|settled|scabbed|healed|fine now|all right now|came out|perked up|came down|over (?:now|it)|finished|no longer|passed off"),
)  # fmt: skip

CONCEPTS: Final[tuple[Concept, ...]] = tuple(
    Concept(code, level, compile_pattern(pattern)) for code, level, pattern in _TABLE
)


_DISPATCH: Final = Dispatch([concept.pattern for concept in CONCEPTS])


@dataclass(frozen=True, slots=True)
class Found:
    """Code of every group present -> the words it was found by, in the order of the table."""

    present: dict[str, tuple[str, ...]]
    num_denied: int  # groups that the note only names to say that they are not so


def find_concepts(note: Note) -> Found:
    found, denied = mentions_and_denials(_DISPATCH, note)
    present = {
        CONCEPTS[index].code: tuple(dict.fromkeys(mention.words for mention in found[index]))
        for index in sorted(found)
    }
    return Found(present, len(denied))
