"""An authenticator in software, and what it gets wrong when it is told to."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from django.conf import settings

from accounts.models import Factor, FactorKind, Session, User
from accounts.passkeys import credential_digest

__all__ = ["Authenticator", "answer_of", "begin_passkey", "make_passkey", "text"]

UP, UV, BE, BS, AT = 1, 4, 8, 16, 64
UNLOCKED: Final = UP | UV


def text(raw: bytes) -> str:
    """Write bytes as WebAuthn does."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw(words: str) -> bytes:
    """Read them."""
    return urlsafe_b64decode(f"{words}==")


class Authenticator:
    """One passkey: makes it, and signs with it as often as it is asked."""

    def __init__(self, kind: str = "ES256", *, credential: bytes = b"", counts: bool = True) -> None:
        self.credential = credential or secrets.token_bytes(32)
        self.kind = kind
        self.counts = counts
        self.count = 0
        self.handle = b""
        self.key: Any = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
        }[kind]()

    @property
    def public_key(self) -> bytes:
        """The key as it is stored (COSE)."""
        key = self.key.public_key()
        if self.kind == "EdDSA":
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.public_bytes_raw()})
        numbers = key.public_numbers()
        if self.kind == "RS256":
            return cbor2.dumps({1: 3, 3: -257, -1: numbers.n.to_bytes(256), -2: numbers.e.to_bytes(3)})
        size, algorithm, curve = (32, -7, 1) if self.kind == "ES256" else (48, -35, 2)
        return cbor2.dumps({1: 2, 3: algorithm, -1: curve, -2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)})

    def made(
        self, options: dict[str, Any], *, origin: str = "", name: str = "", flags: int = UNLOCKED, kind: str = ""
    ) -> str:
        """Answer ``navigator.credentials.create``."""
        self.handle = raw(options["user"]["id"])
        data = self._data(name or options["rp"]["id"], flags | AT)
        data += bytes(16) + len(self.credential).to_bytes(2) + self.credential + self.public_key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client(kind or "webauthn.create", options["challenge"], origin or settings.PUBLIC_URL)
        return self._answer({"clientDataJSON": text(client), "attestationObject": text(attestation)})

    def shown(
        self,
        options: dict[str, Any],
        *,
        origin: str = "",
        name: str = "",
        flags: int = UNLOCKED,
        kind: str = "",
        handle: bytes | None = None,
    ) -> str:
        """Answer ``navigator.credentials.get``."""
        self.count += self.counts
        data = self._data(name or options["rpId"], flags)
        client = self._client(kind or "webauthn.get", options["challenge"], origin or settings.PUBLIC_URL)
        signature = self._signed(data + hashlib.sha256(client).digest())
        given = self.handle if handle is None else handle
        return self._answer(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(data),
                "signature": text(signature),
                **({"userHandle": text(given)} if given else {}),
            }
        )

    def _data(self, name: str, flags: int) -> bytes:
        return hashlib.sha256(name.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _signed(self, data: bytes) -> bytes:
        if self.kind == "EdDSA":
            return bytes(self.key.sign(data))
        if self.kind == "RS256":
            return bytes(self.key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        return bytes(self.key.sign(data, ec.ECDSA(hashes.SHA256())))

    def _answer(self, response: dict[str, str]) -> str:
        identifier = text(self.credential)
        return json.dumps({"id": identifier, "rawId": identifier, "type": "public-key", "response": response})


def answer_of(answer: str, **changed: Any) -> str:
    """Give an answer with some of its parts replaced; those of the response by their own names."""
    value = json.loads(answer)
    for name, part in changed.items():
        (value if name in value else value["response"])[name] = part
    return json.dumps(value)


def begin_passkey(user: User, session: Session, challenge: bytes) -> Factor:
    """Let somebody be in the middle of making a passkey."""
    factor = Factor(
        organization_id=user.organization_id, user=user, kind=FactorKind.PASSKEY, name="Passkey", confirmed=False
    )
    factor.held = {"challenge": urlsafe_b64encode(challenge).decode(), "session": str(session.pk)}
    factor.save()
    return factor


def make_passkey(user: User, authenticator: Authenticator | None = None, **fields: Any) -> Authenticator:
    """Give somebody a passkey, without the page where it is made."""
    made = authenticator or Authenticator()
    made.handle = user.pk.bytes
    factor = Factor(
        organization_id=user.organization_id,
        user=user,
        kind=FactorKind.PASSKEY,
        credential=credential_digest(made.credential),
        **{"name": "key", "confirmed": True, **fields},
    )
    factor.held = {
        "credential": urlsafe_b64encode(made.credential).decode(),
        "key": urlsafe_b64encode(made.public_key).decode(),
        "count": made.count,
        "backed_up": False,
        "asked_at": factor.created_at.isoformat(),
    }
    factor.save()
    return made
