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
        "ec2:CreateVpc DeleteVpc ModifyVpcAttribute",
    ),
    "aws:ec2/subnet:Subnet": Calls(
        "ec2:DescribeSubnets DescribeNetworkInterfaces",
        "ec2:CreateSubnet DeleteSubnet ModifySubnetAttribute",
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
    "aws:ssm/getParameter:getParameter": "ssm:GetParameter",
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": "ecr:GetAuthorizationToken",
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
