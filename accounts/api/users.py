"""``/users/``: lists, search, one user, every verb, many at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.api.base import HouseViewSet, etag
from accounts.api.claims import ClaimInput, ClaimSetInput, ClaimsOutput, claim_named, claims_named
from accounts.api.endpoints import FILTERS, PAGE_WORDS, Endpoint
from accounts.api.inputs import Flag, Input, JSONObject, Number, ReasonInput, Text, Texts
from accounts.errors import Invalid, NotFound
from accounts.filters import USER_ORDERS, UserFilter
from accounts.models import Membership, Role, Session, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.base import NewPassword, remember_refusal
from accounts.operations.bulk import DRY_RUN_ROWS, RowResult, each, tried
from accounts.operations.claims import user_claims_remove, user_claims_set
from accounts.operations.idempotency import begun, repeatable, was_done
from accounts.operations.recovery import user_reset_password
from accounts.operations.roles import role_assign, role_remove, roles_named
from accounts.operations.sessions import session_revoke_all
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.users import (
    user_confirm,
    user_create,
    user_set,
    user_set_password,
    user_sign_out,
    user_tag,
    user_unconfirm,
    user_untag,
    user_update,
)
from accounts.pagination import Order
from accounts.serializers.base import output
from accounts.serializers.claims import claims_of
from accounts.serializers.roles import AssignmentOutput, assignments_of
from accounts.serializers.sessions import SessionOutput
from accounts.serializers.users import GuestOutput, UserDetailOutput, UserOutput
from accounts.times import as_end

__all__ = ["BULK_VERBS", "VERBS", "ProfileInput", "UserViewSet"]

MOST: Final = DRY_RUN_ROWS
"""How many rows one request changes."""


class ProfileInput(ReasonInput):
    """The fields of a profile; an empty text empties one."""

    name = Text(required=False, allow_blank=True, max_length=200)
    given_name = Text(required=False, allow_blank=True, max_length=100)
    family_name = Text(required=False, allow_blank=True, max_length=100)
    nickname = Text(required=False, allow_blank=True, max_length=100)
    phone_number = Text(required=False, allow_blank=True, max_length=32)
    locale = Text(required=False, allow_blank=True, max_length=35, help_text="BCP 47, like `pt-BR`")
    zoneinfo = Text(required=False, allow_blank=True, max_length=64, help_text="like `Europe/Berlin`")
    picture = Text(required=False, allow_blank=True, max_length=500, help_text="http or https")
    bio = Text(required=False, allow_blank=True, max_length=2000)


class UserCreateInput(ProfileInput):
    """A new user."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    email = Text(max_length=254)
    username = Text(required=False, allow_null=True, max_length=64)
    password = Text(required=False, write_only=True, help_text="none: the account has no password yet")
    must_change_password = Flag(required=False, default=True)
    email_verified = Flag(required=False, default=False)
    send_link = Flag(
        required=False, default=False, help_text="mail a link: to set a password if there is none, else to confirm"
    )
    roles = Texts(required=False, max_length=20, help_text="`member` if left out")
    tags = Texts(required=False, max_length=100)
    metadata = JSONObject(required=False)
    claims = JSONObject(required=False, help_text='by name, or `application/name`: `{"department": "Sales"}`')


class UserUpdateInput(ProfileInput):
    """A change of a user: what is named, the rest stays."""

    email = Text(required=False, max_length=254)
    username = Text(required=False, allow_null=True, allow_blank=True, max_length=64)
    tags = Texts(required=False, max_length=100, help_text="replaces all; `[]` empties")
    metadata = JSONObject(required=False, help_text="replaces all")
    metadata_set = JSONObject(required=False, help_text="sets these keys, the others stay")
    metadata_remove = Texts(required=False, max_length=100, help_text="removes these keys")
    skip_verification = Flag(required=False, default=False, help_text="the new address counts as confirmed")


class LockInput(ReasonInput):
    """Why, and until when."""

    until = Text(required=False, help_text="`2026-12-31`, RFC 3339, or a duration like `2h`")


class TagsInput(ReasonInput):
    """Tags."""

    tags = Texts(min_length=1, max_length=100)


class SetInput(ReasonInput):
    """Roles, confirmation and lock at once; what is left out stays."""

    admin = Flag(required=False)
    moderator = Flag(required=False)
    confirmed = Flag(required=False)
    locked = Flag(required=False)


class PasswordInput(ReasonInput):
    """A new password."""

    password = Text(write_only=True)
    must_change_password = Flag(required=False, default=True)
    keep_sessions = Flag(required=False, default=False)


class FilterInput(Input):
    """Which users, in the words of the list."""

    status = Text(required=False)
    search = Text(required=False, max_length=200)
    role = Text(required=False)
    tag = Text(required=False)
    claim = Text(required=False, help_text="`department=Engineering`; `crm/tier=gold` of an application's")
    email_domain = Text(required=False)
    unverified = Flag(required=False)
    never_signed_in = Flag(required=False)
    inactive_since = Text(required=False)


class SearchInput(FilterInput):
    """What to look for, in the body, so that addresses stay out of URLs and logs."""

    search = None  # type: ignore[assignment]
    query = Text(max_length=200, help_text="part of an e-mail address, name or username, or an id")
    org = Text(required=False, help_text="id or slug; the caller's own if left out")
    limit = Number(required=False, min_value=1, max_value=100)
    cursor = Text(required=False)
    total = serializers.ChoiceField(["exact", "estimate"], required=False)


class BulkInput(ReasonInput):
    """A verb on many: ids, or a filter in the words of the list."""

    verb = serializers.ChoiceField([])
    ids = Texts(required=False, min_length=1, max_length=MOST)
    filter = FilterInput(required=False)
    org = Text(required=False, help_text="with a filter: in which organization")
    until = Text(required=False, help_text="with lock")
    tags = Texts(required=False, min_length=1, max_length=100, help_text="with tag and untag")
    preview = Flag(required=False, default=False, help_text="say what would change, and change nothing")

    def get_fields(self) -> dict[str, Any]:
        """Offer the verbs."""
        return {**super().get_fields(), "verb": serializers.ChoiceField(BULK_VERBS)}


Call = Callable[[Actor, User, Mapping[str, Any], int | None], Any]


def _status_call(word: str) -> Call:
    verb = STATUS_VERBS[word]

    def call(actor: Actor, user: User, given: Mapping[str, Any], version: int | None) -> Any:
        until = as_end(given["until"], field="until") if "until" in given else None
        return verb.run(actor=actor, user=user, reason=given["reason"], until=until, expected_version=version)

    return call


def _plain_call(operation: Callable[..., Any], *words: str) -> Call:
    def call(actor: Actor, user: User, given: Mapping[str, Any], version: int | None) -> Any:
        more = {word: given[word] for word in words if word in given}
        return operation(actor=actor, user=user, reason=given["reason"], expected_version=version, **more)

    return call


def _set_password(actor: Actor, user: User, given: Mapping[str, Any], version: int | None) -> Any:
    return user_set_password(
        actor=actor,
        user=user,
        password=NewPassword(given["password"]),
        must_change_password=given["must_change_password"],
        keep_sessions=given["keep_sessions"],
        reason=given["reason"],
        expected_version=version,
    )


VERBS: Final[Mapping[str, tuple[type[Input], Call]]] = {
    **{word: (LockInput if verb.takes_end else ReasonInput, _status_call(word)) for word, verb in STATUS_VERBS.items()},
    "confirm": (ReasonInput, _plain_call(user_confirm)),
    "unconfirm": (ReasonInput, _plain_call(user_unconfirm)),
    "tag": (TagsInput, _plain_call(user_tag, "tags")),
    "untag": (TagsInput, _plain_call(user_untag, "tags")),
    "set": (SetInput, _plain_call(user_set, "admin", "moderator", "confirmed", "locked")),
    "sign-out": (ReasonInput, _plain_call(user_sign_out)),
    "set-password": (PasswordInput, _set_password),
    "reset-password": (ReasonInput, _plain_call(user_reset_password)),
}
"""Every verb on a user: what its request may say, and the one call."""

SUMMARIES: Final[Mapping[str, str]] = {
    **{word: verb.summary for word, verb in STATUS_VERBS.items()},
    "confirm": "Mark the e-mail address as confirmed; again changes nothing.",
    "unconfirm": "Mark the e-mail address as not confirmed; again changes nothing.",
    "tag": "Pin tags to a user; those already there stay.",
    "untag": "Take tags off a user; those not there change nothing.",
    "set": "Set what is named and leave the rest, in one transaction.",
    "sign-out": "End every session of a user; API keys stay.",
    "set-password": "Give a user another password; sessions and links end.",
    "reset-password": "Send a user a letter with a link to set a new password, good for an hour.",
}

BULK_VERBS: Final = tuple(word for word in VERBS if word not in {"set", "set-password"})
EXTRAS: Final = {"until", "tags"}
"""What some verbs take besides a reason."""


class RowOutput(serializers.Serializer[Any]):
    """What came of one row."""

    id = serializers.CharField()
    result = serializers.ChoiceField(["ok", "unchanged", "failed"])
    changes = serializers.ListField(child=serializers.DictField(), required=False, help_text="of a preview")
    error = serializers.DictField(required=False, help_text="`code`, `message`, `remedy`, `fields`")


class CountsOutput(serializers.Serializer[Any]):
    """How many of each."""

    ok = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()


class BulkOutput(serializers.Serializer[Any]):
    """What came of each row, and how many of each."""

    data = RowOutput(many=True)  # type: ignore[assignment]
    counts = CountsOutput()
    preview = serializers.BooleanField()


class TagsOutput(serializers.Serializer[Any]):
    """The tags of a user."""

    data = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]


class RoleInput(ReasonInput):
    """A role, and where."""

    role = Text(max_length=130, help_text="id, slug, or `application/slug`")
    application = Text(required=False, max_length=63, help_text="the slug, where the role's alone does not say which")
    organization = Text(required=False, help_text="id or slug; the user's home if left out")


class RoleAssignInput(RoleInput):
    """A role, where, and until when."""

    until = Text(required=False, help_text="`2026-12-31`, RFC 3339, or a duration like `30d`; for good if left out")


class AssignmentsOutput(serializers.Serializer[Any]):
    """The roles of a user in an organization, by application."""

    data = AssignmentOutput(many=True)  # type: ignore[assignment]


class RevokedOutput(serializers.Serializer[Any]):
    """How many sessions ended."""

    id = serializers.CharField()
    revoked = serializers.IntegerField()


class UserViewSet(HouseViewSet):
    """Users."""

    prefix, thing, shown = "usr", "User", UserOutput
    orders = USER_ORDERS
    endpoints = {
        "list": Endpoint(
            name="user_list",
            output=UserOutput,
            also=GuestOutput,
            paged=True,
            filters=(*FILTERS, "org", "all_orgs", "member_of"),
        ),
        "create": Endpoint(name="user_create", input=UserCreateInput, output=UserOutput, status=201, repeatable=True),
        "retrieve": Endpoint(name="user_show", reading=Action.USER_SHOW, output=UserDetailOutput),
        "partial_update": Endpoint(name="user_update", input=UserUpdateInput, output=UserOutput, versioned=True),
        "search": Endpoint(name="user_search", reading=Action.USER_SEARCH, input=SearchInput, output=UserOutput),
        "bulk": Endpoint(name="user_bulk", input=BulkInput, output=BulkOutput, repeatable=True),
        "tags": Endpoint(name="user_tags", reading=Action.USER_SHOW, output=TagsOutput),
        "roles": Endpoint(
            name="user_roles", reading=Action.MEMBERSHIP_LIST, output=AssignmentsOutput, filters=("org",)
        ),
        "assign_role": Endpoint(name="role_assign", input=RoleAssignInput, output=AssignmentsOutput, repeatable=True),
        "remove_role": Endpoint(name="role_remove", input=RoleInput, output=AssignmentsOutput),
        "claims": Endpoint(name="user_claims", reading=Action.USER_SHOW, output=ClaimsOutput),
        "set_claim": Endpoint(
            name="user_claims_set", input=ClaimSetInput, output=ClaimsOutput, versioned=True, repeatable=True
        ),
        "remove_claim": Endpoint(name="user_claims_remove", input=ClaimInput, output=ClaimsOutput, versioned=True),
        "sessions": Endpoint(
            name="user_sessions", reading=Action.SESSION_LIST, output=SessionOutput, paged=True, filters=("ended",)
        ),
        "end_sessions": Endpoint(name="user_sessions_revoke_all", input=ReasonInput, output=RevokedOutput),
        **{
            f"verb_{word.replace('-', '_')}": Endpoint(
                name=f"user_{word.replace('-', '_')}", input=form, output=UserOutput, versioned=True, repeatable=True
            )
            for word, (form, _) in VERBS.items()
        },
    }

    def rows(self) -> Any:
        """Give the users that exist for the actor."""
        return User.objects.visible_to(self.actor).with_shown()

    def list(self, request: Request) -> Response:
        """List users, oldest first."""
        if "member_of" in self.asked:
            return self._members()
        self.require(Action.USER_LIST)
        users, scope = self.within(User.objects.visible_to(self.actor), self.asked, Action.USER_LIST)
        wanted = _wanted(self.asked)
        return self.listed(
            wanted.apply(users), self.asked, scope=f"{scope} {wanted.scope}", fetched=lambda rows: rows.with_shown()
        )

    def _members(self) -> Response:
        if narrowing := sorted(set(self.asked) - (set(PAGE_WORDS) - {"order"}) - {"member_of"}):
            raise Invalid(
                "member_of is a list of its own, in the order in which people came.",
                remedy="Leave the other filters and the order out.",
                fields=dict.fromkeys(narrowing, "not with member_of"),
            )
        self.require(Action.MEMBERSHIP_LIST)
        members, scope = self.within(
            Membership.objects.visible_to(self.actor), {"org": self.asked["member_of"]}, Action.MEMBERSHIP_LIST
        )
        return self.listed(
            members,
            self.asked,
            scope=f"members {scope}",
            fetched=lambda rows: rows.with_people(),
            shown=lambda row: output(UserOutput, row.user) if row.is_home else output(GuestOutput, row),
        )

    def create(self, request: Request) -> Response:
        """Make a user."""
        given = self.read()
        organization = self.organization(given.get("organization", ""))
        password = given.get("password")
        claims = claims_named(self.actor, given.get("claims", {}), organization)
        return self.once(
            lambda: user_create(
                actor=self.actor,
                organization=organization,
                email=given["email"],
                username=given.get("username"),
                profile={field: given[field] for field in PROFILE_FIELDS if field in given},
                password=NewPassword(password) if password is not None else None,
                must_change_password=given["must_change_password"],
                verified=given["email_verified"],
                roles=given.get("roles", ["member"]),
                tags=given.get("tags", []),
                metadata=given.get("metadata", {}),
                claims=claims,
                send_link=given["send_link"],
                reason=given["reason"],
            ),
            lambda user: self.answered(user.pk, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a user."""
        user = self.row(id)
        return Response(output(UserDetailOutput, user), headers={"ETag": etag(user)})

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change the fields that are named."""
        given = self.read()
        named = {*PROFILE_FIELDS, "email", "username", "tags", "metadata"}
        changed = user_update(
            actor=self.actor,
            user=self.person(id),
            changes={field: value for field, value in given.items() if field in named},
            metadata_set=given.get("metadata_set"),
            metadata_remove=given.get("metadata_remove", []),
            skip_verification=given["skip_verification"],
            reason=given["reason"],
            expected_version=self.expected_version(),
        )
        return self.answered(changed.pk)

    @action(detail=False, methods=["post"])
    def search(self, request: Request) -> Response:
        """Search users, the best fit first."""
        given = self.read()
        users, scope = self.within(User.objects.visible_to(self.actor), given, Action.USER_SEARCH)
        query = given["query"]
        if not query.strip():
            raise Invalid("There is nothing to search for.", fields={"query": "is empty"})
        wanted = _wanted({**given, "search": query})
        pages: Mapping[str, str] = {word: str(given[word]) for word in ("limit", "cursor", "total") if word in given}
        return self.listed(
            wanted.apply(users).ranked(query),
            pages,
            scope=f"{scope} {wanted.scope}",
            fetched=lambda rows: rows.with_shown(),
            order=Order("rank"),
        )

    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Do one verb to many users; each has its own transaction and result. ``preview`` changes nothing."""
        given = self.read()
        word, preview = given["verb"], given["preview"]
        form, call = VERBS[word]
        _refuse_strange(given, form)
        self.require(Action(f"user.{word.replace('-', '_')}"))
        rows = given["ids"] if "ids" in given else self._matching(given)
        repeated = None if preview else self.repeatable()
        if repeated is not None:
            begun(repeated)

        def do(identifier: str) -> None:
            user = self.person(identifier)
            if repeated is None:
                call(self.actor, user, given, None)
                return
            row = repeated.for_row(user.public_id)
            if not was_done(row):
                with repeatable(row):
                    call(self.actor, user, given, None)

        results = self._tried(rows, do) if preview else [*each(rows, do, key=str)]
        counts = {kind: sum(result.result == kind for result in results) for kind in ("ok", "unchanged", "failed")}
        return Response({"data": [result.as_dict() for result in results], "counts": counts, "preview": preview})

    def _tried(self, rows: Sequence[str], do: Callable[[str], None]) -> Sequence[RowResult]:
        keys = [key for row in rows if (key := ids.decode("usr", row))]
        found = {row.public_id: row for row in User.objects.visible_to(self.actor).filter(pk__in=keys)}
        return tried(rows, do, key=str, about=found.get)

    def _matching(self, given: Mapping[str, Any]) -> Sequence[str]:
        self.require(Action.USER_LIST)
        users, _ = self.within(User.objects.visible_to(self.actor), given, Action.USER_LIST)
        users = _wanted(given["filter"]).apply(users).order_by("created_at", "id")
        found = [user.public_id for user in users[: MOST + 1]]
        if len(found) > MOST:
            raise Invalid(
                f"More than {MOST} users match.",
                remedy="Narrow the filter, or use the command: it has no such bound.",
                fields={"filter": f"matches more than {MOST}"},
            )
        return found

    @action(detail=True, methods=["get"])
    def tags(self, request: Request, id: str) -> Response:  # noqa: A002
        """List a user's tags."""
        return Response({"data": sorted(tag.name for tag in self.row(id).tags.all())})

    @action(detail=True, methods=["get"])
    def claims(self, request: Request, id: str) -> Response:  # noqa: A002
        """List what claims say of a user, the organization's own first."""
        return self._claims(self.row(id))

    @claims.mapping.post
    def set_claim(self, request: Request, id: str) -> Response:  # noqa: A002
        """Set a claim of a user; one's own, if it is editable."""
        given = self.read()
        user = self.person(id)
        definition = claim_named(self.actor, given["claim"], user.organization)
        return self.once(
            lambda: user_claims_set(
                actor=self.actor,
                user=user,
                definition=definition,
                value=given["value"],
                reason=given["reason"],
                expected_version=self.expected_version(),
            ),
            self._claims,
            lambda identifier: self._claims(self._present(self.rows().filter(pk=identifier).first())),
        )

    @claims.mapping.delete
    def remove_claim(self, request: Request, id: str) -> Response:  # noqa: A002
        """Take a claim from a user; one that is not set changes nothing."""
        given = self.read()
        user = self.person(id)
        changed = user_claims_remove(
            actor=self.actor,
            user=user,
            definition=claim_named(self.actor, given["claim"], user.organization),
            reason=given["reason"],
            expected_version=self.expected_version(),
        )
        return self._claims(changed)

    def _claims(self, user: User) -> Response:
        return Response({"data": claims_of(user)}, headers={"ETag": etag(user)})

    @action(detail=True, methods=["get"])
    def roles(self, request: Request, id: str) -> Response:  # noqa: A002
        """List the roles that a user has in an organization, by application; at home if none is named."""
        return self._roles_of(self._membership(id, self.asked.get("org", ""), Action.MEMBERSHIP_LIST).pk)

    @roles.mapping.post
    def assign_role(self, request: Request, id: str) -> Response:  # noqa: A002
        """Give a user a role, for good or until a moment; again changes the end only."""
        given = self.read()
        membership = self._membership(id, given.get("organization", ""), Action.ROLE_ASSIGN)
        role = self._role(membership, given)
        until = as_end(given["until"], field="until") if "until" in given else None
        return self.once(
            lambda: role_assign(
                actor=self.actor, membership=membership, role=role, until=until, reason=given["reason"]
            ),
            lambda changed: self._roles_of(changed.pk),
            self._roles_of,
        )

    @roles.mapping.delete
    def remove_role(self, request: Request, id: str) -> Response:  # noqa: A002
        """Take a role from a user; one that they have not changes nothing."""
        given = self.read()
        membership = self._membership(id, given.get("organization", ""), Action.ROLE_REMOVE)
        role = self._role(membership, given)
        changed = role_remove(actor=self.actor, membership=membership, role=role, reason=given["reason"])
        return self._roles_of(changed.pk)

    def _membership(self, identifier: str, org: str, action: Action) -> Membership:
        """Find where a user belongs: of guests only where they are guests.

        :raises NotFound: if user or organization does not exist for the actor
        :raises NotAllowed: if the user does, and where they belong does not
        """
        organization = self.organization(org) if org else None
        user_id = ids.decode(self.prefix, identifier)
        visible = Membership.objects.visible_to(self.actor).select_related("user", "organization")
        found = visible.of_person(user_id, organization).first() if user_id else None
        if found is None:
            user = self.person(identifier)
            if organization is not None and organization.pk != user.organization_id:
                raise NotFound("User not found.")
            refusal = policy.missing(action)
            remember_refusal(self.actor, action, user, refusal)
            raise refusal
        return found

    def _role(self, membership: Membership, given: Mapping[str, Any]) -> Role:
        named = f"{given['application']}/{given['role']}" if given.get("application") else given["role"]
        (role,) = roles_named(membership.organization, [named])
        return role

    def _roles_of(self, membership_id: UUID) -> Response:
        membership = Membership.objects.visible_to(self.actor).with_shown().get(pk=membership_id)
        return Response({"data": assignments_of(membership)})

    @action(detail=True, methods=["get"])
    def sessions(self, request: Request, id: str) -> Response:  # noqa: A002
        """List a user's live sessions, oldest first."""
        user, ended = self.person(id), self.asked.get("ended", "false")
        if user.pk != self.actor.user_id:
            self.require_in(user.organization_id, Action.SESSION_LIST)
        sessions = Session.objects.visible_to(self.actor).filter(user=user)
        return self.listed(
            sessions if ended == "true" else sessions.live(),
            self.asked,
            scope=f"sessions {user.public_id} {ended}",
            shown=lambda row: output(SessionOutput, row),
            order=Order("created_at"),
        )

    @sessions.mapping.delete
    def end_sessions(self, request: Request, id: str) -> Response:  # noqa: A002
        """End every session of a user."""
        given = self.read()
        user = self.person(id)
        ended = session_revoke_all(actor=self.actor, user=user, reason=given["reason"])
        return Response({"id": user.public_id, "revoked": ended})


def _wanted(given: Mapping[str, Any]) -> UserFilter:
    words = {"true": True, "false": False}
    return UserFilter.build(
        {
            key: words.get(given[key], given[key]) if key in {"unverified", "never_signed_in"} else given[key]
            for key in FILTERS
            if key in given
        }
    )


def _refuse_strange(given: Mapping[str, Any], form: type[Input]) -> None:
    """Refuse what the verb would not heed, and want what it needs."""
    if ("ids" in given) == ("filter" in given):
        raise Invalid("Name ids or a filter.", fields={"ids": "ids or filter", "filter": "ids or filter"})
    taken = set(form().fields)
    strange = (EXTRAS & set(given)) - taken
    if "org" in given and "ids" in given:
        strange.add("org")
    if strange:
        raise Invalid("The verb does not take that.", fields=dict.fromkeys(sorted(strange), "not with this"))
    if "tags" in taken and "tags" not in given:
        raise Invalid("There is no tag.", fields={"tags": "is required"})


def _verb_view(word: str) -> Any:
    _, call = VERBS[word]

    def view(self: UserViewSet, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read()
        user = self.person(id)
        return self.once(
            lambda: call(self.actor, user, given, self.expected_version()),
            lambda changed: self.answered(changed.pk),
            self.answered,
        )

    view.__name__ = f"verb_{word.replace('-', '_')}"
    view.__doc__ = SUMMARIES[word]
    return action(detail=True, methods=["post"], url_path=word, url_name=word)(view)


for _word in VERBS:
    _view = _verb_view(_word)
    setattr(UserViewSet, _view.__name__, _view)
