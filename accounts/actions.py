"""Every verb of the system, once: the permission word is the audit word is the URL's verb.

``grep -r user.suspend`` shows the whole verb. The four built-in roles are sets of these words
(INTERFACE section 1); the rows that policy reads are brought into line with them after each migrate.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = [
    "BORROWED_HANDS",
    "BUILT_IN_ROLES",
    "INSTALLATION_ACTIONS",
    "SEEN_BY_BORROWED_HANDS",
    "SELF_ACTIONS",
    "SHOWN_ANEW",
    "SYSTEM_ACTIONS",
    "UMBRELLAS",
    "Action",
    "expand",
]


class Action(StrEnum):
    """``resource.verb``: what is done, who may do it, and what the audit trail calls it."""

    USER_CREATE = "user.create"
    USER_LIST = "user.list"
    USER_SEARCH = "user.search"
    USER_SHOW = "user.show"
    USER_UPDATE = "user.update"
    USER_SET_PASSWORD = "user.set_password"  # noqa: S105 -- the name of a verb
    USER_CHANGE_PASSWORD = "user.change_password"  # noqa: S105 -- the name of a verb
    USER_RESET_PASSWORD = "user.reset_password"  # noqa: S105 -- the name of a verb
    USER_SUSPEND = "user.suspend"
    USER_ACTIVATE = "user.activate"
    USER_LOCK = "user.lock"
    USER_UNLOCK = "user.unlock"
    USER_RESTRICT = "user.restrict"
    USER_UNRESTRICT = "user.unrestrict"
    USER_ARCHIVE = "user.archive"
    USER_CONFIRM = "user.confirm"
    USER_UNCONFIRM = "user.unconfirm"
    USER_TAG = "user.tag"
    USER_UNTAG = "user.untag"
    USER_SET = "user.set"
    USER_SUSPEND_MATCHING = "user.suspend_matching"
    USER_SIGN_OUT = "user.sign_out"
    USER_DISABLE_TWO_FACTOR = "user.disable_two_factor"
    USER_RESET_TWO_FACTOR = "user.reset_two_factor"
    USER_IMPERSONATE = "user.impersonate"
    USER_INVITE = "user.invite"
    USER_INVITES = "user.invites"
    USER_REVOKE_INVITE = "user.revoke_invite"
    USER_RESEND_INVITE = "user.resend_invite"
    USER_CLAIMS_SET = "user.claims_set"
    USER_CLAIMS_REMOVE = "user.claims_remove"

    USER_EXPORT = "user.export"
    USER_PURGE = "user.purge"
    USER_DELETE = "user.delete"
    USER_DELETE_ACTIVITIES = "user.delete_activities"

    SESSION_LIST = "session.list"
    SESSION_REVOKE = "session.revoke"
    SESSION_START = "session.start"
    SESSION_END = "session.end"
    SESSION_CONFIRM = "session.confirm"

    FACTOR_LIST = "factor.list"
    FACTOR_ENROL = "factor.enrol"
    FACTOR_REMOVE = "factor.remove"
    FACTOR_RENEW_CODES = "factor.renew_codes"
    FACTOR_SEND_CODE = "factor.send_code"
    IMPERSONATION_STOP = "impersonation.stop"

    ORG_CREATE = "org.create"
    ORG_LIST = "org.list"
    ORG_SHOW = "org.show"
    ORG_UPDATE = "org.update"
    ORG_SUSPEND = "org.suspend"
    ORG_ACTIVATE = "org.activate"
    ORG_ARCHIVE = "org.archive"

    MEMBERSHIP_LIST = "membership.list"
    MEMBERSHIP_ADD = "membership.add"
    MEMBERSHIP_REMOVE = "membership.remove"

    APP_CREATE = "app.create"
    APP_LIST = "app.list"
    APP_UPDATE = "app.update"
    APP_DELETE = "app.delete"

    ROLE_CREATE = "role.create"
    ROLE_LIST = "role.list"
    ROLE_UPDATE = "role.update"
    ROLE_DELETE = "role.delete"
    ROLE_ASSIGN = "role.assign"
    ROLE_REMOVE = "role.remove"

    CLAIM_CREATE = "claim.create"
    CLAIM_LIST = "claim.list"
    CLAIM_UPDATE = "claim.update"
    CLAIM_DELETE = "claim.delete"

    API_KEY_CREATE = "api_key.create"
    API_KEY_LIST = "api_key.list"
    API_KEY_REVOKE = "api_key.revoke"

    LETTER_LIST = "letter.list"
    LETTER_RETRY = "letter.retry"

    AUDIT_LIST = "audit.list"
    AUDIT_VERIFY = "audit.verify"

    ERASURE_LIST = "erasure.list"
    ERASURE_CANCEL = "erasure.cancel"
    ERASURE_VERIFY = "erasure.verify"
    ERASURE_REPLAY = "erasure.replay"
    HOLD_LIST = "hold.list"
    HOLD_PLACE = "hold.place"
    HOLD_RELEASE = "hold.release"
    HOLD_REVIEW = "hold.review"
    REQUEST_LIST = "request.list"
    REQUEST_OPEN = "request.open"
    REQUEST_EXTEND = "request.extend"
    REQUEST_CLOSE = "request.close"
    TERMS_UPDATE = "terms.update"
    RETENTION_RUN = "retention.run"

    SUPERUSER_CREATE = "superuser.create"
    INSTALLATION_START = "installation.start"
    INSTALLATION_BACKUP = "installation.backup"
    INSTALLATION_RESTORE = "installation.restore"
    ADMIN_LINK = "installation.admin_link"
    LINK_REDEEM = "link.redeem"
    PASSWORD_RESET_REQUEST = "password.reset_request"  # noqa: S105 -- the name of a verb
    PASSWORD_RESET = "password.reset"  # noqa: S105 -- the name of a verb
    EMAIL_CHANGE = "email.change"
    EMAIL_CONFIRM = "email.confirm"
    EMAIL_CONFIRM_REQUEST = "email.confirm_request"
    INVITE_REQUEST = "invite.request"
    INVITE_ACCEPT = "invite.accept"
    INVITE_DECLINE = "invite.decline"
    ACCOUNT_DELETE = "account.delete"
    ACCOUNT_KEEP = "account.keep"
    KEYS_ROTATE = "installation.keys_rotate"


INSTALLATION_ACTIONS: Final = frozenset(
    {
        Action.ORG_CREATE,
        Action.ORG_SUSPEND,
        Action.ORG_ACTIVATE,
        Action.AUDIT_VERIFY,
        Action.ERASURE_VERIFY,
        Action.ERASURE_REPLAY,
        Action.RETENTION_RUN,
        Action.SUPERUSER_CREATE,
        Action.INSTALLATION_START,
        Action.INSTALLATION_BACKUP,
        Action.INSTALLATION_RESTORE,
        Action.ADMIN_LINK,
        Action.KEYS_ROTATE,
    }
)
"""Above every organization: the operator and super-users only."""

SYSTEM_ACTIONS: Final = frozenset(
    {
        Action.SESSION_START,
        Action.SESSION_END,
        Action.SESSION_CONFIRM,
        Action.IMPERSONATION_STOP,
        Action.LINK_REDEEM,
        Action.PASSWORD_RESET_REQUEST,
        Action.PASSWORD_RESET,
        Action.EMAIL_CHANGE,
        Action.EMAIL_CONFIRM,
        Action.EMAIL_CONFIRM_REQUEST,
        Action.INVITE_REQUEST,
        Action.INVITE_ACCEPT,
        Action.INVITE_DECLINE,
        Action.ACCOUNT_DELETE,
        Action.ACCOUNT_KEEP,
        Action.USER_CHANGE_PASSWORD,
        Action.FACTOR_ENROL,
        Action.FACTOR_RENEW_CODES,
        Action.FACTOR_SEND_CODE,
    }
)
"""Done by the person whose secret opens the door; nobody is granted them."""

SELF_ACTIONS: Final = frozenset(
    {
        Action.USER_SHOW,
        Action.USER_UPDATE,
        Action.USER_CLAIMS_SET,
        Action.USER_CLAIMS_REMOVE,
        Action.USER_SIGN_OUT,
        Action.USER_EXPORT,
        Action.SESSION_LIST,
        Action.SESSION_REVOKE,
        Action.FACTOR_LIST,
        Action.FACTOR_REMOVE,
    }
)
"""What everybody may do to their own account (``user.update``: the profile fields; claims: the editable ones)."""

SHOWN_ANEW: Final = frozenset(
    {
        Action.USER_IMPERSONATE,
        Action.USER_EXPORT,
        Action.USER_PURGE,
        Action.USER_DELETE,
        Action.USER_DELETE_ACTIVITIES,
        Action.USER_SET_PASSWORD,
        Action.USER_DISABLE_TWO_FACTOR,
        Action.USER_RESET_TWO_FACTOR,
        Action.FACTOR_REMOVE,
        Action.API_KEY_CREATE,
        Action.SUPERUSER_CREATE,
    }
)
"""What a browser does only for somebody who showed a short while ago who they are (ASVS 7.5.3).

It cannot be taken back, hands out everything about somebody, or opens another way in than this session. Giving a role
that permits any of it, and another address of somebody, are asked for where they are done.
"""

SEEN_BY_BORROWED_HANDS: Final = frozenset(
    {
        Action.USER_LIST,
        Action.USER_SEARCH,
        Action.USER_SHOW,
        Action.USER_INVITES,
        Action.SESSION_LIST,
        Action.FACTOR_LIST,
        Action.ORG_LIST,
        Action.ORG_SHOW,
        Action.MEMBERSHIP_LIST,
        Action.APP_LIST,
        Action.ROLE_LIST,
        Action.CLAIM_LIST,
        Action.API_KEY_LIST,
        Action.LETTER_LIST,
        Action.AUDIT_LIST,
        Action.ERASURE_LIST,
        Action.HOLD_LIST,
        Action.REQUEST_LIST,
    }
)
"""What stays of a person's grants while somebody else acts as them: what they see."""

BORROWED_HANDS: Final = SEEN_BY_BORROWED_HANDS | {
    Action.USER_UPDATE,
    Action.USER_CLAIMS_SET,
    Action.USER_CLAIMS_REMOVE,
    Action.IMPERSONATION_STOP,
}
"""All that may be done by who acts as somebody else: look, change that person's own profile and claims, and stop.

Everything else is refused, what is new too, until it stands here. Who acts has more permissions than the person
and does the rest in their own name.
"""

OWNER: Final = frozenset(Action) - INSTALLATION_ACTIONS - SYSTEM_ACTIONS
ADMIN: Final = OWNER - {Action.ORG_ARCHIVE}
MODERATOR: Final = frozenset(
    {
        Action.ORG_LIST,
        Action.ORG_SHOW,
        Action.USER_LIST,
        Action.USER_SEARCH,
        Action.USER_SHOW,
        Action.USER_SUSPEND,
        Action.USER_ACTIVATE,
        Action.USER_LOCK,
        Action.USER_UNLOCK,
        Action.USER_TAG,
        Action.USER_UNTAG,
        Action.USER_SIGN_OUT,
    }
)

BUILT_IN_ROLES: Final[Mapping[str, frozenset[Action]]] = {
    "owner": OWNER,
    "admin": ADMIN,
    "moderator": MODERATOR,
    "member": frozenset(),
}
"""Strongest first."""

UMBRELLAS: Final[Mapping[str, frozenset[Action]]] = {
    "admin:users": frozenset(action for action in OWNER if action.startswith(("user.", "session.", "factor."))),
}
"""Scopes of an API key that stand for many permissions."""


def expand(scopes: frozenset[str]) -> frozenset[str]:
    """Write out the umbrella scopes."""
    return frozenset[str]().union(*(UMBRELLAS.get(scope, frozenset({scope})) for scope in scopes))
