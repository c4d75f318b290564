/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_TIMER_H
#define STUB_TIMER_H

#define SCALE_MS 1000000
#define SCALE_US 1000

enum { QEMU_CLOCK_VIRTUAL };

int64_t qemu_clock_get_ns(int clock);
QEMUTimer *timer_new_ns(int clock, void (*fn)(void *opaque), void *opaque);
void timer_mod(QEMUTimer *timer, int64_t at);
void timer_del(QEMUTimer *timer);
void timer_free(QEMUTimer *timer);
bool timer_pending(QEMUTimer *timer);

/* Let @ns of virtual time pass */
void stub_run(int64_t ns);

#endif
