#!/usr/bin/env bash
# Brings a backup back, made by deploy/backup.sh, into an empty database:
#
#     deploy/restore.sh FOLDER/waybill-<time>             the compose project here; then docker compose up -d --wait
#     deploy/restore.sh --replace FOLDER/waybill-<time>   the same, and what the database holds now is thrown away
#     deploy/restore.sh --plain FOLDER/waybill-<time>     an empty database of any Postgres, named as for backup.sh
#
# The state is that of the instant at which the backup began: mail accepted later is lost, and what
# was in the queue then and was sent since goes out once more. All or nothing: a restore that fails leaves
# the database empty. Secrets are brought back where there are none, and left alone where there are.
set -euo pipefail

AGENTS='auth mda mta mx msa mra'
say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'restore: %s\n' "$*" >&2; exit 1; }
usage() { printf 'Usage: deploy/restore.sh [--plain | --replace] FOLDER\n' >&2; exit 2; }

plain=no replace=no
case ${1:-} in
  --plain) plain=yes; shift ;;
  --replace) replace=yes; shift ;;
esac
[ $# -eq 1 ] || usage
case $1 in -*) usage ;; esac
backup=$(cd "$1" 2>/dev/null && pwd) || die "there is no folder $1"
case $backup in *.partial) die "$backup was not finished" ;; esac
(cd "$backup" && sha256sum --check --quiet SHA256SUMS) >&2 || die "$backup is damaged"
[ $plain = yes ] || cd "$(dirname "$0")/.."

# A program of Postgres with a database to work on, where the server is. Reads standard input.
pg() {
  local program=$1 database=$2
  shift 2
  if [ $plain = yes ]; then
    "$program" --no-password --dbname="$database" "$@"
  else
    docker compose exec -T postgres "$program" --username=postgres --dbname="$database" "$@"
  fi
}
sql() { pg psql "$1" --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --command "$2" </dev/null; }

database=waybill
if [ $plain = yes ]; then
  database=${PGDATABASE:-waybill}
else
  running=$(docker compose ps --quiet $AGENTS edge)
  if [ -n "$running" ]; then
    [ $replace = yes ] || die 'agents are running; docker compose stop first, or --replace'
    say 'stopping the agents'
    docker compose stop edge $AGENTS >/dev/null 2>&1
  fi
  in_secrets() { docker compose run --rm -T --no-deps --entrypoint "$1" secrets "${@:2}"; }
  if [ -z "$(in_secrets ls -A /secrets </dev/null)" ]; then
    [ -f "$backup/secrets.tar" ] || die 'there are no secrets here, and the backup has none'
    say 'bringing the secrets back'
    in_secrets tar --extract --numeric-owner --same-owner --preserve-permissions --directory=/secrets <"$backup/secrets.tar"
  else
    say 'secrets are here and stay'
  fi
  docker compose up --detach --wait postgres >/dev/null 2>&1 || die 'Postgres does not start: docker compose logs postgres'
fi

found=$(sql "$database" "select count(*) from pg_namespace where nspname in ('waybill', 'directory', 'spool', 'mailstore')")
if [ "$found" != 0 ]; then
  [ $replace = yes ] || die "the database is not empty; --replace throws away what it holds"
  say 'throwing away what the database holds'
  sql postgres "drop database $database with (force)"
  sql postgres "create database $database"
fi

say 'bringing the database back'
pg psql "$database" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <"$backup/logins.sql"
pg pg_restore "$database" --single-transaction --exit-on-error --no-owner <"$backup/database.dump"
sql "$database" analyze
if [ $plain = no ]; then
  docker compose run --rm -T migrate </dev/null >&2
fi
if [ "$(sql "$database" "select to_regprocedure('mailstore.after_restore()') is not null")" = t ]; then
  # Mail clients may know UIDs that came after the backup: none is given out twice.
  say "accounts: $(sql "$database" 'select mailstore.after_restore()')"
  after=
else
  after=", then psql --command 'select mailstore.after_restore()'"
fi
if [ $plain = yes ]; then
  say "done; now waybill migrate, which sets the passwords of the logins$after"
else
  say 'done; now docker compose up -d --wait'
fi
