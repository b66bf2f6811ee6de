"""Readings of deployments of every kind, made up: small, large, hostile, unwell."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.account import Account, User
from chalicelib.domain.events import Cause
from chalicelib.domain.exemptions import Exempt
from chalicelib.domain.facts import Evidence, Fact, Kind, Mark, in_order
from chalicelib.domain.findings import Finding, Reason, Resolution, Status
from chalicelib.domain.severity import Severity
from straywatch.observing.deployment import Observed
from straywatch.observing.records import Census, ExemptUser, Queues, Reading, SweepRecord
from tests.unit.records import NOW

ACCOUNT = Account("aws", "111122223333")
GRACE = timedelta(minutes=15)
OBSERVED = Observed(
    stack="straywatch",
    account=ACCOUNT,
    region="us-east-1",
    grace=GRACE,
    sweep_rate="rate(1 hour)",
    findings_table="findings",
    state_table="state",
    check_queue_url="https://sqs.us-east-1.amazonaws.com/111122223333/checks",
    dead_letter_queue_url="https://sqs.us-east-1.amazonaws.com/111122223333/dead",
    config_parameter="/straywatch/config",
    parameters={"GracePeriodSeconds": "900", "SweepRate": "rate(1 hour)"},
    created_at=NOW - timedelta(days=11),
)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>document.title='owned'</script>",
    "\u202egnp.eciovni",
    "a" * 128,
    "'; rm -rf / #",
    "{{7*7}} ${7*7} %s",
    "=HYPERLINK(0)",
)
RISKS = {
    Severity.CRITICAL: "administrator-like: every action; active access key 3 days old",
    Severity.HIGH: "some permissions; console password without MFA",
    Severity.MEDIUM: "some permissions; active access key 41 days old",
    Severity.LOW: "no permissions; no credentials",
}


def cause(at: datetime, name: str = "RemoveUserFromGroup") -> Cause:
    """A call by somebody in a role."""
    return Cause(
        event_name=name,
        event_id="5d0cbd3e-0d4c-4c3e-8d6b-0f6d0a5a0002",
        event_time=at,
        actor_arn="arn:aws:sts::111122223333:assumed-role/ops/alice",
        actor_type="AssumedRole",
        source_ip="203.0.113.7",
        user_agent="aws-cli/2.31.0",
        group_name="admins" if name == "RemoveUserFromGroup" else "",
    )


def finding(
    name: str,
    number: int,
    *,
    ago: timedelta,
    severity: Severity = Severity.HIGH,
    late: float = 4,
    now: datetime = NOW,
) -> Finding:
    """A finding about `name` whose episode began so long before `now`."""
    since = now - ago
    return Finding(
        account=ACCOUNT,
        user_id=f"AIDAEXAMPLE{number:09d}",
        number=1,
        user_name=name,
        user_arn=f"arn:aws:iam::111122223333:user/{name}",
        user_created_at=since,
        status=Status.OPEN,
        severity=severity,
        risk=RISKS[severity],
        stray_since=since,
        evidence=Evidence.EVENT,
        opened_at=since + GRACE + timedelta(seconds=late),
        detected_by="event",
        cause=cause(since, "CreateUser" if number % 2 else "RemoveUserFromGroup"),
        alerted_at=since + GRACE + timedelta(seconds=late),
    )


def resolved(
    one: Finding, after: timedelta, reason: Reason = Reason.JOINED_GROUP, group: str = "nurses"
) -> Finding:
    """The finding, over so long after it opened."""
    groups = (group,) if reason is Reason.JOINED_GROUP else ()
    exempted = {"exempted_by": "name ci-*"} if reason is Reason.EXEMPTED else {}
    return replace(
        one,
        status=Status.RESOLVED,
        resolved_at=one.opened_at + after,
        resolution=Resolution(reason, groups, **exempted),  # type: ignore[arg-type]  # one key
    )


def grace_mark(name: str, ago: timedelta, now: datetime = NOW) -> Mark:
    """The mark of a user whose grace runs."""
    left = now - ago
    made = Fact(id=f"made-{name}", kind=Kind.CREATED, at=left, cause=cause(left, "CreateUser"))
    return Mark(account=ACCOUNT, user_name=name, facts=(made,))


def told_of(mark: Mark, kind: Kind, at: datetime, name: str = "") -> Mark:
    """The mark with one more fact."""
    fact = Fact(id=f"{kind}-{at}", kind=kind, at=at, name=name)
    return replace(mark, facts=in_order((*mark.facts, fact)))


def user(name: str, number: int, now: datetime = NOW) -> User:
    """A user in no group."""
    return User(
        user_id=f"AIDAEXAMPLE{number:09d}",
        name=name,
        arn=f"arn:aws:iam::111122223333:user/{name}",
        path="/",
        created_at=now - timedelta(days=9),
        groups=(),
    )


def sweeps(
    count: int, users: int, strays: int, now: datetime = NOW, every: timedelta = timedelta(hours=1)
) -> tuple[SweepRecord, ...]:
    """Whole sweeps up to a while ago; compliance varies a little, with a night of no sweeps."""
    made = []
    for n in range(count):
        at = now - timedelta(minutes=20) - every * (count - 1 - n)
        if count > 40 and count // 2 <= n < count // 2 + 9:
            continue
        settling = (
            users * max(0, count // 3 - n) // (count * 6)
        )  # what was there at first is mended
        unrest = (0, 0, 1, 1, 2, 1, 1, 0, 0, 0, 0, 3)[(n // 5) % 12] * max(1, strays // 12)
        out = strays + settling + unrest
        made.append(
            SweepRecord(
                started_at=at,
                finished_at=at + timedelta(seconds=3),
                users=users,
                compliant=users - users // 40 - out,
                exempt=users // 40,
                strays=out,
                opened=0,
                gone=0,
                missed_events=0,
            )
        )
    return tuple(made)


def census(users: int, strays: tuple[User, ...], now: datetime = NOW) -> Census:
    """A census of so many users, a fortieth of them exempt."""
    exempt = tuple(
        ExemptUser(user(f"ses-smtp-user.{n}", 900_000 + n), Exempt("name ses-*", "by SES", None))
        for n in range(users // 40)
    )
    members = users - len(exempt) - len(strays)
    return Census(
        read_at=now,
        users=users,
        compliant=frozenset(f"AIDAMEMBER{n:010d}" for n in range(members)),
        exempt=exempt,
        strays=strays,
    )


def empty(now: datetime = NOW) -> Reading:
    """An account in which nothing has happened yet."""
    return Reading(
        read_at=now,
        findings=(),
        marks=(),
        sweeps=(),
        census=census(0, (), now),
        queues=Queues(checks=0, dead=0),
    )


def usual(now: datetime = NOW) -> Reading:
    """An account of a few hundred users on an ordinary day."""
    hours = timedelta(hours=1)
    still_open = (
        finding("frank.mueller", 1, ago=3.2 * hours, severity=Severity.CRITICAL, now=now),
        finding("deploy-legacy", 2, ago=26 * hours, now=now),
        finding("j.okafor", 3, ago=0.6 * hours, severity=Severity.MEDIUM, now=now),
    )
    names = ("ana.silva", "ci-runner-7", "t.nguyen", "backup-agent", "l.rossi", "m.haddad")
    over = tuple(
        resolved(
            finding(name, 10 + n, ago=(30 + 17 * n) * hours, severity=Severity(1 + n % 3), now=now),
            timedelta(minutes=11 + 37 * n),
            list(Reason)[n % 3],
        )
        for n, name in enumerate(names)
    )
    graces = (("new.starter", 13.3), ("sofia.k", 8.1), ("terraform-tmp", 2.4))
    marks = tuple(grace_mark(name, timedelta(minutes=m), now) for name, m in graces)
    strays = tuple(user(f.user_name, int(f.user_id[-9:])) for f in still_open)
    waiting = tuple(user(name, 500 + n) for n, (name, _) in enumerate(graces))
    found = sorted((*still_open, *over), key=lambda f: (f.opened_at, f.finding_id))
    return Reading(
        read_at=now,
        findings=tuple(found),
        marks=marks,
        sweeps=sweeps(240, 412, 4, now),
        census=census(412, strays + waiting, now),
        queues=Queues(checks=3, dead=0),
    )


def large(now: datetime = NOW) -> Reading:
    """5,000 users, 500 of them strays, and as many graces as a storm brings."""
    found = tuple(
        finding(
            f"user-{n:04d}.of-some-team",
            n,
            ago=timedelta(minutes=20 + 7 * (n % 400)),
            severity=Severity(1 + n * 7 % 4),
            now=now,
        )
        for n in range(500)
    )
    marks = tuple(grace_mark(f"storm-{n:03d}", timedelta(seconds=2 * n), now) for n in range(400))
    strays = tuple(user(f.user_name, int(f.user_id[-9:])) for f in found)
    waiting = tuple(user(mark.user_name, 5000 + n) for n, mark in enumerate(marks))
    return Reading(
        read_at=now,
        findings=tuple(sorted(found, key=lambda f: (f.opened_at, f.finding_id))),
        marks=marks,
        sweeps=sweeps(720, 5000, 480, now),
        census=census(5000, strays + waiting, now),
        queues=Queues(checks=400, dead=0),
    )


def hostile(now: datetime = NOW) -> Reading:
    """Names that would be markup, commands or formulas, were they not text."""
    found = tuple(
        finding(name, n, ago=timedelta(hours=n + 1), now=now) for n, name in enumerate(HOSTILE)
    )
    return replace(
        empty(now),
        findings=found,
        marks=(grace_mark(HOSTILE[0] + "2", timedelta(minutes=3), now),),
        census=census(40, tuple(user(f.user_name, n) for n, f in enumerate(found)), now),
    )


def unwell(now: datetime = NOW) -> Reading:
    """A monitor that needs help: no sweep for long, dead letters, a refused document."""
    return replace(
        usual(now),
        sweeps=tuple(
            replace(s, missed_events=4)
            for s in sweeps(240, 412, 4, now)
            if s.started_at < now - timedelta(hours=7)
        ),
        queues=Queues(checks=61, dead=12),
        refused=("exemptions[0].until: must be a date (2027-01-31) or a time with its offset",),
    )
