"""The host names' zone, and the certificate for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from components.ingress.ingress_args import IngressArgs

VALIDATION_TTL_S = 300


def zone_has_domain(
    zone_id: str, domain: str, certificate_arn: str, invoke: pulumi.InvokeOptions
) -> None:
    """Check with AWS that host names can be made in the zone, and a certificate validated.

    Raises:
        ValueError: the zone does not exist, is another domain's, or cannot be seen by AWS's
            certificate authority.
    """
    if not zone_id:
        return
    try:
        zone = aws.route53.get_zone(zone_id=zone_id, opts=invoke)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more particular
        raise ValueError(
            f"AWS does not show it ({error}); expected the id of a hosted zone of this account"
        ) from None
    name = zone.name.rstrip(".")
    if not f".{domain}".endswith(f".{name}"):
        raise ValueError(
            f"it is the zone of {name}, and {domain} is outside it; expected the zone of {domain}"
            f" or of a domain above it, or a domain below {name}"
        )
    if zone.private_zone and not certificate_arn:
        raise ValueError(
            "it is a private zone, where AWS's certificate authority cannot look a validation up;"
            " expected a public zone, or the ARN of a certificate that exists"
        )


def valid_certificate(parent: pulumi.Resource, name: str, args: IngressArgs) -> pulumi.Input[str]:
    """Register a certificate, unless there is one; return its ARN, known once it is valid.

    One wildcard for all host names: a server that comes or goes changes nothing of it, and the
    public logs of certificates do not tell which servers there are.

    Args:
        parent: the component that it belongs to.
        name: of the certificate in the program.
        args: the component's arguments, resolved.
    """
    if args["certificate_arn"]:
        return args["certificate_arn"]
    child = pulumi.ResourceOptions(parent=parent)
    certificate = aws.acm.Certificate(
        name,
        domain_name=f"*.{args['domain']}",
        validation_method="DNS",
        tags={"Name": name},
        opts=child,
    )
    option = certificate.domain_validation_options[0]
    record = aws.route53.Record(
        f"{name}-validation",
        zone_id=args["zone_id"],
        name=option.resource_record_name,
        type=option.resource_record_type,
        records=[option.resource_record_value],
        ttl=VALIDATION_TTL_S,
        # It is the same for every certificate of an account for this domain: a new one's may be
        # made before the old one's is deleted.
        allow_overwrite=True,
        opts=child,
    )
    return aws.acm.CertificateValidation(
        f"{name}-issued",
        certificate_arn=certificate.arn,
        validation_record_fqdns=[record.fqdn],
        opts=child,
    ).certificate_arn
