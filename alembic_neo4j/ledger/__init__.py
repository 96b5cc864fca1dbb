"""What we remember beside the version table: whose ledger, and which revisions."""
