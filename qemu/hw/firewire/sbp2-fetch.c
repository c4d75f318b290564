/*
 * SBP-2 target: command block agents (SBP-2 6.4, 9.1). An agent fetches ORBs
 * one after the other, up to the queue depth; their tasks run in parallel, and
 * each ends when it is done.
 *
 * ORB_POINTER starts a list where the agent is reset or suspended. The agent
 * follows next_ORB as it stands when the ORB is fetched; where it is null the
 * agent is suspended. A DOORBELL makes it read next_ORB of the last ORB once
 * more; one that is rung meanwhile is remembered until then. Each read of a
 * next_ORB sees all that was linked before, so it answers earlier rings.
 *
 * src of a status tells what the ORB's most recent fetch saw: 0 a next_ORB, 1
 * none, and the agent is suspended.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "sbp2.h"
#include "trace.h"

#define NULL_POINTER    (1ull << 63)

static void agent_fetch(SBP2Login *login);

static FWDevice *login_device(SBP2Login *login)
{
    return FW_DEVICE(login->target);
}

/* Status */

/*
 * A status that cannot be delivered: the agent is dead (SBP-2 9.1.4). One whose
 * response does not come was taken.
 */
static void status_written(FWDevice *dev, int rcode, const uint8_t *data,
                           size_t length, void *opaque)
{
    SBP2Login *login = container_of(opaque, SBP2Login, status_fifo);

    if (rcode == FW_RCODE_COMPLETE || rcode == FW_RCODE_BUS_RESET ||
        rcode == FW_RCODE_TIMEOUT) {
        return;
    }
    login->target->count.statuses_refused++;
    if (login->state != AGENT_RESET) {
        login->state = AGENT_DEAD;
    }
}

void sbp2_agent_forget_status(SBP2Login *login)
{
    fw_device_cancel(login_device(login), &login->status_fifo);
}

void sbp2_send_status(SBP2Target *t, const SBP2Status *status)
{
    FWDevice *dev = FW_DEVICE(t);
    uint8_t block[SBP2_MAX_STATUS] = { 0 };
    unsigned quadlets = 2 + DIV_ROUND_UP(status->length, 4);
    size_t length;

    stl_be_p(block, status->src << 30 | status->resp << 28 |
                    (uint32_t)status->dead << 27 | (quadlets - 1) << 24 |
                    status->sbp_status << 16 | (status->orb >> 32 & 0xffff));
    stl_be_p(block + 4, status->orb);
    memcpy(block + 8, status->command_set, status->length);
    trace_sbp2_status(status->orb, status->src, status->resp, status->dead,
                      status->sbp_status, status->length);
    length = sbp2_fuzz_status(t, block, 4 * quadlets);
    fw_device_write(dev, status->node, dev->generation, status->fifo, block,
                    length, status->speed,
                    status->agent ? status_written : NULL,
                    status->agent ? (void *)&status->agent->status_fifo : t);
}

/* Tasks */

static void task_remove(SBP2Task *task)
{
    SBP2Login *login = task->login;

    QTAILQ_REMOVE(&login->tasks, task, next);
    login->tasks_count--;
}

void sbp2_task_end(SBP2Task *task, unsigned resp, unsigned sbp_status,
                   const uint8_t *command_set, size_t length)
{
    SBP2Login *login = task->login;
    bool killed = length && sbp2_faults_check_kills(login->target, command_set);
    bool dead = resp != SBP2_COMPLETE || killed;
    bool silent = !task->notify && !dead && !sbp_status && !length;
    SBP2Status status = {
        .agent = login, .node = login->node_id, .fifo = login->status_fifo,
        .speed = task->speed, .orb = task->orb, .src = task->last,
        .resp = resp, .sbp_status = sbp_status, .dead = dead,
        .length = length,
    };

    login->target->count.out_of_order += QTAILQ_FIRST(&login->tasks) != task;
    task_remove(task);
    sbp2_task_cancel_io(task);
    if (dead) {
        login->state = AGENT_DEAD;
    }
    if (!silent) {
        if (length) {
            memcpy(status.command_set, command_set, length);
        }
        sbp2_faults_send_status(login->target, &status);
    }
    sbp2_ways_command_end(login->target);
    sbp2_task_free(task);
    if (killed) {
        sbp2_agent_abort_all(login);
    }
    agent_fetch(login);
}

static void task_abort(SBP2Task *task)
{
    trace_sbp2_abort(task->orb);
    task->login->target->count.aborted++;
    task_remove(task);
    sbp2_task_cancel_io(task);
    sbp2_task_free(task);
}

/*
 * A single task that is aborted ends with a status like any other. What was not
 * fetched yet is the initiator's: it makes a dummy of it.
 */
void sbp2_agent_abort_task(SBP2Login *login, uint64_t orb)
{
    SBP2Task *task;

    login->abort_fetched |= login->fetching && login->current_orb == orb;
    QTAILQ_FOREACH(task, &login->tasks, next) {
        if (task->orb == orb) {
            trace_sbp2_abort(orb);
            login->target->count.aborted++;
            sbp2_task_end(task, SBP2_COMPLETE, SBP2_REQUEST_ABORTED, NULL, 0);
            return;
        }
    }
}

void sbp2_agent_abort_all(SBP2Login *login)
{
    SBP2Task *task, *next;

    QTAILQ_FOREACH_SAFE(task, &login->tasks, next, next) {
        task_abort(task);
    }
}

/* The list is void, so the agent does nothing with it until AGENT_RESET */
void sbp2_agent_abort_task_set(SBP2Login *login)
{
    sbp2_agent_abort_all(login);
    if (login->state != AGENT_RESET) {
        login->state = AGENT_DEAD;
    }
}

/* Fetching */

static void agent_die(SBP2Login *login, unsigned sbp_status)
{
    SBP2Status status = {
        .agent = login, .node = login->node_id, .fifo = login->status_fifo,
        .speed = FW_S100, .orb = login->current_orb, .src = 1,
        .resp = SBP2_TRANSPORT_FAILURE, .sbp_status = sbp_status,
        .dead = true,
    };

    login->state = AGENT_DEAD;
    sbp2_faults_send_status(login->target, &status);
}

static void task_new(SBP2Login *login, const uint8_t *orb)
{
    SBP2Task *task = g_new0(SBP2Task, 1);
    SBP2Target *t = login->target;

    task->login = login;
    task->orb = login->current_orb;
    task->last = !login->has_next;
    QTAILQ_INSERT_TAIL(&login->tasks, task, next);
    login->tasks_count++;
    t->count.commands++;
    t->count.max_tasks = MAX(t->count.max_tasks, login->tasks_count);
    if (login->abort_fetched) {
        login->abort_fetched = false;
        sbp2_agent_abort_task(login, task->orb);
    } else {
        sbp2_task_start(task, orb);
    }
}

/* next_ORB as it stands in memory decides how the agent goes on */
static void agent_advance(SBP2Login *login, const uint8_t *next)
{
    uint64_t pointer = ldq_be_p(next);

    login->has_next = !(pointer & NULL_POINTER);
    if (login->has_next) {
        login->target->count.chained++;
        login->next_orb = pointer & 0xfffffffffffcull;
    } else {
        login->state = AGENT_SUSPENDED;
    }
}

static void got_orb(FWDevice *dev, int rcode, const uint8_t *data,
                    size_t length, void *opaque)
{
    SBP2Login *login = opaque;

    login->fetching = false;
    if (login->state == AGENT_ACTIVE) {
        sbp2_misbehave(login->target);
    }
    if (login->state != AGENT_ACTIVE) {
        return;
    }
    if (rcode != FW_RCODE_COMPLETE || length < SBP2_ORB_HEADER ||
        sbp2_fault(login->target, SBP2_FAULT_AGENT_DIES)) {
        agent_die(login, SBP2_OBJECT_ORB);
        return;
    }
    trace_sbp2_orb(login->id, login->current_orb, ldl_be_p(data + 16));
    agent_advance(login, data);
    if (sbp2_fault(login->target, SBP2_FAULT_AGENT_WEDGES) ||
        (login->has_next &&
         sbp2_faults_wedges(login->target, SBP2_FAULT_CHAIN_WEDGES))) {
        login->state = AGENT_ACTIVE;
        login->wedged = true;
        return;
    }
    task_new(login, data);
    agent_fetch(login);
}

/* The last ORB has got a next one; its task may be over already */
static void tail_was_extended(SBP2Login *login)
{
    SBP2Task *task;

    QTAILQ_FOREACH(task, &login->tasks, next) {
        if (task->orb == login->current_orb) {
            task->last = false;
        }
    }
}

/* After a doorbell: the next_ORB of the ORB that was the last one */
static void got_next(FWDevice *dev, int rcode, const uint8_t *data,
                     size_t length, void *opaque)
{
    SBP2Login *login = opaque;

    login->fetching = false;
    if (login->state != AGENT_ACTIVE) {
        return;
    }
    if (rcode != FW_RCODE_COMPLETE || length != 8) {
        agent_die(login, SBP2_OBJECT_ORB);
        return;
    }
    agent_advance(login, data);
    if (login->has_next) {
        tail_was_extended(login);
    }
    agent_fetch(login);
}

static void fetch_orb(SBP2Login *login, FWSpeed speed)
{
    SBP2Target *t = login->target;
    FWDevice *dev = login_device(login);

    login->current_orb = login->next_orb;
    login->has_next = false;
    login->abort_fetched = false;
    fw_device_read(dev, login->node_id, dev->generation, login->current_orb,
                   t->orb_size * 4, speed, got_orb, login);
}

static void fetch_next(SBP2Login *login, FWSpeed speed)
{
    FWDevice *dev = login_device(login);

    login->state = AGENT_ACTIVE;
    fw_device_read(dev, login->node_id, dev->generation, login->current_orb, 8,
                   speed, got_next, login);
}

static void agent_fetch(SBP2Login *login)
{
    FWDevice *dev = login_device(login);
    bool extend = login->state == AGENT_SUSPENDED && login->doorbell;
    bool follow = login->state == AGENT_ACTIVE && login->has_next &&
                  login->tasks_count < login->target->queue_depth;
    FWSpeed speed;

    if (login->fetching || !login->used || login->suspended ||
        login->wedged || !(extend || follow)) {
        return;
    }
    speed = MIN(dev->node.speed,
                fw_bus_path_speed(dev->node.bus, &dev->node,
                                  login->node_id & 0x3f));
    login->fetching = true;
    login->doorbell = false;
    if (extend) {
        fetch_next(login, speed);
    } else {
        fetch_orb(login, speed);
    }
}

void sbp2_agent_reset(SBP2Login *login)
{
    fw_device_cancel(login_device(login), login);
    login->state = AGENT_RESET;
    login->has_next = false;
    login->fetching = false;
    login->doorbell = false;
    login->wedged = false;
    login->unsolicited_enabled = false;
}

/* Registers */

static int agent_orb_pointer(SBP2Login *login, const uint8_t *data,
                             size_t length)
{
    if (length != 8) {
        return FW_RCODE_TYPE_ERROR;
    }
    if (login->state == AGENT_ACTIVE || login->state == AGENT_DEAD ||
        login->fetching) {
        return FW_RCODE_CONFLICT_ERROR;
    }
    login->next_orb = ldq_be_p(data) & 0xfffffffffffcull;
    login->has_next = true;
    login->doorbell = false;
    login->state = AGENT_ACTIVE;
    login->target->count.orb_pointers++;
    return FW_RCODE_COMPLETE;
}

/* Reset, it has no ORB to read next_ORB of; dead, it does nothing */
static void agent_doorbell(SBP2Login *login)
{
    login->target->count.doorbells++;
    login->doorbell = login->state == AGENT_ACTIVE ||
                      login->state == AGENT_SUSPENDED;
    login->wedged |= login->doorbell &&
                     sbp2_faults_wedges(login->target,
                                        SBP2_FAULT_DOORBELL_WEDGES);
}

static int agent_register_write(SBP2Login *login, unsigned offset,
                                const uint8_t *data, size_t length)
{
    if (offset == SBP2_ORB_POINTER) {
        return agent_orb_pointer(login, data, length);
    }
    if (length != 4) {
        return FW_RCODE_TYPE_ERROR;
    }
    switch (offset) {
    case SBP2_AGENT_RESET:
        sbp2_agent_abort_all(login);
        sbp2_agent_reset(login);
        return FW_RCODE_COMPLETE;
    case SBP2_DOORBELL:
        agent_doorbell(login);
        return FW_RCODE_COMPLETE;
    case SBP2_UNSOLICITED_ENABLE:
        login->unsolicited_enabled = true;
        return FW_RCODE_COMPLETE;
    case SBP2_AGENT_STATE:
        return FW_RCODE_TYPE_ERROR;
    default:
        return FW_RCODE_ADDRESS_ERROR;
    }
}

void sbp2_agent_write(SBP2Login *login, FWRequest *req, unsigned offset,
                      const uint8_t *data, size_t length)
{
    int rcode = FW_RCODE_ADDRESS_ERROR;

    /* An agent is there for the one who is logged in */
    if (login->used && !login->suspended &&
        login->node_id == fw_request_source(req)) {
        rcode = agent_register_write(login, offset, data, length);
    }
    trace_sbp2_agent_write(login->id, offset, rcode);
    fw_device_respond(login_device(login), req, rcode, NULL, 0);
    agent_fetch(login);
}

void sbp2_agent_read(SBP2Login *login, FWRequest *req, unsigned offset,
                     size_t length)
{
    FWDevice *dev = login_device(login);
    uint8_t data[8];

    if (login->used && offset == SBP2_AGENT_STATE && length == 4) {
        stl_be_p(data, login->state);
        fw_device_respond(dev, req, FW_RCODE_COMPLETE, data, 4);
    } else if (login->used && offset == SBP2_ORB_POINTER && length == 8) {
        stq_be_p(data, login->current_orb);
        fw_device_respond(dev, req, FW_RCODE_COMPLETE, data, 8);
    } else {
        fw_device_respond(dev, req, FW_RCODE_ADDRESS_ERROR, NULL, 0);
    }
}
