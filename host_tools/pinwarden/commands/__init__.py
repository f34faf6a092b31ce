"""The subcommands: each reads its options, calls the modules above, and prints what they return."""
