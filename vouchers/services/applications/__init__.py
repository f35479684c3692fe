"""Applications, from a draft to a grant: one module for each party's part of the way."""
