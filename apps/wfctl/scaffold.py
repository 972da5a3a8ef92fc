"""The files of a new module type, made from templates: a small type that works, to be changed into another.

Which files a type has is told in `apps/modules/README.md`, and `tests/contract/test_catalog.py` holds to it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from apps.engine.graph import CATEGORY_OF_PREFIX
from apps.engine.module import Category
from apps.wfctl.scaffold_texts import EXAMPLE, SOURCE, TEST

KIND = re.compile(r"[a-z]+(?:\.[a-z0-9_]+)+")
LONGEST_KIND = 60
CATALOG = Path("apps/modules/catalog")
UNIT_TESTS = Path("tests/unit/modules/catalog")
EXAMPLES = Path("examples/modules")
FROZEN_LIST = Path("tests/contract/test_catalog.py")
FROZEN, END = "FROZEN = {", "}"
KEYS = "field"  # of the template's config
_ENTRY = re.compile(r'    "(?P<kind>[^"]+)": ')


class CannotMake(Exception):
    """The type cannot be made; `is_taken` when something of its name is there."""

    def __init__(self, message: str, *, is_taken: bool = False) -> None:
        super().__init__(message)
        self.is_taken = is_taken


@dataclass(frozen=True, slots=True)
class NewType:
    """A type to be made."""

    kind: str
    category: Category
    title: str

    @property
    def stem(self) -> str:
        """The name of its files."""
        return self.kind.replace(".", "_")

    @property
    def test(self) -> Path:
        """Its unit test."""
        return UNIT_TESTS / self.category.value / f"test_{self.stem}.py"


def new_type(kind: str, category: Category | None = None, title: str = "") -> NewType:
    """Return the type to make; raise `CannotMake` when the name has another form or its category is not known."""
    if not KIND.fullmatch(kind) or len(kind) > LONGEST_KIND:
        raise CannotMake(f"{kind!r} is no kind: write lower-case words with dots between, as webhook.receiver")
    prefix = kind.partition(".")[0]
    if category is None:
        if prefix not in CATEGORY_OF_PREFIX:
            raise CannotMake(f"no category follows from {prefix!r}: name one with --category")
        category = Category(CATEGORY_OF_PREFIX[prefix])
    words = " ".join(re.split(r"[._]", kind))
    wanted = " ".join(each for each in title.split() if each.isprintable()).replace('"', "'").replace("\\", "/")
    return NewType(kind, category, wanted or words.capitalize())


def make(asked: NewType, root: Path) -> list[str]:
    """Write the files below a checkout and return their names; raise `CannotMake` before anything is written."""
    frozen = root / FROZEN_LIST
    if not (root / CATALOG).is_dir() or not frozen.is_file():
        raise CannotMake(f"there is no catalogue below {root.resolve()}: call this in a checkout, or say --into")
    listed = with_frozen_line(frozen.read_text(encoding="utf-8"), asked.kind)
    files = _files(asked)
    for name in files:
        if (root / name).exists():
            raise CannotMake(f"{name} exists", is_taken=True)
    for folder in (CATALOG / asked.category.value, UNIT_TESTS / asked.category.value):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "__init__.py").touch()
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    frozen.write_text(listed, encoding="utf-8")
    return [*map(str, files), str(FROZEN_LIST)]


def with_frozen_line(text: str, kind: str) -> str:
    """Return the contract tests with the kind in their frozen list, in the order of names."""
    lines = text.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip() == FROZEN), None)
    if first is None:
        raise CannotMake(f"{FROZEN_LIST} has no {FROZEN.partition(' ')[0]} to add a line to")
    for number in range(first + 1, len(lines)):
        entry = _ENTRY.match(lines[number])
        if entry is not None and entry["kind"] == kind:
            raise CannotMake(f"{kind!r} is in the frozen list", is_taken=True)
        if lines[number].rstrip() == END or (entry is not None and entry["kind"] > kind):
            return "".join([*lines[:number], f'    "{kind}": "{KEYS}",\n', *lines[number:]])
    raise CannotMake(f"the frozen list of {FROZEN_LIST} has no end")


def _files(asked: NewType) -> dict[Path, str]:
    words = {
        "kind": asked.kind,
        "stem": asked.stem,
        "title": asked.title,
        "category": asked.category.value,
        "CATEGORY": asked.category.name,
        "Class": "".join(part.capitalize() for part in asked.stem.split("_")),
    }
    templates = {
        CATALOG / asked.category.value / f"{asked.stem}.py": SOURCE,
        asked.test: TEST,
        EXAMPLES / f"{asked.stem}.yaml": EXAMPLE,
    }
    return {name: Template(text).substitute(words) for name, text in templates.items()}
