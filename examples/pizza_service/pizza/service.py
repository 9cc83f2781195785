"""The web application: the menu, orders, and whether it is alive."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException

from .kitchen import MENU, MOST_PIZZAS, OvenError, bake
from .metrics import CREATED, FAILED, REJECTED, UNKNOWN, Metrics

FAULT_HEADER = "X-Fault"
"""An order with it, of the value `oven`, meets a broken oven, where ALLOW_FAULTS is true."""

_MOST_BYTES = 10_000


@dataclass(frozen=True)
class Order:
    """Some pizzas of one kind."""

    pizza: str
    count: int

    @property
    def price_euros(self) -> float:
        """What the customer pays."""
        return MENU[self.pizza].price_euros * self.count


def create_app(metrics: Metrics | None = None) -> Flask:
    """Make the application.

    The environment's ALLOW_FAULTS (`true` or `false`, the default) says whether a request may ask
    for a fault. A header, and no switch: behind a load balancer, a switch would reach one task.

    Args:
        metrics: where to count. Default: those that are served.

    Raises:
        ValueError: ALLOW_FAULTS is neither.
    """
    allow_faults = _flag("ALLOW_FAULTS")
    metrics = metrics or Metrics()
    app = Flask("pizza")
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES

    @app.get("/")
    def menu() -> Response:
        return jsonify({name: pizza.price_euros for name, pizza in MENU.items()})

    @app.get("/health")
    def health() -> Response:
        return jsonify({"healthy": True})

    @app.post("/orders")
    def create_order() -> tuple[Response, int]:
        outcome = FAILED  # whatever goes wrong
        try:
            order = _parsed(request.get_json())
            broken = allow_faults and request.headers.get(FAULT_HEADER) == "oven"
            bake(order.pizza, broken=broken)
            metrics.revenue.inc(order.price_euros)
            outcome = CREATED
        except HTTPException:
            outcome = REJECTED
            raise
        finally:
            metrics.orders.labels(outcome).inc()
        return jsonify({**asdict(order), "price_euros": order.price_euros}), 201

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"error": error.description}), error.code or 500

    @app.errorhandler(OvenError)
    def failed(error: OvenError) -> tuple[Response, int]:
        app.logger.error("order failed: %s", error)
        return jsonify({"error": str(error)}), 500

    _observe(app, metrics)
    return app


def _observe(app: Flask, metrics: Metrics) -> None:
    """Note each request's time, whatever becomes of it."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        method, route = UNKNOWN, UNKNOWN
        if request.url_rule:
            method, route = request.method, request.url_rule.rule
        elapsed = time.perf_counter() - g.started
        metrics.requests.labels(method, route, str(response.status_code)).observe(elapsed)
        return response


def _parsed(body: Any) -> Order:  # noqa: ANN401 - any JSON
    """Read an order.

    Raises:
        BadRequest: it is none; the description says what is expected.
    """
    expected = f"expected a JSON object with pizza, one of: {', '.join(MENU)}; and, if you like,"
    expected += f" count, a whole number from 1 to {MOST_PIZZAS}"
    if not isinstance(body, dict) or not body.keys() <= {"pizza", "count"}:
        raise BadRequest(expected)
    pizza, count = body.get("pizza"), body.get("count", 1)
    if not isinstance(pizza, str) or pizza not in MENU:
        raise BadRequest(f"pizza is {pizza!r}: {expected}")
    if type(count) is not int or not 1 <= count <= MOST_PIZZAS:
        raise BadRequest(f"count is {count!r}: {expected}")
    return Order(pizza, count)


def _flag(name: str) -> bool:
    value = os.environ.get(name, "false")
    if value not in ("true", "false"):
        raise ValueError(f"the environment's {name} is {value!r}: expected true or false")
    return value == "true"
