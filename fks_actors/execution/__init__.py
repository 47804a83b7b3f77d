"""Approved orders out, venue events in: ids, the order state table, the paper venue's matching core, the Venue port."""
