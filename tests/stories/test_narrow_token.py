"""A token that sees one site: what it does not see may be there, and is not called gone."""

from typing import Any

import pytest

POLICY = """\
version: 1
assignments:
  - {members: [ana@acme.example], role: SOC, sites: [Acme/Berlin]}
former: [eve@acme.example]
"""


@pytest.fixture
def narrow(desk: Any) -> Any:
    """A desk with the token of a service user that stands at Berlin; Eve has Lyon."""
    desk.write("access.yaml", POLICY)
    desk.token = desk.console.token_for("siem")
    return desk


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("drift",)])
def test_no_changes_is_not_all_that_is_said_of_an_unseen_leaver(
    narrow: Any, command: tuple[str, ...]
) -> None:
    done = narrow.run(*command)

    assert done.code == (2 if command == ("drift",) else 0)  # unlisted people are drift
    assert '"eve@acme.example" must hold nothing; this token' in done.text
    assert "whether the access has ended is unknown" in done.text
    assert narrow.holds("eve@acme.example") == ["SOC Lyon"]


def test_who_stands_elsewhere_is_not_to_be_invited(narrow: Any) -> None:
    narrow.edit("access.yaml", "[ana@acme.example]", "[ana@acme.example, mia@acme.example]")

    done = narrow.run("plan")

    assert done.code == 1
    assert '"mia@acme.example" is not visible to this token' in done.text
    assert "stands at site level (Acme/Berlin)" in done.text
    assert "invite" not in done.text
