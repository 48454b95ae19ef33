"""Second factors: authenticator apps and passkeys as django-otp devices of our own, and recovery codes."""

import hashlib
import json
import re
import secrets
import time
from base64 import b32decode
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.models import Device
from django_otp.oath import TOTP

from accounts.actions import Action
from accounts.actors import Actor
from accounts.keys import key_mark, open_sealed, seal
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Organization

__all__ = ["MAILED_LIFE", "NO_CODE", "Factor", "FactorKind", "RecoveryCode", "has_second_factor"]

STEP: Final = 30
"""Seconds for which an app shows a code (RFC 6238)."""
DIGITS: Final = 6
CODE: Final = re.compile(r"[0-9]{6}")
MAILED_CODE: Final = re.compile(r"[0-9]{8}")
MAILED_DIGITS: Final = 8
"""Of a code by mail: 26 bits (ASVS 6.5.4 wants 20)."""
MAILED_LIFE: Final = timedelta(minutes=10)
"""How long a code by mail is good (ASVS 6.5.5)."""
NO_CODE: Final = {"bound": "", "until": 0, "code": ""}
"""What codes by mail hold while none is waited for."""
TOLERANCE: Final = 1
"""How many codes before and after the present one are taken: clocks differ."""


class FactorKind(StrEnum):
    """How somebody shows a second time who they are."""

    TOTP = "totp"
    EMAIL = "email"
    """Codes by mail: whoever reads the mailbox has them, so weaker than any other (NIST SP 800-63B-4, 3.1.3.1)."""
    PASSKEY = "passkey"


class FactorQuerySet(TenantQuerySet["Factor"]):
    """Second factors."""

    reading = Action.FACTOR_LIST

    def visible_to(self, actor: Actor) -> Self:
        """Keep one's own, and those of people whose factors one may list."""
        if actor.everything:
            return self.all()
        listed = Q(organization_id__in=actor.organizations_where(self.reading))
        return self.filter(listed | Q(user_id=actor.user_id)) if actor.user_id else self.filter(listed)

    def enrolled(self) -> Self:
        """Keep those that were shown to work."""
        return self.filter(confirmed=True)

    def by_code(self) -> Self:
        """Keep those that are shown by a code; a passkey signs."""
        return self.exclude(kind=FactorKind.PASSKEY)

    def passkeys(self) -> Self:
        """Keep the passkeys that were shown to work."""
        return self.enrolled().filter(kind=FactorKind.PASSKEY)

    def mailed(self) -> Self:
        """Keep codes by mail."""
        return self.filter(kind=FactorKind.EMAIL)

    def forget_code(self, user: Any) -> None:
        """Let the code that a person waits for be good for nothing any more."""
        for factor in self.mailed().filter(user=user):
            factor.held = NO_CODE
            factor.save(update_fields=["secret"])

    def sealed_before(self) -> Self:
        """Keep those whose secret was encrypted with an older key than the present one."""
        return self.exclude(secret__startswith=key_mark())


class Factor(Row, Device):  # type: ignore[misc]
    """One second factor of a person; codes are checked through ``django_otp.verify_token``, which holds the row.

    ``secret`` is encrypted, for this row alone (``accounts.keys.seal``), and holds JSON. Of an app: the ``key`` that it
    shares and the ``step`` of the last code that was used, which is not taken again. Of codes by mail: what the present
    one is ``bound`` to, ``until`` when it is good (in seconds), and the ``code`` itself once it is mailed. Of a
    passkey: the ``credential`` and its public ``key``, the ``count`` of signatures, whether it is ``backed_up``, and
    when that was ``asked_at`` which it answered last. ``credential`` is a digest, by which a passkey is found.
    """

    id = PrefixedIDField(prefix="fct")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in FactorKind])
    secret = models.TextField(editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    credential = models.CharField(max_length=64, null=True, unique=True, editable=False)

    objects = FactorQuerySet.as_manager()

    class Meta:
        verbose_name = "second factor"
        indexes = [
            models.Index(fields=["user", "created_at", "id"], name="factor_of_user"),
            models.Index(fields=["organization"], name="factor_of_organization"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def persistent_id(self) -> str:
        """How django-otp names the row: with a number."""
        return f"{self.model_label()}/{self.pk.int}"

    @property
    def subject(self) -> Any:
        """The person."""
        return self.user

    @property
    def is_mailed(self) -> bool:
        """Whether its codes come by mail."""
        return self.kind == FactorKind.EMAIL

    @property
    def held(self) -> dict[str, Any]:
        """What the secret holds."""
        opened: dict[str, Any] = json.loads(open_sealed(self._sealed_for, self.secret) or "{}")
        return opened

    @held.setter
    def held(self, content: dict[str, Any]) -> None:
        self.secret = seal(self._sealed_for, json.dumps(content))

    @property
    def _sealed_for(self) -> str:
        # SECURITY: a secret that is copied into another row opens nothing there.
        return f"factor {self.pk}"

    def verify_token(self, token: str) -> bool:
        """Say whether a code is right now, and use it up; ``django_otp.verify_token`` alone asks, and holds the row.

        :param token: the code; of one that was mailed, what it is bound to stands before it
        """
        if not (self._was_mailed(token) if self.is_mailed else self._is_shown(token)):
            return False
        self.last_used_at = timezone.now()
        self.save(update_fields=["secret", "last_used_at"])
        return True

    def _is_shown(self, token: str) -> bool:
        held = self.held
        if self.kind != FactorKind.TOTP or not CODE.fullmatch(token) or not held:
            return False
        totp = TOTP(b32decode(held["key"]), step=STEP, digits=DIGITS)
        totp.time = time.time()  # one moment for the whole comparison
        if not totp.verify(int(token), tolerance=TOLERANCE, min_t=held["step"] + 1):
            return False
        self.held = {**held, "step": totp.t()}
        return True

    def _was_mailed(self, token: str) -> bool:
        held, (bound, _, code) = self.held, token.rpartition(" ")
        if not MAILED_CODE.fullmatch(code) or not _is_waited_for(held):
            return False
        is_it: bool = constant_time_compare(f"{bound} {code}", f"{held['bound']} {held['code']}")
        if not is_it:
            return False
        self.held = NO_CODE
        return True

    def wait_for_code(self, bound: str) -> None:
        """Let the next code be good for one thing, for ten minutes; the one before is dead.

        :param bound: what for, without secrets in it
        """
        self.held = {"bound": bound, "until": int((timezone.now() + MAILED_LIFE).timestamp()), "code": ""}
        self.save(update_fields=["secret"])

    def fresh_code(self) -> str:
        """Make the code that is waited for, in the caller's transaction with the account locked; empty if none is."""
        held = self.held
        if not _is_waited_for(held):
            return ""
        code = f"{secrets.randbelow(10**MAILED_DIGITS):0{MAILED_DIGITS}d}"
        self.held = {**held, "code": code}
        self.save(update_fields=["secret"])
        return code


def _is_waited_for(held: dict[str, Any]) -> bool:
    until: int = held.get("until", 0)
    return timezone.now().timestamp() < until


def code_digest(code: str) -> str:
    """Hash a recovery code as it is stored: 120 bits from the system's generator need no slow hash (ASVS 6.5.2)."""
    return hashlib.sha256(code.encode()).hexdigest()


class RecoveryCodeQuerySet(models.QuerySet["RecoveryCode"]):
    """Recovery codes."""

    def left(self, user_id: UUID) -> int:
        """Count those that a person has not used."""
        return len(self.filter(user_id=user_id, used_at=None).values_list("pk"))

    def use(self, user_id: UUID, code: str, *, at: datetime) -> bool:
        """Use one up; of several at once, one is told yes."""
        unused = self.filter(user_id=user_id, code_hash=code_digest(code), used_at=None)
        return bool(unused.update(used_at=at))


class RecoveryCode(models.Model):
    """What opens the door once when the second factor is lost."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    objects = RecoveryCodeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


def has_second_factor(user: Any) -> bool:
    """Say whether a person has enrolled a second factor."""
    return bool(Factor.objects.enrolled().filter(user_id=user.pk).exists())
