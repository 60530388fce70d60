"""The credentials file that the Go SDK for this API reads too: text in, profiles out. Pure."""

import configparser

_PREAMBLE = "\x00"


def parse_credentials(text: str) -> dict[str, dict[str, str]]:
    """Return the keys of each profile, lower-cased; the last of repeated keys wins.

    The format is a little wider than `configparser`'s, hence two steps before: each line is
    stripped, since indentation means nothing, and a nameless section takes the lines that stand
    before the first one. Raises ValueError with the number of a line that has a value but no key;
    never with its text, which may hold a token.
    """
    parser = configparser.RawConfigParser(
        comment_prefixes=("#", ";"),
        allow_no_value=True,
        default_section=f"{_PREAMBLE}{_PREAMBLE}",
        strict=False,
    )
    lines = "\n".join(line.strip() for line in text.split("\n"))
    try:
        parser.read_string(f"[{_PREAMBLE}]\n{lines}")
    except configparser.ParsingError as error:
        raise ValueError(f"line {error.errors[0][0] - 1} has a value but no key") from None
    sections = (name for name in parser.sections() if name != _PREAMBLE)
    return {name: {k: v or "" for k, v in parser.items(name)} for name in sections}
