"""Users: make, change, confirm, tag, set."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotAllowed
from accounts.json_values import json_object_checked
from accounts.models import ClaimDefinition, FailedTries, Membership, Organization, User, UserTag
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.base import NewPassword, differences, expect_version, operation
from accounts.operations.claims import put_claims
from accounts.operations.credentials import end_credentials, guard_changeable, renew_key
from accounts.operations.links import void
from accounts.operations.outbox import tell
from accounts.operations.roles import give_role, role_slugs, roles_named, take_role
from accounts.operations.statuses import change_status
from accounts.operations.tries import check_present_password, guard_password_unchanged
from accounts.passwords import hashed
from accounts.profile import profile_checked, reason_checked, tags_checked
from accounts.statuses import OrganizationStatus, Status

__all__ = [
    "create_account",
    "hash_new_password",
    "put_tags",
    "refuse_taken",
    "take_address",
    "user_change_password",
    "user_confirm",
    "user_create",
    "user_set",
    "user_set_password",
    "user_sign_out",
    "user_tag",
    "user_unconfirm",
    "user_untag",
    "user_update",
]

UPDATABLE = frozenset({*PROFILE_FIELDS, "email", "username", "metadata", "tags"})


def hash_new_password(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Check and hash the new password among an operation's arguments, if there is one."""
    password: NewPassword | None = arguments.get("password")
    if password is None:
        return {}
    user: User | None = arguments.get("user")
    profile = arguments.get("profile") or {}
    organization: Organization = user.organization if user else arguments["organization"]
    about = (
        (user.email, user.username, user.display_name)
        if user
        else (arguments.get("email"), arguments.get("username"), *profile.values())
    )
    return {"password": password.prepared(*about, organization.slug, organization.name)}


@operation(Action.USER_CREATE, prepare=hash_new_password)
def user_create(
    *,
    actor: Actor,
    organization: Organization,
    email: str,
    username: str | None = None,
    profile: Mapping[str, str] | None = None,
    password: NewPassword | None = None,
    must_change_password: bool = True,
    verified: bool = False,
    roles: Sequence[str] = ("member",),
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
    claims: Iterable[tuple[ClaimDefinition, Any]] = (),
    send_link: bool = False,
    reason: str = "",
) -> User:
    """Make an account in its home organization, with its membership and roles.

    :param claims: each with its value
    :param send_link: send a letter with a link: to set a password where there is none (which confirms the
        address too), else to confirm the address
    :raises NotFound: if the organization, or a claim of it, does not exist for the actor
    :raises NotAllowed: without the permission, or giving a role that permits more than the actor has
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if the e-mail address or username is taken, or the organization is archived
    """
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, Action.USER_CREATE, organization)
    user = create_account(
        actor,
        organization,
        email=email,
        username=username,
        profile=profile or {},
        password=password,
        must_change_password=must_change_password,
        verified=verified,
        roles=roles,
        tags=tags,
        metadata=metadata or {},
    )
    said = put_claims(actor, user, claims)
    after = {**_shown(user), **({"claims": said} if said else {})}
    audit.record(actor, Action.USER_CREATE, user, reason=reason_checked(reason), after=after)
    if send_link:
        tell(user, _first_letter(user))
    return user


def _first_letter(user: User) -> str:
    """Say which letter brings a new account its link."""
    if not user.has_usable_password():
        return "welcome"
    if user.email_verified:
        raise Invalid(
            "There is nothing to send a link for.",
            remedy="The account has a password and a confirmed address.",
            fields={"send_link": "has nothing to do"},
        )
    return "confirm_email"


def create_account(
    actor: Actor,
    organization: Organization,
    *,
    email: str,
    username: str | None = None,
    profile: Mapping[str, str],
    password: NewPassword | None = None,
    must_change_password: bool = False,
    verified: bool = False,
    is_superuser: bool = False,
    roles: Sequence[str] = ("member",),
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any],
    status: Status = Status.ACTIVE,
) -> User:
    """Make the rows of an account, in the caller's transaction with the organization locked."""
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    user = User(organization=organization, is_superuser=is_superuser, status=status, **profile_checked(profile))
    user.set_email(email, verified_at=timezone.now() if verified else None)
    user.set_username(username)
    refuse_taken(user)
    user.metadata = json_object_checked(metadata, field="metadata")
    user.password = password.hash if password else hashed(None)
    user.must_change_password = must_change_password and password is not None
    user.save(force_insert=True)
    membership = Membership.objects.create(organization=organization, user=user)
    for role in roles_named(organization, [*roles, "member"]):
        give_role(actor, membership, role, organization)
    put_tags(user, tags_checked(tags))
    return user


def refuse_taken(user: User) -> None:
    """Say which identifier is taken (the organization's row is locked, the constraints stand behind it).

    :raises Conflict: naming it
    """
    others = User.objects.filter(organization_id=user.organization_id).exclude(pk=user.pk)
    if others.filter(email_key=user.email_key).exists():
        raise Conflict(
            "The e-mail address already has an account in this organization.",
            remedy="Use that account, or another address.",
            fields={"email": "taken"},
        )
    if user.username_key and others.filter(username_key=user.username_key).exists():
        raise Conflict(
            "The username is taken in this organization.", remedy="Choose another.", fields={"username": "taken"}
        )


@operation(Action.USER_UPDATE)
def user_update(
    *,
    actor: Actor,
    user: User,
    changes: Mapping[str, Any],
    metadata_set: Mapping[str, Any] | None = None,
    metadata_remove: Iterable[str] = (),
    skip_verification: bool = False,
    reason: str = "",
    expected_version: int | None = None,
) -> User:
    """Change the fields that are named and leave the others; what is already so changes nothing.

    A new e-mail address counts at once and is unconfirmed unless ``skip_verification``. People
    change their own profile fields only.

    :param changes: profile fields, ``email``, ``username``, ``metadata`` (replaces all), ``tags`` (replaces all)
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, on somebody more powerful, or beyond one's own profile
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if an identifier is taken, the version is another one, or the account is being erased
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_UPDATE, user)
    if user.pk == actor.user_id and not actor.holds(Action.USER_UPDATE, user.organization_id):
        _own_profile_only({*changes, *(["metadata"] if metadata_set or metadata_remove else [])})
    expect_version(user, expected_version)
    guard_changeable(user)
    if unknown := sorted(set(changes) - UPDATABLE):
        raise Invalid(f"Unknown field: {unknown[0]}.", fields=dict.fromkeys(unknown, "is not a field of the user"))

    before = _shown(user)
    profile = profile_checked({field: changes[field] for field in PROFILE_FIELDS if field in changes})
    for field, value in profile.items():
        setattr(user, field, value)
    ended: dict[str, int] = {}
    if "email" in changes:
        policy.require_all_theirs(actor, Action.USER_UPDATE, user)
        if changes["email"] != user.email:  # a link to set a password goes there from now on
            policy.require_shown(actor)
        ended = take_address(user, changes["email"], Action.USER_UPDATE, verified=skip_verification)
    if "username" in changes:
        user.set_username(changes["username"])
    refuse_taken(user)
    replaced = json_object_checked(changes.get("metadata", user.metadata), field="metadata")
    metadata = {**replaced, **(metadata_set or {})}
    for key in metadata_remove:
        metadata.pop(key, None)
    user.metadata = json_object_checked(metadata, field="metadata")
    if "tags" in changes:
        put_tags(user, tags_checked(changes["tags"]))
    return _finish(actor, Action.USER_UPDATE, user, before, reason=reason, ended=ended)


def take_address(user: User, email: str, action: Action, *, verified: bool) -> dict[str, int]:
    """Give the account another address; links sent to the old one die, and whoever reads either is told.

    The caller saves it, and says that it is taken if it is.
    """
    old, old_key, was_verified = user.email, user.email_key, user.email_verified_at
    user.set_email(email, verified_at=timezone.now() if verified else None)
    if user.email_key == old_key:
        user.email_verified_at = was_verified or user.email_verified_at
        return {}
    tell(user, "email_changed", address=old or "")
    links = void(user, action)
    if not verified and user.may_sign_in:
        tell(user, "confirm_email")
    return {"links": links} if links else {}


def _own_profile_only(fields: set[str]) -> None:
    if beyond := sorted(fields - set(PROFILE_FIELDS)):
        raise NotAllowed(
            f"You may change your profile, not your {beyond[0]}.",
            remedy="Ask an admin of the organization.",
            fields={"permission": str(Action.USER_UPDATE)},
        )


@operation(Action.USER_SET_PASSWORD, prepare=hash_new_password)
def user_set_password(
    *,
    actor: Actor,
    user: User,
    password: NewPassword,
    must_change_password: bool = True,
    keep_sessions: bool = False,
    reason: str = "",
    expected_version: int | None = None,
) -> User:
    """Give an account another password; its sessions and links end, and the person is told by letter.

    :param must_change_password: ask for another one at the next sign-in
    :param keep_sessions: leave the sessions; links end all the same
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Invalid: if the password may not be used
    :raises Conflict: if the account is being erased
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_SET_PASSWORD, user)
    policy.require_all_theirs(actor, Action.USER_SET_PASSWORD, user)
    expect_version(user, expected_version)
    guard_changeable(user)
    user.password = password.hash
    user.must_change_password = must_change_password
    user.touch()
    user.save()
    FailedTries.objects.set_back(user.pk)
    ended = end_credentials(user, Action.USER_SET_PASSWORD, keys=False, sessions=not keep_sessions)
    audit.record(actor, Action.USER_SET_PASSWORD, user, reason=reason_checked(reason), ended=ended)
    tell(user, "password_changed")
    return user


def _check_current(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Check the password in use, then check and hash the new one, outside the transaction."""
    checked = check_present_password(arguments)
    if arguments["password"].is_same_as(arguments["current_password"]):
        raise Invalid(
            "The new password is the present one.",
            remedy="Choose another.",
            fields={"password": "is the present one"},
        )
    return {**hash_new_password(arguments), **checked}


@operation(Action.USER_CHANGE_PASSWORD, prepare=_check_current)
def user_change_password(
    *, actor: Actor, user: User, current_password: str, password: NewPassword, key_hash: str = "", checked: str = ""
) -> User:
    """Change one's own password; one's other sessions and links end, and the person is told by letter.

    :param key_hash: of the fresh key of the browser that it is done in
    :raises NotFound: if it is somebody else's account
    :raises NotRecent: if they showed too long ago who they are
    :raises Invalid: if the present password is wrong, or the new one may not be used
    :raises Conflict: if the password was changed at the same moment
    :raises Throttled: after too many wrong ones
    """
    user = User.objects.locked(user)
    guard_password_unchanged(user, checked)
    user.password = password.hash
    user.must_change_password = False
    user.touch()
    user.save()
    FailedTries.objects.set_back(user.pk)
    ended = end_credentials(user, Action.USER_CHANGE_PASSWORD, keys=False, but=actor.session_id)
    if key_hash:
        renew_key(actor, user, key_hash)
    audit.record(actor, Action.USER_CHANGE_PASSWORD, user, ended=ended)
    tell(user, "password_changed")
    return user


@operation(Action.USER_CONFIRM)
def user_confirm(*, actor: Actor, user: User, reason: str = "", expected_version: int | None = None) -> User:
    """Mark the e-mail address as confirmed; again changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if the account is being erased
    """
    return _confirm(actor, Action.USER_CONFIRM, user, confirmed=True, reason=reason, expected_version=expected_version)


@operation(Action.USER_UNCONFIRM)
def user_unconfirm(*, actor: Actor, user: User, reason: str = "", expected_version: int | None = None) -> User:
    """Mark the e-mail address as not confirmed; again changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if the account is being erased
    """
    return _confirm(
        actor, Action.USER_UNCONFIRM, user, confirmed=False, reason=reason, expected_version=expected_version
    )


def _confirm(
    actor: Actor, action: Action, user: User, *, confirmed: bool, reason: str, expected_version: int | None
) -> User:
    user = User.objects.locked(user)
    policy.require(actor, action, user)
    expect_version(user, expected_version)
    guard_changeable(user)
    before = _shown(user)
    _set_confirmed(user, confirmed)
    return _finish(actor, action, user, before, reason=reason)


def _set_confirmed(user: User, confirmed: bool) -> None:
    if user.email_verified != confirmed:
        user.email_verified_at = timezone.now() if confirmed else None


@operation(Action.USER_TAG)
def user_tag(
    *, actor: Actor, user: User, tags: Iterable[str], reason: str = "", expected_version: int | None = None
) -> User:
    """Pin tags to a person; those already there stay.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Invalid: if a tag cannot be one
    :raises Conflict: if the account is being erased
    """
    return _retag(actor, Action.USER_TAG, user, tags, reason=reason, expected_version=expected_version)


@operation(Action.USER_UNTAG)
def user_untag(
    *, actor: Actor, user: User, tags: Iterable[str], reason: str = "", expected_version: int | None = None
) -> User:
    """Take tags off a person; those not there change nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Invalid: if a tag cannot be one
    :raises Conflict: if the account is being erased
    """
    return _retag(actor, Action.USER_UNTAG, user, tags, reason=reason, expected_version=expected_version)


def _retag(
    actor: Actor, action: Action, user: User, tags: Iterable[str], *, reason: str, expected_version: int | None
) -> User:
    user = User.objects.locked(user)
    policy.require(actor, action, user)
    expect_version(user, expected_version)
    guard_changeable(user)
    before = _shown(user)
    named = set(tags_checked(tags))
    present = set(before["tags"])
    put_tags(user, tags_checked(present | named if action is Action.USER_TAG else present - named))
    return _finish(actor, action, user, before, reason=reason)


def put_tags(user: User, tags: Sequence[str]) -> None:
    """Give an account these tags and no other, in the caller's transaction."""
    present = set(user.tags.values_list("name", flat=True))
    user.tags.filter(name__in=present - set(tags)).delete()
    UserTag.objects.bulk_create(
        UserTag(organization_id=user.organization_id, user=user, name=tag) for tag in tags if tag not in present
    )


@operation(Action.USER_SET)
def user_set(
    *,
    actor: Actor,
    user: User,
    admin: bool | None = None,
    moderator: bool | None = None,
    confirmed: bool | None = None,
    locked: bool | None = None,
    reason: str = "",
    expected_version: int | None = None,
) -> User:
    """Set what is named and leave the rest, in one transaction; what is already so changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, on somebody more powerful, or giving more than one has
    :raises Conflict: if the status cannot be left that way, or for the last owner and last super-user
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_SET, user)
    expect_version(user, expected_version)
    guard_changeable(user)
    before = _shown(user)
    reason = reason_checked(reason)
    home = Membership.objects.get(user=user, organization_id=user.organization_id)
    for slug, wanted in {"admin": admin, "moderator": moderator}.items():
        if wanted is not None:
            (role,) = roles_named(user.organization, [slug])
            (give_role if wanted else take_role)(actor, home, role, user.organization)
    if confirmed is not None:
        _set_confirmed(user, confirmed)
    ended: dict[str, int] = {}
    if locked is not None and locked != (user.current_status is Status.LOCKED):
        _, ended = change_status(user, "lock" if locked else "unlock", reason=reason)
    return _finish(actor, Action.USER_SET, user, before, reason=reason, ended=ended)


@operation(Action.USER_SIGN_OUT)
def user_sign_out(
    *, actor: Actor, user: User, but_here: bool = False, reason: str = "", expected_version: int | None = None
) -> User:
    """End every session of a person; API keys stay.

    :param but_here: the session that this is done in stays
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_SIGN_OUT, user)
    expect_version(user, expected_version)
    but = actor.session_id if but_here else None
    if ended := end_credentials(user, Action.USER_SIGN_OUT, keys=False, but=but):
        audit.record(actor, Action.USER_SIGN_OUT, user, reason=reason_checked(reason), ended=ended)
    return user


def _finish(
    actor: Actor,
    action: Action,
    user: User,
    before: Mapping[str, Any],
    *,
    reason: str,
    ended: Mapping[str, int] | None = None,
) -> User:
    """Store and record a change, if it is one."""
    changed = differences(before, _shown(user))
    if changed["after"]:
        if user.version == before["version"]:
            user.touch()
        user.save()
        for state in changed.values():
            state.pop("version", None)
        audit.record(actor, action, user, reason=reason_checked(reason), **changed, ended=dict(ended or {}))
    return user


def _shown(user: User) -> dict[str, Any]:
    """Give what an account shows of itself, for before and after."""
    home = Membership.objects.get(user=user, organization_id=user.organization_id)
    return {
        **{field: getattr(user, field) for field in ("email", "email_verified", "username", *PROFILE_FIELDS)},
        "metadata": user.metadata,
        "tags": sorted(user.tags.values_list("name", flat=True)),
        "roles": role_slugs(home),
        "status": str(user.status),
        "status_reason": user.status_reason,
        "status_until": user.status_until.isoformat() if user.status_until else None,
        "version": user.version,
    }
