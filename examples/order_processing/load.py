"""Post orders of every kind at a running product while its processes are killed, then count what became of each.

    python3 examples/order_processing/load.py --orders 1000 --kills 20 --check

Valid, invalid, duplicate (same Idempotency-Key), oversized and malformed orders go to both demo tenants. At seeded
moments, and only when the database shows a step claimed by a live worker, web and worker are killed (SIGKILL) in turn;
the supervisor of `manage.py dev` brings them back. What got no answer is sent again with the same key. Every order
bears the tag of its load, so what the database and the partner hold is compared with what was accepted, both ways.
Prints one JSON object; with `--check`, exits 1 when anything was lost, doubled or left without a final state.
"""

import argparse
import json
import os
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

try:
    import psycopg  # noqa: F401 - only to learn whether this interpreter is the product's
except ImportError:
    product_python = ROOT / ".venv" / "bin" / "python"
    if not product_python.exists() or Path(sys.executable).resolve() == product_python.resolve():
        sys.exit("Run `python3 manage.py dev` first: it makes the environment this script needs.")
    os.execv(product_python, [str(product_python), *sys.argv])  # noqa: S606 - same script, the product's interpreter

from examples.order_processing.load_test.killer import Killer
from examples.order_processing.load_test.product import Product
from examples.order_processing.load_test.report import Load, build_report
from examples.order_processing.load_test.sender import send_all


def main() -> int:
    """Send, kill, wait, count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=16)
    parser.add_argument("--settle", type=float, default=600.0, help="seconds to wait for the last order to end")
    parser.add_argument("--state", type=Path, default=ROOT / ".weft" / "dev.json", help="written by `manage.py dev`")
    parser.add_argument("--check", action="store_true", help="exit 1 on any loss")
    options = parser.parse_args()

    product = Product(options.state)
    chance = random.Random(options.seed)  # noqa: S311 - a seeded load, not a secret
    load = Load(product, options.orders, chance)
    killer = Killer(product, options.kills, len(load.orders), chance)
    replies = send_all(product, load.orders, options.parallel, on_progress=killer.at)
    killer.finish()
    report = build_report(load, replies, killer, settle_seconds=options.settle)
    sys.stdout.write(json.dumps(report.as_dict(), indent=2) + "\n")
    return 1 if options.check and report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
