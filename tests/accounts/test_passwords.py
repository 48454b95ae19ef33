"""Passwords: which are refused, how they are hashed, and that no input is a fault."""

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.passwords import LONGEST, SHORTEST, Argon2idHasher, hashed, needs_rehash, password_checked, verified
from accounts.secrets import generate_password

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
def test_as_received(password: str, other: str) -> None:
    encoded = hashed(password)

    assert verified(password, encoded)
    assert verified(other, encoded) == (other == password)


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
