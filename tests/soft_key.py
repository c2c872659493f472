"""A passkey made of software: signs as a device does (ES256, no attestation), and lies where it is told to."""

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url


class SoftKey:
    """One key on one device. `origin`: the page it believes to be on; `count`: how often it says it has signed."""

    def __init__(self, origin: str = "https://tracker.example.org", host: str = "tracker.example.org") -> None:
        self.origin, self.host, self.count = origin, host, 0
        self.id = secrets.token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict[str, Any], **lies: Any) -> str:
        """What the browser answers when it is asked to make it, as JSON."""
        numbers = self._key.public_key().public_numbers()
        point = (n.to_bytes(32, "big") for n in (numbers.x, numbers.y))
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, **dict(zip((-2, -3), point, strict=True))})
        about = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(0x45) + about}
        response = {
            "clientDataJSON": bytes_to_base64url(self._client("webauthn.create", options, lies)),
            "attestationObject": bytes_to_base64url(cbor2.dumps(made)),
        }
        return self._answer(response)

    def show(self, options: dict[str, Any], **lies: Any) -> str:
        """What the browser answers when the key is to sign, as JSON."""
        self.count = lies.pop("count", self.count + 1)
        client = self._client("webauthn.get", options, lies)
        data = self._data(0x05)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(lies.get("signature", signed)),
            "userHandle": None,
        }
        return self._answer(response)

    def _client(self, kind: str, options: dict[str, Any], lies: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**said, **{k: v for k, v in lies.items() if k in said}}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> str:
        named = bytes_to_base64url(self.id)
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": response})
