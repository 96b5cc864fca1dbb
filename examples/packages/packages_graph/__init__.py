"""The graph of the Python packages that are installed on this machine."""
