"""The heartbeat: tells every few minutes, as metrics, whether the sweep is late and who listens.

A function that is not invoked has no metric, and CloudWatch looks back past what is missing: an
alarm on the sweep's own metrics would notice late, and ring before the first sweep. This tells
how things stand, whatever the sweep's schedule, and is missed itself within minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.account import Account
from chalicelib.domain.schedules import longest_gap
from chalicelib.flows.ports import Documents
from chalicelib.log import metrics
from chalicelib.times import exact, parse_time

LATE = timedelta(hours=1)
"""A sweep takes a quarter of an hour at most, and Lambda tries it three times."""
_SINCE = "heartbeat"
_SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """What the heartbeat alone is told. `declared_listeners` is `email:ADDRESS sms:NUMBER`."""

    sweep_rate: str
    health_topic_arn: str
    tamper_topic_arn: str
    declared_listeners: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the monitor stands: both are 0 when all is well.

    A whole sweep should have come to its end so many minutes ago, with the hour that it may take.
    `unheard` counts the subscriptions that the deployment asked for and that nobody has confirmed,
    or that somebody has ended; one more if nobody at all has confirmed one for alerts.
    """

    sweep_overdue_minutes: int
    unheard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One beat. `confirmed` lists the protocol and endpoint of a topic's confirmed subscriptions.

    `wake` asks the dead-letter queue for something: SQS needs up to 15 minutes to tell CloudWatch
    of a queue that nobody has asked for six hours.
    """

    stack_name: str
    alert_topic_arn: str
    settings: HeartbeatSettings
    documents: Documents
    confirmed: Callable[[str], frozenset[tuple[str, str]]]
    wake: Callable[[], object]
    clock: Callable[[], datetime]

    def beat(self, account: Account) -> Pulse:
        """Tell how the monitor stands. Raises what the tables, SNS or SQS raise."""
        self.wake()
        pulse = Pulse(self._overdue(account), self._unheard())
        metrics(
            self.stack_name,
            SweepOverdueMinutes=pulse.sweep_overdue_minutes,
            Unheard=pulse.unheard,
        )
        return pulse

    def _overdue(self, account: Account) -> int:
        """Counted from the end of the last whole sweep; before the first, from the first beat."""
        now = self.clock()
        swept = self.documents.document(account, _SWEEP).get("finished_at")
        last = parse_time(swept) if swept else self._since(account, now)
        late = now - last - longest_gap(self.settings.sweep_rate) - LATE
        return max(0, -(-late // timedelta(minutes=1)))

    def _since(self, account: Account, now: datetime) -> datetime:
        noted = self.documents.document(account, _SINCE).get("since")
        if noted:
            return parse_time(noted)
        self.documents.write_document(account, _SINCE, {"since": exact(now)})
        return now

    def _unheard(self) -> int:
        alerts = self.confirmed(self.alert_topic_arn)
        others = (self.settings.health_topic_arn, self.settings.tamper_topic_arn)
        heard = (alerts, *map(self.confirmed, others))
        declared = _declared(self.settings.declared_listeners)
        missing = sum(len(declared - listeners) for listeners in heard)
        return missing + (not alerts)


def _declared(text: str) -> frozenset[tuple[str, str]]:
    pairs = (each.partition(":") for each in text.split())
    return frozenset((protocol, endpoint) for protocol, _, endpoint in pairs if endpoint)
