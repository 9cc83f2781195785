"""Pulumi's mocks as this project uses them: in tests, docs and benchmarks."""
