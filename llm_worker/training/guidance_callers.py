"""Random calls and notes about a complaint, with typing errors and other noise."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Final

from llm_worker.training.guidance_complaint import Complaint, vocabulary, word_lists
from triage_site.triage.facts import Sex

_CHOICE: Final = re.compile(r"\{([^{}]*)\}")
_RANDOM_WORDS_SHARE: Final = 0.3  # of the sentences get random words


@dataclass(slots=True)
class Call:
    """The sentences of a call and the medical history that they mention."""

    sentences: list[str]
    mentions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Person:
    """The patient of a call and the words for the patient in a sentence."""

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
    """A patient in the third person. The subject fits the known age and sex."""
    age = 40.0 if age_years is None else age_years
    kind = "infant_subjects" if age < 1 else "child_subjects" if age < 14 else "adult_subjects"
    barred = {Sex.FEMALE: _MALE, Sex.MALE: _FEMALE}.get(sex, _MALE + _FEMALE)
    allowed = [word for word in word_lists()[kind] if not set(word.split()) & set(barred)]
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
    """A call in a random style. `complaint` is None for one outside all groups."""
    if complaint is None and rng.random() < 0.05:
        return Call([])  # an empty note
    person = person_for(rng, sex, age_years)
    if (age_years or 30) >= 12 and rng.random() < 0.35:
        person = _ME
    style = rng.choices(("terse", "nurse", "plain", "story"), (14, 14, 24, 48))[0]
    main = _main_sentence(rng, complaint, person, style, sex, age_years)
    if style in ("terse", "nurse"):
        call = _note(rng, complaint, person, main)
    else:
        call = _spoken(rng, complaint, person, main, long=style == "story")
    call.sentences = [_with_noise(rng, sentence) for sentence in call.sentences]
    call.mentions = _mentions_as_written(call)
    return call


def _mentions_as_written(call: Call) -> list[str]:
    """The mentions in the spelling of the call. Drops those with a typing error."""
    text = " ".join(call.sentences)
    found = [re.search(re.escape(mention), text, re.IGNORECASE) for mention in call.mentions]
    return [match.group() for match in found if match]


def _main_sentence(
    rng: random.Random,
    complaint: Complaint | None,
    person: Person,
    style: str,
    sex: Sex,
    age_years: float | None,
) -> str:
    noun = _noun(rng, complaint, style)
    utterances = complaint.utterances if complaint else word_lists()["unknown_said"]
    if style == "terse":
        sentence = noun
    elif utterances and rng.random() < (0.2 if style == "nurse" else 0.65):
        return _utterance(rng, complaint, utterances)
    elif style == "nurse":
        sentence = rng.choice(word_lists()["nurse_frames"] + word_lists()["crew_frames"])
    elif complaint and rng.random() < 0.55:
        sentence = rng.choice(complaint.clauses)
    else:
        sentence = rng.choice(word_lists()["self_frames" if person.first else "other_frames"])
    age = str(int(age_years)) if age_years is not None else "adult"
    letter = {Sex.FEMALE: "F", Sex.MALE: "M"}.get(sex, "")
    sentence = sentence.replace("{N}", noun).replace("{A}", age).replace("{X}", letter)
    sentence = _fill_numbers(rng, person.fill(sentence))
    if rng.random() < 0.5:
        sentence += " " + _fill_numbers(rng, rng.choice(word_lists()["times"]))
    return sentence


def expand(text: str, rng: random.Random) -> str:
    """Every `{a|b}` replaced by one of its choices, the inner ones first."""
    while match := _CHOICE.search(text):
        text = text[: match.start()] + rng.choice(match.group(1).split("|")) + text[match.end() :]
    return text


def _utterance(rng: random.Random, complaint: Complaint | None, utterances: tuple[str, ...]) -> str:
    """One utterance, sometimes two of the same group, without the last full stop."""
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
        return f"my {rng.choice(word_lists()['things'])} {rng.choice(word_lists()['feelings'])}"
    return rng.choice(word_lists()[kind])


def _note(rng: random.Random, complaint: Complaint | None, person: Person, main: str) -> Call:
    call = Call([main])
    while rng.random() < 0.45 and len(call.sentences) < 4:
        call.sentences.append(_extra_sentence(rng, complaint, person, call, terse=True))
    joined = rng.choice((", ", ". ", "; ", " - ", " / "))
    call.sentences = [joined.join(call.sentences)]
    return call


def _spoken(
    rng: random.Random, complaint: Complaint | None, person: Person, main: str, *, long: bool
) -> Call:
    call = Call([])
    if long:
        call.sentences += rng.sample(word_lists()["greetings"], rng.choice((0, 0, 1, 1, 2)))
    call.sentences.append(main)
    for _ in range(rng.randint(1, 8) if long else rng.choice((0, 0, 1))):
        call.sentences.append(_extra_sentence(rng, complaint, person, call, terse=False))
    if long and rng.random() < 0.7:
        call.sentences.append(rng.choice(word_lists()["closings"]))
    ends = [rng.choice((".", ".", ".", ".", "!", "...")) for _ in call.sentences]
    if rng.random() < 0.2:
        ends = ["," for _ in ends[:-1]] + [""]
    call.sentences = [
        _capitalised(text) + end for text, end in zip(call.sentences, ends, strict=True)
    ]
    return call


def _extra_sentence(
    rng: random.Random, complaint: Complaint | None, person: Person, call: Call, *, terse: bool
) -> str:
    roll = rng.random()
    if complaint and complaint.utterances and not terse and rng.random() < 0.2:
        return expand(rng.choice(complaint.utterances), rng).rstrip(".")
    if not terse and rng.random() < 0.25:
        return expand(rng.choice(word_lists()["chatter"]), rng)
    if complaint and roll < 0.35:
        return person.fill(rng.choice(complaint.details))
    if roll < 0.60:
        return _history(rng, person, call, terse=terse)
    if roll < 0.75:
        return rng.choice(word_lists()["denials"])
    if roll < 0.80:
        return rng.choice(word_lists()["others"])
    return _fill_numbers(rng, rng.choice(word_lists()["asides"]))


def _history(rng: random.Random, person: Person, call: Call, *, terse: bool) -> str:
    mention = rng.choice(word_lists()["mentions"])
    if mention in call.mentions:
        return rng.choice(word_lists()["denials"])
    call.mentions.append(mention)
    frames = word_lists()["history_frames"]
    frame = rng.choice(frames[2:] if terse else frames)
    return person.fill(frame).replace("{m}", mention)


def _fill_numbers(rng: random.Random, template: str) -> str:
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
        "w": _invented_word(rng).capitalize(),
    }
    return re.sub(r"\{(\w+)\}", lambda match: places.get(match[1], match[0]), template)


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _invented_word(rng: random.Random) -> str:
    """A word that is in no dictionary, like many names of people and streets."""
    syllables = rng.choices(_CONSONANTS, k=rng.randint(2, 3))
    word = "".join(start + rng.choice("aeiouy") for start in syllables)
    return word + rng.choice(("", "", "n", "s", "rt", "l", "ck"))


def _with_random_words(rng: random.Random, sentence: str) -> str:
    """Replaces one to three words, so that the model learns to copy words it cannot predict.

    The complaint keeps most of its words. Numbers do not change.
    """
    parts = sentence.split(" ")
    for at in rng.sample(range(len(parts)), min(rng.randint(1, 3), len(parts) // 6)):
        if parts[at].isalpha():
            parts[at] = _invented_word(rng) if rng.random() < 0.4 else rng.choice(vocabulary())
    return " ".join(parts)


def _with_noise(rng: random.Random, sentence: str) -> str:
    if rng.random() < _RANDOM_WORDS_SHARE:
        sentence = _with_random_words(rng, sentence)
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
    """One typing error in a letter. Digits do not change: the model must copy them exactly."""
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
