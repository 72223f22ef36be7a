#!/bin/sh
# Print an .env for docker-compose.yml: every password and token that it asks for, made anew.
#     deploy/secrets.sh 339921000000 云溪县 >.env && chmod 600 .env
# The values are hexadecimal, so that they need no escaping inside a URL.
set -eu

region=${1-} county=${2-}
case $region in
    *[!0-9]* | "") bad=1 ;;
    *) bad=$((${#region} != 12)) ;;
esac
if [ "$bad" != 0 ] || [ -z "$county" ]; then
    echo "usage: $0 REGION COUNTY    (行政区划代码 of 12 digits, and the county's name)" >&2
    exit 2
fi

echo "TONGYUAN_REGION=$region"
echo "TONGYUAN_COUNTY=$county"
grep -o '\${[A-Z_]*\(PASSWORD\|TOKEN\)[A-Z_]*:?' "$(dirname "$0")/../docker-compose.yml" | tr -d '${:?' | sort -u |
    while read -r name; do
        echo "$name=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
    done
