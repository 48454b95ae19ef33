"""The archive's pages for the person themselves: everything that is held about them, and the end of their account.

Whoever takes ``account_urls`` from here has them in it.
"""

from datetime import timedelta
from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts import ids
from accounts.actors import Door
from accounts.browser import sign_out
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import User
from accounts.pages.account.pages import PAGES, account_urls
from accounts.pages.account.registry import (
    NOTICES,
    AccountPage,
    Notice,
    account_page,
    actor_of,
    draw,
    person_of,
    recently_authenticated,
)
from accounts.pages.passwords import PageForm
from gdpr.models import Erasure, Export
from gdpr.operations.copies import Scope
from gdpr.operations.erasure import grace_of
from gdpr.operations.exports import export_file_name, export_read, user_export_fetch, user_export_request
from gdpr.operations.own import account_delete, account_keep, deletion_refusal
from gdpr.operations.renderings import FORMATS

__all__ = ["PAGES", "account_urls"]

SHOWN: Final = 10
SCOPES: Final = ((str(Scope.ACCESS), "Everything that is held"), (str(Scope.PORTABILITY), "What you provided"))
LATER: Final = 14
WHEN: Final = ((str(LATER), f"In {LATER} days, so that I can change my mind"), ("0", "Now"))


class CopyForm(PageForm):
    """How much, and as what."""

    scope = forms.ChoiceField(label="What", choices=SCOPES)
    format = forms.ChoiceField(label="As", choices=[(form, form.upper()) for form in reversed(FORMATS)])


class DeleteForm(PageForm):
    """When, and the address typed, so that nobody does it by a slip."""

    after = forms.TypedChoiceField(label="When", choices=WHEN, coerce=int, widget=forms.RadioSelect, initial=str(LATER))
    email = forms.CharField(
        max_length=320, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, request: HttpRequest, *, grace: int) -> None:
        super().__init__(request.POST or None)
        person = person_of(request)
        self.fields["email"].label = f"Type {person.email or person.public_id} to go on"
        if grace:
            del self.fields["after"]


@account_page
@recently_authenticated
def my_data(request: HttpRequest) -> HttpResponseBase:
    """Have a copy made of everything that is held about one, and fetch it while it lasts."""
    actor, person = actor_of(request), person_of(request)
    exports = Export.objects.of_oneself(actor)
    if "fetch" in request.POST:
        key = ids.decode("exp", request.POST["fetch"])
        row = exports.filter(pk=key).first() if key else None
        if row is None:
            raise NotFound("Copy not found.", remedy="It can be fetched for 72 hours. Ask for another.")
        return _file(user_export_fetch(actor=actor, user=person, export=row))
    form = CopyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        user_export_request(actor=actor, user=person, scope=values["scope"], form=values["format"])
        messages.success(request, "The copy is being made: it stands here, for 72 hours.")
        return redirect("account-data")
    rows = [
        {
            "row": row,
            "is_under_way": row.status in {Export.QUEUED, Export.RUNNING},
            "is_over": row.status == Export.EXPIRED or (row.status == Export.READY and not row.is_fetchable),
            "scope": dict(SCOPES).get(row.scope, row.scope),
        }
        for row in exports.order_by("-created_at", "-id")[:SHOWN]
    ]
    context = {"title": "Download my data", "form": form, "rows": rows}
    return draw(request, "gdpr/account_data.html", context, status=422 if form.errors else 200)


def _file(export: Export) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        export_read(export),
        content_type="application/octet-stream",
        headers={
            "Content-Length": str(export.size),
            "Content-Disposition": f'attachment; filename="{export_file_name(export)}"',
            "Cache-Control": "no-store",
        },
    )


@account_page
@recently_authenticated
def delete_account(request: HttpRequest) -> HttpResponseBase:
    """Have one's own account deleted, at once or in a while; call it off until then."""
    actor, person = actor_of(request), person_of(request)
    if "keep" in request.POST:
        account_keep(actor=actor, user=person)
        messages.success(request, "Your account stays.")
        return redirect("account")
    grace = grace_of(person).days
    form = DeleteForm(request, grace=grace)
    if request.method == "POST" and form.is_valid():
        after = form.cleaned_data.get("after", 0)
        try:
            erasure = account_delete(
                actor=actor,
                user=person,
                email=form.cleaned_data["email"],
                at=timezone.now() + timedelta(days=after),
            )
        except (Invalid, Conflict) as refusal:
            form.refuse(refusal)
        else:
            if after or grace:
                messages.success(request, "Your account is to be deleted. Until then you can call it off.")
                return redirect("account-delete")
            sign_out(request, Door.PAGE)
            return render(request, "gdpr/account_going.html", {"erasure": erasure})
    waiting = _waiting(person)
    context = {
        "title": "Delete my account",
        "form": form,
        "grace": grace,
        "waiting": waiting,
        "is_mine": waiting is not None and waiting.requested_by == person.pk,
        "refusal": None if waiting else deletion_refusal(person),
    }
    return draw(request, "gdpr/account_delete.html", context, status=422 if form.errors else 200)


def _waiting(person: User) -> Erasure | None:
    return Erasure.objects.unfinished_of(person.pk).order_by("created_at", "pk").first()


def _deletion_waits(person: User) -> Notice | None:
    waiting = _waiting(person)
    if waiting is None or waiting.due_at is None:
        return None
    text = f"Your account is to be deleted on {waiting.due_at:%Y-%m-%d}, about {waiting.due_at:%H:%M} UTC."
    return Notice(text, reverse("account-delete"), "Look")


PAGES.extend(
    [
        AccountPage("account-data", "data", "Download my data", my_data),
        AccountPage("account-delete", "delete", "Delete my account", delete_account),
    ]
)
NOTICES.append(_deletion_waits)
