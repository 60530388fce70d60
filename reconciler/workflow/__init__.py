"""The stories: plan, drift and apply, each told once. No printing, no deciding.

Takes clients, values and callbacks; gives plans and outcomes.
"""
