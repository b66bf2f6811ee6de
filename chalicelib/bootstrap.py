"""Wires the monitor: the one module that knows both the settings and boto3.

Nothing is built at import. Each client is made when the invoked function first needs it, once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.account import Account, NoSuchUser, User
from chalicelib.configuration import Configuration
from chalicelib.credentials import CredentialReader
from chalicelib.iam import Iam
from chalicelib.iam_users import pages, users
from chalicelib.lifecycle import Lifecycle
from chalicelib.monitor import Monitor
from chalicelib.parameters import parameter_reader
from chalicelib.queue import CheckQueue
from chalicelib.settings import Settings, settings_from
from chalicelib.tables import FindingsTable, StateTable
from chalicelib.times import utc_now
from chalicelib.topic import AlertTopic

if TYPE_CHECKING:
    from chalicelib.exemptions import Exempt, NotExempt
    from chalicelib.risk import Risk
    from chalicelib.sweep import Sweep


class Deployment:
    """One deployed function's view of its world. Tests hand in clients and a clock."""

    def __init__(
        self,
        environment: dict[str, str] | None = None,
        client: Callable[..., Any] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._environment = environment
        self._make_client = client or _boto3_client
        self.clock = clock

    @cached_property
    def settings(self) -> Settings:
        """The settings of the deployment. Raises InvalidSettingsError."""
        return settings_from(os.environ if self._environment is None else self._environment)

    @cached_property
    def _iam(self) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        return self._make_client("iam")

    @cached_property
    def _dynamodb(self) -> Any:  # noqa: ANN401 - as above
        return self._make_client("dynamodb")

    @cached_property
    def queue(self) -> CheckQueue:
        """The check queue and its dead-letter queue."""
        settings = self.settings
        return CheckQueue(
            self._make_client("sqs"), settings.check_queue_url, settings.dead_letter_queue_url
        )

    @cached_property
    def monitor(self) -> Monitor:
        """The event path and the check path."""
        return Monitor(
            iam=Iam(_Lazy(lambda: self._iam)),  # type: ignore[arg-type]  # stands in for the client
            lifecycle=self.lifecycle,
            exemption=self._exemption,
            assess=self._assess,
            clock=self.clock,
        )

    @cached_property
    def lifecycle(self) -> Lifecycle:
        """What evaluations lead to."""
        return Lifecycle(
            settings=self.settings,
            findings=self._findings,
            state=self._state,
            queue=self.queue,
            topic=self._topic,
            find_user=self._find_user,
            clock=self.clock,
        )

    def sweep(self, time_left: Callable[[], float]) -> Sweep:
        """The sweep, for an invocation that has `time_left()` seconds to go."""
        from chalicelib.sweep import Sweep  # noqa: PLC0415 - only the sweep pays for it

        return Sweep(
            lifecycle=self.lifecycle,
            state=self._state,
            pages=lambda marker: pages(self._iam, marker),
            live=self._findings.live,
            record=self._findings.record_sweep,
            exemption=self._configuration.exemption,
            assess=self._assess_all,
            clock=self.clock,
            time_left=time_left,
        )

    @cached_property
    def _configuration(self) -> Configuration:
        return Configuration(
            read=parameter_reader(self._make_client("ssm"), self.settings.config_parameter),
            documents=self._state,
            tell=self._topic.publish,
            clock=self.clock,
        )

    @cached_property
    def _findings(self) -> FindingsTable:
        settings = self.settings
        return FindingsTable(self._dynamodb, settings.findings_table, settings.keep_resolved)

    @cached_property
    def _state(self) -> StateTable:
        return StateTable(self._dynamodb, self.settings.state_table, self.settings.grace)

    @cached_property
    def _topic(self) -> AlertTopic:
        client = _Lazy(lambda: self._make_client("sns"))
        return AlertTopic(client, self.settings.alert_topic_arn)  # type: ignore[arg-type]  # as above

    def _exemption(self, account: Account, user: User, now: datetime) -> Exempt | NotExempt:
        return self._configuration.exemption(account, user, now)

    def _assess(self, user: User) -> Risk:
        from chalicelib.risk import assess  # noqa: PLC0415 - only a stray's check pays for it

        return assess(CredentialReader(self._iam).facts(user), self.clock())

    def _assess_all(self, strays: Sequence[User]) -> Callable[[User], Risk]:
        """Judge one stray by live reads, many by one credential report instead of calls for each.

        The snapshot has told their policies. A report that cannot be had leaves credentials
        unknown, which the alert says.
        """
        if len(strays) <= 1:
            return self._assess
        from chalicelib.credentials import report_facts  # noqa: PLC0415 - only a sweep pays for it
        from chalicelib.risk import assess  # noqa: PLC0415 - as above

        facts = report_facts(self._iam, strays, time.sleep)
        return lambda user: assess(facts(user), self.clock())

    def _find_user(self, user_id: str) -> User | NoSuchUser:
        found = (user for user in users(self._iam) if user.user_id == user_id)
        return next(found, NoSuchUser())


class _Lazy:
    """Stands in for a client that is made at its first use."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        if "_client" not in self.__dict__:
            self._client = self._make()
        return getattr(self._client, name)


def _boto3_client(service: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    import boto3  # noqa: PLC0415 - made once, when the first client is needed
    from botocore.config import Config  # noqa: PLC0415 - as above

    # standard mode with set attempts: throttling is waited out for seconds, then it is raised
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 4},
        user_agent_extra="straywatch",
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # any service
