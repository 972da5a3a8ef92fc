"""How long expressions and templates take: `python -m tests.load.bench_expressions` prints microseconds each."""

import sys
import timeit

from apps.engine.expressions import compile_expression, compile_template

NAMES = {
    "data": {
        "amount": 12.5,
        "qty": 3,
        "name": "Ada",
        "vip": True,
        "address": {"city": "Oslo"},
        "items": [{"sku": f"s{n}", "qty": n, "price": 1.5} for n in range(50)],
    },
    "steps": {"check-customer": {"id": 4}},
    "input": {},
    "request": None,
    "run": {"id": "r"},
    "error": None,
}
EXPRESSIONS = [
    "data.amount",
    "data.address.city",
    "steps.check-customer.id",
    "order.amount",
    "items.length",
    "data.amount * 1.2",
    "data.qty * 1.2",
    "data.amount > 100.0",
    "data.amount > 3.0 && data.qty == 3 || data.name == 'x'",
    "data.vip ? 'gold' : 'plain'",
    "items.all(i, i.qty >= 0)",
    "items.map(i, i.qty * i.price)",
]
TEMPLATES = [
    {"source": "bench", "version": 1},
    {"total": "${data.amount * 1.2}"},
    "Order of ${data.name}: ${data.amount}",
    {"customer": "${name}", "lines": "${items}", "note": "for ${name}", "fixed": [1, 2, 3]},
]


def microseconds(call: object) -> float:
    """The best of five rounds."""
    timer = timeit.Timer(call)
    rounds, _ = timer.autorange()
    return min(timer.repeat(5, max(1, rounds // 5))) / max(1, rounds // 5) * 1e6


def main() -> None:
    """Measure and print everything."""
    for text in EXPRESSIONS:
        evaluate = compile_expression(text).evaluate
        sys.stdout.write(f"{microseconds(lambda run=evaluate: run(NAMES)):9.3f}  {text}\n")
    for tree in TEMPLATES:
        evaluate = compile_template(tree).evaluate
        sys.stdout.write(f"{microseconds(lambda run=evaluate: run(NAMES)):9.3f}  {tree}\n")


if __name__ == "__main__":
    main()
