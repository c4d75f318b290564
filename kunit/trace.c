// SPDX-License-Identifier: GPL-2.0-only
/* The rooms call tracepoints; these are their own here. */
#include "../drivers/firewire/sbp2x/trace.c"
