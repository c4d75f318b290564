// SPDX-License-Identifier: GPL-2.0-only
/* How a target reaches our memory. */
#include "memory.h"

#include <linux/align.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

const char *sbp2x_memory_mode_name(enum sbp2x_memory_mode mode)
{
	static const char * const names[] = {
		[SBP2X_MEMORY_PHYSICAL] = "physical",
		[SBP2X_MEMORY_GUARDED] = "guarded",
		[SBP2X_MEMORY_AUTO] = "auto",
	};

	return names[mode];
}

void sbp2x_memory_init(struct sbp2x_memory *memory, struct sbp2x_bus *bus,
		       enum sbp2x_memory_mode mode)
{
	bool confined = bus->ops->is_confined(bus);

	if (mode == SBP2X_MEMORY_AUTO)
		mode = confined ? SBP2X_MEMORY_PHYSICAL : SBP2X_MEMORY_GUARDED;

	memory->bus = bus;
	memory->mode = mode;
	atomic64_set(&memory->refused, 0);

	if (mode == SBP2X_MEMORY_GUARDED)
		dev_info(bus->log, "memory is guarded: the device reaches the data of its own commands only\n");
	else if (confined)
		dev_info(bus->log, "memory is physical: an IOMMU confines the controller\n");
	else
		dev_notice(bus->log, "memory is physical, and no IOMMU confines the controller: the device can read and write this computer's memory\n");
}

int sbp2x_memory_open(struct sbp2x_memory *memory)
{
	if (sbp2x_memory_is_guarded(memory))
		return 0;

	return memory->bus->ops->open_memory(memory->bus);
}

/* Serving requests */

static int memory_refuse(struct sbp2x_memory *memory,
			 const struct sbp2x_inbound *in, int rcode)
{
	atomic64_inc(&memory->refused);
	dev_warn_ratelimited(memory->bus->log,
			     "node %04x asked for memory that it was not given, refused\n",
			     in->source);
	return rcode;
}

static bool is_within(u64 offset, size_t length, size_t size)
{
	return offset < size && length <= size - offset;
}

static bool is_read(const struct sbp2x_inbound *in)
{
	return in->tcode == TCODE_READ_QUADLET_REQUEST ||
	       in->tcode == TCODE_READ_BLOCK_REQUEST;
}

static bool is_write(const struct sbp2x_inbound *in)
{
	return in->tcode == TCODE_WRITE_QUADLET_REQUEST ||
	       in->tcode == TCODE_WRITE_BLOCK_REQUEST;
}

/*
 * A pointer may be linked while it is read. Its half that is not null any more
 * is written last and lies first, so read on only when that was read.
 */
static void copy_in_order(__be32 *to, const __be32 *from, size_t quadlets)
{
	while (quadlets--) {
		*to++ = READ_ONCE(*from++);
		/* pairs with the one in sbp2x_pointer_link() */
		smp_rmb();
	}
}

/* A password may end in the midst of a quadlet */
static void region_read(void *to, const void *from, size_t length)
{
	size_t whole = round_down(length, 4);

	copy_in_order(to, from, whole / 4);
	memcpy(to + whole, from + whole, length - whole);
}

static int region_serve(struct sbp2x_range *range,
			const struct sbp2x_inbound *in)
{
	struct sbp2x_region *region = container_of(range, typeof(*region),
						   range);
	struct sbp2x_memory *memory = region->memory;
	void *at = region->cpu + in->offset;
	struct sbp2x_path path;

	if (!sbp2x_bus_path(memory->bus, &path) ||
	    !sbp2x_path_is_from(&path, in->source, in->generation) ||
	    !is_within(in->offset, in->length, region->size))
		return memory_refuse(memory, in, RCODE_ADDRESS_ERROR);

	if (is_write(in) && region->writable)
		memcpy(at, in->data, in->length);
	else if (is_read(in) && IS_ALIGNED(in->offset, 4))
		region_read(in->data, at, in->length);
	else
		return memory_refuse(memory, in, RCODE_TYPE_ERROR);

	return RCODE_COMPLETE;
}

/* Set up the cursor so that @offset lies in its first entry */
static void window_seek(struct sbp2x_window *window, size_t offset)
{
	lockdep_assert_held(&window->lock);
	if (!window->at || offset < window->at_offset) {
		window->at = window->data.sg;
		window->at_nents = window->data.nents;
		window->at_offset = 0;
	}
	while (offset - window->at_offset >= window->at->length) {
		window->at_offset += window->at->length;
		window->at = sg_next(window->at);
		window->at_nents--;
	}
}

static int window_copy(struct sbp2x_window *window, u64 offset,
		       const struct sbp2x_inbound *in)
{
	size_t skip, done;

	lockdep_assert_held(&window->lock);
	window_seek(window, offset);
	skip = offset - window->at_offset;
	if (is_read(in))
		done = sg_pcopy_to_buffer(window->at, window->at_nents,
					  in->data, in->length, skip);
	else
		done = sg_pcopy_from_buffer(window->at, window->at_nents,
					    in->data, in->length, skip);

	return done == in->length ? RCODE_COMPLETE : RCODE_DATA_ERROR;
}

static bool window_allows(const struct sbp2x_window *window, u64 offset,
			  const struct sbp2x_inbound *in)
{
	lockdep_assert_held(&window->lock);
	return window->open && in->length &&
	       sbp2x_path_is_from(&window->path, in->source, in->generation) &&
	       is_within(offset, in->length, window->data.length);
}

static bool window_direction_fits(const struct sbp2x_window *window,
				  const struct sbp2x_inbound *in)
{
	lockdep_assert_held(&window->lock);
	return window->data.direction == DMA_TO_DEVICE ? is_read(in) :
							 is_write(in);
}

static int windows_serve(struct sbp2x_range *range,
			 const struct sbp2x_inbound *in)
{
	struct sbp2x_windows *windows = container_of(range, typeof(*windows),
						     range);
	struct sbp2x_window *window =
		&windows->window[in->offset / SBP2X_DATA_MAX];
	u64 offset = in->offset % SBP2X_DATA_MAX;
	int rcode = RCODE_ADDRESS_ERROR;
	unsigned long flags;

	spin_lock_irqsave(&window->lock, flags);
	if (window_allows(window, offset, in))
		rcode = window_direction_fits(window, in) ?
			window_copy(window, offset, in) : RCODE_TYPE_ERROR;
	spin_unlock_irqrestore(&window->lock, flags);

	return rcode == RCODE_COMPLETE ?
	       rcode : memory_refuse(windows->memory, in, rcode);
}

/* Regions */

static int region_alloc_physical(struct sbp2x_region *region)
{
	region->cpu = dma_alloc_coherent(region->memory->bus->dma,
					 region->size, &region->dma,
					 GFP_KERNEL);
	region->address = region->dma;

	return region->cpu ? 0 : -ENOMEM;
}

static int region_alloc_guarded(struct sbp2x_region *region)
{
	struct sbp2x_bus *bus = region->memory->bus;
	int ret;

	region->cpu = kzalloc(region->size, GFP_KERNEL);
	if (!region->cpu)
		return -ENOMEM;

	region->range.fn = region_serve;
	region->range.length = region->size;
	ret = bus->ops->range_add(bus, &region->range);
	if (ret) {
		kfree(region->cpu);
		region->cpu = NULL;
		return ret;
	}
	region->address = region->range.offset;

	return 0;
}

int sbp2x_region_alloc(struct sbp2x_memory *memory, struct sbp2x_region *region,
		       size_t size, bool writable)
{
	memset(region, 0, sizeof(*region));
	region->memory = memory;
	region->size = size;
	region->writable = writable;

	return sbp2x_memory_is_guarded(memory) ?
	       region_alloc_guarded(region) : region_alloc_physical(region);
}

void sbp2x_region_free(struct sbp2x_region *region)
{
	struct sbp2x_bus *bus;

	if (!region->cpu)
		return;

	bus = region->memory->bus;
	if (sbp2x_memory_is_guarded(region->memory)) {
		bus->ops->range_remove(bus, &region->range);
		kfree(region->cpu);
	} else {
		dma_free_coherent(bus->dma, region->size, region->cpu,
				  region->dma);
	}
	region->cpu = NULL;
}

/* Windows */

int sbp2x_windows_init(struct sbp2x_windows *windows,
		       struct sbp2x_memory *memory, unsigned int count)
{
	struct sbp2x_bus *bus = memory->bus;
	unsigned int i;
	int ret;

	memset(windows, 0, sizeof(*windows));
	windows->memory = memory;
	if (!sbp2x_memory_is_guarded(memory))
		return 0;

	windows->window = kcalloc(count, sizeof(*windows->window), GFP_KERNEL);
	if (!windows->window)
		return -ENOMEM;

	for (i = 0; i < count; i++)
		spin_lock_init(&windows->window[i].lock);

	windows->range.fn = windows_serve;
	windows->range.length = (u64)count * SBP2X_DATA_MAX;
	ret = bus->ops->range_add(bus, &windows->range);
	if (ret) {
		kfree(windows->window);
		windows->window = NULL;
		return ret;
	}
	for (i = 0; i < count; i++)
		windows->window[i].address = windows->range.offset +
					     (u64)i * SBP2X_DATA_MAX;
	return 0;
}

void sbp2x_windows_destroy(struct sbp2x_windows *windows)
{
	struct sbp2x_bus *bus;

	if (!windows->window)
		return;

	bus = windows->memory->bus;
	bus->ops->range_remove(bus, &windows->range);
	kfree(windows->window);
	windows->window = NULL;
}

static bool segments_fit(const struct sbp2x_data *data)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(data->sg, sg, data->nents, i)
		if (sg_dma_len(sg) > FIELD_MAX(SBP2X_PTE_SEGMENT_LENGTH))
			return false;
	return true;
}

bool sbp2x_window_fits(const struct sbp2x_windows *windows,
		       const struct sbp2x_data *data, unsigned int entries)
{
	if (sbp2x_memory_is_guarded(windows->memory))
		return data->length <= SBP2X_DATA_MAX &&
		       DIV_ROUND_UP(data->length, SBP2X_MAX_SEGMENT) <= entries;

	return data->nents <= entries && segments_fit(data);
}

static unsigned int describe_window(u64 address, size_t length,
				    struct sbp2x_page_table_entry *table)
{
	unsigned int count = 0;

	while (length) {
		size_t part = min_t(size_t, length, SBP2X_MAX_SEGMENT);

		sbp2x_page_table_entry_set(&table[count++], address, part);
		address += part;
		length -= part;
	}
	return count;
}

unsigned int sbp2x_window_describe(const struct sbp2x_windows *windows,
				   unsigned int i,
				   const struct sbp2x_data *data,
				   struct sbp2x_page_table_entry *table)
{
	struct scatterlist *sg;
	int entry;

	if (sbp2x_memory_is_guarded(windows->memory))
		return describe_window(windows->window[i].address,
				       data->nents ? data->length : 0, table);

	for_each_sg(data->sg, sg, data->nents, entry)
		sbp2x_page_table_entry_set(&table[entry], sg_dma_address(sg),
					   sg_dma_len(sg));
	return data->nents;
}

void sbp2x_window_open(struct sbp2x_windows *windows, unsigned int i,
		       const struct sbp2x_data *data,
		       const struct sbp2x_path *path)
{
	struct sbp2x_window *window;
	unsigned long flags;

	if (!windows->window || !data->nents)
		return;

	window = &windows->window[i];
	spin_lock_irqsave(&window->lock, flags);
	window->open = true;
	window->data = *data;
	window->path = *path;
	window->at = NULL;
	spin_unlock_irqrestore(&window->lock, flags);
}

void sbp2x_window_close(struct sbp2x_windows *windows, unsigned int i)
{
	unsigned long flags;

	if (!windows->window)
		return;

	spin_lock_irqsave(&windows->window[i].lock, flags);
	windows->window[i].open = false;
	spin_unlock_irqrestore(&windows->window[i].lock, flags);
}
