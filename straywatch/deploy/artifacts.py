"""The artifact bucket: private storage for what CloudFormation reads during a deployment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, TypeVar

import boto3
from botocore.exceptions import ClientError

from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef

T = TypeVar("T")

_PRIVATE: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_NO_CONSTRAINT = "us-east-1"  # S3 takes no location constraint for its first region


class _Owner(TypedDict, total=False):
    """Whose bucket a call is meant for; S3 refuses it for anybody else's."""

    ExpectedBucketOwner: str


class _Missing:
    """S3 has nothing of what was asked for."""


@dataclass(frozen=True)
class Bucket:
    """The artifact bucket of one account and region, or one that the operator has named.

    Its own name can be guessed, so every call states the owner: a bucket that someone else has made
    under this name is refused, never used. A bucket that is `given` may be another account's.
    """

    s3: S3Client
    partition: str
    account_id: str
    region: str
    given: str = ""

    @property
    def is_given(self) -> bool:
        """Whether the operator has named it."""
        return bool(self.given)

    @property
    def name(self) -> str:
        """The bucket's name, unique among all accounts and partitions."""
        return self.given or f"straywatch-artifacts-{self.account_id}-{self.region}"

    @property
    def _owner(self) -> _Owner:
        return {} if self.is_given else {"ExpectedBucketOwner": self.account_id}

    def ensure(self) -> None:
        """Make the bucket if need be, private and TLS-only; S3 encrypts every bucket by itself.

        What somebody has set on it since stays: a key of their own, a policy of their own. A bucket
        that the operator has named is used as it is. Raises StraywatchError if another account
        holds the name.
        """
        if self.is_given:
            return
        # S3 says 403 of a bucket that is somebody else's, and making it then says whose
        if isinstance(self._head("404", "403"), _Missing):
            self._create()
            self.s3.get_waiter("bucket_exists").wait(Bucket=self.name, **self._owner)
        if not self._is_private():
            self.s3.put_public_access_block(
                Bucket=self.name, PublicAccessBlockConfiguration=_PRIVATE, **self._owner
            )
        if not self._has_policy():
            policy = json.dumps(tls_only(self.partition, self.name))
            self.s3.put_bucket_policy(Bucket=self.name, Policy=policy, **self._owner)

    def exists(self) -> bool:
        """Return whether the bucket exists and is this account's. Raises ClientError."""
        return not isinstance(self._head("404"), _Missing)

    def put(self, content: bytes, suffix: str) -> str:
        """Store `content` under its SHA-256 hash and return its key."""
        key = hashlib.sha256(content).hexdigest() + suffix
        self.s3.put_object(Bucket=self.name, Key=key, Body=content, **self._owner)
        return key

    def url(self, key: str) -> str:
        """Return the plain address of `key`, right for every partition and for a local AWS."""
        signed = self.s3.generate_presigned_url(
            "get_object", Params={"Bucket": self.name, "Key": key}
        )
        return signed.partition("?")[0]

    def _head(self, *missing: str) -> object:
        return _read(lambda: self.s3.head_bucket(Bucket=self.name, **self._owner), *missing)

    def _is_private(self) -> bool:
        found = _read(
            lambda: self.s3.get_public_access_block(Bucket=self.name, **self._owner),
            "NoSuchPublicAccessBlockConfiguration",
        )
        if isinstance(found, _Missing):
            return False
        return all(found["PublicAccessBlockConfiguration"].values())

    def _has_policy(self) -> bool:
        found = _read(
            lambda: self.s3.get_bucket_policy(Bucket=self.name, **self._owner), "NoSuchBucketPolicy"
        )
        return not isinstance(found, _Missing)

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


def _read(ask: Callable[[], T], *missing: str) -> T | _Missing:
    """What S3 answers; `missing` are the error codes that say that there is none."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in missing:
            return _Missing()
        raise


def artifact_bucket(session: boto3.Session, given: str = "") -> Bucket:
    """Name the artifact bucket: the `given` one, or that of the account and region of `session`."""
    account = own_account(session)
    s3 = session.client("s3", config=RETRIES)
    return Bucket(
        s3=s3,
        partition=account.partition,
        account_id=account.account_id,
        region=s3.meta.region_name,
        given=given,
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
