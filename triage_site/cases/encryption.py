"""Encryption of secrets in the database, with a key that follows from `SECRET_KEY`.

A copy of the database alone then holds no usable key of an authenticator app. After a change of
`SECRET_KEY` the old one in `SECRET_KEY_FALLBACKS` still reads what it wrote, and
`manage.py rotate_keys` writes it again with the new one.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE: Final = b"triage: keys of authenticator apps"


class Unreadable(Exception):
    """The text was encrypted with a key that this site does not know any more."""


def encrypt(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises Unreadable."""
    try:
        return _keys().decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise Unreadable("no key of this site reads it") from None


def encrypt_again(encrypted: str) -> str:
    """Returns the same secret, encrypted with the present key. Raises Unreadable."""
    return encrypt(decrypt(encrypted))


def _keys() -> MultiFernet:
    """The present key writes, all keys read."""
    return _keys_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@cache
def _keys_of(*secrets: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    """HKDF (RFC 5869): the key of this purpose says nothing about those of others."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
    return base64.urlsafe_b64encode(key)
