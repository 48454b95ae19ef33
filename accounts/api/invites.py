"""``/invites/``, ``/invites/accept/`` and ``/me/invites/``."""

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.actors import Actor
from accounts.api.auth import AcceptedOutput
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Flag, Input, JSONObject, NoInput, Number, ReasonInput, Text, Texts
from accounts.errors import Invalid, NotFound
from accounts.models import ClaimDefinition, Invite, InviteStatus, Organization, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.acceptance import invite_accept, invite_decline, invite_join
from accounts.operations.base import NewPassword
from accounts.operations.invites import Invited, user_invite, user_resend_invite, user_revoke_invite
from accounts.operations.open_links import invite_request
from accounts.serializers.base import output
from accounts.serializers.invites import InviteOutput, MadeInviteOutput, MyInviteOutput
from accounts.serializers.organizations import MembershipOutput
from accounts.times import as_end

__all__ = ["InviteAcceptViewSet", "InviteViewSet", "MyInviteViewSet"]

MOST = 100


class _WithProfile(Input):
    """The fields of a profile."""

    def get_fields(self) -> Any:
        """Add one for each."""
        return {**super().get_fields(), **{name: Text(required=False, allow_blank=True) for name in PROFILE_FIELDS}}


class InviteInput(_WithProfile, ReasonInput):
    """An invite for one address, or without one an open link."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    email = Text(required=False, max_length=254, help_text="whom; without it an open link is made")
    roles = Texts(required=False, max_length=MOST, help_text="ids, slugs or `application/slug`; `member` if left out")
    tags = Texts(required=False, max_length=MOST)
    claims = JSONObject(required=False, help_text="by name: `{department: Sales}`; `app/name` of an application's")
    message = Text(required=False, allow_blank=True, max_length=2_000, help_text="stands in the letter")
    expires_at = Text(required=False, help_text="`2026-12-31`, `7d`; at most 90 days")
    max_uses = Number(required=False, help_text="of an open link; 1 if left out")
    print_link = Flag(required=False, help_text="answer with the link, and send no letter")


class ResendInput(ReasonInput):
    """How it goes out again."""

    print_link = Flag(required=False, help_text="answer with the link, and send no letter")


class AcceptInput(_WithProfile):
    """The secret of an invite, the new password, and what somebody says of themselves."""

    token = Text(write_only=True, max_length=200, help_text="the last part of the link's address")
    password = Text(write_only=True)


class RequestInput(Input):
    """The secret of an open link, and where the letter is to go."""

    token = Text(write_only=True, max_length=200, help_text="the last part of the link's address")
    email = Text(write_only=True, max_length=254, help_text="one's own address")


class InviteViewSet(HouseViewSet):
    """Invites."""

    prefix, thing, shown = "inv", "Invite", InviteOutput
    endpoints = {
        "list": Endpoint(
            name="user_invites",
            reading=Action.USER_INVITES,
            output=InviteOutput,
            paged=True,
            filters=("org", "status"),
        ),
        "create": Endpoint(name="user_invite", input=InviteInput, output=MadeInviteOutput, status=201, repeatable=True),
        "retrieve": Endpoint(name="user_invite_show", reading=Action.USER_INVITES, output=InviteOutput),
        "revoke": Endpoint(name="user_revoke_invite", input=ReasonInput, output=InviteOutput, repeatable=True),
        "resend": Endpoint(name="user_resend_invite", input=ResendInput, output=MadeInviteOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give the invites that exist for the actor."""
        return Invite.objects.visible_to(self.actor).with_shown()

    def list(self, request: Request) -> Response:
        """List the invites of an organization and what became of them, oldest first."""
        invites, scope = self.within(Invite.objects.visible_to(self.actor), self.asked, Action.USER_INVITES)
        if status := self.asked.get("status", ""):
            if status not in set(InviteStatus):
                raise Invalid(
                    f"An invite is never {status!r}.",
                    remedy=f"One of: {', '.join(InviteStatus)}.",
                    fields={"status": f"is one of {', '.join(InviteStatus)}"},
                )
            invites = invites.in_status(status)
        return self.listed(invites, self.asked, scope=f"{scope} {status}", fetched=lambda rows: rows.with_shown())

    def create(self, request: Request) -> Response:
        """Invite somebody by letter, which makes their account as `invited`; without an address, make an open link."""
        given = self.read()
        organization = self.organization(given.pop("organization", ""))
        profile = {name: given.pop(name) for name in PROFILE_FIELDS if name in given}
        claims = _claims_of(self.actor, organization, given.pop("claims", {}))
        if "expires_at" in given:
            given["expires_at"] = as_end(given["expires_at"], field="expires_at")
        return self.once(
            lambda: user_invite(actor=self.actor, organization=organization, profile=profile, claims=claims, **given),
            lambda made: self._made(made, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show an invite and what became of it; never its secret."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: str) -> Response:  # noqa: A002
        """Revoke an invite, at once and for good; the account that waits for it is archived."""
        given = self.read()
        invite = self.row(id)
        return self.once(
            lambda: user_revoke_invite(actor=self.actor, invite=invite, **given),
            lambda revoked: self.answered(revoked.pk),
            self.answered,
        )

    @action(detail=True, methods=["post"])
    def resend(self, request: Request, id: str) -> Response:  # noqa: A002
        """Send an invite again, for the usual time from now: the old link dies."""
        given = self.read()
        invite = self.row(id)
        return self.once(
            lambda: user_resend_invite(actor=self.actor, invite=invite, **given), self._made, self.answered
        )

    def _made(self, made: Invited, *, status: int = 200) -> Response:
        response = self.answered(made.invite.pk, status=status)
        if made.link:
            response.data["link"] = made.link
        return response


def _claims_of(actor: Actor, organization: Organization, given: Any) -> list[tuple[ClaimDefinition, Any]]:
    if not isinstance(given, dict) or len(given) > MOST:
        raise Invalid("The claims are not an object.", fields={"claims": "is not an object of names"})
    visible = ClaimDefinition.objects.visible_to(actor).filter(organization=organization)
    found = {name: visible.named(name).first() for name in given}
    if absent := next((name for name, definition in found.items() if definition is None), None):
        raise NotFound(f"Claim {absent[:100]!r} not found.")
    return [(definition, given[name]) for name, definition in found.items() if definition is not None]


class InviteAcceptViewSet(HouseViewSet):
    """Without signing in."""

    is_open = True
    authentication_classes = []
    endpoints = {
        "accept": Endpoint(name="invite_accept", input=AcceptInput, status=204, is_bounded=True),
        "ask": Endpoint(name="invite_request", input=RequestInput, output=AcceptedOutput, status=202, is_bounded=True),
    }

    def accept(self, request: Request) -> Response:
        """Accept an invite by its secret: the account is yours, with this password. It signs nobody in."""
        given = self.read()
        invite_accept(
            actor=self.actor,
            token=given["token"],
            password=NewPassword(given["password"]),
            profile={name: given[name] for name in PROFILE_FIELDS if name in given},
        )
        return Response(status=204)

    def ask(self, request: Request) -> Response:
        """Ask by an open link for an invite of your own, which comes by letter; the same answer whomever it names."""
        given = self.read()
        invite_request(actor=self.actor, token=given["token"], email=given["email"])
        return Response({"message": "A letter says what comes next."}, status=202)


class MyInviteViewSet(HouseViewSet):
    """Invites of other organizations to the address of whoever is signed in."""

    prefix, thing, shown = "inv", "Invite", MyInviteOutput
    endpoints = {
        "list": Endpoint(name="me_invites", output=MyInviteOutput, paged=True),
        "accept": Endpoint(name="invite_join", input=NoInput, output=MembershipOutput),
        "decline": Endpoint(name="invite_decline", input=NoInput, status=204),
    }

    def rows(self) -> Any:
        """Give the pending invites to the person's confirmed address; a key has none."""
        user = self.request.user
        return Invite.objects.of_person(user).with_shown() if isinstance(user, User) else Invite.objects.none()

    def list(self, request: Request) -> Response:
        """List the invites of other organizations to one's own confirmed address."""
        return self.listed(self.rows(), self.asked, scope=str(self.actor.id))

    def accept(self, request: Request, id: str) -> Response:  # noqa: A002
        """Accept an invite as a guest, with the account that one has."""
        self.read()
        return Response(output(MembershipOutput, invite_join(actor=self.actor, invite=self.row(id))))

    def decline(self, request: Request, id: str) -> Response:  # noqa: A002
        """Decline an invite: it is revoked."""
        self.read()
        invite_decline(actor=self.actor, invite=self.row(id))
        return Response(status=204)
