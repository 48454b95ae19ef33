"""How people are told apart by what they type: e-mail addresses and usernames.

Both are stored as given and compared by a key, never by the database's own idea of case
(to PostgreSQL a dotless i upper-cases to the same letter as i, to SQLite it does not).
"""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from accounts import ids
from accounts.errors import Invalid

__all__ = ["domain_key", "email_key", "email_validated", "fold", "text_refused", "username_key", "username_validated"]

EMAIL_LENGTH = 254
LOCAL_OCTETS = 64
"""RFC 5321, 4.5.3.1.1; with it no key outgrows its column."""
USERNAME_LENGTH = 64
USERNAME = re.compile(r"[\w](?:[\w.\-+]*[\w])?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
CONFUSABLE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
"""Scripts whose letters look alike: no word of an identifier mixes them (Unicode TR 39, 5.1)."""

_email_shape = EmailValidator()


def text_refused(text: str) -> str | None:
    """Say why no database or terminal should be given this text, or ``None`` if it is fine."""
    if match := CONTROL.search(text):
        return f"contains the character U+{ord(match[0]):04X}, which is not allowed"
    return None


def fold(text: str) -> str:
    """Make a text comparable without regard to case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def email_key(email: str) -> str:
    """Give the form in which two spellings of one address are equal.

    Local part: NFC and casefolded. Domain: IDNA 2008 in lower case.

    :raises Invalid: if the text is not an address, or one made to look like another
    """
    return email_validated(email)[1]


def email_validated(email: str) -> tuple[str, str]:
    """Check an address and give it as it is stored, with its key.

    :raises Invalid: naming what is wrong; addresses whose NFKC form differs are refused, and so
        are letters that fold to ASCII ones (dotless i, long s, Kelvin sign), words that mix scripts
        which look alike, and quoted local parts (a second spelling of an unquoted one)
    """
    given = email.strip(" \t\r\n")
    email = unicodedata.normalize("NFC", given)
    if problem := _look_alike(given) or _email_problem(email):
        raise Invalid(f"The e-mail address {problem}.", fields={"email": problem})
    local, _, domain = email.rpartition("@")
    return email, f"{fold(local)}@{_domain_key(domain)}"


def _email_problem(email: str) -> str | None:  # noqa: PLR0911 -- one line, one reason
    if problem := text_refused(email):
        return problem
    if len(email) > EMAIL_LENGTH:
        return f"is longer than {EMAIL_LENGTH} characters"
    if unicodedata.normalize("NFKC", email) != email:
        return "uses characters that only look like others"
    local, _, domain = email.rpartition("@")
    if any(unicodedata.category(character) in FORBIDDEN_CATEGORIES for character in local):
        return "contains an invisible character or a space"
    if '"' in local:
        return "has a quoted part before the @; write it without quotes"
    if len(local.encode()) > LOCAL_OCTETS:
        return f"has more than {LOCAL_OCTETS} bytes before the @"
    try:
        _email_shape(f"{_ascii_stand_in(local)}@{_domain_key(domain)}")
    except (ValidationError, idna.IDNAError, UnicodeError):
        return "is not valid"
    return None


def domain_key(domain: str) -> str:
    """Give a domain as addresses in it are compared: IDNA 2008, lower case.

    :raises Invalid: if it is not a domain
    """
    try:
        return _domain_key(unicodedata.normalize("NFC", domain))
    except (idna.IDNAError, UnicodeError):
        raise Invalid("The domain is not one.", fields={"email_domain": "is not a domain"}) from None


def _domain_key(domain: str) -> str:
    # SECURITY: without UTS 46, whose mapping lets invisible characters vanish.
    return idna.encode(domain.lower()).decode().lower()


def _look_alike(text: str) -> str | None:
    """Say why a text could pass for another one; asked before NFC, which makes a K of the Kelvin sign."""
    if any(ord(character) > 127 and _ascii_twin(character) for character in text):
        return "uses a letter that folds to an ASCII one"
    if any(len(_scripts(word) & CONFUSABLE_SCRIPTS) > 1 for word in re.split(r"[@.]", text)):
        return "mixes letters of several scripts that look alike"
    return None


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(character, "").partition(" ")[0] for character in word if character.isalpha()}


def _ascii_twin(character: str) -> bool:
    forms = (character.upper(), character.lower(), character.casefold(), unicodedata.normalize("NFC", character))
    return any(form.isascii() for form in forms)


def _ascii_stand_in(local: str) -> str:
    """Internationalized local parts (RFC 6531) have the shape of ASCII ones."""
    return "".join(character if character.isascii() else "x" for character in local)


def username_key(username: str) -> str:
    """Give the form in which two spellings of one username are equal."""
    return fold(username)


def username_validated(username: str) -> tuple[str, str]:
    """Check a username and give it as it is stored, with its key.

    A username holds no ``@`` and does not parse as an id, so that ``USER`` is never ambiguous.

    :raises Invalid: naming what is wrong
    """
    given = username
    username = unicodedata.normalize("NFC", given)
    problem = None
    if not username or len(username) > USERNAME_LENGTH:
        problem = f"must have 1 to {USERNAME_LENGTH} characters"
    elif text_refused(username) or unicodedata.normalize("NFKC", username) != username:
        problem = "uses characters that are not allowed or only look like others"
    elif not USERNAME.fullmatch(username):
        problem = "may hold letters, digits, '_', '.', '-' and '+', and begins and ends with a letter or digit"
    elif look_alike := _look_alike(given):
        problem = look_alike
    elif ids.looks_like_id(username):
        problem = "must not look like an id"
    if problem:
        raise Invalid(f"The username {problem}.", fields={"username": problem})
    return username, username_key(username)
