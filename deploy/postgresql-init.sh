#!/bin/sh
# Runs once, in the image of PostgreSQL, when its volume is new: the roles and the database, with their passwords from
# the secrets that deploy/compose.postgresql.yaml hands over.
set -eu
psql --username postgres --dbname postgres \
    -v owner_password="$(cat /run/secrets/pw_owner)" -v password="$(cat /run/secrets/pw_chatelaine)" \
    -f /script/postgresql.sql
