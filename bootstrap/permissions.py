"""Which actions of AWS's the providers call, for each type of resource and each function.

The emulator's calls, which a test records, are the least. The real providers read more, above all
what they compare with a setting's default. Sources, for those: the permissions of AWS's own
handlers (`handlers` in the CloudFormation schema of a type, such as
https://github.com/pulumi/pulumi-aws-native/blob/master/aws-cloudformation-schema/aws-ec2-vpc.json),
and, for the Terraform provider that Pulumi's is made of, its code
(https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service) and
https://github.com/JamesWoolfenden/pike/tree/master/src/mapping/aws/resource.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple


class Calls(NamedTuple):
    """Actions, separated by spaces; the service of the first counts for those without one."""

    read: str = ""
    """To look whether it is as recorded: refresh, drift."""
    write: str = ""
    """To make, change and remove it."""
    plan: str = ""
    """To tell what a change of it would do."""


_RULE = Calls(
    "ec2:DescribeSecurityGroupRules DescribeSecurityGroups",
    "ec2:AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress"
    " RevokeSecurityGroupEgress ModifySecurityGroupRules",
)

RESOURCES: Mapping[str, Calls] = {
    "aws:ec2/vpc:Vpc": Calls(
        "ec2:DescribeVpcs DescribeVpcAttribute DescribeNetworkAcls DescribeRouteTables"
        " DescribeSecurityGroups",
        "ec2:CreateVpc DeleteVpc ModifyVpcAttribute AssociateVpcCidrBlock",
    ),
    "aws:ec2/subnet:Subnet": Calls(
        "ec2:DescribeSubnets DescribeNetworkInterfaces",
        "ec2:CreateSubnet DeleteSubnet ModifySubnetAttribute AssociateSubnetCidrBlock",
    ),
    "aws:ec2/internetGateway:InternetGateway": Calls(
        "ec2:DescribeInternetGateways",
        "ec2:CreateInternetGateway DeleteInternetGateway AttachInternetGateway"
        " DetachInternetGateway",
    ),
    "aws:ec2/routeTable:RouteTable": Calls(
        "ec2:DescribeRouteTables", "ec2:CreateRouteTable DeleteRouteTable"
    ),
    "aws:ec2/route:Route": Calls(
        "ec2:DescribeRouteTables", "ec2:CreateRoute ReplaceRoute DeleteRoute"
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Calls(
        "ec2:DescribeRouteTables",
        "ec2:AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation",
    ),
    "aws:ec2/eip:Eip": Calls(
        "ec2:DescribeAddresses DescribeAddressesAttribute",
        "ec2:AllocateAddress ReleaseAddress DisassociateAddress",
    ),
    "aws:ec2/natGateway:NatGateway": Calls(
        "ec2:DescribeNatGateways", "ec2:CreateNatGateway DeleteNatGateway"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Calls(
        "ec2:DescribeVpcEndpoints DescribePrefixLists",
        "ec2:CreateVpcEndpoint ModifyVpcEndpoint DeleteVpcEndpoints",
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _RULE,
    "aws:ec2/securityGroup:SecurityGroup": Calls(
        "ec2:DescribeSecurityGroups DescribeNetworkInterfaces",
        "ec2:CreateSecurityGroup DeleteSecurityGroup RevokeSecurityGroupEgress",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _RULE,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _RULE,
    "aws:ec2/networkAcl:NetworkAcl": Calls(
        "ec2:DescribeNetworkAcls",
        "ec2:CreateNetworkAcl DeleteNetworkAcl CreateNetworkAclEntry DeleteNetworkAclEntry"
        " ReplaceNetworkAclAssociation",
    ),
    "aws:ec2/flowLog:FlowLog": Calls(
        "ec2:DescribeFlowLogs", "ec2:CreateFlowLogs DeleteFlowLogs iam:PassRole"
    ),
    "aws:ec2/instance:Instance": Calls(
        "ec2:DescribeInstances DescribeInstanceAttribute DescribeInstanceTypes DescribeImages"
        " DescribeInstanceCreditSpecifications DescribeIamInstanceProfileAssociations DescribeTags"
        " DescribeVolumes DescribeVolumesModifications DescribeNetworkInterfaces",
        "ec2:RunInstances TerminateInstances StopInstances StartInstances ModifyInstanceAttribute"
        " ModifyInstanceMetadataOptions ModifyNetworkInterfaceAttribute ModifyVolume"
        " AssociateIamInstanceProfile DisassociateIamInstanceProfile"
        " ReplaceIamInstanceProfileAssociation iam:PassRole",
        # Another type: whether its architecture is another one, which replaces the host.
        "ec2:DescribeInstanceTypes",
    ),
    "aws:ebs/volume:Volume": Calls(
        "ec2:DescribeVolumes DescribeVolumesModifications",
        "ec2:CreateVolume DeleteVolume ModifyVolume",
    ),
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": Calls(
        "dlm:GetLifecyclePolicy ListTagsForResource",
        "dlm:CreateLifecyclePolicy UpdateLifecyclePolicy DeleteLifecyclePolicy TagResource"
        " UntagResource iam:PassRole",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Calls(
        "ec2:DescribeLaunchTemplates DescribeLaunchTemplateVersions",
        "ec2:CreateLaunchTemplate CreateLaunchTemplateVersion ModifyLaunchTemplate"
        " DeleteLaunchTemplate iam:PassRole",
    ),
    # The first group of an account makes the service's own role. A group launches with the
    # caller's rights when it is made or changed, and looks for the image then. Source:
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
    "aws:autoscaling/group:Group": Calls(
        "autoscaling:DescribeAutoScalingGroups DescribeScalingActivities DescribeWarmPool"
        " DescribeTags DescribeInstanceRefreshes",
        "autoscaling:CreateAutoScalingGroup UpdateAutoScalingGroup DeleteAutoScalingGroup"
        " CreateOrUpdateTags DeleteTags StartInstanceRefresh CancelInstanceRefresh"
        " SetInstanceProtection ec2:RunInstances DescribeSubnets DescribeImages ssm:GetParameters"
        " iam:PassRole CreateServiceLinkedRole",
    ),
    "aws:ecs/capacityProvider:CapacityProvider": Calls(
        "ecs:DescribeCapacityProviders ListTagsForResource",
        "ecs:CreateCapacityProvider UpdateCapacityProvider DeleteCapacityProvider TagResource"
        " UntagResource autoscaling:CreateOrUpdateTags",
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Calls(
        "ecs:DescribeClusters", "ecs:PutClusterCapacityProviders"
    ),
    "aws:iam/user:User": Calls(
        "iam:GetUser ListGroupsForUser",
        "iam:CreateUser DeleteUser UpdateUser TagUser UntagUser",
    ),
    "aws:iam/userPolicy:UserPolicy": Calls(
        "iam:GetUserPolicy", "iam:PutUserPolicy DeleteUserPolicy"
    ),
    "aws:iam/accessKey:AccessKey": Calls(
        "iam:ListAccessKeys", "iam:CreateAccessKey UpdateAccessKey DeleteAccessKey"
    ),
    "aws:iam/role:Role": Calls(
        "iam:GetRole ListRolePolicies ListAttachedRolePolicies",
        "iam:CreateRole DeleteRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy TagRole"
        " UntagRole ListInstanceProfilesForRole",
    ),
    "aws:iam/rolePolicy:RolePolicy": Calls(
        "iam:GetRolePolicy", "iam:PutRolePolicy DeleteRolePolicy"
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Calls(
        "iam:ListAttachedRolePolicies", "iam:AttachRolePolicy DetachRolePolicy"
    ),
    "aws:iam/instanceProfile:InstanceProfile": Calls(
        "iam:GetInstanceProfile GetRole",
        "iam:CreateInstanceProfile DeleteInstanceProfile AddRoleToInstanceProfile"
        " RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile PassRole",
    ),
    "aws:secretsmanager/secret:Secret": Calls(
        "secretsmanager:DescribeSecret GetResourcePolicy",
        "secretsmanager:CreateSecret DeleteSecret UpdateSecret TagResource UntagResource",
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Calls(
        "secretsmanager:GetSecretValue DescribeSecret ListSecretVersionIds",
        "secretsmanager:PutSecretValue UpdateSecretVersionStage",
    ),
    "aws:cloudwatch/logGroup:LogGroup": Calls(
        "logs:DescribeLogGroups ListTagsForResource",
        "logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy TagResource"
        " UntagResource",
    ),
    "aws:ecr/repository:Repository": Calls(
        "ecr:DescribeRepositories ListTagsForResource",
        "ecr:CreateRepository DeleteRepository PutImageTagMutability PutImageScanningConfiguration"
        " TagResource UntagResource",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Calls(
        "ecr:GetLifecyclePolicy", "ecr:PutLifecyclePolicy DeleteLifecyclePolicy"
    ),
    # A push, as in https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
    "docker:index/image:Image": Calls(
        "ecr:BatchGetImage",
        "ecr:BatchCheckLayerAvailability InitiateLayerUpload UploadLayerPart CompleteLayerUpload"
        " PutImage GetDownloadUrlForLayer",
    ),
    # The first cluster of an account makes ECS's own role, see
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    "aws:ecs/cluster:Cluster": Calls(
        "ecs:DescribeClusters ListTagsForResource",
        "ecs:CreateCluster DeleteCluster UpdateCluster TagResource UntagResource"
        " iam:CreateServiceLinkedRole",
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Calls(
        "ecs:DescribeTaskDefinition ListTagsForResource",
        "ecs:RegisterTaskDefinition DeregisterTaskDefinition TagResource UntagResource"
        " iam:PassRole",
    ),
    "aws:ecs/service:Service": Calls(
        "ecs:DescribeServices ListTagsForResource",
        "ecs:CreateService UpdateService DeleteService TagResource UntagResource"
        " ListServiceDeployments DescribeServiceDeployments",
    ),
    "aws:ecs/tag:Tag": Calls("ecs:ListTagsForResource", "ecs:TagResource UntagResource"),
    # The first scalable target of an account makes the service's own role for ECS. A policy has
    # alarms, which are made with the caller's rights. Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/auto-scaling-IAM.html
    "aws:appautoscaling/target:Target": Calls(
        "application-autoscaling:DescribeScalableTargets ListTagsForResource",
        "application-autoscaling:RegisterScalableTarget DeregisterScalableTarget TagResource"
        " UntagResource ecs:DescribeServices UpdateService iam:CreateServiceLinkedRole",
    ),
    "aws:appautoscaling/policy:Policy": Calls(
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:PutScalingPolicy DeleteScalingPolicy cloudwatch:DescribeAlarms"
        " PutMetricAlarm DeleteAlarms",
    ),
    # A namespace is a hosted zone, too, and Cloud Map acts on it with the caller's rights. Source:
    # https://docs.aws.amazon.com/cloud-map/latest/dg/access-control-managing-permissions.html
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": Calls(
        "servicediscovery:GetNamespace ListTagsForResource",
        "servicediscovery:CreatePrivateDnsNamespace UpdatePrivateDnsNamespace DeleteNamespace"
        " GetOperation TagResource UntagResource ec2:DescribeVpcs DescribeRegions"
        " route53:CreateHostedZone GetHostedZone ListHostedZonesByName DeleteHostedZone"
        " ChangeResourceRecordSets AssociateVPCWithHostedZone",
    ),
    "aws:servicediscovery/service:Service": Calls(
        "servicediscovery:GetService ListTagsForResource",
        "servicediscovery:CreateService UpdateService DeleteService ListInstances"
        " DeregisterInstance GetOperation TagResource UntagResource"
        " route53:GetHostedZone ListHostedZonesByName ChangeResourceRecordSets",
    ),
    "aws:kms/key:Key": Calls(
        "kms:DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
        "kms:CreateKey EnableKey EnableKeyRotation DisableKeyRotation PutKeyPolicy"
        " ScheduleKeyDeletion TagResource UntagResource UpdateKeyDescription",
    ),
    "aws:sns/topic:Topic": Calls(
        "sns:GetTopicAttributes ListTagsForResource",
        "sns:CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource",
    ),
    "aws:sns/topicPolicy:TopicPolicy": Calls("sns:GetTopicAttributes", "sns:SetTopicAttributes"),
    "aws:sns/topicSubscription:TopicSubscription": Calls(
        "sns:GetSubscriptionAttributes", "sns:Subscribe Unsubscribe SetSubscriptionAttributes"
    ),
    "aws:cloudwatch/eventRule:EventRule": Calls(
        "events:DescribeRule ListTagsForResource",
        "events:PutRule DeleteRule EnableRule DisableRule TagResource UntagResource",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Calls(
        "events:ListTargetsByRule", "events:PutTargets RemoveTargets"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Calls(
        "cloudwatch:DescribeAlarms ListTagsForResource",
        "cloudwatch:PutMetricAlarm DeleteAlarms TagResource UntagResource",
    ),
    # The first load balancer of an account makes the service's own role. What it looks at in EC2
    # is in AWS's own policy, without what is for other kinds of load balancers:
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ElasticLoadBalancingFullAccess.html
    "aws:lb/loadBalancer:LoadBalancer": Calls(
        "elasticloadbalancing:DescribeLoadBalancers DescribeLoadBalancerAttributes"
        " DescribeCapacityReservation DescribeTags",
        "elasticloadbalancing:CreateLoadBalancer DeleteLoadBalancer ModifyLoadBalancerAttributes"
        " SetIpAddressType SetSecurityGroups SetSubnets AddTags RemoveTags"
        " ec2:DescribeAccountAttributes DescribeAddresses DescribeInternetGateways"
        " DescribeNetworkInterfaces DescribeRouteTables DescribeSecurityGroups DescribeSubnets"
        " DescribeVpcs GetSecurityGroupsForVpc iam:CreateServiceLinkedRole",
    ),
    "aws:lb/listener:Listener": Calls(
        "elasticloadbalancing:DescribeListeners DescribeListenerAttributes DescribeTags",
        "elasticloadbalancing:CreateListener DeleteListener ModifyListener"
        " ModifyListenerAttributes AddTags RemoveTags",
    ),
    # A rule that authenticates by Cognito: its client is looked at with the caller's rights.
    "aws:lb/listenerRule:ListenerRule": Calls(
        "elasticloadbalancing:DescribeRules DescribeTags",
        "elasticloadbalancing:CreateRule DeleteRule ModifyRule SetRulePriorities AddTags RemoveTags"
        " cognito-idp:DescribeUserPoolClient",
    ),
    "aws:lb/targetGroup:TargetGroup": Calls(
        "elasticloadbalancing:DescribeTargetGroups DescribeTargetGroupAttributes"
        " DescribeTargetHealth DescribeTags",
        "elasticloadbalancing:CreateTargetGroup DeleteTargetGroup ModifyTargetGroup"
        " ModifyTargetGroupAttributes AddTags RemoveTags",
    ),
    "aws:acm/certificate:Certificate": Calls(
        "acm:DescribeCertificate ListTagsForCertificate",
        "acm:RequestCertificate DeleteCertificate UpdateCertificateOptions AddTagsToCertificate"
        " RemoveTagsFromCertificate",
    ),
    "aws:acm/certificateValidation:CertificateValidation": Calls("acm:DescribeCertificate"),
    "aws:route53/record:Record": Calls(
        "route53:GetHostedZone ListResourceRecordSets",
        "route53:ChangeResourceRecordSets GetChange",
    ),
    # It reads the settings, too, that have resources of their own. A bucket with
    # `force_destroy` is emptied first.
    "aws:s3/bucket:Bucket": Calls(
        "s3:ListBucket GetAccelerateConfiguration GetBucketAbac GetBucketAcl GetBucketCORS"
        " GetBucketLocation GetBucketLogging GetBucketObjectLockConfiguration GetBucketPolicy"
        " GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite"
        " GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration"
        " ListTagsForResource",
        "s3:CreateBucket DeleteBucket PutBucketTagging TagResource UntagResource"
        " ListBucketVersions DeleteObject DeleteObjectVersion",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Calls(
        "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Calls(
        "s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Calls(
        "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Calls(
        "s3:GetBucketPolicy", "s3:PutBucketPolicy DeleteBucketPolicy"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Calls(
        "s3:GetBucketVersioning", "s3:PutBucketVersioning"
    ),
    # Of one that is deleted, all versions are. Its tags are written with it.
    "aws:s3/bucketObjectv2:BucketObjectv2": Calls(
        "s3:GetObject GetObjectTagging ListBucket",
        "s3:PutObject PutObjectTagging DeleteObject DeleteObjectVersion ListBucketVersions",
    ),
    # AWS WAF asks the load balancer with the caller's rights. Source:
    # https://docs.aws.amazon.com/waf/latest/developerguide/security_iam_service-with-iam.html
    "aws:wafv2/webAclAssociation:WebAclAssociation": Calls(
        "wafv2:GetWebACL GetWebACLForResource elasticloadbalancing:GetLoadBalancerWebACL",
        "wafv2:AssociateWebACL DisassociateWebACL elasticloadbalancing:CreateWebACLAssociation"
        " DeleteWebACLAssociation SetWebACL",
    ),
    "random:index/randomId:RandomId": Calls(),
    "random:index/randomPassword:RandomPassword": Calls(),
}
"""Pulumi's token of a type -> what its provider calls."""

_TAGS_OF_EC2 = "ec2:CreateTags DeleteTags"
"""Nearly every type of EC2's has tags, and this is how they are set."""

FUNCTIONS: Mapping[str, str] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": "ec2:DescribeAvailabilityZones",
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": (
        "ec2:DescribeInstanceTypeOfferings"
    ),
    "aws:ec2/getInstanceType:getInstanceType": "ec2:DescribeInstanceTypes",
    "aws:ec2/getSubnet:getSubnet": "ec2:DescribeSubnets",
    "aws:ssm/getParameter:getParameter": "ssm:GetParameter",
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": "ecr:GetAuthorizationToken",
    "aws:route53/getZone:getZone": "route53:GetHostedZone ListResourceRecordSets"
    " ListTagsForResource",
    # For a load balancer's identity provider. Drift and Deploy may read secrets by their names;
    # code from a pull request may not, unless an administrator allows it for this secret.
    "aws:secretsmanager/getSecretVersion:getSecretVersion": "",
    # For a cluster and a service that somebody else made, of which this program knows none.
    "aws:ecs/getCluster:getCluster": "",
    "aws:ecs/getService:getService": "",
    # These need no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    "aws:index/getCallerIdentity:getCallerIdentity": "",
    "aws:index/getRegion:getRegion": "",
    "aws:index/getPartition:getPartition": "",
}
"""Token of a function -> what its provider calls."""


def preview() -> set[str]:
    """Actions of a preview: it asks functions, and the provider what a change would do."""
    return {*_actions(FUNCTIONS.values()), *_actions(calls.plan for calls in RESOURCES.values())}


def drift() -> set[str]:
    """Actions of a preview that compares the state with the account first."""
    return preview() | {*_actions(calls.read for calls in RESOURCES.values())}


def deploy() -> set[str]:
    """Actions of `pulumi up` and all that comes after it."""
    written = {*_actions(calls.write for calls in RESOURCES.values()), *_actions([_TAGS_OF_EC2])}
    return drift() | written


def _actions(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        service = ""
        for word in text.split():
            prefix, found, name = word.rpartition(":")
            service = prefix if found else service
            yield f"{service}:{name}"
