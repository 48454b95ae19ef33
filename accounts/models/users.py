"""User accounts: owned by exactly one organization, found by e-mail or username inside it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, models
from django.db.models import Case, IntegerField, Prefetch, Q, When
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotFound
from accounts.identifiers import email_key, email_validated, fold, text_refused, username_key, username_validated
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.installation import Installation
from accounts.models.organizations import Organization
from accounts.models.roles import RoleAssignment
from accounts.statuses import HIDDEN, Status

__all__ = ["PROFILE_FIELDS", "User", "UserSearch", "UserTag"]

PROFILE_FIELDS = (
    "name",
    "given_name",
    "family_name",
    "nickname",
    "phone_number",
    "locale",
    "zoneinfo",
    "picture",
    "bio",
)
"""What a person says about themselves (OpenID Connect standard claims, and ``bio``)."""

NAME_KEY = 400
TRIGRAM = 3
SEPARATOR = "\n\n"
NOBODY = UUID(int=0)
Facts = tuple[bool, frozenset[UUID]]


class UserQuerySet(TenantQuerySet["User"]):
    """Users."""

    reading = Action.USER_SHOW

    def visible_to(self, actor: Actor) -> Self:
        """Keep the accounts that exist for this actor: their own, and those of homes they may read."""
        if actor.everything:
            return self.all()
        homes = Q(organization_id__in=actor.organizations_where(self.reading))
        return self.filter(homes | Q(pk=actor.user_id)) if actor.user_id else self.filter(homes)

    def live(self, *, at: datetime | None = None) -> Self:
        """Keep those who may sign in: active, or locked until a moment that has passed."""
        return self.in_status([Status.ACTIVE], at=at)

    def in_status(self, statuses: Iterable[Status], *, at: datetime | None = None) -> Self:
        """Keep those whose status is, as judged now, one of these."""
        at = at or timezone.now()
        wanted = set(statuses)
        if Status.ACTIVE in wanted:
            return self.filter(Q(status__in=sorted(wanted)) | Q(status=Status.LOCKED, status_until__lte=at))
        # That they are not active is said in the words of the index of those few.
        few = self.filter(status__in=sorted(wanted)).exclude(status=Status.ACTIVE)
        return few.filter(~Q(status=Status.LOCKED) | Q(status_until=None) | Q(status_until__gt=at))

    def listed(self) -> Self:
        """Keep those that a list shows unless it is asked for more."""
        return self.exclude(status__in=HIDDEN)

    def plain_members(self) -> Self:
        """Leave out owners, admins and moderators of their home, and super-users."""
        at_home = RoleAssignment.objects.live().at_home()
        leading = at_home.filter(role__organization=None, role__slug__in=["owner", "admin", "moderator"])
        return self.filter(is_superuser=False).exclude(pk__in=leading.values("membership__user_id"))

    def matching(self, text: str) -> Self:
        """Keep those whose e-mail, name or username holds the text, or whose id it is.

        Along the trigram index; under three letters what begins with the text.
        """
        if ids.looks_like_id(text):
            return self.filter(pk=ids.decode("usr", text) or NOBODY)
        needle = fold(text)
        if len(needle) < TRIGRAM:
            needle = f"{SEPARATOR}{needle}"
        return self.filter(pk__in=UserSearch.objects.holding(needle).values("user_id"))

    def with_email_domain(self, domain: str) -> Self:
        """Keep those with an address in the domain (not its sub-domains)."""
        suffix = f"@{domain}"
        found = UserSearch.objects.holding(f"{suffix}{SEPARATOR}").values("user_id")
        return self.filter(pk__in=found, email_key__endswith=suffix)

    def ranked(self, text: str) -> Self:
        """Say how well each fits: 0 the identifier itself, 1 begins with the text, 2 holds it."""
        needle = fold(text)
        exact = Q(email_key=needle) | Q(username_key=needle)
        begins = Q(email_key__startswith=needle) | Q(username_key__startswith=needle) | Q(name_key__startswith=needle)
        return self.annotate(
            rank=Case(When(exact, then=0), When(begins, then=1), default=2, output_field=IntegerField())
        )

    def with_shown(self) -> Self:
        """Fetch what a list shows of each along with it, in a fixed number of queries."""
        return self.select_related("organization").prefetch_related(
            "tags",
            Prefetch("memberships__assignments", RoleAssignment.objects.with_shown()),
            "memberships__organization",
        )

    def named(self, text: str, *, organization_id: UUID) -> Self:
        """Keep the one whom ``USER`` names in an organization: by id, e-mail or username.

        One look-up on a unique index; what cannot be an identifier names nobody.

        :raises Invalid: for what has an ``@`` and is no address
        """
        home = self.filter(organization_id=organization_id)
        if text_refused(text):
            return self.none()
        if ids.looks_like_id(text):
            identifier = ids.decode("usr", text)
            return home.filter(pk=identifier) if identifier else self.none()
        if "@" in text:
            return home.filter(email_key=email_key(text))
        return home.filter(username_key=username_key(text))

    def locked(self, user: "User", *, also: UUID | None = None) -> "User":
        """Hold an account's row, and before it the rows that guard it, in the one lock order.

        :param also: one more organization to hold, because the verb is about the two together
        :raises NotFound: if the account is gone
        :raises Conflict: if what guards it changed while the locks were taken
        """
        held = self.all_locked([user.pk], also=[also] if also else [])
        if user.pk not in held:
            raise NotFound("User not found.")
        return held[user.pk]

    def all_locked(self, user_ids: Iterable[UUID], *, also: Iterable[UUID] = ()) -> dict[UUID, "User"]:
        """Hold several accounts, and before them what guards any of them; gives those that are there, by id.

        Installation (for a super-user), the home organizations and every organization that one of them
        owns, the users by id. The head of the audit chain comes last, from ``audit.record``. Whoever needs
        two of these takes them in one call: two calls would be out of order.

        :param also: more organizations to hold, because the verb is about all of them together
        :raises NotFound: if one of those organizations is gone
        :raises Conflict: if what guards an account changed while the locks were taken
        """
        facts = self._guards(user_ids)
        if any(is_superuser for is_superuser, _ in facts.values()):
            Installation.objects.locked()
        Organization.objects.locked(*{place for _, places in facts.values() for place in places}, *also)
        rows = self.select_related("organization").select_for_update(of=("self",), no_key=True)
        held = {row.pk: row for row in rows.filter(pk__in=list(facts)).order_by("pk")}
        if self._guards(held) != {user_id: facts[user_id] for user_id in held}:
            raise Conflict("The account was changed at the same moment.", remedy="Try again.")
        return held

    def erased(self, user_id: UUID) -> bool:
        """Hold one account's row alone, for what is noted beside it; says whether it is being erased or has been.

        Nothing that stands before it in the lock order may be held after this.
        """
        row = self.select_for_update(of=("self",), no_key=True).filter(pk=user_id).values_list("status", flat=True)
        return row.first() in {Status.PURGING, Status.PURGED}

    def _guards(self, user_ids: Iterable[UUID]) -> dict[UUID, Facts]:
        """Say of each whether it is a super-user, and which organizations stand before it in the lock order."""
        rows = self.filter(pk__in=list(user_ids)).values_list("pk", "is_superuser", "organization_id")
        found = {user_id: (is_superuser, {home}) for user_id, is_superuser, home in rows}
        owned = RoleAssignment.objects.filter(
            membership__user_id__in=list(found), role__organization=None, role__slug="owner"
        )
        for user_id, place in owned.values_list("membership__user_id", "organization_id"):
            found[user_id][1].add(place)
        return {user_id: (is_superuser, frozenset(places)) for user_id, (is_superuser, places) in found.items()}


class User(AbstractBaseUser, Row):
    """A person's account."""

    id = PrefixedIDField(prefix="usr")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="users")

    email = models.CharField(max_length=254, null=True)
    email_key = models.CharField(max_length=320, null=True, editable=False)
    email_verified_at = models.DateTimeField(null=True)
    username = models.CharField(max_length=64, null=True)
    username_key = models.CharField(max_length=128, null=True, editable=False)

    name = models.CharField(max_length=200, blank=True)
    given_name = models.CharField(max_length=100, blank=True)
    family_name = models.CharField(max_length=100, blank=True)
    nickname = models.CharField(max_length=100, blank=True)
    name_key = models.CharField(max_length=NAME_KEY, blank=True, editable=False)
    phone_number = models.CharField(max_length=32, blank=True)
    locale = models.CharField(max_length=35, blank=True)
    zoneinfo = models.CharField(max_length=64, blank=True)
    picture = models.CharField(max_length=500, blank=True)
    bio = models.CharField(max_length=2000, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    status = models.CharField(max_length=10, choices=[(s, s) for s in Status], default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True)
    status_until = models.DateTimeField(null=True)
    status_before = models.CharField(max_length=10, blank=True)
    is_superuser = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    must_enrol = models.BooleanField(default=False)
    last_sign_in_at = models.DateTimeField(null=True)
    last_login = None
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = UserQuerySet.as_manager()

    USERNAME_FIELD = "id"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "email_key"], name="user_email_once"),
            models.UniqueConstraint(fields=["organization", "username_key"], name="user_username_once"),
            models.CheckConstraint(name="user_status", condition=Q(status__in=list(Status))),
            models.CheckConstraint(
                name="user_email_unless_purged",
                condition=Q(status=Status.PURGED, email=None, email_key=None, username=None, username_key=None)
                | (~Q(status=Status.PURGED) & Q(email__isnull=False, email_key__isnull=False)),
            ),
            models.CheckConstraint(
                name="user_username_has_key",
                condition=Q(username=None, username_key=None) | Q(username__isnull=False, username_key__isnull=False),
            ),
            models.CheckConstraint(name="user_username_no_at", condition=Q(username=None) | ~Q(username__contains="@")),
            models.CheckConstraint(
                name="user_until_only_locked",
                condition=Q(status_until=None) | Q(status__in=[Status.LOCKED, Status.RESTRICTED]),
            ),
            models.CheckConstraint(
                name="user_before_only_restricted",
                condition=Q(status=Status.RESTRICTED) & ~Q(status_before="")
                | ~Q(status=Status.RESTRICTED) & Q(status_before=""),
            ),
            models.CheckConstraint(
                name="user_tombstone_no_super", condition=Q(is_superuser=False) | ~Q(status=Status.PURGED)
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="user_by_created"),
            models.Index(fields=["organization", "email_key", "id"], name="user_by_email"),
            models.Index(fields=["organization", "username_key", "id"], name="user_by_username"),
            models.Index(fields=["organization", "name_key", "id"], name="user_by_name"),
            models.Index(fields=["organization", "last_sign_in_at", "id"], name="user_by_last_sign_in"),
            models.Index(fields=["created_at", "id"], name="user_all_by_created"),
            models.Index(fields=["is_superuser"], condition=Q(is_superuser=True), name="user_superusers"),
            models.Index(
                fields=["organization", "status", "created_at", "id"],
                condition=~Q(status=Status.ACTIVE),
                name="user_by_status",
            ),
            models.Index(
                fields=["status", "created_at", "id"], condition=~Q(status=Status.ACTIVE), name="user_all_by_status"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def save(self, *arguments: Any, **options: Any) -> None:
        """Store the row with its sort key, and its words for the search."""
        self.name_key = fold(self.display_name)[:NAME_KEY]
        if (fields := options.get("update_fields")) is not None:
            options["update_fields"] = {*fields, "name_key"}
        super().save(*arguments, **options)
        UserSearch.objects.update_or_create(user=self, defaults={"text": self.search_text})

    @property
    def display_name(self) -> str:
        """The name as shown: what the person set, or given and family name."""
        return self.name or f"{self.given_name} {self.family_name}".strip()

    @property
    def search_text(self) -> str:
        """What the search looks in: each identifier folded, between separators, so that its ends are found too."""
        parts = (self.email_key, self.username, self.display_name, self.nickname)
        return SEPARATOR.join(["", *(fold(part) for part in parts if part), ""])

    @property
    def current_status(self) -> Status:
        """The status as judged now: a lock whose end has passed is none."""
        if self.status == Status.LOCKED and self.status_until and self.status_until <= timezone.now():
            return Status.ACTIVE
        return Status(self.status)

    @property
    def email_verified(self) -> bool:
        """Whether the person has shown that the mailbox is theirs."""
        return self.email_verified_at is not None

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether the account may sign in, its organization apart."""
        return self.current_status is Status.ACTIVE

    @property
    def may_sign_in(self) -> bool:
        """Whether the account may sign in, its organization included."""
        return self.is_active and self.organization.is_active

    @property
    def is_staff(self) -> bool:
        """Whether the admin site has anything to show to this person."""
        granting = self.role_assignments.filter(role__application=None, role__permissions__isnull=False)
        return self.is_superuser or granting.exists()

    @property
    def role_assignments(self) -> models.QuerySet[RoleAssignment]:
        """The role assignments that count now."""
        return RoleAssignment.objects.live().of_user(self.pk)

    def has_perm(self, permission: str, subject: models.Model | None = None) -> bool:
        """Ask policy, through the authentication backend."""
        return any(
            backend.has_perm(self, permission, subject)
            for backend in auth.get_backends()
            if hasattr(backend, "has_perm")
        )

    def has_module_perms(self, app_label: str) -> bool:
        """Whether an app's pages are worth showing: what is on them is decided by policy."""
        return self.is_active and self.is_staff

    def set_email(self, email: str, *, verified_at: datetime | None) -> None:
        """Give the account another address; it is unconfirmed unless said otherwise.

        :raises Invalid: if it is not an address
        """
        self.email, self.email_key = email_validated(email)
        self.email_verified_at = verified_at

    def set_username(self, username: str | None) -> None:
        """Give the account another username, or none.

        :raises Invalid: if it cannot be one
        """
        self.username, self.username_key = username_validated(username) if username else (None, None)

    def enter(self, status: Status, *, reason: str = "", until: datetime | None = None) -> None:
        """Take on a status; whether it may is for the transition table to say."""
        before = self.current_status
        self.status = status
        self.status_reason = reason
        self.status_until = until
        self.status_before = before if status is Status.RESTRICTED else ""

    def touch(self) -> None:
        """Count a change of what is shown."""
        self.version += 1
        self.updated_at = timezone.now()


class UserTag(models.Model):
    """A word that an organization pinned to a person."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="user_tag_once")]
        indexes = [models.Index(fields=["organization", "name", "user"], name="user_tag_by_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserSearchQuerySet(models.QuerySet["UserSearch"]):
    """Search rows."""

    def holding(self, needle: str) -> Self:
        """Keep those whose text holds the needle, of three letters or more, along the trigram index."""
        if connections[self.db].vendor == "postgresql":
            return self.filter(text__contains=needle)
        phrase = '"' + needle.replace('"', '""') + '"'
        return self.filter(pk__in=RawSQL("SELECT rowid FROM accounts_usersearch_trigram WHERE text MATCH %s", [phrase]))


class UserSearch(models.Model):
    """The words by which a person is found; trigram-indexed (GIN on PostgreSQL, FTS5 on SQLite).

    A table of its own because SQLite's full-text index needs a row number that VACUUM keeps.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="search")
    text = models.TextField()

    objects = UserSearchQuerySet.as_manager()

    def __str__(self) -> str:
        return f"search row {self.pk}"
