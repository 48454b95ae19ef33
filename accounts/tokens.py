"""Access tokens: what a program shows with each request, for ten minutes at most (RFC 9068, ``at+jwt``).

A token says who and in which session; whether that session lives is asked of the database each time, so that a token
is of no use from the moment on that its session is not. Which key signed it stands in its header; older keys stay
good for reading until they are taken out of the key file.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from accounts import ids
from accounts.errors import NotAuthenticated
from accounts.keys import Key, Purpose, keyring

__all__ = ["ALGORITHM", "LIFE", "Said", "jwks", "read_token", "signed_token"]

ALGORITHM: Final = "EdDSA"
"""Of Ed25519 keys. RFC 9864 would have ``Ed25519``, which widely used libraries pass over without a word (PyJWT)."""
LIFE: Final = timedelta(minutes=10)
TYPE: Final = "at+jwt"
LONGEST: Final = 8_192


class _Registry(JWSRegistry):
    """One algorithm, without joserfc's warning that RFC 9864 has another name for it."""

    def get_alg(self, name: str) -> Any:
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[ALGORITHM]


@dataclass(frozen=True)
class Said:
    """What a token says, once its signature and its time are right."""

    user_id: UUID
    session_id: UUID
    organization_id: UUID


def signed_token(
    *,
    user_id: UUID,
    session_id: UUID,
    organization_id: UUID,
    methods: Sequence[str],
    audience: str = "",
    more: Mapping[str, Any],
    ends: datetime | None = None,
) -> tuple[str, datetime]:
    """Make a token, and say when it ends.

    :param methods: how the person signed in (``amr``, RFC 8176)
    :param audience: the id of the application it is for; this service if not said
    :param more: roles and claims of the application it is for, or who acts (``act``, RFC 8693)
    :param ends: of an impersonation, with which its token ends
    """
    now = timezone.now().astimezone(UTC).replace(microsecond=0)
    ends = ends or now + LIFE
    key = keyring().current(Purpose.TOKEN)
    payload = {
        **more,
        "iss": settings.PUBLIC_URL,
        "aud": audience or settings.PUBLIC_URL,
        "sub": ids.encode("usr", user_id),
        "sid": ids.encode("ses", session_id),
        "org": ids.encode("org", organization_id),
        "amr": list(methods),
        "iat": int(now.timestamp()),
        "exp": int(ends.timestamp()),
        "jti": ids.encode("jti", ids.new()),
    }
    header = {"alg": ALGORITHM, "kid": key.id, "typ": TYPE}
    return jwt.encode(header, payload, _private(key), registry=_Registry()), ends


def read_token(text: str) -> Said:
    """Read a token whose signature and time are right; whether its session lives is another question.

    :raises NotAuthenticated: the same for every token that is not
    """
    refused = NotAuthenticated("You are not signed in.", remedy="Get a new access token (auth/refresh).")
    if len(text) > LONGEST:
        raise refused
    try:
        # SECURITY: the algorithm and the keys are ours, whatever the header says (alg none, jku, jwk).
        token = jwt.decode(text, _found, registry=_Registry())
        if token.header.get("typ") != TYPE:
            raise refused
        rules = jwt.JWTClaimsRegistry(
            now=int(timezone.now().timestamp()),
            iss={"essential": True, "value": settings.PUBLIC_URL},
            aud={"essential": True, "value": settings.PUBLIC_URL},
            exp={"essential": True},
            iat={"essential": True},
        )
        rules.validate(token.claims)
        named = [
            ids.decode(kind, str(token.claims[name])) for name, kind in (("sub", "usr"), ("sid", "ses"), ("org", "org"))
        ]
    except (JoseError, KeyError, ValueError, TypeError):
        raise refused from None
    if None in named:
        raise refused
    return Said(*named)  # type: ignore[arg-type]


def jwks() -> dict[str, Any]:
    """Give the public halves of all keys that tokens may be signed with (RFC 7517), newest first."""
    return {"keys": [_public(key) for key in keyring().keys[Purpose.TOKEN]]}


def _public(key: Key) -> dict[str, str]:
    raw = key.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": key.id, "use": "sig", "alg": ALGORITHM}


def _private(key: Key) -> OKPKey:
    d = base64.urlsafe_b64encode(key.secret).rstrip(b"=").decode()
    whole: dict[str, Any] = {**_public(key), "d": d}
    return OKPKey.import_key(whole)


def _found(obj: Any) -> OKPKey:
    key = keyring().named(Purpose.TOKEN, str(obj.headers().get("kid")))
    if key is None:
        raise ValueError("no such key")
    public: dict[str, Any] = {**_public(key)}
    return OKPKey.import_key(public)
