/*
 * SBP-2 target: the management agent (SBP-2 5.1.3, 6.3, clause 8).
 *
 * One management ORB at a time: fetch it, do it, write the response, write the
 * status. While it is busy, writes to the register are answered with a
 * conflict error.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "sbp2.h"
#include "trace.h"

#define ROM_GUID        (FW_CSR_BASE + FW_CSR_CONFIG_ROM + 12)

static uint64_t raw_pointer(const uint8_t *p)
{
    return ldq_be_p(p) & 0xffffffffffffull;
}

static uint32_t control(const SBP2Management *m)
{
    return ldl_be_p(m->raw + 16);
}

static unsigned function(const SBP2Management *m)
{
    return extract32(control(m), 16, 4);
}

/* LUN or login ID */
static uint16_t object(const SBP2Management *m)
{
    return control(m) & 0xffff;
}

static SBP2Target *device_target(FWDevice *dev)
{
    return SBP2_TARGET(dev);
}

/* Status and response */

void sbp2_management_status(SBP2Target *t)
{
    SBP2Management *m = &t->management;
    SBP2Status status = {
        .node = m->source, .fifo = raw_pointer(m->raw + 24),
        .speed = m->speed, .orb = m->orb, .src = 1,
        .resp = m->resp, .sbp_status = m->sbp_status,
    };

    trace_sbp2_management_end(function(m), m->resp, m->sbp_status);
    m->busy = false;
    t->count.refused += m->resp || m->sbp_status;
    sbp2_send_status(t, &status);
}

static void management_status(SBP2Target *t)
{
    if (!sbp2_faults_management_late(t)) {
        sbp2_management_status(t);
    }
}

static void response_written(FWDevice *dev, int rcode, const uint8_t *data,
                             size_t length, void *opaque)
{
    SBP2Target *t = device_target(dev);

    if (rcode != FW_RCODE_COMPLETE) {
        t->management.resp = SBP2_TRANSPORT_FAILURE;
    }
    management_status(t);
}

static void management_end(SBP2Target *t, unsigned sbp_status)
{
    SBP2Management *m = &t->management;
    size_t wanted = ldl_be_p(m->raw + 20) & 0xffff;
    FWDevice *dev = FW_DEVICE(t);

    m->resp = SBP2_COMPLETE;
    m->sbp_status = sbp_status;
    m->response_length = MIN(m->response_length, wanted);
    if (sbp_status != SBP2_OK || !m->response_length) {
        management_status(t);
        return;
    }
    m->response_length = sbp2_fuzz_response(t, m->response, m->response_length);
    if (!m->response_length) {
        management_status(t);
        return;
    }
    fw_device_write(dev, m->source, dev->generation, raw_pointer(m->raw + 8),
                    m->response, m->response_length, m->speed,
                    response_written, m);
}

/* Logins */

SBP2Login *sbp2_login_by_id(SBP2Target *t, uint16_t id)
{
    if (id < 1 || id > SBP2_MAX_LOGINS || !t->login[id - 1].used) {
        return NULL;
    }
    return &t->login[id - 1];
}

void sbp2_login_drop(SBP2Login *login)
{
    trace_sbp2_login_drop(login->id, login->lun);
    sbp2_agent_abort_all(login);
    sbp2_agent_reset(login);
    sbp2_agent_forget_status(login);
    timer_del(login->hold);
    login->used = false;
    login->suspended = false;
}

static unsigned logins_of_lun(SBP2Target *t, uint16_t lun, bool *exclusive)
{
    unsigned i, count = 0;

    *exclusive = false;
    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        if (t->login[i].used && t->login[i].lun == lun) {
            *exclusive |= t->login[i].exclusive;
            count++;
        }
    }
    return count;
}

/* A login of this initiator that it did not reconnect to is in the way */
static void drop_forgotten(SBP2Target *t, uint16_t lun, uint64_t eui_64)
{
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        SBP2Login *login = &t->login[i];

        if (login->used && login->suspended && login->lun == lun &&
            login->eui_64 == eui_64) {
            sbp2_login_drop(login);
        }
    }
}

static bool has_login(SBP2Target *t, uint16_t lun, uint64_t eui_64)
{
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        if (t->login[i].used && t->login[i].lun == lun &&
            t->login[i].eui_64 == eui_64) {
            return true;
        }
    }
    return false;
}

static SBP2Login *free_login(SBP2Target *t)
{
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        if (!t->login[i].used) {
            t->login[i].id = i + 1;
            return &t->login[i];
        }
    }
    return NULL;
}

static unsigned may_login(SBP2Target *t, uint16_t lun, bool exclusive)
{
    bool held;
    unsigned count = logins_of_lun(t, lun, &held);

    if (!scsi_device_find(&t->scsi, 0, 0, lun) ||
        scsi_device_find(&t->scsi, 0, 0, lun)->lun != lun) {
        return SBP2_LUN_NOT_SUPPORTED;
    }
    if (held || (exclusive && count) ||
        has_login(t, lun, t->management.eui_64)) {
        return SBP2_ACCESS_DENIED;
    }
    if (count >= t->max_logins || sbp2_faults_target_full(t)) {
        return SBP2_RESOURCES_UNAVAILABLE;
    }
    return SBP2_OK;
}

static bool password_fits(SBP2Target *t)
{
    return buffer_is_zero(t->password, sizeof(t->password)) ||
           !memcmp(t->management.password, t->password, sizeof(t->password));
}

static void do_login(SBP2Target *t)
{
    SBP2Management *m = &t->management;
    uint16_t lun = object(m);
    bool exclusive = extract32(control(m), 28, 1);
    unsigned reconnect = 1u << extract32(control(m), 20, 4);
    SBP2Login *login;
    unsigned refused, length;

    drop_forgotten(t, lun, m->eui_64);
    refused = may_login(t, lun, exclusive);
    if (!refused && !password_fits(t)) {
        refused = SBP2_ACCESS_DENIED;
    }
    login = refused ? NULL : free_login(t);
    if (!login) {
        management_end(t, refused ?: SBP2_RESOURCES_UNAVAILABLE);
        return;
    }
    login->used = true;
    login->suspended = false;
    login->exclusive = exclusive;
    login->lun = lun;
    login->node_id = m->source;
    login->eui_64 = m->eui_64;
    login->status_fifo = raw_pointer(m->raw + 24);
    login->hold_s = sbp2_faults_hold_s(t, MIN(reconnect, t->max_hold_s));
    sbp2_agent_reset(login);
    t->count.logins++;
    t->count.welcomes++;
    trace_sbp2_login(login->id, lun, login->node_id, login->hold_s);

    length = sbp2_faults_response_length(t, 16);
    stl_be_p(m->response, length << 16 | login->id);
    stq_be_p(m->response + 4,
             SBP2_COMMAND_AGENTS + (login->id - 1) * SBP2_AGENT_STRIDE);
    stl_be_p(m->response + 12, login->hold_s - 1);
    m->response_length = length;
    management_end(t, SBP2_OK);
}

static void do_query_logins(SBP2Target *t)
{
    SBP2Management *m = &t->management;
    size_t length = 4;
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        SBP2Login *login = &t->login[i];

        if (!login->used || login->lun != object(m) ||
            length + 12 > sizeof(m->response)) {
            continue;
        }
        stl_be_p(m->response + length,
                 (login->suspended ? 0xffffu : login->node_id) << 16 |
                 login->id);
        stq_be_p(m->response + length + 4, login->eui_64);
        length += 12;
    }
    stl_be_p(m->response, length << 16 | t->max_logins);
    m->response_length = length;
    management_end(t, SBP2_OK);
}

static void do_reconnect(SBP2Target *t)
{
    SBP2Management *m = &t->management;
    SBP2Login *login = sbp2_login_by_id(t, object(m));

    if (!login || login->eui_64 != m->eui_64 || !login->suspended) {
        management_end(t, SBP2_LOGIN_ID_UNKNOWN);
        return;
    }
    login->suspended = false;
    login->node_id = m->source;
    timer_del(login->hold);
    t->count.reconnects++;
    t->count.welcomes++;
    trace_sbp2_reconnect(login->id, login->node_id);
    management_end(t, SBP2_OK);
}

static void do_logout(SBP2Target *t, SBP2Login *login)
{
    sbp2_login_drop(login);
    t->count.logouts++;
    management_end(t, SBP2_OK);
}

static void do_set_password(SBP2Target *t)
{
    SBP2Management *m = &t->management;

    memcpy(t->password, m->password, sizeof(t->password));
    management_end(t, SBP2_OK);
}

static void reset_logical_units(SBP2Target *t, SBP2Login *only)
{
    SCSIDevice *device;
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        SBP2Login *login = &t->login[i];

        if (!login->used || (only && login->lun != only->lun)) {
            continue;
        }
        sbp2_agent_abort_all(login);
        sbp2_agent_reset(login);
        device = scsi_device_find(&t->scsi, 0, 0, login->lun);
        if (device) {
            device_cold_reset(DEVICE(device));
        }
    }
    management_end(t, SBP2_OK);
}

/* Functions that name a login; only the node that holds it may use it */
static void with_login(SBP2Target *t)
{
    SBP2Management *m = &t->management;
    SBP2Login *login = sbp2_login_by_id(t, object(m));

    if (!login) {
        management_end(t, SBP2_LOGIN_ID_UNKNOWN);
        return;
    }
    if (login->node_id != m->source || login->suspended) {
        management_end(t, SBP2_ACCESS_DENIED);
        return;
    }
    switch (function(m)) {
    case SBP2_LOGOUT:
        do_logout(t, login);
        break;
    case SBP2_SET_PASSWORD:
        do_set_password(t);
        break;
    case SBP2_ABORT_TASK:
        sbp2_agent_abort_task(login, raw_pointer(m->raw));
        management_end(t, SBP2_OK);
        break;
    case SBP2_ABORT_TASK_SET:
        sbp2_agent_abort_task_set(login);
        management_end(t, SBP2_OK);
        break;
    case SBP2_LOGICAL_UNIT_RESET:
        reset_logical_units(t, login);
        break;
    default:
        reset_logical_units(t, NULL);
        break;
    }
}

static void management_dispatch(SBP2Target *t)
{
    unsigned refused = sbp2_faults_refuse(t, function(&t->management));

    if (refused) {
        management_end(t, refused);
        return;
    }
    switch (function(&t->management)) {
    case SBP2_LOGIN:
        do_login(t);
        break;
    case SBP2_QUERY_LOGINS:
        do_query_logins(t);
        break;
    case SBP2_RECONNECT:
        do_reconnect(t);
        break;
    case SBP2_LOGOUT:
    case SBP2_SET_PASSWORD:
    case SBP2_ABORT_TASK:
    case SBP2_ABORT_TASK_SET:
    case SBP2_LOGICAL_UNIT_RESET:
    case SBP2_TARGET_RESET:
        with_login(t);
        break;
    default:
        management_end(t, SBP2_NOT_SUPPORTED);
        break;
    }
}

/* Fetching: the ORB, then the initiator's EUI-64 out of its ROM */

static void management_fail(SBP2Target *t)
{
    t->management.resp = SBP2_TRANSPORT_FAILURE;
    t->management.sbp_status = SBP2_UNSPECIFIED;
    management_status(t);
}

static void got_password(FWDevice *dev, int rcode, const uint8_t *data,
                         size_t length, void *opaque)
{
    SBP2Target *t = device_target(dev);

    if (rcode != FW_RCODE_COMPLETE || length > sizeof(t->management.password)) {
        management_fail(t);
        return;
    }
    memcpy(t->management.password, data, length);
    management_dispatch(t);
}

/* password_length 0: up to 8 bytes are in the ORB itself, padded with zeros */
static void get_password(SBP2Target *t)
{
    SBP2Management *m = &t->management;
    unsigned length = ldl_be_p(m->raw + 20) >> 16;

    memset(m->password, 0, sizeof(m->password));
    if (!length) {
        memcpy(m->password, m->raw, 8);
        management_dispatch(t);
        return;
    }
    fw_device_read(FW_DEVICE(t), m->source, FW_DEVICE(t)->generation,
                   raw_pointer(m->raw), MIN(length, sizeof(m->password)),
                   m->speed, got_password, m);
}

static void got_guid_lo(FWDevice *dev, int rcode, const uint8_t *data,
                        size_t length, void *opaque)
{
    SBP2Target *t = device_target(dev);

    if (rcode != FW_RCODE_COMPLETE || length != 4) {
        management_fail(t);
        return;
    }
    t->management.eui_64 |= (uint32_t)ldl_be_p(data);
    if (function(&t->management) == SBP2_LOGIN) {
        get_password(t);
    } else {
        management_dispatch(t);
    }
}

static void got_guid_hi(FWDevice *dev, int rcode, const uint8_t *data,
                        size_t length, void *opaque)
{
    SBP2Target *t = device_target(dev);
    SBP2Management *m = &t->management;

    if (rcode != FW_RCODE_COMPLETE || length != 4) {
        management_fail(t);
        return;
    }
    m->eui_64 = (uint64_t)ldl_be_p(data) << 32;
    fw_device_read(dev, m->source, dev->generation, ROM_GUID + 4, 4, FW_S100,
                   got_guid_lo, m);
}

static void got_orb(FWDevice *dev, int rcode, const uint8_t *data,
                    size_t length, void *opaque)
{
    SBP2Target *t = device_target(dev);
    SBP2Management *m = &t->management;

    /* Without the ORB there is no status_FIFO to tell anything to */
    if (rcode != FW_RCODE_COMPLETE || length != sizeof(m->raw)) {
        m->busy = false;
        return;
    }
    memcpy(m->raw, data, sizeof(m->raw));
    m->response_length = 0;
    trace_sbp2_management(m->source, function(m), object(m), m->orb);
    if (sbp2_fault(t, SBP2_FAULT_MANAGEMENT_LOST)) {
        m->busy = false;
        return;
    }
    if (function(m) == SBP2_LOGIN || function(m) == SBP2_RECONNECT) {
        fw_device_read(dev, m->source, dev->generation, ROM_GUID, 4, FW_S100,
                       got_guid_hi, m);
    } else if (function(m) == SBP2_SET_PASSWORD) {
        get_password(t);
    } else {
        management_dispatch(t);
    }
}

void sbp2_management_write(SBP2Target *t, FWRequest *req, const uint8_t *data,
                           size_t length)
{
    SBP2Management *m = &t->management;
    FWDevice *dev = FW_DEVICE(t);

    if (length != 8) {
        fw_device_respond(dev, req, FW_RCODE_TYPE_ERROR, NULL, 0);
        return;
    }
    if (m->busy || sbp2_fault(t, SBP2_FAULT_MANAGEMENT_BUSY)) {
        fw_device_respond(dev, req, FW_RCODE_CONFLICT_ERROR, NULL, 0);
        return;
    }
    t->count.management++;
    m->busy = true;
    m->source = fw_request_source(req);
    m->speed = fw_request_speed(req);
    m->orb = raw_pointer(data);
    fw_device_respond(dev, req, FW_RCODE_COMPLETE, NULL, 0);
    fw_device_read(dev, m->source, dev->generation, m->orb, sizeof(m->raw),
                   m->speed, got_orb, m);
}

/* The request is forgotten; logins wait for a reconnect while the hold lasts */
void sbp2_management_bus_reset(SBP2Target *t)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    unsigned i;

    fw_device_cancel(FW_DEVICE(t), &t->management);
    t->management.busy = false;
    sbp2_faults_bus_reset(t);
    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        SBP2Login *login = &t->login[i];

        if (!login->used) {
            continue;
        }
        sbp2_agent_abort_all(login);
        sbp2_agent_reset(login);
        login->suspended = true;
        timer_mod(login->hold, now + login->hold_s * NANOSECONDS_PER_SECOND);
    }
}
