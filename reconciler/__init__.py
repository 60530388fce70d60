"""Access to the SentinelOne console, managed as code."""

__version__ = "0.1.0"
