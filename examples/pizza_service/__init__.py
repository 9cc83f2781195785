"""A service that sells pizzas, its monitoring, and who orders from it; README.md says more."""
