"""Who somebody is, and what others think of them, says nothing of how ill they are. Pure."""

from __future__ import annotations

from typing import Final

_ALIKE: Final = {
    "they": "he she i we it", "them": "him me us himself herself myself",
    "their": "his her hers my our its", "person": "man woman male female gentleman lady guy m f",
    "child": "boy girl son daughter grandson granddaughter lad lass",
    "parent": "mother father", "partner": "wife husband boyfriend girlfriend",
    "sibling": "brother sister",
    "grandparent": "grandmother grandfather gran grandma grandpa nan grandad",
    "": "homeless uninsured anxious immigrant refugee asian black white hispanic african "
    "american exaggerates exaggerate exaggerating overreacting dramatic attention unemployed "
    "prisoner english foreign",
}  # fmt: skip
# What a model of words reads instead of a word; nothing at all where it is empty.
ANYBODY: Final = {word: kind for kind, words in _ALIKE.items() for word in words.split()}
# With a word that somebody says so, a statement tells what others think of the patient.
OPINIONS: Final = frozenset(
    {"exaggerates", "exaggerating", "exaggerate", "dramatic", "overreacting", "anxious"}
)
REPORTS: Final = frozenset(
    {"says", "say", "said", "saying", "thinks", "thought", "reckons", "claims", "feels", "tells"}
)
