/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SBP-2 wire formats (ANSI NCITS 325-1998): what stands in memory that a
 * target reads and writes, and in the packets that go to its registers.
 *
 * Everything is big endian and made of quadlets. Structs hold __be32; the
 * helpers below are the only place that knows where a field lies. Names are
 * those of the standard.
 */
#ifndef SBP2X_WIRE_H
#define SBP2X_WIRE_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

/* Management functions, 5.1.3 table 3 */
enum sbp2x_function {
	SBP2X_FUNCTION_LOGIN			= 0x0,
	SBP2X_FUNCTION_QUERY_LOGINS		= 0x1,
	SBP2X_FUNCTION_RECONNECT		= 0x3,
	SBP2X_FUNCTION_SET_PASSWORD		= 0x4,
	SBP2X_FUNCTION_LOGOUT			= 0x7,
	SBP2X_FUNCTION_ABORT_TASK		= 0xb,
	SBP2X_FUNCTION_ABORT_TASK_SET		= 0xc,
	SBP2X_FUNCTION_LOGICAL_UNIT_RESET	= 0xe,
	SBP2X_FUNCTION_TARGET_RESET		= 0xf,
};

/* rq_fmt of an ORB, 5.1 */
enum sbp2x_rq_fmt {
	SBP2X_RQ_FMT_STANDARD	= 0,
	SBP2X_RQ_FMT_RESERVED	= 1,
	SBP2X_RQ_FMT_VENDOR	= 2,
	SBP2X_RQ_FMT_DUMMY	= 3,
};

/* resp of a status block, 5.3 */
enum sbp2x_resp {
	SBP2X_RESP_REQUEST_COMPLETE	= 0,
	SBP2X_RESP_TRANSPORT_FAILURE	= 1,
	SBP2X_RESP_ILLEGAL_REQUEST	= 2,
	SBP2X_RESP_VENDOR_DEPENDENT	= 3,
};

/* src of a status block, 5.3 */
enum sbp2x_src {
	SBP2X_SRC_ORB_HAS_NEXT	= 0,	/* next_ORB was not null when fetched */
	SBP2X_SRC_ORB_IS_LAST	= 1,	/* it was null, the agent is suspended */
	SBP2X_SRC_UNSOLICITED	= 2,
	SBP2X_SRC_RESERVED	= 3,
};

/* sbp_status of a status block whose resp is REQUEST_COMPLETE, 5.3 table 10 */
enum sbp2x_sbp_status {
	SBP2X_STATUS_OK				= 0x00,
	SBP2X_STATUS_TYPE_NOT_SUPPORTED		= 0x01,
	SBP2X_STATUS_SPEED_NOT_SUPPORTED	= 0x02,
	SBP2X_STATUS_PAGE_SIZE_NOT_SUPPORTED	= 0x03,
	SBP2X_STATUS_ACCESS_DENIED		= 0x04,
	SBP2X_STATUS_LUN_NOT_SUPPORTED		= 0x05,
	SBP2X_STATUS_MAX_PAYLOAD_TOO_SMALL	= 0x06,
	SBP2X_STATUS_RESOURCES_UNAVAILABLE	= 0x08,
	SBP2X_STATUS_FUNCTION_REJECTED		= 0x09,
	SBP2X_STATUS_LOGIN_ID_NOT_RECOGNIZED	= 0x0a,
	SBP2X_STATUS_DUMMY_ORB_COMPLETED	= 0x0b,
	SBP2X_STATUS_REQUEST_ABORTED		= 0x0c,
	SBP2X_STATUS_UNSPECIFIED		= 0xff,
};

/* Registers of a command block agent, 6.4; offsets from its base address */
enum sbp2x_agent_register {
	SBP2X_AGENT_STATE			= 0x00,
	SBP2X_AGENT_RESET			= 0x04,
	SBP2X_AGENT_ORB_POINTER			= 0x08,
	SBP2X_AGENT_DOORBELL			= 0x10,
	SBP2X_AGENT_UNSOLICITED_STATUS_ENABLE	= 0x14,
};

#define SBP2X_ADDRESS_MASK	GENMASK_ULL(47, 0)

/* An address in our memory, 5.0: 16 bits reserved or node_ID, 48 bits offset */
struct sbp2x_pointer {
	__be32 high;
	__be32 low;
};

static_assert(sizeof(struct sbp2x_pointer) == 8);

static inline void sbp2x_pointer_set(struct sbp2x_pointer *p, u64 offset)
{
	p->high = cpu_to_be32(offset >> 32 & 0xffff);
	p->low = cpu_to_be32(lower_32_bits(offset));
}

static inline void sbp2x_pointer_set_null(struct sbp2x_pointer *p)
{
	p->high = cpu_to_be32(BIT(31));
	p->low = 0;
}

/*
 * The target may read the pointer at any moment: while it still is null, or as
 * a whole. Whatever lies at @offset must have been written before.
 */
static inline void sbp2x_pointer_link(struct sbp2x_pointer *p, u64 offset)
{
	WRITE_ONCE(p->low, cpu_to_be32(lower_32_bits(offset)));
	dma_wmb();
	WRITE_ONCE(p->high, cpu_to_be32(offset >> 32 & 0xffff));
}

/* Only data_descriptor carries a node ID, for data may lie on a third node */
static inline void sbp2x_pointer_set_node(struct sbp2x_pointer *p, u16 node_id,
					  u64 offset)
{
	p->high = cpu_to_be32((u32)node_id << 16 | (offset >> 32 & 0xffff));
	p->low = cpu_to_be32(lower_32_bits(offset));
}

static inline bool sbp2x_pointer_is_null(const struct sbp2x_pointer *p)
{
	return be32_to_cpu(p->high) & BIT(31);
}

static inline u64 sbp2x_pointer_offset(const struct sbp2x_pointer *p)
{
	return (u64)(be32_to_cpu(p->high) & 0xffff) << 32 |
	       be32_to_cpu(p->low);
}

static inline u16 sbp2x_pointer_node_id(const struct sbp2x_pointer *p)
{
	return be32_to_cpu(p->high) >> 16;
}

/* Change one field of a quadlet; @mask is constant */
#define sbp2x_put(q, mask, value) \
	((q) = cpu_to_be32((be32_to_cpu(q) & ~(u32)(mask)) | \
			   FIELD_PREP(mask, value)))
#define sbp2x_get(q, mask)	FIELD_GET(mask, be32_to_cpu(q))

/* Management ORB, 5.1.3 */
struct sbp2x_management_orb {
	union {
		struct sbp2x_pointer password;		/* LOGIN, SET PASSWORD */
		struct sbp2x_pointer orb_offset;	/* ABORT TASK */
	};
	struct sbp2x_pointer response;
	__be32 control;
	__be32 length;
	struct sbp2x_pointer status_fifo;
};

static_assert(sizeof(struct sbp2x_management_orb) == 32);

#define SBP2X_ORB_NOTIFY		BIT(31)
#define SBP2X_ORB_RQ_FMT		GENMASK(30, 29)
#define SBP2X_MORB_EXCLUSIVE		BIT(28)
#define SBP2X_MORB_RECONNECT		GENMASK(23, 20)	/* hold of 2^n s */
#define SBP2X_MORB_FUNCTION		GENMASK(19, 16)
#define SBP2X_MORB_LUN_OR_LOGIN_ID	GENMASK(15, 0)
#define SBP2X_MORB_PASSWORD_LENGTH	GENMASK(31, 16)
#define SBP2X_MORB_RESPONSE_LENGTH	GENMASK(15, 0)

/* Login response, 5.1.3.1; devices may give 12 bytes only: no hold then */
struct sbp2x_login_response {
	__be32 header;
	struct sbp2x_pointer command_block_agent;
	__be32 hold;
};

static_assert(sizeof(struct sbp2x_login_response) == 16);

#define SBP2X_LOGIN_RESPONSE_LENGTH	GENMASK(31, 16)
#define SBP2X_LOGIN_RESPONSE_LOGIN_ID	GENMASK(15, 0)
#define SBP2X_LOGIN_RESPONSE_HOLD	GENMASK(15, 0)	/* seconds - 1 */

/* Query logins response, 5.1.3.2: header, then one entry per login */
struct sbp2x_query_logins_response {
	__be32 header;		/* length 31:16, max_logins 15:0 */
	struct sbp2x_login_descriptor {
		__be32 ids;	/* node_ID 31:16, login_ID 15:0 */
		__be32 eui_64_hi;
		__be32 eui_64_lo;
	} login[];
};

#define SBP2X_QUERY_LENGTH		GENMASK(31, 16)
#define SBP2X_QUERY_MAX_LOGINS		GENMASK(15, 0)
#define SBP2X_QUERY_NODE_ID		GENMASK(31, 16)
#define SBP2X_QUERY_LOGIN_ID		GENMASK(15, 0)

/* Command block ORB, 5.1.2; the CDB follows, up to the target's ORB_size */
#define SBP2X_ORB_HEADER_SIZE	20
#define SBP2X_CDB_SIZE		16

struct sbp2x_command_orb {
	struct sbp2x_pointer next_orb;
	struct sbp2x_pointer data_descriptor;
	__be32 control;
	u8 cdb[SBP2X_CDB_SIZE];
};

static_assert(offsetof(struct sbp2x_command_orb, cdb) == SBP2X_ORB_HEADER_SIZE);

#define SBP2X_CORB_DIRECTION_READ	BIT(27)	/* the target writes to us */
#define SBP2X_CORB_SPD			GENMASK(26, 24)
#define SBP2X_CORB_MAX_PAYLOAD		GENMASK(23, 20)	/* 2^(n + 2) bytes */
#define SBP2X_CORB_PAGE_TABLE_PRESENT	BIT(19)
#define SBP2X_CORB_PAGE_SIZE		GENMASK(18, 16)
#define SBP2X_CORB_DATA_SIZE		GENMASK(15, 0)	/* bytes, or entries */

/* Page table entry of an unrestricted page table, 5.2.1 */
struct sbp2x_page_table_entry {
	__be32 high;		/* segment_length 31:16, base_hi 15:0 */
	__be32 low;
};

static_assert(sizeof(struct sbp2x_page_table_entry) == 8);

#define SBP2X_PTE_SEGMENT_LENGTH	GENMASK(31, 16)
#define SBP2X_PTE_SEGMENT_BASE_HI	GENMASK(15, 0)

/*
 * segment_length holds up to 0xffff bytes. Whole pages leave no odd rest where
 * a longer stretch of memory is cut up; some bridges stumble over short ones.
 */
#define SBP2X_MAX_SEGMENT		0xf000U

static inline void
sbp2x_page_table_entry_set(struct sbp2x_page_table_entry *e, u64 base, u16 length)
{
	e->high = cpu_to_be32((u32)length << 16 | (base >> 32 & 0xffff));
	e->low = cpu_to_be32(lower_32_bits(base));
}

static inline u64
sbp2x_page_table_entry_base(const struct sbp2x_page_table_entry *e)
{
	return (u64)sbp2x_get(e->high, SBP2X_PTE_SEGMENT_BASE_HI) << 32 |
	       be32_to_cpu(e->low);
}

static inline u16
sbp2x_page_table_entry_length(const struct sbp2x_page_table_entry *e)
{
	return sbp2x_get(e->high, SBP2X_PTE_SEGMENT_LENGTH);
}

/* Status block, 5.3: 8 to 32 bytes */
#define SBP2X_STATUS_MIN	8
#define SBP2X_STATUS_MAX	32

struct sbp2x_status_block {
	__be32 header;		/* the fields below and ORB_offset_hi */
	__be32 orb_offset_lo;
	u8 command_set[SBP2X_STATUS_MAX - SBP2X_STATUS_MIN];
};

static_assert(sizeof(struct sbp2x_status_block) == SBP2X_STATUS_MAX);

#define SBP2X_SB_SRC			GENMASK(31, 30)
#define SBP2X_SB_RESP			GENMASK(29, 28)
#define SBP2X_SB_DEAD			BIT(27)
#define SBP2X_SB_LEN			GENMASK(26, 24)	/* quadlets - 1 */
#define SBP2X_SB_SBP_STATUS		GENMASK(23, 16)
#define SBP2X_SB_ORB_OFFSET_HI		GENMASK(15, 0)

static inline enum sbp2x_src
sbp2x_status_src(const struct sbp2x_status_block *s)
{
	return sbp2x_get(s->header, SBP2X_SB_SRC);
}

static inline enum sbp2x_resp
sbp2x_status_resp(const struct sbp2x_status_block *s)
{
	return sbp2x_get(s->header, SBP2X_SB_RESP);
}

static inline bool sbp2x_status_dead(const struct sbp2x_status_block *s)
{
	return sbp2x_get(s->header, SBP2X_SB_DEAD);
}

static inline u8 sbp2x_status_sbp_status(const struct sbp2x_status_block *s)
{
	return sbp2x_get(s->header, SBP2X_SB_SBP_STATUS);
}

/* Length of the whole block in bytes, as the block itself claims: 4 to 32 */
static inline size_t sbp2x_status_length(const struct sbp2x_status_block *s)
{
	return 4 * (sbp2x_get(s->header, SBP2X_SB_LEN) + 1);
}

static inline u64 sbp2x_status_orb_offset(const struct sbp2x_status_block *s)
{
	return (u64)sbp2x_get(s->header, SBP2X_SB_ORB_OFFSET_HI) << 32 |
	       be32_to_cpu(s->orb_offset_lo);
}

/* True for success: the target did it and has nothing to report */
static inline bool sbp2x_status_ok(const struct sbp2x_status_block *s)
{
	return sbp2x_status_resp(s) == SBP2X_RESP_REQUEST_COMPLETE &&
	       sbp2x_status_sbp_status(s) == SBP2X_STATUS_OK;
}

/* BUSY_TIMEOUT of the target, IEEE 1394-1995 8.3.2.3.5 */
#define SBP2X_BUSY_TIMEOUT_CYCLES	(0xc8 << 12)
#define SBP2X_BUSY_TIMEOUT_RETRIES	0xf

#endif
