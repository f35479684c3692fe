"""Who asks, who may, what was done."""
