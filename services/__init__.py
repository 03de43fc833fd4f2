"""The use cases: one function each, which records its own audit event. Flask is unknown here."""
