/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command block agent (fetch agent) of one login: SBP-2 6.4, 9.1.
 *
 * Tasks go into the task list and from there to the target: one ORB at a
 * time, or linked to those that it has already, see enum sbp2x_agent_mode. A
 * status block from the target completes them. What becomes of a
 * task is decided at one place, under the agent's lock: whoever moves it out
 * of the list completes it.
 */
#ifndef SBP2X_AGENT_H
#define SBP2X_AGENT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "bus.h"
#include "memory.h"
#include "scheduler.h"
#include "wire.h"

struct sbp2x_agent;
struct sbp2x_slot;
struct sbp2x_task;

/* Entries of a page table that a target can be expected to read at once */
#define SBP2X_PAGE_TABLE_MAX	256

/**
 * enum sbp2x_task_state - who owns a task
 * @SBP2X_TASK_IDLE: whoever submits it
 * @SBP2X_TASK_QUEUED: the task list; the target knows nothing of it
 * @SBP2X_TASK_AT_TARGET: the target; it is still linked into the task list
 * @SBP2X_TASK_RECALLED: the task list, but the target may still be working on
 *			 it: when a reset is confirmed it is queued again, or
 *			 completes where it must not be repeated
 * @SBP2X_TASK_COMPLETING: whoever took it out of the list
 */
enum sbp2x_task_state {
	SBP2X_TASK_IDLE,
	SBP2X_TASK_QUEUED,
	SBP2X_TASK_AT_TARGET,
	SBP2X_TASK_RECALLED,
	SBP2X_TASK_COMPLETING,
};

/**
 * enum sbp2x_task_outcome - how a task ended
 * @SBP2X_TASK_STATUS: the target said how, see the status block
 * @SBP2X_TASK_LOST: a reset came in between, and it is not repeatable
 * @SBP2X_TASK_GONE: there is no target (any more)
 */
enum sbp2x_task_outcome {
	SBP2X_TASK_STATUS,
	SBP2X_TASK_LOST,
	SBP2X_TASK_GONE,
};

/**
 * typedef sbp2x_task_fn - a task is complete
 * @status: for SBP2X_TASK_STATUS, else NULL
 * @length: bytes that the target wrote to @status
 *
 * Any context; no lock held. The task is the submitter's again.
 */
typedef void (*sbp2x_task_fn)(struct sbp2x_task *task,
			      enum sbp2x_task_outcome outcome,
			      const struct sbp2x_status_block *status,
			      size_t length);

/**
 * struct sbp2x_task - one command, filled in by its submitter
 * @cdb: command descriptor block
 * @cdb_length: bytes
 * @data: see there; not mapped any more, for all that the target can do, when
 *	  the task is the submitter's again
 * @repeatable: may be given to the target again after a reset
 * @done: see sbp2x_task_fn
 */
struct sbp2x_task {
	const u8 *cdb;
	u8 cdb_length;
	struct sbp2x_data data;
	bool repeatable;
	sbp2x_task_fn done;

	/* private, guarded by the agent's lock */
	enum sbp2x_task_state state;
	struct list_head link;
	struct sbp2x_slot *slot;
	unsigned int failures;		/* on its way over the bus */
};

/**
 * enum sbp2x_agent_state - what the agent may do
 * @SBP2X_AGENT_UNBOUND: no login yet: tasks are refused
 * @SBP2X_AGENT_HELD: tasks are taken into the list and wait for a start
 * @SBP2X_AGENT_STARTING: the target's registers are being set up
 * @SBP2X_AGENT_READY: tasks flow
 * @SBP2X_AGENT_STOPPED: no more: tasks are refused
 */
enum sbp2x_agent_state {
	SBP2X_AGENT_UNBOUND,
	SBP2X_AGENT_HELD,
	SBP2X_AGENT_STARTING,
	SBP2X_AGENT_READY,
	SBP2X_AGENT_STOPPED,
};

/**
 * struct sbp2x_agent_ops - what the agent tells the session
 *
 * Any context, no lock held; they only take notice and return.
 *
 * @stale: @generation, in which the agent was started, is over
 * @lost: the target's agent does not answer, or does not let itself be reset
 */
struct sbp2x_agent_ops {
	void (*stale)(struct sbp2x_agent *agent, int generation);
	void (*lost)(struct sbp2x_agent *agent);
};

/**
 * enum sbp2x_agent_mode - how ORBs are given to the target
 * @SBP2X_MODE_SERIAL: one at a time, by ORB_POINTER
 * @SBP2X_MODE_CHAIN: linked to the one before; by ORB_POINTER only where the
 *		      target has come to the end of what it was given. It tells
 *		      so by src of the last ORB's status.
 * @SBP2X_MODE_DOORBELL: likewise, and the doorbell is rung after linking, so
 *			 that a target which has come to the end looks again
 */
enum sbp2x_agent_mode {
	SBP2X_MODE_SERIAL,
	SBP2X_MODE_CHAIN,
	SBP2X_MODE_DOORBELL,
};

/* sbp2x_agent_mode_name() - "serial", "chain", "doorbell" */
const char *sbp2x_agent_mode_name(enum sbp2x_agent_mode mode);

/* Steps of a start; see agent_control_write() */
enum sbp2x_agent_step {
	SBP2X_STEP_BUSY_TIMEOUT,
	SBP2X_STEP_AGENT_RESET,
	SBP2X_STEP_UNSOLICITED_STATUS,
	SBP2X_STEP_READY,
};

/**
 * struct sbp2x_agent_limits - what tasks may look like
 * @mode: how they are given to the target
 * @depth: tasks at a time
 * @orb_size: bytes that the target fetches of an ORB
 * @page_table_entries: up to SBP2X_PAGE_TABLE_MAX
 */
struct sbp2x_agent_limits {
	enum sbp2x_agent_mode mode;
	unsigned int depth;
	unsigned int orb_size;
	unsigned int page_table_entries;
};

struct sbp2x_agent {
	struct sbp2x_bus *bus;
	struct sbp2x_scheduler *scheduler;
	const struct sbp2x_agent_ops *ops;
	struct sbp2x_agent_limits limits;

	/* private; the lock is a leaf */
	spinlock_t lock;
	enum sbp2x_agent_state state;
	enum sbp2x_agent_mode mode;	/* the limits' one, or SERIAL since */
	u64 address;			/* of the command block agent */
	struct sbp2x_path path;
	struct list_head tasks;		/* in order of submission */
	unsigned int accepted;		/* tasks in the list, or on their way */
	unsigned int at_target;
	unsigned int completing;
	unsigned int writing;		/* ORB_POINTER, DOORBELL under way */
	unsigned int write_retries;
	unsigned int pointer_resets;	/* since the last status */
	bool backing_off;
	wait_queue_head_t wait;		/* state and completing changed */

	/*
	 * The last ORB that the target was given, which it will come to, or
	 * came to and may look at again; NULL: it is to be given an ORB_POINTER
	 */
	struct sbp2x_slot *chain;
	u32 order;			/* of that ORB */
	bool ring;			/* the doorbell, as soon as possible */
	bool ringing;
	bool asking;			/* by it, whether the target comes on */
	struct sbp2x_transaction doorbell;

	enum sbp2x_agent_step step;
	bool control_busy;
	bool control_stale;
	unsigned int control_retries;
	struct sbp2x_transaction control;
	struct sbp2x_transaction unsolicited;
	bool unsolicited_busy;
	bool rearm;			/* unsolicited status, once READY */
	struct sbp2x_deadline retry;

	/* ORBs and page tables, cut into slots */
	unsigned int slot_count;
	struct sbp2x_slot *slots;
	struct list_head free_slots;
	struct list_head quarantine;	/* the target may still read them */
	struct sbp2x_slot *kept;	/* the last in order of the completed */
	struct sbp2x_region memory;
	struct sbp2x_windows windows;	/* one for each slot */
	size_t orb_stride;

	struct {
		u64 submitted, completed, resubmitted, aborted;
		u64 status_foreign, status_unknown, unsolicited;
		u64 pointers, links, doorbells;
		u64 resets, write_errors;
	} count;
};

/* sbp2x_agent_init() - may sleep. Return: 0 or a negative error */
int sbp2x_agent_init(struct sbp2x_agent *agent, struct sbp2x_memory *memory,
		     struct sbp2x_scheduler *scheduler,
		     const struct sbp2x_agent_ops *ops,
		     const struct sbp2x_agent_limits *limits);

/* After stop, when the bus is drained. May sleep. */
void sbp2x_agent_destroy(struct sbp2x_agent *agent);

/**
 * sbp2x_agent_start() - bind to a login, or resume it, and let tasks flow
 * @agent: the agent
 * @address: of the command block agent, from the login response
 * @path: of the generation in which the login or reconnect succeeded
 *
 * Writes BUSY_TIMEOUT, AGENT_RESET and UNSOLICITED_STATUS_ENABLE, then gives
 * the target what the list holds. Any context.
 */
void sbp2x_agent_start(struct sbp2x_agent *agent, u64 address,
		       const struct sbp2x_path *path);

/**
 * sbp2x_agent_hold() - give nothing more to the target until the next start
 *
 * For a bus reset: the target forgot its tasks. They go back into the list,
 * or complete with SBP2X_TASK_LOST. Any context.
 */
void sbp2x_agent_hold(struct sbp2x_agent *agent);

/**
 * sbp2x_agent_close() - take no more, and give nothing more to the target
 *
 * What the target does not have completes with SBP2X_TASK_GONE. What it has it
 * may still be busy with, so that waits for sbp2x_agent_stop(), which is due
 * when the login has ended. Any context.
 */
void sbp2x_agent_close(struct sbp2x_agent *agent);

/**
 * sbp2x_agent_stop() - complete everything with SBP2X_TASK_GONE, for good
 * or until the next start. Any context.
 */
void sbp2x_agent_stop(struct sbp2x_agent *agent);

/**
 * sbp2x_agent_lose() - give the target's agent up, as if it did not answer
 *
 * Tells the owner by @lost. The target may still be busy with its tasks: they
 * wait for the start that follows. Nothing to do where none were given to it.
 * Any context.
 */
void sbp2x_agent_lose(struct sbp2x_agent *agent);

/**
 * sbp2x_agent_submit() - take a task
 *
 * Any context.
 *
 * Return: 0, and @task->done will be called once; or, without that call:
 * -ENODEV: unbound or stopped; -EBUSY: the list is full, try again later;
 * -EMSGSIZE: the CDB or the data do not fit into what the target takes.
 */
int sbp2x_agent_submit(struct sbp2x_agent *agent, struct sbp2x_task *task);

/**
 * sbp2x_agent_abort() - end a task without its done call
 *
 * Resets the agent if the target has the task; other tasks are given to it
 * again. May sleep for a few split timeouts.
 *
 * Return: 0: the task is the caller's, neither the target nor the agent will
 * touch it or its data any more (it may have completed meanwhile);
 * -EIO: the target could not be told.
 */
int sbp2x_agent_abort(struct sbp2x_agent *agent, struct sbp2x_task *task);

/**
 * sbp2x_agent_withdraw() - take back all tasks, without their done calls
 * @agent: the agent
 * @tasks: what they are put on, by their links
 *
 * For who owns them all and is about to reset the target. Until that is done
 * the target may still touch the data of those that it has. May sleep, as long
 * as a reset of the agent is under way.
 */
void sbp2x_agent_withdraw(struct sbp2x_agent *agent, struct list_head *tasks);

/*
 * sbp2x_agent_reset() - reset the agent and give it its tasks again, though
 * nothing seems wrong. May sleep. Return: 0 or -EIO
 */
int sbp2x_agent_reset(struct sbp2x_agent *agent);

/*
 * sbp2x_agent_task_orb() - the address of its ORB, for the target. False where
 * the target does not have @task. Any context.
 */
bool sbp2x_agent_task_orb(struct sbp2x_agent *agent, struct sbp2x_task *task,
			  u64 *orb);

/*
 * sbp2x_agent_wait_task() - wait until @task is complete, for @timeout_ms at
 * most. May sleep. Return: true if it is.
 */
bool sbp2x_agent_wait_task(struct sbp2x_agent *agent, struct sbp2x_task *task,
			   unsigned int timeout_ms);

/*
 * sbp2x_agent_stands_still() - does @task wait because the target stumbled over
 * linked ORBs? Where nothing came back, it is asked by the doorbell. If it does,
 * only sbp2x_agent_abort() helps, which also sees to it that there are no links
 * any more. May sleep for half a second.
 */
bool sbp2x_agent_stands_still(struct sbp2x_agent *agent,
			      struct sbp2x_task *task);

/*
 * sbp2x_agent_mode() - how it works now; it falls back to SERIAL for good where
 * the target stands still with chained ORBs. Any context.
 */
enum sbp2x_agent_mode sbp2x_agent_mode(const struct sbp2x_agent *agent);

/* True while there are tasks, wherever they are. Any context. */
static inline bool sbp2x_agent_has_tasks(const struct sbp2x_agent *agent)
{
	return READ_ONCE(agent->accepted);
}

/* True where the target itself is what @task waits for. Any context. */
bool sbp2x_agent_task_runs(struct sbp2x_agent *agent, struct sbp2x_task *task);

/**
 * sbp2x_agent_status() - a status block arrived
 * @agent: the agent
 * @in: the write; length already checked to be 8 to 32 bytes
 * @status: its content, zero padded
 *
 * Softirq context. Return: true where it was believed.
 */
bool sbp2x_agent_status(struct sbp2x_agent *agent,
			const struct sbp2x_inbound *in,
			const struct sbp2x_status_block *status);

#endif
