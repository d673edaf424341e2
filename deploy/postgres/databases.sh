#!/bin/sh
# Runs once, when the image of PostgreSQL makes its data folder: a database for each subgraph, owned by a
# user of its own. The passwords are read by psql itself, so no list of processes shows them.
set -eu
for name in auth users; do
  psql --set ON_ERROR_STOP=1 --set name="$name" --username "$POSTGRES_USER" --dbname postgres << SQL
\set password \`cat /run/secrets/$name-database-password\`
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke connect on database :"name" from public;
SQL
done
