// SPDX-License-Identifier: GPL-2.0-only
/* The life of one login. */
#include "session.h"

#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "trace.h"

/* What the owner sees of a state; a change of it is an edge */
enum session_level {
	TRYING,		/* tasks wait */
	WORKING,	/* tasks flow, or will soon: nobody need know of a reset */
	DOWN,		/* tasks fail */
};

static const struct {
	const char *name;
	enum session_level level;
	u32 on_entry;
} states[SBP2X_SESSION_STATES] = {
	[SBP2X_SESSION_IDLE]	     = { "idle", TRYING },
	[SBP2X_SESSION_LOGGING_IN]   = { "logging in", TRYING,
					 SBP2X_DO_LOGIN },
	[SBP2X_SESSION_LOGGED_IN]    = { "logged in", WORKING,
					 SBP2X_DO_FLOW_TASKS },
	[SBP2X_SESSION_SUSPENDED]    = { "suspended", WORKING },
	[SBP2X_SESSION_RECONNECTING] = { "reconnecting", WORKING,
					 SBP2X_DO_RECONNECT },
	[SBP2X_SESSION_WITHDRAWING]  = { "withdrawing", DOWN },
	[SBP2X_SESSION_LOGGING_OUT]  = { "logging out", DOWN,
					 SBP2X_DO_LOGOUT },
	[SBP2X_SESSION_FAILED]	     = { "failed", DOWN },
	[SBP2X_SESSION_LOGGED_OUT]   = { "logged out", DOWN,
					 SBP2X_DO_LOGOUT },
	[SBP2X_SESSION_GONE]	     = { "gone", DOWN },
};

/* Next states, short enough for a table; __ is nothing: the event is ignored */
enum {
	__,
	IDLE	= 1 + SBP2X_SESSION_IDLE,
	LOGIN	= 1 + SBP2X_SESSION_LOGGING_IN,
	UP	= 1 + SBP2X_SESSION_LOGGED_IN,
	SUSP	= 1 + SBP2X_SESSION_SUSPENDED,
	RECON	= 1 + SBP2X_SESSION_RECONNECTING,
	LEAVE	= 1 + SBP2X_SESSION_WITHDRAWING,
	LOGOUT	= 1 + SBP2X_SESSION_LOGGING_OUT,
	FAIL	= 1 + SBP2X_SESSION_FAILED,
	OUT	= 1 + SBP2X_SESSION_LOGGED_OUT,
	GONE	= 1 + SBP2X_SESSION_GONE,
};

#define ON(event) \
	[SBP2X_EVENT_##event]

/* The whole policy; Documentation/session.rst explains it */
static const u8 next_state[SBP2X_EVENTS][SBP2X_SESSION_STATES] = {
/*		    idle   login  up      susp   recon  leave   logout fail   out */
ON(GONE)	= { GONE,  GONE,  GONE,   GONE,  GONE,  GONE,   GONE,  GONE,  GONE },
ON(STALE)	= { __,    __,    SUSP,   __,    __,    __,     __,    __,    __ },
ON(RESET)	= { LOGIN, LOGIN, RECON,  RECON, RECON, GONE,   GONE,  LOGIN, __ },
ON(STOP)	= { LOGOUT, LEAVE, LOGOUT, GONE, LEAVE, __,     __,    LOGOUT, LOGOUT },
ON(LEAVE)	= { OUT,   __,    OUT,    __,    __,    __,     __,    OUT,   __ },
ON(START)	= { LOGIN, __,    __,     __,    __,    __,     __,    LOGIN, LOGIN },
ON(AGENT_LOST)	= { __,    __,    IDLE,   __,    __,    __,     __,    __,    __ },
ON(ACCEPTED)	= { __,    UP,    __,     __,    UP,    LOGOUT, GONE,  __,    __ },
ON(REFUSED)	= { __,    IDLE,  __,     __,    LOGIN, GONE,   GONE,  __,    __ },
ON(UNANSWERED)	= { __,    IDLE,  __,     __,    SUSP,  LOGOUT, GONE,  __,    __ },
ON(INTERRUPTED)	= { __,    IDLE,  __,     __,    SUSP,  GONE,   GONE,  __,    __ },
ON(RETRY)	= { LOGIN, __,    __,     RECON, __,    __,     __,    __,    __ },
ON(HOLD_OVER)	= { __,    __,    __,     LOGIN, LOGIN, __,     __,    __,    __ },
ON(EXHAUSTED)	= { __,    FAIL,  FAIL,   __,    LOGIN, __,     __,    __,    __ },
};

static bool waits_for_retry(enum sbp2x_session_state state)
{
	return state == SBP2X_SESSION_IDLE || state == SBP2X_SESSION_SUSPENDED;
}

static bool is_failure(enum sbp2x_session_event event)
{
	return event == SBP2X_EVENT_REFUSED ||
	       event == SBP2X_EVENT_UNANSWERED ||
	       event == SBP2X_EVENT_AGENT_LOST;
}

/* A bus reset makes the target forget its tasks and begin to hold the login */
static bool is_bus_reset(enum sbp2x_session_event event)
{
	return event == SBP2X_EVENT_STALE || event == SBP2X_EVENT_RESET;
}

static u32 step_edge(enum session_level from, enum session_level to)
{
	if (from == to)
		return 0;
	if (to == DOWN)
		return SBP2X_DO_FAIL_TASKS | SBP2X_DO_TELL_DOWN;
	if (to == WORKING)
		return SBP2X_DO_TELL_UP;

	return from == WORKING ? SBP2X_DO_TELL_LOST : 0;
}

static u32 step_actions(enum sbp2x_session_state from,
			enum sbp2x_session_event event,
			enum sbp2x_session_state to)
{
	u32 actions = states[to].on_entry |
		      step_edge(states[from].level, states[to].level);

	if (to != SBP2X_SESSION_WITHDRAWING)
		actions |= SBP2X_DO_FORGET;
	if (waits_for_retry(to))
		actions |= is_failure(event) ? SBP2X_DO_PAUSE :
					       SBP2X_DO_AWAIT_RESET;
	if (is_bus_reset(event) && states[to].level == WORKING)
		actions |= SBP2X_DO_HOLD | SBP2X_DO_HOLD_TASKS;

	return actions;
}

/* What was tried in vain before says nothing of what is tried now */
static bool step_is_fresh(enum sbp2x_session_state from,
			  enum sbp2x_session_event event,
			  enum sbp2x_session_state to)
{
	return event == SBP2X_EVENT_RESET || event == SBP2X_EVENT_START ||
	       (states[from].level == WORKING &&
		to == SBP2X_SESSION_LOGGING_IN);
}

u32 sbp2x_session_step(struct sbp2x_session_view *view,
		       enum sbp2x_session_event event)
{
	enum sbp2x_session_state from = view->state;
	u8 next = next_state[event][from];

	if (next && is_failure(event) && waits_for_retry(next - 1)) {
		if (view->retries >= SBP2X_SESSION_RETRIES)
			next = next_state[SBP2X_EVENT_EXHAUSTED][from];
		else
			view->retries++;
	}
	if (!next)
		return 0;

	view->state = next - 1;
	if (step_is_fresh(from, event, view->state))
		view->retries = 0;

	return step_actions(from, event, view->state);
}

unsigned int sbp2x_session_pause_ms(unsigned int retries)
{
	unsigned int doublings = clamp(retries, 1U, 6U) - 1;

	return min(SBP2X_SESSION_PAUSE_MS << doublings,
		   SBP2X_SESSION_PAUSE_MAX_MS);
}

const char *sbp2x_session_state_name(enum sbp2x_session_state state)
{
	return states[state].name;
}

bool sbp2x_session_can_leave(enum sbp2x_session_state state)
{
	return next_state[SBP2X_EVENT_LEAVE][state] != __;
}

/* The glue: from operations, deadlines and posts to events */

static void session_event(struct sbp2x_session *session,
			  enum sbp2x_session_event event);
static void session_look(struct sbp2x_session *session);
static void session_operate(struct sbp2x_session *session,
			    struct sbp2x_operation *op,
			    enum sbp2x_function function,
			    void (*done)(struct sbp2x_operation *op));
static void query_done(struct sbp2x_operation *op);

static const char *refusal_reason(u8 sbp_status)
{
	switch (sbp_status) {
	case SBP2X_STATUS_ACCESS_DENIED:
		return "somebody else is logged in, or it wants a password";
	case SBP2X_STATUS_RESOURCES_UNAVAILABLE:
		return "the target has no login left";
	default:
		return NULL;
	}
}

static void log_refusal(struct sbp2x_session *session)
{
	const struct sbp2x_session_error *error = &session->last_error;
	const char *reason = refusal_reason(error->sbp_status);

	if (reason)
		dev_notice(session->bus->log,
			   "LUN %04x: login refused, %s; trying again\n",
			   session->config.lun, reason);
	else
		dev_notice(session->bus->log,
			   "LUN %04x: login refused with resp %u, sbp_status %#04x; trying again\n",
			   session->config.lun, error->resp,
			   error->sbp_status);
}

/* The first refusal tells, the others would only repeat it */
static bool refusal_is_news(const struct sbp2x_session *session)
{
	return session->view.retries <= 1;
}

/* Believe nothing that would make us write to where no agent can be */
static bool agent_address_is_sane(u64 address)
{
	return !(address & 3) &&
	       address >= CSR_REGISTER_BASE + CSR_CONFIG_ROM_END &&
	       address + SBP2X_AGENT_UNSOLICITED_STATUS_ENABLE + 4 <=
	       SBP2X_ADDRESS_MASK + 1;
}

static bool login_response_parse(struct sbp2x_session *session,
				 const struct sbp2x_operation *op)
{
	const struct sbp2x_login_response *r = (const void *)op->response;
	unsigned int length = sbp2x_get(r->header, SBP2X_LOGIN_RESPONSE_LENGTH);
	u64 agent = sbp2x_pointer_offset(&r->command_block_agent);

	/* Whatever the rest says, the target thinks that we are logged in */
	if (length >= sizeof(r->header)) {
		session->login_id = sbp2x_get(r->header,
					      SBP2X_LOGIN_RESPONSE_LOGIN_ID);
		session->generation = op->path.generation;
	}

	if (length < offsetof(typeof(*r), hold) ||
	    !agent_address_is_sane(agent)) {
		dev_warn(session->bus->log,
			 "LUN %04x: unreadable login response (length %u, agent at %012llx); the device's firmware is at fault\n",
			 session->config.lun, length, agent);
		return false;
	}

	session->agent_address = agent;
	session->hold_s = 1;
	if (length >= sizeof(*r))
		session->hold_s += sbp2x_get(r->hold,
					     SBP2X_LOGIN_RESPONSE_HOLD);
	session->count.logins++;
	return true;
}

/*
 * No login, or none that can be told anything: whatever the target still has
 * of ours, there is nothing to wait for.
 */
static void login_over(struct sbp2x_session *session)
{
	sbp2x_agent_stop(&session->agent);
}

static enum sbp2x_session_event login_accepted(struct sbp2x_session *session,
					       struct sbp2x_operation *op)
{
	if (!login_response_parse(session, op))
		return SBP2X_EVENT_UNANSWERED;

	session->completed_before = session->agent.count.completed;
	dev_notice(session->bus->log, "logged in to LUN %04x (%u retries)\n",
		   session->config.lun, session->view.retries);
	return SBP2X_EVENT_ACCEPTED;
}

static enum sbp2x_session_event op_accepted(struct sbp2x_session *session,
					    struct sbp2x_operation *op)
{
	switch (op->function) {
	case SBP2X_FUNCTION_LOGIN:
		return login_accepted(session, op);
	case SBP2X_FUNCTION_RECONNECT:
		session->completed_before = session->agent.count.completed;
		session->count.reconnects++;
		dev_dbg(session->bus->log, "reconnected to LUN %04x\n",
			session->config.lun);
		return SBP2X_EVENT_ACCEPTED;
	default:
		session->generation = -1;
		return SBP2X_EVENT_ACCEPTED;
	}
}

static enum sbp2x_session_event op_refused(struct sbp2x_session *session,
					   struct sbp2x_operation *op)
{
	session->count.refused++;
	session->generation = -1;
	return SBP2X_EVENT_REFUSED;
}

static enum sbp2x_session_event op_event(struct sbp2x_session *session,
					 struct sbp2x_operation *op)
{
	switch (op->outcome) {
	case SBP2X_OP_ACCEPTED:
		return op_accepted(session, op);
	case SBP2X_OP_REFUSED:
		return op_refused(session, op);
	case SBP2X_OP_STALE:
		return SBP2X_EVENT_INTERRUPTED;
	case SBP2X_OP_CANCELLED:
		return SBP2X_EVENT_GONE;
	default:
		session->count.unanswered++;
		dev_dbg(session->bus->log,
			"LUN %04x: function %u not answered, rcode %#x\n",
			session->config.lun, op->function, op->rcode);
		return SBP2X_EVENT_UNANSWERED;
	}
}

static void note_error(struct sbp2x_session *session,
		       const struct sbp2x_operation *op)
{
	session->last_error = (struct sbp2x_session_error) {
		.function = op->function,
		.outcome = op->outcome,
		.resp = sbp2x_status_resp(&op->status),
		.sbp_status = sbp2x_status_sbp_status(&op->status),
		.rcode = op->rcode,
	};
}

/* By whom? It may even be ourselves, if the target was too slow for us */
static void login_refused(struct sbp2x_session *session)
{
	if (session->view.state != SBP2X_SESSION_IDLE)
		return;

	if (refusal_reason(session->last_error.sbp_status))
		session_operate(session, &session->query,
				SBP2X_FUNCTION_QUERY_LOGINS, query_done);
	else if (refusal_is_news(session))
		log_refusal(session);
}

static void op_done(struct sbp2x_operation *op)
{
	struct sbp2x_session *session = container_of(op, typeof(*session), op);

	/* Unless refused, the target may have done it, answer or not */
	if (op->function == SBP2X_FUNCTION_RECONNECT)
		session->generation = op->path.generation;

	/* A bus reset or an end is no error */
	if (op->outcome != SBP2X_OP_ACCEPTED &&
	    op->outcome != SBP2X_OP_STALE &&
	    op->outcome != SBP2X_OP_CANCELLED)
		note_error(session, op);

	if (op->function == SBP2X_FUNCTION_LOGOUT)
		login_over(session);
	session_event(session, op_event(session, op));
	if (op->outcome == SBP2X_OP_STALE)
		session_look(session);
	if (op->outcome == SBP2X_OP_REFUSED &&
	    op->function == SBP2X_FUNCTION_LOGIN)
		login_refused(session);
}

/* Who is logged in */

static u64 login_eui_64(const struct sbp2x_login_descriptor *login)
{
	return (u64)be32_to_cpu(login->eui_64_hi) << 32 |
	       be32_to_cpu(login->eui_64_lo);
}

static unsigned int count_logins(const struct sbp2x_query_logins_response *r)
{
	unsigned int length = min(sbp2x_get(r->header, SBP2X_QUERY_LENGTH),
				  SBP2X_MANAGEMENT_RESPONSE_MAX);

	return length < sizeof(*r) ? 0 :
	       (length - sizeof(*r)) / sizeof(r->login[0]);
}

/*
 * A login of our own is one that the target granted when we did not wait for
 * it any more. It is logged out of before the next LOGIN.
 */
static void note_login(struct sbp2x_session *session,
		       const struct sbp2x_login_descriptor *login)
{
	bool ours = login_eui_64(login) == session->bus->eui_64;

	if (ours) {
		session->login_id = sbp2x_get(login->ids, SBP2X_QUERY_LOGIN_ID);
		session->generation = session->query.path.generation;
	}
	if (ours || refusal_is_news(session))
		dev_notice(session->bus->log,
			   "LUN %04x: login refused, node %04x (%016llx%s) is logged in; trying again\n",
			   session->config.lun,
			   (u16)sbp2x_get(login->ids, SBP2X_QUERY_NODE_ID),
			   login_eui_64(login), ours ? ", we ourselves" : "");
}

static void query_done(struct sbp2x_operation *op)
{
	struct sbp2x_session *session = container_of(op, typeof(*session),
						     query);
	const struct sbp2x_query_logins_response *r = (const void *)op->response;
	unsigned int i, count = 0;

	if (op->outcome == SBP2X_OP_ACCEPTED)
		count = count_logins(r);
	for (i = 0; i < count; i++)
		note_login(session, &r->login[i]);

	if (!count && refusal_is_news(session))
		log_refusal(session);
}

/* The LOGOUT before a LOGIN afresh: whatever comes of it, LOGIN follows */
static void logout_first_done(struct sbp2x_operation *op)
{
	struct sbp2x_session *session = container_of(op, typeof(*session),
						     logout);

	session->generation = -1;
}

static unsigned int login_timeout_ms(const struct sbp2x_session *session)
{
	return clamp(session->config.login_timeout_ms,
		     SBP2X_LOGIN_TIMEOUT_MIN_MS, SBP2X_LOGIN_TIMEOUT_MAX_MS);
}

static unsigned int other_timeout_ms(const struct sbp2x_session *session)
{
	return clamp(session->config.login_timeout_ms,
		     SBP2X_OTHER_TIMEOUT_MS, SBP2X_LOGIN_TIMEOUT_MAX_MS);
}

/*
 * A RECONNECT may get lost, and with it the login. So the first one is waited
 * for no longer than half of the hold, if that is not too short.
 */
static unsigned int reconnect_timeout_ms(const struct sbp2x_session *session)
{
	unsigned int half = session->hold_s * MSEC_PER_SEC / 2;

	if (session->view.retries || half < SBP2X_OTHER_TIMEOUT_MS)
		return other_timeout_ms(session);

	return min(half, other_timeout_ms(session));
}

static unsigned int timeout_ms(const struct sbp2x_session *session,
			       enum sbp2x_function function)
{
	switch (function) {
	case SBP2X_FUNCTION_LOGIN:
		return login_timeout_ms(session);
	case SBP2X_FUNCTION_RECONNECT:
		return reconnect_timeout_ms(session);
	default:
		return other_timeout_ms(session);
	}
}

/* A bus reset that nobody told us of has closed it; see AWAIT_RESET_MS */
static void session_open_memory(struct sbp2x_session *session)
{
	int ret = sbp2x_memory_open(session->memory);

	if (ret)
		dev_dbg(session->bus->log, "memory not opened: %d\n", ret);
}

static void session_operate(struct sbp2x_session *session,
			    struct sbp2x_operation *op,
			    enum sbp2x_function function,
			    void (*done)(struct sbp2x_operation *op))
{
	const struct sbp2x_session_config *config = &session->config;
	bool login = function == SBP2X_FUNCTION_LOGIN;
	bool query = function == SBP2X_FUNCTION_QUERY_LOGINS;

	session_open_memory(session);
	op->function = function;
	op->lun_or_login_id = login || query ? config->lun : session->login_id;
	op->password_length = login ? config->password_length : 0;
	memcpy(op->password, config->password, sizeof(op->password));
	op->exclusive = config->exclusive;
	op->reconnect = SBP2X_LOGIN_RECONNECT;
	op->status_fifo = config->status_fifo;
	op->timeout_ms = timeout_ms(session, function);
	op->done = done;
	sbp2x_management_queue(session->management, op);
}

/* A login that was not reconnected is none in a later generation */
static bool session_has_login(struct sbp2x_session *session)
{
	struct sbp2x_path path;

	return sbp2x_bus_path(session->bus, &path) &&
	       session->generation == path.generation;
}

static void session_login(struct sbp2x_session *session)
{
	/* Targets refuse a second login of the same initiator */
	if (session_has_login(session))
		session_operate(session, &session->logout,
				SBP2X_FUNCTION_LOGOUT, logout_first_done);
	session_operate(session, &session->op, SBP2X_FUNCTION_LOGIN, op_done);
}

static void session_logout(struct sbp2x_session *session)
{
	if (session_has_login(session)) {
		session_operate(session, &session->op, SBP2X_FUNCTION_LOGOUT,
				op_done);
		return;
	}
	login_over(session);
	session_event(session, SBP2X_EVENT_ACCEPTED);
}

static void session_forget(struct sbp2x_session *session,
			   enum sbp2x_session_event event)
{
	/* The LOGIN first, lest the end of the LOGOUT lets it go out */
	sbp2x_management_cancel(session->management, &session->op);
	sbp2x_management_cancel(session->management, &session->logout);
	/* The next attempt waits for the answer */
	if (event != SBP2X_EVENT_RETRY)
		sbp2x_management_cancel(session->management, &session->query);
}

static bool is_end(enum sbp2x_session_state state)
{
	return state == SBP2X_SESSION_GONE || state == SBP2X_SESSION_FAILED;
}

static void session_tasks(struct sbp2x_session *session, u32 actions)
{
	if (actions & SBP2X_DO_HOLD_TASKS)
		sbp2x_agent_hold(&session->agent);
	if (actions & SBP2X_DO_FAIL_TASKS)
		sbp2x_agent_close(&session->agent);
	if (is_end(session->view.state))
		login_over(session);
	if (actions & SBP2X_DO_FLOW_TASKS)
		sbp2x_agent_start(&session->agent, session->agent_address,
				  &session->op.path);
}

/* Without a deadline nothing would go on: the driver is being shut down */
static void session_set_deadline(struct sbp2x_session *session,
				 struct sbp2x_deadline *deadline, ktime_t when)
{
	if (sbp2x_deadline_set(session->scheduler, deadline, when))
		sbp2x_session_post(session, SBP2X_EVENT_GONE);
}

static void session_retry_deadline(struct sbp2x_session *session, u32 actions)
{
	unsigned int ms = SBP2X_SESSION_AWAIT_RESET_MS;

	if (!(actions & (SBP2X_DO_PAUSE | SBP2X_DO_AWAIT_RESET))) {
		sbp2x_deadline_cancel(session->scheduler, &session->retry);
		return;
	}
	if (actions & SBP2X_DO_PAUSE)
		ms = sbp2x_session_pause_ms(session->view.retries);
	session_set_deadline(session, &session->retry,
			     ktime_add_ms(sbp2x_scheduler_now(session->scheduler),
					  ms));
}

static void session_hold_deadline(struct sbp2x_session *session, u32 actions)
{
	ktime_t now = sbp2x_scheduler_now(session->scheduler);

	if (actions & SBP2X_DO_HOLD) {
		session->generation = -1;
		session->hold_generation = sbp2x_bus_generation(session->bus);
		session->hold_until = ktime_add_ms(now, session->hold_s *
							MSEC_PER_SEC);
	}

	if (session->view.state == SBP2X_SESSION_SUSPENDED)
		session_set_deadline(session, &session->hold,
				     session->hold_until);
	else if (session->view.state == SBP2X_SESSION_RECONNECTING)
		session_set_deadline(session, &session->hold,
				     ktime_add_ms(session->hold_until,
						  SBP2X_RECONNECT_GRACE_MS));
	else
		sbp2x_deadline_cancel(session->scheduler, &session->hold);
}

/* After how many ms to look next for a bus reset; 0: there is no need to */
static unsigned int watch_ms(const struct sbp2x_session *session)
{
	bool waits;

	switch (session->view.state) {
	case SBP2X_SESSION_IDLE:
		waits = session->op.outcome == SBP2X_OP_STALE;
		break;
	case SBP2X_SESSION_LOGGED_IN:
		waits = sbp2x_agent_has_tasks(&session->agent);
		break;
	case SBP2X_SESSION_SUSPENDED:
		waits = true;
		break;
	case SBP2X_SESSION_FAILED:
	case SBP2X_SESSION_LOGGED_OUT:
	case SBP2X_SESSION_GONE:
		return 0;
	default:
		return SBP2X_SESSION_WATCH_OP_MS;
	}
	return waits ? SBP2X_SESSION_WATCH_MS : 0;
}

/* The bit is a full barrier, so either side sees what the other one did */
static void session_watch(struct sbp2x_session *session, unsigned int ms)
{
	if (!test_and_set_bit(0, &session->watching))
		sbp2x_deadline_set_ms(session->scheduler, &session->watch, ms);
}

static void session_watch_on(struct sbp2x_session *session)
{
	unsigned int ms = watch_ms(session);

	if (ms)
		session_watch(session, ms);
}

static void session_watch_deadline(struct sbp2x_session *session)
{
	sbp2x_deadline_cancel(session->scheduler, &session->watch);
	clear_bit(0, &session->watching);
	/* Whoever submits a task either sees that, or is seen */
	smp_mb__after_atomic();
	session_watch_on(session);
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

static void session_operate_all(struct sbp2x_session *session, u32 actions)
{
	if (actions & SBP2X_DO_LOGIN)
		session_login(session);
	if (actions & SBP2X_DO_RECONNECT)
		session_operate(session, &session->op,
				SBP2X_FUNCTION_RECONNECT, op_done);
	if (actions & SBP2X_DO_LOGOUT)
		session_logout(session);
}

static void session_event(struct sbp2x_session *session,
			  enum sbp2x_session_event event)
{
	struct sbp2x_session_view view = session->view;
	enum sbp2x_session_state from = view.state;
	u32 actions = sbp2x_session_step(&view, event);

	if (!actions)
		return;

	session->view.retries = view.retries;
	WRITE_ONCE(session->view.state, view.state);
	trace_sbp2x_session(session->bus->log, session->config.lun, from,
			    event, view.state, view.retries, actions);

	if (actions & SBP2X_DO_FORGET)
		session_forget(session, event);
	session_tasks(session, actions);
	session_retry_deadline(session, actions);
	session_hold_deadline(session, actions);
	session_watch_deadline(session);
	session_tell(session, actions);
	wake_up_all(&session->wait);
	/* Last, since an operation may end within the call that queues it */
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

	/* As in op_done(); a RECONNECT not sent has a path of the past */
	if (session->view.state == SBP2X_SESSION_RECONNECTING)
		session->generation = session->op.path.generation;

	session_event(session, SBP2X_EVENT_HOLD_OVER);
}

static bool op_is_overtaken(const struct sbp2x_session *session,
			    const struct sbp2x_operation *op, int generation)
{
	return op->queued && !sbp2x_management_is_current(session->management,
							  op, generation);
}

/*
 * True where the session already works in the newest generation, so that a
 * bus reset that it is told of only now has nothing new.
 */
static bool session_is_current(struct sbp2x_session *session)
{
	int generation = sbp2x_bus_generation(session->bus);
	struct sbp2x_path path;

	if (!sbp2x_bus_path(session->bus, &path))
		return false;

	if (session->view.state == SBP2X_SESSION_LOGGED_IN)
		return session->generation == generation;

	return session->op.queued &&
	       !op_is_overtaken(session, &session->op, generation) &&
	       !op_is_overtaken(session, &session->logout, generation) &&
	       !op_is_overtaken(session, &session->query, generation);
}

/* Likewise, or where it tried to, and pauses now */
static bool session_tried(struct sbp2x_session *session)
{
	return session_is_current(session) ||
	       session->op.path.generation ==
	       sbp2x_bus_generation(session->bus);
}

/* While the target is looked for, each further bus reset begins a new hold */
static void session_await(struct sbp2x_session *session)
{
	enum sbp2x_session_state state = session->view.state;

	session_event(session, state == SBP2X_SESSION_LOGGED_IN ?
			       SBP2X_EVENT_STALE : SBP2X_EVENT_INTERRUPTED);

	if (session->view.state == SBP2X_SESSION_SUSPENDED &&
	    session->hold_generation != sbp2x_bus_generation(session->bus))
		session_hold_deadline(session, SBP2X_DO_HOLD);
}

/* Is there a bus reset that nobody has told of yet? */
static void session_look(struct sbp2x_session *session)
{
	struct sbp2x_path path;

	if (session_tried(session))
		return;

	if (sbp2x_bus_path(session->bus, &path) &&
	    path.generation == sbp2x_bus_generation(session->bus))
		session_event(session, SBP2X_EVENT_RESET);
	else
		session_await(session);
}

static void watch_fn(struct sbp2x_deadline *deadline)
{
	struct sbp2x_session *session = container_of(deadline, typeof(*session),
						     watch);

	clear_bit(0, &session->watching);
	/* As in session_watch_deadline() */
	smp_mb__after_atomic();
	if (watch_ms(session))
		session_look(session);
	session_watch_on(session);
}

/* The target may be known to be somewhere else already */
static void session_stale(struct sbp2x_session *session)
{
	session_event(session, SBP2X_EVENT_STALE);
	session_look(session);
}

static void session_agent_lost(struct sbp2x_session *session)
{
	/* A bus reset, which is yet to be told of, may be all that is wrong */
	if (!session_is_current(session)) {
		session_stale(session);
		return;
	}
	/* It worked in between, so this is a new trouble */
	if (session->agent.count.completed != session->completed_before)
		session->view.retries = 0;

	session_event(session, SBP2X_EVENT_AGENT_LOST);
}

/* An event that was posted may be out of date when its turn comes */
static void session_posted(struct sbp2x_session *session,
			   enum sbp2x_session_event event)
{
	switch (event) {
	case SBP2X_EVENT_STALE:
		if (READ_ONCE(session->stale_generation) == session->generation)
			session_stale(session);
		return;
	case SBP2X_EVENT_RESET:
		if (session_is_current(session))
			return;
		break;
	case SBP2X_EVENT_AGENT_LOST:
		if (session->view.state != SBP2X_SESSION_LOGGED_IN)
			return;
		session_agent_lost(session);
		return;
	default:
		break;
	}
	session_event(session, event);
}

static void session_work(struct work_struct *work)
{
	struct sbp2x_session *session = container_of(work, typeof(*session),
						     work);
	enum sbp2x_session_event event;

	for (event = 0; event < SBP2X_EVENTS_POSTED; event++)
		if (test_and_clear_bit(event, &session->posted))
			session_posted(session, event);
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

int sbp2x_session_init(struct sbp2x_session *session,
		       struct sbp2x_memory *memory,
		       struct sbp2x_scheduler *scheduler,
		       struct sbp2x_management *management,
		       const struct sbp2x_session_ops *ops,
		       const struct sbp2x_session_config *config)
{
	memset(session, 0, sizeof(*session));
	session->bus = memory->bus;
	session->memory = memory;
	session->scheduler = scheduler;
	session->management = management;
	session->ops = ops;
	session->config = *config;
	session->generation = -1;
	INIT_WORK(&session->work, session_work);
	init_waitqueue_head(&session->wait);
	sbp2x_deadline_init(&session->retry, retry_fn);
	sbp2x_deadline_init(&session->hold, hold_fn);
	sbp2x_deadline_init(&session->watch, watch_fn);

	return sbp2x_agent_init(&session->agent, memory, scheduler, &agent_ops,
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

int sbp2x_session_submit(struct sbp2x_session *session,
			 struct sbp2x_task *task)
{
	int ret = sbp2x_agent_submit(&session->agent, task);

	if (!ret)
		session_watch(session, SBP2X_SESSION_WATCH_MS);
	return ret;
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
	enum sbp2x_session_state state = sbp2x_session_state(session);

	return state != SBP2X_SESSION_LOGGED_IN && states[state].level != DOWN;
}
