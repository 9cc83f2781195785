"""The engine's part: drives the program and provider plugins over their real protocol."""
