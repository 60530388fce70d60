"""YAML in: files under the policies folder become a Policy and Guardrails.

Gives either a value or every problem found, each with its place; never a part of the truth.
"""
