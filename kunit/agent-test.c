// SPDX-License-Identifier: GPL-2.0-only
/* The fetch agent: what it gives to the target, and what comes back. */
#include "../drivers/firewire/sbp2x/agent.c"

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>

#include "fake-bus.h"
#include "fake-clock.h"

/* SBP-2 6.4: an agent at fffff0010020, and IEEE 1394 8.3.2.3.5 */
#define AGENT		0xfffff0010020ULL
#define AGENT_RESET	0xfffff0010024ULL
#define ORB_POINTER	0xfffff0010028ULL
#define DOORBELL	0xfffff0010030ULL
#define UNSOLICITED	0xfffff0010034ULL
#define BUSY_TIMEOUT	0xfffff0000210ULL

#define STRANGER	0xffc2

/* src 1, resp 0, len 1, sbp_status 0 */
#define STATUS_GOOD	0x41000000
#define STATUS_NEXT	0x01000000	/* likewise, but src 0 */
#define STATUS_DEAD	0x49000000
#define STATUS_NEWS	0x81000000	/* unsolicited */

#define COMMANDS	32
#define SEGMENTS	65
#define ENDED_MAX	40

struct context;

struct command {
	struct context *c;
	struct sbp2x_task task;
	struct scatterlist sg[SEGMENTS];
	u8 cdb[32];
	unsigned int done;
	enum sbp2x_task_outcome outcome;
	struct sbp2x_status_block status;
	size_t length;
};

struct context {
	struct kunit *test;
	struct sbp2x_fake_clock clock;
	struct sbp2x_fake_bus bus;
	struct sbp2x_memory memory;
	struct sbp2x_scheduler scheduler;
	struct sbp2x_agent agent;
	bool ready;

	struct command command[COMMANDS];
	/* Numbers of the commands that are done, in that order */
	int ended[ENDED_MAX];
	unsigned int count;
	/* What is to be done when a command is done, if anything */
	void (*then)(struct command *command);

	unsigned int stale, lost;
	int stale_generation;

	/* Error handling, elsewhere since it sleeps */
	struct work_struct work;
	struct command *victim;		/* NULL: reset the agent */
	struct completion handled;
	int result;
};

static void note_stale(struct sbp2x_agent *agent, int generation)
{
	struct context *c = container_of(agent, struct context, agent);

	c->stale++;
	c->stale_generation = generation;
}

static void note_lost(struct sbp2x_agent *agent)
{
	struct context *c = container_of(agent, struct context, agent);

	c->lost++;
}

static const struct sbp2x_agent_ops test_ops = {
	.stale = note_stale,
	.lost = note_lost,
};

static void note_done(struct sbp2x_task *task, enum sbp2x_task_outcome outcome,
		      const struct sbp2x_status_block *status, size_t length)
{
	struct command *command = container_of(task, struct command, task);
	struct context *c = command->c;

	KUNIT_EXPECT_LT(c->test, c->count, ENDED_MAX);
	if (c->count < ENDED_MAX)
		c->ended[c->count++] = command - c->command;
	KUNIT_EXPECT_EQ(c->test, !!status, outcome == SBP2X_TASK_STATUS);

	command->done++;
	command->outcome = outcome;
	command->length = length;
	if (status)
		command->status = *status;
	if (c->then)
		c->then(command);
}

/* A READ(10) of 4096 bytes at block 16, into one segment */
static noinline struct command *prepare(struct context *c, unsigned int number)
{
	static const u8 read_10[] = { 0x28, 0, 0, 0, 0, 0x10, 0, 0, 8, 0 };
	struct command *command = &c->command[number];

	memset(command, 0, sizeof(*command));
	command->c = c;
	memcpy(command->cdb, read_10, sizeof(read_10));
	sg_init_table(command->sg, SEGMENTS);
	sg_dma_address(&command->sg[0]) = 0x12345678;
	sg_dma_len(&command->sg[0]) = 4096;
	command->task = (struct sbp2x_task) {
		.cdb = command->cdb,
		.cdb_length = sizeof(read_10),
		.data = {
			.sg = command->sg,
			.nents = 1,
			.length = 4096,
			.direction = DMA_FROM_DEVICE,
		},
		.repeatable = true,
		.done = note_done,
	};
	return command;
}

static noinline int submit(struct command *command)
{
	return sbp2x_agent_submit(&command->c->agent, &command->task);
}

/* Submit the commands of these numbers, from @first to @last */
static noinline void submit_many(struct context *c, unsigned int first,
				 unsigned int last)
{
	unsigned int i;

	for (i = first; i <= last; i++)
		KUNIT_ASSERT_EQ(c->test, 0, submit(prepare(c, i)));
}

static noinline void end_write(struct context *c, u64 offset, int rcode)
{
	sbp2x_fake_bus_end(&c->bus, offset, rcode);
}

/*
 * One register is written, as it has to be, and the target takes it. Not
 * inlined, as below, since a case that does so often needs its stack itself.
 */
static noinline void expect_written(struct context *c, u64 offset, u32 value)
{
	sbp2x_fake_bus_expect(&c->bus, offset, 4, value);
	end_write(c, offset, RCODE_COMPLETE);
}

/* The target's agent is reset, and its unsolicited status armed */
static noinline void expect_agent_reset(struct context *c)
{
	expect_written(c, AGENT_RESET, 0);
	expect_written(c, UNSOLICITED, 1);
}

static noinline void expect_nothing(struct context *c)
{
	KUNIT_EXPECT_EQ(c->test, c->bus.count, 0);
}

/* The ORB's address that is being written to ORB_POINTER */
static noinline u64 orb_address(struct context *c)
{
	const struct sbp2x_fake_write *write;

	write = sbp2x_fake_bus_oldest(&c->bus, ORB_POINTER);
	sbp2x_fake_bus_expect(&c->bus, ORB_POINTER, 8, write->value);
	/* No node ID, no null, aligned */
	KUNIT_EXPECT_EQ(c->test, write->value >> 48, 0);
	KUNIT_EXPECT_EQ(c->test, write->value & 3, 0);
	return write->value;
}

/* That address is written, is that of @command, and the target takes it */
static noinline u64 take_orb(struct context *c, struct command *command)
{
	u64 orb = orb_address(c);

	KUNIT_EXPECT_EQ(c->test, orb, command->task.slot->orb_address);
	end_write(c, ORB_POINTER, RCODE_COMPLETE);
	return orb;
}

static void start(struct context *c)
{
	sbp2x_agent_start(&c->agent, AGENT, &c->bus.path);
}

static noinline void bring_up(struct context *c)
{
	start(c);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	expect_agent_reset(c);
}

static noinline bool send_from(struct context *c, u16 source, int generation,
			       u32 header, u64 orb)
{
	struct sbp2x_status_block status = {
		.header = cpu_to_be32(header | (u32)(orb >> 32)),
		.orb_offset_lo = cpu_to_be32((u32)orb),
	};
	struct sbp2x_inbound in = {
		.tcode = TCODE_WRITE_BLOCK_REQUEST,
		.source = source,
		.generation = generation,
		.data = &status,
		.length = 8,
	};

	return sbp2x_agent_status(&c->agent, &in, &status);
}

static noinline bool send(struct context *c, u32 header, u64 orb)
{
	return send_from(c, c->bus.path.node_id, c->bus.path.generation,
			 header, orb);
}

/* The target takes the ORB of @command and does what it says */
static noinline void execute(struct context *c, struct command *command)
{
	u64 orb = take_orb(c, command);

	KUNIT_EXPECT_TRUE(c->test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(c->test, command->done, 1);
	KUNIT_EXPECT_EQ(c->test, command->outcome, SBP2X_TASK_STATUS);
}

static void execute_many(struct context *c, unsigned int first,
			 unsigned int last)
{
	unsigned int i;

	for (i = first; i <= last; i++)
		execute(c, &c->command[i]);
}

static void advance(struct context *c, unsigned int ms)
{
	sbp2x_fake_clock_advance(&c->clock, &c->scheduler, ms);
}

/* Nothing is sent for @ms - 1 milliseconds, and something then */
static void expect_write_after(struct context *c, unsigned int ms)
{
	expect_nothing(c);
	advance(c, ms - 1);
	expect_nothing(c);
	advance(c, 1);
	KUNIT_ASSERT_EQ(c->test, c->bus.count, 1);
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

static void expect_order(struct context *c, const int *expected,
			 unsigned int count)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(c->test, c->count, count);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(c->test, c->ended[i], expected[i]);
}

static void handle_work(struct work_struct *work)
{
	struct context *c = container_of(work, struct context, work);

	if (c->victim) {
		sbp2x_agent_stands_still(&c->agent, &c->victim->task);
		c->result = sbp2x_agent_abort(&c->agent, &c->victim->task);
	} else {
		c->result = sbp2x_agent_reset(&c->agent);
	}
	complete(&c->handled);
}

/* Abort @victim, or reset the agent, and go on here */
static void handle(struct context *c, struct command *victim)
{
	c->victim = victim;
	reinit_completion(&c->handled);
	queue_work(system_unbound_wq, &c->work);
}

/* It has come to where it waits */
static void expect_handling(struct context *c)
{
	unsigned int ms;

	for (ms = 0; ms < SBP2X_FAKE_PATIENCE_MS; ms++) {
		if (wq_has_sleeper(&c->agent.wait))
			break;
		usleep_range(1000, 2000);
	}
	KUNIT_EXPECT_TRUE(c->test, wq_has_sleeper(&c->agent.wait));
	KUNIT_EXPECT_FALSE(c->test, completion_done(&c->handled));
}

static void expect_handled(struct context *c, int result)
{
	unsigned long left;

	left = wait_for_completion_timeout(&c->handled,
					   msecs_to_jiffies(SBP2X_FAKE_PATIENCE_MS));
	KUNIT_ASSERT_NE(c->test, left, 0);
	KUNIT_EXPECT_EQ(c->test, c->result, result);
}

/* The agent is reset, and that was all there was to be done */
static noinline void expect_reset_handled(struct context *c)
{
	KUNIT_ASSERT_TRUE(c->test, sbp2x_fake_bus_wait(&c->bus, 1));
	expect_agent_reset(c);
	expect_handled(c, 0);
}

/* Binding */

static void unbound_is_refused(struct kunit *test)
{
	struct context *c = test->priv;

	KUNIT_EXPECT_EQ(test, submit(prepare(c, 0)), -ENODEV);
	/* A bus reset does not bind it */
	sbp2x_agent_hold(&c->agent);
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 0)), -ENODEV);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 0);
	KUNIT_EXPECT_EQ(test, c->count, 0);
}

static void start_writes_registers(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	sbp2x_fake_bus_expect(&c->bus, 0xfffff0000210ULL, 4, 0x000c800f);
	KUNIT_EXPECT_EQ(test, c->bus.pending[0].path.speed, SCODE_400);
	/* Taken, but not sent yet */
	submit_many(c, 0, 0);
	end_write(c, BUSY_TIMEOUT, RCODE_COMPLETE);

	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	sbp2x_fake_bus_expect(&c->bus, 0xfffff0010024ULL, 4, 0);
	end_write(c, AGENT_RESET, RCODE_COMPLETE);

	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	sbp2x_fake_bus_expect(&c->bus, 0xfffff0010034ULL, 4, 1);
	end_write(c, UNSOLICITED, RCODE_COMPLETE);

	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	execute(c, &c->command[0]);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 4);
	expect_nothing(c);
}

/* Not every target has a BUSY_TIMEOUT, or sends unsolicited status */
static void comfort_is_refused(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	submit_many(c, 0, 0);
	end_write(c, BUSY_TIMEOUT, RCODE_ADDRESS_ERROR);
	expect_written(c, AGENT_RESET, 0);
	end_write(c, UNSOLICITED, RCODE_ADDRESS_ERROR);
	execute(c, &c->command[0]);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

struct rcode_param {
	const char *name;
	int rcode;
};

static const struct rcode_param control_transient[] = {
	{ "busy", RCODE_BUSY },
	{ "conflict", RCODE_CONFLICT_ERROR },
	{ "not sent", RCODE_SEND_ERROR },
	{ "no ack", RCODE_NO_ACK },
	{ "no response", RCODE_CANCELLED },
};

KUNIT_ARRAY_PARAM_DESC(control_transient, control_transient, name);

static const unsigned int pauses[] = { 10, 20, 40, 80, 160, 320 };

static void comfort_is_not_answered(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	unsigned int i;

	start(c);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, BUSY_TIMEOUT, param->rcode);
		expect_write_after(c, pauses[i]);
	}
	end_write(c, BUSY_TIMEOUT, param->rcode);

	/* Each step is tried as often as the one before */
	end_write(c, AGENT_RESET, param->rcode);
	expect_write_after(c, 10);
	expect_written(c, AGENT_RESET, 0);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, UNSOLICITED, param->rcode);
		expect_write_after(c, pauses[i]);
	}
	end_write(c, UNSOLICITED, param->rcode);
	expect_nothing(c);
	submit_many(c, 0, 0);
	execute(c, &c->command[0]);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

static void reset_is_not_answered(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	unsigned int i;

	start(c);
	submit_many(c, 0, 0);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, AGENT_RESET, param->rcode);
		KUNIT_EXPECT_EQ(test, c->lost, 0);
		expect_write_after(c, pauses[i]);
	}
	end_write(c, AGENT_RESET, param->rcode);
	KUNIT_EXPECT_EQ(test, c->lost, 1);

	/* It waits for a login; what is in the list does, too */
	advance(c, 10000);
	expect_nothing(c);
	submit_many(c, 1, 1);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	bring_up(c);
	execute_many(c, 0, 1);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
}

static void reset_is_refused(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	end_write(c, AGENT_RESET, RCODE_ADDRESS_ERROR);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
	advance(c, 10000);
	expect_nothing(c);
}

static void start_in_old_generation(struct kunit *test)
{
	static const u64 steps[] = { BUSY_TIMEOUT, AGENT_RESET, UNSOLICITED };
	struct context *c = test->priv;
	int i, j;

	for (i = 0; i < 3; i++) {
		start(c);
		for (j = 0; j < i; j++)
			end_write(c, steps[j], RCODE_COMPLETE);
		end_write(c, steps[i], RCODE_GENERATION);
		expect_nothing(c);
		KUNIT_EXPECT_EQ(test, c->stale, i + 1);
		KUNIT_EXPECT_EQ(test, c->stale_generation, i + 1);
		sbp2x_fake_bus_reset(&c->bus);
	}
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

/* Two resets in a row: the first start's write is still under way */
static void start_while_old_write_is_under_way(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	start(c);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	KUNIT_EXPECT_EQ(test, c->bus.pending[0].path.generation, 1);

	/* How it ends says nothing of the new generation */
	end_write(c, BUSY_TIMEOUT, RCODE_GENERATION);
	KUNIT_EXPECT_EQ(test, c->stale, 0);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	expect_agent_reset(c);
	expect_nothing(c);
}

/* ... and it even looks like a success of what it was not */
static void old_reset_is_no_new_one(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	start(c);
	end_write(c, AGENT_RESET, RCODE_COMPLETE);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	expect_agent_reset(c);
}

/* A pause of before does not delay, repeat or shorten anything */
static void start_while_pausing(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	end_write(c, BUSY_TIMEOUT, RCODE_BUSY);
	advance(c, 5);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	start(c);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	advance(c, 100);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	end_write(c, BUSY_TIMEOUT, RCODE_BUSY);
	expect_write_after(c, 10);
	end_write(c, BUSY_TIMEOUT, RCODE_COMPLETE);
}

/* ORBs, as the target reads them: SBP-2 5.1.2 */

static void orb_of_one_segment(struct kunit *test)
{
	static const u32 expected[] = {
		0x80000000, 0x00000000,	/* no next, no node ID */
		0xffc00000, 0x12345678,	/* our node ID, all 16 bits */
		0x8a901000,		/* notify, to us, S400, 2048, 4096 */
		0x28000000, 0x00100000, 0x08000000, 0x00000000,
	};
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 0);
	expect_quadlets(c, sbp2x_fake_bus_memory(orb_address(c)), expected,
			ARRAY_SIZE(expected));
}

/* Upper 16 bits of an address of 48; a WRITE(10) of an odd length */
static void orb_of_high_odd_segment(struct kunit *test)
{
	static const u32 expected[] = {
		0x80000000, 0x00000000,
		0xffc0abcd, 0x12345679,
		0x829001ff,
		0x2a000000, 0x00100000, 0x08000000, 0x00000000,
	};
	struct context *c = test->priv;
	struct command *command = prepare(c, 0);

	bring_up(c);
	command->cdb[0] = 0x2a;
	command->task.data.direction = DMA_TO_DEVICE;
	sg_dma_address(&command->sg[0]) = 0xabcd12345679ULL;
	sg_dma_len(&command->sg[0]) = 511;
	KUNIT_ASSERT_EQ(test, submit(command), 0);
	expect_quadlets(c, sbp2x_fake_bus_memory(orb_address(c)), expected,
			ARRAY_SIZE(expected));
}

static void orb_without_data(struct kunit *test)
{
	static const u32 expected[] = {
		0x80000000, 0x00000000,
		0x00000000, 0x00000000,
		0x82900000,
		0x00000000, 0x00000000, 0x00000000, 0x00000000,
	};
	struct context *c = test->priv;
	struct command *command = prepare(c, 0);

	bring_up(c);
	memset(command->cdb, 0, sizeof(command->cdb));
	command->task.cdb_length = 6;
	command->task.data.direction = DMA_NONE;
	command->task.data.sg = NULL;
	command->task.data.nents = 0;
	KUNIT_ASSERT_EQ(test, submit(command), 0);
	expect_quadlets(c, sbp2x_fake_bus_memory(orb_address(c)), expected,
			ARRAY_SIZE(expected));
}

/* SBP-2 5.2.1: odd lengths, the longest, addresses of more than 32 bits */
static void orb_of_many_segments(struct kunit *test)
{
	static const u32 expected_table[] = {
		0x00010000, 0x00001001,
		0xfffc0000, 0x80000000,
		0xffff0012, 0x34567800,
		0x02010000, 0x00009000,
	};
	struct context *c = test->priv;
	struct command *command = prepare(c, 0);
	void *orb;
	u64 table;

	bring_up(c);
	sg_dma_address(&command->sg[0]) = 0x1001;
	sg_dma_len(&command->sg[0]) = 1;
	sg_dma_address(&command->sg[1]) = 0x80000000;
	sg_dma_len(&command->sg[1]) = 0xfffc;
	sg_dma_address(&command->sg[2]) = 0x1234567800ULL;
	sg_dma_len(&command->sg[2]) = 0xffff;
	sg_dma_address(&command->sg[3]) = 0x9000;
	sg_dma_len(&command->sg[3]) = 513;
	command->task.data.nents = 4;
	KUNIT_ASSERT_EQ(test, submit(command), 0);

	orb = sbp2x_fake_bus_memory(orb_address(c));
	/* Page table, unrestricted, of four entries */
	KUNIT_EXPECT_EQ(test, quadlet(orb, 4), 0x8a980004);
	KUNIT_EXPECT_EQ(test, quadlet(orb, 2) >> 16, 0xffc0);
	table = (u64)(quadlet(orb, 2) & 0xffff) << 32 | quadlet(orb, 3);
	KUNIT_EXPECT_EQ(test, table & 7, 0);
	expect_quadlets(c, sbp2x_fake_bus_memory(table), expected_table,
			ARRAY_SIZE(expected_table));
}

/* Tables of commands in the list do not lie on top of each other */
static void orb_tables_are_apart(struct kunit *test)
{
	struct context *c = test->priv;
	unsigned int i, j;

	for (i = 0; i < 8; i++) {
		struct command *command = prepare(c, i);

		command->task.data.nents = 64;
		for (j = 0; j < 64; j++) {
			sg_dma_address(&command->sg[j]) = i << 16 | j << 8;
			sg_dma_len(&command->sg[j]) = i + 1;
		}
	}
	bring_up(c);
	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_EQ(test, submit(&c->command[i]), 0);

	for (i = 0; i < 8; i++) {
		void *orb = sbp2x_fake_bus_memory(orb_address(c));
		void *table = sbp2x_fake_bus_memory(quadlet(orb, 3));

		for (j = 0; j < 64; j++) {
			KUNIT_EXPECT_EQ(test, quadlet(table, 2 * j),
					(i + 1) << 16);
			KUNIT_EXPECT_EQ(test, quadlet(table, 2 * j + 1),
					i << 16 | j << 8);
		}
		execute(c, &c->command[i]);
	}
}

static void data_that_does_not_fit(struct kunit *test)
{
	struct context *c = test->priv;
	struct command *command = prepare(c, 0);
	int i;

	for (i = 0; i < SEGMENTS; i++)
		sg_dma_len(&command->sg[i]) = 512;
	bring_up(c);
	command->task.data.nents = 65;
	KUNIT_EXPECT_EQ(test, submit(command), -EMSGSIZE);

	/* Not even by one byte: the field would lose it */
	command->task.data.nents = 64;
	sg_dma_len(&command->sg[63]) = 0x10000;
	KUNIT_EXPECT_EQ(test, submit(command), -EMSGSIZE);
	command->task.data.nents = 1;
	sg_dma_len(&command->sg[0]) = 0x10000;
	KUNIT_EXPECT_EQ(test, submit(command), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, c->bus.sent, 3);
	KUNIT_EXPECT_EQ(test, c->count, 0);

	sg_dma_len(&command->sg[0]) = 0xffff;
	KUNIT_EXPECT_EQ(test, submit(command), 0);
	execute(c, command);
}

struct cdb_param {
	const char *name;
	u8 length;
	u32 expected[4];
};

static const struct cdb_param cdbs[] = {
	{ "6", 6, { 0xa0a1a2a3, 0xa4a50000, 0x00000000, 0x00000000 } },
	{ "10", 10, { 0xa0a1a2a3, 0xa4a5a6a7, 0xa8a90000, 0x00000000 } },
	{ "12", 12, { 0xa0a1a2a3, 0xa4a5a6a7, 0xa8a9aaab, 0x00000000 } },
	{ "16", 16, { 0xa0a1a2a3, 0xa4a5a6a7, 0xa8a9aaab, 0xacadaeaf } },
};

KUNIT_ARRAY_PARAM_DESC(cdb, cdbs, name);

/* Nothing of an earlier, longer CDB is left behind a shorter one */
static void orb_cdb(struct kunit *test)
{
	const struct cdb_param *param = test->param_value;
	struct context *c = test->priv;
	struct command *command;
	unsigned int i, round;

	bring_up(c);
	for (round = 0; round < 13; round++) {
		command = prepare(c, 0);
		memset(command->cdb, 0xee, 16);
		command->task.cdb_length = 16;
		if (round == 12) {
			for (i = 0; i < 16; i++)
				command->cdb[i] = 0xa0 + i;
			command->task.cdb_length = param->length;
		}
		KUNIT_ASSERT_EQ(test, submit(command), 0);
		if (round == 12)
			expect_quadlets(c, sbp2x_fake_bus_memory(orb_address(c)) +
					20, param->expected, 4);
		execute(c, command);
	}
}

static void cdb_that_does_not_fit(struct kunit *test)
{
	struct context *c = test->priv;
	struct command *command = prepare(c, 0);

	bring_up(c);
	command->task.cdb_length = 17;
	KUNIT_EXPECT_EQ(test, submit(command), -EMSGSIZE);

	/* ORB_size of most bridges' ROMs: 8 quadlets */
	c->agent.limits.orb_size = 32;
	command->task.cdb_length = 13;
	KUNIT_EXPECT_EQ(test, submit(command), -EMSGSIZE);
	command->task.cdb_length = 16;
	KUNIT_EXPECT_EQ(test, submit(command), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	expect_nothing(c);
	command->task.cdb_length = 12;
	KUNIT_EXPECT_EQ(test, submit(command), 0);
	execute(c, command);
}

/* After a bus reset we are another node, at another speed */
static void orb_in_new_generation(struct kunit *test)
{
	static const u32 expected[] = {
		0x80000000, 0x00000000,
		0xffc10000, 0x12345678,
		0x88701000,		/* S100, 512 bytes */
		0x28000000, 0x00100000, 0x08000000, 0x00000000,
	};
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 0);
	orb = take_orb(c, &c->command[0]);
	sbp2x_fake_bus_reset(&c->bus);
	c->bus.path.speed = SCODE_100;
	c->bus.path.max_payload = 7;
	sbp2x_agent_hold(&c->agent);
	bring_up(c);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb);
	expect_quadlets(c, sbp2x_fake_bus_memory(orb), expected,
			ARRAY_SIZE(expected));
}

/* One at a time */

static void next_after_status(struct kunit *test)
{
	static const int order[] = { 0, 1, 2 };
	struct context *c = test->priv;
	u64 orb, next;

	bring_up(c);
	submit_many(c, 0, 2);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	orb = take_orb(c, &c->command[0]);
	expect_nothing(c);
	advance(c, 10000);
	expect_nothing(c);

	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	next = take_orb(c, &c->command[1]);
	KUNIT_EXPECT_NE(test, next, orb);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, next));
	execute(c, &c->command[2]);
	expect_order(c, order, 3);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->agent.count.submitted, 3);
	KUNIT_EXPECT_EQ(test, c->agent.count.completed, 3);
}

static void status_is_handed_on(struct kunit *test)
{
	struct sbp2x_status_block status = { .header = cpu_to_be32(0x47000000) };
	struct sbp2x_inbound in = {
		.tcode = TCODE_WRITE_BLOCK_REQUEST,
		.source = 0xffc1,
		.generation = 1,
		.data = &status,
		.length = 32,
	};
	struct context *c = test->priv;
	struct command *command;

	bring_up(c);
	submit_many(c, 0, 0);
	command = &c->command[0];
	status.orb_offset_lo = cpu_to_be32((u32)take_orb(c, command));
	memset(status.command_set, 0x5a, sizeof(status.command_set));
	KUNIT_EXPECT_TRUE(test, sbp2x_agent_status(&c->agent, &in, &status));
	KUNIT_EXPECT_EQ(test, command->done, 1);
	KUNIT_EXPECT_EQ(test, command->outcome, SBP2X_TASK_STATUS);
	KUNIT_EXPECT_EQ(test, command->length, 32);
	KUNIT_EXPECT_MEMEQ(test, &command->status, &status, sizeof(status));
}

static void then_submit_again(struct command *command)
{
	if (command->done < 3)
		KUNIT_EXPECT_EQ(command->c->test, submit(command), 0);
}

/* From within done, and though the list is full but for this one */
static void submitted_again_when_done(struct kunit *test)
{
	static const int order[] = { 0, 1, 0, 1, 0, 1 };
	struct context *c = test->priv;
	int i;

	bring_up(c);
	submit_many(c, 0, 1);
	c->then = then_submit_again;
	for (i = 0; i < 6; i++) {
		u64 orb = take_orb(c, &c->command[i % 2]);

		KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	}
	expect_order(c, order, 6);
	expect_nothing(c);
}

static void list_is_full(struct kunit *test)
{
	struct context *c = test->priv;
	unsigned int round;

	bring_up(c);
	/* Again once slots were used and are kept as the tail */
	for (round = 0; round < 3; round++) {
		submit_many(c, 0, 7);
		KUNIT_EXPECT_EQ(test, submit(prepare(c, 8)), -EBUSY);
		execute(c, &c->command[0]);
		submit_many(c, 8, 8);
		KUNIT_EXPECT_EQ(test, submit(prepare(c, 9)), -EBUSY);
		execute_many(c, 1, 8);
		expect_nothing(c);
		c->count = 0;
	}
}

/* The target may read the next_ORB of the last one again */
static void tail_stays_until_next_completes(struct kunit *test)
{
	struct context *c = test->priv;
	u64 tail, next;
	u8 copy[36];

	bring_up(c);
	submit_many(c, 0, 0);
	tail = orb_address(c);
	memcpy(copy, sbp2x_fake_bus_memory(tail), sizeof(copy));
	execute(c, &c->command[0]);

	submit_many(c, 1, 8);
	KUNIT_EXPECT_MEMEQ(test, sbp2x_fake_bus_memory(tail), copy, 36);
	next = take_orb(c, &c->command[1]);
	KUNIT_EXPECT_NE(test, next, tail);
	KUNIT_EXPECT_MEMEQ(test, sbp2x_fake_bus_memory(tail), copy, 36);
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept->orb,
			    sbp2x_fake_bus_memory(tail));

	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, next));
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept->orb,
			    sbp2x_fake_bus_memory(next));
	execute_many(c, 2, 8);
}

/* An address comes again only after all others: what is late is no hit */
static void addresses_in_turn(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb[11];
	int i, j;

	bring_up(c);
	for (i = 0; i < 11; i++) {
		submit_many(c, 0, 0);
		orb[i] = orb_address(c);
		execute(c, &c->command[0]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, orb[i], orb[j]);
	}
}

/* Status that is not to be believed */

static void status_of_stranger(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 0);
	orb = take_orb(c, &c->command[0]);

	/* Another node, another bus, another generation */
	KUNIT_EXPECT_FALSE(test, send_from(c, STRANGER, 1, STATUS_GOOD, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, 0x0041, 1, STATUS_GOOD, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc1, 0, STATUS_GOOD, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc1, 2, STATUS_GOOD, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, STRANGER, 1, STATUS_DEAD, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, STRANGER, 1, STATUS_NEWS, 0));
	KUNIT_EXPECT_EQ(test, c->agent.count.status_foreign, 6);

	KUNIT_EXPECT_EQ(test, c->count, 0);
	expect_nothing(c);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
}

static void status_for_unknown_orb(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb, unknown[7];
	int i;

	bring_up(c);
	submit_many(c, 0, 1);
	orb = take_orb(c, &c->command[0]);

	/* None, within the ORB, before it, beyond all of them */
	unknown[0] = 0;
	unknown[1] = orb + 4;
	unknown[2] = orb - 4;
	unknown[3] = orb + SZ_4G;
	unknown[4] = 0xffffffffffffULL;
	/* One that the target does not know yet, and one that is not in use */
	unknown[5] = c->command[1].task.slot->orb_address;
	unknown[6] = c->agent.slots[10].orb_address;
	for (i = 0; i < 7; i++) {
		KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, unknown[i]));
		KUNIT_EXPECT_EQ(test, c->agent.count.status_unknown, i + 1);
	}

	KUNIT_EXPECT_EQ(test, c->count, 0);
	expect_nothing(c);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	execute(c, &c->command[1]);
}

static void status_twice(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 1);
	orb = take_orb(c, &c->command[0]);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	execute(c, &c->command[1]);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(test, c->count, 2);
	KUNIT_EXPECT_EQ(test, c->agent.count.status_unknown, 2);
}

static void status_of_old_generation(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 0);
	orb = take_orb(c, &c->command[0]);
	sbp2x_fake_bus_reset(&c->bus);

	/* Told of the reset or not, bound again or not */
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc0, 2, STATUS_GOOD, orb));
	sbp2x_agent_hold(&c->agent);
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc1, 1, STATUS_GOOD, orb));
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc0, 2, STATUS_GOOD, orb));
	bring_up(c);
	KUNIT_EXPECT_FALSE(test, send_from(c, 0xffc1, 1, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(test, c->count, 0);
	execute(c, &c->command[0]);
}

/* The ORB_POINTER write */

static const struct rcode_param any_end[] = {
	{ "complete", RCODE_COMPLETE },
	{ "busy", RCODE_BUSY },
	{ "no response", RCODE_CANCELLED },
	{ "no ack", RCODE_NO_ACK },
	{ "generation", RCODE_GENERATION },
};

KUNIT_ARRAY_PARAM_DESC(any_end, any_end, name);

/* Then it was written, whatever is said of it later */
static void status_before_write_ends(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 1);
	orb = orb_address(c);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);

	/* The next one does not wait for it */
	KUNIT_ASSERT_EQ(test, c->bus.count, 2);
	end_write(c, ORB_POINTER, param->rcode);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	KUNIT_EXPECT_EQ(test, c->stale, 0);
	execute(c, &c->command[1]);
	advance(c, 1000);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 2);
}

/* Its transaction is in use, so its slot is not, until it ends */
static void slot_waits_for_late_write(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_slot *slot;
	int i;

	bring_up(c);
	submit_many(c, 0, 0);
	slot = c->command[0].task.slot;
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb_address(c)));

	for (i = 0; i < 25; i++) {
		submit_many(c, 1, 1);
		KUNIT_EXPECT_PTR_NE(test, c->command[1].task.slot, slot);
		KUNIT_ASSERT_EQ(test, c->bus.count, 2);
		KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD,
					     c->bus.pending[1].value));
		swap(c->bus.pending[0], c->bus.pending[1]);
		end_write(c, ORB_POINTER, RCODE_COMPLETE);
	}
	end_write(c, ORB_POINTER, RCODE_COMPLETE);
	for (i = 0; i < 11; i++) {
		submit_many(c, 1, 1);
		if (c->command[1].task.slot == slot)
			break;
		execute(c, &c->command[1]);
		c->count = 0;
	}
	KUNIT_EXPECT_PTR_EQ(test, c->command[1].task.slot, slot);
}

static const struct rcode_param pointer_transient[] = {
	{ "busy", RCODE_BUSY },
	{ "conflict", RCODE_CONFLICT_ERROR },
	{ "not sent", RCODE_SEND_ERROR },
};

KUNIT_ARRAY_PARAM_DESC(pointer_transient, pointer_transient, name);

static void pointer_refused_then_taken(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	u64 orb;
	int i;

	bring_up(c);
	submit_many(c, 0, 1);
	orb = orb_address(c);
	/* Each has its own retries */
	for (i = 0; i < 2; i++) {
		end_write(c, ORB_POINTER, param->rcode);
		expect_write_after(c, 10);
		KUNIT_EXPECT_EQ(test, orb_address(c),
				c->command[i].task.slot->orb_address);
		end_write(c, ORB_POINTER, param->rcode);
		expect_write_after(c, 20);
		execute(c, &c->command[i]);
	}
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 0);
	expect_nothing(c);
}

/* Nor is anything else sent while it pauses, nor a status believed */
static void pointer_refused_and_pausing(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 0);
	orb = orb_address(c);
	end_write(c, ORB_POINTER, param->rcode);
	submit_many(c, 1, 1);
	expect_nothing(c);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	expect_write_after(c, 10);
	execute_many(c, 0, 1);
}

static void pointer_refused_always(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	unsigned int i;

	bring_up(c);
	submit_many(c, 0, 1);
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, ORB_POINTER, param->rcode);
		expect_write_after(c, pauses[i]);
	}
	end_write(c, ORB_POINTER, param->rcode);

	/* At once, and then all over again */
	expect_agent_reset(c);
	execute_many(c, 0, 1);
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 1);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

static const struct rcode_param pointer_final[] = {
	{ "no response", RCODE_CANCELLED },
	{ "no ack", RCODE_NO_ACK },
	{ "address error", RCODE_ADDRESS_ERROR },
	{ "type error", RCODE_TYPE_ERROR },
};

KUNIT_ARRAY_PARAM_DESC(pointer_final, pointer_final, name);

/* Perhaps the target has it, perhaps not: after a reset it has not */
static void pointer_lost(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 1);
	orb = orb_address(c);
	end_write(c, ORB_POINTER, param->rcode);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_agent_reset(c);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb);
	execute_many(c, 0, 1);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 1);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

/* Resets do not help: it is not tried for ever, but with a login */
static void pointer_lost_always(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;
	int i;

	bring_up(c);
	submit_many(c, 0, 0);
	for (i = 0; i < 3; i++) {
		end_write(c, ORB_POINTER, param->rcode);
		expect_agent_reset(c);
		KUNIT_EXPECT_EQ(test, c->lost, 0);
	}
	end_write(c, ORB_POINTER, param->rcode);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
	advance(c, 10000);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 0);

	/* A login has three resets again, and so has who answers commands */
	bring_up(c);
	for (i = 0; i < 3; i++) {
		end_write(c, ORB_POINTER, param->rcode);
		expect_agent_reset(c);
	}
	execute(c, &c->command[0]);
	submit_many(c, 1, 1);
	end_write(c, ORB_POINTER, param->rcode);
	expect_agent_reset(c);
	execute(c, &c->command[1]);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
}

/* The target had it after all, and is through before it is reset */
static void pointer_lost_then_status(struct kunit *test)
{
	struct context *c = test->priv;
	struct command *tape = prepare(c, 0);
	u64 orb;
	int i;

	bring_up(c);
	for (i = 0; i < 2; i++) {
		tape = prepare(c, 0);
		tape->task.repeatable = i;
		KUNIT_ASSERT_EQ(test, submit(tape), 0);
		orb = orb_address(c);
		end_write(c, ORB_POINTER, RCODE_CANCELLED);
		KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
		KUNIT_EXPECT_EQ(test, tape->outcome, SBP2X_TASK_STATUS);
		expect_agent_reset(c);
		/* Neither a second time nor as lost */
		expect_nothing(c);
		KUNIT_EXPECT_EQ(test, tape->done, 1);
		KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 0);
	}
}

static void pointer_of_old_generation(struct kunit *test)
{
	static const int order[] = { 1, 0, 2 };
	struct context *c = test->priv;
	struct command *tape;

	bring_up(c);
	submit_many(c, 0, 0);
	tape = prepare(c, 1);
	tape->task.repeatable = false;
	KUNIT_ASSERT_EQ(test, submit(tape), 0);
	submit_many(c, 2, 2);

	end_write(c, ORB_POINTER, RCODE_GENERATION);
	KUNIT_EXPECT_EQ(test, c->stale, 1);
	KUNIT_EXPECT_EQ(test, c->stale_generation, 1);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	advance(c, 10000);
	expect_nothing(c);

	/* The session is told of the reset, and reconnects */
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	bring_up(c);
	/* The target does not know that one, so it is not lost */
	KUNIT_EXPECT_EQ(test, c->count, 0);
	c->count = 0;
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD,
				     take_orb(c, &c->command[0])));
	take_orb(c, tape);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	KUNIT_EXPECT_EQ(test, tape->outcome, SBP2X_TASK_LOST);
	bring_up(c);
	execute(c, &c->command[2]);
	KUNIT_EXPECT_EQ(test, c->count, 3);
	KUNIT_EXPECT_EQ(test, c->ended[1], order[0]);
	KUNIT_EXPECT_EQ(test, c->stale, 1);
}

/*
 * A bus reset while it is under way: neither how it ends nor when matters to
 * the new generation, but that it ends before the reset is sent.
 */
static void pointer_under_way_at_reset(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	start(c);
	KUNIT_ASSERT_EQ(test, c->bus.count, 2);
	swap(c->bus.pending[0], c->bus.pending[1]);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);

	end_write(c, ORB_POINTER, param->rcode);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_agent_reset(c);
	execute_many(c, 0, 1);
	KUNIT_EXPECT_EQ(test, c->stale, 0);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

/* A dead agent */

static void dead_is_reset(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 2);
	orb = take_orb(c, &c->command[0]);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DEAD, orb));
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_STATUS);

	/* Nothing but the reset, first */
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_agent_reset(c);
	execute_many(c, 1, 2);
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 1);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

/* The reset must not overtake what it is to reset */
static void dead_before_pointer_write_ends(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DEAD, orb_address(c)));
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	advance(c, 1000);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);

	end_write(c, ORB_POINTER, param->rcode);
	expect_agent_reset(c);
	execute(c, &c->command[1]);
	KUNIT_EXPECT_EQ(test, c->stale, 0);
}

static void dead_and_silent(struct kunit *test)
{
	struct context *c = test->priv;
	unsigned int i;

	bring_up(c);
	submit_many(c, 0, 1);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_DEAD,
				     take_orb(c, &c->command[0])));
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, AGENT_RESET, RCODE_CANCELLED);
		expect_write_after(c, pauses[i]);
	}
	end_write(c, AGENT_RESET, RCODE_CANCELLED);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
	KUNIT_EXPECT_EQ(test, c->count, 1);
	bring_up(c);
	execute(c, &c->command[1]);
}

/* Bus resets and agent resets with tasks */

static void bus_reset_with_full_list(struct kunit *test)
{
	static const int order[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 7);
	orb = take_orb(c, &c->command[0]);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	/* Full it is, and remains */
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 8)), -EBUSY);

	bring_up(c);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb);
	execute_many(c, 0, 7);
	expect_order(c, order, 8);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 1);
	expect_nothing(c);
}

static void agent_reset_with_full_list(struct kunit *test)
{
	static const int order[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 7);
	take_orb(c, &c->command[0]);
	handle(c, NULL);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	expect_handling(c);
	expect_written(c, AGENT_RESET, 0);
	expect_handling(c);
	expect_written(c, UNSOLICITED, 1);
	expect_handled(c, 0);
	execute_many(c, 0, 7);
	expect_order(c, order, 8);
}

/* To repeat it could repeat its effect */
static void tape_at_target_is_lost(struct kunit *test)
{
	static const int order[] = { 0, 1, 2 };
	struct context *c = test->priv;
	int i;

	bring_up(c);
	for (i = 0; i < 3; i++) {
		prepare(c, i)->task.repeatable = false;
		KUNIT_ASSERT_EQ(test, submit(&c->command[i]), 0);
	}
	take_orb(c, &c->command[0]);
	handle(c, NULL);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));

	/* Not before the target surely does not touch its memory any more */
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	end_write(c, AGENT_RESET, RCODE_BUSY);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	expect_write_after(c, 10);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	end_write(c, AGENT_RESET, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_LOST);

	/* Those that it did not know yet go on */
	expect_written(c, UNSOLICITED, 1);
	expect_handled(c, 0);
	execute_many(c, 1, 2);
	expect_order(c, order, 3);
	KUNIT_EXPECT_EQ(test, c->agent.count.completed, 2);
}

static void tape_is_lost_by_bus_reset(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	bring_up(c);
	for (i = 0; i < 2; i++) {
		prepare(c, i)->task.repeatable = false;
		KUNIT_ASSERT_EQ(test, submit(&c->command[i]), 0);
	}
	take_orb(c, &c->command[0]);
	sbp2x_fake_bus_reset(&c->bus);
	/* A bus reset makes the target forget; nothing has to be confirmed */
	sbp2x_agent_hold(&c->agent);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_LOST);
	KUNIT_EXPECT_EQ(test, c->command[1].done, 0);
	bring_up(c);
	execute(c, &c->command[1]);
}

/* The reset is not confirmed: it stays as it is until the next login's is */
static void tape_when_agent_is_lost(struct kunit *test)
{
	struct context *c = test->priv;
	struct command *tape = prepare(c, 0);

	bring_up(c);
	tape->task.repeatable = false;
	KUNIT_ASSERT_EQ(test, submit(tape), 0);
	take_orb(c, tape);
	handle(c, NULL);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	end_write(c, AGENT_RESET, RCODE_ADDRESS_ERROR);
	flush_work(&c->work);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
	KUNIT_EXPECT_EQ(test, tape->done, 0);

	start(c);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	KUNIT_EXPECT_EQ(test, tape->done, 0);
	expect_written(c, AGENT_RESET, 0);
	KUNIT_EXPECT_EQ(test, tape->done, 1);
	KUNIT_EXPECT_EQ(test, tape->outcome, SBP2X_TASK_LOST);
	expect_written(c, UNSOLICITED, 1);
	expect_nothing(c);
}

/* Removal */

static void stop_with_full_list(struct kunit *test)
{
	static const int order[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct context *c = test->priv;
	u64 orb;
	int i;

	bring_up(c);
	for (i = 0; i < 8; i++) {
		prepare(c, i)->task.repeatable = i;
		KUNIT_ASSERT_EQ(test, submit(&c->command[i]), 0);
	}
	orb = orb_address(c);
	sbp2x_agent_stop(&c->agent);
	expect_order(c, order, 8);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, c->command[i].outcome, SBP2X_TASK_GONE);

	/* Nothing that comes now changes anything */
	end_write(c, ORB_POINTER, RCODE_CANCELLED);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	sbp2x_agent_stop(&c->agent);
	sbp2x_agent_hold(&c->agent);
	advance(c, 10000);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 8);
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 0)), -ENODEV);

	/* A session that failed may succeed later: all slots are there again */
	sbp2x_fake_bus_reset(&c->bus);
	bring_up(c);
	submit_many(c, 0, 7);
	execute_many(c, 0, 7);
}

/* The target may be busy with the first one until the login has ended */
static void close_then_stop(struct kunit *test)
{
	static const int order[] = { 1, 2, 0 };
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 2);
	orb = take_orb(c, &c->command[0]);
	sbp2x_agent_close(&c->agent);
	KUNIT_EXPECT_EQ(test, c->count, 2);
	KUNIT_EXPECT_EQ(test, c->command[1].outcome, SBP2X_TASK_GONE);
	KUNIT_EXPECT_EQ(test, c->command[2].outcome, SBP2X_TASK_GONE);
	KUNIT_EXPECT_EQ(test, c->command[0].task.state, SBP2X_TASK_RECALLED);
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 3)), -ENODEV);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	expect_nothing(c);

	sbp2x_agent_stop(&c->agent);
	expect_order(c, order, 3);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_GONE);
	expect_nothing(c);
}

static void stop_while_starting(struct kunit *test)
{
	struct context *c = test->priv;
	struct command *tape;

	bring_up(c);
	tape = prepare(c, 0);
	tape->task.repeatable = false;
	KUNIT_ASSERT_EQ(test, submit(tape), 0);
	submit_many(c, 1, 1);
	end_write(c, ORB_POINTER, RCODE_CANCELLED);

	sbp2x_agent_stop(&c->agent);
	KUNIT_EXPECT_EQ(test, c->count, 2);
	KUNIT_EXPECT_EQ(test, tape->outcome, SBP2X_TASK_GONE);
	end_write(c, AGENT_RESET, RCODE_COMPLETE);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 2);
	KUNIT_EXPECT_EQ(test, c->lost, 0);
}

/* The deadline cannot be set any more: whoever shut it down stops us */
static void stop_after_scheduler(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	sbp2x_scheduler_shutdown(&c->scheduler);
	end_write(c, ORB_POINTER, RCODE_BUSY);
	advance(c, 1000);
	expect_nothing(c);
	sbp2x_agent_stop(&c->agent);
	KUNIT_EXPECT_EQ(test, c->count, 2);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_GONE);
}

/* Error handling */

static void abort_queued(struct kunit *test)
{
	static const int order[] = { 0, 2 };
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 2);
	orb = take_orb(c, &c->command[0]);
	/* Nothing has to be waited for, so it can be done here */
	KUNIT_EXPECT_EQ(test, sbp2x_agent_abort(&c->agent,
						&c->command[1].task), 0);
	KUNIT_EXPECT_EQ(test, c->command[1].task.state, SBP2X_TASK_IDLE);
	expect_nothing(c);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	execute(c, &c->command[2]);
	expect_order(c, order, 2);

	/* Its place is free again, and it may be submitted again */
	submit_many(c, 3, 9);
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 1)), 0);
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 10)), -EBUSY);
}

static void abort_at_target(struct kunit *test)
{
	static const int order[] = { 1, 2 };
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 2);
	orb = take_orb(c, &c->command[0]);
	handle(c, &c->command[0]);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));

	/* It is not the caller's yet; its status is of no interest now */
	expect_handling(c);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));
	expect_agent_reset(c);
	expect_handled(c, 0);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	KUNIT_EXPECT_EQ(test, c->command[0].task.state, SBP2X_TASK_IDLE);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));

	execute_many(c, 1, 2);
	expect_order(c, order, 2);
	KUNIT_EXPECT_EQ(test, c->agent.count.aborted, 1);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 0);
}

/* ... and nobody else uses its ORB before that */
static void aborted_orb_is_kept(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_slot *slot;
	u8 copy[36];
	int i;

	bring_up(c);
	submit_many(c, 0, 0);
	slot = c->command[0].task.slot;
	memcpy(copy, slot->orb, sizeof(copy));
	take_orb(c, &c->command[0]);
	handle(c, &c->command[0]);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	submit_many(c, 1, 8);
	for (i = 1; i <= 8; i++)
		KUNIT_EXPECT_PTR_NE(test, c->command[i].task.slot, slot);
	KUNIT_EXPECT_MEMEQ(test, slot->orb, copy, sizeof(copy));
	expect_agent_reset(c);
	expect_handled(c, 0);
	execute_many(c, 1, 8);
}

/* Its ORB_POINTER is still under way: the reset does not overtake it */
static void abort_while_pointer_is_written(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	handle(c, &c->command[0]);
	expect_handling(c);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	end_write(c, ORB_POINTER, param->rcode);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_agent_reset(c);
	expect_handled(c, 0);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	execute(c, &c->command[1]);
	KUNIT_EXPECT_EQ(test, c->stale, 0);
}

static void abort_of_completed(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 0);
	execute(c, &c->command[0]);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_abort(&c->agent,
						&c->command[0].task), 0);
	KUNIT_EXPECT_EQ(test, c->count, 1);
	expect_nothing(c);
}

static void abort_not_answered(struct kunit *test)
{
	struct context *c = test->priv;
	unsigned int i;

	bring_up(c);
	submit_many(c, 0, 1);
	take_orb(c, &c->command[0]);
	handle(c, &c->command[0]);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		end_write(c, AGENT_RESET, RCODE_CANCELLED);
		expect_write_after(c, pauses[i]);
	}
	expect_handling(c);
	end_write(c, AGENT_RESET, RCODE_CANCELLED);
	expect_handled(c, -EIO);
	KUNIT_EXPECT_EQ(test, c->lost, 1);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);

	bring_up(c);
	execute(c, &c->command[1]);
}

/* The target may have it, as no reset was confirmed since it was given */
static void abort_when_agent_is_lost(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	take_orb(c, &c->command[0]);
	handle(c, NULL);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	end_write(c, AGENT_RESET, RCODE_ADDRESS_ERROR);
	flush_work(&c->work);
	KUNIT_EXPECT_EQ(test, c->lost, 1);

	KUNIT_EXPECT_EQ(test, sbp2x_agent_abort(&c->agent,
						&c->command[1].task), 0);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_abort(&c->agent,
						&c->command[0].task), -EIO);
	KUNIT_EXPECT_EQ(test, c->count, 0);
	bring_up(c);
	expect_nothing(c);
}

/* A reset is under way that decides what becomes of the task */
static void abort_during_reset(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	end_write(c, ORB_POINTER, RCODE_CANCELLED);
	handle(c, &c->command[0]);
	expect_handling(c);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_written(c, AGENT_RESET, 0);
	expect_handling(c);
	expect_written(c, UNSOLICITED, 1);
	/* It is at the target again by now, or is not: both end the same way */
	if (!sbp2x_fake_bus_wait(&c->bus, 1))
		KUNIT_FAIL(test, "nothing is sent");
	if (c->bus.pending[0].value == c->command[0].task.slot->orb_address) {
		end_write(c, ORB_POINTER, RCODE_COMPLETE);
		KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
		expect_agent_reset(c);
	}
	expect_handled(c, 0);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	execute(c, &c->command[1]);
}

/* A bus reset does what the agent reset was to do */
static void bus_reset_during_abort(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	take_orb(c, &c->command[0]);
	handle(c, &c->command[0]);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	sbp2x_fake_bus_reset(&c->bus);
	end_write(c, AGENT_RESET, RCODE_GENERATION);
	expect_handled(c, 0);
	KUNIT_EXPECT_EQ(test, c->stale, 1);
	sbp2x_agent_hold(&c->agent);
	bring_up(c);
	execute(c, &c->command[1]);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
}

static void removal_during_abort(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	submit_many(c, 0, 1);
	take_orb(c, &c->command[0]);
	handle(c, &c->command[0]);
	KUNIT_ASSERT_TRUE(test, sbp2x_fake_bus_wait(&c->bus, 1));
	sbp2x_agent_stop(&c->agent);
	expect_handled(c, -EIO);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	KUNIT_EXPECT_EQ(test, c->command[1].done, 1);
	KUNIT_EXPECT_EQ(test, c->command[1].outcome, SBP2X_TASK_GONE);
}

static void task_runs(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_task *first = &prepare(c, 0)->task;
	struct sbp2x_task *second = &prepare(c, 1)->task;

	KUNIT_EXPECT_FALSE(test, sbp2x_agent_task_runs(&c->agent, first));
	bring_up(c);
	submit_many(c, 0, 1);
	KUNIT_EXPECT_TRUE(test, sbp2x_agent_task_runs(&c->agent, first));
	KUNIT_EXPECT_FALSE(test, sbp2x_agent_task_runs(&c->agent, second));
	end_write(c, ORB_POINTER, RCODE_BUSY);
	KUNIT_EXPECT_FALSE(test, sbp2x_agent_task_runs(&c->agent, first));
	advance(c, 10);
	KUNIT_EXPECT_TRUE(test, sbp2x_agent_task_runs(&c->agent, first));
	sbp2x_fake_bus_end(&c->bus, ORB_POINTER, RCODE_COMPLETE);
	sbp2x_agent_hold(&c->agent);
	KUNIT_EXPECT_FALSE(test, sbp2x_agent_task_runs(&c->agent, first));
	bring_up(c);
	execute(c, &c->command[0]);
	KUNIT_EXPECT_FALSE(test, sbp2x_agent_task_runs(&c->agent, first));
	KUNIT_EXPECT_TRUE(test, sbp2x_agent_task_runs(&c->agent, second));
}

/* Unsolicited status, SBP-2 9.1.4: one each time the register is written */

static void unsolicited_is_armed_again(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	bring_up(c);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
		KUNIT_EXPECT_EQ(test, c->bus.count, 1);
		expect_written(c, UNSOLICITED, 1);
		expect_nothing(c);
	}
	KUNIT_EXPECT_EQ(test, c->agent.count.unsolicited, 3);
	KUNIT_EXPECT_EQ(test, c->count, 0);
}

/* It is about no ORB, even if it names one */
static void unsolicited_completes_nothing(struct kunit *test)
{
	struct context *c = test->priv;
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 0);
	orb = take_orb(c, &c->command[0]);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, orb));
	KUNIT_EXPECT_EQ(test, c->count, 0);
	expect_written(c, UNSOLICITED, 1);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_GOOD, orb));
	KUNIT_EXPECT_EQ(test, c->count, 1);
}

/* The target is quicker than the end of the write that it answers */
static void unsolicited_while_armed(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_written(c, UNSOLICITED, 1);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_written(c, UNSOLICITED, 1);
	expect_nothing(c);
}

/* Likewise with the write that is a step of the start */
static void unsolicited_while_starting(struct kunit *test)
{
	struct context *c = test->priv;

	start(c);
	/* Before that step it is that step which arms */
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	expect_agent_reset(c);
	expect_nothing(c);

	sbp2x_agent_hold(&c->agent);
	start(c);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	expect_written(c, AGENT_RESET, 0);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
	expect_written(c, UNSOLICITED, 1);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_written(c, UNSOLICITED, 1);
	expect_nothing(c);
}

/* The write of the old generation ends after the start in the new one */
static void unsolicited_under_way_at_start(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	start(c);
	swap(c->bus.pending[0], c->bus.pending[1]);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	swap(c->bus.pending[0], c->bus.pending[1]);
	expect_written(c, AGENT_RESET, 0);
	swap(c->bus.pending[0], c->bus.pending[1]);
	expect_written(c, UNSOLICITED, 1);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);

	KUNIT_EXPECT_TRUE(test, send(c, STATUS_NEWS, 0));
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	end_write(c, UNSOLICITED, RCODE_GENERATION);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_written(c, UNSOLICITED, 1);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->stale, 0);
}

/* resp 1, dead: the bus failed the target */
#define STATUS_TRANSPORT	0x59000000

/* Three times it is given again, and only then does anybody hear of it */
static void transport_failure(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	bring_up(c);
	submit_many(c, 0, 1);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, send(c, STATUS_TRANSPORT,
					     take_orb(c, &c->command[0])));
		KUNIT_EXPECT_EQ(test, c->count, 0);
		expect_agent_reset(c);
	}
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_TRANSPORT,
				     take_orb(c, &c->command[0])));
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_STATUS);
	KUNIT_EXPECT_EQ(test, be32_to_cpu(c->command[0].status.header),
			STATUS_TRANSPORT);
	expect_agent_reset(c);

	/* Each has its own three, also when it comes again */
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_TRANSPORT,
				     take_orb(c, &c->command[1])));
	KUNIT_EXPECT_EQ(test, c->command[1].done, 0);
	expect_agent_reset(c);
	execute(c, &c->command[1]);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 4);
}

static void transport_failure_of_a_tape(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up(c);
	prepare(c, 0)->task.repeatable = false;
	KUNIT_ASSERT_EQ(test, submit(&c->command[0]), 0);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_TRANSPORT,
				     take_orb(c, &c->command[0])));
	KUNIT_EXPECT_EQ(test, c->command[0].done, 1);
	KUNIT_EXPECT_EQ(test, c->command[0].outcome, SBP2X_TASK_STATUS);
}

/* Chains */

static void expect_link(struct context *c, struct command *from, u64 orb)
{
	const struct sbp2x_command_orb *tail = from->task.slot->orb;

	/* No node ID, no null: 5.1.1 */
	KUNIT_EXPECT_EQ(c->test, quadlet(tail, 0), upper_32_bits(orb));
	KUNIT_EXPECT_EQ(c->test, quadlet(tail, 1), lower_32_bits(orb));
}

static void expect_end_of_chain(struct context *c, struct command *command)
{
	KUNIT_EXPECT_EQ(c->test, quadlet(command->task.slot->orb, 0),
			0x80000000);
	KUNIT_EXPECT_EQ(c->test, quadlet(command->task.slot->orb, 1), 0);
}

static u64 orb_of(const struct command *command)
{
	return command->task.slot->orb_address;
}

/* Commands @first to @last are one chain that ends there */
static noinline void expect_chain(struct context *c, unsigned int first,
				  unsigned int last)
{
	unsigned int i;

	for (i = first; i < last; i++)
		expect_link(c, &c->command[i], orb_of(&c->command[i + 1]));
	expect_end_of_chain(c, &c->command[last]);
}

static void bring_up_mode(struct context *c, enum sbp2x_agent_mode mode)
{
	c->agent.mode = mode;
	bring_up(c);
}

/* Commands @first to @last, of which the target knows by one ORB_POINTER */
static noinline void chain_up(struct context *c, unsigned int first, unsigned int last)
{
	submit_many(c, first, last);
	take_orb(c, &c->command[first]);
	expect_nothing(c);
	expect_chain(c, first, last);
}

static noinline void complete_command(struct context *c, unsigned int number, u32 header)
{
	struct command *command = &c->command[number];

	KUNIT_EXPECT_TRUE(c->test, send(c, header, orb_of(command)));
	KUNIT_EXPECT_EQ(c->test, command->done, 1);
	KUNIT_EXPECT_EQ(c->test, command->outcome, SBP2X_TASK_STATUS);
}

/* Each had a next one when it was fetched, but the last */
static noinline void complete_chain(struct context *c, unsigned int first,
				    unsigned int last)
{
	unsigned int i;

	for (i = first; i < last; i++)
		complete_command(c, i, STATUS_NEXT);
	complete_command(c, last, STATUS_GOOD);
}

static void chain_links(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 7);
	complete_chain(c, 0, 7);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->agent.count.pointers, 1);
	KUNIT_EXPECT_EQ(test, c->agent.count.links, 7);
}

/* What waited for the start becomes one chain as well */
static void chain_of_what_waited(struct kunit *test)
{
	struct context *c = test->priv;

	c->agent.mode = SBP2X_MODE_CHAIN;
	start(c);
	submit_many(c, 0, 3);
	expect_written(c, BUSY_TIMEOUT, 0x000c800f);
	expect_agent_reset(c);
	take_orb(c, &c->command[0]);
	expect_chain(c, 0, 3);
	complete_chain(c, 0, 3);
	expect_nothing(c);
}

/* src = 1 of the last one: the agent is suspended */
static void chain_after_chain(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 1);
	complete_chain(c, 0, 1);
	expect_nothing(c);
	chain_up(c, 2, 4);
	complete_chain(c, 2, 4);
	KUNIT_EXPECT_EQ(test, c->agent.count.pointers, 2);
}

/* The race: the target had read the null when it was linked */
static void chain_linked_too_late(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 4);
	/* It saw 0, 1 and 2; 3 and 4 were linked as it suspended */
	complete_command(c, 0, STATUS_NEXT);
	complete_command(c, 1, STATUS_NEXT);
	expect_nothing(c);
	complete_command(c, 2, STATUS_GOOD);
	take_orb(c, &c->command[3]);
	expect_chain(c, 3, 4);
	complete_chain(c, 3, 4);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->agent.count.completed, 5);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 0);
}

/* ... and it had, so src = 0, and nothing is to be told */
static void chain_linked_in_time(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 0);
	for (i = 1; i < 12; i++) {
		submit_many(c, i, i);
		expect_link(c, &c->command[i - 1], orb_of(&c->command[i]));
		expect_end_of_chain(c, &c->command[i]);
		complete_command(c, i - 1, STATUS_NEXT);
		expect_nothing(c);
	}
	KUNIT_EXPECT_EQ(test, c->agent.count.pointers, 1);
	complete_command(c, 11, STATUS_GOOD);
}

/* A last one that claims to have had a next one had none that we know of */
static void chain_end_is_the_end(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 1);
	complete_command(c, 0, STATUS_NEXT);
	complete_command(c, 1, STATUS_NEXT);
	chain_up(c, 2, 2);
	complete_command(c, 2, STATUS_GOOD);
}

static void chain_out_of_order(struct kunit *test)
{
	static const int order[] = { 3, 1, 0, 2, 5, 4 };
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 5);
	/* The target took 0 to 3 and came to the end; it is told of 4 at once */
	complete_command(c, 3, STATUS_GOOD);
	take_orb(c, &c->command[4]);
	expect_chain(c, 4, 5);
	/* What was before that end says nothing new */
	complete_command(c, 1, STATUS_NEXT);
	complete_command(c, 0, STATUS_NEXT);
	complete_command(c, 2, STATUS_NEXT);
	expect_nothing(c);
	complete_command(c, 5, STATUS_GOOD);
	complete_command(c, 4, STATUS_NEXT);
	expect_nothing(c);
	expect_order(c, order, 6);
}

/* src = 1 from the middle, though a later one completed: not believed */
static void chain_lying_src(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 3);
	complete_command(c, 2, STATUS_NEXT);
	complete_command(c, 0, STATUS_GOOD);
	expect_nothing(c);
	complete_command(c, 1, STATUS_GOOD);
	expect_nothing(c);
	complete_command(c, 3, STATUS_GOOD);
}

/* next_ORB of the last in order stays what it is until a later one completes */
static void chain_tail_stays(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_slot *slot;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 2);
	slot = c->command[2].task.slot;
	complete_command(c, 2, STATUS_GOOD);
	complete_command(c, 0, STATUS_NEXT);
	complete_command(c, 1, STATUS_NEXT);
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept, slot);
	KUNIT_EXPECT_EQ(test, quadlet(slot->orb, 0), 0x80000000);

	submit_many(c, 3, 9);
	take_orb(c, &c->command[3]);
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept, slot);
	KUNIT_EXPECT_EQ(test, quadlet(slot->orb, 0), 0x80000000);
	complete_command(c, 4, STATUS_NEXT);
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept, c->command[4].task.slot);
	complete_command(c, 3, STATUS_NEXT);
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept, c->command[4].task.slot);
	complete_chain(c, 5, 9);
}

/* Orders wrap around */
static void chain_for_long(struct kunit *test)
{
	struct context *c = test->priv;
	int round;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	c->agent.order = 0xfffffff8;
	for (round = 0; round < 4; round++) {
		c->count = 0;
		chain_up(c, 0, 4);
		complete_command(c, 1, STATUS_NEXT);
		complete_command(c, 0, STATUS_NEXT);
		complete_command(c, 3, STATUS_GOOD);
		complete_command(c, 2, STATUS_NEXT);
		execute(c, &c->command[4]);
	}
	KUNIT_EXPECT_EQ(test, c->agent.order, 0xfffffff8 + 24);
	KUNIT_EXPECT_EQ(test, c->agent.count.pointers, 8);
}

/* The statuses overtake the end of the write */
static void chain_status_before_write_ends(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	submit_many(c, 0, 3);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb_of(&c->command[0]));
	complete_command(c, 0, STATUS_NEXT);
	complete_command(c, 1, STATUS_NEXT);
	end_write(c, ORB_POINTER, param->rcode);
	expect_nothing(c);
	complete_command(c, 2, STATUS_NEXT);
	complete_command(c, 3, STATUS_GOOD);
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 0);
}

/* The target refuses the first of a chain: it has none of them */
static void chain_refused_then_taken(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	submit_many(c, 0, 2);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb_of(&c->command[0]));
	end_write(c, ORB_POINTER, param->rcode);
	/* One that comes meanwhile is linked to them in the end */
	submit_many(c, 3, 3);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_NEXT, orb_of(&c->command[1])));
	expect_write_after(c, 10);
	take_orb(c, &c->command[0]);
	expect_chain(c, 0, 3);
	complete_chain(c, 0, 3);
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 0);
	expect_nothing(c);
}

static void chain_refused_in_the_middle(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 3);
	/* 0 is still being worked on when 1 ends the chain */
	complete_command(c, 1, STATUS_GOOD);
	KUNIT_EXPECT_EQ(test, orb_address(c), orb_of(&c->command[2]));
	end_write(c, ORB_POINTER, RCODE_CONFLICT_ERROR);
	expect_nothing(c);
	complete_command(c, 0, STATUS_NEXT);
	expect_write_after(c, 10);
	take_orb(c, &c->command[2]);
	expect_chain(c, 2, 3);
	complete_chain(c, 2, 3);
}

/* Nobody knows what the target has: reset, and all of it once more, in order */
static void chain_pointer_lost(struct kunit *test)
{
	static const int order[] = { 0, 1, 2, 3 };
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	submit_many(c, 0, 3);
	end_write(c, ORB_POINTER, param->rcode);
	expect_agent_reset(c);
	take_orb(c, &c->command[0]);
	expect_chain(c, 0, 3);
	complete_chain(c, 0, 3);
	expect_order(c, order, 4);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 4);
}

static void chain_dead_agent(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 4);
	complete_command(c, 0, STATUS_NEXT);
	complete_command(c, 1, STATUS_DEAD & ~0x40000000);
	expect_agent_reset(c);
	take_orb(c, &c->command[2]);
	expect_chain(c, 2, 4);
	complete_chain(c, 2, 4);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 1);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 3);
}

static void chain_transport_failure(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 3);
	complete_command(c, 0, STATUS_NEXT);
	KUNIT_EXPECT_TRUE(test, send(c, STATUS_TRANSPORT & ~0x40000000,
				     orb_of(&c->command[1])));
	expect_agent_reset(c);
	take_orb(c, &c->command[1]);
	expect_chain(c, 1, 3);
	complete_chain(c, 1, 3);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 3);
}

/* 32 in flight: in order, under the new IDs, each once */
static void chain_over_bus_reset(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	c->agent.limits.depth = 32;
	chain_up(c, 0, 31);
	complete_command(c, 1, STATUS_NEXT);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 1);

	bring_up(c);
	take_orb(c, &c->command[0]);
	expect_link(c, &c->command[0], orb_of(&c->command[2]));
	expect_chain(c, 2, 31);
	/* data_descriptor carries our new node ID */
	for (i = 2; i < 32; i++)
		KUNIT_EXPECT_EQ(test, quadlet(c->command[i].task.slot->orb, 2),
				(u32)c->bus.path.local_node_id << 16);
	complete_command(c, 0, STATUS_NEXT);
	complete_chain(c, 2, 31);
	KUNIT_EXPECT_EQ(test, c->count, 32);
	KUNIT_EXPECT_EQ(test, c->agent.count.resubmitted, 31);
	expect_nothing(c);
}

/* Not repeatable: all that the target may have seen is lost, the rest is not */
static void chain_of_a_tape(struct kunit *test)
{
	struct context *c = test->priv;
	int i;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	for (i = 0; i < 3; i++) {
		prepare(c, i)->task.repeatable = false;
		KUNIT_ASSERT_EQ(test, submit(&c->command[i]), 0);
	}
	take_orb(c, &c->command[0]);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, c->command[i].done, 1);
		KUNIT_EXPECT_EQ(test, c->command[i].outcome, SBP2X_TASK_LOST);
	}
	bring_up(c);
	expect_nothing(c);
}

static void chain_is_removed(struct kunit *test)
{
	static const int order[] = { 1, 0, 2, 3, 4 };
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 4);
	complete_command(c, 1, STATUS_NEXT);
	sbp2x_agent_stop(&c->agent);
	expect_order(c, order, 5);
	KUNIT_EXPECT_EQ(test, c->command[4].outcome, SBP2X_TASK_GONE);
	expect_nothing(c);
}

/* The deadline of one: that one is over, the others are given again */
static void chain_abort_one(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 3);
	complete_command(c, 0, STATUS_NEXT);
	handle(c, &c->command[2]);
	expect_reset_handled(c);
	take_orb(c, &c->command[1]);
	expect_link(c, &c->command[1], orb_of(&c->command[3]));
	complete_command(c, 1, STATUS_NEXT);
	complete_command(c, 3, STATUS_GOOD);
	KUNIT_EXPECT_EQ(test, c->command[2].done, 0);
	/* Something came back, so the chain as such is no trouble */
	KUNIT_EXPECT_EQ(test, sbp2x_agent_mode(&c->agent), SBP2X_MODE_CHAIN);
}

static noinline void expect_rung(struct context *c, int rcode)
{
	sbp2x_fake_bus_expect(&c->bus, DOORBELL, 4, 0);
	end_write(c, DOORBELL, rcode);
}

/* The doorbell is rung for a list that stands still */
static void expect_asked(struct context *c, int rcode)
{
	KUNIT_ASSERT_TRUE(c->test, sbp2x_fake_bus_wait(&c->bus, 1));
	expect_rung(c, rcode);
}

/*
 * Nothing came back since, nor when the doorbell was rung: the chain is what
 * the target stands still for
 */
static void wedge(struct kunit *test, enum sbp2x_agent_mode mode)
{
	struct context *c = test->priv;

	bring_up_mode(c, mode);
	chain_up(c, 0, 0);
	complete_command(c, 0, STATUS_GOOD);
	submit_many(c, 0, 3);
	sbp2x_fake_bus_end_all(&c->bus, RCODE_COMPLETE);

	handle(c, &c->command[0]);
	expect_asked(c, RCODE_COMPLETE);
	expect_reset_handled(c);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_mode(&c->agent), SBP2X_MODE_SERIAL);
	expect_end_of_chain(c, &c->command[1]);
	c->count = 0;
	execute_many(c, 1, 3);
	expect_nothing(c);

	/* For good: a login afresh or a bus reset does not change it */
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	bring_up(c);
	submit_many(c, 0, 2);
	execute_many(c, 0, 2);
	expect_nothing(c);
}

static void chain_wedge(struct kunit *test)
{
	wedge(test, SBP2X_MODE_CHAIN);
}

static void doorbell_wedge(struct kunit *test)
{
	wedge(test, SBP2X_MODE_DOORBELL);
}

/*
 * The target came to the end of the list, and the status that said so was
 * lost: it knows nothing of what was linked there since, and stumbles over
 * nothing.
 */
static void lost_end(struct kunit *test, enum sbp2x_agent_mode mode)
{
	struct context *c = test->priv;

	bring_up_mode(c, mode);
	chain_up(c, 0, 0);
	submit_many(c, 1, 3);
	sbp2x_fake_bus_end_all(&c->bus, RCODE_COMPLETE);

	handle(c, &c->command[0]);
	expect_asked(c, RCODE_COMPLETE);
	complete_command(c, 1, STATUS_NEXT);
	expect_reset_handled(c);
	KUNIT_EXPECT_EQ(test, c->command[0].done, 0);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_mode(&c->agent), mode);
	take_orb(c, &c->command[2]);
	expect_link(c, &c->command[2], orb_of(&c->command[3]));
	complete_chain(c, 2, 3);
	expect_nothing(c);
}

static void chain_lost_end(struct kunit *test)
{
	lost_end(test, SBP2X_MODE_CHAIN);
}

static void doorbell_lost_end(struct kunit *test)
{
	lost_end(test, SBP2X_MODE_DOORBELL);
}

/* It stumbles over links, and knows no doorbell either */
static void chain_wedge_no_doorbell(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 1);
	handle(c, &c->command[0]);
	expect_asked(c, RCODE_ADDRESS_ERROR);
	expect_reset_handled(c);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_mode(&c->agent), SBP2X_MODE_SERIAL);
	execute_many(c, 1, 1);
	expect_nothing(c);
}

/* A bus reset while it is asked: the list begins afresh */
static void chain_wedge_bus_reset(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 1);
	handle(c, &c->command[0]);
	expect_asked(c, RCODE_COMPLETE);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	expect_handled(c, 0);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_mode(&c->agent), SBP2X_MODE_CHAIN);
	bring_up(c);
	execute_many(c, 1, 1);
	expect_nothing(c);
}

static unsigned int length_of(const struct list_head *list)
{
	const struct list_head *entry;
	unsigned int length = 0;

	list_for_each(entry, list)
		length++;
	return length;
}

/* The submitter fills them in anew while the target may still have them */
static void tasks_are_taken_back(struct kunit *test)
{
	struct context *c = test->priv;
	LIST_HEAD(taken);
	u64 orb;

	bring_up(c);
	submit_many(c, 0, 2);
	take_orb(c, &c->command[0]);
	orb = orb_of(&c->command[0]);
	sbp2x_agent_withdraw(&c->agent, &taken);
	KUNIT_EXPECT_EQ(test, length_of(&taken), 3);
	KUNIT_EXPECT_FALSE(test, sbp2x_agent_has_tasks(&c->agent));

	/* What the target says of one of them is not for the next */
	KUNIT_EXPECT_EQ(test, submit(prepare(c, 0)), 0);
	take_orb(c, &c->command[0]);
	KUNIT_EXPECT_NE(test, orb_of(&c->command[0]), orb);
	KUNIT_EXPECT_FALSE(test, send(c, STATUS_GOOD, orb));

	/* And after a reset it is the only one that the target is given */
	handle(c, NULL);
	expect_reset_handled(c);
	take_orb(c, &c->command[0]);
	complete_command(c, 0, STATUS_GOOD);
	KUNIT_EXPECT_EQ(test, c->count, 1);
	expect_nothing(c);
}

static void nothing_to_take_back(struct kunit *test)
{
	struct context *c = test->priv;
	LIST_HEAD(taken);

	sbp2x_agent_withdraw(&c->agent, &taken);
	bring_up(c);
	sbp2x_agent_withdraw(&c->agent, &taken);
	KUNIT_EXPECT_TRUE(test, list_empty(&taken));
	submit_many(c, 0, 0);
	execute_many(c, 0, 0);
}

/* It is given nothing while it is held, and all the same the tasks go back */
static void taken_back_when_held(struct kunit *test)
{
	struct context *c = test->priv;
	LIST_HEAD(taken);

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 2);
	sbp2x_fake_bus_reset(&c->bus);
	sbp2x_agent_hold(&c->agent);
	sbp2x_agent_withdraw(&c->agent, &taken);
	KUNIT_EXPECT_EQ(test, length_of(&taken), 3);
	bring_up(c);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->count, 0);
}

/* One command that takes too long is not the chain's fault */
static void chain_slow_single(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_CHAIN);
	chain_up(c, 0, 0);
	handle(c, &c->command[0]);
	expect_reset_handled(c);
	KUNIT_EXPECT_EQ(test, sbp2x_agent_mode(&c->agent), SBP2X_MODE_CHAIN);
	chain_up(c, 1, 2);
	complete_chain(c, 1, 2);
}

/* Doorbell */

static void doorbell_rings(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	submit_many(c, 1, 1);
	expect_link(c, &c->command[0], orb_of(&c->command[1]));
	expect_rung(c, RCODE_COMPLETE);
	expect_nothing(c);
	/* It had seen the null, and looked again: nothing else to tell it */
	complete_command(c, 0, STATUS_GOOD);
	expect_nothing(c);
	complete_command(c, 1, STATUS_GOOD);
	KUNIT_EXPECT_EQ(test, c->agent.count.doorbells, 1);
}

/* After the end of the chain, next_ORB of what completed last is the way */
static void doorbell_after_the_end(struct kunit *test)
{
	struct context *c = test->priv;
	struct sbp2x_slot *tail;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	tail = c->command[0].task.slot;
	complete_command(c, 0, STATUS_GOOD);
	submit_many(c, 1, 1);
	KUNIT_EXPECT_EQ(test, quadlet(tail->orb, 0), 0);
	KUNIT_EXPECT_EQ(test, quadlet(tail->orb, 1),
			lower_32_bits(orb_of(&c->command[1])));
	KUNIT_EXPECT_PTR_EQ(test, c->agent.kept, tail);
	expect_rung(c, RCODE_COMPLETE);
	complete_command(c, 1, STATUS_GOOD);
	expect_nothing(c);
	KUNIT_EXPECT_EQ(test, c->agent.count.pointers, 1);
}

/* Rung once for all that is linked while it rings, and once more then */
static void doorbell_rings_once_more(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	submit_many(c, 1, 4);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_rung(c, RCODE_COMPLETE);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_rung(c, RCODE_COMPLETE);
	expect_nothing(c);
	complete_chain(c, 0, 4);
}

static void doorbell_refused(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	submit_many(c, 1, 1);
	expect_rung(c, param->rcode);
	expect_write_after(c, 10);
	expect_rung(c, RCODE_COMPLETE);
	complete_chain(c, 0, 1);
	KUNIT_EXPECT_EQ(test, c->agent.count.resets, 0);
	expect_nothing(c);
}

static void doorbell_lost(struct kunit *test)
{
	const struct rcode_param *param = test->param_value;
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	submit_many(c, 1, 1);
	expect_rung(c, param->rcode);
	expect_agent_reset(c);
	take_orb(c, &c->command[0]);
	expect_chain(c, 0, 1);
	complete_chain(c, 0, 1);
}

static void doorbell_of_old_generation(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	submit_many(c, 1, 1);
	sbp2x_fake_bus_reset(&c->bus);
	end_write(c, DOORBELL, RCODE_GENERATION);
	KUNIT_EXPECT_EQ(test, c->stale, 1);
	bring_up(c);
	take_orb(c, &c->command[0]);
	complete_chain(c, 0, 1);
	expect_nothing(c);
}

/* AGENT_RESET waits for the bell, lest it rings a target that was reset */
static void doorbell_before_reset(struct kunit *test)
{
	struct context *c = test->priv;

	bring_up_mode(c, SBP2X_MODE_DOORBELL);
	chain_up(c, 0, 0);
	submit_many(c, 1, 1);
	complete_command(c, 0, STATUS_DEAD);
	KUNIT_EXPECT_EQ(test, c->bus.count, 1);
	expect_rung(c, RCODE_COMPLETE);
	expect_agent_reset(c);
	take_orb(c, &c->command[1]);
	complete_command(c, 1, STATUS_GOOD);
	expect_nothing(c);
}

static int agent_test_init(struct kunit *test)
{
	static const struct sbp2x_agent_limits limits = {
		.mode = SBP2X_MODE_SERIAL,
		.depth = 32,
		.orb_size = 36,
		.page_table_entries = 64,
	};
	struct context *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	c->test = test;
	INIT_WORK(&c->work, handle_work);
	init_completion(&c->handled);
	sbp2x_fake_clock_init(&c->clock, test);
	sbp2x_fake_bus_init(&c->bus, test);
	sbp2x_memory_init(&c->memory, &c->bus.bus, SBP2X_MEMORY_PHYSICAL);
	KUNIT_ASSERT_EQ(test, 0, sbp2x_scheduler_init(&c->scheduler,
						      &c->clock.clock, "test"));
	KUNIT_ASSERT_EQ(test, 0, sbp2x_agent_init(&c->agent, &c->memory,
						  &c->scheduler, &test_ops,
						  &limits));
	/* There is memory for more */
	c->agent.limits.depth = 8;
	c->ready = true;
	return 0;
}

static void agent_test_exit(struct kunit *test)
{
	struct context *c = test->priv;

	if (!c || !c->ready)
		return;

	c->then = NULL;
	c->count = 0;
	sbp2x_agent_stop(&c->agent);
	flush_work(&c->work);
	sbp2x_scheduler_shutdown(&c->scheduler);
	sbp2x_fake_bus_end_all(&c->bus, RCODE_CANCELLED);
	sbp2x_bus_drain(&c->bus.bus);
	sbp2x_scheduler_destroy(&c->scheduler);
	sbp2x_agent_destroy(&c->agent);
}

static struct kunit_case agent_test_cases[] = {
	KUNIT_CASE(unbound_is_refused),
	KUNIT_CASE(start_writes_registers),
	KUNIT_CASE(comfort_is_refused),
	KUNIT_CASE_PARAM(comfort_is_not_answered, control_transient_gen_params),
	KUNIT_CASE_PARAM(reset_is_not_answered, control_transient_gen_params),
	KUNIT_CASE(reset_is_refused),
	KUNIT_CASE(start_in_old_generation),
	KUNIT_CASE(start_while_old_write_is_under_way),
	KUNIT_CASE(old_reset_is_no_new_one),
	KUNIT_CASE(start_while_pausing),
	KUNIT_CASE(orb_of_one_segment),
	KUNIT_CASE(orb_of_high_odd_segment),
	KUNIT_CASE(orb_without_data),
	KUNIT_CASE(orb_of_many_segments),
	KUNIT_CASE(orb_tables_are_apart),
	KUNIT_CASE(data_that_does_not_fit),
	KUNIT_CASE_PARAM(orb_cdb, cdb_gen_params),
	KUNIT_CASE(cdb_that_does_not_fit),
	KUNIT_CASE(orb_in_new_generation),
	KUNIT_CASE(next_after_status),
	KUNIT_CASE(status_is_handed_on),
	KUNIT_CASE(submitted_again_when_done),
	KUNIT_CASE(list_is_full),
	KUNIT_CASE(tail_stays_until_next_completes),
	KUNIT_CASE(addresses_in_turn),
	KUNIT_CASE(status_of_stranger),
	KUNIT_CASE(status_for_unknown_orb),
	KUNIT_CASE(status_twice),
	KUNIT_CASE(status_of_old_generation),
	KUNIT_CASE_PARAM(status_before_write_ends, any_end_gen_params),
	KUNIT_CASE(slot_waits_for_late_write),
	KUNIT_CASE_PARAM(pointer_refused_then_taken,
			 pointer_transient_gen_params),
	KUNIT_CASE_PARAM(pointer_refused_and_pausing,
			 pointer_transient_gen_params),
	KUNIT_CASE_PARAM(pointer_refused_always, pointer_transient_gen_params),
	KUNIT_CASE_PARAM(pointer_lost, pointer_final_gen_params),
	KUNIT_CASE_PARAM(pointer_lost_always, pointer_final_gen_params),
	KUNIT_CASE(pointer_lost_then_status),
	KUNIT_CASE(pointer_of_old_generation),
	KUNIT_CASE_PARAM(pointer_under_way_at_reset, any_end_gen_params),
	KUNIT_CASE(dead_is_reset),
	KUNIT_CASE_PARAM(dead_before_pointer_write_ends, any_end_gen_params),
	KUNIT_CASE(dead_and_silent),
	KUNIT_CASE(bus_reset_with_full_list),
	KUNIT_CASE(agent_reset_with_full_list),
	KUNIT_CASE(tape_at_target_is_lost),
	KUNIT_CASE(tape_is_lost_by_bus_reset),
	KUNIT_CASE(tape_when_agent_is_lost),
	KUNIT_CASE(stop_with_full_list),
	KUNIT_CASE(close_then_stop),
	KUNIT_CASE(stop_while_starting),
	KUNIT_CASE(stop_after_scheduler),
	KUNIT_CASE(abort_queued),
	KUNIT_CASE(abort_at_target),
	KUNIT_CASE(aborted_orb_is_kept),
	KUNIT_CASE_PARAM(abort_while_pointer_is_written, any_end_gen_params),
	KUNIT_CASE(abort_of_completed),
	KUNIT_CASE(abort_not_answered),
	KUNIT_CASE(abort_when_agent_is_lost),
	KUNIT_CASE(abort_during_reset),
	KUNIT_CASE(bus_reset_during_abort),
	KUNIT_CASE(removal_during_abort),
	KUNIT_CASE(task_runs),
	KUNIT_CASE(unsolicited_is_armed_again),
	KUNIT_CASE(unsolicited_completes_nothing),
	KUNIT_CASE(unsolicited_while_armed),
	KUNIT_CASE(unsolicited_while_starting),
	KUNIT_CASE(unsolicited_under_way_at_start),
	KUNIT_CASE(transport_failure),
	KUNIT_CASE(transport_failure_of_a_tape),
	KUNIT_CASE(chain_links),
	KUNIT_CASE(chain_of_what_waited),
	KUNIT_CASE(chain_after_chain),
	KUNIT_CASE(chain_linked_too_late),
	KUNIT_CASE(chain_linked_in_time),
	KUNIT_CASE(chain_end_is_the_end),
	KUNIT_CASE(chain_out_of_order),
	KUNIT_CASE(chain_lying_src),
	KUNIT_CASE(chain_tail_stays),
	KUNIT_CASE(chain_for_long),
	KUNIT_CASE_PARAM(chain_status_before_write_ends, any_end_gen_params),
	KUNIT_CASE_PARAM(chain_refused_then_taken,
			 pointer_transient_gen_params),
	KUNIT_CASE(chain_refused_in_the_middle),
	KUNIT_CASE_PARAM(chain_pointer_lost, pointer_final_gen_params),
	KUNIT_CASE(chain_dead_agent),
	KUNIT_CASE(chain_transport_failure),
	KUNIT_CASE(chain_over_bus_reset),
	KUNIT_CASE(chain_of_a_tape),
	KUNIT_CASE(chain_is_removed),
	KUNIT_CASE(chain_abort_one),
	KUNIT_CASE(chain_wedge),
	KUNIT_CASE(doorbell_wedge),
	KUNIT_CASE(chain_lost_end),
	KUNIT_CASE(doorbell_lost_end),
	KUNIT_CASE(chain_wedge_no_doorbell),
	KUNIT_CASE(chain_wedge_bus_reset),
	KUNIT_CASE(tasks_are_taken_back),
	KUNIT_CASE(nothing_to_take_back),
	KUNIT_CASE(taken_back_when_held),
	KUNIT_CASE(chain_slow_single),
	KUNIT_CASE(doorbell_rings),
	KUNIT_CASE(doorbell_after_the_end),
	KUNIT_CASE(doorbell_rings_once_more),
	KUNIT_CASE_PARAM(doorbell_refused, pointer_transient_gen_params),
	KUNIT_CASE_PARAM(doorbell_lost, pointer_final_gen_params),
	KUNIT_CASE(doorbell_of_old_generation),
	KUNIT_CASE(doorbell_before_reset),
	{}
};

static struct kunit_suite agent_test_suite = {
	.name = "sbp2x-agent",
	.init = agent_test_init,
	.exit = agent_test_exit,
	.test_cases = agent_test_cases,
};

kunit_test_suite(agent_test_suite);
