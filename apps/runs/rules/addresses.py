"""Public addresses of workflows (data.md 10): which tenant, environment and workflow a host and a path mean."""

from dataclasses import dataclass, field
from functools import lru_cache

PREFIX = "/w/"
PRODUCTION = "prod"
ENVIRONMENT_MARK = "~"
HOST_MARK = "--"


@dataclass(frozen=True, slots=True)
class Target:
    """What an address names; `base` is the part of the path before the workflow's own routes."""

    tenant: str
    environment: str
    workflow: str
    base: str
    address: tuple[str, str, str] = field(init=False)  # what applications are found by

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", (self.tenant, self.environment, self.workflow))


@lru_cache(maxsize=16_384)
def target_of_path(base: str) -> Target | None:
    """Read `/w/<tenant>/<workflow>` or `/w/<tenant>/<environment>~<workflow>`; None for anything else."""
    parts = base.split("/")
    if len(parts) != 4 or not parts[2] or not parts[3]:
        return None
    environment, mark, workflow = parts[3].partition(ENVIRONMENT_MARK)
    if not mark:
        environment, workflow = PRODUCTION, parts[3]
    return Target(parts[2], environment, workflow, base) if environment and workflow else None


def split_path(path: str) -> tuple[str, str]:
    """Split `/w/<tenant>/<workflow>/...` into that base and the rest, which begins with a slash."""
    parts = path.split("/", 4)
    return (path[: -len(parts[4]) - 1], "/" + parts[4]) if len(parts) == 5 else (path, "/")


@lru_cache(maxsize=16_384)
def tenant_of_host(host: str, base_host: str) -> tuple[str, str] | None:
    """Read `<tenant>.<base>` or `<environment>--<tenant>.<base>`: (tenant, environment), None for other hosts."""
    name = host.rsplit(":", 1)[0].lower() if not host.endswith("]") else host
    if not name.endswith("." + base_host):
        return None
    label = name[: -len(base_host) - 1]
    if not label or "." in label:
        return None
    environment, mark, tenant = label.partition(HOST_MARK)
    return (tenant, environment) if mark and tenant and environment else (label, PRODUCTION)


def target_of_host(host: str, path: str, base_host: str) -> tuple[Target, str] | None:
    """Read a tenant's host and the path under it, whose first segment is the workflow."""
    found = tenant_of_host(host, base_host)
    if found is None:
        return None
    workflow, slash, rest = path.removeprefix("/").partition("/")
    return Target(found[0], found[1], workflow, f"/{workflow}"), slash + rest or "/"
