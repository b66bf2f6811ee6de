"""What an AWS account has around the monitor, and what the emulator's CloudFormation leaves out.

A trail that logs management events, as every account that is watched has one; and the settings of
tables and functions that the template asks for and the emulator does not apply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from straywatch.deploy.packaging import Package
from straywatch.deploy.stack_resources import read_resources

if TYPE_CHECKING:
    import boto3

TRAIL = "management-events"
_BUCKET = "straywatch-local-trail"


def complete(session: boto3.Session, stack: str, package: Package) -> None:
    """Add the trail, and finish what a deployed stack consists of. Raises ClientError."""
    session.client("s3").create_bucket(Bucket=_BUCKET)
    trails = session.client("cloudtrail")
    trails.create_trail(Name=TRAIL, S3BucketName=_BUCKET, IsMultiRegionTrail=True)
    trails.start_logging(Name=TRAIL)
    declared = json.loads(package.template.read_bytes())["Resources"]
    for resource in read_resources(session.client("cloudformation"), stack):
        if resource.resource_type == "AWS::DynamoDB::Table":
            properties = declared[resource.logical_id]["Properties"]
            _finish_table(session, resource.physical_id, properties)
        if resource.resource_type == "AWS::Lambda::Function":
            loop = declared[resource.logical_id]["Properties"].get("RecursiveLoop", "Terminate")
            session.client("lambda").put_function_recursion_config(
                FunctionName=resource.physical_id, RecursiveLoop=loop
            )


def _finish_table(session: boto3.Session, table: str, properties: Mapping[str, Any]) -> None:
    dynamodb = session.client("dynamodb")
    if expiry := properties.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
    if backups := properties.get("PointInTimeRecoverySpecification"):
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=backups
        )
    if properties.get("SSESpecification"):
        dynamodb.update_table(TableName=table, SSESpecification={"Enabled": True})
