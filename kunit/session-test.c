// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of one login: first the policy, as a table of its own; then the
 * room as a whole, with a target that the test plays.
 */
#include "../drivers/firewire/sbp2x/session.c"

#include <kunit/test.h>
#include <linux/string.h>

#include "fake-bus.h"
#include "fake-clock.h"

/* The policy */

/*
 * Next state and actions for each state and event; "-" is nothing. The names
 * of the actions are those of render() below.
 */
#define LOG_IN		"logging in: forget login"
#define LOSE		"logging in: forget tell-lost login"
#define RECONNECT	"reconnecting: forget hold-tasks hold reconnect"
#define END		"gone: forget"
#define END_NOW		"gone: forget fail-tasks tell-down"

static const char * const
expected_steps[SBP2X_SESSION_STATES][SBP2X_EVENTS] = {
	[SBP2X_SESSION_IDLE] = {
		[SBP2X_EVENT_GONE]	  = END_NOW,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = LOG_IN,
		[SBP2X_EVENT_STOP]	  =
			"logging out: forget fail-tasks tell-down logout",
		[SBP2X_EVENT_LEAVE]	  =
			"logged out: forget fail-tasks tell-down logout",
		[SBP2X_EVENT_START]	  = LOG_IN,
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "-",
		[SBP2X_EVENT_REFUSED]	  = "-",
		[SBP2X_EVENT_UNANSWERED]  = "-",
		[SBP2X_EVENT_INTERRUPTED] = "-",
		[SBP2X_EVENT_RETRY]	  = LOG_IN,
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
	[SBP2X_SESSION_LOGGING_IN] = {
		[SBP2X_EVENT_GONE]	  = END_NOW,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = LOG_IN,
		[SBP2X_EVENT_STOP]	  =
			"withdrawing: fail-tasks tell-down",
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  =
			"logged in: forget flow-tasks tell-up",
		[SBP2X_EVENT_REFUSED]	  = "idle: forget pause",
		[SBP2X_EVENT_UNANSWERED]  = "idle: forget pause",
		[SBP2X_EVENT_INTERRUPTED] = "idle: forget await-reset",
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  =
			"failed: forget fail-tasks tell-down",
	},
	[SBP2X_SESSION_LOGGED_IN] = {
		[SBP2X_EVENT_GONE]	  = END_NOW,
		[SBP2X_EVENT_STALE]	  =
			"suspended: forget hold-tasks hold await-reset",
		[SBP2X_EVENT_RESET]	  = RECONNECT,
		[SBP2X_EVENT_STOP]	  =
			"logging out: forget fail-tasks tell-down logout",
		[SBP2X_EVENT_LEAVE]	  =
			"logged out: forget fail-tasks tell-down logout",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "idle: forget pause tell-lost",
		[SBP2X_EVENT_ACCEPTED]	  = "-",
		[SBP2X_EVENT_REFUSED]	  = "-",
		[SBP2X_EVENT_UNANSWERED]  = "-",
		[SBP2X_EVENT_INTERRUPTED] = "-",
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  =
			"failed: forget fail-tasks tell-down",
	},
	[SBP2X_SESSION_SUSPENDED] = {
		[SBP2X_EVENT_GONE]	  = END_NOW,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = RECONNECT,
		[SBP2X_EVENT_STOP]	  = END_NOW,
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "-",
		[SBP2X_EVENT_REFUSED]	  = "-",
		[SBP2X_EVENT_UNANSWERED]  = "-",
		[SBP2X_EVENT_INTERRUPTED] = "-",
		[SBP2X_EVENT_RETRY]	  = "reconnecting: forget reconnect",
		[SBP2X_EVENT_HOLD_OVER]	  = LOSE,
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
	[SBP2X_SESSION_RECONNECTING] = {
		[SBP2X_EVENT_GONE]	  = END_NOW,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = RECONNECT,
		[SBP2X_EVENT_STOP]	  =
			"withdrawing: fail-tasks tell-down",
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "logged in: forget flow-tasks",
		[SBP2X_EVENT_REFUSED]	  = LOSE,
		[SBP2X_EVENT_UNANSWERED]  = "suspended: forget pause",
		[SBP2X_EVENT_INTERRUPTED] = "suspended: forget await-reset",
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = LOSE,
		[SBP2X_EVENT_EXHAUSTED]	  = LOSE,
	},
	[SBP2X_SESSION_WITHDRAWING] = {
		[SBP2X_EVENT_GONE]	  = END,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = END,
		[SBP2X_EVENT_STOP]	  = "-",
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "logging out: forget logout",
		[SBP2X_EVENT_REFUSED]	  = END,
		[SBP2X_EVENT_UNANSWERED]  = "logging out: forget logout",
		[SBP2X_EVENT_INTERRUPTED] = END,
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
	[SBP2X_SESSION_LOGGING_OUT] = {
		[SBP2X_EVENT_GONE]	  = END,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = END,
		[SBP2X_EVENT_STOP]	  = "-",
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = END,
		[SBP2X_EVENT_REFUSED]	  = END,
		[SBP2X_EVENT_UNANSWERED]  = END,
		[SBP2X_EVENT_INTERRUPTED] = END,
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
	[SBP2X_SESSION_FAILED] = {
		[SBP2X_EVENT_GONE]	  = END,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = LOG_IN,
		[SBP2X_EVENT_STOP]	  = "logging out: forget logout",
		[SBP2X_EVENT_LEAVE]	  =
			"logged out: forget logout",
		[SBP2X_EVENT_START]	  = LOG_IN,
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "-",
		[SBP2X_EVENT_REFUSED]	  = "-",
		[SBP2X_EVENT_UNANSWERED]  = "-",
		[SBP2X_EVENT_INTERRUPTED] = "-",
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
	[SBP2X_SESSION_LOGGED_OUT] = {
		[SBP2X_EVENT_GONE]	  = END,
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = "-",
		[SBP2X_EVENT_STOP]	  = "logging out: forget logout",
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = LOG_IN,
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "-",
		[SBP2X_EVENT_REFUSED]	  = "-",
		[SBP2X_EVENT_UNANSWERED]  = "-",
		[SBP2X_EVENT_INTERRUPTED] = "-",
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
	[SBP2X_SESSION_GONE] = {
		[SBP2X_EVENT_GONE]	  = "-",
		[SBP2X_EVENT_STALE]	  = "-",
		[SBP2X_EVENT_RESET]	  = "-",
		[SBP2X_EVENT_STOP]	  = "-",
		[SBP2X_EVENT_LEAVE]	  = "-",
		[SBP2X_EVENT_START]	  = "-",
		[SBP2X_EVENT_AGENT_LOST]  = "-",
		[SBP2X_EVENT_ACCEPTED]	  = "-",
		[SBP2X_EVENT_REFUSED]	  = "-",
		[SBP2X_EVENT_UNANSWERED]  = "-",
		[SBP2X_EVENT_INTERRUPTED] = "-",
		[SBP2X_EVENT_RETRY]	  = "-",
		[SBP2X_EVENT_HOLD_OVER]	  = "-",
		[SBP2X_EVENT_EXHAUSTED]	  = "-",
	},
};

static const struct {
	u32 flag;
	const char *name;
} action_names[] = {
	{ SBP2X_DO_FORGET, "forget" },
	{ SBP2X_DO_HOLD_TASKS, "hold-tasks" },
	{ SBP2X_DO_FAIL_TASKS, "fail-tasks" },
	{ SBP2X_DO_FLOW_TASKS, "flow-tasks" },
	{ SBP2X_DO_HOLD, "hold" },
	{ SBP2X_DO_PAUSE, "pause" },
	{ SBP2X_DO_AWAIT_RESET, "await-reset" },
	{ SBP2X_DO_TELL_UP, "tell-up" },
	{ SBP2X_DO_TELL_LOST, "tell-lost" },
	{ SBP2X_DO_TELL_DOWN, "tell-down" },
	{ SBP2X_DO_LOGIN, "login" },
	{ SBP2X_DO_RECONNECT, "reconnect" },
	{ SBP2X_DO_LOGOUT, "logout" },
};

#define RENDERED	128

static void render(char *text, enum sbp2x_session_state state, u32 actions)
{
	unsigned int i;

	strscpy(text, sbp2x_session_state_name(state), RENDERED);
	strlcat(text, ":", RENDERED);
	for (i = 0; i < ARRAY_SIZE(action_names); i++) {
		if (!(actions & action_names[i].flag))
			continue;
		strlcat(text, " ", RENDERED);
		strlcat(text, action_names[i].name, RENDERED);
		actions &= ~action_names[i].flag;
	}
	if (actions)
		strlcat(text, " and more", RENDERED);
}

static void check_step(struct kunit *test, enum sbp2x_session_state state,
		       enum sbp2x_session_event event)
{
	struct sbp2x_session_view view = { .state = state, .retries = 5 };
	const char *expected = expected_steps[state][event];
	u32 actions = sbp2x_session_step(&view, event);
	char text[RENDERED] = "-";

	KUNIT_ASSERT_NOT_NULL(test, expected);
	if (actions || view.state != state || view.retries != 5)
		render(text, view.state, actions);
	KUNIT_EXPECT_STREQ_MSG(test, text, expected, "%s, event %d",
			       sbp2x_session_state_name(state), event);
}

static void test_every_step(struct kunit *test)
{
	unsigned int state, event;

	for (state = 0; state < SBP2X_SESSION_STATES; state++)
		for (event = 0; event < SBP2X_EVENTS; event++)
			check_step(test, state, event);
}

/* What becomes of the count of failures */
static const struct count_case {
	enum sbp2x_session_state state;
	enum sbp2x_session_event event;
	unsigned int before, after;
	const char *step;
} count_cases[] = {
	/* The twelfth failure in a row still pauses, the thirteenth does not */
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_REFUSED, 0, 1,
	  "idle: forget pause" },
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_REFUSED, 11, 12,
	  "idle: forget pause" },
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_REFUSED, 12, 12,
	  "failed: forget fail-tasks tell-down" },
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_UNANSWERED, 11, 12,
	  "idle: forget pause" },
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_UNANSWERED, 12, 12,
	  "failed: forget fail-tasks tell-down" },
	{ SBP2X_SESSION_LOGGED_IN, SBP2X_EVENT_AGENT_LOST, 11, 12,
	  "idle: forget pause tell-lost" },
	{ SBP2X_SESSION_LOGGED_IN, SBP2X_EVENT_AGENT_LOST, 12, 12,
	  "failed: forget fail-tasks tell-down" },
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_UNANSWERED, 11, 12,
	  "suspended: forget pause" },
	/* A LOGIN starts counting anew where a RECONNECT was tried in vain */
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_UNANSWERED, 12, 0, LOSE },
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_REFUSED, 12, 0, LOSE },
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_HOLD_OVER, 7, 0, LOSE },
	{ SBP2X_SESSION_SUSPENDED, SBP2X_EVENT_HOLD_OVER, 7, 0, LOSE },
	/* So does everything after a bus reset, and at a start */
	{ SBP2X_SESSION_IDLE, SBP2X_EVENT_RESET, 12, 0, LOG_IN },
	{ SBP2X_SESSION_IDLE, SBP2X_EVENT_START, 12, 0, LOG_IN },
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_RESET, 12, 0, LOG_IN },
	{ SBP2X_SESSION_LOGGED_IN, SBP2X_EVENT_RESET, 12, 0, RECONNECT },
	{ SBP2X_SESSION_SUSPENDED, SBP2X_EVENT_RESET, 12, 0, RECONNECT },
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_RESET, 12, 0, RECONNECT },
	{ SBP2X_SESSION_FAILED, SBP2X_EVENT_RESET, 12, 0, LOG_IN },
	{ SBP2X_SESSION_FAILED, SBP2X_EVENT_START, 12, 0, LOG_IN },
	/* A bus reset is nobody's failure; nor does a login alone prove much */
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_INTERRUPTED, 12, 12,
	  "idle: forget await-reset" },
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_INTERRUPTED, 12, 12,
	  "suspended: forget await-reset" },
	{ SBP2X_SESSION_LOGGING_IN, SBP2X_EVENT_ACCEPTED, 12, 12,
	  "logged in: forget flow-tasks tell-up" },
	{ SBP2X_SESSION_RECONNECTING, SBP2X_EVENT_ACCEPTED, 12, 12,
	  "logged in: forget flow-tasks" },
	/* Where nothing is tried again, nothing is counted */
	{ SBP2X_SESSION_WITHDRAWING, SBP2X_EVENT_UNANSWERED, 12, 12,
	  "logging out: forget logout" },
	{ SBP2X_SESSION_WITHDRAWING, SBP2X_EVENT_REFUSED, 3, 3, END },
	{ SBP2X_SESSION_LOGGING_OUT, SBP2X_EVENT_UNANSWERED, 3, 3, END },
};

static void test_counting(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(count_cases); i++) {
		const struct count_case *c = &count_cases[i];
		struct sbp2x_session_view view = {
			.state = c->state,
			.retries = c->before,
		};
		u32 actions = sbp2x_session_step(&view, c->event);
		char text[RENDERED];

		render(text, view.state, actions);
		KUNIT_EXPECT_STREQ_MSG(test, text, c->step, "line %u", i);
		KUNIT_EXPECT_EQ_MSG(test, view.retries, c->after, "line %u", i);
	}
}

/* Pauses after 1, 2, ... failures */
static const unsigned int pauses[] = {
	100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000, 2000, 2000, 2000,
};

static void test_pauses(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pauses); i++)
		KUNIT_EXPECT_EQ(test, sbp2x_session_pause_ms(i + 1), pauses[i]);
	KUNIT_EXPECT_EQ(test, sbp2x_session_pause_ms(0), 100);
	KUNIT_EXPECT_EQ(test, sbp2x_session_pause_ms(1000), 2000);
}

/* The room */

/* Where the target has its registers, and we our status FIFO */
#define MANAGEMENT_AGENT	0xfffff0010000ULL
#define BUSY_TIMEOUT		0xfffff0000210ULL
#define AGENT			0xfffff0020000ULL
#define AGENT_RESET		0xfffff0020004ULL
#define ORB_POINTER		0xfffff0020008ULL
#define UNSOLICITED_ENABLE	0xfffff0020014ULL
#define STATUS_FIFO		0x000100000020ULL

/* Fifth quadlet of a management ORB: notify, function, LUN or login ID */
#define ORB_LOGIN		0x80200005	/* asks for a hold of 2^2 s */
#define ORB_RECONNECT		0x80031234
#define ORB_LOGOUT		0x80071234
#define ORB_QUERY_LOGINS	0x80010005

/* sbp_status of an answer */
#define YES			0x00
#define NOT_SUPPORTED		0x01
#define ACCESS_DENIED		0x04
#define NO_RESOURCES		0x08
#define REJECTED		0x09
#define UNKNOWN_LOGIN_ID	0x0a

struct world {
	struct kunit *test;
	struct sbp2x_fake_clock clock;
	struct sbp2x_fake_bus bus;
	struct sbp2x_memory memory;
	struct sbp2x_scheduler scheduler;
	struct sbp2x_management management;
	struct sbp2x_session session;
	char edges[64];
	u64 orb;	/* the management ORB that the target took last */
	u64 response;	/* where it wants the response */
};

static void note_edge(struct sbp2x_session *session, const char *edge)
{
	struct world *w = container_of(session, struct world, session);

	if (w->edges[0])
		strlcat(w->edges, " ", sizeof(w->edges));
	strlcat(w->edges, edge, sizeof(w->edges));
}

static void note_up(struct sbp2x_session *session)
{
	note_edge(session, "up");
}

static void note_lost(struct sbp2x_session *session)
{
	note_edge(session, "lost");
}

static void note_down(struct sbp2x_session *session)
{
	note_edge(session, "down");
}

static const struct sbp2x_session_ops note_ops = {
	.up = note_up,
	.lost = note_lost,
	.down = note_down,
};

static int session_test_init(struct kunit *test)
{
	static const struct sbp2x_session_config config = {
		.lun = 5,
		.login_timeout_ms = 1500,
		.status_fifo = STATUS_FIFO,
		.limits = {
			.depth = 2,
			.orb_size = 36,
			.page_table_entries = 4,
		},
	};
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->test = test;
	sbp2x_fake_clock_init(&w->clock, test);
	sbp2x_fake_bus_init(&w->bus, test);
	sbp2x_memory_init(&w->memory, &w->bus.bus, SBP2X_MEMORY_PHYSICAL);
	KUNIT_ASSERT_EQ(test, 0,
			sbp2x_scheduler_init(&w->scheduler, &w->clock.clock,
					     "session-test"));
	KUNIT_ASSERT_EQ(test, 0,
			sbp2x_management_init(&w->management, &w->memory,
					      &w->scheduler, MANAGEMENT_AGENT));
	KUNIT_ASSERT_EQ(test, 0,
			sbp2x_session_init(&w->session, &w->memory,
					   &w->scheduler, &w->management,
					   &note_ops, &config));
	test->priv = w;

	return 0;
}

/* In the order of sbp2x_target_destroy() */
static void session_test_exit(struct kunit *test)
{
	struct world *w = test->priv;

	if (!w)
		return;

	w->bus.dead = true;
	sbp2x_session_post(&w->session, SBP2X_EVENT_GONE);
	sbp2x_fake_settle(&w->scheduler);
	sbp2x_management_shutdown(&w->management);
	sbp2x_scheduler_shutdown(&w->scheduler);
	while (w->bus.count)
		sbp2x_fake_bus_end(&w->bus, w->bus.pending[0].offset,
				   RCODE_CANCELLED);
	sbp2x_bus_drain(&w->bus.bus);
	sbp2x_fake_settle(&w->scheduler);
	sbp2x_scheduler_destroy(&w->scheduler);
	sbp2x_session_destroy(&w->session);
	sbp2x_management_destroy(&w->management);
}

static const char *state_of(struct world *w)
{
	return sbp2x_session_state_name(sbp2x_session_state(&w->session));
}

#define EXPECT_STATE(w, expected) do {					\
	struct world *_w = (w);						\
									\
	KUNIT_EXPECT_STREQ(_w->test, state_of(_w), expected);		\
} while (0)

#define EXPECT_EDGES(w, expected) do {					\
	struct world *_w = (w);						\
									\
	KUNIT_EXPECT_STREQ(_w->test, _w->edges, expected);		\
} while (0)

/* No write is under way */
#define EXPECT_QUIET(w) do {						\
	struct world *_w = (w);						\
									\
	KUNIT_EXPECT_EQ(_w->test, _w->bus.count, 0);			\
} while (0)

static void settle(struct world *w)
{
	sbp2x_fake_settle(&w->scheduler);
}

static noinline void advance(struct world *w, unsigned int ms)
{
	sbp2x_fake_clock_advance(&w->clock, &w->scheduler, ms);
}

static noinline void post(struct world *w, enum sbp2x_session_event event)
{
	sbp2x_session_post(&w->session, event);
	settle(w);
}

/* Several at once: they are found together by the work that handles them */
static void post_both(struct world *w, enum sbp2x_session_event first,
		      enum sbp2x_session_event second)
{
	set_bit(first, &w->session.posted);
	post(w, second);
}

/* The target's part */

/* A write goes along the path of the bus as it is now, and ends */
static noinline void end_write(struct world *w, u64 offset, u64 value, size_t length,
			       int rcode)
{
	const struct sbp2x_fake_write *write;

	write = sbp2x_fake_bus_oldest(&w->bus, offset);
	KUNIT_EXPECT_EQ(w->test, write->value, value);
	KUNIT_EXPECT_EQ(w->test, write->length, length);
	KUNIT_EXPECT_EQ(w->test, write->path.generation,
			w->bus.path.generation);
	KUNIT_EXPECT_EQ(w->test, write->path.node_id, w->bus.path.node_id);
	sbp2x_fake_bus_end(&w->bus, offset, rcode);
	settle(w);
}

/* Take the management ORB whose address is being written, and look at it */
static noinline void take(struct world *w, u32 control)
{
	const struct sbp2x_fake_write *write;
	const __be32 *orb;
	u32 response = control == ORB_LOGIN ? 16 :
		       control == ORB_QUERY_LOGINS ? 256 : 0;

	write = sbp2x_fake_bus_oldest(&w->bus, MANAGEMENT_AGENT);
	w->orb = write->value;
	orb = sbp2x_fake_bus_memory(w->orb);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[0]), 0);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[1]), 0);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[2]), 0);
	w->response = be32_to_cpu(orb[3]);
	KUNIT_EXPECT_EQ(w->test, !w->response, !response);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[4]), control);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[5]), response);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[6]), 0x00000001);
	KUNIT_EXPECT_EQ(w->test, be32_to_cpu(orb[7]), 0x00000020);
	end_write(w, MANAGEMENT_AGENT, w->orb, 8, RCODE_COMPLETE);
}

static noinline bool status_from(struct world *w, u16 node_id, int generation,
				 u8 sbp_status)
{
	/* src 1, resp 0, len 1: two quadlets */
	struct sbp2x_status_block status = {
		.header = cpu_to_be32(0x41000000 | sbp_status << 16),
		.orb_offset_lo = cpu_to_be32(w->orb),
	};
	bool believed = sbp2x_management_status(&w->management, node_id,
						generation, &status);

	settle(w);
	return believed;
}

static noinline void answer(struct world *w, u8 sbp_status)
{
	KUNIT_EXPECT_TRUE(w->test, status_from(w, w->bus.path.node_id,
					       w->bus.path.generation,
					       sbp_status));
}

/* What is not from the right node, or of the past, counts for nothing */
static noinline void expect_disbelieved(struct world *w, u16 node_id, int generation)
{
	KUNIT_EXPECT_FALSE(w->test, status_from(w, node_id, generation, YES));
}

/* A login response: header, address of the agent, hold (seconds - 1) */
static noinline void respond(struct world *w, u32 header, u64 agent, u32 hold)
{
	__be32 *response = sbp2x_fake_bus_memory(w->response);

	response[0] = cpu_to_be32(header);
	response[1] = cpu_to_be32(agent >> 32);
	response[2] = cpu_to_be32((u32)agent);
	response[3] = cpu_to_be32(hold);
}

/* The target answers the LOGIN that it took: 16 bytes, login ID 1234 */
static noinline void accept_login(struct world *w, u16 hold)
{
	respond(w, 0x00101234, AGENT, hold);
	answer(w, YES);
}

/* What has to follow each login and each reconnect */
static noinline void expect_agent_start(struct world *w)
{
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	end_write(w, AGENT_RESET, 0, 4, RCODE_COMPLETE);
	end_write(w, UNSOLICITED_ENABLE, 1, 4, RCODE_COMPLETE);
	EXPECT_QUIET(w);
}

/* Logged in, with a hold of 4 s if @hold is 3 */
static noinline void log_in(struct world *w, u16 hold)
{
	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, hold);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

/* As sbp2x_target_bus_reset() tells of a bus reset */
static noinline void tell_reset(struct world *w)
{
	post(w, SBP2X_EVENT_RESET);
	sbp2x_management_bus_reset(&w->management);
	settle(w);
}

static noinline void bus_reset(struct world *w)
{
	sbp2x_fake_bus_reset(&w->bus);
	tell_reset(w);
}

/* The agent noticed by itself; nobody knows yet where the target is now */
static void unannounced_reset(struct world *w)
{
	sbp2x_fake_bus_lose(&w->bus);
	w->session.agent.ops->stale(&w->session.agent, w->bus.path.generation);
	settle(w);
}

/* It is known, but not told of */
static void find(struct world *w)
{
	sbp2x_fake_bus_find(&w->bus);
	advance(w, SBP2X_SESSION_WATCH_MS);
}

/* Logging in */

static void test_login(struct kunit *test)
{
	struct world *w = test->priv;

	EXPECT_STATE(w, "idle");
	KUNIT_EXPECT_TRUE(test, sbp2x_session_is_busy(&w->session));
	EXPECT_QUIET(w);

	post(w, SBP2X_EVENT_START);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGIN);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "");

	accept_login(w, 3);
	EXPECT_STATE(w, "logged in");
	KUNIT_EXPECT_FALSE(test, sbp2x_session_is_busy(&w->session));
	EXPECT_EDGES(w, "up");
	expect_agent_start(w);

	KUNIT_EXPECT_NULL(test, timerqueue_getnext(&w->scheduler.queue));
	advance(w, 3600 * MSEC_PER_SEC);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
	KUNIT_EXPECT_EQ(test, w->bus.sent, 4);
	KUNIT_EXPECT_EQ(test, w->session.count.logins, 1);
}

static void test_login_exclusive(struct kunit *test)
{
	struct world *w = test->priv;
	const __be32 *orb;

	w->session.config.exclusive = true;
	post(w, SBP2X_EVENT_START);
	orb = sbp2x_fake_bus_memory(sbp2x_fake_bus_oldest(&w->bus,
							  MANAGEMENT_AGENT)->value);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(orb[4]), 0x90200005);
}

/* Twelve repetitions of a failure, then the end; but a reset tries again */
static void expect_retries_then_failure(struct world *w,
					void (*fail)(struct world *w))
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		fail(w);
		EXPECT_STATE(w, "idle");
		EXPECT_EDGES(w, "");
		advance(w, pauses[i] - 1);
		EXPECT_STATE(w, "idle");
		EXPECT_QUIET(w);
		advance(w, 1);
		EXPECT_STATE(w, "logging in");
	}
	fail(w);
	EXPECT_STATE(w, "failed");
	EXPECT_EDGES(w, "down");
	KUNIT_EXPECT_FALSE(w->test, sbp2x_session_is_busy(&w->session));
	advance(w, 3600 * MSEC_PER_SEC);
	EXPECT_QUIET(w);

	bus_reset(w);
	EXPECT_STATE(w, "logging in");
	fail(w);
	EXPECT_STATE(w, "idle");
	advance(w, 100);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "down up");
}

/* And it does not say by whom */
static void refuse(struct world *w)
{
	take(w, ORB_LOGIN);
	answer(w, ACCESS_DENIED);
	if (sbp2x_session_state(&w->session) != SBP2X_SESSION_IDLE)
		return;
	take(w, ORB_QUERY_LOGINS);
	answer(w, REJECTED);
}

static void test_login_refused(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	expect_retries_then_failure(w, refuse);
	KUNIT_EXPECT_EQ(test, w->session.count.refused, 14);
}

/* mgt_ORB_timeout is 1.5 s here: at least 5 s all the same */
static void time_out(struct world *w)
{
	take(w, ORB_LOGIN);
	advance(w, 4999);
	EXPECT_STATE(w, "logging in");
	advance(w, 1);
}

static void test_login_timed_out(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	expect_retries_then_failure(w, time_out);
	KUNIT_EXPECT_EQ(test, w->session.count.unanswered, 14);
}

/* The management agent does not acknowledge: tried for 1.27 s */
static void never_acknowledge(struct world *w)
{
	unsigned int ms;

	for (ms = 10; ms <= 640; ms *= 2) {
		sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_NO_ACK);
		advance(w, ms);
	}
	EXPECT_STATE(w, "logging in");
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_NO_ACK);
	settle(w);
}

static void test_login_not_acknowledged(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	expect_retries_then_failure(w, never_acknowledge);
}

static const struct response_case {
	const char *name;
	u32 header;
	u64 agent;
	bool logged_in;		/* so a LOGOUT comes before the next LOGIN */
} unreadable[] = {
	{ "never written", 0x00000000, 0, false },
	{ "shorter than its header", 0x00031234, AGENT, false },
	{ "no room for the agent", 0x000b1234, AGENT, true },
	{ "agent not aligned", 0x00101234, AGENT + 2, true },
	{ "agent in memory", 0x00101234, 0x000012340000ULL, true },
	{ "agent below the units space", 0x00101234, 0xfffff00007fcULL, true },
	{ "agent at the end of addresses", 0x00101234, 0xfffffffffff0ULL, true },
};

KUNIT_ARRAY_PARAM_DESC(unreadable, unreadable, name);

static void test_login_unreadable(struct kunit *test)
{
	const struct response_case *c = test->param_value;
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	respond(w, c->header, c->agent, 3);
	answer(w, YES);
	EXPECT_STATE(w, "idle");
	EXPECT_EDGES(w, "");
	EXPECT_QUIET(w);

	advance(w, 100);
	if (c->logged_in) {
		take(w, ORB_LOGOUT);
		answer(w, YES);
	}
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

static void test_login_unreadable_fails(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int i;

	post(w, SBP2X_EVENT_START);
	for (i = 0; i < 13; i++) {
		take(w, ORB_LOGIN);
		answer(w, YES);
		advance(w, 2000);
	}
	EXPECT_STATE(w, "failed");
	EXPECT_EDGES(w, "down");
	EXPECT_QUIET(w);
}

/* The lowest and the highest address that an agent can have */
static void test_login_agent_at_the_edges(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	respond(w, 0x00101234, 0xfffff0000800ULL, 3);
	answer(w, YES);
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	end_write(w, 0xfffff0000804ULL, 0, 4, RCODE_COMPLETE);
	end_write(w, 0xfffff0000814ULL, 1, 4, RCODE_COMPLETE);
	EXPECT_STATE(w, "logged in");

	bus_reset(w);
	take(w, ORB_RECONNECT);
	answer(w, UNKNOWN_LOGIN_ID);
	take(w, ORB_LOGIN);
	respond(w, 0x00101234, 0xffffffffffe8ULL, 3);
	answer(w, YES);
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	end_write(w, 0xffffffffffecULL, 0, 4, RCODE_COMPLETE);
	end_write(w, 0xfffffffffffcULL, 1, 4, RCODE_COMPLETE);
	EXPECT_STATE(w, "logged in");
}

/* mgt_ORB_timeout, and what follows for LOGIN and for the others */
static const struct timeout_case {
	unsigned int given, login, other;
} timeouts[] = {
	{ 0, 5000, 2000 },
	{ 1500, 5000, 2000 },
	{ 2500, 5000, 2500 },
	{ 7500, 7500, 7500 },
	{ 40000, 40000, 40000 },
	{ 127500, 40000, 40000 },
};

static void timeout_describe(const struct timeout_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u ms", c->given);
}

KUNIT_ARRAY_PARAM(timeout, timeouts, timeout_describe);

static void test_timeouts(struct kunit *test)
{
	const struct timeout_case *c = test->param_value;
	struct world *w = test->priv;

	w->session.config.login_timeout_ms = c->given;
	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	advance(w, c->login - 1);
	EXPECT_STATE(w, "logging in");
	advance(w, 1);
	EXPECT_STATE(w, "idle");

	advance(w, 100);
	take(w, ORB_LOGIN);
	accept_login(w, 299);
	expect_agent_start(w);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	advance(w, c->other - 1);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1);
	EXPECT_STATE(w, "suspended");

	advance(w, 100);
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	post(w, SBP2X_EVENT_STOP);
	take(w, ORB_LOGOUT);
	advance(w, c->other - 1);
	EXPECT_STATE(w, "logging out");
	advance(w, 1);
	EXPECT_STATE(w, "gone");
}

/* Who is logged in? */

/* One login: its header, node ID and login ID, EUI-64 */
static void respond_query(struct world *w, u32 header, u32 ids, u64 eui_64)
{
	__be32 *response = sbp2x_fake_bus_memory(w->response);

	response[0] = cpu_to_be32(header);
	response[1] = cpu_to_be32(ids);
	response[2] = cpu_to_be32(eui_64 >> 32);
	response[3] = cpu_to_be32((u32)eui_64);
}

/* A LOGIN that is refused with @sbp_status, and the question that follows */
static void refuse_and_ask(struct world *w, u8 sbp_status)
{
	take(w, ORB_LOGIN);
	answer(w, sbp_status);
	EXPECT_STATE(w, "idle");
	take(w, ORB_QUERY_LOGINS);
}

static void test_held_by_another(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, ACCESS_DENIED);
	respond_query(w, 0x00100001, 0xffc21234, 0x000a270002abcdefULL);
	answer(w, YES);
	EXPECT_QUIET(w);
	advance(w, 99);
	EXPECT_QUIET(w);
	advance(w, 1);
	/* It is not ours to log out */
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
	KUNIT_EXPECT_EQ(test, w->session.count.refused, 1);
}

/* The target granted the LOGIN when it was not waited for any more */
static void test_held_by_ourselves(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	time_out(w);
	advance(w, 100);
	refuse_and_ask(w, ACCESS_DENIED);
	respond_query(w, 0x00100001, 0xffc01234, SBP2X_FAKE_EUI_64);
	answer(w, YES);
	EXPECT_QUIET(w);
	advance(w, 200);
	take(w, ORB_LOGOUT);
	EXPECT_QUIET(w);
	answer(w, YES);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

/* Likewise where it counts logins and not who has them */
static void test_held_by_ourselves_without_resources(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, NO_RESOURCES);
	respond_query(w, 0x00100001, 0xffc01234, SBP2X_FAKE_EUI_64);
	answer(w, YES);
	advance(w, 100);
	take(w, ORB_LOGOUT);
}

/* The next attempt waits for the answer, and not for ever */
static void test_query_not_answered(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, ACCESS_DENIED);
	advance(w, 1999);
	EXPECT_STATE(w, "logging in");
	EXPECT_QUIET(w);
	advance(w, 1);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

static void test_query_not_supported(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, ACCESS_DENIED);
	answer(w, NOT_SUPPORTED);
	advance(w, 100);
	take(w, ORB_LOGIN);
	answer(w, ACCESS_DENIED);
	EXPECT_STATE(w, "idle");
	EXPECT_QUIET(w);
}

/* Nobody asks who has it where that is not the reason */
static void test_query_only_where_it_helps(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	answer(w, REJECTED);
	EXPECT_STATE(w, "idle");
	EXPECT_QUIET(w);
}

static void test_reset_during_query(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, ACCESS_DENIED);
	respond_query(w, 0x00100001, 0xffc01234, SBP2X_FAKE_EUI_64);
	bus_reset(w);
	EXPECT_STATE(w, "logging in");
	expect_disbelieved(w, 0xffc1, 1);
	take(w, ORB_LOGIN);
	EXPECT_QUIET(w);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

static void test_gone_during_query(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, ACCESS_DENIED);
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
	KUNIT_EXPECT_NULL(test, timerqueue_getnext(&w->scheduler.queue));
	expect_disbelieved(w, 0xffc1, 1);
}

/* What is not whole counts for nothing; nor is more read than there is */
static const struct query_case {
	const char *name;
	u32 header;
	bool ours;
} queries[] = {
	{ "never written", 0x00000000, false },
	{ "shorter than its header", 0x00030001, false },
	{ "nobody", 0x00040001, false },
	{ "not a whole login", 0x000f0001, false },
	{ "one login", 0x00100001, true },
	{ "longer than there is room", 0xffff0001, true },
};

KUNIT_ARRAY_PARAM_DESC(query, queries, name);

static void test_query_response(struct kunit *test)
{
	const struct query_case *c = test->param_value;
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse_and_ask(w, ACCESS_DENIED);
	respond_query(w, c->header, 0xffc01234, SBP2X_FAKE_EUI_64);
	answer(w, YES);
	advance(w, 100);
	take(w, c->ours ? ORB_LOGOUT : ORB_LOGIN);
}

static void test_password(struct kunit *test)
{
	struct world *w = test->priv;
	const __be32 *orb;
	u64 address;

	memcpy(w->session.config.password, "open sesame", 11);
	w->session.config.password_length = 11;
	post(w, SBP2X_EVENT_START);
	address = sbp2x_fake_bus_oldest(&w->bus, MANAGEMENT_AGENT)->value;
	orb = sbp2x_fake_bus_memory(address);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(orb[1]), address + 32);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(orb[4]), ORB_LOGIN);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(orb[5]), 0x000b0010);
	KUNIT_EXPECT_MEMEQ(test, orb + 8, "open sesame\0\0\0\0", 16);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_COMPLETE);
	w->orb = address;
	w->response = be32_to_cpu(orb[3]);
	settle(w);
	accept_login(w, 3);
	expect_agent_start(w);

	/* It is for LOGIN only: take() looks for one */
	bus_reset(w);
	take(w, ORB_RECONNECT);
}

/* Bus resets while logging in */

static void test_reset_before_login_is_taken(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	bus_reset(w);
	EXPECT_STATE(w, "logging in");
	KUNIT_EXPECT_EQ(test, w->bus.count, 1);
	KUNIT_EXPECT_EQ(test, w->bus.pending[0].path.generation, 1);

	/* The write to the old generation ends; that of the new one follows */
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	KUNIT_EXPECT_EQ(test, w->bus.count, 1);
	KUNIT_EXPECT_EQ(test, w->bus.pending[0].path.generation, 2);
	KUNIT_EXPECT_EQ(test, w->bus.pending[0].path.node_id, 0xffc0);
	take(w, ORB_LOGIN);
	EXPECT_QUIET(w);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
	KUNIT_EXPECT_EQ(test, w->session.generation, 2);
}

/* The write ends with the old generation before anybody tells of the reset */
static void test_reset_interrupts_login(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	sbp2x_fake_bus_reset(&w->bus);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGIN);
	tell_reset(w);
	EXPECT_QUIET(w);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
	advance(w, 10000);
	EXPECT_QUIET(w);
}

/* firewire-core tells of no reset that comes while it makes the device */
static void test_reset_never_told(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int opened;

	post(w, SBP2X_EVENT_START);
	sbp2x_fake_bus_lose(&w->bus);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	advance(w, 1234);
	EXPECT_STATE(w, "idle");
	EXPECT_QUIET(w);

	opened = w->bus.opened;
	find(w);
	EXPECT_STATE(w, "logging in");
	KUNIT_EXPECT_EQ(test, w->bus.opened, opened + 1);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

/* The write says so, and nothing else: once more after 2 s */
static void test_reset_not_to_be_seen(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	advance(w, 1999);
	EXPECT_STATE(w, "idle");
	EXPECT_QUIET(w);
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGIN);
}

/* The target took the LOGIN, and forgot it with a reset that is not told of */
static void test_reset_while_login_is_taken(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	advance(w, 50);
	sbp2x_fake_bus_reset(&w->bus);
	advance(w, 49);
	EXPECT_QUIET(w);
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

static void test_reset_after_login_is_taken(struct kunit *test)
{
	struct world *w = test->priv;
	u64 old;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	old = w->orb;
	bus_reset(w);
	EXPECT_STATE(w, "logging in");
	KUNIT_EXPECT_EQ(test, w->bus.count, 1);

	/* What the target says to the old one counts no more */
	expect_disbelieved(w, 0xffc1, 1);
	expect_disbelieved(w, 0xffc0, 2);
	EXPECT_STATE(w, "logging in");

	take(w, ORB_LOGIN);
	KUNIT_EXPECT_NE(test, w->orb, old);
	expect_disbelieved(w, 0xffc1, 1);
	expect_disbelieved(w, 0xffc1, 2);
	expect_disbelieved(w, 0xffc0, 1);
	EXPECT_STATE(w, "logging in");
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
	/* Nor does its timeout */
	advance(w, 60000);
	EXPECT_STATE(w, "logged in");
	EXPECT_QUIET(w);
}

static void test_reset_while_pausing(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse(w);
	advance(w, 50);
	bus_reset(w);
	take(w, ORB_LOGIN);
	/* The pause is off, it does not disturb the new attempt */
	advance(w, 100);
	EXPECT_STATE(w, "logging in");
	EXPECT_QUIET(w);
	answer(w, REJECTED);
	advance(w, 99);
	EXPECT_QUIET(w);
	advance(w, 1);
	take(w, ORB_LOGIN);
}

/* Told of late: the LOGIN that is under way is of the new generation */
static void test_reset_told_late(struct kunit *test)
{
	struct world *w = test->priv;

	sbp2x_fake_bus_reset(&w->bus);
	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	tell_reset(w);
	EXPECT_STATE(w, "logging in");
	EXPECT_QUIET(w);
	accept_login(w, 3);
	tell_reset(w);
	expect_agent_start(w);
	tell_reset(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_QUIET(w);
	EXPECT_EDGES(w, "up");
}

static void nothing_done(struct sbp2x_operation *op)
{
}

/* Another logical unit's operation keeps the management agent busy */
static void occupy(struct world *w, struct sbp2x_operation *op)
{
	op->function = SBP2X_FUNCTION_QUERY_LOGINS;
	op->timeout_ms = 100000;
	op->done = nothing_done;
	sbp2x_management_queue(&w->management, op);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_COMPLETE);
	settle(w);
}

static struct sbp2x_operation *new_operation(struct kunit *test)
{
	struct sbp2x_operation *op = kunit_kzalloc(test, sizeof(*op),
						   GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, op);
	return op;
}

static void test_reset_while_login_waits(struct kunit *test)
{
	struct world *w = test->priv;
	struct sbp2x_operation *other = new_operation(test);

	occupy(w, other);
	post(w, SBP2X_EVENT_START);
	EXPECT_QUIET(w);
	bus_reset(w);
	EXPECT_STATE(w, "logging in");
	KUNIT_EXPECT_EQ(test, other->outcome, SBP2X_OP_STALE);
	take(w, ORB_LOGIN);
	EXPECT_QUIET(w);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

/* Bus resets while logged in */

static void test_reconnect(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	bus_reset(w);
	EXPECT_STATE(w, "reconnecting");
	KUNIT_EXPECT_TRUE(test, sbp2x_session_is_busy(&w->session));
	KUNIT_EXPECT_EQ(test, w->bus.pending[0].path.generation, 2);
	KUNIT_EXPECT_EQ(test, w->bus.pending[0].path.node_id, 0xffc0);
	take(w, ORB_RECONNECT);
	EXPECT_QUIET(w);
	answer(w, YES);
	EXPECT_STATE(w, "logged in");
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
	KUNIT_EXPECT_EQ(test, w->session.count.reconnects, 1);
	KUNIT_EXPECT_EQ(test, w->session.count.lost, 0);

	/* And once more, for node IDs to change back */
	bus_reset(w);
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	advance(w, 3600 * MSEC_PER_SEC);
	EXPECT_STATE(w, "logged in");
	EXPECT_QUIET(w);
	EXPECT_EDGES(w, "up");
}

/* The agent's own write shows that the generation is over */
static void test_agent_notices_the_reset(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	sbp2x_fake_bus_end(&w->bus, BUSY_TIMEOUT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "reconnecting");
	KUNIT_EXPECT_TRUE(test, sbp2x_session_is_busy(&w->session));
	EXPECT_EDGES(w, "up");
	take(w, ORB_RECONNECT);
	tell_reset(w);
	EXPECT_QUIET(w);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

static void test_stale_and_reset_together(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	w->session.stale_generation = 1;
	post_both(w, SBP2X_EVENT_RESET, SBP2X_EVENT_STALE);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);

	/* What is said of generation 1 now is of the past */
	w->session.agent.ops->stale(&w->session.agent, 1);
	settle(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_QUIET(w);
	EXPECT_EDGES(w, "up");
}

/* Nobody tells of the reset, but firewire-core knows at last where it is */
static void test_reconnect_unasked(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	unannounced_reset(w);
	EXPECT_STATE(w, "suspended");
	KUNIT_EXPECT_TRUE(test, sbp2x_session_is_busy(&w->session));
	advance(w, 1999);
	EXPECT_QUIET(w);
	find(w);
	take(w, ORB_RECONNECT);
	/* Told of it late: nothing new */
	tell_reset(w);
	EXPECT_QUIET(w);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

static void test_reconnect_refused(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	answer(w, UNKNOWN_LOGIN_ID);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");
	KUNIT_EXPECT_EQ(test, w->session.count.lost, 1);

	/* There is nothing to log out of */
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up lost up");
}

/*
 * The hold of 4 s begins with the reset. Attempts begin after 0, 1370 and
 * 2840 ms; the last of them ends after 4110 ms.
 */
static void test_reconnect_not_acknowledged(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	w->bus.dead = true;
	bus_reset(w);
	advance(w, 1269);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1);
	EXPECT_STATE(w, "suspended");
	advance(w, 99);
	EXPECT_STATE(w, "suspended");
	advance(w, 1);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1270);
	EXPECT_STATE(w, "suspended");
	advance(w, 200);
	EXPECT_STATE(w, "reconnecting");
	EXPECT_EDGES(w, "up");
	advance(w, 1269);
	EXPECT_STATE(w, "reconnecting");
	w->bus.dead = false;
	advance(w, 1);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_NO_ACK);
	advance(w, 0);

	/* The hold is over: no further RECONNECT */
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");
	take(w, ORB_LOGOUT);
	answer(w, UNKNOWN_LOGIN_ID);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
}

/* It is acknowledged at last, within the hold */
static void test_reconnect_acknowledged_later(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	w->bus.dead = true;
	bus_reset(w);
	advance(w, 1270);
	EXPECT_STATE(w, "suspended");
	w->bus.dead = false;
	advance(w, 100);
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
	advance(w, 10000);
	EXPECT_STATE(w, "logged in");
}

/*
 * A long hold does not mean trying for ever: 13 times 2 s and the pauses of
 * 17.1 s, then a LOGIN
 */
static void test_reconnect_exhausted(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int i;

	log_in(w, 299);
	bus_reset(w);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		take(w, ORB_RECONNECT);
		advance(w, 2000);
		EXPECT_STATE(w, "suspended");
		advance(w, pauses[i]);
		EXPECT_STATE(w, "reconnecting");
	}
	EXPECT_EDGES(w, "up");
	take(w, ORB_RECONNECT);
	advance(w, 2000);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");

	/* The target may have accepted one of them; then it refuses a LOGIN */
	take(w, ORB_LOGOUT);
	answer(w, YES);
	/* Twelve retries of its own */
	w->edges[0] = '\0';
	expect_retries_then_failure(w, refuse);
}

/* One that may take 40 s to answer is asked to reconnect */
static void ask_slow_target(struct world *w, u16 hold)
{
	w->session.config.login_timeout_ms = 40000;
	log_in(w, hold);
	bus_reset(w);
	take(w, ORB_RECONNECT);
}

/* The target took it and forgot it: there is time for another one */
static void test_reconnect_lost(struct kunit *test)
{
	struct world *w = test->priv;

	ask_slow_target(w, 4);
	advance(w, 2499);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1);
	EXPECT_STATE(w, "suspended");
	advance(w, 100);
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

/* A hold of 4 s; the target is given another second to answer */
static void test_reconnect_bounded(struct kunit *test)
{
	struct world *w = test->priv;

	ask_slow_target(w, 3);
	advance(w, 2100);
	take(w, ORB_RECONNECT);
	advance(w, 2899);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");
	expect_disbelieved(w, 0xffc0, 2);
	take(w, ORB_LOGOUT);
	/* Nor does a LOGOUT without an answer keep it from logging in */
	advance(w, 39999);
	EXPECT_QUIET(w);
	advance(w, 1);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
}

static void test_reconnect_answered_late(struct kunit *test)
{
	struct world *w = test->priv;

	ask_slow_target(w, 0);
	advance(w, 1999);
	EXPECT_STATE(w, "reconnecting");
	answer(w, YES);
	EXPECT_STATE(w, "logged in");
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
	advance(w, 10000);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

/* The hold is over before the RECONNECT's turn came: it is not sent */
static void test_hold_over_in_the_queue(struct kunit *test)
{
	struct world *w = test->priv;
	struct sbp2x_operation *other = new_operation(test);

	log_in(w, 0);
	sbp2x_fake_bus_reset(&w->bus);
	occupy(w, other);
	post(w, SBP2X_EVENT_RESET);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1999);
	EXPECT_STATE(w, "reconnecting");
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	EXPECT_QUIET(w);

	sbp2x_management_cancel(&w->management, other);
	take(w, ORB_LOGIN);
}

/* Seconds in the login response, and what they mean */
static const struct hold_case {
	u16 field;
	bool present;
	unsigned int ms;
} holds[] = {
	{ 0, true, 1000 },
	{ 1, true, 2000 },
	{ 3, true, 4000 },
	{ 255, true, 256000 },
	{ 65535, true, 65536000 },
	/* 12 bytes of response: none granted, which is 1 s */
	{ 77, false, 1000 },
};

static void hold_describe(const struct hold_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u%s", c->field,
		 c->present ? "" : " (absent)");
}

KUNIT_ARRAY_PARAM(hold, holds, hold_describe);

/* The node does not answer, and nobody tells of its return */
static void test_hold(struct kunit *test)
{
	const struct hold_case *c = test->param_value;
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	respond(w, c->present ? 0x00101234 : 0x000c1234, AGENT, c->field);
	answer(w, YES);
	expect_agent_start(w);

	advance(w, 12345);
	unannounced_reset(w);
	/* The clock starts at 1 s */
	KUNIT_EXPECT_EQ(test, ktime_to_ms(w->session.hold_until),
			1000 + 12345 + c->ms);
	if (c->ms > 1000)
		return;

	advance(w, 999);
	EXPECT_STATE(w, "suspended");
	EXPECT_EDGES(w, "up");
	EXPECT_QUIET(w);
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
}

/* The hold counts from the reset, not from the attempts in it */
static void test_hold_counts_from_the_reset(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 9);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	advance(w, 2000);
	EXPECT_STATE(w, "suspended");
	advance(w, 100);
	take(w, ORB_RECONNECT);
	KUNIT_EXPECT_EQ(test, ktime_to_ms(w->session.hold_until), 11000);
	/* Another reset, another hold */
	bus_reset(w);
	KUNIT_EXPECT_EQ(test, ktime_to_ms(w->session.hold_until), 13100);
}

/* The target's hold begins anew with each reset; ours too, while it is away */
static void test_hold_begins_anew(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 0);
	unannounced_reset(w);
	KUNIT_EXPECT_EQ(test, ktime_to_ms(w->session.hold_until), 2000);
	advance(w, 900);
	sbp2x_fake_bus_lose(&w->bus);
	advance(w, 10);
	KUNIT_EXPECT_EQ(test, ktime_to_ms(w->session.hold_until), 2910);
	advance(w, 980);
	EXPECT_STATE(w, "suspended");
	find(w);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

/* But when it is over, it is */
static void test_hold_over_while_away(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 0);
	unannounced_reset(w);
	advance(w, 999);
	EXPECT_STATE(w, "suspended");
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "idle");
	sbp2x_fake_bus_lose(&w->bus);
	advance(w, 500);
	EXPECT_STATE(w, "idle");
	find(w);
	take(w, ORB_LOGIN);
	accept_login(w, 0);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
}

static void test_reset_while_reconnecting(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	bus_reset(w);
	EXPECT_STATE(w, "reconnecting");
	KUNIT_EXPECT_EQ(test, w->bus.count, 1);
	/* Generation 2, when the target was node ffc0 */
	expect_disbelieved(w, 0xffc0, 2);
	take(w, ORB_RECONNECT);
	expect_disbelieved(w, 0xffc0, 2);
	EXPECT_STATE(w, "reconnecting");
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

/* The RECONNECT shows that there was another reset before one is told of */
static void test_reset_interrupts_reconnect(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	bus_reset(w);
	sbp2x_fake_bus_reset(&w->bus);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	tell_reset(w);
	EXPECT_QUIET(w);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

/* The target took the RECONNECT; nobody tells of the reset in which it went */
static void test_reset_while_reconnect_is_taken(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	sbp2x_fake_bus_lose(&w->bus);
	advance(w, 100);
	EXPECT_STATE(w, "suspended");
	KUNIT_EXPECT_EQ(test, ktime_to_ms(w->session.hold_until), 5100);
	find(w);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

/* The answer and the next reset arrive together */
static void test_reset_with_the_answer(struct kunit *test)
{
	struct world *w = test->priv;
	struct sbp2x_status_block status = {};

	log_in(w, 3);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	status.header = cpu_to_be32(0x41000000);
	status.orb_offset_lo = cpu_to_be32(w->orb);
	KUNIT_EXPECT_TRUE(test, sbp2x_management_status(&w->management, 0xffc0,
							2, &status));
	bus_reset(w);
	EXPECT_STATE(w, "reconnecting");

	/* The agent's start in generation 2 comes to nothing */
	sbp2x_fake_bus_end(&w->bus, BUSY_TIMEOUT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

static void test_resets_in_a_row(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int i;

	log_in(w, 3);
	for (i = 0; i < 5; i++)
		bus_reset(w);
	EXPECT_STATE(w, "reconnecting");
	KUNIT_EXPECT_EQ(test, w->bus.count, 1);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	KUNIT_EXPECT_EQ(test, w->bus.pending[0].path.generation, 6);
	take(w, ORB_RECONNECT);
	EXPECT_QUIET(w);
	answer(w, YES);
	expect_agent_start(w);
	/* 4 to log in, the RECONNECT that was overtaken, the one, and 3 */
	KUNIT_EXPECT_EQ(test, w->bus.sent, 9);
	KUNIT_EXPECT_EQ(test, w->session.count.reconnects, 1);
	EXPECT_EDGES(w, "up");
}

/* The device is away for a while */

static void test_missing_back_in_time(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	unannounced_reset(w);
	advance(w, 1900);
	EXPECT_STATE(w, "suspended");
	EXPECT_QUIET(w);
	sbp2x_fake_bus_find(&w->bus);
	tell_reset(w);
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

static void test_missing_back_too_late(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 0);
	/* The path stays what it was for as long as the node is away */
	unannounced_reset(w);
	advance(w, 1000);
	EXPECT_STATE(w, "logging in");
	EXPECT_EDGES(w, "up lost");
	KUNIT_EXPECT_EQ(test, w->bus.count, 1);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "idle");
	EXPECT_QUIET(w);

	advance(w, 500);
	sbp2x_fake_bus_find(&w->bus);
	tell_reset(w);
	take(w, ORB_LOGIN);
	accept_login(w, 0);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up lost up");
}

/* firewire-core gives up on it */
static void test_missing_for_good(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	unannounced_reset(w);
	w->bus.gone = true;
	advance(w, 2000);
	/* An attempt that is not even sent */
	EXPECT_STATE(w, "suspended");
	EXPECT_QUIET(w);
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
	advance(w, 60000);
	EXPECT_QUIET(w);
	KUNIT_EXPECT_EQ(test, w->bus.sent, 4);
}

/* Logging out */

static void test_logout(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "logging out");
	KUNIT_EXPECT_FALSE(test, sbp2x_session_is_busy(&w->session));
	EXPECT_EDGES(w, "up down");
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
	EXPECT_QUIET(w);
	KUNIT_EXPECT_TRUE(test, sbp2x_session_wait(&w->session,
						   BIT(SBP2X_SESSION_GONE), 0));
}

static void test_logout_refused(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_STOP);
	take(w, ORB_LOGOUT);
	answer(w, UNKNOWN_LOGIN_ID);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

static void test_logout_timed_out(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_STOP);
	take(w, ORB_LOGOUT);
	advance(w, 1999);
	EXPECT_STATE(w, "logging out");
	advance(w, 1);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
	/* A late answer finds nobody */
	expect_disbelieved(w, 0xffc1, 1);
}

static void test_logout_not_acknowledged(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	w->bus.dead = true;
	post(w, SBP2X_EVENT_STOP);
	advance(w, 1269);
	EXPECT_STATE(w, "logging out");
	advance(w, 1);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

static void test_logout_while_suspended(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	unannounced_reset(w);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
	advance(w, 60000);
	KUNIT_EXPECT_EQ(test, w->bus.sent, 4);
}

/* The bus has moved on: this login could only be reconnected */
static void test_logout_in_a_new_generation(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
	EXPECT_EDGES(w, "up down");
}

static void test_reset_while_logging_out(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_STOP);
	take(w, ORB_LOGOUT);
	bus_reset(w);
	EXPECT_STATE(w, "gone");
	expect_disbelieved(w, 0xffc1, 1);
	bus_reset(w);
	advance(w, 60000);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
	EXPECT_QUIET(w);
}

static void test_reset_interrupts_logout(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_STOP);
	sbp2x_fake_bus_reset(&w->bus);
	sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_GENERATION);
	settle(w);
	EXPECT_STATE(w, "gone");
	tell_reset(w);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
	EXPECT_QUIET(w);
}

/* The user wants it out for a while; no bus reset changes that */
static void test_leave(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_LEAVE);
	EXPECT_STATE(w, "logged out");
	EXPECT_EDGES(w, "up down");
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "logged out");
	bus_reset(w);
	advance(w, 60000);
	EXPECT_STATE(w, "logged out");
	EXPECT_QUIET(w);
	post(w, SBP2X_EVENT_START);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up down up");
}

/* A target that does not answer the LOGOUT is logged out of once more */
static void test_leave_not_answered(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_LEAVE);
	take(w, ORB_LOGOUT);
	advance(w, 60000);
	EXPECT_STATE(w, "logged out");
	EXPECT_QUIET(w);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "logging out");
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

/* In again before the target has let go: log out first, then in */
static void test_leave_and_return(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	post(w, SBP2X_EVENT_LEAVE);
	take(w, ORB_LOGOUT);
	post(w, SBP2X_EVENT_START);
	EXPECT_STATE(w, "logging in");
	expect_disbelieved(w, 0xffc1, 1);
	take(w, ORB_LOGOUT);
	answer(w, UNKNOWN_LOGIN_ID);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up down up");
}

/* Out before in: whatever becomes of the LOGIN, nothing stays behind */
static void test_withdraw_login(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "withdrawing");
	EXPECT_EDGES(w, "down");
	accept_login(w, 3);
	EXPECT_STATE(w, "logging out");
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "down");
	EXPECT_QUIET(w);
}

static void test_withdraw_login_refused(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	post(w, SBP2X_EVENT_STOP);
	answer(w, ACCESS_DENIED);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
}

static void test_withdraw_login_timed_out(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	post(w, SBP2X_EVENT_STOP);
	advance(w, 4999);
	EXPECT_STATE(w, "withdrawing");
	advance(w, 1);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
}

static void test_withdraw_login_unreadable(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	post(w, SBP2X_EVENT_STOP);
	respond(w, 0x00101234, 0, 3);
	answer(w, YES);
	EXPECT_STATE(w, "logging out");
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
}

static void test_withdraw_login_interrupted(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	post(w, SBP2X_EVENT_STOP);
	bus_reset(w);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
	EXPECT_EDGES(w, "down");
}

static void test_withdraw_reconnect(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 0);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "withdrawing");
	/* The hold is not what this waits for */
	advance(w, 1999);
	EXPECT_STATE(w, "withdrawing");
	answer(w, YES);
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

static void test_withdraw_reconnect_unanswered(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	bus_reset(w);
	take(w, ORB_RECONNECT);
	post(w, SBP2X_EVENT_STOP);
	advance(w, 2000);
	/* It may have been accepted */
	take(w, ORB_LOGOUT);
	advance(w, 2000);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
}

/* The end, in every state */

static void reach(struct world *w, enum sbp2x_session_state state)
{
	unsigned int i;

	switch (state) {
	case SBP2X_SESSION_IDLE:
		break;
	case SBP2X_SESSION_LOGGING_IN:
		post(w, SBP2X_EVENT_START);
		take(w, ORB_LOGIN);
		break;
	case SBP2X_SESSION_LOGGED_IN:
		log_in(w, 3);
		break;
	case SBP2X_SESSION_SUSPENDED:
		log_in(w, 3);
		unannounced_reset(w);
		break;
	case SBP2X_SESSION_RECONNECTING:
		log_in(w, 3);
		bus_reset(w);
		take(w, ORB_RECONNECT);
		break;
	case SBP2X_SESSION_WITHDRAWING:
		post(w, SBP2X_EVENT_START);
		take(w, ORB_LOGIN);
		post(w, SBP2X_EVENT_STOP);
		break;
	case SBP2X_SESSION_LOGGING_OUT:
		log_in(w, 3);
		post(w, SBP2X_EVENT_STOP);
		take(w, ORB_LOGOUT);
		break;
	case SBP2X_SESSION_FAILED:
		post(w, SBP2X_EVENT_START);
		for (i = 0; i < 13; i++) {
			refuse(w);
			advance(w, 2000);
		}
		break;
	case SBP2X_SESSION_LOGGED_OUT:
		log_in(w, 3);
		post(w, SBP2X_EVENT_LEAVE);
		take(w, ORB_LOGOUT);
		answer(w, YES);
		break;
	default:
		post(w, SBP2X_EVENT_GONE);
		break;
	}
	KUNIT_ASSERT_EQ(w->test, sbp2x_session_state(&w->session), state);
}

static const struct end_case {
	enum sbp2x_session_state from;
	const char *after_stop;
	const char *edges;	/* in all, one "down" each */
} ends[] = {
	{ SBP2X_SESSION_IDLE, "gone", "down" },
	{ SBP2X_SESSION_LOGGING_IN, "withdrawing", "down" },
	{ SBP2X_SESSION_LOGGED_IN, "logging out", "up down" },
	{ SBP2X_SESSION_SUSPENDED, "gone", "up down" },
	{ SBP2X_SESSION_RECONNECTING, "withdrawing", "up down" },
	{ SBP2X_SESSION_WITHDRAWING, "withdrawing", "down" },
	{ SBP2X_SESSION_LOGGING_OUT, "logging out", "up down" },
	{ SBP2X_SESSION_FAILED, "gone", "down" },
	{ SBP2X_SESSION_LOGGED_OUT, "gone", "up down" },
	{ SBP2X_SESSION_GONE, "gone", "down" },
};

static void end_describe(const struct end_case *c, char *name)
{
	strscpy(name, sbp2x_session_state_name(c->from), KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(end, ends, end_describe);

static void test_stop(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct world *w = test->priv;

	reach(w, c->from);
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, c->after_stop);
	EXPECT_EDGES(w, c->edges);

	/* Bounded, though the target does not say a word any more */
	w->bus.dead = true;
	while (w->bus.count)
		sbp2x_fake_bus_end(&w->bus, MANAGEMENT_AGENT, RCODE_NO_ACK);
	advance(w, 7000);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, c->edges);
}

static void test_gone(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct world *w = test->priv;
	unsigned int event, sent;

	reach(w, c->from);
	sent = w->bus.sent;
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, c->edges);
	KUNIT_EXPECT_FALSE(test, sbp2x_session_is_busy(&w->session));

	/* And nothing rouses it */
	expect_disbelieved(w, w->bus.path.node_id, w->bus.path.generation);
	for (event = 0; event < SBP2X_EVENTS_POSTED; event++)
		post(w, event);
	bus_reset(w);
	advance(w, 3600 * MSEC_PER_SEC);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, c->edges);
	EXPECT_QUIET(w);
	KUNIT_EXPECT_EQ(test, w->bus.sent, sent);
}

/* No deadline is left to fire when it is all over */
static void expect_no_deadline(struct world *w)
{
	KUNIT_EXPECT_NULL(w->test, timerqueue_getnext(&w->scheduler.queue));
}

static void test_gone_while_pausing(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	refuse(w);
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	expect_no_deadline(w);
}

static void test_gone_while_suspended(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	unannounced_reset(w);
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	expect_no_deadline(w);
}

/* The management is shut down underneath: no state waits for ever */
static void test_shutdown(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct world *w = test->priv;

	reach(w, c->from);
	sbp2x_management_shutdown(&w->management);
	bus_reset(w);
	/* Logged out it waits for nothing but the user */
	if (c->from == SBP2X_SESSION_LOGGED_OUT)
		post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "gone");
	/* A failed session tries once more, and is down again */
	EXPECT_EDGES(w, c->from == SBP2X_SESSION_FAILED ? "down down" :
							  c->edges);
	EXPECT_QUIET(w);
}

static void test_deadlines_refused(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_scheduler_shutdown(&w->scheduler);
	unannounced_reset(w);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

/* Of events that wait together, the end comes first */

static void test_gone_overtakes_reset(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	post_both(w, SBP2X_EVENT_RESET, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
	KUNIT_EXPECT_EQ(test, w->bus.sent, 4);
}

static void test_stop_overtakes_start(struct kunit *test)
{
	struct world *w = test->priv;

	post_both(w, SBP2X_EVENT_START, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "gone");
	EXPECT_QUIET(w);
	KUNIT_EXPECT_EQ(test, w->bus.sent, 0);
}

/* A login can only be logged out of in the generation it was reconnected in */
static void test_reset_precedes_stop(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	post_both(w, SBP2X_EVENT_STOP, SBP2X_EVENT_RESET);
	EXPECT_STATE(w, "withdrawing");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

/* The fetch agent does not let itself be reset */

static void lose_agent(struct world *w)
{
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	end_write(w, AGENT_RESET, 0, 4, RCODE_ADDRESS_ERROR);
}

static void test_agent_lost(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	lose_agent(w);
	EXPECT_STATE(w, "idle");
	EXPECT_EDGES(w, "up lost");
	KUNIT_EXPECT_TRUE(test, sbp2x_session_is_busy(&w->session));
	advance(w, 99);
	EXPECT_QUIET(w);
	advance(w, 1);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGOUT);
	EXPECT_QUIET(w);
	answer(w, YES);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
}

/* The LOGOUT before the fresh LOGIN has its own timeout, and no veto */
static void test_agent_lost_logout_timed_out(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	lose_agent(w);
	advance(w, 100);
	take(w, ORB_LOGOUT);
	advance(w, 1999);
	EXPECT_QUIET(w);
	advance(w, 1);
	take(w, ORB_LOGIN);
	advance(w, 5000);
	EXPECT_STATE(w, "idle");
	/* There is no login any more to log out of */
	advance(w, 200);
	take(w, ORB_LOGIN);
}

/* A bus reset during that LOGOUT: a LOGIN in the new generation, one only */
static void test_agent_lost_reset_during_logout(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	lose_agent(w);
	advance(w, 100);
	take(w, ORB_LOGOUT);
	bus_reset(w);
	EXPECT_STATE(w, "logging in");
	take(w, ORB_LOGIN);
	EXPECT_QUIET(w);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
	EXPECT_QUIET(w);
}

static void test_agent_lost_gone_during_logout(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	lose_agent(w);
	advance(w, 100);
	take(w, ORB_LOGOUT);
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	expect_disbelieved(w, 0xffc1, 1);
	expect_no_deadline(w);
	EXPECT_QUIET(w);
}

static void test_agent_lost_then_reset(struct kunit *test)
{
	struct world *w = test->priv;

	post(w, SBP2X_EVENT_START);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	lose_agent(w);
	bus_reset(w);
	/* What was not reconnected is gone: no LOGOUT */
	take(w, ORB_LOGIN);
	EXPECT_QUIET(w);
	accept_login(w, 3);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up lost up");
}

/* The bus was reset underneath: that is no reason to give the login up */
static void test_agent_lost_in_an_old_generation(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	post(w, SBP2X_EVENT_AGENT_LOST);
	EXPECT_STATE(w, "reconnecting");
	EXPECT_EDGES(w, "up");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_EDGES(w, "up");
}

static void test_agent_lost_and_reset_together(struct kunit *test)
{
	struct world *w = test->priv;

	log_in(w, 3);
	sbp2x_fake_bus_reset(&w->bus);
	post_both(w, SBP2X_EVENT_AGENT_LOST, SBP2X_EVENT_RESET);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	EXPECT_STATE(w, "logged in");
	EXPECT_EDGES(w, "up");
}

/* A login after which the agent is lost each time is worth nothing */
static void test_agent_lost_again_and_again(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int i;

	post(w, SBP2X_EVENT_START);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		take(w, ORB_LOGIN);
		accept_login(w, 3);
		lose_agent(w);
		EXPECT_STATE(w, "idle");
		w->edges[0] = '\0';
		advance(w, pauses[i] - 1);
		EXPECT_QUIET(w);
		advance(w, 1);
		take(w, ORB_LOGOUT);
		answer(w, YES);
	}
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	lose_agent(w);
	EXPECT_STATE(w, "failed");
	EXPECT_EDGES(w, "up down");
	advance(w, 60000);
	EXPECT_QUIET(w);

	/* The target still has that login */
	post(w, SBP2X_EVENT_STOP);
	EXPECT_STATE(w, "logging out");
	take(w, ORB_LOGOUT);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	EXPECT_EDGES(w, "up down");
}

struct test_task {
	struct sbp2x_task task;
	unsigned int done;
};

static void task_done(struct sbp2x_task *task, enum sbp2x_task_outcome outcome,
		      const struct sbp2x_status_block *status, size_t length)
{
	struct test_task *t = container_of(task, struct test_task, task);

	t->done++;
}

/* @count commands: TEST UNIT READY */
static struct test_task *new_tasks(struct kunit *test, unsigned int count)
{
	static const u8 test_unit_ready[6];
	struct test_task *t = kunit_kcalloc(test, count, sizeof(*t),
					    GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < count; i++)
		t[i].task = (struct sbp2x_task) {
			.cdb = test_unit_ready,
			.cdb_length = sizeof(test_unit_ready),
			.data.direction = DMA_NONE,
			.done = task_done,
		};
	return t;
}

static int submit(struct world *w, struct test_task *t)
{
	return sbp2x_session_submit(&w->session, &t->task);
}

/* The target has the task; its status says that it is done */
static void end_task(struct world *w, struct test_task *t)
{
	struct sbp2x_inbound in = {
		.tcode = TCODE_WRITE_BLOCK_REQUEST,
		.source = w->bus.path.node_id,
		.generation = w->bus.path.generation,
		.length = 8,
	};
	struct sbp2x_status_block status = {
		.header = cpu_to_be32(0x41000000),
	};
	u64 orb;

	orb = sbp2x_fake_bus_oldest(&w->bus, ORB_POINTER)->value;
	end_write(w, ORB_POINTER, orb, 8, RCODE_COMPLETE);
	status.orb_offset_lo = cpu_to_be32(orb);
	KUNIT_EXPECT_TRUE(w->test, sbp2x_agent_status(&w->session.agent, &in,
						      &status));
	KUNIT_EXPECT_EQ(w->test, t->done, 1);
}

/* It worked in between, so counting starts anew */
static void test_agent_lost_after_work(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 1);
	struct world *w = test->priv;
	unsigned int i;

	post(w, SBP2X_EVENT_START);
	for (i = 0; i < 3; i++) {
		take(w, ORB_LOGIN);
		accept_login(w, 3);
		lose_agent(w);
		advance(w, pauses[i]);
		take(w, ORB_LOGOUT);
		answer(w, YES);
	}
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	expect_agent_start(w);
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	end_task(w, t);
	/* As the SCSI error handler does when nothing else helps */
	post(w, SBP2X_EVENT_AGENT_LOST);
	EXPECT_STATE(w, "idle");
	advance(w, 99);
	EXPECT_QUIET(w);
	advance(w, 1);
	take(w, ORB_LOGOUT);
}

/*
 * Other than after a bus reset, the target may still work on a task whose
 * agent is lost: it does not end before the next login's agent reset.
 */
static void test_agent_lost_with_a_task(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 1);
	struct world *w = test->priv;

	log_in(w, 3);
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	sbp2x_fake_bus_end(&w->bus, ORB_POINTER, RCODE_DATA_ERROR);
	end_write(w, AGENT_RESET, 0, 4, RCODE_ADDRESS_ERROR);
	EXPECT_EDGES(w, "up lost");

	advance(w, 100);
	take(w, ORB_LOGOUT);
	answer(w, YES);
	take(w, ORB_LOGIN);
	accept_login(w, 3);
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, t->done, 0);
	end_write(w, AGENT_RESET, 0, 4, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, t->done, 1);
	end_write(w, UNSOLICITED_ENABLE, 1, 4, RCODE_COMPLETE);
	EXPECT_EDGES(w, "up lost up");
}

/*
 * The first of three tasks is at the target. Both halves in one
 * function would need a larger stack frame than clang allows.
 */
static noinline void stop_with_tasks(struct kunit *test, struct test_task *t)
{
	struct world *w = test->priv;

	/* With the stop one that waits fails; the target has the other one ... */
	KUNIT_EXPECT_EQ(test, 0, submit(w, &t[1]));
	post(w, SBP2X_EVENT_STOP);
	KUNIT_EXPECT_EQ(test, t[1].done, 1);
	KUNIT_EXPECT_EQ(test, t[0].done, 0);
	KUNIT_EXPECT_EQ(test, submit(w, &t[2]), -ENODEV);
	/* ... until the login has ended */
	sbp2x_fake_bus_end(&w->bus, ORB_POINTER, RCODE_COMPLETE);
	take(w, ORB_LOGOUT);
	KUNIT_EXPECT_EQ(test, t[0].done, 0);
	answer(w, YES);
	EXPECT_STATE(w, "gone");
	KUNIT_EXPECT_EQ(test, t[0].done, 1);
	KUNIT_EXPECT_EQ(test, t[1].done, 1);
	KUNIT_EXPECT_EQ(test, t[2].done, 0);
}

/* Tasks over a bus reset, and after the end */
static void test_tasks_and_states(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 3);
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, submit(w, &t[0]), -ENODEV);

	/* While suspended and reconnecting a task waits */
	log_in(w, 3);
	unannounced_reset(w);
	KUNIT_EXPECT_EQ(test, 0, submit(w, &t[0]));
	EXPECT_QUIET(w);
	find(w);
	take(w, ORB_RECONNECT);
	EXPECT_QUIET(w);
	answer(w, YES);
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	end_write(w, AGENT_RESET, 0, 4, RCODE_COMPLETE);
	end_write(w, UNSOLICITED_ENABLE, 1, 4, RCODE_COMPLETE);
	sbp2x_fake_bus_oldest(&w->bus, ORB_POINTER);
	KUNIT_EXPECT_EQ(test, t[0].done, 0);

	stop_with_tasks(test, t);
}

/* Nothing is waited for where nobody can answer a LOGOUT */
static void test_task_at_target_gone(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 1);
	struct world *w = test->priv;

	log_in(w, 3);
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	sbp2x_fake_bus_end(&w->bus, ORB_POINTER, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, t->done, 0);
	post(w, SBP2X_EVENT_GONE);
	EXPECT_STATE(w, "gone");
	KUNIT_EXPECT_EQ(test, t->done, 1);
}

/*
 * The target has a task, and forgets it with a bus reset that nobody tells
 * of: half a second is what firewire-core takes where the target initiated it
 */
static void test_reset_with_a_task(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 1);
	struct world *w = test->priv;

	t->task.repeatable = true;
	log_in(w, 3);
	advance(w, 5000);
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	sbp2x_fake_bus_end(&w->bus, ORB_POINTER, RCODE_COMPLETE);
	advance(w, 995);
	sbp2x_fake_bus_reset(&w->bus);
	advance(w, 4);
	EXPECT_STATE(w, "logged in");
	advance(w, 1);
	EXPECT_STATE(w, "reconnecting");
	take(w, ORB_RECONNECT);
	answer(w, YES);
	end_write(w, BUSY_TIMEOUT, 0x000c800f, 4, RCODE_COMPLETE);
	end_write(w, AGENT_RESET, 0, 4, RCODE_COMPLETE);
	end_write(w, UNSOLICITED_ENABLE, 1, 4, RCODE_COMPLETE);
	end_task(w, t);
	EXPECT_EDGES(w, "up");
}

/* Nobody looks while there is nothing to lose */
static void test_watch_ends_with_the_tasks(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 1);
	struct world *w = test->priv;

	log_in(w, 3);
	expect_no_deadline(w);
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	advance(w, 100);
	KUNIT_EXPECT_NOT_NULL(test, timerqueue_getnext(&w->scheduler.queue));
	end_task(w, t);
	advance(w, 10);
	expect_no_deadline(w);

	/* And begins again with the next one */
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	KUNIT_EXPECT_NOT_NULL(test, timerqueue_getnext(&w->scheduler.queue));
}

/* A reset is seen, but not where the target is: suspended until it is known */
static void test_task_of_a_target_away(struct kunit *test)
{
	struct test_task *t = new_tasks(test, 1);
	struct world *w = test->priv;

	log_in(w, 3);
	KUNIT_ASSERT_EQ(test, 0, submit(w, t));
	sbp2x_fake_bus_end(&w->bus, ORB_POINTER, RCODE_COMPLETE);
	sbp2x_fake_bus_lose(&w->bus);
	advance(w, 10);
	EXPECT_STATE(w, "suspended");
	KUNIT_EXPECT_EQ(test, t->done, 1);
	advance(w, 540);
	EXPECT_STATE(w, "suspended");
	find(w);
	EXPECT_STATE(w, "reconnecting");
	EXPECT_EDGES(w, "up");
}

/* Unsolicited status */

static void send_unsolicited(struct world *w)
{
	struct sbp2x_inbound in = {
		.tcode = TCODE_WRITE_BLOCK_REQUEST,
		.source = w->bus.path.node_id,
		.generation = w->bus.path.generation,
		.length = 8,
	};
	/* src 2, len 1 */
	struct sbp2x_status_block status = {
		.header = cpu_to_be32(0x81000000),
	};

	KUNIT_EXPECT_TRUE(w->test, sbp2x_agent_status(&w->session.agent, &in,
						      &status));
}

static void test_unsolicited_status(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int i;

	/* Armed once by the start, then again after each */
	log_in(w, 3);
	for (i = 0; i < 3; i++) {
		send_unsolicited(w);
		end_write(w, UNSOLICITED_ENABLE, 1, 4, RCODE_COMPLETE);
		EXPECT_QUIET(w);
	}
	bus_reset(w);
	take(w, ORB_RECONNECT);
	answer(w, YES);
	expect_agent_start(w);
	send_unsolicited(w);
	end_write(w, UNSOLICITED_ENABLE, 1, 4, RCODE_COMPLETE);
	EXPECT_STATE(w, "logged in");
}

static struct kunit_case session_test_cases[] = {
	KUNIT_CASE(test_every_step),
	KUNIT_CASE(test_counting),
	KUNIT_CASE(test_pauses),
	KUNIT_CASE(test_login),
	KUNIT_CASE(test_login_exclusive),
	KUNIT_CASE(test_login_refused),
	KUNIT_CASE(test_login_timed_out),
	KUNIT_CASE(test_login_not_acknowledged),
	KUNIT_CASE_PARAM(test_login_unreadable, unreadable_gen_params),
	KUNIT_CASE(test_login_unreadable_fails),
	KUNIT_CASE(test_login_agent_at_the_edges),
	KUNIT_CASE_PARAM(test_timeouts, timeout_gen_params),
	KUNIT_CASE(test_held_by_another),
	KUNIT_CASE(test_held_by_ourselves),
	KUNIT_CASE(test_held_by_ourselves_without_resources),
	KUNIT_CASE(test_query_not_answered),
	KUNIT_CASE(test_query_not_supported),
	KUNIT_CASE(test_query_only_where_it_helps),
	KUNIT_CASE(test_reset_during_query),
	KUNIT_CASE(test_gone_during_query),
	KUNIT_CASE_PARAM(test_query_response, query_gen_params),
	KUNIT_CASE(test_password),
	KUNIT_CASE(test_reset_before_login_is_taken),
	KUNIT_CASE(test_reset_interrupts_login),
	KUNIT_CASE(test_reset_never_told),
	KUNIT_CASE(test_reset_not_to_be_seen),
	KUNIT_CASE(test_reset_while_login_is_taken),
	KUNIT_CASE(test_reset_after_login_is_taken),
	KUNIT_CASE(test_reset_while_pausing),
	KUNIT_CASE(test_reset_told_late),
	KUNIT_CASE(test_reset_while_login_waits),
	KUNIT_CASE(test_reconnect),
	KUNIT_CASE(test_agent_notices_the_reset),
	KUNIT_CASE(test_stale_and_reset_together),
	KUNIT_CASE(test_reconnect_unasked),
	KUNIT_CASE(test_reconnect_refused),
	KUNIT_CASE(test_reconnect_not_acknowledged),
	KUNIT_CASE(test_reconnect_acknowledged_later),
	KUNIT_CASE(test_reconnect_exhausted),
	KUNIT_CASE(test_reconnect_lost),
	KUNIT_CASE(test_reconnect_bounded),
	KUNIT_CASE(test_reconnect_answered_late),
	KUNIT_CASE(test_hold_over_in_the_queue),
	KUNIT_CASE_PARAM(test_hold, hold_gen_params),
	KUNIT_CASE(test_hold_counts_from_the_reset),
	KUNIT_CASE(test_hold_begins_anew),
	KUNIT_CASE(test_hold_over_while_away),
	KUNIT_CASE(test_reset_while_reconnecting),
	KUNIT_CASE(test_reset_interrupts_reconnect),
	KUNIT_CASE(test_reset_while_reconnect_is_taken),
	KUNIT_CASE(test_reset_with_the_answer),
	KUNIT_CASE(test_resets_in_a_row),
	KUNIT_CASE(test_missing_back_in_time),
	KUNIT_CASE(test_missing_back_too_late),
	KUNIT_CASE(test_missing_for_good),
	KUNIT_CASE(test_logout),
	KUNIT_CASE(test_leave),
	KUNIT_CASE(test_leave_not_answered),
	KUNIT_CASE(test_logout_refused),
	KUNIT_CASE(test_logout_timed_out),
	KUNIT_CASE(test_logout_not_acknowledged),
	KUNIT_CASE(test_logout_while_suspended),
	KUNIT_CASE(test_logout_in_a_new_generation),
	KUNIT_CASE(test_reset_while_logging_out),
	KUNIT_CASE(test_reset_interrupts_logout),
	KUNIT_CASE(test_leave_and_return),
	KUNIT_CASE(test_withdraw_login),
	KUNIT_CASE(test_withdraw_login_refused),
	KUNIT_CASE(test_withdraw_login_timed_out),
	KUNIT_CASE(test_withdraw_login_unreadable),
	KUNIT_CASE(test_withdraw_login_interrupted),
	KUNIT_CASE(test_withdraw_reconnect),
	KUNIT_CASE(test_withdraw_reconnect_unanswered),
	KUNIT_CASE_PARAM(test_stop, end_gen_params),
	KUNIT_CASE_PARAM(test_gone, end_gen_params),
	KUNIT_CASE(test_gone_while_pausing),
	KUNIT_CASE(test_gone_while_suspended),
	KUNIT_CASE_PARAM(test_shutdown, end_gen_params),
	KUNIT_CASE(test_deadlines_refused),
	KUNIT_CASE(test_gone_overtakes_reset),
	KUNIT_CASE(test_stop_overtakes_start),
	KUNIT_CASE(test_reset_precedes_stop),
	KUNIT_CASE(test_agent_lost),
	KUNIT_CASE(test_agent_lost_logout_timed_out),
	KUNIT_CASE(test_agent_lost_reset_during_logout),
	KUNIT_CASE(test_agent_lost_gone_during_logout),
	KUNIT_CASE(test_agent_lost_then_reset),
	KUNIT_CASE(test_agent_lost_in_an_old_generation),
	KUNIT_CASE(test_agent_lost_and_reset_together),
	KUNIT_CASE(test_agent_lost_again_and_again),
	KUNIT_CASE(test_agent_lost_after_work),
	KUNIT_CASE(test_agent_lost_with_a_task),
	KUNIT_CASE(test_tasks_and_states),
	KUNIT_CASE(test_task_at_target_gone),
	KUNIT_CASE(test_reset_with_a_task),
	KUNIT_CASE(test_watch_ends_with_the_tasks),
	KUNIT_CASE(test_task_of_a_target_away),
	KUNIT_CASE(test_unsolicited_status),
	{}
};

static struct kunit_suite session_test_suite = {
	.name = "sbp2x-session",
	.init = session_test_init,
	.exit = session_test_exit,
	.test_cases = session_test_cases,
};

kunit_test_suite(session_test_suite);
