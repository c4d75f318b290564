/* SPDX-License-Identifier: GPL-2.0-only */
/* A clock that stands still until a test moves it. */
#ifndef SBP2X_FAKE_CLOCK_H
#define SBP2X_FAKE_CLOCK_H

#include <kunit/test.h>
#include <linux/ktime.h>

#include "scheduler.h"

/**
 * struct sbp2x_fake_clock - time, and the one alarm that is armed
 * @clock: what sbp2x_scheduler_init() is given
 * @now: starts at one second
 * @armed: KTIME_MAX where nothing is
 * @arms: how often the alarm was armed
 * @locked: how often the alarm was touched in atomic context
 * @may_be_locked: and the test does so to see that it is noticed
 *
 * Arming or disarming in atomic context fails the test: no spinlock may be
 * held then, and these tests have no other reason to be atomic.
 */
struct sbp2x_fake_clock {
	struct sbp2x_clock clock;
	struct kunit *test;
	ktime_t now;
	ktime_t armed;
	unsigned int arms;
	unsigned int locked;
	bool may_be_locked;
};

void sbp2x_fake_clock_init(struct sbp2x_fake_clock *fake, struct kunit *test);

/* Let all work on @scheduler's workqueue, and what it queues, finish */
void sbp2x_fake_settle(struct sbp2x_scheduler *scheduler);

/*
 * Move time forward by @ms. On the way the alarm rings whenever it is due, at
 * exactly its time, and everything that follows from it is done.
 */
void sbp2x_fake_clock_advance(struct sbp2x_fake_clock *fake,
			      struct sbp2x_scheduler *scheduler,
			      unsigned int ms);

#endif
