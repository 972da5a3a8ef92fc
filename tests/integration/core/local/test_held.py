"""A preloaded process holds the product's own code only as it is on disk."""

import subprocess
import sys

import pytest

from apps.core.management.local.children import Program, spawn
from apps.core.management.local.forked import Forked
from apps.core.management.local.held import Held
from apps.core.management.local.preload import Preloaded
from tests.support.checkout import ROOT

pytestmark = pytest.mark.spec("SPINE-B2")

SHOWS = """
import sys
was_there = "shop.goods.book" in sys.modules
from shop import goods
from shop.goods import book
print(was_there, book.PRICE, sorted(vars(goods).keys() & {"book", "pen"}))
"""


class Shop:
    """A package `shop.goods` on disk, and a process that has loaded it."""

    def __init__(self, folder):
        self.goods = folder / "shop/goods"
        self.goods.mkdir(parents=True)
        (folder / "shop/__init__.py").touch()
        (self.goods / "__init__.py").touch()
        self.write("book", "PRICE = 1")
        (folder / "shows.py").write_text(SHOWS)
        self.folder = folder
        self.environment = {"PYTHONPATH": f"{ROOT}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
        self.preloaded = Preloaded(["shop.goods.*"], ROOT, self.environment)
        self.server = None

    def write(self, name, text):
        """Change or add a module."""
        (self.goods / f"{name}.py").write_text(text)

    def open(self):
        """Have it loaded."""
        self.server = spawn(self.preloaded.program(), subprocess.DEVNULL)
        assert self.preloaded.is_ready(60)

    def shown(self):
        """Return what a program out of the process finds, and how it ended."""
        command = [sys.executable, str(self.folder / "shows.py")]
        child = spawn(Program(command, self.environment, self.folder, preloaded=self.preloaded), subprocess.PIPE)
        assert isinstance(child, Forked)
        with child.stdout as output:
            said = output.read().decode().strip()
        return said, child.wait(20)

    def close(self):
        """Let the process end."""
        self.preloaded.close()
        assert self.server.wait(10) == 0


@pytest.fixture
def shop(tmp_path):
    """One whose process is still to be started."""
    made = Shop(tmp_path)
    yield made
    made.close()


def test_code_that_is_as_it_was_is_there_already(shop):
    shop.open()
    assert shop.shown() == ("True 1 ['book']", 0)
    assert shop.shown() == ("True 1 ['book']", 0)


def test_a_changed_file_is_found_as_it_is_on_disk(shop):
    shop.open()
    shop.write("book", "PRICE = 2")
    assert shop.shown() == ("False 2 ['book']", 0)


def test_an_added_file_has_all_of_the_package_loaded_again(shop):
    shop.open()
    shop.write("pen", "")
    assert shop.shown() == ("False 1 ['book']", 0)


def test_a_file_that_was_removed_is_not_there_for_programs_either(shop):
    shop.write("pen", "")
    shop.open()
    assert shop.shown() == ("True 1 ['book', 'pen']", 0)
    (shop.goods / "pen.py").unlink()
    assert shop.shown() == ("False 1 ['book']", 0)


def test_code_that_cannot_be_loaded_is_told_by_the_programs_and_found_once_it_is_mended(shop):
    shop.write("book", "PRICE = 1 / 0")
    shop.open()
    said, code = shop.shown()
    assert code == 1
    assert "ZeroDivisionError" in said
    shop.write("book", "PRICE = 3")
    assert shop.shown() == ("False 3 ['book']", 0)


def test_what_a_held_module_loads_of_the_product_is_held_as_long(shop):
    (shop.folder / "shop/till.py").write_text("from shop.goods import book")
    shop.preloaded = Preloaded(["shop.till.*"], ROOT, shop.environment)
    shop.open()
    shop.write("pen", "")  # loaded by nobody
    assert shop.shown() == ("True 1 ['book']", 0)
    shop.write("book", "PRICE = 2")
    assert shop.shown() == ("False 2 ['book']", 0)


@pytest.fixture
def kiosk(tmp_path, monkeypatch):
    """A package for this very process to hold."""
    folder = tmp_path / "kiosk"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "paper.py").write_text("PRICE = 1")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def named(name):
    """Return what is loaded of that name."""
    return sorted(module for module in sys.modules if module.startswith(name))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "paper.py").write_text("PRICE = 22"),
        lambda folder: (folder / "paper.py").unlink(),
        lambda folder: (folder / "map.py").touch(),
    ],
)
def test_it_is_held_until_a_file_is_changed_removed_or_added(kiosk, change):
    held = Held(["kiosk"])
    held.load()
    held.look_again()
    assert named("kiosk") == ["kiosk", "kiosk.paper"]
    change(kiosk)
    held.look_again()
    assert named("kiosk") == []


def test_nothing_is_held_when_a_part_cannot_be_loaded(kiosk):
    (kiosk / "map.py").write_text("1 / 0")
    held = Held(["kiosk"])
    held.load()
    assert named("kiosk") == []
    held.look_again()


def test_a_package_that_is_not_there_is_nothing_to_hold():
    held = Held(["nothing_of_this_name.at_all"])
    held.load()
    held.look_again()
    assert named("nothing_of_this_name") == []
