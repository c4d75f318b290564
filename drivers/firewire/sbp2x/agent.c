// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fetch agent of one login.
 *
 * The target follows a chain: it is told of the first ORB by ORB_POINTER and
 * finds the next ones by next_ORB, which we set in memory that it reads. Where
 * next_ORB is null its agent is suspended. Whether it was null when the target
 * read it, or had been set already, nobody knows but the target: it says so by
 * src in the status of that ORB. If it was null, all that was linked later has
 * not been seen, and is given to the target again, by ORB_POINTER. That closes
 * the race between linking and suspending without a register to look at, and
 * is why a task counts as linked only until the status before it says so.
 *
 * A start writes three registers of the target, one after the other, and
 * then lets tasks flow; a reset of a wedged or dead agent is a start that
 * begins at its second step. Everything the agent does is driven by the end
 * of a write, a status block, or its one deadline; nothing here sleeps but
 * the functions for error handling.
 */
#include "agent.h"

#include <linux/device.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "trace.h"

/* A busy target is tried again after 10 ms, 20 ms, ... 320 ms */
#define RETRY_MS	10
#define RETRIES		6

/*
 * Resets for want of a written ORB_POINTER, with no status in between: more
 * of them would not help, a login afresh may.
 */
#define RESETS		3

/* Repetitions of a task that failed on its way over the bus */
#define TRANSPORT_RETRIES	3

/* A target that is asked by the doorbell whether it stands still comes on in */
#define DOORBELL_ANSWER_MS	500

#define CSR_BUSY_TIMEOUT_ADDRESS	(CSR_REGISTER_BASE + CSR_BUSY_TIMEOUT)

/*
 * The list's tasks, and of the completed ORBs the last in order, which the
 * target may read again for its next_ORB. A slot also stays in use until its
 * ORB_POINTER write ended; two more keep that from costing throughput.
 */
#define SPARE_SLOTS	3

/*
 * struct sbp2x_slot - an ORB with its page table
 * @link: into the agent's free or quarantine list
 * @task: whose ORB it is, or NULL
 * @pointer: the ORB_POINTER write
 * @writing: @pointer is under way
 * @order: in which the target was given them; wraps around
 * @linked: it was given by the next_ORB of the one before
 * @completed: statuses that had arrived then
 */
struct sbp2x_slot {
	struct list_head link;
	struct sbp2x_agent *agent;
	struct sbp2x_task *task;
	struct sbp2x_command_orb *orb;
	u64 orb_address;
	struct sbp2x_page_table_entry *page_table;
	u64 page_table_address;
	u64 data;			/* for data_descriptor */
	struct sbp2x_transaction pointer;
	bool writing;
	u32 order;
	bool linked;
	u64 completed;
};

static void agent_pump(struct sbp2x_agent *agent);
static void agent_control_write(struct sbp2x_agent *agent);
static void agent_rearm(struct sbp2x_agent *agent);

/* Slots */

static void slot_release(struct sbp2x_agent *agent, struct sbp2x_slot *slot)
{
	lockdep_assert_held(&agent->lock);
	list_add_tail(&slot->link, &agent->free_slots);
}

static bool slot_is_after(const struct sbp2x_slot *slot,
			  const struct sbp2x_slot *other)
{
	return (s32)(slot->order - other->order) > 0;
}

/*
 * The ORB completed: keep it readable until a later one completes. True where
 * it is the latest so far.
 */
static bool slot_retire(struct sbp2x_agent *agent, struct sbp2x_slot *slot)
{
	lockdep_assert_held(&agent->lock);
	slot->task = NULL;
	if (agent->kept && slot_is_after(agent->kept, slot)) {
		slot_release(agent, slot);
		return false;
	}
	if (agent->kept)
		slot_release(agent, agent->kept);
	agent->kept = slot;
	return true;
}

static struct sbp2x_slot *slot_get(struct sbp2x_agent *agent)
{
	struct sbp2x_slot *slot;

	lockdep_assert_held(&agent->lock);
	list_for_each_entry(slot, &agent->free_slots, link) {
		if (slot->writing)
			continue;
		list_del(&slot->link);
		return slot;
	}

	return NULL;
}

static struct sbp2x_slot *slot_by_orb(struct sbp2x_agent *agent, u64 offset)
{
	u64 index;

	if (offset < agent->memory.address)
		return NULL;

	index = div64_u64(offset - agent->memory.address, agent->orb_stride);
	if (index >= agent->slot_count ||
	    agent->slots[index].orb_address != offset)
		return NULL;

	return &agent->slots[index];
}

/* ORBs */

static bool task_fits(const struct sbp2x_agent *agent,
		      const struct sbp2x_task *task)
{
	return task->cdb_length <= SBP2X_CDB_SIZE &&
	       task->cdb_length + SBP2X_ORB_HEADER_SIZE <=
	       agent->limits.orb_size &&
	       sbp2x_window_fits(&agent->windows, &task->data,
				 agent->limits.page_table_entries);
}

static unsigned int slot_window(const struct sbp2x_slot *slot)
{
	return slot - slot->agent->slots;
}

/* A single segment needs no page table, and some devices know none */
static void slot_fill_data(struct sbp2x_slot *slot,
			   const struct sbp2x_task *task)
{
	struct sbp2x_command_orb *orb = slot->orb;
	struct sbp2x_page_table_entry *table = slot->page_table;
	unsigned int count;

	count = sbp2x_window_describe(&slot->agent->windows, slot_window(slot),
				      &task->data, table);
	if (count == 1) {
		slot->data = sbp2x_page_table_entry_base(table);
		sbp2x_put(orb->control, SBP2X_CORB_DATA_SIZE,
			  sbp2x_page_table_entry_length(table));
		return;
	}

	slot->data = slot->page_table_address;
	sbp2x_put(orb->control, SBP2X_CORB_PAGE_TABLE_PRESENT, 1);
	sbp2x_put(orb->control, SBP2X_CORB_DATA_SIZE, count);
}

/* All of the ORB that does not depend on the generation of the bus */
static void slot_fill(struct sbp2x_slot *slot, const struct sbp2x_task *task)
{
	struct sbp2x_command_orb *orb = slot->orb;

	memset(orb, 0, sizeof(*orb));
	sbp2x_put(orb->control, SBP2X_ORB_NOTIFY, 1);
	if (task->data.nents && task->data.direction == DMA_FROM_DEVICE)
		orb->control |= cpu_to_be32(SBP2X_CORB_DIRECTION_READ);
	memcpy(orb->cdb, task->cdb, task->cdb_length);

	slot->data = 0;
	if (task->data.nents)
		slot_fill_data(slot, task);
}

/* The rest of it: node IDs and speeds change with every bus reset */
static void slot_fill_path(struct sbp2x_slot *slot,
			   const struct sbp2x_path *path)
{
	struct sbp2x_command_orb *orb = slot->orb;

	sbp2x_pointer_set_null(&orb->next_orb);
	sbp2x_put(orb->control, SBP2X_CORB_SPD, path->speed);
	sbp2x_put(orb->control, SBP2X_CORB_MAX_PAYLOAD, path->max_payload);
	if (slot->task->data.nents)
		sbp2x_pointer_set_node(&orb->data_descriptor,
				       path->local_node_id, slot->data);
}

/* The one door out of the task list */

/* The target has no business with the data of @task any more */
static void task_close(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	lockdep_assert_held(&agent->lock);
	sbp2x_window_close(&agent->windows, slot_window(task->slot));
}

/*
 * The caller completes @task, or hands it back to its submitter, and then
 * calls task_completed().
 */
static void task_take(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	lockdep_assert_held(&agent->lock);
	if (task->state == SBP2X_TASK_AT_TARGET)
		agent->at_target--;
	task_close(agent, task);
	task->state = SBP2X_TASK_COMPLETING;
	list_del(&task->link);
	agent->accepted--;
	agent->completing++;
}

static void task_completed(struct sbp2x_agent *agent)
{
	unsigned long flags;

	spin_lock_irqsave(&agent->lock, flags);
	agent->completing--;
	spin_unlock_irqrestore(&agent->lock, flags);

	if (wq_has_sleeper(&agent->wait))
		wake_up_all(&agent->wait);
}

static void task_complete(struct sbp2x_agent *agent, struct sbp2x_task *task,
			  enum sbp2x_task_outcome outcome,
			  const struct sbp2x_status_block *status,
			  size_t length)
{
	trace_sbp2x_complete(agent->bus->log, task->slot->orb_address,
			     task->cdb[0], outcome);
	task->state = SBP2X_TASK_IDLE;
	task->done(task, outcome, status, length);
	task_completed(agent);
}

/* Complete what task_take() put on @tasks */
static void tasks_complete(struct sbp2x_agent *agent, struct list_head *tasks,
			   enum sbp2x_task_outcome outcome)
{
	struct sbp2x_task *task, *next;

	list_for_each_entry_safe(task, next, tasks, link) {
		list_del(&task->link);
		task_complete(agent, task, outcome, NULL, 0);
	}
}

/* Likewise, onto a list of those to be completed */
static void task_take_to(struct sbp2x_agent *agent, struct sbp2x_task *task,
			 struct list_head *to)
{
	lockdep_assert_held(&agent->lock);
	task_take(agent, task);
	task->slot->task = NULL;
	list_add_tail(&task->slot->link, &agent->quarantine);
	list_add_tail(&task->link, to);
}

static bool target_may_have(const struct sbp2x_task *task)
{
	return task->state == SBP2X_TASK_AT_TARGET ||
	       task->state == SBP2X_TASK_RECALLED;
}

/* What the target has is to be forgotten by it */
static void tasks_recall(struct sbp2x_agent *agent)
{
	struct sbp2x_task *task;

	lockdep_assert_held(&agent->lock);
	list_for_each_entry(task, &agent->tasks, link) {
		if (task->state != SBP2X_TASK_AT_TARGET)
			continue;
		task->state = SBP2X_TASK_RECALLED;
		agent->at_target--;
	}
}

/*
 * The target surely has nothing of ours any more: what was recalled is to be
 * given to it again, or may not be.
 */
static void tasks_forgotten(struct sbp2x_agent *agent, struct list_head *lost)
{
	struct sbp2x_task *task, *next;

	lockdep_assert_held(&agent->lock);
	list_for_each_entry_safe(task, next, &agent->tasks, link) {
		if (task->state != SBP2X_TASK_RECALLED)
			continue;
		if (!task->repeatable) {
			task_take_to(agent, task, lost);
			continue;
		}
		task_close(agent, task);
		task->state = SBP2X_TASK_QUEUED;
		agent->count.resubmitted++;
		trace_sbp2x_resubmit(agent->bus->log, task->slot->orb_address,
				     task->cdb[0]);
	}
	list_splice_tail_init(&agent->quarantine, &agent->free_slots);
}

/* Giving ORBs to the target */

/* The target's agent is, or will be, in its reset state */
static void agent_recall(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	tasks_recall(agent);
	agent->chain = NULL;
	agent->ring = false;
}

static void agent_set_held(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	agent_recall(agent);
	agent->state = SBP2X_AGENT_HELD;
	/* Its end will only tell that the transaction is free again */
	agent->control_stale = agent->control_busy;
}

/*
 * True where the caller is to send the write of the current step. AGENT_RESET
 * waits until every write for tasks has ended, lest it overtakes one.
 */
static bool control_claim(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	if (agent->state != SBP2X_AGENT_STARTING || agent->control_busy)
		return false;
	if (agent->step == SBP2X_STEP_AGENT_RESET && agent->writing)
		return false;
	agent->control_busy = true;
	return true;
}

/* Begin a start at @step; true where the caller is to send the first write */
static bool agent_set_starting(struct sbp2x_agent *agent,
			       enum sbp2x_agent_step step)
{
	lockdep_assert_held(&agent->lock);
	agent_recall(agent);
	agent->state = SBP2X_AGENT_STARTING;
	agent->step = step;
	agent->control_retries = 0;
	agent->write_retries = 0;
	agent->backing_off = false;
	if (step == SBP2X_STEP_AGENT_RESET)
		agent->count.resets++;

	/* A write that is under way sends this one when it ends */
	agent->control_stale = agent->control_busy;
	return control_claim(agent);
}

/* The generation is over: hold, without having been told to */
static void agent_set_stale(struct sbp2x_agent *agent, struct list_head *lost)
{
	lockdep_assert_held(&agent->lock);
	agent_set_held(agent);
	tasks_forgotten(agent, lost);
}

static void agent_stale(struct sbp2x_agent *agent, int generation)
{
	wake_up_all(&agent->wait);
	agent->ops->stale(agent, generation);
}

/*
 * The agent is held, but other than after a bus reset the target may still be
 * busy with its tasks: what it could touch stays as it is until a reset.
 */
static void agent_lost(struct sbp2x_agent *agent)
{
	wake_up_all(&agent->wait);
	dev_warn(agent->bus->log,
		 "the target's fetch agent does not answer; logging in again\n");
	agent->ops->lost(agent);
}

static void agent_retry_later(struct sbp2x_agent *agent, unsigned int retries)
{
	unsigned int pause_ms = RETRY_MS << (retries - 1);

	/* On -ESHUTDOWN the owner is about to stop us */
	(void)sbp2x_deadline_set_ms(agent->scheduler, &agent->retry, pause_ms);
}

/* What the end of an ORB_POINTER or DOORBELL write leads to */
enum write_verdict {
	WRITE_FINE,
	WRITE_RETRY,
	WRITE_STALE,
	WRITE_RESET,
	WRITE_LOST,
};

/* Not known whether the target took it: make it forget */
static enum write_verdict write_trouble(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	if (agent->pointer_resets < RESETS) {
		agent->pointer_resets++;
		return WRITE_RESET;
	}
	agent_set_held(agent);
	return WRITE_LOST;
}

static enum write_verdict write_judge(struct sbp2x_agent *agent, int rcode,
				      struct list_head *lost)
{
	lockdep_assert_held(&agent->lock);
	if (rcode == RCODE_COMPLETE) {
		agent->write_retries = 0;
		return WRITE_FINE;
	}

	agent->count.write_errors++;
	if (rcode == RCODE_GENERATION) {
		agent_set_stale(agent, lost);
		return WRITE_STALE;
	}
	if (!sbp2x_rcode_is_transient(rcode) || agent->write_retries >= RETRIES)
		return write_trouble(agent);

	agent->backing_off = true;
	agent->write_retries++;
	return WRITE_RETRY;
}

/* The target has not seen @task, nor what was linked after it */
static void chain_cut_before(struct sbp2x_agent *agent,
			     struct sbp2x_task *task)
{
	lockdep_assert_held(&agent->lock);
	agent->chain = NULL;
	agent->ring = false;
	list_for_each_entry_from(task, &agent->tasks, link) {
		if (task->state != SBP2X_TASK_AT_TARGET)
			continue;
		task_close(agent, task);
		task->state = SBP2X_TASK_QUEUED;
		agent->at_target--;
	}
}

/* The target came to the end of the chain at @slot, which has completed */
static void chain_cut_after(struct sbp2x_agent *agent,
			    const struct sbp2x_slot *slot)
{
	struct sbp2x_task *task;

	lockdep_assert_held(&agent->lock);
	agent->chain = NULL;
	list_for_each_entry(task, &agent->tasks, link) {
		if (task->state == SBP2X_TASK_AT_TARGET &&
		    slot_is_after(task->slot, slot)) {
			chain_cut_before(agent, task);
			return;
		}
	}
}

struct write_end {
	enum write_verdict verdict;
	int generation;
	unsigned int retries;
	struct list_head lost;
	bool send;		/* what waited for the end of the write */
};

static void write_ended(struct sbp2x_agent *agent, struct write_end *end)
{
	lockdep_assert_held(&agent->lock);
	agent->writing--;
	end->verdict = WRITE_FINE;
	end->generation = agent->path.generation;
	INIT_LIST_HEAD(&end->lost);
}

static void write_conclude(struct sbp2x_agent *agent, struct write_end *end)
{
	lockdep_assert_held(&agent->lock);
	end->retries = agent->write_retries;
	if (end->verdict == WRITE_RESET)
		end->send = agent_set_starting(agent, SBP2X_STEP_AGENT_RESET);
	else
		end->send = agent->step == SBP2X_STEP_AGENT_RESET &&
			    control_claim(agent);
}

/* Without the lock */
static void write_follow_up(struct sbp2x_agent *agent, struct write_end *end)
{
	tasks_complete(agent, &end->lost, SBP2X_TASK_LOST);

	if (end->send)
		agent_control_write(agent);
	else if (end->verdict == WRITE_RETRY)
		agent_retry_later(agent, end->retries);
	else if (end->verdict == WRITE_STALE)
		agent_stale(agent, end->generation);
	else if (end->verdict == WRITE_LOST)
		agent_lost(agent);
	else
		agent_pump(agent);
}

static void pointer_done(struct sbp2x_transaction *t, int rcode)
{
	struct sbp2x_slot *slot = container_of(t, typeof(*slot), pointer);
	struct sbp2x_agent *agent = slot->agent;
	struct write_end end;
	unsigned long flags;

	spin_lock_irqsave(&agent->lock, flags);
	write_ended(agent, &end);
	slot->writing = false;
	/* Where the task is over already, the target did take the ORB */
	if (slot->task && slot->task->state == SBP2X_TASK_AT_TARGET)
		end.verdict = write_judge(agent, rcode, &end.lost);
	if (end.verdict == WRITE_RETRY)
		chain_cut_before(agent, slot->task);
	write_conclude(agent, &end);
	spin_unlock_irqrestore(&agent->lock, flags);

	write_follow_up(agent, &end);
}

static void doorbell_done(struct sbp2x_transaction *t, int rcode)
{
	struct sbp2x_agent *agent = container_of(t, typeof(*agent), doorbell);
	struct write_end end;
	unsigned long flags;

	spin_lock_irqsave(&agent->lock, flags);
	write_ended(agent, &end);
	agent->ringing = false;
	/*
	 * Without a chain there is nothing that it was rung for; and to be
	 * asked by it, the target need not know it
	 */
	if (agent->chain &&
	    (!agent->asking || sbp2x_rcode_is_transient(rcode)))
		end.verdict = write_judge(agent, rcode, &end.lost);
	if (end.verdict == WRITE_RETRY)
		agent->ring = true;
	write_conclude(agent, &end);
	spin_unlock_irqrestore(&agent->lock, flags);

	write_follow_up(agent, &end);
}

/*
 * The task that is next to be given to the target, or NULL. They are given in
 * order, so what is queued is the end of the list.
 */
static struct sbp2x_task *agent_next(struct sbp2x_agent *agent)
{
	struct sbp2x_task *task, *next = NULL;

	lockdep_assert_held(&agent->lock);
	if (agent->state != SBP2X_AGENT_READY || agent->backing_off)
		return NULL;
	if (agent->mode == SBP2X_MODE_SERIAL && agent->at_target)
		return NULL;

	list_for_each_entry_reverse(task, &agent->tasks, link) {
		if (task->state != SBP2X_TASK_QUEUED)
			break;
		next = task;
	}
	return next;
}

/* True where the ORB_POINTER is to be written, to tell the target of it */
static bool agent_give(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	struct sbp2x_slot *slot = task->slot, *before = agent->chain;

	lockdep_assert_held(&agent->lock);
	slot_fill_path(slot, &agent->path);
	sbp2x_window_open(&agent->windows, slot_window(slot), &task->data,
			  &agent->path);
	task->state = SBP2X_TASK_AT_TARGET;
	agent->at_target++;
	slot->order = ++agent->order;
	slot->linked = before;
	slot->completed = agent->count.completed;
	if (agent->mode != SBP2X_MODE_SERIAL)
		agent->chain = slot;

	dma_wmb();
	trace_sbp2x_submit(agent->bus->log, slot->orb_address, task->cdb[0],
			   task->data.length, before ?
			   before->orb_address : 0, agent->at_target);
	if (before) {
		sbp2x_pointer_link(&before->orb->next_orb, slot->orb_address);
		agent->ring |= agent->mode == SBP2X_MODE_DOORBELL;
		agent->count.links++;
		return false;
	}

	slot->writing = true;
	agent->writing++;
	agent->count.pointers++;
	return true;
}

static bool agent_rings(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	if (!agent->ring || agent->ringing || agent->backing_off ||
	    agent->state != SBP2X_AGENT_READY)
		return false;

	agent->ring = false;
	agent->ringing = true;
	agent->writing++;
	agent->count.doorbells++;
	return true;
}

/* Give the target what it may have, and tell it where it has to be told */
static void agent_pump(struct sbp2x_agent *agent)
{
	struct sbp2x_slot *slot = NULL;
	struct sbp2x_task *task;
	struct sbp2x_path path;
	unsigned long flags;
	u64 address;
	bool ring;

	spin_lock_irqsave(&agent->lock, flags);
	while ((task = agent_next(agent)))
		if (agent_give(agent, task))
			slot = task->slot;
	/* What is linked to an ORB that it is told of, it will find anyway */
	if (slot)
		agent->ring = false;
	ring = agent_rings(agent);
	path = agent->path;
	address = agent->address;
	spin_unlock_irqrestore(&agent->lock, flags);

	if (slot)
		sbp2x_bus_write_pointer(agent->bus, &slot->pointer, &path,
					address + SBP2X_AGENT_ORB_POINTER,
					slot->orb_address, pointer_done);
	if (ring)
		sbp2x_bus_write_quadlet(agent->bus, &agent->doorbell, &path,
					address + SBP2X_AGENT_DOORBELL, 0,
					doorbell_done);
}

/* Starting and resetting the target's agent */

/* BUSY_TIMEOUT and unsolicited status are a comfort; the reset is a must */
static bool step_is_optional(enum sbp2x_agent_step step)
{
	return step != SBP2X_STEP_AGENT_RESET;
}

enum control_verdict {
	CONTROL_WRITE,
	CONTROL_READY,
	CONTROL_RETRY,
	CONTROL_STALE,
	CONTROL_LOST,
	CONTROL_NOTHING,
};

/* On to the next step */
static enum control_verdict control_advance(struct sbp2x_agent *agent,
					    struct list_head *lost)
{
	lockdep_assert_held(&agent->lock);
	if (agent->step == SBP2X_STEP_AGENT_RESET)
		tasks_forgotten(agent, lost);

	agent->control_retries = 0;
	agent->step++;
	if (agent->step == SBP2X_STEP_READY) {
		agent->state = SBP2X_AGENT_READY;
		return CONTROL_READY;
	}
	if (agent->step == SBP2X_STEP_UNSOLICITED_STATUS)
		agent->rearm = false;
	return control_claim(agent) ? CONTROL_WRITE : CONTROL_NOTHING;
}

static bool control_is_worth_repeating(const struct sbp2x_agent *agent,
				       int rcode)
{
	return agent->control_retries < RETRIES &&
	       (sbp2x_rcode_is_transient(rcode) || rcode == RCODE_NO_ACK ||
		rcode == RCODE_CANCELLED);
}

static enum control_verdict control_judge(struct sbp2x_agent *agent, int rcode,
					  struct list_head *lost)
{
	bool stale = agent->control_stale;

	lockdep_assert_held(&agent->lock);
	agent->control_busy = false;
	agent->control_stale = false;
	if (agent->state != SBP2X_AGENT_STARTING)
		return CONTROL_NOTHING;
	if (stale)
		return control_claim(agent) ? CONTROL_WRITE : CONTROL_NOTHING;
	if (rcode == RCODE_COMPLETE)
		return control_advance(agent, lost);
	if (rcode == RCODE_GENERATION) {
		agent_set_stale(agent, lost);
		return CONTROL_STALE;
	}

	agent->count.write_errors++;
	if (control_is_worth_repeating(agent, rcode)) {
		agent->control_retries++;
		return CONTROL_RETRY;
	}
	if (step_is_optional(agent->step))
		return control_advance(agent, lost);

	agent_set_held(agent);
	return CONTROL_LOST;
}

static void control_done(struct sbp2x_transaction *t, int rcode)
{
	struct sbp2x_agent *agent = container_of(t, typeof(*agent), control);
	enum control_verdict verdict;
	unsigned int retries;
	unsigned long flags;
	LIST_HEAD(lost);
	int generation;

	spin_lock_irqsave(&agent->lock, flags);
	generation = agent->path.generation;
	verdict = control_judge(agent, rcode, &lost);
	retries = agent->control_retries;
	spin_unlock_irqrestore(&agent->lock, flags);

	tasks_complete(agent, &lost, SBP2X_TASK_LOST);

	switch (verdict) {
	case CONTROL_WRITE:
		agent_control_write(agent);
		break;
	case CONTROL_READY:
		wake_up_all(&agent->wait);
		agent_rearm(agent);
		agent_pump(agent);
		break;
	case CONTROL_RETRY:
		agent_retry_later(agent, retries);
		break;
	case CONTROL_STALE:
		agent_stale(agent, generation);
		break;
	case CONTROL_LOST:
		agent_lost(agent);
		break;
	case CONTROL_NOTHING:
		break;
	}
}

/* control_busy was set by the caller, so the transaction is ours */
static void agent_control_write(struct sbp2x_agent *agent)
{
	enum sbp2x_agent_step step;
	struct sbp2x_path path;
	unsigned long flags;
	u64 offset;
	u32 value;

	spin_lock_irqsave(&agent->lock, flags);
	step = agent->step;
	path = agent->path;
	offset = agent->address;
	spin_unlock_irqrestore(&agent->lock, flags);

	switch (step) {
	case SBP2X_STEP_BUSY_TIMEOUT:
		offset = CSR_BUSY_TIMEOUT_ADDRESS;
		value = SBP2X_BUSY_TIMEOUT_CYCLES | SBP2X_BUSY_TIMEOUT_RETRIES;
		break;
	case SBP2X_STEP_UNSOLICITED_STATUS:
		offset += SBP2X_AGENT_UNSOLICITED_STATUS_ENABLE;
		value = 1;
		break;
	default:
		offset += SBP2X_AGENT_RESET;
		value = 0;
		break;
	}
	sbp2x_bus_write_quadlet(agent->bus, &agent->control, &path, offset,
				value, control_done);
}

/* The pause after a busy write is over: go on with whatever was refused */
static void retry_fn(struct sbp2x_deadline *deadline)
{
	struct sbp2x_agent *agent = container_of(deadline, typeof(*agent),
						 retry);
	bool send;

	spin_lock_irq(&agent->lock);
	agent->backing_off = false;
	send = control_claim(agent);
	spin_unlock_irq(&agent->lock);

	if (send)
		agent_control_write(agent);
	else
		agent_pump(agent);
}

void sbp2x_agent_start(struct sbp2x_agent *agent, u64 address,
		       const struct sbp2x_path *path)
{
	unsigned long flags;
	bool send;

	spin_lock_irqsave(&agent->lock, flags);
	agent->address = address;
	agent->path = *path;
	agent->pointer_resets = 0;
	send = agent_set_starting(agent, SBP2X_STEP_BUSY_TIMEOUT);
	spin_unlock_irqrestore(&agent->lock, flags);

	if (send)
		agent_control_write(agent);
}

static bool agent_refuses(const struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	return agent->state == SBP2X_AGENT_UNBOUND ||
	       agent->state == SBP2X_AGENT_STOPPED;
}

void sbp2x_agent_hold(struct sbp2x_agent *agent)
{
	unsigned long flags;
	LIST_HEAD(lost);

	spin_lock_irqsave(&agent->lock, flags);
	if (!agent_refuses(agent)) {
		agent_set_held(agent);
		tasks_forgotten(agent, &lost);
	}
	spin_unlock_irqrestore(&agent->lock, flags);

	tasks_complete(agent, &lost, SBP2X_TASK_LOST);
	wake_up_all(&agent->wait);
}

void sbp2x_agent_lose(struct sbp2x_agent *agent)
{
	unsigned long flags;
	bool started;

	spin_lock_irqsave(&agent->lock, flags);
	started = agent->state == SBP2X_AGENT_STARTING ||
		  agent->state == SBP2X_AGENT_READY;
	if (started)
		agent_set_held(agent);
	spin_unlock_irqrestore(&agent->lock, flags);

	if (started)
		agent_lost(agent);
}

static void agent_end(struct sbp2x_agent *agent, bool all)
{
	struct sbp2x_task *task, *next;
	unsigned long flags;
	LIST_HEAD(gone);

	spin_lock_irqsave(&agent->lock, flags);
	agent_set_held(agent);
	agent->state = SBP2X_AGENT_STOPPED;
	list_for_each_entry_safe(task, next, &agent->tasks, link)
		if (all || !target_may_have(task))
			task_take_to(agent, task, &gone);
	spin_unlock_irqrestore(&agent->lock, flags);

	tasks_complete(agent, &gone, SBP2X_TASK_GONE);
	wake_up_all(&agent->wait);
}

void sbp2x_agent_close(struct sbp2x_agent *agent)
{
	agent_end(agent, false);
}

void sbp2x_agent_stop(struct sbp2x_agent *agent)
{
	agent_end(agent, true);
}

static int slot_reserve(struct sbp2x_agent *agent, struct sbp2x_slot **slot)
{
	lockdep_assert_held(&agent->lock);
	if (agent_refuses(agent))
		return -ENODEV;
	if (agent->accepted >= agent->limits.depth)
		return -EBUSY;

	*slot = slot_get(agent);
	if (!*slot)
		return -EBUSY;

	agent->accepted++;
	return 0;
}

int sbp2x_agent_submit(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	struct sbp2x_slot *slot;
	unsigned long flags;
	int ret;

	if (!task_fits(agent, task))
		return -EMSGSIZE;

	spin_lock_irqsave(&agent->lock, flags);
	ret = slot_reserve(agent, &slot);
	spin_unlock_irqrestore(&agent->lock, flags);
	if (ret)
		return ret;

	slot_fill(slot, task);

	spin_lock_irqsave(&agent->lock, flags);
	if (agent_refuses(agent)) {
		slot_release(agent, slot);
		agent->accepted--;
		ret = -ENODEV;
	} else {
		slot->task = task;
		task->slot = slot;
		task->failures = 0;
		task->state = SBP2X_TASK_QUEUED;
		list_add_tail(&task->link, &agent->tasks);
		agent->count.submitted++;
	}
	spin_unlock_irqrestore(&agent->lock, flags);

	if (!ret)
		agent_pump(agent);
	return ret;
}

/* Unsolicited status: the target sends one each time its register is written */

static void unsolicited_done(struct sbp2x_transaction *t, int rcode)
{
	struct sbp2x_agent *agent = container_of(t, typeof(*agent),
						 unsolicited);
	unsigned long flags;

	spin_lock_irqsave(&agent->lock, flags);
	agent->unsolicited_busy = false;
	spin_unlock_irqrestore(&agent->lock, flags);

	agent_rearm(agent);
}

static void agent_rearm(struct sbp2x_agent *agent)
{
	struct sbp2x_path path;
	unsigned long flags;
	u64 address;
	bool send;

	spin_lock_irqsave(&agent->lock, flags);
	send = agent->rearm && agent->state == SBP2X_AGENT_READY &&
	       !agent->unsolicited_busy;
	if (send) {
		agent->rearm = false;
		agent->unsolicited_busy = true;
	}
	path = agent->path;
	address = agent->address + SBP2X_AGENT_UNSOLICITED_STATUS_ENABLE;
	spin_unlock_irqrestore(&agent->lock, flags);

	if (send)
		sbp2x_bus_write_quadlet(agent->bus, &agent->unsolicited, &path,
					address, 1, unsolicited_done);
}

/* Status */

static bool status_is_trusted(struct sbp2x_agent *agent,
			      const struct sbp2x_inbound *in)
{
	lockdep_assert_held(&agent->lock);
	return (agent->state == SBP2X_AGENT_READY ||
		agent->state == SBP2X_AGENT_STARTING) &&
	       sbp2x_path_is_from(&agent->path, in->source, in->generation);
}

/*
 * The ORB completed. src says whether the target went on from there; where it
 * is the last of the chain there was nothing to go on to, whatever src says.
 */
static void slot_completed(struct sbp2x_agent *agent, struct sbp2x_slot *slot,
			   enum sbp2x_src src)
{
	bool latest;

	lockdep_assert_held(&agent->lock);
	latest = slot_retire(agent, slot);
	if (agent->mode == SBP2X_MODE_CHAIN && latest &&
	    (src == SBP2X_SRC_ORB_IS_LAST || slot == agent->chain))
		chain_cut_after(agent, slot);
}

/*
 * The bus failed the target, and the device has nothing to say of the command:
 * worth repeating, where that is safe, before anybody hears of it.
 */
static bool task_is_worth_repeating(struct sbp2x_task *task,
				    const struct sbp2x_status_block *status)
{
	return sbp2x_status_resp(status) == SBP2X_RESP_TRANSPORT_FAILURE &&
	       task->repeatable && task->failures++ < TRANSPORT_RETRIES;
}

/*
 * The task that this status is for, taken out of the list; or NULL. @again:
 * there is one, and it is to be given to the target again after a reset.
 */
static struct sbp2x_task *status_match(struct sbp2x_agent *agent,
				       const struct sbp2x_status_block *status,
				       bool *again)
{
	struct sbp2x_slot *slot;
	struct sbp2x_task *task;

	lockdep_assert_held(&agent->lock);
	slot = slot_by_orb(agent, sbp2x_status_orb_offset(status));
	if (!slot || !slot->task || !target_may_have(slot->task)) {
		agent->count.status_unknown++;
		return NULL;
	}

	task = slot->task;
	*again = task_is_worth_repeating(task, status);
	if (*again)
		return NULL;

	task_take(agent, task);
	slot_completed(agent, slot, sbp2x_status_src(status));
	agent->pointer_resets = 0;
	agent->count.completed++;
	return task;
}

static void status_unsolicited(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	agent->count.unsolicited++;
	agent->rearm = true;
}

bool sbp2x_agent_status(struct sbp2x_agent *agent,
			const struct sbp2x_inbound *in,
			const struct sbp2x_status_block *status)
{
	struct sbp2x_task *task = NULL;
	bool trusted, unsolicited, again = false, send = false;
	unsigned long flags;

	unsolicited = sbp2x_status_src(status) >= SBP2X_SRC_UNSOLICITED;

	spin_lock_irqsave(&agent->lock, flags);
	trusted = status_is_trusted(agent, in);
	if (!trusted)
		agent->count.status_foreign++;
	else if (unsolicited)
		status_unsolicited(agent);
	else
		task = status_match(agent, status, &again);
	trace_sbp2x_status(agent->bus->log, status, in->source, in->generation,
			   task || again || (trusted && unsolicited));
	if (again || (task && sbp2x_status_dead(status)))
		send = agent_set_starting(agent, SBP2X_STEP_AGENT_RESET);
	spin_unlock_irqrestore(&agent->lock, flags);

	if (trusted && unsolicited) {
		agent_rearm(agent);
		return true;
	}
	if (!task && !again)
		return false;

	if (task)
		task_complete(agent, task, SBP2X_TASK_STATUS, status,
			      in->length);
	if (send)
		agent_control_write(agent);
	else
		agent_pump(agent);
	return true;
}

/* For error handling: may sleep */

static bool agent_is_settled(struct sbp2x_agent *agent)
{
	bool settled;

	spin_lock_irq(&agent->lock);
	settled = agent->state != SBP2X_AGENT_STARTING && !agent->completing;
	spin_unlock_irq(&agent->lock);

	return settled;
}

static bool agent_target_forgot(struct sbp2x_agent *agent)
{
	bool forgot;

	spin_lock_irq(&agent->lock);
	forgot = list_empty(&agent->quarantine);
	spin_unlock_irq(&agent->lock);

	return forgot;
}

/* True where the caller is to send the write */
static bool reset_begin(struct sbp2x_agent *agent)
{
	lockdep_assert_held(&agent->lock);
	return agent->state == SBP2X_AGENT_READY &&
	       agent_set_starting(agent, SBP2X_STEP_AGENT_RESET);
}

static int reset_finish(struct sbp2x_agent *agent, bool send)
{
	if (send)
		agent_control_write(agent);
	wait_event(agent->wait, agent_is_settled(agent));

	/* A bus reset in between serves as well */
	return agent_target_forgot(agent) ? 0 : -EIO;
}

int sbp2x_agent_reset(struct sbp2x_agent *agent)
{
	bool send;

	spin_lock_irq(&agent->lock);
	send = reset_begin(agent);
	spin_unlock_irq(&agent->lock);

	return reset_finish(agent, send);
}

/*
 * Where nothing at all came back since the target has @task, and ORBs were
 * linked, it may be the links that it stands still for.
 */
static bool links_are_suspect(const struct sbp2x_agent *agent,
			      const struct sbp2x_task *task)
{
	const struct sbp2x_slot *slot = task->slot;

	lockdep_assert_held(&agent->lock);
	return task->state == SBP2X_TASK_AT_TARGET &&
	       agent->mode != SBP2X_MODE_SERIAL &&
	       slot->completed == agent->count.completed &&
	       (slot->linked || agent->chain != slot);
}

static void agent_set_asking(struct sbp2x_agent *agent, bool asking)
{
	spin_lock_irq(&agent->lock);
	agent->asking = asking;
	agent->ring |= asking && agent->chain;
	spin_unlock_irq(&agent->lock);
}

/*
 * True where it comes on; or all begins afresh, for which every task at the
 * target is recalled, and nobody knows
 */
static bool agent_comes_on(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	bool suspect;

	spin_lock_irq(&agent->lock);
	suspect = links_are_suspect(agent, task);
	spin_unlock_irq(&agent->lock);

	return !suspect;
}

/*
 * A status that got lost looks the same where it was to say that the list has
 * ended: the target does not know of what was linked behind that ORB. It does
 * when it hears the doorbell, and goes on; one that stumbled does not.
 */
bool sbp2x_agent_stands_still(struct sbp2x_agent *agent,
			      struct sbp2x_task *task)
{
	bool comes_on;

	if (agent_comes_on(agent, task))
		return false;

	agent_set_asking(agent, true);
	agent_pump(agent);
	comes_on = wait_event_timeout(agent->wait, agent_comes_on(agent, task),
				      msecs_to_jiffies(DOORBELL_ANSWER_MS));
	agent_set_asking(agent, false);

	return !comes_on;
}

/*
 * Take @task out of the list for its submitter. True where the target may
 * still touch its data.
 */
static bool task_withdraw(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	bool touched = target_may_have(task);

	lockdep_assert_held(&agent->lock);
	if (!touched && task->state != SBP2X_TASK_QUEUED)
		return false;

	task_take(agent, task);
	task->slot->task = NULL;
	list_add_tail(&task->slot->link,
		      touched ? &agent->quarantine : &agent->free_slots);
	task->state = SBP2X_TASK_IDLE;
	agent->completing--;
	agent->count.aborted++;
	return touched;
}

/*
 * Not while a reset is under way, whose end decides what becomes of the tasks,
 * nor while somebody completes one.
 */
static bool agent_withdraws(struct sbp2x_agent *agent, struct list_head *tasks)
{
	struct sbp2x_task *task, *next;
	bool settled;

	spin_lock_irq(&agent->lock);
	settled = agent->state != SBP2X_AGENT_STARTING && !agent->completing;
	if (settled) {
		list_for_each_entry_safe(task, next, &agent->tasks, link) {
			task_withdraw(agent, task);
			list_add_tail(&task->link, tasks);
		}
	}
	spin_unlock_irq(&agent->lock);

	return settled;
}

void sbp2x_agent_withdraw(struct sbp2x_agent *agent, struct list_head *tasks)
{
	wait_event(agent->wait, agent_withdraws(agent, tasks));
}

/*
 * Likewise, one of them. The reset begins with the withdrawal, lest the target
 * is given the next task while it still has this one.
 */
static bool abort_withdraws(struct sbp2x_agent *agent, struct sbp2x_task *task,
			    bool *touched, bool *send)
{
	bool settled, degrades;

	spin_lock_irq(&agent->lock);
	settled = agent->state != SBP2X_AGENT_STARTING && !agent->completing;
	degrades = settled && links_are_suspect(agent, task);
	if (degrades)
		WRITE_ONCE(agent->mode, SBP2X_MODE_SERIAL);
	if (settled) {
		*touched = task_withdraw(agent, task);
		*send = *touched && reset_begin(agent);
	}
	spin_unlock_irq(&agent->lock);

	if (degrades)
		dev_notice(agent->bus->log,
			   "the device stands still with several commands; from now on it gets one at a time\n");
	return settled;
}

int sbp2x_agent_abort(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	bool touched, send;

	wait_event(agent->wait, abort_withdraws(agent, task, &touched, &send));

	return touched ? reset_finish(agent, send) : 0;
}

const char *sbp2x_agent_mode_name(enum sbp2x_agent_mode mode)
{
	static const char * const names[] = {
		[SBP2X_MODE_SERIAL] = "serial",
		[SBP2X_MODE_CHAIN] = "chain",
		[SBP2X_MODE_DOORBELL] = "doorbell",
	};

	return names[mode];
}

enum sbp2x_agent_mode sbp2x_agent_mode(const struct sbp2x_agent *agent)
{
	return READ_ONCE(agent->mode);
}

bool sbp2x_agent_task_orb(struct sbp2x_agent *agent, struct sbp2x_task *task,
			  u64 *orb)
{
	unsigned long flags;
	bool has;

	spin_lock_irqsave(&agent->lock, flags);
	has = task->state == SBP2X_TASK_AT_TARGET &&
	      agent->state == SBP2X_AGENT_READY;
	if (has)
		*orb = task->slot->orb_address;
	spin_unlock_irqrestore(&agent->lock, flags);

	return has;
}

/* Nor is anybody about to complete it */
static bool task_is_over(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	bool over;

	spin_lock_irq(&agent->lock);
	over = task->state == SBP2X_TASK_IDLE && !agent->completing;
	spin_unlock_irq(&agent->lock);

	return over;
}

bool sbp2x_agent_wait_task(struct sbp2x_agent *agent, struct sbp2x_task *task,
			   unsigned int timeout_ms)
{
	return wait_event_timeout(agent->wait, task_is_over(agent, task),
				  msecs_to_jiffies(timeout_ms));
}

bool sbp2x_agent_task_runs(struct sbp2x_agent *agent, struct sbp2x_task *task)
{
	unsigned long flags;
	bool runs;

	spin_lock_irqsave(&agent->lock, flags);
	runs = task->state == SBP2X_TASK_AT_TARGET &&
	       agent->state == SBP2X_AGENT_READY;
	spin_unlock_irqrestore(&agent->lock, flags);

	return runs;
}

/* Life */

static void slots_lay_out(struct sbp2x_agent *agent, size_t table_size)
{
	size_t tables = agent->slot_count * agent->orb_stride;
	unsigned int i;

	for (i = 0; i < agent->slot_count; i++) {
		struct sbp2x_slot *slot = &agent->slots[i];
		size_t orb = i * agent->orb_stride;
		size_t table = tables + i * table_size;

		slot->agent = agent;
		slot->orb = agent->memory.cpu + orb;
		slot->orb_address = agent->memory.address + orb;
		slot->page_table = agent->memory.cpu + table;
		slot->page_table_address = agent->memory.address + table;
		list_add_tail(&slot->link, &agent->free_slots);
	}
}

static int slots_init(struct sbp2x_agent *agent, struct sbp2x_memory *memory)
{
	const struct sbp2x_agent_limits *limits = &agent->limits;
	size_t table_size;
	int ret;

	agent->slot_count = limits->depth + SPARE_SLOTS;
	agent->slots = kcalloc(agent->slot_count, sizeof(*agent->slots),
			       GFP_KERNEL);
	if (!agent->slots)
		return -ENOMEM;

	/* The target fetches orb_size bytes, however short the CDB is */
	agent->orb_stride = ALIGN(max_t(size_t, limits->orb_size,
					sizeof(struct sbp2x_command_orb)), 8);
	table_size = limits->page_table_entries *
		     sizeof(struct sbp2x_page_table_entry);
	ret = sbp2x_region_alloc(memory, &agent->memory, agent->slot_count *
				 (agent->orb_stride + table_size), false);
	if (ret)
		return ret;

	ret = sbp2x_windows_init(&agent->windows, memory, agent->slot_count);
	if (!ret)
		slots_lay_out(agent, table_size);
	return ret;
}

int sbp2x_agent_init(struct sbp2x_agent *agent, struct sbp2x_memory *memory,
		     struct sbp2x_scheduler *scheduler,
		     const struct sbp2x_agent_ops *ops,
		     const struct sbp2x_agent_limits *limits)
{
	int ret;

	memset(agent, 0, sizeof(*agent));
	agent->bus = memory->bus;
	agent->scheduler = scheduler;
	agent->ops = ops;
	agent->limits = *limits;
	agent->mode = limits->mode;
	spin_lock_init(&agent->lock);
	INIT_LIST_HEAD(&agent->tasks);
	INIT_LIST_HEAD(&agent->free_slots);
	INIT_LIST_HEAD(&agent->quarantine);
	init_waitqueue_head(&agent->wait);
	sbp2x_deadline_init(&agent->retry, retry_fn);

	ret = slots_init(agent, memory);
	if (ret)
		sbp2x_agent_destroy(agent);
	return ret;
}

void sbp2x_agent_destroy(struct sbp2x_agent *agent)
{
	sbp2x_windows_destroy(&agent->windows);
	sbp2x_region_free(&agent->memory);
	kfree(agent->slots);
	agent->slots = NULL;
}
