"""What a project says: its files, its environment and the command line."""
