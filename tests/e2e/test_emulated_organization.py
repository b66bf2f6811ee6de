"""Where the emulator's organizations and buses were unlike AWS's, they are mended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from straywatch.local.emulator.process import LocalAws

HUB, MEMBER, LOOKER = "333333333333", "444444444444", "666666666666"
BUS = f"arn:aws:events:us-east-1:{HUB}:event-bus/hub"
PATTERN = json.dumps({"source": ["aws.iam"], "detail": {"eventName": ["CreateUser"]}})


def test_accounts_come_in_pages_of_twenty_some_of_them_empty(aws: LocalAws) -> None:
    """With their `State`: `Status` was retired."""
    client = aws.session("555555555555", "test").client("organizations")
    for number in range(24):
        client.create_account(Email=f"{number}@example.com", AccountName=f"account-{number}")
    pages = [page["Accounts"] for page in client.get_paginator("list_accounts").paginate()]
    assert [len(page) for page in pages] == [20, 0, 5]
    assert {account["State"] for page in pages for account in page} == {"ACTIVE"}
    assert not any("Status" in account for page in pages for account in page)


@dataclass(frozen=True)
class Buses:
    """A hub with a bus and a queue behind it, and a member whose rule forwards to it."""

    aws: LocalAws
    queue_url: str

    def client(self, account_id: str, service: str) -> Any:
        """A client of an account's root."""
        return self.aws.session(account_id, "test").client(service)

    def admit(self, **condition: Any) -> None:
        """Set the bus's policy."""
        statement = {
            "Sid": "members",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": BUS,
            "Condition": condition,
        }
        body = json.dumps(
            {
                "Resources": {
                    "Policy": {
                        "Type": "AWS::Events::EventBusPolicy",
                        "Properties": {
                            "EventBusName": "hub",
                            "StatementId": "members",
                            "Statement": statement,
                        },
                    }
                }
            }
        )
        cloudformation = self.client(HUB, "cloudformation")
        cloudformation.create_stack(StackName="policy", TemplateBody=body)

    def heard(self, name: str) -> list[dict[str, Any]]:
        """Make a user in the member; return the events that the hub's queue got."""
        self.client(MEMBER, "iam").create_user(UserName=name)
        received = self.client(HUB, "sqs").receive_message(
            QueueUrl=self.queue_url, WaitTimeSeconds=1
        )
        return [json.loads(message["Body"]) for message in received.get("Messages", [])]


@pytest.fixture
def buses(aws: LocalAws) -> Buses:
    """Both accounts, without a policy on the bus."""
    made = Buses(aws, "")
    events, sqs = made.client(HUB, "events"), made.client(HUB, "sqs")
    made.client(HUB, "organizations").describe_organization()
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{HUB}:heard"
    events.create_event_bus(Name="hub")
    events.put_rule(Name="all", EventBusName="hub", EventPattern=PATTERN)
    events.put_targets(Rule="all", EventBusName="hub", Targets=[{"Id": "q", "Arn": arn}])
    iam, theirs = made.client(MEMBER, "iam"), made.client(MEMBER, "events")
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    grant = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}
    role = iam.create_role(
        RoleName="forward",
        AssumeRolePolicyDocument=_document({**trust, "Action": "sts:AssumeRole"}),
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="forward", PolicyName="put", PolicyDocument=_document(grant))
    theirs.put_rule(Name="forward", EventPattern=PATTERN)
    target = {"Id": "hub", "Arn": BUS, "RoleArn": role}
    theirs.put_targets(Rule="forward", Targets=[target])
    return Buses(aws, url)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_event_crosses_accounts_by_the_bus_policy_and_the_roles_own(buses: Buses) -> None:
    """Without either it does not; where it arrives its account is still the sender's."""
    assert buses.heard("no-policy") == []
    buses.admit(
        StringEquals={"events:source": "aws.iam", "aws:PrincipalAccount": MEMBER},
        Bool={"events:eventBusInvocation": "true"},
    )
    (event,) = buses.heard("admitted")
    assert event["account"] == event["detail"]["recipientAccountId"] == MEMBER
    buses.client(MEMBER, "iam").delete_role_policy(RoleName="forward", PolicyName="put")
    assert buses.heard("no-grant") == []


def test_who_may_look_at_one_rule_may_look_at_no_other(aws: LocalAws) -> None:
    """By its ARN, in which the default bus does not stand."""
    root = aws.session(LOOKER, "test")
    iam = root.client("iam")
    arn = root.client("events").put_rule(Name="mine", EventPattern=PATTERN)["RuleArn"]
    queue = f"arn:aws:sqs:us-east-1:{LOOKER}:any"
    root.client("events").put_targets(Rule="mine", Targets=[{"Id": "q", "Arn": queue}])
    assert arn.endswith(":rule/mine")
    iam.create_user(UserName="looks")
    actions = ["events:DescribeRule", "events:ListTargetsByRule"]
    grant = {"Effect": "Allow", "Action": actions, "Resource": arn}
    iam.put_user_policy(UserName="looks", PolicyName="look", PolicyDocument=_document(grant))
    key = iam.create_access_key(UserName="looks")["AccessKey"]
    events = aws.session(key["AccessKeyId"], key["SecretAccessKey"]).client("events")
    assert events.describe_rule(Name="mine")["Arn"] == arn
    assert len(events.list_targets_by_rule(Rule="mine")["Targets"]) == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        events.describe_rule(Name="other")
    with pytest.raises(ClientError, match="AccessDenied"):
        events.list_targets_by_rule(Rule="other")
