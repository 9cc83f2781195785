"""The files that servers are configured by: the package's, and those that users lay over them."""
