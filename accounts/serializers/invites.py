"""Invites as they are shown: never their secret."""

from typing import Any

from rest_framework import serializers

from accounts.actions import BUILT_IN_ROLES
from accounts.models import Invite
from accounts.serializers.base import Output

__all__ = ["InviteOutput", "MadeInviteOutput", "MyInviteOutput"]


class InviteOutput(Output[Invite]):
    """An invite; ``delivery`` is what the mail server said of its letter: ``queued``, ``sent``, ``failed: why``."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    status = serializers.CharField(read_only=True)
    user = serializers.CharField(source="user.public_id", read_only=True, allow_null=True, default=None)
    role = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()
    claims = serializers.SerializerMethodField()
    invited_by = serializers.CharField(source="inviter_name", read_only=True)
    delivery = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Invite
        fields: tuple[str, ...] = (
            "id",
            "organization",
            "kind",
            "status",
            "email",
            "user",
            "role",
            "roles",
            "profile",
            "tags",
            "claims",
            "message",
            "invited_by",
            "delivery",
            "created_at",
            "expires_at",
            "max_uses",
            "uses",
            "accepted_at",
            "revoked_at",
        )
        read_only_fields = fields

    def get_role(self, invite: Invite) -> str:
        """The strongest built-in role that it brings."""
        held = self.get_roles(invite)
        return next((slug for slug in BUILT_IN_ROLES if slug in held), "member")

    def get_roles(self, invite: Invite) -> list[str]:
        """Every role that it brings."""
        return sorted(entry.role.full_slug for entry in invite.roles.all())

    def get_claims(self, invite: Invite) -> dict[str, Any]:
        """What an open link brings; of an invite by e-mail the account has it already."""
        return {entry.definition.word: entry.value for entry in invite.claims.all()}


class MadeInviteOutput(InviteOutput):
    """An invite that was just made or sent again: with its link where that is shown, once."""

    link = serializers.CharField(required=False, read_only=True)

    class Meta(InviteOutput.Meta):
        fields = (*InviteOutput.Meta.fields, "link")
        read_only_fields = fields


class MyInviteOutput(Output[Invite]):
    """An invite as it is shown to whom it is for."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    organization_name = serializers.CharField(source="organization.name", read_only=True)
    roles = serializers.SerializerMethodField()

    class Meta:
        model = Invite
        fields = ("id", "organization", "organization_name", "roles", "message", "created_at", "expires_at")
        read_only_fields = fields

    def get_roles(self, invite: Invite) -> list[str]:
        """Every role that it brings."""
        return sorted(entry.role.full_slug for entry in invite.roles.all())
