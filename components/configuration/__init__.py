"""How a server gets its configuration: with its image, or while it runs."""
