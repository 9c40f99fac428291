"""Tests of ``solver`` written from its formal statement alone, never from its code."""
