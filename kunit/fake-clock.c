// SPDX-License-Identifier: GPL-2.0-only
/* A clock that stands still until a test moves it. */
#include "fake-clock.h"

#include <linux/preempt.h>

static struct sbp2x_fake_clock *fake_of(struct sbp2x_scheduler *scheduler)
{
	return container_of(scheduler->clock, struct sbp2x_fake_clock, clock);
}

static ktime_t fake_now(struct sbp2x_scheduler *scheduler)
{
	return READ_ONCE(fake_of(scheduler)->now);
}

static void expect_no_lock(struct sbp2x_fake_clock *fake)
{
	if (preemptible())
		return;

	fake->locked++;
	if (!fake->may_be_locked)
		KUNIT_FAIL(fake->test, "the timer is touched under a lock");
}

static void fake_arm(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	struct sbp2x_fake_clock *fake = fake_of(scheduler);

	expect_no_lock(fake);
	fake->armed = when;
	fake->arms++;
}

static void fake_disarm(struct sbp2x_scheduler *scheduler)
{
	struct sbp2x_fake_clock *fake = fake_of(scheduler);

	expect_no_lock(fake);
	fake->armed = KTIME_MAX;
}

void sbp2x_fake_clock_init(struct sbp2x_fake_clock *fake, struct kunit *test)
{
	*fake = (struct sbp2x_fake_clock) {
		.clock = {
			.now = fake_now,
			.arm = fake_arm,
			.disarm = fake_disarm,
		},
		.test = test,
		.now = NSEC_PER_SEC,
		.armed = KTIME_MAX,
	};
}

void sbp2x_fake_settle(struct sbp2x_scheduler *scheduler)
{
	drain_workqueue(scheduler->wq);
}

void sbp2x_fake_clock_advance(struct sbp2x_fake_clock *fake,
			      struct sbp2x_scheduler *scheduler,
			      unsigned int ms)
{
	ktime_t end = ktime_add_ms(fake->now, ms);

	sbp2x_fake_settle(scheduler);
	while (fake->armed <= end) {
		WRITE_ONCE(fake->now, max(fake->now, fake->armed));
		fake->armed = KTIME_MAX;
		sbp2x_scheduler_kick(scheduler);
		sbp2x_fake_settle(scheduler);
	}
	WRITE_ONCE(fake->now, end);
}
