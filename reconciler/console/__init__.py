"""SentinelOne out: the Management API v2.1 over HTTP, and its records as domain values.

Gives the actual state whole or an error; only `writer` can change anything.
"""
