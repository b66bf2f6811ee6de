"""Every channel of the local AWS ends in a real receiver: pager, chat, webhook, Security Hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from straywatch.alert_path.delivered import Delivery
from straywatch.local.emulator.client import ControlClient
from straywatch.local.emulator.session import LocalSession
from straywatch.local.receivers.http_endpoint import serving
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty
from straywatch.local.receivers.webhook import Webhook

PHONE = "+15551234567"
_SECRET = "straywatch/pagerduty"  # noqa: S105 - the secret's name
_CONFIRM_SECONDS = 20.0

Tell = Callable[[str, str], None]
"""Takes the channel's name and one line of what it got."""


@dataclass
class Channels:
    """The receivers of one stack. `parameters` switch its channels on."""

    session: LocalSession
    pager: PagerDuty
    parameters: Mapping[str, str]
    serve: Callable[[Webhook], str]
    tell: Tell
    webhooks: dict[str, Webhook] = field(default_factory=dict)

    @property
    def chat(self) -> Webhook:
        """What Amazon Q in chat applications would have got."""
        return self.webhooks["chat"]

    @property
    def webhook(self) -> Webhook:
        """A webhook of the user's own on the alert topic."""
        return self.webhooks["webhook"]

    def subscribe(self, outputs: Mapping[str, str]) -> None:
        """Subscribe the receivers by HTTP to the stack's topics, and wait until they have agreed.

        Raises TimeoutError if a topic never asks.
        """
        topics = {"webhook": outputs["AlertTopicArn"], "chat": outputs["ChatTopicArn"]}
        sns = self.session.client("sns")
        for name, topic_arn in topics.items():
            hook = Webhook(topic_arn, self.session.endpoint)
            self.webhooks[name] = hook
            sns.subscribe(TopicArn=topic_arn, Protocol="http", Endpoint=self.serve(hook))
        for name, hook in self.webhooks.items():
            if not hook.confirmed.wait(_CONFIRM_SECONDS):
                raise TimeoutError(f"the {name} was never asked to confirm; {hook.refused}")
        self.chat.tell = lambda text: self.tell("chat", _title(text))

    def deliveries(self) -> Sequence[Delivery]:
        """Show what every channel has got, channel by channel."""
        control = ControlClient(self.session.endpoint)
        return (
            *(Delivery("SMS", text["to"], text["text"]) for text in control.texts()),
            *(Delivery("chat", _title(text), _pretty(text)) for text in self.chat.kept),
            *(
                Delivery(
                    "pager",
                    f"[{each.severity}] {each.summary}",
                    f"{'open' if each.is_open else 'resolved'}: {each.dedup_key}",
                )
                for each in list(self.pager.incidents.values())
            ),
            *(
                Delivery("Security Hub", _hub_title(each), json.dumps(each, indent=2))
                for each in control.security_hub()
            ),
            *(Delivery("webhook", "signature verified", _pretty(t)) for t in self.webhook.kept),
        )


@contextmanager
def open_channels(session: LocalSession, tell: Tell = lambda _c, _t: None) -> Iterator[Channels]:
    """Start the receivers for a `with` block; the stack is to be deployed with their parameters."""
    with ExitStack() as stack:
        pager = PagerDuty(tell=lambda line: tell("pager", line))
        address = stack.enter_context(serving(pager.receive))
        secret = session.client("secretsmanager").create_secret(
            Name=_SECRET, SecretString=json.dumps({"routing_key": ROUTING_KEY})
        )
        parameters = {
            "AlertSms": PHONE,
            "ChatEnabled": "yes",
            "PagerDutySecretArn": secret["ARN"],
            "PagerDutySeverities": "LOW,MEDIUM,HIGH,CRITICAL",
            "PagerDutyUrl": f"{address}/v2/enqueue",
            "SecurityHubEnabled": "yes",
        }

        def serve(hook: Webhook) -> str:
            return stack.enter_context(serving(hook.receive))

        yield Channels(session, pager, parameters, serve, tell)


def _title(card: str) -> str:
    try:
        return str(json.loads(card)["content"]["title"])
    except (ValueError, KeyError, TypeError):
        return "not a card"


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text


def _hub_title(finding: Mapping[str, Any]) -> str:
    status = f"{finding['Compliance']['Status']}, {finding['RecordState']}"
    return f"[{finding['Severity']['Label']}] {finding['Title']} ({status})"
