#!/bin/sh
# Print an .env for docker-compose.yml with new values for every password, token and key that it needs.
#     deploy/secrets.sh 339921000000 云溪县 >.env && chmod 600 .env
# Print only the values that an .env lacks, after an upgrade or after deleting the lines to be renewed:
#     deploy/secrets.sh --missing .env >>.env
# The values are hexadecimal, so they need no escaping in a URL. Needs openssl.
set -eu

compose=$(dirname "$0")/../docker-compose.yml
known=/dev/null

main() {
    if [ "${1-}" = --missing ] && [ -r "${2-}" ]; then
        known=$2
    else
        region=${1-} county=${2-}
        case $region in
            *[!0-9]* | "") bad=1 ;;
            *) bad=$((${#region} != 12)) ;;
        esac
        if [ "$bad" != 0 ] || [ -z "$county" ]; then
            echo "usage: $0 REGION COUNTY    (行政区划代码 of 12 digits, and the county's name)" >&2
            echo "       $0 --missing FILE   (values that an .env lacks)" >&2
            exit 2
        fi
        echo "TONGYUAN_REGION=$region"
        echo "TONGYUAN_COUNTY=$county"
    fi
    command -v openssl >/dev/null || { echo "$0: needs openssl to make the keys" >&2; exit 1; }
    asked_for 'PASSWORD' | while read -r name; do
        has "$name" || echo "$name=$(word)"
    done
    admin_token
    asked_for 'CALLER_PUBLIC' | while read -r name; do
        caller "${name#CALLER_PUBLIC_}"
    done
}

# Names of the compose file's required variables that contain this word.
asked_for() {
    grep -o "\${[A-Z_]*$1[A-Z_]*:?" "$compose" | tr -d '${:?' | sort -u
}

has() {
    grep -q "^$1=." "$known"
}

word() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# Editors' systems get the token; the sources get its hash.
admin_token() {
    token=$(sed -n 's/^TONGYUAN_ADMIN_TOKEN=//p' "$known" | tail -n 1)
    if [ -z "$token" ]; then
        token=$(word)
        echo "TONGYUAN_ADMIN_TOKEN=$token"
    elif has TONGYUAN_ADMIN_TOKEN_HASH; then
        return
    fi
    echo "TONGYUAN_ADMIN_TOKEN_HASH=$(printf %s "$token" | openssl dgst -sha256 -r | cut -d' ' -f1)"
}

# A key pair: only the caller gets the private key; the services it calls get the public one. Each is the last 32 bytes of its DER.
caller() {
    if has "CALLER_KEY_$1" && has "CALLER_PUBLIC_$1"; then
        return
    fi
    der=$(openssl genpkey -algorithm ed25519 -outform DER | openssl base64 -A)
    echo "CALLER_KEY_$1=$(echo "$der" | openssl base64 -d -A | last_bytes)"
    echo "CALLER_PUBLIC_$1=$(echo "$der" | openssl base64 -d -A | openssl pkey -inform DER -pubout -outform DER | last_bytes)"
}

last_bytes() {
    tail -c 32 | od -An -v -tx1 | tr -d ' \n'
}

main "$@"
