"""Small parts shared by everything above `ops`: tables of names, dtype arguments."""
