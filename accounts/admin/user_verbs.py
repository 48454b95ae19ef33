"""The verbs on people, as the admin offers them."""

from typing import Any, Final

from django import forms

from accounts.actions import Action
from accounts.admin.impersonation import ImpersonateForm
from accounts.admin.verbs import EndField, ReasonForm, Verb, VerbForm, called_on
from accounts.models import User
from accounts.operations.base import NewPassword
from accounts.operations.factors import user_disable_two_factor, user_reset_two_factor
from accounts.operations.impersonation import user_impersonate
from accounts.operations.recovery import user_reset_password
from accounts.operations.statuses import STATUS_VERBS, StatusVerb
from accounts.operations.users import (
    user_confirm,
    user_set,
    user_set_password,
    user_sign_out,
    user_tag,
    user_unconfirm,
    user_untag,
)
from accounts.secrets import generate_password
from accounts.statuses import Status, next_status

__all__ = ["USER_VERBS"]

ERASED = {Status.PURGING, Status.PURGED}
FLAG = (("", "Leave as it is"), ("yes", "Yes"), ("no", "No"))
DONE = {
    "suspend": "is suspended",
    "activate": "is active again",
    "lock": "is locked",
    "unlock": "is unlocked",
    "archive": "is archived",
    "restrict": "is restricted",
    "unrestrict": "is no longer restricted",
}


class LockForm(ReasonForm):
    """A lock, perhaps with an end."""

    until = EndField(
        label="Until",
        help_text="Empty: until somebody unlocks. Or 2h, 7d, or a day such as 2026-12-31 (through that day, UTC).",
    )

    def arguments(self) -> dict[str, Any]:
        """Give reason and end."""
        return {**super().arguments(), "until": self.value("until")}


class TagForm(ReasonForm):
    """Tags, and a reason."""

    needs_input = True
    field_order = ("tags", "reason")
    tags = forms.CharField(
        max_length=1_000, help_text="Separated by commas.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def arguments(self) -> dict[str, Any]:
        """Give tags and reason."""
        tags = [tag.strip() for tag in (self.value("tags") or "").split(",") if tag.strip()]
        return {**super().arguments(), "tags": tags}


class SetForm(ReasonForm):
    """Flags: each set, unset or left."""

    needs_input = True
    field_order = ("admin", "moderator", "confirmed", "locked", "reason")
    admin = forms.ChoiceField(label="Has the role admin", choices=FLAG, required=False)
    moderator = forms.ChoiceField(label="Has the role moderator", choices=FLAG, required=False)
    confirmed = forms.ChoiceField(label="E-mail address is confirmed", choices=FLAG, required=False)
    locked = forms.ChoiceField(label="Is locked out", choices=FLAG, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a form that sets nothing."""
        if not any(self.cleaned_data.get(name) for name in ("admin", "moderator", "confirmed", "locked")):
            raise forms.ValidationError("Choose at least one thing to set.")
        return self.cleaned_data

    def arguments(self) -> dict[str, Any]:
        """Give what is set, and the reason."""
        words = {"yes": True, "no": False}
        flags = {name: words.get(self.value(name) or "") for name in ("admin", "moderator", "confirmed", "locked")}
        return {**super().arguments(), **flags}


class PasswordForm(VerbForm):
    """A new password: generated and shown once, or typed twice."""

    needs_input = True
    previews = False
    how = forms.ChoiceField(
        label="Password",
        choices=(("generate", "Generate one and show it once"), ("typed", "I type one")),
        initial="generate",
        widget=forms.RadioSelect,
    )
    password = forms.CharField(
        label="New password",
        strip=False,
        required=False,
        help_text="15 to 128 characters. Only if you type one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="New password, once more",
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    must_change = forms.BooleanField(label="To be changed at the next sign-in", required=False, initial=True)
    keep_sessions = forms.BooleanField(label="Leave them signed in where they are", required=False)
    reason = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        values = self.cleaned_data
        if values.get("how") == "typed" and not values.get("password"):
            self.add_error("password", "Type the new password, or let one be generated.")
        elif values.get("how") == "typed" and values.get("password") != values.get("again"):
            self.add_error("again", "This is not the same as above. Type both again.")
        return values

    def arguments(self) -> dict[str, Any]:
        """Give the password; a generated one is kept to be shown."""
        values = self.cleaned_data
        if values["how"] == "generate":
            self.secret = generate_password()
        return {
            "password": NewPassword(self.secret or values["password"]),
            "must_change_password": values["must_change"],
            "keep_sessions": values["keep_sessions"],
            "reason": values["reason"],
        }


def _status(verb: StatusVerb) -> Verb:
    def leads_on(user: User) -> bool:
        before = Status(user.status_before) if user.status_before else None
        return next_status(verb.word, user.current_status, before) is not None

    return Verb(
        action=verb.action,
        label=verb.word.capitalize(),
        done=DONE[verb.word],
        summary=verb.summary,
        call=called_on("user", verb.run),
        form=LockForm if verb.takes_end else ReasonForm,
        is_grave=verb.word in {"suspend", "lock", "archive", "restrict"},
        fits=leads_on,
    )


def _is_kept(user: User) -> bool:
    return user.current_status not in ERASED


OTHERS: Final = (
    Verb(
        action=Action.USER_SIGN_OUT,
        label="Sign out",
        done="is signed out everywhere",
        summary="End every session. API keys stay.",
        call=called_on("user", user_sign_out),
    ),
    Verb(
        action=Action.USER_SET_PASSWORD,
        label="Set password",
        done="has a new password",
        summary="Give the account another password. The person is told by letter.",
        call=called_on("user", user_set_password),
        form=PasswordForm,
        takes_many=False,
        fits=_is_kept,
    ),
    Verb(
        action=Action.USER_RESET_PASSWORD,
        label="Send reset link",
        done="gets a letter with a link",
        summary="Send a letter with a link to set a new password, good for an hour. The present one works until then.",
        call=called_on("user", user_reset_password),
        effect=lambda user: f"a letter with a link goes to {user.email}; links from earlier such letters die",
        fits=lambda user: user.may_sign_in,
    ),
    Verb(
        action=Action.USER_DISABLE_TWO_FACTOR,
        label="Disable second factor",
        done="has no second factor",
        summary="Take all second factors away and end every session. One is asked for again only where it is required.",
        call=called_on("user", user_disable_two_factor),
        is_grave=True,
        fits=_is_kept,
    ),
    Verb(
        action=Action.USER_RESET_TWO_FACTOR,
        label="Reset second factor",
        done="is asked for a new second factor",
        summary="Take all second factors away, end every session, and ask for a new one at the next sign-in.",
        call=called_on("user", user_reset_two_factor),
        is_grave=True,
        fits=_is_kept,
    ),
    Verb(
        action=Action.USER_CONFIRM,
        label="Confirm e-mail",
        done="has a confirmed address",
        summary="Mark the e-mail address as confirmed.",
        call=called_on("user", user_confirm),
        fits=lambda user: _is_kept(user) and not user.email_verified,
    ),
    Verb(
        action=Action.USER_UNCONFIRM,
        label="Unconfirm e-mail",
        done="has an unconfirmed address",
        summary="Mark the e-mail address as not confirmed.",
        call=called_on("user", user_unconfirm),
        fits=lambda user: _is_kept(user) and user.email_verified,
    ),
    Verb(
        action=Action.USER_TAG,
        label="Tag",
        done="is tagged",
        summary="Pin tags to people, to find them by.",
        call=called_on("user", user_tag),
        form=TagForm,
        fits=_is_kept,
    ),
    Verb(
        action=Action.USER_UNTAG,
        label="Untag",
        done="has fewer tags",
        summary="Take tags off.",
        call=called_on("user", user_untag),
        form=TagForm,
        fits=lambda user: _is_kept(user) and bool(user.tags.all()),
    ),
    Verb(
        action=Action.USER_SET,
        label="Set roles and flags",
        done="is changed",
        summary="Set roles, confirmation and lock at once; what is left alone stays.",
        call=called_on("user", user_set),
        form=SetForm,
        fits=_is_kept,
    ),
    Verb(
        action=Action.USER_IMPERSONATE,
        label="Impersonate",
        done="is who you act as",
        summary="Look at the service as this person does. Only what they see, and their own profile and claims: no "
        "password, no address, no factors, no export, nobody else. All of it is recorded, with your name. Your own "
        "session waits until you stop.",
        call=called_on("user", user_impersonate),
        form=ImpersonateForm,
        takes_many=False,
        fits=lambda user: user.may_sign_in,
    ),
)
USER_VERBS: Final = {verb.word: verb for verb in (*(_status(verb) for verb in STATUS_VERBS.values()), *OTHERS)}
