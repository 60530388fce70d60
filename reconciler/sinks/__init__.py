"""Where the record goes beyond its file: an HTTP endpoint that keeps events, a SIEM for example.

At least once and never a gap: what was delivered is noted in a cursor beside the journal after
the sink has taken it. Every event has a uid that never changes, so that a sink can drop what it
has already.
"""
