"""The claims of each chapter."""
