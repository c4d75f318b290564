// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deadlines over one hrtimer.
 *
 * The timer is armed by whoever changed the earliest deadline, after the lock
 * was dropped. Two who do so at once could leave the later of their times
 * armed; so each looks again afterwards, and arms again if what it armed is
 * not the earliest any more. Whoever arms last has therefore armed the
 * earliest. A timer that fires too early finds nothing due and is armed again.
 */
#include "scheduler.h"

#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "compat.h"

/* Callbacks in one pass, so that other work on the queue gets its turn */
#define PASS_LIMIT	64

/* What a deadline may be late by before it is counted */
#define LATE_US		10000

static ktime_t deadline_time(const struct sbp2x_deadline *deadline)
{
	return deadline->node.expires;
}

static struct sbp2x_deadline *to_deadline(struct timerqueue_node *node)
{
	return node ? container_of(node, struct sbp2x_deadline, node) : NULL;
}

static struct sbp2x_deadline *earliest(struct sbp2x_scheduler *scheduler)
{
	lockdep_assert_held(&scheduler->lock);
	return to_deadline(timerqueue_getnext(&scheduler->queue));
}

/* KTIME_MAX: nothing to arm for */
static ktime_t earliest_time(struct sbp2x_scheduler *scheduler)
{
	struct sbp2x_deadline *deadline = earliest(scheduler);

	return deadline && !scheduler->down ? deadline_time(deadline) :
					      KTIME_MAX;
}

/* Arm for the earliest deadline, and go on until that is what was armed */
static void scheduler_arm(struct sbp2x_scheduler *scheduler)
{
	ktime_t armed = KTIME_MAX, want;
	unsigned long flags;
	bool again = false;

	for (;;) {
		spin_lock_irqsave(&scheduler->lock, flags);
		want = earliest_time(scheduler);
		if (want != armed && want != KTIME_MAX) {
			scheduler->count.arms++;
			scheduler->count.rearms += again;
		}
		spin_unlock_irqrestore(&scheduler->lock, flags);

		if (want == armed || want == KTIME_MAX)
			return;

		lockdep_assert_not_held(&scheduler->lock);
		scheduler->clock->arm(scheduler, want);
		armed = want;
		again = true;
	}
}

/* Put @deadline into the queue; true where the timer has to be armed anew */
static bool deadline_queue(struct sbp2x_scheduler *scheduler,
			   struct sbp2x_deadline *deadline, ktime_t when)
{
	lockdep_assert_held(&scheduler->lock);
	if (deadline->state == SBP2X_DEADLINE_QUEUED)
		timerqueue_del(&scheduler->queue, &deadline->node);

	deadline->node.expires = when;
	deadline->state = SBP2X_DEADLINE_QUEUED;
	return timerqueue_add(&scheduler->queue, &deadline->node);
}

int sbp2x_deadline_set(struct sbp2x_scheduler *scheduler,
		       struct sbp2x_deadline *deadline, ktime_t when)
{
	unsigned long flags;
	bool arm = false;
	int ret = 0;

	spin_lock_irqsave(&scheduler->lock, flags);
	if (scheduler->down) {
		ret = -ESHUTDOWN;
	} else if (deadline->state == SBP2X_DEADLINE_FIRING ||
		   deadline->state == SBP2X_DEADLINE_CANCELLED) {
		/* It goes into the queue when its callback returns */
		deadline->state = SBP2X_DEADLINE_FIRING;
		deadline->again = true;
		deadline->again_at = when;
		scheduler->count.sets++;
	} else {
		arm = deadline_queue(scheduler, deadline, when);
		scheduler->count.sets++;
	}
	spin_unlock_irqrestore(&scheduler->lock, flags);

	if (arm)
		scheduler_arm(scheduler);

	return ret;
}

int sbp2x_deadline_set_ms(struct sbp2x_scheduler *scheduler,
			  struct sbp2x_deadline *deadline, unsigned int ms)
{
	return sbp2x_deadline_set(scheduler, deadline,
				  ktime_add_ms(sbp2x_scheduler_now(scheduler),
					       ms));
}

/*
 * Cancel @deadline; true when its callback does not run. @found is the first
 * state but idle that it is found in, for those who have to ask again.
 */
static bool deadline_stop(struct sbp2x_scheduler *scheduler,
			  struct sbp2x_deadline *deadline,
			  enum sbp2x_deadline_state *found)
{
	unsigned long flags;
	bool running;

	spin_lock_irqsave(&scheduler->lock, flags);
	if (*found == SBP2X_DEADLINE_IDLE) {
		*found = deadline->state;
		scheduler->count.cancels += *found != SBP2X_DEADLINE_IDLE;
	}
	if (deadline->state == SBP2X_DEADLINE_QUEUED) {
		timerqueue_del(&scheduler->queue, &deadline->node);
		deadline->state = SBP2X_DEADLINE_IDLE;
	} else if (deadline->state == SBP2X_DEADLINE_FIRING) {
		deadline->state = SBP2X_DEADLINE_CANCELLED;
		deadline->again = false;
	}
	running = scheduler->firing == deadline;
	spin_unlock_irqrestore(&scheduler->lock, flags);

	return !running;
}

enum sbp2x_deadline_state
sbp2x_deadline_cancel(struct sbp2x_scheduler *scheduler,
		      struct sbp2x_deadline *deadline)
{
	enum sbp2x_deadline_state found = SBP2X_DEADLINE_IDLE;

	deadline_stop(scheduler, deadline, &found);
	return found;
}

enum sbp2x_deadline_state
sbp2x_deadline_cancel_sync(struct sbp2x_scheduler *scheduler,
			   struct sbp2x_deadline *deadline)
{
	enum sbp2x_deadline_state found = SBP2X_DEADLINE_IDLE;

	/* Waiting for oneself would be for ever */
	if (WARN_ON_ONCE(sbp2x_scheduler_is_current(scheduler)))
		return sbp2x_deadline_cancel(scheduler, deadline);

	/* Lockdep sees no waiting in wait_event(): tell it for whom we wait */
	lock_map_acquire(&scheduler->work.lockdep_map);
	lock_map_release(&scheduler->work.lockdep_map);

	/* Cancelled anew each time: its callback may have set it again */
	wait_event(scheduler->fired,
		   deadline_stop(scheduler, deadline, &found));
	return found;
}

/* A processor that is busy elsewhere, or a workqueue that is */
static void count_fired(struct sbp2x_scheduler *s, ktime_t due, ktime_t now)
{
	s64 late_us = ktime_us_delta(now, due);

	lockdep_assert_held(&s->lock);
	s->count.fired++;
	s->count.late += late_us > LATE_US;
	s->count.latest_us = max_t(u64, s->count.latest_us, late_us);
}

/* Take the earliest deadline out of the queue if it is due */
static struct sbp2x_deadline *deadline_take_due(struct sbp2x_scheduler *s)
{
	ktime_t now = sbp2x_scheduler_now(s);
	struct sbp2x_deadline *deadline;

	spin_lock_irq(&s->lock);
	deadline = s->down ? NULL : earliest(s);
	if (deadline && ktime_after(deadline_time(deadline), now))
		deadline = NULL;
	if (deadline) {
		timerqueue_del(&s->queue, &deadline->node);
		deadline->state = SBP2X_DEADLINE_FIRING;
		deadline->again = false;
		s->firing = deadline;
		count_fired(s, deadline_time(deadline), now);
	}
	spin_unlock_irq(&s->lock);

	return deadline;
}

static void deadline_settle(struct sbp2x_scheduler *s,
			    struct sbp2x_deadline *deadline)
{
	spin_lock_irq(&s->lock);
	s->firing = NULL;
	deadline->state = SBP2X_DEADLINE_IDLE;
	if (deadline->again && !s->down)
		deadline_queue(s, deadline, deadline->again_at);
	deadline->again = false;
	spin_unlock_irq(&s->lock);

	wake_up_all(&s->fired);
}

static void scheduler_work(struct work_struct *work)
{
	struct sbp2x_scheduler *s = container_of(work, typeof(*s), work);
	struct sbp2x_deadline *deadline;
	unsigned int fired;

	for (fired = 0; fired < PASS_LIMIT; fired++) {
		deadline = deadline_take_due(s);
		if (!deadline)
			break;
		deadline->fn(deadline);
		deadline_settle(s, deadline);
	}

	if (fired == PASS_LIMIT)
		queue_work(s->wq, &s->work);
	else
		scheduler_arm(s);
}

bool sbp2x_scheduler_is_current(struct sbp2x_scheduler *scheduler)
{
	return current_work() == &scheduler->work ||
	       sbp2x_lockdep_is_held(&scheduler->on_wq);
}

void sbp2x_scheduler_kick(struct sbp2x_scheduler *scheduler)
{
	queue_work(scheduler->wq, &scheduler->work);
}

ktime_t sbp2x_scheduler_now(struct sbp2x_scheduler *scheduler)
{
	return scheduler->clock->now(scheduler);
}

void sbp2x_deadline_init(struct sbp2x_deadline *deadline, sbp2x_deadline_fn fn)
{
	timerqueue_init(&deadline->node);
	deadline->state = SBP2X_DEADLINE_IDLE;
	deadline->again = false;
	deadline->fn = fn;
}

/* The kernel's clock */

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	sbp2x_scheduler_kick(container_of(timer, struct sbp2x_scheduler,
					  timer));
	return HRTIMER_NORESTART;
}

static ktime_t kernel_now(struct sbp2x_scheduler *scheduler)
{
	return ktime_get();
}

static void kernel_arm(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	hrtimer_start(&scheduler->timer, when, HRTIMER_MODE_ABS);
}

static void kernel_disarm(struct sbp2x_scheduler *scheduler)
{
	hrtimer_cancel(&scheduler->timer);
}

static const struct sbp2x_clock kernel_clock = {
	.now = kernel_now,
	.arm = kernel_arm,
	.disarm = kernel_disarm,
};

/* Life */

int sbp2x_scheduler_init(struct sbp2x_scheduler *scheduler,
			 const struct sbp2x_clock *clock, const char *name)
{
	static struct lock_class_key key;

	scheduler->clock = clock ?: &kernel_clock;
	spin_lock_init(&scheduler->lock);
	timerqueue_init_head(&scheduler->queue);
	scheduler->firing = NULL;
	scheduler->down = false;
	init_waitqueue_head(&scheduler->fired);
	INIT_WORK(&scheduler->work, scheduler_work);
	sbp2x_hrtimer_setup(&scheduler->timer, timer_fn);
	memset(&scheduler->count, 0, sizeof(scheduler->count));

	/*
	 * Sessions and management do their work here, and we are below the
	 * block layer: a reconnect must not wait for memory that only our own
	 * disk can free.
	 */
	lockdep_init_map(&scheduler->on_wq, "sbp2x_wq", &key, 0);
	scheduler->wq = sbp2x_alloc_ordered_workqueue("sbp2x_%s",
						      WQ_MEM_RECLAIM,
						      &scheduler->on_wq, name);

	return scheduler->wq ? 0 : -ENOMEM;
}

static void drop_queued(struct sbp2x_scheduler *scheduler)
{
	struct sbp2x_deadline *deadline;

	spin_lock_irq(&scheduler->lock);
	scheduler->down = true;
	while ((deadline = earliest(scheduler))) {
		timerqueue_del(&scheduler->queue, &deadline->node);
		deadline->state = SBP2X_DEADLINE_IDLE;
	}
	spin_unlock_irq(&scheduler->lock);
}

static void scheduler_disarm(struct sbp2x_scheduler *scheduler)
{
	lockdep_assert_not_held(&scheduler->lock);
	scheduler->clock->disarm(scheduler);
}

/*
 * Somebody may be between taking a time to arm for and arming it. The timer
 * it leaves behind only queues work that finds nothing to do, and is cancelled
 * by sbp2x_scheduler_destroy(), before which the owner sees to it that nobody
 * is inside here any more.
 */
void sbp2x_scheduler_shutdown(struct sbp2x_scheduler *scheduler)
{
	WARN_ON_ONCE(sbp2x_scheduler_is_current(scheduler));
	drop_queued(scheduler);
	scheduler_disarm(scheduler);
	flush_work(&scheduler->work);
}

void sbp2x_scheduler_destroy(struct sbp2x_scheduler *scheduler)
{
	scheduler_disarm(scheduler);
	destroy_workqueue(scheduler->wq);
}
