#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: manifest
short_description: Validates, merges, stores, lists and fetches manifests
version_added: 0.1.0
description:
  - A manifest says about an estate what tags do not. Its waves and settings are merged over what tags say; see C(docs/manifest.md).
  - Validation names every violation at once, with the field, its value, what is allowed and what to do.
  - Each version is an object of its own in the bucket of the control plane, with a checksum that is verified when it is read.
options:
  state:
    description:
      - V(validated), the file keeps the rules, and what it would change is returned. V(stored), it is also stored, unless the newest
        version is the same. V(listed), the versions of a customer and environment. V(fetched), one of them.
    type: str
    default: stored
    choices: [validated, stored, listed, fetched]
  manifest_file:
    description:
      - The manifest, YAML or JSON, on the controller. Required with O(state=validated) and O(state=stored).
      - Nothing in it is ever templated.
    type: str
  customer:
    description: The customer, with O(state=listed) and O(state=fetched).
    type: str
  environment:
    description: The environment, with O(state=listed) and O(state=fetched).
    type: str
  version:
    description: The version to fetch. The newest when it is left out, or V(latest).
    type: str
notes:
  - Requires jsonschema on the controller.
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: See what a manifest would change
  dr.aws.manifest:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    state: validated
    manifest_file: acme.manifest.yml
  run_once: true

- name: Store it
  dr.aws.manifest:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    manifest_file: acme.manifest.yml
  run_once: true

- name: List the versions
  dr.aws.manifest:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    state: listed
    customer: acme
    environment: production
  run_once: true

- name: Fetch the newest
  dr.aws.manifest:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    state: fetched
    customer: acme
    environment: production
  run_once: true
"""

RETURN = r"""
valid:
  description: Whether the manifest keeps the rules.
  returned: with O(state=validated) and O(state=stored)
  type: bool
  sample: true
errors:
  description: What is wrong with it, all of it.
  returned: with O(state=validated) and O(state=stored)
  type: list
  elements: dict
  sample:
    - path: "layers[0].priority"
      value: 0
      allowed: a whole number, at least 1
      remedy: Set layers[0].priority to a whole number, at least 1
manifest:
  description: The manifest in the shape of the schema, with its defaults.
  returned: success, except with O(state=listed)
  type: dict
  sample: {manifestId: acme-production, customer: acme, environment: production, approvalRequired: true}
resource_count:
  description: How many resources it has.
  returned: when it is valid
  type: int
  sample: 25
technology_types:
  description: Its actions.
  returned: when it is valid
  type: list
  elements: str
  sample: [EcsService, R53Record, RdsInstance]
conflicts:
  description: What it and the tags do not agree about, with both values and what is taken.
  returned: when it is valid
  type: list
  elements: dict
  sample:
    - resource: ecs-200000000001-shop-search
      tag: "layers[1].priority"
      value: "2"
      rule: the wave that its tag dr:wave says, 3; the manifest's is taken
      remedy: let both say the same (manifest acme-production)
      severity: warning
      check: manifest
unlisted:
  description: Hosts of its customer and environment that it does not have.
  returned: when it is valid
  type: list
  elements: str
  sample: [rds-200000000003-audit-db]
changes:
  description: What it changes, by host and variable.
  returned: when it is valid
  type: dict
  sample: {ecs-200000000001-shop-search: {dr_wave: {before: 3, after: 2}}}
stored:
  description: The version.
  returned: with O(state=stored) and O(state=fetched)
  type: dict
  sample: {version: 20261128T163000123Z-3f6b0d1a2c4e, manifest_id: acme-production, s3_location: s3://dr-aws/manifests/acme/production/…}
versions:
  description: What is stored, newest first.
  returned: with O(state=listed)
  type: list
  elements: dict
  sample: [{version: 20261128T163000123Z-3f6b0d1a2c4e, manifest_id: acme-production, stored_at: "2026-11-28T16:30:00.123+00:00"}]
"""
