"""Where Harbor puts things inside a sandbox."""

LOGS = "/logs"
VERIFIER = "/logs/verifier"
ARTIFACTS = "/logs/artifacts"
AGENT = "/logs/agent"
TESTS = "/tests"
SOLUTION = "/solution"
