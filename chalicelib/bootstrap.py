"""Wires the monitor: the one module that knows both the settings and the adapters.

Nothing is built at import; each part is made when the invoked function first needs it, once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.account_alias import AccountAlias
from chalicelib.adapters.authorization_details import user_pages, users
from chalicelib.adapters.check_queue import CheckQueue
from chalicelib.adapters.clients import Clients, MakeClient, boto3_client
from chalicelib.adapters.iam import Iam
from chalicelib.adapters.parameters import read_edition
from chalicelib.adapters.tables import FindingsTable, Ledger, StateTable
from chalicelib.adapters.topic import AlertTopic
from chalicelib.domain.account import Account, NoSuchUser, User, account_of_arn
from chalicelib.domain.decision import Rules
from chalicelib.domain.floods import Limits
from chalicelib.flows.check import Check
from chalicelib.flows.commit import Commit
from chalicelib.flows.exemptions_in_force import ExemptionsInForce
from chalicelib.flows.floods import Floods
from chalicelib.flows.inquiry import CACHED_FOR, Inquiry
from chalicelib.flows.receive import Receive
from chalicelib.log import metrics
from chalicelib.settings import InvalidSettingsError, Settings, read_settings, settings_from
from chalicelib.times import utc_now

if TYPE_CHECKING:
    from chalicelib.adapters.bounded_post import Post
    from chalicelib.channels.chat.relay import Chat
    from chalicelib.channels.event_bus.relay import EventBus
    from chalicelib.channels.interface import Channel
    from chalicelib.channels.pager.relay import Pager
    from chalicelib.channels.security_hub.relay import SecurityHub
    from chalicelib.domain.risk import Risk
    from chalicelib.flows.heartbeat import Heartbeat
    from chalicelib.flows.sweep import Sweep
    from chalicelib.hub import Hub


class Deployment:
    """One deployed function's view of its world. Tests hand in all that leads out of it.

    It looks at the deployment's own account, and `of` a member by that account's role.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        make_client: MakeClient = boto3_client,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        post: Post | None = None,
    ) -> None:
        self.environment = environment
        self.make_client = make_client
        self.clients = Clients(make_client)
        self.reads = self.clients
        self.clock = clock
        self._sleep = sleep
        self._post = post

    @cached_property
    def settings(self) -> Settings:
        """The settings of the deployment. Raises InvalidSettingsError."""
        return settings_from(self.environment)

    @cached_property
    def queue(self) -> CheckQueue:
        """The check queue and its dead-letter queue."""
        urls = self.settings.check_queue_url, self.settings.dead_letter_queue_url
        return CheckQueue(self.clients.sqs, *urls, is_shared=self.hub is not None)

    @cached_property
    def receive(self) -> Receive:
        """The event path."""
        receive = Receive(watched=self.watched, commit=self.commit, clock=self.clock)
        return replace(receive, heard=self.hub.heard) if self.hub else receive

    @cached_property
    def check(self) -> Check:
        """The check path."""
        return Check(
            watched=self.watched,
            inquiry=self.inquiry,
            commit=self.commit,
            floods=self.floods,
            clock=self.clock,
        )

    @property
    def own(self) -> Account:
        """The deployment's own account."""
        return account_of_arn(self.settings.alert_topic_arn)

    @cached_property
    def watched(self) -> Container[Account]:
        """The accounts whose events and messages count: the own one, and those of the roster."""
        return self.hub.watched if self.hub else frozenset({self.own})

    @cached_property
    def hub(self) -> Hub | None:
        """What an organization adds; None where the deployment is told of none."""
        return _hub_of(self, self.environment)

    @property
    def organization(self) -> Hub:
        """The same, for functions that exist for its sake alone. Raises InvalidSettingsError."""
        if self.hub is None:
            raise InvalidSettingsError("ORGANIZATION_ID is not set")
        return self.hub

    def of(self, account: Account) -> Deployment:
        """The deployment as it looks at an account. Raises what STS raises."""
        return self.hub.view(account) if self.hub and account != self.looked_at else self

    def looking_at(self, account: Account, reads: Clients) -> Deployment:
        """The same deployment, which looks at another account by other clients."""
        other = Deployment(self.environment, self.make_client, self.clock, self._sleep, self._post)
        other.clients, other.reads, other.hub = self.clients, reads, self.hub
        other.looked_at = account
        return other

    @cached_property
    def looked_at(self) -> Account:
        """The account whose IAM is looked at: the own one, unless told otherwise."""
        return self.own

    @property
    def on_check(self) -> Callable[[str], object]:
        """What takes a message of the check queue, of whatever account."""
        return self.hub.check if self.hub else self.check

    @cached_property
    def inquiry(self) -> Inquiry:
        """What a decision may ask for."""
        return Inquiry(
            iam=Iam(self.reads.iam),
            memory=self._ledger,
            exemption=lambda _, *asked: self._configuration.exemption(self.own, *asked),
            assess=self._assess,
            clock=self.clock,
            rules=Rules(self.settings.grace, self.settings.iam_lag),
        )

    @cached_property
    def commit(self) -> Commit:
        """What decisions lead to."""
        return Commit(
            settings=self.settings,
            ledger=self._ledger,
            queue=self.queue,
            topic=self.topic,
            find_user=self._find_user,
            clock=self.clock,
            owner_tag=self.hub.settings.owner_tag if self.hub else "",
            held_until=lambda: self._configuration.held_until(self.own, CACHED_FOR),
        )

    @cached_property
    def floods(self) -> Floods:
        """What keeps people from being told of many findings one by one."""
        return Floods(
            limits=Limits(self.settings.digest_above, self.settings.always_tell_severity),
            documents=self.state,
            live=self.findings.live,
            in_crowd=self.findings.in_crowd,
            queue=self.queue,
            topic=self.topic,
            clock=self.clock,
        )

    def sweep(self, time_left: Callable[[], float]) -> Sweep:
        """The sweep, for an invocation that has `time_left()` seconds to go."""
        from chalicelib.flows.sweep import RESERVE_SECONDS, Sweep  # noqa: PLC0415 - only the sweep pays for it

        return Sweep(
            commit=self.commit,
            inquiry=self.inquiry,
            floods=self.floods,
            state=self.state,
            findings=self.findings,
            pages=lambda marker, size: user_pages(self.reads.patient_iam(), marker, size),
            assess=lambda strays: self._assess_all(strays, time_left() - RESERVE_SECONDS),
            clock=self.clock,
            time_left=time_left,
            sleep=self._sleep,
        )

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """What tells whether the sweep is late and who listens."""
        from chalicelib.adapters.topic import confirmed_listeners  # noqa: PLC0415 - only the heartbeat pays for it
        from chalicelib.flows.heartbeat import Heartbeat, HeartbeatSettings  # noqa: PLC0415 - as above

        return Heartbeat(
            stack_name=self.settings.stack_name,
            alert_topic_arn=self.settings.alert_topic_arn,
            settings=read_settings(HeartbeatSettings, self.environment),
            documents=self.state,
            confirmed=partial(confirmed_listeners, self.clients.sns()),
            wake=self.queue.wake_dead_letters,
            clock=self.clock,
        )

    def count_failed(self, checks: int) -> None:
        """Record that checks were made in vain, as a metric: for Lambda the batch is a success."""
        metrics(self.settings.stack_name, ChecksFailed=checks)

    def count_unswept(self, accounts: int) -> None:
        """Record that sweeps of accounts were tried in vain, and are to be tried again."""
        metrics(self.settings.stack_name, SweepsFailed=accounts)

    def from_topic(self, channel: Channel, event: Mapping[str, Any]) -> list[str]:
        """Relay what the alert topic has handed over; return what became of each message."""
        from chalicelib.channels.interface import from_topic  # noqa: PLC0415 - only channels pay

        return list(from_topic(channel, event))

    def from_queue(self, channel: Channel, event: Mapping[str, Any]) -> dict[str, Any]:
        """Relay a batch of a queue; name the messages that are to come again."""
        from chalicelib.channels.interface import from_queue  # noqa: PLC0415 - only channels pay

        return from_queue(channel, event)

    @cached_property
    def pager(self) -> Pager:
        """The channel to PagerDuty."""
        from chalicelib.adapters.bounded_post import post  # noqa: PLC0415 - only the pager's function pays for it
        from chalicelib.adapters.pagerduty import EventsApi  # noqa: PLC0415 - only the pager's function pays for it
        from chalicelib.channels.pager.memory import Memory  # noqa: PLC0415 - as above
        from chalicelib.channels.pager.relay import Pager, PagerSettings  # noqa: PLC0415 - as above

        settings = read_settings(PagerSettings, self.environment)
        api = EventsApi(
            secrets=self.clients.secretsmanager(),
            secret_arn=settings.pagerduty_secret_arn,
            url=settings.pagerduty_url,
            clock=self.clock,
            sleep=self._sleep,
            post=self._post or post,
        )
        return Pager(
            findings=self.findings,
            is_flood_over=self.floods.is_over,
            severities=settings.pagerduty_severities,
            memory=Memory(self.state, self.clock, self._sleep),
            send=api.send,
        )

    def but_for_drills(self, channel: Channel) -> Channel:
        """The channel, but for what is about the user of a drill that is under way."""
        from chalicelib.channels.pager.drills import ButForDrills  # noqa: PLC0415 - only the pager's function pays for it
        from chalicelib.domain.drills import DOCUMENT, is_of_drill  # noqa: PLC0415 - as above

        return ButForDrills(
            channel,
            lambda account, finding: is_of_drill(
                self.state.document(account, DOCUMENT), finding, self.clock()
            ),
        )

    @cached_property
    def chat(self) -> Chat:
        """The channel to chat."""
        from chalicelib.adapters.topic import ChatTopic  # noqa: PLC0415 - only the chat's function pays for it
        from chalicelib.channels.chat.relay import Chat, ChatSettings  # noqa: PLC0415 - as above

        settings = read_settings(ChatSettings, self.environment)
        return Chat(ChatTopic(self.clients.sns(), settings.chat_topic_arn).post)

    @cached_property
    def event_bus(self) -> EventBus:
        """The channel to a bus of EventBridge."""
        from chalicelib.adapters.event_bus import PutEvents  # noqa: PLC0415 - only its function pays for it
        from chalicelib.channels.event_bus.relay import EventBus, EventBusSettings  # noqa: PLC0415 - as above

        bus_arn = read_settings(EventBusSettings, self.environment).finding_event_bus_arn
        put = PutEvents(self.clients.events(), bus_arn).put
        return EventBus(findings=self.findings, put=put)

    @cached_property
    def security_hub(self) -> SecurityHub:
        """The channel to AWS Security Hub."""
        from chalicelib.adapters.security_hub import BatchImport  # noqa: PLC0415 - only its function pays for it
        from chalicelib.channels.security_hub.relay import SecurityHub  # noqa: PLC0415 - as above

        topic_arn = self.settings.alert_topic_arn
        return SecurityHub(
            findings=self.findings,
            put=BatchImport(self.clients.securityhub()).put,
            importer=account_of_arn(topic_arn),
            region=topic_arn.split(":")[3],
            clock=self.clock,
        )

    @cached_property
    def _configuration(self) -> ExemptionsInForce:
        return ExemptionsInForce(
            read=lambda: read_edition(self.clients.ssm(), self.settings.config_parameter),
            documents=self.state,
            tell=self.topic.publish,
            clock=self.clock,
            units=self.hub.watched.member(self.looked_at).units if self.hub else (),
        )

    @cached_property
    def findings(self) -> FindingsTable:
        """The findings table."""
        table, kept = self.settings.findings_table, self.settings.keep_resolved
        return FindingsTable(self.clients.dynamodb(), table, kept)

    @cached_property
    def state(self) -> StateTable:
        """The state table."""
        return StateTable(self.clients.dynamodb(), self.settings.state_table, self.settings.grace)

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self.findings, self.state)

    @cached_property
    def topic(self) -> AlertTopic:
        """The alert topic."""
        topic_arn = self.settings.alert_topic_arn
        if self.hub:
            return AlertTopic(self.clients.sns, topic_arn, self.hub.name_of, self.hub.labels_of)
        alias = AccountAlias(self.clients.hasty_iam, self.own, self.clock)
        return AlertTopic(self.clients.sns, topic_arn, alias.of)

    def _assess(self, user: User) -> Risk:
        from chalicelib.adapters.credentials import CredentialReader  # noqa: PLC0415 - only a stray pays
        from chalicelib.domain.risk import assess  # noqa: PLC0415 - as above

        return assess(CredentialReader(self.reads.iam()).facts(user), self.clock())

    def _assess_all(self, strays: Sequence[User], time_left: float) -> Callable[[User], Risk]:
        """Judge one stray by live reads, many by one credential report instead of calls for each.

        The snapshot has told their policies. A report that cannot be had within a minute, or the
        `time_left`, leaves credentials unknown, which the alert says.
        """
        if len(strays) <= 1:
            return self._assess
        from chalicelib.adapters.credential_report import PATIENCE_SECONDS  # noqa: PLC0415 - only a sweep pays for it
        from chalicelib.adapters.credentials import report_facts  # noqa: PLC0415 - as above
        from chalicelib.domain.risk import assess  # noqa: PLC0415 - as above

        patience = min(PATIENCE_SECONDS, time_left)
        facts = report_facts(self.reads.patient_iam(), strays, self._sleep, patience)
        return lambda user: assess(facts(user), self.clock())

    def _find_user(self, user_id: str) -> User | NoSuchUser:
        found = (user for user in users(self.reads.iam()) if user.user_id == user_id)
        return next(found, NoSuchUser())


def _hub_of(deployment: Deployment, environment: Mapping[str, str]) -> Hub | None:
    """Wire the organization, if the deployment is told of one. Raises InvalidSettingsError."""
    if not environment.get("ORGANIZATION_ID"):
        return None
    from chalicelib.hub import Hub  # noqa: PLC0415 - one account alone does not pay for it
    from chalicelib.settings import OrganizationSettings  # noqa: PLC0415 - as above

    return Hub(deployment, read_settings(OrganizationSettings, environment))
