"""Examples that are run and tested as they stand."""
