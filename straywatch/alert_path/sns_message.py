"""Verifies that an HTTPS message comes from Amazon SNS, as docs/channels.md tells every webhook to.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. Needs the package
`cryptography`, and nothing else of this project: copy it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

AMAZON = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[\w.-]+\.pem")
FRESH = timedelta(minutes=65)  # SNS tries a webhook for an hour at most: older is a replay
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class ForgedMessageError(Exception):
    """A message that SNS did not send for this topic, or one that is too old."""


def verify(
    message: Mapping[str, str],
    topic_arn: str,
    fetch: Callable[[str], bytes],
    now: datetime,
    trusted: re.Pattern[str] = AMAZON,
) -> None:
    """Raise ForgedMessageError unless SNS sent `message` (the decoded JSON) for `topic_arn`.

    `fetch` gets the certificate from an address that fits `trusted`; cache what it returns.
    """
    try:
        if message["TopicArn"] != topic_arn:
            raise ForgedMessageError("the message is of another topic")
        sent_at = datetime.fromisoformat(message["Timestamp"])
        if sent_at.tzinfo is None or abs(now - sent_at.astimezone(UTC)) > FRESH:
            raise ForgedMessageError("the message is old: it may be a replay")
        address = message["SigningCertURL"]
        if not trusted.fullmatch(address):
            raise ForgedMessageError("the certificate is not Amazon's")
        key = load_pem_x509_certificate(fetch(address)).public_key()
        if not isinstance(key, RSAPublicKey):
            raise ForgedMessageError("the certificate holds no RSA key")
        signature = base64.b64decode(message["Signature"], validate=True)
        key.verify(
            signature, signed_text(message), PKCS1v15(), _HASHES[message["SignatureVersion"]]()
        )
    except (KeyError, TypeError, ValueError, OverflowError, InvalidSignature) as error:
        raise ForgedMessageError(f"the signature does not hold: {error!r}"[:200]) from error


def signed_text(message: Mapping[str, str]) -> bytes:
    """What SNS signs: names and values, each on a line, in the order of the names."""
    names = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
    parts = [part for name in names if name in message for part in (name, message[name])]
    return "".join(f"{part}\n" for part in parts).encode()
