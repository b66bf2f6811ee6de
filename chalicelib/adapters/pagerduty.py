"""Sends events to PagerDuty: the routing key from Secrets Manager, the event by HTTPS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chalicelib.adapters.bounded_post import Answer, post
from chalicelib.channels.pager.incidents import PagerDutyEvent
from chalicelib.log import log

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ATTEMPTS = 3
TIMEOUT_SECONDS = 5.0
"""How long one attempt takes at most, in all."""
LONGEST_WAIT_SECONDS = 4.0
"""With these, one event takes 23 s at the worst; the function has 60 for two of them."""
KEY_KEPT_FOR = timedelta(minutes=5)
_KEY = re.compile(r"[A-Za-z0-9]{32}")  # PagerDuty: an integration key has 32 characters
_TAKEN = 202
_OTHER_SUCCESSES = range(200, 300)
_TOO_MANY = 429
_SERVER_ERRORS = 500


class PagerError(Exception):
    """PagerDuty did not take an event. The message never holds the routing key."""


class PageRefusedError(PagerError):
    """PagerDuty refused the event or its key: only a person can fix it."""


class PagerUnavailableError(PagerError):
    """PagerDuty could not be reached, was busy or broken, as often as was tried."""


def checked_url(url: str) -> str:
    """Return the address if the routing key may be sent there. Raises PagerError.

    Plain HTTP is for a stand-in on this machine alone.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise PagerError(f"the address of PagerDuty is none: {error}") from error
    local = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    if local or (parts.scheme == "https" and parts.hostname):
        return url
    raise PagerError("the address of PagerDuty must begin with https:// and name a host")


@dataclass(slots=True)
class EventsApi:
    """PagerDuty's Events API v2: takes one event at a time. `sleep` waits between attempts."""

    secrets: SecretsManagerClient
    secret_arn: str
    url: str
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    timeout_seconds: float = TIMEOUT_SECONDS
    _key: str = field(default="", init=False, repr=False)
    _read_at: datetime | None = field(default=None, init=False)

    def send(self, event: PagerDutyEvent, is_over: Callable[[], bool] = lambda: False) -> None:
        """Send an event, trying again what may pass, unless what it tells of `is_over` by then.

        Raises PagerError, or what AWS refuses.
        """
        url = checked_url(self.url)
        problem = ""
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1 and is_over():
                log("page_given_up", dedup_key=event.dedup_key)
                return
            cached = self._is_cached()
            key = self._routing_key()
            try:
                problem, asked = self._try(url, event, key)
                wait = max(asked, float(attempt))
            except PageRefusedError as error:
                self._read_at = None
                if not cached or attempt == ATTEMPTS:
                    raise
                problem, wait = str(error), 0.0  # the key may have been changed since
            if not problem:
                log("page_sent", action=event.action, dedup_key=event.dedup_key)
                return
            log("page_not_taken", problem=problem, attempt=attempt)
            if attempt < ATTEMPTS:
                self.sleep(wait)
        raise PagerUnavailableError(f"after {ATTEMPTS} attempts: {problem}")

    def _try(self, url: str, event: PagerDutyEvent, key: str) -> tuple[str, float]:
        """Post once: return what may pass and how long to wait for it, or an empty text."""
        headers = {"Content-Type": "application/json", "User-Agent": "straywatch"}
        body = json.dumps(event.body(key)).encode()
        try:
            answer = post(url, body, headers, self.timeout_seconds)
        except (OSError, HTTPException) as error:
            return f"PagerDuty could not be reached: {type(error).__name__}", 0.0
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERRORS:
            return f"PagerDuty answered {answer.status}", _wait_asked(answer)
        if answer.status not in _OTHER_SUCCESSES:
            told = answer.body[:1000].decode("utf-8", "replace").replace(key, "***")[:300]
            raise PageRefusedError(f"PagerDuty answered {answer.status}: {told}")
        return ("", 0.0) if _says_taken(answer) else (_not_as_pagerduty(answer), 0.0)

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


def _says_taken(answer: Answer) -> bool:
    """Whether PagerDuty has the event: it says so by 202 and in words, and nothing less counts."""
    if answer.status != _TAKEN:
        return False
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("status") == "success"


def _not_as_pagerduty(answer: Answer) -> str:
    return f"{answer.status} without a word of success, as PagerDuty says it: is the address right?"


def _wait_asked(answer: Answer) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_SECONDS) if asked.isascii() and asked.isdigit() else 0.0
