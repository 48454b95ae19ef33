"""What people say about themselves: the OpenID Connect standard claims, checked before they are stored."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from accounts.errors import Invalid
from accounts.identifiers import text_refused

__all__ = ["line_checked", "profile_checked", "reason_checked", "tags_checked", "text_checked"]

LENGTHS: Mapping[str, int] = {
    "name": 200,
    "given_name": 100,
    "family_name": 100,
    "nickname": 100,
    "phone_number": 32,
    "locale": 35,
    "zoneinfo": 64,
    "picture": 500,
    "bio": 2000,
}
PHONE = re.compile(r"\+?[0-9][0-9 ().\-]{3,30}")
LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
TAG_LENGTH = 64
TAGS = 100
REASON_LENGTH = 500
LINE_BREAK = re.compile(r"[\n\r\u2028\u2029]")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", text)


def _is_zone(text: str) -> bool:
    return text in zoneinfo.available_timezones()


SHAPES: Mapping[str, tuple[Callable[[str], object], str]] = {
    "phone_number": (PHONE.fullmatch, "is not a telephone number like +44 20 7946 0018"),
    "locale": (LOCALE.fullmatch, "is not a language tag like en or pt-BR (BCP 47)"),
    "zoneinfo": (_is_zone, "is not a time zone like Europe/Berlin"),
    "picture": (_is_url, "is not an http or https address"),
}


def profile_checked(values: Mapping[str, str]) -> dict[str, str]:
    """Give profile fields as they are stored: NFC, trimmed, within their lengths and shapes.

    :raises Invalid: naming every field that is wrong, unknown ones included
    """
    problems: dict[str, str] = {}
    checked: dict[str, str] = {}
    for field, given in values.items():
        if field not in LENGTHS:
            problems[field] = "is not a field of the profile"
            continue
        text = unicodedata.normalize("NFC", given).strip()
        if problem := _field_problem(field, text):
            problems[field] = problem
        checked[field] = text
    if problems:
        raise Invalid("; ".join(f"{field} {problem}" for field, problem in problems.items()) + ".", fields=problems)
    return checked


def _field_problem(field: str, text: str) -> str | None:
    if problem := text_refused(text):
        return problem
    if len(text) > LENGTHS[field]:
        return f"is longer than {LENGTHS[field]} characters"
    if field != "bio" and LINE_BREAK.search(text):
        return "must be one line"
    matches, problem = SHAPES.get(field, (None, None))
    return problem if text and matches and not matches(text) else None


def text_checked(field: str, text: str, *, longest: int, thing: str = "") -> str:
    """Give a line of text as it is stored.

    :param thing: what it is called, where the input holds several
    :raises Invalid: if it is empty, too long or holds what cannot be stored
    """
    text = unicodedata.normalize("NFC", text).strip()
    problem = text_refused(text)
    if not text:
        problem = "must not be empty"
    elif len(text) > longest:
        problem = f"is longer than {longest} characters"
    elif LINE_BREAK.search(text):
        problem = "must be one line"
    if problem:
        raise Invalid(f"The {thing or field} {problem}.", fields={field: problem})
    return text


def reason_checked(reason: str) -> str:
    """Give the reason as it is stored; none is allowed.

    :raises Invalid: if it is longer than 500 characters or holds what cannot be stored
    """
    return line_checked("reason", reason, longest=REASON_LENGTH)


def line_checked(field: str, text: str, *, longest: int) -> str:
    """Give a line of text as it is stored; none is allowed.

    :raises Invalid: if it is too long or holds what cannot be stored
    """
    return text_checked(field, text, longest=longest) if text.strip() else ""


def tags_checked(tags: Iterable[str]) -> list[str]:
    """Give tags as they are stored: NFC, trimmed, each once, sorted. Spaces are allowed, commas are not.

    :raises Invalid: naming the tag that cannot be one
    """
    checked = sorted({text_checked("tags", tag, longest=TAG_LENGTH, thing="tag") for tag in tags})
    if with_comma := next((tag for tag in checked if "," in tag), None):
        raise Invalid(f"The tag {with_comma!r} contains a comma.", fields={"tags": "must not contain commas"})
    if len(checked) > TAGS:
        raise Invalid(f"More than {TAGS} tags.", fields={"tags": f"at most {TAGS}"})
    return checked
