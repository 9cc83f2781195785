"""Alertmanager: who is told of which alert, when, and how."""
