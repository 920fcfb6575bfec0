"""Policies compared on one load: choices, figures, series for charts, and a verdict in words."""
