"""A bare git repository, and commits in it made without a work tree."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

WHEN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
"""The blob of an empty file."""
_REFUSE = """\
#!/bin/sh
# Branches named in `protected` take no push.
grep -qxF "$1" "$GIT_DIR/protected" && echo "protected branch hook declined" && exit 1
exit 0
"""


class Origin:
    """What lies on the code host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.when = WHEN
        """The time of commits; tests may move it."""
        self._index = folder / "index.test"
        self._environ = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_INDEX_FILE": str(self._index),
        }
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(folder))
        # As GitHub does; by itself git hands out only what a ref names.
        self.git("config", "uploadpack.allowReachableSHA1InWant", "true")
        self.git("config", "uploadpack.allowFilter", "true")
        hook = folder / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_REFUSE)
        hook.chmod(0o755)
        (folder / "protected").write_text("")

    def git(self, *arguments: str, content: str | None = None, who: str = "ada") -> str:
        """Run git in the repository; return what it printed."""
        stamp = f"{int(self.when.timestamp())} +0000"
        people = {
            f"GIT_{role}_{name}": value
            for role in ("AUTHOR", "COMMITTER")
            for name, value in (
                ("NAME", who), ("EMAIL", f"{who}@acme.example"), ("DATE", stamp),
            )
        }  # fmt: skip
        where = [] if arguments[0] == "init" else [f"--git-dir={self.folder}"]
        run = subprocess.run(
            ["git", *where, *arguments], input=content, env=self._environ | people,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, f"git {' '.join(arguments)}: {run.stderr}"
        return run.stdout.rstrip("\n")

    def protect(self, *branches: str) -> None:
        """Let nobody push to these branches, except through a pull request."""
        names = "".join(f"refs/heads/{branch}\n" for branch in branches)
        (self.folder / "protected").write_text(names)

    def resolve(self, name: str) -> str:
        """Return the commit that a name stands for; empty when there is none."""
        found = self.git("for-each-ref", "--format=%(objectname)", name, f"refs/heads/{name}")
        return found.partition("\n")[0]

    def commit(
        self, branch: str, files: Mapping[str, str | None], message: str = "change", *,
        parent: str | None = None, who: str = "ada", updates: bool = True,
    ) -> str:  # fmt: skip
        """Write files (None: delete) onto a branch, or onto `parent`. Return the commit."""
        base = self.resolve(branch) if parent is None else parent
        self._read(base)
        rows = []
        for name, text in files.items():
            blob = self.git("hash-object", "-w", "--stdin", content=text) if text else EMPTY
            mode = "0" if text is None else "100755" if text.startswith("#!") else "100644"
            rows.append(f"{mode} {blob}\t{name}\n")
        self.git("hash-object", "-w", "--stdin", content="")
        self.git("update-index", "--index-info", content="".join(rows))
        return self._made(branch, base, message, who, updates=updates)

    def take(self, branch: str, source: Path, *names: str, message: str = "import") -> str:
        """Commit files and folders of a work tree as they are, without what it ignores."""
        base = self.resolve(branch)
        self._read(base)
        self.git(f"--work-tree={source}", "add", "--", *(str(source / name) for name in names))
        return self._made(branch, base, message, "ada", updates=True)

    def _read(self, base: str) -> None:
        self._index.unlink(missing_ok=True)
        if base:
            self.git("read-tree", base)

    def _made(self, branch: str, base: str, message: str, who: str, *, updates: bool) -> str:
        tree = self.git("write-tree")
        commit = self.record(tree, [base] if base else [], message, who)
        if updates:
            self.update(f"refs/heads/{branch}", commit)
        return commit

    def record(self, tree: str, parents: list[str], message: str, who: str = "ada") -> str:
        """Make a commit object."""
        named = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree, *named, "-m", message, who=who)

    def update(self, ref: str, commit: str) -> None:
        """Point a ref at a commit; an empty one deletes it."""
        self.git("update-ref", *(["-d", ref] if not commit else [ref, commit]))

    def merged_tree(self, base: str, head: str) -> str:
        """Return the tree of a merge. Fails on a conflict."""
        return self.git("merge-tree", "--write-tree", base, head).partition("\n")[0]

    def show(self, commit: str, path: str) -> str:
        return self.git("show", f"{commit}:{path}")

    def files(self, commit: str, below: str = "") -> list[str]:
        listed = self.git("ls-tree", "-r", "--name-only", commit, *([below] if below else []))
        return listed.splitlines()

    def changed(self, before: str, after: str) -> list[str]:
        """Return the paths in which two commits differ."""
        empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        return self.git("diff", "--name-only", before or empty, after).splitlines()
