"""A healthy deployment of the packaged template, which a test spoils one answer at a time."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from chalicelib.domain.policies import listed
from straywatch.deploy.stack import Stack
from straywatch.deploy.stack_resources import Resource
from straywatch.doctor.checkup import check_up
from straywatch.doctor.deployment import evaluated
from straywatch.doctor.invocation import Invocation
from straywatch.doctor.lines import Line
from straywatch.doctor.world import ApiResponse, Checkout, Gone, Unread, World
from tests.unit.deployed_template import ACCOUNT, REGION, STACK, STACK_ID, Made, checkout, deployed
from tests.unit.doctor_answers import NOW, answers

ASKED = Invocation(stage="test", profile="on call", region=REGION, endpoint="http://127.0.0.1:4566")
"""How the doctor was asked: what every mend has to carry."""

Change = Callable[[Any], ApiResponse | None]
"""Changes an answer in place, or returns another one."""


@dataclass
class _Spoiled:
    operation: str
    about: str
    change: Change
    used: bool = False


@dataclass
class Deployment:
    """A deployment. `spoil` changes answers, `deny` and `delete` replace them."""

    stack: Stack
    resources: tuple[Resource, ...]
    answers: Mapping[str, ApiResponse]
    roles: Mapping[str, list[Any]]
    region: str = REGION
    checkout: Checkout | Unread = field(default_factory=checkout)
    own_decision: str = "implicitDeny"
    asked: set[str] = field(default_factory=set)
    spoiled: list[_Spoiled] = field(default_factory=list)

    @classmethod
    def healthy(cls, **parameters: str) -> Deployment:
        """What `straywatch deploy` leaves behind; parameters are the template's."""
        template = deployed(**{"AlertEmail": "security@example.com"} | parameters)
        return cls(
            Stack(
                STACK,
                STACK_ID,
                "CREATE_COMPLETE",
                "",
                frozenset(template.parameters),
                template.outputs,
            ),
            tuple(Resource(made.logical_id, made.type, made.ref) for made in template.resources),
            {_question(*told[:3]): told[3] for told in answers(template)},
            {role.arn: _statements(role) for role in template.of_type("AWS::IAM::Role")},
        )

    @property
    def world(self) -> World:
        """The deployment as the doctor sees it."""
        template, intended = evaluated(self._ask, ACCOUNT, self.region, self.stack, self.resources)
        return World(
            ask=self._ask, account=ACCOUNT, region=self.region, stack=self.stack,
            resources=self.resources, template=template, intended=intended, checkout=self.checkout,
            clock=lambda: NOW, invocation=ASKED,
        )  # fmt: skip

    def lines(self) -> list[Line]:
        """Check up on it; whatever was spoiled must have been asked for."""
        lines = [line for area in check_up(self.world) for line in area.lines]
        unused = [(each.operation, each.about) for each in self.spoiled if not each.used]
        assert not unused, f"nobody asked for what was spoiled: {unused}"
        return lines

    def spoil(self, operation: str, change: Change, about: str = "") -> None:
        """Change the answers of an operation whose parameters contain `about`."""
        self.spoiled.append(_Spoiled(operation, about, change))

    def deny(self, operation: str) -> None:
        """Let an operation be denied."""
        self.spoil(operation, lambda _: Unread("access denied"))

    def delete(self, operation: str, about: str = "") -> None:
        """Let what an operation tells of be gone."""
        self.spoil(operation, lambda _: Gone(), about)

    def _ask(self, service: str, operation: str, **parameters: Any) -> ApiResponse:
        self.asked.add(operation)
        question = _question(service, operation, parameters)
        if (service, operation) == ("iam", "simulate_principal_policy"):
            answer: ApiResponse = self._simulated(parameters)
        else:
            answer = self.answers[question]
        for spoiled in self.spoiled:
            if spoiled.operation == operation and spoiled.about in question:
                spoiled.used = True
                answer = copy.deepcopy(answer)
                other = spoiled.change(answer)
                answer = answer if other is None else other
        return answer

    def _simulated(self, asked: Mapping[str, Any]) -> ApiResponse:
        """Judge each action on each resource by the role's own policy, as IAM would."""
        if asked["PolicySourceArn"] not in self.roles:  # the doctor asks about itself
            return {"EvaluationResults": [{"EvalDecision": self.own_decision}]}
        statements = self.roles[asked["PolicySourceArn"]]
        results = [
            {"EvalActionName": action, "EvalDecision": _decision(statements, action, resource)}
            for action in asked["ActionNames"]
            for resource in asked["ResourceArns"]
        ]
        return {"EvaluationResults": results}


def _question(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    return json.dumps([service, operation, parameters], sort_keys=True, default=str)


def _statements(role: Made) -> list[Any]:
    policies = role.properties["Policies"]
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def _decision(statements: list[Any], action: str, resource: str) -> str:
    """Allowed if a statement says so; no policy of the template denies anything."""
    allowed = any(
        statement["Effect"] == "Allow"
        and action in listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements
    )
    return "allowed" if allowed else "implicitDeny"
