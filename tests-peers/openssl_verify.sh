#!/usr/bin/env bash
# Checks signatures with `openssl dgst -verify`. The contract is in README.md.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PRIVET_TEST_PYTHON:-$here/../target/test-tools/python/bin/python3}
openssl=${PRIVET_TEST_OPENSSL:-openssl}
separator=$'\x1f'
signature_file=$(mktemp)
trap 'rm -f "$signature_file"' EXIT

"$python" "$here/wire.py" read public_key_file policy signature hash |
  while IFS=$separator read -r public_key_file policy signature hash; do
    digest=sha1
    [ "${hash:-SHA1}" = SHA256 ] && digest=sha256
    printf %s "$signature" | tr -- '-_~' '+=/' | "$openssl" base64 -d -A >"$signature_file"
    if printf %s "$policy" | "$openssl" dgst "-$digest" -verify "$public_key_file" \
      -signature "$signature_file" >/dev/null 2>&1; then
      printf 'verified\x1ftrue\n'
    else
      printf 'verified\x1ffalse\n'
    fi
  done |
  "$python" "$here/wire.py" write
