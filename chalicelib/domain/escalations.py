"""The known ways from a few permissions to more, as data: which actions, and what they need.

Sources, each entry is in one of them:

- Rhino Security Labs, "AWS IAM Privilege Escalation Methods",
  https://github.com/RhinoSecurityLabs/AWS-IAM-Privilege-Escalation (28 methods)
- Datadog, pathfinding.cloud, https://pathfinding.cloud (65 paths, December 2025)
- AWS, Service Authorization Reference: actions that depend on `iam:PassRole`, of services that run
  what the caller hands them; for Batch, Glue sessions and Systems Manager, which it does not list,
  the role among the parameters in their API references
- HackTricks Cloud, "AWS Privilege Escalation",
  https://cloud.hacktricks.wiki/en/pentesting-cloud/aws-security/aws-privilege-escalation/
- AWS, IAM User Guide, "Permissions boundaries for IAM entities": who may take a boundary away is
  not bound by it

Read to the holder's disadvantage: of a chain, the action alone that hands over the role or the
code counts. What starts the code may exist already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

ALONE: Mapping[str, str] = MappingProxyType(
    {
        "iam:PutUserPolicy": "self",
        "iam:AttachUserPolicy": "self",
        "iam:DeleteUserPermissionsBoundary": "self",
        "iam:PutUserPermissionsBoundary": "self",
        "iam:CreateAccessKey": "user",
        "iam:CreateLoginProfile": "user",
        "iam:UpdateLoginProfile": "user",
        "iam:PutGroupPolicy": "group",
        "iam:AttachGroupPolicy": "group",
        "iam:AddUserToGroup": "group",
        "iam:PutRolePolicy": "role",
        "iam:AttachRolePolicy": "role",
        "iam:UpdateAssumeRolePolicy": "role",
        "iam:DeleteRolePermissionsBoundary": "role",
        "iam:PutRolePermissionsBoundary": "role",
        "iam:CreatePolicyVersion": "policy",
        "iam:SetDefaultPolicyVersion": "policy",
    }
)
"""Actions that suffice to make oneself an administrator, with the kind of resource each needs."""

PASS_ROLE = "iam:PassRole"  # nosec B105  # noqa: S105 - an action's name

WITH_PASS_ROLE = (
    "apprunner:CreateService",
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:CreateLaunchConfiguration",
    "batch:RegisterJobDefinition",
    "bedrock-agentcore:CreateAgentRuntime",
    "bedrock-agentcore:CreateCodeInterpreter",
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:CreateStackSet",
    "cloudformation:UpdateStack",
    "cloudformation:UpdateStackSet",
    "codebuild:CreateProject",
    "codebuild:UpdateProject",
    "codepipeline:CreatePipeline",
    "codestar:CreateProject",
    "cognito-identity:SetIdentityPoolRoles",
    "datapipeline:CreatePipeline",
    "datapipeline:PutPipelineDefinition",
    "deadline:CreateFleet",
    "deadline:CreateQueue",
    "ec2:AssociateIamInstanceProfile",
    "ec2:CreateLaunchTemplate",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "ec2:RequestSpotInstances",
    "ec2:RunInstances",
    "ecs:CreateExpressGatewayService",
    "ecs:CreateService",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:StartTask",
    "elasticmapreduce:RunJobFlow",
    "emr-serverless:StartJobRun",
    "gamelift:CreateFleet",
    "glue:CreateDevEndpoint",
    "glue:CreateJob",
    "glue:CreateSession",
    "glue:UpdateJob",
    "imagebuilder:CreateInfrastructureConfiguration",
    "kafkaconnect:CreateConnector",
    "kinesisanalytics:CreateApplication",
    "lambda:CreateFunction",
    "omics:StartRun",
    "pcs:CreateComputeNodeGroup",
    "sagemaker:CreateDomain",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateModel",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreatePipeline",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "scheduler:CreateSchedule",
    "ssm:StartAutomationExecution",
    "states:CreateStateMachine",
    "states:UpdateStateMachine",
)
"""Actions of services that run the caller's code, template or call under a role passed to them."""

ROLE_IN_PLACE = (
    "apprunner:UpdateService",
    "bedrock-agentcore:InvokeCodeInterpreter",
    "bedrock-agentcore:StartCodeInterpreterSession",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:UpdateStack",
    "cloudformation:UpdateStackSet",
    "codebuild:StartBuild",
    "codebuild:StartBuildBatch",
    "codestar:AssociateTeamMember",
    "codestar:CreateProjectFromTemplate",
    "ec2-instance-connect:SendSSHPublicKey",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:ModifyInstanceAttribute",
    "ecs:ExecuteCommand",
    "ecs:UpdateService",
    "glue:UpdateDevEndpoint",
    "lambda:CreateEventSourceMapping",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "sagemaker:CreateNotebookInstanceLifecycleConfig",
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "sagemaker:UpdateNotebookInstance",
    "ssm:SendCommand",
    "ssm:StartSession",
)
"""Actions that run one's own code under a role that something has already. What that gives depends
on the role, so an alert does not call their holder an administrator. `plan` never lets anybody gain
them, and `least-privilege` flags them."""


def to_administration(allows: Callable[[str], bool]) -> tuple[str, ...]:
    """The ways to become an administrator that somebody has who `allows` tells the actions of."""
    alone = tuple(action for action in sorted(ALONE) if allows(action))
    if not allows(PASS_ROLE):
        return alone
    passed = (f"{PASS_ROLE} with {action}" for action in WITH_PASS_ROLE if allows(action))
    return (*alone, *passed)


def in_place(allows: Callable[[str], bool]) -> tuple[str, ...]:
    """The actions by which that somebody runs code under a role that is there already."""
    return tuple(action for action in ROLE_IN_PLACE if allows(action))
