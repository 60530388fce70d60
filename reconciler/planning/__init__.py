"""Verbs on nouns: policy and actual state in, plan out.

Pure: the same input gives the same plan, byte for byte; time comes in as an argument.
"""
