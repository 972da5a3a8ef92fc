"""Loads `wfctl` with all its verbs and module types into a preloaded process, measured where programs are."""

import os
from importlib import import_module

from tests.support.measured_child import MEASURED
from tests.support.measuring import measuring_program

if MEASURED in os.environ:
    measuring_program("apps/wfctl")
for name in ("apps.wfctl.cli", "apps.wfctl.serving"):
    import_module(name)
import_module("apps.wfctl.reading").registry()
