"""Waits until CloudFormation is done with a stack, telling every event as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from straywatch.errors import StraywatchError
from straywatch.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

_FIRST_PAUSE = 0.2  # a local AWS is done within a second
_LONGEST_PAUSE = 5.0
_PATIENCE = 3600.0


def pauses() -> Iterator[float]:
    """Yield the seconds to wait between looks: short at first, an hour in all."""
    spent, pause = 0.0, _FIRST_PAUSE
    while spent < _PATIENCE:
        yield pause
        spent += pause
        pause = min(pause * 1.5, _LONGEST_PAUSE)


@dataclass
class Watch:
    """The events of one stack from the moment the watch began.

    The end is read from the stack's own events: its status may still be that of the last operation
    when the first look comes.
    """

    cloudformation: CloudFormationClient
    stack_id: str
    progress: Callable[[str], None]
    sleep: Callable[[float], None]
    seen: str = ""
    status: str = ""
    first_failure: str = ""

    def begin(self) -> None:
        """Remember the newest event, so that only later ones are told."""
        events = self.cloudformation.describe_stack_events(StackName=self.stack_id)["StackEvents"]
        self.seen = events[0]["EventId"] if events else ""

    def until_done(self) -> str:
        """Wait for the operation to end and return the stack's last status.

        Raises StraywatchError after an hour; the operation goes on by itself.
        """
        for pause in pauses():
            for event in self._fresh():
                self._tell(event)
            if self.status and not self.status.endswith("_IN_PROGRESS"):
                return self.status
            self.sleep(pause)
        raise StraywatchError(
            f"CloudFormation is still at work on {self.stack_id} after an hour: it goes on; "
            f"look with `aws cloudformation describe-stack-events --stack-name {self.stack_id}`"
        )

    def _tell(self, event: StackEventTypeDef) -> None:
        status = event.get("ResourceStatus", "")
        reason = one_line(event.get("ResourceStatusReason", ""))
        what = f"{event.get('LogicalResourceId', '')} ({event.get('ResourceType', '')})"
        of_stack = event.get("PhysicalResourceId") == self.stack_id
        if of_stack or not status.endswith("_IN_PROGRESS"):
            self.progress(f"{status:<20} {what}" + (f": {reason}" if reason else ""))
        if status.endswith("_FAILED") and not self.first_failure:
            self.first_failure = f"{what}: {reason or 'no reason given'}"
        if of_stack:
            self.status = status

    def _fresh(self) -> list[StackEventTypeDef]:
        """Read the events since the last look, oldest first; CloudFormation gives newest first."""
        fresh: list[StackEventTypeDef] = []
        paginator = self.cloudformation.get_paginator("describe_stack_events")
        for page in paginator.paginate(StackName=self.stack_id):
            for event in page["StackEvents"]:
                if event["EventId"] == self.seen:
                    return self._remember(fresh)
                fresh.append(event)
        return self._remember(fresh)

    def _remember(self, fresh: list[StackEventTypeDef]) -> list[StackEventTypeDef]:
        if fresh:
            self.seen = fresh[0]["EventId"]
        return fresh[::-1]


def watch(
    cloudformation: CloudFormationClient,
    stack_id: str,
    progress: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Watch:
    """Begin to watch the stack; call it before the operation starts."""
    begun = Watch(cloudformation, stack_id, progress, sleep)
    begun.begin()
    return begun
