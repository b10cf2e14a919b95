"""Alarms, dashboards and deployment events."""
