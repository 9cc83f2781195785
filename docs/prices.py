"""AWS's list prices for one region, as far as the resources here need them.

AWS's pages load their prices by script. The figures were read in November 2026 from public
documents that quote AWS's Price List API for `REGION` with a date, or from AWS's page where that
states one price for all regions; `as_of` is that date. What was not found, or not for this region,
or without a date, says so. To look one up again:
https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonECS/current/eu-central-1/index.json
(AmazonEC2, AmazonVPC, AWSELB ... in place of AmazonECS).
"""

from dataclasses import dataclass
from typing import NamedTuple

from components.exporters.instance_types import HOURS_A_MONTH, usd_a_month

REGION = "eu-central-1"
AS_OF = "2026-09-23"
"""Date of most prices, and of the newest; the others have theirs."""

INCLUDED_GIB = 20
"""Ephemeral storage of a Fargate task that costs nothing. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
"""

INCLUDED_IOPS, INCLUDED_THROUGHPUT_MIB = 3_000, 125
"""Of a gp3 volume, at no further cost. Source:
https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
"""

_PAGE = "https://aws.amazon.com"


@dataclass(frozen=True)
class Price:
    """A list price."""

    what: str
    """What one of it is."""

    usd: float
    """US dollars, without tax, for one `per`."""

    per: str
    """`hour` or `month`."""

    as_of: str
    """Date of the list, or as much of it as is known."""

    page: str
    """AWS's page that has it."""

    note: str = ""
    """What makes it less than certain, or what it leaves out."""

    @property
    def usd_a_month(self) -> float:
        """US dollars for one, for a month."""
        return self.usd * {"hour": HOURS_A_MONTH, "month": 1}[self.per]


class Use(NamedTuple):
    """What costs by how much it is used: in no sum."""

    what: str
    usd: str
    """Price in words; empty where none was found for the region."""
    as_of: str
    page: str


_FARGATE = f"{_PAGE}/fargate/pricing/"
_EC2 = f"{_PAGE}/ec2/pricing/on-demand/"
_VPC = f"{_PAGE}/vpc/pricing/"
_EBS = f"{_PAGE}/ebs/pricing/"
_ELB = f"{_PAGE}/elasticloadbalancing/pricing/"
_CLOUDWATCH = f"{_PAGE}/cloudwatch/pricing/"

FARGATE = {
    "ARM64": (
        Price("Fargate, ARM64: vCPU", 0.03725, "hour", "2026-06", _FARGATE),
        Price("Fargate, ARM64: GB of memory", 0.00409, "hour", "2026-06", _FARGATE),
    ),
    "X86_64": (
        Price("Fargate, X86_64: vCPU", 0.04656, "hour", AS_OF, _FARGATE),
        Price("Fargate, X86_64: GB of memory", 0.00511, "hour", AS_OF, _FARGATE),
    ),
}
"""Architecture -> vCPU, memory."""

FARGATE_STORAGE = Price(
    f"Fargate: GB of storage above {INCLUDED_GIB}",
    0.000133,
    "hour",
    "2026-09-11",
    _FARGATE,
    "assumed: none was found for the region; this is Tokyo's, the highest of three that were"
    " (London 0.000129, Seoul 0.000127)",
)
INSTANCES = {
    price.what.removeprefix("EC2 "): price
    for price in (
        Price(
            "EC2 t4g.nano",
            0.0048,
            "hour",
            "2026-08-26",
            _EC2,
            "assumed: found without a date, but a quarter of t4g.small's, which has one."
            " Surplus CPU credits cost more",
        ),
        Price("EC2 t4g.small", 0.0192, "hour", "2026-08-26", _EC2, "Surplus CPU credits cost more"),
        Price(
            "EC2 t4g.medium",
            0.0384,
            "hour",
            "2026-08-26",
            _EC2,
            "assumed: twice t4g.small's. Surplus CPU credits cost more",
        ),
    )
}
"""The types that the stack files have. Of another, the order of magnitude is known (`instance`)."""

VOLUMES = {"gp3": Price("EBS gp3: GB", 0.0952, "month", "2026-08-26", _EBS)}
_AS_GP3 = "assumed: as much dearer than in us-east-1 as a GB of gp3 is"
IOPS = Price(f"EBS gp3: IOPS above {INCLUDED_IOPS}", 0.00595, "month", "2026-08-26", _EBS, _AS_GP3)
THROUGHPUT = Price(
    f"EBS gp3: MiB/s above {INCLUDED_THROUGHPUT_MIB}", 0.0476, "month", "2026-08-26", _EBS, _AS_GP3
)
IPV4 = Price("public IPv4 address", 0.005, "hour", AS_OF, _VPC)
NAT_GATEWAY = Price("NAT gateway", 0.052, "hour", AS_OF, _VPC, "without its address and traffic")
LOAD_BALANCER = Price(
    "application load balancer", 0.027, "hour", AS_OF, _ELB, "without its addresses and its load"
)
SECRET = Price("secret", 0.40, "month", AS_OF, f"{_PAGE}/secrets-manager/pricing/")
KEY = Price("KMS key", 1.00, "month", "2026-03", f"{_PAGE}/kms/pricing/", "a rotation adds to it")
ZONE = Price(
    "private hosted zone (Cloud Map namespace)",
    0.50,
    "month",
    "2026-09-20",
    f"{_PAGE}/route53/pricing/",
)
ALARM = Price("CloudWatch alarm", 0.10, "month", AS_OF, _CLOUDWATCH)

PRICES = (
    *FARGATE["ARM64"],
    *FARGATE["X86_64"],
    FARGATE_STORAGE,
    *INSTANCES.values(),
    *VOLUMES.values(),
    IOPS,
    THROUGHPUT,
    IPV4,
    NAT_GATEWAY,
    LOAD_BALANCER,
    SECRET,
    KEY,
    ZONE,
    ALARM,
)

TRAFFIC = Use("traffic to the internet and between zones", "", "", f"{_EC2}#Data_Transfer")
NAT_TRAFFIC = Use(
    "traffic through a NAT gateway", "0.052 a GB (assumed: without a date)", "2026", _VPC
)
LOGS = Use(
    "logs", "0.63 a GB written, 0.0324 a GB and month kept", "2026-09-23, 2026-08-26", _CLOUDWATCH
)
INSIGHTS = Use("metrics of Container Insights, where that is on", "", "", _CLOUDWATCH)
IMAGES = Use(
    "images in ECR",
    "0.10 a GB and month (assumed: us-east-1's)",
    "2026-06-13",
    f"{_PAGE}/ecr/pricing/",
)
MESSAGES = Use(
    "messages of SNS",
    "2.00 for 100,000 e-mails (assumed: us-east-1's), SMS by country",
    "2026-06-13",
    f"{_PAGE}/sns/pricing/",
)
LOAD = Use("load of the load balancer", "0.008 an LCU and hour", AS_OF, _ELB)
REQUESTS = Use("reads of objects in S3", "0.43 a million", AS_OF, f"{_PAGE}/s3/pricing/")
BUCKET = Use("what is stored in S3", "0.0245 a GB and month", AS_OF, f"{_PAGE}/s3/pricing/")
SNAPSHOTS = Use(
    "snapshots of data volumes (what has changed since the one before)",
    "0.0595 a GB and month (assumed: as much dearer than in us-east-1 as a GB of gp3 is)",
    "2026-08-26",
    _EBS,
)
QUERIES = Use("DNS queries", "0.40 a million", "2026-09-20", f"{_PAGE}/route53/pricing/")


def instance(instance_type: str) -> Price:
    """Price of an EC2 host of a type, without its disk."""
    return INSTANCES.get(instance_type) or Price(
        f"EC2 {instance_type} (order of magnitude)",
        usd_a_month(instance_type) / HOURS_A_MONTH,
        "hour",
        "",
        _EC2,
    )
