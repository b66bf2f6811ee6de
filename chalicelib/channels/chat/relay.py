"""Posts a card for each message to the topic that chat subscribes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.channels.chat.card import card
from chalicelib.channels.interface import Relayed
from chalicelib.channels.received import Alarm, Received


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """Where cards go."""

    chat_topic_arn: str


@dataclass(frozen=True, slots=True)
class Chat:
    """The topic that chat subscribes to. `post` publishes a card, or raises what SNS refuses."""

    post: Callable[[Mapping[str, Any]], None]

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Post each message as a card."""
        return [self._post(message) for message in messages]

    def _post(self, message: Received | Alarm) -> Relayed:
        if isinstance(message, Alarm):
            return Relayed.IGNORED  # Amazon Q renders alarms itself
        self.post(card(message))
        return Relayed.SENT
