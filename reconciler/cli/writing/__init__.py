"""Everything of the command line that may write to the console, behind a wall of its own.

`apply` is one apply from the lock to the last record, `bases` and `reviewed` say which plan it
executes, `operations` runs the plan, `issuing` makes tokens of service users; the rest is what
these do before and after. Import contracts keep every command that only reads out of here.
"""
