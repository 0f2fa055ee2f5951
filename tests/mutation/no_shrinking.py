"""A plugin for trials: a property that fails once has failed.  The search for its smallest failing
example takes minutes, and nobody reads it.  That an example takes long is no failure: two trials
share a busy machine.
"""

from hypothesis import Phase, settings

settings.register_profile(
    "no-shrinking", phases=(Phase.explicit, Phase.generate), database=None, deadline=None
)
settings.load_profile("no-shrinking")
