"""Which questions of a line the brief answers already, and the line without them. Pure but for
reading the table.

"Ask about vomiting, memory loss and blood thinners" is "Ask about memory loss" where the note
tells of vomiting and of a blood thinner. What the note calls unknown, or tells of a relative, is
still asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from llm_worker.engine.local.sbar_fit import age_years, cannot_be_pregnant, tells_of_thinner
from scheduling.core.brief import Brief

_ASK: Final = re.compile(
    r"(?P<before>(?:.*?(?P<glue>; | and ))?)"
    r"(?P<ask>[Aa]sk (?:the parent |plainly |directly |in private )?|[Ff]ix |[Nn]ote )"
    r"(?P<asked>[^;]*)(?P<rest>.*)"
)
_ITEM: Final = re.compile(r"(about |for )?(.*)")
_LAST_COMMA: Final = re.compile(r", (?=[^,]*$)")
_OPENS: Final = re.compile(r"(?:how|when|what|who|whom|whose|why|where|whether|which)\b")
_DOES: Final = re.compile(r"(?:keep|take|reverse)\b")  # begins no question
# What a line of the brief answers.
_IN_BRIEF: Final[Mapping[str, Callable[[Brief], bool]]] = {
    "blood thinners": tells_of_thinner,
    "fever": lambda brief: any(one.label == "Temperature" for one in brief.readings),
    "injury": lambda brief: bool(brief.line("Injury")),
    "tablets": lambda brief: bool(brief.line("Medicines")),
    "medicines": lambda brief: bool(brief.line("Medicines")),
    "allergies": lambda brief: bool(brief.line("Allergies")),
}
_ADULT_HABITS_YEARS: Final = 10.0
_OF_ADULTS: Final = frozenset(
    {
        "alcohol", "daily drinking", "smoking", "stimulants", "blood thinners", "painkillers",
        "earlier heart disease", "contact lenses", "grinding and glaucoma", "glaucoma", "grinding",
        "erections", "who is at home", "falls", "thoughts of self-harm", "cancer",
    }
)  # fmt: skip
_OF_PREGNANCY: Final = frozenset({"pregnancy", "the last period", "weeks"})
_SMALL: Final = frozenset(("a", "an", "the", "of", "or", "in", "on", "at", "is", "it", "was", "to"))
_MOST_OWN_WORDS: Final = 3
_STEM: Final = 5  # letters
_LEFT_OPEN_BEFORE: Final = re.compile(
    r"(?:\?|\b(?:unsure|not sure|unknown|unclear|don'?t know|does ?n[o']t know|can'?t remember"
    r"|query|ask\w*)\b)[^.;,]{0,25}$"
    r"|\b(?:mother|father|mum|mom|dad|brother|sister|son|daughter|wife|husband|partner|gran\w*)"
    r"(?:'s)? (?:has|had|got|gets|died|takes|took|is on)\b[^.;,]{0,40}$",
    re.IGNORECASE,
)
_LEFT_OPEN_AFTER: Final = re.compile(
    r"[^.;,]{0,20}(?:\?|\b(?:unknown|not known|unclear|unsure|not recorded)\b)", re.IGNORECASE
)


def without_answered(line: str, brief: Brief) -> str:
    """`line` without the questions that the brief answers; empty where nothing is left of it."""
    found = _ASK.fullmatch(line)
    if not found:
        return line
    items = [*_items(found["asked"])]
    is_all_told = found["asked"] in _table() and _is_told(found["asked"], brief)
    left = [] if is_all_told else [one for one in items if not _is_told(one[1], brief)]
    if left == items:
        return line
    if not left:
        before = found["before"].removesuffix(found["glue"] or "")
        return _capital((_LAST_COMMA.sub(" and ", before) + found["rest"]).removeprefix("; "))
    asked = _joined(left)
    ask = "" if _DOES.match(left[0][1]) else found["ask"]
    return _capital(f"{found['before']}{ask}{asked}{found['rest']}")


def _items(asked: str) -> Iterator[tuple[str, str]]:
    """Each thing that is asked, with the preposition that it has or takes over."""
    preposition = ""
    for part in re.split(r", (?:and )?| and ", asked):
        own, item = _ITEM.fullmatch(part).groups()  # type: ignore[union-attr]
        is_other = _OPENS.match(item) or _DOES.match(item)
        preposition = own or ("" if is_other else preposition)
        yield preposition, item


def _joined(items: Sequence[tuple[str, str]]) -> str:
    told = [
        item if number and items[number - 1][0] == preposition else f"{preposition}{item}"
        for number, (preposition, item) in enumerate(items)
    ]
    return " and ".join([*([", ".join(told[:-1])] if told[1:] else []), told[-1]])


def _is_of_adults(item: str, brief: Brief) -> bool:
    """Whether nobody asks a child so young for it, or who cannot be pregnant for a pregnancy."""
    age = age_years(brief)
    if item in _OF_PREGNANCY:
        return cannot_be_pregnant(brief)
    return item in _OF_ADULTS and age is not None and age < _ADULT_HABITS_YEARS


def _is_told(item: str, brief: Brief) -> bool:
    if _is_of_adults(item, brief):
        return True
    in_brief = _IN_BRIEF.get(item)
    if in_brief and in_brief(brief):
        return True
    answer = next((told for asks, told in _answers() if asks.fullmatch(item)), None)
    answer = answer or _own_words(item)
    return answer is not None and any(
        not _LEFT_OPEN_BEFORE.search(brief.words[: at.start()])
        and not _LEFT_OPEN_AFTER.match(brief.words, at.end())
        for at in answer.finditer(brief.words)
    )


@cache
def _own_words(item: str) -> re.Pattern[str] | None:
    """Finds the words of an item near each other; nothing where it has none, or many."""
    words = [word for word in re.findall(r"[a-z]+", item.lower()) if word not in _SMALL]
    if not 0 < len(words) <= _MOST_OWN_WORDS or _OPENS.match(item):
        return None
    stems = [rf"{word[:_STEM]}\w*" if len(word) > _STEM else rf"{word}\b" for word in words]
    return re.compile(r"\b" + r"(?:\W+\w+){0,2}?\W+".join(stems), re.IGNORECASE)


@cache
def _table() -> dict[str, str]:
    text = (Path(__file__).parent / "questions.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)["told"].items()
    return {asks: said if isinstance(said, str) else "|".join(said) for asks, said in told}


@cache
def _answers() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple(
        (re.compile(asks), re.compile(told, re.IGNORECASE)) for asks, told in _table().items()
    )


def _capital(line: str) -> str:
    return line[:1].upper() + line[1:]
