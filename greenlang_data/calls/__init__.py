"""The calls of a session, a family each; :mod:`greenlang_data.session` puts them together."""
