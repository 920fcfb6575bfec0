from dataclasses import replace
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from scheduling.core.policies import POLICIES, number_token, queue_score, rank, tie_token
from scheduling.core.request import Request
from scheduling.core.request_strategies import batches, requests
from scheduling.queue.record import record_of, request_of

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE)
def test_sortable_text_sorts_like_the_numbers(one: float, two: float) -> None:
    assert (number_token(one) < number_token(two)) == (one < two)
    assert (number_token(one) == number_token(two)) == (one == two)


@given(requests())
def test_a_record_can_be_read_back(request_: Request) -> None:
    assert request_of(record_of(request_, POLICIES)) == request_


@given(requests())
def test_a_record_contains_only_ids_and_numbers(request_: Request) -> None:
    *numbers, manual, scores, tie = record_of(request_, POLICIES).split(" ", 9)
    assert len([float(number) for number in numbers]) == 7
    assert manual == "-" or len([float(number) for number in manual.split(":")]) == 5
    assert tie[33:] == request_.id
    named = dict(part.split("=") for part in scores.strip(",").split(","))
    assert set(named) == set(POLICIES)
    assert all(int(part, 16) >= 0 for part in named.pop("semantic_due").split(":")[1:])
    assert {name: float(score) for name, score in named.items()} == {
        name: queue_score(POLICIES[name](request_.as_sorted)) for name in named
    }


@given(batches(), st.sampled_from([0.0, 2.0, 1e6]))
def test_digits_sort_like_rank_at_equal_deadlines(batch: list[Request], due_seconds: float) -> None:
    policy = POLICIES["semantic_due"]
    overdue = [
        replace(each, priority=max(1, each.priority), due_seconds=due_seconds, manual=None)
        for each in batch
    ]

    def in_redis(request: Request) -> bytes:
        return (
            f"{number_token(queue_score(policy(request.as_sorted)))}:{tie_token(request)}".encode()
        )

    assert sorted(overdue, key=in_redis) == rank(overdue, policy, due_seconds)


def test_equal_requests_have_equal_records() -> None:
    def make_request(arrival: float) -> Request:
        return Request(
            id="a", arrival_seconds=arrival, priority=1, prompt_tokens=1, predicted_tokens=1
        )

    for one, two in product((3, 3.0), repeat=2):
        assert record_of(make_request(one), POLICIES) == record_of(make_request(two), POLICIES)
