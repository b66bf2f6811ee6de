"""A deployment whose alerts are paused and resumed: its document, its topic, what is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import boto3

from chalicelib.adapters.parameters import read_parameter
from chalicelib.adapters.tables import FindingsTable
from chalicelib.adapters.topic import AlertTopic
from chalicelib.domain.account import Account, account_of_arn
from chalicelib.domain.alerts import Notice
from chalicelib.domain.findings import CLAIM, AlertType, Finding, Write
from chalicelib.domain.pauses import Pause
from chalicelib.domain.severity import Severity
from chalicelib.times import in_utc, utc_now
from straywatch.aws.identity import caller_arn
from straywatch.aws.invoking import counts_in, invoked
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.configuration import put_parameter
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.exempting.document import EMPTY
from straywatch.findings.reading import Findings


class Pausing:
    """One deployment. Every method raises what boto3 raises, and StraywatchError."""

    def __init__(self, session: boto3.Session, stage: str | None) -> None:
        self._session = session
        stack = deployed_stack(session, stage)
        self._parameter = output(stack, "ConfigParameterName")
        self._topic = output(stack, "AlertTopicArn")
        self._table = output(stack, "FindingsTableName")
        self._sweep = output(stack, "SweepFunctionName")

    @property
    def account(self) -> Account:
        """The deployment's own."""
        return account_of_arn(self._topic)

    def who(self) -> str:
        """Whose credentials these are."""
        return caller_arn(self._session)

    def stored(self) -> str:
        """The configuration document as it stands."""
        ssm = self._session.client("ssm", config=RETRIES)
        return read_parameter(ssm, self._parameter) or EMPTY

    def store(self, text: str) -> None:
        """Put a configuration document in force; a check follows it within seconds."""
        put_parameter(self._session.client("ssm", config=RETRIES), self._parameter, text)

    def tell(self, notice: Notice) -> None:
        """Publish to all who get alerts."""
        sns = self._session.client("sns", config=RETRIES)
        AlertTopic(lambda: sns, self._topic, lambda _: "").publish(notice)

    def release(self) -> int:
        """Let go of the findings whose alerts are held; return how many there were."""
        client, now = self._session.client("dynamodb", config=RETRIES), utc_now()
        table = FindingsTable(client, self._table, timedelta())
        held = [
            each
            for each in Findings(client, self._table).live()
            if isinstance(each, Finding)
            and each.outbox
            and each.claimed_until
            and each.claimed_until > now + CLAIM
        ]
        # whoever has changed one meanwhile has it in hand, or holds it no more
        freed = [table.update(replace(each, claimed_until=None)) for each in held]
        return freed.count(Write.DONE)

    def sweep(self) -> None:
        """Have the own account swept: that tells what is unsent."""
        counts_in(invoked(self._session, self._sweep, {}), "the sweep")


def paused_notice(account: Account, pause: Pause) -> Notice:
    """Say who holds alerts back, until when, and why."""
    return _notice(
        account,
        f"Alerts are paused until {in_utc(pause.until)}",
        f"By {pause.by}. Reason: {pause.reason}. Users are looked at as ever; what is found is "
        "told when the pause ends, by itself or by `straywatch resume`.",
    )


def resumed_notice(account: Account, who: str) -> Notice:
    """Say who ended a pause."""
    return _notice(account, "Alerts are no longer paused", f"By {who}. What was held is told now.")


def _notice(account: Account, title: str, detail: str) -> Notice:
    return Notice(AlertType.HEALTH, Severity.LOW, account, title, detail)
