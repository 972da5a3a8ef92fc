"""Compiled applications, loaded on first use and dropped when told (data.md 8): what an address or a run needs."""

import asyncio
from collections import OrderedDict
from uuid import UUID

import structlog

from apps.core.changes import Cache, ChangeListener, Notice, listener
from apps.core.scope import SYSTEM, scope
from apps.engine.application import Application
from apps.engine.findings import DocumentRefused, SecretsRefused
from apps.engine.redaction import KnownSecrets
from apps.engine.secret_values import SecretValues
from apps.runs.adapters.known import known_secrets
from apps.runs.adapters.metrics import SampleBook
from apps.runs.adapters.place import Place
from apps.runs.adapters.threads import in_thread
from apps.tenants.queries import secret_values, secret_values_known, secrets_version
from apps.workflows.queries.compiling import compile_text
from apps.workflows.queries.live import (
    LiveDeployment,
    VersionText,
    deployment_live,
    deployment_live_by_id,
    version_by_id,
)

MOST_COMPILED = 2_000
MOST_TOLD = 10  # findings, in one line of the log
log = structlog.get_logger(__name__)
Address = tuple[str, str, str]  # tenant slug, environment, workflow slug
Key = tuple[str, int, SecretValues | None]  # of a compiled text: its digest, the secrets' version, the values in it


class Applications:
    """One per process. Places come from caches that NOTIFY empties; compiled applications are shared by their text.

    Where settled texts of a config hold secrets, they are shared by text and values, and read for the environment every
    time a place is made; what cannot be compiled with them is a `SecretsRefused` until they change.
    """

    def __init__(self, source: ChangeListener = listener) -> None:
        self._by_address: Cache[Place] = Cache("deployment", tag=_workflow, source=source)
        self._by_ids: Cache[Place] = Cache("deployment", tag=_workflow, source=source)
        self._versions: OrderedDict[tuple[UUID, UUID], Place] = OrderedDict()
        self._compiled: OrderedDict[Key, Application | SecretsRefused] = OrderedDict()
        self._compiling: dict[Key, asyncio.Future[Application | SecretsRefused]] = {}
        self._with_values: set[UUID] = set()  # environments of places that hold values
        self.samples = SampleBook()
        source.subscribe("tenant", self._tenant_changed)
        source.subscribe("deployment", self._secrets_changed)

    def known(self, address: Address) -> Place | None:
        """Return what an address serves when that is cached and may be believed."""
        return self._by_address.get(address)

    async def at(self, address: Address) -> Place | None:
        """Return what an address serves, None when it serves nothing."""

        async def find() -> Place | None:
            tenant, environment, workflow = address
            live = await in_thread(deployment_live, tenant_slug=tenant, environment=environment, workflow_slug=workflow)
            return None if live is None else await self._place(live, tenant)

        return await self._by_address.get_or_load_async(address, find)

    async def live(self, tenant_id: UUID, environment_id: UUID, workflow_id: UUID) -> Place | None:
        """Return what is live of a workflow in an environment."""

        async def find() -> Place | None:
            live = await in_thread(
                deployment_live_by_id, tenant_id=tenant_id, environment_id=environment_id, workflow_id=workflow_id
            )
            return None if live is None else await self._place(live, str(tenant_id))

        return await self._by_ids.get_or_load_async((tenant_id, environment_id, workflow_id), find)

    async def usable(self, tenant_id: UUID, environment_id: UUID, workflow_id: UUID) -> Place | None:
        """As `live`; None also where secrets keep the live version from being compiled, until they are set right."""
        try:
            return await self.live(tenant_id, environment_id, workflow_id)
        except SecretsRefused as refused:
            log.warning("workflow.secrets_refused", workflow_id=str(workflow_id), **places_of(refused))
            return None

    async def of_version(
        self, tenant_id: UUID, environment_id: UUID, workflow_id: UUID, version_id: UUID
    ) -> Place | None:
        """Return the place of a run that keeps its version, live or not."""
        live = await self.usable(tenant_id, environment_id, workflow_id)
        if live is not None and live.version_id == version_id:
            return live
        kept = self._versions.get((environment_id, version_id))
        if kept is not None and (live is None or kept.linked == live.linked):
            self._versions.move_to_end((environment_id, version_id))
            return kept
        text = await in_thread(version_by_id, tenant_id=tenant_id, version_id=version_id)
        if text is None:
            return None
        place = await self._old_place(text, environment_id, live)
        if not place.application.settled.filled_at:  # values may change, and no notice tells of those of old versions
            self._versions[environment_id, version_id] = place
            _shrink(self._versions, MOST_COMPILED)
        return place

    async def _place(self, live: LiveDeployment, tenant_slug: str) -> Place:
        where = (live.tenant_id, live.environment_id)
        application = await self._application(live.sha256, live.secrets_version, live.document, where)
        known = await _known(live.tenant_id, live.environment_id, live.secrets_version)
        application.values.use(known)
        return Place(
            live.tenant_id,
            tenant_slug,
            live.environment_id,
            live.environment,
            live.workflow_id,
            live.workflow_slug,
            live.version_id,
            live.version,
            application,
            self.samples.of((live.tenant_id, live.environment_id, live.workflow_id)),
            live.linked,
            known,
        )

    async def _old_place(self, text: VersionText, environment_id: UUID, live: Place | None) -> Place:
        application = await self._application(text.sha256, 0, text.document, (text.tenant_id, environment_id))
        known = live.known if live else await _known(text.tenant_id, environment_id, None)
        application.values.use(known)
        return Place(
            text.tenant_id,
            live.tenant_slug if live else str(text.tenant_id),
            environment_id,
            live.environment if live else str(environment_id),
            text.workflow_id,
            live.workflow_slug if live else str(text.workflow_id),
            text.version_id,
            text.version,
            application,
            self.samples.of((text.tenant_id, environment_id, text.workflow_id)),
            live.linked if live else text.linked,
            known,
        )

    async def _application(self, sha256: str, secrets_version: int, text: str, where: tuple[UUID, UUID]) -> Application:
        """Return the compiled text in an environment of a tenant; raise `SecretsRefused`."""
        found = await self._compile(text, (sha256, secrets_version, None))
        if isinstance(found, SecretsRefused):
            self._with_values.add(where[1])
            values = await in_thread(_values, *where, found.references)
            found = await self._compile(text, (sha256, secrets_version, values))
        if isinstance(found, SecretsRefused):
            raise SecretsRefused(found.findings, found.references)
        return found

    async def _compile(self, text: str, key: Key) -> Application | SecretsRefused:
        found = self._compiled.get(key)
        if found is not None:
            self._compiled.move_to_end(key)
            return found
        waiting = self._compiling.get(key)
        if waiting is None:
            waiting = asyncio.ensure_future(asyncio.to_thread(compiled, text, key[2]))
            self._compiling[key] = waiting
            waiting.add_done_callback(lambda _: self._compiling.pop(key, None))
        application = await asyncio.shield(waiting)
        self._compiled[key] = application
        _shrink(self._compiled, MOST_COMPILED)
        return application

    def _secrets_changed(self, notice: Notice | None) -> None:
        """Drop places that hold values when secrets of their environment have changed: such a notice has its id."""
        if notice is not None and notice.id in self._with_values:
            self._by_address.clear()
            self._by_ids.clear()

    def _tenant_changed(self, notice: Notice | None) -> None:
        self._by_address.clear()
        self._by_ids.clear()


def compiled(text: str, values: SecretValues | None = None) -> Application | SecretsRefused:
    """Compile a deployed text, or return why the values of secrets do not let it.

    It was checked when it was deployed, so any other refusal is a fault of the product.
    """
    found = compile_text(text, values)
    if isinstance(found, DocumentRefused) and not isinstance(found, SecretsRefused):
        raise found
    return found


def places_of(refused: SecretsRefused) -> dict[str, list[str]]:
    """Return what the log is told of a refusal: codes and places."""
    return {"findings": [f"{found.code} {found.path}" for found in refused.findings[:MOST_TOLD]]}


def _values(tenant_id: UUID, environment_id: UUID, references: frozenset[str]) -> SecretValues:
    with scope(tenant_id, SYSTEM, read_only=True):
        return SecretValues(secret_values(environment_id=environment_id, references=references))


async def _known(tenant_id: UUID, environment_id: UUID, version: int | None) -> KnownSecrets:
    """Return what is to be kept out of what an environment shows, read anew when its secrets have moved."""
    known = known_secrets(environment_id)
    if version is None or known.version != version:
        await in_thread(_renew, known, tenant_id, environment_id)
    return known


def _renew(known: KnownSecrets, tenant_id: UUID, environment_id: UUID) -> None:
    with scope(tenant_id, SYSTEM, read_only=True):
        secrets_read(known, environment_id)


def secrets_read(known: KnownSecrets, environment_id: UUID) -> None:
    """Have a process know all values of an environment of the scope's tenant."""
    version = secrets_version(environment_id=environment_id)
    known.renew(secret_values_known(environment_id=environment_id), version)


def _workflow(place: Place) -> UUID:
    return place.workflow_id


def _shrink(kept: OrderedDict[object, object] | OrderedDict, most: int) -> None:  # type: ignore[type-arg]
    while len(kept) > most:
        kept.popitem(last=False)
