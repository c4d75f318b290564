/*
 * SBP-2 target: bridges and devices that there are, each with what its ROM says
 * and with its own ways. None of them does anything wrong by its own lights; an
 * initiator has to know them. Every way is a property too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "scsi/constants.h"
#include "sbp2.h"

/* Seconds, half seconds, quadlets as in the ROM */
typedef struct SBP2Persona {
    const char *name;
    const char *vendor_name, *model_name;
    uint32_t vendor_id, model_id, firmware_revision;
    uint32_t mgt_orb_timeout, orb_size, max_hold_s, max_logins, queue_depth;
    uint32_t spin_up_ms, not_ready;
    SBP2Ways ways;
    bool wedges;                /* on chained ORBs and on doorbells */
} SBP2Persona;

static const SBP2Persona personas[] = {
    {
        /* OXUF922 and OXFW912 grant 4 s; chains and doorbells are welcome */
        .name = "oxford",
        .vendor_name = "Oxford Semiconductor Ltd.",
        .model_name = "OXFORD IDE Device",
        .vendor_id = 0x0030e0, .model_id = 0x000001,
        .firmware_revision = 0x010a27, .mgt_orb_timeout = 20, .orb_size = 9,
        .max_hold_s = 4, .max_logins = 4, .queue_depth = 8,
    }, {
        /* SYM13FW500: no segment under 16 bytes, 128 KiB at most */
        .name = "lsi",
        .vendor_name = "LSI Logic", .model_name = "SYM13FW500-Disk Drive",
        .vendor_id = 0x00a0b8, .model_id = 0x000001,
        .firmware_revision = 0x002600, .mgt_orb_timeout = 10, .orb_size = 8,
        .max_hold_s = 256, .max_logins = 1, .queue_depth = 1,
        .ways = { .max_transfer = 128 * KiB, .min_segment = 16 },
    }, {
        /* PL-3507: deaf for a while after each command */
        .name = "prolific",
        .vendor_name = "Prolific", .model_name = "PL3507 Combo Device",
        .vendor_id = 0x0050c5, .model_id = 0x000001,
        .firmware_revision = 0x012804, .mgt_orb_timeout = 20, .orb_size = 8,
        .max_hold_s = 1, .max_logins = 1, .queue_depth = 1,
        .ways = { .busy_ms = 5, .needs_power_condition = true },
    }, {
        /* Second generation */
        .name = "ipod",
        .vendor_name = "Apple Computer, Inc.", .model_name = "iPod",
        .vendor_id = 0x000a27, .model_id = 0x000000,
        .firmware_revision = 0x0a2700, .mgt_orb_timeout = 20, .orb_size = 8,
        .max_hold_s = 4, .max_logins = 1, .queue_depth = 1,
        .ways = {
            .max_transfer = 128 * KiB, .no_page_tables = true,
            .capacity_off_by_one = true,
        },
    }, {
        /* A Mac in target disk mode */
        .name = "mac-tdm",
        .vendor_name = "Apple Computer, Inc.", .model_name = "Macintosh",
        .vendor_id = 0x000393, .model_id = 0x000001,
        .firmware_revision = 0x000001, .mgt_orb_timeout = 10, .orb_size = 8,
        .max_hold_s = 1, .max_logins = 1, .queue_depth = 1,
    }, {
        /* Nikon LS-9000, as long as it takes to become ready */
        .name = "scanner",
        .vendor_name = "Nikon", .model_name = "LS-9000 ED",
        .vendor_id = 0x0090b5, .model_id = 0x000001,
        .firmware_revision = 0x000100, .mgt_orb_timeout = 20, .orb_size = 8,
        .max_hold_s = 4, .max_logins = 1, .queue_depth = 1,
        .not_ready = 72, .wedges = true,
        .ways = { .device_type = TYPE_SCANNER, .reserve_wedges = true },
    }, {
        /* As oxford, with a large disk that was switched on just now */
        .name = "slow",
        .vendor_name = "Oxford Semiconductor Ltd.",
        .model_name = "OXFORD IDE Device",
        .vendor_id = 0x0030e0, .model_id = 0x000001,
        .firmware_revision = 0x010a27, .mgt_orb_timeout = 20, .orb_size = 9,
        .max_hold_s = 4, .max_logins = 4, .queue_depth = 8,
        .spin_up_ms = 20000,
    },
};

static const SBP2Persona *find(const char *name)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(personas); i++) {
        if (!strcmp(personas[i].name, name)) {
            return &personas[i];
        }
    }
    return NULL;
}

/* What was given on its own stays */

static void fill(uint32_t *value, uint32_t persona)
{
    if (*value == SBP2_BY_PERSONA) {
        *value = persona;
    }
}

static void fill_text(char **text, const char *persona)
{
    if (!*text) {
        *text = g_strdup(persona);
    }
}

static void fill_ways(SBP2Ways *ways, const SBP2Ways *persona)
{
    ways->max_transfer = ways->max_transfer ?: persona->max_transfer;
    ways->min_segment = ways->min_segment ?: persona->min_segment;
    ways->busy_ms = ways->busy_ms ?: persona->busy_ms;
    ways->device_type = ways->device_type ?: persona->device_type;
    ways->no_page_tables |= persona->no_page_tables;
    ways->capacity_off_by_one |= persona->capacity_off_by_one;
    ways->needs_power_condition |= persona->needs_power_condition;
    ways->reserve_wedges |= persona->reserve_wedges;
}

bool sbp2_persona_apply(SBP2Target *t, Error **errp)
{
    const SBP2Persona *p = find(t->persona ?: "oxford");
    SBP2Faults *f = &t->faults;

    if (!p) {
        error_setg(errp, "there is no persona '%s'", t->persona);
        return false;
    }
    fill_text(&t->vendor_name, p->vendor_name);
    fill_text(&t->model_name, p->model_name);
    fill(&t->vendor_id, p->vendor_id);
    fill(&t->model_id, p->model_id);
    fill(&t->firmware_revision, p->firmware_revision);
    fill(&t->mgt_orb_timeout, p->mgt_orb_timeout);
    fill(&t->orb_size, p->orb_size);
    fill(&t->max_hold_s, p->max_hold_s);
    fill(&t->max_logins, p->max_logins);
    fill(&t->queue_depth, p->queue_depth);
    fill_ways(&t->ways, &p->ways);
    f->chain_wedges |= p->wedges;
    f->doorbell_wedges |= p->wedges;
    f->fault[SBP2_FAULT_NOT_READY].left =
        f->fault[SBP2_FAULT_NOT_READY].left ?: p->not_ready;
    if (!f->spin_up_ms) {
        sbp2_faults_power_up(t, p->spin_up_ms);
    }
    return true;
}

/* Its ways */

static void note(SBP2Target *t, SBP2FaultKind kind)
{
    fw_fault_note(&t->faults.fault[kind]);
}

static size_t buffer_length(const SBP2Task *task)
{
    size_t length = 0;
    unsigned i;

    for (i = 0; i < task->segments; i++) {
        length += task->segment[i].length;
    }
    return length;
}

static bool has_short_segment(const SBP2Task *task, uint32_t least)
{
    unsigned i;

    for (i = 0; i < task->segments; i++) {
        if (task->segment[i].length < least) {
            return true;
        }
    }
    return false;
}

bool sbp2_ways_refuse_buffer(SBP2Task *task)
{
    SBP2Target *t = task->login->target;
    const SBP2Ways *ways = &t->ways;

    if (ways->no_page_tables && task->page_table) {
        note(t, SBP2_FAULT_PAGE_TABLE);
    } else if (ways->max_transfer &&
               buffer_length(task) > ways->max_transfer) {
        note(t, SBP2_FAULT_TRANSFER);
    } else if (task->page_table && has_short_segment(task, ways->min_segment)) {
        note(t, SBP2_FAULT_SEGMENT);
    } else {
        return false;
    }
    sbp2_task_end(task, SBP2_ILLEGAL, SBP2_UNSPECIFIED, NULL, 0);
    return true;
}

/* A second RESERVE, with no RELEASE between them */
static bool reserved_twice(SBP2Task *task)
{
    SBP2Target *t = task->login->target;
    bool *reserved = &t->reserved[task->login->lun];
    bool before = *reserved;

    if (task->cdb[0] == RESERVE) {
        *reserved = true;
    } else if (task->cdb[0] == RELEASE) {
        *reserved = false;
    }
    return task->cdb[0] == RESERVE && before && t->ways.reserve_wedges;
}

/* START STOP UNIT that says neither sleep nor standby nor anything */
static bool lacks_power_condition(const SBP2Task *task)
{
    return task->login->target->ways.needs_power_condition &&
           task->cdb[0] == START_STOP && !(task->cdb[4] & 0xf0);
}

bool sbp2_ways_command(SBP2Task *task)
{
    SBP2Target *t = task->login->target;

    if (reserved_twice(task)) {
        note(t, SBP2_FAULT_RESERVE_WEDGES);
        task->login->wedged = true;
        return true;
    }
    if (lacks_power_condition(task)) {
        note(t, SBP2_FAULT_POWER_CONDITION);
        sbp2_task_end(task, SBP2_COMPLETE, SBP2_OK, NULL, 0);
        return true;
    }
    return false;
}

/* The number of blocks where the number of the last one belongs */
static void capacity(SBP2Target *t, uint8_t opcode, uint8_t *data,
                     size_t length)
{
    if (opcode == READ_CAPACITY_10 && length >= 8) {
        stl_be_p(data, ldl_be_p(data) + 1);
    } else if (opcode == SERVICE_ACTION_IN_16 && length >= 12) {
        stq_be_p(data, ldq_be_p(data) + 1);
    } else {
        return;
    }
    note(t, SBP2_FAULT_CAPACITY);
}

void sbp2_ways_data(SBP2Task *task, uint8_t *data, size_t length)
{
    SBP2Target *t = task->login->target;
    bool vital_data = task->cdb[1] & 1;

    if (t->ways.capacity_off_by_one) {
        capacity(t, task->cdb[0], data, length);
    }
    if (t->ways.device_type && task->cdb[0] == INQUIRY && !vital_data &&
        length) {
        data[0] = (data[0] & 0xe0) | (t->ways.device_type & 0x1f);
    }
}

void sbp2_ways_command_end(SBP2Target *t)
{
    FWDevice *dev = FW_DEVICE(t);

    if (t->ways.busy_ms) {
        dev->busy_until = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                          t->ways.busy_ms * (int64_t)SCALE_MS;
    }
}
