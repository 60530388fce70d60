"""Nouns: immutable values of policy, console, plan and outcome.

Takes nothing, gives types and their identity keys; never reads a file, a clock or a network.
"""
