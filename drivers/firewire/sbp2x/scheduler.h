/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deadlines over one hrtimer, which is armed outside every lock.
 *
 * A deadline's callback runs in process context on the scheduler's ordered
 * workqueue, with no lock held, in order of due time. That workqueue is also
 * where sessions and management work, so everything on it is serialised by
 * itself and needs no lock.
 */
#ifndef SBP2X_SCHEDULER_H
#define SBP2X_SCHEDULER_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct sbp2x_scheduler;
struct sbp2x_deadline;

typedef void (*sbp2x_deadline_fn)(struct sbp2x_deadline *deadline);

enum sbp2x_deadline_state {
	SBP2X_DEADLINE_IDLE,
	SBP2X_DEADLINE_QUEUED,
	SBP2X_DEADLINE_FIRING,
	SBP2X_DEADLINE_CANCELLED,	/* cancelled while firing */
};

/* Everything inside belongs to the scheduler, guarded by its lock */
struct sbp2x_deadline {
	struct timerqueue_node node;
	enum sbp2x_deadline_state state;
	bool again;			/* was set anew while firing */
	ktime_t again_at;
	sbp2x_deadline_fn fn;
};

/**
 * struct sbp2x_clock - where time comes from, so that tests can bring it
 * @now: monotonic time
 * @arm: make sbp2x_scheduler_kick() be called at @when, once; an earlier
 *	 request is replaced. Never called under a lock of ours.
 * @disarm: forget the request and wait for a kick that is under way
 */
struct sbp2x_clock {
	ktime_t (*now)(struct sbp2x_scheduler *scheduler);
	void (*arm)(struct sbp2x_scheduler *scheduler, ktime_t when);
	void (*disarm)(struct sbp2x_scheduler *scheduler);
};

/**
 * struct sbp2x_scheduler - the deadlines of one target
 * @wq: ordered; sessions and management queue their work here too
 */
struct sbp2x_scheduler {
	struct workqueue_struct *wq;

	/* private */
	const struct sbp2x_clock *clock;
	spinlock_t lock;		/* a leaf; guards what follows */
	struct timerqueue_head queue;
	struct sbp2x_deadline *firing;
	bool down;
	wait_queue_head_t fired;
	struct lockdep_map on_wq;	/* held by what runs on wq */
	struct work_struct work;
	struct hrtimer timer;
	struct {			/* for debugfs */
		u64 sets, cancels, fired, arms, rearms;
		u64 late, latest_us;
	} count;
};

/**
 * sbp2x_scheduler_init() - make a scheduler and its workqueue
 * @scheduler: to be set up
 * @clock: NULL for the kernel's monotonic clock and an hrtimer
 * @name: of the workqueue
 *
 * May sleep. Return: 0 or -ENOMEM.
 */
int sbp2x_scheduler_init(struct sbp2x_scheduler *scheduler,
			 const struct sbp2x_clock *clock, const char *name);

/**
 * sbp2x_scheduler_shutdown() - no deadline fires from now on
 *
 * Later sbp2x_deadline_set() fail with -ESHUTDOWN. Waits for a callback that
 * runs. Queued deadlines are dropped: their owners cancel before they call
 * this, or complete what they own. May sleep; not from the workqueue.
 */
void sbp2x_scheduler_shutdown(struct sbp2x_scheduler *scheduler);

/* After shutdown, when no work is queued any more. May sleep. */
void sbp2x_scheduler_destroy(struct sbp2x_scheduler *scheduler);

/* Called at or after the armed time, in any context: queues the work */
void sbp2x_scheduler_kick(struct sbp2x_scheduler *scheduler);

ktime_t sbp2x_scheduler_now(struct sbp2x_scheduler *scheduler);

/*
 * True in a callback; in other work on this scheduler's workqueue too, where
 * lockdep is on and the kernel is 6.12 or later.
 */
bool sbp2x_scheduler_is_current(struct sbp2x_scheduler *scheduler);

void sbp2x_deadline_init(struct sbp2x_deadline *deadline, sbp2x_deadline_fn fn);

/**
 * sbp2x_deadline_set() - fire at @when; moves a deadline that is queued
 *
 * Any context, but never under a lock of sbp2x: the timer is armed in here.
 * In its own callback a deadline may set itself again.
 *
 * Return: 0, or -ESHUTDOWN: the deadline will not fire, and the caller
 * completes what it wanted to guard.
 */
int sbp2x_deadline_set(struct sbp2x_scheduler *scheduler,
		       struct sbp2x_deadline *deadline, ktime_t when);

/* Like sbp2x_deadline_set(), @ms milliseconds from now */
int sbp2x_deadline_set_ms(struct sbp2x_scheduler *scheduler,
			  struct sbp2x_deadline *deadline, unsigned int ms);

/**
 * sbp2x_deadline_cancel() - do not fire; never waits
 *
 * Any context. On the workqueue this is already synchronous.
 *
 * Return: the state that it was found in: IDLE (nothing to do), QUEUED (it
 * will not fire), FIRING or CANCELLED (its callback runs elsewhere now and
 * may still run when this returns; it will not fire again unless that callback
 * sets it after this).
 */
enum sbp2x_deadline_state
sbp2x_deadline_cancel(struct sbp2x_scheduler *scheduler,
		      struct sbp2x_deadline *deadline);

/**
 * sbp2x_deadline_cancel_sync() - cancel and wait for a callback that runs
 *
 * May sleep; from outside the workqueue only (asserted, as far as
 * sbp2x_scheduler_is_current() can tell), and under no lock that a callback
 * takes. When it returns the callback does not run and will not, even where it
 * sets itself anew each time, until somebody else sets it.
 */
enum sbp2x_deadline_state
sbp2x_deadline_cancel_sync(struct sbp2x_scheduler *scheduler,
			   struct sbp2x_deadline *deadline);

#endif
