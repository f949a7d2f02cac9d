"""Settings for the whole suite."""

from hypothesis import settings

settings.register_profile("bide", deadline=None)  # a busy machine is no failure
settings.load_profile("bide")
