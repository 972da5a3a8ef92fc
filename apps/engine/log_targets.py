"""Files and system logs that `eventlogger.modular` writes to where a document has a machine around it (`wfctl run`)."""

from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from apps.engine.config_types import WholeNumber
from apps.engine.outcome import StepFailed

CODE = "log.target"
SEVERITIES = {"DEBUG": 7, "INFO": 6, "WARN": 4, "ERROR": 3, "FATAL": 2}  # of RFC 5424
_KNOWN = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp"
FACILITIES = {name: number for number, name in enumerate(_KNOWN.split())} | {f"local{n}": 16 + n for n in range(8)}


def _facility(value: Any) -> Any:
    if not isinstance(value, str) or value.lower() not in FACILITIES:
        raise ValueError(f"a facility is one of {', '.join(FACILITIES)}")
    return value.lower()


class _Target(BaseModel):
    """Settings as the framework's logger has them; what it does not know means nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class FileTarget(_Target):
    """A file, and what becomes of it when it is full: `maxBackups` older ones are kept for `maxAge` days."""

    path: str = Field(min_length=1, max_length=4096)
    max_size: WholeNumber = Field(100, ge=1, le=100_000, alias="maxSize")  # MiB
    max_backups: WholeNumber = Field(5, ge=0, le=1000, alias="maxBackups")  # 0 keeps none
    max_age: WholeNumber = Field(30, ge=0, le=36_500, alias="maxAge")  # 0 keeps them whatever their age
    compress: bool = True


class SyslogTarget(_Target):
    """A system log: a socket of this machine (`/dev/log` without an address), or `host:port` (514 without a port)."""

    network: Literal["unix", "tcp", "udp"] = "unix"
    address: str = Field("", max_length=4096)
    tag: str = Field("modular", max_length=48)
    facility: Annotated[str, BeforeValidator(_facility)] = "user"


LogTarget = FileTarget | SyslogTarget
MODELS: dict[str, type[FileTarget] | type[SyslogTarget]] = {"file": FileTarget, "syslog": SyslogTarget}


class LogTargets(Protocol):
    """The port: one line after another."""

    async def write(self, target: LogTarget, line: str, level: str, at: datetime) -> None:
        """Write one line, which ends nowhere before its end; `level` is one of `SEVERITIES`.

        Raises `StepFailed` code `log.target` when it cannot be written, `TryAgain` when nobody takes it in.
        """


class NoLogTargets:
    """The hosted product: a tenant's document has no machine around it (spec/modules.md 3)."""

    async def write(self, target: LogTarget, line: str, level: str, at: datetime) -> None:
        """Refuse."""
        raise StepFailed("There are no files and no system log here.", code=CODE)


def read_target(kind: str, settings: Any) -> LogTarget:
    """Read the settings of a target; raise `StepFailed` that says what is wrong with which."""
    try:
        return MODELS[kind].model_validate(settings)
    except ValidationError as error:
        raise StepFailed(faults_of(error), code=CODE) from None


def faults_of(error: ValidationError) -> str:
    """Return what is wrong with a target, as one sentence that does not repeat its values."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in faults) + "."


def one_line(text: str) -> str:
    """Return a text with nothing in it that would begin another line or steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
