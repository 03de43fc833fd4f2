"""Reading files of other programs into plain entries. Knows no database, no request and no vault."""
