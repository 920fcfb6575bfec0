"""Fixtures for every test, wherever it lies."""

import hypothesis

pytest_plugins = ["tests.fixtures", "tests.browser", "tests.encoder_memo"]

# A busy machine makes an example slow. What must be fast has a test of its own.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")
