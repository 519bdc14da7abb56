#!/bin/sh
# Writes the Secrets of a folder that make-secrets.sh filled, as manifests, to standard output:
#
#   k8s/secrets-as-manifests.sh FOLDER | kubectl apply -n waybill -f -
#
# The authority's key stays where it is: no Secret holds it.
set -eu
[ $# -eq 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$1
one() {
  echo ---
  kubectl create --dry-run=client --output=yaml secret "$@"
}
for reader in auth mda mra msa mta mx operator migrate; do
  one generic "waybill-$reader" --from-file="$folder/$reader"
done
one tls waybill-public-tls --cert="$folder/public/tls.crt" --key="$folder/public/tls.key"
