/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of one login: logging in, reconnecting after bus resets, logging
 * out (SBP-2 clause 8).
 *
 * sbp2x_session_step() is the whole of the policy, and pure. The glue
 * performs its actions. All of it runs on the scheduler's ordered workqueue;
 * only sbp2x_session_post() and the queries may be called from elsewhere.
 */
#ifndef SBP2X_SESSION_H
#define SBP2X_SESSION_H

#include <linux/wait.h>
#include <linux/workqueue.h>

#include "agent.h"
#include "management.h"

/**
 * enum sbp2x_session_state
 * @SBP2X_SESSION_IDLE: not logged in; waits for a start, a retry or a reset
 * @SBP2X_SESSION_LOGGING_IN: LOGIN is queued or sent
 * @SBP2X_SESSION_LOGGED_IN: tasks flow
 * @SBP2X_SESSION_SUSPENDED: a bus reset came; the target holds our login
 * @SBP2X_SESSION_RECONNECTING: RECONNECT is queued or sent
 * @SBP2X_SESSION_WITHDRAWING: LOGIN or RECONNECT is sent, but its owner wants
 *			       out: as soon as it succeeds, log out
 * @SBP2X_SESSION_LOGGING_OUT: LOGOUT is queued or sent
 * @SBP2X_SESSION_FAILED: gave up; a bus reset tries again
 * @SBP2X_SESSION_LOGGED_OUT: the user wants it so, until a start
 * @SBP2X_SESSION_GONE: over
 */
enum sbp2x_session_state {
	SBP2X_SESSION_IDLE,
	SBP2X_SESSION_LOGGING_IN,
	SBP2X_SESSION_LOGGED_IN,
	SBP2X_SESSION_SUSPENDED,
	SBP2X_SESSION_RECONNECTING,
	SBP2X_SESSION_WITHDRAWING,
	SBP2X_SESSION_LOGGING_OUT,
	SBP2X_SESSION_FAILED,
	SBP2X_SESSION_LOGGED_OUT,
	SBP2X_SESSION_GONE,
	SBP2X_SESSION_STATES,
};

/**
 * enum sbp2x_session_event
 *
 * Those up to and including @SBP2X_EVENT_AGENT_LOST can be posted; they are
 * handled in this order where several wait. The others come from the
 * session's own operation and deadlines.
 *
 * @SBP2X_EVENT_GONE: the target is gone for good, or there is no more time
 * @SBP2X_EVENT_STALE: the agent found that its generation is over; the bus
 *		       reset will be told of
 * @SBP2X_EVENT_RESET: a bus reset is over, the target is there
 * @SBP2X_EVENT_STOP: log out, for good
 * @SBP2X_EVENT_LEAVE: log out, until a start
 * @SBP2X_EVENT_START: log in
 * @SBP2X_EVENT_AGENT_LOST: the fetch agent does not answer, log in afresh;
 *			    it holds its tasks already
 * @SBP2X_EVENT_ACCEPTED: the operation succeeded
 * @SBP2X_EVENT_REFUSED: the target's answer is no
 * @SBP2X_EVENT_UNANSWERED: timeout, failed write, unreadable response
 * @SBP2X_EVENT_INTERRUPTED: a bus reset ended the operation
 * @SBP2X_EVENT_RETRY: the pause is over
 * @SBP2X_EVENT_HOLD_OVER: the reconnect hold that the target granted is over
 * @SBP2X_EVENT_EXHAUSTED: made by a step itself, when it would pause once
 *			   more but did so often enough
 */
enum sbp2x_session_event {
	SBP2X_EVENT_GONE,
	SBP2X_EVENT_STALE,
	SBP2X_EVENT_RESET,
	SBP2X_EVENT_STOP,
	SBP2X_EVENT_LEAVE,
	SBP2X_EVENT_START,
	SBP2X_EVENT_AGENT_LOST,
	SBP2X_EVENTS_POSTED,
	SBP2X_EVENT_ACCEPTED = SBP2X_EVENTS_POSTED,
	SBP2X_EVENT_REFUSED,
	SBP2X_EVENT_UNANSWERED,
	SBP2X_EVENT_INTERRUPTED,
	SBP2X_EVENT_RETRY,
	SBP2X_EVENT_HOLD_OVER,
	SBP2X_EVENT_EXHAUSTED,
	SBP2X_EVENTS,
};

/* What is to be done on a step, in this order */
#define SBP2X_DO_FORGET		BIT(0)	/* cancel the operation, if any */
#define SBP2X_DO_HOLD_TASKS	BIT(1)	/* the target forgot its tasks */
#define SBP2X_DO_FAIL_TASKS	BIT(2)	/* refuse new ones; see login_over() */
#define SBP2X_DO_FLOW_TASKS	BIT(3)	/* start the agent */
#define SBP2X_DO_HOLD		BIT(4)	/* the reconnect hold begins now */
#define SBP2X_DO_PAUSE		BIT(5)	/* retry, the later the more often */
#define SBP2X_DO_AWAIT_RESET	BIT(6)	/* retry if no bus reset is told of */
#define SBP2X_DO_TELL_UP	BIT(7)
#define SBP2X_DO_TELL_LOST	BIT(8)
#define SBP2X_DO_TELL_DOWN	BIT(9)
#define SBP2X_DO_LOGIN		BIT(10)	/* after LOGOUT, if still logged in */
#define SBP2X_DO_RECONNECT	BIT(11)
#define SBP2X_DO_LOGOUT		BIT(12)	/* if still logged in */

/* Pauses between attempts: 100 ms doubling up to 2 s; 12 of them make 17 s */
#define SBP2X_SESSION_RETRIES		12
#define SBP2X_SESSION_PAUSE_MS		100U
#define SBP2X_SESSION_PAUSE_MAX_MS	2000U

/*
 * A bus reset that ended an operation will be told of; but not one that comes
 * while firewire-core is still making the device.
 */
#define SBP2X_SESSION_AWAIT_RESET_MS	2000U

/*
 * How often the session looks for a bus reset itself, while tasks wait, and
 * while an operation is under way. firewire-core tells at once of most, but
 * half a second late of one that the target initiated, and two seconds after
 * the cable was pulled of a replug.
 */
#define SBP2X_SESSION_WATCH_MS		10U
#define SBP2X_SESSION_WATCH_OP_MS	100U

/* mgt_ORB_timeout is clamped to this; other functions get at least OTHER */
#define SBP2X_LOGIN_TIMEOUT_MIN_MS	5000U
#define SBP2X_LOGIN_TIMEOUT_MAX_MS	40000U
#define SBP2X_OTHER_TIMEOUT_MS		2000U

/* LOGIN asks for a hold of 2^2 seconds, as long as most bridges grant */
#define SBP2X_LOGIN_RECONNECT		2

/* A RECONNECT that is under way when the hold ends is waited for as long */
#define SBP2X_RECONNECT_GRACE_MS	1000U

/**
 * struct sbp2x_session_view - all that a step depends on
 * @state: where the session is
 * @retries: failures in a row
 */
struct sbp2x_session_view {
	enum sbp2x_session_state state;
	unsigned int retries;
};

/**
 * sbp2x_session_step() - what follows from an event; pure
 * @view: changed to what is then
 * @event: what happened
 *
 * Return: SBP2X_DO_* flags; 0 where the event is of no interest in that state,
 * and then nothing changes.
 */
u32 sbp2x_session_step(struct sbp2x_session_view *view,
		       enum sbp2x_session_event event);

/* sbp2x_session_pause_ms() - how long to wait after this many failures */
unsigned int sbp2x_session_pause_ms(unsigned int retries);

const char *sbp2x_session_state_name(enum sbp2x_session_state state);

/* sbp2x_session_can_leave() - is SBP2X_EVENT_LEAVE of any effect in @state? */
bool sbp2x_session_can_leave(enum sbp2x_session_state state);

/**
 * struct sbp2x_session_error - what failed last
 * @function: management function
 * @outcome: how; SBP2X_OP_ACCEPTED: nothing failed yet
 * @resp: of its status, where @outcome is SBP2X_OP_REFUSED
 * @sbp_status: likewise
 * @rcode: of the write, where @outcome is SBP2X_OP_WRITE_FAILED
 */
struct sbp2x_session_error {
	enum sbp2x_function function;
	enum sbp2x_management_outcome outcome;
	u8 resp;
	u8 sbp_status;
	int rcode;
};

struct sbp2x_session;

/**
 * struct sbp2x_session_ops - edges that the owner is told of
 *
 * On the workqueue. Each is told of once, when it happens.
 *
 * @up: logged in, for the first time or again after lost or down
 * @lost: the login was lost; logging in again
 * @down: tasks fail: gave up, perhaps once more, or the owner wants out
 */
struct sbp2x_session_ops {
	void (*up)(struct sbp2x_session *session);
	void (*lost)(struct sbp2x_session *session);
	void (*down)(struct sbp2x_session *session);
};

/**
 * struct sbp2x_session_config - what to log in to, and how
 * @lun: logical unit
 * @exclusive: ask for an exclusive login
 * @login_timeout_ms: mgt_ORB_timeout; clamped in here
 * @status_fifo: address that all status for this login goes to
 * @limits: of the tasks
 * @password: for LOGIN; may be changed on the workqueue
 * @password_length: bytes, 0 for none
 */
struct sbp2x_session_config {
	u16 lun;
	bool exclusive;
	unsigned int login_timeout_ms;
	u64 status_fifo;
	struct sbp2x_agent_limits limits;
	u8 password[SBP2X_MANAGEMENT_PASSWORD_MAX];
	u8 password_length;
};

struct sbp2x_session {
	struct sbp2x_bus *bus;
	struct sbp2x_memory *memory;
	struct sbp2x_scheduler *scheduler;
	struct sbp2x_management *management;
	const struct sbp2x_session_ops *ops;
	struct sbp2x_session_config config;
	struct sbp2x_agent agent;

	/* On the workqueue only; others may read view.state */
	struct sbp2x_session_view view;
	int generation;			/* that login_id is valid in, or -1 */
	u64 completed_before;		/* agent's tasks before this login */
	u16 login_id;
	u64 agent_address;
	unsigned int hold_s;		/* reconnect hold granted, seconds */
	ktime_t hold_until;		/* when it ends for this bus reset ... */
	int hold_generation;		/* ... which began this generation */
	struct sbp2x_operation op;
	struct sbp2x_operation logout;	/* that precedes a fresh LOGIN */
	struct sbp2x_operation query;	/* that follows a refused one */
	struct sbp2x_deadline retry;
	struct sbp2x_deadline hold;
	struct sbp2x_deadline watch;

	/* Any context */
	unsigned long watching;		/* bit 0: watch is set */
	/* Mailbox: bits of posted events */
	unsigned long posted;
	int stale_generation;
	struct work_struct work;
	wait_queue_head_t wait;		/* view.state changed */

	struct sbp2x_session_error last_error;
	struct {
		u64 logins, reconnects, lost, refused, unanswered;
	} count;
};

/* sbp2x_session_init() - may sleep. Return: 0 or a negative error */
int sbp2x_session_init(struct sbp2x_session *session,
		       struct sbp2x_memory *memory,
		       struct sbp2x_scheduler *scheduler,
		       struct sbp2x_management *management,
		       const struct sbp2x_session_ops *ops,
		       const struct sbp2x_session_config *config);

/* After GONE, when the bus is drained and the workqueue is empty */
void sbp2x_session_destroy(struct sbp2x_session *session);

/* sbp2x_session_post() - let @event happen, soon. Any context. */
void sbp2x_session_post(struct sbp2x_session *session,
			enum sbp2x_session_event event);

/**
 * sbp2x_session_submit() - like sbp2x_agent_submit(), for the session's agent
 *
 * While there are tasks the session looks for bus resets by itself: a target
 * that forgot them says nothing.
 */
int sbp2x_session_submit(struct sbp2x_session *session,
			 struct sbp2x_task *task);

enum sbp2x_session_state
sbp2x_session_state(const struct sbp2x_session *session);

/**
 * sbp2x_session_wait() - wait until the session is in one of @states
 * @states: BIT(state) of each
 * @timeout_ms: at most this long
 *
 * May sleep; not on the workqueue. Return: true if it is.
 */
bool sbp2x_session_wait(struct sbp2x_session *session, unsigned long states,
			unsigned int timeout_ms);

/*
 * True while tasks may have to wait for the session and it is trying:
 * a command's own timeout then says nothing of the device. Any context.
 */
bool sbp2x_session_is_busy(const struct sbp2x_session *session);

#endif
