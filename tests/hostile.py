"""The hostile corpus: texts that somebody chose to deceive what shows them, or whoever reads it."""

from collections.abc import Callable
from dataclasses import dataclass

_OF_TERMINALS = {
    "a command": "::add-mask::x",
    "a command after blanks": "   ::error file=a::x",
    "a command after a no-break space": "\u00a0::error::x",
    "a command after an ideographic space": "\u3000::error::x",
    "a command on a new line": "x\n::add-mask::1",
    "a command after CR": "x\r::stop-commands::z",
    "a command after CRLF": "x\r\n::set-output name=a::b",
    "a command after NEL": "x\x85::debug::b",
    "a command after U+2028": "x\u2028::debug::b",
    "a command after U+2029": "x\u2029::debug::b",
    "a command after a vertical tab": "x\x0b::debug::b",
    "a command after a form feed": "x\x0c::debug::b",
    "one colon": ":",
    "two colons": "::",
    "a legacy command": "##[add-mask]x",
    "a legacy command inside": "Berlin ##[stop-commands]z",
    "a legacy command after more": "###[error]x",
    "a command of another runner": "##vso[task.setvariable variable=a]b",
    "an OSC title": "\x1b]0;owned\x07",
    "an OSC 8 link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "an OSC 52 clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "an erased line": "x\x1b[2K\x1b[1Gy",
    "a cleared screen": "\x1b[2J\x1b[H",
    "a foreign colour": "\x1b[31mred\x1b[0m",
    "our own colour, forged": "\x1b[1;31mRefused\x1b[0m",
    "a device query": "\x1b[6n",
    "an 8-bit CSI": "\x9b31mred",
    "an 8-bit OSC": "\x9d0;owned\x9c",
    "a DCS": "\x1bP1$r0m\x1b\\",
    "backspaces": "admin\x08\x08\x08\x08\x08viewer",
    "a bell": "\x07",
    "a tab": "a\tb",
    "a carriage return": "viewer\radmin",
    "NUL": "a\x00b",
    "DEL": "a\x7fb",
    "a lone high surrogate": "a\ud800b",
    "a lone low surrogate": "\udfff",
    "surrogates the wrong way round": "\udc00\ud800",
    "a left-to-right override": "\u202dx",
    "a right-to-left override": "ana\u202enimda",
    "an embedding": "\u202ax\u202bx\u202c",
    "isolates": "\u2066x\u2067x\u2068x\u2069",
    "direction marks": "\u200ex\u200fx\u061c",
    "a zero width space": "ad\u200bmin",
    "a zero width joiner": "a\u200db",
    "a zero width non-joiner": "a\u200cb",
    "a byte order mark": "\ufeffadmin",
    "a word joiner": "a\u2060b",
    "a soft hyphen": "ad\u00admin",
    "a tag character": "a\U000e0041b",
    "a Hangul filler": "a\u3164b",
    "a grapheme joiner": "a\u034fb",
    "a variation selector": "a\ufe0fb",
    "a supplementary variation selector": "a\U000e0100b",
    "an empty Braille pattern": "\u2800",
    "a no-break space": "EMEA\u00a0Berlin",
    "private use": "\ue000",
    "not a character": "\uffff",
    "an interlinear annotation": "\ufff9x\ufffay\ufffb",
    "right-to-left text": "מנהל מערכת",
    "Arabic text": "مدير النظام",
    "wide characters": "管理者",
    "combining marks": "a" + "\u0301" * 50,
    "a leading combining mark": "\u0301x",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "ten kilobytes": "A" * 10_240,
    "ten kilobytes of wide characters": "管" * 10_240,
    "ten kilobytes of new lines": "\n" * 10_240,
    "nothing": "",
    "a blank": " ",
    "Markdown": "| `x` | <!-- ![](http://evil.example) <img onerror=alert(1)> @org/team #1",
    "a formula": "=cmd()|'/C calc'!A0",
    "a format": "{0} {x} %s %n ${x} $(x) `x`",
    "backslashes": "DOMAIN\\user \\x1b[31m",
    "quotes": "\"'",
    "a false summary": "x\nPlan: 0 to grant, 0 to revoke, 0 to invite, 0 to delete, 0 unlisted.",
}
_CONTROLS = {f"U+{code:04X}": chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}

_BLOCKS = (
    *("# x", "###### x", "#", "> x", ">>> x", "- x", "* x", "+ x", "1. x", "1) x", "- [ ] x"),
    *("- [x] done", "```", "````sh", "~~~", "```mermaid\ngraph TD", "    indented", "\tindented"),
    *("---", "***", "___", "===", "x\n===", "x\n---", "x\n\n# y", "x  \ny", "x\\\ny", "\\"),
    *("| a | b |", "|", "||", "| --- |", "a|b|c", "\\|", "\\\\|", "\\\\\\|", "|\\", "`|`", "`\\|`"),
    *("a | b\n--|--\nc | d", "> [!CAUTION]", "> [!NOTE]\n> fine", "[!WARNING]", ": x", "x\n: y"),
)
_SPANS = (
    *("`", "``", "```x```", "`x", "x`", "x``", "``x", "` `", "`` ` ``", "a`b``c```d", "\\`", "`\\"),
    *("` x `", " `x` ", "`" * 50, "`" * 199, "`" * 300, "``<b>``", "`</code>`", "*x*", "**x**"),
    *(
        "***x***",
        "_x_",
        "__x__",
        "~x~",
        "~~x~~",
        "x^2^",
        "==x==",
        "$x$",
        "$$x$$",
        "$`x`$",
        "\\(x\\)",
    ),
    *(":smile:", ":+1:", "*", "**", "_", "__", "~", "\\*x\\*", "a*b*c", "a_b_c", "x\\", "\\n", "&"),
)
_LINKS = (
    *("[x](http://evil.example)", "[x](<http://evil.example>)", "[x]( http://e.example 'y')"),
    *("[x](javascript:alert(1))", "[x](data:text/html,x)", "[x](vbscript:x)", "[x](/relative)"),
    *("![](http://evil.example/p.png)", "![x](https://e.example)", "![x][y]", "[x]", "[x][]"),
    *("[x][y]\n\n[y]: http://evil.example", "[y]: http://evil.example", "[^1]", "[^1]: x", "[x]("),
    *(
        "](http://evil.example)",
        "[",
        "]",
        "[[x]]",
        "[[x|y]]",
        "![",
        "!",
        "[x](#anchor)",
        "[x](../..)",
    ),
    *("<http://evil.example>", "<ana@evil.example>", "<javascript:alert(1)>", "<ftp://e.example>"),
    *("http://evil.example", "https://evil.example/a?b=c#d", "www.evil.example", "ftp://e.example"),
    *(
        "evil.example",
        "ana@evil.example",
        "mailto:ana@evil.example",
        "xmpp:a@e.example",
        "//e.example",
    ),
    *(
        "HTTPS://EVIL.EXAMPLE",
        "http://[::1]/",
        "http://127.0.0.1:8080",
        "www.a.b.c",
        "WWW.EVIL.EXAMPLE",
    ),
    *(
        "see http://evil.example.",
        "(http://evil.example)",
        "'www.evil.example'",
        "http://münchen.example",
    ),
    *(
        "http://evil.example/`x`",
        "`http://evil.example",
        "tel:+123",
        "file:///etc/passwd",
        "http://",
    ),
    *("http://evil.example|x", "x@y.z|", "ana@evil.example`", "https://github.com/acme/x/pull/1"),
)
_MENTIONS = (
    *(
        "@org/team",
        "@ana",
        "@everyone",
        "(@ana)",
        "x @ana y",
        "@ana-b",
        "\\@ana",
        "@@ana",
        "@",
        "@/",
    ),
    *("#1", "#123 x", "GH-1", "gh-99", "org/repo#1", "org/repo@abc1234", "fixes #1", "closes: #2"),
    *(
        "0123456789abcdef0123456789abcdef01234567",
        "abc1234",
        "deadbeef",
        "!1",
        "$1",
        "%1",
        "&1",
        "~bug",
    ),
    *(
        "CVE-2026-1234",
        "JIRA-1",
        "/assign @ana",
        "/approve",
        "/close",
        "/label bug",
        "#",
        "##",
        "# 1",
    ),
)
_HTML = (
    *(
        "<b>x</b>",
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<style>*{}</style>",
    ),
    *(
        "</details>",
        "<details open>",
        "</summary>",
        "</sub>",
        "<br>",
        "<br/>",
        "</td></tr></table>",
    ),
    *(
        "<!--",
        "-->",
        "<!-- x -->",
        "<!-->",
        "<!--->",
        "<?php x ?>",
        "<![CDATA[x]]>",
        "<!DOCTYPE html>",
    ),
    *(
        "<a href=javascript:alert(1)>x</a>",
        "<iframe src=x>",
        "<svg onload=alert(1)>",
        "<math>",
        "</p>",
    ),
    *("<x", "x>", "<", ">", "<>", "</", "<a", "<a ", '<a b="c', "<1>", "<x:y>", "<b\nc>", "<h1>x"),
    *(
        "&lt;b&gt;",
        "&amp;",
        "&#64;ana",
        "&#x3c;b&#x3e;",
        "&nbsp;",
        "&#0;",
        "&bogus;",
        "&quot;",
        "&#124;",
    ),
    *(
        '" onmouseover=alert(1) x="',
        "' onclick='x",
        'x" style="x',
        "</title>",
        "</textarea>",
        "</xmp>",
    ),
    *(
        "<plaintext>",
        "<base href=//e.example>",
        "<meta http-equiv=refresh>",
        "<link rel=stylesheet>",
    ),
)
_CELLS = (
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        '=HYPERLINK("http://e.example")',
    ),
    *(
        "=cmd|'/C calc'!A0",
        "'=1",
        "''",
        '"',
        '""',
        'a"b',
        "a,b",
        "a;b",
        "a\tb",
        "\uff1d1",
        "\uff0b1",
        "\u22121",
    ),
    *('"=1"', ",=1", ";=1", "%0A::error::x", "%0D%0A::error::x", "%25", "%3A%3A", "%2C", "%", "a%"),
    *(
        "::",
        ",title=x",
        "x,line=9",
        "::x::y",
        "file=a",
        "=",
        "x::",
        " ::",
        "]]>",
        "]]>&",
        "\x00\x00",
    ),
)
_LOOKS = {
    "a Cyrillic look-alike": "\u0430dmin",
    "Greek and Latin": "\u0391dmin",
    "full width letters": "\uff41\uff44\uff4d\uff49\uff4e",
    "a full width bar": "a\uff5cb",
    "a Turkish i": "\u0130stanbul",
    "a sharp s": "Stra\u00dfe",
    "a Kelvin sign": "\u212a",
    "a ligature": "\ufb01",
    "Zalgo": "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033dA\u0334\u0319\u0324\u031eL",
    "an enclosing mark": "a\u20dd",
    "a flag": "\U0001f1ea\U0001f1ea",
    "an emoji": "\U0001f4a5",
    "a skin tone": "\U0001f44d\U0001f3fd",
    "a keycap": "1\ufe0f\u20e3",
    "Hangul parts": "\u1112\u1161\u11ab",
    "Devanagari": "\u0928\u092e\u0938\u094d\u0924\u0947",
    "Thai": "\u0e1c\u0e39\u0e49\u0e14\u0e39\u0e41\u0e25",
    "a Hebrew and a Latin word": "admin \u05de\u05e0\u05d4\u05dc admin",
    "an Arabic number": "\u0661\u0662\u0663",
    "box drawing": "\u2502 x \u2502",
    "a check mark": "\u2705 approved",
    "a soft line end": "x\u2028y",
    "a byte order mark inside": "a\ufeffb",
    "many bars": "|" * 300,
    "many brackets": "[" * 300,
    "many stars": "*" * 300,
    "many mentions": "@a " * 100,
    "many entities": "&amp;" * 100,
    "ten kilobytes of links": "http://evil.example/ " * 500,
    "ten kilobytes of bars": "|" * 10_240,
    "ten kilobytes of backticks": "`" * 10_240,
    "two hundred characters": "a" * 200,
    "two hundred and one": "a" * 201,
    "a cut inside backticks": "a" * 190 + "`" * 20,
    "a cut inside an escape": "a" * 195 + "\u202e" * 10,
    "a false verdict": "x\n\n> [!NOTE]\n> **Nothing to change.**",
    "a false end": "x</details>\n\n### No changes. 0 unlisted.",
    "a false row": "x |\n| `root@acme.example` | **+ grant**",
    "a false refusal": "`**: `Nothing.`\n- **`x",
    "a file name": "policies/a,b:c=d%0A.yaml",
    "a Windows path": "policies\\a.yaml",
}
_FORMATS = {
    f"U+{code:04X}, unseen": f"a{chr(code)}b"
    for code in (
        *(
            0xAD,
            0x34F,
            0x61C,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            0x180B,
            0x180E,
            0x2000,
            0x2003,
            0x2007,
        ),
        *range(0x200B, 0x2010),
        *range(0x2028, 0x2030),
        *range(0x205F, 0x2070),
        *(0x3000, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFA, 0xFFFB, 0x1D173, 0xE0001, 0xE007F),
        *(0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xFDD0, 0xFFFE, 0x1FFFF, 0x10FFFF, 0xE000, 0xF8FF),
    )
}
_GROUPS = {
    "block": _BLOCKS,
    "span": _SPANS,
    "link": _LINKS,
    "mention": _MENTIONS,
    "HTML": _HTML,
    "cell": _CELLS,
}
_WRITTEN = {
    f"{group} {number}": text
    for group, texts in _GROUPS.items()
    for number, text in enumerate(texts, 1)
}

HOSTILE = _OF_TERMINALS | _CONTROLS | _FORMATS | _LOOKS | _WRITTEN

_SIZE = 50
_NAMES = list(HOSTILE)
GROUPS = {
    f"{names[0]} to {names[-1]}": {name: HOSTILE[name] for name in names}
    for names in (_NAMES[start : start + _SIZE] for start in range(0, len(_NAMES), _SIZE))
}
"""The whole corpus in parts, for tests that take a part at a time."""


@dataclass(frozen=True)
class Corpus:
    """Texts that somebody chose to deceive a terminal, a runner or a reader, by name."""

    texts: dict[str, str]

    def check(self, holds: Callable[[str], None]) -> None:
        """Run a check over every text; fail with the names of all for which it does not hold."""
        failures: dict[str, Exception] = {}
        for name, text in self.texts.items():
            try:
                holds(text)
            except Exception as error:  # noqa: BLE001 - a crash is a failure as well
                failures[name] = error
        if failures:
            told = [f"{name}: {_brief(failure)}" for name, failure in failures.items()]
            first = next(iter(failures.values()))
            lines = "\n".join(told)
            raise AssertionError(f"{len(told)} of {len(self.texts)} texts:\n{lines}") from first


def _brief(error: Exception) -> str:
    told = f"{type(error).__name__}: {error}"[:300].replace("\n", " ")
    return told.encode("ascii", "backslashreplace").decode("ascii")
