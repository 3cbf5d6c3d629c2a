# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: resources
short_description: What is protected against a disaster, by tag, in many AWS accounts and two regions
version_added: 0.1.0
author:
  - dr.aws maintainers (@dr-aws)
description:
  - Finds the resources that are tagged C(dr:enabled=true) in every account and both regions, in parallel, and makes one host of
    each pair of a resource and its counterpart in the other region.
  - Makes the groups C(dr_resources), C(wave_01) and so on, C(technology_*), C(priority_*), C(customer_*), C(environment_*),
    C(account_*) and C(region_*). Hosts are in the order of recovery.
  - The host C(localhost) gets two variables, C(dr_control), which tells the collection's actions how to reach AWS, and
    C(dr_inventory), which tells what was looked at and what is wrong. Plans refuse an inventory that is not complete.
  - A region that does not answer is no error. What is known of it comes from the readiness snapshot in the control region.
  - Uses the caller's own credentials, as boto3 finds them, to assume the roles. Changes nothing.
  - File names end in C(.dr_aws.yml) or C(.dr_aws.yaml).
notes:
  - Values that come from AWS are data. They are never templated, whatever they look like.
  - Requires boto3.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [dr.aws.resources]
  accounts:
    description:
      - The accounts to look into, each with C(id) (12 digits, in quotes), C(role_arn) (the role to assume, left out for the account
        of the caller's own credentials), C(external_id) (as the role's trust policy wants it) and C(name) (for people).
    type: list
    elements: dict
    required: true
  regions:
    description: The two regions, first the one that normally serves.
    type: list
    elements: str
    required: true
  control_region:
    description: Where state lives and sessions are opened. Never the region that is left.
    type: str
    required: true
  control_table:
    description: The DynamoDB table of the control plane.
    type: str
    default: dr-aws-state
  control_bucket:
    description: The S3 bucket of the control plane, which also holds the readiness snapshots.
    type: str
  control_audit_bucket:
    description: The S3 bucket of audit evidence, with Object Lock. The name of O(control_bucket) with C(-audit) when it is left out.
    type: str
  control_topic_arn:
    description: The SNS topic that people are notified by.
    type: str
  customer:
    description: Only resources of this customer.
    type: str
  environment:
    description: Only resources of this environment.
    type: str
    choices: [production, staging, development]
  technologies:
    description: Only these technologies. All of them when it is left out.
    type: list
    elements: str
    choices: [drs, rds, aurora, ecs, lambda, route53, elasticache, opensearch, autoscaling, memorydb, eventbridge, efs, fsx]
  records:
    description:
      - Protected Route 53 records that tags of their hosted zone cannot name, each with C(zone) (name or id), C(account), C(name),
        C(type), C(set_identifier), C(values) (the values of each region), C(wave), C(priority), C(customer), C(environment),
        C(dependencies), C(rto_seconds), C(rpo_seconds), C(health_check_url) and C(settings). What is left out is the zone's.
    type: list
    elements: dict
    default: []
  manifest:
    description:
      - A manifest (C(docs/manifest.md)) that is merged with the tags; a relative path begins beside the inventory file.
      - When it is left out, it is the newest that is stored in O(control_bucket) for each customer and environment, if there is one.
    type: str
  index:
    description:
      - Which index of Resource Explorer is asked. V(local), that of each account and region. V(aggregator), that of each account in
        O(control_region), which knows all regions. V(organization), one view in O(control_region) for all accounts, with the
        caller's own credentials; it needs O(view_arn).
    type: str
    default: local
    choices: [local, aggregator, organization]
  view_arn:
    description: The ARN of the organization's view in O(control_region), with O(index=organization).
    type: str
  tagging_api:
    description:
      - Ask the Resource Groups Tagging API as well, everywhere. Its answer is fresher than an index.
      - When V(false), it is asked only where a local index is missing, shows no tags or may have been cut.
    type: bool
    default: true
  customers:
    description:
      - The combinations of customer and environment that exist, as a dictionary of customers to lists of environments.
      - A resource that is tagged with another is a violation. When it is left out, every combination is accepted.
    type: dict
  strict_tags:
    description:
      - Which rules about tags, besides those that are always errors, forbid a plan. See C(docs/tags.md).
      - A rule's violation becomes an error; a tag must be there. V(all) is all of them.
    type: list
    elements: str
    default: []
    choices: [all, values, spelling, agreement, dependencies, recovery_time, unique_waves,
              "dr:priority", "dr:recovery-strategy", "dr:rto-target", "dr:rpo-target"]
  source_identity:
    description:
      - Who is behind the run, as CloudTrail keeps it over all sessions. Roles must allow C(sts:SetSourceIdentity).
    type: str
  change_calendars:
    description:
      - Change calendars of Systems Manager, by name in O(control_region) or by ARN. While one is closed no execution begins, and a
        running one pauses before its next wave. See C(docs/failover.md).
    type: list
    elements: str
    default: []
  account_timeout_seconds:
    description: Seconds that one account may take in one region, throttling included. Then it counts as an error.
    type: int
    default: 120
  workers:
    description: How many accounts and regions are looked at side by side.
    type: int
    default: 16
  connect_timeout:
    description: Seconds until a connection that is not made counts as no answer. Tried twice.
    type: int
    default: 3
  read_timeout:
    description: Seconds until an answer that does not come counts as none. Tried twice.
    type: int
    default: 20
  poll_limit_seconds:
    description: The longest pause between two looks of the engine, for simulated regions whose time passes faster.
    type: float
  notification_timeout_seconds:
    description: >-
      How many seconds a notification may hold up a run, and the metrics of one task. What takes longer is recorded as not delivered,
      and the run goes on.
    type: float
    default: 8
  publish_metrics:
    description: Publish metrics to CloudWatch in O(control_region), which bills them.
    type: bool
    default: true
  tracing:
    description:
      - Record spans of executions with OpenTelemetry, and send them to where the environment variables C(OTEL_*) say.
      - Needs opentelemetry-sdk and an OTLP exporter. Without them, and when nobody takes the spans, the run goes on without.
    type: bool
    default: false
  cache:
    description: Keep what was found. Only a complete inventory is kept.
    default: true
  cache_plugin:
    default: ansible.builtin.jsonfile
  cache_connection:
    description: Where the cache plugin keeps it.
    default: ~/.ansible/cache/dr_aws
  cache_timeout:
    description: Seconds until it is looked for again.
    default: 300
  cache_prefix:
    default: dr_aws_
extends_documentation_fragment:
  - inventory_cache
  - constructed
"""

EXAMPLES = r"""
# acme.dr_aws.yml
plugin: dr.aws.resources
regions: [us-east-1, us-west-2]
control_region: us-west-2
control_table: dr-aws-state
control_bucket: acme-dr-evidence
control_topic_arn: arn:aws:sns:us-west-2:100000000000:dr-aws
customer: acme
environment: production
accounts:
  - id: "200000000001"
    name: acme-shop
    role_arn: arn:aws:iam::200000000001:role/dr-automation
    external_id: acme-shop-4c1e9b
  - id: "100000000000" # the caller's own
records:
  - zone: shop.acme.example
    account: "200000000001"
    name: www.shop.acme.example
    type: CNAME
    values:
      us-east-1: storefront.us-east-1.acme.example
      us-west-2: storefront.us-west-2.acme.example
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.dr.aws.plugins.module_utils import estate
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.manifest.inventory import text_of


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """See DOCUMENTATION."""

    NAME = "dr.aws.resources"

    def verify_file(self, path: str) -> bool:
        """Ours by the end of its name."""
        return bool(super().verify_file(path)) and path.endswith((".dr_aws.yml", ".dr_aws.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fetch, or take from the cache; then populate."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        options = self._chosen(path)
        digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]
        key = f"{self.get_cache_key(path)}_{digest}"
        keep = self.get_option("cache")
        kept = self._cache.get(key) if keep and cache else None
        try:
            found = kept or estate.look(options)
        except DrError as error:
            raise AnsibleParserError(f"{path}: {error}") from error
        if keep and kept is None and found["inventory"]["complete"] and not found["inventory"]["stale_regions"]:
            self._cache[key] = found
        for warning in found["warnings"]:
            self.display.warning(f"{path}: {warning}")
        self._populate(found, options, cached=kept is not None)

    def _chosen(self, path: str) -> dict[str, Any]:
        """Plain values: what the file says is no template either once it is a variable. With the manifest's text: it is what counts."""
        options: dict[str, Any] = json.loads(json.dumps({name: self.get_option(name) for name in estate.OPTIONS}))
        if options["manifest"]:
            file = os.path.join(os.path.dirname(path), os.path.expanduser(options["manifest"]))
            try:
                options["manifest"] = {"path": file, "text": text_of(file)}
            except DrError as error:
                raise AnsibleParserError(f"{path}: {error}") from error
        return options

    def _populate(self, found: Mapping[str, Any], options: Mapping[str, Any], cached: bool) -> None:
        """Variables assigned at once and groups joined directly: 10,000 hosts take a second."""
        groups: dict[str, Any] = {}
        members = {name: _groups(variables) for name, variables in found["hosts"].items()}
        for name in ("dr_resources", *sorted({group for names in members.values() for group in names})):
            groups[name] = self.inventory.groups[self.inventory.add_group(name)]
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        for variable, value in local.items():
            groups["dr_resources"].set_variable(variable, value)
        for name, variables in found["hosts"].items():
            host = self.inventory.hosts[self.inventory.add_host(name)]
            host.vars.update(variables)
            for group in ("dr_resources", *members[name]):
                groups[group].add_host(host)
        summary = {**found["inventory"], "cached": cached}
        localhost = self.inventory.hosts[self.inventory.add_host("localhost")]
        localhost.vars.update({**local, "dr_inventory": summary, "dr_control": estate.control(options)})
        self._construct(found["hosts"])

    def _construct(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """What the file's own compose, groups and keyed_groups ask for."""
        wanted = {name: self.get_option(name) for name in ("compose", "groups", "keyed_groups")}
        if not any(wanted.values()):
            return
        strict = self.get_option("strict")
        for name, variables in hosts.items():
            self._set_composite_vars(wanted["compose"], variables, name, strict=strict)
            self._add_host_to_composed_groups(wanted["groups"], variables, name, strict=strict)
            self._add_host_to_keyed_groups(wanted["keyed_groups"], variables, name, strict=strict)


def _groups(variables: Mapping[str, Any]) -> list[str]:
    named = {
        "technology": variables["dr_technology"],
        "priority": variables["dr_priority"],
        "customer": variables["dr_customer"],
        "environment": variables["dr_environment"],
        "account": variables["dr_account"],
    }
    return [
        f"wave_{variables['dr_wave']:02d}",
        *(f"{kind}_{re.sub('[^A-Za-z0-9_]', '_', value)}" for kind, value in named.items()),
        *(f"region_{region.replace('-', '_')}" for region in variables["dr_sides"]),
    ]
