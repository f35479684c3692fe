"""Pages of buyers, sellers and administrators."""
