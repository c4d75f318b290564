// SPDX-License-Identifier: GPL-2.0-only
/* How a target reaches our memory, and how it does not. */
#include "../drivers/firewire/sbp2x/memory.c"

#include <kunit/test.h>

#include "fake-bus.h"

#define TARGET		0xffc1
#define STRANGER	0xffc2
#define PAGES		4
#define DATA		(2 * PAGE_SIZE + 100)

struct context {
	struct kunit *test;
	struct sbp2x_fake_bus bus;
	struct sbp2x_memory memory;
	struct sbp2x_region region;
	struct sbp2x_windows windows;
	struct scatterlist sg[PAGES];
	struct sbp2x_data data;
	u8 *page[PAGES];
	u8 packet[4096];
};

/* Not inlined, nor those below: each check takes its part of the stack */
static noinline int ask(struct sbp2x_range *range, struct context *c, int tcode,
			u64 offset, size_t length)
{
	const struct sbp2x_inbound in = {
		.tcode = tcode,
		.source = c->bus.path.node_id,
		.generation = c->bus.path.generation,
		.offset = offset,
		.data = c->packet,
		.length = length,
	};

	return range->fn(range, &in);
}

static noinline int read_region(struct context *c, u64 offset, size_t length)
{
	return ask(&c->region.range, c, TCODE_READ_BLOCK_REQUEST, offset,
		   length);
}

static noinline int write_region(struct context *c, u64 offset, size_t length)
{
	return ask(&c->region.range, c, TCODE_WRITE_BLOCK_REQUEST, offset,
		   length);
}

/* Of window 1 of 3 */
static u64 base(struct context *c)
{
	return c->windows.window[1].address - c->windows.range.offset;
}

static noinline int read_data(struct context *c, u64 offset, size_t length)
{
	return ask(&c->windows.range, c, TCODE_READ_BLOCK_REQUEST,
		   base(c) + offset, length);
}

static noinline int write_data(struct context *c, u64 offset, size_t length)
{
	return ask(&c->windows.range, c, TCODE_WRITE_BLOCK_REQUEST,
		   base(c) + offset, length);
}

/* What lies at @offset of the data: odd segments, in an odd order of pages */
static u8 pattern(size_t offset)
{
	return offset * 7 + offset / 251;
}

/* Segments of 100 bytes and two pages: in pages 2, 0 and 1 */
static void make_data(struct context *c, enum dma_data_direction direction)
{
	size_t length[3] = { 100, PAGE_SIZE, DATA - 100 - PAGE_SIZE };
	u8 *at[3] = { c->page[2] + 50, c->page[0], c->page[1] };
	size_t i, j, offset = 0;

	sg_init_table(c->sg, 3);
	for (i = 0; i < 3; i++) {
		sg_set_buf(&c->sg[i], at[i], length[i]);
		for (j = 0; j < length[i]; j++)
			at[i][j] = pattern(offset++);
	}
	c->data = (struct sbp2x_data) {
		.sg = c->sg,
		.nents = 3,
		.length = DATA,
		.direction = direction,
	};
}

static void guarded(struct context *c, enum dma_data_direction direction)
{
	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_GUARDED);
	KUNIT_ASSERT_EQ(c->test, 0,
			sbp2x_windows_init(&c->windows, &c->memory, 3));
	make_data(c, direction);
	sbp2x_window_open(&c->windows, 1, &c->data, &c->bus.path);
}

static void expect_packet(struct context *c, size_t offset, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (c->packet[i] != pattern(offset + i))
			break;
	KUNIT_EXPECT_EQ_MSG(c->test, i, length, "data at %zu", offset);
}

static void auto_without_iommu(struct kunit *test)
{
	struct context *c = test->priv;

	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_AUTO);
	KUNIT_EXPECT_EQ(test, c->memory.mode, SBP2X_MEMORY_GUARDED);
	KUNIT_EXPECT_EQ(test, 0, sbp2x_memory_open(&c->memory));
	KUNIT_EXPECT_EQ(test, c->bus.opened, 0);
}

static void auto_with_iommu(struct kunit *test)
{
	struct context *c = test->priv;

	c->bus.confined = true;
	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_AUTO);
	KUNIT_EXPECT_EQ(test, c->memory.mode, SBP2X_MEMORY_PHYSICAL);
	KUNIT_EXPECT_EQ(test, 0, sbp2x_memory_open(&c->memory));
	KUNIT_EXPECT_EQ(test, c->bus.opened, 1);
}

static void region_is_guarded(struct kunit *test)
{
	struct context *c = test->priv;
	u8 *cpu;

	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_GUARDED);
	KUNIT_ASSERT_EQ(test, 0, sbp2x_region_alloc(&c->memory, &c->region,
						    64, false));
	/* Where no controller serves by itself: OHCI 1.1 5.15 */
	KUNIT_EXPECT_GE(test, c->region.address, 0x000100000000ULL);
	cpu = c->region.cpu;
	memcpy(cpu, "0123456789abcdef", 16);
	memcpy(cpu + 60, "tail", 4);

	KUNIT_EXPECT_EQ(test, read_region(c, 0, 16), RCODE_COMPLETE);
	KUNIT_EXPECT_MEMEQ(test, c->packet, "0123456789abcdef", 16);
	KUNIT_EXPECT_EQ(test, read_region(c, 60, 4), RCODE_COMPLETE);
	KUNIT_EXPECT_MEMEQ(test, c->packet, "tail", 4);
	KUNIT_EXPECT_EQ(test, ask(&c->region.range, c,
				  TCODE_READ_QUADLET_REQUEST, 4, 4),
			RCODE_COMPLETE);
	KUNIT_EXPECT_MEMEQ(test, c->packet, "4567", 4);
	KUNIT_EXPECT_EQ(test, read_region(c, 8, 6), RCODE_COMPLETE);
	KUNIT_EXPECT_MEMEQ(test, c->packet, "89abcd", 6);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->memory.refused), 0);
}

static void region_has_an_end(struct kunit *test)
{
	struct context *c = test->priv;
	u8 *cpu;

	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_GUARDED);
	KUNIT_ASSERT_EQ(test, 0, sbp2x_region_alloc(&c->memory, &c->region,
						    64, false));
	cpu = c->region.cpu;
	memcpy(cpu, "0123456789abcdef", 16);

	/* Beyond its end, and a length that wraps around */
	KUNIT_EXPECT_EQ(test, read_region(c, 60, 8), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, read_region(c, 64, 4), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, read_region(c, 4, SIZE_MAX), RCODE_ADDRESS_ERROR);
	/* It is for reading */
	KUNIT_EXPECT_EQ(test, write_region(c, 0, 4), RCODE_TYPE_ERROR);
	KUNIT_EXPECT_MEMEQ(test, cpu, "0123456789abcdef", 16);
	KUNIT_EXPECT_EQ(test, ask(&c->region.range, c,
				  TCODE_LOCK_COMPARE_SWAP, 0, 8),
			RCODE_TYPE_ERROR);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->memory.refused), 5);
}

static void region_for_responses(struct kunit *test)
{
	struct context *c = test->priv;

	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_GUARDED);
	KUNIT_ASSERT_EQ(test, 0, sbp2x_region_alloc(&c->memory, &c->region,
						    64, true));
	memcpy(c->packet, "0123456789abcdef", 16);
	KUNIT_EXPECT_EQ(test, write_region(c, 48, 16), RCODE_COMPLETE);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)c->region.cpu + 48, c->packet, 16);
	KUNIT_EXPECT_EQ(test, write_region(c, 49, 16), RCODE_ADDRESS_ERROR);
}

/* Another node, a node ID of the past, a target that is gone */
static void region_is_for_the_target(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_inbound in = {
		.tcode = TCODE_READ_BLOCK_REQUEST,
		.source = STRANGER,
		.generation = 1,
		.data = c->packet,
		.length = 16,
	};
	struct sbp2x_range *range = &c->region.range;

	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_GUARDED);
	KUNIT_ASSERT_EQ(test, 0, sbp2x_region_alloc(&c->memory, &c->region,
						    64, false));
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_ADDRESS_ERROR);
	in.source = TARGET;
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_COMPLETE);
	sbp2x_fake_bus_reset(&c->bus);
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_ADDRESS_ERROR);
	in.source = c->bus.path.node_id;
	in.generation = 2;
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_COMPLETE);
	c->bus.gone = true;
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->memory.refused), 3);
}

static void window_is_read(struct kunit *test)
{
	/* Inside, at both edges, across two segments, all three, back again */
	static const struct { size_t offset, length; } part[] = {
		{ 0, 4 }, { 0, 1 }, { 96, 4 }, { 100, 512 }, { 90, 20 },
		{ 99, 2 }, { 64, 4096 }, { 98, 4096 }, { DATA - 1, 1 },
		{ DATA - 4096, 4096 }, { 0, 512 }, { 4196, 1 }, { 4195, 2 },
		{ 101, 3 },
	};
	struct context *c = test->priv;
	unsigned int i;

	guarded(c, DMA_TO_DEVICE);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		memset(c->packet, 0, sizeof(c->packet));
		KUNIT_EXPECT_EQ(test,
				read_data(c, part[i].offset, part[i].length),
				RCODE_COMPLETE);
		expect_packet(c, part[i].offset, part[i].length);
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->memory.refused), 0);
}

static void window_is_written(struct kunit *test)
{
	struct context *c = test->priv;
	size_t offset, length, i;

	guarded(c, DMA_FROM_DEVICE);
	memset(c->page[2], 0, PAGE_SIZE);
	memset(c->page[0], 0, PAGE_SIZE);
	memset(c->page[1], 0, PAGE_SIZE);
	for (offset = 0; offset < DATA; offset += length) {
		length = min_t(size_t, 997, DATA - offset);
		for (i = 0; i < length; i++)
			c->packet[i] = pattern(offset + i);
		KUNIT_EXPECT_EQ(test, write_data(c, offset, length),
				RCODE_COMPLETE);
	}
	KUNIT_EXPECT_EQ(test,
			sg_copy_to_buffer(c->sg, 3, c->packet, 4096), 4096);
	expect_packet(c, 0, 4096);
	KUNIT_EXPECT_EQ(test, sg_pcopy_to_buffer(c->sg, 3, c->packet, 4096,
						 DATA - 4096), 4096);
	expect_packet(c, DATA - 4096, 4096);
	/* Not a byte beside it */
	KUNIT_EXPECT_EQ(test, c->page[2][49], 0);
	KUNIT_EXPECT_EQ(test, c->page[2][150], 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(c->page[3], 0, PAGE_SIZE));
}

static void window_is_all_there_is(struct kunit *test)
{
	struct context *c = test->priv;

	guarded(c, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, write_data(c, DATA - 4, 4), RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, write_data(c, DATA - 4, 5), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, write_data(c, DATA, 1), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, write_data(c, 0, SIZE_MAX), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, write_data(c, 0, 0), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, write_data(c, SBP2X_DATA_MAX - 4, 4),
			RCODE_ADDRESS_ERROR);
	/* Windows 0 and 2 are closed */
	KUNIT_EXPECT_EQ(test, write_data(c, -4, 4), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, write_data(c, -4, 8), RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, write_data(c, SBP2X_DATA_MAX, 4),
			RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, atomic64_read(&c->memory.refused), 8);
}

static void window_has_a_direction(struct kunit *test)
{
	struct context *c = test->priv;

	guarded(c, DMA_TO_DEVICE);
	memset(c->packet, 0xee, 512);
	KUNIT_EXPECT_EQ(test, write_data(c, 0, 512), RCODE_TYPE_ERROR);
	KUNIT_EXPECT_EQ(test, read_data(c, 0, 512), RCODE_COMPLETE);
	expect_packet(c, 0, 512);

	c->data.direction = DMA_FROM_DEVICE;
	sbp2x_window_open(&c->windows, 1, &c->data, &c->bus.path);
	memset(c->packet, 0xee, 512);
	KUNIT_EXPECT_EQ(test, read_data(c, 0, 512), RCODE_TYPE_ERROR);
	KUNIT_EXPECT_EQ(test, c->packet[0], 0xee);
}

static void window_is_closed(struct kunit *test)
{
	struct context *c = test->priv;

	guarded(c, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, write_data(c, 0, 512), RCODE_COMPLETE);
	sbp2x_window_close(&c->windows, 1);
	KUNIT_EXPECT_EQ(test, write_data(c, 512, 512), RCODE_ADDRESS_ERROR);
	/* Twice does no harm */
	sbp2x_window_close(&c->windows, 1);
}

static void window_of_another_command(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_data other;
	struct scatterlist sg;

	guarded(c, DMA_FROM_DEVICE);
	sg_init_one(&sg, c->page[3], 256);
	other = (struct sbp2x_data) {
		.sg = &sg, .nents = 1, .length = 256,
		.direction = DMA_FROM_DEVICE,
	};
	sbp2x_window_open(&c->windows, 2, &other, &c->bus.path);
	memset(c->packet, 0xaa, 256);
	KUNIT_EXPECT_EQ(test, write_data(c, SBP2X_DATA_MAX, 256),
			RCODE_COMPLETE);
	memset(c->packet, 0x55, 256);
	KUNIT_EXPECT_EQ(test, write_data(c, 0, 256), RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, c->page[3][0], 0xaa);
	KUNIT_EXPECT_EQ(test, c->page[3][255], 0xaa);
	KUNIT_EXPECT_EQ(test, c->page[2][50], 0x55);
	sbp2x_window_close(&c->windows, 1);
	KUNIT_EXPECT_EQ(test, write_data(c, SBP2X_DATA_MAX, 256),
			RCODE_COMPLETE);
}

static void window_is_for_the_target(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_inbound in = {
		.tcode = TCODE_WRITE_BLOCK_REQUEST,
		.source = STRANGER,
		.generation = 1,
		.data = c->packet,
		.length = 16,
	};
	struct sbp2x_range *range = &c->windows.range;

	guarded(c, DMA_FROM_DEVICE);
	in.offset = base(c);
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_ADDRESS_ERROR);
	in.source = TARGET;
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_COMPLETE);
	/* Opened for one generation, it is good for no other */
	sbp2x_fake_bus_reset(&c->bus);
	in.generation = 2;
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_ADDRESS_ERROR);
	in.source = c->bus.path.node_id;
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_ADDRESS_ERROR);
	sbp2x_window_open(&c->windows, 1, &c->data, &c->bus.path);
	KUNIT_EXPECT_EQ(test, range->fn(range, &in), RCODE_COMPLETE);
}

static void guarded_is_described(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_page_table_entry *table;
	u64 address;

	guarded(c, DMA_FROM_DEVICE);
	address = c->windows.window[1].address;
	table = kunit_kcalloc(test, 70, sizeof(*table), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, table);

	/* However many pieces of memory, it is one piece for the target */
	KUNIT_EXPECT_TRUE(test, sbp2x_window_fits(&c->windows, &c->data, 1));
	KUNIT_EXPECT_EQ(test, 1, sbp2x_window_describe(&c->windows, 1,
						       &c->data, table));
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_base(table), address);
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_length(table), DATA);

	c->data.length = 4 << 20;
	KUNIT_EXPECT_FALSE(test, sbp2x_window_fits(&c->windows, &c->data, 68));
	KUNIT_EXPECT_TRUE(test, sbp2x_window_fits(&c->windows, &c->data, 69));
	KUNIT_EXPECT_EQ(test, 69, sbp2x_window_describe(&c->windows, 1,
							&c->data, table));
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_base(&table[1]),
			address + 0xf000);
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_base(&table[68]),
			address + 68 * 0xf000);
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_length(&table[68]),
			(4 << 20) - 68 * 0xf000);

	c->data.length = (4 << 20) + 1;
	KUNIT_EXPECT_FALSE(test, sbp2x_window_fits(&c->windows, &c->data, 256));
	c->data.nents = 0;
	c->data.length = 0;
	KUNIT_EXPECT_TRUE(test, sbp2x_window_fits(&c->windows, &c->data, 1));
	KUNIT_EXPECT_EQ(test, 0, sbp2x_window_describe(&c->windows, 1,
						       &c->data, table));
}

/* In physical memory the target is told where the data are */
static void physical_is_described(struct kunit *test)
{
	struct sbp2x_page_table_entry table[3];
	struct context *c = test->priv;

	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_PHYSICAL);
	KUNIT_ASSERT_EQ(test, 0,
			sbp2x_windows_init(&c->windows, &c->memory, 3));
	make_data(c, DMA_FROM_DEVICE);
	sg_dma_address(&c->sg[0]) = 0x1000;
	sg_dma_len(&c->sg[0]) = 100;
	sg_dma_address(&c->sg[1]) = 0x87654321;
	sg_dma_len(&c->sg[1]) = 0xffff;
	sg_dma_address(&c->sg[2]) = 0x3000;
	sg_dma_len(&c->sg[2]) = 1;

	KUNIT_EXPECT_FALSE(test, sbp2x_window_fits(&c->windows, &c->data, 2));
	KUNIT_EXPECT_TRUE(test, sbp2x_window_fits(&c->windows, &c->data, 3));
	KUNIT_EXPECT_EQ(test, 3, sbp2x_window_describe(&c->windows, 1,
						       &c->data, table));
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_base(&table[1]),
			0x87654321);
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_length(&table[1]), 0xffff);
	/* Nothing to open and to close */
	sbp2x_window_open(&c->windows, 1, &c->data, &c->bus.path);
	sbp2x_window_close(&c->windows, 1);

	if (sizeof(sg_dma_len(c->sg)) > 2) {
		sg_dma_len(&c->sg[2]) = 0x10000;
		KUNIT_EXPECT_FALSE(test, sbp2x_window_fits(&c->windows,
							   &c->data, 3));
	}
}

static int memory_test_init(struct kunit *test)
{
	struct context *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	c->test = test;
	sbp2x_fake_bus_init(&c->bus, test);
	for (i = 0; i < PAGES; i++) {
		c->page[i] = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, c->page[i]);
	}
	return 0;
}

static void memory_test_exit(struct kunit *test)
{
	struct context *c = test->priv;

	if (!c)
		return;

	sbp2x_windows_destroy(&c->windows);
	sbp2x_region_free(&c->region);
}

static struct kunit_case memory_test_cases[] = {
	KUNIT_CASE(auto_without_iommu),
	KUNIT_CASE(auto_with_iommu),
	KUNIT_CASE(region_is_guarded),
	KUNIT_CASE(region_has_an_end),
	KUNIT_CASE(region_for_responses),
	KUNIT_CASE(region_is_for_the_target),
	KUNIT_CASE(window_is_read),
	KUNIT_CASE(window_is_written),
	KUNIT_CASE(window_is_all_there_is),
	KUNIT_CASE(window_has_a_direction),
	KUNIT_CASE(window_is_closed),
	KUNIT_CASE(window_of_another_command),
	KUNIT_CASE(window_is_for_the_target),
	KUNIT_CASE(guarded_is_described),
	KUNIT_CASE(physical_is_described),
	{}
};

static struct kunit_suite memory_test_suite = {
	.name = "sbp2x-memory",
	.init = memory_test_init,
	.exit = memory_test_exit,
	.test_cases = memory_test_cases,
};

kunit_test_suite(memory_test_suite);
