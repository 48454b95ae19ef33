"""E-mail identity and usernames (DESIGN 4; SECURITY B 12: every code point that folds to ASCII)."""

import unicodedata
from contextlib import suppress
from functools import cache

import idna
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts import ids
from accounts.errors import Invalid
from accounts.identifiers import domain_key, email_key, email_validated, fold, username_key, username_validated

LETTERS = st.text(st.characters(codec="utf-8", categories=["Ll", "Lu", "Lo", "Nd"]), min_size=1, max_size=12)


@cache
def twins() -> list[str]:
    """Every character beyond ASCII of which some fold is ASCII."""
    found = []
    for point in range(0x80, 0x110000):
        if 0xD800 <= point <= 0xDFFF:
            continue
        character = chr(point)
        forms = [character.upper(), character.lower(), character.casefold()]
        forms += [unicodedata.normalize("NFC", character), unicodedata.normalize("NFKC", character)]
        if any(form.isascii() for form in forms):
            found.append(character)
    return found


def test_there_are_as_many_as_the_unicode_tables_say() -> None:
    assert len(twins()) > 1_380
    assert {"\u0131", "\u017f", "\u212a", "\uff21", "\u00df", "\u037e", "\u1fef"} <= set(twins())


@pytest.mark.parametrize("place", ["a{}b@example.com", "ab@a{}b.example", "{}@example.com", "ab@example.c{}m"])
def test_no_letter_that_folds_to_ascii_is_let_in(place: str) -> None:
    let_in = []
    for character in twins():
        try:
            email_validated(place.format(character))
        except Invalid:
            continue
        else:
            let_in.append(f"U+{ord(character):04X}")

    assert let_in == []


@pytest.mark.parametrize("place", ["a{}b", "{}ab", "ab{}"])
def test_no_username_holds_one_either(place: str) -> None:
    for character in twins():
        with pytest.raises(Invalid):
            username_validated(place.format(character))


def test_no_single_character_makes_a_key_of_ascii() -> None:
    for point in range(0x80, 0x110000):
        if unicodedata.category(chr(point)) in {"Cn", "Co", "Cs"}:  # refused as such, below
            continue
        try:
            key = email_key(f"a{chr(point)}b@example.com")
        except Invalid:
            continue
        assert not key.isascii(), f"U+{point:04X}"


@pytest.mark.parametrize(
    "email",
    [
        "\u0430lice@example.com",  # Cyrillic a
        "alic\u0435@example.com",  # Cyrillic e
        "\u03bfwner@example.com",  # Greek omicron
        "alice@ex\u0430mple.com",
        "alice@sub.\u0430pple.com",
        "al\u200bice@example.com",
        "al\u00adice@example.com",
        "alice@exam\u200bple.com",
        "alice@exam\u00adple.com",
        "alice@exam\ufe0fple.com",
        "alice@exam\u2060ple.com",
        "al\u202eice@example.com",
        "al\ue000ice@example.com",
        "al\u0378ice@example.com",
        "\uff41lice@example.com",
        "alice\uff20example.com",
        "ali\ufb01@example.com",
    ],
)
def test_look_alikes_are_refused(email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        email_validated(email)

    assert list(refusal.value.fields) == ["email"]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "@",
        "alice",
        "alice@",
        "@example.com",
        "alice@example",
        "alice@example.com.",
        "alice@.example.com",
        "alice@example..com",
        "al ice@example.com",
        "alice@exam ple.com",
        "alice@ex\nample.com",
        "alice@example.com\nbcc: x@example.com",
        "a@b@example.com",
        ".alice@example.com",
        "alice.@example.com",
        "a..b@example.com",
        '"alice"@example.com',
        '"al ice"@example.com',
        '"a@b"@example.com',
        "alice@[127.0.0.1]",
        "alice@-example.com",
        "alice@xn--.example",
        "alice@xn--abc-.example",
        "alice@xn--\u00fc.example",
        "al\x00ice@example.com",
        "alice@exam\x00ple.com",
        "al\ud800ice@example.com",
        "alice@\udfffexample.com",
        "x" * 65 + "@example.com",
        "\u00e9" * 33 + "@example.com",
        "\u1fb7" * 200 + "@example.com",
        "a@" + ".".join(["x" * 63] * 4) + ".com",
        "a@" + "x" * 64 + ".com",
        "a" * 500_000 + "@example.com",
        "a,b@example.com",
        "<alice@example.com>",
    ],
    ids=lambda email: ascii(email[:30]),
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        email_validated(email)

    assert list(refusal.value.fields) == ["email"]


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        (" alice@example.com\n", "alice@example.com"),
        ("alice+tag@example.com", "alice+tag@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("JOS\u00c9@example.com", "jos\u00e9@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("info@M\u00dcNCHEN.example", "info@xn--mnchen-3ya.example"),
        ("info@mu\u0308nchen.example", "info@xn--mnchen-3ya.example"),
        ("info@XN--MNCHEN-3YA.example", "info@xn--mnchen-3ya.example"),
        ("\u0438\u0432\u0430\u043d@example.com", "\u0438\u0432\u0430\u043d@example.com"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
        ("admin@localhost.localdomain", "admin@localhost.localdomain"),
    ],
)
def test_the_key(email: str, key: str) -> None:
    stored, made = email_validated(email)

    assert made == key
    assert stored == unicodedata.normalize("NFC", email.strip())


@given(LETTERS, LETTERS)
def test_case_and_composition_make_no_other_address(local: str, label: str) -> None:
    email = f"{local}@{label}.example"
    try:
        stored, key = email_validated(email)
    except Invalid:
        assume(False)
    assert len(key) <= 320
    assert email_validated(stored) == (stored, key)
    for spelling in (email.upper(), email.lower(), email.swapcase(), unicodedata.normalize("NFD", email)):
        try:
            assert email_key(spelling) == key
        except Invalid:
            continue


@given(LETTERS)
def test_a_domain_is_one_in_unicode_and_in_ascii(label: str) -> None:
    try:
        key = email_key(f"a@{label}.example")
    except Invalid:
        assume(False)
    a_label = key.removeprefix("a@")
    assert a_label.isascii()
    assert email_key(f"a@{a_label}") == email_key(f"a@{a_label.upper()}") == key
    assert email_key(f"a@{idna.decode(a_label)}") == key
    assert domain_key(a_label) == domain_key(f"{label}.example") == a_label


@given(st.text(max_size=30))
def test_no_text_is_a_fault(text: str) -> None:
    for check in (email_validated, username_validated):
        with suppress(Invalid):
            check(text)


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "username",
    [
        "",
        "a@b",
        "@",
        "usr_01h455vb4pex5vsknk084sn02q",
        "USR_01H455VB4PEX5VSKNK084SN02Q",
        "org_01h455vb4pex5vsknk084sn02q",
        "usr_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5DAC96774BBCCEB302099A8057",
        "x" * 65,
        "a b",
        "a\nb",
        "a\n",
        "-a",
        "a.",
        "a/b",
        "a\x00b",
        "a\ud800b",
        "\u0430lice",
        "al\u200bice",
        "\uff41lice",
        "\u212aate",
        "stra\u00dfe",
    ],
    ids=ascii,
)
def test_what_is_no_username(username: str) -> None:
    with pytest.raises(Invalid) as refusal:
        username_validated(username)

    assert list(refusal.value.fields) == ["username"]


@given(st.text(max_size=40))
def test_a_username_is_never_ambiguous(text: str) -> None:
    try:
        username, key = username_validated(text)
    except Invalid:
        return
    assert "@" not in username
    assert ids.decode("usr", username) is None
    assert ids.decode("usr", key) is None
    assert len(key) <= 128
    assert username_key(username.upper()) in {key, fold(username.upper())}


def test_a_username_keeps_its_case_and_compares_without() -> None:
    assert username_validated("Alice.B") == ("Alice.B", "alice.b")
