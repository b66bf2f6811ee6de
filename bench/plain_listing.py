"""What most scripts do: ListUsers, then ListGroupsForUser for each; prints how many are strays."""

from __future__ import annotations

import boto3


def main() -> None:
    """Count the users in no group."""
    iam = boto3.client("iam", region_name="us-east-1")
    strays = 0
    for page in iam.get_paginator("list_users").paginate():
        for user in page["Users"]:
            strays += not iam.list_groups_for_user(UserName=user["UserName"])["Groups"]
    print(strays)


if __name__ == "__main__":
    main()
