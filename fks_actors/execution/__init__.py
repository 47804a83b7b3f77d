"""Approved orders out, venue events in: ids, the state table, synthetic orders, the paper venue, the Venue port."""
