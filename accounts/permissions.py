"""What can stand in a role: the service's own words with what each means, and the free words of an application."""

import re
from collections.abc import Mapping
from typing import Final

from accounts.actions import INSTALLATION_ACTIONS, SYSTEM_ACTIONS, UMBRELLAS, Action
from accounts.errors import Invalid
from accounts.identifiers import text_refused

__all__ = ["DESCRIPTIONS", "GRANTABLE", "WORD_LENGTH", "free_word_checked"]

GRANTABLE: Final = frozenset(Action) - INSTALLATION_ACTIONS - SYSTEM_ACTIONS
"""What a role of an organization may hold."""

WORD_LENGTH: Final = 100
FREE_WORD: Final = re.compile(r"[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*\.[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*")
OURS: Final = frozenset(
    {*(word.partition(".")[0] for word in Action), *(part for word in UMBRELLAS for part in re.split(r"[:.]", word))}
)
"""What comes before the dot in the service's own words, and what their umbrellas are made of."""

DESCRIPTIONS: Final[Mapping[Action, str]] = {
    Action.USER_CREATE: "Make accounts",
    Action.USER_LIST: "List people",
    Action.USER_SEARCH: "Search for people",
    Action.USER_SHOW: "See people: profile, status, roles and tags",
    Action.USER_UPDATE: "Change profiles, e-mail addresses and usernames",
    Action.USER_SET_PASSWORD: "Give an account another password",
    Action.USER_RESET_PASSWORD: "Send people a link to choose another password",
    Action.USER_CLAIMS_SET: "Set claims of people",
    Action.USER_CLAIMS_REMOVE: "Take claims from people",
    Action.USER_DISABLE_TWO_FACTOR: "Take all second factors of somebody away",
    Action.USER_RESET_TWO_FACTOR: "Take all second factors of somebody away and ask for a new one",
    Action.USER_INVITE: "Invite people",
    Action.USER_INVITES: "See invites and what became of them",
    Action.USER_REVOKE_INVITE: "Revoke invites",
    Action.USER_RESEND_INVITE: "Send invites again, with a new link",
    Action.USER_SUSPEND: "Stop people from signing in",
    Action.USER_ACTIVATE: "Let the suspended and archived sign in again",
    Action.USER_LOCK: "Lock accounts, for good or until a moment",
    Action.USER_UNLOCK: "Unlock accounts",
    Action.USER_RESTRICT: "Restrict accounts: kept, but not used (Art. 18)",
    Action.USER_UNRESTRICT: "Lift a restriction",
    Action.USER_ARCHIVE: "Put accounts away",
    Action.USER_CONFIRM: "Mark e-mail addresses as confirmed",
    Action.USER_UNCONFIRM: "Mark e-mail addresses as not confirmed",
    Action.USER_TAG: "Pin tags to people",
    Action.USER_UNTAG: "Take tags off people",
    Action.USER_SET: "Set roles, confirmation and lock at once",
    Action.USER_SUSPEND_MATCHING: "Suspend everybody who matches a filter",
    Action.USER_SIGN_OUT: "End every session of a person",
    Action.USER_IMPERSONATE: "Act as people who may do less than oneself, for a while and on record",
    Action.USER_EXPORT: "Hand over all that is held about a person",
    Action.USER_PURGE: "Erase people, with a receipt",
    Action.USER_DELETE: "Erase people, their account's row too",
    Action.USER_DELETE_ACTIVITIES: "Delete somebody's history and leave the account",
    Action.FACTOR_LIST: "See which second factors people have",
    Action.FACTOR_REMOVE: "Take one second factor of somebody away",
    Action.SESSION_LIST: "See where people are signed in",
    Action.SESSION_REVOKE: "End sessions",
    Action.ORG_LIST: "List organizations",
    Action.ORG_SHOW: "See the organization",
    Action.ORG_UPDATE: "Rename the organization",
    Action.ORG_ARCHIVE: "Put the organization away",
    Action.MEMBERSHIP_LIST: "See who belongs to the organization, with which roles",
    Action.MEMBERSHIP_ADD: "Make people from elsewhere guests",
    Action.MEMBERSHIP_REMOVE: "End a guest's membership",
    Action.APP_CREATE: "Make applications",
    Action.APP_LIST: "See applications and their permissions",
    Action.APP_UPDATE: "Change applications and what their permissions are, and give all of those",
    Action.APP_DELETE: "Delete applications with their roles",
    Action.ROLE_CREATE: "Make roles of what one may do oneself",
    Action.ROLE_LIST: "See roles and what they permit",
    Action.ROLE_UPDATE: "Change roles",
    Action.ROLE_DELETE: "Delete roles, which ends them for everybody",
    Action.ROLE_ASSIGN: "Give people roles that permit no more than one may do oneself",
    Action.ROLE_REMOVE: "Take such roles away",
    Action.CLAIM_CREATE: "Define claims",
    Action.CLAIM_LIST: "See which claims are defined",
    Action.CLAIM_UPDATE: "Change the definitions of claims",
    Action.CLAIM_DELETE: "Delete claims with their values",
    Action.LETTER_LIST: "See which letters were sent, and what became of them",
    Action.LETTER_RETRY: "Send letters again that failed",
    Action.API_KEY_CREATE: "Make API keys that may do no more than oneself",
    Action.API_KEY_LIST: "See API keys, never their secrets",
    Action.API_KEY_REVOKE: "Revoke API keys",
    Action.AUDIT_LIST: "Read the audit trail",
    Action.ERASURE_LIST: "See erasures and their receipts",
    Action.ERASURE_CANCEL: "Call off a planned erasure",
    Action.HOLD_LIST: "See legal holds",
    Action.HOLD_PLACE: "Place legal holds",
    Action.HOLD_RELEASE: "Release legal holds",
    Action.HOLD_REVIEW: "Say that a legal hold is still needed",
    Action.REQUEST_LIST: "See what people asked for about their data",
    Action.REQUEST_OPEN: "Note that somebody asked for something about their data",
    Action.REQUEST_EXTEND: "Take two months more for such a request",
    Action.REQUEST_CLOSE: "Close such a request",
    Action.TERMS_UPDATE: "Change the organization's privacy terms",
}
"""One line for each word of ``GRANTABLE``; a test says which is missing."""


def free_word_checked(word: str) -> str:
    """Give a permission of an application back if it can be one: ``billing.refund``.

    :raises Invalid: if it is not ``resource.verb``, too long, or speaks of a resource of this service
    """
    problem = text_refused(word)
    if len(word) > WORD_LENGTH:
        problem = f"is longer than {WORD_LENGTH} characters"
    elif not problem and not FREE_WORD.fullmatch(word):
        problem = "is not of the form resource.verb in lower-case letters, digits, _ and -"
    elif not problem and (resource := word.partition(".")[0]) in OURS:
        # SECURITY: an application that could define user.show would name what this service grants.
        problem = f"speaks of {resource}, which is a word of this service"
    if problem:
        raise Invalid(
            f"The permission {word[:WORD_LENGTH]!r} {problem}.",
            remedy="Name what the application has and what is done to it: billing.refund.",
            fields={"permissions": problem},
        )
    return word
