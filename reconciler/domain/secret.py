"""A secret on its way from the console's answer to its file, and to nowhere else."""


class Secret:
    """An API token that hides itself: only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the token itself, for the one file that takes it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> "str | tuple[object, ...]":
        raise TypeError("a secret is never written anywhere but to its file")
