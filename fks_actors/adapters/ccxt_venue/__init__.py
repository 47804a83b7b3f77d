"""A real spot exchange through ccxt: orders entered once, looked up when in doubt, compared with the journal.

Money is parsed from the exchange's own strings; ccxt is imported only when a client is opened.
"""
