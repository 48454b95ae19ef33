"""Second factors, and the codes that apps show."""

from base64 import b32decode, b32encode

from django.utils import timezone
from django_otp.oath import totp

from accounts.models import Factor, FactorKind, Organization, User
from accounts.models.factors import NO_CODE
from accounts.models.organizations import MailCodes

__all__ = ["code_of", "make_factor", "make_mail_factor", "shown_for", "wrong_code_of"]


def make_factor(user: User, *, key: str = "", confirmed: bool = True, **fields: object) -> Factor:
    """Give somebody an authenticator app.

    :param key: that the app shares; if not said, one of the person's own
    """
    factor = Factor(
        organization_id=user.organization_id, user=user, kind=FactorKind.TOTP, name="app", confirmed=confirmed, **fields
    )
    own = b32encode(f"{user.pk.int % 10**20:020d}".encode()).decode()
    factor.held = {"key": key or own, "step": -1}
    factor.save()
    return factor


def shown_for(key: str, *, shift: int = 0) -> str:
    """Give what an app with that key shows now, or so many seconds before or after."""
    return f"{totp(b32decode(key), 30, int(-shift)):06d}"


def code_of(factor: Factor, *, shift: int = 0) -> str:
    """Read the code that the app shows now, or so many seconds before or after."""
    return shown_for(factor.held["key"], shift=shift)


def wrong_code_of(factor: Factor) -> str:
    """Give six digits that the app shows neither now nor a moment before or after."""
    near = {int(code_of(factor, shift=shift)) for shift in (-60, -30, 0, 30, 60)}
    return f"{next(number for number in range(10) if number not in near):06d}"


def make_mail_factor(user: User, *, confirmed: bool = True) -> Factor:
    """Give somebody codes by mail: where they live those are allowed, and their address is confirmed."""
    Organization.objects.filter(pk=user.organization_id).update(mail_codes=MailCodes.ALLOWED)
    User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=timezone.now())
    factor = Factor(
        organization_id=user.organization_id, user=user, kind=FactorKind.EMAIL, name="mail", confirmed=confirmed
    )
    factor.held = NO_CODE
    factor.save()
    return factor
