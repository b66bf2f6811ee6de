"""A deployment as its stack describes it: where its tables are, and what it was told to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import boto3

from chalicelib.domain.account import Account, account_of_arn
from chalicelib.domain.schedules import longest_gap
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack, output

_DEFAULT_GRACE = "900"
_DEFAULT_RATE = "rate(1 hour)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One deployment, made at `created_at`: `parameters` are the stack's own, by name."""

    stack: str
    account: Account
    region: str
    grace: timedelta
    sweep_rate: str
    findings_table: str
    state_table: str
    check_queue_url: str
    dead_letter_queue_url: str
    config_parameter: str
    parameters: Mapping[str, str]
    created_at: datetime

    @property
    def sweep_every(self) -> timedelta:
        """How far apart sweeps may be."""
        return longest_gap(self.sweep_rate)


def observed_deployment(session: boto3.Session, stage: str | None) -> Observed:
    """Read what the stack of `stage` is. Raises StraywatchError and ClientError."""
    stack = deployed_stack(session, stage)
    cloudformation = session.client("cloudformation", config=RETRIES)
    described = cloudformation.describe_stacks(StackName=stack.stack_id)["Stacks"][0]
    parameters = {
        each["ParameterKey"]: each.get("ParameterValue", "")
        for each in described.get("Parameters", [])
    }
    return Observed(
        stack=stack.name,
        account=account_of_arn(stack.stack_id),
        region=session.region_name,
        grace=timedelta(seconds=int(parameters.get("GracePeriodSeconds", _DEFAULT_GRACE))),
        sweep_rate=parameters.get("SweepRate", _DEFAULT_RATE),
        findings_table=output(stack, "FindingsTableName"),
        state_table=output(stack, "StateTableName"),
        check_queue_url=output(stack, "CheckQueueUrl"),
        dead_letter_queue_url=output(stack, "DeadLetterQueueUrl"),
        config_parameter=output(stack, "ConfigParameterName"),
        parameters=parameters,
        created_at=described["CreationTime"],
    )
