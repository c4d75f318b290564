/* SPDX-License-Identifier: GPL-2.0-only */
/* A bus on which nothing happens but what a test does. */
#ifndef SBP2X_FAKE_BUS_H
#define SBP2X_FAKE_BUS_H

#include <kunit/test.h>

#include "bus.h"

#define SBP2X_FAKE_WRITES	64

/* Our own node's */
#define SBP2X_FAKE_EUI_64	0x00303501e0001234ULL

/* How long another thread may take to send what it surely will send */
#define SBP2X_FAKE_PATIENCE_MS	10000

/* A write that was sent and has not ended */
struct sbp2x_fake_write {
	struct sbp2x_transaction *t;
	struct sbp2x_path path;
	u64 offset;
	size_t length;
	u64 value;		/* 4 bytes: in the low half */
};

/**
 * struct sbp2x_fake_bus - one target, one controller
 * @bus: what the rooms are given
 * @path: what sbp2x_bus_path() says: generation 1, target ffc1, we are ffc0,
 *	  S400, max_payload code 9 at first
 * @ahead: by how much the bus's generation is newer than that of @path
 * @gone: sbp2x_bus_path() says that the target is gone
 * @dead: every write ends at once with RCODE_NO_ACK
 * @pending: writes under way, oldest first
 * @sent: writes ever sent
 * @opened: calls of open_memory
 * @confined: an IOMMU is there
 */
struct sbp2x_fake_bus {
	struct sbp2x_bus bus;
	struct kunit *test;
	struct sbp2x_path path;
	int ahead;
	bool gone;
	bool dead;
	struct sbp2x_fake_write pending[SBP2X_FAKE_WRITES];
	unsigned int count;
	unsigned int sent;
	unsigned int opened;
	bool confined;
	u64 next_range;
	spinlock_t lock;	/* guards pending, count and sent */
};

/* Registers a device to map memory for, until the test ends */
void sbp2x_fake_bus_init(struct sbp2x_fake_bus *fake, struct kunit *test);

/*
 * The oldest write that is under way; fails the test where there is none, or
 * where it goes elsewhere than to @offset.
 */
const struct sbp2x_fake_write *
sbp2x_fake_bus_oldest(struct sbp2x_fake_bus *fake, u64 offset);

/*
 * The oldest write must go to @offset, in the newest generation to where the
 * target is in it, and carry @length bytes: @value.
 */
void sbp2x_fake_bus_expect(struct sbp2x_fake_bus *fake, u64 offset,
			   size_t length, u64 value);

/* Wait for another thread to send, until @count writes are under way */
bool sbp2x_fake_bus_wait(struct sbp2x_fake_bus *fake, unsigned int count);

/* End the oldest write, which must go to @offset, with @rcode */
void sbp2x_fake_bus_end(struct sbp2x_fake_bus *fake, u64 offset, int rcode);

/* End all writes, also those that are sent meanwhile */
void sbp2x_fake_bus_end_all(struct sbp2x_fake_bus *fake, int rcode);

/*
 * A bus reset: generation + 1, both node IDs change. Writes that are under
 * way stay so; sbp2x_fake_bus_end() them as the case demands.
 */
void sbp2x_fake_bus_reset(struct sbp2x_fake_bus *fake);

/* A bus reset after which it is not known yet where the target is ... */
void sbp2x_fake_bus_lose(struct sbp2x_fake_bus *fake);

/* ... and now it is: its node ID has changed, and so has ours */
void sbp2x_fake_bus_find(struct sbp2x_fake_bus *fake);

/* What lies in our memory at the address that a target was given */
void *sbp2x_fake_bus_memory(u64 address);

#endif
