# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Quotas: the limits of an account that has been in use for years. What they limit is not enforced."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, seed
from sandbox.model import AwsError

SERVICE = "service-quotas"
#: Service -> quota code -> name, value, whether it is for all regions together.
QUOTAS: dict[str, dict[str, tuple[str, float, bool]]] = {
    "autoscaling": {"L-CDE20ADC": ("Auto Scaling groups per region", 500, False)},
    "drs": {
        "L-C1D14A2B": ("Max number of replicating source servers per AWS account", 300, False),
        "L-E28BE5E0": ("Max number of total source servers per AWS account", 4000, False),
        "L-D88FAC3A": ("Max number of concurrent jobs in progress", 20, False),
        "L-B827C881": ("Max number of source servers in a single job", 100, False),
        "L-05AFA8C6": ("Max number of source servers in all jobs", 500, False),
    },
    "ec2": {
        "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 1152, False),
        "L-DB2E81BA": ("Running On-Demand G and VT instances", 64, False),
        "L-74FC7D96": ("Running On-Demand F instances", 0, False),
        "L-417A185B": ("Running On-Demand P instances", 0, False),
        "L-0263D0A3": ("EC2-VPC Elastic IPs", 5, False),
    },
    "ecs": {
        "L-9EF96962": ("Services per cluster", 5000, False),
        "L-92E49DE3": ("Tasks per service", 5000, False),
        "L-86C34207": ("Container instances per cluster", 5000, False),
    },
    "elasticache": {"L-DFE45DF3": ("Nodes per Region", 300, False)},
    "elasticfilesystem": {"L-848C634D": ("File systems per account", 1000, False)},
    "es": {"L-076D529E": ("Domains per Region", 100, False)},
    "events": {"L-244521F2": ("Number of rules", 300, False)},
    "fargate": {"L-3032A538": ("Fargate On-Demand vCPU resource count", 4000, False)},
    "fsx": {
        "L-5B89F9CE": ("Windows file systems", 100, False),
        "L-C28C1403": ("ONTAP file systems", 100, False),
        "L-59D0763F": ("OpenZFS file systems", 100, False),
        "L-FD6F2F22": ("Lustre Persistent_2 file systems", 100, False),
    },
    "lambda": {"L-B99A9384": ("Concurrent executions", 1000, False)},
    # The code is the sandbox's own: which one AWS uses is not known.
    "memorydb": {"L-00000001": ("Nodes per Region", 300, False)},
    "rds": {"L-7B6409FD": ("DB instances", 40, False), "L-952B80B8": ("DB clusters", 40, False)},
    "route53": {
        "L-ACB674F3": ("Health checks", 200, True),
        "L-4EA4796A": ("Hosted zones", 500, True),
        "L-E209CC9F": ("Records per hosted zone", 10000, True),
    },
}
LARGEST_PAGE = 100

Params = dict[str, Any]


def _service(params: Params) -> dict[str, tuple[str, float, bool]]:
    found = QUOTAS.get(params["ServiceCode"])
    if found is None:
        raise AwsError("NoSuchResourceException", f"The request failed because the service {params['ServiceCode']} does not exist.")
    return found


def _quota(ctx: Ctx, service: str, code: str, value: float | None) -> Params:
    name, default, whole = QUOTAS[service][code]
    return {
        "ServiceCode": service,
        "ServiceName": service,
        "QuotaArn": f"arn:aws:servicequotas:{ctx.region}:{ctx.account}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(default if value is None else value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": whole,
    }


def _applied(ctx: Ctx, service: str) -> dict[str, Params]:
    """Quotas that have an applied value, by code."""
    own = ctx.store.get(service, {})
    return {code: _quota(ctx, service, code, own.get(code)) for code in QUOTAS[service] if own.get(code, 0) is not None}


def _page(params: Params, found: list[Params]) -> Params:
    start, size = int(params.get("NextToken", 0)), params.get("MaxResults", LARGEST_PAGE)
    following = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"Quotas": found[start : start + size], **following}


@op(SERVICE, "ListServiceQuotas")
def list_service_quotas(ctx: Ctx, params: Params) -> Params:
    """Without those that have no applied value."""
    _service(params)
    return _page(params, list(_applied(ctx, params["ServiceCode"]).values()))


@op(SERVICE, "GetServiceQuota")
def get_service_quota(ctx: Ctx, params: Params) -> Params:
    """The applied value, if there is one."""
    _service(params)
    found = _applied(ctx, params["ServiceCode"]).get(params["QuotaCode"])
    if found is None:
        raise AwsError("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
    return {"Quota": found}


@op(SERVICE, "ListAWSDefaultServiceQuotas")
def list_defaults(ctx: Ctx, params: Params) -> Params:
    """What an account has that never asked for more."""
    return _page(params, [_quota(ctx, params["ServiceCode"], code, None) for code in _service(params)])


@op(SERVICE, "GetAWSDefaultServiceQuota")
def get_default(ctx: Ctx, params: Params) -> Params:
    """One of them."""
    if params["QuotaCode"] not in _service(params):
        raise AwsError("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
    return {"Quota": _quota(ctx, params["ServiceCode"], params["QuotaCode"], None)}


@seed("service_quota", service=SERVICE)
def service_quota(ctx: Ctx, spec: Params) -> Params:
    """An account's own limit in a region. service, code: one of QUOTAS. value: null where only AWS's default is known."""
    service, code = spec["service"], spec["code"]
    if code not in QUOTAS.get(service, {}):
        raise ValueError(f"service_quota: {service} {code} is none of {', '.join(sorted(QUOTAS))} and their codes")
    ctx.store.setdefault(service, {})[code] = spec["value"]
    return {"id": code}
