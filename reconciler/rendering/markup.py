"""A page of HTML that no value can change: elements are built, values only ever become text.

There is no script, no link and nothing to load; the one style is allowed by its hash (T12).
"""

import base64
import hashlib
from html import escape

from reconciler.rendering.safe import short, visible
from reconciler.rendering.stylesheet import STYLE


class Html(str):
    """Markup that this module made; any other text is escaped where it is put in."""

    __slots__ = ()


def element(tag: str, *inner: str, **attributes: str) -> Html:
    """Return an element. `inner` is escaped unless it is Html already.

    Attributes are words of ours, never values: `class_` and `aria_labelledby` stand for names
    that Python cannot spell.
    """
    own = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(word)}"' for key, word in attributes.items()
    )
    return Html(f"<{tag}{own}>{''.join(map(text, inner))}</{tag}>")


def text(value: str) -> Html:
    """Return a value as text, on one line, with everything invisible written as an escape."""
    return value if isinstance(value, Html) else Html(escape(visible(value)))


def named(value: str) -> Html:
    """Return a name that others chose: cut if very long, its direction kept to itself."""
    return element("bdi", short(value) or "(empty)")


def lines(*blocks: Html) -> Html:
    """Join blocks, one a line."""
    return Html("\n".join(block for block in blocks if block))


def page(title: str, *blocks: Html) -> str:
    """Return a whole page with a final newline. `title` is one of our words.

    Letters beyond ASCII are character references, so no encoding can misread the page.
    """
    head = (
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        element("title", title),
        Html(f"<style>{STYLE}</style>"),
    )
    body = element("body", element("main", Html("\n"), lines(*blocks), Html("\n")))
    inner = Html("\n".join(("", "<head>", *head, "</head>", body, "")))
    told = f"<!DOCTYPE html>\n{element('html', inner, lang='en')}\n"
    return told.encode("ascii", "xmlcharrefreplace").decode("ascii")


def policy() -> str:
    """Return the Content-Security-Policy: nothing may load or run, and only our style counts."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
