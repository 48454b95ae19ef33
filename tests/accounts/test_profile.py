"""Profile fields, lines of text, tags."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.identifiers import text_refused
from accounts.profile import LENGTHS, profile_checked, reason_checked, tags_checked, text_checked

BREAKS = ["\n", "\r", "\r\n", "\u2028", "\u2029"]
UNSTORABLE = ["\x00", "\x1b", "\x07", "\x7f", "\x85", "\ud800", "\udfff", "\x0b", "\x0c"]


@given(st.sampled_from(sorted(LENGTHS)), st.text(max_size=300))
def test_what_is_given_back_can_be_stored(field: str, text: str) -> None:
    try:
        stored = profile_checked({field: text})[field]
    except Invalid:
        return
    assert stored == unicodedata.normalize("NFC", stored).strip()
    assert len(stored) <= LENGTHS[field]
    assert text_refused(stored) is None
    assert field == "bio" or not any(mark in stored for mark in BREAKS)
    assert profile_checked({field: stored}) == {field: stored}


def test_every_wrong_field_is_named() -> None:
    with pytest.raises(Invalid) as refusal:
        profile_checked({"name": "a\nb", "bio": "fine\ntwo lines", "locale": "english!", "shoe_size": "43"})

    assert set(refusal.value.fields) == {"name", "locale", "shoe_size"}


@pytest.mark.parametrize("field", ["name", "given_name", "family_name", "nickname"])
@pytest.mark.parametrize("mark", [*BREAKS, *UNSTORABLE])
def test_a_name_is_one_line_that_every_database_keeps(field: str, mark: str) -> None:
    with pytest.raises(Invalid):
        profile_checked({field: f"a{mark}b"})


@pytest.mark.parametrize("field", sorted(LENGTHS))
def test_lengths_count_what_is_stored(field: str) -> None:
    longest = {"picture": "https://a.example/", "locale": "en-", "phone_number": "+", "zoneinfo": ""}.get(field, "")
    text = longest + "1" * (LENGTHS[field] + 1 - len(longest))

    with pytest.raises(Invalid):
        profile_checked({field: text})


def test_a_length_is_counted_after_nfc() -> None:
    assert len(profile_checked({"nickname": "e\u0301" * 100})["nickname"]) == 100
    with pytest.raises(Invalid):
        profile_checked({"nickname": "\u0958" * 60})  # composed, it is two


@pytest.mark.parametrize(
    ("field", "good", "wrong"),
    [
        (
            "phone_number",
            ["+44 20 7946 0018", "030 (1234)", ""],
            ["12", "call me", "+49\u0661\u0662\u0663"],
        ),
        ("locale", ["en", "pt-BR", "zh_Hant_TW", ""], ["e", "english!", "en-", "-en"]),
        ("zoneinfo", ["Europe/Berlin", "UTC", ""], ["Mars/Olympus", "../etc/passwd", "europe/berlin"]),
        (
            "picture",
            ["https://a.example/x.png", "http://[::1]/x", ""],
            [
                "javascript:alert(1)",
                "//a.example",
                "http://",
                "http://[",
                "http://a\tb.example",
                "http://a b",
                "ftp://a.b",
            ],
        ),
    ],
)
def test_shapes(field: str, good: list[str], wrong: list[str]) -> None:
    for text in good:
        assert profile_checked({field: text}) == {field: text}
    for text in wrong:
        with pytest.raises(Invalid):
            profile_checked({field: text})


@pytest.mark.parametrize("text", ["", "   ", "x" * 11, *(f"a{mark}b" for mark in [*BREAKS, *UNSTORABLE])])
def test_a_line_of_text_that_is_none(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        text_checked("name", text, longest=10)

    assert list(refusal.value.fields) == ["name"]


def test_a_reason_may_be_missing() -> None:
    assert (reason_checked(" "), reason_checked(" left ")) == ("", "left")
    with pytest.raises(Invalid):
        reason_checked("x" * 501)


@given(st.lists(st.text(st.characters(exclude_characters=","), max_size=12), max_size=8))
def test_tags_are_sorted_once_each_and_stay_so(tags: list[str]) -> None:
    try:
        checked = tags_checked(tags)
    except Invalid:
        return
    assert checked == sorted(set(checked)) == tags_checked(checked)


@pytest.mark.parametrize("tags", [["a,b"], [""], ["x" * 65], ["a\nb"], ["\x00"], [f"t{n}" for n in range(101)]])
def test_tags_that_are_none(tags: list[str]) -> None:
    with pytest.raises(Invalid):
        tags_checked(tags)


def test_tags_that_are() -> None:
    assert tags_checked(["two words", "caf\u0065\u0301", "café", " x "]) == ["café", "two words", "x"]
    assert len(tags_checked([f"t{n}" for n in range(100)])) == 100
