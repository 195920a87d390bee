"""Pages for people at the orchestrator's address. They see and do what their token may by the REST API."""
