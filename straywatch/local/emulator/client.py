"""The caller's side of the emulator's control API."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from straywatch.local.bridge.delivery import Mode

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class ControlClient:
    """Asks and orders what `straywatch.local.emulator.control` serves at one endpoint.

    Every method raises urllib.error.URLError if the emulator does not answer or refuses.
    """

    endpoint: str

    def records(self) -> Sequence[dict[str, Any]]:
        """Return CloudTrail's record of each IAM call, oldest first."""
        return self._ask("GET", "records")  # type: ignore[no-any-return] # JSON of our own making

    def unlike_aws(self) -> Sequence[str]:
        """Return what was answered, since this was last asked, that AWS by its models could not."""
        told: list[str] = self._ask("GET", "unlike-aws")
        self._ask("DELETE", "unlike-aws")
        return told

    def mail(self) -> Sequence[dict[str, str]]:
        """Return each mail sent: to, subject, text, topic_arn, message_id; oldest first."""
        return self._ask("GET", "mail")  # type: ignore[no-any-return] # likewise

    def texts(self) -> Sequence[dict[str, str]]:
        """Return each text message sent, with the fields of a mail; oldest first."""
        return self._ask("GET", "texts")  # type: ignore[no-any-return] # likewise

    def security_hub(self) -> Sequence[dict[str, Any]]:
        """Return the findings that Security Hub has, as their latest updates left them."""
        return self._ask("GET", "security-hub")  # type: ignore[no-any-return] # likewise

    def calls(self) -> Sequence[dict[str, Any]]:
        """Return how often each caller_arn made each action: action, caller_arn, count."""
        return self._ask("GET", "calls")  # type: ignore[no-any-return] # likewise

    def behind(self) -> Sequence[dict[str, Any]]:
        """Return what roles were asked behind the scenes: action, caller_arn, count."""
        return self._ask("GET", "behind")  # type: ignore[no-any-return] # likewise

    def denials(self) -> Sequence[dict[str, Any]]:
        """Return what was denied to whom, behind the scenes too: action, caller_arn, count."""
        return self._ask("GET", "denials")  # type: ignore[no-any-return] # likewise

    def forget_calls(self) -> None:
        """Count calls, what was asked behind the scenes and denials from zero again."""
        self._ask("DELETE", "calls")

    def plan(self, mode: Mode = "deliver", *, delay_seconds: float = 0, copies: int = 1) -> None:
        """Decide what becomes of the events to come."""
        order = {"mode": mode, "delay_seconds": delay_seconds, "copies": copies}
        self._ask("POST", "events", order)

    def held(self) -> Sequence[dict[str, Any]]:
        """Return the events that are held."""
        return self._ask("GET", "events")["held"]  # type: ignore[no-any-return] # likewise

    def release(self, *, reverse: bool = False, copies: int = 1) -> int:
        """Deliver what is held and return how many events there were."""
        order = {"reverse": reverse, "copies": copies}
        return int(self._ask("POST", "events/release", order)["released"])

    def hand_over_delayed(self) -> int:
        """End the delay of every message in a queue and return how many there were."""
        return int(self._ask("POST", "queues/hand-over", {})["handed_over"])

    def fail(
        self, action: str, code: str, *, status: int = 400, times: int = 1, caller: str = ""
    ) -> None:
        """Let the next calls of an action fail; `caller` is a part of the callers' ARN."""
        fault = {"action": action, "code": code, "status": status, "times": times, "caller": caller}
        self._ask("POST", "faults", fault)

    def throttle(self, actions: str, *, rate: float, burst: int) -> None:
        """Let actions that match (`iam:*`) be called `rate` times a second, `burst` at once."""
        self._ask("POST", "throttle", {"actions": actions, "rate": rate, "burst": burst})

    def lag_iam(self, seconds: float) -> None:
        """Let IAM's reads show users and groups as they were so many seconds ago."""
        self._ask("POST", "iam-lag", {"seconds": seconds})

    def page_iam(self, *, most: int = 1000, empty_first: bool = False) -> None:
        """Let IAM's pages hold so many at most; with `empty_first` the first holds nothing."""
        self._ask("POST", "iam-pages", {"most": most, "empty_first": empty_first})

    def reset(self) -> None:
        """Deliver events, answer and let pass as AWS usually does; what is held is lost."""
        self._ask("DELETE", "events")
        self._ask("DELETE", "faults")
        self._ask("DELETE", "throttle")
        self.lag_iam(0)
        self.page_iam()

    def _ask(self, method: str, resource: str, order: object = None) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - an endpoint of our own, on this machine
            f"{self.endpoint}/_straywatch/{resource}",
            method=method,
            data=None if order is None else json.dumps(order).encode(),
            headers={"content-type": "application/json"},
        )
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)
