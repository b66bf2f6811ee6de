"""The heartbeat: how late the sweep is, and who listens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account import Account
from chalicelib.flows.heartbeat import LATE, Heartbeat, HeartbeatSettings, Pulse
from chalicelib.times import exact
from tests.fakes import Clock
from tests.unit.records import NOW

ACCOUNT = Account("aws", "123456789012")
ALERTS, HEALTH, TAMPER = "arn:alerts", "arn:health", "arn:tamper"
ANN, SMS = ("email", "ann@example.com"), ("sms", "+15551234567")
HOOK = ("https", "https://example.com/hook")


@dataclass
class Monitor:
    """A monitor whose last sweep and whose listeners tests set."""

    rate: str = "rate(1 hour)"
    declared: str = "email:ann@example.com sms:"
    heard: dict[str, set[tuple[str, str]]] = field(
        default_factory=lambda: {ALERTS: {ANN}, HEALTH: {ANN}, TAMPER: {ANN}}
    )
    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    woken: list[str] = field(default_factory=list)

    def document(self, _: Account, name: str) -> Mapping[str, Any]:
        """A small document, empty where there is none."""
        return self.kept.get(name, {})

    def write_document(self, _: Account, name: str, content: Mapping[str, Any]) -> None:
        """Store a small document."""
        self.kept[name] = content

    def swept(self, at: datetime) -> None:
        """A whole sweep came to its end."""
        self.kept["sweep"] = {"finished_at": exact(at)}

    def beat(self) -> Pulse:
        """One beat."""
        return Heartbeat(
            stack_name="straywatch",
            alert_topic_arn=ALERTS,
            settings=HeartbeatSettings(self.rate, HEALTH, TAMPER, self.declared),
            documents=self,
            confirmed=lambda topic: frozenset(self.heard[topic]),
            wake=lambda: self.woken.append("dead letters"),
            clock=self.clock,
        ).beat(ACCOUNT)


@pytest.mark.parametrize(
    ("rate", "every"),
    [
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(3 days)", timedelta(days=3)),
        ("cron(0 3 * * ? *)", timedelta(days=1)),
    ],
)
def test_a_sweep_is_late_an_hour_after_it_was_due(rate: str, every: timedelta) -> None:
    """Whatever its rate: a day's silence is fine where it is meant."""
    monitor = Monitor(rate=rate)
    monitor.swept(NOW)
    late = []
    for passed in (timedelta(0), every, every + LATE):
        monitor.clock.now = NOW + passed
        late.append(monitor.beat().sweep_overdue_minutes)
    assert late == [0, 0, 0]
    monitor.clock.advance(1)
    assert monitor.beat().sweep_overdue_minutes == 1
    monitor.clock.advance(3600)
    assert monitor.beat().sweep_overdue_minutes == 61
    monitor.swept(monitor.clock.now)
    assert monitor.beat().sweep_overdue_minutes == 0


def test_a_new_deployment_has_its_first_sweep_before_it_is_late() -> None:
    """And a deployment that never sweeps is late in the end, too."""
    monitor = Monitor()
    assert monitor.beat().sweep_overdue_minutes == 0
    monitor.clock.advance(2 * 3600)
    assert monitor.beat().sweep_overdue_minutes == 0
    monitor.clock.advance(60)
    assert monitor.beat().sweep_overdue_minutes == 1


@pytest.mark.parametrize(
    ("declared", "alerts", "health", "tamper", "unheard"),
    [
        ("email:ann@example.com sms:", {ANN}, {ANN}, {ANN}, 0),
        ("email: sms:", {HOOK}, set(), set(), 0),
        ("email: sms:", set(), set(), set(), 1),
        ("email:ann@example.com sms:", set(), set(), set(), 4),
        ("email:ann@example.com sms:", {HOOK}, {ANN}, {ANN}, 1),
        ("email:ann@example.com sms:", {ANN}, {ANN}, {HOOK}, 1),
        ("email:ann@example.com sms:+15551234567", {ANN, SMS}, {ANN}, {ANN, SMS}, 1),
    ],
)
def test_who_was_to_be_told_and_is_not_is_counted(
    declared: str,
    alerts: set[tuple[str, str]],
    health: set[tuple[str, str]],
    tamper: set[tuple[str, str]],
    unheard: int,
) -> None:
    """A scanner that follows the link in a mail ends the subscription; nothing else tells of it."""
    monitor = Monitor(declared=declared, heard={ALERTS: alerts, HEALTH: health, TAMPER: tamper})
    monitor.swept(NOW)
    assert monitor.beat().unheard == unheard


def test_it_is_told_as_metrics_of_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """By the names that the alarms go by."""
    monitor = Monitor(heard={ALERTS: set(), HEALTH: set(), TAMPER: set()})
    monitor.beat()
    told = json.loads(capsys.readouterr().out)
    assert (told["Stack"], told["SweepOverdueMinutes"], told["Unheard"]) == ("straywatch", 0, 4)
    assert monitor.woken == ["dead letters"]
