"""Strategies of the user's own: a class that is shown closed bars and answers with an exposure or a vote."""
