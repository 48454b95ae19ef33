"""The forms about people: filters, profile, a new account."""

import json
from typing import Any

from django import forms
from django.http import QueryDict

from accounts.admin.look_ahead import role_field
from accounts.admin.verbs import HouseForm, VersionedForm
from accounts.models import Organization, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.base import NewPassword
from accounts.secrets import generate_password
from accounts.statuses import Status

__all__ = ["CreateForm", "FilterForm", "ProfileForm"]

QUIET = {"autocomplete": "off"}


class FilterForm(forms.Form):
    """The filters of ``user_list``, by the same words."""

    search = forms.CharField(
        required=False,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Name, e-mail, username or id", "spellcheck": "false", **QUIET}
        ),
    )
    status = forms.ChoiceField(
        required=False,
        choices=(
            ("", "All in use"),
            *((str(status), str(status).capitalize()) for status in Status),
            ("all", "Every status"),
        ),
    )
    role = role_field(required=False)
    tag = forms.CharField(required=False, widget=forms.TextInput(attrs=QUIET))
    claim = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "department=Sales", **QUIET}),
    )
    inactive_since = forms.CharField(
        label="Silent since",
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "90d or 2026-01-01", **QUIET}),
    )
    unverified = forms.CharField(
        label="Address not confirmed", required=False, widget=forms.CheckboxInput(attrs={"value": "true"})
    )
    never_signed_in = forms.CharField(
        label="Never signed in", required=False, widget=forms.CheckboxInput(attrs={"value": "true"})
    )


class ProfileForm(VersionedForm):
    """A person's profile."""

    beside = VersionedForm.beside | {"skip_verification"}

    email = forms.CharField(label="E-mail", max_length=254)
    skip_verification = forms.BooleanField(label="A new address is confirmed already", required=False)
    username = forms.CharField(max_length=64, required=False)
    name = forms.CharField(
        max_length=200,
        required=False,
        help_text="As it is shown. Empty: given and family name.",
    )
    given_name = forms.CharField(max_length=100, required=False)
    family_name = forms.CharField(max_length=100, required=False)
    nickname = forms.CharField(max_length=100, required=False)
    phone_number = forms.CharField(max_length=32, required=False)
    locale = forms.CharField(label="Language", max_length=35, required=False, help_text="Such as en or pt-BR.")
    zoneinfo = forms.CharField(label="Time zone", max_length=64, required=False, help_text="Such as Europe/Berlin.")
    picture = forms.CharField(max_length=500, required=False, help_text="An address.")
    bio = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    tags = forms.CharField(max_length=7_000, required=False, help_text="Separated by commas.")
    metadata = forms.CharField(
        max_length=100_000,
        required=False,
        help_text="A JSON object.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    reason = forms.CharField(max_length=500, required=False, help_text="Kept in the audit trail.")

    def __init__(self, data: QueryDict | None = None, *, own_profile_only: bool = False, **options: Any) -> None:
        super().__init__(data, **options)
        if own_profile_only:
            for name in set(self.fields) - {*PROFILE_FIELDS, "reason", "version"}:
                del self.fields[name]
        for bound in self.fields.values():
            bound.widget.attrs.setdefault("autocomplete", "off")

    def clean_metadata(self) -> Any:
        """Read the JSON."""
        text = self.cleaned_data["metadata"].strip() or "{}"
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise forms.ValidationError("This is not JSON. An empty object is {}.") from None

    def clean_tags(self) -> list[str]:
        """Split at commas."""
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]

    @property
    def changes(self) -> dict[str, Any]:
        """What to change."""
        changes = super().changes
        return {**changes, "username": changes["username"] or None} if "username" in changes else changes


def profile_values(user: User) -> dict[str, Any]:
    """Give what the profile form begins with."""
    return {
        **{field: getattr(user, field) for field in PROFILE_FIELDS},
        "email": user.email or "",
        "username": user.username or "",
        "tags": ", ".join(sorted(tag.name for tag in user.tags.all())),
        "metadata": json.dumps(user.metadata, ensure_ascii=False, indent=2) if user.metadata else "",
        "version": user.version,
    }


class CreateForm(HouseForm):
    """A new account."""

    organization = forms.ChoiceField()
    email = forms.CharField(label="E-mail", max_length=254, widget=forms.TextInput(attrs=QUIET))
    name = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs=QUIET))
    username = forms.CharField(
        max_length=64,
        required=False,
        help_text="To sign in with instead of the address.",
        widget=forms.TextInput(attrs=QUIET),
    )
    roles = forms.MultipleChoiceField(
        required=False,
        help_text="Everybody is a member. You can give what you may do yourself.",
        widget=forms.CheckboxSelectMultiple,
    )
    role = role_field(
        label="Another role",
        required=False,
        help_text="One that the organization or an application of it has. More on the tab “Roles” later.",
    )
    password = forms.ChoiceField(
        choices=(
            ("link", "They set one by a link in a letter, which confirms the address too"),
            ("none", "None for now: they cannot sign in with a password yet"),
            ("generate", "Generate one, show it once, to be changed at the first sign-in"),
        ),
        initial="generate",
        widget=forms.RadioSelect,
    )
    verified = forms.BooleanField(label="The address is confirmed already", required=False)
    tags = forms.CharField(
        max_length=7_000, required=False, help_text="Separated by commas.", widget=forms.TextInput(attrs=QUIET)
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="Kept in the audit trail.", widget=forms.TextInput(attrs=QUIET)
    )

    def __init__(
        self, data: QueryDict | None = None, *, organizations: list[Organization], roles: list[str], **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)
        self.offer("roles", [(role, role.capitalize()) for role in roles if role != "member"])
        self.secret = ""

    def arguments(self) -> dict[str, Any]:
        """Give the arguments of the operation; a generated password is kept to be shown."""
        values = self.cleaned_data
        if values["password"] == "generate":  # noqa: S105 -- a choice
            self.secret = generate_password()
        return {
            "email": values["email"],
            "username": values["username"] or None,
            "profile": {"name": values["name"]} if values["name"] else {},
            "password": NewPassword(self.secret) if self.secret else None,
            "verified": values["verified"],
            "send_link": values["password"] == "link",  # noqa: S105 -- a choice
            "roles": ["member", *values["roles"], *filter(None, [values["role"]])],
            "tags": [tag.strip() for tag in values["tags"].split(",") if tag.strip()],
            "reason": values["reason"],
        }
