#!/usr/bin/env bash
# Saves what cannot be made again, while mail goes on: the whole database as it was at one instant,
# the names of its logins, and (compose) the secrets.
#
#     deploy/backup.sh [FOLDER]            the compose project here, into FOLDER/waybill-<time>; FOLDER is `backups` when not given
#     deploy/backup.sh --plain [FOLDER]    any Postgres: libpq's PGHOST, PGPORT, PGUSER, PGPASSFILE, PGDATABASE say which;
#                                          psql and pg_dump on PATH, no older than the server. Without secrets.
#
# A backup is whole when its folder has that name: until then it is called `.partial`. It holds keys
# and mail: keep it where only you can read, and not on the same disk. Redis holds nothing to save.
# Another project or file: COMPOSE_PROJECT_NAME, COMPOSE_FILE, as for compose.
set -euo pipefail
umask 077

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'backup: %s\n' "$*" >&2; exit 1; }
usage() { printf 'Usage: deploy/backup.sh [--plain] [FOLDER]\n' >&2; exit 2; }

plain=no
if [ "${1:-}" = --plain ]; then plain=yes; shift; fi
case ${1:-} in -*) usage ;; esac
[ $# -le 1 ] || usage
mkdir -p "${1:-backups}"
folder=$(cd "${1:-backups}" && pwd)
[ $plain = yes ] || cd "$(dirname "$0")/.."

# A program of Postgres, where the database is; the superuser needs no password there.
pg() {
  local program=$1
  shift
  if [ $plain = yes ]; then
    "$program" --no-password --dbname="${PGDATABASE:-waybill}" "$@" </dev/null
  else
    docker compose exec -T postgres "$program" --username=postgres --dbname=waybill "$@" </dev/null
  fi
}

name=waybill-$(date -u +%Y%m%dT%H%M%SZ)
partial=$folder/$name.partial
[ ! -e "$folder/$name" ] || die "$folder/$name is there already"
mkdir "$partial"
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT TERM

# Logins belong to the cluster, not to the database; their passwords are secrets, which migrate sets.
pg psql --no-psqlrc --quiet --tuples-only --no-align --command \
  "select format('do \$\$ begin create role %I login; exception when duplicate_object then null; end \$\$;', rolname)
     from pg_roles where rolname like 'waybill\\_%' order by 1" >"$partial/logins.sql"
[ -s "$partial/logins.sql" ] || die 'this database has no logins of Waybill: is it the right one?'
say 'saving the database'
pg pg_dump --format=custom >"$partial/database.dump"
if [ $plain = no ]; then
  say 'saving the secrets'
  docker compose run --rm -T --no-deps --entrypoint tar secrets \
    --create --numeric-owner --directory=/secrets . </dev/null >"$partial/secrets.tar"
fi
(cd "$partial" && sha256sum -- * >SHA256SUMS)
sync "$partial"/* 2>/dev/null || sync
mv "$partial" "$folder/$name"
trap - EXIT
say "done: $(du -sh "$folder/$name" | cut -f1)"
printf '%s\n' "$folder/$name"
