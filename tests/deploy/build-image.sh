#!/usr/bin/env bash
# Builds deploy/Dockerfile with Debian's buildah, without a registry of images: the base is made of
# Debian's packages and the node and npm of this machine.
#
#   tests/deploy/build-image.sh FOLDER
#
# Everything is written to FOLDER. Prints the path of the image's root on the last line, and leaves its
# configuration in FOLDER/image.json and its size in bytes in FOLDER/size.
set -euo pipefail

folder="$(realpath "$1")"
checkout="$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")"

export BUILDAH_ISOLATION=chroot BUILDAH_FORMAT=docker TMPDIR="$folder/tmp"
mkdir -p "$TMPDIR" "$folder/storage" "$folder/run"
buildah() { command buildah --root "$folder/storage" --runroot "$folder/run" "$@"; }

base_image="localhost/node-of-this-machine"

make_base() {
  local root="$folder/base" node npm
  node="$(realpath "$(command -v node)")"
  npm="$(realpath "$(dirname "$(realpath "$(command -v npm)")")/..")"
  # Without documentation and caches, as in Debian's images for containers.
  debootstrap --variant=minbase bookworm "$root" http://deb.debian.org/debian > "$folder/debootstrap.log"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
  install -D "$node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -r "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  local container
  container="$(buildah from scratch)"
  buildah add -q "$container" "$root" / > /dev/null
  buildah commit -q --rm "$container" "$base_image" > /dev/null
  rm -rf "$root"
}

# Mounts what npm has on this machine: its cache, and the certificate authority of its registry where that
# is one of its own. Nothing of it is in the image.
npm_of_this_machine() {
  local cache authority="${NODE_EXTRA_CA_CERTS:-}"
  cache="$(npm config get cache)"
  mkdir -p "$cache"
  printf '%s\n' --volume "$cache:/root/.npm"
  [ -n "$authority" ] || return 0
  echo "cafile=/run/authorities.crt" > "$folder/npmrc"
  printf '%s\n' --volume "$(realpath "$authority"):/run/authorities.crt:ro" \
    --volume "$folder/npmrc:/usr/local/etc/npmrc:ro"
}

buildah inspect --type image "$base_image" > /dev/null 2>&1 || make_base >&2
mapfile -t options < <(npm_of_this_machine)
buildah bud --pull=never --build-arg "NODE_IMAGE=$base_image" "${options[@]}" \
  --file "$checkout/deploy/Dockerfile" --tag localhost/portcullis "$checkout" >&2
buildah inspect --type image localhost/portcullis > "$folder/image.json"
container="$(buildah from --pull=never localhost/portcullis)"
buildah mount "$container"
