"""Signs what the emulator's topics send by HTTP, as SNS does; the emulator itself writes FAKE."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from straywatch.alert_path.sns_message import signed_text

_BITS = 2048


@dataclass(frozen=True)
class Signer:
    """A key of this run, its certificate, and the address where receivers find it."""

    key: rsa.RSAPrivateKey
    certificate: bytes
    address: str

    def signed(self, payload: str) -> str:
        """Return the payload of one HTTP delivery, signed; raw messages carry no signature."""
        try:
            message = json.loads(payload)
        except ValueError:
            return payload
        if not isinstance(message, dict) or "SigningCertURL" not in message:
            return payload
        signature = self.key.sign(signed_text(message), PKCS1v15(), hashes.SHA256())
        message["SignatureVersion"] = "2"
        message["Signature"] = base64.b64encode(signature).decode()
        message["SigningCertURL"] = self.address
        return json.dumps(message)


def new_signer(address: str, now: Callable[[], datetime]) -> Signer:
    """Make a key and a certificate for it that lasts for a day."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.straywatch.local")])
    at = now().astimezone(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return Signer(key, pem, address)
