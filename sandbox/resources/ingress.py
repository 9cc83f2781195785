"""Load balancer, certificate, host names, access logs, web ACL."""

import time
from typing import Any

import jmespath  # type: ignore[import-untyped]

from sandbox.resources.base import Client, Inputs, Step
from sandbox.resources.interpreter import ResourceType
from sandbox.resources.objects import delete_versions

_ISSUED_WITHIN_S = 30

_HEALTH = {
    "path": "HealthCheckPath",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "healthyThreshold": "HealthyThresholdCount",
    "unhealthyThreshold": "UnhealthyThresholdCount",
    "matcher": "Matcher.HttpCode",
}
"""Of a target group's health check: property -> where the API has it."""

_OPTIONS = """DomainValidationOptions[].{
    domainName: DomainName,
    resourceRecordName: ResourceRecord.Name,
    resourceRecordType: ResourceRecord.Type,
    resourceRecordValue: ResourceRecord.Value
}"""


def _scheme(_elb: Client, given: Inputs) -> Inputs:
    return {"Scheme": "internal" if given.get("internal") else "internet-facing"}


def _set_balancer(elb: Client, balancer: str, _before: Inputs, after: Inputs) -> None:
    logs = after.get("accessLogs") or {}
    attributes = {
        "access_logs.s3.enabled": logs.get("enabled"),
        "access_logs.s3.bucket": logs.get("bucket"),
        "routing.http.drop_invalid_header_fields.enabled": after.get("dropInvalidHeaderFields"),
        "idle_timeout.timeout_seconds": after.get("idleTimeout"),
        "deletion_protection.enabled": after.get("enableDeletionProtection"),
    }
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=_pairs(attributes))


def _health(_elb: Client, given: Inputs) -> Inputs:
    check = dict(given.get("healthCheck") or {})
    matcher = {"Matcher": {"HttpCode": check.pop("matcher")}} if "matcher" in check else {}
    return {_HEALTH[name]: value for name, value in check.items()} | matcher


def _set_group(elb: Client, group: str, before: Inputs, after: Inputs) -> None:
    if before:
        elb.modify_target_group(TargetGroupArn=group, **_health(elb, after))
    sticky = after.get("stickiness") or {}
    attributes = {
        "deregistration_delay.timeout_seconds": after.get("deregistrationDelay", 300),
        "stickiness.enabled": sticky.get("enabled", True) if sticky else None,
        "stickiness.type": sticky.get("type"),
        "stickiness.lb_cookie.duration_seconds": sticky.get("cookieDuration"),
    }
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=_pairs(attributes))


def _pairs(attributes: Inputs) -> list[dict[str, str]]:
    return [
        {"Key": key, "Value": str(value).lower() if isinstance(value, bool) else str(value)}
        for key, value in attributes.items()
        if value is not None
    ]


def _read_listener(elb: Client, listener: str, _state: Inputs) -> Inputs:
    found: Inputs = elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]
    return found


def _read_rule(elb: Client, rule: str, _state: Inputs) -> Inputs:
    found: Inputs = elb.describe_rules(RuleArns=[rule])["Rules"][0]
    return found


def _set_priority(elb: Client, rule: str, before: Inputs, after: Inputs) -> None:
    if before:
        wanted = {"RuleArn": rule, "Priority": after["priority"]}
        elb.set_rule_priorities(RulePriorities=[wanted])


def _validation_options(acm: Client, arn: str, before: Inputs, _after: Inputs) -> Inputs:
    if before:
        return {}
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    return {"domainValidationOptions": jmespath.search(_OPTIONS, found)}


def _wait_until_issued(acm: Client, given: Inputs) -> Inputs:
    deadline = time.monotonic() + _ISSUED_WITHIN_S
    while time.monotonic() < deadline:
        found = acm.describe_certificate(CertificateArn=given["certificateArn"])["Certificate"]
        if found["Status"] == "ISSUED":
            return {}
        time.sleep(0.1)
    raise ValueError(f"{given['certificateArn']} is not issued: its status is {found['Status']}")


def _record_set(given: Inputs) -> dict[str, Any]:
    record = {"Name": given["name"], "Type": given["type"]}
    if given.get("aliases"):
        (alias,) = given["aliases"]
        target = {"DNSName": alias["name"], "HostedZoneId": alias["zoneId"]}
        healthy = alias["evaluateTargetHealth"]
        return {**record, "AliasTarget": {**target, "EvaluateTargetHealth": healthy}}
    values = [{"Value": value} for value in given["records"]]
    return {**record, "TTL": given["ttl"], "ResourceRecords": values}


def _change_record(route53: Client, action: str, given: Inputs) -> None:
    change = {"Action": action, "ResourceRecordSet": _record_set(given)}
    route53.change_resource_record_sets(
        HostedZoneId=given["zoneId"], ChangeBatch={"Changes": [change]}
    )


def _make_record(route53: Client, given: Inputs) -> Inputs:
    _change_record(route53, "UPSERT" if given.get("allowOverwrite") else "CREATE", given)
    return {}


def _update_record(route53: Client, _id: str, before: Inputs, after: Inputs) -> None:
    if before:
        _change_record(route53, "UPSERT", after)


def _delete_record(route53: Client, _id: str, before: Inputs, _after: Inputs) -> None:
    _change_record(route53, "DELETE", before)


def _read_record(route53: Client, _id: str, state: Inputs) -> dict[str, Any]:
    listed = route53.list_resource_record_sets(
        HostedZoneId=state["zoneId"],
        StartRecordName=state["name"],
        StartRecordType=state["type"],
        MaxItems="1",
    )["ResourceRecordSets"]
    for found in listed:
        if (found["Name"].rstrip("."), found["Type"]) == (state["name"].rstrip("."), state["type"]):
            alias = found.get("AliasTarget")
            if alias:
                names = {"name": alias["DNSName"], "zoneId": alias["HostedZoneId"]}
                healthy = {"evaluateTargetHealth": alias["EvaluateTargetHealth"]}
                return {"aliases": [{**names, **healthy}]}
            values = [it["Value"] for it in found["ResourceRecords"]]
            return {"ttl": found["TTL"], "records": values}
    return {}


def _where(s3: Client, _given: Inputs) -> Inputs:
    return {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}}


def _tag_bucket(s3: Client, bucket: str, _before: Inputs, after: Inputs) -> None:
    tags = [{"Key": key, "Value": value} for key, value in after["tags"].items()]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def _delete_bucket(s3: Client, bucket: str, before: Inputs, _after: Inputs) -> None:
    if before.get("forceDestroy"):
        delete_versions(s3, bucket)
    s3.delete_bucket(Bucket=bucket)


_BLOCK = "PublicAccessBlockConfiguration"

RESOURCE_TYPES = {
    "aws:lb/loadBalancer:LoadBalancer": ResourceType(
        "elbv2",
        "create_load_balancer",
        "LoadBalancers[0].LoadBalancerArn",
        names={"loadBalancerType": "Type"},
        arguments=_scheme,
        by_code="internal",
        required="subnets",
        defaults={"loadBalancerType": "application", "idleTimeout": 60},
        outputs={
            "arn": "LoadBalancers[0].LoadBalancerArn",
            "dnsName": "LoadBalancers[0].DNSName",
            "zoneId": "LoadBalancers[0].CanonicalHostedZoneId",
        },
        seen={"internal": "Scheme=='internal'", "subnets": "AvailabilityZones[].SubnetId"},
        update=(
            Step(
                _set_balancer,
                "accessLogs dropInvalidHeaderFields idleTimeout enableDeletionProtection",
            ),
            "set_ip_address_type",
            "set_security_groups",
            "set_subnets",
        ),
    ),
    "aws:lb/targetGroup:TargetGroup": ResourceType(
        "elbv2",
        "create_target_group",
        "TargetGroups[0].TargetGroupArn",
        arguments=_health,
        by_code="healthCheck stickiness",
        required="vpcId port protocol",
        defaults={"targetType": "instance"},
        outputs={"arn": "TargetGroups[0].TargetGroupArn"},
        seen={"healthCheck": f"{{{', '.join(f'{name}: {api}' for name, api in _HEALTH.items())}}}"},
        update=(Step(_set_group, "healthCheck deregistrationDelay stickiness"),),
    ),
    "aws:lb/listener:Listener": ResourceType(
        "elbv2",
        "create_listener",
        "Listeners[0].ListenerArn",
        names={"certificateArn": "Certificates"},
        outputs={"arn": "Listeners[0].ListenerArn"},
        read=_read_listener,
        seen={"certificateArn": "Certificates[0].CertificateArn"},
        update=("modify_listener",),
    ),
    "aws:lb/listenerRule:ListenerRule": ResourceType(
        "elbv2",
        "create_rule",
        "Rules[0].RuleArn",
        outputs={"arn": "Rules[0].RuleArn"},
        read=_read_rule,
        seen={"priority": "to_number(Priority)"},
        update=("modify_rule", Step(_set_priority, "priority")),
    ),
    "aws:acm/certificate:Certificate": ResourceType(
        "acm",
        "request_certificate",
        "CertificateArn",
        by_code="domainValidationOptions",
        outputs={"arn": "CertificateArn", "domainValidationOptions": "[]"},
        seen={"domainValidationOptions": _OPTIONS},
        update=(Step(_validation_options),),
    ),
    "aws:acm/certificateValidation:CertificateValidation": ResourceType(
        "acm",
        _wait_until_issued,
        "{certificateArn}",
        by_code="certificateArn validationRecordFqdns",
        required="certificateArn",
        # No deletion: the certificate stays valid.
    ),
    "aws:route53/record:Record": ResourceType(
        "route53",
        _make_record,
        "{zoneId}_{name}_{type}",
        by_code="zoneId name type allowOverwrite",
        required="zoneId type",
        outputs={"fqdn": "{name}"},
        read=_read_record,
        update=(Step(_update_record, "ttl records aliases"),),
        delete=Step(_delete_record),
    ),
    "aws:s3/bucket:Bucket": ResourceType(
        "s3",
        "create_bucket",
        "{bucket}",
        named="bucket",
        arguments=_where,
        outputs={"arn": "arn:aws:s3:::{bucket}"},
        read="list_buckets",
        found="Buckets[?Name=='{bucket}'] | [0]",
        update=(Step(_tag_bucket, "tags"),),
        delete=Step(_delete_bucket, "forceDestroy"),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ResourceType(
        "s3",
        "put_public_access_block",
        "{bucket}",
        names={
            "blockPublicAcls": f"{_BLOCK}.BlockPublicAcls",
            "blockPublicPolicy": f"{_BLOCK}.BlockPublicPolicy",
            "ignorePublicAcls": f"{_BLOCK}.IgnorePublicAcls",
            "restrictPublicBuckets": f"{_BLOCK}.RestrictPublicBuckets",
        },
        update=("put_public_access_block",),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        ResourceType(
            "s3",
            "put_bucket_encryption",
            "{bucket}",
            names={"rules": "ServerSideEncryptionConfiguration.Rules"},
            found="ResponseMetadata",  # as recorded: moto forgets which types are blocked
            update=("put_bucket_encryption",),
        )
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ResourceType(
        "s3",
        "put_bucket_lifecycle_configuration",
        "{bucket}",
        names={"rules": "LifecycleConfiguration.Rules"},
        found="@",
        update=("put_bucket_lifecycle_configuration",),
        delete="delete_bucket_lifecycle",
    ),
    "aws:s3/bucketPolicy:BucketPolicy": ResourceType(
        "s3",
        "put_bucket_policy",
        "{bucket}",
        update=("put_bucket_policy",),
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": ResourceType(
        "wafv2",
        "associate_web_acl",
        "{webAclArn},{resourceArn}",
        read="get_web_acl_for_resource",
        seen={"webAclArn": "ARN"},
        delete="disassociate_web_acl",
    ),
}
