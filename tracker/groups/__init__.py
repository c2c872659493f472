"""Groups of volunteers: who is in one, their common log, and the evenings on which they write together."""
