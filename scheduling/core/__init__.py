"""Policies, order and slots: pure values and functions, no clock, no I/O, no framework."""
