"""Passkeys (WebAuthn): what a browser is to ask for, and what an authenticator's answer proves.

Everything in an answer comes from outside: it is bounded before it is read, and whatever the library cannot make sense
of is refused alike.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

__all__ = [
    "MINUTES",
    "Home",
    "NewPasskey",
    "Refused",
    "Shown",
    "as_bytes",
    "as_text",
    "credential_digest",
    "credential_in",
    "home",
    "options_to_enrol",
    "options_to_show",
    "read_enrolled",
    "read_shown",
]

MINUTES: Final = 5
"""How long an answer is waited for."""
LONGEST_ANSWER: Final = 16_384
LONGEST_ID: Final = 1_023
"""Bytes of a credential's id, as WebAuthn bounds it."""
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
PORTS: Final = {"http": 80, "https": 443}
Read = TypeVar("Read")


class Refused(Exception):
    """An answer that proves nothing."""


class Home(NamedTuple):
    """Where passkeys of this service are good: the name they are bound to, and the one origin they are shown at."""

    name: str
    origin: str


class NewPasskey(NamedTuple):
    """What is kept of a passkey."""

    credential: bytes
    public_key: bytes
    sign_count: int
    is_backed_up: bool


class Shown(NamedTuple):
    """What a passkey that was shown says; its signature is right."""

    sign_count: int
    is_backed_up: bool
    handle: bytes | None


def home() -> Home | None:
    """Read it from the public address, never from a request; a number (``127.0.0.1``) can have no passkeys."""
    parts = urlsplit(settings.PUBLIC_URL)
    name = parts.hostname or ""
    try:
        ip_address(name)
    except ValueError:
        port = "" if parts.port in {None, PORTS.get(parts.scheme)} else f":{parts.port}"
        return Home(name, f"{parts.scheme}://{name}{port}")
    return None


def as_text(raw: bytes) -> str:
    """Write bytes as they are kept."""
    return urlsafe_b64encode(raw).decode()


def as_bytes(text: str) -> bytes:
    """Read them."""
    return urlsafe_b64decode(text)


def credential_digest(credential: bytes) -> str:
    """Hash a credential's id as it is looked up: of any length, and random."""
    return hashlib.sha256(credential).hexdigest()


def options_to_enrol(
    at: Home, *, challenge: bytes, handle: bytes, login: str, name: str, there: Sequence[bytes]
) -> dict[str, Any]:
    """Say what the browser is to have made: a key that the person unlocks, found without a name if possible.

    :param handle: what the authenticator gives back instead of a name
    :param there: the credentials that the person has
    """
    options = webauthn.generate_registration_options(
        rp_id=at.name,
        rp_name="Identity",
        user_id=handle,
        user_name=login,
        user_display_name=name or login,
        challenge=challenge,
        timeout=MINUTES * 60_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in there],
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json_dict(options)


def options_to_show(at: Home, *, challenge: bytes, of: Sequence[bytes] = ()) -> dict[str, Any]:
    """Say what the browser is to have signed.

    :param of: the credentials that will do; any that the authenticator finds, if none is named
    """
    options = webauthn.generate_authentication_options(
        rp_id=at.name,
        challenge=challenge,
        timeout=MINUTES * 60_000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in of],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def credential_in(answer: str) -> bytes:
    """Read which credential an answer is of.

    :raises Refused: if it is none
    """
    return _read(lambda: base64url_to_bytes(_object(answer)["id"]))


def read_enrolled(answer: str, *, at: Home, challenge: bytes) -> NewPasskey:
    """Read what was made.

    :raises Refused: if it was made elsewhere, for something else, or without the person unlocking it
    """
    made = _read(
        lambda: webauthn.verify_registration_response(
            credential=_object(answer),
            expected_challenge=challenge,
            expected_rp_id=at.name,
            expected_origin=at.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    )
    if len(made.credential_id) > LONGEST_ID:
        raise Refused
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count, made.credential_backed_up)


def read_shown(answer: str, *, at: Home, challenge: bytes, public_key: bytes) -> Shown:
    """Read what was signed; the caller compares the counter with that of before.

    :raises Refused: if it was signed elsewhere, for something else, by another key, or without the person unlocking it
    """
    # SECURITY: the library compares counters before it looks at the signature; then anybody could raise the alarm.
    shown = _read(
        lambda: webauthn.verify_authentication_response(
            credential=_object(answer),
            expected_challenge=challenge,
            expected_rp_id=at.name,
            expected_origin=at.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    )
    handle = _read(lambda: parse_authentication_credential_json(_object(answer)).response.user_handle)
    return Shown(shown.new_sign_count, shown.credential_backed_up, handle)


def _object(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise Refused
    value = json.loads(answer)
    if not isinstance(value, dict):
        raise Refused
    return value


def _read(reading: Callable[[], Read]) -> Read:
    try:
        return reading()
    except Exception as error:  # the library lets through whatever goes wrong inside it
        raise Refused from error
