"""`python -m apps.wfctl`."""

from apps.engine.memory import collect_rarely

if __name__ == "__main__":
    collect_rarely()
    from apps.wfctl.cli import app

    app(prog_name="wfctl")
