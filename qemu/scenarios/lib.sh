# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Common to all scenarios; sourced by scripts that run as root in the guest.
# A scenario prints TAP, calls check or ok/not_ok for each expectation, and
# ends with "finish". SCENARIO_DRIVER is the driver under test.

count=0
failures=0
bus=fw0.0
mnt=/mnt/disk
driver=${SCENARIO_DRIVER:-sbp2x}
# shellcheck disable=SC2034
module=$(echo "$driver" | tr - _)

note() { printf '%s\n' "$*" | sed 's/^/# /'; }

ok() {
	count=$((count + 1))
	echo "ok $count - $*"
}

not_ok() {
	count=$((count + 1))
	failures=$((failures + 1))
	echo "not ok $count - $*"
}

# check DESCRIPTION COMMAND...: an expectation
check() {
	description=$1
	shift
	if output=$("$@" 2>&1); then
		ok "$description"
	else
		not_ok "$description"
		note "failed: $*"
		[ -z "$output" ] || note "$output"
	fi
}

# check_sbp2x DESCRIPTION COMMAND...: an expectation that firewire-sbp2 need
# not meet; with that driver the outcome is only noted
check_sbp2x() {
	if [ "$driver" = sbp2x ]; then
		check "$@"
		return
	fi
	description=$1
	shift
	if "$@" >/dev/null 2>&1; then
		note "$driver meets this too: $description"
	else
		note "$driver does not meet this: $description"
	fi
}

# must DESCRIPTION COMMAND...: an expectation without which nothing else works
must() {
	before=$failures
	check "$@"
	[ "$failures" = "$before" ] || finish
}

same() {
	[ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }
}

# fails COMMAND...
fails() { ! "$@"; }

finish() {
	if [ "$failures" -gt 0 ]; then
		note "the kernel's last words:"
		dmesg | tail -n 40 | sed 's/^/#   /'
	fi
	echo "1..$count"
	[ "$failures" = 0 ]
	exit
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	read -r uptime _ </proc/uptime
	deadline=$((${uptime%.*} + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		read -r uptime _ </proc/uptime
		[ "${uptime%.*}" -lt "$deadline" ] || { echo "waited in vain for: $*"; return 1; }
		sleep 0.2
	done
}

# labctl WORD...: one process answers all of a scenario's, for to start Python takes
# half a second. Answers come in order: what runs in the background has "command
# labctl", a process of its own.
if command -v python3 >/dev/null; then
	mkfifo /tmp/lab-asked /tmp/lab-told
	command labctl serve </tmp/lab-asked >/tmp/lab-told 2>/dev/null &
	exec 8>/tmp/lab-asked 9</tmp/lab-told
	labctl() {
		echo "$*" >&8
		while IFS= read -r told <&9; do
			case $told in
			ok) return 0 ;;
			"error: "*) echo "labctl: ${told#error: }" >&2; return 1 ;;
			*) printf '%s\n' "$told" ;;
			esac
		done
		return 1
	}
fi

# ended: has the process $writer ended? What nobody has waited for yet is a
# zombie, and kill -0 takes that for alive
writer=
ended() {
	stat=
	read -r stat 2>/dev/null <"/proc/$writer/stat"
	case $stat in
	*') Z '* | '') ;;
	*) return 1 ;;
	esac
}

# sdev LUN: the SCSI device of a logical unit, as /sys/bus/scsi/devices/H:C:T:L
sdev() {
	for s in /sys/bus/scsi/devices/*:"$1"; do
		[ -e "$s/ieee1394_id" ] && { echo "$s"; return; }
	done
	return 1
}

# block LUN: its device node, when udev is done with it
block() {
	s=$(sdev "$1") || return 1
	for b in "$s"/block/*; do
		[ -b "/dev/${b##*/}" ] && { echo "/dev/${b##*/}"; return; }
	done
	return 1
}

# seq_of DISK: the number that no other disk ever had
seq_of() { cat "/sys/block/${1##*/}/diskseq"; }

# The link that udev made for a block device
by_id() {
	for link in /dev/disk/by-id/ieee1394-*; do
		[ "$(readlink -f "$link")" = "$1" ] && { echo "$link"; return; }
	done
	return 1
}

is_online() { [ "$(cat "$(sdev "$1")/state")" = running ]; }

# appears [LUN]: wait for a logical unit's block device
appears() { wait_for 60 block "${1:-0}"; }

# undisturbed: udev is done with what there is, and gone: it does not read disks again
# that were written to or that changed. (That it only stops its queue is not enough:
# when a disk was written to, it has the kernel read the partitions again.) For what
# counts commands, or has some go wrong: those are to be its own.
undisturbed() {
	modprobe -a sd_mod sg && udevadm settle --timeout=60 && udevadm control --exit
}

resets() { labctl get $bus reset-count; }

# mark: remember where the kernel log is; log_since prints what came after
mark() {
	marker="scenario: mark $(date +%s%N)"
	echo "<6>$marker" >/dev/kmsg
}

log_since() { dmesg | sed "1,/$marker/d"; }

no_io_error() {
	! log_since | grep -E 'I/O error|Buffer I/O|EXT4-fs error|EXT4-fs \(.*\): .*error|Remounting filesystem read-only|rejecting I/O|FAILED Result'
}

# random_file PATH MEBIBYTES: and remember its checksum in PATH.sum
random_file() {
	head -c "$2M" /dev/urandom | tee "$1" | sha256sum | cut -d' ' -f1 >"/tmp/$(basename "$1").sum" &&
		sync "$1"
}

holds() { same "$(sha256sum <"$1" | cut -d' ' -f1)" "$(cat "/tmp/$(basename "$1").sum")"; }

# Trouble, of the target's making: qemu/hw/firewire/sbp2-faults.c
fault() { labctl set t0 "$1" "$2"; }

# statuses_lost DISK N: a block is read, though its status is lost so often
statuses_lost() {
	so_far=$(happened status-lost)
	check "a block is read" dd if="$1" of=/tmp/before bs=4k count=1 iflag=direct
	fault status-lost "$2"
	check "again, though $2 statuses were lost" dd if="$1" of=/tmp/after bs=4k count=1 iflag=direct
	check "which happened" happened status-lost $((so_far + $2))
	check "it is the same" cmp /tmp/before /tmp/after
}

# happened NAME [N]: how often it did; or, it did so often, or will in a moment
happened() {
	if [ $# = 1 ]; then labctl get t0 "$1-done"; else labctl wait t0 "$1-done" "$2" 2; fi
}

# phy NAME: a node's physical ID
phy() { labctl get $bus topology | awk -v name="$1" '{ sub(":$", "", $2) } $2 == name { print $1 }'; }

# A page that the intruder is not to see; secret N: its address, its first bytes,
# and whether it is intact
secret_page() {
	[ -z "${keeper-}" ] || kill "$keeper"
	rm -f /tmp/secret
	"$LAB_ROOT/qemu/guest/secret" /tmp/secret &
	keeper=$!
	must "there is a secret" wait_for 10 test -s /tmp/secret
	labctl set i0 memory-address "$(cut -d' ' -f1 /tmp/secret)"
}
secret() { cut -d' ' -f"$1" /tmp/secret; }
intruder() { labctl get i0 "$1"; }

# intrude ID KIND N: so often, with that node ID; its own is 63
intrude() {
	so_far=$(intruder "$2-done")
	labctl set i0 spoof "$1" , set i0 "$2" "$3"
	# What it needs to know it hears when something is going on
	dd if="$(block 0)" of=/dev/null bs=4k count=16 iflag=direct status=none
	labctl wait i0 "$2-done" $((so_far + $3)) 10 , set i0 spoof 63
}

# back_after WORD...: what labctl does costs the login; the target grants it again
back_after() {
	last=$(labctl get t0 welcomes) && labctl "$@" , wait t0 welcomes $((last + 1)) 45
}

# round_trip DISK MEBIBYTES: random data to the disk and back, past all caches
round_trip() {
	dd if=/dev/urandom of=/tmp/written bs=1M count="$2" iflag=fullblock status=none &&
		dd if=/tmp/written of="$1" bs=64k oflag=direct status=none &&
		dd if="$1" of=/tmp/read bs=64k iflag=direct count=$(($2 * 16)) status=none &&
		cmp /tmp/written /tmp/read
}

# Read from the disk, not from memory
drop_caches() { echo 3 >/proc/sys/vm/drop_caches; }

make_ext4() { mkfs.ext4 -q -F "$1"; }

mount_disk() { mkdir -p "$mnt" && mount "$1" "$mnt"; }

# let_go DRIVER: unload it, with no unit in its hands: while its module is going
# firewire-sbp2 does not find its SCSI devices, and frees what sd still uses
let_go() {
	for bound in /sys/bus/firewire/drivers/"$(echo "$1" | tr - _)"/fw*; do
		[ ! -e "$bound" ] || echo "${bound##*/}" >"${bound%/*}/unbind"
	done
	modprobe -r "$1"
}

is_loaded() { grep -q "^$1 " /proc/modules; }

# Which driver has the unit
unit_driver() {
	for unit in /sys/bus/firewire/devices/fw*.*; do
		[ "$(cat "$unit/specifier_id" 2>/dev/null)" = 0x00609e ] || continue
		[ -e "$unit/driver" ] && basename "$(readlink -f "$unit/driver")"
	done
}

# The SBP-2 unit, such as fw1.0; with LIO, which there are four of, the driver's
unit() {
	for unit in /sys/bus/firewire/devices/fw*.*; do
		[ "$(cat "$unit/specifier_id" 2>/dev/null)" = 0x00609e ] || continue
		[ "$LAB_TARGET" != lio ] || [ -e "$unit/driver" ] || continue
		basename "$unit"
		return
	done
	return 1
}

# That the debug kernel's instruments are on, read from the kernel itself
has_option() { zcat /proc/config.gz | grep -qx "CONFIG_$1=y"; }
# Lockdep turns itself off at its first complaint
lockdep_is_on() { grep -qE 'debug_locks: *1' /proc/lockdep_stats; }
instruments() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	for option in KASAN PROVE_LOCKING DEBUG_KMEMLEAK DEBUG_OBJECTS_TIMERS \
		DEBUG_OBJECTS_WORK DEBUG_ATOMIC_SLEEP UBSAN; do
		check "the kernel has $option" has_option $option
	done
	check "lockdep is at work" lockdep_is_on
	check "kmemleak is at work" test -w /sys/kernel/debug/kmemleak
	check "debug objects are tracked" grep -qE '^pool_used *: *[1-9]' /sys/kernel/debug/debug_objects/stats
}

