"""A plugin for trials: a property that fails once has failed.  The search for its smallest failing
example takes minutes, and nobody reads it.
"""

from hypothesis import Phase, settings

settings.register_profile("no-shrinking", phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("no-shrinking")
