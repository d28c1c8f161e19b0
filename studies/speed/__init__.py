"""How fast the course is, against its floor and what readers would use instead."""
