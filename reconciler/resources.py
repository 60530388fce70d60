"""Files that ship with the product: schemas and the sample policies.

In a wheel they lie in `reconciler/_data`; in a checkout they are top-level folders beside the
package. One function knows both.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(folder: str) -> Path:
    """Return the path of a shipped folder, `schemas` or `policies`.

    Raises FileNotFoundError when the installation lost it.
    """
    for candidate in (_PACKAGE / "_data" / folder, _PACKAGE.parent / folder):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"this installation has no {folder} folder; install it again")
