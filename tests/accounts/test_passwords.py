"""Passwords: which are refused, how they are hashed, and that no input is a fault."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from unicodedata import normalize

import argon2
import bcrypt
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher, make_password
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.passwords import (
    AT_ONCE,
    LONGEST,
    SHORTEST,
    Argon2idHasher,
    _common,
    hashed,
    needs_rehash,
    password_checked,
    verified,
)
from accounts.secrets import generate_password
from identity import settings as shipped_settings

GOOD = "horses graze behind the mill"


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "x" * 14,
        "x" * 129,
        "a" * 1_000_000,
        "aaaaaaaaaaaaaaaa",
        "1234567890123456",
        "passwordpassword",
        "qwertyuiopasdfghjkl",
        GOOD + "\x00",
        GOOD + "\ud800",
    ],
    ids=lambda password: ascii(password[:20]),
)
def test_what_may_not_be_one(password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        password_checked(password)

    assert list(refusal.value.fields) == ["password"]
    assert len(password) < 5 or password[:14] not in str(refusal.value.as_dict())


def test_not_made_of_what_is_known() -> None:
    with pytest.raises(Invalid, match="guess"):
        password_checked("alice@acme.example", about=["alice@acme.example"])


@pytest.mark.parametrize(
    "password", [GOOD, "nur kleine buchstaben hier", "пароль из четырёх слов", "\U0001f40e gallops at dawn"]
)
def test_no_rule_of_composition(password: str) -> None:
    assert password_checked(password) == password


def test_what_we_make_may_be_one() -> None:
    for _ in range(20):
        password = generate_password()
        assert password_checked(password) == password


def test_the_bounds() -> None:
    assert (SHORTEST, LONGEST) == (15, 128)
    long = (GOOD + " ") * 5
    assert password_checked(long[:LONGEST]) == long[:LONGEST]


@configured(max_examples=50)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=64), st.text(max_size=64))
def test_any_text_opens_with_itself(password: str, other: str) -> None:
    encoded = hashed(password)

    assert verified(password, encoded)
    assert verified(other, encoded) == (normalize("NFKC", other) == normalize("NFKC", password))


@pytest.mark.parametrize("password", ["\ud800", "x" * 1_025, "x" * 5_000_000, ""])
def test_what_cannot_be_right_is_wrong(password: str) -> None:
    assert verified(password, hashed(GOOD)) is False
    assert verified(password, hashed("")) is (password == "")


def test_none_is_unusable() -> None:
    assert verified("", hashed(None)) is False


def test_the_profile_of_owasp(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["accounts.passwords.Argon2idHasher", "tests.hashers.CheapHasher"]  # type: ignore[attr-defined]
    encoded = hashed(GOOD)

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert isinstance(identify_hasher(encoded), Argon2idHasher)
    assert verified(GOOD, encoded)
    assert needs_rehash(encoded) is False
    assert needs_rehash(make_password(GOOD, hasher="cheap")) is True
    assert needs_rehash(encoded.replace("m=19456", "m=8192")) is True


class TestOtherPrograms:
    """Hashes that came along, as those programs write them."""

    HASHES: ClassVar[dict[str, str]] = {
        "Django's PBKDF2": "pbkdf2_sha256$260000$",
        "PBKDF2 with SHA-1": "pbkdf2_sha1$",
        "Django's scrypt": "scrypt$",
        "Django's bcrypt": "bcrypt_sha256$",
        "bcrypt": "$2b$",
        "bcrypt of PHP": "$2y$",
        "bcrypt, old": "$2a$",
        "argon2id": "$argon2id$",
        "argon2i": "$argon2i$",
    }

    @staticmethod
    def made(how: str, password: str) -> str:
        if how.startswith("$2"):
            made = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
            return how + made.removeprefix("$2b$")
        if how.startswith("$argon2"):
            kind = argon2.Type.ID if how == "$argon2id$" else argon2.Type.I
            return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=kind).hash(password)
        return make_password(password, hasher=how.partition("$")[0])

    @pytest.fixture(autouse=True)
    def shipped(self, settings: Any) -> None:
        settings.PASSWORD_HASHERS = shipped_settings.PASSWORD_HASHERS

    @pytest.mark.parametrize("how", HASHES.values(), ids=HASHES)
    @pytest.mark.parametrize("password", ["short", "horses graze behind the mill", "ß" * 60, "e\u0301te\u0301 2026"])
    def test_open_with_what_was_typed_and_are_renewed(self, how: str, password: str) -> None:
        encoded = self.made(how, password)
        assert encoded.startswith(how.partition("$260000")[0])

        assert verified(password, encoded)
        assert not verified(password + "x", encoded) or len(password.encode()) > 71
        assert not verified("x" + password, encoded)
        assert needs_rehash(encoded)
        assert verified(password, hashed(password))

    @pytest.mark.parametrize("encoded", ["$2b$", "$argon2id$", "$2b$12$short", "md5$x$y", "", "!", "scrypt$x$y$z"])
    def test_what_is_none_opens_nothing(self, encoded: str) -> None:
        assert not verified("horses graze behind the mill", encoded)


def test_letters_composed_otherwise_are_the_same() -> None:
    composed, apart = "h\u00e4user an der m\u00fchle", "ha\u0308user an der mu\u0308hle"
    wide = "\uff48\u00e4user an der m\u00fchle"

    assert verified(apart, hashed(composed))
    assert verified(composed, hashed(apart))
    assert verified(wide, hashed(composed))


def test_the_list_of_common_ones_is_of_the_length_that_is_asked_for() -> None:
    assert len(_common()) > 3_000
    assert min(map(len, _common())) >= SHORTEST
    for password in ("123456781234567812345678", "passwordpassword", "password123456789"):
        with pytest.raises(Invalid, match="many people use"):
            password_checked(password)


def test_a_flood_takes_no_more_memory_than_so_many_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.SlowHasher"]

    with ThreadPoolExecutor(4 * AT_ONCE) as pool:
        list(pool.map(hashed, ["horses graze behind the mill"] * 4 * AT_ONCE))

    assert SlowHasher.most == AT_ONCE


class SlowHasher(PBKDF2PasswordHasher):
    """Counts how many work at the same moment; each waits until there are as many as may be."""

    algorithm = "slow"
    working = most = 0
    lock = threading.Lock()
    barrier = threading.Barrier(AT_ONCE)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with self.lock:
            type(self).working += 1
            type(self).most = max(self.most, self.working)
        self.barrier.wait(10)
        encoded = super().encode(password, salt, 1)
        with self.lock:
            type(self).working -= 1
        return encoded
