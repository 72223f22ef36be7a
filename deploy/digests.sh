#!/bin/sh
# Print, as lines for .env, the present digest of each image that docker-compose.yml and the Dockerfile name.
#     deploy/digests.sh >>.env
# From then on the county runs exactly these images, even if their tags are moved. Compare the digests with those that the
# images' makers publish. To update them, delete the old lines from .env first.
set -eu

cd "$(dirname "$0")/.."
# shellcheck disable=SC2016  # the braces are the file's own
grep -ho '[a-z0-9./-]*:[a-z0-9.-]*@\${[A-Z]*_DIGEST' docker-compose.yml deploy/Dockerfile | sort -u |
    while IFS='@' read -r image variable; do
        digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}') || exit 1
        case $digest in
            sha256:????????????????????????????????????????????????????????????????) ;;
            *)
                echo "$0: $image: docker returned no digest, but: $digest" >&2
                exit 1
                ;;
        esac
        echo "${variable#??}=$digest"
    done
