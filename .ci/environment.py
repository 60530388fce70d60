# ruff: noqa: INP001 -- a helper of the scripts beside it, not part of the package
"""The checkout's virtual environment: made once, made anew when what defines it has changed.

Standard library only, since it runs before anything is installed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- older interpreters are whom this is for
    sys.exit(f"This needs Python 3.11 or later; this one is {sys.version.split()[0]}.")

import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
DEVELOPMENT = ROOT / ".ci" / "requirements.lock"
WEEKLY = ROOT / ".ci" / "requirements-weekly.lock"
RUNTIME = ROOT / ".github" / "requirements-reconciler.lock"
_STAMP = VENV / "made-from"


def prepare(*locks: Path) -> None:
    """Make sure that `.venv` holds the first of `locks` and the project itself.

    An environment that was made from any of `locks` is good enough and kept. Everything
    installed is pinned by hash, the build backend included. Ends the process with pip's exit
    code when an installation fails.
    """
    if _made_from() in {_digest(lock) for lock in locks}:
        return
    lock = locks[0]
    sys.stderr.write(f"Preparing .venv from {lock.relative_to(ROOT)} ...\n")
    sys.stderr.flush()
    _run(sys.executable, "-m", "venv", "--clear", str(VENV))
    pip = (str(SCRIPTS / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input")
    _run(*pip, "install", "-qq", "--require-hashes", "--requirement", str(lock))
    _run(*pip, "install", "-qq", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    # Fails when pyproject.toml asks for what the lock does not hold: `.ci/lock` mends that.
    _run(*pip, "check")
    # Written last, so that an interrupted installation is never taken for a finished one.
    _STAMP.write_text(_digest(lock), encoding="ascii")


def _made_from() -> str:
    return _STAMP.read_text(encoding="ascii") if _STAMP.is_file() else ""


def _digest(lock: Path) -> str:
    """Hash all that an environment depends on: interpreter, place, lock and project metadata."""
    parts = (
        sys.version.encode(),
        os.fsencode(VENV),
        lock.read_bytes(),
        (ROOT / "pyproject.toml").read_bytes(),
    )
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _run(*command: str) -> None:
    # The standard output belongs to what runs in the environment afterwards.
    code = subprocess.run(  # noqa: S603 -- our own words
        command, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr
    ).returncode
    if code:
        sys.exit(code)
