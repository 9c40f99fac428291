"""What-if: a base case and a short list of named changes."""
