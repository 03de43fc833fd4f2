"""Writing plain credentials into files, ours and other programs'. Knows no database and no request."""
