/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam to firewire-core: send a transaction, own an address range, know
 * where the target is. The ops table lets KUnit put a bus of its own behind it.
 */
#ifndef SBP2X_BUS_H
#define SBP2X_BUS_H

#include <linux/atomic.h>
#include <linux/firewire.h>
#include <linux/firewire-constants.h>
#include <linux/types.h>
#include <linux/wait.h>

struct device;
struct sbp2x_bus;
struct sbp2x_transaction;
struct sbp2x_range;

/**
 * struct sbp2x_path - how to reach the target in one generation of the bus
 * @generation: of the bus; the node IDs are valid in it only
 * @node_id: of the target
 * @local_node_id: ours
 * @speed: SCODE_* of the path
 * @max_payload: code of a command ORB: packets of up to 2^(n + 2) bytes
 */
struct sbp2x_path {
	int generation;
	u16 node_id;
	u16 local_node_id;
	u8 speed;
	u8 max_payload;
};

/* sbp2x_path_is_from() - is that sender, then, the target at its end? */
static inline bool sbp2x_path_is_from(const struct sbp2x_path *path, u16 source,
				      int generation)
{
	return path->node_id == source && path->generation == generation;
}

typedef void (*sbp2x_transaction_fn)(struct sbp2x_transaction *t, int rcode);

/**
 * struct sbp2x_transaction - a write of 4 or 8 bytes to the target
 * @done: called once, in any context (also from within the call that sends),
 *	  with RCODE_*. The transaction may be used again from then on.
 * @payload: what is written
 *
 * Zeroed memory is a valid idle transaction.
 */
struct sbp2x_transaction {
	sbp2x_transaction_fn done;
	__be32 payload[2];
	size_t length;
	u64 offset;
	/* private to the bus */
	struct sbp2x_bus *bus;
	struct fw_transaction fw;
};

/**
 * struct sbp2x_inbound - a request that somebody sent to one of our ranges
 * @tcode: TCODE_*
 * @source: node ID of the sender
 * @generation: of the bus, when it arrived
 * @offset: from the beginning of the range; within it, but @length may reach
 *	    beyond
 * @data: what is written; for a read, to be filled in
 */
struct sbp2x_inbound {
	int tcode;
	u16 source;
	int generation;
	u64 offset;
	void *data;
	size_t length;
};

/**
 * typedef sbp2x_range_fn - serve a request
 *
 * Softirq or hard interrupt context, no lock of ours held; must not sleep.
 *
 * Return: the RCODE_* that the sender is answered with.
 */
typedef int (*sbp2x_range_fn)(struct sbp2x_range *range,
			      const struct sbp2x_inbound *in);

/* A range of addresses in our node's address space */
struct sbp2x_range {
	sbp2x_range_fn fn;
	u64 offset;		/* where the bus placed it */
	u64 length;
	/* private to the bus */
	struct sbp2x_bus *bus;
	struct fw_address_handler fw;
};

/**
 * struct sbp2x_bus_ops - what stands behind the seam
 * @path: the current path to the target; a consistent snapshot, any context.
 *	  False where the target is gone for good.
 * @generation: of the bus, as it is now; the path may still be of an earlier
 *		one, while firewire-core looks for the target. Any context.
 * @write: send @t along @path; sbp2x_bus_done() ends it. Any context.
 * @range_add: place @range; may sleep. Return: 0 or a negative error
 * @range_remove: no request is being served and none will be when this
 *		  returns; may sleep
 * @open_memory: let the target read and write our memory in the current
 *		 generation; may sleep. Return: 0 or a negative error
 * @reset: reset the bus, soon. Any context.
 * @is_confined: can the controller reach only what is mapped for it?
 */
struct sbp2x_bus_ops {
	bool (*path)(struct sbp2x_bus *bus, struct sbp2x_path *path);
	int (*generation)(struct sbp2x_bus *bus);
	void (*write)(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
		      const struct sbp2x_path *path);
	int (*range_add)(struct sbp2x_bus *bus, struct sbp2x_range *range);
	void (*range_remove)(struct sbp2x_bus *bus, struct sbp2x_range *range);
	int (*open_memory)(struct sbp2x_bus *bus);
	void (*reset)(struct sbp2x_bus *bus);
	bool (*is_confined)(struct sbp2x_bus *bus);
};

/**
 * struct sbp2x_bus - the bus as one target's driver sees it
 * @dma: device that buffers are mapped for: the controller
 * @log: device that log lines name: the unit
 * @eui_64: of our own node
 */
struct sbp2x_bus {
	const struct sbp2x_bus_ops *ops;
	struct device *dma;
	struct device *log;
	u64 eui_64;
	/* private */
	struct fw_unit *unit;
	atomic_t pending;
	wait_queue_head_t idle;
};

/* sbp2x_bus_init() - the bus of @unit, through firewire-core */
void sbp2x_bus_init(struct sbp2x_bus *bus, struct fw_unit *unit);

/* sbp2x_bus_init_ops() - a bus behind other @ops (tests) */
void sbp2x_bus_init_ops(struct sbp2x_bus *bus, const struct sbp2x_bus_ops *ops,
			struct device *dma, struct device *log);

static inline bool sbp2x_bus_path(struct sbp2x_bus *bus,
				  struct sbp2x_path *path)
{
	return bus->ops->path(bus, path);
}

static inline int sbp2x_bus_generation(struct sbp2x_bus *bus)
{
	return bus->ops->generation(bus);
}

/**
 * sbp2x_bus_write_quadlet() - write one quadlet to the target
 * @bus: the bus
 * @t: idle transaction, the caller's until @done
 * @path: where to; a path of an old generation ends with RCODE_GENERATION
 * @offset: 48-bit address at the target
 * @value: in host byte order
 * @done: see struct sbp2x_transaction
 *
 * Any context, but never under a lock that @done takes.
 */
void sbp2x_bus_write_quadlet(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
			     const struct sbp2x_path *path, u64 offset,
			     u32 value, sbp2x_transaction_fn done);

/* sbp2x_bus_write_pointer() - likewise, an 8-byte address, as a block */
void sbp2x_bus_write_pointer(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
			     const struct sbp2x_path *path, u64 offset,
			     u64 pointer, sbp2x_transaction_fn done);

/* sbp2x_bus_done() - for implementations of the ops: @t ended with @rcode */
void sbp2x_bus_done(struct sbp2x_transaction *t, int rcode);

/**
 * sbp2x_bus_drain() - wait until no transaction is under way
 *
 * Every transaction ends by itself within the split timeout. May sleep.
 */
void sbp2x_bus_drain(struct sbp2x_bus *bus);

/**
 * sbp2x_rcode_is_transient() - is a write that ended so worth repeating as
 * it was, in the same generation, because the target surely did not take it?
 */
static inline bool sbp2x_rcode_is_transient(int rcode)
{
	return rcode == RCODE_BUSY || rcode == RCODE_CONFLICT_ERROR ||
	       rcode == RCODE_SEND_ERROR;
}

#endif
