"""Working queues of authorities and of the operator."""
