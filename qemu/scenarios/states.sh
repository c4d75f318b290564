# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A session in each of its states, held there by what the target does. Sourced
# after lib.sh by scenarios that end it there.
# shellcheck disable=SC2034,SC2154

sysfs=/sys/bus/firewire/drivers/$module
bind() { echo "$fw" >"$sysfs/bind"; }
unbind() { echo "$fw" >"$sysfs/unbind"; }
begin_unbind() { unbind 2>/dev/null & }

# Some states last for two seconds only: no program is started to look
session() {
	value=none
	for file in /sys/class/sbp2x/*/"$1"; do
		read -r value <"$file"
	done
}
is_in() { session state && same "$value" "$1"; }
no_session() { [ -z "$(ls /sys/class/sbp2x)" ]; }

# From now on the target is a good one, and plugged in
calm() {
	labctl set t0 login-refuse 0 , set t0 management-lost 0 , \
		set t0 management-late-ms 0 , plug t0
}

# What is written is past the first 4 MiB
start_io() {
	while dd if=/dev/zero of="$disk" bs=64k seek=64 count=40 oflag=direct conv=nocreat status=none; do
		:
	done 2>/dev/null &
	writer=$!
	sleep 0.5
}

refuse_logins() { labctl set t0 login-refuse 9 , set t0 login-refuse-count 100000; }
lose_next() { labctl set t0 management-lost 1; }

# Pauses are long by now, and one has just begun
pausing() { session retries && [ "$value" -ge 5 ]; }

# hold_in STATE quiet|io: with I/O the writer is at work already
hold_in() {
	case $1:$2 in
	idle:quiet) unbind && refuse_logins && bind && wait_for 30 pausing ;;
	idle:io) refuse_logins && labctl set t0 forget-logins on , reset && wait_for 30 pausing ;;
	"logging in:quiet") unbind && lose_next && bind ;;
	"logging in:io") labctl set t0 management-late-ms 4000 , set t0 forget-logins on , reset ;;
	suspended:quiet) hold_in reconnecting quiet && labctl unplug t0 ;;
	suspended:io) labctl unplug t0 ;;
	# firewire-core may have another bus reset follow
	reconnecting:*) labctl set t0 management-lost 2 , reset ;;
	withdrawing:*) hold_in "logging in" quiet && begin_unbind ;;
	"logging out:"*) lose_next && begin_unbind ;;
	failed:*) unbind && refuse_logins && bind ;;
	"logged out:"*) session_leave ;;
	esac && wait_for 60 is_in "$1"
}
session_leave() { echo 1 >"$(echo /sys/class/sbp2x/*/logout)"; }
