"""Custom claims in words: what they may be called, which types they have, what a value of each is.

Names and types as OpenID Connect Core 1.0 (5.1) and JWT (RFC 7519, 4) leave them to others.
"""

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

from accounts import ids
from accounts.errors import Invalid
from accounts.identifiers import text_refused
from accounts.json_schemas import schema_problem
from accounts.json_values import INTEGER, json_plain, json_problem

__all__ = [
    "FOUND_LENGTH",
    "RESERVED",
    "ClaimType",
    "Place",
    "claim_filter",
    "keys_of",
    "name_checked",
    "read",
    "value_problem",
]

NAME: Final = re.compile(r"[a-z](?:[a-z0-9_.-]{0,61}[a-z0-9])?")
BYTES: Final = 4_096
NODES: Final = 200
DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FOUND_LENGTH: Final = 200
"""Longer texts are kept, and not found by a filter."""


class ClaimType(StrEnum):
    """What a value is."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    STRINGS = "strings"
    JSON = "json"


class Place(StrEnum):
    """Where a claim appears."""

    ID_TOKEN = "id_token"  # noqa: S105 -- the name of a place
    ACCESS_TOKEN = "access_token"  # noqa: S105 -- the name of a place
    USERINFO = "userinfo"


REGISTERED: Final = frozenset(
    {
        "ace_profile", "acr", "act", "address", "also_known_as", "amr", "analyticsidlist", "at_hash", "at_use_nbr",
        "atc", "ath", "attest", "aud", "auth_time", "authority_hints", "authorization_details", "azp",
        "birth_family_name", "birth_given_name", "birth_middle_name", "birthdate", "bootcount", "bootseed", "c_hash",
        "cdnicrit", "cdniets", "cdniip", "cdnistd", "cdnistt", "cdniuc", "cdniv", "client_id", "cmw", "cnf", "cnonce",
        "constraints", "consumerplmnid", "consumersnpnid", "crit", "crn", "dbgstat", "delegation", "dest", "div",
        "dloas", "eat_nonce", "eat_profile", "email", "email_verified", "entitlements", "events", "exi", "exp",
        "family_name", "gender", "geohash", "given_name", "groups", "htm", "htu", "hwmodel", "hwversion", "iat",
        "intuse", "iss", "jcard", "jti", "jwks", "keys", "locale", "location", "logo_uri", "manifests", "may_act",
        "measres", "measurements", "metadata", "metadata_policy", "metadata_policy_crit", "middle_name", "mky", "msgi",
        "msisdn", "name", "nationalities", "nbf", "nickname", "nonce", "oemboot", "oemid", "opt", "orig", "origid",
        "phone_number", "phone_number_verified", "picture", "place_of_birth", "preferred_username",
        "producernfservicesetid", "producernfsetid", "producernsilist", "producerplmnid", "producersnpnid",
        "producersnssailist", "profile", "rcd", "rcdi", "rdap_allowed_purposes", "rdap_dnt_allowed", "ref",
        "resownerid", "roles", "rph", "salutation", "scope", "sd_hash", "sid", "sig_val_claims", "sip_callid",
        "sip_cseq_num", "sip_date", "sip_from_tag", "sip_via_branch", "source_endpoint", "sourcenfinstanceid", "sph",
        "status", "status_list", "stpl", "sub", "sub_id", "sub_jwk", "submods", "sueids", "swname", "swversion",
        "title", "toe", "token_introspection", "trust_anchor", "trust_anchor_hints", "trust_chain",
        "trust_mark_issuers", "trust_mark_owners", "trust_mark_type", "trust_marks", "ttl", "txn", "ueid", "updated_at",
        "uptime", "vc", "verified_claims", "vot", "vp", "vtm", "website", "zoneinfo",
    }
)  # fmt: skip
"""IANA's registry "JSON Web Token Claims" of June 2026 in lower case, but for five that cannot be names here anyway."""
ELSEWHERE: Final = frozenset(
    {
        "active", "actort", "alg", "authorities", "cty", "ds_hash", "kid", "login_hint", "nameid", "oid",
        "realm_access", "resource_access", "role", "s_hash", "scp", "session_state", "tid", "token_type", "token_use",
        "typ", "unique_name", "upn", "username", "vct",
    }
)  # fmt: skip
"""What others read: introspection (RFC 7662), FAPI, Native SSO, SD-JWT VC, JOSE headers, and what the libraries of
clients take rights or a name from (Spring Security, Keycloak, MicroProfile JWT, .NET, Entra, Cognito)."""
OURS: Final = frozenset(
    {
        "bio", "claims", "connections", "created_at", "factors", "id", "impersonated_by", "is_superuser",
        "last_sign_in_at", "member", "membership", "memberships", "org", "organization", "organizations", "permissions",
        "session", "status_reason", "status_until", "tags",
    }
)  # fmt: skip
"""What our tokens and the user object say themselves."""
RESERVED: Final = REGISTERED | ELSEWHERE | OURS


def name_checked(name: str) -> str:
    """Give the name of a claim back if it can be one.

    :raises Invalid: if its syntax is another, or a standard or this service uses it for something else
    """
    problem = None
    if name.lower() in RESERVED:
        problem = "is used by a standard or by this service"
    elif not NAME.fullmatch(name):
        problem = "has 1 to 63 lower-case letters, digits, '_', '.' and '-', a letter first, a letter or digit last"
    elif ids.looks_like_id(name):
        problem = "must not look like an id"
    if problem:
        raise Invalid(f"The name {problem}.", remedy="Choose another, such as department.", fields={"name": problem})
    return name


def read(kind: str, text: str) -> Any:
    """Read a value that was typed: JSON unless a string or a date.

    :raises Invalid: if it is not JSON
    """
    if kind in {ClaimType.STRING, ClaimType.DATE}:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(
            "The value is not JSON.",
            remedy='Such as 42, true or ["a", "b"]; only strings and dates are written as they are.',
            fields={"value": "is not JSON"},
        ) from None


def value_problem(kind: str, schema: Mapping[str, Any], value: Any) -> tuple[Any, str | None]:
    """Give a value as it is stored, and say why it cannot be one, if it cannot; never what it is."""
    if problem := _unfit(value):
        return value, problem
    stored, problem = _typed(kind, value)
    if problem is None and schema:
        problem = schema_problem(schema, stored)
    return stored, problem


def _unfit(value: Any) -> str | None:
    if problem := json_problem(value, nodes=NODES):
        return problem
    return f"is larger than {BYTES} bytes" if len(json.dumps(value, ensure_ascii=False).encode()) > BYTES else None


def _typed(kind: str, value: Any) -> tuple[Any, str | None]:
    plain = json_plain(value)
    if kind == ClaimType.JSON:
        return plain, "must not be null: remove the claim instead" if value is None else None
    if kind == ClaimType.BOOLEAN:
        return plain, None if isinstance(value, bool) else "is not true or false"
    if kind in {ClaimType.INTEGER, ClaimType.NUMBER}:
        return plain, _number_problem(kind, plain)
    if kind == ClaimType.STRINGS:
        texts = [_text(entry) for entry in plain] if isinstance(plain, list) else [None]
        return texts, None if None not in texts else "is not a list of strings"
    text = _text(plain)
    if text is None:
        return value, "is not a string"
    return text, _date_problem(text) if kind == ClaimType.DATE else None


def _number_problem(kind: str, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is not a number"
    return None if kind == ClaimType.NUMBER or isinstance(value, int) else "is not a whole number"


def _date_problem(text: str) -> str | None:
    try:
        return None if DATE.fullmatch(text) and date.fromisoformat(text) else "is not a date like 2026-12-31"
    except ValueError:
        return "is not a date like 2026-12-31"


def _text(value: Any) -> str | None:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else None


# --- looking for people by a claim ------------------------------------------------------------
def keys_of(kind: str, value: Any) -> list[str]:
    """Give the words by which a value is found: its own, each one of a list; JSON has none."""
    if kind == ClaimType.JSON:
        return []
    values = value if kind == ClaimType.STRINGS else [value]
    keys = (_key(entry) for entry in values)
    return sorted({key for key in keys if len(key) <= FOUND_LENGTH})


def wanted_keys(text: str) -> list[str]:
    """Give the words for which somebody may look who types this: as a text, and as a number or flag if it is one."""
    keys = [_key(unicodedata.normalize("NFC", text))]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return keys
    if isinstance(value, bool | int | float) and math.isfinite(value) and abs(value) <= INTEGER:
        keys.append(_key(json_plain(value)))
    return keys


def _key(value: Any) -> str:
    """Say of what kind it is, so that the text 1 and the number 1 are two."""
    return f"text:{value}" if isinstance(value, str) else f"json:{json.dumps(value)}"


def claim_filter(text: str) -> tuple[str, str, list[str]]:
    """Read ``NAME=VALUE`` or ``APPLICATION/NAME=VALUE``; gives application, name and the words to look for.

    :raises Invalid: if it is neither
    """
    word, equals, value = text.partition("=")
    application, _, name = word.rpartition("/")
    if not (equals and NAME.fullmatch(name)) or text_refused(text):
        raise Invalid(
            "The claim is not NAME=VALUE.",
            remedy="Such as department=Engineering; crm/tier=gold for a claim of the application crm.",
            fields={"claim": "is not NAME=VALUE"},
        )
    return application, name, wanted_keys(value)
