-- The two roles and the database of Chatelaine, for psql as a superuser:
--
--   psql -v owner_password=… -v password=… -f deploy/postgresql.sql
--
-- chatelaine_owner owns the tables and changes them at an update: DATABASE_OWNER_URL.
-- chatelaine works with the rows and can do nothing else: DATABASE_URL. Row security holds for it, and it can
-- neither switch that off nor change the audit log. Which rights it has on each table is granted at every start
-- of `./chatelaine serve`, by the owner.

\set ON_ERROR_STOP on

CREATE ROLE chatelaine_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE chatelaine LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'password';

-- Names are sorted by their bytes, as on SQLite, whatever the server's own language is.
CREATE DATABASE chatelaine OWNER chatelaine_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE chatelaine FROM PUBLIC;
GRANT CONNECT ON DATABASE chatelaine TO chatelaine;

\connect chatelaine
ALTER SCHEMA public OWNER TO chatelaine_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO chatelaine;

-- Backups are tried in a database of their own, which `./chatelaine backup verify` empties before and after.
CREATE DATABASE chatelaine_check OWNER chatelaine_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE chatelaine_check FROM PUBLIC;

\connect chatelaine_check
ALTER SCHEMA public OWNER TO chatelaine_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
