/*
 * SBP-2 target: one task, from its ORB to its status: page table (SBP-2 5.2),
 * data, the SCSI request on QEMU's SCSI bus, sense data (annex B).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "qemu/main-loop.h"
#include "block/aio.h"
#include "scsi/constants.h"
#include "compat-qemu.h"
#include "sbp2.h"
#include "trace.h"

#define RQ_FMT_NORMAL       0
#define RQ_FMT_DUMMY        3

static void transfer_run(SBP2Task *task);

static FWDevice *task_device(SBP2Task *task)
{
    return FW_DEVICE(task->login->target);
}

/* How a bus transaction failed, as sbp_status, SBP-2 table 9 */
static unsigned bus_error(int rcode)
{
    switch (rcode) {
    case FW_RCODE_NO_ACK:
        return 0x0;
    case FW_RCODE_TIMEOUT:
        return 0x2;
    case FW_RCODE_BUSY:
        return 0x4;
    case FW_RCODE_DATA_ERROR:
        return 0xb;
    case FW_RCODE_TYPE_ERROR:
        return 0xe;
    case FW_RCODE_ADDRESS_ERROR:
        return 0xf;
    default:
        return 0x9;
    }
}

static void task_transport_failure(SBP2Task *task, unsigned object, int rcode)
{
    sbp2_task_end(task, SBP2_TRANSPORT_FAILURE, object | bus_error(rcode),
                  NULL, 0);
}

/* Sense data: fixed format to the status block's command-set part */

static size_t sense_block(SCSIRequest *req, uint8_t *out)
{
    uint8_t sense[18] = { 0 };
    bool valid;

    memset(out, 0, 24);
    out[0] = req->status & 0x3f;
    if (!req->status) {
        return 0;
    }
    if (scsi_req_get_sense(req, sense, sizeof(sense)) <= 0) {
        return 4;
    }
    valid = sense[0] & 0x80;
    out[0] |= (sense[0] & 0x7f) == 0x71 ? 0x40 : 0;
    out[1] = valid << 7 | (sense[2] & 0xe0) >> 1 | (sense[2] & 0x0f);
    out[2] = sense[12];
    out[3] = sense[13];
    memcpy(out + 4, sense + 3, 4);
    memcpy(out + 8, sense + 8, 4);
    memcpy(out + 12, sense + 14, 4);
    return 16;
}

/* Data: packets between the initiator's segments and the SCSI buffer */

static size_t segment_left(const SBP2Task *task)
{
    return task->segment[task->at_segment].length - task->in_segment;
}

/* The next piece that fits one packet; false at the end of the buffer */
static bool next_piece(SBP2Task *task, size_t wanted, uint64_t *base,
                       size_t *length)
{
    while (task->at_segment < task->segments && !segment_left(task)) {
        task->at_segment++;
        task->in_segment = 0;
    }
    if (task->at_segment == task->segments) {
        return false;
    }
    *base = task->segment[task->at_segment].base + task->in_segment;
    *length = MIN(MIN(wanted, segment_left(task)), task->max_payload);
    task->in_segment += *length;
    return true;
}

static void set_with_device(SBP2Task *task, bool with_device)
{
    task->login->target->with_device += with_device - task->with_device;
    task->with_device = with_device;
}

/*
 * With -icount a disk's image answers at once: the guest must not see when a
 * thread of the host is done with it.
 */
static void device_wait(SBP2Target *t)
{
    while (icount_enabled() && t->with_device) {
        aio_poll(qemu_get_aio_context(), true);
    }
}

static void transfer_end(SBP2Task *task)
{
    SBP2Target *t = task->login->target;

    if (task->failed) {
        task_transport_failure(task, SBP2_OBJECT_DATA, task->failed);
        return;
    }
    task->buffer = NULL;
    set_with_device(task, true);
    scsi_req_continue(task->req);
    device_wait(t);
}

static void chunk_done(FWDevice *dev, int rcode, const uint8_t *data,
                       size_t length, void *opaque)
{
    SBP2Chunk *chunk = opaque;
    SBP2Task *task = chunk->task;

    chunk->busy = false;
    task->busy_chunks--;
    if (rcode != FW_RCODE_COMPLETE) {
        task->failed = rcode;
    } else if (!task->to_initiator) {
        memcpy(chunk->data, data, MIN(length, chunk->length));
    }
    transfer_run(task);
}

static void chunk_start(SBP2Task *task, SBP2Chunk *chunk, uint64_t base,
                        size_t length)
{
    FWDevice *dev = task_device(task);

    chunk->task = task;
    chunk->data = task->buffer + task->buffer_started;
    chunk->length = length;
    chunk->busy = true;
    task->busy_chunks++;
    task->buffer_started += length;
    if (task->to_initiator) {
        fw_device_write(dev, task->data_node, dev->generation, base,
                        chunk->data, length, task->speed, chunk_done, chunk);
    } else {
        fw_device_read(dev, task->data_node, dev->generation, base, length,
                       task->speed, chunk_done, chunk);
    }
}

static SBP2Chunk *free_chunk(SBP2Task *task)
{
    unsigned i;

    for (i = 0; i < SBP2_WINDOW; i++) {
        if (!task->chunk[i].busy) {
            return &task->chunk[i];
        }
    }
    return NULL;
}

/* Keep the window full; the SCSI device goes on when the buffer is through */
static void transfer_run(SBP2Task *task)
{
    bool full = false;

    while (!task->failed && !full &&
           task->buffer_started < task->buffer_length) {
        SBP2Chunk *chunk = free_chunk(task);
        uint64_t base;
        size_t length;

        if (!chunk) {
            return;
        }
        full = !next_piece(task, task->buffer_length - task->buffer_started,
                           &base, &length);
        if (!full) {
            chunk_start(task, chunk, base, length);
        }
    }
    /* The initiator's buffer is shorter than the command's data */
    if (full && !task->busy_chunks) {
        if (task->to_initiator) {
            task->buffer_started = task->buffer_length;
        } else {
            sbp2_task_end(task, SBP2_ILLEGAL, SBP2_UNSPECIFIED, NULL, 0);
            return;
        }
    }
    if (!task->busy_chunks) {
        transfer_end(task);
    }
}

static void sbp2_transfer_data(SCSIRequest *req, uint32_t length)
{
    SBP2Task *task = req->hba_private;

    if (!task) {
        return;
    }
    set_with_device(task, false);
    task->buffer = scsi_req_get_buf(req);
    task->buffer_length = length;
    task->buffer_started = 0;
    if (task->to_initiator) {
        sbp2_ways_data(task, task->buffer, length);
    }
    transfer_run(task);
}

static void sbp2_complete(SCSIRequest *req, size_t residual)
{
    SBP2Task *task = req->hba_private;
    uint8_t command_set[24];
    size_t length;

    if (!task) {
        return;
    }
    length = sense_block(req, command_set);
    trace_sbp2_complete(task->orb, req->status, residual);
    req->hba_private = NULL;
    task->req = NULL;
    sbp2_task_end(task, SBP2_COMPLETE, SBP2_OK, command_set, length);
    scsi_req_unref(req);
}

/* Somebody else (a reset of the SCSI device) cancelled the request */
static void sbp2_cancelled(SCSIRequest *req)
{
    SBP2Task *task = req->hba_private;

    if (!task) {
        return;
    }
    req->hba_private = NULL;
    task->req = NULL;
    sbp2_task_end(task, SBP2_COMPLETE, 0xc, NULL, 0);
    scsi_req_unref(req);
}

const SCSIBusInfo sbp2_scsi_info = {
    .tcq = true,
    .max_target = 0,
    .max_lun = SBP2_MAX_LUNS - 1,
    .transfer_data = sbp2_transfer_data,
    .complete = sbp2_complete,
    .cancel = sbp2_cancelled,
};

static void task_execute(void *opaque)
{
    SBP2Task *task = opaque;
    SBP2Login *login = task->login;
    SBP2Target *t = login->target;
    SCSIDevice *device = scsi_device_find(&t->scsi, 0, 0, login->lun);
    int32_t length;

    if (sbp2_faults_command(task) || sbp2_ways_command(task)) {
        return;
    }
    if (!device || device->lun != login->lun) {
        sbp2_task_end(task, SBP2_COMPLETE, SBP2_LUN_NOT_SUPPORTED, NULL, 0);
        return;
    }
    task->req = scsi_req_new(device, t->count.commands, login->lun, task->cdb,
                             task->cdb_length, task);
    set_with_device(task, true);
    length = scsi_req_enqueue(task->req);
    if (!length) {
        /* It is complete, and the task gone; or will be, without data */
    } else if (task->segments && task->to_initiator != (length > 0)) {
        sbp2_task_end(task, SBP2_ILLEGAL, SBP2_UNSPECIFIED, NULL, 0);
    } else {
        task->to_initiator = length > 0;
        scsi_req_continue(task->req);
    }
    device_wait(t);
}

static bool accesses_medium(uint8_t opcode)
{
    switch (opcode) {
    case READ_6:
    case WRITE_6:
    case READ_10:
    case WRITE_10:
    case WRITE_VERIFY_10:
    case VERIFY_10:
    case SYNCHRONIZE_CACHE:
    case READ_12:
    case WRITE_12:
    case READ_16:
    case WRITE_16:
    case VERIFY_16:
    case SYNCHRONIZE_CACHE_16:
        return true;
    default:
        return false;
    }
}

/* Each task waits for itself: those that run in parallel wait together */
static int64_t latency_ns(SBP2Target *t, uint8_t opcode)
{
    int64_t latency = t->cmd_latency_ns;

    if (accesses_medium(opcode)) {
        latency += t->media_latency_ns;
        if (t->media_jitter_ns) {
            latency += fw_random(&t->jitter) % t->media_jitter_ns;
        }
    }
    return latency;
}

static void task_buffer_ready(SBP2Task *task)
{
    int64_t latency = latency_ns(task->login->target, task->cdb[0]);

    if (sbp2_ways_refuse_buffer(task)) {
        return;
    }
    task->start = timer_new_ns(QEMU_CLOCK_VIRTUAL, task_execute, task);
    timer_mod(task->start, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + latency);
}

/* Page table */

static void page_table_parse(SBP2Task *task)
{
    unsigned i;

    task->segments = task->page_table_size / 8;
    task->segment = g_new0(SBP2Segment, task->segments);
    for (i = 0; i < task->segments; i++) {
        uint64_t entry = ldq_be_p(task->page_table + 8 * i);

        task->segment[i].base = entry & 0xffffffffffffull;
        task->segment[i].length = entry >> 48;
    }
    task_buffer_ready(task);
}

static void page_table_read(SBP2Task *task);

static void got_page_table(FWDevice *dev, int rcode, const uint8_t *data,
                           size_t length, void *opaque)
{
    SBP2Task *task = opaque;

    if (rcode != FW_RCODE_COMPLETE || !length) {
        task_transport_failure(task, SBP2_OBJECT_PAGE_TABLE, rcode);
        return;
    }
    memcpy(task->page_table + task->page_table_read, data, length);
    task->page_table_read += length;
    if (task->page_table_read < task->page_table_size) {
        page_table_read(task);
    } else {
        page_table_parse(task);
    }
}

static void page_table_read(SBP2Task *task)
{
    FWDevice *dev = task_device(task);
    size_t left = task->page_table_size - task->page_table_read;

    fw_device_read(dev, task->data_node, dev->generation,
                   task->page_table_base + task->page_table_read,
                   MIN(left, task->max_payload), task->speed, got_page_table,
                   task);
}

static void single_segment(SBP2Task *task, uint64_t base, uint32_t length)
{
    task->segments = length ? 1 : 0;
    task->segment = g_new0(SBP2Segment, 1);
    task->segment->base = base;
    task->segment->length = length;
    task_buffer_ready(task);
}

/* The ORB: control fields, then where the data is */

void sbp2_task_start(SBP2Task *task, const uint8_t *orb)
{
    SBP2Target *t = task->login->target;
    uint64_t descriptor = ldq_be_p(orb + 8);
    uint32_t control = ldl_be_p(orb + 16);
    unsigned data_size = control & 0xffff;
    unsigned rq_fmt = extract32(control, 29, 2);

    task->notify = control >> 31;
    task->to_initiator = extract32(control, 27, 1);
    task->speed = MIN(extract32(control, 24, 3), FW_S800);
    task->max_payload = MIN(4u << extract32(control, 20, 4),
                            MIN(512u << task->speed, FW_MAX_PAYLOAD));
    task->data_node = descriptor >> 48;
    task->cdb_length = MIN(t->orb_size * 4 - SBP2_ORB_HEADER, SBP2_MAX_CDB);
    memcpy(task->cdb, orb + SBP2_ORB_HEADER, task->cdb_length);

    if (rq_fmt == RQ_FMT_DUMMY) {
        sbp2_task_end(task, SBP2_COMPLETE, SBP2_DUMMY_COMPLETED, NULL, 0);
    } else if (rq_fmt != RQ_FMT_NORMAL) {
        sbp2_task_end(task, SBP2_ILLEGAL, SBP2_UNSPECIFIED, NULL, 0);
    } else if (!extract32(control, 19, 1) || !data_size) {
        single_segment(task, descriptor & 0xffffffffffffull, data_size);
    } else {
        task->page_table_base = descriptor & 0xffffffffffffull;
        task->page_table_size = data_size * 8;
        task->page_table = g_malloc(task->page_table_size);
        page_table_read(task);
    }
}

/* Nothing of the task is under way any more when this returns */
void sbp2_task_cancel_io(SBP2Task *task)
{
    FWDevice *dev = task_device(task);
    SCSIRequest *req = task->req;
    unsigned i;

    fw_device_cancel(dev, task);
    for (i = 0; i < SBP2_WINDOW; i++) {
        if (task->chunk[i].busy) {
            fw_device_cancel(dev, &task->chunk[i]);
        }
    }
    if (task->start) {
        timer_del(task->start);
    }
    task->req = NULL;
    set_with_device(task, false);
    if (req) {
        req->hba_private = NULL;
        scsi_req_cancel_async(req, NULL);
        scsi_req_unref(req);
    }
}

void sbp2_task_free(SBP2Task *task)
{
    if (task->start) {
        timer_free(task->start);
    }
    g_free(task->page_table);
    g_free(task->segment);
    g_free(task);
}
