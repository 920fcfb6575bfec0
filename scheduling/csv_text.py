"""CSV that spreadsheets only show: no cell of it runs as a formula.

Every export of this project is written here. A text that begins like a formula gets an apostrophe
in front (OWASP, CSV injection); `plain` takes it away again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import IO, Any, Final

# A text that already has the apostrophe gets another one, so that `plain` gives it back.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_SUSPECT: Final = re.compile(r'(?:^|,)"?[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]', re.MULTILINE)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Writer:
    """Writes lines of comma-separated cells to `out`."""

    def __init__(self, out: IO[str]) -> None:
        self._writer = csv.writer(out, lineterminator="\n")
        # csv does not quote a carriage return alone, after which a spreadsheet begins a new row.
        self._quoting = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def row(self, cells: Iterable[Any]) -> None:
        made = [guarded(one) if isinstance(one, str) else one for one in cells]
        has_return = any(isinstance(one, str) and "\r" in one for one in made)
        (self._quoting if has_return else self._writer).writerow(made)

    def rows(self, rows: Iterable[Iterable[Any]]) -> None:
        for one in rows:
            self.row(one)


def safe(text: str) -> str:
    """Returns CSV that was written elsewhere, or before it was guarded, with guarded cells."""
    if not _SUSPECT.search(text):
        return text
    out = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=""))
    Writer(out).rows([plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def guarded(text: str) -> str:
    """Returns the text as a cell that no spreadsheet runs. A number stays as it is."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def plain(cell: str) -> str:
    """Returns the text that `guarded` made this cell of."""
    return cell[1:] if _GUARDED.match(cell) else cell
