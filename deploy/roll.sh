#!/usr/bin/env bash
# Replaces the replicas of an agent one by one, with what docker-compose.yml and .env say now:
#
#     deploy/roll.sh mx            deploy/roll.sh mx mra            deploy/roll.sh all
#
# For each old replica a new one is started beside it; when that is ready and its clients have had
# time to find it, the old one is told to drain, and leaves when what it had in hand is done. Their
# number stays. A new replica that does not become ready is removed, the old ones stay, and the
# script ends with 1. Another project or file: COMPOSE_PROJECT_NAME, COMPOSE_FILE, as for compose.
set -euo pipefail
cd "$(dirname "$0")/.."

AGENTS='auth mda mta mx msa mra'
READY_SECONDS=${READY_SECONDS:-120}
# Clients of auth and mda look for addresses every 5 s, the edge every second.
FOUND_SECONDS=${FOUND_SECONDS:-6}

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }
die() { printf 'roll: %s\n' "$*" >&2; exit 1; }
usage() { printf 'Usage: deploy/roll.sh AGENT… | all      agents: %s\n' "$AGENTS" >&2; exit 2; }

running() { docker compose ps --quiet --no-trunc "$1"; }
name_of() { docker inspect --format '{{.Name}}' "$1" | sed 's,^/,,'; }

# Ids on standard input that are not among the arguments.
except() {
  local id known=" $* "
  while read -r id; do
    case $known in *" $id "*) ;; *) printf '%s\n' "$id" ;; esac
  done
}

wait_ready() {
  local id=$1 until=$((SECONDS + READY_SECONDS)) state
  while [ $SECONDS -lt $until ]; do
    state=$(docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id" 2>/dev/null) || return 1
    case $state in
      'running healthy') return 0 ;;
      exited* | dead*) return 1 ;;
    esac
    sleep 0.3
  done
  return 1
}

roll() {
  local agent=$1 old count=0 id fresh began=$SECONDS
  old=$(running "$agent" | tr '\n' ' ')
  for id in $old; do count=$((count + 1)); done
  [ $count -gt 0 ] || die "no replica of $agent is running: docker compose up -d --wait"
  say "$agent: $count to replace"
  for id in $old; do
    # Everything that runs now, new ones of the turns before included.
    local before
    before=$(running "$agent" | tr '\n' ' ')
    docker compose up --detach --no-deps --no-recreate --scale "$agent=$((count + 1))" "$agent" >/dev/null 2>&1 ||
      { remove_new "$agent" "$before"; die "$agent: compose could not start a new replica; the old ones stay"; }
    fresh=$(running "$agent" | except $before)
    [ -n "$fresh" ] || die "$agent: no new replica came up; the old ones stay"
    say "$agent: $(name_of "$fresh") starts"
    if ! wait_ready "$fresh"; then
      docker logs --tail 5 "$fresh" >&2 || true
      remove_new "$agent" "$before"
      die "$agent: the new replica was not ready after $READY_SECONDS s; the old ones stay"
    fi
    sleep "$FOUND_SECONDS"
    say "$agent: $(name_of "$fresh") is ready, $(name_of "$id") drains"
    docker stop "$id" >/dev/null
    docker rm "$id" >/dev/null
  done
  say "$agent: done, $count replaced in $((SECONDS - began)) s"
}

# What runs (or failed to) beyond the given ids goes away again.
remove_new() {
  local id
  for id in $(docker compose ps --all --quiet --no-trunc "$1" | except $2); do
    docker rm --force "$id" >/dev/null
  done
}

[ $# -gt 0 ] || usage
[ "$*" = all ] && set -- $AGENTS
for agent in "$@"; do
  case " $AGENTS " in
    *" $agent "*) ;;
    *) printf 'roll: "%s" is no agent with replicas\n' "$agent" >&2; usage ;;
  esac
done
trap 'printf "\nroll: interrupted; docker compose up -d brings the number of replicas back\n" >&2; exit 130' INT TERM
for agent in "$@"; do roll "$agent"; done
