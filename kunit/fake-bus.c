// SPDX-License-Identifier: GPL-2.0-only
/* A bus on which nothing happens but what a test does. */
#include "../drivers/firewire/sbp2x/bus.c"

#include <kunit/device.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/string.h>

#include "fake-bus.h"

static struct sbp2x_fake_bus *fake_of(struct sbp2x_bus *bus)
{
	return container_of(bus, struct sbp2x_fake_bus, bus);
}

static bool fake_path(struct sbp2x_bus *bus, struct sbp2x_path *path)
{
	*path = fake_of(bus)->path;
	return !fake_of(bus)->gone;
}

static int fake_generation(struct sbp2x_bus *bus)
{
	return fake_of(bus)->path.generation + fake_of(bus)->ahead;
}

static u64 value_of(const struct sbp2x_transaction *t)
{
	u64 high = be32_to_cpu(t->payload[0]);

	return t->length == 4 ? high : high << 32 | be32_to_cpu(t->payload[1]);
}

static void fake_write(struct sbp2x_bus *bus, struct sbp2x_transaction *t,
		       const struct sbp2x_path *path)
{
	struct sbp2x_fake_bus *fake = fake_of(bus);
	bool room, busy = false;
	unsigned int i;

	if (READ_ONCE(fake->dead)) {
		sbp2x_bus_done(t, RCODE_NO_ACK);
		return;
	}

	spin_lock(&fake->lock);
	fake->sent++;
	for (i = 0; i < fake->count; i++)
		busy |= fake->pending[i].t == t;
	room = fake->count < SBP2X_FAKE_WRITES;
	if (room)
		fake->pending[fake->count++] = (struct sbp2x_fake_write) {
			.t = t,
			.path = *path,
			.offset = t->offset,
			.length = t->length,
			.value = value_of(t),
		};
	spin_unlock(&fake->lock);

	KUNIT_EXPECT_FALSE_MSG(fake->test, busy,
			       "a transaction that is under way is sent again");
	KUNIT_EXPECT_TRUE_MSG(fake->test, room, "too many writes under way");
	if (!room)
		sbp2x_bus_done(t, RCODE_SEND_ERROR);
}

static int fake_range_add(struct sbp2x_bus *bus, struct sbp2x_range *range)
{
	struct sbp2x_fake_bus *fake = fake_of(bus);

	range->bus = bus;
	range->offset = fake->next_range;
	fake->next_range += ALIGN(range->length, 0x100);
	return 0;
}

static void fake_range_remove(struct sbp2x_bus *bus, struct sbp2x_range *range)
{
}

static int fake_open_memory(struct sbp2x_bus *bus)
{
	fake_of(bus)->opened++;
	return 0;
}

static void fake_reset(struct sbp2x_bus *bus)
{
	sbp2x_fake_bus_reset(fake_of(bus));
}

static bool fake_is_confined(struct sbp2x_bus *bus)
{
	return fake_of(bus)->confined;
}

static const struct sbp2x_bus_ops fake_ops = {
	.path = fake_path,
	.generation = fake_generation,
	.write = fake_write,
	.range_add = fake_range_add,
	.range_remove = fake_range_remove,
	.open_memory = fake_open_memory,
	.reset = fake_reset,
	.is_confined = fake_is_confined,
};

void sbp2x_fake_bus_init(struct sbp2x_fake_bus *fake, struct kunit *test)
{
	struct device *device = kunit_device_register(test, "sbp2x-fake-bus");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, device);
	KUNIT_ASSERT_EQ(test, 0,
			dma_coerce_mask_and_coherent(device, DMA_BIT_MASK(32)));

	memset(fake, 0, sizeof(*fake));
	fake->test = test;
	fake->path = (struct sbp2x_path) {
		.generation = 1,
		.node_id = 0xffc1,
		.local_node_id = 0xffc0,
		.speed = SCODE_400,
		.max_payload = 9,
	};
	fake->next_range = 0x000100000000ULL;
	spin_lock_init(&fake->lock);
	sbp2x_bus_init_ops(&fake->bus, &fake_ops, device, device);
	fake->bus.eui_64 = SBP2X_FAKE_EUI_64;
}

const struct sbp2x_fake_write *
sbp2x_fake_bus_oldest(struct sbp2x_fake_bus *fake, u64 offset)
{
	KUNIT_ASSERT_GT_MSG(fake->test, fake->count, 0,
			    "no write to %012llx is under way", offset);
	KUNIT_ASSERT_EQ(fake->test, fake->pending[0].offset, offset);
	return &fake->pending[0];
}

void sbp2x_fake_bus_expect(struct sbp2x_fake_bus *fake, u64 offset,
			   size_t length, u64 value)
{
	const struct sbp2x_fake_write *write =
		sbp2x_fake_bus_oldest(fake, offset);

	KUNIT_EXPECT_EQ(fake->test, write->length, length);
	KUNIT_EXPECT_EQ(fake->test, write->value, value);
	KUNIT_EXPECT_EQ(fake->test, write->path.generation,
			fake->path.generation);
	KUNIT_EXPECT_EQ(fake->test, write->path.node_id, fake->path.node_id);
}

bool sbp2x_fake_bus_wait(struct sbp2x_fake_bus *fake, unsigned int count)
{
	unsigned int ms;

	for (ms = 0; ms < SBP2X_FAKE_PATIENCE_MS; ms++) {
		if (READ_ONCE(fake->count) >= count)
			return true;
		usleep_range(1000, 2000);
	}
	return false;
}

void sbp2x_fake_bus_end(struct sbp2x_fake_bus *fake, u64 offset, int rcode)
{
	struct sbp2x_transaction *t = sbp2x_fake_bus_oldest(fake, offset)->t;

	spin_lock(&fake->lock);
	fake->count--;
	memmove(&fake->pending[0], &fake->pending[1],
		fake->count * sizeof(fake->pending[0]));
	spin_unlock(&fake->lock);

	sbp2x_bus_done(t, rcode);
}

void sbp2x_fake_bus_end_all(struct sbp2x_fake_bus *fake, int rcode)
{
	while (fake->count)
		sbp2x_fake_bus_end(fake, fake->pending[0].offset, rcode);
}

void sbp2x_fake_bus_reset(struct sbp2x_fake_bus *fake)
{
	sbp2x_fake_bus_lose(fake);
	sbp2x_fake_bus_find(fake);
}

void sbp2x_fake_bus_lose(struct sbp2x_fake_bus *fake)
{
	fake->ahead++;
}

void sbp2x_fake_bus_find(struct sbp2x_fake_bus *fake)
{
	fake->path.generation += fake->ahead;
	fake->ahead = 0;
	swap(fake->path.node_id, fake->path.local_node_id);
}

void *sbp2x_fake_bus_memory(u64 address)
{
	return phys_to_virt(address);
}
