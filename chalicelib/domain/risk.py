"""How bad a stray is: from what it may do and what it can sign in with to a severity.

                                             credentials
    permissions                              none      guarded   exposed
    none                                     LOW       MEDIUM    MEDIUM
    some                                     MEDIUM    MEDIUM    HIGH
    some, and others that cannot be read     MEDIUM    HIGH      HIGH
    administrator-like                       HIGH      CRITICAL  CRITICAL

Credentials are an active access key or a console password; inactive keys count for nothing.
They are exposed where a console password has no MFA, where an active key is older than 90 days,
and where they could not be read. Administrator-like is every action on every resource, a way to
become an administrator, or one of AWS's own policies made for administrators. A permissions
boundary whose document was read and is not administrator-like turns the last row into the second;
any other boundary is only mentioned. More permissions, more credentials and more that cannot be
read never lower a severity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.permissions import Grants, of_aws_policy, of_document
from chalicelib.domain.severity import Severity
from chalicelib.text import counted, plain

OLD_KEY = timedelta(days=90)
"""CIS AWS Foundations Benchmark: access keys are rotated every 90 days or less."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key. Times are aware; without `created_at` its age could not be read.

    Without `last_used_at` no use is on record.
    """

    active: bool
    created_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one user; None, and a missing document, mean "could not be read".

    `inline` maps policy names to documents, `attached` lists policy ARNs, and `documents` maps
    the ARNs of attached policies and of the boundary to those documents that were read. An unread
    boundary may be left out, since a boundary only ever takes away.
    """

    user_arn: str
    inline: Mapping[str, object] | None = None
    attached: tuple[str, ...] | None = None
    documents: Mapping[str, object] = field(default_factory=dict)
    keys: tuple[AccessKey, ...] | None = None
    console_password: bool | None = None
    mfa: bool | None = None
    boundary_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """A severity, why in one plain line, and what could not be read."""

    severity: Severity
    reasons: str
    unknown: tuple[str, ...] = ()


_LOW, _MEDIUM, _HIGH, _CRITICAL = Severity
_TABLE = (
    (_LOW, _MEDIUM, _MEDIUM),
    (_MEDIUM, _MEDIUM, _HIGH),
    (_MEDIUM, _HIGH, _HIGH),
    (_HIGH, _CRITICAL, _CRITICAL),
)


def assess(facts: Facts, now: datetime) -> Risk:
    """Judge a user by the table above. Never raises, whatever the documents hold."""
    permissions = _permissions(facts)
    credentials = _credentials(facts, now)
    notes = permissions.reasons + credentials.reasons
    return Risk(
        _TABLE[permissions.rung][credentials.rung],
        "; ".join(map(plain, notes)),
        tuple(map(plain, permissions.unknown + credentials.unknown)),
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    rung: int
    reasons: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def _permissions(facts: Facts) -> _Judged:
    grants, unknown = _granted(facts)
    denies = ("Deny statements not weighed",) if grants.denies else ()
    if administrator := grants.administrator:
        capped, boundary = _boundary(facts)
        rung = (2 if unknown else 1) if capped else 3
        reasons = (f"administrator-like: {administrator}", *boundary)
    elif grants.anything or unknown:
        rung = 2 if unknown else 1
        reasons = ("some permissions",) if grants.anything else ("permissions not all readable",)
    else:
        rung, reasons = 0, ("no permissions",)
    return _Judged(rung, reasons + denies, unknown)


def _granted(facts: Facts) -> tuple[Grants, tuple[str, ...]]:
    """All that inline and attached policies grant, and which of them could not be read."""
    parts = [
        (f"inline policy {name}", of_document(document, facts.user_arn))
        for name, document in (facts.inline or {}).items()
    ]
    parts += [(f"policy {arn}", _attached(arn, facts)) for arn in facts.attached or ()]
    lists = (("inline policies", facts.inline), ("attached policies", facts.attached))
    unknown = [name for name, listed in lists if listed is None]
    total = Grants()
    for name, grants in parts:
        total |= grants
        unknown += [f"{name}: {fault}" for fault in sorted(grants.faults)]
    return total, tuple(unknown)


def _attached(arn: str, facts: Facts) -> Grants:
    by_name = of_aws_policy(arn)
    if arn in facts.documents:
        return of_document(facts.documents[arn], facts.user_arn) | (by_name or Grants())
    return by_name or Grants(anything=True, faults=frozenset({"its document was not read"}))


def _boundary(facts: Facts) -> tuple[bool, tuple[str, ...]]:
    """Whether a boundary surely keeps the user from being an administrator, and what to say."""
    arn = facts.boundary_arn
    if arn is None:
        return False, ()
    allowed = _attached(arn, facts) if arn in facts.documents else None
    if allowed and not allowed.faults and not allowed.administrator:
        return True, ("held down by a permissions boundary",)
    return False, ("a permissions boundary not known to hold it down",)


def _credentials(facts: Facts, now: datetime) -> _Judged:
    password = _password(facts)
    keys = _keys(facts.keys, now)
    reasons = password.reasons + keys.reasons or ("no credentials",)
    return _Judged(max(password.rung, keys.rung), reasons, password.unknown + keys.unknown)


def _password(facts: Facts) -> _Judged:
    if facts.console_password is None:
        return _Judged(2, ("console password not readable",), ("console password",))
    if not facts.console_password:
        return _Judged(0, ())
    if facts.mfa is None:
        return _Judged(2, ("console password, MFA not readable",), ("MFA",))
    return (
        _Judged(1, ("console password with MFA",))
        if facts.mfa
        else _Judged(2, ("console password without MFA",))
    )


def _keys(keys: tuple[AccessKey, ...] | None, now: datetime) -> _Judged:
    if keys is None:
        return _Judged(2, ("access keys not readable",), ("access keys",))
    active = [key for key in keys if key.active]
    rungs = [2 if key.created_at is None or now - key.created_at > OLD_KEY else 1 for key in active]
    unknown = ("age of an access key",) if any(key.created_at is None for key in active) else ()
    return _Judged(max(rungs, default=0), tuple(_describe(key, now) for key in active), unknown)


def _describe(key: AccessKey, now: datetime) -> str:
    age, used = "of unknown age", "no use recorded"
    if key.created_at:
        days = _days(now, key.created_at)
        age = f"{days} old" if days else "created today"
    if key.last_used_at:
        days = _days(now, key.last_used_at)
        used = f"last used {days} ago" if days else "last used today"
    return f"active access key {age}, {used}"


def _days(now: datetime, then: datetime) -> str:
    """How many whole days ago it was; empty for none."""
    days = (now - then).days
    return counted(days, "day") if days > 0 else ""
