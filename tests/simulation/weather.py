"""What goes wrong, and when: single calls that fail, stretches of trouble, and kills."""

from __future__ import annotations

from dataclasses import dataclass, field

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.draws import Draws
from tests.simulation.plan import Fault, Plan, Strike

_BROKEN_BY_A_STRIKE = (
    Fault.THROTTLED,
    Fault.DENIED,
    Fault.SERVER_ERROR,
    Fault.UNREACHED,
    Fault.UNANSWERED,
    Fault.REPEATED,
    Fault.KILLED_BEFORE,
    Fault.KILLED_BEFORE,
    Fault.KILLED_AFTER,
    Fault.KILLED_AFTER,
)
_BROKEN_BY_A_PAGER = (*_BROKEN_BY_A_STRIKE, Fault.LYING, Fault.LYING)
_SAID_BY_PAGERDUTY = {
    Fault.THROTTLED: (429, b""),
    Fault.DENIED: (400, b'{"status": "invalid event"}'),
    Fault.SERVER_ERROR: (503, b""),
    Fault.LYING: (200, b"<html>Welcome</html>"),
}
_CODES = {
    ("iam", Fault.THROTTLED): "Throttling",
    ("dynamodb", Fault.THROTTLED): "ProvisionedThroughputExceededException",
    ("sqs", Fault.THROTTLED): "RequestThrottled",
    ("sns", Fault.THROTTLED): "Throttled",
    ("ssm", Fault.THROTTLED): "ThrottlingException",
}


class Killed(BaseException):
    """The function was killed: not an Exception, since nothing may live to handle it."""


@dataclass(frozen=True, slots=True)
class HttpAnswerError(Exception):
    """What PagerDuty says instead of success."""

    status: int
    body: bytes


@dataclass(slots=True)
class Weather:
    """Decides for each call whether it goes wrong; notes what struck, so that it can be replayed.

    `kill_at` kills the function before or after one call, counted from 0 over the whole history.
    """

    plan: Plan
    kill_at: tuple[int, Fault] | None = None
    struck: list[Strike] = field(default_factory=list)
    calls: int = 0

    def over(self, service: str, operation: str, now: int, luck: Draws) -> Fault | None:
        """How this call goes wrong, or None."""
        self.calls += 1
        share, kind = luck.share(), luck.share()
        if self.kill_at and self.calls - 1 == self.kill_at[0]:
            return self.kill_at[1]
        if now >= self.plan.calm_at:
            return None
        for stretch in self.plan.stretches:
            reaches = stretch.service == service and stretch.start <= now < stretch.end
            if reaches and kind < stretch.share:
                return stretch.fault
        if self.plan.strikes is not None:
            return self._written(operation, now)
        if share >= self.plan.strike_rate:
            return None
        ways = _BROKEN_BY_A_PAGER if service == "pagerduty" else _BROKEN_BY_A_STRIKE
        fault = ways[int(kind * len(ways))]
        self.struck.append(Strike(now, operation, fault))
        return fault

    def slowness(self, operation: str) -> int:
        """How much longer the answer takes than answers do."""
        return {
            "publish": self.plan.slow_publish,
            "get_account_authorization_details": self.plan.slow_pages,
            "list_access_keys": self.plan.slow_reads,
            "list_mfa_devices": self.plan.slow_reads,
        }.get(operation, 0)

    def _written(self, operation: str, now: int) -> Fault | None:
        for strike in self.plan.strikes or ():
            if strike.at == now and strike.operation == operation:
                return strike.fault
        return None


def error(service: str, operation: str, fault: Fault) -> Exception:
    """What boto3 raises for the fault, or HTTP."""
    if service == "pagerduty":
        said = _SAID_BY_PAGERDUTY.get(fault)
        return HttpAnswerError(*said) if said else TimeoutError()
    if fault in (Fault.UNREACHED, Fault.UNANSWERED):
        return ReadTimeoutError(endpoint_url=f"https://{service}.amazonaws.com/")
    if fault is Fault.DENIED:
        code = "AccessDenied"
    else:
        code = _CODES.get((service, fault), "InternalServerError")
    return ClientError({"Error": {"Code": code, "Message": str(fault)}}, operation)
