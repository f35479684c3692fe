-- Runs when PostgreSQL makes its data directory: the owner of the tables migrates, the application owns nothing.
\getenv owner_password OWNER_PASSWORD
\getenv application_password APPLICATION_PASSWORD
CREATE ROLE suanyi LOGIN PASSWORD :'owner_password';
CREATE ROLE suanyi_app LOGIN PASSWORD :'application_password';
CREATE DATABASE suanyi OWNER suanyi;
