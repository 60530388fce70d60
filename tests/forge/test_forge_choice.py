"""Which host a job's environment means."""

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.errors import SettingsError
from reconciler.forge.choice import open_forge

HUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_REPOSITORY": "acme/access",
    "GITHUB_TOKEN": "ghs_secret",
}
LAB = {
    "GITLAB_CI": "true",
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_ID": "4711",
    "RECONCILER_GITLAB_TOKEN": "glpat-secret",
}


def name_of(environ: Mapping[str, str], clock: Any) -> str:
    with open_forge(environ, clock.monotonic, clock.sleep) as forge:
        return forge.name if forge else ""


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, ""),
        ({"GITHUB_ACTIONS": "false", "GITLAB_CI": ""}, ""),
        (HUB, "GitHub"),
        (LAB, "GitLab"),
        (HUB | {"RECONCILER_COMMENT_AUTHOR": "access-app[bot]"}, "GitHub"),
        (HUB | {"RECONCILER_COMMENT_AUTHOR": ""}, "GitHub"),
        (HUB | {"GITHUB_API_URL": "https://ghe.example:8443/api/v3/"}, "GitHub"),
        (HUB | {"GITHUB_API_URL": "http://127.0.0.1:8080"}, "GitHub"),
        (HUB | {"RECONCILER_PROXY": "http://proxy.example:3128"}, "GitHub"),
        (LAB | {"RECONCILER_COMMENT_AUTHOR": "project_4711_bot"}, "GitLab"),
        (LAB | {"CI_API_V4_URL": "http://[::1]:8080/git/lab/api/v4"}, "GitLab"),
    ],
)
def test_the_runner_says_which_host(environ: dict[str, str], name: str, clock: Any) -> None:
    assert name_of(environ, clock) == name


BAD: list[tuple[dict[str, str], str]] = [
    (HUB | {"GITHUB_API_URL": url}, "GITHUB_API_URL")
    for url in (
        "", "api.github.com", "http://api.github.com", "ftp://api.github.com",
        "https://user:pw@api.github.com", "https://api.github.com?x=1", "https://api.github.com#x",
        "https://api.github.com/../x", "https://api.github.com/%2e", "https://api.github.com/a b",
        "https://api.github.com:0", "https://[::1", "https://", "https://api.github.com//x",
    )
]  # fmt: skip
BAD += [
    (HUB | {"GITHUB_REPOSITORY": name}, "GITHUB_REPOSITORY")
    for name in ("", "acme", "acme/access/x", "../access", "acme/..", "acme/.", "acme/a b", "a?/b")
]
BAD += [
    (HUB | {"GITHUB_TOKEN": ""}, "GITHUB_TOKEN"),
    (HUB | {"GITHUB_TOKEN": "two words"}, "GITHUB_TOKEN"),
    (HUB | {"RECONCILER_COMMENT_AUTHOR": "a b"}, "RECONCILER_COMMENT_AUTHOR"),
    (HUB | {"RECONCILER_COMMENT_AUTHOR": "[bot]"}, "RECONCILER_COMMENT_AUTHOR"),
    (HUB | {"RECONCILER_PROXY": "proxy"}, "RECONCILER_PROXY"),
    (HUB | {"RECONCILER_CA_FILE": "/no/such/file"}, "RECONCILER_CA_FILE"),
    (LAB | {"CI_API_V4_URL": "http://gitlab.example/api/v4"}, "CI_API_V4_URL"),
    (LAB | {"CI_PROJECT_ID": "acme/access"}, "CI_PROJECT_ID"),
    (LAB | {"CI_PROJECT_ID": ""}, "CI_PROJECT_ID"),
    (LAB | {"RECONCILER_GITLAB_TOKEN": ""}, "RECONCILER_GITLAB_TOKEN"),
    (LAB | {"RECONCILER_GITLAB_TOKEN": "", "CI_JOB_TOKEN": "x"}, "RECONCILER_GITLAB_TOKEN"),
    (LAB | {"RECONCILER_COMMENT_AUTHOR": "a b"}, "RECONCILER_COMMENT_AUTHOR"),
]


@pytest.mark.parametrize(("environ", "variable"), BAD)
def test_what_is_wrong_is_named_without_secrets(
    environ: dict[str, str], variable: str, clock: Any
) -> None:
    with pytest.raises(SettingsError) as told:
        name_of(environ, clock)
    assert told.value.message.startswith(variable)
    assert told.value.remedy
    assert not [word for word in ("pw@", "secret", "two words") if word in told.value.message]
