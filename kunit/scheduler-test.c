// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler, on a clock that stands still until a case moves it, and on
 * the kernel's clock where the case is about processors that meet.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "fake-clock.h"

/*
 * Another thread can come in wherever the scheduler has dropped its lock. The
 * cases that try all orders of two threads stop them there.
 */
static void unlocked(const char *where);
#define spin_unlock_irqrestore(lock, flags) \
	do { \
		(spin_unlock_irqrestore)(lock, flags); \
		unlocked(__func__); \
	} while (0)
#include "../drivers/firewire/sbp2x/scheduler.c"
#undef spin_unlock_irqrestore

#define PROBES		32
#define SEED		0x1394
#define WATCHDOG	(120 * HZ)	/* something waits for ever */

struct fixture;

/* A deadline, and what became of it */
struct probe {
	struct sbp2x_deadline deadline;
	struct fixture *f;
	void (*action)(struct probe *probe);
	unsigned int fired;
	ktime_t at;
	bool running;
};

struct fixture {
	struct kunit *test;
	struct sbp2x_fake_clock clock;
	struct sbp2x_scheduler s;
	struct probe probe[PROBES];
	char order[PROBES + 1];		/* who fired: "abc" */
	struct completion entered, leave;
	enum sbp2x_deadline_state found[2];
	int ret;
	bool stuck;			/* then nothing may be freed */
};

/* Whole milliseconds after the start of the clock */
static ktime_t at(unsigned int ms)
{
	return ktime_add_ms(NSEC_PER_SEC, ms);
}

static int set(struct fixture *f, unsigned int i, unsigned int ms)
{
	return sbp2x_deadline_set(&f->s, &f->probe[i].deadline, at(ms));
}

static enum sbp2x_deadline_state cancel(struct fixture *f, unsigned int i)
{
	return sbp2x_deadline_cancel(&f->s, &f->probe[i].deadline);
}

static enum sbp2x_deadline_state cancel_sync(struct fixture *f, unsigned int i)
{
	return sbp2x_deadline_cancel_sync(&f->s, &f->probe[i].deadline);
}

static void advance(struct fixture *f, unsigned int ms)
{
	sbp2x_fake_clock_advance(&f->clock, &f->s, ms);
}

static void probe_fn(struct sbp2x_deadline *deadline)
{
	struct probe *probe = container_of(deadline, struct probe, deadline);
	struct fixture *f = probe->f;
	unsigned int i = probe - f->probe;
	size_t n = strlen(f->order);

	KUNIT_EXPECT_TRUE(f->test, preemptible());
	KUNIT_EXPECT_TRUE(f->test, sbp2x_scheduler_is_current(&f->s));
	if (n < PROBES)
		f->order[n] = 'a' + i;
	probe->at = sbp2x_scheduler_now(&f->s);
	probe->fired++;
	if (probe->action)
		probe->action(probe);
}

static void expect_order(struct fixture *f, const char *order)
{
	KUNIT_EXPECT_STREQ(f->test, f->order, order);
	memset(f->order, 0, sizeof(f->order));
}

static void nap(void)
{
	usleep_range(1000, 2000);
}

/* A completion that is late is a circle of waiters, or a lost wake-up */
static bool came(struct fixture *f, struct completion *completion)
{
	if (wait_for_completion_timeout(completion, WATCHDOG))
		return true;

	KUNIT_FAIL(f->test, "somebody waits for ever");
	f->stuck = true;
	return false;
}

static int scheduler_test_init(struct kunit *test)
{
	struct fixture *f = kzalloc(sizeof(*f), GFP_KERNEL);
	unsigned int i;

	if (!f)
		return -ENOMEM;

	f->test = test;
	test->priv = f;
	init_completion(&f->entered);
	init_completion(&f->leave);
	for (i = 0; i < PROBES; i++) {
		f->probe[i].f = f;
		sbp2x_deadline_init(&f->probe[i].deadline, probe_fn);
	}
	sbp2x_fake_clock_init(&f->clock, test);

	return sbp2x_scheduler_init(&f->s, &f->clock.clock, "test");
}

static void scheduler_test_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f || f->stuck)
		return;

	if (f->s.wq) {
		sbp2x_scheduler_shutdown(&f->s);
		sbp2x_scheduler_destroy(&f->s);
	}
	kfree(f);
}

/* When and in which order */

static void fires_at_its_time(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, set(f, 0, 10), 0);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(10));
	advance(f, 9);
	expect_order(f, "");
	advance(f, 1);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(10));

	advance(f, 10000);
	expect_order(f, "");
	KUNIT_EXPECT_EQ(test, f->clock.arms, 1);
	KUNIT_EXPECT_EQ(test, f->clock.armed, KTIME_MAX);
}

/* The clock moves in milliseconds, the alarm in nanoseconds */
static void fires_at_the_nanosecond(struct kunit *test)
{
	struct fixture *f = test->priv;

	sbp2x_deadline_set(&f->s, &f->probe[0].deadline, at(10) + 1);
	advance(f, 10);
	expect_order(f, "");
	advance(f, 100);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(10) + 1);
}

static void set_ms_counts_from_now(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sbp2x_deadline *deadline = &f->probe[0].deadline;

	advance(f, 5);
	KUNIT_EXPECT_EQ(test, sbp2x_deadline_set_ms(&f->s, deadline, 10), 0);
	advance(f, 100);
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(15));

	/* The longest there is, 49 days, is not a time in the past */
	sbp2x_deadline_set_ms(&f->s, deadline, U32_MAX);
	advance(f, 0);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->clock.armed,
			at(105) + 4294967295LL * NSEC_PER_MSEC);
}

/* All 24 orders of insertion */
static void fires_in_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n, i, start, left;

	for (n = 0; n < 24; n++) {
		unsigned int todo[] = { 0, 1, 2, 3 };

		start = 100 * n;
		for (i = n, left = 4; left; i /= left, left--) {
			swap(todo[i % left], todo[left - 1]);
			set(f, todo[left - 1], start + 10 * todo[left - 1]);
		}
		advance(f, 100);
		expect_order(f, "abcd");
		KUNIT_EXPECT_EQ(test, f->probe[0].at, at(start));
		KUNIT_EXPECT_EQ(test, f->probe[3].at, at(start + 30));
	}
}

static void same_time_first_set_first(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 2, 10);
	set(f, 0, 10);
	set(f, 1, 10);
	set(f, 2, 10);		/* and so it is the last */
	advance(f, 10);
	expect_order(f, "abc");
}

static void past_fires_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;

	advance(f, 10);
	set(f, 0, 10);
	set(f, 1, 5);
	sbp2x_deadline_set(&f->s, &f->probe[2].deadline, 0);
	sbp2x_deadline_set(&f->s, &f->probe[3].deadline, -1);
	sbp2x_deadline_set(&f->s, &f->probe[4].deadline, KTIME_MIN);
	KUNIT_EXPECT_EQ(test, f->clock.armed, KTIME_MIN);
	advance(f, 0);
	expect_order(f, "edcba");
	KUNIT_EXPECT_EQ(test, f->probe[4].at, at(10));
}

static void end_of_time_never_comes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sbp2x_deadline *deadline = &f->probe[0].deadline;

	KUNIT_EXPECT_EQ(test, 0,
			sbp2x_deadline_set(&f->s, deadline, KTIME_MAX));
	KUNIT_EXPECT_EQ(test, f->clock.arms, 0);
	advance(f, 10);
	set(f, 1, 20);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(20));
	advance(f, 10);
	expect_order(f, "b");
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_QUEUED);
}

static void moved_earlier(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 100);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(100));
	set(f, 0, 50);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(50));
	KUNIT_EXPECT_EQ(test, f->clock.arms, 2);
	advance(f, 1000);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(50));
}

static void moved_later(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 50);
	set(f, 0, 100);
	advance(f, 99);
	expect_order(f, "");
	advance(f, 1);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(100));
}

/* The alarm stays, rings too early, and is armed for the next */
static void moved_behind_another(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 50);
	set(f, 1, 60);
	set(f, 0, 100);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(50));
	advance(f, 50);
	expect_order(f, "");
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(60));
	advance(f, 50);
	expect_order(f, "ba");
	KUNIT_EXPECT_EQ(test, f->probe[1].at, at(60));
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(100));
}

static void earliest_cancelled(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 50);
	set(f, 1, 60);
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_QUEUED);
	advance(f, 50);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(60));
	advance(f, 10);
	expect_order(f, "b");
	KUNIT_EXPECT_EQ(test, f->probe[1].at, at(60));
}

/* Cancelling */

static void cancel_before(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 10);
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_QUEUED);
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
	set(f, 0, 20);
	KUNIT_EXPECT_EQ(test, cancel_sync(f, 0), SBP2X_DEADLINE_QUEUED);
	KUNIT_EXPECT_EQ(test, cancel_sync(f, 0), SBP2X_DEADLINE_IDLE);
	advance(f, 100);
	expect_order(f, "");
	KUNIT_EXPECT_EQ(test, f->s.count.sets, 2);
	KUNIT_EXPECT_EQ(test, f->s.count.cancels, 2);
	KUNIT_EXPECT_EQ(test, f->s.count.fired, 0);
}

static void cancel_never_set(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
	KUNIT_EXPECT_EQ(test, cancel_sync(f, 0), SBP2X_DEADLINE_IDLE);
	KUNIT_EXPECT_EQ(test, f->s.count.cancels, 0);
}

static void cancel_after(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 10);
	advance(f, 10);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
	KUNIT_EXPECT_EQ(test, cancel_sync(f, 0), SBP2X_DEADLINE_IDLE);
	set(f, 0, 20);
	advance(f, 10);
	expect_order(f, "a");
}

static void cancels_itself(struct probe *probe)
{
	probe->f->found[0] = cancel(probe->f, 0);
	probe->f->found[1] = cancel(probe->f, 0);
}

static void cancel_in_own_callback(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->probe[0].action = cancels_itself;
	set(f, 0, 10);
	advance(f, 100);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->found[0], SBP2X_DEADLINE_FIRING);
	KUNIT_EXPECT_EQ(test, f->found[1], SBP2X_DEADLINE_CANCELLED);
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
}

static void sets_then_cancels_itself(struct probe *probe)
{
	probe->action = NULL;
	set(probe->f, 0, 20);
	probe->f->found[0] = cancel(probe->f, 0);
}

static void set_and_cancel_in_own_callback(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->probe[0].action = sets_then_cancels_itself;
	set(f, 0, 10);
	advance(f, 100);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->found[0], SBP2X_DEADLINE_FIRING);
}

/* An operation ends by its own timeout, and the next one begins */
static void cancels_then_sets_itself(struct probe *probe)
{
	probe->action = NULL;
	cancel(probe->f, 0);
	set(probe->f, 0, 30);
	set(probe->f, 0, 20);
}

static void cancel_and_set_in_own_callback(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->probe[0].action = cancels_then_sets_itself;
	set(f, 0, 10);
	advance(f, 100);
	expect_order(f, "aa");
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(20));
}

static void sets_two_others(struct probe *probe)
{
	set(probe->f, 1, 10);
	set(probe->f, 2, 0);
	set(probe->f, 3, 11);
}

static void set_due_in_same_pass(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->probe[0].action = sets_two_others;
	set(f, 0, 10);
	set(f, 4, 10);
	advance(f, 10);
	expect_order(f, "aceb");
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(11));
	advance(f, 1);
	expect_order(f, "d");
}

static void sets_itself_once(struct probe *probe)
{
	probe->action = NULL;
	set(probe->f, 0, 10);
}

static void set_itself_due_in_same_pass(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->probe[0].action = sets_itself_once;
	set(f, 0, 10);
	set(f, 1, 10);
	advance(f, 10);
	expect_order(f, "aba");
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
}

static void cancels_the_next(struct probe *probe)
{
	probe->f->found[0] = cancel(probe->f, 1);
}

static void cancel_due_in_same_pass(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->probe[0].action = cancels_the_next;
	set(f, 0, 10);
	set(f, 1, 10);
	set(f, 2, 10);
	advance(f, 100);
	expect_order(f, "ac");
	KUNIT_EXPECT_EQ(test, f->found[0], SBP2X_DEADLINE_QUEUED);
}

/* Threads beside the workqueue */

struct errand {
	struct fixture *f;
	struct task_struct *task;
	struct completion done;
	void (*fn)(struct errand *errand);
	unsigned int i;
	int result;
};

static int errand_thread(void *data)
{
	struct errand *errand = data;

	errand->fn(errand);
	complete(&errand->done);
	return 0;
}

static struct errand *errand_start(struct fixture *f, unsigned int i,
				   unsigned int cpu,
				   void (*fn)(struct errand *errand))
{
	struct errand *errand = kunit_kzalloc(f->test, sizeof(*errand),
					      GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, errand);
	errand->f = f;
	errand->i = i;
	errand->fn = fn;
	init_completion(&errand->done);
	errand->task = kthread_create(errand_thread, errand, "sbp2x-test/%u",
				      i);
	KUNIT_ASSERT_FALSE(f->test, IS_ERR(errand->task));
	get_task_struct(errand->task);
	if (cpu_online(cpu))
		kthread_bind(errand->task, cpu);
	wake_up_process(errand->task);

	return errand;
}

/* The thread is gone, not only done, lest the module is unloaded below it */
static void errand_end(struct errand *errand)
{
	if (!came(errand->f, &errand->done))
		return;

	kthread_stop(errand->task);
	put_task_struct(errand->task);
}

static void lingers(struct probe *probe)
{
	WRITE_ONCE(probe->running, true);
	complete(&probe->f->entered);
	came(probe->f, &probe->f->leave);
	WRITE_ONCE(probe->running, false);
}

/* Until then @probe's callback does not return */
static void start_lingering(struct fixture *f, unsigned int i,
			    void (*action)(struct probe *probe))
{
	f->probe[i].action = action;
	sbp2x_deadline_set(&f->s, &f->probe[i].deadline, 0);
	sbp2x_scheduler_kick(&f->s);
	came(f, &f->entered);
}

static void cancel_while_firing(struct kunit *test)
{
	struct fixture *f = test->priv;

	start_lingering(f, 0, lingers);
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_FIRING);
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_CANCELLED);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(f->probe[0].running));
	complete(&f->leave);
	advance(f, 100);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
}

static void set_while_firing(struct kunit *test)
{
	struct fixture *f = test->priv;

	start_lingering(f, 0, lingers);
	f->probe[0].action = NULL;
	KUNIT_EXPECT_EQ(test, set(f, 0, 30), 0);
	KUNIT_EXPECT_EQ(test, set(f, 0, 20), 0);
	complete(&f->leave);
	advance(f, 100);
	expect_order(f, "aa");
	KUNIT_EXPECT_EQ(test, f->probe[0].at, at(20));
}

static void do_cancel_sync(struct errand *errand)
{
	errand->result = cancel_sync(errand->f, 0);
	if (READ_ONCE(errand->f->probe[0].running))
		errand->result = -EBUSY;
}

static void wait_until_cancelled(struct fixture *f)
{
	unsigned long end = jiffies + WATCHDOG;

	while (READ_ONCE(f->probe[0].deadline.state) !=
	       SBP2X_DEADLINE_CANCELLED && time_before(jiffies, end))
		nap();
}

static void cancel_sync_waits(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct errand *errand;

	start_lingering(f, 0, lingers);
	errand = errand_start(f, 0, 0, do_cancel_sync);
	wait_until_cancelled(f);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&errand->done));
	complete(&f->leave);
	errand_end(errand);
	KUNIT_EXPECT_EQ(test, errand->result, SBP2X_DEADLINE_FIRING);
	advance(f, 100);
	expect_order(f, "a");
}

static void lingers_and_sets_itself(struct probe *probe)
{
	if (probe->fired > 1)
		return;

	lingers(probe);
	KUNIT_EXPECT_EQ(probe->f->test, set(probe->f, 0, 10), 0);
}

/* Its callback set it again after it had been cancelled */
static void cancel_sync_of_a_repeating_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct errand *errand;

	start_lingering(f, 0, lingers_and_sets_itself);
	errand = errand_start(f, 0, 0, do_cancel_sync);
	wait_until_cancelled(f);
	complete(&f->leave);
	errand_end(errand);
	KUNIT_EXPECT_EQ(test, errand->result, SBP2X_DEADLINE_FIRING);
	KUNIT_EXPECT_EQ(test, f->probe[0].deadline.state, SBP2X_DEADLINE_IDLE);
	advance(f, 100);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->s.count.cancels, 1);
}

static void sets_itself_at_once(struct probe *probe)
{
	complete(&probe->f->entered);
	set(probe->f, 0, 0);
}

/* The same where it is always due again at once, for which there is no rest */
static void cancel_sync_of_a_restless_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct errand *errand;
	unsigned int fired;

	start_lingering(f, 0, sets_itself_at_once);
	errand = errand_start(f, 0, 0, do_cancel_sync);
	errand_end(errand);
	fired = f->probe[0].fired;
	f->probe[0].action = NULL;
	KUNIT_EXPECT_EQ(test, f->probe[0].deadline.state, SBP2X_DEADLINE_IDLE);
	advance(f, 100);
	KUNIT_EXPECT_EQ(test, f->probe[0].fired, fired);
}

/* Another one's callback is not what it waits for */
static void cancel_sync_does_not_wait_for_others(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct errand *errand;

	set(f, 0, 10);
	start_lingering(f, 1, lingers);
	errand = errand_start(f, 0, 0, do_cancel_sync);
	errand_end(errand);
	KUNIT_EXPECT_EQ(test, errand->result, SBP2X_DEADLINE_QUEUED);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(f->probe[1].running));
	complete(&f->leave);
	advance(f, 100);
	expect_order(f, "b");
}

/* Shutdown */

static void set_after_shutdown(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 10);
	set(f, 1, 20);
	sbp2x_scheduler_shutdown(&f->s);
	KUNIT_EXPECT_EQ(test, f->clock.armed, KTIME_MAX);
	KUNIT_EXPECT_EQ(test, set(f, 0, 30), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN,
			sbp2x_deadline_set_ms(&f->s, &f->probe[2].deadline, 0));
	KUNIT_EXPECT_EQ(test, cancel(f, 0), SBP2X_DEADLINE_IDLE);
	KUNIT_EXPECT_EQ(test, cancel_sync(f, 1), SBP2X_DEADLINE_IDLE);
	KUNIT_EXPECT_EQ(test, f->clock.armed, KTIME_MAX);

	/* A timer that was late */
	sbp2x_scheduler_kick(&f->s);
	advance(f, 100);
	expect_order(f, "");
}

static void do_shutdown(struct errand *errand)
{
	sbp2x_scheduler_shutdown(&errand->f->s);
	errand->result = READ_ONCE(errand->f->probe[0].running);
}

static void lingers_until_down(struct probe *probe)
{
	struct fixture *f = probe->f;

	set(f, 0, 0);		/* accepted, but what it is for is over */
	lingers(probe);
	f->ret = set(f, 0, 0);
}

static void shutdown_waits(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct errand *errand;
	unsigned long end = jiffies + WATCHDOG;

	start_lingering(f, 0, lingers_until_down);
	set(f, 1, 0);		/* due, but its turn does not come */
	errand = errand_start(f, 0, 0, do_shutdown);
	while (!READ_ONCE(f->s.down) && time_before(jiffies, end))
		nap();
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&errand->done));
	complete(&f->leave);
	errand_end(errand);
	KUNIT_EXPECT_EQ(test, errand->result, 0);
	KUNIT_EXPECT_EQ(test, f->ret, -ESHUTDOWN);
	advance(f, 100);
	expect_order(f, "a");
}

/* The next arming of the injected clock, with something else going on there */
static void (*plain_arm)(struct sbp2x_scheduler *scheduler, ktime_t when);

static struct fixture *fixture_of(struct sbp2x_scheduler *scheduler)
{
	return container_of(scheduler, struct fixture, s);
}

static void arm_with(struct fixture *f,
		     void (*arm)(struct sbp2x_scheduler *scheduler,
				 ktime_t when))
{
	plain_arm = f->clock.clock.arm;
	f->clock.clock.arm = arm;
}

static void arm_in_vain(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	struct fixture *f = fixture_of(scheduler);

	f->clock.clock.arm = plain_arm;
	sbp2x_scheduler_shutdown(scheduler);
	plain_arm(scheduler, when);
}

/* All that it can leave behind is an alarm that finds nothing to do */
static void shutdown_while_arming(struct kunit *test)
{
	struct fixture *f = test->priv;

	arm_with(f, arm_in_vain);
	KUNIT_EXPECT_EQ(test, set(f, 0, 10), 0);
	KUNIT_EXPECT_EQ(test, f->clock.arms, 1);
	advance(f, 100);
	expect_order(f, "");
	KUNIT_EXPECT_EQ(test, set(f, 0, 200), -ESHUTDOWN);
}

/* Arming */

static void arm_beside_another(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	struct fixture *f = fixture_of(scheduler);

	f->clock.clock.arm = plain_arm;
	set(f, 1, 50);
	plain_arm(scheduler, when);
}

/* The other thread sets, arms and is done after our snapshot */
static void earlier_one_before_arming(struct kunit *test)
{
	struct fixture *f = test->priv;

	arm_with(f, arm_beside_another);
	set(f, 0, 100);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(50));
	KUNIT_EXPECT_EQ(test, f->clock.arms, 3);
	KUNIT_EXPECT_EQ(test, f->s.count.arms, 3);
	KUNIT_EXPECT_EQ(test, f->s.count.rearms, 1);
	advance(f, 100);
	expect_order(f, "ba");
	KUNIT_EXPECT_EQ(test, f->probe[1].at, at(50));
}

static void arm_then_another(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	struct fixture *f = fixture_of(scheduler);

	f->clock.clock.arm = plain_arm;
	plain_arm(scheduler, when);
	set(f, 1, 50);
}

/* The same between our arming and our second look */
static void earlier_one_after_arming(struct kunit *test)
{
	struct fixture *f = test->priv;

	arm_with(f, arm_then_another);
	set(f, 0, 100);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(50));
	advance(f, 100);
	expect_order(f, "ba");
	KUNIT_EXPECT_EQ(test, f->probe[1].at, at(50));
}

static void arm_while_it_rings(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	struct fixture *f = fixture_of(scheduler);

	f->clock.clock.arm = plain_arm;
	plain_arm(scheduler, when);
	f->clock.now = at(10);
	f->clock.armed = KTIME_MAX;
	sbp2x_scheduler_kick(scheduler);
	flush_work(&scheduler->work);
}

/* It is due, and has fired, before whoever set it took its second look */
static void rings_before_the_second_look(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 1, 20);
	arm_with(f, arm_while_it_rings);
	set(f, 0, 10);
	expect_order(f, "a");
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(20));
	advance(f, 10);
	expect_order(f, "b");
}

/*
 * Two threads, stopped wherever the scheduler has dropped its lock and goes on,
 * and where the alarm has been armed; and the timer's handler. We say whose
 * turn it is, and so try every order there is.
 *
 *	set: change | snapshot | arm | look again [| arm | look again ...]
 *
 * All of them share one processor, for only one at a time has anything to do.
 */
#define ACTORS		3	/* two threads and the handler */
#define HANDLER		2
#define STEPS_MAX	64

typedef void (*act_fn)(struct fixture *f);

struct play {
	struct fixture *f;
	act_fn act[ACTORS];
	struct task_struct *task[HANDLER];
	struct completion go[HANDLER], stopped[HANDLER];
	unsigned long busy;		/* who is not through */
	bool over;
	unsigned int steps;
	struct {
		unsigned long could;
		unsigned int did;
	} step[STEPS_MAX];
};

static struct play *play;

static void step(void)
{
	struct play *p = READ_ONCE(play);
	unsigned int i;

	for (i = 0; p && i < HANDLER; i++) {
		if (p->task[i] == current) {
			complete(&p->stopped[i]);
			wait_for_completion(&p->go[i]);
		}
	}
}

/* After a snapshot comes either arming, which stops by itself, or the end */
static void unlocked(const char *where)
{
	if (strcmp(where, "scheduler_arm"))
		step();
}

static void arm_and_step(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	step();
	plain_arm(scheduler, when);
	step();
}

static void play_thread(struct errand *errand)
{
	struct play *p = play;
	unsigned int i = errand->i;

	WRITE_ONCE(p->task[i], current);
	for (;;) {
		complete(&p->stopped[i]);
		wait_for_completion(&p->go[i]);
		if (p->over)
			return;

		p->act[i](p->f);
		clear_bit(i, &p->busy);
	}
}

static bool play_step(struct play *p, unsigned int i)
{
	if (i == HANDLER) {
		p->act[i](p->f);
		clear_bit(i, &p->busy);
		return true;
	}
	complete(&p->go[i]);
	return came(p->f, &p->stopped[i]);
}

static void play_once(struct play *p)
{
	unsigned int i, n;

	for (i = 0; i < ACTORS; i++)
		__assign_bit(i, &p->busy, p->act[i]);

	for (n = 0; p->busy && n < STEPS_MAX; n++) {
		if (n == p->steps) {
			p->step[n].could = p->busy;
			p->step[n].did = __ffs(p->busy);
			p->steps++;
		}
		if (!play_step(p, p->step[n].did))
			return;
	}
	KUNIT_EXPECT_EQ(p->f->test, p->busy, 0);
}

/* To the next order: another choice at the last step that had one */
static bool play_turn(struct play *p)
{
	unsigned long left;

	for (; p->steps; p->steps--) {
		left = p->step[p->steps - 1].could &
		       (~1UL << p->step[p->steps - 1].did);
		if (left) {
			p->step[p->steps - 1].did = __ffs(left);
			return true;
		}
	}
	return false;
}

static void play_begin(struct play *p, struct fixture *f,
		       struct errand *errand[HANDLER])
{
	unsigned int i, cpu = raw_smp_processor_id();

	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	p->f = f;
	play = p;
	arm_with(f, arm_and_step);
	for (i = 0; i < HANDLER; i++) {
		init_completion(&p->go[i]);
		init_completion(&p->stopped[i]);
		errand[i] = errand_start(f, i, cpu, play_thread);
		came(f, &p->stopped[i]);
	}
}

static void play_end(struct play *p, struct errand *errand[HANDLER])
{
	unsigned int i;

	p->over = true;
	for (i = 0; i < HANDLER && !p->f->stuck; i++) {
		complete(&p->go[i]);
		errand_end(errand[i]);
	}
	play = NULL;
}

/* What is played, and what is true after it whatever the order was */
struct drama {
	act_fn before, act[ACTORS], after;
	unsigned int orders;		/* at least */
};

static void reset(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < PROBES; i++)
		cancel(f, i);
	f->clock.now = at(0);
	f->clock.armed = KTIME_MAX;
	memset(f->order, 0, sizeof(f->order));
}

static void perform(struct kunit *test, const struct drama *drama)
{
	struct fixture *f = test->priv;
	struct errand *errand[HANDLER];
	struct play *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	unsigned int orders = 0;

	KUNIT_ASSERT_NOT_NULL(test, p);
	memcpy(p->act, drama->act, sizeof(p->act));
	play_begin(p, f, errand);
	do {
		reset(f);
		if (drama->before)
			drama->before(f);
		play_once(p);
		drama->after(f);
		orders++;
	} while (test->status == KUNIT_SUCCESS && play_turn(p));
	play_end(p, errand);

	KUNIT_EXPECT_GE(test, orders, drama->orders);
	kunit_info(test, "%u orders, %llu arms, %llu of them again\n", orders,
		   f->s.count.arms, f->s.count.rearms);
}

static void set_a_100(struct fixture *f)
{
	set(f, 0, 100);
}

static void set_a_50(struct fixture *f)
{
	set(f, 0, 50);
}

static void set_b_50(struct fixture *f)
{
	set(f, 1, 50);
}

static void set_c_200(struct fixture *f)
{
	set(f, 2, 200);
}

static void armed_50(struct fixture *f)
{
	KUNIT_EXPECT_EQ(f->test, f->clock.armed, at(50));
}

static void two_set_two(struct kunit *test)
{
	static const struct drama drama = {
		.act = { set_a_100, set_b_50 },
		.after = armed_50,
		.orders = 70,
	};

	perform(test, &drama);
}

/* Either may be the last; then that is when it fires */
static void armed_for_a(struct fixture *f)
{
	KUNIT_EXPECT_EQ(f->test, f->clock.armed,
			f->probe[0].deadline.node.expires);
}

static void two_set_the_same(struct kunit *test)
{
	static const struct drama drama = {
		.before = set_c_200,
		.act = { set_a_100, set_a_50 },
		.after = armed_for_a,
		.orders = 70,
	};

	perform(test, &drama);
}

static void set_b_50_instead_of_a(struct fixture *f)
{
	cancel(f, 0);
	set(f, 1, 50);
}

/* An alarm that is too early is right too; one that is too late is not */
static void armed_in_time(struct fixture *f)
{
	bool a = f->probe[0].deadline.state == SBP2X_DEADLINE_QUEUED;

	KUNIT_EXPECT_LE(f->test, f->clock.armed, at(50));
	advance(f, 200);
	KUNIT_EXPECT_STREQ(f->test, f->order, a ? "bac" : "bc");
	KUNIT_EXPECT_EQ(f->test, f->probe[1].at, at(50));
}

static void one_sets_one_cancels(struct kunit *test)
{
	static const struct drama drama = {
		.before = set_c_200,
		.act = { set_a_100, set_b_50_instead_of_a },
		.after = armed_in_time,
		.orders = 126,
	};

	perform(test, &drama);
}

static void set_a_10(struct fixture *f)
{
	set(f, 0, 10);
}

/* Time goes on, and the alarm rings if it is due */
static void ring(struct fixture *f)
{
	f->clock.now = at(10);
	if (f->clock.armed > f->clock.now)
		return;

	f->clock.armed = KTIME_MAX;
	sbp2x_scheduler_kick(&f->s);
	flush_work(&f->s.work);
}

static void a_fires_and_armed_50(struct fixture *f)
{
	ring(f);
	KUNIT_EXPECT_STREQ(f->test, f->order, "a");
	armed_50(f);
}

static void two_set_and_it_rings(struct kunit *test)
{
	static const struct drama drama = {
		.act = { set_a_10, set_b_50, ring },
		.after = a_fires_and_armed_50,
		.orders = 630,
	};

	perform(test, &drama);
}

/* Locks */

/* The injected clock notices; and that it would notice is seen here */
static void arming_under_a_lock_is_noticed(struct kunit *test)
{
	struct fixture *f = test->priv;
	spinlock_t lock;		/* anybody's */

	spin_lock_init(&lock);
	f->clock.may_be_locked = true;
	spin_lock(&lock);
	set(f, 0, 10);
	spin_unlock(&lock);
	KUNIT_EXPECT_EQ(test, f->clock.locked, 1);

	spin_lock_irq(&f->s.lock);
	f->clock.clock.arm(&f->s, at(10));
	f->clock.clock.disarm(&f->s);
	spin_unlock_irq(&f->s.lock);
	KUNIT_EXPECT_EQ(test, f->clock.locked, 3);

	local_irq_disable();
	f->clock.clock.arm(&f->s, at(10));
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, f->clock.locked, 4);

	f->clock.may_be_locked = false;
	set(f, 0, 5);
	KUNIT_EXPECT_EQ(test, f->clock.locked, 4);
}

/* The workqueue */

struct other_work {
	struct work_struct work;
	struct fixture *f;
	unsigned int fired_before;
	bool current_was;
	enum sbp2x_deadline_state found;
};

static void other_work_fn(struct work_struct *work)
{
	struct other_work *other = container_of(work, typeof(*other), work);

	other->fired_before = other->f->probe[0].fired;
	other->current_was = sbp2x_scheduler_is_current(&other->f->s);
	other->found = cancel(other->f, 0);
}

static struct other_work *other_work_alloc(struct fixture *f)
{
	struct other_work *other = kunit_kzalloc(f->test, sizeof(*other),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, other);
	other->f = f;
	INIT_WORK(&other->work, other_work_fn);
	return other;
}

/* A callback that is due again at once leaves room for what is queued */
static void others_get_their_turn(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct other_work *other = other_work_alloc(f);

	start_lingering(f, 1, lingers);
	f->probe[0].action = sets_itself_at_once;
	set(f, 0, 0);
	queue_work(f->s.wq, &other->work);
	complete(&f->leave);
	flush_work(&other->work);
	KUNIT_EXPECT_EQ(test, other->fired_before, 63);
	KUNIT_EXPECT_EQ(test, other->found, SBP2X_DEADLINE_QUEUED);
	advance(f, 100);
	KUNIT_EXPECT_EQ(test, f->probe[0].fired, 63);
}

/* And nothing is forgotten at the end of a pass */
static void many_are_due_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *probe = kunit_kcalloc(test, 200, sizeof(*probe),
					    GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, probe);
	for (i = 0; i < 200; i++) {
		probe[i].f = f;
		sbp2x_deadline_init(&probe[i].deadline, probe_fn);
		sbp2x_deadline_set(&f->s, &probe[i].deadline, at(10));
	}
	set(f, 0, 11);
	advance(f, 10);
	for (i = 0; i < 200; i++)
		KUNIT_ASSERT_EQ(test, probe[i].fired, 1);
	KUNIT_EXPECT_EQ(test, f->clock.armed, at(11));
	KUNIT_EXPECT_EQ(test, f->s.count.fired, 200);
}

/* Due at 10, 20 and 30 ms, and nobody had time before 30 */
static void late_is_counted(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(f, 0, 10);
	set(f, 1, 20);
	set(f, 2, 30);
	WRITE_ONCE(f->clock.now, at(30));
	sbp2x_scheduler_kick(&f->s);
	sbp2x_fake_settle(&f->s);
	expect_order(f, "abc");
	KUNIT_EXPECT_EQ(test, f->s.count.fired, 3);
	KUNIT_EXPECT_EQ(test, f->s.count.late, 1);
	KUNIT_EXPECT_EQ(test, f->s.count.latest_us, 20000);
}

static void knows_its_workqueue(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct other_work *other = other_work_alloc(f);

	KUNIT_EXPECT_FALSE(test, sbp2x_scheduler_is_current(&f->s));
	set(f, 0, 0);
	advance(f, 0);		/* the callback looks, too */
	expect_order(f, "a");

	queue_work(f->s.wq, &other->work);
	sbp2x_fake_settle(&f->s);
	if (IS_ENABLED(CONFIG_LOCKDEP) && debug_locks)
		KUNIT_EXPECT_TRUE(test, other->current_was);

	schedule_work(&other->work);
	flush_work(&other->work);
	KUNIT_EXPECT_FALSE(test, other->current_was);
}

/* Random operations against a model */

#define OPERATIONS	100000
#define MODEL_SIZE	16

/* As simple as can be: a table of when each is due */
struct model {
	struct fixture *f;
	struct rnd_state random;
	struct {
		bool due, again;
		ktime_t at, again_at;
		ktime_t since;		/* not due before it was set */
		u64 turn;		/* at the same time: who came first */
	} entry[MODEL_SIZE];
	u64 turns;
	int firing;			/* -1: none */
	bool cancelled;
	u64 sets, cancels, fired;
	unsigned int wrong_line;	/* the first that did not hold */
};

static struct model *model;

#define HOLDS(model, condition) \
	note_wrong(&(model)->wrong_line, condition, __LINE__)

static void note_wrong(unsigned int *wrong_line, bool holds, unsigned int line)
{
	if (!holds && !*wrong_line)
		*wrong_line = line;
}

static u32 below(struct model *m, u32 limit)
{
	return prandom_u32_state(&m->random) % limit;
}

static void model_queue(struct model *m, unsigned int i, ktime_t when)
{
	m->entry[i].due = true;
	m->entry[i].at = when;
	m->entry[i].since = m->f->clock.now;
	m->entry[i].turn = m->turns++;
}

static void model_set(struct model *m, unsigned int i, ktime_t when)
{
	m->sets++;
	if (m->firing == i) {
		m->cancelled = false;
		m->entry[i].again = true;
		m->entry[i].again_at = when;
	} else {
		model_queue(m, i, when);
	}
}

static enum sbp2x_deadline_state model_cancel(struct model *m, unsigned int i)
{
	enum sbp2x_deadline_state found = SBP2X_DEADLINE_IDLE;

	if (m->firing == i) {
		found = m->cancelled ? SBP2X_DEADLINE_CANCELLED :
				       SBP2X_DEADLINE_FIRING;
		m->cancelled = true;
		m->entry[i].again = false;
	} else if (m->entry[i].due) {
		found = SBP2X_DEADLINE_QUEUED;
		m->entry[i].due = false;
	}
	m->cancels += found != SBP2X_DEADLINE_IDLE;
	return found;
}

/* -1: none is due, ever */
static int model_first(struct model *m)
{
	int i, first = -1;

	for (i = 0; i < MODEL_SIZE; i++) {
		if (!m->entry[i].due)
			continue;
		if (first < 0 || m->entry[i].at < m->entry[first].at ||
		    (m->entry[i].at == m->entry[first].at &&
		     m->entry[i].turn < m->entry[first].turn))
			first = i;
	}
	return first;
}

/* Mostly soon, on a grid that makes meetings likely, some past, some never */
static ktime_t random_time(struct model *m)
{
	switch (below(m, 16)) {
	case 0:
		return m->f->clock.now;
	case 1:
		return m->f->clock.now - below(m, NSEC_PER_SEC);
	case 2:
		return below(m, 8) ? m->f->clock.now + below(m, U32_MAX) :
				     KTIME_MAX;
	default:
		return m->f->clock.now + below(m, 40) * NSEC_PER_MSEC;
	}
}

static void random_set(struct model *m, unsigned int i)
{
	ktime_t when = random_time(m);

	model_set(m, i, when);
	HOLDS(m, !sbp2x_deadline_set(&m->f->s, &m->f->probe[i].deadline, when));
}

static void random_set_or_cancel(struct model *m)
{
	unsigned int i = below(m, MODEL_SIZE);

	switch (below(m, 4)) {
	case 0:
		HOLDS(m, cancel(m->f, i) == model_cancel(m, i));
		break;
	case 1:
		if (m->firing < 0) {
			HOLDS(m, cancel_sync(m->f, i) == model_cancel(m, i));
			break;
		}
		fallthrough;
	default:
		random_set(m, i);
	}
}

static void model_fires(struct probe *probe)
{
	struct model *m = model;
	int i = probe - probe->f->probe;
	ktime_t now = probe->f->clock.now;

	HOLDS(m, i == model_first(m));
	HOLDS(m, now == max(m->entry[i].at, m->entry[i].since));
	m->fired++;
	m->entry[i].due = false;
	m->entry[i].again = false;
	m->cancelled = false;
	m->firing = i;
	if (below(m, 2))
		random_set_or_cancel(m);
	if (below(m, 4) == 0)
		random_set(m, i);
	if (below(m, 8) == 0)
		HOLDS(m, cancel(m->f, i) == model_cancel(m, i));
	m->firing = -1;
	if (m->entry[i].again)
		model_queue(m, i, m->entry[i].again_at);
}

/* Whatever was done: the alarm is not later than what is due first */
static void model_compare(struct model *m)
{
	int i, first = model_first(m);

	for (i = 0; i < MODEL_SIZE; i++)
		HOLDS(m, m->f->probe[i].deadline.state ==
			 (m->entry[i].due ? SBP2X_DEADLINE_QUEUED :
					    SBP2X_DEADLINE_IDLE));
	if (first >= 0)
		HOLDS(m, m->f->clock.armed <= m->entry[first].at);
	HOLDS(m, m->f->s.count.sets == m->sets);
	HOLDS(m, m->f->s.count.cancels == m->cancels);
	HOLDS(m, m->f->s.count.fired == m->fired);
}

static void random_advance(struct model *m)
{
	int first;

	memset(m->f->order, 0, sizeof(m->f->order));
	advance(m->f, below(m, 4));
	first = model_first(m);
	HOLDS(m, first < 0 || m->entry[first].at > m->f->clock.now);
}

static void random_operations(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int n;

	KUNIT_ASSERT_NOT_NULL(test, m);
	model = m;
	m->f = f;
	m->firing = -1;
	prandom_seed_state(&m->random, SEED);
	for (n = 0; n < MODEL_SIZE; n++)
		f->probe[n].action = model_fires;

	for (n = 0; n < OPERATIONS && !m->wrong_line; n++) {
		if (below(m, 24))
			random_set_or_cancel(m);
		else
			random_advance(m);
		model_compare(m);
	}
	KUNIT_EXPECT_EQ_MSG(test, m->wrong_line, 0, "operation %u", n);
	kunit_info(test, "%u operations, %llu fired, %llu arms\n", n, m->fired,
		   f->s.count.arms);
}

/* The kernel's clock, and threads that meet */

static atomic_t locked;		/* how often the timer was touched so */

static void note_lock(void)
{
	if (!preemptible())
		atomic_inc(&locked);
}

static void real_arm(struct sbp2x_scheduler *scheduler, ktime_t when)
{
	note_lock();
	kernel_clock.arm(scheduler, when);
}

static void real_disarm(struct sbp2x_scheduler *scheduler)
{
	note_lock();
	kernel_clock.disarm(scheduler);
}

static const struct sbp2x_clock real_clock = {
	.now = kernel_now,
	.arm = real_arm,
	.disarm = real_disarm,
};

static void use_real_clock(struct fixture *f)
{
	sbp2x_scheduler_shutdown(&f->s);
	sbp2x_scheduler_destroy(&f->s);
	atomic_set(&locked, 0);
	KUNIT_ASSERT_EQ(f->test, 0,
			sbp2x_scheduler_init(&f->s, &real_clock, "test"));
}

static int set_soon(struct fixture *f, unsigned int i, u32 ns)
{
	return sbp2x_deadline_set(&f->s, &f->probe[i].deadline,
				  ktime_get() + ns);
}

static void tells(struct probe *probe)
{
	complete(&probe->f->entered);
}

static void real_fires(struct kunit *test)
{
	struct fixture *f = test->priv;
	ktime_t due;

	use_real_clock(f);
	f->probe[1].action = tells;
	due = ktime_get() + 30 * NSEC_PER_MSEC;
	sbp2x_deadline_set(&f->s, &f->probe[1].deadline, due);
	sbp2x_deadline_set(&f->s, &f->probe[0].deadline,
			   due - 10 * NSEC_PER_MSEC);
	sbp2x_deadline_set(&f->s, &f->probe[2].deadline, 0);
	came(f, &f->entered);
	cancel_sync(f, 1);
	expect_order(f, "cab");
	KUNIT_EXPECT_GE(test, f->probe[0].at, due - 10 * NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, f->probe[1].at, due);
	KUNIT_EXPECT_EQ(test, atomic_read(&locked), 0);
}

#define ROUNDS		500

/*
 * Two threads, one on each of two processors, who begin each round together.
 * A bystander's state is guarded by a lock that the threads and the callback
 * take, and that nobody holds while arming.
 */
struct duel {
	struct fixture *f;
	atomic_t arrived;
	bool over;
	struct completion fired;
	spinlock_t state;		/* guards changes */
	unsigned int changes;
	unsigned int sets[2];
	int ret;
};

static struct duel *duel;

static void duel_meet(struct duel *d, unsigned int round)
{
	atomic_inc(&d->arrived);
	while (atomic_read(&d->arrived) < 2 * round && !READ_ONCE(d->over))
		cond_resched();
}

static void duel_change(struct duel *d)
{
	unsigned long flags;

	spin_lock_irqsave(&d->state, flags);
	d->changes++;
	spin_unlock_irqrestore(&d->state, flags);
}

static void duel_fires(struct probe *probe)
{
	duel_change(duel);
	complete(&duel->fired);
}

static void duel_begin(struct duel *d, struct fixture *f,
		       void (*first)(struct errand *errand),
		       void (*second)(struct errand *errand))
{
	struct errand *errand[2];

	use_real_clock(f);
	d->f = f;
	init_completion(&d->fired);
	spin_lock_init(&d->state);
	f->probe[0].action = duel_fires;
	duel = d;
	errand[0] = errand_start(f, 0, 0, first);
	errand[1] = errand_start(f, 1, 1, second);
	errand_end(errand[0]);
	errand_end(errand[1]);
}

static struct duel *duel_alloc(struct kunit *test)
{
	struct duel *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	return d;
}

/* One sets what is due soon, one what is due in an hour: which is armed? */
static void soon_thread(struct errand *errand)
{
	struct duel *d = duel;
	unsigned int round;

	for (round = 1; round <= ROUNDS && !d->over; round++) {
		duel_meet(d, 2 * round - 1);
		set_soon(d->f, 0, (round % 64) * NSEC_PER_USEC);
		if (!came(d->f, &d->fired))
			WRITE_ONCE(d->over, true);
		duel_meet(d, 2 * round);
	}
}

static void hour_thread(struct errand *errand)
{
	struct duel *d = duel;
	unsigned int round;

	for (round = 1; round <= ROUNDS && !READ_ONCE(d->over); round++) {
		duel_meet(d, 2 * round - 1);
		sbp2x_deadline_set_ms(&d->f->s, &d->f->probe[1].deadline,
				      3600 * MSEC_PER_SEC);
		duel_meet(d, 2 * round);
		cancel(d->f, 1);
	}
}

static void soon_beside_later(struct kunit *test)
{
	struct fixture *f = test->priv;

	duel_begin(duel_alloc(test), f, soon_thread, hour_thread);
	KUNIT_EXPECT_EQ(test, f->probe[0].fired, ROUNDS);
	KUNIT_EXPECT_EQ(test, f->probe[1].fired, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&locked), 0);
	kunit_info(test, "%u rounds, %llu arms, %llu of them again\n", ROUNDS,
		   f->s.count.arms, f->s.count.rearms);
}

/*
 * What once stopped a machine: teardown sets the deadline of its logout, the
 * completion of the logout's write sets it too, and the timer fires between.
 */
static void teardown_thread(struct errand *errand)
{
	struct duel *d = duel;
	unsigned int round;

	for (round = 1; round <= ROUNDS && !d->over; round++) {
		duel_meet(d, 2 * round - 1);
		duel_change(d);
		d->sets[0] += !set_soon(d->f, 0, (round % 64) * NSEC_PER_USEC);
		if (!came(d->f, &d->fired))
			WRITE_ONCE(d->over, true);
		duel_meet(d, 2 * round);
		cancel_sync(d->f, 0);
		reinit_completion(&d->fired);
	}
	sbp2x_scheduler_shutdown(&d->f->s);
}

static void completion_thread(struct errand *errand)
{
	struct duel *d = duel;
	unsigned int round;

	for (round = 1; round <= ROUNDS && !READ_ONCE(d->over); round++) {
		duel_meet(d, 2 * round - 1);
		duel_change(d);
		d->sets[1] += !set_soon(d->f, 0, (round % 48) * NSEC_PER_USEC);
		duel_meet(d, 2 * round);
	}
	/* It does not notice the end of teardown but by the error */
	while (!d->ret && !READ_ONCE(d->f->stuck)) {
		d->ret = set_soon(d->f, 0, 0);
		d->sets[1] += !d->ret;
		cond_resched();
	}
}

static void teardown_beside_completion(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct duel *d = duel_alloc(test);
	unsigned int fired;

	duel_begin(d, f, teardown_thread, completion_thread);
	fired = f->probe[0].fired;
	KUNIT_EXPECT_EQ(test, d->ret, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, d->sets[0], ROUNDS);
	KUNIT_EXPECT_GE(test, d->sets[1], ROUNDS);
	KUNIT_EXPECT_GE(test, fired, ROUNDS);
	KUNIT_EXPECT_LE(test, fired, d->sets[0] + d->sets[1]);
	KUNIT_EXPECT_EQ(test, d->changes, 2 * ROUNDS + fired);
	KUNIT_EXPECT_EQ(test, atomic_read(&locked), 0);

	msleep(50);
	KUNIT_EXPECT_EQ(test, f->probe[0].fired, fired);
	kunit_info(test, "%u rounds, %u fired, %llu arms, %llu of them again\n",
		   ROUNDS, fired, f->s.count.arms, f->s.count.rearms);
}

/* Stress */

#define THREADS		4
#define STRESS_OPS	25000
#define SHARED		8	/* deadlines that every thread uses */
#define OWN		4	/* and those that one uses alone */

struct stress {
	struct fixture *f;
	struct rnd_state random;
	unsigned int first;		/* of its own deadlines */
	u64 sets, cancels;
	unsigned int wrong_line;
};

static struct stress *stress;	/* THREADS of them, and the callbacks' */
static atomic_t callbacks;		/* that run at this moment */

static u32 stress_below(struct stress *st, u32 limit)
{
	return prandom_u32_state(&st->random) % limit;
}

static void stress_set(struct stress *st, unsigned int i)
{
	HOLDS(st, !set_soon(st->f, i, stress_below(st, 200 * NSEC_PER_USEC)));
	st->sets++;
}

static void stress_cancel(struct stress *st, unsigned int i)
{
	st->cancels += cancel(st->f, i) != SBP2X_DEADLINE_IDLE;
}

static enum sbp2x_deadline_state stress_cancel_sync(struct stress *st,
						    unsigned int i)
{
	enum sbp2x_deadline_state found = cancel_sync(st->f, i);

	st->cancels += found != SBP2X_DEADLINE_IDLE;
	return found;
}

static void stress_fires(struct probe *probe)
{
	struct stress *st = &stress[THREADS];
	unsigned int i = probe - probe->f->probe;

	HOLDS(st, atomic_inc_return(&callbacks) == 1);
	WRITE_ONCE(probe->running, true);
	if (i < SHARED) {
		if (stress_below(st, 8) == 0)
			stress_set(st, i);
		if (stress_below(st, 8) == 0)
			stress_set(st, stress_below(st, SHARED));
		if (stress_below(st, 8) == 0)
			stress_cancel(st, stress_below(st, SHARED));
	}
	WRITE_ONCE(probe->running, false);
	atomic_dec(&callbacks);
}

/*
 * Nobody else uses this one, so what becomes of it is known: set once, it
 * either fires or is cancelled; the second time may replace the first.
 */
static void stress_own(struct stress *st)
{
	unsigned int i = st->first + stress_below(st, OWN);
	struct probe *probe = &st->f->probe[i];
	unsigned int before = probe->fired, after, cancelled;
	enum sbp2x_deadline_state found;
	bool twice = stress_below(st, 4) == 0;

	stress_set(st, i);
	if (stress_below(st, 4) == 0)
		usleep_range(50, 300);
	if (twice)
		stress_set(st, i);

	found = stress_cancel_sync(st, i);
	after = READ_ONCE(probe->fired) - before;
	cancelled = found == SBP2X_DEADLINE_QUEUED;
	HOLDS(st, !READ_ONCE(probe->running));
	HOLDS(st, found != SBP2X_DEADLINE_CANCELLED);
	HOLDS(st, found != SBP2X_DEADLINE_FIRING || after);
	HOLDS(st, after + cancelled >= 1);
	HOLDS(st, after + cancelled <= 1 + twice);
}

static void stress_thread(struct errand *errand)
{
	struct stress *st = &stress[errand->i];
	unsigned int n, i;

	for (n = 0; n < STRESS_OPS && !st->wrong_line; n++) {
		i = stress_below(st, SHARED);
		switch (stress_below(st, 8)) {
		case 0:
			stress_own(st);
			break;
		case 1:
			stress_cancel(st, i);
			break;
		case 2:
			stress_cancel_sync(st, i);
			break;
		default:
			stress_set(st, i);
		}
		cond_resched();
	}
}

static bool all_idle(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < PROBES; i++)
		if (READ_ONCE(f->probe[i].deadline.state))
			return false;

	return true;
}

/* No alarm was lost: what is still queued fires without our doing */
static void stress_drains(struct fixture *f)
{
	unsigned long end = jiffies + WATCHDOG;

	while (!all_idle(f) && time_before(jiffies, end))
		nap();
	KUNIT_EXPECT_TRUE(f->test, all_idle(f));
	flush_workqueue(f->s.wq);
}

static void stress_run(struct fixture *f)
{
	struct errand *errand[THREADS];
	unsigned int i;

	for (i = 0; i < PROBES; i++)
		f->probe[i].action = stress_fires;
	for (i = 0; i <= THREADS; i++) {
		stress[i].f = f;
		stress[i].first = SHARED + OWN * i;
		prandom_seed_state(&stress[i].random, SEED + i);
	}
	for (i = 0; i < THREADS; i++)
		errand[i] = errand_start(f, i, i, stress_thread);
	for (i = 0; i < THREADS; i++)
		errand_end(errand[i]);
}

static void stress_adds_up(struct fixture *f)
{
	u64 sets = 0, cancels = 0, fired = 0;
	unsigned int i;

	for (i = 0; i <= THREADS; i++) {
		KUNIT_EXPECT_EQ(f->test, stress[i].wrong_line, 0);
		sets += stress[i].sets;
		cancels += stress[i].cancels;
	}
	for (i = 0; i < PROBES; i++)
		fired += f->probe[i].fired;
	KUNIT_EXPECT_EQ(f->test, f->s.count.sets, sets);
	KUNIT_EXPECT_EQ(f->test, f->s.count.cancels, cancels);
	KUNIT_EXPECT_EQ(f->test, f->s.count.fired, fired);
	KUNIT_EXPECT_EQ(f->test, atomic_read(&locked), 0);
	kunit_info(f->test,
		   "%llu sets, %llu cancels, %llu fired, %llu+%llu arms\n",
		   sets, cancels, fired,
		   f->s.count.arms - f->s.count.rearms, f->s.count.rearms);
}

static void four_threads(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;
	u64 fired;

	stress = kunit_kcalloc(test, THREADS + 1, sizeof(*stress), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stress);
	use_real_clock(f);
	stress_run(f);
	stress_drains(f);
	stress_adds_up(f);

	/* Down with many queued: none of them fires */
	for (i = 0; i < PROBES; i++)
		set_soon(f, i, i * NSEC_PER_USEC);
	sbp2x_scheduler_shutdown(&f->s);
	fired = f->s.count.fired;
	KUNIT_EXPECT_TRUE(test, all_idle(f));
	KUNIT_EXPECT_EQ(test, set_soon(f, 0, 0), -ESHUTDOWN);
	msleep(20);
	KUNIT_EXPECT_EQ(test, f->s.count.fired, fired);
}

static struct kunit_case scheduler_cases[] = {
	KUNIT_CASE(fires_at_its_time),
	KUNIT_CASE(fires_at_the_nanosecond),
	KUNIT_CASE(set_ms_counts_from_now),
	KUNIT_CASE(fires_in_order),
	KUNIT_CASE(same_time_first_set_first),
	KUNIT_CASE(past_fires_at_once),
	KUNIT_CASE(end_of_time_never_comes),
	KUNIT_CASE(moved_earlier),
	KUNIT_CASE(moved_later),
	KUNIT_CASE(moved_behind_another),
	KUNIT_CASE(earliest_cancelled),
	KUNIT_CASE(cancel_before),
	KUNIT_CASE(cancel_never_set),
	KUNIT_CASE(cancel_after),
	KUNIT_CASE(cancel_in_own_callback),
	KUNIT_CASE(set_and_cancel_in_own_callback),
	KUNIT_CASE(cancel_and_set_in_own_callback),
	KUNIT_CASE(set_due_in_same_pass),
	KUNIT_CASE(set_itself_due_in_same_pass),
	KUNIT_CASE(cancel_due_in_same_pass),
	KUNIT_CASE(cancel_while_firing),
	KUNIT_CASE(set_while_firing),
	KUNIT_CASE(cancel_sync_waits),
	KUNIT_CASE(cancel_sync_of_a_repeating_one),
	KUNIT_CASE(cancel_sync_of_a_restless_one),
	KUNIT_CASE(cancel_sync_does_not_wait_for_others),
	KUNIT_CASE(set_after_shutdown),
	KUNIT_CASE(shutdown_waits),
	KUNIT_CASE(shutdown_while_arming),
	KUNIT_CASE(earlier_one_before_arming),
	KUNIT_CASE(earlier_one_after_arming),
	KUNIT_CASE(rings_before_the_second_look),
	KUNIT_CASE(two_set_two),
	KUNIT_CASE(two_set_the_same),
	KUNIT_CASE(one_sets_one_cancels),
	KUNIT_CASE_SLOW(two_set_and_it_rings),
	KUNIT_CASE(arming_under_a_lock_is_noticed),
	KUNIT_CASE(others_get_their_turn),
	KUNIT_CASE(many_are_due_at_once),
	KUNIT_CASE(late_is_counted),
	KUNIT_CASE(knows_its_workqueue),
	KUNIT_CASE_SLOW(random_operations),
	KUNIT_CASE(real_fires),
	KUNIT_CASE_SLOW(soon_beside_later),
	KUNIT_CASE_SLOW(teardown_beside_completion),
	KUNIT_CASE_SLOW(four_threads),
	{}
};

static struct kunit_suite scheduler_suite = {
	.name = "sbp2x-scheduler",
	.init = scheduler_test_init,
	.exit = scheduler_test_exit,
	.test_cases = scheduler_cases,
};

kunit_test_suite(scheduler_suite);
