"""Signing programs in: an access token for ten minutes, and a refresh token that works once.

A refresh token that comes a second time was stolen, before or after: the session ends, whoever of the two it was.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from accounts.claims import Place
from accounts.errors import NotAuthenticated, NotFound
from accounts.models import (
    Application,
    ClaimValue,
    Membership,
    Organization,
    RefreshToken,
    RoleAssignment,
    Session,
    User,
)
from accounts.operations.proofs import SecondFactorNeeded, proven
from accounts.operations.sessions import (
    session_revoke,
    session_seen,
    session_start,
    session_start_with_code,
)
from accounts.secrets import generate, matches, parse
from accounts.tokens import read_token, signed_token

__all__ = ["Issued", "token_authenticated", "token_refresh", "token_start", "token_start_with_code"]

LABEL: Final = "rft"


class Issued(NamedTuple):
    """What a program gets."""

    session: Session
    access_token: str
    expires_at: datetime
    refresh_token: str


def token_start(
    *,
    actor: Actor,
    organization: Organization | None,
    login: str,
    password: str,
    code: str = "",
    application: Application | None = None,
) -> Issued:
    """Sign a program in with somebody's password, and their code where a second factor is enrolled.

    :param application: of the organization, that the access token is for; this service if not said
    :raises NotAuthenticated: if it is not to be, the same for every reason
    :raises SecondFactorNeeded: if the password was right and the code is missing or wrong
    :raises Throttled: after too many wrong ones
    """
    refresh = generate(LABEL)
    try:
        session = session_start(
            actor=actor,
            organization=organization,
            login=login,
            password=password,
            refresh=refresh,
            code_follows=bool(code),
        )
    except SecondFactorNeeded as needed:
        if not code:
            raise
        session = session_start_with_code(actor=actor, proof=needed.proof, code=code, refresh=refresh)
    return _issued(session, refresh.text, session.user.organization, application)


def token_start_with_code(*, actor: Actor, proof: str, code: str, application: str = "") -> Issued:
    """Sign a program in with the code of a second factor, where somebody's password was right.

    :param proof: from ``SecondFactorNeeded``
    :param application: id or slug of one of the person's home that the access token is for; this service if not said
    :raises NotAuthenticated: if too much time went by, or the account changed meanwhile
    :raises NotFound: if there is no such application
    :raises SecondFactorNeeded: if the code is wrong or was used before
    :raises Throttled: after too many wrong ones
    """
    home = proven(proof).user.organization
    wanted = _application(home, application)
    refresh = generate(LABEL)
    session = session_start_with_code(actor=actor, proof=proof, code=code, refresh=refresh)
    return _issued(session, refresh.text, home, wanted)


def _application(organization: Organization, name: str) -> Application | None:
    found = Application.objects.filter(organization=organization).named(name).first() if name else None
    if name and found is None:
        raise NotFound("Application not found.")
    return found


def token_refresh(
    *, actor: Actor, token: str, organization: Organization | None = None, application: str = ""
) -> Issued:
    """Give the next access token, and the next refresh token; the one that was used opens nothing more.

    :param organization: one of the person's own that the token is for; their home if not said
    :param application: id or slug of one of that organization that the access token is for; this service if not said
    :raises NotAuthenticated: the same for every token that opens nothing; used twice, it ends its session
    :raises NotFound: if the person does not belong to that organization, or it has no such application
    """
    parsed = parse(LABEL, token)
    rows = RefreshToken.objects.select_related("session__user__organization")
    row = rows.filter(lookup=parsed[0]).first() if parsed else None
    if row is None or parsed is None or not matches(parsed[1], row.secret_hash):
        raise _dead()
    session, fresh = row.session, generate(LABEL)
    home = organization or session.user.organization
    policy.assert_live(session.user, session=session, needs_session=True)
    if not Membership.objects.filter(user=session.user, organization=home).exists():
        raise NotFound("Organization not found.")
    wanted = _application(home, application)
    with transaction.atomic():
        is_first = RefreshToken.objects.use(row)
        if is_first:
            RefreshToken.objects.create(session=session, lookup=fresh.lookup, secret_hash=fresh.hash)
    if not is_first:
        session_revoke(actor=policy.system(), session=session, reason="A refresh token was used twice.")
        raise _dead()
    session_seen(session)
    return _issued(session, fresh.text, home, wanted)


def token_authenticated(text: str) -> Session:
    """Find the session of an access token, live at this moment.

    :raises NotAuthenticated: the same for every token that opens nothing
    """
    said = read_token(text)
    rows = Session.objects.select_related("user__organization").exclude(kind=Session.BROWSER)
    session = rows.filter(pk=said.session_id, user_id=said.user_id).first()
    policy.assert_live(session.user if session else None, session=session, needs_session=True)
    assert session is not None
    session_seen(session)
    return session


def _issued(session: Session, refresh: str, organization: Organization, application: Application | None) -> Issued:
    access, ends = signed_token(
        user_id=session.user_id,
        session_id=session.pk,
        organization_id=organization.pk,
        methods=session.methods,
        audience=application.public_id if application else "",
        more=_said_there(session.user, organization, application),
    )
    return Issued(session, access, min(ends, session.expires_at), refresh)


def _said_there(user: User, organization: Organization, application: Application | None) -> dict[str, Any]:
    """Give a person's roles and claims there; those of other applications are nobody's business."""
    roles = RoleAssignment.objects.live().of_user(user.pk).filter(organization_id=organization.pk)
    roles = roles.filter(role__application=application).order_by("role__slug")
    values = ClaimValue.objects.filter(user=user, organization=organization, application=application)
    return {
        "roles": list(roles.values_list("role__slug", flat=True)),
        "claims": {
            value.definition.name: value.value
            for value in values.with_shown()
            if Place.ACCESS_TOKEN in value.definition.appears_in
        },
    }


def _dead() -> NotAuthenticated:
    return NotAuthenticated("This refresh token is used up, has run out or never was one.", remedy="Sign in again.")
