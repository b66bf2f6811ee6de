"""Keeps drills from the pager, and hands on all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.channels.interface import Channel, Relayed
from chalicelib.channels.received import Alarm, Received
from chalicelib.domain.account import Account


@dataclass(frozen=True, slots=True)
class ButForDrills:
    """A channel that ignores what is about the user of a drill."""

    channel: Channel
    is_of_drill: Callable[[Account, Mapping[str, Any]], bool]

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Relay each message but those of a drill."""
        became: list[Relayed] = []
        for message in messages:
            became += [Relayed.IGNORED] if self._mutes(message) else self.channel.relay([message])
        return became

    def _mutes(self, message: Received | Alarm) -> bool:
        if isinstance(message, Alarm) or message.is_test:
            return False
        finding = message.body["finding"]
        return bool(finding) and self.is_of_drill(message.account, finding)
