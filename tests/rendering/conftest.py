"""A plan with one text in every place where others choose the text, and the hostile corpus."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from builders import ADMIN, BERLIN, LYON, NOW, TRIAGE, grant

from reconciler.domain.access import Grant, Level
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.permissions import Permission
from reconciler.domain.plan import (
    Action,
    Change,
    Commit,
    Effect,
    Holding,
    Operation,
    OperationKind,
    Options,
    Plan,
    PlannedRole,
    Reason,
    Refusal,
    Risk,
    RoleChange,
    UnlistedPrincipal,
)
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem

_CHOSEN = {
    "a command": "::add-mask::x",
    "a command after blanks": "   ::error file=a::x",
    "a command after a no-break space": "\u00a0::error::x",
    "a command after an ideographic space": "\u3000::error::x",
    "a command on a new line": "x\n::add-mask::1",
    "a command after CR": "x\r::stop-commands::z",
    "a command after CRLF": "x\r\n::set-output name=a::b",
    "a command after NEL": "x\x85::debug::b",
    "a command after U+2028": "x\u2028::debug::b",
    "a command after U+2029": "x\u2029::debug::b",
    "a command after a vertical tab": "x\x0b::debug::b",
    "a command after a form feed": "x\x0c::debug::b",
    "one colon": ":",
    "two colons": "::",
    "a legacy command": "##[add-mask]x",
    "a legacy command inside": "Berlin ##[stop-commands]z",
    "a legacy command after more": "###[error]x",
    "a command of another runner": "##vso[task.setvariable variable=a]b",
    "an OSC title": "\x1b]0;owned\x07",
    "an OSC 8 link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "an OSC 52 clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "an erased line": "x\x1b[2K\x1b[1Gy",
    "a cleared screen": "\x1b[2J\x1b[H",
    "a foreign colour": "\x1b[31mred\x1b[0m",
    "our own colour, forged": "\x1b[1;31mRefused\x1b[0m",
    "a device query": "\x1b[6n",
    "an 8-bit CSI": "\x9b31mred",
    "an 8-bit OSC": "\x9d0;owned\x9c",
    "a DCS": "\x1bP1$r0m\x1b\\",
    "backspaces": "admin\x08\x08\x08\x08\x08viewer",
    "a bell": "\x07",
    "a tab": "a\tb",
    "a carriage return": "viewer\radmin",
    "NUL": "a\x00b",
    "DEL": "a\x7fb",
    "a lone high surrogate": "a\ud800b",
    "a lone low surrogate": "\udfff",
    "surrogates the wrong way round": "\udc00\ud800",
    "a left-to-right override": "\u202dx",
    "a right-to-left override": "ana\u202enimda",
    "an embedding": "\u202ax\u202bx\u202c",
    "isolates": "\u2066x\u2067x\u2068x\u2069",
    "direction marks": "\u200ex\u200fx\u061c",
    "a zero width space": "ad\u200bmin",
    "a zero width joiner": "a\u200db",
    "a zero width non-joiner": "a\u200cb",
    "a byte order mark": "\ufeffadmin",
    "a word joiner": "a\u2060b",
    "a soft hyphen": "ad\u00admin",
    "a tag character": "a\U000e0041b",
    "a Hangul filler": "a\u3164b",
    "a grapheme joiner": "a\u034fb",
    "a variation selector": "a\ufe0fb",
    "a supplementary variation selector": "a\U000e0100b",
    "an empty Braille pattern": "\u2800",
    "a no-break space": "EMEA\u00a0Berlin",
    "private use": "\ue000",
    "not a character": "\uffff",
    "an interlinear annotation": "\ufff9x\ufffay\ufffb",
    "right-to-left text": "מנהל מערכת",
    "Arabic text": "مدير النظام",
    "wide characters": "管理者",
    "combining marks": "a" + "\u0301" * 50,
    "a leading combining mark": "\u0301x",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "ten kilobytes": "A" * 10_240,
    "ten kilobytes of wide characters": "管" * 10_240,
    "ten kilobytes of new lines": "\n" * 10_240,
    "nothing": "",
    "a blank": " ",
    "Markdown": "| `x` | <!-- ![](http://evil.example) <img onerror=alert(1)> @org/team #1",
    "a formula": "=cmd()|'/C calc'!A0",
    "a format": "{0} {x} %s %n ${x} $(x) `x`",
    "backslashes": "DOMAIN\\user \\x1b[31m",
    "quotes": "\"'",
    "a false summary": "x\nPlan: 0 to grant, 0 to revoke, 0 to invite, 0 to delete, 0 unlisted.",
}
_CONTROLS = {f"U+{code:04X}": chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}
HOSTILE = _CHOSEN | _CONTROLS

_OURS = re.compile(r"\x1b\[(?:[0-9]+;)*[0-9]+m")


def _full(text: str) -> Plan:
    """A plan of every shape, with `text` wherever somebody else chooses the words."""
    place = Place(text, 3, 5)
    name = PrincipalName(PrincipalKind.USER, "key", text)
    on_site = Grant(replace(BERLIN.scope, name=text), replace(ADMIN, name=text))
    other = Grant(replace(LYON.scope, name=text), replace(TRIAGE, name=text))
    change = Change(
        Action.GRANT,
        on_site,
        Reason.WINDOW_OPENED,
        Risk.HIGH,
        places=(place, place, Place(text)),
        window=Window(NOW, NOW),
        note=text,
        commit=Commit("c" * 40, text, text),
    )
    lost = Change(Action.REVOKE, other, Reason.POLICY, Risk.LOW)
    many = Holding(Level.SITE, (on_site, other, on_site, other))
    permission = Permission(text, text, text)
    effects = (
        Effect((on_site.scope,), other.role, on_site.role, (permission,), (permission,)),
        Effect((other.scope, other.scope), other.role, None, is_known=False),
        Effect((other.scope,), None, on_site.role, (permission, permission)),
    )
    update = Operation(
        kind=OperationKind.UPDATE,
        name=name,
        principal_id="10",
        full_name=text,
        before=Holding(Level.SITE, (other,)),
        after=Holding(Level.ACCOUNT, (on_site,)),
        changes=(change, lost),
        precondition=_DIGEST,
        notes=(text, text),
        effects=effects,
    )
    invite = replace(update, kind=OperationKind.INVITE, principal_id=None, before=None)
    delete = replace(update, kind=OperationKind.DELETE, after=None, changes=(lost,))
    service = PrincipalName(PrincipalKind.SERVICE, "key", text)
    return Plan(
        instant=NOW,
        origin=text,
        account_ids=("100",),
        view_level=Level.TENANT,
        view_sites=7,
        planned_by=text,
        policy_digest=_DIGEST,
        guardrails_digest=_DIGEST,
        content_digest=_DIGEST,
        operations=(update, invite, delete),
        refusals=(Refusal(text, text, text, (place, Place(text))), Refusal("rule", text, text)),
        unlisted=(
            UnlistedPrincipal(name, "11", many, is_admin=False),
            UnlistedPrincipal(service, "12", Holding(Level.SITE, (grant(ADMIN),)), is_admin=True),
        ),
        warnings=(
            Problem(None, text, text, text),
            Problem(place, text, text, text),
            Problem(Place(text), text, text, text),
        ),
        roles=(
            PlannedRole("1", text, _DIGEST, 7, gives_access=True),
            PlannedRole("4", text, None, 0, gives_access=False),
        ),
        role_changes=(
            RoleChange(
                "4", text, _DIGEST, _OTHER, gives_access=True, holders=(name, service), place=place
            ),
            RoleChange("5", text, _OTHER, _DIGEST, gives_access=False, holders=(), place=place),
        ),
        options=Options((name,), no_revokes=True),
    )


_DIGEST = "sha256:" + "a" * 64
_OTHER = "sha256:" + "b" * 64


def _check(told: str, *, color: bool) -> None:
    plain = _OURS.sub("", told) if color else told
    for line in plain.split("\n"):
        categories = {unicodedata.category(char) for char in line}
        assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, ascii(line)
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line
        assert "##vso" not in line
    told.encode("utf-8")


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def hostile(request: pytest.FixtureRequest) -> str:
    """One text that somebody chose to deceive a terminal, a runner or a reader."""
    return str(request.param)


@pytest.fixture(scope="session")
def full() -> Callable[[str], Plan]:
    """Make a plan of every shape with this text in every free field."""
    return _full


@pytest.fixture(scope="session")
def check_harmless() -> Callable[..., None]:
    """Assert that a text holds nothing that a terminal or a CI runner would obey."""
    return _check
