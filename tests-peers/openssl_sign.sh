#!/usr/bin/env bash
# Signs by hand: a policy pasted together, `openssl dgst -sign`, base64. The contract is in README.md.
# With --standard-base64 the characters + / = stay as they are, as in the tlslite recipe.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PRIVET_TEST_PYTHON:-$here/../target/test-tools/python/bin/python3}
openssl=${PRIVET_TEST_OPENSSL:-openssl}
separator=$'\x1f'
alphabet=cloudfront
[ "${1:-}" = --standard-base64 ] && alphabet=standard

say() { printf '%s\x1f%s\n' "$1" "$2"; }

encode() {
  if [ "$alphabet" = standard ]; then "$openssl" base64 -A
  else "$openssl" base64 -A | tr '+=/' '-_~'; fi
}

canned_policy() {
  printf '{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%s}}}]}' "$url" "$expires"
}

custom_policy() {
  printf '{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%s}' \
    "${resource:-$url}" "$expires"
  case $ip in
    '') ;;
    */*) printf ',"IpAddress":{"AWS:SourceIp":"%s"}' "$ip" ;;
    *) printf ',"IpAddress":{"AWS:SourceIp":"%s/32"}' "$ip" ;;
  esac
  [ -n "$not_before" ] && printf ',"DateGreaterThan":{"AWS:EpochTime":%s}' "$not_before"
  printf '}}]}'
}

# Prints the end date for a canned policy, the encoded policy for a custom one.
answer() {
  local text kind=canned digest=sha1 signature value
  [ "${hash:-SHA1}" = SHA256 ] && digest=sha256
  if [ -n "$policy" ]; then kind=custom; text=$policy
  elif [ -n "$ip$not_before$resource" ]; then kind=custom; text=$(custom_policy)
  else text=$(canned_policy); fi
  if ! signature=$(printf %s "$text" | "$openssl" dgst "-$digest" -passin pass: -sign "$key_file" 2>/dev/null | encode); then
    say error "openssl dgst -sign failed"
    return
  fi
  if [ $kind = canned ]; then value=$expires; else value=$(printf %s "$text" | encode); fi
  if [ "$cookies" = true ]; then as_cookies; else as_url; fi
}

as_url() {
  local name=Expires mark='?' hash_parameter=
  [ $kind = custom ] && name=Policy
  case $url in *\?*) mark='&' ;; esac
  [ $digest = sha256 ] && hash_parameter='&Hash-Algorithm=SHA256'
  say url "$url$mark$name=$value&Signature=$signature&Key-Pair-Id=$key_pair_id$hash_parameter"
}

as_cookies() {
  local name=Expires hash_cookie=
  [ $kind = custom ] && name=Policy
  [ $digest = sha256 ] && hash_cookie='; CloudFront-Hash-Algorithm=SHA256'
  say cookies "CloudFront-$name=$value; CloudFront-Signature=$signature; CloudFront-Key-Pair-Id=$key_pair_id$hash_cookie"
}

"$python" "$here/wire.py" read url key_file key_pair_id expires not_before ip resource policy hash cookies |
  while IFS=$separator read -r url key_file key_pair_id expires not_before ip resource policy hash cookies; do
    if [ -z "$key_file" ]; then say unsupported "no key, or a field with a line end"; else answer; fi
  done |
  "$python" "$here/wire.py" write
