"""Figures of the project: `python -m benchmarks`. A timing never fails anything."""
