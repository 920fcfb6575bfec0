"""What a caller, a relative, a nurse or a crew says about a complaint, noise included."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Final

from llm_worker.training.guidance_complaint import Complaint, vocabulary, words
from triage_site.triage.facts import Sex
from triage_site.triage.training.classifier_text import expand

MIN_QUOTED_WORDS: Final = 8  # a greeting says too little alone
MAX_QUOTED_WORDS: Final = 12  # of the caller's words in the guidance
_INVENTED_SHARE: Final = 0.3  # of the sentences hold words that nothing foretells


@dataclass(slots=True)
class Call:
    """Sentences of a call, and the history they mention."""

    sentences: list[str]
    mentions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Person:
    """Who the call is about, and how a sentence speaks of them."""

    subject: str
    pronoun: str
    possessive: str
    objective: str
    reflexive: str
    first: bool = False

    def fill(self, template: str) -> str:
        third = not self.first and self.pronoun != "they"
        subject = "I" if self.first else self.subject
        places = {
            "S": subject,
            "s": self.pronoun,
            "p": self.possessive,
            "o": self.objective,
            "r": self.reflexive,
            "z": "s" if third else "",
            "is": "am" if self.first else "is" if third else "are",
            "have": "has" if third else "have",
            "do": "does" if third else "do",
        }
        return re.sub(r"\{(\w+)\}", lambda match: places.get(match[1], match[0]), template)


_ME: Final = Person("I", "I", "my", "me", "myself", first=True)
_CONSONANTS: Final = (*"bcdfghjklmnprstvwz", "br", "ch", "dr", "fl", "gr", "sh", "st", "th", "tr")
_FEMALE: Final = ("wife", "mum", "lady", "grandmother", "daughter", "girl", "she")
_MALE: Final = ("husband", "dad", "man", "grandad", "son", "boy", "nephew", "he", "gentleman")


def person_for(rng: random.Random, sex: Sex, age_years: float | None) -> Person:
    """Someone whom another speaks of; the subject fits age and sex as far as they are known."""
    age = 40.0 if age_years is None else age_years
    kind = "infant_subjects" if age < 1 else "child_subjects" if age < 14 else "adult_subjects"
    barred = {Sex.FEMALE: _MALE, Sex.MALE: _FEMALE}.get(sex, _MALE + _FEMALE)
    allowed = [word for word in words()[kind] if not set(word.split()) & set(barred)]
    subject = rng.choice(allowed)
    if sex is Sex.FEMALE:
        return Person(subject, "she", "her", "her", "herself")
    if sex is Sex.MALE:
        return Person(subject, "he", "his", "him", "himself")
    return Person(subject, "they", "their", "them", "themselves")


def make_call(
    rng: random.Random,
    complaint: Complaint | None,
    *,
    sex: Sex,
    age_years: float | None,
) -> Call:
    """A call in one of many styles; `complaint` None is one that no group covers."""
    if complaint is None and rng.random() < 0.05:
        return Call([])  # nobody wrote anything down
    person = person_for(rng, sex, age_years)
    if (age_years or 30) >= 12 and rng.random() < 0.35:
        person = _ME
    style = rng.choices(("terse", "nurse", "plain", "story"), (14, 14, 24, 48))[0]
    main = _main(rng, complaint, person, style, sex, age_years)
    if style in ("terse", "nurse"):
        call = _note(rng, complaint, person, main)
    else:
        call = _spoken(rng, complaint, person, main, long=style == "story")
    call.sentences = [_noisy(rng, sentence) for sentence in call.sentences]
    call.mentions = _as_written(call)
    return call


def _as_written(call: Call) -> list[str]:
    """The mentions in the call's own spelling; those that a typo hit are given up."""
    text = " ".join(call.sentences)
    found = [re.search(re.escape(mention), text, re.IGNORECASE) for mention in call.mentions]
    return [match.group() for match in found if match]


def _main(
    rng: random.Random,
    complaint: Complaint | None,
    person: Person,
    style: str,
    sex: Sex,
    age_years: float | None,
) -> str:
    noun = _noun(rng, complaint, style)
    utterances = complaint.said if complaint else words()["unknown_said"]
    if style == "terse":
        sentence = noun
    elif utterances and rng.random() < (0.2 if style == "nurse" else 0.65):
        return _utterance(rng, complaint, utterances)
    elif style == "nurse":
        sentence = rng.choice(words()["nurse_frames"] + words()["crew_frames"])
    elif complaint and rng.random() < 0.55:
        sentence = rng.choice(complaint.clauses)
    else:
        sentence = rng.choice(words()["self_frames" if person.first else "other_frames"])
    age = str(int(age_years)) if age_years is not None else "adult"
    letter = {Sex.FEMALE: "F", Sex.MALE: "M"}.get(sex, "")
    sentence = sentence.replace("{N}", noun).replace("{A}", age).replace("{X}", letter)
    sentence = _numbers(rng, person.fill(sentence))
    if rng.random() < 0.5:
        sentence += " " + _numbers(rng, rng.choice(words()["times"]))
    return sentence


def _utterance(rng: random.Random, complaint: Complaint | None, utterances: tuple[str, ...]) -> str:
    """One whole utterance, sometimes two of the same group, without the last full stop."""
    chosen = expand(rng.choice(utterances), rng)
    if complaint and rng.random() < 0.25:
        chosen = f"{chosen.rstrip('.')}. {expand(rng.choice(utterances), rng)}"
    return chosen.rstrip(".")


def _noun(rng: random.Random, complaint: Complaint | None, style: str) -> str:
    if complaint and style == "terse":
        terse = rng.choice(complaint.terse)
        return terse if rng.random() < 0.75 else f"{terse}, {rng.choice(complaint.terse)}"
    if complaint:
        return rng.choice(complaint.nouns + (complaint.terse if style == "nurse" else ()))
    kind = rng.choices(("unknown", "made", "foreign", "injections"), (55, 25, 12, 8))[0]
    if kind == "made":
        return f"my {rng.choice(words()['things'])} {rng.choice(words()['feelings'])}"
    return rng.choice(words()[kind])


def _note(rng: random.Random, complaint: Complaint | None, person: Person, main: str) -> Call:
    call = Call([main])
    while rng.random() < 0.45 and len(call.sentences) < 4:
        call.sentences.append(_extra(rng, complaint, person, call, terse=True))
    joined = rng.choice((", ", ". ", "; ", " - ", " / "))
    call.sentences = [joined.join(call.sentences)]
    return call


def _spoken(
    rng: random.Random, complaint: Complaint | None, person: Person, main: str, *, long: bool
) -> Call:
    call = Call([])
    if long:
        call.sentences += rng.sample(words()["greetings"], rng.choice((0, 0, 1, 1, 2)))
    call.sentences.append(main)
    for _ in range(rng.randint(1, 8) if long else rng.choice((0, 0, 1))):
        call.sentences.append(_extra(rng, complaint, person, call, terse=False))
    if long and rng.random() < 0.7:
        call.sentences.append(rng.choice(words()["closings"]))
    ends = [rng.choice((".", ".", ".", ".", "!", "...")) for _ in call.sentences]
    if rng.random() < 0.2:
        ends = ["," for _ in ends[:-1]] + [""]
    call.sentences = [_capital(text) + end for text, end in zip(call.sentences, ends, strict=True)]
    return call


def _extra(
    rng: random.Random, complaint: Complaint | None, person: Person, call: Call, *, terse: bool
) -> str:
    roll = rng.random()
    if complaint and complaint.said and not terse and rng.random() < 0.2:
        return expand(rng.choice(complaint.said), rng).rstrip(".")
    if not terse and rng.random() < 0.25:
        return expand(rng.choice(words()["chatter"]), rng)
    if complaint and roll < 0.35:
        return person.fill(rng.choice(complaint.details))
    if roll < 0.60:
        return _history(rng, person, call, terse=terse)
    if roll < 0.75:
        return rng.choice(words()["denials"])
    if roll < 0.80:
        return rng.choice(words()["others"])
    return _numbers(rng, rng.choice(words()["asides"]))


def _history(rng: random.Random, person: Person, call: Call, *, terse: bool) -> str:
    mention = rng.choice(words()["mentions"])
    if mention in call.mentions:
        return rng.choice(words()["denials"])
    call.mentions.append(mention)
    frames = words()["history_frames"]
    frame = rng.choice(frames[2:] if terse else frames)
    return person.fill(frame).replace("{m}", mention)


def _numbers(rng: random.Random, template: str) -> str:
    places = {
        "n": str(rng.randint(1, 12)),
        "nn": str(rng.randint(10, 99)),
        "d": str(rng.randint(0, 9)),
        "sys": str(rng.randint(70, 240)),
        "dia": str(rng.randint(40, 130)),
        "hr": str(rng.randint(38, 180)),
        "sat": str(rng.randint(70, 99)),
        "g": str(rng.randint(3, 15)),
        "t": f"{rng.uniform(35, 41):.1f}",
        "w": _invented(rng).capitalize(),
    }
    return re.sub(r"\{(\w+)\}", lambda match: places.get(match[1], match[0]), template)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _invented(rng: random.Random) -> str:
    """A word that is in no dictionary: names of people and streets are such to the model."""
    syllables = rng.choices(_CONSONANTS, k=rng.randint(2, 3))
    word = "".join(start + rng.choice("aeiouy") for start in syllables)
    return word + rng.choice(("", "", "n", "s", "rt", "l", "ck"))


def _salted(rng: random.Random, sentence: str) -> str:
    """One to three words give way to others, so that repeating them never rests on sense.

    The complaint keeps most of its words. Numbers stay as they are.
    """
    parts = sentence.split(" ")
    for at in rng.sample(range(len(parts)), min(rng.randint(1, 3), len(parts) // 6)):
        if parts[at].isalpha():
            parts[at] = _invented(rng) if rng.random() < 0.4 else rng.choice(vocabulary())
    return " ".join(parts)


def _noisy(rng: random.Random, sentence: str) -> str:
    if rng.random() < _INVENTED_SHARE:
        sentence = _salted(rng, sentence)
    roll = rng.random()
    if roll < 0.10:
        sentence = sentence.lower()
    elif roll < 0.14:
        sentence = sentence.upper()
    elif roll < 0.18:
        sentence = sentence.replace("'", "").replace(".", "")
    if rng.random() < 0.25:
        for _ in range(rng.choice((1, 1, 2, 3))):
            sentence = _typo(rng, sentence)
    return sentence


def _typo(rng: random.Random, sentence: str) -> str:
    """One slip of the finger in a letter; digits stay, since they are copied exactly."""
    places = [index for index, character in enumerate(sentence) if character.isalpha()]
    if len(places) < 4:
        return sentence
    at = rng.choice(places[1:-1])
    kind = rng.randrange(4)
    if kind == 0:
        return sentence[:at] + sentence[at + 1 :]
    if kind == 1:
        return sentence[:at] + sentence[at] * 2 + sentence[at + 1 :]
    if kind == 2 and sentence[at + 1].isalpha():
        return sentence[:at] + sentence[at + 1] + sentence[at] + sentence[at + 2 :]
    return sentence[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + sentence[at + 1 :]


def quoted(text: str) -> str:
    """The caller's words that the guidance repeats: from the beginning, whole when short.

    Up to the first end of a sentence after `MIN_QUOTED_WORDS`, at most `MAX_QUOTED_WORDS`.
    """
    parts = text.split()
    if len(parts) <= MAX_QUOTED_WORDS:
        return text
    for num_words in range(MIN_QUOTED_WORDS, MAX_QUOTED_WORDS + 1):
        if parts[num_words - 1].endswith((".", "!", "?")):
            return " ".join(parts[:num_words])
    return " ".join(parts[:MAX_QUOTED_WORDS]) + " ..."
