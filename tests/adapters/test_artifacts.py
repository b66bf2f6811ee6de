"""The artifact bucket on S3 as moto has it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from straywatch.deploy.artifacts import Bucket, artifact_bucket, tls_only
from straywatch.errors import StraywatchError

NAME = "straywatch-artifacts-123456789012-us-east-1"


@pytest.fixture
def session() -> Iterator[boto3.Session]:
    """An account of its own."""
    with mock_aws():
        yield boto3.Session(
            aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
        )


def test_the_bucket_is_private_and_tls_only(session: boto3.Session) -> None:
    """Nobody else can read what is deployed; S3 encrypts every bucket by itself since 2023."""
    bucket = artifact_bucket(session)
    bucket.ensure()
    assert bucket.name == NAME
    s3 = session.client("s3")
    block = s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    assert len(block) == 4
    assert json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"]) == tls_only("aws", NAME)


def test_a_second_deployment_finds_the_bucket(session: boto3.Session) -> None:
    """Making sure of the bucket twice is as good as once, and settings that were undone return."""
    bucket = artifact_bucket(session)
    bucket.ensure()
    session.client("s3").delete_public_access_block(Bucket=NAME)
    bucket.ensure()
    block = session.client("s3").get_public_access_block(Bucket=NAME)
    assert all(block["PublicAccessBlockConfiguration"].values())


def test_a_second_deployment_keeps_what_somebody_has_set(session: boto3.Session) -> None:
    """A key of their own and a policy of their own are there for a reason."""
    bucket = artifact_bucket(session)
    bucket.ensure()
    s3 = session.client("s3")
    s3.put_bucket_encryption(
        Bucket=NAME,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )
    policy = json.dumps(tls_only("aws", NAME)).replace("RefuseWithoutTls", "Mine")
    s3.put_bucket_policy(Bucket=NAME, Policy=policy)
    bucket.ensure()
    kept = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert kept[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_bucket_policy(Bucket=NAME)["Policy"] == policy


def test_a_bucket_of_the_operators_own_is_used_as_it_is(session: boto3.Session) -> None:
    """It is neither made nor changed, and may be another account's."""
    session.client("s3").create_bucket(Bucket="ours")
    bucket = artifact_bucket(session, "ours")
    bucket.ensure()
    key = bucket.put(b"code", ".zip")
    assert bucket.url(key) == f"https://ours.s3.amazonaws.com/{key}"
    assert [each["Name"] for each in session.client("s3").list_buckets()["Buckets"]] == ["ours"]
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        session.client("s3").get_bucket_policy(Bucket="ours")


def test_another_region_is_named_to_s3() -> None:
    """Outside S3's first region the bucket needs its place said."""
    with mock_aws():
        session = boto3.Session(
            aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1"
        )
        bucket = artifact_bucket(session)
        bucket.ensure()
        place = session.client("s3").get_bucket_location(Bucket=bucket.name)
        assert place["LocationConstraint"] == "eu-west-1"


def test_content_is_stored_under_its_hash(session: boto3.Session) -> None:
    """Equal content has one key, so that an unchanged package changes no function."""
    bucket = artifact_bucket(session)
    session.client("s3").create_bucket(Bucket=NAME)  # moto takes a Deny whatever its condition
    key = bucket.put(b"code", ".zip")
    assert bucket.put(b"code", ".zip") == key
    assert key == "5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b.zip"
    assert session.client("s3").get_object(Bucket=NAME, Key=key)["Body"].read() == b"code"
    assert bucket.url(key) == f"https://{NAME}.s3.amazonaws.com/{key}"


def test_whether_the_bucket_exists_can_be_asked(session: boto3.Session) -> None:
    """Removal says that packages remain only if they do."""
    bucket = artifact_bucket(session)
    assert not bucket.exists()
    bucket.ensure()
    assert bucket.exists()


def test_a_bucket_of_somebody_else_is_refused() -> None:
    """The name can be guessed: whoever took it first must not get to supply the code."""
    s3 = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    bucket = Bucket(s3=s3, partition="aws", account_id="123456789012", region="us-east-1")
    with Stubber(s3) as stub:
        stub.add_client_error("head_bucket", "403", "Forbidden", 403)
        stub.add_client_error("create_bucket", "BucketAlreadyExists", "taken", 409)
        with pytest.raises(StraywatchError, match=f"another account holds the bucket name {NAME}"):
            bucket.ensure()
