-- The database's accounts: one per service, each the owner of only the schema with its name.
-- Safe to repeat: it also updates changed passwords. Run by psql 14 or newer, as a superuser;
-- passwords come from the environment: POSTGRES_PASSWORD_<SERVICE>.

-- made of the manifests: passwords
\getenv catalog POSTGRES_PASSWORD_CATALOG
\getenv guides POSTGRES_PASSWORD_GUIDES
\getenv applications POSTGRES_PASSWORD_APPLICATIONS
\getenv ledger POSTGRES_PASSWORD_LEDGER
\getenv web POSTGRES_PASSWORD_WEB
\getenv mobile POSTGRES_PASSWORD_MOBILE
\getenv kiosk POSTGRES_PASSWORD_KIOSK
\getenv portal POSTGRES_PASSWORD_PORTAL
\getenv auditor POSTGRES_PASSWORD_AUDITOR
\getenv console POSTGRES_PASSWORD_CONSOLE
\getenv importing POSTGRES_PASSWORD_IMPORTING
\getenv subscriptions POSTGRES_PASSWORD_SUBSCRIPTIONS
-- end of passwords

BEGIN;

-- Prevents two simultaneous runs from both finding a role missing.
SELECT pg_advisory_xact_lock(5419) \g /dev/null

-- A server that logs statements would log passwords.
SET LOCAL log_statement = 'none';
SET LOCAL log_min_error_statement = 'panic';
SET LOCAL password_encryption = 'scram-sha-256';

CREATE TEMPORARY TABLE account (name text PRIMARY KEY, password text NOT NULL CHECK (length(password) >= 12))
    ON COMMIT DROP;
INSERT INTO account VALUES
-- made of the manifests: accounts
    ('catalog', :'catalog'),
    ('guides', :'guides'),
    ('applications', :'applications'),
    ('ledger', :'ledger'),
    ('web', :'web'),
    ('mobile', :'mobile'),
    ('kiosk', :'kiosk'),
    ('portal', :'portal'),
    ('auditor', :'auditor'),
    ('console', :'console'),
    ('importing', :'importing'),
    ('subscriptions', :'subscriptions');
-- end of accounts

SELECT format('CREATE ROLE %I', name) FROM account WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 60 '
              'PASSWORD %L', name, password) FROM account \gexec

-- By default PostgreSQL lets every account connect to every database and use the schema public.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- CREATE: `tongyuan migrate` runs CREATE SCHEMA IF NOT EXISTS, which needs this right even if the schema exists.
SELECT format('GRANT CONNECT, CREATE ON DATABASE %I TO %I', current_database(), name) FROM account \gexec

SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', name, name) FROM account \gexec
SELECT format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', name) FROM account \gexec

COMMIT;
