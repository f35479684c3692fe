"""The main job on real input: a past month, played through the real processes and then checked."""
