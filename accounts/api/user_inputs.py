"""What requests about users may say."""

from rest_framework import serializers

from accounts.api.inputs import Duration, Flag, Input, JSONObject, Number, ReasonInput, Text, Texts

__all__ = [
    "FilterInput",
    "ImpersonateInput",
    "LockInput",
    "PasswordInput",
    "ProfileInput",
    "SearchInput",
    "SetInput",
    "TagsInput",
    "UserCreateInput",
    "UserUpdateInput",
]


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


class ImpersonateInput(Input):
    """Why somebody acts as another person, and for how long."""

    reason = Text(max_length=500, help_text="kept in the audit trail, and shown to the person")
    duration = Duration(required=False, help_text="`15m`, `1h`: up to the organization's `impersonation_max`; `30m`")


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
