"""The policy of whoever deploys: what CloudFormation and the command line need, and no more.

CloudFormation makes resources with the caller's permissions. Its registry says for each type which
it asks for; cfn-lint carries the registry. tests/e2e/test_deployer.py deploys with the policy.
"""

from __future__ import annotations

import json
from functools import cache

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from parliament import analyze_policy_string

from straywatch.deploy.packaging import SOURCES
from tests.unit.deployed_template import deployed

POLICY = (SOURCES / "docs" / "deployer-policy.json").read_text(encoding="utf-8")
STATEMENTS = json.loads(POLICY)["Statement"]
GRANTED = {action for statement in STATEMENTS for action in statement["Action"]}
OF_THE_COMMAND_LINE = {
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
    "cloudformation:UpdateTerminationProtection",
    "cloudformation:ValidateTemplate",
    "dynamodb:ListTables",
    "s3:CreateBucket",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutObject",
    "ssm:DeleteParameter",
}
"""What `straywatch deploy` and `destroy` call that CloudFormation does not ask for."""

NOT_USED = {
    "a table's imports, replicas, streams to Kinesis, keys, insights and resource policy": {
        "dynamodb:AssociateTableReplica", "dynamodb:BatchWriteItem", "dynamodb:CreateTableReplica",
        "dynamodb:DeleteItem", "dynamodb:DeleteResourcePolicy", "dynamodb:DescribeImport",
        "dynamodb:DisableKinesisStreamingDestination",
        "dynamodb:EnableKinesisStreamingDestination", "dynamodb:GetItem", "dynamodb:ImportTable",
        "dynamodb:PutItem", "dynamodb:PutResourcePolicy", "dynamodb:Query", "dynamodb:Scan",
        "dynamodb:UpdateContributorInsights", "dynamodb:UpdateItem",
        "dynamodb:UpdateKinesisStreamingDestination", "iam:CreateServiceLinkedRole",
        "kinesis:DescribeStream", "kinesis:PutRecords", "kms:CreateGrant", "kms:Decrypt",
        "kms:Encrypt", "kms:GenerateDataKey", "kms:ListAliases", "kms:RevokeGrant",
        "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents",
        "s3:GetObjectMetadata",
    },
    "a function's VPC, file systems, layers, code signing, versions and capacity": {
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
        "ec2:DescribeVpcs", "elasticfilesystem:DescribeMountTargets",
        "lambda:AssociateRuntimeAlias", "lambda:DeleteFunctionCodeSigningConfig",
        "lambda:GetCodeSigningConfig", "lambda:GetLayerVersion", "lambda:PassCapacityProvider",
        "lambda:PublishVersion", "lambda:PutFunctionCodeSigningConfig",
        "lambda:PutFunctionScalingConfig", "lambda:PutRuntimeManagementConfig",
        "s3:GetObjectVersion", "s3files:ListMountTargets",
    },
    "a log group's deliveries, keys, indexes and policies": {
        "firehose:TagDeliveryStream", "logs:AssociateKmsKey", "logs:CreateLogDelivery",
        "logs:DeleteDataProtectionPolicy", "logs:DeleteIndexPolicy", "logs:DeleteResourcePolicy",
        "logs:DisassociateKmsKey", "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy", "logs:PutIndexPolicy",
        "logs:PutLogGroupDeletionProtection", "logs:PutResourcePolicy", "s3:REST.PUT.OBJECT",
    },
    "a topic's data protection": {"sns:PutDataProtectionPolicy"},
}  # fmt: skip
"""What the registry names for features that the template does not use, by feature."""


@cache
def registered() -> frozenset[str]:
    """What CloudFormation may ask for, to make, read, change and delete the template's types."""
    types = {made.type for made in deployed(**ALL_ON).resources}
    handlers = [
        PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", each).schema["handlers"]
        for each in types
    ]
    return frozenset(
        permission
        for each in handlers
        for name, handler in each.items()
        if name != "list"
        for permission in handler.get("permissions", ())
    )


ALL_ON = {
    "AlertEmail": "ann@example.com",
    "AlertSms": "+15551234567",
    "ChatEnabled": "yes",
    "SecurityHubEnabled": "yes",
    "FindingEventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/security",
    "PagerDutySecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:pager-AbCdEf",
}


def test_it_grants_all_that_cloudformation_asks_for() -> None:
    """But for features that the template does not use; a new permission has to be decided on."""
    unused = set().union(*NOT_USED.values())
    assert sorted(registered() - GRANTED - unused) == []
    assert sorted(unused - registered()) == [], "no longer in the registry"
    assert sorted(unused & GRANTED) == []


def test_it_grants_nothing_else() -> None:
    """Every action is CloudFormation's, for a type of the template, or the command line's."""
    assert sorted(GRANTED - registered() - OF_THE_COMMAND_LINE) == []


def test_it_reaches_straywatchs_own_alone() -> None:
    """By name, by tag, or where an action knows no resource."""
    wide = {
        action
        for statement in STATEMENTS
        if statement["Resource"] == "*" and "Condition" not in statement
        for action in statement["Action"]
    }
    assert wide == {
        "cloudformation:ValidateTemplate",
        "dynamodb:ListTables",
        "kms:CreateKey",
        "logs:DescribeIndexPolicies",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    }
    for statement in STATEMENTS:
        resources = statement["Resource"]
        listed = [resources] if isinstance(resources, str) else resources
        for arn in listed:
            named = (
                "straywatch" in arn
                or ":changeSet/deploy-" in arn
                or arn.endswith("transform/Serverless-2016-10-31")
            )
            of_others = arn == "*" or arn.endswith("event-source-mapping:*")
            assert named or of_others or "Condition" in statement, arn


def test_roles_go_to_functions_alone() -> None:
    """Whoever may pass a role to anything may become it."""
    (statement,) = (each for each in STATEMENTS if "iam:PassRole" in each["Action"])
    assert statement["Condition"] == {
        "StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}
    }


def test_iam_takes_it_as_one_managed_policy() -> None:
    """6,144 characters without white space: IAM's quota."""
    assert len(json.dumps(json.loads(POLICY), separators=(",", ":"))) <= 6144


CHECKED = [each for each in STATEMENTS if each["Sid"] != "RunTheTransform"]
"""Parliament does not know the account `aws`, which the transform belongs to."""

FORESEEN = {
    "PRIVILEGE_ESCALATION",  # making roles and functions is what it is for
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION",  # so is writing the policy of a bucket of its own
    "UNKNOWN_ACTION",  # parliament's list is older than CloudFormation's registry
}


@pytest.mark.parametrize("statement", CHECKED, ids=lambda each: str(each["Sid"]))
def test_each_action_fits_its_resource(statement: dict[str, object]) -> None:
    """An action on a resource that it does not know would never be allowed."""
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    findings = analyze_policy_string(text.replace("ACCOUNT", "123456789012")).findings
    assert [str(each) for each in findings if each.issue not in FORESEEN] == []
