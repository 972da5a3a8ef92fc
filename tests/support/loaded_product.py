"""Loads what all measured runs of the tests load into a preloaded process: taking the product apart costs each seconds.

Of the product only what knows no settings, because each run has its own.
"""

from importlib import import_module
from pkgutil import walk_packages

from tests.support.measuring import measuring_product

measuring_product()
import_module("apps.engine.memory").collect_rarely()
loaded = import_module("apps.core.management.local.packages")
for name in loaded.PACKAGES:
    import_module(name)
for name in loaded.OURS:
    for module in walk_packages(import_module(name).__path__, f"{name}."):
        import_module(module.name)
