#!/usr/bin/env bash
# Signs with `aws cloudfront sign` of the AWS CLI, version 1. The contract is in README.md.
set -u
here=$(cd "$(dirname "$0")" && pwd)
python=${PRIVET_TEST_PYTHON:-$here/../target/test-tools/python/bin/python3}
separator=$'\x1f'
# The command reads no account; these keep it from looking for one.
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export AWS_DEFAULT_REGION=us-east-1

say() { printf '%s\x1f%s\n' "$1" "$2"; }

sign() {
  local arguments=(--url "$url" --key-pair-id "$key_pair_id" --private-key "file://$key_file"
    --date-less-than "$expires")
  [ -n "$not_before" ] && arguments+=(--date-greater-than "$not_before")
  [ -n "$ip" ] && arguments+=(--ip-address "$ip")
  local complaint output
  complaint=$(mktemp)
  if output=$("$python" -m awscli cloudfront sign "${arguments[@]}" 2>"$complaint" </dev/null); then
    say url "$output"
  else
    say error "$(tr '\n' ' ' <"$complaint")"
  fi
  rm -f "$complaint"
}

"$python" "$here/wire.py" read url key_file key_pair_id expires not_before ip resource policy hash cookies |
  while IFS=$separator read -r url key_file key_pair_id expires not_before ip resource policy hash cookies; do
    if [ "$cookies" = true ]; then say unsupported "this command makes no cookies"
    elif [ -n "$resource" ]; then say unsupported "this command takes no resource apart from the URL"
    elif [ -n "$policy" ]; then say unsupported "this command takes no ready-made policy"
    elif [ "${hash:-SHA1}" != SHA1 ]; then say unsupported "this command signs SHA-1 only"
    elif [ -z "$url" ]; then say unsupported "no URL"
    else sign; fi
  done |
  "$python" "$here/wire.py" write
