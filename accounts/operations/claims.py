"""Custom claims: defined, changed, deleted; set on people and taken from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from accounts import audit, ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.claims import ClaimType, Place, keys_of, name_checked, value_problem
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound
from accounts.json_schemas import schema_checked
from accounts.models import Application, ClaimDefinition, ClaimKey, ClaimValue, Organization, User
from accounts.operations.base import differences, expect_version, operation
from accounts.operations.credentials import guard_changeable
from accounts.profile import reason_checked, text_checked
from accounts.statuses import OrganizationStatus

__all__ = [
    "INVALID_WORDS",
    "MOST",
    "Unfit",
    "claim_create",
    "claim_delete",
    "claim_unfit",
    "claim_update",
    "end_claims",
    "put_claims",
    "user_claims_remove",
    "user_claims_set",
]

MOST: Final = 200
"""How many claims an organization defines, those of its applications included."""
CHECKED: Final = 20_000
"""How many values one change of a definition checks."""
LISTED: Final = 100
STRETCH: Final = 500
DESCRIPTION_LENGTH: Final = 500
INVALID_WORDS: Final = ("refuse", "delete")
"""What becomes of values that no longer fit: the change is refused, or they are deleted."""
UPDATABLE: Final = frozenset({"schema", "is_personal", "is_editable", "appears_in", "description"})
PROPERTIES: Final = ("name", "type", "schema", "is_personal", "is_editable", "appears_in", "description")


@dataclass
class Unfit:
    """Values that a changed definition would not allow: whose and why of a hundred that may be seen, and all ids."""

    shown: list[dict[str, str]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    @property
    def counted(self) -> str:
        """How many, in words."""
        return "1 value" if len(self.ids) == 1 else f"{len(self.ids):,} values"

    def as_dict(self) -> dict[str, Any]:
        """Give the list as doors show it."""
        return {"unfit": self.shown, "unfit_total": len(self.ids)}


# --- definitions ------------------------------------------------------------------------------
@operation(Action.CLAIM_CREATE)
def claim_create(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    type: str,  # noqa: A002 -- the claim's word
    application: Application | None = None,
    schema: Mapping[str, Any] | None = None,
    is_personal: bool = True,
    is_editable: bool = False,
    appears_in: Iterable[str] = (),
    description: str = "",
    reason: str = "",
) -> ClaimDefinition:
    """Define a claim of an organization, or of one of its applications.

    :param schema: limits of values, JSON Schema (Draft 2020-12) without references
    :param is_editable: whether people set it of themselves; only personal claims can be
    :param appears_in: ``id_token``, ``access_token``, ``userinfo``
    :raises NotFound: if organization or application does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if the name is taken, there are 200 claims, or the organization is archived
    """
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, Action.CLAIM_CREATE, organization)
    if application is not None and application.organization_id != organization.pk:
        raise NotFound("Application not found.")
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    if type not in set(ClaimType):
        raise Invalid(
            f"There is no type {type!r}.", remedy=f"One of: {', '.join(ClaimType)}.", fields={"type": "unknown"}
        )
    definition = ClaimDefinition(organization=organization, application=application, name=name_checked(name), type=type)
    _change(
        definition,
        {
            "schema": schema or {},
            "is_personal": is_personal,
            "is_editable": is_editable,
            "appears_in": list(appears_in),
            "description": description,
        },
    )
    theirs = ClaimDefinition.objects.filter(organization=organization)
    if theirs.filter(application=application, name=name).exists():
        raise Conflict("The claim is defined already.", remedy="Choose another name.", fields={"name": "taken"})
    if theirs.count() >= MOST:
        raise Conflict(f"An organization defines at most {MOST} claims.", remedy="Delete one that is not used.")
    definition.save(force_insert=True)
    audit.record(
        actor,
        Action.CLAIM_CREATE,
        definition,
        reason=reason_checked(reason),
        after={"application": application.slug if application else None, **_shown(definition)},
    )
    return definition


@operation(Action.CLAIM_UPDATE)
def claim_update(
    *,
    actor: Actor,
    definition: ClaimDefinition,
    changes: Mapping[str, Any],
    invalid: str = "refuse",
    reason: str = "",
    expected_version: int | None = None,
) -> ClaimDefinition:
    """Change what is named of a claim; name, type and application stay for good.

    :param changes: ``schema``, ``is_personal``, ``is_editable``, ``appears_in``, ``description``
    :param invalid: what becomes of values that no longer fit: ``refuse`` the change, or ``delete`` them
    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if values would no longer fit, there are more than 20,000 to check, or the version is another one
    """
    definition = _held(definition)
    policy.require(actor, Action.CLAIM_UPDATE, definition)
    expect_version(definition, expected_version)
    if invalid not in INVALID_WORDS:
        raise Invalid(f"Values that no longer fit: {' or '.join(INVALID_WORDS)}.", fields={"invalid": "unknown"})
    before = _shown(definition)
    _change(definition, changes)
    changed = differences(before, _shown(definition))
    if not changed["after"]:
        return definition
    unfit = _unfit(actor, definition) if "schema" in changed["after"] else Unfit()
    if unfit.ids and invalid == "refuse":
        raise Conflict(
            f"{unfit.counted} of {definition.word} would no longer fit.",
            remedy="Look at them first, then say that they are to be deleted, or change the schema.",
            fields={"invalid": f"{unfit.counted} would no longer fit"},
            more=unfit.as_dict(),
        )
    ended = _take_values(definition, unfit.ids) if unfit.ids else 0
    definition.version += 1
    definition.updated_at = timezone.now()
    definition.save()
    audit.record(
        actor,
        Action.CLAIM_UPDATE,
        definition,
        reason=reason_checked(reason),
        **changed,
        ended={"values": ended} if ended else {},
    )
    return definition


@operation(Action.CLAIM_DELETE)
def claim_delete(*, actor: Actor, definition: ClaimDefinition, reason: str = "") -> int:
    """Delete a claim with all of its values, for good; says how many there were.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    """
    definition = _held(definition)
    policy.require(actor, Action.CLAIM_DELETE, definition)
    ended = _take_values(definition, None)
    audit.record(
        actor,
        Action.CLAIM_DELETE,
        definition,
        reason=reason_checked(reason),
        before={"application": definition.application.slug if definition.application else None, **_shown(definition)},
        ended={"values": ended} if ended else {},
    )
    definition.delete()
    return ended


def end_claims(actor: Actor, definitions: Iterable[ClaimDefinition]) -> dict[str, int]:
    """Delete claims with their values, in the caller's transaction with the organization locked; says how many.

    :raises NotAllowed: without the permission to delete one
    """
    ended = {"claims": 0, "values": 0}
    for definition in definitions:
        policy.require(actor, Action.CLAIM_DELETE, definition)
        ended["values"] += _take_values(definition, None)
        definition.delete()
        ended["claims"] += 1
    return {kind: number for kind, number in ended.items() if number}


def claim_unfit(*, actor: Actor, definition: ClaimDefinition, schema: Mapping[str, Any]) -> Unfit:
    """List the values that would no longer fit if the schema were this one; changes nothing.

    :raises NotFound: if the definition does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: if it is no schema
    :raises Conflict: if there are more than 20,000 to check
    """
    policy.require(actor, Action.CLAIM_UPDATE, definition)
    tried = ClaimDefinition(pk=definition.pk, type=definition.type, schema=schema_checked(schema))
    return _unfit(actor, tried)


def _held(definition: ClaimDefinition) -> ClaimDefinition:
    """Hold the organization's row, which every change of a value holds too, and read the definition again."""
    Organization.objects.locked(definition.organization_id)
    rows = ClaimDefinition.objects.select_related("organization", "application")
    held = rows.filter(pk=definition.pk).first()
    if held is None:
        raise NotFound("Claim not found.")
    return held


def _change(definition: ClaimDefinition, changes: Mapping[str, Any]) -> None:
    if unknown := sorted(set(changes) - UPDATABLE):
        raise Invalid(
            f"Of a claim {unknown[0]} cannot be changed.",
            remedy="Define another claim, and delete this one when it is not used any more.",
            fields=dict.fromkeys(unknown, "cannot be changed"),
        )
    for name in ("is_personal", "is_editable"):
        setattr(definition, name, bool(changes.get(name, getattr(definition, name))))
    if "schema" in changes:
        definition.schema = schema_checked(changes["schema"])
    if "appears_in" in changes:
        definition.appears_in = _places_checked(changes["appears_in"])
    if "description" in changes:
        text = changes["description"]
        checked = text_checked("description", text, longest=DESCRIPTION_LENGTH) if text.strip() else ""
        definition.description = checked
    if definition.is_editable and not definition.is_personal:
        raise Invalid(
            "What people say of themselves is personal.",
            remedy="Make it personal, or not editable.",
            fields={"is_editable": "only personal claims can be"},
        )


def _places_checked(places: Iterable[str]) -> list[str]:
    named = set(places)
    if unknown := sorted(named - set(Place)):
        raise Invalid(
            f"A claim cannot appear in {unknown[0]!r}.",
            remedy=f"Any of: {', '.join(Place)}.",
            fields={"appears_in": f"unknown: {unknown[0]}"},
        )
    return [str(place) for place in Place if place in named]


def _unfit(actor: Actor, definition: ClaimDefinition) -> Unfit:
    """Find the values that a definition does not allow; whose they are is shown of people that the actor may see."""
    values = ClaimValue.objects.filter(definition_id=definition.pk)
    if len(values.values_list("pk")[: CHECKED + 1]) > CHECKED:
        raise Conflict(
            f"There are more than {CHECKED:,} values to check.",
            remedy="Define another claim with these limits beside it, and set that.",
        )
    unfit = Unfit()
    seen = Exists(ClaimValue.objects.visible_to(actor).filter(pk=OuterRef("pk")))
    rows = values.annotate(is_seen=seen).order_by("pk").values_list("pk", "user_id", "value", "is_seen")
    for key, user_id, value, is_seen in rows.iterator():
        _, problem = value_problem(definition.type, definition.schema, value)
        if problem is None:
            continue
        unfit.ids.append(key)
        if is_seen and len(unfit.shown) < LISTED:
            unfit.shown.append({"user": ids.encode("usr", user_id), "problem": problem})
    return unfit


def _take_values(definition: ClaimDefinition, ids: Sequence[int] | None) -> int:
    """Delete values of a claim, all or these, in stretches; who loses one has changed."""
    ended = 0
    everything = ClaimValue.objects.filter(definition_id=definition.pk).order_by("pk")
    chosen = everything if ids is None else everything.filter(pk__in=ids)
    while rows := list(chosen.values_list("pk", "user_id")[:STRETCH]):
        keys = [key for key, _ in rows]
        User.objects.filter(pk__in=[user for _, user in rows]).update(
            version=F("version") + 1, updated_at=timezone.now()
        )
        ended += ClaimValue.objects.filter(pk__in=keys).delete()[1].get("accounts.ClaimValue", 0)
    return ended


def _shown(definition: ClaimDefinition) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in PROPERTIES}


# --- values -----------------------------------------------------------------------------------
@operation(Action.USER_CLAIMS_SET)
def user_claims_set(
    *,
    actor: Actor,
    user: User,
    definition: ClaimDefinition,
    value: Any,
    reason: str = "",
    expected_version: int | None = None,
) -> User:
    """Set a claim of a person; people set those of their own that are editable. The same again changes nothing.

    :raises NotFound: if account or claim does not exist for the actor, or the claim is of another organization
    :raises NotAllowed: without the permission, on somebody more powerful, or a claim of one's own that is not editable
    :raises Invalid: if the claim does not allow the value
    :raises Conflict: if the account is being erased, or the version is another one
    """
    user, definition = _both(actor, Action.USER_CLAIMS_SET, user, definition, expected_version)
    changed = _put(actor, user, definition, value)
    return _finish(actor, Action.USER_CLAIMS_SET, user, changed, reason)


@operation(Action.USER_CLAIMS_REMOVE)
def user_claims_remove(
    *,
    actor: Actor,
    user: User,
    definition: ClaimDefinition,
    reason: str = "",
    expected_version: int | None = None,
) -> User:
    """Take a claim from a person; one that is not set changes nothing.

    :raises NotFound: if account or claim does not exist for the actor, or the claim is of another organization
    :raises NotAllowed: without the permission, on somebody more powerful, or a claim of one's own that is not editable
    :raises Conflict: if the account is being erased, or the version is another one
    """
    user, definition = _both(actor, Action.USER_CLAIMS_REMOVE, user, definition, expected_version)
    held = ClaimValue.objects.filter(user=user, definition=definition).first()
    changed: dict[str, Any] = {}
    if held is not None:
        changed = {"before": {definition.word: held.value}, "after": {definition.word: None}}
        held.delete()
    return _finish(actor, Action.USER_CLAIMS_REMOVE, user, changed, reason)


def put_claims(actor: Actor, user: User, claims: Iterable[tuple[ClaimDefinition, Any]]) -> dict[str, Any]:
    """Set the claims of a new account, in the transaction that makes it; gives them by name.

    :raises NotFound: if a claim is of another organization
    :raises NotAllowed: without the permission
    :raises Invalid: if a claim does not allow its value
    """
    said: dict[str, Any] = {}
    for given, value in claims:
        policy.require(actor, Action.USER_CLAIMS_SET, user)
        definition = _of_home(_held(given), user)
        said |= _put(actor, user, definition, value).get("after", {})
    return said


def _both(
    actor: Actor, action: Action, user: User, definition: ClaimDefinition, expected_version: int | None
) -> tuple[User, ClaimDefinition]:
    """Hold the person, whose organization's row guards the definition too, and judge."""
    user = User.objects.locked(user)
    policy.require(actor, action, user)
    if not policy.sees(actor, definition):
        raise NotFound("Claim not found.")
    rows = ClaimDefinition.objects.select_related("application").filter(pk=definition.pk)
    definition = _of_home(rows.first(), user)
    if not definition.is_editable and not actor.holds(action, user.organization_id):
        raise NotAllowed(
            f"You cannot set {definition.word} yourself.",
            remedy="Ask an admin of the organization.",
            fields={"permission": str(action)},
        )
    expect_version(user, expected_version)
    guard_changeable(user)
    return user, definition


def _of_home(definition: ClaimDefinition | None, user: User) -> ClaimDefinition:
    if definition is None or definition.organization_id != user.organization_id:
        raise NotFound("Claim not found.")
    return definition


def _put(actor: Actor, user: User, definition: ClaimDefinition, given: Any) -> dict[str, Any]:
    """Store a value if it is another one; gives what changed."""
    value, problem = value_problem(definition.type, definition.schema, given)
    if problem:
        raise Invalid(f"The value of {definition.word} {problem}.", fields={"value": problem})
    held = ClaimValue.objects.filter(user=user, definition=definition).first()
    before = held.value if held else None
    if held is not None and _same(before, value):
        return {}
    row = held or ClaimValue(
        organization_id=user.organization_id,
        user=user,
        application_id=definition.application_id,
        definition=definition,
    )
    row.value, row.set_by, row.set_at = value, actor.user_id, timezone.now()
    row.save()
    ClaimKey.objects.put(row, keys_of(definition.type, value))
    return {"before": {definition.word: before}, "after": {definition.word: value}}


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: ``true`` is not 1."""
    return audit.canonical(one) == audit.canonical(other)


def _finish(actor: Actor, action: Action, user: User, changed: Mapping[str, Any], reason: str) -> User:
    if changed:
        user.touch()
        user.save()
        audit.record(actor, action, user, reason=reason_checked(reason), **changed)
    return user
