"""Applications: what people sign in to, and the free words that they define for themselves."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotFound
from accounts.models import Application, ClaimDefinition, Organization, Permission, RoleAssignment, RolePermission
from accounts.operations.base import differences, expect_version, operation, slug_checked
from accounts.operations.claims import end_claims
from accounts.operations.roles import end_roles, touch_holders
from accounts.permissions import free_word_checked
from accounts.profile import line_checked, reason_checked, text_checked
from accounts.statuses import OrganizationStatus

__all__ = ["APPLICATIONS", "PERMISSIONS", "app_create", "app_delete", "app_update"]

NAME_LENGTH: Final = 200
DESCRIPTION_LENGTH: Final = 500
MEANING_LENGTH: Final = 200
APPLICATIONS: Final = 200
"""How many an organization has at most."""
PERMISSIONS: Final = 500
"""How many free words all applications of an organization define at most."""


@operation(Action.APP_CREATE)
def app_create(
    *,
    actor: Actor,
    organization: Organization,
    slug: str,
    name: str,
    description: str = "",
    permissions: Mapping[str, str] | None = None,
    reason: str = "",
) -> Application:
    """Make an application of an organization.

    :param permissions: the free words that it defines, each with its meaning or ``""``
    :raises NotFound: if the organization does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if the slug is taken, the organization is archived, or has too many applications or free words
    """
    organization = _locked_organization(organization)
    actor = policy.current(actor)
    policy.require(actor, Action.APP_CREATE, organization)
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    if Application.objects.filter(organization=organization).count() >= APPLICATIONS:
        raise Conflict(
            f"The organization has {APPLICATIONS} applications.", remedy="Delete one that nobody needs: app_delete."
        )
    application = Application(
        organization=organization,
        slug=slug_checked(slug),
        name=text_checked("name", name, longest=NAME_LENGTH),
        description=line_checked("description", description, longest=DESCRIPTION_LENGTH),
    )
    _refuse_taken(application)
    application.save(force_insert=True)
    _put_words(application, permissions or {})
    audit.record(actor, Action.APP_CREATE, application, reason=reason_checked(reason), after=_shown(application))
    return application


@operation(Action.APP_UPDATE)
def app_update(
    *,
    actor: Actor,
    application: Application,
    slug: str | None = None,
    name: str | None = None,
    description: str | None = None,
    permissions: Mapping[str, str] | None = None,
    add_permissions: Mapping[str, str] | None = None,
    remove_permissions: Iterable[str] = (),
    reason: str = "",
    expected_version: int | None = None,
) -> Application:
    """Change what is named of an application; what is already so changes nothing.

    :param permissions: replaces all free words; ``add_permissions`` and ``remove_permissions`` change single ones
    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if the slug is taken, a role holds a word that would go, there are too many, or the version is
        another one
    """
    actor, application = _locked(actor, Action.APP_UPDATE, application)
    expect_version(application, expected_version)
    before = _shown(application)
    if slug is not None:
        application.slug = slug_checked(slug)
        _refuse_taken(application)
    if name is not None:
        application.name = text_checked("name", name, longest=NAME_LENGTH)
    if description is not None:
        application.description = line_checked("description", description, longest=DESCRIPTION_LENGTH)
    wanted = {**(before["permissions"] if permissions is None else permissions), **(add_permissions or {})}
    _put_words(application, {word: text for word, text in wanted.items() if word not in set(remove_permissions)})
    changed = differences(before, _shown(application))
    if changed["after"]:
        application.version += 1
        application.updated_at = timezone.now()
        application.save()
        if "slug" in changed["after"]:
            touch_holders(RoleAssignment.objects.filter(role__application=application))
        audit.record(actor, Action.APP_UPDATE, application, reason=reason_checked(reason), **changed)
    return application


@operation(Action.APP_DELETE)
def app_delete(
    *, actor: Actor, application: Application, reason: str = "", expected_version: int | None = None
) -> dict[str, int]:
    """Delete an application with its roles and claims, for everybody who has them; says how many of each.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission, or if somebody more powerful has one of its roles
    :raises Conflict: if the version is another one
    """
    actor, application = _locked(actor, Action.APP_DELETE, application)
    expect_version(application, expected_version)
    before = _shown(application)
    ended = _end_what_belongs(actor, application)
    audit.record(actor, Action.APP_DELETE, application, reason=reason_checked(reason), before=before, ended=ended)
    application.delete()
    return ended


def _end_what_belongs(actor: Actor, application: Application) -> dict[str, int]:
    """Take away what cannot be without its application, in the caller's transaction; says how many of each kind.

    Here, and nowhere else, stands what goes along: whatever points at an application by ``PROTECT``.
    """
    roles = list(application.roles.select_related("organization", "application"))
    ended = end_roles(actor, Action.APP_DELETE, roles)
    if roles:
        ended["roles"] = application.roles.all().delete()[1]["accounts.Role"]
    claims = ClaimDefinition.objects.filter(application=application).select_related("organization", "application")
    return {**ended, **end_claims(actor, claims)}


def _locked_organization(organization: Organization) -> Organization:
    (held,) = Organization.objects.locked(organization.pk)
    return held


def _locked(actor: Actor, action: Action, application: Application) -> tuple[Actor, Application]:
    """Hold an application's organization, then read application and actor again."""
    Organization.objects.locked(application.organization_id)
    held = Application.objects.select_related("organization").filter(pk=application.pk).first()
    if held is None:
        raise NotFound("Application not found.")
    actor = policy.current(actor)
    policy.require(actor, action, held)
    return actor, held


def _refuse_taken(application: Application) -> None:
    others = Application.objects.filter(organization_id=application.organization_id, slug=application.slug)
    if others.exclude(pk=application.pk).exists():
        raise Conflict("The slug is taken.", remedy="Choose another.", fields={"slug": "taken"})


def _put_words(application: Application, wanted: Mapping[str, str]) -> None:
    """Define these free words and no others (the organization is locked)."""
    present = dict(application.permissions.values_list("word", "description"))
    texts = {
        word: line_checked("permissions", text, longest=MEANING_LENGTH)
        for word, text in wanted.items()
        if present.get(word) != text
    }
    fresh = sorted(free_word_checked(word) for word in texts if word not in present)
    others = Permission.objects.filter(organization_id=application.organization_id).exclude(application=application)
    if fresh and others.count() + len(wanted) > PERMISSIONS:
        raise Conflict(
            f"The applications of an organization define {PERMISSIONS} permissions at most.",
            remedy="Remove some that no role holds: app_update.",
            fields={"permissions": f"at most {PERMISSIONS}"},
        )
    gone = sorted(set(present) - set(wanted))
    holding = RolePermission.objects.filter(role__application=application, permission__in=gone)
    if held := holding.select_related("role").order_by("permission").first():
        raise Conflict(
            f"The role {held.role.slug} holds {held.permission}.",
            remedy="Take it out of the roles first: role_update.",
            fields={"permissions": f"held by a role: {held.permission}"},
        )
    application.permissions.filter(word__in=gone).delete()
    for row in application.permissions.filter(word__in=texts):
        row.description = texts[row.word]
        row.save()
    Permission.objects.bulk_create(
        Permission(
            organization_id=application.organization_id, application=application, word=word, description=texts[word]
        )
        for word in fresh
    )


def _shown(application: Application) -> dict[str, Any]:
    words = Permission.objects.filter(application_id=application.pk)
    return {
        "slug": application.slug,
        "name": application.name,
        "description": application.description,
        "permissions": dict(words.values_list("word", "description")),
    }
