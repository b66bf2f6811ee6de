"""Wires the monitor: the one module that knows both the settings and boto3.

Nothing is built at import. Each client is made when the invoked function first needs it, once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.account_alias import AccountAlias
from chalicelib.adapters.check_queue import CheckQueue
from chalicelib.adapters.iam import Iam
from chalicelib.adapters.iam_users import pages, users
from chalicelib.adapters.parameters import parameter_reader
from chalicelib.adapters.tables import FindingsTable, StateTable
from chalicelib.adapters.topic import AlertTopic
from chalicelib.domain.account import Account, NoSuchUser, User, account_of_arn
from chalicelib.flows.check import Check
from chalicelib.flows.exemptions_in_force import Configuration
from chalicelib.flows.floods import Floods
from chalicelib.flows.lifecycle import Lifecycle
from chalicelib.flows.receive import Receive
from chalicelib.settings import (
    Settings,
    chat_settings_from,
    pager_settings_from,
    settings_from,
)
from chalicelib.times import utc_now

if TYPE_CHECKING:
    from chalicelib.channels.relays import ChatRelay, PagerRelay, SecurityHubRelay
    from chalicelib.domain.exemptions import Exempt, NotExempt
    from chalicelib.domain.risk import Risk
    from chalicelib.flows.sweep import Sweep


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
        self._make_hasty_client = client or partial(_boto3_client, attempts=1)
        self.clock = clock

    @cached_property
    def settings(self) -> Settings:
        """The settings of the deployment. Raises InvalidSettingsError."""
        return settings_from(self._variables)

    @property
    def _variables(self) -> Mapping[str, str]:
        return os.environ if self._environment is None else self._environment

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
        client = _Lazy(lambda: self._make_client("sqs"))
        return CheckQueue(client, settings.check_queue_url, settings.dead_letter_queue_url)  # type: ignore[arg-type]  # stands in for the client

    @cached_property
    def receive(self) -> Receive:
        """The event path."""
        return Receive(lifecycle=self.lifecycle, clock=self.clock)

    @cached_property
    def check(self) -> Check:
        """The check path."""
        return Check(
            iam=Iam(_Lazy(lambda: self._iam)),  # type: ignore[arg-type]  # stands in for the client
            lifecycle=self.lifecycle,
            exemption=self._exemption,
            assess=self._assess,
            floods=self.floods,
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

    @cached_property
    def floods(self) -> Floods:
        """What keeps people from being told of many findings one by one."""
        return Floods(
            above=self.settings.digest_above,
            documents=self._state,
            live=self._findings.live,
            queue=self.queue,
            topic=self._topic,
            clock=self.clock,
        )

    def sweep(self, time_left: Callable[[], float]) -> Sweep:
        """The sweep, for an invocation that has `time_left()` seconds to go."""
        from chalicelib.flows.sweep import Sweep  # noqa: PLC0415 - only the sweep pays for it

        return Sweep(
            lifecycle=self.lifecycle,
            floods=self.floods,
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
    def pager_relay(self) -> PagerRelay:
        """From the alert topic to PagerDuty."""
        from chalicelib.adapters.pagerduty import Pager  # noqa: PLC0415 - only the pager's function pays for it
        from chalicelib.channels.relays import PagerRelay  # noqa: PLC0415 - as above

        settings = pager_settings_from(self._variables)
        pager = Pager(
            secrets=self._make_client("secretsmanager"),
            secret_arn=settings.pagerduty_secret_arn,
            url=settings.pagerduty_url,
            clock=self.clock,
            sleep=time.sleep,
        )
        return PagerRelay(
            findings=self._findings,
            is_flood_over=self.floods.is_over,
            pager=pager,
        )

    @cached_property
    def chat_relay(self) -> ChatRelay:
        """From the alert topic to the topic that chat subscribes to."""
        from chalicelib.adapters.topic import ChatTopic  # noqa: PLC0415 - as above
        from chalicelib.channels.relays import ChatRelay  # noqa: PLC0415 - only the chat's function pays

        settings = chat_settings_from(self._variables)
        return ChatRelay(ChatTopic(self._make_client("sns"), settings.chat_topic_arn).post)

    @cached_property
    def security_hub_relay(self) -> SecurityHubRelay:
        """From the alert topic to Security Hub."""
        from chalicelib.adapters.security_hub import SecurityHub  # noqa: PLC0415 - as above
        from chalicelib.channels.relays import SecurityHubRelay  # noqa: PLC0415 - only its function pays

        topic_arn = self.settings.alert_topic_arn
        return SecurityHubRelay(
            findings=self._findings,
            put=SecurityHub(self._make_client("securityhub")).put,
            importer=account_of_arn(topic_arn),
            region=topic_arn.split(":")[3],
            clock=self.clock,
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
        topic_arn = self.settings.alert_topic_arn
        sns, iam = (
            _Lazy(lambda: self._make_client("sns")),
            _Lazy(lambda: self._make_hasty_client("iam")),
        )
        alias = AccountAlias(iam, account_of_arn(topic_arn), self.clock)  # type: ignore[arg-type]  # as above
        return AlertTopic(sns, topic_arn, alias.of)  # type: ignore[arg-type]  # as above

    def _exemption(self, account: Account, user: User, now: datetime) -> Exempt | NotExempt:
        return self._configuration.exemption(account, user, now)

    def _assess(self, user: User) -> Risk:
        from chalicelib.adapters.credentials import CredentialReader  # noqa: PLC0415 - only a stray pays
        from chalicelib.domain.risk import assess  # noqa: PLC0415 - as above

        return assess(CredentialReader(self._iam).facts(user), self.clock())

    def _assess_all(self, strays: Sequence[User]) -> Callable[[User], Risk]:
        """Judge one stray by live reads, many by one credential report instead of calls for each.

        The snapshot has told their policies. A report that cannot be had leaves credentials
        unknown, which the alert says.
        """
        if len(strays) <= 1:
            return self._assess
        from chalicelib.adapters.credentials import report_facts  # noqa: PLC0415 - only a sweep pays for it
        from chalicelib.domain.risk import assess  # noqa: PLC0415 - as above

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


def _boto3_client(service: str, attempts: int = 4) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    import boto3  # noqa: PLC0415 - made once, when the first client is needed
    from botocore.config import Config  # noqa: PLC0415 - as above

    # standard mode with set attempts: throttling is waited out for seconds, then it is raised
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="straywatch",
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # any service
