"""Pure functions from measurements to the components of a reward."""
