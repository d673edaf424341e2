#!/bin/sh
# Makes the secrets of a deployment, one file each, in FOLDER. A secret that is there already stays.
#
#   deploy/make-secrets.sh FOLDER COMMAND...
#
# COMMAND runs `portcullis` with the variable GATEWAY_SECRET: it derives the claims key of each subgraph.
# For example
#
#   deploy/make-secrets.sh deploy/secrets docker run --rm -e GATEWAY_SECRET portcullis
#
# DATABASE_HOST is the host of PostgreSQL in the URLs of the databases: postgres unless set. If it is set, the
# URLs are written again, without what was added to them.
set -eu
umask 022

folder=${1:?the folder of the secrets is missing: see the first lines of this file}
shift
: "${1:?the command that runs portcullis is missing: see the first lines of this file}"

# Nobody else may enter the folder. The files can be read by the user of a container, to whom they do not
# belong: Compose mounts them one by one, as they are.
mkdir -p "$folder"
chmod 700 "$folder"

# Writes standard input to a file, which is there completely or not at all.
put() {
  cat > "$folder/.new"
  [ -s "$folder/.new" ]
  chmod 444 "$folder/.new"
  mv -f "$folder/.new" "$folder/$1"
}

is_missing() { [ ! -s "$folder/$1" ]; }

is_missing gateway-secret && openssl rand -base64 48 | put gateway-secret
is_missing key-encryption-secret && openssl rand -base64 48 | put key-encryption-secret
is_missing postgres-password && openssl rand -hex 24 | put postgres-password

GATEWAY_SECRET=$(cat "$folder/gateway-secret")
export GATEWAY_SECRET
for subgraph in auth users; do
  key=$("$@" keys claims-key "$subgraph")
  echo "$key" | put "$subgraph-claims-key"
  is_missing "$subgraph-database-password" && openssl rand -hex 24 | put "$subgraph-database-password"
  password=$(cat "$folder/$subgraph-database-password")
  if [ -z "${DATABASE_HOST:-}" ] && ! is_missing "$subgraph-database-url"; then continue; fi
  echo "postgres://$subgraph:$password@${DATABASE_HOST:-postgres}/$subgraph" | put "$subgraph-database-url"
done
ls "$folder"
