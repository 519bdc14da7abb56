#!/bin/sh
# Makes the passwords, database logins and certificates of one deployment, a folder for each reader:
#
#   k8s/make-secrets.sh FOLDER [--hostname mail.example.org] [--database HOST:PORT] [--redis HOST:PORT] …
#
# It runs the tool (`waybill secrets`), from this checkout where its dependencies are installed, else from the image
# (WAYBILL_IMAGE, default waybill:0.3.0). What is there already stays, so it may be run again.
set -eu
[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
# The files belong to whoever runs this: kubectl must read them.
owner=$(id -u)
set -- --owner "$owner" --postgres-owner "$owner" --redis-owner "$owner" "$@"
root=$(cd "$(dirname "$0")/.." && pwd)
node=$root/node_modules/.bin/node
if [ -x "$node" ] && [ -d "$root/packages/cli/node_modules" ]; then
  exec "$node" "$root/packages/cli/src/main.ts" secrets "$folder" "$@"
fi
exec docker run --rm --network none --user "$owner:$(id -g)" --volume "$folder:/secrets" \
  "${WAYBILL_IMAGE:-waybill:0.3.0}" secrets /secrets "$@"
