"""The filters of the user list: the same words on the command, in ``--query`` and in the API."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from django.db.models import Q

from accounts import ids
from accounts.actors import ActorKind
from accounts.claims import claim_filter
from accounts.errors import Invalid
from accounts.identifiers import domain_key, text_refused
from accounts.models import ClaimKey, Role, RoleAssignment
from accounts.models.audit import AuditEventQuerySet
from accounts.models.users import UserQuerySet
from accounts.pagination import Order
from accounts.statuses import ALIASES, Status
from accounts.times import as_start

__all__ = ["AUDIT_ORDERS", "USER_ORDERS", "AuditFilter", "UserFilter", "statuses_named"]

USER_ORDERS: Final = {
    "created_at": Order("created_at"),
    "email": Order("email_key", nullable=True),
    "username": Order("username_key", nullable=True),
    "name": Order("name_key"),
    "last_sign_in_at": Order("last_sign_in_at", nullable=True),
}
AUDIT_ORDERS: Final = {"occurred_at": Order("occurred_at")}
LONGEST = 200


def statuses_named(text: str) -> tuple[tuple[Status, ...] | None, bool]:
    """Read ``--status``: status words, ``unverified``, ``all``, and words of other systems.

    Gives the statuses (``None``: what a list shows by itself) and whether only unverified are wanted.

    :raises Invalid: for any other word
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    unverified = "unverified" in words
    named: set[Status] = set()
    for word in words:
        if word == "all":
            named.update(Status)
        elif word in ALIASES:
            named.add(ALIASES[word])
        elif word in set(Status):
            named.add(Status(word))
        elif word != "unverified":
            raise Invalid(
                f"There is no status {word!r}.",
                remedy=f"One of: {', '.join(Status)}, unverified, all.",
                fields={"status": "unknown"},
            )
    return (tuple(sorted(named)) or None), unverified


def _flag(text: str) -> bool:
    if text not in {"true", "false", "1", "0", ""}:
        raise Invalid(f"{text!r} is neither true nor false.")
    return text in {"true", "1", ""}


@dataclass(frozen=True, kw_only=True)
class UserFilter:
    """Which users are wanted; what is empty does not narrow."""

    status: str = ""
    search: str = ""
    role: str = ""
    tag: str = ""
    claim: str = ""
    email_domain: str = ""
    unverified: bool = False
    never_signed_in: bool = False
    inactive_since: datetime | None = None

    @classmethod
    def parse(cls, query: str) -> "UserFilter":
        """Read a query string, ``status=active&tag=x``.

        :raises Invalid: for an unknown word, one given twice, or a value that is none
        """
        try:
            pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, strict_parsing=bool(query))
        except ValueError:
            raise Invalid("The query is not of the form status=active&tag=x.", fields={"query": "unreadable"}) from None
        values = {key.replace("-", "_"): value for key, value in pairs}
        if len(values) != len(pairs):
            raise Invalid("The query names a filter twice.", fields={"query": "a filter is named twice"})
        return cls.build(values)

    @classmethod
    def build(cls, values: Mapping[str, Any]) -> "UserFilter":
        """Make a filter of words and values.

        :raises Invalid: for an unknown word, or a value that is none
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise Invalid(
                f"There is no filter {unknown[0]!r}.",
                remedy=f"One of: {', '.join(sorted(known))}.",
                fields={unknown[0]: "is not a filter"},
            )
        readers: Mapping[str, Callable[[str], Any]] = {
            "unverified": _flag,
            "never_signed_in": _flag,
            "inactive_since": lambda text: as_start(text, field="inactive_since"),
        }
        read = {
            key: readers[key](value) if key in readers and isinstance(value, str) else value
            for key, value in values.items()
            if value is not None
        }
        return cls(**read).checked()

    def checked(self) -> "UserFilter":
        """Give the filter back if every word of it can be looked for.

        :raises Invalid: naming the one that cannot
        """
        for name in ("status", "search", "role", "tag", "claim", "email_domain"):
            text = getattr(self, name)
            problem = text_refused(text) or (f"is longer than {LONGEST} characters" if len(text) > LONGEST else None)
            if problem:
                raise Invalid(f"The filter {name} {problem}.", fields={name: problem})
        statuses_named(self.status)
        if self.claim:
            claim_filter(self.claim)
        if self.email_domain and not re.fullmatch(r"@?[\w.\-]+", self.email_domain):
            raise Invalid("The domain is not one.", fields={"email_domain": "is not a domain"})
        domain = self.email_domain.removeprefix("@")
        return replace(self, email_domain=domain_key(domain) if domain else "")

    @property
    def is_empty(self) -> bool:
        """Whether it narrows nothing."""
        return self == UserFilter()

    @property
    def scope(self) -> str:
        """The filter as one text: what a cursor is bound to."""
        return repr(self)

    def apply(self, users: UserQuerySet) -> UserQuerySet:
        """Narrow a list of users."""
        statuses, unverified = statuses_named(self.status)
        users = users.listed() if statuses is None else users.in_status(statuses)
        if unverified or self.unverified:
            users = users.filter(email_verified_at=None)
        if self.search:
            users = users.matching(self.search)
        if self.role:
            named = Role.objects.named(self.role).values("pk")
            with_role = RoleAssignment.objects.live().at_home().filter(role__in=named)
            users = users.filter(pk__in=with_role.values("membership__user_id"))
        if self.tag:
            users = users.filter(tags__name=self.tag)
        if self.claim:
            application, name, keys = claim_filter(self.claim)
            found = ClaimKey.objects.holding(application=application, name=name, keys=keys)
            users = users.filter(pk__in=found.values("user_id"))
        if self.email_domain:
            users = users.with_email_domain(self.email_domain)
        if self.never_signed_in:
            users = users.filter(last_sign_in_at=None)
        if self.inactive_since:
            silent = Q(last_sign_in_at__lt=self.inactive_since)
            users = users.filter(silent | Q(last_sign_in_at=None, created_at__lt=self.inactive_since))
        return users


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which events are wanted; what is empty does not narrow."""

    actor: str = ""
    subject_id: UUID | None = None
    action: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def scope(self) -> str:
        """The filter as one text: what a cursor is bound to."""
        return repr(self)

    def apply(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        """Narrow a list of events.

        :raises Invalid: if the actor is neither an id nor a kind of principal
        """
        if self.actor:
            events = self._by(events)
        if self.subject_id:
            events = events.about(self.subject_id)
        if self.action:
            events = events.filter(action=self.action)
        if self.outcome:
            events = events.filter(outcome=self.outcome)
        if self.since:
            events = events.filter(occurred_at__gte=self.since)
        return events.filter(occurred_at__lt=self.until) if self.until else events

    def _by(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        if self.actor in {ActorKind.OPERATOR, ActorKind.SYSTEM, ActorKind.ANONYMOUS}:
            return events.filter(actor_kind=self.actor)
        for prefix in ("usr", "key"):
            if (identifier := ids.decode(prefix, self.actor)) is not None:
                return events.by(identifier)
        raise Invalid(
            f"{self.actor!r} is no actor.",
            remedy="An id (usr_…, key_…), or one of operator, system, anonymous.",
            fields={"actor": "is no actor"},
        )
