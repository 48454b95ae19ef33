"""What lies under a user: ``/users/{id}/tags/``, ``roles/``, ``claims/``, ``two-factor/``, ``sessions/``."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import ids, policy
from accounts.actions import Action
from accounts.api.base import HouseViewSet, etag
from accounts.api.claims import ClaimInput, ClaimSetInput, ClaimsOutput, claim_named
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import ReasonInput, Text
from accounts.errors import NotFound
from accounts.models import Factor, Membership, Role, Session, User
from accounts.operations.base import remember_refusal
from accounts.operations.claims import user_claims_remove, user_claims_set
from accounts.operations.factors import factor_remove
from accounts.operations.roles import role_assign, role_remove, roles_named
from accounts.operations.sessions import session_revoke_all
from accounts.pagination import Order
from accounts.serializers.base import output
from accounts.serializers.claims import claims_of
from accounts.serializers.factors import TwoFactorOutput, two_factor_of
from accounts.serializers.roles import AssignmentOutput, assignments_of
from accounts.serializers.sessions import SessionOutput
from accounts.times import as_end

__all__ = ["BELONGINGS", "BelongingsViewSet"]


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


class FactorInput(ReasonInput):
    """A second factor."""

    factor = Text(max_length=40, help_text="its id, `fct_…`")


class RevokedOutput(serializers.Serializer[Any]):
    """How many sessions ended."""

    id = serializers.CharField()
    revoked = serializers.IntegerField()


BELONGINGS: Final[Mapping[str, Endpoint]] = {
    "tags": Endpoint(name="user_tags", reading=Action.USER_SHOW, output=TagsOutput),
    "roles": Endpoint(name="user_roles", reading=Action.MEMBERSHIP_LIST, output=AssignmentsOutput, filters=("org",)),
    "assign_role": Endpoint(name="role_assign", input=RoleAssignInput, output=AssignmentsOutput, repeatable=True),
    "remove_role": Endpoint(name="role_remove", input=RoleInput, output=AssignmentsOutput),
    "claims": Endpoint(name="user_claims", reading=Action.USER_SHOW, output=ClaimsOutput),
    "set_claim": Endpoint(
        name="user_claims_set", input=ClaimSetInput, output=ClaimsOutput, versioned=True, repeatable=True
    ),
    "remove_claim": Endpoint(name="user_claims_remove", input=ClaimInput, output=ClaimsOutput, versioned=True),
    "two_factor": Endpoint(name="user_two_factor", reading=Action.FACTOR_LIST, output=TwoFactorOutput),
    "remove_factor": Endpoint(name="factor_remove", input=FactorInput, output=TwoFactorOutput),
    "sessions": Endpoint(
        name="user_sessions", reading=Action.SESSION_LIST, output=SessionOutput, paged=True, filters=("ended",)
    ),
    "end_sessions": Endpoint(name="user_sessions_revoke_all", input=ReasonInput, output=RevokedOutput),
}


class BelongingsViewSet(HouseViewSet):
    """What a user has."""

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

    @action(detail=True, methods=["get"], url_path="two-factor")
    def two_factor(self, request: Request, id: str) -> Response:  # noqa: A002
        """Show which second factors a user has; never a secret."""
        user = self.person(id)
        if user.pk != self.actor.user_id:
            self.require_in(user.organization_id, Action.FACTOR_LIST)
        return Response(two_factor_of(user))

    @two_factor.mapping.delete
    def remove_factor(self, request: Request, id: str) -> Response:  # noqa: A002
        """Take one second factor of a user away; the last one, by somebody else, is a reset."""
        given = self.read()
        user = self.person(id)
        factor = self.factor(user, given["factor"])
        return Response(two_factor_of(factor_remove(actor=self.actor, factor=factor, reason=given["reason"])))

    def factor(self, user: User, identifier: str) -> Factor:
        """Find a second factor of a user.

        :raises NotFound: if it does not exist for the actor
        """
        factor_id = ids.decode("fct", identifier)
        visible = Factor.objects.visible_to(self.actor).filter(user=user).select_related("user")
        found: Factor | None = visible.filter(pk=factor_id).first() if factor_id else None
        if found is None:
            raise NotFound("Second factor not found.")
        return found

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
