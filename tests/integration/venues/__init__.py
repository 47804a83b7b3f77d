"""Desks at several real venues, and several desks at one, over the simulated exchange and a real journal."""
