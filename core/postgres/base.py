"""See ``DatabaseWrapper``; Django looks for it under this name."""

import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

AT_REST = {TransactionStatus.IDLE, TransactionStatus.INTRANS}


class DatabaseWrapper(base.DatabaseWrapper):
    """Sees for itself whether the server has hung up, where Django asks it ``SELECT 1`` once a request.

    The socket of a connection at rest has nothing to read. A server that stops or is killed, or one that ends our
    session, leaves the end of the stream there, which is seen without a round trip. A machine that vanished from the
    network is noticed by the next statement, which is as long as the question would have waited.
    """

    def is_usable(self) -> bool:
        """Tell whether the next statement may go through this connection."""
        if self.connection is None or self.connection.info.transaction_status not in AT_REST:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return not waiting.poll(0)
