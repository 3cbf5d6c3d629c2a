# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints name, desired and running count of every ECS service of a region, as JSON: `services.py REGION`."""

from __future__ import annotations

import json
import sys

import boto3

if __name__ == "__main__":
    ecs = boto3.client("ecs", region_name=sys.argv[1])
    found = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        for page in ecs.get_paginator("list_services").paginate(cluster=cluster, PaginationConfig={"PageSize": 10}):
            if page["serviceArns"]:
                found += ecs.describe_services(cluster=cluster, services=page["serviceArns"])["services"]
    print(json.dumps([{name: service[name] for name in ("serviceName", "desiredCount", "runningCount")} for service in found]))
