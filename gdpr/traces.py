"""What names one person, in every spelling and disguise, and the search for many people at once in bytes.

No Django here. One automaton (Aho-Corasick) finds every pattern of everybody in one go over the bytes; what it
finds is looked at again: whether the case is right where it matters, and whether the identifier stands for itself
(``bob@example.com`` is not part of ``xbob@example.com``, and ``alice`` is not part of ``malice``).
"""

import base64
import binascii
import hashlib
import html
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html.entities import codepoint2name
from typing import Any, Final, NoReturn, Self
from urllib.parse import quote, quote_plus, unquote
from uuid import UUID

import idna
from ahocorasick_rs import BytesAhoCorasick

__all__ = ["CONTEXT", "Form", "Found", "Identifiers", "Kind", "Matcher", "unpacked"]

USERNAME_LEAST: Final = 5
PHONE_LEAST: Final = 9
"""Digits; with fewer a number is any number."""
CONTEXT: Final = 24
"""How many bytes on either side say whether an identifier stands for itself."""
BASE64_CORE: Final = 10
HEX_BYTES: Final = 8
"""With fewer characters of base64, or bytes in hex, chance finds them in hashes: they must stand for themselves."""
INFLATED: Final = 1 << 20
"""The longest text that is unpacked from one compressed value."""

SOFT_BREAK: Final = re.compile(rb"=\r?\n|(?<=[A-Za-z0-9+/]{20})\r?\n(?=[A-Za-z0-9+/=]{4})")
DEFLATED: Final = re.compile(rb"\.(eJ[A-Za-z0-9_-]{10,})")
"""Django's compressed signed values: zlib in base64 after a dot."""
DIGIT_RUN: Final = re.compile(rb"(?<!\d)(?!\d{4}-\d\d-\d\d(?!\d))\d[\d ().\-/]{7,40}\d")
"""Digits and what people group them with; a date is no beginning of a telephone number."""
DIGITS: Final = re.compile(rb"\d+")
JOINERS: Final = frozenset(".-_+")
ESCAPED_BEFORE: Final = re.compile(
    r"(?:(?:%[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|\\x[0-9A-Fa-f]{2}|\\[nrtfbv0]|=(?:0[9AD]|2[0-7C]|3[A-E]))$"
)
ESCAPED_AFTER: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+")
UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")
BASE64_TAIL: Final = re.compile(rb"[A-Za-z0-9+/_\-]*$")
BASE64_HEAD: Final = re.compile(rb"[A-Za-z0-9+/_\-]*")
HEX_TAIL: Final = re.compile(rb"[0-9A-Fa-f]*$")
HEX_HEAD: Final = re.compile(rb"[0-9A-Fa-f]*")
PHONE: Final = re.compile(r"\+?[\d ().\-/]+")


class Kind(StrEnum):
    """What kind of identifier it is."""

    EMAIL = "email"
    USERNAME = "username"
    PHONE = "phone"


class Form(StrEnum):
    """In which form it stands there."""

    RAW = "as given"
    CASE = "in another case"
    UNICODE = "in another Unicode form"
    IDNA = "with its domain written otherwise"
    URL = "URL-encoded"
    HTML = "HTML-escaped"
    JSON = "JSON-escaped"
    QUOTED = "quoted-printable"
    DIGITS = "its digits"
    BASE64 = "base64"
    HEX = "hex"
    MD5 = "MD5"
    SHA1 = "SHA-1"
    SHA256 = "SHA-256"


HASHES: Final[Mapping[Form, Callable[..., Any]]] = {
    Form.MD5: hashlib.md5,
    Form.SHA1: hashlib.sha1,
    Form.SHA256: hashlib.sha256,
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Identifiers:
    """What names one person uniquely, while their erasure is proved: held in memory, shown and stored nowhere.

    ``user_id`` says whose they are, and ``organizations`` where their text was looked through, so that a row of
    theirs can be told from another's.
    """

    user_id: UUID | None = None
    organizations: tuple[UUID, ...] = ()
    emails: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Identifiers(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # SECURITY: a pickle would be a copy, in a cache or a queue, of what is being erased.
        raise TypeError("identifiers stay in memory")

    @classmethod
    def typed(cls, lines: Iterable[str], *, user_id: UUID | None = None, organizations: Iterable[UUID] = ()) -> Self:
        """Read what somebody typed, one identifier a line: address, telephone number or username."""
        words = [word for line in lines if (word := line.strip())]
        phones = [word for word in words if PHONE.fullmatch(word) and len(_digits(word)) >= PHONE_LEAST]
        emails = [word for word in words if "@" in word]
        return cls(
            user_id=user_id,
            organizations=tuple(organizations),
            emails=tuple(emails),
            usernames=tuple(word for word in words if word not in emails and word not in phones),
            phones=tuple(phones),
        )

    @property
    def named(self) -> dict[Kind, tuple[str, ...]]:
        """Every identifier that can be looked for."""
        return {
            Kind.EMAIL: tuple(text for text in self.emails if text),
            Kind.USERNAME: tuple(text for text in self.usernames if len(text) >= USERNAME_LEAST),
            Kind.PHONE: tuple(text for text in self.phones if len(_digits(text)) >= PHONE_LEAST),
        }

    @property
    def too_short(self) -> int:
        """How many there are that cannot be looked for, because anything holds them."""
        given = {text for text in (*self.emails, *self.usernames, *self.phones) if text}
        return len(given.difference(*self.named.values()))


@dataclass(frozen=True, slots=True)
class Found:
    """Where something of whom was found: never what."""

    start: int
    end: int
    person: str
    kind: Kind
    form: Form


@dataclass(frozen=True, slots=True)
class _Disguise:
    """One pattern's meaning: whose, what, in which form, and the bytes that it stands for."""

    person: str
    kind: Kind
    form: Form
    pattern: bytes
    value: bytes
    shift: int = 0


class Matcher:
    """The search for some people, made once and used on many pieces of bytes.

    :param whole: whether pieces are text, in which an identifier stands between others' letters; in the bytes
        of a database's file values stand side by side, and only usernames must stand for themselves
    """

    def __init__(self, people: Mapping[str, Identifiers], *, whole: bool = True) -> None:
        self.whole = whole
        self._numbers: dict[bytes, list[tuple[str, bytes]]] = {}
        disguises: dict[bytes, list[_Disguise]] = {}
        for person, identifiers in people.items():
            for kind, texts in identifiers.named.items():
                for pattern, (form, value, shift) in _patterns(kind, texts).items():
                    disguise = _Disguise(person, kind, form, pattern, value, shift)
                    disguises.setdefault(pattern.lower(), []).append(disguise)
            for text in identifiers.named[Kind.PHONE]:
                self._learn_number(person, text)
        self._disguises = list(disguises.values())
        self._automaton = BytesAhoCorasick(disguises) if disguises else None

    def _learn_number(self, person: str, text: str) -> None:
        digits = _digits(text).encode()
        for number in (digits, b"00" + digits) if text.startswith("+") else (digits,):
            self._numbers.setdefault(number, []).append((person, text.encode()))

    def find(self, piece: bytes) -> Iterator[Found]:
        """Give everything that is in a piece, in the order in which it stands there."""
        if self._automaton is None:
            return
        for index, start, end in self._automaton.find_matches_as_indexes(piece.lower(), overlapping=True):
            for disguise in self._disguises[index]:
                if form := self._form(disguise, piece, start, end):
                    yield Found(start, end, disguise.person, disguise.kind, form)
        if self._numbers:
            yield from self._find_numbers(piece)

    def _form(self, disguise: _Disguise, piece: bytes, start: int, end: int) -> Form | None:
        """Say in which form it is there, ``None`` if it only looks so."""
        form = disguise.form
        if form in HASHES:
            return form if _same_digest(disguise.pattern, piece[start:end]) else None
        before, after = piece[max(start - CONTEXT, 0) : start], piece[end : end + CONTEXT]
        if form is Form.BASE64:
            whole = self.whole or disguise.kind is Kind.USERNAME
            good = piece[start:end] == disguise.pattern and _in_base64(disguise, before, after, whole=whole)
            return form if good else None
        if form is Form.HEX:
            return form if _in_hex(disguise, before, after, whole=self.whole) else None
        if (self.whole or disguise.kind is Kind.USERNAME) and not _stands_alone(disguise, before, after):
            return None
        return Form.CASE if form is Form.RAW and piece[start:end] != disguise.value else form

    def _find_numbers(self, piece: bytes) -> Iterator[Found]:
        """Find telephone numbers however they are grouped."""
        for run in DIGIT_RUN.finditer(piece):
            groups = list(DIGITS.finditer(piece, *run.span()))
            for first, group in enumerate(groups):
                number = b""
                for last in groups[first:]:
                    number += last[0]
                    for person, raw in self._numbers.get(number, ()):
                        start, end = group.start(), last.end()
                        plus = 1 if raw.startswith(b"+") else 0
                        if piece[start - plus : end] != raw:
                            yield Found(start, end, person, Kind.PHONE, Form.DIGITS)


def unpacked(value: bytes) -> Iterator[bytes]:
    """Give a value, and what it holds when its soft line breaks are taken out and what is compressed is inflated."""
    yield value
    if b"\n" in value and (joined := SOFT_BREAK.sub(b"", value)) != value:
        yield joined
    if b".eJ" in value:
        for match in DEFLATED.finditer(value):
            yield from _inflated(match[1])


def _inflated(text: bytes) -> Iterator[bytes]:
    try:
        packed = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        yield zlib.decompressobj().decompress(packed, INFLATED)
    except (binascii.Error, zlib.error):
        return


# --- every form ------------------------------------------------------------------------------
Pattern = tuple[Form, bytes, int]


def _patterns(kind: Kind, given: Iterable[str]) -> dict[bytes, Pattern]:
    """Give every pattern under which identifiers may be found, with the form and what it stands for.

    The first meaning of a pattern is the simplest, and counts.
    """
    patterns: dict[bytes, Pattern] = {}
    texts = {spelling: form for text in reversed([*given]) for spelling, form in _spellings(kind, text).items()}
    for text, form in sorted(texts.items(), key=lambda entry: entry[1] is not Form.RAW):
        bare = text.encode()
        patterns.setdefault(bare.lower(), (form, bare, 0))
        for escaped, writers in WRITERS.items():
            for writer in writers:
                patterns.setdefault(writer(text).encode().lower(), (escaped, bare, 0))
    for spelling in {word for text in texts for word in (text, text.lower(), text.casefold())}:
        value = spelling.encode()
        patterns.setdefault(value.hex().encode(), (Form.HEX, value, 0))
        for shift, pattern in _in_base64_forms(value):
            patterns.setdefault(pattern, (Form.BASE64, value, shift))
        for form, digest in HASHES.items():
            found = digest(value, usedforsecurity=False).digest()
            for pattern in (found.hex().encode(), found, *_alphabets(base64.b64encode(found).rstrip(b"="))):
                patterns.setdefault(pattern, (form, value, 0))
    return patterns


def _spellings(kind: Kind, text: str) -> dict[str, Form]:
    """Give what is the same identifier to people, each with the name of its form."""
    texts: dict[str, Form] = {text: Form.RAW}
    if kind is Kind.EMAIL:
        for domain in _domains(text.rpartition("@")[2]):
            texts.setdefault(f"{text.rpartition('@')[0]}@{domain}", Form.IDNA)
    for word in list(texts):
        for changed in (word.lower(), word.casefold(), word.upper()):
            texts.setdefault(changed, Form.CASE)
    for word in list(texts):
        for form in ("NFC", "NFD"):
            texts.setdefault(unicodedata.normalize(form, word), Form.UNICODE)
    return texts


def _domains(domain: str) -> Iterator[str]:
    for change in (idna.encode, idna.decode):
        try:
            changed = change(domain.lower())
        except (idna.IDNAError, UnicodeError):
            continue
        yield changed.decode() if isinstance(changed, bytes) else changed


def _html(special: str, write: Callable[[str], str]) -> Callable[[str], str]:
    def written(text: str) -> str:
        return "".join(write(letter) if letter in special or not letter.isascii() else letter for letter in text)

    return written


def _entity(letter: str) -> str:
    name = codepoint2name.get(ord(letter))
    return f"&{name};" if name else html.escape(letter)


def _json(more: str = "") -> Callable[[str], str]:
    def written(text: str) -> str:
        inner = json.dumps(text)[1:-1]
        return "".join(f"\\u{ord(letter):04x}" if letter in more else letter for letter in inner)

    return written


def _json_in_json(text: str) -> str:
    return json.dumps(json.dumps(text)[1:-1])[1:-1]


def _quoted(more: bytes) -> Callable[[str], str]:
    def written(text: str) -> str:
        return "".join(f"={byte:02X}" if byte in more or not 33 <= byte <= 126 else chr(byte) for byte in text.encode())

    return written


SYNTAX: Final = "&<>\"'"
PUNCTUATION: Final = SYNTAX + "@.+-_/=`!*"
WRITERS: Final[Mapping[Form, tuple[Callable[[str], str], ...]]] = {
    Form.URL: (
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="@"),
        lambda text: quote(text, safe="@+"),
        lambda text: quote(text, safe="+"),
        quote_plus,
    ),
    Form.JSON: (_json(), _json("+"), _json("+'&<>/"), _json("@"), _json("+@'&<>/"), _json_in_json),
    Form.HTML: (
        html.escape,
        _html(SYNTAX, _entity),
        *(
            _html(special, write)
            for special in ("", SYNTAX, SYNTAX + "@", PUNCTUATION)
            for write in (lambda letter: f"&#{ord(letter)};", lambda letter: f"&#x{ord(letter):x};")
        ),
        lambda text: html.escape(text).replace("@", "&commat;"),
    ),
    Form.QUOTED: (_quoted(b"="), _quoted(b"=@"), _quoted(b"=_"), _quoted(b"=_@")),
}


def _in_base64_forms(value: bytes) -> Iterator[tuple[int, bytes]]:
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + value).rstrip(b"=")
        # What shares a character with a neighbour's bits differs from place to place.
        core = encoded[-(-shift * 8 // 6) : (shift + len(value)) * 8 // 6]
        if len(core) < BASE64_CORE:
            if shift:
                continue
            core = encoded
        for pattern in _alphabets(core):
            yield shift, pattern


def _alphabets(encoded: bytes) -> Sequence[bytes]:
    return tuple(dict.fromkeys((encoded, encoded.translate(URL_SAFE))))


URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
STANDARD: Final = bytes.maketrans(b"-_", b"+/")


# --- whether it is what it looks like --------------------------------------------------------
def _same_digest(pattern: bytes, piece: bytes) -> bool:
    """Compare digests: hex in any case, base64 and bytes exactly."""
    return piece == pattern or (HEX_HEAD.fullmatch(pattern) is not None and piece.lower() == pattern)


def _stands_alone(disguise: _Disguise, before: bytes, after: bytes) -> bool:
    """Say whether no neighbour makes another identifier of it."""
    left, right = before.decode(errors="ignore"), after.decode(errors="ignore")
    in_url = disguise.form is Form.URL
    return _ends_before(left, disguise.kind, in_url=in_url) and _begins_after(right, disguise.kind, in_url=in_url)


def _ends_before(text: str, kind: Kind, *, in_url: bool = False) -> bool:
    if escape := ESCAPED_BEFORE.search(text):
        text = text[: escape.start()] + _unescaped(escape[0])
    if not text:
        return True
    if kind is Kind.USERNAME and text[-1] == "@":
        return False
    if text[-1] in JOINERS and not (in_url and text[-1] == "+"):
        return not (len(text) > 1 and _is_word(text[-2]))
    return not _is_word(text[-1])


def _begins_after(text: str, kind: Kind, *, in_url: bool = False) -> bool:
    if escape := ESCAPED_AFTER.match(text):
        text = _unescaped(escape[0]) + text[escape.end() :]
    if not text:
        return True
    joins = text[0] in JOINERS and not (in_url and text[0] == "+")
    if joins or (kind is Kind.USERNAME and text[0] == "@"):
        return not (len(text) > 1 and _is_word(text[1]))
    return not _is_word(text[0])


def _is_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter).startswith("M")


def _unescaped(escape: str) -> str:
    if escape.startswith("%"):
        return unquote(escape)
    if escape.startswith("\\u"):
        return UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), escape)
    if escape.startswith(("\\x", "=")):
        return chr(int(escape[-2:], 16))
    return "\n"


def _in_hex(disguise: _Disguise, before: bytes, after: bytes, *, whole: bool) -> bool:
    left, right = _tail(HEX_TAIL, before), _head(HEX_HEAD, after)
    if len(disguise.value) < HEX_BYTES:
        return not left and not right and not _is_letter(after[:1]) and not _is_letter(before[-1:].strip(b"x"))
    if not whole and disguise.kind is not Kind.USERNAME:
        return True
    left, right = left[len(left) % 2 :], right[: len(right) & ~1]
    return _stands_alone(disguise, bytes.fromhex(left.decode()), bytes.fromhex(right.decode()))


def _in_base64(disguise: _Disguise, before: bytes, after: bytes, *, whole: bool) -> bool:
    """Decode what stands around it, and look there whether it stands for itself."""
    is_token = not _is_letter(before[-1:]) and not _is_letter(after[:1])
    if is_token and not disguise.shift:
        return True
    if len(disguise.pattern) < BASE64_CORE:
        return False
    skipped = -(-disguise.shift * 8 // 6)
    left, right = _tail(BASE64_TAIL, before), _head(BASE64_HEAD, after)
    if len(left) < skipped:
        return False
    left = left[(len(left) - skipped) % 4 :]
    text = (left + disguise.pattern + right).translate(STANDARD)
    text = text[: len(text) - (len(text) % 4 == 1)]
    decoded = base64.b64decode(text + b"=" * (-len(text) % 4))
    start = (len(left) - skipped) // 4 * 3 + disguise.shift
    end = start + len(disguise.value)
    if decoded[start:end] != disguise.value:
        return False
    alone = not disguise.shift and not _is_letter(before[-1:])
    good_before = alone or _ends_before(decoded[:start].decode(errors="ignore"), disguise.kind)
    return not whole or (good_before and _begins_after(decoded[end:].decode(errors="ignore"), disguise.kind))


def _is_letter(byte: bytes) -> bool:
    return byte.isalnum()


def _tail(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    match = pattern.search(text)
    return match[0] if match else b""


def _head(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    match = pattern.match(text)
    return match[0] if match else b""


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isdigit())
