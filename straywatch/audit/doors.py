"""Sign in to every account that is to be audited: by profiles, and by roles assumed from one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from chalicelib.domain.account import Account
from chalicelib.domain.partitions import HOME_REGIONS
from straywatch.audit.reading import Door
from straywatch.audit.report import AccountResult
from straywatch.aws.answers import guard
from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES, attempts
from straywatch.errors import StraywatchError, WrongUsageError, explain

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

_ANYWHERE = "us-east-1"
"""Where to sign in without a region: IAM has none, so an audit does not ask for one."""

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)

# The first contact tells a wrong endpoint or wrong credentials: it does not try for a minute.
_FIRST_CONTACT = RETRIES.merge(
    Config(retries={"mode": "standard", "total_max_attempts": attempts(3)})
)


@dataclass(frozen=True)
class Entrances:
    """Which accounts to enter: those of the profiles, then those of the roles.

    Roles are assumed with the first profile, else with `base`, the profile of the whole command
    line, else with the default credentials. Without profiles and roles, `base` is entered itself.
    """

    profiles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    region: str | None = None
    base: str | None = None

    def __post_init__(self) -> None:
        for role in self.roles:
            if not ROLE_ARN.fullmatch(role):
                raise WrongUsageError(f"--role wants the ARN of a role, not {role!r}")

    def open(self) -> Iterator[Door | AccountResult]:
        """Yield a door for each account, or, where one does not open, a result that says why.

        An account that several lead to is entered by the first only. A single entrance that does
        not open raises what kept it shut.
        """
        attempts = list(self._attempts())
        entered: set[Account] = set()
        for source, session in attempts:
            try:
                door = _door(source, session())
            except Exception as error:  # whatever it is, it is not the others'
                if len(attempts) == 1:
                    raise
                missing = (f"all users: {explain(error)}",)
                yield AccountResult(source, _named_by(source), missing=missing)
                continue
            if door.account not in entered:
                entered.add(door.account)
                yield door

    def _attempts(self) -> Iterator[tuple[str, Callable[[], boto3.Session]]]:
        for profile in self.profiles:
            yield f"profile {profile}", partial(self._session, profile)
        for role in self.roles:
            yield f"role {role}", partial(self._assume, role)
        if not self.profiles and not self.roles:
            source = f"profile {self.base}" if self.base else "default credentials"
            yield source, partial(self._session, self.base)

    def _session(self, profile: str | None) -> boto3.Session:
        session = boto3.Session(profile_name=profile, region_name=self.region)
        if not session.region_name:
            session = boto3.Session(profile_name=profile, region_name=_ANYWHERE)
        return guard(session)

    def _assume(self, role: str) -> boto3.Session:
        base = self._session(self.profiles[0] if self.profiles else self.base)
        sts = base.client("sts", config=_FIRST_CONTACT)
        granted = sts.assume_role(RoleArn=role, RoleSessionName="straywatch-audit")["Credentials"]
        assumed = boto3.Session(
            aws_access_key_id=granted["AccessKeyId"],
            aws_secret_access_key=granted["SecretAccessKey"],
            aws_session_token=granted["SessionToken"],
            region_name=base.region_name,
        )
        return guard(assumed)


def _named_by(source: str) -> Account | None:
    """The account that a role's ARN names; a profile names none."""
    parts = source.split(":")
    return Account(parts[1], parts[4]) if source.startswith("role arn:") else None


def _door(source: str, session: boto3.Session) -> Door:
    account = own_account(session, _FIRST_CONTACT)
    home = HOME_REGIONS.get(account.partition)

    def cloudtrail() -> CloudTrailClient:
        if home is None:
            where = f"partition {account.partition}"
            raise StraywatchError(f"it is not known where {where} keeps IAM's events")
        return session.client("cloudtrail", region_name=home, config=RETRIES)

    return Door(
        source=source,
        account=account,
        iam=lambda: session.client("iam", config=RETRIES),
        cloudtrail=cloudtrail,
    )
