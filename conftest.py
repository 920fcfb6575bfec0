"""Fixtures for every test, wherever it lies."""

pytest_plugins = ["tests.fixtures", "tests.browser"]
