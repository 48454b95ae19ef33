"""Letters: one entry each, drawn from one template in the person's language, sent by the worker.

A letter is written once, as blocks; ``base.html`` and ``base.txt`` make HTML and text of it. What is true at the
moment of sending decides: a letter that says what is no longer so is void, and is not sent.
"""

import re
import smtplib
import ssl
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template import Context
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.errors import AccountsError, Invalid
from accounts.identifiers import email_key
from accounts.models import EmailChange, Invite, Outbox, Session, User
from accounts.statuses import Status

__all__ = [
    "LANGUAGES",
    "LETTERS",
    "Failure",
    "Letter",
    "NotSent",
    "Rendered",
    "failure_of",
    "guard_true",
    "preview",
    "send",
]

LANGUAGES: Final = ("en", "de")
"""The languages that letters are complete in, the usual one first."""
WORDS: Final = 200
"""How much is kept of what a mail server says."""
WIDTH: Final = 72
UNUSED: Final = (Status.RESTRICTED, Status.PURGING, Status.PURGED)
"""Nothing is sent to these, whatever the letter says."""
SPACES: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
ADDRESS: Final = re.compile(r"\S*@\S*")
FAILURES: Final[Mapping[type[Exception], str]] = {
    TimeoutError: "the mail server did not answer in time",
    smtplib.SMTPServerDisconnected: "the mail server broke off",
    smtplib.SMTPNotSupportedError: "the mail server does not offer what is asked of it (STARTTLS, a way to sign in)",
    OSError: "the mail server cannot be reached",
}
"""What went wrong before the server said anything, the narrower first."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter.

    ``purpose`` is that of the one-time link in it, which is minted when it is sent; ``page`` the page it leads to
    if it has none; ``has_code`` says that it carries a code, made then too. Only people of these ``statuses`` get it
    (all, if none is named). ``to_present_address`` says that it is void once the person has another address;
    ``until_confirmed`` once they have shown that it is theirs.
    ``until`` gives the moment that it announces, ``None`` once nothing is to happen any more, and it is void.
    """

    kind: str
    title: str
    purpose: str = ""
    page: str = ""
    has_code: bool = False
    statuses: tuple[Status, ...] = ()
    to_present_address: bool = False
    until_confirmed: bool = False
    until: Callable[[User], datetime | None] | None = None


LETTERS: Final[dict[str, Letter]] = {
    letter.kind: letter
    for letter in (
        Letter(kind="welcome", title="Welcome", purpose="welcome", statuses=(Status.ACTIVE,), to_present_address=True),
        Letter(
            kind="confirm_email",
            title="Confirm the address",
            purpose="email_confirm",
            statuses=(Status.ACTIVE,),
            to_present_address=True,
            until_confirmed=True,
        ),
        Letter(
            kind="email_change",
            title="Confirm the new address",
            purpose="email_change",
            statuses=(Status.ACTIVE,),
        ),
        Letter(kind="invite", title="Invite", purpose="invite", statuses=(Status.INVITED,), to_present_address=True),
        Letter(kind="joined", title="Welcome, after an invite", page="sign-in", statuses=(Status.ACTIVE,)),
        Letter(
            kind="has_account",
            title="An account is there already",
            page="sign-in",
            statuses=(Status.ACTIVE,),
            to_present_address=True,
        ),
        Letter(kind="email_changed", title="Address changed, to the one before"),
        Letter(
            kind="password_reset",
            title="Choose a new password",
            purpose="password_reset",
            statuses=(Status.ACTIVE,),
            to_present_address=True,
        ),
        Letter(kind="password_changed", title="Password changed", page="password-reset"),
        Letter(kind="account_suspended", title="Account suspended", statuses=(Status.SUSPENDED,)),
        Letter(kind="account_locked", title="Account locked", statuses=(Status.LOCKED,)),
        Letter(kind="factor_added", title="Second factor enrolled", page="account-two-factor"),
        Letter(kind="factor_removed", title="Second factor taken away", page="account-two-factor"),
        Letter(
            kind="mail_code",
            title="Code to sign in",
            has_code=True,
            statuses=(Status.ACTIVE,),
            to_present_address=True,
        ),
        Letter(kind="recovery_codes", title="New recovery codes", page="account-two-factor"),
        Letter(kind="passkey_copied", title="A passkey may have been copied", page="account-two-factor"),
        Letter(kind="recovery_code_used", title="Signed in with a recovery code", page="account-two-factor"),
        Letter(kind="new_sign_in", title="Sign-in from a new device", page="password-reset"),
    )
}
"""Every letter by the word that the outbox keeps; the archive adds its own."""


class Rendered(NamedTuple):
    """A letter as it is read."""

    subject: str
    text: str
    html: str


class Failure(NamedTuple):
    """Why a letter did not go out, and whether trying again is of no use."""

    why: str
    is_final: bool


# --- whether it is still true ----------------------------------------------------------------
class NotSent(Exception):
    """Why a letter is not to be sent any more: what it says is no longer so."""


def guard_true(letter: Letter, user: User, address: str) -> None:
    """Refuse a letter that says what is no longer so.

    :raises NotSent: saying why
    """
    status = user.current_status
    if status in UNUSED or (letter.statuses and status not in letter.statuses):
        raise NotSent(f"the account is {status}")
    if letter.to_present_address and _key(address) != user.email_key:
        raise NotSent("the account has another address by now")
    if letter.until_confirmed and user.email_verified:
        raise NotSent("the address is confirmed already")
    if letter.kind == "email_change" and not _is_waited_for(user, address):
        raise NotSent("the change of address is over")
    if letter.until and letter.until(user) is None:
        raise NotSent("what it announces was called off")
    if letter.kind == "invite" and _invite(user) is None:
        raise NotSent("the invite is over")


def _is_waited_for(user: User, address: str) -> bool:
    return EmailChange.objects.live().filter(user=user, email_key=_key(address)).exists()


def _key(address: str) -> str:
    with suppress(Invalid):
        return email_key(address)
    return ""


# --- how it reads ----------------------------------------------------------------------------
def preview(letter: Letter, user: User) -> Rendered:
    """Draw a letter as it would be sent now, without sending it: what stands for a link or a code opens nothing."""
    page = "invite" if letter.kind == "invite" else "link"
    secret = f"{settings.PUBLIC_URL}/{page}/…" if letter.purpose else "…"
    return rendered(letter, user, address=user.email or "", at=timezone.now(), secret=secret)


def rendered(letter: Letter, user: User, *, address: str, at: datetime, secret: str) -> Rendered:
    """Draw a letter in the person's language; of whom none is known, in their organization's.

    :param at: when that happened which it tells of
    :param secret: the one-time link or the code, for a letter that has one
    """
    language = _language(user)
    until = letter.until(user) if letter.until else user.status_until
    with translation.override(language):
        context = {
            "language": language,
            "name": _line(user.display_name),
            "organization": _line(user.organization.name),
            "address": address,
            "when": _moment(at, user),
            "until": _moment(until, user) if until else "",
            # SECURITY: the configured address, whatever Host header made the letter.
            "code": secret if letter.has_code else "",
            "link": secret if letter.purpose else (settings.PUBLIC_URL + reverse(letter.page) if letter.page else ""),
            "public_url": settings.PUBLIC_URL,
            "is_answered": bool(settings.EMAIL_REPLY_TO),
            **(_sign_in(user, at) if letter.kind == "new_sign_in" else {}),
            **(_invited(user) if letter.kind == "invite" else {}),
        }
        subject = _line(f"{context['organization']}: {_drawn(letter, 'subject.txt', context)}")
        text = _wrapped(_drawn(letter, "base.txt", context))
        html = _drawn(letter, "base.html", {**context, "subject": subject}, is_html=True)
    return Rendered(subject, text, html.strip() + "\n")


def _drawn(letter: Letter, base: str, context: Mapping[str, Any], *, is_html: bool = False) -> str:
    template: Any = get_template(f"accounts/letters/{letter.kind}.html")
    base = f"accounts/letters/{base}"
    drawn: str = template.template.render(Context({**context, "base": base}, autoescape=is_html))
    return drawn


def _language(user: User) -> str:
    word = re.split(r"[-_]", (user.locale or user.organization.language).lower(), maxsplit=1)[0]
    return word if word in LANGUAGES else LANGUAGES[0]


def _line(text: str) -> str:
    """Give a text as one line: what stands in a header or a greeting cannot begin another."""
    return SPACES.sub(" ", text).strip()


def _moment(at: datetime, user: User) -> str:
    zone: Any = timezone.get_default_timezone()
    if user.zoneinfo:
        with suppress(ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo(user.zoneinfo)
    local = timezone.localtime(at, zone)
    return f"{date_format(local, 'DATETIME_FORMAT')} ({local.tzname()})"


def _sign_in(user: User, at: datetime) -> dict[str, str]:
    """Say where it was: the session that was opened when the letter was written."""
    session = Session.objects.own().filter(user=user, created_at__lte=at).order_by("-created_at", "-pk").first()
    return {"device": _line(session.device) if session else "", "ip": (session.ip if session else "") or ""}


def _invite(user: User) -> Invite | None:
    return Invite.objects.pending().filter(user=user).order_by("-created_at", "-pk").first()


def _invited(user: User) -> dict[str, str]:
    """Say who invites, what they write, and until when it is good."""
    invite = _invite(user)
    if invite is None:
        return {}
    inviter = User.objects.filter(pk=invite.invited_by).first() if invite.invited_by else None
    return {
        "inviter": _line(inviter.display_name) if inviter else "",
        "message": invite.message,
        "until": _moment(invite.expires_at, user),
    }


def _wrapped(text: str) -> str:
    """Break lines as letters have them; an address on the web stays whole."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    lines = [[line.strip() for line in paragraph.splitlines() if line.strip()] for paragraph in paragraphs]
    return "\n\n".join("\n".join(map(_broken, paragraph)) for paragraph in lines if paragraph) + "\n"


def _broken(line: str) -> str:
    return line if "://" in line else textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)


# --- how it goes out -------------------------------------------------------------------------
class LetterMessage(EmailMultiAlternatives):
    """A message that knows whose it is, for where messages lie as files."""

    person_id: Any = None


def send(row: Outbox, *, secret: str) -> None:
    """Hand a letter to the mail server; when this returns, the server has taken it.

    :raises Exception: whatever the server or the way to it does; ``failure_of`` reads it
    """
    letter = LETTERS[row.kind]
    drawn = rendered(letter, row.user, address=row.address, at=row.created_at, secret=secret)
    host = urlsplit(settings.PUBLIC_URL).hostname
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    message = LetterMessage(
        drawn.subject,
        drawn.text,
        formataddr((_line(row.organization.name), sender)),
        [row.address],
        reply_to=[settings.EMAIL_REPLY_TO] if settings.EMAIL_REPLY_TO else None,
        headers={
            # Of each attempt its own: the link of the one before is dead, and a mailbox shows one of two alike.
            "Message-ID": f"<{row.public_id}.{row.attempts + 1}@{host}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notes in answer
            "X-Auto-Response-Suppress": "All",
        },
    )
    message.attach_alternative(drawn.html, "text/html")
    message.person_id = row.user_id
    connection = get_connection()
    try:
        connection.send_messages([message])
    except Exception:
        with suppress(Exception):  # what was begun is left open where it fails before the message
            connection.close()
        raise


def failure_of(error: Exception, address: str) -> Failure:
    """Say what went wrong in the server's words, as far as they name nobody."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return Failure(_told(code, words, address), is_final=code >= 500)
    if isinstance(error, smtplib.SMTPResponseException):
        told = _told(error.smtp_code, error.smtp_error, address)
        return Failure(told, is_final=isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(f"the mail server's certificate: {error.verify_message}"[:WORDS], is_final=False)
    if isinstance(error, AccountsError):
        return Failure(error.message, is_final=False)
    known = next((words for kind, words in FAILURES.items() if isinstance(error, kind)), "")
    return Failure(known or type(error).__name__, is_final=False)


def _told(code: int, words: bytes | str, address: str) -> str:
    """Give a server's answer without the address that it may repeat."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    text = ADDRESS.sub("[address]", _line(text))
    for part in address.rsplit("@", 1):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "[address]", text, flags=re.IGNORECASE) if part else text
    return f"{code} {text}"[:WORDS]
