/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a target reaches our memory.
 *
 * physical: the controller serves it by itself. That is fast, and costs no
 * processor time; but the controller cannot tell a command's buffer from
 * anything else, so that the target may read and write whatever the controller
 * can reach: all of the first 4 GiB, unless an IOMMU stands in between.
 *
 * guarded: the target is given addresses that no hardware serves. Each of its
 * requests comes to us, and is served from what it was given for a command in
 * flight; all else is answered with an address error.
 */
#ifndef SBP2X_MEMORY_H
#define SBP2X_MEMORY_H

#include <linux/dma-direction.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "bus.h"
#include "wire.h"

struct scatterlist;

/* Data of one command, at most */
#define SBP2X_DATA_MAX		(4U << 20)

/**
 * enum sbp2x_memory_mode
 * @SBP2X_MEMORY_PHYSICAL: the controller serves the target
 * @SBP2X_MEMORY_GUARDED: we do
 * @SBP2X_MEMORY_AUTO: to sbp2x_memory_init(): physical where an IOMMU confines
 *		       the controller to what is mapped for it, else guarded
 */
enum sbp2x_memory_mode {
	SBP2X_MEMORY_PHYSICAL,
	SBP2X_MEMORY_GUARDED,
	SBP2X_MEMORY_AUTO,
};

/**
 * struct sbp2x_memory - of one target
 * @bus: the target's
 * @mode: physical or guarded
 * @refused: requests of anybody that were not served, in guarded mode
 */
struct sbp2x_memory {
	struct sbp2x_bus *bus;
	enum sbp2x_memory_mode mode;
	atomic64_t refused;
};

/* sbp2x_memory_init() - any context */
void sbp2x_memory_init(struct sbp2x_memory *memory, struct sbp2x_bus *bus,
		       enum sbp2x_memory_mode mode);

/* sbp2x_memory_mode_name() - "physical", "guarded", "auto" */
const char *sbp2x_memory_mode_name(enum sbp2x_memory_mode mode);

static inline bool sbp2x_memory_is_guarded(const struct sbp2x_memory *memory)
{
	return memory->mode == SBP2X_MEMORY_GUARDED;
}

/*
 * sbp2x_memory_open() - let the target in, in the current generation. Guarded
 * memory is never opened. May sleep. Return: 0 or a negative error
 */
int sbp2x_memory_open(struct sbp2x_memory *memory);

/**
 * struct sbp2x_region - memory of ours that the target uses while it is there
 * @cpu: where it is; zeroed at first
 * @address: as the target knows it
 * @size: bytes
 */
struct sbp2x_region {
	void *cpu;
	u64 address;
	size_t size;
	/* private */
	struct sbp2x_memory *memory;
	bool writable;
	dma_addr_t dma;
	struct sbp2x_range range;
};

/**
 * sbp2x_region_alloc() - make one
 * @writable: the target may write as well as read
 *
 * May sleep. Return: 0, or a negative error, and then there is nothing to free.
 */
int sbp2x_region_alloc(struct sbp2x_memory *memory, struct sbp2x_region *region,
		       size_t size, bool writable);

/* Nothing to do for zeroed memory. May sleep. */
void sbp2x_region_free(struct sbp2x_region *region);

/**
 * struct sbp2x_data - the data of one command
 * @sg: mapped for the bus's dma device where memory is physical
 * @nents: entries of @sg; 0: no data
 * @length: bytes
 * @direction: DMA_TO_DEVICE or DMA_FROM_DEVICE where there are data
 */
struct sbp2x_data {
	struct scatterlist *sg;
	unsigned int nents;
	size_t length;
	enum dma_data_direction direction;
};

/**
 * struct sbp2x_window - where the data of one command at a time can be seen
 *
 * All private. In physical memory there is nothing to it.
 */
struct sbp2x_window {
	u64 address;
	/* A leaf; held while a request is served */
	spinlock_t lock;
	bool open;
	struct sbp2x_data data;
	struct sbp2x_path path;
	/* Where the last request ended: the next one goes on there */
	struct scatterlist *at;
	unsigned int at_nents;
	size_t at_offset;
};

/* The windows of one command block agent */
struct sbp2x_windows {
	struct sbp2x_memory *memory;
	struct sbp2x_window *window;
	struct sbp2x_range range;
};

/* sbp2x_windows_init() - may sleep. Return: 0 or a negative error */
int sbp2x_windows_init(struct sbp2x_windows *windows,
		       struct sbp2x_memory *memory, unsigned int count);

/* Nothing to do for zeroed memory. May sleep. */
void sbp2x_windows_destroy(struct sbp2x_windows *windows);

/*
 * sbp2x_window_fits() - can @data be described in @entries of a page table?
 * One that needs no more than one entry needs no page table. Any context.
 */
bool sbp2x_window_fits(const struct sbp2x_windows *windows,
		       const struct sbp2x_data *data, unsigned int entries);

/**
 * sbp2x_window_describe() - how the target finds @data of window @i
 * @table: room for what sbp2x_window_fits() allowed
 *
 * Any context. Return: entries of @table that are used.
 */
unsigned int sbp2x_window_describe(const struct sbp2x_windows *windows,
				   unsigned int i,
				   const struct sbp2x_data *data,
				   struct sbp2x_page_table_entry *table);

/**
 * sbp2x_window_open() - let the target at @path read or write @data
 *
 * @data->sg stays the caller's and must stay there until the window is closed.
 * Any context.
 */
void sbp2x_window_open(struct sbp2x_windows *windows, unsigned int i,
		       const struct sbp2x_data *data,
		       const struct sbp2x_path *path);

/*
 * sbp2x_window_close() - when this returns, no request for the data is being
 * served and none will be. Any context; does not wait for more than a packet.
 */
void sbp2x_window_close(struct sbp2x_windows *windows, unsigned int i);

#endif
