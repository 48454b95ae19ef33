"""The organizations that one belongs to, and invites of others."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts import ids
from accounts.errors import NotFound
from accounts.models import Invite, Membership
from accounts.operations.acceptance import invite_decline, invite_join
from accounts.pages.account.registry import account_page, actor_of, draw, person_of

__all__ = ["organizations"]

SHOWN = 100
"""Of each; nobody belongs to more that they want to read."""


@account_page
def organizations(request: HttpRequest) -> HttpResponseBase:
    """List memberships with their roles, and invites; accept or decline one."""
    actor, person = actor_of(request), person_of(request)
    invites = Invite.objects.of_person(person).with_shown()
    if request.method == "POST":
        key = ids.decode("inv", request.POST.get("invite", ""))
        invite = invites.filter(pk=key).first() if key else None
        if invite is None:
            raise NotFound("Invite not found.", remedy="It may have run out or been revoked meanwhile.")
        if "decline" in request.POST:
            invite_decline(actor=actor, invite=invite)
            messages.success(request, f"The invite to {invite.organization.name} is declined.")
        else:
            invite_join(actor=actor, invite=invite)
            messages.success(request, f"You belong to {invite.organization.name} now, as a guest.")
        return redirect("account-organizations")
    memberships = Membership.objects.filter(user=person).with_shown().order_by("created_at", "id")
    rows = [
        {
            "row": row,
            "is_home": row.organization_id == person.organization_id,
            "roles": [assignment.role.name for assignment in row.assignments.all()],
        }
        for row in memberships[:SHOWN]
    ]
    context = {"title": "Organizations", "rows": rows, "invites": invites.order_by("created_at", "id")[:SHOWN]}
    return draw(request, "accounts/account/organizations.html", context)
