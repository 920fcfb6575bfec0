"""Which long passwords are refused because an attacker guesses them early."""

from __future__ import annotations

import random
import string
from time import perf_counter

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_site.cases.passwords import GuessingValidator

URL_SAFE = string.ascii_letters + string.digits + "-_"


@pytest.mark.parametrize(
    "password",
    [
        "",
        " ",
        "passwordpassword",
        "qwerty123456",
        "Dragon-2024!",
        "P4ssw0rd2024",
        "Winter2024!!",
        "Welcome12345!",
        "hospital2024",
        "iloveyou1234",
        "Manchester12!",
        "aaaaaaaaaaaaa",
        "adaadaadaada",
        "zxcvbnm,./123",
        "emergency2026!",
        "Summer2026Summer",
        "passwordpassword" * 300,
    ],
)
def test_what_is_guessed_early_is_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert "easy_to_guess" in [one.code for one in refused.value.error_list]


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "seven-green-herons",
        "a long enough password",
        "eleven-quiet-lanterns-9",
        "a19jEePYeAhA",  # two common words of four letters stand in it by chance
        "Größte Überraschung im Schrank",
        "ключ от дома под камнем",
    ],
)
def test_words_without_relation_are_allowed(password: str) -> None:
    validate_password(password)


def test_random_passwords_are_allowed() -> None:
    drawn = random.Random(5)
    for _ in range(500):
        GuessingValidator().validate("".join(drawn.choices(URL_SAFE, k=12)))


def test_the_names_of_the_account_are_known_to_the_attacker() -> None:
    user = get_user_model()(username="vxanth", last_name="Xanthopoulou")
    GuessingValidator().validate("Xanthopoulou-77")
    with pytest.raises(ValidationError, match="easy to guess"):
        GuessingValidator().validate("Xanthopoulou-77", user)


def test_a_refusal_says_why() -> None:
    with pytest.raises(ValidationError) as refused:
        GuessingValidator().validate("aaaaaaaaaaaaa")
    assert refused.value.messages == [
        'This password is easy to guess. Repeats like "aaa" are easy to guess.'
    ]


def test_a_very_long_password_is_judged_within_a_second() -> None:
    begin = perf_counter()
    GuessingValidator().validate(
        "aB3$xY" * 10 + "".join(random.Random(1).choices(URL_SAFE, k=4000))
    )
    assert perf_counter() - begin < 1


@given(st.text(max_size=80), st.text(max_size=20))
@settings(max_examples=300)
def test_whatever_is_typed_is_allowed_or_refused(password: str, name: str) -> None:
    user = get_user_model()(username=name, last_name=name)
    is_allowed = True
    try:
        GuessingValidator().validate(password, user)
    except ValidationError:
        is_allowed = False
    assert password or not is_allowed
