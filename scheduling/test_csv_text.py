"""Cells of exports: no formula, and the text can be read back."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.csv_text import Writer, guarded, plain, safe

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "'=", "''@"])
def test_a_cell_that_begins_like_a_formula_is_text(begin: str) -> None:
    assert guarded(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["", "a=1", "bed 4", "'tis", "-1.5", "+3", "1e-7", "-.5"])
def test_words_and_numbers_stay(text: str) -> None:
    assert guarded(text) == text


@given(st.text())
def test_the_text_can_be_read_back(text: str) -> None:
    assert plain(guarded(text)) == text


@given(st.lists(st.lists(st.text("=+-@\t\r\n'\"ab,;1"), min_size=2, max_size=3), max_size=4))
def test_no_cell_of_a_file_is_a_formula(rows: list[list[str]]) -> None:
    out = io.StringIO()
    Writer(out).rows(rows)
    found = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert [[plain(cell) for cell in row] for row in found] == rows
    for row in found:
        for cell in row:
            assert cell[:1] not in ("=", "@", "\t", "\r", "\n")
            if cell[:1] in ("+", "-"):
                float(cell)


def test_a_file_that_was_written_before_is_guarded_once() -> None:
    old = "id,n\n=1+1,2\n'=2,3\nb,-4.5\n"
    new = "id,n\n'=1+1,2\n'=2,3\nb,-4.5\n"
    assert safe(old) == new
    assert safe(new) == new
    assert safe("id,n\na,1\n") == "id,n\na,1\n"


def test_nothing_else_writes_csv() -> None:
    """An export that comes later is guarded too."""
    files = (
        path
        for package in ("scheduling", "triage_site", "llm_worker")
        for path in (ROOT / package).rglob("*.py")
        if not path.name.startswith("test_")
    )
    found = {
        str(path.relative_to(ROOT))
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("csv.writer", "csv.DictWriter")
    }
    assert found == {"scheduling/csv_text.py"}
