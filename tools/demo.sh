#!/usr/bin/env bash
# The main job, from nothing: an estate fails over to another region with its own region gone. Everything is simulated.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" PYTHONUNBUFFERED=1
log=$(mktemp)
cache=$(mktemp -d)
export ANSIBLE_INVENTORY_CACHE_CONNECTION="$cache"
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

say "A simulated AWS with the estate acme: three accounts, us-east-1 serves, us-west-2 stands by (600 times as fast as AWS)"
python -m sandbox serve --estate acme --scale 600 --port "${PORT:-0}" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$log" "$cache"' EXIT
for _ in $(seq 300); do
  grep -q EC2_METADATA "$log" && break
  kill -0 "$server" 2>/dev/null || { cat "$log"; exit 1; }
  sleep 0.2
done
cat "$log"
eval "$(grep '^export' "$log")"
python tools/what_serves.py

estate=(-i inventories/acme.dr_aws.yml -e customer=acme -e environment=production -e primary_region=us-east-1 -e dr_region=us-west-2)

say "Readiness, while all is well: what a failover needs is captured in us-west-2"
ansible-playbook playbooks/readiness.yml "${estate[@]}"

say "us-east-1 goes dark: every connection to it is reset"
python - <<'PYTHON'
import json, os, urllib.request

fault = json.dumps({"match": {"region": "us-east-1"}, "effect": "reset"}).encode()
urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_sandbox/faults", data=fault).read()
PYTHON

say "Failover, unplanned"
ansible-playbook playbooks/failover.yml "${estate[@]}" -e mode=unplanned -e approval_mode=automatic

say "What serves now, asked by plain boto3 in us-west-2"
python tools/what_serves.py us-west-2
say "Done. All of this was simulated: durations are the sandbox's, not yours."
