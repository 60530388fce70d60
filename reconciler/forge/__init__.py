"""The code host on which policies are reviewed: GitHub or GitLab, over its REST API."""
