"""Wires the monitor: the one module that knows both the settings and the adapters.

Nothing is built at import; each part is made when the invoked function first needs it, once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
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
from chalicelib.flows.inquiry import Inquiry
from chalicelib.flows.receive import Receive
from chalicelib.log import metrics
from chalicelib.settings import Settings, read_settings, settings_from
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


class Deployment:
    """One deployed function's view of its world. Tests hand in all that leads out of it."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        make_client: MakeClient = boto3_client,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        post: Post | None = None,
    ) -> None:
        self._environment = environment
        self.clients = Clients(make_client)
        self.clock = clock
        self._sleep = sleep
        self._post = post

    @cached_property
    def settings(self) -> Settings:
        """The settings of the deployment. Raises InvalidSettingsError."""
        return settings_from(self._environment)

    @cached_property
    def queue(self) -> CheckQueue:
        """The check queue and its dead-letter queue."""
        urls = self.settings.check_queue_url, self.settings.dead_letter_queue_url
        return CheckQueue(self.clients.sqs, *urls)

    @cached_property
    def receive(self) -> Receive:
        """The event path."""
        return Receive(watched=self.watched, commit=self.commit, clock=self.clock)

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
    def watched(self) -> frozenset[Account]:
        """The accounts whose events and messages count: the deployment's own."""
        return frozenset({account_of_arn(self.settings.alert_topic_arn)})

    @cached_property
    def inquiry(self) -> Inquiry:
        """What a decision may ask for."""
        return Inquiry(
            iam=Iam(self.clients.iam),
            memory=self._ledger,
            exemption=self._configuration.exemption,
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
            topic=self._topic,
            find_user=self._find_user,
            clock=self.clock,
        )

    @cached_property
    def floods(self) -> Floods:
        """What keeps people from being told of many findings one by one."""
        return Floods(
            limits=Limits(self.settings.digest_above, self.settings.always_tell_severity),
            documents=self._state,
            live=self._findings.live,
            in_crowd=self._findings.in_crowd,
            queue=self.queue,
            topic=self._topic,
            clock=self.clock,
        )

    def sweep(self, time_left: Callable[[], float]) -> Sweep:
        """The sweep, for an invocation that has `time_left()` seconds to go."""
        from chalicelib.flows.sweep import RESERVE_SECONDS, Sweep  # noqa: PLC0415 - only the sweep pays for it

        return Sweep(
            commit=self.commit,
            inquiry=self.inquiry,
            floods=self.floods,
            state=self._state,
            findings=self._findings,
            pages=lambda marker, size: user_pages(self.clients.patient_iam(), marker, size),
            assess=lambda strays: self._assess_all(strays, time_left() - RESERVE_SECONDS),
            clock=self.clock,
            time_left=time_left,
        )

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """What tells whether the sweep is late and who listens."""
        from chalicelib.adapters.topic import confirmed_listeners  # noqa: PLC0415 - only the heartbeat pays for it
        from chalicelib.flows.heartbeat import Heartbeat, HeartbeatSettings  # noqa: PLC0415 - as above

        return Heartbeat(
            stack_name=self.settings.stack_name,
            alert_topic_arn=self.settings.alert_topic_arn,
            settings=read_settings(HeartbeatSettings, self._environment),
            documents=self._state,
            confirmed=partial(confirmed_listeners, self.clients.sns()),
            wake=self.queue.wake_dead_letters,
            clock=self.clock,
        )

    def count_failed(self, checks: int) -> None:
        """Record that checks were made in vain, as a metric: for Lambda the batch is a success."""
        metrics(self.settings.stack_name, ChecksFailed=checks)

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

        settings = read_settings(PagerSettings, self._environment)
        api = EventsApi(
            secrets=self.clients.secretsmanager(),
            secret_arn=settings.pagerduty_secret_arn,
            url=settings.pagerduty_url,
            clock=self.clock,
            sleep=self._sleep,
            post=self._post or post,
        )
        return Pager(
            findings=self._findings,
            is_flood_over=self.floods.is_over,
            severities=settings.pagerduty_severities,
            memory=Memory(self._state, self.clock),
            send=api.send,
        )

    def but_for_drills(self, channel: Channel) -> Channel:
        """The channel, but for what is about the user of a drill that is under way."""
        from chalicelib.channels.pager.drills import ButForDrills  # noqa: PLC0415 - only the pager's function pays for it
        from chalicelib.domain.drills import DOCUMENT, is_of_drill  # noqa: PLC0415 - as above

        return ButForDrills(
            channel,
            lambda account, finding: is_of_drill(
                self._state.document(account, DOCUMENT), finding, self.clock()
            ),
        )

    @cached_property
    def chat(self) -> Chat:
        """The channel to chat."""
        from chalicelib.adapters.topic import ChatTopic  # noqa: PLC0415 - only the chat's function pays for it
        from chalicelib.channels.chat.relay import Chat, ChatSettings  # noqa: PLC0415 - as above

        settings = read_settings(ChatSettings, self._environment)
        return Chat(ChatTopic(self.clients.sns(), settings.chat_topic_arn).post)

    @cached_property
    def event_bus(self) -> EventBus:
        """The channel to a bus of EventBridge."""
        from chalicelib.adapters.event_bus import PutEvents  # noqa: PLC0415 - only its function pays for it
        from chalicelib.channels.event_bus.relay import EventBus, EventBusSettings  # noqa: PLC0415 - as above

        bus_arn = read_settings(EventBusSettings, self._environment).finding_event_bus_arn
        put = PutEvents(self.clients.events(), bus_arn).put
        return EventBus(findings=self._findings, put=put)

    @cached_property
    def security_hub(self) -> SecurityHub:
        """The channel to AWS Security Hub."""
        from chalicelib.adapters.security_hub import BatchImport  # noqa: PLC0415 - only its function pays for it
        from chalicelib.channels.security_hub.relay import SecurityHub  # noqa: PLC0415 - as above

        topic_arn = self.settings.alert_topic_arn
        return SecurityHub(
            findings=self._findings,
            put=BatchImport(self.clients.securityhub()).put,
            importer=account_of_arn(topic_arn),
            region=topic_arn.split(":")[3],
            clock=self.clock,
        )

    @cached_property
    def _configuration(self) -> ExemptionsInForce:
        return ExemptionsInForce(
            read=lambda: read_edition(self.clients.ssm(), self.settings.config_parameter),
            documents=self._state,
            tell=self._topic.publish,
            clock=self.clock,
        )

    @cached_property
    def _findings(self) -> FindingsTable:
        table, kept = self.settings.findings_table, self.settings.keep_resolved
        return FindingsTable(self.clients.dynamodb(), table, kept)

    @cached_property
    def _state(self) -> StateTable:
        return StateTable(self.clients.dynamodb(), self.settings.state_table, self.settings.grace)

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self._findings, self._state)

    @cached_property
    def _topic(self) -> AlertTopic:
        topic_arn = self.settings.alert_topic_arn
        alias = AccountAlias(self.clients.hasty_iam, account_of_arn(topic_arn), self.clock)
        return AlertTopic(self.clients.sns, topic_arn, alias.of)

    def _assess(self, user: User) -> Risk:
        from chalicelib.adapters.credentials import CredentialReader  # noqa: PLC0415 - only a stray pays
        from chalicelib.domain.risk import assess  # noqa: PLC0415 - as above

        return assess(CredentialReader(self.clients.iam()).facts(user), self.clock())

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
        facts = report_facts(self.clients.patient_iam(), strays, self._sleep, patience)
        return lambda user: assess(facts(user), self.clock())

    def _find_user(self, user_id: str) -> User | NoSuchUser:
        found = (user for user in users(self.clients.iam()) if user.user_id == user_id)
        return next(found, NoSuchUser())
