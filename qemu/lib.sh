# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Common to all set-up steps: messages, packages, the cache. Sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SBP2X_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sbp2x}
me=$(basename "$0")

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 1; }

# as_root COMMAND...: directly, else through sudo
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root: install sudo, or run it as root ($*)"
	fi
}

have_package() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

make_locks() {
	mkdir -p "$cache/lock" || die "cannot write to $cache: set SBP2X_CACHE to a folder that you can write to"
}

# alone NAME COMMAND...: while nobody else of us runs a command of that name
alone() (
	make_locks
	exec 8>"$cache/lock/$1"
	flock 8
	shift
	"$@" 8>&-
)

missing_packages() {
	local package
	for package; do
		have_package "$package" || echo "$package"
	done
}

# need PACKAGE...: install those that are missing
need() {
	command -v dpkg-query >/dev/null ||
		die "the lab sets itself up on Debian only; install by hand: $*"
	[ -z "$(missing_packages "$@")" ] || alone packages install_missing "$@" || exit 1
}

install_missing() {
	local missing
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	need_space /var 1
	say "installing packages: ${missing[*]}"
	install_packages "${missing[@]}" && return
	as_root apt-get update -qq >/dev/null 2>&1
	install_packages "${missing[@]}" ||
		die "could not install ${missing[*]}: is the network up? ('apt-get install ${missing[*]}' tells more)"
}

install_packages() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 \
		--no-install-recommends "$@" >/dev/null 2>&1
}

# need_space DIR GIGABYTES
need_space() {
	local free dir=$1
	while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
	free=$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -ge "$2" ] ||
		die "$dir has $free GB free and this needs $2 GB: make room, or set SBP2X_CACHE to a folder on a larger disk"
}

# locked NAME: only one at a time from here on; others wait
locked() {
	make_locks
	exec 9>"$cache/lock/$1"
	if ! flock -n 9; then
		say "waiting for another $1 to finish"
		flock 9
	fi
}

# key_of FILE...: one hash over names and contents
key_of() {
	(cd "$root" && find "$@" -type f ! -name '*.o' ! -name '*.ko' -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16
}

# A private apt configuration: the Debian archive as this machine knows it,
# with sources, and the suites that have the lab's kernels. Needs no root.
apt_options() {
	printf '%s\n' -o "Dir::Etc::sourcelist=$cache/apt/debian.sources" \
		-o Dir::Etc::sourceparts=- -o "Dir::State::lists=$cache/apt/lists" \
		-o "Dir::Cache=$cache/apt/cache" -o APT::Sandbox::User= -qq
}

apt_private() {
	local options
	mapfile -t options < <(apt_options)
	"$@" "${options[@]}" "${apt_arguments[@]}"
}

read_package_lists() {
	[ -z "$(find "$cache/apt/ready" -mtime -1 2>/dev/null)" ] || return 0
	/usr/bin/python3 "$root/qemu/apt-sources" >"$cache/apt/debian.sources" ||
		die "no Debian archive among this machine's package sources: add it to /etc/apt/sources.list.d"
	# By itself apt takes a network that is down for a matter of warnings
	apt_arguments=(-o APT::Update::Error-Mode=any)
	say "reading the package lists"
	apt_private apt-get update >"$cache/apt/log" 2>&1 ||
		die "could not read the package lists: is the network up? (see $cache/apt/log)"
	touch "$cache/apt/ready"
}

apt_setup() {
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
	need python3 ca-certificates
	alone apt read_package_lists || exit 1
}

# fetch_package NAME: download NAME's newest .deb into the current folder
fetch_package() {
	apt_arguments=(download "$1")
	apt_private apt-get >"$cache/apt/log" 2>&1 ||
		die "could not download the package $1: is the network up? (see $cache/apt/log)"
}

# package_field NAME FIELD: of the newest version
package_field() {
	apt_arguments=(show --no-all-versions "$1")
	apt_private apt-cache 2>/dev/null | sed -n "s/^$2: //p" | head -n 1
}

# set_up KERNEL...: QEMU and those kernels, side by side
set_up() {
	local kernel process processes=() status=0
	"$root/qemu/build" >/dev/null &
	processes+=($!)
	for kernel; do
		"$root/qemu/kernel" "$kernel" >/dev/null &
		processes+=($!)
	done
	for process in "${processes[@]}"; do
		wait "$process" || status=1
	done
	[ "$status" = 0 ] || exit 1
}
