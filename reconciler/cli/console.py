"""From the environment to a client: one that cannot write, and one that can."""

from reconciler.cli.session import Session
from reconciler.console.client import ReadClient, WriteClient
from reconciler.settings import console_settings


def read_client(session: Session) -> ReadClient:
    """Open a client without any mutating verb; raises SettingsError."""
    return ReadClient(console_settings(session.runtime.environ), session.runtime)


def write_client(session: Session) -> WriteClient:
    """Open a client that can write; only `apply` asks for it. Raises SettingsError."""
    return WriteClient(console_settings(session.runtime.environ), session.runtime)
