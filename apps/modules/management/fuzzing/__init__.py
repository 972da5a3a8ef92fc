"""Documents made by chance and by malice, and the judge of what the engine does with them (`manage.py fuzz`)."""
