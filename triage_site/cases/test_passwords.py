"""Which long passwords are refused because they are put together from common ones."""

from __future__ import annotations

import secrets

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from triage_site.cases.passwords import CommonPartsValidator


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "qwerty123456",
        "Dragon-2024!",
        "P4ssw0rd2024",
        "Winter2024!!",
        "Welcome12345!",
        "hospital2024",
        "iloveyou1234",
        "aaaaaaaaaaaaa",
    ],
)
def test_one_or_two_common_passwords_with_digits_are_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert "common_parts" in [one.code for one in refused.value.error_list]


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "seven-green-herons",
        "a long enough password",
        "eleven-quiet-lanterns-9",
        "x" * 4096,  # too long to be looked at
    ],
)
def test_words_without_relation_are_allowed(password: str) -> None:
    CommonPartsValidator().validate(password)


def test_random_passwords_are_allowed() -> None:
    for _ in range(200):
        CommonPartsValidator().validate(secrets.token_urlsafe(9))
