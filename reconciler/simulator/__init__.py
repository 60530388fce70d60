"""Another building: a console that behaves like SentinelOne, over real HTTP on loopback.

Written from the API reference alone; imports nothing of the product and is imported by nothing of
it. Takes a world (JSON) and requests, gives answers and a ground truth log; never leaves loopback.
"""
