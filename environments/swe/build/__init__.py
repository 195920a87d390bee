"""Makes tasks: injects small bugs into a package and keeps those that its tests notice."""
