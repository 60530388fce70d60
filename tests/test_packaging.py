"""The wheel works on its own: found, complete, reproducible, locked by hash; and T01."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("reconciler", "schemas", "policies", "pyproject.toml", "README.md", "LICENSE")
LOCKS = (ROOT / ".ci" / "requirements.lock", ROOT / ".github" / "requirements-reconciler.lock")
PINNED = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", re.MULTILINE)


def clean_environment(**more: str) -> dict[str, str]:
    """Give the environment without what points at this checkout or measures it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "COV_", "PYTHON"))}
    return {**kept, **more}


def build_wheel(folder: Path) -> Path:
    """Build a wheel from a copy of the sources in `folder`, without network or isolation."""
    source, dist = folder / "source", folder / "dist"
    source.mkdir(parents=True)
    for name in SOURCES:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            # A plain copy has a new time stamp: the wheel must not depend on it.
            shutil.copyfile(origin, source / name)
    run = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, source],
        env=clean_environment(SOURCE_DATE_EPOCH="1764000000"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = dist.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment and return the folder of its commands.

    The environment sees the dependencies of the running one, but not the checkout: a folder named
    in a `.pth` file is searched for modules, while the `.pth` files inside it are not followed.
    """
    environment = tmp_path_factory.mktemp("installed") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    scripts = environment / Path(sysconfig.get_path("scripts")).name
    (packages,) = environment.glob("[Ll]ib/**/site-packages")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python")
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(folders)))
    return scripts


def run_installed(scripts: Path, folder: Path, name: str, *arguments: str) -> str:
    """Run an installed command in `folder`; return what it printed."""
    run = subprocess.run(
        [scripts / name, *arguments],
        cwd=folder,
        env=clean_environment(PATH=f"{scripts}{os.pathsep}{os.environ['PATH']}"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def read_pins(lock: Path) -> dict[str, str]:
    return dict(PINNED.findall(lock.read_text()))


def normal_name(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def direct_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {normal_name(requirement) for requirement in project["dependencies"]}


def test_the_wheel_holds_the_package_its_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    metadata = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
    assert {name.split("/")[0] for name in names} == {"reconciler", metadata}
    assert "reconciler/py.typed" in names
    assert f"{metadata}/licenses/LICENSE" in names
    assert any(name.startswith("reconciler/_data/schemas/") for name in names)
    assert any(name.startswith("reconciler/_data/policies/") for name in names)
    assert not [name for name in names if re.search(r"(^|/)(tests?|conftest)(/|_|\.py)", name)]


def test_a_wheel_built_again_elsewhere_has_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    again = build_wheel(tmp_path / "another" / "place")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_installed_package_finds_its_data_without_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    question = """if True:
        import sys, reconciler
        from reconciler.resources import resource
        print(reconciler.__file__, resource("schemas"), resource("policies"), sep="\\n")
        print(*sys.path, sep="\\n")
    """
    package, schemas, policies, *path = run_installed(
        installed, tmp_path, "python", "-P", "-c", question
    ).splitlines()
    home = installed.parent.resolve()
    assert Path(package).is_relative_to(home)
    assert str(ROOT) not in path
    for folder, kind in ((schemas, "*.json"), (policies, "*.yaml")):
        assert Path(folder).is_relative_to(home)
        shipped = sorted(p.relative_to(folder) for p in Path(folder).rglob(kind))
        source = ROOT / Path(folder).name
        assert shipped == sorted(p.relative_to(source) for p in source.rglob(kind))
        assert shipped


def test_the_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = run_installed(installed, tmp_path, "python", "-P", "-m", "reconciler", "--version")
    assert version in told.split()[-1]
    assert run_installed(installed, tmp_path, "reconciler", "--version") == told


def test_the_installed_demo_runs_its_story_in_an_empty_folder(
    installed: Path, tmp_path: Path
) -> None:
    told = run_installed(installed, tmp_path, "reconciler", "demo")
    assert "No changes." in told
    assert str(ROOT) not in told


def plant_imposters(folder: Path) -> Path:
    """Fill a folder with modules that would leave a mark if anything imported them."""
    marker = folder / "marker"
    planted = f"open({str(marker)!r}, 'w').close()\n"
    (folder / "reconciler").mkdir()
    names = ("yaml", "httpx", "click", "ruamel", "sitecustomize", "conftest", "reconciler/__init__")
    for name in (*names, "reconciler/__main__"):
        (folder / f"{name}.py").write_text(planted)
    (folder / "pyproject.toml").write_text('[project]\nname = "imposter"\nversion = "1"\n')
    (folder / ".env").write_text("SENTINELONE_URL=https://imposter.example\n")
    return marker


@pytest.mark.parametrize(
    "start",
    [("reconciler",), ("python", "-P", "-m", "reconciler")],
    ids=["command", "module"],
)
@pytest.mark.parametrize("arguments", [("--version",), ("validate",)], ids=lambda words: words[0])
def test_a_hostile_working_directory_is_not_imported(
    installed: Path, tmp_path: Path, start: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    marker = plant_imposters(tmp_path)
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    run_installed(installed, tmp_path, *start, *arguments)
    assert not marker.exists()


def test_the_imposters_would_leave_their_mark(installed: Path, tmp_path: Path) -> None:
    marker = plant_imposters(tmp_path)
    run_installed(installed, tmp_path, "python", "-m", "reconciler")
    assert marker.exists()


def test_the_package_has_few_direct_dependencies() -> None:
    assert len(direct_dependencies()) <= 9


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_direct_dependency_by_hash(lock: Path) -> None:
    assert direct_dependencies() | {"hatchling", "editables"} <= set(read_pins(lock))
    text = lock.read_text()
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(PINNED.findall(text))
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address_and_no_place(lock: Path) -> None:
    words = re.sub(r"sha256:[0-9a-f]{64}", "", lock.read_text())
    assert not re.findall(r"://|--(?:extra-)?index|--find-links|(?<!\S)/\S*", words)


def test_what_is_shipped_is_locked_as_it_was_tested() -> None:
    tested, shipped = (read_pins(lock) for lock in LOCKS)
    assert shipped.items() <= tested.items()


def test_every_development_tool_is_locked_too() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    weekly = set(read_pins(ROOT / ".ci" / "requirements-weekly.lock"))
    for name, group in groups.items():
        wanted = {normal_name(entry) for entry in group if isinstance(entry, str)}
        assert wanted <= (weekly if name == "weekly" else set(read_pins(LOCKS[0])))
