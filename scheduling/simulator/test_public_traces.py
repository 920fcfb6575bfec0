"""Public traces as they are published: headers, times, and the stated rule for the priority."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.simulator.trace_formats import PUBLIC, PriorityRule, TraceFormat
from scheduling.simulator.workload_files import (
    BadWorkload,
    LoadedWorkload,
    Reading,
    load_workload,
    parse_workload,
)

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:17:03.9799600,4808,10\n"
    "2023-11-16 18:17:04.0319600,3180,8\n"
)
BURST = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,472,18,490,Conversation log\n"
    "45,GPT-4,1087,0,1087,API log\n"
    "118,ChatGPT,417,276,693,Conversation log\n"
)
VIDUR = "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,374,44\n1.5,396,109\n"
MOONCAKE = (
    '{"timestamp": 1000, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n'
    '{"timestamp": 4000, "input_length": 7322, "output_length": 490, "hash_ids": [0]}\n'
)


def read(text: str, name: str = "trace.csv", **reading: object) -> LoadedWorkload:
    return parse_workload(Path(name), text, Reading(**reading))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name", "sizes", "arrivals"),
    [
        (AZURE, "a.csv", [(4808, 10), (3180, 8)], [0.0, 0.052]),
        (BURST, "b.csv", [(472, 18), (417, 276)], [0.0, 113.0]),
        (VIDUR, "v.csv", [(374, 44), (396, 109)], [0.0, 1.5]),
        (MOONCAKE, "m.jsonl", [(6758, 500), (7322, 490)], [0.0, 3.0]),
    ],
)
def test_each_published_header_is_read(
    text: str, name: str, sizes: list[tuple[int, int]], arrivals: list[float]
) -> None:
    loaded = read(text, name)
    assert [(w.prompt_tokens, w.output_tokens) for w in loaded.works] == sizes
    assert [w.arrival_seconds for w in loaded.works] == arrivals
    assert [w.sent_seconds for w in loaded.works] == arrivals
    assert any("uniform" in note for note in loaded.notes)


def test_failed_requests_of_burstgpt_are_left_out_and_counted() -> None:
    assert any(note.startswith("1 requests without an answer") for note in read(BURST).notes)


def test_the_rules_for_the_priority_are_repeatable_and_do_what_they_say() -> None:
    rows = "".join(f"{n},{n + 1},5\n" for n in range(1000))
    text = "arrived_at,num_prefill_tokens,num_decode_tokens\n" + rows
    levels = {
        rule: [w.priority for w in read(text, priorities=rule, seed=3).works]
        for rule in PriorityRule
    }
    assert levels[PriorityRule.BY_LENGTH] == [n // 200 for n in range(1000)]
    assert all(150 < levels[PriorityRule.UNIFORM].count(level) < 250 for level in range(5))
    assert levels[PriorityRule.EMS].count(0) < 40 < 300 < levels[PriorityRule.EMS].count(3)
    again = [w.priority for w in read(text, priorities=PriorityRule.EMS, seed=3).works]
    assert again == levels[PriorityRule.EMS]
    assert levels[PriorityRule.EMS] != [
        w.priority for w in read(text, priorities=PriorityRule.EMS, seed=4).works
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Arrival,Priority,Prompt,Output\n1.5,1,100,10\n",
        "arrival, priority, prompt, output\n 1.5, 1, 100, 10\n",
        "arrival;priority;prompt;output\n1,5;1;100;10\n",
        "arrival\tpriority\tprompt\toutput\n1.5\t1\t100\t10\n",
        "\ufeffARRIVAL_SECONDS,priority,prompt_tokens,Output tokens\n1.5,1,100,10\n",
    ],
)
def test_capitals_blanks_and_semicolons_are_accepted(text: str) -> None:
    (work,) = read(text).works
    found = (work.arrival_seconds, work.priority, work.prompt_tokens, work.output_tokens)
    assert found == (1.5, 1, 100, 10)


def test_epoch_times_start_at_zero_and_relative_ones_stay() -> None:
    head = "arrival,priority,prompt,output\n"
    epoch = read(head + "1700158546.68,1,100,10\n1700158550.99,2,396,109\n")
    assert [w.arrival_seconds for w in epoch.works] == [0.0, 4.31]
    assert any("epoch" in note for note in epoch.notes)
    relative = read(head + "7,1,100,10\n9,2,396,109\n")
    assert [w.arrival_seconds for w in relative.works] == [7.0, 9.0]
    assert relative.notes == ()


@pytest.mark.parametrize("per_second", [1, 10**3, 10**6, 10**9])
def test_epoch_times_in_finer_units_are_seconds(per_second: int) -> None:
    rows = "".join(f"{time * per_second},100,10\n" for time in (1700158546, 1700158550))
    heads = (
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "arrived_at,num_prefill_tokens,num_decode_tokens",
    )
    for head in heads:
        loaded = read(f"{head}\n{rows}")
        assert [w.arrival_seconds for w in loaded.works] == [0.0, 4.0]
        assert any("units a second" in note for note in loaded.notes) == (per_second > 1)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("TIMESTAMP,ContextTokens", "GeneratedTokens: missing column of a trace of Azure"),
        ("Timestamp,Model,Request tokens", "Response tokens: missing column of a trace of Burst"),
        ("arrived_at,num_decode_tokens", "num_prefill_tokens: missing column of a trace of Vidur"),
        ("arrival,priority,prompt", "output: missing column; wanted"),
        ("when,who", "header: no known columns"),
    ],
)
def test_a_header_that_lacks_a_column_names_it(header: str, words: str) -> None:
    with pytest.raises(BadWorkload, match=words):
        read(f"{header}\n1,2\n")


@pytest.mark.parametrize("text", ["", "\ufeff", " \n\n"])
def test_an_empty_file_is_called_empty(text: str) -> None:
    with pytest.raises(BadWorkload, match="is empty"):
        read(text)


def test_an_unknown_header_names_what_is_wanted_and_what_was_found() -> None:
    with pytest.raises(BadWorkload) as refusal:
        read("when,who,how much\n1,2,3\n")
    for words in ("arrival,priority,prompt,output", "TIMESTAMP,ContextTokens", "arrived_at"):
        assert words in str(refusal.value)
    assert "found: when, who, how much" in str(refusal.value)


def test_our_own_file_without_priority_asks_for_a_rule() -> None:
    text = "arrival,prompt,output\n0,5,5\n"
    with pytest.raises(BadWorkload, match="priority: missing; add it or choose a rule: uniform"):
        read(text)
    assert read(text, priorities=PriorityRule.BY_LENGTH).works[0].priority == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("yesterday,5,5", "line 2: TIMESTAMP: must be a number or a date with a time"),
        ("2023-13-45 10:00:00,5,5", "line 2: TIMESTAMP: not a date with a time"),
        ("nan,5,5", "line 2: TIMESTAMP: must be finite"),
        ("0001-01-01 00:00:00+14:00,5,5", "line 2: TIMESTAMP: not a date with a time"),
        ("0,5,5\n1e300,5,5", "line 3: TIMESTAMP: must be at most 1,000,000,000 s, not 1e"),
        (f"0,{'9' * 400},5", "line 2: ContextTokens: must be finite, not '9{39}\\.\\.\\.$"),
        ("2023-11-16 18:17:03,,5", "line 2: ContextTokens: missing"),
        ("2023-11-16 18:17:03,5,0", "contains no request with an answer"),
    ],
)
def test_a_broken_row_is_named(row: str, reason: str) -> None:
    with pytest.raises(BadWorkload, match=reason):
        read("TIMESTAMP,ContextTokens,GeneratedTokens\n" + row + "\n")


def test_a_file_with_its_own_sending_times_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("arrival,priority,prompt,output,sent\n1.5,1,5,5,1.25\n")
    (work,) = load_workload(path, 1.0)
    assert work.sent_seconds == 1.25


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2023-11-16 18:17:03,99999999,5", "must be 1 to 1,000,000, not 99,999,999"),
        ("2023-11-16 18:17:03,5,5.5", "must be a whole number, not 5.5"),
        ("2093-11-16 18:17:03,5,5", "must be at most 1,000,000,000 s, not 2,209,075,200"),
    ],
)
def test_figures_of_a_message_are_written_out(row: str, words: str) -> None:
    with pytest.raises(BadWorkload, match=words):
        read(f"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,5,5\n{row}\n")


def test_a_column_that_stands_twice_is_refused_and_an_unknown_one_is_not() -> None:
    with pytest.raises(BadWorkload, match=r"line 1: Context Tokens: stands twice in the header"):
        read("TIMESTAMP,Context Tokens,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,5,6,7\n")
    loaded = read("TIMESTAMP,note,ContextTokens,GeneratedTokens,note\n2023-11-16 18:17:03,,5,6,\n")
    assert loaded.works[0].prompt_tokens == 5


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (AZURE + "2023-11-16 18:17:05,many,3\n", "a.csv", "4: ContextTokens: must be a number"),
        (AZURE + "2023-11-16 18:17:05,4,0.5\n", "a.csv", "4: GeneratedTokens: must be a whole"),
        (AZURE + "soon,4,5\n", "a.csv", "line 4: TIMESTAMP: must be a number or a date"),
        (BURST + "130,GPT-4,-2,7,5,API log\n", "b.csv", "line 5: Request tokens: must be 1 to"),
        (BURST + "130,GPT-4,2,x,5,API log\n", "b.csv", "5: Response tokens: must be a number"),
        (VIDUR + "2.0,,9\n", "v.csv", "line 4: num_prefill_tokens: missing"),
        (VIDUR + "2.0,5,2000000\n", "v.csv", "line 4: num_decode_tokens: must be 1 to 1,000,000"),
        (
            MOONCAKE + '{"timestamp": 5000, "input_length": "x", "output_length": 3}\n',
            "m.jsonl",
            "line 3: input_length: must be a number",
        ),
        # A record of JSON lines that lacks the key: as its publisher writes it.
        (MOONCAKE + '{"timestamp": 5000, "input_length": 5}\n', "m.jsonl", "3: output_length: m"),
        ("Arrival_Seconds,priority,Prompt tokens,output\n0,1,x,5\n", "o.csv", "2: Prompt tokens"),
        ("arrival,priority,prompt,output,ID\n0,1,5,5,a\n1,1,5,5,a\n", "o.csv", "3: ID: a occurs"),
    ],
)
def test_a_wrong_value_is_named_by_the_column_of_the_file(text: str, name: str, words: str) -> None:
    with pytest.raises(BadWorkload) as refusal:
        read(text, name)
    assert words in str(refusal.value)


@pytest.mark.parametrize("known", PUBLIC, ids=lambda known: known.name)
@pytest.mark.parametrize("field", ["arrival", "prompt", "output"])
def test_no_message_about_a_public_trace_speaks_of_our_own_names(
    known: TraceFormat, field: str
) -> None:
    columns = [known.published_name(one) for one in ("arrival", "prompt", "output")]
    good = ["5", "5", "5"]
    bad = list(good)
    bad[columns.index(known.published_name(field))] = "x"
    text = "\n".join([",".join(columns), ",".join(good), ",".join(bad)])
    with pytest.raises(BadWorkload) as refusal:
        read(text)
    assert f"line 3: {known.published_name(field)}: " in str(refusal.value)
