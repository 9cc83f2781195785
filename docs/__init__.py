"""Guides, decisions, runbooks, and the script that generates what must match the code."""
