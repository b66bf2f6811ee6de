"""The artifact bucket: private storage for what CloudFormation reads during a deployment."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType

_NO_CONSTRAINT = "us-east-1"  # S3 takes no location constraint for its first region


@dataclass(frozen=True)
class Bucket:
    """The artifact bucket of one account and region.

    Its name can be guessed, so every call states the owner: a bucket that someone else has made
    under this name is refused, never used.
    """

    s3: S3Client
    partition: str
    account_id: str
    region: str

    @property
    def name(self) -> str:
        """The bucket's name, unique among all accounts and partitions."""
        return f"straywatch-artifacts-{self.account_id}-{self.region}"

    def ensure(self) -> None:
        """Make the bucket if need be; set it private, encrypted and TLS-only in any case.

        Raises StraywatchError if another account holds the name.
        """
        self._create()
        owner = self.account_id
        self.s3.get_waiter("bucket_exists").wait(Bucket=self.name, ExpectedBucketOwner=owner)
        self.s3.put_public_access_block(
            Bucket=self.name,
            ExpectedBucketOwner=owner,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        self.s3.put_bucket_encryption(
            Bucket=self.name,
            ExpectedBucketOwner=owner,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self.s3.put_bucket_policy(
            Bucket=self.name,
            ExpectedBucketOwner=owner,
            Policy=json.dumps(tls_only(self.partition, self.name)),
        )

    def exists(self) -> bool:
        """Return whether the bucket exists and is this account's. Raises ClientError."""
        try:
            self.s3.head_bucket(Bucket=self.name, ExpectedBucketOwner=self.account_id)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return False
            raise
        return True

    def put(self, content: bytes, suffix: str) -> str:
        """Store `content` under its SHA-256 hash and return its key."""
        key = hashlib.sha256(content).hexdigest() + suffix
        self.s3.put_object(
            Bucket=self.name, Key=key, Body=content, ExpectedBucketOwner=self.account_id
        )
        return key

    def url(self, key: str) -> str:
        """Return the plain address of `key`, right for every partition and for a local AWS."""
        signed = self.s3.generate_presigned_url(
            "get_object", Params={"Bucket": self.name, "Key": key}
        )
        return signed.partition("?")[0]

    def _create(self) -> None:
        try:
            if self.region == _NO_CONSTRAINT:
                self.s3.create_bucket(Bucket=self.name)
            else:
                place: BucketLocationConstraintType = self.region  # type: ignore[assignment] # the stubs list regions
                self.s3.create_bucket(
                    Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": place}
                )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "BucketAlreadyExists":
                raise StraywatchError(
                    f"another account holds the bucket name {self.name}: nothing was uploaded; "
                    "report it to AWS as a possible attack, and deploy from another account"
                ) from error
            if code != "BucketAlreadyOwnedByYou":
                raise


def artifact_bucket(session: boto3.Session) -> Bucket:
    """Name the artifact bucket of the account and region that `session` works in."""
    account = own_account(session)
    s3 = session.client("s3", config=RETRIES)
    return Bucket(
        s3=s3,
        partition=account.partition,
        account_id=account.account_id,
        region=s3.meta.region_name,
    )


def tls_only(partition: str, bucket: str) -> dict[str, object]:
    """Build the bucket policy that refuses every request without TLS."""
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "RefuseWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
