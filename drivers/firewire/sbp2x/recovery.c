// SPDX-License-Identifier: GPL-2.0-only
/* Error handling: a ladder. */
#include "recovery.h"

#include <linux/errno.h>
#include <linux/slab.h>

#include "target.h"
#include "trace.h"

/* An aborted task's own status is due as soon as the abort was confirmed */
#define ABORTED_STATUS_MS	500

/* How long a fresh login may take */
#define RELOGIN_MS		15000

static int ladder_step(struct sbp2x_logical_unit *lu, const char *step, int ret)
{
	trace_sbp2x_recovery(lu->target->bus.log, lu->lun, step, ret);
	return ret;
}

static int recover_by(struct sbp2x_logical_unit *lu,
		      enum sbp2x_function function, u64 orb)
{
	enum sbp2x_management_outcome outcome = SBP2X_OP_CANCELLED;
	struct sbp2x_operation *op;

	op = kzalloc(sizeof(*op), GFP_NOIO);
	if (op) {
		op->function = function;
		op->lun_or_login_id = lu->session.login_id;
		op->orb_offset = orb;
		outcome = sbp2x_target_manage(lu, op);
		kfree(op);
	}
	/* It said so before, and was not asked again */
	if (outcome == SBP2X_OP_UNSUPPORTED)
		return -EOPNOTSUPP;

	return ladder_step(lu, sbp2x_management_function_name(function),
			   outcome == SBP2X_OP_ACCEPTED ? 0 : -EIO);
}

/* The target answers for each task that it aborts; then the others live on */
static bool abort_task(struct sbp2x_logical_unit *lu, struct sbp2x_task *task)
{
	struct sbp2x_agent *agent = &lu->session.agent;
	u64 orb;

	if (sbp2x_agent_stands_still(agent, task) ||
	    !sbp2x_agent_task_orb(agent, task, &orb))
		return false;

	return !recover_by(lu, SBP2X_FUNCTION_ABORT_TASK, orb) &&
	       sbp2x_agent_wait_task(agent, task, ABORTED_STATUS_MS);
}

int sbp2x_recover_task(struct sbp2x_logical_unit *lu, struct sbp2x_task *task)
{
	struct sbp2x_agent *agent = &lu->session.agent;
	u64 orb;

	/* It came back between its deadline and now, or by its abortion */
	if (sbp2x_agent_wait_task(agent, task, 0) || abort_task(lu, task))
		return 0;

	/* Those targets that know it tidy up better than by AGENT_RESET alone */
	if (sbp2x_agent_task_orb(agent, task, &orb))
		recover_by(lu, SBP2X_FUNCTION_ABORT_TASK_SET, 0);

	return ladder_step(lu, "AGENT_RESET", sbp2x_agent_abort(agent, task));
}

int sbp2x_recover_logical_unit(struct sbp2x_logical_unit *lu)
{
	if (recover_by(lu, SBP2X_FUNCTION_LOGICAL_UNIT_RESET, 0))
		return -EIO;

	return sbp2x_agent_reset(&lu->session.agent);
}

int sbp2x_recover_target(struct sbp2x_logical_unit *lu)
{
	struct sbp2x_target *target = lu->target;
	unsigned int i;
	int ret = 0;

	if (recover_by(lu, SBP2X_FUNCTION_TARGET_RESET, 0))
		return -EIO;

	/* Each lost its tasks, and must have them again */
	for (i = 0; i < target->count; i++) {
		struct sbp2x_logical_unit *other = target->logical_units[i];

		if (sbp2x_agent_reset(&other->session.agent) && other == lu)
			ret = -EIO;
	}
	return ret;
}

static bool is_logged_in(struct sbp2x_session *session)
{
	unsigned long ends = BIT(SBP2X_SESSION_LOGGED_IN) |
			     BIT(SBP2X_SESSION_FAILED) |
			     BIT(SBP2X_SESSION_LOGGED_OUT) |
			     BIT(SBP2X_SESSION_GONE);

	return sbp2x_session_wait(session, ends, RELOGIN_MS) &&
	       sbp2x_session_state(session) == SBP2X_SESSION_LOGGED_IN &&
	       !sbp2x_agent_reset(&session->agent);
}

int sbp2x_recover_login(struct sbp2x_logical_unit *lu)
{
	struct sbp2x_session *session = &lu->session;
	struct sbp2x_bus *bus = session->bus;

	sbp2x_agent_lose(&session->agent);
	flush_work(&session->work);
	if (!ladder_step(lu, "LOGIN", is_logged_in(session) ? 0 : -EIO))
		return 0;

	/* A reset of the bus makes every target forget what it hangs on */
	bus->ops->reset(bus);
	return ladder_step(lu, "bus reset", is_logged_in(session) ? 0 : -EIO);
}
