"""Which code host, from the job's environment; nothing of it is from the repository."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from reconciler.console.origin import normalise_origin
from reconciler.errors import SettingsError
from reconciler.forge import github, gitlab
from reconciler.forge.api import Api
from reconciler.forge.base import Forge
from reconciler.forge.http import ApiAddress
from reconciler.settings import ca_file_of, proxy_for, token_of

_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_PROJECT = re.compile(r"[1-9][0-9]{0,19}")
_USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_AUTHOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")


@contextmanager
def open_forge(
    environ: Mapping[str, str],
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
    *,
    is_reading: bool = False,
) -> Iterator[Forge | None]:
    """Yield the host that runs this job, None outside of GitHub Actions and GitLab CI.

    `is_reading`: nothing but artifacts is asked for, which on GitLab the job's own token may do
    too ("CI/CD job token").

    Reads GITHUB_ACTIONS, GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN and
    RECONCILER_COMMENT_AUTHOR ("Variables reference" of GitHub Docs), or GITLAB_CI, CI_API_V4_URL,
    CI_PROJECT_ID, CI_PROJECT_URL and RECONCILER_GITLAB_TOKEN ("Predefined CI/CD variables" of
    GitLab Docs), and RECONCILER_COMMENT_AUTHOR. Raises SettingsError naming the variable. Nothing
    is sent before the first call.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        with Api(_github_address(environ), monotonic, sleep) as api:
            yield _github(environ, api)
    elif environ.get("GITLAB_CI") == "true":
        address = _gitlab_address(environ, is_reading=is_reading)
        with Api(address, monotonic, sleep) as api:
            yield _gitlab(environ, api)
    else:
        yield None


def _github(environ: Mapping[str, str], api: Api) -> Forge:
    repository = _fitting(environ, "GITHUB_REPOSITORY", _REPOSITORY, "OWNER/NAME")
    if environ.get("RECONCILER_COMMENT_AUTHOR"):
        author = _fitting(environ, "RECONCILER_COMMENT_AUTHOR", _AUTHOR, "a login, e.g. app[bot]")
        return github.GitHub(api, repository, author)
    return github.GitHub(api, repository)


def _github_address(environ: Mapping[str, str]) -> ApiAddress:
    url, origin = _api_url(environ, "GITHUB_API_URL")
    if not environ.get("GITHUB_TOKEN"):
        raise SettingsError(
            "GITHUB_TOKEN is not set", "Give the step `env: GITHUB_TOKEN: ${{ github.token }}`."
        )
    return ApiAddress(
        name="GitHub",
        url=url,
        token=token_of(environ["GITHUB_TOKEN"], "GITHUB_TOKEN"),
        token_header=("Authorization", "Bearer "),
        headers=github.HEADERS,
        remedy=github.REMEDY,
        proxy=proxy_for(environ, origin),
        ca_file=ca_file_of(environ),
    )


def _gitlab(environ: Mapping[str, str], api: Api) -> Forge:
    project = _fitting(environ, "CI_PROJECT_ID", _PROJECT, "the project's number")
    author = ""
    if environ.get("RECONCILER_COMMENT_AUTHOR"):
        author = _fitting(environ, "RECONCILER_COMMENT_AUTHOR", _USERNAME, "a user's name")
    return gitlab.GitLab(api, project, environ.get("CI_PROJECT_URL", ""), author)


def _gitlab_address(environ: Mapping[str, str], *, is_reading: bool) -> ApiAddress:
    url, origin = _api_url(environ, "CI_API_V4_URL")
    name = "RECONCILER_GITLAB_TOKEN"
    header = "PRIVATE-TOKEN"
    if not environ.get(name) and is_reading and environ.get("CI_JOB_TOKEN"):
        name, header = "CI_JOB_TOKEN", "JOB-TOKEN"
    if not environ.get(name):
        raise SettingsError(
            f"{name} is not set",
            "Give it a token of this project with the scope `api`, as a masked variable; the job's"
            " own token may not write notes.",
        )
    return ApiAddress(
        name="GitLab",
        url=url,
        token=token_of(environ[name], name),
        token_header=(header, ""),
        headers={"Accept": "application/json"},
        remedy=gitlab.REMEDY,
        proxy=proxy_for(environ, origin),
        ca_file=ca_file_of(environ),
    )


def _api_url(environ: Mapping[str, str], variable: str) -> tuple[str, str]:
    """Return the API's base and its origin; https, or http on this machine.

    The host may be any: the runner says it, not the repository. The text is never repeated.
    """
    url = environ.get(variable, "").strip()
    try:
        parts = urlsplit(url)
        origin = normalise_origin(parts._replace(path="").geturl(), [parts.hostname or ""])
        _check_path(parts.path)
    except ValueError as error:
        raise SettingsError(
            f"{variable} {error}",
            "The runner sets it, e.g. https://api.github.com or https://gitlab.example/api/v4.",
        ) from None
    return origin + parts.path.rstrip("/"), origin


def _check_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise ValueError("has a path that is no plain one")


def _fitting(environ: Mapping[str, str], variable: str, form: re.Pattern[str], what: str) -> str:
    value = environ.get(variable, "")
    if not form.fullmatch(value):
        raise SettingsError(
            f"{variable}: {value[:100]!a} is not {what}", "The runner sets it; give it as it is."
        )
    return value
