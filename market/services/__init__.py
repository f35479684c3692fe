"""The services: each is one verb, one transaction."""
