"""No text of any module type's config takes a secret literally: it is filled in late or early, or nothing reads it."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

import apps.modules.catalog
from apps.engine.check import CheckOptions, examine
from apps.engine.config_types import LATE
from apps.engine.connectors.kinds import KINDS, make_connector
from apps.engine.document import load, path_text
from apps.engine.late_text import LateText
from apps.engine.registry import discover
from apps.engine.secret_values import SecretValues

pytestmark = pytest.mark.spec("CAT-B2.15")

REGISTRY = discover(apps.modules.catalog)
NAME = "A_SECRET"
VALUE = "q7-${OTHER}-value"
SPELLINGS = ("${A_SECRET}", "secret://a.secret", "before ${A_SECRET}")
DEEPEST = 12
Path = tuple[str | int, ...]

# The late texts of every type, each with the rest of a config that it may stand in.
PROXIED: dict[str, dict[str, Any]] = {
    "backend_configs.k.url": {"default_backend": "k"},
    "backend_configs.k.header_rewriting.set_headers.k": {"backend_services": {"k": "http://b"}},
    "backend_services.k": {},
    "header_rewriting.set_headers.k": {"backend_services": {"k": "http://b"}},
    "response_headers.set_headers.k": {},
    "response_header_config.set_headers.k": {},
    "target": {},
}
PROVIDER = {
    "redirect_url": "https://a/oauth2/p/callback",
    "auth_url": "https://p/a",
    "token_url": "https://p/t",
    "user_info_url": "https://p/u",
}
SIGNED = {"jwt": {"secret": "s" * 32}}


def signing_in(**client: str) -> dict[str, Any]:
    """Return settings with a provider, without one thing that it needs."""
    return {**SIGNED, "oauth2": {"providers": {"k": {**PROVIDER, **client}}}}


STORED = {"bucket": "abc"}
HTTP_CONNECTOR = {"baseURL": "https://a"}
LATE_TEXTS: dict[str, dict[str, dict[str, Any]]] = {
    "auth.jwt": {"secret": {}, "issuer": {"secret": "s"}},
    "auth.modular": {
        "jwt.secret": {},
        "jwt.issuer": SIGNED,
        "oauth2.providers.k.client_id": signing_in(client_secret="s"),
        "oauth2.providers.k.clientId": signing_in(client_secret="s"),
        "oauth2.providers.k.client_secret": signing_in(client_id="i"),
        "oauth2.providers.k.clientSecret": signing_in(client_id="i"),
    },
    "cache.modular": {"redisURL": {}, "redisUrl": {}, "redisPassword": {}},
    "database.modular": {
        "dsn": {"driver": "postgres"},
        "connections.k.dsn": {"connections": {"k": {"driver": "mysql"}}},
    },
    "database.workflow": {"dsn": {"driver": "postgres"}, "connectionString": {"driver": "postgres"}},
    "http.proxy": PROXIED,
    "reverseproxy": PROXIED,
    "http.simple_proxy": {"targets.k": {}},
    "httpclient.modular": {"baseURL": {}, "base_url": {}, "baseUrl": {}, "headers.k": {}},
    "messaging.kafka": {"brokers": {}, "brokers[0]": {}, "username": {}, "password": {}},
    "messaging.nats": {"url": {}},
    "notification.slack": {"webhookURL": {}, "webhookUrl": {}, "text": {}, "channel": {}, "username": {}},
    "observability.otel": {"endpoint": {}, "serviceName": {}},
    "storage.s3": {"bucket": {}, **dict.fromkeys(("region", "endpoint", "accessKeyId", "secretAccessKey"), STORED)},
    "webhook.sender": {"url": {}, "headers.k": {}, "secret": {}},
}
LATE_IN_CALLS = {
    "baseURL": {},
    "baseUrl": {},
    "headers.k": HTTP_CONNECTOR,
    "username": HTTP_CONNECTOR,
    "password": HTTP_CONNECTOR,
    "token": HTTP_CONNECTOR,
}
LATE_IN_CONNECTORS: dict[str, dict[str, dict[str, Any]]] = {
    "http": LATE_IN_CALLS,
    "rest": LATE_IN_CALLS,
    "api": LATE_IN_CALLS,
    "database": {"dsn": {"driver": "postgres"}},
    "webhook": {},
}
# Settings that are accepted and that nothing reads, so that nothing can take them literally.
UNREAD = {
    "database.modular": {"connections.k.aws_iam_auth.k", "connections.k.awsIamAuth.k"},
    "eventbus.modular": {
        "engines[0].config.k",
        "externalBrokerPassword",
        "externalBrokerUrl",
        "externalBrokerUser",
    },
    "eventlogger.modular": {f"outputTargets[0].{each}.k" for each in ("console", "file", "syslog")},
}
ENOUGH = {"secret.misplaced", "key.ignored"}  # said of a place, or of what is around it


def places(whole: dict[str, Any], schema: Any, path: Path = (), depth: int = 0) -> Iterator[Path]:
    """Yield every place of a config where its schema lets something stand that is no map and no list."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        if schema is True:
            yield path
        return
    combined = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())]
    if "$ref" in schema:
        combined.append(whole["$defs"][schema["$ref"].rpartition("/")[2]])
    for each in combined:
        yield from places(whole, each, path, depth + 1)
    for key, below in schema.get("properties", {}).items():
        yield from places(whole, below, (*path, key), depth + 1)
    free = [each for pattern, each in schema.get("patternProperties", {}).items() if pattern != "^x-"]
    for below in (*free, schema.get("additionalProperties")):
        yield from places(whole, below, (*path, "k"), depth + 1)
    if "items" in schema:
        yield from places(whole, schema["items"], (*path, 0), depth + 1)
    kinds = schema.get("type", "string")
    if not combined and set([kinds] if isinstance(kinds, str) else kinds) - {"object", "array", "null"} and path:
        yield path


def all_places(model: Any) -> list[Path]:
    """Return them in order; a schema that allows anything at all is a leaf and a map of leaves."""
    whole = model.model_json_schema()
    return sorted(set(places(whole, whole)), key=path_text)


def put(config: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy of a config with a value at a path."""
    changed: Any = orjson.loads(orjson.dumps(config))
    place = changed
    for step, following in zip(path, (*path[1:], None), strict=True):
        empty: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(place, list):
            place.append(empty)
        elif following is None or step not in place:
            place[step] = empty
        place = place[step]
    return changed  # type: ignore[no-any-return]


def taken(document: dict[str, Any], path: Path) -> str:
    """Return what becomes of a secret at a place: `late`, `ignored` (and told), or the text with its value."""
    loaded = load(orjson.dumps(document)).document
    assert loaded is not None
    where = path_text(path)
    unset = examine(loaded, REGISTRY, CheckOptions(secrets=frozenset()))
    codes = {each.code for each in unset.findings if each.path == where}
    told = {each.code for each in unset.findings if each.code in ENOUGH and each.path in where}
    if told:
        assert (told, unset.references) == ({"key.ignored"}, frozenset()), where
        return "ignored"
    assert "secret.missing" in codes, (where, codes)
    if not unset.references:
        return "late"
    assert codes == {"secret.missing"}, (where, codes)
    filled = examine(loaded, REGISTRY, CheckOptions(values=SecretValues(dict.fromkeys(unset.references, VALUE))))
    assert VALUE not in str(filled.findings), where
    return str(filled.document.value(path))


def demand(kind: str, document: dict[str, Any], path: Path, spelling: str, wanted: str) -> None:
    """Insist on what becomes of a secret: what is not late is filled in, or told to be ignored."""
    became = taken(document, path)
    filled = f"before {VALUE}" if spelling.startswith("before") else VALUE
    assert became in ((wanted,) if wanted else (filled, "ignored")), (kind, path_text(path), spelling)


def secrets_of(thing: Any, seen: set[int] | None = None) -> set[str]:
    """Return the secrets that the late texts of a module name, wherever it keeps them."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, str | bytes | type):
        return set()
    seen.add(id(thing))
    if isinstance(thing, LateText):
        return set(thing._template.secrets)
    if isinstance(thing, dict):
        inside = list(thing.values())
    elif isinstance(thing, list | tuple | set | frozenset):
        inside = list(thing)
    elif type(thing).__module__.startswith("apps."):
        slots = (name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()))
        inside = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name, None) for name in slots)]
    else:
        inside = []
    return {name for each in inside for name in secrets_of(each, seen)}


@pytest.mark.parametrize("kind", REGISTRY.kinds())
def test_every_key_of_a_type_takes_a_secret_early_or_late_or_is_ignored(kind):
    late = LATE_TEXTS.get(kind, {}).keys() | UNREAD.get(kind, set())
    found = all_places(REGISTRY.get(kind).Config)
    assert late <= {path_text(path) for path in found}
    for path in found:
        wanted = "late" if path_text(path) in late else ""
        for spelling in SPELLINGS:
            document = {"modules": [{"name": "m", "type": kind, "config": put({}, path, spelling)}]}
            demand(kind, document, ("modules", 0, "config", *path), spelling, wanted)


@pytest.mark.parametrize(
    ("kind", "path", "rest"),
    [(kind, path, rest) for kind, texts in LATE_TEXTS.items() for path, rest in texts.items()],
)
def test_a_late_text_waits_for_its_secret(kind, path, rest):
    module_type = REGISTRY.get(kind)
    steps = next(each for each in all_places(module_type.Config) if path_text(each) == path)
    for spelling in SPELLINGS:
        module = module_type("m", module_type.Config.model_validate(put(rest, steps, spelling)))
        assert NAME in secrets_of(module), spelling


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_connector_takes_a_secret_early_or_late(kind):
    late = LATE_IN_CONNECTORS[kind]
    found = all_places(KINDS[kind].Config)
    assert late.keys() <= {path_text(path) for path in found}
    for path in found:
        for spelling in SPELLINGS:
            connector = {"name": "c", "type": kind, "config": put({}, path, spelling)}
            document = {"workflows": {"integration": {"connectors": [connector]}}}
            where = ("workflows", "integration", "connectors", 0, "config", *path)
            demand(kind, document, where, spelling, "late" if path_text(path) in late else "")
            if path_text(path) in late:
                made = make_connector("c", kind, put(late[path_text(path)], path, spelling))
                assert NAME in secrets_of(made), spelling


def test_late_texts_say_so_in_the_schema_that_editors_get():
    assert REGISTRY.get("webhook.sender").Config.model_json_schema()["properties"]["url"][LATE] is True
