"""Floods, channels and alarms, put into a share of the histories, beside all that happens there."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.simulation.kernel import MINUTE, SECOND
from tests.simulation.plan import Act, Do, Fault, Plan, Stretch

_SERVICES = ("pagerduty", "pagerduty", "pagerduty", "sns", "events", "securityhub", "dynamodb")
_FAULTS = (Fault.THROTTLED, Fault.DENIED, Fault.SERVER_ERROR, Fault.UNREACHED, Fault.UNANSWERED)
_FLOODS, _CHANNELS = 0.04, 0.06
"""In how many histories each is; whoever has a flood mostly has channels, too."""


def with_channels(plan: Plan, random: Random) -> Plan:
    """The plan, perhaps with more in it."""
    flooded = random.random() < _FLOODS and not plan.crowd and plan.grace_seconds <= 3600
    if flooded:
        plan = _with_flood(plan, random)
    if random.random() >= (0.7 if flooded else _CHANNELS):
        return plan
    plan = replace(
        plan,
        channels=True,
        admins=random.choice((0.0, 0.2, 0.5, 1.0)),
        acts=(*plan.acts, *_alarms(plan, random)),
        situations=(*plan.situations, "channels"),
    )
    stretches = [_stretch(plan, random) for _ in range(random.randint(0, 2))]
    return replace(
        plan,
        acts=tuple(sorted(plan.acts, key=lambda act: act.at)),
        stretches=(*plan.stretches, *stretches),
    )


def _with_flood(plan: Plan, random: Random) -> Plan:
    """Many who are made one after another, of whom some join a group before long, or all do."""
    size, start = random.randint(4, 12), random.randint(0, plan.calm_at)
    acts, now = list(plan.acts), start
    for number in range(size):
        now += random.randint(20, random.choice((500, 20 * SECOND)))
        acts.append(Act(now, Do.CREATE, f"flood{number}", deliveries=_deliveries(random)))
    now += plan.grace_seconds * SECOND + random.randint(0, 10 * MINUTE)
    for number in random.sample(range(size), random.choice((0, size // 2, size, size))):
        now += random.randint(20, 5 * SECOND)
        acts.append(Act(now, Do.ADD, f"flood{number}", "staff", deliveries=_deliveries(random)))
    sweeps = [start + random.randint(0, 2 * MINUTE + plan.grace_seconds * SECOND) for _ in "12"]
    calm_at = max(plan.calm_at, now + MINUTE)
    return replace(
        plan,
        acts=tuple(sorted(acts, key=lambda act: act.at)),
        calm_at=calm_at,
        sweep_every=max(plan.sweep_every, calm_at // 5),
        extra_sweeps=(*plan.extra_sweeps, *sweeps, now + random.randint(0, MINUTE)),
        digest_above=random.choice((1, 2, 4)),
        admins=random.choice((0.0, 0.1, 0.3)),
        situations=(*plan.situations, "a flood"),
    )


def _alarms(plan: Plan, random: Random) -> list[Act]:
    """Alarms that come and go, their messages in any order, and more than once."""
    found = []
    for name in ("SweepLateAlarm", "DeadLettersAlarm")[: random.randint(0, 2)]:
        now = random.randint(0, plan.calm_at // 2)
        for number in range(random.randint(1, 5)):
            now += random.choice((random.randint(1, 3 * SECOND), random.randint(1, 10 * MINUTE)))
            state = "OK" if number % 2 else "ALARM"
            if now < plan.calm_at:
                found.append(Act(now, Do.ALARM, name, state, deliveries=_deliveries(random)))
    return found


def _deliveries(random: Random) -> tuple[int, ...]:
    number = random.choice((0, 1, 1, 1, 1, 1, 1, 2))
    return tuple(random.randint(200, random.choice((4, 4, 120)) * SECOND) for _ in range(number))


def _stretch(plan: Plan, random: Random) -> Stretch:
    start = random.randint(0, plan.calm_at)
    length = random.choice((10 * SECOND, 5 * MINUTE, 30 * MINUTE))
    service = random.choice(_SERVICES)
    ways = (*_FAULTS, Fault.LYING) if service == "pagerduty" else _FAULTS
    return Stretch(start, start + length, service, random.choice(ways), random.choice((0.3, 1.0)))
