"""Servers and fault injectors for the tests; they share no code with the drivers."""
