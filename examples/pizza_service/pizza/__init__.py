"""The service: `gunicorn --config python:pizza.gunicorn_conf 'pizza.service:create_app()'`."""
