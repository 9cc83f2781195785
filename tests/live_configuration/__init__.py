"""The container that brings a running server its configuration."""
