"""Who may do what in the database: one table, and the command that puts it in force."""
