"""Log lines hold no clinical text."""

from __future__ import annotations

import pytest

from triage_site.logs import CLINICAL_KEYS, WITHHELD, withhold_clinical_text


@pytest.mark.parametrize("key", sorted(CLINICAL_KEYS))
def test_clinical_text_is_withheld(key: str) -> None:
    event = {"event": "classified", "case": "c1", key: "crushing chest pain"}
    logged = withhold_clinical_text(None, "info", event)
    assert logged[key] == WITHHELD
    assert (logged["event"], logged["case"]) == ("classified", "c1")
