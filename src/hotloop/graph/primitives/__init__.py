"""The primitives, each declared once. Importing `hotloop.graph` fills the table."""
