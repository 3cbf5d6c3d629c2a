# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS's Service Authorization Reference says of actions in use and those checked along. Written by tools/iam_reference.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """Of one action. resources: the ARNs it can be limited to, () for none. tagged: those of them whose tags it can be limited by.

    request_tags: whether it can be limited by the tags that a request gives. dependents: actions that AWS checks along with it.
    """

    resources: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ()
    request_tags: bool = False
    dependents: tuple[str, ...] = ()


REFERENCE: Final[Mapping[str, Row]] = {
    "application-autoscaling:DescribeScalableTargets": Row(),
    "application-autoscaling:DescribeScalingPolicies": Row(),
    "application-autoscaling:PutScalingPolicy": Row(
        resources=("arn:{partition}:application-autoscaling:*:{account}:scalable-target/*",),
        tagged=("arn:{partition}:application-autoscaling:*:{account}:scalable-target/*",),
    ),
    "application-autoscaling:RegisterScalableTarget": Row(
        resources=("arn:{partition}:application-autoscaling:*:{account}:scalable-target/*",),
        tagged=("arn:{partition}:application-autoscaling:*:{account}:scalable-target/*",),
        request_tags=True,
        dependents=("application-autoscaling:TagResource",),
    ),
    "application-autoscaling:TagResource": Row(
        resources=("arn:{partition}:application-autoscaling:*:{account}:scalable-target/*",),
        tagged=("arn:{partition}:application-autoscaling:*:{account}:scalable-target/*",),
        request_tags=True,
    ),
    "autoscaling:CancelInstanceRefresh": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
    ),
    "autoscaling:CreateAutoScalingGroup": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        request_tags=True,
        dependents=("iam:CreateServiceLinkedRole", "iam:PassRole"),
    ),
    "autoscaling:CreateOrUpdateTags": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        request_tags=True,
    ),
    "autoscaling:DeleteAutoScalingGroup": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
    ),
    "autoscaling:DescribeAccountLimits": Row(),
    "autoscaling:DescribeAutoScalingGroups": Row(),
    "autoscaling:DescribeInstanceRefreshes": Row(),
    "autoscaling:DescribePolicies": Row(),
    "autoscaling:DescribeScalingActivities": Row(),
    "autoscaling:PutScalingPolicy": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
    ),
    "autoscaling:ResumeProcesses": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
    ),
    "autoscaling:SetInstanceProtection": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
    ),
    "autoscaling:SuspendProcesses": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
    ),
    "autoscaling:UpdateAutoScalingGroup": Row(
        resources=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        tagged=("arn:{partition}:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*",),
        dependents=("iam:PassRole",),
    ),
    "backup:DeleteRecoveryPoint": Row(resources=("arn:{partition}:backup:*:{account}:recovery-point:*",)),
    "backup:GetRestoreJobMetadata": Row(),
    "backup:ListBackupJobs": Row(),
    "backup:ListRecoveryPointsByResource": Row(),
    "backup:ListRestoreJobs": Row(),
    "backup:StartBackupJob": Row(
        resources=("arn:{partition}:backup:*:{account}:backup-vault:*",),
        tagged=("arn:{partition}:backup:*:{account}:backup-vault:*",),
        dependents=("iam:PassRole",),
    ),
    "backup:StartRestoreJob": Row(resources=("arn:{partition}:backup:*:{account}:recovery-point:*",), dependents=("iam:PassRole",)),
    "cloudwatch:GetMetricData": Row(),
    "cloudwatch:ListMetrics": Row(),
    "drs:CreateRecoveryInstanceForDrs": Row(
        resources=("arn:{partition}:drs:*:{account}:source-server/*",),
        tagged=("arn:{partition}:drs:*:{account}:source-server/*",),
        request_tags=True,
    ),
    "drs:DescribeJobLogItems": Row(
        resources=("arn:{partition}:drs:*:{account}:job/*",), tagged=("arn:{partition}:drs:*:{account}:job/*",)
    ),
    "drs:DescribeJobs": Row(),
    "drs:DescribeRecoveryInstances": Row(dependents=("drs:DescribeSourceServers", "ec2:DescribeInstances")),
    "drs:DescribeReplicationConfigurationTemplates": Row(),
    "drs:DescribeSourceServers": Row(),
    "drs:GetLaunchConfiguration": Row(
        resources=("arn:{partition}:drs:*:{account}:source-server/*",), tagged=("arn:{partition}:drs:*:{account}:source-server/*",)
    ),
    "drs:ListTagsForResource": Row(),
    "drs:ReverseReplication": Row(
        resources=("arn:{partition}:drs:*:{account}:recovery-instance/*",),
        tagged=("arn:{partition}:drs:*:{account}:recovery-instance/*",),
        request_tags=True,
        dependents=("drs:DescribeReplicationConfigurationTemplates", "drs:DescribeSourceServers", "ec2:DescribeInstances"),
    ),
    "drs:StartRecovery": Row(
        resources=("arn:{partition}:drs:*:{account}:source-server/*",),
        tagged=("arn:{partition}:drs:*:{account}:source-server/*",),
        request_tags=True,
        dependents=(
            "drs:CreateRecoveryInstanceForDrs",
            "drs:ListTagsForResource",
            "ec2:AttachVolume",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateLaunchTemplate",
            "ec2:CreateLaunchTemplateVersion",
            "ec2:CreateSnapshot",
            "ec2:CreateTags",
            "ec2:CreateVolume",
            "ec2:DeleteLaunchTemplateVersions",
            "ec2:DeleteSnapshot",
            "ec2:DeleteVolume",
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeImages",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstanceStatus",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstances",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:DescribeLaunchTemplates",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSnapshots",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
            "ec2:DetachVolume",
            "ec2:ModifyInstanceAttribute",
            "ec2:ModifyLaunchTemplate",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RunInstances",
            "ec2:StartInstances",
            "ec2:StopInstances",
            "ec2:TerminateInstances",
            "iam:PassRole",
        ),
    ),
    "drs:StopReplication": Row(
        resources=("arn:{partition}:drs:*:{account}:source-server/*",), tagged=("arn:{partition}:drs:*:{account}:source-server/*",)
    ),
    "drs:TerminateRecoveryInstances": Row(
        resources=("arn:{partition}:drs:*:{account}:recovery-instance/*",),
        tagged=("arn:{partition}:drs:*:{account}:recovery-instance/*",),
        request_tags=True,
        dependents=(
            "drs:DescribeSourceServers",
            "ec2:DeleteVolume",
            "ec2:DescribeInstances",
            "ec2:DescribeVolumes",
            "ec2:TerminateInstances",
        ),
    ),
    "drs:UpdateLaunchConfiguration": Row(
        resources=("arn:{partition}:drs:*:{account}:source-server/*",),
        tagged=("arn:{partition}:drs:*:{account}:source-server/*",),
        dependents=("ec2:DescribeInstances",),
    ),
    "ds:DescribeDirectories": Row(),
    "ec2:CopyImage": Row(
        resources=("arn:{partition}:ec2:*::image/*", "arn:{partition}:ec2:*::snapshot/*"),
        tagged=("arn:{partition}:ec2:*::image/*", "arn:{partition}:ec2:*::snapshot/*"),
        request_tags=True,
        dependents=("ec2:CreateTags",),
    ),
    "ec2:CreateLaunchTemplate": Row(
        resources=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        tagged=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        request_tags=True,
        dependents=("ec2:CreateTags", "ssm:GetParameters"),
    ),
    "ec2:CreateLaunchTemplateVersion": Row(
        resources=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        tagged=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        dependents=("ssm:GetParameters",),
    ),
    "ec2:CreateSecurityGroup": Row(
        resources=("arn:{partition}:ec2:*:{account}:security-group/*", "arn:{partition}:ec2:*:{account}:vpc/*"),
        tagged=("arn:{partition}:ec2:*:{account}:security-group/*", "arn:{partition}:ec2:*:{account}:vpc/*"),
        request_tags=True,
        dependents=("ec2:CreateTags",),
    ),
    "ec2:CreateSnapshots": Row(
        resources=(
            "arn:{partition}:ec2:*::snapshot/*",
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:volume/*",
        ),
        tagged=(
            "arn:{partition}:ec2:*::snapshot/*",
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:volume/*",
        ),
        request_tags=True,
        dependents=("ec2:CreateTags",),
    ),
    "ec2:CreateTags": Row(
        resources=(
            "arn:{partition}:ec2:*::image/*",
            "arn:{partition}:ec2:*::snapshot/*",
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:launch-template/*",
            "arn:{partition}:ec2:*:{account}:network-interface/*",
            "arn:{partition}:ec2:*:{account}:security-group/*",
            "arn:{partition}:ec2:*:{account}:volume/*",
            "arn:{partition}:ec2:*:{account}:vpc/*",
        ),
        tagged=(
            "arn:{partition}:ec2:*::image/*",
            "arn:{partition}:ec2:*::snapshot/*",
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:launch-template/*",
            "arn:{partition}:ec2:*:{account}:network-interface/*",
            "arn:{partition}:ec2:*:{account}:security-group/*",
            "arn:{partition}:ec2:*:{account}:volume/*",
            "arn:{partition}:ec2:*:{account}:vpc/*",
        ),
        request_tags=True,
    ),
    "ec2:DeleteLaunchTemplate": Row(
        resources=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        tagged=("arn:{partition}:ec2:*:{account}:launch-template/*",),
    ),
    "ec2:DeleteLaunchTemplateVersions": Row(
        resources=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        tagged=("arn:{partition}:ec2:*:{account}:launch-template/*",),
    ),
    "ec2:DescribeAddresses": Row(),
    "ec2:DescribeImages": Row(),
    "ec2:DescribeInstanceStatus": Row(),
    "ec2:DescribeInstanceTypes": Row(),
    "ec2:DescribeInstances": Row(),
    "ec2:DescribeLaunchTemplateVersions": Row(dependents=("ssm:GetParameters",)),
    "ec2:DescribeLaunchTemplates": Row(),
    "ec2:DescribeNetworkInterfaces": Row(),
    "ec2:DescribeRouteTables": Row(),
    "ec2:DescribeSecurityGroups": Row(),
    "ec2:DescribeSnapshots": Row(),
    "ec2:DescribeSubnets": Row(),
    "ec2:DescribeTags": Row(),
    "ec2:ModifyInstanceAttribute": Row(
        resources=(
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:security-group/*",
            "arn:{partition}:ec2:*:{account}:volume/*",
        ),
        tagged=(
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:security-group/*",
            "arn:{partition}:ec2:*:{account}:volume/*",
        ),
    ),
    "ec2:ModifyLaunchTemplate": Row(
        resources=("arn:{partition}:ec2:*:{account}:launch-template/*",),
        tagged=("arn:{partition}:ec2:*:{account}:launch-template/*",),
    ),
    "ec2:ModifyNetworkInterfaceAttribute": Row(
        resources=(
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:network-interface/*",
            "arn:{partition}:ec2:*:{account}:security-group/*",
        ),
        tagged=(
            "arn:{partition}:ec2:*:{account}:instance/*",
            "arn:{partition}:ec2:*:{account}:network-interface/*",
            "arn:{partition}:ec2:*:{account}:security-group/*",
        ),
    ),
    "ec2:StartInstances": Row(
        resources=("arn:{partition}:ec2:*:{account}:instance/*",), tagged=("arn:{partition}:ec2:*:{account}:instance/*",)
    ),
    "ec2:StopInstances": Row(
        resources=("arn:{partition}:ec2:*:{account}:instance/*",), tagged=("arn:{partition}:ec2:*:{account}:instance/*",)
    ),
    "ec2:TerminateInstances": Row(
        resources=("arn:{partition}:ec2:*:{account}:instance/*",), tagged=("arn:{partition}:ec2:*:{account}:instance/*",)
    ),
    "ecr:DescribeImages": Row(
        resources=("arn:{partition}:ecr:*:*:repository/*",), tagged=("arn:{partition}:ecr:*:*:repository/*",)
    ),
    "ecs:CreateService": Row(
        resources=("arn:{partition}:ecs:*:{account}:service/*",),
        tagged=("arn:{partition}:ecs:*:{account}:service/*",),
        request_tags=True,
    ),
    "ecs:DescribeClusters": Row(
        resources=("arn:{partition}:ecs:*:{account}:cluster/*",), tagged=("arn:{partition}:ecs:*:{account}:cluster/*",)
    ),
    "ecs:DescribeServices": Row(
        resources=("arn:{partition}:ecs:*:{account}:service/*",), tagged=("arn:{partition}:ecs:*:{account}:service/*",)
    ),
    "ecs:DescribeTaskDefinition": Row(),
    "ecs:DescribeTasks": Row(
        resources=("arn:{partition}:ecs:*:{account}:task/*",), tagged=("arn:{partition}:ecs:*:{account}:task/*",)
    ),
    "ecs:ListTasks": Row(
        resources=("arn:{partition}:ecs:*:{account}:container-instance/*",),
        tagged=("arn:{partition}:ecs:*:{account}:container-instance/*",),
    ),
    "ecs:RegisterTaskDefinition": Row(
        resources=("arn:{partition}:ecs:*:{account}:task-definition/*:*",),
        tagged=("arn:{partition}:ecs:*:{account}:task-definition/*:*",),
        request_tags=True,
    ),
    "ecs:RunTask": Row(
        resources=("arn:{partition}:ecs:*:{account}:task-definition/*:*",),
        tagged=("arn:{partition}:ecs:*:{account}:task-definition/*:*",),
        request_tags=True,
        dependents=("iam:PassRole",),
    ),
    "ecs:StopTask": Row(resources=("arn:{partition}:ecs:*:{account}:task/*",), tagged=("arn:{partition}:ecs:*:{account}:task/*",)),
    "ecs:TagResource": Row(
        resources=(
            "arn:{partition}:ecs:*:{account}:cluster/*",
            "arn:{partition}:ecs:*:{account}:container-instance/*",
            "arn:{partition}:ecs:*:{account}:service/*",
            "arn:{partition}:ecs:*:{account}:task-definition/*:*",
            "arn:{partition}:ecs:*:{account}:task/*",
        ),
        tagged=(
            "arn:{partition}:ecs:*:{account}:cluster/*",
            "arn:{partition}:ecs:*:{account}:container-instance/*",
            "arn:{partition}:ecs:*:{account}:service/*",
            "arn:{partition}:ecs:*:{account}:task-definition/*:*",
            "arn:{partition}:ecs:*:{account}:task/*",
        ),
        request_tags=True,
    ),
    "ecs:UpdateService": Row(
        resources=("arn:{partition}:ecs:*:{account}:service/*",), tagged=("arn:{partition}:ecs:*:{account}:service/*",)
    ),
    "elasticache:AddTagsToResource": Row(
        resources=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:parametergroup:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:securitygroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
            "arn:{partition}:elasticache:*:{account}:subnetgroup:*",
        ),
        tagged=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:parametergroup:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:securitygroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
            "arn:{partition}:elasticache:*:{account}:subnetgroup:*",
        ),
        request_tags=True,
    ),
    "elasticache:CreateGlobalReplicationGroup": Row(
        resources=(
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache::{account}:globalreplicationgroup:*",
        ),
        tagged=("arn:{partition}:elasticache:*:{account}:replicationgroup:*",),
    ),
    "elasticache:CreateReplicationGroup": Row(
        resources=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:parametergroup:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:securitygroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
            "arn:{partition}:elasticache:*:{account}:subnetgroup:*",
            "arn:{partition}:elasticache::{account}:globalreplicationgroup:*",
        ),
        tagged=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:parametergroup:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:securitygroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
            "arn:{partition}:elasticache:*:{account}:subnetgroup:*",
        ),
        request_tags=True,
        dependents=(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "elasticache:AddTagsToResource",
            "s3:GetObject",
        ),
    ),
    "elasticache:CreateSnapshot": Row(
        resources=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
        ),
        tagged=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
        ),
        request_tags=True,
        dependents=("elasticache:AddTagsToResource", "s3:DeleteObject", "s3:GetBucketAcl", "s3:PutObject"),
    ),
    "elasticache:DeleteReplicationGroup": Row(
        resources=(
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
        ),
        tagged=("arn:{partition}:elasticache:*:{account}:replicationgroup:*", "arn:{partition}:elasticache:*:{account}:snapshot:*"),
        dependents=(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
    ),
    "elasticache:DeleteSnapshot": Row(
        resources=("arn:{partition}:elasticache:*:{account}:snapshot:*",),
        tagged=("arn:{partition}:elasticache:*:{account}:snapshot:*",),
    ),
    "elasticache:DescribeCacheClusters": Row(
        resources=("arn:{partition}:elasticache:*:{account}:cluster:*",),
        tagged=("arn:{partition}:elasticache:*:{account}:cluster:*",),
    ),
    "elasticache:DescribeCacheSubnetGroups": Row(
        resources=("arn:{partition}:elasticache:*:{account}:subnetgroup:*",),
        tagged=("arn:{partition}:elasticache:*:{account}:subnetgroup:*",),
    ),
    "elasticache:DescribeGlobalReplicationGroups": Row(
        resources=("arn:{partition}:elasticache::{account}:globalreplicationgroup:*",)
    ),
    "elasticache:DescribeReplicationGroups": Row(
        resources=("arn:{partition}:elasticache:*:{account}:replicationgroup:*",),
        tagged=("arn:{partition}:elasticache:*:{account}:replicationgroup:*",),
    ),
    "elasticache:DescribeSnapshots": Row(
        resources=("arn:{partition}:elasticache:*:{account}:snapshot:*",),
        tagged=("arn:{partition}:elasticache:*:{account}:snapshot:*",),
    ),
    "elasticache:DisassociateGlobalReplicationGroup": Row(
        resources=("arn:{partition}:elasticache::{account}:globalreplicationgroup:*",)
    ),
    "elasticache:FailoverGlobalReplicationGroup": Row(
        resources=("arn:{partition}:elasticache::{account}:globalreplicationgroup:*",)
    ),
    "elasticache:ListTagsForResource": Row(
        resources=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:parametergroup:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:securitygroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
            "arn:{partition}:elasticache:*:{account}:subnetgroup:*",
        ),
        tagged=(
            "arn:{partition}:elasticache:*:{account}:cluster:*",
            "arn:{partition}:elasticache:*:{account}:parametergroup:*",
            "arn:{partition}:elasticache:*:{account}:replicationgroup:*",
            "arn:{partition}:elasticache:*:{account}:securitygroup:*",
            "arn:{partition}:elasticache:*:{account}:snapshot:*",
            "arn:{partition}:elasticache:*:{account}:subnetgroup:*",
        ),
    ),
    "elasticfilesystem:CreateMountTarget": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:CreateReplicationConfiguration": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DeleteFileSystem": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DeleteFileSystemPolicy": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DeleteMountTarget": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DeleteReplicationConfiguration": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DescribeBackupPolicy": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DescribeFileSystemPolicy": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DescribeFileSystems": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DescribeMountTargets": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:DescribeReplicationConfigurations": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:PutBackupPolicy": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:PutFileSystemPolicy": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:TagResource": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        request_tags=True,
    ),
    "elasticfilesystem:UpdateFileSystem": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticfilesystem:UpdateFileSystemProtection": Row(
        resources=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
        tagged=("arn:{partition}:elasticfilesystem:*:{account}:file-system/*",),
    ),
    "elasticloadbalancing:DescribeTargetHealth": Row(),
    "es:AddReplicationPeer": Row(resources=("arn:{partition}:es:*:{account}:domain/*",)),
    "es:AddTags": Row(
        resources=("arn:{partition}:es:*:{account}:domain/*",),
        tagged=("arn:{partition}:es:*:{account}:domain/*",),
        request_tags=True,
    ),
    "es:CreateDomain": Row(
        resources=("arn:{partition}:es:*:{account}:domain/*",),
        tagged=("arn:{partition}:es:*:{account}:domain/*",),
        request_tags=True,
    ),
    "es:DeleteDomain": Row(
        resources=("arn:{partition}:es:*:{account}:domain/*",), tagged=("arn:{partition}:es:*:{account}:domain/*",)
    ),
    "es:DescribeDomainHealth": Row(
        resources=("arn:{partition}:es:*:{account}:domain/*",), tagged=("arn:{partition}:es:*:{account}:domain/*",)
    ),
    "es:DescribeDomainReplication": Row(resources=("arn:{partition}:es:*:{account}:domain/*",)),
    "es:DescribeDomains": Row(
        resources=("arn:{partition}:es:*:{account}:domain/*",), tagged=("arn:{partition}:es:*:{account}:domain/*",)
    ),
    "es:FailoverReplication": Row(resources=("arn:{partition}:es:*:{account}:domain/*",)),
    "es:ListTags": Row(resources=("arn:{partition}:es:*:{account}:domain/*",), tagged=("arn:{partition}:es:*:{account}:domain/*",)),
    "es:RemoveReplicationPeer": Row(resources=("arn:{partition}:es:*:{account}:domain/*",)),
    "es:SwitchoverReplication": Row(resources=("arn:{partition}:es:*:{account}:domain/*",)),
    "es:UpdateDomainConfig": Row(
        resources=("arn:{partition}:es:*:{account}:domain/*",), tagged=("arn:{partition}:es:*:{account}:domain/*",)
    ),
    "events:DeleteRule": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:DescribeEndpoint": Row(resources=("arn:{partition}:events:*:{account}:endpoint/*",)),
    "events:DescribeEventBus": Row(
        resources=("arn:{partition}:events:*:{account}:event-bus/*",), tagged=("arn:{partition}:events:*:{account}:event-bus/*",)
    ),
    "events:DescribeRule": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:DisableRule": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:EnableRule": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:ListTagsForResource": Row(
        resources=("arn:{partition}:events:*:{account}:event-bus/*", "arn:{partition}:events:*:{account}:rule/*"),
        tagged=("arn:{partition}:events:*:{account}:event-bus/*", "arn:{partition}:events:*:{account}:rule/*"),
    ),
    "events:ListTargetsByRule": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:PutRule": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",),
        tagged=("arn:{partition}:events:*:{account}:rule/*",),
        request_tags=True,
    ),
    "events:PutTargets": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:RemoveTargets": Row(
        resources=("arn:{partition}:events:*:{account}:rule/*",), tagged=("arn:{partition}:events:*:{account}:rule/*",)
    ),
    "events:TagResource": Row(
        resources=("arn:{partition}:events:*:{account}:event-bus/*", "arn:{partition}:events:*:{account}:rule/*"),
        tagged=("arn:{partition}:events:*:{account}:event-bus/*", "arn:{partition}:events:*:{account}:rule/*"),
        request_tags=True,
    ),
    "fsx:CopyBackup": Row(
        resources=("arn:{partition}:fsx:*:{account}:backup/*",),
        tagged=("arn:{partition}:fsx:*:{account}:backup/*",),
        request_tags=True,
        dependents=("fsx:TagResource",),
    ),
    "fsx:CreateBackup": Row(
        resources=(
            "arn:{partition}:fsx:*:{account}:backup/*",
            "arn:{partition}:fsx:*:{account}:file-system/*",
            "arn:{partition}:fsx:*:{account}:volume/*",
        ),
        tagged=(
            "arn:{partition}:fsx:*:{account}:backup/*",
            "arn:{partition}:fsx:*:{account}:file-system/*",
            "arn:{partition}:fsx:*:{account}:volume/*",
        ),
        request_tags=True,
        dependents=("fsx:TagResource",),
    ),
    "fsx:CreateFileSystemFromBackup": Row(
        resources=("arn:{partition}:fsx:*:{account}:backup/*", "arn:{partition}:fsx:*:{account}:file-system/*"),
        tagged=("arn:{partition}:fsx:*:{account}:backup/*", "arn:{partition}:fsx:*:{account}:file-system/*"),
        request_tags=True,
        dependents=("ec2:GetSecurityGroupsForVpc", "fsx:TagResource"),
    ),
    "fsx:DeleteFileSystem": Row(
        resources=("arn:{partition}:fsx:*:{account}:backup/*", "arn:{partition}:fsx:*:{account}:file-system/*"),
        tagged=("arn:{partition}:fsx:*:{account}:backup/*", "arn:{partition}:fsx:*:{account}:file-system/*"),
        request_tags=True,
        dependents=("fsx:CreateBackup", "fsx:TagResource"),
    ),
    "fsx:DescribeBackups": Row(),
    "fsx:DescribeFileSystems": Row(),
    "fsx:TagResource": Row(
        resources=(
            "arn:{partition}:fsx:*:{account}:backup/*",
            "arn:{partition}:fsx:*:{account}:file-system/*",
            "arn:{partition}:fsx:*:{account}:volume/*",
        ),
        tagged=(
            "arn:{partition}:fsx:*:{account}:backup/*",
            "arn:{partition}:fsx:*:{account}:file-system/*",
            "arn:{partition}:fsx:*:{account}:volume/*",
        ),
        request_tags=True,
    ),
    "fsx:UntagResource": Row(
        resources=(
            "arn:{partition}:fsx:*:{account}:backup/*",
            "arn:{partition}:fsx:*:{account}:file-system/*",
            "arn:{partition}:fsx:*:{account}:volume/*",
        ),
        tagged=(
            "arn:{partition}:fsx:*:{account}:backup/*",
            "arn:{partition}:fsx:*:{account}:file-system/*",
            "arn:{partition}:fsx:*:{account}:volume/*",
        ),
    ),
    "iam:SimulatePrincipalPolicy": Row(
        resources=("arn:{partition}:iam::{account}:role/*",), tagged=("arn:{partition}:iam::{account}:role/*",)
    ),
    "lambda:AddPermission": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:CreateAlias": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:CreateEventSourceMapping": Row(request_tags=True),
    "lambda:CreateFunction": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",),
        tagged=("arn:{partition}:lambda:*:{account}:function:*",),
        request_tags=True,
        dependents=("iam:PassRole",),
    ),
    "lambda:DeleteFunction": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:DeleteFunctionConcurrency": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:DeleteProvisionedConcurrencyConfig": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*:*",)
    ),
    "lambda:GetAccountSettings": Row(),
    "lambda:GetFunction": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:GetFunctionConcurrency": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:GetFunctionConfiguration": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:GetPolicy": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:InvokeFunction": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:ListAliases": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:ListEventSourceMappings": Row(),
    "lambda:ListProvisionedConcurrencyConfigs": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:ListVersionsByFunction": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:PublishVersion": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:PutFunctionConcurrency": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:PutProvisionedConcurrencyConfig": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*:*",)
    ),
    "lambda:TagResource": Row(
        resources=(
            "arn:{partition}:lambda:*:{account}:code-signing-config:*",
            "arn:{partition}:lambda:*:{account}:event-source-mapping:*",
            "arn:{partition}:lambda:*:{account}:function:*",
        ),
        tagged=(
            "arn:{partition}:lambda:*:{account}:code-signing-config:*",
            "arn:{partition}:lambda:*:{account}:event-source-mapping:*",
            "arn:{partition}:lambda:*:{account}:function:*",
        ),
        request_tags=True,
    ),
    "lambda:UpdateAlias": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:UpdateEventSourceMapping": Row(
        resources=("arn:{partition}:lambda:*:{account}:event-source-mapping:*",),
        tagged=("arn:{partition}:lambda:*:{account}:event-source-mapping:*",),
    ),
    "lambda:UpdateFunctionCode": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "lambda:UpdateFunctionConfiguration": Row(
        resources=("arn:{partition}:lambda:*:{account}:function:*",), tagged=("arn:{partition}:lambda:*:{account}:function:*",)
    ),
    "memorydb:CreateCluster": Row(
        resources=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        tagged=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        request_tags=True,
        dependents=(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "memorydb:TagResource",
            "s3:GetObject",
        ),
    ),
    "memorydb:CreateSnapshot": Row(
        resources=("arn:{partition}:memorydb:*:{account}:cluster/*",),
        tagged=("arn:{partition}:memorydb:*:{account}:cluster/*",),
        request_tags=True,
        dependents=("memorydb:TagResource", "s3:DeleteObject", "s3:GetBucketAcl", "s3:PutObject"),
    ),
    "memorydb:DeleteCluster": Row(
        resources=(
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        tagged=(
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        dependents=(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
    ),
    "memorydb:DeleteSnapshot": Row(
        resources=("arn:{partition}:memorydb:*:{account}:snapshot/*",), tagged=("arn:{partition}:memorydb:*:{account}:snapshot/*",)
    ),
    "memorydb:DescribeACLs": Row(
        resources=("arn:{partition}:memorydb:*:{account}:acl/*",), tagged=("arn:{partition}:memorydb:*:{account}:acl/*",)
    ),
    "memorydb:DescribeClusters": Row(
        resources=("arn:{partition}:memorydb:*:{account}:cluster/*",), tagged=("arn:{partition}:memorydb:*:{account}:cluster/*",)
    ),
    "memorydb:DescribeMultiRegionClusters": Row(
        resources=("arn:{partition}:memorydb::{account}:multiregioncluster/*",),
        tagged=("arn:{partition}:memorydb::{account}:multiregioncluster/*",),
    ),
    "memorydb:DescribeSnapshots": Row(
        resources=("arn:{partition}:memorydb:*:{account}:snapshot/*",), tagged=("arn:{partition}:memorydb:*:{account}:snapshot/*",)
    ),
    "memorydb:DescribeSubnetGroups": Row(
        resources=("arn:{partition}:memorydb:*:{account}:subnetgroup/*",),
        tagged=("arn:{partition}:memorydb:*:{account}:subnetgroup/*",),
    ),
    "memorydb:ListTags": Row(
        resources=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        tagged=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
    ),
    "memorydb:TagResource": Row(
        resources=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        tagged=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        request_tags=True,
    ),
    "memorydb:UntagResource": Row(
        resources=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
        tagged=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
            "arn:{partition}:memorydb:*:{account}:snapshot/*",
            "arn:{partition}:memorydb:*:{account}:subnetgroup/*",
            "arn:{partition}:memorydb::{account}:multiregioncluster/*",
        ),
    ),
    "memorydb:UpdateCluster": Row(
        resources=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
        ),
        tagged=(
            "arn:{partition}:memorydb:*:{account}:acl/*",
            "arn:{partition}:memorydb:*:{account}:cluster/*",
            "arn:{partition}:memorydb:*:{account}:parametergroup/*",
        ),
        dependents=(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
    ),
    "rds:AddTagsToResource": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
    ),
    "rds:CopyDBClusterSnapshot": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster-snapshot:*",),
        tagged=("arn:{partition}:rds:*:{account}:cluster-snapshot:*",),
        request_tags=True,
        dependents=("rds:AddTagsToResource",),
    ),
    "rds:CreateDBCluster": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
            "arn:{partition}:rds::{account}:global-cluster:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
        dependents=(
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:GenerateDataKey",
            "rds:AddTagsToResource",
            "rds:CreateDBInstance",
            "secretsmanager:CreateSecret",
            "secretsmanager:TagResource",
        ),
    ),
    "rds:CreateDBClusterSnapshot": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster-snapshot:*", "arn:{partition}:rds:*:{account}:cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster-snapshot:*", "arn:{partition}:rds:*:{account}:cluster:*"),
        request_tags=True,
        dependents=("rds:AddTagsToResource",),
    ),
    "rds:CreateDBInstance": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
        dependents=(
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:GenerateDataKey",
            "rds:AddTagsToResource",
            "secretsmanager:CreateSecret",
            "secretsmanager:TagResource",
        ),
    ),
    "rds:CreateDBInstanceReadReplica": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
        dependents=("iam:PassRole", "rds:AddTagsToResource"),
    ),
    "rds:CreateDBSnapshot": Row(
        resources=("arn:{partition}:rds:*:{account}:db:*", "arn:{partition}:rds:*:{account}:snapshot:*"),
        tagged=("arn:{partition}:rds:*:{account}:db:*", "arn:{partition}:rds:*:{account}:snapshot:*"),
        request_tags=True,
        dependents=("rds:AddTagsToResource",),
    ),
    "rds:CreateGlobalCluster": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster:*", "arn:{partition}:rds::{account}:global-cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster:*",),
    ),
    "rds:DeleteDBCluster": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster-snapshot:*", "arn:{partition}:rds:*:{account}:cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster-snapshot:*", "arn:{partition}:rds:*:{account}:cluster:*"),
        dependents=("rds:AddTagsToResource", "rds:CreateDBClusterSnapshot", "rds:DeleteDBInstance"),
    ),
    "rds:DeleteDBClusterSnapshot": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster-snapshot:*",),
        tagged=("arn:{partition}:rds:*:{account}:cluster-snapshot:*",),
    ),
    "rds:DeleteDBInstance": Row(
        resources=("arn:{partition}:rds:*:{account}:db:*",),
        tagged=("arn:{partition}:rds:*:{account}:db:*",),
        dependents=("rds:AddTagsToResource", "rds:CreateDBSnapshot"),
    ),
    "rds:DeleteDBSnapshot": Row(
        resources=("arn:{partition}:rds:*:{account}:snapshot:*",), tagged=("arn:{partition}:rds:*:{account}:snapshot:*",)
    ),
    "rds:DescribeDBClusterSnapshots": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster-snapshot:*", "arn:{partition}:rds:*:{account}:cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster-snapshot:*", "arn:{partition}:rds:*:{account}:cluster:*"),
    ),
    "rds:DescribeDBClusters": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster:*",), tagged=("arn:{partition}:rds:*:{account}:cluster:*",)
    ),
    "rds:DescribeDBInstances": Row(
        resources=("arn:{partition}:rds:*:{account}:db:*",), tagged=("arn:{partition}:rds:*:{account}:db:*",)
    ),
    "rds:DescribeDBSnapshots": Row(
        resources=("arn:{partition}:rds:*:{account}:db:*", "arn:{partition}:rds:*:{account}:snapshot:*"),
        tagged=("arn:{partition}:rds:*:{account}:db:*", "arn:{partition}:rds:*:{account}:snapshot:*"),
    ),
    "rds:DescribeDBSubnetGroups": Row(
        resources=("arn:{partition}:rds:*:{account}:subgrp:*",), tagged=("arn:{partition}:rds:*:{account}:subgrp:*",)
    ),
    "rds:DescribeGlobalClusters": Row(resources=("arn:{partition}:rds::{account}:global-cluster:*",)),
    "rds:FailoverGlobalCluster": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster:*", "arn:{partition}:rds::{account}:global-cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster:*",),
    ),
    "rds:ModifyDBCluster": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
        ),
        dependents=(
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:GenerateDataKey",
            "rds:ModifyDBInstance",
            "secretsmanager:CreateSecret",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
        ),
    ),
    "rds:ModifyDBInstance": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        dependents=(
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:GenerateDataKey",
            "rds:AddTagsToResource",
            "secretsmanager:CreateSecret",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
        ),
    ),
    "rds:PromoteReadReplica": Row(
        resources=("arn:{partition}:rds:*:{account}:db:*",), tagged=("arn:{partition}:rds:*:{account}:db:*",)
    ),
    "rds:PromoteReadReplicaDBCluster": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster:*",), tagged=("arn:{partition}:rds:*:{account}:cluster:*",)
    ),
    "rds:RemoveFromGlobalCluster": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster:*", "arn:{partition}:rds::{account}:global-cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster:*",),
    ),
    "rds:RemoveTagsFromResource": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:secgrp:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
    ),
    "rds:RestoreDBClusterFromSnapshot": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster-pg:*",
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:cluster:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
        dependents=("iam:PassRole", "rds:AddTagsToResource", "rds:CreateDBInstance"),
    ),
    "rds:RestoreDBInstanceFromDBSnapshot": Row(
        resources=(
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        tagged=(
            "arn:{partition}:rds:*:{account}:cluster-snapshot:*",
            "arn:{partition}:rds:*:{account}:db:*",
            "arn:{partition}:rds:*:{account}:og:*",
            "arn:{partition}:rds:*:{account}:pg:*",
            "arn:{partition}:rds:*:{account}:snapshot:*",
            "arn:{partition}:rds:*:{account}:subgrp:*",
        ),
        request_tags=True,
        dependents=("iam:PassRole", "rds:AddTagsToResource"),
    ),
    "rds:SwitchoverGlobalCluster": Row(
        resources=("arn:{partition}:rds:*:{account}:cluster:*", "arn:{partition}:rds::{account}:global-cluster:*"),
        tagged=("arn:{partition}:rds:*:{account}:cluster:*",),
    ),
    "resource-explorer-2:ListResources": Row(resources=("arn:{partition}:resource-explorer-2:*:{account}:view/*",)),
    "resource-explorer-2:Search": Row(
        resources=("arn:{partition}:resource-explorer-2:*:{account}:view/*",),
        tagged=("arn:{partition}:resource-explorer-2:*:{account}:view/*",),
    ),
    "route53-recovery-cluster:GetRoutingControlState": Row(
        resources=("arn:{partition}:route53-recovery-control::{account}:controlpanel/*/routingcontrol/*",)
    ),
    "route53-recovery-cluster:UpdateRoutingControlStates": Row(
        resources=("arn:{partition}:route53-recovery-control::{account}:controlpanel/*/routingcontrol/*",)
    ),
    "route53:ChangeResourceRecordSets": Row(resources=("arn:{partition}:route53:::hostedzone/*",)),
    "route53:GetChange": Row(resources=("arn:{partition}:route53:::change/*",)),
    "route53:ListHostedZonesByName": Row(),
    "route53:ListResourceRecordSets": Row(resources=("arn:{partition}:route53:::hostedzone/*",)),
    "servicequotas:ListServiceQuotas": Row(
        dependents=(
            "autoscaling:DescribeAccountLimits",
            "cloudformation:DescribeAccountLimits",
            "dynamodb:DescribeLimits",
            "elasticloadbalancing:DescribeAccountLimits",
            "iam:GetAccountSummary",
            "kinesis:DescribeLimits",
            "rds:DescribeAccountAttributes",
            "route53:GetAccountLimit",
        )
    ),
    "sns:GetTopicAttributes": Row(resources=("arn:{partition}:sns:*:{account}:*",), tagged=("arn:{partition}:sns:*:{account}:*",)),
    "sqs:GetQueueUrl": Row(resources=("arn:{partition}:sqs:*:{account}:*",), tagged=("arn:{partition}:sqs:*:{account}:*",)),
    "states:DescribeStateMachine": Row(
        resources=("arn:{partition}:states:*:{account}:stateMachine:*",),
        tagged=("arn:{partition}:states:*:{account}:stateMachine:*",),
    ),
    "tag:GetResources": Row(),
}
