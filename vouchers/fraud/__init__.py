"""What misuse of vouchers looks like: pure rules over facts that others bring."""
