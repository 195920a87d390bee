"""NeMo Gym's resources servers as they are: seeded, called and asked for the reward over their own HTTP."""
