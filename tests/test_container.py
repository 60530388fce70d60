"""The image: what its Dockerfile promises, and what the command does where an image leaves little.

No image is built here. The commands of the Dockerfile run for real once a week, and what they make
is started like an image: as the first process of a root that holds nothing else and cannot be
written, as user 65532 without a name, a home, a shell or a privilege.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.simulator.serve import Running, running

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
LOCK = ROOT / ".github" / "requirements-reconciler.lock"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
USER = 65532
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")

Instruction = tuple[str, str]


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, the first one its FROM; lines joined, comments left out."""
    found: list[list[Instruction]] = []
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        if word:
            found[-1].append((word, rest.strip()))
    return found


def values(stage: list[Instruction], word: str) -> list[str]:
    return [value for name, value in stage if name == word]


def faults(text: str) -> set[str]:
    """Name every law that a Dockerfile breaks."""
    parts = stages(text)
    names = {words[2] for part in parts if len(words := part[0][1].split()) > 1}
    bases = [part[0][1].split()[0] for part in parts]
    shipped = [part for part in parts if values(part, "ENTRYPOINT")]
    whole = [entry for part in parts for entry in part]
    runs = [command for word, value in whole if word == "RUN" for command in value.split("&&")]
    pips = [command for command in runs if "-m pip " in command]
    context = [value for word, value in whole if word == "COPY" and "--from=" not in value]
    sources = [source for value in context for source in value.split()[:-1]]
    laws = {
        "base": not all(base in names or PINNED.fullmatch(base) for base in bases),
        "latest": any(":latest" in base for base in bases),
        "user": any(values(part, "USER")[-1:] != [f"{USER}:{USER}"] for part in shipped),
        "last word": any(
            "RUN" in [word for word, _ in part[part.index(("USER", f"{USER}:{USER}")) :]]
            for part in shipped
            if ("USER", f"{USER}:{USER}") in part
        ),
        "shell": any(
            not value.startswith('["/') for part in shipped for value in values(part, "ENTRYPOINT")
        ),
        "hashes": not all(
            "--no-index" in command
            or {"--require-hashes", "--only-binary=:all:"} <= set(command.split())
            for command in pips
        )
        or not pips,
        "download": any(word == "ADD" for word, _ in whole)
        or any(re.search(r"\b(curl|wget|git clone)\b", command) for command in runs),
        "secret": any(
            word in {"ARG", "ENV"} and re.search(r"TOKEN|SECRET|PASSW|KEY|SENTINELONE", value)
            for word, value in whole
        ),
        "source": not all((ROOT / source).exists() and source != "." for source in sources),
        "state": not all(
            "RECONCILER_STATE=/state" in " ".join(values(part, "ENV"))
            and any(value.endswith(" /state") for value in values(part, "COPY"))
            for part in shipped
        ),
        "nothing shipped": len(shipped) != 2,
    }
    return {law for law, broken in laws.items() if broken}


BROKEN = {
    "base": (r"@sha256:[0-9a-f]{64}\n", "\n"),
    "latest": (r":nonroot@", ":latest@"),
    "user": (r"USER 65532:65532", "USER 0:0"),
    "last word": (r'CMD \["--help"\]', "RUN id"),
    "shell": (r"ENTRYPOINT .*", "ENTRYPOINT reconciler"),
    "hashes": (r" --require-hashes", ""),
    "download": (r"COPY schemas schemas", "ADD https://x.example/schemas schemas"),
    "secret": (r"RECONCILER_STATE=/state", "RECONCILER_STATE=/state SENTINELONE_TOKEN=x"),
    "source": (r"COPY schemas schemas", "COPY . ."),
    "state": (r"RECONCILER_STATE=/state", "RECONCILER_STATE=/tmp"),
    "nothing shipped": (r"FROM base AS ci", 'FROM base AS ci\nENTRYPOINT ["/x"]\nFROM base AS x'),
}


def test_the_dockerfile_breaks_no_law() -> None:
    assert faults(DOCKERFILE.read_text()) == set()


@pytest.mark.parametrize("law", BROKEN)
def test_a_broken_dockerfile_is_seen(law: str) -> None:
    before = DOCKERFILE.read_text()
    after = re.sub(*BROKEN[law], before)
    assert after != before
    assert law in faults(after)


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    first, *rest = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line[:1] not in {"", "#"}
    ]
    let_in = {line[1:] for line in rest if line.startswith("!")}
    copied = {
        source
        for stage in stages(DOCKERFILE.read_text())
        for value in values(stage, "COPY")
        if "--from=" not in value
        for source in value.split()[:-1]
    }
    assert first == "*"
    assert let_in == copied
    assert "**/__pycache__" in rest


def entry_point() -> list[str]:
    (last,) = values(stages(DOCKERFILE.read_text())[-1], "ENTRYPOINT")
    words: list[str] = json.loads(last)
    return words


BOX = r"""
set -eu
root=$1 ; shift
mount --make-rprivate /
mount --bind "$root" "$root"
while [ "$1" != -- ] ; do
  mount --rbind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,ro,bind "$root$2"
  shift 3
done
shift
mount -t proc proc "$root/proc"
mount -o remount,ro,bind "$root"
exec setpriv --no-new-privs --clear-groups \
  unshare --root="$root" --wd=/work --setgid=65532 --setuid=65532 -- "$@"
"""
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", BOX, "box")


class Box:
    """A root like the image's, in which the command is the first process."""

    def __init__(self, root: Path) -> None:
        self.root, self.binds = root, list[tuple[Path, str, str]]()
        self.entry_point = entry_point()
        for name in ("proc", "dev", "usr", "lib", "lib64", "state", "work", "opt/reconciler"):
            (root / name).mkdir(parents=True)
        self.bind(Path("/dev"), "/dev", "rw")
        self.bind(Path(sys.base_prefix), "/usr")
        for name in ("/lib", "/lib64"):
            if Path(name).exists():
                self.bind(Path(name).resolve(), name)
        self.state, self.work = root / "state", root / "work"
        for folder in (self.state, self.work):
            os.chown(folder, USER, USER)
            self.bind(folder, f"/{folder.name}", "rw")

    def bind(self, outside: Path, inside: str, mode: str = "ro") -> None:
        (self.root / inside[1:]).mkdir(parents=True, exist_ok=True)
        self.binds.append((outside, inside, mode))

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        binds = [str(word) for bind in self.binds for word in bind]
        given = {"PATH": os.environ["PATH"], "RECONCILER_STATE": "/state", **environ}
        given["LD_LIBRARY_PATH"] = "/usr/lib"  # its own libpython, before one of the system
        command = [*UNSHARE, str(self.root), *binds, "--", *self.entry_point, *arguments]
        return subprocess.Popen(
            command,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        with self.start(*arguments, **environ) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def fill(self) -> None:
        """Put the shipped policies into the working directory, owned by the image's user."""
        shutil.copytree(ROOT / "policies", self.work / "policies")
        for path in (self.work / "policies").rglob("*"):
            os.chown(path, USER, USER)


def is_allowed() -> bool:
    tools = [shutil.which(name) for name in ("unshare", "setpriv", "mount")]
    if os.geteuid() != 0 or not all(tools):
        return False
    probe = ["unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


boxed = pytest.mark.skipif(not is_allowed(), reason="needs root, and namespaces of its own")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box with the packages of this environment in the place of the image's."""
    made = Box(tmp_path / "root")
    home = made.root / "opt" / "reconciler"
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(f"/usr/bin/{PYTHON}")
    (home / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    made.bind(Path(sysconfig.get_path("purelib")), f"/opt/reconciler/lib/{PYTHON}/site-packages")
    made.bind(ROOT, str(ROOT))
    return made


@pytest.fixture
def console() -> Iterator[Running]:
    with running() as served:
        yield served


def written(box: Box) -> set[str]:
    """What lies in the box outside of what was put there."""
    return {
        str(path.relative_to(box.root))
        for folder in (box.state, box.work)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".yaml"
    }


@boxed
def test_the_command_starts_with_nothing_around_it(box: Box) -> None:
    code, out, err = box.run("--version")
    assert (code, err) == (0, "")
    assert out.startswith("reconciler, version ")
    assert written(box) == set()


@boxed
def test_the_box_is_as_bare_as_it_claims(box: Box) -> None:
    """Otherwise the other tests would show nothing."""
    question = (
        "import os, pathlib; s = dict(l.split(':', 1) for l in open('/proc/self/status'));"
        "print(os.getpid(), os.getuid(), s['CapEff'].strip(), s['NoNewPrivs'].strip(),"
        " os.path.exists('/bin/sh'), os.path.exists('/etc'), os.path.exists('/tmp'))\n"
        "for place in ('/x', '/opt/reconciler/x', '/state/x', '/work/x'):\n"
        "  try: pathlib.Path(place).touch(); print(place)\n"
        "  except OSError as e: print(e.errno)"
    )
    box.work.joinpath("ask.py").write_text(question)
    box.entry_point = [*box.entry_point[:1], "ask.py"]
    code, out, err = box.run()
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        # This checkout is bound into the box, and may itself lie below that folder.
        f"1 {USER} 0000000000000000 1 False False {ROOT.parts[1] == 'tmp'}",
        *("30", "30", "/state/x", "/work/x"),
    ]


@boxed
def test_plan_and_apply_write_to_the_mounted_folders_only(box: Box, console: Running) -> None:
    box.fill()
    token = box.work / "token"
    token.write_text(console.token)
    token.chmod(0o600)
    os.chown(token, USER, USER)
    where = {"SENTINELONE_URL": console.url, "SENTINELONE_TOKEN_FILE": "/work/token"}
    planned = box.run("plan", "--detailed-exitcode", **where)
    assert planned[0] == 2, planned
    assert written(box) == {"work/token"}
    applied = box.run("apply", "--auto-approve", **where)
    assert applied[0] == 0, applied
    assert "work/.reconciler/journal.jsonl" in written(box)
    assert any(name.startswith("state/") for name in written(box))
    again = box.run("plan", "--detailed-exitcode", **where)
    assert again[0] == 0, again


@boxed
def test_sigterm_ends_the_first_process_of_a_container(box: Box) -> None:
    """The kernel drops a signal that such a process does not handle: it would be killed later."""
    box.fill()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with box.start("plan", SENTINELONE_URL=url, SENTINELONE_TOKEN="x" * 80) as process:
            connection, _ = silent.accept()  # so it is at work, and waits for an answer
            with connection:
                os.kill(first_process(process.pid), signal.SIGTERM)
                try:
                    assert process.wait(120) == 128 + signal.SIGTERM
                finally:
                    process.kill()


def first_process(parent: int) -> int:
    """The child of `unshare`, which is 1 in its own namespace."""
    (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(child)


@pytest.fixture
def built(tmp_path: Path) -> Box:
    """A box with what the Dockerfile's own commands make, for the interpreter that is here."""
    made = Box(tmp_path / "root")
    source, tool = tmp_path / "source", tmp_path / "tool"
    subprocess.run([sys.executable, "-m", "venv", tool], check=True)
    (build,) = [part for part in stages(DOCKERFILE.read_text()) if part[0][1] == "base AS build"]
    source.mkdir()
    places = {"/opt/reconciler": made.root / "opt" / "reconciler", "/wheels": tmp_path / "wheels"}
    places |= {"/empty": tmp_path / "empty"}
    environ = {"PATH": f"{tool}/bin:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environ |= {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    for word, value in build:
        if word == "ENV":
            environ |= dict(pair.split("=", 1) for pair in shlex.split(value))
        elif word == "COPY":
            *names, target = value.split()
            for name in names:
                copy(
                    ROOT / name,
                    source / target / ("" if (ROOT / name).is_dir() else Path(name).name),
                )
        elif word == "RUN":
            command = value.replace("python3.13", PYTHON)
            for inside, outside in places.items():
                command = re.sub(rf"(?<![\w.]){inside}\b", str(outside), command)
            subprocess.run(["sh", "-euc", command], cwd=source, env=environ, check=True)
    return made


def copy(origin: Path, target: Path) -> None:
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(origin, target)


@boxed
@pytest.mark.weekly
def test_what_the_dockerfile_makes_works_in_an_image(built: Box, console: Running) -> None:
    built.fill()
    assert built.run("--version")[0] == 0
    code, out, _ = built.run("validate")
    assert (code, out.split()[1]) == (0, "valid.")
    planned = built.run(
        *("plan", "--detailed-exitcode"),
        SENTINELONE_URL=console.url,
        SENTINELONE_TOKEN=console.token,
    )
    assert planned[0] == 2, planned
    (packages,) = (built.root / "opt" / "reconciler").glob("lib/*/site-packages")
    assert not list(packages.glob("hatchling*"))
    assert not list(packages.glob("pip*"))


@pytest.mark.weekly
def test_hadolint_finds_nothing_and_condemns_a_bad_dockerfile(tmp_path: Path) -> None:
    tool = Path(sysconfig.get_path("scripts")) / "hadolint"
    good = subprocess.run([tool, DOCKERFILE], capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN pip install reconciler\nUSER root\nENTRYPOINT x\n")
    found = subprocess.run([tool, bad], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    for rule in ("DL3007", "DL3013", "DL3002", "DL3025"):
        assert rule in found.stdout
