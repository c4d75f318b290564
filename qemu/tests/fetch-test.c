/*
 * Command block agents as SBP-2 6.4 and 9.1 have them: an initiator with lists
 * of ORBs, an agent, and tasks that end when the test says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "sbp2.h"
#include "test.h"

#define TYPE_INITIATOR  "test-initiator"
#define TYPE_TARGET     "test-target"
#define MS              1000000ll
#define ORBS            8
#define ORB(n)          (0x10000ull + 0x100 * (n))
#define FIFO            0xfffff0080000ull
#define NO_NEXT         (1ull << 63)
#define CONTROL_NOTIFY  (1u << 31)
#define MAX_BLOCKS      16

/* An initiator: ORBs at ORB(0) and following, status blocks that came */
typedef struct Initiator {
    FWDevice device;
    uint64_t next[ORBS];        /* next_ORB */
    uint8_t block[MAX_BLOCKS][32];
    unsigned blocks;
    unsigned reads;
    int fifo_rcode, orb_rcode;
    /* Once, before the next read is answered */
    void (*at_read)(void);
} Initiator;

static FWBus *bus;
static Initiator *initiator, *stranger;
static SBP2Target *target;
static SBP2Login *login;
static SBP2Task *started[ORBS];     /* in the order of their start */
static unsigned starts;
static bool wedges[SBP2_FAULTS], check_kills;
static int rcode_of_write;

/* What the agent asks of the rest of the target */

void sbp2_task_start(SBP2Task *task, const uint8_t *orb)
{
    task->notify = ldl_be_p(orb + 16) & CONTROL_NOTIFY;
    started[starts++] = task;
}

void sbp2_task_cancel_io(SBP2Task *task)
{
}

void sbp2_task_free(SBP2Task *task)
{
    g_free(task);
}

bool sbp2_fault(SBP2Target *t, SBP2FaultKind kind)
{
    return wedges[kind];
}

bool sbp2_faults_wedges(SBP2Target *t, SBP2FaultKind kind)
{
    return wedges[kind];
}

bool sbp2_faults_check_kills(SBP2Target *t, const uint8_t *command_set)
{
    return check_kills;
}

void sbp2_faults_send_status(SBP2Target *t, const SBP2Status *status)
{
    sbp2_send_status(t, status);
}

static uint32_t powered_up_ms;

void sbp2_faults_power_up(SBP2Target *t, uint32_t spin_up_ms)
{
    powered_up_ms = spin_up_ms;
}

void sbp2_faults_forget_logins(SBP2Target *t)
{
}

/* Nodes */

static void initiator_read(FWDevice *dev, FWRequest *req, uint64_t offset,
                           size_t length)
{
    Initiator *i = container_of(dev, Initiator, device);
    unsigned n = (offset - ORB(0)) / 0x100;
    uint8_t orb[64] = { 0 };
    void (*at_read)(void) = i->at_read;

    g_assert_cmpuint(n, <, ORBS);
    g_assert_cmphex(offset, ==, ORB(n));
    i->reads++;
    i->at_read = NULL;
    stq_be_p(orb, i->next[n]);
    stl_be_p(orb + 16, CONTROL_NOTIFY);
    if (at_read) {
        at_read();
    }
    fw_device_respond(dev, req, i->orb_rcode, i->orb_rcode ? NULL : orb,
                      i->orb_rcode ? 0 : length);
}

static void initiator_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                            const uint8_t *data, size_t length)
{
    Initiator *i = container_of(dev, Initiator, device);

    g_assert_cmphex(offset, ==, FIFO);
    if (!i->fifo_rcode) {
        memcpy(i->block[i->blocks++], data, length);
    }
    fw_device_respond(dev, req, i->fifo_rcode, NULL, 0);
}

static void initiator_class_init(ObjectClass *klass, void *data)
{
    FW_DEVICE_CLASS(klass)->read = initiator_read;
    FW_DEVICE_CLASS(klass)->write = initiator_write;
}

static void target_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                         const uint8_t *data, size_t length)
{
    sbp2_agent_write(login, req, offset - SBP2_COMMAND_AGENTS, data, length);
}

static void target_read(FWDevice *dev, FWRequest *req, uint64_t offset,
                        size_t length)
{
    sbp2_agent_read(login, req, offset - SBP2_COMMAND_AGENTS, length);
}

static void target_class_init(ObjectClass *klass, void *data)
{
    FW_DEVICE_CLASS(klass)->write = target_write;
    FW_DEVICE_CLASS(klass)->read = target_read;
}

/* A login with a list of ORBs, each the last one of its list */
static void set_up(unsigned depth)
{
    unsigned i;

    bus = object_new(TYPE_FW_BUS);
    initiator = test_node_new(bus, TYPE_INITIATOR, FW_S400);
    target = test_node_new(bus, TYPE_TARGET, FW_S400);
    stranger = test_node_new(bus, TYPE_INITIATOR, FW_S400);
    stub_run(MS);
    for (i = 0; i < ORBS; i++) {
        initiator->next[i] = NO_NEXT;
    }
    target->queue_depth = depth;
    target->orb_size = 9;
    login = &target->login[0];
    login->target = target;
    login->used = true;
    login->node_id = initiator->device.node_id;
    login->status_fifo = FIFO;
    QTAILQ_INIT(&login->tasks);
    starts = 0;
    check_kills = false;
    memset(wedges, 0, sizeof(wedges));
}

static void tear_down(void)
{
    sbp2_agent_abort_all(login);
    test_node_free(stranger);
    test_node_free(target);
    test_node_free(initiator);
    stub_run(MS);
    object_unref(bus);
}

/* What the test does and sees */

static void wrote(FWDevice *dev, int rcode, const uint8_t *data, size_t length,
                  void *opaque)
{
    rcode_of_write = rcode;
}

static int agent_write(Initiator *from, unsigned offset, uint64_t value,
                       size_t length)
{
    FWDevice *dev = &from->device;
    uint8_t data[8];

    stq_be_p(data, value);
    rcode_of_write = -1;
    fw_device_write(dev, target->parent_obj.node_id, dev->generation,
                    SBP2_COMMAND_AGENTS + offset, data, length, FW_S400, wrote,
                    NULL);
    stub_run(MS);
    return rcode_of_write;
}

static int orb_pointer(unsigned n)
{
    return agent_write(initiator, SBP2_ORB_POINTER, ORB(n), 8);
}

static int doorbell(void)
{
    return agent_write(initiator, SBP2_DOORBELL, 0, 4);
}

static int agent_reset(void)
{
    return agent_write(initiator, SBP2_AGENT_RESET, 0, 4);
}

static void append(unsigned n)
{
    initiator->next[n - 1] = ORB(n);
}

/* Ends the task of ORB(@n) with the SCSI status GOOD */
static void end(unsigned n)
{
    SBP2Task *task;

    QTAILQ_FOREACH(task, &login->tasks, next) {
        if (task->orb == ORB(n)) {
            sbp2_task_end(task, SBP2_COMPLETE, SBP2_OK, NULL, 0);
            stub_run(MS);
            return;
        }
    }
    g_assert_not_reached();
}

static uint32_t agent_state(void)
{
    return login->state;
}

/* The block that came as number @i: for which ORB, and its first quadlet */
static void check_block(unsigned i, unsigned n, uint32_t first)
{
    g_assert_cmpuint(initiator->blocks, >, i);
    g_assert_cmphex(ldl_be_p(initiator->block[i]), ==, first);
    g_assert_cmphex(ldl_be_p(initiator->block[i] + 4), ==, ORB(n));
}

/* First quadlets: src 31:30, resp 29:28, dead 27, len 26:24, sbp_status 23:16 */
#define CONTINUES       0x01000000
#define SUSPENDED       0x41000000

static void one(void)
{
    set_up(8);
    g_assert_cmpint(orb_pointer(0), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(starts, ==, 1);
    g_assert_cmpuint(agent_state(), ==, AGENT_SUSPENDED);
    end(0);
    g_assert_cmpuint(initiator->blocks, ==, 1);
    check_block(0, 0, SUSPENDED);
    g_assert_cmpint(orb_pointer(1), ==, FW_RCODE_COMPLETE);
    end(1);
    check_block(1, 1, SUSPENDED);
    g_assert_cmpuint(target->count.orb_pointers, ==, 2);
    g_assert_cmpuint(target->count.chained, ==, 0);
    tear_down();
}

static void chain(void)
{
    set_up(8);
    append(1);
    append(2);
    orb_pointer(0);
    g_assert_cmpuint(starts, ==, 3);
    g_assert_cmpuint(initiator->reads, ==, 3);
    g_assert_cmpuint(agent_state(), ==, AGENT_SUSPENDED);
    end(0);
    end(1);
    end(2);
    check_block(0, 0, CONTINUES);
    check_block(1, 1, CONTINUES);
    check_block(2, 2, SUSPENDED);
    g_assert_cmpuint(target->count.chained, ==, 2);
    g_assert_cmpuint(target->count.out_of_order, ==, 0);
    tear_down();
}

/* No more than queue-depth at once, and an active agent takes no ORB_POINTER */
static void depth(void)
{
    set_up(2);
    append(1);
    append(2);
    append(3);
    orb_pointer(0);
    g_assert_cmpuint(starts, ==, 2);
    g_assert_cmpuint(agent_state(), ==, AGENT_ACTIVE);
    g_assert_cmpint(orb_pointer(5), ==, FW_RCODE_CONFLICT_ERROR);
    end(1);
    g_assert_cmpuint(starts, ==, 3);
    end(0);
    g_assert_cmpuint(starts, ==, 4);
    g_assert_cmpuint(agent_state(), ==, AGENT_SUSPENDED);
    g_assert_cmpuint(target->count.max_tasks, ==, 2);
    tear_down();
}

/* What is linked while its predecessor waits to be fetched is found */
static void link_ahead(void)
{
    set_up(1);
    append(1);
    orb_pointer(0);
    append(2);
    end(0);
    end(1);
    end(2);
    check_block(1, 1, CONTINUES);
    check_block(2, 2, SUSPENDED);
    tear_down();
}

static void out_of_order(void)
{
    set_up(8);
    append(1);
    append(2);
    orb_pointer(0);
    end(2);
    end(0);
    end(1);
    check_block(0, 2, SUSPENDED);
    check_block(1, 0, CONTINUES);
    check_block(2, 1, CONTINUES);
    g_assert_cmpuint(target->count.out_of_order, ==, 1);
    tear_down();
}

/*
 * The last ORB still runs: after the doorbell its most recent fetch has seen a
 * next one
 */
static void doorbell_while_it_runs(void)
{
    set_up(8);
    orb_pointer(0);
    append(1);
    g_assert_cmpint(doorbell(), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(starts, ==, 2);
    end(0);
    end(1);
    check_block(0, 0, CONTINUES);
    check_block(1, 1, SUSPENDED);
    g_assert_cmpuint(target->count.doorbells, ==, 1);
    tear_down();
}

/* It is over, and told so: its memory is read once more nevertheless */
static void doorbell_after_its_end(void)
{
    set_up(8);
    orb_pointer(0);
    end(0);
    check_block(0, 0, SUSPENDED);
    append(1);
    doorbell();
    g_assert_cmpuint(starts, ==, 2);
    end(1);
    check_block(1, 1, SUSPENDED);
    tear_down();
}

static void doorbell_for_nothing(void)
{
    set_up(8);
    g_assert_cmpint(doorbell(), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(initiator->reads, ==, 0);
    g_assert_cmpuint(agent_state(), ==, AGENT_RESET);
    orb_pointer(0);
    g_assert_cmpuint(initiator->reads, ==, 1);
    doorbell();
    g_assert_cmpuint(initiator->reads, ==, 2);
    g_assert_cmpuint(starts, ==, 1);
    g_assert_cmpuint(agent_state(), ==, AGENT_SUSPENDED);
    end(0);
    check_block(0, 0, SUSPENDED);
    tear_down();
}

static void link_and_ring(void)
{
    FWDevice *dev = &initiator->device;
    uint8_t data[4] = { 0 };

    append(1);
    fw_device_write(dev, target->parent_obj.node_id, dev->generation,
                    SBP2_COMMAND_AGENTS + SBP2_DOORBELL, data, 4, FW_S400,
                    NULL, NULL);
}

/* The ORB is on its way without its next one when that is linked */
static void doorbell_while_fetching(void)
{
    set_up(8);
    initiator->at_read = link_and_ring;
    orb_pointer(0);
    g_assert_cmpuint(target->count.doorbells, ==, 1);
    g_assert_cmpuint(initiator->reads, ==, 3);
    g_assert_cmpuint(starts, ==, 2);
    end(0);
    end(1);
    check_block(0, 0, CONTINUES);
    check_block(1, 1, SUSPENDED);
    tear_down();
}

/* Rung before the last ORB was fetched: its fetch is the answer */
static void doorbell_is_answered_by_a_fetch(void)
{
    set_up(1);
    append(1);
    orb_pointer(0);
    doorbell();
    end(0);
    g_assert_cmpuint(initiator->reads, ==, 2);
    g_assert_cmpuint(agent_state(), ==, AGENT_SUSPENDED);
    tear_down();
}

static void dead(void)
{
    set_up(8);
    initiator->orb_rcode = FW_RCODE_ADDRESS_ERROR;
    orb_pointer(0);
    /* src 1, transport failure, dead */
    check_block(0, 0, 0x59000000);
    g_assert_cmpuint(agent_state(), ==, AGENT_DEAD);
    initiator->orb_rcode = FW_RCODE_COMPLETE;
    g_assert_cmpint(orb_pointer(1), ==, FW_RCODE_CONFLICT_ERROR);
    doorbell();
    g_assert_cmpuint(starts, ==, 0);
    g_assert_cmpuint(agent_state(), ==, AGENT_DEAD);
    g_assert_cmpint(agent_reset(), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(agent_state(), ==, AGENT_RESET);
    orb_pointer(1);
    end(1);
    check_block(1, 1, SUSPENDED);
    tear_down();
}

static void status_refused(void)
{
    set_up(8);
    append(1);
    orb_pointer(0);
    initiator->fifo_rcode = FW_RCODE_ADDRESS_ERROR;
    end(0);
    g_assert_cmpuint(agent_state(), ==, AGENT_DEAD);
    g_assert_cmpuint(target->count.statuses_refused, ==, 1);
    tear_down();
}

static void abort_task(void)
{
    set_up(8);
    append(1);
    append(2);
    orb_pointer(0);
    sbp2_agent_abort_task(login, ORB(1));
    stub_run(MS);
    /* src 0, complete, request aborted */
    check_block(0, 1, 0x010c0000);
    end(0);
    end(2);
    check_block(1, 0, CONTINUES);
    check_block(2, 2, SUSPENDED);
    g_assert_cmpuint(target->count.aborted, ==, 1);
    sbp2_agent_abort_task(login, ORB(2));
    stub_run(MS);
    g_assert_cmpuint(initiator->blocks, ==, 3);
    tear_down();
}

static void abort_second(void)
{
    sbp2_agent_abort_task(login, ORB(1));
}

static void then_abort_second(void)
{
    initiator->at_read = abort_second;
}

static void abort_what_is_fetched(void)
{
    set_up(8);
    append(1);
    append(2);
    initiator->at_read = then_abort_second;
    orb_pointer(0);
    check_block(0, 1, 0x010c0000);
    g_assert_cmpuint(starts, ==, 2);
    g_assert_cmphex(started[1]->orb, ==, ORB(2));
    tear_down();
}

static void abort_task_set(void)
{
    set_up(2);
    append(1);
    append(2);
    orb_pointer(0);
    sbp2_agent_abort_task_set(login);
    stub_run(MS);
    g_assert_cmpuint(initiator->blocks, ==, 0);
    g_assert_cmpuint(target->count.aborted, ==, 2);
    g_assert_cmpuint(agent_state(), ==, AGENT_DEAD);
    g_assert_cmpuint(starts, ==, 2);
    agent_reset();
    g_assert_cmpint(orb_pointer(2), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(starts, ==, 3);
    tear_down();
}

static void foreign(void)
{
    set_up(8);
    g_assert_cmpint(agent_write(stranger, SBP2_ORB_POINTER, ORB(0), 8), ==,
                    FW_RCODE_ADDRESS_ERROR);
    g_assert_cmpuint(starts, ==, 0);
    tear_down();
}

static void wedge_on_chain(void)
{
    set_up(8);
    wedges[SBP2_FAULT_CHAIN_WEDGES] = true;
    orb_pointer(0);
    end(0);
    append(2);
    orb_pointer(1);
    g_assert_cmpuint(starts, ==, 1);
    g_assert_cmpuint(agent_state(), ==, AGENT_ACTIVE);
    doorbell();
    g_assert_cmpint(orb_pointer(3), ==, FW_RCODE_CONFLICT_ERROR);
    agent_reset();
    orb_pointer(3);
    end(3);
    check_block(1, 3, SUSPENDED);
    tear_down();
}

static void wedge_on_doorbell(void)
{
    set_up(8);
    wedges[SBP2_FAULT_DOORBELL_WEDGES] = true;
    orb_pointer(0);
    append(1);
    doorbell();
    g_assert_cmpuint(starts, ==, 1);
    agent_reset();
    orb_pointer(1);
    g_assert_cmpuint(starts, ==, 2);
    tear_down();
}

/* CHECK CONDITION leaves a dead agent, and the rest of the list undone */
static void dead_on_check(void)
{
    uint8_t sense[16] = { 0x02 };

    set_up(8);
    check_kills = true;
    append(1);
    append(2);
    orb_pointer(0);
    sbp2_task_end(started[1], SBP2_COMPLETE, SBP2_OK, sense, sizeof(sense));
    stub_run(MS);
    g_assert_cmpuint(initiator->blocks, ==, 1);
    /* src 0, complete, dead, six quadlets */
    check_block(0, 1, 0x0d000000);
    g_assert_cmpuint(agent_state(), ==, AGENT_DEAD);
    g_assert_cmpuint(login->tasks_count, ==, 0);
    tear_down();
}

/* Personas, and their ways */

static SBP2Target *persona_new(const char *name)
{
    SBP2Target *t = g_new0(SBP2Target, 1);

    t->persona = (char *)name;
    t->vendor_id = t->model_id = t->firmware_revision = SBP2_BY_PERSONA;
    t->mgt_orb_timeout = t->orb_size = t->max_hold_s = SBP2_BY_PERSONA;
    t->max_logins = t->queue_depth = SBP2_BY_PERSONA;
    return t;
}

static void persona_free(SBP2Target *t)
{
    g_free(t->vendor_name);
    g_free(t->model_name);
    g_free(t);
}

static void personas(void)
{
    SBP2Target *t = persona_new("ipod");
    Error *err = NULL;

    t->max_hold_s = 7;
    g_assert_true(sbp2_persona_apply(t, &err));
    g_assert_cmphex(t->firmware_revision, ==, 0x0a2700);
    g_assert_cmphex(t->model_id, ==, 0x000000);
    g_assert_cmpuint(t->ways.max_transfer, ==, 131072);
    g_assert_true(t->ways.no_page_tables && t->ways.capacity_off_by_one);
    g_assert_cmpuint(t->queue_depth, ==, 1);
    g_assert_cmpuint(t->max_hold_s, ==, 7);     /* was given on its own */
    persona_free(t);

    t = persona_new("scanner");
    g_assert_true(sbp2_persona_apply(t, &err));
    g_assert_true(t->faults.chain_wedges && t->faults.doorbell_wedges);
    g_assert_cmpuint(t->faults.fault[SBP2_FAULT_NOT_READY].left, ==, 72);
    g_assert_cmpuint(t->ways.device_type, ==, 6);
    persona_free(t);

    t = persona_new("slow");
    g_assert_true(sbp2_persona_apply(t, &err));
    g_assert_cmpuint(powered_up_ms, ==, 20000);
    persona_free(t);

    t = persona_new("nobody");
    g_assert_false(sbp2_persona_apply(t, &err));
    persona_free(t);
}

/* As the ORB describes its buffer: segments of so many bytes, 0 ends them */
static SBP2Task *task_with(bool page_table, const uint32_t *lengths)
{
    static SBP2Segment segment[8];
    static uint8_t table;
    SBP2Task *task;

    set_up(8);
    orb_pointer(0);
    task = started[0];
    task->segment = segment;
    task->page_table = page_table ? &table : NULL;
    for (; lengths[task->segments]; task->segments++) {
        segment[task->segments].length = lengths[task->segments];
    }
    return task;
}

static unsigned fault_count(SBP2FaultKind kind)
{
    return target->faults.fault[kind].done;
}

static void ways_of_buffers(void)
{
    static const uint32_t two[] = { 4096, 12, 0 }, one[] = { 8, 0 };
    SBP2Task *task = task_with(true, two);

    g_assert_false(sbp2_ways_refuse_buffer(task));
    target->ways.max_transfer = 4108;
    target->ways.min_segment = 12;
    g_assert_false(sbp2_ways_refuse_buffer(task));
    target->ways.min_segment = 13;
    g_assert_true(sbp2_ways_refuse_buffer(task));
    g_assert_cmpuint(fault_count(SBP2_FAULT_SEGMENT), ==, 1);
    stub_run(MS);
    /* src 1, illegal request, dead, unspecified error */
    check_block(0, 0, 0x69ff0000);
    tear_down();

    task = task_with(true, two);
    target->ways.max_transfer = 4107;
    g_assert_true(sbp2_ways_refuse_buffer(task));
    g_assert_cmpuint(fault_count(SBP2_FAULT_TRANSFER), ==, 1);
    tear_down();

    /* Short, but not in a page table */
    task = task_with(false, one);
    target->ways.min_segment = 16;
    target->ways.no_page_tables = true;
    g_assert_false(sbp2_ways_refuse_buffer(task));
    tear_down();

    task = task_with(true, one);
    target->ways.no_page_tables = true;
    g_assert_true(sbp2_ways_refuse_buffer(task));
    g_assert_cmpuint(fault_count(SBP2_FAULT_PAGE_TABLE), ==, 1);
    tear_down();
}

static void ways_of_commands(void)
{
    uint8_t data[8] = { 0, 0, 0x1f, 0xff, 0, 0, 2, 0 };
    SBP2Task *task;

    set_up(8);
    orb_pointer(0);
    task = started[0];
    target->ways.capacity_off_by_one = true;
    task->cdb[0] = 0x25;
    sbp2_ways_data(task, data, sizeof(data));
    g_assert_cmphex(ldl_be_p(data), ==, 0x2000);

    target->ways.device_type = 6;
    task->cdb[0] = 0x12;
    data[0] = 0;
    sbp2_ways_data(task, data, sizeof(data));
    g_assert_cmphex(data[0], ==, 6);

    /* A second RESERVE after a RELEASE is none; one without is the end */
    target->ways.reserve_wedges = true;
    task->cdb[0] = 0x16;
    g_assert_false(sbp2_ways_command(task));
    task->cdb[0] = 0x17;
    g_assert_false(sbp2_ways_command(task));
    task->cdb[0] = 0x16;
    g_assert_false(sbp2_ways_command(task));
    g_assert_true(sbp2_ways_command(task));
    g_assert_true(login->wedged);
    g_assert_cmpuint(fault_count(SBP2_FAULT_RESERVE_WEDGES), ==, 1);
    tear_down();
}

/* Deaf after a command, for five milliseconds */
static void ways_busy(void)
{
    set_up(8);
    target->ways.busy_ms = 5;
    orb_pointer(0);
    end(0);
    g_assert_cmpint(doorbell(), !=, FW_RCODE_COMPLETE);
    g_assert_cmpuint(target->parent_obj.fault[FW_FAULT_ACK_BUSY].done, >, 0);
    stub_run(100 * MS);
    g_assert_cmpint(doorbell(), ==, FW_RCODE_COMPLETE);
    tear_down();
}

/* The names of what goes wrong with the next @orbs ORBs, and where */
static char *sequence(uint32_t seed, unsigned orbs)
{
    SBP2Misbehave m = { .seed = seed, .random = { seed } };
    GString *text = g_string_new(NULL);
    unsigned times;

    while (m.orbs < orbs) {
        const SBP2Mischief *mischief = sbp2_misbehave_next(&m, &times);

        if (mischief) {
            g_string_append_printf(text, "%u:%s*%u ", m.orbs, mischief->name,
                                   times);
        }
    }
    return g_string_free(text, false);
}

static void misbehave(void)
{
    g_autofree char *none = sequence(0, 10000);
    g_autofree char *first = sequence(1, 1000);
    g_autofree char *again = sequence(1, 1000);
    g_autofree char *other = sequence(2, 1000);
    g_autofree char *longer = sequence(1, 10000);

    g_assert_cmpstr(none, ==, "");
    g_assert_cmpstr(first, ==, again);
    g_assert_cmpstr(first, !=, other);
    g_assert_true(g_str_has_prefix(longer, first));
    /* In 10000 ORBs each of them is met */
    g_assert_nonnull(strstr(longer, "status-lost*1"));
    g_assert_nonnull(strstr(longer, "forget-logins*1"));
    g_assert_nonnull(strstr(longer, ":reset*1"));
    g_assert_nonnull(strstr(longer, "ack-busy*"));
}

/* It happens with the ORB that it was thrown for */
static void misbehave_agent(void)
{
    FWDevice *dev;

    set_up(8);
    dev = FW_DEVICE(target);
    target->misbehave = (SBP2Misbehave) {
        .seed = 1, .rate = 1, .random = { 1 },
        .sequence = g_string_new(NULL),
    };
    orb_pointer(0);
    g_assert_cmpuint(target->misbehave.done, ==, 1);
    g_assert_cmpuint(target->misbehave.orbs, ==, 1);
    g_assert_true(g_str_has_prefix(target->misbehave.sequence->str, "1:"));
    g_assert_nonnull(dev->node.bus);
    g_string_free(target->misbehave.sequence, true);
    tear_down();
}

static void registers(void)
{
    set_up(8);
    g_assert_cmpint(agent_write(initiator, SBP2_ORB_POINTER, 0, 4), ==,
                    FW_RCODE_TYPE_ERROR);
    g_assert_cmpint(agent_write(initiator, SBP2_DOORBELL, 0, 8), ==,
                    FW_RCODE_TYPE_ERROR);
    g_assert_cmpint(agent_write(initiator, SBP2_AGENT_STATE, 0, 4), ==,
                    FW_RCODE_TYPE_ERROR);
    g_assert_cmpint(agent_write(initiator, 0x18, 0, 4), ==,
                    FW_RCODE_ADDRESS_ERROR);
    tear_down();
}

static const TypeInfo initiator_info = {
    .name = TYPE_INITIATOR,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(Initiator),
    .class_init = initiator_class_init,
};

static const TypeInfo target_info = {
    .name = TYPE_TARGET,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(SBP2Target),
    .class_init = target_class_init,
};

void fetch_tests(void)
{
    type_register_static(&initiator_info);
    type_register_static(&target_info);
    g_test_add_func("/agent/one", one);
    g_test_add_func("/agent/chain", chain);
    g_test_add_func("/agent/depth", depth);
    g_test_add_func("/agent/link-ahead", link_ahead);
    g_test_add_func("/agent/out-of-order", out_of_order);
    g_test_add_func("/agent/doorbell/while-it-runs", doorbell_while_it_runs);
    g_test_add_func("/agent/doorbell/after-its-end", doorbell_after_its_end);
    g_test_add_func("/agent/doorbell/for-nothing", doorbell_for_nothing);
    g_test_add_func("/agent/doorbell/while-fetching", doorbell_while_fetching);
    g_test_add_func("/agent/doorbell/answered-by-a-fetch",
                    doorbell_is_answered_by_a_fetch);
    g_test_add_func("/agent/dead", dead);
    g_test_add_func("/agent/status-refused", status_refused);
    g_test_add_func("/agent/abort/task", abort_task);
    g_test_add_func("/agent/abort/what-is-fetched", abort_what_is_fetched);
    g_test_add_func("/agent/abort/task-set", abort_task_set);
    g_test_add_func("/agent/foreign", foreign);
    g_test_add_func("/agent/wedge/chain", wedge_on_chain);
    g_test_add_func("/agent/wedge/doorbell", wedge_on_doorbell);
    g_test_add_func("/agent/dead-on-check", dead_on_check);
    g_test_add_func("/agent/registers", registers);
    g_test_add_func("/agent/personas", personas);
    g_test_add_func("/agent/ways/buffers", ways_of_buffers);
    g_test_add_func("/agent/ways/commands", ways_of_commands);
    g_test_add_func("/agent/ways/busy", ways_busy);
    g_test_add_func("/agent/misbehave/sequence", misbehave);
    g_test_add_func("/agent/misbehave/agent", misbehave_agent);
}
