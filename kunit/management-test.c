// SPDX-License-Identifier: GPL-2.0-only
/* The management agent: what it is sent, and what is made of its answers. */
#include "../drivers/firewire/sbp2x/management.c"

#include <kunit/test.h>

#include "fake-bus.h"
#include "fake-clock.h"

/* Where most bridges have it: Management_Agent 0x4000 in their ROM */
#define AGENT		0xfffff0010000ULL
#define FIFO		0x000123456780ULL
#define TARGET		0xffc1
#define STRANGER	0xffc2
#define TIMEOUT_MS	5000
#define OPERATIONS	4
#define ENDED_MAX	16

/* Status blocks: ORB_offset is put in by status_of() */
#define STATUS_DONE	0x41000000	/* src 1, resp 0, len 1, sbp_status 0 */

struct context;

/* What happened to an operation, and when */
struct ended {
	struct sbp2x_operation *op;
	enum sbp2x_management_outcome outcome;
	int ms;
};

struct context {
	struct kunit *test;
	struct sbp2x_fake_clock clock;
	struct sbp2x_fake_bus bus;
	struct sbp2x_memory memory;
	struct sbp2x_scheduler scheduler;
	struct sbp2x_management m;
	struct sbp2x_operation op[OPERATIONS];
	struct ended ended[ENDED_MAX];
	unsigned int count;

	/* What is to be done when an operation ended, if anything */
	void (*then)(struct context *c, struct sbp2x_operation *op);

	struct work_struct work;
	void (*fn)(struct context *c, struct sbp2x_operation *op);
	struct sbp2x_operation *arg;
};

/* Milliseconds since the clock began */
static int now(struct context *c)
{
	return ktime_to_ms(ktime_sub(c->clock.now, NSEC_PER_SEC));
}

static void note_end(struct sbp2x_operation *op)
{
	struct context *c = op->private;

	/* Not asserted: that would end the thread, which is the workqueue's */
	KUNIT_EXPECT_LT(c->test, c->count, ENDED_MAX);
	if (c->count < ENDED_MAX)
		c->ended[c->count++] = (struct ended) {
			op, op->outcome, now(c)
		};
	if (c->then)
		c->then(c, op);
}

static void run_work(struct work_struct *work)
{
	struct context *c = container_of(work, struct context, work);

	c->fn(c, c->arg);
}

/* Call @fn where all of this is called: on the workqueue */
static noinline void run(struct context *c,
			 void (*fn)(struct context *c, struct sbp2x_operation *op),
			 struct sbp2x_operation *arg)
{
	c->fn = fn;
	c->arg = arg;
	queue_work(c->scheduler.wq, &c->work);
	sbp2x_fake_settle(&c->scheduler);
}

static void do_queue(struct context *c, struct sbp2x_operation *op)
{
	sbp2x_management_queue(&c->m, op);
}

static void do_cancel(struct context *c, struct sbp2x_operation *op)
{
	sbp2x_management_cancel(&c->m, op);
}

static void do_bus_reset(struct context *c, struct sbp2x_operation *op)
{
	sbp2x_management_bus_reset(&c->m);
}

static void do_shutdown(struct context *c, struct sbp2x_operation *op)
{
	sbp2x_management_shutdown(&c->m);
}

static struct sbp2x_operation *prepare(struct context *c, unsigned int index,
				       enum sbp2x_function function,
				       u16 lun_or_login_id)
{
	struct sbp2x_operation *op = &c->op[index];

	op->function = function;
	op->lun_or_login_id = lun_or_login_id;
	op->status_fifo = FIFO;
	op->timeout_ms = TIMEOUT_MS;
	op->done = note_end;
	op->private = c;
	return op;
}

static struct sbp2x_operation *queue(struct context *c, unsigned int index,
				     enum sbp2x_function function,
				     u16 lun_or_login_id)
{
	struct sbp2x_operation *op = prepare(c, index, function,
					     lun_or_login_id);

	run(c, do_queue, op);
	return op;
}

static noinline void end_write(struct context *c, int rcode)
{
	sbp2x_fake_bus_end(&c->bus, AGENT, rcode);
	sbp2x_fake_settle(&c->scheduler);
}

/* The address that the write under way gives to the target */
static noinline u64 orb_address(struct context *c)
{
	const struct sbp2x_fake_write *write;

	write = sbp2x_fake_bus_oldest(&c->bus, AGENT);
	KUNIT_EXPECT_EQ(c->test, write->length, 8);
	KUNIT_EXPECT_EQ(c->test, write->value >> 48, 0);
	KUNIT_EXPECT_EQ(c->test, write->value & 7, 0);
	return write->value;
}

static u32 quadlet(const void *memory, unsigned int index)
{
	return be32_to_cpu(((const __be32 *)memory)[index]);
}

static void expect_quadlets(struct context *c, const void *memory,
			    const u32 *expected, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(c->test, quadlet(memory, i), expected[i],
				    "quadlet %u", i);
}

static struct sbp2x_status_block status_of(u32 header, u64 orb)
{
	return (struct sbp2x_status_block) {
		.header = cpu_to_be32(header | (u32)(orb >> 32)),
		.orb_offset_lo = cpu_to_be32((u32)orb),
	};
}

static noinline bool send_from(struct context *c, u16 source, int generation,
			       u32 header, u64 orb)
{
	struct sbp2x_status_block status = status_of(header, orb);
	bool believed;

	believed = sbp2x_management_status(&c->m, source, generation, &status);
	sbp2x_fake_settle(&c->scheduler);
	return believed;
}

static noinline bool send(struct context *c, u32 header, u64 orb)
{
	return send_from(c, c->bus.path.node_id, c->bus.path.generation,
			 header, orb);
}

/* The target takes the ORB, and answers */
static noinline u64 answer(struct context *c, u32 header)
{
	u64 orb = orb_address(c);

	end_write(c, RCODE_COMPLETE);
	KUNIT_EXPECT_TRUE(c->test, send(c, header, orb));
	return orb;
}

static void advance(struct context *c, unsigned int ms)
{
	sbp2x_fake_clock_advance(&c->clock, &c->scheduler, ms);
}

/* Nothing is sent for @ms - 1 milliseconds, and something then */
static noinline void expect_write_after(struct context *c, unsigned int ms)
{
	KUNIT_EXPECT_EQ(c->test, c->bus.count, 0);
	advance(c, ms - 1);
	KUNIT_EXPECT_EQ(c->test, c->bus.count, 0);
	advance(c, 1);
	KUNIT_ASSERT_EQ(c->test, c->bus.count, 1);
}

/* The end that is the last so far */
static noinline void expect_end(struct context *c, unsigned int count,
				const struct sbp2x_operation *op,
				enum sbp2x_management_outcome outcome, int ms)
{
	KUNIT_ASSERT_EQ(c->test, c->count, count);
	KUNIT_EXPECT_PTR_EQ(c->test, c->ended[count - 1].op, op);
	KUNIT_EXPECT_EQ(c->test, c->ended[count - 1].outcome, outcome);
	KUNIT_EXPECT_EQ(c->test, c->ended[count - 1].ms, ms);
}

/* What the target reads */

/* SBP-2 5.1.3.1 */
static void login_orb(struct kunit *test)
{
	static const u32 expected[] = {
		0x00000000, 0x00000000,		/* no password */
	};
	static const u32 expected_rest[] = {
		0x90200003,	/* notify, exclusive, 4 s, LOGIN, LUN 3 */
		0x00000010,	/* no password, 16 bytes of response */
		0x00000001, 0x23456780,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 3);
	u64 address;
	void *orb;

	op->exclusive = true;
	op->reconnect = 2;
	run(c, do_queue, op);

	address = orb_address(c);
	sbp2x_fake_bus_expect(&c->bus, AGENT, 8, address);
	orb = sbp2x_fake_bus_memory(address);
	expect_quadlets(c, orb, expected, 2);
	expect_quadlets(c, orb + 16, expected_rest, 4);
	/* The response lies elsewhere, and names no node */
	KUNIT_EXPECT_EQ(test, quadlet(orb, 2) >> 16, 0);
	KUNIT_EXPECT_EQ(test, quadlet(orb, 3), (u32)c->m.responses.address +
			c->m.slot * SBP2X_MANAGEMENT_RESPONSE_MAX);
	KUNIT_EXPECT_TRUE(test, quadlet(orb, 3) >= (u32)address + 32 ||
			  quadlet(orb, 3) + 16 <= (u32)address);
}

/* SBP-2 5.1.3.1: a response of 16 bytes, hold of 2 seconds */
static void login_response(struct kunit *test)
{
	static const __be32 response[] = {
		cpu_to_be32(0x00100007), cpu_to_be32(0x0000ffff),
		cpu_to_be32(0xf0010020), cpu_to_be32(0x00000001),
	};
	static const u32 expected[] = {
		0x00100007, 0x0000ffff, 0xf0010020, 0x00000001,
		0, 0, 0, 0,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	void *orb = sbp2x_fake_bus_memory(orb_address(c));
	u64 where = (u64)quadlet(orb, 2) << 32 | quadlet(orb, 3);

	memcpy(sbp2x_fake_bus_memory(where), response, sizeof(response));
	answer(c, STATUS_DONE);

	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 0);
	expect_quadlets(c, op->response, expected, ARRAY_SIZE(expected));
	KUNIT_EXPECT_EQ(test, be32_to_cpu(op->status.header), STATUS_DONE);
	KUNIT_EXPECT_EQ(test, op->path.generation, 1);
	KUNIT_EXPECT_EQ(test, op->rcode, RCODE_COMPLETE);
}

/* A device that gives 12 bytes: what is not there reads as zero */
static void short_response(struct kunit *test)
{
	static const __be32 response[] = {
		cpu_to_be32(0x000c0001), cpu_to_be32(0x0000ffff),
		cpu_to_be32(0xf0010020),
	};
	static const u32 expected[] = {
		0x000c0001, 0x0000ffff, 0xf0010020, 0,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 where;
	void *orb;

	/* Left by an earlier login */
	memset(op->response, 0xee, sizeof(op->response));
	run(c, do_queue, op);
	orb = sbp2x_fake_bus_memory(orb_address(c));
	where = (u64)quadlet(orb, 2) << 32 | quadlet(orb, 3);
	memcpy(sbp2x_fake_bus_memory(where), response, sizeof(response));
	answer(c, STATUS_DONE);

	expect_quadlets(c, op->response, expected, ARRAY_SIZE(expected));
}

/* Slots come round again: a later login does not see an earlier response */
static void no_response_at_all(struct kunit *test)
{
	static const u32 expected[4];
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	unsigned int i;

	for (i = 0; i < SBP2X_MANAGEMENT_SLOTS + 1; i++) {
		u64 where;
		void *orb;

		run(c, do_queue, op);
		orb = sbp2x_fake_bus_memory(orb_address(c));
		where = (u64)quadlet(orb, 2) << 32 | quadlet(orb, 3);
		if (i < SBP2X_MANAGEMENT_SLOTS)
			memset(sbp2x_fake_bus_memory(where), 0xee, 16);
		answer(c, STATUS_DONE);
	}
	expect_quadlets(c, op->response, expected, ARRAY_SIZE(expected));
}

/* SBP-2 5.1.3.1: LOGIN with "secret" as password */
static void password_login(struct kunit *test)
{
	static const u32 expected_rest[] = {
		0x80000000,
		0x00060010,	/* 6 bytes of password, 16 of response */
		0x00000001, 0x23456780,
	};
	static const u8 password[16] = "secret";
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 where;
	void *orb;

	memcpy(op->password, "secret", 6);
	op->password_length = 6;
	run(c, do_queue, op);

	orb = sbp2x_fake_bus_memory(orb_address(c));
	expect_quadlets(c, orb + 16, expected_rest, 4);
	KUNIT_EXPECT_EQ(test, quadlet(orb, 0) >> 16, 0);
	where = (u64)quadlet(orb, 0) << 32 | quadlet(orb, 1);
	KUNIT_EXPECT_MEMEQ(test, sbp2x_fake_bus_memory(where), password, 16);
	answer(c, STATUS_DONE);
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 0);
}

/* A caller's mistake does not write over what follows the password */
static void password_too_long(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	void *orb;

	memset(op->password, 'x', sizeof(op->password));
	op->password_length = 255;
	run(c, do_queue, op);

	orb = sbp2x_fake_bus_memory(orb_address(c));
	KUNIT_EXPECT_EQ(test, quadlet(orb, 5), 0x00100010);
}

/* SBP-2 5.1.3.4 */
static void set_password_orb(struct kunit *test)
{
	static const u32 expected_rest[] = {
		0x00000000, 0x00000000,		/* no response */
		0x80040005,			/* SET PASSWORD, login 5 */
		0x00030000,
		0x00000001, 0x23456780,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_SET_PASSWORD,
					     5);
	u64 where;
	void *orb;

	memcpy(op->password, "new", 3);
	op->password_length = 3;
	run(c, do_queue, op);

	orb = sbp2x_fake_bus_memory(orb_address(c));
	expect_quadlets(c, orb + 8, expected_rest, ARRAY_SIZE(expected_rest));
	where = (u64)quadlet(orb, 0) << 32 | quadlet(orb, 1);
	KUNIT_EXPECT_MEMEQ(test, sbp2x_fake_bus_memory(where), "new", 3);
}

/* SBP-2 5.1.3.2: eight logins at most, two are there */
static void query_logins(struct kunit *test)
{
	static const u32 expected[] = {
		0x80010002,	/* notify, QUERY LOGINS, LUN 2 */
		0x00000100,	/* 256 bytes of response */
		0x00000001, 0x23456780,
	};
	static const __be32 response[] = {
		cpu_to_be32(0x001c0008),
		cpu_to_be32(0xffc00001),
		cpu_to_be32(0x00303501), cpu_to_be32(0xe0001234),
		cpu_to_be32(0xffc20002),
		cpu_to_be32(0x000a2700), cpu_to_be32(0x02abcdef),
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_QUERY_LOGINS,
					   2);
	const struct sbp2x_query_logins_response *r = (void *)op->response;
	void *orb = sbp2x_fake_bus_memory(orb_address(c));
	u64 where = (u64)quadlet(orb, 2) << 32 | quadlet(orb, 3);

	expect_quadlets(c, orb + 16, expected, ARRAY_SIZE(expected));
	memcpy(sbp2x_fake_bus_memory(where), response, sizeof(response));
	answer(c, STATUS_DONE);

	KUNIT_EXPECT_EQ(test, sbp2x_get(r->header, SBP2X_QUERY_LENGTH), 28);
	KUNIT_EXPECT_EQ(test, sbp2x_get(r->header, SBP2X_QUERY_MAX_LOGINS), 8);
	KUNIT_EXPECT_EQ(test, sbp2x_get(r->login[0].ids, SBP2X_QUERY_NODE_ID),
			0xffc0);
	KUNIT_EXPECT_EQ(test, sbp2x_get(r->login[0].ids, SBP2X_QUERY_LOGIN_ID),
			1);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[0].eui_64_hi), 0x00303501);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[0].eui_64_lo), 0xe0001234);
	KUNIT_EXPECT_EQ(test, sbp2x_get(r->login[1].ids, SBP2X_QUERY_NODE_ID),
			0xffc2);
	KUNIT_EXPECT_EQ(test, sbp2x_get(r->login[1].ids, SBP2X_QUERY_LOGIN_ID),
			2);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(r->login[1].eui_64_lo), 0x02abcdef);
}

/* Functions that are nothing but a login ID, 5.1.3.3 to 5.1.3.9 */
struct plain_function {
	const char *name;
	enum sbp2x_function function;
	u32 control;
};

static const struct plain_function plain_functions[] = {
	{ "RECONNECT", SBP2X_FUNCTION_RECONNECT, 0x80030102 },
	{ "LOGOUT", SBP2X_FUNCTION_LOGOUT, 0x80070102 },
	{ "ABORT TASK SET", SBP2X_FUNCTION_ABORT_TASK_SET, 0x800c0102 },
	{ "LOGICAL UNIT RESET", SBP2X_FUNCTION_LOGICAL_UNIT_RESET, 0x800e0102 },
	{ "TARGET RESET", SBP2X_FUNCTION_TARGET_RESET, 0x800f0102 },
};

KUNIT_ARRAY_PARAM_DESC(plain_function, plain_functions, name);

static void plain_orb(struct kunit *test)
{
	const struct plain_function *param = test->param_value;
	const u32 expected[] = {
		0x00000000, 0x00000000,
		0x00000000, 0x00000000,
		param->control,
		0x00000000,
		0x00000001, 0x23456780,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, param->function, 0x0102);

	/* Of a LOGIN only */
	op->exclusive = true;
	op->reconnect = 2;
	run(c, do_queue, op);

	expect_quadlets(c, sbp2x_fake_bus_memory(orb_address(c)), expected,
			ARRAY_SIZE(expected));
	answer(c, STATUS_DONE);
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 0);
}

/* SBP-2 5.1.3.6 */
static void abort_task_orb(struct kunit *test)
{
	static const u32 expected[] = {
		0x00000012, 0x3456789c,		/* the ORB to be aborted */
		0x00000000, 0x00000000,
		0x800b0102,
		0x00000000,
		0x00000001, 0x23456780,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_ABORT_TASK,
					     0x0102);

	op->orb_offset = 0x00123456789cULL;
	run(c, do_queue, op);
	expect_quadlets(c, sbp2x_fake_bus_memory(orb_address(c)), expected,
			ARRAY_SIZE(expected));
}

/* Writing to the agent */

struct write_refusal {
	const char *name;
	int rcode;
};

static const struct write_refusal transient_refusals[] = {
	{ "busy", RCODE_BUSY },
	{ "conflict", RCODE_CONFLICT_ERROR },
	{ "not sent", RCODE_SEND_ERROR },
	{ "no ack", RCODE_NO_ACK },
};

KUNIT_ARRAY_PARAM_DESC(transient_refusal, transient_refusals, name);

static void write_refused_then_taken(struct kunit *test)
{
	const struct write_refusal *param = test->param_value;
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb = orb_address(c);

	end_write(c, param->rcode);
	expect_write_after(c, 10);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb);
	end_write(c, param->rcode);
	expect_write_after(c, 20);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb);
	end_write(c, RCODE_COMPLETE);

	advance(c, 4969);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 3);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb));
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 4999);
}

static void write_refused_always(struct kunit *test)
{
	static const unsigned int pauses[] = { 10, 20, 40, 80, 160, 320, 640 };
	const struct write_refusal *param = test->param_value;
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb = orb_address(c);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, param->rcode);
		KUNIT_EXPECT_EQ(test, c->count, 0);
		expect_write_after(c, pauses[i]);
	}
	end_write(c, param->rcode);

	expect_end(c, 1, op, SBP2X_OP_WRITE_FAILED, 1270);
	KUNIT_EXPECT_EQ(test, op->rcode, param->rcode);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 8);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

static const struct write_refusal final_refusals[] = {
	{ "address error", RCODE_ADDRESS_ERROR },
	{ "type error", RCODE_TYPE_ERROR },
	{ "data error", RCODE_DATA_ERROR },
};

KUNIT_ARRAY_PARAM_DESC(final_refusal, final_refusals, name);

/* Noticed at once, and not tried again */
static void write_refused_for_good(struct kunit *test)
{
	const struct write_refusal *param = test->param_value;
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	end_write(c, param->rcode);
	expect_end(c, 1, op, SBP2X_OP_WRITE_FAILED, 0);
	KUNIT_EXPECT_EQ(test, op->rcode, param->rcode);
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

static void write_of_old_generation(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	end_write(c, RCODE_GENERATION);
	expect_end(c, 1, op, SBP2X_OP_STALE, 0);
	KUNIT_EXPECT_EQ(test, op->rcode, RCODE_GENERATION);
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
}

/* The response was lost; the request may have arrived. It has. */
static void write_lost_then_status(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb = orb_address(c);

	end_write(c, RCODE_CANCELLED);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	advance(c, 700);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb));
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 700);
}

/* ... or it has not */
static void write_lost_then_nothing(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	end_write(c, RCODE_CANCELLED);
	advance(c, 4999);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	advance(c, 1);
	expect_end(c, 1, op, SBP2X_OP_TIMEOUT, 5000);
	KUNIT_EXPECT_EQ(test, op->rcode, RCODE_CANCELLED);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
}

static void target_gone(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op;

	c->bus.gone = true;
	op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	expect_end(c, 1, op, SBP2X_OP_STALE, 0);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 0);
}

/* Status */

static void status_after_write(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb = orb_address(c);

	end_write(c, RCODE_COMPLETE);
	advance(c, 1234);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb));
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 1234);

	/* Once is enough */
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

static void status_before_write_ends(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb_address(c)));
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 0);
	end_write(c, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

/* The write of the one before is still under way: the next one waits for it */
static void next_waits_for_late_write(struct kunit *test)
{
	static const int rcodes[] = {
		RCODE_COMPLETE, RCODE_BUSY, RCODE_CANCELLED,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *second;
	u64 orb, next;
	int i;

	for (i = 0; i < ARRAY_SIZE(rcodes); i++) {
		queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
		second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
		orb = orb_address(c);
		KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb));
		KUNIT_EXPECT_EQ(test, c->count, 2 * i + 1);
		KUNIT_EXPECT_EQ(test, c->bus.count, 1);

		/* How it ended says nothing of the next one */
		end_write(c, rcodes[i]);
		KUNIT_ASSERT_EQ(test, c->bus.count, 1);
		next = orb_address(c);
		KUNIT_EXPECT_NE(test, next, orb);
		end_write(c, RCODE_COMPLETE);
		KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));
		KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, next));
		expect_end(c, 2 * i + 2, second, SBP2X_OP_ACCEPTED, 0);
	}
}

/* Even if the write seems to have failed, for the answer proves otherwise */
static void status_while_write_is_repeated(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb = orb_address(c);

	end_write(c, RCODE_NO_ACK);
	advance(c, 5);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb));
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 5);
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

static void status_not_ours(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op;
	u64 orb;

	/* Nobody waits */
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, 0));

	op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	orb = orb_address(c);
	end_write(c, RCODE_COMPLETE);

	/* Another ORB, just below and above; one of another slot; none */
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb - 4));
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb + 4));
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb + SZ_4G));
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, 0));
	/* Another node, another generation, another bus */
	KUNIT_EXPECT_FALSE(test, send_from(c, STRANGER, 1, STATUS_DONE, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, TARGET, 0, STATUS_DONE, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, TARGET, 2, STATUS_DONE, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, 0x0041, 1, STATUS_DONE, orb));
	/* Unsolicited status is about no ORB, whatever it says */
	KUNIT_EXPECT_FALSE(test, send(c, 0x81000000, orb));
	KUNIT_EXPECT_EQ(test, c->count, 0);

	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DONE, orb));
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 0);
}

struct refusal {
	const char *name;
	u32 header;
};

static const struct refusal refusals[] = {
	{ "request type not supported", 0x41010000 },
	{ "speed not supported", 0x41020000 },
	{ "page size not supported", 0x41030000 },
	{ "access denied", 0x41040000 },
	{ "logical unit not supported", 0x41050000 },
	{ "max payload too small", 0x41060000 },
	{ "resources unavailable", 0x41080000 },
	{ "function rejected", 0x41090000 },
	{ "login ID not recognized", 0x410a0000 },
	{ "request aborted", 0x410c0000 },
	{ "unspecified error", 0x41ff0000 },
	{ "transport failure", 0x51000000 },
	{ "illegal request", 0x61000000 },
	{ "vendor dependent", 0x71000000 },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusals, name);

static void login_refused(struct kunit *test)
{
	const struct refusal *param = test->param_value;
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	answer(c, param->header);
	expect_end(c, 1, op, SBP2X_OP_REFUSED, 0);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(op->status.header), param->header);

	/* It may well be accepted another time, so it is sent again */
	run(c, do_queue, op);
	answer(c, STATUS_DONE);
	expect_end(c, 2, op, SBP2X_OP_ACCEPTED, 0);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(op->status.header), STATUS_DONE);
}

/* The target could not fetch the ORB, so it did nothing: once more */
static void transport_failure_is_repeated(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGOUT, 1);
	u64 orb = answer(c, 0x51000000);

	expect_write_after(c, 10);
	KUNIT_EXPECT_EQ(test, answer(c, 0x51000000), orb);
	expect_write_after(c, 20);
	KUNIT_EXPECT_EQ(test, answer(c, STATUS_DONE), orb);
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 30);
}

/* ... but not for ever */
static void transport_failure_for_ever(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGOUT, 1);
	unsigned int ms;

	answer(c, 0x51000000);
	for (ms = 10; ms <= 640; ms *= 2) {
		expect_write_after(c, ms);
		answer(c, 0x51000000);
	}
	expect_end(c, 1, op, SBP2X_OP_REFUSED, 1270);
}

static void unsupported_is_remembered(struct kunit *test)
{
	static const enum sbp2x_function functions[] = {
		SBP2X_FUNCTION_QUERY_LOGINS, SBP2X_FUNCTION_SET_PASSWORD,
		SBP2X_FUNCTION_ABORT_TASK, SBP2X_FUNCTION_ABORT_TASK_SET,
		SBP2X_FUNCTION_LOGICAL_UNIT_RESET, SBP2X_FUNCTION_TARGET_RESET,
	};
	struct context *c = test->priv;
	struct sbp2x_operation *op;
	int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		op = queue(c, 0, functions[i], 0);
		answer(c, 0x41010000);
		expect_end(c, 2 * i + 1, op, SBP2X_OP_REFUSED, 0);

		op = queue(c, 0, functions[i], 0);
		expect_end(c, 2 * i + 2, op, SBP2X_OP_UNSUPPORTED, 0);
		KUNIT_EXPECT_EQ(test, be32_to_cpu(op->status.header), 0);
		KUNIT_EXPECT_EQ(test, c->bus.sent, i + 1);
	}
	KUNIT_EXPECT_EQ(test, c->m.unsupported, 0xd812);
}

/* Not the same as "not this time", nor as what is not told apart by resp */
static void rejected_is_not_unsupported(struct kunit *test)
{
	struct context *c = test->priv;

	queue(c, 0, SBP2X_FUNCTION_ABORT_TASK_SET, 0);
	answer(c, 0x41090000);
	queue(c, 0, SBP2X_FUNCTION_ABORT_TASK_SET, 0);
	answer(c, 0x61010000);
	KUNIT_EXPECT_EQ(test, c->m.unsupported, 0);
	queue(c, 0, SBP2X_FUNCTION_RECONNECT, 0);
	answer(c, 0x41010000);
	queue(c, 0, SBP2X_FUNCTION_LOGOUT, 0);
	answer(c, 0x41010000);
	KUNIT_EXPECT_EQ(test, c->m.unsupported, 0);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 4);
}

/* Timeouts */

static void timeout_then_late_status(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb = orb_address(c), next;

	end_write(c, RCODE_COMPLETE);
	advance(c, 4999);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	advance(c, 1);
	expect_end(c, 1, op, SBP2X_OP_TIMEOUT, 5000);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(op->status.header), 0);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));

	/* It is not taken for the answer to the next one either */
	run(c, do_queue, op);
	next = orb_address(c);
	KUNIT_EXPECT_NE(test, next, orb);
	end_write(c, RCODE_COMPLETE);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));
	KUNIT_EXPECT_EQ(test, c->count, 1);

	/* Whose time counts from its own beginning */
	advance(c, 4999);
	KUNIT_EXPECT_EQ(test, c->count, 1);
	advance(c, 1);
	expect_end(c, 2, op, SBP2X_OP_TIMEOUT, 10000);
}

/* Eight ORBs may be forgotten before an address comes again */
static void addresses_in_turn(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	u64 orb[9];
	int i, j;

	for (i = 0; i < 9; i++) {
		run(c, do_queue, op);
		orb[i] = answer(c, STATUS_DONE);
		for (j = 1; j < i; j++)
			KUNIT_EXPECT_NE(test, orb[i], orb[j]);
	}
	KUNIT_EXPECT_EQ(test, orb[8], orb[0]);
}

/* Runs before either of the two that it puts on the workqueue */
static void do_timeout_and_status(struct context *c, struct sbp2x_operation *op)
{
	struct sbp2x_status_block status = status_of(STATUS_DONE,
						     slot_address(&c->m));

	WRITE_ONCE(c->clock.now, ktime_add_ms(c->clock.now, 1));
	sbp2x_scheduler_kick(&c->scheduler);
	sbp2x_management_status(&c->m, TARGET, 1, &status);
}

/* The status is here before the deadline's turn comes: it counts */
static void status_and_timeout_at_once(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	end_write(c, RCODE_COMPLETE);
	advance(c, 4999);
	run(c, do_timeout_and_status, op);
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 5000);
}

/* Queueing */

static void two_units_in_order(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second, *third;

	first = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	third = queue(c, 2, SBP2X_FUNCTION_RECONNECT, 7);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	KUNIT_EXPECT_EQ(test,
			quadlet(sbp2x_fake_bus_memory(orb_address(c)), 4),
			0x80000000);
	end_write(c, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, c->bus.count, 0);

	/* The first one's time is not the second one's */
	advance(c, 5000);
	expect_end(c, 1, first, SBP2X_OP_TIMEOUT, 5000);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	KUNIT_EXPECT_EQ(test,
			quadlet(sbp2x_fake_bus_memory(orb_address(c)), 4),
			0x80000001);
	advance(c, 100);
	answer(c, STATUS_DONE);
	expect_end(c, 2, second, SBP2X_OP_ACCEPTED, 5100);

	KUNIT_EXPECT_EQ(test,
			quadlet(sbp2x_fake_bus_memory(orb_address(c)), 4),
			0x80030007);
	answer(c, 0x410a0000);
	expect_end(c, 3, third, SBP2X_OP_REFUSED, 5100);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 3);
}

static void then_requeue(struct context *c, struct sbp2x_operation *op)
{
	if (op->outcome == SBP2X_OP_REFUSED)
		sbp2x_management_queue(&c->m, op);
}

/* An operation that is queued again as it ends goes behind those that wait */
static void queued_again_when_done(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second;

	c->then = then_requeue;
	first = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	answer(c, 0x41040000);
	expect_end(c, 1, first, SBP2X_OP_REFUSED, 0);
	answer(c, STATUS_DONE);
	expect_end(c, 2, second, SBP2X_OP_ACCEPTED, 0);
	answer(c, STATUS_DONE);
	expect_end(c, 3, first, SBP2X_OP_ACCEPTED, 0);
	KUNIT_EXPECT_EQ(test, c->bus.count, 0);
}

/* Bus resets */

static void reset_with_one_in_flight_and_one_waiting(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second;
	u64 orb;

	first = queue(c, 0, SBP2X_FUNCTION_RECONNECT, 1);
	second = queue(c, 1, SBP2X_FUNCTION_RECONNECT, 2);
	orb = orb_address(c);
	end_write(c, RCODE_COMPLETE);

	sbp2x_fake_bus_reset(&c->bus);
	run(c, do_bus_reset, NULL);
	expect_end(c, 1, first, SBP2X_OP_STALE, 0);
	KUNIT_EXPECT_EQ(test, first->path.generation, 1);

	/* To the new node ID, in the new generation */
	sbp2x_fake_bus_expect(&c->bus, AGENT, 8, orb_address(c));
	KUNIT_EXPECT_EQ(test, c->bus.pending[0].path.generation, 2);
	KUNIT_EXPECT_EQ(test, c->bus.pending[0].path.node_id, 0xffc0);

	/* What the old node ID says, or was told, is of no interest now */
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc1, 1, STATUS_DONE, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc0, 2, STATUS_DONE, orb));
	answer(c, STATUS_DONE);
	expect_end(c, 2, second, SBP2X_OP_ACCEPTED, 0);
	KUNIT_EXPECT_EQ(test, second->path.generation, 2);
}

/* Sent after the reset that is told of only now: it goes on */
static void reset_told_late(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op;

	sbp2x_fake_bus_reset(&c->bus);
	op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	run(c, do_bus_reset, NULL);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	answer(c, STATUS_DONE);
	expect_end(c, 1, op, SBP2X_OP_ACCEPTED, 0);
	run(c, do_bus_reset, NULL);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

/*
 * The controller knows of the reset before the path does: what waits is sent
 * into the old generation, ends as the first one did, and is its owner's.
 */
static void reset_known_by_rcode_first(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second;

	first = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	end_write(c, RCODE_GENERATION);
	expect_end(c, 1, first, SBP2X_OP_STALE, 0);
	end_write(c, RCODE_GENERATION);
	expect_end(c, 2, second, SBP2X_OP_STALE, 0);

	sbp2x_fake_bus_reset(&c->bus);
	run(c, do_bus_reset, NULL);
	KUNIT_EXPECT_EQ(test, c->count, 2);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 2);
}

static void reset_while_write_is_repeated(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	end_write(c, RCODE_BUSY);
	sbp2x_fake_bus_reset(&c->bus);
	run(c, do_bus_reset, NULL);
	expect_end(c, 1, op, SBP2X_OP_STALE, 0);
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

/* The old write ends long after; how it ends says nothing of the new one */
static void reset_while_write_is_under_way(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	sbp2x_fake_bus_reset(&c->bus);
	run(c, do_bus_reset, NULL);
	expect_end(c, 1, op, SBP2X_OP_STALE, 0);
	run(c, do_queue, op);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	advance(c, 100);
	end_write(c, RCODE_GENERATION);

	KUNIT_EXPECT_EQ(test, c->count, 1);
	sbp2x_fake_bus_expect(&c->bus, AGENT, 8, orb_address(c));
	answer(c, STATUS_DONE);
	expect_end(c, 2, op, SBP2X_OP_ACCEPTED, 100);
}

static void is_current(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second;

	first = prepare(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	KUNIT_EXPECT_FALSE(test, sbp2x_management_is_current(&c->m, first, 1));
	run(c, do_queue, first);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	KUNIT_EXPECT_TRUE(test, sbp2x_management_is_current(&c->m, first, 1));
	KUNIT_EXPECT_FALSE(test, sbp2x_management_is_current(&c->m, first, 2));
	/* It will be sent in whatever generation it is then */
	KUNIT_EXPECT_TRUE(test, sbp2x_management_is_current(&c->m, second, 2));
	answer(c, STATUS_DONE);
	KUNIT_EXPECT_FALSE(test, sbp2x_management_is_current(&c->m, first, 1));
}

/* Cancelling */

static void cancel_waiting(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second, *third;

	first = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	third = queue(c, 2, SBP2X_FUNCTION_LOGIN, 2);
	run(c, do_cancel, second);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	KUNIT_EXPECT_EQ(test, second->outcome, SBP2X_OP_CANCELLED);
	KUNIT_EXPECT_FALSE(test, sbp2x_management_is_current(&c->m, second, 1));

	answer(c, STATUS_DONE);
	expect_end(c, 1, first, SBP2X_OP_ACCEPTED, 0);
	answer(c, STATUS_DONE);
	expect_end(c, 2, third, SBP2X_OP_ACCEPTED, 0);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 2);

	/* Of one that is over, and twice */
	run(c, do_cancel, second);
	run(c, do_cancel, first);
	KUNIT_EXPECT_EQ(test, first->outcome, SBP2X_OP_ACCEPTED);
	KUNIT_EXPECT_EQ(test, c->count, 2);
}

static void cancel_in_flight(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second;
	u64 orb;

	first = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	orb = orb_address(c);
	end_write(c, RCODE_COMPLETE);
	run(c, do_cancel, first);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	KUNIT_EXPECT_EQ(test, first->outcome, SBP2X_OP_CANCELLED);

	/* The next one goes out at once; the late answer is nobody's */
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));
	advance(c, 4000);
	answer(c, STATUS_DONE);
	expect_end(c, 1, second, SBP2X_OP_ACCEPTED, 4000);
	advance(c, 10000);
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

static void then_cancel_next(struct context *c, struct sbp2x_operation *op)
{
	sbp2x_management_cancel(&c->m, op + 1);
}

/* The end of one is the reason to give up on the next */
static void cancel_next_when_done(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *first, *second, *third;

	first = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	second = queue(c, 1, SBP2X_FUNCTION_LOGIN, 1);
	third = queue(c, 2, SBP2X_FUNCTION_LOGIN, 2);
	c->then = then_cancel_next;
	answer(c, STATUS_DONE);
	expect_end(c, 1, first, SBP2X_OP_ACCEPTED, 0);
	KUNIT_EXPECT_EQ(test, second->outcome, SBP2X_OP_CANCELLED);
	c->then = NULL;
	answer(c, STATUS_DONE);
	expect_end(c, 2, third, SBP2X_OP_ACCEPTED, 0);
}

/* Shutdown */

static void shutdown_ends_all_once(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op;
	u64 orb;
	int i;

	for (i = 0; i < 3; i++)
		queue(c, i, SBP2X_FUNCTION_LOGIN, i);
	orb = orb_address(c);
	run(c, do_shutdown, NULL);
	KUNIT_ASSERT_EQ(test, c->count, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_PTR_EQ(test, c->ended[i].op, &c->op[i]);
		KUNIT_EXPECT_EQ(test, c->ended[i].outcome, SBP2X_OP_CANCELLED);
	}

	/* Neither the write nor an answer nor time makes a difference now */
	end_write(c, RCODE_COMPLETE);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_DONE, orb));
	advance(c, 10000);
	run(c, do_shutdown, NULL);
	KUNIT_EXPECT_EQ(test, c->count, 3);

	/* Later ones end at once; nothing is sent; nothing old is seen */
	op = prepare(c, 3, SBP2X_FUNCTION_LOGIN, 3);
	memset(&op->status, 0xee, sizeof(op->status));
	run(c, do_queue, op);
	expect_end(c, 4, op, SBP2X_OP_CANCELLED, 10000);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(op->status.header), 0);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
}

static void then_requeue_always(struct context *c, struct sbp2x_operation *op)
{
	c->then = NULL;
	sbp2x_management_queue(&c->m, op);
}

static void queued_again_at_shutdown(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	c->then = then_requeue_always;
	run(c, do_shutdown, NULL);
	expect_end(c, 2, op, SBP2X_OP_CANCELLED, 0);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 1);
}

/* Whoever is told of its end gives up on the next, which is in line too */
static void cancel_next_at_shutdown(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	for (i = 0; i < 4; i++)
		queue(c, i, SBP2X_FUNCTION_LOGIN, i);
	c->then = then_cancel_next;
	run(c, do_shutdown, NULL);
	KUNIT_ASSERT_EQ(test, c->count, 2);
	KUNIT_EXPECT_PTR_EQ(test, c->ended[0].op, &c->op[0]);
	KUNIT_EXPECT_PTR_EQ(test, c->ended[1].op, &c->op[2]);
	KUNIT_EXPECT_EQ(test, c->op[3].outcome, SBP2X_OP_CANCELLED);
}

/* Without a deadline nothing may be left waiting */
static void scheduler_is_down(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op;

	sbp2x_scheduler_shutdown(&c->scheduler);
	op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);
	expect_end(c, 1, op, SBP2X_OP_CANCELLED, 0);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 0);
}

static void scheduler_goes_down(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_operation *op = queue(c, 0, SBP2X_FUNCTION_LOGIN, 0);

	sbp2x_scheduler_shutdown(&c->scheduler);
	end_write(c, RCODE_BUSY);
	expect_end(c, 1, op, SBP2X_OP_CANCELLED, 0);
}

static int management_test_init(struct kunit *test)
{
	struct context *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	c->test = test;
	INIT_WORK(&c->work, run_work);
	sbp2x_fake_clock_init(&c->clock, test);
	sbp2x_fake_bus_init(&c->bus, test);
	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_PHYSICAL);
	KUNIT_ASSERT_EQ(test, 0, sbp2x_scheduler_init(&c->scheduler,
						      &c->clock.clock, "test"));
	KUNIT_ASSERT_EQ(test, 0, sbp2x_management_init(&c->m, &c->memory,
						       &c->scheduler, AGENT));
	return 0;
}

static void management_test_exit(struct kunit *test)
{
	struct context *c = test->priv;

	if (!c || !c->m.slots.cpu)
		return;

	c->then = NULL;
	c->count = 0;
	run(c, do_shutdown, NULL);
	sbp2x_scheduler_shutdown(&c->scheduler);
	sbp2x_fake_bus_end_all(&c->bus, RCODE_CANCELLED);
	sbp2x_bus_drain(&c->bus.bus);
	sbp2x_scheduler_destroy(&c->scheduler);
	sbp2x_management_destroy(&c->m);
}

static struct kunit_case management_test_cases[] = {
	KUNIT_CASE(login_orb),
	KUNIT_CASE(login_response),
	KUNIT_CASE(short_response),
	KUNIT_CASE(no_response_at_all),
	KUNIT_CASE(password_login),
	KUNIT_CASE(password_too_long),
	KUNIT_CASE(set_password_orb),
	KUNIT_CASE(query_logins),
	KUNIT_CASE_PARAM(plain_orb, plain_function_gen_params),
	KUNIT_CASE(abort_task_orb),
	KUNIT_CASE_PARAM(write_refused_then_taken,
			 transient_refusal_gen_params),
	KUNIT_CASE_PARAM(write_refused_always, transient_refusal_gen_params),
	KUNIT_CASE_PARAM(write_refused_for_good, final_refusal_gen_params),
	KUNIT_CASE(write_of_old_generation),
	KUNIT_CASE(write_lost_then_status),
	KUNIT_CASE(write_lost_then_nothing),
	KUNIT_CASE(target_gone),
	KUNIT_CASE(status_after_write),
	KUNIT_CASE(status_before_write_ends),
	KUNIT_CASE(next_waits_for_late_write),
	KUNIT_CASE(status_while_write_is_repeated),
	KUNIT_CASE(status_not_ours),
	KUNIT_CASE_PARAM(login_refused, refusal_gen_params),
	KUNIT_CASE(transport_failure_is_repeated),
	KUNIT_CASE(transport_failure_for_ever),
	KUNIT_CASE(unsupported_is_remembered),
	KUNIT_CASE(rejected_is_not_unsupported),
	KUNIT_CASE(timeout_then_late_status),
	KUNIT_CASE(addresses_in_turn),
	KUNIT_CASE(status_and_timeout_at_once),
	KUNIT_CASE(two_units_in_order),
	KUNIT_CASE(queued_again_when_done),
	KUNIT_CASE(reset_with_one_in_flight_and_one_waiting),
	KUNIT_CASE(reset_told_late),
	KUNIT_CASE(reset_known_by_rcode_first),
	KUNIT_CASE(reset_while_write_is_repeated),
	KUNIT_CASE(reset_while_write_is_under_way),
	KUNIT_CASE(is_current),
	KUNIT_CASE(cancel_waiting),
	KUNIT_CASE(cancel_in_flight),
	KUNIT_CASE(cancel_next_when_done),
	KUNIT_CASE(shutdown_ends_all_once),
	KUNIT_CASE(queued_again_at_shutdown),
	KUNIT_CASE(cancel_next_at_shutdown),
	KUNIT_CASE(scheduler_is_down),
	KUNIT_CASE(scheduler_goes_down),
	{}
};

static struct kunit_suite management_test_suite = {
	.name = "sbp2x-management",
	.init = management_test_init,
	.exit = management_test_exit,
	.test_cases = management_test_cases,
};

kunit_test_suite(management_test_suite);
