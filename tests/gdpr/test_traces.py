"""Every disguise of an identifier is found, and nothing that only looks like one."""

import base64
import copy
import hashlib
import html
import json
import pickle
import quopri
import unicodedata
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from gdpr.traces import Form, Identifiers, Kind, Matcher, unpacked

BOB = "Bob@Example.com"
ZOE = "Zoë.O'Neil+x@bücher.example"
PHONE = "+49 170 1234567"
PEOPLE = {
    "bob": Identifiers(emails=(BOB, "bob@example.com"), usernames=("bob-the-builder", "bob"), phones=(PHONE,)),
    "zoe": Identifiers(emails=(ZOE, "zoë.o'neil+x@xn--bcher-kva.example"), usernames=("Zoë-Neil",)),
    "alice": Identifiers(usernames=("alice",), phones=("12345678",)),
}
MATCHER = Matcher(PEOPLE)


def found(text: bytes | str, matcher: Matcher = MATCHER) -> set[tuple[str, Kind, Form]]:
    """Give who was found, by what, in which form."""
    data = text.encode() if isinstance(text, str) else text
    return {(hit.person, hit.kind, hit.form) for part in unpacked(data) for hit in matcher.find(part)}


def in_base64(shift: int, alphabet: Callable[[bytes], bytes] = base64.b64encode) -> Callable[[str], bytes]:
    """Write a value in the middle of something that is base64 as a whole."""
    return lambda text: alphabet(b"<" * (3 + shift) + text.encode() + b"> and so on")


def digest(name: str, write: Callable[[bytes], bytes]) -> Callable[[str], bytes]:
    """Write a naive pseudonym."""
    return lambda text: write(hashlib.new(name, text.lower().encode()).digest())


WRITTEN: dict[str, tuple[Form, Callable[[str], str | bytes]]] = {
    "raw": (Form.RAW, str),
    "upper case": (Form.CASE, str.upper),
    "percent": (Form.URL, lambda text: quote(text, safe="")),
    "percent, lower hex": (Form.URL, lambda text: quote(text, safe="").lower()),
    "form": (Form.URL, lambda text: "q=hello+" + quote_plus(text) + "+you"),
    "JSON of bytes at": (Form.JSON, lambda text: json.dumps(text).replace("@", "\\u0040")),
    "HTML decimal": (Form.HTML, lambda text: html.escape(text).replace("@", "&#64;")),
    "HTML hex": (Form.HTML, lambda text: html.escape(text).replace("@", "&#x40;")),
    "hex": (Form.HEX, lambda text: text.encode().hex()),
    "hex, upper": (Form.HEX, lambda text: text.encode().hex().upper()),
    "hex in hex": (Form.HEX, lambda text: f"<i>{text}</i>".encode().hex()),
    **{f"base64 at {shift}": (Form.BASE64, in_base64(shift)) for shift in range(3)},
    **{f"base64url at {shift}": (Form.BASE64, in_base64(shift, base64.urlsafe_b64encode)) for shift in range(3)},
    "base64 alone": (Form.BASE64, lambda text: base64.b64encode(text.encode())),
    "base64 alone, stripped": (Form.BASE64, lambda text: base64.b64encode(text.encode()).rstrip(b"=")),
    "base64 folded": (Form.BASE64, lambda text: base64.encodebytes(b"-" * 50 + text.encode() + b"-" * 50)),
    **{
        f"{name} {way}": (form, digest(name, write))
        for name, form in (("md5", Form.MD5), ("sha1", Form.SHA1), ("sha256", Form.SHA256))
        for way, write in (
            ("hex", lambda value: value.hex().encode()),
            ("HEX", lambda value: value.hex().upper().encode()),
            ("base64", base64.b64encode),
            ("base64url", base64.urlsafe_b64encode),
            ("bytes", lambda value: b"\xff" + value + b"\xfe"),
        )
    },
}


class TestEveryForm:
    """What is planted is found, as what it is."""

    @pytest.mark.parametrize(("form", "write"), WRITTEN.values(), ids=WRITTEN)
    def test_of_an_address(self, form: Form, write: Callable[[str], str | bytes]) -> None:
        assert ("bob", Kind.EMAIL, form) in found(write(BOB))

    @pytest.mark.parametrize(
        ("form", "write"),
        [
            (Form.JSON, lambda text: json.dumps({"to": text})),
            (Form.JSON, lambda text: json.dumps({"to": text}).upper().replace("\\U", "\\u")),
            (Form.JSON, lambda text: json.dumps(json.dumps({"to": text}))),
            (Form.HTML, html.escape),
            (Form.HTML, lambda text: html.escape(text).replace("ë", "&euml;").replace("ü", "&uuml;")),
            (Form.HTML, lambda text: text.encode("ascii", "xmlcharrefreplace").decode()),
            (Form.UNICODE, lambda text: unicodedata.normalize("NFD", text)),
            (Form.CASE, str.upper),
            (Form.QUOTED, lambda text: quopri.encodestring(text.encode())),
            (Form.QUOTED, lambda text: quopri.encodestring(b"x" * 60 + b" " + text.encode())),
            (Form.RAW, lambda text: json.dumps({"to": text}, ensure_ascii=False)),
            (Form.URL, quote),
            (Form.SHA256, lambda text: hashlib.sha256(text.encode()).hexdigest()),
            (Form.BASE64, lambda text: base64.b64encode(text.lower().encode())),
        ],
    )
    def test_of_one_with_letters_beyond_ascii(self, form: Form, write: Callable[[str], str | bytes]) -> None:
        assert ("zoe", Kind.EMAIL, form) in found(write(ZOE))

    def test_of_its_domain(self) -> None:
        only = Matcher({"zoe": Identifiers(emails=(ZOE,))})
        assert ("zoe", Kind.EMAIL, Form.IDNA) in found("Zoë.O'Neil+x@xn--bcher-kva.example", only)

    @pytest.mark.parametrize(("form", "write"), WRITTEN.values(), ids=WRITTEN)
    def test_of_a_username(self, form: Form, write: Callable[[str], str | bytes]) -> None:
        if form in {Form.URL, Form.HTML, Form.JSON}:
            assert ("zoe", Kind.USERNAME, Form.URL) in found(f"/people/{quote('Zoë-Neil')}/")
        else:
            assert ("bob", Kind.USERNAME, form) in found(write("bob-the-builder"))

    @pytest.mark.parametrize(
        "text",
        ["+491701234567", "00491701234567", "+49 (170) 123-45-67", "491701234567", "2026-11-21 49/170.1234567 x"],
    )
    def test_of_a_telephone_number(self, text: str) -> None:
        assert found(text) == {("bob", Kind.PHONE, Form.DIGITS)}

    @pytest.mark.parametrize(("form", "write"), [WRITTEN["hex"], WRITTEN["base64 at 1"], WRITTEN["md5 hex"]])
    def test_of_a_telephone_number_in_disguise(self, form: Form, write: Callable[[str], str | bytes]) -> None:
        assert ("bob", Kind.PHONE, form) in found(write(PHONE))
        assert found(PHONE) == {("bob", Kind.PHONE, Form.RAW)}
        assert ("bob", Kind.PHONE, Form.URL) in found(quote_plus(PHONE))

    def test_inside_what_django_compressed(self) -> None:
        packed = base64.urlsafe_b64encode(zlib.compress(f"{{'to': '{BOB}'}}".encode() * 9)).rstrip(b"=")
        assert found(b"." + packed + b":1tabcd:signature") == {("bob", Kind.EMAIL, Form.RAW)}

    @pytest.mark.parametrize(
        "around",
        ["{}", "<{}>", "'{}'", "mailto:{}", "x={}&y", "see {}.", "({})", "“{}”", "_{}_", "-{}", "…{}…", "{},{}"],
    )
    def test_among_other_signs(self, around: str) -> None:
        assert found(around.format(BOB, BOB)) == {("bob", Kind.EMAIL, Form.RAW)}

    @pytest.mark.parametrize("around", [r"Dear\n{}\nand", r"\t{}", r"\u003c{}\u003e", "%3C{}%3E", "%0a{}", "=3D{}"])
    def test_beside_an_escaped_sign(self, around: str) -> None:
        assert found(around.format(BOB)) == {("bob", Kind.EMAIL, Form.RAW)}


OTHERS = (
    "xbob@example.com",
    "big.bob@example.com",
    "x+bob@example.com",
    "éBob@example.com",
    r"\u00e9bob@example.com",
    "%C3%A9bob@example.com",
    "e\u0301bob@example.com",
    "bob@example.community",
    "bob@example.com.au",
    "bob@example.com-shop.example",
    "bob@example.como",
    "bob@example,com",
)


class TestNothingElse:
    """What is somebody else's is not found."""

    @pytest.mark.parametrize("text", OTHERS)
    def test_a_longer_address(self, text: str) -> None:
        assert found(text) == set()

    @pytest.mark.parametrize("text", ["xbob@example.com", "bob@example.com.au"])
    @pytest.mark.parametrize(
        "write",
        [
            *(in_base64(shift) for shift in range(3)),
            lambda text: text.encode().hex(),
            lambda text: quote(text, safe=""),
        ],
    )
    def test_a_longer_address_in_disguise(self, text: str, write: Callable[[str], str | bytes]) -> None:
        assert found(write(text)) == set()

    @pytest.mark.parametrize(
        "text", ["malice", "alices", "alice-b", "b.alice", "alice@other.example", "me@alice", "bob", "AlicE1"]
    )
    def test_a_word_that_holds_a_username(self, text: str) -> None:
        assert found(text) == set()

    def test_a_username_stands_as_a_word(self) -> None:
        assert found("Dear Alice, …") == {("alice", Kind.USERNAME, Form.CASE)}

    def test_a_short_username_is_not_found_inside_random_characters(self) -> None:
        assert found("q" + base64.b64encode(b"alice").decode() + "x/Zm9v") == set()
        assert found("0f" + b"alice".hex() + "f0") == set()
        assert found(base64.b64encode(b"alice")) == {("alice", Kind.USERNAME, Form.BASE64)}
        assert found(b"alice".hex()) == {("alice", Kind.USERNAME, Form.HEX)}

    @pytest.mark.parametrize("text", ["1491701234567", "4917012345678", "12345678", "2026-11-21 10:00:00.123456"])
    def test_other_numbers(self, text: str) -> None:
        assert found(text) == set()

    def test_in_noise(self) -> None:
        noise = b"".join(hashlib.sha512(str(number).encode()).digest() for number in range(2_000))
        for write in (bytes, bytes.hex, base64.b64encode):
            assert found(write(noise)) == set()

    def test_in_the_bytes_of_a_database_neighbours_are_no_matter(self) -> None:
        raw = Matcher(PEOPLE, whole=False)
        assert ("bob", Kind.EMAIL, Form.CASE) in found(b"0190f0bob@example.combob@example.com2026", raw)
        assert found("malice", raw) == set()


class TestTheIdentifiers:
    """They stay in memory."""

    def test_show_nothing(self) -> None:
        shown = f"{PEOPLE['bob']} {PEOPLE['bob']!r} {[PEOPLE['bob']]}"
        assert "bob" not in shown.lower()
        assert "170" not in shown

    @pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_are_never_copied(self, way: Callable[[object], object]) -> None:
        with pytest.raises(TypeError, match="stay in memory"):
            way(PEOPLE["bob"])

    def test_that_are_too_short_are_counted(self) -> None:
        assert PEOPLE["bob"].too_short == 1
        assert PEOPLE["alice"].too_short == 1
        assert PEOPLE["zoe"].too_short == 0

    def test_are_told_apart_by_their_look(self) -> None:
        typed = Identifiers.typed([" bob@example.com\n", "", "+49 170 1234567", "bob-the-builder", "12345"])
        assert typed == Identifiers(
            emails=("bob@example.com",), usernames=("bob-the-builder", "12345"), phones=("+49 170 1234567",)
        )

    def test_of_several_people_who_share_one(self) -> None:
        shared = Matcher({"one": Identifiers(emails=(BOB,)), "two": Identifiers(emails=(BOB,))})
        assert found(BOB, shared) == {("one", Kind.EMAIL, Form.RAW), ("two", Kind.EMAIL, Form.RAW)}

    def test_of_nobody_find_nothing(self) -> None:
        assert found(BOB, Matcher({})) == set()
