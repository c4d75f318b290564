// SPDX-License-Identifier: GPL-2.0-only
/* The life of one login. */
#include "session.h"

#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/minmax.h>

#define ANSWER(s, e, n, d) \
	[SBP2X_SESSION_##s][SBP2X_EVENT_##e] = { SBP2X_SESSION_##n, d, true }

#define END	(SBP2X_DO_FORGET | SBP2X_DO_FAIL_TASKS | SBP2X_DO_UNHOLD | \
		 SBP2X_DO_TELL_DOWN)
#define RECONNECT	(SBP2X_DO_HOLD_TASKS | SBP2X_DO_HOLD | \
			 SBP2X_DO_RECONNECT)
#define LOGIN_AFRESH	(SBP2X_DO_DISOWN | SBP2X_DO_UNHOLD | \
			 SBP2X_DO_TELL_LOST | SBP2X_DO_LOGIN)
/* A login that was not reconnected is of no use in the new generation */
#define LOGIN_NEW_GENERATION	(SBP2X_DO_FORGET | SBP2X_DO_DISOWN | \
				 SBP2X_DO_RESET_RETRIES | SBP2X_DO_LOGIN)

/*
 * The answers to events, by state. Where there is none, nothing happens and
 * nothing changes: the event is of the past, or of no interest there.
 */
static const struct {
	enum sbp2x_session_state next;
	u32 actions;
	bool defined;
} answers[SBP2X_SESSION_STATES][SBP2X_EVENTS] = {
	ANSWER(IDLE, START, LOGGING_IN, SBP2X_DO_LOGIN),
	ANSWER(IDLE, RESET, LOGGING_IN, LOGIN_NEW_GENERATION),
	ANSWER(IDLE, RETRY, LOGGING_IN, SBP2X_DO_LOGIN),
	ANSWER(IDLE, STOP, GONE, END),
	ANSWER(IDLE, GONE, GONE, END),

	ANSWER(LOGGING_IN, ACCEPTED, LOGGED_IN, SBP2X_DO_FLOW_TASKS |
						SBP2X_DO_TELL_UP),
	ANSWER(LOGGING_IN, REFUSED, IDLE, SBP2X_DO_PAUSE),
	ANSWER(LOGGING_IN, UNANSWERED, IDLE, SBP2X_DO_PAUSE),
	ANSWER(LOGGING_IN, EXHAUSTED, FAILED, SBP2X_DO_FAIL_TASKS |
					      SBP2X_DO_TELL_DOWN),
	ANSWER(LOGGING_IN, INTERRUPTED, IDLE, 0),
	ANSWER(LOGGING_IN, RESET, LOGGING_IN, LOGIN_NEW_GENERATION),
	ANSWER(LOGGING_IN, STOP, WITHDRAWING, SBP2X_DO_FAIL_TASKS),
	ANSWER(LOGGING_IN, GONE, GONE, END),

	ANSWER(LOGGED_IN, STALE, SUSPENDED, SBP2X_DO_HOLD_TASKS |
					    SBP2X_DO_HOLD),
	ANSWER(LOGGED_IN, RESET, RECONNECTING, SBP2X_DO_RESET_RETRIES |
					       RECONNECT),
	ANSWER(LOGGED_IN, AGENT_LOST, IDLE, SBP2X_DO_HOLD_TASKS |
					    SBP2X_DO_TELL_LOST |
					    SBP2X_DO_PAUSE),
	ANSWER(LOGGED_IN, EXHAUSTED, FAILED, SBP2X_DO_FAIL_TASKS |
					     SBP2X_DO_TELL_DOWN),
	ANSWER(LOGGED_IN, STOP, LOGGING_OUT, SBP2X_DO_FAIL_TASKS |
					     SBP2X_DO_LOGOUT),
	ANSWER(LOGGED_IN, GONE, GONE, END),

	ANSWER(SUSPENDED, RESET, RECONNECTING, SBP2X_DO_RESET_RETRIES |
					       RECONNECT),
	ANSWER(SUSPENDED, RETRY, RECONNECTING, SBP2X_DO_RECONNECT),
	ANSWER(SUSPENDED, HOLD_OVER, LOGGING_IN, LOGIN_AFRESH),
	ANSWER(SUSPENDED, STOP, GONE, END),
	ANSWER(SUSPENDED, GONE, GONE, END),

	ANSWER(RECONNECTING, ACCEPTED, LOGGED_IN, SBP2X_DO_UNHOLD |
						  SBP2X_DO_FLOW_TASKS),
	ANSWER(RECONNECTING, REFUSED, LOGGING_IN, LOGIN_AFRESH),
	ANSWER(RECONNECTING, UNANSWERED, SUSPENDED, SBP2X_DO_PAUSE),
	ANSWER(RECONNECTING, EXHAUSTED, LOGGING_IN, SBP2X_DO_RESET_RETRIES |
						    LOGIN_AFRESH),
	ANSWER(RECONNECTING, INTERRUPTED, SUSPENDED, 0),
	ANSWER(RECONNECTING, HOLD_OVER, LOGGING_IN, SBP2X_DO_FORGET |
						    LOGIN_AFRESH),
	ANSWER(RECONNECTING, RESET, RECONNECTING, SBP2X_DO_FORGET |
						  SBP2X_DO_RESET_RETRIES |
						  RECONNECT),
	ANSWER(RECONNECTING, STOP, WITHDRAWING, SBP2X_DO_FAIL_TASKS |
						SBP2X_DO_UNHOLD),
	ANSWER(RECONNECTING, GONE, GONE, END),

	ANSWER(WITHDRAWING, ACCEPTED, LOGGING_OUT, SBP2X_DO_LOGOUT),
	ANSWER(WITHDRAWING, REFUSED, GONE, END),
	ANSWER(WITHDRAWING, UNANSWERED, GONE, END),
	ANSWER(WITHDRAWING, INTERRUPTED, GONE, END),
	ANSWER(WITHDRAWING, RESET, GONE, END),
	ANSWER(WITHDRAWING, GONE, GONE, END),

	ANSWER(LOGGING_OUT, ACCEPTED, GONE, END),
	ANSWER(LOGGING_OUT, REFUSED, GONE, END),
	ANSWER(LOGGING_OUT, UNANSWERED, GONE, END),
	ANSWER(LOGGING_OUT, INTERRUPTED, GONE, END),
	/* The target drops the login when the hold is over */
	ANSWER(LOGGING_OUT, RESET, GONE, END),
	ANSWER(LOGGING_OUT, GONE, GONE, END),

	ANSWER(FAILED, START, LOGGING_IN, SBP2X_DO_RESET_RETRIES |
					  SBP2X_DO_LOGIN),
	ANSWER(FAILED, RESET, LOGGING_IN, LOGIN_NEW_GENERATION),
	ANSWER(FAILED, STOP, GONE, END),
	ANSWER(FAILED, GONE, GONE, END),
};

u32 sbp2x_session_step(struct sbp2x_session_view *view,
		       enum sbp2x_session_event event)
{
	enum sbp2x_session_state state = view->state;

	if (!answers[state][event].defined)
		return 0;

	if (answers[state][event].actions & SBP2X_DO_PAUSE) {
		if (view->retries >= SBP2X_SESSION_RETRIES)
			event = SBP2X_EVENT_EXHAUSTED;
		else
			view->retries++;
	}
	if (answers[state][event].actions & SBP2X_DO_RESET_RETRIES)
		view->retries = 0;

	view->state = answers[state][event].next;
	return answers[state][event].actions;
}

unsigned int sbp2x_session_pause_ms(unsigned int retries)
{
	unsigned int doublings = clamp(retries, 1U, 6U) - 1;

	return min(SBP2X_SESSION_PAUSE_MS << doublings,
		   SBP2X_SESSION_PAUSE_MAX_MS);
}

const char *sbp2x_session_state_name(enum sbp2x_session_state state)
{
	static const char * const names[SBP2X_SESSION_STATES] = {
		[SBP2X_SESSION_IDLE] = "idle",
		[SBP2X_SESSION_LOGGING_IN] = "logging in",
		[SBP2X_SESSION_LOGGED_IN] = "logged in",
		[SBP2X_SESSION_SUSPENDED] = "suspended",
		[SBP2X_SESSION_RECONNECTING] = "reconnecting",
		[SBP2X_SESSION_WITHDRAWING] = "withdrawing",
		[SBP2X_SESSION_LOGGING_OUT] = "logging out",
		[SBP2X_SESSION_FAILED] = "failed",
		[SBP2X_SESSION_GONE] = "gone",
	};

	return names[state];
}

/* The glue: from operations, deadlines and posts to events */

static void session_event(struct sbp2x_session *session,
			  enum sbp2x_session_event event);

static void log_refusal(struct sbp2x_session *session,
			const struct sbp2x_operation *op)
{
	u8 code = sbp2x_status_sbp_status(&op->status);
	struct device *log = session->bus->log;
	u16 lun = session->config.lun;

	/* The first refusal tells, the others would only repeat it */
	if (session->view.retries)
		return;

	if (code == SBP2X_STATUS_ACCESS_DENIED)
		dev_notice(log,
			   "LUN %04x: login refused, somebody else is logged in; trying again\n",
			   lun);
	else if (code == SBP2X_STATUS_RESOURCES_UNAVAILABLE)
		dev_notice(log,
			   "LUN %04x: login refused, the target has no login left; trying again\n",
			   lun);
	else
		dev_notice(log,
			   "LUN %04x: login refused with resp %u, sbp_status %#04x; trying again\n",
			   lun, sbp2x_status_resp(&op->status), code);
}

/* Believe nothing that would make us write to where no agent can be */
static bool login_response_parse(struct sbp2x_session *session,
				 const struct sbp2x_operation *op)
{
	const struct sbp2x_login_response *r = (const void *)op->response;
	unsigned int length = sbp2x_get(r->header, SBP2X_LOGIN_RESPONSE_LENGTH);
	u64 agent = sbp2x_pointer_offset(&r->command_block_agent);

	if (length < offsetof(typeof(*r), hold) || agent & 3 ||
	    agent < CSR_REGISTER_BASE + CSR_CONFIG_ROM_END) {
		dev_warn(session->bus->log,
			 "LUN %04x: unreadable login response (length %u, agent at %012llx); the device's firmware is at fault\n",
			 session->config.lun, length, agent);
		return false;
	}

	session->login_id = sbp2x_get(r->header, SBP2X_LOGIN_RESPONSE_LOGIN_ID);
	session->agent_address = agent;
	session->hold_s = 1;
	if (length >= sizeof(*r))
		session->hold_s += sbp2x_get(r->hold,
					     SBP2X_LOGIN_RESPONSE_HOLD);
	session->has_login = true;
	session->count.logins++;
	return true;
}

static enum sbp2x_session_event login_accepted(struct sbp2x_session *session,
					       struct sbp2x_operation *op)
{
	if (!login_response_parse(session, op))
		return SBP2X_EVENT_UNANSWERED;

	dev_notice(session->bus->log, "logged in to LUN %04x (%u retries)\n",
		   session->config.lun, session->view.retries);
	return SBP2X_EVENT_ACCEPTED;
}

static enum sbp2x_session_event op_accepted(struct sbp2x_session *session,
					    struct sbp2x_operation *op)
{
	session->generation = op->path.generation;
	session->completed_before = session->agent.count.completed;

	switch (op->function) {
	case SBP2X_FUNCTION_LOGIN:
		return login_accepted(session, op);
	case SBP2X_FUNCTION_RECONNECT:
		session->count.reconnects++;
		dev_dbg(session->bus->log, "reconnected to LUN %04x\n",
			session->config.lun);
		return SBP2X_EVENT_ACCEPTED;
	default:
		session->has_login = false;
		return SBP2X_EVENT_ACCEPTED;
	}
}

static enum sbp2x_session_event op_refused(struct sbp2x_session *session,
					   struct sbp2x_operation *op)
{
	session->count.refused++;
	if (op->function == SBP2X_FUNCTION_LOGIN)
		log_refusal(session, op);
	else
		session->has_login = false;
	return SBP2X_EVENT_REFUSED;
}

static void op_done(struct sbp2x_operation *op)
{
	struct sbp2x_session *session = container_of(op, typeof(*session), op);

	switch (op->outcome) {
	case SBP2X_OP_ACCEPTED:
		session_event(session, op_accepted(session, op));
		break;
	case SBP2X_OP_REFUSED:
		session_event(session, op_refused(session, op));
		break;
	case SBP2X_OP_STALE:
		session_event(session, SBP2X_EVENT_INTERRUPTED);
		break;
	case SBP2X_OP_CANCELLED:
		session_event(session, SBP2X_EVENT_GONE);
		break;
	default:
		session->count.unanswered++;
		dev_dbg(session->bus->log,
			"LUN %04x: function %u not answered, rcode %#x\n",
			session->config.lun, op->function, op->rcode);
		session_event(session, SBP2X_EVENT_UNANSWERED);
		break;
	}
}

/* The LOGOUT before a LOGIN afresh: whatever comes of it, LOGIN follows */
static void logout_first_done(struct sbp2x_operation *op)
{
	struct sbp2x_session *session = container_of(op, typeof(*session),
						     logout);

	session->has_login = false;
}

static unsigned int login_timeout_ms(const struct sbp2x_session *session)
{
	return clamp(session->config.login_timeout_ms,
		     SBP2X_LOGIN_TIMEOUT_MIN_MS, SBP2X_LOGIN_TIMEOUT_MAX_MS);
}

static void session_operate(struct sbp2x_session *session,
			    struct sbp2x_operation *op,
			    enum sbp2x_function function,
			    void (*done)(struct sbp2x_operation *op))
{
	bool login = function == SBP2X_FUNCTION_LOGIN;

	op->function = function;
	op->lun_or_login_id = login ? session->config.lun : session->login_id;
	op->exclusive = session->config.exclusive;
	op->reconnect = SBP2X_LOGIN_RECONNECT;
	op->status_fifo = session->config.status_fifo;
	op->timeout_ms = login ? login_timeout_ms(session) :
				 clamp(session->config.login_timeout_ms,
				       SBP2X_OTHER_TIMEOUT_MS,
				       SBP2X_LOGIN_TIMEOUT_MAX_MS);
	op->done = done;
	sbp2x_management_queue(session->management, op);
}

static void session_login(struct sbp2x_session *session)
{
	if (session->has_login)
		session_operate(session, &session->logout,
				SBP2X_FUNCTION_LOGOUT, logout_first_done);
	session_operate(session, &session->op, SBP2X_FUNCTION_LOGIN, op_done);
}

static void session_forget(struct sbp2x_session *session)
{
	sbp2x_management_cancel(session->management, &session->logout);
	sbp2x_management_cancel(session->management, &session->op);
}

/* Without a deadline nothing would go on: the driver is being shut down */
static void session_set_deadline(struct sbp2x_session *session,
				 struct sbp2x_deadline *deadline,
				 unsigned int ms)
{
	if (sbp2x_deadline_set_ms(session->scheduler, deadline, ms))
		sbp2x_session_post(session, SBP2X_EVENT_GONE);
}

static void session_tasks_and_deadlines(struct sbp2x_session *session,
					u32 actions)
{
	if (actions & SBP2X_DO_FORGET)
		session_forget(session);
	if (actions & SBP2X_DO_DISOWN)
		session->has_login = false;
	if (actions & SBP2X_DO_HOLD_TASKS)
		sbp2x_agent_hold(&session->agent);
	if (actions & SBP2X_DO_FAIL_TASKS)
		sbp2x_agent_stop(&session->agent);
	if (actions & SBP2X_DO_UNHOLD)
		sbp2x_deadline_cancel(session->scheduler, &session->hold);
	if (actions & SBP2X_DO_HOLD)
		session_set_deadline(session, &session->hold,
				     session->hold_s * MSEC_PER_SEC);
	if (actions & SBP2X_DO_PAUSE)
		session_set_deadline(session, &session->retry,
				     sbp2x_session_pause_ms(session->view.retries));
	if (actions & SBP2X_DO_FLOW_TASKS)
		sbp2x_agent_start(&session->agent, session->agent_address,
				  &session->op.path);
}

static void session_tell(struct sbp2x_session *session, u32 actions)
{
	if (actions & SBP2X_DO_TELL_UP)
		session->ops->up(session);
	if (actions & SBP2X_DO_TELL_LOST) {
		session->count.lost++;
		session->ops->lost(session);
	}
	if (actions & SBP2X_DO_TELL_DOWN)
		session->ops->down(session);
}

/* Last, since an operation may end within the call that queues it */
static void session_operate_all(struct sbp2x_session *session, u32 actions)
{
	if (actions & SBP2X_DO_LOGIN)
		session_login(session);
	if (actions & SBP2X_DO_RECONNECT)
		session_operate(session, &session->op,
				SBP2X_FUNCTION_RECONNECT, op_done);
	if (actions & SBP2X_DO_LOGOUT)
		session_operate(session, &session->op, SBP2X_FUNCTION_LOGOUT,
				op_done);
}

static void session_event(struct sbp2x_session *session,
			  enum sbp2x_session_event event)
{
	struct sbp2x_session_view view = session->view;
	u32 actions = sbp2x_session_step(&view, event);

	session->view.retries = view.retries;
	WRITE_ONCE(session->view.state, view.state);

	session_tasks_and_deadlines(session, actions);
	session_tell(session, actions);
	wake_up_all(&session->wait);
	session_operate_all(session, actions);
}

static void retry_fn(struct sbp2x_deadline *deadline)
{
	struct sbp2x_session *session = container_of(deadline, typeof(*session),
						     retry);

	session_event(session, SBP2X_EVENT_RETRY);
}

static void hold_fn(struct sbp2x_deadline *deadline)
{
	struct sbp2x_session *session = container_of(deadline, typeof(*session),
						     hold);

	session_event(session, SBP2X_EVENT_HOLD_OVER);
}

/*
 * True where the session already works in the newest generation, so that a
 * bus reset that it is told of only now has nothing new.
 */
static bool session_is_current(struct sbp2x_session *session)
{
	struct sbp2x_path path;

	if (!sbp2x_bus_path(session->bus, &path))
		return false;

	if (session->view.state == SBP2X_SESSION_LOGGED_IN)
		return session->generation == path.generation;

	return sbp2x_management_is_current(session->management, &session->op,
					   path.generation);
}

/* An event that was posted may be out of date when its turn comes */
static bool post_is_due(struct sbp2x_session *session,
			enum sbp2x_session_event event)
{
	switch (event) {
	case SBP2X_EVENT_STALE:
		return READ_ONCE(session->stale_generation) ==
		       session->generation;
	case SBP2X_EVENT_RESET:
		return !session_is_current(session);
	case SBP2X_EVENT_AGENT_LOST:
		/* It worked in between, so this is a new trouble */
		if (session->agent.count.completed != session->completed_before)
			session->view.retries = 0;
		return true;
	default:
		return true;
	}
}

static void session_work(struct work_struct *work)
{
	struct sbp2x_session *session = container_of(work, typeof(*session),
						     work);
	enum sbp2x_session_event event;

	for (event = 0; event < SBP2X_EVENTS_POSTED; event++)
		if (test_and_clear_bit(event, &session->posted) &&
		    post_is_due(session, event))
			session_event(session, event);
}

static void agent_stale(struct sbp2x_agent *agent, int generation)
{
	struct sbp2x_session *session = container_of(agent, typeof(*session),
						     agent);

	WRITE_ONCE(session->stale_generation, generation);
	sbp2x_session_post(session, SBP2X_EVENT_STALE);
}

static void agent_lost(struct sbp2x_agent *agent)
{
	struct sbp2x_session *session = container_of(agent, typeof(*session),
						     agent);

	sbp2x_session_post(session, SBP2X_EVENT_AGENT_LOST);
}

static const struct sbp2x_agent_ops agent_ops = {
	.stale = agent_stale,
	.lost = agent_lost,
};

int sbp2x_session_init(struct sbp2x_session *session, struct sbp2x_bus *bus,
		       struct sbp2x_scheduler *scheduler,
		       struct sbp2x_management *management,
		       const struct sbp2x_session_ops *ops,
		       const struct sbp2x_session_config *config)
{
	memset(session, 0, sizeof(*session));
	session->bus = bus;
	session->scheduler = scheduler;
	session->management = management;
	session->ops = ops;
	session->config = *config;
	session->generation = -1;
	INIT_WORK(&session->work, session_work);
	init_waitqueue_head(&session->wait);
	sbp2x_deadline_init(&session->retry, retry_fn);
	sbp2x_deadline_init(&session->hold, hold_fn);

	return sbp2x_agent_init(&session->agent, bus, scheduler, &agent_ops,
				&config->limits);
}

void sbp2x_session_destroy(struct sbp2x_session *session)
{
	sbp2x_agent_destroy(&session->agent);
}

void sbp2x_session_post(struct sbp2x_session *session,
			enum sbp2x_session_event event)
{
	set_bit(event, &session->posted);
	queue_work(session->scheduler->wq, &session->work);
}

enum sbp2x_session_state
sbp2x_session_state(const struct sbp2x_session *session)
{
	return READ_ONCE(session->view.state);
}

bool sbp2x_session_wait(struct sbp2x_session *session, unsigned long states,
			unsigned int timeout_ms)
{
	return wait_event_timeout(session->wait,
				  states & BIT(sbp2x_session_state(session)),
				  msecs_to_jiffies(timeout_ms));
}

bool sbp2x_session_is_busy(const struct sbp2x_session *session)
{
	switch (sbp2x_session_state(session)) {
	case SBP2X_SESSION_IDLE:
	case SBP2X_SESSION_LOGGING_IN:
	case SBP2X_SESSION_SUSPENDED:
	case SBP2X_SESSION_RECONNECTING:
		return true;
	default:
		return false;
	}
}
