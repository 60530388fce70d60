"""Ten kinds of forgery at every record of a journal, all found with the head (T68, R12).

A thousand records and ten thousand forgeries, and a million random texts, are for `-m weekly`.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.audit.chain import GENESIS, Chain, hash_of, read_chain
from reconciler.audit.signature import Checker, Signer
from reconciler.domain.digest import canonical
from reconciler.errors import JournalError

SEED = 20261123
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
Lines = list[bytes]


def journal(count: int, run: str = "a" * 16) -> Lines:
    """So many sound records that look like those of an apply."""
    lines: Lines = []
    for number in range(1, count + 1):
        name = f"person{number // 2}@acme.example"
        data = {
            "principal": {"kind": "user", "name": name, "id": str(number)},
            "operation": "update",
            "result": "applied",
        }
        kind = "intent" if number % 2 else "outcome"
        lines.append(record(number, lines[-1] if lines else None, run, kind, data))
    return lines


def record(number: int, before: bytes | None, run: str, kind: str, data: Any) -> bytes:
    return canonical(
        {
            "sequence": number,
            "previous": hash_of(before) if before else GENESIS,
            "time": (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"),
            "run": run,
            "kind": kind,
            "data": data,
        }
    )


def rechained(lines: Lines, start: int) -> Lines:
    """Make the chain fit again from one line on, as somebody with the product would."""
    head = GENESIS if start == 0 else hash_of(lines[start - 1])
    done = lines[:start]
    for number, line in enumerate(lines[start:], start=start + 1):
        fields = json.loads(line) | {"sequence": number, "previous": head}
        done.append(canonical(fields))
        head = hash_of(done[-1])
    return done


def edited(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at].replace(b"@acme", b"@evil"), *lines[at + 1 :]]


def deleted(lines: Lines, at: int) -> Lines:
    return [*lines[:at], *lines[at + 1 :]]


def inserted(lines: Lines, at: int) -> Lines:
    before = lines[at - 1] if at else None
    added = record(at + 1, before, "b" * 16, "intent", {"principal": {"name": "eve"}})
    return [*lines[:at], added, *lines[at:]]


def swapped(lines: Lines, at: int) -> Lines:
    other = (at + 1) % len(lines)
    moved = list(lines)
    moved[at], moved[other] = moved[other], moved[at]
    return moved


def duplicated(lines: Lines, at: int) -> Lines:
    return [*lines[: at + 1], lines[at], *lines[at + 1 :]]


def truncated(lines: Lines, at: int) -> Lines:
    return lines[:at]


def edited_and_rechained(lines: Lines, at: int) -> Lines:
    return rechained(edited(lines, at), at)


def older_copy_with_other_work(lines: Lines, at: int) -> Lines:
    """The file of some time ago, on which another run went on."""
    again = [line.replace(b"a" * 16, b"c" * 16) for line in lines[at:]]
    return rechained([*lines[:at], *again], at)


def mixed(lines: Lines, at: int) -> Lines:
    """The beginning of this chain and the rest of another."""
    return [*lines[:at], *journal(len(lines), "d" * 16)[at:]]


KINDS: dict[str, tuple[Callable[[Lines, int], Lines], bool]] = {
    "edited": (edited, True),
    "deleted": (deleted, True),
    "inserted": (inserted, True),
    "swapped": (swapped, True),
    "duplicated": (duplicated, True),
    "truncated": (truncated, False),
    "edited and rechained": (edited_and_rechained, False),
    "older copy with other work": (older_copy_with_other_work, False),
    "mixed": (mixed, True),
}
"""Kind -> how, and whether the file itself contradicts it. The tenth is a changed signature."""

COUNTS = [pytest.param(40, id="40"), pytest.param(1000, id="1000", marks=pytest.mark.weekly)]


def read(lines: Lines) -> Chain:
    return read_chain(b"".join(line + b"\n" for line in lines))


def is_found(chain: Chain, head: str) -> bool:
    """Tell what `audit verify --head` tells."""
    return chain.fault is not None or chain.at(head) is None


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_forgery_of_any_record_is_found(kind: str, count: int) -> None:
    forge, contradicts = KINDS[kind]
    lines = journal(count)
    head = hash_of(lines[-1])
    tally: Counter[str] = Counter()
    for at in range(count):
        found = read(forge(lines, at))
        assert is_found(found, head), f"{kind} of record {at + 1} was not found"
        tally["found"] += 1
        if found.fault:
            # A changed line shows where the next one names its hash.
            first = 1 if kind == "swapped" and at == count - 1 else at + 1
            assert found.fault.record in {first, first + 1}
            tally["first bad record named"] += 1
        else:
            # Nothing in the file contradicts: only the head that was published does.
            assert not contradicts or at in {0, count - 1}
            tally["by the head alone"] += 1
    print(f"{kind}: {count} forgeries, {dict(tally)}")  # noqa: T201 - figures
    assert tally["found"] == count


@pytest.mark.parametrize("count", COUNTS)
def test_a_changed_signature_of_any_record_is_found(count: int) -> None:
    key = Ed25519PrivateKey.generate()
    pem = forms.Encoding.PEM
    private = key.private_bytes(pem, forms.PrivateFormat.PKCS8, forms.NoEncryption()).decode()
    spki = forms.PublicFormat.SubjectPublicKeyInfo
    signer = Signer(private, "key")
    checker = Checker(key.public_key().public_bytes(pem, spki).decode(), "public key")
    chain = read(journal(count))
    dice = random.Random(SEED)  # noqa: S311 - a seed is wanted
    for at in range(count):
        part = Chain(chain.records[: at + 1])
        good = signer.sign(at + 1, part.head)
        assert f"Signed up to record {at + 1} " in checker.check(good, part)
        place = dice.randrange(85)
        letter = dice.choice([each for each in "AZaz09+/" if each != good["signature"][place]])
        text = good["signature"][:place] + letter + good["signature"][place + 1 :]
        with pytest.raises(JournalError, match="it was changed"):
            checker.check(good | {"signature": text}, part)
    print(f"changed signature: {count} forgeries, all found")  # noqa: T201 - figures


@pytest.mark.parametrize(
    "count",
    [pytest.param(3_000, id="3000"), pytest.param(1_000_000, id="1M", marks=pytest.mark.weekly)],
)
def test_the_verifier_takes_any_bytes(count: int) -> None:
    """Bytes from nowhere, and a sound journal with some bytes of it changed."""
    dice = random.Random(SEED)  # noqa: S311 - a seed is wanted
    lines = journal(3)
    sound = b"".join(line + b"\n" for line in lines)
    head, faults = hash_of(lines[-1]), 0
    for number in range(count):
        content = dice.randbytes(dice.randrange(200)) if number % 2 else spoilt(sound, dice)
        chain = read_chain(content)
        faults += chain.fault is not None
        # What follows the last record without an end is told as torn.
        assert content == sound or is_found(chain, head) or chain.torn
    print(f"random bytes: {count} texts with seed {SEED}, 0 crashes, {faults} faults named")  # noqa: T201 - figures


def spoilt(content: bytes, dice: random.Random) -> bytes:
    """Change, drop or add some bytes somewhere."""
    for _ in range(dice.randrange(1, 4)):
        start = dice.randrange(len(content))
        end = start + dice.randrange(3)
        content = content[:start] + dice.randbytes(dice.randrange(3)) + content[end:]
    return content
