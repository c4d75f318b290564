/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The management agent of a target: one queue, one management ORB at a time
 * (SBP-2 5.1.3, 6.3). All logical units of a target share it.
 *
 * Except for sbp2x_management_status() everything here runs on the
 * scheduler's ordered workqueue, as do the callbacks.
 */
#ifndef SBP2X_MANAGEMENT_H
#define SBP2X_MANAGEMENT_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "bus.h"
#include "memory.h"
#include "scheduler.h"
#include "wire.h"

#define SBP2X_MANAGEMENT_RESPONSE_MAX	256
#define SBP2X_MANAGEMENT_PASSWORD_MAX	16
#define SBP2X_MANAGEMENT_SLOTS		8

struct sbp2x_management;
struct sbp2x_operation;

/* The standard's name of @function */
const char *sbp2x_management_function_name(enum sbp2x_function function);

/**
 * enum sbp2x_management_outcome - how an operation ended
 * @SBP2X_OP_ACCEPTED: the target did it
 * @SBP2X_OP_REFUSED: the target answered, with an error: see @status
 * @SBP2X_OP_TIMEOUT: no status in time
 * @SBP2X_OP_WRITE_FAILED: the management agent could not be written: @rcode
 * @SBP2X_OP_STALE: a bus reset ended it
 * @SBP2X_OP_CANCELLED: the driver gave up on it
 * @SBP2X_OP_UNSUPPORTED: not sent: the target refused this function before
 */
enum sbp2x_management_outcome {
	SBP2X_OP_ACCEPTED,
	SBP2X_OP_REFUSED,
	SBP2X_OP_TIMEOUT,
	SBP2X_OP_WRITE_FAILED,
	SBP2X_OP_STALE,
	SBP2X_OP_CANCELLED,
	SBP2X_OP_UNSUPPORTED,
};

/**
 * struct sbp2x_operation - one management function, from wish to outcome
 * @function: what to do
 * @lun_or_login_id: whom to do it to: a LUN for LOGIN and QUERY LOGINS, else
 *		     a login ID
 * @exclusive: LOGIN: nobody else may be logged in
 * @reconnect: LOGIN: ask for a hold of 2^n seconds
 * @orb_offset: ABORT TASK: address of the ORB
 * @password: LOGIN, SET PASSWORD
 * @password_length: bytes
 * @status_fifo: where the target writes the status to
 * @timeout_ms: from when its turn comes
 * @done: called once, on the workqueue. The operation may be queued again.
 * @private: for @done
 *
 * Valid in @done:
 * @outcome: see there
 * @status: where the target answered; zeroed otherwise
 * @rcode: of the last write to the agent
 * @response: what the target wrote; zeroed before each operation
 * @path: the path that the operation was sent along
 *
 * Zeroed memory is an idle operation.
 */
struct sbp2x_operation {
	enum sbp2x_function function;
	u16 lun_or_login_id;
	bool exclusive;
	u8 reconnect;
	u64 orb_offset;
	u8 password[SBP2X_MANAGEMENT_PASSWORD_MAX];
	u8 password_length;
	u64 status_fifo;
	unsigned int timeout_ms;
	void (*done)(struct sbp2x_operation *op);
	void *private;

	enum sbp2x_management_outcome outcome;
	struct sbp2x_status_block status;
	int rcode;
	__be32 response[SBP2X_MANAGEMENT_RESPONSE_MAX / 4];
	struct sbp2x_path path;

	/* private to the management agent */
	struct list_head link;
	bool queued;
};

/* What the target reads for one operation */
struct sbp2x_management_slot {
	struct sbp2x_management_orb orb;
	u8 password[SBP2X_MANAGEMENT_PASSWORD_MAX];
};

/* ... and writes */
struct sbp2x_management_response {
	__be32 data[SBP2X_MANAGEMENT_RESPONSE_MAX / 4];
};

/**
 * struct sbp2x_management - the management agent and its queue
 * @address: of the MANAGEMENT_AGENT register
 * @unsupported: bit n: function n was answered "not supported"
 */
struct sbp2x_management {
	struct sbp2x_bus *bus;
	struct sbp2x_scheduler *scheduler;
	u64 address;
	u16 unsupported;

	/* private; on the workqueue only */
	struct list_head queue;
	struct sbp2x_operation *current_op;
	struct sbp2x_deadline timeout;
	struct sbp2x_deadline retry;
	unsigned int retries;
	bool down;
	/*
	 * Slots are used in turn, so that what comes late for an operation
	 * that timed out names an ORB that nobody waits for.
	 */
	struct sbp2x_region slots;
	struct sbp2x_region responses;
	unsigned int slot;

	/* The mailbox: what softirq context tells the workqueue */
	spinlock_t lock;
	u64 expected_orb;		/* 0: none */
	struct sbp2x_path expected_path;
	bool got_status;
	struct sbp2x_status_block mail_status;
	bool got_write;
	int mail_rcode;
	bool write_busy;		/* the transaction is under way */
	bool write_stale;		/* ... for an operation that is over */
	struct work_struct work;
	struct sbp2x_transaction write;
};

/* sbp2x_management_init() - may sleep. Return: 0 or a negative error */
int sbp2x_management_init(struct sbp2x_management *m,
			  struct sbp2x_memory *memory,
			  struct sbp2x_scheduler *scheduler, u64 address);

/*
 * sbp2x_management_shutdown() - end what is queued with SBP2X_OP_CANCELLED;
 * later operations end so at once. On the workqueue.
 */
void sbp2x_management_shutdown(struct sbp2x_management *m);

/*
 * sbp2x_management_destroy() - after shutdown, when the bus is drained and
 * the workqueue is empty. May sleep.
 */
void sbp2x_management_destroy(struct sbp2x_management *m);

/**
 * sbp2x_management_queue() - have @op done, after those before it
 *
 * On the workqueue. @op->done may be called from within.
 */
void sbp2x_management_queue(struct sbp2x_management *m,
			    struct sbp2x_operation *op);

/**
 * sbp2x_management_cancel() - end @op with SBP2X_OP_CANCELLED
 *
 * On the workqueue. @op->done is not called. Nothing to do for an idle @op.
 */
void sbp2x_management_cancel(struct sbp2x_management *m,
			     struct sbp2x_operation *op);

/*
 * sbp2x_management_is_current() - is @op under way in this generation, or
 * still waiting, so that it will be? On the workqueue.
 */
bool sbp2x_management_is_current(const struct sbp2x_management *m,
				 const struct sbp2x_operation *op,
				 int generation);

/**
 * sbp2x_management_bus_reset() - a new generation began
 *
 * On the workqueue. The operation in flight ends with SBP2X_OP_STALE; those
 * that wait go out in the new generation.
 */
void sbp2x_management_bus_reset(struct sbp2x_management *m);

/**
 * sbp2x_management_status() - a status block arrived
 *
 * Any context. Return: true where it was for the operation in flight, from
 * the target, in the right generation.
 */
bool sbp2x_management_status(struct sbp2x_management *m, u16 source,
			     int generation,
			     const struct sbp2x_status_block *status);

#endif
