"""Tests mirror the code; ``journeys`` are stories and races, ``architecture`` holds the house rules."""
