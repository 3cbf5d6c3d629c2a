#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Reports of an execution, or of all of a quarter
version_added: 0.1.0
description:
  - With O(execution_id), what happened in one failover or drill, with its times against the objectives, what failed and why, approvals,
    costs and the audit trail.
  - With O(customer) and O(environment), the compliance report over their executions of some days.
  - Written on the controller, as a page that needs nothing else, as JSON of a versioned shape (C(docs/report.md)), as JUnit XML and as CSV.
  - M(dr.aws.close) stores the report of every execution in the control plane's bucket by itself.
options:
  execution_id:
    description: The execution, by its ID or ARN.
    type: str
  customer:
    description: The customer of a compliance report. Needs O(environment).
    type: str
  environment:
    description: The environment of a compliance report. Needs O(customer).
    type: str
  since:
    description: The first day of a compliance report (YYYY-MM-DD, UTC). 91 days before O(until) when it is left out.
    type: str
  until:
    description: The last day of a compliance report (YYYY-MM-DD, UTC). Today when it is left out.
    type: str
    aliases: [last_day]
  dest:
    description: The folder for the files. It is made when it is not there; files of the same names are replaced.
    type: str
    default: .
  formats:
    description: What to write. All that there are when it is left out; a compliance report has no V(junit).
    type: list
    elements: str
    choices: [html, json, junit, csv]
  store:
    description: Also stores JSON and HTML in the control plane's bucket.
    type: bool
    default: false
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: See what happened
  dr.aws.report:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    dest: reports
  run_once: true

- name: Show a drill to a CI
  dr.aws.report:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    dest: reports
    formats: [junit]
  run_once: true

- name: Report a quarter
  dr.aws.report:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    customer: acme
    environment: production
    dest: reports
    store: true
  run_once: true
"""

RETURN = r"""
files:
  description: What was written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/home/ada/reports/dr-20261128T163000Z-7f3a9c.html, /home/ada/reports/dr-20261128T163000Z-7f3a9c.json]
name:
  description: What the files are called, without their suffixes.
  returned: success
  type: str
  sample: dr-20261128T163000Z-7f3a9c
stored:
  description: The objects that were stored, with their checksums.
  returned: success
  type: list
  elements: dict
  sample:
    - what: report of 2026-11-28T16:52:00Z (html)
      s3: reports/dr-20261128T163000Z-7f3a9c/20261128T165200Z.html
      sha256: 9b74c9897bac770ffc029102a200c5de…
"""
