"""Every channel of the local AWS ends in a real receiver: pager, chat, webhook, bus and so on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from straywatch.alert_path.delivered import Delivery
from straywatch.local.emulator.client import ControlClient
from straywatch.local.emulator.session import LocalSession
from straywatch.local.receivers.event_bus import Bus, open_bus
from straywatch.local.receivers.http_endpoint import Receive, serving
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty
from straywatch.local.receivers.webhook import Webhook

PHONE = "+15551234567"
_SECRET = "straywatch/pagerduty"  # nosec B105  # noqa: S105 - the secret's name
_CONFIRM_SECONDS = 20.0

Tell = Callable[[str, str], None]
"""Takes the channel's name and one line of what it got."""


@dataclass(frozen=True)
class Receiver:
    """Where one channel ends. `got` yields title and text of each message that came."""

    channel: str
    got: Callable[[], Iterable[tuple[str, str]]]
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What switches the channel on."""


@dataclass(frozen=True)
class Channels:
    """The receivers of one stack. Those that have a field are there to be looked into."""

    session: LocalSession
    serve: Callable[[Receive], str]
    pager: PagerDuty
    chat: Webhook
    webhook: Webhook
    bus: Bus
    receivers: Sequence[Receiver]

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the stack is to be deployed with, so that every channel is on."""
        return {k: v for receiver in self.receivers for k, v in receiver.parameters.items()}

    def subscribe(self, outputs: Mapping[str, str]) -> None:
        """Subscribe by HTTP to the stack's topics, and wait until the receivers have agreed.

        Raises TimeoutError if a topic never asks.
        """
        hooks = {"AlertTopicArn": self.webhook, "ChatTopicArn": self.chat}
        sns = self.session.client("sns")
        for output, hook in hooks.items():
            hook.topic_arn = outputs[output]
            address = self.serve(hook.receive)
            sns.subscribe(TopicArn=hook.topic_arn, Protocol="http", Endpoint=address)
        for output, hook in hooks.items():
            if not hook.confirmed.wait(_CONFIRM_SECONDS):
                raise TimeoutError(f"no confirmation was asked for by {output}; {hook.refused}")

    def deliveries(self) -> Sequence[Delivery]:
        """Show what every channel has got, channel by channel."""
        return [
            Delivery(receiver.channel, title, text)
            for receiver in self.receivers
            for title, text in receiver.got()
        ]


@contextmanager
def open_channels(session: LocalSession, tell: Tell = lambda _c, _t: None) -> Iterator[Channels]:
    """Start the receivers for a `with` block; the stack is to be deployed with their parameters."""
    control = ControlClient(session.endpoint)
    pager = PagerDuty(tell=lambda line: tell("pager", line))
    chat = Webhook(session.endpoint, tell=lambda text: tell("chat", _title(text)))
    webhook = Webhook(session.endpoint)
    bus = open_bus(session)
    with ExitStack() as stack:

        def serve(receive: Receive) -> str:
            return stack.enter_context(serving(receive))

        receivers = (
            Receiver("SMS", lambda: _texts(control), {"AlertSms": PHONE}),
            Receiver(
                "chat", lambda: [(_title(t), _pretty(t)) for t in chat.kept], {"ChatEnabled": "yes"}
            ),
            Receiver("pager", lambda: _incidents(pager), _paging(session, serve(pager.receive))),
            Receiver("Security Hub", lambda: _in_hub(control), {"SecurityHubEnabled": "yes"}),
            Receiver("event bus", lambda: _on_bus(bus), {"FindingEventBusArn": bus.arn}),
            Receiver("webhook", lambda: [("signature verified", _pretty(t)) for t in webhook.kept]),
        )
        yield Channels(session, serve, pager, chat, webhook, bus, receivers)


def _paging(session: LocalSession, address: str) -> Mapping[str, str]:
    secret = session.client("secretsmanager").create_secret(
        Name=_SECRET, SecretString=json.dumps({"routing_key": ROUTING_KEY})
    )
    return {
        "PagerDutySecretArn": secret["ARN"],
        "PagerDutySeverities": "LOW,MEDIUM,HIGH,CRITICAL",
        "PagerDutyUrl": f"{address}/v2/enqueue",
    }


def _texts(control: ControlClient) -> Iterator[tuple[str, str]]:
    for text in control.texts():
        yield text["to"], text["text"]


def _incidents(pager: PagerDuty) -> Iterator[tuple[str, str]]:
    for each in list(pager.incidents.values()):
        state = "open" if each.is_open else "resolved"
        yield f"[{each.severity}] {each.summary}", f"{state}: {each.dedup_key}"


def _in_hub(control: ControlClient) -> Iterator[tuple[str, str]]:
    for each in control.security_hub():
        status = f"{each['Compliance']['Status']}, {each['RecordState']}"
        title = f"[{each['Severity']['Label']}] {each['Title']} ({status})"
        yield title, json.dumps(each, indent=2)


def _on_bus(bus: Bus) -> Iterator[tuple[str, str]]:
    for each in bus.events():
        yield each["detail-type"], json.dumps(each, indent=2)


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
