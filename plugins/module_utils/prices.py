# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small table of AWS's list prices, for estimates (FR-4.3). docs/costs.md shows the same tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: When the tables were written down, and how: by hand. The pages say today's prices.
PRICES_OF: Final = "November 2026"
#: Family -> USD per hour of an EC2 instance, as PRICES.
_EC2: Final[Mapping[str, float]] = {
    "t3": 0.083,
    "t4g": 0.067,
    "m5": 0.096,
    "m6g": 0.077,
    "m6i": 0.096,
    "m7g": 0.082,
    "m7i": 0.101,
    "c5": 0.085,
    "c6g": 0.068,
    "c6i": 0.085,
    "c7g": 0.073,
    "r5": 0.126,
    "r6g": 0.101,
    "r6i": 0.126,
    "r7g": 0.107,
}
#: Technology -> family -> USD per hour of size `large`: on demand, us-east-1, rounded, one Availability Zone. EC2: Linux. RDS:
#: PostgreSQL. Caches: Redis OSS. What is not listed has no estimate.
PRICES: Final[Mapping[str, Mapping[str, float]]] = {
    "drs": _EC2,
    "autoscaling": _EC2,
    "rds": {
        "t3": 0.145,
        "t4g": 0.129,
        "m5": 0.178,
        "m6g": 0.159,
        "m6i": 0.178,
        "m7g": 0.168,
        "r5": 0.25,
        "r6g": 0.225,
        "r6i": 0.25,
        "r7g": 0.239,
    },
    "aurora": {"t3": 0.164, "t4g": 0.146, "r5": 0.29, "r6g": 0.26, "r6i": 0.29, "r7g": 0.276},
    "elasticache": {
        "t3": 0.136,
        "t4g": 0.129,
        "m5": 0.156,
        "m6g": 0.149,
        "m7g": 0.158,
        "r5": 0.216,
        "r6g": 0.206,
        "r7g": 0.219,
    },
    "memorydb": {"r6g": 0.309, "r7g": 0.325},
    "opensearch": {
        "t3": 0.146,
        "m5": 0.142,
        "m6g": 0.128,
        "m7g": 0.135,
        "c5": 0.125,
        "c6g": 0.113,
        "r5": 0.186,
        "r6g": 0.167,
        "r7g": 0.178,
    },
}
#: Technology -> what -> USD, of what is not paid by the instance, on the same terms. A GB is 2^30 bytes, as on AWS's bills. FSx:
#: the type, the deployment without its generation, and the kind of storage; Lustre: deployment, storage and MB/s of each TiB.
RATES: Final[Mapping[str, Mapping[str, float]]] = {
    "ecs": {"vCPU X86_64": 0.04048, "GB X86_64": 0.004445, "vCPU ARM64": 0.03238, "GB ARM64": 0.00356},
    "lambda": {"GB x86_64": 0.015, "GB arm64": 0.012},
    "efs": {
        "GB Standard": 0.30,
        "GB Infrequent Access": 0.016,
        "GB Archive": 0.008,
        "GB One Zone": 0.16,
        "GB One Zone Infrequent Access": 0.0133,
        "MiB/s provisioned": 6.00,
    },
    "fsx": {
        "GB WINDOWS SINGLE_AZ SSD": 0.130,
        "GB WINDOWS SINGLE_AZ HDD": 0.013,
        "GB WINDOWS MULTI_AZ SSD": 0.230,
        "GB WINDOWS MULTI_AZ HDD": 0.025,
        "MB/s WINDOWS SINGLE_AZ": 2.20,
        "MB/s WINDOWS MULTI_AZ": 4.50,
        "GB OPENZFS SINGLE_AZ SSD": 0.090,
        "MB/s OPENZFS SINGLE_AZ": 0.26,
        "GB LUSTRE PERSISTENT_1 SSD 50": 0.140,
        "GB LUSTRE PERSISTENT_1 SSD 100": 0.190,
        "GB LUSTRE PERSISTENT_1 SSD 200": 0.290,
        "GB LUSTRE PERSISTENT_2 SSD 125": 0.145,
        "GB LUSTRE PERSISTENT_2 SSD 250": 0.210,
        "GB LUSTRE PERSISTENT_2 SSD 500": 0.340,
        "GB LUSTRE PERSISTENT_2 SSD 1000": 0.600,
    },
}
#: For how long a rate is paid.
RATED_FOR: Final[Mapping[str, str]] = {"ecs": "hour", "lambda": "hour", "efs": "month", "fsx": "month"}
PAGES: Final[Mapping[str, str]] = {
    "drs": "https://aws.amazon.com/ec2/pricing/on-demand/",
    "autoscaling": "https://aws.amazon.com/ec2/pricing/on-demand/",
    "rds": "https://aws.amazon.com/rds/postgresql/pricing/",
    "aurora": "https://aws.amazon.com/rds/aurora/pricing/",
    "elasticache": "https://aws.amazon.com/elasticache/pricing/",
    "memorydb": "https://aws.amazon.com/memorydb/pricing/",
    "opensearch": "https://aws.amazon.com/opensearch-service/pricing/",
    "ecs": "https://aws.amazon.com/fargate/pricing/",
    "lambda": "https://aws.amazon.com/lambda/pricing/",
    "efs": "https://aws.amazon.com/efs/pricing/",
    "fsx": "https://aws.amazon.com/fsx/pricing/",
}
