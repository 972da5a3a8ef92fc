"""The SQLite adapters pass the suite that the Postgres adapters pass."""

from typing import Any
from uuid import UUID

import pytest

from apps.engine.local.host import LocalHost
from apps.engine.local.store import decode
from tests.support.port_suite import PortSuite


class _Shown(LocalHost):
    async def messages(self, tenant: str) -> list[dict[str, Any]]:
        return self.queue.messages(tenant)

    async def runs(self, tenant: str) -> list[dict[str, Any]]:
        return self.queue.runs(tenant)

    async def ledger(self, tenant: str, step_id: UUID, attempt: int) -> tuple[bool, Any]:
        row = self.store.row(
            "select receipt from effect where scope = ? and step_id = ? and attempt = ?",
            (tenant, str(step_id), attempt),
        )
        return row is not None, None if row is None else decode(row["receipt"])


@pytest.mark.spec("SPINE-B4", "SPINE-B4.5")
class TestLocalPorts(PortSuite):
    @pytest.fixture(params=["memory", "file"])
    async def host(self, request, tmp_path):
        host = _Shown(":memory:" if request.param == "memory" else str(tmp_path / "weft.db"))
        yield host
        await host.close()

    @pytest.fixture
    def tenants(self) -> tuple[str, str]:
        return "acme", "globex"
