// SPDX-License-Identifier: GPL-2.0-only
/* The seam to firewire-core. */
#include "bus.h"

#include <linux/bug.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/minmax.h>

#define SBP2X_RANGE_ALIGN	4

static struct fw_device *fw_bus_device(struct sbp2x_bus *bus)
{
	return fw_parent_device(bus->unit);
}

static bool fw_bus_path(struct sbp2x_bus *bus, struct sbp2x_path *path)
{
	struct fw_device *device = fw_bus_device(bus);

	path->generation = READ_ONCE(device->generation);
	smp_rmb();	/* node IDs must not be older than the generation */
	path->node_id = READ_ONCE(device->node_id);
	path->local_node_id = READ_ONCE(device->card->node_id);
	path->speed = device->max_speed;
	/*
	 * S100 carries 512 = 2^(7 + 2) bytes and each speed doubles that, up
	 * to 4096; max_receive of the card is a power of two as well.
	 */
	path->max_payload = min3(device->max_speed + 7, 10U,
				 device->card->max_receive - 1);

	return !fw_device_is_shutdown(device);
}

static int fw_bus_generation(struct sbp2x_bus *bus)
{
	return READ_ONCE(fw_bus_device(bus)->card->generation);
}

static void fw_bus_transaction_done(struct fw_card *card, int rcode,
				    void *payload, size_t length, void *data)
{
	sbp2x_bus_done(data, rcode);
}

static void fw_bus_write(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
			 const struct sbp2x_path *path)
{
	int tcode = t->length == 4 ? TCODE_WRITE_QUADLET_REQUEST :
				     TCODE_WRITE_BLOCK_REQUEST;

	fw_send_request(fw_bus_device(bus)->card, &t->fw, tcode, path->node_id,
			path->generation, path->speed, t->offset, t->payload,
			t->length, fw_bus_transaction_done, t);
}

static void fw_bus_inbound(struct fw_card *card, struct fw_request *request,
			   int tcode, int destination, int source,
			   int generation, unsigned long long offset,
			   void *data, size_t length, void *callback_data)
{
	struct sbp2x_range *range = callback_data;
	struct sbp2x_inbound in = {
		.tcode = tcode,
		.source = source,
		.generation = generation,
		.offset = offset - range->offset,
		.data = data,
		.length = length,
	};
	int rcode = RCODE_ADDRESS_ERROR;

	/* Every card calls; another card's node IDs mean other nodes */
	if (card == fw_bus_device(range->bus)->card)
		rcode = range->fn(range, &in);

	fw_send_response(card, request, rcode);
}

static int fw_bus_range_add(struct sbp2x_bus *bus, struct sbp2x_range *range)
{
	int ret;

	range->bus = bus;
	range->fw.length = ALIGN(range->length, SBP2X_RANGE_ALIGN);
	range->fw.address_callback = fw_bus_inbound;
	range->fw.callback_data = range;
	/*
	 * The handler may be called before its offset is known to us, but no
	 * target knows the offset before we tell it.
	 */
	ret = fw_core_add_address_handler(&range->fw, &fw_high_memory_region);
	range->offset = range->fw.offset;

	return ret;
}

static void fw_bus_range_remove(struct sbp2x_bus *bus,
				struct sbp2x_range *range)
{
	fw_core_remove_address_handler(&range->fw);
}

static int fw_bus_open_memory(struct sbp2x_bus *bus)
{
	return fw_device_enable_phys_dma(fw_bus_device(bus));
}

static void fw_bus_reset(struct sbp2x_bus *bus)
{
	fw_schedule_bus_reset(fw_bus_device(bus)->card, true, true);
}

static bool fw_bus_is_confined(struct sbp2x_bus *bus)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(bus->dma);

	return domain && domain->type & __IOMMU_DOMAIN_PAGING;
}

static const struct sbp2x_bus_ops fw_bus_ops = {
	.path = fw_bus_path,
	.generation = fw_bus_generation,
	.write = fw_bus_write,
	.range_add = fw_bus_range_add,
	.range_remove = fw_bus_range_remove,
	.open_memory = fw_bus_open_memory,
	.reset = fw_bus_reset,
	.is_confined = fw_bus_is_confined,
};

void sbp2x_bus_init(struct sbp2x_bus *bus, struct fw_unit *unit)
{
	bus->unit = unit;
	sbp2x_bus_init_ops(bus, &fw_bus_ops,
			   fw_parent_device(unit)->card->device, &unit->device);
	bus->eui_64 = fw_bus_device(bus)->card->guid;
}

void sbp2x_bus_init_ops(struct sbp2x_bus *bus, const struct sbp2x_bus_ops *ops,
			struct device *dma, struct device *log)
{
	bus->ops = ops;
	bus->dma = dma;
	bus->log = log;
	atomic_set(&bus->pending, 0);
	init_waitqueue_head(&bus->idle);
}

static void bus_write(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
		      const struct sbp2x_path *path, u64 offset, size_t length,
		      sbp2x_transaction_fn done)
{
	t->bus = bus;
	t->offset = offset;
	t->length = length;
	t->done = done;
	atomic_inc(&bus->pending);
	bus->ops->write(bus, t, path);
}

void sbp2x_bus_write_quadlet(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
			     const struct sbp2x_path *path, u64 offset,
			     u32 value, sbp2x_transaction_fn done)
{
	t->payload[0] = cpu_to_be32(value);
	bus_write(bus, t, path, offset, 4, done);
}

void sbp2x_bus_write_pointer(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
			     const struct sbp2x_path *path, u64 offset,
			     u64 pointer, sbp2x_transaction_fn done)
{
	t->payload[0] = cpu_to_be32(pointer >> 32);
	t->payload[1] = cpu_to_be32((u32)pointer);
	bus_write(bus, t, path, offset, 8, done);
}

void sbp2x_bus_done(struct sbp2x_transaction *t, int rcode)
{
	struct sbp2x_bus *bus = t->bus;
	unsigned long flags;

	t->done(t, rcode);

	/*
	 * Under the wait queue's lock, so that a sbp2x_bus_drain() that sees
	 * zero cannot free the bus before we are through with it.
	 */
	spin_lock_irqsave(&bus->idle.lock, flags);
	if (atomic_dec_and_test(&bus->pending))
		wake_up_all_locked(&bus->idle);
	spin_unlock_irqrestore(&bus->idle.lock, flags);
}

void sbp2x_bus_drain(struct sbp2x_bus *bus)
{
	wait_event(bus->idle, !atomic_read(&bus->pending));
	/* The last one may still be inside its critical section */
	spin_lock_irq(&bus->idle.lock);
	spin_unlock_irq(&bus->idle.lock);
}
