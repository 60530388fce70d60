"""At home in CI: a plan on the pull request, an apply on merge, a report of drift on a schedule.

Two jobs, so that the console's token and the right to comment never meet: one reads the console
and writes a folder, the other publishes the folder, which is data to it and nothing more.
"""
