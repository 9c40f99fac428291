"""Benchmarks of grouping strategies; beside the packages, not shipped with them."""
