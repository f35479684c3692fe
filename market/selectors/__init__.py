"""Answers that span the models of the market."""
