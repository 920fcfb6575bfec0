"""Lists of answers as plain words: "CP: N  SOB: N  rash: Y" is "no CP. no SOB. rash". Pure.

Nurses answer a list of signs with letters, zeros, signs, boxes or columns. Each of these notations
is rewritten, so that everything after this reads denials in one way. Of a single answer behind its
sign ("chest pain: no") the cues of assertion tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

_PART: Final = r"[^\W\d_](?:\w|['-](?=\w)){0,30}"
_NAME: Final = rf"{_PART}(?:[ /]{_PART}){{0,4}}?"
_LABEL: Final = f"(?P<label>{_NAME})"
_BOTH: Final = r"yes ?\[ ?\],? ?no ?\[x\]|yes ?\[x\],? ?no ?\[ ?\]"
_WORDS: Final = (
    rf"{_BOTH}|n|no|neg|negative|nil|none|absent|false|-ve|y|yes|pos|positive|present|true|\+ve"
)
_END: Final = r"(?=\s*(?:[,;/|.&}\n]|$))"
_NO: Final = frozenset(
    ("n", "no", "neg", "negative", "nil", "none", "absent", "false", "-ve", "0", "-", "--", "---",
     "(-)", "[]", "()", "yes[]no[x]", "yes[],no[x]")
)  # fmt: skip
_LEAST_ANSWERS: Final = 2
# A number behind these is a figure, no answer.
_FIGURES: Final = re.compile(
    r"\b(?:pain|score|gcs|news\d?|eyes?|verbal|motor|temp|pulse|level|grade|gravida|para|[etvmgp])$",
    re.IGNORECASE,
)
_IONS: Final = re.compile(r"\b(?:k|na|cl|ca|mg)$", re.IGNORECASE)  # and no sign behind these
_BEHIND: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # "Chest pain......No", "Seizure Y/[N]", "fits (Y) / N"
        rf"(?<![^\W\d_]){_LABEL} ?(?:\.{{2,}}|_{{2,}}) ?(?P<answer>{_WORDS}){_END}",
        rf"(?<![^\W\d_]){_LABEL}:? Y ?/ ?[\[(](?P<answer>N)[\])]",
        rf"(?<![^\W\d_]){_LABEL}:? [\[(](?P<answer>Y)[\])] ?/ ?N\b",
        # "Any chest pain? No"
        (
            rf"(?:\bQ ?: ?)?(?:\b(?:any|have you|has he|has she|is there) )?\b{_LABEL} ?\?\s*"
            rf"(?:A ?: ?|- ?)?(?P<answer>{_WORDS})(?=\s*(?:[,;/|.\n]|$)|\s+Q ?:)"
        ),
        # "CP: N  SOB: N", "SI=0", "arm drift [N]", "| fits | no |", "fits -> no"
        (
            rf"(?<![^\W\d_]){_LABEL}[\"']? ?(?:[:=|] ?|-> ?|[\[(])(?P<answer>{_WORDS}|[01])"
            rf"(?:[\])]|(?=\s*(?:[,;/|.&}}\n]|$)|\s\s|\s+{_NAME} ?[:=\[(]))"
        ),
        # "chest pain N / SOB N", "fits 0, rash 0, earache 1"
        rf"(?:(?<=[,;/|.\n])|^)\s*{_LABEL} (?P<answer>{_WORDS}|[01]){_END}",
        # "stridor- drooling- ulcer+", "CP -, SOB -"
        (
            rf"(?<![^\W\d_]){_LABEL}(?:(?P<answer>[-+]{{1,3}})(?=\s+(?!and |or |to )|[,;.]|$)"
            r"| (?P<apart>[-+]{1,3})(?=\s*(?:[,;.\n]|$)))"
        ),
    )
)
_BOX: Final = re.compile(r"\([-+ x*\u2022]\)|\[[ x]?\]", re.IGNORECASE)
_LINE: Final = re.compile(r"[^\n]+")
_STOPS: Final = ".,;:"
_HEADED: Final = re.compile(
    r"\b(?:neg|(?:pertinent )?negatives?|denie[ds]|absent)\s*(?::|-(?=\s))\s*"
    r"(?P<list>(?:(?!\bpos)[^.\n:])+)"
    r"|(?:^|(?<=[.;\n]))(?P<before>[^.;\n:]+):\s*all\s+(?:neg|negative|no|nil|absent|denied)\b",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"[^,;/]+")
_COLUMNS: Final = re.compile(
    r"^[^|\n]*\|\s*(?P<first>y|yes|present|n|no|absent)\s*\|\s*(?:y|yes|present|n|no|absent)\b"
    r"[^\n]*\n",
    re.IGNORECASE | re.MULTILINE,
)
_ROW: Final = re.compile(
    rf"^\s*\|?\s*{_LABEL}\s*\|\s*(?P<first>[^\s|]*)\s*\|\s*(?P<second>[^\s|]*)\s*\|?[ ]*$",
    re.MULTILINE,
)
_MAY_HOLD: Final = re.compile(
    r"[\[(|?]|[:=>]\s*(?:[ny01]\b|no|nil|neg|pos|yes|abs|pres|fals|true)|[-+](?:[\s,;.]|ve|$)"
    r"|neg|denie|absent|\b(?:[ny01]|no|yes|nil|none|pos|present)\s*(?:[,;/|.\n]|$)",
    re.IGNORECASE,
)


# From where to where, the label in it (first, last), whether it is present.
_Change = tuple[int, int, int, int, bool]


class _Text:
    """Characters, and the place of each in the note, while they are rewritten."""

    def __init__(self, chars: str, source: Sequence[int]) -> None:
        self.chars, self.source = chars, tuple(source)

    def rewrite(self, changes: Iterable[_Change]) -> None:
        chars: list[str] = []
        source: list[int] = []
        at = 0
        for begin, stop, first, last, is_present in changes:
            sign = " . " if is_present else " . no "
            chars += [self.chars[at:begin], sign, self.chars[first:last], " . "]
            source += [*self.source[at:begin], *[self.source[first]] * len(sign)]
            source += [*self.source[first:last], *[self.source[last - 1]] * 3]
            at = stop
        self.chars = "".join([*chars, self.chars[at:]])
        self.source = (*source, *self.source[at:])


def plain_answers(chars: str, source: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """The text with lists of answers in words, and the place of each of its characters."""
    text = _Text(chars, source)
    if _MAY_HOLD.search(chars):
        for step in (_of_columns, _under_heading, *map(_behind, _BEHIND), _of_boxes):
            text.rewrite(step(text.chars))
    return text.chars, text.source


def _is_present(answer: str) -> bool:
    return answer.lower().replace(" ", "") not in _NO


def _behind(pattern: re.Pattern[str]) -> Callable[[str], list[_Change]]:
    """Answers that stand behind what they answer: several, and a "no" among them."""

    def find(chars: str) -> list[_Change]:
        found = [
            (*match.span(), *match.span("label"), _is_present(answer))
            for match in pattern.finditer(chars)
            for answer in [next(filter(None, match.groups()[1:]))]
            if not (answer in "01" and _FIGURES.search(match["label"]))
            and not (answer in "+-" and _IONS.search(match["label"]))
        ]
        return found if _is_list([one[-1] for one in found]) else []

    return find


def _is_list(answers: Sequence[bool]) -> bool:
    return len(answers) >= _LEAST_ANSWERS and not all(answers)


def _of_boxes(chars: str) -> list[_Change]:
    """Boxes and signs in brackets, in front of what they answer or behind it: a line that begins
    with one has them in front, a line that ends with one behind."""
    changes: list[_Change] = []
    for line in _LINE.finditer(chars):
        boxes = list(_BOX.finditer(chars, *line.span()))
        if not boxes:
            continue
        head = chars[line.start() : boxes[0].start()].rstrip()
        rest = chars[boxes[-1].end() : line.end()].lstrip()
        if not head.strip("-* ") or head[-1] in _STOPS:
            ends = [*(box.start() for box in boxes[1:]), line.end()]
            changes += [
                (box.start(), end, box.end(), end, _is_present(box.group()))
                for box, end in zip(boxes, ends, strict=True)
                if chars[box.end() : end].strip()
            ]
        elif (not rest or rest[0] in _STOPS) and _is_list([_is_present(b.group()) for b in boxes]):
            begin = line.start() + max(head.rfind(stop) for stop in _STOPS) + 1
            begins = [begin, *(box.end() for box in boxes[:-1])]
            changes += [
                (begin, box.end(), begin, box.start(), _is_present(box.group()))
                for begin, box in zip(begins, boxes, strict=True)
                if chars[begin : box.start()].strip()
            ]
    return changes


def _under_heading(chars: str) -> list[_Change]:
    """ "ROS neg: CP/SOB/LOC"."""
    changes = []
    for match in _HEADED.finditer(chars):
        begin = match.start()
        items = _ITEM.finditer(chars, *match.span("list" if match["list"] else "before"))
        for item in [one for one in items if one.group().strip()]:
            changes.append((begin, item.end(), *item.span(), False))
            begin = item.end()
        if match["before"]:
            changes[-1] = (changes[-1][0], match.end(), *changes[-1][2:])
    return changes


def _of_columns(chars: str) -> list[_Change]:
    """A table with a column of "yes" and one of "no"."""
    header = _COLUMNS.search(chars)
    if header is None:
        return []
    yes_first = _is_present(header["first"])
    return [
        (*row.span(), *row.span("label"), bool(row["first"]) == yes_first)
        for row in _ROW.finditer(chars, header.end())
        if bool(row["first"]) != bool(row["second"])
    ]
