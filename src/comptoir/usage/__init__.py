"""Metered usage: what publishers report of what their customers consumed."""
