# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends an execution: its last state, the lock released, a summary that a person understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import drilled, protection, window
from ansible_collections.dr.aws.plugins.module_utils.approvals import TIMEOUT_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.evidence import AT_REST
from ansible_collections.dr.aws.plugins.module_utils.history import learn
from ansible_collections.dr.aws.plugins.module_utils.report.facts import build
from ansible_collections.dr.aws.plugins.module_utils.report.keeping import keep
from ansible_collections.dr.aws.plugins.module_utils.report.reading import read
from ansible_collections.dr.aws.plugins.module_utils.run import Control, Run
from ansible_collections.dr.aws.plugins.module_utils.status import reprotect_command
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.handover import finish, hand_over, hands_over
from ansible_collections.dr.aws.plugins.plugin_utils.protection_view import lines as protected_lines
from ansible_collections.dr.aws.plugins.plugin_utils.summary import lines


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution": {"type": "dict", "required": True},
        "failed": {"type": "str"},
        "approval_timeout_seconds": {"type": "int", "default": TIMEOUT_SECONDS},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """COMPLETED, or FAILED with what `failed` says, and then fails; an end or a pause that is recorded already stays."""
        failed = options["failed"]
        name = options["execution"]["execution_id"]
        if not name:
            if failed:
                raise DrError(failed)
            self.say("check mode: nothing was changed, nothing was stored")
            return {"changed": False, "status": "not started"}
        try:
            run = Run.attach(options["control"], options["execution"])
        except DrError as error:
            if not failed:
                raise
            self._report(Control(options["control"]).store, name, str(options["execution"].get("caller") or ""))
            raise DrError(failed) from error
        if hands_over(options["execution"]) and not failed:
            return hand_over(self, run, options["approval_timeout_seconds"])
        findings = ""
        if run.record["status"] == "RUNNING":
            findings = self._findings(run)
            failed = failed or findings
            status = "FAILED" if failed else "COMPLETED"
            if status == "COMPLETED" and run.plan:
                learn(run.store, name, run.plan)
                window.begin(run)
            if run.parameters.drill:
                drilled.record(run.store, run.parameters.customer, run.parameters.environment, name)
            run.change({"status": status}, f"execution_{status.lower()}", why=failed or "")
            with run.control.metrics.timing("StatusQueryTime"):
                summary = run.store.status(name, limit=None)
            run.notify(
                f"execution_{status.lower()}",
                text=failed or "",
                failures=summary["failed_resources"],
                remedy=run.resume_command() if failed else "",
            )
            if summary["debts"]:
                owed = [{**debt, "why": debt["text"]} for debt in summary["debts"]]
                run.notify("fence_debt", failures=owed, remedy=f"when the region answers: {reprotect_command(run.record)}")
            self._measure(run, summary)
            run.publish()
        self.warn(run.secure())
        if not failed:
            finish(run)
        run.leave()
        summary = run.store.status(name, limit=None)
        for text, color in lines(summary, run.elapsed_seconds()):
            self.say(text, color=color, event="summary", execution_id=name, state=summary["status"])
        reports = self._report(run.store, name, str(run.record["created_by"]))
        protected = self._protected(run)
        for text, color in protected_lines(protected, run.parameters):
            self.say(text, color=color, event="summary", execution_id=name)
        if failed:
            raise DrError(f"execution {name} is {summary['status']}{findings}", summary["resume"] or "")
        return {
            "changed": False,
            "status": summary["status"],
            "summary": summary,
            "protection": [one.to_json() for one in protected],
            "reports": reports,
        }

    def _report(self, store: Store, name: str, actor: str) -> list[dict[str, str]]:
        """Stores the report as evidence and says where. That it could not be done changes nothing about how the execution ended.

        None is made while another run works on the execution: it will be that one's.
        """
        try:
            report = build(read(store, name))
            kept = keep(store, report, actor) if report["execution"]["status"] in AT_REST else []
        except Exception as error:  # also a defect of the report
            again = f"ansible-playbook dr.aws.report -e execution_id={name} -e report_store=true"
            self.say(f"  ! no report was stored: {type(error).__name__}: {error}. Next: {again}", color="yellow")
            return []
        for one in kept:
            self.say(f"  report: s3://{store.bucket}/{one['s3']}")
        return kept

    @staticmethod
    def _measure(run: Run, summary: Mapping[str, Any]) -> None:
        """The metrics of an execution that has just ended."""
        metrics = run.control.metrics
        metrics.add("ExecutionDuration", run.elapsed_seconds())
        metrics.add("ExecutionsFailed", int(summary["status"] == "FAILED"))
        metrics.add("FenceDebts", len(summary["debts"]))
        if summary["rto"] and not run.parameters.drill:
            metrics.add("RtoMissed", summary["rto"]["missed"])

    @staticmethod
    def _protected(run: Run) -> list[protection.Protection]:
        """How what went home, or stayed where it serves, is protected; nothing of what did not get that far."""
        known = run.journal.known("replicate") if run.parameters.operation in ("failback", "reprotect") else {}
        return protection.ended(run.plan, known) if run.plan and known else []

    @staticmethod
    def _findings(run: Run) -> str:
        """What a drill or a reprotection found: both go on to their end, and have failed then."""
        if run.parameters.reprotects:
            left = {one["resource"] for one in run.store.status(run.execution_id, limit=None)["failed_resources"]}
            return f": {len(left)} of {run.record['resource_count']} resources are not in order" if left else ""
        if not run.parameters.drill:
            return ""
        number = len({one["resource"] for one in run.store.status(run.execution_id, limit=None)["failed_resources"]})
        failed = [key for key, one in run.journal.errands().items() if one["state"] == "failed"]
        said = [f"the drill found faults in {number} of {run.record['resource_count']} resources"] if number else []
        return "".join(f": {one}" for one in said + [f"{key} failed" for key in sorted(failed)])
