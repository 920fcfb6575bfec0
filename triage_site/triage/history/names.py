"""The table of medicines and of the words beside them (`medicines.toml`). Pure."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from triage_site.triage.history.plain_words import whole_words

TABLE: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("medicines.toml").read_text(encoding="utf-8")
)
_NAMES: Final = (*TABLE["names"]["several"], *TABLE["names"]["single"].split())
SINGLE_NAMES: Final = tuple(name.rstrip("?") for name in TABLE["names"]["single"].split())
MEDICINE: Final[re.Pattern[str]] = whole_words("|".join(sorted(_NAMES, key=len, reverse=True)))
