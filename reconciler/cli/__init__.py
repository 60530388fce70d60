"""The command line: parse, call, render, return. No decisions.

Each command is one module under `commands`, imported only when it is called for.
"""
