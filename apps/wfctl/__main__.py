"""`python -m apps.wfctl`."""

from apps.wfctl.cli import app

if __name__ == "__main__":
    app(prog_name="wfctl")
