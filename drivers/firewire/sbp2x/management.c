// SPDX-License-Identifier: GPL-2.0-only
/*
 * The management agent: one management ORB at a time.
 *
 * An operation is queued, becomes current, is written to the agent, and ends
 * by the first of: its status, a failed write, its deadline, a bus reset. The
 * write and the status may be heard of in either order; a status ends the
 * operation even if the write seems to have failed.
 */
#include "management.h"

#include <linux/device.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "trace.h"

/* A busy agent is tried again after 10 ms, 20 ms, ... 640 ms: 1.3 s in all */
#define WRITE_RETRY_MS		10
#define WRITE_RETRIES		7

static void management_next(struct sbp2x_management *m);

const char *sbp2x_management_function_name(enum sbp2x_function function)
{
	static const char * const names[16] = {
		[SBP2X_FUNCTION_LOGIN]		    = "LOGIN",
		[SBP2X_FUNCTION_QUERY_LOGINS]	    = "QUERY LOGINS",
		[SBP2X_FUNCTION_RECONNECT]	    = "RECONNECT",
		[SBP2X_FUNCTION_SET_PASSWORD]	    = "SET PASSWORD",
		[SBP2X_FUNCTION_LOGOUT]		    = "LOGOUT",
		[SBP2X_FUNCTION_ABORT_TASK]	    = "ABORT TASK",
		[SBP2X_FUNCTION_ABORT_TASK_SET]	    = "ABORT TASK SET",
		[SBP2X_FUNCTION_LOGICAL_UNIT_RESET] = "LOGICAL UNIT RESET",
		[SBP2X_FUNCTION_TARGET_RESET]	    = "TARGET RESET",
	};

	return names[function & 0xf] ?: "reserved function";
}

/* Where the ORB of the current operation is, for the target */
static u64 slot_address(const struct sbp2x_management *m)
{
	return m->slots.address +
	       m->slot * sizeof(struct sbp2x_management_slot);
}

static u64 response_address(const struct sbp2x_management *m)
{
	return m->responses.address +
	       m->slot * sizeof(struct sbp2x_management_response);
}

static struct sbp2x_management_slot *slot_of(const struct sbp2x_management *m)
{
	return (struct sbp2x_management_slot *)m->slots.cpu + m->slot;
}

static struct sbp2x_management_response *
response_of(const struct sbp2x_management *m)
{
	return (struct sbp2x_management_response *)m->responses.cpu + m->slot;
}

static unsigned int response_length(enum sbp2x_function function)
{
	switch (function) {
	case SBP2X_FUNCTION_LOGIN:
		return sizeof(struct sbp2x_login_response);
	case SBP2X_FUNCTION_QUERY_LOGINS:
		return SBP2X_MANAGEMENT_RESPONSE_MAX;
	default:
		return 0;
	}
}

static void orb_fill(struct sbp2x_management *m, struct sbp2x_operation *op)
{
	struct sbp2x_management_slot *slot = slot_of(m);
	struct sbp2x_management_orb *orb = &slot->orb;
	unsigned int response = response_length(op->function);
	unsigned int password = min_t(unsigned int, op->password_length,
				      sizeof(slot->password));

	memset(slot, 0, sizeof(*slot));
	memset(response_of(m), 0, sizeof(*response_of(m)));
	sbp2x_put(orb->control, SBP2X_ORB_NOTIFY, 1);
	sbp2x_put(orb->control, SBP2X_MORB_FUNCTION, op->function);
	sbp2x_put(orb->control, SBP2X_MORB_LUN_OR_LOGIN_ID,
		  op->lun_or_login_id);
	sbp2x_pointer_set(&orb->status_fifo, op->status_fifo);

	if (op->function == SBP2X_FUNCTION_LOGIN) {
		sbp2x_put(orb->control, SBP2X_MORB_EXCLUSIVE, op->exclusive);
		sbp2x_put(orb->control, SBP2X_MORB_RECONNECT, op->reconnect);
	}
	if (op->function == SBP2X_FUNCTION_ABORT_TASK)
		sbp2x_pointer_set(&orb->orb_offset, op->orb_offset);
	if (password) {
		memcpy(slot->password, op->password, password);
		sbp2x_pointer_set(&orb->password, slot_address(m) +
				  offsetof(typeof(*slot), password));
		sbp2x_put(orb->length, SBP2X_MORB_PASSWORD_LENGTH, password);
	}
	if (response) {
		sbp2x_pointer_set(&orb->response, response_address(m));
		sbp2x_put(orb->length, SBP2X_MORB_RESPONSE_LENGTH, response);
	}
	/* The target may read all of it as soon as it knows the address */
	dma_wmb();
}

/* Nothing that arrives from now on counts for the current operation */
static void mailbox_close(struct sbp2x_management *m)
{
	unsigned long flags;

	spin_lock_irqsave(&m->lock, flags);
	m->expected_orb = 0;
	m->got_status = false;
	m->got_write = false;
	m->write_stale = m->write_busy;
	spin_unlock_irqrestore(&m->lock, flags);
}

/*
 * False where the write must not go out: the write of an earlier operation
 * has not ended yet, or this ORB's status is here already. Either way the
 * work is queued, or will be.
 */
static bool mailbox_open(struct sbp2x_management *m,
			 const struct sbp2x_path *path, u64 orb)
{
	unsigned long flags;
	bool open;

	spin_lock_irqsave(&m->lock, flags);
	open = !m->write_busy && !m->got_status;
	if (open) {
		m->expected_orb = orb;
		m->expected_path = *path;
		m->got_write = false;
		m->write_busy = true;
		m->write_stale = false;
	}
	spin_unlock_irqrestore(&m->lock, flags);

	return open;
}

static bool mailbox_has_status(struct sbp2x_management *m)
{
	bool status;

	spin_lock_irq(&m->lock);
	status = m->got_status;
	spin_unlock_irq(&m->lock);

	return status;
}

static void operation_complete(struct sbp2x_management *m,
			       struct sbp2x_operation *op,
			       enum sbp2x_management_outcome outcome)
{
	op->queued = false;
	op->outcome = outcome;
	trace_sbp2x_management_end(m->bus->log, op->function,
				   op->lun_or_login_id, outcome,
				   sbp2x_status_resp(&op->status),
				   sbp2x_status_sbp_status(&op->status),
				   op->rcode);
	op->done(op);
}

static void current_end(struct sbp2x_management *m)
{
	sbp2x_deadline_cancel(m->scheduler, &m->timeout);
	sbp2x_deadline_cancel(m->scheduler, &m->retry);
	mailbox_close(m);
	m->current_op = NULL;
}

static void current_complete(struct sbp2x_management *m,
			     enum sbp2x_management_outcome outcome)
{
	struct sbp2x_operation *op = m->current_op;

	current_end(m);
	operation_complete(m, op, outcome);
	management_next(m);
}

static void write_done(struct sbp2x_transaction *t, int rcode)
{
	struct sbp2x_management *m = container_of(t, typeof(*m), write);
	unsigned long flags;

	spin_lock_irqsave(&m->lock, flags);
	m->write_busy = false;
	if (!m->write_stale) {
		m->got_write = true;
		m->mail_rcode = rcode;
	}
	spin_unlock_irqrestore(&m->lock, flags);

	queue_work(m->scheduler->wq, &m->work);
}

static void current_write(struct sbp2x_management *m)
{
	u64 orb = slot_address(m);
	struct sbp2x_path *path = &m->current_op->path;

	if (!mailbox_open(m, path, orb))
		return;

	sbp2x_bus_write_pointer(m->bus, &m->write, path, m->address, orb,
				write_done);
}

static void current_start(struct sbp2x_management *m)
{
	struct sbp2x_operation *op = m->current_op;

	m->retries = 0;
	if (m->unsupported & BIT(op->function)) {
		current_complete(m, SBP2X_OP_UNSUPPORTED);
		return;
	}
	if (!sbp2x_bus_path(m->bus, &op->path)) {
		current_complete(m, SBP2X_OP_STALE);
		return;
	}

	m->slot = (m->slot + 1) % SBP2X_MANAGEMENT_SLOTS;
	orb_fill(m, op);
	trace_sbp2x_management_start(m->bus->log, op->function,
				     op->lun_or_login_id, op->path.node_id,
				     op->path.generation,
				     slot_address(m));

	/* No operation without a deadline, whatever becomes of the write */
	if (sbp2x_deadline_set_ms(m->scheduler, &m->timeout, op->timeout_ms)) {
		current_complete(m, SBP2X_OP_CANCELLED);
		return;
	}
	current_write(m);
}

static void management_next(struct sbp2x_management *m)
{
	if (m->current_op)
		return;

	m->current_op = list_first_entry_or_null(&m->queue,
						 struct sbp2x_operation, link);
	if (!m->current_op)
		return;

	list_del(&m->current_op->link);
	current_start(m);
}

static void current_write_ended(struct sbp2x_management *m, int rcode)
{
	struct sbp2x_operation *op = m->current_op;

	op->rcode = rcode;
	if (rcode == RCODE_COMPLETE)
		return;

	if (rcode == RCODE_GENERATION) {
		current_complete(m, SBP2X_OP_STALE);
	} else if ((sbp2x_rcode_is_transient(rcode) ||
		    rcode == RCODE_NO_ACK) && m->retries < WRITE_RETRIES) {
		if (sbp2x_deadline_set_ms(m->scheduler, &m->retry,
					  WRITE_RETRY_MS << m->retries++))
			current_complete(m, SBP2X_OP_CANCELLED);
	} else if (rcode != RCODE_CANCELLED) {
		current_complete(m, SBP2X_OP_WRITE_FAILED);
	}
	/*
	 * RCODE_CANCELLED: the response was lost, the request may have arrived
	 * all the same. The status or the deadline will tell.
	 */
}

static void remember_unsupported(struct sbp2x_management *m,
				 const struct sbp2x_operation *op)
{
	/* LOGIN, RECONNECT and LOGOUT are mandatory; the code means else there */
	if (op->function == SBP2X_FUNCTION_LOGIN ||
	    op->function == SBP2X_FUNCTION_RECONNECT ||
	    op->function == SBP2X_FUNCTION_LOGOUT)
		return;

	if (sbp2x_status_resp(&op->status) == SBP2X_RESP_REQUEST_COMPLETE &&
	    sbp2x_status_sbp_status(&op->status) ==
	    SBP2X_STATUS_TYPE_NOT_SUPPORTED)
		m->unsupported |= BIT(op->function);
}

/*
 * The bus failed the target while it fetched the ORB: it has done nothing. With
 * LOGIN it may also have failed after the login, so that is the session's.
 */
static bool current_is_repeated(struct sbp2x_management *m)
{
	struct sbp2x_operation *op = m->current_op;

	if (op->function == SBP2X_FUNCTION_LOGIN ||
	    sbp2x_status_resp(&op->status) != SBP2X_RESP_TRANSPORT_FAILURE ||
	    m->retries >= WRITE_RETRIES)
		return false;

	spin_lock_irq(&m->lock);
	m->got_status = false;
	spin_unlock_irq(&m->lock);

	return !sbp2x_deadline_set_ms(m->scheduler, &m->retry,
				      WRITE_RETRY_MS << m->retries++);
}

static void current_answered(struct sbp2x_management *m)
{
	struct sbp2x_operation *op = m->current_op;

	if (current_is_repeated(m))
		return;

	dma_rmb();
	memcpy(op->response, response_of(m)->data, sizeof(op->response));
	remember_unsupported(m, op);
	current_complete(m, sbp2x_status_ok(&op->status) ?
			    SBP2X_OP_ACCEPTED : SBP2X_OP_REFUSED);
}

static void management_work(struct work_struct *work)
{
	struct sbp2x_management *m = container_of(work, typeof(*m), work);
	bool status, write, idle;
	int rcode;

	if (!m->current_op)
		return;

	spin_lock_irq(&m->lock);
	idle = !m->expected_orb && !m->write_busy;
	status = m->got_status;
	write = m->got_write;
	rcode = m->mail_rcode;
	m->got_write = false;
	if (status)
		m->current_op->status = m->mail_status;
	spin_unlock_irq(&m->lock);

	if (status)
		current_answered(m);
	else if (write)
		current_write_ended(m, rcode);
	else if (idle)
		current_write(m);
}

static void timeout_fn(struct sbp2x_deadline *deadline)
{
	struct sbp2x_management *m = container_of(deadline, typeof(*m), timeout);

	/* Its work is queued behind us; what the target did is done */
	if (mailbox_has_status(m))
		return;

	if (m->current_op)
		current_complete(m, SBP2X_OP_TIMEOUT);
}

static void retry_fn(struct sbp2x_deadline *deadline)
{
	struct sbp2x_management *m = container_of(deadline, typeof(*m), retry);

	if (m->current_op)
		current_write(m);
}

bool sbp2x_management_status(struct sbp2x_management *m, u16 source,
			     int generation,
			     const struct sbp2x_status_block *status)
{
	unsigned long flags;
	bool ours;

	spin_lock_irqsave(&m->lock, flags);
	ours = m->expected_orb && !m->got_status &&
	       sbp2x_status_src(status) < SBP2X_SRC_UNSOLICITED &&
	       m->expected_orb == sbp2x_status_orb_offset(status) &&
	       sbp2x_path_is_from(&m->expected_path, source, generation);
	if (ours) {
		m->got_status = true;
		m->mail_status = *status;
	}
	spin_unlock_irqrestore(&m->lock, flags);

	if (ours)
		queue_work(m->scheduler->wq, &m->work);

	return ours;
}

void sbp2x_management_queue(struct sbp2x_management *m,
			    struct sbp2x_operation *op)
{
	if (WARN_ON_ONCE(op->queued))
		return;

	memset(&op->status, 0, sizeof(op->status));
	memset(op->response, 0, sizeof(op->response));
	op->rcode = RCODE_COMPLETE;

	if (m->down) {
		operation_complete(m, op, SBP2X_OP_CANCELLED);
		return;
	}
	op->queued = true;
	list_add_tail(&op->link, &m->queue);
	management_next(m);
}

void sbp2x_management_cancel(struct sbp2x_management *m,
			     struct sbp2x_operation *op)
{
	if (!op->queued)
		return;

	op->queued = false;
	op->outcome = SBP2X_OP_CANCELLED;
	if (op == m->current_op) {
		current_end(m);
		management_next(m);
	} else {
		list_del(&op->link);
	}
}

bool sbp2x_management_is_current(const struct sbp2x_management *m,
				 const struct sbp2x_operation *op,
				 int generation)
{
	if (op != m->current_op)
		return op->queued;

	return op->path.generation == generation;
}

void sbp2x_management_bus_reset(struct sbp2x_management *m)
{
	struct sbp2x_path path;

	if (!m->current_op)
		return;

	/* It may have been sent after the reset that we are told of now */
	if (sbp2x_bus_path(m->bus, &path) &&
	    path.generation == m->current_op->path.generation)
		return;

	current_complete(m, SBP2X_OP_STALE);
}

int sbp2x_management_init(struct sbp2x_management *m,
			  struct sbp2x_memory *memory,
			  struct sbp2x_scheduler *scheduler, u64 address)
{
	int ret;

	memset(m, 0, sizeof(*m));
	m->bus = memory->bus;
	m->scheduler = scheduler;
	m->address = address;
	INIT_LIST_HEAD(&m->queue);
	spin_lock_init(&m->lock);
	INIT_WORK(&m->work, management_work);
	sbp2x_deadline_init(&m->timeout, timeout_fn);
	sbp2x_deadline_init(&m->retry, retry_fn);

	ret = sbp2x_region_alloc(memory, &m->slots, SBP2X_MANAGEMENT_SLOTS *
				 sizeof(struct sbp2x_management_slot), false);
	if (ret)
		return ret;

	ret = sbp2x_region_alloc(memory, &m->responses, SBP2X_MANAGEMENT_SLOTS *
				 sizeof(struct sbp2x_management_response),
				 true);
	if (ret)
		sbp2x_region_free(&m->slots);
	return ret;
}

void sbp2x_management_shutdown(struct sbp2x_management *m)
{
	struct sbp2x_operation *op;
	LIST_HEAD(queue);

	m->down = true;
	list_splice_init(&m->queue, &queue);
	if (m->current_op)
		current_complete(m, SBP2X_OP_CANCELLED);

	/* Whoever is told of an end may cancel any of the others */
	while ((op = list_first_entry_or_null(&queue, typeof(*op), link))) {
		list_del(&op->link);
		operation_complete(m, op, SBP2X_OP_CANCELLED);
	}
}

void sbp2x_management_destroy(struct sbp2x_management *m)
{
	sbp2x_region_free(&m->responses);
	sbp2x_region_free(&m->slots);
}
