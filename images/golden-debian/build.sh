#!/usr/bin/env bash
# Makes the golden image (C2) as a split image for Incus and LXD: metadata.tar.xz and rootfs.squashfs.
#
#   build.sh --output DIR [--suite trixie] [--mirror URL] [--packages a,b,c]
#   build.sh --hash       [--suite trixie] [--packages a,b,c]
#
# --packages  what is added to the base; `incus-base,dnsmasq-base` unless told (see README.md for suites without Incus)
# --hash      prints the hash of all inputs and makes nothing: 12 hex digits, the same for the same recipe
#
# Needs root, debootstrap, mksquashfs, xz. Exit codes: 0 made, 2 wrong arguments, 3 something is missing, 1 the rest.
set -euo pipefail

recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# What `provost image bake` puts into its images too.
guest=$(cd "$recipe/../../packages/control/guest" && pwd)
suite=trixie
mirror=
packages=incus-base,dnsmasq-base
output=
hash_only=

fail() {
  local code=$1
  shift
  echo "golden image: $*" >&2
  exit "$code"
}

while [ $# -gt 0 ]; do
  case $1 in
  --hash) hash_only=yes && shift && continue ;;
  --suite | --mirror | --packages | --output) [ $# -ge 2 ] || fail 2 "$1 needs a value" ;;
  *) fail 2 "unknown argument '$1'; known: --output DIR, --suite, --mirror, --packages, --hash" ;;
  esac
  case $1 in
  --suite) suite=$2 ;;
  --mirror) mirror=$2 ;;
  --packages) packages=$2 ;;
  --output) output=$2 ;;
  esac
  shift 2
done
[[ $suite =~ ^[a-z]+$ ]] || fail 2 "suite '$suite' is no Debian suite name such as trixie"

architecture=$(dpkg --print-architecture 2> /dev/null || uname -m)

# The mirror is no input: every mirror serves the same suite.
input_hash() {
  {
    echo "$suite $architecture $packages"
    cd "$recipe"
    sha256sum build.sh files/*
    cd "$guest"
    sha256sum ./*
  } | sha256sum | cut -c 1-12
}

if [ -n "$hash_only" ]; then
  input_hash
  exit 0
fi

[ -n "$output" ] || fail 2 "--output DIR is missing"
[ "$(id -u)" = 0 ] || fail 3 "debootstrap needs root; run it as root, or import an image made elsewhere"
for tool in debootstrap mksquashfs xz tar; do
  command -v "$tool" > /dev/null || fail 3 "$tool is missing: apt-get install debootstrap squashfs-tools xz-utils"
done

mkdir -p "$output"
output=$(cd "$output" && pwd)
# Two builds into one folder: the second one waits and overwrites with the same.
exec 9> "$output/.lock"
flock -w 3600 9 || fail 1 "another build holds $output/.lock for an hour"
work=$(mktemp -d "$output/.work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

base=systemd-sysv,dbus,ca-certificates,curl,iproute2,ifupdown,udhcpc,procps,less
log=$output/debootstrap.log
echo "golden image: debootstrap $suite (log: $log)"
timeout 1800 debootstrap --variant=minbase --include="$base${packages:+,$packages}" "$suite" "$root" ${mirror:+"$mirror"} \
  > "$log" 2>&1 < /dev/null || { tail -n 15 "$log" >&2; fail 1 "debootstrap of '$suite' failed; see $log"; }

install -m 755 "$guest/provost-first-boot" "$root/usr/local/sbin/provost-first-boot"
install -m 755 "$guest/provost-image-clean" "$root/usr/local/sbin/provost-image-clean"
install -m 644 "$guest/provost-first-boot.service" "$root/etc/systemd/system/provost-first-boot.service"
install -D -m 755 "$guest/10-incus" "$root/etc/provost/first-boot.d/10-incus"
install -D -m 644 "$recipe/files/interfaces" "$root/etc/network/interfaces"
install -D -m 644 "$recipe/files/modules-load.conf" "$root/etc/systemd/system/systemd-modules-load.service.d/provost.conf"

systemctl --root="$root" --quiet enable provost-first-boot.service
# Incus starts when its socket is first used: an instance that does not use it pays nothing.
[ ! -e "$root/lib/systemd/system/incus-startup.service" ] || systemctl --root="$root" --quiet disable incus-startup.service
# Servers are updated by baking a new image, not at a random minute after the deploy.
systemctl --root="$root" --quiet mask apt-daily.timer apt-daily-upgrade.timer

rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/*
chroot "$root" /usr/local/sbin/provost-image-clean > /dev/null
# The host's own, which debootstrap has copied.
: > "$root/etc/resolv.conf"

hash=$(input_hash)
mkdir "$work/metadata" "$work/metadata/templates"
cp "$recipe/files/hosts.tpl" "$recipe/files/hostname.tpl" "$work/metadata/templates/"
cat > "$work/metadata/metadata.yaml" << YAML
architecture: $(uname -m)
creation_date: $(date +%s)
properties:
  description: Debian $suite, Provost golden image $hash
  os: Debian
  release: $suite
  architecture: $architecture
  provost.golden: $hash
templates:
  /etc/hosts:
    when: [create, copy]
    template: hosts.tpl
  /etc/hostname:
    when: [create, copy]
    template: hostname.tpl
YAML
tar -C "$work/metadata" -cJf "$output/metadata.tar.xz.part" metadata.yaml templates
# zstd unpacks about three times as fast as xz: the unpacking is most of what a create takes.
mksquashfs "$root" "$output/rootfs.squashfs.part" -noappend -comp zstd -Xcompression-level 9 -quiet -no-progress \
  > "$output/mksquashfs.log" 2>&1 || fail 1 "mksquashfs failed; see $output/mksquashfs.log"
# Named last, so that files under these names are whole.
mv -f "$output/metadata.tar.xz.part" "$output/metadata.tar.xz"
mv -f "$output/rootfs.squashfs.part" "$output/rootfs.squashfs"
echo "golden image: $hash, $(du -m "$output/rootfs.squashfs" | cut -f 1) MB in $output"
