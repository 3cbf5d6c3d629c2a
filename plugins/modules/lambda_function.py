#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_function
short_description: Carries a Lambda function with a standby in another region through a disaster
version_added: 0.1.0
description:
  - The standby has the live code as a version, reserved concurrency 0, and event source mappings that are switched off.
  - O(phase=activate) switches the other region's event sources off, moves the alias in one call, lifts the concurrency, and then
    switches the event sources on.
  - AWS gives no way to copy a zip file between regions. O(code) says where the target region's copy of it is.
  - A standby that was deployed by others gets neither configuration nor permissions, nor event source mappings.
options:
  alias:
    description: The alias that callers use. Needed when the function has several.
    type: str
  code:
    description:
      - Where the zip file with the code is, in the region of a function that is created or updated, as C(s3_bucket), C(s3_key) and
        C(s3_object_version).
    type: dict
  image_uri:
    description: The image of a function that is created or updated. The other side's, by digest, in the region's registry when it is left out.
    type: str
  role:
    description: The execution role of a function that is created. The other side's when it is left out.
    type: str
  subnets:
    description: Subnets of a function that is created. Needed when the other side is in a VPC.
    type: list
    elements: str
  security_groups:
    description: Security groups of a function that is created. Needed when the other side is in a VPC.
    type: list
    elements: str
  kms_key_arn:
    description: The key of a function that is created. Needed when the other side's is no multi-Region key.
    type: str
  layers:
    description: Layer versions of a function that is created. The other side's, with the region exchanged, when it is left out.
    type: list
    elements: str
  replace:
    description: Strings of the configuration that differ between the regions, old to new, beyond the name of the region itself.
    type: dict
  event_sources:
    description:
      - The ARN of an event source in the region of a function that is created, by the source's name in the other region.
      - Needed for streams of DynamoDB tables, whose names differ.
    type: dict
  starting_position:
    description: Where an event source mapping that is created begins to read a stream. As the other side's when it is left out.
    type: str
    choices: [LATEST, TRIM_HORIZON]
  regions:
    description:
      - Region to any of the options from O(code) to O(starting_position), for what is made in that region. Goes before the options
        themselves.
      - With it, the same options serve the failover and the way back.
    type: dict
  reserved:
    description: The reserved concurrency to restore. What was captured, or the other side's, when it is left out. A zero never counts.
    type: int
  provisioned:
    description: The provisioned concurrency of the alias to restore. What was captured, or the other side's, when it is left out.
    type: int
  keep_versions:
    description: How many of the newest versions O(cleanup_policy=remove) leaves, besides those that an alias uses.
    type: int
    default: 3
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
- name: A standby of the function in us-west-2
  dr.aws.lambda_function:
    phase: instantiate
    name: api
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        code: {s3_bucket: shop-code-us-west-2, s3_key: api/1.8.zip}
        subnets: [subnet-0aaaaaaaaaaaaaaaa]
        security_groups: [sg-0aaaaaaaaaaaaaaaa]

- name: A copy of the standby that nothing invokes, for a drill
  dr.aws.lambda_function:
    phase: instantiate
    name: api
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly
    regions:
      us-west-2:
        code: {s3_bucket: shop-code-us-west-2, s3_key: api/1.8.zip}

- name: Let it serve, with the source region gone
  dr.aws.lambda_function:
    phase: activate
    mode: unplanned
    name: api
    source_region: us-east-1
    target_region: us-west-2
    reserved: 50
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
    - service: lambda
      operation: update_alias
      region: us-west-2
      account: "111111111111"
      params:
        FunctionName: api
        Name: live
        FunctionVersion: "12"
        RoutingConfig: {AdditionalVersionWeights: {}}
        RevisionId: 4be0b3a4-2f6f-4b0e-9d1c-5a3a4a2d8a10
      why: alias live on version 12
      one_way: false
outputs:
  description:
    - Facts of the end state.
    - C(code_matches) is whether the live code is the one that ran in the other region, null when that is not known.
  returned: always
  type: dict
  sample:
    function_arn: arn:aws:lambda:us-west-2:111111111111:function:api
    alias: live
    version: "12"
    code_sha256: 3sTqxe1LBGzVRDQZ1jvX9mmvSm1Bk4pU0nYw8hFvQ7A=
    code_matches: true
    reserved_concurrency: 50
    event_sources: {orders: Enabled}
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
  sample: 97.2
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.lambda_function import LambdaFunction
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.lambda_function import LambdaFunctionDrill


def main() -> None:
    technology_module(
        LambdaFunction(),
        {
            "alias": {"type": "str"},
            "code": {"type": "dict"},
            "image_uri": {"type": "str"},
            "role": {"type": "str"},
            "subnets": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_arn": {"type": "str", "no_log": False},
            "layers": {"type": "list", "elements": "str"},
            "replace": {"type": "dict"},
            "event_sources": {"type": "dict"},
            "starting_position": {"type": "str", "choices": ["LATEST", "TRIM_HORIZON"]},
            "regions": {"type": "dict"},
            "reserved": {"type": "int"},
            "provisioned": {"type": "int"},
            "keep_versions": {"type": "int", "default": 3},
        },
        LambdaFunctionDrill(),
    )


if __name__ == "__main__":
    main()
