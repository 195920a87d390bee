"""Tools without domain that every process uses: settings, failures, HTTP, logging, metrics, access."""
