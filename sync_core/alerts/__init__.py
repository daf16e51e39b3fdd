"""Alerts: which should be open, who is told, and that it is told once."""
