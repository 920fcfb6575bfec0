"""The board as the page keeps it, and the difference between two boards. Pure.

The HTML of the board is cut into a frame and rows, a row into cells. A page that has one picture
gets only what differs from the next: cells, new rows, the order, the frame. static/js/
board_changes.js puts the parts together again.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SLOT: Final = "<!--rows-->"
MIN_PACKED_CHARACTERS: Final = 600
_ROW: Final = re.compile(r'<tr id="(case-\d+)".*?</tr>\s*', re.DOTALL)
_CELL: Final = re.compile(r"(?=<td\b)")
# What changes with time alone: the page's clocks go on by themselves.
_STAMP: Final = re.compile(r'( data-now=")[^"]*(")')
_WAITED: Final = re.compile(r'(<span class="clock)[^"]*("[^>]*>)(.*?<span class="waited">)[^<]*')


@dataclass(frozen=True, slots=True)
class Picture:
    """One board: `frame` with a slot for each run of rows, the runs, and the cells by row."""

    version: int
    frame: str
    order: tuple[tuple[str, ...], ...]
    rows: Mapping[str, tuple[str, ...]]
    encoded: dict[int, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, version: int, html: str) -> Picture:
        rows: dict[str, tuple[str, ...]] = {}
        frame: list[str] = []
        runs: list[list[str]] = []
        end = 0
        for found in _ROW.finditer(html):
            if found.start() > end or not runs:
                frame += [html[end : found.start()], SLOT]
                runs.append([])
            runs[-1].append(found[1])
            rows[found[1]] = tuple(_CELL.split(found[0]))
            end = found.end()
        frame.append(html[end:])
        return cls(version, "".join(frame), tuple(map(tuple, runs)), rows)

    def html(self) -> str:
        """Returns the HTML from which the picture was made."""
        parts = self.frame.split(SLOT)
        runs = ["".join("".join(self.rows[name]) for name in run) for run in self.order]
        return "".join(text for pair in zip(parts, [*runs, ""], strict=True) for text in pair)


def whole(picture: Picture) -> str:
    """Returns the full picture as text for the page."""
    return _packed(
        {
            "to": picture.version,
            "frame": picture.frame,
            "order": picture.order,
            "rows": picture.rows,
        }
    )


def changes(old: Picture, new: Picture) -> str:
    """Returns what a page with `old` needs to show `new`; empty when nothing differs."""
    change: dict[str, Any] = {}
    if _timeless(old.frame) != _timeless(new.frame):
        change["frame"] = new.frame
    if old.order != new.order:
        change["order"] = new.order
    rows = {
        name: difference
        for name, cells in new.rows.items()
        if (difference := _row_difference(old.rows.get(name), cells))
    }
    if rows:
        change["rows"] = rows
    if not change:
        return ""
    return _packed({"from": old.version, "to": new.version, **change})


def unpacked(text: str) -> dict[str, Any]:
    """Returns the value of `whole` or `changes`, as the page reads it."""
    value: dict[str, Any] = json.loads(text)
    if "deflate" in value:
        raw = zlib.decompress(base64.b64decode(value["deflate"]), -15)
        value = json.loads(raw)
    return value


def _row_difference(
    old: Sequence[str] | None, new: Sequence[str]
) -> Sequence[str] | dict[int, str]:
    """Returns all cells of a new row, the changed cells by index, or nothing."""
    if old is None or len(old) != len(new):
        return new
    return {
        index: cell
        for index, (before, cell) in enumerate(zip(old, new, strict=True))
        if before != cell and _timeless(before) != _timeless(cell)
    }


def _timeless(html: str) -> str:
    if 'class="clock' in html:
        html = _WAITED.sub(r"\1\2\3", html)
    return _STAMP.sub(r"\1\2", html)


def _packed(value: Mapping[str, Any]) -> str:
    """Returns JSON; a long one is compressed, once for all pages."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(text) < MIN_PACKED_CHARACTERS:
        return text
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    raw = packer.compress(text.encode()) + packer.flush()
    return json.dumps({"deflate": base64.b64encode(raw).decode()})
