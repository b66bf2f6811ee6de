"""A healthy deployment as answers of AWS, which a test spoils one at a time.

Recorded from the embedded AWS; `python -m tests.unit.doctor_world ENDPOINT` records anew from a
`straywatch local` that has swept once.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.account import Account
from straywatch.deploy.stack import Stack, read_stack
from straywatch.deploy.stack_resources import Resource, read_resources
from straywatch.doctor.checkup import check_up
from straywatch.doctor.event_path import PATTERNS
from straywatch.doctor.lines import Line
from straywatch.doctor.world import ApiResponse, Checkout, Gone, Unread, World, asking
from tests.unit.environment import ENVIRONMENT

_FILE = Path(__file__).with_name("doctor_world.json")
Spoil = Callable[[dict[str, Any]], ApiResponse | None]
"""Changes an answer in place, or returns another one."""


@dataclass
class Recorded:
    """The recorded deployment. `spoil` changes answers, `deny` and `delete` replace them."""

    told: dict[str, Any]

    @classmethod
    def healthy(cls) -> Recorded:
        """A fresh copy of the record, with the rules and the settings that this version has."""
        told = json.loads(_FILE.read_text())
        for question, answer in told["answers"].items():
            for function, pattern in PATTERNS.items():
                if '"describe_rule"' in question and function in question:
                    answer["EventPattern"] = json.dumps(pattern)
            if '"get_function_configuration"' in question:
                variables = answer["Environment"]["Variables"]
                answer["Environment"]["Variables"] = ENVIRONMENT | variables
        return cls(told)

    @property
    def world(self) -> World:
        """The deployment as the doctor sees it."""
        stack = self.told["stack"]
        return World(
            ask=self._ask,
            account=Account("aws", "000000000000"),
            region=self.told.get("region", "us-east-1"),
            stack=Stack(**stack | {"parameters": frozenset(stack["parameters"])}),
            resources=tuple(Resource(**each) for each in self.told["resources"]),
            checkout=Checkout(**self.told["checkout"]),
            clock=lambda: datetime.fromisoformat(self.told["now"]),
        )

    def _ask(self, service: str, operation: str, **parameters: Any) -> ApiResponse:
        answer: Any = self.told["answers"][self._key_here(service, operation, parameters)]
        if isinstance(answer, dict) and answer.get("answer") == "gone":
            return Gone()
        known: ApiResponse = answer
        return known

    def _key_here(self, service: str, operation: str, parameters: Mapping[str, Any]) -> str:
        return _key(service, operation, parameters).replace(self.world.region, "us-east-1")

    def spoil(self, operation: str, change: Spoil, about: str = "") -> None:
        """Change the answers of an operation whose parameters contain `about`; one at least."""
        found = [k for k in self.told["answers"] if f'"{operation}"' in k and about in k]
        assert found, f"no answer of {operation} about {about!r}"
        for key in found:
            answer = copy.deepcopy(self.told["answers"][key])
            other = change(answer)
            self.told["answers"][key] = answer if other is None else other

    def deny(self, operation: str) -> None:
        """Let an operation be denied."""
        self.spoil(operation, lambda _: Unread("access denied"))

    def delete(self, operation: str, about: str = "") -> None:
        """Let what an operation tells of be gone."""
        self.spoil(operation, lambda _: Gone(), about)

    def lines(self) -> list[Line]:
        """Check up on it."""
        return [line for area in check_up(self.world) for line in area.lines]


def _key(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """Name a question; times in it do not count."""
    return json.dumps([service, operation, parameters], sort_keys=True, default=lambda _: "time")


def _record(endpoint: str) -> None:
    from straywatch.doctor.checkout import packaged  # noqa: PLC0415 - only to record
    from straywatch.local.emulator.session import LocalSession  # noqa: PLC0415 - likewise

    session = LocalSession(endpoint, "test", "test")
    ask, answers = asking(session), dict[str, Any]()

    def asked(service: str, operation: str, **parameters: Any) -> ApiResponse:
        answer = ask(service, operation, **parameters)
        told: dict[str, Any] = {"answer": "gone"}
        if not isinstance(answer, Gone):
            assert not isinstance(answer, Unread), f"{service} {operation}: {answer.why}"
            told = dict(answer)
        date = told.pop("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if operation == "get_caller_identity":
            told["ResponseMetadata"] = {"HTTPHeaders": {"date": date}}
        answers[_key(service, operation, parameters)] = told
        return answer

    cloudformation = session.client("cloudformation")
    stack, checkout = read_stack(cloudformation, "straywatch"), packaged()
    assert isinstance(stack, Stack)
    assert isinstance(checkout, Checkout)
    resources, now = read_resources(cloudformation, "straywatch"), datetime.now(UTC)
    account = Account("aws", "000000000000")
    world = World(
        ask=asked, account=account, region="us-east-1", stack=stack, resources=resources,
        checkout=checkout, clock=lambda: now,
    )  # fmt: skip
    for _ in check_up(world):
        pass
    told = {
        "now": now.isoformat(),
        "stack": asdict(replace(stack, parameters=frozenset())) | {"parameters": []},
        "resources": [asdict(each) for each in resources],
        "checkout": asdict(checkout),
        "answers": answers,
    }
    text = json.dumps(told, indent=1, sort_keys=True, default=str)
    _FILE.write_text(text.replace(endpoint, "https://sqs.us-east-1.amazonaws.com") + "\n")


if __name__ == "__main__":
    _record(sys.argv[1])
