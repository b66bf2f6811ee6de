"""Random histories: a seed leads to one plan, always the same."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from tests.simulation.generate_channels import with_channels
from tests.simulation.kernel import DAY, HOUR, MINUTE, SECOND
from tests.simulation.plan import Act, Do, Fault, Plan, Stretch
from tests.simulation.scenes import SCENES, Scene
from tests.simulation.truth import Truth, User

_GRACES = (0, 0, 1, 1, 10, 10, 60, 60, 60, 900, 901, 3600)
_LONG_GRACES = (6 * 3600, 12 * 3600)
"""They add nothing but more rounds through the queue, which take most of the time."""
_NAMES = ("ann", "Ann", "bob", "cyd")
_GROUPS = ("staff", "ops", "dev")
_LAGS = (0, 0, 500, 500, 2000, 2000, 2000, 20 * SECOND, 3 * MINUTE)
"""IAM's lag has no bound: mostly seconds, minutes have been seen."""
_ELSEWHERE = (
    "999988887777 us-east-1",
    "999988887777 us-east-1",
    "111122223333 cn-north-1",
    "111122223333 us-gov-west-1",
)
_CALLS = (Do.CREATE, Do.CREATE, Do.REMOVE, Do.ADD, Do.DELETE, Do.RENAME)
_MOST_SWEEPS = 5
_CLOSEST = 20
"""Milliseconds between two acts: no two happen at once."""
_OF_SCENES = ("ann", "bob", "cyd", "dan", "eve")
_PACES = (
    "within a second",
    "within seconds",
    "as a check looks",
    "with checks between",
    "at any pace",
)
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
    plan = _Author(Random(seed), seed).plan()  # noqa: S311 - repeatable, not secret
    return with_channels(plan, Random(f"channels {seed}"))  # noqa: S311 - as above


class _Author:
    """Writes one history, keeping track of who exists so that most acts are possible."""

    def __init__(self, random: Random, seed: int) -> None:
        self.random = random
        self.luck = seed
        self.grace = random.choice(_LONG_GRACES if random.random() < 0.005 else _GRACES)
        self.lossy = random.choice((0.0, 0.0, 0.2, 0.5, 1.0))
        self.late = random.choice((0.0, 0.1, 0.5))
        self.names = random.sample(_NAMES, random.randint(1, len(_NAMES)))
        self.truth = Truth()
        self.now = random.randint(0, 10 * SECOND)
        self.acts: list[Act] = []
        self.sweeps: list[int] = []
        self.situations: list[str] = []

    def plan(self) -> Plan:
        random = self.random
        crowd = self._crowd() if random.random() < 0.012 else {}
        upgrade_at = self._before_the_upgrade() if not crowd and random.random() < 0.05 else 0
        for _ in range(random.randint(1, 9)):
            self._something()
        last = max((act.at + max(act.deliveries, default=0) for act in self.acts), default=0)
        ends = (act.until or 0 for act in self.acts)
        calm_at = max(last, *self.sweeps, *ends, 0) + random.choice((0, MINUTE, HOUR))
        sweep_every = random.choice((15 * MINUTE, HOUR, 6 * HOUR, DAY))
        stormy = random.random() < 0.7
        stretches = random.randint(0, 3) if stormy else 0
        lag = random.choice(_LAGS)
        if lag > 2 * SECOND:
            self.situations.append("IAM lags by more than seconds")
        return Plan(
            luck=self.luck,
            grace_seconds=self.grace,
            sweep_every=max(sweep_every, calm_at // _MOST_SWEEPS),
            iam_lag=lag,
            duplicate_rate=random.choice((0.0, 0.0, 0.2)),
            strike_rate=random.choice((0.002, 0.01, 0.05)) if stormy else 0.0,
            acts=tuple(sorted(self.acts, key=lambda act: act.at)),
            calm_at=calm_at,
            stretches=tuple(self._stretch(calm_at) for _ in range(stretches)),
            extra_sweeps=(*self.sweeps, *self._extra_sweeps(calm_at)),
            redrives=tuple(random.randint(0, calm_at) for _ in range(random.randint(0, 2))),
            reminder_hours=random.choice((0, 1, 24)),
            escalate_hours=random.choice((0, 2, 72)),
            digest_above=random.choice((0, 1, 10)),
            hurried_sweeps=random.choice((0.0, 0.0, 0.3)),
            upgrade_at=upgrade_at,
            slow_reads=random.choice((0, 0, 0, 0, 0, 6 * SECOND)),
            **crowd,
            situations=tuple(self.situations),
        )

    def _something(self) -> None:
        """A few acts of chance, or a situation."""
        kind = self.random.random()
        if kind < 0.55:
            for _ in range(self.random.randint(1, 3)):
                self._act()
        elif kind < 0.8:
            self._scene(self.random.choice(SCENES))
        elif kind < 0.87:
            self._exempt_for_a_while()
        elif kind < 0.94:
            self._elsewhere()
        elif kind < 0.97:
            self._change_the_grace()
        else:
            self._queue_again()
        if self.random.random() < 0.2:
            self.sweeps.append(self.now + self.random.randint(0, 3 * SECOND))

    def _scene(self, scene: Scene) -> None:
        """Prepare the people of a scene, each in some way, and play it at some pace."""
        random = self.random
        roles = dict(zip("abc", random.sample(_OF_SCENES, 3), strict=True))
        roles |= {"t": f"t{len(self.acts)}"} | dict(
            zip("gh", random.sample(_GROUPS, 2), strict=True)
        )
        for person in scene.people:
            self._prepare(roles[person])
        pace = random.choice(_PACES)
        self.situations += [scene.title, f"a scene {pace}"]
        if pace == "within a second":
            self._pass(SECOND - self.now % SECOND)
        if pace == "as a check looks":
            self._pass(self.grace * SECOND - self.now % SECOND + random.randint(0, 2 * SECOND))
        if random.random() < 0.3:
            self.sweeps.append(self.now + random.randint(0, 2 * SECOND))
        for do, name, other in scene.steps:
            self._pass(self._pause(pace))
            self._do(self._told(do, roles[name], roles.get(other, "")))

    def _prepare(self, name: str) -> None:
        """Somebody who is new, known as a stray, a member, or has lately been one."""
        random = self.random
        if self.truth.named(name, self.now) is None:
            self._pass(self._gap())
            self._do(self._told(Do.CREATE, name))
        user = self.truth.named(name, self.now)
        groups = user.groups if user else ()
        state = random.choice(("as it is", "stray", "member", "left"))
        if state in ("member", "left") and not groups:
            self._pass(self._gap())
            groups = (random.choice(_GROUPS),)
            self._do(self._told(Do.ADD, name, groups[0]))
        if state in ("stray", "left"):
            for group in groups:
                self._pass(random.randint(100, 5 * SECOND))
                self._do(self._told(Do.REMOVE, name, group))
        if random.random() < 0.4:
            self._pass(self.grace * SECOND + random.randint(0, 10 * SECOND))

    def _pause(self, pace: str) -> int:
        random = self.random
        match pace:
            case "within a second" | "as a check looks":
                return random.randint(_CLOSEST, 150)
            case "within seconds":
                return random.randint(20, 3 * SECOND)
            case "with checks between":
                return self.grace * SECOND + random.randint(0, 10 * SECOND)
            case _:
                return self._gap()

    def _exempt_for_a_while(self) -> None:
        """An exemption that ends at an awkward time: within a grace, or between check and sweep."""
        random, grace = self.random, self.grace * SECOND
        name = random.choice(self.names)
        self.situations.append("exempt for a while")
        if self.truth.named(name, self.now) is None:
            self._pass(self._gap())
            self._do(self._told(Do.CREATE, name))
        self._pass(random.choice((random.randint(50, 5 * SECOND), int(grace * random.random()))))
        length = random.choice((random.randint(1, 40 * SECOND), int(grace * random.uniform(0, 2))))
        until = self.now + random.choice((0, grace)) + length
        if random.random() < 0.3:
            self._do(Act(self.now, Do.TAG, name, until=until))
        else:
            by = random.choice(("name", "user_id"))
            self._do(Act(self.now, Do.EXEMPT, name, by, until=until))

    def _elsewhere(self) -> None:
        """Calls in another account or partition, about users whose names are known here."""
        random = self.random
        self.situations.append("calls elsewhere")
        for _ in range(random.randint(1, 3)):
            self._pass(self._gap())
            do, name = random.choice((*_CALLS, Do.QUEUE)), random.choice((*self.names, "u000"))
            other = random.choice(_GROUPS if do in (Do.ADD, Do.REMOVE) else (*self.names, "dan"))
            act = Act(self.now, do, name, other, elsewhere=random.choice(_ELSEWHERE))
            deliveries = () if do is Do.QUEUE else (self._delay(),)
            self._do(replace(act, deliveries=deliveries))

    def _change_the_grace(self) -> None:
        """A deployment while checks are in flight."""
        self.situations.append("grace changed")
        self._pass(self._gap())
        grace = self.random.choice((0, 1, 10, 60, 600, self.grace * 2, self.grace // 2))
        self._do(Act(self.now, Do.SET_GRACE, other=str(grace)))

    def _queue_again(self) -> None:
        """A check that an older version asked for, or that an operator sent."""
        self.situations.append("check queued by an older version")
        self._pass(self._gap())
        self._do(Act(self.now, Do.QUEUE, self.random.choice((*self.names, "nobody"))))

    def _before_the_upgrade(self) -> int:
        """Users who are made, join and leave while the version before runs; returns its end."""
        random = self.random
        self.grace = max(self.grace, 60)
        self.situations.append("upgraded")
        for _ in range(random.randint(1, 6)):
            self._pass(random.randint(100, 5 * SECOND))
            name = random.choice(self.names)
            user = self.truth.named(name, self.now)
            if user is None:
                act = self._told(Do.CREATE, name)
            elif user.groups:
                act = self._told(Do.REMOVE, name, user.groups[0])
            else:
                act = self._told(*random.choice(((Do.DELETE, name), (Do.ADD, name, "staff"))))
            self._do(act)
        self._pass(random.randint(0, 5 * SECOND))
        return self.now

    def _crowd(self) -> dict[str, Any]:
        """A large account with many strays nobody told of, who join groups while a sweep tells."""
        random = self.random
        self.situations.append("a crowd")
        strays, members = random.choice((15, 40, 80)), random.choice((0, 50, 200))
        self.truth.settle_crowd(strays + members, strays)
        sweep_at = self.now + random.choice((SECOND, MINUTE))
        self.sweeps += [sweep_at, sweep_at + random.randint(0, self.grace * SECOND + MINUTE)]
        self.now = sweep_at
        for number in random.sample(range(strays), int(strays * random.choice((0.3, 0.7)))):
            self._pass(random.randint(20, 600))
            self._do(self._told(Do.ADD, f"u{number:03}", random.choice(_GROUPS)))
        return {
            "crowd": strays + members,
            "crowd_strays": strays,
            "slow_pages": random.choice((0, 0, 4 * SECOND)),
            "slow_publish": random.choice((0, 300, 1000)),
        }

    def _pass(self, length: int) -> None:
        self.now += max(_CLOSEST, length)

    def _do(self, act: Act) -> None:
        self.truth.apply(act, act.at)
        self.acts.append(act)

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

    def _act(self) -> None:
        self._pass(self._gap())
        self._do(self._possible_act())

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
