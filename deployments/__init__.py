"""The HTTP edge: webhook, query API and dashboard as plain classes; `app.py` alone wraps them for Ray Serve."""
