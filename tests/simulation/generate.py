"""Random histories: a seed leads to one plan, always the same."""

from __future__ import annotations

from random import Random

from tests.simulation.kernel import DAY, HOUR, MINUTE, SECOND
from tests.simulation.plan import Act, Do, Fault, Plan, Stretch
from tests.simulation.truth import Truth, User

_GRACES = (0, 0, 1, 10, 60, 60, 900, 901, 3600, 3600, 86400, 3 * 86400)
_NAMES = ("ann", "Ann", "bob", "cyd")
_GROUPS = ("staff", "ops")
_STRETCHES = ("iam", "dynamodb", "sqs", "sns", "ssm")
_STRETCH_FAULTS = (
    Fault.THROTTLED,
    Fault.THROTTLED,
    Fault.DENIED,
    Fault.SERVER_ERROR,
    Fault.UNREACHED,
    Fault.UNANSWERED,
)


def generate(seed: int) -> Plan:
    """The plan of this seed."""
    return _Author(Random(seed), seed).plan()  # noqa: S311 - repeatable, not secret


class _Author:
    """Writes one history, keeping track of who exists so that most acts are possible."""

    def __init__(self, random: Random, seed: int) -> None:
        self.random = random
        self.luck = seed
        self.grace = random.choice(_GRACES)
        self.lossy = random.choice((0.0, 0.0, 0.2, 0.5, 1.0))
        self.late = random.choice((0.0, 0.1, 0.5))
        self.names = random.sample(_NAMES, random.randint(1, len(_NAMES)))
        self.truth = Truth()
        self.now = random.randint(0, 10 * SECOND)

    def plan(self) -> Plan:
        random = self.random
        sweep_every = random.choice((15 * MINUTE, HOUR, 6 * HOUR, DAY))
        if self.grace >= DAY // SECOND:
            sweep_every = max(sweep_every, 6 * HOUR)
        acts = tuple(self._act() for _ in range(random.randint(2, 18)))
        last = max(act.at + max(act.deliveries, default=0) for act in acts)
        calm_at = max(last, *(act.until or 0 for act in acts)) + random.choice((0, MINUTE, HOUR))
        sweep_every = max(sweep_every, calm_at // 40)
        stormy = random.random() < 0.7
        stretches = random.randint(0, 3) if stormy else 0
        return Plan(
            luck=self.luck,
            grace_seconds=self.grace,
            sweep_every=sweep_every,
            iam_lag=random.choice((0, 500, 2000)),
            duplicate_rate=random.choice((0.0, 0.0, 0.2)),
            strike_rate=random.choice((0.002, 0.01, 0.05)) if stormy else 0.0,
            acts=acts,
            calm_at=calm_at,
            stretches=tuple(self._stretch(calm_at) for _ in range(stretches)),
            extra_sweeps=tuple(self._extra_sweeps(calm_at)),
            redrives=tuple(random.randint(0, calm_at) for _ in range(random.randint(0, 2))),
            reminder_hours=random.choice((0, 1, 24)),
            escalate_hours=random.choice((0, 2, 72)),
            digest_above=random.choice((0, 1, 10)),
            hurried_sweeps=random.choice((0.0, 0.0, 0.3)),
        )

    def _stretch(self, calm_at: int) -> Stretch:
        random = self.random
        start = random.randint(0, calm_at)
        length = random.choice((10 * SECOND, 5 * MINUTE, 30 * MINUTE))
        service, fault = random.choice(_STRETCHES), random.choice(_STRETCH_FAULTS)
        return Stretch(start, start + length, service, fault, random.choice((0.3, 1.0)))

    def _extra_sweeps(self, calm_at: int) -> list[int]:
        """On demand, and often two that overlap."""
        random = self.random
        found = []
        for _ in range(random.randint(0, 2)):
            at = random.randint(0, calm_at)
            found += [at, at + random.randint(0, 2 * SECOND)]
        return found

    def _act(self) -> Act:
        self.now += max(20, self._gap())
        act = self._possible_act()
        self.truth.apply(act, self.now)
        return act

    def _gap(self) -> int:
        """Close together, or about a grace apart, or anything."""
        random, grace = self.random, self.grace * SECOND
        kind = random.random()
        if kind < 0.3:
            return random.randint(0, 3 * SECOND)
        if kind < 0.5:
            return random.randint(0, 30 * SECOND)
        if kind < 0.65:
            return int(grace * random.uniform(0, 0.9))
        if kind < 0.85:
            return grace + random.randint(-2 * SECOND, 5 * SECOND) if grace > 3 else 5 * SECOND
        return int(grace * random.uniform(1, 2)) + random.randint(0, 2 * HOUR)

    def _possible_act(self) -> Act:
        random = self.random
        if random.random() < 0.12:
            return self._exemption()
        name = random.choice(self.names)
        user = self.truth.named(name, self.now)
        if user is None:
            return self._told(Do.CREATE, name)
        name = random.choice((user.name, user.name, user.name.swapcase()))
        return self._of_user(name, user)

    def _of_user(self, name: str, user: User) -> Act:
        random, kind = self.random, self.random.random()
        if user.groups and kind < 0.6:
            return self._told(Do.REMOVE, name, random.choice(user.groups))
        if kind < 0.4:
            return self._told(Do.ADD, name, random.choice(_GROUPS))
        if kind < 0.6:
            return self._told(Do.DELETE, name)
        if kind < 0.8:
            new = random.choice((*self.names, name.swapcase(), name + "2"))
            return self._told(Do.RENAME, name, new)
        if kind < 0.9:
            return Act(self.now, Do.TAG, name, until=self._until())
        return Act(self.now, Do.UNTAG, name)

    def _exemption(self) -> Act:
        random = self.random
        do = random.choice(
            (Do.EXEMPT, Do.EXEMPT, Do.UNEXEMPT, Do.UNEXEMPT, Do.BREAK_CONFIGURATION,
             Do.MEND_CONFIGURATION, Do.TAGS_OFF, Do.TAGS_ON)
        )  # fmt: skip
        if do is not Do.EXEMPT:
            return Act(self.now, do)
        name = random.choice((*self.names, self.names[0][0] + "*"))
        by = random.choice(("name", "user_id"))
        return Act(self.now, do, name, by, self._until())

    def _until(self) -> int | None:
        random = self.random
        if random.random() < 0.5:
            return None
        length = random.choice((5 * SECOND, self.grace * SECOND, 2 * HOUR))
        return self.now + int(length * random.uniform(0.5, 2))

    def _told(self, do: Do, name: str, other: str = "") -> Act:
        return Act(self.now, do, name, other, deliveries=self._deliveries())

    def _deliveries(self) -> tuple[int, ...]:
        random = self.random
        if random.random() < self.lossy:
            return ()
        number = random.choice((1, 1, 1, 1, 2, 3))
        return tuple(self._delay() for _ in range(number))

    def _delay(self) -> int:
        random = self.random
        if random.random() < self.late:
            return int(
                random.choice((30 * SECOND, self.grace * SECOND, 3 * HOUR)) * random.random()
            )
        return random.randint(200, 4 * SECOND)
