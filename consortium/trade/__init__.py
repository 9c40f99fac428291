"""Trade data of a user's own: downloads of UN Comtrade, ITC Trade Map and WITS to market facts.

``reading`` tells the layouts apart and collects every fault, ``demand`` and ``duty`` derive facts,
``updating`` puts them together, ``writing`` edits a market file with them. Nothing here prints or
writes files.
"""
