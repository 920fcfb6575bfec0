"""What belongs to an account beside its name and password: devices of the second factor, API
tokens, a first password, notices, and names that failed to sign in."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from base64 import b32encode
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import quote, urlencode

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from triage_site.cases.encryption import Unreadable, decrypt, encrypt
from triage_site.cases.roles import SCOPE_WORDS, Scope

log = structlog.get_logger(__name__)

SCOPE_CHOICES: Final = [(scope.value, words) for scope, words in SCOPE_WORDS.items()]
ISSUER: Final = "Semantic Triage"
STEP_SECONDS: Final = 30
DIGITS: Final = 6
TOLERANCE: Final = 1  # steps before and after the present one
KEY_BYTES: Final = 20  # as RFC 4226 recommends
NUM_RECOVERY_CODES: Final = 10
_CODE_CHARACTERS: Final = 10  # 50 bits
_CODE = re.compile(r"[a-z2-7]{8}|[a-z2-7]{10}")  # codes of before had 8 characters


class AuthenticatorApp(TimestampMixin, ThrottlingMixin, Device):
    """An authenticator app: time-based codes (TOTP, RFC 6238). Its key is encrypted at rest."""

    encrypted_key = models.TextField()
    drift = models.SmallIntegerField(default=0)  # steps that the clock of the app differs by
    last_t = models.BigIntegerField(default=-1)  # step of the last code; each code works once

    class Meta(Device.Meta):
        pass

    @classmethod
    def new_key(cls) -> str:
        """Returns a new key, encrypted."""
        return encrypt(secrets.token_hex(KEY_BYTES))

    @property
    def key(self) -> bytes:
        """Raises Unreadable after a change of `SECRET_KEY` without fallback."""
        return bytes.fromhex(decrypt(self.encrypted_key))

    @property
    def is_readable(self) -> bool:
        try:
            return bool(self.key)
        except Unreadable:
            return False

    @property
    def key_text(self) -> str:
        """The key as people type it into an app."""
        return b32encode(self.key).decode()

    @property
    def config_url(self) -> str:
        """The key as the address that apps read from a picture."""
        label = quote(f"{ISSUER}:{self.user.get_username()}")
        values = {"secret": self.key_text, "issuer": ISSUER, "digits": DIGITS}
        query = urlencode({**values, "period": STEP_SECONDS, "algorithm": "SHA1"}, quote_via=quote)
        return f"otpauth://totp/{label}?{query}"

    def verify_token(self, token: str) -> bool:
        """Returns whether this is the code of now, or of a step around it, for the first time."""
        if not (token.isascii() and token.isdigit() and len(token) == DIGITS):
            return False  # perhaps a recovery code
        if not self.verify_is_allowed()[0]:
            return False
        try:
            totp = TOTP(self.key, STEP_SECONDS, 0, DIGITS, self.drift)
        except Unreadable:
            log.error("second_factor_unreadable", account=self.user.get_username())
            return False
        totp.time = time.time()
        if not totp.verify(int(token), TOLERANCE, self.last_t + 1):
            self.throttle_increment()
            return False
        self.last_t, self.drift = totp.t(), totp.drift
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCodes(TimestampMixin, ThrottlingMixin, Device):
    """The recovery codes of an account. Each works once, and only hashes are stored."""

    salt = models.CharField(max_length=32)
    hashes = models.JSONField(default=list)  # of the codes that are left

    class Meta(Device.Meta):
        pass

    @classmethod
    def issue(cls, user: User) -> list[str]:
        """Replaces the codes of an account. Returns the new ones, which are not stored."""
        cls.objects.filter(user=user).delete()
        codes = [_random_code() for _ in range(NUM_RECOVERY_CODES)]
        salt = secrets.token_hex(16)
        hashes = [hash_of_code(code, salt) for code in codes]
        cls.objects.create(user=user, name="recovery codes", salt=salt, hashes=hashes)
        return [f"{code[:5]}-{code[5:]}" for code in codes]

    def verify_token(self, token: str) -> bool:
        code = token.replace("-", "").lower()
        if not _CODE.fullmatch(code) or not self.verify_is_allowed()[0]:
            return False
        digest = hash_of_code(code, self.salt)
        if digest not in self.hashes:
            self.throttle_increment()
            return False
        self.hashes = [one for one in self.hashes if one != digest]
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1


def hash_of_code(code: str, salt: str) -> str:
    """Returns the scrypt hash (RFC 7914) of a recovery code, in hex. A whole set of codes has one
    salt, so that one hash is enough to look for a code in it."""
    cost = settings.RECOVERY_CODE_COST
    return hashlib.scrypt(code.encode(), salt=bytes.fromhex(salt), dklen=32, n=cost, r=8, p=1).hex()


def _random_code() -> str:
    return b32encode(secrets.token_bytes(8)).decode().lower()[:_CODE_CHARACTERS]


class FirstPassword(models.Model):
    """The account has a password that somebody else set. It ends when its person changes it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    set_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"first password of user {self.user_id}"


class AccountNotice(models.Model):
    """Tells a person what happened to the sign-in of an account, until the person answers."""

    class What(models.TextChoices):
        PASSWORD = "password", "Your password was changed"
        FACTOR = "factor", "An authenticator app was set up for your account"
        NO_FACTOR = "no factor", "The authenticator app of your account was removed"
        CODES = "codes", "New recovery codes were made for your account"
        TOKEN = "token", "An API token was made for your account"
        LOCKED = "locked", "An account was locked: its person says that a change was not theirs"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    at = models.DateTimeField(default=timezone.now)
    what = models.CharField(max_length=12, choices=What)
    detail = models.CharField(max_length=150, blank=True)  # name of the token or of the account
    address = models.CharField(max_length=45, blank=True)  # empty: a command on the server
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["user", "acknowledged_at"])]

    def __str__(self) -> str:
        return f"{self.what} of user {self.user_id}"

    @property
    def is_own(self) -> bool:
        """Whether it speaks of the account of its reader."""
        return self.what != self.What.LOCKED

    @property
    def words(self) -> str:
        """What happened, when and from where, as one sentence."""
        detail = f" ({self.detail})" if self.detail else ""
        where = f"from {self.address}" if self.address else "by a command on the server"
        at = timezone.localtime(self.at)
        return f"{self.get_what_display()}{detail}: {at:%Y-%m-%d %H:%M}, {where}."


class FailedName(models.Model):
    """A name that failed to sign in from a network. Of the name there is a digest alone."""

    network = models.CharField(max_length=50)
    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["network", "key"], name="one_failed_name_per_network")
        ]
        indexes: ClassVar = [models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"a name from {self.network}"


class ApiToken(models.Model):
    """An API token of one account. Only its SHA-256 is stored.

    It ends with its date, and with the password and the authenticator app that the account had
    when it was made (api_tokens.py).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    demo = models.BooleanField(default=False)  # refused outside demo mode
    name = models.CharField(max_length=60, blank=True)  # what it is for
    expires_at = models.DateTimeField(null=True)  # only demo tokens have none
    last_used_at = models.DateTimeField(null=True)
    password_hash = models.CharField(max_length=128, blank=True)  # a digest; not the password's
    scope = models.CharField(max_length=12, choices=SCOPE_CHOICES, default=Scope.READ.value)
    factor = models.CharField(max_length=200, blank=True)  # the apps of then (`factor_of`)

    def __str__(self) -> str:
        return f"token of user {self.user_id}"

    @staticmethod
    def digest_of(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(
        cls,
        user: User,
        *,
        demo: bool = False,
        name: str = "",
        scope: Scope = Scope.READ,
        factor: str = "",
        expires_at: datetime | None = None,
    ) -> str:
        """Creates a token and returns its key. The key is not stored."""
        key = new_key()
        cls.objects.create(
            user=user,
            digest=cls.digest_of(key),
            demo=demo,
            name=name,
            scope=scope.value,
            factor=factor,
            expires_at=expires_at,
            password_hash=user.get_session_auth_hash(),
        )
        return key

    @property
    def scope_words(self) -> str:
        return SCOPE_WORDS[Scope(self.scope)]


def new_key() -> str:
    """A random key. It starts with no "-", which a command line would take for an option."""
    while (key := secrets.token_urlsafe(32)).startswith("-"):
        pass
    return key


def password_hashes(user: User) -> Iterator[str]:
    """Yields the digest of the account's password, with the present `SECRET_KEY` and old ones."""
    yield user.get_session_auth_hash()
    yield from user.get_session_auth_fallback_hash()
