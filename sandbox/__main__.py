# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m sandbox serve | estate | rehearse | api | ledger"""

from __future__ import annotations

import argparse
import sys

import yaml

from . import ledger
from .api import command as api
from .estate import EstateError, environment, load
from .gateway import Gateway
from .generate import generate
from .rehearsal import command as rehearsal
from .server import Server


def main(arguments: list[str] | None = None) -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A simulated AWS. Everything it answers is simulated.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve an estate on 127.0.0.1")
    serve.add_argument("--estate", default="acme", help="estate file, or the name of a shipped one (acme)")
    serve.add_argument("--port", type=int, default=5610, help="0 takes a free one")
    serve.add_argument(
        "--scale", type=float, default=1.0, help="simulated seconds per real second; 0: only by POST /_sandbox/clock"
    )
    serve.add_argument("--audit", action="store_true", help="refuse corrected answers that break AWS's model")
    estate = commands.add_parser("estate", help="write an estate of N resources")
    estate.add_argument("--resources", type=int, required=True)
    estate.add_argument("--accounts", type=int, default=3)
    estate.add_argument("--technology", action="append", help="ecs, rds or route53; may be repeated, default ecs")
    estate.add_argument("--waves", type=int, default=1)
    estate.add_argument("--customer", default="acme")
    table = commands.add_parser("ledger", help="write the table of operations into sandbox/README.md")
    table.add_argument("--check", action="store_true", help="only say whether it is current")
    rehearsal.add(commands.add_parser("rehearse", help="fail the estate of a readiness snapshot over, on simulated time"))
    api.add(commands.add_parser("api", help="the product's API in front of a simulated AWS"))
    options = parser.parse_args(arguments)
    return {"serve": _serve, "estate": _estate, "rehearse": rehearsal.run, "api": api.run, "ledger": _ledger}[options.command](
        options
    )


def _serve(options: argparse.Namespace) -> int:

    gateway = Gateway(options.scale, audit=options.audit)
    try:
        estate = load(gateway, options.estate)
        server = Server(gateway, options.port)
    except (EstateError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    print(f"sandbox: simulated AWS with estate {estate['name']} on {server.endpoint}")
    print(
        "".join(f"export {name}={value}\n" for name, value in environment(gateway, server.endpoint).items()),
        end="",
        flush=True,
    )
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        print("sandbox: stopped")
    return 0


def _estate(options: argparse.Namespace) -> int:

    made = generate(options.resources, options.accounts, options.technology or ["ecs"], options.waves, options.customer)
    yaml.dump(made, sys.stdout, sort_keys=False, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    return 0


def _ledger(options: argparse.Namespace) -> int:

    if options.check:
        return 0 if ledger.current() else 1
    ledger.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
