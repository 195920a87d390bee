"""The checks, one file per noun of the contract."""
