"""What happens to an answer's bytes on their way, as pure data; `wire` carries it out."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.simulator.delivery import Delivery
from reconciler.simulator.faults import Fault

_MIB = 2**20
_SPACES = b" " * _MIB


def damage(fault: Fault, delivery: Delivery) -> Delivery:
    """Return the delivery as a fault of the stage `wire` leaves it."""
    amount = float(fault.value) if fault.value is not None else 0.0
    return _DAMAGES[fault.kind](delivery, amount)


def _halved(ending: str, framing: str = "length") -> Callable[[Delivery, float], Delivery]:
    def apply(whole: Delivery, _amount: float) -> Delivery:
        return replace(whole, cut=len(whole.body) // 2, ending=ending, framing=framing)

    return apply


def _silent(ending: str) -> Callable[[Delivery, float], Delivery]:
    return lambda whole, _amount: replace(whole, status=0, raw=b"", ending=ending)


def _too_short(whole: Delivery, amount: float) -> Delivery:
    lost = min(int(amount), len(whole.body))
    return replace(whole, length_error=-lost, ending="close")


def _gzipped(whole: Delivery, body: bytes) -> Delivery:
    return replace(whole, headers=(*whole.headers, ("content-encoding", "gzip")), body=body)


def _bad_gzip(whole: Delivery, _amount: float) -> Delivery:
    """Keep all that unpacks and spoil the check sum, which stands 8 bytes before the end."""
    packed = bytearray(gzip.compress(whole.body, mtime=0))
    packed[-8] ^= 0xFF
    return _gzipped(whole, bytes(packed))


def _bomb(whole: Delivery, amount: float) -> Delivery:
    """Pack JSON that is valid for whoever has the memory; never holds it unpacked itself."""
    packer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
    packed = [packer.compress(_SPACES) for _ in range(int(amount))]
    return _gzipped(whole, b"".join([*packed, packer.compress(whole.body), packer.flush()]))


_DAMAGES: Mapping[str, Callable[[Delivery, float], Delivery]] = {
    "truncated": _halved("close"),
    "truncated-no-length": _halved("close", "close"),
    "truncated-chunked": _halved("close", "chunked"),
    "length-too-long": lambda whole, amount: replace(
        whole, length_error=int(amount), ending="close"
    ),
    "length-too-short": _too_short,
    "bad-gzip": _bad_gzip,
    "not-gzip": lambda whole, _amount: _gzipped(whole, whole.body),
    "gzip-bomb": _bomb,
    "not-http": lambda whole, _amount: replace(
        whole, status=0, raw=b"\x15\x03\x01\x00\x02\x02\x28\r\n\r\n", ending="close"
    ),
    "drip": lambda whole, amount: replace(whole, gap=amount),
    "stall": _halved("stall"),
    "latency": lambda whole, amount: replace(whole, wait=whole.wait + amount),
    "reset-midway": _halved("reset"),
    "reset-after": _silent("reset"),
    "close-after": _silent("close"),
    "refuse": lambda whole, _amount: replace(whole, ending="close"),
}
