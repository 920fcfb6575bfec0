"""Text that no database stores: NUL (PostgreSQL) and lone surrogates (every UTF-8 encoding)."""

from __future__ import annotations

import re
from typing import Any, Final

NOT_STORABLE: Final = "must not contain NUL or incomplete Unicode characters"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def not_storable(text: str) -> str:
    """Returns the reason why `text` cannot be stored; empty when it can."""
    return NOT_STORABLE if _UNSTORABLE.search(text) else ""


def unstorable_field(value: Any, name: str = "body") -> str | None:
    """Returns the name of a field of parsed JSON that cannot be stored; None without one."""
    if isinstance(value, str):
        return name if not_storable(value) else None
    if isinstance(value, list):
        return next((found for one in value if (found := unstorable_field(one, name))), None)
    if not isinstance(value, dict):
        return None
    if any(not_storable(key) for key in value):
        return name
    return next((found for key in value if (found := unstorable_field(value[key], key))), None)
