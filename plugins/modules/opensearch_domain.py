#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: opensearch_domain
short_description: Carries an OpenSearch Service domain with a peer in another region through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one OpenSearch Service domain. Observes both regions, and calls AWS only where they
    differ from it.
  - The standby is the secondary of a replication that OpenSearch Service manages. O(phase=activate) exchanges the roles where the
    source answers, and promotes the secondary without it where it does not.
  - Domains that are protected by snapshots or cross-cluster replication are recovered over their own HTTP interface. The phases say
    what to do there, and go on when that is done.
options:
  instance_type:
    description: The type of data nodes. That of the other side when it is left out.
    type: str
  instance_count:
    description: The number of data nodes. That of the other side, or the captured one, when it is left out.
    type: int
  scale_on_activate:
    description: Let the standby have fewer data nodes, and scale it when it serves.
    type: bool
    default: false
  subnets:
    description: Subnets of a domain that is created. Needed when the other side is in a VPC.
    type: list
    elements: str
  security_groups:
    description: Security groups of a domain that is created.
    type: list
    elements: str
  kms_key_id:
    description: The key of a domain that is created. AWS's own key for the service when it is left out.
    type: str
  master_user_arn:
    description: The master user of a domain that is created. Needed when the other side has fine-grained access control.
    type: str
  access_policies:
    description: The access policy of a domain that is created, as JSON. The other side's, with the region exchanged, when it is left out.
    type: str
  force_failover:
    description: In an unplanned O(phase=activate), promote without the source even if it answers.
    type: bool
    default: false
  discard_diverged:
    description: Allow an old source to be overwritten or removed together with writes that only it has.
    type: bool
    default: false
  regions:
    description:
      - Region to any of the options above, for what happens in that region. Goes before the options themselves.
    type: dict
extends_documentation_fragment:
  - dr.aws.technology
  - dr.aws.technology.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: A domain like the standby of logs in the drill room
  dr.aws.opensearch_domain:
    phase: instantiate
    name: logs
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Remove everything of the drill
  dr.aws.opensearch_domain:
    phase: cleanup
    name: logs
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Exchange the roles of two domains, with nothing lost
  dr.aws.opensearch_domain:
    phase: activate
    name: logs
    source_region: us-east-1
    target_region: us-west-2

- name: Replicate back over a source that was left behind by a failover
  dr.aws.opensearch_domain:
    phase: replicate
    name: logs
    source_region: us-east-1
    target_region: us-west-2
    discard_diverged: true
"""

RETURN = r"""
status:
  description: How the phase ended, one of C(done), C(deferred), or C(would_change) in check mode.
  returned: always
  type: str
  sample: done
calls:
  description: The mutating calls that were made, or the first one that would be, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - service: opensearch
      operation: switchover_replication
      region: us-west-2
      account: "111111111111"
      params: {DomainName: logs, PeerDomainArn: "arn:aws:es:us-east-1:111111111111:domain/logs"}
      why: exchange the roles, which loses nothing
      one_way: false
outputs:
  description: Facts of the end state, such as identifiers, endpoints and the replication lag.
  returned: always
  type: dict
  sample:
    db_instance_arn: arn:aws:rds:us-west-2:111111111111:db:orders
    db_resource_id: db-ABCDEFGHIJKLMNOPQRSTUVWXYZ
    endpoint: orders.us-west-2.rds.amazonaws.com
    port: 5432
    lag_seconds: null
    source_db_instance: ""
    role: active
    fencing: deferred
why:
  description: Why the phase is not done, empty when it is.
  returned: always
  type: str
  sample: ""
remedy:
  description: What to do next when the phase is not done.
  returned: always
  type: str
  sample: ""
duration_seconds:
  description: How long the phase took.
  returned: always
  type: float
  sample: 312.4
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.opensearch_domain import OpensearchDomain
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.opensearch_domain import OpensearchDomainDrill


def main() -> None:
    technology_module(
        OpensearchDomain(),
        {
            "instance_type": {"type": "str"},
            "instance_count": {"type": "int"},
            "scale_on_activate": {"type": "bool", "default": False},
            "subnets": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_id": {"type": "str", "no_log": False},
            "master_user_arn": {"type": "str"},
            "access_policies": {"type": "str"},
            "force_failover": {"type": "bool", "default": False},
            "discard_diverged": {"type": "bool", "default": False},
            "regions": {"type": "dict"},
        },
        OpensearchDomainDrill(),
    )


if __name__ == "__main__":
    main()
