"""What an operator may choose for a deployment, checked before AWS is asked anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from chalicelib.domain.partitions import HOME_REGIONS
from chalicelib.settings import LONGEST_GRACE_SECONDS
from straywatch.deploy.stack import DEFAULT_NAME
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.terminal.durations import duration_seconds

_STAGE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_ADDRESS = re.compile(r"[^\s@<>,;\"()]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?!0)(?!1 )\d{1,5} (?:minutes|hours|days))\)")
_CRON = re.compile(r"cron\((?:[0-9A-Z*?,/#-]+ ){5}[0-9A-Z*?,/#-]+\)")


def stack_name(stage: str | None) -> str:
    """Return `straywatch`, or `straywatch-STAGE`. Raises WrongUsageError for a bad stage name."""
    if stage is None:
        return DEFAULT_NAME
    if not _STAGE.fullmatch(stage):
        raise WrongUsageError(
            f"{stage!r} is no stage name: a letter, then letters, digits and hyphens, 32 in all"
        )
    return f"{DEFAULT_NAME}-{stage}"


def grace_seconds(text: str) -> int:
    """Read a grace period such as `900`, `900s`, `15m`, `2h` or `7d`, in seconds.

    Raises WrongUsageError if it is no such thing or lies outside 0 to 604,800 s.
    """
    seconds = duration_seconds(text, "grace period")
    if seconds > LONGEST_GRACE_SECONDS:
        raise WrongUsageError(
            f"a grace period of {text} is too long: 0 to {LONGEST_GRACE_SECONDS} s (7d)"
        )
    return seconds


def email_address(text: str) -> str:
    """Return `text` if alerts can be mailed to it. Raises WrongUsageError if not."""
    if not _ADDRESS.fullmatch(text):
        raise WrongUsageError(f"{text!r} is no mail address: it looks like you@example.com")
    return text


def sweep_rate(text: str) -> str:
    """Return `text` if EventBridge takes it as a schedule. Raises WrongUsageError if not.

    EventBridge wants the singular after 1, the plural after any other number, and six cron fields.
    """
    if not (_RATE.fullmatch(text) or _CRON.fullmatch(text)):
        raise WrongUsageError(f"{text!r} is no rate: it looks like 'rate(1 hour)', 'rate(6 hours)'")
    return text


def named_parameters(pairs: Iterable[str], what: str = "parameter") -> dict[str, str]:
    """Read `KEY=VALUE` pairs. Raises WrongUsageError, which calls one a `what`, for others."""
    named: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise WrongUsageError(f"{pair!r} is no {what}: give KEY=VALUE")
        named[key] = value
    return named


def require_whole_network(parameters: Mapping[str, str], *, is_new: bool) -> None:
    """Raise WrongUsageError for subnets without security groups, or the other way round.

    Lambda refuses the first while the stack is made; the second would be no VPC at all, in silence.
    An update may give one alone: the other stays as it is.
    """
    names = ("VpcSubnetIds", "VpcSecurityGroupIds")
    whole = is_new or all(name in parameters for name in names)
    if whole and len({bool(parameters.get(name)) for name in names}) > 1:
        raise WrongUsageError(f"{' and '.join(names)} go together: give both, or neither")


def require_home_region(partition: str, region: str | None) -> None:
    """Raise StraywatchError unless IAM's events arrive in `region` of `partition`."""
    home = HOME_REGIONS.get(partition)
    if home is None:
        raise StraywatchError(
            f"it is not known where IAM's events arrive in partition {partition}: "
            f"known are {', '.join(HOME_REGIONS)}"
        )
    if region != home:
        raise StraywatchError(
            f"IAM's events never arrive in {region or 'an unset region'}: "
            f"deploy to {home} (--region {home}), from where every user is watched"
        )
