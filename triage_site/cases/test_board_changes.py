"""Differences of the board: what a page puts together is what the server rendered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from triage_site.cases.board_changes import SLOT, Picture, changes, unpacked, whole


class Page:
    """What static/js/board_changes.js does."""

    def __init__(self, text: str) -> None:
        self.state = unpacked(text)

    def apply(self, text: str) -> None:
        change = unpacked(text)
        assert change["from"] == self.state["to"]
        for name, cells in change.get("rows", {}).items():
            if isinstance(cells, list):
                self.state["rows"][name] = cells
            else:
                for index, cell in cells.items():
                    self.state["rows"][name][int(index)] = cell
        for key in ("frame", "order", "to"):
            self.state[key] = change.get(key, self.state[key])

    def html(self) -> str:
        frame, *rest = self.state["frame"].split(SLOT)
        for run, text in zip(self.state["order"], rest, strict=True):
            frame += "".join("".join(self.state["rows"][name]) for name in run) + text
        return str(frame)


def row(number: int, state: str, waited: str = "00:01") -> str:
    return (
        f'<tr id="case-{number}" class="row">\n  <td class="c-number">{number}</td>\n'
        f'  <td class="c-clock"><span class="clock " data-since="1.0"><span class="waited">{waited}'
        f'</span></span></td>\n  <td class="c-state">{state}</td>\n</tr>\n'
    )


def board(rows: list[str], ended: list[str], head: str = "", now: str = "1.0") -> str:
    return (
        f'<div id="board-state" data-now="{now}">{head}</div><table><tbody>'
        f'{"".join(rows)}<tr id="nothing-open"></tr></tbody><tbody>{"".join(ended)}</tbody></table>'
    )


boards = st.lists(
    st.builds(
        lambda numbers, ended, state, head: board(
            [row(one, f"{state} {one % 3}") for one in numbers if one not in ended],
            [row(one, "ended") for one in ended],
            head,
        ),
        st.lists(st.integers(1, 12), unique=True, max_size=10),
        st.lists(st.integers(1, 12), unique=True, max_size=4),
        st.sampled_from(["Position", "Writing"]),
        st.sampled_from(["", "3 cases"]),
    ),
    min_size=1,
    max_size=6,
)


@given(boards)
def test_a_picture_keeps_the_html(htmls: list[str]) -> None:
    for html in htmls:
        assert Picture.of(1, html).html() == html


@given(boards)
def test_a_page_with_all_changes_shows_the_last_board(htmls: list[str]) -> None:
    pictures = [Picture.of(version, html) for version, html in enumerate(htmls)]
    page, shown = Page(whole(pictures[0])), pictures[0]
    for picture in pictures[1:]:
        text = changes(shown, picture)
        if text:
            page.apply(text)
            shown = picture
        assert page.html() == picture.html()


@given(boards)
def test_a_page_may_skip_pictures(htmls: list[str]) -> None:
    first, last = Picture.of(0, htmls[0]), Picture.of(9, htmls[-1])
    page = Page(whole(first))
    if text := changes(first, last):
        page.apply(text)
    assert page.html() == last.html()


def test_time_alone_changes_nothing() -> None:
    old = Picture.of(1, board([row(1, "Next", "00:01")], [], now="1.0"))
    new = Picture.of(2, board([row(1, "Next", "00:09")], [], now="9.0"))
    assert changes(old, new) == ""


def test_a_changed_cell_is_sent_alone() -> None:
    old = Picture.of(1, board([row(1, "Position 2"), row(2, "Position 3")], []))
    new = Picture.of(2, board([row(1, "Next"), row(2, "Position 3")], []))
    change = unpacked(changes(old, new))
    assert change["rows"] == {"case-1": {"3": '<td class="c-state">Next</td>\n</tr>\n'}}
    assert "frame" not in change
    assert "order" not in change


def test_a_long_change_is_compressed() -> None:
    old = Picture.of(1, board([row(one, "Next") for one in range(300)], []))
    new = Picture.of(2, board([row(one, f"Position {one}") for one in range(300)], []))
    text = changes(old, new)
    assert len(text) * 20 < len(new.html())
    assert len(unpacked(text)["rows"]) == 300
