"""The recognizer as a service for many clients: its queue and its workers, and what speaks HTTP with the clients."""
