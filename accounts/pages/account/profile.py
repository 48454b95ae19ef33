"""The overview, and one's own profile with the claims that one may set."""

import json
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.actors import Actor
from accounts.claims import ClaimType, read
from accounts.errors import AccountsError, Conflict, Invalid, NotFound, VersionConflict
from accounts.models import ClaimDefinition, ClaimValue, EmailChange, Invite, Session, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.claims import user_claims_remove, user_claims_set
from accounts.operations.users import user_update
from accounts.pages.account.registry import NOTICES, Notice, account_page, actor_of, draw, person_of
from accounts.pages.passwords import PageForm
from accounts.versioned import Versioned, overtaken_text

__all__ = ["overview", "profile"]

HINTS: Final = {
    ClaimType.STRING: "",
    ClaimType.DATE: "A day, such as 2026-12-31.",
    ClaimType.BOOLEAN: "true or false.",
    ClaimType.INTEGER: "A number without a point.",
    ClaimType.NUMBER: "A number.",
    ClaimType.STRINGS: 'Texts, as JSON: ["one", "two"].',
    ClaimType.JSON: "As JSON.",
}


class ProfileForm(Versioned, PageForm):
    """What people say of themselves."""

    name = forms.CharField(max_length=200, required=False, help_text="As it is shown. Empty: given and family name.")
    given_name = forms.CharField(max_length=100, required=False)
    family_name = forms.CharField(max_length=100, required=False)
    nickname = forms.CharField(max_length=100, required=False)
    phone_number = forms.CharField(max_length=32, required=False, help_text="Such as +44 20 7946 0018.")
    locale = forms.CharField(label="Language", max_length=35, required=False, help_text="Such as en or pt-BR.")
    zoneinfo = forms.CharField(label="Time zone", max_length=64, required=False, help_text="Such as Europe/Berlin.")
    picture = forms.CharField(max_length=500, required=False, help_text="An address that begins with https://.")
    bio = forms.CharField(label="About you", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        words = {"name": "name", "given_name": "given-name", "family_name": "family-name", "nickname": "nickname",
                 "phone_number": "tel", "locale": "language", "picture": "photo"}  # fmt: skip
        for name, field in self.fields.items():
            field.widget.attrs["autocomplete"] = words.get(name, "off")


class ClaimForm(PageForm):
    """What one claim is to say."""

    claim = forms.CharField(max_length=64, widget=forms.HiddenInput)
    value = forms.CharField(max_length=10_000, required=False)


@account_page
def overview(request: HttpRequest) -> HttpResponseBase:
    """Draw where to begin, and what waits for the person."""
    person, own = person_of(request), [_email_waits, _unconfirmed, _invites_wait]
    context = {
        "title": "Your account",
        "notices": [notice for ask in (*own, *NOTICES) if (notice := ask(person)) is not None],
        "sessions": Session.objects.filter(user=person).live().count(),
    }
    return draw(request, "accounts/account/overview.html", context)


def _email_waits(person: User) -> Notice | None:
    change = EmailChange.objects.live().filter(user=person).first()
    text = f"Open the link in the letter to {change.email} to have that address." if change else ""
    return Notice(text, reverse("account-email"), "E-mail") if text else None


def _unconfirmed(person: User) -> Notice | None:
    text = "Your address is not confirmed yet."
    return None if person.email_verified else Notice(text, reverse("account-email"), "E-mail")


def _invites_wait(person: User) -> Notice | None:
    text = "You are invited to another organization."
    is_invited = Invite.objects.of_person(person).exists()
    return Notice(text, reverse("account-organizations"), "Look") if is_invited else None


@account_page
def profile(request: HttpRequest) -> HttpResponseBase:
    """Draw one's profile, and change it: only what was typed, and nothing over what somebody else changed meanwhile."""
    actor, person = actor_of(request), person_of(request)
    if "claim" in request.POST:
        return _claim_set(request, actor, person)
    form, is_overtaken = ProfileForm(request.POST or None, initial=_values(person)), False
    if request.method == "POST" and form.is_valid():
        try:
            user_update(actor=actor, user=person, changes=form.changes, expected_version=form.cleaned_data["version"])
        except VersionConflict:
            now = _values(User.objects.get(pk=person.pk))
            data, meanwhile = form.overtaken(now)
            form, is_overtaken = ProfileForm(data, initial=now), True
            form.add_error(None, overtaken_text(meanwhile))
        except (Invalid, Conflict) as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, "Your profile is saved." if form.changes else "Nothing was changed.")
            return redirect("account-profile")
    return _drawn(request, actor, person, form, status=409 if is_overtaken else 422 if form.errors else 200)


def _refuse(form: ProfileForm, refusal: AccountsError) -> None:
    """Show each input that is wrong, with what is wrong with it."""
    named = {name: problem for name, problem in refusal.fields.items() if name in form.fields}
    for name, problem in named.items():
        form.add_error(name, f"This {problem}.")
    if not named:
        form.add_error(None, f"{refusal.message} {refusal.remedy}")


def _claim_set(request: HttpRequest, actor: Actor, person: User) -> HttpResponse:
    """Set a claim of one's own; an empty one is taken away."""
    form = ClaimForm(request.POST)
    form.full_clean()
    named = form.cleaned_data.get("claim", "")
    claim = next((row for row in _claims(actor, person) if row["row"].public_id == named), None)
    if claim is None:
        raise NotFound("Claim not found.")
    definition, typed = claim["row"], form.cleaned_data.get("value", "")
    try:
        if typed:
            value = read(definition.type, typed)
            user_claims_set(actor=actor, user=person, definition=definition, value=value)
        else:
            user_claims_remove(actor=actor, user=person, definition=definition)
    except (Invalid, Conflict) as refusal:
        wrong = {"claim": named, "typed": typed, "problem": f"{refusal.message} {refusal.remedy}"}
        return _drawn(request, actor, person, ProfileForm(initial=_values(person)), wrong=wrong, status=422)
    messages.success(request, f"{definition.word} is saved.")
    return redirect("account-profile")


def _drawn(
    request: HttpRequest,
    actor: Actor,
    person: User,
    form: ProfileForm,
    *,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"title": "Profile", "form": form, "claims": _claims(actor, person), "wrong": wrong}
    return draw(request, "accounts/account/profile.html", context, status=status)


def _claims(actor: Actor, person: User) -> list[dict[str, Any]]:
    """Give the claims that one may set of oneself, with what each says now."""
    visible = ClaimDefinition.objects.visible_to(actor).filter(organization=person.organization_id, is_editable=True)
    said = dict(ClaimValue.objects.filter(user=person).values_list("definition_id", "value"))
    return [
        {"row": row, "text": _written(row, said[row.pk]) if row.pk in said else "", "hint": HINTS[ClaimType(row.type)]}
        for row in visible.select_related("application").order_by("name", "id")
    ]


def _written(definition: ClaimDefinition, value: Any) -> str:
    """Write a value as ``read`` reads it."""
    is_plain = isinstance(value, str) and definition.type != ClaimType.JSON
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def _values(person: User) -> dict[str, Any]:
    return {**{field: getattr(person, field) for field in PROFILE_FIELDS}, "version": person.version}
