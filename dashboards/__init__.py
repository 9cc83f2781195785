"""Grafana's dashboards, as code: `python -m dashboards` writes the files that its image holds.

A module for each dashboard; `model` is what they are made of, `grafana` how they look.
"""
