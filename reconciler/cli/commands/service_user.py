"""`reconciler service-user create` and `rotate`."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.audit.journal import Journal
from reconciler.cli.console import write_client
from reconciler.cli.options import files, journal_file
from reconciler.cli.session import Session, pass_session
from reconciler.cli.signals import ending_in_order
from reconciler.cli.signing import signed
from reconciler.cli.writing.beforehand import settle, wait_out
from reconciler.cli.writing.delivery import Delivery, sink_options
from reconciler.cli.writing.issuing import Desk, Order
from reconciler.cli.writing.locking import locked
from reconciler.console.reader import read_actual
from reconciler.documents.instants import ending
from reconciler.documents.load import load
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.outcome import Result
from reconciler.domain.plan import Operation, Options
from reconciler.domain.policy import RoleName, ScopeName
from reconciler.domain.wanted import Wanted
from reconciler.planning.service_users import (
    COMMAND_LINE,
    Newcomer,
    Renewal,
    creation,
    grant_of,
    rotation,
)
from reconciler.workflow.service_users import Around, Given
from reconciler.workflow.service_users import create as do_create
from reconciler.workflow.service_users import rotate as do_rotate

_F = TypeVar("_F", bound=Callable[..., Any])

LIFETIME = timedelta(days=90)
"""Of a token whose end nobody says."""
_LONGEST_NAME = 255

_SECRET_FILE = click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="PATH",
    help="Where the token goes, and nowhere else; the file must not exist yet.",
)
_EXPIRES = click.option(
    "--expires",
    metavar="DATE",
    help="Last day of the token (UTC), or an instant with an offset. Default: in "
    f"{LIFETIME.days} days.",
)
_REASON = click.option("--reason", help="Why; for the journal, and for guardrails that want one.")
_APPROVE = click.option("--auto-approve", is_flag=True, help="Do not ask before writing.")


def _shared(function: _F) -> _F:
    return files(_SECRET_FILE(_EXPIRES(_REASON(_APPROVE(journal_file(sink_options(function)))))))


@click.group("service-user")
def command() -> None:
    """Create a service user, or renew its token. Policies do neither.

    The token goes into a file that only its owner can read: never to the screen, the journal or
    a log. What a service user may do later is up to the policies: name it there.
    """


@command.command("create")
@click.argument("name")
@click.option("--role", required=True, help="As policies name it: `Viewer`, `Account/Role`, id:...")
@click.option("--site", metavar="ACCOUNT/SITE", help="The role counts on this site.")
@click.option("--account", help="The role counts on this account.")
@click.option("--tenant", is_flag=True, help="The role counts on the whole tenant.")
@_shared
@pass_session
def create(
    session: Session,
    name: str,
    role: str,
    site: str | None,
    account: str | None,
    tenant: bool,
    reason: str | None,
    policies: Path,
    guardrails: Path | None,
    secret_file: Path,
    expires: str | None,
    auto_approve: bool,
    journal: Path,
    sink: str | None,
    sink_format: str | None,
    require_sink: bool,
) -> int:
    """Create the service user NAME with one role on one scope, within the guardrails.

    \b
    Examples:
      reconciler service-user create siem-export --role Viewer --site Acme/Berlin \\
        --secret-file siem.token --expires 2027-03-31
    """
    ends = _expires(expires, session.instant())
    where = _scope(site, account, tenant=tenant)
    newcomer = Newcomer(_name(name), _role(role), where, ends, reason)
    order = Order(
        plan=lambda wanted, seen: creation(newcomer, wanted, seen),
        roles=lambda seen: frozenset({grant_of(newcomer, seen.names).role.id}),
        do=do_create,
        expires=ends,
        secret_file=secret_file,
        auto_approve=auto_approve,
    )
    delivery = Delivery.of(session, journal, sink, sink_format, required=require_sink)
    return _issue(session, order, policies, guardrails, delivery)


@command.command("rotate")
@click.argument("name")
@click.option(
    "--own-token",
    is_flag=True,
    help="Renew even the token that this command uses itself; the next one needs the new token.",
)
@click.option(
    "--protected",
    is_flag=True,
    help="Renew even the token of somebody whom the guardrails protect.",
)
@_shared
@pass_session
def rotate(
    session: Session,
    name: str,
    own_token: bool,
    protected: bool,
    reason: str | None,
    policies: Path,
    guardrails: Path | None,
    secret_file: Path,
    expires: str | None,
    auto_approve: bool,
    journal: Path,
    sink: str | None,
    sink_format: str | None,
    require_sink: bool,
) -> int:
    """Renew the token of the service user NAME (or id:...). The old one stops at once.

    \b
    Examples:
      reconciler service-user rotate siem-export --secret-file siem.new.token
    """
    label = PrincipalName.service(name.removeprefix("service:"))
    renewal = Renewal(label, reason, own_token, protected)
    order = Order(
        plan=lambda wanted, seen: rotation(renewal, wanted, seen),
        roles=lambda _: frozenset(),
        do=_rotate_own if own_token else do_rotate,
        expires=_expires(expires, session.instant()),
        secret_file=secret_file,
        auto_approve=auto_approve,
    )
    delivery = Delivery.of(session, journal, sink, sink_format, required=require_sink)
    return _issue(session, order, policies, guardrails, delivery)


def _rotate_own(operation: Operation, expires: datetime, around: Around) -> Given:
    """Renew the token in use: with it nothing can be read afterwards, so its answer must do."""
    given = do_rotate(operation, expires, around)
    is_done = given.outcome.result is Result.APPLIED and given.secret is not None
    return replace(given, is_verified=is_done)


def _issue(
    session: Session, order: Order, policies: Path, guardrails: Path | None, delivery: Delivery
) -> int:
    loaded = load(policies, guardrails)
    wanted = Wanted(loaded.policy, loaded.guardrails, Options(), pins=loaded.pins)
    runtime, run_id, journal = session.runtime, secrets.token_hex(8), delivery.journal
    with (
        ending_in_order(runtime.hurry),
        Journal(journal, now=runtime.now, run_id=run_id) as record,
        signed(record, journal, runtime.environ),
        write_client(session) as client,
        locked(session, client.origin, record, run_id) as locks,
    ):
        wait_out(session, record, client.origin)
        actual = read_actual(client, session.progress())
        settle(record, actual)
        return Desk(session, client, record, locks, delivery).issue(order, wanted, actual)


def _name(text: str) -> PrincipalName:
    name = text.removeprefix("service:")
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(f"{text!a} is no name of 1 to {_LONGEST_NAME} characters.")
    if name.startswith("id:"):
        raise click.BadParameter("A name that begins with id: could not be told from an id.")
    return PrincipalName(PrincipalKind.SERVICE, PrincipalName.service(name).key, name)


def _role(text: str) -> RoleName:
    return RoleName(text, COMMAND_LINE)


def _scope(site: str | None, account: str | None, *, tenant: bool) -> ScopeName:
    named = [
        ScopeName(level, text, COMMAND_LINE)
        for level, text in ((Level.SITE, site), (Level.ACCOUNT, account))
        if text is not None
    ]
    named += [ScopeName(Level.TENANT, "", COMMAND_LINE)] if tenant else []
    if len(named) != 1:
        raise click.UsageError("Give exactly one of --site, --account and --tenant.")
    if named[0].is_glob:
        raise click.UsageError("A pattern may mean several sites; name one.")
    return named[0]


def _expires(text: str | None, now: datetime) -> datetime:
    """Return when the token ends, in UTC, read as `until:` of a policy is."""
    if text is None:
        return now + LIFETIME
    try:
        instant = ending(text)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"--expires: {error}.") from None
    if instant <= now:
        raise click.BadParameter(f"--expires {text!a} is past.")
    return instant
