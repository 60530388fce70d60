"""Colour with meaning, and only where it helps."""

from enum import StrEnum


class Tone(StrEnum):
    """What a colour says; the value is the SGR code."""

    GAIN = "32"
    LOSS = "31"
    CHANGE = "33"
    STRONG = "1"
    QUIET = "2"


class Style:
    """Paints, or leaves text as it is."""

    def __init__(self, *, color: bool) -> None:
        self._color = color

    def paint(self, text: str, *tones: Tone) -> str:
        """Wrap text into SGR codes when colour is on and there are tones."""
        if not self._color or not text or not tones:
            return text
        return f"\x1b[{';'.join(tones)}m{text}\x1b[0m"
