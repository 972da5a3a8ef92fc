"""Documents of ill will: small texts that would grow, large ones that would take long, bytes that are no text.

Each maker takes a number from 0 to 1 that says how large it is to be; at 1 the text is about the size of the cap.
"""

import json
from collections.abc import Callable, Iterator
from random import Random

from apps.engine.yamlreader import Limits
from apps.modules.management.fuzzing.case import Case, Wanted

LIMITS = Limits()
ROOM = LIMITS.text_bytes - 4096
LONG_LINE = 100_000
MANY_MODULES = 10_000
HEAD = """\
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
"""

Maker = Callable[[float], Case]


def bomb(size: float) -> Case:
    """Aliases of aliases: a few lines that stand for billions of values."""
    levels = 10 + int(size * 60)
    lines = ['a0: &a0 ["x", "x", "x", "x", "x", "x", "x", "x", "x"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return Case("bomb", "\n".join(lines).encode(), Wanted.FINDING)


def text_bomb(size: float) -> Case:
    """One long text, meant many times over."""
    long = "x" * int(1_000 + size * ROOM / 2)
    count = 1 + 2 * LIMITS.expanded_characters // len(long)
    return Case("text_bomb", f"a: &a {long}\nb: [{', '.join(['*a'] * count)}]".encode(), Wanted.FINDING)


def cycle(size: float) -> Case:
    """A list that holds itself, or modules that depend on each other in a ring."""
    if size < 0.3:
        return Case("cycle", b"modules: &m [*m]\n", Wanted.FINDING)
    count = int(size * MANY_MODULES)
    lines = [f"  - {{name: m{n}, type: http.handler, dependsOn: [m{(n + 1) % count}]}}" for n in range(count)]
    return Case("cycle", ("modules:\n" + "\n".join(lines)).encode(), Wanted.FINDING)


def pipeline_cycle(size: float) -> Case:
    """Pipelines that use each other in a ring."""
    count = 1 + int(size * 4_000)
    lines = [f"    p{n}: {{steps: [{{uses: p{(n + 1) % count}}}]}}" for n in range(count)]
    return Case("pipeline_cycle", ("workflows:\n  pipelines:\n" + "\n".join(lines)).encode(), Wanted.FINDING)


def pipeline_bomb(size: float) -> Case:
    """Pipelines that use the one before twice: as many steps as two to the number of them."""
    count = 20 + int(size * 70)
    lines = ["    p0: {steps: [{set: {a: 1}}, {set: {b: 2}}]}"]
    lines += [f"    p{n}: {{steps: [{{uses: p{n - 1}}}, {{uses: p{n - 1}}}]}}" for n in range(1, count)]
    return Case("pipeline_bomb", ("workflows:\n  pipelines:\n" + "\n".join(lines)).encode(), Wanted.FINDING)


def duplicate_keys(size: float) -> Case:
    """One key, again and again."""
    return Case("duplicate_keys", ("a: 1\n" * max(2, int(size * ROOM / 5))).encode(), Wanted.FINDING)


def deep(size: float) -> Case:
    """Lists in lists in lists, or maps in maps."""
    levels = LIMITS.depth + 1 + int(size * (ROOM / 6 - LIMITS.depth))
    text = "[" * levels + "]" * levels if size < 0.5 else '{"a":' * (levels // 2) + "1" + "}" * (levels // 2)
    return Case("deep", text.encode(), Wanted.FINDING)


def many_modules(size: float) -> Case:
    """Ten thousand modules, one of which is of no type."""
    count = max(1, int(size * MANY_MODULES))
    lines = [f"  - {{name: m{n}, type: http.handler, config: {{status: {200 + n % 300}}}}}" for n in range(count)]
    lines.insert(count // 2, "  - {name: odd, type: http.handelr}")
    return Case("many_modules", (HEAD + "\n".join(lines)).encode(), Wanted.FINDING)


def many_good_modules(size: float) -> Case:
    """As many modules, all of them in order."""
    count = max(1, int(size * MANY_MODULES))
    lines = [f"  - {{name: m{n}, type: http.handler, dependsOn: [router]}}" for n in range(count)]
    return Case("many_good_modules", (HEAD + "\n".join(lines)).encode(), Wanted.CLEAN)


def many_unknown(size: float) -> Case:
    """Names that refer to nothing, each near many others."""
    count = max(1, int(size * 6_000))
    lines = [
        f"  - {{name: n{n:05}, type: http.hander, dependsOn: [n{n + 1:05}x], config: {{k{n}: 1}}}}"
        for n in range(count)
    ]
    return Case("many_unknown", ("modules:\n" + "\n".join(lines)).encode(), Wanted.FINDING)


def long_line(size: float) -> Case:
    """A line of a hundred thousand characters and more, with a fault at its end."""
    filling = "x" * int(LONG_LINE + size * (ROOM - LONG_LINE))
    text = f"modules: [{{name: a, type: http.handler, config: {{body: {filling}, stauts: 200}}}}]"
    return Case("long_line", text.encode(), Wanted.FINDING)


def long_expression(size: float) -> Case:
    """An expression that goes on and on."""
    terms = " + ".join(["data.a"] * max(1, int(size * ROOM / 9)))
    text = f"workflows: {{pipelines: {{p: {{steps: [{{set: {{a: '${{{terms}}}'}}}}]}}}}}}"
    return Case("long_expression", text.encode())


def nested_expression(size: float) -> Case:
    """An expression of brackets in brackets."""
    levels = 10 + int(size * 100_000)
    text = f"workflows: {{pipelines: {{p: {{steps: [{{if: '{'(' * levels}a{')' * levels}', then: []}}]}}}}}}"
    return Case("nested_expression", text.encode())


def nul_bytes(size: float) -> Case:
    """A NUL where a text stands."""
    return Case("nul_bytes", HEAD.encode() + b"\x00" * max(1, int(size * 1_000)) + b"\n", Wanted.FINDING)


def wrong_encoding(size: float) -> Case:
    """Bytes that are no UTF-8: Latin-1, half a character, a lone surrogate."""
    tails = (b"caf\xe9", b"\xe2\x82", b"\xed\xa0\x80", b"\xff\xff", b"\xc0\xaf")
    return Case("wrong_encoding", HEAD.encode() + b"name: " + tails[int(size * 4.999)] + b"\n", Wanted.FINDING)


def other_encoding(size: float) -> Case:
    """A good document in another encoding, with and without its mark."""
    names = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")
    return Case("other_encoding", HEAD.encode(names[int(size * 4.999)]))


def too_large(size: float) -> Case:
    """More than the cap."""
    return Case("too_large", HEAD.encode() + b"# " + b"x" * int(LIMITS.text_bytes * (1 + size)), Wanted.FINDING)


def many_numbers(size: float) -> Case:
    """As many values as fit, in a list that nothing reads."""
    return Case("many_numbers", json.dumps({"x": [7] * int(1 + size * ROOM / 3)}).encode(), Wanted.ANYTHING)


def long_numbers(size: float) -> Case:
    """Numbers of very many digits, where a number is read."""
    digits = "9" * max(1, int(size * ROOM))
    text = f"modules: [{{name: a, type: http.handler, config: {{status: {digits}}}}}]"
    return Case("long_numbers", text.encode(), Wanted.FINDING)


MAKERS: tuple[Maker, ...] = (
    bomb, text_bomb, cycle, pipeline_cycle, pipeline_bomb, duplicate_keys, deep, many_modules, many_good_modules,
    many_unknown, long_line, long_expression, nested_expression, nul_bytes, wrong_encoding, other_encoding, too_large,
    many_numbers, long_numbers,
)  # fmt: skip


def hostile_cases(seed: int, count: int) -> Iterator[Case]:
    """Return the hostile documents of a seed: the makers in turn, every other one at its full size."""
    chance = Random(seed)  # noqa: S311 - to be repeated, not to be guessed
    for number in range(seed * count, seed * count + count):
        size = 1.0 if chance.random() < 0.5 else chance.random()
        yield MAKERS[number % len(MAKERS)](size)
