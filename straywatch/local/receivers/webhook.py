"""A webhook on a topic: confirms its subscription, verifies signatures, keeps what came.

It does what docs/channels.md tells every receiver to do.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from straywatch.alert_path.sns_message import ForgedMessageError, verify
from straywatch.local.receivers.http_endpoint import EndpointResponse

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_SECONDS = 10


def get(address: str) -> bytes:
    """Read what is at an address of the emulator."""
    with _OPENER.open(address, timeout=_TIMEOUT_SECONDS) as response:
        content: bytes = response.read()
        return content


@dataclass
class Webhook:
    """Receives for one topic of the emulator at `endpoint`. `kept` holds the messages' texts."""

    endpoint: str
    topic_arn: str = ""
    tell: Callable[[str], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    confirmed: threading.Event = field(default_factory=threading.Event)
    kept: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def receive(self, _headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        """Take one POST of SNS."""
        try:
            message = json.loads(body)
            certificates = re.compile(re.escape(f"{self.endpoint}/_straywatch/sns.pem"))
            verify(message, self.topic_arn, get, self.now(), trusted=certificates)
        except (ForgedMessageError, ValueError, OSError) as error:
            self.refused.append(str(error))
            return EndpointResponse(403, {"error": "not from SNS"})
        self._take(message)
        return EndpointResponse(200)

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["Type"] == "SubscriptionConfirmation":
            address = str(message["SubscribeURL"])
            if address.startswith(f"{self.endpoint}/"):  # signed or not, ask nobody else
                get(address)
                self.confirmed.set()
        elif message["Type"] == "Notification":
            self.kept.append(message["Message"])
            self.tell(message["Message"])
