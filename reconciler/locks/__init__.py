"""Two applies never run together on one console: locks on this machine, and shared ones.

Every lock is behind one small interface (`base.Lock`). None of them is a fence: the console does
not know them, so the comparison just before each write stays the last word.
"""
