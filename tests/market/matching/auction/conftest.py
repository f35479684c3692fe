"""Run the loops as plain Python here: coverage sees every branch, and nothing waits for a compiler.

That compiled loops give the same outcome bit for bit is a test of its own, in another process.
"""

import numba
import pytest

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("NUMBA_DISABLE_JIT", "1")
    patch.setattr(numba.config, "DISABLE_JIT", 1)
    import market.matching.__main__  # noqa: F401 - decorators decide when they are read
