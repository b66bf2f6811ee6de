"""Which API calls were made by whom and denied to whom, and the failures that tests order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from logging import getLogger

from straywatch.local.bridge.throttle import Throttle

_LOG = getLogger("straywatch.calls")


@dataclass(frozen=True)
class Call:
    """One API call: the action as IAM policies name it, and the caller's ARN."""

    action: str
    caller_arn: str

    @property
    def account_id(self) -> str:
        """The caller's account; empty for a caller whom nobody knows."""
        return self.caller_arn.split(":")[4] if self.caller_arn.count(":") > 4 else ""  # noqa: PLR2004 - an ARN's parts


@dataclass
class Fault:
    """The next `times` calls of `action` by a caller whose ARN contains `caller` fail so."""

    action: str
    code: str
    status: int
    times: int
    message: str = "Injected for a test"
    caller: str = ""

    def strikes(self, call: Call) -> bool:
        """Say whether this fault is meant for a call."""
        return self.times > 0 and self.action == call.action and self.caller in call.caller_arn


@dataclass
class Calls:
    """Counts calls and picks the fault, if any, that meets one.

    `behind` counts what AWS asks a function's role without a call of the function's own: reading
    its queue, writing its log, using a key. `denials` holds what was denied, there and to calls.
    """

    counts: Counter[Call] = field(default_factory=Counter)
    behind: Counter[Call] = field(default_factory=Counter)
    denials: Counter[Call] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    throttle: Throttle = field(default_factory=Throttle)

    def deny(self, call: Call) -> None:
        """Keep a denial; the first of its kind is logged, too."""
        if call not in self.denials:
            _LOG.warning("denied: %s to %s", call.action, call.caller_arn)
        self.denials[call] += 1

    def ask(self, call: Call, *, allowed: bool) -> None:
        """Keep what a role was asked behind the scenes."""
        self.behind[call] += 1
        if not allowed:
            self.deny(call)

    def forget(self) -> None:
        """Count everything from zero again."""
        for counter in (self.counts, self.behind, self.denials):
            counter.clear()

    def meet(self, call: Call) -> list[Fault]:
        """Count a call and return the fault it runs into, as a list of none or one."""
        self.counts[call] += 1
        struck = [fault for fault in self.faults if fault.strikes(call)][:1]
        for fault in struck:
            fault.times -= 1
        if not struck and not self.throttle.lets_pass(call.action, call.account_id):
            return [Fault(call.action, "Throttling", 400, times=1, message="Rate exceeded")]
        return struck
