"""Histories that broke a promise once, cut down to what it took: they are played in every test run.

Found by campaigns, or told of by users; what is written here says what went wrong at that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation.kernel import DAY, HOUR, SECOND
from tests.simulation.plan import Act, Do, Fault, Plan, Stretch

_ELSEWHERE = "999988887777 us-east-1"
_OTHER_PARTITION = "111122223333 us-gov-west-1"
LOST: tuple[float, ...] = ()


def act(
    at: float,
    do: Do,
    name: str,
    other: str = "",
    *,
    told: tuple[float, ...] = (1,),
    until: float | None = None,
    elsewhere: str = "",
) -> Act:
    """What is done at `at`, its event delivered after `told`, all in seconds."""
    deliveries = tuple(round(after * SECOND) for after in told)
    end = None if until is None else round(until * SECOND)
    return Act(round(at * SECOND), do, name, other, end, deliveries, elsewhere)


def history(grace_seconds: int, *acts: Act, sweeps: tuple[float, ...] = (), **more: Any) -> Plan:
    """A history in which nothing fails, and nobody sweeps but when told to, and at the end."""
    last = max((a.at + max(a.deliveries, default=0) for a in acts), default=0)
    ends = [a.until for a in acts if a.until is not None]
    extra = tuple(round(at * SECOND) for at in sweeps)
    settings: dict[str, Any] = {
        "luck": 1,
        "grace_seconds": grace_seconds,
        "sweep_every": DAY,
        "iam_lag": 0,
        "duplicate_rate": 0.0,
        "strike_rate": 0.0,
        "acts": acts,
        "calm_at": max(last, *ends, *extra, 0) + HOUR,
        "extra_sweeps": extra,
    }
    return Plan(**settings | more)


def member(name: str, group: str = "staff") -> tuple[Act, Act]:
    """Somebody who is made and put into a group, early."""
    return act(1, Do.CREATE, name), act(3, Do.ADD, name, group)


_MANY: Mapping[str, Any] = {"crowd": 60, "crowd_strays": 60, "slow_publish": 300}
_HANDED_OVER = (
    act(10, Do.CREATE, "ann"),
    act(100, Do.CREATE, "bob"),
    act(101, Do.ADD, "bob", "staff"),
    act(103, Do.REMOVE, "bob", "staff"),
)

KNOWN: Mapping[str, Plan] = {
    "an alert reaches Security Hub after its end": history(
        0, act(10, Do.CREATE, "ann"), act(15, Do.ADD, "ann", "staff"), channels=True, luck=5
    ),
    "a finding ends while its page is under way": history(
        0,
        act(10, Do.CREATE, "ann"),
        act(15, Do.ADD, "ann", "staff"),
        channels=True,
        admins=1.0,
        stretches=(Stretch(10 * SECOND, 17 * SECOND, "pagerduty", Fault.UNREACHED, 1.0),),
    ),
    "a sweep of many tells of those who joined while it told of others": history(
        0,
        *(act(64 + n / 10, Do.ADD, f"u{n:03}", "staff", told=LOST) for n in range(30, 60)),
        sweeps=(60,),
        **_MANY,
    ),
    "the same, and their events came": history(
        0,
        *(act(64 + n / 10, Do.ADD, f"u{n:03}", "staff") for n in range(30, 60)),
        sweeps=(60,),
        **_MANY,
    ),
    "a grace that was over when a sweep judged, not when it looked": history(
        3, act(59.5, Do.CREATE, "zed", told=LOST), sweeps=(60,), slow_pages=4 * SECOND
    ),
    "a stray takes the name of one who lately joined and left": history(
        60, *_HANDED_OVER, act(110, Do.RENAME, "bob", "cyd"), act(111, Do.RENAME, "ann", "bob")
    ),
    "the same, told in another order": history(
        60,
        *_HANDED_OVER,
        act(110, Do.RENAME, "bob", "cyd", told=(3,)),
        act(111, Do.RENAME, "ann", "bob", told=(0.5,)),
    ),
    "the same, and its finding was closed by the other's group": history(
        10,
        act(10, Do.CREATE, "ann"),
        act(80, Do.CREATE, "bob", told=(0.3,)),
        act(101, Do.ADD, "bob", "staff", told=(3,)),
        act(103, Do.REMOVE, "bob", "staff", told=(0.3,)),
        act(104, Do.RENAME, "bob", "cyd", told=(6,)),
        act(105, Do.RENAME, "ann", "bob", told=(0.3,)),
    ),
    "the same, with a sweep in between": history(
        60,
        *_HANDED_OVER,
        act(110, Do.RENAME, "bob", "cyd"),
        act(120, Do.RENAME, "ann", "bob"),
        sweeps=(109, 115, 122),
    ),
    "a name is given up and taken, and its new bearer joins": history(
        0,
        act(10, Do.CREATE, "bob", told=LOST),
        act(60, Do.CREATE, "eve"),
        act(120.1, Do.RENAME, "eve", "cyd"),
        act(121.2, Do.RENAME, "bob", "eve", told=LOST),
        act(122.3, Do.ADD, "eve", "ops"),
    ),
    "two strays swap their names": history(
        60,
        act(10, Do.CREATE, "ann"),
        act(20, Do.CREATE, "bob"),
        act(200, Do.RENAME, "ann", "tmp"),
        act(201, Do.RENAME, "bob", "ann"),
        act(202, Do.RENAME, "tmp", "bob"),
        act(300, Do.ADD, "ann", "ops"),
    ),
    "a call in another account": history(
        60,
        act(10, Do.CREATE, "ann", told=LOST),
        act(20, Do.REMOVE, "ann", "staff", elsewhere=_ELSEWHERE),
    ),
    "a call in another partition": history(
        60,
        *member("ann"),
        act(20, Do.DELETE, "ann", elsewhere=_OTHER_PARTITION),
        act(30, Do.CREATE, "ann", elsewhere=_OTHER_PARTITION),
    ),
    "a queued check of another account": history(
        60, act(10, Do.CREATE, "ann", told=LOST), act(20, Do.QUEUE, "ann", elsewhere=_ELSEWHERE)
    ),
    "made and put in a group within a second, and just taken out": history(
        60,
        act(10.1, Do.CREATE, "ann"),
        act(10.4, Do.ADD, "ann", "staff"),
        act(69, Do.REMOVE, "ann", "staff", told=(600,)),
    ),
    "made, put in a group and taken out within a second, and hardly anything told": history(
        900,
        act(10.1, Do.CREATE, "ann", told=LOST),
        act(10.2, Do.ADD, "ann", "staff"),
        act(10.3, Do.REMOVE, "ann", "staff", told=LOST),
        sweeps=(1500,),
    ),
    "joined while the risk was being read": history(
        60,
        act(10, Do.CREATE, "ann"),
        act(71.8, Do.ADD, "ann", "staff", told=LOST),
        slow_reads=6 * SECOND,
    ),
    "seen in a group, as no event told, before it was found in none": history(
        600,
        act(10, Do.CREATE, "ann"),
        act(20, Do.ADD, "ann", "staff", told=LOST),
        act(1000, Do.REMOVE, "ann", "staff", told=LOST),
        sweeps=(900, 1100),
    ),
    "an exemption that ends between a check and the next sweep": history(
        60, act(10, Do.CREATE, "ann"), act(50, Do.EXEMPT, "ann", "name", until=100, told=LOST)
    ),
    "an exemption by tag that ends so": history(
        60, act(10, Do.CREATE, "ann"), act(50, Do.TAG, "ann", until=100, told=LOST)
    ),
    "seen in a group first when an exemption was over, and taken out untold": history(
        10,
        act(22, Do.CREATE, "ann"),
        act(25, Do.EXEMPT, "ann", "name", until=34.371, told=LOST),
        act(40, Do.ADD, "ann", "ops", told=LOST),
        act(50.482, Do.REMOVE, "ann", "ops", told=LOST),
        sweeps=(5150,),
    ),
    "made less than IAM's lag before a sweep, under a name that had another bearer": history(
        3600,
        act(11, Do.CREATE, "cyd", told=LOST),
        act(14, Do.DELETE, "cyd"),
        act(3646.42, Do.CREATE, "cyd", told=(1265,)),
        sweeps=(3647.3, 4840),
        iam_lag=2 * SECOND,
        luck=10,
    ),
    "names are handed on untold and back, and who had one in between moved": history(
        10,
        act(6872, Do.CREATE, "bob", told=LOST),
        act(13018, Do.CREATE, "eve"),
        act(19772.1, Do.RENAME, "eve", "dan", told=LOST),
        act(19772.3, Do.RENAME, "bob", "eve", told=LOST),
        act(19789, Do.ADD, "eve", "ops", told=LOST),
        act(19793, Do.REMOVE, "eve", "ops"),
        act(19806.5, Do.RENAME, "eve", "t22", told=LOST),
        act(19809.3, Do.RENAME, "dan", "eve"),
    ),
    "seen under a name that was another's, taken out, and renamed": history(
        10,
        act(6, Do.CREATE, "ann", told=LOST),
        act(12, Do.DELETE, "ann"),
        act(40, Do.CREATE, "tom", told=LOST),
        act(50, Do.RENAME, "tom", "bob", told=LOST),
        act(57, Do.CREATE, "ann", told=LOST),
        act(108.785, Do.ADD, "ann", "staff", told=LOST),
        act(108.934, Do.REMOVE, "ann", "staff", told=(60,)),
        act(156, Do.RENAME, "bob", "t15"),
        act(168.7, Do.RENAME, "ann", "bob"),
        sweeps=(58, 70),
    ),
    "two renames, the first told late, and the name between them taken at once": history(
        60,
        act(486, Do.CREATE, "cyd"),
        act(752, Do.CREATE, "dan"),
        act(828.5, Do.RENAME, "dan", "bob"),
        act(887.9, Do.RENAME, "cyd", "dan", told=(14.3,)),
        act(890.9, Do.ADD, "dan", "staff", told=LOST),
        act(893.3, Do.REMOVE, "dan", "staff"),
        act(894.085, Do.RENAME, "dan", "t14"),
        act(894.139, Do.RENAME, "bob", "dan"),
    ),
    "taken out, deleted and made anew within a second, which nobody told": history(
        60,
        *member("ann"),
        act(100.1, Do.REMOVE, "ann", "staff"),
        act(100.4, Do.DELETE, "ann", told=LOST),
        act(100.6, Do.CREATE, "ann", told=LOST),
    ),
    "deleted, which nobody told, and made anew": history(
        0,
        act(10, Do.CREATE, "ann"),
        act(100, Do.DELETE, "ann", told=LOST),
        act(106, Do.CREATE, "ann"),
        iam_lag=20 * SECOND,
        luck=78,
    ),
    "made and renamed within a second, and another made under the name, which nobody told": history(
        1,
        act(26.25, Do.CREATE, "bob", told=(2.118,)),
        act(26.312, Do.RENAME, "bob", "bob2", told=(0.252,)),
        act(26.685, Do.CREATE, "bob", told=LOST),
        iam_lag=2000,
        luck=424415,
    ),
    "made, renamed, and another made under the name, told of in the wrong order": history(
        600,
        act(60.1, Do.CREATE, "tom", told=(4,)),
        act(60.3, Do.RENAME, "tom", "dan"),
        act(61.1, Do.CREATE, "tom"),
    ),
    "found in a group by a look that cannot say who is, and taken out of it untold": history(
        60,
        act(100, Do.CREATE, "cyd"),
        act(300, Do.DELETE, "cyd"),
        act(302, Do.CREATE, "cyd"),
        act(490, Do.ADD, "cyd", "dev", told=LOST),
        act(550, Do.ADD, "cyd", "ops", told=LOST),
        act(620, Do.REMOVE, "cyd", "dev"),
        act(685, Do.REMOVE, "cyd", "ops", told=LOST),
        sweeps=(686,),
    ),
} | {
    f"a name changes hands {ms} ms after the event, about when a check looks": history(
        10,
        act(10, Do.CREATE, "ann"),
        act(11, Do.CREATE, "cyd"),
        act(100, Do.ADD, "ann", "staff"),
        act(101 + ms / 1000, Do.RENAME, "ann", "dan", told=LOST),
        act(101.001 + ms / 1000, Do.RENAME, "cyd", "ann", told=LOST),
        luck=2,
    )
    for ms in range(250, 550, 25)
}
