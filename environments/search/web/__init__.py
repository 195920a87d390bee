"""The open web instead of a local corpus: search APIs, and pages fetched past a guard."""
