#!/bin/sh
# Print the digests that docker-compose.yml and the Dockerfile ask for, as .env has them: what each image's name means today.
#     deploy/digests.sh >>.env
# From then on the county runs these very images, whatever somebody puts under their names. Compare them with what the makers
# of the images publish. For new ones take the old lines out of .env first.
set -eu

cd "$(dirname "$0")/.."
# shellcheck disable=SC2016  # the braces are the file's own
grep -ho '[a-z0-9./-]*:[a-z0-9.-]*@\${[A-Z]*_DIGEST' docker-compose.yml deploy/Dockerfile | sort -u |
    while IFS='@' read -r image variable; do
        digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}') || exit 1
        case $digest in
            sha256:????????????????????????????????????????????????????????????????) ;;
            *)
                echo "$0: $image: docker says no digest, but: $digest" >&2
                exit 1
                ;;
        esac
        echo "${variable#??}=$digest"
    done
