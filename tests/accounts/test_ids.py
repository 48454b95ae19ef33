"""Identifiers: what is written is read back, sorts by time, and nothing else is read."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import ids

PREFIXES = st.sampled_from(["usr", "org", "mem", "ses", "key", "evt", "lnk", "rol"])


@given(PREFIXES, st.uuids())
def test_what_is_written_is_read_back(prefix: str, value: uuid.UUID) -> None:
    text = ids.encode(prefix, value)

    assert ids.decode(prefix, text) == value
    assert ids.decode(prefix, str(value)) == value
    assert ids.decode(prefix, value.hex) == value
    assert (ids.prefix_of(text), ids.looks_like_id(text), len(text)) == (prefix, True, 30)


def test_the_example_of_the_specification() -> None:
    value = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    assert ids.encode("usr", value) == "usr_01h455vb4pex5vsknk084sn02q"


@given(st.uuids(), st.uuids())
def test_texts_sort_as_the_values_do(one: uuid.UUID, other: uuid.UUID) -> None:
    assert (ids.encode("usr", one) < ids.encode("usr", other)) == (one < other)


def test_new_ones_sort_by_when_they_were_made() -> None:
    made = [ids.new() for _ in range(2_000)]

    assert made == sorted(set(made))
    assert {value.version for value in made} == {7}


@given(PREFIXES, PREFIXES, st.uuids())
def test_another_kind_is_not_read(one: str, other: str, value: uuid.UUID) -> None:
    assert (ids.decode(other, ids.encode(one, value)) == value) == (one == other)


@given(st.text(max_size=40))
def test_any_other_text_is_not_read(text: str) -> None:
    value = ids.decode("usr", text)

    assert value is None or text.lower() in {str(value), value.hex}


GOOD = "usr_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD[:-1],
        GOOD + "0",
        GOOD.replace("_", "-"),
        GOOD[4:],
        "usr_8zzzzzzzzzzzzzzzzzzzzzzzzz",  # beyond 128 bits
        "usr_01h455vb4pex5vsknk084sn0il",  # i, l: not digits of base32
        "usr_01h455vb4pex5vsknk084sn0ou",
        "\uff55sr_01h455vb4pex5vsknk084sn02q",
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8057\n",
        "01890a5dac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcceb302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a805\u0667",
        "\x00" * 36,
        "\ud800",
    ],
)
def test_what_is_nearly_one_is_not_read(text: str) -> None:
    assert ids.decode("usr", text) is None


@given(st.uuids())
def test_what_is_read_looks_like_one(value: uuid.UUID) -> None:
    for text in (ids.encode("usr", value), str(value), value.hex, str(value).upper(), ids.encode("zzz", value).upper()):
        assert ids.looks_like_id(text)
