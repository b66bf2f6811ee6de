"""Sends events to PagerDuty: the routing key from Secrets Manager, the event by HTTPS."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.channels.pager.incidents import PagerDutyEvent
from chalicelib.log import log

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ATTEMPTS = 3
TIMEOUT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 4.0
"""With these, one event takes under 25 s at the worst; the function has 60 for two of them."""
KEY_KEPT_FOR = timedelta(minutes=5)
_KEY = re.compile(r"[A-Za-z0-9]{32}")  # PagerDuty: an integration key has 32 characters
_TOO_MANY = 429
_SERVER_ERRORS = 500


class PagerError(Exception):
    """PagerDuty did not take an event. The message never holds the routing key."""


class PageRefusedError(PagerError):
    """PagerDuty refused the event or its key: only a person can mend it."""


class PagerUnavailableError(PagerError):
    """PagerDuty could not be reached, was busy or broken, as often as was tried."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the routing key elsewhere."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - urllib's own arguments
        """Follow none: the answer becomes an error."""


def checked_url(url: str) -> str:
    """Return the address if the routing key may be sent there. Raises PagerError.

    Plain HTTP is for a stand-in on this machine alone.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1"):
        return url
    raise PagerError("the address of PagerDuty must begin with https://")


@dataclass(slots=True)
class EventsApi:
    """PagerDuty's Events API v2: takes one event at a time. `sleep` waits between attempts."""

    secrets: SecretsManagerClient
    secret_arn: str
    url: str
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    _key: str = field(default="", init=False, repr=False)
    _read_at: datetime | None = field(default=None, init=False)

    def send(self, event: PagerDutyEvent) -> None:
        """Send an event, trying again what may pass. Raises PagerError, or what AWS refuses."""
        cached = self._is_cached()
        try:
            self._send(event, self._routing_key())
        except PageRefusedError:
            self._read_at = None
            if not cached:
                raise
            self._send(event, self._routing_key())  # the key may have been changed since
        log("page_sent", action=event.action, dedup_key=event.dedup_key)

    def _send(self, event: PagerDutyEvent, key: str) -> None:
        url = checked_url(self.url)
        body = json.dumps(event.body(key)).encode()
        for attempt in range(1, ATTEMPTS + 1):
            problem, wait = self._try(url, body, key)
            if not problem:
                return
            log("page_not_taken", problem=problem, attempt=attempt)
            if attempt < ATTEMPTS:
                self.sleep(max(wait, float(attempt)))
        raise PagerUnavailableError(f"after {ATTEMPTS} attempts: {problem}")

    def _try(self, url: str, body: bytes, key: str) -> tuple[str, float]:
        """Post once: return what may pass and how long to wait for it, or an empty text."""
        headers = {"Content-Type": "application/json", "User-Agent": "straywatch"}
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked_url has seen it
        try:
            opener = urllib.request.build_opener(_NoRedirects)
            opener.open(request, timeout=TIMEOUT_SECONDS).close()
        except urllib.error.HTTPError as error:
            with error:
                return self._answered(error, key)
        except (OSError, HTTPException) as error:
            return f"PagerDuty could not be reached: {type(error).__name__}", 0.0
        return "", 0.0

    def _answered(self, error: urllib.error.HTTPError, key: str) -> tuple[str, float]:
        if error.code == _TOO_MANY or error.code >= _SERVER_ERRORS:
            return f"PagerDuty answered {error.code}", _wait_asked(error)
        try:
            said = error.read(1000).decode("utf-8", "replace")
        except (OSError, HTTPException):
            said = "nothing more"
        told = said.replace(key, "***")[:300]
        raise PageRefusedError(f"PagerDuty answered {error.code}: {told}")

    def _is_cached(self) -> bool:
        return self._read_at is not None and self.clock() - self._read_at < KEY_KEPT_FOR

    def _routing_key(self) -> str:
        if not self._is_cached():
            self._key = self._read_key()
            self._read_at = self.clock()
        return self._key

    def _read_key(self) -> str:
        """The secret is the key itself, or a JSON object that has it as `routing_key`."""
        text = self.secrets.get_secret_value(SecretId=self.secret_arn).get("SecretString", "")
        try:
            found = json.loads(text)
        except ValueError:
            found = text
        key = found.get("routing_key") if isinstance(found, dict) else text
        if not isinstance(key, str) or not _KEY.fullmatch(key.strip()):
            raise PageRefusedError("the secret holds no routing key: 32 letters and digits")
        return key.strip()


def _wait_asked(error: urllib.error.HTTPError) -> float:
    asked = error.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT_SECONDS) if asked.isascii() and asked.isdigit() else 0.0
