"""Who has the journal but not the key forges no head (T68)."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from jsonschema import Draft202012Validator
from stories.desk import PATIENCE

from reconciler.audit.chain import GENESIS, hash_of
from reconciler.domain.digest import canonical
from reconciler.resources import resource

JOURNAL = ".reconciler/journal.jsonl"
VERIFY = ("audit", "verify", "--public-key", "public.pem")


def write_pair(folder: Path, private: str, public: str, key: Any = None) -> None:
    key = key or Ed25519PrivateKey.generate()
    pem = forms.Encoding.PEM
    text = key.private_bytes(pem, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    (folder / private).write_bytes(text)
    (folder / private).chmod(0o600)
    spki = forms.PublicFormat.SubjectPublicKeyInfo
    (folder / public).write_bytes(key.public_key().public_bytes(pem, spki))


@pytest.fixture
def keys(desk: Any) -> dict[str, str]:
    write_pair(desk.folder, "private.pem", "public.pem")
    return {"RECONCILER_SIGNING_KEY_FILE": "private.pem"}


@pytest.fixture
def signed(desk: Any, keys: dict[str, str]) -> Any:
    assert desk.run("apply", "--auto-approve", **keys).code == 0
    return desk


def signature(desk: Any) -> Path:
    return Path(desk.folder) / (JOURNAL + ".sig")


def test_an_apply_signs_the_whole_journal(signed: Any) -> None:
    told = signed.run(*VERIFY)

    assert told.code == 0
    assert "Signed up to record 10 with key" in told.out
    assert signature(signed).stat().st_mode & 0o777 == 0o600
    schema = json.loads((resource("schemas") / "signature.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(signature(signed).read_text("utf-8")))


def test_a_run_that_was_refused_is_signed_too(signed: Any, keys: dict[str, str]) -> None:
    signed.edit("access.yaml", "ana@acme.example, ", "")
    signed.edit("access.yaml", "[eve@", "[ana@acme.example, eve@")
    signed.edit("guardrails.yaml", "nothing_left: delete", "nothing_left: refuse")

    assert signed.run("apply", "--auto-approve", **keys).code == 3
    assert "Signed up to record 11" in signed.run(*VERIFY).out


def test_an_empty_journal_is_not_signed(signed: Any, keys: dict[str, str]) -> None:
    told = signed.run("apply", "--auto-approve", "--journal", "other.jsonl", **keys)

    assert told.code == 0
    assert not (signed.folder / "other.jsonl.sig").exists()


def test_a_run_says_what_it_signs_that_another_wrote(signed: Any, keys: dict[str, str]) -> None:
    signed.make("bo@acme.example", "Viewer")
    assert signed.run("apply", "--auto-approve").code == 0

    told = signed.run("apply", "--auto-approve", **keys)

    assert told.code == 0
    assert "Signing 4 earlier records that no run signed;" in told.err
    assert signed.run(*VERIFY).code == 0
    assert "Signing" not in signed.run("apply", "--auto-approve", **keys).err


def consent(desk: Any) -> dict[str, str]:
    """Somebody has compared the journal with what was published."""
    return {"RECONCILER_SIGN_EXISTING": desk.run("audit", "head").out.strip()}


def test_a_new_key_signs_what_another_signed_only_when_somebody_checked_it(
    signed: Any, keys: dict[str, str]
) -> None:
    write_pair(signed.folder, "private.pem", "public.pem")
    refused = signed.run("apply", "--auto-approve", **keys)
    assert refused.code == 1
    assert "10 records that this key never signed" in refused.err

    told = signed.run("apply", "--auto-approve", **keys, **consent(signed))

    assert told.code == 0
    assert "Signing 10 earlier records, as RECONCILER_SIGN_EXISTING says." in told.err
    assert signed.run(*VERIFY).code == 0


def test_a_journal_without_a_signature_is_signed_only_when_somebody_checked_it(
    desk: Any, keys: dict[str, str]
) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    desk.make("bo@acme.example", "Viewer")
    desk.console.changes.clear()

    refused = desk.run("apply", "--auto-approve", **keys)

    assert (refused.code, desk.written(), signature(desk).exists()) == (1, [], False)
    assert "RECONCILER_SIGN_EXISTING" in refused.err
    assert desk.run("apply", "--auto-approve", **keys, **consent(desk)).code == 0
    assert desk.run(*VERIFY).code == 0


def test_a_journal_that_was_forged_as_a_whole_is_not_signed(
    signed: Any, keys: dict[str, str]
) -> None:
    consented = consent(signed)  # and it still stands in the environment
    forge_without(signed, "bo@acme.example")
    signature(signed).unlink()
    signed.make("bo@acme.example", "Viewer")
    signed.console.changes.clear()

    told = signed.run("apply", "--auto-approve", **keys, **consented)

    assert (told.code, signed.written(), signature(signed).exists()) == (1, [], False)
    assert "Whoever rewrote the journal may have removed it." in told.err


def forge_without(desk: Any, name: str) -> None:
    """Rewrite the whole chain as if somebody had never been in it."""
    records, lines, head = desk.journal(), b"", GENESIS
    kept = [one for one in records if one["data"].get("principal", {}).get("name") != name]
    for number, record in enumerate(kept, start=1):
        line = canonical({**record, "sequence": number, "previous": head})
        lines, head = lines + line + b"\n", hash_of(line)
    (Path(desk.folder) / JOURNAL).write_bytes(lines)
    assert len(kept) < len(records)
    assert desk.run("audit", "verify").code == 0


def killed(desk: Any, proxy: Any) -> None:
    """Start an apply and kill it while its first write is on its way."""

    def strike(exchange: Any) -> None:
        process.kill()
        process.wait(timeout=PATIENCE)
        exchange.reset()

    proxy.when(strike, method="POST|PUT|DELETE")
    process = desk.start("apply", "--auto-approve")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL


def test_a_first_run_that_was_killed_needs_nobody(
    desk: Any, proxy: Any, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = dict(keys)
    monkeypatch.setenv(*keys.popitem())
    killed(desk, proxy)
    assert desk.journal()
    assert "ends at record 0" in desk.run(*VERIFY).err

    told = desk.run("apply", "--auto-approve", **key)

    assert told.code == 0
    assert "earlier records that no run signed" in told.err
    assert desk.run(*VERIFY).code == 0


def test_the_word_of_a_first_run_that_was_killed_covers_no_other_run(
    desk: Any, proxy: Any, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = dict(keys)
    monkeypatch.setenv(*keys.popitem())
    killed(desk, proxy)
    monkeypatch.delenv("RECONCILER_SIGNING_KEY_FILE")
    assert desk.run("apply", "--auto-approve").code == 0

    told = desk.run("apply", "--auto-approve", **key)

    assert told.code == 1
    assert "is of the run that began it, and other runs follow" in told.err


def test_a_signed_journal_that_goes_on_unsigned_is_told(signed: Any) -> None:
    assert "Not signed" not in signed.run("apply", "--auto-approve").err  # nothing was recorded
    signed.make("bo@acme.example", "Viewer")

    told = signed.run("apply", "--auto-approve")

    assert told.code == 0
    assert "Not signed: 4 records of this run, as RECONCILER_SIGNING_KEY_FILE" in told.err


def test_a_journal_that_is_not_the_signed_one_is_not_signed_again(
    signed: Any, keys: dict[str, str]
) -> None:
    file, before = Path(signed.folder) / JOURNAL, signature(signed).read_bytes()
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:3]))
    signed.make("bo@acme.example", "Viewer")
    signed.console.changes.clear()

    told = signed.run("apply", "--auto-approve", **keys)

    assert (told.code, signed.written()) == (1, [])
    assert "is of a record 10 that this journal does not hold" in told.err
    assert signature(signed).read_bytes() == before


def test_no_key_no_signature(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0

    assert not signature(desk).exists()


def test_records_after_the_signature_are_not_believed(signed: Any) -> None:
    signed.make("bo@acme.example", "Viewer")
    assert signed.run("apply", "--auto-approve").code == 0

    told = signed.run(*VERIFY)

    assert told.code == 1
    assert "ends at record 10, and 4 more follow" in told.err


def test_a_journal_that_was_cut_back_is_not_the_signed_one(signed: Any) -> None:
    file = Path(signed.folder) / JOURNAL
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))

    told = signed.run(*VERIFY)

    assert told.code == 1
    assert "is of a record 10 that this journal does not hold" in told.err


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"signature": "A" * 86 + "=="}, "is not that of this key: it was changed"),
        ({"record": 9}, "is not that of this key: it was changed"),
        ({"head": "sha256:" + "0" * 64}, "is not that of this key: it was changed"),
        ({"key": "0" * 32}, "was made with another key"),
        ({"signature": "short"}, "does not match schemas/signature.schema.json"),
    ],
)
def test_a_changed_signature_is_found(signed: Any, change: Any, word: str) -> None:
    tree = json.loads(signature(signed).read_text("utf-8"))
    signature(signed).write_text(json.dumps(tree | change), encoding="utf-8")

    told = signed.run(*VERIFY)

    assert told.code == 1
    assert word in told.err


def test_a_signature_that_is_gone_is_an_error(signed: Any) -> None:
    signature(signed).unlink()

    assert "cannot be read as the signature of a journal" in signed.run(*VERIFY).err


def test_another_public_key_is_not_enough(signed: Any) -> None:
    write_pair(signed.folder, "other.pem", "public.pem")

    assert "was made with another key" in signed.run(*VERIFY).err


def test_what_is_no_public_key_is_an_error(signed: Any) -> None:
    public = Path(signed.folder) / "public.pem"
    public.write_text("hello", encoding="utf-8")
    assert "holds no public Ed25519 key in PEM" in signed.run(*VERIFY).err
    public.write_bytes(b"\xff")
    assert "cannot be read: not a PEM file" in signed.run(*VERIFY).err
    public.unlink()
    assert "cannot be read: No such file" in signed.run(*VERIFY).err


def test_a_key_that_others_may_read_stops_the_run_before_it_writes(
    desk: Any, keys: dict[str, str]
) -> None:
    (desk.folder / "private.pem").chmod(0o644)

    told = desk.run("apply", "--auto-approve", **keys)

    assert (told.code, desk.written()) == (1, [])
    assert "others can read or change this file" in told.err


@pytest.mark.parametrize("key", [None, X25519PrivateKey])
def test_a_key_of_another_kind_stops_the_run_before_it_writes(
    desk: Any, keys: dict[str, str], key: Any
) -> None:
    if key:
        write_pair(desk.folder, "private.pem", "public.pem", key.generate())
    else:
        (desk.folder / "private.pem").write_text("hello", encoding="utf-8")

    told = desk.run("apply", "--auto-approve", **keys)

    assert (told.code, desk.written()) == (1, [])
    assert "holds no private Ed25519 key in PEM" in told.err


def test_without_the_library_the_remedy_is_named(signed: Any) -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None; "
        "from reconciler.__main__ import main; "
        f"sys.argv[1:] = {list(VERIFY)!r}; main()"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=signed.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert done.returncode == 1
    assert "pip install '.[sign]'" in done.stderr
    assert "Traceback" not in done.stderr
