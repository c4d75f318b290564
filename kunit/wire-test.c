// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wire formats. Bytes are laid out by hand from the figures of SBP-2
 * (ANSI NCITS 325-1998), whose clauses the cases name.
 */
#include "../drivers/firewire/sbp2x/wire.h"

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/string.h>

/* One field of a quadlet, for the helpers that want a constant mask */
struct field {
	const char *name;
	void (*put)(__be32 *quadlet, u32 value);
	u32 (*get)(__be32 quadlet);
	u32 highest;
	u32 bits;	/* the quadlet with nothing but @highest in it */
};

#define FIELD_HELPERS(field)						\
static void put_##field(__be32 *quadlet, u32 value)			\
{									\
	sbp2x_put(*quadlet, SBP2X_##field, value);			\
}									\
									\
static u32 get_##field(__be32 quadlet)					\
{									\
	return sbp2x_get(quadlet, SBP2X_##field);			\
}

FIELD_HELPERS(ORB_NOTIFY)
FIELD_HELPERS(ORB_RQ_FMT)
FIELD_HELPERS(MORB_EXCLUSIVE)
FIELD_HELPERS(MORB_RECONNECT)
FIELD_HELPERS(MORB_FUNCTION)
FIELD_HELPERS(MORB_LUN_OR_LOGIN_ID)
FIELD_HELPERS(MORB_PASSWORD_LENGTH)
FIELD_HELPERS(MORB_RESPONSE_LENGTH)
FIELD_HELPERS(LOGIN_RESPONSE_LENGTH)
FIELD_HELPERS(LOGIN_RESPONSE_LOGIN_ID)
FIELD_HELPERS(LOGIN_RESPONSE_HOLD)
FIELD_HELPERS(QUERY_LENGTH)
FIELD_HELPERS(QUERY_MAX_LOGINS)
FIELD_HELPERS(QUERY_NODE_ID)
FIELD_HELPERS(QUERY_LOGIN_ID)
FIELD_HELPERS(CORB_DIRECTION_READ)
FIELD_HELPERS(CORB_SPD)
FIELD_HELPERS(CORB_MAX_PAYLOAD)
FIELD_HELPERS(CORB_PAGE_TABLE_PRESENT)
FIELD_HELPERS(CORB_PAGE_SIZE)
FIELD_HELPERS(CORB_DATA_SIZE)
FIELD_HELPERS(PTE_SEGMENT_LENGTH)
FIELD_HELPERS(PTE_SEGMENT_BASE_HI)
FIELD_HELPERS(SB_SRC)
FIELD_HELPERS(SB_RESP)
FIELD_HELPERS(SB_DEAD)
FIELD_HELPERS(SB_LEN)
FIELD_HELPERS(SB_SBP_STATUS)
FIELD_HELPERS(SB_ORB_OFFSET_HI)

#define FIELD(field, highest, bits) \
	{ #field, put_##field, get_##field, highest, bits }

static const struct field fields[] = {
	/* Command block ORB, 5.1.2 */
	FIELD(ORB_NOTIFY,		0x1,	0x80000000),
	FIELD(ORB_RQ_FMT,		0x3,	0x60000000),
	FIELD(CORB_DIRECTION_READ,	0x1,	0x08000000),
	FIELD(CORB_SPD,			0x7,	0x07000000),
	FIELD(CORB_MAX_PAYLOAD,		0xf,	0x00f00000),
	FIELD(CORB_PAGE_TABLE_PRESENT,	0x1,	0x00080000),
	FIELD(CORB_PAGE_SIZE,		0x7,	0x00070000),
	FIELD(CORB_DATA_SIZE,		0xffff,	0x0000ffff),
	/* Management ORB, 5.1.3 */
	FIELD(MORB_EXCLUSIVE,		0x1,	0x10000000),
	FIELD(MORB_RECONNECT,		0xf,	0x00f00000),
	FIELD(MORB_FUNCTION,		0xf,	0x000f0000),
	FIELD(MORB_LUN_OR_LOGIN_ID,	0xffff,	0x0000ffff),
	FIELD(MORB_PASSWORD_LENGTH,	0xffff,	0xffff0000),
	FIELD(MORB_RESPONSE_LENGTH,	0xffff,	0x0000ffff),
	/* Login response, 5.1.3.1 */
	FIELD(LOGIN_RESPONSE_LENGTH,	0xffff,	0xffff0000),
	FIELD(LOGIN_RESPONSE_LOGIN_ID,	0xffff,	0x0000ffff),
	FIELD(LOGIN_RESPONSE_HOLD,	0xffff,	0x0000ffff),
	/* Query logins response, 5.1.3.2 */
	FIELD(QUERY_LENGTH,		0xffff,	0xffff0000),
	FIELD(QUERY_MAX_LOGINS,		0xffff,	0x0000ffff),
	FIELD(QUERY_NODE_ID,		0xffff,	0xffff0000),
	FIELD(QUERY_LOGIN_ID,		0xffff,	0x0000ffff),
	/* Page table entry, 5.2.1 */
	FIELD(PTE_SEGMENT_LENGTH,	0xffff,	0xffff0000),
	FIELD(PTE_SEGMENT_BASE_HI,	0xffff,	0x0000ffff),
	/* Status block, 5.3 */
	FIELD(SB_SRC,			0x3,	0xc0000000),
	FIELD(SB_RESP,			0x3,	0x30000000),
	FIELD(SB_DEAD,			0x1,	0x08000000),
	FIELD(SB_LEN,			0x7,	0x07000000),
	FIELD(SB_SBP_STATUS,		0xff,	0x00ff0000),
	FIELD(SB_ORB_OFFSET_HI,		0xffff,	0x0000ffff),
};

static void field_name(const struct field *field, char *name)
{
	strscpy(name, field->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(field, fields, field_name);

/* Lowest and highest value, into an empty quadlet and into a full one */
static void wire_field(struct kunit *test)
{
	const struct field *field = test->param_value;
	__be32 quadlet = cpu_to_be32(0);

	field->put(&quadlet, field->highest);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(quadlet), field->bits);
	KUNIT_EXPECT_EQ(test, field->get(quadlet), field->highest);

	field->put(&quadlet, 0);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(quadlet), 0);
	KUNIT_EXPECT_EQ(test, field->get(quadlet), 0);

	quadlet = cpu_to_be32(0xffffffff);
	field->put(&quadlet, 0);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(quadlet), ~field->bits);
	KUNIT_EXPECT_EQ(test, field->get(quadlet), 0);

	field->put(&quadlet, field->highest);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(quadlet), 0xffffffff);
	KUNIT_EXPECT_EQ(test, field->get(quadlet), field->highest);
}

/* A value that is too wide is cut, it never spills into the neighbours */
static void wire_field_too_wide(struct kunit *test)
{
	const struct field *field = test->param_value;
	__be32 quadlet = cpu_to_be32(0);

	field->put(&quadlet, 0xffffffff);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(quadlet), field->bits);
}

/* The fields of one quadlet do not overlap and leave the reserved bits */
static void wire_fields_tile(struct kunit *test)
{
	__be32 q = cpu_to_be32(0);

	put_ORB_NOTIFY(&q, 1);
	put_ORB_RQ_FMT(&q, 3);
	put_CORB_DIRECTION_READ(&q, 1);
	put_CORB_SPD(&q, 7);
	put_CORB_MAX_PAYLOAD(&q, 0xf);
	put_CORB_PAGE_TABLE_PRESENT(&q, 1);
	put_CORB_PAGE_SIZE(&q, 7);
	put_CORB_DATA_SIZE(&q, 0xffff);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(q), 0xefffffff);

	q = cpu_to_be32(0);
	put_ORB_NOTIFY(&q, 1);
	put_ORB_RQ_FMT(&q, 3);
	put_MORB_EXCLUSIVE(&q, 1);
	put_MORB_RECONNECT(&q, 0xf);
	put_MORB_FUNCTION(&q, 0xf);
	put_MORB_LUN_OR_LOGIN_ID(&q, 0xffff);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(q), 0xf0ffffff);

	q = cpu_to_be32(0);
	put_SB_SRC(&q, 3);
	put_SB_RESP(&q, 3);
	put_SB_DEAD(&q, 1);
	put_SB_LEN(&q, 7);
	put_SB_SBP_STATUS(&q, 0xff);
	put_SB_ORB_OFFSET_HI(&q, 0xffff);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(q), 0xffffffff);
}

/* Addresses, 5.0 */

static void wire_pointer(struct kunit *test)
{
	static const u8 expected[8] = {
		0x00, 0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc,
	};
	static const u8 highest[8] = {
		0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	static const u8 lowest[8] = {};
	struct sbp2x_pointer p;

	memset(&p, 0xff, sizeof(p));
	sbp2x_pointer_set(&p, 0x123456789abc);
	KUNIT_EXPECT_MEMEQ(test, &p, expected, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&p), 0x123456789abc);
	KUNIT_EXPECT_FALSE(test, sbp2x_pointer_is_null(&p));

	sbp2x_pointer_set(&p, 0xffffffffffff);
	KUNIT_EXPECT_MEMEQ(test, &p, highest, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&p), 0xffffffffffff);
	KUNIT_EXPECT_FALSE(test, sbp2x_pointer_is_null(&p));

	sbp2x_pointer_set(&p, 0);
	KUNIT_EXPECT_MEMEQ(test, &p, lowest, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&p), 0);
	KUNIT_EXPECT_FALSE(test, sbp2x_pointer_is_null(&p));
}

/* Bits above the 48 of an offset would be a node ID, or null */
static void wire_pointer_too_wide(struct kunit *test)
{
	static const u8 expected[8] = {
		0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,
	};
	struct sbp2x_pointer p;

	sbp2x_pointer_set(&p, 0xffff000100000002);
	KUNIT_EXPECT_MEMEQ(test, &p, expected, 8);
}

static void wire_pointer_null(struct kunit *test)
{
	static const u8 null[8] = { 0x80 };
	/* Only the first bit counts */
	static const struct sbp2x_pointer untidy = {
		.high = cpu_to_be32(0xffffffff),
		.low = cpu_to_be32(0x12345678),
	};
	static const struct sbp2x_pointer almost = {
		.high = cpu_to_be32(0x7fffffff),
		.low = cpu_to_be32(0xffffffff),
	};
	struct sbp2x_pointer p;

	memset(&p, 0xff, sizeof(p));
	sbp2x_pointer_set_null(&p);
	KUNIT_EXPECT_MEMEQ(test, &p, null, 8);
	KUNIT_EXPECT_TRUE(test, sbp2x_pointer_is_null(&p));
	KUNIT_EXPECT_TRUE(test, sbp2x_pointer_is_null(&untidy));
	KUNIT_EXPECT_FALSE(test, sbp2x_pointer_is_null(&almost));
}

static void wire_pointer_node(struct kunit *test)
{
	static const u8 expected[8] = {
		0xff, 0xc2, 0x00, 0x01, 0x23, 0x45, 0x67, 0x88,
	};
	static const u8 bus_3[8] = {
		0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc,
	};
	struct sbp2x_pointer p;

	sbp2x_pointer_set_node(&p, 0xffc2, 0x000123456788);
	KUNIT_EXPECT_MEMEQ(test, &p, expected, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_node_id(&p), 0xffc2);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&p), 0x000123456788);

	/* Bus 3, node 63; the offset must not change the node ID */
	sbp2x_pointer_set_node(&p, 0x00ff, 0xfffffffffffffffc);
	KUNIT_EXPECT_MEMEQ(test, &p, bus_3, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_node_id(&p), 0x00ff);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&p), 0xfffffffffffc);
}

/* Command block ORB, 5.1.2 */

static const u8 read_cdb[10] = {
	0x28, 0x00, 0x00, 0x01, 0x23, 0x45, 0x00, 0x00, 0x08, 0x00,
};

/* READ(10) of 8 blocks, 4096 bytes in one piece, S400, payload 2048 bytes */
static const u8 read_orb[36] = {
	0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* next_ORB: null */
	0xff, 0xc0, 0x00, 0x00, 0x7f, 0x00, 0x10, 0x00,	/* data_descriptor */
	0x8a, 0x90, 0x10, 0x00,
	0x28, 0x00, 0x00, 0x01, 0x23, 0x45, 0x00, 0x00,
	0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static void wire_command_orb_direct(struct kunit *test)
{
	struct sbp2x_command_orb orb;

	memcpy(&orb, read_orb, sizeof(orb));
	KUNIT_EXPECT_TRUE(test, sbp2x_pointer_is_null(&orb.next_orb));
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_node_id(&orb.data_descriptor),
			0xffc0);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.data_descriptor),
			0x00007f001000);
	KUNIT_EXPECT_EQ(test, get_ORB_NOTIFY(orb.control), 1);
	KUNIT_EXPECT_EQ(test, get_ORB_RQ_FMT(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_CORB_DIRECTION_READ(orb.control), 1);
	KUNIT_EXPECT_EQ(test, get_CORB_SPD(orb.control), 2);
	KUNIT_EXPECT_EQ(test, get_CORB_MAX_PAYLOAD(orb.control), 9);
	KUNIT_EXPECT_EQ(test, get_CORB_PAGE_TABLE_PRESENT(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_CORB_PAGE_SIZE(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_CORB_DATA_SIZE(orb.control), 4096);
	KUNIT_EXPECT_MEMEQ(test, orb.cdb, read_cdb, 10);
}

static void wire_command_orb_direct_rebuilt(struct kunit *test)
{
	struct sbp2x_command_orb orb = {};

	sbp2x_pointer_set_null(&orb.next_orb);
	sbp2x_pointer_set_node(&orb.data_descriptor, 0xffc0, 0x7f001000);
	put_ORB_NOTIFY(&orb.control, 1);
	put_CORB_DIRECTION_READ(&orb.control, 1);
	put_CORB_SPD(&orb.control, 2);
	put_CORB_MAX_PAYLOAD(&orb.control, 9);
	put_CORB_DATA_SIZE(&orb.control, 4096);
	memcpy(orb.cdb, read_cdb, 10);
	KUNIT_EXPECT_MEMEQ(test, &orb, read_orb, sizeof(read_orb));
}

static const u8 write_cdb[16] = {
	0x8a, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00,
};

/* WRITE(16), 3 page table entries, S800, payload 4096, another ORB follows */
static const u8 write_orb[36] = {
	0x00, 0x00, 0xab, 0xcd, 0x00, 0x00, 0x20, 0x40,
	0x03, 0xff, 0x00, 0x02, 0x7f, 0x00, 0x20, 0x08,
	0x83, 0xa8, 0x00, 0x03,
	0x8a, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00,
};

static void wire_command_orb_page_table(struct kunit *test)
{
	struct sbp2x_command_orb orb;

	memcpy(&orb, write_orb, sizeof(orb));
	KUNIT_EXPECT_FALSE(test, sbp2x_pointer_is_null(&orb.next_orb));
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.next_orb),
			0xabcd00002040);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_node_id(&orb.data_descriptor),
			0x03ff);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.data_descriptor),
			0x00027f002008);
	KUNIT_EXPECT_EQ(test, get_CORB_DIRECTION_READ(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_CORB_SPD(orb.control), 3);
	KUNIT_EXPECT_EQ(test, get_CORB_MAX_PAYLOAD(orb.control), 10);
	KUNIT_EXPECT_EQ(test, get_CORB_PAGE_TABLE_PRESENT(orb.control), 1);
	KUNIT_EXPECT_EQ(test, get_CORB_PAGE_SIZE(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_CORB_DATA_SIZE(orb.control), 3);
	KUNIT_EXPECT_MEMEQ(test, orb.cdb, write_cdb, 16);
}

static void wire_command_orb_page_table_rebuilt(struct kunit *test)
{
	struct sbp2x_command_orb orb = {};

	sbp2x_pointer_set(&orb.next_orb, 0xabcd00002040);
	sbp2x_pointer_set_node(&orb.data_descriptor, 0x03ff, 0x00027f002008);
	put_ORB_NOTIFY(&orb.control, 1);
	put_CORB_SPD(&orb.control, 3);
	put_CORB_MAX_PAYLOAD(&orb.control, 10);
	put_CORB_PAGE_TABLE_PRESENT(&orb.control, 1);
	put_CORB_DATA_SIZE(&orb.control, 3);
	memcpy(orb.cdb, write_cdb, 16);
	KUNIT_EXPECT_MEMEQ(test, &orb, write_orb, sizeof(write_orb));
}

/* data_descriptor alone says on which node the data lie */
static void wire_command_orb_node_id(struct kunit *test)
{
	static const u8 expected[16] = {
		0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc,
	};
	struct sbp2x_command_orb orb = {};

	sbp2x_pointer_set(&orb.next_orb, 0xffffffffffe0);
	sbp2x_pointer_set_node(&orb.data_descriptor, 0xffff, 0xfffffffffffc);
	KUNIT_EXPECT_MEMEQ(test, &orb, expected, sizeof(expected));
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_node_id(&orb.next_orb), 0);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_node_id(&orb.data_descriptor),
			0xffff);
}

/* Dummy ORB, 5.1.1: rq_fmt 3 in a control quadlet with notify set */
static void wire_dummy_orb(struct kunit *test)
{
	struct sbp2x_command_orb orb = {};

	put_ORB_NOTIFY(&orb.control, 1);
	put_ORB_RQ_FMT(&orb.control, SBP2X_RQ_FMT_DUMMY);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(orb.control), 0xe0000000);
}

struct cdb {
	const char *name;
	size_t length;
	u8 bytes[16];
	u8 orb[36];
};

/* The CDB starts at byte 20; what it does not use of the ORB is zero */
static const struct cdb cdbs[] = {
	{
		.name = "INQUIRY, 6 bytes",
		.length = 6,
		.bytes = { 0x12, 0x00, 0x00, 0x00, 0x24, 0x00 },
		.orb = { [20] = 0x12, [24] = 0x24 },
	}, {
		.name = "READ CAPACITY(10), 10 bytes",
		.length = 10,
		.bytes = { 0x25, [9] = 0x04 },
		.orb = { [20] = 0x25, [29] = 0x04 },
	}, {
		.name = "REPORT LUNS, 12 bytes",
		.length = 12,
		.bytes = { 0xa0, [9] = 0x10, [11] = 0x80 },
		.orb = { [20] = 0xa0, [29] = 0x10, [31] = 0x80 },
	}, {
		.name = "READ CAPACITY(16), 16 bytes",
		.length = 16,
		.bytes = { 0x9e, 0x10, [13] = 0x20, [15] = 0xff },
		.orb = { [20] = 0x9e, [21] = 0x10, [33] = 0x20, [35] = 0xff },
	},
};

KUNIT_ARRAY_PARAM_DESC(cdb, cdbs, name);

static void wire_cdb(struct kunit *test)
{
	const struct cdb *cdb = test->param_value;
	struct sbp2x_command_orb orb = {};

	memcpy(orb.cdb, cdb->bytes, cdb->length);
	KUNIT_EXPECT_MEMEQ(test, &orb, cdb->orb, sizeof(orb));
	KUNIT_EXPECT_EQ(test, sizeof(orb), 36);
}

/* Page table, 5.2.1 */

struct segment {
	const char *name;
	u64 base;
	u16 length;
	u8 bytes[8];
};

static const struct segment segments[] = {
	{
		"lowest", 0, 0,
		{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
	}, {
		"highest", 0xffffffffffff, 0xffff,
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	}, {
		"longest of quadlets", 0x000087654000, 0xfffc,
		{ 0xff, 0xfc, 0x00, 0x00, 0x87, 0x65, 0x40, 0x00 },
	}, {
		"one byte at an odd address", 0x000100000001, 1,
		{ 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01 },
	}, {
		"odd length", 0x00007fffefff, 0x1fff,
		{ 0x1f, 0xff, 0x00, 0x00, 0x7f, 0xff, 0xef, 0xff },
	}, {
		"length only", 0, 0xffff,
		{ 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
	}, {
		"base only", 0xffffffffffff, 0,
		{ 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	},
};

KUNIT_ARRAY_PARAM_DESC(segment, segments, name);

static void wire_page_table_entry(struct kunit *test)
{
	const struct segment *s = test->param_value;
	struct sbp2x_page_table_entry entry;

	memset(&entry, 0xa5, sizeof(entry));
	sbp2x_page_table_entry_set(&entry, s->base, s->length);
	KUNIT_EXPECT_MEMEQ(test, &entry, s->bytes, 8);

	memcpy(&entry, s->bytes, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_base(&entry), s->base);
	KUNIT_EXPECT_EQ(test, sbp2x_page_table_entry_length(&entry), s->length);
}

/* The longest segment that we give out: whole pages, below 64 KiB */
static void wire_segment_limit(struct kunit *test)
{
	static const u8 expected[8] = {
		0xff, 0xfc, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
	};
	struct sbp2x_page_table_entry entry;

	KUNIT_EXPECT_EQ(test, SBP2X_MAX_SEGMENT, 61440);

	/* The base keeps its 48 bits, and off the length */
	sbp2x_page_table_entry_set(&entry, 0x1234ffff00000000, 0xfffc);
	KUNIT_EXPECT_MEMEQ(test, &entry, expected, 8);
}

/* Three segments as they lie in memory: 64 KiB - 4, 4 KiB, 512 bytes */
static void wire_page_table(struct kunit *test)
{
	static const u8 expected[24] = {
		0xff, 0xfc, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
		0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0xff, 0xfc,
		0x02, 0x00, 0x00, 0x01, 0x00, 0x20, 0x00, 0x00,
	};
	struct sbp2x_page_table_entry table[3];

	sbp2x_page_table_entry_set(&table[0], 0x000010000000, 0xfffc);
	sbp2x_page_table_entry_set(&table[1], 0x00001000fffc, 0x1000);
	sbp2x_page_table_entry_set(&table[2], 0x000100200000, 0x0200);
	KUNIT_EXPECT_MEMEQ(test, table, expected, sizeof(expected));
}

/* Management ORB, 5.1.3 */

/* Exclusive LOGIN to LUN 2, hold of 4 s, 8 bytes of password */
static const u8 login_orb[32] = {
	0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x30, 0x20,	/* password */
	0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x30, 0x40,	/* login_response */
	0x90, 0x20, 0x00, 0x02,
	0x00, 0x08, 0x00, 0x10,				/* lengths */
	0x00, 0x00, 0xff, 0xff, 0xe0, 0x00, 0x01, 0x00,	/* status_FIFO */
};

static void wire_login_orb(struct kunit *test)
{
	struct sbp2x_management_orb orb;

	memcpy(&orb, login_orb, sizeof(orb));
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.password),
			0x000100003020);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.response),
			0x000100003040);
	KUNIT_EXPECT_EQ(test, get_ORB_NOTIFY(orb.control), 1);
	KUNIT_EXPECT_EQ(test, get_ORB_RQ_FMT(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_MORB_EXCLUSIVE(orb.control), 1);
	KUNIT_EXPECT_EQ(test, get_MORB_RECONNECT(orb.control), 2);
	KUNIT_EXPECT_EQ(test, get_MORB_FUNCTION(orb.control), 0);
	KUNIT_EXPECT_EQ(test, get_MORB_LUN_OR_LOGIN_ID(orb.control), 2);
	KUNIT_EXPECT_EQ(test, get_MORB_PASSWORD_LENGTH(orb.length), 8);
	KUNIT_EXPECT_EQ(test, get_MORB_RESPONSE_LENGTH(orb.length), 16);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.status_fifo),
			0xffffe0000100);
}

static void wire_login_orb_rebuilt(struct kunit *test)
{
	struct sbp2x_management_orb orb = {};

	sbp2x_pointer_set(&orb.password, 0x000100003020);
	sbp2x_pointer_set(&orb.response, 0x000100003040);
	put_ORB_NOTIFY(&orb.control, 1);
	put_MORB_EXCLUSIVE(&orb.control, 1);
	put_MORB_RECONNECT(&orb.control, 2);
	put_MORB_FUNCTION(&orb.control, SBP2X_FUNCTION_LOGIN);
	put_MORB_LUN_OR_LOGIN_ID(&orb.control, 2);
	put_MORB_PASSWORD_LENGTH(&orb.length, 8);
	put_MORB_RESPONSE_LENGTH(&orb.length, 16);
	sbp2x_pointer_set(&orb.status_fifo, 0xffffe0000100);
	KUNIT_EXPECT_MEMEQ(test, &orb, login_orb, sizeof(login_orb));
}

/* ABORT TASK: ORB_offset stands where LOGIN has its password */
static void wire_abort_task_orb(struct kunit *test)
{
	static const u8 expected[32] = {
		0x00, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x60,
		[16] = 0x80, 0x0b, 0x00, 0x07,
		[26] = 0xff, 0xff, 0xe0, 0x00, 0x02, 0x00,
	};
	struct sbp2x_management_orb orb = {};

	sbp2x_pointer_set(&orb.orb_offset, 0x12345660);
	put_ORB_NOTIFY(&orb.control, 1);
	put_MORB_FUNCTION(&orb.control, SBP2X_FUNCTION_ABORT_TASK);
	put_MORB_LUN_OR_LOGIN_ID(&orb.control, 7);
	sbp2x_pointer_set(&orb.status_fifo, 0xffffe0000200);
	KUNIT_EXPECT_MEMEQ(test, &orb, expected, sizeof(expected));
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&orb.orb_offset),
			0x12345660);
}

struct function {
	const char *name;
	enum sbp2x_function function;
	u32 control;
};

/* Control quadlets with notify set, for LUN or login_ID 0x1234; table 3 */
static const struct function functions[] = {
	{ "LOGIN",		SBP2X_FUNCTION_LOGIN,		0x80001234 },
	{ "QUERY LOGINS",	SBP2X_FUNCTION_QUERY_LOGINS,	0x80011234 },
	{ "RECONNECT",		SBP2X_FUNCTION_RECONNECT,	0x80031234 },
	{ "SET PASSWORD",	SBP2X_FUNCTION_SET_PASSWORD,	0x80041234 },
	{ "LOGOUT",		SBP2X_FUNCTION_LOGOUT,		0x80071234 },
	{ "ABORT TASK",		SBP2X_FUNCTION_ABORT_TASK,	0x800b1234 },
	{ "ABORT TASK SET",	SBP2X_FUNCTION_ABORT_TASK_SET,	0x800c1234 },
	{ "LOGICAL UNIT RESET",	SBP2X_FUNCTION_LOGICAL_UNIT_RESET,
	  0x800e1234 },
	{ "TARGET RESET",	SBP2X_FUNCTION_TARGET_RESET,	0x800f1234 },
};

KUNIT_ARRAY_PARAM_DESC(function, functions, name);

static void wire_function(struct kunit *test)
{
	const struct function *function = test->param_value;
	__be32 control = cpu_to_be32(0);

	put_ORB_NOTIFY(&control, 1);
	put_MORB_FUNCTION(&control, function->function);
	put_MORB_LUN_OR_LOGIN_ID(&control, 0x1234);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(control), function->control);
	KUNIT_EXPECT_EQ(test, get_MORB_FUNCTION(control), function->function);
}

/* Login ID 3, agent at ffff f001 0040, hold of 4 s; 5.1.3.1 */
static void wire_login_response(struct kunit *test)
{
	static const u8 bytes[16] = {
		0x00, 0x10, 0x00, 0x03, 0x00, 0x00, 0xff, 0xff,
		0xf0, 0x01, 0x00, 0x40, 0x00, 0x00, 0x00, 0x03,
	};
	struct sbp2x_login_response r, built = {};

	memcpy(&r, bytes, sizeof(r));
	KUNIT_EXPECT_EQ(test, get_LOGIN_RESPONSE_LENGTH(r.header), 16);
	KUNIT_EXPECT_EQ(test, get_LOGIN_RESPONSE_LOGIN_ID(r.header), 3);
	KUNIT_EXPECT_EQ(test, sbp2x_pointer_offset(&r.command_block_agent),
			0xfffff0010040);
	KUNIT_EXPECT_EQ(test, get_LOGIN_RESPONSE_HOLD(r.hold), 3);

	put_LOGIN_RESPONSE_LENGTH(&built.header, 16);
	put_LOGIN_RESPONSE_LOGIN_ID(&built.header, 3);
	sbp2x_pointer_set(&built.command_block_agent, 0xfffff0010040);
	put_LOGIN_RESPONSE_HOLD(&built.hold, 3);
	KUNIT_EXPECT_MEMEQ(test, &built, bytes, sizeof(bytes));
}

/* The hold is what a response of 12 bytes lacks */
static void wire_login_response_short(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, offsetof(struct sbp2x_login_response, hold), 12);
	KUNIT_EXPECT_EQ(test, sizeof(struct sbp2x_login_response), 16);
}

/* Two of at most four logins, 5.1.3.2 */
static void wire_query_logins_response(struct kunit *test)
{
	static const u8 bytes[28] = {
		0x00, 0x1c, 0x00, 0x04,
		0xff, 0xc1, 0x00, 0x05,
		0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
		0xff, 0xff, 0xff, 0xff,
		0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88,
	};
	const struct sbp2x_query_logins_response *r = (const void *)bytes;

	KUNIT_EXPECT_EQ(test, sizeof(*r), 4);
	KUNIT_EXPECT_EQ(test, sizeof(r->login[0]), 12);
	KUNIT_EXPECT_EQ(test, get_QUERY_LENGTH(r->header), 28);
	KUNIT_EXPECT_EQ(test, get_QUERY_MAX_LOGINS(r->header), 4);
	KUNIT_EXPECT_EQ(test, get_QUERY_NODE_ID(r->login[0].ids), 0xffc1);
	KUNIT_EXPECT_EQ(test, get_QUERY_LOGIN_ID(r->login[0].ids), 5);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[0].eui_64_hi), 0x00112233);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[0].eui_64_lo), 0x44556677);
	KUNIT_EXPECT_EQ(test, get_QUERY_NODE_ID(r->login[1].ids), 0xffff);
	KUNIT_EXPECT_EQ(test, get_QUERY_LOGIN_ID(r->login[1].ids), 0xffff);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[1].eui_64_hi), 0xffeeddcc);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[1].eui_64_lo), 0xbbaa9988);
}

/* Status block, 5.3 */

struct status {
	const char *name;
	u8 bytes[8];
	enum sbp2x_src src;
	enum sbp2x_resp resp;
	bool dead;
	size_t length;
	u8 sbp_status;
	u64 orb_offset;
	bool ok;
};

static const struct status statuses[] = {
	{
		"lowest",
		{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
		SBP2X_SRC_ORB_HAS_NEXT, SBP2X_RESP_REQUEST_COMPLETE, false,
		4, 0x00, 0, true,
	}, {
		"highest",
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		SBP2X_SRC_RESERVED, SBP2X_RESP_VENDOR_DEPENDENT, true,
		32, 0xff, 0xffffffffffff, false,
	}, {
		"good, the last of its list",
		{ 0x41, 0x00, 0x00, 0x01, 0x00, 0x00, 0x20, 0x40 },
		SBP2X_SRC_ORB_IS_LAST, SBP2X_RESP_REQUEST_COMPLETE, false,
		8, 0x00, 0x000100002040, true,
	}, {
		"24 bytes, more ORBs follow",
		{ 0x05, 0x00, 0xab, 0xcd, 0x12, 0x34, 0x56, 0x78 },
		SBP2X_SRC_ORB_HAS_NEXT, SBP2X_RESP_REQUEST_COMPLETE, false,
		24, 0x00, 0xabcd12345678, true,
	}, {
		"unsolicited",
		{ 0x83, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
		SBP2X_SRC_UNSOLICITED, SBP2X_RESP_REQUEST_COMPLETE, false,
		16, 0x00, 0, true,
	}, {
		"login refused, access denied",
		{ 0x41, 0x04, 0x00, 0x00, 0x12, 0x34, 0x56, 0x78 },
		SBP2X_SRC_ORB_IS_LAST, SBP2X_RESP_REQUEST_COMPLETE, false,
		8, 0x04, 0x12345678, false,
	}, {
		"transport failure, agent dead",
		{ 0x19, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20 },
		SBP2X_SRC_ORB_HAS_NEXT, SBP2X_RESP_TRANSPORT_FAILURE, true,
		8, 0x00, 0x20, false,
	}, {
		"illegal request",
		{ 0x61, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
		SBP2X_SRC_ORB_IS_LAST, SBP2X_RESP_ILLEGAL_REQUEST, false,
		8, 0x00, 0, false,
	}, {
		"vendor dependent",
		{ 0x31, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
		SBP2X_SRC_ORB_HAS_NEXT, SBP2X_RESP_VENDOR_DEPENDENT, false,
		8, 0x00, 0, false,
	}, {
		"dead says nothing of the request",
		{ 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 },
		SBP2X_SRC_ORB_HAS_NEXT, SBP2X_RESP_REQUEST_COMPLETE, true,
		8, 0x00, 0, true,
	},
};

KUNIT_ARRAY_PARAM_DESC(status, statuses, name);

static void wire_status(struct kunit *test)
{
	const struct status *want = test->param_value;
	struct sbp2x_status_block s, built = {};

	memset(&s, 0, sizeof(s));
	memcpy(&s, want->bytes, 8);
	KUNIT_EXPECT_EQ(test, sbp2x_status_src(&s), want->src);
	KUNIT_EXPECT_EQ(test, sbp2x_status_resp(&s), want->resp);
	KUNIT_EXPECT_EQ(test, sbp2x_status_dead(&s), want->dead);
	KUNIT_EXPECT_EQ(test, sbp2x_status_length(&s), want->length);
	KUNIT_EXPECT_EQ(test, sbp2x_status_sbp_status(&s), want->sbp_status);
	KUNIT_EXPECT_EQ(test, sbp2x_status_orb_offset(&s), want->orb_offset);
	KUNIT_EXPECT_EQ(test, sbp2x_status_ok(&s), want->ok);

	put_SB_SRC(&built.header, want->src);
	put_SB_RESP(&built.header, want->resp);
	put_SB_DEAD(&built.header, want->dead);
	put_SB_LEN(&built.header, want->length / 4 - 1);
	put_SB_SBP_STATUS(&built.header, want->sbp_status);
	put_SB_ORB_OFFSET_HI(&built.header, want->orb_offset >> 32);
	built.orb_offset_lo = cpu_to_be32((u32)want->orb_offset);
	KUNIT_EXPECT_MEMEQ(test, &built, want->bytes, 8);
}

static void wire_status_command_set(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, offsetof(struct sbp2x_status_block, command_set),
			8);
	KUNIT_EXPECT_EQ(test, sizeof(struct sbp2x_status_block), 32);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_MIN, 8);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_MAX, 32);
}

/* sbp_status, 5.3 table 10 */
static void wire_sbp_status(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_OK, 0x00);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_TYPE_NOT_SUPPORTED, 0x01);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_SPEED_NOT_SUPPORTED, 0x02);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_PAGE_SIZE_NOT_SUPPORTED, 0x03);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_ACCESS_DENIED, 0x04);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_LUN_NOT_SUPPORTED, 0x05);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_MAX_PAYLOAD_TOO_SMALL, 0x06);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_RESOURCES_UNAVAILABLE, 0x08);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_FUNCTION_REJECTED, 0x09);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_LOGIN_ID_NOT_RECOGNIZED, 0x0a);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_DUMMY_ORB_COMPLETED, 0x0b);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_REQUEST_ABORTED, 0x0c);
	KUNIT_EXPECT_EQ(test, SBP2X_STATUS_UNSPECIFIED, 0xff);
}

/* Registers of a command block agent, 6.4, and BUSY_TIMEOUT */
static void wire_registers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, SBP2X_AGENT_STATE, 0x00);
	KUNIT_EXPECT_EQ(test, SBP2X_AGENT_RESET, 0x04);
	KUNIT_EXPECT_EQ(test, SBP2X_AGENT_ORB_POINTER, 0x08);
	KUNIT_EXPECT_EQ(test, SBP2X_AGENT_DOORBELL, 0x10);
	KUNIT_EXPECT_EQ(test, SBP2X_AGENT_UNSOLICITED_STATUS_ENABLE, 0x14);

	/* 200 cycles of 125 us, 15 retries; IEEE 1394-1995 8.3.2.3.5 */
	KUNIT_EXPECT_EQ(test,
			SBP2X_BUSY_TIMEOUT_CYCLES | SBP2X_BUSY_TIMEOUT_RETRIES,
			0x000c800f);
}

#define FUZZ_SEED	0x51b2ULL
#define FUZZ_BLOCKS	40000

/* Any 8 bytes are a status block: read field by field, put together again */
static void wire_status_fuzz(struct kunit *test)
{
	struct sbp2x_status_block s, again;
	const u8 *b = (const u8 *)&s;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, FUZZ_SEED);
	for (i = 0; i < FUZZ_BLOCKS; i++) {
		prandom_bytes_state(&rnd, &s, SBP2X_STATUS_MIN);
		KUNIT_EXPECT_EQ(test, (int)sbp2x_status_src(&s), b[0] >> 6);
		KUNIT_EXPECT_EQ(test, (int)sbp2x_status_resp(&s),
				b[0] >> 4 & 3);
		KUNIT_EXPECT_EQ(test, sbp2x_status_dead(&s), b[0] >> 3 & 1);
		KUNIT_EXPECT_EQ(test, sbp2x_status_length(&s),
				4 + 4 * (b[0] & 7));
		KUNIT_EXPECT_EQ(test, sbp2x_status_sbp_status(&s), b[1]);
		KUNIT_EXPECT_EQ(test, sbp2x_status_ok(&s),
				!(b[0] & 0x30) && !b[1]);
		KUNIT_EXPECT_EQ(test, sbp2x_status_orb_offset(&s),
				(u64)(b[2] << 8 | b[3]) << 32 |
				be32_to_cpu(s.orb_offset_lo));

		again.header = 0;
		put_SB_SRC(&again.header, get_SB_SRC(s.header));
		put_SB_RESP(&again.header, get_SB_RESP(s.header));
		put_SB_DEAD(&again.header, get_SB_DEAD(s.header));
		put_SB_LEN(&again.header, get_SB_LEN(s.header));
		put_SB_SBP_STATUS(&again.header, get_SB_SBP_STATUS(s.header));
		put_SB_ORB_OFFSET_HI(&again.header,
				     get_SB_ORB_OFFSET_HI(s.header));
		KUNIT_EXPECT_EQ(test, be32_to_cpu(again.header),
				be32_to_cpu(s.header));
	}
}

static struct kunit_case wire_cases[] = {
	KUNIT_CASE_PARAM(wire_field, field_gen_params),
	KUNIT_CASE_PARAM(wire_field_too_wide, field_gen_params),
	KUNIT_CASE(wire_fields_tile),
	KUNIT_CASE(wire_pointer),
	KUNIT_CASE(wire_pointer_too_wide),
	KUNIT_CASE(wire_pointer_null),
	KUNIT_CASE(wire_pointer_node),
	KUNIT_CASE(wire_command_orb_direct),
	KUNIT_CASE(wire_command_orb_direct_rebuilt),
	KUNIT_CASE(wire_command_orb_page_table),
	KUNIT_CASE(wire_command_orb_page_table_rebuilt),
	KUNIT_CASE(wire_command_orb_node_id),
	KUNIT_CASE(wire_dummy_orb),
	KUNIT_CASE_PARAM(wire_cdb, cdb_gen_params),
	KUNIT_CASE_PARAM(wire_page_table_entry, segment_gen_params),
	KUNIT_CASE(wire_segment_limit),
	KUNIT_CASE(wire_page_table),
	KUNIT_CASE(wire_login_orb),
	KUNIT_CASE(wire_login_orb_rebuilt),
	KUNIT_CASE(wire_abort_task_orb),
	KUNIT_CASE_PARAM(wire_function, function_gen_params),
	KUNIT_CASE(wire_login_response),
	KUNIT_CASE(wire_login_response_short),
	KUNIT_CASE(wire_query_logins_response),
	KUNIT_CASE_PARAM(wire_status, status_gen_params),
	KUNIT_CASE(wire_status_fuzz),
	KUNIT_CASE(wire_status_command_set),
	KUNIT_CASE(wire_sbp_status),
	KUNIT_CASE(wire_registers),
	{}
};

static struct kunit_suite wire_suite = {
	.name = "sbp2x-wire",
	.test_cases = wire_cases,
};

kunit_test_suite(wire_suite);

MODULE_DESCRIPTION("KUnit suites of sbp2x");
MODULE_LICENSE("GPL");
